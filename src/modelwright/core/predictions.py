"""What a model says about rows: probabilities of the classes, or values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatArray", "IntArray", "Predictions"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Predictions:
    """Raw predictions of one learner, one fold bag or one ensemble.

    Attributes
    ----------
    array : float64 array
        Shape ``(rows, classes)`` of probabilities that sum to 1 for classification, ``(rows,)`` of values
        for regression, ``(rows, labels)`` of independent probabilities for multilabel tasks,
        ``(rows, quantiles)`` of values, ascending in each row, for quantile regression.
    utility : float64 array, shape (classes, classes) or (labels,), or None
        What deciding for a class (column) is worth when another (row) is true; the most probable class
        is decided for where it is None. Thresholds and costs of errors are told this way. In multilabel
        tasks: the threshold of each label, 0.5 where it is None.
    decided : int64 array, shape (rows,), or None
        The class code decided for in each row, where the probabilities alone do not tell it: thresholds that
        differ by group.

    Examples
    --------
    >>> Predictions.of_probabilities(np.array([[2.0, 2.0]])).array.tolist()
    [[0.5, 0.5]]
    """

    array: FloatArray
    utility: FloatArray | None = None
    decided: IntArray | None = None

    @classmethod
    def of_probabilities(cls, array: NDArray[np.floating]) -> Predictions:
        """Probabilities, made finite, non-negative and summing to one in each row."""
        given = np.asarray(array, dtype=np.float64)
        # what is said of one row is nearly always in order: to look costs a third of to repair
        if given.size and given.min() >= 0 and given.max() < np.inf:
            total = given.sum(axis=1, keepdims=True)
            if total.min() > 0:
                return cls(given / total)
        clean = np.nan_to_num(given, nan=0.0, posinf=1.0, neginf=0.0)
        clean = np.clip(clean, 0.0, None)
        total = clean.sum(axis=1, keepdims=True)
        empty = total[:, 0] <= 0
        if empty.any():
            clean[empty] = 1.0
            total = clean.sum(axis=1, keepdims=True)
        return cls(clean / total)

    @classmethod
    def of_values(cls, array: NDArray[np.floating]) -> Predictions:
        """Regression values; what is not finite is kept for the caller to see and reject."""
        return cls(np.asarray(array, dtype=np.float64).reshape(-1))

    @property
    def is_probabilities(self) -> bool:
        """Whether each row holds several numbers: probabilities, or the values of quantiles."""
        return self.array.ndim == 2

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.array.shape[0])

    @property
    def codes(self) -> IntArray:
        """The class code decided for in each row: the most useful, or most probable (lower codes win ties).

        Examples
        --------
        >>> careful = np.diag([0.2, 0.8])  # the second class from a probability of 0.2
        >>> Predictions(np.array([[0.7, 0.3], [0.9, 0.1]]), careful).codes.tolist()
        [1, 0]
        """
        if self.decided is not None:
            return self.decided
        worth = self.array if self.utility is None else self.array @ self.utility
        codes: IntArray = np.argmax(worth, axis=1).astype(np.int64)
        return codes

    @property
    def label_codes(self) -> IntArray:
        """Whether each label of a multilabel task is given to a row: 0 or 1, shape ``(rows, labels)``.

        Examples
        --------
        >>> Predictions(np.array([[0.7, 0.3], [0.2, 0.6]])).label_codes.tolist()
        [[1, 0], [0, 1]]
        >>> Predictions(np.array([[0.7, 0.3], [0.2, 0.6]]), np.array([0.1, 0.9])).label_codes.tolist()
        [[1, 0], [1, 0]]
        """
        thresholds = 0.5 if self.utility is None else self.utility
        codes: IntArray = (self.array > thresholds).astype(np.int64)
        return codes

    def take(self, rows: NDArray[np.integer] | slice) -> Predictions:
        """The predictions of some rows."""
        decided = None if self.decided is None else self.decided[rows]
        return Predictions(self.array[rows], self.utility, decided)
