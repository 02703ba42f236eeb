"""What to decide for, given probabilities: thresholds and utilities that a metric of decisions is best at.

The most probable class is the best decision for accuracy alone. For F scores of a rare class it is blind,
and where errors have costs it is expensive. A `utility` (see `core.Predictions`) says what each decision is
worth. Three are compared on out-of-fold rows, from the simplest on:

- the most probable class;
- the metric's own linear approximation: the change of the score with each cell of the confusion matrix.
  For costs it is the costs themselves, whose least expected value is the best decision (Elkan, "The
  foundations of cost-sensitive learning", 2001); for F1 it is the threshold of half the F1 that can be
  reached (Lipton, Elkan and Naryanaswamy, 2014); in general Narasimhan, Ramaswamy, Saha and Agarwal,
  "Consistent multiclass algorithms based on the plug-in estimator" (ICML 2015);
- what a search over thresholds, or over weights of the classes, finds. It trusts no probability.

Each must beat the one before on halves of the rows that it was not fitted on, by more than one standard
error; else its gain is luck.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Predictions, Problem, generator
from modelwright.ensemble.label_thresholds import fit_thresholds, quick_thresholds
from modelwright.ensemble.proof import is_proven
from modelwright.metrics import Metric, cost_matrix, problem_metric

__all__ = ["decided_error", "fit_decision", "quick_decision", "quickly_decided"]

_CELLS = 400_000
"""Rows x classes that are looked at: a threshold is not better known by more."""

_REPEATS = 5
_FEWEST = 8
"""Rows of a class below which halves tell nothing about it, and the third way is not tried."""

_QUANTILES = 32
_MULTIPLIERS = np.exp(np.linspace(-1.2, 1.2, 13))
_MOST_CLASSES = 30
_STEP = 1e-7
_TURNS = 6


@dataclass(frozen=True)
class _Rows:
    """Out-of-fold rows of a metric of decisions."""

    metric: Metric
    codes: NDArray[np.int64]
    array: FloatArray
    weights: FloatArray | None

    @property
    def classes(self) -> int:
        return int(self.array.shape[1])

    def take(self, rows: NDArray[Any] | slice) -> _Rows:
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, codes=self.codes[rows], array=self.array[rows], weights=weights)

    def gain(self, utility: FloatArray | None, other: FloatArray | None) -> float:
        """By how much the first utility scores better than the second."""
        return self.better(utility) - self.better(other)

    def better(self, utility: FloatArray | None) -> float:
        """The score, higher for better."""
        score, _ = self.metric.try_score(self.codes, Predictions(self.array, utility), self.weights)
        return score if self.metric.greater_is_better else -score

    def better_of(self, confusions: FloatArray) -> FloatArray:
        """Scores of confusion matrices, higher for better."""
        if self.metric.confusion is None:
            raise ValueError(f"The metric {self.metric.name!r} is no function of a confusion matrix.")
        scores = np.asarray(self.metric.confusion(np.asarray(confusions, dtype=np.float64)))
        return scores if self.metric.greater_is_better else -scores

    def confusion(self, utility: FloatArray | None) -> FloatArray:
        """Weight of the rows by true class (row) and class decided for (column)."""
        return self.counted(Predictions(self.array, utility).codes)

    def counted(self, decided: NDArray[np.int64]) -> FloatArray:
        """The confusion matrix of some decisions."""
        counts = np.bincount(self.codes * self.classes + decided, self.weights, minlength=self.classes**2)
        return np.asarray(counts.reshape(self.classes, self.classes), dtype=np.float64)


def quick_decision(
    metric: Metric,
    target: NDArray[Any],
    array: FloatArray,
    weights: FloatArray | None = None,
    problem: Problem | None = None,
) -> FloatArray | None:
    """A utility at which predictions score well, found in a few passes over the rows.

    Models are compared at it: at a threshold of 0.5 an F score of a rare class tells nothing.

    Parameters
    ----------
    metric, target, array, weights, problem
        As for `fit_decision`.

    Returns
    -------
    float64 array or None
        None where the metric looks at no decisions, or is a caller's own function of several classes.
    """
    if metric.needs == "labels" and not metric.tuned and problem is not None and problem.costs:
        return _scaled(-cost_matrix(problem))
    if metric.needs != "labels" or not metric.tuned:
        return None
    if np.ndim(target) == 2:
        return quick_thresholds(metric, np.asarray(target), array, weights)
    if not len(target):
        return None
    rows = _Rows(metric, np.asarray(target, np.int64), np.asarray(array, np.float64), weights)
    if rows.classes > 2:
        return _linear(rows)[0]
    if _is_plain(rows):
        return None
    threshold = _scan(rows, _candidates(rows, 8 if metric.costly else _QUANTILES))
    return None if threshold is None else _at(threshold)


def quickly_decided(
    metric: Metric,
    target: NDArray[Any],
    array: NDArray[np.floating],
    weights: FloatArray | None = None,
    problem: Problem | None = None,
) -> Predictions:
    """Predictions with the decisions of `quick_decision`, whose parameters these are."""
    exact: FloatArray = np.asarray(array, dtype=np.float64)
    return Predictions(exact, quick_decision(metric, target, exact, weights, problem))


def decided_error(
    metric: Metric,
    target: NDArray[Any],
    array: NDArray[np.floating],
    weights: FloatArray | None = None,
    problem: Problem | None = None,
) -> float:
    """The error of predictions at the decisions of `quick_decision`: what models are compared by.

    Infinite where the metric fails or is not finite, so that such a model is never the best.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> from modelwright.metrics import get_metric
    >>> rare = np.array([0.1, 0.2, 0.3, 0.4])
    >>> decided_error(
    ...     get_metric("f1", Task.BINARY), np.array([0, 0, 1, 1]), np.column_stack([1 - rare, rare])
    ... )
    0.0
    """
    predictions = quickly_decided(metric, target, array, weights, problem)
    error = metric.error_of(metric.try_score(target, predictions, weights)[0])
    return float(error) if np.isfinite(error) else float("inf")


def fit_decision(
    metric: Metric,
    target: NDArray[Any],
    array: FloatArray,
    weights: FloatArray | None = None,
    *,
    problem: Problem | None = None,
    seed: int = 0,
) -> FloatArray | None:
    """The utility that a final model should decide by, or None for the most probable class.

    Parameters
    ----------
    metric : Metric
        What is optimised. Nothing but costs is decided by where it is not `tuned`.
    target : int64 array, shape (rows,), or (rows, labels) of a multilabel task
        Class codes, or 0 and 1.
    array : float64 array, shape (rows, classes) or (rows, labels)
        Out-of-fold probabilities, calibrated if they will be.
    weights : float64 array, shape (rows,), optional
        Row weights.
    problem : Problem, optional
        If it tells what errors cost, decisions are made for the least cost.
    seed : int, default 0
        Of the halves. Equal arguments give equal answers.

    Returns
    -------
    float64 array or None
        Shape ``(classes, classes)``, for two classes ``diag(threshold, 1 - threshold)``; or a threshold
        for each label, shape ``(labels,)``.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> from modelwright.metrics import get_metric
    >>> random = np.random.default_rng(0)
    >>> chance = random.beta(0.5, 6.0, 4000)  # seldom above a half
    >>> codes = (random.uniform(size=4000) < chance).astype(np.int64)
    >>> array = np.column_stack([1 - chance, chance])
    >>> utility = fit_decision(get_metric("f1", Task.BINARY), codes, array)
    >>> bool(0.1 < utility[0, 0] < 0.3)
    True
    >>> fit_decision(get_metric("accuracy", Task.BINARY), codes, array) is None
    True
    """
    if problem is not None and problem.costs and problem.task.is_classification:
        if not metric.tuned:
            return _scaled(-cost_matrix(problem))
        metric = problem_metric(problem, "cost")
    if metric.needs != "labels" or not metric.tuned or not len(target):
        return None
    if np.ndim(target) == 2:
        return fit_thresholds(metric, np.asarray(target), array, weights, seed)
    rows = _Rows(metric, np.asarray(target, np.int64), np.asarray(array, np.float64), weights)
    rows = rows.take(slice(None, None, max(1, -(-rows.array.size // _CELLS))))
    linear, is_exact = _linear(rows)
    order = [linear, None] if is_exact else [None, linear]
    halves = _halves(rows, seed)
    chosen = order[0]
    if linear is not None and is_proven([half.gain(order[1], chosen) for pair in halves for half in pair]):
        chosen = order[1]
    if halves:
        found = [[_searched(half, linear) for half in pair] for pair in halves]
        gains = [
            pair[1 - side].gain(found[turn][side], chosen)
            for turn, pair in enumerate(halves)
            for side in (0, 1)
        ]
        searched = _middle([each for pair in found for each in pair])
        if is_proven(gains) and rows.gain(searched, chosen) > 0:
            chosen = searched
    return _told(rows, chosen)


def _halves(rows: _Rows, seed: int) -> list[tuple[_Rows, _Rows]]:
    """Random halves with equal shares of each class; none where a class is too rare."""
    sizes = np.bincount(rows.codes, minlength=rows.classes)
    if not len(rows.codes) or sizes[sizes > 0].min() < _FEWEST:
        return []
    random = generator(seed, "decision")
    pairs: list[tuple[_Rows, _Rows]] = []
    for _ in range(2 if rows.metric.costly else _REPEATS):
        # Neighbours in the order of classes, ties broken at random, go to different halves.
        order = np.lexsort((random.random(len(rows.codes)), rows.codes))
        pairs.append((rows.take(np.sort(order[::2])), rows.take(np.sort(order[1::2]))))
    return pairs


def _at(threshold: float) -> FloatArray:
    return np.diag([threshold, 1.0 - threshold])


def _told(rows: _Rows, utility: FloatArray | None) -> FloatArray | None:
    """A utility in its plainest form; None if it decides for the most probable class, or for one alone."""
    if utility is None:
        return None
    one_sided = len(np.unique(Predictions(rows.array, utility).codes)) < 2
    if np.allclose(_scaled(utility), np.eye(rows.classes)) or (one_sided and rows.metric.name != "cost"):
        return None
    return _at(_threshold(utility)) if rows.classes == 2 else _scaled(utility)


def _threshold(utility: FloatArray) -> float:
    """The probability of the second class from which on it is decided for."""
    first, second = utility[0, 0] - utility[0, 1], utility[1, 1] - utility[1, 0]
    if first <= 0 or second <= 0:  # one decision is better whatever is true
        return 0.0 if first <= 0 else 1.0
    return float(first / (first + second))


def _scaled(utility: FloatArray) -> FloatArray:
    """The same decisions from numbers between 0 and 1."""
    lowest = utility.min(axis=1, keepdims=True)
    shifted: FloatArray = utility - lowest
    highest = float(shifted.max())
    return shifted / highest if highest > 0 else np.eye(len(utility))


def _slopes(rows: _Rows, confusion: FloatArray) -> FloatArray:
    """How much better the score becomes with each cell of the confusion matrix, as a utility."""
    shares = confusion / confusion.sum()
    cells = _STEP * np.eye(rows.classes**2).reshape(-1, rows.classes, rows.classes)
    change = rows.better_of(shares + cells) - rows.better_of(shares[None])
    slope: FloatArray = np.nan_to_num(change).reshape(rows.classes, rows.classes)
    absent = confusion.sum(axis=1) <= 0
    slope[absent] = 0.0  # its probability stands for nothing that the score could tell
    slope[:, absent] = slope[:, ~absent].min(axis=1, keepdims=True)
    return _scaled(slope)


def _is_plain(rows: _Rows) -> bool:
    """Whether the most probable class is the best decision by nature, as for accuracy."""
    if rows.metric.confusion is None:
        return False
    confusion = rows.confusion(None)
    return bool(
        confusion.sum() > 0 and np.allclose(_slopes(rows, confusion), np.eye(rows.classes), atol=1e-3)
    )


def _linear(rows: _Rows) -> tuple[FloatArray | None, bool]:
    """The metric's linear approximation at the best decisions it leads to, and whether it is exact.

    It is exact for costs and for means of recalls, whatever is decided.
    """
    if rows.metric.confusion is None or rows.classes > 4 * _MOST_CLASSES:
        return None, False
    confusion = rows.confusion(None)
    if not confusion.sum() > 0:
        return None, False
    best: FloatArray | None = None
    highest, current = float(rows.better_of(confusion)), np.eye(rows.classes)
    for turn in range(_TURNS):
        following = _slopes(rows, confusion)
        if np.allclose(following, current, atol=1e-3):
            return (None, True) if turn == 0 else (current, True) if turn == 1 else (best, False)
        current, confusion = following, rows.confusion(following)
        score = float(rows.better_of(confusion))
        if score > highest:
            best, highest = current, score
    return best, False


def _searched(rows: _Rows, start: FloatArray | None) -> FloatArray | None:
    if rows.classes == 2:
        threshold = _scan(rows, _candidates(rows, 12 if rows.metric.costly else None))
        return None if threshold is None else _at(threshold)
    if rows.metric.confusion is None or rows.classes > _MOST_CLASSES:
        return None
    return _ascent(rows, np.eye(rows.classes) if start is None else start)


def _candidates(rows: _Rows, count: int | None) -> FloatArray:
    """Thresholds between probabilities that occur: all, or quantiles of all rows and of the positive ones."""
    scores = rows.array[:, 1]
    if count is None:
        distinct = np.unique(scores)
    else:
        levels = np.linspace(0, 1, count)
        parts = [scores, scores[rows.codes == 1]]
        distinct = np.unique(np.concatenate([np.quantile(part, levels) for part in parts if len(part)]))
    between = (distinct[1:] + distinct[:-1]) / 2
    return between[(between > 0) & (between < 1)]


def _scan(rows: _Rows, thresholds: FloatArray) -> float | None:
    """The best of ascending thresholds: the middle of the widest stretch where no other is better."""
    thresholds = np.unique(np.append(thresholds, 0.5))
    if rows.metric.confusion is None:
        better = np.array([rows.better(_at(threshold)) for threshold in thresholds])
    else:
        below = np.searchsorted(thresholds, rows.array[:, 1], side="left")  # thresholds that a row exceeds
        cells = below + rows.codes * (len(thresholds) + 1)
        mass = np.bincount(cells, rows.weights, minlength=2 * (len(thresholds) + 1))
        upto = np.cumsum(mass.reshape(2, -1), axis=1)
        refused = upto[:, :-1]
        confusions = np.stack([refused, upto[:, -1:] - refused], axis=-1).transpose(1, 0, 2)
        if not upto[:, -1].sum() > 0:
            return None
        better = rows.better_of(confusions)
    if not np.isfinite(better).any():
        return None
    better = _calm(better)
    best = np.flatnonzero(better >= np.nanmax(better) - 1e-12)
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    widest = max(runs, key=lambda run: (thresholds[run[-1]] - thresholds[run[0]], len(run)))
    return float(thresholds[widest[len(widest) // 2]])


def _calm(scores: FloatArray) -> FloatArray:
    """Means over neighbouring thresholds: the highest peak of a few rows is luck."""
    reach = min(len(scores) // 16, 200)
    if not reach:
        return scores
    padded = np.pad(np.nan_to_num(scores, nan=float(np.nanmin(scores))), reach, mode="edge")
    sums = np.cumsum(np.append(0.0, padded))
    means: FloatArray = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
    return means


def _ascent(rows: _Rows, utility: FloatArray) -> FloatArray:
    """Weights of the classes, changed one at a time while the score gets better."""
    base = _scaled(utility)
    for _ in range(2):
        before = base
        for column in range(rows.classes):
            worth = rows.array @ base
            own = worth[:, column].copy()
            worth[:, column] = -np.inf
            other = worth.argmax(axis=1)
            rival = worth[np.arange(len(other)), other]
            confusions = [
                rows.counted(np.where(own * multiplier > rival, column, other)) for multiplier in _MULTIPLIERS
            ]
            scores = rows.better_of(np.stack(confusions))
            chosen = int(np.nanargmax(scores))
            if scores[chosen] > scores[len(_MULTIPLIERS) // 2] + 1e-12:
                base = base.copy()
                base[:, column] *= _MULTIPLIERS[chosen]
        if base is before:
            break
    return base


def _middle(found: list[FloatArray | None]) -> FloatArray | None:
    """What halves found, taken together: their mean decides more calmly than any of them."""
    known = [_scaled(each) for each in found if each is not None]
    if len(known) < len(found):
        return None
    if len(known[0]) == 2:
        return _at(float(np.median([_threshold(each) for each in known])))
    mean: FloatArray = np.mean(known, axis=0)
    return mean
