"""From a typed table to what learners consume: views, and the encoders that are fitted inside a fold."""

from modelwright.features.catalog import TRANSFORMERS
from modelwright.features.column_screen import ColumnScreen
from modelwright.features.dense import DenseEncoder
from modelwright.features.featurizer import Featurizer
from modelwright.features.generated import GeneratedFeatures, Training
from modelwright.features.generation import (
    FEWEST_ROWS,
    MOST_CLASSES,
    Chosen,
    choose_features,
    search_seconds,
)
from modelwright.features.levels import KnownLevels, fold_codes
from modelwright.features.options import FeatureOptions
from modelwright.features.row import RowFeaturizer
from modelwright.features.screening import screen_columns
from modelwright.features.source_values import SourceValues
from modelwright.features.sparse import as_csr
from modelwright.features.target_encoding import TargetEncoder
from modelwright.features.transformer import Transformer
from modelwright.features.trees import TreeEncoder
from modelwright.features.view_files import open_view, write_view

__all__ = [
    "FEWEST_ROWS",
    "MOST_CLASSES",
    "TRANSFORMERS",
    "Chosen",
    "ColumnScreen",
    "DenseEncoder",
    "FeatureOptions",
    "Featurizer",
    "GeneratedFeatures",
    "KnownLevels",
    "RowFeaturizer",
    "SourceValues",
    "TargetEncoder",
    "Training",
    "Transformer",
    "TreeEncoder",
    "as_csr",
    "choose_features",
    "fold_codes",
    "open_view",
    "screen_columns",
    "search_seconds",
    "write_view",
]
