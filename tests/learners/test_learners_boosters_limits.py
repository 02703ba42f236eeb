"""XGBoost and HistGradientBoosting at the ends: wide tables, short deadlines, refits, ordered rows."""

import time
from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import Deadline, FeatureInfo, Problem, Task, View, ViewInfo
from modelwright.learners import LEARNERS
from modelwright.metrics import problem_metric
from modelwright.testing import LearningTable, make_learning_table

NAMES = ("xgboost", "hist_gradient_boosting")


def make(name):
    return LEARNERS.load(name)()


@pytest.mark.parametrize("name", NAMES)
def test_five_thousand_columns(name):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(150, 5_000)).astype(np.float32)
    numbers[:, 5] = np.nan
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(5_000)), ())
    problem = Problem.of("y").resolved(Task.BINARY, "log_loss", (0, 1))
    view = View(numbers, np.zeros((150, 0), np.int32), info)
    table = LearningTable(view, (numbers[:, 0] > 0).astype(np.int64), problem)
    config = {**make(name).portfolio(problem, view.shape(2))[0].config, "rounds": 2}
    array = make(name).fit(replace(table.task(), config=config)).model.predict(view).array
    assert array.shape == (150, 2)
    assert np.isfinite(array).all()


@pytest.mark.parametrize("name", NAMES)
def test_deadline_on_a_larger_table(name):
    table = make_learning_table(Task.REGRESSION, rows=30_000, numeric=25, categorical=5)
    make(name).fit(replace(make_learning_table(Task.REGRESSION).task(), config={"rounds": 3}))
    began = time.monotonic()
    result = make(name).fit(replace(table.task(), deadline=Deadline.after(1.0)))
    took = time.monotonic() - began
    assert took < 4.0  # far more than needed on an idle machine
    valid = table.task().valid_rows[:2_000]
    metric = problem_metric(table.problem)
    assert (
        metric.error(table.target[valid], result.model.predict(table.view.take(valid))) < table.target.std()
    )


@pytest.mark.parametrize("name", NAMES)
def test_adaptive_fit_raises_the_rate_when_time_is_short(name):
    table = make_learning_table(Task.REGRESSION, rows=6_000, numeric=20)
    config = {"rounds": 100_000, "learning_rate": 0.002, "patience": 100_000}
    task = replace(table.task(), config=config, deadline=Deadline.after(0.8))
    fixed = make(name).fit(task)
    free = make(name).fit(replace(task, deadline=Deadline.after(0.8), adaptive=True))
    assert fixed.info["learning_rate"] == 0.002
    assert free.info["learning_rate"] > 0.004


@pytest.mark.parametrize("name", NAMES)
def test_iterations_refit_without_validation_rows(name):
    table = make_learning_table(Task.BINARY)
    found = make(name).fit(replace(table.task(), config={"rounds": 400, "patience": 5}))
    rows = np.arange(table.view.rows)
    task = replace(table.task(), config={"rounds": found.iterations}, train_rows=rows, valid_rows=rows[:0])
    again = make(name).fit(task)
    assert again.iterations == found.iterations < 400
    assert again.info["learning_rate"] == found.info["learning_rate"]
    assert not again.stopped_by_deadline


@pytest.mark.parametrize("form", ["codes", "target"])
@pytest.mark.parametrize("name", ["lightgbm", *NAMES])
def test_rows_outside_the_training_rows_teach_nothing(name, form):
    table = make_learning_table(Task.BINARY)
    timed = replace(table, problem=replace(table.problem, time_column="day"))
    rows = timed.task().train_rows
    later = timed.task().valid_rows
    numbers, codes, target = (
        np.array(each) for each in (table.view.numeric, table.view.categorical, table.target)
    )
    numbers[later] *= 1_000
    codes[later] = 1
    target[later] = 1 - target[later]
    changed = replace(timed, view=replace(timed.view, numeric=numbers, categorical=codes), target=target)
    config = {"rounds": 15, "categories": form}
    said = [
        make(name)
        .fit(replace(each.task(), config=config, valid_rows=rows[:0]))
        .model.predict(table.view)
        .array
        for each in (timed, changed)
    ]
    assert np.array_equal(*said)
