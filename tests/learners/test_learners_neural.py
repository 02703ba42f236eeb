"""What networks promise beyond the contract of learners."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import (
    BundleError,
    Deadline,
    FeatureInfo,
    FitTask,
    OptionError,
    Problem,
    Task,
    View,
    ViewInfo,
)
from modelwright.learners.mlp import MLP
from modelwright.learners.neural_columns import NeuralColumns
from modelwright.learners.tabm import TabM
from modelwright.testing import make_learning_table

QUICK = {"epochs": 3, "width": 24}
LEVELS = 30


def many_levels(task, rows=200):
    """A table with a category that is embedded, one that is one-hot, and numbers with gaps and outliers."""
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(rows, 3)).astype(np.float32)
    numbers[:7, 0], numbers[7, 1] = np.nan, 1e9
    codes = np.stack([rng.integers(0, LEVELS, rows), rng.integers(0, 4, rows)], axis=1).astype(np.int32)
    info = ViewInfo(
        tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(3)),
        (FeatureInfo("many", "many", "codes", LEVELS), FeatureInfo("few", "few", "codes", 4)),
    )
    signal = np.sin(np.arange(LEVELS))[codes[:, 0]] + 0.5 * numbers[:, 2]
    classes = {Task.BINARY: 2, Task.MULTICLASS: 4}.get(task, 0)
    if classes:
        signal = np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes)).astype(np.int64)
    problem = Problem.of("y").resolved(task, "log_loss" if classes else "rmse", tuple("abcd"[:classes]))
    return FitTask(View(numbers, codes, info), signal, np.arange(150), np.arange(150, rows), problem)


def fit(learner, task, **config):
    return learner.fit(replace(task, config={**QUICK, **config})).model


WITHOUT_TORCH = """
import sys
from pathlib import Path
import numpy as np
sys.modules["torch"] = None
from modelwright.core import FeatureInfo, Problem, Shape, View, ViewInfo
from modelwright.learners import LEARNERS
folder = Path(sys.argv[2])
table = np.load(folder / "view.npz")
info = ViewInfo(
    tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(3)),
    (FeatureInfo("many", "many", "codes", 30), FeatureInfo("few", "few", "codes", 4)),
)
learner = LEARNERS.load(sys.argv[1])()
said = learner.load(folder / "model").predict(View(table["numeric"], table["codes"], info)).array
assert np.array_equal(said, table["said"])
assert learner.supports(Problem.of("y"), Shape(100, 3, 2, 34, 2)) is None
"""

DRIVER = """
import sys
from modelwright.core import Problem, Shape, Task
from modelwright.learners import LEARNERS
problem, shape = Problem.of("y").resolved(Task.BINARY, "log_loss", ("a", "b")), Shape(100, 3, 2, 34, 2)
for name in ("mlp", "tabm"):
    learner = LEARNERS.load(name)()
    assert learner.supports(problem, shape) is None
    learner.estimate(shape, learner.portfolio(problem, shape)[0].config), learner.space(problem, shape)
