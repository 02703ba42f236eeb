"""What every search for leaks is given, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import Column, FloatArray, IntArray, Label
from modelwright.validation.leak_screening import Sample, as_levels, as_numbers, is_number

__all__ = [
    "MOST_ERRORS",
    "Judged",
    "Suspicion",
    "bits_to_spare",
    "example_rows",
    "level_errors",
    "unexplained",
]

MOST_ERRORS = 0.005
"""Share of the errors of always naming the most frequent level that may be left in what is called exact."""

_ROWS_SEARCHED = 2_000
_MOST_LOOKED_AT = 1_000
_LONGEST_SHOWN = 60
_WORST_ROWS = 0.005
_HUGE = 1e100


@dataclass(frozen=True)
class Judged:
    """The sampled rows of the features of a table, and how well each of them alone predicts the target.

    Attributes
    ----------
    columns : list of Column
        The features, in the order of the schema.
    frame : polars DataFrame
        Their sampled values, in the same order, under harmless names: polars takes a name such as
        ``^a.*$`` for a pattern.
    sample : Sample
        The target of the same rows.
    scores : float64 array, shape (columns,)
        See `modelwright.validation.leak_screening.screen`.
    target : str
        What the target is called in messages.
    classes : tuple of labels
        What the class codes of the sample stand for; empty for values.
    """

    columns: Sequence[Column]
    frame: pl.DataFrame
    sample: Sample
    scores: FloatArray
    target: str
    classes: tuple[Label, ...] = ()

    @property
    def noise(self) -> float:
        """Scores up to this say nothing."""
        return float(max(0.1, 4 / np.sqrt(self.sample.size)))

    @cached_property
    def dtypes(self) -> list[pl.DataType]:
        """Types of the columns (the frame makes a new list each time it is asked)."""
        return self.frame.dtypes

    @cached_property
    def measured(self) -> frozenset[int]:
        """Positions of the columns that are cut by quantiles: numbers, dates and flags."""
        return frozenset(i for i, column in enumerate(self.columns) if is_number(column, self.dtypes[i]))

    @cached_property
    def numeric(self) -> list[int]:
        """Positions of the columns that hold plain numbers (dates are none: nobody adds them up)."""
        return [i for i in sorted(self.measured) if self.dtypes[i].is_numeric()]

    def numbers(self, positions: Sequence[int]) -> FloatArray:
        """Values of some numeric columns, shape (positions, rows), NaN where missing.

        So are values beyond 1e100, whose squares would overflow.
        """
        values = as_numbers(self.frame[:, list(positions)])
        with np.errstate(invalid="ignore"):
            values[np.abs(values) > _HUGE] = np.nan
        return values

    def levels(self, positions: Sequence[int]) -> IntArray:
        """Codes of the values of some columns, shape (positions, rows); see `as_levels`."""
        return as_levels(self.frame[:, list(positions)])

    @cached_property
    def searched(self) -> int:
        """How many of the (shuffled) rows a search looks at before it verifies on all."""
        return min(self.sample.size, _ROWS_SEARCHED)

    def few_valued(self, most_levels: int, most_columns: int) -> tuple[list[int], IntArray]:
        """Columns of 2 to `most_levels` values, the best predictors first, and their codes.

        A few hundred rows are enough to drop columns of many values before all are looked at.
        """
        plain = [i for i, dtype in enumerate(self.dtypes) if not dtype.is_nested()]
        head = self.frame[: min(self.sample.size, 500)]
        kept = []
        for i in sorted(plain, key=lambda i: -float(self.scores[i]))[:_MOST_LOOKED_AT]:
            values = head[:, i]
            if values.dtype.is_temporal() or values.n_unique() > most_levels:
                continue
            kept.append(i)
            if len(kept) == most_columns:
                break
        if not kept:
            return [], np.zeros((0, self.sample.size), dtype=np.int64)
        codes = self.levels(kept)
        widths = codes.max(axis=1) + 1
        fits = (widths >= 2) & (widths <= most_levels + 1)
        return [i for i, fit in zip(kept, fits) if fit], codes[fits]


@dataclass(frozen=True)
class Suspicion:
    """Columns that carry the target, alone or together.

    Attributes
    ----------
    kind : str
        The mechanism: ``"alone"``, ``"bins"``, ``"recoding"``, ``"identity"`` or ``"combination"``.
    members : tuple of int
        Positions of the columns that it takes.
    exclude : tuple of int
        Those to leave out, so that the rest no longer carries the target.
    what : str
        A sentence: what was found.
    why : str
        A sentence: why these columns are the ones left out; empty if it goes without saying.
    evidence : mapping
    """

    kind: str
    members: tuple[int, ...]
    exclude: tuple[int, ...]
    what: str
    why: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def level_errors(given: IntArray, asked: IntArray, half: IntArray) -> tuple[float, float]:
    """Share of rows whose level `asked` is not the most frequent one of their level `given`.

    Learned on one half of the rows, judged on the other, and the other way round; a level that was not
    learned counts as an error.

    Returns
    -------
    (float, float)
        The share, and the share of errors that always naming the most frequent level makes.

    Examples
    --------
    >>> given, half = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> level_errors(given, np.array([3, 3, 0, 0]), half)
    (0.0, 0.5)
    """
    rows, columns = int(given.max()) + 1, int(asked.max()) + 1
    errors = 0
    for learned in (0, 1):
        learn, judge = half == learned, half != learned
        cells = np.bincount(given[learn] * columns + asked[learn], minlength=rows * columns)
        table = cells.reshape(rows, columns)
        guess = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), -1)
        errors += int((guess[given[judge]] != asked[judge]).sum())
    return errors / len(asked), 1 - float(np.bincount(asked).max()) / len(asked)


def bits_to_spare(target: IntArray, cells: int, tried: int) -> float:
    """Bits of the target that a table of cells tells, less the bits that it takes to write the table down.

    Two-part minimum description length (Rissanen, 1978): a rule that was found among many tried rules,
    each free to name a class for every cell, must tell more than its own choice does.

    Parameters
    ----------
    target : int64 array, shape (rows,)
        Class codes.
    cells : int
        Entries of the table.
    tried : int
        How many tables were tried.

    Examples
    --------
    >>> target = np.arange(40) % 2
    >>> round(bits_to_spare(target, cells=8, tried=1000)), round(bits_to_spare(target, cells=30, tried=1000))
    (22, 0)
    """
    sizes = np.bincount(target)
    shares = sizes[sizes > 0] / len(target)
    told = -len(target) * float((shares * np.log2(shares)).sum())
    return told - cells * float(np.log2(max(len(shares), 2))) - float(np.log2(max(tried, 1)))


def unexplained(off: FloatArray, base: FloatArray) -> float:
    """Share of the target's squares that a formula leaves, without the half percent of rows it misses most.

    Real tables hold a few wrong rows: one of them would hide an identity that all others keep.

    Parameters
    ----------
    off : float64 array, shape (rows,)
        By how much the formula misses the target.
    base : float64 array, shape (rows,)
        By how much its mean does.

    Examples
    --------
    >>> off, base = np.zeros(1000), np.tile([-1.0, 1.0], 500)
    >>> off[:4] = 10.0
    >>> unexplained(off, base), round(unexplained(off + 0.1 * base, base), 3)
    (0.0, 0.01)
    """
    kept = np.argsort(np.abs(off), kind="stable")[: len(off) - int(_WORST_ROWS * len(off))]
    total = float(np.square(base[kept]).sum())
    return float(np.square(off[kept]).sum()) / total if total > 0 else 1.0


def example_rows(judged: Judged, positions: Sequence[int], count: int = 3) -> list[dict[str, Any]]:
    """A few sampled rows of some columns and the target, for people to look at."""
    rows = judged.frame[:count, list(positions)].rows()
    names = [judged.columns[i].name for i in positions]
    targets = [
        judged.classes[int(value)] if judged.classes else float(value)
        for value in judged.sample.target[:count]
    ]
    return [
        {**{name: _shown(value) for name, value in zip(names, row)}, judged.target: target}
        for row, target in zip(rows, targets)
    ]


def _shown(value: object) -> object:
    """A value as JSON knows it; long text is cut."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
