"""Figures as plain data: what is drawn, not how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Bars", "Curves", "Dots", "Figure", "Heat", "Histogram", "Scale", "Series", "Spark"]

Scale = Literal["linear", "log"]
"""How values are placed along an axis; a logarithmic one leaves out what is not positive."""


@dataclass(frozen=True)
class Spark:
    """A tiny distribution inside a cell of a table.

    Attributes
    ----------
    values : tuple of float
        Heights, none negative, from left to right.
    text : str
        The same in words, for those who do not see it.
    """

    values: tuple[float, ...]
    text: str


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes
    ----------
    name : str
    x, y : tuple of float
        Of the same length; where one is not finite the curve has a gap.
    low, high : tuple of float
        A band around it, as long as ``y``; empty for none.
    style : {"line", "step", "points", "band"}
        A band alone belongs to the curve before it.
    is_reference : bool
        Whether it is there to be compared with: it is drawn thin and grey.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    style: Literal["line", "step", "points", "band"] = "line"
    is_reference: bool = False

    def __post_init__(self) -> None:
        lengths = {len(self.x), len(self.y), *(len(part) for part in (self.low, self.high) if part)}
        if len(lengths) > 1 or bool(self.low) is not bool(self.high):
            raise ValueError(f"the parts of the curve {self.name!r} are not equally long")


@dataclass(frozen=True)
class Curves:
    """Curves on common axes.

    Attributes
    ----------
    title : str
    text : str
        What can be seen, for those who do not see it.
    x_label, y_label : str
    series : tuple of Series
    x_scale, y_scale : Scale
    """

    title: str
    text: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"


@dataclass(frozen=True)
class _Ranked:
    """Values with names, one below the other.

    Attributes
    ----------
    title, text : str
        As for `Curves`.
    name_label, value_label : str
        What the names are, what the values are.
    names : tuple of str
    values : tuple of float or None
    low, high : tuple of float or None
        Ends of intervals, as many as values; empty for none.
    """

    title: str
    text: str
    name_label: str
    value_label: str
    names: tuple[str, ...]
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.values), *(len(part) for part in (self.low, self.high) if part)}
        if len(lengths) > 1 or bool(self.low) is not bool(self.high):
            raise ValueError(f"the parts of {self.title!r} are not equally long")


@dataclass(frozen=True)
class Bars(_Ranked):
    """Horizontal bars from zero, with intervals where they are known."""


@dataclass(frozen=True)
class Dots(_Ranked):
    """Dots with intervals, where zero means nothing special.

    Attributes
    ----------
    reference : float or None
        Where a vertical line is drawn.
    reference_label : str
    scale : Scale
    """

    reference: float | None = None
    reference_label: str = ""
    scale: Scale = "linear"


@dataclass(frozen=True)
class Heat:
    """A matrix whose cells are the darker the larger their value.

    Attributes
    ----------
    title, text : str
        As for `Curves`.
    row_label, column_label : str
        What the rows are, what the columns are.
    rows, columns : tuple of str
    values : tuple of tuples of float or None
    by_row : bool
        Whether a cell is as dark as its part of the row, not as its part of the largest value.
    """

    title: str
    text: str
    row_label: str
    column_label: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    by_row: bool = False

    def __post_init__(self) -> None:
        if len(self.values) != len(self.rows) or any(len(row) != len(self.columns) for row in self.values):
            raise ValueError(f"the matrix {self.title!r} does not fit its names")


@dataclass(frozen=True)
class Histogram:
    """How often values fall between edges.

    Attributes
    ----------
    title, text : str
        As for `Curves`.
    x_label, y_label : str
    edges : tuple of float
        Ascending; one more than counts.
    counts : tuple of float
    """

    title: str
    text: str
    x_label: str
    y_label: str
    edges: tuple[float, ...]
    counts: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(f"the histogram {self.title!r} needs one edge more than counts")


Figure = Curves | Bars | Dots | Heat | Histogram
"""Anything that is drawn on its own."""
