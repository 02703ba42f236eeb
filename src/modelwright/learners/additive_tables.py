"""An additive model as tables: what each column, or pair of columns, adds to the score of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, FloatArray, IntArray, SchemaMismatch, View

__all__ = ["AdditiveTables", "Axis", "Term", "add_tables", "axis_of"]

_MOST_CELLS = 100_000_000
"""Cells of a table at most: what a file says must not decide how much memory a model takes."""


@dataclass(frozen=True, eq=False)
class Axis:
    """How the values of one column are told apart.

    Attributes
    ----------
    column : int
        Position in the view: numbers first, then categories.
    edges : float64 array or None
        Of a number, ascending: cell ``i`` holds values up to ``edges[i]``, inclusive, and above the edge
        before; one more cell holds all above, and the last one missing values. None for a category.
    levels : int
        Codes of a category, which are its cells; 0 for a number.

    Examples
    --------
    >>> axis = Axis(0, np.array([1.0, 2.0]))
    >>> axis.size, axis.cells(np.array([0.5, 1.0, 1.5, 9.0, np.nan])).tolist()
    (4, [0, 0, 1, 2, 3])
    """

    column: int
    edges: FloatArray | None = None
    levels: int = 0

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.levels if self.edges is None else len(self.edges) + 2

    def cells(self, values: NDArray[Any]) -> IntArray:
        """The cell of each value; a code out of range counts as 0, the code of unseen levels."""
        if self.edges is None:
            codes = np.asarray(values, np.int64)
            return np.where((codes >= 0) & (codes < self.levels), codes, 0)
        found = np.searchsorted(self.edges, values.astype(np.float64), side="left")
        return np.asarray(np.where(np.isnan(values), len(self.edges) + 1, found), np.int64)

    def united(self, other: Axis) -> Axis:
        """The axis of the same column that tells apart whatever one of two does."""
        if self.edges is None or other.edges is None:
            return self
        return replace(self, edges=np.union1d(self.edges, other.edges))

    def origins(self, fine: Axis) -> IntArray:
        """For each cell of a finer axis, the cell of this one that it lies in."""
        if self.edges is None or fine.edges is None:
            return np.arange(self.size)
        inner = np.searchsorted(self.edges, np.append(fine.edges, np.inf), side="left")
        return np.append(inner, len(self.edges) + 1).astype(np.int64)


def axis_of(view: View, column: int, edges: FloatArray | None = None) -> Axis:
    """The axis of a column of a view; numbers are cut at the edges."""
    numbers = view.numeric.shape[1]
    if column < numbers:
        return Axis(column, np.zeros(0) if edges is None else edges)
    return Axis(column, None, view.info.cardinalities[column - numbers])


@dataclass(frozen=True, eq=False)
class Term:
    """What one column or one pair of columns adds.

    Attributes
    ----------
    axes : tuple of one or two Axis
    values : float64 array, shape (cells of the first axis[, cells of the second], outputs)
    weights : float64 array, shape (cells of the first axis[, cells of the second])
        Share of the training rows in each cell.
    importance : float64 array, shape (outputs,)
        Mean absolute value over the training rows.
    """

    axes: tuple[Axis, ...]
    values: FloatArray
    weights: FloatArray
    importance: FloatArray

    @classmethod
    def empty(cls, axes: tuple[Axis, ...], outputs: int) -> Term:
        """A term that adds nothing."""
        sizes = tuple(axis.size for axis in axes)
        return cls(axes, np.zeros((*sizes, outputs)), np.zeros(sizes), np.zeros(outputs))

    @property
    def columns(self) -> tuple[int, ...]:
        """Positions of the columns in the view."""
        return tuple(axis.column for axis in self.axes)

    def refined(self, axes: tuple[Axis, ...]) -> Term:
        """The same function with finer cells; weights are lost."""
        values = self.values
        for position, (coarse, fine) in enumerate(zip(self.axes, axes, strict=True)):
            values = np.take(values, coarse.origins(fine), axis=position)
        return replace(Term.empty(axes, values.shape[-1]), values=values)

    def places(self, columns: Sequence[NDArray[Any]]) -> tuple[IntArray, ...]:
        """The cell of each row, an array an axis; columns as `AdditiveTables.columns` gives them."""
        return tuple(axis.cells(columns[axis.column]) for axis in self.axes)


@dataclass(frozen=True, eq=False)
class AdditiveTables:
    """Scores as sums of terms: ``intercept + sum of values[cell of the row]``.

    Attributes
    ----------
    numeric : int
        Numeric columns of the view.
    cardinalities : tuple of int
        Codes of its categorical columns.
    intercept : float64 array, shape (outputs,)
    terms : tuple of Term
        Single columns first, then pairs; none twice.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo((FeatureInfo("a", "a", "value"),), ())
    >>> view = View(np.array([[0], [5]], np.float32), np.zeros((2, 0), np.int32), info)
    >>> term = Term.empty((axis_of(view, 0, np.array([1.0])),), 1)
    >>> term.values[:, 0] = [-1, 1, 0]
    >>> AdditiveTables(1, (), np.array([10.0]), (term,)).sums(view)[:, 0].tolist()
    [9.0, 11.0]
    """

    numeric: int
    cardinalities: tuple[int, ...]
    intercept: FloatArray
    terms: tuple[Term, ...]

    @property
    def outputs(self) -> int:
        """Scores of a row."""
        return len(self.intercept)

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def columns(self, view: View) -> list[NDArray[Any]]:
        """The columns of a view: numbers, then codes.

        Raises
        ------
        SchemaMismatch
            If there are others than those of the training.
        """
        found = (view.numeric.shape[1], view.categorical.shape[1])
        if found != (self.numeric, len(self.cardinalities)):
            raise SchemaMismatch(
                f"Expected {self.numeric} numeric and {len(self.cardinalities)} categorical columns, but got "
                f"{found[0]} and {found[1]}. Make the view with the featurizer of the same model."
            )
        return [*view.numeric.T, *view.categorical.T]

    def sums(self, view: View) -> FloatArray:
        """The scores of each row, shape (rows, outputs)."""
        columns = self.columns(view)
        total = np.tile(self.intercept, (view.rows, 1))
        for term in self.terms:
            total += term.values[term.places(columns)]
        return total

    def additions(self, view: View, width: int) -> tuple[FloatArray, FloatArray]:
        """What each column adds to the mean score, which is the intercept and the mean of every term.

        Parameters
        ----------
        view : View
        width : int
            Columns of the result: those of the view, terms of texts included, which add nothing.

        Returns
        -------
        float64 array, shape (rows, width, outputs)
        float64 array, shape (outputs,)
            The mean score.
        """
        columns = self.columns(view)
        values, base = np.zeros((view.rows, width, self.outputs)), self.intercept.copy()
        for term in self.terms:
            mean = _mean(term)
            base += mean
            share = (term.values[term.places(columns)] - mean) / len(term.columns)
            for column in term.columns:
                values[:, column] += share
        return values, base

    def scaled(self, scale: float, shift: float) -> AdditiveTables:
        """The model of ``scale * score + shift``."""
        terms = tuple(
            replace(term, values=scale * term.values, importance=abs(scale) * term.importance)
            for term in self.terms
        )
        return replace(self, intercept=scale * self.intercept + shift, terms=terms)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as flat arrays, for an ``.npz`` file."""
        axes = [axis for term in self.terms for axis in term.axes]
        edges = [np.zeros(0) if axis.edges is None else axis.edges for axis in axes]
        values = [term.values.ravel() for term in self.terms]
        weights = [term.weights.ravel() for term in self.terms]
        return {
            "intercept": self.intercept,
            "settings": np.array([self.numeric, *self.cardinalities], np.int64),
            "term_axes": np.array([len(term.axes) for term in self.terms], np.int64),
            "axis_column": np.array([axis.column for axis in axes], np.int64),
            "axis_edges": np.array([len(each) for each in edges], np.int64),
            "edges": np.concatenate([np.zeros(0), *edges]),
            "values": np.concatenate([np.zeros(0), *values]),
            "weights": np.concatenate([np.zeros(0), *weights]),
            "importance": np.array([term.importance for term in self.terms]).reshape(-1, self.outputs),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> AdditiveTables:
        """Inverse of `arrays`.

        Raises
        ------
        BundleError
            If they are anything else: whatever passes can be looked up.
        """
        try:
            return _read(arrays)
        except (LookupError, ValueError, TypeError, OverflowError) as error:
            raise BundleError(
                f"The tables of an additive model are damaged ({error}). Copy the model again, or "
                "train it again."
            ) from error


def _mean(term: Term) -> FloatArray:
    """What a term adds to a training row on average; nothing where it does not know its rows."""
    total = float(term.weights.sum())
    if total <= 0:
        return np.zeros(term.values.shape[-1])
    return np.asarray(np.tensordot(term.weights, term.values, term.weights.ndim) / total)


def add_tables(models: Sequence[AdditiveTables], share: float = 1.0) -> AdditiveTables:
    """The sum of several additive models, which is one: its cells are told apart where one of them does.

    Parameters
    ----------
    models : sequence of AdditiveTables
        Of the same columns and outputs. Weights and importances of the sum are zero.
    share : float, default 1
        What everything is multiplied by: one of so many models for their mean.

    Examples
    --------
    >>> def stump(edge):
    ...     axis, values = Axis(0, np.array([edge])), np.array([[0.0], [6.0], [0.0]])
    ...     term = Term((axis,), values, np.zeros(3), np.zeros(1))
    ...     return AdditiveTables(1, (), np.ones(1), (term,))
    >>> mean = add_tables([stump(1.0), stump(2.0)], 1 / 2)
    >>> mean.terms[0].axes[0].edges.tolist(), mean.terms[0].values[:, 0].tolist()
    ([1.0, 2.0], [0.0, 3.0, 6.0, 0.0])
    """
    first = models[0]
    found: dict[tuple[int, ...], list[Term]] = {}
    for model in models:
        for term in model.terms:
            found.setdefault(term.columns, []).append(term)
    terms = []
    for columns in sorted(found, key=lambda each: (len(each), each)):
        parts = found[columns]
        axes = parts[0].axes
        for part in parts[1:]:
            axes = tuple(axis.united(other) for axis, other in zip(axes, part.axes, strict=True))
        total = Term.empty(axes, first.outputs)
        for part in parts:
            total.values[:] += share * part.refined(axes).values
        terms.append(total)
    intercept = share * np.sum([model.intercept for model in models], axis=0)
    return replace(first, intercept=np.asarray(intercept), terms=tuple(terms))


def _read(arrays: Mapping[str, NDArray[Any]]) -> AdditiveTables:
    whole = {name: _vector(arrays[name], np.int64) for name in ("settings", "term_axes", "axis_column")}
    counts = _vector(arrays["axis_edges"], np.int64)
    real = {name: _vector(arrays[name], np.float64) for name in ("intercept", "edges", "values", "weights")}
    outputs, importance = len(real["intercept"]), arrays["importance"]
    numeric, *cardinalities = whole["settings"].tolist()
    if not outputs or numeric < 0 or min(cardinalities, default=1) < 1:
        raise ValueError("it has no outputs or impossible columns")
    if importance.dtype != np.float64 or importance.shape != (len(whole["term_axes"]), outputs):
        raise ValueError("'importance' does not fit the terms")
    taken = {"axis": 0, "edges": 0, "values": 0, "weights": 0}

    def take(name: str, count: int) -> FloatArray:
        start = taken[name]
        if not 0 <= count <= len(real[name]) - start:
            raise ValueError(f"{name!r} ends too early")
        taken[name] += count
        return real[name][start : start + count]

    terms, seen = [], set()
    for number, width in enumerate(whole["term_axes"].tolist()):
        if width not in (1, 2) or taken["axis"] + width > min(len(counts), len(whole["axis_column"])):
            raise ValueError("a term is not of one or two columns")
        axes = []
        for place in range(taken["axis"], taken["axis"] + width):
            column, edges = int(whole["axis_column"][place]), take("edges", int(counts[place]))
            if not 0 <= column < numeric + len(cardinalities) or (np.diff(edges) <= 0).any():
                raise ValueError("an axis names no column, or its edges do not ascend")
            levels = cardinalities[column - numeric] if column >= numeric else 0
            if levels and len(edges):
                raise ValueError("a category has edges")
            axes.append(Axis(column, None if levels else edges, levels))
        taken["axis"] += width
        sizes = tuple(axis.size for axis in axes)
        cells = int(np.prod([float(size) for size in sizes]))
        if cells > _MOST_CELLS or tuple(axis.column for axis in axes) in seen:
            raise ValueError("a table is too large, or stands twice")
        seen.add(tuple(axis.column for axis in axes))
        values = take("values", cells * outputs).reshape(*sizes, outputs)
        terms.append(Term(tuple(axes), values, take("weights", cells).reshape(sizes), importance[number]))
    ends = {"axis": len(counts), **{name: len(real[name]) for name in ("edges", "values", "weights")}}
    if taken != ends or len(whole["axis_column"]) != len(counts) or not np.isfinite(importance).all():
        raise ValueError("there is more than the terms need")
    return AdditiveTables(numeric, tuple(cardinalities), real["intercept"], tuple(terms))


def _vector(array: NDArray[Any], kind: type[np.generic]) -> NDArray[Any]:
    if array.dtype != kind or array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError("an array is not a finite vector of its kind")
    return array
