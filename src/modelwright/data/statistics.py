"""Column statistics, for the schema, the profile and drift monitoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Kind
from modelwright.data.typed_column import TypedColumn

__all__ = ["QUANTILES", "column_statistics"]

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""The levels of the entry ``quantiles`` of a numeric column."""

TOP_LEVELS = 20
EXAMPLES = 5
_SAMPLE = 100_000
_BLOCK = 1 << 22


def column_statistics(columns: Mapping[str, TypedColumn]) -> dict[str, dict[str, Any]]:
    """The statistics of every column, JSON-able.

    All have ``rows``, ``missing``, ``distinct``, ``examples``. Numeric columns add ``minimum``, ``maximum``,
    ``mean``, ``std``, ``quantiles`` (at `QUANTILES`), ``integer``; dates ``minimum`` and ``maximum`` in ISO
    form; categories and booleans ``top`` (the most frequent levels with their rows); text ``mean_length``
    and ``mean_words``; lists ``top`` (items with their rows), ``mean_items`` and ``items`` (different ones);
    places ``minimum`` and ``maximum`` (latitude, longitude). Above 100,000 rows quantiles and distinct values
    of numbers come from an even sample (``approximate`` is true).
    """
    numeric = [
        name
        for name, column in columns.items()
        if column.kind is Kind.NUMERIC and column.values.dtype == pl.Float64
    ]
    found = _numeric_statistics([columns[name].values for name in numeric])
    result = dict(zip(numeric, found, strict=True))
    for name, column in columns.items():
        if name not in result:
            result[name] = _other_statistics(column)
    return {name: result[name] for name in columns}


