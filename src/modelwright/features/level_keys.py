"""Levels of columns, and of pairs of columns, as dense codes: keys to group and to encode by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, View, ViewInfo
from modelwright.features.state import damaged, read_array

__all__ = ["MAX_KEYS", "MAX_NUMBERS", "LevelColumn", "LevelKeys"]

MAX_KEYS = 200
"""Keys that a state may hold."""

MAX_NUMBERS = 64
"""Distinct values of a numeric column that may serve as levels."""

_LEAST_ROWS = 2
"""Training rows that a level of a key needs to be known."""


@dataclass(frozen=True, eq=False)
class LevelColumn:
    """A column whose values are levels: a category, or a number of few distinct values.

    Attributes
    ----------
    position : int
        Column of the categorical block; of the numeric block where there are values.
    levels : int
        Codes of the column, the code 0 for anything else included.
    values : float32 array
        The ascending values of a number; empty for a category.

    Examples
    --------
    >>> view = View(np.array([[4.0], [2.0], [9.0]], np.float32), np.zeros((3, 0), np.int32), ViewInfo((), ()))
    >>> LevelColumn.number(0, np.array([2.0, 4.0], np.float32)).codes(view).tolist()
    [2, 1, 0]
    """

    position: int
    levels: int
    values: NDArray[np.float32]

    @classmethod
    def category(cls, position: int, levels: int) -> LevelColumn:
        """A column of the categorical block."""
        return cls(position, levels, np.empty(0, np.float32))

    @classmethod
    def number(cls, position: int, values: NDArray[np.float32]) -> LevelColumn:
        """A column of the numeric block whose values are these, in ascending order."""
        return cls(position, len(values) + 1, values)

    def codes(self, view: View) -> NDArray[np.int64]:
        """The code of each row; 0 for missing and for levels that there are not."""
        if not len(self.values):
            column = view.categorical[:, self.position]
            return np.where((column >= 0) & (column < self.levels), column, 0).astype(np.int64)
        numbers = np.asarray(view.numeric[:, self.position])
        places = np.minimum(np.searchsorted(self.values, numbers), len(self.values) - 1)
        return np.where(self.values[places] == numbers, places + 1, 0).astype(np.int64)

    def info(self, info: ViewInfo) -> FeatureInfo:
        """The column in its view."""
        return (info.numeric if len(self.values) else info.categorical)[self.position]


@dataclass(frozen=True, eq=False)
class LevelKeys:
    """Keys of one column or of two, with a code for each level that several training rows have.

    Attributes
    ----------
    columns : tuple of LevelColumn
    pairs : int64 array, shape (keys, 2)
        Positions in `columns`; the second one is -1 for a key of one column.
    known : tuple of int64 arrays
        For each key the ascending numbers of its known levels; level ``i`` has the code ``i + 1``.

    Examples
    --------
    >>> info = ViewInfo((), (FeatureInfo("a", "a", "codes", 3), FeatureInfo("b", "b", "codes", 3)))
    >>> codes = np.array([[1, 2], [1, 2], [2, 1], [2, 1], [1, 1]], np.int32)
    >>> view = View(np.zeros((5, 0), np.float32), codes, info)
    >>> columns = (LevelColumn.category(0, 3), LevelColumn.category(1, 3))
    >>> keys = LevelKeys.fit(view, columns, np.array([[0, -1], [0, 1]]))
    >>> keys.codes(view).tolist()
    [[1, 1], [1, 1], [2, 2], [2, 2], [1, 0]]
    """

    columns: tuple[LevelColumn, ...]
    pairs: NDArray[np.int64]
    known: tuple[NDArray[np.int64], ...]

    @classmethod
    def fit(cls, view: View, columns: Sequence[LevelColumn], pairs: NDArray[np.integer]) -> LevelKeys:
        """Find the levels of the keys that stand in two rows of a view, or more."""
        pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
        keys = cls(tuple(columns), pairs, tuple(np.empty(0, np.int64) for _ in pairs))
        known: list[NDArray[np.int64]] = []
        for numbers in keys._numbers(view):
            found, counts = np.unique(numbers, return_counts=True)
            known.append(found[counts >= _LEAST_ROWS])
        return cls(keys.columns, pairs, tuple(known))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes of each key, the code 0 for anything unknown included."""
        return tuple(len(levels) + 1 for levels in self.known)

    def codes(self, view: View) -> NDArray[np.int32]:
        """The code of each row and key, shape (rows, keys)."""
        codes = np.zeros((view.rows, len(self.pairs)), np.int32)
        for position, (numbers, levels) in enumerate(zip(self._numbers(view), self.known, strict=True)):
            if len(levels):
                places = np.minimum(np.searchsorted(levels, numbers), len(levels) - 1)
                codes[:, position] = np.where(levels[places] == numbers, places + 1, 0)
        return codes

    def _numbers(self, view: View) -> Any:
        """Key by key, a number for the level of each row."""
        used = {int(place) for place in self.pairs.ravel() if place >= 0}
        codes = {place: self.columns[place].codes(view) for place in used}
        for first, second in self.pairs.tolist():
            yield codes[first] if second < 0 else codes[first] * self.columns[second].levels + codes[second]

    def infos(self, info: ViewInfo) -> tuple[FeatureInfo, ...]:
        """Each key as a categorical column."""
        found: list[FeatureInfo] = []
        for (first, second), size in zip(self.pairs.tolist(), self.sizes, strict=True):
            parts = [self.columns[place].info(info) for place in (first, second) if place >= 0]
            name, source = (
                " x ".join(texts) for texts in zip(*((p.name, p.source) for p in parts), strict=True)
            )
            found.append(FeatureInfo(name, source, "level", size))
        return tuple(found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        return {
            "column_positions": np.array([column.position for column in self.columns], np.int64),
            "column_levels": np.array([column.levels for column in self.columns], np.int64),
            "column_values": np.array([len(column.values) for column in self.columns], np.int64),
            "values": np.concatenate([np.empty(0, np.float32), *(c.values for c in self.columns)]),
            "keys": self.pairs.ravel(),
            "key_sizes": np.array([len(levels) for levels in self.known], np.int64),
            "key_levels": np.concatenate([np.empty(0, np.int64), *self.known]),
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], numeric: int, cardinalities: Sequence[int]
    ) -> LevelKeys:
        """Inverse of `arrays`, for views of so many numbers and of such categories.

        Raises
        ------
        BundleError
            If the arrays are anything else.
        """
        positions = read_array(arrays, "column_positions", np.int64, low=0)
        count = len(positions)
        levels = read_array(arrays, "column_levels", np.int64, count, 1, 2**31 - 1)
        lengths = read_array(arrays, "column_values", np.int64, count, 0, MAX_NUMBERS)
        values = read_array(arrays, "values", np.float32, int(lengths.sum()))
        columns: list[LevelColumn] = []
        for position, size, own in zip(positions, levels, _split(values, lengths), strict=True):
            of_number = len(own) > 0 and position < numeric and size == len(own) + 1
            of_number = of_number and bool((own[1:] > own[:-1]).all())
            of_category = not len(own) and position < len(cardinalities) and size == cardinalities[position]
            if not of_number and not of_category:
                raise damaged("'column_positions'", "columns of the view with their levels", int(position))
            columns.append(LevelColumn(int(position), int(size), own))
        pairs = read_array(arrays, "keys", np.int64, low=-1, high=count - 1)
        if len(pairs) % 2 or len(pairs) > 2 * MAX_KEYS or (pairs[::2] < 0).any():
            raise damaged("'keys'", "one column or two for each key", f"{len(pairs)} numbers")
        sizes = read_array(arrays, "key_sizes", np.int64, len(pairs) // 2, 0, 2**31 - 1)
        flat = read_array(arrays, "key_levels", np.int64, sum(sizes.tolist()), 0)
        known = _split(flat, sizes)
        if not all((each[1:] > each[:-1]).all() for each in known):
            raise damaged("'key_levels'", "ascending within a key", "numbers in another order")
        return cls(tuple(columns), pairs.reshape(-1, 2), tuple(known))


def _split(flat: NDArray[Any], lengths: NDArray[np.int64]) -> list[NDArray[Any]]:
    return [flat[end - size : end] for end, size in zip(np.cumsum(lengths), lengths, strict=True)]
