"""Additive models: the tables are exactly the trees, and effects stand where they belong."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelwright.core import BundleError, FeatureInfo, FitTask, Problem, Task, View, ViewInfo
from modelwright.learners import LEARNERS
from modelwright.learners.additive_model import FittedAdditive
from modelwright.learners.additive_pairs import find_pairs, loss_derivatives
from modelwright.learners.additive_purify import purified
from modelwright.learners.additive_tables import AdditiveTables, add_tables, axis_of
from modelwright.learners.additive_trees import tables_of_trees
from modelwright.learners.objectives import Objective
from modelwright.testing.learning_tables import TASKS, make_learning_table

CONFIG = {"rounds": 40, "pairs": 3}


def _boosted(view: View, target: np.ndarray, **extra: object) -> tuple[AdditiveTables, np.ndarray]:
    """Tables of a booster's trees, and what the booster itself says."""
    import lightgbm as lgb

    width, numbers = view.numeric.shape[1] + view.categorical.shape[1], view.numeric.shape[1]
    matrix = np.concatenate([view.numeric, view.categorical.astype(np.float32)], axis=1)
    data = lgb.Dataset(matrix, target, categorical_feature=list(range(numbers, width)))
    # several pairs with a column in common: branches of one tree go on with different columns
    pairs = [[first, second] for first in range(width) for second in range(first)]
    common = {
        "interaction_constraints": pairs,
        "num_leaves": 6,
        "verbosity": -1,
        "num_threads": 1,
        "min_data_in_leaf": 5,
    }
    booster = lgb.train({**common, "min_data_per_group": 5, **extra}, data, 30)
    outputs = booster.num_model_per_iteration()
    tables = tables_of_trees(booster.dump_model()["tree_info"], outputs, view)
    return tables, booster.predict(matrix, raw_score=True).reshape(view.rows, outputs)


@pytest.mark.parametrize(
    ("task", "extra"),
    [
        (Task.BINARY, {"objective": "binary"}),
        (Task.MULTICLASS, {"objective": "multiclass", "num_class": 3}),
        (Task.REGRESSION, {"objective": "regression", "extra_trees": True}),
    ],
)
def test_tables_say_what_the_trees_say(task: Task, extra: dict[str, object]) -> None:
    table = make_learning_table(task, rows=400)
    tables, said = _boosted(table.view, table.target, **extra)
    assert any(len(term.axes) == 2 for term in tables.terms)
    np.testing.assert_allclose(tables.sums(table.view), said, rtol=0, atol=1e-9 * np.abs(said).max())


def test_purified_says_the_same_and_keeps_effects_apart() -> None:
    table = make_learning_table(Task.REGRESSION, rows=400)
    rows, weights = np.arange(300), np.linspace(0.5, 2.0, 400)
    tables, _ = _boosted(table.view, table.target, objective="regression")
    pure = purified(tables, table.view, rows, weights, unseen=False)
    np.testing.assert_allclose(pure.sums(table.view), tables.sums(table.view), rtol=1e-9)
    sums = pure.sums(table.view.take(rows))[:, 0]
    assert pure.intercept[0] == pytest.approx(np.average(sums, weights=weights[rows]))
    for term in pure.terms:
        assert term.weights.sum() == pytest.approx(1.0)
        for side in range(len(term.axes)):
            # a pair says nothing about one of its columns alone, and every term is zero on average
            other = tuple({0, 1} - {side}) if len(term.axes) == 2 else (0,)
            mean = (term.values[..., 0] * term.weights).sum(axis=other)
            np.testing.assert_allclose(mean, 0.0, atol=1e-6 * np.abs(term.values).max())


def test_the_mean_of_models_is_a_model() -> None:
    tables = [make_learning_table(Task.MULTICLASS, rows=300, seed=seed) for seed in (0, 1, 2)]
    parts = [_boosted(each.view, each.target, objective="multiclass", num_class=3)[0] for each in tables]
    mean = add_tables(parts, 1 / 3)
    view = make_learning_table(Task.MULTICLASS, rows=200, seed=9).view
    expected = np.mean([part.sums(view) for part in parts], axis=0)
    np.testing.assert_allclose(mean.sums(view), expected, atol=1e-12)


def _crossed(rows: int = 800) -> tuple[View, np.ndarray]:
    """The target is the product of the first two columns; the others are noise."""
    random = np.random.default_rng(3)
    numbers = random.normal(size=(rows, 4)).astype(np.float32)
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(4)), ())
    return View(numbers, np.zeros((rows, 0), np.int32), info), np.float64(numbers[:, 0] * numbers[:, 1])


def _task(view: View, target: np.ndarray, **more: object) -> FitTask:
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    rows = np.arange(view.rows)
    cut = view.rows * 3 // 4
    return FitTask(view, target, rows[:cut], rows[cut:], problem, **more)  # type: ignore[arg-type]


def test_interacting_columns_are_found() -> None:
    view, target = _crossed()
    axes = [axis_of(view, column, np.array([0.0])) for column in range(4)]
    nothing = AdditiveTables(4, (), np.zeros(1), ())
    singles = replace(nothing, terms=tuple(add_tables([_flat(axis)]).terms[0] for axis in axes))
    residuals = loss_derivatives(Objective("squared"), np.zeros((view.rows, 1)), target, None)
    assert find_pairs(singles, view, np.arange(view.rows), residuals, 1) == [(0, 1)]


