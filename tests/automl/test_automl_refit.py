"""Members fitted on every row: one model each, scored by their folds, found again after an interruption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl.plan import make_plan
from modelwright.automl.prepare import prepare
from modelwright.automl.refit import Refitting, expected_seconds
from modelwright.automl.request import TrainRequest
from modelwright.automl.side_tasks import run_tasks
from modelwright.ensemble import ALL_ROWS, FoldJob, TargetFacts, fit_fold, read_fold, write_fold_data
from modelwright.execution import InlineExecutor, WorkerContext
from modelwright.search import Trial, Trials


def test_each_member_is_one_model_of_all_rows(workspace: Path) -> None:
    frame = without(table(), "spend")
    model = mw.train(
        frame, "spend", max_trials=1, learners="linear", threads=1, refit=True, workspace=workspace
    )
    assert [place.name for place in (model.path / "members" / "1").iterdir()] == ["all"]
    assert model.manifest["delivery"]["refitted"] == [1]
    (entry,) = [entry for entry in model.leaderboard().entries if entry.weight]
    assert "refitted on all rows" in entry.note
    assert entry.score == pytest.approx(model.manifest["score"]["value"])
    assert len(model.predict(frame)) == len(frame)


def test_where_models_are_validated_on_later_rows_the_newest_are_learned_from(workspace: Path) -> None:
    days = pl.Series("day", [f"2024-{1 + k // 28 % 12:02d}-{1 + k % 28:02d}" for k in range(240)])
    frame = pl.DataFrame({"day": days, "x": range(240), "y": [0.0] * 200 + [90.0] * 40})
    options: dict[str, Any] = {"max_trials": 1, "learners": "decision_tree", "threads": 1}
    model = mw.train(frame, "y", time_column="day", workspace=workspace, **options)
    assert model.manifest["delivery"]["refitted"]
    newest = model.predict(frame.tail(3).drop("y"))
    assert all(value > 60 for value in newest)


def test_a_finished_refit_is_found_again_and_not_fitted_twice(tmp_path: Path) -> None:
    request = TrainRequest(without(table(rows=120), "spend"), "spend", max_trials=1, learners="linear")
    prepared, budget = prepare(request), request.budget()
    shape = prepared.data.view.shape(1)
    facts = TargetFacts.of(prepared.problem, prepared.data.target)
    folds = len(prepared.data.folds.valid)
    plan = make_plan(prepared.problem, shape, budget, folds=folds, request=request, facts=facts)
    write_fold_data(prepared.data, tmp_path / "data")
    (tmp_path / "folds").mkdir()
    trials = Trials(prepared.data, prepared.metric)
    trials.add(Trial(1, "linear", "linear", {}, "portfolio"))
    for fold in range(2):
        output = str(tmp_path / "folds" / f"1-{fold}")
        job = FoldJob(str(tmp_path / "data"), prepared.data.identity, output, "linear", {}, fold, 0, False)
        fit_fold(job.to_dict(), WorkerContext())
        result = read_fold(Path(output), job.identity)
        assert result is not None
        assert (result.row_seconds > 0) == (fold == 0)
        trials.finish_fold(1, fold, result)
    with InlineExecutor() as executor:
        refitting = Refitting(
            plan,
            prepared,
            trials,
            lambda specs, seconds: run_tasks(executor, executor.wait, specs, seconds),
            tmp_path,
            tmp_path / "data",
            lambda: 60.0,
        )
        first = refitting.fit([1])
    assert first[1].directory.name == "1-all"
    idle = replace(refitting, workers=lambda specs, seconds: pytest.fail("fitted again"))
    assert idle.fit([1]) == first
    assert refitting.affordable([1]) == {1}
    assert replace(refitting, remaining=lambda: 0.0).affordable([1]) == set()
    assert expected_seconds(trials[1], trials) > trials[1].fold_seconds


def test_every_row_is_learned_from_and_none_is_validated(tmp_path: Path) -> None:
    request = TrainRequest(without(table(rows=120), "spend"), "spend", learners="constant")
    data = prepare(request).data
    write_fold_data(data, tmp_path / "data")
    job = FoldJob(
        str(tmp_path / "data"), data.identity, str(tmp_path / "all"), "constant", {}, ALL_ROWS, 0, False
    )
    fit_fold(job.to_dict(), WorkerContext())
    result = read_fold(tmp_path / "all", job.identity)
    assert result is not None
    assert result.valid_predictions()[0] == pytest.approx(data.target.mean())
