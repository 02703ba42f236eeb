"""Greedy ensemble selection with replacement on out-of-fold predictions.

Source: Caruana, Niculescu-Mizil, Crew, Ksikes, "Ensemble selection from libraries of models" (ICML 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Predictions
from modelwright.core.fitting import Deadline
from modelwright.ensemble.decision import decided_error, quick_decision
from modelwright.metrics import Metric

__all__ = ["select_weights"]

_LEAST_WEIGHT = 0.05
"""Members below are dropped and the rest scaled to sum to one."""

Scorer = Callable[[NDArray[np.float64]], float]


def _log_loss_scorer(weights: NDArray[np.float64] | None) -> Scorer:
    def error(probability: NDArray[np.float64]) -> float:
        losses = -np.log(np.maximum(probability, 1e-15))
        return float(np.average(losses, weights=weights))

    return error


def _scoring(
    metric: Metric,
    target: NDArray[np.generic],
    candidates: Sequence[NDArray[np.floating]],
    weights: NDArray[np.float64] | None,
) -> tuple[list[NDArray[np.float64]], Scorer]:
    """The candidates' arrays and the error function; log loss needs only the true class's column."""
    if metric.name == "log_loss" and target.ndim == 1:
        rows = np.arange(len(target))
        codes = target.astype(np.int64)
        return [np.asarray(c[rows, codes], dtype=np.float64) for c in candidates], _log_loss_scorer(weights)

    arrays = [np.asarray(candidate, dtype=np.float64) for candidate in candidates]

    if not metric.costly:
        return arrays, lambda array: decided_error(metric, target, array, weights)
    # A caller's function may take long: it sees all blends at the decision that suits their mean.
    shared = quick_decision(metric, target, np.mean(arrays, axis=0), weights)

    def error(array: NDArray[np.float64]) -> float:
        return metric.error_of(metric.try_score(target, Predictions(array, shared), weights)[0])

    return arrays, error


def select_weights(
    metric: Metric,
    target: NDArray[np.generic],
    candidates: Sequence[NDArray[np.floating]],
    *,
    weights: NDArray[np.float64] | None = None,
    steps: int = 30,
    deadline: Deadline | None = None,
    prices: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Weights of an ensemble that averages some of the candidates.

    Each step adds the candidate (again, if it likes) whose addition lowers the error most; the best
    step is kept, light members are dropped. Ties favour members already used, then the earlier
    candidate: fewer members are faster to serve.

    Parameters
    ----------
    metric : Metric
        What is optimised.
    target : array, shape (rows,)
        Class codes or values.
    candidates : sequence of arrays
        Out-of-fold predictions of the same rows, shape (rows, classes) or (rows,) each.
    weights : array, shape (rows,), or None
        Row weights.
    steps : int, default 30
    deadline : Deadline, optional
        No further step begins after it.
    prices : array, shape (candidates, resources), optional
        Share of each resource (time of a prediction, size) that a candidate takes once it is a member: the
        members together take 1 at most. Every candidate can be afforded alone.

    Returns
    -------
    float64 array, shape (candidates,)
        Non-negative, sums to 1.

    Examples
    --------
    >>> from modelwright.metrics import get_metric
    >>> from modelwright.core import Task
    >>> target = np.array([0.0, 1.0, 2.0])
    >>> high, low, wild = target + 1, target - 1, target * 9
    >>> select_weights(get_metric("rmse", Task.REGRESSION), target, [high, wild, low]).tolist()
    [0.5, 0.0, 0.5]
    """
    arrays, error = _scoring(metric, target, candidates, weights)
    cost = np.zeros((len(arrays), 1)) if prices is None else prices
    if len(arrays) == 1:
        return np.ones(1)
    single = np.array([_finite(error(array)) for array in arrays])
    counts = np.zeros(len(arrays), dtype=np.int64)
    first = int(np.argmin(single))
    counts[first] = 1
    total = arrays[first].copy()
    best_counts, best_error = counts.copy(), single[first]
    for step in range(2, steps + 1):
        if deadline is not None and deadline.passed:
            break
        left = 1.0 - cost[counts > 0].sum(axis=0)
        open_to = (counts > 0) | (cost <= left + 1e-9).all(axis=1)
        errors = np.array(
            [
                _finite(error((total + array) / step)) if is_open else float("inf")
                for array, is_open in zip(arrays, open_to, strict=True)
            ]
        )
        lowest = errors.min()
        tied = np.flatnonzero(errors <= lowest + abs(lowest) * 1e-12)
        used = tied[counts[tied] > 0]
        chosen = int(used[0] if len(used) else tied[0])
        counts[chosen] += 1
        total += arrays[chosen]
        if errors[chosen] < best_error - abs(best_error) * 1e-9:
            best_counts, best_error = counts.copy(), errors[chosen]
        elif step - best_counts.sum() > 8:
            break  # eight additions without a gain: the rest only shifts noise
    share = best_counts / best_counts.sum()
    kept = np.where(share >= min(_LEAST_WEIGHT, share.max()), share, 0.0)
    pruned: NDArray[np.float64] = kept / kept.sum()
    return pruned


def _finite(value: float) -> float:
    return value if np.isfinite(value) else float("inf")
