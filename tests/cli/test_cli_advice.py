"""What commands say of models: which class is positive, which targets there are, what stands in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.automl import TrainRequest, execute

OPTIONS: dict[str, Any] = {"max_trials": 1, "learners": "linear", "executor": "inline", "threads": 1}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a model of a chosen positive class, one of the usual one, and one of three labels."""
    place = tmp_path_factory.mktemp("models")
    random = np.random.default_rng(0)
    table = {"x": random.normal(size=80)}
    for label in ("churn", "upsell", "appetency"):
        table[label] = np.where(table["x"] + random.normal(size=80) > 0, "Yes", "No")
    for name, target, more in (
        ("xl", "churn", {"positive": "No"}),
        ("usual", "churn", {}),
        ("labels", ["churn", "upsell", "appetency"], {}),
    ):
        execute(TrainRequest(table, target, name=name, workspace=place / "w", **more, **OPTIONS))
    rows = zip(table["x"], table["churn"], table["upsell"], table["appetency"], strict=True)
    lines = [",".join(str(cell) for cell in row) for row in rows]
    (place / "new.csv").write_text("\n".join(["x,churn,upsell,appetency", *lines, ""]))
    return place


@pytest.mark.parametrize(
    ("model", "said"),
    [("xl", "is 'No': chosen by --positive."), ("usual", "is 'Yes': the second in sorted order.")],
)
def test_who_chose_the_positive_class_is_told(
    model: str, said: str, workspace: Path, inside: Callable[..., Any]
) -> None:
    done = inside(workspace, "evaluate", model, "new.csv", "--workspace", "w")
    assert done.returncode == 0, done.stderr
    assert f"The positive class {said}" in done.stdout


def test_every_target_of_a_model_is_listed(workspace: Path, inside: Callable[..., Any]) -> None:
    done = inside(workspace, "models", "--workspace", "w")
    assert "churn, upsell, appetency" in done.stdout
    listed = {
        item["name"]: item
        for item in json.loads(inside(workspace, "models", "--workspace", "w", "--json").stdout)["models"]
    }
    assert listed["labels"]["targets"] == ["churn", "upsell", "appetency"]
    assert (listed["xl"]["target"], listed["xl"]["targets"]) == ("churn", ["churn"])
    assert (
        "predicts churn, upsell, appetency (multilabel"
        in inside(workspace, "show", "labels", "--workspace", "w").stdout
    )


def test_a_folder_that_stands_in_the_way_of_a_model(
    workspace: Path, tmp_path: Path, inside: Callable[..., Any]
) -> None:
    for name in ("xl", "other"):
        (tmp_path / name).mkdir()
    place = ("--workspace", str(workspace / "w"))
    done = inside(tmp_path, "show", "xl", *place)
    assert done.returncode == 2
    assert "'xl' is not a model bundle" in done.stderr
    assert "as in xl:1" in done.stderr
    assert inside(tmp_path, "show", "xl:1", *place).returncode == 0
    done = inside(tmp_path, "show", "other", *place)
    assert "not a model bundle" in done.stderr
    assert "as in" not in done.stderr
