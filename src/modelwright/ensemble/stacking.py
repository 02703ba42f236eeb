"""Stacking: a small model of the members' predictions in place of their weighted mean, where that pays.

The members' out-of-fold predictions are the only inputs, so a stacked model costs no further fits. Numbers
are combined by non-negative least squares (Breiman, "Stacked regressions", 1996), probabilities by a weighted
sum of their logarithms with a constant for each class (a logistic regression on them; Wolpert, "Stacked
generalization", 1992). Both are drawn towards the weights that the greedy selection found.

The guard against leaking: a stacked model is kept only if, fitted on half of the rows, it scores clearly
better on the other half than the weighted mean does, although that one's weights have seen all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core import Deadline, FloatArray, IntArray, Problem, Task, generator
from modelwright.ensemble.decision import decided_error
from modelwright.ensemble.proof import is_proven
from modelwright.metrics import Metric

__all__ = ["Stacker", "fit_stacker"]

_FLOOR = 1e-5
"""Probabilities below are taken for this: the logarithm of an impossible class would outweigh everything."""

_PRIOR_ROWS = 30.0
"""Strength of the pull towards the greedy weights, in rows."""

_REPEATS = 3
_FEWEST_ROWS = 200
_MOST_CELLS = 1_000_000
"""Rows x members x classes that are looked at: a few numbers are not better known by more."""


@dataclass(frozen=True)
class Stacker:
    """How members' predictions are combined.

    Attributes
    ----------
    slopes : tuple of float
        One for each member.
    constants : tuple of float
        One for each class; a single one for regression.

    Examples
    --------
    >>> Stacker((0.5, 0.6), (1.0,)).combine([np.array([10.0]), np.array([20.0])]).tolist()
    [18.0]
    """

    slopes: tuple[float, ...]
    constants: tuple[float, ...]

    def combine(self, parts: Sequence[FloatArray]) -> FloatArray:
        """Predictions of the whole from those of the members, in the order of the slopes.

        Parameters
        ----------
        parts : sequence of float64 arrays, each of shape (rows,) or (rows, classes)

        Returns
        -------
        float64 array of that shape
        """
        if parts[0].ndim == 1:
            return np.asarray(np.tensordot(self.slopes, np.stack(parts), 1) + self.constants[0])
        scores = np.zeros(parts[0].shape)
        for slope, part in zip(self.slopes, parts, strict=True):
            scores += slope * _logarithms(part)
        return _softmax(scores + np.asarray(self.constants))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {"slopes": list(self.slopes), "constants": list(self.constants)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], members: int, outputs: int | None = None) -> Stacker:
        """Inverse of `to_dict`.

        Parameters
        ----------
        record : mapping
        members : int
            Of the ensemble.
        outputs : int, optional
            Classes, or 1 for regression, where that is known.

        Raises
        ------
        ValueError
            If it is of another number of members or classes, or not finite.
        """
        slopes = tuple(float(number) for number in record["slopes"])
        constants = tuple(float(number) for number in record["constants"])
        if len(slopes) != members or (outputs is not None and len(constants) != outputs) or not constants:
            raise ValueError(f"a stacked model of {len(slopes)} members and {len(constants)} outputs")
        if not np.isfinite([*slopes, *constants]).all():
            raise ValueError("the numbers of a stacked model must be finite")
        return cls(slopes, constants)


def fit_stacker(
    metric: Metric,
    problem: Problem,
    target: np.ndarray[Any, Any],
    parts: Sequence[FloatArray],
    shares: Sequence[float],
    weights: FloatArray | None = None,
    *,
    deadline: Deadline | None = None,
) -> Stacker | None:
    """A stacked model of the members, if it is clearly better than their weighted mean.

    Parameters
    ----------
    metric : Metric
        What is optimised, and judged by.
    problem : Problem
        Classes and numbers are stacked; labels and quantiles are not.
    target : array, shape (rows,)
    parts : sequence of float64 arrays
        Out-of-fold predictions of the members, as many as shares.
    shares : sequence of float
        Weights of the greedy selection.
    weights : float64 array, shape (rows,), optional
        Row weights.
    deadline : Deadline, optional
        When to give up.

    Returns
    -------
    Stacker or None
        None for a single member, few rows, no time, or where the mean is as good.

    Examples
    --------
    >>> from modelwright.metrics import get_metric
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=4000)
    >>> parts = [signal / 2 + rng.normal(0, 0.05, 4000), signal / 2 + rng.normal(0, 0.05, 4000)]
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    >>> found = fit_stacker(get_metric("rmse", Task.REGRESSION), problem, signal, parts, [0.5, 0.5])
    >>> round(sum(found.slopes), 1)
    2.0
    """
    plain = problem.task is Task.REGRESSION or problem.task.is_classification
    if not plain or len(parts) < 2 or len(target) < _FEWEST_ROWS or metric.costly:
        return None
    step = max(1, -(-len(target) * len(parts) * max(1, problem.outputs) // _MOST_CELLS))
    rows = _Rows(
        metric,
        problem,
        target[::step],
        np.stack([np.asarray(part, np.float64)[::step] for part in parts]),
        None if weights is None else weights[::step],
    )
    mean = np.tensordot(shares, rows.parts, 1)
    random = generator(0, "stacking")
    gains: list[float] = []
    for _ in range(_REPEATS):
        order = random.permutation(len(rows.target))
        halves = order[::2], order[1::2]
        for fitted, judged in (halves, halves[::-1]):
            if deadline is not None and deadline.passed:
                return None
            stacker = rows.take(fitted).fit(shares)
            known = rows.take(judged)
            gains.append(known.error(mean[judged]) - known.error(stacker.combine(list(known.parts))))
    return rows.fit(shares) if is_proven(gains) else None


@dataclass(frozen=True)
class _Rows:
    """Out-of-fold rows; `parts` is of shape (members, rows) or (members, rows, classes)."""

    metric: Metric
    problem: Problem
    target: np.ndarray[Any, Any]
    parts: FloatArray
    weights: FloatArray | None

    def take(self, rows: IntArray) -> _Rows:
        weights = None if self.weights is None else self.weights[rows]
        return _Rows(self.metric, self.problem, self.target[rows], self.parts[:, rows], weights)

    def error(self, array: FloatArray) -> float:
        return decided_error(self.metric, self.target, array, self.weights, self.problem)

    def fit(self, shares: Sequence[float]) -> Stacker:
        weights = np.ones(len(self.target)) if self.weights is None else np.asarray(self.weights, np.float64)
        weights = weights / weights.mean()
        if self.parts.ndim == 2:
            return _fit_values(self.target.astype(np.float64), self.parts, weights, np.asarray(shares))
        return _fit_classes(self.target.astype(np.int64), self.parts, weights, np.asarray(shares))


def _fit_values(target: FloatArray, parts: FloatArray, weights: FloatArray, shares: FloatArray) -> Stacker:
    """Non-negative least squares of centred values, with as many rows more as the prior has."""
    from scipy.optimize import nnls  # takes a worker that never stacks half a second to import

    centre = float(np.average(target, weights=weights))
    middles = np.average(parts, axis=1, weights=weights)
    centred = (parts - middles[:, None]).T
    scale = float(np.sqrt(_PRIOR_ROWS * np.average(centred.var(axis=0)))) or 1.0
    root = np.sqrt(weights)
    left = np.vstack([centred * root[:, None], scale * np.eye(len(parts))])
    right = np.concatenate([(target - centre) * root, scale * shares])
    slopes, _ = nnls(left, right)
    return Stacker(tuple(map(float, slopes)), (float(centre - slopes @ middles),))


def _fit_classes(codes: IntArray, parts: FloatArray, weights: FloatArray, shares: FloatArray) -> Stacker:
    """Logistic regression on logarithms of probabilities, drawn towards the shares."""
    from scipy.optimize import minimize

    logs = _logarithms(parts)
    members, rows, classes = logs.shape
    truth = np.zeros((rows, classes))
    truth[np.arange(rows), codes] = 1.0

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        slopes, constants = values[:members], values[members:]
        found = _softmax(np.tensordot(slopes, logs, 1) + constants)
        chosen = np.maximum(found[np.arange(rows), codes], 1e-15)
        away = np.concatenate([slopes - shares, constants])
        total = -float(weights @ np.log(chosen)) + 0.5 * _PRIOR_ROWS * float(away @ away)
        slope = (found - truth) * weights[:, None]
        gradient = np.concatenate([np.tensordot(logs, slope, 2), slope.sum(axis=0)]) + _PRIOR_ROWS * away
        return total / rows, gradient / rows

    start = np.concatenate([shares, np.zeros(classes)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return Stacker(tuple(map(float, found.x[:members])), tuple(map(float, found.x[members:])))


def _logarithms(probabilities: FloatArray) -> FloatArray:
    return np.log(np.maximum(probabilities, _FLOOR))


def _softmax(scores: FloatArray) -> FloatArray:
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
