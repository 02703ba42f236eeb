"""Many sparse columns to a few dense ones: a truncated singular value decomposition by random projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["fit_axes"]

OVERSAMPLING = 10
POWERS = 2
"""Passes that sharpen the projection: weights of terms fall off slowly, and without them axes are blurred."""


def fit_axes(matrix: csr_matrix, count: int, seed: int = 0) -> NDArray[np.float16]:
    """The leading right singular vectors of a sparse matrix, about.

    Randomised range finder with power iterations (Halko, Martinsson and Tropp, 2011); the terms of a
    document on these axes are latent semantic analysis (Deerwester et al., 1990).

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix, shape (rows, columns)
    count : int
        Axes wanted; fewer come where the matrix has no more.
    seed : int, default 0

    Returns
    -------
    float16 array, shape (columns, axes)
        Half precision holds a projection well enough and halves the saved state. The largest entry of
        each axis is positive.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> fit_axes(csr_matrix(np.array([[2.0, 0.0], [2.0, 0.0]], np.float32)), 1).tolist()
    [[1.0], [0.0]]
    """
    from threadpoolctl import threadpool_limits

    count = min(count, *matrix.shape)
    if count == 0 or matrix.nnz == 0:
        return np.zeros((matrix.shape[1], 0), np.float16)
    width = min(count + OVERSAMPLING, *matrix.shape)
    start = np.random.default_rng(seed).normal(size=(matrix.shape[1], width))
    # One thread: the sums of several would differ in the last bits with their number.
    with threadpool_limits(1):
        basis = np.linalg.qr(matrix @ start.astype(np.float32))[0]
        for _ in range(POWERS):
            other = np.linalg.qr(matrix.T @ basis)[0]
            basis = np.linalg.qr(matrix @ other)[0]
        small = np.asarray(matrix.T @ basis, np.float64)
        axes, sizes, _ = np.linalg.svd(small, full_matrices=False)
    axes = axes[:, :count][:, sizes[:count] > 1e-6 * sizes[0]]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
    return np.asarray(axes, np.float16)
