"""Values of frames in memory as plain polars columns: no object, decimal or time-zone types."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
import math
import numbers
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import DataError
from modelwright.data.typed_column import lists_of_text

__all__ = [
    "hash_frame",
    "level_text",
    "plain_frame",
    "plain_series",
    "refuse_duplicates",
    "series_of_objects",
]

_INT64 = 2**63


def level_text(value: object) -> str:
    """The text of a category level: whole floats print like integers, so that 1, 1.0 and '1' are one.

    Examples
    --------
    >>> level_text(1.0), level_text(1), level_text("1"), level_text(True)
    ('1', '1', '1', 'True')
    """
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < _INT64 else str(number)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple, dict, set, frozenset, np.ndarray, pl.Series)):
        listed = list(value) if isinstance(value, (set, frozenset, pl.Series)) else value
        return json.dumps(listed, default=str, ensure_ascii=False)
    return str(value)


def _is_missing(value: object) -> bool:
    # NaT and pandas' NA are recognised without importing pandas: neither equals itself as true.
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return type(value).__name__ in ("NAType", "NaTType")


def series_of_objects(name: str, values: Sequence[Any]) -> pl.Series:
    """A column of Python objects as the narrowest plain type that holds them all.

    Booleans, numbers (integers, floats, decimals), dates and times, durations, lists stay what they are if
    all values are of that kind; a mixture becomes text, in which 1.0 prints as 1.
    """
    clean = [None if _is_missing(value) else value for value in values]
    present = [value for value in clean if value is not None]
    if not present:
        return pl.Series(name, [None] * len(clean), pl.Null)
    if all(isinstance(value, str) for value in present):
        return pl.Series(name, [None if value is None else str(value) for value in clean], pl.String)
    if all(isinstance(value, (bool, np.bool_)) for value in present):
        return pl.Series(name, [None if value is None else bool(value) for value in clean], pl.Boolean)
    flags = any(isinstance(value, (bool, np.bool_)) for value in present)
    if not flags and all(isinstance(value, (numbers.Integral, np.integer)) for value in present):
        if all(-_INT64 <= int(value) < _INT64 for value in present):
            return pl.Series(name, [None if value is None else int(value) for value in clean], pl.Int64)
        return pl.Series(name, [None if value is None else str(value) for value in clean], pl.String)
    if not flags and all(isinstance(value, (numbers.Real, decimal.Decimal)) for value in present):
        return pl.Series(name, [None if value is None else float(value) for value in clean], pl.Float64)
    if all(isinstance(value, (datetime.date, np.datetime64)) for value in present):
        return _moments(name, clean)
    if all(isinstance(value, (datetime.timedelta, np.timedelta64)) for value in present):
        seconds = [None if value is None else value / _second(value) for value in clean]
        return pl.Series(name, seconds, pl.Float64)
    if all(isinstance(value, (list, tuple, set, frozenset, np.ndarray)) for value in present):
        return _lists(name, clean)
    return pl.Series(name, [None if value is None else level_text(value) for value in clean], pl.String)


def _second(value: Any) -> Any:
    if isinstance(value, np.timedelta64):
        return np.timedelta64(1, "s")
    return datetime.timedelta(seconds=1)


def _lists(name: str, clean: list[Any]) -> pl.Series:
    """Lists as ``List(Float64)`` if all items are floats, as in pairs of coordinates, else as words."""
    lists = [
        None if cell is None else sorted(cell, key=str) if isinstance(cell, (set, frozenset)) else list(cell)
        for cell in clean
    ]
    items = [item for cell in lists if cell is not None for item in cell]
    if items and all(isinstance(item, (float, np.floating)) for item in items):
        return pl.Series(name, lists, pl.List(pl.Float64), strict=False)
    words = [
        None if cell is None else [level_text(item) for item in cell if not _is_missing(item)]
        for cell in lists
    ]
    return pl.Series(name, words, pl.List(pl.String))


def _moments(name: str, clean: list[Any]) -> pl.Series:
    moments: list[datetime.datetime | None] = []
    for value in clean:
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()
        if isinstance(value, datetime.datetime):
            if value.tzinfo is not None:
                value = value.astimezone(datetime.UTC).replace(tzinfo=None)
            # A pandas Timestamp is a datetime that also counts nanoseconds.
            value = value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
        elif isinstance(value, datetime.date):
            value = datetime.datetime(value.year, value.month, value.day)
        moments.append(value)
    return pl.Series(name, moments, pl.Datetime("us"))


def plain_series(series: pl.Series) -> pl.Series:
    """One polars column as a plain type.

    Int64, Float64, Boolean, String, Categorical, Datetime, Null, or lists of text or floats.
    """
    dtype = series.dtype
    if dtype in (pl.Int64, pl.Float64, pl.Boolean, pl.String, pl.Null):
        return series
    # A name like ^a.*$ is a pattern to polars, even in methods of a series that bears it.
    return _as_plain(series.alias("values")).alias(series.name)


def _as_plain(series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return series.cast(pl.String).cast(pl.Categorical)
    if dtype.is_integer():
        narrow = series.cast(pl.Int64, strict=False)
        return narrow if narrow.null_count() == series.null_count() else series.cast(pl.Float64)
    if dtype.is_float() or dtype.is_decimal():
        return series.cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return series.cast(pl.Datetime("us"))
    if dtype == pl.Date:
        return series.cast(pl.Datetime("us"))
    if isinstance(dtype, pl.Duration):
        return series.cast(pl.Duration("us")).cast(pl.Int64).cast(pl.Float64) / 1e6
    if isinstance(dtype, (pl.List, pl.Array)) and not isinstance(dtype.inner, (pl.List, pl.Array, pl.Struct)):
        if dtype.inner is not None and dtype.inner.is_float():
            return series.cast(pl.List(pl.Float64))
        if dtype.inner == pl.String or (dtype.inner is not None and dtype.inner.is_integer()):
            return lists_of_text(series.cast(pl.List(dtype.inner)))
    if dtype == pl.Time:
        return series.cast(pl.Int64).cast(pl.Float64) / 1e9
    return series_of_objects(series.name, series.to_list())


def plain_frame(frame: pl.DataFrame, wanted: Collection[str] | None = None) -> pl.DataFrame:
    """All columns (or the wanted ones that exist) as plain types."""
    if wanted is not None:
        known = set(wanted)
        # By position: polars takes a name like ^a.*$ for a pattern.
        frame = pl.DataFrame([series for series in frame.get_columns() if series.name in known])
    if any(not name for name in frame.columns):
        frame = frame.rename({"": _free_name(frame.columns)})
    return pl.DataFrame([plain_series(series) for series in frame.get_columns()])


def _free_name(names: Sequence[str]) -> str:
    fresh = f"column_{list(names).index('')}"
    while fresh in names:
        fresh += "_"
    return fresh


def hash_frame(frame: pl.DataFrame) -> str:
    """SHA-256 of names, types and values of a frame of plain columns; the same in every process.

    polars' own row hashes change between releases, so the bytes of the values are hashed instead.

    Examples
    --------
    >>> hash_frame(pl.DataFrame({"a": [1, 2]})) == hash_frame(pl.DataFrame({"a": [1, 2]}))
    True
    """
    digest = hashlib.sha256()
    for series in frame.get_columns():
        head = f"{len(series.name)}:{series.name}|{series.dtype.base_type().__name__}|{len(series)}|"
        digest.update(head.encode("utf-8", "replace"))
        # A name like ^a.*$ is a pattern to polars, even in methods of a series that bears it.
        series = series.alias("values")
        if series.null_count():
            digest.update(np.packbits(series.is_null().to_numpy()).tobytes())
        if series.dtype in (pl.String, pl.Categorical):
            text = series.cast(pl.String).fill_null("")
            digest.update(text.str.len_bytes().to_numpy().tobytes())
            digest.update("".join(text.to_list()).encode("utf-8", "replace"))
        elif series.dtype == pl.Float64:
            # Adding zero turns -0.0 into 0.0; nulls come as NaN, and every NaN gets the same bits.
            digest.update(np.where(np.isnan(array := series.to_numpy()), np.nan, array + 0.0).tobytes())
        elif isinstance(series.dtype, pl.List):
            digest.update(json.dumps(series.to_list(), ensure_ascii=False).encode("utf-8", "replace"))
        elif series.dtype != pl.Null:
            digest.update(series.to_physical().cast(pl.Int64).fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def refuse_duplicates(names: Sequence[str]) -> None:
    """Raise DataError if a column name stands twice."""
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(
            f"The frame has more than one column named {', '.join(map(repr, twice[:5]))}. "
            "Give each column its own name."
        )
