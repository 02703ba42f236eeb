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
        Shape ``(rows, classes)`` of probabilities that sum to 1 for classification, shape
        ``(rows,)`` of values for regression.

    Examples
    --------
    >>> Predictions.of_probabilities(np.array([[2.0, 2.0]])).array.tolist()
    [[0.5, 0.5]]
    """

    array: FloatArray

    @classmethod
    def of_probabilities(cls, array: NDArray[np.floating]) -> Predictions:
        """Probabilities, made finite, non-negative and summing to one in each row."""
        clean = np.nan_to_num(np.asarray(array, dtype=np.float64), nan=0.0, posinf=1.0, neginf=0.0)
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
        """Whether these are class probabilities."""
        return self.array.ndim == 2

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.array.shape[0])

    @property
    def codes(self) -> IntArray:
        """The most probable class code of each row (the lower code wins a tie)."""
        codes: IntArray = np.argmax(self.array, axis=1).astype(np.int64)
        return codes

    def take(self, rows: NDArray[np.integer] | slice) -> Predictions:
        """The predictions of some rows."""
        return Predictions(self.array[rows])
