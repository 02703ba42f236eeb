"""Gradient boosting with XGBoost (Chen and Guestrin, 2016), on histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Contributions,
    Estimate,
    FitTask,
    OutOfTime,
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
from modelwright.learners.halves import Halves
from modelwright.learners.kept import digest_of, kept
from modelwright.learners.matrix_columns import MatrixColumns, has_many_levels
from modelwright.learners.objectives import (
    OBJECTIVES,
    Objective,
    choose_objective,
    monotone_signs,
    prior_sums,
    rewards_means,
    unsupported_monotonic,
)
from modelwright.learners.rounds import (
    PROBE_ROUNDS,
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
from modelwright.learners.tree_walk import TreeWalk
from modelwright.learners.xgboost_model import read_trees, write_document

if TYPE_CHECKING:
    import xgboost as xgb

__all__ = ["FittedXGBoost", "XGBoost"]

_MOST_ROUNDS = 2_000
"""Rounds at most, for one or two classes."""

_MANY_CELLS = 100_000
"""Cells from which on a fit uses more than one thread."""

_OBJECTIVES = {
    "logistic": "binary:logistic",
    "softmax": "multi:softprob",
    "squared": "reg:squarederror",
    "absolute": "reg:absoluteerror",
    "quantile": "reg:quantileerror",
    "poisson": "count:poisson",
    "tweedie": "reg:tweedie",
    "gamma": "reg:gamma",
}

_METRICS = {
    "logistic": "logloss",
    "softmax": "mlogloss",
    "squared": "rmse",
    "absolute": "mae",
    "quantile": "quantile",
    "poisson": "poisson-nloglik",
    "tweedie": "tweedie-nloglik@1.5",
    "gamma": "gamma-nloglik",
}


class FittedXGBoost(FittedBooster):
    """Trees cut at the best round; XGBoost walks them.

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
        self._booster = None if trees is None else _booster(trees)
        self._threads = 0

    @cached_property
    def _row_walk(self) -> TreeWalk:
        assert self.trees is not None
        return TreeWalk(self.trees, strict=True)

    def _raw(self, view: View) -> NDArray[Any]:
        assert self._booster is not None
        assert self.trees is not None
        if view.rows == 1:
            leaves = self._row_walk.leaves(self.columns.matrix(view)[0]).reshape(-1, self.trees.outputs)
            # XGBoost adds up in float32, tree after tree: cumulated here, as numpy's sums have another order
            total = np.cumsum(leaves, axis=0)[-1:].astype(np.float64) + self.trees.prior
            return self.trees.respond(total, len(self.coder.present))
        if self._threads != self.threads:
            self._booster.set_param({"nthread": self.threads})
            self._threads = self.threads
        matrix = self.columns.matrix(view)
        # margins, because XGBoost's probabilities are float32 and do not sum to one
        sums = self._booster.inplace_predict(matrix, predict_type="margin", validate_features=False)
        sums = np.asarray(sums, np.float64).reshape(view.rows, self.trees.outputs) + self.trees.prior
        return self.trees.respond(sums, len(self.coder.present))

    @cached_property
    def _shap(self) -> TreeShap:
        assert self.trees is not None
        return TreeShap(plain_boosted(self.trees, strict=True), matrix_owners(self.columns))

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
        trees = BoostedTrees.read(path, np.float32)
        # XGBoost would read beyond the ends of a narrower matrix
        check_state(trees.features == columns.width, path, "does not fit its record of the columns")
        # it takes the node after the left child for the right one, whatever the arrays say
        inner = trees.left >= 0
        together = np.array_equal(trees.right[inner], trees.left[inner] + 1)
        check_state(together, path, "holds siblings that are no neighbours")
        model = cls(coder, columns, trees)
        check_state(trees.outputs == model._trees_a_round, path, "does not fit its record of the target")
        return model

    @property
    def _engine_bytes(self) -> int:
        assert self.trees is not None
        return self.trees.size_bytes


