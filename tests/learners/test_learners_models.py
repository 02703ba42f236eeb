"""What single learners promise beyond the contract."""

import hashlib
import json
import re
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import BundleError, Deadline, FeatureInfo, Problem, Task, View, ViewInfo
from modelwright.learners import LEARNERS, Choice, Float, Int
from modelwright.learners.lightgbm_text import check_model_text
from modelwright.metrics import problem_metric
from modelwright.testing import LearningTable, make_learning_table

SMALL = {"lightgbm": {"rounds": 30}, "catboost": {"rounds": 15}, "extra_trees": {"trees": 8}}
FITTING = ("linear", "lightgbm", "extra_trees", "catboost")


def make(name):
    return LEARNERS.load(name)()


def fit(name, table, **changes):
    config = {**SMALL.get(name, {}), **changes.pop("config", {})}
    return make(name).fit(replace(table.task(), config=config, **changes))


def with_metric(table, metric):
    return replace(table, problem=replace(table.problem, metric=metric))


def test_asking_for_portfolios_imports_no_engine():
    code = (
        "import sys\n"
        "from modelwright.learners import LEARNERS\n"
        "from modelwright.testing import make_learning_table\n"
        "from modelwright.core import Task\n"
        "table = make_learning_table(Task.BINARY)\n"
        "shape = table.view.shape(2)\n"
        "for name in LEARNERS:\n"
        "    learner = LEARNERS.load(name)()\n"
        "    for candidate in learner.portfolio(table.problem, shape):\n"
        "        learner.estimate(shape, candidate.config)\n"
        "heavy = {'lightgbm', 'catboost', 'sklearn', 'pandas', 'optuna'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=_path()
    )
    assert done.returncode == 0, done.stderr


def _path():
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_constant_takes_what_the_metric_rewards():
    target = np.array([0.0, 1.0, 2.0, 3.0, 94.0])
    view = View(
        np.zeros((5, 1), np.float32), np.zeros((5, 0), np.int32), ViewInfo((FeatureInfo("a", "a", "v"),), ())
    )
    rows = np.arange(5)
    said = {}
    for metric in ("rmse", "mae", "quantile:0.8"):
        table = LearningTable(view, target, Problem.of("y").resolved(Task.REGRESSION, metric, ()))
        task = replace(table.task(), train_rows=rows, valid_rows=rows[:0])
        said[metric] = float(make("constant").fit(task).model.predict(view).array[0])
    assert said["rmse"] == pytest.approx(20.0)
    assert said["mae"] == pytest.approx(2.0)
    assert 3.0 <= said["quantile:0.8"] <= 94.0
    weights = np.array([1.0, 1.0, 1.0, 10.0, 1.0])
    heavy = replace(task, problem=replace(table.problem, metric="mae"), weights=weights)
    assert make("constant").fit(heavy).model.predict(view).array[0] == pytest.approx(3.0)


def test_linear_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    table = make_learning_table(Task.BINARY)
    model = fit("linear", table).model
    task = table.task()
    matrix = model.design.encoder.transform(table.view, dtype=np.float64)
    other = LogisticRegression(C=1.0, tol=1e-8, max_iter=2_000)
    other.fit(matrix[task.train_rows], table.target[task.train_rows])
    assert np.allclose(model.predict(table.view).array, other.predict_proba(matrix), atol=5e-3)


def test_linear_keeps_far_rows_near_the_targets():
    table = make_learning_table(Task.REGRESSION)
    model = fit("linear", table).model
    far = np.full_like(table.view.numeric[:1], 1e30)
    said = model.predict(View(far, table.view.categorical[:1], table.view.info)).array
    spread = np.ptp(table.target)
    assert table.target.min() - spread < said[0] < table.target.max() + spread


@pytest.mark.parametrize("name", FITTING)
def test_many_levels(name):
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 7_001, size=(3_000, 1)).astype(np.int32)
    info = ViewInfo((FeatureInfo("n", "n", "value"),), (FeatureInfo("c", "c", "codes", 7_001),))
    numbers = rng.normal(size=(3_000, 1)).astype(np.float32)
    target = (numbers[:, 0] + (codes[:, 0] % 2) > 0.5).astype(np.int64)
    problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
    table = LearningTable(View(numbers, codes, info), target, problem)
    result = fit(name, table)
    valid = table.task().valid_rows
    assert problem_metric(problem).score(target[valid], result.model.predict(table.view).take(valid)) > 0.8


@pytest.mark.parametrize("name", FITTING)
def test_ten_thousand_columns(name):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 10_000)).astype(np.float32)
    numbers[:, 5] = np.nan
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(10_000)), ())
    target = (numbers[:, 0] > 0).astype(np.int64)
    problem = Problem.of("y").resolved(Task.BINARY, "log_loss", (0, 1))
    table = LearningTable(View(numbers, np.zeros((200, 0), np.int32), info), target, problem)
    first = make(name).portfolio(problem, table.view.shape(2))[0].config
    config = {**first, **({"rounds": 3} if "rounds" in make(name).defaults else SMALL.get(name, {}))}
    array = fit(name, table, config=config).model.predict(table.view).array
    assert array.shape == (200, 2)
    assert np.isfinite(array).all()


