"""``modelwright decisions`` and ``train --undo``: what people and programs read, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from cli_process import write_table

from modelwright.automl import TrainRequest, execute


def fitted(place: Path, data: Path, target: str, **changes: Any) -> None:
    asked = {"learners": "linear", "max_trials": 1, "time_limit": "10m", "threads": 1, "executor": "inline"}
    execute(TrainRequest(data, target, workspace=place / "w", **{**asked, **changes}))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("decisions")
    write_table(place / "table.csv", rows=120)
    fitted(place, place / "table.csv", "bought", output=place / "model.mw")
    return place


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 300 columns, some of them constant."""
    place = tmp_path_factory.mktemp("wide")
    random = np.random.default_rng(0)
    columns = {f"number_{i:03d}": random.normal(size=80).round(3) for i in range(260)}
    columns |= {f"same_{i:03d}": np.full(80, 7.0) for i in range(40)}
    columns["target"] = (3 * columns["number_000"] + random.normal(size=80)).round(3)
    pl.DataFrame(columns).write_csv(place / "wide.csv")
    fitted(place, place / "wide.csv", "target", output=place / "wide.mw")
    return place


def test_decisions_are_shown_by_topic(trained: Path, inside: Callable[..., Any]) -> None:
    done = inside(trained, "decisions", "model.mw")
    assert done.returncode == 0, done.stderr
    assert "Decisions behind table" in done.stdout
    headings = [line for line in done.stdout.split("\n") if line.endswith("]")]
    assert headings[0].endswith("[target]")
    assert headings[-1].endswith("[budget]")
    assert "type:age" in done.stdout
    assert "--set age=categorical" in done.stdout
    assert "--undo ID" in done.stdout


def test_hundreds_of_columns_stay_readable(wide: Path, inside: Callable[..., Any]) -> None:
    done = inside(wide, "decisions", "wide.mw")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert len(lines) < 120
    assert "type:... (260)" in done.stdout
    assert "drop:... (40)" in done.stdout
    assert "40 of 40" in done.stdout
    one_topic = inside(wide, "decisions", "wide.mw", "--topic", "columns").stdout
    assert "drop:same_039" in one_topic
    assert "type:" not in one_topic
    listed = json.loads(inside(wide, "decisions", "wide.mw", "--json").stdout)["decisions"]
    assert sum(each["topic"] == "types" for each in listed) == 260


def test_programs_get_everything(trained: Path, inside: Callable[..., Any]) -> None:
    found = json.loads(inside(trained, "decisions", "model.mw", "--json").stdout)
    assert found["name"] == "table"
    assert found["undone"] is None
    entries = {each["id"]: each for each in found["decisions"]}
    assert entries["type:age"]["undo"] == {"overrides": {"age": "categorical"}}
    assert entries["type:age"]["command"] == "--set age=categorical"
    assert entries["metric"]["choice"] == "roc_auc"
    assert {"topic", "subject", "reason", "evidence", "effect", "fixed"} <= set(entries["metric"])


def test_a_decision_is_reversed_and_the_new_model_says_so(trained: Path, inside: Callable[..., Any]) -> None:
    arguments = ("--like", "model.mw", "--undo", "type:age", "--undo", "folds", "--output", "again.mw", "-q")
    done = inside(trained, "train", *arguments, "--workspace", "again")
    assert done.returncode == 0, done.stderr
    shown = json.loads(inside(trained, "show", "again.mw", "--json").stdout)
    assert {column["name"]: column["kind"] for column in shown["columns"]}["age"] == "categorical"
    assert shown["validation"]["folds"] == 3
    assert any(decision["what"] == "undone: type:age, folds" for decision in shown["decisions"])
    told = json.loads(inside(trained, "decisions", "again.mw", "--json").stdout)
    assert told["undone"]["ids"] == ["type:age", "folds"]
    first = json.loads(inside(trained, "decisions", "model.mw", "--json").stdout)
    assert told["undone"]["run"] == first["run"]
    assert "Undone here: type:age, folds" in inside(trained, "decisions", "again.mw").stdout


def test_the_last_model_of_the_table_is_meant_without_like(trained: Path, inside: Callable[..., Any]) -> None:
    given = ("table.csv", "--target", "bought", "--undo", "metric", "--workspace", "w", "--dry-run", "--json")
    done = inside(trained, "train", *given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plan"]["problem"]["metric"] == "log_loss"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--like", "model.mw", "--undo", "type:agee"), "type:age"),
        (("--like", "model.mw", "--undo", "budget:workers"), "cannot be undone"),
        (("--like", "none.mw", "--undo", "metric"), "none.mw"),
        (("--undo", "metric"), "--like"),
        (("table.csv", "--target", "bought", "--name", "new", "--undo", "metric"), "--like"),
        (("--like", "model.mw", "--resume", "last"), "resumed"),
        (("--like", "model.mw", "--folds", "1"), "folds"),
    ],
)
def test_what_cannot_be_undone_is_bad_input(
    trained: Path, inside: Callable[..., Any], arguments: tuple[str, ...], said: str
) -> None:
    done = inside(trained, "train", *arguments, "--workspace", "w")
    assert done.returncode == 2
    assert said in done.stderr


def test_an_unknown_topic_names_the_nearest(trained: Path, inside: Callable[..., Any]) -> None:
    done = inside(trained, "decisions", "model.mw", "--topic", "column")
    assert done.returncode == 2
    assert "Did you mean 'columns'?" in done.stderr
