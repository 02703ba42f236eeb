"""How much work the preparation of the data may be, so that short runs have time left to learn."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from modelwright.core import Finding, Kind, Schema, format_seconds

__all__ = ["Effort", "effort_for"]

_TEXT_SHARE, _LEAK_SHARE = 0.15, 0.1
"""Shares of the time limit that the terms of text and the guard against leaks may take."""

_WEIGHING, _CHOOSING = 0.2e-6, 0.35e-6
"""Seconds for a character: to weigh the terms of a text, and to choose terms and axes by it."""

_CHECKING = 0.25e-6
"""Seconds for a cell (of a sampled row) that the guard against leaks looks at."""

_LEAST_CHOSEN = 0.25
"""Part of the time for text that choosing terms gets however long weighing takes."""

_LEAST_CHARACTERS, _LEAST_ROWS = 500_000, 2_000
"""What is read in any case: from less neither terms nor leaks can be told."""

LEAK_ROWS = 20_000
"""Rows that the guard looks at where time does not matter."""

_LONGEST = 20_000
"""Characters of a text that are read at most."""


@dataclass(frozen=True)
class Effort:
    """Bounds for the costly parts of the preparation.

    Attributes
    ----------
    text_characters : int or None
        Characters that the terms of all text columns are chosen from; 0 to go without terms, None for no
        bound.
    leak_rows : int
        Rows that the guard against leaks looks at.
    findings : tuple of Finding
        What was cut, for the user.
    """

    text_characters: int | None = None
    leak_rows: int = LEAK_ROWS
    findings: tuple[Finding, ...] = ()


def effort_for(frame: pl.DataFrame, schema: Schema, seconds: float | None, outputs: int = 1) -> Effort:
    """Bounds that suit a time limit. They come from the size of the data alone and never from the clock.

    The same table and the same limit thus lead to the same features, on any machine and in a run that is
    resumed. The costs are those of one thread of a machine of 2024.

    Parameters
    ----------
    frame : polars DataFrame
        The training rows.
    schema : Schema
        Its features count.
    seconds : float or None
        The time limit; None for no bounds.
    outputs : int, default 1
        Labels that are each checked for leaks.

    Examples
    --------
    >>> from modelwright.core import Column
    >>> frame = pl.DataFrame({"note": ["a text of some length, " * 20] * 10_000})
    >>> schema = Schema((Column("note", Kind.TEXT),))
    >>> [effort_for(frame, schema, limit).text_characters for limit in (60, 10, 2)]
    [None, 1657142, 0]
    """
    if seconds is None:
        return Effort()
    characters, cut_text = _for_text(frame, schema, seconds)
    rows, cut_leaks = _for_leaks(frame, schema, seconds, outputs)
    return Effort(characters, rows, (*cut_text, *cut_leaks))


def _for_text(frame: pl.DataFrame, schema: Schema, seconds: float) -> tuple[int | None, list[Finding]]:
    place = {name: i for i, name in enumerate(frame.columns)}
    names = [column.name for column in schema.features if column.kind is Kind.TEXT and column.name in place]
    texts = [frame[:, place[name]].cast(pl.String) for name in names]
    total = sum(int(text.str.len_chars().clip(0, _LONGEST).sum()) for text in texts)
    allowed = _TEXT_SHARE * seconds
    if total * (_WEIGHING + _CHOOSING) <= allowed or total <= _LEAST_CHARACTERS:
        return None, []
    shown = ", ".join(map(repr, names[:3])) + (" ..." if len(names) > 3 else "")
    if total * _WEIGHING > 2 * allowed:
        return 0, [
            Finding(
                "text_cut",
                "warning",
                f"The texts in {shown} have {total / 1e6:.1f} million characters, too many for a limit of "
                f"{format_seconds(seconds)}: only their lengths and the like are used, no words.",
                action=f"Give at least {format_seconds(total * _WEIGHING / 2 / _TEXT_SHARE)}.",
                evidence={"characters": total, "columns": names},
            )
        ]
    left = max(allowed - total * _WEIGHING, _LEAST_CHOSEN * allowed)
    characters = max(int(left / _CHOOSING), _LEAST_CHARACTERS)
    return characters, [
        Finding(
            "text_cut",
            "info",
            f"The words that count in {shown} are chosen from {characters / total:.0%} of the texts, because "
            f"of the time limit of {format_seconds(seconds)}.",
            evidence={"characters": total, "chosen_from": characters, "columns": names},
        )
    ]


def _for_leaks(
    frame: pl.DataFrame, schema: Schema, seconds: float, outputs: int
) -> tuple[int, list[Finding]]:
    columns = max(1, len(schema.features))
    looked_at = min(frame.height, LEAK_ROWS)
    rows = max(int(_LEAK_SHARE * seconds / _CHECKING / columns / outputs), _LEAST_ROWS)
    if rows >= looked_at:
        return LEAK_ROWS, []
    return rows, [
        Finding(
            "leaks_cut",
            "info",
            f"Columns were checked for leaks on {rows} rows instead of {looked_at}, because of the time "
            f"limit of {format_seconds(seconds)} and the {columns} columns.",
            evidence={"rows": rows},
        )
    ]
