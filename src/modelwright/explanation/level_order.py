"""Levels of a category side by side: an order by the likeness of their rows in the other columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from modelwright.core import FloatArray, IntArray
from modelwright.explanation.predictor import as_numbers

__all__ = ["order_levels"]

_BINS = 10
_MOST_COLUMNS = 50
_MOST_OTHERS = 20


def order_levels(frame: pl.DataFrame, column: str, levels: Sequence[str]) -> list[str]:
    """Levels in an order in which neighbours have rows that are alike, as Apley and Zhu (2020) put them.

    The distance of two levels is that of their distributions, summed over the other columns: the area between
    distribution functions for numbers (the largest gap, which they take, is the same for all levels that do
    not overlap), total variation for categories. The order is that of the first axis of classical scaling
    (Torgerson, 1952).

    Parameters
    ----------
    frame : polars.DataFrame
        Typed rows; the first 50 other columns count.
    column : str
    levels : sequence of str
        To be ordered.

    Examples
    --------
    >>> frame = pl.DataFrame({"size": ["S", "L", "M"] * 4, "weight": [1.0, 9.0, 5.0] * 4})
    >>> order_levels(frame, "size", ["S", "L", "M"])
    ['S', 'M', 'L']
    """
    others = [name for name in frame.columns if name != column][:_MOST_COLUMNS]
    if len(levels) < 3 or not others:
        return list(levels)
    place = {level: at for at, level in enumerate(levels)}
    own = np.array([place.get(level, -1) for level in frame[column].to_list()], dtype=np.int64)
    distances = np.zeros((len(levels), len(levels)))
    for name in others:
        binned, is_ordered = _binned(frame[name])
        shares = _shares(own, binned, len(levels))
        parts = np.cumsum(shares, axis=1) if is_ordered else shares
        apart = np.abs(parts[:, None, :] - parts[None, :, :])
        distances += apart.mean(axis=2) if is_ordered else apart.sum(axis=2) / 2
    squared = distances**2
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1, keepdims=True) + squared.mean()
    axis = np.linalg.eigh(-centred / 2)[1][:, -1]
    if axis[0] > np.median(axis):  # the sign of an axis is arbitrary: the first level is to come early
        axis = -axis
    return [levels[at] for at in np.argsort(np.round(axis, 9), kind="stable").tolist()]


def _binned(series: pl.Series) -> tuple[IntArray, bool]:
    """Each row's bin of a column, and whether bins have an order; missing is a bin of its own."""
    dtype = series.dtype
    if dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean:
        values = as_numbers(series)
        present = np.isfinite(values)
        if not present.any():
            return np.zeros(len(values), dtype=np.int64), True
        edges = np.unique(np.quantile(values[present], np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins = np.searchsorted(edges, values, side="left").astype(np.int64)
        return np.where(present, bins, len(edges) + 1), True
    if dtype != pl.String:
        return np.zeros(len(series), dtype=np.int64), False
    counts: dict[str | None, int] = {}
    levels = series.to_list()
    for level in levels:
        counts[level] = counts.get(level, 0) + 1
    frequent = sorted(counts, key=lambda level: (-counts[level], str(level)))[:_MOST_OTHERS]
    code = {level: at for at, level in enumerate(frequent)}
    return np.array([code.get(level, len(code)) for level in levels], dtype=np.int64), False


def _shares(own: IntArray, binned: IntArray, levels: int) -> FloatArray:
    """The share of each bin in the rows of each level, shape (levels, bins)."""
    width = int(binned.max()) + 1
    known = own >= 0
    counts = np.bincount(own[known] * width + binned[known], minlength=levels * width)
    table = counts.reshape(levels, width).astype(np.float64)
    shares: FloatArray = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    return shares
