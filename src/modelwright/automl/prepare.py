"""From a source of data to everything that fits read: typed, checked, encoded, divided into folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.automl.effort import Effort, effort_for
from modelwright.automl.holdout_overlap import find_overlap
from modelwright.automl.plan import Decision, fold_count, holdout_fraction
from modelwright.automl.problem_options import as_names
from modelwright.automl.request import TrainRequest
from modelwright.automl.sensitive import Sensitive, weighed
from modelwright.automl.sensitive_columns import group_rows, keep_aside
from modelwright.core import (
    DataError,
    Finding,
    Kind,
    OptionError,
    Problem,
    Role,
    Schema,
    TargetError,
    Task,
    View,
    hash_json,
)
from modelwright.data import (
    ResolvedTarget,
    SourceInfo,
    Table,
    conform_labelled,
    read_table,
    resolve_target,
    shown_source,
)
from modelwright.ensemble import FoldData
from modelwright.features import FeatureOptions, Featurizer, screen_columns
from modelwright.metrics import Metric, check_usable, default_metric, problem_metric
from modelwright.validation import (
    Folds,
    copies_as_groups,
    find_combined_classes,
    find_duplicates,
    find_leaks,
    make_folds,
    split_holdout,
)

__all__ = ["Holdout", "Prepared", "prepare"]

_FEWEST_FOLDS, _RARE_ROWS = 4, 3
"""Folds that a rare class leaves in any case, and rows of it that each fold should score."""


@dataclass(frozen=True)
class Holdout:
    """Rows that no fit, no encoder and no choice ever sees; they score the final model once.

    Only the kinds of the columns (and their descriptions in the schema) were seen from the whole table.

    Attributes
    ----------
    view : View
    target : array, shape (rows,)
    weights : array or None
    groups : int64 array or None
        Rows of one group depend on each other; intervals respect that.
    origin : str
        Where the rows come from, in words.
    """

    view: View
    target: NDArray[np.generic]
    weights: NDArray[np.float64] | None
    groups: NDArray[np.int64] | None
    origin: str


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs to know of its data.

    Attributes
    ----------
    source : SourceInfo
    schema : Schema
        With the roles that the checks left.
    featurizer : Featurizer
    data : FoldData
        The training rows.
    groups : int64 array or None
        Group codes of the training rows.
    metric : Metric
    holdout : Holdout or None
    findings : tuple of Finding
    decisions : tuple of Decision
    example : polars data frame
        One row of the table without its targets: what a prediction takes is measured on it.
    rows : int64 array
        Positions of the training rows in the table.
    sensitive : Sensitive or None
        The groups of the training rows by sensitive columns, if any were named.
    """

    source: SourceInfo
    schema: Schema
    featurizer: Featurizer
    data: FoldData
    groups: NDArray[np.int64] | None
    metric: Metric
    holdout: Holdout | None
    findings: tuple[Finding, ...]
    decisions: tuple[Decision, ...]
    example: pl.DataFrame
    rows: NDArray[np.int64]
    sensitive: Sensitive | None = None

    @property
    def problem(self) -> Problem:
        """The resolved problem."""
        return self.data.problem


