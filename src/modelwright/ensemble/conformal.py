"""Intervals and sets of labels that hold the truth as often as they say.

How far the truth lies from out-of-fold predictions tells how far it will lie from new ones: the scores of
rows that no model was fitted on, in order, give a margin for every coverage. This is split conformal
prediction (Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005) with the rows of all
folds (Vovk, "Cross-conformal predictors", 2015; Barber, Candes, Ramdas and Tibshirani, "Predictive inference
with the jackknife+", 2021). New rows must be drawn as the training rows were; nothing else is assumed. A bag
predicts a little better than the single fold models that the scores are of, so it covers a little more than
asked.

- Values: errors in units of the error that is usual for such a predicted value (Lei, G'Sell, Rinaldo,
  Tibshirani and Wasserman, "Distribution-free predictive inference for regression", 2018), below and above on
  their own.
- Quantiles: distances from each predicted quantile (Romano, Patterson and Candes, "Conformalized quantile
  regression", 2019).
- Classes: one minus the probability of the true class (Sadinle, Lei and Wasserman, "Least ambiguous
  set-valued classifiers with bounded error levels", 2019); each label of a multilabel task on its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, OptionError, Problem, Task

__all__ = ["Conformal", "fit_conformal"]

_FEWEST = 20
"""Rows below which nothing is said."""

_KEPT, _KEPT_OF_CLASS = 2_000, 400
"""Scores that are kept of all rows, and of the rows of one class: evenly spaced ranks."""

_LARGEST = 1e150
"""Values beyond which nothing is said: errors, and sums of them, must be numbers."""

_MOST_KNOTS, _ROWS_OF_KNOT, _PRIOR_ROWS = 20, 100, 5
_LEAST_SPREAD, _SMALLEST = 0.1, 1e-300
"""Of the mean error: no predicted value is surer than that. Below the other, errors are as good as none."""

_DIGITS, _ROUNDING = 7, 1e-6
"""Digits that are kept of a score, and what a label may be less probable than the limit for that reason: many
rows of one leaf have one probability, and all of them would be lost."""


@dataclass(frozen=True)
class Scores:
    """Scores of out-of-fold rows, ascending.

    Attributes
    ----------
    values : float64 array, shape (at most 2,000,)
        Order statistics at evenly spaced ranks, the first and the last among them.
    rows : int
        That they stand for.
    """

    values: FloatArray
    rows: int

    def __post_init__(self) -> None:
        values = self.values
        if not (1 <= len(values) <= max(_KEPT, self.rows) and np.isfinite(values).all()):
            raise ValueError(f"{len(values)} scores of {self.rows} rows, or some that are not finite")
        if (values[1:] < values[:-1]).any() or self.rows < len(values):
            raise ValueError("scores must ascend, and stand for as many rows at least")

    @classmethod
    def of(cls, scores: NDArray[Any], most: int = _KEPT) -> Scores:
        """Those of all rows, thinned."""
        ordered = np.sort(np.asarray(scores, np.float64))
        kept = np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(np.int64))
        return cls(np.array([float(f"{value:.{_DIGITS}g}") for value in ordered[kept]]), len(ordered))

    def upper(self, share: float) -> float:
        """What at least this share of new scores stays at or below; infinite where rows are too few to say.

        Examples
        --------
        >>> scores = Scores.of(np.arange(1.0, 20.0))
        >>> scores.upper(0.9), scores.upper(0.96)
        (18.0, inf)
        """
        rank = math.ceil(share * (self.rows + 1) - 1e-9)
        if rank > self.rows:
            return math.inf
        place = (max(1, rank) - 1) / max(1, self.rows - 1) * (len(self.values) - 1)
        return float(self.values[min(len(self.values) - 1, math.ceil(place - 1e-9))])

    def lower(self, share: float) -> float:
        """What at most this share of new scores stays below; minus infinity where rows are too few to say."""
        return -Scores(-self.values[::-1], self.rows).upper(1 - share)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {"values": self.values.tolist(), "rows": self.rows}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Scores:
        """Inverse of `to_dict`; ValueError for what cannot be one."""
        return cls(np.array([float(value) for value in record["values"]]), int(record["rows"]))


@dataclass(frozen=True)
class Conformal:
    """What out-of-fold rows say about the errors of new ones.

    Attributes
    ----------
    task : Task
    scores : tuple of Scores
        Of errors of values (one), of errors of each quantile, of the labels of each multilabel target, or of
        the true class (one).
    classes : tuple of Scores or None
        Of the rows of each class alone; empty for other tasks. None for a class without rows.
    knots, spreads : tuple of float
        Predicted values, ascending, and the error that is usual there; straight lines between them.
    least : float or None
        No bound is lower: all training values are at or above zero.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=3000)
    >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    >>> known = fit_conformal(problem, truth, np.zeros(3000))
    >>> known.intervals(np.zeros(1), 0.9).round(1).tolist()
    [[-1.6, 1.6]]
    """

    task: Task
    scores: tuple[Scores, ...]
    classes: tuple[Scores | None, ...] = ()
    knots: tuple[float, ...] = ()
    spreads: tuple[float, ...] = ()
    least: float | None = None

    def __post_init__(self) -> None:
        knots, spreads = np.asarray(self.knots, np.float64), np.asarray(self.spreads, np.float64)
        if not self.scores or len(knots) != len(spreads) or (knots[1:] <= knots[:-1]).any():
            raise ValueError("conformal scores need at least one list, and as many rising knots as spreads")
        if not np.isfinite(knots).all() or not (np.isfinite(spreads) & (spreads > 0)).all():
            raise ValueError("knots and spreads must be finite, and spreads positive")
        if self.least is not None and not math.isfinite(self.least):
            raise ValueError("the least bound must be finite")

    def require_outputs(self, problem: Problem) -> None:
        """Refuse scores of another problem.

        Raises
        ------
        ValueError
            If the task is another one, or has other outputs.
        """
        several = problem.outputs if problem.task.has_outputs else 1
        classes = len(problem.classes) if problem.task.is_classification else 0
        if self.task is not problem.task or len(self.scores) != several or len(self.classes) != classes:
            raise ValueError(f"scores of a {self.task} task with {len(self.scores)} outputs")

    def intervals(self, array: FloatArray, coverage: float, levels: Sequence[float] = ()) -> FloatArray:
        """Bounds between which the truth lies as often as asked for.

        Parameters
        ----------
        array : float64 array, shape (rows,) of values, or (rows, quantiles)
        coverage : float
            Share of new rows whose truth should be inside, between 0 and 1.
        levels : sequence of float
            Of the quantiles.

        Returns
        -------
        float64 array, shape (rows, 2)

        Raises
        ------
        OptionError
            If the out-of-fold rows are too few for so much coverage, or the task has no values.
        """
        self._check(coverage, values=True)
        tail = (1 - coverage) / 2
        if self.task is Task.REGRESSION:
            low, high = self._margins(self.scores[0], self.scores[0], tail, coverage)
            spread = self._spread(array)
            bounds = np.column_stack([array + low * spread, array + high * spread])
        else:
            first, last = _outer(levels, tail)
            low, high = self._margins(self.scores[first], self.scores[last], tail, coverage)
            bounds = np.sort(np.column_stack([array[:, first] + low, array[:, last] + high]), axis=1)
        return bounds if self.least is None else np.maximum(bounds, self.least)

    def sets(self, array: FloatArray, coverage: float, by_class: bool = False) -> NDArray[np.bool_]:
        """Which labels belong to the set of each row.

        A set may be empty: no label is as typical as those of so large a share of the rows.

        Parameters
        ----------
        array : float64 array, shape (rows, classes) or (rows, labels)
        coverage : float
            Share of new rows whose true class should be in the set.
        by_class : bool, default False
            Whether to cover the rows of each class as often, not only all rows together. A class of which
            too few rows are known is in every set. Not for multilabel tasks.

        Returns
        -------
        bool array, shape (rows, classes), or (rows, labels, 2) for multilabel tasks: absent, present

        Raises
        ------
        OptionError
            If the out-of-fold rows are too few for so much coverage, or the task has no classes.
        """
        self._check(coverage, values=False)
        if by_class and self.task is not Task.MULTILABEL:
            known = [math.inf if own is None else own.upper(coverage) for own in self.classes]
            return np.asarray(1 - array <= np.array(known) + _ROUNDING)
        if by_class:
            raise OptionError(
                "Each of several labels has sets of its own, which are not made by class. Leave by_class out."
            )
        limits = np.array([scores.upper(coverage) for scores in self.scores])
        if not np.isfinite(limits).all():
            raise _too_few(min(scores.rows for scores in self.scores), coverage)
        if self.task is Task.MULTILABEL:
            each = np.stack([1 - array, array], axis=-1)
            return np.asarray(1 - each <= limits[:, None] + _ROUNDING)
        return np.asarray(1 - array <= limits + _ROUNDING)

    def _margins(self, below: Scores, above: Scores, tail: float, coverage: float) -> tuple[float, float]:
        low, high = below.lower(tail), above.upper(1 - tail)
        if not (math.isfinite(low) and math.isfinite(high)):
            raise _too_few(below.rows, coverage, 2)
        return low, high

    def _spread(self, array: FloatArray) -> FloatArray:
        return np.interp(array, self.knots, self.spreads) if self.knots else np.ones(len(array))

    def _check(self, coverage: float, *, values: bool) -> None:
        number = isinstance(coverage, (int, float, np.number)) and not isinstance(coverage, bool)
        if not (number and 0 < coverage < 1):
            raise OptionError(
                f"The coverage must lie between 0 and 1, but came as {coverage!r}. Give 0.9 for nine in ten."
            )
        if values is not (self.task in (Task.REGRESSION, Task.QUANTILE)):
            wrong, right = ("Intervals", "sets of labels") if values else ("Sets of labels", "intervals")
            raise OptionError(f"{wrong} do not exist for a {self.task} task. Ask for {right}.")

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "task": str(self.task),
            "scores": [scores.to_dict() for scores in self.scores],
            "classes": [None if scores is None else scores.to_dict() for scores in self.classes],
            "knots": list(self.knots),
            "spreads": list(self.spreads),
            "least": self.least,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Conformal:
        """Inverse of `to_dict`; ValueError, KeyError or TypeError for what cannot be one."""
        return cls(
            Task(record["task"]),
            tuple(Scores.from_dict(item) for item in record["scores"]),
            tuple(None if item is None else Scores.from_dict(item) for item in record["classes"]),
            tuple(float(value) for value in record["knots"]),
            tuple(float(value) for value in record["spreads"]),
            None if record["least"] is None else float(record["least"]),
        )


def fit_conformal(problem: Problem, target: NDArray[Any], array: FloatArray) -> Conformal | None:
    """Learn from out-of-fold rows how far the truth lies from predictions.

    Parameters
    ----------
    problem : Problem
        Resolved.
    target : array, shape (rows,), or (rows, labels)
        Values, class codes, or 0 and 1.
    array : float64 array
        Out-of-fold predictions as the final model makes them: calibrated, with quantiles moved.

    Returns
    -------
    Conformal or None
        None below 20 rows, and where values are too large for their errors to be numbers.
    """
    truth = np.asarray(target)
    if len(truth) < _FEWEST or np.abs(truth).max() > _LARGEST or not np.abs(array).max() <= _LARGEST:
        return None
    if problem.task is Task.MULTILABEL:
        probabilities = np.where(truth == 1, array, 1 - array)
        return Conformal(
            problem.task, tuple(Scores.of(1 - column, _KEPT_OF_CLASS) for column in probabilities.T)
        )
    if problem.task.is_classification:
        scores = 1 - array[np.arange(len(truth)), truth.astype(np.int64)]
        own = [scores[truth == code] for code in range(array.shape[1])]
        classes = tuple(Scores.of(part, _KEPT_OF_CLASS) if len(part) else None for part in own)
        return Conformal(problem.task, (Scores.of(scores),), classes)
    least = 0.0 if truth.min() >= 0 else None
    if problem.task is Task.QUANTILE:
        return Conformal(problem.task, tuple(Scores.of(truth - column) for column in array.T), least=least)
    knots, spreads = _usual_errors(array, np.abs(truth - array))
    usual = np.interp(array, knots, spreads) if len(knots) else 1.0
    errors = Scores.of((truth - array) / usual)
    return Conformal(problem.task, (errors,), (), tuple(knots.tolist()), tuple(spreads.tolist()), least)


def _usual_errors(array: FloatArray, errors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean errors of bins of the predicted value, drawn a little to the mean of all; nothing on few rows."""
    bins, mean = min(_MOST_KNOTS, len(array) // _ROWS_OF_KNOT), float(errors.mean())
    if bins < 2 or not mean > _SMALLEST:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(array, kind="stable")
    parts = np.array_split(order, bins)
    knots = np.maximum.accumulate(np.array([array[part].mean() for part in parts]))
    spreads = np.array(
        [(errors[part].sum() + _PRIOR_ROWS * mean) / (len(part) + _PRIOR_ROWS) for part in parts]
    )
    keep = np.append(True, np.diff(knots) > 0)
    return knots[keep], np.maximum(spreads, _LEAST_SPREAD * mean)[keep]


def _outer(levels: Sequence[float], tail: float) -> tuple[int, int]:
    """The predicted quantiles that stand next to the bounds."""
    known = np.asarray(levels, np.float64)
    return int(np.abs(known - tail).argmin()), int(np.abs(known - (1 - tail)).argmin())


def _too_few(rows: int, coverage: float, tails: int = 1) -> OptionError:
    needed = math.ceil(tails / (1 - coverage) - 1e-6) - 1
    most = math.floor(1000 * (1 - tails / (rows + 1)) + 1e-6) / 1000
    return OptionError(
        f"Coverage of {coverage:g} needs {needed} out-of-fold rows, but this model has {rows}. Ask for "
        f"{most:g} at most, or train on more rows."
    )
