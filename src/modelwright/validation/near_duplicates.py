"""Rows that differ from another in one column only, or by rounding: nearly as bad as copies across folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Column, Finding, FloatArray, IntArray, generator
from modelwright.validation.folds import Folds
from modelwright.validation.leak_screening import as_numbers, is_number

__all__ = ["find_near_duplicates", "likeness"]

_FEWEST_COLUMNS = 4
_FEWEST_ROWS = 20
_WORRYING_SHARE = 0.01
_MORE_THAN_CHANCE = 5
_ALIKE = 0.5
"""Near copies whose targets are hardly more alike than those of any two rows flatter no score."""

_ROWS_FOR_CHANCE = 50_000
_MOST_CELLS = 1_000_000
_MOST_COLUMNS = 200
_ROUNDED = 0.01
"""Numbers are compared in steps of this share of their standard deviation."""

_Words = NDArray[np.uint64]


def find_near_duplicates(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    target: NDArray[Any],
    folds: Folds,
    classes: bool,
    group: str | None = None,
) -> list[Finding]:
    """Find rows that equal another one in all columns but one, up to rounding, across folds.

    Compared with the same count after each column was shuffled: where values are few (a grid of settings,
    a handful of answers) such rows are no sign of anything. At most a million cells are looked at; of more
    rows those are taken that share values, so that near copies stay together.

    Parameters
    ----------
    frame : polars DataFrame
        The features alone, at least 4 of them.
    columns : sequence of Column
        What they are, in the same order.
    target : array, shape (rows,)
        Class codes or values.
    folds : Folds
        How the rows will be validated.
    classes : bool
        Whether the target has classes.
    group : str, optional
        The column that holds rows together already.

    Returns
    -------
    list of Finding
        At most one, check ``"near_duplicates"``; evidence: ``rows``, ``chance_rows``, ``crossing_rows``,
        ``validated_rows``, ``target_likeness``, ``examples``.
    """
    usable = [i for i, dtype in enumerate(frame.dtypes) if not dtype.is_nested()][:_MOST_COLUMNS]
    if len(usable) < _FEWEST_COLUMNS or frame.height < 2 * _FEWEST_ROWS:
        return []
    features = frame[:, usable]
    features.columns = [f"c{i}" for i in range(len(usable))]
    rows = _chosen_rows(features)
    features = features[rows]
    first = np.sort(np.unique(features.hash_rows(seed=0).to_numpy(), return_index=True)[1])
    rows, words = rows[first], _words(features[first], [columns[i] for i in usable])
    if len(rows) < 2 * _FEWEST_ROWS:
        return []
    near = _Near.of(words)
    found = int(near.any.sum())
    if found < max(_FEWEST_ROWS, _WORRYING_SHARE * len(rows)):
        return []
    random = generator(0, "near duplicates")
    chance = int(_Near.of(np.stack([random.permutation(column) for column in words])).any.sum())
    if found < _MORE_THAN_CHANCE * chance:
        return []
    return _finding(near, rows, chance, (np.asarray(target), classes, folds), group)


def likeness(target: NDArray[Any], first: IntArray, second: IntArray, classes: bool) -> float:
    """How alike the targets of pairs of rows are: 0 as pairs drawn at random, 1 if equal.

    Examples
    --------
    >>> likeness(np.array([0, 0, 1, 1]), np.array([0, 2]), np.array([1, 3]), classes=True)
    1.0
    """
    if not classes:
        target = target / max(float(np.abs(target).max()), 1e-300)  # sums of huge values would overflow
    mine, other = target[first], target[second]
    target = target[:: max(len(target) // _ROWS_FOR_CHANCE, 1)]
    if classes:
        shares = np.bincount(target) / len(target)
        apart, by_chance = float((mine != other).mean()), 1 - float(np.square(shares).sum())
    else:
        ordered = np.sort(target)
        weights = 2 * np.arange(len(ordered)) - len(ordered) + 1
        by_chance = 2 * float(weights @ ordered) / max(len(ordered) ** 2, 1)
        apart = float(np.abs(mine - other).mean())
    return round(1 - apart / by_chance, 4) if by_chance > 0 else 0.0


def _chosen_rows(features: pl.DataFrame) -> IntArray:
    """All rows, or of very many those with some values of the column that has the most."""
    most = max(_MOST_CELLS // features.width, 1_000)
    if features.height <= most:
        return np.arange(features.height, dtype=np.int64)
    head = features.head(2_000)
    varied = max(range(features.width), key=lambda i: head[:, i].n_unique())
    part = features[:, varied].hash(seed=1).to_numpy() % np.uint64(features.height // most + 1)
    return np.flatnonzero(part == 0)[:most].astype(np.int64)


def _words(features: pl.DataFrame, columns: Sequence[Column]) -> _Words:
    """A 64-bit word for each cell, shape (columns, rows): equal for equal values (numbers: rounded)."""
    words = np.empty((features.width, features.height), dtype=np.uint64)
    for i, column in enumerate(columns):
        values = features[:, i]
        if is_number(column, values.dtype) and values.dtype.is_float():
            numbers = as_numbers(values.to_frame())[0]
            values = pl.Series(_rounded(numbers), nan_to_null=True)
        words[i] = values.hash(seed=i).to_numpy()
    return words


def _rounded(numbers: FloatArray) -> FloatArray:
    known = ~np.isnan(numbers)
    peak = float(np.abs(numbers[known]).max()) if known.any() else 0.0
    if not peak > 0:
        return numbers
    scaled = numbers / peak  # squares of huge values would overflow
    step = _ROUNDED * float(scaled[known].std())
    return np.asarray(np.round(scaled / step)) if step > 0 else scaled


@dataclass(frozen=True)
class _Near:
    """For each left-out column the sets of rows that are equal without it.

    ``pairs`` are two row numbers that are next to each other in such a set; ``any`` marks all rows in one.
    """

    pairs: tuple[tuple[int, IntArray, IntArray], ...]
    any: NDArray[np.bool_]

    @classmethod
    def of(cls, words: _Words) -> _Near:
        total = words.sum(axis=0, dtype=np.uint64)
        met = np.zeros(words.shape[1], dtype=np.bool_)
        pairs = []
        for column, own in enumerate(words):
            rest = total - own
            order = np.argsort(rest, kind="stable")
            same = np.flatnonzero(rest[order[1:]] == rest[order[:-1]])
            if len(same):
                first, second = order[same], order[same + 1]
                met[first] = met[second] = True
                pairs.append((column, first, second))
        return cls(tuple(pairs), met)


def _finding(
    near: _Near,
    rows: IntArray,
    chance: int,
    scored: tuple[NDArray[Any], bool, Folds],
    group: str | None,
) -> list[Finding]:
    target, classes, folds = scored
    first = rows[np.concatenate([pair[1] for pair in near.pairs])]
    second = rows[np.concatenate([pair[2] for pair in near.pairs])]
    looked = np.zeros(len(target), dtype=np.bool_)
    looked[rows] = True
    crossing = validated = 0
    pairs: list[NDArray[np.bool_]] = []
    for train, valid in zip(folds.train, folds.valid):
        learned, scored_rows = np.zeros(len(target), dtype=np.bool_), np.zeros(len(target), dtype=np.bool_)
        learned[train], scored_rows[valid] = True, True
        over = (learned[first] & scored_rows[second]) | (learned[second] & scored_rows[first])
        touched = np.zeros(len(target), dtype=np.bool_)
        touched[first[over]] = touched[second[over]] = True
        crossing += int((touched & scored_rows).sum())
        validated += int((scored_rows & looked).sum())
        pairs.append(over)
    share = crossing / max(validated, 1)
    across = np.logical_or.reduce(pairs)
    if share < _WORRYING_SHARE:
        return []
    alike = likeness(target, first[across], second[across], classes)
    if alike < _ALIKE:
        return []
    return [
        Finding(
            check="near_duplicates",
            severity="warning",
            message=f"{int(near.any.sum())} of {len(rows)} rows are near copies of others (equal in all "
            f"columns but one, up to rounding), and their targets agree. {share:.1%} of the validated rows "
            "have one among the rows that their model learned from: scores may flatter.",
            action="If near copies are the same person, thing or event, name the column that says so "
            + ("(--group)." if group is None else f"as the group: {group!r} does not hold them together."),
            evidence={
                "rows": int(near.any.sum()),
                "chance_rows": chance,
                "crossing_rows": crossing,
                "validated_rows": validated,
                "target_likeness": alike,
                "examples": [[int(a), int(b)] for a, b in zip(first[across][:3], second[across][:3])],
            },
        )
    ]
