"""Folds of rows at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelwright.core import generator
from modelwright.validation.folds import Folds, SplitRequest, check_enough, folds_of, rare_classes
from modelwright.validation.stratified import stratified

__all__ = ["kfold"]


def kfold(request: SplitRequest) -> Folds:
    """K-fold split at random; for regression each fold gets its share of every target quantile.

    A skewed target would otherwise leave some folds without its few large values, and their scores
    would differ for that reason alone.

    Raises
    ------
    DataError
        If there are fewer rows to validate than folds.
    """
    if not request.problem.task.is_classification:
        return replace(stratified(request), scheme="kfold")
    random = generator(request.seed, "kfold")
    single, findings = rare_classes(request)
    eligible = random.permutation(np.flatnonzero(~single))
    check_enough(
        len(eligible), request.count, "rows (those that are the only one of their class not counted)"
    )
    assigned = np.full(request.rows, -1, dtype=np.int64)
    assigned[eligible] = np.arange(len(eligible)) % request.count
    return folds_of(assigned, request, "kfold", findings)
