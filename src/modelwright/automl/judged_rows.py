"""The rows that a model is judged by: its out-of-fold rows, or labelled rows that the caller gives."""

from __future__ import annotations

import logging
from collections.abc import Sequence
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

__all__ = ["Judged", "JudgedRows", "is_training_data", "judged_rows", "out_of_fold_rows", "training_data"]

_log = logging.getLogger("modelwright")

OUT_OF_FOLD, GIVEN = "out-of-fold", "given"


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
        _log.warning("The model was trained on these rows: everything here flatters. Give other rows.")
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
        tuple(dict.fromkeys(finding.message for finding in found.findings)),
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
