"""A report as one HTML page that holds everything it shows: no script, no address, no network."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from modelwright.evaluation.report.behind import table_behind
from modelwright.evaluation.report.data import ReportData, Table
from modelwright.evaluation.report.numbers import shortened, shown
from modelwright.evaluation.report.svg import spark_svg, svg

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["report_html"]

_LONGEST_NAME = 90


def report_html(report: ReportData) -> str:
    """Write a report as HTML.

    Colours follow what the system prefers (light or dark); on paper every table is open. Everything that
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
    )
    return environment.from_string(_file("report.html"))


def _name(value: Any) -> str:
    return shortened(value, _LONGEST_NAME) if isinstance(value, str) else shown(value)


def _numeric(table: Table) -> tuple[bool, ...]:
    """Which columns hold numbers and nothing else."""
    flags = []
    for place in range(len(table.headings)):
        known = [row[place] for row in table.rows if place < len(row) and row[place] is not None]
        numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in known]
        flags.append(bool(known) and all(numbers))
    return tuple(flags)
