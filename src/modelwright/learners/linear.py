"""Linear models: logistic, ridge and quantile regression on scaled numbers, one-hot categories and terms."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
)
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.design import Design, column_signs, design_width, linear_estimate, training_design
from modelwright.learners.fold import Fold
from modelwright.learners.linear_model import FittedLinearModel, LinearState, value_limits
from modelwright.learners.linear_reading import read_contributions
from modelwright.learners.objectives import unsupported_monotonic
from modelwright.learners.penalized import (
    LinearLoss,
    Penalty,
    Solution,
    absolute_loss,
    class_loss,
    minimise,
    single_thread,
    squared_loss,
)
from modelwright.learners.quantiles import weighted_quantile
from modelwright.learners.spaces import Choice, Float, Parameter
from modelwright.learners.targets import Loss, loss_of

__all__ = ["Linear"]

_STEPS = (10, 20, 40, 80, 160, 320)
"""Solver steps between looks at the clock. Fixed: restarts of the solver are part of the result."""

_DIRECT_FLOPS = 4e9
"""Ridge is solved directly up to so many operations, and by iterations beyond."""

_MARGIN = 0.05
"""Seconds kept to write the model down."""

_SORT_SECONDS = 4e-7
"""Seconds a row that a sort and a product take."""

_WIDTHS = (0.3, 0.1, 0.03)
"""Over how much of the target's spread the kink of a quantile's loss is rounded, one after the other."""


class Linear(Learner):
    """Logistic regression, ridge regression and quantile regression, with an elastic-net penalty if asked.

    Without an L1 penalty, classes and means are fitted by scikit-learn; all else by L-BFGS-B. Quantiles
    (for an absolute error: medians) take a loss whose kink is rounded ever less. Linear algebra runs on
    one thread: its sums, and so the model, then do not depend on how many there are.

    Sources: Zou & Hastie, "Regularization and variable selection via the elastic net", 2005; Koenker &
    Bassett, "Regression quantiles", 1978.
    """

    name = "linear"
    interpretable = True
    turn = 0
    fitted = FittedLinearModel
    engines = ("sklearn.linear_model", "scipy.optimize")
    defaults: ClassVar[Mapping[str, Any]] = {"C": 1.0, "l1_ratio": 0.0, "max_iter": 300}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Coefficients can be kept from changing sign, but not for several classes at once."""
        return unsupported_monotonic(problem, "a linear model", quantiles=True)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """A weak penalty first where rows are plenty, a strong one first where columns are."""
        weak, strong = Candidate("default", {"C": 1.0}), Candidate("strong penalty", {"C": 0.01})
        if shape.sparse:
            # rows of terms have length 1, and so need larger coefficients than standardised columns
            return (Candidate("terms", {"C": 5.0}), weak)
        return (strong, weak) if design_width(shape) > shape.rows else (weak, strong)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """The inverse of the penalty, and how much of it is absolute."""
        return {"C": Float(1e-4, 1e3, log=True), "l1_ratio": Choice((0.0, 0.5, 1.0))}

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Steps times the cost of two products with the matrix."""
        settings = self.settings(config)
        outputs = shape.outputs if shape.outputs > 2 else 1
        steps = min(settings["max_iter"], 100) if shape.outputs > 1 or settings["l1_ratio"] else 10
        return linear_estimate(shape, outputs, steps)

    def fit(self, task: FitTask) -> FitResult:
        """Solve until converged, or until time is up."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        design, matrix = training_design(task, fold)
        link = "classes" if fold.coder.is_classification else "values"
        if fold.coder.is_constant:
            model = FittedLinearModel(fold.coder, design, LinearState.nothing(link, design.width))
            return FitResult(model, 0, {"stop": "nothing to learn"})
        weights = fold.train_weights
        if weights is not None:
            # the penalty keeps its meaning whatever the weights' unit is
            weights = weights / weights.mean()
        target = fold.train_target
        with single_thread():
            solution = _solve(task, fold, design, matrix, weights)
        state = LinearState(
            link,
            solution.coefficients if design.width else np.zeros((len(solution.coefficients), 0)),
            solution.intercepts,
            value_limits(target),
        )
        info = {"columns": design.width, "stop": solution.reason}
        if settings["l1_ratio"]:
            info["columns_used"] = int((state.coefficients != 0).any(axis=0).sum())
        reading = read_contributions(design, task.view.info, matrix, state.coefficients)
        model = FittedLinearModel(fold.coder, design, state, reading)
        return FitResult(model, solution.steps, info, solution.reason == "deadline")


