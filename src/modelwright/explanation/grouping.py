"""Columns that say the same: how strongly columns of any kind depend on each other, and groups of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from modelwright.core import FloatArray, IntArray, Kind, generator
from modelwright.explanation.predictor import ORDERED, SourceColumn, as_numbers, sampled_rows

__all__ = ["MOST_COLUMNS", "THRESHOLD", "associations", "associations_with", "group_columns"]

THRESHOLD = 0.8
"""Association from which columns form a group."""

MOST_COLUMNS = 1_000
"""Beyond so many columns, pairs are too many to be looked at."""

_ROWS = 2_000
_FEWEST_ROWS = 20
_TABLE = 20_000
"""Cells of a table of two categories that are counted all."""

_NUMBERS = (*ORDERED, Kind.BOOLEAN)


def group_columns(
    frame: pl.DataFrame,
    columns: Sequence[SourceColumn],
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> tuple[tuple[str, ...], ...]:
    """Groups of two and more columns that carry much the same information.

    Hierarchical clustering with average linkage over one minus the association (see `associations`), cut
    where columns of a cluster are associated less than the threshold.

    Parameters
    ----------
    frame : polars.DataFrame
        Typed rows; up to 2,000 of them are looked at.
    columns : sequence of SourceColumn
        Of the frame. None are grouped where they are more than 1,000.
    threshold : float, default 0.8
        Between 0 and 1.
    seed : int, default 0
        Of the choice of rows.

    Returns
    -------
    tuple of tuple of str
        In the order of the columns; empty for fewer than 20 rows.

    Examples
    --------
    >>> x = np.arange(100.0)
    >>> frame = pl.DataFrame({"x": x, "square": x**2, "other": x % 7})
    >>> from modelwright.explanation.predictor import describe_columns
    >>> group_columns(frame, describe_columns(frame))
    (('x', 'square'),)
    """
    if not 2 <= len(columns) <= MOST_COLUMNS or frame.height < _FEWEST_ROWS:
        return ()
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    rows = sampled_rows(frame.height, _ROWS, generator(seed, "grouping"))
    distances = np.clip(1.0 - associations(frame[rows], columns), 0.0, 1.0)
    tree = linkage(squareform(distances, checks=False), "average")
    clusters = fcluster(tree, 1.0 - threshold, "distance")
    members: dict[int, list[str]] = {}
    for column, cluster in zip(columns, clusters.tolist(), strict=True):
        members.setdefault(cluster, []).append(column.name)
    return tuple(tuple(names) for names in members.values() if len(names) > 1)


def associations(frame: pl.DataFrame, columns: Sequence[SourceColumn]) -> FloatArray:
    """How strongly each pair of columns depends on each other, from 0 to 1.

    Numbers, dates and flags: the absolute rank correlation (Spearman, 1904). Categories: Cramer's V with the
    correction of its bias (Bergsma, 2013), without which columns of many levels would all seem related. A
    category and a number: the correlation ratio of the ranks, corrected likewise (Kelley, 1935). A missing
    value is a level of its own, and the middle rank of a number. Texts, lists and places stand alone.

    Parameters
    ----------
    frame : polars.DataFrame
    columns : sequence of SourceColumn

    Returns
    -------
    float64 array, shape (columns, columns)
        Symmetric, with ones on the diagonal.
    """
    matrix = np.zeros((len(columns), len(columns)))
    numbers = [place for place, column in enumerate(columns) if column.kind in _NUMBERS]
    levels = [place for place, column in enumerate(columns) if column.kind is Kind.CATEGORICAL]
    ranks = _ranks(frame, [columns[place].name for place in numbers])
    matrix[np.ix_(numbers, numbers)] = np.abs(ranks.T @ ranks)
    codes = {place: _codes(frame[columns[place].name]) for place in levels}
    for at, place in enumerate(levels):
        matrix[place, numbers] = matrix[numbers, place] = _correlation_ratios(codes[place], ranks)
        for other in levels[:at]:
            matrix[place, other] = matrix[other, place] = _cramers_v(codes[place], codes[other])
    np.fill_diagonal(matrix, 1.0)
    return np.clip(matrix, 0.0, 1.0)


def _ranks(frame: pl.DataFrame, names: Sequence[str]) -> FloatArray:
    """Ranks of each column, centred and of unit length: products of columns are correlations."""
    ranks = np.zeros((frame.height, len(names)))
    for place, name in enumerate(names):
        values = pl.Series("values", as_numbers(frame[name])).fill_nan(None).rank("average")
        column = np.array(values.cast(pl.Float64).to_numpy(), dtype=np.float64)
        present = np.isfinite(column)
        if not present.any():
            continue
        column = np.where(present, column - column[present].mean(), 0.0)
        length = float(np.sqrt(column @ column))
        ranks[:, place] = column / length if length > 0 else 0.0
    return ranks


def _codes(series: pl.Series) -> IntArray:
    """Levels as 0, 1, ... in the order in which they come; missing is one of them."""
    known: dict[str | None, int] = {}
    return np.array([known.setdefault(level, len(known)) for level in series.to_list()], dtype=np.int64)


def _correlation_ratios(codes: IntArray, ranks: FloatArray) -> FloatArray:
    """Of one category with every number."""
    rows, sizes = len(codes), np.bincount(codes)
    if rows <= len(sizes) or not ranks.shape[1]:
        return np.zeros(ranks.shape[1])
    starts = np.cumsum(sizes) - sizes
    sums = np.add.reduceat(ranks[np.argsort(codes, kind="stable")], starts, axis=0)
    explained = np.sum(sums**2 / sizes[:, None], axis=0)
    corrected = 1.0 - (1.0 - explained) * (rows - 1) / (rows - len(sizes))
    ratios: FloatArray = np.sqrt(np.clip(corrected, 0.0, 1.0))
    return ratios


def _cramers_v(first: IntArray, second: IntArray) -> float:
    """Of two categories."""
    rows = len(first)
    sizes, others = np.bincount(first), np.bincount(second)
    pairs = first * len(others) + second
    if len(sizes) * len(others) <= _TABLE:  # counting is quicker than sorting
        table = np.bincount(pairs)
        cells = np.flatnonzero(table)
        counts = table[cells]
    else:
        cells, counts = np.unique(pairs, return_counts=True)
    expected = sizes[cells // len(others)] * others[cells % len(others)]
    squared = float(np.sum(counts**2 / expected)) - 1.0
    free = len(sizes) - 1, len(others) - 1
    squared -= free[0] * free[1] / (rows - 1)
    smallest = min(each - each**2 / (rows - 1) for each in free)
    if squared <= 0 or smallest <= 1e-9:
        return 0.0
    return float(np.sqrt(min(squared / smallest, 1.0)))


def associations_with(
    frame: pl.DataFrame, column: SourceColumn, others: Sequence[SourceColumn]
) -> FloatArray:
    """How strongly one column depends on each of several others; see `associations`.

    Returns
    -------
    float64 array, shape (others,)

    Examples
    --------
    >>> from modelwright.explanation.predictor import describe_columns
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0], "double": [2.0, 4.0, 6.0]})
    >>> first, second = describe_columns(frame)
    >>> associations_with(frame, first, [second]).round(6).tolist()
    [1.0]
    """
    found = np.zeros(len(others))
    numbers = [place for place, other in enumerate(others) if other.kind in _NUMBERS]
    levels = [place for place, other in enumerate(others) if other.kind is Kind.CATEGORICAL]
    ranks = _ranks(frame, [others[place].name for place in numbers])
    if column.kind is Kind.CATEGORICAL:
        own = _codes(frame[column.name])
        found[numbers] = _correlation_ratios(own, ranks)
        found[levels] = [_cramers_v(own, _codes(frame[others[place].name])) for place in levels]
    elif column.kind in _NUMBERS:
        line = _ranks(frame, [column.name])
        found[numbers] = np.abs(ranks.T @ line)[:, 0]
        found[levels] = [_correlation_ratios(_codes(frame[others[at].name]), line)[0] for at in levels]
    return np.clip(found, 0.0, 1.0)
