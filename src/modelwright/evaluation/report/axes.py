"""Axes: from values to places on a drawing, with round numbers as ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from modelwright.evaluation.report.figures import Scale
from modelwright.evaluation.report.numbers import tick_labels

__all__ = ["Axis", "axis_over", "nice_ticks"]

_LARGEST, _LEAST = 1e300, 1e-300


@dataclass(frozen=True)
class Axis:
    """A range of values along a range of places.

    Attributes
    ----------
    low, high : float
        Values at the ends, low < high; positive on a logarithmic axis.
    start, end : float
        Places of the ends; from below to above ``start > end``.
    scale : Scale
    """

    low: float
    high: float
    start: float
    end: float
    scale: Scale = "linear"

    def holds(self, value: float | None) -> bool:
        """Whether a value has a place: it is finite, and positive on a logarithmic axis."""
        return value is not None and math.isfinite(value) and (self.scale == "linear" or value > 0)

    def place(self, value: float) -> float:
        """Where a value stands; what lies beyond an end stands there.

        Examples
        --------
        >>> Axis(1.0, 100.0, 0.0, 50.0, "log").place(10.0), Axis(0.0, 1.0, 0.0, 50.0).place(2.0)
        (25.0, 50.0)
        """
        inside = min(max(value, self.low), self.high)
        if self.scale == "log":
            low, high, at = (math.log(each) for each in (self.low, self.high, inside))
        else:
            low, high, at = self.low / 2, self.high / 2, inside / 2  # a difference of halves is finite
        return self.start + (self.end - self.start) * ((at - low) / (high - low))

    def ticks(self, most: int = 6) -> tuple[float, ...]:
        """Round values inside the range."""
        finder = _log_ticks if self.scale == "log" else nice_ticks
        return finder(self.low, self.high, most)

    def labels(self, ticks: Iterable[float]) -> tuple[str, ...]:
        """Texts of ticks."""
        if self.scale == "log":
            return tuple(tick_labels([tick])[0] for tick in ticks)
        return tick_labels(list(ticks))


def axis_over(
    values: Iterable[float | None],
    start: float,
    end: float,
    *,
    scale: Scale = "linear",
    zero: bool = False,
    margin: float = 0.0,
) -> Axis:
    """An axis that holds values.

    Parameters
    ----------
    values : iterable of float or None
        Those that are not finite, or not positive on a logarithmic axis, count for nothing.
    start, end : float
        Places of its ends.
    scale : Scale
    zero : bool, default False
        Whether it reaches to zero (on a linear axis).
    margin : float, default 0
        Part of the range that is added at both ends.

    Examples
    --------
    >>> axis_over([2.0, None, 8.0], 0, 100, zero=True)
    Axis(low=0.0, high=8.0, start=0, end=100, scale='linear')
    >>> axis_over([], 0, 100)
    Axis(low=0.0, high=1.0, start=0, end=100, scale='linear')
    """
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    if scale == "log":
        known = [value for value in known if _LEAST <= value <= _LARGEST]
        low, high = (min(known), max(known)) if known else (1.0, 10.0)
        if low >= high / 1.000001:
            low, high = low / 2, high * 2
        room = (high / low) ** margin
        return Axis(max(low / room, _LEAST / 4), min(high * room, 4 * _LARGEST), start, end, scale)
    known = [min(max(value, -_LARGEST), _LARGEST) for value in known]
    if zero:
        known.append(0.0)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    least = max(abs(low), abs(high)) * 1e-9
    if high - low <= least:
        half = max(abs(low) / 10, least, 1e-12) if low else 0.5
        low, high = low - half, high + half
    room = margin * (high / 2 - low / 2) * 2
    low -= 0 if zero and low == 0 else room
    high += 0 if zero and high == 0 else room
    return Axis(low, high, start, end)


def nice_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten between two values.

    Examples
    --------
    >>> nice_ticks(0.0, 1.0), nice_ticks(3.0, 47.0, 5)
    ((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), (10.0, 20.0, 30.0, 40.0))
    """
    raw = high / most - low / most
    if not raw > 0:
        return (low,)
    power = math.floor(math.log10(raw))
    step = next(part * 10.0**power for part in (1, 2, 5, 10) if part * 10.0**power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    digits = max(0, -power)
    ticks = [number * step for number in range(first, min(last, first + 2 * most) + 1)]
    return tuple(dict.fromkeys(round(tick, digits) if digits < 15 else tick for tick in ticks))


def _log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Powers of ten, or where there are too few also twice and five times as much."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    count = last - first + 1
    if count >= 3:
        return tuple(10.0**power for power in range(first, last + 1, -(-count // most)))
    parts = [part * 10.0**power for power in range(first - 1, last + 1) for part in (1, 2, 5)]
    inside = tuple(each for each in parts if low * (1 - 1e-9) <= each <= high * (1 + 1e-9))
    return inside if len(inside) >= 2 else nice_ticks(low, high, most)
