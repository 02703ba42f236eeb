"""New rows get the types of training, whatever they look like."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from modelwright.core import Problem, Role, Schema, SchemaMismatch
from modelwright.data import (
    Caller,
    conform,
    conform_labelled,
    matrix_to_caller,
    read_table,
    resolve_target,
    to_caller,
    values_to_caller,
)

TRAINING = {
    "zip": ["00123", "04567"] * 10,
    "age": [str(20 + index) for index in range(20)],
    "price": ["1.234,5", "2.345,75"] * 10,
    "joined": ["31/01/2018", "01/02/2018"] * 10,
    "member": ["yes", "no"] * 10,
    "colour": ["red", "?", "blue", "green"] * 5,
    "grade": pd.Categorical([1, 2] * 10),
    "doors": ["2", "4", "more", "3"] * 5,
    "y": ["a", "b"] * 10,
}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return read_table(pd.DataFrame(TRAINING), problem=Problem.of("y")).schema


ROW = {
    "zip": "00123",
    "age": "30",
    "price": "1.234,5",
    "joined": "31/01/2018",
    "member": "yes",
    "colour": "red",
    "grade": "1",
    "doors": "2",
}
TYPED = ("00123", 30.0, 1234.5, datetime(2018, 1, 31), True, "red", "1", "2")


def test_training_rows_come_back_as_they_were(schema: Schema) -> None:
    table = read_table(pd.DataFrame(TRAINING), problem=Problem.of("y"))
    names = [column.name for column in schema.features]
    assert conform(pd.DataFrame(TRAINING), schema).frame.equals(table.frame.select(names))


def test_one_row_of_text(schema: Schema) -> None:
    assert conform([ROW], schema).frame.rows() == [TYPED]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("zip", 123, "00123"),
        ("zip", 123.0, "00123"),
        ("zip", "99999", "99999"),
        ("zip", "", None),
        ("age", 30, 30.0),
        ("age", 30.5, 30.5),
        ("age", True, 1.0),
        ("age", " 31 ", 31.0),
        ("age", None, None),
        ("age", "NA", None),
        ("age", "unknown", None),
        ("price", 1234.5, 1234.5),
        ("price", "7", 7.0),
        ("price", "7.5", 7.5),
        ("joined", datetime(2018, 1, 31), datetime(2018, 1, 31)),
        ("joined", "01/02/2018", datetime(2018, 2, 1)),
        ("joined", "2018-01-31", datetime(2018, 1, 31)),
        ("joined", "2018-01-31T10:00:00Z", datetime(2018, 1, 31, 10)),
        ("joined", None, None),
        ("member", True, True),
        ("member", 0, False),
        ("member", 1.0, True),
        ("member", "YES", True),
        ("member", "False", False),
        ("colour", "purple", "purple"),
        ("colour", "?", None),
        ("colour", "NULL", None),
        ("colour", 5, "5"),
        ("colour", True, "True"),
        ("grade", 1, "1"),
        ("grade", 1.0, "1"),
        ("grade", "1.0", "1"),
        ("doors", 2, "2"),
        ("doors", 2.0, "2"),
    ],
)
@pytest.mark.parametrize("form", ["records", "pandas", "polars"])
def test_one_value(schema: Schema, form: str, name: str, given: Any, expected: Any) -> None:
    record = {**ROW, name: given}
    source: Any = [record]
    if form == "pandas":
        source = pd.DataFrame([record])
    elif form == "polars":
        source = pl.DataFrame([record])
    assert conform(source, schema).frame[name].to_list() == [expected]


def test_schema_survives_json(schema: Schema) -> None:
    again = Schema.from_dict(schema.to_dict())
    assert conform([ROW], again).frame.rows() == [TYPED]


def test_many_rows_give_the_same_as_one(schema: Schema) -> None:
    many = pl.DataFrame([{**ROW, "colour": f" {index} "} for index in range(1000)])
    frame = conform(many, schema).frame
    for index in (0, 999):
        assert frame.row(index) == conform(many[index], schema).frame.row(0)


def test_csv_is_not_sniffed_for_types_again(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "new.csv"
    header = ",".join(ROW)
    path.write_text(f'{header}\n1,30,"5,5",01/02/2018,no,7,1,2\n2,x,,,,,,\n')
    frame = conform(path, schema).frame
    assert frame.dtypes == [
        pl.String,
        pl.Float64,
        pl.Float64,
        pl.Datetime("us"),
        pl.Boolean,
        *[pl.String] * 3,
    ]
    assert frame.row(0) == ("1", 30.0, 5.5, datetime(2018, 2, 1), False, "7", "1", "2")


def test_missing_columns_are_all_named(schema: Schema) -> None:
    with pytest.raises(SchemaMismatch, match=r"3 columns .* absent: 'age', 'price', 'member'") as caught:
        conform([{name: ROW[name] for name in ROW if name not in ("age", "price", "member")}], schema)
    assert caught.value.exit_code == 2
    renamed = {("Age" if name == "age" else name): value for name, value in ROW.items()}
    with pytest.raises(SchemaMismatch, match=r"absent: 'age'\. Did you mean 'Age'"):
        conform([renamed], schema)


def test_a_column_with_missing_values_may_be_absent(schema: Schema) -> None:
    assert schema["colour"].nullable
    found = conform([{name: ROW[name] for name in ROW if name != "colour"}], schema)
    assert found.frame["colour"].to_list() == [None]
    assert found.frame["colour"].dtype == pl.String


def test_unreadable_values(schema: Schema) -> None:
    rows = [{**ROW, "age": age} for age in ("30", "31", "old", "32")]
    found = conform(rows, schema)
    assert found.frame["age"].to_list() == [30.0, 31.0, None, 32.0]
    assert [(finding.check, finding.column) for finding in found.findings] == [("unreadable", "age")]
    rows = [{**ROW, "age": age} for age in ("thirty", "old", "31")]
    with pytest.raises(SchemaMismatch, match=r"2 of 3 values of 'age' are not numeric .*'thirty', 'old'"):
        conform(rows, schema)
    with pytest.raises(SchemaMismatch, match="'joined' is not datetime"):
        conform([{**ROW, "joined": "someday"}], schema)


def test_infinite_values_become_missing(schema: Schema) -> None:
    found = conform([{**ROW, "age": np.inf}], schema)
    assert found.frame["age"].to_list() == [None]
    assert [finding.check for finding in found.findings] == ["infinite"]


def test_no_rows_and_all_null_rows(schema: Schema) -> None:
    empty = conform(pd.DataFrame(TRAINING).head(0), schema)
    assert (empty.rows, empty.frame.height) == (0, 0)
    nothing = conform([dict.fromkeys(ROW)], schema)
    assert nothing.frame.row(0) == (None,) * 8
    assert nothing.frame.dtypes == empty.frame.dtypes


def test_extra_columns_and_other_order_do_not_matter(schema: Schema) -> None:
    record = {"extra": 1j, **{name: ROW[name] for name in reversed(ROW)}}
    assert conform(pd.DataFrame([record]), schema).frame.rows() == [TYPED]


def test_arrays_are_matched_by_position() -> None:
    data = np.random.default_rng(0).normal(size=(30, 4))
    data[:, 3] = data[:, 0] > 0
    schema = read_table(data, problem=Problem.of("c3")).schema
    whole, features = conform(data, schema), conform(data[:, :3], schema)
    assert whole.frame.equals(features.frame)
    assert whole.frame.columns == ["c0", "c1", "c2"]
    assert whole.caller.kind == "numpy"
    with pytest.raises(SchemaMismatch, match="array has 2 columns"):
        conform(data[:, :2], schema)


def test_wide_integers_stay_exact() -> None:
    schema = read_table({"x": [2**60, 2**60 + 1, 2**60] * 5, "y": [1, 2, 3] * 5}).schema
    assert conform({"x": [str(2**60 + 1)], "y": [1]}, schema).frame["x"].to_list() == [2**60 + 1]
    assert conform({"x": [2**60 + 1], "y": [1]}, schema).frame["x"].to_list() == [2**60 + 1]


def test_declared_category_keeps_every_spelling() -> None:
    frame = pd.DataFrame({"x": pd.Categorical(["NA", " a", "?"] * 5), "v": [1, 2, 3] * 5})
    schema = read_table(frame).schema
    assert conform(frame, schema).frame["x"].to_list() == ["NA", " a", "?"] * 5


# With the target ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "new", "codes"),
    [
        (["yes", "no"] * 10, ["no", "yes", None, "no"], [0, 1, 0]),
        (["b", "a", "c", "a"] * 5, ["c", "z", "a"], [2, 0]),
        ([1, 2] * 10, [2.0, 1.0], [1, 0]),
        ([1, 2] * 10, ["2", "1"], [1, 0]),
        ([True, False] * 10, ["True", "False"], [1, 0]),
        (["007", "012"] * 10, ["012", "012"], [1, 1]),
        (pd.Categorical([5, 7] * 10), [7, 5], [1, 0]),
        ([float(index) + 0.5 for index in range(20)], ["1.5", None, "2.5"], [1.5, 2.5]),
    ],
)
def test_labelled_rows(training: Any, new: list[Any], codes: list[float]) -> None:
    problem = Problem.of("y")
    table = read_table(pd.DataFrame({"x": [0.5, 1.5] * 10, "y": training}), problem=problem)
    resolved = resolve_target(table, problem).problem
    found = conform_labelled({"x": [0.5] * len(new), "y": new}, table.schema, resolved)
    assert found.target.tolist() == codes
    assert found.conformed.rows == len(new)
    assert len(found.rows) == len(codes)
    assert {finding.check for finding in found.findings} <= {"missing_target", "unseen_class"}
    assert bool(found.findings) is (len(codes) < len(new))


def test_labelled_rows_need_the_target() -> None:
    problem = Problem.of("y", weights="w")
    table = read_table({"x": [0.5, 1.5] * 10, "y": [0, 1] * 10, "w": [1, 2] * 10}, problem=problem)
    resolved = resolve_target(table, problem).problem
    found = conform_labelled({"x": [0.5, 1], "y": [0, 1], "w": [3, 4]}, table.schema, resolved)
    assert found.weights is not None
    assert found.weights.tolist() == [3.0, 4.0]
    assert conform_labelled({"x": [0.5], "y": [1]}, table.schema, resolved).weights is None
    with pytest.raises(SchemaMismatch, match="target column 'y' is needed"):
        conform_labelled({"x": [0.5]}, table.schema, resolved)
    with pytest.raises(SchemaMismatch, match="nothing to score"):
        conform_labelled({"x": [0.5], "y": [None]}, table.schema, resolved)


# Back to the caller ------------------------------------------------------------------------------


def test_pandas_gets_its_index_back(schema: Schema) -> None:
    frame = pd.DataFrame([ROW, ROW], index=["p", "q"])
    found = conform(frame, schema)
    labels = to_caller(["a", "b"], found)
    assert isinstance(labels, pd.Series)
    assert labels.to_dict() == {"p": "a", "q": "b"}
    matrix = to_caller(np.array([[0.25, 0.75], [1, 0]]), found, (0, 1))
    assert list(matrix.columns) == [0, 1]
    assert list(matrix.index) == ["p", "q"]
    assert matrix.loc["p", 1] == 0.75


def test_polars_and_paths_get_polars() -> None:
    assert to_caller(np.array([1.5]), Caller("polars")).equals(pl.Series("prediction", [1.5]))
    assert values_to_caller([True, False], Caller("polars")).dtype == pl.Boolean
    assert matrix_to_caller(np.eye(2), (False, True), Caller("polars")).columns == ["False", "True"]


def test_arrays_get_arrays() -> None:
    assert values_to_caller(["a", "bcd"], Caller("numpy")).tolist() == ["a", "bcd"]
    assert values_to_caller([3, 1], Caller("numpy")).dtype == np.int64
    assert matrix_to_caller(np.eye(2), ("a", "b"), Caller("numpy")).shape == (2, 2)


@pytest.mark.parametrize("kind", ["pandas", "polars", "numpy"])
def test_no_predictions(kind: str) -> None:
    caller = Caller(kind, pd.RangeIndex(0) if kind == "pandas" else None)
    assert len(values_to_caller([], caller)) == 0
    assert matrix_to_caller(np.empty((0, 2)), ("a", "b"), caller).shape == (0, 2)


def test_time_is_a_feature_and_the_rest_is_not_needed() -> None:
    problem = Problem.of("y", group="g", time_column="t", weights="w")
    data = {
        "row": list(range(60)),
        "k": [1] * 60,
        "x": [1, 2, 3] * 20,
        "g": ["a", "b", "c"] * 20,
        "t": ["2020-01-01", "2020-01-02"] * 30,
        "w": [1.0, 2.0] * 30,
        "y": [0, 1] * 30,
    }
    schema = read_table(data, problem=problem).schema
    assert schema["row"].role is Role.ID
    assert conform({"x": [1], "t": ["2020-02-01"]}, schema).frame.rows() == [(1.0, datetime(2020, 2, 1))]
