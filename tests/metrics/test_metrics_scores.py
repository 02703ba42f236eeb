"""Every metric against scikit-learn's, with weights and ties; what is undefined; direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as reference

from modelwright.core import BadInput, OptionError, Predictions, Task
from modelwright.metrics import get_metric, metric_names


def _labels(function, **options):
    return lambda y, p, w: function(y, p.argmax(axis=1), sample_weight=w, **options)


def _positive(function, **options):
    return lambda y, p, w: function(y, p[:, 1], sample_weight=w, **options)


def _averaged(function, average, **options):
    return _labels(function, average=average, zero_division=0, **options)


def _one_versus_rest(function, by_size=False):
    def score(y, p, w):
        classes = np.unique(y)
        scores = [function(y == c, p[:, c], sample_weight=w) for c in classes]
        sizes = [np.ones(len(y))[y == c].sum() if w is None else w[y == c].sum() for c in classes]
        return np.average(scores, weights=sizes if by_size else None)

    return score


EITHER = {
    "accuracy": _labels(reference.accuracy_score),
    "balanced_accuracy": _labels(reference.balanced_accuracy_score),
    "mcc": _labels(reference.matthews_corrcoef),
    "ordinal_mae": _labels(reference.mean_absolute_error),
    "cost": _labels(reference.zero_one_loss),
    "quadratic_kappa": _labels(reference.cohen_kappa_score, weights="quadratic"),
    "roc_auc_ovr": _one_versus_rest(reference.roc_auc_score),
    "roc_auc_ovr_weighted": _one_versus_rest(reference.roc_auc_score, by_size=True),
    "average_precision_macro": _one_versus_rest(reference.average_precision_score),
    "log_loss": lambda y, p, w: reference.log_loss(y, p, sample_weight=w, labels=range(p.shape[1])),
    "brier": lambda y, p, w: reference.brier_score_loss(
        y, p if p.shape[1] > 2 else p[:, 1], sample_weight=w, labels=range(p.shape[1])
    ),
    **{
        f"{name}_{average}": _averaged(function, average)
        for name, function in {
            "precision": reference.precision_score,
            "recall": reference.recall_score,
            "f1": reference.f1_score,
        }.items()
        for average in ("macro", "micro", "weighted")
    },
    **{
        f"f_beta_{average}:2": _averaged(reference.fbeta_score, average, beta=2)
        for average in ("macro", "micro", "weighted")
    },
}
BINARY = {
    "roc_auc": _positive(reference.roc_auc_score),
    "average_precision": _positive(reference.average_precision_score),
    "precision": _labels(reference.precision_score, zero_division=0),
    "recall": _labels(reference.recall_score),
    "f1": _labels(reference.f1_score),
    "f_beta:2": _labels(reference.fbeta_score, beta=2),
    "f_beta:0.5": _labels(reference.fbeta_score, beta=0.5),
}
REGRESSION = {
    "rmse": lambda y, p, w: reference.root_mean_squared_error(y, p, sample_weight=w),
    "mse": lambda y, p, w: reference.mean_squared_error(y, p, sample_weight=w),
    "mae": lambda y, p, w: reference.mean_absolute_error(y, p, sample_weight=w),
    "mape": lambda y, p, w: reference.mean_absolute_percentage_error(y, p, sample_weight=w),
    "rmsle": lambda y, p, w: reference.root_mean_squared_log_error(y, np.maximum(p, 0), sample_weight=w),
    "median_absolute_error": lambda y, p, w: reference.median_absolute_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: reference.r2_score(y, p, sample_weight=w),
    "quantile:0.5": lambda y, p, w: reference.mean_pinball_loss(y, p, sample_weight=w),
    "quantile:0.9": lambda y, p, w: reference.mean_pinball_loss(y, p, sample_weight=w, alpha=0.9),
}


@st.composite
def classified(draw, classes):
    """Rows with every class present, probabilities on a coarse grid (many ties), perhaps weights."""
    rows = draw(st.integers(2 * classes, 40))
    codes = draw(hnp.arrays(np.int64, rows - classes, elements=st.integers(0, classes - 1)))
    target = np.concatenate([np.arange(classes), codes])
    grid = draw(hnp.arrays(np.int64, (rows, classes), elements=st.integers(0, 4)))
    weights = draw(st.none() | hnp.arrays(np.float64, rows, elements=st.sampled_from([0.25, 1.0, 1.5, 3.0])))
    return target, Predictions.of_probabilities(grid.astype(np.float64) + 0.01), weights


@st.composite
def measured(draw):
    rows = draw(st.integers(3, 40))
    values = st.integers(0, 12).map(lambda tenths: tenths / 4)
    target = draw(hnp.arrays(np.float64, rows, elements=values))
    target[0] = target[-1] + 1  # the R2 of a constant target is undefined
    predicted = draw(hnp.arrays(np.float64, rows, elements=values)) - 0.25
    weights = draw(st.none() | hnp.arrays(np.float64, rows, elements=st.sampled_from([0.25, 1.0, 1.5, 3.0])))
    return target, Predictions(predicted), weights


@settings(max_examples=25, deadline=None)
@given(data=classified(2))
def test_binary_scores_equal_scikit_learn(data):
    target, predictions, weights = data
    for name, function in {**BINARY, **EITHER}.items():
        ours = get_metric(name, Task.BINARY).score(target, predictions, weights)
        assert ours == pytest.approx(function(target, predictions.array, weights), abs=1e-9), name


@settings(max_examples=25, deadline=None)
@given(data=classified(4))
def test_multiclass_scores_equal_scikit_learn(data):
    target, predictions, weights = data
    for name, function in EITHER.items():
        ours = get_metric(name, Task.MULTICLASS).score(target, predictions, weights)
        assert ours == pytest.approx(function(target, predictions.array, weights), abs=1e-9), name


@settings(max_examples=25, deadline=None)
@given(data=measured())
def test_regression_scores_equal_scikit_learn(data):
    target, predictions, weights = data
    for name, function in REGRESSION.items():
        ours = get_metric(name, Task.REGRESSION).score(target, predictions, weights)
        assert ours == pytest.approx(function(target, predictions.array, weights), rel=1e-9, abs=1e-9), name


def test_every_metric_is_compared_with_scikit_learn():
    covered = {name.partition(":")[0] for name in (*EITHER, *BINARY, *REGRESSION)}
    single = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION)
    assert covered == {name for task in single for name in metric_names(task)}


def _example(task: Task) -> tuple[np.ndarray, Predictions]:
    random = np.random.default_rng(3)
    if task is Task.REGRESSION:
        return random.gamma(2.0, 2.0, 60), Predictions(random.gamma(2.0, 2.0, 60))
    if task is Task.QUANTILE:
        return random.gamma(2.0, 2.0, 60), Predictions(np.sort(random.gamma(2.0, 2.0, (60, 3)), axis=1))
    if task is Task.MULTILABEL:
        return random.integers(0, 2, (60, 3)), Predictions(random.random((60, 3)))
    classes = 2 if task is Task.BINARY else 3
    return np.arange(60) % classes, Predictions.of_probabilities(random.random((60, classes)))


@pytest.mark.parametrize("task", list(Task)[1:])
def test_whole_number_weights_are_repeated_rows_and_zero_weights_absent_ones(task):
    target, predictions = _example(task)
    counts = np.random.default_rng(4).integers(0, 4, 60)
    rows = np.repeat(np.arange(60), counts)
    for name in metric_names(task):
        metric = get_metric(name, task)
        repeated = metric.score(target[rows], predictions.take(rows))
        assert metric.score(target, predictions, counts) == pytest.approx(repeated, rel=1e-9), name


@pytest.mark.parametrize("task", list(Task)[1:])
def test_a_perfect_prediction_has_no_error_and_the_best_score(task):
    target, predictions = _example(task)
    perfect = {
        Task.REGRESSION: lambda: Predictions(target),
        Task.QUANTILE: lambda: Predictions(np.repeat(target[:, None], 3, axis=1)),
        Task.MULTILABEL: lambda: Predictions(target.astype(np.float64)),
    }.get(task, lambda: Predictions(np.eye(3)[target, : 2 + (task == "multiclass")]))()
    for name in metric_names(task):
        metric = get_metric(name, task)
        assert metric.score(target, perfect) == pytest.approx(metric.optimum, abs=1e-12), name
        assert metric.error(target, perfect) == pytest.approx(0.0, abs=1e-12), name
        assert metric.error(target, predictions) > 0, name
        assert metric.better(metric.score(target, perfect), metric.score(target, predictions)), name
        low, high = metric.bounds
        assert low <= metric.score(target, predictions) <= high, name


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "roc_auc_ovr"])
def test_ranking_is_undefined_for_one_class_alone(name):
    predictions = Predictions(np.array([[0.4, 0.6], [0.7, 0.3]]))
    metric = get_metric(name, Task.BINARY)
    assert np.isnan(metric.score(np.array([0, 0]), predictions))
    assert np.isnan(metric.score(np.array([0, 1]), predictions, np.array([1.0, 0.0])))
    assert np.isnan(metric.error(np.array([0, 0]), predictions))
    assert not metric.better(float("nan"), 0.0)


def test_one_versus_rest_leaves_absent_classes_out():
    target = np.array([0, 1, 0, 1])
    array = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.2, 0.5], [0.4, 0.5, 0.1]])
    score = get_metric("roc_auc_ovr", Task.MULTICLASS).score(target, Predictions(array))
    expected = [reference.roc_auc_score(target == code, array[:, code]) for code in (0, 1)]
    assert score == pytest.approx(np.mean(expected))


def test_undefined_scores_of_values():
    predictions = Predictions(np.array([0.1, 0.2, 0.3]))
    r2 = get_metric("r2", Task.REGRESSION)
    assert np.isnan(r2.score(np.full(3, 0.1), predictions))
    assert np.isnan(r2.score(np.array([0.1, 0.2, 0.5]), predictions, np.array([0.0, 2.0, 0.0])))
    for name in metric_names(Task.REGRESSION):
        metric = get_metric(name, Task.REGRESSION)
        assert np.isnan(metric.score(np.arange(3.0), Predictions(np.array([1.0, np.nan, 2.0])))), name
        assert np.isnan(metric.score(np.arange(3.0), predictions, np.zeros(3))), name
        assert np.isnan(metric.score(np.zeros(0), Predictions(np.zeros(0)))), name


def test_no_weight_at_all_is_undefined_for_labels():
    target, predictions = _example(Task.MULTICLASS)
    assert np.isnan(get_metric("accuracy", Task.MULTICLASS).score(target, predictions, np.zeros(60)))


def test_rmsle_refuses_a_negative_target_and_forgives_a_negative_prediction():
    metric = get_metric("rmsle", Task.REGRESSION)
    with pytest.raises(OptionError, match="goes down to -3"):
        metric.score(np.array([1.0, -3.0]), Predictions(np.ones(2)))
    assert metric.score(np.zeros(2), Predictions(np.array([-5.0, 0.0]))) == 0.0


def test_rows_must_agree():
    with pytest.raises(BadInput, match="2 predictions for 3 targets"):
        get_metric("rmse", Task.REGRESSION).score(np.zeros(3), Predictions(np.zeros(2)))


def test_mcc_of_a_constant_guess_is_zero_and_of_a_rare_hit_is_not():
    target = np.zeros(2_000_000, dtype=np.int64)
    target[0] = 1
    metric = get_metric("mcc", Task.BINARY)
    never = np.zeros((len(target), 2))
    never[:, 0] = 1
    assert metric.score(target, Predictions(never)) == 0.0
    hit = never.copy()
    hit[0] = (0, 1)
    assert metric.score(target, Predictions(hit)) == pytest.approx(1.0)


def test_read_only_inputs_are_left_alone():
    for task in list(Task)[1:]:
        target, predictions = _example(task)
        weights = np.ones(len(target))
        for array in (target, predictions.array, weights):
            array.setflags(write=False)
        for name in metric_names(task):
            assert np.isfinite(get_metric(name, task).score(target, predictions, weights)), name
