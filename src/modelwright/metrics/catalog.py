"""The metrics by name, and the way from what a caller writes to a metric."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from modelwright.core import Catalog, OptionError, Problem, Task, UnknownName, nearest
from modelwright.metrics.base import Metric
from modelwright.metrics.custom import custom_metric, takes_weights

__all__ = ["METRICS", "default_metric", "get_metric", "metric_names", "problem_metric"]

_LABELS = "modelwright.metrics.classification_labels"
_PROBABILITIES = "modelwright.metrics.classification_probabilities"
_ORDINAL = "modelwright.metrics.ordinal"
_COSTS = "modelwright.metrics.costs"
_REGRESSION = "modelwright.metrics.regression"
_MULTILABEL = "modelwright.metrics.multilabel"
_QUANTILES = "modelwright.metrics.quantiles"

METRICS = Catalog(
    "metric",
    {
        "roc_auc": f"{_PROBABILITIES}:ROC_AUC",
        "roc_auc_ovr": f"{_PROBABILITIES}:ROC_AUC_OVR",
        "roc_auc_ovr_weighted": f"{_PROBABILITIES}:ROC_AUC_OVR_WEIGHTED",
        "log_loss": f"{_PROBABILITIES}:LOG_LOSS",
        "average_precision": f"{_PROBABILITIES}:AVERAGE_PRECISION",
        "average_precision_macro": f"{_PROBABILITIES}:AVERAGE_PRECISION_MACRO",
        "brier": f"{_PROBABILITIES}:BRIER",
        "accuracy": f"{_LABELS}:ACCURACY",
        "balanced_accuracy": f"{_LABELS}:BALANCED_ACCURACY",
        "precision": f"{_LABELS}:PRECISION",
        "precision_macro": f"{_LABELS}:PRECISION_MACRO",
        "precision_micro": f"{_LABELS}:PRECISION_MICRO",
        "precision_weighted": f"{_LABELS}:PRECISION_WEIGHTED",
        "recall": f"{_LABELS}:RECALL",
        "recall_macro": f"{_LABELS}:RECALL_MACRO",
        "recall_micro": f"{_LABELS}:RECALL_MICRO",
        "recall_weighted": f"{_LABELS}:RECALL_WEIGHTED",
        "f1": f"{_LABELS}:F1",
        "f1_macro": f"{_LABELS}:F1_MACRO",
        "f1_micro": f"{_LABELS}:F1_MICRO",
        "f1_weighted": f"{_LABELS}:F1_WEIGHTED",
        "f_beta": f"{_LABELS}:f_beta",
        "f_beta_macro": f"{_LABELS}:f_beta_macro",
        "f_beta_micro": f"{_LABELS}:f_beta_micro",
        "f_beta_weighted": f"{_LABELS}:f_beta_weighted",
        "mcc": f"{_LABELS}:MCC",
        "quadratic_kappa": f"{_ORDINAL}:QUADRATIC_KAPPA",
        "ordinal_mae": f"{_ORDINAL}:ORDINAL_MAE",
        "cost": f"{_COSTS}:COST",
        "rmse": f"{_REGRESSION}:RMSE",
        "mse": f"{_REGRESSION}:MSE",
        "mae": f"{_REGRESSION}:MAE",
        "mape": f"{_REGRESSION}:MAPE",
        "rmsle": f"{_REGRESSION}:RMSLE",
        "median_absolute_error": f"{_REGRESSION}:MEDIAN_ABSOLUTE_ERROR",
        "r2": f"{_REGRESSION}:R2",
        "quantile": f"{_REGRESSION}:quantile",
        "multilabel/log_loss": f"{_MULTILABEL}:LOG_LOSS",
        "multilabel/brier": f"{_MULTILABEL}:BRIER",
        "multilabel/roc_auc": f"{_MULTILABEL}:ROC_AUC",
        "multilabel/average_precision_macro": f"{_MULTILABEL}:AVERAGE_PRECISION_MACRO",
        "multilabel/f1_macro": f"{_MULTILABEL}:F1_MACRO",
        "multilabel/f1_micro": f"{_MULTILABEL}:F1_MICRO",
        "multilabel/f1_samples": f"{_MULTILABEL}:F1_SAMPLES",
        "multilabel/accuracy": f"{_MULTILABEL}:ACCURACY",
        "multilabel/hamming_loss": f"{_MULTILABEL}:HAMMING_LOSS",
        "quantile/pinball": f"{_QUANTILES}:PINBALL",
    },
)
"""Name to `Metric`, or to a function of one number that makes one (``quantile:0.9``).

