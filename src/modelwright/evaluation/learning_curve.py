"""Would more rows help? How the error falls with the number of rows, and how it would go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BadInput, FloatArray, to_jsonable

__all__ = ["CurveFit", "LearningCurve", "MeasuredError", "fit_learning_curve", "fit_power_law"]

_POWERS = np.concatenate([np.linspace(0.02, 1.0, 50), np.linspace(1.1, 2.0, 10)])
"""Powers that are tried: theory knows 1/2 and 1, measured curves lie mostly between 0.07 and 1."""

_FEWEST_SIZES = 3
_MORE = (2.0, 4.0, 10.0)
_WORTH, _LITTLE = 0.02, 0.01
"""Shares of the error by which twice the rows must lower it to be called a help, and a little help."""

_LEVEL = 0.95


@dataclass(frozen=True)
class MeasuredError:
    """The error of a model that was fitted on so many rows.

    Attributes
    ----------
    rows : int
    error, low, high : float
        On rows that no such model saw, and the 95% interval.
    """

    rows: int
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class CurveFit:
    """A power law ``error = floor + scale * rows ** -power``.

    Attributes
    ----------
    floor : float
        What no number of rows would go below.
    scale, power : float
    """

    floor: float
    scale: float
    power: float

    def error(self, rows: float) -> float:
        """The error after so many rows.

        Examples
        --------
        >>> CurveFit(0.1, 2.0, 0.5).error(400)
        0.2
        """
        return float(self.floor + self.scale * rows**-self.power)


@dataclass(frozen=True)
class LearningCurve:
    """How the error of a model falls with the rows it learns from.

    Attributes
    ----------
    metric : str
        What the error is the distance of from its best value.
    learner : str
        What was fitted; empty where it is not known.
    measured : tuple of MeasuredError
        Ascending rows.
    fit : CurveFit
    expected : tuple of MeasuredError
        The error after 2, 4 and 10 times the rows, if it goes on like that.
    gain, gain_low, gain_high : float
        Share of the error that twice the rows would take away, and the 95% interval.
    answer : str
        ``"yes"``, ``"a little"``, ``"no"`` or ``"unclear"``: whether twice the rows would help.
    """

    metric: str
    learner: str
    measured: tuple[MeasuredError, ...]
    fit: CurveFit
    expected: tuple[MeasuredError, ...]
    gain: float
    gain_low: float
    gain_high: float
    answer: str

    @property
    def sentence(self) -> str:
        """Whether more rows would help, in words."""
        last = self.measured[-1]
        size = f"{self.gain:.1%} ({self.gain_low:.1%} to {self.gain_high:.1%})"
        reason = f"twice the {last.rows:,} rows should lower the error ({self.metric}) by {size}"
        if self.answer == "yes":
            return f"More rows would help: {reason}."
        if self.answer == "a little":
            return f"More rows would help a little: {reason}."
        if self.answer == "no":
            return f"More rows of the same kind would hardly help: {reason}. Better columns might."
        return f"Whether more rows would help cannot be said: {reason}."

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the sentence."""
        record: dict[str, Any] = to_jsonable({**asdict(self), "sentence": self.sentence})
        return record


