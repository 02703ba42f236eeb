"""The data contract of a project, from the schema that training recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modelwright.core import Column, Kind, Problem, Schema, to_jsonable

__all__ = ["FORMAT", "column_entry", "contract_record", "needed_columns"]

FORMAT = "modelwright-project"


def needed_columns(schema: Schema, also: tuple[str, ...]) -> tuple[Column, ...]:
    """The columns that predictions need: features, and those that tell which rows belong together."""
    return (*schema.features, *(schema[name] for name in also))


def contract_record(problem: Problem, schema: Schema, also: tuple[str, ...]) -> dict[str, Any]:
    """What `contract.json` holds.

    Values of single rows are not in it: of numbers and dates the range, of categories the levels.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> age = Column("age", Kind.NUMERIC, statistics={"minimum": 18.0, "maximum": 90.0, "examples": [31.0]})
    >>> record = contract_record(Problem.of("y").resolved(Task.REGRESSION, "rmse", ()), Schema((age,)), ())
    >>> record["columns"][0]["maximum"], "examples" in record["columns"][0]
    (90.0, False)
    """
    return {
        "format": FORMAT,
        "target": problem.target,
        "task": str(problem.task),
        "classes": to_jsonable(list(problem.classes)),
        "labels": list(problem.labels),
        "label_classes": to_jsonable([list(pair) for pair in problem.label_classes]),
        "quantiles": list(problem.quantiles),
        "also": list(also),
        "columns": [column_entry(column) for column in needed_columns(schema, also)],
    }


def column_entry(column: Column) -> dict[str, Any]:
    """What a contract says of one column."""
    parsing = dict(column.parsing)
    levels = parsing.pop("known", None)
    entry: dict[str, Any] = {
        "name": column.name,
        "kind": str(column.kind),
        "role": str(column.role),
        "required": not column.nullable,
        "why": column.reason,
    }
    entry |= _range(column.kind, column.statistics)
    if levels is not None:
        entry["levels"] = to_jsonable(list(levels))
    return {**entry, "parsing": to_jsonable(parsing)}


def _range(kind: Kind, told: Mapping[str, Any]) -> dict[str, Any]:
    low, high = told.get("minimum"), told.get("maximum")
    if kind is Kind.NUMERIC and _is_number(low) and _is_number(high):
        return {"minimum": low, "maximum": high}
    if kind is Kind.DATETIME and _is_moment(low) and _is_moment(high):
        return {"minimum": low, "maximum": high}
    return {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is None
    except ValueError:
        return False
