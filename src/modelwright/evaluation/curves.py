"""How well probabilities put rows in order: ROC, precision and recall, cumulative gain and lift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, IntArray, Label, to_jsonable
from modelwright.evaluation.one_against_rest import OneAgainstRest, one_against_rest
from modelwright.evaluation.resampling import Resampling

__all__ = [
    "ClassCurves",
    "CurvePoint",
    "GainStep",
    "PrecisionRecallCurve",
    "RocCurve",
    "class_curves",
]

_MOST_POINTS = 200
_BAND = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""False positive rates, or recalls, at which curves get an interval."""

_TENTHS = tuple(step / 10 for step in range(1, 11))
_DIGITS = 6
_SHARES = (0.0, 1.0)


@dataclass(frozen=True)
class CurvePoint:
    """The height of a curve somewhere, with its 95% interval.

    Attributes
    ----------
    at : float
    value, low, high : float
    """

    at: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RocCurve:
    """True against false positive rates over all thresholds.

    Attributes
    ----------
    false_positive_rate, true_positive_rate : tuple of float
        Both ascend from 0 to 1; at most 200 points of the exact curve.
    thresholds : tuple of float
        Rows of at least this probability are flagged; infinite at the first point, where none is.
    area, low, high : float
        The exact area (of all points), which is the probability that a row of the class ranks above another
        one (Hanley and McNeil, 1982), and its 95% interval.
    band : tuple of CurvePoint
        True positive rates at some false positive rates (vertical averaging: Fawcett, "An introduction to ROC
        analysis", 2006).
    """

    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    thresholds: tuple[float, ...]
    area: float
    low: float
    high: float
    band: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Precision against recall over all thresholds.

    Attributes
    ----------
    recall, precision : tuple of float
        Recall ascends; at most 200 points of the exact curve, which is a staircase and not interpolated
        (Davis and Goadrich, "The relationship between precision-recall and ROC curves", 2006).
    thresholds : tuple of float
        Rows of at least this probability are flagged.
    average_precision, low, high : float
        The exact area under the staircase, and its 95% interval.
    base_rate : float
        Precision of flagging every row.
    band : tuple of CurvePoint
        Precisions at some recalls.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    thresholds: tuple[float, ...]
    average_precision: float
    low: float
    high: float
    base_rate: float
    band: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class GainStep:
    """What is found among the rows of the highest probabilities.

    Attributes
    ----------
    share : float
        Of all rows: 0.1 for the tenth with the highest probabilities.
    gain, low, high : float
        Share of the rows of the class that are among them, and its 95% interval. Rows of equal probability
        count in proportion.
    lift : float
        How many times as many as among rows picked blindly.
    rate : float
        Share of the class in this tenth alone.
    threshold : float
        Lowest probability among them.
    """

    share: float
    gain: float
    low: float
    high: float
    lift: float
    rate: float
    threshold: float


