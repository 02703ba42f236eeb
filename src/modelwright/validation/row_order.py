"""Orders that tell the target: of the rows in the file, of ids, of time. A random split is fooled by them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Column, Finding, FloatArray, Kind, Problem, Role, Schema
from modelwright.validation.leak_evidence import Judged
from modelwright.validation.leak_screening import as_numbers, screen
from modelwright.validation.recurring_groups import groups_recur

__all__ = ["find_order_leaks", "neighbour_agreement"]

_TELLING = 0.3
"""Score of an order from which it is reported; in a shuffled file it is below .1."""
_ALIKE = 0.5
_MOST_NEIGHBOURS = 200_000
_FEWEST_ROWS = 100
_SHARE_LATER = 0.99


def find_order_leaks(
    frame: pl.DataFrame, schema: Schema, problem: Problem, judged: Judged, target: NDArray[Any]
) -> list[Finding]:
    """Ask whether the number of the row, an id or a date tells the target; and for dates of the future.

    The score is that of a column (see `modelwright.validation.leak_screening.screen`); neighbours are rows
    next to each other in that order, and how alike their targets are is 0 by chance and 1 if equal.

    Parameters
    ----------
    frame : polars DataFrame
        The training rows in the order of the table.
    schema : Schema
    problem : Problem
        Of one output. Where it names a time column, rows are validated in the order of time, and the
        file's order and the drift of the target in time are no news. Where it names a group, blocks of
        rows are none, and advice says how the group and a time column go together.
    judged : Judged
        The sampled rows.
    target : array, shape (rows,)
        Of all training rows.
    """
    if judged.sample.size < _FEWEST_ROWS:
        return []
    place = {name: i for i, name in enumerate(frame.columns)}
    kinds = frame.dtypes
    there = [column for column in schema if column.name in place]
    ids = [column for column in there if column.role is Role.ID]
    dates = [
        column
        for column in there
        if kinds[place[column.name]].is_temporal()
        and column.role not in (Role.TARGET, Role.WEIGHT, Role.IGNORED, Role.CONSTANT)
    ]
    found = _late_dates(frame, problem, dates, place)
    if problem.time_column is None:
        if problem.group is None:
            found += _row_order(judged, target, bool(dates))
        for column in dates:
            values = _values(frame, place[column.name])
            group = None if problem.group not in place else _values(frame, place[str(problem.group)])
            found += _drift(column, values, judged, _Validated.of(problem, group, values))
    for column in ids:
        found += _telling_id(column, _values(frame, place[column.name]), judged, problem)
    return found


def neighbour_agreement(target: NDArray[Any], is_classification: bool) -> float:
    """How alike the targets of rows next to each other are: 0 by chance, 1 if all equal.

    For classes Cohen's kappa of each row with the next, for values the correlation of their ranks.

    Examples
    --------
    >>> round(neighbour_agreement(np.array([0, 0, 0, 1, 1, 1] * 50), True), 2)
    0.34
    >>> round(neighbour_agreement(np.arange(100.0), False), 2)
    1.0
    """
    if len(target) < 3:
        return 0.0
    codes = np.unique(target, return_inverse=True)[1]
    if is_classification:
        shares = np.bincount(codes) / len(codes)
        chance = float(np.square(shares).sum())
        return float(((codes[1:] == codes[:-1]).mean() - chance) / max(1 - chance, 1e-9))
    counts = np.bincount(codes)
    ranks = (np.cumsum(counts) - counts / 2)[codes]  # equal values share their rank
    mine, other = ranks[1:] - ranks[1:].mean(), ranks[:-1] - ranks[:-1].mean()
    norm = float(np.sqrt((mine @ mine) * (other @ other)))
    return float(mine @ other) / norm if norm > 0 else 0.0


def _order_score(numbers: FloatArray, judged: Judged) -> float:
    column = Column("order", Kind.NUMERIC)
    return float(screen(pl.DataFrame({"c0": numbers}), [column], judged.sample)[0])


def _row_order(judged: Judged, target: NDArray[Any], dated: bool) -> list[Finding]:
    classes = bool(judged.sample.classes)
    score = _order_score(judged.sample.rows.astype(np.float64), judged)
    alike = neighbour_agreement(target[:_MOST_NEIGHBOURS], classes)
    if score <= _TELLING and alike <= _ALIKE:
        return []
    remedy = (
        "If the rows are in the order of time, name the time column (--time-column) so that the future is "
        "predicted from the past"
        if dated
        else "If the rows are in the order of time, add that time and name it (--time-column)"
    )
    return [
        Finding(
            check="row_order",
            severity="warning",
            message=f"The number of a row tells {judged.target!r} (score {score:.2f} of 1; targets of rows "
            f"next to each other are alike by {alike:.2f}, 0 being chance): the file is sorted, or made of "
            "blocks. Rows are drawn at random for validation, so new data may be harder than the scores say.",
            action=f"{remedy}; if blocks of rows belong together (a patient, a machine), name that column "
            "(--group). If the file was only sorted by its target, nothing is wrong.",
            evidence={"score": round(score, 4), "neighbours_alike": round(alike, 4)},
        )
    ]


@dataclass(frozen=True)
class _Validated:
    """How rows are validated now, and what to change so that later rows are."""

    now: str
    change: str

    @classmethod
    def of(cls, problem: Problem, group: pl.Series | None, times: pl.Series) -> _Validated:
        """In words, for a problem without a time column."""
        if problem.group is None:
            return cls("rows are drawn at random", "")
        name = problem.group
        if group is not None and groups_recur(group, times):
            change = f" in place of --group (the values of {name!r} come again later, so not both)"
        else:
            change = f" beside --group {shlex.quote(name)}"
        return cls(f"whole groups of {name!r} are drawn at random", change)


def _drift(column: Column, values: pl.Series, judged: Judged, validated: _Validated) -> list[Finding]:
    numbers = as_numbers(values.gather(judged.sample.rows).to_frame("c0"))[0]
    if np.isnan(numbers).mean() > 0.5:
        return []
    score = _order_score(numbers, judged)
    order = np.argsort(numbers, kind="stable")
    order = order[~np.isnan(numbers[order])]
    alike = neighbour_agreement(judged.sample.target[order], bool(judged.sample.classes))
    if score <= _TELLING and alike <= _ALIKE:
        return []
    name = column.name
    return [
        Finding(
            check="time_drift",
            severity="warning",
            message=f"{judged.target!r} changes with {name!r} (score {score:.2f} of 1; targets of rows next "
            f"to each other in time are alike by {alike:.2f}, 0 being chance), and {validated.now} "
            "for validation: a model is scored on days that it has learned from.",
            column=name,
            action="If the model is to predict later rows than it learned from, validate so: "
            f"--time-column {shlex.quote(name)}{validated.change}.",
            evidence={"score": round(score, 4), "neighbours_alike": round(alike, 4)},
        )
    ]


def _telling_id(column: Column, values: pl.Series, judged: Judged, problem: Problem) -> list[Finding]:
    """Whether the order of an id (as a number, else as text) tells the target."""
    if values.dtype.is_nested():
        return []
    taken = values.gather(judged.sample.rows)
    if taken.dtype.is_numeric() or taken.dtype.is_temporal():
        numbers = as_numbers(taken.to_frame("c0"))[0]
    else:
        numbers = taken.cast(pl.String).rank("dense").cast(pl.Float64).to_numpy().copy()
    score = _order_score(numbers, judged)
    if score <= _TELLING:
        return []
    name = column.name
    advice = []
    if problem.time_column is None and problem.group is None:  # what is named already is no advice
        advice.append("if ids grow with time, name the time column (--time-column)")
    if problem.group is None:
        advice.append(
            "if they begin with the name of a group (a patient, a site), make that a column and name it "
            "(--group)"
        )
    listed = "; ".join(advice)
    return [
        Finding(
            check="id_predicts",
            severity="warning",
            message=f"The order of the ids in {name!r} tells {judged.target!r} (score {score:.2f} of 1): ids "
            "were given in the order of time or of the target, or name groups of rows.",
            column=name,
            action="It is not used to predict." + (f" {listed[0].upper()}{listed[1:]}." if listed else ""),
            evidence={"score": round(score, 4), "examples": [str(value) for value in taken.head(3)]},
        )
    ]


def _values(frame: pl.DataFrame, position: int) -> pl.Series:
    # A name like ^a.*$ is a pattern to polars, even in methods of a series that bears it.
    return frame.to_series(position).alias("values")


def _late_dates(
    frame: pl.DataFrame, problem: Problem, dates: list[Column], place: dict[str, int]
) -> list[Finding]:
    """Dates that lie after the time of their row in nearly every row, and never before it."""
    if problem.time_column not in place:
        return []
    now = _values(frame, place[str(problem.time_column)])
    if not now.dtype.is_temporal():
        return []
    head = slice(0, _MOST_NEIGHBOURS)
    moment = now[head].cast(pl.Datetime("us"), strict=False).cast(pl.Int64)
    found = []
    for column in dates:
        if column.name == problem.time_column or frame[:, place[column.name]].dtype == pl.Time:
            continue
        other = _values(frame, place[column.name])[head].cast(pl.Datetime("us"), strict=False).cast(pl.Int64)
        gap = (other - moment).drop_nulls().to_numpy()
        if len(gap) < _FEWEST_ROWS or (gap > 0).mean() < _SHARE_LATER or (gap < 0).any():
            continue
        hours = float(np.median(gap)) / 3.6e9
        found.append(
            Finding(
                check="late_dates",
                severity="warning",
                message=f"{column.name!r} lies after {problem.time_column!r} in {(gap > 0).mean():.1%} of "
                f"{len(gap)} rows (median {hours:.3g} hours later). Unless it is a date that was planned "
                "beforehand, it is not known when predictions are made.",
                column=column.name,
                action=f"It is used. If it is not known then: --set {shlex.quote(column.name)}=ignored.",
                evidence={"later": float((gap > 0).mean()), "rows": len(gap), "median_hours": hours},
            )
        )
    return found
