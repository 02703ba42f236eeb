"""Objects in memory: their types are respected."""

from __future__ import annotations

import datetime
import decimal
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelwright.core import DataError, Kind, Role
from modelwright.data import SOURCES, Source, read_raw, read_table


def kinds(source: Any) -> dict[str, str]:
    return {column.name: str(column.kind) for column in read_table(source).schema}


PANDAS: dict[str, tuple[Any, str, list[Any]]] = {
    "int": (pd.Series([1, 2]), "numeric", [1.0, 2.0]),
    "small unsigned": (pd.Series([1, 2], dtype="uint8"), "numeric", [1.0, 2.0]),
    "half float": (pd.Series([1, 2.5], dtype="float16"), "numeric", [1.0, 2.5]),
    "bool": (pd.Series([True, False]), "boolean", [True, False]),
    "nullable int": (pd.Series([1, None], dtype="Int64"), "numeric", [1.0, None]),
    "nullable float": (pd.Series([1.5, None], dtype="Float64"), "numeric", [1.5, None]),
    "nullable bool": (pd.Series([True, None], dtype="boolean"), "boolean", [True, None]),
    "string": (pd.Series(["a", None], dtype="string"), "categorical", ["a", None]),
    "object of bools": (pd.Series([True, None], dtype=object), "boolean", [True, None]),
    "object of numbers": (pd.Series([1, 2.5, None], dtype=object), "numeric", [1.0, 2.5, None]),
    "mixed": (pd.Series([1, "x", 2.0, None], dtype=object), "categorical", ["1", "x", "2", None]),
    "numbers as text": (pd.Series(["1", "2", "NA"]), "numeric", [1.0, 2.0, None]),
    "decimals": (pd.Series([decimal.Decimal("1.5"), None], dtype=object), "numeric", [1.5, None]),
    "category": (pd.Series(["a", "b"], dtype="category"), "categorical", ["a", "b"]),
    "category with gaps": (pd.Series(["a", None], dtype="category"), "categorical", ["a", None]),
    "category of ints": (pd.Series([3, 4], dtype="category"), "categorical", ["3", "4"]),
    "category of floats": (pd.Series([3.0, 4.5], dtype="category"), "categorical", ["3", "4.5"]),
    "category of NA": (pd.Series(["NA", "b"], dtype="category"), "categorical", ["NA", "b"]),
    "datetime": (
        pd.Series(pd.to_datetime(["2020-01-02", None])),
        "datetime",
        [datetime.datetime(2020, 1, 2), None],
    ),
    "zoned": (
        pd.Series(pd.to_datetime(["2020-01-02", "2020-01-03"]).tz_localize("Europe/Rome")),
        "datetime",
        [datetime.datetime(2020, 1, 1, 23), datetime.datetime(2020, 1, 2, 23)],
    ),
    "dates": (
        pd.Series([datetime.date(2020, 1, 2), None], dtype=object),
        "datetime",
        [datetime.datetime(2020, 1, 2), None],
    ),
    "period": (
        pd.Series(pd.period_range("2020-01", periods=2, freq="M")),
        "datetime",
        [datetime.datetime(2020, 1, 1), datetime.datetime(2020, 2, 1)],
    ),
    "timedelta": (pd.Series(pd.to_timedelta([90, None], unit="s")), "numeric", [90.0, None]),
    "sparse": (pd.Series(pd.arrays.SparseArray([0, 1])), "numeric", [0.0, 1.0]),
    "lists": (pd.Series([[1, 2], [3]], dtype=object), "list", [["1", "2"], ["3"]]),
    "wide unsigned": (pd.Series([2**63, 1], dtype="uint64"), "numeric", [float(2**63), 1.0]),
}


@pytest.mark.parametrize("case", PANDAS)
def test_pandas_column(case: str) -> None:
    series, kind, expected = PANDAS[case]
    table = read_table(
        pd.DataFrame({"x": series, "y": ["p", "q"] * 2 if len(series) == 4 else list("pqr")[: len(series)]})
    )
    assert str(table.schema["x"].kind) == kind
    assert table.frame["x"].to_list() == expected


