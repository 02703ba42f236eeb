"""A guard before training: columns that say what the target is, alone or together, most likely because
they were written down after it; and orders and times of rows that a random split would be fooled by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Finding, Problem, Role, Schema, Task
from modelwright.validation.hidden_groups import find_groups
from modelwright.validation.leak_combinations import find_combinations, find_cuts
from modelwright.validation.leak_evidence import Judged, Suspicion
from modelwright.validation.leak_formulas import find_formulas
from modelwright.validation.leak_identities import find_identities
from modelwright.validation.leak_levels import find_one_class_levels
from modelwright.validation.leak_report import report
from modelwright.validation.leak_screening import SAMPLE_ROWS, draw_sample, screen
from modelwright.validation.leak_single import find_single
from modelwright.validation.row_order import find_order_leaks

__all__ = ["find_leaks"]

_FEWEST_ROWS = 30
_MOST_LABELS = 20
_HUGE = 1e100
"""Squares of larger values overflow; a target of such values is judged in units of its largest."""

_SEVERITIES = {"excluded": 0, "warning": 1, "info": 2}


def find_leaks(
    frame: pl.DataFrame,
    schema: Schema,
    problem: Problem,
    target: NDArray[Any],
    seed: int,
    keep: frozenset[str] = frozenset(),
    most_rows: int = SAMPLE_ROWS,
) -> list[Finding]:
    """Judge by at most 20,000 rows (or ``most_rows``) whether columns give the target away.

    Columns are excluded when they determine the target, or nearly:

    - one alone, with a score above .975 (see `modelwright.validation.leak_single`). The score is twice the
      concordance minus 1: the normalised Gini (2 AUC - 1; mean of one class against the rest) for classes,
      Kendall's tau for values. From .85 on a column is a warning.
    - bands, grades and recodings of a numeric target (`find_cuts`);
    - two or three numbers whose sum, difference, product or ratio is the target (`find_identities`);
    - a product or quotient that the target follows along some curve, if need be apart for each value of a
      third column (`find_formulas`);
    - two or three columns of few values that together determine a class (`find_combinations`);

    and only if some other feature is left that also predicts the target: where nothing else does, they are
    more likely what the model is meant to use, and a warning. Warnings alone are given for values that
    occur with one class only, for rows whose order or time tells the target, for ids that do, for columns
    that look like groups, and for dates that are later than the time of the prediction.

    Parameters
    ----------
    frame : polars DataFrame
        The training rows in the order of the table, with typed features.
    schema : Schema
        Tells which columns are features and ids.
    problem : Problem
        Resolved.
    target : array, shape (rows,) or (rows, outputs)
        int64 class codes or float64 values. For a multilabel task one column for each label; rows
        whose target is missing are not looked at.
    seed : int
        Draws the sample and its halves. Equal seeds give equal findings.
    keep : frozenset of str, default empty
        Columns that are never excluded; what is found of them is a warning.
    most_rows : int, default 20000
        Rows to judge by, where time is short and columns are many.

    Returns
    -------
    list of Finding
        The worst first. Checks: ``"leak"`` (evidence: ``kind``, ``score``, ``columns``, examples),
        ``"one_class_level"``, ``"row_order"``, ``"id_predicts"``, ``"time_drift"``, ``"late_dates"``,
        ``"groups"`` and ``"id"``.

    Examples
    --------
    >>> from modelwright.core import Column, Kind
    >>> random = np.random.default_rng(0)
    >>> target = random.integers(0, 2, 400)
    >>> frame = pl.DataFrame({"age": target + random.normal(size=400), "closed": np.where(target, "y", "n")})
    >>> schema = Schema((Column("age", Kind.NUMERIC), Column("closed", Kind.CATEGORICAL)))
    >>> problem = Problem.of("churn").resolved(Task.BINARY, "roc_auc", ("no", "yes"))
    >>> [(finding.column, finding.severity) for finding in find_leaks(frame, schema, problem, target, 0)]
    [('closed', 'excluded')]
    >>> found = find_leaks(frame, schema, problem, target, 0, keep=frozenset({"closed"}))
    >>> [(finding.column, finding.severity) for finding in found]
    [('closed', 'warning')]
    """
    found: list[Finding] = []
    parts = list(_outputs(problem, np.asarray(target)))
    for part, values in parts:
        known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=np.bool_)
        whole = bool(known.all())
        rows = frame if whole else frame.filter(pl.Series(known))
        found += _of_one_output(
            rows, schema, part, values if whole else values[known], (seed, keep, most_rows)
        )
    gone = {finding.column for finding in found if finding.severity == "excluded"}
    left = Schema(tuple(column for column in schema if column.name not in gone))
    first, values = parts[0]
    if np.isfinite(values).all():
        whole_numbers = values.astype(np.int64) if first.task.is_classification else values
        found += find_groups(frame, left, first, whole_numbers, seed)
    return [*_worst_of_each(found), *_ids(schema)]


def _outputs(problem: Problem, target: NDArray[Any]) -> Iterator[tuple[Problem, NDArray[Any]]]:
    """Each label with its column of the target; anything else is one output."""
    if problem.task is Task.MULTILABEL and target.ndim == 2:
        for position in range(min(target.shape[1], _MOST_LABELS)):
            yield problem.output(position), target[:, position]
    else:
        yield problem, target[:, 0] if target.ndim == 2 else target


def _of_one_output(
    frame: pl.DataFrame,
    schema: Schema,
    problem: Problem,
    target: NDArray[Any],
    chosen: tuple[int, frozenset[str], int],
) -> list[Finding]:
    seed, keep, most_rows = chosen
    classes = problem.task.is_classification
    target = target.astype(np.int64 if classes else np.float64, copy=False)
    peak = 0.0 if classes or not len(target) else float(np.abs(target).max())
    if peak > _HUGE:
        target = target / peak
    sample = draw_sample(target, classes, seed, most_rows)
    if sample.size < _FEWEST_ROWS or len(np.unique(sample.target)) < 2:
        return []
    place = {name: i for i, name in enumerate(frame.columns)}
    columns = [column for column in schema.features if column.name in place]
    if not columns:
        return []
    taken = frame[:, [place[column.name] for column in columns]][sample.rows]
    taken.columns = [f"c{i}" for i in range(len(columns))]
    labels = tuple(
        problem.classes[code] if code < len(problem.classes) else int(code)
        for code in (np.unique(target) if classes else ())
    )
    judged = Judged(columns, taken, sample, screen(taken, columns, sample), problem.target, labels)
    suspicions = _suspicions(judged)
    gone = frozenset(i for suspicion in suspicions for i in suspicion.exclude)
    names_gone = {columns[i].name for i in gone}
    left = Schema(tuple(column for column in schema if column.name not in names_gone))
    return [
        *report(judged, suspicions, keep),
        *find_one_class_levels(judged, gone),
        *find_order_leaks(frame, left, problem, judged, target),
    ]


def _suspicions(judged: Judged) -> list[Suspicion]:
    """What each search finds among the columns that those before it left."""
    found: list[Suspicion] = []
    numeric = () if judged.sample.classes else (find_cuts, find_identities, find_formulas)
    for search in (find_single, *numeric, find_combinations):
        found += search(judged, frozenset(i for suspicion in found for i in suspicion.exclude))
    return found


def _worst_of_each(findings: list[Finding]) -> list[Finding]:
    """The gravest finding of each check and column: labels of one table share most of theirs."""
    kept: dict[tuple[str, str | None, str], Finding] = {}
    for finding in findings:
        key = (finding.check, finding.column, "" if finding.column else finding.message)
        old = kept.get(key)
        if old is None or _SEVERITIES[finding.severity] < _SEVERITIES[old.severity]:
            kept[key] = finding
    return sorted(kept.values(), key=lambda finding: _SEVERITIES[finding.severity])


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
