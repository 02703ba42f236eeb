"""How predictions change with one column: partial dependence, ICE curves and accumulated local effects."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import DataError, FloatArray, Kind, OptionError, generator
from modelwright.explanation.grouping import associations_with
from modelwright.explanation.level_order import order_levels
from modelwright.explanation.predictor import (
    ORDERED,
    Predictor,
    SourceColumn,
    as_numbers,
    find_column,
    of_numbers,
    output_names,
    plain_value,
    predict_changed,
    sampled_rows,
    shown_cell,
    shown_outputs,
)

__all__ = ["Dependence", "DependenceOptions", "DependencePoint", "dependence"]

_FEWEST_ROWS = 10
_MOST_NEIGHBOURS = 200
"""Other columns that are asked whether they move together with this one."""

_MOST_NUMBERS = 5_000_000
"""Predictions (points x rows x outputs) that are held at once."""

_RELATED = 0.5
_NEAR = 0.1
"""Rows count as near a value within this share of the range from the 5% to the 95% quantile."""

_KINDS = (*ORDERED, Kind.BOOLEAN, Kind.CATEGORICAL)


@dataclass(frozen=True)
class DependenceOptions:
    """How the dependence on a column is measured.

    Attributes
    ----------
    points : int, default 20
        Values that are looked at: quantiles of numbers and dates, the most frequent levels of categories.
    rows : int, default 1,000
        Most rows that are used.
    curves : int, default 30
        Rows whose own curves are kept.
    seconds : float or None, default 60
        What it may take: fewer rows are used where that is not enough. None: no decision reads the clock.
    seed : int, default 0
    """

    points: int = 20
    rows: int = 1_000
    curves: int = 30
    seconds: float | None = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.points < 2 or self.rows < _FEWEST_ROWS or self.curves < 0:
            raise OptionError(
                f"Dependence needs 2 points or more, {_FEWEST_ROWS} rows or more and no negative number of "
                f"curves, but came with {self.points}, {self.rows} and {self.curves}."
            )


@dataclass(frozen=True)
class DependencePoint:
    """What is predicted at one value of the column.

    Attributes
    ----------
    value : object
        As JSON knows it; None for a missing value.
    label : str
        The value in words.
    mean : tuple of float
        Partial dependence: mean prediction of all rows with this value, one for each output.
    low, high : tuple of float
        The 10% and the 90% quantile of the rows' predictions there.
    effect : tuple of float or None
        Accumulated local effect: by how much predictions are above (or below) their mean because of this
        value; None for a missing value and for columns with one value.
    rows : int
        Rows that have this value (categories, flags, missing) or lie in the interval that ends there.
    near : float
        Share of the rows near the value: where it is close to 0 the prediction is an extrapolation.
    outside : bool
        Whether training saw no such value.
    """

    value: Any
    label: str
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    effect: tuple[float, ...] | None
    rows: int
    near: float
    outside: bool = False


@dataclass(frozen=True)
class Dependence:
    """How predictions depend on one column.

    Attributes
    ----------
    column : str
    kind : Kind
    outputs : tuple of str
        ``"prediction"``; of two classes the positive one; every class; targets; quantiles.
    average : tuple of float
        Mean prediction of the rows as they are.
    points : tuple of DependencePoint
        In the order of the values, categories by their frequency; a missing value last.
    curves : float64 array, shape (curves, points, outputs)
        Centred ICE curves: how the prediction of single rows differs from that at the first point.
    related : tuple of (str, float)
        Columns that move together with this one, and how strongly: partial dependence then averages over
        rows that do not exist, and accumulated local effects are the ones to trust.
    rows, given : int
        Rows that were used, of those given.
    left_out : tuple of str
        What was not done, in sentences.
    """

    column: str
    kind: Kind
    outputs: tuple[str, ...]
    average: tuple[float, ...]
    points: tuple[DependencePoint, ...]
    curves: FloatArray
    related: tuple[tuple[str, float], ...]
    rows: int
    given: int
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            **{name: value for name, value in vars(self).items() if name not in ("points", "curves")},
            "kind": str(self.kind),
            "points": [dict(vars(point)) for point in self.points],
            "curves": np.round(self.curves, 6).tolist(),
        }


def dependence(
    predictor: Predictor, frame: pl.DataFrame, column: str, options: DependenceOptions | None = None
) -> Dependence:
    """Partial dependence, ICE curves and accumulated local effects of one column.

    Partial dependence (Friedman, 2001) is the mean prediction when every row is given the same value; ICE
    curves (Goldstein et al., 2015) are the rows it averages over. Accumulated local effects (Apley and Zhu,
    2020) add up how predictions change when rows move a little, from where they are: they need no row that
    does not exist. Levels of categories are put side by side by the likeness of their rows in the other
    columns, as Apley and Zhu do.

    Parameters
    ----------
    predictor : Predictor
    frame : polars.DataFrame
        Typed rows to average over.
    column : str
        Of numbers, dates, flags or categories.
    options : DependenceOptions, optional

    Raises
    ------
    UnknownName
        If the model looks at no such column.
    OptionError
        If the column holds texts, lists or places.
    DataError
        With fewer than 10 rows, or where the column is missing in all of them.

    Examples
    --------
    >>> from modelwright.explanation.predictor import FunctionPredictor, describe_columns
    >>> frame = pl.DataFrame({"x": [float(value) for value in range(10)]})
    >>> model = FunctionPredictor(lambda rows: 2 * rows["x"].to_numpy(), describe_columns(frame))
    >>> found = dependence(model, frame, "x", DependenceOptions(points=4))
    >>> [(point.label, point.mean[0], round(point.effect[0], 6)) for point in found.points][:2]
    [('0', 0.0, -9.0), ('3', 6.0, -3.0)]
    """
    chosen = options or DependenceOptions()
    described = find_column(predictor, column)
    if described.kind not in _KINDS:
        raise OptionError(
            f"The dependence on a column is drawn for numbers, dates, flags and categories, but {column!r} "
            f"holds {described.kind} values. Choose another column."
        )
    if frame.height < _FEWEST_ROWS:
        raise DataError(f"Dependence needs {_FEWEST_ROWS} rows or more, but {frame.height} came. Give more.")
    width = len(output_names(predictor)) * (chosen.points + 1)
    most = min(chosen.rows, max(_FEWEST_ROWS, _MOST_NUMBERS // width))
    most = frame.height if predictor.rows_together else most
    part, told = _affordable(predictor, frame, most, chosen)
    base = shown_outputs(predictor, predictor.predict(part))
    grid = _grid(described, part, chosen.points)
    curves = _curves(predictor, part, grid)
    effects = _effects(grid, curves[: len(grid.values)]) if len(grid.values) > 1 else None
    points = [_point(grid, place, curves[place], effects) for place in range(len(grid.cells))]
    order = list(range(len(points)))
    if described.kind is Kind.CATEGORICAL:
        order.sort(key=lambda place: (points[place].value is None, -points[place].rows))
    kept = sampled_rows(part.height, chosen.curves, generator(chosen.seed, "curves"))
    if part.height < frame.height:
        told.append(f"{part.height:,} of {frame.height:,} rows, drawn at random, were used.")
    centred = curves[order] - curves[order[0]]
    return Dependence(
        column,
        described.kind,
        output_names(predictor),
        tuple(base.mean(axis=0).tolist()),
        tuple(points[place] for place in order),
        np.swapaxes(centred[:, kept], 0, 1),
        _related(predictor, part, described),
        part.height,
        frame.height,
        (*told, *grid.told),
    )


def _affordable(
    predictor: Predictor, frame: pl.DataFrame, most: int, options: DependenceOptions
) -> tuple[pl.DataFrame, list[str]]:
    """So many rows as can be predicted in time at every point."""
    part = frame[sampled_rows(frame.height, most, generator(options.seed, "dependence"))]
    if options.seconds is None:
        return part, []
    predictor.predict(part if predictor.rows_together else part[:_FEWEST_ROWS])  # loads what is loaded once
    start = time.monotonic()
    predictor.predict(part)
    whole = (time.monotonic() - start) * (options.points + 3)
    if whole <= options.seconds:
        return part, []
    count = max(_FEWEST_ROWS, int(part.height * options.seconds / whole))
    fewer = part[sampled_rows(part.height, count, generator(options.seed, "affordable"))]
    return fewer, [f"Fewer rows ({count:,}) were used than asked for: more would have taken too long."]


@dataclass(frozen=True)
class _Grid:
    """The values that are looked at.

    Attributes
    ----------
    column : SourceColumn
    values : float64 array
        Numbers of an ordered column, or 0, 1, ... for the levels; without the missing value.
    cells : tuple
        The values as cells of the column; None last where it is missing in some rows.
    place : float64 array, shape (rows,)
        Each row's own number, or the place of its level; NaN where missing or of a level that is left out.
    missing : int
        Rows in which the column is missing.
    told : tuple of str
    """

    column: SourceColumn
    values: FloatArray
    cells: tuple[Any, ...]
    place: FloatArray
    missing: int = 0
    told: tuple[str, ...] = ()

    @property
    def is_ordered(self) -> bool:
        """Whether rows lie between the values."""
        return self.column.kind in ORDERED


def _grid(column: SourceColumn, frame: pl.DataFrame, points: int) -> _Grid:
    series = frame[column.name]
    missing = series.null_count()
    if missing == len(series):
        raise DataError(f"The column {column.name!r} is missing in all rows: give rows that have it.")
    more: tuple[Any, ...] = (None,) if missing else ()
    if column.kind in ORDERED:
        place = as_numbers(series)
        known = np.sort(place[np.isfinite(place)])
        values = np.unique(known)
        if len(values) > points:
            values = np.unique(np.quantile(known, np.linspace(0, 1, points), method="inverted_cdf"))
        return _Grid(column, values, (*of_numbers(values, series.dtype).to_list(), *more), place, missing)
    cells = series.to_list()
    counts = Counter(cell for cell in cells if cell is not None)
    if column.kind is Kind.BOOLEAN:
        order = sorted(counts)
    else:
        frequent = sorted(counts, key=lambda level: (-counts[level], level))[:points]
        order = order_levels(frame, column.name, frequent)
    places = {level: float(at) for at, level in enumerate(order)}
    place = np.array([places.get(cell, np.nan) for cell in cells])
    told = () if len(counts) == len(order) else (f"{len(counts) - len(order)} rarer levels are left out.",)
    return _Grid(column, np.arange(len(order), dtype=np.float64), (*order, *more), place, missing, told)


def _curves(predictor: Predictor, frame: pl.DataFrame, grid: _Grid) -> FloatArray:
    """Predictions of every row at every cell, shape (cells, rows, outputs)."""
    name = grid.column.name
    dtype = frame[name].dtype
    changes = [{name: pl.Series("values", [cell] * frame.height, dtype=dtype)} for cell in grid.cells]
    arrays = predict_changed(predictor, frame, changes)
    return np.stack([shown_outputs(predictor, array) for array in arrays])


def _effects(grid: _Grid, curves: FloatArray) -> FloatArray:
    """Accumulated local effects at each value, shape (values, outputs), zero on average over the rows."""
    steps = np.zeros((len(grid.values), curves.shape[2]))
    for upper in range(1, len(grid.values)):
        rows = _between(grid, upper)
        if rows.any():
            steps[upper] = (curves[upper, rows] - curves[upper - 1, rows]).mean(axis=0)
    effects = np.cumsum(steps, axis=0)
    known = grid.place[np.isfinite(grid.place)]
    if grid.is_ordered:
        means = [np.interp(known, grid.values, line).mean() for line in effects.T]
    else:
        means = effects[known.astype(np.int64)].mean(axis=0)
    centred: FloatArray = effects - np.asarray(means)
    return centred


def _between(grid: _Grid, upper: int) -> NDArray[np.bool_]:
    """The rows whose prediction is moved from one value to the next: those between, or of either level."""
    low, high = grid.values[upper - 1], grid.values[upper]
    from_here = grid.place >= low if upper == 1 or not grid.is_ordered else grid.place > low
    return np.asarray(from_here & (grid.place <= high))


def _point(grid: _Grid, place: int, curve: FloatArray, effects: FloatArray | None) -> DependencePoint:
    cell = grid.cells[place]
    missing = cell is None
    low, high = np.quantile(curve, [0.1, 0.9], axis=0)
    if missing:
        rows = near = grid.missing
    elif grid.is_ordered:
        value = grid.values[place]
        lower = grid.values[place - 1] if place else -np.inf
        rows = int(np.sum((grid.place > lower) & (grid.place <= value)))
        ends = np.nanquantile(grid.place, [0.05, 0.95])
        near = int(np.sum(np.abs(grid.place - value) <= _NEAR * (ends[1] - ends[0])))
    else:
        rows = near = int(np.sum(grid.place == place))
    return DependencePoint(
        plain_value(cell),
        shown_cell(grid.column, cell),
        tuple(curve.mean(axis=0).tolist()),
        tuple(low.tolist()),
        tuple(high.tolist()),
        None if missing or effects is None else tuple(effects[place].tolist()),
        rows,
        near / len(grid.place),
        not grid.column.nullable if missing else _is_outside(grid, place),
    )


def _is_outside(grid: _Grid, place: int) -> bool:
    column = grid.column
    if grid.is_ordered:
        lowest = -np.inf if column.minimum is None else column.minimum
        highest = np.inf if column.maximum is None else column.maximum
        return not lowest <= grid.values[place] <= highest
    return bool(column.levels) and column.complete and grid.cells[place] not in column.levels


def _related(
    predictor: Predictor, frame: pl.DataFrame, column: SourceColumn
) -> tuple[tuple[str, float], ...]:
    """The three columns that move most with this one."""
    others = [other for other in predictor.columns if other.name != column.name][:_MOST_NEIGHBOURS]
    strengths = associations_with(frame, column, others).tolist()
    pairs = [(other.name, round(s, 3)) for other, s in zip(others, strengths, strict=True) if s >= _RELATED]
    return tuple(sorted(pairs, key=lambda pair: -pair[1])[:3])
