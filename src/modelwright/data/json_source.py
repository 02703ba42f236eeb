"""JSON: a record a line, or an array of records."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from modelwright.core import DataError
from modelwright.data.csv_text import decode_text, decompress
from modelwright.data.frame_values import plain_frame, series_of_objects
from modelwright.data.source import Source
from modelwright.data.table import Caller, RawTable, SourceInfo

__all__ = ["JsonSource"]


class JsonSource(Source):
    """Reads ``.jsonl``, ``.ndjson`` and ``.json``, plain or as ``.gz`` or ``.zst``.

    A file holds one flat object a line, or one array of them. Numbers, booleans and text keep their
    types; a column of several is text. A value may be a list of plain values, but no object.
    """

    extensions = (".jsonl", ".ndjson", ".json")

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        """Read a file; see `Source.read`."""
        path = Path(source)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        content, compression = decompress(content, path)
        text = decode_text(content, path, "a JSON file")
        begin = re.search(rb"[^ \t\r\n]", text.data)
        if begin is None:
            raise DataError(f"The file {str(path)!r} is empty. Expected one JSON object a line.")
        layout = "array" if begin[0] == b"[" else "lines"
        frame = _read_quickly(text.data, layout)
        if frame is None:
            records = _array(text.data, path) if layout == "array" else _lines(text.data, path)
            frame = _from_records(records, path, layout)
        if not frame.width:
            raise DataError(f"{str(path)!r} holds no values. Expected one JSON object a line.")
        rows = frame.height
        frame = plain_frame(frame, wanted)
        details = {"compression": compression, "encoding": text.encoding, "layout": layout}
        info = SourceInfo("json", str(path), digest, rows, frame.width, details)
        return RawTable(frame, info, Caller("polars"))


def _read_quickly(data: bytes, layout: str) -> pl.DataFrame | None:
    """The frame as polars reads it, or None if a record has to be looked at more closely."""
    try:
        if layout == "array":
            frame = pl.read_json(data, infer_schema_length=None)
        else:
            frame = pl.read_ndjson(data, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return None
    for series in frame.get_columns():
        kind = series.dtype
        if kind.is_nested() and (not isinstance(kind, pl.List) or kind.inner.is_nested()):
            return None
        if kind == pl.String and series.alias("").str.contains(r"^[\[{]").any():
            return None  # perhaps an object among texts
    return frame


def _lines(data: bytes, path: Path) -> list[tuple[int, Any]]:
    """The number and the record of each line that is not blank."""
    records = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            records.append((number, json.loads(line)))
        except (ValueError, RecursionError) as error:
            said = getattr(error, "msg", "it is nested too deeply")
            column = getattr(error, "colno", 1)
            raise DataError(
                f"Line {number} of {str(path)!r} is not a JSON object: {said} at column {column}. Expected "
                "one object a line, or one array of objects."
            ) from error
    return records


def _array(data: bytes, path: Path) -> list[tuple[int, Any]]:
    """The number and the record of each element of the array."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", "it is nested too deeply")
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise DataError(
            f"Line {line} of {str(path)!r} is not JSON: {said} at column {column}. Expected one array of "
            "objects, or one object a line."
        ) from error
    return list(enumerate(found, 1))


def _from_records(records: list[tuple[int, Any]], path: Path, layout: str) -> pl.DataFrame:
    what = "Record" if layout == "array" else "Line"
    names: dict[str, None] = {}
    for number, record in records:
        if not isinstance(record, dict):
            raise DataError(
                f"{what} {number} of {str(path)!r} is {_kind(record)}, but expected an object, such as "
                '{"name": "value"}.'
            )
        for name, value in record.items():
            inner = _nested(value, name)
            if inner is not None:
                raise DataError(
                    f"{what} {number} of {str(path)!r} holds {_kind(inner[1])} at {inner[0]!r}, but a cell "
                    "of a table holds a plain value. Give each inner value a column of its own."
                )
        names.update(dict.fromkeys(record))
    columns = []
    for name in names:
        try:
            columns.append(series_of_objects(name, [record.get(name) for _, record in records]))
        except UnicodeEncodeError as error:
            raise DataError(
                f"The column {name!a} of {str(path)!r} holds half a character (a lone surrogate), which is "
                "no text. Write the file again as UTF-8."
            ) from error
    return pl.DataFrame(columns)


def _nested(value: Any, path: str) -> tuple[str, Any] | None:
    """Where an object, or a list of more than plain values, stands in a cell; None in a plain one."""
    if isinstance(value, dict):
        return path, value
    if isinstance(value, list):
        for position, item in enumerate(value):
            if isinstance(item, (dict, list)):
                return f"{path}[{position}]", item
    return None


def _kind(value: Any) -> str:
    words = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return words.get(type(value), "a number")
