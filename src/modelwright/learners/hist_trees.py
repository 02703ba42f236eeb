"""The trees of scikit-learn's HistGradientBoosting as flat arrays, and walks through them.

An estimator of scikit-learn can only be stored as a pickle. Its trees can be read from the attributes
``_predictors`` and ``_baseline_prediction``: they are private, but have had the same layout since version
0.24. They are read once, right after a fit, and what is saved does not depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.boosted_trees import BoostedTrees
from modelwright.learners.tree_walk import TreeWalk

__all__ = ["HistWalker", "bin_columns", "collect_trees", "find_cuts"]

_FEW_ROWS = 64
"""Up to so many rows, walking all trees at once in numpy is quicker than one tree after another."""

_MOST_SAMPLED = 200_000
"""Rows that quantiles are found from, at most."""


def find_cuts(matrix: NDArray[np.float32], most: int) -> list[FloatArray]:
    """Where columns are cut into at most so many bins: between all values, or at quantiles.

    scikit-learn's own search for quantiles of weighted rows takes a second a column on 50,000 rows, and would
    be repeated by every fit that continues another. It leaves columns alone that have few values.

    Parameters
    ----------
    matrix : float32 array, shape (rows, columns)
        Training rows; NaN where a value is missing.
    most : int
        Bins of a column.

    Examples
    --------
    >>> [cuts.tolist() for cuts in find_cuts(np.array([[1, 5], [2, 5], [4, 5]], np.float32), 255)]
    [[1.5, 3.0], []]
    """
    step = -(-len(matrix) // _MOST_SAMPLED)
    found: list[FloatArray] = []
    for column in range(matrix.shape[1]):
        values = matrix[::step, column].astype(np.float64)
        values = values[~np.isnan(values)]
        distinct = np.unique(values)
        if len(distinct) <= most:
            cuts = (distinct[:-1] + distinct[1:]) / 2
        else:
            shares = np.linspace(0, 1, most + 1)[1:-1]
            cuts = np.unique(np.quantile(values, shares, method="midpoint"))
        found.append(np.asarray(cuts, np.float64))
    return found


def bin_columns(matrix: NDArray[np.float32], cuts: Sequence[FloatArray]) -> FloatArray:
    """The bin of each value as float64, NaN where it is missing: bin ``b`` ends at ``cuts[b]``, inclusive.

    Columns without any value become constant: scikit-learn cannot take them, and never splits a constant.
    """
    bins = np.empty(matrix.shape, np.float64)
    for column, edges in enumerate(cuts):
        missing = np.isnan(matrix[:, column])
        bins[:, column] = np.searchsorted(edges, matrix[:, column], side="left")
        bins[missing, column] = 0.0 if missing.all() else np.nan
    return bins


def collect_trees(
    rounds: Sequence[Sequence[Any]], prior: FloatArray, cuts: Sequence[FloatArray]
) -> BoostedTrees:
    """The trees of an estimator that was fitted on bins, with thresholds between values.

    Parameters
    ----------
    rounds : sequence of sequences of scikit-learn's ``TreePredictor``
        Round after round, one tree an output.
    prior : float64 array, shape (outputs,)
        The sum before the first round.
    cuts : sequence of float64 arrays
        Of each column, as `find_cuts` found them.
    """
    parts = [tree.nodes for trees in rounds for tree in trees]
    nodes = np.concatenate(parts)
    leaf = nodes["is_leaf"].astype(np.bool_)
    feature = np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32)
    sizes = np.array([len(edges) for edges in cuts])
    # thresholds lie between two bins, or at infinity where missing values are split from all others
    threshold = nodes["num_threshold"].astype(np.float64)
    inner = ~leaf & (threshold < sizes[feature])
    places = (np.cumsum(sizes) - sizes)[feature[inner]] + np.floor(threshold[inner]).astype(np.int64)
    threshold[inner] = np.concatenate(cuts)[places]
    threshold[~inner] = np.inf
    return BoostedTrees(
        starts=np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)).astype(np.int32),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)).astype(np.int32),
        feature=feature,
        value=np.where(leaf, nodes["value"], threshold).astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        cover=nodes["count"].astype(np.float32),
        prior=prior,
        features=len(cuts),
    )


class HistWalker:
    """Sums of leaves, to the last bit as scikit-learn's own: rows go left where ``x <= threshold``.

    Parameters
    ----------
    trees : BoostedTrees
        Checked.
    """

    def __init__(self, trees: BoostedTrees) -> None:
        self.trees = trees
        sizes = np.diff(trees.starts)
        roots = np.repeat(trees.starts[:-1], sizes)
        own = np.arange(len(trees.left))
        leaf = trees.left < 0
        # a leaf is its own child, so that all walks can be as long as the longest
        self._left = np.where(leaf, own, trees.left + roots)
        self._right = np.where(leaf, own, trees.right + roots)
        self._compiled: list[Any] | None = None

    @cached_property
    def _one(self) -> TreeWalk:
        return TreeWalk(self.trees, strict=False)

    def sums(self, matrix: NDArray[np.float32], threads: int = 1) -> FloatArray:
        """The prior and all leaves of each row, added in the order of the trees.

        Parameters
        ----------
        matrix : float32 array, shape (rows, features)
            NaN where a value is missing.
        threads : int
            That may be used.

        Returns
        -------
        float64 array, shape (rows, outputs)
        """
        trees, outputs = self.trees, self.trees.outputs
        rows = len(matrix)
        if rows == 1:
            return self._cumulated(self._one.leaves(matrix[0])[None])
        if rows <= _FEW_ROWS:
            return self._cumulated(trees.value[self._walk(matrix, trees.starts[:-1])])
        total = np.tile(trees.prior, (rows, 1))
        wide = np.ascontiguousarray(matrix, np.float64)
        if self._compiled is None:
            self._compiled = _compile(trees)
        for number in range(trees.trees):
            if self._compiled:
                total[:, number % outputs] += _compiled_leaves(self._compiled[number], wide, threads)
            else:
                nodes = self._walk(matrix, trees.starts[number : number + 1])[:, 0]
                total[:, number % outputs] += trees.value[nodes]
        return total

    def _cumulated(self, said: NDArray[Any]) -> FloatArray:
        """The prior and the leaves of each row (first axis) in each tree (second axis), added up."""
        rows, outputs = len(said), self.trees.outputs
        first = np.broadcast_to(self.trees.prior, (rows, 1, outputs))
        leaves = np.concatenate([first, said.reshape(rows, -1, outputs)], axis=1)
        # cumulated, not summed: a sum in another order would differ in the last bits
        return np.asarray(np.cumsum(leaves, axis=1)[:, -1])

    def _walk(self, matrix: NDArray[np.float32], roots: NDArray[np.int64]) -> NDArray[np.int64]:
        """The leaf of each row (first axis) in each tree (second axis), in numpy alone."""
        trees = self.trees
        rows = np.arange(len(matrix))[:, None]
        nodes = np.tile(roots, (len(matrix), 1))
        while True:
            values = matrix[rows, trees.feature[nodes]].astype(np.float64)
            goes_left = np.where(np.isnan(values), trees.missing_left[nodes], values <= trees.value[nodes])
            following = np.where(goes_left, self._left[nodes], self._right[nodes])
            if np.array_equal(following, nodes):
                return nodes
            nodes = following


def _compile(trees: BoostedTrees) -> list[Any]:
    """scikit-learn's compiled predictors of the trees; none where its layout is not the one known here."""
    try:
        from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
        from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

        leaf = trees.left < 0
        nodes = np.zeros(len(leaf), PREDICTOR_RECORD_DTYPE)
        nodes["is_leaf"] = leaf
        nodes["left"], nodes["right"] = np.where(leaf, 0, trees.left), np.where(leaf, 0, trees.right)
        nodes["feature_idx"] = trees.feature
        nodes["value"] = np.where(leaf, trees.value, 0.0)
        nodes["num_threshold"] = np.where(leaf, 0.0, trees.value)
        nodes["missing_go_to_left"] = trees.missing_left
        none = np.zeros((0, 8), np.uint32)
        bounds = zip(trees.starts[:-1].tolist(), trees.starts[1:].tolist(), strict=True)
        found = [TreePredictor(nodes[start:end], none, none) for start, end in bounds]
        _compiled_leaves(found[0], np.zeros((1, trees.features)), 1)
    except (ImportError, AttributeError, ValueError, KeyError, TypeError):
        return []
    return found


def _compiled_leaves(predictor: Any, matrix: FloatArray, threads: int) -> FloatArray:
    none = np.zeros((0, 8), np.uint32)
    columns = np.zeros(matrix.shape[1], np.uint32)
    return np.asarray(predictor.predict(matrix, none, columns, threads), np.float64)
