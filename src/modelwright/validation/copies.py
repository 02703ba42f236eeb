"""A table whose rows mostly stand in it several times: copies of a row are held together as one group."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Finding, IntArray, Problem, Schema, generator
from modelwright.validation.duplicates import comparable, row_codes
from modelwright.validation.near_duplicates import likeness

__all__ = ["copies_as_groups"]

_MOSTLY = 0.5
"""Share of the rows with an exact copy from which on the table was surely repeated. With fewer copies new
data may well bring copies too, and a random split is then what tells the truth."""

_EQUAL = 0.95
"""Likeness of the targets of copies (1: equal)."""

_MORE_THAN_CHANCE = 3
"""Rows of a few columns of few values agree by chance, and those of new data will, too."""

_MOST_CELLS = 20_000_000
"""Groups x classes that the division of groups may count."""


def copies_as_groups(
    frame: pl.DataFrame, schema: Schema, target: NDArray[Any], problem: Problem
) -> tuple[IntArray, Finding] | None:
    """Groups of equal rows, if at least half of the rows have a copy that is one beyond chance.

    A table that was repeated (upsampled, exported twice, joined to itself) makes a random split worthless:
    a model that remembers rows looks perfect. Rows are then divided by what they are copies of.

    Parameters
    ----------
    frame : polars DataFrame
        Features as columns.
    schema : Schema
        Tells which columns are features.
    target : array, shape (rows,) or (rows, outputs)
        Class codes or values.
    problem : Problem
        Resolved.

    Returns
    -------
    (int64 array, shape (rows,), Finding) or None
        The number of the distinct row that each row is, and what to tell about it.

    Examples
    --------
    >>> from modelwright.core import Column, Kind, Task
    >>> frame = pl.DataFrame({"a": list(range(40)) * 2, "b": list(range(40)) * 2})
    >>> schema = Schema((Column("a", Kind.NUMERIC), Column("b", Kind.NUMERIC)))
    >>> problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
    >>> groups, finding = copies_as_groups(frame, schema, np.arange(80) % 2, problem)
    >>> len(set(groups.tolist())), finding.evidence["rows"]
    (40, 80)
    """
    place = {name: i for i, name in enumerate(frame.columns)}
    columns = [column for column in schema.features if column.name in place]
    if not columns or frame.height < 2:
        return None
    features = frame[:, [place[column.name] for column in columns]]
    codes = row_codes(features)
    copies = np.bincount(codes)
    rows = int(copies[copies > 1].sum())
    if rows < _MOSTLY * len(codes) or len(copies) * (len(problem.classes) + 1) > _MOST_CELLS:
        return None
    values, classes = comparable(np.asarray(target), problem)
    order = np.argsort(codes, kind="stable")
    same = np.flatnonzero(codes[order[1:]] == codes[order[:-1]])
    alike = likeness(values, order[same], order[same + 1], classes)
    if alike < _EQUAL or rows < _MORE_THAN_CHANCE * _by_chance(features):
        return None
    return codes, Finding(
        check="copies",
        severity="info",
        message=f"{rows} of {len(codes)} rows have an exact copy in the table ({len(copies)} rows are "
        "different). Copies of a row are never divided between training and validation, and count as one "
        "where intervals are told.",
        evidence={"rows": rows, "distinct_rows": len(copies), "target_likeness": alike},
    )


def _by_chance(features: pl.DataFrame) -> int:
    """Rows that have a copy after each column was shuffled by itself."""
    random = generator(0, "copies")
    mixed = np.zeros(features.height, dtype=np.uint64)
    for position in range(features.width):
        words = features[:, [position]].hash_rows(seed=position).to_numpy()
        mixed += random.permutation(words)
    copies = np.unique(mixed, return_counts=True)[1]
    return int(copies[copies > 1].sum())
