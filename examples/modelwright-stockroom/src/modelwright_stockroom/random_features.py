"""Ridge regression on random features: one linear solve, and still not a straight line.

Each feature is ``max(0, x @ w + b)`` with a random direction ``w`` and threshold ``b`` that are drawn once
and never fitted (Rahimi and Recht, "Weighted sums of random kitchen sinks", NIPS 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from modelwright.core import Config, Estimate, FitTask, Predictions, Problem, Shape, Task, View
from modelwright.learners import Candidate, FitResult, FittedLearner, Float, Int, Learner, Parameter
from modelwright.learners.fold import Fold
from modelwright.learners.state import (
    check_state,
    read_arrays,
    read_json,
    write_arrays,
    write_json,
)
from modelwright.learners.targets import TargetCoder

__all__ = ["FittedRandomFeatures", "RandomFeatures"]

Array = NDArray[np.float64]

MOST_COLUMNS = 2_000
"""Numbers and levels beyond which the solve would take too long."""

_FURTHEST = 5.0
"""Standard deviations from the mean at which a number is cut off."""


def _columns(view: View) -> Array:
    """Numbers as they are, and each level of a category as 0 or 1 (a missing one as zeros only)."""
    blocks = [view.numeric.astype(np.float64)]
    for codes, levels in zip(view.categorical.T, view.info.cardinalities, strict=True):
        blocks.append((codes[:, None] == np.arange(1, levels)).astype(np.float64))
    return np.concatenate(blocks, axis=1)


@dataclass(frozen=True)
class Features:
    """From the columns of a view to features that a linear model can use.

    Attributes
    ----------
    mean, scale : arrays, shape (columns,)
        Of the training rows. A column that never varied there has scale 0: it says nothing.
    directions : array, shape (columns, features)
    thresholds : array, shape (features,)
    """

    mean: Array
    scale: Array
    directions: Array
    thresholds: Array

    @classmethod
    def fit(cls, view: View, rows: NDArray[np.int64], count: int, seed: int) -> Features:
        """Measure the training rows and draw the features."""
        columns = _columns(view.take(rows))
        known = ~np.isnan(columns)
        held = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, columns, 0.0).sum(axis=0) / held
        spread = np.sqrt((np.where(known, columns - mean, 0.0) ** 2).sum(axis=0) / held)
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-12)
        random = np.random.default_rng(seed)
        width = len(mean)
        directions = random.normal(size=(width, count)) / np.sqrt(max(width, 1))
        return cls(mean, scale, directions, random.uniform(-1.0, 1.0, count))

    def transform(self, view: View) -> Array:
        """The columns on one scale, and the random features of them."""
        scaled = (_columns(view) - self.mean) * self.scale
        scaled = np.clip(np.nan_to_num(scaled, nan=0.0), -_FURTHEST, _FURTHEST)  # missing: the mean
        random = np.maximum(scaled @ self.directions + self.thresholds, 0.0)
        return np.concatenate([scaled, random], axis=1)


class FittedRandomFeatures(FittedLearner):
    """Features and their coefficients, shape (features, outputs)."""

    def __init__(self, coder: TargetCoder, features: Features, coefficients: Array, offsets: Array) -> None:
        self.coder, self.features = coder, features
        self.coefficients, self.offsets = coefficients, offsets

    def predict(self, view: View) -> Predictions:
        """One matrix product; shares of a class are cut off before they leave [0.01, 0.99]."""
        if self.coder.is_constant:
            return self.coder.predict_constant(view.rows)
        with threadpool_limits(1):  # sums in one order, whatever the number of threads
            scores = self.features.transform(view) @ self.coefficients + self.offsets
        if not self.coder.is_classification:
            return self.coder.decode(scores[:, 0])
        return self.coder.decode(np.clip(scores, 0.01, 0.99))

    def _arrays(self) -> dict[str, Array]:
        return {**vars(self.features), "coefficients": self.coefficients, "offsets": self.offsets}

    def save(self, directory: Path) -> None:
        """Write ``model.json`` and ``model.npz``: data, never code."""
        write_json(directory / "model.json", {"target": self.coder.to_dict()})
        write_arrays(directory / "model.npz", self._arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`; whatever does not fit together is a `BundleError`."""
        path = directory / "model.npz"
        coder = TargetCoder.from_dict(read_json(directory / "model.json").get("target", {}))
        found = read_arrays(path)
        names = ("mean", "scale", "directions", "thresholds", "coefficients", "offsets")
        check_state(set(found) == set(names), path, "does not hold the arrays of this learner")
        check_state(
            all(a.dtype == np.float64 and np.isfinite(a).all() for a in found.values()),
            path,
            "holds values that are no finite numbers",
        )
        mean, scale, directions, thresholds, coefficients, offsets = (found[name] for name in names)
        width, count, outputs = mean.size, thresholds.size, offsets.size
        fits = (
            mean.shape == scale.shape == (width,)
            and directions.shape == (width, count)
            and coefficients.shape == (width + count, outputs)
            and outputs == (len(coder.present) if coder.is_classification else 1)
        )
        check_state(fits, path, "holds arrays whose shapes do not fit together")
        return cls(coder, Features(mean, scale, directions, thresholds), coefficients, offsets)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays and the headers."""
        return 2_000 + sum(array.nbytes for array in self._arrays().values())


class RandomFeatures(Learner):
    """Ridge regression on random features; classes are fitted as one share each."""

    name = "random_features"
    fitted = FittedRandomFeatures
    defaults: ClassVar[Mapping[str, Any]] = {"features": 128, "penalty": 1e-3}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Means of few columns."""
        if problem.task not in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION):
            return f"random features predict means and classes, not {problem.task}"
        columns = shape.numeric + shape.levels
        if columns > MOST_COLUMNS:
            return f"random features take up to {MOST_COLUMNS} numbers and levels, but there are {columns}"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """Few features with a strong penalty where rows are few."""
        return (
            Candidate("default", {}),
            Candidate("wide", {"features": 512, "penalty": 1e-2}),
        )

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """The number of features and the penalty."""
        return {"features": Int(16, 512, log=True), "penalty": Float(1e-5, 1.0, log=True)}

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Products of a matrix with itself, and a solve."""
        width = shape.numeric + shape.levels + int(self.settings(config)["features"])
        cells = shape.rows * width
        return Estimate(0.01 + 1e-8 * cells + 3e-10 * cells * width, 40 * cells + 24 * width**2)

    def fit(self, task: FitTask) -> FitResult:
        """Solve the weighted normal equations, centred so that the mean is not punished."""
        settings = self.settings(task.config)
        fold = Fold.of(task)  # rows in order; an error if the deadline has passed
        coder = fold.coder
        features = Features.fit(task.view, fold.train_rows, int(settings["features"]), task.seed)
        target = np.asarray(fold.train_target)
        if coder.is_classification:
            target = (target[:, None] == np.arange(len(coder.present))).astype(np.float64)
        else:
            target = target.reshape(-1, 1)
        weights = np.ones(len(target)) if fold.train_weights is None else fold.train_weights
        share = (weights / weights.sum())[:, None]
        with threadpool_limits(1):
            matrix = features.transform(task.view.take(fold.train_rows))
            centre, mean = (matrix * share).sum(axis=0), (target * share).sum(axis=0)
            matrix -= centre
            products = matrix.T @ (matrix * share)
            products[np.diag_indices_from(products)] += settings["penalty"]
            coefficients = np.linalg.solve(products, matrix.T @ ((target - mean) * share))
            offsets = mean - centre @ coefficients
        return FitResult(FittedRandomFeatures(coder, features, coefficients, offsets))
