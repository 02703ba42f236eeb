"""The two forms of a table: as a source gave it, and typed with its schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from modelwright.core import Finding, Schema, to_jsonable

__all__ = ["Caller", "RawTable", "SourceInfo", "Table"]


@dataclass(frozen=True)
class Caller:
    """The kind of object the caller works with; predictions go back in the same kind.

    Attributes
    ----------
    kind : str
        ``"pandas"``, ``"polars"`` (also for files and queries), ``"pyarrow"`` or ``"numpy"``.
    index : object or None
        The index of a pandas frame.
    """

    kind: str
    index: Any = None


@dataclass(frozen=True)
class SourceInfo:
    """Where a table came from, for the record of a run.

    Attributes
    ----------
    kind : str
        ``"csv"``, ``"parquet"``, ``"sql"``, ``"pandas"``, ``"polars"``, ``"numpy"``, ``"records"`` ...
    location : str or None
        Absolute path of a file (with ``#SHEET`` for a sheet by name), of a folder or a pattern; the address
        of a database without its password; None for objects in memory.
    sha256 : str
        Of the bytes of a file; of the hashes of several files, in their order; of the columns (names,
        types, values) of an object in memory or a query's result. Empty for rows of these two that are only
        predicted: there it would cost more than the prediction.
    rows, columns : int
        Size as read.
    details : mapping
        Encoding, delimiter, compression ... JSON-able.
    """

    kind: str
    location: str | None
    sha256: str
    rows: int
    columns: int
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record: dict[str, Any] = to_jsonable(vars(self))
        return record


@dataclass(frozen=True)
class RawTable:
    """A table as its source gave it: all text from a CSV file, the frame's own types otherwise.

    Attributes
    ----------
    frame : polars.DataFrame
        Unique, non-empty column names; no nested types but lists of text or of floats.
    info : SourceInfo
        Where it came from.
    caller : Caller
        What the caller works with.
    findings : tuple of Finding
        What was noticed while reading.
    decimal_comma : bool
        Whether ``1,234`` is more likely 1.234 than 1234 in this source.
    levels : mapping of str to str
        Categories whose levels are not text: column name to ``"int"``, ``"float"`` or ``"bool"``.
    """

    frame: pl.DataFrame
    info: SourceInfo
    caller: Caller
    findings: tuple[Finding, ...] = ()
    decimal_comma: bool = False
    levels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A typed table. Every column of the source is there, in its order.

    Attributes
    ----------
    frame : polars.DataFrame
        One type per kind: ``Float64`` for numeric (``Int64`` for whole numbers beyond 2**53, which a
        float cannot hold), ``String`` for categorical and text, ``Boolean``, ``Datetime("us")`` without
        time zone (UTC where the source had one), ``List(String)`` for lists, ``List(Float64)`` of latitude
        and longitude for coordinates. Null where missing; never NaN or infinite.
    schema : Schema
        What each column is, and why.
    source : SourceInfo
        Where it came from.
    findings : tuple of Finding
        What was noticed while reading and typing.
    """

    frame: pl.DataFrame
    schema: Schema
    source: SourceInfo
    findings: tuple[Finding, ...] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.frame.height
