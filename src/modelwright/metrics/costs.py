"""The metric of what decisions cost."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, OptionError, Predictions, Problem
from modelwright.metrics.base import CLASSIFICATION, ConfusionScore, Metric, RowLosses, of_losses

__all__ = ["COST", "cost_matrix", "cost_metric"]


def cost_matrix(problem: Problem) -> FloatArray:
    """What deciding for a class (column) costs when another (row) is true, by class code.

    An error that `Problem.costs` does not name costs 1, a right decision 0; either may be named, and a
    negative cost is a gain.

    Returns
    -------
    float64 array, shape (classes, classes)

    Raises
    ------
    OptionError
        If a cost is of a class that does not exist, is named twice, or is not a finite number.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from modelwright.core import Task
    >>> known = Problem.of("y").resolved(Task.BINARY, "cost", ("no", "yes"))
    >>> cost_matrix(replace(known, costs=(("yes", "no", 10.0),))).tolist()
    [[0.0, 1.0], [10.0, 0.0]]
    """
    codes = {label: code for code, label in enumerate(problem.classes)}
    matrix: FloatArray = 1.0 - np.eye(len(codes))
    named: set[tuple[int, int]] = set()
    for actual, predicted, cost in problem.costs:
        for label in (actual, predicted):
            if label not in codes:
                raise OptionError(
                    f"A cost is given for the class {label!r}, but the classes of {problem.target!r} are "
                    f"{', '.join(map(repr, problem.classes))}. Name two of these and what the error costs."
                )
        cell = codes[actual], codes[predicted]
        if cell in named or not np.isfinite(cost):
            raise OptionError(
                f"The cost of predicting {predicted!r} where {actual!r} is true must be one finite number, "
                f"but came as {cost!r}{' beside another one' if cell in named else ''}. Give it once."
            )
        named.add(cell)
        matrix[cell] = cost
    return matrix


def cost_metric(matrix: NDArray[Any]) -> Metric:
    """Mean cost of the decisions, a row each.

    Parameters
    ----------
    matrix : array, shape (classes, classes)
        As `cost_matrix` gives it.

    Examples
    --------
    >>> cautious = cost_metric(np.array([[0.0, 1.0], [10.0, 0.0]]))
    >>> cautious.score(np.array([1, 0]), Predictions(np.array([[0.8, 0.2], [0.9, 0.1]])))
    5.0
    """
    costs: FloatArray = np.asarray(matrix, dtype=np.float64)

    def losses(target: NDArray[Any], predictions: Predictions) -> FloatArray:
        if predictions.array.shape[1] != len(costs):
            raise BadInput(
                f"The costs are of {len(costs)} classes, but {predictions.array.shape[1]} were predicted. "
                "Make the metric with `problem_metric`, which knows the classes of a problem."
            )
        paid: FloatArray = costs[target.astype(np.int64), predictions.codes]
        return paid

    def mean(confusion: FloatArray) -> FloatArray:
        return np.asarray((costs * confusion).sum(axis=(-2, -1)) / confusion.sum(axis=(-2, -1)))

    lowest, highest = float(costs.min()), float(costs.max())
    return _named(losses, mean, (lowest, max(highest, lowest + 1.0)))


def _errors(target: NDArray[Any], predictions: Predictions) -> FloatArray:
    wrong: FloatArray = (predictions.codes != target).astype(np.float64)
    return wrong


def _error_rate(confusion: FloatArray) -> FloatArray:
    hits = np.trace(confusion, axis1=-2, axis2=-1)
    return np.asarray(1.0 - hits / confusion.sum(axis=(-2, -1)))


def _named(losses: RowLosses, confusion: ConfusionScore, bounds: tuple[float, float]) -> Metric:
    return Metric(
        "cost",
        False,
        bounds[0],
        "labels",
        CLASSIFICATION,
        of_losses(losses),
        bounds,
        losses=losses,
        confusion=confusion,
        of_problem=_of_problem,
    )


def _of_problem(problem: Problem) -> Metric:
    return cost_metric(cost_matrix(problem))


COST = _named(_errors, _error_rate, (0.0, 1.0))
"""Mean cost of the decisions; each error costs 1 until a problem tells what errors cost."""
