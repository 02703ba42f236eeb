"""``modelwright compare`` as a user runs it."""

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
    directory = tmp_path_factory.mktemp("compare")
    write_table(directory / "shop.csv", rows=200)
    write_table(directory / "new.csv", rows=150, seed=1)
    models = (("one", "linear", "bought"), ("two", "decision_tree", "bought"), ("sum", "linear", "spent"))
    for name, learner, target in models:
        mw.train(
            directory / "shop.csv",
            target,
            name=name,
            learners=learner,
            max_trials=1,
            threads=1,
            time_limit="10m",
            workspace=directory / ".modelwright",
            overrides={"spent" if target == "bought" else "bought": "ignored"},
        )
    return directory


def test_compare_on_new_rows(workplace: Path, inside: Callable[..., Any]) -> None:
    done = inside(workplace, "compare", "one", "two", "new.csv")
    assert done.returncode == 0, done.stderr
    assert "A: one" in done.stdout
    assert "roc_auc" in done.stdout
    assert "two" in done.stdout.split("B is")[1]
    assert "DeLong (roc_auc): p = " in done.stdout


def test_compare_without_rows_says_so_in_json(workplace: Path, inside: Callable[..., Any]) -> None:
    done = inside(workplace, "compare", "one", "two", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["source"] == "out-of-fold"
    assert answer["data"] is None
    assert answer["names"] == ["one", "two"]
    assert answer["comparisons"][0]["metric"] == "roc_auc"
    assert answer["sentence"] == answer["comparisons"][0]["sentence"]


def test_different_targets_are_bad_input(workplace: Path, inside: Callable[..., Any]) -> None:
    done = inside(workplace, "compare", "one", "sum", "--json")
    assert done.returncode == 2
    assert "their targets differ" in json.loads(done.stdout)["error"]["message"]
    assert inside(workplace, "compare", "one", "none").returncode == 2
    assert inside(workplace, "compare", "one", "two", "--query", "select 1").returncode == 2
