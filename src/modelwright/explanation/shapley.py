"""Contributions of any model, by trying it out: columns take a row's values one after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from modelwright.core import Contributions, FloatArray, IntArray, SparseBlock, View, generator
from modelwright.features import as_csr
from modelwright.features.sparse import from_csr

__all__ = ["MOST_BACKGROUND", "sampled_contributions"]

MOST_BACKGROUND = 16
"""Rows of the background that are looked at, at most."""

_FEWEST, _FEWEST_OF_BAG = 4, 2
_TRIES = 1_000
"""Predictions for a row that are aimed at, over all models of a bag: with many columns or many models, each
is tried on fewer rows of the background."""

_BATCH = 20_000
"""Rows that are predicted at once."""


def sampled_contributions(
    predict: Callable[[View], FloatArray],
    view: View,
    background: View,
    owners: IntArray,
    players: int,
    seed: int = 0,
    place: tuple[int, int] = (0, 1),
) -> Contributions:
    """Estimated Shapley values of columns, whose sums are exact.

    A row of the background becomes the row to be explained, column after column in a random order, and each
    column gets what the prediction moves by when it is its turn. Every order is also gone through backwards,
    which takes away much of the chance in it, and every row of the background is started from once each way:
    so the additions always make up the difference between the prediction and the mean prediction of the
    background.

    Parameters
    ----------
    predict : callable
        From a view to an array of shape (rows, outputs).
    view : View
        Rows to be explained, at least one.
    background : View
        Rows to compare with, at least one; at most 16 are taken, evenly spaced, and fewer of them where there
        are many columns.
    owners : int64 array, shape (columns of the view,)
        The player of each column, in the order of `ViewInfo.features`.
    players : int
        Number of players; those that own no column add nothing.
    seed : int, default 0
        Of the orders, which are the same for every row.
    place : (int, int), default (0, 1)
        Of a model in a bag: its number, and how many there are. They share the tries, and take different
        orders and rows of the background.

    Notes
    -----
    Sources: Strumbelj and Kononenko, "Explaining prediction models and individual predictions with feature
    contributions", 2014; Mitchell, Cooper, Frank and Holmes, "Sampling permutations for Shapley value
    estimation", 2022, for orders that are gone through both ways.

    Examples
    --------
    >>> from modelwright.core import FeatureInfo, ViewInfo
    >>> info = ViewInfo((FeatureInfo("a", "a", "value"), FeatureInfo("b", "b", "value")), ())
    >>> def rows(*numbers):
    ...     return View(np.array(numbers, np.float32), np.zeros((len(numbers), 0), np.int32), info)
    >>> def product(view):
    ...     return np.prod(view.numeric, axis=1, dtype=np.float64)[:, None]
    >>> found = sampled_contributions(product, rows([3, 2]), rows([1, 0]), np.arange(2), 2)
    >>> found.values[0, :, 0].tolist(), found.base.tolist()
    ([2.0, 4.0], [0.0])
    """
    active = np.unique(owners)
    number, models = place
    tries = _TRIES // (2 * max(1, len(active)) * models)
    count = int(np.clip(tries, _FEWEST if models == 1 else _FEWEST_OF_BAG, MOST_BACKGROUND))
    count = min(count, background.rows)
    chosen = ((np.arange(count) + (number + 0.5) / models) * background.rows / count).astype(np.int64)
    pool = _Pool(view, background.take(chosen), owners)
    random = generator(seed, "shapley", number)
    start = predict(pool.background)
    values = np.zeros((view.rows, players, start.shape[1]))
    for start_row in range(len(chosen)):
        order = random.permutation(active)
        for turns in (order, order[::-1]):
            said = pool.path(predict, start_row, turns, players)
            values[:, turns] += np.diff(said, axis=1) / (2 * len(chosen))
    return Contributions(values, start.mean(axis=0))


class _Pool:
    """Rows to be explained and rows of the background, of which rows are put together."""

    def __init__(self, view: View, background: View, owners: IntArray) -> None:
        self._view, self.background = view, background
        numbers, categories = view.numeric.shape[1], view.categorical.shape[1]
        self._numbers = owners[:numbers]
        self._categories = owners[numbers : numbers + categories]
        self._texts = owners[numbers + categories :]
        self._numeric = np.concatenate([view.numeric, background.numeric])
        self._categorical = np.concatenate([view.categorical, background.categorical])

    def path(
        self, predict: Callable[[View], FloatArray], start: int, turns: IntArray, players: int
    ) -> FloatArray:
        """Predictions on the way from a row of the background to each row.

        Parameters
        ----------
        predict : callable
        start : int
            Number of the row of the background.
        turns : int array, shape (active players,)
            The order in which players take the values of the row.
        players : int

        Returns
        -------
        float64 array, shape (rows, active players + 1, outputs)
        """
        rows, steps = self._view.rows, len(turns) + 1
        place = np.full(players, len(turns))
        place[turns] = np.arange(len(turns))
        # after so many steps, those whose turn has come have the row's value
        turned = place[None, :] < np.arange(steps)[:, None]
        parts = []
        batch = max(1, _BATCH // steps)
        for first in range(0, rows, batch):
            own = np.arange(first, min(rows, first + batch))
            taken = np.where(turned[None, :, :], own[:, None, None], rows + start)
            said = predict(self._mixed(taken.reshape(-1, players)))
            parts.append(said.reshape(len(own), steps, -1))
        return np.concatenate(parts)

    def _mixed(self, taken: IntArray) -> View:
        """Rows put together: the row of the pool that each player's columns come from, (rows, players)."""
        numeric = self._numeric[taken[:, self._numbers], np.arange(len(self._numbers))]
        categorical = self._categorical[taken[:, self._categories], np.arange(len(self._categories))]
        return View(numeric, categorical, self._view.info, self._mixed_terms(taken))

    def _mixed_terms(self, taken: IntArray) -> SparseBlock | None:
        if self._view.sparse is None or self.background.sparse is None:
            return self._view.sparse
        from scipy.sparse import csr_matrix, hstack, vstack

        whole = vstack([as_csr(self._view.sparse), as_csr(self.background.sparse)], format="csc")
        ends = np.cumsum([0, *(text.levels for text in self._view.info.sparse)]).tolist()
        parts = [
            csr_matrix(whole[:, ends[place] : ends[place + 1]])[taken[:, owner]]
            for place, owner in enumerate(self._texts.tolist())
        ]
        return from_csr(csr_matrix(hstack(parts, format="csr")))
