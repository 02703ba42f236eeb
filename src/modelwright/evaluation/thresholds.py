"""From which probability on to act: rates at every threshold, what each is worth, and which one is best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, IntArray, Label, OptionError, to_jsonable
from modelwright.evaluation.resampling import LEVEL, Resampling

__all__ = [
    "CellValues",
    "ThresholdPoint",
    "ThresholdReference",
    "ThresholdTable",
    "WrongValue",
    "decision_threshold",
    "threshold_table",
]

Objective = Literal["f1", "youden", "value"]
"""What is best at the recommended threshold."""

_NAMES = {"f1": "F1", "youden": "true minus false positive rate", "value": "value of a row"}
_MOST_CUTS, _MOST_POINTS = 1_000, 200
_FACTORS = (0.5, 2.0)
CELLS = ("true_positive", "false_positive", "false_negative", "true_negative")


@dataclass(frozen=True)
class CellValues:
    """What each outcome of a decision is worth: a gain above 0, a cost below.

    Attributes
    ----------
    true_positive, false_positive : float or float array, shape (rows,)
        Flagged rows that are of the class, and that are not. One number for all rows, or one for each (the
        amount that is at stake).
    false_negative, true_negative : float or float array, shape (rows,)
        Rows that are not flagged though they are of the class, and rightly so.

    Examples
    --------
    >>> CellValues(true_positive=50.0, false_positive=-10.0).best_threshold
    0.16666666666666666
    """

    true_positive: float | FloatArray = 0.0
    false_positive: float | FloatArray = 0.0
    false_negative: float | FloatArray = 0.0
    true_negative: float | FloatArray = 0.0

    @property
    def best_threshold(self) -> float | None:
        """The best threshold of probabilities that mean what they say (Elkan, "The foundations of
        cost-sensitive learning", 2001); None where values differ from row to row, or flagging never pays.
        """
        if any(np.ndim(getattr(self, cell)) for cell in CELLS):
            return None
        spared = float(self.true_negative) - float(self.false_positive)
        won = float(self.true_positive) - float(self.false_negative)
        return spared / (spared + won) if spared >= 0 and won > 0 else None

    def check(self, rows: int) -> None:
        """Refuse values that are not finite, or not one for each row.

        Raises
        ------
        OptionError
        """
        for cell in CELLS:
            given = np.asarray(getattr(self, cell), dtype=np.float64)
            if given.ndim and given.shape != (rows,):
                raise OptionError(
                    f"The value of a {_words(cell)} must be one number, or one for each of {rows} rows, but "
                    f"came with the shape {given.shape}."
                )
            if not np.isfinite(given).all():
                raise OptionError(
                    f"The value of a {_words(cell)} must be a finite number, but "
                    f"{int((~np.isfinite(given)).sum())} "
                    "are missing or infinite. Fill them, with 0 where nothing is at stake."
                )

    def of_rows(self, positive: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        """What each row is worth if it is flagged, and if it is not."""
        flagged = np.where(positive, self.true_positive, self.false_positive)
        left = np.where(positive, self.false_negative, self.true_negative)
        return flagged.astype(np.float64), left.astype(np.float64)


@dataclass(frozen=True)
class ThresholdPoint:
    """What follows from one threshold.

    Attributes
    ----------
    threshold : float
        Rows of at least this probability are flagged.
    flagged : float
        Share of all rows that are.
    precision, recall, f1, false_positive_rate : float
        Precision is 1 where nothing is flagged.
    value : float or None
        Mean value of a row; None where nobody said what outcomes are worth.
    """

    threshold: float
    flagged: float
    precision: float
    recall: float
    f1: float
    false_positive_rate: float
    value: float | None


@dataclass(frozen=True)
class ThresholdReference:
    """Another threshold, beside the recommended one on the same rows.

    Attributes
    ----------
    name : str
    point : ThresholdPoint
    better_by, low, high : float
        How much better the recommended one is, in the objective, and the 95% interval.
    """

    name: str
    point: ThresholdPoint
    better_by: float
    low: float
    high: float


@dataclass(frozen=True)
class WrongValue:
    """What it would mean if one value had been told wrongly.

    Attributes
    ----------
    cell : str
        ``"true_positive"``, ``"false_positive"``, ``"false_negative"`` or ``"true_negative"``.
    factor : float
        What its true value is, as a multiple of what was told.
    threshold : float
        Best threshold then.
    lost : float
        Mean value of a row that is lost by keeping the recommended threshold.
    """

    cell: str
    factor: float
    threshold: float
    lost: float


@dataclass(frozen=True)
class ThresholdTable:
    """Every threshold of one class, and the best.

    Attributes
    ----------
    label : label
        The class that is flagged.
    objective : str
        ``"value"``, ``"f1"`` or ``"youden"`` (true minus false positive rate: Youden, 1950).
    rows : int
    points : tuple of ThresholdPoint
        From high to low thresholds; at most 200.
    recommended : ThresholdPoint
        The best threshold on these rows.
    low, high : float
        95% interval of the best threshold (bootstrap): within it the rows cannot tell which is best.
    best, best_low, best_high : float
        The objective at the recommended threshold and its 95% interval. The threshold was chosen on the same
        rows, which flatters a little.
    theoretical : float or None
        The best threshold if probabilities mean what they say; see `CellValues.best_threshold`.
    references : tuple of ThresholdReference
    wrong_values : tuple of WrongValue
        What each value at half and at twice its size would change.
    """

    label: Label
    objective: str
    rows: int
    points: tuple[ThresholdPoint, ...]
    recommended: ThresholdPoint
    low: float
    high: float
    best: float
    best_low: float
    best_high: float
    theoretical: float | None
    references: tuple[ThresholdReference, ...]
    wrong_values: tuple[WrongValue, ...]

    @property
    def sentence(self) -> str:
        """What to do, in words."""
        point = self.recommended
        name = _NAMES[self.objective].capitalize()
        best = f"{name}: {self.best:.4g} ({self.best_low:.4g} to {self.best_high:.4g})."
        if point.flagged <= 0 or point.flagged >= 1:
            whom = "Flag no row" if point.flagged <= 0 else "Flag every row"
            found = f"{whom} as {self.label!r}: no threshold in between is better. {best}"
        else:
            found = (
                f"Flag rows of {self.label!r} from a probability of {point.threshold:.3g} on "
                f"({self.low:.3g} to {self.high:.3g} may be as good): {point.flagged:.1%} of the rows are "
                f"flagged, {point.recall:.1%} of {self.label!r} are found, and {point.precision:.1%} of the "
                f"flagged are right. {best}"
            )
        dearest = max(self.wrong_values, key=lambda each: each.lost, default=None)
        if dearest is not None and dearest.lost > 0:
            found += (
                f" If a {_words(dearest.cell)} counted {'twice' if dearest.factor > 1 else 'half'} as much, "
                f"{dearest.threshold:.3g} would be best, and this threshold would lose "
                f"{dearest.lost:.3g} a row."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the sentence."""
        record: dict[str, Any] = to_jsonable({**asdict(self), "sentence": self.sentence})
        return record


def decision_threshold(utility: NDArray[Any] | None) -> float | None:
    """The probability of the second class from which on it is decided for; see `core.Predictions`.

    Returns
    -------
    float or None
        None where no threshold says the same.

    Examples
    --------
    >>> decision_threshold(None), decision_threshold(np.diag([0.2, 0.8]))
    (0.5, 0.2)
    """
    if utility is None:
        return 0.5
    worth = np.asarray(utility, dtype=np.float64)
    spared, won = float(worth[0, 0] - worth[0, 1]), float(worth[1, 1] - worth[1, 0])
    return spared / (spared + won) if spared >= 0 and won > 0 else None


def threshold_table(
    positive: NDArray[Any],
    scores: FloatArray,
    label: Label,
    *,
    values: CellValues | None = None,
    objective: Objective | None = None,
    references: Mapping[str, float] | None = None,
    plan: Resampling | None = None,
) -> ThresholdTable:
    """What each threshold of a probability leads to, and which one is best.

    Parameters
    ----------
    positive : bool array, shape (rows,)
        Rows of the class.
    scores : float64 array, shape (rows,)
        Their probabilities of being of it.
    label : label
        The class.
    values : CellValues, optional
        What outcomes are worth.
    objective : {"value", "f1", "youden"}, optional
        What the recommended threshold is best at. Default: the value if there is one, else F1.
    references : mapping of str to float, optional
        Names and thresholds to compare with.
    plan : Resampling, optional
        Row weights, groups and resamples of the intervals; by default 200 of equal rows.

    Raises
    ------
    BadInput
        If there is not one probability for each row.
    OptionError
        If the objective is the value, but there is none, or values are not one for each row.

    Examples
    --------
    >>> positive = np.array([True, True, False, False])
    >>> scores = np.array([0.9, 0.6, 0.4, 0.1])
    >>> table = threshold_table(positive, scores, "yes", values=CellValues(50.0, -10.0))
    >>> table.recommended.threshold, table.recommended.value
    (0.5, 25.0)
    """
    positive, scores = np.asarray(positive, dtype=np.bool_), np.asarray(scores, dtype=np.float64)
    if positive.shape != scores.shape or positive.ndim != 1 or not len(positive):
        raise BadInput(
            f"Thresholds need one probability for each row, but came as {scores.shape} for {positive.shape}."
        )
    goal = objective or ("f1" if values is None else "value")
    if goal not in _NAMES or (goal == "value" and values is None):
        raise OptionError(
            "A threshold is best at 'f1', 'youden', or, with the value of each outcome, at 'value', but "
            f"{goal!r} was asked for. Say what outcomes are worth, or choose another one."
        )
    if values is not None:
        values.check(len(positive))
    known = Resampling.of(len(positive)) if plan is None else plan
    named = dict(references or {})
    cuts = _Cuts.of(scores, tuple(named.values()))
    rated = _rated(cuts, positive, values, known.base)
    best = int(np.argmax(rated.objective(goal)))
    spread = _Spread.of(cuts.take(known.rows), positive[known.rows], _rows(values, known.rows), known, goal)
    ends = spread.interval(rated, best)
    return ThresholdTable(
        label=label,
        objective=goal,
        rows=len(positive),
        points=tuple(rated.point(at) for at in _thinned(rated.flagged)),
        recommended=rated.point(best),
        low=spread.low,
        high=spread.high,
        best=float(rated.objective(goal)[best]),
        best_low=ends[0],
        best_high=ends[1],
        theoretical=None if values is None else values.best_threshold,
        references=tuple(
            _reference(name, cuts.place(threshold), rated, best, spread) for name, threshold in named.items()
        ),
        wrong_values=() if values is None or goal != "value" else _wrong(cuts, positive, values, known, best),
    )


@dataclass(frozen=True)
class _Cuts:
    """Thresholds from high to low, and the first of them that flags each row."""

    thresholds: FloatArray
    places: IntArray

    @classmethod
    def of(cls, scores: FloatArray, extra: tuple[float, ...]) -> _Cuts:
        """One between any two different scores (evenly thinned if they are many), and one beyond each end."""
        ordered = np.sort(scores)
        if len(ordered) > _MOST_CUTS:
            ordered = ordered[np.linspace(0, len(ordered) - 1, _MOST_CUTS).round().astype(np.int64)]
        distinct = np.unique(ordered)
        # Above 1 where a row is certain: nothing is flagged there.
        last = (distinct[-1] + 1) / 2 if distinct[-1] < 1 else float(np.nextafter(distinct[-1], np.inf))
        middles = (distinct[1:] + distinct[:-1]) / 2
        thresholds = np.unique(np.concatenate([[min(0.0, distinct[0])], middles, [last], extra]))[::-1]
        return cls(thresholds, np.searchsorted(-thresholds, -scores, side="left").astype(np.int64))

    def place(self, threshold: float) -> int:
        """Position of a threshold that is among them."""
        return int(np.argmin(np.abs(self.thresholds - threshold)))

    def take(self, rows: IntArray) -> _Cuts:
        """The same thresholds over some of the rows."""
        return _Cuts(self.thresholds, self.places[rows])

    def summed(self, amounts: FloatArray) -> FloatArray:
        """Sum of an amount over the rows that each threshold flags."""
        return np.cumsum(np.bincount(self.places, amounts, minlength=len(self.thresholds)))


@dataclass(frozen=True)
class _Rated:
    """Every threshold rated under some row weights."""

    thresholds: FloatArray
    hits: FloatArray
    flagged: FloatArray
    positives: float
    total: float
    value: FloatArray | None

    def objective(self, name: str) -> FloatArray:
        """What is to be as high as can be; NaN where the weights leave it undefined."""
        if name == "value" and self.value is not None:
            return self.value
        negatives = self.total - self.positives
        if self.positives <= 0 or negatives <= 0:
            return np.full(len(self.thresholds), np.nan)
        if name == "f1":
            return np.asarray(2 * self.hits / (self.positives + self.flagged))
        return np.asarray(self.hits / self.positives - (self.flagged - self.hits) / negatives)

    def point(self, at: int) -> ThresholdPoint:
        """One threshold for people."""
        hits, flagged = float(self.hits[at]), float(self.flagged[at])
        negatives = self.total - self.positives
        return ThresholdPoint(
            threshold=_shown(self.thresholds[at]),
            flagged=flagged / self.total,
            precision=hits / flagged if flagged > 0 else 1.0,
            recall=hits / self.positives if self.positives > 0 else 0.0,
            f1=2 * hits / (self.positives + flagged) if self.positives + flagged > 0 else 0.0,
            false_positive_rate=(flagged - hits) / negatives if negatives > 0 else 0.0,
            value=None if self.value is None else float(self.value[at]),
        )


def _rated(
    cuts: _Cuts, positive: NDArray[np.bool_], values: CellValues | None, weights: FloatArray
) -> _Rated:
    total = max(float(weights.sum()), 1e-300)
    value = None
    if values is not None:
        flagged, left = values.of_rows(positive)
        value = (float(weights @ left) + cuts.summed(weights * (flagged - left))) / total
    hits = cuts.summed(weights * positive)
    return _Rated(cuts.thresholds, hits, cuts.summed(weights), float(weights @ positive), total, value)


@dataclass(frozen=True)
class _Spread:
    """The objective of every threshold in each resample."""

    plan: Resampling
    centre: FloatArray
    objectives: FloatArray
    goal: str
    low: float
    high: float

    @classmethod
    def of(
        cls, cuts: _Cuts, positive: NDArray[np.bool_], values: CellValues | None, plan: Resampling, goal: str
    ) -> _Spread:
        centre = _rated(cuts, positive, values, plan.weights).objective(goal)
        found = np.array([_rated(cuts, positive, values, draw).objective(goal) for draw in plan.draws()])
        defined = found[np.isfinite(found).all(axis=1)]
        if not len(defined):
            return cls(plan, centre, found, goal, float("nan"), float("nan"))
        best = cuts.thresholds[np.argmax(defined, axis=1)]
        low, high = np.quantile(best, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return cls(plan, centre, found, goal, float(low), float(high))

    def interval(self, rated: _Rated, at: int, other: int | None = None) -> tuple[float, float]:
        """Of the objective at a threshold, or of how much better it is than at another."""
        whole = rated.objective(self.goal)
        if other is None:
            return self.plan.interval(self.objectives[:, at], float(whole[at]), float(self.centre[at]))
        return self.plan.interval(
            self.objectives[:, at] - self.objectives[:, other],
            float(whole[at] - whole[other]),
            float(self.centre[at] - self.centre[other]),
        )


def _reference(name: str, at: int, rated: _Rated, best: int, spread: _Spread) -> ThresholdReference:
    """Another threshold beside the best one."""
    whole = rated.objective(spread.goal)
    return ThresholdReference(
        name, rated.point(at), float(whole[best] - whole[at]), *spread.interval(rated, best, at)
    )


def _rows(values: CellValues | None, rows: IntArray) -> CellValues | None:
    """The values of some rows."""
    if values is None:
        return None
    each = {cell: getattr(values, cell) for cell in CELLS}
    return replace(values, **{cell: given[rows] for cell, given in each.items() if np.ndim(given)})


def _wrong(
    cuts: _Cuts, positive: NDArray[np.bool_], values: CellValues, plan: Resampling, best: int
) -> tuple[WrongValue, ...]:
    """What one value at half and at twice its size would change, where it is not 0."""
    found = []
    for cell in CELLS:
        given = np.asarray(getattr(values, cell), dtype=np.float64)
        if not given.any():
            continue
        for factor in _FACTORS:
            told = replace(values, **{cell: given * factor})
            changed = _rated(cuts, positive, told, plan.base).objective("value")
            other = int(np.argmax(changed))
            lost = float(changed[other] - changed[best])
            found.append(WrongValue(cell, factor, _shown(cuts.thresholds[other]), lost))
    return tuple(found)


def _thinned(flagged: FloatArray) -> list[int]:
    """Positions of at most 200 thresholds, evenly spread over the share of rows that they flag."""
    if len(flagged) <= _MOST_POINTS:
        return list(range(len(flagged)))
    wanted = np.linspace(flagged[0], flagged[-1], _MOST_POINTS)
    kept = np.minimum(np.searchsorted(flagged, wanted), len(flagged) - 1)
    kept[0], kept[-1] = 0, len(flagged) - 1
    return [int(at) for at in np.unique(kept)]


def _shown(threshold: float) -> float:
    """Six digits that count: rare classes have thresholds of a thousandth and less."""
    return float(f"{threshold:.6g}")


def _words(cell: str) -> str:
    return cell.replace("_", " ")
