"""From a view to the matrix of a linear model: encoded columns, then the terms of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    BundleError,
    Estimate,
    FitTask,
    FloatArray,
    IntArray,
    OutOfTime,
    SchemaMismatch,
    Shape,
    SparseBlock,
    View,
)
from modelwright.features import DenseEncoder
from modelwright.learners.fold import Fold
from modelwright.learners.kept import digest_of, kept
from modelwright.learners.objectives import monotone_signs

__all__ = ["Design", "column_signs", "design_width", "linear_estimate", "training_design"]

_MOST_TERMS = 2**31 - 1

_DOUBLE_CELLS = 20_000_000
"""Larger dense matrices are fitted in single precision."""


@dataclass(frozen=True, eq=False)
class Design:
    """The columns that a linear model multiplies.

    Attributes
    ----------
    encoder : DenseEncoder
        Of numbers and categories.
    terms : int
        Columns of the sparse block, which stand behind the encoded ones; 0 without one.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo((FeatureInfo("a", "a", "value"),), (), (FeatureInfo("t", "t", "terms", 2),))
    >>> block = SparseBlock(np.ones(1, np.float32), np.zeros(1, np.int32), np.array([0, 1, 1]), 2)
    >>> view = View(np.array([[1], [3]], np.float32), np.zeros((2, 0), np.int32), info, block)
    >>> Design.fit(view, np.arange(2)).matrix(view).toarray().tolist()
    [[-1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """

    encoder: DenseEncoder
    terms: int = 0

    @classmethod
    def fit(cls, view: View, rows: NDArray[np.integer]) -> Design:
        """Learn the encoding from the training rows."""
        return cls(DenseEncoder.fit(view, rows), 0 if view.sparse is None else view.sparse.columns)

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return self.encoder.width + self.terms

    @property
    def sparse(self) -> bool:
        """Whether the matrix is sparse."""
        return self.encoder.sparse or self.terms > 0

    def precision(self, rows: int) -> type[np.floating]:
        """The type in which so many rows are fitted: large dense matrices take half the memory."""
        return np.float32 if not self.sparse and rows * self.width > _DOUBLE_CELLS else np.float64

    def matrix(
        self,
        view: View,
        rows: NDArray[np.integer] | None = None,
        *,
        dtype: type[np.floating] = np.float64,
    ) -> Any:
        """The rows of a view, as an array or a ``scipy.sparse.csr_matrix``, shape (rows, width).

        Raises
        ------
        SchemaMismatch
            If the view has other columns.
        """
        self._check(view)
        encoded = self.encoder.transform(view, rows, dtype=dtype)
        if view.sparse is None or not self.terms:
            return encoded
        from scipy.sparse import csr_matrix, hstack

        block = view.sparse if rows is None else view.sparse.take(rows)
        return csr_matrix(hstack([csr_matrix(encoded), _terms(block, dtype)], format="csr", dtype=dtype))

    def product(self, view: View, coefficients: FloatArray) -> FloatArray:
        """``matrix(view) @ coefficients.T`` of one row with terms, to the last bit, without a sparse matrix.

        Parameters
        ----------
        view : View
            Of one row; what is encoded of it must be dense.
        coefficients : float64 array, shape (scores, width)

        Returns
        -------
        float64 array, shape (1, scores)
        """
        self._check(view)
        assert view.sparse is not None
        encoded = np.asarray(self.encoder.transform(view, dtype=np.float64))[0]
        values = np.concatenate([encoded, view.sparse.data.astype(np.float64)])
        places = np.concatenate([np.arange(len(encoded)), view.sparse.indices + len(encoded)])
        # cumulated, not summed: a sparse product adds up one after the other, too
        sums = np.cumsum(coefficients.take(places, axis=1) * values, axis=1)
        return np.asarray(sums[:, -1:].T)

    def _check(self, view: View) -> None:
        found = 0 if view.sparse is None else view.sparse.columns
        if found != self.terms:
            raise SchemaMismatch(
                f"Expected {self.terms} columns of terms, but got {found}. "
                "Make the view with the featurizer of the same model."
            )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an npz file."""
        return {**self.encoder.arrays(), "terms": np.array([self.terms], np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Design:
        """Inverse of `arrays`; raises `BundleError` for anything else."""
        terms = arrays.get("terms")
        if terms is None or terms.shape != (1,) or terms.dtype != np.int64 or not 0 <= terms[0] < _MOST_TERMS:
            raise BundleError(
                "A linear model does not say how many columns of terms it has. Copy the model again, or "
                "train it again."
            )
        return cls(DenseEncoder.from_arrays(arrays), int(terms[0]))


def training_design(task: FitTask, fold: Fold) -> tuple[Design, Any]:
    """The encoding that the training rows of a fold lead to, and their matrix, which nobody may change.

    Fits on the same rows share both. Where no column is usable the matrix is one of zeros: beside an
    intercept it changes nothing, and spares a special case.

    Raises
    ------
    OutOfTime
        If the deadline has passed by then.
    """

    def encoded() -> tuple[Design, Any]:
        design = Design.fit(task.view, fold.train_rows)
        rows = len(fold.train_rows)
        matrix = np.zeros((rows, 1))
        if design.width:
            matrix = design.matrix(task.view, fold.train_rows, dtype=design.precision(rows))
        (matrix if isinstance(matrix, np.ndarray) else matrix.data).flags.writeable = False
        return design, matrix

    with task.clock("preparing"):
        found = kept(task, ("design", digest_of(fold.train_rows)), encoded, lambda made: _bytes(made[1]))
    if task.deadline.passed:
        raise OutOfTime("The deadline passed while the columns were being encoded.")
    return found


def _bytes(matrix: Any) -> int:
    stored = (matrix.data, matrix.indices, matrix.indptr) if hasattr(matrix, "indptr") else (matrix,)
    return sum(part.nbytes for part in stored)


def _terms(block: SparseBlock, dtype: type[np.floating]) -> Any:
    from scipy.sparse import csr_matrix

    data = np.asarray(block.data, dtype)
    return csr_matrix((data, block.indices, block.indptr), shape=(block.rows, block.columns))


def design_width(shape: Shape) -> int:
    """Columns of the encoded part of the matrix, roughly: values, some indicators, one-hot levels."""
    levels = min(shape.levels, 100 * shape.categorical)
    return max(1, min(20_000, int(shape.numeric * (1 + min(1.0, 3 * shape.missing)) + levels)))


def linear_estimate(shape: Shape, outputs: int, steps: float) -> Estimate:
    """What so many steps of a solver cost, two products with the matrix each.

    Parameters
    ----------
    shape : Shape
        Of the problem.
    outputs : int
        Scores.
    steps : float
        Of the solver.
    """
    stored = shape.rows * (1.7 * shape.numeric + shape.categorical)
    terms = shape.rows * shape.terms
    cells = min(shape.rows * design_width(shape), 6 * stored) + 6 * terms
    width = design_width(shape) + shape.sparse
    seconds = 0.03 + 1.5e-7 * stored + steps * (4e-4 + 2.5e-9 * cells * outputs)
    memory = 16 * cells + 48 * shape.rows * outputs + 8 * width * outputs * 24
    size = 4_500 + 24 * design_width(shape) + 8 * shape.sparse + 8 * width * outputs
    return Estimate(float(seconds), int(memory + 10e6), int(size), 5e-5 + 1e-8 * width * outputs)


def column_signs(task: FitTask, design: Design) -> IntArray | None:
    """The directions that coefficients must keep, 1 or -1 (else 0), or None where there are none."""
    if not any(monotone_signs(task.problem, task.view.info)):
        return None
    wanted = dict(task.problem.monotonic)
    signs = [
        wanted.get(feature.source, 0) if feature.transform in ("value", "normal_score") else 0
        for feature in design.encoder.columns(task.view.info)
    ]
    return np.array([*signs, *[0] * design.terms], np.int64)
