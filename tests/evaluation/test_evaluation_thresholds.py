"""Thresholds: rates by hand, what outcomes are worth, and how sure the best one is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from modelwright.core import BadInput, OptionError, Predictions
from modelwright.evaluation import CellValues, Resampling, decision_threshold, threshold_table


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that mean what they say."""
    random = np.random.default_rng(seed)
    chance = random.beta(1, 3, rows)
    return random.random(rows) < chance, chance


def test_rates_at_every_threshold_are_those_of_scikit_learn() -> None:
    positive, scores = drawn(150)
    table = threshold_table(positive, scores, "yes")
    for point in table.points[::7]:
        flagged = scores >= point.threshold
        assert point.flagged == pytest.approx(flagged.mean())
        assert point.recall == pytest.approx(recall_score(positive, flagged))
        assert point.f1 == pytest.approx(f1_score(positive, flagged))
        assert point.precision == pytest.approx(precision_score(positive, flagged, zero_division=1.0))
    assert table.points[0].flagged == 0.0
    assert table.points[-1].flagged == 1.0
    assert table.best == pytest.approx(max(point.f1 for point in table.points))
    assert table.objective == "f1"


def test_the_value_of_a_threshold_by_hand() -> None:
    positive = np.array([True, False, True, False, False])
    scores = np.array([0.9, 0.8, 0.6, 0.4, 0.2])
    values = CellValues(true_positive=10.0, false_positive=-4.0, false_negative=-1.0)
    table = threshold_table(positive, scores, "yes", values=values)
    found = {point.threshold: point.value for point in table.points}
    assert found[0.85] == pytest.approx((10 - 1) / 5)
    assert found[0.7] == pytest.approx((10 - 4 - 1) / 5)
    assert found[0.5] == pytest.approx((20 - 4) / 5)
    assert found[0.0] == pytest.approx((20 - 12) / 5)
    assert table.recommended.threshold == 0.5
    assert table.theoretical == pytest.approx(4 / 15)


def test_the_best_threshold_of_true_probabilities_is_the_one_of_theory() -> None:
    positive, scores = drawn(60_000)
    values = CellValues(true_positive=9.0, false_positive=-1.0)
    table = threshold_table(positive, scores, "yes", values=values, references={"0.5": 0.5})
    assert values.best_threshold == pytest.approx(0.1)
    assert table.low <= 0.1 <= table.high
    assert table.recommended.threshold == pytest.approx(0.1, abs=0.05)
    (half,) = table.references
    assert half.point.threshold == 0.5
    assert half.low > 0
    assert half.better_by == pytest.approx(table.best - half.point.value)


def test_what_is_at_stake_may_differ_from_row_to_row() -> None:
    positive, scores = drawn(4000, seed=1)
    amounts = np.random.default_rng(2).exponential(100, 4000)
    values = CellValues(true_positive=0.0, false_positive=-20.0, false_negative=-amounts)
    table = threshold_table(positive, scores, "fraud", values=values)
    chosen = scores >= table.recommended.threshold
    by_hand = -20.0 * (chosen & ~positive).sum() - amounts[positive & ~chosen].sum()
    assert table.best == pytest.approx(by_hand / 4000)
    assert table.theoretical is None
    fixed = threshold_table(positive, scores, "fraud", values=CellValues(0.0, -20.0, -100.0))
    assert abs(fixed.recommended.threshold - table.recommended.threshold) < 0.15


def test_a_wrong_value_is_told_with_what_it_would_cost() -> None:
    positive, scores = drawn(3000, seed=3)
    values = CellValues(true_positive=5.0, false_positive=-1.0)
    table = threshold_table(positive, scores, "yes", values=values)
    told = {(each.cell, each.factor): each for each in table.wrong_values}
    cells = ("true_positive", "false_positive")
    assert set(told) == {(cell, factor) for cell in cells for factor in (0.5, 2.0)}
    assert told["true_positive", 0.5].threshold > table.recommended.threshold
    assert told["true_positive", 2.0].threshold < table.recommended.threshold
    assert all(each.lost >= 0 for each in table.wrong_values)
    again = threshold_table(positive, scores, "yes", values=CellValues(10.0, -1.0))
    chosen = scores >= table.recommended.threshold
    there = (10.0 * (chosen & positive).sum() - (chosen & ~positive).sum()) / 3000
    assert told["true_positive", 2.0].lost == pytest.approx(again.best - there)
    assert "as much, 0." in table.sentence