def prepare(request: TrainRequest, seconds: float | None = None) -> Prepared:
    """Read, type, check, encode and divide the data of a run. A pure function of the data and the request.

    Parameters
    ----------
    request : TrainRequest
        Checked.
    seconds : float, optional
        The time limit that costly parts should suit (see `effort_for`); by default nothing is cut.

    Raises
    ------
    BadInput
        If the data cannot be learned from; the message says why.
    """
    table = keep_aside(request, _read(request))
    _check_columns(request, table.schema)
    resolved = resolve_target(table, request.problem())
    problem, metric = _with_metric(resolved.problem)
    metric = replace(metric, tuned=metric.tuned and not request.skips("thresholds"))
    resolved, copies = _copies_together(request, table, resolved, problem)
    train, held = _seal(request, resolved, problem)
    frame = table.frame[resolved.rows[train]]
    target, groups = resolved.target[train], _rows(resolved.groups, train)
    times, weights = _rows(resolved.times, train), _rows(resolved.weights, train)
    check_usable(metric, problem, target, weights)

    findings = [*table.findings, *resolved.findings, *find_combined_classes(problem), *copies]
    effort = effort_for(frame, table.schema, seconds, problem.outputs if problem.labels else 1)
    findings += effort.findings
    schema = _usable_columns(request, table.schema, frame, (problem, target, effort), findings)
    folds = _folds(request, problem, target, groups, times)
    if copies:
        folds = replace(folds, reason="Copies of a row belong together and are never divided.")
    findings += [*folds.findings, *find_duplicates(frame, schema, target, folds, problem)]
    featurizer = Featurizer.fit(frame, schema, _feature_options(request, effort))
    facts = [table.source.sha256, featurizer.to_dict(), problem.to_dict(), request.seed]
    data = FoldData(
        problem=problem,
        view=featurizer.transform(frame),
        target=target,
        weights=weights,
        folds=folds,
        identity=hash_json([*facts, *_digests(resolved.rows[train], *folds.valid, weights, groups)]),
        groups=groups,
    )
    sensitive = group_rows(request, problem, frame)
    data = weighed(data, sensitive)
    decisions = _decisions(request, data, metric, findings)
    holdout, sensitive = _holdout(request, table, resolved, held, (problem, schema, featurizer), sensitive)
    if holdout is not None:
        decisions.append(Decision(f"a sealed holdout of {holdout.view.rows} rows", holdout.origin))
        findings += find_overlap((data.view, data.target), (holdout.view, holdout.target))
    return Prepared(
        source=table.source,
        schema=schema,
        featurizer=featurizer,
        data=data,
        groups=groups,
        metric=metric,
        holdout=holdout,
        findings=tuple(findings),
        decisions=tuple(decisions),
        example=frame.head(1).drop(problem.targets),
        rows=resolved.rows[train],
        sensitive=sensitive,
    )


def _read(request: TrainRequest) -> Table:
    return read_table(
        request.source(),
        overrides=dict(request.overrides or {}),
        problem=request.problem(),
        messy=not request.skips("messy_values"),
    )


def _check_columns(request: TrainRequest, schema: Schema) -> None:
    """Columns that options name besides those of the problem must exist, and fit.

    Raises
    ------
    UnknownName
        If one does not exist.
    OptionError
        If predictions are to rise or fall with a column that is no number.
    TargetError
        If quantiles are asked of a target that is no number.
    """
    _check_quantiles(request, schema)
    for name in as_names(request.keep, "column to keep"):
        schema[name]
    for name, _ in request.problem().monotonic:
        column = schema[name]
        if column.kind is not Kind.NUMERIC or not column.is_feature:
            raise OptionError(
                f"Predictions can rise or fall with a numeric feature, but {name!r} is {column.kind} "
                f"({column.role}). Leave it out, or set it with --set {name}=numeric."
            )


def _check_quantiles(request: TrainRequest, schema: Schema) -> None:
    """Quantiles are of numbers; who asked for them named no task, and is not to be told of one.

    Raises
    ------
    TargetError
        If the target holds no numbers.
    """
    problem = request.problem()
    if problem.task is not Task.QUANTILE or request.task != "auto" or problem.target not in schema.names:
        return
    kind = schema[problem.target].kind
    if kind is not Kind.NUMERIC:
        raise TargetError(
            f"Quantiles are of numbers, but the target {problem.target!r} is {kind}. Leave out the "
            "quantiles, or name a target of numbers."
        )


def _holidays_of_nothing(request: TrainRequest, schema: Schema) -> list[Finding]:
    """A country does nothing for a table without dates, which its caller should know."""
    if request.country is None or any(column.kind is Kind.DATETIME for column in schema.features):
        return []
    return [
        Finding(
            "country",
            "warning",
            f"No column that is used to predict is a date, so the holidays of {request.country!r} mark "
            "nothing.",
            action="If a column holds dates, say so: --set COLUMN=datetime.",
        )
    ]


def _decisions(
    request: TrainRequest, data: FoldData, metric: Metric, findings: list[Finding]
) -> list[Decision]:
    """What was decided while the data was prepared, with reasons."""
    task, folds = data.problem.task, data.folds
    return [
        Decision(f"task {task}", "as asked" if request.task != "auto" else _task_reason(findings)),
        Decision(f"metric {metric.name}", "as asked" if request.metric != "auto" else "the task's default"),
        Decision(f"{len(folds.valid)} folds, {folds.scheme}", folds.reason),
    ]


