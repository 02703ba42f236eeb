"""Copies of rows: across folds, and with different targets."""

from __future__ import annotations

import numpy as np
import polars as pl

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
    assert finding.evidence == {"rows": 4, "crossing_rows": 4, "validated_rows": 6}


def test_copies_in_the_same_fold_do_no_harm():
    assert find_duplicates(FRAME, SCHEMA, np.array([0, 0, 1, 1, 1, 0]), _folds([0, 1, 2], [3, 4, 5])) == []


def test_rows_never_validated_are_not_counted():
    (finding,) = find_duplicates(FRAME, SCHEMA, np.array([0, 0, 1, 1, 1, 0]), _folds([0, 2]))
    assert finding.evidence == {"rows": 4, "crossing_rows": 1, "validated_rows": 2}


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
    assert find_duplicates(frame, schema, np.zeros(1000), whole)[0].severity == "info"
    assert find_duplicates(frame, schema, np.zeros(1000), folds)[0].severity == "warning"


def test_no_copies_no_features_no_rows():
    target = np.arange(20) % 2
    frame = pl.DataFrame({"x": np.arange(20.0)})
    folds = make_folds(Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1)), target, count=2, seed=0)
    assert find_duplicates(frame, Schema((Column("x", Kind.NUMERIC),)), target, folds) == []
    assert find_duplicates(frame, Schema((Column("x", Kind.NUMERIC, Role.ID),)), target, folds) == []
