"""A report as one HTML page that holds everything it shows: no script, no address, no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Any

from modelwright.evaluation.report.behind import table_behind
from modelwright.evaluation.report.data import Block, Items, ReportData, Section, Table
from modelwright.evaluation.report.figures import Bars, Curves, Dots, Heat, Histogram
from modelwright.evaluation.report.numbers import NOTHING, shortened, shown, significant
from modelwright.evaluation.report.svg import spark_svg, svg

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["report_html"]

_LONGEST_NAME = 90


def report_html(report: ReportData) -> str:
    """Write a report as HTML.

    Colours follow what the system prefers (light or dark); on paper folded tables are open. Everything that
    comes from data is escaped, and the page's own policy forbids scripts and requests.

    Parameters
    ----------
    report : ReportData

    Returns
    -------
    str
        The whole page.

    Examples
    --------
    >>> from modelwright.evaluation.report.data import Paragraph, Section
    >>> page = report_html(ReportData("<b>", "", (Section("a", "A", (Paragraph("1 < 2"),)),)))
    >>> "<b>" in page, "&lt;b&gt;" in page, "1 &lt; 2" in page, "<script" in page
    (False, True, True, False)
    """
    style = _file("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    keys = {section.key: section.title for section in report.sections}
    return _template().render(report=report, style=style, style_hash=f"sha256-{digest}", keys=keys)


def _file(name: str) -> str:
    return (resources.files("modelwright.evaluation.report") / "templates" / name).read_text("utf-8")


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.filters.update(
        shown=shown,
        name=_name,
        kind=lambda block: type(block).__name__.lower(),
        svg=svg,
        spark=spark_svg,
        behind=table_behind,
        numeric=_numeric,
        aligned=_aligned,
        side_by_side=_side_by_side,
    )
    return environment.from_string(_file("report.html"))


def _name(value: Any) -> str:
    return shortened(value, _LONGEST_NAME) if isinstance(value, str) else shown(value)


def _side_by_side(section: Section) -> Iterator[tuple[str, list[tuple[str, Block]]]]:
    """The blocks with their keys; figures that follow each other, and lists with titles, stand together."""
    keyed = [(f"{section.key}-{number}", block) for number, block in enumerate(section.blocks, 1)]
    for together, found in groupby(keyed, lambda pair: _together(pair[1])):
        blocks = list(found)
        if together and len(blocks) > 1:
            yield together, blocks
        else:
            yield from (("", [pair]) for pair in blocks)


def _together(block: Block) -> str:
    if isinstance(block, (Bars, Curves, Dots, Heat, Histogram)):
        return "" if isinstance(block, Heat) else "figures"
    return "panels" if isinstance(block, Items) and block.title else ""


def _numeric(table: Table) -> tuple[str, ...]:
    """Which columns hold numbers and nothing else: ``"whole"`` ones, or some with ``"decimals"``."""
    kinds = []
    for place in range(len(table.headings)):
        known = [row[place] for row in table.rows if place < len(row) and row[place] is not None]
        if not known or not all(map(_is_number, known)):
            kinds.append("")
        else:
            broken = any(isinstance(value, float) and not value.is_integer() for value in known)
            kinds.append("decimals" if broken else "whole")
    return tuple(kinds)


def _aligned(value: Any, kind: str) -> str:
    """A number as the others of its column are written."""
    return (
        significant(value, whole=False) if kind == "decimals" and isinstance(value, float) else shown(value)
    )


def _is_number(value: Any) -> bool:
    """Whether it is a number, or one with its unit: ``12.3%``."""
    if isinstance(value, str):
        return value == NOTHING or value.removesuffix("%").lstrip("<>").replace(".", "", 1).isdigit()
    return isinstance(value, (int, float)) and not isinstance(value, bool)
