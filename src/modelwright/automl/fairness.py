"""Fairness of a model: written with it from out-of-fold rows, read again, and judged on new rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.automl.bundle import read_part
from modelwright.automl.evidence import read_evidence
from modelwright.automl.judged_rows import Judged as JudgedModel
from modelwright.automl.judged_rows import flattery, is_training_data
from modelwright.automl.problem_options import as_sensitive
from modelwright.automl.sensitive import Sensitive
from modelwright.core import (
    BundleError,
    FloatArray,
    OptionError,
    Predictions,
    Problem,
    Schema,
    SchemaMismatch,
    canonical_json,
    nearest,
)
from modelwright.data import LabelledRows, conform_labelled, read_raw, read_table
from modelwright.evaluation import (
    Criterion,
    FairnessReport,
    Mitigation,
    SensitiveColumn,
    SensitiveRows,
    fairness_report,
    require_few,
    require_groups,
    sensitive_column,
    sensitive_rows,
)
from modelwright.metrics import Metric, get_metric

__all__ = [
    "FAIRNESS",
    "Judged",
    "given_fairness",
    "labelled_groups",
    "recorded_fairness",
    "trained_columns",
    "write_fairness",
]

FAIRNESS = "fairness.json"
"""The part of a bundle."""

_OUT_OF_FOLD = "The model was trained on these rows: its out-of-fold predictions of them are judged."
_NOT_MEASURED = (
    "What reweighting changed was not measured: there was no time for fits without it. A training without "
    "--mitigate tells."
)
_CAUTION = (
    "The model decides by thresholds that differ by group, so predictions need the columns {names}. To treat "
    "people differently by such a column is unlawful in many places and uses: ask a lawyer before you use it."
)


@dataclass(frozen=True)
class Judged:
    """Out-of-fold rows as they are judged.

    Attributes
    ----------
    rows : int64 array, shape (n,)
        Positions among the training rows.
    target : array, shape (n,) or (n, labels)
    weights : float64 array, shape (n,), or None
    """

    rows: NDArray[Any]
    target: NDArray[Any]
    weights: FloatArray | None

    def report(self, problem: Problem, sensitive: Sensitive, predictions: Predictions) -> FairnessReport:
        """What predictions of these rows say."""
        groups = sensitive.rows.take(self.rows)
        return fairness_report(problem, self.target, predictions, groups, self.weights, "out-of-fold")


def write_fairness(
    directory: Path,
    problem: Problem,
    metric: Metric,
    sensitive: Sensitive,
    judged: Judged,
    delivered: Predictions,
    before: tuple[str, Predictions, Predictions] | None,
) -> None:
    """Judge the delivered model on out-of-fold rows and write what was found into its bundle.

    Parameters
    ----------
    directory : Path
        Of the bundle that is being made.
    problem : Problem
    metric : Metric
        Of the run.
    sensitive : Sensitive
    judged : Judged
    delivered : Predictions
        Of the model.
    before : (subject, predictions without mitigation, predictions with it) or None
        What the mitigation is judged by; None where there is none, or it was not measured.
    """
    report = judged.report(problem, sensitive, delivered)
    notes: list[str] = []
    if sensitive.method == "thresholds":
        names = ", ".join(repr(column.name) for column in sensitive.rows.columns)
        notes.append(_CAUTION.format(names=names))
    if sensitive.method:
        done = _mitigation(problem, metric, sensitive, judged, before)
        report = report.with_mitigation(done, notes)
    (directory / FAIRNESS).write_bytes(canonical_json(report.to_dict()))


def _mitigation(
    problem: Problem,
    metric: Metric,
    sensitive: Sensitive,
    judged: Judged,
    before: tuple[str, Predictions, Predictions] | None,
) -> Mitigation:
    """What the mitigation cost and brought."""
    method = ":".join(filter(None, (sensitive.method, sensitive.constraint)))
    if before is None:
        return Mitigation(method, "", metric.name, note=_NOT_MEASURED)
    subject, *both = before
    if sensitive.method == "thresholds" and metric.needs != "labels":
        metric = get_metric(
            "accuracy", problem.task
        )  # probabilities stay as they are: decisions pay the price
    scores = [metric.try_score(judged.target, each, judged.weights)[0] for each in both]
    criteria = [_criteria(judged.report(problem, sensitive, each)) for each in both]
    first, second = (score if np.isfinite(score) else None for score in scores)
    return Mitigation(method, subject, metric.name, first, second, criteria[0], criteria[1])


def _criteria(report: FairnessReport) -> tuple[tuple[str, Criterion], ...]:
    """Every criterion with what it is about."""
    several = len({view.output for view in report.views}) > 1
    return tuple(
        (" & ".join(view.by) + (f": {view.output}" if several else ""), criterion)
        for view in report.views
        for criterion in view.criteria
    )


def recorded_fairness(path: Path, manifest: Mapping[str, Any], sensitive: Any = None) -> FairnessReport:
    """What a bundle says of the fairness of its model.

    Parameters
    ----------
    path : Path
    manifest : mapping
    sensitive : optional
        Columns that are asked for: they must be those of the training.

    Raises
    ------
    OptionError
        If the model was trained without sensitive columns, or with others.
    BundleError
        If the record is damaged.
    """
    if FAIRNESS not in manifest.get("files", {}):
        raise OptionError(
            f"The model {str(manifest.get('name'))!r} was trained without sensitive columns, so its bundle "
            "does not tell groups apart. Give rows with the target and the columns to judge by: modelwright "
            "fairness MODEL DATA --sensitive COL, or train with --sensitive COL."
        )
    try:
        report = FairnessReport.from_dict(read_part(path, manifest, FAIRNESS))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BundleError(f"The record of fairness of {str(path)!r} is damaged ({error}).") from error
    known = [column.name for column in report.columns]
    for name in as_sensitive(sensitive):
        if name not in known:
            raise OptionError(
                f"The bundle tells groups of {', '.join(map(repr, known))} apart, not of {name!r}."
                f"{nearest(name, known)} Give rows with the target and that column as DATA."
            )
    return report


def trained_columns(path: Path, manifest: Mapping[str, Any]) -> tuple[SensitiveColumn, ...]:
    """How the training divided its rows into groups; nothing where it was not asked to."""
    return recorded_fairness(path, manifest).columns if FAIRNESS in manifest.get("files", {}) else ()


def labelled_groups(
    data: Any,
    schema: Schema,
    problem: Problem,
    also: Sequence[str],
    wanted: tuple[Any, Sequence[SensitiveColumn]],
) -> tuple[LabelledRows, SensitiveRows]:
    """New rows with their target, and the groups of those that have one.

    Parameters
    ----------
    data : table
    schema : Schema
        Of training.
    problem : Problem
    also : sequence of str
        Columns that predictions need besides the features.
    wanted : (sensitive, columns of the training)
        What the caller asks for, in any form of `as_sensitive`; None for the columns of the training. Columns
        of the training without cuts of their own are divided as they were there.

    Raises
    ------
    OptionError
        If no column is named, or the target is.
    SchemaMismatch
        If the data lacks a column.
    DataError
        If a column has one group only, or too many.
    """
    given, trained = wanted
    names = as_sensitive(given) or {column.name: () for column in trained}
    if not names:
        raise OptionError("Fairness is judged by groups of a column: name it (--sensitive COL).")
    require_few(tuple(names))
    for name in problem.targets:
        if name in names:
            raise OptionError(
                f"The target {name!r} cannot be the sensitive column as well. Name another column."
            )
    typed = [name for name in names if name in schema and not schema[name].is_feature and name not in also]
    values = _columns_of(data, list(names))
    rows = conform_labelled(data, schema, problem, (*also, *typed))
    frame = rows.conformed.frame
    columns: list[SensitiveColumn] = []
    series: dict[str, pl.Series] = {}
    for name, cuts in names.items():
        found = frame[name] if name in frame.columns else _typed_alone(values[name])
        series[name] = found.gather(rows.rows)
        known = next((column for column in trained if column.name == name and not cuts), None)
        if known is None:
            columns.append(sensitive_column(series[name], name, cuts))
        else:
            require_groups(known.codes(series[name]), name)
            columns.append(known)
    return rows, sensitive_rows(columns, series)


def given_fairness(
    model: JudgedModel,
    data: Any,
    found: tuple[LabelledRows, SensitiveRows],
    predict: Callable[[], Predictions],
) -> FairnessReport:
    """Judge rows that are given; out of fold where they are those of the training.

    Parameters
    ----------
    model : Model
    data : table
    found : (rows, groups)
        As `labelled_groups` gives them.
    predict : callable
        Gives the predictions of these rows, where they are needed.
    """
    rows, groups = found
    known = read_evidence(model) if is_training_data(model, data) else None
    if known is None:
        report = fairness_report(model.problem, rows.target, predict(), groups, rows.weights)
        note = flattery(model, data, rows.conformed.frame)
    else:
        _, mine, theirs = np.intersect1d(rows.rows, known.rows, assume_unique=True, return_indices=True)
        weights = None if known.weights is None else known.weights[theirs]
        report = fairness_report(
            model.problem,
            known.target[theirs],
            known.predictions.take(theirs),
            groups.take(mine),
            weights,
            "out-of-fold",
        )
        note = _OUT_OF_FOLD
    return replace(report, notes=(*report.notes, note)) if note else report


def _columns_of(data: Any, names: Sequence[str]) -> Mapping[str, pl.Series]:
    """The sensitive columns as the data has them.

    Raises
    ------
    SchemaMismatch
        If one is absent; the nearest name is suggested.
    """
    found = {series.name: series for series in read_raw(data).frame.get_columns()}
    for name in names:
        if name not in found:
            raise SchemaMismatch(
                f"The data has no sensitive column {name!r}.{nearest(name, list(found))} The columns are: "
                f"{', '.join(list(found)[:12])}{', ...' if len(found) > 12 else ''}."
            )
    return found


def _typed_alone(values: pl.Series) -> pl.Series:
    """A column that training did not see, typed by its own values."""
    table = read_table(pl.DataFrame([values]), messy=False)
    return table.frame.to_series(0)
