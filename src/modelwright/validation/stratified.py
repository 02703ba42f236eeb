"""Folds that all have the same mix of classes, or the same spread of target values."""

from __future__ import annotations

import numpy as np

from modelwright.core import IntArray, generator
from modelwright.validation.folds import Folds, SplitRequest, check_enough, folds_of, rare_classes

__all__ = ["stratified"]


def stratified(request: SplitRequest) -> Folds:
    """K-fold split in which each fold has its share of every class (or of every target quantile).

    Classes with fewer rows than folds are spread over as many folds as they have rows; the row of a
    class of one is never validated.

    Raises
    ------
    DataError
        If there are fewer rows to validate than folds.

    Examples
    --------
    >>> from modelwright.core import Problem, Task
    >>> problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", ("no", "yes"))
    >>> folds = stratified(SplitRequest(problem, np.array([0, 0, 0, 0, 1, 1]), count=2, seed=0))
    >>> [int((request > 3).sum()) for request in folds.valid]
    [1, 1]
    """
    random = generator(request.seed, "stratified")
    single, findings = rare_classes(request)
    eligible = random.permutation(np.flatnonzero(~single))
    check_enough(
        len(eligible), request.count, "rows (those that are the only one of their class not counted)"
    )
    order = eligible[np.argsort(request.target[eligible], kind="stable")]
    assigned = np.full(request.rows, -1, dtype=np.int64)
    if request.problem.task.is_classification:
        # Dealt like cards, class after class: sizes differ by one at most, in a fold and in a class.
        assigned[order] = random.permutation(request.count)[np.arange(len(order)) % request.count]
    else:
        assigned[order] = _dealt_in_blocks(len(order), request.count, random)
    return folds_of(assigned, request, "stratified", findings)


def _dealt_in_blocks(rows: int, count: int, random: np.random.Generator) -> IntArray:
    """Each run of ``count`` neighbours in the order of the target goes to all folds, shuffled.

    Dealing values in their order would give the last fold the highest of every block.
    """
    blocks = -(-rows // count)
    shuffled = random.permuted(np.tile(np.arange(count), (blocks, 1)), axis=1)
    return shuffled.reshape(-1)[:rows].astype(np.int64)
