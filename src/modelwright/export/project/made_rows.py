"""Rows that are made from what a schema knows of its columns: they look like training rows and are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import Column, Kind, generator
from modelwright.data.statistics import QUANTILES

__all__ = ["MadeRows", "make_rows"]

_MISSING = 0.08
"""Share of missing cells, where there may be any."""

_STRANGE = 0.05
"""Share of cells with what training did not see: other levels, numbers outside of the range."""

_WORDS = ("good", "new", "very", "one", "with", "not", "and", "time", "room", "red")
_OTHER = "never seen before"
_Cells = list[Any]


@dataclass(frozen=True)
class MadeRows:
    """The same rows twice.

    Attributes
    ----------
    text : polars.DataFrame
        As a CSV file would have them, in the writing of training.
    typed : polars.DataFrame
        As a Parquet file would have them: numbers, flags, dates, lists.
    """

    text: pl.DataFrame
    typed: pl.DataFrame


def make_rows(
    columns: Sequence[Column], rows: int, *, words: Mapping[str, Sequence[str]] | None = None, seed: int = 0
) -> MadeRows:
    """Rows for columns with given kinds, levels and ranges.

    Parameters
    ----------
    columns : sequence of Column
    rows : int
    words : mapping, optional
        Words that texts of a column are made of.
    seed : int, default 0

    Examples
    --------
    >>> parsing = {"known": ["basic", "pro"]}
    >>> made = make_rows([Column("plan", Kind.CATEGORICAL, parsing=parsing)], 100)
    >>> made.text.height, sorted(set(made.text["plan"].to_list()) & {"basic", "pro"})
    (100, ['basic', 'pro'])
    """
    text, typed = [], []
    for position, column in enumerate(columns):
        random = generator(seed, "golden", position)
        cells = _MAKERS[column.kind](column, rows, random, (words or {}).get(column.name, ()))
        if column.nullable:
            gone = random.random(rows) < _MISSING
            cells = [None if lost else cell for cell, lost in zip(cells, gone, strict=True)]
        shown = [None if cell is None else _WRITERS[column.kind](cell, column) for cell in cells]
        text.append(pl.Series(column.name, shown, pl.String))
        typed.append(pl.Series(column.name, cells, _type(column)))
    return MadeRows(pl.DataFrame(text), pl.DataFrame(typed))


def _type(column: Column) -> pl.DataType:
    return {
        Kind.NUMERIC: pl.Int64() if column.parsing.get("dtype") == "int64" else pl.Float64(),
        Kind.BOOLEAN: pl.Boolean(),
        Kind.DATETIME: pl.Datetime("us"),
        Kind.LIST: pl.List(pl.String),
        Kind.COORDINATES: pl.List(pl.Float64),
    }.get(column.kind, pl.String())


def _numbers(column: Column, rows: int, random: np.random.Generator, words: Sequence[str]) -> _Cells:
    told = column.statistics
    low, high = told.get("minimum"), told.get("maximum")
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return [None] * rows
    quantiles = told.get("quantiles")
    known = isinstance(quantiles, list) and len(quantiles) == len(QUANTILES)
    grid = np.asarray(quantiles if known else np.linspace(low, high, len(QUANTILES)), np.float64)
    values = np.interp(random.random(rows), QUANTILES, grid)
    strange = random.random(rows) < _STRANGE
    values[strange] += random.choice([-0.3, 0.3], int(strange.sum())) * (float(high) - float(low))
    if told.get("integer") or column.parsing.get("dtype") == "int64":
        whole = [round(value) for value in values.tolist()]
        return whole if column.parsing.get("dtype") == "int64" else [float(value) for value in whole]
    return [float(f"{value:.6g}") for value in values.tolist()]


def _flags(column: Column, rows: int, random: np.random.Generator, words: Sequence[str]) -> _Cells:
    return [bool(value) for value in random.random(rows) < 0.5]


def _dates(column: Column, rows: int, random: np.random.Generator, words: Sequence[str]) -> _Cells:
    try:
        low, high = (datetime.fromisoformat(str(column.statistics[key])) for key in ("minimum", "maximum"))
    except (KeyError, ValueError):
        return [None] * rows
    seconds = max((high - low).total_seconds(), 86_400.0)
    # one in ten lies behind the last one: dates of new rows mostly do
    found = [low + timedelta(seconds=round(share * seconds)) for share in random.random(rows) * 1.1]
    at_midnight = all(each == each.replace(hour=0, minute=0, second=0, microsecond=0) for each in (low, high))
    return [each.replace(hour=0, minute=0, second=0) for each in found] if at_midnight else found


def _levels(column: Column, rows: int, random: np.random.Generator, words: Sequence[str]) -> _Cells:
    parsing = column.parsing
    known = [str(level) for level in parsing.get("known") or ()]
    known = known or [str(entry[0]) for entry in column.statistics.get("top") or ()] or [_OTHER]
    cells = [known[place] for place in random.integers(0, len(known), rows)]
    merged = sorted(map(str, parsing.get("merged") or ()))
    for place in np.flatnonzero(random.random(rows) < 3 * _STRANGE).tolist():
        kind = int(random.integers(0, 3))
        if kind == 0:
            cells[place] = _OTHER
        elif kind == 1 and merged:
            cells[place] = merged[int(random.integers(0, len(merged)))]
        else:
            cells[place] = f" {cells[place].upper()} "
    return cells


def _texts(column: Column, rows: int, random: np.random.Generator, words: Sequence[str]) -> _Cells:
    known = [word for word in words if word and word == word.strip()] or list(_WORDS)
    known = [*known[:2_000], *_WORDS]
    return [
        " ".join(known[place] for place in random.integers(0, len(known), int(length)))
        for length in random.integers(1, 12, rows)
    ]


def _lists(column: Column, rows: int, random: np.random.Generator, words: Sequence[str]) -> _Cells:
    known = [str(item) for item in column.parsing.get("known") or ()]
    known = known or [str(entry[0]) for entry in column.statistics.get("top") or ()] or ["one", "two"]
    return [
        list(dict.fromkeys(known[place] for place in random.integers(0, len(known), int(length))))
        for length in random.integers(1, 5, rows)
    ]


def _places(column: Column, rows: int, random: np.random.Generator, words: Sequence[str]) -> _Cells:
    low, high = column.statistics.get("minimum"), column.statistics.get("maximum")
    if not isinstance(low, list) or not isinstance(high, list):
        return [None] * rows
    points = random.uniform(np.asarray(low, np.float64), np.asarray(high, np.float64), (rows, 2))
    return [[round(number, 5) for number in point] for point in points.tolist()]


_MAKERS: dict[Kind, Callable[[Column, int, np.random.Generator, Sequence[str]], _Cells]] = {
    Kind.NUMERIC: _numbers,
    Kind.BOOLEAN: _flags,
    Kind.DATETIME: _dates,
    Kind.CATEGORICAL: _levels,
    Kind.TEXT: _texts,
    Kind.LIST: _lists,
    Kind.COORDINATES: _places,
}


def _written_number(cell: Any, column: Column) -> str:
    shown = str(int(cell)) if float(cell).is_integer() and abs(cell) < 1e15 else repr(cell)
    return shown.replace(".", str(column.parsing.get("decimal", ".")))


def _written_flag(cell: Any, column: Column) -> str:
    words = column.parsing.get("true" if cell else "false") or ("true" if cell else "false",)
    return str(words[0])


def _written_date(cell: Any, column: Column) -> str:
    formats = column.parsing.get("formats") or ("%Y-%m-%d %H:%M:%S",)
    return str(cell.strftime(str(formats[0])))


def _written_list(cell: Any, column: Column) -> str:
    delimiter = str(column.parsing.get("delimiter", ","))
    if delimiter == "[]":
        return "[" + ", ".join(f"'{item}'" for item in cell) + "]"
    return delimiter.join(cell)


def _written_place(cell: Any, column: Column) -> str:
    latitude, longitude = cell
    first, second = (longitude, latitude) if column.parsing.get("longitude_first") else (latitude, longitude)
    return f"{first}, {second}"


def _as_it_is(cell: Any, column: Column) -> str:
    return str(cell)


_WRITERS: dict[Kind, Callable[[Any, Column], str]] = {
    Kind.NUMERIC: _written_number,
    Kind.BOOLEAN: _written_flag,
    Kind.DATETIME: _written_date,
    Kind.CATEGORICAL: _as_it_is,
    Kind.TEXT: _as_it_is,
    Kind.LIST: _written_list,
    Kind.COORDINATES: _written_place,
}
