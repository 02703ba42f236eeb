"""What explanations ask of a model: a prediction function over typed frames, and what its columns are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import polars as pl

from modelwright.core import (
    DataError,
    FloatArray,
    IntArray,
    Kind,
    Label,
    Predictions,
    Task,
    UnknownName,
    nearest,
)

__all__ = [
    "DAY",
    "ORDERED",
    "FunctionPredictor",
    "Predictor",
    "SourceColumn",
    "as_numbers",
    "describe_columns",
    "find_column",
    "of_numbers",
    "output_names",
    "plain_value",
    "predict_changed",
    "sampled_rows",
    "shown_cell",
    "shown_outputs",
    "shown_value",
    "with_values",
]

ORDERED = (Kind.NUMERIC, Kind.DATETIME)
"""Kinds whose values lie on a line. Dates are counted in microseconds since 1970, as polars does."""

DAY = 86_400_000_000.0
"""Microseconds of a day."""

_MOST_LEVELS = 1_000
_BATCH = 10_000
"""Rows that are predicted at once: enough to make calls cheap, few enough to keep a deadline."""


@dataclass(frozen=True)
class SourceColumn:
    """One column that a model looks at, as training saw it.

    Attributes
    ----------
    name : str
    kind : Kind
    minimum, maximum : float or None
        Of numbers and dates (`ORDERED`) in training.
    quantiles : tuple of float
        Values of training that are spread over its rows, ascending.
    spread : float or None
        Median absolute deviation, or what stands for it: the unit in which changes are measured.
    step : float or None
        What values are multiples of: 1 of whole numbers, `DAY` of dates without a time; None: nothing.
    levels : tuple of str
        Of a category, the most frequent first; the items of lists.
    complete : bool
        Whether `levels` are all that training saw.
    nullable : bool
        Whether training saw missing values.
    words : pair of str
        What the table writes for False and for True.
    corners : pair of (latitude, longitude) or None
        Of places: the south-western and the north-eastern corner of the box that those of training lie in.
    """

    name: str
    kind: Kind
    minimum: float | None = None
    maximum: float | None = None
    quantiles: tuple[float, ...] = ()
    spread: float | None = None
    step: float | None = None
    levels: tuple[str, ...] = ()
    complete: bool = True
    nullable: bool = False
    words: tuple[str, str] = ("no", "yes")
    corners: tuple[tuple[float, float], tuple[float, float]] | None = None


class Predictor(Protocol):
    """A model as explanations see it. `FunctionPredictor` makes one of a function."""

    @property
    def task(self) -> Task:
        """What it predicts."""
        ...

    @property
    def classes(self) -> tuple[Label, ...]:
        """Class labels in the order of the outputs; empty for values."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of several targets or quantiles; empty for everything else."""
        ...

    @property
    def columns(self) -> tuple[SourceColumn, ...]:
        """The columns that it looks at."""
        ...

    @property
    def utility(self) -> FloatArray | None:
        """What decisions are worth; see `core.Predictions`."""
        ...

    @property
    def rows_together(self) -> bool:
        """Whether a row's prediction depends on the other rows of the frame, as group features make it."""
        ...

    def predict(self, frame: pl.DataFrame) -> FloatArray:
        """Predictions of a typed frame: float64, shape (rows,) or (rows, outputs)."""
        ...

    def decided(self, frame: pl.DataFrame, array: FloatArray) -> Predictions:
        """What `predict` said of a frame, with the class that is decided for in each row."""
        ...


@dataclass(frozen=True)
class FunctionPredictor:
    """A function as a `Predictor`.

    Attributes
    ----------
    function : callable
        Frame to float64 array, shape (rows,) of values or (rows, outputs).
    columns : tuple of SourceColumn
    task, classes, outputs, utility, rows_together
        As in `Predictor`.
    decide : callable or None
        From predictions and the frame that they are of to predictions with decisions, where these depend on
        more than probabilities: thresholds that differ by group.

    Examples
    --------
    >>> frame = pl.DataFrame({"x": [1.0, 2.0]})
    >>> double = FunctionPredictor(lambda rows: 2 * rows["x"].to_numpy(), describe_columns(frame))
    >>> double.predict(frame).tolist()
    [2.0, 4.0]
    """

    function: Callable[[pl.DataFrame], FloatArray]
    columns: tuple[SourceColumn, ...]
    task: Task = Task.REGRESSION
    classes: tuple[Label, ...] = ()
    outputs: tuple[str, ...] = ()
    utility: FloatArray | None = None
    rows_together: bool = False
    decide: Callable[[Predictions, pl.DataFrame], Predictions] | None = None

    def predict(self, frame: pl.DataFrame) -> FloatArray:
        """What the function says."""
        return np.asarray(self.function(frame), dtype=np.float64)

    def decided(self, frame: pl.DataFrame, array: FloatArray) -> Predictions:
        """The predictions with their decisions."""
        plain = Predictions(array, self.utility)
        return plain if self.decide is None else self.decide(plain, frame)


