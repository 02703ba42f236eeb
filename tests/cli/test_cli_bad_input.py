"""Bad input: a clear sentence, the right exit code, no traceback, nothing left behind."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import command, write_table

GOOD = "a,b,y\n" + "".join(f"{row},{row % 7},{row % 2}\n" for row in range(60))


def listing(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


TABLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (text(""), "empty"),
    "header only": (text("a,b,y\n"), "row"),
    "binary": (raw(bytes(range(256)) * 20), "t.csv"),
    "NUL bytes": (raw(GOOD.encode() + b"1,\x00,1\n"), "NUL"),
    "ragged": (text(GOOD + "1,2\n"), "62"),
    "duplicate names": (text(GOOD.replace("a,b,y", "a,a,y", 1)), "'a'"),
    "unknown target": (text(GOOD.replace("a,b,y", "a,b,yy", 1)), "'yy'"),
    "one class": (text("a,b,y\n" + "".join(f"{row},{row % 7},1\n" for row in range(60))), "'y'"),
    "target all missing": (text("a,b,y\n" + "".join(f"{row},{row % 7},\n" for row in range(60))), "'y'"),
    "fewer rows than folds": (text("a,b,y\n1,2,0\n2,3,1\n"), "row"),
    "a directory": (lambda path: path.mkdir(), "t.csv"),
    "missing": (lambda path: None, "t.csv"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_that_cannot_be_learned(kind: str, here: Callable[..., Any], tmp_path: Path) -> None:
    make, said = TABLES[kind]
    make(tmp_path / "t.csv")
    before = listing(tmp_path)
    done = here("train", "t.csv", "--target", "y", "--time", "20s", "--threads", "1", "--json")
    assert done.returncode == 2, (done.stdout, done.stderr)
    error = json.loads(done.stdout)["error"]
    assert error["exit_code"] == 2
    assert said in error["message"]
    assert "Traceback" not in done.stderr
    assert listing(tmp_path) == before


OPTIONS: dict[str, tuple[list[str], int, str]] = {
    "no target": ([], 2, "target"),
    "time that is no time": (["--target", "y", "--time", "soon"], 2, "soon"),
    "too little time": (["--target", "y", "--time", "1s"], 3, "3"),
    "too little memory": (["--target", "y", "--memory", "100MB"], 2, "500 MB"),
    "unknown task": (["--target", "y", "--task", "binry"], 2, "binary"),
    "unknown metric": (["--target", "y", "--metric", "roc_auk"], 2, "roc_auc"),
    "metric of another task": (["--target", "y", "--metric", "rmse", "--task", "binary"], 2, "rmse"),
    "unknown search": (["--target", "y", "--search", "bayes"], 2, "bayesian"),
    "unknown column to set": (["--target", "y", "--set", "zip=numeric"], 2, "zip"),
    "unknown kind": (["--target", "y", "--set", "a=numerical"], 2, "numeric"),
    "target set to a feature": (["--target", "y", "--set", "y=feature"], 2, "cannot be both"),
    "kind that values cannot have": (["--target", "y", "--set", "a=datetime"], 2, "'a'"),
    "nothing left to learn from": (
        ["--target", "y", "--set", "a=ignored", "--set", "b=ignored", "--set", "below=ignored"],
        2,
        "usable",
    ),
    "weights below zero": (["--target", "y", "--weights", "below"], 2, "not be negative"),
    "group of one value": (["--target", "y", "--group", "same"], 2, "'same'"),
    "time of one value": (["--target", "y", "--time-column", "same"], 2, "'same'"),
    "holdout of other columns": (["--target", "y", "--holdout", "other.csv"], 2, "'b'"),
    "set without a kind": (["--target", "y", "--set", "a"], 2, "COLUMN=KIND_OR_ROLE"),
    "unknown group": (["--target", "y", "--group", "nobody"], 2, "nobody"),
    "one column, two parts": (["--target", "y", "--weights", "y"], 2, "'y'"),
    "holdout of everything": (["--target", "y", "--holdout", "1.0"], 2, "1.0"),
    "holdout file that is missing": (["--target", "y", "--holdout", "none.csv"], 2, "none.csv"),
    "no threads": (["--target", "y", "--threads", "0"], 2, "threads"),
    "a name that is a path": (["--target", "y", "--name", "a/b"], 2, "a/b"),
    "output where something stands": (["--target", "y", "--output", "t.csv"], 2, "t.csv"),
    "output in no folder": (["--target", "y", "--output", "no/such/m.mw"], 2, "no/such"),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_option_that_makes_no_sense(kind: str, here: Callable[..., Any], tmp_path: Path) -> None:
    arguments, exit_code, said = OPTIONS[kind]
    lines = GOOD.splitlines()
    more = [line + f",{-row},2024" for row, line in enumerate(lines[1:])]
    (tmp_path / "t.csv").write_text("\n".join([lines[0] + ",below,same", *more, ""]))
    (tmp_path / "other.csv").write_text("c,d,y\n1,2,0\n2,3,1\n")
    before = listing(tmp_path)
    done = here("train", "t.csv", *arguments)
    assert done.returncode == exit_code, (done.stdout, done.stderr)
    assert "Error: " in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert listing(tmp_path) == before


def test_a_misspelt_target_is_put_right(here: Callable[..., Any], tmp_path: Path) -> None:
    write_table(tmp_path / "shop.csv", rows=50)
    done = here("train", "shop.csv", "--target", "bougth")
    assert done.returncode == 2
    assert "Did you mean 'bought'?" in done.stderr


@pytest.mark.parametrize("reference", ["nobody", "none.mw", "no/such/model"])
@pytest.mark.parametrize("action", ["predict", "evaluate", "show", "leaderboard"])
def test_a_model_that_is_not_there(
    action: str, reference: str, here: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    data = ["t.csv"] if action in ("predict", "evaluate") else []
    out = ["-o", "out.csv"] if action == "predict" else []
    done = here(action, reference, *data, *out, "--json")
    assert done.returncode == 2, done.stderr
    assert reference in json.loads(done.stdout)["error"]["message"]
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("out", "said"), [("out.xlsx", ".parquet"), ("no/such/out.csv", "no/such"), (".csv", ".csv")]
)
def test_a_place_for_predictions_that_makes_no_sense(
    out: str, said: str, here: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    done = here("predict", "m.mw", "t.csv", "-o", out)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("workspace", ["t.csv/workspace", "/proc/workspace"])
def test_a_workspace_that_cannot_be_made(workspace: str, here: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    done = here("train", "t.csv", "--target", "y", "--threads", "1", "--workspace", workspace)
    assert done.returncode == 2, done.stderr
    assert workspace in done.stderr
    assert listing(tmp_path) == {"t.csv"}


ODD_NAMES = [
    "😀",
    "مرحبا",
    "line\nbreak",
    "tab\there",
    'quo"te',
    "com,ma",
    "class",
    "prediction",
    "p_yes",
    "weights",
]
MORE_NAMES = [
    "fold",
    "Name",
    "name",
    "[bold]b[/bold]",
    "%s",
    "{x}",
    "$1",
    "a=b",
    "^a.*$",
    "*",
    "x" * 5_000,
]


def write_odd_table(path: Path) -> list[str]:
    """A table of odd names, odd cells and a target with a line break in its name; the names."""
    generator = random.Random(5)
    names = [*ODD_NAMES, *MORE_NAMES, "long"]
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow([*names, "the\ntarget"])
        for row in range(60):
            cells: list[Any] = [generator.gauss(0, 1) for _ in names[:-1]]
            cells[3] = generator.choice(["[red]no[/red]", "😀", "\u202eleft"])
            target = "yes" if cells[0] + generator.gauss(0, 0.4) > 0 else "[no]"
            writer.writerow([*cells, "wordy " * 5_000 if row % 3 else "x" * 30_000, target])
    return names


def test_odd_names_and_cells_go_through_every_command(here: Callable[..., Any], tmp_path: Path) -> None:
    names = write_odd_table(tmp_path / "t.csv")
    options = ["--learner", "linear", "--max-trials", "1", "--time", "5m", "--threads", "1"]
    done = here("train", "t.csv", "--target", "the\ntarget", *options, "--output", "m.mw")
    assert done.returncode == 0, done.stderr
    for command_line in (
        ["predict", "m.mw", "t.csv", "-o", "out.csv"],
        ["predict", "m.mw", "t.csv", "-o", "out.parquet"],
        ["evaluate", "m.mw", "t.csv"],
        ["leaderboard", "m.mw"],
        ["show", "m.mw"],
        ["profile", "t.csv", "--target", "the\ntarget"],
        ["runs", "show", "last"],
    ):
        done = here(*command_line)
        assert done.returncode == 0, (command_line, done.stderr)
        assert "Traceback" not in done.stderr
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as handle:
        said = [row["prediction"] for row in csv.DictReader(handle)]
    assert len(said) == 60
    assert set(said) == {"yes", "[no]"}
    shown = json.loads(here("show", "m.mw", "--json").stdout)
    assert [column["name"] for column in shown["columns"]][: len(names)] == names
    (tmp_path / "bad.csv").write_text("😀\n1.5\n")
    done = here("predict", "m.mw", "bad.csv", "-o", "never.csv")
    assert done.returncode == 2
    assert "مرحبا" in done.stderr
    assert not (tmp_path / "never.csv").exists()


def test_a_bad_table_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD + "1,2\n")
    done = command(tmp_path, "train", "t.csv", "--target", "y", "--threads", "1", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "DataError"
    assert "Traceback" not in done.stderr
    assert listing(tmp_path) == {"t.csv"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_workspace_that_may_not_be_written(here: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    (tmp_path / "locked").mkdir(mode=0o555)
    done = here("train", "t.csv", "--target", "y", "--workspace", "locked/here")
    assert done.returncode == 2
    assert "locked" in done.stderr


@pytest.mark.parametrize("arguments", [["runs"], ["models"]])
def test_looking_at_no_workspace_makes_none(
    arguments: list[str], here: Callable[..., Any], tmp_path: Path
) -> None:
    done = here(*arguments, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {arguments[0]: []})
    assert listing(tmp_path) == set()


@pytest.mark.parametrize(
    "arguments",
    [["show"], ["compare", "last"], ["list", "last"], ["show", "last"], ["delete", "last"], ["delete"]],
)
def test_runs_that_are_not_there(arguments: list[str], here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("runs", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert listing(tmp_path) == set()
