"""Where predicted values are off, and by how much: residuals by predicted value, their shape, the worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, to_jsonable
from modelwright.evaluation.resampling import effective_rows

__all__ = ["HeavyError", "ResidualBin", "Residuals", "residuals_of"]

_LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_MOST_BINS, _ROWS_OF_BIN = 15, 20
_HEAVIEST, _QUANTILES, _POINTS = 20, 49, 200
_Z = 1.959963984540054


@dataclass(frozen=True)
class ResidualBin:
    """Rows of similar predictions.

    Attributes
    ----------
    lowest, highest, predicted : float
        Their predictions, and the mean of them.
    mean, low, high : float
        Mean residual and its 95% interval (normal): away from 0, predictions of this size are too low (above
        0) or too high.
    spread : float
        Standard deviation of the residuals.
    lower, upper : float
        Their 10% and 90% quantiles.
    rows : int
    """

    lowest: float
    highest: float
    predicted: float
    mean: float
    low: float
    high: float
    spread: float
    lower: float
    upper: float
    rows: int


@dataclass(frozen=True)
class HeavyError:
    """One of the rows that are furthest off.

    Attributes
    ----------
    row : int
        As the caller numbers rows.
    actual, predicted, residual : float
    """

    row: int
    actual: float
    predicted: float
    residual: float


@dataclass(frozen=True)
class Residuals:
    """Actual minus predicted values, described. All numbers are in the unit of the target.

    Attributes
    ----------
    rows : int
    mean, spread : float
        Mean (above 0: predictions are too low) and standard deviation.
    mean_absolute : float
    quantiles : tuple of (level, residual)
    bins : tuple of ResidualBin
        From low to high predictions, with about as many rows each.
    heaviest : tuple of HeavyError
        The 20 rows that are furthest off.
    share_of_heaviest : float
        Of the sum of all squared residuals, that of the 1% of the rows that are furthest off.
    normal : tuple of (normal, residual)
        Quantiles of a standard normal distribution beside those of the standardised residuals (a Q-Q plot:
        Wilk and Gnanadesikan, "Probability plotting methods for the analysis of data", 1968). Whether they
        are normal is shown, not tested: of many rows no test would ever say so, and nothing here needs it.
    skewness, excess_kurtosis : float
        0 and 0 for a normal distribution.
    points : tuple of (predicted, residual)
        Of 200 rows at most, evenly spread over the predictions: what a plot shows.
    """

    rows: int
    mean: float
    spread: float
    mean_absolute: float
    quantiles: tuple[tuple[float, float], ...]
    bins: tuple[ResidualBin, ...]
    heaviest: tuple[HeavyError, ...]
    share_of_heaviest: float
    normal: tuple[tuple[float, float], ...]
    skewness: float
    excess_kurtosis: float
    points: tuple[tuple[float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record: dict[str, Any] = to_jsonable(asdict(self))
        return record


def residuals_of(
    target: NDArray[Any],
    values: FloatArray,
    *,
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    rows: Sequence[int] | NDArray[Any] | None = None,
) -> Residuals:
    """Describe how predicted values miss.

    Parameters
    ----------
    target, values : array, shape (rows,)
        Actual and predicted values.
    weights, groups : array, shape (rows,), optional
        Row weights (means are weighted, quantiles are not); groups whose rows depend on each other.
    rows : sequence of int, optional
        What the caller calls the rows; by default they are counted from 0.

    Raises
    ------
    BadInput
        If there are no rows, or not as many predictions as targets.

    Examples
    --------
    >>> found = residuals_of(np.array([1.0, 2.0, 9.0]), np.array([1.5, 2.0, 3.0]))
    >>> found.heaviest[0], round(found.mean, 3)
    (HeavyError(row=2, actual=9.0, predicted=3.0, residual=6.0), 1.833)
    """
    actual, predicted = np.asarray(target, np.float64), np.asarray(values, np.float64)
    if actual.shape != predicted.shape or actual.ndim != 1 or not len(actual):
        raise BadInput(
            f"Residuals need one predicted value for each target, but came with shapes {predicted.shape} and "
            f"{actual.shape}. Give the values of the same rows."
        )
    base = np.ones(len(actual)) if weights is None else np.asarray(weights, np.float64)
    base = base if base.sum() > 0 else np.ones(len(actual))
    left = actual - predicted
    numbers = np.arange(len(actual)) if rows is None else np.asarray(rows)
    mean = float(np.average(left, weights=base))
    spread = math.sqrt(float(np.average(np.square(left - mean), weights=base)))
    order = np.argsort(-np.abs(left), kind="stable")
    standard = (left - mean) / spread if spread > 0 else np.zeros(len(left))
    return Residuals(
        rows=len(left),
        mean=mean,
        spread=spread,
        mean_absolute=float(np.average(np.abs(left), weights=base)),
        quantiles=tuple(zip(_LEVELS, map(float, np.quantile(left, _LEVELS)), strict=True)),
        bins=_bins(predicted, left, base, None if groups is None else np.asarray(groups)),
        heaviest=tuple(
            HeavyError(int(numbers[at]), float(actual[at]), float(predicted[at]), float(left[at]))
            for at in order[:_HEAVIEST]
        ),
        share_of_heaviest=_share_of_heaviest(np.square(left[order]) * base[order]),
        normal=_normal(standard),
        skewness=float(np.average(standard**3, weights=base)),
        excess_kurtosis=float(np.average(standard**4, weights=base)) - 3.0 if spread > 0 else 0.0,
        points=_points(predicted, left),
    )


def _bins(
    predicted: FloatArray, left: FloatArray, weights: FloatArray, groups: NDArray[Any] | None
) -> tuple[ResidualBin, ...]:
    order = np.argsort(predicted, kind="stable")
    ordered = predicted[order]
    count = max(1, min(_MOST_BINS, len(order) // _ROWS_OF_BIN))
    edges = np.unique(np.searchsorted(ordered, ordered[np.arange(1, count) * len(order) // count]))
    found = []
    for part in np.split(order, edges):
        weight = weights[part]
        if not len(part) or weight.sum() <= 0:
            continue
        own = left[part]
        mean = float(np.average(own, weights=weight))
        spread = math.sqrt(float(np.average(np.square(own - mean), weights=weight)))
        independent = effective_rows(weight, None if groups is None else groups[part])
        half = _Z * spread / math.sqrt(max(independent - 1, 1.0))
        lower, upper = np.quantile(own, [0.1, 0.9])
        found.append(
            ResidualBin(
                float(predicted[part].min()),
                float(predicted[part].max()),
                float(np.average(predicted[part], weights=weight)),
                mean,
                mean - half,
                mean + half,
                spread,
                float(lower),
                float(upper),
                len(part),
            )
        )
    return tuple(found)


def _share_of_heaviest(squares: FloatArray) -> float:
    """Of squared residuals in descending order, the share of the first hundredth."""
    total = float(squares.sum())
    return float(squares[: max(1, round(len(squares) / 100))].sum()) / total if total > 0 else 0.0


def _normal(standard: FloatArray) -> tuple[tuple[float, float], ...]:
    count = min(_QUANTILES, len(standard))
    levels = (np.arange(count) + 0.5) / count
    expected = [NormalDist().inv_cdf(float(level)) for level in levels]
    return tuple(zip(expected, map(float, np.quantile(standard, levels)), strict=True))


def _points(predicted: FloatArray, left: FloatArray) -> tuple[tuple[float, float], ...]:
    order = np.argsort(predicted, kind="stable")
    kept = np.unique(np.linspace(0, len(order) - 1, min(_POINTS, len(order))).round().astype(np.int64))
    return tuple((float(predicted[at]), float(left[at])) for at in order[kept])