def describe_columns(frame: pl.DataFrame) -> tuple[SourceColumn, ...]:
    """The columns of a typed frame, described by its own rows.

    Parameters
    ----------
    frame : polars.DataFrame
        As `data.Table` has it: numbers, String, Boolean, Datetime, lists.

    Examples
    --------
    >>> column, = describe_columns(pl.DataFrame({"age": [20.0, 30.0, 50.0]}))
    >>> column.minimum, column.maximum, column.spread, column.step
    (20.0, 50.0, 10.0, 1.0)
    """
    return tuple(_described(series) for series in frame.get_columns())


def _described(series: pl.Series) -> SourceColumn:
    name, nullable = series.name, series.null_count() > 0
    if series.dtype == pl.Boolean:
        return SourceColumn(name, Kind.BOOLEAN, nullable=nullable)
    if isinstance(series.dtype, pl.List):
        return SourceColumn(name, Kind.LIST, nullable=nullable)
    if series.dtype == pl.String:
        counts: dict[str, int] = {}
        for level in series.drop_nulls().to_list():
            counts[level] = counts.get(level, 0) + 1
        levels = sorted(counts, key=lambda level: (-counts[level], level))
        shown = tuple(levels[:_MOST_LEVELS])
        return SourceColumn(
            name, Kind.CATEGORICAL, levels=shown, complete=len(shown) == len(levels), nullable=nullable
        )
    kind = Kind.DATETIME if series.dtype.is_temporal() else Kind.NUMERIC
    values = as_numbers(series)
    values = values[np.isfinite(values)]
    if not len(values):
        return SourceColumn(name, kind, nullable=nullable)
    unit = DAY if kind is Kind.DATETIME else 1.0
    return SourceColumn(
        name,
        kind,
        float(values.min()),
        float(values.max()),
        tuple(np.quantile(values, np.linspace(0, 1, 11)).tolist()),
        float(np.median(np.abs(values - np.median(values)))) or None,
        unit if np.all(values % unit == 0) else None,
        nullable=nullable,
    )


def find_column(predictor: Predictor, name: str) -> SourceColumn:
    """One of the columns that a model looks at.

    Raises
    ------
    UnknownName
        If there is none of that name; it says which is nearest.
    """
    for column in predictor.columns:
        if column.name == name:
            return column
    known = [column.name for column in predictor.columns]
    raise UnknownName(
        f"The model looks at no column {name!r}.{nearest(name, known)} Its columns: "
        f"{', '.join(known[:12])}{', ...' if len(known) > 12 else ''}."
    )


def as_numbers(series: pl.Series) -> FloatArray:
    """Numbers, flags (0 and 1) and dates (microseconds since 1970) as float64, NaN where missing.

    Examples
    --------
    >>> as_numbers(pl.Series([1.5, None])).tolist()
    [1.5, nan]
    >>> as_numbers(pl.Series([datetime(1970, 1, 2)])).tolist() == [DAY]
    True
    """
    # Polars takes a name like ^a.*$ for a pattern, even in methods of a series that bears it.
    values = series.alias("values")
    if values.dtype.is_temporal():
        values = values.cast(pl.Datetime("us")).cast(pl.Int64)
    return np.asarray(values.cast(pl.Float64).to_numpy(), dtype=np.float64)


def of_numbers(values: FloatArray, dtype: pl.DataType) -> pl.Series:
    """Inverse of `as_numbers`: a series of a type, null where NaN.

    Examples
    --------
    >>> of_numbers(np.array([DAY, np.nan]), pl.Datetime("us")).to_list()
    [datetime.datetime(1970, 1, 2, 0, 0), None]
    """
    series = pl.Series("values", np.asarray(values, dtype=np.float64)).fill_nan(None)
    if dtype == pl.Boolean:
        return series > 0.5
    if dtype.is_temporal():
        return series.round(0).cast(pl.Int64).cast(pl.Datetime("us")).cast(dtype)
    return series.round(0).cast(dtype) if dtype.is_integer() else series.cast(dtype)