class XGBoost(Learner):
    """Gradient-boosted trees on histograms, grown level by level or best leaf first.

    Categories are ordered codes, or statistics of the target: on tables with categories of 3 to 300 levels
    XGBoost's own splits of categories were worse than ordered codes more often than better.

    Source: Chen and Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016.
    """

    name = "xgboost"
    fitted = FittedXGBoost
    engines = ("xgboost",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "rounds": None,
        "patience": None,
        "learning_rate": None,
        "max_depth": 6,
        "max_leaves": 0,
        "grow_policy": "depthwise",
        "min_child_weight": 1.0,
        "subsample": 0.8,
        "colsample_bytree": 1.0,
        "colsample_bylevel": 0.9,
        "reg_alpha": 0.0,
        "reg_lambda": 1.0,
        "gamma": 0.0,
        "max_bin": 256,
        "categories": "codes",
        "objective": "metric",
    }
    on_new_scale: ClassVar[Mapping[str, Any]] = {"objective": "metric"}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Not without columns, nor where predictions must be monotonic and XGBoost cannot keep them so."""
        if not shape.columns:
            return "there is no usable column to split on"
        return unsupported_monotonic(problem, "XGBoost", quantiles=False)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """A quick booster, then those of pytabkit and AutoGluon, with rates for minutes."""
        if problem.task.is_classification:
            tuned = {"max_depth": 6, "min_child_weight": 5e-6, "reg_lambda": 0.0, "subsample": 0.65}
        else:
            tuned = {"max_depth": 9, "min_child_weight": 2.0, "reg_lambda": 0.0, "subsample": 0.7}
        deep = {"max_depth": 10, "min_child_weight": 0.6, "colsample_bytree": 0.69, "subsample": 0.9}
        small = {"max_depth": 5, "min_child_weight": 0.66, "learning_rate": 0.088}
        candidates = [
            Candidate("fast", {"learning_rate": 0.1, "rounds": 300, "patience": 30, **_wide(shape)}),
            Candidate("tuned", {**tuned, **_wide(shape)}),
        ]
        if has_many_levels(shape):
            encoded = {**small, "categories": "target"}
            candidates.append(Candidate("target encoding", {**encoded, **_wide(shape)}))
        candidates.append(Candidate("shallow", {**small, **_wide(shape)}))
        if shape.rows >= 1_000:
            candidates.append(Candidate("deep", {**deep, **_wide(shape)}))
        return candidates

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Size and randomness of trees, penalties, learning rate."""
        space: dict[str, Parameter] = {
            "learning_rate": Float(0.01, 0.2, log=True),
            "max_depth": Int(3, 10 if shape.rows >= 1_000 else 7),
            "min_child_weight": Float(0.001, 30.0, log=True),
            "subsample": Float(0.5, 1.0),
            "colsample_bytree": Float(*column_shares(shape.columns, 0.4)),
            "reg_alpha": Float(1e-4, 10.0, log=True),
            "reg_lambda": Float(1e-4, 30.0, log=True),
        }
        if has_many_levels(shape):
            space["categories"] = Choice(("codes", "target"))
        if rewards_means(problem):
            space["objective"] = Choice(OBJECTIVES)
        return space

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Rounds to the typical best iteration times the cost of one, and the quantised table."""
        settings = self.settings(config)
        rate = settings["learning_rate"] or default_rate(shape.rows)
        most = settings["rounds"] or default_rounds(shape.outputs, _MOST_ROUNDS)
        best = 12 / rate
        rounds = min(most, best + (settings["patience"] or patience(shape.rows, int(best))))
        trees = shape.outputs if shape.outputs > 2 else 1
        width = shape.columns * settings["colsample_bytree"]
        leaves = min(2.0 ** min(settings["max_depth"] or 10, 12), 1 + shape.rows / 10)
        cells = shape.rows * (width * settings["colsample_bylevel"] + 4)
        bins = min(settings["max_bin"], shape.rows)
        histograms = bins * width * leaves
        round_seconds = trees * (
            4e-4 + 1e-9 * cells * (settings["max_depth"] or 10) + 1e-9 * histograms + 1e-6 * leaves
        )
        binning = 1.5e-7 * shape.rows * shape.columns + 2e-5 * shape.columns
        memory = shape.rows * (shape.columns * 12 + 20 * trees) + 16 * bins * width * min(leaves, 256)
        size = 4_000 + kept_rounds(best, shape.rows, most) * trees * leaves * 25
        seconds = 0.03 + binning + rounds * round_seconds
        return Estimate(float(seconds), int(memory + 40e6), int(size), 7e-5)

    def fit(self, task: FitTask) -> FitResult:
        """Boost until the validation error stops falling, the rounds are done or time is up."""
        import xgboost as xgb

        settings = self.settings(task.config)
        fold = Fold.of(task)
        columns, matrix = MatrixColumns.fit(task, fold, settings["categories"])
        if fold.coder.is_constant:
            return FitResult(FittedXGBoost(fold.coder, columns, None), 0, {"stop": "nothing to learn"})
        if not columns.width:
            raise TrialError("XGBoost needs at least one column, but the table has none that is usable.")
        objective, fold = choose_objective(task, fold, settings["objective"])
        prior = prior_sums(objective, fold)
        parameters = _parameters(task, fold, settings, objective)
        if task.problem.monotonic:
            signs = columns.signs(monotone_signs(task.problem, task.view.info))
            parameters["monotone_constraints"] = "(" + ",".join(str(sign) for sign in signs) + ")"
        train, valid = _quantised(task, fold, settings, columns, matrix)
        del matrix
        for rows, target in ((train, fold.train_target), (valid, fold.valid_target)):
            if rows is not None:
                # boosting begins at our own prior: XGBoost's would be rounded differently in a saved model
                margins = np.tile(prior.astype(np.float32), (len(target), 1))
                rows.set_info(label=target, base_margin=margins)
        if task.deadline.passed:
            raise OutOfTime("The deadline passed while the columns were being binned.")
        rounds = settings["rounds"] or default_rounds(len(fold.coder.present), _MOST_ROUNDS)
        watch = RoundWatch(len(fold.train_rows), rounds, task.deadline, settings["patience"])
        booster = xgb.Booster(parameters, [train] if valid is None else [train, valid])
        halves = None if valid is None else Halves.of(task, fold)
        judges = _Judges(valid, halves, parameters["eval_metric"] == "rmse")
        rate = _boost(booster, train, judges, watch, parameters["learning_rate"] if task.adaptive else None)
        best = max(1, watch.best)
        document = bytes(booster.save_raw("ubj"))
        trees = read_trees(document, prior, columns.width, best, objective.is_logarithmic)
        info = {"learning_rate": rate or parameters["learning_rate"], "rounds": watch.done}
        info |= {"stop": watch.reason, "objective": objective.name}
        honest = None
        if halves is not None:

            def raw(half: int, rounds: int) -> NDArray[Any]:
                sums = booster.predict(judges.tables[half], output_margin=True, iteration_range=(0, rounds))
                by_row = np.asarray(sums, np.float64).reshape(len(halves.parts[half]), -1)
                return trees.respond(by_row, len(fold.coder.present))

            honest = halves.predictions(task, fold, watch.bests, raw)
        return FitResult(FittedXGBoost(fold.coder, columns, trees), best, info, watch.by_deadline, honest)


def _wide(shape: Shape) -> dict[str, Any]:
    """Settings without which an iteration on thousands of columns takes seconds."""
    _, share = column_shares(shape.columns, 0.4)
    return {"colsample_bytree": share, "max_bin": 64} if share < 1 else {}


def _threads(task: FitTask, rows: int) -> int:
    """Threads worth having: on small tables they wait for each other longer than they work."""
    columns = task.view.numeric.shape[1] + task.view.categorical.shape[1]
    return task.threads if rows * columns >= _MANY_CELLS else 1


def _booster(trees: BoostedTrees) -> xgb.Booster:
    import xgboost as xgb

    return xgb.Booster({"verbosity": 0}, model_file=write_document(trees))


def _parameters(task: FitTask, fold: Fold, settings: dict[str, Any], objective: Objective) -> dict[str, Any]:
    """XGBoost's own parameters."""
    own = {"rounds", "patience", "categories", "objective"}
    parameters = {name: value for name, value in settings.items() if name not in own}
    # not by the rounds asked for: a refit with the best number of rounds must have the same rate
    most = default_rounds(len(fold.coder.present), _MOST_ROUNDS)
    rate = affordable_rate(default_rate(len(fold.train_rows)), most)
    parameters["learning_rate"] = settings["learning_rate"] or rate
    parameters |= {
        "objective": _OBJECTIVES[objective.name],
        "eval_metric": _METRICS[objective.stop],
        "base_score": 0.5,
        "tree_method": "hist",
        "seed": task.seed % 2**31,
        "nthread": _threads(task, len(fold.train_rows)),
        "verbosity": 0,
    }
    if objective.name == "softmax":
        parameters["num_class"] = len(fold.coder.present)
    if "quantile" in (objective.name, objective.stop):
        parameters["quantile_alpha"] = objective.level
    return parameters


