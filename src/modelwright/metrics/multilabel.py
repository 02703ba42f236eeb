"""Metrics of several labels in a row, each of which is there or not.

Targets are int64 arrays of 0 and 1 and predictions independent probabilities, both of shape
``(rows, labels)``. Means over labels ("macro") leave out labels for which a score is undefined: one that
no row has (or that every row has, for ROC AUC) says nothing. Source of the averages: Zhang and Zhou, "A
review on multi-label learning algorithms" (2014).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Predictions, Task
from modelwright.metrics.base import Metric, Needs, Prepare, RowLosses, Scorer, of_losses
from modelwright.metrics.classification_labels import ClassScores, f_score
from modelwright.metrics.ranking import RankedScore, area, average_precision, ranked

__all__ = [
    "ACCURACY",
    "AVERAGE_PRECISION_MACRO",
    "BRIER",
    "F1_MACRO",
    "F1_MICRO",
    "F1_SAMPLES",
    "HAMMING_LOSS",
    "LOG_LOSS",
    "ROC_AUC",
]

_TASKS = (Task.MULTILABEL,)

LabelCounts = Callable[[FloatArray, FloatArray, FloatArray], float]
"""Hits, predicted weight and true weight of each label -> score."""


def _of_ranks(function: RankedScore) -> Prepare:
    """Mean over the labels of a score of the order of the rows."""

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        scorers = [
            ranked(target[:, label] == 1, predictions.array[:, label], function)
            for label in range(target.shape[1])
        ]

        def score(weights: FloatArray | None) -> float:
            scores = np.array([scorer(weights) for scorer in scorers])
            known = scores[np.isfinite(scores)]
            return float(known.mean()) if len(known) else float("nan")

        return score

    return prepare


def _of_counts(function: LabelCounts) -> Prepare:
    """A score of how many rows each label has, is given to, and is rightly given to."""

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        true, given = target.astype(np.float64), predictions.label_codes.astype(np.float64)
        hits = true * given

        def score(weights: FloatArray | None) -> float:
            weight = np.ones(len(true)) if weights is None else weights
            return function(weight @ hits, weight @ given, weight @ true)

        return score

    return prepare


def _macro(scores: ClassScores) -> LabelCounts:
    def function(hits: FloatArray, given: FloatArray, true: FloatArray) -> float:
        present = (given > 0) | (true > 0)
        return float(scores(hits, given, true)[present].mean()) if present.any() else float("nan")

    return function


def _micro(scores: ClassScores) -> LabelCounts:
    def function(hits: FloatArray, given: FloatArray, true: FloatArray) -> float:
        if not (given.sum() > 0 or true.sum() > 0):
            return float("nan")
        total = [np.atleast_1d(part.sum()) for part in (hits, given, true)]
        return float(scores(*total)[0])

    return function


def _log_losses(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    tiny = np.finfo(np.float64).eps
    chosen = np.where(target == 1, predictions.array, 1 - predictions.array)
    return np.asarray(-np.log(np.clip(chosen, tiny, 1 - tiny)).mean(axis=1))


def _squared_errors(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    return np.asarray(np.square(predictions.array - target).mean(axis=1))


def _wrong_labels(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    return np.asarray((predictions.label_codes != target).mean(axis=1))


def _all_right(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    right: FloatArray = (predictions.label_codes == target).all(axis=1).astype(np.float64)
    return right


def _row_f1(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    given = predictions.label_codes
    both = (target.sum(axis=1) + given.sum(axis=1)).astype(np.float64)
    hits = (target * given).sum(axis=1).astype(np.float64)
    # A row without any label that is given none is all right.
    return np.asarray(np.divide(2 * hits, both, out=np.ones(len(both)), where=both > 0))


def _loss(name: str, losses: RowLosses, needs: Needs, highest: float) -> Metric:
    return Metric(name, False, 0.0, needs, _TASKS, of_losses(losses), (0.0, highest), losses=losses)


def _share(name: str, prepare: Prepare, needs: Needs = "labels", losses: RowLosses | None = None) -> Metric:
    return Metric(name, True, 1.0, needs, _TASKS, prepare, (0.0, 1.0), losses=losses)


LOG_LOSS = _loss("log_loss", _log_losses, "probabilities", float("inf"))
"""Mean over rows and labels of the negative logarithm of the probability of what is true."""

BRIER = _loss("brier", _squared_errors, "probabilities", 1.0)
"""Mean over rows and labels of the squared error of the probability."""

ROC_AUC = _share("roc_auc", _of_ranks(area), "probabilities")
"""Mean over the labels of the area under the ROC curve."""

AVERAGE_PRECISION_MACRO = _share("average_precision_macro", _of_ranks(average_precision), "probabilities")
"""Mean over the labels of the average precision."""

F1_MACRO = _share("f1_macro", _of_counts(_macro(f_score(1.0))))
"""Mean over the labels of their F1; labels that are neither there nor given are left out."""

F1_MICRO = _share("f1_micro", _of_counts(_micro(f_score(1.0))))
"""F1 of all decisions together, so that frequent labels count more."""

F1_SAMPLES = _share("f1_samples", of_losses(_row_f1), losses=_row_f1)
"""Mean over the rows of the F1 of their labels; 1 where a row rightly has none."""

ACCURACY = _share("accuracy", of_losses(_all_right), losses=_all_right)
"""Share of rows with every label right ("subset accuracy")."""

HAMMING_LOSS = _loss("hamming_loss", _wrong_labels, "labels", 1.0)
"""Share of wrong labels among all of all rows."""
