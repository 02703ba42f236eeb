"""What a run is expected to take, before it and beside what it took; and how far an unfinished one came."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli_process import write_table

from modelwright.cli.forecast import forecast_lines
from modelwright.storage import FoldKey, TrialRecord, Workspace

RANGE = {"low": 1.0, "expected": 2.0, "high": 4.0}
BYTES = {name: 1e8 * value for name, value in RANGE.items()}
FORECAST = {
    "seconds": {"low": 50.0, "expected": 58.8, "high": 59.9},
    "memory_bytes": BYTES,
    "model_bytes": BYTES,
    "row_seconds": {"low": 0.001, "expected": 0.0025, "high": 0.01},
    "rows_per_second": {"low": 3e3, "expected": 1.234e4, "high": 5e4},
    "trials": RANGE,
    "fits": RANGE,
    "notes": ["60.0 s may be too short."],
}
PLAN = {"folds": 3, "forecast": FORECAST, "problem": {"metric": "rmse", "task": "regression"}}


def unfinished(place: Path, **parameters: Any) -> str:
    """A run that was killed: one trial on all folds, one on the first."""
    with Workspace.open(place / ".modelwright") as workspace:
        run = workspace.runs.create("shop", {"target": "y", **parameters}, plan=PLAN, seed=1)
        for number, scores in ((0, (9.0,)), (1, (3.0, 2.0, 2.5)), (2, (1.0,))):
            origin = "portfolio" if number else "baseline"
            record = TrialRecord(run.id, number, "linear", f"trial {number}", {}, origin=origin)
            workspace.runs.save_trial(record)
            for fold, score in enumerate(scores):
                key = FoldKey(run.id, number, fold)
                workspace.runs.fold_intent(key)
                workspace.runs.fold_finished(key, score=score, seconds=0.1, artifact="")
        workspace.runs.update_trial(run.id, 1, status="done", score=2.6)
        workspace.runs.update(run.id, elapsed_seconds=12.0)
    return run.id


def test_two_lines_before_the_start() -> None:
    run, model = forecast_lines(FORECAST)
    assert run.startswith("expected: 58.8 s (50.0 s to 59.9 s), 191 MB of memory (95 to 381)")
    assert "very roughly 2 fits of 1 to 4 configurations" in run
    assert model.endswith("200.0 MB (100.0 to 400.0), 2.5 ms a row (1.0 to 10.0), 12,000 rows/s in a batch")


def test_an_unfinished_run_tells_how_far_it_came(tmp_path: Path, here: Callable[..., Any]) -> None:
    run = unfinished(tmp_path, data="shop.csv")
    shown = here("runs", "show", "last").stdout
    assert "so far: 2 trials begun (1 on all 3 folds), 4 folds fitted, 12.0 s used" in shown
    assert "best rmse so far: 2.6" in shown
    assert f"modelwright train --resume {run}" in shown
    assert "58.8 s" in shown
    facts = json.loads(here("runs", "show", "last", "--json").stdout)
    assert facts["forecast"] == FORECAST
    assert facts["so_far"]["best_folds"] == 3


def test_a_table_in_memory_is_resumed_from_python(tmp_path: Path, here: Callable[..., Any]) -> None:
    run = unfinished(tmp_path)
    assert f"train(data, resume='{run}') in Python" in here("runs", "show", "last").stdout


def test_a_finished_run_shows_both(tmp_path: Path, here: Callable[..., Any]) -> None:
    run = unfinished(tmp_path)
    actual = {"seconds": 59.0, "memory_bytes": 9e8, "model_bytes": 5e7, "row_seconds": 0.0008, "trials": 2}
    with Workspace.open(tmp_path / ".modelwright") as workspace:
        workspace.runs.update(run, status="finished", summary={"actual": {**actual, "is_sum_of_parts": True}})
    lines = {line.split("  ")[0]: line for line in here("runs", "show", "last").stdout.splitlines()}
    assert lines["time"].split()[-1] == "within"
    assert lines["peak memory"].split()[-1] == "more"
    assert lines["size of the model"].split()[-1] == "less"
    assert lines["fits"].rstrip().endswith("not measured")
    assert any("sum of its parts" in line for line in lines)


def test_a_record_of_an_older_version_has_no_forecast(tmp_path: Path, here: Callable[..., Any]) -> None:
    with Workspace.open(tmp_path / ".modelwright") as workspace:
        workspace.runs.create("old", {"target": "y"}, plan={}, seed=1)
    done = here("runs", "show", "last")
    assert done.returncode == 0, done.stderr
    assert "forecast" not in done.stdout
    assert "0 trials begun" in done.stdout


def test_a_dry_run_shows_the_plan_and_leaves_nothing(tmp_path: Path, here: Callable[..., Any]) -> None:
    write_table(tmp_path / "shop.csv", rows=150)
    wishes = ["--max-latency-ms", "5", "--max-model-mb", "2", "--no-refit", "--time", "60s"]
    done = here("train", "shop.csv", "--target", "bought", "--dry-run", *wishes)
    assert done.returncode == 0, done.stderr
    for words in ("at most 5 ms", "at most 2 MB", "nothing is refitted", "peak memory", "linear (default)"):
        assert words in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]
    made = json.loads(here("train", "shop.csv", "--target", "bought", "--dry-run", "--json").stdout)
    assert made["plan"]["forecast"]["seconds"]["expected"] > 0


def test_a_dry_run_of_nonsense_fails_like_a_run(tmp_path: Path, here: Callable[..., Any]) -> None:
    write_table(tmp_path / "shop.csv", rows=150)
    assert here("train", "shop.csv", "--target", "nowhere", "--dry-run").returncode == 2
