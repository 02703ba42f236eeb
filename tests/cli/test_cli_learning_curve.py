"""``modelwright learning-curve`` as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import write_table

import modelwright as mw


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("curve")
    write_table(directory / "shop.csv", rows=400)
    mw.train(
        directory / "shop.csv",
        "bought",
        name="one",
        learners="linear",
        max_trials=1,
        threads=1,
        time_limit="10m",
        workspace=directory / ".modelwright",
    )
    return directory


def test_the_answer_stands_below_the_errors(workplace: Path, inside: Callable[..., Any]) -> None:
    done = inside(workplace, "learning-curve", "one", "--time", "60s")
    assert done.returncode == 0, done.stderr
    assert "Fitted again: linear" in done.stdout
    assert done.stdout.count("measured") == 5
    assert done.stdout.count("expected") == 3
    assert "twice the 300 rows" in " ".join(done.stdout.split())


def test_in_json_from_other_rows(workplace: Path, inside: Callable[..., Any]) -> None:
    write_table(workplace / "more.csv", rows=600, seed=1)
    done = inside(workplace, "learning-curve", "one", "more.csv", "--time", "60s", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["answer"] in ("yes", "a little", "no", "unclear")
    assert [each["rows"] for each in answer["measured"]][-1] == 450
    assert answer["sentence"]


def test_rows_that_are_gone_are_bad_input(workplace: Path, inside: Callable[..., Any]) -> None:
    (workplace / "shop.csv").rename(workplace / "away.csv")
    done = inside(workplace, "learning-curve", "one")
    (workplace / "away.csv").rename(workplace / "shop.csv")
    assert done.returncode == 2
    assert "shop.csv" in done.stderr
