"""How a model performs in every respect that its task has: curves, decisions, residuals, weak slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from modelwright.automl.judged_rows import OUT_OF_FOLD, Judged, JudgedRows, judged_rows
from modelwright.automl.outcome_values import Values, outcome_values, value_columns
from modelwright.core import FloatArray, Label, Problem, Task, to_jsonable
from modelwright.evaluation import (
    CalibrationCurve,
    CellValues,
    ClassCurves,
    ConfusionMatrix,
    Resampling,
    Residuals,
    SliceReport,
    ThresholdTable,
    bootstrap_scores,
    calibration_curves,
    class_curves,
    confusion_matrix,
    decision_threshold,
    find_slices,
    one_against_rest,
    residuals_of,
    score_interval,
    threshold_table,
)
from modelwright.evaluation.bootstrap import OUT_OF_FOLD_SPREAD

__all__ = ["Performance", "performance", "performance_on", "row_losses"]

_MIDDLE = 0.5


@dataclass(frozen=True)
class Performance:
    """How a model performs on some rows.

    Attributes
    ----------
    source : str
        ``"out-of-fold"``: rows of the training data, each predicted by models that had not seen it. They
        chose the model, which flatters a little. ``"given"``: rows that the caller gave.
    rows : int
    metric : str
    score, low, high : float or None
        By the metric of the training, with the 95% interval; None for a function of the caller's.
    curves : tuple of ClassCurves
        ROC, precision-recall and gain curves; empty for values.
    calibration : tuple of CalibrationCurve
    confusion : tuple of ConfusionMatrix
        One; of several labels one each; empty for values.
    thresholds : tuple of ThresholdTable
        Of the positive class, or of each label.
    residuals : Residuals or None
        Of values; of quantiles those of the one nearest to the median.
    slices : SliceReport or None
        Where it is worst; None where the columns are not at hand.
    notes : tuple of str
        What is missing and why, and what else should be known.
    """

    source: str
    rows: int
    metric: str
    score: float | None
    low: float | None
    high: float | None
    curves: tuple[ClassCurves, ...]
    calibration: tuple[CalibrationCurve, ...]
    confusion: tuple[ConfusionMatrix, ...]
    thresholds: tuple[ThresholdTable, ...]
    residuals: Residuals | None
    slices: SliceReport | None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record; each part as its own `to_dict` has it."""
        parts = ("curves", "calibration", "confusion", "thresholds")
        record: dict[str, Any] = {
            **{name: value for name, value in vars(self).items() if name not in parts},
            **{name: [part.to_dict() for part in getattr(self, name)] for name in parts},
            "residuals": None if self.residuals is None else self.residuals.to_dict(),
            "slices": None if self.slices is None else self.slices.to_dict(),
        }
        jsonable: dict[str, Any] = to_jsonable(record)
        return jsonable


def performance(
    model: Judged,
    data: Any = None,
    *,
    costs: Values | None = None,
    gains: Values | None = None,
    seed: int = 0,
) -> Performance:
    """Judge a model in every respect that its task has.

    Parameters
    ----------
    model : Model
    data : table with the target column, optional
        Rows that the model was not trained on. By default the out-of-fold rows in its bundle; slices then
        need the training table where training found it.
    costs, gains : mapping of (actual, predicted) to float or str, optional
        What decisions cost or bring, by label, for two classes: a number, or the name of a column that holds
        one for each row. The recommended threshold is then the one that brings most. By default the costs
        that the model was trained with, else the threshold of the best F1 is recommended.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Performance

    Raises
    ------
    OptionError
        If there are no rows to judge by, or costs and gains make no sense.
    SchemaMismatch
        As for `Model.evaluate`.
    """
    rows = judged_rows(model, data, value_columns(model.schema, costs, gains))
    return performance_on(model, rows, costs=costs, gains=gains, seed=seed)


def performance_on(
    model: Judged,
    rows: JudgedRows,
    *,
    costs: Values | None = None,
    gains: Values | None = None,
    seed: int = 0,
) -> Performance:
    """Judge a model by rows that are at hand already.

    Parameters
    ----------
    model : Model
    rows : JudgedRows
    costs, gains, seed
        As for `performance`.
    """
    problem = model.problem
    values = outcome_values(problem, costs, gains, rows.frame)
    score, low, high = _scored(model, rows, seed)
    labels: Sequence[Label] = problem.labels or problem.classes
    shared: dict[str, Any] = {"weights": rows.weights, "groups": rows.groups}
    curves: tuple[ClassCurves, ...] = ()
    calibration: tuple[CalibrationCurve, ...] = ()
    residuals = None
    if labels:
        curves = class_curves(rows.target, rows.predictions.array, labels, seed=seed, **shared)
        calibration = calibration_curves(rows.target, rows.predictions.array, labels, **shared)
    else:
        residuals = residuals_of(rows.target, _middle(problem, rows), rows=rows.rows, **shared)
    slices, reason = _slices(model, rows, seed)
    return Performance(
        source=rows.source,
        rows=len(rows.target),
        metric=problem.metric,
        score=score,
        low=low,
        high=high,
        curves=curves,
        calibration=calibration,
        confusion=_confusion(problem, rows),
        thresholds=_thresholds(problem, rows, values, seed),
        residuals=residuals,
        slices=slices,
        notes=(*rows.notes, *reason),
    )


