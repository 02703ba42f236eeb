"""From a view to what a neural network reads: scaled numbers, flags, and rows of an embedding table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, IntArray, SchemaMismatch, View
from modelwright.features import KnownLevels

__all__ = ["NeuralColumns", "NeuralRows"]

MOST_ONE_HOT = 9
"""Columns of more levels are embedded (the value of RealMLP)."""

MOST_EMBEDDED = 10_000
"""Levels of one column that get an embedding: the most frequent ones; others count as missing."""

_CLIP = 3.0
"""Scaled values are bent smoothly so that they stay within plus and minus this."""

_SAMPLE = 200_000
"""Quantiles are taken from at most so many evenly spaced training rows."""

_CHUNK = 65_536
"""Rows scaled at once."""

_ARRAYS = {
    "kept": np.int64,
    "center": np.float64,
    "factor": np.float64,
    "indicated": np.int64,
    "places": np.int64,
    "embedded": np.bool_,
    "sizes": np.int64,
}


@dataclass(frozen=True)
class NeuralRows:
    """Rows as a network reads them.

    Attributes
    ----------
    numbers : float32 array, shape (rows, numbers)
        Between -3 and 3.
    flags : float32 array, shape (rows, flags)
        0 or 1: whether a number is missing, whether a category has a level.
    codes : int64 array, shape (rows, embedded columns)
        Rows of the embedding table.
    """

    numbers: NDArray[np.float32]
    flags: NDArray[np.float32]
    codes: IntArray

    @property
    def size_bytes(self) -> int:
        """Bytes of the three."""
        return self.numbers.nbytes + self.flags.nbytes + self.codes.nbytes


@dataclass(frozen=True, eq=False)
class NeuralColumns:
    """How rows of a view become rows of a network's input; fitted on the training rows of a fold.

    A number is centred by its median, divided by its interquartile range (where that is 0, by half its
    whole range) and bent smoothly, ``z / sqrt(1 + (z / 3)**2)``, so that an outlier moves little; missing
    is the median, with a flag beside it. A category of up to 9 levels is one-hot; a row of the
    embedding table stands for each level of a larger one, and its first row for what is missing.

    Source: Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", 2024.

    Attributes
    ----------
    width : int
        Columns of the numeric block.
    kept : int64 array, shape (numbers,)
        Those that vary.
    center, factor : float64 arrays, shape (numbers,)
        ``(value - center) * factor``.
    indicated : int64 array, shape (indicators,)
        Columns whose missing values get a flag.
    levels : KnownLevels
        Codes that the training rows hold; others count as missing.
    places : int64 array, shape (sum of cardinalities,)
        For every code of a one-hot column the flag that it sets, or -1; of an embedded column, its row
        of the embedding table.
    embedded : bool array, shape (categorical columns,)
    sizes : int64 array, shape (2,)
        Flags, and rows of the embedding table.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"),), (FeatureInfo("plan", "plan", "codes", 3),))
    >>> view = View(np.array([[0], [4], [np.nan]], np.float32), np.array([[1], [2], [0]], np.int32), info)
    >>> rows = NeuralColumns.fit(view, np.arange(3)).encode(view)
    >>> rows.numbers.astype(float).round(3).tolist(), rows.flags.tolist()
    ([[-0.949], [0.949], [0.0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    """

    width: int
    kept: IntArray
    center: NDArray[np.float64]
    factor: NDArray[np.float64]
    indicated: IntArray
    levels: KnownLevels
    places: IntArray
    embedded: NDArray[np.bool_]
    sizes: IntArray

    @classmethod
    def fit(cls, view: View, rows: IntArray) -> NeuralColumns:
        """Learn from the training rows.

        Parameters
        ----------
        view : View
            The whole table.
        rows : int64 array
            The training rows.
        """
        some = rows[:: max(1, -(-len(rows) // _SAMPLE))]
        kept, indicated, centers, factors = [], [], [], []
        for column in range(view.numeric.shape[1]):
            values = view.numeric[some, column].astype(np.float64)
            values = values[~np.isnan(values)]
            if 0 < len(values) < len(some):
                indicated.append(column)
            if not len(values):
                continue
            low, first, middle, third, high = np.quantile(values, (0.0, 0.25, 0.5, 0.75, 1.0)).tolist()
            spread = third - first or 0.5 * (high - low)
            # a spread that underflows would make factors that are no numbers
            if spread > 1e-30:
                kept.append(column)
                centers.append(middle)
                factors.append(1.0 / spread)
        levels = KnownLevels.fit(view, rows)
        places, embedded, sizes = _places(view, rows, levels, len(indicated))
        return cls(
            width=int(view.numeric.shape[1]),
            kept=np.array(kept, np.int64),
            center=np.array(centers, np.float64),
            factor=np.array(factors, np.float64),
            indicated=np.array(indicated, np.int64),
            levels=levels,
            places=places,
            embedded=embedded,
            sizes=sizes,
        )

    @property
    def numbers(self) -> int:
        """Columns of numbers."""
        return len(self.kept)

    @property
    def flags(self) -> int:
        """Columns of flags."""
        return int(self.sizes[0])

    @property
    def table_rows(self) -> int:
        """Rows of the embedding table."""
        return int(self.sizes[1])

    @property
    def codes(self) -> int:
        """Columns that are embedded."""
        return int(self.embedded.sum())

    def encode(self, view: View, rows: IntArray | None = None) -> NeuralRows:
        """The rows of a view, all by default.

        Raises
        ------
        SchemaMismatch
            If the view has other columns.
        """
        if view.numeric.shape[1] != self.width:
            raise SchemaMismatch(
                f"Expected {self.width} numeric columns, but got {view.numeric.shape[1]}. "
                "Make the view with the featurizer of the same model."
            )
        chosen = np.arange(view.rows) if rows is None else rows
        numbers = np.empty((len(chosen), self.numbers), np.float32)
        flags = np.zeros((len(chosen), self.flags), np.float32)
        codes = np.empty((len(chosen), self.codes), np.int64)
        starts = self.levels.table.starts
        for start in range(0, max(1, len(chosen)), _CHUNK):
            part = slice(start, start + _CHUNK)
            block = view.numeric[chosen[part]]
            scaled = (block[:, self.kept] - self.center) * self.factor
            bent = scaled / np.sqrt(1.0 + (scaled / _CLIP) ** 2)
            numbers[part] = np.where(np.isnan(bent), 0.0, bent)
            flags[part, : len(self.indicated)] = np.isnan(block[:, self.indicated])
            places = self.places[self.levels.apply(view.categorical[chosen[part]]) + starts]
            codes[part] = places[:, self.embedded]
            places = places[:, ~self.embedded]
            row, column = np.nonzero(places >= 0)
            flags[part][row, places[row, column]] = 1.0
        return NeuralRows(numbers, flags, codes)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an npz file."""
        return {
            "width": np.array([self.width], np.int64),
            **{name: getattr(self, name) for name in _ARRAYS},
            **self.levels.arrays(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> NeuralColumns:
        """Inverse of `arrays`.

        Raises
        ------
        BundleError
            If they are anything else.
        """
        levels = KnownLevels.from_arrays(arrays)
        for name, kind in {"width": np.int64, **_ARRAYS}.items():
            array = arrays.get(name)
            _require(array is not None and array.dtype == kind and array.ndim == 1, f"lacks {name!r}")
        _require(len(arrays["width"]) == 1 and len(arrays["sizes"]) == 2, "does not say how wide it is")
        columns = cls(
            width=int(arrays["width"][0]), levels=levels, **{name: arrays[name] for name in _ARRAYS}
        )
        _require(not (complaint := columns._complaint()), complaint)
        return columns

    def _complaint(self) -> str:
        """What is wrong with a state that was read, or nothing."""
        flags, table = self.sizes.tolist()
        if not 0 <= self.width < 2**31 or not 0 <= flags < 2**31 or not 0 <= table < 2**31:
            return "does not say how wide it is"
        if any(((each < 0) | (each >= self.width)).any() for each in (self.kept, self.indicated)):
            return "names columns that do not exist"
        if len(self.center) != len(self.kept) or len(self.factor) != len(self.kept):
            return "does not say how each number is scaled"
        if not np.isfinite(self.center).all() or not np.isfinite(self.factor).all():
            return "holds scales that are no numbers"
        sizes = self.levels.table.cardinalities
        if len(self.embedded) != len(sizes) or len(self.places) != len(self.levels.table.values):
            return "does not fit its levels"
        embedded = np.repeat(self.embedded, sizes)
        if len(self.indicated) > flags or flags > len(self.indicated) + int((~embedded).sum()):
            return "holds another number of flags than it says"
        if table > int(embedded.sum()):
            return "holds more embeddings than levels"
        rows, places = self.places[embedded], self.places[~embedded]
        inside = ((rows >= 0) & (rows < table)).all()
        if not inside or ((places != -1) & ((places < len(self.indicated)) | (places >= flags))).any():
            return "names flags or embeddings that do not exist"
        return ""


def _places(
    view: View, rows: IntArray, levels: KnownLevels, first: int
) -> tuple[IntArray, NDArray[np.bool_], IntArray]:
    """For each code a flag, none or a row of the embedding table; which columns are embedded; both sizes."""
    flag, row = first, 0
    places: list[IntArray] = []
    embedded: list[bool] = []
    for column, mask in enumerate(levels.masks):
        known = np.flatnonzero(mask[1:]) + 1
        embedded.append(len(known) > MOST_ONE_HOT)
        if not embedded[-1]:
            place = np.full(len(mask), -1, np.int64)
            place[known] = flag + np.arange(len(known))
            flag += len(known)
        else:
            if len(known) > MOST_EMBEDDED:
                seen = np.bincount(view.categorical[rows, column], minlength=len(mask))
                known = np.sort(known[np.argsort(-seen[known], kind="stable")][:MOST_EMBEDDED])
            place = np.full(len(mask), row, np.int64)
            place[known] = row + 1 + np.arange(len(known))
            row += 1 + len(known)
        places.append(place)
    flat = np.concatenate([np.zeros(0, np.int64), *places])
    return flat, np.array(embedded, np.bool_), np.array([flag, row], np.int64)


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise BundleError(
            f"A network's record of its columns {complaint}: copy the model again, or train it again."
        )
