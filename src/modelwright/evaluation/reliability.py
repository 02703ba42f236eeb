"""Whether probabilities mean what they say: calibration curves, and how far they are off on average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, IntArray, Label, to_jsonable
from modelwright.evaluation.coverage import wilson_interval
from modelwright.evaluation.one_against_rest import OneAgainstRest, one_against_rest
from modelwright.evaluation.resampling import effective_rows

__all__ = ["CalibrationBin", "CalibrationCurve", "calibration_curves"]

_MOST_BINS, _ROWS_OF_BIN = 15, 20


@dataclass(frozen=True)
class CalibrationBin:
    """Rows of similar probabilities.

    Attributes
    ----------
    lowest, highest : float
        Probabilities of these rows.
    predicted : float
        Their mean.
    observed, low, high : float
        Share of the class among the rows, and its 95% interval (Wilson, 1927; of weighted or grouped rows
        with as many rows as count independently).
    rows : int
    share : float
        Of all rows, by weight.
    """

    lowest: float
    highest: float
    predicted: float
    observed: float
    low: float
    high: float
    rows: int
    share: float

    @property
    def is_off(self) -> bool:
        """Whether the mean probability lies outside the interval of what was observed."""
        return not self.low <= self.predicted <= self.high


@dataclass(frozen=True)
class CalibrationCurve:
    """What was observed where so much was predicted.

    Attributes
    ----------
    label : label
        The class.
    bins : tuple of CalibrationBin
        From low to high probabilities, with about as many rows each.
    error : float
        Expected calibration error (ECE): the mean over the rows of how far the observed share of their bin
        lies from the predicted one (Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities
        using Bayesian binning", 2015).
    error_by_chance : float
        What a perfectly calibrated model would show on so many rows: the error is never 0 (Bröcker and
        Smith, "Increasing the reliability of reliability diagrams", 2007).
    predicted, observed : float
        Mean probability, and share of the class, of all rows.
    """

    label: Label
    bins: tuple[CalibrationBin, ...]
    error: float
    error_by_chance: float
    predicted: float
    observed: float

    @property
    def is_off(self) -> bool:
        """Whether probabilities are further off than luck explains: twice the error that chance makes."""
        return self.error > 2 * self.error_by_chance

    @property
    def sentence(self) -> str:
        """What it says, in words."""
        off, chance = 100 * self.error, 100 * self.error_by_chance
        error = f"{off:.1f} points off on average; {chance:.1f} would be chance"
        if not self.is_off:
            return f"Probabilities of {self.label!r} can be taken at their word ({error})."
        tendency = "too high" if self.predicted > self.observed else "too low"
        size = f"{self.predicted:.1%} predicted on average, {self.observed:.1%} observed"
        return f"Probabilities of {self.label!r} are {error}. They tend to be {tendency}: {size}."

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the sentence."""
        told = {"is_off": self.is_off, "sentence": self.sentence}
        record: dict[str, Any] = to_jsonable({**asdict(self), **told})
        return record


def calibration_curves(
    target: NDArray[Any],
    array: FloatArray,
    labels: Sequence[Label],
    *,
    weights: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> tuple[CalibrationCurve, ...]:
    """Calibration of the positive class, or of each class against the rest.

    Rows of equal probability are never divided; up to 15 bins hold 20 rows or more each.

    Parameters
    ----------
    target : array, shape (rows,) of class codes, or (rows, labels) of 0 and 1
    array : float64 array, shape (rows, classes) or (rows, labels)
        Probabilities.
    labels : sequence of labels
        The classes, or the names of the labels.
    weights, groups : array, shape (rows,), optional
        Row weights; groups whose rows depend on each other.

    Returns
    -------
    tuple of CalibrationCurve
        One for two classes; of more at most 12, those with the most rows first. A class that no row, or every
        row, is of has none.

    Raises
    ------
    BadInput
        If the arrays do not fit each other.

    Examples
    --------
    >>> chance = np.repeat([0.2, 0.8], 50)
    >>> target = np.array([1] * 10 + [0] * 40 + [1] * 30 + [0] * 20)
    >>> [curve] = calibration_curves(target, np.column_stack([1 - chance, chance]), ["no", "yes"])
    >>> [(round(part.predicted, 2), part.observed) for part in curve.bins], round(curve.error, 3)
    ([(0.2, 0.2), (0.8, 0.6)], 0.1)
    """
    base = np.ones(len(target)) if weights is None else np.asarray(weights, dtype=np.float64)
    known = None if groups is None else np.asarray(groups)
    asked = one_against_rest(target, array, labels)
    return tuple(_curve(each, base, known) for each in asked if base.sum() > 0)


def _curve(asked: OneAgainstRest, weights: FloatArray, groups: NDArray[Any] | None) -> CalibrationCurve:
    order = np.argsort(asked.scores, kind="stable")
    total = float(weights.sum())
    bins, chance = [], 0.0
    for part in _parts(asked.scores[order], order):
        weight, scores = weights[part], asked.scores[part]
        size = float(weight.sum())
        if size <= 0:
            continue
        predicted = float(weight @ scores) / size
        observed = float(weight @ asked.positive[part]) / size
        independent = effective_rows(weight, None if groups is None else groups[part])
        low, high = wilson_interval(observed * independent, independent)
        bins.append(
            CalibrationBin(
                float(scores.min()),
                float(scores.max()),
                predicted,
                observed,
                low,
                high,
                len(part),
                size / total,
            )
        )
        spread = math.sqrt(float(weight @ (scores * (1 - scores))) / size / independent)
        chance += size / total * spread * math.sqrt(2 / math.pi)
    return CalibrationCurve(
        label=asked.label,
        bins=tuple(bins),
        error=sum(part.share * abs(part.observed - part.predicted) for part in bins),
        error_by_chance=chance,
        predicted=float(weights @ asked.scores) / total,
        observed=float(weights @ asked.positive) / total,
    )


def _parts(ordered: FloatArray, order: IntArray) -> list[IntArray]:
    """Rows in bins of about equal size, from low to high scores; equal scores stay together."""
    rows = len(ordered)
    count = max(1, min(_MOST_BINS, rows // _ROWS_OF_BIN))
    edges = np.unique(np.searchsorted(ordered, ordered[np.arange(1, count) * rows // count], side="left"))
    return [part for part in np.split(order, edges) if len(part)]
