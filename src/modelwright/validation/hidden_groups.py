"""Columns that name what several rows have in common: a person, a machine, an order."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Finding, IntArray, Kind, Problem, Role, Schema, generator
from modelwright.validation.leak_screening import as_numbers, is_number
from modelwright.validation.near_duplicates import likeness

__all__ = ["find_groups"]

_FEWEST_ROWS = 100
_FEWEST_GROUPS = 10
_SMALLEST, _LARGEST = 1.25, 100.0
"""Mean rows of a group."""
_ROWS_LOOKED_AT = 5_000
_MOST_LOOKED_AT = 1_000
_MOST_CANDIDATES = 40
_MOST_COMPARED = 60
_CLOSE = 0.05
"""Numbers count as equal within this share of all ranks."""
_ALIKE = 0.5
_TARGET_ALIKE = 0.8
_FEATURES_ALIKE = 0.15


def find_groups(
    frame: pl.DataFrame, schema: Schema, problem: Problem, target: NDArray[Any], seed: int
) -> list[Finding]:
    """Find columns whose values repeat a few times, in rows that are nearly the same.

    Two rows with the same value are compared with two drawn at random, column by column: 0 means as alike
    as those, 1 equal. A column is reported if its rows are alike by .5, or if their targets are (.8) and the
    rows themselves hint at the group (.15): a model then recognises the group instead of learning. Of ids
    whose text has a beginning that repeats (``309_1``, ``309_2``) that beginning is judged.

    Parameters
    ----------
    frame : polars DataFrame
        The training rows.
    schema : Schema
    problem : Problem
        Of one output. Nothing is looked for if it names a group.
    target : array, shape (rows,)
    seed : int
        Draws the rows that are compared.

    Returns
    -------
    list of Finding
        Check ``"groups"``; evidence: ``groups``, ``rows_alike``, ``targets_alike``.
    """
    if problem.group is not None or frame.height < _FEWEST_ROWS:
        return []
    found = []
    for name, codes, prefixed in _candidates(frame, schema):
        same, other = _pairs(codes, seed)
        if len(same) < _FEWEST_GROUPS:
            continue
        rows_alike = _rows_alike(frame, schema, name, (same, other))
        targets_alike = likeness(target, same[:, 0], same[:, 1], problem.task.is_classification)
        if rows_alike < _ALIKE and not (targets_alike >= _TARGET_ALIKE and rows_alike >= _FEATURES_ALIKE):
            continue
        found.append(_finding(name, prefixed, codes, (rows_alike, targets_alike)))
    return found


def _candidates(frame: pl.DataFrame, schema: Schema) -> Iterator[tuple[str, IntArray, bool]]:
    """Columns whose values repeat in small groups, with a code for each row (-1: none)."""
    place = {name: i for i, name in enumerate(frame.columns)}
    tried = 0
    for column in list(schema)[:_MOST_LOOKED_AT]:
        if column.name not in place or not (column.is_feature or column.role is Role.ID):
            continue
        values = frame[:, place[column.name]]
        if values.dtype.is_nested() or values.dtype.is_temporal() or column.kind is Kind.BOOLEAN:
            continue
        if tried == _MOST_CANDIDATES:
            return
        if is_number(column, values.dtype) and not _whole(values):
            continue
        tried += 1
        text = values.dtype == pl.String
        if column.role is Role.ID and text:
            begin = values.str.extract(r"^(.+)[^0-9A-Za-z][^._\-/: ]*$", 1)
            if begin.null_count() <= 0.05 * len(begin) and _small_groups(begin):
                yield column.name, _codes(begin), True
                continue
        if _small_groups(values):
            yield column.name, _codes(values), False


def _whole(values: pl.Series) -> bool:
    head = values.head(500).drop_nulls().cast(pl.Float64)
    return bool(len(head)) and bool((head == head.round(0)).all())


def _small_groups(values: pl.Series) -> bool:
    known = len(values) - values.null_count()
    if known < 0.5 * len(values) or known < _FEWEST_ROWS:
        return False
    head = values.head(2_000)
    if head.n_unique() < 4:  # spares the count over all rows
        return False
    groups = values.n_unique()
    return groups >= _FEWEST_GROUPS and _SMALLEST <= known / groups <= _LARGEST


def _codes(values: pl.Series) -> IntArray:
    codes = values.rank("dense").cast(pl.Int64).fill_null(-1).to_numpy()
    return np.asarray(codes)


def _pairs(codes: IntArray, seed: int) -> tuple[IntArray, IntArray]:
    """Pairs of rows with the same code, and as many of rows drawn at random, shape (pairs, 2)."""
    random = generator(seed, "groups")
    known = np.unique(codes[codes >= 0])
    rows_each = (codes >= 0).sum() / max(len(known), 1)
    count = int(_ROWS_LOOKED_AT / max(rows_each, 1.0)) + 1
    chosen = np.isin(codes, random.permutation(known)[:count])
    rows = random.permutation(np.flatnonzero(chosen))
    rows = rows[np.argsort(codes[rows], kind="stable")]
    same = np.flatnonzero(codes[rows[1:]] == codes[rows[:-1]])
    pairs = np.stack([rows[same], rows[same + 1]], axis=1)
    return pairs, random.integers(0, len(codes), (len(pairs), 2))


def _rows_alike(frame: pl.DataFrame, schema: Schema, name: str, pairs: tuple[IntArray, IntArray]) -> float:
    place = {column: i for i, column in enumerate(frame.columns)}
    alike: list[float] = []
    for column in schema.features:
        if column.name == name or column.name not in place or len(alike) == _MOST_COMPARED:
            continue
        values = frame[:, place[column.name]]
        if values.dtype.is_nested():
            continue
        same, by_chance = (_equal(values, column.kind, part) for part in pairs)
        if by_chance < 0.9:
            alike.append((same - by_chance) / (1 - by_chance))
    return round(float(np.mean(alike)), 4) if alike else 0.0


def _equal(values: pl.Series, kind: Kind, pairs: IntArray) -> float:
    """Share of pairs whose values are equal, or close for numbers and dates."""
    first, second = values.gather(pairs[:, 0]), values.gather(pairs[:, 1])
    measured = (values.dtype.is_numeric() or values.dtype.is_temporal()) and kind is not Kind.CATEGORICAL
    if not measured:
        return float(first.eq_missing(second).to_numpy().mean())
    a, b = as_numbers(first.to_frame("c0"))[0], as_numbers(second.to_frame("c0"))[0]
    both = np.sort(np.concatenate([a, b])[~np.isnan(np.concatenate([a, b]))])
    missing = np.isnan(a) & np.isnan(b)
    if not len(both):
        return 1.0
    apart = np.abs(np.searchsorted(both, a) - np.searchsorted(both, b)) / len(both)
    return float((missing | (~np.isnan(a) & ~np.isnan(b) & (apart <= _CLOSE))).mean())


def _finding(name: str, prefixed: bool, codes: IntArray, alike: tuple[float, float]) -> Finding:
    groups = len(np.unique(codes[codes >= 0]))
    rows = float((codes >= 0).sum()) / groups
    what = f"The ids in {name!r} begin with" if prefixed else f"The column {name!r} holds"
    return Finding(
        check="groups",
        severity="warning",
        message=f"{what} {groups} names that repeat ({rows:.1f} rows each), and rows of one name are alike "
        f"by {alike[0]:.2f}, their targets by {alike[1]:.2f} (0 is chance, 1 is equal): they look like rows "
        "of the same person or thing. Rows drawn at random for validation have relatives in training.",
        column=name,
        action="If new data brings new ones, keep the rows of each together: "
        + (
            "make the beginning of the id a column and name it with --group."
            if prefixed
            else f"--group {shlex.quote(name)}."
        ),
        evidence={"groups": groups, "rows_alike": alike[0], "targets_alike": alike[1]},
    )
