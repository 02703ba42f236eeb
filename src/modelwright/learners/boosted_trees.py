"""Boosted trees as flat arrays: checked when loaded, and free of any library's node layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray
from modelwright.learners.state import check_state, read_state

__all__ = ["BoostedTrees"]

_DEEPEST = 512
"""Levels of a tree at most: compiled code may walk trees by recursion."""


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Trees of a boosted model, round after round, and where the sum of their leaves begins.

    Attributes
    ----------
    starts : int64 array, shape (trees + 1,)
        Where the nodes of each tree begin; the first node is the root.
    left, right : int32 arrays, shape (nodes,)
        Children, counted from the root of the tree; -1 in leaves. They come after their parents.
    feature : int32 array, shape (nodes,)
        Column that is split; 0 in leaves.
    value : float32 or float64 array, shape (nodes,)
        Threshold, or what the leaf adds.
    missing_left : bool array, shape (nodes,)
        Whether rows without a value go left.
    cover : float32 array, shape (nodes,)
        Weight of the training rows that came by.
    prior : float64 array, shape (outputs,)
        The sum before the first tree; tree ``i`` adds to output ``i % outputs``.
    features : int
        Columns of the matrix that is predicted from.
    logarithmic : bool
        Whether the sum is the logarithm of the prediction.

    Examples
    --------
    >>> stump = BoostedTrees(
    ...     starts=np.array([0, 3]),
    ...     left=np.array([1, -1, -1], np.int32),
    ...     right=np.array([2, -1, -1], np.int32),
    ...     feature=np.zeros(3, np.int32),
    ...     value=np.array([0.5, -1, 1], np.float32),
    ...     missing_left=np.zeros(3, np.bool_),
    ...     cover=np.ones(3, np.float32),
    ...     prior=np.zeros(1),
    ...     features=1,
    ... )
    >>> stump.complaint(), stump.trees
    ('', 1)
    """

    starts: NDArray[np.int64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    value: NDArray[Any]
    missing_left: NDArray[np.bool_]
    cover: NDArray[np.float32]
    prior: FloatArray
    features: int
    logarithmic: bool = False

    @property
    def trees(self) -> int:
        """Number of trees."""
        return len(self.starts) - 1

    @property
    def outputs(self) -> int:
        """Sums that a row gets."""
        return len(self.prior)

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, by name, for an npz file."""
        return {
            "starts": self.starts,
            "left": self.left,
            "right": self.right,
            "feature": self.feature,
            "value": self.value,
            "missing_left": self.missing_left,
            "cover": self.cover,
            "prior": self.prior,
            "settings": np.array([self.features, self.logarithmic], np.int64),
        }

    @classmethod
    def read(cls, path: Path, value: type[np.floating[Any]]) -> BoostedTrees:
        """The trees whose `arrays` were written; see `from_arrays`."""
        return read_state(path, lambda arrays: cls.from_arrays(arrays, path, value))

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], path: Path, value: type[np.floating[Any]]
    ) -> BoostedTrees:
        """Inverse of `arrays`. Whatever passes is safe to walk: inside bounds, and it ends.

        Parameters
        ----------
        arrays : mapping of str to array
        path : Path
            Where they come from, for the message.
        value : numpy type
            That `value` must have.

        Raises
        ------
        BundleError
            If the arrays are not those of boosted trees.
        """
        kinds = {
            "starts": np.int64,
            "left": np.int32,
            "right": np.int32,
            "feature": np.int32,
            "value": value,
            "missing_left": np.bool_,
            "cover": np.float32,
            "prior": np.float64,
            "settings": np.int64,
        }
        for name, kind in kinds.items():
            array = arrays.get(name)
            fits = array is not None and array.dtype == kind and array.ndim == 1 and len(array) > 0
            check_state(fits, path, f"lacks the array {name!r}")
        settings = arrays["settings"].tolist()
        check_state(len(settings) == 2 and settings[1] in (0, 1), path, "holds settings that cannot be")
        names = [name for name in kinds if name != "settings"]
        trees = cls(
            **{name: arrays[name] for name in names}, features=settings[0], logarithmic=settings[1] == 1
        )
        complaint = trees.complaint()
        check_state(not complaint, path, complaint)
        return trees

    def respond(self, sums: FloatArray, classes: int) -> FloatArray:
        """What `TargetCoder.decode` takes, from the sums of leaves and the prior.

        Parameters
        ----------
        sums : float64 array, shape (rows, outputs)
        classes : int
            Classes that are told apart; 0 for values.
        """
        if not classes:
            # the exponential of an extrapolated logarithm must not overflow
            return np.exp(np.minimum(sums[:, 0], 700.0)) if self.logarithmic else sums[:, 0]
        if self.outputs == 1:
            return np.asarray(1.0 / (1.0 + np.exp(-np.clip(sums[:, 0], -700.0, 700.0))))
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def complaint(self) -> str:
        """What is wrong with the arrays, or nothing."""
        count = len(self.left)
        vectors = (self.right, self.feature, self.value, self.missing_left, self.cover)
        if any(len(array) != count for array in vectors):
            return "holds node arrays of different lengths"
        # compared, not subtracted: the difference of two numbers that were read may overflow
        rising = bool((self.starts[1:] > self.starts[:-1]).all())
        if self.starts[0] != 0 or self.starts[-1] != count or not rising:
            return "holds trees that do not begin and end where they must"
        if not self.trees or self.trees % self.outputs:
            return "holds a round of trees that is not whole"
        if self.feature.min() < 0 or self.feature.max() >= self.features:
            return "names columns that do not exist"
        # a split of missing values from all others may have an infinite threshold
        finite = (self.value[self.left < 0], self.cover, self.prior)
        if np.isnan(self.value).any() or not all(np.isfinite(array).all() for array in finite):
            return "holds values that are not finite"
        return self._children_complaint()

    def _children_complaint(self) -> str:
        sizes = np.diff(self.starts)
        roots, size = np.repeat(self.starts[:-1], sizes), np.repeat(sizes, sizes)
        own = np.arange(len(self.left)) - roots
        inner = self.left >= 0
        if not np.array_equal(inner, self.right >= 0):
            return "holds nodes with one child"
        # compiled code knows a leaf by -1: any other negative number would be an address
        if not (self.left[~inner] == -1).all() or not (self.right[~inner] == -1).all():
            return "holds leaves that are not marked as such"
        for child in (self.left[inner], self.right[inner]):
            if (child <= own[inner]).any() or (child >= size[inner]).any():
                return "holds children outside their tree"
        children = np.concatenate([self.left[inner] + roots[inner], self.right[inner] + roots[inner]])
        parents = np.bincount(children, minlength=len(own))
        if (parents != (own > 0)).any():
            return "holds nodes that are not the child of one other"
        level = self.starts[:-1]
        for _ in range(_DEEPEST):
            level = level[inner[level]]
            if not len(level):
                return ""
            level = np.concatenate([self.left[level] + roots[level], self.right[level] + roots[level]])
        return f"holds trees of more than {_DEEPEST} levels"
