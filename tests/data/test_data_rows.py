"""A single row is read exactly as a table of one row is."""

from __future__ import annotations

import datetime
import decimal
import logging
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwright.core import BadInput, Column, DataError, Kind, Schema, SchemaMismatch
from modelwright.data import RowReader, conform, read_table, single_row
from modelwright.data.pandas_frame import from_pandas, plain_row
from modelwright.data.row_cells import CellReader

ROWS = 40


def _table() -> dict[str, list[Any]]:
    numbers = range(ROWS)
    return {
        "plain": [f"{n * 1.5}" for n in numbers],
        "holes": ["NA" if n % 5 == 0 else str(n) for n in numbers],
        "money": [f"${n},{n:03d}.50" for n in numbers],
        "share": [f"{n}%" for n in numbers],
        "comma": [f"{n},{n % 10}5" for n in numbers],
        "marked": [str(-999 if n % 4 == 0 else n) for n in numbers],
        "weight": [f"{n} kg" if n % 2 else f"{n * 1000} g" for n in numbers],
        "wide": [str(2**60 + n % 9) for n in numbers],
        "taken": [f"{n % 3}:0{n % 6}:10" for n in numbers],
        "zip": [f"0{n % 9:04d}" for n in numbers],
        "plan": [("basic", "Plus", "plus ", "pro", "?")[n % 5] for n in numbers],
        "yes": [("yes", "no")[n % 2] for n in numbers],
        "day": [f"2024-0{1 + n % 9}-1{n % 10}" for n in numbers],
        "moment": [f"2024-01-1{n % 10} 0{n % 10}:30:0{n % 10}" for n in numbers],
        "european": [f"2{n % 9}/0{1 + n % 9}/2020" for n in numbers],
        "month": [("Jan", "Feb", "Sept", "Oct")[n % 4] + f"-20{10 + n % 10}" for n in numbers],
        "tags": [("a|b", "b|c|d", "a|c", "d|a|b|c", "c")[n % 5] for n in numbers],
        "place": [f"{40 + n / 10}, {-70 - n / 10}" for n in numbers],
        "note": [f"{'some words' * (n % 3)} and number {n} of a longer text" for n in numbers],
    }


READY = read_table(_table(), overrides={"tags": "list"})
SCHEMA = READY.schema
READER = RowReader(SCHEMA)
NAMES = [column.name for column in READER.columns]

EXAMPLES = sorted({value for column in _table().values() for value in column})
SIGNS = st.sampled_from([*"0123456789.,-+eE%$ :/;T", "kg", "NA", " "])
TEXT = (
    st.sampled_from(EXAMPLES)
    | st.sampled_from(
        ["", " ", "NA", "nan", "None", "null", "?", "inf", "-inf", "1e400", "1_000", "TRUE", "No"]
    )
    | st.sampled_from(["2024-02-30", "2024-01-01T10:00", "2024-01-01 24:00:00", "0001-01-01", "20240131"])
    | st.lists(SIGNS, max_size=9).map("".join)
    | st.text(max_size=8)
)
CELL = (
    st.none()
    | TEXT
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.booleans()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    | st.dates()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.sampled_from(
        [np.float64(1.5), np.float32(0.1), np.int64(7), np.bool_(True), np.str_("plus"), pd.NA, pd.NaT]
    )
)
LISTS = st.lists(st.sampled_from(["a", "b", "z", 1, 2.0]), max_size=3)
PAIRS = st.lists(st.floats(-200, 200), min_size=1, max_size=3)


def outcome(read: Any) -> Any:
    try:
        return read()
    except BadInput as error:
        return type(error), str(error)


def equal(one: Any, other: Any) -> bool:
    # repr tells 1 from 1.0 and True, and -0.0 from 0.0
    return repr(one) == repr(other)