def _quantised(
    task: FitTask,
    fold: Fold,
    settings: dict[str, Any],
    columns: MatrixColumns,
    matrix: NDArray[np.float32] | None,
) -> tuple[xgb.QuantileDMatrix, xgb.DMatrix | None]:
    """Binned training rows, and validation rows as they are: XGBoost predicts from bins at half the speed.

    Both lack targets. Bins come from the (weighted) training rows. They stay in the worker's cache, unless
    the matrix depends on the target.
    """
    import xgboost as xgb

    threads = _threads(task, len(fold.train_rows))

    def quantised() -> tuple[xgb.QuantileDMatrix, xgb.DMatrix | None]:
        rows = columns.matrix(task.view.take(fold.train_rows)) if matrix is None else matrix
        binned = settings["max_bin"]
        train = xgb.QuantileDMatrix(rows, weight=fold.train_weights, max_bin=binned, nthread=threads)
        if not len(fold.valid_rows):
            return train, None
        later = columns.matrix(task.view.take(fold.valid_rows))
        return train, xgb.DMatrix(later, weight=fold.valid_weights, nthread=threads)

    with task.clock("binning"):
        if columns.form == "target":
            return quantised()
        rows = digest_of(fold.train_rows, fold.valid_rows, fold.train_weights, fold.valid_weights)
        size = columns.width * (4 * len(fold.train_rows) + 8 * len(fold.valid_rows))
        key = ("xgboost", columns.form, str(settings["max_bin"]), rows)
        return kept(task, key, quantised, lambda _: size)


