"""Boosters on small folds: no row is scored by the iteration that it chose itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from modelwright.core import FeatureInfo, FitTask, Problem, Task, View, ViewInfo
from modelwright.ensemble.fit_options import fit_single
from modelwright.ensemble.outputs import fit_outputs
from modelwright.learners import LEARNERS
from modelwright.learners.fold import Fold
from modelwright.learners.halves import Halves

BOOSTERS = ["lightgbm", "xgboost", "catboost"]
PROBLEMS = {
    "binary": Problem.of("y").resolved(Task.BINARY, "roc_auc", ("no", "yes")),
    "multiclass": Problem.of("y").resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c")),
    "regression": Problem.of("y").resolved(Task.REGRESSION, "rmse", ()),
}
LABELS = replace(
    Problem.of(["a", "b"]).resolved(Task.MULTILABEL, "log_loss", ()), label_classes=(("no", "yes"),) * 2
)


def make_task(kind: str, rows: int, signal: float, seed: int = 0) -> FitTask:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 6)).astype(np.float32)
    score = signal * (numbers[:, 0] + numbers[:, 1] * numbers[:, 2]) + rng.normal(size=rows)
    if kind == "regression":
        target = 5 + score
    else:
        cuts = [0.0] if kind == "binary" else [-0.5, 0.5]
        target = np.digitize(score, cuts)
    info = ViewInfo(tuple(FeatureInfo(f"x{n}", f"x{n}", "value") for n in range(6)), ())
    view = View(numbers, np.zeros((rows, 0), np.int32), info)
    order = rng.permutation(rows)
    train, valid = order[: rows * 3 // 4], order[rows * 3 // 4 :]
    return FitTask(view, target, train, valid, PROBLEMS[kind])


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("name", BOOSTERS)
def test_where_both_halves_stop_at_the_end_predictions_are_those_of_the_model(name: str, kind: str) -> None:
    task = replace(make_task(kind, 800, signal=3.0), config={"rounds": 6, "learning_rate": 0.05})
    result = LEARNERS.load(name)().fit(task)
    assert result.iterations == 6
    assert result.valid_predictions is not None
    own = result.model.predict(task.view.take(task.valid_rows)).array
    assert np.allclose(result.valid_predictions.array, own, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", BOOSTERS)
def test_rows_with_categories_are_halved_as_well(name: str) -> None:
    plain = make_task("regression", 800, signal=3.0)
    codes = np.random.default_rng(1).integers(1, 4, (800, 2)).astype(np.int32)
    info = replace(
        plain.view.info, categorical=tuple(FeatureInfo(f"c{n}", f"c{n}", "codes", 4) for n in range(2))
    )
    view = View(plain.view.numeric, codes, info)
    target = np.asarray(plain.target) + 2 * (codes[:, 0] == 1)
    task = replace(plain, view=view, target=target, config={"rounds": 60, "learning_rate": 0.1})
    result = LEARNERS.load(name)().fit(task)
    assert result.valid_predictions is not None
    truth = target[task.valid_rows]
    own = result.model.predict(view.take(task.valid_rows)).array
    errors = [np.sqrt(np.mean((said - truth) ** 2)) for said in (own, result.valid_predictions.array)]
    assert errors[0] < 0.8 * truth.std()
    assert errors[1] < 1.1 * errors[0]


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("name", BOOSTERS)
def test_the_model_is_the_one_that_is_best_on_both_halves_together(name: str, kind: str) -> None:
    """With halves or without, the same iteration is kept."""
    task = make_task(kind, 600, signal=1.0)
    config = {"rounds": 60, "learning_rate": 0.2}
    small = LEARNERS.load(name)().fit(replace(task, config=config))
    # eleven copies of every validation row are too many to be halved
    many = replace(task, valid_rows=np.repeat(task.valid_rows, 40), config=config)
    whole = LEARNERS.load(name)().fit(many)
    assert whole.valid_predictions is None
    assert small.iterations == whole.iterations
    rows = task.view.take(task.valid_rows)
    assert np.allclose(small.model.predict(rows).array, whole.model.predict(rows).array)


def test_on_noise_the_rows_that_stop_a_booster_flatter_it_and_halves_do_not() -> None:
    flattered, honest = [], []
    for seed in range(30):
        task = replace(make_task("binary", 400, signal=0.0, seed=seed), config={"learning_rate": 0.03})
        result = LEARNERS.load("lightgbm")().fit(task)
        truth = np.asarray(task.target)[task.valid_rows]
        assert result.valid_predictions is not None
        both = result.model.predict(task.view.take(task.valid_rows)), result.valid_predictions
        aucs = [roc_auc_score(truth, each.array[:, 1]) for each in both]
        flattered.append(aucs[0])
        honest.append(aucs[1])
    assert np.mean(flattered) > 0.505  # where nothing can be better than 0.5
    assert np.mean(honest) < np.mean(flattered) - 0.01


def test_halves_cover_every_row_once_with_like_targets() -> None:
    task = make_task("regression", 400, signal=1.0)
    fold = Fold.of(task)
    halves = Halves.of(task, fold)
    assert halves is not None
    assert sorted(np.concatenate(halves.parts).tolist()) == list(range(100))
    means = [float(fold.valid_target[part].mean()) for part in halves.parts]
    assert abs(means[0] - means[1]) < 0.1 * fold.valid_target.std()
    assert halves.mean([3.0, 4.0], rooted=True) == pytest.approx(np.sqrt((9 + 16) / 2))


def test_groups_are_not_divided_and_few_rows_not_halved() -> None:
    task = make_task("binary", 400, signal=1.0)
    groups = np.arange(400) % 37
    grouped = replace(task, groups=groups)
    fold = Fold.of(grouped)
    halves = Halves.of(grouped, fold)
    assert halves is not None
    first, second = (set(groups[fold.valid_rows[part]]) for part in halves.parts)
    assert not first & second
    few = replace(task, valid_rows=task.valid_rows[:10])
    assert Halves.of(few, Fold.of(few)) is None
    none = replace(task, valid_rows=task.valid_rows[:0])
    assert Halves.of(none, Fold.of(none)) is None


@pytest.mark.parametrize(
    ("kind", "config"),
    [("regression", {"target_transform": "log"}), ("binary", {"class_weights": "balanced"})],
)
def test_options_around_a_learner_bring_the_predictions_back(kind: str, config: dict[str, str]) -> None:
    task = make_task(kind, 800, signal=2.0)
    if kind == "regression":
        task = replace(task, target=np.exp(np.asarray(task.target) / 2))
    task = replace(task, config={**config, "rounds": 6, "learning_rate": 0.05})
    result = fit_single(LEARNERS.load("lightgbm")(), task)
    assert result.valid_predictions is not None
    own = result.model.predict(task.view.take(task.valid_rows)).array
    assert np.allclose(result.valid_predictions.array, own, rtol=1e-5)


@pytest.mark.parametrize("kind", ["multilabel", "quantile"])
def test_several_outputs_are_scored_as_honestly_as_one(kind: str) -> None:
    """On noise, the rows that stop a booster are not those that score it, whatever is predicted."""
    task = make_task("regression", 400, signal=0.0)
    if kind == "multilabel":
        target = np.random.default_rng(1).integers(0, 2, (400, 2))
        task = replace(task, target=target, problem=LABELS)
    else:
        problem = replace(task.problem, task=Task.QUANTILE, metric="pinball", quantiles=(0.2, 0.8))
        task = replace(task, problem=problem)
    result = fit_outputs(LEARNERS.load("lightgbm")(), replace(task, config={"learning_rate": 0.2}))
    own = result.model.predict(task.view.take(task.valid_rows)).array
    assert result.valid_predictions is not None
    honest = result.valid_predictions.array
    assert honest.shape == own.shape == (100, 2)
    assert not np.allclose(honest, own)
    if kind == "quantile":
        assert (np.diff(honest, axis=1) >= 0).all()


def test_an_output_that_is_not_scored_apart_keeps_its_own_predictions() -> None:
    """A label that the training rows do not have both ways is left to the constant."""
    task = make_task("regression", 400, signal=1.0)
    target = np.column_stack([np.zeros(400, np.int64), np.asarray(task.target) > 5]).astype(np.int64)
    task = replace(task, target=target, problem=LABELS, config={"learning_rate": 0.2})
    result = fit_outputs(LEARNERS.load("lightgbm")(), task)
    own = result.model.predict(task.view.take(task.valid_rows)).array
    assert result.valid_predictions is not None
    assert np.array_equal(result.valid_predictions.array[:, 0], own[:, 0])
    assert not np.allclose(result.valid_predictions.array[:, 1], own[:, 1])
