"""Targets, losses and rounds: what engines are given and what comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import BundleError, Deadline, Problem, Task
from modelwright.learners.rounds import RoundWatch, affordable_rate
from modelwright.learners.targets import TargetCoder, loss_of, relative_weights

VALUES = st.lists(st.floats(-1e12, 1e12, allow_nan=False, allow_subnormal=False), min_size=1, max_size=20)


def regression(metric="rmse"):
    return Problem.of("y").resolved(Task.REGRESSION, metric, ())


@given(VALUES)
def test_regression_targets_come_back(values):
    target = np.array(values)
    coder = TargetCoder.fit(regression(), target)
    if coder.is_constant:
        assert coder.predict_constant(2).array.tolist() == [target[0]] * 2
    else:
        back = coder.decode(coder.encode(target)).array
        assert np.allclose(back, target, rtol=1e-6, atol=1e-6 * np.abs(target).max())
    assert TargetCoder.from_dict(coder.to_dict()) == coder


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_absent_classes_get_probability_zero(codes):
    problem = Problem.of("y").resolved(Task.MULTICLASS, "log_loss", tuple("abcde"))
    coder = TargetCoder.fit(problem, np.array(codes))
    count = len(set(codes))
    array = coder.decode(np.full((3, count), 1 / count)).array
    assert array.shape == (3, 5)
    assert np.allclose(array.sum(axis=1), 1)
    assert set(np.flatnonzero(array[0])) == set(codes)


def test_rmsle_is_fitted_on_logarithms():
    coder = TargetCoder.fit(regression("rmsle"), np.array([0.0, 10.0, 1000.0]))
    assert coder.logarithm
    assert np.allclose(coder.decode(coder.encode(np.array([3.0]))).array, [3.0])
    assert (coder.decode(np.array([-50.0, 1e6])).array >= 0).all()
    assert np.isfinite(coder.decode(np.array([1e6])).array).all()


def test_loss_follows_metric():
    names = {"rmse": "squared", "mae": "absolute", "r2": "squared", "mape": "absolute"}
    assert {metric: loss_of(regression(metric)).name for metric in names} == names
    assert loss_of(regression("quantile:0.9")).level == 0.9


def test_mape_weighs_small_targets_more():
    weights = relative_weights(regression("mape"), np.array([1.0, 10.0, 100.0]), None)
    assert weights is not None
    assert weights[0] == pytest.approx(10 * weights[1])
    assert relative_weights(regression("rmse"), np.array([1.0]), None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"present": [0, 7]},
        {"present": [1, 0]},
        {"outputs": "x"},
        {"present": []},
        {"scale": None},
        {"outputs": 10_001},
        {"outputs": 2**31},
        {"outputs": 10**30},
        {"outputs": float("inf")},
        {"outputs": -1, "present": []},
        {"outputs": 2.5},
        {"outputs": True, "present": [0]},
        {"present": [0.5]},
        {"present": [[]]},
        {"outputs": 0, "present": [], "center": float("nan")},
        {"outputs": 0, "present": [], "scale": float("inf")},
        {"outputs": 0, "present": [], "constant": float("-inf")},
        {"outputs": 0, "present": [], "center": 10**400},
        {"outputs": 0, "present": [], "center": "1"},
    ],
)
def test_damaged_record_is_refused(change):
    record = TargetCoder(outputs=2, present=(0, 1)).to_dict()
    with pytest.raises(BundleError):
        TargetCoder.from_dict({**record, **change})


def test_watch_keeps_best_and_stops_without_improvement():
    watch = RoundWatch(rows=100, rounds=100, deadline=Deadline(None), patience=3)
    going = [watch.tell(done, error) for done, error in enumerate([5.0, 4.0, 4.1, 4.2, 4.3], start=1)]
    assert going == [True, True, True, True, False]
    assert (watch.best, watch.reason) == (2, "no improvement")


def test_watch_ignores_differences_in_last_bits():
    watch = RoundWatch(rows=100, rounds=100, deadline=Deadline(None))
    watch.tell(1, 0.5)
    watch.tell(2, 0.5 - 1e-14)
    assert watch.best == 1


def test_watch_stops_before_deadline():
    watch = RoundWatch(rows=100, rounds=100, deadline=Deadline.after(0.0))
    assert not watch.tell(1, None)
    assert watch.by_deadline


@given(st.floats(0.01, 0.2), st.floats(1, 1e5))
def test_rate_is_only_raised(rate, rounds):
    assert rate <= affordable_rate(rate, rounds) <= 0.25
