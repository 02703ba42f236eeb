"""The encoder of linear models and their like: scaled numbers and one-hot categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, OptionError, View, ViewInfo
from modelwright.features.levels import LevelTable, count_levels, select_rows
from modelwright.features.scaling import NumericScaler
from modelwright.features.state import damaged, read_array

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["DenseEncoder"]

WIDE = 256
"""From this width on the result may be sparse."""

SPARSE_GAIN = 6
"""A sparse product costs about this many times a dense one per stored value."""

MAX_WIDTH = 2**31 - 1


@dataclass(frozen=True, eq=False)
class DenseEncoder:
    """Numbers imputed and standardised, categories one-hot, fitted on the training rows of one fold.

    Numeric columns: see `NumericScaler`. A level gets a column of its own if it is among the
    ``max_levels`` most frequent of its column and has at least ``min_count`` training rows; the other
    levels that occur share the column "other". Missing, unseen and levels absent from the training rows
    are all zeros: a linear model with an intercept still tells them apart. With ``one_hot=False`` a
    category is the standardised logarithm of its number of training rows.

    Attributes
    ----------
    scaler : NumericScaler
        The numeric part.
    targets : LevelTable
        The one-hot column of each level, -1 for none.
    frequencies : LevelTable
        Without one-hot, the value of each level.
    width : int
        Columns of the result: values, indicators, then categories.
    sparse : bool
        Whether `transform` gives a sparse matrix.

    Examples
    --------
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"),), (FeatureInfo("plan", "plan", "codes", 3),))
    >>> view = View(np.array([[1], [3], [np.nan]], np.float32), np.array([[1], [2], [0]], np.int32), info)
    >>> encoder = DenseEncoder.fit(view, np.array([0, 1]), min_count=1)
    >>> encoder.transform(view).tolist()
    [[-1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]
    >>> [feature.name for feature in encoder.columns(info)]
    ['age', 'plan=1', 'plan=2']
    """

    scaler: NumericScaler
    targets: LevelTable
    frequencies: LevelTable
    width: int
    sparse: bool

    @classmethod
    def fit(
        cls,
        view: View,
        rows: NDArray[np.integer] | slice | None = None,
        *,
        max_levels: int = 100,
        min_count: int | None = None,
        scale: bool | Literal["normal"] = True,
        one_hot: bool = True,
        max_width: int = 20_000,
    ) -> DenseEncoder:
        """Learn medians, quantiles and levels from the training rows only.

        Parameters
        ----------
        view : View
            The whole table.
        rows : int array or slice, optional
            The training rows; all by default.
        max_levels : int, default 100
            One-hot columns of one categorical column, "other" not counted.
        min_count : int, optional
            Training rows that a level needs for a column of its own; by default 1 up to 1,000 training
            rows, else 5.
        scale : bool or "normal", default True
            Whether numbers are standardised and clipped. A skewed column (beyond ±1) is given out twice:
            standardised, and as normal score by its quantiles; with "normal" as the score only, which suits
            learners that measure distances.
        one_hot : bool, default True
            Whether categories are one-hot.
        max_width : int, default 20000
            Columns of the result. Numbers come first (fewest missing first), then indicators, then
            levels by their number of rows, over all columns. Without one-hot every category keeps its
            column, whatever the limit.

        Raises
        ------
        OptionError
            If a limit is less than 1.
        """
        for name, limit in (("max_levels", max_levels), ("max_width", max_width), ("min_count", min_count)):
            if limit is not None and limit < 1:
                raise OptionError(f"{name} must be 1 or more, but is {limit!r}.")
        reserved = 0 if one_hot else min(len(view.info.categorical), max_width - 1)
        scaler = NumericScaler.fit(view.numeric, rows, scale=scale, max_columns=max_width - reserved)
        counts = count_levels(view, rows)
        if one_hot:
            training = len(np.arange(view.rows)[slice(None) if rows is None else rows])
            needed = min_count if min_count is not None else (1 if training <= 1_000 else 5)
            targets, width = _one_hot(counts, scaler.outputs, max_width, max_levels, needed)
            frequencies = LevelTable.from_columns([], np.float64)
        else:
            frequencies = LevelTable.from_columns([_frequency(each) for each in counts], np.float64)
            targets = LevelTable.from_columns([], np.int64)
            width = scaler.outputs + len(counts)
        filled = scaler.outputs + len(counts)
        sparse = one_hot and width >= WIDE and width >= SPARSE_GAIN * filled
        return cls(scaler, targets, frequencies, width, sparse)

    def transform(
        self,
        view: View,
        rows: NDArray[np.integer] | slice | None = None,
        *,
        dtype: type[np.floating] = np.float32,
    ) -> NDArray[Any] | csr_matrix:
        """The encoded rows.

        Parameters
        ----------
        view : View
            Of the same featurizer as in `fit`.
        rows : int array or slice, optional
            Which rows; all by default.
        dtype : numpy float type, default float32

        Returns
        -------
        array or scipy.sparse.csr_matrix, shape (rows, width)
            A CSR matrix where `sparse`; nothing in it is NaN or infinite.

        Raises
        ------
        SchemaMismatch
            If the view has other columns.
        """
        numeric, codes = select_rows(view.numeric, rows), select_rows(view.categorical, rows)
        count, first = numeric.shape[0], self.scaler.outputs
        dense = np.zeros((count, first if self.sparse else self.width), dtype)
        self.scaler.write(numeric, dense)
        if len(self.frequencies.cardinalities):
            dense[:, first:] = self.frequencies.look_up(codes)
            return dense
        places = self.targets.look_up(codes)
        filled = places >= 0
        if not self.sparse:
            dense[np.nonzero(filled)[0], places[filled]] = 1
            return dense
        return _stack(dense, places, filled, self.width)

    def columns(self, info: ViewInfo) -> tuple[FeatureInfo, ...]:
        """Name and source of each column of the result; levels are named by their codes."""
        names = self.scaler.columns(info.numeric)
        if len(self.frequencies.cardinalities):
            frequent = (FeatureInfo(f"{each.name}#", each.source, "frequency") for each in info.categorical)
            return (*names, *frequent)
        found: list[FeatureInfo] = []
        for feature, places in zip(info.categorical, self.targets.columns(), strict=True):
            used, counts = np.unique(places[places >= 0], return_counts=True)
            for place, levels in zip(used.tolist(), counts.tolist(), strict=True):
                level = str(int(np.flatnonzero(places == place)[0])) if levels == 1 else "other"
                found.append(FeatureInfo(f"{feature.name}={level}", feature.source, "level"))
        return (*names, *found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        one_hot = len(self.frequencies.cardinalities) == 0
        table = self.targets if one_hot else self.frequencies
        return {
            **self.scaler.arrays(),
            "settings": np.array([self.width, int(self.sparse), int(one_hot)], np.int64),
            "cardinalities": table.cardinalities,
            ("targets" if one_hot else "frequencies"): table.values,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DenseEncoder:
        """Inverse of `arrays`; raises `BundleError` for anything else."""
        scaler = NumericScaler.from_arrays(arrays)
        width, sparse, one_hot = read_array(arrays, "settings", np.int64, 3, 0, MAX_WIDTH).tolist()
        targets = LevelTable.from_columns([], np.int64)
        frequencies = LevelTable.from_columns([], np.float64)
        if one_hot:
            targets = LevelTable.read_places(arrays, "targets", scaler.outputs, width)
        else:
            frequencies = LevelTable.read(arrays, "frequencies", np.float64)
            exact = scaler.outputs + len(frequencies.cardinalities)
            if width != exact or sparse:
                raise damaged("the width without one-hot", f"{exact}, not sparse", width)
        return cls(scaler, targets, frequencies, width, bool(sparse))


def _one_hot(
    counts: list[NDArray[np.int64]], first: int, max_width: int, max_levels: int, min_count: int
) -> tuple[LevelTable, int]:
    """The output column of each level (-1: none), and the width of the whole result."""
    own: list[tuple[int, int, int]] = []
    for column, rows in enumerate(counts):
        levels = np.flatnonzero(rows[1:] >= min_count) + 1
        frequent = levels[np.argsort(-rows[levels], kind="stable")][:max_levels]
        own += [(-int(rows[level]), column, int(level)) for level in frequent]
    # Room for one "other" in each column that may need it, then levels by frequency over all columns.
    room = max(0, max_width - first - len(counts))
    chosen: list[list[int]] = [[] for _ in counts]
    for _, column, level in sorted(own)[:room]:
        chosen[column].append(level)
    place, targets = first, []
    for column, rows in enumerate(counts):
        places = np.full(len(rows), -1, np.int64)
        levels = np.sort(np.array(chosen[column], np.int64))
        places[levels] = place + np.arange(len(levels))
        place += len(levels)
        rest = (rows > 0) & (places < 0)
        rest[0] = False
        if rest.any() and place < max_width:
            places[rest] = place
            place += 1
        targets.append(places)
    return LevelTable.from_columns(targets, np.int64), place


def _frequency(rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Standardised log of the number of rows of each level; code 0 and absent levels count as no rows."""
    seen = rows.astype(np.float64)
    seen[0] = 0.0
    value = np.log1p(seen)
    total = max(1.0, float(rows.sum()))
    mean = float((value * rows).sum() / total)
    deviation = float(np.sqrt(((value - mean) ** 2 * rows).sum() / total))
    return np.clip((value - mean) / (deviation if deviation > 1e-6 else 1.0), -10.0, 10.0)


def _stack(
    dense: NDArray[Any], places: NDArray[np.int64], filled: NDArray[np.bool_], width: int
) -> csr_matrix:
    """One CSR matrix of dense numbers on the left and one-hot categories on the right."""
    from scipy.sparse import csr_matrix, hstack

    count, first = dense.shape
    ends = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    ones = np.ones(int(ends[-1]), dense.dtype)
    levels = csr_matrix((ones, places[filled] - first, ends), shape=(count, width - first))
    return csr_matrix(hstack([csr_matrix(dense), levels], format="csr", dtype=dense.dtype))
