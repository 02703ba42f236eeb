"""Intervals, sets and abstention in ``predict``, and coverage in ``evaluate``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cli_process import write_table

from modelwright.automl import TrainRequest, execute


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of classes, one of values and one of quantiles, with fresh rows."""
    place = tmp_path_factory.mktemp("uncertain")
    write_table(place / "table.csv", rows=240)
    write_table(place / "fresh.csv", rows=400, seed=1)
    asked = {"learners": "linear", "max_trials": 1, "time_limit": "10m", "threads": 1, "executor": "inline"}
    for name, target, more in (
        ("bought", "bought", {}),
        ("spent", "spent", {}),
        ("quantiles", "spent", {"quantiles": [0.1, 0.5, 0.9]}),
    ):
        output = place / f"{name}.mw"
        execute(
            TrainRequest(place / "table.csv", target, workspace=place / "w", output=output, **asked, **more)
        )
    return place


def predicted(place: Path, inside: Callable[..., Any], model: str, *options: str) -> pl.DataFrame:
    done = inside(place, "predict", model, "fresh.csv", "-o", "out.csv", *options)
    assert done.returncode == 0, done.stderr
    return pl.read_csv(place / "out.csv")


def test_bounds_are_written_beside_values(trained: Path, inside: Callable[..., Any]) -> None:
    found = predicted(trained, inside, "spent.mw", "--coverage", "0.9")
    assert found.columns == ["prediction", "low", "high"]
    assert found.height == 400
    truth = pl.read_csv(trained / "fresh.csv")["spent"]
    assert 0.84 < ((found["low"] <= truth) & (truth <= found["high"])).mean() < 0.96
    found = predicted(trained, inside, "quantiles.mw", "--coverage", "0.8")
    assert found.columns == ["prediction_0.1", "prediction_0.5", "prediction_0.9", "low", "high"]


def test_sets_and_labels_that_are_sure_enough_are_written(trained: Path, inside: Callable[..., Any]) -> None:
    found = predicted(trained, inside, "bought.mw", "--coverage", "0.95", "--abstain-below", "0.9", "--proba")
    assert found.columns == ["prediction", "p_no", "p_yes", "set"]
    assert set(found["set"].to_list()) <= {"no", "yes", "no|yes", "", None}
    sure = found.select(pl.max_horizontal("p_no", "p_yes") >= 0.9).to_series()
    assert (found["prediction"].is_not_null() == sure).all()
    assert 0 < found["prediction"].null_count() < 400
    predicted(trained, inside, "bought.mw", "--abstain-below", "1")
    done = inside(trained, "predict", "bought.mw", "fresh.csv", "-o", "o.parquet", "--abstain-below", "1")
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(trained / "o.parquet")["prediction"].null_count() == 400


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("spent.mw", ("--coverage", "90"), "Give 0.9 for nine in ten"),
        ("spent.mw", ("--coverage", "0"), "between 0 and 1"),
        ("spent.mw", ("--coverage", "nan"), "between 0 and 1"),
        ("spent.mw", ("--coverage", "much"), "--coverage"),
        ("spent.mw", ("--coverage", "0.9999"), "needs 19999 out-of-fold rows, but this model has 240"),
        ("spent.mw", ("--abstain-below", "0.8"), "predicted as a value"),
        ("bought.mw", ("--abstain-below", "80"), "between 0 and 1"),
        ("bought.mw", ("--coverage", "0.9999"), "needs 9999 out-of-fold rows"),
    ],
)
def test_what_cannot_be_told_is_bad_input(
    trained: Path, inside: Callable[..., Any], model: str, options: tuple[str, ...], said: str
) -> None:
    done = inside(trained, "predict", model, "fresh.csv", "-o", "none.csv", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (trained / "none.csv").exists()


def test_coverage_is_told_with_the_scores(trained: Path, inside: Callable[..., Any]) -> None:
    done = inside(trained, "evaluate", "spent.mw", "fresh.csv", "--coverage", "0.8", "--by", "city")
    assert done.returncode == 0, done.stderr
    assert "Coverage, where 0.8 was asked for" in done.stdout
    assert all(word in done.stdout for word in ("all rows", "Lima", "Oslo", "Rome"))
    done = inside(trained, "evaluate", "bought.mw", "fresh.csv", "--by", "age", "--json")
    found = json.loads(done.stdout)["coverage"]
    assert (found["asked"], found["by"]) == (0.9, "age")
    assert found["rows"][0]["rows"] == 400 == sum(row["rows"] for row in found["rows"][1:])
    plain = json.loads(inside(trained, "evaluate", "bought.mw", "fresh.csv", "--json").stdout)
    assert "coverage" not in plain
    done = inside(trained, "evaluate", "bought.mw", "fresh.csv", "--by", "town")
    assert done.returncode == 2
    assert "'town'" in done.stderr
