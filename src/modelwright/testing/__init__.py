"""Public contract suites: what every learner, metric, splitter ... must do, for plugin authors too."""

from modelwright.testing.encoders import TARGET_ENCODER_CHECKS, check_target_encoder
from modelwright.testing.executors import (
    EXECUTOR_CHECKS,
    SUPERVISED,
    check_executor,
    run_executor_check,
)
from modelwright.testing.learners import (
    LEARNER_CHECKS,
    check_learner,
    run_learner_check,
)
from modelwright.testing.learning_tables import LearningTable, make_learning_table
from modelwright.testing.metrics import METRIC_CHECKS, check_metric, run_metric_check
from modelwright.testing.searchers import SEARCHER_CHECKS, check_searcher, run_searcher_check
from modelwright.testing.sources import SOURCE_CHECKS, check_source, run_source_check
from modelwright.testing.splitters import (
    SPLITTER_CHECKS,
    SplitterPromises,
    check_splitter,
    run_splitter_check,
)
from modelwright.testing.transformers import (
    TRANSFORMER_CHECKS,
    check_transformer,
    make_columns,
    run_transformer_check,
)
from modelwright.testing.violation import ContractViolation

__all__ = [
    "EXECUTOR_CHECKS",
    "LEARNER_CHECKS",
    "METRIC_CHECKS",
    "SEARCHER_CHECKS",
    "SOURCE_CHECKS",
    "SPLITTER_CHECKS",
    "SUPERVISED",
    "TARGET_ENCODER_CHECKS",
    "TRANSFORMER_CHECKS",
    "ContractViolation",
    "LearningTable",
    "SplitterPromises",
    "check_executor",
    "check_learner",
    "check_metric",
    "check_searcher",
    "check_source",
    "check_splitter",
    "check_target_encoder",
    "check_transformer",
    "make_columns",
    "make_learning_table",
    "run_executor_check",
    "run_learner_check",
    "run_metric_check",
    "run_searcher_check",
    "run_source_check",
    "run_splitter_check",
    "run_transformer_check",
]