def test_the_table_has_columns_of_every_kind() -> None:
    kinds = {str(column.kind) for column in READER.columns}
    assert kinds >= {"numeric", "categorical", "boolean", "datetime", "list", "coordinates"}
    parsed = {key for column in READER.columns for key in column.parsing}
    assert parsed >= {"decimal", "thousands", "symbols", "sentinels", "formats", "dtype", "width", "folds"}


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(NAMES), CELL | LISTS | PAIRS)
@example("day", "2024-01-01 24:00:00")
@example("moment", "2024-01-01 24:00:00")
@example("plain", "-0")
def test_a_cell_is_read_as_a_column_of_one_row(name: str, cell: Any) -> None:
    column = SCHEMA[name]
    several = isinstance(cell, list)
    if several and str(column.kind) not in ("list", "coordinates"):
        return
    schema, row = Schema((column,)), {name: cell}
    expected = outcome(lambda: conform({name: [cell]}, schema))
    reader = RowReader(schema)
    for _ in range(2):  # what is remembered must be the same
        found = outcome(lambda: reader.read(row))
        if isinstance(expected, tuple):
            assert found == expected
        else:
            assert equal(found.values, expected.frame.row(0, named=True))
            assert found.findings == expected.findings


@pytest.mark.parametrize(
    "cell", ["Diesel", "DIESEL", "petrol.", "gas", " Diesel ", "NA", "", "\u00c9LAN", "oil "]
)
@pytest.mark.parametrize("kind", [Kind.CATEGORICAL, Kind.TEXT])
def test_spellings_of_a_cell_are_folded_as_those_of_a_column(kind: Kind, cell: str) -> None:
    known = ["Diesel", "Petrol", "\u00c9lan", "\u00e9lan"]
    for parsing in ({"folds": True, "known": known}, {"folds": True}, {"known": known}):
        reader = CellReader(Column("fuel", kind, nullable=True, parsing=parsing))
        assert reader.read(cell) == reader._general(cell)


def test_every_row_of_a_table_is_read_as_in_the_table() -> None:
    table = _table()
    whole = conform(table, SCHEMA).frame
    for position in range(ROWS):
        row = {name: values[position] for name, values in table.items()}
        assert equal(READER.read(row).values, whole.row(position, named=True))


def test_absent_columns_are_told_or_refused() -> None:
    row = {name: values[1] for name, values in _table().items()}
    nullable = [column.name for column in READER.columns if column.nullable]
    assert nullable
    for name in NAMES:
        less = {other: value for other, value in row.items() if other != name}
        table = {other: [value] for other, value in less.items()}
        expected, found = outcome(partial(conform, table, SCHEMA)), outcome(partial(READER.read, less))
        if name in nullable:
            assert found.values[name] is None
            assert found.findings == expected.findings
        else:
            assert found == expected
            assert found[0] is SchemaMismatch


def test_names_may_have_space_around_them_and_need_be_no_text() -> None:
    table = read_table({"1": [1.5, 2.5, 3.5] * 5, "b": ["x", "y", "z"] * 5})
    reader = RowReader(table.schema)
    assert reader.read({1: 7, " b ": "x"}).values == {"1": 7.0, "b": "x"}
    with pytest.raises(DataError, match="more than one column"):
        reader.read({1: 7, "1": 8, "b": "x"})


def test_a_column_of_single_values_takes_no_list() -> None:
    row: dict[str, Any] = {name: values[1] for name, values in _table().items()}
    with pytest.raises(DataError, match="Expected one value for the column 'plain'"):
        READER.read({**row, "plain": ["1.5", "2"]})


def test_what_one_row_is() -> None:
    row = {"a": 1, "b": "x"}
    used = ["a", "b"]
    assert single_row(row, used)[0] is row
    assert single_row([row], used)[0] is row
    assert single_row({"a": None}, used)[0] == {"a": None}
    assert single_row({"a": datetime.date(2024, 1, 1), "tags": ["x", "y"]}, used) is not None
    for table in ({"a": [1], "b": ["x"]}, {"a": np.array([1])}, {}, [], [row, row], [{}], "a.csv", 3):
        assert single_row(table, used) is None
    assert single_row(pl.DataFrame(row), used)[0] == row
    assert single_row(pl.DataFrame([row, row]), used) is None
    index = pd.Index(["here"])
    found, caller = single_row(pd.DataFrame([row], index=index), used)
    assert (found, caller.kind, caller.index.equals(index)) == (row, "pandas", True)


