"""Metrics of predicted labels. All come from one weighted confusion matrix of the most probable class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, OptionError, Predictions, Task
from modelwright.metrics.base import CLASSIFICATION, ConfusionScore, Metric, Prepare, Scorer

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
    "f_score",
    "of_confusion",
]

ClassScores = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
"""Hits, predicted weight and true weight by class -> score by class, all of shape (..., classes)."""


def of_confusion(function: ConfusionScore) -> Prepare:
    """A metric's work from a function of the confusion matrix; NaN if no row has any weight."""

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        classes = predictions.array.shape[1]
        cells = target.astype(np.int64) * classes + predictions.codes

        def score(weights: FloatArray | None) -> float:
            counts = np.bincount(cells, weights, minlength=classes * classes)
            confusion = counts.reshape(classes, classes).astype(np.float64)
            return float(function(confusion)) if confusion.sum() > 0 else float("nan")

        return score

    return prepare


def _sums(confusion: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Hits, predicted weight and true weight of each class."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return hits, confusion.sum(axis=-2), confusion.sum(axis=-1)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Elementwise quotient, 0 where the denominator is (the convention of scikit-learn)."""
    result = np.zeros(np.shape(denominator))
    return np.divide(numerator, denominator, out=result, where=denominator > 0)


def _mean_where(values: FloatArray, there: NDArray[np.bool_]) -> FloatArray:
    return _ratio(np.where(there, values, 0.0).sum(axis=-1), there.sum(axis=-1).astype(np.float64))


def _precision(hits: FloatArray, predicted: FloatArray, true: FloatArray) -> FloatArray:
    return _ratio(hits, predicted)


def _recall(hits: FloatArray, predicted: FloatArray, true: FloatArray) -> FloatArray:
    return _ratio(hits, true)


def f_score(beta: float) -> ClassScores:
    """F scores by class from hits, predicted weight and true weight; 0 where there is nothing to find."""
    square = beta * beta

    def scores(hits: FloatArray, predicted: FloatArray, true: FloatArray) -> FloatArray:
        return _ratio((1 + square) * hits, square * true + predicted)

    return scores


def _binary(scores: ClassScores) -> ConfusionScore:
    def function(confusion: FloatArray) -> FloatArray:
        return np.asarray(scores(*_sums(confusion))[..., 1])

    return function


def _macro(scores: ClassScores) -> ConfusionScore:
    def function(confusion: FloatArray) -> FloatArray:
        hits, predicted, true = _sums(confusion)
        # A class that is neither there nor predicted says nothing, as in scikit-learn.
        return _mean_where(scores(hits, predicted, true), (predicted > 0) | (true > 0))

    return function


def _micro(scores: ClassScores) -> ConfusionScore:
    def function(confusion: FloatArray) -> FloatArray:
        hits, predicted, true = _sums(confusion)
        return scores(hits.sum(axis=-1), predicted.sum(axis=-1), true.sum(axis=-1))

    return function


def _weighted(scores: ClassScores) -> ConfusionScore:
    def function(confusion: FloatArray) -> FloatArray:
        hits, predicted, true = _sums(confusion)
        return _ratio((scores(hits, predicted, true) * true).sum(axis=-1), true.sum(axis=-1))

    return function


def _label_metric(
    name: str,
    function: ConfusionScore,
    tasks: tuple[Task, ...] = CLASSIFICATION,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Metric:
    return Metric(name, True, 1.0, "labels", tasks, of_confusion(function), bounds, confusion=function)


def _accuracy(confusion: FloatArray) -> FloatArray:
    hits, _, true = _sums(confusion)
    return _ratio(hits.sum(axis=-1), true.sum(axis=-1))


def _balanced_accuracy(confusion: FloatArray) -> FloatArray:
    hits, _, true = _sums(confusion)
    return _mean_where(_ratio(hits, true), true > 0)


def _mcc(confusion: FloatArray) -> FloatArray:
    by_class, predicted, true = _sums(confusion)
    total, hits = true.sum(axis=-1), by_class.sum(axis=-1)
    covariance = hits * total - (predicted * true).sum(axis=-1)
    spreads = [np.square(total) - np.square(part).sum(axis=-1) for part in (predicted, true)]
    # Rounding can leave a tiny spread where one class alone is predicted or there.
    known = np.minimum(*spreads) > 1e-14 * np.square(total)
    roots = [np.sqrt(np.where(known, spread, 1.0)) for spread in spreads]
    return np.where(known, covariance / roots[0] / roots[1], 0.0)


ACCURACY = _label_metric("accuracy", _accuracy)
"""Share of rows whose most probable class is the true one."""

BALANCED_ACCURACY = _label_metric("balanced_accuracy", _balanced_accuracy)
"""Mean recall of the classes that are there."""

MCC = _label_metric("mcc", _mcc, bounds=(-1.0, 1.0))
"""Matthews correlation coefficient; of several classes: Gorodkin (2004). 0 where it is undefined."""

PRECISION = replace(_label_metric("precision", _binary(_precision), (Task.BINARY,)), tuned=False)
PRECISION_MACRO = _label_metric("precision_macro", _macro(_precision))
PRECISION_MICRO = _label_metric("precision_micro", _micro(_precision))
PRECISION_WEIGHTED = _label_metric("precision_weighted", _weighted(_precision))

RECALL = replace(_label_metric("recall", _binary(_recall), (Task.BINARY,)), tuned=False)
RECALL_MACRO = _label_metric("recall_macro", _macro(_recall))
RECALL_MICRO = _label_metric("recall_micro", _micro(_recall))
RECALL_WEIGHTED = _label_metric("recall_weighted", _weighted(_recall))

F1 = _label_metric("f1", _binary(f_score(1.0)), (Task.BINARY,))
F1_MACRO = _label_metric("f1_macro", _macro(f_score(1.0)))
F1_MICRO = _label_metric("f1_micro", _micro(f_score(1.0)))
F1_WEIGHTED = _label_metric("f1_weighted", _weighted(f_score(1.0)))


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
    return _label_metric(f"f_beta:{beta:g}", _binary(f_score(_checked_beta(beta))), (Task.BINARY,))


def f_beta_macro(beta: float = 2.0) -> Metric:
    """Mean F score of the classes; see `f_beta`."""
    return _label_metric(f"f_beta_macro:{beta:g}", _macro(f_score(_checked_beta(beta))))


def f_beta_micro(beta: float = 2.0) -> Metric:
    """F score of all decisions together, which for single labels is the accuracy; see `f_beta`."""
    return _label_metric(f"f_beta_micro:{beta:g}", _micro(f_score(_checked_beta(beta))))


def f_beta_weighted(beta: float = 2.0) -> Metric:
    """Mean F score of the classes, each weighted by its rows; see `f_beta`."""
    return _label_metric(f"f_beta_weighted:{beta:g}", _weighted(f_score(_checked_beta(beta))))
