"""Rows of rare classes weighed up in the fit, and the probabilities put right again afterwards.

A learner with a penalty, a depth or a number of leaves to spare spends them on the common class; heavier rows
of the rare one change that. What the weights did to the probabilities is undone by Bayes' rule, so that they
mean what they say and blend with those of other models. Source: Elkan, "The foundations of cost-sensitive
learning" (2001), theorem 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, FloatArray

__all__ = ["CLASS_WEIGHTS", "ClassWeights", "fit_class_weights"]

CLASS_WEIGHTS = ("balanced", "sqrt")
"""All classes weigh the same, or as the root of what they do."""

_HEAVIEST = 1_000.0
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class ClassWeights:
    """The weight of a row of each class.

    Attributes
    ----------
    weights : tuple of float
        By class code, positive; 1 for a class without training rows.

    Examples
    --------
    >>> ClassWeights((1.0, 3.0)).undo(np.array([[0.25, 0.75]])).tolist()
    [[0.5, 0.5]]
    """

    weights: tuple[float, ...]

    def of_rows(self, codes: NDArray[Any]) -> FloatArray:
        """The weight of each row by its class."""
        return np.asarray(self.weights)[np.asarray(codes, np.int64)]

    def undo(self, probabilities: FloatArray) -> FloatArray:
        """Probabilities as they would be without the weights, shape (rows, classes)."""
        plain = probabilities / np.asarray(self.weights)
        total = plain.sum(axis=1, keepdims=True)
        return np.asarray(plain / np.where(total > 0, total, 1.0))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {"weights": list(self.weights)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ClassWeights:
        """Inverse of `to_dict`.

        Raises
        ------
        BundleError
            If the record cannot be one.
        """
        try:
            weights = tuple(float(number) for number in record["weights"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"The record of class weights is damaged ({error!r}).") from error
        usual = 1 / (2 * _HEAVIEST), 2 * _HEAVIEST
        if not 2 <= len(weights) <= _MOST_CLASSES or not all(
            usual[0] <= number <= usual[1] for number in weights
        ):
            raise BundleError("The record of class weights holds what cannot be. Train the model again.")
        return cls(weights)


def fit_class_weights(
    kind: str, codes: NDArray[Any], weights: NDArray[Any] | None, classes: int
) -> ClassWeights:
    """The weights of the classes from the training rows; the common one weighs 1.

    Parameters
    ----------
    kind : str
        One of `CLASS_WEIGHTS`.
    codes : int64 array, shape (rows,)
    weights : array, shape (rows,), or None
        Row weights.
    classes : int

    Examples
    --------
    >>> fit_class_weights("balanced", np.array([0, 0, 0, 1]), None, 2).weights
    (1.0, 3.0)
    """
    size = np.bincount(np.asarray(codes, np.int64), weights, minlength=classes).astype(np.float64)
    heavier = size.max() / np.where(size > 0, size, size.max())
    heavier = np.minimum(np.sqrt(heavier) if kind == "sqrt" else heavier, _HEAVIEST)
    return ClassWeights(tuple(heavier.tolist()))
