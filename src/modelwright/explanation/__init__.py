"""Why a model says what it says: importance, dependence, interactions, counterfactuals.

Most of it asks a `Predictor`, a prediction function over typed frames of source columns, and nothing else;
attributions look into the ensemble.
"""

from modelwright.explanation.attributions import Attributions, attribute
from modelwright.explanation.counterfactuals import (
    Change,
    Counterfactual,
    CounterfactualOptions,
    Counterfactuals,
    find_counterfactuals,
)
from modelwright.explanation.dependence import Dependence, DependenceOptions, DependencePoint, dependence
from modelwright.explanation.domain import OutsideValue, outside_values, rows_by_column
from modelwright.explanation.grouping import associations, associations_with, group_columns
from modelwright.explanation.interactions import (
    InteractionOptions,
    Interactions,
    PairInteraction,
    changing_columns,
    interactions,
)
from modelwright.explanation.permutation import (
    ColumnImportance,
    Importance,
    ImportanceOptions,
    permutation_importance,
)
from modelwright.explanation.predictor import (
    DAY,
    FunctionPredictor,
    Predictor,
    SourceColumn,
    describe_columns,
    plain_value,
    shown_value,
)
from modelwright.explanation.reasons import Reason, RowReasons, Wording, row_reasons
from modelwright.explanation.shapley import sampled_contributions
from modelwright.explanation.wishes import Wish

__all__ = [
    "DAY",
    "Attributions",
    "Change",
    "ColumnImportance",
    "Counterfactual",
    "CounterfactualOptions",
    "Counterfactuals",
    "Dependence",
    "DependenceOptions",
    "DependencePoint",
    "FunctionPredictor",
    "Importance",
    "ImportanceOptions",
    "InteractionOptions",
    "Interactions",
    "OutsideValue",
    "PairInteraction",
    "Predictor",
    "Reason",
    "RowReasons",
    "SourceColumn",
    "Wish",
    "Wording",
    "associations",
    "associations_with",
    "attribute",
    "changing_columns",
    "dependence",
    "describe_columns",
    "find_counterfactuals",
    "group_columns",
    "interactions",
    "outside_values",
    "permutation_importance",
    "plain_value",
    "row_reasons",
    "rows_by_column",
    "sampled_contributions",
    "shown_value",
]
