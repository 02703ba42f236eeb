"""Parquet files, told by their first bytes or their suffix."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import hash_file
from modelwright.data.files import translated_faults
from modelwright.data.frame_values import plain_frame
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["ParquetSource"]


class ParquetSource(Source):
    """Reads Parquet files with the types they declare; only the columns that matter are read."""

    extensions = (".parquet", ".pq")

    def recognises(self, head: bytes) -> bool:
        """Whether it begins like Parquet."""
        return head.startswith(b"PAR1")

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read a file; see `Source.read`."""
        path = Path(source)
        with translated_faults(path, "Parquet"):
            columns = None
            if wanted is not None:
                known = set(wanted)
                names = list(pl.read_parquet_schema(path))
                # By position, as polars takes some names for patterns; one column tells the rows.
                columns = [index for index, name in enumerate(names) if name in known] or [0][: len(names)]
            # No pattern in the path, no columns from its folders: both are said by what is given as source.
            frame = pl.read_parquet(path, columns=columns, glob=False, hive_partitioning=False)
            rows = frame.height
            frame = plain_frame(frame, wanted)
        digest = hash_file(path)
        return RawTable(frame, SourceInfo("parquet", str(path), digest, rows, frame.width), Caller("polars"))
