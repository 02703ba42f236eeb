"""Numbers to float32, moved and scaled first where float32 would blur them together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.state import (
    damaged,
    read_bool,
    read_int,
    read_mapping,
    read_number,
    read_record,
    read_texts,
)
from modelwright.features.transformer import Transformer, pick

__all__ = ["Adjustment", "NumericTransformer"]

LIMIT = 1e30
"""Values beyond this are clipped to it: their squares still fit a float64, and none becomes infinite."""

SAMPLE = 20_000
"""Offset and scale are chosen on at most this many evenly spaced rows."""

EXACT_FLOATS = 2**24
"""Whole numbers up to this are exact in float32."""

CELLS = 4_000_000
"""Columns are worked on in blocks of about this many cells (32 MB of float64)."""

TOLERATED = 1_000
"""One distinct value in so many may be lost: continuous numbers collide by chance and lose nothing."""

NARROW = 1 / 4
"""A column whose spread is below this share of its size gains bits when centred: 24 are not many."""

EXACT_INTEGERS = 2**53
"""Beyond this, float64 itself blurs integers; the offset is then subtracted in 128-bit integers."""

_TYPES: tuple[type[pl.DataType], ...] = (
    pl.Float64,
    pl.Float32,
    pl.Int64,
    pl.Int32,
    pl.Int16,
    pl.Int8,
    pl.UInt64,
    pl.UInt32,
    pl.UInt16,
    pl.UInt8,
    pl.Int128,
    pl.Boolean,
    pl.Decimal,
)
_WIDE: tuple[type[pl.DataType], ...] = (pl.Int64, pl.UInt64, pl.Int128)


@dataclass(frozen=True)
class Adjustment:
    """How one column is moved into float32's range: ``(x - offset) * scale``.

    Attributes
    ----------
    offset : int or float
        A value of the column; a whole number where it must be subtracted exactly (``wide``).
    scale : float
        A power of two, so that scaling itself loses nothing.
    remainder : bool
        Whether a second view column holds what float32 still lost.
    wide : bool
        Whether the column holds integers beyond 2**53.
    """

    offset: int | float = 0.0
    scale: float = 1.0
    remainder: bool = False
    wide: bool = False


@dataclass(frozen=True)
class NumericTransformer(Transformer):
    """Numeric columns as float32 values, NaN where missing, infinite values too.

    Most columns are stored as they are. Where distinct values of the training data would become equal in
    float32 (24 bits of precision: epoch seconds, integers above 2**24, ``1e9 + 0.25``), or the numbers
    are too large or too small for it, the median is subtracted and a power of two multiplied, whichever
    keeps most values apart. Whole numbers that still collide get a second column with the remainder.
    Values beyond 1e30 (after that) are clipped.

    Examples
    --------
    >>> frame = pl.DataFrame({"epoch": [1700000000, 1700000001, 1700000002]})
    >>> transformer = NumericTransformer.fit(frame, ["epoch"])
    >>> out = np.empty((3, 1), np.float32)
    >>> transformer.transform(frame, out)
    >>> out[:, 0].tolist()
    [-1.0, 0.0, 1.0]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    columns: tuple[str, ...]
    adjustments: Mapping[str, Adjustment]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Measure, column by column, what float32 would lose."""
        adjustments: dict[str, Adjustment] = {}
        for names in _blocks(columns, frame.height):
            series = pick(frame, names, _TYPES, "numeric")
            block = _floats(series)
            # A cheap test for whole blocks first: most columns of real tables are exact or unsuspicious.
            with np.errstate(over="ignore"):
                exact = (block.astype(np.float32) == block) | np.isnan(block)
            wide = [isinstance(column.dtype, _WIDE) for column in series]
            limits = np.where(wide, float(EXACT_INTEGERS), LIMIT)
            small = ~(np.abs(block) > limits).any(axis=0)
            for position in np.flatnonzero(~(exact.all(axis=0) & small)).tolist():
                found = _measure(series[position], block[:, position])
                if found != Adjustment():
                    adjustments[names[position]] = found
        return cls(tuple(columns), adjustments)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """One value per column, and a remainder right after it where one is needed."""
        found: list[FeatureInfo] = []
        for name in self.columns:
            found.append(FeatureInfo(name, name, "value"))
            if name in self.adjustments and self.adjustments[name].remainder:
                found.append(FeatureInfo(f"{name}.remainder", name, "remainder"))
        return tuple(found)

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32."""
        start = 0
        for names in _blocks(self.columns, frame.height):
            series = pick(frame, names, _TYPES, "numeric")
            block = _floats(series)
            remainders: list[int] = []
            if self.adjustments:
                for position, name in enumerate(names):
                    adjustment = self.adjustments.get(name)
                    if adjustment is not None:
                        block[:, position] = _adjust(series[position], block[:, position], adjustment)
                        if adjustment.remainder:
                            remainders.append(position)
            with np.errstate(invalid="ignore"):
                np.clip(block, -LIMIT, LIMIT, out=block)
            start = _write(block, remainders, out, start)

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool:
        """Fill ``out``, shape (features,), float32."""
        values = [row[name] for name in self.columns]
        block = np.array([[np.nan if value is None else float(value) for value in values]])
        remainders: list[int] = []
        with np.errstate(over="ignore", invalid="ignore"):
            for position, adjustment in self._adjusted:
                value, offset = values[position], adjustment.offset
                if adjustment.wide and isinstance(value, int):
                    block[0, position] = float(value - int(offset))
                else:
                    block[0, position] = (block[0, position] - float(offset)) * adjustment.scale
                if adjustment.remainder:
                    remainders.append(position)
            np.clip(block, -LIMIT, LIMIT, out=block)
        _write(block, remainders, out[None, :], 0)
        return True

    @cached_property
    def _adjusted(self) -> tuple[tuple[int, Adjustment], ...]:
        """The adjustments there are, by position."""
        known = ((place, self.adjustments.get(name)) for place, name in enumerate(self.columns))
        return tuple((place, found) for place, found in known if found is not None)

    def to_dict(self) -> dict[str, Any]:
        """Names, and the adjustments of the few columns that have one."""
        adjusted = {
            name: {
                "offset": adjustment.offset,
                "scale": adjustment.scale,
                "remainder": adjustment.remainder,
                "wide": adjustment.wide,
            }
            for name, adjustment in self.adjustments.items()
        }
        return {"columns": list(self.columns), "adjustments": adjusted}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        known = set(columns)
        adjustments: dict[str, Adjustment] = {}
        for name, value in read_mapping(record, "adjustments").items():
            if name not in known:
                raise damaged("'adjustments'", "about known columns", name)
            entry = read_record(value, f"'adjustments'[{name!r}]")
            wide = read_bool(entry, "wide")
            bound = 2**64
            offset = read_int(entry, "offset", -bound, bound) if wide else read_number(entry, "offset")
            scale = read_number(entry, "scale")
            if scale <= 0:
                raise damaged("'scale'", "more than zero", scale)
            adjustments[name] = Adjustment(offset, scale, read_bool(entry, "remainder"), wide)
        return cls(columns, adjustments)


