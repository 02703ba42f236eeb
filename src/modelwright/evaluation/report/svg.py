"""Figures as SVG: drawn by hand, coloured by the page's style, readable without seeing colours.

An SVG here is text that stands inside a page. It holds no script, style or address; colours are classes that
the page's style sheet gives for light and dark. Every curve has a pattern of dashes of its own as well.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from modelwright.evaluation.report.axes import Axis, axis_over
from modelwright.evaluation.report.figures import Bars, Curves, Dots, Figure, Heat, Histogram, Series, Spark
from modelwright.evaluation.report.numbers import clean, share, shortened, significant

__all__ = ["MOST_BARS", "MOST_CURVES", "spark_svg", "svg"]

MOST_CURVES, MOST_BARS, MOST_CELLS = 6, 30, 31
"""Curves, bars and rows of a matrix that are drawn; the table behind the figure holds more."""

_WIDE, _COMPACT, _HEIGHT = 640.0, 460.0, 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 18.0, 12.0, 48.0
_LINE, _VALUE = 22.0, 80.0
_NAMES = 0.37
"""Part of the width that names of bars and rows may take."""

_NUMBERED_CELLS = 10
"""Rows of a matrix up to which its numbers are written into it."""

_NARROW = frozenset("iIljtfr.,:;'|!()[]{} -")
_BROAD = frozenset("mwMW@%…")


def svg(figure: Figure, key: str, *, compact: bool = False) -> str:
    """A figure as an SVG element.

    Parameters
    ----------
    figure : Figure
    key : str
        Letters, digits and hyphens, unlike that of any other figure of the page.
    compact : bool, default False
        Whether it stands beside another one: it is then narrower, with text of the same size.

    Returns
    -------
    str
        Escaped; to be put into a page as it is.

    Examples
    --------
    >>> drawn = svg(Bars("A & B", "", "name", "value", ("<b>",), (1.0,)), "f1")
    >>> "A &amp; B" in drawn, "&lt;b&gt;" in drawn, "<b>" in drawn
    (True, True, False)
    """
    width = _COMPACT if compact else _WIDE
    if isinstance(figure, Curves):
        height, parts = _curves(figure, width)
    elif isinstance(figure, Heat):
        height, parts = _heat(figure, width)
    elif isinstance(figure, Histogram):
        height, parts = _histogram(figure, width)
    else:
        height, parts = _ranked(figure, width)
    title = _tag("title", escape(clean(figure.title)), id=f"{key}-t")
    description = _tag("desc", escape(clean(figure.text)), id=f"{key}-d")
    return _tag(
        "svg",
        "".join([title, description, *parts]),
        viewBox=f"0 0 {_of(width)} {_of(height)}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        focusable="false",
    )


def spark_svg(spark: Spark) -> str:
    """A tiny distribution as an SVG element.

    Examples
    --------
    >>> spark_svg(Spark((1.0, 2.0), "rising")).count("<rect")
    2
    """
    heights = [value if math.isfinite(value) and value > 0 else 0.0 for value in spark.values]
    largest = max(heights, default=0.0) or 1.0
    width = 96 / max(1, len(heights))
    bars = [
        _tag(
            "rect",
            x=place * width,
            y=20 - max(19 * value / largest, 0.6),
            width=max(width - 1, 0.5),
            height=max(19 * value / largest, 0.6),
        )
        for place, value in enumerate(heights)
    ]
    label = escape(clean(spark.text), quote=True)
    return _tag("svg", "".join(bars), class_="spark", viewBox="0 0 96 20", role="img", aria_label=label)


def _tag(name: str, content: str | None = None, /, **attributes: object) -> str:
    """An element; attributes and content are escaped already."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-") if key != "viewBox" else key}="{_of(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{given}/>" if content is None else f"<{name}{given}>{content}</{name}>"