One name may mean a metric of its own under a task: ``multilabel/accuracy`` is what ``accuracy`` means for
several labels. Callers never write the task; `get_metric` looks there first.
"""

ALIASES = {
    "multiclass/roc_auc": "roc_auc_ovr",
    "multilabel/roc_auc_ovr": "multilabel/roc_auc",
    "multilabel/hamming": "multilabel/hamming_loss",
    "quantile/quantile": "quantile/pinball",
    "auc": "roc_auc",
    "rocauc": "roc_auc",
    "auc_ovr": "roc_auc_ovr",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "acc": "accuracy",
    "ap": "average_precision",
    "pr_auc": "average_precision",
    "brier_score": "brier",
    "matthews_corrcoef": "mcc",
    "qwk": "quadratic_kappa",
    "subset_accuracy": "accuracy",
    "mean_cost": "cost",
    "fbeta": "f_beta",
    "fbeta_macro": "f_beta_macro",
    "fbeta_micro": "f_beta_micro",
    "fbeta_weighted": "f_beta_weighted",
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "root_mean_squared_log_error": "rmsle",
    "medae": "median_absolute_error",
    "pinball": "quantile",
    "quantile_loss": "quantile",
}
"""Other spellings that the field uses."""

_SHORT_F = re.compile(r"f_?(\d+(?:\.\d+)?)(_macro|_micro|_weighted)?")

_DEFAULTS = {
    Task.BINARY: "roc_auc",
    Task.MULTICLASS: "log_loss",
    Task.REGRESSION: "rmse",
    # Defined for a label that a fold lacks, and the mean of what each label's own model is fitted to.
    Task.MULTILABEL: "log_loss",
    Task.QUANTILE: "pinball",
}


def default_metric(task: Task) -> str:
    """The metric that is optimised when the caller names none.

    Raises
    ------
    OptionError
        If the task is not known yet.

    Examples
    --------
    >>> default_metric(Task.BINARY), default_metric(Task.MULTICLASS), default_metric(Task.REGRESSION)
    ('roc_auc', 'log_loss', 'rmse')
    """
    if task not in _DEFAULTS:
        raise OptionError(
            f"A metric belongs to one of the tasks {', '.join(_DEFAULTS)}, but the task is {task!s}. "
            "Name the task, or let it be inferred from the data first."
        )
    return _DEFAULTS[task]


def metric_names(task: Task) -> tuple[str, ...]:
    """The names of all metrics that can score a task.

    Examples
    --------
    >>> metric_names(Task.REGRESSION)
    ('rmse', 'mse', 'mae', 'mape', 'rmsle', 'median_absolute_error', 'r2', 'quantile')
    """
    keys = (key for key in METRICS if task in _made(METRICS.load(key), None, key).tasks)
    return tuple(key.rpartition("/")[2] for key in keys)


def get_metric(metric: str | Callable[..., Any], task: Task) -> Metric:
    """The metric of a name (in any usual spelling) or of a caller's function.

    Parameters
    ----------
    metric : str or callable
        A name of `METRICS` or an alias; with its parameter after a colon where it has one
        (``"quantile:0.9"``, ``"f_beta:2"``, short ``"f2"``); ``"auto"`` for the default of the task;
        or a function of ``(y_true, y_pred)``, see `custom_metric`.
    task : Task
        What is predicted. ``roc_auc`` of several classes is ``roc_auc_ovr``, and of several labels the
        mean over the labels.

    Raises
    ------
    UnknownName
        If there is no such metric; the message names the nearest.
    OptionError
        If the metric cannot score this task (the message lists those that can), or its parameter
        makes no sense.

    Examples
    --------
    >>> get_metric("AUC", Task.BINARY).name, get_metric("f0.5", Task.BINARY).name
    ('roc_auc', 'f_beta:0.5')
    >>> get_metric("rmse", Task.BINARY)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    modelwright.core.errors.OptionError: The metric 'rmse' is for regression, but the task is binary. ...
    """
    fallback = default_metric(task)
    if callable(metric):
        return custom_metric(metric, task)
    if not isinstance(metric, str):
        raise OptionError(f"A metric must be a name or a function, but came as {metric!r}.")
    name, parameter = _read_name(fallback if metric == "auto" else metric)
    if _of_task(name, task) not in METRICS:
        fitting = metric_names(task)
        raise UnknownName(
            f"There is no metric {name!r}.{nearest(name, (*fitting, *METRICS))} "
            f"Metrics of the task {task!s}: {', '.join(fitting)}."
        )
    found = _made(METRICS.load(_of_task(name, task)), parameter, metric)
    if task not in found.tasks:
        fitting = metric_names(task)
        near = f" Did you mean '{name}_macro'?" if f"{name}_macro" in fitting else ""
        raise OptionError(
            f"The metric {metric!r} is for {' or '.join(found.tasks)}, but the task is {task!s}.{near} "
            f"Choose one of: {', '.join(fitting)}."
        )
    return found


def _of_task(name: str, task: Task) -> str:
    """The key of what a name means under a task."""
    own = f"{task}/{name}"
    own = ALIASES.get(own, own)
    return own if own in METRICS else name


def problem_metric(problem: Problem, name: str | None = None) -> Metric:
    """The metric of a problem, which may be the caller's own function, or another metric of it.

    A caller's function sees the labels as the caller knows them, never class codes. Metrics that need to
    know more than the task (what errors cost, which quantiles are predicted) are told by the problem.

    Parameters
    ----------
    problem : Problem
        Resolved.
    name : str, optional
        Another metric than the problem's own.

    Raises
    ------
    OptionError
        As `get_metric`; also if the rows have weights that the caller's function does not take.

    Examples
    --------
    >>> problem_metric(Problem.of("y").resolved(Task.REGRESSION, "auto", ())).name
    'rmse'
    """
    function = problem.metric_function
    if function is None or name is not None:
        found = get_metric(problem.metric if name is None else name, problem.task)
        return found if found.of_problem is None else found.of_problem(problem)
    default_metric(problem.task)  # says so if the task is not known yet
    if problem.weights is not None and not takes_weights(function):
        raise OptionError(
            f"The rows are weighted by the column {problem.weights!r}, but the metric {problem.metric!r} "
            "takes no weights. Give the function a parameter 'weights' (shape (rows,), or None)."
        )
    return custom_metric(function, problem.task, problem.classes)


def _read_name(text: str) -> tuple[str, float | None]:
    """The catalog name and the parameter in what a caller wrote."""
    written, colon, argument = text.partition(":")
    name = written.strip().lower().replace("-", "_").replace(" ", "_")
    name = ALIASES.get(name, name)
    if not colon:
        short = _SHORT_F.fullmatch(name)
        if short and name not in METRICS:
            return f"f_beta{short.group(2) or ''}", float(short.group(1))
        return name, None
    try:
        return name, float(argument)
    except ValueError:
        raise OptionError(
            f"What follows the colon in the metric {text!r} must be a number, but came as {argument!r}. "
            "Write it like 'quantile:0.9' or 'f_beta:2'."
        ) from None


def _made(part: Any, parameter: float | None, written: str) -> Metric:
    """The metric behind a catalog entry: itself, or made with its parameter."""
    if isinstance(part, Metric):
        if parameter is not None:
            raise OptionError(
                f"The metric {part.name!r} takes no parameter, but came as {written!r}. Leave out the colon."
            )
        return part
    made = part() if parameter is None else part(parameter)
    if not isinstance(made, Metric):
        raise OptionError(
            f"The catalog entry of {written!r} must be a Metric or a function that makes one, "
            f"but gave {type(made).__name__}. Mend the package that adds it."
        )
    return made
