"""How a leaderboard is drawn: the best first, ties between rules, baselines told apart."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from modelwright.cli.scores import between, compact_interval, with_interval
from modelwright.cli.text import clean, is_narrow, number, shortened, table
from modelwright.core import format_bytes, format_seconds
from modelwright.evaluation import Leaderboard, LeaderboardEntry

__all__ = ["print_leaderboard"]

NOTE_WIDTH = 60
"""Characters of a note in the table at most; a longer one (why a trial failed) is given in full below."""

_LEAST_NOTE = 20
"""Columns that a note should have before a table of all columns is drawn."""


@dataclass(frozen=True)
class _Layout:
    """What a window has room for: how much is left out of the table, and how wide a note may be."""

    left_out: tuple[str, ...]
    note: int

    @property
    def narrow(self) -> bool:
        return bool(self.left_out)


_STEPS = ((), ("fit", "size"), ("fit", "size", "folds"))
"""What is left out, step by step, until notes have room."""


def print_leaderboard(console: Console, board: Leaderboard, most: int | None = None) -> None:
    """Print a leaderboard and what has to be said of it.

    Parameters
    ----------
    console : Console
    board : Leaderboard
    most : int or None
        Lines to show at most, baselines besides; None for all.
    """
    shown = [
        entry
        for position, entry in enumerate(board.entries)
        if most is None or position < most or entry.is_baseline
    ]
    layout = _layout(console, board, shown)
    console.print(_drawn(board, shown, layout))
    for entry in shown:
        note = _note(entry)
        if note and len(_remark(entry, layout.narrow)) > layout.note:
            console.print(f"{clean(entry.label)}: {clean(note)}", style="dim", soft_wrap=True)
    hidden = len(board.entries) - len(shown)
    if hidden:
        console.print(f"and {hidden} more: see 'modelwright leaderboard MODEL'")
    better = "higher" if board.greater_is_better else "lower"
    console.print(
        f"{board.metric}: {better} is better; {board.rows:,} {board.source} rows. Between two rules the data "
        "cannot tell the models from the best of them.",
        style="dim",
        soft_wrap=True,
    )
    held = board.holdout
    if held is not None:
        score = with_interval(held.score, [held.low, held.high])
        origin = f", {clean(held.origin)}" if held.origin else ""
        console.print(f"Final model on {held.rows:,} sealed holdout rows: {score}{origin}", soft_wrap=True)


def _layout(console: Console, board: Leaderboard, entries: list[LeaderboardEntry]) -> _Layout:
    """The first layout in which every note, or a good part of it, has room on one line."""
    narrow_window = is_narrow(console)
    layout = _Layout((), 0)
    for left_out in _STEPS[1:] if narrow_window else _STEPS:
        bare = _drawn(board, entries, _Layout(left_out, 0))
        room = console.width - Measurement.get(console, console.options.update(width=10_000), bare).maximum
        longest = max((len(_remark(entry, bool(left_out))) for entry in entries), default=0)
        layout = _Layout(left_out, min(max(room + len("note"), 1), NOTE_WIDTH))
        if layout.note >= min(longest, _LEAST_NOTE):
            break
    return layout


def _drawn(board: Leaderboard, entries: list[LeaderboardEntry], layout: _Layout) -> Table:
    interval = "95% int." if layout.narrow else "95% interval"
    optional = [heading for heading in ("folds", "fit", "size") if heading not in layout.left_out]
    numeric = ["", board.metric, *optional, "weight"]
    headings = ["", "model", board.metric, interval, *optional, "weight", "note"]
    result = table(headings, [], numeric=numeric, whole=["model", interval, "note"])
    for position, entry in enumerate(entries):
        following = entries[position + 1] if position + 1 < len(entries) else entry
        result.add_row(
            *(clean(cell) for cell in _cells(entry, layout)),
            style=_style(entry),
            end_section=following.tie_group != entry.tie_group,
        )
    return result


def _style(entry: LeaderboardEntry) -> str:
    if entry.rank == 1:
        return "bold green"
    return "dim" if entry.rank is None or entry.is_baseline else ""


def _note(entry: LeaderboardEntry) -> str:
    """What a trial itself has to say, on one line."""
    return " ".join(entry.note.split())


def _remark(entry: LeaderboardEntry, narrow: bool) -> str:
    """What the table says of an entry in words: its standing, its status, its note."""
    words = [
        ("tie" if narrow else "ties with the best") if entry.tied and entry.rank != 1 else "",
        "baseline" if entry.is_baseline else "",
        entry.status if entry.status != "finished" else "",
        _note(entry),
    ]
    return "; ".join(word for word in words if word)


def _cells(entry: LeaderboardEntry, layout: _Layout) -> list[str]:
    ends = [entry.low, entry.high]
    optional = {
        "folds": str(entry.folds) if entry.folds else "",
        "fit": format_seconds(entry.fit_seconds) if entry.fit_seconds else "",
        "size": format_bytes(entry.size_bytes) if entry.size_bytes >= 2**20 else "",
    }
    return [
        "-" if entry.rank is None else str(entry.rank),
        entry.label,
        number(entry.score),
        compact_interval(ends) if layout.narrow else between(ends),
        *(cell for heading, cell in optional.items() if heading not in layout.left_out),
        f"{entry.weight:.2f}" if entry.weight else "",
        shortened(_remark(entry, layout.narrow), layout.note) if layout.note else "",
    ]
