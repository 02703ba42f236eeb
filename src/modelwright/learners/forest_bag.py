"""Several forests walked at once for one row: steps cost more than the trees that take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.forest import Forest

__all__ = ["ForestBag"]

_STEPS = 3
"""Levels that all trees go down before those that have arrived are left alone."""


class ForestBag:
    """The nodes of several forests end to end.

    Parameters
    ----------
    forests : sequence of Forest
        Checked.

    Attributes
    ----------
    forests : tuple of Forest
        The same forests as parts of the bag's arrays: whoever keeps these in place of the ones given needs no
        memory for the bag.
    """

    def __init__(self, forests: Sequence[Forest]) -> None:
        nodes = np.cumsum([0, *(len(forest.child) for forest in forests)])
        columns = np.cumsum([0, *(forest.columns for forest in forests)])
        trees = [forest.trees for forest in forests]
        self._feature = np.concatenate([forest.feature for forest in forests])
        self._child = np.concatenate([forest.child for forest in forests])
        self._threshold = np.concatenate([forest.threshold for forest in forests])
        leaf = np.concatenate([forest.leaf for forest in forests])
        # nodes and columns are counted within each forest
        self._first_node = np.repeat(nodes[:-1], trees)
        self._first_column = np.repeat(columns[:-1], trees)
        self._roots = np.concatenate([forest.roots for forest in forests]) + self._first_node
        places = [slice(start, end) for start, end in pairwise(nodes.tolist())]
        self.forests = tuple(
            replace(
                forest,
                feature=self._feature[place],
                child=self._child[place],
                leaf=leaf[place],
                threshold=self._threshold[place],
            )
            for forest, place in zip(forests, places, strict=True)
        )

    def predict(self, rows: Sequence[NDArray[np.float32]]) -> list[FloatArray]:
        """What `Forest.predict` says of one row, forest by forest, to the last bit.

        Parameters
        ----------
        rows : sequence of float32 arrays, shape (columns of the forest,)
            The row as each forest takes it; without NaN.

        Returns
        -------
        list of float64 arrays, shape (1, outputs)
        """
        leaves = self._walk(np.concatenate(rows)) - self._first_node
        found: list[FloatArray] = []
        start = 0
        for forest in self.forests:
            said = forest.table.take(forest.leaf.take(leaves[start : start + forest.trees]), axis=0)
            # cumulated, not summed: a sum in another order would differ in the last bits
            found.append(np.cumsum(said, axis=0, dtype=np.float64)[-1:] / forest.trees)
            start += forest.trees
        return found

    def _walk(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        """The leaf in each tree, counted in the whole bag."""
        found = np.empty(len(self._roots), np.int64)
        walking = np.arange(len(found))
        nodes, first_node, first_column = self._roots, self._first_node, self._first_column
        while len(walking):
            for _ in range(_STEPS):
                right = values.take(self._feature.take(nodes) + first_column) > self._threshold.take(nodes)
                nodes = self._child.take(nodes) + first_node + right
            found[walking] = nodes
            on = self._child.take(nodes) + first_node != nodes
            walking, nodes = walking[on], nodes[on]
            first_node, first_column = first_node[on], first_column[on]
        return found
