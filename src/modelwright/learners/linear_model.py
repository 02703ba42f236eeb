"""A fitted linear model of any kind: coefficients, and what makes predictions of its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Contributions, FloatArray, Predictions, View
from modelwright.learners.attribution import constant_contributions, decoded, design_owners
from modelwright.learners.base import FittedLearner
from modelwright.learners.design import Design
from modelwright.learners.linear_reading import LinearReading
from modelwright.learners.state import (
    check_state,
    read_arrays,
    read_json,
    read_state,
    write_arrays,
    write_json,
)
from modelwright.learners.targets import TargetCoder

__all__ = ["FittedLinearModel", "LinearState", "sigmoid", "softmax", "value_limits"]

_CHUNK = 16_384
"""Rows encoded at once for predictions."""

_FITTED = frozenset(("coefficients", "intercepts"))
_ARRAYS = (_FITTED, _FITTED | {"means", "importances"})
"""What a file of coefficients holds: without what was read off the training rows, and with it."""

_LINKS = ("values", "log", "classes", "one_vs_rest", "ordered")


@dataclass(frozen=True)
class LinearState:
    """What was fitted.

    Attributes
    ----------
    link : str
        What scores say: ``"values"`` as the target was encoded; ``"log"`` of values; ``"classes"``: log
        odds of the second of two, or logarithms of shares of more; ``"one_vs_rest"``: log odds of each
        class against all others; ``"ordered"``: one score, to which each intercept is added for the log
        odds that the class is at most this one.
    coefficients : float64 array, shape (scores, columns)
        One score for values, two classes and ordered ones, else one a class. Empty where there was one
        class or value to learn.
    intercepts : float64 array, shape (scores,)
        Added to the products; for ordered classes one a class but the last, ascending.
    limits : (float, float)
        Between which scores of values are kept: a row far from all others must not get a prediction
        far from all targets.
    """

    link: str
    coefficients: FloatArray
    intercepts: FloatArray
    limits: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def nothing(cls, link: str, width: int) -> LinearState:
        """Of a target of one class or value."""
        return cls(link, np.zeros((0, width)), np.zeros(0))

    def predict(self, products: FloatArray, coder: TargetCoder) -> Predictions:
        """Predictions from the products of the matrix and the coefficients, shape (rows, scores)."""
        if self.link == "ordered":
            return coder.decode(self._ordered_shares(products))
        scores = products + self.intercepts
        if self.link == "values":
            return coder.decode(np.clip(scores[:, 0], *self.limits))
        if self.link == "log":
            return Predictions.of_values(np.exp(np.clip(scores[:, 0], *self.limits)))
        if scores.shape[1] == 1:
            return coder.decode(sigmoid(scores[:, 0]))
        if self.link == "classes":
            return coder.decode(softmax(scores))
        # even a row that all classes disown gets shares
        shares = sigmoid(scores) + 1e-12
        return coder.decode(shares / shares.sum(axis=1, keepdims=True))

    def contributed(self, scores: Contributions, coder: TargetCoder) -> Contributions:
        """Contributions to predictions from those to scores, intercepts included (but of ordered classes)."""
        if self.link == "values":
            return decoded(coder, scores.mapped(lambda score: np.clip(score, *self.limits), "identity"))
        if self.link == "log":
            return scores.mapped(lambda score: np.exp(np.clip(score, *self.limits)), "identity")
        if self.link == "ordered":
            return decoded(coder, scores.mapped(self._ordered_shares, "probability"))
        if self.link == "one_vs_rest" and scores.values.shape[2] > 1:
            # even a row that all classes disown gets shares
            parts = scores.mapped(lambda score: sigmoid(score) + 1e-12, "probability")
            return decoded(coder, parts.normalised())
        return decoded(coder, scores)

    def _ordered_shares(self, products: FloatArray) -> FloatArray:
        """The share of each ordered class, from products of shape (rows, 1)."""
        below = sigmoid(self.intercepts[None, :] - products)
        ends = np.ones((len(products), 1))
        return np.diff(np.concatenate([0 * ends, below, ends], axis=1), axis=1)

    def complaint(self, coder: TargetCoder, width: int) -> str:
        """What is wrong with a state that was read, or nothing."""
        classes = len(coder.present)
        if self.link not in _LINKS or (self.link in ("values", "log")) == coder.is_classification:
            return "names a kind of score that its target cannot have"
        scores = 0 if coder.is_constant else 1
        if scores and classes > 2 and self.link != "ordered":
            scores = classes
        ends = classes - 1 if self.link == "ordered" else scores
        arrays = (self.coefficients, self.intercepts)
        if (
            any(array.dtype != np.float64 or not np.isfinite(array).all() for array in arrays)
            or self.coefficients.shape != (scores, width)
            or self.intercepts.shape != (ends,)
        ):
            return "does not fit the encoder and the target of the model"
        if self.link == "ordered" and (np.diff(self.intercepts) < 0).any():
            return "holds thresholds between classes that do not ascend"
        low, high = self.limits
        # exp of more than this is no number
        largest = 700.0 if self.link == "log" else np.inf
        if not (np.isfinite(self.limits).all() and low <= high <= largest):
            return "lacks the limits of predictions"
        return ""


class FittedLinearModel(FittedLearner):
    """Coefficients, and what turns a view into the matrix that they multiply.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    design : Design
        From view to matrix.
    state : LinearState
        What was fitted.
    reading : LinearReading, optional
        What the columns added on the training rows, for people. Models of earlier versions have none.
    """

    def __init__(
        self, coder: TargetCoder, design: Design, state: LinearState, reading: LinearReading | None = None
    ) -> None:
        self.coder = coder
        self.design = design
        self.state = state
        self.reading = reading

    def predict(self, view: View) -> Predictions:
        """Probabilities or values: one matrix product."""
        coefficients = self.state.coefficients
        if not len(coefficients):
            return self.coder.predict_constant(view.rows)
        if view.rows == 1 and self.design.terms and not self.design.encoder.sparse:
            return self.state.predict(self.design.product(view, coefficients), self.coder)
        parts = [np.zeros((0, len(coefficients)))]
        for start in range(0, view.rows, _CHUNK):
            matrix = self.design.matrix(view.take(slice(start, start + _CHUNK)))
            parts.append(np.asarray(matrix @ coefficients.T))
        return self.state.predict(np.concatenate(parts), self.coder)

    def contributions(self, view: View) -> Contributions:
        """Each coefficient times the distance of its column from its mean over the training rows.

        These are the Shapley values of columns that are independent (Strumbelj and Kononenko, 2014). Where
        means are not known (terms of texts, models of earlier versions), the distance is from zero.
        """
        coefficients = self.state.coefficients
        if not len(coefficients):
            said = self.coder.predict_constant(1).array
            return constant_contributions(said, view, classes=self.coder.is_classification)
        from scipy.sparse import csr_matrix

        owners, width = design_owners(self.design, view.info), len(view.info.features)
        means = np.zeros(self.design.width)
        if self.reading is not None:
            means[: self.design.encoder.width] = self.reading.means
        matrix, places = self.design.matrix(view), np.arange(len(owners))
        values = np.zeros((view.rows, width, len(coefficients)))
        base = np.zeros(len(coefficients)) if self.state.link == "ordered" else self.state.intercepts.copy()
        for score, weights in enumerate(coefficients if len(owners) else ()):
            spread = csr_matrix((weights, (owners, places)), shape=(width, len(owners)))
            shift = np.asarray(spread @ means)
            product = spread @ matrix.T
            added = product if isinstance(product, np.ndarray) else product.toarray()
            values[:, :, score] = np.asarray(added).T - shift
            base[score] += shift.sum()
        link = "log-odds" if self.coder.is_classification else "identity"
        return self.state.contributed(Contributions(values, base, link), self.coder)

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``encoder.npz`` and ``coefficients.npz``."""
        write_json(
            directory / "model.json",
            {
                "target": self.coder.to_dict(),
                "link": self.state.link,
                "limits": [float(limit) for limit in self.state.limits],
            },
        )
        write_arrays(directory / "encoder.npz", self.design.arrays())
        write_arrays(
            directory / "coefficients.npz",
            {
                "coefficients": self.state.coefficients,
                "intercepts": self.state.intercepts,
                **({} if self.reading is None else self.reading.arrays()),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "coefficients.npz"
        record = read_json(directory / "model.json")
        coder = TargetCoder.from_dict(record.get("target", {}))
        design = read_state(directory / "encoder.npz", Design.from_arrays)
        arrays = read_arrays(path)
        check_state(set(arrays) in _ARRAYS, path, "lacks an array, or holds one that does not belong there")
        state = _read_state(record, arrays, path)
        complaint = state.complaint(coder, design.width)
        check_state(not complaint, path, complaint)
        reading = None
        if "means" in arrays:
            try:
                scores = len(state.coefficients)
                reading = LinearReading.from_arrays(arrays, scores, design.encoder.width)
            except ValueError as error:
                check_state(False, path, str(error))
        return cls(coder, design, state, reading)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        arrays = sum(array.nbytes for array in self.design.arrays().values())
        read = 0 if self.reading is None else sum(each.nbytes for each in self.reading.arrays().values())
        return arrays + read + self.state.coefficients.nbytes + self.state.intercepts.nbytes + 4_000


def _read_state(record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], path: Path) -> LinearState:
    coefficients, intercepts = arrays.get("coefficients"), arrays.get("intercepts")
    limits, link = record.get("limits"), record.get("link")
    check_state(coefficients is not None and intercepts is not None, path, "lacks coefficients")
    check_state(
        isinstance(limits, list)
        and len(limits) == 2
        and all(isinstance(limit, (int, float)) for limit in limits)
        and isinstance(link, str),
        path,
        "lacks the limits of predictions",
    )
    low, high = np.asarray(limits, np.float64).tolist()
    return LinearState(str(link), np.asarray(coefficients), np.asarray(intercepts), (low, high))


def sigmoid(scores: FloatArray) -> FloatArray:
    """``1 / (1 + exp(-score))``.

    Examples
    --------
    >>> sigmoid(np.array([-1e9, 0.0, 1e9])).tolist()
    [0.0, 0.5, 1.0]
    """
    # one branch a sign: exp never overflows
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def softmax(scores: FloatArray) -> FloatArray:
    """Shares in proportion to ``exp(score)``, over the last axis.

    Examples
    --------
    >>> softmax(np.array([[5.0, 5.0]])).tolist()
    [[0.5, 0.5]]
    """
    powers: FloatArray = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def value_limits(target: FloatArray) -> tuple[float, float]:
    """The range of training targets, a tenth wider on both sides."""
    margin = 0.1 * float(np.ptp(target))
    return float(target.min()) - margin, float(target.max()) + margin