def fit_power_law(rows: Sequence[float] | NDArray[Any], errors: NDArray[Any]) -> CurveFit:
    """Fit ``error = floor + scale * rows ** -power`` by weighted least squares, with neither part below zero.

    The form is that of Cortes, Jackel, Solla, Vapnik and Denker, "Learning curves: asymptotic values and rate
    of convergence" (1993); see also Viering and Loog, "The shape of learning curves: a review" (2023). Errors
    count by their rows (after Figueroa et al., "Predicting sample size required for classification
    performance", 2012): with few rows they vary more, and often follow another law. For each power of a grid
    the rest is a line, whose best floor and scale are known.

    Parameters
    ----------
    rows : sequence of float
        Sizes of the training sets, at least two different ones.
    errors : float array, shape (sizes,)

    Examples
    --------
    >>> rows = np.array([100.0, 200.0, 400.0, 800.0])
    >>> fit = fit_power_law(rows, 0.2 + 3.0 * rows**-0.5)
    >>> round(fit.floor, 3), round(fit.scale, 2), round(fit.power, 2)
    (0.2, 3.0, 0.5)
    """
    sizes, values = np.asarray(rows, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    first = sizes.max()
    # In shares of the largest size, so that the scale is of the size of an error.
    basis = (sizes[None, :] / first) ** -_POWERS[:, None]
    counted = sizes / sizes.sum()
    middle, mean = basis @ counted, float(values @ counted)
    centred = basis - middle[:, None]
    slope = (centred @ (counted * (values - mean))) / (np.square(centred) @ counted)
    slope = np.maximum(slope, 0.0)
    floor = mean - slope * middle
    # A floor below zero is none: then the line goes through zero.
    alone = np.maximum((basis @ (counted * values)) / (np.square(basis) @ counted), 0.0)
    slope, floor = np.where(floor < 0, alone, slope), np.maximum(floor, 0.0)
    missed = np.square(floor[:, None] + slope[:, None] * basis - values) @ counted
    best = int(np.argmin(missed))
    power = float(_POWERS[best])
    return CurveFit(float(floor[best]), float(slope[best] * first**power), power)


def fit_learning_curve(
    rows: Sequence[int],
    errors: Sequence[float],
    replicates: NDArray[Any],
    *,
    metric: str = "error",
    learner: str = "",
) -> LearningCurve:
    """Describe how errors fall with the rows, and say whether more rows would help.

    Parameters
    ----------
    rows : sequence of int
        Sizes of the training sets, ascending; at least 3.
    errors : sequence of float
        Distances from the best value of the metric, all measured on the same rows.
    replicates : array, shape (resamples, sizes)
        The same errors on resampled rows, all sizes on the same resamples: the law is fitted to each, which
        tells how sure the fit is. What another draw of training rows would change is not in it.
    metric, learner : str
        For the record and the sentence.

    Raises
    ------
    BadInput
        If there are fewer than three sizes, they do not ascend, or errors are not finite.

    Examples
    --------
    >>> rows = [100, 200, 400, 800]
    >>> errors = [3.0 * size**-0.5 for size in rows]
    >>> noise = np.random.default_rng(0).normal(size=(200, 1))
    >>> curve = fit_learning_curve(rows, errors, np.array(errors) * (1 + 0.02 * noise))
    >>> curve.answer, round(curve.gain, 2)
    ('yes', 0.29)
    """
    sizes, values = np.asarray(rows, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    drawn = np.asarray(replicates, dtype=np.float64)
    drawn = drawn[np.isfinite(drawn).all(axis=1)] if drawn.ndim == 2 else drawn
    if len(sizes) < _FEWEST_SIZES or not (np.diff(sizes) > 0).all() or not np.isfinite(values).all():
        raise BadInput(
            f"A learning curve needs finite errors at {_FEWEST_SIZES} ascending numbers of rows or more, but "
            f"came with {list(rows)} and {list(errors)}. Measure more sizes."
        )
    if drawn.ndim != 2 or drawn.shape[1:] != sizes.shape or len(drawn) < 10:
        raise BadInput(
            f"A learning curve needs at least 10 defined resamples of {len(sizes)} errors each, but came "
            f"with the shape {np.shape(replicates)}."
        )
    fit = fit_power_law(sizes, values)
    fits = [fit_power_law(sizes, each) for each in drawn]
    last = float(sizes[-1])
    gains = np.array([_gain(each, last) for each in fits])
    gain = _gain(fit, last)
    low, high = _interval(gains, gain)
    measured = tuple(
        MeasuredError(int(size), float(value), *_interval(drawn[:, at], float(value)))
        for at, (size, value) in enumerate(zip(sizes, values, strict=True))
    )
    expected = tuple(_expected(fit, fits, last * more) for more in _MORE)
    return LearningCurve(metric, learner, measured, fit, expected, gain, low, high, _answer(gain, low, high))


def _gain(fit: CurveFit, rows: float) -> float:
    """Share of the error that twice the rows take away."""
    now = fit.error(rows)
    return (now - fit.error(2 * rows)) / now if now > 0 else 0.0


def _expected(fit: CurveFit, fits: Sequence[CurveFit], rows: float) -> MeasuredError:
    estimate = fit.error(rows)
    others = np.array([each.error(rows) for each in fits])
    return MeasuredError(round(rows), estimate, *_interval(others, estimate))


def _interval(values: FloatArray, estimate: float) -> tuple[float, float]:
    """The middle 95%, with the estimate inside."""
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return min(float(low), estimate), max(float(high), estimate)


def _answer(gain: float, low: float, high: float) -> str:
    """Whether twice the rows would help."""
    if gain >= _WORTH and low >= _LITTLE:
        return "yes"
    if gain >= _LITTLE and high <= 2 * _WORTH:
        return "a little"
    return "no" if gain < _LITTLE and high <= _WORTH else "unclear"
