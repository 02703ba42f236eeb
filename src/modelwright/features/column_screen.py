"""The best columns of an encoded matrix, for learners that cannot bear many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import OptionError, Problem, SchemaMismatch
from modelwright.features.state import damaged, read_array

__all__ = ["ColumnScreen"]

CELLS = 4_000_000
MAX_WIDTH = 2**31 - 1


@dataclass(frozen=True, eq=False)
class ColumnScreen:
    """Which columns of a matrix explain most of the target, each taken alone.

    Columns are ranked by the share of their variance that lies between the classes, or by the squared
    correlation with the target: the order of the F statistics of an analysis of variance. It sees the target:
    fit it on training rows only, inside the fold.

    Attributes
    ----------
    kept : int64 array
        The columns that stay, ascending.
    width : int
        Columns of the matrix that it was fitted on.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> problem = Problem.of("y").resolved(Task.BINARY, "auc", (0, 1))
    >>> matrix = np.array([[1.0, 5.0], [0.0, 5.1], [1.0, 7.0], [0.0, 7.1]])
    >>> ColumnScreen.fit(matrix, np.array([0, 0, 1, 1]), problem, max_columns=1).kept.tolist()
    [1]
    """

    kept: NDArray[np.int64]
    width: int

    @classmethod
    def fit(cls, matrix: Any, target: NDArray[Any], problem: Problem, *, max_columns: int) -> ColumnScreen:
        """Rank the columns by the training rows.

        Parameters
        ----------
        matrix : float array or scipy sparse matrix, shape (training rows, columns)
            Without missing values.
        target : array, shape (training rows,)
            Class codes or values.
        problem : Problem
            Resolved, with a single output.
        max_columns : int
            How many stay; all of them where there are no more.

        Raises
        ------
        OptionError
            If ``max_columns`` is less than 1.
        """
        if max_columns < 1:
            raise OptionError(f"max_columns must be 1 or more, but is {max_columns!r}.")
        width = int(matrix.shape[1])
        if width <= max_columns:
            return cls(np.arange(width, dtype=np.int64), width)
        scores = _scores(matrix, _contrasts(target, problem))
        best = np.argsort(-scores, kind="stable")[:max_columns]
        return cls(np.sort(best).astype(np.int64), width)

    def apply(self, matrix: Any) -> Any:
        """The kept columns of an array or a CSR matrix.

        Raises
        ------
        SchemaMismatch
            If the matrix has another number of columns.
        """
        if matrix.shape[1] != self.width:
            raise SchemaMismatch(
                f"Expected {self.width} columns, but got {matrix.shape[1]}. "
                f"Encode the view with the encoder of the same model."
            )
        return matrix if len(self.kept) == self.width else matrix[:, self.kept]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        return {"screen_kept": self.kept, "screen_width": np.array([self.width], np.int64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ColumnScreen:
        """Inverse of `arrays`; raises `BundleError` for anything else."""
        width = int(read_array(arrays, "screen_width", np.int64, 1, 0, MAX_WIDTH)[0])
        kept = read_array(arrays, "screen_kept", np.int64, None, 0, width - 1)
        if np.any(np.diff(kept) <= 0):
            raise damaged("'screen_kept'", "increasing", kept)
        return cls(kept, width)


def _contrasts(target: NDArray[Any], problem: Problem) -> NDArray[np.float64]:
    """Orthonormal columns, shape (rows, k), of what the target says beyond its mean.

    For classes the indicators divided by the root of their rows: the squared product with a column is what
    its class sums explain. For numbers the centred target of length 1.
    """
    if problem.task.is_classification:
        codes = np.unique(target)
        flags = (np.asarray(target)[:, None] == codes).astype(np.float64)
        return np.asarray(flags / np.sqrt(flags.sum(axis=0)), np.float64)
    values = np.asarray(target, np.float64)
    centred = (values - values.mean()) / (np.abs(values).max() or 1.0)
    return np.asarray((centred / (np.sqrt((centred**2).sum()) or 1.0))[:, None], np.float64)


def _scores(matrix: Any, contrasts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Explained share of the variance of each column; 0 for constant columns."""
    from threadpoolctl import threadpool_limits

    rows, width = matrix.shape
    scores = np.zeros(width)
    sparse = not isinstance(matrix, np.ndarray)
    columns = matrix.tocsc() if sparse else matrix
    step = max(1, CELLS // max(1, rows))
    # One thread: with several, sums differ in the last bits, and close columns would change places.
    with threadpool_limits(1):
        for start in range(0, width, step):
            part = columns[:, start : start + step]
            block = part.toarray().astype(np.float64) if sparse else part.astype(np.float64)
            mean = block.mean(axis=0)
            block -= mean
            total = (block**2).sum(axis=0)
            explained = ((contrasts.T @ block) ** 2).sum(axis=0)
            # Relative, because the mean of a large constant is not exact.
            varies = total > 1e-12 * rows * mean**2
            scores[start : start + step] = np.where(varies, explained / np.where(varies, total, 1.0), 0.0)
    return scores
