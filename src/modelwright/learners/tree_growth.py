"""Growing the trees of a forest one by one against the clock, each from a seed of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FitTask, FloatArray, IntArray, derive_seed
from modelwright.learners.fold import Fold

__all__ = ["MOST_LEAVES", "Growth", "GrownTree"]

MOST_LEAVES = 15_000
"""Leaves of a tree at most: beyond it a forest grows faster than it improves."""

_PROBE_ROWS = 2_000
"""Rows of the tree that tells what a tree on all rows would take."""

_MARGIN = 0.05
"""Seconds kept to assemble the forest."""


@dataclass(frozen=True)
class GrownTree:
    """A tree, and what its nodes say.

    Attributes
    ----------
    tree : object
        The ``tree_`` of a scikit-learn estimator.
    says : float64 array, shape (nodes, 1), or None
        What nodes say, where it is not the mean of their rows.
    """

    tree: Any
    says: FloatArray | None = None


@dataclass(frozen=True)
class Growth:
    """What every tree is grown from.

    Attributes
    ----------
    matrix : float32 array, shape (training rows, columns)
        Without NaN.
    fold : Fold
        Targets and weights of those rows.
    settings : dict
        ``trees``, ``max_features``, ``min_samples_leaf`` and ``criterion``; ``max_depth`` and ``ccp_alpha``
        where trees are to stay small.
    seed : int
        Of the forest; each tree derives its own, so that the number of threads changes nothing.
    splitter : str
        ``"random"`` thresholds (extra trees), or the ``"best"`` ones (random forests).
    bootstrap : bool
        Whether each tree sees rows drawn with replacement.
    samples : bool
        Whether a leaf says the target of one of its rows, drawn at random, instead of their mean:
        over many trees these are draws from the conditional distribution, as quantiles need them.
    signs : int64 array, shape (columns,), or None
        1 for columns in which a tree may only rise, -1 where only fall, else 0.
    """

    matrix: NDArray[np.float32]
    fold: Fold
    settings: dict[str, Any]
    seed: int
    splitter: Literal["best", "random"]
    bootstrap: bool = False
    samples: bool = False
    signs: IntArray | None = None

    def tree(self, number: int, rows: int | None) -> GrownTree:
        """Grow one tree, on all rows or on so many drawn for this tree."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        classes = self.fold.coder.is_classification
        seed = derive_seed(self.seed, "tree", number)
        matrix, target, weights = self.matrix, self.fold.train_target, self.fold.train_weights
        if rows is not None:
            drawn = _draw(target if classes else None, len(matrix), rows, seed)
            matrix, target = matrix[drawn], target[drawn]
            weights = None if weights is None else weights[drawn]
        if self.bootstrap:
            weights = _bootstrap(len(matrix), weights, seed)
        criterion = self.settings["criterion"]
        if criterion == "default":
            criterion = "gini" if classes else "squared_error"
        kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
        model = kind(
            criterion=criterion,
            splitter=self.splitter,
            max_features=self.settings["max_features"],
            max_depth=self.settings.get("max_depth"),
            ccp_alpha=self.settings.get("ccp_alpha", 0.0),
            min_samples_leaf=max(self.settings["min_samples_leaf"], -(-len(matrix) // MOST_LEAVES)),
            random_state=seed,
            monotonic_cst=self.signs,
        )
        # the matrix is checked already: once for all trees instead of once a tree
        tree = model.fit(matrix, target, sample_weight=weights, check_input=False).tree_
        return GrownTree(tree, _sampled(tree, matrix, target, weights, seed) if self.samples else None)

    def trees(self, task: FitTask, rows: int | None) -> Iterator[GrownTree]:
        """Trees in order, as many at once as there are threads, until all are grown or time is up."""
        total = int(self.settings["trees"])
        slowest = 0.0
        with ThreadPoolExecutor(max(1, task.threads)) as pool:
            for start in range(0, total, max(1, task.threads)):
                began = time.monotonic()
                if task.deadline.at is not None and began + 1.3 * slowest + _MARGIN > task.deadline.at:
                    return
                numbers = range(start, min(total, start + max(1, task.threads)))
                yield from list(pool.map(self.tree, numbers, [rows] * len(numbers)))
                if task.deadline.at is not None:
                    slowest = max(0.8 * slowest, time.monotonic() - began)

    def affordable_rows(self, task: FitTask, trees: float = 5) -> int | None:
        """Rows to draw for each tree if not even so many trees on all rows end before the deadline."""
        count = len(self.matrix)
        if task.deadline.at is None or count <= 2 * _PROBE_ROWS:
            return None
        began = time.monotonic()
        self.tree(0, _PROBE_ROWS)
        took = time.monotonic() - began
        cost = took * (count * np.log(count)) / (_PROBE_ROWS * np.log(_PROBE_ROWS))
        left = task.deadline.remaining - _MARGIN
        if trees * cost < left:
            return None
        return int(np.clip(count * left / (1.6 * trees * max(cost, 1e-9)), min(_PROBE_ROWS, count), count))


def _draw(target: NDArray[Any] | None, count: int, rows: int, seed: int) -> NDArray[np.int64]:
    """Rows drawn without replacement, in order; at least one of each class."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(count, size=min(rows, count), replace=False)
    if target is not None:
        # trees that lack a class would say less numbers than the others
        _, first = np.unique(target, return_index=True)
        drawn = np.union1d(drawn, first)
    return np.sort(drawn).astype(np.int64)


def _bootstrap(count: int, weights: FloatArray | None, seed: int) -> FloatArray:
    """How often each row is drawn with replacement, times its weight: no copy of the matrix is made."""
    rng = np.random.default_rng(seed)
    drawn = np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)
    drawn = drawn if weights is None else drawn * weights
    return drawn


def _sampled(
    tree: Any, matrix: NDArray[np.float32], target: FloatArray, weights: FloatArray | None, seed: int
) -> FloatArray:
    """For each leaf the target of one of its rows, drawn in proportion to the weights."""
    rng = np.random.default_rng(derive_seed(seed, "leaf"))
    leaves = np.asarray(tree.apply(matrix), np.int64)
    # the first row of each leaf after these keys are sorted is a weighted draw (Efraimidis, Spirakis 2006)
    keys = rng.exponential(size=len(leaves))
    if weights is not None:
        keys = np.divide(keys, weights, out=np.full(len(keys), np.inf), where=weights > 0)
    order = np.lexsort((keys, leaves))
    drawn, first = np.unique(leaves[order], return_index=True)
    says = np.zeros((tree.node_count, 1))
    says[drawn, 0] = target[order[first]]
    return says
