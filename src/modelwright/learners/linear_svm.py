"""Linear models by stochastic gradients, for tables of many rows and texts of many terms."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Deadline,
    Estimate,
    FitTask,
    FloatArray,
    Problem,
    Shape,
    derive_seed,
    generator,
)
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.design import linear_estimate, training_design
from modelwright.learners.fold import Fold
from modelwright.learners.linear_model import FittedLinearModel, LinearState, value_limits
from modelwright.learners.penalized import Penalty, Solution, class_loss, minimise, single_thread
from modelwright.learners.spaces import Choice, Float, Parameter
from modelwright.learners.targets import loss_of

__all__ = ["LinearSVM"]

_MARGIN = 0.05
"""Seconds kept to write the model down."""

_HELD_OUT = 0.2
"""Share of the training rows whose margins tell how sure the model may be of others."""

_UPDATES = 1_000_000
"""Looks at a row that suffice: small tables are gone through more often."""


class LinearSVM(Learner):
    """Support vector machines and their like, a row at a time, averaged over all steps.

    The cost of a pass is that of reading the table once. Margins become probabilities by a logistic
    function (Platt, 1999), fitted to rows that a first model did not see. Values are fitted
    by the epsilon-insensitive loss, which large errors do not dominate, or by Huber's.

    Sources: Bottou, "Large-scale machine learning with stochastic gradient descent", 2010; Xu, "Towards
    optimal one pass large scale learning with averaged stochastic gradient descent", 2011.
    """

    name = "linear_svm"
    fitted = FittedLinearModel
    engines = ("sklearn.linear_model", "scipy.optimize")
    defaults: ClassVar[Mapping[str, Any]] = {
        "loss": "default",
        "alpha": 1e-5,
        "l1_ratio": 0.0,
        "epochs": None,
    }

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Classes and values, but neither quantiles nor directions."""
        if problem.monotonic:
            return "a model by stochastic gradients cannot promise to rise or fall with a column"
        if not problem.task.is_classification and loss_of(problem).name == "quantile":
            return "a support vector machine predicts the middle of a target, not its quantiles"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """The hinge loss with rounded corner; a weaker penalty where there is text."""
        loss = "modified_huber" if problem.task.is_classification else "default"
        return (Candidate("default", {"loss": loss, "alpha": 1e-6 if shape.rows > 100_000 else 1e-5}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Loss and penalty."""
        losses = ("hinge", "modified_huber", "log_loss")
        values = ("epsilon_insensitive", "huber")
        return {
            "loss": Choice(losses if problem.task.is_classification else values),
            "alpha": Float(1e-7, 1e-2, log=True),
            "l1_ratio": Choice((0.0, 0.15)),
        }

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Passes over the rows, and as much again for probabilities."""
        settings = self.settings(config)
        outputs = shape.outputs if shape.outputs > 2 else 1
        cost = linear_estimate(shape, outputs, 2)
        passes = settings["epochs"] or _epochs(shape.rows)
        stored = shape.rows * (1.7 * shape.numeric + shape.categorical + shape.terms)
        seconds = cost.seconds + 1.8 * passes * outputs * (6e-8 * shape.rows + 3e-9 * stored)
        return replace(cost, seconds=float(seconds), bytes=cost.bytes + int(8 * stored))

    def fit(self, task: FitTask) -> FitResult:
        """Go through the rows until all passes are done, or until time is up."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        design, matrix = training_design(task, fold)
        classes = len(fold.coder.present)
        link = ("one_vs_rest" if classes > 2 else "classes") if classes else "values"
        if fold.coder.is_constant:
            model = FittedLinearModel(fold.coder, design, LinearState.nothing(link, design.width))
            return FitResult(model, 0, {"stop": "nothing to learn"})
        with single_thread():
            passes = _Passes.of(matrix, fold, settings, task.seed)
            if classes:
                solution = _with_probabilities(passes, task)
            else:
                solution = passes.original(passes.run(None, task.deadline))
        state = LinearState(
            link,
            solution.coefficients if design.width else np.zeros((len(solution.coefficients), 0)),
            solution.intercepts,
            value_limits(fold.train_target),
        )
        info = {"columns": design.width, "stop": solution.reason}
        model = FittedLinearModel(fold.coder, design, state)
        return FitResult(model, solution.steps, info, solution.reason == "deadline")


def _epochs(rows: int) -> int:
    return int(np.clip(_UPDATES // max(1, rows), 5, 100))


@dataclass(frozen=True)
class _Passes:
    """What every pass goes through.

    Attributes
    ----------
    matrix : array or csr_matrix, shape (rows, columns)
        Of rows that are about 1 long, so that a step size means the same on any table.
    length : float
        What the rows were divided by.
    """

    matrix: Any
    length: float
    target: NDArray[Any]
    weights: FloatArray
    classes: int
    settings: dict[str, Any]
    seed: int

    @classmethod
    def of(cls, matrix: Any, fold: Fold, settings: dict[str, Any], seed: int) -> _Passes:
        values = matrix.data if hasattr(matrix, "tocsr") else matrix.reshape(-1)
        squares = sum(float(np.square(part, dtype=np.float64).sum()) for part in np.array_split(values, 32))
        length = float(np.sqrt(max(squares / matrix.shape[0], 1e-12)))
        weights = np.ones(len(fold.train_rows)) if fold.train_weights is None else fold.train_weights
        return cls(
            matrix=matrix / values.dtype.type(length),  # a copy: the matrix may be kept for other fits
            length=length,
            target=fold.train_target,
            weights=weights / weights.mean(),
            classes=len(fold.coder.present),
            settings=settings,
            seed=derive_seed(seed, "passes"),
        )

    def model(self) -> Any:
        """A model that has seen nothing."""
        from sklearn.linear_model import SGDClassifier, SGDRegressor

        common = {
            "alpha": self.settings["alpha"],
            "l1_ratio": self.settings["l1_ratio"],
            "penalty": "elasticnet" if self.settings["l1_ratio"] else "l2",
            "random_state": np.random.RandomState(self.seed),
            "average": True,
        }
        loss = self.settings["loss"]
        if self.classes:
            return SGDClassifier(loss="modified_huber" if loss == "default" else loss, **common)
        loss = "epsilon_insensitive" if loss == "default" else loss
        return SGDRegressor(
            loss=loss, epsilon=0.05, learning_rate="invscaling", eta0=0.5, power_t=0.25, **common
        )

    def run(self, rows: NDArray[np.int64] | None, deadline: Deadline) -> Solution:
        """Passes over all rows or some; one is always made."""
        some = slice(None) if rows is None else rows
        matrix, target, weights = self.matrix[some], self.target[some], self.weights[some]
        model = self.model()
        extra = {"classes": np.arange(self.classes)} if self.classes else {}
        wanted = self.settings["epochs"] or _epochs(matrix.shape[0])
        done, reason, slowest = 0, "epochs", 0.0
        while done < wanted:
            began = time.monotonic()
            if done and deadline.at is not None and began + 1.3 * slowest + _MARGIN > deadline.at:
                reason = "deadline"
                break
            model.partial_fit(matrix, target, sample_weight=weights, **extra)
            done += 1
            slowest = max(0.8 * slowest, time.monotonic() - began)
        coefficients = np.asarray(model.coef_, np.float64).reshape(-1, matrix.shape[1])
        intercepts = np.asarray(model.intercept_, np.float64).reshape(-1)
        return Solution(coefficients, intercepts, done, reason)

    def original(self, solution: Solution) -> Solution:
        """Coefficients for rows as long as they were."""
        return Solution(
            solution.coefficients / self.length, solution.intercepts, solution.steps, solution.reason
        )


def _with_probabilities(passes: _Passes, task: FitTask) -> Solution:
    """A model of all rows, its margins turned into log odds by rows that a first model did not see."""
    rows = passes.matrix.shape[0]
    shuffled = generator(task.seed, "held out").permutation(rows)
    held = np.sort(shuffled[: int(_HELD_OUT * rows)])
    seen = np.sort(shuffled[int(_HELD_OUT * rows) :])
    usable = len(np.unique(passes.target[seen])) == passes.classes and len(held) >= 10
    # the passes over fewer rows, then over all: about as long each
    half = Deadline.after(0.45 * task.deadline.remaining) if task.deadline.at is not None else task.deadline
    first = passes.run(seen if usable else None, half)
    asked = held if usable else np.arange(rows)
    margins = np.asarray(passes.matrix[asked] @ first.coefficients.T) + first.intercepts
    final = passes.run(None, task.deadline) if usable else first
    slopes, shifts = np.ones(margins.shape[1]), np.zeros(margins.shape[1])
    for position in range(margins.shape[1]):
        member = passes.target[asked] == (1 if passes.classes == 2 else position)
        slopes[position], shifts[position] = _platt(margins[:, position], member, passes.weights[asked])
    scaled = Solution(
        final.coefficients * slopes[:, None],
        final.intercepts * slopes + shifts,
        final.steps,
        "deadline" if "deadline" in (first.reason, final.reason) else final.reason,
    )
    return passes.original(scaled)


def _platt(margins: FloatArray, member: NDArray[np.bool_], weights: FloatArray) -> tuple[float, float]:
    """Slope and shift that make log odds of margins (Platt, 1999); the slope is never negative."""
    spread = float(margins.std()) or 1.0
    start = Solution(np.ones((1, 1)), np.zeros(1), 0, "")
    # a weak penalty keeps the slope finite where margins separate the classes
    penalty = Penalty(0.0, 1.0 / len(margins))
    loss = class_loss(member.astype(np.int64), weights, 2)
    matrix = (margins / spread)[:, None]
    found = minimise(loss, matrix, start, penalty, Deadline(None), 50, np.ones(1, np.int64))
    return float(found.coefficients[0, 0]) / spread, float(found.intercepts[0])
