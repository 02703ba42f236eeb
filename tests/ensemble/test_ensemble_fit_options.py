"""Options around a learner: fitted on training rows alone, undone in predictions, kept with the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import (
    BundleError,
    FeatureInfo,
    FitTask,
    OptionError,
    Predictions,
    Problem,
    Task,
    View,
    ViewInfo,
)
from modelwright.ensemble import TargetFacts, option_space, option_variants, split_config
from modelwright.ensemble.class_weights import ClassWeights, fit_class_weights
from modelwright.ensemble.fit_options import (
    FitOptions,
    FittedWithOptions,
    _kept_out,
    _kept_out_of_each,
    fit_single,
    load_single,
)
from modelwright.ensemble.outputs import fit_outputs, load_model
from modelwright.ensemble.target_transform import TRANSFORMS, TargetTransform, fit_transform
from modelwright.learners import LEARNERS
from modelwright.metrics import problem_metric

ROWS = 1_200


def heavy(rows: int = ROWS, seed: int = 0) -> tuple[View, np.ndarray]:
    """Effects that multiply, and errors that do."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 3)).astype(np.float32)
    target = np.exp(1.2 * numbers[:, 0] + 0.8 * numbers[:, 1] + random.normal(size=rows))
    return _view(numbers), target


def rare(rows: int = ROWS) -> tuple[View, np.ndarray]:
    random = np.random.default_rng(1)
    numbers = random.normal(size=(rows, 3)).astype(np.float32)
    chance = 1 / (1 + np.exp(3.5 - 1.5 * numbers[:, 0]))
    return _view(numbers), (random.uniform(size=rows) < chance).astype(np.int64)


def _view(numbers: np.ndarray) -> View:
    info = ViewInfo(numeric=tuple(FeatureInfo(f"x{i}", f"x{i}", "value") for i in range(3)), categorical=())
    return View(numbers, np.zeros((len(numbers), 0), np.int32), info)


def _task(view: View, target: np.ndarray, problem: Problem, **config: str) -> FitTask:
    cut = 2 * len(target) // 3
    rows = np.arange(len(target))
    return FitTask(view, target, rows[:cut], rows[cut:], problem, config=config)


def _regression(metric: str) -> Problem:
    return Problem.of("y").resolved(Task.REGRESSION, metric, ())


def _classes(metric: str) -> Problem:
    return Problem.of("y").resolved(Task.BINARY, metric, ("no", "yes"))


def _learner(name: str):
    return LEARNERS.load(name)()


@pytest.mark.parametrize("kind", TRANSFORMS)
@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_a_target_of_multiplied_effects_is_predicted_better(metric: str, kind: str) -> None:
    view, target = heavy(2_400)
    task = _task(view, target, _regression(metric))
    scored = problem_metric(task.problem)
    errors = []
    for config in ({}, {"target_transform": kind}):
        model = fit_single(_learner("linear"), replace(task, config=config)).model
        said = model.predict(view.take(task.valid_rows))
        errors.append(scored.error(target[task.valid_rows], said))
    assert errors[1] < 0.97 * errors[0]


def test_means_come_back_as_means_and_medians_as_medians() -> None:
    view, target = heavy(6_000)
    said = {}
    for metric in ("rmse", "mae"):
        task = _task(view, target, _regression(metric), target_transform="log")
        said[metric] = fit_single(_learner("linear"), task).model.predict(view.take(task.valid_rows)).array
    held = target[4_000:]
    assert np.mean(held <= said["mae"]) == pytest.approx(0.5, abs=0.04)
    assert said["rmse"].mean() == pytest.approx(held.mean(), rel=0.2)
    assert said["mae"].mean() < 0.75 * held.mean()


