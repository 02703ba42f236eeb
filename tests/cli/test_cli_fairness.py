"""``modelwright fairness``: groups for people and for programs, bad input with exit code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelwright.automl import TrainRequest, execute


def write_people(path: Path, seed: int, rows: int = 900) -> None:
    rng = np.random.default_rng(seed)
    sex, skill = rng.choice(["f", "m"], rows), rng.normal(size=rows)
    hired = skill + 1.2 * (sex == "m") + rng.logistic(0, 0.5, rows) > 0.6
    place = (sex == "m") + rng.normal(0, 0.3, rows)
    columns = {"skill": skill, "place": place, "sex": sex, "age": rng.integers(18, 70, rows)}
    pl.DataFrame({**columns, "hired": np.where(hired, "yes", "no")}).write_csv(path)


@pytest.fixture(scope="module")
def here_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("people")
    write_people(place / "people.csv", 0)
    write_people(place / "later.csv", 1)
    for name, options in (
        ("plain.mw", {}),
        ("fair.mw", {"sensitive": "sex", "mitigate": "thresholds"}),
    ):
        request = TrainRequest(
            place / "people.csv",
            "hired",
            learners="linear",
            max_trials=1,
            time_limit="10m",
            threads=1,
            executor="inline",
            workspace=place / "w",
            output=place / name,
            overrides={} if options else {"sex": "ignored"},
            **options,
        )
        execute(request)
    return place


def test_what_the_bundle_knows_is_shown(here_people: Path, inside: Callable[..., Any]) -> None:
    done = inside(here_people, "fairness", "fair.mw")
    assert done.returncode == 0, done.stderr
    assert "yes by sex" in done.stdout
    assert "mitigation: thresholds:demographic_parity" in done.stdout
    assert "verdict:" in done.stdout
    assert "unlawful" in done.stdout


def test_given_rows_are_judged_by_any_column(here_people: Path, inside: Callable[..., Any]) -> None:
    done = inside(
        here_people, "fairness", "plain.mw", "later.csv", "--sensitive", "sex", "--sensitive", "age=30,50"
    )
    assert done.returncode == 0, done.stderr
    assert "four-fifths rule, below four fifths: f is selected" in done.stdout
    assert "30 to below 50" in done.stdout
    arguments = ("fairness", "plain.mw", "later.csv", "--sensitive", "sex", "--json")
    shown = json.loads(inside(here_people, *arguments).stdout)
    assert shown["verdict"] == "gap"
    assert shown["data"].endswith("later.csv")
    assert shown["views"][0]["four_fifths"][0]["verdict"] == "below four fifths"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plain.mw",), "trained without sensitive columns"),
        (("plain.mw", "later.csv"), "--sensitive COL"),
        (("plain.mw", "later.csv", "--sensitive", "sx"), "Did you mean 'sex'"),
        (("plain.mw", "later.csv", "--sensitive", "hired"), "cannot be the sensitive column"),
        (("plain.mw", "--query", "select 1", "--sensitive", "sex"), "needs the address"),
    ],
)
def test_bad_input_is_told_of(
    arguments: tuple[str, ...], said: str, here_people: Path, inside: Callable[..., Any]
) -> None:
    done = inside(here_people, "fairness", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_training_takes_sensitive_columns(here_people: Path, inside: Callable[..., Any]) -> None:
    arguments = ("--target", "hired", "--sensitive", "sax", "--max-trials", "1", "--quiet")
    done = inside(here_people, "train", "people.csv", *arguments)
    assert done.returncode == 2
    assert "Did you mean 'sex'" in done.stderr
    done = inside(
        here_people, "train", "people.csv", "--target", "hired", "--mitigate", "reweighting", "--quiet"
    )
    assert done.returncode == 2
    assert "--sensitive COL" in done.stderr
