"""A caller's own metric: any function of the true and the predicted values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Label, OptionError, Predictions, Task, TrialError
from modelwright.metrics.base import Metric, Needs, Scorer

__all__ = ["custom_metric", "takes_weights"]

_WEIGHT_NAMES = ("weights", "sample_weight")


def _weight_name(function: Callable[..., Any]) -> str | None:
    """The name of the parameter that takes row weights, if the function has one."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some compiled functions do not tell
        return None
    return next((name for name in _WEIGHT_NAMES if name in parameters), None)


def takes_weights(function: Callable[..., Any]) -> bool:
    """Whether a caller's metric has a parameter ``weights`` or ``sample_weight``.

    Examples
    --------
    >>> takes_weights(lambda y_true, y_pred, weights=None: 0.0)
    True
    """
    return _weight_name(function) is not None


def custom_metric(function: Callable[..., Any], task: Task, classes: Sequence[Label] = ()) -> Metric:
    """Make a metric of a caller's ``function(y_true, y_pred)``.

    Parameters
    ----------
    function : callable
        For regression it gets true and predicted values. For classification it gets true and
        predicted labels; if it has the attribute ``needs = "probabilities"``, it gets true labels and
        the probability of the positive class, shape (rows,), or of every class, shape (rows, classes).
        For several labels all are arrays of 0 and 1, or probabilities, of shape (rows, labels); for
        quantiles the predicted values have the shape (rows, quantiles).
        Optional attributes: ``greater_is_better`` (default True) and ``optimum``, the best possible
        score (default: unknown). With a parameter ``weights`` or ``sample_weight`` it is also given
        the row weights, shape (rows,), or None.
    task : Task
        What is predicted.
    classes : sequence of labels, optional
        The label of each class code; without them the function sees the codes.

    Returns
    -------
    Metric

    Raises
    ------
    OptionError
        If an attribute makes no sense; when scoring, if the function raises, returns no number, or is
        given fractional weights that it does not take.
    TrialError
        When scoring, if the function returns NaN.

    Examples
    --------
    >>> def worst_error(y_true, y_pred):
    ...     return np.max(np.abs(y_true - y_pred))
    >>> worst_error.greater_is_better = False
    >>> metric = custom_metric(worst_error, Task.REGRESSION)
    >>> metric.score(np.array([1.0, 2.0]), Predictions(np.array([1.5, 4.0])))
    2.0
    """
    name = str(getattr(function, "__name__", "custom"))
    greater, optimum = _direction(function, name)
    needs = _needs(function, name, task)
    weight_name = _weight_name(function)
    labels = _label_array(classes)

    def prepare(target: NDArray[Any], predictions: Predictions) -> Scorer:
        if task is Task.MULTILABEL:
            true, predicted = target, predictions.label_codes if needs == "labels" else predictions.array
        else:
            true, predicted = _arguments(target, predictions, needs, labels)

        def score(weights: FloatArray | None) -> float:
            if weights is None:
                return _called(function, name, (true, predicted), {})
            if weight_name is not None:
                return _called(function, name, (true, predicted), {weight_name: weights})
            rows = _repeated_rows(weights, name)
            return _called(function, name, (true[rows], predicted[rows]), {})

        return score

    return Metric(name, greater, optimum, needs, (task,), prepare, costly=True)


def _direction(function: Callable[..., Any], name: str) -> tuple[bool, float]:
    greater = getattr(function, "greater_is_better", True)
    if not isinstance(greater, (bool, np.bool_)):
        raise OptionError(
            f"The attribute greater_is_better of the metric {name!r} must be True or False, "
            f"but came as {greater!r}. Set it to one of them."
        )
    unknown = float("inf") if greater else float("-inf")
    optimum = getattr(function, "optimum", unknown)
    try:
        best = float(optimum)
    except (TypeError, ValueError):
        best = float("nan")
    if best != best:
        raise OptionError(
            f"The attribute optimum of the metric {name!r} must be a number, but came as {optimum!r}. "
            "Set it to the best possible score, or leave it out."
        )
    return bool(greater), best


def _needs(function: Callable[..., Any], name: str, task: Task) -> Needs:
    if not task.is_classification and task is not Task.MULTILABEL:
        return "values"
    needs = getattr(function, "needs", "labels")
    if needs == "probabilities":
        return "probabilities"
    if needs == "labels":
        return "labels"
    raise OptionError(
        f"The attribute needs of the metric {name!r} must be 'labels' or 'probabilities', "
        f"but came as {needs!r}. Set it to one of them."
    )


def _label_array(classes: Sequence[Label]) -> NDArray[Any] | None:
    if not classes:
        return None
    if len({type(label) for label in classes}) == 1:
        return np.array(classes)
    mixed = np.empty(len(classes), dtype=object)  # np.array would turn [1, "a"] into text
    mixed[:] = list(classes)
    return mixed


def _arguments(
    target: NDArray[Any], predictions: Predictions, needs: Needs, labels: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    if needs == "values":
        return target, predictions.array
    true = target if labels is None else labels[target]
    if needs == "labels":
        return true, predictions.codes if labels is None else labels[predictions.codes]
    return true, predictions.array[:, 1] if predictions.array.shape[1] == 2 else predictions.array


def _repeated_rows(weights: FloatArray, name: str) -> NDArray[np.int64]:
    """Whole-number weights, as a bootstrap has, are rows that stand there several times."""
    counts = weights.astype(np.int64)
    if (counts != weights).any():
        raise OptionError(
            f"The metric {name!r} takes no row weights, but the rows have some. "
            "Give the function a parameter 'weights' (shape (rows,), or None)."
        )
    return np.repeat(np.arange(len(counts)), counts)


def _called(
    function: Callable[..., Any], name: str, arguments: tuple[Any, Any], options: dict[str, Any]
) -> float:
    try:
        result = function(*arguments, **options)
    except Exception as error:
        raise OptionError(
            f"The metric {name!r} must be a function of (y_true, y_pred) that returns a number, but it "
            f"raised {type(error).__name__}: {error}. Mend it, or choose a metric by name."
        ) from error
    try:
        score = float(result)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"The metric {name!r} must return one number, but returned {result!r:.100}. "
            "Mend it, or choose a metric by name."
        ) from error
    if score != score:
        raise TrialError(
            f"The metric {name!r} returned NaN for {len(arguments[0])} rows. "
            "Make it return a number for whatever a model may predict."
        )
    return score
