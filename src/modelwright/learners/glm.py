"""Generalised linear models of amounts and counts, and the elastic net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from modelwright.core import (
    Config,
    Estimate,
    FitTask,
    FloatArray,
    OptionError,
    Problem,
    Shape,
    TrialError,
)
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.design import Design, column_signs, design_width, linear_estimate, training_design
from modelwright.learners.fold import Fold
from modelwright.learners.linear_model import FittedLinearModel, LinearState, value_limits
from modelwright.learners.linear_reading import read_contributions
from modelwright.learners.objectives import unsupported_monotonic
from modelwright.learners.penalized import (
    Penalty,
    Solution,
    log_link_loss,
    minimise,
    single_thread,
    squared_loss,
)
from modelwright.learners.spaces import Choice, Float, Parameter
from modelwright.learners.targets import loss_of

__all__ = ["GLM", "suitable_family"]

_FAMILIES = ("auto", "gaussian", "poisson", "gamma", "tweedie")

_ABOVE = 0.5
"""How far above the logarithm of the largest target predictions may go."""

_BELOW = 3.0
"""How far below that of the smallest positive one."""


class GLM(Learner):
    """Effects that multiply: the logarithm of the mean is linear, with a Poisson, gamma or Tweedie loss.

    Which one follows from the training targets: counts are Poisson, amounts that are all positive gamma,
    amounts with zeros Tweedie. Where some are negative, it is the elastic net: a linear mean, a squared
    loss. All have an elastic-net penalty, and are fitted by L-BFGS-B on one thread.

    Sources: Nelder & Wedderburn, "Generalized linear models", 1972; Jorgensen, "Exponential dispersion
    models", 1987; Zou & Hastie, "Regularization and variable selection via the elastic net", 2005.
    """

    name = "glm"
    interpretable = True
    fitted = FittedLinearModel
    engines = ("scipy.optimize",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "family": "auto",
        "alpha": 1e-3,
        "l1_ratio": 0.5,
        "power": 1.5,
        "max_iter": 300,
    }
    on_new_scale: ClassVar[Mapping[str, Any]] = {"family": "gaussian"}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Means of values."""
        if problem.task.is_classification:
            return "it models counts and amounts, not classes"
        if loss_of(problem).name == "quantile":
            return "a generalised linear model predicts means, not quantiles"
        return unsupported_monotonic(problem, "a generalised linear model", quantiles=False)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """The family that suits the target, then the elastic net."""
        alpha = 0.01 if design_width(shape) > shape.rows else 1e-3
        return (
            Candidate("default", {"alpha": alpha}),
            Candidate("elastic net", {"family": "gaussian", "alpha": 10 * alpha, "l1_ratio": 0.9}),
        )

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Penalty and family."""
        return {
            "family": Choice(("auto", "gaussian")),
            "alpha": Float(1e-6, 1.0, log=True),
            "l1_ratio": Float(0.0, 1.0),
            "power": Float(1.1, 1.9),
        }

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Steps times the cost of two products with the matrix."""
        return linear_estimate(shape, 1, min(self.settings(config)["max_iter"], 80))

    def fit(self, task: FitTask) -> FitResult:
        """Solve until converged, or until time is up."""
        settings = self.settings(task.config)
        if settings["family"] not in _FAMILIES:
            raise OptionError(
                f"The family must be one of {', '.join(_FAMILIES)}, but is {settings['family']!r}."
            )
        fold = Fold.of(task)
        if fold.coder.is_classification:
            raise TrialError("A model of counts and amounts was asked for classes. Choose another learner.")
        design, matrix = training_design(task, fold)
        if fold.coder.is_constant:
            model = FittedLinearModel(fold.coder, design, LinearState.nothing("values", design.width))
            return FitResult(model, 0, {"stop": "nothing to learn"})
        target = np.asarray(task.target, np.float64)[fold.train_rows]
        family = _family(settings["family"], target, logarithm=fold.coder.logarithm)
        with single_thread():
            state, solution = _solve(task, fold, design, matrix, (family, target))
        info = {"family": family, "columns": design.width, "stop": solution.reason}
        info["columns_used"] = int((state.coefficients != 0).sum())
        reading = read_contributions(design, task.view.info, matrix, state.coefficients)
        model = FittedLinearModel(fold.coder, design, state, reading)
        return FitResult(model, solution.steps, info, solution.reason == "deadline")


def suitable_family(target: FloatArray) -> str:
    """The distribution that a target looks like.

    Examples
    --------
    >>> suitable_family(np.array([0.0, 3.0])), suitable_family(np.array([0.0, 2.5]))
    ('poisson', 'tweedie')
    >>> suitable_family(np.array([0.5, 2.5])), suitable_family(np.array([-1.0, 2.5]))
    ('gamma', 'gaussian')
    """
    if float(target.min()) < 0:
        return "gaussian"
    if (target == np.round(target)).all():
        return "poisson"
    return "gamma" if float(target.min()) > 0 else "tweedie"


def _family(wanted: str, target: FloatArray, *, logarithm: bool) -> str:
    """The family of a fit.

    Raises
    ------
    TrialError
        If the target cannot come from the one that was asked for.
    """
    if wanted == "auto":
        # on logarithms, effects multiply already
        return "gaussian" if logarithm else suitable_family(target)
    lowest = float(target.min())
    if wanted != "gaussian" and (lowest < 0 or (wanted == "gamma" and lowest == 0)):
        least = "above zero" if wanted == "gamma" else "zero or more"
        raise TrialError(
            f"The family {wanted!r} needs targets {least}, but they go down to {lowest:g}. "
            "Leave the family at 'auto', or choose 'gaussian'."
        )
    return wanted


def _solve(
    task: FitTask, fold: Fold, design: Design, matrix: Any, what: tuple[str, FloatArray]
) -> tuple[LinearState, Solution]:
    """Coefficients of a family, and how the solver ended."""
    settings = {**GLM.defaults, **task.config}
    family, target = what
    weights = fold.train_weights
    powers = {"poisson": 1.0, "gamma": 2.0, "tweedie": float(settings["power"])}
    if family == "gaussian":
        unit = 1.0
        loss = squared_loss(fold.train_target, weights)
        limits = value_limits(fold.train_target)
    else:
        unit = float(np.average(target, weights=weights))
        loss = log_link_loss(target / unit, weights, powers[family])
        limits = (
            float(np.log(target[target > 0].min())) - _BELOW,
            min(float(np.log(target.max())) + _ABOVE, 700.0),
        )
    start = Solution(np.zeros((1, matrix.shape[1])), np.zeros(1), 0, "")
    penalty = Penalty.of(float(settings["alpha"]), float(settings["l1_ratio"]))
    signs = column_signs(task, design)
    solution = minimise(loss, matrix, start, penalty, task.deadline, int(settings["max_iter"]), signs)
    coefficients = solution.coefficients if design.width else np.zeros((1, 0))
    intercepts = solution.intercepts + float(np.log(unit))
    return LinearState(
        "values" if family == "gaussian" else "log", coefficients, intercepts, limits
    ), solution
