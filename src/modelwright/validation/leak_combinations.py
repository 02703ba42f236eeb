"""Categories that give the target away: cuts and recodings of it, and combinations that determine it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod

import numpy as np

from modelwright.core import FloatArray, IntArray
from modelwright.validation.leak_evidence import (
    MOST_ERRORS,
    Judged,
    Suspicion,
    bits_to_spare,
    example_rows,
    level_errors,
)

__all__ = ["find_combinations", "find_cuts", "target_classes"]

_MOST_LEVELS = 30
_MOST_CUTS = 200
_MOST_COLUMNS = 40
_ROWS_PER_CELL = 10
_MOST_CELLS = 4_000
_FEWEST_RARE = 20
_FEWEST_BITS = 20.0
_FEW_VALUES = 20
_MOST_BESIDE_CUTS = 0.01


def target_classes(judged: Judged) -> IntArray | None:
    """Class codes of the target, if it has classes or few values, each met often enough; else None."""
    sample = judged.sample
    if sample.classes:
        return np.asarray(sample.target)
    values, codes, counts = np.unique(sample.target, return_inverse=True, return_counts=True)
    if len(values) > _FEW_VALUES or counts.mean() < _FEWEST_RARE:
        return None
    return codes.astype(np.int64)


def find_cuts(judged: Judged, skip: frozenset[int]) -> list[Suspicion]:
    """Columns that are functions of a numeric target: bands, grades, flags for a threshold, recodings.

    The target of the nearest learned row tells the level of unseen rows, with at most 5 errors in 1,000 of
    those that naming the most frequent level makes, and two for each cut: rows beside it may have their
    neighbour on its other side. What causes a target does not follow from it so exactly; what was made
    from it does.
    """
    sample = judged.sample
    if sample.classes or sample.size < _FEWEST_RARE * 2:
        return []
    found = []
    positions, codes = judged.few_valued(_MOST_CUTS, _MOST_CUTS)
    for i, levels in zip(positions, codes):
        if i in skip or judged.scores[i] <= judged.noise or not _varied(levels):
            continue
        count = int(np.count_nonzero(np.bincount(levels)))
        if count * _ROWS_PER_CELL > sample.size:
            continue
        errors = _errors_from_target(judged, levels)
        base = 1 - float(np.bincount(levels).max()) / sample.size
        beside_cuts = min(2 * (count - 1) / sample.size, _MOST_BESIDE_CUTS)
        if errors > MOST_ERRORS * base + beside_cuts:
            continue
        found.append(
            Suspicion(
                kind="bins",
                members=(i,),
                exclude=(i,),
                what=f"{judged.columns[i].name!r} is a rounded, banded or recoded version of "
                f"{judged.target!r}: the target alone tells which of its {count} values a row has, with "
                f"{errors:.2%} errors (always naming the most frequent makes {base:.0%}).",
                evidence={
                    "errors": errors,
                    "base_errors": base,
                    "levels": count,
                    "examples": example_rows(judged, [i]),
                },
            )
        )
    return found


def _varied(levels: IntArray) -> bool:
    sizes = np.bincount(levels)
    return bool(len(sizes) > 1 and sizes.sum() - sizes.max() >= _FEWEST_RARE)


def _errors_from_target(judged: Judged, levels: IntArray) -> float:
    """Share of rows whose level is not that of the learned row with the nearest target."""
    target, half = judged.sample.target, judged.sample.half
    errors = 0
    for learned in (0, 1):
        learn, judge = np.flatnonzero(half == learned), np.flatnonzero(half != learned)
        learn = learn[np.argsort(target[learn], kind="stable")]
        known, asked = target[learn], target[judge]
        right = np.clip(np.searchsorted(known, asked), 0, len(known) - 1)
        left = np.maximum(right - 1, 0)
        nearer = np.where(asked - known[left] < known[right] - asked, left, right)
        errors += int((levels[learn[nearer]] != levels[judge]).sum())
    return errors / judged.sample.size


def find_combinations(judged: Judged, skip: frozenset[int]) -> list[Suspicion]:
    """Two or three columns of few values that together determine a class.

    Judged on rows that the table of cells was not made from, with at least ten rows to a cell, so that
    combinations of many values, which always determine a target that they have seen, gain nothing; and
    against chance by description length, since thousands of combinations are tried. What is left out is
    each column that is a part of the class itself (the class alone tells its value), or else the one
    column without which the others tell least.

    Parameters
    ----------
    judged : Judged
    skip : frozenset of int
        Positions that are left out already.
    """
    target = target_classes(judged)
    if target is None:
        return []
    chosen = np.flatnonzero(np.bincount(target)[target] > 1)
    if len(chosen) < _FEWEST_RARE * 2:
        return []
    positions, codes = judged.few_valued(_MOST_LEVELS, _MOST_COLUMNS)
    kept = [row for row, i in enumerate(positions) if i not in skip]
    search = _Search(codes[kept], target, judged.sample.half)
    found: list[Suspicion] = []
    gone: set[int] = set()
    for members, errors in search.found():
        if gone & set(members):
            continue
        suspicion = _suspicion(judged, search, [positions[row] for row in kept], members, errors)
        gone.update(kept_row for kept_row in members if positions[kept[kept_row]] in suspicion.exclude)
        found.append(suspicion)
    return found


@dataclass(frozen=True)
class _Search:
    """Codes (columns, rows) and the class of the same rows."""

    codes: IntArray
    target: IntArray
    half: IntArray

    @cached_property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.target.max()) + 1

    @cached_property
    def widths(self) -> list[int]:
        """How many codes each column has."""
        return [int(codes.max()) + 1 for codes in self.codes]

    def cells(self, members: tuple[int, ...], rows: int | None = None) -> IntArray:
        """The cell of each row in the table of some columns."""
        combined: IntArray = self.codes[members[0]][:rows]
        for member in members[1:]:
            combined = combined * self.widths[member] + self.codes[member][:rows]
        return combined

    def found(self) -> Iterator[tuple[tuple[int, ...], float]]:
        """Smallest sets of columns that determine the class, with their errors on unseen rows."""
        count, size = len(self.codes), len(self.target)
        base = 1 - float(np.bincount(self.target).max()) / size
        tried = count * (count - 1) // 2 + count * (count - 1) * (count - 2) // 6
        done: list[set[int]] = []
        head = min(size, 2_000)
        for width in (2, 3):
            for members in combinations(range(count), width):
                size_of_table = prod(self.widths[member] for member in members)
                if size_of_table > _MOST_CELLS or any(old <= set(members) for old in done):
                    continue
                if self._seen_errors(members, head, size_of_table) > 2 * MOST_ERRORS:
                    continue
                used = np.unique(self.cells(members), return_inverse=True)
                if len(used[0]) * _ROWS_PER_CELL > size:
                    continue
                errors = level_errors(used[1], self.target, self.half)[0]
                if errors > MOST_ERRORS * base:
                    continue
                if bits_to_spare(self.target, len(used[0]), tried) < _FEWEST_BITS:
                    continue
                done.append(set(members))
                yield members, errors

    def _seen_errors(self, members: tuple[int, ...], head: int, cells: int) -> float:
        """Errors on the rows that the table is made from, over those of naming the most frequent class."""
        target = self.target[:head]
        table = np.bincount(self.cells(members, head) * self.classes + target, minlength=cells * self.classes)
        right = int(table.reshape(cells, self.classes).max(axis=1).sum())
        base = head - int(np.bincount(target).max())
        return (head - right) / max(base, 1)


def _suspicion(
    judged: Judged, search: _Search, positions: list[int], members: tuple[int, ...], errors: float
) -> Suspicion:
    columns = tuple(positions[member] for member in members)
    parts = tuple(i for i, member in zip(columns, members) if _part_of_class(search, member))
    rest = [_errors_without(search, members, member) for member in members]
    least = columns[int(np.argmax(rest))]
    names = [repr(judged.columns[i].name) for i in columns]
    base = 1 - float(np.bincount(search.target).max()) / len(search.target)
    together = f"{', '.join(names[:-1])} and {names[-1]}"
    if parts:
        shown = " and ".join(repr(judged.columns[i].name) for i in parts)
        why = f"{shown}: the class alone tells the value, so {'they are' if len(parts) > 1 else 'it is'} a "
        why += "part of it."
    else:
        why = f"Without {judged.columns[least].name!r} the others are wrong in {max(rest):.0%} of the rows."
    return Suspicion(
        kind="combination",
        members=columns,
        exclude=parts or (least,),
        what=f"{together} together determine {judged.target!r}: {errors:.2%} errors on rows that were not "
        f"learned from (always naming the most frequent class makes {base:.0%}).",
        why=why,
        evidence={
            "errors": errors,
            "base_errors": base,
            "cells": len(np.unique(search.cells(members))),
            "chance_errors": _chance_errors(search, members),
            "examples": example_rows(judged, columns),
        },
    )


def _part_of_class(search: _Search, member: int) -> bool:
    levels = search.codes[member]
    errors, base = level_errors(search.target, levels, search.half)
    return _varied(levels) and errors <= MOST_ERRORS * base


def _errors_without(search: _Search, members: tuple[int, ...], member: int) -> float:
    others = tuple(other for other in members if other != member)
    combined = np.unique(search.cells(others), return_inverse=True)[1]
    return level_errors(combined, search.target, search.half)[0]


def _chance_errors(search: _Search, members: tuple[int, ...]) -> float:
    """Errors of the same table when the target is shuffled."""
    shuffled: FloatArray | IntArray = np.random.default_rng(0).permutation(search.target)
    combined = np.unique(search.cells(members), return_inverse=True)[1]
    return round(level_errors(combined, np.asarray(shuffled), search.half)[0], 4)
