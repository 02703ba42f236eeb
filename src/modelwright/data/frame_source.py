"""Objects in memory: pandas, polars, pyarrow, what narwhals reads, dicts of lists, records, numpy arrays."""

from __future__ import annotations

import sys
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
    """Reads objects in memory; their types are respected. What is lazy is collected whole."""

    def accepts(self, source: object) -> bool:
        """Whether it is a table, or a dict, list or array that may be one."""
        if isinstance(source, (str, Path)):
            return False
        return (
            isinstance(source, (pl.DataFrame, pl.LazyFrame, np.ndarray, Mapping))
            or _is_records(source)
            or is_pandas_frame(source)
            or _is_arrow(source)
            or _narwhals_frame(source) is not None
        )

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
        source = _collected(source)
    if isinstance(source, pl.DataFrame):
        return "polars", Caller("polars"), plain_frame(source, wanted), source.height
    if isinstance(source, np.ndarray):
        return "numpy", Caller("numpy"), _from_numpy(source), len(source)
    if _is_arrow(source):
        frame = _from_arrow(source)
        return "pyarrow", Caller("pyarrow"), plain_frame(frame, wanted), frame.height
    kind, frame = _convert_other(source)
    return kind, Caller("polars"), plain_frame(frame, wanted), frame.height


def _convert_other(source: Any) -> tuple[str, pl.DataFrame]:
    if isinstance(source, Mapping):
        return "columns", _from_columns(source)
    if _is_records(source):
        names = list(dict.fromkeys(str(name) for item in source for name in item))
        return "records", _from_columns({name: [item.get(name) for item in source] for name in names})
    return type(source).__module__.partition(".")[0], _from_narwhals(source)


def _is_records(source: object) -> bool:
    if not isinstance(source, (list, tuple)) or not source:
        return False
    return all(isinstance(item, Mapping) for item in source)


def _is_arrow(source: object) -> bool:
    """Whether it is a pyarrow Table or RecordBatch (pyarrow is not imported to find out)."""
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(source, (pyarrow.Table, pyarrow.RecordBatch))


def _from_arrow(source: Any) -> pl.DataFrame:
    """The columns, mostly without copying them; one that polars cannot hold is named."""
    names = [str(name) for name in source.schema.names]
    refuse_duplicates(names)
    series = []
    for position, name in enumerate(names):
        try:
            found = pl.from_arrow(source.column(position))
        except BaseException as error:
            # Polars panics at some types, which is no Exception.
            panicked = type(error).__name__ == "PanicException"
            if not panicked and not isinstance(error, (pl.exceptions.PolarsError, TypeError, ValueError)):
                raise
            raise DataError(
                f"The column {name!r} has the Arrow type {source.schema.types[position]}, which cannot be "
                "read. Cast it to numbers, text, booleans or dates, or leave it out."
            ) from error
        series.append(pl.Series(name, found))
    return pl.DataFrame(series)


def _collected(lazy: pl.LazyFrame) -> pl.DataFrame:
    try:
        return lazy.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"The lazy frame cannot be collected ({said}). Correct its query or files."
        ) from error


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


def _narwhals_frame(source: object) -> Any:
    """The object as narwhals sees it, or None if that is no frame."""
    import narwhals

    found = narwhals.from_native(source, pass_through=True)
    return found if isinstance(found, (narwhals.DataFrame, narwhals.LazyFrame)) else None


def _from_narwhals(source: Any) -> pl.DataFrame:
    import narwhals

    try:
        frame = _narwhals_frame(source)
        if isinstance(frame, narwhals.LazyFrame):
            frame = frame.collect(backend="polars")
        refuse_duplicates([str(name) for name in frame.columns])
        found: pl.DataFrame = frame.to_polars()
    except DataError:
        raise
    except Exception as error:  # whatever library the frame is of
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"The {type(source).__module__}.{type(source).__name__} cannot be read ({said}). Turn it into a "
            "pandas or polars DataFrame first."
        ) from error
    return found
