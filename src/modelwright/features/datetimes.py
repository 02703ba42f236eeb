"""Dates and times to an offset in days and calendar parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Self

import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.state import damaged, read_int, read_mapping, read_record, read_texts
from modelwright.features.transformer import Transformer, pick

__all__ = ["DATE_TYPES", "DatetimeTransformer", "as_microseconds"]

PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "minute")
"""Calendar parts; those that do not vary in training are dropped. Monday is weekday 1."""

_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
DATE_TYPES: tuple[type[pl.DataType], ...] = (pl.Datetime, pl.Date)
"""The types that a datetime column may have."""


@dataclass(frozen=True)
class DatetimeColumn:
    """What is kept of one column.

    Attributes
    ----------
    origin : int
        Microseconds since 1970 of the earliest training value: days are counted from it, so that float32
        holds them to the minute over decades.
    parts : tuple of str
        The calendar parts that vary.
    """

    origin: int
    parts: tuple[str, ...]


@dataclass(frozen=True)
class DatetimeTransformer(Transformer):
    """Datetimes as days since the earliest one (with fractions) and the calendar parts that vary.

    Parts: year, month, day of the month, weekday (Monday 1), day of the year, hour, minute. Times with
    a zone are read in UTC.

    Examples
    --------
    >>> from datetime import datetime
    >>> frame = pl.DataFrame({"seen": [datetime(2024, 1, 1), datetime(2024, 1, 3, 12), None]})
    >>> transformer = DatetimeTransformer.fit(frame, ["seen"])
    >>> [feature.name for feature in transformer.features]
    ['seen.days', 'seen.day', 'seen.weekday', 'seen.day_of_year', 'seen.hour']
    >>> import numpy as np
    >>> out = np.empty((3, 5), np.float32)
    >>> transformer.transform(frame, out)
    >>> out[:, 0].tolist()
    [0.0, 2.5, nan]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    columns: tuple[str, ...]
    kept: Mapping[str, DatetimeColumn]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Find the earliest moment and the parts that vary, column by column."""
        kept: dict[str, DatetimeColumn] = {}
        for name, series in zip(columns, pick(frame, columns, DATE_TYPES, "datetime"), strict=True):
            times = as_microseconds(series)
            found = pl.DataFrame([times]).select(
                pl.col("time").dt.epoch("us").min().alias("origin"),
                *((_part(part).min() != _part(part).max()).alias(part) for part in PARTS),
            )
            row = found.row(0, named=True)
            kept[name] = DatetimeColumn(row["origin"] or 0, tuple(part for part in PARTS if row[part]))
        return cls(tuple(columns), kept)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """Days, then the parts, for each column."""
        return tuple(
            FeatureInfo(f"{name}.{part}", name, part)
            for name in self.columns
            for part in ("days", *self.kept[name].parts)
        )

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32."""
        start = 0
        for name, series in zip(self.columns, pick(frame, self.columns, DATE_TYPES, "datetime"), strict=True):
            column = self.kept[name]
            # Subtracted and divided in 64 bits before it becomes float32.
            days = pl.col("time").dt.epoch("us").cast(pl.Float64) - float(column.origin)
            block = pl.DataFrame([as_microseconds(series)]).select(
                (days / _DAY).cast(pl.Float32).alias("days"),
                *(_part(part).cast(pl.Float32).alias(part) for part in column.parts),
            )
            out[:, start : start + block.width] = block.to_numpy()
            start += block.width

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool:
        """Fill ``out``, shape (features,), float32."""
        found: list[float] = []
        for name in self.columns:
            column, time = self.kept[name], row[name]
            if time is None:
                found += [math.nan] * (1 + len(column.parts))
                continue
            days = (float((time - _EPOCH) // _MICROSECOND) - float(column.origin)) / _DAY
            found += [days, *(_part_of(time, part) for part in column.parts)]
        out[:] = found
        return True

    def to_dict(self) -> dict[str, Any]:
        """Origin and parts of each column."""
        kept = {
            name: {"origin": column.origin, "parts": list(column.parts)} for name, column in self.kept.items()
        }
        return {"columns": list(self.columns), "kept": kept}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        kept = read_mapping(record, "kept")
        if set(kept) != set(columns):
            raise damaged("'kept'", "about exactly the columns", sorted(kept))
        found: dict[str, DatetimeColumn] = {}
        for name in columns:
            entry = read_record(kept[name], f"'kept'[{name!r}]")
            parts = read_texts(entry, "parts")
            if not set(parts) <= set(PARTS):
                raise damaged("'parts'", f"among {', '.join(PARTS)}", parts)
            found[name] = DatetimeColumn(read_int(entry, "origin", -(2**63), 2**63 - 1), parts)
        return cls(columns, found)


def as_microseconds(series: pl.Series) -> pl.Series:
    """Datetimes of any unit and zone, or dates, as a series ``time`` of microseconds in UTC."""
    zone = getattr(series.dtype, "time_zone", None)
    if zone:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return series.cast(pl.Datetime("us")).alias("time")


def _part_of(time: datetime, part: str) -> int:
    """As `_part`, of one moment."""
    match part:
        case "weekday":
            return time.isoweekday()
        case "day_of_year":
            return time.timetuple().tm_yday
        case _:
            return int(getattr(time, part))


def _part(part: str) -> pl.Expr:
    time = pl.col("time").dt
    match part:
        case "year":
            return time.year()
        case "month":
            return time.month()
        case "day":
            return time.day()
        case "weekday":
            return time.weekday()
        case "day_of_year":
            return time.ordinal_day()
        case "hour":
            return time.hour()
        case _:
            return time.minute()
