"""Residuals and the confusion matrix: hand-made numbers, scikit-learn, bounded records."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics

from modelwright.core import BadInput
from modelwright.evaluation import confusion_matrix, residuals_of


def test_residuals_are_actual_minus_predicted() -> None:
    target, values = np.array([10.0, 20.0, 30.0, 40.0]), np.array([12.0, 18.0, 30.0, 30.0])
    found = residuals_of(target, values, rows=[7, 8, 9, 11])
    assert (found.rows, found.mean, found.mean_absolute) == (4, 2.5, 3.5)
    assert found.quantiles[5] == (0.5, 1.0)
    heaviest = [(each.row, each.residual) for each in found.heaviest]
    assert heaviest == [(11, 10.0), (7, -2.0), (8, 2.0), (9, 0.0)]
    assert found.share_of_heaviest == pytest.approx(100 / 108)
    (only,) = found.bins
    assert (only.lowest, only.highest, only.rows) == (12.0, 30.0, 4)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["heaviest"][0]["row"] == 11


def test_where_predictions_are_too_low_is_seen() -> None:
    random = np.random.default_rng(0)
    values = random.uniform(0, 10, 3000)
    target = values + np.where(values > 8, 2.0, 0.0) + random.normal(0, 0.5, 3000)
    found = residuals_of(target, values)
    assert len(found.bins) == 15
    assert all(part.low > 1.5 for part in found.bins if part.lowest > 8.1)
    assert np.mean([part.low < 0 < part.high for part in found.bins if part.highest < 7.9]) > 0.6
    assert len(found.points) == 200
    assert len(json.dumps(found.to_dict())) < 40_000


def test_the_shape_is_shown_beside_a_normal_one() -> None:
    random = np.random.default_rng(1)
    normal = residuals_of(random.normal(size=5000), np.zeros(5000))
    assert abs(normal.skewness) < 0.15
    assert abs(normal.excess_kurtosis) < 0.3
    assert max(abs(left - right) for left, right in normal.normal) < 0.15
    heavy = residuals_of(random.standard_t(3, size=5000), np.zeros(5000))
    assert heavy.excess_kurtosis > 2
    assert heavy.share_of_heaviest > normal.share_of_heaviest


def test_constant_residuals_and_weights() -> None:
    same = residuals_of(np.full(5, 3.0), np.full(5, 1.0))
    assert (same.mean, same.spread, same.excess_kurtosis) == (2.0, 0.0, 0.0)
    weighted = residuals_of(np.array([1.0, 5.0]), np.zeros(2), weights=np.array([3.0, 1.0]))
    assert weighted.mean == 2.0
    with pytest.raises(BadInput, match="one predicted value for each target"):
        residuals_of(np.zeros(3), np.zeros(2))


def test_the_matrix_and_its_rates_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(2)
    target, codes = random.choice(4, 500), random.choice(4, 500)
    weights = random.uniform(0.5, 2, 500)
    found = confusion_matrix(target, codes, list("abcd"), weights=weights)
    expected = metrics.confusion_matrix(target, codes, sample_weight=weights)
    np.testing.assert_allclose(found.counts, expected)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(target, codes, sample_weight=weights)
    for code, each in enumerate(found.classes):
        assert each.recall == pytest.approx(recall[code])
        assert each.precision == pytest.approx(precision[code])
        assert each.f1 == pytest.approx(f1[code])
        assert each.recall_low < each.recall < each.recall_high
    assert found.accuracy == pytest.approx(metrics.accuracy_score(target, codes, sample_weight=weights))
    np.testing.assert_allclose(np.sum(found.rates, axis=1), 1.0)


def test_the_most_confused_pairs_come_first() -> None:
    target = np.array([0] * 10 + [1] * 10 + [2] * 10)
    codes = np.array([0] * 6 + [1] * 4 + [1] * 10 + [2] * 9 + [0])
    found = confusion_matrix(target, codes, ["cat", "dog", "fox"])
    assert [(pair.actual, pair.predicted, pair.count, pair.share) for pair in found.pairs] == [
        ("cat", "dog", 4.0, 0.4),
        ("fox", "cat", 1.0, 0.1),
    ]


def test_very_many_classes_share_the_last_place() -> None:
    random = np.random.default_rng(3)
    target = random.choice(100, 3000, p=np.arange(1, 101) / 5050)
    found = confusion_matrix(target, random.permutation(target), list(range(100)))
    assert len(found.labels) == len(found.counts) == 31
    assert found.labels[-1] == "(other classes)"
    assert np.sum(found.counts) == 3000
    assert len(found.classes) == 30
    assert len(found.pairs) == 20
    assert len(json.dumps(found.to_dict())) < 60_000


def test_a_class_that_is_never_decided_for_has_no_precision() -> None:
    found = confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 0]), ["a", "b"])
    assert found.classes[1].precision is None
    assert found.classes[1].recall == 0.0
    with pytest.raises(BadInput, match="between 0 and 1"):
        confusion_matrix(np.array([0, 2]), np.array([0, 0]), ["a", "b"])
