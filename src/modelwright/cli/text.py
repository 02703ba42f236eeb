"""How text for people is written: consoles, tables, numbers. Loads rich: import it to print something."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["PatientConsole", "clean", "console", "is_narrow", "number", "shortened", "shortest_path", "table"]

PIPE_WIDTH = 100
"""Columns of text that goes to a file or a pipe."""

NARROW = 100
"""Below so many columns a table leaves out what can be spared."""


class PatientConsole(Console):
    """A console that takes no offence when its reader goes away (``| head``); rich would end the process."""

    def on_broken_pipe(self) -> None:
        """Write the rest nowhere."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def clean(value: object) -> str:
    r"""Text of a table cell: control characters (a column name may hold any) are shown, not obeyed.

    Examples
    --------
    >>> clean("naïve\x1b[31m")
    'naïve\\x1b[31m'
    """
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def number(value: Any, digits: int = 4) -> str:
    """A score for people: so many significant digits, a dash where there is none.

    Examples
    --------
    >>> number(0.912345), number(12345.678), number(None)
    ('0.9123', '12346', '-')
    """
    if value is None:
        return "-"
    size = abs(float(value))
    if size >= 10**digits:
        return f"{value:.0f}"
    decimals = digits if size < 1 else digits - len(str(int(size)))
    return f"{value:.{decimals}f}" if size >= 1e-4 or size == 0 else f"{value:.{digits - 1}g}"


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; an ellipsis stands for what was cut off.

    Examples
    --------
    >>> shortened("a long sentence", 8), shortened("short", 8)
    ('a long…', 'short')
    """
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def is_narrow(where: Console) -> bool:
    """Whether a console is too narrow for every column of a table."""
    return where.width < NARROW


def shortest_path(path: str | Path) -> str:
    """A path as a user would type it: relative where it lies below the current directory.

    Examples
    --------
    >>> shortest_path(Path.cwd() / "models" / "churn.mw")
    'models/churn.mw'
    """
    place, here = Path(path), Path.cwd()
    return str(place.relative_to(here) if place.is_relative_to(here) else place)


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is (no markup: column names may hold brackets)."""
    stream = sys.stderr if stderr else sys.stdout
    has_width = stream.isatty() or "COLUMNS" in os.environ
    return PatientConsole(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        width=None if has_width else PIPE_WIDTH,
    )


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    numeric: Sequence[str] = (),
    whole: Sequence[str] = (),
    cut: Sequence[str] = (),
) -> Table:
    """A plain table.

    Parameters
    ----------
    headings : sequence of str
    rows : sequence of sequences
    numeric : sequence of str
        Columns that are set flush right and never broken.
    whole : sequence of str
        Columns of ids and names: never broken over lines.
    cut : sequence of str
        Columns that end in an ellipsis where the window is too narrow; all others go on below.
    """
    result = Table(
        box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold", collapse_padding=True
    )
    for heading in headings:
        result.add_column(
            heading,
            justify="right" if heading in numeric else "left",
            no_wrap=heading in numeric or heading in whole,
            overflow="ellipsis" if heading in whole else "fold",
        )
    for row in rows:
        result.add_row(
            *(
                # The cell does not break but its column may shrink: so the ids keep their width.
                Text(clean(cell), no_wrap=True, overflow="ellipsis") if heading in cut else clean(cell)
                for heading, cell in zip(headings, row, strict=True)
            )
        )
    return result
