"""Two trained models on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.automl.judged_rows import (
    GIVEN,
    OUT_OF_FOLD,
    JudgedRows,
    is_training_data,
    judged_rows,
    out_of_fold_rows,
)
from modelwright.automl.loading import load_model
from modelwright.automl.model import Model
from modelwright.core import OptionError, Predictions, Problem, Task, to_jsonable
from modelwright.evaluation import PairedComparison, compare_predictions
from modelwright.evaluation.bootstrap import OUT_OF_FOLD_SPREAD
from modelwright.metrics import Metric, problem_metric

__all__ = ["ModelComparison", "compare"]

_FEWEST = 10
"""Rows in common, below which models are not compared."""

_ALSO = {
    Task.BINARY: ("roc_auc", "average_precision", "log_loss", "brier", "accuracy"),
    Task.MULTICLASS: ("log_loss", "accuracy", "balanced_accuracy", "f1_macro"),
    Task.REGRESSION: ("rmse", "mae", "r2"),
    Task.MULTILABEL: ("roc_auc", "log_loss", "f1_macro", "accuracy"),
    Task.QUANTILE: ("pinball",),
}


@dataclass(frozen=True)
class ModelComparison:
    """Two models compared.

    Attributes
    ----------
    names : tuple of str
    source : str
        ``"out-of-fold"``: rows of the training table that neither model had seen when it predicted them; else
        ``"given"``.
    rows : int
    comparisons : tuple of PairedComparison
        By the metric of the first model, then by others.
    notes : tuple of str
        What should be known of the rows: above all, whether one of the models was trained on them.
    """

    names: tuple[str, str]
    source: str
    rows: int
    comparisons: tuple[PairedComparison, ...]
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Which is better, in words."""
        return self.comparisons[0].sentence

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the sentence."""
        record: dict[str, Any] = to_jsonable(
            {
                "names": self.names,
                "source": self.source,
                "rows": self.rows,
                "sentence": self.sentence,
                "comparisons": [each.to_dict() for each in self.comparisons],
                "notes": self.notes,
            }
        )
        return record


def compare(
    first: Model | str | Path,
    second: Model | str | Path,
    data: Any = None,
    *,
    workspace: str | Path | None = None,
    names: tuple[str, str] | None = None,
    seed: int = 0,
) -> ModelComparison:
    """Compare two models on the same rows, pair by pair.

    Parameters
    ----------
    first, second : Model, str or Path
        Of the same target and task; models, paths of bundles or names in the workspace.
    data : table with the target column, optional
        Rows that neither was trained on. By default the out-of-fold rows that both have in common, if they
        were trained on the same table.
    workspace : str or Path, optional
        Where names are looked up. Default: ``.modelwright``.
    names : tuple of str, optional
        What sentences call the models. Default: their names, or the text that they were named by.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ModelComparison
        Its ``sentence`` says which is better, or that they cannot be told apart; ``comparisons`` holds the
        numbers by each metric, and ``notes`` what should be known of the rows.

    Raises
    ------
    OptionError
        If they predict different things, or there are no rows to compare them on.
    SchemaMismatch
        As for `Model.evaluate`.
    """
    one, other = (_loaded(given, workspace) for given in (first, second))
    _check_same(one.problem, other.problem)
    called = _called(names or (_name(first), _name(second)))
    if data is not None and not (is_training_data(one, data) and is_training_data(other, data)):
        mine, theirs, notes = _given((one, other), data, called)
    else:
        mine, theirs, notes = _in_common((one, other), called)
    if len(mine.target) < _FEWEST:
        raise OptionError(
            f"The models have {len(mine.target)} rows in common, but a comparison needs {_FEWEST} at least. "
            "Give more rows with the target."
        )
    spread = OUT_OF_FOLD_SPREAD if OUT_OF_FOLD in (mine.source, theirs.source) else 1.0
    said = (mine.predictions, _reordered(theirs.predictions, other.problem, one.problem))
    comparisons = tuple(
        compare_predictions(
            metric,
            mine.target,
            dict(zip(called, said, strict=True)),
            weights=mine.weights,
            groups=mine.groups,
            spread=spread,
            seed=seed,
        )
        for metric in _metrics(one, other)
    )
    source = OUT_OF_FOLD if mine.source == theirs.source == OUT_OF_FOLD else GIVEN
    told = (*notes, *_notes_of_rows(called, mine, theirs), *_notes_of_problems(one, other, called))
    return ModelComparison(called, source, len(mine.target), comparisons, told)


def _loaded(given: Model | str | Path, workspace: str | Path | None) -> Model:
    return given if isinstance(given, Model) else load_model(str(given), workspace)


def _name(given: Model | str | Path) -> str:
    return given.name if isinstance(given, Model) else str(given)


def _called(names: tuple[str, str]) -> tuple[str, str]:
    """Two different names."""
    one, other = names
    return (one, other) if one != other else (f"{one} (A)", f"{other} (B)")


def _check_same(one: Problem, other: Problem) -> None:
    """Refuse models whose predictions mean different things.

    Raises
    ------
    OptionError
    """
    facts = {
        "targets": (one.targets, other.targets),
        "tasks": (str(one.task), str(other.task)),
        "classes": (sorted(map(repr, one.classes)), sorted(map(repr, other.classes))),
        "pairs of classes": (one.label_classes, other.label_classes),
        "quantiles": (one.quantiles, other.quantiles),
    }
    for what, (mine, theirs) in facts.items():
        if mine != theirs:
            raise OptionError(
                f"Two models are compared on what both predict, but their {what} differ: {_listed(mine)} and "
                f"{_listed(theirs)}. Name two models of the same target."
            )


def _listed(values: Any) -> str:
    if isinstance(values, str):
        return repr(values)
    shown = ", ".join(map(str, list(values)[:8]))
    return f"{shown}, ..." if len(values) > 8 else shown or "none"


def _metrics(one: Model, other: Model) -> tuple[Metric, ...]:
    """The metric of the first model, that of the second, and the usual ones; each once."""
    own = [model.problem.metric for model in (one, other) if model.metric is not None]
    known = one.problem if one.problem.costs else replace(one.problem, costs=other.problem.costs)
    found: dict[str, Metric] = {}
    for name in (*own, *_ALSO[one.problem.task]):
        metric = problem_metric(known, name)
        found.setdefault(metric.name, metric)
    return tuple(found.values())


def _notes_of_rows(called: tuple[str, str], mine: JudgedRows, theirs: JudgedRows) -> tuple[str, ...]:
    """What is to be known of the rows: once where it holds for both models, else with the name of one."""
    shared = tuple(note for note in mine.notes if note in theirs.notes)
    own = (
        f"{name}: {note}"
        for name, rows in zip(called, (mine, theirs), strict=True)
        for note in rows.notes
        if note not in shared
    )
    return (*shared, *own)


def _notes_of_problems(one: Model, other: Model, called: tuple[str, str]) -> tuple[str, ...]:
    """Where the models were trained for different ends, whose count."""
    found = []
    if one.problem.task is Task.BINARY and one.problem.classes != other.problem.classes:
        found.append(
            f"The positive class is {one.problem.classes[1]!r}, as {called[0]} has it; {called[1]} was "
            "trained with the other one."
        )
    if sorted(one.problem.costs, key=str) != sorted(other.problem.costs, key=str):
        whose = called[0] if one.problem.costs else called[1]
        found.append(f"The models were trained for different costs; where costs count, those of {whose} do.")
    return tuple(found)


def _reordered(predictions: Predictions, own: Problem, wanted: Problem) -> Predictions:
    """Predictions with the classes in the order of another problem."""
    if own.classes == wanted.classes or not own.classes:
        return predictions
    order = np.array([own.classes.index(label) for label in wanted.classes])
    utility, decided = predictions.utility, predictions.decided
    return Predictions(
        predictions.array[:, order],
        None if utility is None else np.asarray(utility)[np.ix_(order, order)],
        None if decided is None else np.argsort(order)[decided].astype(np.int64),
    )


def _given(
    models: tuple[Model, Model], data: Any, called: tuple[str, str]
) -> tuple[JudgedRows, JudgedRows, tuple[str, ...]]:
    """The rows of given data that both can be judged on, and whether one of them was trained on these."""
    rows: list[JudgedRows] = []
    notes: list[str] = []
    for name, model in zip(called, models, strict=True):
        known = out_of_fold_rows(model) if is_training_data(model, data) else None
        rows.append(judged_rows(model, data) if known is None else known)
        if known is not None:
            notes.append(
                f"{name} was trained on these rows: its out-of-fold predictions stand in, which make it look "
                "a little worse than it is."
            )
    return (*_shared(rows[0], rows[1]), tuple(notes))


def _in_common(
    models: tuple[Model, Model], called: tuple[str, str]
) -> tuple[JudgedRows, JudgedRows, tuple[str, ...]]:
    """The out-of-fold rows that both models have.

    Raises
    ------
    OptionError
        If they were not trained on the same table, or a bundle has no such rows.
    """
    hashes = [model.manifest["data"].get("sha256") for model in models]
    if not hashes[0] or hashes[0] != hashes[1]:
        raise OptionError(
            f"{called[0]} and {called[1]} were trained on different tables, so they have no rows in common. "
            "Give rows with the target that neither was trained on."
        )
    found = []
    for name, model in zip(called, models, strict=True):
        rows = out_of_fold_rows(model)
        if rows is None:
            raise OptionError(
                f"{name} has no out-of-fold rows with it: an earlier version of Modelwright wrote it. Give "
                "rows with the target that neither was trained on."
            )
        found.append(rows)
    note = (
        "The rows are out-of-fold rows of the training table, by which both models were also chosen: "
        "intervals are wider for it."
    )
    return (*_shared(found[0], found[1]), (note,))


def _shared(one: JudgedRows, other: JudgedRows) -> tuple[JudgedRows, JudgedRows]:
    """The rows that both have, in the same order."""
    _, mine, theirs = np.intersect1d(one.rows, other.rows, assume_unique=True, return_indices=True)
    return one.take(mine.astype(np.int64)), other.take(theirs.astype(np.int64))
