"""How rows are split to score models honestly, and checks of the data that such scores depend on."""

from modelwright.validation.catalog import SPLITTERS
from modelwright.validation.combined_classes import find_combined_classes
from modelwright.validation.copies import copies_as_groups
from modelwright.validation.duplicates import find_duplicates
from modelwright.validation.folds import Folds, SplitRequest
from modelwright.validation.holdout import split_holdout
from modelwright.validation.leaks import find_leaks
from modelwright.validation.splitting import make_folds

__all__ = [
    "SPLITTERS",
    "Folds",
    "SplitRequest",
    "copies_as_groups",
    "find_combined_classes",
    "find_duplicates",
    "find_leaks",
    "make_folds",
    "split_holdout",
]
