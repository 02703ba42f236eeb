"""Probabilities made to mean what they say, where out-of-fold rows show that they do not.

A booster that was stopped early for the best ranking may rank perfectly and still call every row unlikely;
labels, which follow the probabilities, are poor then. Two parameters mend most of that; where rows are
many, a rising curve of any shape may do better. With two classes neither changes a ranking.

Sources: Platt, "Probabilistic outputs for support vector machines" (1999), for two classes; Guo, Pleiss, Sun,
Weinberger, "On calibration of modern neural networks" (ICML 2017), temperature scaling, for more;
Niculescu-Mizil and Caruana, "Predicting good probabilities with supervised learning" (ICML 2005), for how
many rows a curve needs. Curves of several classes are fitted one against the rest; see `isotonic`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import generator
from modelwright.ensemble.isotonic import Curve, fit_curve
from modelwright.ensemble.proof import is_proven

__all__ = ["Calibration", "fit_calibration"]

_FEWEST = 50
"""Rows of the rarest class below which nothing is calibrated: two halves of fewer tell nothing."""

_GAIN = 0.003
"""Share of the log loss that calibration must save on rows that it was not fitted on."""

_FEWEST_OF_CURVE = 1_000
"""Rows of the rarest class below which a curve is not tried."""

_MOST_ROWS = 200_000
"""Rows that are looked at: more know no better."""

_REPEATS = 2
_CLIP = 1e-12


@dataclass(frozen=True)
class Calibration:
    """New log-odds are ``slope`` times the old ones plus ``shift``; then come the curves, if there are any.

    Attributes
    ----------
    slope : float
        Positive, so that no ranking changes; the inverse of the temperature.
    shift : float
        Added to the log-odds of the positive class; 0 with more than two classes.
    curves : tuple of Curve
        Of the positive class of two, or of each of several classes.

    Examples
    --------
    >>> Calibration(1.0, 0.0).apply(np.array([[0.2, 0.8]])).round(6).tolist()
    [[0.2, 0.8]]
    """

    slope: float
    shift: float
    curves: tuple[Curve, ...] = ()

    def __post_init__(self) -> None:
        if not (0 < self.slope < float("inf") and np.isfinite(self.shift)):
            raise ValueError(f"a calibration needs a positive slope and a finite shift, not {self}")

    def apply(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities, shape ``(rows, classes)``."""
        scores = self.slope * np.log(np.maximum(probabilities, _CLIP))
        if probabilities.shape[1] == 2:
            scores[:, 1] += self.shift
        scores -= scores.max(axis=1, keepdims=True)
        weights = np.exp(scores)
        calibrated: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        if not self.curves:
            return calibrated
        if len(self.curves) == 1:
            second = self.curves[0].apply(calibrated[:, 1])
            return np.column_stack([1 - second, second])
        columns = [curve.apply(column) for curve, column in zip(self.curves, calibrated.T, strict=True)]
        curved = np.maximum(np.column_stack(columns), _CLIP)
        return np.asarray(curved / curved.sum(axis=1, keepdims=True))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        curves = [curve.to_dict() for curve in self.curves]
        return {"slope": self.slope, "shift": self.shift, "curves": curves}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any] | None) -> Calibration | None:
        """Inverse of `to_dict`; None for None."""
        if record is None:
            return None
        curves = tuple(Curve.from_dict(each) for each in record.get("curves", ()))
        return cls(float(record["slope"]), float(record["shift"]), curves)


def fit_calibration(
    probabilities: NDArray[np.float64],
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> Calibration | None:
    """Fit a calibration to out-of-fold probabilities, or find that there is nothing to gain.

    Parameters
    ----------
    probabilities : array, shape (rows, classes)
        Out-of-fold.
    codes : int64 array, shape (rows,)
        The true classes.
    weights : array, shape (rows,), or None
        Row weights.

    Returns
    -------
    Calibration or None
        None unless halves of the rows, calibrated by the other half, lose clearly less. Curves must
        save as much again as the two parameters before them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> true = rng.uniform(size=4000)
    >>> codes = (rng.uniform(size=4000) < true).astype(np.int64)
    >>> shy = np.column_stack([1 - 0.4 * true, 0.4 * true])
    >>> fit_calibration(shy, codes).shift > 0, fit_calibration(np.column_stack([1 - true, true]), codes)
    (True, None)
    """
    mass = np.ones(len(codes)) if weights is None else np.asarray(weights, dtype=np.float64)
    step = max(1, -(-len(codes) // _MOST_ROWS))
    rows = _Rows(probabilities[::step], codes[::step], mass[::step])
    rarest = int(np.bincount(rows.codes, minlength=probabilities.shape[1]).min())
    if rarest < _FEWEST:
        return None
    random, sides = generator(0, "calibration"), []
    for _ in range(_REPEATS):
        first = random.permutation(len(rows.codes)) % 2 == 0
        sides += [(rows.take(part), rows.take(~part)) for part in (first, ~first)]
    chosen: Callable[[_Rows], Calibration] | None = None
    fitted: list[Calibration | None] = [None] * len(sides)
    for fit in (_fit, _fit_with_curves) if rarest >= _FEWEST_OF_CURVE else (_fit,):
        found = [fit(here) for here, _ in sides]
        before = [there.loss(known) for (_, there), known in zip(sides, fitted)]
        gains = [old - there.loss(new) for (_, there), new, old in zip(sides, found, before)]
        if is_proven(gains) and sum(gains) > _GAIN * sum(before):
            chosen, fitted = fit, list(found)
    return None if chosen is None else chosen(rows)


@dataclass(frozen=True)
class _Rows:
    """Out-of-fold probabilities, the true classes and row weights."""

    probabilities: NDArray[np.float64]
    codes: NDArray[np.int64]
    mass: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_]) -> _Rows:
        return _Rows(self.probabilities[rows], self.codes[rows], self.mass[rows])

    def loss(self, calibration: Calibration | None) -> float:
        array = self.probabilities if calibration is None else calibration.apply(self.probabilities)
        true = array[np.arange(len(self.codes)), self.codes]
        return float(-(self.mass * np.log(np.maximum(true, _CLIP))).sum())


def _fit(rows: _Rows) -> Calibration:
    """Least log loss over slope (and shift, for two classes)."""
    from scipy.optimize import minimize

    binary = rows.probabilities.shape[1] == 2
    total = float(rows.mass.sum())

    def loss(parameters: NDArray[np.float64]) -> float:
        shift = float(parameters[1]) if binary else 0.0
        return rows.loss(Calibration(float(np.exp(parameters[0])), shift)) / total

    bounds = [(-2.5, 2.5), (-10.0, 10.0)][: 1 + binary]
    found = minimize(loss, np.zeros(1 + binary), method="L-BFGS-B", bounds=bounds)
    return Calibration(float(np.exp(found.x[0])), float(found.x[1]) if binary else 0.0)


def _fit_with_curves(rows: _Rows) -> Calibration:
    """The same, and then a curve for each class (for two: the second one's)."""
    start = _fit(rows)
    array = start.apply(rows.probabilities)
    classes = [1] if array.shape[1] == 2 else range(array.shape[1])
    curves = tuple(fit_curve(array[:, code], rows.codes == code, rows.mass) for code in classes)
    return Calibration(start.slope, start.shift, curves)
