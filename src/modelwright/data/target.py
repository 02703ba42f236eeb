"""The target: which task it poses, which rows can be used, and as which numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Column, Finding, Kind, Label, Problem, TargetError, Task
from modelwright.data.column_roles import check_problem_columns
from modelwright.data.labels import class_labels, label_codes, refuse_class_options, with_classes
from modelwright.data.table import Table

__all__ = ["ResolvedTarget", "infer_task", "resolve_target"]

MAX_CLASSES = 1000
MAX_INTEGER_CLASSES = 20
MIN_ROWS = 5


@dataclass(frozen=True)
class ResolvedTarget:
    """What is to be learned, row by row.

    Attributes
    ----------
    problem : Problem
        With its task and classes; the metric is as it was.
    target : int64 or float64 array, shape (kept rows,)
        Class codes, or values; shape (kept rows, labels) of codes 0 and 1 for a multilabel task.
    rows : int64 array, shape (kept rows,)
        Which rows of the table are kept, ascending.
    weights : float64 array or None
        Of the kept rows.
    groups : int64 array or None
        Group codes of the kept rows; a row without a group is a group of its own.
    times : int64 array or None
        Numbers in the order of time: microseconds since 1970 for dates, the values themselves for whole
        numbers, ranks for other numbers.
    findings : tuple of Finding
        Rows left out, the choice of the task, rare classes.
    """

    problem: Problem
    target: NDArray[Any]
    rows: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    groups: NDArray[np.int64] | None
    times: NDArray[np.int64] | None
    findings: tuple[Finding, ...]


def resolve_target(table: Table, problem: Problem) -> ResolvedTarget:
    """Find the task, drop the rows that cannot be learned from, and turn labels into codes.

    See `infer_task` for the rule behind ``auto``.

    Raises
    ------
    TargetError
        If there is no such column, every value is missing or the same, too few rows are left, or the
        values do not fit the task.

    Examples
    --------
    >>> from modelwright.data.read import read_table
    >>> table = read_table({"x": [1.5, 2, 3, 4, 5, 6], "y": ["no", "yes", None, "no", "yes", "no"]})
    >>> found = resolve_target(table, Problem.of("y"))
    >>> str(found.problem.task), found.problem.classes, found.target.tolist(), found.rows.tolist()
    ('binary', ('no', 'yes'), [0, 1, 0, 1, 0], [0, 1, 3, 4, 5])
    """
    check_problem_columns(problem, table.frame.columns)
    kept, findings = _usable_rows(table, problem)
    if problem.labels:
        known, target = _resolve_labels(table, problem, kept)
    else:
        known, target, noticed = _resolve_one(table, problem, kept)
        findings += noticed
    rows = np.flatnonzero(kept.to_numpy()).astype(np.int64)
    weights = None
    if problem.weights is not None:
        weights = _values(table, problem.weights).cast(pl.Float64).to_numpy()[rows].astype(np.float64)
    return ResolvedTarget(
        problem=known,
        target=target,
        rows=rows,
        weights=weights,
        groups=None if problem.group is None else _groups(_values(table, problem.group).filter(kept)),
        times=None
        if problem.time_column is None
        else _times(_values(table, problem.time_column).filter(kept)),
        findings=tuple(findings),
    )


def _resolve_one(
    table: Table, problem: Problem, kept: pl.Series
) -> tuple[Problem, NDArray[Any], list[Finding]]:
    """A single target: its task, its classes if it has any, and the kept rows as numbers."""
    column = table.schema[problem.target]
    values = _values(table, problem.target)
    present = values.filter(kept)
    _check_enough(present, values, column)
    task, finding = infer_task(present, column, problem.task)
    findings = [] if finding is None else [finding]
    known = replace(problem, task=task)
    if not task.is_classification:
        refuse_class_options(known)
        return known, present.cast(pl.Float64).to_numpy().astype(np.float64), findings
    classes = class_labels(present, column)
    known = with_classes(known, classes, ordered=column.kind is Kind.NUMERIC and len(classes) > 2)
    target = label_codes(present, column, known.classes).to_numpy().astype(np.int64)
    return known, target, findings + _rare_classes(target, known.classes, column.name)


def _resolve_labels(table: Table, problem: Problem, kept: pl.Series) -> tuple[Problem, NDArray[Any]]:
    """Several targets, each with two classes: a column of 0 and 1 for each."""
    refuse_class_options(problem)
    pairs: list[tuple[Label, Label]] = []
    codes: list[NDArray[np.int64]] = []
    for name in problem.labels:
        column, values = table.schema[name], _values(table, name)
        present = values.filter(kept)
        _check_enough(present, values, column)
        classes = class_labels(present, column)
        if len(classes) != 2:
            raise TargetError(
                f"Each of several targets needs two classes, but {name!r} has {len(classes)}: "
                f"{_some(present, 10)}. Train a model of its own for it."
            )
        pairs.append((classes[0], classes[1]))
        codes.append(label_codes(present, column, classes).to_numpy().astype(np.int64))
    known = replace(problem, task=Task.MULTILABEL, label_classes=tuple(pairs))
    return known, np.column_stack(codes)


def _values(table: Table, name: str) -> pl.Series:
    # A name like ^a.*$ is a pattern to polars, even in methods of a series that bears it.
    return table.frame[name].alias("values")


def _usable_rows(table: Table, problem: Problem) -> tuple[pl.Series, list[Finding]]:
    """Rows with every target, with a time if rows are ordered by one, and of some weight if they have any."""
    values = _values(table, problem.target)
    kept = values.is_not_null()
    for name in problem.targets[1:]:
        kept = kept & _values(table, name).is_not_null()
    findings = []
    missing = len(values) - int(kept.sum())
    if missing:
        share = missing / len(values)
        what = "no target" if not problem.labels else "no value of some target"
        message = f"{missing} of {len(values)} rows ({share:.1%}) have {what} and are left out."
        evidence = {"rows": missing}
        findings.append(Finding("missing_target", "excluded", message, problem.target, "", evidence))
    if problem.time_column is not None:
        timeless = kept & _values(table, problem.time_column).is_null()
        count = int(timeless.sum())
        if count:
            kept = kept & ~timeless
            message = (
                f"{count} rows have no value of {problem.time_column!r}, so they cannot be put in order, and "
                "are left out."
            )
            findings.append(
                Finding("missing_time", "excluded", message, problem.time_column, "", {"rows": count})
            )
    if problem.weights is not None:
        kept, weightless = _of_some_weight(kept, _values(table, problem.weights), problem.weights)
        findings += weightless
    return kept, findings


def _of_some_weight(kept: pl.Series, weights: pl.Series, name: str) -> tuple[pl.Series, list[Finding]]:
    """The kept rows that count: those of weight zero would leave folds with nothing to learn from."""
    heavy = kept & (weights > 0)
    count, left = int(heavy.sum()), int(kept.sum())
    if count == left:
        return kept, []
    if count < MIN_ROWS:
        raise TargetError(
            f"Only {count} rows that have a target have a weight above zero in {name!r}; training needs at "
            f"least {MIN_ROWS}."
        )
    message = f"{left - count} rows have the weight zero in {name!r} and are left out."
    return heavy, [Finding("zero_weight", "excluded", message, name, "", {"rows": left - count})]


def _check_enough(present: pl.Series, values: pl.Series, column: Column) -> None:
    name = column.name
    if values.null_count() == len(values):
        raise TargetError(
            f"Every value of the target {name!r} is missing. Name another column as the target."
        )
    if len(present) < MIN_ROWS:
        raise TargetError(
            f"Only {len(present)} rows have a value of the target {name!r}; training needs at least "
            f"{MIN_ROWS}."
        )
    if present.n_unique() < 2:
        raise TargetError(
            f"Every value of the target {name!r} is {_some(present, 1)}, so there is nothing to learn. "
            "At least two different values are needed."
        )


def infer_task(present: pl.Series, column: Column, task: Task) -> tuple[Task, Finding | None]:
    """The task of a target column.

    The rule behind ``auto``: text, categories and booleans are classes. Numbers with a fractional part are
    values. Whole numbers are classes if there are two of them, or at most 20 and at most one for every 20
    rows (at most 5 in small tables, with 4 rows each on average); else they are values. Two classes make a
    binary task, more a multiclass one. When whole numbers become classes, a finding says how to have it
    otherwise.

    Parameters
    ----------
    present : polars.Series
        The values of the target, without nulls.
    column : Column
        The target column.
    task : Task
        What the caller asked for.

    Returns
    -------
    Task, Finding or None
        The real task, and what the user should know about the choice.

    Raises
    ------
    TargetError
        If the values do not fit the task.
    """
    distinct = present.n_unique()
    if task is Task.MULTILABEL:
        raise TargetError(
            f"A multilabel task needs several target columns, but only {column.name!r} came. Name each of "
            "them, or use the task 'auto'."
        )
    if task in (Task.REGRESSION, Task.QUANTILE):
        if column.kind is not Kind.NUMERIC:
            raise TargetError(
                f"{str(task).capitalize()} needs numbers, but the target {column.name!r} is {column.kind} "
                f"({_some(present)}). Use the task 'auto', or correct the values."
            )
        return task, None
    if column.kind in (Kind.LIST, Kind.COORDINATES):
        raise TargetError(
            f"Each value of the target {column.name!r} is several ({_some(present)}), which cannot be "
            "learned as one. Give a column with one value for each row."
        )
    if column.kind is Kind.DATETIME:
        raise TargetError(
            f"The target {column.name!r} is a date ({_some(present)}), which cannot be predicted as such. "
            "Give a number, such as the days since an event."
        )
    finding = None
    if task is Task.AUTO:
        if column.kind is Kind.NUMERIC and not _are_classes(present, distinct):
            return Task.REGRESSION, None
        if column.kind is Kind.NUMERIC:
            message = (
                f"The target {column.name!r} is a whole number with {distinct} different values, which are "
                "taken as classes."
            )
            finding = Finding("task", "info", message, column.name, "Use --task regression for values.")
    if task is Task.BINARY and distinct != 2:
        raise TargetError(
            f"A binary task needs two classes, but the target {column.name!r} has {distinct}: "
            f"{_some(present, 10)}. Use the task 'multiclass' or 'auto'."
        )
    rows = len(present)
    if distinct > MAX_CLASSES or (distinct > 0.5 * rows and distinct > 10):
        switch = " Use the task 'regression' for values." if column.kind is Kind.NUMERIC else ""
        raise TargetError(
            f"The target {column.name!r} has {distinct} different values in {rows} rows ({_some(present)}), "
            f"so it looks like an id or free text, not like classes (at most {MAX_CLASSES}).{switch}"
        )
    return (Task.BINARY if distinct == 2 else Task.MULTICLASS), finding


def _are_classes(present: pl.Series, distinct: int) -> bool:
    if present.dtype == pl.Float64 and not (present == present.floor()).all():
        return False
    rows = len(present)
    if distinct == 2:
        return True
    return (distinct <= MAX_INTEGER_CLASSES and 20 * distinct <= rows) or (
        distinct <= 5 and 4 * distinct <= rows
    )


def _some(present: pl.Series, count: int = 3) -> str:
    values = present.unique().sort().head(count).to_list()
    return ", ".join(value.isoformat(" ") if isinstance(value, datetime) else repr(value) for value in values)


def _rare_classes(target: NDArray[np.int64], classes: tuple[Label, ...], name: str) -> list[Finding]:
    counts = np.bincount(target, minlength=len(classes))
    single = [classes[code] for code in np.flatnonzero(counts == 1)]
    if not single:
        return []
    listed = ", ".join(repr(label) for label in single[:5])
    message = f"{len(single)} classes of {name!r} have one row only ({listed}); they cannot be validated."
    evidence = {"classes": single[:50], "count": len(single)}
    return [Finding("rare_class", "warning", message, name, "They are used for training only.", evidence)]


def _groups(values: pl.Series) -> NDArray[np.int64]:
    codes = values.rank("dense").cast(pl.Int64)
    start = values.n_unique() - (values.null_count() > 0) + 1
    missing = codes.is_null()
    alone = missing.cast(pl.Int64).cum_sum() + start - 1
    filled: NDArray[np.int64] = codes.zip_with(~missing, alone).to_numpy().astype(np.int64) - 1
    return filled


def _times(values: pl.Series) -> NDArray[np.int64]:
    if values.dtype == pl.Datetime:
        numbers = values.to_physical()
    elif values.dtype == pl.Int64 or (
        (values == values.floor()).all() and float(values.abs().max() or 0) < 2**53  # type: ignore[arg-type]
    ):
        numbers = values.cast(pl.Int64)
    else:
        numbers = values.rank("dense").cast(pl.Int64)
    times: NDArray[np.int64] = numbers.to_numpy().astype(np.int64)
    return times
