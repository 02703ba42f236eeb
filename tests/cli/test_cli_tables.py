"""Tables in windows of any width."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from modelwright.cli.leaderboard_table import print_leaderboard
from modelwright.cli.runs import _trial_status
from modelwright.cli.text import table
from modelwright.evaluation import Leaderboard, LeaderboardEntry

REASON = "the memory of its worker ran out at 512 MB while the third fold was being fitted"


def printed(item: object, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, markup=False).print(item)
    return stream.getvalue()


def entry(label: str, rank: int | None, note: str = "", status: str = "finished") -> LeaderboardEntry:
    score = None if rank is None else 0.9 - 0.1 * rank
    return LeaderboardEntry(
        rank=rank,
        label=label,
        learner="catboost",
        trial=None,
        tied=False,
        tie_group=rank,
        predict_seconds=0.1,
        weight=0.0,
        is_baseline=False,
        score=score,
        low=None if score is None else score - 0.05,
        high=None if score is None else score + 0.05,
        folds=5,
        fit_seconds=12.0,
        size_bytes=3 * 2**20,
        status=status,
        note=note,
    )


def board_text(width: int) -> str:
    entries = (
        entry("gradient_boosting (portfolio 7)", 1),
        entry("catboost (default)", None, REASON, "failed"),
    )
    board = Leaderboard(metric="roc_auc", greater_is_better=True, rows=100, entries=entries)
    stream = io.StringIO()
    print_leaderboard(Console(file=stream, width=width, markup=False), board)
    return stream.getvalue()


def test_a_narrow_leaderboard_keeps_names_whole_and_tells_reasons_below() -> None:
    shown = board_text(80)
    drawn, below = shown.split("catboost (default): ")
    assert max(map(len, drawn.splitlines())) <= 80
    assert "gradient_boosting (portfolio 7)" in drawn
    assert "0.750-0.850" in drawn
    assert "…" in drawn
    assert REASON not in drawn
    assert below.startswith(REASON)
    for left_out in (" fit", "size", "12.0 s"):
        assert left_out not in drawn


def test_a_wide_leaderboard_has_every_column() -> None:
    shown = board_text(120)
    for heading in ("95% interval", "fit", "size", "0.7500 to 0.8500", "3 MB", f": {REASON}"):
        assert heading in shown


@pytest.mark.parametrize("width", [72, 80, 90, 100, 104, 110, 120, 160])
def test_a_model_is_one_line_of_the_leaderboard_whatever_the_width(width: int) -> None:
    entries = (
        entry("ensemble", 1),
        replace(entry("gradient_boosting-12", 2), tied=True, weight=0.25),
        replace(entry("linear", 3), is_baseline=True, tied=True),
        entry("random_forest (default)", None, "2 of 8 folds", "pruned"),
        entry("catboost-3", None, "1 of 8 folds", "out of time"),
        entry("catboost (default)", None, REASON, "failed"),
    )
    board = Leaderboard(metric="roc_auc", greater_is_better=True, rows=100, entries=entries)
    stream = io.StringIO()
    print_leaderboard(Console(file=stream, width=width, markup=False), board)
    drawn, below = stream.getvalue().split(f"catboost (default): {REASON}")
    lines = [line for line in drawn.splitlines() if line.strip(" \u2500\u2501\u2578\u257a-")]
    for each in entries:
        assert sum(each.label in line for line in lines) >= 1
    assert max(map(len, drawn.splitlines())) <= width
    (pruned,) = [line for line in lines if "random_forest" in line and ":" not in line]
    (late,) = [line for line in lines if "catboost-3" in line and ":" not in line]
    assert "pruned" in pruned
    assert "out of time" in late
    table_lines = [line for line in lines if ":" not in line]
    assert len(table_lines) == 1 + len(entries)
    assert "higher is better" in below


def test_ids_stay_whole_while_the_rest_gives_way() -> None:
    run, path = "20261120-192703-1ce8dd", "/a/very/long/path/" * 5
    rows = [[run, path, "a reason in several words"]]
    lines = printed(table(["run", "data", "why"], rows, whole=["run"], cut=["data"]), 60).splitlines()
    assert any(run in line and "…" in line for line in lines)
    assert max(map(len, lines)) <= 60
    assert "".join(lines).count("/a/very") == 1


def test_a_trial_of_a_run_that_ended_is_not_running() -> None:
    assert _trial_status("running", "finished") == _trial_status("running", "failed") == "stopped early"
    assert _trial_status("running", "unfinished") == "running"
    assert _trial_status("done", "finished") == "done"
