"""How sure a model is, and whether it is right to be: coverage of its intervals and sets, and abstention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FloatArray, OptionError, Problem, SchemaMismatch, Task, nearest
from modelwright.ensemble import Conformal
from modelwright.evaluation import CoverageRow, coverage_rows

__all__ = ["abstained", "coverage_of", "parts_of"]

_PARTS = 5
"""Quantiles into which a column of numbers is divided."""

_MISSING = "missing"


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
        Of all rows, then of each part.

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
    """The part of the rows that each row belongs to: a level, or one of five ranges of a number.

    Raises
    ------
    SchemaMismatch
        If there is no such column.
    """
    if column not in frame.columns:
        raise SchemaMismatch(
            f"There is no column {column!r} to divide the rows by.{nearest(column, frame.columns)}"
        )
    values = frame[column]
    if not values.dtype.is_numeric() or values.n_unique() <= 2 * _PARTS:
        return [_MISSING if value is None else str(value) for value in values.to_list()]
    numbers = values.cast(pl.Float64).to_numpy()
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _PARTS + 1)))
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(0, len(edges) - 2))
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)] or [str(edges[0])]
    return [
        names[place] if np.isfinite(number) else _MISSING
        for place, number in zip(places, numbers, strict=True)
    ]


def abstained(problem: Problem, array: FloatArray, confidence: float) -> NDArray[np.bool_]:
    """Rows whose most probable class is less probable than the confidence that is asked for.

    Raises
    ------
    OptionError
        If the model predicts values or several labels, or the confidence is no probability.
    """
    if not problem.task.is_classification:
        raise OptionError(
            f"A model abstains where no class is probable enough, but {problem.target!r} is predicted as "
            f"{'several labels' if problem.task is Task.MULTILABEL else 'a value'}. "
            "Look at predict_interval or predict_set."
        )
    if not 0 <= confidence <= 1:
        raise OptionError(f"A confidence is between 0 and 1, but came as {confidence!r}.")
    return np.asarray(array.max(axis=1) < confidence)
