"""How scores are written for people."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.cli.text import number

__all__ = ["between", "compact_interval", "with_interval"]


def between(interval: Sequence[float | None] | None) -> str:
    """The two ends of an interval, or nothing where it is not known.

    Examples
    --------
    >>> between([0.8, 0.9]), between([None, None]), between(None)
    ('0.8000 to 0.9000', '', '')
    """
    if interval is None or len(interval) != 2 or None in interval:
        return ""
    return f"{number(interval[0])} to {number(interval[1])}"


def compact_interval(interval: Sequence[float | None] | None) -> str:
    """The two ends of an interval where there is little room.

    Examples
    --------
    >>> compact_interval([0.8612, 0.9071]), compact_interval([-12.51, 3.0]), compact_interval(None)
    ('0.861-0.907', '-12.5 to 3.00', '')
    """
    if interval is None or len(interval) != 2 or interval[0] is None or interval[1] is None:
        return ""
    # A dash between signs would be read as one of them.
    dash = "-" if interval[0] >= 0 and interval[1] >= 0 else " to "
    return f"{number(interval[0], 3)}{dash}{number(interval[1], 3)}"


def with_interval(score: float | None, interval: Sequence[float | None] | None) -> str:
    """A score and its 95% interval.

    Examples
    --------
    >>> with_interval(0.85, [0.8, 0.9])
    '0.8500 (95% interval 0.8000 to 0.9000)'
    """
    ends = between(interval)
    return f"{number(score)} (95% interval {ends})" if ends else number(score)
