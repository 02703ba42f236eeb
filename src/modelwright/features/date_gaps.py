"""The time between two dates of the same row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import combinations
from typing import Any, ClassVar, Literal, Self

import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.datetimes import DATE_TYPES, as_microseconds
from modelwright.features.state import read_texts
from modelwright.features.transformer import Transformer, pick

__all__ = ["DateGaps"]

MAX_PAIRS = 15
"""All pairs of six columns; of more columns, those that stand closest together in the table."""

_DAY = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class DateGaps(Transformer):
    """Days from one datetime column to another, for up to 15 pairs; NaN where either is missing.

    Delivered minus ordered says more than both dates do, and no learner subtracts on its own. The
    source of a gap is its first column.

    Examples
    --------
    >>> from datetime import datetime
    >>> import numpy as np
    >>> frame = pl.DataFrame({"in": [datetime(2024, 1, 1)], "out": [datetime(2024, 1, 2, 12)]})
    >>> gaps = DateGaps.fit(frame, ["in", "out"])
    >>> out = np.empty((1, 1), np.float32)
    >>> gaps.transform(frame, out)
    >>> gaps.features[0].name, out.tolist()
    ('in → out', [[1.5]])
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    kind: ClassVar[str] = "datetime"
    columns: tuple[str, ...]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Nothing to learn; the columns must be there."""
        pick(frame, columns, DATE_TYPES, "datetime")
        return cls(tuple(columns))

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Positions of the two columns of each gap."""
        found = combinations(range(min(len(self.columns), MAX_PAIRS + 1)), 2)
        return tuple(sorted(sorted(found, key=lambda pair: (pair[1] - pair[0], pair))[:MAX_PAIRS]))

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """One gap per pair; none for a single column."""
        return tuple(
            FeatureInfo(f"{self.columns[first]} → {self.columns[last]}", self.columns[first], "days_between")
            for first, last in self.pairs
        )

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, pairs), float32."""
        columns = pick(frame, self.columns, DATE_TYPES, "datetime")
        # Whole microseconds: subtracted as integers, so that no second is lost over centuries.
        times = [as_microseconds(series).to_physical().cast(pl.Int64) for series in columns]
        for place, (first, last) in enumerate(self.pairs):
            days = (times[last] - times[first]).cast(pl.Float64) / _DAY
            out[:, place] = days.fill_null(float("nan")).to_numpy()

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool:
        """Fill ``out``, shape (pairs,), float32."""
        times = [row[name] for name in self.columns]
        for place, (first, last) in enumerate(self.pairs):
            if times[first] is None or times[last] is None:
                out[place] = math.nan
            else:
                out[place] = float((times[last] - times[first]) // _MICROSECOND) / _DAY
        return True

    def to_dict(self) -> dict[str, Any]:
        """The names of the columns."""
        return {"columns": list(self.columns)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        return cls(read_texts(record, "columns"))
