"""What a little more error buys: candidates for delivery by error, time of a prediction and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

__all__ = ["ParetoPoint", "ParetoTable", "pareto_table"]


_SCATTER = (1.0, 1.1, 1.02)
"""Ratios of errors, times and sizes that count as equal: times were measured, sizes are partly estimated."""


@dataclass(frozen=True)
class ParetoPoint:
    """One model that could be delivered.

    Attributes
    ----------
    label : str
        Of the trial, or the ensemble.
    form : str
        ``"bag"``: every fold model; ``"refit"``: one model of all rows for each member; ``"mixed"``.
    members, models : int
        Trials that take part, and fitted models in all.
    score : float or None
        Out-of-fold, in the metric's natural direction: that of the fold models, which all forms of the same
        trials share. A refitted model is usually a little worse; see `note`.
    error : float
        The same with less being better.
    seconds : float or None
        One prediction of one row; None where it is not known.
    size_bytes : float
        Of the bundle.
    measured : bool
        Whether the time is that of the whole model, not a sum over its parts.
    delivered : bool
    best : bool
        Whether no other model is at least as good in all three.
    """

    label: str
    form: str
    members: int
    models: int
    score: float | None
    error: float
    seconds: float | None
    size_bytes: float
    measured: bool = False
    delivered: bool = False
    best: bool = False

    @property
    def note(self) -> str:
        """What to know of the score: that of the bag also stands where fewer models are delivered.

        Examples
        --------
        >>> ParetoPoint("linear", "refit", 1, 1, 0.8, 0.2, 0.001, 1e5).note
        "score of its folds' models"
        """
        return "" if self.form == "bag" else "score of its folds' models"


@dataclass(frozen=True)
class ParetoTable:
    """Models that could be delivered, the one of the least error first.

    Attributes
    ----------
    metric : str
    greater_is_better : bool
        Direction of the scores.
    limit_seconds, limit_bytes : float or None
        What the caller asked for.
    points : tuple of ParetoPoint
    """

    metric: str
    greater_is_better: bool
    limit_seconds: float | None
    limit_bytes: float | None
    points: tuple[ParetoPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record; infinite errors (no score) become None."""
        record = {**vars(self), "points": [{**asdict(point), "note": point.note} for point in self.points]}
        for point in record["points"]:
            point["error"] = point["error"] if np.isfinite(point["error"]) else None
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> ParetoTable:
        """Inverse of `to_dict`.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it is no such record.
        """
        points = tuple(
            ParetoPoint(**{**_fields(point), "error": _number(point["error"], float("inf"))})
            for point in record["points"]
        )
        limits = [record["limit_seconds"], record["limit_bytes"]]
        seconds, size = (None if limit is None else float(limit) for limit in limits)
        return cls(str(record["metric"]), bool(record["greater_is_better"]), seconds, size, points)


def pareto_table(
    points: Sequence[ParetoPoint],
    *,
    metric: str,
    greater_is_better: bool,
    limit_seconds: float | None = None,
    limit_bytes: float | None = None,
) -> ParetoTable:
    """Sort candidates by error and mark those that no other one beats in every respect.

    Parameters
    ----------
    points : sequence of ParetoPoint
    metric : str
    greater_is_better : bool
    limit_seconds, limit_bytes : float, optional

    Examples
    --------
    >>> large = ParetoPoint("ensemble", "bag", 3, 15, 0.9, 0.1, 0.02, 5e6)
    >>> small = ParetoPoint("linear", "bag", 1, 5, 0.8, 0.2, 0.001, 1e5)
    >>> worse = ParetoPoint("slow", "bag", 1, 5, 0.8, 0.2, 0.01, 1e6)
    >>> table = pareto_table([worse, small, large], metric="roc_auc", greater_is_better=True)
    >>> [(point.label, point.best) for point in table.points]
    [('ensemble', True), ('linear', True), ('slow', False)]
    """
    ordered = sorted(points, key=lambda point: (point.error, point.seconds or 0.0, point.size_bytes))
    marked = tuple(
        replace(point, best=not any(_beats(other, point) for other in ordered)) for point in ordered
    )
    return ParetoTable(metric, greater_is_better, limit_seconds, limit_bytes, marked)


def _beats(one: ParetoPoint, other: ParetoPoint) -> bool:
    """Whether one is at least as good in everything, and better in something by more than scatter."""
    ours, theirs = _figures(one), _figures(other)
    pairs = list(zip(ours, theirs, _SCATTER, strict=True))
    return all(a <= b * scatter for a, b, scatter in pairs) and any(
        a * scatter < b for a, b, scatter in pairs
    )


def _figures(point: ParetoPoint) -> tuple[float, float, float]:
    return point.error, point.seconds or 0.0, point.size_bytes


def _fields(point: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what follows from the rest."""
    return {name: value for name, value in point.items() if name != "note"}


def _number(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)
