"""How a CSV file is written: delimiter, quoting, header; and how wide each of its records is.

The standard library's ``csv.Sniffer`` guesses from character frequencies and is fooled by free text and
decimal commas; here each candidate delimiter is tried, and the one wins under which the records are as
wide as the header.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dialect", "RecordShape", "read_records", "record_shape", "sniff_dialect", "unclosed_quote"]

DELIMITERS = (",", ";", "\t", "|")
_HEAD = 1 << 16
_CHUNK = 1 << 24
_NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")

# Free text may hold a field longer than the 128 KiB that the csv module allows by default.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes
    ----------
    delimiter : str
        One character.
    quoted : bool
        Whether double quotes enclose fields.
    spaced : bool
        Whether a space stands between a delimiter and the quote that follows it.
    header : tuple of str or None
        The fields of the first record, or None if it is data already.
    """

    delimiter: str
    quoted: bool
    spaced: bool
    header: tuple[str, ...] | None


@dataclass(frozen=True)
class RecordShape:
    """The shape of all records of a file, header included.

    Attributes
    ----------
    widths : int64 array
        Number of fields of each record.
    blank : bool array
        Which records are empty lines.
    open_quote : bool
        Whether the number of quotes is odd: one is stray, or is never closed.
    """

    widths: NDArray[np.int64]
    blank: NDArray[np.bool_]
    open_quote: bool


def read_records(data: bytes, delimiter: str, quoted: bool, spaced: bool) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV text, each with the number of the line on which it begins (from 1)."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    if quoted:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    begin = 1
    for record in reader:
        yield begin, record
        begin = reader.line_num + 1


def unclosed_quote(data: bytes, delimiter: str) -> int | None:
    """The line on which the record begins whose quote is never closed, or None if every quote is."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begin = 1
    try:
        for _ in reader:
            begin = reader.line_num + 1
    except csv.Error as error:
        return begin if "unexpected end of data" in str(error) else None
    return None


def _head(data: bytes) -> bytes:
    """Whole lines from the beginning, cut back so that no quoted field is left open."""
    if len(data) <= _HEAD:
        return data
    size = _HEAD
    while True:
        end = data.rfind(b"\n", 0, size) + 1
        if end > 0 or size >= len(data):
            return data[:end] if end else data
        size *= 4


def _is_quoted(data: bytes, delimiter: str) -> bool:
    """Whether some field begins with a double quote (others hold a stray one, like 5" in inches)."""
    if b'"' not in data:
        return False
    pattern = rb"(?:^|[\n\r]|" + re.escape(delimiter.encode()) + rb') *"'
    return re.search(pattern, data) is not None


def sniff_dialect(data: bytes) -> Dialect:
    r"""Find how a CSV text is written.

    Parameters
    ----------
    data : bytes
        UTF-8 text.

    Examples
    --------
    >>> sniff_dialect(b"a;b\n1,5;2\n").delimiter
    ';'
    >>> sniff_dialect(b"1,2\n3,4\n").header is None
    True
    """
    head = _head(data)
    best: tuple[float, int] = (0.0, 0)
    delimiter, records = ",", [record for _, record in read_records(head, ",", _is_quoted(head, ","), False)]
    for candidate in DELIMITERS:
        found = [record for _, record in read_records(head, candidate, _is_quoted(head, candidate), False)]
        found = [record for record in found if record]
        if len(head) < len(data):
            found = found[:-1] or found
        if not found or len(found[0]) < 2:
            continue
        width = len(found[0])
        agreeing = sum(len(record) == width for record in found) / len(found)
        if (round(agreeing, 2), width) > best:
            best, delimiter, records = (round(agreeing, 2), width), candidate, found
    quoted = _is_quoted(data, delimiter)
    spaced = quoted and re.search(re.escape(delimiter.encode()) + rb' +"', head) is not None
    if spaced:
        records = [record for _, record in read_records(head, delimiter, quoted, spaced)]
    records = [record for record in records if record]
    header = tuple(name.strip() for name in records[0]) if records else ()
    return Dialect(delimiter, quoted, spaced, header if _has_header(records) else None)


def _has_header(records: list[list[str]]) -> bool:
    """False only if the first record is all numbers, like every other, and is not a count of columns."""
    if len(records) < 2:
        return True
    first = records[0]
    if not all(_NUMBER.fullmatch(field) for field in first):
        return True
    rest = [field for record in records[1:200] for field in record if field.strip()]
    if not rest or not all(_NUMBER.fullmatch(field) for field in rest):
        return True
    try:
        numbers = [int(field) for field in first]
    except ValueError:
        return False
    # A frame without column names is written with the header 0,1,2,...; years come as 2019,2020,2021.
    counting = all(after - before == 1 for before, after in pairwise(numbers))
    start = numbers[0]
    long_enough = len(numbers) > (3 if start == 1 else 2)
    return counting and long_enough and (start in (0, 1) or 1900 <= start <= 2100)


def record_shape(data: bytes, delimiter: str, quoted: bool) -> RecordShape:
    """The width of every record, by counting delimiters outside of quotes.

    A quote toggles, so that a doubled quote inside a field toggles twice. That goes wrong only for stray
    quotes in unquoted fields, which show as a wrong width and are then read record by record.
    """
    widths: list[NDArray[np.int64]] = []
    blanks: list[NDArray[np.bool_]] = []
    parity, before, last_end = 0, 0, -1
    text = data if data.endswith(b"\n") else data + b"\n"
    for start in range(0, len(text), _CHUNK):
        chunk = np.frombuffer(text, np.uint8, min(_CHUNK, len(text) - start), start)
        separators, newlines = chunk == ord(delimiter), chunk == 10
        if quoted:
            # uint8 wraps at 256, which keeps the parity.
            inside = (np.cumsum(chunk == 34, dtype=np.uint8) + np.uint8(parity)) & 1
            parity = int(inside[-1])
            outside = inside == 0
            separators &= outside
            newlines &= outside
        ends = np.flatnonzero(newlines)
        seen = before + np.searchsorted(np.flatnonzero(separators), ends)
        before += int(np.count_nonzero(separators))
        widths.append(seen.astype(np.int64))
        lengths = np.diff(ends + start, prepend=last_end) - 1
        returns = chunk[np.maximum(ends - 1, 0)] == 13
        blanks.append((lengths == 0) | ((lengths == 1) & returns))
        if ends.size:
            last_end = int(ends[-1]) + start
    totals = np.concatenate([np.zeros(1, np.int64), *widths])
    return RecordShape((totals[1:] - totals[:-1] + 1).astype(np.int64), np.concatenate(blanks), parity == 1)
