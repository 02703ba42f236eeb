"""Choosing how to validate, from what is known of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, Problem, Task
from modelwright.validation.catalog import SPLITTERS
from modelwright.validation.folds import Folds, SplitRequest
from modelwright.validation.label_strata import as_classes

__all__ = ["make_folds"]


def make_folds(
    problem: Problem,
    target: NDArray[Any],
    *,
    count: int,
    seed: int,
    groups: NDArray[Any] | None = None,
    times: NDArray[Any] | None = None,
    scheme: str | None = None,
) -> Folds:
    """Split the rows for validation: along time, by groups, by class, or at random.

    Parameters
    ----------
    problem : Problem
        Resolved: the task is known.
    target : array, shape (rows,)
        int64 class codes or float64 values; shape (rows, labels) for a multilabel task.
    count : int
        Number of folds, 2 or more.
    seed : int
        Equal arguments with equal seeds give equal folds.
    groups, times : array, shape (rows,), optional
        Rows of one group stay together; no row is learned from that is later than one validated.
    scheme : str, optional
        Name of a splitter in `SPLITTERS`. By default ``temporal`` where there are times, ``grouped``
        where there are groups, ``stratified`` for classes, ``kfold`` for values.

    Returns
    -------
    Folds
        With the scheme and the reason for it. Every row is validated once, except the rows that are
        the only one of their class, and under ``temporal`` and ``holdout`` (at most once).

    Raises
    ------
    UnknownName
        If there is no such scheme.
    BadInput
        If there are fewer rows, groups or times than the folds need.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
    >>> folds = make_folds(problem, np.arange(10) % 2, count=5, seed=0)
    >>> folds.scheme, folds.count, [len(rows) for rows in folds.valid]
    ('stratified', 5, [2, 2, 2, 2, 2])
    """
    chosen, reason = _choose(problem, groups is not None, times is not None)
    if scheme is not None and scheme != chosen:
        chosen, reason = scheme, "Asked for by name."
    problem, target = as_classes(problem, np.asarray(target))
    request = SplitRequest(problem, target, count, seed, groups, times, reason)
    folds: Folds = SPLITTERS.load(chosen)(request)
    empty = [fold for fold in range(folds.count) if not len(folds.train[fold]) or not len(folds.valid[fold])]
    if empty:
        raise BadInput(
            f"The {chosen} split left fold {empty[0] + 1} of {folds.count} without rows to learn from or "
            "to validate. Ask for fewer folds, or give more rows."
        )
    return folds


def _choose(problem: Problem, has_groups: bool, has_times: bool) -> tuple[str, str]:
    if has_times:
        column = problem.time_column or "time"
        return (
            "temporal",
            f"Rows are ordered by {column!r}: learning from the past, scored on what came next.",
        )
    if has_groups:
        column = problem.group or "group"
        return "grouped", f"Rows with the same {column!r} belong together and are never divided."
    if problem.task is Task.MULTILABEL:
        return "stratified", "Each fold has its share of every row's rarest label."
    if problem.task.is_classification:
        return "stratified", "Each fold has its share of every class."
    return "kfold", "Each fold has its share of small and large target values."
