"""The main job as a user does it: train, predict, evaluate and look, each in a process of its own."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cli_process import command, write_table

from modelwright.automl import load_model
from modelwright.cli.predict import scored
from modelwright.cli.train import DONE_BEFORE

SUMMARY_FIELDS = {
    "run",
    "model",
    "task",
    "metric",
    "score",
    "interval",
    "wall_seconds",
    "first_model_seconds",
    "peak_memory_mb",
    "trials",
    "failed_trials",
    "adopted_folds",
    "repeated_folds",
    "leaderboard",
}


@dataclass(frozen=True)
class Workplace:
    """A directory with a table, a workspace and one trained model."""

    directory: Path
    summary: dict[str, Any]
    trained: subprocess.CompletedProcess[str]


@pytest.fixture
def at_work(workplace: Workplace, inside: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command in the workplace."""
    return partial(inside, workplace.directory)


def answer_of(done: Any) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    directory = tmp_path_factory.mktemp("workplace")
    write_table(directory / "shop.csv")
    write_table(directory / "new.csv", rows=60, seed=1)
    options = ["--target", "bought", "--max-trials", "2", "--time", "40s", "--threads", "1", "--json"]
    trained = command(directory, "train", "shop.csv", "--set", "spent=ignored", *options)
    assert trained.returncode == 0, trained.stderr
    return Workplace(directory, json.loads(trained.stdout), trained)


def test_train_says_what_the_contract_names(workplace: Workplace) -> None:
    summary = workplace.summary
    assert set(summary) >= SUMMARY_FIELDS
    assert summary["task"] == "binary"
    assert summary["metric"] == "roc_auc"
    low, high = summary["interval"]
    assert 0.5 < low <= summary["score"] <= high <= 1.0
    assert summary["trials"] == 2
    assert summary["failed_trials"] == 0
    assert summary["adopted_folds"] == summary["repeated_folds"] == 0
    assert 0 < summary["first_model_seconds"] <= summary["wall_seconds"] < 42
    assert 50 < summary["peak_memory_mb"] < 4000
    assert {"constant", "linear"} <= {row["learner"] for row in summary["leaderboard"]}
    assert (workplace.directory / summary["model"] / "manifest.json").is_file()


def test_train_prints_one_object_and_progress_elsewhere(workplace: Workplace) -> None:
    assert len(workplace.trained.stdout.splitlines()) == 1
    assert "shop.csv" in workplace.trained.stderr
    assert "roc_auc" in workplace.trained.stderr
    assert "Traceback" not in workplace.trained.stderr


def test_predictions_have_the_columns_agreed_and_nothing_else(
    workplace: Workplace, at_work: Callable[..., Any]
) -> None:
    name = answer_of(at_work("models", "--json"))["models"][0]["name"]
    done = at_work("predict", name, "new.csv", "-o", "out.csv", "--proba")
    assert done.returncode == 0, done.stderr
    frame = pl.read_csv(workplace.directory / "out.csv")
    assert frame.columns == ["prediction", "p_no", "p_yes"]
    assert frame.height == 60
    assert set(frame["prediction"]) <= {"yes", "no"}
    assert (frame["p_no"] + frame["p_yes"] - 1).abs().max() < 1e-5  # type: ignore[operator]


