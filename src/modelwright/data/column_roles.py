"""What each column is used for: ids, constants, the columns that the problem names, the user's word."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

import polars as pl

from modelwright.core import (
    DataError,
    Finding,
    Kind,
    OptionError,
    Problem,
    Role,
    TargetError,
    nearest,
)
from modelwright.data.typed_column import TypedColumn

__all__ = ["check_problem_columns", "find_role", "is_named_id", "split_overrides"]

SEQUENCE_ROWS = 50
"""Fewer rows may well count 1, 2, 3, ... for a good reason (months, doses, positions)."""

UNIQUE_ROWS = 20
"""With fewer rows, text that never repeats proves nothing."""

_ID_WORD = re.compile(r"(?:^|[^a-z0-9])(?:id|ids|uuid|guid|key|pk|identifier|nr|rowid)$", re.IGNORECASE)
_ID_CAMEL = re.compile(r"[a-z0-9]I[Dd]$")
_ROW_NAME = re.compile(
    r"^(?:index|row|rownames?|row[ _-]?(?:id|number|num|no|index)|unnamed: ?\d+|column_0)$", re.IGNORECASE
)

_KINDS = {str(kind): kind for kind in Kind}
_ROLES = {
    "feature": Role.FEATURE,
    "id": Role.ID,
    "ignored": Role.IGNORED,
    "ignore": Role.IGNORED,
    "sensitive": Role.SENSITIVE,
}
_PARTS = {
    "target": "--target",
    "group": "--group",
    "time": "--time-column",
    "weight": "--weights",
    "weights": "--weights",
}


def split_overrides(
    overrides: Mapping[str, str] | None, names: list[str]
) -> tuple[dict[str, Kind], dict[str, Role]]:
    """The user's settings as kinds and roles.

    Raises
    ------
    OptionError
        If a column or a setting is unknown.

    Examples
    --------
    >>> split_overrides({"zip": "categorical", "row": "id"}, ["zip", "row"])
    ({'zip': <Kind.CATEGORICAL: 'categorical'>}, {'row': <Role.ID: 'id'>})
    """
    kinds: dict[str, Kind] = {}
    roles: dict[str, Role] = {}
    known = set(names)
    for name, setting in (overrides or {}).items():
        if name not in known:
            raise OptionError(
                f"There is no column {name!r} to set to {setting!r}.{nearest(str(name), names)}"
            )
        word = str(setting).strip().lower()
        if word in _KINDS:
            kinds[name] = _KINDS[word]
        elif word in _ROLES:
            roles[name] = _ROLES[word]
        elif word in _PARTS:
            raise OptionError(f"Name the {word} column with {_PARTS[word]} {name} instead of setting it.")
        else:
            choices = [*_KINDS, "feature", "id", "ignored", "sensitive"]
            raise OptionError(
                f"The column {name!r} can be set to one of {', '.join(choices)}, but came as "
                f"{setting!r}.{nearest(word, choices)}"
            )
    return kinds, roles


def check_problem_columns(
    problem: Problem, names: list[str], roles: Mapping[str, Role] | None = None
) -> None:
    """Every column that the problem names must exist, and play no other part by the caller's settings.

    Raises
    ------
    TargetError, DataError
        If one does not exist; the nearest name is suggested.
    OptionError
        If one was set to something that it cannot be at the same time.
    """
    said = roles or {}
    for part, name in (
        *(("target", target) for target in problem.targets),
        ("group", problem.group),
        ("time", problem.time_column),
        ("weight", problem.weights),
    ):
        if name is None:
            continue
        if name in said and said[name] is not Role.SENSITIVE:
            raise OptionError(
                f"The column {name!r} is the {part} column, and was set to {str(said[name])!r}; it cannot be "
                "both. Leave out one of the two."
            )
        if name in names:
            continue
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        message = f"There is no {part} column {name!r}.{nearest(name, names)} The columns are: {listed}."
        raise TargetError(message) if part == "target" else DataError(message)


def is_named_id(name: str) -> bool:
    """Whether a column name says that it identifies rows.

    Examples
    --------
    >>> [is_named_id(name) for name in ("customerID", "user_id", "paid", "Unnamed: 0")]
    [True, True, False, True]
    """
    return any(pattern.search(name) for pattern in (_ID_WORD, _ID_CAMEL, _ROW_NAME))


def find_role(
    name: str, column: TypedColumn, statistics: Mapping[str, Any]
) -> tuple[Role, str, tuple[Finding, ...]]:
    """The role that the values of a column speak for, with the reason; FEATURE unless they say otherwise."""
    filled = statistics["rows"] - statistics["missing"]
    if filled == 0:
        message = f"Every value of {name!r} is missing."
        return Role.CONSTANT, "every value is missing", (_excluded("constant", name, message),)
    if statistics["distinct"] == 1 and (filled == statistics["rows"]) and statistics["rows"] > 1:
        value = statistics["examples"][0]
        if not statistics.get("approximate") or statistics["minimum"] == statistics["maximum"]:
            message = f"{name!r} has the same value {value!r} in every row."
            return Role.CONSTANT, f"always {value!r}", (_excluded("constant", name, message),)
    reason = _id_reason(name, column, statistics, filled)
    if reason:
        message = f"{name!r} looks like an id: {reason}."
        action = f"Left out of the features; to keep it: --set {shlex.quote(name)}=feature."
        evidence = {"distinct": statistics["distinct"], "examples": statistics["examples"]}
        return Role.ID, f"id: {reason}", (Finding("id", "excluded", message, name, action, evidence),)
    return Role.FEATURE, "", _repeated_id(name, column, statistics, filled)


def _excluded(check: str, name: str, message: str) -> Finding:
    action = f"Left out of the features; to keep it: --set {shlex.quote(name)}=feature."
    return Finding(check, "excluded", message, name, action)


def _id_reason(name: str, column: TypedColumn, statistics: Mapping[str, Any], filled: int) -> str:
    """Why a column identifies rows, or an empty string.

    A unique number may be a measurement, so numbers count only if they are a gapless sequence or are
    named like an id; text counts if no value repeats and it does not read like sentences.
    """
    named = is_named_id(name)
    if column.kind is Kind.NUMERIC:
        if filled < statistics["rows"] or not column.parsing.get("integer"):
            return ""
        span = int(statistics["maximum"]) - int(statistics["minimum"]) + 1
        dense = span == filled and filled >= SEQUENCE_ROWS
        wide = column.values.dtype == pl.Int64
        if not (dense or named or wide) or filled < UNIQUE_ROWS:
            return ""
        if column.values.n_unique() != filled:
            return ""
        if dense:
            return "it counts the rows without a gap"
        return "whole numbers that never repeat" + (", and its name says so" if named else "")
    if column.kind is Kind.CATEGORICAL and filled >= UNIQUE_ROWS:
        if statistics["distinct"] == filled:
            return "no value stands twice"
        if named and statistics["distinct"] >= 0.99 * filled:
            return "its name says so, and hardly a value stands twice"
    return ""


def _repeated_id(
    name: str, column: TypedColumn, statistics: Mapping[str, Any], filled: int
) -> tuple[Finding, ...]:
    """A column named like an id whose values repeat is often a group that validation should keep together."""
    many = statistics["distinct"] >= 20 and 2 <= filled / statistics["distinct"] <= 1000
    if not is_named_id(name) or not many or column.kind not in (Kind.NUMERIC, Kind.CATEGORICAL):
        return ()
    if column.kind is Kind.NUMERIC and not column.parsing.get("integer"):
        return ()
    message = (
        f"{name!r} is named like an id, and each of its {statistics['distinct']} values stands in "
        f"{filled / statistics['distinct']:.1f} rows on average. If these rows belong together, an honest "
        "score needs them on the same side of each split."
    )
    return (Finding("group", "warning", message, name, f"Pass {name} as the group column."),)
