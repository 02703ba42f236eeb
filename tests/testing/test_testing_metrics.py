"""The suite of metrics notices metrics that break the contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import Predictions, Task
from modelwright.metrics import get_metric
from modelwright.testing import ContractViolation, check_metric, run_metric_check

ACCURACY = get_metric("accuracy", Task.BINARY)
RMSE = get_metric("rmse", Task.REGRESSION)


def prepared(function):
    """A metric's work from a function of target, predicted array and weights."""
    return lambda target, predictions: lambda weights: function(target, predictions.array, weights)


def scored(metric, change):
    """The metric with something done to each of its scores."""

    def prepare(target, predictions):
        scorer = metric.prepare(target, predictions)
        return lambda weights: change(scorer(weights))

    return replace(metric, prepare=prepare)


def ignores_weights(target, array, weights):
    return float(np.sqrt(np.mean((target - array) ** 2)))


def sums_instead(target, array, weights):
    losses = np.abs(target - array)
    return float(losses.sum() if weights is None else losses @ weights)


def looks_at_neighbours(target, array, weights):
    return float(np.abs(np.diff(target) - np.diff(array)).mean()) if len(array) > 1 else 0.0


def looks_at_probabilities(target, array, weights):
    return float(np.average(array[np.arange(len(target)), target], weights=weights))


def changes_target(target, array, weights):
    value = RMSE.score(target, Predictions(array), weights)
    target[0] += 1
    return value


def draws(target, array, weights):
    np.random.rand()
    return RMSE.score(target, Predictions(array), weights)


class Counts:
    """A scorer that remembers the weightings it was asked for."""

    def __call__(self, target, predictions):
        calls = []

        def score(weights):
            calls.append(1)
            return ACCURACY.prepare(target, predictions)(weights) / len(calls)

        return score


@pytest.mark.parametrize(
    ("metric", "check", "words"),
    [
        (replace(ACCURACY, greater_is_better=False), "direction", "says that lower is better"),
        (replace(RMSE, greater_is_better=True), "direction", "says that higher is better"),
        (replace(ACCURACY, greater_is_better=False), "declares_itself", "lowest score is 0.0"),
        (replace(ACCURACY, optimum=2.0), "declares_itself", "outside of"),
        (replace(ACCURACY, needs="values"), "declares_itself", "needs 'values'"),
        (replace(ACCURACY, name=" "), "declares_itself", "no name"),
        (scored(ACCURACY, lambda score: score / 2), "perfect_is_optimum", "score 0.5"),
        (scored(ACCURACY, lambda score: float("nan")), "is_finite", "score nan"),
        (scored(ACCURACY, lambda score: 2 * score - 1), "is_finite", "outside of"),
        (replace(RMSE, prepare=prepared(ignores_weights)), "weights", "with repeated rows"),
        (replace(RMSE, prepare=prepared(sums_instead)), "weights", "doubled weights"),
        (replace(RMSE, prepare=prepared(looks_at_neighbours)), "row_order", "in another order"),
        (replace(ACCURACY, prepare=Counts()), "scorer", "its scorer gives"),
        (replace(RMSE, losses=lambda target, predictions: np.zeros(3)), "scorer", "shape"),
        (
            replace(ACCURACY, prepare=prepared(looks_at_probabilities)),
            "looks_at_what_it_needs",
            "looks at probabilities",
        ),
        (replace(RMSE, prepare=prepared(changes_target)), "leaves_input_alone", "changes its input"),
        (replace(RMSE, prepare=prepared(draws)), "leaves_input_alone", "random state"),
    ],
)
def test_broken_metric_is_noticed(metric, check, words):
    with pytest.raises(ContractViolation, match=words):
        run_metric_check(check, metric, metric.tasks[0])


def test_verdict_names_metric_and_check():
    with pytest.raises(
        ContractViolation, match=r"metric 'rmse' fails the check 'declares_itself': it is not"
    ):
        check_metric(RMSE, Task.BINARY)
