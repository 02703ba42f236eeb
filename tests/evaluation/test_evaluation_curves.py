"""ROC, precision-recall and gain curves, and calibration: against hand-made numbers and scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from modelwright.core import BadInput
from modelwright.evaluation import calibration_curves, class_curves

LABELS = ["no", "yes"]


def two(chance: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - chance, chance])


def drawn(rows: int, seed: int = 0, digits: int | None = 2) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    chance = random.beta(1.5, 3, rows)
    target = (random.random(rows) < chance).astype(np.int64)
    return target, chance if digits is None else chance.round(digits)


@pytest.mark.parametrize("weighted", [False, True])
def test_areas_are_those_of_scikit_learn_with_ties_and_weights(weighted: bool) -> None:
    target, chance = drawn(700)
    weights = np.random.default_rng(1).integers(1, 4, 700).astype(float) if weighted else None
    (curves,) = class_curves(target, two(chance), LABELS, weights=weights, resamples=20)
    assert curves.roc.area == pytest.approx(roc_auc_score(target, chance, sample_weight=weights))
    expected = average_precision_score(target, chance, sample_weight=weights)
    assert curves.precision_recall.average_precision == pytest.approx(expected)
    assert curves.base_rate == pytest.approx(np.average(target, weights=weights))
    assert curves.roc.low < curves.roc.area < curves.roc.high


def test_the_points_of_the_roc_curve_are_those_of_scikit_learn() -> None:
    target, chance = drawn(300)
    (curves,) = class_curves(target, two(chance), LABELS, resamples=10)
    false_rate, true_rate, thresholds = roc_curve(target, chance, drop_intermediate=False)
    assert curves.roc.false_positive_rate == pytest.approx(false_rate, abs=1e-6)
    assert curves.roc.true_positive_rate == pytest.approx(true_rate, abs=1e-6)
    assert curves.roc.thresholds[1:] == pytest.approx(thresholds[1:])
    assert curves.roc.thresholds[0] == np.inf


def test_curves_are_thinned_but_areas_are_exact() -> None:
    target, chance = drawn(5_000, digits=None)
    (curves,) = class_curves(target, two(chance), LABELS, resamples=10)
    for length in (len(curves.roc.thresholds), len(curves.precision_recall.recall)):
        assert 150 <= length <= 200
    assert (curves.roc.false_positive_rate[0], curves.roc.true_positive_rate[-1]) == (0.0, 1.0)
    assert curves.roc.area == pytest.approx(roc_auc_score(target, chance))
    record = json.loads(json.dumps(curves.to_dict(), allow_nan=False))
    assert record["roc"]["thresholds"][0] is None
    assert len(json.dumps(record)) < 40_000


def test_gains_by_tenths_count_by_hand() -> None:
    target = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    chance = np.linspace(0.95, 0.05, 10)
    (curves,) = class_curves(target, two(chance), LABELS, resamples=30)
    found = [round(step.gain, 6) for step in curves.gains]
    assert found == [round(n / 3, 6) for n in (1, 2, 2, 3, 3, 3, 3, 3, 3, 3)]
    assert curves.gains[0].lift == pytest.approx(10 / 3)
    assert [round(step.rate, 6) for step in curves.gains[:4]] == [1.0, 1.0, 0.0, 1.0]
    assert curves.gains[3].threshold == pytest.approx(chance[3])


def test_rows_of_equal_probability_count_in_proportion() -> None:
    target = np.array([1, 0, 0, 0, 1, 0, 0, 0, 0, 0])
    (curves,) = class_curves(target, two(np.full(10, 0.3)), LABELS, resamples=10)
    assert [step.gain for step in curves.gains] == pytest.approx([step / 10 for step in range(1, 11)])
    assert curves.roc.area == 0.5


def test_bands_hold_the_curve_of_many_rows() -> None:
    truth, chance = drawn(200_000, seed=9, digits=None)
    false_rate, true_rate, _ = roc_curve(truth, chance)
    inside = total = 0
    for seed in range(15):
        target, scores = drawn(400, seed=seed, digits=None)
        (curves,) = class_curves(target, two(scores), LABELS, seed=seed, resamples=100)
        for point in curves.roc.band:
            inside += point.low <= np.interp(point.at, false_rate, true_rate) <= point.high
            total += 1
    assert inside / total > 0.85


def test_dependent_rows_widen_the_intervals() -> None:
    target, chance = drawn(200, digits=None)
    rows = np.repeat(np.arange(200), 5)
    (alone,) = class_curves(target[rows], two(chance[rows]), LABELS)
    (together,) = class_curves(target[rows], two(chance[rows]), LABELS, groups=rows)
    assert together.roc.high - together.roc.low > 1.6 * (alone.roc.high - alone.roc.low)


def test_each_of_several_classes_and_labels_is_asked_against_the_rest() -> None:
    random = np.random.default_rng(2)
    target = random.choice(3, 400, p=[0.2, 0.5, 0.3])
    array = random.random((400, 3)) + np.eye(3)[target]
    array /= array.sum(axis=1, keepdims=True)
    found = class_curves(target, array, ["a", "b", "c"], resamples=10)
    assert [each.label for each in found] == ["b", "c", "a"]
    for each, code in zip(found, (1, 2, 0)):
        assert each.roc.area == pytest.approx(roc_auc_score(target == code, array[:, code]))
    labels = np.column_stack([target == 0, np.zeros(400)]).astype(np.int64)
    (only,) = class_curves(labels, array[:, :2], ["first", "never"], resamples=10)
    assert only.label == "first"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match="a row for each of 3 targets"):
        class_curves(np.zeros(3, np.int64), two(np.zeros(4)), LABELS)


def test_calibration_of_two_levels_by_hand() -> None:
    chance = np.repeat([0.1, 0.6], [60, 40])
    target = np.concatenate([np.repeat([1, 0], [12, 48]), np.repeat([1, 0], [24, 16])])
    (curve,) = calibration_curves(target, two(chance), LABELS)
    low, high = curve.bins
    assert (low.observed, low.rows, low.share) == (pytest.approx(0.2), 60, pytest.approx(0.6))
    assert (high.observed, high.predicted) == (pytest.approx(0.6), pytest.approx(0.6))
    assert curve.error == pytest.approx(0.6 * 0.1)
    assert low.low < 0.2 < low.high
    assert low.is_off
    assert not high.is_off
    # Mean of |normal| with the standard deviation of a mean of 60 and of 40 Bernoulli draws.
    by_hand = 0.6 * np.sqrt(0.09 / 60 * 2 / np.pi) + 0.4 * np.sqrt(0.24 / 40 * 2 / np.pi)
    assert curve.error_by_chance == pytest.approx(by_hand)


def test_a_calibrated_model_shows_about_the_error_of_chance_and_a_bad_one_more() -> None:
    errors, chances = [], []
    for seed in range(20):
        target, chance = drawn(600, seed=seed, digits=None)
        (curve,) = calibration_curves(target, two(chance), LABELS)
        assert len(curve.bins) == 15
        assert "at their word" in curve.sentence or curve.is_off
        errors.append(curve.error)
        chances.append(curve.error_by_chance)
    assert np.mean(errors) == pytest.approx(np.mean(chances), rel=0.15)
    target, chance = drawn(600, digits=None)
    (off,) = calibration_curves(target, two(np.minimum(chance + 0.2, 1)), LABELS)
    assert off.is_off
    assert "too high" in off.sentence
    assert off.to_dict()["error"] > 0.15


def test_grouped_rows_make_wider_calibration_intervals() -> None:
    target, chance = drawn(200, digits=None)
    rows = np.repeat(np.arange(200), 4)
    (alone,) = calibration_curves(target[rows], two(chance[rows]), LABELS)
    (together,) = calibration_curves(target[rows], two(chance[rows]), LABELS, groups=rows)
    widths = [curve.bins[5].high - curve.bins[5].low for curve in (alone, together)]
    assert widths[1] > 1.5 * widths[0]
