"""Columns that name what several rows have in common: a person, a machine, an order."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Finding, IntArray, Kind, Problem, Role, Schema, generator
from modelwright.validation.leak_screening import as_numbers, is_number
from modelwright.validation.near_duplicates import likeness
from modelwright.validation.recurring_groups import groups_recur

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
_AT_RANDOM = "Rows drawn at random for validation have relatives in training."


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
    for name, groups, prefixed in _candidates(frame, schema, seed):
        same, other = _pairs(groups, frame.height, seed)
        if len(same) < _FEWEST_GROUPS:
            continue
        rows_alike = _rows_alike(frame, schema, name, (same, other))
        targets_alike = likeness(target, same[:, 0], same[:, 1], problem.task.is_classification)
        if rows_alike < _ALIKE and not (targets_alike >= _TARGET_ALIKE and rows_alike >= _FEATURES_ALIKE):
            continue
        finding = _finding(name, prefixed, groups, (rows_alike, targets_alike))
        found.append(finding if problem.time_column is None else _in_time(finding, frame, problem, prefixed))
    return found


@dataclass(frozen=True)
class _Groups:
    """Some rows with the code of their group, all rows of a group or none, and how many groups there are."""

    rows: IntArray
    codes: IntArray
    count: int
    mean_size: float

    @classmethod
    def of(cls, values: pl.Series, seed: int) -> _Groups | None:
        """The groups that a column makes, or None if they are too many, too few or too large."""
        known = len(values) - values.null_count()
        if known < max(0.5 * len(values), _FEWEST_ROWS) or values.head(2_000).n_unique() < 4:
            return None
        keep = values.is_not_null().to_numpy()
        part = max(len(values) // _ROWS_LOOKED_AT, 1)
        if part > 1:
            keep = keep & (values.hash(seed).to_numpy() % np.uint64(part) == 0)
        rows = np.flatnonzero(keep).astype(np.int64)
        if len(rows) < _FEWEST_ROWS:
            return None
        codes = values.gather(rows).rank("dense").cast(pl.Int64).to_numpy()
        count = int(codes.max())
        mean_size = len(rows) / count
        if count < _FEWEST_GROUPS or not _SMALLEST <= mean_size <= _LARGEST:
            return None
        return cls(rows, codes, round(known / mean_size), mean_size)


def _candidates(frame: pl.DataFrame, schema: Schema, seed: int) -> Iterator[tuple[str, _Groups, bool]]:
    """Columns whose values repeat in small groups, and whether only the beginning of the value does."""
    place = {name: i for i, name in enumerate(frame.columns)}
    tried = 0
    for column in list(schema)[:_MOST_LOOKED_AT]:
        if column.name not in place or not (column.is_feature or column.role is Role.ID):
            continue
        values = frame[:, place[column.name]].alias("values")  # a name may be a pattern to polars
        if values.dtype.is_nested() or values.dtype.is_temporal() or column.kind is Kind.BOOLEAN:
            continue
        if tried == _MOST_CANDIDATES:
            return
        if is_number(column, values.dtype) and not _whole(values):
            continue
        tried += 1
        if column.role is Role.ID and values.dtype == pl.String:
            begin = _beginnings(values)
            groups = None if begin is None else _Groups.of(begin, seed)
            if groups is not None:
                yield column.name, groups, True
                continue
        groups = _Groups.of(values, seed)
        if groups is not None:
            yield column.name, groups, False


def _beginnings(values: pl.Series) -> pl.Series | None:
    """What stands before the last separator, if nearly every value has one."""
    pattern = r"^(.+)[^0-9A-Za-z][^._\-/: ]*$"
    for part in (values.head(500), values):
        begin = part.str.extract(pattern, 1)
        if begin.null_count() > 0.05 * len(begin):
            return None
    return begin


def _whole(values: pl.Series) -> bool:
    head = values.head(500).drop_nulls().cast(pl.Float64)
    return bool(len(head)) and bool((head == head.round(0)).all())


def _pairs(groups: _Groups, height: int, seed: int) -> tuple[IntArray, IntArray]:
    """Pairs of rows of the same group, and as many of rows drawn at random, shape (pairs, 2)."""
    random = generator(seed, "groups")
    mixed = random.permutation(len(groups.rows))
    mixed = mixed[np.argsort(groups.codes[mixed], kind="stable")]
    codes, rows = groups.codes[mixed], groups.rows[mixed]
    same = np.flatnonzero(codes[1:] == codes[:-1])
    pairs = np.stack([rows[same], rows[same + 1]], axis=1)
    return pairs, random.integers(0, height, (len(pairs), 2))


def _rows_alike(frame: pl.DataFrame, schema: Schema, name: str, pairs: tuple[IntArray, IntArray]) -> float:
    place = {column: i for i, column in enumerate(frame.columns)}
    alike: list[float] = []
    for column in schema.features:
        if column.name == name or column.name not in place or len(alike) == _MOST_COMPARED:
            continue
        values = frame[:, place[column.name]].alias("values")  # a name may be a pattern to polars
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


def _finding(name: str, prefixed: bool, groups: _Groups, alike: tuple[float, float]) -> Finding:
    what = f"The ids in {name!r} begin with" if prefixed else f"The column {name!r} holds"
    return Finding(
        check="groups",
        severity="warning",
        message=f"{what} {groups.count} names that repeat ({groups.mean_size:.1f} rows each). Rows of one "
        f"name are alike by {alike[0]:.2f}, their targets by {alike[1]:.2f} (0 is chance, 1 is equal): they "
        f"look like rows of the same person or thing. {_AT_RANDOM}",
        column=name,
        action="If new data brings new ones, keep the rows of each together: "
        + (
            "make the beginning of the id a column and name it with --group."
            if prefixed
            else f"--group {shlex.quote(name)}."
        ),
        evidence={"groups": groups.count, "rows_alike": alike[0], "targets_alike": alike[1]},
    )


def _in_time(finding: Finding, frame: pl.DataFrame, problem: Problem, prefixed: bool) -> Finding:
    """The finding where rows are validated in the order of time, with advice that can be followed."""
    message = finding.message.replace(
        _AT_RANDOM, "Rows that are validated have earlier relatives in training."
    )
    place = {name: i for i, name in enumerate(frame.columns)}
    action = finding.action
    if not prefixed and finding.column in place and problem.time_column in place:
        name, time = str(finding.column), str(problem.time_column)
        if groups_recur(frame.to_series(place[name]), frame.to_series(place[time])):
            action = (
                f"Nothing is wrong if the same ones are predicted later on. If new ones are: --group "
                f"{shlex.quote(name)} in place of --time-column (they come again later, so not both)."
            )
    return replace(finding, message=message, action=action)
