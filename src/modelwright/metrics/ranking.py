"""Scores of an order: what ROC AUC and average precision have in common, for one class against the rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.metrics.base import Scorer

__all__ = ["RankedScore", "area", "average_precision", "ranked"]

RankedScore = Callable[[FloatArray, FloatArray], float]
"""Positive and negative weight of each group of equal scores, best score first -> score."""


def ranked(positive: NDArray[np.bool_], scores: FloatArray, function: RankedScore) -> Scorer:
    """Sort once; each weighting then costs two sums over the groups of equal scores."""
    order = np.argsort(-scores)
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    is_positive = positive[order].astype(np.float64)
    tied = len(starts) < len(ordered)

    def score(weights: FloatArray | None) -> float:
        weight = np.ones(len(order)) if weights is None else weights[order]
        hits = weight * is_positive
        misses = weight - hits
        if tied:
            hits, misses = np.add.reduceat(hits, starts), np.add.reduceat(misses, starts)
        return function(hits, misses)

    return score


def area(hits: FloatArray, misses: FloatArray) -> float:
    """Probability that a positive outranks a negative, equal scores counting half (Mann-Whitney)."""
    total = float(hits.sum()) * float(misses.sum())
    if total <= 0:
        return float("nan")
    outranked = np.cumsum(hits) - 0.5 * hits
    return min(float(misses @ outranked) / total, 1.0)


def average_precision(hits: FloatArray, misses: FloatArray) -> float:
    """Mean precision over the steps of recall, not interpolated."""
    total = float(hits.sum())
    if total <= 0:
        return float("nan")
    found = np.cumsum(hits)
    seen = found + np.cumsum(misses)
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    return min(float(hits @ precision) / total, 1.0)