def test_pandas_backed_by_arrow() -> None:
    frame = pd.DataFrame({"a": [1, None], "b": ["x", None], "c": [True, None]}).convert_dtypes(
        dtype_backend="pyarrow"
    )
    assert read_table(frame).frame.rows() == [(1.0, "x", True), (None, None, None)]


POLARS: dict[str, tuple[pl.Series, str, list[Any]]] = {
    "int8": (pl.Series([1, None], dtype=pl.Int8), "numeric", [1.0, None]),
    "float32 with NaN": (pl.Series([1.5, float("nan")], dtype=pl.Float32), "numeric", [1.5, None]),
    "categorical": (pl.Series(["a", "NA"], dtype=pl.Categorical), "categorical", ["a", "NA"]),
    "enum": (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), "categorical", ["a", "b"]),
    "date": (pl.Series([datetime.date(2020, 1, 2), None]), "datetime", [datetime.datetime(2020, 1, 2), None]),
    "duration": (pl.Series([datetime.timedelta(seconds=90), None]), "numeric", [90.0, None]),
    "time": (pl.Series([datetime.time(1, 0), None]), "numeric", [3600.0, None]),
    "decimal": (pl.Series([decimal.Decimal("1.5"), None]), "numeric", [1.5, None]),
    "list": (pl.Series([[1, 2], [3]]), "list", [["1", "2"], ["3"]]),
    "struct": (pl.Series([{"a": 1}, {"a": 2}]), "categorical", ['{"a": 1}', '{"a": 2}']),
    "binary": (pl.Series([b"ab", b"c"]), "categorical", ["ab", "c"]),
    "null": (pl.Series([None, None]), "numeric", [None, None]),
}


@pytest.mark.parametrize("case", POLARS)
def test_polars_column(case: str) -> None:
    series, kind, expected = POLARS[case]
    table = read_table(pl.DataFrame({"x": series}).lazy())
    assert str(table.schema["x"].kind) == kind
    assert table.frame["x"].to_list() == expected


def test_numpy_arrays() -> None:
    assert read_table(np.array([[1.5, np.nan], [2, 3]])).frame.rows() == [(1.5, None), (2.0, 3.0)]
    assert kinds(np.array([["1", "x"], ["2", "y"]])) == {"c0": "numeric", "c1": "categorical"}
    assert kinds(np.array([[1, "x"], [2, "y"]], dtype=object)) == {"c0": "numeric", "c1": "categorical"}
    assert read_table(np.array([[1.0]])).source.kind == "numpy"
    structured = np.array([(1, "x"), (2, "y")], dtype=[("a", "i4"), ("b", "U1")])
    assert kinds(structured) == {"a": "numeric", "b": "categorical"}


