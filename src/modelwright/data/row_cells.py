"""Single cells in the type of training: the usual ones in plain Python, all others as columns of one row.

A polars column of one value costs a hundred times what the value does. What is read here without one is
read exactly as `conform` would read it; whatever is not certain to be the usual case goes that way.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from modelwright.core import Column, Finding, Kind
from modelwright.data.conform import conform_told
from modelwright.data.date_format import EARLIEST, LATEST
from modelwright.data.frame_values import series_of_objects
from modelwright.data.known_levels import folded_levels
from modelwright.data.number_format import NumberFormat
from modelwright.data.spellings import spelling_key
from modelwright.data.tokens import MISSING
from modelwright.data.typed_column import SPACE

__all__ = ["CellReader"]

_MOST_KNOWN = 4_096
"""Cells of a column whose values are remembered; then all are forgotten."""

_LONGEST_KNOWN = 256
"""Characters of a text that is remembered."""

_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
"""Numbers that Python and polars are certain to read alike."""

_WHOLE = 2**53
"""Beyond this a whole number is not a float."""

_DATES = {
    "%Y-%m-%d": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "%Y-%m-%d %H:%M": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} (?:[01][0-9]|2[0-3]):[0-9]{2}"),
    "%Y-%m-%d %H:%M:%S": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} (?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"),
}
"""Formats of training that are read without polars, and how a text in them looks."""

_SCALARS = (np.number, np.bool_, np.str_)
_REMEMBERED = frozenset({str, int, float, bool})
_MISS = object()
_Told = tuple[Finding, ...]


class CellReader:
    """Reads cells of one column; what it says of a cell depends on that cell alone.

    Parameters
    ----------
    column : Column
        Of the schema of training.

    Examples
    --------
    >>> reader = CellReader(Column("age", Kind.NUMERIC, nullable=True))
    >>> [reader.read(cell)[0] for cell in (7, "7.5", None, "NA", "1e1")]
    [7.0, 7.5, None, None, 10.0]
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self._known: dict[tuple[type, Any], tuple[Any, _Told]] = {}
        self._quick = {
            Kind.NUMERIC: self._number,
            Kind.BOOLEAN: self._flag,
            Kind.DATETIME: self._date,
            Kind.CATEGORICAL: self._word,
            Kind.TEXT: self._word,
        }.get(column.kind, self._nothing)
        parsing = column.parsing
        odd = ("dtype", "sentinels", "duration", "factors")
        self._plain_number = NumberFormat.from_dict(parsing).is_plain and not any(map(parsing.get, odd))
        self._plain_word = not any(map(parsing.get, ("prefix", "merged", "levels")))
        self._levels = frozenset(parsing.get("known", ())) if parsing.get("folds") else frozenset()
        self._bare = "declared" in parsing
        self._missing = set(parsing.get("missing", ())) | (frozenset() if self._bare else MISSING)
        self._missing -= set(parsing.get("kept", ()))
        formats = parsing.get("formats", ())
        self._form = None if parsing.get("epoch") or not formats else _DATES.get(formats[0])

    def read(self, value: Any) -> tuple[Any, _Told]:
        """The cell as a float, int, str, bool, naive datetime or list, None where it is missing.

        Returns
        -------
        value
        findings : tuple of Finding
            What has to be told about it.

        Raises
        ------
        SchemaMismatch
            If it cannot be read, and the column had no missing value in training.
        """
        if isinstance(value, _SCALARS):
            value = value.item()
        if value is None or (type(value) is float and math.isnan(value)):
            return None, ()
        found = self._quick(value)
        if found is not _MISS:
            return found, ()
        kind = type(value)
        if kind not in _REMEMBERED or (kind is str and len(value) > _LONGEST_KNOWN):
            return self._general(value)
        told = self._known.get((kind, value))
        if told is None:
            told = self._general(value)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[kind, value] = told
        return told

    def _general(self, value: Any) -> tuple[Any, _Told]:
        """As a column of one row."""
        values, findings = conform_told(series_of_objects(self.column.name, [value]), self.column)
        return values.to_list()[0], tuple(findings)

    def _number(self, value: Any) -> Any:
        kind = type(value)
        if not self._plain_number:
            return _MISS
        if kind is float:
            return value if math.isfinite(value) else _MISS
        if kind is int:
            return float(value) if -_WHOLE <= value <= _WHOLE else _MISS
        if kind is str and _NUMBER.fullmatch(value):
            return float(value)
        return _MISS

    def _flag(self, value: Any) -> Any:
        return value if type(value) is bool else _MISS

    def _word(self, value: Any) -> Any:
        if type(value) is not str or not self._plain_word:
            return _MISS
        word = value if self._bare else value.strip(SPACE)
        if word in self._missing:
            return None
        if not self._levels or word in self._levels:
            return word
        return self._spelled.get(spelling_key(word), word)

    @cached_property
    def _spelled(self) -> dict[str, str]:
        return folded_levels(self.column)

    def _date(self, value: Any) -> Any:
        kind = type(value)
        if kind is datetime:
            return value if value.tzinfo is None and not value.fold else _MISS
        if kind is str and self._form is not None and self._form.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return _MISS
            return moment if EARLIEST <= moment.year <= LATEST else _MISS
        return _MISS

    def _nothing(self, value: Any) -> Any:
        return _MISS
