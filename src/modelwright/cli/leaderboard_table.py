"""How a leaderboard is drawn: the best first, ties between rules, baselines told apart."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from modelwright.cli.scores import between, compact_interval, with_interval
from modelwright.cli.text import clean, is_narrow, number, shortened, table
from modelwright.core import format_bytes, format_seconds
from modelwright.evaluation import Leaderboard, LeaderboardEntry

__all__ = ["print_leaderboard"]

NOTE_WIDTH = 40
"""Characters of a note in the table; a longer one (why a trial failed) is given in full below."""


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
    narrow = is_narrow(console)
    console.print(_drawn(board, shown, narrow))
    for entry in shown:
        note = _note(entry)
        if len(note) > _note_width(narrow):
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


def _drawn(board: Leaderboard, entries: list[LeaderboardEntry], narrow: bool) -> Table:
    interval = "95% int." if narrow else "95% interval"
    sizes = [] if narrow else ["fit", "size"]
    numeric = ["", board.metric, "folds", *sizes, "weight"]
    headings = ["", "model", board.metric, interval, "folds", *sizes, "weight", "note"]
    result = table(headings, [], numeric=numeric, whole=["model", interval])
    for position, entry in enumerate(entries):
        following = entries[position + 1] if position + 1 < len(entries) else entry
        result.add_row(
            *(clean(cell) for cell in _cells(entry, narrow)),
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


def _note_width(narrow: bool) -> int:
    return NOTE_WIDTH // 2 if narrow else NOTE_WIDTH


def _cells(entry: LeaderboardEntry, narrow: bool) -> list[str]:
    tie = "tie" if narrow else "ties with the best"
    words = [
        tie if entry.tied and entry.rank != 1 else "",
        "baseline" if entry.is_baseline else "",
        entry.status if entry.status != "finished" else "",
        shortened(_note(entry), _note_width(narrow)),
    ]
    ends = [entry.low, entry.high]
    fit = format_seconds(entry.fit_seconds) if entry.fit_seconds else ""
    size = format_bytes(entry.size_bytes) if entry.size_bytes >= 2**20 else ""
    return [
        "-" if entry.rank is None else str(entry.rank),
        entry.label,
        number(entry.score),
        compact_interval(ends) if narrow else between(ends),
        str(entry.folds) if entry.folds else "",
        *([] if narrow else [fit, size]),
        f"{entry.weight:.2f}" if entry.weight else "",
        "; ".join(word for word in words if word),
    ]
