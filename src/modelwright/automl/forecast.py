"""What a run is expected to take and to deliver: figures that are not known yet, as ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Forecast", "Range"]


@dataclass(frozen=True)
class Range:
    """A figure that is not known yet.

    Attributes
    ----------
    low, expected, high : float
        In ascending order.
    """

    low: float
    expected: float
    high: float

    @classmethod
    def around(cls, expected: float, factor: float) -> Range:
        """From so many times less to so many times more.

        Examples
        --------
        >>> Range.around(10.0, 2.0)
        Range(low=5.0, expected=10.0, high=20.0)
        """
        return cls(expected / factor, expected, expected * factor)

    def within(self, low: float, high: float) -> Range:
        """The same, cut to what is possible."""
        return Range(*(float(min(max(each, low), high)) for each in (self.low, self.expected, self.high)))

    def holds(self, actual: float) -> bool:
        """Whether a figure lies in the range."""
        return self.low <= actual <= self.high


@dataclass(frozen=True)
class Forecast:
    """What a run is expected to take and to deliver.

    Attributes
    ----------
    seconds : Range
        Wall time of the whole call.
    memory_bytes : Range
        Peak memory of the driver and its workers together.
    model_bytes : Range
        Size of the bundle.
    row_seconds : Range
        Wall time of predicting one row with the loaded model.
    rows_per_second : Range
        Rows of a batch of a thousand.
    trials, fits : Range
        Trials that begin, and fits that end.
    notes : tuple of str
        What the user should know of it: what is a guess, what the limit is too short for.
    """

    seconds: Range
    memory_bytes: Range
    model_bytes: Range
    row_seconds: Range
    rows_per_second: Range
    trials: Range
    fits: Range
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {**asdict(self), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Forecast:
        """Inverse of `to_dict`."""
        ranges = {name: Range(**record[name]) for name in cls.__dataclass_fields__ if name != "notes"}
        return cls(**ranges, notes=tuple(record.get("notes", ())))
