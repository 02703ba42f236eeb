"""Columns that determine the target, or nearly, all by themselves."""

from __future__ import annotations

import numpy as np

from modelwright.core import FloatArray, IntArray
from modelwright.validation.leak_evidence import Judged, Suspicion, example_rows
from modelwright.validation.leak_screening import Sample, as_levels, as_numbers

__all__ = ["ALMOST_PERFECT", "STRONG", "find_single"]

ALMOST_PERFECT = 0.975
STRONG = 0.85
"""Both after DataRobot's target leakage check, which also works with the Gini of one column."""

_ROWS_TO_BE_CERTAIN = 50
_ROWS_TO_TRUST_A_SCORE = 500
_ROWS_PER_LEVEL = 10
_MOST_ERRORS = 0.001
_MOST_UNEXPLAINED = 1e-4
_SURE = 2.0
"""Standard errors by which a score must exceed the bound."""


def find_single(judged: Judged, skip: frozenset[int]) -> list[Suspicion]:
    """Columns that determine the target exactly, or whose score is above .975 beyond doubt.

    Exactly means

    - (classes) its values, or their being missing, tell the class of unseen rows with at most one error in
      1,000, and there are at least 10 rows to a value; or it is a number that parts the classes without
      any error in 500 rows or more;
    - (values) it follows the target, or a function of it that only rises or falls, with R2 above .9999,
      or its values tell the target that exactly, with at least 10 rows to a value.

    Beyond doubt means 500 rows or more, 25 of each class, at least 10 rows to a value of a category (else it
    may name a group whose rows share their target), and two standard errors above the bound (Hanley and
    McNeil, 1982): on the few dozen rows of a small table honest measures part classes too.
    """
    found = []
    for i in np.flatnonzero(judged.scores > STRONG):
        column, score = int(i), float(judged.scores[i])
        if column in skip:
            continue
        exact = (score > ALMOST_PERFECT or not judged.sample.classes) and _determines(judged, column)
        if not exact and not (_beyond_doubt(score, judged.sample) and _often_met(judged, column)):
            continue
        name, target = judged.columns[column].name, judged.target
        how = "tells the target exactly" if exact else "alone predicts the target almost perfectly"
        found.append(
            Suspicion(
                kind="alone",
                members=(column,),
                exclude=(column,),
                what=f"The column {name!r} {how} (score {score:.3f} of 1): it holds {target!r} itself or "
                "something known only after it.",
                evidence={"determines": exact, "examples": example_rows(judged, [column])},
            )
        )
    return found


def _beyond_doubt(score: float, sample: Sample) -> bool:
    if score <= ALMOST_PERFECT or sample.size < _ROWS_TO_TRUST_A_SCORE:
        return False
    if not sample.classes:
        return True
    sizes = np.bincount(sample.target)
    if sizes.min() < _ROWS_TO_BE_CERTAIN // 2:
        return False
    return score - _SURE * 2 * _standard_error((score + 1) / 2, float(sizes.min())) > ALMOST_PERFECT


def _often_met(judged: Judged, position: int) -> bool:
    """Whether the column is a number, or a category of at least 10 rows to a value."""
    if position in judged.measured:
        return True
    levels = judged.levels([position])[0]
    return int(levels.max()) * _ROWS_PER_LEVEL <= judged.sample.size and bool((levels > 0).mean() > 0.5)


def _standard_error(area: float, fewer: float) -> float:
    """Of a ROC AUC, taking as many rows of the other class as of the rarer one (which errs on safety)."""
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (fewer - 1) * (first - area**2) + (fewer - 1) * (second - area**2)
    return float(np.sqrt(max(area * (1 - area) + spread, 0.0)) / fewer)


def _determines(judged: Judged, position: int) -> bool:
    """Whether the column is certain to carry the target itself; see `find_single`."""
    sample = judged.sample
    if sample.size < _ROWS_TO_BE_CERTAIN:
        return False
    values = judged.frame[:, position].alias("values")  # a name may be a pattern to polars
    levels = as_levels(values.to_frame())[0]
    numbers = as_numbers(values.to_frame())[0] if position in judged.measured else None
    missing = values.is_null().to_numpy() if numbers is None else np.isnan(numbers)
    tells = _tells_class if sample.classes else _tells_value
    if (int(levels.max()) + 1) * _ROWS_PER_LEVEL <= sample.size and tells(levels, sample):
        return True
    if missing.any() and tells(missing.astype(np.int64), sample):
        return True
    if numbers is None:
        return False
    return _parts_classes(numbers, sample) if sample.classes else _follows_target(numbers, sample)


def _tells_class(levels: IntArray, sample: Sample) -> bool:
    """Whether the most frequent class of each level, learned on one half, is right on the other."""
    width = int(levels.max()) + 1
    errors = 0
    for half in (0, 1):
        learn, judge = sample.half == half, sample.half != half
        cells = np.bincount(
            levels[learn] * sample.classes + sample.target[learn], minlength=width * sample.classes
        )
        guess = cells.reshape(width, sample.classes).argmax(axis=1)
        errors += int((guess[levels[judge]] != sample.target[judge]).sum())
    return errors <= _MOST_ERRORS * sample.size


def _parts_classes(numbers: FloatArray, sample: Sample) -> bool:
    """Whether thresholds part the classes without any error, in enough rows to be no accident."""
    known = ~np.isnan(numbers)
    if known.mean() < 0.99 or sample.size < _ROWS_TO_TRUST_A_SCORE:
        return False
    if np.bincount(sample.target).min() < _ROWS_TO_BE_CERTAIN // 2:
        return False
    order = np.argsort(numbers[known], kind="stable")
    ordered, target = numbers[known][order], sample.target[known][order]
    changes = target[1:] != target[:-1]
    if (changes & (ordered[1:] == ordered[:-1])).any():
        return False
    return int(changes.sum()) < 2 * sample.classes


def _tells_value(levels: IntArray, sample: Sample) -> bool:
    """Whether the mean of each level, learned on one half, gives the values of the other."""
    width = int(levels.max()) + 1
    unexplained = 0.0
    for half in (0, 1):
        learn, judge = sample.half == half, sample.half != half
        counts = np.bincount(levels[learn], minlength=width)
        sums = np.bincount(levels[learn], sample.target[learn], minlength=width)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), sample.target[learn].mean())
        unexplained += float(np.square(sample.target[judge] - means[levels[judge]]).sum())
    return unexplained < _MOST_UNEXPLAINED * sample.size * float(sample.target.var())


def _follows_target(numbers: FloatArray, sample: Sample) -> bool:
    """Whether the number, or its rank, is a straight line in the target (or in its rank)."""
    known = ~np.isnan(numbers)
    if known.mean() < 0.9:
        return False
    mine, target = numbers[known], sample.target[known]
    pairs = ((mine, target), (_ranks(mine), _ranks(target)))
    return any(_unexplained(*pair) < _MOST_UNEXPLAINED for pair in pairs)


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[inverse])


def _unexplained(first: FloatArray, second: FloatArray) -> float:
    """One minus the squared correlation."""
    a, b = (_scaled(values) for values in (first, second))
    norm = float(a @ a) * float(b @ b)
    return 1.0 - float(a @ b) ** 2 / norm if norm > 0 else 1.0


def _scaled(values: FloatArray) -> FloatArray:
    """Mean 0, and at most 2 in size: squares of huge values would overflow."""
    peak = float(np.abs(values).max())
    scaled = values / (peak if peak > 0 else 1.0)
    return np.asarray(scaled - scaled.mean())
