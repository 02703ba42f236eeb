"""Rows that stand in the table twice: a copy in training makes the score of a validation row too good."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Finding, IntArray, Problem, Schema
from modelwright.validation.folds import Folds
from modelwright.validation.near_duplicates import find_near_duplicates, likeness

__all__ = ["comparable", "find_duplicates", "row_codes"]

_WORRYING_SHARE = 0.01
"""Share of validated rows with a copy in training from which the scores may be flattered."""

_MORE_THAN_CHANCE = 0.05
"""Likeness of the targets of copies from which a model gains by remembering them."""


def find_duplicates(
    frame: pl.DataFrame,
    schema: Schema,
    target: NDArray[Any],
    folds: Folds,
    problem: Problem | None = None,
) -> list[Finding]:
    """Find rows with the same features: copies in different folds, and copies with different targets;
    and rows that are nearly the same (see `find_near_duplicates`).

    Parameters
    ----------
    frame : polars DataFrame
        The table, features as columns.
    schema : Schema
        Tells which columns are features.
    target : array, shape (rows,) or (rows, outputs)
        Class codes or values; several labels of a row count as one.
    folds : Folds
        How the rows will be validated.
    problem : Problem, optional
        Names the target column and the group, and says whether the target has classes (without it:
        whether it is made of whole numbers).

    Returns
    -------
    list of Finding
        At most one with check ``"duplicates"`` (evidence: ``rows``, ``crossing_rows``,
        ``validated_rows``, ``target_likeness``, ``examples``: pairs of row numbers), one with
        ``"near_duplicates"`` and one with ``"conflicting_targets"`` (evidence: ``rows``, ``groups``).
        Severity is ``"warning"`` from 1% of the rows on, else ``"info"``; copies whose targets are no
        more alike than those of any rows are ``"info"`` too.

    Examples
    --------
    >>> from modelwright.core import Column, Kind
    >>> frame = pl.DataFrame({"x": [1, 1, 2, 3]})
    >>> folds = Folds((np.array([1, 3]), np.array([0, 2])), (np.array([0, 2]), np.array([1, 3])), "kfold", "")
    >>> schema = Schema((Column("x", Kind.NUMERIC),))
    >>> [finding.check for finding in find_duplicates(frame, schema, np.array([0, 1, 0, 1]), folds)]
    ['duplicates', 'conflicting_targets']
    """
    place = {name: i for i, name in enumerate(frame.columns)}
    columns = [column for column in schema.features if column.name in place]
    if not columns or not frame.height:
        return []
    features = frame[:, [place[column.name] for column in columns]]
    values, classes = comparable(np.asarray(target), problem)
    group = problem.group if problem else None
    near = find_near_duplicates(features, columns, values, folds, classes, group)
    codes = row_codes(features)
    copies = np.bincount(codes)
    if copies.max() == 1:
        return near
    exact = _crossing(codes, copies, folds, (values, classes), group)
    return [*exact, *near, *_conflicting(codes, copies, values, problem)]


def comparable(target: NDArray[Any], problem: Problem | None) -> tuple[NDArray[Any], bool]:
    """One value a row, and whether it is a class; the labels of a row together are one."""
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.ndim == 2:
        return np.unique(target, axis=0, return_inverse=True)[1].ravel().astype(np.int64), True
    classes = problem.task.is_classification if problem else target.dtype.kind in "iub"
    return (target.astype(np.int64) if classes else target.astype(np.float64)), classes


def row_codes(features: pl.DataFrame) -> IntArray:
    """A number for each row, equal for rows with equal features (64-bit hashes: collisions do not happen)."""
    hashes = features.hash_rows(seed=0).to_numpy()
    return np.unique(hashes, return_inverse=True)[1].astype(np.int64)


def _crossing(
    codes: IntArray,
    copies: IntArray,
    folds: Folds,
    scored: tuple[NDArray[Any], bool],
    group: str | None,
) -> list[Finding]:
    crossing = validated = 0
    for train, valid in zip(folds.train, folds.valid):
        learned = np.zeros(len(copies), dtype=np.bool_)
        learned[codes[train]] = True
        crossing += int(learned[codes[valid]].sum())
        validated += len(valid)
    if not crossing:
        return []
    rows = int(copies[copies > 1].sum())
    share = crossing / max(validated, 1)
    order = np.argsort(codes, kind="stable")
    same = np.flatnonzero(codes[order[1:]] == codes[order[:-1]])
    first, second = order[same], order[same + 1]
    alike = likeness(scored[0], first, second, scored[1])
    flatters = share >= _WORRYING_SHARE and alike >= _MORE_THAN_CHANCE
    remembered = (
        f"Targets of copies are alike by {alike:.2f} (0 is chance, 1 is equal): that much of those rows can "
        "be scored by remembering."
        if alike >= _MORE_THAN_CHANCE
        else "Targets of copies are no more alike than those of any rows: remembering them flatters no score."
    )
    hold = (
        "name a group column that holds them together (--group)"
        if group is None
        else f"name a group column that holds them together, which {group!r} does not"
    )
    return [
        Finding(
            check="duplicates",
            severity="warning" if flatters else "info",
            message=f"{rows} rows have an exact copy of their features in the table; {crossing} of "
            f"{validated} validated rows ({share:.1%}) have one in the rows their model learned from. "
            f"{remembered}",
            action=f"Scores may be too good if new data brings no such copies: remove the copies, or {hold}."
            if flatters
            else "",
            evidence={
                "rows": rows,
                "crossing_rows": crossing,
                "validated_rows": validated,
                "target_likeness": alike,
                "examples": [[int(a), int(b)] for a, b in zip(first[:3], second[:3])],
            },
        )
    ]


def _conflicting(
    codes: IntArray, copies: IntArray, target: NDArray[Any], problem: Problem | None
) -> list[Finding]:
    low = np.full(len(copies), np.inf)
    high = np.full(len(copies), -np.inf)
    np.minimum.at(low, codes, target)
    np.maximum.at(high, codes, target)
    differs = high > low
    if not differs.any():
        return []
    groups, rows = int(differs.sum()), int(copies[differs].sum())
    return [
        Finding(
            check="conflicting_targets",
            severity="warning" if rows / len(codes) >= _WORRYING_SHARE else "info",
            message=f"{rows} rows share all their features with a row that has another target "
            f"({groups} sets of equal rows): no model can get all of them right.",
            column=problem.target if problem else None,
            evidence={"rows": rows, "groups": groups},
        )
    ]
