"""Rows weighed so that, in what is learned from, belonging to a group says nothing of the class.

A row of a group and a class counts by how often the two would meet if they were independent, divided by how
often they do (Kamiran and Calders, "Data preprocessing techniques for classification without discrimination",
2012). The weights multiply those of the caller. They are fitted on the training rows of a fold; its
validation rows are weighed by the same table, so that a fit that stops early stops for what it learns. Scores
use the weights of the caller.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, IntArray

__all__ = ["reweighted"]

_MOST = 10.0
"""A row counts as many at most, and as a tenth of one at least: a group and class of few rows says little."""


def reweighted(
    groups: NDArray[Any], codes: NDArray[Any], weights: NDArray[Any] | None, train_rows: IntArray
) -> FloatArray:
    """Row weights under which group and class are independent among the training rows.

    Parameters
    ----------
    groups : int64 array, shape (rows,)
        Codes from 0.
    codes : int64 array, shape (rows,)
        Class codes.
    weights : float64 array, shape (rows,), or None
        Of the caller.
    train_rows : int64 array
        The rows that the table of weights is made of.

    Returns
    -------
    float64 array, shape (rows,)
        Also of the other rows, by the same table; what no training row has keeps its weight.

    Examples
    --------
    >>> groups, codes = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 0, 1, 0, 0])
    >>> reweighted(groups, codes, None, np.arange(6)).round(2).tolist()
    [0.75, 0.75, 1.5, 1.5, 0.75, 0.75]
    """
    group, code = np.asarray(groups, np.int64), np.asarray(codes, np.int64)
    mass = np.ones(len(group)) if weights is None else np.asarray(weights, np.float64)
    table = np.zeros((int(group.max()) + 1, int(code.max()) + 1))
    np.add.at(table, (group[train_rows], code[train_rows]), mass[train_rows])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / max(table.sum(), 1e-300)
    factors = np.divide(expected, table, out=np.ones_like(table), where=table > 0)
    return np.asarray(mass * np.clip(factors, 1 / _MOST, _MOST)[group, code])
