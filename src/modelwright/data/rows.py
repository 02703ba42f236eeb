"""One new row in the types of training, without a frame: for whoever predicts one row at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from modelwright.core import DataError, Finding, Kind, Schema
from modelwright.data.conform import absent_column, check_present, type_of
from modelwright.data.frame_values import plain_series
from modelwright.data.new_names import names_around
from modelwright.data.pandas_frame import from_pandas, is_pandas_frame, plain_row
from modelwright.data.row_cells import CellReader
from modelwright.data.table import Caller

__all__ = ["RowReader", "TypedRow", "single_row"]

_MOST_LAYOUTS = 64
"""Sets of names that are remembered with the columns that they stand for."""

_PLAIN = frozenset({pl.String, pl.Float64, pl.Int64, pl.Boolean, pl.Null})
"""Types of frames whose values in Python are read as they are."""

_NEARLY_PLAIN = frozenset(
    {pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32, pl.Float32, pl.Date, pl.Datetime}
)
"""Types that become plain ones whatever their value."""

_OF_LISTS = (Kind.LIST, Kind.COORDINATES)


@dataclass(frozen=True)
class TypedRow:
    """One row to predict, typed as in training.

    Attributes
    ----------
    values : mapping of str to object
        Column to float, int (wide whole numbers), str, bool, naive datetime or list; None where missing.
        The feature columns of the schema, in its order.
    findings : tuple of Finding
        Values that could not be read and became missing, columns that are absent.
    """

    values: dict[str, Any]
    findings: tuple[Finding, ...] = ()


class RowReader:
    """Reads single rows with the schema of training, exactly as `conform` reads a table of one row.

    Parameters
    ----------
    schema : Schema
        Of the training table.
    also : sequence of str
        Columns that are no features but are needed as well.

    Attributes
    ----------
    columns : tuple of Column
        That a row is read for.
    types : dict of str to polars.DataType
        Of each column in a frame.

    Examples
    --------
    >>> from modelwright.data.read import read_table
    >>> table = read_table({"zip": ["00123", "04567"] * 5, "age": ["1", "2"] * 5})
    >>> RowReader(table.schema).read({"age": 7, "zip": 123, "extra": "x"}).values
    {'zip': '00123', 'age': 7.0}
    """

    def __init__(self, schema: Schema, also: Sequence[str] = ()) -> None:
        self.columns = (*schema.features, *(schema[name] for name in also))
        self.types = {column.name: type_of(column) for column in self.columns}
        self._cells = [CellReader(column) for column in self.columns]
        self._layouts: dict[tuple[Any, ...], list[Any]] = {}

    def read(self, row: Mapping[Any, Any]) -> TypedRow:
        """The row in the types of training.

        Parameters
        ----------
        row : mapping
            Column to value. A column that had missing values in training may be absent; columns that
            training did not use are ignored.

        Raises
        ------
        SchemaMismatch
            If a required column is absent, or holds something else than in training.
        DataError
            If a column of single values holds a list.
        """
        keys = tuple(row)
        layout = self._layouts.get(keys)
        if layout is None:
            layout = self._layout(keys)
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[keys] = layout
        values: dict[str, Any] = {}
        findings: list[Finding] = []
        for column, cell, key in zip(self.columns, self._cells, layout, strict=True):
            if key is _ABSENT:
                values[column.name] = None
                findings.append(absent_column(column))
                continue
            value = row[key]
            if isinstance(value, (list, tuple, dict)) and column.kind not in _OF_LISTS:
                raise DataError(
                    f"Expected one value for the column {column.name!r} of a single row, but it came as "
                    f"{type(value).__name__}. For several rows, give a list for every column."
                )
            values[column.name], told = cell.read(value)
            if told:
                findings += told
        return TypedRow(values, tuple(findings))

    def _layout(self, keys: tuple[Any, ...]) -> list[Any]:
        """The key of each column among those of a row."""
        by_name = {str(key): key for key in keys}
        if len(by_name) < len(keys):
            names = [str(key) for key in keys]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DataError(
                f"The row has more than one column named {', '.join(map(repr, twice[:5]))}. "
                "Give each column its own name."
            )
        names = [column.name for column in self.columns]
        around = names_around(list(by_name), names)
        present = [name for name in names if name in by_name or name in around]
        check_present({name: [None] for name in by_name}, present, self.columns)
        return [by_name.get(around.get(name, name), _ABSENT) for name in names]


class _Absent:
    """Stands for a column that a row does not have."""


_ABSENT = _Absent()


def single_row(data: Any, used: Collection[str]) -> tuple[Mapping[Any, Any], Caller] | None:
    """The row of a dict of single values, a list of one dict, or a frame of one row; None for all else.

    A dict of lists (arrays, series) is a table of columns; a dict that holds at least one single value (a
    number, a text, a date, None) is one row.

    Parameters
    ----------
    data : object
        What is to be predicted.
    used : collection of str
        Columns that matter: a frame where one of them is of an unusual type is no case for here.

    Examples
    --------
    >>> single_row({"age": 7, "plan": "pro"}, ["age"])[0]
    {'age': 7, 'plan': 'pro'}
    >>> single_row({"age": [7], "plan": ["pro"]}, ["age"]) is None
    True
    """
    if isinstance(data, Mapping):
        return (data, Caller("polars")) if any(map(_is_single, data.values())) else None
    if isinstance(data, list):
        one = len(data) == 1 and isinstance(data[0], Mapping) and bool(data[0])
        return (data[0], Caller("polars")) if one else None
    if isinstance(data, pl.DataFrame):
        return _only(data, Caller("polars"), used) if data.height == 1 else None
    if is_pandas_frame(data) and len(data) == 1:
        bare = {name.strip() for name in used}
        wanted = {name for name in map(str, data.columns) if name.strip() in bare}
        caller, row = Caller("pandas", data.index), plain_row(data, wanted)
        return (row, caller) if row is not None else _only(from_pandas(data, wanted), caller, used)
    return None


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, bytes)) or not hasattr(value, "__len__")


def _only(frame: pl.DataFrame, caller: Caller, used: Collection[str]) -> tuple[dict[str, Any], Caller] | None:
    """The only row of a frame as plain values."""
    bare = {name.strip() for name in used}
    row: dict[str, Any] = {}
    for series in frame.get_columns():
        name, dtype, kind = series.name, series.dtype, series.dtype.base_type()
        if not name:
            return None
        row[name] = None
        if name.strip() not in bare:
            continue
        if kind in _PLAIN:
            row[name] = series.item()
        elif kind in _NEARLY_PLAIN and getattr(dtype, "time_zone", None) is None:
            row[name] = plain_series(series).item()
        else:
            return None
    return row, caller