@pytest.mark.parametrize(
    "series",
    [
        pl.Series("a", [3], pl.Int8),
        pl.Series("a", [0.1], pl.Float32),
        pl.Series("a", [datetime.date(2024, 2, 3)]),
        pl.Series("a", [datetime.datetime(2024, 2, 3, 4)], pl.Datetime("ms")),
        pl.Series("a", [None], pl.String),
    ],
    ids=str,
)
def test_plain_types_of_frames_are_values(series: pl.Series) -> None:
    found = single_row(series.to_frame(), ["a"])
    assert found is not None
    expected = series.cast(pl.Datetime("us")) if series.dtype.is_temporal() else series
    assert found[0] == {"a": expected.item()}


@pytest.mark.parametrize(
    "series",
    [
        pl.Series("a", ["x"], pl.Categorical),
        pl.Series("a", [2**63], pl.UInt64),
        pl.Series("a", [decimal.Decimal("1.5")]),
        pl.Series("a", [["x"]]),
        pl.Series("a", [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)]),
    ],
    ids=str,
)
def test_unusual_types_of_frames_are_left_to_the_frame(series: pl.Series) -> None:
    frame = pl.DataFrame([series, pl.Series("b", [1])])
    assert single_row(frame, ["a", "b"]) is None
    assert single_row(frame, ["b"])[0] == {"a": None, "b": 1}


def test_reading_a_row_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        READER.read({name: values[1] for name, values in _table().items()})
    assert not caplog.records


CELLS = [
    pd.Series([7]),
    pd.Series([7], dtype="int8"),
    pd.Series([2**63], dtype="uint64"),
    pd.Series([0.1], dtype="float32"),
    pd.Series([np.nan]),
    pd.Series([np.inf]),
    pd.Series([True]),
    pd.Series(["x"]),
    pd.Series(["x"], dtype="string"),
    pd.Series([pd.NA], dtype="string"),
    pd.Series([None], dtype=object),
    pd.Series([np.nan], dtype=object),
    pd.Series([7], dtype=object),
    pd.Series([2**70], dtype=object),
    pd.Series([np.float32(0.1)], dtype=object),
    pd.Series([decimal.Decimal("1.5")], dtype=object),
    pd.Series([["x"]], dtype=object),
    pd.Series([7], dtype="Int64"),
    pd.Series(["x"], dtype="category"),
    pd.Series([datetime.datetime(2024, 2, 3, 4)]),
    pd.Series([datetime.timedelta(seconds=90)]),
]


@pytest.mark.parametrize("cells", CELLS, ids=lambda cells: f"{cells.dtype} {cells[0]!r}")
def test_a_cell_of_pandas_is_what_it_is_in_a_frame_of_many_rows(cells: pd.Series) -> None:
    frame = pd.DataFrame({"a": cells, "b": ["y"], "unused": [object()]})
    plain = plain_row(frame, {"a", "b"})
    table = from_pandas(frame, {"a", "b"})
    if plain is not None:
        assert plain == {"a": table["a"].item(), "b": "y", "unused": None}
        assert type(plain["a"]) is type(table["a"].item())
    else:
        assert cells.dtype.name not in ("int64", "int8", "float32", "float64", "bool")


def test_names_that_are_not_plain_are_left_to_the_frame() -> None:
    assert plain_row(pd.DataFrame([[1, 2]], columns=["a", "a"]), {"a"}) is None
    assert plain_row(pd.DataFrame([[1, 2]], columns=["a", 3]), {"a", "3"}) is None
    assert plain_row(pd.DataFrame([[1, 2]], columns=["a", ""]), {"a"}) is None
