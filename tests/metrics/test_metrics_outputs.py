"""Metrics of several labels, of quantiles and of costs: against scikit-learn, and what they are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as reference

from modelwright.core import BadInput, OptionError, Predictions, Problem, Task
from modelwright.metrics import cost_matrix, get_metric, metric_names, problem_metric
from modelwright.metrics.quantiles import pinball


def _decided(function, **options):
    return lambda y, p, w: function(y, (p > 0.5).astype(int), sample_weight=w, **options)


def _mean_of_labels(function):
    return lambda y, p, w: np.mean([function(y[:, i], p[:, i], sample_weight=w) for i in range(y.shape[1])])


MULTILABEL = {
    "log_loss": _mean_of_labels(lambda y, p, **kw: reference.log_loss(y, p, labels=[0, 1], **kw)),
    "brier": _mean_of_labels(lambda y, p, **kw: reference.brier_score_loss(y, p, **kw)),
    "roc_auc": _mean_of_labels(reference.roc_auc_score),
    "average_precision_macro": _mean_of_labels(reference.average_precision_score),
    "f1_macro": _decided(reference.f1_score, average="macro", zero_division=np.nan),
    "f1_micro": _decided(reference.f1_score, average="micro"),
    "f1_samples": _decided(reference.f1_score, average="samples", zero_division=1),
    "accuracy": _decided(reference.accuracy_score),
    "hamming_loss": _decided(reference.hamming_loss),
}


@st.composite
def labelled(draw):
    """Rows in which every label is there and absent, probabilities with many ties, perhaps weights."""
    rows = draw(st.integers(4, 30))
    target = draw(hnp.arrays(np.int64, (rows, 3), elements=st.integers(0, 1)))
    target[0], target[1] = 0, 1
    grid = draw(hnp.arrays(np.int64, (rows, 3), elements=st.integers(1, 9)))
    weights = draw(st.none() | hnp.arrays(np.float64, rows, elements=st.sampled_from([0.25, 1.0, 3.0])))
    return target, Predictions(grid / 10), weights


@settings(max_examples=25, deadline=None)
@given(data=labelled())
def test_multilabel_scores_equal_scikit_learn(data):
    target, predictions, weights = data
    assert set(MULTILABEL) == set(metric_names(Task.MULTILABEL))
    for name, function in MULTILABEL.items():
        ours = get_metric(name, Task.MULTILABEL).score(target, predictions, weights)
        assert ours == pytest.approx(function(target, predictions.array, weights), abs=1e-9), name


def test_labels_that_nobody_has_say_nothing():
    target = np.array([[1, 0], [0, 0], [1, 0]])
    predictions = Predictions(np.array([[0.9, 0.1], [0.6, 0.2], [0.3, 0.3]]))
    assert get_metric("roc_auc", Task.MULTILABEL).score(target, predictions) == pytest.approx(0.5)
    assert get_metric("f1_macro", Task.MULTILABEL).score(target, predictions) == pytest.approx(0.5)
    assert np.isnan(get_metric("roc_auc", Task.MULTILABEL).score(target[:, 1:], Predictions(np.ones((3, 1)))))
    nothing = Predictions(np.zeros((3, 2)))
    for name in ("f1_macro", "f1_micro"):
        assert np.isnan(get_metric(name, Task.MULTILABEL).score(np.zeros((3, 2), np.int64), nothing)), name


def test_thresholds_of_labels_decide():
    target = np.array([[1, 0], [1, 1]])
    array = np.array([[0.3, 0.6], [0.2, 0.8]])
    metric = get_metric("accuracy", Task.MULTILABEL)
    assert metric.score(target, Predictions(array)) == 0.0
    assert metric.score(target, Predictions(array, np.array([0.1, 0.7]))) == 1.0


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.9), (0.05, 0.3, 0.5, 0.99)])
def test_pinball_is_the_mean_of_scikit_learns_over_the_quantiles(levels):
    random = np.random.default_rng(1)
    target, array = random.normal(size=50), np.sort(random.normal(size=(50, len(levels))), axis=1)
    weights = random.uniform(0, 3, 50)
    problem = replace(Problem.of("y", task="quantile"), quantiles=levels)
    expected = np.mean(
        [
            reference.mean_pinball_loss(target, column, alpha=level, sample_weight=weights)
            for level, column in zip(levels, array.T)
        ]
    )
    assert problem_metric(problem).score(target, Predictions(array), weights) == pytest.approx(expected)
    one = problem.output(0)
    assert problem_metric(one).score(target, Predictions(array[:, 0])) == pytest.approx(
        reference.mean_pinball_loss(target, array[:, 0], alpha=levels[0])
    )


def test_pinball_refuses_other_quantiles_than_it_is_of():
    with pytest.raises(BadInput, match="of the 2 quantiles"):
        pinball((0.1, 0.9)).score(np.zeros(2), Predictions(np.zeros((2, 3))))
    for levels in ((), (0.0,), (0.5, 1.0)):
        with pytest.raises(OptionError, match="between 0 and 1"):
            pinball(levels)


def _costly(*costs):
    problem = Problem.of("y").resolved(Task.MULTICLASS, "cost", ("high", "low", "mid"))
    return replace(problem, costs=costs)


def test_costs_are_named_by_labels_and_known_to_the_metric():
    problem = _costly(("high", "low", 20.0), ("mid", "mid", -2.0))
    matrix = cost_matrix(problem)
    assert matrix.tolist() == [[0, 20, 1], [1, 0, 1], [1, 1, -2]]
    metric = problem_metric(problem)
    target = np.array([0, 0, 2, 2])
    decided = Predictions(np.eye(3)[[1, 2, 2, 1]])
    assert metric.score(target, decided) == pytest.approx((20 + 1 - 2 + 1) / 4)
    assert metric.score(target, decided, np.array([0.0, 0.0, 1.0, 3.0])) == pytest.approx(0.25)
    assert not metric.greater_is_better
    assert metric.bounds == (-2.0, 20.0)
    assert problem_metric(problem, "accuracy").score(target, decided) == 0.25
    with pytest.raises(BadInput, match="costs are of 3 classes"):
        metric.score(np.array([0]), Predictions(np.ones((1, 2))))


def test_costs_are_paid_for_what_is_decided():
    """An expensive miss is worth many alarms: expected cost decides (Elkan, 2001)."""
    random = np.random.default_rng(0)
    probability = random.uniform(size=5000)
    target = (random.uniform(size=5000) < probability).astype(np.int64)
    problem = Problem.of("y").resolved(Task.BINARY, "cost", ("no", "yes"))
    problem = replace(problem, costs=(("yes", "no", 9.0),))
    metric, array = problem_metric(problem), np.column_stack([1 - probability, probability])
    informed = metric.score(target, Predictions(array, -cost_matrix(problem)))
    assert informed < 0.6 * metric.score(target, Predictions(array))
    for threshold in (0.05, 0.2):  # 1 / (1 + 9) is the best one
        other = Predictions(array, np.diag([threshold, 1 - threshold]))
        assert informed <= metric.score(target, other)


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ([("hihg", "low", 1.0)], "class 'hihg', but the classes of 'y' are 'high', 'low', 'mid'"),
        ([("high", "low", 1.0), ("high", "low", 2.0)], "beside another one"),
        ([("high", "low", float("nan"))], "must be one finite number"),
    ],
)
def test_senseless_costs_are_named(costs, message):
    with pytest.raises(OptionError, match=message):
        cost_matrix(_costly(*costs))


def test_callers_functions_see_labels_and_quantiles():
    seen = {}

    def metric(y_true, y_pred):
        seen["shapes"] = y_true.shape, y_pred.shape
        seen["values"] = set(np.unique(y_pred).tolist())
        return 0.0

    array = np.array([[0.2, 0.9], [0.6, 0.3]])
    get_metric(metric, Task.MULTILABEL).score(np.array([[0, 1], [1, 1]]), Predictions(array))
    assert seen == {"shapes": ((2, 2), (2, 2)), "values": {0, 1}}
    metric.needs = "probabilities"
    get_metric(metric, Task.MULTILABEL).score(np.array([[0, 1], [1, 1]]), Predictions(array))
    assert seen["values"] == set(array.ravel().tolist())
    get_metric(metric, Task.QUANTILE).score(np.zeros(2), Predictions(array))
    assert seen["shapes"] == ((2,), (2, 2))
