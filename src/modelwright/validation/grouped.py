"""Folds that never divide a group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, IntArray, OptionError, Problem, generator
from modelwright.validation.folds import Folds, SplitRequest, check_enough, folds_of, ranks, rare_classes

__all__ = ["assign_groups", "group_codes", "grouped", "group_strata"]

_STRATA = 50
"""Classes beyond the most frequent ones are balanced together."""

_QUANTILES = 5
"""Strata of a regression target."""

_ONE_BY_ONE = 4_000
"""The largest groups are placed one by one; so many small ones even out by themselves."""

_GOLDEN = (5**0.5 - 1) / 2


def grouped(request: SplitRequest) -> Folds:
    """K-fold split by groups, balanced in rows and in the mix of classes (or target quantiles).

    A row that is the only one of its class is not validated. Where its group is validated, it is not
    learned from either, so that the group stays whole.

    Raises
    ------
    OptionError
        If there are no groups.
    DataError
        If there are fewer groups than folds.

    Examples
    --------
    >>> from modelwright.core import Problem, Task
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    >>> groups = np.array(["a", "a", "b", "b", "c"])
    >>> folds = grouped(SplitRequest(problem, np.arange(5.0), count=3, seed=0, groups=groups))
    >>> sorted(rows.tolist() for rows in folds.valid)
    [[0, 1], [2, 3], [4]]
    """
    if request.groups is None:
        raise OptionError("The grouped split needs groups, but none came. Name the column that holds them.")
    single, findings = rare_classes(request)
    codes = group_codes(request.groups)
    strata = group_strata(request.problem, request.target)
    counts = _counts(codes[~single], strata[~single], int(codes.max(initial=-1)) + 1)
    usable = np.flatnonzero(counts.sum(axis=1) > 0)
    named = f" in {request.problem.group!r}" if request.problem.group else ""
    remedy = "Go without a group column, name another one, or give more data."
    check_enough(len(usable), request.count, f"groups of rows{named}", remedy)
    shares = np.full(request.count, 1 / request.count)
    fold_of_group = np.full(len(counts), -1, dtype=np.int64)
    fold_of_group[usable] = assign_groups(counts[usable], shares, generator(request.seed, "grouped"))
    assigned = fold_of_group[codes]
    folds = folds_of(assigned, request, "grouped", findings)
    valid = tuple(rows[~single[rows]] for rows in folds.valid)
    return Folds(folds.train, valid, folds.scheme, folds.reason, folds.findings)


def group_codes(groups: NDArray[Any]) -> IntArray:
    """Groups as codes from 0; every row without a group is a group of its own.

    Examples
    --------
    >>> group_codes(np.array(["b", None, "a", None], dtype=object)).tolist()
    [1, 2, 0, 3]
    """
    codes = ranks(groups)
    missing = np.flatnonzero(codes < 0)
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(len(missing))
    return codes


def group_strata(problem: Problem, target: NDArray[Any]) -> IntArray:
    """What is balanced between folds: class codes, or target quantiles."""
    if problem.task.is_classification:
        sizes = np.bincount(target)
        if len(sizes) <= _STRATA:
            return target.astype(np.int64)
        place = np.empty(len(sizes), dtype=np.int64)
        place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        return np.asarray(np.minimum(place[target], _STRATA - 1))
    edges = np.quantile(target, np.arange(1, _QUANTILES) / _QUANTILES) if len(target) else np.zeros(0)
    return np.searchsorted(edges, target, side="right").astype(np.int64)


def _counts(codes: IntArray, strata: IntArray, groups: int) -> FloatArray:
    width = int(strata.max(initial=0)) + 1
    cells = np.bincount(codes * width + strata, minlength=groups * width)
    return cells.reshape(groups, width).astype(np.float64)


def assign_groups(counts: FloatArray, shares: FloatArray, random: np.random.Generator) -> IntArray:
    """Put each group into one part so that every part gets its share of every stratum.

    Large groups first, each where it disturbs the balance least, as in the greedy of scikit-learn's
    StratifiedGroupKFold, but in one pass of closed-form costs and for parts of unequal size.

    Parameters
    ----------
    counts : float array, shape (groups, strata)
        Rows of each group in each stratum.
    shares : float array, shape (parts,)
        Share of the rows that each part should get; sums to 1.
    random : numpy Generator
        Breaks ties.

    Returns
    -------
    int64 array, shape (groups,)
        Part of each group. No part stays empty if all shares are equal and there are enough groups.

    Examples
    --------
    >>> parts = assign_groups(np.array([[2.0], [1.0], [1.0]]), np.array([0.5, 0.5]), np.random.default_rng(0))
    >>> bool(parts[1] == parts[2] != parts[0])
    True
    """
    # The rows as a whole are one more stratum: folds should be of equal size too.
    table = np.column_stack([counts, counts.sum(axis=1)])
    scaled = table / np.maximum(table.sum(axis=0), 1.0)
    order = random.permutation(len(table))
    order = order[np.argsort(-table[order, -1], kind="stable")]
    parts = np.empty(len(table), dtype=np.int64)
    filled = np.zeros((len(shares), table.shape[1]))
    for group in order[:_ONE_BY_ONE]:
        row = scaled[group]
        cost = (2 * filled @ row + row @ row) / shares
        best = np.flatnonzero(cost <= cost.min() * (1 + 1e-9))
        chosen = best[np.argmin(filled[best, -1] / shares[best])]
        parts[group] = chosen
        filled[chosen] += row
    rest = order[_ONE_BY_ONE:]
    rest = rest[np.argsort(np.argmax(counts[rest], axis=1), kind="stable")]
    # Multiples of the golden ratio modulo 1 spread evenly over [0, 1) in every stretch.
    spread = (random.random() + np.arange(len(rest)) * _GOLDEN) % 1.0
    parts[rest] = np.minimum(np.searchsorted(np.cumsum(shares), spread, side="right"), len(shares) - 1)
    return parts
