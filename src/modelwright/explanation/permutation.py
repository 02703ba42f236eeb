"""Permutation importance: how much worse predictions become when a column's values are shuffled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import (
    DataError,
    Deadline,
    FloatArray,
    IntArray,
    OptionError,
    UnknownName,
    generator,
    nearest,
)
from modelwright.explanation.grouping import MOST_COLUMNS, THRESHOLD, group_columns
from modelwright.explanation.predictor import Predictor, predict_changed, sampled_rows, with_values
from modelwright.metrics import Metric, Scorer

__all__ = ["ColumnImportance", "Importance", "ImportanceOptions", "permutation_importance"]

_FEWEST_ROWS = 20
_SCREENED_FROM = 60
"""Columns and groups from which on few rows say first which of them are worth all rows."""

_SCREEN_ROWS, _FEWEST_SCREENED = 500, 100
_DRAWS, _COSTLY_DRAWS = 40, 15
"""Bootstrap draws of the rows."""

_WIDTH = 2.02
"""Standard deviations on each side of a 95% interval, from so few draws."""


@dataclass(frozen=True)
class ImportanceOptions:
    """How permutation importance is measured.

    Attributes
    ----------
    repeats : int, default 5
        Shuffles of each column.
    rows : int, default 5,000
        Most rows that are used.
    seconds : float or None, default 120
        What it may take; with None no decision reads the clock.
    threshold : float, default 0.8
        Association from which columns form a group.
    seed : int, default 0
    """

    repeats: int = 5
    rows: int = 5_000
    seconds: float | None = 120.0
    threshold: float = THRESHOLD
    seed: int = 0

    def __post_init__(self) -> None:
        if self.repeats < 1 or self.rows < _FEWEST_ROWS or not 0 < self.threshold <= 1:
            raise OptionError(
                f"Importance needs repeats of 1 or more, {_FEWEST_ROWS} rows or more and a threshold between "
                f"0 and 1, but came with {self.repeats}, {self.rows} and {self.threshold:g}."
            )


@dataclass(frozen=True)
class ColumnImportance:
    """What shuffling one column, or a group of columns together, costs.

    Attributes
    ----------
    columns : tuple of str
        One, or those of a group.
    increase : float
        Of the error; about 0 for a column that the model does not use, slightly below by chance.
    low, high : float
        95% interval, over shuffles and rows.
    repeats : int
        Shuffles that were made.
    screened : bool
        Whether it was measured on few rows only, where it seemed not worth more.
    twins : tuple of str
        Of a single column: the others of its group. Shuffling one alone costs little where a twin tells
        the model the same: look at the group then.
    """

    columns: tuple[str, ...]
    increase: float
    low: float
    high: float
    repeats: int
    screened: bool = False
    twins: tuple[str, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return asdict(self)


@dataclass(frozen=True)
class Importance:
    """Permutation importance of every column and every group.

    Attributes
    ----------
    metric : str
    score, error : float
        Of the unchanged rows; the error is the distance from the best possible score.
    columns : tuple of ColumnImportance
        The most important first.
    groups : tuple of ColumnImportance
        Columns that say much the same, shuffled together.
    rows, given : int
        Rows that were used, of those given.
    left_out : tuple of str
        What was not done, in sentences.
    """

    metric: str
    score: float
    error: float
    columns: tuple[ColumnImportance, ...]
    groups: tuple[ColumnImportance, ...]
    rows: int
    given: int
    left_out: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> ColumnImportance:
        for entry in self.columns:
            if entry.columns == (name,):
                return entry
        known = [entry.columns[0] for entry in self.columns]
        raise UnknownName(f"No importance of a column {name!r} is known.{nearest(name, known)}")

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return asdict(self)


def permutation_importance(
    predictor: Predictor,
    frame: pl.DataFrame,
    target: NDArray[Any],
    metric: Metric,
    *,
    weights: FloatArray | None = None,
    options: ImportanceOptions | None = None,
) -> Importance:
    """How much the error grows when the values of a column are shuffled (Breiman, 2001; Fisher et al., 2019).

    Groups of columns that say much the same are shuffled together as well (`grouping`), since a column with
    a twin seems useless alone. With many columns, 500 rows say first which are worth all rows. The interval
    joins the scatter of the shuffles with that of the rows (bootstrap; Efron, 1979).

    Parameters
    ----------
    predictor : Predictor
    frame : polars.DataFrame
        Typed rows, best ones that the model was not fitted on: on others a column that was learned by heart
        looks important.
    target : array, shape (rows,) or (rows, labels)
        Class codes or values, as the metric takes them.
    metric : Metric
    weights : float64 array, shape (rows,), optional
    options : ImportanceOptions, optional

    Returns
    -------
    Importance

    Raises
    ------
    DataError
        With fewer than 20 rows, or where the metric is undefined on them.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> from modelwright.explanation.predictor import FunctionPredictor, describe_columns
    >>> from modelwright.metrics import get_metric
    >>> random = np.random.default_rng(0)
    >>> frame = pl.DataFrame({"used": random.normal(size=200), "noise": random.normal(size=200)})
    >>> model = FunctionPredictor(lambda rows: 3 * rows["used"].to_numpy(), describe_columns(frame))
    >>> target = 3 * frame["used"].to_numpy()
    >>> found = permutation_importance(model, frame, target, get_metric("rmse", Task.REGRESSION))
    >>> [entry.columns[0] for entry in found.columns], found["noise"].increase
    (['used', 'noise'], 0.0)
    """
    chosen = options or ImportanceOptions()
    if frame.height < _FEWEST_ROWS:
        raise DataError(
            f"Importance needs {_FEWEST_ROWS} rows or more with a known target, but {frame.height} came. "
            "Give more rows."
        )
    deadline = Deadline.after(chosen.seconds)
    groups = group_columns(frame, predictor.columns, chosen.threshold, chosen.seed)
    most = frame.height if predictor.rows_together else chosen.rows
    rows = sampled_rows(frame.height, most, generator(chosen.seed, "importance rows"))
    judge = _Judge.of(predictor, frame, target, metric, weights, rows, chosen)
    units = [*groups, *((column.name,) for column in predictor.columns)]
    found, left_out = _measured(judge, units, chosen, deadline)
    if len(rows) < frame.height:
        left_out.insert(0, f"{len(rows):,} of {frame.height:,} rows, drawn at random, were used.")
    if len(predictor.columns) > MOST_COLUMNS:
        left_out.append(f"Groups were not looked for: there are more than {MOST_COLUMNS:,} columns.")
    twins = {name: tuple(other for other in group if other != name) for group in groups for name in group}
    entries = [replace(e, twins=twins.get(e.columns[0], ())) for e in found if len(e.columns) == 1]
    return Importance(
        metric.name,
        judge.score,
        metric.error_of(judge.score),
        _ranked(entries),
        _ranked([entry for entry in found if len(entry.columns) > 1]),
        len(rows),
        frame.height,
        tuple(left_out),
    )


def _ranked(entries: Sequence[ColumnImportance]) -> tuple[ColumnImportance, ...]:
    """The most important first; of equal ones in the order of the columns."""
    return tuple(sorted(entries, key=_place))


_Unit = tuple[str, ...]


@dataclass(frozen=True)
class _Judge:
    """Rows with everything that is the same for each column that is shuffled."""

    predictor: Predictor
    frame: pl.DataFrame
    target: NDArray[Any]
    metric: Metric
    weights: FloatArray | None
    shuffles: tuple[IntArray, ...]
    draws: tuple[FloatArray, ...]
    score: float
    seconds: float
    base_errors: FloatArray = field(repr=False)

    @classmethod
    def of(
        cls,
        predictor: Predictor,
        frame: pl.DataFrame,
        target: NDArray[Any],
        metric: Metric,
        weights: FloatArray | None,
        rows: IntArray,
        options: ImportanceOptions,
    ) -> _Judge:
        """Predict the unchanged rows, and find out how long that takes.

        Raises
        ------
        DataError
            If the metric is undefined on these rows.
        """
        part, known = frame[rows], np.asarray(target)[rows]
        own = None if weights is None else np.asarray(weights, dtype=np.float64)[rows]
        random = generator(options.seed, "importance")
        shuffles = tuple(random.permutation(len(rows)) for _ in range(options.repeats))
        times = random.integers(0, len(rows), (_COSTLY_DRAWS if metric.costly else _DRAWS, len(rows)))
        counts = [np.bincount(drawn, minlength=len(rows)).astype(np.float64) for drawn in times]
        draws = tuple(each if own is None else each * own for each in counts)
        predictor.predict(part[:2] if not predictor.rows_together else part)  # loads what is loaded once
        start = time.monotonic()
        base = predictor.predict(part)
        seconds = time.monotonic() - start
        scorer = metric.scorer(known, predictor.decided(part, base))
        score = _scored(scorer, own)
        if not np.isfinite(score):
            raise DataError(
                f"The metric {metric.name!r} is undefined on these {len(rows)} rows (one class only, or a "
                "constant target). Give rows on which the model can be scored."
            )
        errors = np.array([metric.error_of(_scored(scorer, each)) for each in draws])
        return cls(predictor, part, known, metric, own, shuffles, draws, score, seconds, errors)

    def increase(self, unit: _Unit, repeats: int, screened: bool = False) -> ColumnImportance:
        """What shuffling these columns together costs."""
        changes = [
            {name: self.frame[name].gather(order) for name in unit} for order in self.shuffles[:repeats]
        ]
        arrays = predict_changed(self.predictor, self.frame, changes)
        decided = self.predictor.decided
        said = [decided(with_values(self.frame, each), array) for each, array in zip(changes, arrays)]
        scorers = [self.metric.scorer(self.target, predictions) for predictions in said]
        error = self.metric.error_of
        # differences first: for a column that changes nothing they are exactly zero
        grown = np.array([error(_scored(scorer, self.weights)) for scorer in scorers]) - error(self.score)
        drawn = np.array([[error(_scored(scorer, each)) for scorer in scorers] for each in self.draws])
        over_rows = (drawn - self.base_errors[:, None]).mean(axis=1)
        increase = float(grown.mean())
        half = _WIDTH * float(np.sqrt(_variance(over_rows) + _variance(grown) / repeats))
        return ColumnImportance(unit, increase, increase - half, increase + half, repeats, screened)


def _variance(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.var(ddof=1)) if len(known) > 1 else 0.0


def _scored(scorer: Scorer, weights: FloatArray | None) -> float:
    try:
        return float(scorer(weights))
    except Exception:  # a metric from elsewhere may be undefined on a resample, and fail in any way it likes
        return float("nan")


def _measured(
    judge: _Judge, units: Sequence[_Unit], options: ImportanceOptions, deadline: Deadline
) -> tuple[list[ColumnImportance], list[str]]:
    """Each unit once, by few rows where there are too many for all of them; and what was not done."""
    found: dict[_Unit, ColumnImportance] = {}
    order = list(units)
    if len(units) > _SCREENED_FROM or judge.seconds * options.repeats * len(units) > deadline.remaining:
        found = _screened(judge, units, deadline)
        if found:
            order = sorted(order, key=lambda unit: _place(found.get(unit)))[:_SCREENED_FROM]
    shuffles: list[int] = []
    cost = max(judge.seconds, 1e-9)
    for unit in order:
        fitting = options.repeats
        if options.seconds is not None:
            fitting = min(fitting, int(max(deadline.remaining, 0.0) / cost))
        if fitting < 1 and found:
            break
        start, count = time.monotonic(), max(fitting, 1)
        found[unit] = judge.increase(unit, count)
        shuffles.append(count)
        cost = max(cost, (time.monotonic() - start) / count)
    fewest = min(shuffles, default=options.repeats)
    told = _not_done(units, found, None if fewest == options.repeats else fewest)
    return [found[unit] for unit in units if unit in found], told


def _place(entry: ColumnImportance | None) -> float:
    """What sorts the most important first, and what is not known last."""
    return -entry.increase if entry is not None and np.isfinite(entry.increase) else np.inf


def _not_done(units: Sequence[_Unit], found: dict[_Unit, ColumnImportance], fewest: int | None) -> list[str]:
    """What was left out, in sentences."""
    told: list[str] = []
    screened = sum(entry.screened for entry in found.values())
    if screened:
        told.append(
            f"{screened} of {len(units)} columns and groups were measured on {_SCREEN_ROWS} rows at most, "
            "with one shuffle: the others mattered more there, or time was up."
        )
    if fewest is not None:
        plural = "s" if fewest > 1 else ""
        told.append(f"Time allowed no more than {fewest} shuffle{plural} for some columns.")
    missed = [unit for unit in units if unit not in found]
    if missed:
        names = ", ".join(repr(unit[0]) for unit in missed[:5])
        told.append(
            f"Time was up before {len(missed)} of {len(units)} columns and groups were looked at ({names}"
            f"{', ...' if len(missed) > 5 else ''}). Give more seconds."
        )
    return told


def _screened(judge: _Judge, units: Sequence[_Unit], deadline: Deadline) -> dict[_Unit, ColumnImportance]:
    """A first measure of each unit on few rows with one shuffle, in at most half of the time."""
    few = min(judge.frame.height, _SCREEN_ROWS)
    if np.isfinite(deadline.remaining):  # fewer rows rather than fewer columns
        each = max(deadline.remaining, 0.0) / 2 / len(units)
        affordable = int(judge.frame.height * each / max(judge.seconds, 1e-9))
        few = min(few, max(affordable, _FEWEST_SCREENED))
    rows = np.linspace(0, judge.frame.height - 1, few).astype(np.int64)
    one = ImportanceOptions(repeats=1, seconds=None)
    try:
        small = _Judge.of(judge.predictor, judge.frame, judge.target, judge.metric, judge.weights, rows, one)
    except DataError:  # the metric is undefined on so few rows
        return {}
    half = Deadline.after(deadline.remaining / 2 if np.isfinite(deadline.remaining) else None)
    found: dict[_Unit, ColumnImportance] = {}
    for unit in units:
        if half.passed and found:
            break
        found[unit] = small.increase(unit, 1, screened=True)
    return found
