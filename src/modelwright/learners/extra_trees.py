"""Extremely randomised trees: scikit-learn grows them, we keep and walk them as flat arrays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Estimate,
    FitTask,
    FloatArray,
    Predictions,
    Problem,
    Shape,
    TrialError,
    View,
    derive_seed,
)
from modelwright.features import TreeEncoder
from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.forest import Forest, ForestBuilder
from modelwright.learners.rounds import column_shares
from modelwright.learners.spaces import Choice, Float, Int, Parameter
from modelwright.learners.state import check_state, read_arrays, read_json, write_arrays, write_json
from modelwright.learners.targets import TargetCoder, loss_of

__all__ = ["ExtraTrees", "FittedExtraTrees"]

_CHUNK = 32_768
"""Rows encoded and predicted at once."""

_MOST_LEAVES = 15_000
"""Leaves of a tree at most: beyond it a forest grows faster than it improves."""

_MOST_BYTES = 100 * 2**20
"""Size of a forest at most; growing stops there."""

_PROBE_ROWS = 2_000
"""Rows of the tree that tells what a tree on all rows would take."""

_MARGIN = 0.05
"""Seconds kept to assemble the forest."""


class FittedExtraTrees(FittedLearner):
    """A forest, what turns a view into its matrix, and the class shares it is smoothed with.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    encoder : TreeEncoder
        From view to matrix.
    forest : Forest or None
        None where there was one class or value to learn.
    prior : float64 array
        Shares of the present classes; empty for regression. A tree's leaf knows few rows: without
        a prior, classes that no leaf holds would be called impossible.
    """

    def __init__(
        self, coder: TargetCoder, encoder: TreeEncoder, forest: Forest | None, prior: FloatArray
    ) -> None:
        self.coder = coder
        self.encoder = encoder
        self.forest = forest
        self.prior = prior

    def predict(self, view: View) -> Predictions:
        """Mean over trees, for probabilities mixed with the prior as if it were one more tree."""
        if self.forest is None:
            return self.coder.predict_constant(view.rows)
        parts = [np.zeros((0, self.forest.table.shape[1]))]
        for start in range(0, view.rows, _CHUNK):
            parts.append(self.forest.predict(self.encoder.transform(view.take(slice(start, start + _CHUNK)))))
        raw = np.concatenate(parts)
        if not self.coder.is_classification:
            return self.coder.decode(raw[:, 0])
        trees = self.forest.trees
        return self.coder.decode((raw * trees + self.prior) / (trees + 1))

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``encoder.npz`` and ``forest.npz``."""
        write_json(
            directory / "model.json",
            {"target": self.coder.to_dict(), "prior": self.prior, "forest": self.forest is not None},
        )
        write_arrays(directory / "encoder.npz", self.encoder.arrays())
        if self.forest is not None:
            write_arrays(directory / "forest.npz", self.forest.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "model.json"
        record = read_json(path)
        coder = TargetCoder.from_dict(record.get("target", {}))
        encoder = TreeEncoder.from_arrays(read_arrays(directory / "encoder.npz"))
        forest = None
        if record.get("forest"):
            forest = Forest.from_arrays(read_arrays(directory / "forest.npz"), directory / "forest.npz")
            outputs = len(coder.present) or 1
            check_state(forest.table.shape[1] == outputs, path, "does not fit its forest")
        prior = np.asarray(record.get("prior", []), np.float64)
        check_state(prior.shape == (len(coder.present),), path, "lacks the shares of the classes")
        check_state((forest is None) == coder.is_constant, path, "does not fit its record of the target")
        return cls(coder, encoder, forest, prior)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        arrays = sum(array.nbytes for array in self.encoder.arrays().values())
        return arrays + (self.forest.size_bytes if self.forest else 0) + 1_000


class ExtraTrees(Learner):
    """Averages of trees with random thresholds: quick, hard to overfit, unlike a booster.

    Trees are grown one by one until all are grown, time is up, or the forest has reached 100 MB.
    Each has its own seed, so that the number of threads changes nothing.

    Source: Geurts, Ernst & Wehenkel, "Extremely randomized trees", Machine Learning 63, 2006.
    """

    name = "extra_trees"
    fitted = FittedExtraTrees
    engines = ("sklearn.tree",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "trees": 300,
        "max_features": 0.75,
        "min_samples_leaf": 1,
        "criterion": "default",
    }

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Means are not quantiles."""
        if not problem.task.is_classification and loss_of(problem).name == "quantile":
            return f"extra trees predict means, which the metric {problem.metric!r} does not reward"
        if not shape.columns:
            return "there is no usable column to split on"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """AutoGluon's values: pure leaves, then smoother ones."""
        # on wide tables the share of columns decides the cost of a node
        share = 0.75 * column_shares(shape.columns, 0.05)[1]
        first, second = (1, 4) if problem.task.is_classification else (2, 5)
        # the first trees gain most, and each costs more than in proportion to its rows
        trees = 200 if shape.rows <= 10_000 else 100
        smooth = {"max_features": min(1.0, share * 4 / 3), "min_samples_leaf": second}
        return (
            Candidate("default", {"trees": trees, "max_features": share, "min_samples_leaf": first}),
            Candidate("smooth", {"trees": trees * 3 // 2, **smooth}),
        )

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Columns tried at a node, size of leaves, criterion."""
        space: dict[str, Parameter] = {
            "max_features": Float(*column_shares(shape.columns, 0.05)),
            "min_samples_leaf": Int(1, max(2, min(40, shape.rows // 20)), log=True),
        }
        if problem.task.is_classification:
            space["criterion"] = Choice(("default", "entropy"))
        return space

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Trees times the cost of one."""
        settings = self.settings(config)
        rows = max(2, shape.rows)
        least = max(settings["min_samples_leaf"], rows / _MOST_LEAVES)
        depth = np.log2(1 + rows / least)
        tried = max(1.0, settings["max_features"] * shape.columns)
        leaves = 0.7 * rows / least
        tree = (
            4e-4
            + rows * depth * (3e-8 + 6e-9 * tried)
            + leaves * (1e-6 + 2e-7 * tried + 1e-8 * shape.outputs)
        )
        seconds = 0.02 + 3e-8 * rows * shape.columns + settings["trees"] * tree
        forest = min(_MOST_BYTES, settings["trees"] * leaves * 40)
        return Estimate(
            float(seconds), int(rows * shape.columns * 8 + 2.5 * forest + leaves * shape.outputs * 32)
        )

    def fit(self, task: FitTask) -> FitResult:
        """Grow trees until all are grown, the forest is large enough, or time is up."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        encoder = TreeEncoder.fit(task.view, fold.train_rows)
        prior = _class_shares(fold)
        if fold.coder.is_constant:
            return FitResult(
                FittedExtraTrees(fold.coder, encoder, None, prior), 0, {"stop": "nothing to learn"}
            )
        matrix = encoder.transform(task.view.take(fold.train_rows))
        if not matrix.shape[1]:
            raise TrialError("Extra trees need at least one column, but the table has none that is usable.")
        growth = _Growth(np.ascontiguousarray(matrix, np.float32), fold, settings, task.seed)
        builder = ForestBuilder(
            matrix.shape[1], max(1, len(fold.coder.present)), shared=fold.coder.is_classification
        )
        rows, reason = _affordable_rows(growth, task), "trees"
        for tree in _grow(growth, rows, task):
            builder.add(tree)
            if builder.size_bytes > _MOST_BYTES:
                reason = "size"
                break
        by_deadline = rows is not None or (reason == "trees" and builder.trees < settings["trees"])
        if not builder.trees:
            raise TrialError("The deadline passed before one tree was grown. Give the run more time.")
        info = {"trees": builder.trees, "stop": "deadline" if by_deadline else reason}
        if rows is not None:
            info["rows_per_tree"] = rows
        model = FittedExtraTrees(fold.coder, encoder, builder.build(), prior)
        return FitResult(model, builder.trees, info, by_deadline)


@dataclass(frozen=True)
class _Growth:
    """What every tree is grown from."""

    matrix: NDArray[np.float32]
    fold: Fold
    settings: dict[str, Any]
    seed: int

    def tree(self, number: int, rows: int | None) -> Any:
        """Grow one tree, on all rows or on so many drawn for this tree."""
        from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor

        classes = self.fold.coder.is_classification
        count = rows or len(self.matrix)
        least = max(self.settings["min_samples_leaf"], -(-count // _MOST_LEAVES))
        criterion = self.settings["criterion"]
        if criterion == "default":
            criterion = "gini" if classes else "squared_error"
        seed = derive_seed(self.seed, "tree", number)
        kind = ExtraTreeClassifier if classes else ExtraTreeRegressor
        model = kind(
            criterion=criterion,
            max_features=self.settings["max_features"],
            min_samples_leaf=least,
            random_state=seed,
        )
        matrix, target, weights = self.matrix, self.fold.train_target, self.fold.train_weights
        if rows is not None:
            drawn = _draw(target if classes else None, len(matrix), rows, seed)
            matrix, target = matrix[drawn], target[drawn]
            weights = None if weights is None else weights[drawn]
        # the matrix is checked already: once for all trees instead of once a tree
        return model.fit(matrix, target, sample_weight=weights, check_input=False).tree_


def _grow(growth: _Growth, rows: int | None, task: FitTask) -> Iterator[Any]:
    """Trees in order, as many at once as there are threads, until all are grown or time is up."""
    total = int(growth.settings["trees"])
    slowest = 0.0
    with ThreadPoolExecutor(max(1, task.threads)) as pool:
        for start in range(0, total, max(1, task.threads)):
            began = time.monotonic()
            if task.deadline.at is not None and began + 1.3 * slowest + _MARGIN > task.deadline.at:
                return
            numbers = range(start, min(total, start + max(1, task.threads)))
            yield from list(pool.map(growth.tree, numbers, [rows] * len(numbers)))
            if task.deadline.at is not None:
                slowest = max(0.8 * slowest, time.monotonic() - began)


def _affordable_rows(growth: _Growth, task: FitTask) -> int | None:
    """Rows to draw for each tree if not even a few trees on all rows end before the deadline."""
    count = len(growth.matrix)
    if task.deadline.at is None or count <= 2 * _PROBE_ROWS:
        return None
    began = time.monotonic()
    growth.tree(0, _PROBE_ROWS)
    took = time.monotonic() - began
    cost = took * (count * np.log(count)) / (_PROBE_ROWS * np.log(_PROBE_ROWS))
    left = task.deadline.remaining - _MARGIN
    if 5 * cost < left:
        return None
    return int(np.clip(count * left / (8 * max(cost, 1e-9)), min(_PROBE_ROWS, count), count))


def _draw(target: NDArray[Any] | None, count: int, rows: int, seed: int) -> NDArray[np.int64]:
    """Rows drawn without replacement, in order; at least one of each class."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(count, size=min(rows, count), replace=False)
    if target is not None:
        # trees that lack a class would say less numbers than the others
        _, first = np.unique(target, return_index=True)
        drawn = np.union1d(drawn, first)
    return np.sort(drawn).astype(np.int64)


def _class_shares(fold: Fold) -> FloatArray:
    if not fold.coder.is_classification:
        return np.zeros(0)
    counts = np.bincount(fold.train_target, fold.train_weights, minlength=len(fold.coder.present))
    shares: FloatArray = np.asarray(counts, np.float64) / counts.sum()
    return shares
