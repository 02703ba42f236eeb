"""Columns divided into cells, and the runs of cells that may be slices: levels, ranges of numbers, dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import IntArray

__all__ = ["SliceColumn", "divided"]

_MOST_LEVELS, _MOST_LENGTH = 40, 60
_RANGES = 8


@dataclass(frozen=True)
class SliceColumn:
    """One column of a table as cells, and what may be a slice of it.

    Attributes
    ----------
    name : str
    cells : int64 array, shape (rows,)
        The cell of each row.
    members : bool array, shape (slices, cells)
        Which cells each slice is made of.
    words : tuple of str
        Each slice as a condition: ``"plan is 'basic'"``, ``"age from 30 to 45"``.
    """

    name: str
    cells: IntArray
    members: NDArray[np.bool_]
    words: tuple[str, ...]

    def rows_of(self, number: int) -> NDArray[np.bool_]:
        """Which rows belong to a slice."""
        return np.asarray(self.members[number][self.cells], dtype=np.bool_)


def divided(values: pl.Series, name: str, fewest: int, ranges: int = _RANGES) -> SliceColumn | None:
    """A column as cells.

    Numbers and dates are cut at their quantiles, and every run of neighbouring cells may be a slice; of other
    columns each level of enough rows may be one; missing values always. Texts, lists and columns without two
    such cells have none. Nothing but the column itself decides where it is cut.

    Parameters
    ----------
    values : polars.Series
    name : str
        Of the column.
    fewest : int
        Rows that a level must have.
    ranges : int, default 8
        Cells that numbers are cut into at most.

    Examples
    --------
    >>> column = divided(pl.Series([1.0, 2.0, 3.0, None]), "age", 1, ranges=2)
    >>> column.words
    ('age below 2', 'age from 2 on', 'age is missing')
    >>> column.cells.tolist()
    [0, 1, 1, 2]
    """
    series = values.alias("values")  # a name like ^a.*$ is a pattern to polars
    if series.dtype == pl.Boolean:
        series = series.cast(pl.String)
    if series.dtype in (pl.String, pl.Categorical, pl.Enum):
        return _levels(series.cast(pl.String), name, fewest)
    if series.dtype in (pl.Date, pl.Datetime):
        dates = series.cast(pl.Datetime("us"))
        shown = [None if moment is None else f"{moment:%Y-%m-%d}" for moment in _edges(dates, ranges)]
        return _numbers(dates.to_physical().cast(pl.Float64), name, ranges, shown)
    if series.dtype.is_numeric():
        return _numbers(series.cast(pl.Float64), name, ranges, None)
    return None


def _edges(series: pl.Series, ranges: int) -> list[Any]:
    """Inner quantiles that are values of the column, ascending and different."""
    ordered = series.drop_nulls().sort()
    if not len(ordered):
        return []
    places = [step * len(ordered) // ranges for step in range(1, ranges)]
    found = list(dict.fromkeys(ordered[place] for place in places))
    return [edge for edge in found if edge != ordered[0]]


def _numbers(series: pl.Series, name: str, ranges: int, shown: list[str | None] | None) -> SliceColumn | None:
    """Ranges between quantiles."""
    known = series.fill_nan(None)
    edges = _edges(known, ranges)
    missing = known.is_null().to_numpy()
    texts = [f"{edge:.6g}" for edge in edges] if shown is None else [str(text) for text in shown]
    inside = np.searchsorted(np.asarray(edges, np.float64), known.fill_null(0.0).to_numpy(), side="right")
    count = len(edges) + 1
    cells = np.where(missing, count, inside).astype(np.int64)
    members, words = [], []
    for first in range(count):
        for last in range(first, count):
            if (first, last) == (0, count - 1):
                continue
            members.append([first <= cell <= last for cell in range(count + 1)])
            words.append(_range(name, texts, first, last, count))
    if missing.any():
        members.append([cell == count for cell in range(count + 1)])
        words.append(f"{name} is missing")
    if len(members) < 2:
        return None
    return SliceColumn(name, cells, np.array(members, dtype=np.bool_), tuple(words))


def _range(name: str, texts: list[str], first: int, last: int, count: int) -> str:
    if first == 0:
        return f"{name} below {texts[last]}"
    if last == count - 1:
        return f"{name} from {texts[first - 1]} on"
    return f"{name} from {texts[first - 1]} to below {texts[last]}"


def _levels(series: pl.Series, name: str, fewest: int) -> SliceColumn | None:
    """Levels of enough rows, the most frequent first; all others share a cell that is no slice."""
    counts = series.drop_nulls().value_counts().sort(["count", "values"], descending=[True, False])
    levels = [level for level, rows in counts.rows() if rows >= fewest][:_MOST_LEVELS]
    if not levels or any(len(level) > _MOST_LENGTH for level in levels):
        return None
    codes = {level: code for code, level in enumerate(levels)}
    missing, others = len(levels), len(levels) + 1
    found = series.replace_strict(codes, default=others, return_dtype=pl.Int64).fill_null(others)
    cells = np.where(series.is_null().to_numpy(), missing, found.to_numpy()).astype(np.int64)
    words = [f"{name} is {level!r}" for level in levels]
    members = np.eye(len(levels), others + 1, dtype=np.bool_)
    if series.null_count():
        members = np.vstack([members, np.arange(others + 1) == missing])
        words.append(f"{name} is missing")
    if len(words) < 2 and len(levels) == counts.height:
        return None  # the same in every row
    return SliceColumn(name, cells, members, tuple(words))
