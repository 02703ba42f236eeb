"""The leak guard: what it must exclude, what it must not, and how long it takes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from modelwright.core import Column, Kind, Problem, Role, Schema, Task
from modelwright.validation import find_leaks


def _schema(frame: pl.DataFrame, **roles: Role) -> Schema:
    def kind(dtype: pl.DataType) -> Kind:
        if dtype == pl.Boolean:
            return Kind.BOOLEAN
        return (
            Kind.NUMERIC if dtype.is_numeric() else Kind.DATETIME if dtype.is_temporal() else Kind.CATEGORICAL
        )

    return Schema(
        tuple(
            Column(name, kind(dtype), roles.get(name, Role.FEATURE)) for name, dtype in frame.schema.items()
        )
    )


def _problem(task: Task, classes: int = 2) -> Problem:
    return Problem.of("y").resolved(task, "auto", tuple(range(classes)) if task.is_classification else ())


def _leaks(frame: pl.DataFrame, task: Task, target: np.ndarray) -> dict[str | None, str]:
    problem = _problem(task, len(np.unique(target)))
    findings = find_leaks(frame, _schema(frame), problem, target, seed=0)
    return {finding.column: finding.severity for finding in findings if finding.check == "leak"}


@pytest.fixture(scope="module")
def binary() -> tuple[pl.DataFrame, np.ndarray]:
    """1,000 rows with an honest predictor, a strong one, an id, names and noise."""
    random = np.random.default_rng(0)
    target = random.integers(0, 2, 1000)
    frame = pl.DataFrame(
        {
            "honest": target + random.normal(size=1000),
            "strong": target * 3 + random.normal(size=1000),
            "id": random.permutation(1000),
            "name": [f"name {number}" for number in random.integers(0, 700, 1000)],
            "noise": random.normal(size=1000),
        }
    )
    return frame, target


def test_honest_columns_ids_and_names_are_not_leaks(binary):
    frame, target = binary
    assert _leaks(frame, Task.BINARY, target) == {"strong": "warning"}


def test_a_good_predictor_is_mentioned_with_the_name_and_value_of_its_score(binary):
    frame, target = binary
    good = frame.with_columns(pl.Series("strong", target * 2.3 + np.random.default_rng(3).normal(size=1000)))
    (finding,) = [
        f for f in find_leaks(good, _schema(good), _problem(Task.BINARY), target, 0) if f.check == "leak"
    ]
    assert finding.severity == "info"
    assert 0.85 < finding.evidence["score"] < 0.95
    assert f"Gini = 2 AUC - 1 = {finding.evidence['score']:.2f}" in finding.message


@pytest.mark.parametrize(
    "leak",
    [
        lambda y, r: y,
        lambda y, r: y.astype(bool),
        lambda y, r: np.where(y, "cancelled", "active"),
        lambda y, r: np.where(y, r.choice(["moved", "price", "service"], len(y)), None),
        lambda y, r: np.where(y, r.normal(100, 20, len(y)).round(2), np.nan),
        lambda y, r: y + r.normal(0, 0.05, len(y)),
        lambda y, r: np.where(y, np.datetime64("2024-05-01"), np.datetime64("NaT")),
    ],
    ids=["copy", "flag", "relabelled", "reason", "amount or nothing", "noisy copy", "date or nothing"],
)
def test_a_column_that_holds_the_class_is_excluded(binary, leak):
    frame, target = binary
    values = leak(target, np.random.default_rng(1))
    series = pl.Series("leak", values.tolist() if values.dtype == object else values, nan_to_null=False)
    findings = find_leaks(
        frame.with_columns(series), _schema(frame.with_columns(series)), _problem(Task.BINARY), target, seed=0
    )
    worst = findings[0]
    assert (worst.column, worst.severity) == ("leak", "excluded")
    assert worst.evidence["score"] > 0.975
    assert "--keep leak" in worst.action
    assert worst.evidence["examples"][0].keys() == {"leak", "y"}
    assert [(finding.column, finding.severity) for finding in findings[1:]] == [("strong", "warning")]


@pytest.mark.parametrize(("rows", "severity"), [(1000, "excluded"), (300, "warning")])
def test_an_almost_perfect_column_is_excluded_where_rows_are_enough(binary, rows, severity):
    frame, target = (part[:rows] for part in binary)
    wrong = np.random.default_rng(2).random(rows) < 0.005
    frame = frame.with_columns(pl.Series("late", np.where(wrong, 1 - target, target)))
    assert wrong.any()
    assert _leaks(frame, Task.BINARY, target)["late"] == severity


def test_kept_columns_are_warnings(binary):
    frame, target = binary
    frame = frame.with_columns(pl.Series("leak", target), pl.Series("copy", target * 2))
    found = find_leaks(frame, _schema(frame), _problem(Task.BINARY), target, 0, keep=frozenset({"leak"}))
    assert {finding.column: finding.severity for finding in found[:2]} == {
        "copy": "excluded",
        "leak": "warning",
    }
    assert "as asked" in next(finding.action for finding in found if finding.column == "leak")


def test_names_that_read_as_patterns_or_commands(binary):
    frame, target = binary
    frame = frame.with_columns(pl.Series("^.*$", target), pl.Series("a 'b'\n", target))
    found = find_leaks(frame, _schema(frame), _problem(Task.BINARY), target, 0)
    assert {finding.column for finding in found if finding.severity == "excluded"} == {"^.*$", "a 'b'\n"}
    assert any("--keep '^.*$'" in finding.action for finding in found)


def test_each_label_of_several_is_judged(binary):
    frame, target = binary
    random = np.random.default_rng(1)
    other = (frame["noise"].to_numpy() + random.normal(0, 0.5, 1000) > 0).astype(np.int64)
    problem = replace(
        Problem.of(["a", "b"]).resolved(Task.MULTILABEL, "auto", ()), label_classes=((0, 1), ("no", "yes"))
    )
    frame = frame.with_columns(pl.Series("leak", np.where(other, "on", "off")))
    found = find_leaks(frame, _schema(frame), problem, np.stack([target, other], axis=1), seed=0)
    excluded = [finding for finding in found if finding.severity == "excluded"]
    assert [(finding.column, finding.evidence["target"]) for finding in excluded] == [("leak", "b")]
    unknown = np.where(random.random(1000) < 0.2, np.nan, other)
    found = find_leaks(frame, _schema(frame), problem, np.stack([target, unknown], axis=1), seed=0)
    assert [finding.column for finding in found if finding.severity == "excluded"] == ["leak"]


def test_quantiles_are_judged_like_values():
    random = np.random.default_rng(3)
    size = random.normal(size=600)
    target = size + 0.5 * random.normal(size=600)
    frame = pl.DataFrame({"size": size, "leak": target * 2 + 1})
    problem = replace(Problem.of("y").resolved(Task.QUANTILE, "pinball", ()), quantiles=(0.1, 0.9))
    for values in (target, target[:, None]):
        found = find_leaks(frame, _schema(frame), problem, values, seed=0)
        assert [(finding.column, finding.severity) for finding in found] == [("leak", "excluded")]


def test_equal_seeds_find_the_same(binary):
    frame, target = binary
    first, second = (
        [finding.to_dict() for finding in find_leaks(frame, _schema(frame), _problem(Task.BINARY), target, 3)]
        for _ in range(2)
    )
    assert first == second


def test_the_only_predictor_is_kept():
    random = np.random.default_rng(0)
    numbers = random.random(800)
    frame = pl.DataFrame({"a": numbers, "b": random.random(800), "c": random.random(800)})
    target = (numbers > 0.5).astype(np.int64)
    findings = find_leaks(frame, _schema(frame), _problem(Task.BINARY), target, seed=0)
    assert [(finding.column, finding.severity) for finding in findings] == [("a", "warning")]
    assert "No other column predicts the target" in findings[0].message
    assert _leaks(frame, Task.REGRESSION, 2 * numbers + 1) == {"a": "warning"}


@pytest.mark.parametrize(
    ("load", "task"),
    [(load_iris, Task.MULTICLASS), (load_wine, Task.MULTICLASS), (load_breast_cancer, Task.BINARY)],
)
def test_strong_predictors_of_real_classes_are_not_excluded(load, task):
    bunch = load()
    frame = pl.DataFrame(bunch.data, schema=[str(name) for name in bunch.feature_names])
    assert "excluded" not in _leaks(frame, task, bunch.target).values()


def test_classes_that_one_flower_measure_parts_are_not_a_certain_leak():
    bunch = load_iris()
    rows = bunch.target < 2
    frame = pl.DataFrame(bunch.data[rows], schema=[str(name) for name in bunch.feature_names])
    assert _leaks(frame, Task.BINARY, bunch.target[rows])["petal length (cm)"] == "warning"


@pytest.mark.parametrize(
    ("leak", "severity"),
    [
        (lambda y, r: y * 0.92, "excluded"),
        (lambda y, r: np.log(y), "excluded"),
        (lambda y, r: y.round(1), "excluded"),
        (lambda y, r: np.where(r.random(len(y)) < 0.05, np.nan, y), "excluded"),
        (lambda y, r: y * r.normal(1, 0.03, len(y)), "excluded"),
        (lambda y, r: y * r.normal(1, 0.1, len(y)), "warning"),
        (lambda y, r: y * r.normal(1, 0.3, len(y)), None),
        (lambda y, r: y * r.normal(1, 1.5, len(y)), None),
        (lambda y, r: np.where(r.random(len(y)) < 0.9, np.nan, y), None),
    ],
    ids=[
        "other currency",
        "logarithm",
        "rounded",
        "some missing",
        "3% off",
        "10% off",
        "30% off",
        "150% off",
        "rarely known",
    ],
)
def test_columns_that_follow_a_value(leak, severity):
    random = np.random.default_rng(3)
    size = random.normal(size=1500)
    target = np.exp(size + 0.5 * random.normal(size=1500)) * 100
    frame = pl.DataFrame({"size": size, "leak": leak(target, random), "noise": random.normal(size=1500)})
    assert _leaks(frame, Task.REGRESSION, target).get("leak") == severity


def test_codes_that_stand_for_values_are_excluded():
    random = np.random.default_rng(4)
    band = random.integers(0, 20, 2000)
    values = random.permutation(20) * 10.0
    frame = pl.DataFrame(
        {"band": [f"band {code}" for code in band], "near": values[band] + random.normal(0, 40, 2000)}
    )
    assert _leaks(frame, Task.REGRESSION, values[band]) == {"band": "excluded"}


def test_real_values_have_no_leak():
    bunch = load_diabetes()
    frame = pl.DataFrame(bunch.data, schema=list(bunch.feature_names))
    assert _leaks(frame, Task.REGRESSION, bunch.target) == {}


def test_a_u_shaped_relation_is_seen():
    random = np.random.default_rng(5)
    offset = random.uniform(-1, 1, 4000)
    frame = pl.DataFrame({"offset": offset, "other": random.normal(size=4000)})
    assert _leaks(frame, Task.REGRESSION, offset**2 + random.normal(0, 0.01, 4000))["offset"] != "excluded"
    assert "offset" in _leaks(frame, Task.BINARY, (np.abs(offset) > 0.5).astype(np.int64))


def test_a_rare_class_is_judged_on_all_of_its_rows():
    target = np.zeros(60_000, dtype=np.int64)
    target[:60] = 1
    random = np.random.default_rng(6)
    frame = pl.DataFrame({"closed": target == 1, "age": random.normal(size=60_000) + target})
    assert _leaks(frame, Task.BINARY, target) == {"closed": "excluded"}


def test_ids_are_reported_and_small_tables_left_alone():
    frame = pl.DataFrame({"key": ["a", "b", "c"] * 3, "x": [0, 1, 0] * 3})
    schema = _schema(frame, key=Role.ID)
    findings = find_leaks(frame, schema, _problem(Task.BINARY), np.array([0, 1, 0] * 3), seed=0)
    assert [(finding.check, finding.column) for finding in findings] == [("id", "key")]


def test_many_leaks_are_summed_up():
    random = np.random.default_rng(7)
    target = random.integers(0, 2, 300)
    near = {f"c{number}": target * 3.3 + random.normal(size=300) for number in range(60)}
    frame = pl.DataFrame(near)
    findings = find_leaks(frame, _schema(frame), _problem(Task.BINARY), target, seed=0)
    assert len(findings) == 31
    assert findings[-1].column is None
    assert "more columns" in findings[-1].message


def test_wide_tables_are_judged_at_once():
    random = np.random.default_rng(8)
    target = random.integers(0, 2, 200)
    wide = pl.DataFrame(random.normal(size=(200, 10_000))).with_columns(
        pl.Series("leak", np.where(target, "y", "n"))
    )
    wide = wide.with_columns(pl.Series("hint", target + random.normal(size=200)))
    schema = _schema(wide)
    begin = time.process_time()
    findings = find_leaks(wide, schema, _problem(Task.BINARY), target, seed=0)
    # A learner for each column would take minutes; the bound only tells these two apart.
    assert time.process_time() - begin < 20
    assert [(finding.column, finding.severity) for finding in findings] == [("leak", "excluded")]
