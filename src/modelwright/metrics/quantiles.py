"""The metric of several predicted quantiles of one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, OptionError, Predictions, Problem, Task
from modelwright.metrics.base import Metric, of_losses

__all__ = ["PINBALL", "coverage", "pinball"]

_USUAL = (0.1, 0.5, 0.9)


def pinball(levels: Sequence[float]) -> Metric:
    """Mean over the quantiles of the pinball loss, which is lowest when each is predicted as it is.

    Twice the mean over many evenly spaced quantiles approaches the continuous ranked probability score.
    Sources: Koenker and Bassett, "Regression Quantiles" (1978); Gneiting and Raftery, "Strictly proper
    scoring rules, prediction, and estimation" (2007).

    Parameters
    ----------
    levels : sequence of float
        Between 0 and 1, one for each column of the predictions. Predictions of shape ``(rows,)`` are of
        the only level.

    Raises
    ------
    OptionError
        If a level is not between 0 and 1. When scoring, `BadInput` if there are not as many columns as
        levels.

    Examples
    --------
    >>> metric = pinball((0.1, 0.9))
    >>> round(metric.score(np.array([10.0, 10.0]), Predictions(np.array([[5.0, 15.0], [9.0, 20.0]]))), 6)
    0.525
    """
    at = np.asarray(levels, dtype=np.float64)
    if not len(at) or not ((at > 0) & (at < 1)).all():
        raise OptionError(
            f"The quantiles of the pinball loss must lie between 0 and 1, but came as {tuple(levels)}. "
            "Name at least one, like 0.5."
        )

    def losses(target: NDArray[Any], predictions: Predictions) -> FloatArray:
        array = predictions.array.reshape(len(target), -1)
        if array.shape[1] != len(at):
            raise BadInput(
                f"The pinball loss is of the {len(at)} quantiles {tuple(levels)}, but {array.shape[1]} were "
                "predicted. Make the metric with `problem_metric`, which knows the quantiles of a problem."
            )
        difference = target.astype(np.float64)[:, None] - array
        return np.asarray(np.maximum(at * difference, (at - 1) * difference).mean(axis=1))

    return Metric(
        "pinball",
        False,
        0.0,
        "values",
        (Task.QUANTILE,),
        of_losses(losses),
        (0.0, float("inf")),
        losses=losses,
        of_problem=_of_problem,
    )


def coverage(levels: Sequence[float]) -> tuple[Metric, ...]:
    """For each quantile the share of targets at or below it, which should be its level.

    These describe a model and rank none: a constant has the right shares as well.

    Parameters
    ----------
    levels : sequence of float
        One for each column of the predictions.

    Examples
    --------
    >>> low, high = coverage((0.1, 0.9))
    >>> low.name, high.score(np.array([1.0, 2.0]), Predictions(np.array([[0.0, 1.5], [0.0, 1.5]])))
    ('coverage_0.1', 0.5)
    """
    return tuple(_share_below(position, level) for position, level in enumerate(levels))


def _share_below(position: int, level: float) -> Metric:
    def losses(target: NDArray[Any], predictions: Predictions) -> FloatArray:
        array = predictions.array.reshape(len(target), -1)
        return np.asarray(target.astype(np.float64) <= array[:, position], np.float64)

    return Metric(
        f"coverage_{level:g}",
        True,
        level,
        "values",
        (Task.QUANTILE,),
        of_losses(losses),
        (0.0, 1.0),
        tuned=False,
        losses=losses,
    )


def _of_problem(problem: Problem) -> Metric:
    return pinball(problem.quantiles)


PINBALL = pinball(_USUAL)
"""Of the quantiles 0.1, 0.5 and 0.9 until a problem names others."""
