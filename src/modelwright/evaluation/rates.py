"""Rates and means with 95% intervals, how two of them compare, and how many rows it takes to tell.

- One rate: the score interval of Wilson ("Probable inference, the law of succession, and statistical
  inference", 1927), which stays inside 0 and 1 and is right for few rows. Of weighted rows: with as many rows
  as weigh the same (Kish, "Survey sampling", 1965).
- Differences: made of the intervals of both sides (Newcombe, "Interval estimation for the difference between
  independent proportions", 1998, method 10; for means Zou and Donner, 2008).
- Ratios: made of them as well (Donner and Zou, "Closed-form confidence intervals for functions of the normal
  mean and standard deviation", 2012; Newcombe, "MOVER-R confidence intervals for ratios and products of two
  independently estimated quantities", 2016).
- Probabilities of chance: the z-test of two proportions, Fisher's exact test where it expects fewer than 5
  rows in a cell; for means a z-test with the widths of their intervals. Of many comparisons: Benjamini and
  Hochberg ("Controlling the false discovery rate", 1995).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.evaluation.coverage import wilson_interval

__all__ = [
    "UNKNOWN",
    "Figure",
    "adjusted",
    "chance_of_means",
    "chance_of_rates",
    "difference",
    "mean_of",
    "needed_rows",
    "rate_of",
    "ratio",
]

_Z = 1.959963984540054
"""Standard deviations on each side of a 95% interval of the normal distribution."""

_Z_POWER = 0.8416212335729143
"""The 80% quantile of the normal distribution."""

_EXPECTED = 5.0
"""Rows of a cell below which the z-test of two proportions is not trusted (Cochran, 1954)."""

_DIGITS = 6


@dataclass(frozen=True)
class Figure:
    """A figure with its 95% interval.

    Attributes
    ----------
    value, low, high : float
        NaN where there is none; the upper end of a ratio may be infinite.
    rows : float
        Rows that it rests on; fewer than there are where they do not weigh the same.
    """

    value: float
    low: float
    high: float
    rows: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record; what is not known, or infinite, is None."""
        return {name: _rounded(getattr(self, name)) for name in ("value", "low", "high", "rows")}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Figure:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one.

        Examples
        --------
        >>> Figure.from_dict(Figure(0.5, 0.4, float("nan"), 90.0).to_dict())
        Figure(value=0.5, low=0.4, high=nan, rows=90.0)
        """
        value, low, high, rows = (
            math.nan if record[name] is None else float(record[name])
            for name in ("value", "low", "high", "rows")
        )
        return cls(value, low, high, rows)


UNKNOWN = Figure(math.nan, math.nan, math.nan)
"""A figure that no row speaks for."""


def _rounded(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _effective(weights: FloatArray | None, rows: int) -> float:
    """Rows of equal weight that would tell as much."""
    if weights is None:
        return float(rows)
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def rate_of(events: NDArray[Any], weights: FloatArray | None = None) -> Figure:
    """The share of rows of an event, with the interval of Wilson.

    Parameters
    ----------
    events : bool array, shape (rows,)
    weights : float64 array, shape (rows,), optional

    Examples
    --------
    >>> found = rate_of(np.repeat([True, False], [8, 2]))
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.8, 0.4902, 0.9433)
    """
    rows = _effective(weights, len(events))
    if rows <= 0:
        return UNKNOWN
    share = float(np.average(np.asarray(events, np.float64), weights=weights))
    low, high = wilson_interval(share * rows, rows)
    return Figure(share, min(low, share), max(high, share), rows)


def mean_of(values: NDArray[Any], weights: FloatArray | None = None) -> Figure:
    """A mean with the interval of Student's t.

    Parameters
    ----------
    values : float64 array, shape (rows,)
    weights : float64 array, shape (rows,), optional

    Examples
    --------
    >>> found = mean_of(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (2.5, 0.446, 4.554)
    """
    from scipy.special import stdtrit

    rows = _effective(weights, len(values))
    if rows <= 0:
        return UNKNOWN
    given = np.asarray(values, np.float64)
    mean = float(np.average(given, weights=weights))
    if rows < 2:
        return Figure(mean, math.nan, math.nan, rows)
    spread = float(np.average(np.square(given - mean), weights=weights)) / (rows - 1)
    half = float(stdtrit(rows - 1, 0.975)) * math.sqrt(spread)
    return Figure(mean, mean - half, mean + half, rows)


def difference(first: Figure, second: Figure) -> Figure:
    """The first figure less the second.

    Examples
    --------
    >>> found = difference(rate_of(np.arange(70) < 56), rate_of(np.arange(80) < 48))
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    if not (first.is_known and second.is_known):
        return UNKNOWN
    value = first.value - second.value
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Figure(value, low, high, min(first.rows, second.rows))


def ratio(first: Figure, second: Figure) -> Figure:
    """The first figure divided by the second, for figures that are not negative.

    Its upper end is infinite where the second may be zero.

    Examples
    --------
    >>> found = ratio(rate_of(np.arange(400) < 120), rate_of(np.arange(400) < 200))
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.6, 0.501, 0.717)
    """
    known = first.is_known and second.is_known and first.low >= 0 and second.low >= 0
    if not known or (first.value <= 0 and second.value <= 0):
        return UNKNOWN
    value = first.value / second.value if second.value > 0 else math.inf
    low = _bound(first.value, second.value, first.low, second.high, -1.0)
    high = _bound(first.value, second.value, first.high, second.low, 1.0)
    return Figure(value, max(0.0, min(low, value)), max(high, value), min(first.rows, second.rows))


def _bound(over: float, under: float, end: float, other: float, sign: float) -> float:
    """One end of a ratio, from one end of the interval above the line and the other one below."""
    product = over * under
    above, below = end * (2 * over - end), other * (2 * under - other)
    root = math.sqrt(max(0.0, product * product - above * below))
    if sign > 0:
        return (product + root) / below if below > 0 else math.inf
    if abs(below) < 1e-12:  # the limit, where the formula is nothing divided by nothing
        return above / (2 * product) if product > 0 else 0.0
    return (product - root) / below


def chance_of_rates(first: Figure, second: Figure) -> float:
    """How often two equal rates would differ by as much or more (two-sided); NaN where one is not known.

    Examples
    --------
    >>> round(chance_of_rates(rate_of(np.arange(100) < 60), rate_of(np.arange(100) < 40)), 4)
    0.0047
    >>> round(chance_of_rates(rate_of(np.arange(4) < 4), rate_of(np.arange(4) < 1)), 4)
    0.1429
    """
    if not (first.is_known and second.is_known):
        return math.nan
    rows = first.rows + second.rows
    pooled = (first.value * first.rows + second.value * second.rows) / rows
    if min(pooled, 1 - pooled) * min(first.rows, second.rows) < _EXPECTED:
        from scipy.stats import fisher_exact

        counts = [(each.value * each.rows, (1 - each.value) * each.rows) for each in (first, second)]
        return float(fisher_exact(np.round(counts).astype(np.int64)).pvalue)
    error = math.sqrt(pooled * (1 - pooled) * (1 / first.rows + 1 / second.rows))
    return math.erfc(abs(first.value - second.value) / error / math.sqrt(2))


def chance_of_means(first: Figure, second: Figure) -> float:
    """How often two equal means would differ by as much or more (two-sided); NaN where one is not known.

    Examples
    --------
    >>> round(chance_of_means(Figure(1.0, 0.0, 2.0, 50.0), Figure(1.0, 0.5, 1.5, 50.0)), 4)
    1.0
    """
    widths = first.high - first.low, second.high - second.low
    if not all(math.isfinite(width) for width in widths):
        return math.nan
    error = math.hypot(*widths) / (2 * _Z)
    distance = abs(first.value - second.value)
    if error == 0:
        return 1.0 if distance == 0 else 0.0
    return math.erfc(distance / error / math.sqrt(2))


def adjusted(chances: Sequence[float]) -> list[float]:
    """Probabilities of chance, adjusted for how many there are; those that are NaN stay so and do not count.

    Examples
    --------
    >>> [round(each, 3) for each in adjusted([0.01, float("nan"), 0.04, 0.03])]
    [0.03, nan, 0.04, 0.04]
    """
    given = np.asarray(chances, np.float64)
    known = np.flatnonzero(np.isfinite(given))
    order = known[np.argsort(given[known], kind="stable")]
    raised = given[order] * len(order) / np.arange(1, len(order) + 1)
    found = given.copy()
    found[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return [float(each) for each in found]


def needed_rows(rate: float, other: float) -> int:
    """Rows of each of two groups that tell one rate from the other: 80% power at the 5% level, two-sided.

    The usual formula for two proportions (Fleiss, Levin and Paik, "Statistical methods for rates and
    proportions", 2003).

    Examples
    --------
    >>> needed_rows(0.5, 0.4), needed_rows(0.1, 0.08)
    (388, 3213)
    """
    if not (0 <= rate <= 1 and 0 <= other <= 1) or rate == other:
        return 0
    middle = (rate + other) / 2
    spread = rate * (1 - rate) + other * (1 - other)
    root = _Z * math.sqrt(2 * middle * (1 - middle)) + _Z_POWER * math.sqrt(spread)
    return math.ceil((root / (rate - other)) ** 2)
