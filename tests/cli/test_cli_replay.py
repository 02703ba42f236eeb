"""``modelwright replay``: identical, or the first difference; and what is said where something is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import write_table

from modelwright.automl import TrainRequest, execute


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("replayed")
    write_table(place / "table.csv", rows=120)
    write_table(place / "other.csv", rows=120, seed=1)
    request = TrainRequest(
        place / "table.csv",
        "bought",
        learners=("linear", "naive_bayes"),
        max_trials=2,
        time_limit="10m",
        threads=1,
        executor="inline",
        workspace=place / "w",
    )
    execute(request)
    return place


@pytest.mark.parametrize("reference", ["last", "table", "table:1"])
def test_a_run_comes_out_the_same(trained: Path, inside: Callable[..., Any], reference: str) -> None:
    done = inside(trained, "replay", reference, "--workspace", "w", "-q")
    assert done.returncode == 0, done.stderr
    assert "identical" in done.stdout
    assert "The same: data, versions, machine, plan, split, trials, ensemble, predictions" in done.stdout


def test_programs_get_the_verdict(trained: Path, inside: Callable[..., Any]) -> None:
    done = inside(trained, "replay", "last", "--workspace", "w", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "identical"
    assert found["first_difference"] is None
    assert found["scores"] > 10
    models = json.loads(inside(trained, "models", "--workspace", "w", "--json").stdout)["models"]
    assert len(models) == 1  # a replay registers nothing


def test_the_first_difference_is_named(trained: Path, inside: Callable[..., Any]) -> None:
    done = inside(trained, "replay", "last", "--workspace", "w", "--data", "other.csv", "-q")
    assert done.returncode == 1
    assert "First difference: data, SHA-256" in done.stdout
    assert "nothing was fitted" in done.stdout


def test_data_that_is_gone_is_named(trained: Path, inside: Callable[..., Any]) -> None:
    table = trained / "table.csv"
    away = table.rename(trained / "moved.csv")
    try:
        done = inside(trained, "replay", "last", "--workspace", "w", "--json")
        assert done.returncode == 1
        found = json.loads(done.stdout)
        assert found["verdict"] == "not compared as a whole"
        assert "table.csv" in found["missing"][0]
        assert "120 rows" in found["missing"][0]
        assert inside(trained, "replay", "last", "--workspace", "w", "--data", "moved.csv").returncode == 0
    finally:
        away.rename(table)


@pytest.mark.parametrize("reference", ["nobody", "20200101-000000-abcdef", "none.mw"])
def test_what_does_not_exist_is_bad_input(trained: Path, inside: Callable[..., Any], reference: str) -> None:
    done = inside(trained, "replay", reference, "--workspace", "w")
    assert done.returncode == 2
    assert reference in done.stderr
