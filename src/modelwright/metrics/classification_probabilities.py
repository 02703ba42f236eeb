"""Metrics of predicted probabilities: of their order (ROC AUC ...) and of their size (log loss, Brier)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Predictions, Task
from modelwright.metrics.base import CLASSIFICATION, Metric, Prepare, Scorer, of_losses
from modelwright.metrics.ranking import RankedScore, area, average_precision, ranked

__all__ = [
    "AVERAGE_PRECISION",
    "AVERAGE_PRECISION_MACRO",
    "BRIER",
    "LOG_LOSS",
    "ROC_AUC",
    "ROC_AUC_OVR",
    "ROC_AUC_OVR_WEIGHTED",
    "area_under_roc",
]


def area_under_roc(
    positive: NDArray[np.bool_], scores: FloatArray, weights: FloatArray | None = None
) -> float:
    """Area under the ROC curve of any scores; NaN unless both classes are there.

    Source: Hanley and McNeil (1982): it equals the Mann-Whitney statistic.

    Parameters
    ----------
    positive : bool array, shape (rows,)
    scores : float array, shape (rows,)
        Higher means more likely positive.
    weights : float array, shape (rows,), optional

    Examples
    --------
    >>> area_under_roc(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    return ranked(positive, scores, area)(weights)


def _of_positive_class(function: RankedScore) -> Prepare:
    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        return ranked(target == 1, predictions.array[:, 1], function)

    return prepare


def _one_versus_rest(function: RankedScore, by_size: bool) -> Prepare:
    """Mean over the classes; those for which it is undefined (absent, or alone) are left out."""

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        classes = predictions.array.shape[1]
        scorers = [ranked(target == code, predictions.array[:, code], function) for code in range(classes)]

        def score(weights: FloatArray | None) -> float:
            scores = np.array([scorer(weights) for scorer in scorers])
            sizes = np.bincount(target, weights, minlength=classes).astype(np.float64)
            known = np.isfinite(scores) & (sizes > 0)
            if not known.any():
                return float("nan")
            return float(np.average(scores[known], weights=sizes[known] if by_size else None))

        return score

    return prepare


def _log_losses(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    chosen = predictions.array[np.arange(len(target)), target]
    # Clipped like scikit-learn's: one certain error costs 36, not everything.
    tiny = np.finfo(np.float64).eps
    return np.asarray(-np.log(np.clip(chosen, tiny, 1 - tiny)))


def _squared_errors(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    array = predictions.array
    if array.shape[1] == 2:
        return np.asarray(np.square(array[:, 1] - (target == 1)))
    chosen = array[np.arange(len(target)), target]
    return np.asarray(np.square(array).sum(axis=1) - 2 * chosen + 1)


ROC_AUC = Metric("roc_auc", True, 1.0, "probabilities", (Task.BINARY,), _of_positive_class(area), (0.0, 1.0))
"""Area under the ROC curve; NaN unless both classes are there."""

ROC_AUC_OVR = Metric(
    "roc_auc_ovr", True, 1.0, "probabilities", CLASSIFICATION, _one_versus_rest(area, False), (0.0, 1.0)
)
"""Mean over the classes of the ROC AUC of one class against the rest."""

ROC_AUC_OVR_WEIGHTED = Metric(
    "roc_auc_ovr_weighted",
    True,
    1.0,
    "probabilities",
    CLASSIFICATION,
    _one_versus_rest(area, True),
    (0.0, 1.0),
)
"""The same, each class weighted by its rows."""

AVERAGE_PRECISION = Metric(
    "average_precision",
    True,
    1.0,
    "probabilities",
    (Task.BINARY,),
    _of_positive_class(average_precision),
    (0.0, 1.0),
)
"""Area under the precision-recall curve, not interpolated; NaN without a positive row."""

AVERAGE_PRECISION_MACRO = Metric(
    "average_precision_macro",
    True,
    1.0,
    "probabilities",
    CLASSIFICATION,
    _one_versus_rest(average_precision, False),
    (0.0, 1.0),
)
"""Mean over the classes of the average precision of one class against the rest."""

LOG_LOSS = Metric(
    "log_loss",
    False,
    0.0,
    "probabilities",
    CLASSIFICATION,
    of_losses(_log_losses),
    (0.0, float("inf")),
    losses=_log_losses,
)
"""Mean negative logarithm of the probability given to the true class."""

BRIER = Metric(
    "brier",
    False,
    0.0,
    "probabilities",
    CLASSIFICATION,
    of_losses(_squared_errors),
    (0.0, 2.0),
    losses=_squared_errors,
)
"""Mean squared error of the probabilities: of the positive class (two classes), else summed over classes."""