def test_predictions_as_parquet_from_a_bundle_that_moved(workplace: Workplace, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.mw"
    shutil.copytree(workplace.directory / workplace.summary["model"], moved)
    out = tmp_path / "out.parquet"
    answer = json.loads(
        command(
            tmp_path, "predict", str(moved), str(workplace.directory / "new.csv"), "-o", str(out), "--json"
        ).stdout
    )
    assert answer["rows"] == 60
    assert pl.read_parquet(out).columns == ["prediction"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere.mw", "out.parquet"]


def test_required_columns_that_are_missing_are_named(
    workplace: Workplace, at_work: Callable[..., Any]
) -> None:
    (workplace.directory / "short.csv").write_text("age\n33\n")
    done = at_work("predict", workplace.summary["model"], "short.csv", "-o", "short_out.csv")
    assert done.returncode == 2
    assert "visits" in done.stderr
    assert "city" in done.stderr
    assert not (workplace.directory / "short_out.csv").exists()


def test_extra_columns_unseen_categories_and_absent_nullable_columns_work(
    workplace: Workplace, at_work: Callable[..., Any]
) -> None:
    rows = "city,visits,extra\nOslo,3,x\nAtlantis,12,y\n"  # age had missing values in training
    (workplace.directory / "odd.csv").write_text(rows)
    done = at_work("predict", workplace.summary["model"], "odd.csv", "-o", "odd_out.csv")
    assert done.returncode == 0, done.stderr
    assert pl.read_csv(workplace.directory / "odd_out.csv").height == 2


def test_degraded_input_is_told_of(workplace: Workplace, at_work: Callable[..., Any]) -> None:
    model = workplace.summary["model"]
    rows = (workplace.directory / "new.csv").read_text().splitlines()
    header = rows[0].split(",")
    cells = rows[1].split(",")
    cells[header.index("visits")] = "plenty"
    (workplace.directory / "worse.csv").write_text("\n".join([rows[0], ",".join(cells), *rows[2:]]) + "\n")
    done = at_work("predict", model, "worse.csv", "-o", "worse_out.csv", "--json")
    (warning,) = answer_of(done)["warnings"]
    assert "visits" in warning
    assert "plenty" in warning
    assert done.stderr.count("plenty") == 1
    assert answer_of(at_work("evaluate", model, "worse.csv", "--json"))["warnings"] == [warning]
    assert answer_of(at_work("evaluate", model, "new.csv", "--json"))["warnings"] == []


def test_judging_on_the_training_rows_is_told_of(workplace: Workplace, at_work: Callable[..., Any]) -> None:
    model = workplace.summary["model"]
    shutil.copy(workplace.directory / "shop.csv", workplace.directory / "same.csv")
    done = at_work("evaluate", model, "same.csv", "--json")
    (warning,) = answer_of(done)["warnings"]
    assert warning.startswith("These are the rows the model was trained on; the score flatters")
    assert warning in done.stderr


def test_labels_are_the_same_with_and_without_probabilities(workplace: Workplace) -> None:
    model = load_model(str(workplace.directory / workplace.summary["model"]))
    data = str(workplace.directory / "new.csv")
    plain, full = scored(model, data, proba=False), scored(model, data, proba=True)
    assert plain["prediction"].to_list() == full["prediction"].to_list()
    assert plain["prediction"].dtype == full["prediction"].dtype
    assert set(full["prediction"]) == {"yes", "no"}


def test_a_finished_run_is_not_resumed(workplace: Workplace, at_work: Callable[..., Any]) -> None:
    before = workplace.summary
    answer = answer_of(at_work("train", "--resume", "last", "--json"))
    assert (answer["run"], answer["score"]) == (before["run"], before["score"])
    assert answer["warnings"] == [DONE_BEFORE]
    assert "warnings" not in before
    assert DONE_BEFORE in at_work("train", "--resume", "last").stdout
    assert DONE_BEFORE not in workplace.trained.stdout


def test_narrow_windows(
    workplace: Workplace, at_work: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run = workplace.summary["run"]
    shown = at_work("leaderboard", workplace.summary["model"]).stdout
    drawn = shown.split("higher is better")[0].splitlines()[:-1]
    assert max(map(len, drawn)) <= 80
    assert "lightgbm (" in shown or "linear (" in shown
    assert " to " not in "\n".join(drawn)
    assert re.search(r" 0\.\d{3}-[01]\.\d{3} ", shown)
    for arguments in (["models"], ["runs"], ["runs", "show", "last"], ["runs", "compare", *["last"] * 4]):
        lines = at_work(*arguments).stdout.splitlines()
        assert max(map(len, lines)) <= 80, lines
        assert arguments == ["models"] or any(run in line for line in lines)
    assert "/" not in at_work("models").stdout


def test_a_pipe_is_a_hundred_columns_wide(
    workplace: Workplace, at_work: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    drawn = at_work("leaderboard", workplace.summary["model"]).stdout.split("higher is better")[0]
    assert max(map(len, drawn.splitlines())) <= 100
    assert " fit " in drawn


def test_evaluate_gives_metrics_with_intervals(workplace: Workplace, at_work: Callable[..., Any]) -> None:
    answer = answer_of(at_work("evaluate", workplace.summary["model"], "new.csv", "--json"))
    assert answer["metric"] == "roc_auc"
    for name in ("roc_auc", "log_loss", "accuracy"):
        found = answer["metrics"][name]
        assert found["low"] <= found["score"] <= found["high"]
        assert math.isfinite(found["score"])
    text = at_work("evaluate", workplace.summary["model"], "new.csv").stdout
    assert "roc_auc *" in text
    assert "The positive class is" in text


def test_leaderboard_and_show(workplace: Workplace, at_work: Callable[..., Any]) -> None:
    model = workplace.summary["model"]
    assert answer_of(at_work("leaderboard", model, "--json"))["entries"]
    text = at_work("leaderboard", model).stdout
    assert "constant" in text
    assert "linear" in text

    facts = answer_of(at_work("show", model, "--json"))
    assert facts["target"] == "bought"
    assert math.isclose(sum(member["weight"] for member in facts["members"]), 1.0, abs_tol=1e-6)
    roles = {column["name"]: column["role"] for column in facts["columns"]}
    assert roles["spent"] == "ignored"
    shown = at_work("show", model)
    assert shown.returncode == 0, shown.stderr
    for words in ("visits", "SHA-256", "roc_auc", workplace.summary["run"]):
        assert words in shown.stdout


def test_models_and_runs(workplace: Workplace, at_work: Callable[..., Any]) -> None:
    (model,) = answer_of(at_work("models", "--json"))["models"]
    assert model["champion"] is True
    assert model["run"] == workplace.summary["run"]
    (run,) = answer_of(at_work("runs", "--json"))["runs"]
    assert (run["run"], run["status"]) == (workplace.summary["run"], "finished")
    shown = answer_of(at_work("runs", "show", "last", "--json"))
    assert shown["run"] == run["run"]
    assert len(shown["trial_records"]) == 3  # the constant baseline is recorded as well
    compared = answer_of(at_work("runs", "compare", "last", run["run"], "--json"))
    assert compared["same_data"] is True
    for action in (["runs"], ["runs", "show", "last"], ["runs", "compare", "last", "last"], ["models"]):
        done = at_work(*action)
        assert done.returncode == 0, done.stderr
        assert run["run"][:8] in done.stdout or model["reference"] in done.stdout
        assert ("processor seconds of" in done.stdout) == ("show" in action)


def test_regression_as_text_names_the_next_commands(tmp_path: Path) -> None:
    write_table(tmp_path / "shop.csv", rows=150)
    done = command(
        tmp_path,
        *["train", "shop.csv", "--target", "spent", "--max-trials", "2", "--time", "40s"],
        *["--threads", "1", "--set", "bought=ignored", "--output", "spent.mw", "--quiet"],
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "modelwright predict" in done.stdout
    assert "modelwright evaluate spent.mw NEW_DATA.csv" in done.stdout  # not the rows it learned from
    refused = command(tmp_path, "predict", "spent.mw", "shop.csv", "-o", "out.csv", "--proba")
    assert refused.returncode == 2
    assert "--proba" in refused.stderr
    assert not (tmp_path / "out.csv").exists()


def test_a_run_can_be_deleted_and_its_model_stays(workplace: Workplace, tmp_path: Path) -> None:
    shutil.copytree(workplace.directory / ".modelwright", tmp_path / ".modelwright")
    shutil.copy(workplace.directory / "new.csv", tmp_path)
    assert command(tmp_path, "runs", "delete", workplace.summary["run"]).returncode == 0
    assert json.loads(command(tmp_path, "runs", "--json").stdout) == {"runs": []}
    done = command(tmp_path, "predict", "shop", "new.csv", "-o", "out.csv")
    assert done.returncode == 0, done.stderr