def test_only_training_rows_are_looked_at() -> None:
    view, target = heavy()
    task = _task(view, target, _regression("rmse"), target_transform="quantile")
    changed = target.copy()
    changed[task.valid_rows] *= 1_000
    first, second = (
        fit_single(_learner("linear"), replace(task, target=each)).model.predict(view).array
        for each in (target, changed)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("problem", "config"),
    [
        (_regression("rmse"), {"target_transform": "log"}),
        (_regression("mae"), {"target_transform": "quantile"}),
        (_classes("f1"), {"class_weights": "balanced"}),
        (_classes("f1"), {}),
    ],
)
def test_a_model_is_the_same_after_saving(tmp_path: Path, problem: Problem, config: dict[str, str]) -> None:
    view, target = rare(3_000) if problem.task.is_classification else heavy()
    model = fit_single(_learner("lightgbm"), _task(view, target, problem, num_leaves=7, **config)).model
    assert isinstance(model, FittedWithOptions) == bool(config)
    model.save(tmp_path)
    again = load_single("lightgbm", tmp_path)
    np.testing.assert_array_equal(again.predict(view).array, model.predict(view).array)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert model.size_bytes == pytest.approx(size, rel=0.2, abs=6_000)


def test_quantiles_are_transformed_and_sorted(tmp_path: Path) -> None:
    view, target = heavy()
    problem = replace(Problem.of("y", task="quantile", metric="pinball"), quantiles=(0.1, 0.9))
    task = _task(view, target, problem, target_transform="log", num_leaves=7)
    model = fit_outputs(_learner("lightgbm"), task).model
    said = model.predict(view).array
    assert (np.diff(said, axis=1) >= 0).all()
    covered = ((target > said[:, 0]) & (target < said[:, 1]))[task.valid_rows].mean()
    assert 0.6 < covered < 0.95
    model.save(tmp_path)
    np.testing.assert_array_equal(load_model("lightgbm", Task.QUANTILE, tmp_path).predict(view).array, said)


def test_class_weights_change_the_fit_but_not_what_probabilities_mean() -> None:
    view, codes = rare(4_000)
    plain = _task(view, codes, _classes("f1"))
    said = {}
    for kind in ("none", "balanced", "sqrt"):
        task = replace(plain, config={"class_weights": kind})
        said[kind] = fit_single(_learner("linear"), task).model.predict(view.take(task.valid_rows)).array
    assert (said["balanced"] != said["none"]).any()
    assert said["balanced"][:, 1].mean() == pytest.approx(codes[plain.valid_rows].mean(), abs=0.02)
    for kind in ("balanced", "sqrt"):
        np.testing.assert_allclose(said[kind].sum(axis=1), 1)
        assert np.abs(said[kind] - said["none"]).mean() < 0.03


@pytest.mark.parametrize(
    ("learner", "config"),
    [
        ("linear", {}),
        ("naive_bayes", {}),
        ("nearest_neighbors", {}),
        ("decision_tree", {}),
        ("random_forest", {"trees": 60}),
        ("extra_trees", {"trees": 60}),
        ("lightgbm", {"num_leaves": 15}),
        ("xgboost", {}),
        ("hist_gradient_boosting", {}),
    ],
)
@pytest.mark.parametrize("kind", ["balanced", "sqrt"])
def test_weighted_models_of_any_kind_predict_the_prevalence(learner: str, config: dict, kind: str) -> None:
    view, codes = rare(6_000)
    task = replace(
        _task(view, codes, _classes("f1"), class_weights=kind, **config), train_rows=np.arange(2_500)
    )
    model = fit_single(_learner(learner), task).model
    assert isinstance(model, FittedWithOptions)
    said = model.predict(view.take(np.arange(2_500, 6_000))).array[:, 1]
    assert said.mean() == pytest.approx(codes[2_500:].mean(), rel=0.2)


def test_shifts_give_every_class_its_weighted_share() -> None:
    random = np.random.default_rng(0)
    said = random.dirichlet([2.0, 1.0, 0.3], 3_000)
    codes = random.choice(3, p=[0.5, 0.3, 0.2], size=3_000)
    mass = random.uniform(0.1, 2.0, 3_000)
    back = ClassWeights((1.0, 2.0, 9.0)).with_shifts(codes, said, mass)
    shares = np.bincount(codes, mass) / mass.sum()
    np.testing.assert_allclose(np.average(back.undo(said), axis=0, weights=mass), shares, atol=1e-4)