def _flat(axis: object) -> AdditiveTables:
    from modelwright.learners.additive_tables import Term

    return AdditiveTables(4, (), np.zeros(1), (Term.empty((axis,), 1),))  # type: ignore[arg-type]


def test_pairs_are_worth_it_where_columns_interact() -> None:
    view, target = _crossed()
    learner, errors = LEARNERS.load("additive_boosting")(), []
    for pairs in (0, 2):
        fitted = learner.fit(_task(view, target, config={"pairs": pairs, "rounds": 200}))
        said = fitted.model.predict(view).array[600:]
        errors.append(float(np.mean((said - target[600:]) ** 2)))
    assert errors[1] < 0.5 * errors[0]
    assert (0, 1) in {term.columns for term in fitted.model.tables.terms}


def test_predictions_keep_their_direction() -> None:
    view, target = _crossed()
    task = _task(view, target + view.numeric[:, 2], config={"rounds": 60})
    task = replace(task, problem=replace(task.problem, monotonic=(("n0", 1),)))
    model = LEARNERS.load("additive_boosting")().fit(task).model
    rows = view.take(slice(0, 20))
    steps = []
    for value in np.linspace(-3, 3, 25):
        moved = rows.numeric.copy()
        moved[:, 0] = value
        steps.append(model.predict(replace(rows, numeric=moved)).array)
    assert np.diff(steps, axis=0).min() >= -1e-9
    assert np.ptp(steps, axis=0).max() > 0


def test_values_that_training_lacked_add_nothing() -> None:
    view, target = _crossed()
    codes = np.full((view.rows, 1), 1, np.int32)
    codes[::2] = 2
    info = replace(view.info, categorical=(FeatureInfo("c", "c", "codes", 4),))
    view = View(view.numeric, codes, info)
    model = LEARNERS.load("additive_boosting")().fit(_task(view, target + codes[:, 0], config=CONFIG)).model
    for term in model.tables.terms:
        cell = 0 if 4 in term.columns and len(term.axes) == 1 else -1
        assert not term.values[cell].any()  # no training row is missing anywhere
    unseen = replace(view.take(slice(0, 1)), numeric=np.full((1, 4), np.nan, np.float32))
    for code in (0, 3):
        said = model.predict(replace(unseen, categorical=np.full((1, 1), code, np.int32))).array
        assert said == pytest.approx(model.tables.intercept)


@pytest.mark.parametrize("task", TASKS)
def test_fold_models_merge_into_their_mean(task: Task) -> None:
    table = make_learning_table(task, rows=240)
    learner = LEARNERS.load("additive_boosting")()
    halves = [np.arange(start, 240, 2) for start in (0, 1)]
    models = [
        learner.fit(replace(table.task(), train_rows=rows, valid_rows=rows[:0], config=CONFIG)).model
        for rows in halves
    ]
    merged = FittedAdditive.merged(models, table.view, None)
    assert merged is not None
    expected = np.mean([model.tables.sums(table.view) for model in models], axis=0)
    np.testing.assert_allclose(merged.tables.sums(table.view), expected, rtol=1e-9, atol=1e-9)
    assert all((term.importance > 0).any() for term in merged.tables.terms)
    assert FittedAdditive.merged([models[0], LEARNERS.load("constant").fitted], table.view, None) is None


def test_predictions_need_no_booster(tmp_path: Path) -> None:
    table = make_learning_table(Task.BINARY, rows=200)
    LEARNERS.load("additive_boosting")().fit(replace(table.task(), config=CONFIG)).model.save(tmp_path)
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from modelwright.core import View, ViewInfo\n"
        "from modelwright.learners.additive_model import FittedAdditive as F\n"
        "view = View(np.ones((3, 4), np.float32), np.ones((3, 2), np.int32), ViewInfo((), ()))\n"
        "print(F.load(Path(sys.argv[1])).predict(view).rows, 'lightgbm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == "3 False\n", done.stderr


def _changed(arrays: dict[str, np.ndarray], name: str, value: np.ndarray) -> dict[str, np.ndarray]:
    return {**arrays, name: value}


def test_tables_that_cannot_be_are_refused() -> None:
    table = make_learning_table(Task.REGRESSION, rows=200)
    tables, _ = _boosted(table.view, table.target, objective="regression")
    good = purified(tables, table.view, np.arange(200), None, unseen=True).arrays()
    assert AdditiveTables.from_arrays(good).arrays().keys() == good.keys()
    bad = [
        _changed(good, "values", good["values"][:-1]),
        _changed(good, "values", np.append(good["values"], 1.0)),
        _changed(good, "values", good["values"] * np.nan),
        _changed(good, "weights", good["weights"][:-1]),
        _changed(good, "edges", -good["edges"]),
        _changed(good, "axis_column", good["axis_column"] + 50),
        _changed(good, "axis_edges", good["axis_edges"] - 1),
        _changed(good, "axis_edges", good["axis_edges"] * -1),
        _changed(good, "term_axes", good["term_axes"] + 1),
        _changed(good, "settings", -good["settings"]),
        _changed(good, "settings", good["settings"] * 2**40),
        _changed(good, "settings", good["settings"][:0]),
        _changed(good, "intercept", good["intercept"][:0]),
        _changed(good, "importance", good["importance"][:, :0]),
        _changed(good, "intercept", good["intercept"].astype(np.float32)),
        {name: array for name, array in good.items() if name != "edges"},
    ]
    for arrays in bad:
        with pytest.raises(BundleError):
            AdditiveTables.from_arrays(arrays)
