"""How often intervals and sets of labels held the truth, overall and in each part of the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray

__all__ = ["CoverageRow", "coverage_rows", "wilson_interval"]

_Z = 1.959963984540054
_MOST_PARTS = 50


@dataclass(frozen=True)
class CoverageRow:
    """The coverage of some rows.

    Attributes
    ----------
    part : str
        What the rows have in common; empty for all rows.
    rows : int
    covered : float
        Share of the rows whose truth was inside.
    low, high : float
        95% interval of that share (Wilson, 1927).
    size : float
        Mean width of the intervals, or mean number of labels in the sets.
    """

    part: str
    rows: int
    covered: float
    low: float
    high: float
    size: float

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return dict(vars(self))


def wilson_interval(successes: float, rows: float) -> tuple[float, float]:
    """95% interval of a share (Wilson, "Probable inference, the law of succession", 1927).

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson_interval(9, 10)]
    [0.596, 0.982]
    >>> wilson_interval(0, 0)
    (0.0, 1.0)
    """
    if rows <= 0:
        return 0.0, 1.0
    share, square = successes / rows, _Z * _Z / rows
    middle = (share + square / 2) / (1 + square)
    reach = _Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows)) / (1 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def coverage_rows(
    inside: NDArray[np.bool_], sizes: FloatArray, parts: Sequence[str] | None = None
) -> tuple[CoverageRow, ...]:
    """Coverage of all rows, then of each part, the largest parts first (50 at most).

    Parameters
    ----------
    inside : bool array, shape (rows,)
    sizes : float64 array, shape (rows,)
        Widths, or numbers of labels.
    parts : sequence of str, optional
        The part that each row belongs to.

    Examples
    --------
    >>> inside, sizes = np.array([True, True, False, True]), np.array([1.0, 1.0, 2.0, 2.0])
    >>> [(row.part, row.covered, row.size) for row in coverage_rows(inside, sizes, ["a", "a", "b", "b"])]
    [('', 0.75, 1.5), ('a', 1.0, 1.0), ('b', 0.5, 2.0)]
    """
    found = [_row("", inside, sizes)]
    if parts is not None:
        names, codes, counts = np.unique(
            np.asarray(parts, dtype=object).astype(str), return_inverse=True, return_counts=True
        )
        order = np.argsort(-counts, kind="stable")[:_MOST_PARTS]
        found += [_row(str(names[code]), inside[codes == code], sizes[codes == code]) for code in order]
    return tuple(found)


def _row(part: str, inside: NDArray[np.bool_], sizes: FloatArray) -> CoverageRow:
    rows, covered = len(inside), float(inside.sum())
    low, high = wilson_interval(covered, rows)
    share = covered / rows if rows else float("nan")
    return CoverageRow(part, rows, share, low, high, float(sizes.mean()) if rows else float("nan"))