def test_the_interval_of_the_threshold_narrows_with_rows() -> None:
    widths = []
    for rows in (200, 20_000):
        positive, scores = drawn(rows, seed=4)
        table = threshold_table(positive, scores, "yes", values=CellValues(3.0, -1.0))
        widths.append(table.high - table.low)
        assert table.low <= table.recommended.threshold <= table.high
    assert widths[1] < 0.6 * widths[0]


def test_weights_and_groups_are_respected() -> None:
    positive, scores = drawn(300, seed=5)
    twice = np.repeat(np.arange(300), 2)
    plan = Resampling.of(300, weights=np.full(300, 2.0))
    weighted = threshold_table(positive, scores, "yes", plan=plan)
    doubled = threshold_table(positive[twice], scores[twice], "yes", plan=Resampling.of(600, groups=twice))
    assert weighted.recommended == doubled.recommended
    alone = threshold_table(positive[twice], scores[twice], "yes")
    assert doubled.best_high - doubled.best_low > 1.2 * (alone.best_high - alone.best_low)


def test_records_are_bounded_and_json() -> None:
    positive, scores = drawn(20_000, seed=6)
    table = threshold_table(positive, scores, "yes", values=CellValues(3.0, -1.0))
    assert 100 <= len(table.points) <= 200
    record = json.dumps(table.to_dict(), allow_nan=False)
    assert len(record) < 60_000
    assert "Flag rows of 'yes'" in json.loads(record)["sentence"]


def test_other_objectives_and_bad_ones() -> None:
    positive, scores = drawn(150, seed=7)
    youden = threshold_table(positive, scores, "yes", objective="youden")
    rates = [point.recall - point.false_positive_rate for point in youden.points]
    assert youden.best == pytest.approx(max(rates))
    with pytest.raises(OptionError, match="Say what outcomes are worth"):
        threshold_table(positive, scores, "yes", objective="value")
    with pytest.raises(OptionError, match="one for each of 150 rows"):
        threshold_table(positive, scores, "yes", values=CellValues(np.ones(3)))
    with pytest.raises(OptionError, match="finite"):
        threshold_table(positive, scores, "yes", values=CellValues(float("nan")))
    with pytest.raises(BadInput, match="one probability for each row"):
        threshold_table(positive, scores[:9], "yes")


def test_certain_rows_can_be_left_unflagged() -> None:
    rows = np.array([False, True]), np.array([1.0, 0.0])
    table = threshold_table(*rows, "yes", values=CellValues(0.0, -5.0))
    assert table.recommended.flagged == 0.0


def test_the_threshold_of_a_utility_decides_as_predictions_do() -> None:
    random = np.random.default_rng(8)
    chance = random.random(400)
    utility = np.array([[0.0, -3.0], [-7.0, 1.0]])
    codes = Predictions(np.column_stack([1 - chance, chance]), utility).codes
    threshold = decision_threshold(utility)
    assert threshold is not None
    assert (codes == (chance > threshold)).all()
    assert decision_threshold(np.array([[0.0, 1.0], [0.0, 1.0]])) is None


def test_nobody_and_everybody_are_said_in_words() -> None:
    positive, scores = drawn(400, seed=9)
    never = threshold_table(positive, scores, "yes", values=CellValues(-1.0, -500.0))
    always = threshold_table(positive, scores, "yes", values=CellValues(500.0, 1.0, -500.0))
    assert never.recommended.flagged == 0
    assert never.sentence.startswith("Flag no row as 'yes'")
    assert always.recommended.flagged == 1
    assert always.sentence.startswith("Flag every row as 'yes'")
    assert always.best == pytest.approx(500 * positive.mean() + (1 - positive.mean()))


def test_thresholds_of_rare_classes_keep_their_digits() -> None:
    positive, scores = drawn(3000, seed=10)
    rare = threshold_table(positive, scores * 1e-6, "yes", values=CellValues(9.0, -1.0))
    usual = threshold_table(positive, scores, "yes", values=CellValues(9.0, -1.0))
    assert rare.recommended.threshold == pytest.approx(1e-6 * usual.recommended.threshold, rel=1e-4)
