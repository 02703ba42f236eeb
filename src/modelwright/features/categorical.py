"""Categories to codes; rare, unseen and missing levels share code 0."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.levels import MANY_LEVELS
from modelwright.features.scales import scale_order
from modelwright.features.state import damaged, read_mapping, read_texts
from modelwright.features.transformer import Transformer, pick

__all__ = ["CategoricalTransformer", "natural_order"]

MAX_LEVELS = 50_000
"""The most frequent levels that are kept of one column."""

SMALL_FRAME = 64
"""Up to so many rows a dictionary look-up per value beats building expressions (single-row serving)."""

_TYPES: tuple[type[pl.DataType], ...] = (pl.String, pl.Categorical, pl.Enum)
_DIGITS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True)
class CategoricalTransformer(Transformer):
    """Categories as codes: 0 for missing, unseen and rare levels, then 1, 2, ... in natural order.

    Natural order compares numbers inside the text as numbers (``"2-5"`` before ``"10-20"``): trees
    that split ordered codes profit from it, and it does not depend on the order of the rows. Levels that
    are all words of one scale (low, medium, high; Mon, Tue, ...) come in its order. In a column of more
    than 10 levels, those that occur once become code 0; of more than 50,000, the most
    frequent are kept.

    Examples
    --------
    >>> frame = pl.DataFrame({"size": ["10 cm", "2 cm", None]})
    >>> transformer = CategoricalTransformer.fit(frame, ["size"])
    >>> transformer.levels["size"]
    ('2 cm', '10 cm')
    >>> out = np.empty((3, 1), np.int32)
    >>> transformer.transform(frame, out)
    >>> out[:, 0].tolist()
    [2, 1, 0]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "categorical"
    columns: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Count the levels of each column and keep those that are not rare."""
        levels = {
            name: _kept_levels(_texts(series))
            for name, series in zip(columns, pick(frame, columns, _TYPES, "categorical"), strict=True)
        }
        return cls(tuple(columns), levels)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """One code per column."""
        return tuple(FeatureInfo(name, name, "codes", len(self.levels[name]) + 1) for name in self.columns)

    @cached_property
    def _codes(self) -> dict[str, dict[str, int]]:
        return {
            name: {level: code for code, level in enumerate(kept, 1)} for name, kept in self.levels.items()
        }

    @cached_property
    def _types(self) -> dict[str, pl.Enum]:
        return {name: pl.Enum(kept) for name, kept in self.levels.items()}

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, columns), int32."""
        small = frame.height <= SMALL_FRAME
        for position, column in enumerate(pick(frame, self.columns, _TYPES, "categorical")):
            name = self.columns[position]
            if small:
                codes = self._codes[name]
                out[:, position] = [codes.get(value, 0) for value in _texts(column).to_list()]
            else:
                coded = _texts(column).cast(self._types[name], strict=False).to_physical()
                out[:, position] = (coded.cast(pl.Int32) + 1).fill_null(0).to_numpy()

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool:
        """Fill ``out``, shape (columns,), int32."""
        codes = self._codes
        out[:] = [codes[name].get(row[name], 0) for name in self.columns]
        return True

    def to_dict(self) -> dict[str, Any]:
        """The levels of each column, in the order of their codes."""
        return {
            "columns": list(self.columns),
            "levels": {name: list(kept) for name, kept in self.levels.items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        levels = read_mapping(record, "levels")
        if set(levels) != set(columns):
            raise damaged("'levels'", "about exactly the columns", sorted(levels))
        return cls(columns, {name: read_texts(levels, name, longest=MAX_LEVELS) for name in columns})


def natural_order(levels: Iterable[str]) -> list[str]:
    """Levels sorted as people do: as numbers if all are numbers, else with digits compared as numbers.

    Examples
    --------
    >>> natural_order(["10", "9", "-1.5"]), natural_order(["b10", "b9", "A"])
    (['-1.5', '9', '10'], ['A', 'b9', 'b10'])
    """
    found = list(levels)
    try:
        numbers = [float(level) for level in found]
    except ValueError:
        numbers = []
    if numbers and all(map(np.isfinite, numbers)):
        return [level for _, level in sorted(zip(numbers, found, strict=True))]
    return sorted(found, key=_natural_key)


def _natural_key(level: str) -> tuple[list[tuple[int, int, str]], str]:
    parts = _DIGITS.split(level.casefold())
    # Alternately text and digits: each part is tagged, so that a number never meets a text. Very long
    # digit strings stay text: turning them into integers is slow, and Python refuses beyond 4,300 digits.
    key = [
        (0, int(part), "") if position % 2 and len(part) <= 18 else (1, 0, part)
        for position, part in enumerate(parts)
    ]
    return key, level


def _texts(column: pl.Series) -> pl.Series:
    return column if column.dtype == pl.String else column.cast(pl.String)


def _kept_levels(column: pl.Series) -> tuple[str, ...]:
    counts = column.drop_nulls().alias("level").value_counts(name="rows")
    if counts.height > MANY_LEVELS:
        counts = counts.filter(pl.col("rows") > 1)
    if counts.height > MAX_LEVELS:
        counts = counts.sort(["rows", "level"], descending=[True, False]).head(MAX_LEVELS)
    levels = counts["level"].to_list()
    return tuple(scale_order(levels) or natural_order(levels))
