"""Decisions: better where the most probable class is blind, and left alone where a gain would be luck."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import OptionError, Predictions, Problem, Task
from modelwright.ensemble import Ensemble, fit_decision, quick_decision, select_weights
from modelwright.ensemble.proof import is_proven
from modelwright.metrics import cost_matrix, get_metric, metric_names, problem_metric


def rare(rows: int, seed: int = 0, distortion: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a rare class and its probabilities, to a power that makes them untrue."""
    random = np.random.default_rng(seed)
    true = random.beta(0.5, 6.0, rows)
    codes = (random.uniform(size=rows) < true).astype(np.int64)
    said = true**distortion
    return codes, np.column_stack([1 - said, said])


def several(rows: int, seed: int = 0, distortion: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    true = random.dirichlet([6, 1.5, 0.6, 0.4], rows)
    codes = (true.cumsum(axis=1) > random.uniform(size=(rows, 1))).argmax(axis=1)
    return codes, Predictions.of_probabilities(true**distortion).array


@pytest.mark.parametrize("distortion", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("name", ["f1", "f2", "mcc", "balanced_accuracy", "f1_macro"])
def test_a_rare_class_is_found_on_new_rows(name: str, distortion: float) -> None:
    metric = get_metric(name, Task.BINARY)
    codes, array = rare(4000, 1, distortion)
    new_codes, new_array = rare(20_000, 2, distortion)
    best = quick_decision(metric, new_codes, new_array)
    reachable = metric.score(new_codes, Predictions(new_array, best))
    for utility in (fit_decision(metric, codes, array), quick_decision(metric, codes, array)):
        assert utility is not None
        found = metric.score(new_codes, Predictions(new_array, utility))
        assert found > reachable - 0.02
        assert found > metric.score(new_codes, Predictions(new_array)) + (0.03 if distortion >= 1 else 0)


def test_a_threshold_of_the_best_f1_is_half_of_it() -> None:
    """Lipton, Elkan and Naryanaswamy (2014), for true probabilities."""
    codes, array = rare(40_000)
    metric = get_metric("f1", Task.BINARY)
    utility = fit_decision(metric, codes, array)
    assert utility is not None
    assert utility[0, 0] == pytest.approx(metric.score(codes, Predictions(array, utility)) / 2, abs=0.02)
    assert utility[0, 1] == utility[1, 0] == 0.0
    assert utility.trace() == pytest.approx(1.0)


@pytest.mark.parametrize("distortion", [1.0, 2.0])
@pytest.mark.parametrize("name", ["f1_macro", "mcc", "balanced_accuracy", "quadratic_kappa"])
def test_rare_classes_among_several_are_found_on_new_rows(name: str, distortion: float) -> None:
    metric = get_metric(name, Task.MULTICLASS)
    codes, array = several(4000, 1, distortion)
    new_codes, new_array = several(20_000, 2, distortion)
    utility = fit_decision(metric, codes, array)
    gain = metric.score(new_codes, Predictions(new_array, utility)) - metric.score(
        new_codes, Predictions(new_array)
    )
    assert gain > 0.08


def test_costs_are_decided_by_even_where_rows_are_few() -> None:
    problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", ("no", "yes"))
    problem = replace(problem, costs=(("yes", "no", 19.0),))
    random = np.random.default_rng(0)
    true = random.uniform(0, 0.4, 60)
    codes = (random.uniform(size=60) < true).astype(np.int64)
    array = np.column_stack([1 - true, true])
    utility = fit_decision(problem_metric(problem), codes, array, problem=problem)
    assert utility is not None
    assert utility[0, 0] == pytest.approx(1 / 20)  # costs of an alarm 1, of a miss 19
    assert fit_decision(problem_metric(problem), codes, array) is None  # ROC AUC decides nothing


def test_costs_of_several_classes_are_the_least_expected() -> None:
    problem = Problem.of("y").resolved(Task.MULTICLASS, "cost", ("a", "b", "c", "d"))
    problem = replace(problem, costs=(("d", "a", 30.0), ("c", "a", 6.0), ("a", "d", 0.5)))
    codes, array = several(3000)
    utility = fit_decision(problem_metric(problem), codes, array, problem=problem)
    expected = Predictions(array, -cost_matrix(problem)).codes
    assert (Predictions(array, utility).codes == expected).mean() > 0.97


def test_ordered_classes_are_decided_by_their_expected_distance() -> None:
    codes, array = several(5000)
    metric = get_metric("ordinal_mae", Task.MULTICLASS)
    utility = fit_decision(metric, codes, array)
    median = (array.cumsum(axis=1) < 0.5).sum(axis=1)  # which the mean distance is least from
    assert (Predictions(array, utility).codes == median).mean() > 0.97


def test_what_needs_no_mending_is_left_alone() -> None:
    codes, array = rare(3000)
    for name in ("accuracy", "roc_auc", "log_loss", "precision", "recall"):
        metric = get_metric(name, Task.BINARY)
        assert fit_decision(metric, codes, array) is None, name
        assert quick_decision(metric, codes, array) is None, name
    even = np.random.default_rng(0)
    true = even.uniform(size=400)
    codes = (even.uniform(size=400) < true).astype(np.int64)
    metric = get_metric("accuracy", Task.BINARY)
    assert fit_decision(metric, codes, np.column_stack([1 - true, true])) is None
    assert fit_decision(get_metric("rmse", Task.REGRESSION), np.zeros(9), np.zeros(9)) is None


def test_a_metric_that_is_not_to_be_tuned_is_not() -> None:
    codes, array = rare(3000)
    plain = replace(get_metric("f1", Task.BINARY), tuned=False)
    assert fit_decision(plain, codes, array) is None
    assert quick_decision(plain, codes, array) is None
    problem = Problem.of("y").resolved(Task.BINARY, "f1", ("no", "yes"))
    problem = replace(problem, costs=(("yes", "no", 4.0),))
    utility = fit_decision(plain, codes, array, problem=problem)
    assert utility is not None
    np.testing.assert_array_equal(
        Predictions(array, utility).codes, Predictions(array, -cost_matrix(problem)).codes
    )


def test_guesses_gain_nothing() -> None:
    """Where the predictions know nothing, a threshold that seems to help is luck."""
    metric = get_metric("mcc", Task.BINARY)
    tuned = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        codes = (random.uniform(size=300) < 0.2).astype(np.int64)
        said = random.beta(2, 8, 300)
        utility = fit_decision(metric, codes, np.column_stack([1 - said, said]), seed=seed)
        tuned.append(utility is not None)
    assert np.mean(tuned) < 0.4


def test_scores_of_tuned_decisions_are_hardly_too_good() -> None:
    metric = get_metric("f1", Task.BINARY)
    new_codes, new_array = rare(40_000, 99)
    for function in (fit_decision, quick_decision):
        excess = []
        for seed in range(12):
            codes, array = rare(600, seed)
            utility = function(metric, codes, array)
            new = metric.score(new_codes, Predictions(new_array, utility))
            excess.append(metric.score(codes, Predictions(array, utility)) - new)
        assert abs(np.mean(excess)) < 0.04


def test_weights_are_respected() -> None:
    codes, array = rare(2000, 3)
    weights = np.random.default_rng(0).integers(0, 4, 2000).astype(np.float64)
    rows = np.repeat(np.arange(2000), weights.astype(int))
    metric = get_metric("f1", Task.BINARY)
    weighted = quick_decision(metric, codes, array, 5 * weights)
    heavy = fit_decision(metric, codes, array, np.where(codes == 1, 50.0, 1.0))
    assert weighted is not None
    assert heavy is not None
    repeated = metric.score(codes[rows], Predictions(array[rows], weighted))
    best = metric.score(
        codes[rows], Predictions(array[rows], quick_decision(metric, codes[rows], array[rows]))
    )
    assert repeated > best - 0.02
    assert heavy[0, 0] < 0.05  # positives are the common ones then


def test_equal_rows_give_equal_decisions() -> None:
    codes, array = several(900, 5)
    metric = get_metric("f1_macro", Task.MULTICLASS)
    first, second = (fit_decision(metric, codes, array, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(task, name) for task in (Task.BINARY, Task.MULTICLASS) for name in metric_names(task)]),
    st.integers(0, 10**6),
    st.integers(0, 40),
)
def test_anything_is_decided_without_a_failure(which: tuple[Task, str], seed: int, rows: int) -> None:
    task, name = which
    random = np.random.default_rng(seed)
    classes = 2 if task is Task.BINARY else 4
    codes = random.integers(0, random.integers(1, classes + 1), rows)
    array = Predictions.of_probabilities(random.integers(0, 3, (rows, classes)).astype(np.float64)).array
    weights = random.integers(0, 2, rows).astype(np.float64) if seed % 2 else None
    for function in (fit_decision, quick_decision):
        utility = function(get_metric(name, task), codes, array, weights)
        if utility is not None:
            assert utility.shape == (classes, classes)
            assert np.isfinite(utility).all()


def test_a_callers_function_is_tuned_too_and_may_fail() -> None:
    codes, array = rare(1500, 4)

    def found(y_true, y_pred):
        return float((y_true * y_pred).sum() * 5 - y_pred.sum())

    utility = fit_decision(get_metric(found, Task.BINARY), codes, array)
    assert utility is not None
    assert utility[0, 0] == pytest.approx(0.2, abs=0.08)  # a find is worth five tries

    def broken(y_true, y_pred):
        raise KeyError("missing")

    assert fit_decision(get_metric(broken, Task.BINARY), codes, array) is None
    with pytest.raises(OptionError):
        get_metric(broken, Task.BINARY).score(codes, Predictions(array))


def test_labels_get_thresholds_of_their_own() -> None:
    random = np.random.default_rng(0)
    true = random.uniform(size=(3000, 3)) * [0.2, 1.0, 1.0]
    target = (random.uniform(size=true.shape) < true).astype(np.int64)
    true = true ** [1.0, 3.0, 0.3]
    metric = get_metric("f1_macro", Task.MULTILABEL)
    utility = fit_decision(metric, target, true)
    assert utility is not None
    assert utility.shape == (3,)
    assert utility[0] < utility[2]
    gain = metric.score(target, Predictions(true, utility)) - metric.score(target, Predictions(true))
    assert gain > 0.05
    quick = quick_decision(metric, target, true)
    assert quick is not None
    assert len(set(quick.tolist())) == 1
    assert fit_decision(get_metric("hamming_loss", Task.MULTILABEL), target[:, :1], true[:, :1]) is None
    assert fit_decision(get_metric("log_loss", Task.MULTILABEL), target, true) is None


def test_selection_sees_what_a_rare_class_is_worth() -> None:
    """At a threshold of a half the shy good model says nothing, and a loud bad one would be taken."""
    random = np.random.default_rng(0)
    codes, good = rare(3000, 6)
    shy = good[:, 1] * 0.3
    loud = np.where(random.uniform(size=3000) < 0.05, 0.9, 0.1)
    candidates = [np.column_stack([1 - loud, loud]), np.column_stack([1 - shy, shy])]
    shares = select_weights(get_metric("f1", Task.BINARY), codes, candidates)
    assert shares[1] > 0.5


def test_gains_must_exceed_a_standard_error() -> None:
    assert is_proven([0.01, 0.012])
    assert not is_proven([0.01])
    assert not is_proven([0.0, 0.0])
    assert not is_proven([float("nan"), 0.1])
    assert not is_proven([0.3, -0.29])


@pytest.mark.parametrize(
    ("task", "utility"),
    [
        ("binary", [[1.0, 0.0]]),
        ("binary", [0.5, 0.5]),
        ("binary", [[1.0, float("inf")], [0.0, 1.0]]),
        ("binary", [["a", "b"], ["c", "d"]]),
        ("regression", [[1.0]]),
        ("multilabel", [[0.5, 0.5], [0.5, 0.5]]),
        ("multilabel", []),
    ],
)
def test_a_senseless_utility_is_refused(tmp_path, task, utility) -> None:
    member = {"trial": 1, "label": "a", "learner": "linear", "weight": 1.0, "models": ["m"], "config": {}}
    record = {"task": task, "members": [member], "utility": utility}
    with pytest.raises(ValueError, match=r"utility|could not convert"):
        Ensemble.from_dict(tmp_path, record)


def test_a_utility_is_written_and_read(tmp_path) -> None:
    member = {"trial": 1, "label": "a", "learner": "linear", "weight": 1.0, "models": ["m"], "config": {}}
    record = {"task": "binary", "members": [member], "utility": [[0.2, 0.0], [0.0, 0.8]]}
    ensemble = Ensemble.from_dict(tmp_path, record)
    assert ensemble.to_dict(tmp_path)["utility"] == record["utility"]
    ensemble.require_outputs(2)
    with pytest.raises(ValueError, match="for 3 outputs"):
        ensemble.require_outputs(3)
