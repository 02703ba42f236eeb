"""Tables as they come: CSV and Parquet files, polars and pandas frames."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import DataError
from modelwright.data.csv_source import CsvSource
from modelwright.data.files import check_file, head_bytes
from modelwright.data.frame_values import plain_frame
from modelwright.data.pandas_frame import from_pandas, is_pandas_frame
from modelwright.data.parquet_source import ParquetSource
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["read_raw"]


def read_raw(source: Any, wanted: Collection[str] | None = None) -> RawTable:
    """Read a table without changing its values: all text from a CSV file.

    Parameters
    ----------
    source : path, polars or pandas data frame
    wanted : collection of str, optional
        The only columns that matter.

    Raises
    ------
    DataError
        If it is no such table.

    Examples
    --------
    >>> read_raw(pl.DataFrame({"a": [1], "b": [2]}), ["a"]).frame.columns
    ['a']
    """
    if isinstance(source, (str, Path)):
        path = check_file(Path(source))
        if head_bytes(path, 4) == b"PAR1":
            return ParquetSource().read(path, wanted)
        return CsvSource().read(path, wanted)
    if isinstance(source, pl.DataFrame):
        frame = plain_frame(source, wanted)
        return RawTable(frame, SourceInfo("polars", None, "", source.height, frame.width), Caller("polars"))
    if is_pandas_frame(source):
        frame = from_pandas(source, wanted)
        info = SourceInfo("pandas", None, "", len(source), frame.width)
        return RawTable(frame, info, Caller("pandas", source.index))
    raise DataError(
        f"Expected the path of a CSV or Parquet file, a polars or a pandas data frame, but it came as "
        f"{type(source).__name__}."
    )
