"""Where tables can come from: name -> module:object, asked in this order."""

from __future__ import annotations

from modelwright.core import Catalog

__all__ = ["SOURCES"]

SOURCES = Catalog(
    "source",
    {
        "frame": "modelwright.data.frame_source:FrameSource",
        "parquet": "modelwright.data.parquet_source:ParquetSource",
        "csv": "modelwright.data.csv_source:CsvSource",
    },
)
