"""One part of the rows kept aside: the sealed holdout of a run, or a single validation split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import DataError, IntArray, OptionError, Problem, generator
from modelwright.validation.folds import Folds, SplitRequest, check_enough, ranks, rare_classes
from modelwright.validation.grouped import assign_groups, group_codes, group_strata
from modelwright.validation.label_strata import as_classes
from modelwright.validation.temporal import cut_times, outside_groups

__all__ = ["holdout", "split_holdout"]


def holdout(request: SplitRequest) -> Folds:
    """A single fold that validates one part in ``count`` of the rows.

    Follows groups and times where they are given; see `split_holdout`.

    Examples
    --------
    >>> from modelwright.core import Problem, Task
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    >>> folds = holdout(SplitRequest(problem, np.arange(20.0), count=4, seed=0))
    >>> folds.count, len(folds.train[0]), len(folds.valid[0])
    (1, 15, 5)
    """
    _, findings = rare_classes(request)
    train, valid = _split(request, 1 / request.count)
    return Folds((train,), (valid,), "holdout", request.reason, tuple(findings))


def split_holdout(
    problem: Problem,
    target: NDArray[Any],
    fraction: float,
    seed: int,
    groups: NDArray[Any] | None = None,
    times: NDArray[Any] | None = None,
) -> tuple[IntArray, IntArray]:
    """Keep a fraction of the rows aside by the same rules as the folds.

    With times it is the last rows (equal times are never divided); with groups whole groups; otherwise
    every class, or every target quantile, gives its share. Some row of every class always stays in the
    training part; where time would take a whole class, its rows stay in the training part, since a
    class that was never seen can be neither learned nor scored. With times and groups, earlier rows of
    the groups kept aside are in neither part.

    Parameters
    ----------
    problem : Problem
        Resolved.
    target : array, shape (rows,)
        int64 class codes or float64 values; shape (rows, labels) for a multilabel task.
    fraction : float
        Share of the rows to keep aside, between 0 and 1.
    seed : int
        Equal seeds give equal parts.
    groups, times : array, shape (rows,), optional

    Returns
    -------
    train_rows, holdout_rows : int64 arrays
        Ascending, without a row in common, neither of them empty.

    Raises
    ------
    OptionError
        If the fraction is not between 0 and 1.
    DataError
        If there are too few rows, groups or times.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
    >>> train, aside = split_holdout(problem, np.array([0] * 8 + [1] * 4), 0.25, seed=0)
    >>> len(train), int((aside >= 8).sum()), int((aside < 8).sum())
    (9, 1, 2)
    """
    if isinstance(fraction, bool) or not 0 < fraction < 1:
        raise OptionError(
            f"The holdout must be a fraction between 0 and 1, but came as {fraction!r}. Try 0.2."
        )
    problem, target = as_classes(problem, np.asarray(target))
    return _split(SplitRequest(problem, target, 2, seed, groups, times), float(fraction))


def _split(request: SplitRequest, fraction: float) -> tuple[IntArray, IntArray]:
    if request.times is not None:
        aside = _latest(request, request.times, fraction)
    elif request.groups is not None:
        aside = _whole_groups(request, request.groups, fraction)
    else:
        aside = _evenly_spread(request, fraction)
    if not aside.any() or aside.all():
        raise DataError(
            f"A holdout of {fraction:g} cannot be taken from {request.rows} rows without taking the "
            "last row of a class or dividing a group. Go without a holdout, or give more rows."
        )
    rows = np.flatnonzero(aside).astype(np.int64)
    rest = np.flatnonzero(~aside).astype(np.int64)
    return (outside_groups(rest, rows, request) if request.times is not None else rest), rows


def _exhausted(request: SplitRequest, aside: NDArray[np.bool_]) -> IntArray:
    """Codes of the classes whose every row is kept aside."""
    if not request.problem.task.is_classification:
        return np.zeros(0, dtype=np.int64)
    sizes = np.bincount(request.target)
    taken = np.bincount(request.target[aside], minlength=len(sizes))
    return np.flatnonzero((sizes > 0) & (taken == sizes)).astype(np.int64)


def _latest(request: SplitRequest, times: NDArray[Any], fraction: float) -> NDArray[np.bool_]:
    moments = ranks(times)
    check_enough(int(moments.max(initial=-1)) + 1, 2, "different times", "Go without a time column.")
    aside: NDArray[np.bool_] = moments > cut_times(moments, np.array([1 - fraction]))[0]
    exhausted = _exhausted(request, aside)
    return aside & ~np.isin(request.target, exhausted) if len(exhausted) else aside


def _whole_groups(request: SplitRequest, groups: NDArray[Any], fraction: float) -> NDArray[np.bool_]:
    codes = group_codes(groups)
    check_enough(int(codes.max(initial=-1)) + 1, 2, "groups of rows", "Go without a group column.")
    strata = group_strata(request.problem, request.target)
    counts = np.zeros((int(codes.max()) + 1, int(strata.max()) + 1))
    np.add.at(counts, (codes, strata), 1.0)
    shares = np.array([1 - fraction, fraction])
    parts = assign_groups(counts, shares, generator(request.seed, "holdout"))
    sizes = counts.sum(axis=1)
    if not parts.any():  # a few large groups: the smallest is then the nearest to the fraction
        parts[np.argmin(sizes)] = 1
    for code in _exhausted(request, parts[codes] == 1):
        having = np.unique(codes[request.target == code])
        if parts[having].all():  # giving back the smallest group that has the class costs least
            parts[having[np.argmin(sizes[having])]] = 0
    return np.asarray(parts[codes] == 1)


def _evenly_spread(request: SplitRequest, fraction: float) -> NDArray[np.bool_]:
    """One row from each of as many stretches of the rows in the order of the target."""
    random = generator(request.seed, "holdout")
    single, _ = rare_classes(request)
    eligible = random.permutation(np.flatnonzero(~single))
    aside = np.zeros(request.rows, dtype=np.bool_)
    if len(eligible) < 2:
        return aside
    order = eligible[np.argsort(request.target[eligible], kind="stable")]
    wanted = int(np.clip(round(len(order) * fraction), 1, len(order) - 1))
    edges = np.arange(wanted + 1) * len(order) // wanted
    picked = edges[:-1] + (random.random(wanted) * np.diff(edges)).astype(np.int64)
    aside[order[picked]] = True
    for code in _exhausted(request, aside):
        aside[np.flatnonzero(request.target == code)[0]] = False
    return aside
