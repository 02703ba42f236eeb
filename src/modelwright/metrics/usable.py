"""Whether a metric can score a target at all, found out before anything is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, OptionError, Predictions, Problem, Task
from modelwright.metrics.base import Metric

__all__ = ["check_usable"]


def check_usable(
    metric: Metric, problem: Problem, target: NDArray[Any], weights: FloatArray | None = None
) -> None:
    """Refuse a metric that can score neither perfect predictions of a target nor constant ones.

    A metric of the caller's, or of a package, may fail over some predictions: a correlation has no value
    where all predictions are equal. One that fails over both extremes would fail over every model.

    Parameters
    ----------
    metric : Metric
    problem : Problem
        Resolved.
    target : array, shape (rows,), or (rows, labels) of a multilabel task
    weights : float64 array, shape (rows,), optional
        Row weights.

    Raises
    ------
    OptionError
        With what the metric said.

    Examples
    --------
    >>> from modelwright.metrics import get_metric
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmsle", ())
    >>> check_usable(get_metric("rmsle", Task.REGRESSION), problem, np.array([1.0, 2.0, 4.0]))
    """
    perfect = _perfect(problem, target)
    constant = Predictions(np.broadcast_to(perfect.mean(axis=0), perfect.shape).copy())
    reasons = []
    for predictions in (Predictions(perfect), constant):
        score, reason = metric.try_score(target, predictions, weights)
        if np.isfinite(score):
            return
        reasons.append(reason or f"The metric {metric.name!r} scores perfect predictions {score:g}.")
    raise OptionError(f"{reasons[0]} No model could be chosen by it.")


def _perfect(problem: Problem, target: NDArray[Any]) -> FloatArray:
    """What a model that is always right would predict, in the shape of the problem."""
    if problem.task.is_classification:
        return np.eye(problem.outputs)[target.astype(np.int64)]
    values = target.astype(np.float64)
    return np.repeat(values[:, None], problem.outputs, axis=1) if problem.task is Task.QUANTILE else values