def with_values(frame: pl.DataFrame, values: Mapping[str, pl.Series]) -> pl.DataFrame:
    """A frame with some of its columns replaced; their order stays.

    Examples
    --------
    >>> with_values(pl.DataFrame({"a": [1], "b": [2]}), {"a": pl.Series([7])}).rows()
    [(7, 2)]
    """
    return pl.DataFrame(
        [
            values[series.name].alias(series.name) if series.name in values else series
            for series in frame.get_columns()
        ]
    )


def predict_changed(
    predictor: Predictor, frame: pl.DataFrame, changes: Sequence[Mapping[str, pl.Series]]
) -> list[FloatArray]:
    """Predictions of a frame under each of several changes of its columns, many rows at a time.

    Parameters
    ----------
    predictor : Predictor
    frame : polars.DataFrame
    changes : sequence of mapping
        Column to new values, one for each row.

    Returns
    -------
    list of float64 array, each of shape (rows,) or (rows, outputs)
    """
    together = 1 if predictor.rows_together else max(1, _BATCH // max(frame.height, 1))
    found: list[FloatArray] = []
    for start in range(0, len(changes), together):
        frames = [with_values(frame, change) for change in changes[start : start + together]]
        whole = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True)
        array = predictor.predict(whole)
        found.extend(array[at * frame.height : (at + 1) * frame.height] for at in range(len(frames)))
    return found


def output_names(predictor: Predictor) -> tuple[str, ...]:
    """Names of what `shown_outputs` gives: the positive class of two, every class, targets, quantiles."""
    if predictor.task is Task.BINARY:
        return (str(predictor.classes[1]),)
    if predictor.task.is_classification:
        return tuple(str(label) for label in predictor.classes)
    return predictor.outputs or ("prediction",)


def shown_outputs(predictor: Predictor, array: FloatArray) -> FloatArray:
    """Predictions as float64, shape (rows, outputs); of two classes only the probability of the positive one.

    Raises
    ------
    DataError
        If the function gave something else.
    """
    matrix = array[:, None] if array.ndim == 1 else array
    if predictor.task is Task.BINARY and matrix.shape[1] == 2:
        matrix = matrix[:, 1:]
    expected = len(output_names(predictor))
    if matrix.ndim != 2 or matrix.shape[1] != expected:
        raise DataError(
            f"The prediction function of a {predictor.task} task gave an array of shape {array.shape}; "
            f"expected {expected} output{'s' if expected > 1 else ''} for each row."
        )
    return matrix


def sampled_rows(rows: int, most: int, random: np.random.Generator) -> IntArray:
    """Row numbers, ascending: all, or a random part of them where there are more than wanted."""
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(random.permutation(rows)[:most]).astype(np.int64)


def plain_value(value: Any) -> Any:
    """A cell as JSON knows it: dates in ISO form, whole numbers without a decimal point.

    Examples
    --------
    >>> plain_value(3.0), plain_value(datetime(2024, 1, 5)), plain_value(None)
    (3, '2024-01-05', None)
    """
    if isinstance(value, datetime):
        text = value.isoformat(sep=" ", timespec="seconds")
        return text.removesuffix(" 00:00:00")
    if isinstance(value, float):
        if value != value:
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value


def shown_value(value: Any) -> str:
    """A cell in words.

    Examples
    --------
    >>> [shown_value(value) for value in (None, True, 12.0, 0.123456789, "gold")]
    ['missing', 'yes', '12', '0.123457', 'gold']
    """
    plain = plain_value(value)
    if plain is None:
        return "missing"
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    return f"{plain:.6g}" if isinstance(plain, float) else str(plain)


def shown_cell(column: SourceColumn, value: Any) -> str:
    """A cell of a column in words: flags as the table writes them.

    Examples
    --------
    >>> shown_cell(SourceColumn("smoker", Kind.BOOLEAN, words=("f", "t")), True)
    't'
    """
    return column.words[value] if isinstance(value, bool) else shown_value(value)