assert "torch" not in sys.modules
"""


def in_fresh_process(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("learner", [MLP, TabM])
def test_a_saved_model_predicts_where_torch_is_missing(learner, tmp_path):
    given = many_levels(Task.BINARY)
    model = fit(learner(), given)
    (tmp_path / "model").mkdir()
    model.save(tmp_path / "model")
    view, said = given.view, model.predict(given.view).array
    np.savez(tmp_path / "view.npz", numeric=view.numeric, codes=view.categorical, said=said)
    in_fresh_process(WITHOUT_TORCH, learner.name, tmp_path)


def test_whoever_only_asks_never_imports_torch():
    in_fresh_process(DRIVER)


def test_a_level_that_no_training_row_has_is_as_if_missing_and_outliers_move_little():
    given = many_levels(Task.REGRESSION)
    codes = np.array(given.view.categorical)
    codes[:150, 0] = np.where(codes[:150, 0] == 5, 0, codes[:150, 0])
    view = replace(given.view, categorical=codes)
    columns = NeuralColumns.fit(view, given.train_rows)
    rows = columns.encode(view)
    assert np.abs(rows.numbers).max() <= 3.0
    assert rows.flags[:, 0].tolist() == np.isnan(view.numeric[:, 0]).astype(float).tolist()
    unseen, missing = (
        replace(view.take(slice(0, 1)), categorical=np.array([[c, 1]], np.int32)) for c in (5, 0)
    )
    assert columns.encode(unseen).codes.tolist() == columns.encode(missing).codes.tolist()
    # a level of one training row is as good as unseen
    seen = np.bincount(codes[:150, 0], minlength=LEVELS)
    assert columns.table_rows == 1 + (seen[1:] > 1).sum()


def test_embedded_levels_are_learned():
    given = many_levels(Task.REGRESSION, rows=900)
    given = replace(given, train_rows=np.arange(700), valid_rows=np.arange(700, 900))
    for learner in (MLP(), TabM()):
        said = fit(learner, given, epochs=25, width=64).predict(given.view).array
        error = np.mean((said - given.target)[700:] ** 2)
        assert error < 0.3 * np.var(given.target[700:]), learner.name


def test_labels_are_smoothed_only_where_the_metric_reads_labels():
    for metric, expected in (("accuracy", 0.1), ("log_loss", 0.0), ("roc_auc", 0.0)):
        problem = Problem.of("y").resolved(Task.BINARY, metric, ("a", "b"))
        assert MLP().recipe(MLP().settings({}), problem, 1_000).smoothing == expected


def test_counts_are_predicted_as_positive_means():
    given = many_levels(Task.REGRESSION)
    given = replace(given, target=np.random.default_rng(0).poisson(np.exp(given.target)).astype(float))
    model = fit(TabM(), given, objective="poisson")
    assert model.network.form.link == "log"
    assert (model.predict(given.view).array > 0).all()


def test_a_schedule_follows_the_clock_only_where_it_may():
    given = make_learning_table(Task.BINARY, 3_000).task()
    long = {"epochs": 1_000, "width": 32, "patience": 1_000}
    results = [
        MLP().fit(replace(given, config=long, adaptive=adaptive, deadline=Deadline.after(1.5)))
        for adaptive in (True, False)
    ]
    assert [result.info["stop"] for result in results] == ["deadline", "deadline"]
    short = [
        MLP().fit(replace(given, config=QUICK, adaptive=adaptive, deadline=Deadline.after(600.0)))
        for adaptive in (True, False)
    ]
    said = [result.model.predict(given.view).array for result in short]
    assert np.array_equal(*said)
    assert [result.info["stop"] for result in short] == ["epochs", "epochs"]


@pytest.mark.parametrize(
    "changes",
    [
        {"members": 10**9},
        {"depth": 0},
        {"width": True},
        {"link": "values"},
        {"activation": "eval"},
        {"outputs": 2},
        {"more": 1},
    ],
)
def test_a_record_that_does_not_fit_is_refused(changes, tmp_path):
    fit(MLP(), many_levels(Task.BINARY), epochs=1).save(tmp_path)
    path = tmp_path / "model.json"
    record = json.loads(path.read_bytes())
    record["network"].update(changes)
    path.write_text(json.dumps(record))
    with pytest.raises(BundleError):
        MLP().load(tmp_path)


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("columns.npz", "places", 10**6),
        ("columns.npz", "kept", -1),
        ("columns.npz", "factor", np.nan),
        ("columns.npz", "sizes", 0),
        ("network.npz", "head", np.inf),
        ("network.npz", "levels", np.nan),
    ],
)
def test_arrays_that_cannot_be_are_refused(file, name, value, tmp_path):
    fit(TabM(), many_levels(Task.REGRESSION), epochs=1).save(tmp_path)
    with np.load(tmp_path / file) as stored:
        arrays = dict(stored)
    arrays[name].flat[0] = value
    np.savez(tmp_path / file, **arrays)
    with pytest.raises(BundleError):
        TabM().load(tmp_path)


def test_an_unknown_activation_is_refused():
    with pytest.raises(OptionError, match="relu, selu, mish"):
        fit(MLP(), many_levels(Task.BINARY), activation="tanh")
