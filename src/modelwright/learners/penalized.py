"""Linear models of smooth losses with an elastic-net penalty, fitted by L-BFGS."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from modelwright.core import Deadline, FloatArray, IntArray
from modelwright.learners.linear_model import sigmoid, softmax

__all__ = [
    "LinearLoss",
    "Penalty",
    "Solution",
    "absolute_loss",
    "class_loss",
    "log_link_loss",
    "minimise",
    "ordered_loss",
    "single_thread",
    "squared_loss",
]

_MARGIN = 0.05
"""Seconds kept to write the model down."""

LinearLoss = Callable[[FloatArray, FloatArray], tuple[float, FloatArray, FloatArray]]
"""Products of the matrix and the coefficients, shape (rows, scores), and free parameters (intercepts) ->
mean loss, its gradient by the products, and by the free parameters."""


@dataclass(frozen=True)
class Penalty:
    """``l1 * sum(abs(w)) + l2 / 2 * sum(w ** 2)``, beside the mean loss of a row.

    Attributes
    ----------
    l1, l2 : float
        Zero or more.
    """

    l1: float
    l2: float

    @classmethod
    def of(cls, strength: float, l1_ratio: float) -> Penalty:
        """A mixture of both, as scikit-learn's elastic net has it."""
        return cls(strength * l1_ratio, strength * (1 - l1_ratio))


@dataclass(frozen=True)
class Solution:
    """Where the solver ended.

    Attributes
    ----------
    coefficients : float64 array, shape (scores, columns)
    intercepts : float64 array
        The free parameters.
    steps : int
    reason : str
        ``"converged"``, ``"steps"`` or ``"deadline"``.
    """

    coefficients: FloatArray
    intercepts: FloatArray
    steps: int
    reason: str


class _OutOfTime(Exception):
    pass


def minimise(
    loss: LinearLoss,
    matrix: Any,
    start: Solution,
    penalty: Penalty,
    deadline: Deadline,
    max_iter: int = 300,
    signs: IntArray | None = None,
) -> Solution:
    """The coefficients with the least loss and penalty.

    An L1 penalty has a kink at zero: coefficients are then the difference of two parts, each kept from
    being negative (L-BFGS-B, Byrd, Lu, Nocedal & Zhu 1995), so that many end at exactly zero.

    Parameters
    ----------
    loss : callable
        See `LinearLoss`.
    matrix : array or scipy.sparse matrix, shape (rows, columns)
    start : Solution
        Where to begin; its shapes are those of the result.
    penalty : Penalty
    deadline : Deadline
        When the steps end; one is always taken, unless `start` has taken some.
    max_iter : int, default 300
        Steps at most.
    signs : int64 array, shape (columns,), optional
        1 where coefficients must not be negative, -1 where not positive, else 0.
    """
    from scipy.optimize import minimize

    shape, free = start.coefficients.shape, len(start.intercepts)
    count = start.coefficients.size
    split = penalty.l1 > 0
    turned = matrix.T.tocsr() if hasattr(matrix, "tocsr") else matrix.T
    clock = _Clock(deadline, sure=0 if start.steps else 2)

    def coefficients(point: FloatArray) -> FloatArray:
        flat = point[:count] - point[count : 2 * count] if split else point[:count]
        return flat.reshape(shape)

    def objective(point: FloatArray) -> tuple[float, FloatArray]:
        clock.check()
        weights = coefficients(point)
        # products of a matrix in single precision would else be taken of a copy in double
        products = np.asarray(matrix @ weights.T.astype(matrix.dtype), np.float64)
        value, by_product, by_free = loss(products, point[len(point) - free :])
        slope = np.asarray(turned @ by_product.astype(matrix.dtype), np.float64).T + penalty.l2 * weights
        value += 0.5 * penalty.l2 * float((weights**2).sum())
        flat = slope.reshape(-1)
        if split:
            value += penalty.l1 * float(point[: 2 * count].sum())
            flat = np.concatenate([flat + penalty.l1, penalty.l1 - flat])
        clock.note()
        return value, np.concatenate([flat, by_free])

    begin = start.coefficients.reshape(-1)
    parts = [np.maximum(begin, 0), np.maximum(-begin, 0)] if split else [begin]
    point = np.concatenate([*parts, start.intercepts])
    bounds = _bounds(shape, split, signs, free)
    last = _Last(point)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = minimize(
                objective,
                point,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                callback=last.note,
                options={"maxiter": max_iter, "maxcor": 10, "ftol": 1e-9, "gtol": 1e-6},
            )
        point, reason = found.x, "converged" if found.status == 0 else "steps"
    except _OutOfTime:
        point, reason = last.point, "deadline"
    if not np.isfinite(point).all():
        point = last.point
    return Solution(coefficients(point).copy(), point[len(point) - free :].copy(), last.steps, reason)


