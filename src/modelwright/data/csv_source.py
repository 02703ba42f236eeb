"""CSV files: delimited text, perhaps compressed, in whatever encoding and dialect."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import DataError
from modelwright.data.csv_dialect import Dialect, read_records, record_shape, sniff_dialect, unclosed_quote
from modelwright.data.csv_text import decode_text, decompress
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["CsvSource", "column_names"]


class CsvSource(Source):
    """Reads ``.csv``, ``.tsv``, ``.txt``, plain or as ``.gz`` or ``.zst``.

    It is also given the files that no source knows, and looks whether they are text. Every column comes as
    text: typing is done once, by the rules of this package, and at predict time by the schema of training.
    """

    extensions = (".csv", ".tsv", ".tab", ".psv", ".txt")

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read a file; see `Source.read`."""
        path = Path(source)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        data, compression = decompress(content, path)
        text = decode_text(data, path)
        if not text.data.strip():
            raise DataError(f"The file {str(path)!r} is empty. Expected a header line and rows.")
        body = text.data.lstrip(b"\r\n")
        dialect = sniff_dialect(body)
        blank_lines = text.data[: len(text.data) - len(body)].count(b"\n")
        frame = _read_frame(body, dialect, path, blank_lines)
        details = {
            "compression": compression,
            "encoding": text.encoding,
            "delimiter": dialect.delimiter,
            "header": dialect.header is not None,
            "line_end": "\\r" if text.bare_returns else "\\r\\n" if b"\r\n" in body[:65536] else "\\n",
        }
        info = SourceInfo("csv", str(path), digest, frame.height, frame.width, details)
        if wanted is not None:
            known = set(wanted)  # columns themselves, as polars takes some names for patterns
            frame = pl.DataFrame([series for series in frame.get_columns() if series.name in known])
        return RawTable(frame, info, Caller("polars"), decimal_comma=dialect.delimiter in ";\t|")


def _read_frame(body: bytes, dialect: Dialect, path: Path, skipped: int) -> pl.DataFrame:
    """All columns as strings, blank lines left out, ragged records refused (skipped: lines before body)."""
    shape = record_shape(body, dialect.delimiter, dialect.quoted)
    if shape.open_quote:
        line = unclosed_quote(body, dialect.delimiter)
        if line is not None:
            raise DataError(
                f"A quote in the record that begins on line {line + skipped} of {str(path)!r} is never "
                "closed. Close it, or double it if it belongs to the text."
            )
    width = len(dialect.header) if dialect.header is not None else int(shape.widths[0])
    names = column_names(dialect.header or [f"c{index}" for index in range(width)], str(path))
    # An empty line in a file of one column is a missing value; in a wider one it is nothing.
    blank = shape.blank if width > 1 else np.zeros_like(shape.blank)
    if dialect.spaced or shape.open_quote or not np.all((shape.widths == width) | blank):
        return _read_slowly(body, dialect, names, path, skipped)
    try:
        frame = pl.read_csv(
            body,
            separator=dialect.delimiter,
            quote_char='"' if dialect.quoted else None,
            has_header=dialect.header is not None,
            infer_schema=False,
        )
    except (pl.exceptions.PolarsError, ValueError):
        return _read_slowly(body, dialect, names, path, skipped)
    offset = 0 if dialect.header is None else 1
    if frame.width != width or frame.height != len(shape.widths) - offset:
        return _read_slowly(body, dialect, names, path, skipped)
    frame.columns = names
    if blank.any():
        frame = frame.filter(pl.Series(~blank[offset:]))
    return frame


def _read_slowly(body: bytes, dialect: Dialect, names: list[str], path: Path, skipped: int) -> pl.DataFrame:
    """Read record by record, which tolerates stray quotes, and name the line of the first ragged one."""
    width = len(names)
    rows: list[list[str]] = []
    for line, record in read_records(body, dialect.delimiter, dialect.quoted, dialect.spaced):
        if not record and width > 1:
            continue
        if width == 1 and not record:
            record = [""]
        if len(record) != width:
            raise DataError(
                f"Line {line + skipped} of {str(path)!r} has {len(record)} fields, but the "
                f"{'first line' if dialect.header is None else 'header'} has {width} (delimiter "
                f"{dialect.delimiter!r}). Correct that line, or quote fields that hold the delimiter."
            )
        rows.append(record)
    if dialect.header is not None:
        rows = rows[1:]
    columns = list(zip(*rows, strict=True)) if rows else [()] * width
    return pl.DataFrame(
        [pl.Series(name, values, pl.String) for name, values in zip(names, columns, strict=True)]
    )


def column_names(header: Collection[str], place: str) -> list[str]:
    """Unique names: an empty one becomes ``column_N``, one that stands twice is an error.

    Examples
    --------
    >>> column_names(["a", "", "b"], "table.csv")
    ['a', 'column_1', 'b']
    """
    counts = Counter(name for name in header if name)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(
            f"{place!r} has more than one column named "
            f"{', '.join(repr(name) for name in twice[:5])}. Give each column its own name."
        )
    names = []
    for position, name in enumerate(header):
        fresh = name or f"column_{position}"
        while not name and fresh in counts:
            fresh += "_"
        names.append(fresh)
    return names
