"""How well each column alone predicts the target, for thousands of columns at once.

Own code, because one pass over all columns is what makes the guard affordable: 10,000 columns by a
learner each would take minutes. Columns are cut into levels (quantiles of numbers, values of
categories), the target is averaged by level on one half of the rows and judged on the other, so that a
column of many levels, such as an id, gains nothing by remembering rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Column, FloatArray, IntArray, Kind, generator

__all__ = [
    "SAMPLE_ROWS",
    "Sample",
    "as_levels",
    "as_numbers",
    "concordance",
    "draw_sample",
    "is_number",
    "screen",
]

SAMPLE_ROWS = 20_000
_MOST_BINS = 64
_SMOOTHING = 5.0
"""Rows of the overall mean that are added to each level."""

_NEARLY_ALL = 0.9
_BLOCK_CELLS = 2_000_000
_MOST_CLASSES = 30
"""One against the rest is done for the most frequent classes only."""


@dataclass(frozen=True)
class Sample:
    """The rows that the guard looks at.

    Attributes
    ----------
    rows : int64 array, shape (sampled,)
        Row indices, shuffled.
    target : array, shape (sampled,)
        Class codes (0.. without gaps) or values.
    half : int64 array, shape (sampled,)
        0 or 1; each class is halved evenly.
    classes : int
        Number of classes; 0 for regression.
    """

    rows: IntArray
    target: NDArray[Any]
    half: IntArray
    classes: int

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.rows)


def draw_sample(target: NDArray[Any], is_classification: bool, seed: int, most: int = SAMPLE_ROWS) -> Sample:
    """At most so many rows; rare classes keep more of theirs, so that they can be judged at all.

    Examples
    --------
    >>> sample = draw_sample(np.array([0] * 40_000 + [1] * 50), True, seed=0)
    >>> np.bincount(sample.target).tolist()
    [19950, 50]
    """
    random = generator(seed, "leaks")
    shuffled = random.permutation(len(target)).astype(np.int64)
    if not is_classification:
        rows = shuffled[:most]
        return Sample(rows, np.asarray(target[rows], dtype=np.float64), np.arange(len(rows)) % 2, 0)
    codes = np.unique(target, return_inverse=True)[1]
    sizes = np.bincount(codes)
    ordered = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(ordered)) - starts[codes[ordered]]
    kept = place < _quota(sizes, most)
    rows, place = ordered[kept], place[kept]
    mixed = random.permutation(len(rows))
    return Sample(rows[mixed], codes[rows[mixed]].astype(np.int64), place[mixed] % 2, len(sizes))


def _quota(sizes: IntArray, left: int) -> int:
    """Rows that each class may keep so that all classes together keep the sample's size."""
    ascending = np.sort(sizes)
    for number, size in enumerate(ascending):
        share = left // (len(ascending) - number)
        if size > share:
            return max(int(share), 1)
        left -= int(size)
    return int(ascending[-1])


def is_number(column: Column, dtype: pl.DataType) -> bool:
    """Whether a column is cut by quantiles; otherwise each value is a level."""
    ordered = dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean
    return ordered and column.kind is not Kind.CATEGORICAL


def as_numbers(frame: pl.DataFrame) -> FloatArray:
    """Numbers, dates and flags as floats, shape (columns, rows), with NaN where missing or infinite."""
    casts = [  # by position: a name like ^a.*$ is a pattern to polars
        (pl.nth(i).cast(pl.Int64) if dtype.is_temporal() else pl.nth(i)).cast(pl.Float64)
        for i, dtype in enumerate(frame.dtypes)
    ]
    matrix = np.array(frame.select(casts).to_numpy().T, dtype=np.float64, order="C")
    matrix[~np.isfinite(matrix)] = np.nan
    return matrix


def as_levels(frame: pl.DataFrame) -> IntArray:
    """Codes of the values in each column, shape (columns, rows); a missing value is one of them.

    Values that occur once share code 0: nothing can be learned of them.

    Examples
    --------
    >>> codes = as_levels(pl.DataFrame({"x": ["b", "a", "b", None, "c", None]}))[0]
    >>> bool(codes[0] == codes[2] > 0), bool(codes[3] == codes[5] > 0), codes[1], codes[4]
    (True, True, np.int64(0), np.int64(0))
    """
    hashes = np.ascontiguousarray(frame.select(pl.all().hash(seed=0)).to_numpy().T)
    runs = _runs(hashes)
    often = runs.last > runs.first
    starts = often & (runs.first == np.arange(hashes.shape[1]))
    codes = np.empty(hashes.shape, dtype=np.int64)
    np.put_along_axis(codes, runs.order, np.where(often, np.cumsum(starts, axis=1), 0), axis=1)
    return codes


