"""Quantiles of weighted values, for learners that predict them."""

from __future__ import annotations

import numpy as np

from modelwright.core import FloatArray, IntArray

__all__ = ["group_quantiles", "weighted_quantile"]


def weighted_quantile(values: FloatArray, weights: FloatArray | None, level: float) -> float:
    """A minimiser of the weighted quantile loss (the middle of two, where both are).

    Examples
    --------
    >>> weighted_quantile(np.array([1.0, 2.0, 3.0, 4.0]), None, 0.5)
    2.5
    >>> weighted_quantile(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 1.0, 9.0]), 0.5)
    4.0
    """
    return float(group_quantiles(values, weights, np.zeros(len(values), np.int64), level)[0])


def group_quantiles(
    values: FloatArray, weights: FloatArray | None, groups: IntArray, level: float
) -> FloatArray:
    """`weighted_quantile` of each group of values.

    Parameters
    ----------
    values : float64 array, shape (values,)
    weights : float64 array, shape (values,), or None
        Their sum is positive in each group.
    groups : int64 array, shape (values,)
        The group of each value, from 0; none is empty.
    level : float
        Between 0 and 1.

    Returns
    -------
    float64 array, shape (groups,)

    Examples
    --------
    >>> group_quantiles(np.array([5.0, 1.0, 3.0]), None, np.array([1, 0, 0]), 0.5).tolist()
    [2.0, 5.0]
    """
    order = np.lexsort((values, groups))
    ordered, group = values[order], groups[order]
    weight = np.ones(len(values)) if weights is None else weights[order]
    ends = np.cumsum(np.bincount(group))
    starts = np.concatenate([[0], ends[:-1]])
    passed = np.cumsum(weight)
    before = np.concatenate([[0.0], passed])[starts]
    totals = passed[ends - 1] - before
    share = (passed - before[group]) / totals[group]
    # how many values of each group stay below the level
    below = np.add.reduceat((share < level - 1e-12).astype(np.int64), starts)
    position = np.minimum(starts + below, ends - 1)
    low = ordered[position]
    following = np.minimum(position + 1, ends - 1)
    tied = np.abs(share[position] - level) < 1e-12
    found: FloatArray = np.where(tied, (low + ordered[following]) / 2, low)
    return found
