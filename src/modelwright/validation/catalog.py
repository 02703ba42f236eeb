"""The splitters: adding one is one file and one line here (or an entry point elsewhere)."""

from __future__ import annotations

from modelwright.core import Catalog

__all__ = ["SPLITTERS"]

SPLITTERS = Catalog(
    "splitter",
    {
        "stratified": "modelwright.validation.stratified:stratified",
        "kfold": "modelwright.validation.kfold:kfold",
        "grouped": "modelwright.validation.grouped:grouped",
        "temporal": "modelwright.validation.temporal:temporal",
        "holdout": "modelwright.validation.holdout:holdout",
    },
)
"""Name to a function that turns a `SplitRequest` into `Folds`."""