def test_other_objects() -> None:
    assert read_table(pa.table({"a": [1, 2], "b": ["x", "y"]})).frame.rows() == [(1.0, "x"), (2.0, "y")]
    assert read_table([{"a": 1}, {"a": 2, "b": "x"}]).frame.rows() == [(1.0, None), (2.0, "x")]
    assert read_table({"a": np.array([1, 2]), "b": pl.Series([3, 4])}).frame.rows() == [
        (1.0, 3.0),
        (2.0, 4.0),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (42, "came as int"),
        ([1, 2], "came as list"),
        (None, "came as NoneType"),
        ({}, "empty"),
        ({"a": 1}, "put each value into a list"),
        ({"a": [1, 2], "b": [1]}, "different lengths"),
        (np.arange(3), r"shape \(3,\)"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column named 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than one column named '1'"),
        (pd.DataFrame({"a": [1j]}), "complex"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame(), "columns"),
        (pd.Series([1, 2]), "came as Series"),
    ],
)
def test_refused_object(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(source)


def test_names_become_text() -> None:
    assert read_table(pd.DataFrame({0: ["a", "b"], 1: [1, 2]})).frame.columns == ["0", "1"]
    columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    assert read_table(pd.DataFrame([[1, 2]], columns=columns)).frame.columns == ["a_x", "a_y"]
    assert read_table(pl.DataFrame({"": [1], "b": [2]})).frame.columns == ["column_0", "b"]


def test_hash_follows_the_content_only() -> None:
    frame = pl.DataFrame({"a": [1.5, None, 0.0], "b": ["x", "", None]})
    same = pd.DataFrame({"a": [1.5, None, -0.0], "b": ["x", "", None]})
    digest = read_raw(frame).info.sha256
    assert digest == read_raw(same).info.sha256
    for other in (
        frame.rename({"a": "c"}),
        frame.reverse(),
        frame.with_columns(a=pl.Series([1.5, 0.0, 0.0])),
        frame.with_columns(b=pl.Series(["", "x", None])),
    ):
        assert read_raw(other).info.sha256 != digest


def fresh_process(code: str) -> str:
    """What some code prints in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "5"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()


def test_hash_is_the_same_in_another_process() -> None:
    code = (
        "import polars as pl; from modelwright.data import read_raw; "
        "print(read_raw(pl.DataFrame({'a': [1, 2], 'b': ['x', None], 'c': [True, False]})).info.sha256)"
    )
    run = fresh_process(code)
    here = read_raw(pl.DataFrame({"a": [1, 2], "b": ["x", None], "c": [True, False]})).info.sha256
    assert run == here


def test_reading_does_not_import_pandas() -> None:
    code = (
        "import sys; from modelwright.data import conform, read_table; "
        "table = read_table({'a': ['1', '2'], 'b': ['x', 'y']}); "
        "conform({'a': [1], 'b': ['x']}, table.schema); "
        "print('pandas' in sys.modules)"
    )
    run = fresh_process(code)
    assert run == "False"


def test_every_source_of_the_catalog_is_one() -> None:
    for name in SOURCES:
        assert issubclass(SOURCES.load(name), Source)


# Roles -------------------------------------------------------------------------------------------


def role_of(values: Any, name: str = "x") -> Role:
    count = len(values)
    return read_table({name: values, "other": [index % 7 + 0.5 for index in range(count)]}).schema[name].role


@pytest.mark.parametrize(
    ("values", "name", "role"),
    [
        (list(range(100)), "x", Role.ID),
        (list(range(100, 0, -1)), "x", Role.ID),
        (np.random.default_rng(0).permutation(100).tolist(), "x", Role.ID),
        (list(range(10)), "x", Role.FEATURE),
        (list(range(0, 200, 2)), "x", Role.FEATURE),
        (list(range(0, 200, 2)), "user_id", Role.ID),
        (list(range(0, 200, 2)), "PassengerId", Role.ID),
        ([index / 3 for index in range(100)], "user_id", Role.FEATURE),
        ([index % 10 for index in range(100)], "user_id", Role.FEATURE),
        ([f"C{index:04d}" for index in range(100)], "x", Role.ID),
        ([f"C{index:04d}" for index in range(10)], "x", Role.FEATURE),
        ([f"C{index % 50:04d}" for index in range(100)], "x", Role.FEATURE),
        ([7] * 100, "x", Role.CONSTANT),
        (["a"] * 100, "x", Role.CONSTANT),
        ([None] * 100, "x", Role.CONSTANT),
        (["a"] * 50 + [None] * 50, "x", Role.FEATURE),
    ],
)
def test_role(values: list[Any], name: str, role: Role) -> None:
    assert role_of(values, name) is role


def test_excluded_columns_are_reported_with_the_way_back() -> None:
    table = read_table({"x": list(range(100)), "k": [1] * 100, "y": [index % 3 for index in range(100)]})
    assert [(finding.check, finding.severity) for finding in table.findings] == [
        ("id", "excluded"),
        ("constant", "excluded"),
    ]
    assert "x=feature" in table.findings[0].action


def test_the_only_feature_is_kept_even_if_it_looks_like_an_id() -> None:
    table = read_table({"x": list(range(100))})
    assert table.schema["x"].role is Role.FEATURE
    assert table.findings == ()


def test_repeated_id_is_proposed_as_a_group() -> None:
    table = read_table(
        {"customer_id": [index // 4 for index in range(200)], "v": [index % 9 for index in range(200)]}
    )
    assert [(finding.check, finding.column) for finding in table.findings] == [("group", "customer_id")]
    assert table.schema["customer_id"].kind is Kind.NUMERIC
