"""``modelwright explain``: importance, rows, columns, pairs and counterfactuals, for people and programs."""

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
    place = tmp_path_factory.mktemp("explained")
    write_table(place / "table.csv", rows=200)
    write_table(place / "fresh.csv", rows=120, seed=1)
    for target, other in (("bought", "spent"), ("spent", "bought")):
        execute(
            TrainRequest(
                place / "table.csv",
                target,
                overrides={other: "ignored"},
                learners="linear",
                max_trials=1,
                time_limit="10m",
                executor="inline",
                workspace=place / "w",
                output=place / f"{target}.mw",
            )
        )
    return place


def test_importance_is_a_table_with_bars(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "explain", "bought.mw", "fresh.csv")
    assert done.returncode == 0, done.stderr
    assert "visits" in done.stdout
    assert "█" in done.stdout
    assert "Warning" not in done.stderr
    shown = json.loads(inside(models, "explain", "bought.mw", "fresh.csv", "--json").stdout)
    assert shown["explained"] == "importance"
    assert shown["columns"][0]["columns"] == ["visits"]
    assert shown["columns"][0]["low"] > 0


def test_without_data_the_rows_of_training_are_used_and_told(
    models: Path, inside: Callable[..., Any]
) -> None:
    done = inside(models, "explain", "bought.mw")
    assert done.returncode == 0, done.stderr
    assert "rows the model was trained on" in done.stderr


def test_a_column_is_a_table_of_its_values(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "explain", "spent.mw", "fresh.csv", "--column", "city")
    assert done.returncode == 0, done.stderr
    for city in ("Rome", "Oslo", "Lima"):
        assert city in done.stdout
    shown = json.loads(
        inside(models, "explain", "spent.mw", "fresh.csv", "--column", "visits", "--json").stdout
    )
    means = [point["mean"][0] for point in shown["points"]]
    assert means[-1] > means[0]


def test_a_row_is_explained(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "explain", "bought.mw", "fresh.csv", "--row", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Row 3: ")
    shown = json.loads(inside(models, "explain", "bought.mw", "fresh.csv", "--row", "3", "--json").stdout)
    total = shown["effect_base"][0] + sum(effect[0] for effect in shown["effects"][0])
    assert total == pytest.approx(shown["predictions"][0][0], abs=1e-6)


def test_pairs_are_a_table(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "explain", "spent.mw", "fresh.csv", "--pairs")
    assert done.returncode == 0, done.stderr
    assert " x " in done.stdout


def test_counterfactuals_are_sentences(models: Path, inside: Callable[..., Any]) -> None:
    rows = json.loads(inside(models, "explain", "bought.mw", "fresh.csv", "--row", "0", "--json").stdout)
    wish = "no" if rows["predictions"][0][0] > 0.5 else "yes"
    arguments = ("explain", "bought.mw", "fresh.csv", "--row", "0", "--counterfactual", wish)
    done = inside(models, *arguments)
    assert done.returncode == 0, done.stderr
    assert "\n1. " in done.stdout
    assert " -> " in done.stdout
    kept = json.loads(inside(models, *arguments, "--keep", "visits", "--json").stdout)
    changed = {change["column"] for answer in kept["answers"] for change in answer["changes"]}
    assert "visits" not in changed


def test_the_answer_is_written_to_a_file(models: Path, inside: Callable[..., Any], tmp_path: Path) -> None:
    place = tmp_path / "answer.json"
    done = inside(models, "explain", "bought.mw", "fresh.csv", "-o", str(place))
    assert done.returncode == 0, done.stderr
    assert json.loads(place.read_text())["explained"] == "importance"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--column", "vists"), "Did you mean 'visits'"),
        (("--row", "120"), "There is no row 120"),
        (("--row", "-1"), "There is no row -1"),
        (("--counterfactual", "yes"), "--row N"),
        (("--row", "0", "--column", "city"), "One thing is explained at a time"),
        (("--keep", "city"), "--counterfactual"),
        (("--row", "0", "--counterfactual", "perhaps"), "no class 'perhaps'"),
        (("--row", "0", "--counterfactual", "yes", "--keep", "citty"), "Did you mean 'city'"),
        (("-o", "answer.txt"), "end in .json"),
        (("--time", "soon"), "soon"),
    ],
)
def test_bad_input_ends_with_a_sentence(
    models: Path, inside: Callable[..., Any], arguments: tuple[str, ...], sentence: str
) -> None:
    done = inside(models, "explain", "bought.mw", "fresh.csv", *arguments)
    assert done.returncode == 2, done.stdout
    assert sentence in done.stderr


def test_a_label_is_no_wish_for_values(models: Path, inside: Callable[..., Any]) -> None:
    done = inside(models, "explain", "spent.mw", "fresh.csv", "--row", "0", "--counterfactual", "yes")
    assert done.returncode == 2
    assert "wish for a range" in done.stderr


def test_importance_needs_the_target(models: Path, inside: Callable[..., Any], tmp_path: Path) -> None:
    rows = (models / "fresh.csv").read_text().splitlines()
    bare = tmp_path / "bare.csv"
    bare.write_text("\n".join(row.rsplit(",", 2)[0] for row in rows))
    done = inside(models, "explain", "bought.mw", str(bare))
    assert done.returncode == 2
    assert "target column 'bought'" in done.stderr


def test_a_row_unlike_training_is_told(models: Path, inside: Callable[..., Any], tmp_path: Path) -> None:
    header, first, *_ = (models / "fresh.csv").read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index("visits")] = "99999"
    odd = tmp_path / "odd.csv"
    odd.write_text(f"{header}\n{','.join(cells)}\n")
    done = inside(models, "explain", "bought.mw", str(odd), "--row", "0")
    assert done.returncode == 0, done.stderr
    assert "Outside of training: visits 99999 is above the " in done.stdout
    wish = "no" if done.stdout.startswith("Row 0: yes") else "yes"
    done = inside(models, "explain", "bought.mw", str(odd), "--row", "0", "--counterfactual", wish)
    assert "The row is outside of training: visits 99999" in done.stdout