def _bounds(
    shape: tuple[int, ...], split: bool, signs: IntArray | None, free: int
) -> list[tuple[float | None, float | None]] | None:
    """The bounds of every parameter, or None where there are none."""
    if not split and (signs is None or not signs.any()):
        return None
    each = np.zeros(shape, np.int64) if signs is None else np.broadcast_to(signs, shape)
    flat = each.reshape(-1).tolist()
    bounds: list[tuple[float | None, float | None]] = []
    if split:
        bounds += [(0.0, 0.0 if sign < 0 else None) for sign in flat]
        bounds += [(0.0, 0.0 if sign > 0 else None) for sign in flat]
    else:
        bounds += [(0.0 if sign > 0 else None, 0.0 if sign < 0 else None) for sign in flat]
    return bounds + [(None, None)] * free


class _Clock:
    """Ends the steps when another evaluation would pass the deadline, but for the first ones."""

    def __init__(self, deadline: Deadline, sure: int) -> None:
        self.deadline = deadline
        self.sure = sure
        self.began = 0.0
        self.slowest = 0.0
        self.evaluations = 0

    def check(self) -> None:
        self.began = time.monotonic()
        # without two evaluations there would be no step
        if self.evaluations >= self.sure and self.deadline.remaining < _MARGIN + self.slowest:
            raise _OutOfTime

    def note(self) -> None:
        self.evaluations += 1
        if self.deadline.at is not None:
            self.slowest = max(0.8 * self.slowest, time.monotonic() - self.began)


class _Last:
    """The point after the last whole step."""

    def __init__(self, point: FloatArray) -> None:
        self.point = point
        self.steps = 0

    def note(self, point: FloatArray) -> None:
        if np.isfinite(point).all():
            self.point = np.array(point)
        self.steps += 1


def _shares(weights: FloatArray | None, rows: int) -> FloatArray:
    if weights is None:
        return np.full(rows, 1.0 / rows)
    shares: FloatArray = weights / weights.sum()
    return shares