class _Judges:
    """The validation rows as one table, as two, or none."""

    def __init__(self, valid: xgb.DMatrix | None, halves: Halves | None, rooted: bool) -> None:
        self._halves, self._rooted = halves, rooted
        self.tables = [] if valid is None else [valid]
        if valid is not None and halves is not None:
            self.tables = [valid.slice(part) for part in halves.parts]

    def errors(self, booster: xgb.Booster, round_: int) -> tuple[float | None, list[float]]:
        """The error on all rows, None without any, and those of the halves if there are two."""
        if not self.tables:
            return None, []
        named = [(table, f"valid{number}") for number, table in enumerate(self.tables)]
        # "[12]\tvalid0-logloss:0.25\tvalid1-logloss:0.26"
        said = booster.eval_set(named, round_).split("\t")[1:]
        errors = [float(each.rpartition(":")[2]) for each in said]
        if self._halves is None:
            return errors[0], []
        return self._halves.mean(errors, self._rooted), errors


def _boost(
    booster: xgb.Booster,
    train: xgb.QuantileDMatrix,
    judges: _Judges,
    watch: RoundWatch,
    rate: float | None,
) -> float | None:
    """Boost until the watch says stop; after a probe of the cost the rate, if given, may be raised."""
    while True:
        booster.update(train, watch.done)
        if not watch.tell(watch.done + 1, *judges.errors(booster, watch.done)):
            return rate
        if rate is not None and watch.done == PROBE_ROUNDS and watch.round_seconds > 0:
            rate = affordable_rate(rate, 0.9 * watch.deadline.remaining / watch.round_seconds)
            booster.set_param({"learning_rate": rate})
