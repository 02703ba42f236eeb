"""Products and quotients that the target follows along some curve, if need be apart for each category.

A monthly rate and a sum borrowed tell the interest rate once the term is known, although no straight line
joins them: within each level of one column, the target is a function of two others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from modelwright.core import FloatArray, IntArray
from modelwright.validation.leak_evidence import Judged, Suspicion, example_rows, unexplained

__all__ = ["find_formulas"]

_MOST_NUMBERS = 60
_MOST_LEVELS = 6
_MOST_CONDITIONS = 6
_ROWS_SEARCHED = 300
_FEWEST_ROWS = 60
_PROMISING = 0.98
_MOST_TRIED = 20
_MOST_UNEXPLAINED = 1e-4
_NEAR = 0.05
_SHARE_NEAR = 0.95
_SHARE_COVERED = 0.8


@dataclass(frozen=True)
class _Formula:
    """``first`` (times or over ``second``) within levels of ``condition``; -1 stands for none."""

    first: int
    second: int
    divided: bool
    condition: int


def find_formulas(judged: Judged, skip: frozenset[int]) -> list[Suspicion]:
    """A numeric target that is a function of a product or quotient, in all or within levels of a column.

    Promising are those that go with the target in a nearly straight line; they are verified by giving each
    unseen row the target of the learned row whose value is nearest, which must explain all but 1e-4 of the
    variance within the levels and meet nearly every row. Of the two numbers the one that says more about
    the target alone is left out; the formula gives nothing away without it.

    Parameters
    ----------
    judged : Judged
        Of a numeric target.
    skip : frozenset of int
        Positions of columns that are left out already.
    """
    positions = [i for i in judged.numeric if i not in skip]
    positions = sorted(sorted(positions, key=lambda i: -float(judged.scores[i]))[:_MOST_NUMBERS])
    if judged.sample.size < 2 * _FEWEST_ROWS or not positions:
        return []
    values = judged.numbers(positions)
    conditions, codes = judged.few_valued(_MOST_LEVELS, _MOST_CONDITIONS + len(skip))
    kept = [row for row, i in enumerate(conditions) if i not in skip][:_MOST_CONDITIONS]
    conditions, codes = [conditions[row] for row in kept], codes[kept]
    promising = sorted(_promising(judged, values, codes), key=lambda entry: -entry[0])
    for _, formula in promising[:_MOST_TRIED]:
        met = _verified(judged, _made(values, formula), _levels(codes, formula, judged.sample.size))
        if met is not None:
            place = conditions[formula.condition] if formula.condition >= 0 else -1
            members = [positions[formula.first]]
            members += [positions[formula.second]] if formula.second >= 0 else []
            if place in members:
                continue
            return [_suspicion(judged, tuple(members), place, (formula.divided, met))]
    return []


def _levels(codes: IntArray, formula: _Formula, rows: int) -> IntArray:
    return codes[formula.condition] if formula.condition >= 0 else np.zeros(rows, dtype=np.int64)


def _made(values: FloatArray, formula: _Formula) -> FloatArray:
    first: FloatArray = values[formula.first]
    if formula.second < 0:
        return first
    with np.errstate(all="ignore"):
        made = first / values[formula.second] if formula.divided else first * values[formula.second]
    return np.where(np.isfinite(made), made, np.nan)


def _promising(judged: Judged, values: FloatArray, codes: IntArray) -> Iterator[tuple[float, _Formula]]:
    """Formulas that go with the target in nearly a straight line among rows of the commonest level."""
    count = len(values)
    for condition in range(-1, len(codes)):
        rows = np.arange(judged.sample.size)
        if condition >= 0:
            rows = np.flatnonzero(codes[condition] == np.bincount(codes[condition]).argmax())
        rows = rows[:_ROWS_SEARCHED]
        if len(rows) < _FEWEST_ROWS:
            continue
        target = judged.sample.target[rows] - judged.sample.target[rows].mean()
        part = values[:, rows]
        if condition >= 0:  # without a condition a single column is no news
            for alone in np.flatnonzero(_straight(part, target) > _PROMISING):
                yield 2.0, _Formula(int(alone), -1, False, condition)
        for i in range(count):
            with np.errstate(all="ignore"):
                made = np.concatenate([part[i] * part[i + 1 :], part[i] / part])
            fit = _straight(made, target)
            for hit in np.flatnonzero(fit > _PROMISING).tolist():
                divided = hit >= count - i - 1
                second = hit - (count - i - 1) if divided else i + 1 + hit
                if second != i:
                    yield float(fit[hit]), _Formula(i, second, divided, condition)


def _straight(made: FloatArray, target: FloatArray) -> FloatArray:
    """Absolute correlation with the (centred) target of each row that is known nearly everywhere."""
    made = np.where(np.isfinite(made), made, np.nan)
    known = ~np.isnan(made)
    with np.errstate(all="ignore"):
        filled = np.where(known, made, 0.0)
        middle = filled.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
        centred = np.where(known, filled - middle, 0.0)
        centred /= np.abs(centred).max(axis=1, keepdims=True)
        norm = np.sqrt(np.square(centred).sum(axis=1) * np.square(target).sum())
        fit = np.abs(centred @ target) / norm
    return np.where((known.mean(axis=1) > 0.9) & np.isfinite(fit), fit, 0.0)


def _verified(judged: Judged, made: FloatArray, levels: IntArray) -> float | None:
    """Share of unseen rows that the nearest learned row tells, if the formula is exact; else None."""
    sample = judged.sample
    errors, bases = [], []
    for level in np.unique(levels):
        rows = np.flatnonzero((levels == level) & ~np.isnan(made))
        if len(rows) < _FEWEST_ROWS:
            continue
        for learned in (0, 1):
            learn, judge = rows[sample.half[rows] == learned], rows[sample.half[rows] != learned]
            learn = learn[np.argsort(made[learn], kind="stable")]
            known, asked = made[learn], made[judge]
            right = np.clip(np.searchsorted(known, asked), 0, len(known) - 1)
            left = np.maximum(right - 1, 0)
            nearer = np.where(asked - known[left] < known[right] - asked, left, right)
            errors.append(sample.target[judge] - sample.target[learn[nearer]])
            bases.append(sample.target[judge] - sample.target[judge].mean())
    if not errors:
        return None
    off, base = np.concatenate(errors), np.concatenate(bases)
    low, high = np.quantile(base, [0.25, 0.75])
    met = float((np.abs(off) <= _NEAR * (high - low)).mean())
    if len(off) < _SHARE_COVERED * sample.size or met < _SHARE_NEAR:
        return None
    return met if unexplained(off, base) <= _MOST_UNEXPLAINED else None


def _suspicion(
    judged: Judged, members: tuple[int, ...], condition: int, held: tuple[bool, float]
) -> Suspicion:
    divided, met = held
    strongest = max(members, key=lambda i: float(judged.scores[i]))
    names = [repr(judged.columns[i].name) for i in members]
    formula = (" / " if divided else " * ").join(names)
    apart = f" within each value of {judged.columns[condition].name!r}" if condition >= 0 else ""
    involved = (*members, condition) if condition >= 0 else members
    why = "" if len(members) == 1 else f"{judged.columns[strongest].name!r} says most about the target alone."
    return Suspicion(
        kind="formula",
        members=involved,
        exclude=(strongest,),
        what=f"{judged.target!r} is a function of {formula}{apart}, in {met:.1%} of the rows that were "
        "looked at.",
        why=why,
        evidence={"formula": formula + apart, "examples": example_rows(judged, involved)},
    )
