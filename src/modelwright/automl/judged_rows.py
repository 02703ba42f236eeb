"""The rows that a model is judged by: its out-of-fold rows, or labelled rows that the caller gives."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.automl.evidence import read_evidence
from modelwright.core import (
    DataError,
    FloatArray,
    IntArray,
    ModelwrightError,
    OptionError,
    Predictions,
    Problem,
    Schema,
    SchemaMismatch,
)
from modelwright.data import LabelledRows, conform, read_raw
from modelwright.evaluation import Leaderboard
from modelwright.metrics import Metric

__all__ = [
    "Judged",
    "JudgedRows",
    "flattery",
    "is_training_data",
    "judged_rows",
    "looks_trained_on",
    "out_of_fold_rows",
    "training_data",
]

_log = logging.getLogger("modelwright")

OUT_OF_FOLD, GIVEN = "out-of-fold", "given"

_FLATTERS = "The model was trained on these rows: everything here flatters. Give other rows."
_MAY_FLATTER = (
    "Every column has the statistics that it had in training: if these are the rows that the model was "
    "trained on, in another order or another file, everything here flatters."
)


class Judged(Protocol):
    """A loaded model, as far as its rows are concerned. (`Model` itself calls what needs this.)"""

    path: Path
    manifest: dict[str, Any]
    problem: Problem
    schema: Schema

    @property
    def name(self) -> str:
        """The name it was trained under."""
        ...

    @property
    def metric(self) -> Metric | None:
        """What it was optimised for; None for a function of the caller's."""
        ...

    @property
    def utility(self) -> NDArray[Any] | None:
        """What decisions are worth."""
        ...

    def leaderboard(self) -> Leaderboard:
        """Every model of the run."""
        ...

    def labelled(self, data: Any, also: Sequence[str] = ()) -> tuple[LabelledRows, Predictions]:
        """Rows whose target is known, and what the model says of them."""
        ...


@dataclass(frozen=True)
class JudgedRows:
    """Rows with their target and what a model says of them.

    Attributes
    ----------
    source : str
        ``"out-of-fold"`` (of the training data; no model that predicted a row had seen it) or ``"given"``.
    rows : int64 array, shape (n,)
        Positions in the table that they come from.
    target : array, shape (n,) or (n, labels)
        Class codes, values, or 0 and 1.
    predictions : Predictions
    weights : float64 array, shape (n,), or None
    groups : int64 array, shape (n,), or None
        Rows of one group depend on each other.
    frame : polars.DataFrame or None
        Source columns, typed as in training; None where the table is gone.
    notes : tuple of str
        What the caller should know, a sentence each.
    """

    source: str
    rows: IntArray
    target: NDArray[Any]
    predictions: Predictions
    weights: FloatArray | None
    groups: IntArray | None
    frame: pl.DataFrame | None
    notes: tuple[str, ...] = ()

    def take(self, places: IntArray) -> JudgedRows:
        """Some of the rows, by their place among these."""
        return replace(
            self,
            rows=self.rows[places],
            target=self.target[places],
            predictions=self.predictions.take(places),
            weights=None if self.weights is None else self.weights[places],
            groups=None if self.groups is None else self.groups[places],
            frame=None if self.frame is None else self.frame[places],
        )


def judged_rows(model: Judged, data: Any = None, also: Sequence[str] = ()) -> JudgedRows:
    """The rows to judge a model by.

    Parameters
    ----------
    model : Model
    data : table with the target column, optional
        Rows that the model was not trained on. Where they are the very table that it was trained on, its
        out-of-fold predictions of them are taken. By default these as well, and the training table is read
        again where it still is.
    also : sequence of str
        Columns of the training table that are no features but are needed.

    Raises
    ------
    OptionError
        If there is no data, and the bundle holds no out-of-fold rows.
    SchemaMismatch
        As for `Model.evaluate`.
    """
    if data is None:
        found, reason = training_data(model)
        known = out_of_fold_rows(model, found, also)
        if known is None:
            raise OptionError(
                f"The model {model.name!r} has no out-of-fold rows with it: an earlier version of "
                "Modelwright wrote it. Give rows with the target that it was not trained on."
            )
        return known if found is not None else replace(known, notes=(*known.notes, reason))
    if is_training_data(model, data):
        known = out_of_fold_rows(model, data, also)
        if known is not None:
            note = "The model was trained on these rows: its out-of-fold predictions of them are judged."
            return replace(known, notes=(note, *known.notes))
        _log.warning(_FLATTERS)
    return _given_rows(model, data, also)


def out_of_fold_rows(model: Judged, data: Any = None, also: Sequence[str] = ()) -> JudgedRows | None:
    """The out-of-fold rows in a model's bundle, with their columns if the training table is given.

    Parameters
    ----------
    model : Model
    data : table, optional
        The table that it was trained on.
    also : sequence of str
        As for `judged_rows`.

    Returns
    -------
    JudgedRows or None
        None in bundles without evidence.
    """
    known = read_evidence(model)
    if known is None:
        return None
    frame: pl.DataFrame | None = None
    notes: list[str] = []
    if data is not None:
        names = [name for name in dict.fromkeys(also) if not model.schema[name].is_feature]
        try:
            whole = conform(data, model.schema, names).frame
            frame = whole[known.rows] if int(known.rows.max(initial=-1)) < whole.height else None
        except (DataError, SchemaMismatch) as error:
            notes.append(f"The columns of the training table cannot be read ({error})")
    if known.total > len(known.rows):
        notes.append(f"A random part of {known.total:,} out-of-fold rows is kept with the model.")
    return JudgedRows(
        OUT_OF_FOLD,
        known.rows,
        known.target,
        known.predictions,
        known.weights,
        known.groups,
        frame,
        tuple(notes),
    )


