"""Parquet files, told by their first bytes or their suffix."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import DataError, hash_file
from modelwright.data.files import head_bytes
from modelwright.data.frame_values import plain_frame
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["ParquetSource"]


class ParquetSource(Source):
    """Reads Parquet files with the types they declare."""

    def accepts(self, source: object) -> bool:
        """Whether it is a path to a file that begins like Parquet or is named so."""
        return isinstance(source, Path) and (
            source.suffix.lower() in (".parquet", ".pq") or head_bytes(source, 4) == b"PAR1"
        )

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read a file; see `Source.read`."""
        path = Path(source)
        try:
            frame = pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(
                f"{str(path)!r} cannot be read as Parquet ({str(error).splitlines()[0]}). "
                "Write it again, or give a CSV file."
            ) from error
        info = SourceInfo("parquet", str(path), hash_file(path), frame.height, frame.width)
        return RawTable(plain_frame(frame, wanted), info, Caller("polars"))
