"""Columns that are left out before anything is fitted: copies, almost constant ones, almost empty ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from modelwright.core import Column, Finding, Role, Schema

__all__ = ["screen_columns"]

SAMPLE = 1_000
"""Rows whose hashes must agree before two columns are compared as a whole."""

MANY_COLUMNS = 100
"""Beyond so many features, almost empty columns are left out: each costs more than it can tell."""

ALMOST_EMPTY = 0.995
ALMOST_CONSTANT = 0.9995

BIG = 10_000
"""Rows from which on "almost constant" means something."""

FEW = 100
"""In a column that is left out as almost constant, at most so many rows are different: more could matter."""

NAMED = 10
"""Findings that name their column; beyond so many of a kind, one more counts the rest."""


def screen_columns(frame: pl.DataFrame, schema: Schema) -> tuple[Schema, tuple[Finding, ...]]:
    """Leave out features that cannot help; the target is not looked at.

    A column is left out if another feature before it holds exactly the same values, if one value (or
    "missing") stands in more than 99.95% of 10,000 rows or more and at most 100 rows differ, or if, in a
    table of more than 100 features, more than 99.5% of its values are missing. Columns of times and
    sensitive columns stay.

    Parameters
    ----------
    frame : polars.DataFrame
        The training rows, typed as the schema says.
    schema : Schema

    Returns
    -------
    schema : Schema
        Those columns with the role `Role.IGNORED` (copies, almost empty) or `Role.CONSTANT`, and the reason.
    findings : tuple of Finding
        One for each column, from the eleventh of a kind on one for all the rest.

    Examples
    --------
    >>> from modelwright.core import Kind
    >>> frame = pl.DataFrame({"cm": [170, 182, 165], "height": [170, 182, 165]})
    >>> schema = Schema((Column("cm", Kind.NUMERIC), Column("height", Kind.NUMERIC)))
    >>> schema, findings = screen_columns(frame, schema)
    >>> [column.name for column in schema.features], findings[0].message
    (['cm'], "Column 'height' holds the same values as 'cm' in all 3 rows.")
    """
    place = {name: position for position, name in enumerate(frame.columns)}
    names = [
        column.name for column in schema.features if column.role == Role.FEATURE and column.name in place
    ]
    # Under a harmless name: polars takes some names for patterns.
    series = {name: frame.to_series(place[name]).alias("values") for name in names}
    found: dict[str, tuple[Role, str, str]] = {}
    if len(schema.features) > MANY_COLUMNS:
        found.update(_almost_empty(series, frame.height))
    if frame.height >= BIG:
        found.update(_almost_constant({n: s for n, s in series.items() if n not in found}, frame.height))
    found.update(_copies({n: s for n, s in series.items() if n not in found}, frame.height))
    columns: list[Column] = []
    for column in schema:
        if column.name in found:
            role, _, reason = found[column.name]
            record = {**vars(column), "role": role, "reason": reason}
            column = Column(**record)
        columns.append(column)
    return Schema(tuple(columns)), tuple(_findings(found))


def _almost_empty(series: dict[str, pl.Series], rows: int) -> Iterator[tuple[str, tuple[Role, str, str]]]:
    for name, values in series.items():
        missing = values.null_count()
        if rows and missing > ALMOST_EMPTY * rows:
            reason = f"is missing in {missing} of {rows} rows"
            yield name, (Role.IGNORED, "almost_empty", reason)


def _almost_constant(series: dict[str, pl.Series], rows: int) -> Iterator[tuple[str, tuple[Role, str, str]]]:
    places = np.linspace(0, rows - 1, 101).astype(np.int64)
    for name, values in series.items():
        if isinstance(values.dtype, pl.List | pl.Array):
            continue
        # What stands in more than 99.95% of the rows stands in most of any hundred of them.
        sample = values.gather(places)
        if sample.n_unique() > 10:
            continue
        common = sample.value_counts(sort=True).row(0)[0]
        same = values.null_count() if common is None else int((values == common).sum() or 0)
        if same > ALMOST_CONSTANT * rows and rows - same <= FEW:
            reason = f"has the same value in {same} of {rows} rows"
            yield name, (Role.CONSTANT, "almost_constant", reason)


def _copies(series: dict[str, pl.Series], rows: int) -> Iterator[tuple[str, tuple[Role, str, str]]]:
    plain = {name: each for name, each in series.items() if not isinstance(each.dtype, pl.List | pl.Array)}
    if rows <= SAMPLE:
        yield from _equal(plain, rows)
        return
    places = np.linspace(0, rows - 1, SAMPLE).astype(np.int64)
    for similar in _alike({name: each.gather(places) for name, each in plain.items()}):
        # Columns that are zero almost everywhere look the same in any sample: all their rows are hashed.
        yield from _equal({name: plain[name] for name in similar}, rows)


def _equal(series: dict[str, pl.Series], rows: int) -> Iterator[tuple[str, tuple[Role, str, str]]]:
    for first, *others in _alike(series):
        for name in others:
            if series[name].equals(series[first], null_equal=True):
                reason = f"holds the same values as {first!r} in all {rows} rows"
                yield name, (Role.IGNORED, "copy", reason)


def _alike(series: dict[str, pl.Series]) -> list[list[str]]:
    """Names of series of one type with the same hash, where there are two or more."""
    groups: dict[tuple[str, int, int], list[str]] = {}
    for name, values in series.items():
        if not len(values):
            continue
        hashes = values.hash().to_numpy()
        # Mixed with the place, so that columns of the same values in another order differ.
        mixed = hashes * np.arange(1, 2 * len(hashes), 2, dtype=np.uint64)
        key = str(values.dtype), values.null_count(), int(mixed.sum(dtype=np.uint64))
        groups.setdefault(key, []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def _findings(found: dict[str, tuple[Role, str, str]]) -> Iterator[Finding]:
    checks: dict[str, list[str]] = {}
    for name, (_, check, _) in found.items():
        checks.setdefault(check, []).append(name)
    for check, names in checks.items():
        for name in names[:NAMED]:
            message = f"Column {name!r} {found[name][2]}."
            yield Finding(check, "excluded", message, name, "It is not used for training.")
        rest = names[NAMED:]
        if rest:
            shown = ", ".join(repr(name) for name in rest[:5])
            yield Finding(
                check,
                "excluded",
                f"{len(rest)} more columns are left out for the same reason: {shown} ...",
                action="They are not used for training; the schema says why, column by column.",
                evidence={"columns": rest[:1000]},
            )
