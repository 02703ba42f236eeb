"""A trained model: loaded from its bundle, it predicts, scores and explains where it came from."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelwright.automl.attributing import Explanation, RowExplainer
from modelwright.automl.bundle import copy_bundle, open_bundle, read_part
from modelwright.automl.evidence import read_conformal
from modelwright.automl.explaining import Explained
from modelwright.automl.fairness import (
    given_fairness,
    labelled_groups,
    recorded_fairness,
    trained_columns,
)
from modelwright.automl.group_decisions import GroupDecisions, read_group_decisions
from modelwright.automl.learning_curve import learning_curve
from modelwright.automl.ledger import LedgerEntry, read_ledger
from modelwright.automl.outcome_values import Values
from modelwright.automl.performance import Performance, performance
from modelwright.automl.plugins import read_plugins, require_plugins
from modelwright.automl.reporting import write_report
from modelwright.automl.terms import OutputTerms, read_terms
from modelwright.automl.uncertainty import abstained, measured_coverage
from modelwright.core import (
    BundleError,
    DataError,
    Finding,
    Label,
    OptionError,
    Predictions,
    Problem,
    Schema,
    SchemaMismatch,
    Task,
)
from modelwright.data import (
    Caller,
    Conformed,
    LabelledRows,
    RowReader,
    columns_to_caller,
    conform,
    conform_labelled,
    sets_to_caller,
    single_row,
    to_caller,
)
from modelwright.ensemble import Conformal, Ensemble
from modelwright.evaluation import (
    CoverageRow,
    FairnessReport,
    Leaderboard,
    LearningCurve,
    ParetoTable,
    bootstrap_scores,
    score_interval,
)
from modelwright.explanation import (
    CounterfactualOptions,
    Counterfactuals,
    Dependence,
    DependenceOptions,
    Importance,
    ImportanceOptions,
    InteractionOptions,
    Interactions,
)
from modelwright.features import Featurizer, RowFeaturizer
from modelwright.learners import LEARNERS
from modelwright.metrics import Metric, coverage, problem_metric

__all__ = ["Model"]

_log = logging.getLogger("modelwright")

_REPORTED = {
    Task.BINARY: (
        "roc_auc", "average_precision", "log_loss", "brier", "accuracy", "balanced_accuracy",
        "precision", "recall", "f1", "mcc",
    ),
    Task.MULTICLASS: ("log_loss", "accuracy", "balanced_accuracy", "f1_macro", "mcc"),
    Task.REGRESSION: ("rmse", "mae", "median_absolute_error", "r2"),
    Task.MULTILABEL: (
        "roc_auc", "average_precision_macro", "log_loss", "f1_macro", "f1_micro", "accuracy", "hamming_loss",
    ),
    Task.QUANTILE: ("pinball",),
}  # fmt: skip


_CLASSES = {Task.BINARY: (2, 2), Task.MULTICLASS: (2, 10_000)}
"""The fewest and the most classes of a task; others have none."""

_MOST_OUTPUTS = 10_000


class Model:
    """A trained model. `modelwright.train` and `modelwright.load` make one.

    Attributes
    ----------
    path : Path
        The bundle it was loaded from.
    manifest : dict
        Every recorded fact about it; see ``docs/bundle-format.md``.
    problem : Problem
    schema : Schema
        The columns that training saw, with what became of each.
    """

    def __init__(
        self, path: Path, manifest: dict[str, Any], ensemble: Ensemble, featurizer: Featurizer
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.problem = Problem.from_dict(manifest["problem"])
        self.schema = Schema.from_dict(manifest["schema"])
        self._ensemble = ensemble
        self._featurizer = featurizer
        self._plugins = read_plugins(manifest)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Load a bundle. Every file's hash is verified before anything is parsed; no code is run from it.

        Raises
        ------
        BundleError
            If it is damaged, was tampered with, or is of a newer format.
        """
        directory = Path(path).expanduser()
        manifest = open_bundle(directory)
        try:
            featurizer = Featurizer.from_dict(read_part(directory, manifest, "features.json"))
            outputs = Problem.from_dict(manifest["problem"]).outputs
            ensemble = Ensemble.from_dict(directory, read_part(directory, manifest, "ensemble.json"), outputs)
            model = cls(directory.absolute(), manifest, ensemble, featurizer)
            model._check()
            return model
        except (BundleError, ImportError):
            raise
        except Exception as error:  # whatever parts that belong to nothing, or were changed, lead to
            raise BundleError(
                f"The bundle {str(directory)!r} holds something that this version of Modelwright cannot "
                f"read ({type(error).__name__}: {error})."
            ) from error

    def _check(self) -> None:
        """Refuse parts that are well by themselves but do not belong together."""
        problem, ensemble = self.problem, self._ensemble
        least, most = _CLASSES.get(problem.task, (0, 0))
        if ensemble.task is not problem.task or not least <= len(problem.classes) <= most:
            raise ValueError(
                f"models of a {ensemble.task} task for a {problem.task} one of {len(problem.classes)} classes"
            )
        if not 1 <= problem.outputs <= _MOST_OUTPUTS or len(problem.labels) != len(problem.label_classes):
            raise ValueError(f"a problem of {problem.outputs} outputs")
        features = {column.name for column in self.schema.features} | set(self._featurizer.also)
        info = self._featurizer.info
        used = {each.source for each in (*info.numeric, *info.categorical, *info.sparse)}
        if not used <= features or not set(self._featurizer.also) <= set(self.schema.names):
            raise ValueError(f"columns that the schema does not have: {sorted(used - features)[:3]}")
        brought = {plugin["name"] for plugin in self._plugins if plugin["kind"] == "learner"}
        for member in ensemble.members:
            if member.learner not in LEARNERS and member.learner not in brought:
                raise ValueError(f"a learner that is not known here: {member.learner[:80]!r}")

    def __repr__(self) -> str:
        score = self.manifest["score"]
        shown = f"{score['metric']} {score['value']:.4g}" if score["value"] is not None else "no score"
        return f"<Model {self.name!r}: predicts {self.problem.target!r} ({self.problem.task}), {shown}>"

    @property
    def name(self) -> str:
        """The name it was trained under."""
        return str(self.manifest["name"])

    @property
    def classes_(self) -> np.ndarray[Any, Any] | None:
        """The class labels in the order of `predict_proba`'s columns; None for regression."""
        if not self.problem.task.is_classification:
            return None
        array = np.array(self.problem.classes)
        exact = array.tolist() == list(self.problem.classes)
        return array if exact else np.array(self.problem.classes, dtype=object)

    @cached_property
    def metric(self) -> Metric | None:
        """The metric it was optimised for; None if that was a function of the caller's."""
        if self.manifest["score"]["custom"]:
            return None
        return problem_metric(self.problem)

    @property
    def utility(self) -> np.ndarray[Any, Any] | None:
        """What deciding for each class is worth; see `core.Predictions`. None: the most probable class."""
        return self._ensemble.utility

    def leaderboard(self) -> Leaderboard:
        """Every model of the run with its score and interval; see `evaluation.Leaderboard`."""
        try:
            return Leaderboard.from_dict(read_part(self.path, self.manifest, "leaderboard.json"))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise BundleError(f"The leaderboard of {str(self.path)!r} is damaged ({error}).") from error

    def pareto(self) -> ParetoTable:
        """What else could have been delivered, by error, time of a prediction and size.

        Raises
        ------
        BundleError
            If the bundle is damaged, or was written before there were such tables.
        """
        try:
            return ParetoTable.from_dict(read_part(self.path, self.manifest, "pareto.json"))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise BundleError(f"The Pareto table of {str(self.path)!r} is damaged ({error}).") from error

    def decisions(self) -> tuple[LedgerEntry, ...]:
        """Every automatic choice behind the model: why, what it was worth, and what reverses it.

        Returns
        -------
        tuple of LedgerEntry
            By topic, the most consequential ones of each first; see ``docs/decisions-ledger.md``.

        Raises
        ------
        BundleError
            If the bundle is damaged.
        """
        return read_ledger(self)

    def predict(self, data: Any) -> Any:
        """Predicted labels, or values, in the order of the rows and in the caller's kind.

        Parameters
        ----------
        data : path, pandas or polars data frame, numpy array, dict of columns, dict of one row ...
            Holds the columns that training used; more columns, and any order, are fine. A dict of lists is a
            table of columns; a dict that holds a single value (a number, a text, a date, None) is one row.
            One row goes a quicker way that says the same; see also `predict_row`.

        Returns
        -------
        pandas.Series (with the frame's index), polars.Series (also for paths) or numpy array
            Length: the rows of ``data``. For several targets a frame with a column of labels for each,
            for quantiles a frame with a column of values for each (numpy: shape (rows, outputs)).

        Raises
        ------
        SchemaMismatch
            If required columns are missing or hold something else than in training.
        """
        caller, predictions = self._raw(data)
        return self._answers(caller, predictions)

    def predict_row(self, row: Mapping[str, Any]) -> Any:
        """What `predict` says of one row, as a plain value: for whoever answers one request at a time.

        Parameters
        ----------
        row : mapping
            Column to value: number, text, flag, date, a list in columns of lists, None where missing. Columns
            that had missing values in training may be absent; columns that training did not use are ignored.

        Returns
        -------
        label, float or dict
            The label, or the value. For several targets a dict of target to label, for quantiles a dict of
            quantile to value.

        Raises
        ------
        SchemaMismatch
            As for `predict`.

        See Also
        --------
        warm_up : load everything ahead of the first row.
        """
        problem, predictions = self.problem, self._predict_row(row)
        if problem.task is Task.MULTILABEL:
            codes = predictions.label_codes[0].tolist()
            pairs = zip(problem.labels, problem.label_classes, codes, strict=True)
            return {name: pair[code] for name, pair, code in pairs}
        if problem.task is Task.QUANTILE:
            return dict(zip(problem.quantiles, predictions.array[0].tolist(), strict=True))
        if problem.task.is_classification:
            return problem.classes[int(predictions.codes[0])]
        return float(predictions.array[0])

    def predict_proba_row(self, row: Mapping[str, Any]) -> dict[Label, float]:
        """What `predict_proba` says of one row.

        Parameters
        ----------
        row : mapping
            As for `predict_row`.

        Returns
        -------
        dict
            Label to probability, in the order of `classes_`. Keys are these labels as they are: ``1``, where
            a polars frame of `predict_proba` has a column ``"1"``. For several targets the probability of the
            positive class of each, by its name.

        Raises
        ------
        OptionError
            If the model predicts values.
        SchemaMismatch
            As for `predict`.
        """
        self._require_probabilities()
        names = self.problem.labels or self.problem.classes
        return dict(zip(names, self._predict_row(row).array[0].tolist(), strict=True))

    def warm_up(self) -> Model:
        """Load every fold model and whatever predictions of single rows need, ahead of the first one.

        Returns
        -------
        Model
            Itself.
        """
        require_plugins(self._plugins, "learner")
        for member in self._ensemble.members:
            _ = member.models
        blank = {column.name: None for column in self._reader.columns}
        self._ensemble.predict(self._rows.transform(blank))
        return self

    def _answers(self, caller: Caller, predictions: Predictions) -> Any:
        """Labels or values in the caller's kind."""
        problem = self.problem
        if problem.task is Task.MULTILABEL:
            chosen = predictions.label_codes
            columns = [
                [pair[code] for code in chosen[:, position]]
                for position, pair in enumerate(problem.label_classes)
            ]
            return columns_to_caller(columns, problem.labels, caller)
        if problem.task is Task.QUANTILE:
            return to_caller(predictions.array, caller, problem.quantiles)
        if problem.task.is_classification:
            return to_caller([problem.classes[code] for code in predictions.codes.tolist()], caller)
        return to_caller(predictions.array, caller)

    def predict_proba(self, data: Any) -> Any:
        """Probabilities of the classes.

        Parameters
        ----------
        data : as for `predict`

        Returns
        -------
        pandas or polars DataFrame, or numpy array
            Shape ``(rows, classes)``, columns in the order of `classes_` and named by these labels: in pandas
            as they are (``1``), in polars and Arrow, whose names are texts, as ``str(label)`` (``"1"``). For
            several targets the probability of the positive class of each.

        Raises
        ------
        OptionError
            If the model predicts values.
        SchemaMismatch
            As for `predict`.
        """
        return self.predict_both(data)[1]

    def predict_both(self, data: Any) -> tuple[Any, Any]:
        """What `predict` and `predict_proba` give, from one pass over the data.

        Raises
        ------
        OptionError
            If the model predicts values.
        """
        self._require_probabilities()
        caller, predictions = self._raw(data)
        names = self.problem.labels or self.problem.classes
        return self._answers(caller, predictions), to_caller(predictions.array, caller, names)

    def predict_interval(self, data: Any, coverage: float = 0.9) -> Any:
        """Bounds between which the true values lie as often as asked for.

        Parameters
        ----------
        data : as for `predict`
        coverage : float, default 0.9
            Share of new rows whose truth should lie inside, if they are drawn as the training rows were.

        Returns
        -------
        pandas or polars DataFrame with the columns ``low`` and ``high``, or numpy array
            Shape ``(rows, 2)``. See ``docs/uncertainty.md``.

        Raises
        ------
        OptionError
            If the model predicts classes, or was trained on too few rows for so much coverage.
        SchemaMismatch
            As for `predict`.
        """
        known = self._conformal
        caller, predictions = self._raw(data)
        bounds = known.intervals(predictions.array, coverage, self.problem.quantiles)
        return to_caller(bounds, caller, ("low", "high"))

    def predict_or_abstain(self, data: Any, confidence: float = 0.8) -> Any:
        """What `predict` says where that label is probable enough, and None elsewhere.

        Parameters
        ----------
        data : as for `predict`
        confidence : float, default 0.8
            Least probability of the label.

        Returns
        -------
        As for `predict`.

        Raises
        ------
        OptionError
            If the model predicts values or several labels.
        SchemaMismatch
            As for `predict`.
        """
        caller, predictions = self._raw(data)
        unsure = abstained(self.problem, predictions, confidence).tolist()
        labels = [self.problem.classes[code] for code in predictions.codes.tolist()]
        return to_caller([None if no else label for no, label in zip(unsure, labels, strict=True)], caller)

    def coverage(
        self, data: Any = None, coverage: float = 0.9, by: str | None = None
    ) -> tuple[CoverageRow, ...]:
        """How often intervals, or sets of labels, hold the truth.

        Parameters
        ----------
        data : as for `predict`, with the target column; optional
            Rows that the model was not trained on. By default the out-of-fold rows that the bundle holds:
            there coverage is as asked for by construction.
        coverage : float, default 0.9
            What is asked for.
        by : str, optional
            Any column of the data, also one that training did not use: coverage is told for each of its
            levels (50 at most), or for five ranges of numbers or dates.

        Returns
        -------
        tuple of CoverageRow
            Of all rows, then of each part.

        Raises
        ------
        OptionError
            If so much coverage cannot be had, or ``by`` is given without data.
        SchemaMismatch
            As for `evaluate`, or if there is no column ``by``.
        """
        return measured_coverage(self, data, coverage, by)

    def predict_set(self, data: Any, coverage: float = 0.9, by_class: bool = False) -> Any:
        """The labels that cannot be excluded for a row: one where the model is sure, several where it is not.

        Parameters
        ----------
        data : as for `predict`
        coverage : float, default 0.9
            Share of new rows whose true label should be in the set.
        by_class : bool, default False
            Whether the rows of each class should be covered as often, not only all rows together.

        Returns
        -------
        pandas or polars Series of lists of labels, or numpy array of lists
            A set may be empty: no label is as typical there as that of nearly every row. For several targets
            a frame with a column of lists for each. See ``docs/uncertainty.md``.

        Raises
        ------
        OptionError
            If the model predicts values, or was trained on too few rows for so much coverage.
        SchemaMismatch
            As for `predict`.
        """
        known = self._conformal
        caller, predictions = self._raw(data)
        return sets_to_caller(known.sets(predictions.array, coverage, by_class), self.problem, caller)

    def _require_probabilities(self) -> None:
        task = self.problem.task
        if not task.is_classification and task is not Task.MULTILABEL:
            raise OptionError(
                f"Probabilities exist for classes, but {self.problem.target!r} is predicted as a value. "
                "Use predict."
            )

    def fairness(self, data: Any = None, sensitive: Any = None) -> FairnessReport:
        """How the model treats the groups of sensitive columns.

        Parameters
        ----------
        data : as for `predict`, with the target and the sensitive columns; optional
            Rows that the model was not trained on; of the very table of the training its out-of-fold
            predictions are judged. By default what the bundle says of these, where the model was trained
            with sensitive columns.
        sensitive : str, list of str, or mapping of str to list of float; optional
            The columns, with the cuts between ranges of a number if the usual ones will not do. By default
            those of the training. The model need not have seen them.

        Returns
        -------
        FairnessReport
            Figures by group with intervals, comparisons, criteria: see ``docs/fairness.md``.

        Raises
        ------
        OptionError
            If no column is named, or there are no data and the bundle knows nothing of it.
        SchemaMismatch
            If the data lacks a column.
        DataError
            If a sensitive column has one group only, or too many.
        """
        if data is None:
            return recorded_fairness(self.path, self.manifest, sensitive)
        trained = trained_columns(self.path, self.manifest)
        rows, groups = labelled_groups(data, self.schema, self.problem, self._also, (sensitive, trained))
        _tell((*rows.conformed.findings, *rows.findings))
        return given_fairness(
            self, data, (rows, groups), lambda: self._predict(rows.conformed).take(rows.rows)
        )

    def evaluate(self, data: Any) -> dict[str, dict[str, float | None]]:
        """Score the model on rows whose target is known.

        Parameters
        ----------
        data : as for `predict`, with the target column
            Rows without a target, or with a label that training never saw, are left out.

        Returns
        -------
        dict
            Metric name to ``{"score", "low", "high"}``: the value and its 95% interval (bootstrap);
            the metric that was optimised comes first. For quantiles also ``coverage_0.1`` and so on: the
            share of targets at or below each.
        """
        require_plugins(self._plugins, "metric")
        rows = conform_labelled(data, self.schema, self.problem, self._also)
        target, weights = rows.target, rows.weights
        _tell((*rows.conformed.findings, *rows.findings))
        predictions = self._predict(rows.conformed).take(rows.rows)
        names = dict.fromkeys([self.problem.metric, *_REPORTED[self.problem.task]])
        if self.metric is None:
            names.pop(self.problem.metric)
        found: dict[str, dict[str, float | None]] = {}
        metrics = [problem_metric(self.problem, name) for name in names]
        for metric in (*metrics, *coverage(self.problem.quantiles)):
            score = metric.score(target, predictions, weights)
            scores = bootstrap_scores(metric, target, [predictions], weights=weights, resamples=200)
            low, high = score_interval(scores[:, 0], score, metric=metric, rows=len(target))
            found[metric.name] = {"score": _known(score), "low": _known(low), "high": _known(high)}
        return found

    def labelled(self, data: Any, also: Sequence[str] = ()) -> tuple[LabelledRows, Predictions]:
        """Rows whose target is known, and what the model says of them: what every judgement starts from.

        Parameters
        ----------
        data : as for `predict`, with the target column
        also : sequence of str
            Columns of the training table to keep besides the features.
        """
        named = [name for name in dict.fromkeys((*self._also, *also)) if not self.schema[name].is_feature]
        rows = conform_labelled(data, self.schema, self.problem, named)
        _tell((*rows.conformed.findings, *rows.findings))
        return rows, self._predict(rows.conformed).take(rows.rows)

    def performance(
        self, data: Any = None, costs: Values | None = None, gains: Values | None = None
    ) -> Performance:
        """How the model performs: curves, calibration, confusion, thresholds, residuals, weak slices.

        Parameters
        ----------
        data : as for `predict`, with the target column; optional
            Rows that the model was not trained on. By default the out-of-fold rows that the bundle holds.
        costs, gains : mapping of (actual, predicted) to float or str, optional
            What decisions between two classes cost or bring: numbers, or names of columns with one per row.

        Returns
        -------
        Performance
            See ``docs/performance.md``.

        Raises
        ------
        OptionError
            If there are no rows to judge by, or costs and gains make no sense.
        SchemaMismatch
            As for `evaluate`.
        """
        require_plugins(self._plugins, "metric")
        return performance(self, data, costs=costs, gains=gains)

    def learning_curve(self, data: Any = None, time_limit: str | float = "60s") -> LearningCurve:
        """Whether more rows would help: a member fitted again on 10% to 100% of the rows.

        Parameters
        ----------
        data : as for `predict`, with the target column; optional
            What to learn from. By default the training table, where it still is.
        time_limit : str or float, default "60s"
            Of the whole call.

        Returns
        -------
        LearningCurve
            Its ``sentence`` answers the question. See ``docs/performance.md``.

        Raises
        ------
        OptionError
            If the training table is gone and no data was given, or there are too few rows.
        BudgetTooSmall
            If there was no time for three fits.
        """
        require_plugins(self._plugins, "learner")
        return learning_curve(self, data, time_limit=time_limit)

    def terms(self) -> tuple[OutputTerms, ...]:
        """How predictions come about, as tables in the words of the training data.

        Returns
        -------
        tuple of OutputTerms
            One; several for several targets and for quantiles. A score is an intercept and what each term
            adds: see ``docs/interpretable.md``.

        Raises
        ------
        OptionError
            If the model is not a single interpretable one (train with ``quality="interpretable"``).
        """
        require_plugins(self._plugins, "learner")
        return read_terms(self._ensemble, self._featurizer, self.problem, self.schema)

    def explain(self, data: Any, background: Any = None) -> Explanation:
        """What each column of each row added to what the model says of it.

        Parameters
        ----------
        data : as for `predict`
            A dict of single values is one row.
        background : as for `predict`, optional
            Rows to compare with, for members of the ensemble that have no exact additions (neighbours,
            networks ...); by default rows made of what the bundle knows of its columns.

        Returns
        -------
        Explanation
            Base and additions make up the prediction, to 1e-6 and better; with reasons in words and the
            values that training did not see the like of. See ``docs/explanation.md``.

        Raises
        ------
        OptionError
            If there are more rows than can be explained at once.
        SchemaMismatch
            As for `predict`.
        """
        require_plugins(self._plugins, "learner")
        return self._row_explainer.explain(data, background)

    def importance(self, data: Any, options: ImportanceOptions | None = None) -> Importance:
        """How much worse the model becomes when a column's values are shuffled.

        Parameters
        ----------
        data : as for `predict`, with the target column
            Best rows that the model was not trained on.
        options : explanation.ImportanceOptions, optional
            Repeats, rows, seconds, seed.

        Returns
        -------
        Importance
            Of every column, with an interval, and of groups of columns that say much the same.

        Raises
        ------
        SchemaMismatch
            As for `evaluate`.
        DataError
            With too few rows to tell anything.
        """
        return self.explained.importance(data, options)

    def dependence(self, data: Any, column: str, options: DependenceOptions | None = None) -> Dependence:
        """How predictions change with one column: partial dependence, ICE and accumulated local effects.

        Parameters
        ----------
        data : as for `predict`
            Rows to average over.
        column : str
            Of numbers, dates, flags or categories.
        options : explanation.DependenceOptions, optional

        Raises
        ------
        UnknownName
            If there is no such column.
        OptionError
            If the model does not look at it, or it holds texts or lists.
        """
        return self.explained.dependence(data, column, options)

    def interactions(
        self, data: Any, columns: Sequence[str] = (), options: InteractionOptions | None = None
    ) -> Interactions:
        """Which pairs of columns work together: Friedman's H statistic.

        Parameters
        ----------
        data : as for `predict`
        columns : sequence of str, optional
            Whose pairs are looked at; by default those that predictions change with most.
        options : explanation.InteractionOptions, optional
        """
        return self.explained.interactions(data, columns, options)

    def counterfactuals(
        self, row: Any, wish: Any = None, options: CounterfactualOptions | None = None
    ) -> Counterfactuals:
        """The smallest changes of a row after which the model says something else.

        Parameters
        ----------
        row : dict of column to value, or a table of one row
        wish : label, pair of float or explanation.Wish, optional
            A class, or a range ``(low, high)`` of values whose ends may be None; by default any other class.
        options : explanation.CounterfactualOptions, optional
            Columns to keep, to raise or to lower only, ranges, answers, seconds, seed.

        Raises
        ------
        UnknownName
            If there is no such class or column.
        OptionError
            If the wish is no outcome of this model, or nothing may be changed.
        """
        return self.explained.counterfactuals(row, wish, options)

    @cached_property
    def explained(self) -> Explained:
        """The model as explanations see it: its prediction function over typed rows, and its columns."""
        require_plugins(self._plugins, "learner")
        return Explained.of(
            self.problem,
            self.schema,
            lambda frame: self._ensemble.predict(self._featurizer.transform(frame)),
            utility=self.utility,
            also=self._featurizer.also,
            metric=self.metric,
            reference=read_part(self.path, self.manifest, "reference.json"),
        ).deciding_by(self._by_group)

    @cached_property
    def _conformal(self) -> Conformal:
        return read_conformal(self)

    @cached_property
    def _row_explainer(self) -> RowExplainer:
        return RowExplainer(self._ensemble, self._featurizer, self.problem, self.schema, self._by_group)

    def report(
        self,
        path: str | Path | None = None,
        data: Any = None,
        *,
        format: str | None = None,
        seconds: float = 20.0,
    ) -> Path:
        """Write a report on the model: one file that shows everything that is known of it.

        Parameters
        ----------
        path : str or Path, default "report.html"
            ``.html``: a page that needs no network, ``.md`` or ``.json``.
        data : as for `evaluate`, optional
            Rows that the model was not trained on. By default its out-of-fold rows.
        format : {"html", "json", "md", "card"}, optional
            By default what the path ends in; ``card`` is a model card in Markdown.
        seconds : float, default 20
            What explanations may take; 0 goes without them.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            If nothing can be written there, or there is no such format.
        SchemaMismatch
            As for `evaluate`.
        """
        return write_report(self, path, data, form=format, seconds=seconds)

    def save(self, path: str | Path) -> Path:
        """Copy the bundle to another place.

        Parameters
        ----------
        path : str or Path
            A directory that does not exist, best with a name that ends in ``.mw``. A bundle that stands
            there is replaced; anything else is refused.

        Returns
        -------
        Path
            The copy.
        """
        return copy_bundle(self.path, Path(path).expanduser().absolute())

    @cached_property
    def _by_group(self) -> GroupDecisions | None:
        return read_group_decisions(self.path, self.manifest, self.schema)

    @property
    def _also(self) -> tuple[str, ...]:
        """Columns that are read besides the features."""
        also, by_group = self._featurizer.also, self._by_group
        return also if by_group is None else by_group.needed(self.schema, also)

    @cached_property
    def _reader(self) -> RowReader:
        return RowReader(self.schema, self._also)

    @cached_property
    def _rows(self) -> RowFeaturizer:
        return RowFeaturizer(self._featurizer, self._reader.types)

    def _raw(self, data: Any) -> tuple[Caller, Predictions]:
        found = single_row(data, self._reader.types)
        if found is not None:
            row, caller = found
            try:
                return caller, self._predict_row(row)
            except (SchemaMismatch, DataError):
                if row is data:
                    raise
                # a table is refused below, with all of its columns at hand for a hint
        conformed = conform(data, self.schema, self._also)
        _tell(conformed.findings)
        return conformed.caller, self._predict(conformed)

    def _predict_row(self, row: Mapping[str, Any]) -> Predictions:
        if not isinstance(row, Mapping):
            raise DataError(
                f"A row is a dict of column to value, but came as {type(row).__name__}. Give a dict "
                "(of a pandas row: row.to_dict()), or a table to predict."
            )
        typed = self._reader.read(row)
        _tell(typed.findings)
        require_plugins(self._plugins, "learner")
        predictions = self._ensemble.predict(self._rows.transform(typed.values))
        if self._by_group is None:
            return predictions
        types = self._reader.types
        series = {name: pl.Series([typed.values[name]], dtype=types[name]) for name in self._by_group.names}
        return self._by_group.apply(predictions, series)

    def _predict(self, conformed: Conformed) -> Predictions:
        require_plugins(self._plugins, "learner")
        predictions = self._ensemble.predict(self._featurizer.transform(conformed.frame))
        return predictions if self._by_group is None else self._by_group.apply(predictions, conformed.frame)


def _tell(findings: Iterable[Finding]) -> None:
    for finding in findings:
        _log.warning("%s", finding.message)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
