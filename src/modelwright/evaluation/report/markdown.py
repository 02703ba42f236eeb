"""A report as Markdown: for repositories, tickets and model registries. Figures are told by their tables."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from modelwright.evaluation.report.behind import table_behind
from modelwright.evaluation.report.data import (
    Block,
    Code,
    Facts,
    Heading,
    Items,
    Paragraph,
    ReportData,
    Table,
)
from modelwright.evaluation.report.figures import Curves, Spark
from modelwright.evaluation.report.numbers import clean, shortened, shown

__all__ = ["report_markdown"]

_TONES = {"good": "Strength", "risk": "Risk", "missing": "Not available", "note": "Note"}
_BEHIND_FIGURES = 12
"""Rows of the table that stands for a figure."""

_LONGEST_CELL = 120
_LEVELS = "▁▂▃▄▅▆▇█"
_SPECIAL = re.compile(r"[\\`*\[\]<>|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_AT_START = re.compile(r"^(\s*\d*)([-+#.)]+)(?=\s|$)")


def report_markdown(report: ReportData) -> str:
    r"""Write a report as Markdown (tables as GitHub has them).

    Examples
    --------
    >>> from modelwright.evaluation.report.data import Section
    >>> report = ReportData("Model churn", "", (Section("score", "Score", (Paragraph("*0.9*", "good"),)),))
    >>> print(report_markdown(report))
    # Model churn
    <BLANKLINE>
    ## Score
    <BLANKLINE>
    **Strength:** \*0.9\*
    <BLANKLINE>
    """
    parts = [f"# {_escaped(report.title)}"]
    if report.subtitle:
        parts.append(_escaped(report.subtitle))
    for section in report.sections:
        parts.append(f"## {_escaped(section.title)}")
        parts += [text for block in section.blocks for text in _block(block)]
    if report.made_by:
        parts.append(f"*Made by {_escaped(report.made_by)}.*")
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"### {_escaped(block.text)}"
    elif isinstance(block, Paragraph):
        tone = _TONES.get(block.tone)
        yield f"**{tone}:** {_escaped(block.text)}" if tone else _started(_escaped(block.text))
    elif isinstance(block, Code):
        fence = "`" * (1 + max([2, *(len(run) for run in re.findall("`+", block.text))]))
        yield f"{fence}\n{clean(block.text)}\n{fence}"
    elif isinstance(block, Items):
        if block.title:
            yield f"### {_escaped(block.title)}"
        if block.items:
            yield "\n".join(
                f"- {_started(_escaped(item.text))}" + (f" ({_escaped(item.detail)})" if item.detail else "")
                for item in block.items
            )
    elif isinstance(block, Facts):
        facts = tuple((fact.label, fact.value, fact.detail) for fact in block.facts)
        yield from _table(Table(block.title, ("figure", "value", "how to read it"), facts))
    elif isinstance(block, Table):
        yield from _table(block)
    else:
        if block.text:
            yield _started(_escaped(block.text))
        behind = table_behind(block)
        rows = behind.rows
        every = max(1, -(-len(rows) // _BEHIND_FIGURES))
        kept = rows[::every] if isinstance(block, Curves) else rows[:_BEHIND_FIGURES]
        note = _told(len(kept), len(rows), behind.note)
        yield from _table(Table(behind.title, behind.headings, kept, note))


def _told(kept: int, rows: int, note: str) -> str:
    return f"{kept} of {rows} rows." if kept < rows else note


def _table(table: Table) -> Iterator[str]:
    yield f"**{_escaped(table.title)}**"
    if table.rows:
        lines = [
            f"| {' | '.join(_cell(heading) for heading in table.headings)} |",
            f"|{'---|' * len(table.headings)}",
            *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in table.rows),
        ]
        yield "\n".join(lines)
    if table.note:
        yield _started(_escaped(table.note))


def _cell(value: object) -> str:
    if isinstance(value, Spark):
        heights = [each if math.isfinite(each) and each > 0 else 0.0 for each in value.values]
        largest = max(heights, default=0.0) or 1.0
        return "".join(_LEVELS[round((len(_LEVELS) - 1) * each / largest)] for each in heights)
    text = shortened(value, _LONGEST_CELL) if isinstance(value, str) else shown(value)
    return _escaped(text)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is; what would be HTML is shown, too."""
    plain = clean(text).replace("&", "&amp;")
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found.group(), f"\\{found.group()}"), plain)


_ENTITIES = {"<": "&lt;", ">": "&gt;"}


def _started(text: str) -> str:
    """Text at the start of a line, where some characters mean a list or a heading."""
    return _AT_START.sub(r"\1\\\2", text)
