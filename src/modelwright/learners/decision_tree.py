"""A single small tree, whose rules can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from modelwright.core import (
    Config,
    Contributions,
    Estimate,
    FitTask,
    FloatArray,
    Predictions,
    Problem,
    Shape,
    TrialError,
    View,
)
from modelwright.features import TreeEncoder
from modelwright.learners.attribution import constant_contributions, decoded, tree_owners
from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.forest import Forest, ForestBuilder
from modelwright.learners.objectives import unsupported_monotonic
from modelwright.learners.quantiles import group_quantiles
from modelwright.learners.spaces import Float, Int, Parameter
from modelwright.learners.state import check_state, read_json, read_state, write_arrays, write_json
from modelwright.learners.targets import TargetCoder, loss_of
from modelwright.learners.tree_ensemble import class_shares, matrix_signs
from modelwright.learners.tree_growth import Growth
from modelwright.learners.tree_shap import TreeShap, plain_forest

__all__ = ["DecisionTree", "FittedDecisionTree"]

_CHUNK = 65_536
"""Rows encoded and predicted at once."""

_PRIOR_ROWS = 2.0
"""Rows with the class shares of the whole table that each leaf is mixed with."""

_FLAT_SHARE = 0.02
"""How much of those shares leaves get instead where the tree must be monotonic: equally much in each."""

_SHOWN_LEAVES = 64
"""Trees with more leaves than this are not written out in the record of a trial."""


class FittedDecisionTree(FittedLearner):
    """A tree, what turns a view into its matrix, and the names of the matrix's columns.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    encoder : TreeEncoder
        From view to matrix.
    tree : Forest or None
        Of one tree; None where there was one class or value to learn.
    names : tuple of str
        Of the columns of the matrix.
    """

    def __init__(
        self, coder: TargetCoder, encoder: TreeEncoder, tree: Forest | None, names: tuple[str, ...]
    ) -> None:
        self.coder = coder
        self.encoder = encoder
        self.tree = tree
        self.names = names

    def predict(self, view: View) -> Predictions:
        """What the leaf of each row says."""
        if self.tree is None:
            return self.coder.predict_constant(view.rows)
        parts = [np.zeros((0, self.tree.table.shape[1]))]
        for start in range(0, view.rows, _CHUNK):
            matrix = self.encoder.transform(view.take(slice(start, start + _CHUNK)))
            parts.append(self.tree.predict(matrix))
        raw = np.concatenate(parts)
        return self.coder.decode(raw if self.coder.is_classification else raw[:, 0])

    @cached_property
    def _shap(self) -> TreeShap | None:
        """None for a tree of a version that did not keep what is needed."""
        says = slice(1 if len(self.coder.present) == 2 else 0, None)
        trees = None if self.tree is None else plain_forest(self.tree, says)
        return None if trees is None else TreeShap(trees, tree_owners(self.encoder))

    def contributions(self, view: View) -> Contributions | None:
        """Of probabilities or values."""
        if self.tree is None:
            said = self.coder.predict_constant(1).array
            return constant_contributions(said, view, classes=self.coder.is_classification)
        if self._shap is None:
            return None
        matrix, columns = self.encoder.transform(view), len(view.info.features)
        link = "probability" if self.coder.is_classification else "identity"
        found = self._shap.contributions(matrix, columns, link)
        return decoded(self.coder, found)

    def rules(self) -> str:
        """The tree as text, a line a node, indented by depth.

        Names are those of the encoded columns: ``plan=2`` is 1 for the level of code 2, ``age?`` where the
        age is missing.
        """
        if self.tree is None:
            return f"always {self._told(self.coder.predict_constant(1).array[0])}"
        return "\n".join(self._lines(0, 0))

    def _lines(self, node: int, depth: int) -> list[str]:
        tree = self.tree
        if tree is None:
            return []
        indent = "  " * depth
        left = int(tree.child[node])
        if left == node:
            row = tree.table[[tree.leaf[node]]].astype(np.float64)
            said = self.coder.decode(row if self.coder.is_classification else row[:, 0])
            return [f"{indent}{self._told(said.array[0])}"]
        name, limit = self.names[tree.feature[node]], float(tree.threshold[node])
        return [
            f"{indent}if {name} <= {limit:.6g}:",
            *self._lines(left, depth + 1),
            f"{indent}else:",
            *self._lines(left + 1, depth + 1),
        ]

    def _told(self, said: Any) -> str:
        if not self.coder.is_classification:
            return f"{float(said):.6g}"
        shares = (f"class {code}: {said[code]:.3f}" for code in self.coder.present)
        return ", ".join(shares)

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``encoder.npz`` and ``tree.npz``."""
        write_json(
            directory / "model.json",
            {
                "target": self.coder.to_dict(),
                "names": list(self.names),
                "rules": self.rules() if self._leaves <= _SHOWN_LEAVES else None,
            },
        )
        write_arrays(directory / "encoder.npz", self.encoder.arrays())
        if self.tree is not None:
            write_arrays(directory / "tree.npz", self.tree.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "model.json"
        record = read_json(path)
        coder = TargetCoder.from_dict(record.get("target", {}))
        encoder = read_state(directory / "encoder.npz", TreeEncoder.from_arrays)
        names = record.get("names")
        check_state(
            isinstance(names, list) and all(isinstance(name, str) for name in names),
            path,
            "lacks the names of columns",
        )
        found = tuple(str(name) for name in names or ())
        tree = None
        if not coder.is_constant:
            tree = Forest.read(directory / "tree.npz")
            outputs = len(coder.present) or 1
            check_state(
                tree.trees == 1
                and tree.table.shape[1] == outputs
                and tree.columns == encoder.width == len(found),
                path,
                "does not fit its tree",
            )
        return cls(coder, encoder, tree, found)

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays and names."""
        arrays = sum(array.nbytes for array in self.encoder.arrays().values())
        names = sum(len(name) + 4 for name in self.names)
        return arrays + names + (self.tree.size_bytes if self.tree else 0) + 1_000

    @property
    def _leaves(self) -> int:
        child = np.zeros(1, np.int32) if self.tree is None else self.tree.child
        return int((child == np.arange(len(child))).sum())


class DecisionTree(Learner):
    """One tree of few levels, pruned by cost and complexity; its rules are part of the trial's record.

    A leaf of a classifier is mixed with two rows of the class shares; for absolute errors and quantiles a
    leaf says the quantile of its rows.

    Source: Breiman, Friedman, Olshen & Stone, "Classification and regression trees", 1984.
    """

    name = "decision_tree"
    interpretable = True
    fitted = FittedDecisionTree
    engines = ("sklearn.tree",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "max_depth": 5,
        "min_samples_leaf": 5,
        "ccp_alpha": 2e-4,
        "criterion": "default",
    }

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """A tree needs columns, and keeps directions of means only."""
        reason = unsupported_monotonic(problem, "a decision tree", quantiles=False)
        if reason is not None:
            return reason
        if not shape.columns:
            return "there is no usable column to split on"
        return None

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """Five levels, which people can read."""
        return (Candidate("five levels", {"max_depth": 5}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Depth, size of leaves, and the price of a leaf as a share of the variance (or impurity)."""
        return {
            "max_depth": Int(2, 8),
            "min_samples_leaf": Int(1, max(2, min(100, shape.rows // 20)), log=True),
            "ccp_alpha": Float(1e-5, 1e-2, log=True),
        }

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """A sort of the rows for each column and level."""
        depth = self.settings(config)["max_depth"]
        cells = shape.rows * (shape.numeric + 2 * shape.categorical)
        size = 2_000 + 30 * min(2**depth, shape.rows) + 8 * shape.levels
        return Estimate(
            0.005 + 4e-8 * cells * (depth + 2), int(12 * cells + 40 * shape.rows + 1e6), size, 6e-5
        )

    def fit(self, task: FitTask) -> FitResult:
        """Grow the tree, on fewer rows if all would take too long."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        encoder = TreeEncoder.fit(task.view, fold.train_rows)
        names = tuple(feature.name for feature in encoder.columns(task.view.info))
        if fold.coder.is_constant:
            model = FittedDecisionTree(fold.coder, encoder, None, names)
            return FitResult(model, 0, {"stop": "nothing to learn"})
        matrix = np.ascontiguousarray(encoder.transform(task.view, fold.train_rows))
        if not matrix.shape[1]:
            raise TrialError("A tree needs at least one column, but the table has none that is usable.")
        growth = Growth(
            matrix=matrix,
            fold=fold,
            settings={**settings, "max_features": None, "min_samples_leaf": _least(settings, len(matrix))},
            seed=task.seed,
            splitter="best",
            signs=matrix_signs(task, matrix.shape[1]),
        )
        rows = growth.affordable_rows(task, trees=2)
        grown = growth.tree(0, rows).tree
        builder = ForestBuilder(
            matrix.shape[1], max(1, len(fold.coder.present)), shared=fold.coder.is_classification
        )
        builder.add(grown, _says(task, fold, grown, matrix))
        model = FittedDecisionTree(fold.coder, encoder, builder.build(), names)
        info: dict[str, Any] = {"leaves": int(grown.n_leaves), "depth": int(grown.max_depth)}
        if grown.n_leaves <= _SHOWN_LEAVES:
            info["rules"] = model.rules()
        if rows is not None:
            info["rows"] = rows
        return FitResult(model, 1, info, rows is not None)


def _least(settings: Mapping[str, Any], rows: int) -> int:
    """Rows of a leaf at least: with few rows the usual minimum would forbid every split."""
    return min(int(settings["min_samples_leaf"]), max(1, rows // 10))


def _says(task: FitTask, fold: Fold, tree: Any, matrix: Any) -> FloatArray | None:
    """What the nodes say, where it is not the mean of their rows."""
    if fold.coder.is_classification:
        shares = np.asarray(tree.value, np.float64)[:, 0, :]
        if task.problem.monotonic:
            return (1 - _FLAT_SHARE) * shares + _FLAT_SHARE * class_shares(fold)
        weights = fold.train_weights
        scale = 1.0 if weights is None else 1.0 / float(weights.mean())
        rows = np.asarray(tree.weighted_n_node_samples)[:, None] * scale
        mixed: FloatArray = (shares * rows + _PRIOR_ROWS * class_shares(fold)) / (rows + _PRIOR_ROWS)
        return mixed
    loss = loss_of(task.problem)
    if loss.name == "squared" or task.problem.monotonic:
        return None
    leaves, groups = np.unique(np.asarray(tree.apply(matrix), np.int64), return_inverse=True)
    says = np.zeros((tree.node_count, 1))
    says[leaves, 0] = group_quantiles(fold.train_target, fold.train_weights, groups, loss.level)
    return says
