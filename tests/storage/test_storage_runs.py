"""Records of runs, trials and folds, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import BadInput, StorageError, UnknownName
from modelwright.storage import FoldKey, TrialRecord, Workspace
from modelwright.storage.rows import new_id


def make_trial(workspace: Workspace, number: int = 0) -> TrialRecord:
    run = workspace.runs.create("churn", {})
    return workspace.runs.save_trial(TrialRecord(run.id, number, "lightgbm", "LightGBM", {"leaves": 39}))


def test_a_run_comes_back_as_it_was_written(workspace: Workspace) -> None:
    made = workspace.runs.create(
        "churn ☂",
        {"target": "y", "nested": {"b": [1, 2.5, None, True], "a": "é"}},
        source={"path": "data.csv"},
        data_hash="abc",
        plan={"z": 1, "a": 2},
        seed=2**62,
    )
    found = workspace.runs.get(made.id)
    assert found == made
    assert found.name == "churn ☂"
    assert found.parameters == {"target": "y", "nested": {"b": [1, 2.5, None, True], "a": "é"}}
    assert list(found.plan) == ["z", "a"]
    assert (found.seed, found.data_hash, found.source) == (2**62, "abc", {"path": "data.csv"})
    assert (found.status, found.finished, found.attempts, found.error) == ("unfinished", None, 1, "")


def test_numpy_values_and_nan_fit_into_json(workspace: Workspace) -> None:
    run = workspace.runs.create("r", {"rows": np.int64(3), "rate": float("nan"), "grid": np.arange(2)})
    assert workspace.runs.get(run.id).parameters == {"rows": 3, "rate": None, "grid": [0, 1]}


def test_update_changes_only_what_is_given(workspace: Workspace) -> None:
    run = workspace.runs.create("r", {"a": 1}, plan={"p": 1}, data_hash="h")
    ended = workspace.runs.update(run.id, status="finished", summary={"score": 0.9}, elapsed_seconds=12.5)
    assert ended == replace(
        run,
        status="finished",
        summary={"score": 0.9},
        elapsed_seconds=12.5,
        updated=ended.updated,
        finished=ended.updated,
    )
    assert ended.updated > run.updated
    failed = workspace.runs.update(run.id, status="failed", error="NUL \x00 and half a pair \ud800")
    assert failed.error == "NUL \ufffd and half a pair ?"
    assert workspace.runs.update(run.id, status="unfinished").finished is None


def test_runs_are_found_by_id_prefix_and_as_last(workspace: Workspace) -> None:
    with pytest.raises(UnknownName, match="has no runs yet"):
        workspace.runs.get("last")
    first = workspace.runs.create("a", {}, run_id="20260101-000000-aaaaaa")
    second = workspace.runs.create("b", {}, run_id="20250101-000000-bbbbbb")
    assert workspace.runs.get("last") == second  # created last, though its id sorts first
    assert workspace.runs.get("2026") == first
    with pytest.raises(BadInput, match=r"Several runs begin with '20': 2025\S+, 2026"):
        workspace.runs.get("20")
    for wildcard in ("%", "", "2026_", "20260101-000000-aaaaab"):
        with pytest.raises(UnknownName):
            workspace.runs.get(wildcard)
    with pytest.raises(UnknownName, match="Did you mean '20260101-000000-aaaaaa'"):
        workspace.runs.get("20260101-000000-aaaaab")
    assert [run.name for run in workspace.runs.all()] == ["b", "a"]
    workspace.runs.update(first.id, status="finished")
    assert [run.name for run in workspace.runs.all("finished")] == ["a"]


def test_ids_sort_by_time_and_differ() -> None:
    ids = [new_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert [one[:15] for one in ids] == sorted(one[:15] for one in ids)


def test_what_does_not_exist_cannot_be_changed(workspace: Workspace) -> None:
    run = workspace.runs.create("r", {})
    runs = workspace.runs
    with pytest.raises(UnknownName):
        runs.update("nobody", status="failed")
    with pytest.raises(UnknownName):
        runs.delete("nobody")
    with pytest.raises(UnknownName):
        runs.begin_attempt("nobody")
    with pytest.raises(UnknownName):
        runs.save_trial(TrialRecord("nobody", 0, "x", "x", {}))
    with pytest.raises(UnknownName, match="has no trial 3"):
        runs.update_trial(run.id, 3, status="done")
    with pytest.raises(UnknownName, match="Save it before its folds"):
        runs.fold_intent(FoldKey(run.id, 3, 0, 0))
    with pytest.raises(UnknownName, match="intent before the result"):
        runs.fold_finished(FoldKey(run.id, 3, 0, 0), score=1.0, seconds=1.0, artifact="")


def test_trials_are_saved_updated_and_replaced(workspace: Workspace) -> None:
    trial = make_trial(workspace)
    runs = workspace.runs
    runs.fold_intent(FoldKey(trial.run, 0, 0, 0))
    second = runs.save_trial(TrialRecord(trial.run, 1, "linear", "Linear", {}, origin="bayesian"))
    assert runs.trials(trial.run) == (trial, second)
    runs.update_trial(trial.run, 0, status="done", score=0.75, details={"folds": 5})
    runs.update_trial(trial.run, 1, status="failed", score=float("nan"), error="diverged\x00")
    done, failed = runs.trials(trial.run)
    assert done == replace(trial, status="done", score=0.75, details={"folds": 5})
    assert (failed.status, failed.score, failed.error) == ("failed", None, "diverged\ufffd")
    runs.save_trial(replace(trial, label="again", created=""))
    assert runs.trials(trial.run)[0] == replace(trial, label="again")
    assert len(runs.folds(trial.run)) == 1


def test_folds_go_from_intent_to_result(workspace: Workspace) -> None:
    trial, runs = make_trial(workspace), workspace.runs
    keys = [FoldKey(trial.run, 0, fold, 0) for fold in range(3)]
    for key in keys:
        runs.fold_intent(key)
    assert {fold.status for fold in runs.folds(trial.run)} == {"intent"}
    assert runs.fold_finished(keys[0], score=0.5, seconds=2.0, artifact="t0/f0", details={"rounds": 10})
    assert runs.fold_finished(keys[1], score=float("inf"), seconds=2.0, artifact="t0/f1")
    assert runs.fold_failed(keys[2], "out of memory", status="oom", seconds=3.0)
    done, odd, failed = runs.folds(trial.run)
    assert (done.key, done.status, done.score, done.seconds) == (keys[0], "done", 0.5, 2.0)
    assert (done.artifact, done.details) == ("t0/f0", {"rounds": 10})
    assert odd.score is None
    assert (failed.status, failed.error, failed.seconds) == ("oom", "out of memory", 3.0)
    assert runs.folds(trial.run, trial=1) == ()


def test_late_results_are_refused(workspace: Workspace) -> None:
    trial, runs = make_trial(workspace), workspace.runs
    old, new = FoldKey(trial.run, 0, 0, 0), FoldKey(trial.run, 0, 0, 1)
    runs.fold_intent(old)
    with pytest.raises(StorageError, match="Use the next number"):
        runs.fold_intent(old)
    runs.fold_intent(new)
    assert not runs.fold_finished(old, score=0.1, seconds=1.0, artifact="old")
    assert runs.fold_finished(new, score=0.9, seconds=1.0, artifact="new")
    assert not runs.fold_finished(new, score=0.2, seconds=1.0, artifact="twice")
    assert [(fold.status, fold.artifact) for fold in runs.folds(trial.run)] == [
        ("intent", ""),
        ("done", "new"),
    ]


def test_a_new_attempt_marks_what_was_under_way_as_lost(workspace: Workspace) -> None:
    trial, runs = make_trial(workspace), workspace.runs
    done, open_one = FoldKey(trial.run, 0, 0), FoldKey(trial.run, 0, 1)
    runs.fold_intent(done)
    runs.fold_finished(done, score=0.5, seconds=1.0, artifact="a")
    runs.fold_intent(open_one)
    runs.update(trial.run, status="failed", error="stopped")
    again = runs.begin_attempt(trial.run)
    assert (again.attempts, again.status, again.error, again.finished) == (2, "unfinished", "", None)
    assert [fold.status for fold in runs.folds(trial.run)] == ["done", "lost"]
    assert not runs.fold_finished(open_one, score=0.5, seconds=1.0, artifact="late")


def test_deleting_a_run_takes_its_trials_and_folds_and_no_others(workspace: Workspace) -> None:
    trial, other, runs = make_trial(workspace), make_trial(workspace), workspace.runs
    for one in (trial, other):
        runs.fold_intent(FoldKey(one.run, 0, 0))
    runs.delete(trial.run)
    assert runs.trials(trial.run) == ()
    assert runs.folds(trial.run) == ()
    assert len(runs.folds(other.run)) == 1
    with pytest.raises(UnknownName):
        runs.get(trial.run)
