"""How sure a model is, and whether it is right to be: coverage of its intervals and sets, and abstention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.automl.evidence import read_conformal, read_evidence
from modelwright.core import (
    FloatArray,
    OptionError,
    Predictions,
    Problem,
    Schema,
    SchemaMismatch,
    Task,
    nearest,
)
from modelwright.data import LabelledRows, read_raw, read_table
from modelwright.data.frame_values import level_text
from modelwright.ensemble import Conformal
from modelwright.evaluation import CoverageRow, coverage_rows

__all__ = ["abstained", "coverage_of", "measured_coverage", "parts_of"]

_PARTS = 5
"""Quantiles into which a column of numbers is divided."""

_MISSING = "missing"


class _Judged(Protocol):
    """A loaded model, as far as its coverage is concerned."""

    path: Path
    manifest: dict[str, Any]
    problem: Problem
    schema: Schema

    @property
    def name(self) -> str: ...

    @property
    def utility(self) -> NDArray[Any] | None: ...

    def labelled(self, data: Any, also: Sequence[str] = ()) -> tuple[LabelledRows, Predictions]: ...


def measured_coverage(
    model: _Judged, data: Any = None, coverage: float = 0.9, by: str | None = None
) -> tuple[CoverageRow, ...]:
    """How often a model's intervals, or sets of labels, hold the truth of some rows.

    Parameters
    ----------
    model : Model
    data : table with the target column, optional
        By default the out-of-fold rows in the bundle.
    coverage : float
        What is asked for.
    by : str, optional
        Any column of the data, also one that training did not use or see.

    Returns
    -------
    tuple of CoverageRow
        Of all rows, then of each part.

    Raises
    ------
    OptionError
        If so much coverage cannot be had, or the rows are not at hand.
    SchemaMismatch
        If the data lacks a column.
    """
    conformal = read_conformal(model)
    if data is None:
        known = read_evidence(model)
        if known is None:
            raise OptionError(
                f"The bundle of {model.name!r} holds no out-of-fold rows. Give data with the target."
            )
        if by is not None:
            raise OptionError(
                "Coverage of parts of the rows needs the rows: give data with the target column."
            )
        return coverage_of(conformal, model.problem, known.target, known.array, coverage)
    typed = [by] if by is not None and by in model.schema else []
    rows, predictions = model.labelled(data, typed)
    parts = None
    if by is not None:
        frame = rows.conformed.frame if typed else _unknown_column(data, by)
        parts = parts_of(frame[rows.rows], by)
    return coverage_of(conformal, model.problem, rows.target, predictions.array, coverage, parts)


def _unknown_column(data: Any, name: str) -> pl.DataFrame:
    """A column that training did not see, typed by its own values.

    Raises
    ------
    SchemaMismatch
        If there is none.
    """
    frame = read_raw(data).frame
    if name not in frame.columns:
        raise _absent(name, frame.columns)
    return read_table(frame.select(pl.nth(frame.columns.index(name))), messy=False).frame


def _absent(name: str, columns: Sequence[str]) -> SchemaMismatch:
    return SchemaMismatch(f"There is no column {name!r} to divide the rows by.{nearest(name, columns)}")


def coverage_of(
    conformal: Conformal,
    problem: Problem,
    target: NDArray[Any],
    array: FloatArray,
    coverage: float = 0.9,
    parts: Sequence[str] | None = None,
) -> tuple[CoverageRow, ...]:
    """How often the truth of some rows was inside their intervals or sets.

    Parameters
    ----------
    conformal : Conformal
    problem : Problem
    target : array, shape (rows,) or (rows, labels)
        Values, class codes, or 0 and 1.
    array : float64 array, shape (rows,) or (rows, outputs)
        Predictions.
    coverage : float
        What was asked for.
    parts : sequence of str, optional
        See `parts_of`.

    Returns
    -------
    tuple of CoverageRow
        Of all rows, then of each part. In multilabel tasks each label of a row counts as a row.

    Raises
    ------
    OptionError
        If so much coverage cannot be had.
    """
    truth = np.asarray(target)
    if problem.task in (Task.REGRESSION, Task.QUANTILE):
        bounds = conformal.intervals(array, coverage, problem.quantiles)
        inside = (truth >= bounds[:, 0]) & (truth <= bounds[:, 1])
        return coverage_rows(inside, bounds[:, 1] - bounds[:, 0], parts)
    sets = conformal.sets(array, coverage)
    if problem.task is Task.MULTILABEL:
        held = np.take_along_axis(sets, truth.astype(np.int64)[:, :, None], axis=2)[:, :, 0]
        several = None if parts is None else [part for part in parts for _ in problem.labels]
        return coverage_rows(held.reshape(-1), sets.sum(axis=2).reshape(-1).astype(np.float64), several)
    inside = sets[np.arange(len(truth)), truth.astype(np.int64)]
    return coverage_rows(inside, sets.sum(axis=1).astype(np.float64), parts)


def parts_of(frame: pl.DataFrame, column: str) -> list[str]:
    """The part of the rows that each row belongs to: a level, or one of five ranges of numbers or dates.

    Raises
    ------
    SchemaMismatch
        If there is no such column.

    Examples
    --------
    >>> sorted(set(parts_of(pl.DataFrame({"age": range(100)}), "age")))
    ['0 to 19.8', '19.8 to 39.6', '39.6 to 59.4', '59.4 to 79.2', '79.2 to 99']
    """
    if column not in frame.columns:
        raise _absent(column, frame.columns)
    values = frame[column]
    is_moment = values.dtype in (pl.Date, pl.Datetime)
    if not (values.dtype.is_numeric() or is_moment) or values.n_unique() <= 2 * _PARTS:
        return [_MISSING if value is None else level_text(value) for value in values.to_list()]
    numbers = values.to_physical().cast(pl.Float64).to_numpy()
    edges = np.unique(np.quantile(numbers[np.isfinite(numbers)], np.linspace(0, 1, _PARTS + 1)))
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(0, len(edges) - 2))
    ends = _shown(edges, values.dtype)
    names = [f"{low} to {high}" for low, high in pairwise(ends)] or ends
    return [
        names[place] if np.isfinite(number) else _MISSING
        for place, number in zip(places, numbers, strict=True)
    ]


def _shown(edges: FloatArray, dtype: pl.DataType) -> list[str]:
    """The ends of ranges in as few digits as tell them apart."""
    if dtype.is_temporal():
        moments = pl.Series(edges.astype(np.int64)).cast(dtype).to_list()
        forms = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S.%f")
        tries = [[f"{moment:{form}}" for moment in moments] for form in forms]
    else:
        tries = [[f"{edge:.{digits}g}" for edge in edges] for digits in (4, 6, 9, 17)]
    return next((texts for texts in tries if len(set(texts)) == len(texts)), tries[-1])


def abstained(problem: Problem, predictions: Predictions, confidence: float) -> NDArray[np.bool_]:
    """Rows whose predicted class is less probable than the confidence that is asked for.

    Raises
    ------
    OptionError
        If the model predicts values or several labels, or the confidence is no probability.
    """
    if not problem.task.is_classification:
        raise OptionError(
            f"A model abstains where the class that it predicts is not probable enough, but "
            f"{problem.target!r} is predicted as "
            f"{'several labels' if problem.task is Task.MULTILABEL else 'a value'}. "
            f"Use {'predict_set' if problem.task is Task.MULTILABEL else 'predict_interval'} "
            "(--coverage) to see how sure it is."
        )
    number = isinstance(confidence, (int, float, np.number)) and not isinstance(confidence, bool)
    if not (number and 0 <= confidence <= 1):
        raise OptionError(f"A confidence is between 0 and 1, but came as {confidence!r}. Give 0.8, say.")
    codes = predictions.codes
    return np.asarray(predictions.array[np.arange(len(codes)), codes] < confidence)
