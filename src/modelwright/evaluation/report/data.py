"""What a report says, as plain data: sections of paragraphs, lists, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from modelwright.core import to_jsonable
from modelwright.evaluation.report.figures import Bars, Curves, Dots, Figure, Heat, Histogram, Spark
from modelwright.evaluation.report.numbers import clean, plural

__all__ = [
    "Block",
    "Cell",
    "Code",
    "Fact",
    "Facts",
    "Heading",
    "Item",
    "Items",
    "Paragraph",
    "ReportData",
    "Section",
    "Table",
    "Tone",
]

Tone = Literal["plain", "good", "risk", "missing", "note"]
"""What a sentence is: neutral, a strength, a risk, about something that is not there, an explanation."""

Cell = str | int | float | Spark | None
"""What stands in a cell of a table."""

MOST_ROWS = 200
"""Rows of a table unless it says otherwise."""


@dataclass(frozen=True)
class Heading:
    """The title of a part of a section.

    Attributes
    ----------
    text : str
    """

    text: str


@dataclass(frozen=True)
class Paragraph:
    """One or a few sentences.

    Attributes
    ----------
    text : str
    tone : Tone
    """

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Code:
    """Something to copy: a command.

    Attributes
    ----------
    text : str
    """

    text: str


@dataclass(frozen=True)
class Item:
    """One entry of a list.

    Attributes
    ----------
    text : str
    detail : str
        In smaller type: the evidence.
    section : str
        Key of the section where more of it stands; empty for none.
    """

    text: str
    detail: str = ""
    section: str = ""


@dataclass(frozen=True)
class Items:
    """A list.

    Attributes
    ----------
    items : tuple of Item
    title : str
    tone : Tone
    """

    items: tuple[Item, ...]
    title: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Fact:
    """One key figure.

    Attributes
    ----------
    label : str
        What it is.
    value : str
    detail : str
        In smaller type: how it is to be read.
    """

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    """Key figures side by side.

    Attributes
    ----------
    facts : tuple of Fact
    title : str
    """

    facts: tuple[Fact, ...]
    title: str = "Key figures"


@dataclass(frozen=True)
class Table:
    """A table. The first column names the rows.

    Attributes
    ----------
    title : str
        What it shows; its caption.
    headings : tuple of str
    rows : tuple of tuples of cells
        Numbers are formatted when they are shown.
    note : str
        What is said below it.
    folded : bool
        Whether it is closed at first.

    Examples
    --------
    >>> table = Table.bounded("Squares", ["n", "square"], [(n, n * n) for n in range(1, 8)], most=3)
    >>> len(table.rows), table.note
    (3, 'And 4 more rows.')
    >>> Table.bounded("Names", ["n", "name", "note"], [(1, "a", ""), (2, "b", None)], spare=True).headings
    ('n', 'name')
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False

    @classmethod
    def bounded(
        cls,
        title: str,
        headings: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        *,
        note: str = "",
        most: int = MOST_ROWS,
        folded: bool = False,
        spare: bool = False,
    ) -> Table:
        """A table of the first rows of many; how many are left out is said below it.

        With ``spare`` columns in which nothing stands are left out.
        """
        if spare and rows:
            used = [
                at for at in range(len(headings)) if not at or any(row[at] not in (None, "") for row in rows)
            ]
            headings, rows = [headings[at] for at in used], [[row[at] for at in used] for row in rows]
        kept = tuple(tuple(row) for row in rows[:most])
        left = len(rows) - len(kept)
        more = f"And {plural(left, 'more row')}." if left else ""
        return cls(title, tuple(headings), kept, " ".join(filter(None, [note, more])), folded)


Block = Heading | Paragraph | Code | Items | Facts | Table | Figure
"""A part of a section."""


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes
    ----------
    key : str
        Letters, digits and hyphens: what links to it say.
    title : str
    blocks : tuple of Block
    """

    key: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What could not be told, in words."""
        return tuple(
            block.text for block in self.blocks if isinstance(block, Paragraph) and block.tone == "missing"
        )


@dataclass(frozen=True)
class ReportData:
    """A report, ready to be written in any format.

    Attributes
    ----------
    title, subtitle : str
    sections : tuple of Section
    made_by : str
        The program and its version.

    Examples
    --------
    >>> part = Section("score", "Score", (Paragraph("It is good.", "good"),))
    >>> ReportData("Model churn", "", (part,)).to_dict()["sections"][0]["blocks"]
    [{'type': 'paragraph', 'text': 'It is good.', 'tone': 'good'}]
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    made_by: str = ""

    def section(self, key: str) -> Section | None:
        """The section with a key, if there is one."""
        return next((section for section in self.sections if section.key == key), None)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record; each block names its ``type``."""
        record: dict[str, Any] = to_jsonable(_record(self))
        return record


_TAGGED = (Heading, Paragraph, Code, Items, Facts, Table, Bars, Curves, Dots, Heat, Histogram, Spark)


def _record(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        tag = {"type": type(value).__name__.lower()} if isinstance(value, _TAGGED) else {}
        return {**tag, **{field.name: _record(getattr(value, field.name)) for field in fields(value)}}
    if isinstance(value, tuple):
        return [_record(each) for each in value]
    return clean(value) if isinstance(value, str) else value
