"""``--student``: it asks for a student by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli_process import write_table


def test_a_student_is_delivered_without_distill(tmp_path: Path, inside: Callable[..., Any]) -> None:
    write_table(tmp_path / "table.csv", rows=100)
    options = ("--learner", "linear", "--max-trials", "1", "--threads", "1", "--workspace", "w", "--json")
    told = ("train", "table.csv", "--target", "bought", *options)
    done = inside(tmp_path, *told, "--student", "decision_tree", "--output", "m.mw")
    assert done.returncode == 0, done.stderr
    shown = inside(tmp_path, "leaderboard", "m.mw")
    assert "distilled decision_tree" in shown.stdout
    for name in ("", "decision_three"):  # an empty name was no student at all
        done = inside(tmp_path, *told, "--student", name)
        assert done.returncode == 2
        assert "learner" in done.stderr
