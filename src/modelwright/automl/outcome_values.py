"""What decisions are worth, as a caller says it: costs and gains of each pair of classes, or of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import FloatArray, Label, OptionError, Problem, Schema, Task, nearest
from modelwright.evaluation import CellValues
from modelwright.metrics import cost_matrix

__all__ = ["Values", "outcome_values", "value_columns"]

Values = Mapping[tuple[Label, Label], float | str]
"""(actual, predicted) to a number, or to the name of a column that holds a number for each row."""

_CELLS = {
    (1, 1): "true_positive",
    (0, 1): "false_positive",
    (1, 0): "false_negative",
    (0, 0): "true_negative",
}


def value_columns(schema: Schema, costs: Values | None, gains: Values | None) -> tuple[str, ...]:
    """The columns that hold costs or gains of each row.

    Raises
    ------
    OptionError
        If the training table had no such column.

    Examples
    --------
    >>> from modelwright.core import Column, Kind
    >>> schema = Schema((Column("amount", Kind.NUMERIC),))
    >>> value_columns(schema, {("yes", "no"): "amount", ("no", "yes"): 5}, None)
    ('amount',)
    """
    named = [*(costs or {}).values(), *(gains or {}).values()]
    found = tuple(dict.fromkeys(value for value in named if isinstance(value, str)))
    for name in found:
        if name not in schema:
            raise OptionError(
                f"A cost or gain is a number or a column of the training table, but came as {name!r}."
                f"{nearest(name, schema.names)}"
            )
    return found


def outcome_values(
    problem: Problem, costs: Values | None, gains: Values | None, frame: pl.DataFrame | None
) -> CellValues | None:
    """What each outcome is worth; what is not named is worth nothing.

    Parameters
    ----------
    problem : Problem
        Resolved. Where neither costs nor gains are given, its own costs count.
    costs, gains : mapping of (actual, predicted) to float or str, optional
        Numbers, or names of columns. A negative cost is a gain.
    frame : polars.DataFrame or None
        Holds the columns.

    Returns
    -------
    CellValues or None
        None where nobody said what outcomes are worth, or the problem has not two classes.

    Raises
    ------
    OptionError
        If there are values, but not two classes; a class does not exist, an outcome is named twice, or a
        value is neither a number nor a column of numbers.

    Examples
    --------
    >>> problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", ("no", "yes"))
    >>> outcome_values(problem, {("yes", "no"): 50}, {("yes", "yes"): 20}, None)
    CellValues(true_positive=20.0, false_positive=0.0, false_negative=-50.0, true_negative=0.0)
    """
    if problem.task is not Task.BINARY:
        if costs or gains:
            raise OptionError(
                f"Costs and gains at each threshold are of two classes, but {problem.target!r} is a "
                f"{problem.task} task. Leave them out."
            )
        return None
    if not costs and not gains:
        if not problem.costs:
            return None
        matrix = cost_matrix(problem)
        return CellValues(**{cell: -float(matrix[place]) for place, cell in _CELLS.items()})
    found: dict[str, float | FloatArray] = {}
    for given, sign in ((costs or {}, -1.0), (gains or {}, 1.0)):
        for pair, value in given.items():
            cell = _cell(problem, pair)
            if cell in found:
                raise OptionError(f"What {pair!r} is worth is given twice. Give one cost or gain.")
            found[cell] = sign * _amount(value, frame)
    return CellValues(**found)


def _cell(problem: Problem, pair: Any) -> str:
    codes = {label: code for code, label in enumerate(problem.classes)}
    spelled = {str(label): code for label, code in codes.items()}
    if isinstance(pair, tuple) and len(pair) == 2:
        actual, predicted = (codes.get(label, spelled.get(str(label), -1)) for label in pair)
        if (actual, predicted) in _CELLS:
            return _CELLS[actual, predicted]
    raise OptionError(
        "A cost or gain is of (actual, predicted), two of the classes "
        f"{', '.join(map(repr, problem.classes))}, but came for {pair!r}."
    )


def _amount(value: Any, frame: pl.DataFrame | None) -> Any:
    """A number, or one for each row."""
    if isinstance(value, str):
        if frame is None:
            raise OptionError(
                f"The values of the column {value!r} are needed, but the training table is gone. Give rows "
                "with the target, or a number."
            )
        if value not in frame.columns or not frame[value].dtype.is_numeric():
            raise OptionError(
                f"A cost or gain is a number or a column of numbers, but came as {value!r}."
                f"{nearest(value, frame.columns)}"
            )
        return frame[value].cast(pl.Float64).to_numpy()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise OptionError(f"A cost or gain is a finite number or the name of a column, not {value!r}.")
    return float(value)
