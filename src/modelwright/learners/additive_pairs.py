"""Which pairs of columns interact: a quick look at what an additive model of single columns leaves."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from modelwright.core import FloatArray, IntArray, View
from modelwright.learners.additive_tables import AdditiveTables, Axis, axis_of
from modelwright.learners.objectives import Objective

__all__ = ["find_pairs", "loss_derivatives"]

_BINS = 12
"""Cells of a number, in equal shares of the rows."""

_MOST_LEVELS = 60
"""Categories with more levels than this take part in no pair: nobody reads such a table."""

_MOST_COLUMNS = 40
"""The most important columns that are paired."""

_MOST_ROWS = 30_000
_PRIOR = 1.0


def find_pairs(
    tables: AdditiveTables,
    view: View,
    rows: IntArray,
    residuals: tuple[FloatArray, FloatArray],
    most: int,
) -> list[tuple[int, int]]:
    """The pairs of columns that explain most of what is left, best first.

    Every pair is cut at each combination of two cells into four quadrants, and the best cut counts: by
    how much constants on the quadrants reduce the loss (to second order) beyond the better of the two cuts
    alone.

    Parameters
    ----------
    tables : AdditiveTables
        Of single columns. The most important ones are paired; where there are few columns, all are.
    view : View
    rows : int64 array
        Training rows.
    residuals : pair of float64 arrays, shape (rows, outputs)
        First and second derivatives of the loss, as `loss_derivatives` gives them.
    most : int
        Pairs at most.

    Notes
    -----
    FAST of Lou, Caruana, Gehrke & Hooker, "Accurate intelligible models with pairwise interactions", 2013.
    """
    known = {term.columns[0]: float(term.importance.sum()) for term in tables.terms if len(term.axes) == 1}
    columns = tables.columns(view)
    ranked = sorted(range(len(columns)), key=lambda column: -known.get(column, 0.0))
    readable = [column for column in ranked if axis_of(view, column).levels <= _MOST_LEVELS]
    step = -(-len(rows) // _MOST_ROWS)
    gradients, hessians = (array[::step] for array in residuals)
    axes, cells = [], []
    for column in readable[:_MOST_COLUMNS]:
        values = np.asarray(columns[column])[rows[::step]]
        coarse = _coarse(view, axis_of(view, column), values)
        axes.append(coarse)
        cells.append(coarse.cells(values))
    gains = []
    for i, j in combinations(range(len(axes)), 2):
        gain = _gain((cells[i], cells[j]), (axes[i].size, axes[j].size), gradients, hessians)
        first, second = sorted((axes[i].column, axes[j].column))
        gains.append((-gain, first, second))
    return [(first, second) for gain, first, second in sorted(gains)[:most] if gain < 0]


def _coarse(view: View, axis: Axis, values: FloatArray) -> Axis:
    if axis.edges is None:
        return axis
    present = values[~np.isnan(values)].astype(np.float64)
    inner = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.unique(np.quantile(present, inner, method="lower")) if len(present) else np.zeros(0)
    return axis_of(view, axis.column, edges)


def _gain(
    cells: tuple[IntArray, IntArray], sizes: tuple[int, int], gradients: FloatArray, hessians: FloatArray
) -> float:
    """What the best cut into quadrants gains beyond the better of its two halves, over all outputs."""
    places = cells[0] * sizes[1] + cells[1]
    total = 0.0
    for output in range(gradients.shape[1]):
        sums = [
            np.bincount(places, array[:, output], minlength=sizes[0] * sizes[1]).reshape(sizes)
            for array in (gradients, hessians)
        ]
        corner = [np.cumsum(np.cumsum(each, axis=0), axis=1)[:-1, :-1] for each in sums]
        top = [np.cumsum(each.sum(axis=1))[:-1, None] for each in sums]
        left = [np.cumsum(each.sum(axis=0))[None, :-1] for each in sums]
        whole = [each.sum() for each in sums]
        quadrants = [
            corner,
            [a - b for a, b in zip(top, corner)],
            [a - b for a, b in zip(left, corner)],
            [w - t - s + c for w, t, s, c in zip(whole, top, left, corner)],
        ]
        halves = [_score(top) + _score(_rest(whole, top)), _score(left) + _score(_rest(whole, left))]
        gains = sum(_score(each) for each in quadrants) - np.maximum(*np.broadcast_arrays(*halves))
        total += float(np.max(gains, initial=0.0))
    return total


def _rest(whole: list[FloatArray], part: list[FloatArray]) -> list[FloatArray]:
    return [a - b for a, b in zip(whole, part)]


def _score(sums: list[FloatArray]) -> FloatArray:
    return np.asarray(sums[0] ** 2 / (np.maximum(sums[1], 0.0) + _PRIOR))


def loss_derivatives(
    objective: Objective, sums: FloatArray, target: FloatArray, weights: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """First and second derivatives of the loss of each row by its scores, shape (rows, outputs) each.

    Parameters
    ----------
    objective : Objective
    sums : float64 array, shape (rows, outputs)
        Scores.
    target : array, shape (rows,)
        Encoded: class positions or values on the fitted scale.
    weights : float64 array, shape (rows,), or None
    """
    if objective.name == "softmax":
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        first = shares.copy()
        first[np.arange(len(target)), target.astype(np.int64)] -= 1.0
        second = shares * (1.0 - shares)
    elif objective.name == "logistic":
        shares = 1.0 / (1.0 + np.exp(-np.clip(sums, -700.0, 700.0)))
        first, second = shares - target[:, None], shares * (1.0 - shares)
    elif objective.is_logarithmic:
        values = np.exp(np.minimum(sums, 700.0))
        first, second = values - target[:, None], values
    elif objective.name == "squared":
        first, second = sums - target[:, None], np.ones_like(sums)
    else:  # signs of errors: the loss has no second derivative, rows stand for it
        first = np.where(sums >= target[:, None], 1.0 - objective.level, -objective.level)
        second = np.ones_like(sums)
    if weights is not None:
        first, second = first * weights[:, None], second * weights[:, None]
    return np.asarray(first), np.asarray(second)
