"""Metrics of predicted labels. All come from one weighted confusion matrix of the most probable class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, OptionError, Predictions, Task
from modelwright.metrics.base import CLASSIFICATION, Metric, Prepare, Scorer

__all__ = [
    "ACCURACY",
    "BALANCED_ACCURACY",
    "F1",
    "F1_MACRO",
    "F1_MICRO",
    "F1_WEIGHTED",
    "MCC",
    "PRECISION",
    "PRECISION_MACRO",
    "PRECISION_MICRO",
    "PRECISION_WEIGHTED",
    "RECALL",
    "RECALL_MACRO",
    "RECALL_MICRO",
    "RECALL_WEIGHTED",
    "f_beta",
    "f_beta_macro",
    "f_beta_micro",
    "f_beta_weighted",
]

Confusion = FloatArray
"""Shape (classes, classes): weight of rows by true class (row) and predicted class (column)."""

ClassScores = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
"""Hits, predicted weight and true weight by class -> score by class."""


def of_confusion(function: Callable[[Confusion], float]) -> Prepare:
    """A metric's work from a function of the confusion matrix; NaN if no row has any weight."""

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        classes = predictions.array.shape[1]
        cells = target.astype(np.int64) * classes + predictions.codes

        def score(weights: FloatArray | None) -> float:
            counts = np.bincount(cells, weights, minlength=classes * classes)
            confusion = counts.reshape(classes, classes).astype(np.float64)
            return function(confusion) if confusion.sum() > 0 else float("nan")

        return score

    return prepare


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Elementwise quotient, 0 where the denominator is (the convention of scikit-learn)."""
    result = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)


def _precision(hits: FloatArray, predicted: FloatArray, true: FloatArray) -> FloatArray:
    return _ratio(hits, predicted)


def _recall(hits: FloatArray, predicted: FloatArray, true: FloatArray) -> FloatArray:
    return _ratio(hits, true)


def _f_score(beta: float) -> ClassScores:
    square = beta * beta

    def scores(hits: FloatArray, predicted: FloatArray, true: FloatArray) -> FloatArray:
        return _ratio((1 + square) * hits, square * true + predicted)

    return scores


def _binary(scores: ClassScores) -> Callable[[Confusion], float]:
    def function(confusion: Confusion) -> float:
        return float(scores(np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1))[1])

    return function


def _macro(scores: ClassScores) -> Callable[[Confusion], float]:
    def function(confusion: Confusion) -> float:
        predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
        # A class that is neither there nor predicted says nothing, as in scikit-learn.
        present = (predicted > 0) | (true > 0)
        return float(scores(np.diag(confusion), predicted, true)[present].mean())

    return function


def _micro(scores: ClassScores) -> Callable[[Confusion], float]:
    def function(confusion: Confusion) -> float:
        total = np.atleast_1d(confusion.sum())
        return float(scores(np.atleast_1d(np.trace(confusion)), total, total)[0])

    return function


def _weighted(scores: ClassScores) -> Callable[[Confusion], float]:
    def function(confusion: Confusion) -> float:
        true = confusion.sum(axis=1)
        return float(scores(np.diag(confusion), confusion.sum(axis=0), true) @ true / true.sum())

    return function


def _label_metric(
    name: str,
    function: Callable[[Confusion], float],
    tasks: tuple[Task, ...] = CLASSIFICATION,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Metric:
    return Metric(name, True, 1.0, "labels", tasks, of_confusion(function), bounds)


def _accuracy(confusion: Confusion) -> float:
    return float(np.trace(confusion) / confusion.sum())


def _balanced_accuracy(confusion: Confusion) -> float:
    true = confusion.sum(axis=1)
    present = true > 0
    return float((np.diag(confusion)[present] / true[present]).mean())


def _mcc(confusion: Confusion) -> float:
    total, hits = confusion.sum(), np.trace(confusion)
    predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
    covariance = hits * total - predicted @ true
    spreads = (total**2 - predicted @ predicted, total**2 - true @ true)
    # Rounding can leave a tiny spread where one class alone is predicted or there.
    if min(spreads) <= 1e-14 * total**2:
        return 0.0
    return float(covariance / np.sqrt(spreads[0]) / np.sqrt(spreads[1]))


ACCURACY = _label_metric("accuracy", _accuracy)
"""Share of rows whose most probable class is the true one."""

BALANCED_ACCURACY = _label_metric("balanced_accuracy", _balanced_accuracy)
"""Mean recall of the classes that are there."""

MCC = _label_metric("mcc", _mcc, bounds=(-1.0, 1.0))
"""Matthews correlation coefficient; of several classes: Gorodkin (2004). 0 where it is undefined."""

PRECISION = _label_metric("precision", _binary(_precision), (Task.BINARY,))
PRECISION_MACRO = _label_metric("precision_macro", _macro(_precision))
PRECISION_MICRO = _label_metric("precision_micro", _micro(_precision))
PRECISION_WEIGHTED = _label_metric("precision_weighted", _weighted(_precision))

RECALL = _label_metric("recall", _binary(_recall), (Task.BINARY,))
RECALL_MACRO = _label_metric("recall_macro", _macro(_recall))
RECALL_MICRO = _label_metric("recall_micro", _micro(_recall))
RECALL_WEIGHTED = _label_metric("recall_weighted", _weighted(_recall))

F1 = _label_metric("f1", _binary(_f_score(1.0)), (Task.BINARY,))
F1_MACRO = _label_metric("f1_macro", _macro(_f_score(1.0)))
F1_MICRO = _label_metric("f1_micro", _micro(_f_score(1.0)))
F1_WEIGHTED = _label_metric("f1_weighted", _weighted(_f_score(1.0)))


def _checked_beta(beta: float) -> float:
    if not 0 < beta < float("inf"):
        raise OptionError(
            f"The beta of an F score must be a number above 0, but came as {beta:g}. "
            "Above 1 recall counts more, below 1 precision does: write 'f_beta:2' or 'f_beta:0.5'."
        )
    return beta


def f_beta(beta: float = 2.0) -> Metric:
    """F score of the positive class that holds recall ``beta`` times as important as precision.

    Source: van Rijsbergen, "Information Retrieval" (1979).

    Examples
    --------
    >>> f_beta(0.5).name
    'f_beta:0.5'
    """
    return _label_metric(f"f_beta:{beta:g}", _binary(_f_score(_checked_beta(beta))), (Task.BINARY,))


def f_beta_macro(beta: float = 2.0) -> Metric:
    """Mean F score of the classes; see `f_beta`."""
    return _label_metric(f"f_beta_macro:{beta:g}", _macro(_f_score(_checked_beta(beta))))


def f_beta_micro(beta: float = 2.0) -> Metric:
    """F score of all decisions together, which for single labels is the accuracy; see `f_beta`."""
    return _label_metric(f"f_beta_micro:{beta:g}", _micro(_f_score(_checked_beta(beta))))


def f_beta_weighted(beta: float = 2.0) -> Metric:
    """Mean F score of the classes, each weighted by its rows; see `f_beta`."""
    return _label_metric(f"f_beta_weighted:{beta:g}", _weighted(_f_score(_checked_beta(beta))))
