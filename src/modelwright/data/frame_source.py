"""Objects in memory: pandas, polars, anything narwhals reads, dicts of lists, records, numpy arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import DataError
from modelwright.data.frame_values import hash_frame, plain_frame, refuse_duplicates, series_of_objects
from modelwright.data.pandas_frame import category_types, from_array, from_pandas, is_pandas_frame
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["FrameSource"]


class FrameSource(Source):
    """Reads objects in memory; their types are respected."""

    def accepts(self, source: object) -> bool:
        """Whether it is not a path: whatever else it is, the error comes from here."""
        return not isinstance(source, Path)

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read an object; see `Source.read`."""
        kind, caller, frame, rows = _convert(source, wanted)
        digest = hash_frame(frame) if wanted is None else ""
        info = SourceInfo(kind, None, digest, rows, frame.width)
        levels = category_types(source) if kind == "pandas" and wanted is None else {}
        return RawTable(frame, info, caller, levels=levels)


def _convert(source: Any, wanted: Collection[str] | None) -> tuple[str, Caller, pl.DataFrame, int]:
    """The kind of object, what goes back to its owner, its columns, and its rows.

    The rows are told apart because a frame without any wanted column would forget them.
    """
    if is_pandas_frame(source):
        return "pandas", Caller("pandas", source.index), from_pandas(source, wanted), len(source)
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if isinstance(source, pl.DataFrame):
        return "polars", Caller("polars"), plain_frame(source, wanted), source.height
    if isinstance(source, np.ndarray):
        return "numpy", Caller("numpy"), _from_numpy(source), len(source)
    kind, frame = _convert_other(source)
    return kind, Caller("polars"), plain_frame(frame, wanted), frame.height


def _convert_other(source: Any) -> tuple[str, pl.DataFrame]:
    if isinstance(source, Mapping):
        return "columns", _from_columns(source)
    if isinstance(source, (list, tuple)) and source and all(isinstance(item, Mapping) for item in source):
        names = list(dict.fromkeys(str(name) for item in source for name in item))
        return "records", _from_columns({name: [item.get(name) for item in source] for name in names})
    return _from_narwhals(source)


def _from_numpy(array: np.ndarray[Any, np.dtype[Any]]) -> pl.DataFrame:
    if array.dtype.names is not None and array.ndim == 1:
        return pl.DataFrame([from_array(name, array[name]) for name in array.dtype.names])
    if array.ndim != 2:
        raise DataError(
            f"Expected an array of two dimensions (rows, columns), but it has the shape {array.shape}. "
            "Use array.reshape(-1, 1) for one column."
        )
    return pl.DataFrame([from_array(f"c{index}", array[:, index]) for index in range(array.shape[1])])


def _from_columns(columns: Mapping[Any, Any]) -> pl.DataFrame:
    if not columns:
        raise DataError("Expected a dict of column name to values, but it is empty.")
    names = [str(name) for name in columns]
    refuse_duplicates(names)
    series = []
    for name, values in zip(names, columns.values(), strict=True):
        if isinstance(values, np.ndarray) and values.ndim == 1:
            series.append(from_array(name, values))
        elif isinstance(values, pl.Series):
            series.append(values.alias(name))
        elif isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
            raise DataError(
                f"Expected a list of values for the column {name!r}, but it came as "
                f"{type(values).__name__}. For one row, put each value into a list."
            )
        else:
            series.append(series_of_objects(name, list(values)))
    lengths = {item.name: len(item) for item in series}
    if len(set(lengths.values())) > 1:
        raise DataError(f"The columns have different lengths: {lengths}. Every column needs the same.")
    return pl.DataFrame(series)


def _from_narwhals(source: Any) -> tuple[str, pl.DataFrame]:
    import narwhals

    try:
        frame = narwhals.from_native(source)
        if isinstance(frame, narwhals.LazyFrame):
            frame = frame.collect()
        native = frame.to_polars()
    except (TypeError, AttributeError) as error:
        raise DataError(
            "Expected a path, a pandas or polars DataFrame, a dict of lists, a list of records or a "
            f"two-dimensional numpy array, but it came as {type(source).__name__}."
        ) from error
    return type(source).__module__.partition(".")[0], native
