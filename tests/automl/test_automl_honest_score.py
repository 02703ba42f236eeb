"""Scores of choices on rows that the choice did not see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

import modelwright as mw
from modelwright.automl.choice import choose
from modelwright.automl.honest_score import cross_fitted_choice
from modelwright.core import Deadline, FeatureInfo, Problem, Task, View, ViewInfo
from modelwright.ensemble import FoldData, FoldResult
from modelwright.metrics import get_metric
from modelwright.search import Trial, Trials
from modelwright.validation import make_folds


def guesses(place: Path, rows: int, count: int, metric: str = "roc_auc", seed: int = 0) -> Trials:
    """Trials that know nothing of two classes."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, rows)
    problem = Problem.of("y").resolved(Task.BINARY, metric, ("no", "yes"))
    info = ViewInfo((FeatureInfo("x", "x", "value"),), ())
    view = View(np.zeros((rows, 1), np.float32), np.zeros((rows, 0), np.int32), info)
    folds = make_folds(problem, target, count=4, seed=0)
    book = Trials(FoldData(problem, view, target, None, folds, "id"), get_metric(metric, Task.BINARY))
    for number in range(count + 1):
        book.add(
            Trial(number, f"learner{number}", f"learner{number}", {}, "portfolio" if number else "baseline")
        )
        for fold, valid in enumerate(folds.valid):
            directory = place / f"{seed}-{number}-{fold}"
            directory.mkdir()
            positive = rng.uniform(0.3, 0.7, len(valid)) if number else np.full(len(valid), 0.5)
            np.save(directory / "valid.npy", np.column_stack([1 - positive, positive]))
            book.finish_fold(number, fold, FoldResult(directory, 0.1, 0.0, 1, False, {}))
    return book


def test_the_best_of_many_guesses_is_not_praised(tmp_path: Path) -> None:
    plain, honest = [], []
    for seed in range(8):
        book = guesses(tmp_path, rows=200, count=20, seed=seed)
        chosen = choose(book)
        blend = book.decided(book.blend(chosen.numbers, np.array(chosen.shares), chosen.folds), chosen.folds)
        plain.append(book.metric.score(book.target(4), blend))
        found = cross_fitted_choice(book, 4, seed=seed)
        assert found is not None
        honest.append(book.metric.score(book.target(4), found))
    assert np.mean(plain) > 0.56
    assert 0.44 < np.mean(honest) < 0.53


def test_decisions_are_chosen_on_other_rows_too(tmp_path: Path) -> None:
    book = guesses(tmp_path, rows=200, count=10, metric="f1")
    found = cross_fitted_choice(book, 4)
    assert found is not None
    assert set(np.unique(found.array)) <= {0.0, 1.0}
    score = book.metric.score(book.target(4), found)
    assert score == pytest.approx(f1_score(book.target(4), found.array[:, 1]))


def test_there_is_nothing_to_correct_for_one_trial_nor_time_after_the_deadline(tmp_path: Path) -> None:
    assert cross_fitted_choice(guesses(tmp_path, rows=200, count=1), 4) is None
    book = guesses(tmp_path, rows=200, count=3, seed=1)
    assert cross_fitted_choice(book, 4, deadline=Deadline.after(0.0)) is None


def test_groups_stay_in_one_part(tmp_path: Path) -> None:
    """Copies of rows tell of each other: a choice judged on copies would be praised again."""
    book = guesses(tmp_path, rows=200, count=5)
    groups = np.zeros(200, np.int64)  # everything is one group: no part without known rows remains
    groups[:100] = 1
    found = cross_fitted_choice(book, 4, groups=groups)
    assert found is not None
    first = found.array[groups == 0]
    assert np.isfinite(first).all()


def test_a_small_table_is_scored_by_choices_on_other_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=300) for i in range(4)})
    frame = frame.with_columns(y=np.where(frame["x0"] + rng.normal(size=300) > 0, "yes", "no"))
    model = mw.train(frame, "y", max_trials=3, time_limit="10m", threads=2, workspace=tmp_path / "w")
    score = model.manifest["score"]
    assert score["source"] == "cross-fitted"
    assert score["rows"] == 300
    low, high = score["interval"]
    assert low < score["value"] < high
    assert score["out_of_fold"]["value"] != score["value"]
    limited = mw.train(
        frame, "y", max_trials=3, time_limit="10m", threads=2, workspace=tmp_path / "w", max_model_mb=50
    )
    assert limited.manifest["score"]["source"] == "out-of-fold"
