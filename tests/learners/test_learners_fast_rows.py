"""The ways that a single row goes through trees say what the usual ways say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelwright.core import Task, View
from modelwright.learners import LEARNERS
from modelwright.learners.boosted_trees import BoostedTrees
from modelwright.learners.catboost import FittedCatBoost
from modelwright.learners.lightgbm import FittedLightGBM
from modelwright.learners.tree_ensemble import FittedForest
from modelwright.learners.tree_walk import TreeWalk
from modelwright.testing import LearningTable, make_learning_table

THRESHOLDS = [
    -np.inf,
    -3.4028234663852886e38,
    -1.0,
    -0.0,
    0.0,
    1e-45,
    0.1,
    1.0,
    3.4028234663852886e38,
    np.inf,
]
CELLS = np.array([np.nan, *THRESHOLDS[1:-1], 2.0], np.float32)


def random_trees(rng: np.random.Generator, kind: type[np.floating[Any]], columns: int = 3) -> BoostedTrees:
    """A round of trees of 7 nodes, a leaf and a stump among them, with thresholds at the ends of numbers."""
    shapes = {
        1: ([-1], [-1]),
        3: ([1, -1, -1], [2, -1, -1]),
        7: ([1, 3, 5, -1, -1, -1, -1], [2, 4, 6, -1, -1, -1, -1]),
    }
    sizes = [1, 3, *[7] * 18]
    left = np.concatenate([shapes[size][0] for size in sizes]).astype(np.int32)
    right = np.concatenate([shapes[size][1] for size in sizes]).astype(np.int32)
    inner = left >= 0
    value = np.where(inner, rng.choice(THRESHOLDS, len(left)), rng.normal(size=len(left))).astype(kind)
    trees = BoostedTrees(
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        left=left,
        right=right,
        feature=np.where(inner, rng.integers(0, columns, len(left)), 0).astype(np.int32),
        value=value,
        missing_left=rng.random(len(left)) < 0.5,
        cover=np.ones(len(left), np.float32),
        prior=np.zeros(1),
        features=columns,
    )
    assert not trees.complaint()
    return trees


def leaf(trees: BoostedTrees, tree: int, row: np.ndarray, *, strict: bool) -> Any:
    """One tree, one node after the other."""
    start, node = int(trees.starts[tree]), 0
    while trees.left[start + node] >= 0:
        place = start + node
        cell, threshold = trees.value.dtype.type(row[trees.feature[place]]), trees.value[place]
        goes_left = cell < threshold if strict else cell <= threshold
        if np.isnan(cell):
            goes_left = trees.missing_left[place]
        node = int(trees.left[place] if goes_left else trees.right[place])
    return trees.value[start + node]


@pytest.mark.parametrize(("strict", "kind"), [(True, np.float32), (False, np.float64)])
def test_a_walk_ends_where_single_trees_end(strict: bool, kind: type[np.floating[Any]]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(4):
        trees = random_trees(rng, kind)
        walk = TreeWalk(trees, strict=strict)
        for row in rng.choice(CELLS, (25, trees.features)):
            found = [leaf(trees, tree, row, strict=strict) for tree in range(trees.trees)]
            assert walk.leaves(row).tolist() == found


def fitted(name: str, table: LearningTable, **config: Any) -> Any:
    learner = LEARNERS.load(name)()
    return learner.fit(replace(table.task(), config=config)).model


def rows_of(view: View) -> list[View]:
    return [view.take(slice(row, row + 1)) for row in range(0, view.rows, 3)]


def odd(view: View) -> View:
    """Missing values, levels that no training row has, numbers at the ends of their type."""
    rng = np.random.default_rng(1)
    numeric = np.where(
        rng.random(view.numeric.shape) < 0.3, rng.choice(CELLS, view.numeric.shape), view.numeric
    )
    codes = rng.integers(0, 6, view.categorical.shape).astype(np.int32)
    return replace(view, numeric=numeric.astype(np.float32), categorical=codes)


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
@pytest.mark.parametrize("depth", [4, 9])
def test_symmetric_trees_say_what_catboost_says(task: Task, depth: int) -> None:
    table = make_learning_table(task, rows=240)
    codes = table.view.categorical.copy()
    codes[codes == 5] = 1  # a level that only other rows have
    model = fitted(
        "catboost", replace(table, view=replace(table.view, categorical=codes)), rounds=8, depth=depth
    )
    assert isinstance(model, FittedCatBoost)
    assert model._row_trees is not None
    assert model._row_trees.size_bytes > 0
    view = odd(table.view)
    whole = model.predict(view).array
    for row, alone in zip(range(0, view.rows, 3), rows_of(view), strict=True):
        np.testing.assert_allclose(model.predict(alone).array[0], whole[row], rtol=1e-12, atol=1e-12)


def test_missing_numbers_may_be_the_largest() -> None:
    import catboost as cb

    from modelwright.learners.catboost_row import read_symmetric_trees

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 3)).astype(np.float32)
    numbers[rng.random(numbers.shape) < 0.2] = np.nan
    target = np.where(np.isnan(numbers[:, 0]), 3.0, numbers[:, 1])
    model = cb.CatBoost({"iterations": 10, "nan_mode": "Max", "logging_level": "Silent", "thread_count": 1})
    model.fit(cb.Pool(numbers, np.nan_to_num(target)))
    trees = read_symmetric_trees(model, 3, np.zeros(0, np.int64))
    assert trees is not None
    assert trees.high.any()
    alone = [trees.sums(row, np.zeros(0, np.int32))[0] for row in numbers]
    np.testing.assert_allclose(alone, model.predict(numbers), rtol=1e-12)


@pytest.mark.parametrize("config", [{"grow_policy": "Depthwise"}, {"one_hot_max_size": 2}])
def test_other_trees_are_left_to_catboost(config: dict[str, Any]) -> None:
    table = make_learning_table(Task.BINARY, rows=240, numeric=1)
    model = fitted("catboost", table, rounds=30, **config)
    assert model._row_trees is None
    whole = model.predict(table.view).array
    assert np.array_equal(model.predict(table.view.take(slice(7, 8))).array[0], whole[7])


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_lightgbm_reads_a_row_as_it_reads_a_table(task: Task) -> None:
    table = make_learning_table(task, rows=240)
    model = fitted("lightgbm", table, rounds=12)
    assert isinstance(model, FittedLightGBM)
    assert model._row_booster is not None
    view = odd(table.view)
    whole = model.predict(view).array
    for row, alone in zip(range(0, view.rows, 3), rows_of(view), strict=True):
        assert np.array_equal(model.predict(alone).array[0], whole[row])


def test_a_row_of_another_width_never_reaches_lightgbm() -> None:
    model = fitted("lightgbm", make_learning_table(Task.BINARY, rows=240), rounds=3)
    booster = model._row_booster
    assert booster.predict(np.zeros(5, np.float32)) is None
    assert booster.predict(np.zeros(6, np.float64)) is None
    assert booster.predict(np.zeros(12, np.float32)[::2]) is None
    assert booster.predict(np.zeros(6, np.float32)).shape == (1,)


@pytest.mark.parametrize("name", ["extra_trees", "random_forest"])
@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_forests_say_together_what_each_says(name: str, task: Task) -> None:
    table = make_learning_table(task, rows=240)
    learner = LEARNERS.load(name)()
    parts = [np.arange(100), np.arange(50, 200), np.arange(20, 240, 2)]
    tasks = [
        replace(table.task(), train_rows=rows, seed=seed, config={"trees": 5 + seed})
        for seed, rows in enumerate(parts)
    ]
    models = [learner.fit(each).model for each in tasks]
    view = odd(table.view)
    alone = [[model.predict(row).array for model in models] for row in rows_of(view)]
    together = FittedForest.together(models)
    assert together is not None
    for row, each in zip(rows_of(view), alone, strict=True):
        said = [predictions.array for predictions in together(row)]
        assert all(np.array_equal(one, other) for one, other in zip(said, each, strict=True))
    # the bag took the place of the arrays of each
    assert len({id(model.forest.child.base) for model in models}) == 1
    again = [model.predict(view.take(slice(0, 1))).array for model in models]
    assert all(np.array_equal(one, other) for one, other in zip(again, alone[0], strict=True))


def test_forests_that_say_quantiles_go_alone() -> None:
    model = fitted("extra_trees", make_learning_table(Task.QUANTILE, rows=240), trees=5)
    assert FittedForest.together([model, model]) is None
    assert FittedForest.together([]) is None
