"""Predictions back in the kind of object that the caller gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Label, Problem, Task
from modelwright.data.conform import Conformed
from modelwright.data.frame_values import level_text
from modelwright.data.table import Caller

__all__ = ["columns_to_caller", "matrix_to_caller", "sets_to_caller", "to_caller", "values_to_caller"]


def values_to_caller(values: Sequence[Any] | NDArray[Any], caller: Caller, name: str = "prediction") -> Any:
    """One value a row: a pandas Series (with the caller's index), polars Series, pyarrow or numpy array.

    Parameters
    ----------
    values : sequence or array, shape (rows,)
        Labels or numbers, in row order; None where nothing is said.
    caller : Caller
        From `Conformed.caller`.
    name : str
        Of the series.

    Examples
    --------
    >>> values_to_caller([1, 0], Caller("polars")).to_list()
    [1, 0]
    """
    plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
    if caller.kind == "pandas":
        import pandas

        return pandas.Series(_array(plain), index=caller.index, name=name)
    if caller.kind == "numpy":
        return _array(plain)
    kinds = {type(value) for value in plain if value is not None}
    if len(kinds) > 1 and not kinds <= {int, float}:
        plain = [None if value is None else level_text(value) for value in plain]
    if caller.kind == "pyarrow":
        import pyarrow

        return pyarrow.array(_array(plain))
    return pl.Series(name, plain, strict=False)


def _array(values: list[Any]) -> NDArray[Any]:
    """Numbers and booleans as such; text as objects, so that labels of any length can be assigned."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} or kinds == {bool}:
        return np.array(values) if values else np.array([], dtype=np.float64)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def matrix_to_caller(matrix: NDArray[np.float64], classes: Sequence[Label], caller: Caller) -> Any:
    """Probabilities as a frame whose columns are the labels, or as an array.

    pandas columns are the original labels; polars and pyarrow columns are text, as these demand.

    Parameters
    ----------
    matrix : float64 array, shape (rows, classes)
        Probabilities in row order.
    classes : sequence of labels
        Of the columns.
    caller : Caller
        From `Conformed.caller`.

    Examples
    --------
    >>> matrix_to_caller(np.array([[0.2, 0.8]]), (0, 1), Caller("polars")).columns
    ['0', '1']
    """
    if caller.kind == "numpy":
        return matrix
    if caller.kind == "pandas":
        import pandas

        columns = pandas.Index(_array(list(classes)))
        return pandas.DataFrame(matrix, index=caller.index, columns=columns)
    columns = {str(label): matrix[:, code] for code, label in enumerate(classes)}
    if caller.kind == "pyarrow":
        import pyarrow

        return pyarrow.table(columns)
    return pl.DataFrame(columns)


def columns_to_caller(columns: Sequence[Sequence[Label]], names: Sequence[str], caller: Caller) -> Any:
    """Labels of several targets as a frame with a column for each, or as an array (rows, targets).

    Parameters
    ----------
    columns : sequence of sequences of labels, each of length rows
    names : sequence of str
        Of the targets.
    caller : Caller
        From `Conformed.caller`.

    Examples
    --------
    >>> columns_to_caller([[1, 0], ["a", "b"]], ["x", "y"], Caller("polars")).rows()
    [(1, 'a'), (0, 'b')]
    """
    arrays = [_array(list(column)) for column in columns]
    if caller.kind == "numpy":
        return np.column_stack(arrays)
    if caller.kind == "pandas":
        import pandas

        frame = pandas.DataFrame(dict(enumerate(arrays)), index=caller.index)
        return frame.set_axis(pandas.Index(list(names)), axis=1)
    if caller.kind == "pyarrow":
        import pyarrow

        return pyarrow.table([pyarrow.array(array) for array in arrays], names=list(names))
    return pl.DataFrame(
        [pl.Series(name, list(column), strict=False) for name, column in zip(names, columns, strict=True)]
    )


def to_caller(
    values: Any,
    caller: Caller | Conformed,
    classes: Sequence[Label] | None = None,
    name: str = "prediction",
) -> Any:
    """Predictions of either shape back in the caller's kind.

    Parameters
    ----------
    values : array
        Shape (rows,): labels or numbers. Shape (rows, classes): probabilities.
    caller : Caller or Conformed
        Whose kind it is.
    classes : sequence of labels or None
        Needed for probabilities.
    name : str
        Name of a series.

    Examples
    --------
    >>> to_caller(np.array([1.5, 2.0]), Caller("numpy")).tolist()
    [1.5, 2.0]
    """
    caller = caller.caller if isinstance(caller, Conformed) else caller
    if np.ndim(values) == 2:
        return matrix_to_caller(np.asarray(values, dtype=np.float64), classes or (), caller)
    return values_to_caller(values, caller, name)


def sets_to_caller(inside: NDArray[np.bool_], problem: Problem, caller: Caller) -> Any:
    """Sets of labels as one list a row.

    Parameters
    ----------
    inside : bool array, shape (rows, classes), or (rows, labels, 2) of a multilabel task
        Whether a label belongs to the set of a row.
    problem : Problem
        With classes, or with the classes of each label.
    caller : Caller
        From `Conformed.caller`.

    Examples
    --------
    >>> problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", ("no", "yes"))
    >>> sets_to_caller(np.array([[True, False], [True, True]]), problem, Caller("polars")).to_list()
    [['no'], ['no', 'yes']]
    """
    if problem.task is Task.MULTILABEL:
        columns = [_lists(inside[:, place], pair, caller) for place, pair in enumerate(problem.label_classes)]
        return _lists_side_by_side(columns, problem.labels, caller)
    return _series_of_lists(_lists(inside, problem.classes, caller), caller)


def _lists(inside: NDArray[np.bool_], labels: Sequence[Label], caller: Caller) -> list[list[Label]]:
    several = caller.kind in ("polars", "pyarrow") and len({type(label) for label in labels}) > 1
    known = [level_text(label) for label in labels] if several else list(labels)
    return [[known[code] for code in np.flatnonzero(row)] for row in inside]


def _objects(lists: Sequence[list[Label]]) -> NDArray[Any]:
    array = np.empty(len(lists), dtype=object)
    for place, each in enumerate(lists):
        array[place] = each
    return array


def _series_of_lists(lists: list[list[Label]], caller: Caller, name: str = "prediction") -> Any:
    if caller.kind == "numpy":
        return _objects(lists)
    if caller.kind == "pandas":
        import pandas

        return pandas.Series(_objects(lists), index=caller.index, name=name)
    if caller.kind == "pyarrow":
        import pyarrow

        return pyarrow.array(lists)
    return pl.Series(name, lists, strict=False)


def _lists_side_by_side(columns: list[list[list[Label]]], names: Sequence[str], caller: Caller) -> Any:
    if caller.kind == "numpy":
        return np.column_stack([_objects(column) for column in columns])
    if caller.kind == "pandas":
        import pandas

        frame = pandas.DataFrame(
            {place: _objects(column) for place, column in enumerate(columns)}, index=caller.index
        )
        return frame.set_axis(pandas.Index(list(names)), axis=1)
    if caller.kind == "pyarrow":
        import pyarrow

        return pyarrow.table([pyarrow.array(column) for column in columns], names=list(names))
    pairs = zip(names, columns, strict=True)
    return pl.DataFrame([pl.Series(name, column, strict=False) for name, column in pairs])