@dataclass(frozen=True)
class _Runs:
    """The order of each row of a matrix, and where each run of equal values begins and ends in it."""

    order: IntArray
    first: IntArray
    last: IntArray


def _runs(matrix: NDArray[Any]) -> _Runs:
    size = matrix.shape[1]
    order = np.argsort(matrix, axis=1)  # NaN comes last
    ordered = np.take_along_axis(matrix, order, axis=1)
    new = np.ones(matrix.shape, dtype=np.bool_)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    if matrix.dtype.kind == "f":
        new[:, 1:] &= ~np.isnan(ordered[:, :-1])
    place = np.arange(size)
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    ends = np.ones(matrix.shape, dtype=np.bool_)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, size)[:, ::-1], axis=1)[:, ::-1]
    return _Runs(order, first, last)


def screen(frame: pl.DataFrame, columns: list[Column], sample: Sample) -> FloatArray:
    """The score of each column alone, in [0, 1].

    It is twice the concordance minus 1: how much more often than not the column puts two rows in the order
    of their targets. For classes that is the normalised Gini (2 AUC - 1), mean of one class against the
    rest. For values it is Kendall's tau, found from the rank correlation (or from the R2 of target ranks
    that level means reach) as in `concordance`.

    Parameters
    ----------
    frame : polars DataFrame
        Sampled rows of the columns to judge. Names are not looked at, but must not read as patterns.
    columns : list of Column
        What they are, in the same order.
    sample : Sample

    Returns
    -------
    float64 array, shape (columns,)
    """
    scores = np.zeros(len(columns))
    for block in _blocks(frame, columns, sample.size):
        judged = _classes_by_level(block, sample) if sample.classes else _values_by_level(block, sample)
        if block.ranks is not None:
            order = (
                _classes_by_rank(block.ranks, sample) if sample.classes else _values_by_rank(block, sample)
            )
            judged = np.maximum(judged, order)
        scores[block.columns] = judged
    scores = np.clip(np.nan_to_num(scores), 0.0, 1.0)
    return scores if sample.classes else concordance(scores)


def concordance(correlations: FloatArray) -> FloatArray:
    """Kendall's tau of normal variables that have these rank correlations (Kruskal, 1958).

    Exact for normal dependence, close for others, and much cheaper than counting pairs.

    Examples
    --------
    >>> concordance(np.array([0.0, 0.9, 0.99, 1.0])).round(3).tolist()
    [0.0, 0.725, 0.914, 1.0]
    """
    normal = np.clip(2 * np.sin(np.pi * correlations / 6), -1.0, 1.0)
    return np.asarray(2 / np.pi * np.arcsin(normal))


@dataclass(frozen=True)
class _Block:
    """Columns that are judged together; arrays have a row for each column.

    ``codes`` lie in [0, width); numbers also have their ranks and where they are known.
    """

    columns: list[int]
    codes: IntArray
    width: int
    ranks: FloatArray | None = None
    known: NDArray[np.bool_] | None = None


