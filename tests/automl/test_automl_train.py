"""Training calls: what can be asked for, what is refused, what is left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl import TrainRequest, execute
from modelwright.core import BadInput, BudgetTooSmall, DataError, OptionError, TargetError, UnknownName
from modelwright.core.events import Event, FoldFinished, RunFinished, RunStarted, TrialFinished
from modelwright.storage import Workspace

QUICK: dict[str, object] = {"max_trials": 1, "time_limit": "10m", "threads": 1}


def run(place: Path, data: object, target: str, **options: object) -> mw.Model:
    return mw.train(data, target, **{**QUICK, "workspace": place, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_equal_seeds_give_equal_predictions_on_one_slot_and_on_two(tmp_path: Path, task: str) -> None:
    target = {"binary": "churn", "multiclass": "level", "regression": "spend"}[task]
    frame = without(table(), target)
    found = []
    for threads in (2, 2, 1) if task == "binary" else (2, 1):
        model = run(
            tmp_path / f"{len(found)}", frame, target, task=task, max_trials=5, threads=threads, seed=3
        )
        raw = model.predict(frame) if task == "regression" else model.predict_proba(frame)
        found.append(raw.to_numpy().tobytes())
    assert set(found) == {found[0]}


def test_the_events_tell_the_whole_story(tmp_path: Path) -> None:
    heard: list[Event] = []
    request = TrainRequest(without(table(), "churn"), "churn", workspace=tmp_path, **QUICK)  # type: ignore[arg-type]
    outcome = execute(request, [heard.append])
    kinds = [type(event) for event in heard]
    assert kinds.index(RunStarted) < kinds.index(FoldFinished) < kinds.index(RunFinished)
    assert {event.learner for event in heard if isinstance(event, TrialFinished)} == {"constant", "linear"}
    assert outcome.summary["trials"] == 1
    assert outcome.summary["failed_trials"] == 0
    assert outcome.summary["first_model_seconds"] > 0
    low, high = outcome.summary["interval"]
    assert low <= outcome.summary["score"] <= high
    assert [event.seconds for event in heard] == sorted(event.seconds for event in heard)


def test_nothing_but_the_bundle_and_the_records_is_left(tmp_path: Path) -> None:
    model = run(tmp_path / "w", without(table(), "churn"), "churn", output=tmp_path / "m.mw")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.mw", "w"]
    assert not list((tmp_path / "w").glob("runs/*/folds"))
    assert not list((tmp_path / "w").glob("runs/*/data"))
    assert not [path for path in tmp_path.rglob("*") if ".tmp" in path.name]
    assert model.path == tmp_path / "m.mw"


def test_the_time_limit_is_kept_and_search_goes_on_until_then(tmp_path: Path) -> None:
    started = time.monotonic()
    model = mw.train(without(table(), "churn"), "churn", time_limit=15, threads=2, workspace=tmp_path)
    assert time.monotonic() - started <= 15 * 1.05 + 2
    assert model.manifest["score"]["value"] > 0.7


def test_groups_and_times_decide_the_folds(tmp_path: Path) -> None:
    frame = without(table(), "spend").with_columns(
        family=pl.Series(np.arange(240) // 8), moment=pl.Series(np.arange(240))
    )
    grouped = run(tmp_path, frame, "spend", group="family")
    assert grouped.manifest["validation"]["scheme"] == "grouped"
    assert not grouped.schema["family"].is_feature
    timed = run(tmp_path, frame, "spend", time_column="moment")
    assert timed.manifest["validation"]["scheme"] == "temporal"


def test_weights_are_no_feature_and_matter(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"x": [0.0] * 100, "z": [1.0, 2.0] * 50, "y": [0.0, 10.0] * 50, "w": [1.0, 9.0] * 50}
    )
    frame = frame.with_columns(x=pl.Series(np.random.default_rng(0).normal(size=100)))
    model = run(tmp_path, frame.drop("z"), "y", weights="w", task="regression")
    assert not model.schema["w"].is_feature
    assert abs(float(np.mean(model.predict(frame.drop("z", "w")).to_numpy())) - 9.0) < 1.0


def test_a_holdout_fraction_is_sealed_and_scores_the_model(tmp_path: Path) -> None:
    model = run(tmp_path, without(table(), "churn"), "churn", holdout=0.25)
    assert model.manifest["score"]["source"] == "holdout"
    assert 50 <= model.manifest["score"]["rows"] <= 70
    assert model.manifest["data"]["training_rows"] == 240 - model.manifest["score"]["rows"]


def test_a_holdout_file_scores_the_model_exactly_as_evaluate_does(tmp_path: Path) -> None:
    without(table(seed=9, rows=100), "churn").write_csv(tmp_path / "later.csv")
    model = run(tmp_path / "w", without(table(), "churn"), "churn", holdout=str(tmp_path / "later.csv"))
    assert model.manifest["score"]["rows"] == 100
    again = model.evaluate(tmp_path / "later.csv")["roc_auc"]["score"]
    assert model.manifest["score"]["value"] == pytest.approx(again, abs=1e-12)


def test_a_metric_of_the_callers_own(tmp_path: Path) -> None:
    def within_two(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return float(np.mean(np.abs(np.asarray(y_true) - np.asarray(y_pred)) < 2))

    frame = without(table(), "spend")
    model = run(tmp_path, frame, "spend", metric=within_two)
    assert model.manifest["score"]["metric"] == "within_two"
    assert 0 < model.manifest["score"]["value"] <= 1
    assert "rmse" in mw.load(model.path).evaluate(frame)


def test_a_column_that_gives_the_target_away_is_excluded(tmp_path: Path) -> None:
    frame = without(table(), "churn").with_columns(flag=pl.col("churn").replace({"yes": "A", "no": "B"}))
    model = run(tmp_path, frame, "churn")
    assert not model.schema["flag"].is_feature
    assert any(finding["column"] == "flag" for finding in model.manifest["findings"])
    kept = run(tmp_path, frame, "churn", overrides={"flag": "categorical"})
    assert kept.schema["flag"].is_feature


@pytest.mark.parametrize("search", ["random", "grid", "bayesian"])
def test_every_strategy_runs_after_the_portfolio(tmp_path: Path, search: str) -> None:
    frame = without(table(rows=60), "spend")
    request = TrainRequest(
        frame, "spend", search=search, workspace=tmp_path, max_trials=5, time_limit="10m", learners="linear"
    )
    heard: list[Event] = []
    outcome = execute(request, [heard.append])
    assert outcome.summary["trials"] == 5
    origins = {trial.origin for trial in Workspace.open(tmp_path).runs.trials(outcome.summary["run"])}
    assert search in origins


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": "chrun"}, TargetError, "churn"),
        ({"task": "clustering"}, OptionError, "clustering"),
        ({"metric": "roc_acu"}, UnknownName, "roc_auc"),
        ({"metric": "rmse"}, OptionError, "rmse"),
        ({"search": "magic"}, UnknownName, "bayesian"),
        ({"time_limit": "soon"}, OptionError, "soon"),
        ({"time_limit": 1}, BudgetTooSmall, "3"),
        ({"memory_limit": "10MB"}, OptionError, "memory"),
        ({"max_trials": 0}, OptionError, "max_trials"),
        ({"threads": -1}, OptionError, "threads"),
        ({"seed": -5}, OptionError, "seed"),
        ({"name": "a/b"}, OptionError, "a/b"),
        ({"holdout": 2.0}, BadInput, "2.0"),
        ({"group": "nowhere"}, BadInput, "nowhere"),
        ({"overrides": {"plan": "numeric"}}, OptionError, "plan"),
        ({"output": "/nonexistent/folder/m.mw"}, OptionError, "nonexistent"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(
    tmp_path: Path, options: dict[str, object], error: type[Exception], words: str
) -> None:
    arguments = {"target": "churn", "workspace": tmp_path / "w", **QUICK, **options}
    with pytest.raises(error, match=words):
        mw.train(without(table(), "churn"), **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_usable_columns_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"same": ["x"] * 50, "y": [0, 1] * 25})
    with pytest.raises(DataError, match="same"):
        run(tmp_path, frame, "y")


def test_an_unknown_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        mw.train(without(table(), "churn"), resume="20200101-000000-aaaaaa", workspace=tmp_path)


def test_a_finished_run_is_not_done_again(tmp_path: Path) -> None:
    frame = without(table(), "churn")
    model = run(tmp_path, frame, "churn")
    again = mw.train(frame, resume="last", workspace=tmp_path)
    assert again.path == model.path
    assert len(Workspace.open(tmp_path).models.all()) == 1


def test_an_interrupted_run_keeps_its_best_and_can_be_resumed(tmp_path: Path) -> None:
    frame = without(table(), "churn")
    done = threading.Event()

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialFinished) and event.trial == 1 and not done.is_set():
            done.set()
            os.kill(os.getpid(), signal.SIGINT)

    request = TrainRequest(
        frame, "churn", workspace=tmp_path, max_trials=4, time_limit="10m", threads=1, seed=5
    )
    outcome = execute(request, [interrupt])
    assert outcome.interrupted
    assert len(outcome.model.predict(frame)) == 240
    records = Workspace.open(tmp_path).runs
    assert records.get("last").status == "unfinished"

    resumed = execute(TrainRequest(frame, resume="last", workspace=tmp_path, threads=1))
    assert resumed.summary["adopted_folds"] >= 8
    assert resumed.summary["repeated_folds"] == 0
    assert resumed.summary["trials"] == 4
    assert records.get("last").status == "finished"
    straight = execute(
        TrainRequest(frame, "churn", workspace=tmp_path, max_trials=4, time_limit="10m", threads=1, seed=5)
    )
    np.testing.assert_array_equal(
        resumed.model.predict_proba(frame).to_numpy(), straight.model.predict_proba(frame).to_numpy()
    )


def test_other_data_cannot_resume_a_run(tmp_path: Path) -> None:
    frame = without(table(), "churn")

    def interrupt(event: Event) -> None:
        if isinstance(event, TrialFinished) and event.trial == 1:
            os.kill(os.getpid(), signal.SIGINT)

    execute(
        TrainRequest(frame, "churn", workspace=tmp_path, max_trials=3, time_limit="10m", threads=1),
        [interrupt],
    )
    with pytest.raises(BadInput, match="other data"):
        mw.train(frame.head(200), resume="last", workspace=tmp_path)