def test_rows_for_the_shift_are_whole_groups() -> None:
    view, codes = rare(3_000)
    task = replace(_task(view, codes, _classes("f1")), groups=np.arange(3_000) // 7)
    kept_out, left = _kept_out_of_each(codes, task)
    assert len(kept_out) + len(left) == len(task.train_rows)
    assert codes[kept_out].sum() >= 10
    assert not set(task.groups[kept_out]) & set(task.groups[left])
    kept_out, left = _kept_out(task.train_rows, task.groups)
    assert 150 < len(kept_out) < 250
    assert not set(task.groups[kept_out]) & set(task.groups[left])


def test_too_few_rows_of_a_class_are_not_weighted() -> None:
    view, codes = rare(600)
    task = _task(view, codes, _classes("f1"), class_weights="balanced")
    assert codes[task.train_rows].sum() < 60
    model = fit_single(_learner("linear"), task).model
    plain = fit_single(_learner("linear"), replace(task, config={})).model
    assert not isinstance(model, FittedWithOptions)
    np.testing.assert_array_equal(model.predict(view).array, plain.predict(view).array)


@pytest.mark.parametrize(
    ("learner", "config"),
    [
        ("glm", {}),
        ("glm", {"family": "gamma"}),
        ("lightgbm", {"objective": "gamma", "num_leaves": 7}),
        ("xgboost", {"objective": "poisson"}),
        ("hist_gradient_boosting", {"objective": "gamma"}),
    ],
)
def test_no_logarithm_is_taken_twice(learner: str, config: dict) -> None:
    view, target = heavy(2_400)
    task = _task(view, target, _regression("rmse"), target_transform="log")
    scored = problem_metric(task.problem)
    result = fit_single(_learner(learner), replace(task, config={**task.config, **config}))
    assert result.info.get("family", "gaussian") == "gaussian"
    assert result.info.get("objective", "squared") == "squared"
    errors = []
    for model in (result.model, fit_single(_learner("linear"), task).model):
        said = model.predict(view.take(task.valid_rows))
        errors.append(scored.error(target[task.valid_rows], said))
    if learner == "glm":
        assert errors[0] < 1.1 * errors[1]


def test_a_constant_target_needs_no_transform() -> None:
    view, _ = heavy(60)
    task = _task(view, np.full(60, 3.0), _regression("rmse"), target_transform="log")
    model = fit_single(_learner("linear"), task).model
    assert not isinstance(model, FittedWithOptions)
    assert (model.predict(view).array == 3.0).all()


def test_options_are_taken_out_of_a_configuration() -> None:
    own, options = split_config({"alpha": 2, "class_weights": "sqrt"})
    assert own == {"alpha": 2}
    assert options == FitOptions(class_weights="sqrt")
    with pytest.raises(
        OptionError, match=r"one of none, log, quantile, but came as 'logg'. Did you mean 'log'"
    ):
        split_config({"target_transform": "logg"})


targets = st.lists(
    st.floats(-1e12, 1e12).map(lambda value: float(np.float32(value))), min_size=2, max_size=60
)


@given(targets, st.sampled_from(TRANSFORMS))
def test_a_transform_rises_and_comes_back(values: list[float], kind: str) -> None:
    target = np.array(values)
    transform = fit_transform(kind, target)
    if transform is None:
        assert len(set(values)) == 1
        return
    inside = np.linspace(target.min(), target.max(), 50)
    fitted = transform.forward(inside)
    assert np.isfinite(fitted).all()
    assert (np.diff(fitted) >= 0).all()
    back = transform.inverse(transform.forward(target))
    np.testing.assert_allclose(back, target, atol=1e-6 * float(np.ptp(target)) + 1e-9, rtol=1e-6)
    far = transform.predictions(np.array([-1e9, 0.0, 1e9]))
    assert np.isfinite(far).all()
    assert far[2] <= transform.high
    assert far[0] >= (0 if target.min() >= 0 else transform.low)
    assert TargetTransform.from_dict(json.loads(json.dumps(transform.to_dict()))) == transform


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "cube"),
        ("scale", 0.0),
        ("scale", float("nan")),
        ("low", float("inf")),
        ("knots", [2.0, 1.0]),
        ("knots", [1.0]),
        ("errors", ["a"]),
        ("errors", [0.0] * 101),
        ("center", None),
    ],
)
def test_a_damaged_transform_is_refused(name: str, value: object) -> None:
    record = fit_transform("quantile", np.arange(30.0) ** 3).to_dict()
    with pytest.raises(BundleError):
        TargetTransform.from_dict({**record, name: value})


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, float("nan")], [1.0, 1e9], ["a", "b"], None])
def test_damaged_class_weights_are_refused(weights: object) -> None:
    with pytest.raises(BundleError):
        ClassWeights.from_dict({"weights": weights, "shifts": [0.0, 1.0]})