@pytest.mark.parametrize("name", ["lightgbm", "extra_trees", "catboost", "linear"])
def test_deadline_on_a_larger_table(name):
    table = make_learning_table(Task.REGRESSION, rows=30_000, numeric=25, categorical=5)
    make(name).fit(replace(make_learning_table(Task.REGRESSION).task(), config=SMALL.get(name, {})))
    began = time.monotonic()
    result = make(name).fit(replace(table.task(), deadline=Deadline.after(1.0)))
    took = time.monotonic() - began
    assert took < 4.0  # far more than needed on an idle machine
    valid = table.task().valid_rows[:2_000]
    error = problem_metric(table.problem).error(
        table.target[valid], result.model.predict(table.view.take(valid))
    )
    assert error < table.target.std()


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_adaptive_fit_raises_the_rate_when_time_is_short(name):
    table = make_learning_table(Task.REGRESSION, rows=6_000, numeric=20)
    config = {"rounds": 100_000, "learning_rate": 0.002, "patience": 100_000}
    make(name).fit(replace(table.task(), config={"rounds": 2}))  # importing a library may take as long
    task = replace(table.task(), config=config, deadline=Deadline.after(0.8))
    fixed = make(name).fit(task)
    free = make(name).fit(replace(task, deadline=Deadline.after(0.8), adaptive=True))
    assert fixed.info["learning_rate"] == 0.002
    assert free.info["learning_rate"] > 0.004
    valid = task.valid_rows
    metric = problem_metric(table.problem)
    errors = [
        metric.error(table.target[valid], r.model.predict(table.view.take(valid))) for r in (fixed, free)
    ]
    assert errors[1] < errors[0]


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_iterations_refit_without_validation_rows(name):
    table = make_learning_table(Task.BINARY)
    found = fit(name, table, config={"rounds": 200, "patience": 5})
    rows = np.arange(table.view.rows)
    again = fit(name, table, config={"rounds": found.iterations}, train_rows=rows, valid_rows=rows[:0])
    assert again.iterations == found.iterations
    assert not again.stopped_by_deadline


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_quantiles_are_learned(name):
    table = with_metric(make_learning_table(Task.REGRESSION, rows=900), "quantile:0.9")
    result = fit(name, table, config={"rounds": 120})
    below = np.mean(table.target <= result.model.predict(table.view).array)
    assert 0.75 < below <= 1.0


@pytest.mark.parametrize("metric", ["mae", "mape", "rmsle", "r2", "median_absolute_error"])
@pytest.mark.parametrize("name", FITTING)
def test_regression_metrics_are_learned(name, metric):
    table = with_metric(make_learning_table(Task.REGRESSION), metric)
    valid = table.task().valid_rows
    score = problem_metric(table.problem)
    error, naive = (
        score.error(table.target[valid], fit(each, table).model.predict(table.view).take(valid))
        for each in (name, "constant")
    )
    assert error < 0.8 * naive


def test_lightgbm_bins_from_training_rows_alone_when_time_orders_rows():
    table = make_learning_table(Task.BINARY)
    timed = replace(table, problem=replace(table.problem, time_column="day"))
    later = np.array(table.view.numeric)
    later[timed.task().valid_rows] *= 1_000
    changed = replace(timed, view=replace(timed.view, numeric=later))
    rows = timed.task().train_rows
    none = rows[:0]
    texts = [fit("lightgbm", each, valid_rows=none).model.text for each in (timed, changed)]
    assert texts[0] == texts[1]


def test_lightgbm_bins_a_table_once():
    table = make_learning_table(Task.BINARY)
    cache = {}
    task = replace(table.task(), cache=cache, cache_key="t")
    make("lightgbm").fit(replace(task, config={"rounds": 3}))
    (binned,) = cache.values()
    make("lightgbm").fit(replace(task, config={"rounds": 3, "min_data_in_leaf": 5, "extra_trees": True}))
    assert list(cache.values()) == [binned]
    make("lightgbm").fit(replace(task, config={"rounds": 3, "max_bin": 63}))
    assert len(cache) == 2


