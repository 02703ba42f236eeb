"""``--query``: every command that reads a table reads one from a database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cli_process import write_table

QUERY = "SELECT age, city, visits, bought FROM shop WHERE age IS NOT NULL"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("shop")
    write_table(place / "shop.csv", rows=120)
    frame = pl.read_csv(place / "shop.csv")
    with sqlite3.connect(place / "shop.db") as connection:
        connection.execute(f"CREATE TABLE shop ({', '.join(frame.columns)})")
        marks = ", ".join("?" * frame.width)
        connection.executemany(f"INSERT INTO shop VALUES ({marks})", frame.rows())
    return place


def test_the_commands_that_read_a_table_take_a_query(shop: Path, inside: Callable[..., Any]) -> None:
    database = ("sqlite:///shop.db", "--query", QUERY)
    done = inside(shop, "profile", *database, "--json")
    assert done.returncode == 0, done.stderr
    assert [each["name"] for each in json.loads(done.stdout)["details"]] == [
        "age",
        "city",
        "visits",
        "bought",
    ]

    options = ("--target", "bought", "--learner", "decision_tree", "--max-trials", "1", "--output", "m.mw")
    done = inside(shop, "train", *database, *options, "--quiet")
    assert done.returncode == 0, done.stderr

    done = inside(shop, "predict", "m.mw", *database, "--output", "scored.csv", "--json")
    assert done.returncode == 0, done.stderr
    known = pl.read_csv(shop / "shop.csv")["age"].is_not_null().sum()
    assert pl.read_csv(shop / "scored.csv").height == known

    done = inside(shop, "evaluate", "m.mw", *database, "--json")
    assert done.returncode == 0, done.stderr
    assert "roc_auc" in json.loads(done.stdout)["metrics"]


@pytest.mark.parametrize("command", ["profile", "evaluate", "predict"])
def test_a_query_on_a_file_is_refused(shop: Path, inside: Callable[..., Any], command: str) -> None:
    given = {
        "profile": ("profile", "shop.csv"),
        "evaluate": ("evaluate", "none.mw", "shop.csv"),
        "predict": ("predict", "none.mw", "shop.csv", "--output", "out.csv"),
    }[command]
    done = inside(shop, *given, "--query", "SELECT 1")
    assert done.returncode == 2
    assert "database" in done.stderr
