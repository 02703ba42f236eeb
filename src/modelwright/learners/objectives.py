"""What a booster minimises, what it stops early on, and in which columns it must be monotonic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FitTask, FloatArray, Problem, Task, TrialError, ViewInfo
from modelwright.learners.fold import Fold
from modelwright.learners.targets import loss_of, metric_name

__all__ = [
    "OBJECTIVES",
    "Objective",
    "choose_objective",
    "monotone_signs",
    "prior_sums",
    "rewards_means",
    "unsupported_monotonic",
    "validation_loss",
]

OBJECTIVES = ("metric", "poisson", "tweedie", "gamma")
"""Values of the hyperparameter `objective`: what the metric rewards, or a loss for counts and amounts."""

_POSITIVE = ("poisson", "tweedie", "gamma")


@dataclass(frozen=True)
class Objective:
    """A loss to minimise and the loss to stop early on.

    Attributes
    ----------
    name : str
        ``"logistic"``, ``"softmax"``, ``"squared"``, ``"absolute"``, ``"quantile"``, ``"poisson"``,
        ``"tweedie"`` or ``"gamma"``.
    level : float
        Of the quantile.
    stop : str
        The loss that validation rows are scored by: of the same names.
    """

    name: str
    level: float = 0.5
    stop: str = ""

    def __post_init__(self) -> None:
        if not self.stop:
            object.__setattr__(self, "stop", self.name)

    @property
    def is_logarithmic(self) -> bool:
        """Whether boosted sums are logarithms of predictions."""
        return self.name in _POSITIVE


def choose_objective(task: FitTask, fold: Fold, wanted: str = "metric") -> tuple[Objective, Fold]:
    """The objective of a fit, and its fold with the target on the scale that the objective needs.

    Parameters
    ----------
    task : FitTask
    fold : Fold
        Of that task; its target is not constant.
    wanted : str
        One of `OBJECTIVES`. A loss for counts and amounts is taken where the metric rewards means and no
        training target is negative (for gamma: all are positive); elsewhere the metric decides.

    Notes
    -----
    Losses for counts and amounts model the logarithm of the mean, so that effects multiply; their targets
    are only scaled to a mean of 1, never centred. For classes early stopping goes by the log loss, whatever
    the metric is: stopped on the area under the curve, probabilities stay near the class shares, and
    the scores of the fold are biased upwards.
    """
    if fold.coder.is_classification:
        return Objective("softmax" if len(fold.coder.present) > 2 else "logistic"), fold
    loss = loss_of(task.problem)
    name = next((each for each in _POSITIVE if each in metric_name(task.problem)), loss.name)
    stop = name
    if name == "squared" and wanted != "metric":
        name = wanted
    if name in _POSITIVE and not _fits(name, task, fold):
        name = stop = "squared"
    if name == "absolute" and task.problem.monotonic:
        # medians are put into the leaves after a tree is grown, whatever constraint it was grown under
        name, stop = "squared", "absolute"
    return Objective(name, loss.level, stop), _scaled(task, fold) if name in _POSITIVE else fold


def rewards_means(problem: Problem) -> bool:
    """Whether a loss for counts and amounts is a choice: for values, where the metric rewards means."""
    return not problem.task.is_classification and loss_of(problem).name == "squared"


def _fits(name: str, task: FitTask, fold: Fold) -> bool:
    """Whether the training target is of the kind that a loss is for."""
    if fold.coder.logarithm:
        return False
    target = np.asarray(task.target, np.float64)[fold.train_rows]
    low = float(target.min())
    return low > 0 if name == "gamma" else low >= 0 and float(target.max()) > 0


def _scaled(task: FitTask, fold: Fold) -> Fold:
    """The fold with targets divided by their mean."""
    target = np.asarray(task.target, np.float64)
    coder = replace(fold.coder, center=0.0, scale=float(target[fold.train_rows].mean()) or 1.0)
    encoded: list[FloatArray] = [coder.encode(target[rows]) for rows in (fold.train_rows, fold.valid_rows)]
    return replace(fold, coder=coder, train_target=encoded[0], valid_target=encoded[1])


def prior_sums(objective: Objective, fold: Fold) -> FloatArray:
    """Where boosting begins: the constant that is best for the objective, as a sum of leaves.

    Returns
    -------
    float64 array, shape (outputs,)
        Log odds, logarithms of class shares, or a mean, logarithm of a mean or quantile.
    """
    target, weights = fold.train_target, fold.train_weights
    if objective.name in ("logistic", "softmax"):
        counts = np.bincount(target, weights, minlength=len(fold.coder.present)).astype(np.float64)
        logs = np.log(np.maximum(counts, 1e-12 * counts.sum()) / counts.sum())
        return np.array([logs[1] - logs[0]]) if objective.name == "logistic" else logs
    if objective.name in ("absolute", "quantile"):
        # the median is the quantile of level 0.5, which is the default of the level
        return np.array([np.quantile(target, objective.level, weights=weights, method="inverted_cdf")])
    mean = float(np.average(target, weights=weights))
    return np.array([np.log(mean) if objective.is_logarithmic else mean])


def validation_loss(
    objective: Objective, sums: FloatArray, target: NDArray[Any], weights: FloatArray | None
) -> float:
    """The loss that early stopping goes by, up to a constant.

    Parameters
    ----------
    objective : Objective
    sums : float64 array, shape (rows, outputs)
        Of the leaves and the prior.
    target : array, shape (rows,)
        Encoded: class positions or values on the fitted scale.
    weights : float64 array, shape (rows,), or None

    Examples
    --------
    >>> sums = np.array([[1.0], [3.0]])
    >>> validation_loss(Objective("quantile", 0.9), sums, np.array([2.0, 1.0]), None)  # doctest: +ELLIPSIS
    0.55...
    """
    first = sums[:, 0]
    if objective.stop == "softmax":
        shifted = sums - sums.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(target)), target]
    elif objective.stop == "logistic":
        losses = np.logaddexp(0.0, np.where(target == 1, -first, first))
    else:
        values = np.exp(np.minimum(first, 700.0)) if objective.is_logarithmic else first
        over = values - target
        if objective.stop in _POSITIVE:
            losses = _deviance(objective.stop, first, target)
        elif objective.stop == "squared":
            losses = over**2
        else:
            losses = np.where(over > 0, (1 - objective.level) * over, -objective.level * over)
    return float(np.average(losses, weights=weights))


def _deviance(name: str, logs: FloatArray, target: NDArray[Any]) -> FloatArray:
    """Deviance of values whose logarithms are given, without the terms that the target alone decides."""
    if name == "poisson":
        return np.asarray(np.exp(logs) - target * logs)
    if name == "gamma":
        return np.asarray(logs + target * np.exp(-logs))
    return np.asarray(2 * (np.exp(logs / 2) + target * np.exp(-logs / 2)))


def unsupported_monotonic(problem: Problem, engine: str, *, quantiles: bool) -> str | None:
    """Why an engine cannot keep the monotonic columns of a problem; None where it can or there are none.

    Parameters
    ----------
    problem : Problem
    engine : str
        Its name as users read it.
    quantiles : bool
        Whether the engine keeps constraints where it predicts quantiles.
    """
    if not problem.monotonic:
        return None
    if problem.task is Task.MULTICLASS:
        return f"{engine} cannot keep the probabilities of several classes monotonic in a column"
    if not quantiles and loss_of(problem).name == "quantile":
        return f"{engine} cannot keep a quantile monotonic in a column"
    return None


def monotone_signs(problem: Problem, info: ViewInfo) -> tuple[int, ...]:
    """For each numeric column of a view, 1 if predictions may only rise, -1 if only fall, else 0.

    A constrained column that the view lacks (it was dropped) constrains nothing: no prediction depends on it.

    Raises
    ------
    TrialError
        If the view holds more of a constrained column than its values.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"), FeatureInfo("fee", "fee", "value")), ())
    >>> monotone_signs(replace(Problem.of("y"), monotonic=(("fee", -1),)), info)
    (0, -1)
    """
    signs = dict(problem.monotonic)
    for feature in (*info.numeric, *info.categorical):
        # tables may be wide: columns are looked up only where there is something to see
        if feature.source in signs and not (feature.transform == "value" and feature in info.numeric):
            raise TrialError(
                f"Predictions were to be monotonic in the column {feature.source!r}, but models also see its "
                f"{feature.transform!r}. Give the column as a plain number, or take the constraint away."
            )
    return tuple(signs.get(feature.source, 0) for feature in info.numeric)
