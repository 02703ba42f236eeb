"""Rows of rare classes weighed up in the fit, and the probabilities put right again afterwards.

A learner with a penalty, a depth or a number of leaves to spare spends them on the common class; heavier rows
of the rare one change that. What the weights did to the probabilities is undone, so that they mean what they
say and blend with those of other models.

How much a weight did depends on the learner: a linear model moves by the whole of it (Elkan, "The foundations
of cost-sensitive learning", 2001, theorem 2), a tree with pure leaves hardly at all. So nothing is assumed: a
shift for each class is fitted by maximum likelihood to rows that were kept out of the fit, where the mean
probability of each class is its share afterwards. It is King and Zeng's "prior correction" ("Logistic
regression in rare events data", 2001) with an estimated intercept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, Contributions, FloatArray

__all__ = ["CLASS_WEIGHTS", "ClassWeights", "fit_class_weights"]

CLASS_WEIGHTS = ("balanced", "sqrt")
"""All classes weigh the same, or as the root of what they do."""

_HEAVIEST = 1_000.0
_FARTHEST = 15.0
_CLIP = 1e-6
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class ClassWeights:
    """The weight of a row of each class.

    Attributes
    ----------
    weights : tuple of float
        By class code, positive; 1 for a class without training rows.
    shifts : tuple of float
        What is added to the logarithm of the probability of each class; empty until `with_shifts`.

    Examples
    --------
    >>> ClassWeights((1.0, 3.0), (0.0, float(np.log(1 / 3)))).undo(np.array([[0.25, 0.75]])).round(6).tolist()
    [[0.5, 0.5]]
    """

    weights: tuple[float, ...]
    shifts: tuple[float, ...] = ()

    def of_rows(self, codes: NDArray[Any]) -> FloatArray:
        """The weight of each row by its class."""
        return np.asarray(self.weights)[np.asarray(codes, np.int64)]

    def undo(self, probabilities: FloatArray) -> FloatArray:
        """Probabilities as they would be without the weights, shape (rows, classes)."""
        plain = np.clip(probabilities, _CLIP, None) * np.exp(self.shifts) if self.shifts else probabilities
        return np.asarray(plain / plain.sum(axis=1, keepdims=True))

    def undone(self, found: Contributions) -> Contributions:
        """Contributions to the probabilities that `undo` gives."""
        if not self.shifts:
            return found
        shares = found.probabilities()
        if shares.values.shape[2] == 1:
            return shares.mapped(lambda part: self.undo(np.hstack([1 - part, part]))[:, 1:], "probability")
        heavier = np.exp(self.shifts)
        return shares.mapped(lambda part: np.clip(part, _CLIP, None) * heavier, "probability").normalised()

    def with_shifts(
        self, codes: NDArray[Any], probabilities: FloatArray, weights: NDArray[Any] | None
    ) -> ClassWeights:
        """The same, knowing what the weights did.

        Parameters
        ----------
        codes : int64 array, shape (rows,)
            True classes of rows that the model was not fitted on.
        probabilities : float64 array, shape (rows, classes)
            What it says of them.
        weights : array, shape (rows,), or None
            Row weights, without those of the classes.
        """
        from scipy.optimize import minimize

        mass = np.ones(len(codes)) if weights is None else np.asarray(weights, np.float64)
        mass = mass / mass.sum()
        shares = np.bincount(np.asarray(codes, np.int64), mass, minlength=len(self.weights))
        logs = np.log(np.clip(probabilities, _CLIP, None))

        def loss(shifts: FloatArray) -> tuple[float, FloatArray]:
            scores = logs + shifts
            top = scores.max(axis=1, keepdims=True)
            odds = np.exp(scores - top)
            total = odds.sum(axis=1, keepdims=True)
            value = float((mass * (top + np.log(total))[:, 0]).sum() - (shares * shifts).sum())
            return value, (mass[:, None] * odds / total).sum(axis=0) - shares

        start = -np.log(self.weights)
        found = minimize(
            loss, start, jac=True, method="L-BFGS-B", bounds=[(-_FARTHEST, _FARTHEST)] * len(start)
        )
        shifts = np.where(shares > 0, found.x, start)
        return ClassWeights(self.weights, tuple(float(number) for number in shifts))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {"weights": list(self.weights), "shifts": list(self.shifts)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ClassWeights:
        """Inverse of `to_dict`.

        Raises
        ------
        BundleError
            If the record cannot be one.
        """
        try:
            weights, shifts = (
                tuple(float(number) for number in record[name]) for name in ("weights", "shifts")
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"The record of class weights is damaged ({error!r}).") from error
        usual = 1 / (2 * _HEAVIEST), 2 * _HEAVIEST
        if (
            not 2 <= len(weights) == len(shifts) <= _MOST_CLASSES
            or not all(usual[0] <= number <= usual[1] for number in weights)
            or not all(abs(number) <= _FARTHEST for number in shifts)
        ):
            raise BundleError("The record of class weights holds what cannot be. Train the model again.")
        return cls(weights, shifts)


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