@pytest.mark.parametrize("shifts", [[], [0.0], [0.0, float("nan")], [0.0, 1e9], ["a", "b"], None])
def test_damaged_shifts_of_classes_are_refused(shifts: object) -> None:
    with pytest.raises(BundleError):
        ClassWeights.from_dict({"weights": [1.0, 3.0], "shifts": shifts})


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        "{",
        '{"learner": "linear", "kind": "magic", "state": {}}',
        '{"learner": "nothing", "kind": "class_weights", "state": {"weights": [1, 2], "shifts": [0, 0]}}',
        '{"learner": "linear", "kind": "class_weights"}',
    ],
)
def test_a_damaged_record_of_options_is_refused(tmp_path: Path, record: str) -> None:
    view, codes = rare(1_500)
    fit_single(_learner("linear"), _task(view, codes, _classes("f1"), class_weights="sqrt")).model.save(
        tmp_path
    )
    (tmp_path / "fit_options.json").write_text(record)
    with pytest.raises(BundleError, match="fit_options"):
        load_single("linear", tmp_path)


def test_weights_of_other_classes_are_refused(tmp_path: Path) -> None:
    view, codes = rare(1_500)
    model = fit_single(_learner("linear"), _task(view, codes, _classes("f1"), class_weights="sqrt")).model
    assert isinstance(model, FittedWithOptions)
    model.back = ClassWeights((1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
    with pytest.raises(BundleError, match="do not belong together"):
        model.predict(view)


def test_weights_of_classes_respect_those_of_rows() -> None:
    codes = np.array([0, 0, 0, 1, 1, 3])
    found = fit_class_weights("balanced", codes, np.array([1, 1, 1, 2, 1, 0.0]), 4)
    assert found.weights == (1.0, 1.0, 1.0, 1.0)
    assert fit_class_weights("sqrt", codes[codes < 2], None, 2).weights == (1.0, pytest.approx(np.sqrt(1.5)))


def _kinds(problem: Problem, target: np.ndarray) -> list[str]:
    found = option_variants(problem, TargetFacts.of(problem, target))
    return [str(value) for variant in found for value in variant.config.values()]


def test_options_are_offered_where_facts_speak_for_them() -> None:
    _, skewed = heavy()
    assert _kinds(_regression("rmse"), skewed) == ["log", "quantile"]
    assert _kinds(_regression("rmse"), -skewed) == ["quantile", "log"]
    assert _kinds(_regression("rmse"), np.random.default_rng(0).normal(size=ROWS)) == []
    assert _kinds(_regression("rmsle"), skewed) == []
    assert _kinds(_regression("rmse"), skewed[:100]) == []
    _, codes = rare()
    assert _kinds(_classes("f1"), codes)[0] == "sqrt"
    assert _kinds(_classes("balanced_accuracy"), codes)[0] == "balanced"
    assert _kinds(_classes("roc_auc"), codes) == []
    assert _kinds(_classes("f1"), codes[:800]) == []  # too few of the rare class to undo the weights
    assert _kinds(_classes("accuracy"), codes) == []
    assert _kinds(_classes("f1"), np.arange(ROWS) % 2) == []
    several = Problem.of(["a", "b"], metric="f1_macro")
    assert _kinds(several, np.column_stack([codes, 1 - codes])) == ["sqrt", "balanced"]
    space = option_space(_regression("rmse"), TargetFacts.of(_regression("rmse"), skewed))
    assert space["target_transform"].contains("none")
    assert space["target_transform"].contains("log")


def test_predictions_of_a_custom_metric_are_medians() -> None:
    def metric(y_true, y_pred):
        return -float(np.abs(y_true - y_pred).mean())

    view, target = heavy()
    problem = replace(_regression("rmse"), metric="metric", metric_function=metric)
    task = _task(view, target, problem, target_transform="log")
    model = fit_single(_learner("linear"), task).model
    assert isinstance(model, FittedWithOptions)
    assert isinstance(model.back, TargetTransform)
    assert model.back.errors == ()
    assert isinstance(model.predict(view), Predictions)
