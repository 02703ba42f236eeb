"""Generalised additive models with pairwise interactions, boosted with LightGBM and kept as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from modelwright.core import (
    Config,
    Deadline,
    Estimate,
    FitTask,
    OutOfTime,
    Problem,
    Shape,
    TrialError,
    derive_seed,
)
from modelwright.learners.additive_model import FittedAdditive, in_units
from modelwright.learners.additive_pairs import find_pairs, loss_derivatives
from modelwright.learners.additive_purify import purified
from modelwright.learners.additive_tables import AdditiveTables, add_tables
from modelwright.learners.additive_trees import tables_of_trees
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.lightgbm import (
    binning_parameters,
    boost,
    booster_parameters,
    fold_datasets,
    objective_parameters,
)
from modelwright.learners.matrix_columns import MatrixColumns
from modelwright.learners.objectives import (
    OBJECTIVES,
    Objective,
    choose_objective,
    monotone_signs,
    rewards_means,
    unsupported_monotonic,
    validation_loss,
)
from modelwright.learners.rounds import RoundWatch, affordable_rate, column_shares, default_rounds
from modelwright.learners.spaces import Choice, Float, Int, Parameter

__all__ = ["AdditiveBoosting"]

_MOST_ROUNDS = 4_000
_RATE, _RANDOM_RATE = 0.06, 0.1
"""Learning rates: thresholds that are drawn at random gain less a round."""

_SMOOTHED_ROWS = 5_000
"""Up to so many training rows thresholds are drawn at random, which smooths tables that few rows would make
ragged; with more rows the best thresholds reach about the same in fewer rounds."""

_PAIR_BINS = 32
"""Bins of a number in a pair: a table of 32 by 32 cells can still be drawn."""

_MAIN_SHARE, _PAIR_SHARE = 0.6, 0.85
"""Of the time that is left, for boosting single columns, and then pairs; trees have to become tables, too."""

_FEWER = 4
"""Where nothing is left to stop on, pairs get one round for so many of single columns: they need few."""

_MOST_CLASSES = 10
"""With more classes no pairs are looked for: every class would get a table of each."""


@dataclass(frozen=True)
class _Stage:
    """What both stages of a fit know."""

    task: FitTask
    fold: Fold
    columns: MatrixColumns
    objective: Objective
    settings: Mapping[str, Any]

    @property
    def outputs(self) -> int:
        """Scores of a row."""
        classes = len(self.fold.coder.present)
        return classes if classes > 2 else 1

    def loss(self, tables: AdditiveTables) -> float:
        """Error on the validation rows."""
        fold = self.fold
        sums = tables.sums(self.task.view.take(fold.valid_rows))
        return validation_loss(self.objective, sums, fold.valid_target, fold.valid_weights)


class AdditiveBoosting(Learner):
    """A sum of functions of one column each, and of a few of two: a model that can be read off its tables.

    Columns alone are boosted first, greedily, one column a tree. Then the pairs that explain most of what
    is left are found and boosted on top. All trees are turned into tables; missing values have a cell of
    their own, pairs are left with what no single column says, and the intercept is the mean. Terms of
    texts are not used (their statistics are).

    Sources: Lou, Caruana, Gehrke & Hooker, "Accurate intelligible models with pairwise interactions", KDD
    2013; Nori, Jenkins, Koch & Caruana, "InterpretML: a unified framework for machine learning
    interpretability", 2019 (explainable boosting machines).
    """

    name = "additive_boosting"
    turn = 2
    interpretable = True
    fitted = FittedAdditive
    engines = ("lightgbm",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "rounds": None,
        "patience": None,
        "learning_rate": None,
        "num_leaves": 3,
        "pair_leaves": 8,
        "pairs": 10,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "lambda_l1": 0.0,
        "lambda_l2": 0.0,
        "extra_trees": None,
        "max_bin": 255,
        "cat_smooth": 10.0,
        "cat_l2": 10.0,
        "min_data_per_group": 50,
        "objective": "metric",
    }
    on_new_scale: ClassVar[Mapping[str, Any]] = {"objective": "metric"}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Not without columns, nor where predictions must be monotonic and LightGBM cannot keep them so."""
        if not shape.columns:
            return "there is no usable column"
        return unsupported_monotonic(problem, "an additive model", quantiles=False)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """With ten pairs, without any, and smoother ones."""
        candidates = [
            Candidate("ten pairs", {}),
            Candidate("no pairs", {"pairs": 0}),
            Candidate("thirty pairs", {"pairs": 30}),
            Candidate(*_other_thresholds(shape.rows)),
        ]
        if rewards_means(problem):
            candidates.insert(1, Candidate("counts", {"objective": "poisson"}))
        _, share = column_shares(shape.columns, 0.3)
        if share < 1:
            narrow = {"feature_fraction": share, "max_bin": 63}
            candidates = [Candidate(each.label, {**each.config, **narrow}) for each in candidates]
        return candidates if shape.columns > 1 else candidates[:1]

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Number of pairs, size of trees, penalties, learning rate."""
        space: dict[str, Parameter] = {
            "learning_rate": Float(0.01, 0.2, log=True),
            "num_leaves": Int(2, 8),
            "pair_leaves": Int(3, 12),
            "min_data_in_leaf": Int(2, max(3, min(100, shape.rows // 20)), log=True),
            "feature_fraction": Float(*column_shares(shape.columns, 0.1)),
            "lambda_l2": Float(1e-3, 10.0, log=True),
            "extra_trees": Choice((False, True)),
            "max_bin": Choice((63, 255)),
        }
        if shape.columns > 2:
            space["pairs"] = Int(0, 30)
        if rewards_means(problem):
            space["objective"] = Choice(OBJECTIVES)
        return space

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """As of a booster of small trees, and a pass over the rows for each pair that is looked at."""
        settings = self.settings(config)
        rate = settings["learning_rate"] or _rate(_draws(settings, shape.rows))
        trees = shape.outputs if shape.outputs > 2 else 1
        most = settings["rounds"] or default_rounds(shape.outputs, _MOST_ROUNDS)
        rounds = min(most, 60 / rate)
        cells = shape.rows * (shape.columns * settings["feature_fraction"] + 4)
        round_seconds = trees * (3e-4 + 2e-9 * cells + 1e-7 * shape.columns)
        looked = min(shape.columns, 40) ** 2 / 2 if settings["pairs"] and trees <= _MOST_CLASSES else 0
        screening = looked * trees * (1e-4 + 1e-8 * min(shape.rows, 30_000))
        binning = 2e-7 * shape.rows * shape.columns + 4e-5 * shape.columns
        memory = shape.rows * shape.columns * 8 + 80 * trees * shape.rows
        cells = shape.levels + shape.numeric * min(200, shape.rows)
        paired = 16_000 * settings["pairs"] if trees <= _MOST_CLASSES else 0
        size = 3_000 + trees * (8 * cells + paired)
        seconds = 0.05 + binning + screening + rounds * round_seconds
        return Estimate(float(seconds), int(memory + 40e6), int(size), 1.4e-4)

    def fit(self, task: FitTask) -> FitResult:
        """Boost single columns, then pairs, each until the validation error stops falling."""
        fold, settings = Fold.of(task), self.settings(task.config)
        settings["extra_trees"] = _draws(settings, len(fold.train_rows))
        columns, _ = MatrixColumns.fit(task, fold, "native")
        if fold.coder.is_constant:
            classes = AdditiveTables(
                task.view.numeric.shape[1], task.view.info.cardinalities, np.zeros(1), ()
            )
            return FitResult(FittedAdditive(fold.coder, classes), 0, {"stop": "nothing to learn"})
        if not columns.width:
            raise TrialError(
                "An additive model needs at least one column, but the table has none that is usable."
            )
        objective, fold = choose_objective(task, fold, settings["objective"])
        stage = _Stage(task, fold, columns, objective, settings)
        singles, watch, rate = _boosted(stage, _alone(columns.width), None, _MAIN_SHARE)
        tables = _pure(stage, singles)
        info = {"objective": objective.name, "learning_rate": rate, "rounds": watch.done, "pairs": 0}
        info |= {"stop": watch.reason}
        by_deadline = watch.by_deadline
        if pairs := _pairs(stage, tables):
            try:
                joint, later, _ = _boosted(stage, [list(pair) for pair in pairs], tables, _PAIR_SHARE)
                both = _pure(stage, add_tables([singles, joint]))
                by_deadline = by_deadline or later.by_deadline
                if not len(fold.valid_rows) or stage.loss(both) < stage.loss(tables):
                    tables = both
                    info |= {"pairs": len(pairs), "pair_rounds": later.done, "pair_stop": later.reason}
            except OutOfTime:
                by_deadline = True  # single columns are a model already
        by_deadline = by_deadline or task.deadline.passed
        model = in_units(fold.coder, tables, objective.is_logarithmic)
        return FitResult(model, max(1, watch.best), info, by_deadline)


def _draws(settings: Mapping[str, Any], rows: int) -> bool:
    """Whether thresholds are drawn at random."""
    asked = settings["extra_trees"]
    return rows <= _SMOOTHED_ROWS if asked is None else bool(asked)


def _rate(draws: bool) -> float:
    return _RANDOM_RATE if draws else _RATE


def _other_thresholds(rows: int) -> tuple[str, dict[str, Any]]:
    """The candidate that does what is not the default for so many rows."""
    random = _draws({"extra_trees": None}, rows)
    return ("best thresholds" if random else "random thresholds"), {"extra_trees": not random}


def _alone(width: int) -> list[list[int]]:
    return [[column] for column in range(width)]


def _pure(stage: _Stage, tables: AdditiveTables) -> AdditiveTables:
    """The model as it is kept; levels that are too rare to be known count as unseen."""
    view = stage.task.view
    known = replace(view, categorical=stage.columns.levels.apply(view.categorical))
    return purified(tables, known, stage.fold.train_rows, _weights(stage), unseen=True)


def _weights(stage: _Stage) -> Any:
    given = stage.task.weights
    return None if given is None else np.asarray(given, np.float64)


def _pairs(stage: _Stage, tables: AdditiveTables) -> list[tuple[int, int]]:
    """The pairs of columns to boost on top."""
    fold, most = stage.fold, int(stage.settings["pairs"])
    if not most or stage.columns.width < 2 or stage.outputs > _MOST_CLASSES or stage.task.deadline.passed:
        return []
    sums = tables.sums(stage.task.view.take(fold.train_rows))
    residuals = loss_derivatives(stage.objective, sums, fold.train_target, fold.train_weights)
    return find_pairs(tables, stage.task.view, fold.train_rows, residuals, most)


def _boosted(
    stage: _Stage, allowed: list[list[int]], before: AdditiveTables | None, share: float
) -> tuple[AdditiveTables, RoundWatch, float]:
    """Boost trees of which every path stays within one of the sets of columns that are allowed.

    Parameters
    ----------
    stage : _Stage
    allowed : list of lists of int
        Sets of one column or two.
    before : AdditiveTables or None
        The model to add to.
    share : float
        Of the time that is left, for boosting.
    """
    import lightgbm as lgb

    task, fold, settings = stage.task, stage.fold, dict(stage.settings)
    if before is not None:
        settings |= {"max_bin": _PAIR_BINS, "num_leaves": settings["pair_leaves"], "feature_fraction": 1.0}
    train, valid = fold_datasets(task, fold, settings, stage.columns, None)
    if before is not None:
        for dataset, rows in ((train, fold.train_rows), (valid, fold.valid_rows)):
            if dataset is not None:
                sums = before.sums(task.view.take(rows))
                dataset.set_init_score(sums[:, 0] if stage.outputs == 1 else sums)
    if task.deadline.passed:
        raise OutOfTime("The deadline passed while the columns were being binned.")
    most = default_rounds(len(fold.coder.present), _MOST_ROUNDS)
    rate = settings["learning_rate"] or affordable_rate(_rate(settings["extra_trees"]), most)
    own = ("pairs", "pair_leaves")
    parameters = booster_parameters(task, fold, {k: v for k, v in settings.items() if k not in own})
    parameters |= objective_parameters(stage.objective, fold) | binning_parameters(task, settings)
    parameters |= {"learning_rate": rate, "interaction_constraints": allowed}
    parameters["seed"] = derive_seed(task.seed, "pairs") % 2**31 if before is not None else task.seed
    if task.problem.monotonic:
        parameters["monotone_constraints"] = stage.columns.signs(monotone_signs(task.problem, task.view.info))
    booster = lgb.Booster(parameters, train)
    if valid is not None:
        booster.add_valid(valid, "valid")
    rounds = settings["rounds"] or (most if valid is not None else min(most, round(30 / rate)))
    if before is not None and valid is None:
        rounds = max(1, rounds // _FEWER)
    remaining = task.deadline.remaining
    deadline = Deadline.after(None if remaining == float("inf") else share * remaining)
    watch = RoundWatch(len(fold.train_rows), rounds, deadline, settings["patience"])
    rate = boost(booster, watch, valid is not None, rate if task.adaptive else None) or rate
    dumped = booster.dump_model(num_iteration=max(1, watch.best))
    return tables_of_trees(dumped["tree_info"], stage.outputs, task.view), watch, rate
