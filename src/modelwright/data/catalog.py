"""Where tables can come from: name -> module:object; `find_source` says how one of them is found."""

from __future__ import annotations

from modelwright.core import Catalog

__all__ = ["SOURCES"]

SOURCES = Catalog(
    "source",
    {
        "parts": "modelwright.data.parts_source:PartsSource",
        "sql": "modelwright.data.sql_source:SqlSource",
        "frame": "modelwright.data.frame_source:FrameSource",
        "parquet": "modelwright.data.parquet_source:ParquetSource",
        "arrow": "modelwright.data.arrow_source:ArrowSource",
        "excel": "modelwright.data.excel_source:ExcelSource",
        "json": "modelwright.data.json_source:JsonSource",
        "csv": "modelwright.data.csv_source:CsvSource",
    },
)
