"""Metrics of ordered classes, where a near miss is better than a far one.

Classes count as equally far apart, in the order of their codes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Predictions
from modelwright.metrics.base import CLASSIFICATION, Metric, of_losses
from modelwright.metrics.classification_labels import of_confusion

__all__ = ["ORDINAL_MAE", "QUADRATIC_KAPPA"]


def _steps(classes: int) -> FloatArray:
    codes = np.arange(classes, dtype=np.float64)
    return np.abs(codes[:, None] - codes[None, :])


def _quadratic_kappa(confusion: FloatArray) -> FloatArray:
    square = np.square(_steps(confusion.shape[-1]))
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    observed = (square * confusion).sum(axis=(-2, -1)) * true.sum(axis=-1)
    expected = np.einsum("...i,ij,...j->...", true, square, predicted)
    # One class alone, there and predicted: agreement beyond chance is undefined.
    ratio = np.divide(observed, expected, out=np.full(np.shape(expected), np.nan), where=expected > 0)
    return np.asarray(1.0 - ratio)


def _mean_steps(confusion: FloatArray) -> FloatArray:
    paid = (_steps(confusion.shape[-1]) * confusion).sum(axis=(-2, -1))
    return np.asarray(paid / confusion.sum(axis=(-2, -1)))


def _steps_off(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    steps: FloatArray = np.abs(predictions.codes - target).astype(np.float64)
    return steps


QUADRATIC_KAPPA = Metric(
    "quadratic_kappa",
    True,
    1.0,
    "labels",
    CLASSIFICATION,
    of_confusion(_quadratic_kappa),
    (-1.0, 1.0),
    confusion=_quadratic_kappa,
)
"""Agreement beyond chance, errors weighted by the square of their steps (Cohen, "Weighted kappa", 1968)."""

ORDINAL_MAE = Metric(
    "ordinal_mae",
    False,
    0.0,
    "labels",
    CLASSIFICATION,
    of_losses(_steps_off),
    (0.0, float("inf")),
    losses=_steps_off,
    confusion=_mean_steps,
)
"""Mean number of steps between the predicted and the true class."""
