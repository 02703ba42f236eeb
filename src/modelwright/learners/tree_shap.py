"""Shapley values of trees that are kept as flat arrays: exact, and vectorised over trees and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Contributions, FloatArray, IntArray
from modelwright.learners.boosted_trees import BoostedTrees
from modelwright.learners.forest import Forest

__all__ = ["PlainTrees", "TreeShap", "plain_boosted", "plain_forest"]

_LEAST_SHARE = 1e-9
"""Of the rows of a node that go to one child: a child without rows would never be expected at all."""

_LEAST_FACTOR = 1e-250
"""Of what stands for an unknown player: it is divided by."""

_MOST_NODES = 60_000
"""Nodes of trees that are looked at together."""

_MOST_CELLS = 200_000
"""Nodes times rows that are looked at together."""

_DEAR_STEPS = 4_000_000
"""Nodes times places times outputs, beyond which a row takes a tenth of a second and more."""


@dataclass(frozen=True, eq=False)
class PlainTrees:
    """Trees as what all kinds of them have in common.

    Attributes
    ----------
    starts : int64 array, shape (trees + 1,)
        Where the nodes of each tree begin; the first one is the root.
    left, right : int64 arrays, shape (nodes,)
        Children, counted over all trees; -1 in leaves.
    column : int64 array, shape (nodes,)
        Of the matrix; anything in leaves.
    threshold : float array, shape (nodes,)
    missing_left : bool array, shape (nodes,)
        Whether rows without a value go left.
    strict : bool
        Whether rows go left where ``x < threshold``, not where ``x <= threshold``.
    share : float64 array, shape (nodes,)
        Of the training rows of a node, those that went left.
    values : float64 array, shape (nodes, says)
        What leaves say; anything elsewhere.
    outputs : int
        Outputs that trees add to: all of them where a leaf says so many numbers; where it says one, tree
        ``i`` adds to output ``i % outputs``.
    """

    starts: IntArray
    left: IntArray
    right: IntArray
    column: IntArray
    threshold: NDArray[np.floating]
    missing_left: NDArray[np.bool_]
    strict: bool
    share: FloatArray
    values: FloatArray
    outputs: int


def plain_boosted(trees: BoostedTrees, *, strict: bool) -> PlainTrees:
    """The trees of a boosted model; see `TreeWalk` for ``strict``."""
    roots = np.repeat(trees.starts[:-1], np.diff(trees.starts))
    inner = np.flatnonzero(trees.left >= 0)
    left, right = (np.where(side >= 0, side + roots, -1) for side in (trees.left, trees.right))
    cover = trees.cover.astype(np.float64)
    least = np.finfo(np.float32).tiny
    one, other = (np.maximum(cover[side[inner]], least) for side in (left, right))
    share = np.full(len(left), 0.5)
    share[inner] = one / (one + other)
    return PlainTrees(
        starts=trees.starts,
        left=left,
        right=right,
        column=trees.feature.astype(np.int64),
        threshold=trees.value,
        missing_left=trees.missing_left,
        strict=strict,
        share=share,
        values=trees.value.astype(np.float64)[:, None],
        outputs=trees.outputs,
    )


def plain_forest(forest: Forest, says: slice) -> PlainTrees | None:
    """The trees of a forest with some of the numbers that leaves say.

    None where shares of rows are unknown, or nodes so many that a row would take long.

    Parameters
    ----------
    forest : Forest
    says : slice
        Columns of its table.
    """
    if forest.share is None or len(forest.child) > _DEAR_STEPS // 4:
        return None
    child = forest.child.astype(np.int64)
    leaf = child == np.arange(len(child))
    inner = np.flatnonzero(~leaf)
    parents = np.bincount(np.concatenate([child[inner], child[inner] + 1]), minlength=len(child))
    parents[forest.roots] += 1
    if (parents != 1).any():
        # what was changed by hand may share branches, and would be walked without end
        return None
    values = forest.table[:, says].astype(np.float64)[forest.leaf]
    return PlainTrees(
        starts=np.append(forest.roots, len(child)).astype(np.int64),
        left=np.where(leaf, -1, child),
        right=np.where(leaf, -1, child + 1),
        column=forest.feature.astype(np.int64),
        threshold=forest.threshold,
        missing_left=np.zeros(len(child), np.bool_),
        strict=False,
        share=np.where(leaf, 0.5, forest.share / 65_535.0),
        values=values,
        outputs=values.shape[1],
    )


class TreeShap:
    """Shapley values of the sum of all trees, where columns of one owner are one player.

    What a tree is expected to say when only some players are known is told by the shares of the training rows
    that took each branch (the path-dependent game of Lundberg, Erion & Lee, "Consistent individualized
    feature attribution for tree ensembles", 2018). A leaf adds the product of one factor for each player on
    its path: 1 or 0, by whether the row could come here, where the player is known, and the share of the rows
    that do where it is not. Shapley values of a product are integrals of polynomials,

        (one[d] - zero[d]) * integral from 0 to 1 of prod over j != d of (t * one[j] + (1 - t) * zero[j]) dt

    which a few places between 0 and 1 give exactly (Gauss and Legendre). The products are passed down the
    trees, level by level, and their sums over leaves up again, so that a node costs a few steps for each
    place (as in Yu, Xu, Bifet & Read, "Linear TreeShap", NeurIPS 2022).

    Parameters
    ----------
    trees : PlainTrees
    owners : int64 array, shape (columns of the matrix,)
        The player of each column.

    Examples
    --------
    >>> stump = PlainTrees(
    ...     starts=np.array([0, 3]),
    ...     left=np.array([1, -1, -1]),
    ...     right=np.array([2, -1, -1]),
    ...     column=np.zeros(3, np.int64),
    ...     threshold=np.array([0.5, 0, 0]),
    ...     missing_left=np.zeros(3, np.bool_),
    ...     strict=False,
    ...     share=np.array([0.25, 0, 0]),
    ...     values=np.array([[0.0], [8.0], [4.0]]),
    ...     outputs=1,
    ... )
    >>> found = TreeShap(stump, np.array([0])).contributions(np.zeros((1, 1), np.float32), 2, "identity")
    >>> found.base.tolist(), found.values[0, :, 0].tolist()
    ([5.0], [3.0, 0.0])
    """

    def __init__(self, trees: PlainTrees, owners: IntArray) -> None:
        self._outputs = trees.outputs
        self._blocks = [_Block(trees, owners, each) for each in _spans(np.diff(trees.starts))]
        self.base = np.sum([block.base for block in self._blocks], axis=0)

    @property
    def is_dear(self) -> bool:
        """Whether a row takes so long that it is quicker to try the model out."""
        return sum(block.steps for block in self._blocks) > _DEAR_STEPS

    def contributions(self, matrix: NDArray[np.float32], players: int, link: str) -> Contributions:
        """What each player adds to the sum of the trees.

        Parameters
        ----------
        matrix : float32 array, shape (rows, columns)
        players : int
            More than any owner.
        link : str
            What the trees add up; see `Contributions`.
        """
        values = np.zeros((players * self._outputs, len(matrix)))
        turned = np.ascontiguousarray(matrix.T)
        for block in self._blocks:
            step = max(1, _MOST_CELLS // block.nodes)
            for start in range(0, len(matrix), step):
                rows = slice(start, start + step)
                block.add(turned[:, rows], values[:, rows])
        by_row = values.reshape(players, self._outputs, len(matrix)).transpose(2, 0, 1)
        return Contributions(np.ascontiguousarray(by_row), self.base, link)


def _spans(sizes: IntArray) -> list[slice]:
    """Neighbouring trees that are looked at together."""
    ends = np.cumsum(sizes)
    spans: list[slice] = []
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _MOST_NODES, side="right")))
        spans.append(slice(start, stop))
        start = stop
    return spans


class _Block:
    """Some trees with their nodes in the order of levels, siblings side by side; the roots come first.

    Everything is told of the edge that leads to a node. A root stands for a player that is always satisfied:
    it is where nodes look whose player has no edge above them.
    """

    def __init__(self, trees: PlainTrees, owners: IntArray, span: slice) -> None:
        first, last = int(trees.starts[span.start]), int(trees.starts[span.stop])
        roots = trees.starts[span.start : span.stop]
        order, levels = _by_level(trees, roots)
        place = np.full(last - first, -1, np.int64)
        place[order - first] = np.arange(len(order))
        self.nodes, self._levels, count = len(order), levels, len(roots)
        left = trees.left[order]
        inner = left >= 0
        parent = np.zeros(self.nodes, np.int64)
        for side in (trees.left, trees.right):
            parent[place[side[order[inner]] - first]] = np.flatnonzero(inner)
        self._parent, above = parent, order[parent]
        self._column, self._threshold = trees.column[above], trees.threshold[above]
        self._missing_left, self._strict = trees.missing_left[above], trees.strict
        # after the roots come siblings, the left one first
        self._is_left = (np.arange(self.nodes) - count) % 2 == 0
        share = np.clip(trees.share[above], _LEAST_SHARE, 1 - _LEAST_SHARE)
        ratio = np.where(self._is_left, share, 1 - share)
        ratio[:count] = 1.0
        player = owners[self._column]
        self._same = _nearest_same(parent, player, count)
        self._roots = count
        self._zero, reached, self._places = self._factors(ratio)
        leaves = np.where(inner[:, None], 0.0, trees.values[order])
        self._leaves = leaves
        says = leaves.shape[1]
        tree = np.arange(span.start, span.stop)
        root = np.arange(self.nodes)
        for start, end in levels[1:]:
            root[start:end] = root[parent[start:end]]
        output = tree[root] % trees.outputs if says < trees.outputs else np.zeros(self.nodes, np.int64)
        expected = reached[:, None] * leaves
        self.base = np.zeros(trees.outputs)
        for said in range(says):
            self.base += np.bincount(output + said, expected[:, said], minlength=trees.outputs)
        key = player[count:] * trees.outputs + output[count:]
        self._order = np.argsort(key, kind="stable")
        self._keys, self._starts = np.unique(key[self._order], return_index=True)

    @property
    def steps(self) -> int:
        """Steps that a row takes."""
        return int(self.nodes * len(self._places) * self._leaves.shape[1])

    def _factors(self, ratio: FloatArray) -> tuple[FloatArray, FloatArray, list[tuple[float, float]]]:
        """What stands for an unknown player at each node, the share of rows that come there, and the places.

        A product of so many factors but one is a polynomial of that degree; half as many places give its
        integral exactly.
        """
        zero, reached = np.ones(self.nodes), np.ones(self.nodes)
        different = np.zeros(self.nodes, np.int64)
        for start, end in self._levels[1:]:
            same, parent = self._same[start:end], self._parent[start:end]
            zero[start:end] = np.maximum(ratio[start:end] * zero[same], _LEAST_FACTOR)
            reached[start:end] = ratio[start:end] * reached[parent]
            different[start:end] = different[parent] + (same < self._roots)
        count = max(1, -(-int(different.max()) // 2))
        points, weights = np.polynomial.legendre.leggauss(count)
        return zero, reached, list(zip((points / 2 + 0.5).tolist(), (weights / 2).tolist(), strict=True))

    def add(self, matrix: NDArray[np.float32], values: FloatArray) -> None:
        """Add what players add for some rows.

        Parameters
        ----------
        matrix : float32 array, shape (columns, rows)
        values : float64 array, shape (players times outputs, rows)
            Is changed.
        """
        if not len(self._keys):
            return
        one = self._allowed(matrix)
        zero = self._zero[:, None]
        away = one - zero
        added = [np.zeros(one.shape) for _ in range(self._leaves.shape[1])]
        for point, weight in self._places:
            factor = zero + point * away
            product = self._passed_down(factor)
            slope = away / factor
            slope -= slope[self._same]
            slope *= weight
            for said, total in enumerate(added):
                total += slope * self._passed_up(product * self._leaves[:, said : said + 1])
        for said, total in enumerate(added):
            values[self._keys + said] += np.add.reduceat(
                total[self._roots :][self._order], self._starts, axis=0
            )

    def _allowed(self, matrix: NDArray[np.float32]) -> FloatArray:
        """For each node and row, 1 if the row keeps to the path there as far as the node's player goes."""
        found = matrix[self._column]
        limit = self._threshold[:, None]
        goes_left = found < limit if self._strict else found <= limit
        goes_left |= np.isnan(found) & self._missing_left[:, None]
        one = goes_left == self._is_left[:, None]
        one[: self._roots] = True
        for start, end in self._levels[1:]:
            one[start:end] &= one[self._same[start:end]]
        return np.asarray(one, np.float64)

    def _passed_down(self, factor: FloatArray) -> FloatArray:
        """The product of the factors of all players on the path to each node."""
        product = factor / factor[self._same]
        for start, end in self._levels[1:]:
            product[start:end] *= product[self._parent[start:end]]
        return product

    def _passed_up(self, said: FloatArray) -> FloatArray:
        """At each node the sum over the leaves below it."""
        for start, end in reversed(self._levels[1:]):
            # a level holds all children of the nodes above it, side by side
            said[self._parent[start:end:2]] = said[start:end:2] + said[start + 1 : end : 2]
        return said


def _by_level(trees: PlainTrees, roots: IntArray) -> tuple[IntArray, Sequence[tuple[int, int]]]:
    """The nodes level by level, siblings side by side, and where each level begins and ends."""
    level, count = roots.astype(np.int64), 0
    found: list[IntArray] = []
    levels: list[tuple[int, int]] = []
    while len(level):
        found.append(level)
        levels.append((count, count + len(level)))
        count += len(level)
        inner = level[trees.left[level] >= 0]
        level = np.stack([trees.left[inner], trees.right[inner]], axis=1).reshape(-1)
    return np.concatenate(found), levels


def _nearest_same(parent: IntArray, player: IntArray, roots: int) -> IntArray:
    """For each node the nearest one above it with an edge of the same player; else its root."""
    same = parent.copy()
    open_nodes = np.flatnonzero(same >= roots)
    while len(open_nodes):
        open_nodes = open_nodes[player[same[open_nodes]] != player[open_nodes]]
        same[open_nodes] = parent[same[open_nodes]]
        open_nodes = open_nodes[same[open_nodes] >= roots]
    return same
