"""Copies of rows: across folds, and with different targets."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelwright.core import Column, Kind, Problem, Role, Schema, Task
from modelwright.validation import Folds, find_duplicates, make_folds

FRAME = pl.DataFrame(
    {"x": [1.0, 1.0, 2.0, None, None, 3.0], "s": ["a", "a", "b", "c", "c", "d"], "key": range(6)}
)
SCHEMA = Schema(
    (Column("x", Kind.NUMERIC), Column("s", Kind.CATEGORICAL), Column("key", Kind.NUMERIC, Role.ID))
)


def _folds(*valid: list[int]) -> Folds:
    rows = set(range(6))
    return Folds(
        tuple(np.array(sorted(rows - set(part))) for part in valid),
        tuple(np.array(part) for part in valid),
        "kfold",
        "",
    )


def test_copies_in_different_folds_are_counted():
    (finding,) = find_duplicates(FRAME, SCHEMA, np.array([0, 0, 1, 1, 1, 0]), _folds([0, 2, 3], [1, 4, 5]))
    assert finding.check == "duplicates"
    assert finding.severity == "warning"
    assert finding.evidence["rows"] == 4
    assert finding.evidence["crossing_rows"] == 4
    assert finding.evidence["validated_rows"] == 6
    assert finding.evidence["target_likeness"] == 1.0
    assert sorted(finding.evidence["examples"]) == [[0, 1], [3, 4]]


def test_copies_in_the_same_fold_do_no_harm():
    assert find_duplicates(FRAME, SCHEMA, np.array([0, 0, 1, 1, 1, 0]), _folds([0, 1, 2], [3, 4, 5])) == []


def test_rows_never_validated_are_not_counted():
    (finding,) = find_duplicates(FRAME, SCHEMA, np.array([0, 0, 1, 1, 1, 0]), _folds([0, 2]))
    assert (finding.evidence["crossing_rows"], finding.evidence["validated_rows"]) == (1, 2)


def test_conflicting_targets_are_reported_for_classes_and_values():
    folds = _folds([0, 1, 2], [3, 4, 5])
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    for target in (np.array([0, 1, 1, 0, 0, 0]), np.array([0.5, 0.25, 1.0, 2.0, 2.0, 3.0])):
        (finding,) = find_duplicates(FRAME, SCHEMA, target, folds, problem)
        assert finding.check == "conflicting_targets"
        assert finding.column == "y"
        assert finding.evidence == {"rows": 2, "groups": 1}


def test_few_copies_are_only_mentioned():
    random = np.random.default_rng(0)
    numbers = random.normal(size=1000)
    numbers[1] = numbers[0]
    frame, schema = pl.DataFrame({"x": numbers}), Schema((Column("x", Kind.NUMERIC),))
    folds = Folds((np.arange(1, 1000),), (np.arange(1),), "holdout", "")
    whole = Folds(
        (np.arange(500, 1000), np.arange(0, 1000, 2)), (np.arange(500), np.arange(1, 1000, 2)), "k", ""
    )
    target = random.normal(size=1000)
    target[1] = target[0]
    assert find_duplicates(frame, schema, target, whole)[0].severity == "info"
    assert find_duplicates(frame, schema, target, folds)[0].severity == "warning"


def test_copies_whose_targets_differ_flatter_nothing():
    target = np.array([0, 1, 1, 0, 1, 0])
    finding, _ = find_duplicates(FRAME, SCHEMA, target, _folds([0, 2, 3], [1, 4, 5]))
    assert finding.evidence["target_likeness"] < 0
    assert (finding.severity, finding.action) == ("info", "")
    assert "no more alike" in finding.message
    assert "-" not in finding.message


@pytest.mark.parametrize("group", [None, "shop"])
def test_advice_knows_the_group_that_was_named(group):
    problem = Problem.of("y", group=group).resolved(Task.BINARY, "roc_auc", (0, 1))
    target = np.array([0, 0, 1, 1, 1, 0])
    (finding,) = find_duplicates(FRAME, SCHEMA, target, _folds([0, 2, 3], [1, 4, 5]), problem)
    assert ("which 'shop' does not" in finding.action) == (group is not None)
    random = np.random.default_rng(1)
    frame, schema = _measured(400, 6, 0)
    frame = pl.concat([frame, frame[:60].with_columns(x3=pl.Series(random.normal(size=60)))])
    target = np.concatenate([values := random.integers(0, 2, 400), values[:60]])
    folds = make_folds(problem, target, count=5, seed=0, groups=np.arange(460) % 7)
    near = {found.check: found for found in find_duplicates(frame, schema, target, folds, problem)}
    assert ("'shop' does not hold them" in near["near_duplicates"].action) == (group is not None)


def test_no_copies_no_features_no_rows():
    target = np.arange(20) % 2
    frame = pl.DataFrame({"x": np.arange(20.0)})
    folds = make_folds(Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1)), target, count=2, seed=0)
    assert find_duplicates(frame, Schema((Column("x", Kind.NUMERIC),)), target, folds) == []
    assert find_duplicates(frame, Schema((Column("x", Kind.NUMERIC, Role.ID),)), target, folds) == []


def _measured(rows: int, columns: int, seed: int) -> tuple[pl.DataFrame, Schema]:
    numbers = np.random.default_rng(seed).normal(size=(rows, columns))
    frame = pl.DataFrame({f"x{i}": numbers[:, i] for i in range(columns)})
    return frame, Schema(tuple(Column(name, Kind.NUMERIC) for name in frame.columns))


def _checks(frame: pl.DataFrame, schema: Schema, target: np.ndarray) -> dict[str, dict[str, object]]:
    task = Task.BINARY if target.dtype.kind == "i" else Task.REGRESSION
    problem = Problem.of("y").resolved(task, "auto", (0, 1) if task is Task.BINARY else ())
    folds = make_folds(problem, target, count=5, seed=0)
    found = find_duplicates(frame, schema, target, folds, problem)
    return {finding.check: dict(finding.evidence) for finding in found}


@pytest.mark.parametrize("changed", ["one column", "a rounding"])
def test_near_copies_across_folds_are_found(changed):
    random = np.random.default_rng(1)
    frame, schema = _measured(400, 6, 0)
    again = frame[:60]
    if changed == "one column":
        again = again.with_columns(x3=pl.Series(random.normal(size=60)))
    else:
        again = again.with_columns(pl.all() + 1e-7)
    frame = pl.concat([frame, again])
    target = np.concatenate([values := random.normal(size=400), values[:60]])
    found = _checks(frame, schema, target)
    evidence = found["near_duplicates"]
    assert 100 < evidence["rows"] <= 120
    assert evidence["chance_rows"] == 0
    assert evidence["target_likeness"] == 1.0
    assert all(abs(first - second) == 400 for first, second in evidence["examples"])
    assert "duplicates" not in found


def test_near_copies_with_unrelated_targets_flatter_nothing():
    random = np.random.default_rng(2)
    frame, schema = _measured(400, 6, 0)
    frame = pl.concat([frame, frame[:60].with_columns(x3=pl.Series(random.normal(size=60)))])
    assert _checks(frame, schema, random.integers(0, 2, 460)) == {}


def test_a_grid_of_settings_has_no_near_copies():
    levels = np.array(np.meshgrid(*[range(4)] * 5)).reshape(5, -1).T
    frame = pl.DataFrame({f"s{i}": levels[:, i].astype(str) for i in range(5)})
    schema = Schema(tuple(Column(name, Kind.CATEGORICAL) for name in frame.columns))
    assert "near_duplicates" not in _checks(frame, schema, (levels.sum(axis=1) > 7).astype(np.int64))


def test_copies_of_rows_with_several_labels():
    problem = Problem.of(["a", "b"])
    target = np.array([[0, 1], [0, 1], [1, 1], [1, 0], [1, 1], [0, 0]])
    found = find_duplicates(FRAME, SCHEMA, target, _folds([0, 2, 3], [1, 4, 5]), problem)
    assert [finding.check for finding in found] == ["duplicates", "conflicting_targets"]
    assert found[1].evidence == {"rows": 2, "groups": 1}
