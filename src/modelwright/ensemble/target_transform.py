"""Regression targets with heavy tails, fitted on a scale where they have none.

A transform rises with the target, so that quantiles (and the median, which absolute errors reward) come back
as they are. A mean does not: what comes back is the mean of the inverse over errors of the fit ("smearing",
Duan, "Smearing estimate: a nonparametric retransformation method", JASA 1983), which are measured on training
rows that were kept out of it.

Source of normal scores of ranks: van der Waerden (1952). A power of the target (Box and Cox, Yeo and Johnson)
was tried as well: with linear learners its errors grew without bound on new rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, FloatArray

__all__ = ["TRANSFORMS", "TargetTransform", "fit_transform"]

TRANSFORMS = ("log", "quantile")
"""Names of the transforms: a logarithm on both sides of a centre, and the normal score of the rank."""

_KNOTS = 257
_MOST_ROWS = 20_000
_BEYOND = 0.1
"""Predictions may lie outside of the training targets by so much of their range, on the new scale."""

_MOST_ERRORS = 100


@dataclass(frozen=True)
class TargetTransform:
    """A rising function of the target and its inverse.

    Attributes
    ----------
    kind : str
        One of `TRANSFORMS`.
    center, scale : float
        The target is first shifted and divided by these.
    knots, scores : tuple of float
        Of the quantile transform: values (shifted and scaled) and their normal scores.
    low, high : float
        Lowest and highest prediction, on the scale of the target.
    errors : tuple of float
        Errors of rows kept out of the fit, on the new scale; empty where no mean is wanted.

    Examples
    --------
    >>> transform = fit_transform("log", np.array([0.0, 1.0, 10.0, 100.0, 1000.0]))
    >>> transform.inverse(transform.forward(np.array([0.0, 5.0, 500.0]))).round(6).tolist()
    [0.0, 5.0, 500.0]
    """

    kind: str
    center: float = 0.0
    scale: float = 1.0
    knots: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    low: float = float("-inf")
    high: float = float("inf")
    errors: tuple[float, ...] = ()

    def forward(self, target: NDArray[Any]) -> FloatArray:
        """The target on the scale that is fitted."""
        values = (np.asarray(target, np.float64) - self.center) / self.scale
        if self.kind == "log":
            return np.asarray(np.sign(values) * np.log1p(np.abs(values)))
        return np.asarray(np.interp(values, self.knots, self.scores))

    def inverse(self, fitted: FloatArray) -> FloatArray:
        """The way back, without looking at errors; limited to what targets may be."""
        if self.kind == "log":
            # expm1 of an extrapolated logarithm must not overflow
            values = np.sign(fitted) * np.expm1(np.minimum(np.abs(fitted), 600.0))
        else:
            values = np.interp(fitted, self.scores, self.knots)
        return np.asarray(np.clip(values * self.scale + self.center, self.low, self.high))

    def predictions(self, fitted: FloatArray) -> FloatArray:
        """Predictions on the scale of the target: means where there are errors, else medians."""
        if not self.errors:
            return self.inverse(fitted)
        total = np.zeros(len(fitted))
        for error in self.errors:
            total += self.inverse(fitted + error)
        mean: FloatArray = total / len(self.errors)
        return mean

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        lists = {name: list(getattr(self, name)) for name in ("knots", "scores", "errors")}
        return {**vars(self), **lists}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TargetTransform:
        """Inverse of `to_dict`.

        Raises
        ------
        BundleError
            If the record cannot be one.
        """
        try:
            numbers = {name: float(record[name]) for name in ("center", "scale", "low", "high")}
            lists = {
                name: tuple(float(number) for number in record[name])
                for name in ("knots", "scores", "errors")
            }
            transform = cls(kind=str(record["kind"]), **numbers, **lists)  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"The record of a target transform is damaged ({error!r}).") from error
        if not transform.is_sound:
            raise BundleError(
                f"The record of a target transform of kind {transform.kind!r} holds what cannot be. Copy the "
                "model again, or train it again."
            )
        return transform

    @property
    def is_sound(self) -> bool:
        """Whether every number is one that a fit can give."""
        numbers = [self.center, self.scale, self.low, self.high, *self.scores, *self.errors]
        if self.kind not in TRANSFORMS or not np.isfinite([*numbers, *self.knots]).all():
            return False
        rising = all(len(part) < 2 or bool((np.diff(part) > 0).all()) for part in (self.knots, self.scores))
        sizes = len(self.knots) == len(self.scores) <= _KNOTS and len(self.errors) <= _MOST_ERRORS
        known = self.kind != "quantile" or len(self.knots) >= 2
        return rising and sizes and known and self.scale > 0 and self.low <= self.high

    def with_errors(self, target: NDArray[Any], fitted: FloatArray) -> TargetTransform:
        """The same, giving means: for rows that the model was not fitted on, their target and its answer."""
        errors = self.forward(target) - fitted
        count = min(len(errors), _MOST_ERRORS)
        levels = (np.arange(count) + 0.5) / max(count, 1)
        kept = tuple(np.quantile(errors, levels).tolist()) if count else ()
        return TargetTransform(**{**vars(self), "errors": kept})


def fit_transform(kind: str, target: NDArray[Any]) -> TargetTransform | None:
    """Fit a transform to the targets of training rows.

    Parameters
    ----------
    kind : str
        One of `TRANSFORMS`.
    target : array, shape (rows,)

    Returns
    -------
    TargetTransform or None
        None for a target without two values, which needs none.
    """
    values = np.asarray(target, np.float64)
    values = values[:: max(1, -(-len(values) // _MOST_ROWS))]
    lowest, highest = float(np.min(target)), float(np.max(target))
    if not lowest < highest or not np.isfinite(highest - lowest):
        return None
    if kind == "log":
        made = _logarithm(values, lowest)
    else:
        made = _ranks(np.append(values, [lowest, highest]))
    ends = made.forward(np.array([lowest, highest]))
    reach = _BEYOND * float(ends[1] - ends[0])
    low, high = made.inverse(np.array([ends[0] - reach, ends[1] + reach]))
    low = max(float(low), 0.0) if lowest >= 0 else float(low)
    return TargetTransform(**{**vars(made), "low": min(low, lowest), "high": max(float(high), highest)})


def _logarithm(values: FloatArray, lowest: float) -> TargetTransform:
    """Around zero for what is never negative, else around the median; nearly straight close by.

    Of what is always positive the whole range is far from zero: effects that multiply are added then.
    """
    center = 0.0 if lowest >= 0 else float(np.median(values))
    distances = np.abs(values - center)
    scale = float(np.quantile(distances[distances > 0], 0.05)) if (distances > 0).any() else 1.0
    scale = scale / 10 if lowest > 0 else scale
    return TargetTransform("log", center=center, scale=max(scale, float(distances.max()) * 1e-9))


def _standard(values: FloatArray) -> tuple[float, float]:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    spread = float(high - low) or float(values.std()) or 1.0
    return float(middle), spread


def _ranks(values: FloatArray) -> TargetTransform:
    """Normal scores of up to 257 quantiles."""
    from scipy.special import ndtri

    center, scale = _standard(values)
    levels = np.linspace(0, 1, _KNOTS)
    quantiles = (np.quantile(values, levels) - center) / scale
    knots, group = np.unique(quantiles, return_inverse=True)
    edge = 0.5 / len(values)
    scores = np.bincount(group, ndtri(np.clip(levels, edge, 1 - edge))) / np.bincount(group)
    rising = np.append(True, np.diff(scores) > 0)
    return TargetTransform(
        "quantile",
        center=center,
        scale=scale,
        knots=tuple(knots[rising].tolist()),
        scores=tuple(scores[rising].tolist()),
    )
