"""What each column adds to a prediction: with a base, the additions of a row make up its prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from modelwright.core.predictions import FloatArray, IntArray

__all__ = ["Contributions"]

_PLACES, _MANY_PLACES = 16, 96
"""Points of a path that are looked at; many where scores move far apart on it."""

_FAR = 8.0

_STEP = 1e-6
"""Below this distance, relative to how far it is to a bend, the slope of a function takes the place of its
chord."""

_SMALLEST_SHARE = 1e-12

_ROUNDING = 1e-12
"""Relative to a prediction: what no column adds."""

_LINKS = ("identity", "log-odds", "probability")


@dataclass(frozen=True, eq=False)
class Contributions:
    """Additions of columns to the raw predictions of some rows.

    Attributes
    ----------
    values : float64 array, shape (rows, columns, outputs)
        Of a learner the columns are those of its view: numbers, categories, then each text's terms. There is
        one output for values and for two classes (the second one's), else one for each class, label or
        quantile.
    base : float64 array, shape (outputs,)
        The prediction about which nothing is known; shape (rows, outputs) where it differs from row to row.
    link : str
        What is added up. ``"identity"``: values. ``"log-odds"``: of two classes those of the second one; of
        more a score for each, probabilities being in proportion to its exponential. ``"probability"``.

    Notes
    -----
    Where a scale is bent, the additions of a row are multiplied by the slope of the chord from its base to
    its prediction; where outputs depend on each other (classes that share one whole), by the slopes along the
    straight line between both. This is the value of Aumann and Shapley ("Values of non-atomic games", 1974),
    known from integrated gradients (Sundararajan, Taly and Yan, ICML 2017): sums stay exact, and a column
    that added nothing still adds nothing.

    Examples
    --------
    >>> found = Contributions(np.array([[[1.0], [-0.5]]]), np.array([0.25]), "log-odds")
    >>> found.raw.tolist()
    [[0.75]]
    >>> told = found.probabilities()
    >>> bool(np.allclose(told.raw, 1 / (1 + np.exp(-0.75)))), told.link
    (True, 'probability')
    """

    values: FloatArray
    base: FloatArray
    link: str = "identity"

    def __post_init__(self) -> None:
        if self.link not in _LINKS:
            raise ValueError(f"a link is one of {', '.join(_LINKS)}, not {self.link!r}")

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.values.shape[1])

    @property
    def raw(self) -> FloatArray:
        """The prediction of each row on the scale of the additions, shape (rows, outputs)."""
        total: FloatArray = self.base + self.values.sum(axis=1)
        return total

    def grouped(self, owners: IntArray, count: int) -> Contributions:
        """Additions of columns that belong together, summed.

        Parameters
        ----------
        owners : int64 array, shape (columns,)
            The place of each column among the new ones.
        count : int
            New columns; those that own nothing add nothing.

        Examples
        --------
        >>> found = Contributions(np.ones((1, 3, 1)), np.zeros(1))
        >>> found.grouped(np.array([2, 0, 2]), 3).values[0, :, 0].tolist()
        [1.0, 0.0, 2.0]
        """
        out = np.zeros((self.rows, count, self.values.shape[2]))
        if len(owners) and self.rows:
            order = np.argsort(owners, kind="stable")
            places, starts = np.unique(owners[order], return_index=True)
            out[:, places] = np.add.reduceat(self.values[:, order], starts, axis=1)
        return replace(self, values=out)

    def closed(self, raw: FloatArray) -> Contributions:
        """The same with sums that are exactly these: a gap is divided in proportion to what columns add.

        Gaps are rounding errors of engines, quantiles that were put in order, and the like. Where no column
        adds anything they are divided equally, or left where they are rounding alone (1e-12); where there is
        no column, the base takes them.

        Parameters
        ----------
        raw : float64 array, shape (rows, outputs)

        Examples
        --------
        >>> found = Contributions(np.array([[[3.0], [-1.0]]]), np.zeros(1))
        >>> found.closed(np.array([[4.0]])).values.ravel().tolist()
        [4.5, -0.5]
        """
        gap = raw - self.raw
        if not gap.any():
            return self
        if not self.columns:
            return replace(self, base=self.base + gap)
        size = np.abs(self.values)
        total = size.sum(axis=1, keepdims=True)
        rounding = np.abs(gap) <= _ROUNDING * np.maximum(1.0, np.abs(raw))
        equal = np.where(rounding, 0.0, 1.0 / self.columns)[:, None, :]
        shares = np.where(total > 0, size / np.where(total > 0, total, 1.0), equal)
        return replace(self, values=self.values + shares * gap[:, None, :])

    def mapped(self, function: Callable[[FloatArray], FloatArray], link: str) -> Contributions:
        """Additions to a function of each output on its own.

        Parameters
        ----------
        function : callable
            Of an array of shape (n, outputs), element by element; of a single output it may make several.
        link : str
            Of the result.

        Examples
        --------
        >>> found = Contributions(np.array([[[1.0], [2.0]]]), np.zeros(1)).mapped(np.square, "identity")
        >>> found.values.ravel().tolist(), found.raw.tolist()
        ([3.0, 6.0], [[9.0]])
        """
        raw, base = self.raw, np.atleast_2d(self.base)
        there, start = function(raw), function(base)
        change, width = raw - base, _STEP * self._reach(raw)
        near = np.abs(change) <= width
        chord = (there - start) / np.where(near, 1.0, change)
        factor = np.where(near, (function(raw + width) - function(raw - width)) / (2 * width), chord)
        base = start[0] if self.base.ndim == 1 else start
        return Contributions(self.values * factor[:, None, :], base, link).closed(there)

    def _reach(self, raw: FloatArray) -> FloatArray:
        """How far predictions must move for a curve to bend: probabilities the less, the nearer to 0 or 1."""
        if self.link == "probability":
            return np.maximum(np.minimum(np.abs(raw), np.abs(1.0 - raw)), _SMALLEST_SHARE)
        if self.link == "log-odds":
            return np.maximum(1.0, np.abs(raw))
        size = np.maximum(np.abs(raw), np.abs(self.values).max(axis=1, initial=0.0))
        return np.where(size > 0, size, 1.0)

    def probabilities(self) -> Contributions:
        """Additions to probabilities; values stay what they are."""
        if self.link != "log-odds":
            return self
        if self.values.shape[2] == 1:
            return self.mapped(_sigmoid, "probability")

        def slopes(scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            shares = _softmax(scores)
            return shares, shares, shares

        # the farther the way, the more sudden the change on it
        change = self.raw - self.base
        far = change.size and float(np.ptp(change, axis=1).max()) > _FAR
        return self._along(_softmax, slopes, _MANY_PLACES if far else _PLACES)

    def normalised(self) -> Contributions:
        """Additions to shares of several positive outputs in their sum, as probabilities."""

        def shares(parts: FloatArray) -> FloatArray:
            return np.asarray(parts / parts.sum(axis=1, keepdims=True))

        def slopes(parts: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            total = parts.sum(axis=1, keepdims=True)
            ones = np.ones(parts.shape)
            return ones / total, parts / total**2, ones

        return self._along(shares, slopes, _PLACES)

    def _along(
        self,
        function: Callable[[FloatArray], FloatArray],
        slopes: Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]],
        places: int,
    ) -> Contributions:
        """Additions to outputs that depend on each other, by their mean slopes between base and prediction.

        At each place ``slopes`` gives ``own``, ``left`` and ``right``: output ``k`` rises with output ``j``
        by ``own[k] * (j == k) - left[k] * right[j]``.
        """
        raw = self.raw
        base = np.broadcast_to(self.base, raw.shape)
        own, others = np.zeros(raw.shape), np.zeros((*raw.shape, raw.shape[1]))
        for node, weight in _places(places):
            each, left, right = slopes(base + node * (raw - base))
            own += weight * each
            others += weight * right[:, :, None] * left[:, None, :]
        values = self.values * own[:, None, :] - self.values @ others
        start = function(np.atleast_2d(self.base))
        return Contributions(values, start[0] if self.base.ndim == 1 else start, "probability").closed(
            function(raw)
        )


def _sigmoid(scores: FloatArray) -> FloatArray:
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)


def _softmax(scores: FloatArray) -> FloatArray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@lru_cache(maxsize=8)
def _places(count: int) -> tuple[tuple[float, float], ...]:
    """Points between 0 and 1, and what each counts for in a mean (Gauss and Legendre)."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return tuple(zip((points / 2 + 0.5).tolist(), (weights / 2).tolist(), strict=True))
