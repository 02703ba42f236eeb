"""Dates as places on a circle: December is next to January, Sunday next to Monday."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.datetimes import DATE_TYPES, as_microseconds
from modelwright.features.state import damaged, read_mapping, read_texts
from modelwright.features.transformer import Transformer, pick

__all__ = ["DateCycles"]

_TIME = pl.col("time").dt
_HOUR = _TIME.hour().cast(pl.Float64) + _TIME.minute().cast(pl.Float64) / 60.0

CYCLES: Mapping[str, tuple[pl.Expr, pl.Expr, float]] = {
    "year": (_TIME.ordinal_day().cast(pl.Float64) - 1.0, _TIME.month(), 365.2425),
    "week": (_TIME.weekday().cast(pl.Float64) - 1.0, _TIME.weekday(), 7.0),
    "day": (_HOUR, _TIME.hour(), 24.0),
}
"""Name to position on the circle, the part that must vary, and the length of the circle."""

ENOUGH = 3
"""Distinct months, weekdays or hours that make a circle worth its two columns: two are only a flag."""


@dataclass(frozen=True)
class DateCycles(Transformer):
    """Sine and cosine of the time of the year, of the week and of the day, where it varies.

    For models that add columns up or measure distances; trees read the calendar parts of
    `DatetimeTransformer` as well. A circle is left out if the training values have fewer than three
    different months, weekdays or hours.

    Examples
    --------
    >>> from datetime import datetime
    >>> frame = pl.DataFrame({"at": [datetime(2024, 1, 1, hour) for hour in (0, 6, 12)]})
    >>> cycles = DateCycles.fit(frame, ["at"])
    >>> [feature.name for feature in cycles.features]
    ['at.day_sin', 'at.day_cos']
    >>> out = np.empty((3, 2), np.float32)
    >>> cycles.transform(frame, out)
    >>> out.round(3).tolist()
    [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    kind: ClassVar[str] = "datetime"
    columns: tuple[str, ...]
    cycles: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Find the circles that the values of each column go round."""
        cycles: dict[str, tuple[str, ...]] = {}
        for name, series in zip(columns, pick(frame, columns, DATE_TYPES, "datetime"), strict=True):
            found = pl.DataFrame([as_microseconds(series)]).select(
                varying.drop_nulls().n_unique().alias(cycle) for cycle, (_, varying, _) in CYCLES.items()
            )
            distinct = found.row(0, named=True)
            cycles[name] = tuple(cycle for cycle in CYCLES if distinct[cycle] >= ENOUGH)
        return cls(tuple(columns), cycles)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """Sine and cosine of each circle of each column."""
        return tuple(
            FeatureInfo(f"{name}.{cycle}_{wave}", name, f"{cycle}_{wave}")
            for name in self.columns
            for cycle in self.cycles[name]
            for wave in ("sin", "cos")
        )

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32."""
        start = 0
        for name, series in zip(self.columns, pick(frame, self.columns, DATE_TYPES, "datetime"), strict=True):
            times = pl.DataFrame([as_microseconds(series)])
            for cycle in self.cycles[name]:
                position, _, length = CYCLES[cycle]
                places = times.select(position.fill_null(np.nan).alias("place"))["place"].to_numpy()
                angle = places * (2.0 * np.pi / length)
                out[:, start], out[:, start + 1] = np.sin(angle), np.cos(angle)
                start += 2

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool:
        """Fill ``out``, shape (features,), float32."""
        angles = [
            math.nan if row[name] is None else _place(row[name], cycle) * (2.0 * np.pi / CYCLES[cycle][2])
            for name in self.columns
            for cycle in self.cycles[name]
        ]
        out[0::2], out[1::2] = np.sin(angles), np.cos(angles)
        return True

    def to_dict(self) -> dict[str, Any]:
        """The circles of each column."""
        return {
            "columns": list(self.columns),
            "cycles": {name: list(found) for name, found in self.cycles.items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        saved = read_mapping(record, "cycles")
        if set(saved) != set(columns):
            raise damaged("'cycles'", "about exactly the columns", sorted(saved))
        cycles = {name: read_texts(saved, name) for name in columns}
        for found in cycles.values():
            if not set(found) <= set(CYCLES):
                raise damaged("'cycles'", f"among {', '.join(CYCLES)}", found)
        return cls(columns, cycles)


def _place(time: datetime, cycle: str) -> float:
    """Where a moment stands on a circle; see `CYCLES`."""
    match cycle:
        case "year":
            return time.timetuple().tm_yday - 1.0
        case "week":
            return time.isoweekday() - 1.0
        case _:
            return time.hour + time.minute / 60.0
