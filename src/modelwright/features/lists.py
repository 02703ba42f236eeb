"""Cells that hold several values: which of the frequent items are in, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.state import damaged, read_mapping, read_texts
from modelwright.features.transformer import Transformer, pick_lists

__all__ = ["ListTransformer"]

MAX_ITEMS = 64
"""The most frequent items of a column that get a view column of their own."""

MIN_ROWS = 2
"""Rows that an item needs to be kept: from one row nothing can be learned."""

_TYPES: tuple[type[pl.DataType], ...] = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True)
class ListTransformer(Transformer):
    """Lists of items as one flag for each frequent item, and the number of items.

    An item counts once however often it stands in the cell. An empty list is all zeros; a missing one is
    NaN. Missing items inside a list are passed over.

    Examples
    --------
    >>> frame = pl.DataFrame({"tags": [["new", "red"], ["red"], [], None]})
    >>> transformer = ListTransformer.fit(frame, ["tags"])
    >>> [feature.name for feature in transformer.features]
    ['tags.items', 'tags=red']
    >>> out = np.empty((4, 2), np.float32)
    >>> transformer.transform(frame, out)
    >>> out.tolist()
    [[2.0, 1.0], [1.0, 1.0], [0.0, 0.0], [nan, nan]]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    columns: tuple[str, ...]
    items: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Count the rows that have each item and keep the most frequent."""
        items: dict[str, tuple[str, ...]] = {}
        for name, series in zip(columns, pick_lists(frame, columns, _TYPES, "list"), strict=True):
            exploded = _exploded(series)
            rows = exploded.group_by("item").len("rows").filter(pl.col("rows") >= MIN_ROWS)
            kept = rows.sort(["rows", "item"], descending=[True, False]).head(MAX_ITEMS)
            items[name] = tuple(sorted(kept["item"].to_list()))
        return cls(tuple(columns), items)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """The number of items, then a flag for each item, for each column."""
        return tuple(
            feature
            for name in self.columns
            for feature in (
                FeatureInfo(f"{name}.items", name, "items"),
                *(FeatureInfo(f"{name}={item}", name, "item") for item in self.items[name]),
            )
        )

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32."""
        start = 0
        for name, series in zip(self.columns, pick_lists(frame, self.columns, _TYPES, "list"), strict=True):
            place = {item: position for position, item in enumerate(self.items[name], 1)}
            part = out[:, start : start + 1 + len(place)]
            part[:] = 0.0
            exploded = _exploded(series)
            rows = exploded["row"].to_numpy()
            part[:, 0] = np.bincount(rows, minlength=frame.height)
            if place:
                columns = exploded["item"].replace_strict(
                    list(place), list(place.values()), default=0, return_dtype=pl.Int64
                )
                positions = columns.to_numpy()
                known = positions > 0
                part[rows[known], positions[known]] = 1.0
            part[series.is_null().to_numpy()] = np.nan
            start += part.shape[1]

    def to_dict(self) -> dict[str, Any]:
        """The kept items of each column."""
        return {
            "columns": list(self.columns),
            "items": {name: list(kept) for name, kept in self.items.items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        items = read_mapping(record, "items")
        if set(items) != set(columns):
            raise damaged("'items'", "about exactly the columns", sorted(items))
        return cls(columns, {name: read_texts(items, name, longest=MAX_ITEMS) for name in columns})


def _exploded(series: pl.Series) -> pl.DataFrame:
    """The distinct items of each row, as a frame of row numbers and items."""
    if series.dtype == pl.Null:
        series = series.cast(pl.List(pl.String))
    frame = pl.DataFrame([series.cast(pl.List(pl.String)).alias("item")]).with_row_index("row")
    found = frame.explode("item").filter(pl.col("item").is_not_null())
    return found.with_columns(pl.col("row").cast(pl.Int64)).unique(["row", "item"])