def _blocks(columns: Sequence[str], rows: int) -> Iterator[tuple[str, ...]]:
    width = max(1, CELLS // max(1, rows))
    for start in range(0, len(columns), width):
        yield tuple(columns[start : start + width])


def _floats(series: Sequence[pl.Series]) -> NDArray[np.float64]:
    """The columns as a writable float64 block, column by column in memory; NaN for all that is not finite."""
    renamed = [column.alias(str(position)) for position, column in enumerate(series)]
    block: NDArray[np.float64] = pl.DataFrame(renamed).cast(pl.Float64).to_numpy(writable=True)
    infinite = np.isinf(block)
    if infinite.any():
        block[infinite] = np.nan
    return block


def _adjust(column: pl.Series, values: NDArray[np.float64], adjustment: Adjustment) -> NDArray[np.float64]:
    """Values of one column moved and scaled; integers beyond 2**53 are moved before they become floats."""
    if adjustment.wide and isinstance(column.dtype, _WIDE):
        exact = pl.DataFrame([column.alias("x")]).select(
            (pl.col("x").cast(pl.Int128) - pl.lit(int(adjustment.offset), pl.Int128)).cast(pl.Float64)
        )
        shifted: NDArray[np.float64] = exact.to_series().to_numpy()
        return shifted
    with np.errstate(over="ignore"):
        return (values - float(adjustment.offset)) * adjustment.scale


def _measure(column: pl.Series, values: NDArray[np.float64]) -> Adjustment:
    """The simplest adjustment that keeps the distinct values of one column apart."""
    if isinstance(column.dtype, _WIDE) and np.nanmax(np.abs(values), initial=0.0) > EXACT_INTEGERS:
        return _measure_wide(column)
    present = values[~np.isnan(values)]
    ordered = np.sort(present[:: max(1, len(present) // SAMPLE)])
    distinct = _distinct(ordered)
    largest = float(np.abs(ordered).max())
    middle = float(ordered[len(ordered) // 2])
    narrow = float(ordered[-1]) / 2 - float(ordered[0]) / 2 < largest / 2 * NARROW
    best, most = Adjustment(), -1
    for candidate in _candidates(ordered, middle, narrow):
        kept = _distinct(_as_float32(ordered, candidate))
        if kept > most:
            best, most = candidate, kept
        if distinct - kept <= distinct // TOLERATED:
            break
    whole = bool(np.all(ordered == np.rint(ordered)))
    if whole and best.scale == 1.0 and np.abs(present - best.offset).max() > EXACT_FLOATS:
        # Neighbours collide less in a sample: what is lost is counted on all rows.
        everything = np.sort(present)
        distinct = _distinct(everything)
        if distinct - _distinct(_as_float32(everything, best)) > distinct // 100:
            return Adjustment(best.offset, remainder=True)
    return best


def _measure_wide(column: pl.Series) -> Adjustment:
    """Integers beyond 2**53: centred on their median in exact arithmetic."""
    ordered = column.drop_nulls().sort()
    adjustment = Adjustment(int(ordered[len(ordered) // 2]), wide=True)
    shifted = _adjust(ordered, np.empty(0), adjustment)
    distinct = ordered.n_unique()
    lost = distinct - _distinct(shifted.astype(np.float32))
    return Adjustment(adjustment.offset, remainder=lost > distinct // 100, wide=True)


def _candidates(ordered: NDArray[np.float64], middle: float, narrow: bool) -> Iterator[Adjustment]:
    """Adjustments to try, the simplest first."""
    if not narrow:
        yield Adjustment()
    yield Adjustment(middle)
    for offset in (0.0, middle):
        with np.errstate(over="ignore"):
            sizes = np.abs(ordered - offset)
        sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
        if len(sizes):
            # The typical size, not the largest: one corrupt 1e300 must not squash all the others to zero.
            exponent = int(np.frexp(np.median(sizes))[1])
            yield Adjustment(offset, 2.0 ** -min(max(exponent, -1000), 1000))


def _as_float32(ordered: NDArray[np.float64], adjustment: Adjustment) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        moved = (ordered - float(adjustment.offset)) * adjustment.scale
    return np.clip(moved, -LIMIT, LIMIT).astype(np.float32)


def _distinct(ordered: NDArray[Any]) -> int:
    """Distinct values of a sorted array."""
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + min(1, len(ordered))


def _write(block: NDArray[np.float64], remainders: list[int], out: NDArray[Any], start: int) -> int:
    """Write a block, each remainder right after its column; returns where the next block starts."""
    width = int(block.shape[1])
    if not remainders:
        out[:, start : start + width] = block
        return start + width
    after: NDArray[np.int64] = np.zeros(width, np.int64)
    after[remainders] = 1
    places: NDArray[np.int64] = start + np.arange(width) + np.cumsum(after) - after
    out[:, places] = block
    for position in remainders:
        value = out[:, places[position]].astype(np.float64)
        out[:, places[position] + 1] = block[:, position] - value
    return start + width + len(remainders)