def row_losses(problem: Problem, rows: JudgedRows) -> tuple[str, FloatArray]:
    """What each row loses, in terms that people know, and what that is called.

    Of classes the squared error of the probabilities (Brier, 1950), which has a bound; of values the
    absolute error, of quantiles the mean pinball loss.
    """
    target, array = rows.target, rows.predictions.array
    if problem.task is Task.REGRESSION:
        return "mean absolute error", np.abs(target - array)
    if problem.task is Task.QUANTILE:
        levels = np.asarray(problem.quantiles)
        off = np.asarray(target, np.float64)[:, None] - array
        return "mean pinball loss", np.maximum(levels * off, (levels - 1) * off).mean(axis=1)
    if problem.task is Task.MULTILABEL:
        return "mean squared error of the probabilities", np.square(array - target).mean(axis=1)
    truth = np.eye(array.shape[1])[np.asarray(target, np.int64)]
    return "mean squared error of the probabilities", np.square(array - truth).sum(axis=1) / 2


def _scored(model: Judged, rows: JudgedRows, seed: int) -> tuple[float | None, float | None, float | None]:
    """The score by the metric of the training, and its interval."""
    metric = model.metric
    if metric is None:
        return None, None, None
    score = metric.score(rows.target, rows.predictions, rows.weights)
    drawn = bootstrap_scores(
        metric, rows.target, [rows.predictions], weights=rows.weights, groups=rows.groups, seed=seed
    )
    spread = OUT_OF_FOLD_SPREAD if rows.source == OUT_OF_FOLD else 1.0
    low, high = score_interval(drawn[:, 0], score, metric=metric, rows=len(rows.target), spread=spread)
    numbers = [float(value) if np.isfinite(value) else None for value in (score, low, high)]
    return numbers[0], numbers[1], numbers[2]


def _middle(problem: Problem, rows: JudgedRows) -> FloatArray:
    """The value that is predicted; of quantiles the one nearest to the median."""
    array = rows.predictions.array
    if problem.task is not Task.QUANTILE:
        return array
    nearest = int(np.argmin(np.abs(np.asarray(problem.quantiles) - _MIDDLE)))
    return array[:, nearest]


def _confusion(problem: Problem, rows: JudgedRows) -> tuple[ConfusionMatrix, ...]:
    """The matrix of the decisions; of several labels one each."""
    shared: dict[str, Any] = {"weights": rows.weights, "groups": rows.groups}
    if problem.task is Task.MULTILABEL:
        decided = rows.predictions.label_codes
        return tuple(
            confusion_matrix(rows.target[:, at], decided[:, at], problem.label_classes[at], **shared)
            for at in range(len(problem.labels))
        )
    if not problem.task.is_classification:
        return ()
    return (confusion_matrix(rows.target, rows.predictions.codes, problem.classes, **shared),)


def _thresholds(
    problem: Problem, rows: JudgedRows, values: CellValues | None, seed: int
) -> tuple[ThresholdTable, ...]:
    """Every threshold of the positive class, or of each label."""
    utility = rows.predictions.utility
    if problem.task is Task.BINARY:
        # Where decisions differ by group, no single threshold is the model's own.
        by_group = rows.predictions.decided is not None
        used = None if by_group else decision_threshold(utility)
        own: dict[Label, float | None] = {problem.classes[1]: used}
    elif problem.task is Task.MULTILABEL:
        given = np.full(len(problem.labels), _MIDDLE) if utility is None else utility
        own = {name: float(value) for name, value in zip(problem.labels, given, strict=True)}
    else:
        return ()
    asked = one_against_rest(rows.target, rows.predictions.array, problem.labels or problem.classes)
    plan = Resampling.of(
        len(rows.target), weights=rows.weights, groups=rows.groups, seed=seed, curves=2 * max(1, len(asked))
    )
    found = []
    for each in asked:
        used = own[each.label]
        references = {"0.5": _MIDDLE}
        if used is not None and used != _MIDDLE:
            references["the model's own"] = used
        found.append(
            threshold_table(
                each.positive, each.scores, each.label, values=values, references=references, plan=plan
            )
        )
    return tuple(found)


def _slices(model: Judged, rows: JudgedRows, seed: int) -> tuple[SliceReport | None, tuple[str, ...]]:
    """Where the model is worst, by the columns that it uses."""
    if rows.frame is None:
        return None, ()
    name, losses = row_losses(model.problem, rows)
    if not np.isfinite(losses).all():
        return None, ("Some losses are not finite, so that no slices can be compared.",)
    frame = pl.DataFrame([rows.frame[column.name] for column in model.schema.features])
    report = find_slices(losses, frame, loss_name=name, weights=rows.weights, groups=rows.groups, seed=seed)
    return report, ()
