"""Validation rows in two halves, so that no row is scored by a model that was stopped for its sake.

A booster keeps the iteration that errs least on the validation rows. Scored on the same rows it is the best
of some hundred models there, which flatters where rows are few. So each half is predicted with the iteration
that the other half speaks for. The model that is kept is the one that both halves speak for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FitTask, FloatArray, IntArray, Predictions
from modelwright.learners.fold import Fold

__all__ = ["Halves"]

_FEWEST, _MOST = 16, 4_000
"""Validation rows: with fewer a half is no judge, with more the best of many flatters by nothing."""


@dataclass(frozen=True)
class Halves:
    """Two parts of a fold's validation rows.

    Attributes
    ----------
    parts : tuple of two int64 arrays
        Positions in ``Fold.valid_rows``, ascending.
    sums : tuple of two float
        Weight of each part.
    """

    parts: tuple[IntArray, IntArray]
    sums: tuple[float, float]

    @classmethod
    def of(cls, task: FitTask, fold: Fold) -> Halves | None:
        """Halves with as many rows of each class, or of high and low values; None where none are needed.

        Whole groups stay together where rows belong to groups.
        """
        rows = fold.valid_rows
        if not _FEWEST <= len(rows) <= _MOST or len(rows) != len(task.valid_rows):
            return None
        if task.groups is None:
            order = np.argsort(fold.valid_target, kind="stable")
            second = np.zeros(len(rows), np.bool_)
            # in pairs that turn round: neither half gets the larger value of each pair
            second[order] = np.isin(np.arange(len(rows)) % 4, (1, 2))
        else:
            second = np.unique(np.asarray(task.groups)[rows], return_inverse=True)[1] % 2 == 1
        parts = np.flatnonzero(~second), np.flatnonzero(second)
        if min(len(part) for part in parts) < _FEWEST // 4:
            return None
        weights = np.ones(len(rows)) if fold.valid_weights is None else fold.valid_weights
        first, other = (float(weights[part].sum()) for part in parts)
        return cls(parts, (first, other)) if min(first, other) > 0 else None

    def mean(self, errors: Sequence[float], rooted: bool = False) -> float:
        """The error on all rows from those of the halves: a mean over rows, or the root of one."""
        if rooted:
            return float(np.sqrt(np.average(np.square(errors), weights=self.sums)))
        return float(np.average(errors, weights=self.sums))

    def predictions(
        self,
        task: FitTask,
        fold: Fold,
        bests: Sequence[int],
        raw: Callable[[int, int], NDArray[Any]],
    ) -> Predictions:
        """Predictions of the task's validation rows, each half by the other's iteration.

        Parameters
        ----------
        task : FitTask
        fold : Fold
        bests : sequence of two int
            The iteration at which each half errs least.
        raw : callable
            From the number of a half, 0 or 1, and a number of iterations to what `TargetCoder.decode` takes.

        Returns
        -------
        Predictions
            In the order of ``task.valid_rows``.
        """
        decoded = [
            fold.coder.decode(raw(half, max(1, best))).array for half, best in enumerate(reversed(bests))
        ]
        found: FloatArray = np.empty((len(fold.valid_rows), *decoded[0].shape[1:]))
        for part, array in zip(self.parts, decoded, strict=True):
            found[part] = array
        # the fold's rows are sorted, the task's need not be
        return Predictions(found[np.searchsorted(fold.valid_rows, task.valid_rows)])
