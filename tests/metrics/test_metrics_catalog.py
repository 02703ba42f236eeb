"""Names, aliases and parameters of metrics; callers' own functions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from modelwright.core import OptionError, Predictions, Problem, Task, TrialError, UnknownName
from modelwright.metrics import (
    METRICS,
    custom_metric,
    default_metric,
    get_metric,
    metric_names,
    problem_metric,
)
from modelwright.metrics.catalog import ALIASES

GUESS = Predictions(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))


@pytest.mark.parametrize(
    ("written", "task", "name"),
    [
        ("auc", Task.BINARY, "roc_auc"),
        ("AUC", Task.MULTICLASS, "roc_auc_ovr"),
        ("roc_auc", Task.MULTICLASS, "roc_auc_ovr"),
        ("Log-Loss", Task.BINARY, "log_loss"),
        ("logloss", Task.MULTICLASS, "log_loss"),
        ("acc", Task.BINARY, "accuracy"),
        ("f2", Task.BINARY, "f_beta:2"),
        ("f0.5_macro", Task.MULTICLASS, "f_beta_macro:0.5"),
        ("f_beta", Task.BINARY, "f_beta:2"),
        ("fbeta:0.5", Task.BINARY, "f_beta:0.5"),
        ("f1", Task.BINARY, "f1"),
        ("quantile:0.9", Task.REGRESSION, "quantile:0.9"),
        ("pinball:.1", Task.REGRESSION, "quantile:0.1"),
        ("auto", Task.BINARY, "roc_auc"),
        ("auto", Task.MULTICLASS, "log_loss"),
        ("auto", Task.REGRESSION, "rmse"),
        ("auto", Task.MULTILABEL, "log_loss"),
        ("auto", Task.QUANTILE, "pinball"),
        ("AUC", Task.MULTILABEL, "roc_auc"),
        ("hamming", Task.MULTILABEL, "hamming_loss"),
        ("subset accuracy", Task.MULTILABEL, "accuracy"),
        ("quantile_loss", Task.QUANTILE, "pinball"),
        ("qwk", Task.MULTICLASS, "quadratic_kappa"),
    ],
)
def test_spellings(written, task, name):
    metric = get_metric(written, task)
    assert metric.name == name
    assert get_metric(metric.name, task) == metric  # the canonical name leads back to it


def test_every_catalog_name_loads_and_every_alias_leads_somewhere():
    reached = {f"{task}/{name}" for task in list(Task)[1:] for name in metric_names(task)}
    for key in METRICS:
        assert any(found.endswith(f"/{key}") or found == key for found in reached), key
    assert set(ALIASES.values()) <= set(METRICS)
    assert not set(ALIASES) & set(METRICS)


def test_an_unknown_metric_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match=r"no metric 'rocauk'\. Did you mean 'roc_auc'"):
        get_metric("rocauk", Task.BINARY)


@pytest.mark.parametrize(
    ("written", "task", "message"),
    [
        ("rmse", Task.BINARY, "is for regression, but the task is binary. Choose one of: roc_auc,"),
        ("f1", Task.MULTICLASS, "Did you mean 'f1_macro'"),
        ("accuracy", Task.REGRESSION, "Choose one of: rmse, mse"),
        ("quantile:1.5", Task.REGRESSION, "between 0 and 1, but came as 1.5"),
        ("quantile:high", Task.REGRESSION, "must be a number, but came as 'high'"),
        ("f_beta:0", Task.BINARY, "above 0, but came as 0"),
        ("rmse:3", Task.REGRESSION, "takes no parameter"),
        ("accuracy", Task.AUTO, "the task is auto"),
        ("f1", Task.MULTILABEL, "Did you mean 'f1_macro'"),
        ("rmse", Task.QUANTILE, "Choose one of: pinball"),
        (3, Task.BINARY, "a name or a function, but came as 3"),
    ],
)
def test_what_makes_no_sense_is_refused(written, task, message):
    with pytest.raises(OptionError, match=message):
        get_metric(written, task)


def test_default_metric_needs_a_task():
    with pytest.raises(OptionError, match="Name the task"):
        default_metric(Task.AUTO)


def test_a_callers_function_sees_labels():
    problem = Problem.of("y", metric=lambda y_true, y_pred: float((y_true == y_pred).mean()))
    problem = problem.resolved(Task.BINARY, problem.metric, ("no", "yes"))
    seen = []

    def metric(y_true, y_pred):
        seen.append((y_true.tolist(), y_pred.tolist()))
        return float((y_true == y_pred).mean())

    assert custom_metric(metric, Task.BINARY, ("no", "yes")).score(
        np.array([0, 1, 1]), GUESS
    ) == pytest.approx(2 / 3)
    assert seen == [(["no", "yes", "yes"], ["no", "yes", "no"])]
    assert problem_metric(problem).score(np.array([0, 1, 1]), GUESS) == pytest.approx(2 / 3)


def test_mixed_labels_keep_their_types():
    seen = []
    metric = custom_metric(lambda y_true, y_pred: seen.extend(y_true) or 0.0, Task.BINARY, (1, "b"))
    metric.score(np.array([0, 1, 0]), GUESS)
    assert seen == [1, "b", 1]


def test_a_callers_function_may_ask_for_probabilities():
    def mean_probability(y_true, y_pred):
        return float(np.mean(y_pred)) if y_pred.ndim == 1 else float(y_pred.shape[1])

    mean_probability.needs = "probabilities"
    assert get_metric(mean_probability, Task.BINARY).score(np.array([0, 1, 1]), GUESS) == pytest.approx(
        1.3 / 3
    )
    three = Predictions(np.full((2, 3), 1 / 3))
    assert get_metric(mean_probability, Task.MULTICLASS).score(np.array([0, 1]), three) == 3.0


def test_direction_and_optimum_of_a_callers_function():
    def profit(y_true, y_pred):
        return 1000.0

    metric = get_metric(profit, Task.REGRESSION)
    assert metric.greater_is_better
    errors = [metric.error_of(score) for score in (-1e9, -5.0, 0.0, 5.0, 1e9)]
    assert errors == sorted(errors, reverse=True)
    assert len(set(errors)) == 5
    assert errors[-1] > 0

    def cost(y_true, y_pred):
        return 7.0

    cost.greater_is_better = False
    cost.optimum = 2
    metric = get_metric(cost, Task.REGRESSION)
    assert metric.error(np.zeros(1), Predictions(np.zeros(1))) == 5.0
    assert metric.better(3.0, 7.0)


def test_weights_reach_a_function_that_takes_them():
    problem = Problem.of("y", metric=accuracy_score, weights="w").resolved(
        Task.BINARY, "accuracy_score", (0, 1)
    )
    score = problem_metric(problem).score(np.array([0, 1, 1]), GUESS, np.array([1.0, 1.0, 0.5]))
    assert score == pytest.approx(2 / 2.5)


def test_a_function_without_weights_gets_repeated_rows_or_says_so():
    metric = get_metric(lambda y_true, y_pred: float(len(y_true)), Task.BINARY)
    assert metric.score(np.array([0, 1, 1]), GUESS, np.array([0.0, 3.0, 2.0])) == 5.0
    with pytest.raises(OptionError, match="takes no row weights"):
        metric.score(np.array([0, 1, 1]), GUESS, np.array([0.5, 1.0, 1.0]))
    problem = Problem.of("y", metric=lambda y_true, y_pred: 0.0, weights="w")
    with pytest.raises(OptionError, match="weighted by the column 'w'"):
        problem_metric(problem.resolved(Task.BINARY, problem.metric, (0, 1)))


def _raises(y_true, y_pred):
    raise KeyError("missing")


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (_raises, OptionError, "raised KeyError: 'missing'"),
        (lambda y_true, y_pred: "good", OptionError, "returned 'good'"),
        (lambda y_true, y_pred: None, OptionError, "returned None"),
        (lambda y_true: 1.0, OptionError, "raised TypeError"),
        (lambda y_true, y_pred: float("nan"), TrialError, "returned NaN for 3 rows"),
    ],
)
def test_a_broken_function_is_named(function, error, message):
    with pytest.raises(error, match=message):
        get_metric(function, Task.BINARY).score(np.array([0, 1, 1]), GUESS)


@pytest.mark.parametrize(
    ("attribute", "value"), [("needs", "magic"), ("greater_is_better", "yes"), ("optimum", "high")]
)
def test_an_attribute_that_makes_no_sense_is_named(attribute, value):
    def metric(y_true, y_pred):
        return 0.0

    setattr(metric, attribute, value)
    with pytest.raises(OptionError, match=attribute):
        get_metric(metric, Task.BINARY)
