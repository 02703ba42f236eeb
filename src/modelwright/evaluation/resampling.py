"""Rows drawn again and again: where curves, thresholds and slices of a model get their intervals from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, IntArray, generator

__all__ = ["LEVEL", "Resampling", "effective_rows"]

LEVEL = 0.95
"""Of all intervals that are told with a model."""

_WORK = 20_000_000
"""Rows x resamples x curves that take about a second."""

_FEWEST_ROWS = 2_000


@dataclass(frozen=True)
class Resampling:
    """A plan to draw rows with replacement (Efron, 1979), by giving each a whole-number weight.

    With groups whole groups are drawn, because their rows depend on each other. Of very many rows a part is
    drawn, and deviations are scaled to all of them (Politis and Romano, 1994).

    Attributes
    ----------
    rows : int64 array, shape (drawn rows,)
        Positions of the rows that take part, ascending.
    units : int64 array, shape (drawn rows,)
        What each belongs to, from 0: itself, or its group.
    base : float64 array, shape (rows,)
        Weights of all rows; ones where there are none.
    resamples : int
    scale : float
        What deviations from the value on the drawn rows are multiplied by.
    seed : int

    Examples
    --------
    >>> plan = Resampling.of(4, resamples=2, seed=3)
    >>> [float(draw.sum()) for draw in plan.draws()]
    [4.0, 4.0]
    """

    rows: IntArray
    units: IntArray
    base: FloatArray
    resamples: int
    scale: float
    seed: int

    @classmethod
    def of(
        cls,
        rows: int,
        *,
        weights: NDArray[Any] | None = None,
        groups: NDArray[Any] | None = None,
        resamples: int = 200,
        seed: int = 0,
        curves: int = 1,
    ) -> Resampling:
        """A plan for so many rows, of each of which so many curves will be asked."""
        base = np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64)
        units = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
        count = int(units.max(initial=-1)) + 1
        most = max(_FEWEST_ROWS, _WORK // max(1, resamples * curves))
        if rows <= most:
            everything = np.arange(rows, dtype=np.int64)
            return cls(everything, units.astype(np.int64), base, resamples, 1.0, seed)
        kept = max(2, count * most // rows)
        taken = np.zeros(count, dtype=np.bool_)
        taken[generator(seed, "resampling", "part").permutation(count)[:kept]] = True
        part = np.flatnonzero(taken[units]).astype(np.int64)
        own = np.unique(units[part], return_inverse=True)[1].astype(np.int64)
        return cls(part, own, base, resamples, float(np.sqrt(kept / count)), seed)

    @property
    def weights(self) -> FloatArray:
        """Of the drawn rows."""
        return self.base[self.rows]

    def draws(self) -> Iterator[FloatArray]:
        """The weights of the drawn rows in each resample; the same each time it is asked."""
        random, weights = generator(self.seed, "resampling"), self.weights
        count = int(self.units.max(initial=-1)) + 1
        for _ in range(self.resamples):
            times = np.bincount(random.integers(0, max(count, 1), count), minlength=count)
            yield times[self.units] * weights

    def interval(
        self,
        replicates: NDArray[Any],
        estimate: float,
        centre: float,
        bounds: tuple[float, float] = (float("-inf"), float("inf")),
    ) -> tuple[float, float]:
        """The 95% interval of a value from its replicates (their quantiles).

        Parameters
        ----------
        replicates : array, shape (resamples,)
            NaN where it is undefined.
        estimate : float
            The value on all rows.
        centre : float
            The value on the rows that are drawn from.
        bounds : tuple of float
            What the value cannot leave.

        Returns
        -------
        low, high : float
            NaN if fewer than half of the replicates are defined.
        """
        known = np.asarray(replicates, dtype=np.float64)
        known = known[np.isfinite(known)]
        if not np.isfinite(estimate) or not np.isfinite(centre) or len(known) < self.resamples / 2:
            return float("nan"), float("nan")
        ends = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        low, high = (estimate + self.scale * (float(end) - centre) for end in ends)
        return float(np.clip(min(low, estimate), *bounds)), float(np.clip(max(high, estimate), *bounds))


def effective_rows(weights: FloatArray, groups: NDArray[Any] | None = None) -> float:
    """How many equal, independent rows count as much as these (Kish, "Survey sampling", 1965).

    Rows of one group count as one, which is the most careful way to see them.

    Examples
    --------
    >>> effective_rows(np.array([1.0, 1.0, 2.0])), effective_rows(np.ones(4), np.array([0, 0, 1, 1]))
    (2.6666666666666665, 2.0)
    """
    parts = weights if groups is None else np.bincount(np.unique(groups, return_inverse=True)[1], weights)
    squares = float(np.square(parts).sum())
    return float(parts.sum()) ** 2 / squares if squares > 0 else 0.0
