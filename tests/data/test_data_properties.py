"""What must hold for any table: round trips through CSV, frames and the schema."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import Schema
from modelwright.data import conform, read_table
from modelwright.data.csv_dialect import read_records, record_shape

LETTERS = st.text("abcdefgXYZäß ,;\"'\n|\t", max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(10**6), 10**6)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)


@st.composite
def columns(draw: st.DrawFn, rows: int) -> list[Any]:
    values: st.SearchStrategy[Any] = draw(
        st.sampled_from(
            [
                LETTERS,
                NUMBERS,
                MOMENTS,
                st.booleans(),
                st.integers(0, 3),
                st.sampled_from(["00123", "7", "NA", "?"]),
            ]
        )
    )
    return draw(st.lists(values | st.none(), min_size=rows, max_size=rows))


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(st.integers(1, 30))
    names = draw(
        st.lists(
            st.text("abcde fgh", min_size=1, max_size=4).map(str.strip).filter(bool),
            min_size=2,
            max_size=5,
            unique=True,
        )
    )
    return pl.DataFrame([pl.Series(name, draw(columns(rows)), strict=False) for name in names])


@given(frames())
@settings(max_examples=60)
def test_csv_round_trip(frame: pl.DataFrame) -> None:
    """Written as CSV, read, and conformed to its own schema, a table stays what it was."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        frame.write_csv(path)
        table = read_table(path)
        schema = Schema.from_dict(table.schema.to_dict())
        again = conform(path, schema)
    assert table.rows == frame.height
    assert table.frame.columns == frame.columns
    names = [column.name for column in schema.features]
    assert again.frame.equals(table.frame.select(names))
    assert again.rows == frame.height


@given(frames())
@settings(max_examples=60)
def test_frame_round_trip(frame: pl.DataFrame) -> None:
    """Whole, row by row, and typed already: conforming gives the same values and types."""
    table = read_table(frame)
    typed = table.frame.select([column.name for column in table.schema.features])
    assert conform(frame, table.schema).frame.equals(typed)
    assert conform(table.frame, table.schema).frame.equals(typed)
    for row in range(0, typed.height, 7):
        one = conform(frame[row], table.schema).frame
        assert one.equals(typed[row])
        assert one.dtypes == typed.dtypes


@given(st.lists(st.lists(LETTERS, min_size=1, max_size=4), min_size=1, max_size=10), st.sampled_from(",;|\t"))
@settings(max_examples=100)
def test_record_shape_agrees_with_the_csv_module(rows: list[list[str]], delimiter: str) -> None:
    quoted = [
        "".join(f'"{field.replace(chr(34), chr(34) * 2)}"{delimiter}' for field in row)[:-1] for row in rows
    ]
    data = "\n".join(quoted).encode()
    expected = [len(record) for _, record in read_records(data, delimiter, True, False)]
    assert record_shape(data, delimiter, True).widths.tolist() == expected


@given(frames())
@settings(max_examples=30)
def test_typed_frames_hold_no_nan_and_no_infinity(frame: pl.DataFrame) -> None:
    table = read_table(frame)
    for column in table.schema:
        values = table.frame[column.name]
        assert column.statistics["missing"] == values.null_count()
        assert column.nullable == (values.null_count() > 0)
        if values.dtype == pl.Float64:
            assert bool(values.drop_nulls().is_finite().all())
