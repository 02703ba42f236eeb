"""A threshold of its own for each group, so that rates of groups are equal at the least loss of the metric.

The constraint and the trade-off are those of Hardt, Price and Srebro ("Equality of opportunity in supervised
learning", 2016). Thresholds alone are used, never a lot drawn between two of them: equal rows of a group get
equal answers. So true and false positive rates come out nearly equal together only as far as thresholds
reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, IntArray, generator

__all__ = ["CONSTRAINTS", "crossed_decisions", "decide_by_group", "fit_group_thresholds"]

CONSTRAINTS = ("demographic_parity", "equal_opportunity", "equalized_odds")
"""Selection rates, true positive rates, or true and false positive rates are made equal."""

_FEWEST, _FEWEST_OF_CLASS = 50, 10
"""Rows of a group, and of each class in it, below which it keeps the model's own decisions."""

_CANDIDATES = 100
_SMALLEST, _WIDEST = 0.01, 0.03
"""Gaps of rates that count as none: one standard error of a rate, within these bounds. A smaller gap is
chance, and to insist on it would leave thresholds that decide for nearly nobody, or for nearly all: there
gaps are always small."""

_PARTS = 5

Loss = Callable[[NDArray[np.int64]], float]
"""What deciding so (0 or 1 for each row) costs; lower is better."""


@dataclass(frozen=True)
class _Curve:
    """What each candidate threshold does to a group.

    Attributes
    ----------
    thresholds : float64 array, shape (candidates,)
        Descending.
    points : float64 array, shape (candidates, rates)
    """

    thresholds: FloatArray
    points: FloatArray


def fit_group_thresholds(
    scores: FloatArray,
    truth: NDArray[Any],
    groups: IntArray,
    constraint: str,
    loss: Loss,
    weights: FloatArray | None = None,
) -> FloatArray:
    """Choose a threshold for each group.

    For each threshold of the largest group, each other group takes the one whose rates are nearest; of those
    that leave the least gap, as far as so many rows can tell (0.01 to 0.03), the least loss wins.

    Parameters
    ----------
    scores : float64 array, shape (rows,)
        Probability of the positive class, out of fold.
    truth : int64 array, shape (rows,)
        0 or 1.
    groups : int64 array, shape (rows,)
        Codes from 0.
    constraint : str
        One of `CONSTRAINTS`.
    loss : callable
        See `Loss`; of decisions on the rows in their order.
    weights : float64 array, shape (rows,), optional

    Returns
    -------
    float64 array, shape (groups,)
        The positive class is decided for above it. NaN for groups of fewer than 50 rows, or 10 of a class.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> groups, truth = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    >>> scores = np.clip(0.3 * truth + 0.2 * groups + rng.random(4000) * 0.5, 0, 1)
    >>> def loss(decided):
    ...     return float((decided != truth).mean())
    >>> found = fit_group_thresholds(scores, truth, groups, "demographic_parity", loss)
    >>> chosen = scores > found[groups]
    >>> bool(abs(chosen[groups == 0].mean() - chosen[groups == 1].mean()) < 0.02)
    True
    """
    count = int(groups.max()) + 1
    mass = np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64)
    rows = [np.flatnonzero(groups == code) for code in range(count)]
    able = [code for code in range(count) if _is_able(truth[rows[code]])]
    found = np.full(count, np.nan)
    if len(able) < 2:
        return found
    curves = {
        code: _curve(scores[rows[code]], truth[rows[code]], mass[rows[code]], constraint) for code in able
    }
    anchor = max(able, key=lambda code: float(mass[rows[code]].sum()))
    options = [_option(curves, anchor, place) for place in range(len(curves[anchor].thresholds))]
    gaps = np.array([gap for _, gap in options])
    inner = gaps[1:-1] if len(gaps) > 2 else gaps  # to decide for nobody, or for all, is always equal
    allowed = float(inner.min()) + _tolerance([truth[rows[code]] for code in able], constraint)
    best: FloatArray | None = None
    least = np.inf
    for places, gap in options:
        if gap > allowed:
            continue
        tried = np.full(count, np.nan)
        for code, place in places.items():
            tried[code] = curves[code].thresholds[place]
        lost = loss((scores > np.nan_to_num(tried, nan=0.5)[groups]).astype(np.int64))
        if best is None or lost < least:
            best, least = tried, lost
    return found if best is None else best