def _of(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _text(x: float, y: float, text: str, anchor: str = "start", style: str = "label") -> str:
    return _tag("text", escape(clean(text)), x=x, y=y, text_anchor=anchor, class_=style)


def _told(name: str, text: str, attributes: Mapping[str, object]) -> str:
    """A mark that says what it shows to whoever points at it."""
    return _tag(name, _tag("title", escape(clean(text))), **attributes)


def _length(text: str) -> float:
    """Roughly how long a text is when it is drawn."""
    return sum(
        13.0
        if unicodedata.east_asian_width(each) in "WF"
        else 4.6
        if each in _NARROW
        else 12.0
        if each in _BROAD
        else 8.6
        if each.isupper()
        else 7.4
        for each in text
    )


def _fitted(text: object, room: float) -> str:
    """A text that is not longer than there is room."""
    whole = clean(text)
    length = _length(whole)
    return whole if length <= room else shortened(whole, max(3, int(len(whole) * room / length)))


def _path(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if number else 'M'}{_of(x)} {_of(y)}" for number, (x, y) in enumerate(points))


def _frame(x: Axis, y: Axis, x_label: str, y_label: str) -> list[str]:
    """Lines at the ticks, their labels, and what the axes are."""
    left, right, bottom, top = x.start, x.end, y.start, y.end
    ticks = y.ticks(5)
    parts: list[str] = []
    for tick, label in zip(ticks, y.labels(ticks), strict=True):
        at = y.place(tick)
        parts += [_tag("line", x1=left, x2=right, y1=at, y2=at, class_="grid")]
        parts += [_text(left - 6, at + 4, label, "end", "tick")]
    parts += _below(x, bottom, x_label)
    parts.append(_tag("line", x1=left, x2=left, y1=top, y2=bottom, class_="axis"))
    return [*parts, _upright(y_label, (top + bottom) / 2, bottom - top + 20)]


def _upright(label: str, middle: float, room: float) -> str:
    """What the rows are, at the left, from below to above."""
    turn = f"rotate(-90 13 {_of(middle)})"
    text = escape(_fitted(label, room))
    return _tag("text", text, x=13.0, y=middle, text_anchor="middle", class_="label", transform=turn)


def _below(x: Axis, bottom: float, label: str) -> list[str]:
    """The lower axis with ticks and label."""
    parts = [_tag("line", x1=x.start, x2=x.end, y1=bottom, y2=bottom, class_="axis")]
    ticks = x.ticks(6)
    labels = x.labels(ticks)
    longest = max((_length(text) for text in labels), default=0.0) + 8
    every = max(1, math.ceil(longest * len(ticks) / max(x.end - x.start, 1.0)))
    for number, (tick, text) in enumerate(zip(ticks, labels, strict=True)):
        at = x.place(tick)
        parts.append(_tag("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="axis"))
        if number % every == 0:
            parts.append(_text(at, bottom + 17, text, "middle", "tick"))
    middle = (x.start + x.end) / 2
    parts.append(_text(middle, bottom + 36, _fitted(label, x.end - x.start + 90), "middle"))
    return parts


def _curves(figure: Curves, width: float) -> tuple[float, list[str]]:
    drawn = _drawn(figure.series)
    xs = [value for series in drawn for value in series.x]
    ys = [value for series in drawn for part in (series.y, series.low, series.high) for value in part]
    x = axis_over(xs, _LEFT, width - _RIGHT, scale=figure.x_scale)
    margin = 0.0 if _is_share(ys) else 0.04
    y = axis_over(ys, _HEIGHT - _BOTTOM, _TOP, scale=figure.y_scale, zero=not margin, margin=margin)
    parts = _frame(x, y, figure.x_label, figure.y_label)
    colours = _colours(drawn)
    for series, colour in zip(drawn, colours, strict=True):
        parts += _band(series, colour, x, y)
    for series, colour in zip(drawn, colours, strict=True):
        parts += _curve(series, colour, x, y)
    rows, legend = _legend(drawn, colours, _HEIGHT + 8, width)
    return _HEIGHT + rows * _LINE + 4, parts + legend


def _drawn(series: Sequence[Series]) -> list[Series]:
    """The first curves, and all that they are to be compared with."""
    kept = [each for each in series if not each.is_reference][:MOST_CURVES]
    return [each for each in series if each.is_reference or any(each is one for one in kept)]


def _is_share(values: Sequence[float]) -> bool:
    known = [value for value in values if math.isfinite(value)]
    return bool(known) and min(known) >= 0 and max(known) == 1


def _colours(series: Sequence[Series]) -> list[str]:
    """The class of each curve: references are grey, bands are as what they follow, others have their own."""
    found: list[str] = []
    number = 0
    for each in series:
        if each.style == "band" and found:
            found.append(found[-1])
        else:
            found.append("ref" if each.is_reference else f"s{number}")
            number += not each.is_reference
    return found


def _runs(series: Series, x: Axis, y: Axis) -> list[list[int]]:
    """Places of points that follow each other without a gap."""
    runs: list[list[int]] = [[]]
    for place, (at, value) in enumerate(zip(series.x, series.y, strict=True)):
        if x.holds(at) and y.holds(value):
            runs[-1].append(place)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _band(series: Series, colour: str, x: Axis, y: Axis) -> list[str]:
    parts = []
    for run in _runs(series, x, y) if series.low else []:
        held = [place for place in run if y.holds(series.low[place]) and y.holds(series.high[place])]
        forth = [(x.place(series.x[place]), y.place(series.high[place])) for place in held]
        back = [(x.place(series.x[place]), y.place(series.low[place])) for place in reversed(held)]
        if len(held) > 1:
            parts.append(_tag("path", d=f"{_path([*forth, *back])} Z", class_=f"band {colour}"))
    return parts


def _curve(series: Series, colour: str, x: Axis, y: Axis) -> list[str]:
    parts = []
    if series.style == "band":
        return []
    size = 3.2 if len(series.x) <= 40 else 2.0
    for run in _runs(series, x, y):
        points = [(x.place(series.x[place]), y.place(series.y[place])) for place in run]
        if series.style == "points" or len(points) == 1:
            parts += [_tag("circle", cx=at, cy=up, r=size, class_=f"dot {colour}") for at, up in points]
            continue
        if series.style == "step":
            stairs = [points[0]]
            for before, after in itertools.pairwise(points):
                stairs += [(after[0], before[1]), after]
            points = stairs
        parts.append(_tag("path", d=_path(points), class_=f"line {colour}"))
    return parts


def _legend(
    drawn: Sequence[Series], colours: Sequence[str], top: float, width: float
) -> tuple[int, list[str]]:
    """Names of curves with a piece of each, two in a row; nothing for a single one."""
    if len(drawn) < 2:
        return 0, []
    parts, column = [], (width - _LEFT) / 2
    for number, (series, colour) in enumerate(zip(drawn, colours, strict=True)):
        left, y = _LEFT + (number % 2) * column, top + (number // 2) * _LINE
        if series.style == "band":
            box = {"x": left, "y": y - 6, "width": 30.0, "height": 12.0}
            parts.append(_tag("rect", class_=f"band {colour}", **box))
        elif series.style == "points":
            parts.append(_tag("circle", cx=left + 15, cy=y, r=3.2, class_=f"dot {colour}"))
        else:
            parts.append(_tag("path", d=f"M{_of(left)} {_of(y)} h30", class_=f"line {colour}"))
        parts.append(_text(left + 38, y + 4, _fitted(series.name, column - 46)))
    return -(-len(drawn) // 2), parts


def _ranked(figure: Bars | Dots, width: float) -> tuple[float, list[str]]:
    """Bars from zero, or dots, one below the other, with their intervals and values."""
    count = min(len(figure.names), MOST_BARS)
    names = [_fitted(name, _NAMES * width) for name in figure.names[:count]]
    left = max([_length(name) for name in names], default=0.0) + 16
    bottom = _TOP + max(count, 1) * _LINE + 4
    ends = [value for part in (figure.values, figure.low, figure.high) for value in part[:count]]
    if isinstance(figure, Dots):
        ends.append(figure.reference)
        x = axis_over(ends, left, width - _VALUE, scale=figure.scale, margin=0.04)
    else:
        x = axis_over(ends, left, width - _VALUE, zero=True)
    parts = _below(x, bottom, _value_label(figure))
    if isinstance(figure, Dots) and figure.reference is not None and x.holds(figure.reference):
        at = x.place(figure.reference)
        parts.append(_tag("line", x1=at, x2=at, y1=_TOP - 4, y2=bottom, class_="line ref"))
    for place, name in enumerate(names):
        y = _TOP + (place + 0.5) * _LINE
        parts.append(_text(left - 8, y + 4, name, "end", "name"))
        parts += _mark(figure, place, x, y)
    return bottom + 44, parts


def _ending(figure: Bars | Dots, value: float) -> str:
    """A value beside its mark; those of bars have as many decimals as the longest one needs."""
    sizes = [abs(each) for each in figure.values if each is not None and math.isfinite(each)]
    largest = max(sizes, default=0.0)
    if isinstance(figure, Dots) or not 1e-4 <= largest < 1e12:
        return significant(value, 3)
    text = f"{value:,.{max(0, 2 - math.floor(math.log10(largest)))}f}"
    return text if text.strip("-0.") else "0"


def _value_label(figure: Bars | Dots) -> str:
    if isinstance(figure, Dots) and figure.reference is not None and figure.reference_label:
        return f"{figure.value_label} (dotted: {figure.reference_label})"
    return figure.value_label


def _mark(figure: Bars | Dots, place: int, x: Axis, y: float) -> list[str]:
    """One bar or dot, its interval, and its value at the right."""
    value = figure.values[place]
    if value is None or not x.holds(value):
        return [_text(x.end + 8, y + 4, "–", style="tick")]
    at = x.place(value)
    low, high = (part[place] if part else None for part in (figure.low, figure.high))
    told = f"{figure.names[place]}: {significant(value)}"
    parts: list[str] = []
    if low is not None and high is not None and x.holds(low) and x.holds(high):
        told += f" ({significant(low)} to {significant(high)})"
        ends = x.place(low), x.place(high)
        parts.append(_tag("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_="whisker"))
        parts += [_tag("line", x1=end, x2=end, y1=y - 4, y2=y + 4, class_="whisker") for end in ends]
    if isinstance(figure, Bars):
        zero = x.place(0.0)
        box = {"x": min(zero, at), "y": y - 7, "width": max(abs(at - zero), 0.8), "height": 14.0}
        parts.insert(0, _told("rect", told, {"class": "bar s0", **box}))
    else:
        parts.append(_told("circle", told, {"cx": at, "cy": y, "r": 4.5, "class": "dot s0"}))
    return [*parts, _text(x.end + 8, y + 4, _ending(figure, value), style="tick")]


def _heat(figure: Heat, width: float) -> tuple[float, list[str]]:
    rows, columns = figure.rows[:MOST_CELLS], figure.columns[:MOST_CELLS]
    names = [_fitted(name, 0.24 * width) for name in rows]
    left = max([_length(name) for name in names], default=0.0) + 36
    wide = (width - _RIGHT - left) / max(1, len(columns))
    high = min(38.0, max(16.0, 420 / max(1, len(rows))))
    shades, numbered = _shades(figure), max(len(rows), len(columns)) <= _NUMBERED_CELLS
    top, parts = _heads(columns, left, wide)
    parts.append(_text(left + len(columns) * wide / 2, 14, _fitted(figure.column_label, 400), "middle"))
    for number, name in enumerate(rows):
        y = top + number * high
        parts.append(_text(left - 8, y + high / 2 + 4, name, "end", "tick name"))
        for place, column in enumerate(columns):
            value, shade = figure.values[number][place], shades[number][place]
            told = f"{figure.rows[number]}, {column}: {significant(value)}"
            told += f" ({share(shade)} of the row)" if figure.by_row else ""
            x = left + place * wide
            box = {"x": x, "y": y, "width": max(wide - 1, 0.5), "height": max(high - 1, 0.5)}
            parts.append(_told("rect", told, {"class": "cell", "fill_opacity": 0.5 * shade, **box}))
            if numbered:
                shown = _fitted(significant(value, 3), wide)
                whole = f"{shown} ({share(shade)})"
                shown = whole if figure.by_row and _length(whole) < wide else shown
                parts.append(_text(x + wide / 2, y + high / 2 + 4, shown, "middle", "within"))
    bottom = top + len(rows) * high
    return bottom + 8, [*parts, _upright(figure.row_label, (top + bottom) / 2, bottom - top)]


def _heads(columns: Sequence[str], left: float, wide: float) -> tuple[float, list[str]]:
    """Names of columns above a matrix, upright where they are longer than wide; and where it begins."""
    longest = max((_length(name) for name in columns), default=0.0)
    if longest <= wide - 4:
        middles = [(left + (place + 0.5) * wide, name) for place, name in enumerate(columns)]
        return 44.0, [_text(x, 36, name, "middle", "tick") for x, name in middles]
    room = min(longest, 110.0)
    top, parts = 36 + room, []
    for place, name in enumerate(columns):
        x, y = left + (place + 0.5) * wide + 4, top - 8
        turn = f"rotate(-90 {_of(x)} {_of(y)})"
        text = escape(_fitted(name, room))
        parts.append(_tag("text", text, x=x, y=y, class_="tick name", transform=turn))
    return top, parts


def _shades(figure: Heat) -> list[list[float]]:
    """How dark each cell is, from 0 to 1: by its part of the largest, or of its row."""
    sizes = [
        [abs(value) if value is not None and math.isfinite(value) else 0.0 for value in row]
        for row in figure.values
    ]
    largest = max((size for row in sizes for size in row), default=0.0)
    wholes = [sum(size / (largest or 1.0) for size in row) if figure.by_row else 1.0 for row in sizes]
    return [
        [size / (largest or 1.0) / (whole or 1.0) for size in row]
        for row, whole in zip(sizes, wholes, strict=True)
    ]


def _histogram(figure: Histogram, width: float) -> tuple[float, list[str]]:
    x = axis_over(figure.edges, _LEFT, width - _RIGHT)
    y = axis_over(figure.counts, _HEIGHT - _BOTTOM, _TOP, zero=True)
    parts = _frame(x, y, figure.x_label, figure.y_label)
    for low, high, count in zip(figure.edges, figure.edges[1:], figure.counts, strict=False):
        if not (x.holds(low) and x.holds(high) and y.holds(count)):
            continue
        start, end, top = x.place(low), x.place(high), y.place(count)
        box = {"x": start, "y": top, "width": max(end - start - 1, 0.5), "height": max(y.start - top, 0.0)}
        told = f"{significant(low)} to {significant(high)}: {significant(count)}"
        parts.append(_told("rect", told, {"class": "bar s0", **box}))
    return _HEIGHT, parts
