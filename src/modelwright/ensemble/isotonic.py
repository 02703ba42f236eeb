"""A rising curve from probabilities to how often they come true, of any shape.

Sources: Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates"
(KDD 2002), for calibration by isotonic regression; Oron and Flournoy, "Centered isotonic regression" (2017),
for the straight lines between the centres of its blocks, which keep an order among the rows of a block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray

__all__ = ["Curve", "fit_curve"]

_MOST_BINS = 200
_ROWS_OF_BIN = 50

_KEPT = 1e-3
"""Share of the original probability in the result: where the curve is level, the order of rows stays."""


@dataclass(frozen=True)
class Curve:
    """Straight lines between knots, level beyond the outermost.

    Attributes
    ----------
    knots : tuple of float
        Probabilities, ascending, in [0, 1].
    values : tuple of float
        What they become: not descending, in [0, 1].

    Examples
    --------
    >>> Curve((0.2, 0.6), (0.1, 0.9)).apply(np.array([0.0, 0.4, 1.0])).round(3).tolist()
    [0.1, 0.5, 0.9]
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        knots, values = np.asarray(self.knots, np.float64), np.asarray(self.values, np.float64)
        inside = all(((part >= 0) & (part <= 1)).all() for part in (knots, values))
        fits = 1 <= len(knots) == len(values) <= 2 * _MOST_BINS
        if not fits or not inside or (np.diff(knots) <= 0).any() or (np.diff(values) < 0).any():
            raise ValueError("a curve needs as many rising knots as values, all of them between 0 and 1")

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Calibrated probabilities, in the same order."""
        curved: FloatArray = np.interp(probabilities, self.knots, self.values)
        return (1 - _KEPT) * curved + _KEPT * probabilities

    def to_dict(self) -> dict[str, list[float]]:
        """A JSON-able record."""
        return {"knots": list(self.knots), "values": list(self.values)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Curve:
        """Inverse of `to_dict`; ValueError for what cannot be one."""
        return cls(*(tuple(float(number) for number in record[name]) for name in ("knots", "values")))


def fit_curve(probabilities: FloatArray, positive: NDArray[np.bool_], mass: FloatArray) -> Curve:
    """The rising curve of least squared error through the rates of bins of rows.

    Parameters
    ----------
    probabilities : float64 array, shape (rows,)
    positive : bool array, shape (rows,)
        Whether it came true.
    mass : float64 array, shape (rows,)
        Row weights.
    """
    from scipy.optimize import isotonic_regression

    bins = int(np.clip(len(probabilities) // _ROWS_OF_BIN, 1, _MOST_BINS))
    order = np.argsort(probabilities, kind="stable")
    starts = np.unique(np.arange(bins) * len(order) // bins)
    weight = np.maximum(np.add.reduceat(mass[order], starts), 1e-12)
    centre = np.add.reduceat((mass * probabilities)[order], starts) / weight
    rate = np.add.reduceat((mass * positive)[order], starts) / weight
    found = isotonic_regression(rate, weights=weight)
    blocks = found.blocks[:-1]
    size = np.add.reduceat(weight, blocks)
    knots = np.add.reduceat(weight * centre, blocks) / size
    # One row of the average, weighed as a row of the mean weight: no rate of a few rows is certain.
    row, prior = float(mass.mean()), float((mass * positive).sum() / mass.sum())
    values = (np.add.reduceat(weight * rate, blocks) + row * prior) / (size + row)
    # centres of equal probabilities, and of rows without weight, need not rise
    knots, values = (np.maximum.accumulate(np.clip(part, 0.0, 1.0)) for part in (knots, values))
    keep = np.append(True, np.diff(knots) > 0)
    return Curve(tuple(knots[keep].tolist()), tuple(values[keep].tolist()))
