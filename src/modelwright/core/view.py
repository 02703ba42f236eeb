"""What a learner consumes: numbers, category codes and, where there is text, a sparse block of terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FeatureInfo", "Shape", "SparseBlock", "View", "ViewInfo"]

UNSEEN = 0
"""The category code of missing, unseen and rare levels; real levels start at 1."""


@dataclass(frozen=True)
class FeatureInfo:
    """One column of a view and the source column it came from.

    Attributes
    ----------
    name : str
        Unique in the view, for example ``"signup.weekday"``.
    source : str
        Name of the source column.
    transform : str
        What was done, in a word: ``"value"``, ``"codes"``, ``"weekday"``, ``"length"`` ...
    levels : int
        For a category: number of codes, the reserved code 0 included. For terms of a text: number of
        columns of the sparse block. 0 for a number.
    """

    name: str
    source: str
    transform: str
    levels: int = 0


@dataclass(frozen=True)
class SparseBlock:
    """Weights of terms, row by row, where almost all are zero (compressed sparse rows).

    Attributes
    ----------
    data : float32 array, shape (values,)
        The weights that are not zero, row after row; finite.
    indices : int32 array, shape (values,)
        The column of each, ascending within a row.
    indptr : int64 array, shape (rows + 1,)
        Where each row begins in the other two.
    columns : int
        Width of the block.

    Examples
    --------
    >>> block = SparseBlock(np.ones(3, np.float32), np.array([0, 2, 1], np.int32), np.array([0, 2, 2, 3]), 4)
    >>> block.rows, block.take(np.array([2, 0])).indices.tolist()
    (3, [1, 0, 2])
    """

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    columns: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    def take(self, rows: NDArray[np.integer] | slice) -> SparseBlock:
        """The block of some rows (a copy)."""
        wanted = np.arange(self.rows)[rows]
        counts = self.indptr[wanted + 1] - self.indptr[wanted]
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        places = np.arange(indptr[-1]) + np.repeat(self.indptr[wanted] - indptr[:-1], counts)
        return SparseBlock(self.data[places], self.indices[places], indptr, self.columns)


@dataclass(frozen=True)
class ViewInfo:
    """The columns of a view without its data.

    Attributes
    ----------
    numeric, categorical : tuple of FeatureInfo
        In the order of the columns of the two blocks.
    sparse : tuple of FeatureInfo
        One for each run of columns of the sparse block that comes from one text, with its width as `levels`.
    """

    numeric: tuple[FeatureInfo, ...]
    categorical: tuple[FeatureInfo, ...]
    sparse: tuple[FeatureInfo, ...] = ()

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of codes of each categorical column (code 0 included)."""
        return tuple(feature.levels for feature in self.categorical)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """All columns: numbers, then categories, then the terms of each text as one."""
        return (*self.numeric, *self.categorical, *self.sparse)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "numeric": [vars(feature) for feature in self.numeric],
            "categorical": [vars(feature) for feature in self.categorical],
            "sparse": [vars(feature) for feature in self.sparse],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ViewInfo:
        """Inverse of `to_dict`."""
        return cls(
            tuple(FeatureInfo(**item) for item in record["numeric"]),
            tuple(FeatureInfo(**item) for item in record["categorical"]),
            tuple(FeatureInfo(**item) for item in record.get("sparse", ())),
        )


@dataclass(frozen=True)
class Shape:
    """The size of a learning problem, for estimates of cost and for portfolios.

    Attributes
    ----------
    rows : int
        Training rows.
    numeric, categorical : int
        Columns of the two blocks.
    levels : int
        Sum of the cardinalities of the categorical columns.
    outputs : int
        Number of classes, or 1 for regression.
    missing : float
        Share of NaN cells in the numeric block.
    sparse : int
        Columns of the sparse block.
    terms : float
        Values of the sparse block in a row, on average.
    """

    rows: int
    numeric: int
    categorical: int
    levels: int
    outputs: int
    missing: float = 0.0
    sparse: int = 0
    terms: float = 0.0

    @property
    def columns(self) -> int:
        """Columns of the numeric and the categorical block together."""
        return self.numeric + self.categorical


@dataclass(frozen=True)
class View:
    """A table ready for learners. The arrays may be read-only memory maps: learners never write.

    Attributes
    ----------
    numeric : float32 array, shape (rows, numeric columns)
        NaN where missing; never infinite.
    categorical : int32 array, shape (rows, categorical columns)
        Codes in ``[0, levels)``; 0 stands for missing or unseen.
    info : ViewInfo
        The columns of the blocks.
    sparse : SparseBlock or None
        Terms of text columns, for learners that like them sparse; None where there is no text. What other
        learners can use of a text stands in the numeric block, too.

    Examples
    --------
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"),), ())
    >>> view = View(np.ones((3, 1), np.float32), np.zeros((3, 0), np.int32), info)
    >>> view.rows, view.take(np.array([0, 2])).rows
    (3, 2)
    """

    numeric: NDArray[np.float32]
    categorical: NDArray[np.int32]
    info: ViewInfo
    sparse: SparseBlock | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.numeric.shape[0])

    def take(self, rows: NDArray[np.integer] | slice) -> View:
        """The view of some rows (a copy, unless a slice is given)."""
        sparse = None if self.sparse is None else self.sparse.take(rows)
        return View(self.numeric[rows], self.categorical[rows], self.info, sparse)

    def shape(self, outputs: int) -> Shape:
        """The size of the problem that this view poses."""
        sample = self.numeric[:10_000]
        missing = float(np.isnan(sample).mean()) if sample.size else 0.0
        return Shape(
            rows=self.rows,
            numeric=int(self.numeric.shape[1]),
            categorical=int(self.categorical.shape[1]),
            levels=sum(self.info.cardinalities),
            outputs=outputs,
            missing=missing,
            sparse=0 if self.sparse is None else self.sparse.columns,
            terms=0.0 if self.sparse is None else len(self.sparse.data) / max(1, self.rows),
        )
