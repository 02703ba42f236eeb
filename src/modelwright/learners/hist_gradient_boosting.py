"""scikit-learn's histogram gradient boosting, as a quick and different booster."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Contributions,
    Deadline,
    Estimate,
    FitTask,
    FloatArray,
    Problem,
    Shape,
    TrialError,
    View,
)
from modelwright.learners.attribution import matrix_owners
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.boosted_trees import BoostedTrees
from modelwright.learners.fitted_booster import FittedBooster
from modelwright.learners.fold import Fold
from modelwright.learners.hist_trees import HistWalker, bin_columns, collect_trees, find_cuts
from modelwright.learners.matrix_columns import MatrixColumns, has_many_levels
from modelwright.learners.objectives import (
    Objective,
    choose_objective,
    monotone_signs,
    rewards_means,
    unsupported_monotonic,
    validation_loss,
)
from modelwright.learners.rounds import (
    RoundWatch,
    affordable_rate,
    column_shares,
    default_rate,
    default_rounds,
    kept_rounds,
    patience,
)
from modelwright.learners.spaces import Choice, Float, Int, Parameter
from modelwright.learners.state import check_state, write_arrays
from modelwright.learners.targets import TargetCoder
from modelwright.learners.tree_shap import TreeShap, plain_boosted

__all__ = ["FittedHistGradientBoosting", "HistGradientBoosting"]

_MOST_ROUNDS = 1_500
"""Rounds at most, for one or two classes."""

_FIRST_ROUNDS = 10
"""Rounds of the first of several fits, each of which continues the one before."""

_MANY_ROWS = 20_000
"""With so many rows, the first fit has one round where there is a deadline."""

_MANY_CELLS = 100_000
"""Cells below which threads wait for each other longer than they work."""

_MARGIN = 0.05
"""Seconds kept to write the model down."""

_OBJECTIVES = ("metric", "poisson", "gamma")

_LOSSES = {
    "squared": "squared_error",
    "absolute": "absolute_error",
    "quantile": "quantile",
    "poisson": "poisson",
    "tweedie": "poisson",
    "gamma": "gamma",
}


class FittedHistGradientBoosting(FittedBooster):
    """Trees cut at the best round.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    columns : MatrixColumns
        The matrix that the trees split.
    trees : BoostedTrees or None
        None where there was one class or value to learn.
    """

    file = "trees.npz"

    def __init__(self, coder: TargetCoder, columns: MatrixColumns, trees: BoostedTrees | None) -> None:
        super().__init__(coder, columns)
        self.trees = trees
        self._walker = None if trees is None else HistWalker(trees)

    def _raw(self, view: View) -> NDArray[Any]:
        assert self._walker is not None
        sums = self._walker.sums(self.columns.matrix(view), self.threads)
        return self._walker.trees.respond(sums, len(self.coder.present))

    @cached_property
    def _shap(self) -> TreeShap:
        assert self.trees is not None
        return TreeShap(plain_boosted(self.trees, strict=False), matrix_owners(self.columns))

    def _sums_by_column(self, view: View) -> Contributions | None:
        assert self.trees is not None
        columns = view.numeric.shape[1] + view.categorical.shape[1]
        found = self._shap.contributions(self.columns.matrix(view), columns, self._link)
        return replace(found, base=found.base + self.trees.prior)

    @property
    def _is_logarithmic(self) -> bool:
        return self.trees is not None and self.trees.logarithmic

    def _write(self, path: Path) -> None:
        assert self.trees is not None
        write_arrays(path, self.trees.arrays())

    @classmethod
    def _read(cls, coder: TargetCoder, columns: MatrixColumns, path: Path, content: bytes) -> Self:
        if not content:
            return cls(coder, columns, None)
        trees = BoostedTrees.read(path, np.float64)
        # compiled walks would read beyond the ends of a narrower matrix
        check_state(trees.features == columns.width, path, "does not fit its record of the columns")
        model = cls(coder, columns, trees)
        check_state(trees.outputs == model._trees_a_round, path, "does not fit its record of the target")
        return model

    @property
    def _engine_bytes(self) -> int:
        assert self.trees is not None
        return self.trees.size_bytes


class HistGradientBoosting(Learner):
    """Gradient-boosted trees grown best leaf first on histograms of at most 255 bins.

    It draws no rows, and its splits are chosen by other rules than LightGBM's: quick, and different enough to
    add to an ensemble. Rounds are fitted in a few fits that continue each other, so that the clock can be
    looked at between them; the model does not depend on how they are divided.

    Source: scikit-learn's ``HistGradientBoostingClassifier``, after Ke et al., "LightGBM", NeurIPS 2017.
    """

    name = "hist_gradient_boosting"
    turn = 2
    fitted = FittedHistGradientBoosting
    engines = ("sklearn.ensemble",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "rounds": None,
        "patience": None,
        "learning_rate": None,
        "max_leaf_nodes": 31,
        "max_depth": None,
        "min_samples_leaf": 20,
        "l2_regularization": 0.0,
        "max_features": 1.0,
        "max_bins": 255,
        "categories": "codes",
        "objective": "metric",
    }
    on_new_scale: ClassVar[Mapping[str, Any]] = {"objective": "metric"}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Not without columns, nor where predictions must be monotonic and it cannot keep them so."""
        if not shape.columns:
            return "there is no usable column to split on"
        return unsupported_monotonic(problem, "scikit-learn's gradient boosting", quantiles=False)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """scikit-learn's defaults, then small trees on drawn columns."""
        _, share = column_shares(shape.columns, 0.4)
        narrow = {"max_features": share, "max_bins": 63} if share < 1 else {}
        quick = {"learning_rate": 0.1, "rounds": 200, "patience": 20}
        small = {"max_leaf_nodes": 12, "min_samples_leaf": 10, "max_features": 0.6 * share}
        candidates = [Candidate("fast", {**quick, **narrow})]
        if has_many_levels(shape):
            candidates.append(Candidate("target encoding", {**narrow, **small, "categories": "target"}))
        else:
            candidates.append(Candidate("small", {**narrow, **small}))
        return candidates

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Size of trees, penalty, columns drawn at a split, learning rate."""
        space: dict[str, Parameter] = {
            "learning_rate": Float(0.01, 0.2, log=True),
            "max_leaf_nodes": Int(4, 127 if shape.rows >= 1_000 else 31, log=True),
            "min_samples_leaf": Int(1, max(2, min(100, shape.rows // 20)), log=True),
            "l2_regularization": Float(1e-4, 30.0, log=True),
            "max_features": Float(*column_shares(shape.columns, 0.3)),
        }
        if has_many_levels(shape):
            space["categories"] = Choice(("codes", "target"))
        if rewards_means(problem):
            space["objective"] = Choice(_OBJECTIVES)
        return space

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Rounds to the typical best iteration times the cost of one, and the table as float64."""
        settings = self.settings(config)
        rate = settings["learning_rate"] or default_rate(shape.rows)
        most = settings["rounds"] or default_rounds(shape.outputs, _MOST_ROUNDS)
        best = 12 / rate
        rounds = min(most, best + (settings["patience"] or patience(shape.rows, int(best))))
        trees = shape.outputs if shape.outputs > 2 else 1
        leaves = min(settings["max_leaf_nodes"], 1 + shape.rows // max(1, settings["min_samples_leaf"]))
        cells = shape.rows * (shape.columns * settings["max_features"] + 4)
        bins = min(settings["max_bins"], shape.rows) * shape.columns * leaves
        round_seconds = trees * (8e-4 + 1.5e-9 * cells * np.log2(leaves + 1) + 2e-9 * bins)
        binning = 1.5e-6 * shape.rows * shape.columns + 1e-4 * shape.columns
        memory = shape.rows * (shape.columns * 24 + 40 * trees) + 24 * bins
        size = 4_000 + kept_rounds(best, shape.rows, most) * trees * leaves * 50
        seconds = 0.05 + binning + rounds * round_seconds
        return Estimate(float(seconds), int(memory + 30e6), int(size), 1.4e-4)

    def fit(self, task: FitTask) -> FitResult:
        """Boost until the validation error stops falling, the rounds are done or time is up."""
        settings = self.settings(task.config)
        fold = Fold.of(task)
        columns, matrix = MatrixColumns.fit(task, fold, settings["categories"])
        if fold.coder.is_constant:
            model = FittedHistGradientBoosting(fold.coder, columns, None)
            return FitResult(model, 0, {"stop": "nothing to learn"})
        if matrix is None:
            matrix = columns.matrix(task.view.take(fold.train_rows))
        if not matrix.shape[1]:
            raise TrialError("Gradient boosting needs at least one column, but the table has none.")
        objective, fold = choose_objective(task, fold, settings["objective"])
        estimator = _estimator(task, fold, settings, objective)
        if task.problem.monotonic:
            signs = monotone_signs(task.problem, task.view.info)
            estimator.set_params(monotonic_cst=columns.signs(signs))
        with task.clock("binning"):
            later = columns.matrix(task.view.take(fold.valid_rows)) if len(fold.valid_rows) else None
            cuts = find_cuts(matrix, settings["max_bins"])
            bins = bin_columns(matrix, cuts)
        growth = _Growth(estimator, bins, later, fold, objective, cuts)
        del matrix
        rounds = settings["rounds"] or default_rounds(len(fold.coder.present), _MOST_ROUNDS)
        watch = RoundWatch(len(fold.train_rows), rounds, Deadline(None), settings["patience"])
        growth.grow(task, watch)
        best = max(1, watch.best)
        trees = replace(growth.trees(0, best), logarithmic=objective.is_logarithmic)
        info = {"learning_rate": estimator.learning_rate, "rounds": watch.done}
        info |= {"stop": watch.reason, "objective": objective.name}
        model = FittedHistGradientBoosting(fold.coder, columns, trees)
        return FitResult(model, best, info, watch.by_deadline)


def _estimator(task: FitTask, fold: Fold, settings: dict[str, Any], objective: Objective) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    rows = len(fold.train_rows)
    # not by the rounds asked for: a refit with the best number of rounds must have the same rate
    most = default_rounds(len(fold.coder.present), _MOST_ROUNDS)
    rate = settings["learning_rate"] or affordable_rate(default_rate(rows), most)
    kind = HistGradientBoostingRegressor
    loss: dict[str, Any] = {"loss": _LOSSES.get(objective.name)}
    if objective.name == "quantile":
        loss["quantile"] = objective.level
    if fold.coder.is_classification:
        kind, loss = HistGradientBoostingClassifier, {}
    estimator = kind(
        learning_rate=rate,
        max_leaf_nodes=settings["max_leaf_nodes"],
        max_depth=settings["max_depth"],
        # with few rows the usual minimum would forbid every split
        min_samples_leaf=min(settings["min_samples_leaf"], max(1, rows // 10)),
        l2_regularization=settings["l2_regularization"],
        max_features=settings["max_features"],
        max_bins=settings["max_bins"],
        categorical_features=None,
        early_stopping=False,
        warm_start=True,
        random_state=task.seed % 2**32,
    )
    return estimator.set_params(**loss)


@dataclass
class _Growth:
    """A boosted model that grows by fits which continue each other.

    Attributes
    ----------
    estimator : object
        scikit-learn's, with ``warm_start``.
    bins : float64 array
        Training rows, as bins.
    later : float32 array or None
        Validation rows.
    fold, objective
        What is fitted to what.
    cuts : list of float64 arrays
        Where the bins of each column end.
    """

    estimator: Any
    bins: FloatArray
    later: NDArray[np.float32] | None
    fold: Fold
    objective: Objective
    cuts: list[FloatArray]

    def grow(self, task: FitTask, watch: RoundWatch) -> None:
        """Fit more and more rounds, until the watch or the clock says stop."""
        sums: FloatArray | None = None
        has_deadline = task.deadline.at is not None
        step = 1 if has_deadline and len(self.bins) > _MANY_ROWS else _FIRST_ROUNDS
        done = 0
        while True:
            step = min(step, watch.rounds - done)
            began = time.monotonic()
            self._fit(done + step, task.threads)
            for number in range(done, done + step):
                error = None
                if self.later is not None:
                    leaves = HistWalker(self.trees(number, number + 1, first=sums is None))
                    added = leaves.sums(self.later, task.threads)
                    sums = added if sums is None else sums + added
                    target, weights = self.fold.valid_target, self.fold.valid_weights
                    error = validation_loss(self.objective, sums, target, weights)
                if not watch.tell(number + 1, error):
                    return
            done += step
            cost = (time.monotonic() - began) / step
            affordable = int(0.75 * (task.deadline.remaining - _MARGIN) / cost) if has_deadline else 2 * step
            # every fit first bins the table and repeats the sums so far: short ones are not worth it
            if affordable < max(1, step // 4):
                watch.reason = "deadline"
                return
            if task.adaptive and has_deadline and done == step:
                rate = affordable_rate(self.estimator.learning_rate, affordable)
                self.estimator.set_params(learning_rate=rate)
            step = min(affordable, max(_FIRST_ROUNDS, done))

    def trees(self, start: int, end: int, *, first: bool = True) -> BoostedTrees:
        """Some of the rounds; `first` says whether they begin with the prior, else with nothing."""
        prior = np.asarray(self.estimator._baseline_prediction, np.float64).reshape(-1)
        rounds = self.estimator._predictors[start:end]
        return collect_trees(rounds, prior if first else np.zeros_like(prior), self.cuts)

    def _fit(self, rounds: int, threads: int) -> None:
        from threadpoolctl import threadpool_limits

        self.estimator.set_params(max_iter=rounds)
        threads = threads if self.bins.size >= _MANY_CELLS else 1
        with threadpool_limits(threads, user_api="openmp"):
            self.estimator.fit(self.bins, self.fold.train_target, self.fold.train_weights)
