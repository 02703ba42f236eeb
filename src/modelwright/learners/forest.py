"""A forest as flat arrays: compact, checked when loaded, and free of any library's node layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.state import check_state, read_state

__all__ = ["Forest", "ForestBuilder"]

_FEW_ROWS = 64
"""Up to so many rows, walking all trees at once in numpy is quicker than one tree after another."""

_STEPS = 4
"""Levels that a walk goes down before it looks whether it has arrived."""

_QUANTILE_ROWS = 8_192
"""Rows whose quantiles are found at once: what every tree says about each is kept for that."""

_SHARED_LIMIT = 200_000
"""Distinct leaves that are remembered to be shared."""


@dataclass(frozen=True)
class Forest:
    """Trees whose children stand side by side: row ``x`` goes from node ``i`` to
    ``child[i] + (x[feature[i]] > threshold[i])``. A leaf is its own child with an infinite threshold.

    Attributes
    ----------
    feature, child, leaf : int32 arrays, shape (nodes,)
        Column, left child (its right sibling follows), and row of `table` (0 where not a leaf).
    threshold : float32 array, shape (nodes,)
        Rounded down from float64: for float32 columns the comparison is the same.
    roots : int32 array, shape (trees,)
        First node of each tree; a tree's nodes are consecutive.
    table : float32 array, shape (distinct leaves, outputs)
        What leaves say. Most leaves of a classifier are pure, so that a table of distinct rows is a
        small fraction of one row a leaf.
    columns : int
        Columns of the matrix that is predicted from.
    share : uint16 array, shape (nodes,), or None
        Of the (weighted) training rows of a node, those that went left, in parts of 65,535; 0 in leaves. What
        columns contribute is told by it. None in forests of earlier versions.
    """

    feature: NDArray[np.int32]
    child: NDArray[np.int32]
    leaf: NDArray[np.int32]
    threshold: NDArray[np.float32]
    roots: NDArray[np.int32]
    table: NDArray[np.float32]
    columns: int
    share: NDArray[np.uint16] | None = None

    @property
    def trees(self) -> int:
        """Number of trees."""
        return len(self.roots)

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def predict(self, matrix: NDArray[np.float32]) -> FloatArray:
        """The mean over trees of what the leaves say.

        Parameters
        ----------
        matrix : float32 array, shape (rows, columns)
            Without NaN.

        Returns
        -------
        float64 array, shape (rows, outputs)
        """
        if matrix.shape[0] <= _FEW_ROWS:
            said = self.table[self.leaf[self._walk(matrix, self.roots)]]
            # cumulated, not summed: a sum in another order would differ in the last bits
            few: FloatArray = np.cumsum(said, axis=1, dtype=np.float64)[:, -1]
            return few / self.trees
        total = np.zeros((matrix.shape[0], self.table.shape[1]))
        matrix = np.ascontiguousarray(matrix, np.float32)
        for tree in range(self.trees):
            total += self.table[self.leaf[self._apply(matrix, tree)]]
        return total / self.trees

    def quantile(self, matrix: NDArray[np.float32], level: float) -> FloatArray:
        """A quantile over trees of what the leaves say, for leaves that each say one number.

        Where each leaf says the target of one of its rows, drawn at random, this estimates the quantile
        that a quantile regression forest takes from the targets of all rows (Meinshausen, 2006).

        Parameters
        ----------
        matrix : float32 array, shape (rows, columns)
            Without NaN.
        level : float
            Between 0 and 1.

        Returns
        -------
        float64 array, shape (rows,)
        """
        matrix = np.ascontiguousarray(matrix, np.float32)
        found = np.zeros(len(matrix))
        for start in range(0, len(matrix), _QUANTILE_ROWS):
            part = matrix[start : start + _QUANTILE_ROWS]
            said = np.empty((len(part), self.trees), np.float32)
            if len(part) <= _FEW_ROWS:
                said[:] = self.table[self.leaf[self._walk(part, self.roots)], 0]
            else:
                for tree in range(self.trees):
                    said[:, tree] = self.table[self.leaf[self._apply(part, tree)], 0]
            found[start : start + len(part)] = np.quantile(said, level, axis=1)
        return found

    def _walk(self, matrix: NDArray[np.float32], roots: NDArray[np.int32]) -> NDArray[np.int32]:
        """The leaf of each row (first axis) in each tree (second axis), in numpy alone."""
        if matrix.shape[0] == 1:
            return self._walk_one(matrix[0], roots)[None, :]
        rows = np.arange(matrix.shape[0])[:, None]
        nodes = np.tile(roots, (matrix.shape[0], 1))
        while True:
            right = matrix[rows, self.feature[nodes]] > self.threshold[nodes]
            following = self.child[nodes] + right
            if np.array_equal(following, nodes):
                return nodes
            nodes = following

    def _walk_one(self, row: NDArray[np.float32], nodes: NDArray[np.int32]) -> NDArray[np.int32]:
        """The leaf of one row in each tree: `take` costs half of what indexing does."""
        while True:
            # to look whether all have arrived costs as much as half a step
            for _ in range(_STEPS):
                nodes = self.child.take(nodes) + (
                    row.take(self.feature.take(nodes)) > self.threshold.take(nodes)
                )
            if (self.child.take(nodes) == nodes).all():
                return nodes

    def _apply(self, matrix: NDArray[np.float32], tree: int) -> NDArray[np.integer]:
        """The leaf of each row in one tree, by scikit-learn's compiled walk where it can be had."""
        first = int(self.roots[tree])
        last = int(self.roots[tree + 1]) if tree + 1 < self.trees else len(self.child)
        leaves = _compiled_walk(self, matrix, first, last)
        if leaves is None:
            return self._walk(matrix, self.roots[tree : tree + 1])[:, 0]
        return leaves + first

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name, for an npz file."""
        return {
            "feature": self.feature,
            "child": self.child,
            "leaf": self.leaf,
            "threshold": self.threshold,
            "roots": self.roots,
            "table": self.table,
            "columns": np.array(self.columns, np.int64),
            **({} if self.share is None else {"share": self.share}),
        }

    @classmethod
    def read(cls, path: Path) -> Forest:
        """The forest whose `arrays` were written; see `from_arrays`."""
        return read_state(path, lambda arrays: cls.from_arrays(arrays, path))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], path: Path) -> Forest:
        """Inverse of `arrays`. Whatever passes is safe to walk: inside bounds, and it ends.

        Raises
        ------
        BundleError
            If the arrays are not those of a forest.
        """
        dtypes = {
            "feature": np.int32,
            "child": np.int32,
            "leaf": np.int32,
            "threshold": np.float32,
            "roots": np.int32,
            "table": np.float32,
            "columns": np.int64,
        }
        for name, dtype in dtypes.items():
            array = arrays.get(name)
            check_state(array is not None and array.dtype == dtype, path, f"lacks the array {name!r}")
        check_state(arrays["columns"].shape == (), path, "does not say how many columns it has")
        forest = cls(
            **{name: arrays[name] for name in dtypes if name != "columns"},
            columns=int(arrays["columns"][()]),
            share=arrays.get("share"),
        )
        complaint = forest._complaint()
        check_state(not complaint, path, complaint)
        return forest

    def _complaint(self) -> str:
        """What is wrong with the arrays, or nothing."""
        count = len(self.child) if self.child.ndim == 1 else 0
        vectors = (self.feature, self.child, self.leaf, self.threshold)
        if not count or any(array.shape != (count,) for array in vectors):
            return "holds node arrays of different lengths"
        if self.table.ndim != 2 or not self.table.size or not np.isfinite(self.table).all():
            return "holds a table of leaves that is empty or not finite"
        if self.feature.min() < 0 or self.feature.max() >= self.columns:
            return "names columns that do not exist"
        if self.leaf.min() < 0 or self.leaf.max() >= len(self.table):
            return "names leaves that do not exist"
        roots = self.roots
        if (
            roots.ndim != 1
            or not len(roots)
            or roots[0] != 0
            or (roots[1:] <= roots[:-1]).any()
            or roots[-1] >= count
        ):
            return "holds roots that are not ascending nodes"
        own = np.arange(count)
        ends = np.append(roots[1:], count)[np.searchsorted(roots, own, side="right") - 1]
        leaves = self.child == own
        # children after their parents and within the tree: every walk ends. Nothing is added to a number
        # that was read: the largest int32 plus one is negative, and would pass for one inside the tree
        if not (leaves | ((self.child > own) & (self.child < ends - 1))).all():
            return "holds children outside their tree"
        share = self.share
        if share is not None and not (share.dtype == np.uint16 and share.shape == (count,)):
            return "holds shares of rows that do not fit its nodes"
        if np.isnan(self.threshold).any() or not np.isposinf(self.threshold[leaves]).all():
            return "holds thresholds that are not numbers"
        return ""


class ForestBuilder:
    """Collects scikit-learn trees one by one into a `Forest`.

    Parameters
    ----------
    columns, outputs : int
        Columns of the matrix, and numbers that a leaf says.
    shared : bool
        Whether leaves that say the same share a row of the table: they do in a classifier, and
        hardly ever in a regression.
    """

    def __init__(self, columns: int, outputs: int, shared: bool) -> None:
        self.columns = columns
        self.outputs = outputs
        self.shared = shared
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._rows: list[NDArray[np.float32]] = []
        self._known: dict[bytes, int] = {}
        self._nodes = 0
        self._leaves = 0

    @property
    def trees(self) -> int:
        """Trees collected so far."""
        return len(self._parts)

    @property
    def size_bytes(self) -> int:
        """Bytes of the forest so far."""
        return 18 * self._nodes + 4 * self.outputs * self._leaves

    def add(self, tree: Any, says: FloatArray | None = None) -> None:
        """Append a fitted tree.

        Parameters
        ----------
        tree : object
            The ``tree_`` of a scikit-learn estimator.
        says : float64 array, shape (nodes, outputs), optional
            What nodes say; by default the means or shares that the tree holds.
        """
        left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
        order, child = _side_by_side(left, right)
        is_leaf = (left < 0)[order]
        threshold = _round_down(np.asarray(tree.threshold, np.float64)[order])
        threshold[is_leaf] = np.inf
        feature = np.where(is_leaf, 0, np.asarray(tree.feature)[order]).astype(np.int32)
        every = np.asarray(tree.value if says is None else says, np.float64)
        told = every[order[is_leaf]].reshape(-1, self.outputs)
        leaf = np.zeros(len(order), np.int32)
        leaf[is_leaf] = self._table_rows(told.astype(np.float32))
        cover = np.asarray(tree.weighted_n_node_samples, np.float64)
        self._parts.append((feature, child, leaf, threshold, _left_share(left, cover)[order]))
        self._nodes += len(order)

    def build(self) -> Forest:
        """The forest of all trees collected."""
        sizes = np.array([len(part[1]) for part in self._parts])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        feature, child, leaf, threshold, share = (
            np.concatenate([part[which] for part in self._parts]) for which in range(5)
        )
        child = (child + np.repeat(roots, sizes)).astype(np.int32)
        table = np.concatenate(self._rows)
        return Forest(feature, child, leaf, threshold, roots, table, self.columns, share)

    def _table_rows(self, says: NDArray[np.float32]) -> NDArray[np.int32]:
        """Rows of the table for what leaves say."""
        if not self.shared:
            rows = np.arange(self._leaves, self._leaves + len(says), dtype=np.int32)
            self._rows.append(says)
            self._leaves += len(says)
            return rows
        keys = np.ascontiguousarray(says).view(f"V{4 * self.outputs}").reshape(-1).tolist()
        found = np.empty(len(keys), np.int32)
        fresh: list[int] = []
        for position, key in enumerate(keys):
            row = self._known.get(key)
            if row is None:
                row = self._leaves + len(fresh)
                fresh.append(position)
                # past the limit the dictionary would take more memory than sharing saves
                if len(self._known) < _SHARED_LIMIT:
                    self._known[key] = row
            found[position] = row
        self._rows.append(says[fresh])
        self._leaves += len(fresh)
        return found


def _left_share(left: NDArray[Any], cover: FloatArray) -> NDArray[np.uint16]:
    """Of the rows of each node, those that went left, in parts of 65,535; never none or all of them."""
    share = np.zeros(len(left), np.uint16)
    inner = left >= 0
    part = cover[left[inner]] / np.maximum(cover[inner], np.finfo(np.float64).tiny)
    share[inner] = np.clip(np.rint(65_535 * part), 1, 65_534).astype(np.uint16)
    return share


def _side_by_side(left: NDArray[Any], right: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """An order of the nodes, level by level, in which siblings are neighbours, and each left child."""
    order = [np.zeros(1, np.int64)]
    children: list[NDArray[np.int64]] = []
    count = 1
    while len(order[-1]):
        level = order[-1]
        first = count - len(level)
        inner = left[level] >= 0
        child = np.where(inner, count + 2 * (np.cumsum(inner) - 1), first + np.arange(len(level)))
        children.append(child)
        order.append(np.stack([left[level[inner]], right[level[inner]]], axis=1).reshape(-1).astype(np.int64))
        count += len(order[-1])
    return np.concatenate(order), np.concatenate(children).astype(np.int32)


def _round_down(values: FloatArray) -> NDArray[np.float32]:
    """The largest float32 that is not above each value."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def _compiled_walk(
    forest: Forest, matrix: NDArray[np.float32], first: int, last: int
) -> NDArray[np.int64] | None:
    """Leaves within one tree by scikit-learn's compiled tree, rebuilt with its current layout.

    The layout is private and has changed before; whatever is not as expected gives None, and numpy
    walks instead.
    """
    try:
        from sklearn.tree._tree import NODE_DTYPE, Tree

        count = last - first
        child = forest.child[first:last].astype(np.int64) - first
        is_leaf = child == np.arange(count)
        nodes = np.zeros(count, NODE_DTYPE)
        nodes["left_child"] = np.where(is_leaf, -1, child)
        nodes["right_child"] = np.where(is_leaf, -1, child + 1)
        nodes["feature"] = np.where(is_leaf, -2, forest.feature[first:last])
        nodes["threshold"] = np.where(is_leaf, -2.0, forest.threshold[first:last])
        tree = Tree(forest.columns, np.ones(1, np.intp), 1)
        tree.__setstate__(
            {"max_depth": 0, "node_count": count, "nodes": nodes, "values": np.zeros((count, 1, 1))}
        )
        leaves: NDArray[np.int64] = np.asarray(tree.apply(matrix), np.int64)
    except (ImportError, AttributeError, ValueError, KeyError, TypeError):
        return None
    return leaves if leaves.shape == (matrix.shape[0],) else None
