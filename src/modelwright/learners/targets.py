"""What a model is fitted to: the target as engines want it, and the way back to predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, FloatArray, IntArray, Predictions, Problem, Task
from modelwright.metrics import get_metric

__all__ = ["MOST_OUTPUTS", "Loss", "TargetCoder", "loss_of", "metric_name", "relative_weights"]


MOST_OUTPUTS = 10_000
"""Classes of a problem at most: what a file says must not decide how much memory predictions take."""


@dataclass(frozen=True)
class Loss:
    """The loss of a regression.

    Attributes
    ----------
    name : str
        ``"squared"``, ``"absolute"`` or ``"quantile"``.
    level : float
        Of the quantile.
    """

    name: str
    level: float = 0.5


_ABSOLUTE = ("mae", "mape", "median_absolute_error")


def metric_name(problem: Problem) -> str:
    """The catalog name of a problem's metric; ``"custom"`` for a caller's function.

    A problem of one quantile is scored by the loss of that quantile.

    Examples
    --------
    >>> metric_name(Problem.of("y", task="binary", metric="AUC"))
    'roc_auc'
    """
    if problem.task is Task.QUANTILE:
        # whatever all quantiles are scored by, a learner is given one of them to predict
        return f"quantile:{problem.quantiles[0]!r}"
    if problem.metric_function is not None:
        return "custom"
    return get_metric(problem.metric, problem.task).name


def loss_of(problem: Problem) -> Loss:
    """The loss to minimise for the metric of a regression problem.

    Examples
    --------
    >>> loss_of(Problem.of("y", task="regression", metric="mae"))
    Loss(name='absolute', level=0.5)
    """
    name, _, level = metric_name(problem).partition(":")
    if name == "quantile":
        return Loss("quantile", float(level))
    return Loss("absolute" if name in _ABSOLUTE else "squared")


def relative_weights(problem: Problem, target: NDArray[Any], weights: FloatArray | None) -> FloatArray | None:
    """Row weights that turn an absolute error into the relative one of MAPE; else those given.

    A target near zero would weigh without bound: magnitudes are floored at a hundredth of the median.
    """
    if problem.task.is_classification or metric_name(problem) != "mape" or not len(target):
        return weights
    size = np.abs(np.asarray(target, np.float64))
    floor = max(float(np.median(size)) / 100, 1e-12)
    relative: FloatArray = 1.0 / np.maximum(size, floor)
    relative = relative / relative.mean()
    return relative if weights is None else relative * weights


@dataclass(frozen=True)
class TargetCoder:
    """Codes of the classes that training rows hold, or values on the scale that is fitted.

    Attributes
    ----------
    outputs : int
        Classes of the problem, or 0 for regression.
    present : tuple of int
        Class codes among the training rows, ascending. A class that is absent gets probability 0.
    logarithm : bool
        Whether ``log(1 + y)`` is fitted (for RMSLE, which is RMSE on that scale).
    constant : float or None
        The only value of a regression target that has one.
    center, scale : float
        Mean and standard deviation of a regression target (after the logarithm): engines fit
        ``(y - center) / scale``, because they keep targets as float32 and their L1 penalties have the
        unit of the target.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> problem = Problem.of("y", task="multiclass").resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c"))
    >>> coder = TargetCoder.fit(problem, np.array([2, 0, 2]))
    >>> coder.encode(np.array([0, 1, 2])).tolist()
    [0, -1, 1]
    >>> coder.decode(np.array([[0.25, 0.75]])).array.tolist()
    [[0.25, 0.0, 0.75]]
    """

    outputs: int
    present: tuple[int, ...] = ()
    logarithm: bool = False
    constant: float | None = None
    center: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, problem: Problem, target: NDArray[Any]) -> TargetCoder:
        """Look at the target of the training rows."""
        if problem.task.is_classification:
            present = tuple(int(code) for code in np.unique(target))
            return cls(problem.outputs, present)
        low, high = float(target.min()), float(target.max())
        if low == high:
            return cls(outputs=0, constant=low)
        logarithm = metric_name(problem) == "rmsle" and low >= 0
        values = np.log1p(target) if logarithm else np.asarray(target, np.float64)
        # a spread that underflows (values around 1e-300) would divide by zero
        scale = float(values.std()) or 1.0
        return cls(outputs=0, logarithm=logarithm, center=float(values.mean()), scale=scale)

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.outputs > 0

    @property
    def is_constant(self) -> bool:
        """Whether there is one class, or one value, and so nothing to fit."""
        return len(self.present) == 1 if self.is_classification else self.constant is not None

    def encode(self, target: NDArray[Any]) -> NDArray[Any]:
        """int64 positions in `present` (-1 for absent classes), or float64 values to fit."""
        if self.is_classification:
            lookup = np.full(self.outputs, -1, np.int64)
            lookup[list(self.present)] = np.arange(len(self.present))
            positions: IntArray = lookup[np.asarray(target, np.int64)]
            return positions
        values = np.asarray(target, np.float64)
        values = np.log1p(np.maximum(values, 0.0)) if self.logarithm else values
        return (values - self.center) / self.scale

    def decode(self, raw: NDArray[Any]) -> Predictions:
        """Predictions from what an engine says.

        Parameters
        ----------
        raw : array
            Shape ``(rows, present classes)`` or, for two present classes, ``(rows,)`` probabilities
            of the second; or ``(rows,)`` values on the scale that was fitted.
        """
        raw = np.asarray(raw, np.float64)
        if not self.is_classification:
            values = raw * self.scale + self.center
            # expm1 of an extrapolated logarithm must not overflow
            return Predictions.of_values(np.expm1(np.clip(values, 0.0, 700.0)) if self.logarithm else values)
        if raw.ndim == 1:
            pairs = np.empty((len(raw), 2))
            pairs[:, 0], pairs[:, 1] = 1.0 - raw, raw
            raw = pairs
        if len(self.present) == self.outputs:
            return Predictions.of_probabilities(raw)
        full = np.zeros((raw.shape[0], self.outputs))
        full[:, list(self.present)] = raw
        return Predictions.of_probabilities(full)

    def predict_constant(self, rows: int) -> Predictions:
        """What to say about every row where the training rows held one class or one value."""
        if self.is_classification:
            return self.decode(np.ones((rows, 1)))
        return Predictions.of_values(np.full(rows, self.constant))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "outputs": self.outputs,
            "present": list(self.present),
            "logarithm": self.logarithm,
            "constant": self.constant,
            "center": self.center,
            "scale": self.scale,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TargetCoder:
        """Inverse of `to_dict`.

        Raises
        ------
        BundleError
            If the record cannot be one.
        """
        try:
            coder = cls(
                outputs=_whole(record["outputs"]),
                present=tuple(_whole(code) for code in record["present"]),
                logarithm=bool(record["logarithm"]),
                constant=None if record["constant"] is None else _finite(record["constant"]),
                center=_finite(record["center"]),
                scale=_finite(record["scale"]),
            )
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise BundleError(
                f"A model's record of its target is damaged ({error!r}). Copy the model again, or train "
                "it again."
            ) from error
        ordered = list(coder.present) == sorted(set(coder.present))
        inside = all(0 <= code < coder.outputs for code in coder.present)
        if not ordered or not inside or (coder.outputs > 0) != bool(coder.present):
            raise BundleError(
                f"A model's record of its target names the classes {coder.present[:10]} of {coder.outputs}, "
                "which cannot be: copy the model again, or train it again."
            )
        return coder


def _whole(value: Any) -> int:
    """A number of classes, or the code of one, that was read."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_OUTPUTS:
        raise ValueError(f"{value!r:.80} is no whole number from 0 to {MOST_OUTPUTS}")
    return value


def _finite(value: Any) -> float:
    """A finite number that was read."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r:.80} is no finite number")
    return float(value)
