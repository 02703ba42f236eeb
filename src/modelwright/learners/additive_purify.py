"""The one way to write an additive model: pairs hold interactions only, and every term is zero on average."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelwright.core import FloatArray, IntArray, View
from modelwright.learners.additive_tables import AdditiveTables, Axis, Term, axis_of

__all__ = ["purified"]

_SWEEPS = 100
_TOLERANCE = 1e-10
"""Where what is moved from a pair in one sweep is a smaller share of its largest value, it is pure."""


def purified(
    tables: AdditiveTables, view: View, rows: IntArray, weights: FloatArray | None, *, unseen: bool
) -> AdditiveTables:
    """The same model with its effects where they belong, and how much each term matters.

    What a pair says about one of its columns alone moves to the table of that column, and the mean of
    every table to the intercept: then the intercept is the mean score, and a term tells by how much a row
    differs from it. Means are those over the training rows.

    Parameters
    ----------
    tables : AdditiveTables
    view : View
    rows : int64 array
        Training rows.
    weights : float64 array, shape (rows of the view,), or None
    unseen : bool
        Whether to decide what missing values and levels add that no training row has: levels as much as
        code 0, and where that does not occur either, nothing. Trees say about them whatever they say
        about others.

    Notes
    -----
    Lengerich et al., "Purifying interaction effects with the functional ANOVA", AISTATS 2020.
    """
    whole = [np.asarray(column) for column in tables.columns(view)]
    columns = {axis.column: whole[axis.column][rows] for term in tables.terms for axis in term.axes}
    shares = np.ones(len(rows)) if weights is None else np.asarray(weights[rows], np.float64)
    shares = shares / shares.sum()
    terms = {term.columns: term for term in _with_singles(tables, view)}
    intercept = tables.intercept.copy()
    places = {
        key: tuple(axis.cells(columns[axis.column]) for axis in term.axes) for key, term in terms.items()
    }
    for key, term in terms.items():
        counted = np.bincount(
            np.ravel_multi_index(places[key], term.weights.shape), shares, minlength=term.weights.size
        )
        terms[key] = replace(
            term, weights=counted.astype(np.float64).reshape(term.weights.shape), values=term.values.copy()
        )
    for key in [key for key in terms if len(key) == 2]:
        _purify(terms[key], terms[key[:1]], terms[key[1:]])
    for term in terms.values():
        mean = np.tensordot(term.weights, term.values, term.weights.ndim)
        term.values[:] -= mean
        intercept += mean
        if unseen:
            _settle_unseen(term)
    kept = []
    for key, term in terms.items():
        importance = shares @ np.abs(term.values[places[key]])
        kept.append(replace(term, importance=importance))
    ordered = sorted(kept, key=lambda term: (len(term.axes), term.columns))
    return replace(tables, intercept=intercept, terms=tuple(term for term in ordered if term.values.any()))


def _with_singles(tables: AdditiveTables, view: View) -> list[Term]:
    """Terms, with one for each column of a pair that tells apart what the pair does."""
    found = {term.columns: term for term in tables.terms}
    for term in tables.terms:
        if len(term.axes) == 1:
            continue
        for axis in term.axes:
            plain: Axis = axis_of(view, axis.column)
            single = found.get((axis.column,), Term.empty((plain,), tables.outputs))
            found[axis.column,] = single.refined((single.axes[0].united(axis),))
    return list(found.values())


def _purify(pair: Term, first: Term, second: Term) -> None:
    """Move the means of rows and columns of a pair's table to the tables of its columns."""
    largest = float(np.abs(pair.values).max(initial=0.0)) or 1.0
    totals = pair.weights.sum(axis=1), pair.weights.sum(axis=0)
    singles = (first, second)
    origins = [pair.axes[side].origins(singles[side].axes[0]) for side in (0, 1)]
    for _ in range(_SWEEPS):
        moved = 0.0
        for side in (0, 1):
            other = 1 - side
            weighted = (pair.values * pair.weights[..., None]).sum(axis=other)
            mean = np.divide(
                weighted, totals[side][:, None], out=np.zeros_like(weighted), where=totals[side][:, None] > 0
            )
            pair.values[:] -= np.expand_dims(mean, other)
            singles[side].values[:] += mean[origins[side]]
            moved = max(moved, float(np.abs(mean).max(initial=0.0)))
        if moved <= _TOLERANCE * largest:
            return


def _settle_unseen(term: Term) -> None:
    """What values add that no training row has; see `purified`."""
    for position, axis in enumerate(term.axes):
        others = tuple(each for each in range(len(term.axes)) if each != position)
        seen = term.weights.sum(axis=others) > 0 if others else term.weights > 0
        # a view of the table whose first axis is this one
        values = np.moveaxis(term.values, position, 0)
        if axis.edges is not None:
            if not seen[-1]:
                values[-1] = 0.0
            continue
        if not seen[0]:
            values[0] = 0.0
        values[~seen] = values[0]
