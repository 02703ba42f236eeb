"""Probabilities made to mean what they say, where out-of-fold rows show that they do not.

A booster that was stopped early for the best ranking may rank perfectly and still call every row unlikely;
labels, which follow the probabilities, are poor then. Two parameters mend that and change no ranking.

Source: Platt, "Probabilistic outputs for support vector machines" (1999), for two classes; Guo, Pleiss, Sun,
Weinberger, "On calibration of modern neural networks" (ICML 2017), temperature scaling, for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "fit_calibration"]

_FEWEST = 50
"""Rows of the rarest class below which nothing is calibrated: two halves of fewer tell nothing."""

_GAIN = 0.003
"""Share of the log loss that calibration must save on rows that it was not fitted on."""

_CLIP = 1e-12


@dataclass(frozen=True)
class Calibration:
    """New log-odds are ``slope`` times the old ones plus ``shift``.

    Attributes
    ----------
    slope : float
        Positive, so that no ranking changes; the inverse of the temperature.
    shift : float
        Added to the log-odds of the positive class; 0 with more than two classes.

    Examples
    --------
    >>> Calibration(1.0, 0.0).apply(np.array([[0.2, 0.8]])).round(6).tolist()
    [[0.2, 0.8]]
    """

    slope: float
    shift: float

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
        return calibrated

    def to_dict(self) -> dict[str, float]:
        """A JSON-able record."""
        return {"slope": self.slope, "shift": self.shift}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any] | None) -> Calibration | None:
        """Inverse of `to_dict`; None for None."""
        return None if record is None else cls(float(record["slope"]), float(record["shift"]))


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
        None unless each half of the rows, calibrated by the other half, loses clearly less.

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
    if np.bincount(codes, minlength=probabilities.shape[1]).min() < _FEWEST:
        return None
    halves = np.arange(len(codes)) % 2 == 0
    before = after = 0.0
    for half in (halves, ~halves):
        fitted = _fit(probabilities[half], codes[half], mass[half])
        before += _loss(probabilities[~half], codes[~half], mass[~half])
        after += _loss(fitted.apply(probabilities[~half]), codes[~half], mass[~half])
    if not after < before * (1 - _GAIN):
        return None
    return _fit(probabilities, codes, mass)


def _loss(probabilities: NDArray[np.float64], codes: NDArray[np.int64], mass: NDArray[np.float64]) -> float:
    true = probabilities[np.arange(len(codes)), codes]
    return float(-(mass * np.log(np.maximum(true, _CLIP))).sum())


def _fit(
    probabilities: NDArray[np.float64], codes: NDArray[np.int64], mass: NDArray[np.float64]
) -> Calibration:
    """Least log loss over slope (and shift, for two classes)."""
    from scipy.optimize import minimize

    binary = probabilities.shape[1] == 2

    def loss(parameters: NDArray[np.float64]) -> float:
        shift = float(parameters[1]) if binary else 0.0
        return _loss(
            Calibration(float(np.exp(parameters[0])), shift).apply(probabilities), codes, mass
        ) / float(mass.sum())

    bounds = [(-2.5, 2.5), (-10.0, 10.0)][: 1 + binary]
    found = minimize(loss, np.zeros(1 + binary), method="L-BFGS-B", bounds=bounds)
    return Calibration(float(np.exp(found.x[0])), float(found.x[1]) if binary else 0.0)
