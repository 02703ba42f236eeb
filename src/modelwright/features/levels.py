"""Tables over the levels of all categorical columns, laid end to end in one flat array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import SchemaMismatch, View
from modelwright.features.state import damaged, read_array

__all__ = ["KnownLevels", "LevelTable", "count_levels", "fold_codes", "select_rows"]

MAX_TABLE = 2**31 - 1
"""No table of levels is longer than int32 can address."""

MANY_LEVELS = 10
"""In a column with more levels than this, levels seen once are as good as unseen."""


@dataclass(frozen=True, eq=False)
class LevelTable:
    """One value for each level of each categorical column.

    Attributes
    ----------
    cardinalities : int64 array, shape (columns,)
        Number of codes of each column, code 0 included.
    values : array, shape (sum of cardinalities,)
        Column after column, code after code.

    Examples
    --------
    >>> table = LevelTable(np.array([2, 3]), np.array([10, 11, 20, 21, 22]))
    >>> table.look_up(np.array([[1, 2], [0, 9]], np.int32)).tolist()
    [[11, 22], [10, 20]]
    """

    cardinalities: NDArray[np.int64]
    values: NDArray[Any]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each column begins in `values`."""
        return np.cumsum(self.cardinalities) - self.cardinalities

    def look_up(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """The value of every code, shape (rows, columns); a code out of range counts as 0.

        Raises
        ------
        SchemaMismatch
            If the codes have another number of columns.
        """
        if codes.shape[1] != len(self.cardinalities):
            raise SchemaMismatch(
                f"Expected {len(self.cardinalities)} categorical columns, but got {codes.shape[1]}. "
                f"Make the view with the featurizer of the same model."
            )
        valid = np.where((codes >= 0) & (codes < self.cardinalities), codes, 0)
        found: NDArray[Any] = self.values.take(valid + self.starts, axis=0)
        return found

    def columns(self) -> list[NDArray[Any]]:
        """The values of each column, as views of the flat array."""
        return [
            self.values[start : start + size]
            for start, size in zip(self.starts.tolist(), self.cardinalities.tolist(), strict=True)
        ]

    @classmethod
    def from_columns(cls, columns: Sequence[NDArray[Any]], dtype: type[np.generic]) -> LevelTable:
        """The table of columns given one by one."""
        sizes = np.array([len(column) for column in columns], np.int64)
        flat = np.concatenate(columns) if columns else np.empty(0)
        return cls(sizes, flat.astype(dtype))

    @classmethod
    def read(cls, arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[np.generic]) -> LevelTable:
        """The table stored as ``cardinalities`` and ``name``; raises `BundleError` for anything else."""
        sizes = read_array(arrays, "cardinalities", np.int64, low=1, high=MAX_TABLE)
        total = sum(sizes.tolist())
        if total > MAX_TABLE:
            raise damaged("'cardinalities'", f"at most {MAX_TABLE} in sum", total)
        return cls(sizes, read_array(arrays, name, dtype, total))

    @classmethod
    def read_places(cls, arrays: Mapping[str, NDArray[Any]], name: str, first: int, width: int) -> LevelTable:
        """A table of output columns: each is -1 (none) or in ``[first, width)``.

        The bounds matter: a sparse matrix with an index outside of them is undefined behaviour in C.
        """
        table = cls.read(arrays, name, np.int64)
        places = table.values
        if np.any((places != -1) & ((places < first) | (places >= width))):
            raise damaged(repr(name), f"-1 or from {first} to {width - 1}", places)
        if width > first + len(places):
            raise damaged("the width", f"at most {first + len(places)}", width)
        return table


def select_rows(block: NDArray[Any], rows: NDArray[np.integer] | slice | None) -> NDArray[Any]:
    """Rows of a block, or the block itself."""
    return block if rows is None else block[rows]


def count_levels(view: View, rows: NDArray[np.integer] | slice | None) -> list[NDArray[np.int64]]:
    """Rows with each code, column by column; in columns of many levels, one row is as good as none.

    The codes of a view leave out levels that occur once in the whole table. A level that occurs once in
    the given rows and has a code all the same is one that comes again in the other rows: to tell it from
    those that do not would be to know the other rows. So in a column of more than 10 levels such a row
    counts as code 0.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo((), (FeatureInfo("plan", "plan", "codes", 3),))
    >>> view = View(np.zeros((3, 0), np.float32), np.array([[1], [1], [2]], np.int32), info)
    >>> count_levels(view, np.array([0, 1]))[0].tolist()
    [0, 2, 0]
    """
    codes = select_rows(view.categorical, rows)
    counts: list[NDArray[np.int64]] = []
    for position, size in enumerate(view.info.cardinalities):
        column = codes[:, position]
        valid = np.where((column >= 0) & (column < size), column, 0)
        found = np.bincount(valid, minlength=size).astype(np.int64)
        if size - 1 > MANY_LEVELS:
            once = np.flatnonzero(found[1:] == 1) + 1
            found[once] = 0
            found[0] += len(once)
        counts.append(found)
    return counts


@dataclass(frozen=True, eq=False)
class KnownLevels:
    """Which levels occur in the training rows of a fold; all others become code 0, as unseen ones are.

    In a column of more than 10 levels, a level must occur twice (see `count_levels`).

    The codes of a view are made from the whole table. A learner that is fitted on some of its rows must
    not know levels that only the other rows have: its out-of-fold score would not be honest, and under
    temporal validation it would know the future. Apply this before fitting and before predicting.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo((), (FeatureInfo("plan", "plan", "codes", 4),))
    >>> view = View(np.zeros((3, 0), np.float32), np.array([[1], [3], [2]], np.int32), info)
    >>> known = KnownLevels.fit(view, np.array([0, 1]))
    >>> known.apply(view.categorical)[:, 0].tolist()
    [1, 3, 0]
    """

    table: LevelTable

    @classmethod
    def fit(cls, view: View, rows: NDArray[np.integer] | slice | None, *, min_count: int = 1) -> KnownLevels:
        """Find the levels with at least ``min_count`` training rows; ``None`` means all rows."""
        masks = [counts >= min_count for counts in count_levels(view, rows)]
        for mask in masks:
            mask[0] = True
        return cls(LevelTable.from_columns(masks, np.bool_))

    @property
    def masks(self) -> tuple[NDArray[np.bool_], ...]:
        """For each column, whether each code is known; code 0 always is."""
        return tuple(self.table.columns())

    @cached_property
    def everything(self) -> bool:
        """Whether every level is known, so that `apply` changes nothing."""
        return bool(self.table.values.all())

    def apply(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """The codes, shape (rows, columns), with unknown levels and codes out of range replaced by 0."""
        inside = (codes >= 0) & (codes < self.table.cardinalities)
        if self.everything and codes.shape[1] == len(self.table.cardinalities):
            return np.where(inside, codes, 0).astype(np.int32, copy=False)
        return np.where(self.table.look_up(codes) & inside, codes, 0).astype(np.int32, copy=False)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        return {"cardinalities": self.table.cardinalities, "known": self.table.values}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> KnownLevels:
        """Inverse of `arrays`; raises `BundleError` for anything else."""
        return cls(LevelTable.read(arrays, "known", np.bool_))


def fold_codes(view: View, train_rows: NDArray[np.integer] | slice | None) -> tuple[NDArray[np.bool_], ...]:
    """For each categorical column, whether each code occurs in the training rows (code 0 always counts)."""
    return KnownLevels.fit(view, train_rows).masks
