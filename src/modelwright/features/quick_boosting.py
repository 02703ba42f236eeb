"""A small booster for looking at data: which columns count, what is left to explain, what is gained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Deadline, FloatArray, IntArray, Problem

__all__ = ["QuickFit", "QuickTarget", "quick_fit"]

_ROUNDS, _FEWEST_ROUNDS, _PATIENCE = 500, 250, 15
"""To the end: features that only speed up learning show no gain then. A round fits a tree for each class."""

_RATE, _LEAVES = 0.15, 24
_WIDE = 100
"""Columns that a tree looks at, at most."""

_FAR = 6.0
"""Targets farther from the median than so many quartile distances count as if they were there."""


@dataclass(frozen=True, eq=False)
class QuickTarget:
    """A target as the booster takes it.

    Attributes
    ----------
    values : float64 array, shape (rows,)
        Class codes from 0 on, or values of about unit scale without far outliers.
    classes : int
        0 for values.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    >>> QuickTarget.of(problem, np.array([1.0, 2.0, 3.0, 4.0, 1e9])).values.tolist()
    [-1.0, -0.5, 0.0, 0.5, 6.0]
    """

    values: FloatArray
    classes: int

    @classmethod
    def of(cls, problem: Problem, target: NDArray[Any]) -> QuickTarget:
        """The target of some rows."""
        if problem.task.is_classification:
            present, codes = np.unique(target, return_inverse=True)
            return cls(codes.astype(np.float64), len(present))
        values = target.astype(np.float64)
        low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
        scale = (high - low) or float(values.std()) or 1.0
        return cls(np.clip((values - centre) / scale, -_FAR, _FAR), 0)

    @property
    def outputs(self) -> int:
        """Residuals of a row: one a class where there are three or more."""
        return self.classes if self.classes > 2 else 1

    @property
    def objective(self) -> dict[str, Any]:
        """How LightGBM calls it."""
        if self.classes > 2:
            return {"objective": "multiclass", "num_class": self.classes}
        return {"objective": "binary"} if self.classes else {"objective": "regression"}

    def residuals(self, rows: IntArray, raw: FloatArray) -> FloatArray:
        """Target less prediction, shape (rows, outputs), from the sums of leaves."""
        target = self.values[rows]
        if self.classes > 2:
            return np.asarray((target[:, None] == np.arange(self.classes)) - _softmax(raw))
        said = 1 / (1 + np.exp(-raw)) if self.classes else raw
        return np.asarray((target - said)[:, None])

    def losses(self, rows: IntArray, raw: FloatArray) -> FloatArray:
        """The loss of each row: logarithmic, or squared."""
        target = self.values[rows]
        if self.classes > 2:
            chances = _softmax(raw)[np.arange(len(rows)), target.astype(np.int64)]
            return np.asarray(-np.log(np.maximum(chances, 1e-15)))
        if self.classes:
            return np.asarray(np.logaddexp(0.0, np.where(target > 0, -raw, raw)))
        return np.asarray((target - raw) ** 2)


@dataclass(frozen=True, eq=False)
class QuickFit:
    """What a booster found.

    Attributes
    ----------
    gains : float64 array, shape (columns,)
        Total gain of the splits on each column.
    residuals : float64 array, shape (held-out rows, outputs)
    losses : float64 array, shape (held-out rows,)
    converged : bool
        Whether more rounds would have brought nothing.
    """

    gains: FloatArray
    residuals: FloatArray
    losses: FloatArray
    converged: bool


def quick_fit(
    columns: tuple[NDArray[np.float32], NDArray[np.int32]],
    target: QuickTarget,
    split: tuple[IntArray, IntArray],
    *,
    weights: FloatArray | None,
    rounds: int | None = None,
    deadline: Deadline,
    threads: int,
) -> QuickFit | None:
    """Boost small trees on some rows, and stop by the error on others.

    Parameters
    ----------
    columns : float32 array, shape (rows, numbers), and int32 array, shape (rows, categorical columns)
    target : QuickTarget
    split : (fitted rows, held-out rows)
    weights : float64 array, shape (rows,), or None
    rounds : int, optional
        At most; without it, as many as it takes until nothing more is learned.
    deadline : Deadline
    threads : int
        The result does not depend on it.

    Returns
    -------
    QuickFit or None
        None if the deadline passed.
    """
    import lightgbm as lgb

    (matrix, categories), (fitted, held) = columns, split
    whole = np.concatenate([matrix, categories.astype(np.float32)], axis=1)
    width = whole.shape[1]
    parameters: dict[str, Any] = {
        **target.objective,
        "learning_rate": _RATE,
        "num_leaves": _LEAVES,
        "min_data_in_leaf": max(5, min(20, len(fitted) // 50)),
        "min_data_per_group": max(5, min(50, len(fitted) // 50)),
        "max_bin": 63,
        "feature_fraction": min(1.0, _WIDE / width),
        "lambda_l2": 1.0,
        "seed": 1,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbosity": -1,
    }
    own = [None if weights is None else weights[rows] for rows in split]
    train = lgb.Dataset(
        whole[fitted],
        target.values[fitted],
        weight=own[0],
        categorical_feature=list(range(matrix.shape[1], width)),
        params=parameters,
    )
    valid = lgb.Dataset(whole[held], target.values[held], weight=own[1], reference=train, params=parameters)
    booster = lgb.Booster(parameters, train)
    booster.add_valid(valid, "held out")
    best, least, converged = 0, float("inf"), False
    most = rounds or max(_FEWEST_ROUNDS, _ROUNDS // target.outputs)
    for done in range(1, most + 1):
        if deadline.passed:
            return None
        stuck = booster.update()
        error = float(booster.eval_valid()[0][2])
        if not best or error < least * (1 - 1e-9):
            best, least = done, error
        elif stuck or done - best >= _PATIENCE:
            converged = True
            break
    raw = np.asarray(
        booster.predict(whole[held], raw_score=True, num_iteration=max(best, 1), num_threads=threads)
    )
    gains = booster.feature_importance("gain", iteration=max(best, 1))
    residuals, losses = target.residuals(held, raw), target.losses(held, raw)
    return QuickFit(np.asarray(gains, np.float64), residuals, losses, converged)


def _softmax(raw: FloatArray) -> FloatArray:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