def _with_metric(problem: Problem) -> tuple[Problem, Metric]:
    """The problem with its metric's real name, and the metric.

    Raises
    ------
    OptionError
        If the metric scores other decisions than costs lead to.
    """
    named = problem
    if problem.metric_function is None:
        named = replace(problem, metric=_metric_name(problem))
    metric = problem_metric(named)
    if problem.costs and metric.needs == "labels" and metric.name != "cost":
        raise OptionError(
            f"With costs the model decides for the class that costs least, but the metric {metric.name!r} "
            "scores other decisions. Leave the metric out (it is 'cost' then), take one of probabilities, "
            "such as 'log_loss' or 'roc_auc', or leave the costs out."
        )
    return (named if problem.metric_function else replace(named, metric=metric.name)), metric


def _metric_name(problem: Problem) -> str:
    """What was asked for; else the cost of errors if they were told, else the task's default."""
    if problem.metric != "auto":
        return problem.metric
    return "cost" if problem.costs else default_metric(problem.task)


def _rows(array: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    return None if array is None else array[rows]


def _digests(*arrays: NDArray[Any] | None) -> list[str]:
    """Hashes of those arrays that there are."""
    import hashlib

    given = [np.ascontiguousarray(array) for array in arrays if array is not None]
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in given]


def _is_external(holdout: Any) -> bool:
    return holdout is not None and _fraction(holdout) is None


def _fraction(holdout: Any) -> float | None:
    """The fraction that an argument means, or None if it means data."""
    if isinstance(holdout, bool) or not isinstance(holdout, (str, int, float)):
        return None
    try:
        fraction = float(holdout)
    except ValueError:
        return None
    if not 0 <= fraction < 0.9:
        raise OptionError(
            f"A holdout is a file or a fraction between 0 and 0.9 of the rows, but came as {holdout!r}."
        )
    return fraction


