"""The demo does the whole job and leaves what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl


def test_the_demo_trains_scores_and_tells_where(here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("demo", "--data", "iris", "--time", "8s", "--output-dir", "demo", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["task"] == "multiclass"
    assert result["leaderboard"]
    assert (Path(result["model"]) / "manifest.json").is_file()
    new = pl.read_csv(tmp_path / result["new_rows"])
    scored = pl.read_csv(tmp_path / result["scored"])
    assert scored.height == new.height == result["new_score"]["rows"] == 30
    assert scored.columns[0] == "prediction"
    assert (scored["prediction"] == new["species"]).mean() > 0.8  # type: ignore[operator]
    assert pl.read_csv(tmp_path / result["table"]).height == 120


def test_an_unknown_table_is_refused_before_anything_is_written(
    here: Callable[..., Any], tmp_path: Path
) -> None:
    done = here("demo", "--data", "iris", "--data", "custmers")
    assert done.returncode == 2
    assert "Did you mean 'customers'?" in done.stderr
    assert list(tmp_path.iterdir()) == []
