"""A plot of ratios on a logarithmic axis, as SVG that needs no library to make or to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

__all__ = ["ratio_plot"]

_LEFT, _WIDTH, _STEP, _TOP = 130, 520, 26, 46
_TICKS = (0.5, 0.7, 0.9, 1.0, 1.1, 1.4, 2.0)
_INK, _PALE, _GOOD, _BAD = "#333333", "#cccccc", "#1f77b4", "#d62728"


def ratio_plot(ratios: Mapping[str, Mapping[str, float]], title: str) -> str:
    """A line for each system with a dot for each data set and a bar at the geometric mean.

    Parameters
    ----------
    ratios : mapping of str to mapping of str to float
        System to data set to ratio, within [.5, 2].
    title : str

    Examples
    --------
    >>> "<svg" in ratio_plot({"other": {"iris": 0.9}}, "Ratios")
    True
    """
    height = _TOP + _STEP * len(ratios) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 30} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" fill="#ffffff"/><text x="{_LEFT}" y="20">{escape(title)}</text>',
    ]
    for tick in _TICKS:
        x = _across(tick)
        colour = _INK if tick == 1.0 else _PALE
        parts.append(f'<line x1="{x}" x2="{x}" y1="{_TOP - 12}" y2="{height - 30}" stroke="{colour}"/>')
        parts.append(f'<text x="{x}" y="{height - 12}" text-anchor="middle">{tick:g}</text>')
    for number, (system, values) in enumerate(ratios.items()):
        y = _TOP + _STEP * number + 4
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(system)}</text>')
        for name, ratio in sorted(values.items()):
            colour = _GOOD if ratio <= 1 else _BAD
            parts.append(
                f'<circle cx="{_across(ratio)}" cy="{y}" r="3.5" fill="{colour}" fill-opacity="0.6">'
                f"<title>{escape(name)}: {ratio:.3f}</title></circle>"
            )
        if values:
            mean = math.exp(sum(math.log(ratio) for ratio in values.values()) / len(values))
            x = _across(mean)
            parts.append(
                f'<line x1="{x}" x2="{x}" y1="{y - 9}" y2="{y + 9}" stroke="{_INK}" stroke-width="3"/>'
            )
    return "\n".join([*parts, "</svg>", ""])


def _across(ratio: float) -> float:
    return round(_LEFT + _WIDTH * (math.log(ratio) - math.log(0.5)) / (math.log(2.0) - math.log(0.5)), 1)
