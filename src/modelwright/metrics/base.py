"""What a metric is: a score function with its direction, its optimum and what it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    BadInput,
    FloatArray,
    ModelwrightError,
    OptionError,
    Predictions,
    Problem,
    Task,
)

__all__ = [
    "CLASSIFICATION",
    "ConfusionScore",
    "Metric",
    "Needs",
    "Prepare",
    "RowLosses",
    "Scorer",
    "of_losses",
    "weighted_mean",
]

Needs = Literal["probabilities", "labels", "values"]
"""What of a prediction a metric looks at."""

Scorer = Callable[[FloatArray | None], float]
"""Scores fixed targets and predictions under row weights (``None``: every row counts once)."""

Prepare = Callable[[NDArray[Any], Predictions], Scorer]
"""Does the work that does not depend on weights (sorting, row losses) and returns the rest of it."""

RowLosses = Callable[[NDArray[Any], Predictions], FloatArray]
"""The loss of each row."""

ConfusionScore = Callable[[FloatArray], FloatArray]
"""Scores of confusion matrices, shape (..., classes, classes) -> (...): the weight of rows by true class
(row) and class decided for (column)."""

CLASSIFICATION = (Task.BINARY, Task.MULTICLASS)
"""The tasks of metrics that take any number of classes."""


@dataclass(frozen=True)
class Metric:
    """A score function that knows which way is better.

    Attributes
    ----------
    name : str
        Canonical name, as `get_metric` understands it.
    greater_is_better : bool
        Whether a higher score is a better one.
    optimum : float
        The best possible score; infinite where nobody knows one (a caller's function without it).
    needs : str
        ``"probabilities"``, ``"labels"`` (the class, or labels, decided for) or ``"values"`` (regression).
    tasks : tuple of Task
        The tasks it can score.
    prepare : callable
        ``prepare(target, predictions)`` returns a function of the row weights. What does not depend on
        the weights is done once, so that a bootstrap of hundreds of weightings stays cheap.
    bounds : tuple of float
        Lowest and highest score there can be; intervals are cut to them.
    costly : bool
        Whether one score may take long (a caller's own function).
    tuned : bool
        Whether decisions are tuned for it: thresholds and utilities at which it is best. Not for metrics
        that deciding one way nearly always is best for (precision and recall alone).
    losses : callable or None
        Row losses, where the score depends on their (weighted) mean: how unequal they are tells on how
        few rows the score really rests.
    confusion : callable or None
        The score of a confusion matrix, where that is all it takes; see `ConfusionScore`.
    of_problem : callable or None
        Makes the version of the metric that knows a problem, where the name alone does not say enough:
        what errors cost, which quantiles are predicted. See `problem_metric`.

    Examples
    --------
    >>> from modelwright.metrics import get_metric
    >>> accuracy = get_metric("accuracy", Task.BINARY)
    >>> target = np.array([0, 1, 1, 0])
    >>> guess = Predictions(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]))
    >>> accuracy.score(target, guess), accuracy.error(target, guess)
    (0.75, 0.25)
    >>> accuracy.score(target, guess, weights=np.array([1.0, 1.0, 6.0, 2.0]))
    0.4
    """

    name: str
    greater_is_better: bool
    optimum: float
    needs: Needs
    tasks: tuple[Task, ...]
    prepare: Prepare = field(repr=False, compare=False)
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    costly: bool = False
    tuned: bool = True
    losses: RowLosses | None = field(default=None, repr=False, compare=False)
    confusion: ConfusionScore | None = field(default=None, repr=False, compare=False)
    of_problem: Callable[[Problem], Metric] | None = field(default=None, repr=False, compare=False)

    def scorer(self, target: NDArray[Any], predictions: Predictions) -> Scorer:
        """A function of row weights that scores these predictions; see `prepare`.

        Parameters
        ----------
        target : array, shape (rows,), or (rows, labels) of a multilabel task
            int64 class codes, int64 labels (0 or 1), or float64 values.
        predictions : Predictions
            Of the same rows.

        Returns
        -------
        callable
            ``scorer(weights)`` is what ``score(target, predictions, weights)`` gives. NaN where the
            predictions are not finite, there are no rows, or the score is undefined.

        Raises
        ------
        BadInput
            If there are not as many predictions as targets.
        """
        target = np.asarray(target)
        if len(target) != predictions.rows:
            raise BadInput(
                f"The metric {self.name!r} needs one prediction for each target, but there are "
                f"{predictions.rows} predictions for {len(target)} targets. Give those of the same rows."
            )
        if not len(target) or not np.isfinite(predictions.array).all():
            return _undefined
        return self.prepare(target, predictions)

    def score(
        self, target: NDArray[Any], predictions: Predictions, weights: NDArray[Any] | None = None
    ) -> float:
        """The score in its natural direction (accuracy .9, RMSE 12.5).

        Parameters
        ----------
        target : array, shape (rows,), or (rows, labels) of a multilabel task
            int64 class codes, int64 labels (0 or 1), or float64 values.
        predictions : Predictions
            Of the same rows.
        weights : array, shape (rows,), optional
            Non-negative row weights; a row of weight 2 counts like two equal rows.

        Returns
        -------
        float
            NaN where it is undefined (see `scorer`).

        Raises
        ------
        OptionError
            If the metric, which may come from elsewhere, fails or gives no number.
        """
        weights = None if weights is None else np.asarray(weights, dtype=np.float64)
        try:
            return float(self.scorer(target, predictions)(weights))
        except ModelwrightError:
            raise
        except Exception as error:
            raise OptionError(
                f"The metric {self.name!r} failed over {len(target)} rows ({type(error).__name__}: {error}). "
                "Mend it, or choose another one."
            ) from error

    def try_score(
        self, target: NDArray[Any], predictions: Predictions, weights: NDArray[Any] | None = None
    ) -> tuple[float, str]:
        """The score, and why there is none: what a run asks, which goes on without it.

        Returns
        -------
        score : float
            NaN where it is undefined, or the metric fails.
        reason : str
            Empty unless the metric fails.

        Examples
        --------
        >>> from modelwright.metrics import get_metric
        >>> metric = get_metric(lambda y_true, y_pred: "good", Task.REGRESSION)
        >>> score, reason = metric.try_score(np.array([1.0]), Predictions(np.array([2.0])))
        >>> score, "must return one number" in reason
        (nan, True)
        """
        try:
            return self.score(target, predictions, weights), ""
        except ModelwrightError as error:
            return float("nan"), str(error)

    def error(
        self, target: NDArray[Any], predictions: Predictions, weights: NDArray[Any] | None = None
    ) -> float:
        """The score as something to minimise: never negative, 0 when perfect. See `error_of`."""
        return self.error_of(self.score(target, predictions, weights))

    def error_of(self, score: float) -> float:
        """A score as an error: its distance from the optimum, 0 when perfect; NaN stays NaN.

        Where the optimum is not known (a caller's function), the error falls strictly with a better
        score towards, but never to, zero.

        Examples
        --------
        >>> from modelwright.metrics import get_metric
        >>> get_metric("r2", Task.REGRESSION).error_of(0.75)
        0.25
        """
        if np.isfinite(self.optimum):
            distance = self.optimum - score if self.greater_is_better else score - self.optimum
            return float(distance) if distance != distance else max(float(distance), 0.0)
        better = score if self.greater_is_better else -score
        # sqrt(1 + b^2) - b, written so that large b loses no digits: strictly falling and positive.
        root = float(np.hypot(1.0, better))
        return 1.0 / (root + better) if better > 0 else root - better

    def better(self, first: float, second: float) -> bool:
        """Whether the first score is better than the second; NaN is worse than anything.

        Examples
        --------
        >>> from modelwright.metrics import get_metric
        >>> get_metric("rmse", Task.REGRESSION).better(1.0, 2.0)
        True
        """
        if first != first or second != second:
            return first == first
        return first > second if self.greater_is_better else first < second


def _undefined(weights: FloatArray | None) -> float:
    return float("nan")


def weighted_mean(losses: FloatArray, weights: FloatArray | None) -> float:
    """Mean of row losses; NaN if the weights sum to nothing.

    Examples
    --------
    >>> weighted_mean(np.array([1.0, 3.0]), np.array([3.0, 1.0]))
    1.5
    """
    if weights is None:
        return float(losses.mean())
    total = float(weights.sum())
    return float(losses @ weights) / total if total > 0 else float("nan")


def _identity(value: float) -> float:
    return value


def of_losses(losses: RowLosses, finish: Callable[[float], float] = _identity) -> Prepare:
    """A metric's work where the score is (a function of) the mean of row losses."""

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        each = losses(target, predictions)
        return lambda weights: finish(weighted_mean(each, weights))

    return prepare
