"""Reports: plain data for what is said, and writers for HTML, Markdown and JSON."""

from modelwright.evaluation.report.behind import table_behind
from modelwright.evaluation.report.data import (
    Block,
    Cell,
    Code,
    Fact,
    Facts,
    Heading,
    Item,
    Items,
    Paragraph,
    ReportData,
    Section,
    Table,
    Tone,
)
from modelwright.evaluation.report.figures import Bars, Curves, Dots, Figure, Heat, Histogram, Series, Spark
from modelwright.evaluation.report.html import report_html
from modelwright.evaluation.report.markdown import report_markdown
from modelwright.evaluation.report.numbers import (
    clean,
    dated,
    joined,
    plural,
    share,
    shortened,
    shown,
    significant,
)
from modelwright.evaluation.report.svg import svg

__all__ = [
    "Bars",
    "Block",
    "Cell",
    "Code",
    "Curves",
    "Dots",
    "Fact",
    "Facts",
    "Figure",
    "Heading",
    "Heat",
    "Histogram",
    "Item",
    "Items",
    "Paragraph",
    "ReportData",
    "Section",
    "Series",
    "Spark",
    "Table",
    "Tone",
    "clean",
    "dated",
    "joined",
    "plural",
    "report_html",
    "report_markdown",
    "share",
    "shortened",
    "shown",
    "significant",
    "svg",
    "table_behind",
]
