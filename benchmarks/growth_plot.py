"""Plots of time and memory against the size of the table, as SVG that needs no library to make or to read.

usage: growth_plot.py GROWTH.csv OUT.svg

GROWTH.csv is what growth.py wrote: columns axis, rows, columns, tool, wall_s, peak_mb.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

__all__ = ["growth_plot"]

_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP = 60, 56, 250, 170, 80
_INK, _PALE = "#333333", "#dddddd"
_COLOURS = {"modelwright": "#1f77b4", "fixed": "#7fb3d9", "lightgbm": "#d95f02"}
_SAID = {
    "modelwright": "modelwright, time limit",
    "fixed": "modelwright, two trials",
    "lightgbm": "LightGBM alone",
}
_PANELS = (("wall_s", "seconds"), ("peak_mb", "peak memory (MB)"))
_AXES = ("rows", "columns")

Line = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("growth", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    with options.growth.open(newline="") as handle:
        options.out.write_text(growth_plot(list(csv.DictReader(handle))), "utf-8")


def growth_plot(lines: Sequence[Line]) -> str:
    """Four panels: time and memory against rows and against columns, all axes logarithmic.

    Examples
    --------
    >>> line = {"axis": "rows", "rows": "1000", "columns": "30", "tool": "lightgbm", "exit": "0"}
    >>> measured = {**line, "wall_s": "2", "peak_mb": "90"}
    >>> "<svg" in growth_plot([measured, {**measured, "rows": "10000", "wall_s": "5"}])
    True
    """
    width, height = 2 * (_LEFT + _WIDTH) + 30, _TOP + 2 * (_HEIGHT + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}" role="img">',
        "<title>Time and memory against the size of the table</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for number, tool in enumerate(_COLOURS):
        x = _LEFT + 190 * number
        parts.append(
            f'<line x1="{x}" x2="{x + 18}" y1="14" y2="14" stroke="{_COLOURS[tool]}" stroke-width="2"/>'
        )
        parts.append(f'<text x="{x + 24}" y="18">{escape(_SAID[tool])}</text>')
    for right, axis in enumerate(_AXES):
        own = [line for line in lines if line["axis"] == axis and float(line["wall_s"]) > 0]
        for below, (measure, said) in enumerate(_PANELS):
            if own:
                corner = _LEFT + right * (_LEFT + _WIDTH), _TOP + below * (_HEIGHT + _GAP)
                parts += _panel(own, axis, measure, said, corner)
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    lines: Sequence[Line], axis: str, measure: str, said: str, corner: tuple[int, int]
) -> Iterable[str]:
    left, top = corner
    across, up = (
        _decades(float(line[axis]) for line in lines),
        _decades(float(line[measure]) for line in lines),
    )

    def place(line: Line) -> tuple[float, float]:
        x = left + _WIDTH * _share(float(line[axis]), across)
        return round(x, 1), round(top + _HEIGHT * (1 - _share(float(line[measure]), up)), 1)

    for exponent in range(across[0], across[1] + 1):
        x = round(left + _WIDTH * _share(10.0**exponent, across), 1)
        yield f'<line x1="{x}" x2="{x}" y1="{top}" y2="{top + _HEIGHT}" stroke="{_PALE}"/>'
        yield f'<text x="{x}" y="{top + _HEIGHT + 14}" text-anchor="middle">{10**exponent:,}</text>'
    for exponent in range(up[0], up[1] + 1):
        y = round(top + _HEIGHT * (1 - _share(10.0**exponent, up)), 1)
        yield f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y}" y2="{y}" stroke="{_PALE}"/>'
        yield f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{10.0**exponent:,.10g}</text>'
    yield f'<text x="{left}" y="{top - 8}">{said}, by {axis}</text>'
    for tool, colour in _COLOURS.items():
        points = [place(line) for line in lines if line["tool"] == tool and line["exit"] == "0"]
        route = " ".join(f"{x},{y}" for x, y in points)
        yield f'<polyline points="{route}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points)


def _decades(values: Iterable[float]) -> tuple[int, int]:
    """Powers of ten that hold all values."""
    known = list(values)
    low = math.floor(math.log10(min(known)) + 1e-9)
    return low, max(low + 1, math.ceil(math.log10(max(known)) - 1e-9))


def _share(value: float, decades: tuple[int, int]) -> float:
    return (math.log10(value) - decades[0]) / (decades[1] - decades[0])


if __name__ == "__main__":
    main()