def _solve(task: FitTask, fold: Fold, design: Design, matrix: Any, weights: FloatArray | None) -> Solution:
    """The solver that the loss, the penalty and the constraints need."""
    settings = {**Linear.defaults, **task.config}
    target, classes = fold.train_target, len(fold.coder.present)
    signs = column_signs(task, design)
    plain = signs is None and not settings["l1_ratio"]
    loss = Loss("squared") if classes else loss_of(task.problem)
    if plain and classes:
        return _logistic(matrix, target, weights, settings, task.deadline)
    if plain and loss.name == "squared":
        return _ridge(matrix, target, weights, settings, task.deadline)
    penalty = Penalty.of(1 / (settings["C"] * len(target)), settings["l1_ratio"])
    scores = classes if classes > 2 else 1
    start = Solution(np.zeros((scores, matrix.shape[1])), np.zeros(scores), 0, "")
    if loss.name != "squared":
        # the exact intercept takes a sort of the rows
        at = task.deadline.at
        early = task.deadline if at is None else Deadline(at - _SORT_SECONDS * len(target))

        def solve(smooth: LinearLoss, start: Solution) -> Solution:
            steps = max(1, settings["max_iter"] // len(_WIDTHS))
            return minimise(smooth, matrix, start, penalty, early, steps, signs)

        return _quantile(matrix, target, weights, loss.level, solve)
    smooth = class_loss(target, weights, classes) if classes else squared_loss(target, weights)
    return minimise(smooth, matrix, start, penalty, task.deadline, settings["max_iter"], signs)


def _logistic(
    matrix: Any,
    target: NDArray[Any],
    weights: FloatArray | None,
    settings: dict[str, Any],
    deadline: Deadline,
) -> Solution:
    """L-BFGS in stretches, each starting where the last one ended."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=settings["C"], solver="lbfgs", tol=1e-4, warm_start=True)
    outputs = int(target.max()) + 1
    step_seconds = 3 * _product_seconds(matrix, 1 if outputs == 2 else outputs)
    done, reason = 0, "steps"
    for length in _STEPS:
        steps = min(length, settings["max_iter"] - done)
        affordable = (deadline.remaining - _MARGIN) / max(step_seconds, 1e-9)
        if affordable < steps:
            reason = "deadline"
            # some steps are always taken: there would be no model without them
            steps = int(affordable) if done else max(1, int(affordable))
        if steps < 1:
            break
        model.max_iter = steps
        began = time.monotonic()
        with warnings.catch_warnings():
            # a stretch that ends before convergence is no news
            warnings.simplefilter("ignore")
            model.fit(matrix, target, sample_weight=weights)
        taken = int(np.max(model.n_iter_))
        step_seconds = (time.monotonic() - began) / max(1, taken)
        done += taken
        if taken < steps:
            reason = "converged"
        if reason != "steps" or done >= settings["max_iter"]:
            break
    return Solution(
        np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64), done, reason
    )


def _ridge(
    matrix: Any,
    target: NDArray[Any],
    weights: FloatArray | None,
    settings: dict[str, Any],
    deadline: Deadline,
) -> Solution:
    """Ridge regression, directly where that is cheap, else by conjugate gradients."""
    from scipy.sparse import issparse
    from sklearn.linear_model import Ridge

    rows, columns = matrix.shape
    flops = float(rows) * columns * min(rows, columns)
    left = deadline.remaining - _MARGIN
    steps, reason = settings["max_iter"], "converged"
    if not issparse(matrix) and flops <= _DIRECT_FLOPS and flops / 4e9 < left:
        solver = "cholesky"
    else:
        solver = "sparse_cg" if issparse(matrix) else "lsqr"
        affordable = int(left / max(4 * _product_seconds(matrix, 1), 1e-9)) if np.isfinite(left) else steps
        if affordable < steps:
            # most fits converge long before: only then does the limit change nothing
            steps, reason = max(1, affordable), "deadline"
    model = Ridge(alpha=1 / settings["C"], solver=solver, max_iter=steps, tol=1e-5)
    with warnings.catch_warnings():
        # singular matrices fall back to a decomposition with a warning; stretches end early
        warnings.simplefilter("ignore")
        model.fit(matrix, target.astype(matrix.dtype), sample_weight=weights)
    taken = 1 if model.n_iter_ is None else int(np.max(model.n_iter_))
    if reason == "deadline" and taken < steps:
        reason = "converged"
    coefficients = np.asarray(model.coef_, np.float64).reshape(1, -1)
    return Solution(coefficients, np.asarray(model.intercept_, np.float64).reshape(1), taken, reason)


def _quantile(
    matrix: Any,
    target: FloatArray,
    weights: FloatArray | None,
    level: float,
    solve: Callable[[LinearLoss, Solution], Solution],
) -> Solution:
    """Quantile regression with a kink that is rounded ever less, and an intercept that is exact."""
    spread = float(np.subtract(*np.quantile(target, [0.75, 0.25]))) / 1.35 or 1.0
    solution = Solution(np.zeros((1, matrix.shape[1])), np.array([np.quantile(target, level)]), 0, "")
    for width in _WIDTHS:
        found = solve(absolute_loss(target, weights, level, width * spread), solution)
        solution = replace(found, steps=solution.steps + found.steps)
        if solution.reason == "deadline":
            break
    rest = target - np.asarray(matrix @ solution.coefficients[0].astype(matrix.dtype), np.float64)
    return replace(solution, intercepts=np.array([weighted_quantile(rest, weights, level)]))


def _product_seconds(matrix: Any, outputs: int) -> float:
    """Seconds that one product of the matrix with coefficients takes."""
    rows = min(matrix.shape[0], 5_000)
    part = matrix[:rows]
    began = time.monotonic()
    _ = part @ np.zeros((matrix.shape[1], outputs), matrix.dtype)
    return float((time.monotonic() - began) * matrix.shape[0] / max(1, rows))
