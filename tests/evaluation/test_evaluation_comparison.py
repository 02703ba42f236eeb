"""Two models on the same rows: DeLong, McNemar, the paired bootstrap, and what is said of them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from modelwright.core import BadInput, Predictions, Task
from modelwright.evaluation import compare_predictions
from modelwright.evaluation.comparison import delong_test, mcnemar_test
from modelwright.metrics import Metric, get_metric
from modelwright.metrics.classification_probabilities import area_under_roc

AUC = get_metric("roc_auc", Task.BINARY)
ACCURACY = get_metric("accuracy", Task.BINARY)
RMSE = get_metric("rmse", Task.REGRESSION)


def two(chance: np.ndarray) -> Predictions:
    return Predictions(np.column_stack([1 - chance, chance]))


def scored(rows: int, seed: int = 0, second: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A target and two models that share much of their error; ties are there."""
    random = np.random.default_rng(seed)
    target = (random.random(rows) < 0.3).astype(np.int64)
    shared = random.normal(size=rows)
    first = 1.2 * target + shared + 0.5 * random.normal(size=rows)
    other = 1.2 * second * target + shared + 0.5 * random.normal(size=rows)
    squashed = [1 / (1 + np.exp(-each)) for each in (first, other)]
    return target, squashed[0].round(2), squashed[1].round(2)


def test_delong_agrees_with_a_brute_force_bootstrap() -> None:
    target, first, second = scored(400, seed=1, second=1.2)
    found = delong_test(target == 1, first, second)
    difference = roc_auc_score(target, second) - roc_auc_score(target, first)
    assert found.difference == pytest.approx(difference)
    random, hits = np.random.default_rng(0), target == 1
    drawn = []
    for _ in range(1000):
        rows = random.integers(0, 400, 400)
        if 0 < target[rows].sum() < 400:
            drawn.append(area_under_roc(hits[rows], second[rows]) - area_under_roc(hits[rows], first[rows]))
    error = (found.high - found.low) / (2 * 1.959963984540054)
    assert error == pytest.approx(np.std(drawn), rel=0.1)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(difference) / error), rel=0.1)


def test_delong_of_equal_models_finds_nothing() -> None:
    target, first, _ = scored(100)
    found = delong_test(target == 1, first, first)
    assert (found.difference, found.p) == (0.0, 1.0)


@pytest.mark.parametrize(("rows", "positives"), [(150, 45), (200, 8), (60, 6)])
def test_delong_is_wrong_as_often_as_it_says(rows: int, positives: int) -> None:
    target = np.arange(rows) < positives
    random = np.random.default_rng(rows)
    rejected = 0
    for _ in range(400):
        shared = 1.2 * target + random.normal(size=rows)
        one, other = (shared + 0.5 * random.normal(size=rows) for _ in range(2))
        rejected += delong_test(target, one, other).p < 0.05
    assert 6 <= rejected <= 36


@pytest.mark.parametrize("metric", [AUC, ACCURACY])
def test_equal_models_are_told_apart_as_seldom_as_it_says(metric: Metric) -> None:
    told = 0
    for seed in range(80):
        target, first, second = scored(200, seed=seed)
        found = compare_predictions(metric, target, {"A": two(first), "B": two(second)}, seed=seed)
        told += found.verdict != "cannot be told apart"
    assert told <= 10  # 4 are expected


def test_mcnemar_is_the_exact_binomial_test() -> None:
    random = np.random.default_rng(2)
    first, second = random.random(200) < 0.7, random.random(200) < 0.8
    found = mcnemar_test(first, second)
    wins, losses = int((second & ~first).sum()), int((first & ~second).sum())
    assert found.p == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)
    assert found.difference == pytest.approx(second.mean() - first.mean())
    assert mcnemar_test(first, first).p == 1.0
    many = random.random(40_000)
    large = mcnemar_test(many < 0.50, many > 0.48)
    assert 1e-6 < large.p < 1e-3


def test_a_better_model_is_called_better_in_words() -> None:
    target, first, second = scored(3000, seed=3, second=1.6)
    found = compare_predictions(AUC, target, {"old": two(first), "new": two(second)})
    assert found.verdict == "better"
    assert found.sentence.startswith("new is better than old: roc_auc 0.8")
    assert found.low > 0
    assert found.difference == pytest.approx(found.second[0] - found.first[0])
    (test,) = found.tests
    assert test.name == "DeLong"
    assert test.low == pytest.approx(found.low, abs=0.006)
    assert compare_predictions(AUC, target, {"new": two(second), "old": two(first)}).verdict == "worse"
    json.dumps(found.to_dict(), allow_nan=False)


def test_what_cannot_be_told_apart_says_what_could_have_been_found() -> None:
    target, first, second = scored(300, seed=4)
    found = compare_predictions(AUC, target, {"A": two(first), "B": two(second)})
    assert found.verdict == "cannot be told apart"
    assert f"a difference of {found.detectable:.2g} would have been found" in found.sentence
    assert found.detectable == pytest.approx(1.43 * (found.high - found.low) / 2, rel=0.1)


def test_a_detectable_difference_is_found_in_four_of_five_cases() -> None:
    random = np.random.default_rng(5)
    target = random.normal(size=250)

    def pair(shift: float) -> dict[str, Predictions]:
        error = random.normal(size=250)
        return {
            "A": Predictions(target + error),
            "B": Predictions(target + error * (1 - shift) + 0.3 * random.normal(size=250)),
        }

    power = np.mean([compare_predictions(RMSE, target, pair(0.0), seed=seed).detectable for seed in range(5)])
    # B errs by sqrt((1 - shift)^2 + 0.09): the shift at which that is the detectable difference below 1.
    shift = 1 - math.sqrt((1 - power) ** 2 - 0.09)
    verdicts = [compare_predictions(RMSE, target, pair(shift), seed=seed).verdict for seed in range(60)]
    assert 0.6 <= verdicts.count("better") / 60 <= 0.97


def test_errors_are_better_when_they_are_lower() -> None:
    target = np.random.default_rng(6).normal(size=500)
    noise = np.random.default_rng(7).normal(size=500)
    models = {"far": Predictions(target + noise), "near": Predictions(target)}
    found = compare_predictions(RMSE, target, models)
    assert found.verdict == "better"
    assert found.difference < 0


def test_accuracy_is_tested_by_mcnemar_and_groups_by_neither() -> None:
    target, first, second = scored(400, seed=8)
    models = {"A": two(first), "B": two(second)}
    (test,) = compare_predictions(ACCURACY, target, models).tests
    assert test.name == "McNemar"
    groups = np.arange(400) // 8
    assert compare_predictions(ACCURACY, target, models, groups=groups).tests == ()


def test_equal_models_and_undefined_metrics() -> None:
    target, first, _ = scored(100)
    same = compare_predictions(AUC, target, {"A": two(first), "B": two(first)})
    assert (same.difference, same.verdict) == (0.0, "cannot be told apart")
    alone = compare_predictions(AUC, np.zeros(100, np.int64), {"A": two(first), "B": two(first)})
    assert "undefined on these rows" in alone.sentence
    with pytest.raises(BadInput, match="two models"):
        compare_predictions(AUC, target, {"A": two(first)})
