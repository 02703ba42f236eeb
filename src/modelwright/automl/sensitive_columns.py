"""What a training does with sensitive columns: they are set aside from the features, and divide the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from modelwright.automl.problem_options import as_sensitive
from modelwright.automl.request import TrainRequest
from modelwright.automl.sensitive import Sensitive
from modelwright.core import OptionError, Problem, Role, Task
from modelwright.data import Table
from modelwright.evaluation import require_few, sensitive_column, sensitive_rows

__all__ = ["group_rows", "keep_aside"]

_ASIDE = "sensitive: kept aside to judge fairness by, not learned from"
_LEARNED = "sensitive, and learned from: you said so"


def keep_aside(request: TrainRequest, table: Table) -> Table:
    """A table whose sensitive columns are no features, unless the caller set them to be.

    Columns with another part to play (group, time, weight) keep it.

    Raises
    ------
    UnknownName
        If there is no such column; the nearest name is suggested.
    OptionError
        If there are more than can be compared.
    """
    names = as_sensitive(request.sensitive)
    require_few(tuple(names))
    said = {name for name, given in (request.overrides or {}).items() if _is_wanted(given)}
    schema = table.schema
    for name in names:
        if schema[name].role in (Role.GROUP, Role.TIME, Role.WEIGHT):
            continue
        if name in said:
            schema = schema.with_role(name, Role.SENSITIVE, _LEARNED)
        else:
            schema = schema.with_role(name, Role.IGNORED, _ASIDE)
    return replace(table, schema=schema) if names else table


def _is_wanted(setting: Any) -> bool:
    return str(setting).strip().lower() in ("feature", "sensitive")


def group_rows(request: TrainRequest, problem: Problem, frame: pl.DataFrame) -> Sensitive | None:
    """The groups of the training rows; None where no column is sensitive.

    Parameters
    ----------
    request : TrainRequest
    problem : Problem
        Resolved.
    frame : polars.DataFrame
        The training rows: ranges of numbers are made of them alone.

    Raises
    ------
    DataError
        If a column cannot be divided into groups, or has only one.
    OptionError
        If the mitigation does not fit the task.
    """
    method, constraint = request.mitigation()
    wanted = as_sensitive(request.sensitive)
    if not wanted:
        return None
    if method == "reweighting" and not problem.task.is_classification:
        raise OptionError(
            f"Reweighting makes groups and classes independent, but {problem.target!r} is a {problem.task} "
            "task. Leave --mitigate out: fairness is judged all the same."
        )
    if method == "thresholds" and problem.task is not Task.BINARY:
        raise OptionError(
            f"Thresholds by group exist for two classes, but {problem.target!r} is a {problem.task} task. "
            "Leave --mitigate out, or use --mitigate reweighting where the target has classes."
        )
    columns = [sensitive_column(frame[name], name, cuts) for name, cuts in wanted.items()]
    return Sensitive(sensitive_rows(columns, frame), None, method, constraint)