@dataclass(frozen=True)
class ClassCurves:
    """The curves of one class against all others.

    Attributes
    ----------
    label : label
    rows : int
        All rows.
    base_rate : float
        Share of the class, by weight.
    roc : RocCurve
    precision_recall : PrecisionRecallCurve
    gains : tuple of GainStep
        By tenths of the rows.
    """

    label: Label
    rows: int
    base_rate: float
    roc: RocCurve
    precision_recall: PrecisionRecallCurve
    gains: tuple[GainStep, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record; what is infinite or undefined becomes None."""
        record: dict[str, Any] = to_jsonable(asdict(self))
        return record


def class_curves(
    target: NDArray[Any],
    array: FloatArray,
    labels: Sequence[Label],
    *,
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
    resamples: int = 200,
) -> tuple[ClassCurves, ...]:
    """ROC, precision-recall and gain curves: of the positive class, or of each class against the rest.

    Parameters
    ----------
    target : array, shape (rows,) of class codes, or (rows, labels) of 0 and 1
    array : float64 array, shape (rows, classes) or (rows, labels)
        Probabilities.
    labels : sequence of labels
        The classes, or the names of the labels.
    weights, groups : array, shape (rows,), optional
        Row weights; groups whose rows depend on each other.
    seed : int
        Of the bootstrap.
    resamples : int
        Bootstrap resamples behind each interval.

    Returns
    -------
    tuple of ClassCurves
        One for two classes; of more at most 12, those with the most rows first. A class that no row, or every
        row, is of has none.

    Raises
    ------
    BadInput
        If the arrays do not fit each other.

    Examples
    --------
    >>> chance = np.array([0.1, 0.4, 0.35, 0.8])
    >>> target = np.array([0, 0, 1, 1])
    >>> [curves] = class_curves(target, np.column_stack([1 - chance, chance]), ["no", "yes"])
    >>> curves.roc.area, round(curves.precision_recall.average_precision, 3), curves.gains[4].gain
    (0.75, 0.833, 0.5)
    """
    asked = one_against_rest(target, array, labels)
    plan = Resampling.of(
        len(target), weights=weights, groups=groups, resamples=resamples, seed=seed, curves=len(asked)
    )
    weighed = [each for each in asked if 0 < plan.base[each.positive].sum() < plan.base.sum()]
    return tuple(_curves(each, plan) for each in weighed)


@dataclass(frozen=True)
class _Steps:
    """Rows in descending order of their scores, equal scores together."""

    order: IntArray
    starts: IntArray
    positive: FloatArray
    scores: FloatArray

    @classmethod
    def of(cls, positive: NDArray[np.bool_], scores: FloatArray) -> _Steps:
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        return cls(order, starts, positive[order].astype(np.float64), ordered[starts])

    def counted(self, weights: FloatArray) -> _Counted:
        """What stands above each distinct score, from nothing to all rows."""
        weight = weights[self.order]
        hits = np.add.reduceat(weight * self.positive, self.starts)
        both = np.add.reduceat(weight, self.starts)
        return _Counted(np.append(0.0, np.cumsum(hits)), np.append(0.0, np.cumsum(both)))


@dataclass(frozen=True)
class _Counted:
    """Weight of the class and of all rows among those flagged, for each threshold from the highest on."""

    hits: FloatArray
    flagged: FloatArray

    @property
    def is_defined(self) -> bool:
        return bool(0 < self.hits[-1] < self.flagged[-1])

    @property
    def recall(self) -> FloatArray:
        return np.asarray(self.hits / self.hits[-1])

    @property
    def false_rate(self) -> FloatArray:
        return np.asarray((self.flagged - self.hits) / (self.flagged[-1] - self.hits[-1]))

    @property
    def precision(self) -> FloatArray:
        """At each threshold that flags something; the first stands for the one before it."""
        found = np.divide(self.hits, self.flagged, out=np.zeros_like(self.hits), where=self.flagged > 0)
        found[0] = found[1]
        return found

    def heights(self) -> FloatArray:
        """Everything that gets an interval: area, average precision, three bands. NaN where undefined."""
        if not self.is_defined:
            return np.full(2 + 2 * len(_BAND) + len(_TENTHS), np.nan)
        recall, false_rate, precision = self.recall, self.false_rate, self.precision
        area = float(np.sum(np.diff(false_rate) * (recall[1:] + recall[:-1]) / 2))
        average = float(np.diff(recall) @ precision[1:])
        reached = np.minimum(np.searchsorted(recall, _BAND, side="left"), len(recall) - 1)
        roc = np.interp(_BAND, false_rate, recall)
        gains = np.interp(_TENTHS, self.flagged / self.flagged[-1], recall)
        return np.concatenate([[area, average], roc, precision[reached], gains])


def _curves(asked: OneAgainstRest, plan: Resampling) -> ClassCurves:
    """All curves of one class."""
    steps = _Steps.of(asked.positive, asked.scores)
    counted = steps.counted(plan.base)
    drawn = _Steps.of(asked.positive[plan.rows], asked.scores[plan.rows])
    centre = drawn.counted(plan.weights).heights()
    replicates = np.array([drawn.counted(draw).heights() for draw in plan.draws()])
    estimate = counted.heights()
    ends = [
        plan.interval(replicates[:, place], float(estimate[place]), float(centre[place]), _SHARES)
        for place in range(len(estimate))
    ]
    after = 2 + len(_BAND)
    return ClassCurves(
        label=asked.label,
        rows=len(asked.positive),
        base_rate=float(counted.hits[-1] / counted.flagged[-1]) if counted.flagged[-1] else float("nan"),
        roc=_roc(counted, steps.scores, estimate[:after], ends[:after]),
        precision_recall=_precision_recall(counted, steps.scores, estimate, ends),
        gains=_gains(counted, steps.scores, ends[after + len(_BAND) :]),
    )


def _roc(
    counted: _Counted, scores: FloatArray, estimate: FloatArray, ends: Sequence[tuple[float, float]]
) -> RocCurve:
    false_rate, recall = counted.false_rate, counted.recall
    kept = _thinned(false_rate + recall)
    return RocCurve(
        _rounded(false_rate[kept]),
        _rounded(recall[kept]),
        _rounded(np.append(np.inf, scores)[kept]),
        float(estimate[0]),
        *ends[0],
        _band(estimate[2:], ends[2:]),
    )


def _precision_recall(
    counted: _Counted, scores: FloatArray, estimate: FloatArray, ends: Sequence[tuple[float, float]]
) -> PrecisionRecallCurve:
    recall, precision = counted.recall[1:], counted.precision[1:]
    kept = _thinned(recall)
    place = slice(2 + len(_BAND), 2 + 2 * len(_BAND))
    return PrecisionRecallCurve(
        _rounded(recall[kept]),
        _rounded(precision[kept]),
        _rounded(scores[kept]),
        float(estimate[1]),
        *ends[1],
        float(precision[-1]),
        _band(estimate[place], ends[place]),
    )


def _gains(
    counted: _Counted, scores: FloatArray, ends: Sequence[tuple[float, float]]
) -> tuple[GainStep, ...]:
    flagged = counted.flagged / counted.flagged[-1]
    base = float(counted.hits[-1] / counted.flagged[-1])
    found, before = [], 0.0
    for share, (low, high) in zip(_TENTHS, ends, strict=True):
        gain = float(np.interp(share, flagged, counted.recall))
        last = min(int(np.searchsorted(flagged[1:], share - 1e-12)), len(scores) - 1)
        rate = min((gain - before) * base / _TENTHS[0], 1.0)
        found.append(GainStep(share, gain, low, high, gain / share, rate, float(scores[last])))
        before = gain
    return tuple(found)


def _band(values: FloatArray, ends: Sequence[tuple[float, float]]) -> tuple[CurvePoint, ...]:
    return tuple(
        CurvePoint(at, float(value), low, high)
        for at, value, (low, high) in zip(_BAND, values, ends, strict=True)
    )


def _thinned(path: FloatArray) -> IntArray:
    """Positions of at most 200 points, evenly spread along a path that never falls; both ends among them."""
    if len(path) <= _MOST_POINTS:
        return np.arange(len(path), dtype=np.int64)
    wanted = np.linspace(path[0], path[-1], _MOST_POINTS)
    kept = np.minimum(np.searchsorted(path, wanted), len(path) - 1)
    kept[0], kept[-1] = 0, len(path) - 1
    return np.unique(kept).astype(np.int64)


def _rounded(values: FloatArray) -> tuple[float, ...]:
    return tuple(round(float(value), _DIGITS) for value in values)
