"""What values a column of one row may be changed to, and how far away they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from modelwright.core import Kind, OptionError
from modelwright.explanation.predictor import (
    ORDERED,
    SourceColumn,
    as_numbers,
    of_numbers,
    with_values,
)

__all__ = ["Adjustable", "Cell", "adjustable", "changed_rows"]

Cell = float | str | bool | None
"""A value as the search has it: numbers and dates as float64 (NaN where missing), levels, flags."""

_MOST_LEVELS = 60
_REACHES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Distances from the present value that are tried, in units of the spread."""

_FINE = 30.0
"""Numbers without a step of their own move by the power of ten below the spread divided by this."""


@dataclass(frozen=True)
class Adjustable:
    """One column of one row, and what it may become.

    Attributes
    ----------
    column : SourceColumn
    now : Cell
    low, high : float
        Limits of numbers and dates: the range of training, narrowed by what was asked for.
    step : float
        Numbers and dates become multiples of it.
    spread : float
        The unit of distance.
    options : tuple of Cell
        Levels or flags that it may become.
    """

    column: SourceColumn
    now: Cell
    low: float = -math.inf
    high: float = math.inf
    step: float = 1.0
    spread: float = 1.0
    options: tuple[Cell, ...] = ()

    @property
    def name(self) -> str:
        """Of the column."""
        return self.column.name

    @property
    def is_ordered(self) -> bool:
        """Whether it is a number or a date."""
        return self.column.kind in ORDERED

    def tries(self) -> list[Cell]:
        """Values to begin with: other levels, or numbers near and far between the limits."""
        if not self.is_ordered:
            return list(self.options)
        lowest, highest = self._bounds()
        if lowest > highest:
            return []
        wanted = [*self.column.quantiles, *np.linspace(self.low, self.high, 9).tolist()]
        if isinstance(self.now, float) and math.isfinite(self.now):
            wanted += [self.now + side * reach * self.spread for reach in _REACHES for side in (-1, 1)]
            wanted += [self.now - self.step, self.now + self.step]
        places = {round(min(max(value / self.step, lowest), highest)) for value in wanted}
        values = [self._at(place) for place in sorted(places)]
        return [value for value in values if value != self.now]

    def between(self, value: float, other: float, most: int) -> list[Cell]:
        """At most so many values that lie strictly between two others, spread evenly."""
        low, high = sorted((value, other))
        first, last = math.floor(low / self.step) + 1, math.ceil(high / self.step) - 1
        lowest, highest = self._bounds()
        first, last = max(first, lowest), min(last, highest)
        if first > last:
            return []
        count = min(most, last - first + 1)
        places = dict.fromkeys(np.round(np.linspace(first, last, count)).astype(np.int64).tolist())
        found = [self._at(place) for place in places]
        return [each for each in found if low < each < high]

    def distance(self, value: Cell) -> float:
        """From the present value: in units of the spread for numbers and dates, 1 for anything else."""
        if isinstance(value, float) and isinstance(self.now, float) and math.isfinite(self.now):
            return abs(value - self.now) / self.spread
        return 1.0

    def _bounds(self) -> tuple[int, int]:
        """The first and the last multiple of the step between the limits."""
        return math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)

    def _at(self, place: int) -> float:
        digits = max(0, -math.floor(math.log10(self.step))) if self.step < 1 else 0
        return float(round(place * self.step, digits))


def adjustable(
    column: SourceColumn,
    series: pl.Series,
    direction: int = 0,
    limits: tuple[float, float] | None = None,
) -> Adjustable | None:
    """What a column of a row may become; None where there is nothing: texts, lists, places, constants.

    Parameters
    ----------
    column : SourceColumn
    series : polars.Series of length 1
        The present value.
    direction : int, default 0
        1: it may only rise; -1: it may only fall.
    limits : pair of float, optional
        Instead of the range of training.

    Raises
    ------
    OptionError
        If a direction or limits are given for something else than a number or a date.
    """
    if column.kind not in ORDERED and (direction or limits is not None):
        raise OptionError(
            f"Only numbers and dates rise, fall or have a range, but {column.name!r} holds {column.kind} "
            "values. Keep it as it is instead, or leave the rule out."
        )
    if column.kind is Kind.BOOLEAN:
        now = series.item()
        return Adjustable(column, now, options=tuple(flag for flag in (False, True) if flag is not now))
    if column.kind is Kind.CATEGORICAL:
        level = series.item()
        others = tuple(other for other in column.levels[:_MOST_LEVELS] if other != level)
        return Adjustable(column, level, options=others) if others else None
    if column.kind not in ORDERED:
        return None
    low, high = limits or (column.minimum, column.maximum)
    if low is None or high is None or low > high:
        return None
    value = float(as_numbers(series)[0])
    if direction > 0 and math.isfinite(value):
        low = max(low, value)
    if direction < 0 and math.isfinite(value):
        high = min(high, value)
    if low > high or (low == high == value):
        return None
    spread = column.spread or (high - low) / 4 or 1.0
    return Adjustable(column, value, low, high, _step(column, spread), spread)


def _step(column: SourceColumn, spread: float) -> float:
    if column.step is not None:
        return column.step
    if column.kind is Kind.DATETIME:
        return 1_000_000.0
    return float(10.0 ** math.floor(math.log10(spread / _FINE)))


def changed_rows(
    row: pl.DataFrame, parts: Mapping[str, Adjustable], states: Sequence[Mapping[str, Cell]]
) -> pl.DataFrame:
    """A frame with a copy of one row for each state, with the state's values.

    Parameters
    ----------
    row : polars.DataFrame of one row
    parts : mapping of str to Adjustable
        By column.
    states : sequence of mapping
        Column to value.
    """
    whole = row[np.zeros(len(states), dtype=np.int64)]
    values: dict[str, pl.Series] = {}
    for name in {name: None for state in states for name in state}:
        part, dtype = parts[name], row[name].dtype
        cells = [state.get(name, part.now) for state in states]
        if part.is_ordered:
            values[name] = of_numbers(np.array(cells, dtype=np.float64), dtype)
        else:
            values[name] = pl.Series("values", cells, dtype=dtype)
    return with_values(whole, values)
