"""``modelwright show --terms``: an interpretable model as tables, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import write_table

from modelwright.automl import TrainRequest, execute


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("terms")
    write_table(place / "table.csv", rows=100)
    for name, quality in (("additive_boosting", "interpretable"), ("linear", "best")):
        execute(
            TrainRequest(
                place / "table.csv",
                "bought",
                learners=name,
                quality=quality,
                max_trials=1,
                time_limit="10m",
                executor="inline",
                workspace=place / "w",
                output=place / f"{name}.mw",
            )
        )
    return place


def test_terms_are_tables_by_columns_of_the_data(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "show", "additive_boosting.mw", "--terms")
    assert done.returncode == 0, done.stderr
    assert "+ the terms below" in done.stdout
    assert "\n1. " in done.stdout
    assert "importance" in done.stdout
    shown = json.loads(inside(models, "show", "additive_boosting.mw", "--terms", "--json").stdout)
    (output,) = shown["terms"]
    columns = {column for term in output["terms"] for column in term["columns"]}
    assert columns <= set((models / "table.csv").read_text().split("\n")[0].split(","))
    assert all(len(cell["adds"]) == 1 for term in output["terms"] for cell in term["cells"])


def test_a_bag_of_models_has_no_terms(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "show", "linear.mw", "--terms")
    assert done.returncode == 2
    assert "--quality interpretable" in done.stderr


def test_an_unknown_quality_is_refused(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "train", "table.csv", "--target", "bought", "--quality", "good")
    assert done.returncode == 2
    assert "best, interpretable" in done.stderr
