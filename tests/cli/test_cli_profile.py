"""What `profile` says of a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import write_table

from modelwright.cli.profile import _example


@pytest.fixture
def table(tmp_path: Path) -> str:
    write_table(tmp_path / "shop.csv", rows=120)
    return "shop.csv"


def test_columns_with_kinds_roles_and_reasons(table: str, here: Callable[..., Any]) -> None:
    done = here("profile", table, "--target", "bought", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    columns = {column["name"]: column for column in answer["details"]}
    assert {name: column["kind"] for name, column in columns.items()} == {
        "age": "numeric",
        "city": "categorical",
        "visits": "numeric",
        "bought": "boolean",
        "spent": "numeric",
    }
    assert columns["bought"]["role"] == "target"
    assert columns["age"]["missing"] > 0
    assert columns["city"]["distinct"] == 3
    assert all(column["reason"] for column in columns.values())
    assert answer["target"]["task"] == "binary"


def test_what_the_user_sets_is_shown(table: str, here: Callable[..., Any]) -> None:
    done = here("profile", table, "--set", "visits=categorical", "--set", "city=ignored", "--json")
    columns = {column["name"]: column for column in json.loads(done.stdout)["details"]}
    assert columns["visits"]["kind"] == "categorical"
    assert columns["city"]["role"] == "ignored"


def test_text_for_people(table: str, here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("profile", table, "--target", "bought")
    assert done.returncode == 0, done.stderr
    assert "120 rows, 5 columns" in done.stdout
    assert "Target bought: binary" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]


def test_a_narrow_window(here: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = "".join(
        f"2024-01-{day:02d},a long sentence of words number {day},{day * 1.25}\n" for day in range(1, 29)
    )
    (tmp_path / "t.csv").write_text(f"day,remark,amount\n{rows}")
    done = here("profile", "t.csv", "--target", "amount")
    assert done.returncode == 0, done.stderr
    drawn = done.stdout.split("Target")[0]
    assert max(map(len, drawn.splitlines())) <= 80
    assert "2024-01-" in drawn
    assert "00:00:00" not in drawn
    assert "numeric, target" in drawn
    assert "…" in drawn
    assert "of words number" not in drawn  # an example is cut, not folded


def test_only_midnight_is_left_out() -> None:
    assert _example("2024-01-05 00:00:00") == _example("2024-01-05T00:00:00") == "2024-01-05"
    assert _example("2024-01-05 00:00:07") == "2024-01-05 00:00:07"
    assert (_example(3.0), _example(2.5)) == ("3", "2.5")


def test_control_characters_of_a_header_are_not_obeyed(here: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\x1b[31m,[bold]b\n" + "1,2\n3,5\n" * 10)
    shown = here("profile", "t.csv").stdout
    assert "\x1b" not in shown
    assert r"a\x1b[31m" in shown
    assert "[bold]b" in shown