def squared_loss(target: FloatArray, weights: FloatArray | None) -> LinearLoss:
    """Half the squared error."""
    shares = _shares(weights, len(target))

    def loss(products: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        error = products[:, 0] + free - target
        slope = shares * error
        return 0.5 * float(slope @ error), slope[:, None], np.array([slope.sum()])

    return loss


def absolute_loss(target: FloatArray, weights: FloatArray | None, level: float, width: float) -> LinearLoss:
    """The loss of a quantile, with its kink rounded over about ``width``.

    Source: Fernandes, Guerre & Horta, "Smoothing quantile regressions", 2021 (here with a logistic kernel).

    Examples
    --------
    >>> loss = absolute_loss(np.zeros(1), None, 0.9, 1e-6)
    >>> round(loss(np.array([[-2.0]]), np.zeros(1))[0], 6), round(loss(np.array([[2.0]]), np.zeros(1))[0], 6)
    (1.8, 0.2)
    """
    shares = _shares(weights, len(target))

    def loss(products: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        rest = target - products[:, 0] - free
        value = level * rest + width * np.logaddexp(0.0, -rest / width)
        slope = shares * (sigmoid(-rest / width) - level)
        return float(shares @ value), slope[:, None], np.array([slope.sum()])

    return loss


def class_loss(target: IntArray, weights: FloatArray | None, classes: int) -> LinearLoss:
    """The log loss of two classes (one score) or of more (one score a class)."""
    shares = _shares(weights, len(target))
    rows = np.arange(len(target))

    def two(products: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        scores = products[:, 0] + free
        value = float(shares @ (np.logaddexp(0.0, scores) - target * scores))
        slope = shares * (sigmoid(scores) - target)
        return value, slope[:, None], np.array([slope.sum()])

    def more(products: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        slope = softmax(products + free)
        value = -float(shares @ np.log(np.maximum(slope[rows, target], 1e-300)))
        slope[rows, target] -= 1.0
        slope *= shares[:, None]
        return value, slope, slope.sum(axis=0)

    return two if classes == 2 else more


def log_link_loss(target: FloatArray, weights: FloatArray | None, power: float) -> LinearLoss:
    """Half the unit deviance (up to a constant) of a Tweedie distribution whose mean is ``exp(score)``.

    Parameters
    ----------
    target : float64 array, shape (rows,)
        Zero or more (above zero for a power of 2).
    weights : float64 array, shape (rows,), or None
    power : float
        The variance is in proportion to the mean to this power: 1 for Poisson, 2 for gamma.

    Notes
    -----
    Source: Jorgensen, "Exponential dispersion models", 1987.
    """
    shares = _shares(weights, len(target))

    def loss(products: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        # a step of the line search may go far: exp must not overflow
        scores = np.clip(products[:, 0] + free, -30.0, 30.0)
        if power == 1:
            first, second = np.exp(scores), target * scores
        elif power == 2:
            first, second = scores, -target * np.exp(-scores)
        else:
            first = np.exp((2 - power) * scores) / (2 - power)
            second = target * np.exp((1 - power) * scores) / (1 - power)
        slope = shares * (np.exp((2 - power) * scores) - target * np.exp((1 - power) * scores))
        return float(shares @ (first - second)), slope[:, None], np.array([slope.sum()])

    return loss


def ordered_loss(target: IntArray, weights: FloatArray | None, classes: int) -> LinearLoss:
    """The log loss of proportional odds: ``P(class <= k) = sigmoid(threshold[k] - score)``.

    The free parameters are the first threshold and the logarithms of the gaps between them, so that
    thresholds ascend whatever the solver tries.

    Source: McCullagh, "Regression models for ordinal data", 1980.
    """
    shares = _shares(weights, len(target))
    is_last, is_first = target == classes - 1, target == 0

    def loss(products: FloatArray, free: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        gaps = np.exp(np.clip(free[1:], -30.0, 30.0))
        ends = np.concatenate([free[:1], free[0] + np.cumsum(gaps)])
        above = ends[np.minimum(target, classes - 2)] - products[:, 0]
        below = ends[np.maximum(target - 1, 0)] - products[:, 0]
        upper, lower = sigmoid(above), sigmoid(below)
        # P = upper - lower, without cancellation: sigmoid(a) - sigmoid(b) = s(a) s(-b) (1 - exp(b - a))
        between = upper * sigmoid(-below) * -np.expm1(np.minimum(below - above, 0.0))
        share = np.where(is_first, upper, np.where(is_last, sigmoid(-below), between))
        share = np.maximum(share, 1e-300)
        value = -float(shares @ np.log(share))
        by_upper = np.where(is_last, 0.0, -shares * upper * (1 - upper) / share)
        by_lower = np.where(is_first, 0.0, shares * lower * (1 - lower) / share)
        by_end = np.bincount(target[~is_last], by_upper[~is_last], minlength=classes - 1)
        by_end = by_end + np.bincount(target[~is_first] - 1, by_lower[~is_first], minlength=classes - 1)
        later = np.cumsum(by_end[::-1])[::-1]
        by_free = np.concatenate([later[:1], later[1:] * gaps])
        return value, -(by_upper + by_lower)[:, None], by_free

    return loss


def single_thread() -> Any:
    """A context in which linear algebra runs on one thread.

    Its sums, and so a model, then do not depend on how many threads there are.
    """
    # finding the libraries takes milliseconds, and only an import can load another one
    return _thread_pools(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
