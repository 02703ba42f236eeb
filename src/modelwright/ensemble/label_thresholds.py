"""From which probability on a label of a multilabel task is given: one threshold for each label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Predictions, generator
from modelwright.ensemble.proof import is_proven
from modelwright.metrics import Metric

__all__ = ["fit_thresholds", "quick_thresholds"]

_COMMON = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
_CELLS = 60_000
"""Rows x labels that thresholds of their own are searched on."""

_MOST_LABELS = 30
"""Beyond so many labels, all share one threshold."""

_FEWEST = 20
"""Rows with a label below which it keeps the common threshold."""

_REPEATS = 2


@dataclass(frozen=True)
class _Rows:
    """Out-of-fold rows of several labels."""

    metric: Metric
    target: NDArray[np.int64]
    array: FloatArray
    weights: FloatArray | None

    def take(self, rows: NDArray[Any] | slice) -> _Rows:
        weights = None if self.weights is None else self.weights[rows]
        return _Rows(self.metric, self.target[rows], self.array[rows], weights)

    def gain(self, thresholds: FloatArray | None, other: FloatArray | None) -> float:
        return self.better(thresholds) - self.better(other)

    def better(self, thresholds: FloatArray | None) -> float:
        """The score, higher for better."""
        predictions = Predictions(self.array, thresholds)
        score, _ = self.metric.try_score(self.target, predictions, self.weights)
        return score if self.metric.greater_is_better else -score


def quick_thresholds(
    metric: Metric, target: NDArray[Any], array: FloatArray, weights: FloatArray | None = None
) -> FloatArray | None:
    """One threshold for all labels at which predictions score well; None for 0.5.

    Parameters
    ----------
    metric, target, array, weights
        As for `fit_thresholds`.
    """
    if metric.costly or metric.name in ("accuracy", "hamming_loss"):  # a half is about right for these
        return None
    rows = _Rows(metric, np.asarray(target, np.int64), np.asarray(array, np.float64), weights)
    scores = [rows.better(np.full(rows.array.shape[1], threshold)) for threshold in _COMMON]
    best = int(np.nanargmax(scores)) if np.isfinite(scores).any() else len(_COMMON) - 1
    return None if best == len(_COMMON) - 1 else np.full(rows.array.shape[1], _COMMON[best])


def fit_thresholds(
    metric: Metric,
    target: NDArray[Any],
    array: FloatArray,
    weights: FloatArray | None = None,
    seed: int = 0,
) -> FloatArray | None:
    """The thresholds that a final model should use, or None for 0.5.

    One threshold for all labels, then one for each, must prove their gain on halves of the rows that
    they were not fitted on.

    Parameters
    ----------
    metric : Metric
        Of decisions.
    target : int64 array, shape (rows, labels)
        0 and 1.
    array : float64 array, shape (rows, labels)
        Out-of-fold probabilities.
    weights : float64 array, shape (rows,), optional
    seed : int, default 0

    Returns
    -------
    float64 array, shape (labels,), or None
    """
    if metric.costly:
        return None
    rows = _Rows(metric, np.asarray(target, np.int64), np.asarray(array, np.float64), weights)
    rows = rows.take(slice(None, None, max(1, -(-rows.array.size // _CELLS))))
    if len(rows.target) < 2 * _FEWEST:
        return None
    random, halves = generator(seed, "decision"), []
    for _ in range(_REPEATS):
        order = random.permutation(len(rows.target))
        cut = len(order) // 2
        halves.append((rows.take(np.sort(order[:cut])), rows.take(np.sort(order[cut:]))))
    sides = [pair for first, second in halves for pair in ((first, second), (second, first))]
    chosen: FloatArray | None = None
    for fit in (_common, _own):
        gains = [there.gain(fit(here), chosen) for here, there in sides]
        if is_proven(gains):
            chosen = fit(rows)
    return chosen


def _common(rows: _Rows) -> FloatArray | None:
    return quick_thresholds(rows.metric, rows.target, rows.array, rows.weights)


def _own(rows: _Rows) -> FloatArray | None:
    """A threshold for each label in turn, the others held fast."""
    common = _common(rows)
    labels = rows.array.shape[1]
    if labels > _MOST_LABELS:
        return common
    thresholds = np.full(labels, 0.5) if common is None else common.copy()
    for label in range(labels):
        scores = rows.array[rows.target[:, label] == 1, label]
        if len(scores) < _FEWEST // 2:
            continue
        tried = np.unique([*np.quantile(scores, np.linspace(0.02, 0.9, 12)), thresholds[label]])
        found = [rows.better(_with(thresholds, label, threshold)) for threshold in tried]
        if np.isfinite(found).any() and np.nanmax(found) > rows.better(thresholds):
            thresholds = _with(thresholds, label, float(tried[int(np.nanargmax(found))]))
    return thresholds


def _with(thresholds: FloatArray, label: int, value: float) -> FloatArray:
    changed = thresholds.copy()
    changed[label] = min(max(value, 0.0), 1.0)
    return changed
