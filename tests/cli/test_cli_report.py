"""``modelwright report``: one file, in the format that was asked for, or a sentence why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import command, write_table

from html_pages import Page


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and a small model of it."""
    folder = tmp_path_factory.mktemp("trained")
    write_table(folder / "table.csv", rows=120)
    options = ("--learner", "linear", "--max-trials", "1", "--threads", "1", "--output", "m.mw", "--json")
    done = command(folder, "train", "table.csv", "--target", "bought", *options)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_report_is_one_page(trained: Path, inside: Callable[..., Any]) -> None:
    done = inside(trained, "report", "m.mw", "-o", "churn.html", "--time", "2s")
    assert done.returncode == 0, done.stderr
    assert "churn.html" in done.stdout
    page = Page((trained / "churn.html").read_text("utf-8"))
    assert page.faults == []
    assert page.dangers() == []
    assert "Forecast and actual figures" in page.text  # the run is in the default workspace
    assert "Importance of the columns" in page.text  # the training table is still there


def test_json_says_where_it_is(trained: Path, inside: Callable[..., Any]) -> None:
    write_table(trained / "new.csv", rows=80, seed=3)
    options = ("-o", "card.md", "--format", "card", "--time", "1s", "--json")
    done = inside(trained, "report", "m.mw", "new.csv", *options)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["format"] == "card"
    assert answer["bytes"] == (trained / "card.md").stat().st_size
    assert (trained / "card.md").read_text("utf-8").startswith("# Model card")


def test_when_the_training_table_is_gone_the_rest_is_shown(trained: Path, inside: Callable[..., Any]) -> None:
    (trained / "table.csv").rename(trained / "away.csv")
    try:
        done = inside(trained, "report", "m.mw", "-o", "r.json", "--time", "1s")
    finally:
        (trained / "away.csv").rename(trained / "table.csv")
    assert done.returncode == 0, done.stderr
    text = (trained / "r.json").read_text("utf-8")
    assert "is gone" in text
    assert "ROC curve" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.mw",), "does not exist"),
        (("m.mw", "-o", "report.pdf"), "format"),
        (("m.mw", "--format", "pdf"), "no report format"),
        (("m.mw", "-o", "no/report.html"), "no folder"),
        (("m.mw", "--time", "soon"), "duration"),
        (("m.mw", "none.csv"), "none.csv"),
        (("m.mw", "other.csv"), "bought"),
    ],
)
def test_bad_input_ends_with_a_sentence(
    arguments: tuple[str, ...], words: str, trained: Path, inside: Callable[..., Any]
) -> None:
    (trained / "other.csv").write_text("age,city,visits\n30,Rome,3\n")
    done = inside(trained, "report", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (trained / "report.html").exists()