def _numeric_statistics(series: Sequence[pl.Series]) -> list[dict[str, Any]]:
    """Sorting a block of columns at once gives every statistic, and is quick for 10,000 columns."""
    found: list[dict[str, Any]] = []
    if not series:
        return found
    width = max(1, _BLOCK // max(1, len(series[0])))
    for start in range(0, len(series), width):
        part = series[start : start + width]
        block = np.stack([column.to_numpy() for column in part]) if len(part[0]) else np.empty((len(part), 0))
        found.extend(_block_statistics(block))
    return found


def _block_statistics(block: NDArray[np.float64]) -> list[dict[str, Any]]:
    rows = block.shape[1]
    missing = np.isnan(block)
    filled = rows - missing.sum(axis=1)
    divisor = np.maximum(filled, 1)
    # Scaled first, so that the squares of very large values do not overflow.
    scale = np.maximum(np.nanmax(np.abs(block), axis=1, initial=0.0, where=~missing), 1e-300)[:, None]
    scaled = np.where(missing, 0.0, block / scale)
    mean = scaled.sum(axis=1) / divisor
    spread = np.sqrt((np.where(missing, 0.0, scaled - mean[:, None]) ** 2).sum(axis=1) / divisor)
    whole = np.all((block == np.floor(block)) | missing, axis=1)
    step = -(-rows // _SAMPLE) if rows > _SAMPLE else 1
    ordered = np.sort(block[:, ::step], axis=1)
    present = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    steps = np.diff(ordered, axis=1) > 0 if ordered.shape[1] else np.zeros((len(block), 0), dtype=bool)
    distinct = steps.sum(axis=1) + (present > 0)
    lowest = np.where(filled > 0, np.min(block, axis=1, initial=np.inf, where=~missing), np.nan)
    highest = np.where(filled > 0, np.max(block, axis=1, initial=-np.inf, where=~missing), np.nan)
    quantiles = _quantiles(ordered, present)
    quantiles[:, 0], quantiles[:, -1] = lowest, highest
    found = []
    for index in range(len(block)):
        record: dict[str, Any] = {
            "rows": rows,
            "missing": int(rows - filled[index]),
            "distinct": int(distinct[index]),
            "examples": _number_examples(block[index]),
        }
        if filled[index]:
            record |= {
                "minimum": float(lowest[index]),
                "maximum": float(highest[index]),
                "mean": float(mean[index] * scale[index, 0]),
                "std": float(spread[index] * scale[index, 0]),
                "quantiles": quantiles[index].tolist(),
                "integer": bool(whole[index]),
            }
            if step > 1:
                record["approximate"] = True
        found.append(record)
    return found


def _quantiles(ordered: NDArray[np.float64], present: NDArray[np.int64]) -> NDArray[np.float64]:
    """Quantiles of each sorted row, NaN last (type 7 of Hyndman and Fan, 1996: linear interpolation)."""
    if ordered.shape[1] == 0:
        return np.full((len(ordered), len(QUANTILES)), np.nan)
    last = np.maximum(present - 1, 0)[:, None]
    places = np.array(QUANTILES)[None, :] * last
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, last)
    part = places - below
    low, high = np.take_along_axis(ordered, below, 1), np.take_along_axis(ordered, above, 1)
    values: NDArray[np.float64] = low * (1 - part) + high * part
    return values


def _number_examples(row: NDArray[np.float64]) -> list[float]:
    """The first few distinct numbers."""
    head = row[:50]
    if np.isnan(head).all():
        head = row[~np.isnan(row)][:EXAMPLES]
    seen = dict.fromkeys(value for value in head.tolist() if value == value)
    return list(seen)[:EXAMPLES]


def _examples(column: pl.Series) -> list[Any]:
    """The first few distinct values."""
    head = [value for value in column.head(50).to_list() if value is not None]
    if not head and column.null_count() < len(column):
        head = column.drop_nulls().head(EXAMPLES).to_list()
    # Lists cannot be looked up in a dict.
    seen = dict.fromkeys(", ".join(map(str, value)) if isinstance(value, list) else value for value in head)
    return [_plain(value) for value in list(seen)[:EXAMPLES]]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= 80 else value[:77] + "..."
    return value if isinstance(value, (int, float, bool)) else str(value)


def _other_statistics(column: TypedColumn) -> dict[str, Any]:
    # Polars takes a name like ^a.*$ for a pattern, even in methods of a series that bears it.
    values = column.values.alias("values")
    missing = values.null_count()
    record: dict[str, Any] = {"rows": len(values), "missing": missing, "examples": _examples(values)}
    if missing == len(values):
        return {**record, "distinct": 0}
    if column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
        counts = _level_counts(values, column.levels)
        record["distinct"] = len(counts)
        record["top"] = [[level, rows] for level, rows in counts[:TOP_LEVELS]]
        return record
    if column.kind in (Kind.LIST, Kind.COORDINATES):
        return {**record, **_nested_statistics(column.kind, values.drop_nulls())}
    record["distinct"] = len(column.levels) if column.levels is not None else values.drop_nulls().n_unique()
    if column.kind is Kind.TEXT:
        present = values.drop_nulls()
        record["mean_length"] = float(present.str.len_chars().to_numpy().mean())
        record["mean_words"] = float(present.str.count_matches(r"\S+").to_numpy().mean())
    else:
        record["minimum"], record["maximum"] = _plain(values.min()), _plain(values.max())
    return record


def _nested_statistics(kind: Kind, present: pl.Series) -> dict[str, Any]:
    record: dict[str, Any] = {"distinct": present.n_unique()}
    if kind is Kind.COORDINATES:
        sides = [present.list.get(0), present.list.get(1)]
        record["minimum"] = [float(side.min()) for side in sides]  # type: ignore[arg-type]
        record["maximum"] = [float(side.max()) for side in sides]  # type: ignore[arg-type]
        return record
    items = present.list.unique().explode().drop_nulls()
    counts = _level_counts(items, None)
    record["mean_items"] = float(present.list.len().to_numpy().mean())
    record["items"] = len(counts)
    record["top"] = [[item, rows] for item, rows in counts[:TOP_LEVELS]]
    return record


def _level_counts(values: pl.Series, levels: Mapping[str, int] | None) -> list[tuple[str, int]]:
    """Levels with their rows, the most frequent first; the name decides ties, so that records repeat."""
    if levels is not None:
        return list(levels.items())
    rows = values.value_counts(name="__rows__").rows()
    named = [(str(level), int(count)) for level, count in rows if level is not None]
    return sorted(named, key=lambda row: (-row[1], row[0]))