def _given_rows(model: Judged, data: Any, also: Sequence[str]) -> JudgedRows:
    """Labelled rows of the caller's, in their groups if the data names them."""
    group = model.problem.group
    grouped = [] if group is None or group not in model.schema else [group]
    try:
        found, predictions = model.labelled(data, [*grouped, *also])
    except SchemaMismatch:
        if not grouped:
            raise
        grouped = []  # groups are needed for intervals alone
        found, predictions = model.labelled(data, also)
    frame = found.conformed.frame[found.rows]
    note = flattery(model, data, found.conformed.frame)
    groups = None
    if grouped:
        ranks = frame[grouped[0]].alias("values").rank("dense").cast(pl.Int64)
        alone = np.arange(frame.height) + frame.height + 1  # a row without a group is one of its own
        groups = np.where(ranks.is_null().to_numpy(), alone, ranks.fill_null(0).to_numpy())
    return JudgedRows(
        GIVEN,
        found.rows,
        found.target,
        predictions,
        found.weights,
        None if groups is None else groups.astype(np.int64),
        frame,
        tuple(dict.fromkeys(filter(None, (note, *(finding.message for finding in found.findings))))),
    )


def is_training_data(model: Judged, data: Any) -> bool:
    """Whether data is the very table that a model was trained on."""
    known = model.manifest["data"]
    if not known.get("sha256"):
        return False
    # Files are hashed as they are; objects in memory, and what a query gives, by all of their columns.
    as_file = known.get("location") is not None and known.get("kind") != "sql"
    try:
        return bool(read_raw(data, [] if as_file else None).info.sha256 == known["sha256"])
    except ModelwrightError:
        return False  # what cannot be read is told by whoever reads it


def flattery(model: Judged, data: Any, frame: pl.DataFrame) -> str:
    """Why what rows say of a model may flatter it; empty where nothing speaks for that.

    Parameters
    ----------
    model : Model
    data : table
    frame : polars.DataFrame
        All of its rows, typed as in training.
    """
    if is_training_data(model, data):
        return _FLATTERS
    return _MAY_FLATTER if looks_trained_on(model.schema, frame) else ""


def looks_trained_on(schema: Schema, frame: pl.DataFrame) -> bool:
    """Whether rows have, in every column, the statistics of the training table: its rows, in whatever order.

    Parameters
    ----------
    schema : Schema
        Of training.
    frame : polars.DataFrame
        All rows of a table, typed as in training.

    Examples
    --------
    >>> from modelwright.core import Column, Kind
    >>> known = {"rows": 3, "missing": 0, "minimum": 1.0, "maximum": 4.0, "mean": 7 / 3}
    >>> schema = Schema((Column("age", Kind.NUMERIC, statistics=known),))
    >>> [looks_trained_on(schema, pl.DataFrame({"age": ages})) for ages in ([4.0, 1.0, 2.0], [4.0, 1.0, 3.0])]
    [True, False]
    """
    known = [column for column in schema.features if column.statistics.get("rows")]
    telling = any("mean" in column.statistics or "top" in column.statistics for column in known)
    return telling and all(_agrees(column.statistics, frame[column.name]) for column in known)


def _agrees(known: Mapping[str, Any], values: pl.Series) -> bool:
    """Whether the values of a column have its statistics, as far as these are quickly told."""
    given = values.alias("values")  # a name like ^a.*$ is a pattern to polars
    if (known["rows"], known.get("missing")) != (len(given), given.null_count()):
        return False
    if "mean" in known and given.dtype.is_numeric() and given.null_count() < len(given):
        numbers = given.drop_nulls().cast(pl.Float64).to_numpy()
        found = float(numbers.min()), float(numbers.max()), float(numbers.mean())
        asked = float(known["minimum"]), float(known["maximum"]), float(known["mean"])
        size = max(abs(asked[0]), abs(asked[1]))
        return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9 * size) for a, b in zip(found, asked))
    if "top" in known and given.dtype == pl.String:
        rows = dict(given.value_counts(name="__rows__").rows())
        return all(rows.get(level) == count for level, count in known["top"])
    return True


def training_data(model: Judged) -> tuple[str | None, str]:
    """Where the table that a model was trained on still is, unchanged; or why it is not.

    Returns
    -------
    location : str or None
    reason : str
        A sentence where there is none; empty otherwise.
    """
    known = model.manifest["data"]
    location = known.get("location")
    if location is None:
        return None, "The model was trained on a table in memory: what needs its columns is left out."
    if "://" in location:
        reason = "The model was trained on a database, which is not asked again"
        return None, f"{reason}: what needs its columns is left out."
    try:
        found = read_raw(location, []).info.sha256
    except ModelwrightError:
        return None, f"The training data {location!r} is gone: what needs its columns is left out."
    if found != known.get("sha256"):
        return None, f"The training data {location!r} has changed since: what needs its columns is left out."
    return location, ""
