"""A trained model for `explanation`: its prediction function, its source columns, and data in its types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelwright.automl.group_decisions import GroupDecisions
from modelwright.core import (
    Column,
    DataError,
    Kind,
    Label,
    OptionError,
    Predictions,
    Problem,
    Role,
    Schema,
    Task,
)
from modelwright.data import conform, conform_labelled, read_raw
from modelwright.explanation import (
    DAY,
    CounterfactualOptions,
    Counterfactuals,
    Dependence,
    DependenceOptions,
    FunctionPredictor,
    Importance,
    ImportanceOptions,
    InteractionOptions,
    Interactions,
    OutsideValue,
    SourceColumn,
    Wish,
    dependence,
    find_counterfactuals,
    interactions,
    outside_values,
    permutation_importance,
)
from modelwright.metrics import Metric, problem_metric

__all__ = ["Explained", "read_wish", "source_column", "table_row", "training_source"]

_log = logging.getLogger("modelwright")

_LOWER, _UPPER = 2, 4
"""Places of the quartiles in the statistics of a column."""


@dataclass(frozen=True)
class Explained:
    """A model as explanations need it. `Model` makes one and asks it.

    Attributes
    ----------
    predictor : FunctionPredictor
        Typed rows to predictions: calibrated probabilities, or values.
    problem : Problem
    schema : Schema
    metric : Metric
    note : str
        Why the metric is not the one of the training, if so.
    also : tuple of str
        Columns that predictions and decisions need besides the features.
    predicted : pair of float or None
        The lowest and the highest value that was predicted for rows of the training table.
    by_group : GroupDecisions or None
        Thresholds by group, where the model decides by them.
    """

    predictor: FunctionPredictor
    problem: Problem
    schema: Schema
    metric: Metric
    note: str = ""
    also: tuple[str, ...] = ()
    predicted: tuple[float, float] | None = None
    by_group: GroupDecisions | None = None

    @classmethod
    def of(
        cls,
        problem: Problem,
        schema: Schema,
        predict: Callable[[pl.DataFrame], Predictions],
        *,
        utility: Any = None,
        also: Sequence[str] = (),
        metric: Metric | None = None,
        reference: Mapping[str, Any] | None = None,
    ) -> Explained:
        """Put together what the parts of a bundle say.

        Parameters
        ----------
        problem : Problem
        schema : Schema
            Its statistics give the ranges and levels that training saw.
        predict : callable
            Typed frame to predictions.
        utility : float64 array, optional
            What decisions are worth.
        also : sequence of str
            Columns that predictions need besides the features: rows of a group are then looked at together.
        metric : Metric, optional
            The default of the task if there is none (it was a function of the caller's).
        reference : mapping, optional
            ``reference.json`` of the bundle.
        """
        outputs = problem.labels or tuple(f"{level:g}" for level in problem.quantiles)
        predictor = FunctionPredictor(
            lambda frame: predict(frame).array,
            tuple(source_column(column) for column in schema.features),
            problem.task,
            problem.classes,
            outputs,
            utility,
            bool(also),
        )
        note = ""
        if metric is None:
            metric = problem_metric(problem, "auto")
            note = f"The model does not carry its own metric, a function of yours; {metric.name} is used."
        predicted = _predicted_range(reference or {}) if problem.task is Task.REGRESSION else None
        return cls(predictor, problem, schema, metric, note, tuple(also), predicted)

    def deciding_by(self, by_group: GroupDecisions | None) -> Explained:
        """The same with thresholds by group, where a model decides by them."""
        if by_group is None:
            return self
        predictor = replace(self.predictor, decide=by_group.apply)
        also = by_group.needed(self.schema, self.also)
        return replace(self, predictor=predictor, also=also, by_group=by_group)

    def importance(self, data: Any, options: ImportanceOptions | None = None) -> Importance:
        """See `Model.importance`."""
        rows = conform_labelled(data, self.schema, self.problem, self.also)
        self._tell(rows.conformed.findings)
        self._tell(rows.findings)
        frame = rows.conformed.frame[rows.rows]
        found = permutation_importance(
            self.predictor, frame, rows.target, self.metric, weights=rows.weights, options=options
        )
        told = [self.note] if self.note else []
        unused = [name for name in self._divided_by if not self.schema[name].is_feature]
        if unused and self.metric.needs == "labels":
            names = ", ".join(map(repr, unused))
            told.append(
                f"Thresholds differ by {names}, which the model does not look at: it was not shuffled."
            )
        return replace(found, left_out=(*told, *found.left_out))

    def dependence(self, data: Any, column: str, options: DependenceOptions | None = None) -> Dependence:
        """See `Model.dependence`."""
        self._require_used(column)
        return dependence(self.predictor, self.typed(data), column, options)

    def interactions(
        self, data: Any, columns: Sequence[str] = (), options: InteractionOptions | None = None
    ) -> Interactions:
        """See `Model.interactions`."""
        for column in columns:
            self._require_used(column)
        return interactions(self.predictor, self.typed(data), columns, options)

    def counterfactuals(
        self, row: Any, wish: Any = None, options: CounterfactualOptions | None = None
    ) -> Counterfactuals:
        """See `Model.counterfactuals`."""
        chosen = options or CounterfactualOptions()
        for name in chosen.keep:
            _ = self.schema[name]  # a column that the model does not use cannot change in any case
        features = {column.name: column for column in self.schema.features}
        guarded = [name for name, column in features.items() if column.role is Role.SENSITIVE]
        guarded = [name for name in features if name in guarded or name in self._divided_by]
        kept = dict.fromkeys(name for name in (*chosen.keep, *guarded) if name in features)
        frame = self.typed(row)
        wished = _as_wish(wish)
        predictor, by_group = self._for_row(frame)
        found = find_counterfactuals(predictor, frame, wished, replace(chosen, keep=tuple(kept)))
        told = list(found.told)
        if guarded:
            told.append(f"Sensitive columns stay as they are: {', '.join(map(repr, guarded))}.")
        told += by_group
        told += [f"The row is outside of training: {each.reason}." for each in self._outside(frame)]
        if not found.found and self.predicted is not None and _is_beyond(wished, self.predicted):
            low, high = self.predicted
            told.append(f"No training row was predicted so: predictions went from {low:g} to {high:g}.")
        return replace(found, told=tuple(told))

    def outside(self, data: Any) -> tuple[OutsideValue, ...]:
        """Values of new rows that training did not see the like of; see `explanation.outside_values`."""
        return self._outside(self.typed(data))

    def typed(self, data: Any) -> pl.DataFrame:
        """Rows in the types of training: a table, or a dict that is one row.

        Raises
        ------
        SchemaMismatch, DataError
            As `Model.predict`.
        """
        is_row = isinstance(data, Mapping) and not all(
            hasattr(value, "__len__") and not isinstance(value, (str, bytes)) for value in data.values()
        )
        conformed = conform([dict(data)] if is_row else data, self.schema, self.also)
        self._tell(conformed.findings)
        return conformed.frame

    @property
    def _divided_by(self) -> tuple[str, ...]:
        """The columns by whose groups thresholds differ."""
        return () if self.by_group is None else self.by_group.names

    def _for_row(self, frame: pl.DataFrame) -> tuple[FunctionPredictor, list[str]]:
        """The predictor with what decisions are worth for the group of a single row, and that in words."""
        if self.by_group is None or frame.height != 1:
            return self.predictor, []
        threshold, told = self.by_group.of_row(frame, self.problem.classes[1])
        if threshold is None:
            return self.predictor, [told]
        # as a threshold decides, so does the larger of what both decisions are worth then
        return replace(self.predictor, utility=np.diag([threshold, 1.0 - threshold])), [told]

    def _outside(self, frame: pl.DataFrame) -> tuple[OutsideValue, ...]:
        return outside_values(self.predictor.columns, frame)

    def _require_used(self, name: str) -> None:
        column = self.schema[name]
        if not column.is_feature:
            raise OptionError(
                f"The model does not look at {name!r} ({column.role}): {column.reason or 'no feature'}. "
                "Choose one of its features."
            )

    def _tell(self, findings: Any) -> None:
        for finding in findings:
            _log.warning("%s", finding.message)


def source_column(column: Column) -> SourceColumn:
    """What training saw of a column, for explanations.

    Examples
    --------
    >>> age = Column("age", Kind.NUMERIC, statistics={"minimum": 18.0, "maximum": 90.0, "integer": True,
    ...                                               "quantiles": [18, 20, 30, 40, 50, 80, 90]})
    >>> found = source_column(age)
    >>> found.minimum, found.maximum, found.spread, found.step
    (18.0, 90.0, 10.0, 1.0)
    """
    facts, plain = column.statistics, SourceColumn(column.name, column.kind, nullable=column.nullable)
    if column.kind is Kind.NUMERIC:
        low, high = _number(facts.get("minimum")), _number(facts.get("maximum"))
        listed = facts.get("quantiles")
        quantiles = [_number(value) for value in listed] if isinstance(listed, Sequence) else []
        known = tuple(value for value in quantiles if value is not None)
        spread = (known[_UPPER] - known[_LOWER]) / 2 if len(known) > _UPPER else 0.0
        return replace(
            plain,
            minimum=low,
            maximum=high,
            quantiles=known,
            spread=spread if spread > 0 else _number(facts.get("std")) or None,
            step=1.0 if facts.get("integer") is True or column.parsing.get("dtype") == "int64" else None,
        )
    if column.kind is Kind.DATETIME:
        examples = facts.get("examples")
        listed = examples if isinstance(examples, Sequence) else ()
        ends = [_moment(facts.get("minimum")), _moment(facts.get("maximum"))]
        moments = [moment for moment in (*ends, *map(_moment, listed)) if moment is not None]
        daily = bool(moments) and all(moment % DAY == 0 for moment in moments)
        return replace(plain, minimum=ends[0], maximum=ends[1], step=DAY if daily else None)
    if column.kind is Kind.BOOLEAN:
        no, yes = (column.parsing.get(word) for word in ("false", "true"))
        return replace(plain, words=(str(no[0]), str(yes[0]))) if no and yes else plain
    if column.kind in (Kind.CATEGORICAL, Kind.LIST):
        top, known_levels = facts.get("top"), column.parsing.get("known")
        frequent = [str(pair[0]) for pair in top if isinstance(pair, Sequence) and pair] if top else []
        every = [str(level) for level in known_levels] if isinstance(known_levels, Sequence) else []
        levels = tuple(dict.fromkeys((*frequent, *every)))
        count = facts.get("items" if column.kind is Kind.LIST else "distinct")
        return replace(plain, levels=levels, complete=bool(every) or len(levels) == count)
    if column.kind is Kind.COORDINATES:
        first, last = _corner(facts.get("minimum")), _corner(facts.get("maximum"))
        return replace(plain, corners=None if first is None or last is None else (first, last))
    return plain


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < float("inf") else None


def _corner(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, Sequence) or len(value) != 2:
        return None
    north, east = _number(value[0]), _number(value[1])
    return None if north is None or east is None else (north, east)


def _moment(value: Any) -> float | None:
    """Microseconds since 1970 of a date as statistics write it."""
    try:
        moment = datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        return None
    since = moment - datetime(1970, 1, 1)
    return float(since.days * DAY + since.seconds * 1_000_000 + since.microseconds)


def _predicted_range(reference: Mapping[str, Any]) -> tuple[float, float] | None:
    try:
        values = reference["predictions"]["values"][0]
        low, high = _number(values[0]), _number(values[-1])
    except (LookupError, TypeError):
        return None
    return None if low is None or high is None else (low, high)


def _is_beyond(wish: Wish, predicted: tuple[float, float]) -> bool:
    above = wish.low is not None and wish.low > predicted[1]
    return above or (wish.high is not None and wish.high < predicted[0])


def _as_wish(wish: Wish | tuple[float | None, float | None] | Label | None) -> Wish:
    if isinstance(wish, Wish):
        return wish
    if not isinstance(wish, tuple):
        return Wish(label=wish)
    if len(wish) != 2 or not all(end is None or _number(end) is not None for end in wish):
        raise OptionError(
            f"A range of values has two ends, (low, high), either may be None; it came as {wish!r}."
        )
    return Wish(low=_number(wish[0]), high=_number(wish[1]))


def read_wish(problem: Problem, text: str) -> Wish:
    """A wish as the command line has it: a class, or ``LOW..HIGH`` of values, either end may be left out.

    Raises
    ------
    OptionError
        If values are predicted and the text is no range.

    Examples
    --------
    >>> price = Problem.of("price").resolved(Task.REGRESSION, "auto", ())
    >>> read_wish(price, "100..250.5"), read_wish(price, "..80")
    (Wish(label=None, low=100.0, high=250.5), Wish(label=None, low=None, high=80.0))
    """
    if problem.task.is_classification:
        return Wish(label=text)
    low, dots, high = text.partition("..")
    try:
        ends = [float(end) if end.strip() else None for end in (low, high)]
    except ValueError:
        dots = ""
        ends = []
    if not dots or ends == [None, None]:
        raise OptionError(
            f"The model predicts values of {problem.target!r}: wish for a range, as 100..200, 100.. or "
            f"..200, not {text!r}."
        )
    return Wish(low=ends[0], high=ends[1])


def table_row(data: Any, number: int) -> pl.DataFrame:
    """One row of a table, as it stands there, for whatever explains single rows.

    Parameters
    ----------
    data : path, frame ...
        As for `Model.predict`.
    number : int
        Counted from 0.

    Raises
    ------
    DataError
        If there is no such row.

    Examples
    --------
    >>> table_row({"age": [31, 40], "plan": ["pro", "basic"]}, 1).rows()
    [(40, 'basic')]
    """
    frame = read_raw(data).frame
    if not 0 <= number < frame.height:
        raise DataError(
            f"There is no row {number}: the data has {frame.height} rows, counted from 0. Name another."
        )
    return frame[number : number + 1]


def training_source(manifest: Mapping[str, Any]) -> str:
    """The file that a model was trained on, if it is still there and unchanged.

    Raises
    ------
    DataError
        If it is not: the message says what is missing.
    """
    facts = manifest.get("data", {})
    location, known = facts.get("location"), facts.get("sha256")
    if not location:
        raise DataError(
            "The model was trained on a table in memory, and it carries no rows. Give DATA: a table to "
            "explain it by."
        )
    try:
        there = Path(location).exists()
        found = read_raw(location, []).info.sha256 if there else ""
    except (DataError, OSError):
        there, found = False, ""
    if not there or not known or found != known:
        what = "has changed since" if there else "is not there any more"
        raise DataError(
            f"The table that the model was trained on ({location!r}) {what}, and a model carries no rows. "
            "Give DATA: a table to explain it by."
        )
    return str(location)