def _is_able(truth: NDArray[Any]) -> bool:
    """Whether a group has rows enough."""
    positive = int(truth.sum())
    return len(truth) >= _FEWEST and min(positive, len(truth) - positive) >= _FEWEST_OF_CLASS


def _tolerance(truths: Sequence[NDArray[Any]], constraint: str) -> float:
    """The standard error of a rate of one half of the group with the fewest rows for it, within bounds."""
    fewest = float("inf")
    for truth in truths:
        positive, everything = int(truth.sum()), len(truth)
        rows = {"demographic_parity": everything, "equal_opportunity": positive}
        fewest = min(fewest, rows.get(constraint, min(positive, everything - positive)))
    return float(np.clip(0.5 / np.sqrt(fewest), _SMALLEST, _WIDEST))


def _curve(scores: FloatArray, truth: NDArray[Any], mass: FloatArray, constraint: str) -> _Curve:
    """The rates of a group at each of at most a hundred thresholds, halfway between scores that occur."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)  # of each run of equal scores
    last = last[np.unique(np.linspace(0, len(last) - 1, _CANDIDATES).round().astype(np.int64))]
    below = np.append(ordered[last[:-1] + 1], ordered[-1] - 1.0)
    thresholds = np.append(ordered[0], (ordered[last] + below) / 2)

    def share(part: FloatArray) -> FloatArray:
        return np.append(0.0, np.cumsum(part[order])[last] / part.sum())

    positive = mass * (truth == 1)
    rates = {
        "demographic_parity": [mass],
        "equal_opportunity": [positive],
        "equalized_odds": [positive, mass - positive],
    }
    return _Curve(thresholds, np.column_stack([share(part) for part in rates[constraint]]))


def _option(curves: dict[int, _Curve], anchor: int, place: int) -> tuple[dict[int, int], float]:
    """The nearest points of the other groups to one of the largest group, and the gap that is left."""
    point = curves[anchor].points[place]
    places = {
        code: place if code == anchor else int(np.abs(curve.points - point).max(axis=1).argmin())
        for code, curve in curves.items()
    }
    points = np.array([curves[code].points[at] for code, at in places.items()])
    return places, float((points.max(axis=0) - points.min(axis=0)).max())


def decide_by_group(
    scores: FloatArray, groups: IntArray, thresholds: FloatArray, otherwise: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The class of each row by the threshold of its group.

    Parameters
    ----------
    scores : float64 array, shape (rows,)
    groups : int64 array, shape (rows,)
        -1 for a group that has no threshold.
    thresholds : float64 array, shape (groups,)
        As `fit_group_thresholds` gives them.
    otherwise : int64 array, shape (rows,)
        What is decided in groups without one.

    Examples
    --------
    >>> scores, groups, otherwise = np.full(3, 0.4), np.array([0, 1, -1]), np.ones(3, np.int64)
    >>> decide_by_group(scores, groups, np.array([0.3, 0.5]), otherwise)
    array([1, 0, 1])
    """
    known = (groups >= 0) & (groups < len(thresholds))
    own = np.append(thresholds, np.nan)[np.where(known, groups, len(thresholds))]
    return np.where(np.isnan(own), otherwise, scores > own).astype(np.int64)


def crossed_decisions(
    fit: Callable[[NDArray[Any]], FloatArray],
    scores: FloatArray,
    groups: IntArray,
    otherwise: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Decisions by thresholds that were fitted on other rows than those that they decide.

    Parameters
    ----------
    fit : callable
        Thresholds of given rows.
    scores, groups, otherwise
        As for `decide_by_group`.
    """
    found = np.array(otherwise, np.int64)
    parts: Sequence[NDArray[Any]] = np.array_split(
        generator(0, "group thresholds").permutation(len(scores)), _PARTS
    )
    for part in parts:
        others = np.setdiff1d(np.arange(len(scores)), part)
        found[part] = decide_by_group(scores[part], groups[part], fit(others), otherwise[part])
    return found