def test_saved_forest_with_a_changed_node_is_refused(tmp_path):
    model = fit("extra_trees", make_learning_table(Task.BINARY)).model
    model.save(tmp_path)
    arrays = dict(np.load(tmp_path / "forest.npz"))
    arrays["child"][0] = 10**8
    np.savez(tmp_path / "forest.npz", **arrays)
    with pytest.raises(BundleError, match=r"forest\.npz"):
        make("extra_trees").load(tmp_path)


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_one_changed_byte_is_refused(name, tmp_path):
    fit(name, make_learning_table(Task.BINARY)).model.save(tmp_path)
    path = next(each for each in tmp_path.iterdir() if each.name in ("model.txt", "model.cbm"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BundleError, match="hash"):
        make(name).load(tmp_path)


def test_spaces_know_their_values():
    assert Float(0.1, 1.0).contains(1)
    assert not Float(0.1, 1.0).contains("x")
    assert not Int(1, 3).contains(True)
    assert not Choice((True, False)).contains(1)


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_early_stopping_of_classes_is_by_log_loss(name):
    table = make_learning_table(Task.BINARY)
    config = {"rounds": 120, "patience": 10, "learning_rate": 0.1}
    curve, loss = (fit(name, with_metric(table, metric), config=config) for metric in ("roc_auc", "log_loss"))
    assert curve.iterations == loss.iterations
    np.testing.assert_array_equal(curve.model.predict(table.view).array, loss.model.predict(table.view).array)


def _customers(returning):
    """Customers 1 to 100 order once in the first 200 rows; those who return later have a code."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 1)).astype(np.float32)
    target = (rng.random(300) < 0.5).astype(np.int64)
    codes = np.zeros((300, 1), np.int32)
    once = np.flatnonzero(target[:200])[:80]
    later = np.arange(200, 280)
    if returning:
        codes[once, 0] = codes[later, 0] = 1 + np.arange(80)
    codes[280:300, 0] = 81 + np.arange(20) // 2
    info = ViewInfo((FeatureInfo("n", "n", "value"),), (FeatureInfo("c", "c", "codes", 91),))
    problem = Problem.of("y", time_column="when").resolved(Task.BINARY, "log_loss", (0, 1))
    return LearningTable(View(numbers, codes, info), target, problem)


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "linear", "extra_trees"])
def test_who_returns_after_the_training_window_is_not_known_in_it(name):
    rows = np.arange(300)
    changes = {"train_rows": rows[:200], "valid_rows": rows[200:]}
    if name == "lightgbm":
        changes["config"] = {"rounds": 20, "patience": 20, "min_data_per_group": 1, "cat_smooth": 0.0}
    tables = [_customers(returning) for returning in (True, False)]
    first, second = (fit(name, table, **changes).model.predict(table.view).array for table in tables)
    np.testing.assert_array_equal(first, second)


EDITS = {
    "children in a circle": (r"left_child=-?\d+", "left_child=0"),
    "a child beyond the nodes": (r"right_child=-?\d+", "right_child=30000000"),
    "a leaf beyond the leaves": (r"right_child=-?\d+", "right_child=-30000000"),
    "a feature beyond the columns": (r"split_feature=\d+", "split_feature=60000000"),
    "more leaves than values": (r"num_leaves=\d+", "num_leaves=90000"),
    "fewer values than leaves": (r"leaf_value=\S+ ", "leaf_value="),
    "no thresholds": (r"threshold=.*\n", "threshold=\n"),
    "sets beyond their array": (r"cat_boundaries=0 \d+", "cat_boundaries=0 50000000"),
    "sets that wrap around": (r"(cat_boundaries=0 )\d+ \d+ ", rf"\g<1>{2**63 - 1} -2 "),
    "more sets than there are": (r"num_cat=[1-9]\d*", "num_cat=70000"),
    "linear leaves": (r"is_linear=0", "is_linear=1"),
    "more classes than trees": (r"num_class=\d+", "num_class=900"),
}


@pytest.mark.parametrize("edit", [*EDITS, "sizes"])
def test_edited_lightgbm_text_is_refused_before_it_is_parsed(edit, tmp_path):
    table = make_learning_table(Task.MULTICLASS, rows=400, numeric=1, categorical=3)
    config = {"rounds": 5, "min_data_in_leaf": 2, "cat_smooth": 0.1}
    model = fit("lightgbm", table, config=config).model
    model.save(tmp_path)
    text = (tmp_path / "model.txt").read_text()
    if edit == "sizes":
        changed = re.sub(r"tree_sizes=\d+", "tree_sizes=999999999", text)
    else:
        changed = re.sub(*EDITS[edit], text, count=1)
        # whoever edits a model by hand corrects the sizes too
        trees = re.findall(r"Tree=\d+\n.*?\n\n\n", changed, re.DOTALL)
        changed = re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(str(len(t)) for t in trees), changed)
    assert changed != text
    record = json.loads((tmp_path / "model.json").read_text())
    record["sha256"] = hashlib.sha256(changed.encode()).hexdigest()
    (tmp_path / "model.txt").write_text(changed)
    (tmp_path / "model.json").write_text(json.dumps(record))
    with pytest.raises(BundleError, match=r"model\.txt"):
        type(model).load(tmp_path)


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_lightgbm_text_is_accepted_as_it_was_written(task):
    table = make_learning_table(task, rows=3_000, numeric=3, categorical=3)
    text = fit("lightgbm", table, config={"rounds": 150, "patience": 150, "num_leaves": 15}).model.text
    began = time.perf_counter()
    check_model_text(text)
    assert time.perf_counter() - began < 0.5 * max(1.0, len(text) / 1e6)  # ten times what it takes
    stump = fit("lightgbm", table, config={"rounds": 3, "min_gain_to_split": 1e9}).model.text
    assert "num_leaves=1\n" in stump
    check_model_text(stump)
