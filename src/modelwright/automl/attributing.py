"""Explanations of single predictions: what each column of a row added to what the model said of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from modelwright.automl.explaining import source_column
from modelwright.automl.group_decisions import GroupDecisions
from modelwright.automl.typical_rows import typical_rows
from modelwright.core import (
    DataError,
    Finding,
    FloatArray,
    IntArray,
    Kind,
    Label,
    OptionError,
    Predictions,
    Problem,
    Schema,
    SchemaMismatch,
    Task,
    View,
    nearest,
    to_jsonable,
)
from modelwright.data import Caller, RowReader, conform, single_row, to_caller
from modelwright.ensemble import Ensemble
from modelwright.explanation import (
    Attributions,
    OutsideValue,
    RowReasons,
    SourceColumn,
    Wording,
    attribute,
    outside_values,
    row_reasons,
)
from modelwright.features import Featurizer, RowFeaturizer

__all__ = ["Explanation", "RowExplainer"]

_log = logging.getLogger("modelwright")

_MOST_CELLS = 50_000_000
"""Rows times columns times outputs that one explanation may hold: 800 MB."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the columns of some rows added to their predictions. `Model.explain` makes one.

    Attributes
    ----------
    attributions : Attributions
        The numbers, on two scales.
    problem : Problem
    rows : polars.DataFrame
        The rows in the types of training.
    outside : tuple of OutsideValue
        Values that training did not see the like of: what is said of these rows is an extrapolation.
    decided : int64 array, shape (rows,)
        The output that reasons are given for by default: the class decided for, the most probable label, the
        middle quantile.
    caller : Caller
        The kind of object that the data came in.
    words : mapping of str to pair of str
        What the table writes for no and for yes in its columns of flags.
    told : tuple of str
        How it was decided, where that differs by group.
    """

    attributions: Attributions
    problem: Problem
    rows: pl.DataFrame
    outside: tuple[OutsideValue, ...]
    decided: IntArray
    caller: Caller
    words: Mapping[str, tuple[str, str]]
    told: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Source columns, the second axis of `values` and `effects`."""
        return self.attributions.columns

    @property
    def outputs(self) -> tuple[Label | float, ...]:
        """What the last axis of `values` stands for: of two classes the second one."""
        problem = self.problem
        if problem.task is Task.MULTILABEL:
            return problem.labels
        if problem.task is Task.QUANTILE:
            return problem.quantiles
        if problem.task is Task.BINARY:
            return problem.classes[1:]
        return problem.classes if problem.task.is_classification else (problem.target,)

    @property
    def values(self) -> FloatArray:
        """Additions on the raw scale, shape (rows, columns, outputs)."""
        return self.attributions.values

    @property
    def base(self) -> FloatArray:
        """Where additions on the raw scale begin, shape (outputs,)."""
        return self.attributions.base

    @property
    def raw(self) -> FloatArray:
        """The predictions on the raw scale, shape (rows, outputs)."""
        return self.attributions.raw

    @property
    def effects(self) -> FloatArray:
        """Additions on the scale of predictions, shape (rows, columns, outputs)."""
        return self.attributions.effects

    @property
    def predictions(self) -> FloatArray:
        """Probabilities or values, shape (rows, outputs)."""
        return self.attributions.predictions

    @property
    def scale(self) -> str:
        """The raw scale: ``"value"``, ``"log-odds"`` or ``"log-probability"``."""
        return self.attributions.scale

    @property
    def sampled(self) -> tuple[str, ...]:
        """Members of the ensemble whose additions are estimates; those of all others are exact."""
        return self.attributions.sampled

    @property
    def importance(self) -> dict[str, float]:
        """Mean absolute addition of each column on the raw scale, largest first."""
        return self.attributions.importance

    def reasons(self, k: int = 3, output: Label | None = None) -> tuple[RowReasons, ...]:
        """For each row, the columns that speak for its prediction and against it, in words.

        Parameters
        ----------
        k : int, default 3
            Columns for it, and as many against it, at most.
        output : label, optional
            A class, label or quantile to talk about; by default what was decided for.

        Raises
        ------
        OptionError
            If there is no such output, or ``k`` is less than 1.
        """
        if k < 1:
            raise OptionError(f"Reasons must be 1 or more for each row, but k is {k!r}.")
        names = self._names
        chosen = self.decided.tolist()
        if output is not None:
            chosen = [self._place(output)] * len(chosen)
        cells = {(value.row, value.column): value.reason for value in self.outside}
        chances = self.problem.task.is_classification or self.problem.task is Task.MULTILABEL
        wording = Wording(names, chances, self._cell, cells, self._subjects)
        return tuple(
            row_reasons(self.attributions, row, place, wording, k) for row, place in enumerate(chosen)
        )

    def frame(self, output: Label | None = None, scale: str = "raw") -> Any:
        """Additions as a frame with a column for each source column, in the kind of the data.

        Parameters
        ----------
        output : label, optional
            Needed where there are several.
        scale : {"raw", "prediction"}, default "raw"

        Raises
        ------
        OptionError
            If the output is not named, or there is no such output or scale.
        """
        if scale not in ("raw", "prediction"):
            raise OptionError(f"The scale must be 'raw' or 'prediction', but came as {scale!r}.")
        array = self.values if scale == "raw" else self.effects
        place, sign = 0, 1.0
        if output is not None:
            place = self._place(output)
            if self.problem.task is Task.BINARY:
                place, sign = 0, 1.0 if place else -1.0
        elif array.shape[2] > 1:
            raise OptionError(f"There are additions to {', '.join(self._names[:10])}: name one as output.")
        return to_caller(sign * array[:, :, place], self.caller, self.columns)

    def to_dict(self, k: int = 3) -> dict[str, Any]:
        """A JSON-able record: numbers, reasons and what is outside of training.

        Parameters
        ----------
        k : int, default 3
            As for `reasons`.
        """
        found = self.attributions
        record: dict[str, Any] = to_jsonable(
            {
                "target": self.problem.target,
                "columns": list(self.columns),
                "outputs": list(self.outputs),
                "scale": found.scale,
                "base": found.base.tolist(),
                "raw": found.raw.tolist(),
                "values": found.values.tolist(),
                "effect_base": found.effect_base.tolist(),
                "predictions": found.predictions.tolist(),
                "effects": found.effects.tolist(),
                "sampled": list(found.sampled),
                "outside": [value.to_dict() for value in self.outside],
                "told": list(self.told),
                "reasons": [each.to_dict() for each in self.reasons(k)],
            }
        )
        return record

    @property
    def _names(self) -> tuple[str, ...]:
        every = self.problem.classes if self.problem.task is Task.BINARY else self.outputs
        return tuple(str(each) for each in every)

    @property
    def _subjects(self) -> tuple[str, ...]:
        """What reasons speak of, where the name of an output alone would not tell."""
        problem = self.problem
        if problem.task is Task.QUANTILE:
            return tuple(f"the {level:g} quantile of {problem.target}" for level in problem.quantiles)
        if problem.task is Task.MULTILABEL:
            pairs = zip(problem.labels, problem.label_classes, strict=True)
            return tuple(f"the probability of {label} = {str(pair[1])!r}" for label, pair in pairs)
        return ()

    def _place(self, output: Label | float) -> int:
        names = self._names
        if str(output) not in names:
            raise OptionError(
                f"The model has no output {output!r}.{nearest(str(output), names)} Known: "
                f"{', '.join(names[:10])}."
            )
        return names.index(str(output))

    def _cell(self, row: int, column: str) -> Any:
        if column not in self.rows.columns:
            return None
        value = self.rows[column][row]
        if isinstance(value, pl.Series):
            return ", ".join(map(str, value.to_list()))
        return self.words[column][value] if column in self.words and isinstance(value, bool) else value


