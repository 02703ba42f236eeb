"""Metrics of predicted values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, OptionError, Predictions, Task
from modelwright.metrics.base import Metric, RowLosses, Scorer, of_losses, weighted_mean

__all__ = ["MAE", "MAPE", "MEDIAN_ABSOLUTE_ERROR", "MSE", "R2", "RMSE", "RMSLE", "quantile"]

ValueLosses = Callable[[FloatArray, FloatArray], FloatArray]
"""Target and prediction -> loss of each row."""


def _root(value: float) -> float:
    return float(np.sqrt(value))


def _squared(target: FloatArray, values: FloatArray) -> FloatArray:
    return np.square(target - values)


def _absolute(target: FloatArray, values: FloatArray) -> FloatArray:
    return np.abs(target - values)


def _relative(target: FloatArray, values: FloatArray) -> FloatArray:
    return np.abs(target - values) / np.maximum(np.abs(target), np.finfo(np.float64).eps)


def _squared_logarithmic(target: FloatArray, values: FloatArray) -> FloatArray:
    lowest = float(target.min())
    if lowest < 0:
        raise OptionError(
            f"The metric 'rmsle' needs a target of zero or more, but it goes down to {lowest:g}. "
            "Choose 'rmse' or 'mae'."
        )
    # A model may well predict a little below zero; that is the same as zero here.
    difference: FloatArray = np.log1p(target) - np.log1p(np.maximum(values, 0.0))
    return np.square(difference)


def _median_absolute(target: NDArray[Any], predictions: Predictions) -> Scorer:
    errors = np.abs(target.astype(np.float64) - predictions.array)
    order = np.argsort(errors)
    ordered = errors[order]

    def score(weights: FloatArray | None) -> float:
        if weights is None:
            return float(np.median(errors))
        passed = np.cumsum(weights[order])
        half = passed[-1] / 2
        if not half > 0:
            return float("nan")
        # Where a row ends exactly at half the weight, the median lies between it and the next one.
        middle = [
            min(int(np.searchsorted(passed, half, side)), len(ordered) - 1) for side in ("left", "right")
        ]
        return float(ordered[middle].mean())

    return score


def _determination(target: NDArray[Any], predictions: Predictions) -> Scorer:
    values = target.astype(np.float64)
    residual = np.square(values - predictions.array)

    def score(weights: FloatArray | None) -> float:
        mean = weighted_mean(values, weights)
        spread = weighted_mean(np.square(values - mean), weights)
        # A constant target leaves a spread of rounding errors only.
        if not spread > 1e-24 * max(mean * mean, 1e-300):
            return float("nan")
        return 1.0 - weighted_mean(residual, weights) / spread

    return score


def _of_values(losses: ValueLosses) -> RowLosses:
    return lambda target, predictions: losses(target.astype(np.float64), predictions.array)


def _mean_loss(name: str, losses: ValueLosses, finish: Callable[[float], float] | None = None) -> Metric:
    rows = _of_values(losses)
    prepare = of_losses(rows, finish) if finish else of_losses(rows)
    return Metric(name, False, 0.0, "values", (Task.REGRESSION,), prepare, (0.0, float("inf")), losses=rows)


RMSE = _mean_loss("rmse", _squared, _root)
"""Root of the mean squared error."""

MSE = _mean_loss("mse", _squared)
"""Mean squared error."""

MAE = _mean_loss("mae", _absolute)
"""Mean absolute error."""

MAPE = _mean_loss("mape", _relative)
"""Mean error relative to the target (1 is 100%); explodes where the target is zero."""

RMSLE = _mean_loss("rmsle", _squared_logarithmic, _root)
"""Root mean squared error of log(1 + value); targets must be zero or more, predictions are cut to it."""

MEDIAN_ABSOLUTE_ERROR = Metric(
    "median_absolute_error", False, 0.0, "values", (Task.REGRESSION,), _median_absolute, (0.0, float("inf"))
)
"""The error that half of the rows (by weight) stay below."""

R2 = Metric(
    "r2",
    True,
    1.0,
    "values",
    (Task.REGRESSION,),
    _determination,
    (float("-inf"), 1.0),
    losses=_of_values(_squared),
)
"""Share of the target's variance that is explained; NaN for a constant target."""


def quantile(level: float = 0.5) -> Metric:
    """Pinball loss, which is lowest when the prediction is this quantile of the target.

    Source: Koenker and Bassett, "Regression Quantiles" (1978).

    Examples
    --------
    >>> quantile(0.9).score(np.array([10.0, 10.0]), Predictions(np.array([9.0, 11.0])))
    0.5
    """
    if not 0 < level < 1:
        raise OptionError(
            f"The level of the quantile loss must lie between 0 and 1, but came as {level:g}. "
            "Write it like 'quantile:0.9'."
        )

    def pinball(target: FloatArray, values: FloatArray) -> FloatArray:
        difference = target - values
        return np.maximum(level * difference, (level - 1) * difference)

    return _mean_loss(f"quantile:{level:g}", pinball)
