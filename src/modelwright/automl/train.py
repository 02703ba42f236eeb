"""The front door: `train` a model on a table, `load` one that was trained."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.automl.execute import execute
from modelwright.automl.loading import load_model
from modelwright.automl.model import Model
from modelwright.automl.request import TrainRequest
from modelwright.core.events import Event, FindingMade, Warned

__all__ = ["load", "load_model", "train"]


def train(
    data: Any = None,
    target: str | Sequence[str] | None = None,
    *,
    task: str = "auto",
    metric: str | Callable[..., float] = "auto",
    time_limit: str | float | None = None,
    memory_limit: str | int | None = None,
    threads: int | None = None,
    seed: int = 0,
    max_trials: int | None = None,
    search: str = "bayesian",
    stop_when_flat: bool = False,
    group: str | None = None,
    time_column: str | None = None,
    weights: str | None = None,
    holdout: Any = None,
    name: str | None = None,
    workspace: str | Path | None = None,
    output: str | Path | None = None,
    overrides: Mapping[str, str] | None = None,
    resume: str | None = None,
    query: str | None = None,
    positive: Any = None,
    costs: Any = None,
    quantiles: Any = None,
    monotonic: Mapping[str, Any] | None = None,
    keep: str | Sequence[str] | None = None,
    learners: str | Sequence[str] | None = None,
    without: str | Sequence[str] | None = None,
    group_features: bool = False,
    country: str | None = None,
    quality: str = "best",
    max_latency_ms: float | None = None,
    max_model_mb: float | None = None,
    refit: bool | str | None = "auto",
    distill: bool | str = False,
    sensitive: Any = None,
    mitigate: str | None = None,
    folds: int | None = None,
    like: str | Path | None = None,
    undo: str | Sequence[str] | None = None,
) -> Model:
    """Train a model on a table inside a time and memory budget.

    Parameters
    ----------
    data : path, pandas or polars data frame, dict of columns ...
        The table, target included. With ``like`` it may be left out.
    target : str or list of str
        Name of the column to predict; several columns of two classes each make a multilabel task.
    task : {"auto", "binary", "multiclass", "regression", "multilabel", "quantile"}, default "auto"
        ``auto`` looks at the target: see ``docs/data.md`` for the rule.
    metric : str or callable, default "auto"
        What is optimised: a name (see ``docs/metrics.md``) or a function ``(y_true, y_pred) -> float``,
        greater is better unless it has an attribute ``greater_is_better = False``. ``auto`` is ROC AUC,
        log loss or RMSE by task.
    time_limit : str or float, default "60s"
        Wall-clock time of the whole call: ``"90s"``, ``"5m"``, or seconds.
    memory_limit : str or int, optional
        Ceiling for this process and its workers together: ``"4GB"`` or bytes. Default: 80% of what is
        free.
    threads : int, optional
        Processor threads. Default: all that this process may use.
    seed : int, default 0
        Equal seeds and equal data give equal models when ``max_trials`` is given.
    max_trials : int, optional
        Number of configurations to try, all of them on all folds. No decision reads the clock then.
    search : {"bayesian", "random", "grid"}, default "bayesian"
        What to try after the starting portfolio.
    stop_when_flat : bool, default False
        End before the time limit when the search has brought the ensemble nothing for long enough.
    group : str, optional
        Column whose equal values belong together (a patient, a customer): never divided between
        training and validation.
    time_column : str, optional
        Column that orders the rows: models are validated on later rows than they were trained on.
    weights : str, optional
        Column of row weights (non-negative).
    holdout : float or table, optional
        A fraction of the rows, or more rows in any form that ``data`` may have: never trained on, scored
        once at the end. Default: a small fraction where rows are plenty; ``0`` for none.
    name : str, optional
        Name of the model in the workspace. Default: after the data file or the target.
    workspace : str or Path, optional
        Directory (or PostgreSQL URL) of records and models. Default: ``.modelwright``.
    output : str or Path, optional
        Where to write the bundle. Default: inside the workspace.
    overrides : mapping of str to str, optional
        Column name to kind or role: ``{"zip": "categorical", "row": "ignored"}``.
    resume : str, optional
        Id of a run that did not end, or ``"last"``.
    query : str, optional
        What to select, where ``data`` is the address of a database: ``postgresql://...``, ``sqlite:///...``.
    positive : label, optional
        The positive class of two. Default: the last in sorted order.
    costs : mapping of (actual, predicted) to number, optional
        What each error costs; decisions are then those that cost least, and the default metric is ``cost``.
    quantiles : list of float, optional
        Predict these quantiles of a number instead of its mean. Default with the task ``quantile``: 0.1,
        0.5, 0.9.
    monotonic : mapping of str to {"increasing", "decreasing"}, optional
        Columns with which predictions may only rise or only fall.
    keep : str or list of str, optional
        Columns to use even though they give the target away.
    learners : str or list of str, optional
        Try only these. Default: all.
    without : str or list of str, optional
        Parts of the treatment to go without: see ``docs/control.md``.
    group_features : bool, default False
        Add means, spreads ... of the row's group. Predictions then need whole groups.
    country : str, optional
        Mark the public holidays of this country (``"DE"``) in dates.
    quality : {"best", "interpretable"}, default "best"
        ``interpretable``: one model alone that people can read, see ``docs/interpretable.md``.
    max_latency_ms : float, optional
        Milliseconds that predicting one row may take (median, in process): see ``docs/limits.md``.
    max_model_mb : float, optional
        Megabytes that the bundle may take on disk.
    refit : bool or "auto", default "auto"
        Deliver one model of all rows for each member instead of one for each fold. ``auto``: where models are
        validated on later rows, and where a limit asks for it.
    distill : bool or str, default False
        Teach one small model what the ensemble says; ``"decision_tree"`` or any other learner's name for
        one of that kind. It is delivered, or with limits: where it is the best that keeps them.
    sensitive : str, list of str, or mapping of str to list of float, optional
        Columns whose groups are compared (`Model.fairness`), with the cuts between ranges of a number if
        quartiles will not do. They are not learned from, unless ``overrides`` makes them features.
    mitigate : str, optional
        What is done about gaps between these groups: ``"reweighting"`` of training rows, or ``"thresholds"``
        of their own for each group (``"thresholds:equal_opportunity"`` ...): see ``docs/fairness.md``.
    folds : int, optional
        Folds that every configuration is validated on. Default: three to eight, the more the fewer rows.
    like : str or Path, optional
        A model or a run: what was asked for there is asked for again, but for what is given here.
    undo : str or list of str, optional
        Automatic choices to reverse, by their ids (`Model.decisions`): those of ``like``, else of the last
        model of this name in the workspace. See ``docs/decisions-ledger.md``.

    Returns
    -------
    Model
        Loaded from the bundle that was written. Ctrl-C ends the search early and returns the best model
        so far.

    Raises
    ------
    BadInput
        If something that was given cannot be used (also a `ValueError`).
    BudgetTooSmall
        If the time cannot produce a model.

    Examples
    --------
    >>> import tempfile
    >>> table = {"size": list(range(60)), "price": [3.0 * size + 2 for size in range(60)]}
    >>> with tempfile.TemporaryDirectory() as place:
    ...     model = train(table, "price", time_limit=30, max_trials=1, threads=1, workspace=place)
    ...     price = model.predict({"size": [20]})[0]
    >>> 55 < price < 69
    True
    """
    arguments = dict(locals())
    outcome = execute(TrainRequest(**arguments), [_warn])
    if outcome.interrupted:
        warnings.warn(
            "The training was interrupted: this is the best model so far. Resume it with "
            f"train(data, resume={outcome.summary['run']!r}).",
            stacklevel=2,
        )
    return outcome.model


def _warn(event: Event) -> None:
    """In Python there is no progress display: what the user must know becomes a warning or a log line."""
    import logging

    log = logging.getLogger("modelwright")
    if isinstance(event, Warned):
        log.warning(event.message)
    elif isinstance(event, FindingMade) and event.severity != "info":
        log.warning("%s %s", event.message, event.action)
    else:
        log.debug("%s", event)


def load(bundle_path_or_name: str | Path, workspace: str | Path | None = None) -> Model:
    """Load a trained model.

    Parameters
    ----------
    bundle_path_or_name : str or Path
        A bundle's directory, if it exists, contains a separator or ends in ``.mw``; else a name in the
        workspace: ``"churn"`` (its champion, else its latest version), ``"churn:3"``,
        ``"churn@champion"``.
    workspace : str or Path, optional
        Where names are looked up. Default: ``.modelwright``.

    Raises
    ------
    BundleError
        If the bundle is damaged, was changed after it was written, or is of a newer format.
    UnknownName
        If no model has this name.
    """
    return load_model(str(bundle_path_or_name), workspace)
