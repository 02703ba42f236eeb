"""AutoML: from a table and a target to a model, planned, executed and written as a bundle."""

from modelwright.automl.bundle import FORMAT_VERSION, open_bundle
from modelwright.automl.comparing import ModelComparison, compare
from modelwright.automl.execute import execute
from modelwright.automl.model import Model
from modelwright.automl.performance import Performance
from modelwright.automl.plan import Decision, Plan, make_plan
from modelwright.automl.planning import plan_only
from modelwright.automl.prepare import Holdout, Prepared, prepare
from modelwright.automl.request import TrainOutcome, TrainRequest
from modelwright.automl.terms import ModelTerm, OutputTerms, TermCell, Where
from modelwright.automl.train import load, load_model, train

__all__ = [
    "FORMAT_VERSION",
    "Decision",
    "Holdout",
    "Model",
    "ModelComparison",
    "ModelTerm",
    "OutputTerms",
    "Performance",
    "Plan",
    "Prepared",
    "TermCell",
    "TrainOutcome",
    "TrainRequest",
    "Where",
    "compare",
    "execute",
    "load",
    "load_model",
    "make_plan",
    "open_bundle",
    "plan_only",
    "prepare",
    "train",
]
