"""Averages of trees: what extra trees and random forests have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from modelwright.core import (
    Config,
    Contributions,
    Estimate,
    FitTask,
    FloatArray,
    IntArray,
    OutOfTime,
    Predictions,
    Problem,
    Shape,
    TrialError,
    View,
)
from modelwright.features import TreeEncoder
from modelwright.learners.attribution import constant_contributions, decoded, tree_owners
from modelwright.learners.base import FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.forest import Forest, ForestBuilder
from modelwright.learners.forest_bag import ForestBag
from modelwright.learners.objectives import monotone_signs, unsupported_monotonic
from modelwright.learners.rounds import column_shares
from modelwright.learners.spaces import Choice, Float, Int, Parameter
from modelwright.learners.state import check_state, read_json, read_state, write_arrays, write_json
from modelwright.learners.targets import TargetCoder, loss_of
from modelwright.learners.tree_growth import MOST_LEAVES, Growth
from modelwright.learners.tree_shap import TreeShap, plain_forest

__all__ = ["FittedForest", "ForestLearner", "class_shares", "matrix_signs"]

_CHUNK = 32_768
"""Rows encoded and predicted at once."""

_MOST_BYTES = 100 * 2**20
"""Size of a forest at most; growing stops there."""


class FittedForest(FittedLearner):
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
    level : float or None
        The quantile over trees to predict, instead of their mean.
    """

    def __init__(
        self,
        coder: TargetCoder,
        encoder: TreeEncoder,
        forest: Forest | None,
        prior: FloatArray,
        level: float | None = None,
    ) -> None:
        self.coder = coder
        self.encoder = encoder
        self.forest = forest
        self.prior = prior
        self.level = level

    def predict(self, view: View) -> Predictions:
        """Mean or quantile over trees; shares of classes are mixed with the prior as if it were one more."""
        if self.forest is None:
            return self.coder.predict_constant(view.rows)
        parts = [np.zeros((0, self.forest.table.shape[1]))]
        for start in range(0, view.rows, _CHUNK):
            matrix = self.encoder.transform(view.take(slice(start, start + _CHUNK)))
            if self.level is None:
                parts.append(self.forest.predict(matrix))
            else:
                parts.append(self.forest.quantile(matrix, self.level)[:, None])
        return self._decoded(np.concatenate(parts), self.forest.trees)

    @cached_property
    def _shap(self) -> TreeShap | None:
        """None where trees are too large, or of a version that did not keep what is needed."""
        # of two classes the second one tells all
        forest, says = self.forest, slice(1 if len(self.coder.present) == 2 else 0, None)
        trees = None if forest is None else plain_forest(forest, says)
        found = None if trees is None else TreeShap(trees, tree_owners(self.encoder))
        return None if found is None or found.is_dear else found

    def contributions(self, view: View) -> Contributions | None:
        """Of means over trees; quantiles over trees are no sum."""
        if self.forest is None:
            said = self.coder.predict_constant(1).array
            return constant_contributions(said, view, classes=self.coder.is_classification)
        if self.level is not None or self._shap is None:
            return None
        classes, trees = self.coder.is_classification, self.forest.trees
        matrix, columns = self.encoder.transform(view), len(view.info.features)
        sums = self._shap.contributions(matrix, columns, "probability" if classes else "identity")
        count = trees + 1 if classes else trees
        prior = self.prior[-sums.base.shape[0] :] if classes else 0.0
        mean = replace(sums, values=sums.values / count, base=(sums.base + prior) / count)
        return decoded(self.coder, mean)

    def _decoded(self, raw: FloatArray, trees: int) -> Predictions:
        if not self.coder.is_classification:
            return self.coder.decode(raw[:, 0])
        return self.coder.decode((raw * trees + self.prior) / (trees + 1))

    @classmethod
    def together(cls, models: Sequence[FittedLearner]) -> Callable[[View], list[Predictions]] | None:
        """One walk through the trees of all forests; they share its memory from then on."""
        own = [model for model in models if isinstance(model, cls) and model.level is None]
        forests = [model.forest for model in own if model.forest is not None]
        if len(forests) < max(2, len(models)):
            return None
        bag = ForestBag(forests)
        for model, forest in zip(own, bag.forests, strict=True):
            model.forest = forest

        def predict(view: View) -> list[Predictions]:
            said = bag.predict([model.encoder.transform(view)[0] for model in own])
            parts = zip(own, bag.forests, said, strict=True)
            return [model._decoded(raw, forest.trees) for model, forest, raw in parts]

        return predict

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``encoder.npz`` and ``forest.npz``."""
        write_json(
            directory / "model.json",
            {
                "target": self.coder.to_dict(),
                "prior": self.prior,
                "forest": self.forest is not None,
                "level": self.level,
            },
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
        encoder = read_state(directory / "encoder.npz", TreeEncoder.from_arrays)
        forest = None
        if record.get("forest"):
            forest = Forest.read(directory / "forest.npz")
            outputs = len(coder.present) or 1
            check_state(
                forest.table.shape[1] == outputs and forest.columns == encoder.width,
                path,
                "does not fit its forest",
            )
        shares = record.get("prior")
        check_state(
            isinstance(shares, list) and all(isinstance(share, (int, float)) for share in shares),
            path,
            "lacks the shares of the classes",
        )
        prior = np.asarray(shares, np.float64)
        check_state(prior.shape == (len(coder.present),), path, "lacks the shares of the classes")
        check_state((forest is None) == coder.is_constant, path, "does not fit its record of the target")
        level = record.get("level")
        check_state(
            level is None or (isinstance(level, float) and 0 < level < 1 and not coder.is_classification),
            path,
            "asks for a quantile that cannot be",
        )
        return cls(coder, encoder, forest, prior, level)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        arrays = sum(array.nbytes for array in self.encoder.arrays().values())
        return arrays + (self.forest.size_bytes if self.forest else 0) + 1_000


class ForestLearner(Learner):
    """Trees grown one by one until all are grown, time is up, or the forest has reached 100 MB.

    Each tree has its own seed, so that the number of threads changes nothing. For a quantile each leaf
    says the target of one of its rows, and the model the quantile of that over its trees.
    """

    fitted = FittedForest
    engines = ("sklearn.tree",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "trees": 300,
        "max_features": 0.75,
        "min_samples_leaf": 1,
        "criterion": "default",
    }
    splitter: ClassVar[Literal["best", "random"]] = "random"
    """How thresholds are chosen."""

    bootstrap: ClassVar[bool] = False
    """Whether each tree sees rows drawn with replacement."""

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """A forest needs columns, and keeps directions where single trees can."""
        reason = unsupported_monotonic(problem, "a forest", quantiles=False)
        if reason is not None:
            return reason
        if not shape.columns:
            return "there is no usable column to split on"
        return None

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Columns tried at a node, size of leaves, criterion."""
        space: dict[str, Parameter] = {
            "max_features": Float(*column_shares(shape.columns, 0.05)),
            "min_samples_leaf": Int(1, max(2, min(40, shape.rows // 20)), log=True),
        }
        if problem.task.is_classification:
            space["criterion"] = Choice(("default", "entropy"))
        return space

    @abstractmethod
    def node_seconds(self, tried: float) -> float:
        """Seconds that a node takes for each of its rows, by the number of columns tried."""

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Trees times the cost of one."""
        settings = self.settings(config)
        rows = max(2, shape.rows)
        least = max(settings["min_samples_leaf"], rows / MOST_LEAVES)
        depth = np.log2(1 + rows / least)
        tried = max(1.0, settings["max_features"] * shape.columns)
        leaves = (0.45 if self.bootstrap else 0.7) * rows / least
        tree = (
            4e-4
            + rows * depth * self.node_seconds(tried)
            + leaves * (1e-6 + 2e-7 * tried + 1e-8 * shape.outputs)
        )
        seconds = 0.02 + 3e-8 * rows * shape.columns + settings["trees"] * tree
        forest = min(_MOST_BYTES, settings["trees"] * leaves * 40)
        memory = rows * shape.columns * 8 + 2.5 * forest + leaves * shape.outputs * 32
        # trees of classes end where all rows of a leaf are of one: with half as many leaves or fewer
        size = min(_MOST_BYTES, 4_000 + settings["trees"] * leaves * (40 if shape.outputs <= 1 else 14))
        return Estimate(float(seconds), int(memory), int(size), 1.3e-4)

    def fit(self, task: FitTask) -> FitResult:
        """Grow trees until all are grown, the forest is large enough, or time is up."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        with task.clock("preparing"):
            encoder = TreeEncoder.fit(task.view, fold.train_rows)
            matrix = encoder.transform(task.view.take(fold.train_rows))
        prior = class_shares(fold)
        level = _level(task.problem)
        if fold.coder.is_constant:
            model = FittedForest(fold.coder, encoder, None, prior, level)
            return FitResult(model, 0, {"stop": "nothing to learn"})
        if not matrix.shape[1]:
            raise TrialError("A forest needs at least one column, but the table has none that is usable.")
        growth = Growth(
            matrix=np.ascontiguousarray(matrix, np.float32),
            fold=fold,
            settings=settings,
            seed=task.seed,
            splitter=self.splitter,
            bootstrap=self.bootstrap,
            samples=level is not None,
            signs=matrix_signs(task, matrix.shape[1]),
        )
        builder = ForestBuilder(
            matrix.shape[1], max(1, len(fold.coder.present)), shared=fold.coder.is_classification
        )
        rows, reason = growth.affordable_rows(task), "trees"
        for grown in growth.trees(task, rows):
            builder.add(grown.tree, grown.says)
            if builder.size_bytes > _MOST_BYTES:
                reason = "size"
                break
        by_deadline = rows is not None or (reason == "trees" and builder.trees < settings["trees"])
        if not builder.trees:
            raise OutOfTime("The deadline passed before one tree was grown. Give the run more time.")
        info = {"trees": builder.trees, "stop": "deadline" if by_deadline else reason}
        if rows is not None:
            info["rows_per_tree"] = rows
        model = FittedForest(fold.coder, encoder, builder.build(), prior, level)
        return FitResult(model, builder.trees, info, by_deadline)


def class_shares(fold: Fold) -> FloatArray:
    """The (weighted) shares of the present classes; empty for regression."""
    if not fold.coder.is_classification:
        return np.zeros(0)
    counts = np.bincount(fold.train_target, fold.train_weights, minlength=len(fold.coder.present))
    shares: FloatArray = np.asarray(counts, np.float64) / counts.sum()
    return shares


def matrix_signs(task: FitTask, width: int) -> IntArray | None:
    """The directions that columns of an encoded matrix must keep: numbers stand first in it."""
    signs = monotone_signs(task.problem, task.view.info)
    if not any(signs):
        return None
    return np.array([*signs, *[0] * (width - len(signs))], np.int64)


def _level(problem: Problem) -> float | None:
    """The quantile to predict, if it is one."""
    if problem.task.is_classification:
        return None
    loss = loss_of(problem)
    return loss.level if loss.name == "quantile" else None
