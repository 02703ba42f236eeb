"""A guard before training: columns that alone say what the target is, most likely because they were
written down after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Column, Finding, FloatArray, IntArray, Problem, Role, Schema
from modelwright.validation.leak_screening import (
    Sample,
    as_levels,
    as_numbers,
    draw_sample,
    is_number,
    screen,
)

__all__ = ["find_leaks"]

_ALMOST_PERFECT = 0.975
_STRONG = 0.85
"""Both after DataRobot's target leakage check, which also works with the Gini of one column."""

_FEWEST_ROWS = 30
_ROWS_TO_BE_CERTAIN = 50
_ROWS_TO_TRUST_A_THRESHOLD = 500
_ROWS_PER_LEVEL = 10
_MOST_ERRORS = 0.001
_MOST_UNEXPLAINED = 1e-4
_MOST_FINDINGS = 30


def find_leaks(
    frame: pl.DataFrame, schema: Schema, problem: Problem, target: NDArray[Any], seed: int
) -> list[Finding]:
    """Judge every feature by how well it alone predicts the target, on at most 20,000 rows.

    The score is the normalised Gini (2 AUC - 1; mean of one class against the rest) for classes and a
    rank correlation for values. Levels are learned on one half of the rows and judged on the other, so
    that ids and names do not look like leaks.

    Above .975 a column is reported as a warning; it is excluded only when it is certain to carry the
    target itself, which is when

    - (classes) its values, or their being missing, tell the class of rows not yet seen with at most one
      error in 1,000, and there are at least 10 rows to a value; or it is a number that parts the classes
      without any error in 500 rows or more;
    - (values) it follows the target, or a function of it that only rises or falls, with R2 above .9999,
      or its values tell the target that exactly, with at least 10 rows to a value;
    - and some other feature is left that also predicts the target: where nothing else does, the column
      is more likely what the model is meant to use.

    Between .85 and .975 it is mentioned: strong predictors are usually right.

    Parameters
    ----------
    frame : polars DataFrame
        The table with its features typed.
    schema : Schema
        Tells which columns are features and ids.
    problem : Problem
        Resolved.
    target : array, shape (rows,)
        int64 class codes or float64 values, without missing ones.
    seed : int
        Draws the sample and its halves.

    Returns
    -------
    list of Finding
        Check ``"leak"`` (the worst first; evidence: ``score``, ``determines``) and ``"id"``.

    Examples
    --------
    >>> from modelwright.core import Kind, Task
    >>> random = np.random.default_rng(0)
    >>> target = random.integers(0, 2, 400)
    >>> frame = pl.DataFrame({"age": target + random.normal(size=400), "closed": np.where(target, "y", "n")})
    >>> schema = Schema((Column("age", Kind.NUMERIC), Column("closed", Kind.CATEGORICAL)))
    >>> problem = Problem.of("churn").resolved(Task.BINARY, "roc_auc", ("no", "yes"))
    >>> [(finding.column, finding.severity) for finding in find_leaks(frame, schema, problem, target, 0)]
    [('closed', 'excluded')]
    """
    findings = _ids(schema)
    there = set(frame.columns)
    columns = [column for column in schema.features if column.name in there]
    sample = draw_sample(np.asarray(target), problem.task.is_classification, seed)
    if not columns or sample.size < _FEWEST_ROWS or len(np.unique(sample.target)) < 2:
        return findings
    taken = frame.select([column.name for column in columns])[sample.rows]
    scores = screen(taken, columns, sample)
    suspects = np.flatnonzero(scores > _ALMOST_PERFECT)
    certain = np.array(
        [i for i in suspects if _determines(columns[i], taken[columns[i].name], sample)], dtype=np.int64
    )
    return [*_report(columns, scores, certain, sample), *findings]


def _ids(schema: Schema) -> list[Finding]:
    return [
        Finding(
            check="id",
            severity="info",
            message=f"The column {column.name!r} identifies rows. {column.reason}".strip(),
            column=column.name,
            action="It is not used to predict.",
        )
        for column in schema
        if column.role is Role.ID
    ]


def _report(columns: list[Column], scores: FloatArray, certain: IntArray, sample: Sample) -> list[Finding]:
    others = np.delete(scores, certain)
    noise = max(0.1, 4 / np.sqrt(sample.size))
    excludes = bool(len(others)) and float(others.max()) > noise
    determining = set(certain.tolist())
    order = [int(i) for i in np.argsort(-scores, kind="stable") if scores[i] > _STRONG]
    order.sort(key=lambda i: i not in determining)
    shown = order[: max(_MOST_FINDINGS, len(certain))]
    found = [_finding(columns[i], float(scores[i]), i in determining, excludes) for i in shown]
    if len(order) > len(shown):
        found.append(
            Finding(
                check="leak",
                severity="info",
                message=f"{len(order) - len(shown)} more columns alone predict the target with a score "
                f"above {_STRONG}.",
                evidence={"columns": [columns[i].name for i in order[len(shown) :][:100]]},
            )
        )
    return found


def _finding(column: Column, score: float, determines: bool, excludes: bool) -> Finding:
    evidence = {"score": round(score, 4), "determines": determines}
    if determines and excludes:
        return Finding(
            "leak",
            "excluded",
            f"The column {column.name!r} tells the target exactly (score {score:.3f} of 1): it holds the "
            "target itself or something known only after it.",
            column.name,
            f"It is not used. If it is known when predictions are made, keep it by naming its role: "
            f"{column.name}=feature.",
            evidence,
        )
    if score > _ALMOST_PERFECT:
        reason = " No other column predicts the target, so it is kept." if determines else ""
        return Finding(
            "leak",
            "warning",
            f"The column {column.name!r} alone predicts the target almost perfectly (score {score:.3f} "
            f"of 1).{reason} Is it known when predictions are made?",
            column.name,
            f"It is used. If it is not known then, leave it out: {column.name}=ignored.",
            evidence,
        )
    return Finding(
        "leak",
        "info",
        f"The column {column.name!r} alone predicts the target well (score {score:.3f} of 1).",
        column.name,
        "",
        evidence,
    )


def _determines(column: Column, values: pl.Series, sample: Sample) -> bool:
    """Whether the column is certain to carry the target itself; see `find_leaks`."""
    if sample.size < _ROWS_TO_BE_CERTAIN:
        return False
    levels = as_levels(values.to_frame())[0]
    numbers = as_numbers(values.to_frame())[0] if is_number(column, values.dtype) else None
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
    if known.mean() < 0.99 or sample.size < _ROWS_TO_TRUST_A_THRESHOLD:
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
    a, b = first - first.mean(), second - second.mean()
    norm = float(a @ a) * float(b @ b)
    return 1.0 - float(a @ b) ** 2 / norm if norm > 0 else 1.0