def _seal(
    request: TrainRequest, resolved: ResolvedTarget, problem: Problem
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Positions (among the usable rows) to train on, and those to set aside if any."""
    everything = np.arange(len(resolved.target), dtype=np.int64)
    if _is_external(request.holdout):
        return everything, None
    given = None if request.holdout is None else _fraction(request.holdout)
    fraction = holdout_fraction(len(everything)) if given is None else given
    if fraction == 0:
        return everything, None
    train, held = split_holdout(
        problem, resolved.target, fraction, request.seed, groups=resolved.groups, times=resolved.times
    )
    return train, held


def _copies_together(
    request: TrainRequest, table: Table, resolved: ResolvedTarget, problem: Problem
) -> tuple[ResolvedTarget, list[Finding]]:
    """Copies of a row become a group where the table is mostly made of them and nothing else divides it."""
    if request.skips("copies") or resolved.groups is not None or resolved.times is not None:
        return resolved, []
    frame = table.frame if len(resolved.rows) == table.frame.height else table.frame[resolved.rows]
    found = copies_as_groups(frame, table.schema, resolved.target, problem)
    return (resolved, []) if found is None else (replace(resolved, groups=found[0]), [found[1]])


def _folds(
    request: TrainRequest,
    problem: Problem,
    target: NDArray[Any],
    groups: NDArray[np.int64] | None,
    times: NDArray[np.int64] | None,
) -> Folds:
    count = request.folds or _count(problem, target, groups, times)
    return make_folds(problem, target, count=count, seed=request.seed, groups=groups, times=times)


def _count(
    problem: Problem,
    target: NDArray[Any],
    groups: NDArray[np.int64] | None,
    times: NDArray[np.int64] | None,
) -> int:
    """How many folds: by rows, and no more than there are groups; five at least, if the data allow.

    Of two classes the rare one should be three times in every fold: a ranking of a single row tells nothing.
    """
    rows = len(target)
    count = fold_count(rows)
    if problem.task is Task.BINARY:
        count = min(count, max(_FEWEST_FOLDS, int(np.bincount(target, minlength=2).min()) // _RARE_ROWS))
    if times is not None:
        count = min(count, 5)
    for codes in (groups, times):
        if codes is not None:
            count = min(count, max(2, len(np.unique(codes)) - (codes is times)))
    return count if rows >= 8 * count else min(count, 5)


def _usable_columns(
    request: TrainRequest,
    schema: Schema,
    frame: pl.DataFrame,
    judged: tuple[Problem, NDArray[Any], Effort],
    findings: list[Finding],
) -> Schema:
    """The schema without columns that cannot help, or that certainly leak, unless the user insists on them.

    What is found is added to the findings.

    Raises
    ------
    DataError
        If no feature is left.
    """
    problem, target, effort = judged
    insisted = {name for name, given in (request.overrides or {}).items() if given != "ignored"}
    insisted |= {*as_names(request.keep, "column to keep"), *(name for name, _ in problem.monotonic)}
    screened, noticed = screen_columns(frame, schema)
    findings += [finding for finding in noticed if finding.column not in insisted]
    for name in insisted & {column.name for column in schema.features}:
        screened = screened.with_column(schema[name])
    told = {(finding.check, finding.column) for finding in findings}
    keep = frozenset(schema.names if request.skips("leak_guard") else insisted)
    leaks = find_leaks(frame, screened, problem, target, request.seed, keep, effort.leak_rows)
    findings += [finding for finding in leaks if (finding.check, finding.column) not in told]
    for finding in leaks:
        if finding.severity == "excluded" and finding.column and finding.column not in keep:
            screened = screened.with_role(finding.column, Role.IGNORED, finding.message)
    if not screened.features:
        raise DataError(_no_features(screened, problem))
    findings += _holidays_of_nothing(request, screened)
    return screened


def _feature_options(request: TrainRequest, effort: Effort) -> FeatureOptions:
    return FeatureOptions(
        without=("text_terms",) if request.skips("text") or effort.text_characters == 0 else (),
        country=request.country,
        group=request.group if request.group_features else None,
        text_characters=effort.text_characters or None,
    )


def _no_features(schema: Schema, problem: Problem) -> str:
    reasons = "; ".join(
        f"{column.name!r}: {column.reason or column.role}"
        for column in list(schema)[:5]
        if column.name not in problem.targets
    )
    return (
        "Learning needs at least one usable column besides the target, but none is left"
        + (f" ({reasons})" if reasons else "")
        + ". Add columns, or keep one with --set COLUMN=KIND."
    )


def _task_reason(findings: list[Finding]) -> str:
    found = [finding.message for finding in findings if finding.check == "task"]
    return found[0] if found else "seen from the target's values"


def _holdout(
    request: TrainRequest,
    table: Table,
    resolved: ResolvedTarget,
    held: NDArray[np.int64] | None,
    seen: tuple[Problem, Schema, Featurizer],
    sensitive: Sensitive | None,
) -> tuple[Holdout | None, Sensitive | None]:
    """The sealed holdout, if there is one, and its groups where decisions will differ by group."""
    problem, schema, featurizer = seen
    if held is not None:
        frame = table.frame[resolved.rows[held]]
        holdout = Holdout(
            view=featurizer.transform(frame),
            target=resolved.target[held],
            weights=_rows(resolved.weights, held),
            groups=_rows(resolved.groups, held),
            origin="set aside before anything was looked at",
        )
    elif _is_external(request.holdout):
        also = featurizer.also
        needed = () if sensitive is None else sensitive.needed(schema, also)
        rows = conform_labelled(request.holdout, schema, problem, (*also, *needed))
        frame = rows.conformed.frame[rows.rows]
        holdout = Holdout(
            view=featurizer.transform(frame),
            target=rows.target,
            weights=rows.weights,
            groups=None,
            origin=f"read from {shown_source(request.holdout)}",
        )
    else:
        return None, sensitive
    return holdout, None if sensitive is None else sensitive.with_held(frame)


def findings_of(prepared: Prepared) -> Iterator[Finding]:
    """Findings, the grave ones first."""
    order = {"excluded": 0, "warning": 1}
    yield from sorted(prepared.findings, key=lambda finding: order.get(finding.severity, 2))
