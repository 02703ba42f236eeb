"""What the boosters promise beyond the contract: constraints, quantiles, counts, forms of categories."""

from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import FeatureInfo, OptionError, Problem, Task, TrialError, View, ViewInfo
from modelwright.learners import LEARNERS
from modelwright.learners.objectives import OBJECTIVES, Objective, monotone_signs, validation_loss
from modelwright.testing import LearningTable, make_learning_table

BOOSTERS = ("lightgbm", "catboost", "xgboost", "hist_gradient_boosting")
MATRIX_BOOSTERS = ("lightgbm", "xgboost", "hist_gradient_boosting")


def make(name):
    return LEARNERS.load(name)()


def fit(name, table, **config):
    return make(name).fit(replace(table.task(), config={"rounds": 60, **config}))


def noisy_wave(task, sign):
    """A target that rises (or falls) in the first column, with a wave and noise that tempt to break it."""
    rng = np.random.default_rng(3)
    numbers = rng.uniform(-3, 3, size=(600, 3)).astype(np.float32)
    signal = sign * numbers[:, 0] + 1.5 * np.sin(3 * numbers[:, 0]) + numbers[:, 1] * numbers[:, 2] / 3
    signal = signal + rng.normal(scale=0.7, size=600)
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(3)), ())
    view = View(numbers, np.zeros((600, 0), np.int32), info)
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    if task is Task.BINARY:
        signal = (signal > 0).astype(np.int64)
        problem = Problem.of("y").resolved(Task.BINARY, "log_loss", ("no", "yes"))
    return LearningTable(view, signal, problem)


def steps_along_first_column(model, table):
    """Differences of predictions along the first column, for random values of the others."""
    rng = np.random.default_rng(4)
    steps = []
    for _ in range(20):
        numbers = np.tile(rng.uniform(-3, 3, size=3), (200, 1)).astype(np.float32)
        numbers[:, 0] = np.linspace(-4, 4, 200)
        array = model.predict(View(numbers, np.zeros((200, 0), np.int32), table.view.info)).array
        steps.append(np.diff(array[:, 1] if array.ndim == 2 else array))
    return np.concatenate(steps)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("task", "metric"), [(Task.BINARY, "log_loss"), (Task.REGRESSION, "rmse")])
@pytest.mark.parametrize("name", BOOSTERS)
def test_predictions_are_monotonic_where_asked(name, task, metric, sign):
    table = noisy_wave(task, sign)
    free = steps_along_first_column(fit(name, table, learning_rate=0.2).model, table)
    assert (sign * free).min() < -1e-3  # the constraint has something to do
    problem = replace(table.problem, monotonic=(("n0", sign),))
    kept = steps_along_first_column(
        fit(name, replace(table, problem=problem), learning_rate=0.2).model, table
    )
    assert (sign * kept).min() >= -1e-9
    assert (sign * kept).max() > 1e-3


@pytest.mark.parametrize("metric", ["mae", "mape"])
@pytest.mark.parametrize("name", BOOSTERS)
def test_absolute_errors_do_not_break_constraints(name, metric):
    table = noisy_wave(Task.REGRESSION, 1)
    problem = replace(table.problem, metric=metric, monotonic=(("n0", 1),))
    table = LearningTable(table.view, table.target + 10, problem)
    assert steps_along_first_column(fit(name, table, learning_rate=0.2).model, table).min() >= -1e-9


@pytest.mark.parametrize("name", BOOSTERS)
def test_constraints_that_cannot_be_kept_are_refused_with_a_reason(name):
    several = make_learning_table(Task.MULTICLASS)
    shape = several.view.shape(3)
    assert make(name).supports(several.problem, shape) is None
    problem = replace(several.problem, monotonic=(("n0", 1),))
    assert "several classes" in make(name).supports(problem, shape)
    quantile = replace(
        make_learning_table(Task.REGRESSION).problem,
        task=Task.QUANTILE,
        quantiles=(0.5,),
        monotonic=(("n0", 1),),
    )
    assert "quantile" in make(name).supports(quantile, shape)


def test_constraint_on_a_column_that_is_more_than_a_number():
    problem = replace(Problem.of("y"), monotonic=(("when", 1),))
    info = ViewInfo((FeatureInfo("when.year", "when", "year"),), ())
    with pytest.raises(TrialError, match=r"'when'.*'year'"):
        monotone_signs(problem, info)
    assert monotone_signs(problem, ViewInfo((FeatureInfo("a", "a", "value"),), ())) == (0,)


@pytest.mark.parametrize("level", [0.1, 0.9])
@pytest.mark.parametrize("name", BOOSTERS)
def test_a_quantile_task_is_learned(name, level):
    rng = np.random.default_rng(0)
    numbers = rng.uniform(0, 1, size=(1_500, 2)).astype(np.float32)
    target = 5 * numbers[:, 0] + rng.normal(size=1_500) * (0.2 + numbers[:, 1])
    info = ViewInfo((FeatureInfo("a", "a", "value"), FeatureInfo("b", "b", "value")), ())
    problem = replace(Problem.of("y").resolved(Task.QUANTILE, "auto", ()), quantiles=(level,))
    table = LearningTable(View(numbers, np.zeros((1_500, 0), np.int32), info), target, problem)
    result = fit(name, table, rounds=150, learning_rate=0.1)
    assert result.info.get("objective", "quantile") == "quantile"
    valid = table.task().valid_rows
    below = np.mean(target[valid] <= result.model.predict(table.view).take(valid).array)
    assert abs(below - level) < 0.09


