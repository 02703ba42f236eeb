"""Columns that cannot help are left out before views are made, with a reason."""

from __future__ import annotations

import time

import numpy as np
import polars as pl

from modelwright.core import Column, Kind, Role, Schema
from modelwright.features import screen_columns


def schema_of(frame: pl.DataFrame, **roles: Role) -> Schema:
    return Schema(tuple(Column(name, Kind.NUMERIC, roles.get(name, Role.FEATURE)) for name in frame.columns))


def test_copies() -> None:
    frame = pl.DataFrame(
        {
            "a": [1.0, None, 3.0],
            "b": ["x", "y", None],
            "^a.*$": [1.0, None, 3.0],
            "order": [3.0, None, 1.0],
            "c": ["x", "y", None],
            "type": [1, None, 3],
            "target": [1.0, None, 3.0],
            "time": [1.0, None, 3.0],
        }
    )
    schema = schema_of(frame, target=Role.TARGET, time=Role.TIME)
    screened, findings = screen_columns(frame, schema)
    assert [column.name for column in screened.features] == ["a", "b", "order", "type", "time"]
    assert screened["^a.*$"].role == Role.IGNORED
    assert screened["^a.*$"].reason == "holds the same values as 'a' in all 3 rows"
    assert [(finding.check, finding.column) for finding in findings] == [("copy", "^a.*$"), ("copy", "c")]
    assert screened.names == schema.names
    again, none = screen_columns(frame, screened)
    assert (again, none) == (screened, ())


def test_columns_that_differ_outside_of_the_sample() -> None:
    rows = 20_000
    zeros = {f"z{number}": np.zeros(rows) for number in range(30)}
    for number, values in enumerate(zeros.values()):
        values[7 * number + 1 : 7 * number + 400] = 1.0
    frame = pl.DataFrame({**zeros, "again": zeros["z29"]})
    screened, findings = screen_columns(frame, schema_of(frame))
    assert len(screened.features) == 30
    assert [finding.column for finding in findings] == ["again"]


def test_almost_constant_columns_of_big_tables() -> None:
    rows = 300_000
    values = np.zeros(rows)
    values[:90] = 1.0
    frame = pl.DataFrame(
        {
            "x": np.arange(rows),
            "rare": values,
            "rarer text": ["b", *["a"] * (rows - 1)],
            "missing": [1.0] + [None] * (rows - 1),
            "fraud": np.arange(rows) < 140,
        }
    )
    screened, findings = screen_columns(frame, schema_of(frame))
    assert [column.name for column in screened.features] == ["x", "fraud"]
    assert {screened[name].role for name in ("rare", "rarer text", "missing")} == {Role.CONSTANT}
    assert findings[0].message == "Column 'rare' has the same value in 299910 of 300000 rows."
    assert screen_columns(frame.head(9_000), schema_of(frame)) == (schema_of(frame), ())


def test_almost_empty_columns_go_only_where_there_are_many() -> None:
    rows = 1_000
    empty = [1.0, 2.0] + [None] * (rows - 2)
    some = {f"x{number}": np.random.default_rng(number).normal(size=rows) for number in range(110)}
    wide = pl.DataFrame({"empty": empty, **some})
    screened, findings = screen_columns(wide, schema_of(wide))
    assert [finding.check for finding in findings] == ["almost_empty"]
    assert "empty" not in [column.name for column in screened.features]
    narrow = wide[:, :20]
    assert screen_columns(narrow, schema_of(narrow)) == (schema_of(narrow), ())


def test_ten_thousand_columns() -> None:
    values = np.random.default_rng(0).normal(size=(200, 10_000))
    values[:, 9_000:] = values[:, :1_000]
    frame = pl.DataFrame(values, schema=[f"x{number}" for number in range(10_000)])
    started = time.perf_counter()
    screened, findings = screen_columns(frame, schema_of(frame))
    assert time.perf_counter() - started < 10  # about half a second where nothing else runs
    assert len(screened.features) == 9_000
    assert len(findings) == 11
    assert findings[-1].message.startswith("990 more columns are left out for the same reason: 'x9010'")


def test_lists_and_empty_tables_are_left_alone() -> None:
    lists = pl.DataFrame({"a": [["x"], ["y"]], "b": [["x"], ["y"]]})
    assert screen_columns(lists, schema_of(lists))[1] == ()
    nothing = pl.DataFrame({"a": [], "b": []})
    assert screen_columns(nothing, schema_of(nothing))[1] == ()
