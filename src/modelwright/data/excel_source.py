"""Sheets of workbooks: Excel (new and old) and OpenDocument."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import DataError, hash_file, hash_json, nearest, require
from modelwright.data.csv_source import column_names
from modelwright.data.files import translated_faults
from modelwright.data.frame_values import plain_frame
from modelwright.data.parts import Sheet
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["ExcelSource"]

_EXACT = 2.0**53


class ExcelSource(Source):
    """Reads ``.xlsx``, ``.xlsm``, ``.xlsb``, ``.xls`` and ``.ods``: the first sheet, or the one named.

    The first row that is not empty names the columns. Cells keep their types; a column of several types
    is text. Rows and columns without any value are left out, and so are error values such as ``#N/A``,
    which become missing. Needs the extra ``excel``.
    """

    extensions = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")

    def recognises(self, head: bytes) -> bool:
        """Whether it is a zip archive that begins like a workbook; an old ``.xls`` is told by its name."""
        inside = b"xl/" in head or b"application/vnd.oasis.opendocument.spreadsheet" in head[:200]
        return head.startswith(b"PK\x03\x04") and inside

    def accepts(self, source: object) -> bool:
        """Whether it is a workbook or one of its sheets."""
        return isinstance(source, Sheet) or super().accepts(source)

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read a sheet; see `Source.read`."""
        path = Path(source.path if isinstance(source, Sheet) else source)
        engine = require("fastexcel", "excel", "An Excel or OpenDocument workbook")
        logger = logging.getLogger("fastexcel")
        if not logger.handlers:  # it warns of every empty column, on stderr if nobody listens
            logger.addHandler(logging.NullHandler())
        with translated_faults(path, "a workbook", engine.FastExcelError):
            workbook = engine.read_excel(path)
            names = workbook.sheet_names
            sheet = source.name if isinstance(source, Sheet) else names[0] if names else ""
            if sheet not in names:
                raise DataError(
                    f"The workbook {str(path)!r} has no sheet {sheet!r}.{nearest(sheet, names)} "
                    f"It has: {', '.join(map(repr, names[:20])) or 'no sheets'}."
                )
            frame = _read_sheet(workbook, sheet, path)
        digest = hash_json([hash_file(path), sheet])
        rows, place = frame.height, str(path)
        frame = plain_frame(frame, wanted)
        if isinstance(source, Sheet):
            place = str(source)
        details = {"sheet": sheet, "sheets": names}
        info = SourceInfo("excel", place, digest, rows, frame.width, details)
        return RawTable(frame, info, Caller("polars"))


def _read_sheet(workbook: Any, sheet: str, path: Path) -> pl.DataFrame:
    top = workbook.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").to_polars()
    if not top.width or not top.height:
        raise DataError(f"The sheet {sheet!r} of {str(path)!r} is empty. Expected a header row and rows.")
    # A type must hold for every cell: all of them are looked at.
    frame = workbook.load_sheet(sheet, schema_sample_rows=None).to_polars()
    header = [(name or "").strip() for name in top.row(0)]
    columns = [
        (name, series)
        for name, series in zip(header, frame.get_columns(), strict=True)
        if name or series.null_count() < len(series)
    ]
    names = column_names([name for name, _ in columns], f"{path}#{sheet}")
    frame = pl.DataFrame([_whole(series).alias(name) for name, (_, series) in zip(names, columns)])
    if frame.width > 1 and frame.height:
        filled = pl.Series("", [False] * frame.height)
        for series in frame.get_columns():
            filled = filled | series.alias("").is_not_null()
        frame = frame.filter(filled)
    return frame


def _whole(series: pl.Series) -> pl.Series:
    """Whole numbers as such: Excel stores 1 and 1.0 alike."""
    plain = series.alias("")
    if plain.dtype != pl.Float64 or plain.null_count() == len(plain):
        return plain
    largest = plain.abs().max()
    fits = isinstance(largest, float) and largest < _EXACT and bool((plain == plain.floor()).all())
    return plain.cast(pl.Int64) if fits else plain
