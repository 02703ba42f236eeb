"""The tables that stand behind figures: everything a figure shows, in numbers."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.evaluation.report.data import Cell, Table
from modelwright.evaluation.report.figures import Curves, Figure, Heat, Histogram, Series

__all__ = ["table_behind"]

_MOST_POINTS = 40
"""Points of a curve in its table: every so manieth of more."""


def table_behind(figure: Figure) -> Table:
    """A figure in numbers.

    Examples
    --------
    >>> from modelwright.evaluation.report.figures import Bars
    >>> bars = Bars("Importance", "", "column", "share", ("age", "fee"), (0.7, 0.3))
    >>> table_behind(bars).headings, table_behind(bars).rows
    (('column', 'share'), (('age', 0.7), ('fee', 0.3)))
    """
    if isinstance(figure, Curves):
        return _of_curves(figure)
    if isinstance(figure, Heat):
        pairs = zip(figure.rows, figure.values, strict=True)
        headings = [f"{figure.row_label} \\ {figure.column_label}", *figure.columns]
        return Table.bounded(figure.title, headings, [[name, *values] for name, values in pairs])
    if isinstance(figure, Histogram):
        edges = zip(figure.edges, figure.edges[1:], figure.counts, strict=False)
        headings = [f"{figure.x_label}: from", "to", figure.y_label]
        return Table.bounded(figure.title, headings, [list(row) for row in edges])
    columns: list[Sequence[Cell]] = [figure.names, figure.values]
    headings = [figure.name_label, figure.value_label]
    if figure.low:
        columns += [figure.low, figure.high]
        headings += ["from", "to"]
    return Table.bounded(figure.title, headings, list(zip(*columns, strict=True)))


def _of_curves(figure: Curves) -> Table:
    """One column for each curve where all have the same points, else one row for each point of each curve."""
    first = figure.series[0].x if figure.series else ()
    banded = any(series.low for series in figure.series)
    if not banded and all(series.x == first for series in figure.series):
        kept = _kept(len(first))
        shared: list[list[Cell]] = [[first[i], *(series.y[i] for series in figure.series)] for i in kept]
        headings = [figure.x_label, *(series.name for series in figure.series)]
        return Table.bounded(figure.title, headings, shared, note=_thinned(len(first), len(kept)))
    rows: list[list[Cell]] = []
    notes: list[str] = []
    for series in figure.series:
        kept = _kept(len(series.x))
        rows += [_point(series, i, banded) for i in kept]
        notes.append(_thinned(len(series.x), len(kept)))
    headings = ["curve", figure.x_label, figure.y_label, *(["from", "to"] if banded else [])]
    return Table.bounded(figure.title, headings, rows, note=max(notes, key=len, default=""))


def _point(series: Series, place: int, banded: bool) -> list[Cell]:
    ends: list[Cell] = [series.low[place], series.high[place]] if series.low else [None, None]
    return [series.name, series.x[place], series.y[place], *(ends if banded else [])]


def _kept(points: int) -> list[int]:
    """Places of some points, the first and the last among them."""
    if points <= _MOST_POINTS:
        return list(range(points))
    return sorted({round(number * (points - 1) / (_MOST_POINTS - 1)) for number in range(_MOST_POINTS)})


def _thinned(points: int, kept: int) -> str:
    return f"{kept} of {points:,} points are listed." if kept < points else ""