@dataclass(frozen=True, eq=False)
class RowExplainer:
    """Explains rows by the parts of a model.

    Attributes
    ----------
    ensemble : Ensemble
    featurizer : Featurizer
    problem : Problem
    schema : Schema
    by_group : GroupDecisions or None
        Thresholds by group, where the model decides by them.
    """

    ensemble: Ensemble
    featurizer: Featurizer
    problem: Problem
    schema: Schema
    by_group: GroupDecisions | None = None

    @property
    def _also(self) -> tuple[str, ...]:
        also = self.featurizer.also
        return also if self.by_group is None else self.by_group.needed(self.schema, also)

    @cached_property
    def _reader(self) -> RowReader:
        return RowReader(self.schema, self._also)

    @cached_property
    def _known(self) -> tuple[SourceColumn, ...]:
        return tuple(source_column(column) for column in self.schema.features)

    @cached_property
    def _single(self) -> RowFeaturizer:
        return RowFeaturizer(self.featurizer, self._reader.types)

    def explain(self, data: Any, background: Any = None) -> Explanation:
        """See `Model.explain`."""
        frame, view, caller = self._read(data)
        outputs = max(1, self.problem.outputs)
        cells = view.rows * len(self.schema.features) * outputs
        if cells > _MOST_CELLS:
            most = max(1, _MOST_CELLS // max(1, len(self.schema.features) * outputs))
            raise OptionError(
                f"An explanation of {view.rows} rows would hold {cells} numbers, more than fit well into "
                f"memory. Explain at most {most} rows at once."
            )
        others = None if background is None else self._read(background)[1]
        if others is not None and not others.rows:
            raise DataError(
                "The background of an explanation has no row. Give rows to compare with, or none."
            )
        names = [column.name for column in self.schema.features]
        found = attribute(
            self.ensemble,
            view,
            columns=names,
            background=lambda: self._typical if others is None else others,
        )
        return Explanation(
            attributions=found,
            problem=self.problem,
            rows=frame,
            outside=outside_values(self._known, frame),
            decided=self._decided(found.predictions, frame),
            caller=caller,
            words=self._words,
            told=self._told(frame),
        )

    def _read(self, data: Any) -> tuple[pl.DataFrame, View, Caller]:
        """Rows in the types of training, and what learners see of them."""
        found = single_row(data, self._reader.types)
        if found is not None:
            row, caller = found
            try:
                typed = self._reader.read(row)
            except (SchemaMismatch, DataError):
                if row is data:
                    raise
                # a table is refused below, with all of its columns at hand for a hint
            else:
                _tell(typed.findings)
                cells = [pl.Series(n, [v], self._reader.types[n]) for n, v in typed.values.items()]
                return pl.DataFrame(cells), self._single.transform(typed.values), caller
        conformed = conform(data, self.schema, self._also)
        _tell(conformed.findings)
        return conformed.frame, self.featurizer.transform(conformed.frame), conformed.caller

    @cached_property
    def _typical(self) -> View:
        return self.featurizer.transform(typical_rows(self._reader.columns, self._reader.types))

    @cached_property
    def _words(self) -> dict[str, tuple[str, str]]:
        found = {}
        for column in self.schema.features:
            no, yes = (column.parsing.get(word, ()) for word in ("false", "true"))
            if column.kind is Kind.BOOLEAN and no and yes:
                found[column.name] = (str(no[0]), str(yes[0]))
        return found

    def _decided(self, array: FloatArray, frame: pl.DataFrame) -> IntArray:
        """The output that each row is about, as a place among the names of outputs."""
        task = self.problem.task
        if task is Task.QUANTILE:
            middle = np.argmin(np.abs(np.asarray(self.problem.quantiles) - 0.5))
            return np.full(len(array), middle, np.int64)
        if task is Task.MULTILABEL:
            return np.asarray(np.argmax(array, axis=1), np.int64)
        if not task.is_classification:
            return np.zeros(len(array), np.int64)
        shares = np.hstack([1.0 - array, array]) if task is Task.BINARY else array
        predictions = Predictions(shares, self.ensemble.utility)
        return predictions.codes if self.by_group is None else self.by_group.apply(predictions, frame).codes

    def _told(self, frame: pl.DataFrame) -> tuple[str, ...]:
        """How rows are decided, where that differs by group."""
        if self.by_group is None or not frame.height:
            return ()
        if frame.height == 1:
            return (self.by_group.of_row(frame, self.problem.classes[1])[1],)
        names = ", ".join(map(repr, self.by_group.names))
        return (f"Each row is decided by the threshold of its group of {names}.",)


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings:
        _log.warning("%s", finding.message)
