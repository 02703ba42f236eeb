"""Reweighting and thresholds by group: what they promise, on rows that they were not fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, Problem, Task, View, ViewInfo
from modelwright.ensemble import (
    CONSTRAINTS,
    FoldData,
    FoldJob,
    crossed_decisions,
    decide_by_group,
    fit_group_thresholds,
    open_fold_data,
    write_fold_data,
)
from modelwright.ensemble.reweighting import reweighted
from modelwright.validation import Folds

Rows = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


def rows(seed: int, count: int = 8000) -> Rows:
    """Scores, truth and group: the second group's scores are too low for what is true of it."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 2, count)
    truth = (rng.random(count) < 0.5 - 0.1 * groups).astype(np.int64)
    scores = 1 / (1 + np.exp(-(2.0 * truth - 1.0 - 0.8 * groups + rng.normal(0, 1, count))))
    return scores, truth, groups


def rates(
    decided: NDArray[np.int64], truth: NDArray[np.int64], groups: NDArray[np.int64]
) -> dict[str, float]:
    """The gap that each constraint is about."""

    def gap(part: NDArray[np.bool_]) -> float:
        means = [decided[part & (groups == code)].mean() for code in (0, 1)]
        return float(abs(means[0] - means[1]))

    everything = np.ones(len(truth), np.bool_)
    opportunity, alarm = gap(truth == 1), gap(truth == 0)
    return {
        "demographic_parity": gap(everything),
        "equal_opportunity": opportunity,
        "equalized_odds": max(opportunity, alarm),
    }


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_thresholds_keep_their_promise_on_new_rows(constraint: str) -> None:
    scores, truth, groups = rows(1)

    def loss(decided: NDArray[np.int64]) -> float:
        return float((decided != truth).mean())

    found = fit_group_thresholds(scores, truth, groups, constraint, loss)
    new_scores, new_truth, new_groups = rows(2)
    plain = (new_scores > 0.5).astype(np.int64)
    decided = decide_by_group(new_scores, new_groups, found, plain)
    before, after = (rates(each, new_truth, new_groups)[constraint] for each in (plain, decided))
    assert before > 0.1
    assert after < 0.06
    assert (decided != new_truth).mean() < (plain != new_truth).mean() + 0.03


def test_small_groups_keep_the_models_own_decisions() -> None:
    scores, truth, groups = rows(3, 2000)
    groups[:20] = 2
    found = fit_group_thresholds(scores, truth, groups, "demographic_parity", lambda decided: 0.0)
    assert np.isnan(found).tolist() == [False, False, True]
    otherwise = np.ones(2000, np.int64)
    assert decide_by_group(scores, groups, found, otherwise)[:20].tolist() == [1] * 20
    assert decide_by_group(scores[:2], np.array([-1, 7]), found, otherwise[:2]).tolist() == [1, 1]


def test_one_group_alone_has_nothing_to_equal() -> None:
    scores, truth, _ = rows(4, 500)
    found = fit_group_thresholds(scores, truth, np.zeros(500, np.int64), "equal_opportunity", lambda _: 0.0)
    assert np.isnan(found).all()


def test_few_different_scores_still_give_thresholds() -> None:
    scores, truth, groups = rows(5, 4000)
    coarse = np.round(scores, 1)
    found = fit_group_thresholds(
        coarse, truth, groups, "demographic_parity", lambda decided: float((decided != truth).mean())
    )
    assert np.isfinite(found).all()
    assert not np.isin(found, coarse).any()  # a row on a threshold would be decided by rounding


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_small_gaps_are_not_bought_by_deciding_for_nobody_or_for_all(constraint: str) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        groups = rng.integers(0, 4, 1200)
        truth = (rng.random(1200) < 0.5 - 0.12 * groups).astype(np.int64)
        scores = 1 / (1 + np.exp(-(2 * truth - 1 - 0.5 * groups + rng.normal(size=1200))))
        found = fit_group_thresholds(
            scores, truth, groups, constraint, lambda decided, truth=truth: float((decided != truth).mean())
        )
        decided = scores > found[groups]
        assert 0.1 < decided.mean() < 0.7
        assert (decided == truth).mean() > ((scores > 0.5) == truth).mean() - 0.06


def test_crossed_decisions_are_not_fitted_on_their_own_rows() -> None:
    scores, _, groups = rows(6, 3000)
    seen: list[int] = []

    def fit(part: NDArray[np.int64]) -> NDArray[np.float64]:
        seen.append(len(part))
        return np.array([0.5, 0.3])

    decided = crossed_decisions(fit, scores, groups, np.zeros(3000, np.int64))
    assert seen == [2400] * 5
    assert decided.tolist() == (scores > np.array([0.5, 0.3])[groups]).tolist()