def counts(negative=False):
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(1_200, 3)).astype(np.float32)
    target = rng.poisson(np.exp(1.2 * numbers[:, 0] + 0.5 * numbers[:, 1])).astype(np.float64)
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(3)), ())
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    return LearningTable(View(numbers, np.zeros((1_200, 0), np.int32), info), target - 2 * negative, problem)


@pytest.mark.parametrize("objective", ["poisson", "tweedie"])
@pytest.mark.parametrize("name", MATRIX_BOOSTERS)
def test_losses_for_counts(name, objective):
    if name == "hist_gradient_boosting" and objective == "tweedie":
        objective = "gamma"
    table = counts()
    if objective == "gamma":
        table = replace(table, target=table.target + 0.5)
    result = fit(name, table, objective=objective, learning_rate=0.1)
    assert result.info["objective"] == objective
    said = result.model.predict(table.view).array
    valid = table.task().valid_rows
    assert (said > 0).all()
    assert said[valid].mean() == pytest.approx(table.target[valid].mean(), rel=0.15)
    assert np.std(said[valid] - table.target[valid]) < 0.75 * np.std(table.target[valid])


@pytest.mark.parametrize("name", MATRIX_BOOSTERS)
def test_losses_for_counts_only_where_the_target_can_be_one(name):
    assert fit(name, counts(negative=True), objective="poisson").info["objective"] == "squared"
    assert fit(name, counts(), objective="gamma").info["objective"] == "squared"
    # validation rows decide nothing: a loss is chosen by what is learned from
    odd = counts()
    target = odd.target.copy()
    target[odd.task().valid_rows] -= 100
    assert fit(name, replace(odd, target=target), objective="poisson").info["objective"] == "poisson"
    absolute = counts()
    absolute = replace(absolute, problem=replace(absolute.problem, metric="mae"))
    assert fit(name, absolute, objective="poisson").info["objective"] == "absolute"


@pytest.mark.parametrize(
    ("name", "form"),
    [("lightgbm", "native"), *((name, form) for name in MATRIX_BOOSTERS for form in ("codes", "target"))],
)
def test_forms_of_categories(name, form):
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 41, size=(3_000, 1)).astype(np.int32)
    effect = rng.normal(size=41)
    target = (effect[codes[:, 0]] + rng.normal(scale=0.3, size=3_000) > 0).astype(np.int64)
    info = ViewInfo((FeatureInfo("n", "n", "value"),), (FeatureInfo("c", "c", "codes", 41),))
    numbers = rng.normal(size=(3_000, 1)).astype(np.float32)
    problem = Problem.of("y").resolved(Task.BINARY, "log_loss", ("a", "b"))
    table = LearningTable(View(numbers, codes, info), target, problem)
    model = fit(name, table, categories=form, learning_rate=0.1).model
    valid = table.task().valid_rows
    right = model.predict(table.view).take(valid).array.argmax(axis=1) == target[valid]
    assert right.mean() > 0.8
    with pytest.raises(OptionError, match="categories"):
        fit(name, table, categories="one-hot")


@pytest.mark.parametrize("name", MATRIX_BOOSTERS)
def test_variants_are_offered_where_they_matter(name):
    learner = make(name)
    binary = make_learning_table(Task.BINARY)
    shape = binary.view.shape(2)
    two_levels = replace(shape, levels=3 * shape.categorical)
    assert any(each.config.get("categories") == "target" for each in learner.portfolio(binary.problem, shape))
    for where in (two_levels, replace(shape, categorical=0, levels=0)):
        assert "categories" not in learner.space(binary.problem, where)
        assert not any("categories" in each.config for each in learner.portfolio(binary.problem, where))
    numbers = make_learning_table(Task.REGRESSION)
    assert "objective" in learner.space(numbers.problem, shape)
    absolute = replace(numbers.problem, metric="mae")
    for problem in (binary.problem, absolute):
        assert "objective" not in learner.space(problem, shape)
        assert not any("objective" in each.config for each in learner.portfolio(problem, shape))
    for problem in (binary.problem, numbers.problem):
        space = learner.space(problem, shape)
        for candidate in learner.portfolio(problem, shape):
            for parameter in {"categories", "objective"} & set(candidate.config):
                assert space[parameter].contains(candidate.config[parameter])


@pytest.mark.parametrize(
    "name", ["logistic", "softmax", "squared", "absolute", "poisson", "gamma", "tweedie"]
)
def test_validation_loss_is_smallest_at_the_truth(name):
    target = np.array([1, 0, 1, 1]) if name in ("logistic", "softmax") else np.array([1.0, 2.0, 4.0, 3.0])
    if name == "softmax":
        good, bad = np.eye(2)[target] * 3, np.eye(2)[1 - target] * 3
    elif name == "logistic":
        good, bad = (6.0 * target - 3)[:, None], (3 - 6.0 * target)[:, None]
    else:
        good = (np.log(target) if name in OBJECTIVES else target)[:, None]
        bad = good + 1
    objective = Objective(name)
    assert validation_loss(objective, good, target, None) < validation_loss(objective, bad, target, None)
    first = np.array([1.0, 0, 0, 0])
    only = validation_loss(objective, good[:1], target[:1], None)
    assert validation_loss(objective, good, target, first) == pytest.approx(only)
