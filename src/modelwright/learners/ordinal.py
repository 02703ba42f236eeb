"""Ordered classes: one linear score, cut by thresholds (proportional odds)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from modelwright.core import Config, Estimate, FitTask, FloatArray, Problem, Shape, TrialError
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.design import design_width, linear_estimate, training_design
from modelwright.learners.fold import Fold
from modelwright.learners.linear_model import FittedLinearModel, LinearState
from modelwright.learners.linear_reading import read_contributions
from modelwright.learners.penalized import Penalty, Solution, minimise, ordered_loss, single_thread
from modelwright.learners.spaces import Choice, Float, Parameter
from modelwright.learners.tree_ensemble import class_shares

__all__ = ["Ordinal", "not_ordered"]


def not_ordered(problem: Problem) -> str | None:
    """Why a learner of ordered classes takes no part; None where it can.

    Examples
    --------
    >>> not_ordered(Problem.of("stars", task="multiclass"))
    'it is for several classes that have an order'
    """
    if not problem.ordered or not problem.task.is_classification or problem.outputs < 3:
        return "it is for several classes that have an order"
    if problem.monotonic:
        return "it cannot keep the probabilities of several classes monotonic in a column"
    return None


class Ordinal(Learner):
    """Cumulative logits: the odds of being at most a class all shift alike with the score.

    Sources: McCullagh, "Regression models for ordinal data", 1980; the elastic net is that of `Linear`.
    """

    name = "ordinal"
    interpretable = True
    fitted = FittedLinearModel
    engines = ("scipy.optimize",)
    defaults: ClassVar[Mapping[str, Any]] = {"C": 1.0, "l1_ratio": 0.0, "max_iter": 300}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Several classes in an order."""
        return not_ordered(problem)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """A weak penalty first where rows are plenty, a strong one first where columns are."""
        weak, strong = Candidate("default", {"C": 1.0}), Candidate("strong penalty", {"C": 0.01})
        return (strong, weak) if design_width(shape) > shape.rows else (weak, strong)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """The inverse of the penalty, and how much of it is absolute."""
        return {"C": Float(1e-4, 1e3, log=True), "l1_ratio": Choice((0.0, 0.5, 1.0))}

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Steps times the cost of two products with the matrix."""
        return linear_estimate(shape, 1, min(self.settings(config)["max_iter"], 80))

    def fit(self, task: FitTask) -> FitResult:
        """Solve until converged, or until time is up."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        if not fold.coder.is_classification:
            raise TrialError("A model of ordered classes was asked for a value. Choose another learner.")
        design, matrix = training_design(task, fold)
        if fold.coder.is_constant:
            model = FittedLinearModel(fold.coder, design, LinearState.nothing("ordered", design.width))
            return FitResult(model, 0, {"stop": "nothing to learn"})
        rows, classes = len(fold.train_rows), len(fold.coder.present)
        start = Solution(np.zeros((1, matrix.shape[1])), _thresholds(class_shares(fold)), 0, "")
        penalty = Penalty.of(1 / (float(settings["C"]) * rows), float(settings["l1_ratio"]))
        with single_thread():
            loss = ordered_loss(fold.train_target, fold.train_weights, classes)
            found = minimise(loss, matrix, start, penalty, task.deadline, int(settings["max_iter"]))
        free = found.intercepts
        state = LinearState(
            "ordered",
            found.coefficients if design.width else np.zeros((1, 0)),
            np.concatenate([free[:1], free[0] + np.cumsum(np.exp(np.clip(free[1:], -30.0, 30.0)))]),
        )
        info = {"columns": design.width, "stop": found.reason}
        reading = read_contributions(design, task.view.info, matrix, state.coefficients)
        model = FittedLinearModel(fold.coder, design, state, reading)
        return FitResult(model, found.steps, info, found.reason == "deadline")


def _thresholds(shares: FloatArray) -> FloatArray:
    """The free parameters with which every row gets the shares of the classes."""
    below = np.clip(np.cumsum(shares)[:-1], 1e-6, 1 - 1e-6)
    odds = np.log(below / (1 - below))
    return np.concatenate([odds[:1], np.log(np.maximum(np.diff(odds), 1e-6))])