def test_weights_make_group_and_class_independent_and_multiply_the_callers() -> None:
    rng = np.random.default_rng(7)
    groups = rng.integers(0, 3, 900)
    codes = (rng.random(900) < 0.2 + 0.25 * groups).astype(np.int64)
    own = rng.uniform(0.5, 2.0, 900)
    train = np.arange(600)
    found = reweighted(groups, codes, own, train)
    shares = [
        np.average(codes[:600][groups[:600] == code], weights=found[:600][groups[:600] == code])
        for code in range(3)
    ]
    assert shares == pytest.approx([np.average(codes[:600], weights=own[:600])] * 3)
    assert found[:600].sum() == pytest.approx(own[:600].sum())
    factors = found / own
    for group in range(3):  # one factor for each group and class, also of rows that it was not made of
        for code in range(2):
            assert np.ptp(factors[(groups == group) & (codes == code)]) == pytest.approx(0.0)
    other = codes.copy()
    other[600:] = 1 - other[600:]
    assert reweighted(groups, other, own, train)[:600].tolist() == found[:600].tolist()


def test_a_group_and_class_that_hardly_meet_is_not_weighed_without_end() -> None:
    groups = np.repeat([0, 1], [1000, 1000])
    codes = np.concatenate([np.ones(1000, np.int64), np.zeros(999, np.int64), [1]])
    assert reweighted(groups, codes, None, np.arange(2000)).max() == 10.0
    assert reweighted(groups, codes, None, np.arange(1999))[-1] == 1.0


def test_fold_data_carry_the_groups_and_a_plain_fit_is_another_one(tmp_path: Path) -> None:
    scores, truth, groups = rows(8, 60)
    info = ViewInfo((FeatureInfo("score", "score", "value"),), ())
    view = View(scores[:, None].astype(np.float32), np.zeros((60, 0), np.int32), info)
    parts = np.arange(30), np.arange(30, 60)
    folds = Folds((parts[0], parts[1]), (parts[1], parts[0]), "kfold", "")
    problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
    data = FoldData(problem, view, truth, None, folds, "id", None, groups)
    write_fold_data(data, tmp_path)
    again = open_fold_data(tmp_path)
    weights = again.fit_weights(parts[0])
    assert weights is not None
    assert weights.tolist() == reweighted(groups, truth, None, parts[0]).tolist()
    write_fold_data(FoldData(problem, view, truth, None, folds, "id"), tmp_path / "plain")
    assert open_fold_data(tmp_path / "plain").fit_weights(parts[0]) is None
    known = {"data": "d", "data_identity": "i", "output": "o", "learner": "l", "config": {}, "fold": 0}
    job = FoldJob(**known, seed=0, adaptive=False)
    assert FoldJob(**known, seed=0, adaptive=False, plain=True).identity != job.identity


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_fairlearn_does_hardly_better_with_drawing_lots(constraint: str) -> None:
    postprocessing = pytest.importorskip("fairlearn.postprocessing")
    from sklearn.base import BaseEstimator

    class Known(BaseEstimator):  # type: ignore[misc]
        """Predicts the scores that it is given."""

        def fit(self, X: NDArray[np.float64], y: NDArray[np.int64]) -> Known:
            self.fitted_ = True
            return self

        def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(X)[:, 0]

    scores, truth, groups = rows(9)
    theirs = postprocessing.ThresholdOptimizer(
        estimator=Known().fit(scores[:, None], truth),
        constraints=constraint.replace("equal_opportunity", "true_positive_rate_parity"),
        objective="accuracy_score",
        prefit=True,
        predict_method="predict",
    )
    theirs.fit(scores[:, None], truth, sensitive_features=groups)
    new_scores, new_truth, new_groups = rows(10)
    lots = theirs.predict(new_scores[:, None], sensitive_features=new_groups, random_state=0)
    drawn = np.asarray(lots, np.int64)
    found = fit_group_thresholds(
        scores, truth, groups, constraint, lambda decided: float((decided != truth).mean())
    )
    own = decide_by_group(new_scores, new_groups, found, drawn)
    assert (own == new_truth).mean() > (drawn == new_truth).mean() - 0.01
    gaps = [rates(decided, new_truth, new_groups)[constraint] for decided in (own, drawn)]
    assert gaps[0] < gaps[1] + 0.02
