"""Anything -> `Table`: find the source, type every column once, give each its role."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from modelwright.core import Column, DataError, Finding, Kind, ModelwrightError, Problem, Role, Schema, Task
from modelwright.data.column_roles import check_problem_columns, find_role, split_overrides
from modelwright.data.find_source import find_source
from modelwright.data.known_levels import known_levels
from modelwright.data.parts import resolve_source
from modelwright.data.statistics import column_statistics
from modelwright.data.table import RawTable, Table
from modelwright.data.typed_column import TypedColumn
from modelwright.data.typing_rules import TypingOptions, type_columns

__all__ = ["read_raw", "read_table"]

_USED = (Role.FEATURE, Role.SENSITIVE, Role.TIME)
_HEAVIEST = 1e100
"""Products of two sums of such weights are finite still."""


def read_raw(source: Any, wanted: Collection[str] | None = None) -> RawTable:
    """Read anything as a table without typing it.

    Parameters
    ----------
    source : path, paths, address, query, frame, mapping, records or array
        See `read_table`.
    wanted : collection of str or None
        The only columns that matter; None reads all and hashes the content.

    Raises
    ------
    DataError
        If it cannot be read as a table.
    OptionError
        If it is the address of a database without a query.
    MissingExtra
        If its format needs a package that is not installed.
    """
    found = resolve_source(source)
    reader = find_source(found)
    try:
        return reader.read(found, wanted)
    except ModelwrightError:
        raise
    except Exception as error:
        package = type(reader).__module__.partition(".")[0]
        if package == "modelwright":
            raise
        raise DataError(
            f"The source {type(reader).__name__!r} of the package {package!r} could not read the table "
            f"({type(error).__name__}: {error}). Mend that package, or give the table in another format."
        ) from error


def read_table(
    source: Any,
    *,
    overrides: Mapping[str, str] | None = None,
    problem: Problem | None = None,
    messy: bool = True,
) -> Table:
    """Read anything as a typed table.

    Parameters
    ----------
    source : path, paths, address, query, frame, mapping, records or array
        Path of a file: CSV (``.csv``, ``.tsv``, ``.txt``) or JSON (``.jsonl``, ``.json``), also as ``.gz``
        or ``.zst``; Parquet; Arrow; Excel (``book.xlsx``, ``book.xlsx#Sheet2``). Several files of one
        kind with equal columns: a folder, a pattern (``part-*.csv``) or a list of paths. A `SqlQuery`. A
        pandas, polars or pyarrow table, or any that narwhals reads; a dict of lists; a list of records; a
        two-dimensional numpy array (its columns are named c0, c1, ...).
    overrides : mapping of str to str or None
        Column name to a kind (numeric, categorical, boolean, datetime, text, list, coordinates) or a role
        (feature, id, ignored, sensitive), where the inference would be wrong.
    problem : Problem or None
        The columns it names get their roles.
    messy : bool
        Whether to look for numbers in disguise (``1,248 CC``), marks for missing (-999), integer codes, spans
        of time, places, lists and misspelled levels.

    Raises
    ------
    DataError
        If it cannot be read as a table, or a column that the problem names is missing or unusable.
    TargetError
        If there is no such target.
    OptionError
        If an override names no column or no kind, or the values cannot be of that kind.

    Examples
    --------
    >>> table = read_table({"age": [30, 40, None], "city": ["Rome", "Oslo", "Rome"]})
    >>> [(column.name, str(column.kind)) for column in table.schema]
    [('age', 'numeric'), ('city', 'categorical')]
    """
    raw = read_raw(source)
    names = raw.frame.columns
    if not names:
        raise DataError("Expected a table with columns, but it has none.")
    if raw.info.rows == 0:
        raise DataError(
            f"{_place(raw)} has a header ({', '.join(names[:8])}) but no rows. Training needs rows."
        )
    kinds, roles = split_overrides(overrides, names)
    if problem is not None:
        check_problem_columns(problem, names, roles)
    typed = _type_all(raw, kinds, problem, messy)
    statistics = column_statistics(typed)
    findings = list(raw.findings)
    columns = []
    for name, column in typed.items():
        findings.extend(column.findings)
        described, noticed = _describe(name, column, statistics[name], roles, kinds, problem)
        columns.append(described)
        findings.extend(noticed)
    said = roles if problem is not None else {}
    left_out = {name: role for name, role in said.items() if role in (Role.IGNORED, Role.ID)}
    schema, findings = _keep_something(Schema(tuple(columns)), findings, left_out)
    frame = pl.DataFrame([column.values for column in typed.values()])
    return Table(frame, schema, raw.info, tuple(findings))


def _place(raw: RawTable) -> str:
    return repr(raw.info.location) if raw.info.location else f"The {raw.info.kind} table"


def _type_all(
    raw: RawTable, kinds: Mapping[str, Kind], problem: Problem | None, messy: bool
) -> dict[str, TypedColumn]:
    protected: list[str] = []
    if problem is not None:
        named = (*problem.targets, problem.group, problem.weights)
        protected = [name for name in named if name is not None]
    task = Task.REGRESSION if problem is None else problem.task
    values = task in (Task.REGRESSION, Task.QUANTILE)
    options = TypingOptions(
        kinds,
        raw.decimal_comma,
        messy,
        protected,
        labels=() if problem is None or values else problem.targets,
        classification=not values and task is not Task.AUTO,
    )
    typed = type_columns(raw.frame, options)
    for name, levels in raw.levels.items():
        if typed[name].kind is Kind.CATEGORICAL:
            typed[name].parsing["levels"] = levels
    if problem is None:
        return typed
    if problem.time_column is not None:
        _need(typed, problem.time_column, "time", (Kind.NUMERIC, Kind.DATETIME), "a date or a number")
    if problem.group is not None and typed[problem.group].kind in (Kind.LIST, Kind.COORDINATES):
        single = tuple(kind for kind in Kind if kind not in (Kind.LIST, Kind.COORDINATES))
        _need(typed, problem.group, "group", single, "one value")
    if problem.weights is not None:
        _need(typed, problem.weights, "weight", (Kind.NUMERIC,), "a number")
        _check_weights(typed[problem.weights])
    return typed


def _need(
    typed: dict[str, TypedColumn], name: str, part: str, kinds: tuple[Kind, ...], expected: str
) -> None:
    column = typed[name]
    if column.kind not in kinds:
        present = column.values.alias("").drop_nulls().head(3).to_list()
        examples = ", ".join(str(value) if isinstance(value, datetime) else repr(value) for value in present)
        raise DataError(
            f"Every value of the {part} column {name!r} must be {expected}, but it is {column.kind} "
            f"({examples}). Name another column, or correct its values."
        )
    if column.values.null_count() == len(column.values):
        raise DataError(f"Every value of the {part} column {name!r} is missing. Name another column.")


def _check_weights(column: TypedColumn) -> None:
    # A name like ^a.*$ is a pattern to polars, even in methods of a series that bears it.
    name, values = column.values.name, column.values.alias("")
    negative = int((values < 0).sum())
    if negative:
        raise DataError(
            f"Weights must not be negative, but {negative} rows of {name!r} are; the lowest is "
            f"{values.min()!r}. Correct them, or leave these rows out."
        )
    if values.null_count():
        raise DataError(
            f"Every row needs a finite weight, but {values.null_count()} rows of {name!r} have none. "
            "Fill them, with 1 for a usual row."
        )
    highest = float(values.cast(pl.Float64).max() or 0.0)  # type: ignore[arg-type]
    if highest > _HEAVIEST:
        raise DataError(
            f"Weights must be small enough to be added up, but {name!r} goes up to {highest:g}. "
            "Divide them all by one number: only their ratios matter."
        )
    if not (values > 0).any():
        raise DataError(f"At least one row needs a weight above zero, but all of {name!r} are zero.")


def _describe(
    name: str,
    column: TypedColumn,
    statistics: Mapping[str, Any],
    roles: Mapping[str, Role],
    kinds: Mapping[str, Kind],
    problem: Problem | None,
) -> tuple[Column, tuple[Finding, ...]]:
    """The schema entry of one column; the problem and the user go before what the values speak for."""
    role, reason, findings = find_role(name, column, statistics)
    part = None
    if problem is not None:
        parts: dict[str | None, Role] = {
            **dict.fromkeys(problem.targets, Role.TARGET),
            problem.group: Role.GROUP,
            problem.time_column: Role.TIME,
            problem.weights: Role.WEIGHT,
        }
        part = parts.get(name)
    if part is not None:
        role, reason, findings = part, f"the {part} column", ()
    elif name in roles:
        role, reason, findings = roles[name], "you said so", ()
    elif name in kinds and role is Role.ID:
        # Who says that a column is numeric or text wants it used.
        role, reason, findings = Role.FEATURE, "", ()
    reasons = [text for text in (column.reason, reason) if text]
    described = Column(
        name=name,
        kind=column.kind,
        role=role,
        reason="; ".join(dict.fromkeys(reasons)),
        nullable=statistics["missing"] > 0,
        parsing={**column.parsing, **(known_levels(column) if role in _USED else {})},
        statistics=statistics,
    )
    return described, findings


def _keep_something(
    schema: Schema, findings: list[Finding], said: Mapping[str, Role]
) -> tuple[Schema, list[Finding]]:
    """A table whose only feature would be called an id keeps it: there is nothing else to learn from.

    Raises
    ------
    DataError
        If there would be something else, had the user not left it out.
    """
    ids = [column for column in schema if column.role is Role.ID and column.name not in said]
    if schema.features or not ids:
        return schema, findings
    if said:
        # Who leaves out every feature did not ask to learn from the number of the row.
        reasons = [
            f"{name!r} ({'ignored' if role is Role.IGNORED else 'id'}: you said so)"
            for name, role in said.items()
        ]
        reasons += [f"{column.name!r} ({column.reason})" for column in ids]
        more = ", ..." if len(reasons) > 12 else ""
        raise DataError(
            f"No feature is left to learn from. Left out: {', '.join(reasons[:12])}{more}. Keep at least "
            f"one; to learn from an id all the same: --set {shlex.quote(ids[0].name)}=feature."
        )
    kept = {column.name for column in ids}
    columns = tuple(
        replace(column, role=Role.FEATURE, reason=f"{column.reason}; kept, as there is no other feature")
        if column.name in kept
        else column
        for column in schema
    )
    return Schema(columns), [
        finding for finding in findings if finding.check != "id" or finding.column not in kept
    ]
