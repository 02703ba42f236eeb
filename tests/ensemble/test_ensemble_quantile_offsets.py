"""Offsets that put predicted quantiles where they should lie, and groups of rows that stay together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core import FeatureInfo, Problem, Task, View, ViewInfo
from modelwright.ensemble import (
    Ensemble,
    FoldData,
    fit_offsets,
    moved,
    open_fold_data,
    write_fold_data,
)
from modelwright.validation import make_folds

LEVELS = (0.1, 0.5, 0.9)


def test_shares_below_are_the_levels_and_rows_ascend() -> None:
    random = np.random.default_rng(0)
    target = random.normal(size=2_000)
    weights = random.uniform(0.2, 3.0, 2_000)
    narrow = np.tile([-0.5, 0.1, 0.5], (2_000, 1)) + random.normal(0, 0.3, (2_000, 1))
    for mass in (None, weights):
        array = narrow + np.asarray(fit_offsets(narrow, target, LEVELS, mass))
        below = np.average(target[:, None] <= array, axis=0, weights=mass)
        np.testing.assert_allclose(below, LEVELS, atol=0.003)
    assert moved(np.array([[0.0, 0.1, 0.2]]), (0.0, 0.5, 0.0)).tolist() == [[0.0, 0.2, 0.6]]


def test_too_few_rows_move_nothing() -> None:
    array = np.zeros((150, 3))
    assert fit_offsets(array, np.arange(150.0), LEVELS) == ()
    assert moved(array, ()) is array


@pytest.mark.parametrize(
    ("task", "offsets"),
    [
        ("quantile", [0.0, float("nan"), 0.0]),
        ("quantile", [0.0, 1.0]),
        ("quantile", ["a", "b", "c"]),
        ("regression", [1.0]),
        ("quantile", None),
    ],
)
def test_damaged_offsets_are_refused(tmp_path: Path, task: str, offsets: object) -> None:
    member = {"trial": 0, "label": "a", "learner": "linear", "weight": 1.0, "models": ["m"], "config": {}}
    record = {"task": task, "members": [member], "calibration": None, "utility": None, "offsets": offsets}
    with pytest.raises((ValueError, TypeError)):
        Ensemble.from_dict(tmp_path, record).require_outputs(3)


@pytest.mark.parametrize("grouped", [True, False])
def test_groups_go_along_with_the_data_of_a_run(tmp_path: Path, grouped: bool) -> None:
    rows = 60
    info = ViewInfo((FeatureInfo("x", "x", "value"),), ())
    view = View(np.zeros((rows, 1), np.float32), np.zeros((rows, 0), np.int32), info)
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    target = np.arange(float(rows))
    groups = np.arange(rows) // 5 if grouped else None
    folds = make_folds(problem, target, count=4, seed=0, groups=groups)
    write_fold_data(FoldData(problem, view, target, None, folds, "id", groups), tmp_path)
    found = open_fold_data(tmp_path).groups
    if groups is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, groups)
