"""Rows outside the domain of training: numbers beyond its range, levels that it never saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import Kind
from modelwright.explanation.predictor import (
    ORDERED,
    SourceColumn,
    as_numbers,
    of_numbers,
    plain_value,
    shown_value,
)

__all__ = ["OutsideValue", "outside_values", "rows_by_column"]


@dataclass(frozen=True)
class OutsideValue:
    """One value that training did not see the like of.

    Attributes
    ----------
    row : int
        Number of the row, from 0.
    column : str
    value : object
        As JSON knows it.
    reason : str
        In words.
    """

    row: int
    column: str
    value: Any
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return asdict(self)


def outside_values(
    columns: Sequence[SourceColumn], frame: pl.DataFrame, most: int = 1_000
) -> tuple[OutsideValue, ...]:
    """Values outside the domain of training, at most so many, by row and then by column.

    What a model says of such a row is an extrapolation: trees go on flat, linear models in a straight line,
    and an unknown level counts as missing.

    Parameters
    ----------
    columns : sequence of SourceColumn
        Of the predictor.
    frame : polars.DataFrame
        Typed rows.
    most : int, default 1,000
        Values that are told.

    Examples
    --------
    >>> from modelwright.explanation.predictor import describe_columns
    >>> known = describe_columns(pl.DataFrame({"age": [20.0, 60.0], "plan": ["a", "b"]}))
    >>> found = outside_values(known, pl.DataFrame({"age": [30.0, 99.0], "plan": ["c", "a"]}))
    >>> [(value.row, value.reason) for value in found]
    [(0, "plan 'c' was never seen in training"), (1, 'age 99 is above the 60 of training')]
    """
    found = [
        value
        for column in columns
        if column.name in frame.columns
        for value in _of_column(column, frame[column.name], most)
    ]
    order = {column.name: place for place, column in enumerate(columns)}
    return tuple(sorted(found, key=lambda value: (value.row, order[value.column]))[:most])


def _of_column(column: SourceColumn, series: pl.Series, most: int) -> Iterable[OutsideValue]:
    if column.kind in ORDERED:
        yield from _beyond(column, series, most)
    elif column.kind in (Kind.CATEGORICAL, Kind.LIST) and column.levels and column.complete:
        yield from _unseen(column, series, most)
    elif column.kind is Kind.COORDINATES and column.corners is not None:
        yield from _elsewhere(column, series, most)
    if not column.nullable and series.null_count():
        reason = f"{column.name} is missing, which it never was in training"
        for row in np.flatnonzero(series.is_null().to_numpy())[:most].tolist():
            yield OutsideValue(row, column.name, None, reason)


def _beyond(column: SourceColumn, series: pl.Series, most: int) -> list[OutsideValue]:
    if column.minimum is None or column.maximum is None:
        return []
    values = as_numbers(series)
    slack = 1e-9 * max(abs(column.minimum), abs(column.maximum))
    below, above = values < column.minimum - slack, values > column.maximum + slack
    found = []
    for row in np.flatnonzero(below | above)[:most].tolist():
        side, edge = ("below", column.minimum) if below[row] else ("above", column.maximum)
        limit = shown_value(of_numbers(np.array([edge]), series.dtype).item())
        value = series[row]
        reason = f"{column.name} {shown_value(value)} is {side} the {limit} of training"
        found.append(OutsideValue(row, column.name, plain_value(value), reason))
    return found


def _unseen(column: SourceColumn, series: pl.Series, most: int) -> list[OutsideValue]:
    """Levels of a category, or items of a list, that training did not have."""
    known = set(column.levels)
    found: list[OutsideValue] = []
    for row, cell in enumerate(series.to_list()):
        items = cell if isinstance(cell, list) else [cell]
        new = [item for item in items if item is not None and item not in known]
        if new:
            reason = f"{column.name} {new[0]!r} was never seen in training"
            if isinstance(cell, list):
                reason = f"{column.name} holds {new[0]!r}, which was never seen in training"
            found.append(OutsideValue(row, column.name, plain_value(cell), reason))
            if len(found) == most:
                break
    return found


def _elsewhere(column: SourceColumn, series: pl.Series, most: int) -> list[OutsideValue]:
    """Places outside of the box that those of training lie in."""
    assert column.corners is not None
    low, high = np.asarray(column.corners)
    slack = 1e-9 * np.maximum(np.abs(low), np.abs(high))
    found: list[OutsideValue] = []
    for row, place in enumerate(series.to_list()):
        if place is None or None in place:
            continue
        at = np.asarray(place, np.float64)
        if (at < low - slack).any() or (at > high + slack).any():
            shown = ", ".join(shown_value(each) for each in place)
            reason = f"{column.name} ({shown}) lies outside of where training was"
            found.append(OutsideValue(row, column.name, place, reason))
            if len(found) == most:
                break
    return found


def rows_by_column(found: Sequence[OutsideValue]) -> Mapping[str, int]:
    """In how many rows each column is outside of the domain, most first.

    Examples
    --------
    >>> rows_by_column([OutsideValue(row, name, 9, "") for row, name in enumerate("abb")])
    {'b': 2, 'a': 1}
    """
    counts: dict[str, int] = {}
    for value in found:
        counts[value.column] = counts.get(value.column, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))
