"""The bootstrap: shared resamples, groups, weights, honest intervals, bounded work."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core import Predictions, Task
from modelwright.evaluation import bootstrap_scores, score_interval
from modelwright.metrics import get_metric

RMSE = get_metric("rmse", Task.REGRESSION)
AUC = get_metric("roc_auc", Task.BINARY)
ACCURACY = get_metric("accuracy", Task.BINARY)


def _classes(random: np.random.Generator, rows: int, share: float = 0.5) -> tuple[np.ndarray, Predictions]:
    target = (random.random(rows) < share).astype(np.int64)
    chance = 1 / (1 + np.exp(-random.normal(size=rows) - 1.2 * target))
    return target, Predictions(np.column_stack([1 - chance, chance]))


def test_models_share_the_resamples_and_seeds_repeat_them():
    random = np.random.default_rng(0)
    target = random.normal(size=300)
    noisy = Predictions(target + random.normal(size=300))
    scores = bootstrap_scores(RMSE, target, [noisy, noisy, Predictions(target + 1)], seed=4)
    assert scores.shape == (400, 3)
    assert (scores[:, 0] == scores[:, 1]).all()
    assert np.allclose(scores[:, 2], 1.0)
    assert scores[:, 0].std() > 0.01
    again = bootstrap_scores(RMSE, target, [noisy], seed=4, resamples=400)
    assert np.allclose(again[:, 0], scores[:, 0], rtol=0.05)
    other = bootstrap_scores(RMSE, target, [noisy], seed=5, resamples=400)
    assert not np.allclose(other, again, rtol=1e-6)


def test_a_pair_of_models_is_compared_more_sharply_than_each_alone():
    random = np.random.default_rng(1)
    target = random.normal(size=500)
    shared = random.normal(size=500)
    first, second = Predictions(target + shared), Predictions(target + shared * 1.05)
    scores = bootstrap_scores(RMSE, target, [first, second])
    low, high = score_interval(scores[:, 0] - scores[:, 1], -0.05 * float(np.sqrt(np.mean(shared**2))))
    assert high < 0
    alone = score_interval(scores[:, 0], RMSE.score(target, first), metric=RMSE)
    assert high - low < 0.2 * (alone[1] - alone[0])


def test_groups_of_equal_rows_count_as_one():
    random = np.random.default_rng(2)
    target = random.normal(size=100)
    guess = target + random.normal(size=100)
    rows = np.repeat(np.arange(100), 9)
    single = bootstrap_scores(RMSE, target, [Predictions(guess)])
    together = bootstrap_scores(RMSE, target[rows], [Predictions(guess[rows])], groups=rows)
    apart = bootstrap_scores(RMSE, target[rows], [Predictions(guess[rows])])
    assert together.std() == pytest.approx(single.std(), rel=0.15)
    assert apart.std() < 0.5 * single.std()


def test_weights_are_respected():
    random = np.random.default_rng(3)
    target = np.zeros(400)
    guess = Predictions(np.where(np.arange(400) < 200, 1.0, 5.0) * random.choice([-1, 1], 400))
    weights = np.where(np.arange(400) < 200, 1.0, 0.0)
    assert np.allclose(bootstrap_scores(RMSE, target, [guess], weights=weights), 1.0)


def test_an_undefined_resample_is_nan_and_does_not_spoil_the_interval():
    random = np.random.default_rng(4)
    target, predictions = _classes(random, 40)
    target[:] = 0
    target[:3] = 1
    scores = bootstrap_scores(AUC, target, [predictions])[:, 0]
    assert 0 < np.isnan(scores).sum() < 60
    assert np.isfinite(score_interval(scores, AUC.score(target, predictions), metric=AUC)).all()
    alone = bootstrap_scores(AUC, np.zeros(40, dtype=np.int64), [predictions])
    assert np.isnan(alone).all()
    assert np.isnan(score_interval(alone[:, 0], 0.5)).all()


def test_a_callers_metric_may_fail_on_a_resample():
    def picky(y_true, y_pred):
        if not y_true.any():
            raise ValueError("one class only")
        return float((y_true == y_pred).mean())

    target = np.zeros(30, dtype=np.int64)
    target[0] = 1
    predictions = Predictions(np.tile([0.9, 0.1], (30, 1)))
    scores = bootstrap_scores(get_metric(picky, Task.BINARY), target, [predictions])
    assert scores.shape == (60, 1)
    assert 0 < np.isnan(scores).sum() < 60


def test_very_many_rows_are_sampled_and_scaled():
    random = np.random.default_rng(5)
    target = random.normal(size=400_000)
    models = [Predictions(target + random.normal(size=400_000)) for _ in range(3)]
    median = get_metric("median_absolute_error", Task.REGRESSION)
    scores = bootstrap_scores(median, target, models)  # 72 million evaluations, if all rows were drawn
    assert scores.shape == (60, 3)
    expected = 1 / (2 * 2 * 0.3178 * np.sqrt(400_000))  # standard error of a median of |normal|
    assert scores.std(axis=0) == pytest.approx(expected, rel=0.4)
    assert scores.mean(axis=0) == pytest.approx([median.score(target, m) for m in models], abs=0.002)


def test_no_models_and_no_rows():
    assert bootstrap_scores(RMSE, np.zeros(5), []).shape == (400, 0)
    assert np.isnan(bootstrap_scores(RMSE, np.zeros(0), [Predictions(np.zeros(0))])).all()


def test_intervals_stay_inside_the_bounds_and_allow_for_luck():
    target = np.array([0, 1] * 50)
    sure = Predictions(np.eye(2)[target])
    for metric in (AUC, ACCURACY):
        scores = bootstrap_scores(metric, target, [sure])
        assert score_interval(scores[:, 0], 1.0, metric=metric) == (1.0, 1.0)
        assert score_interval(scores[:, 0], 1.0, metric=metric, rows=100) == (0.97, 1.0)
    spread = np.linspace(0.9, 1.0, 100)
    low, high = score_interval(spread, 0.98, metric=AUC)
    assert low < 0.95
    assert 0.98 < high < 1.0
    low, high = score_interval(np.linspace(0.0, 4.0, 100), 1.0, metric=RMSE)
    assert 0 < low < 1 < high


def _covered(metric, draw, truth: float, rows: int, times: int = 120) -> float:
    hits = 0
    for number in range(times):
        target, predictions = draw(np.random.default_rng([number, rows]), rows)
        scores = bootstrap_scores(metric, target, [predictions], seed=number, resamples=100)
        low, high = score_interval(scores[:, 0], metric.score(target, predictions), metric=metric, rows=rows)
        hits += low <= truth <= high
    return hits / times


def _heavy(random: np.random.Generator, rows: int) -> tuple[np.ndarray, Predictions]:
    return random.standard_t(5, size=rows), Predictions(np.zeros(rows))


def _rare(random: np.random.Generator, rows: int) -> tuple[np.ndarray, Predictions]:
    return _classes(random, rows, 0.1)


@pytest.mark.parametrize(
    ("metric", "draw", "rows"),
    [
        (RMSE, _heavy, 100),
        (AUC, _rare, 100),
        (ACCURACY, _classes, 150),
        (get_metric("log_loss", Task.BINARY), _classes, 150),
    ],
    ids=["heavy tails", "rare class", "accuracy", "log loss"],
)
def test_intervals_cover_the_truth(metric, draw, rows):
    target, predictions = draw(np.random.default_rng(99), 400_000)
    truth = metric.score(target, predictions)
    # 95% is aimed at; 120 draws have a standard error of 2%.
    assert _covered(metric, draw, truth, rows) >= 0.90
