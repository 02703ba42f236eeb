"""Copies of rows: held together where the table is made of them, left alone where they come by chance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelwright.automl.prepare import prepare
from modelwright.automl.request import TrainRequest
from modelwright.core import Column, Kind, Problem, Schema, Task
from modelwright.validation import copies_as_groups

BINARY = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
VALUES = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())


def _measured(rows: int, columns: int, seed: int = 0) -> pl.DataFrame:
    values = np.random.default_rng(seed).normal(size=(rows, columns))
    return pl.DataFrame({f"x{i}": values[:, i] for i in range(columns)})


def _schema(frame: pl.DataFrame) -> Schema:
    return Schema(tuple(Column(name, Kind.NUMERIC) for name in frame.columns))


@pytest.mark.parametrize("problem", [BINARY, VALUES])
def test_a_table_that_was_repeated_is_divided_by_distinct_rows(problem: Problem) -> None:
    once = _measured(60, 4)
    frame = pl.concat([once] * 5)
    target = np.tile(np.arange(60) % 2, 5)
    found = copies_as_groups(frame, _schema(frame), target, problem)
    assert found is not None
    groups, finding = found
    assert len(np.unique(groups)) == 60
    assert all(len(set(groups[row::60])) == 1 for row in range(60))
    assert finding.evidence["rows"] == 300


def test_copies_whose_targets_differ_are_no_copies_of_a_row() -> None:
    frame = pl.concat([_measured(60, 4)] * 5)
    target = np.random.default_rng(1).integers(0, 2, 300)
    assert copies_as_groups(frame, _schema(frame), target, BINARY) is None


def test_few_copies_may_come_with_new_data_too() -> None:
    once = _measured(100, 4)
    frame = pl.concat([once, once.head(30)])
    target = np.concatenate([np.arange(100) % 2, np.arange(30) % 2])
    assert copies_as_groups(frame, _schema(frame), target, BINARY) is None


def test_rows_of_a_few_answers_agree_by_chance() -> None:
    answers = np.random.default_rng(0).integers(0, 3, (400, 3))
    frame = pl.DataFrame({f"x{i}": answers[:, i] for i in range(3)})
    target = (answers.sum(axis=1) > 2).astype(np.int64)
    assert copies_as_groups(frame, _schema(frame), target, BINARY) is None


def test_a_run_never_divides_copies() -> None:
    once = _measured(80, 4).with_columns(y=pl.Series(np.tile(["a", "b"], 40)))
    table = pl.concat([once] * 3).sample(fraction=1.0, shuffle=True, seed=0)
    prepared = prepare(TrainRequest(data=table, target="y"))
    rows = table.drop("y").hash_rows().to_numpy()
    for train, valid in zip(prepared.data.folds.train, prepared.data.folds.valid, strict=True):
        assert not set(rows[train]) & set(rows[valid])
    checks = [finding.check for finding in prepared.findings]
    assert "copies" in checks
    assert "duplicates" not in checks


@pytest.mark.parametrize(("positives", "folds"), [(9, 4), (18, 6), (60, 8)])
def test_a_rare_class_gets_fewer_folds(positives: int, folds: int) -> None:
    frame = _measured(900, 3).with_columns(y=pl.Series(["no"] * (900 - positives) + ["yes"] * positives))
    prepared = prepare(TrainRequest(data=frame, target="y"))
    target = prepared.data.target
    assert prepared.data.folds.count == folds
    assert min(int((target[valid] == 1).sum()) for valid in prepared.data.folds.valid) >= 2
