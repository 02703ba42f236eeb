"""The encoder of forests: no missing values, few levels one-hot, many levels ordered by frequency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, OptionError, SchemaMismatch, View, ViewInfo
from modelwright.features.levels import LevelTable, count_levels, select_rows
from modelwright.features.state import read_array

__all__ = ["TreeEncoder"]

MAX_WIDTH = 2**31 - 1


@dataclass(frozen=True, eq=False)
class TreeEncoder:
    """What ExtraTrees and random forests take: a float32 block without missing values.

    Numbers: missing ones become the median of the training rows (or a value below all of them), and
    columns that have some may get an indicator. Categories with at most ``one_hot_levels`` levels in the
    training rows are one-hot; others are one column of codes ordered by frequency, rare ones next to 0,
    which stands for missing, unseen and absent from the training rows.

    Attributes
    ----------
    fill : float32 array, shape (numeric columns,)
        What replaces a missing value.
    indicated : int64 array
        Numeric columns with a missing indicator.
    places : LevelTable
        First output column of each categorical column's level: the one-hot column, or the column of codes;
        -1 for none.
    values : LevelTable
        What stands there: 1 for one-hot, else the code.
    width : int
        Columns of the result: values, indicators, then categories.

    Examples
    --------
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"),), (FeatureInfo("plan", "plan", "codes", 3),))
    >>> view = View(np.array([[1], [np.nan]], np.float32), np.array([[1], [2]], np.int32), info)
    >>> TreeEncoder.fit(view).transform(view).tolist()
    [[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]]
    """

    fill: NDArray[np.float32]
    indicated: NDArray[np.int64]
    places: LevelTable
    values: LevelTable
    width: int

    @classmethod
    def fit(
        cls,
        view: View,
        rows: NDArray[np.integer] | slice | None = None,
        *,
        one_hot_levels: int = 10,
        impute: Literal["median", "below"] = "median",
        indicators: bool = True,
    ) -> TreeEncoder:
        """Learn from the training rows only.

        Parameters
        ----------
        view : View
            The whole table.
        rows : int array or slice, optional
            The training rows; all by default.
        one_hot_levels : int, default 10
            Columns with at most so many levels are one-hot; 0 for none.
        impute : {"median", "below"}, default "median"
            What replaces missing numbers: the median, or a value a tenth of the range below the minimum.
        indicators : bool, default True
            Whether columns with missing training values get an indicator.

        Raises
        ------
        OptionError
            If ``impute`` is neither.
        """
        if impute not in ("median", "below"):
            raise OptionError(f"impute must be 'median' or 'below', but is {impute!r}.")
        block = select_rows(view.numeric, rows)
        fill, missing = _fill_values(block, below=impute == "below")
        partly = np.flatnonzero((missing > 0) & (missing < len(block))).astype(np.int64)
        indicated = partly if indicators else partly[:0]
        width = block.shape[1] + len(indicated)
        places: list[NDArray[np.int64]] = []
        values: list[NDArray[np.float64]] = []
        for counts in count_levels(view, rows):
            known = np.flatnonzero(counts[1:]) + 1
            place, value = np.full(len(counts), -1, np.int64), np.zeros(len(counts))
            if len(known) <= one_hot_levels:
                place[known], value[known] = width + np.arange(len(known)), 1.0
                width += len(known)
            else:
                place[known], width = width, width + 1
                value[known[np.argsort(counts[known], kind="stable")]] = np.arange(1, len(known) + 1)
            places.append(place)
            values.append(value)
        tables = LevelTable.from_columns(places, np.int64), LevelTable.from_columns(values, np.float64)
        return cls(fill, indicated, *tables, width)

    def transform(self, view: View, rows: NDArray[np.integer] | slice | None = None) -> NDArray[np.float32]:
        """The encoded rows, float32, C order, shape (rows, width); nothing in it is NaN or infinite.

        Raises
        ------
        SchemaMismatch
            If the view has other columns.
        """
        block, codes = select_rows(view.numeric, rows), select_rows(view.categorical, rows)
        if block.shape[1] != len(self.fill):
            raise SchemaMismatch(
                f"Expected {len(self.fill)} numeric columns, but got {block.shape[1]}. "
                f"Make the view with the featurizer of the same model."
            )
        out = np.zeros((block.shape[0], self.width), np.float32)
        numbers = out[:, : block.shape[1]]
        holes = np.isnan(block)
        np.copyto(numbers, block)
        np.copyto(numbers, self.fill, where=holes)
        first = block.shape[1]
        out[:, first : first + len(self.indicated)] = holes[:, self.indicated]
        places, values = self.places.look_up(codes), self.values.look_up(codes)
        filled = places >= 0
        out[np.nonzero(filled)[0], places[filled]] = values[filled]
        return out

    def columns(self, info: ViewInfo) -> tuple[FeatureInfo, ...]:
        """Name and source of each column of the result; levels are named by their codes."""
        missing = [info.numeric[position] for position in self.indicated]
        found = [*info.numeric, *(FeatureInfo(f"{each.name}?", each.source, "missing") for each in missing)]
        for feature, places in zip(info.categorical, self.places.columns(), strict=True):
            used = np.unique(places[places >= 0])
            if len(used) == 1 and np.count_nonzero(places >= 0) > 1:
                found.append(FeatureInfo(feature.name, feature.source, "frequency_codes"))
            else:
                levels = (int(np.flatnonzero(places == place)[0]) for place in used)
                found += [FeatureInfo(f"{feature.name}={level}", feature.source, "level") for level in levels]
        return tuple(found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        return {
            "fill": self.fill,
            "indicated": self.indicated,
            "cardinalities": self.places.cardinalities,
            "places": self.places.values,
            "values": self.values.values,
            "settings": np.array([self.width], np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TreeEncoder:
        """Inverse of `arrays`; raises `BundleError` for anything else."""
        fill = read_array(arrays, "fill", np.float32)
        indicated = read_array(arrays, "indicated", np.int64, None, 0, len(fill) - 1)
        low = len(fill) + len(indicated)
        width = int(read_array(arrays, "settings", np.int64, 1, low, MAX_WIDTH)[0])
        return cls(
            fill=fill,
            indicated=indicated,
            places=LevelTable.read_places(arrays, "places", low, width),
            values=LevelTable.read(arrays, "values", np.float64),
            width=width,
        )


def _fill_values(block: NDArray[np.float32], *, below: bool) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """What replaces a missing value of each column, and how many are missing."""
    rows, width = block.shape
    missing = np.isnan(block).sum(axis=0).astype(np.int64)
    if rows == 0:
        return np.zeros(width, np.float32), missing
    fill = np.zeros(width, np.float32)
    # Column by column where something is missing, all others need no value: they get their first quickly.
    for position in range(width):
        column = block[:, position]
        present = column[~np.isnan(column)] if missing[position] else column
        if not len(present):
            continue
        if below:
            low, high = float(present.min()), float(present.max())
            fill[position] = low - max((high - low) / 10, abs(low) * 1e-3, 1e-3)
        else:
            fill[position] = np.partition(present, (len(present) - 1) // 2)[(len(present) - 1) // 2]
    return fill, missing
