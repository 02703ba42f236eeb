"""The constant learner: the baseline that every other model has to beat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from modelwright.core import (
    Config,
    Contributions,
    Estimate,
    FitTask,
    FloatArray,
    Predictions,
    Problem,
    Shape,
    View,
)
from modelwright.learners.attribution import constant_contributions
from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.quantiles import weighted_quantile
from modelwright.learners.spaces import Parameter
from modelwright.learners.state import check_state, read_json, write_json
from modelwright.learners.targets import loss_of

__all__ = ["Constant", "FittedConstant"]


class FittedConstant(FittedLearner):
    """The same prediction for every row.

    Parameters
    ----------
    values : float64 array
        Probabilities of the classes, or the one value of a regression.
    is_classification : bool
        Which of the two it is.
    """

    def __init__(self, values: FloatArray, is_classification: bool) -> None:
        self.values = values
        self.is_classification = is_classification

    def predict(self, view: View) -> Predictions:
        """The class shares, or the value, for every row."""
        if self.is_classification:
            return Predictions.of_probabilities(np.tile(self.values, (view.rows, 1)))
        return Predictions.of_values(np.full(view.rows, self.values[0]))

    def contributions(self, view: View) -> Contributions:
        """No column adds anything."""
        return constant_contributions(self.values, view, classes=self.is_classification)

    def save(self, directory: Path) -> None:
        """Write ``constant.json``."""
        write_json(directory / "constant.json", self._record())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "constant.json"
        record = read_json(path)
        values, classes = record.get("values"), record.get("is_classification")
        check_state(
            isinstance(values, list)
            and len(values) > 0
            and all(isinstance(value, (int, float)) and abs(value) < math.inf for value in values)
            and isinstance(classes, bool),
            path,
            "does not hold the values of a constant model",
        )
        return cls(np.asarray(values, np.float64), bool(classes))

    @property
    def size_bytes(self) -> int:
        """A few bytes a class."""
        return 20 * len(self.values) + 40

    def _record(self) -> dict[str, Any]:
        return {"values": self.values.tolist(), "is_classification": self.is_classification}


class Constant(Learner):
    """Class shares, or the constant that is best for the metric: mean, median or quantile.

    Examples
    --------
    >>> from modelwright.core import Task, ViewInfo
    >>> view = View(np.zeros((4, 0), np.float32), np.zeros((4, 0), np.int32), ViewInfo((), ()))
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "mae", ())
    >>> rows = np.arange(4)
    >>> result = Constant().fit(FitTask(view, np.array([0.0, 1.0, 1.0, 50.0]), rows, rows[:0], problem))
    >>> result.model.predict(view).array.tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    name = "constant"
    fitted = FittedConstant

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """The one constant."""
        return (Candidate("constant", {}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Nothing to tune."""
        return {}

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Next to nothing."""
        return Estimate(0.001 + 2e-7 * shape.rows, 16 * shape.rows * max(1, shape.outputs), 100, 1e-5)

    def fit(self, task: FitTask) -> FitResult:
        """Weighted class shares, or the weighted mean, median or quantile of the target."""
        self.settings(task.config)
        fold = Fold.of(task)
        weights = fold.train_weights
        if weights is None:
            weights = np.ones(len(fold.train_rows))
        if fold.coder.is_classification:
            counts = np.bincount(
                np.asarray(task.target)[fold.train_rows], weights, minlength=fold.coder.outputs
            )
            return FitResult(FittedConstant(counts / counts.sum(), True))
        if fold.coder.is_constant:
            return FitResult(FittedConstant(fold.coder.predict_constant(1).array, False))
        loss = loss_of(task.problem)
        if loss.name == "squared":
            fitted = float(np.average(fold.train_target, weights=weights))
        else:
            fitted = weighted_quantile(fold.train_target, weights, loss.level)
        value = fold.coder.decode(np.array([fitted])).array
        return FitResult(FittedConstant(value, False))
