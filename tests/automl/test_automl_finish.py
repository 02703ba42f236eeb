"""The final choice: on all folds, unless fewer prove better; never by luck on a handful of rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl.choice import choose
from modelwright.automl.finish import why_unranked
from modelwright.core import BudgetTooSmall, FeatureInfo, OptionError, Problem, Task, View, ViewInfo
from modelwright.ensemble import FoldData, FoldResult
from modelwright.metrics import get_metric
from modelwright.search import Trial, Trials
from modelwright.validation import make_folds


def trials(rows: int, folds: int) -> Trials:
    target = np.random.default_rng(0).normal(size=rows)
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    info = ViewInfo((FeatureInfo("x", "x", "value"),), ())
    view = View(np.zeros((rows, 1), np.float32), np.zeros((rows, 0), np.int32), info)
    split = make_folds(problem, target, count=folds, seed=0)
    return Trials(FoldData(problem, view, target, None, split, "id"), get_metric("rmse", Task.REGRESSION))


def add(book: Trials, place: Path, number: int, noise: float, folds: int) -> None:
    trial = Trial(number, f"learner{number}", f"learner{number}", {}, "portfolio" if number else "baseline")
    book.add(trial)
    for fold in range(folds):
        rows = book.data.folds.valid[fold]
        rng = np.random.default_rng([number, fold])
        directory = place / f"{number}-{fold}"
        directory.mkdir()
        shared = np.random.default_rng([99, fold]).normal(0, noise, len(rows))  # models err alike
        np.save(directory / "valid.npy", book.data.target[rows] + shared + rng.normal(0, 0.1, len(rows)))
        book.finish_fold(number, fold, FoldResult(directory, 0.1, 0.0, 1, False, {}))


def test_the_luckiest_of_many_on_one_small_fold_does_not_win(tmp_path: Path) -> None:
    book = trials(rows=320, folds=8)
    add(book, tmp_path, 0, 1.5, 8)
    add(book, tmp_path, 1, 0.50, 8)
    add(book, tmp_path, 2, 0.52, 8)
    for number in range(3, 15):  # as good as the others, but only one fold of 40 rows each
        add(book, tmp_path, number, 0.50, 1)
    chosen = choose(book)
    assert chosen.folds == 8
    assert set(chosen.numbers) <= {1, 2}


def test_what_is_proved_better_on_a_large_fold_wins_though_it_was_not_completed(tmp_path: Path) -> None:
    book = trials(rows=4000, folds=4)
    add(book, tmp_path, 0, 1.5, 4)
    add(book, tmp_path, 1, 0.9, 4)
    add(book, tmp_path, 2, 0.3, 2)
    chosen = choose(book)
    assert chosen.numbers[0] == 2
    assert chosen.folds == 2  # judged on every fold it has, not on the first alone


def test_a_trial_that_lacks_its_last_fold_takes_part_where_it_helps(tmp_path: Path) -> None:
    book = trials(rows=400, folds=8)
    add(book, tmp_path, 0, 1.5, 8)
    add(book, tmp_path, 1, 0.50, 8)
    add(book, tmp_path, 2, 0.40, 7)
    chosen = choose(book)
    assert chosen.numbers[0] == 2
    assert chosen.folds == 7


def test_the_constant_is_not_chosen_because_it_alone_is_complete(tmp_path: Path) -> None:
    book = trials(rows=60, folds=4)
    add(book, tmp_path, 0, 0.6, 4)
    add(book, tmp_path, 1, 0.5, 1)
    assert choose(book).numbers == (1,)


def test_pure_noise_is_not_praised(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=300) for i in range(5)})
    frame = frame.with_columns(y=pl.Series(rng.choice(["a", "b"], 300)))
    model = mw.train(frame, "y", max_trials=4, time_limit="10m", threads=2, workspace=tmp_path)
    low, _ = model.manifest["score"]["interval"]
    assert low < 0.5


def test_a_run_without_time_for_any_model_asks_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")  # workers are slow to start anyway; the limit is what matters
    with pytest.raises(BudgetTooSmall, match="Give"):
        mw.train(wide(), "y", time_limit=3, threads=1, workspace=tmp_path / "w")


def wide() -> pl.DataFrame:
    """A table that takes longer to read and check than three seconds leave."""
    rng = np.random.default_rng(0)
    columns = {f"c{i}": rng.integers(0, 9, 3000).astype(str) for i in range(3000)}
    return pl.DataFrame({**columns, "y": rng.normal(size=3000)})


def test_a_place_that_cannot_be_written_is_found_before_training(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="/proc"):
        mw.train(without(table(), "churn"), "churn", output="/proc/m.mw", workspace=tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_a_holdout_that_was_trained_on_is_reported(tmp_path: Path) -> None:
    frame = without(table(), "churn")
    model = mw.train(
        frame, "churn", holdout=frame, max_trials=1, time_limit="10m", threads=1, workspace=tmp_path
    )
    found = [finding for finding in model.manifest["findings"] if finding["check"] == "holdout_overlap"]
    assert found[0]["evidence"]["rows"] == 240
    assert found[0]["severity"] == "warning"


def test_degraded_input_is_reported_at_predict_time(
    binary: mw.Model, caplog: pytest.LogCaptureFixture
) -> None:
    frame = without(table(seed=8, rows=20)).with_columns(pl.col("age").cast(pl.String).fill_null("n.b."))
    frame = frame.with_columns(age=pl.when(pl.int_range(20) < 4).then(pl.lit("broken!")).otherwise("age"))
    with caplog.at_level("WARNING", logger="modelwright"):
        binary.predict(frame)
    assert any("age" in record.getMessage() for record in caplog.records)


def test_trials_that_lost_the_race_are_told_from_those_without_time() -> None:
    trial = Trial(1, "linear", "linear", {}, "portfolio")
    assert why_unranked(trial) == "out of time"
    assert why_unranked(replace(trial, pruned=True)) == "pruned"
    assert why_unranked(replace(trial, pruned=True, out_of_time=True)) == "out of time"
    assert why_unranked(replace(trial, pruned=True, failure="no memory")) == "failed"


def test_a_choice_of_few_folds_must_be_best_on_all_that_it_has_finished(tmp_path: Path) -> None:
    """What shines on the first folds alone gives way to what is better on all of them."""
    book = trials(rows=400, folds=4)
    add(book, tmp_path, 0, 1.5, 4)
    add(book, tmp_path, 1, 0.3, 4)
    lucky = Trial(2, "lucky", "lucky", {}, "portfolio")
    book.add(lucky)
    for fold in range(4):
        rows = book.data.folds.valid[fold]
        noise = np.random.default_rng(fold).normal(0, 0.05 if fold == 0 else 2.0, len(rows))
        directory = tmp_path / f"2-{fold}"
        directory.mkdir()
        np.save(directory / "valid.npy", book.data.target[rows] + noise)
        book.finish_fold(2, fold, FoldResult(directory, 0.1, 0.0, 1, False, {}))
    add(book, tmp_path, 3, 0.3, 1)  # so that the first fold is a choice of its own
    assert choose(book).numbers[0] == 1


def test_the_oldest_folds_do_not_outvote_the_newest(tmp_path: Path) -> None:
    book = trials(rows=400, folds=4)
    book = Trials(replace(book.data, problem=replace(book.data.problem, time_column="when")), book.metric)
    add(book, tmp_path, 0, 1.5, 4)
    add(book, tmp_path, 1, 0.5, 4)
    add(book, tmp_path, 2, 0.1, 1)  # far better, but on the oldest rows alone
    assert choose(book).numbers == (1,)
