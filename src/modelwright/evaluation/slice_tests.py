"""Tests of mean losses from sums alone, so that thousands of slices are compared at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray

__all__ = ["Compared", "adjusted", "compare_sums", "mean_interval", "sums_of"]

_LEAST_EFFECT = 0.2
"""Standard deviations below which a difference is too small to be told."""


def sums_of(losses: FloatArray, weights: FloatArray) -> FloatArray:
    """What tests need of each row, to be added up: shape (5, rows).

    One, the weight, its square, the weighted loss and the weighted squared loss.

    Examples
    --------
    >>> sums_of(np.array([2.0, 3.0]), np.array([1.0, 2.0])).sum(axis=1).tolist()
    [2.0, 3.0, 5.0, 8.0, 22.0]
    """
    weighted = weights * losses
    return np.stack([np.ones(len(losses)), weights, np.square(weights), weighted, weighted * losses])


@dataclass(frozen=True)
class Compared:
    """Slices beside other rows.

    Attributes
    ----------
    t, p : float array
        Statistic and one-sided p-value of Welch's test that the slice has the higher mean.
    effect : float array
        Difference of the means in units of the common standard deviation (Chung et al., 2019).
    """

    t: FloatArray
    p: FloatArray
    effect: FloatArray

    def is_worse(self, level: float) -> NDArray[np.bool_]:
        """Where the slice is worse, by a sizeable effect and not obviously by luck."""
        return np.asarray((self.effect >= _LEAST_EFFECT) & (self.p <= level))

    def at_least(self, other: Compared) -> Compared:
        """Both must hold: the larger p-value (an intersection-union test: Berger, 1982), the own effect."""
        return Compared(self.t, np.maximum(self.p, other.p), self.effect)


def compare_sums(own: FloatArray, others: FloatArray) -> Compared:
    """Compare mean losses of slices with those of other rows.

    Parameters
    ----------
    own, others : float64 array, shape (5, ...)
        Sums of `sums_of`.

    Returns
    -------
    Compared
        Where a side has too few rows, or nothing varies: p 1, and no effect.

    Examples
    --------
    >>> high, low = np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 3.0])
    >>> found = compare_sums(*(sums_of(part, np.ones(3)).sum(axis=1) for part in (high, low)))
    >>> round(float(found.t), 3), round(float(found.p), 4), round(float(found.effect), 2)
    (4.899, 0.004, 4.0)
    """
    from scipy import stats

    (mean, variance, rows), (other, spread, count) = _moments(own), _moments(others)
    usable = (rows > 1) & (count > 1) & (variance + spread > 0)
    own_part = np.divide(variance, rows, out=np.zeros_like(rows), where=usable)
    other_part = np.divide(spread, count, out=np.zeros_like(count), where=usable)
    error = own_part + other_part
    usable = usable & (error > 0)
    t = np.divide(mean - other, np.sqrt(error), out=np.zeros_like(error), where=usable)
    below = np.square(own_part) / np.maximum(rows - 1, 1e-9)
    below = below + np.square(other_part) / np.maximum(count - 1, 1e-9)
    freedom = np.divide(np.square(error), below, out=np.ones_like(error), where=usable & (below > 0))
    common = np.sqrt((variance + spread) / 2)
    effect = np.divide(mean - other, common, out=np.zeros_like(error), where=usable & (common > 0))
    p = np.where(usable, stats.t.sf(t, np.maximum(freedom, 1.0)), 1.0)
    return Compared(np.where(usable, t, 0.0), p, effect)


def _moments(sums: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, variance (as of a sample) and number of independent rows (Kish, 1965)."""
    weight, squares = np.asarray(sums[1]), np.asarray(sums[2])
    there = (np.asarray(sums[0]) > 0.5) & (squares > 0)  # a count is exact, a difference of weights is not
    rows = np.divide(np.square(weight), squares, out=np.zeros_like(weight), where=there)
    mean = np.divide(sums[3], weight, out=np.zeros_like(weight), where=there)
    plain = np.divide(sums[4], weight, out=np.zeros_like(weight), where=there) - np.square(mean)
    factor = np.divide(rows, rows - 1, out=np.zeros_like(rows), where=rows > 1)
    return mean, np.maximum(plain, 0.0) * factor, rows


def mean_interval(sums: FloatArray, share: float) -> tuple[float, float]:
    """Interval of a mean that misses it in such a share of all cases (Student's t).

    Examples
    --------
    >>> low, high = mean_interval(sums_of(np.array([1.0, 2.0, 3.0]), np.ones(3)).sum(axis=1), 0.05)
    >>> round(low, 2), round(high, 2)
    (-0.48, 4.48)
    """
    from scipy import stats

    mean, variance, rows = (float(part) for part in _moments(sums))
    half = float(stats.t.isf(share / 2, max(rows - 1, 1.0))) * float(np.sqrt(variance / max(rows, 1.0)))
    return mean - half, mean + half


def adjusted(p: Sequence[float], tested: int) -> FloatArray:
    """P-values adjusted for the false discovery rate (Benjamini and Hochberg, 1995).

    Parameters
    ----------
    p : sequence of float
        The smallest ones.
    tested : int
        How many there are in all; those that are not given count as 1.

    Examples
    --------
    >>> adjusted([0.01, 0.001, 0.04], 4).round(4).tolist()
    [0.02, 0.004, 0.0533]
    """
    given = np.asarray(p, dtype=np.float64)
    order = np.argsort(given)
    scaled = given[order] * max(tested, len(given)) / np.arange(1, len(given) + 1)
    found = np.empty(len(given))
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found
