"""Greedy ensemble selection."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import Deadline, Predictions, Task
from modelwright.ensemble import select_weights, selection
from modelwright.metrics import get_metric

RMSE = get_metric("rmse", Task.REGRESSION)
LOG_LOSS = get_metric("log_loss", Task.MULTICLASS)
AUC = get_metric("roc_auc", Task.BINARY)


def noisy(target: np.ndarray, scale: float, seed: int) -> np.ndarray:
    return target + np.random.default_rng(seed).normal(0, scale, len(target))


def test_opposite_errors_cancel_out() -> None:
    target = np.arange(10.0)
    weights = select_weights(RMSE, target, [target + 1, target - 1, target + 5])
    assert weights.tolist() == [0.5, 0.5, 0.0]


def test_the_blend_is_never_worse_than_the_best_single_candidate() -> None:
    target = np.random.default_rng(0).normal(size=300)
    candidates = [noisy(target, scale, seed) for seed, scale in enumerate((0.5, 0.6, 0.7, 3.0))]
    weights = select_weights(RMSE, target, candidates)
    blend = sum(w * c for w, c in zip(weights, candidates, strict=True))
    best = min(RMSE.error(target, Predictions(c)) for c in candidates)
    assert RMSE.error(target, Predictions(blend)) <= best
    assert weights[3] == 0.0


def test_a_tie_favours_the_earlier_candidate_and_few_members() -> None:
    target = np.arange(20.0)
    same = target + 0.5
    weights = select_weights(RMSE, target, [same, same.copy(), same.copy()])
    assert weights.tolist() == [1.0, 0.0, 0.0]


def test_light_members_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    target = np.random.default_rng(1).normal(size=500)
    candidates = [noisy(target, 0.5 + 0.5 * seed, seed) for seed in range(10)]
    weights = select_weights(RMSE, target, candidates)
    monkeypatch.setattr(selection, "_LEAST_WEIGHT", 0.0)
    light = select_weights(RMSE, target, candidates)
    assert ((light > 0) & (light < 0.05)).any()
    assert ((weights == 0) | (weights >= 0.05)).all()
    assert weights.sum() == pytest.approx(1)


def test_log_loss_takes_the_fast_path_and_agrees_with_the_metric() -> None:
    rng = np.random.default_rng(2)
    target = rng.integers(0, 3, 200)
    sharp = np.eye(3)[target] * 0.6 + 0.4 / 3
    vague = rng.dirichlet(np.ones(3), 200)
    weights = select_weights(LOG_LOSS, target, [vague, sharp])
    blend = weights[0] * vague + weights[1] * sharp
    errors = [LOG_LOSS.error(target, Predictions(a)) for a in (vague, sharp, blend)]
    assert errors[2] <= min(errors[:2]) + 1e-12
    assert weights[1] > 0.9


def test_row_weights_decide() -> None:
    target = np.array([0.0, 0.0, 10.0, 10.0])
    left, right = np.array([0.0, 0.0, 0.0, 0.0]), np.array([10.0, 10.0, 10.0, 10.0])
    mass = np.array([1.0, 1.0, 1e-9, 1e-9])
    assert select_weights(RMSE, target, [left, right], weights=mass).tolist() == [1.0, 0.0]


def test_a_candidate_that_scores_nan_is_never_chosen() -> None:
    target = np.array([0, 1, 0, 1])
    useless = np.full((4, 2), np.nan)
    good = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]])
    assert select_weights(AUC, target, [useless, good]).tolist() == [0.0, 1.0]


def test_no_step_begins_after_the_deadline() -> None:
    target = np.random.default_rng(3).normal(size=50)
    candidates = [noisy(target, 1.0, seed) for seed in range(5)]
    weights = select_weights(RMSE, target, candidates, deadline=Deadline(time.monotonic() - 1))
    assert sorted(weights.tolist()) == [0.0, 0.0, 0.0, 0.0, 1.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(2, 40), st.integers(0, 10_000))
def test_weights_are_a_distribution_whatever_the_candidates(count: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=rows)
    weights = select_weights(RMSE, target, [rng.normal(size=rows) for _ in range(count)])
    assert weights.shape == (count,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)


def test_members_are_taken_only_while_they_can_be_afforded_together() -> None:
    target = np.random.default_rng(1).normal(size=500)
    candidates = [noisy(target, 1.0, seed) for seed in range(4)]
    prices = np.array([[0.5, 0.1], [0.5, 0.1], [0.4, 0.1], [0.1, 0.95]])
    weights = select_weights(RMSE, target, candidates, prices=prices)
    assert (weights > 0).sum() == 2
    assert (prices[weights > 0].sum(axis=0) <= 1).all()
    assert (select_weights(RMSE, target, candidates) > 0).sum() == 4
