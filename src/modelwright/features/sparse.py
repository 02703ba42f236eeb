"""Sparse blocks: put side by side, and in the form that scipy and scikit-learn take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core import SparseBlock

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["as_csr", "from_csr", "side_by_side"]


def side_by_side(blocks: Sequence[SparseBlock]) -> SparseBlock | None:
    """One block of several with the same rows; None for none.

    Examples
    --------
    >>> one = SparseBlock(np.ones(1, np.float32), np.array([1], np.int32), np.array([0, 1]), 2)
    >>> both = side_by_side([one, one])
    >>> both.indices.tolist(), both.columns
    ([1, 3], 4)
    """
    if len(blocks) <= 1:
        return blocks[0] if blocks else None
    counts = np.stack([np.diff(block.indptr) for block in blocks])
    indptr = np.concatenate([[0], np.cumsum(counts.sum(axis=0))]).astype(np.int64)
    data = np.empty(indptr[-1], np.float32)
    indices = np.empty(indptr[-1], np.int32)
    starts, first = indptr[:-1].copy(), 0
    for block, width in zip(blocks, counts, strict=True):
        places = np.arange(len(block.data)) + np.repeat(starts - block.indptr[:-1], width)
        data[places], indices[places] = block.data, block.indices + np.int32(first)
        starts += width
        first += block.columns
    return SparseBlock(data, indices, indptr, first)


def as_csr(block: SparseBlock) -> csr_matrix:
    """The block as a scipy matrix, float32, shape (rows, columns), that shares its memory."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(
        (block.data, block.indices, block.indptr), shape=(block.rows, block.columns), copy=False
    )
    matrix.has_sorted_indices = True
    return matrix


def from_csr(matrix: Any) -> SparseBlock:
    """The block of a scipy CSR matrix; zeros that it stores stay stored."""
    matrix.sort_indices()
    return SparseBlock(
        matrix.data.astype(np.float32, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.indptr.astype(np.int64),
        int(matrix.shape[1]),
    )
