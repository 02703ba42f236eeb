"""Folds along time: learn from the past, validate on what came next."""

from __future__ import annotations

import numpy as np

from modelwright.core import DataError, Finding, FloatArray, IntArray, OptionError
from modelwright.validation.folds import Folds, SplitRequest, check_enough, ranks, rare_classes
from modelwright.validation.grouped import group_codes

__all__ = ["cut_times", "outside_groups", "temporal"]

_FIRST_SHARE = 1 / 3
"""Share of the rows that the first fold learns from, at least: models of less say little of the final one."""


def temporal(request: SplitRequest) -> Folds:
    """Forward chaining: each fold learns from everything before a block of time and validates on it.

    The blocks hold about equally many rows; equal times are never divided. The first rows (at least a
    third, as far as the times allow) are never validated. Rows without a time are always train. Where
    there are groups too, rows of a group that is being validated are left out of training.

    Source: Hyndman and Athanasopoulos, "Forecasting: Principles and Practice" (2021), 5.10.

    Raises
    ------
    OptionError
        If there are no times.
    DataError
        If there are too few different times for the folds, or groups leave nothing to learn from.

    Examples
    --------
    >>> from modelwright.core import Problem, Task
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    >>> days = np.array([3, 1, 2, 4, 2])
    >>> folds = temporal(SplitRequest(problem, np.arange(5.0), count=2, seed=0, times=days))
    >>> [(train.tolist(), valid.tolist()) for train, valid in zip(folds.train, folds.valid)]
    [([1], [2, 4]), ([1, 2, 4], [0, 3])]
    """
    if request.times is None:
        raise OptionError("The temporal split needs times, but none came. Name the column that holds them.")
    moments = ranks(request.times)
    distinct = int(moments.max(initial=-1)) + 1
    named = f" in {request.problem.time_column!r}" if request.problem.time_column else ""
    remedy = "Go without a time column, name another one, or give more data."
    check_enough(distinct, request.count + 1, f"different times{named} (one more than folds)", remedy)
    single, findings = rare_classes(request)
    findings += _without_time(moments)
    first = max(_FIRST_SHARE, 1 / (request.count + 1))
    shares = first + (1 - first) * np.arange(request.count) / request.count
    cuts = cut_times(moments, shares)
    train, valid = [], []
    for fold, cut in enumerate(cuts):
        end = cuts[fold + 1] if fold + 1 < len(cuts) else distinct
        validated = (moments > cut) & (moments <= end)
        if (validated & ~single).any():
            validated &= ~single
        rows = np.flatnonzero(validated).astype(np.int64)
        past = np.flatnonzero(moments <= cut).astype(np.int64)
        valid.append(rows)
        train.append(outside_groups(past, rows, request))
    return Folds(tuple(train), tuple(valid), "temporal", request.reason, tuple(findings))


def cut_times(moments: IntArray, shares: FloatArray) -> list[int]:
    """Ranks of time after which to cut so that about these shares of the rows lie before each cut.

    Parameters
    ----------
    moments : int64 array, shape (rows,)
        Rank of each row's time among the distinct times; -1 for none.
    shares : float array, shape (cuts,)
        Ascending, in (0, 1). There must be more distinct times than cuts.

    Returns
    -------
    list of int
        Strictly ascending; each cut leaves at least one time behind it.

    Examples
    --------
    >>> cut_times(np.array([0, 0, 0, 0, 1, 2]), np.array([0.5, 0.75]))
    [0, 1]
    """
    before = np.cumsum(np.bincount(moments[moments >= 0]))
    cuts: list[int] = []
    for number, share in enumerate(shares):
        lowest = cuts[-1] + 1 if cuts else 0
        highest = len(before) - 1 - (len(shares) - number)
        distance = np.abs(before[lowest : highest + 1] - share * before[-1])
        cuts.append(lowest + int(np.argmin(distance)))
    return cuts


def outside_groups(past: IntArray, validated: IntArray, request: SplitRequest) -> IntArray:
    """The rows of the past whose group is not being validated (all of them without groups)."""
    if request.groups is None:
        return past
    codes = group_codes(request.groups)
    kept = past[~np.isin(codes[past], codes[validated])]
    if not len(kept):
        raise DataError(
            "Every group of the past occurs again in the rows to validate, so that nothing is left to "
            "learn from. Name the time column alone if the same groups are to be predicted later on, the "
            "group alone if new groups are; not both."
        )
    return kept


def _without_time(moments: IntArray) -> list[Finding]:
    missing = int((moments < 0).sum())
    if not missing:
        return []
    return [
        Finding(
            check="missing_time",
            severity="warning",
            message=f"{missing} rows have no time, so nobody knows what came before them.",
            action="They are always learned from and never validated.",
            evidence={"rows": missing},
        )
    ]