def _blocks(frame: pl.DataFrame, columns: list[Column], rows: int) -> Iterator[_Block]:
    kinds = frame.dtypes  # asked of the frame once: it makes a new list each time
    numbers, levels = [], []
    for i, column in enumerate(columns):
        if is_number(column, kinds[i]):
            numbers.append(i)
        elif not kinds[i].is_nested():
            levels.append(i)
    step = max(1, _BLOCK_CELLS // max(rows, 1))
    for start in range(0, len(numbers), step):
        chosen = numbers[start : start + step]
        yield _number_block(chosen, as_numbers(frame[:, chosen]))
    for start in range(0, len(levels), step):
        chosen = levels[start : start + step]
        yield from _level_blocks(chosen, as_levels(frame[:, chosen]))


def _level_blocks(columns: list[int], codes: IntArray) -> Iterator[_Block]:
    """Columns with about as many levels are judged together: tables are as wide as the widest."""
    widths = codes.max(axis=1) + 1
    order = np.argsort(-widths, kind="stable")
    while len(order):
        widest = int(widths[order[0]])
        part, order = np.split(order, [max(1, _BLOCK_CELLS // widest)])
        yield _Block([columns[i] for i in part], codes[part], widest)


def _number_block(columns: list[int], matrix: FloatArray) -> _Block:
    rows = matrix.shape[1]
    known = ~np.isnan(matrix)
    runs = _runs(matrix)
    bins = int(np.clip(rows // 16, 4, _MOST_BINS))
    counted = np.maximum(known.sum(axis=1, keepdims=True), 1)
    cut = np.where(np.arange(rows) < counted, runs.first * bins // counted, bins)
    codes, ranks = np.empty(matrix.shape, dtype=np.int64), np.empty(matrix.shape)
    np.put_along_axis(codes, runs.order, cut, axis=1)
    np.put_along_axis(ranks, runs.order, (runs.first + runs.last) / 2, axis=1)
    return _Block(columns, codes, bins + 1, ranks, known)


def _cells(block: _Block, sample: Sample) -> IntArray:
    """The number of each value's (half, column, level) cell, shape (columns, rows)."""
    count = len(block.columns)
    return (sample.half * count + np.arange(count)[:, None]) * block.width + block.codes


def _judged_classes(sample: Sample) -> list[int]:
    if sample.classes == 2:
        return [1]
    frequent = np.argsort(-np.bincount(sample.target), kind="stable")
    return [int(code) for code in frequent[:_MOST_CLASSES]]


def _classes_by_level(block: _Block, sample: Sample) -> FloatArray:
    cells = _cells(block, sample)
    shape = (2, len(block.columns), block.width)
    total = np.bincount(cells.ravel(), minlength=np.prod(shape)).reshape(shape).astype(np.float64)
    ginis = []
    for code in _judged_classes(sample):
        mine = sample.target == code
        hits = np.bincount(cells[:, mine].ravel(), minlength=np.prod(shape)).reshape(shape).astype(np.float64)
        learned = (hits[::-1] + _SMOOTHING * mine.mean()) / (total[::-1] + _SMOOTHING)
        ginis.append(2 * _area_by_level(learned, hits, total - hits).mean(axis=0) - 1)
    return np.asarray(np.mean(ginis, axis=0))


def _area_by_level(learned: FloatArray, hits: FloatArray, misses: FloatArray) -> FloatArray:
    """ROC AUC of levels ordered by a learned score, along the last axis.

    Levels with equal scores share their credit: the mean over an order and its reverse gives exactly
    what sharing gives, without looking for ties.
    """
    areas = []
    for step in (1, -1):
        order = np.argsort(learned[..., ::step], axis=-1, kind="stable")
        hit = np.take_along_axis(hits[..., ::step], order, axis=-1)
        miss = np.take_along_axis(misses[..., ::step], order, axis=-1)
        below = np.cumsum(miss, axis=-1) - miss / 2
        pairs = np.maximum(hit.sum(axis=-1) * miss.sum(axis=-1), 1.0)
        areas.append((hit * below).sum(axis=-1) / pairs)
    return np.asarray((areas[0] + areas[1]) / 2)


def _classes_by_rank(ranks: FloatArray, sample: Sample) -> FloatArray:
    """Gini of the numbers' own order: a class's mean rank against that of the rest."""
    members = np.array([sample.target == code for code in _judged_classes(sample)], dtype=np.float64)
    inside = members.sum(axis=1, keepdims=True)
    outside = np.maximum(sample.size - inside, 1.0)
    sums = members @ ranks.T
    mean_inside = sums / inside
    mean_outside = (ranks.sum(axis=1) - sums) / outside
    return np.asarray(np.abs(2 * (mean_inside - mean_outside) / sample.size).mean(axis=0))


def _target_ranks(sample: Sample) -> FloatArray:
    """Ranks of the target (ties share their mean), with mean 0 and variance 1."""
    _, inverse, counts = np.unique(sample.target, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    ranks = middle[inverse]
    spread = float(ranks.std())
    return np.asarray((ranks - ranks.mean()) / (spread if spread > 0 else 1.0))


def _values_by_level(block: _Block, sample: Sample) -> FloatArray:
    ranks = _target_ranks(sample)
    cells = _cells(block, sample).ravel()
    shape = (2, len(block.columns), block.width)
    total = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
    repeated = np.tile(ranks, len(block.columns))
    sums = np.bincount(cells, repeated, minlength=np.prod(shape)).reshape(shape)
    learned = sums[::-1] / (total[::-1] + _SMOOTHING)
    explained = (2 * learned * sums - np.square(learned) * total).sum(axis=(0, 2))
    return np.asarray(np.sqrt(np.clip(explained / max(float(ranks @ ranks), 1e-300), 0.0, 1.0)))


def _values_by_rank(block: _Block, sample: Sample) -> FloatArray:
    """Rank correlation over the rows where the number is known."""
    if block.ranks is None or block.known is None:
        return np.zeros(len(block.columns))
    ranks = _target_ranks(sample)
    known = block.known.astype(np.float64)
    counted = np.maximum(known.sum(axis=1), 1.0)
    middle = (block.ranks * known).sum(axis=1) / counted
    own = (block.ranks - middle[:, None]) * known
    mean = known @ ranks / counted
    spread = known @ np.square(ranks) - counted * np.square(mean)
    norm = np.sqrt(np.maximum(np.square(own).sum(axis=1) * spread, 1e-300))
    # A correlation over a handful of known rows says nothing of the table; one over nearly all does.
    share = np.minimum(counted / (_NEARLY_ALL * sample.size), 1.0)
    return np.asarray(np.abs(own @ ranks) / norm * np.sqrt(share))
