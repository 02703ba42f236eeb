"""The target: task, classes, rows that count, and the columns that the problem names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from modelwright.core import DataError, Problem, Role, TargetError, Task
from modelwright.data import read_table, resolve_target


def resolve(target: Any, *, task: str = "auto", **columns: Any) -> Any:
    options = {name: columns.pop(name) for name in ("group", "time_column", "weights") if name in columns}
    frame = pd.DataFrame({**columns, "y": target})
    problem = Problem.of("y", task=task, **options)
    return resolve_target(read_table(frame, problem=problem), problem)


AUTO: dict[str, tuple[Any, str, tuple[Any, ...]]] = {
    "two words": (["no", "yes"] * 10, "binary", ("no", "yes")),
    "three words": (["a", "c", "b"] * 10, "multiclass", ("a", "b", "c")),
    "booleans": ([True, False] * 10, "binary", (False, True)),
    "zero and one": ([0, 1] * 10, "binary", (0, 1)),
    "whole floats": ([0.0, 1.0] * 10, "binary", (0, 1)),
    "one and two": ([1, 2] * 10, "binary", (1, 2)),
    "few integers": ([0, 1, 2] * 10, "multiclass", (0, 1, 2)),
    "quality": ([3, 4, 5, 6, 7, 8, 9] * 30, "multiclass", (3, 4, 5, 6, 7, 8, 9)),
    "counts": (list(range(30)) * 3, "regression", ()),
    "seven values in a small table": ([1, 2, 3, 4, 5, 6, 7] * 3, "regression", ()),
    "fractions": ([0.5, 1.5] * 10, "regression", ()),
    "category of integers": (pd.Categorical([2, 1] * 10), "binary", (1, 2)),
    "category of text digits": (pd.Categorical(["2", "1"] * 10), "binary", ("1", "2")),
    "category of booleans": (pd.Categorical([True, False] * 10), "binary", (False, True)),
    "leading zeros": (["007", "012"] * 10, "binary", ("007", "012")),
    "spelled": (["Yes", "No"] * 10, "binary", ("No", "Yes")),
}


@pytest.mark.parametrize("case", AUTO)
def test_auto_task(case: str) -> None:
    target, task, classes = AUTO[case]
    found = resolve(target, x=range(len(target)))
    assert str(found.problem.task) == task
    assert found.problem.classes == classes
    assert [type(label) for label in found.problem.classes] == [type(label) for label in classes]
    if classes:
        labels = [found.problem.classes[code] for code in found.target]
        assert labels == list(target)
        assert found.target.dtype == np.int64
    else:
        assert found.target.dtype == np.float64
        assert found.target.tolist() == list(target)


@pytest.mark.parametrize(
    ("spelled", "classes"),
    [
        (("True", "False"), ("False", "True")),
        (("true", "false"), ("false", "true")),
        (("1", "0"), (0, 1)),
        (("1.0", "0.0"), (0.0, 1.0)),
        (("t", "f"), ("f", "t")),
        (("Gray", "Black"), ("Black", "Gray")),
    ],
)
def test_labels_print_as_in_the_file(
    tmp_path: Path, spelled: tuple[str, str], classes: tuple[Any, ...]
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x,y\n" + "".join(f"{index},{spelled[index % 2]}\n" for index in range(20)))
    problem = Problem.of("y")
    found = resolve_target(read_table(path, problem=problem), problem)
    assert found.problem.classes == classes
    assert {str(label) for label in found.problem.classes} == set(spelled)


def test_integer_classes_are_announced() -> None:
    found = resolve([0, 1, 2] * 10, x=range(30))
    assert [(finding.check, finding.severity) for finding in found.findings] == [("task", "info")]
    assert "--task regression" in found.findings[0].action
    assert resolve([0, 1, 2] * 10, task="regression", x=range(30)).problem.task is Task.REGRESSION


def test_metric_and_columns_of_the_problem_are_left_alone() -> None:
    problem = Problem.of("y", metric="f1", group="g")
    table = read_table({"x": [1, 2, 3, 4, 5, 6], "g": list("aabbcc"), "y": list("ppqqpq")}, problem=problem)
    found = resolve_target(table, problem).problem
    assert (found.metric, found.group) == ("f1", "g")


BAD: dict[str, tuple[Any, str, str]] = {
    "one class": (["a"] * 20, "auto", "nothing to learn"),
    "one value": ([1.5] * 20, "auto", "nothing to learn"),
    "all missing": ([None] * 20, "auto", "is missing"),
    "too few rows": (["a", "b", "a"], "auto", "at least 5"),
    "too few with a target": (["a", "b"] + [None] * 20, "auto", "Only 2 rows"),
    "words as values": (["a", "b"] * 10, "regression", "needs numbers.*'a', 'b'"),
    "binary with three": (["a", "b", "c"] * 10, "binary", "has 3: 'a', 'b', 'c'"),
    "ids": ([f"C{index}" for index in range(50)], "auto", "looks like an id"),
    "too many classes": ([f"C{index % 1200}" for index in range(5000)], "auto", "1200 different values"),
    "values as classes": (np.linspace(0, 1, 50).tolist(), "multiclass", "task 'regression'"),
    "dates": (pd.date_range("2020-01-01", periods=20), "auto", "is a date"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_target(case: str) -> None:
    target, task, message = BAD[case]
    with pytest.raises(TargetError, match=message) as caught:
        resolve(target, task=task, x=range(len(target)))
    assert caught.value.exit_code == 2


def test_unknown_target() -> None:
    with pytest.raises(TargetError, match=r"no target column 'chrun'.* Did you mean 'churn'.* age, churn"):
        read_table({"age": [1], "churn": [2]}, problem=Problem.of("chrun"))


@pytest.mark.parametrize("part", ["group", "time_column", "weights"])
def test_unknown_column_of_the_problem(part: str) -> None:
    with pytest.raises(DataError, match=r"column 'agee'.* Did you mean 'age'"):
        read_table({"age": [1], "y": [2]}, problem=Problem.of("y", **{part: "agee"}))


def test_rows_without_target_are_dropped_and_counted() -> None:
    found = resolve([None, 1.5, np.inf, 2.5, 3.5, 4.5, 5.5], x=range(7), weights="w", w=[1, 2, 3, 4, 5, 6, 7])
    assert found.rows.tolist() == [1, 3, 4, 5, 6]
    assert found.target.tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert found.weights.tolist() == [2, 4, 5, 6, 7]
    assert found.findings[0].evidence == {"rows": 2}


def test_rare_class_is_reported() -> None:
    found = resolve(["a", "b"] * 10 + ["c"], x=range(21))
    assert [finding.check for finding in found.findings] == ["rare_class"]
    assert found.findings[0].evidence["classes"] == ["c"]


def test_groups() -> None:
    found = resolve([0, 1] * 3, x=range(6), group="g", g=["b", "a", None, "b", None, "a"])
    groups = found.groups.tolist()
    assert groups[0] == groups[3]
    assert groups[1] == groups[5]
    assert len(set(groups)) == 4
    assert min(groups) == 0


def test_groups_that_are_ids_keep_every_digit() -> None:
    found = resolve([0, 1] * 3, x=range(6), group="g", g=[2**60, 2**60 + 1, 2**60 + 2] * 2)
    assert found.groups.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "times",
    [
        ["2020-01-03", "2020-01-01", "2020-01-02", "2021-01-01", "2019-01-01", "2020-01-02"],
        [3, 1, 2, 10, -5, 2],
        [0.3, 0.1, 0.2, 1.0, -0.5, 0.2],
        pd.to_datetime(["2020-01-03", "2020-01-01", "2020-01-02", "2021-01-01", "2019-01-01", "2020-01-02"]),
    ],
)
def test_times_keep_their_order(times: Any) -> None:
    found = resolve([0, 1] * 3, x=range(6), time_column="t", t=times)
    assert np.argsort(found.times, kind="stable").tolist() == [4, 1, 2, 5, 0, 3]
    assert found.times[2] == found.times[5]


def test_rows_without_time_are_dropped() -> None:
    found = resolve([0, 1] * 4, x=range(8), time_column="t", t=[1, 2, None, 4, 5, 6, 7, 8])
    assert found.rows.tolist() == [0, 1, 3, 4, 5, 6, 7]
    assert [finding.check for finding in found.findings if finding.severity == "excluded"] == ["missing_time"]


def test_roles_of_the_problem() -> None:
    frame = {
        "i": range(60),
        "g": range(60),
        "t": range(60),
        "w": [1.0] * 60,
        "x": [1, 2, 3] * 20,
        "y": [0, 1] * 30,
    }
    problem = Problem.of("y", group="g", time_column="t", weights="w")
    roles = {
        column.name: column.role
        for column in read_table(pl.DataFrame({k: list(v) for k, v in frame.items()}), problem=problem).schema
    }
    assert roles == {
        "i": Role.ID,
        "g": Role.GROUP,
        "t": Role.TIME,
        "w": Role.WEIGHT,
        "x": Role.FEATURE,
        "y": Role.TARGET,
    }


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -1, 1, 1, 1, 1], "not be negative"),
        ([0, 0, 0, 0, 0, 0], "above zero"),
        ([1, None, 1, 1, 1, 1], "finite weight"),
        ([1, np.inf, 1, 1, 1, 1], "finite weight"),
        (["a", "b", "c", "a", "b", "c"], "must be a number"),
    ],
)
def test_bad_weights(weights: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        resolve([0, 1] * 3, x=range(6), weights="w", w=weights)


def test_time_column_must_be_a_time() -> None:
    with pytest.raises(DataError, match="must be a date or a number"):
        resolve([0, 1] * 3, x=range(6), time_column="t", t=["red", "blue"] * 3)
