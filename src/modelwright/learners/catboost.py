"""Gradient boosting of symmetric trees with CatBoost (Prokhorenkova et al., 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Contributions,
    Deadline,
    Estimate,
    FitTask,
    FloatArray,
    IntArray,
    Problem,
    Shape,
    TrialError,
    View,
    format_seconds,
)
from modelwright.features import KnownLevels
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.catboost_row import SymmetricTrees, read_symmetric_trees
from modelwright.learners.fitted_booster import FittedBooster
from modelwright.learners.fold import Fold
from modelwright.learners.halves import Halves
from modelwright.learners.matrix_columns import MatrixColumns
from modelwright.learners.objectives import (
    Objective,
    choose_objective,
    monotone_signs,
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
from modelwright.learners.state import check_state
from modelwright.learners.targets import TargetCoder

if TYPE_CHECKING:
    import catboost as cb

__all__ = ["CatBoost", "FittedCatBoost"]

_PROBE_ROWS = 1_000
"""Rows of the fit that tells what an iteration on all rows would take."""

_MOST_ROUNDS = 2_000
"""Rounds at most, for one or two classes."""

_FEW_ROWS = 16
"""Up to so many rows, plain lists are read quicker than a frame."""

_MOST_CLASSES = 200
"""Every iteration fits all classes: beyond so many, other learners give more for the time."""


class FittedCatBoost(FittedBooster):
    """A model cut at its best iteration.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    columns : MatrixColumns
        Only its levels are used: CatBoost has its own statistics of categories.
    model : catboost.CatBoost or None
        None where there was one class or value to learn.
    """

    file = "model.cbm"

    def __init__(self, coder: TargetCoder, columns: MatrixColumns, model: cb.CatBoost | None) -> None:
        super().__init__(coder, columns)
        self.model = model

    @cached_property
    def _row_trees(self) -> SymmetricTrees | None:
        assert self.model is not None
        table = self.columns.levels.table
        return read_symmetric_trees(self.model, self.columns.numeric, table.cardinalities)

    def _raw(self, view: View) -> NDArray[Any]:
        assert self.model is not None
        if view.rows == 1 and view.numeric.shape[1] == self.columns.numeric and self._row_trees is not None:
            codes = self.columns.levels.apply(view.categorical)
            return self._respond(self._row_trees.sums(view.numeric[0], codes[0]))
        kind = "Probability" if self.coder.is_classification else "RawFormulaVal"
        data = _pool(view, self.columns.levels, self.threads)
        return np.asarray(self.model.predict(data, prediction_type=kind, thread_count=self.threads))

    def _respond(self, sums: FloatArray) -> NDArray[Any]:
        """What the library says of one row, from its sums of leaves."""
        if not self.coder.is_classification:
            return sums
        if len(sums) == 1:
            return np.asarray(1.0 / (1.0 + np.exp(-np.clip(sums, -700.0, 700.0))))
        powers = np.exp(sums - sums.max())
        return np.asarray(powers / powers.sum())[None, :]

    def _sums_by_column(self, view: View) -> Contributions | None:
        import catboost as cb

        assert self.model is not None
        data = _pool(view, self.columns.levels, self.threads)
        try:
            said = self.model.get_feature_importance(data, type="ShapValues", thread_count=self.threads)
        except cb.CatBoostError:
            return None
        # one matrix, or one for each class; the last column is where the sum begins
        by_output = np.asarray(said, np.float64).reshape(view.rows, -1, np.shape(said)[-1])
        return Contributions(by_output[:, :, :-1].transpose(0, 2, 1), by_output[0, :, -1], self._link)

    def _write(self, path: Path) -> None:
        assert self.model is not None
        self.model.save_model(str(path), format="cbm")

    @classmethod
    def _read(cls, coder: TargetCoder, columns: MatrixColumns, path: Path, content: bytes) -> Self:
        import catboost as cb

        if not content:
            return cls(coder, columns, None)
        try:
            engine = cb.CatBoost().load_model(blob=content)
            outputs = len(engine.get_leaf_values()) / np.sum(engine.get_tree_leaf_counts())
        except cb.CatBoostError as error:
            raise ValueError(str(error)) from error
        model = cls(coder, columns, engine)
        check_state(outputs == model._trees_a_round, path, "does not fit its record of the target")
        return model

    @property
    def _engine_bytes(self) -> int:
        """Leaves and splits; tables of category statistics are counted roughly."""
        assert self.model is not None
        leaves = int(np.sum(self.model.get_tree_leaf_counts()))
        return 20_000 + leaves * 8 * (self._trees_a_round + 1) + 24 * len(self.columns.levels.table.values)


class CatBoost(Learner):
    """Gradient boosting of symmetric trees, with ordered statistics of categories.

    CatBoost stops only between iterations, so where time is short a small fit tells first whether
    one iteration would end in time. The model does not depend on the number of threads.

    Source: Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features",
    NeurIPS 2018.
    """

    name = "catboost"
    turn = 0
    fitted = FittedCatBoost
    engines = ("catboost", "pandas")
    defaults: ClassVar[Mapping[str, Any]] = {
        "rounds": None,
        "patience": None,
        "learning_rate": None,
        "depth": 6,
        "l2_leaf_reg": 3.0,
        "random_strength": 1.0,
        "subsample": 0.8,
        "rsm": 1.0,
        "border_count": 128,
        "grow_policy": "SymmetricTree",
        "one_hot_max_size": 50,
        "max_ctr_complexity": 1,
        "leaf_estimation_iterations": 1,
    }

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Not with hundreds of classes, nor without columns."""
        if shape.outputs > _MOST_CLASSES:
            return f"CatBoost is too slow for {shape.outputs} classes (more than {_MOST_CLASSES})"
        if not shape.columns:
            return "there is no usable column to split on"
        return unsupported_monotonic(problem, "CatBoost", quantiles=False)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """A default that ends within minutes, then AutoGluon's other depths."""
        few_steps = {"leaf_estimation_iterations": 1 if problem.task.is_classification else 5}
        narrow = _wide(shape)
        counts = {"l2_leaf_reg": 4.56, "one_hot_max_size": 10, "max_ctr_complexity": 2}
        deep = {"depth": 8, "l2_leaf_reg": 2.15, "one_hot_max_size": 10}
        by_level = {"depth": 6, "l2_leaf_reg": 2.8, "grow_policy": "Depthwise", "rsm": 0.8}
        return (
            Candidate("default", {"learning_rate": 2 * default_rate(shape.rows), **few_steps, **narrow}),
            Candidate("shallow", {"depth": 4, **counts, **narrow}),
            Candidate("deep", {**deep, **few_steps, **narrow}),
            Candidate("depthwise", {**by_level, **narrow}),
        )

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Size and randomness of trees, penalty, learning rate, treatment of categories."""
        space: dict[str, Parameter] = {
            "learning_rate": Float(0.02, 0.2, log=True),
            "depth": Int(3, 8 if shape.outputs <= 5 else 6),
            "l2_leaf_reg": Float(0.5, 30.0, log=True),
            "random_strength": Float(0.1, 10.0, log=True),
            "subsample": Float(0.5, 1.0),
            "rsm": Float(*column_shares(shape.columns, 0.4)),
        }
        if shape.categorical:
            space["one_hot_max_size"] = Choice((2, 10, 50))
            space["max_ctr_complexity"] = Int(1, 3)
        return space

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Rounds to the typical best iteration times the cost of one, and the quantised table."""
        settings = self.settings(config)
        rate = settings["learning_rate"] or 1.3 * default_rate(shape.rows)
        most = settings["rounds"] or default_rounds(shape.outputs, _MOST_ROUNDS)
        best = 80 / rate
        rounds = min(most, best + (settings["patience"] or patience(shape.rows, int(best))))
        outputs = shape.outputs if shape.outputs > 2 else 1
        depth, rows = settings["depth"], shape.rows
        # columns with more levels than are one-hot need statistics: their number is a guess
        many = shape.levels > 0.4 * settings["one_hot_max_size"] * shape.categorical
        statistics = shape.categorical * (0.7 if many else 0.15) * min(3, settings["max_ctr_complexity"])
        steps = 1 + 0.15 * (settings["leaf_estimation_iterations"] - 1)
        shape_factor = 1 if settings["grow_policy"] == "SymmetricTree" else 2
        numbers = (
            steps * shape_factor * rows * depth * (shape.columns * settings["rsm"] * 1.0e-9 + 6e-9) * outputs
        )
        categories = rows * statistics * 4e-8
        leaves = (
            2**depth
            * outputs
            * min(settings["border_count"], rows)
            * shape.columns
            * settings["rsm"]
            * 1.2e-8
        )
        setup = 0.03 + 3e-7 * rows * shape.columns + 3e-5 * shape.columns
        memory = rows * (shape.columns * 6 + 48 * outputs + 16 * statistics) + 64e6
        seconds = setup + rounds * (1e-3 + numbers + categories + leaves)
        kept = kept_rounds(0.7 * best if outputs == 1 else 2 * best, rows, most)
        size = 10_000 + kept * 2**depth * (8 * outputs + 8) + 30 * shape.levels * statistics
        return Estimate(float(seconds), int(memory), int(size), 6e-5)

    def fit(self, task: FitTask) -> FitResult:
        """Boost until the validation error stops falling, the rounds are done or time is up."""
        from catboost import CatBoostError

        settings = self.settings(task.config)
        fold = Fold.of(task)
        columns, _ = MatrixColumns.fit(task, fold, "native")
        if fold.coder.is_constant:
            return FitResult(FittedCatBoost(fold.coder, columns, None), 0, {"stop": "nothing to learn"})
        if not task.view.info.numeric and not task.view.info.categorical:
            raise TrialError("CatBoost needs at least one column, but the table has none that is usable.")
        objective, fold = choose_objective(task, fold)
        parameters = _parameters(task, fold, settings) | _loss(objective)
        if task.problem.monotonic:
            parameters |= _monotone(task)
        try:
            return self._fit(task, fold, columns, parameters, settings)
        except CatBoostError as error:
            raise TrialError(f"CatBoost could not fit this table: {error}") from error

    def _fit(
        self,
        task: FitTask,
        fold: Fold,
        columns: MatrixColumns,
        parameters: dict[str, Any],
        settings: dict[str, Any],
    ) -> FitResult:
        levels = columns.levels
        _check_affordable(task, fold, levels, parameters)
        train = _rows_pool(task, fold.train_rows, fold.train_target, fold.train_weights, levels)
        valid = []
        if len(fold.valid_rows):
            valid = [_rows_pool(task, fold.valid_rows, fold.valid_target, fold.valid_weights, levels)]
        # a model of other trees than symmetric ones cannot be cut by hand
        halves = Halves.of(task, fold) if parameters["grow_policy"] == "SymmetricTree" else None
        if halves is not None:
            # slices look into the memory of the whole, which has to live as long as they do
            whole = valid[0]
            valid = [whole.slice(part.tolist()) for part in halves.parts]
        rows, rounds, wait = len(fold.train_rows), parameters["iterations"], settings["patience"]
        watch = _Watch(RoundWatch(rows, rounds, task.deadline, wait), task.adaptive, parameters, halves)
        model = _boost(parameters, train, valid, watch)
        if watch.faster is not None:
            parameters = parameters | {"learning_rate": watch.faster}
            watch = _Watch(RoundWatch(rows, rounds, task.deadline, wait), False, parameters, halves)
            model = _boost(parameters, train, valid, watch)
        honest = None
        if halves is not None:

            def raw(half: int, rounds: int) -> NDArray[Any]:
                kind = "Probability" if fold.coder.is_classification else "RawFormulaVal"
                return np.asarray(model.predict(valid[half], prediction_type=kind, ntree_end=rounds))

            honest = halves.predictions(task, fold, watch.rounds.bests, raw)
            model.shrink(max(1, watch.rounds.best))
        best = int(model.tree_count_)
        info = {
            "learning_rate": parameters["learning_rate"],
            "rounds": watch.rounds.done,
            "stop": watch.rounds.reason,
        }
        by_deadline = watch.rounds.by_deadline
        return FitResult(FittedCatBoost(fold.coder, columns, model), best, info, by_deadline, honest)


def _wide(shape: Shape) -> dict[str, Any]:
    """Settings without which an iteration on thousands of columns takes seconds."""
    _, share = column_shares(shape.columns, 0.4)
    return {"rsm": share, "border_count": 32} if share < 1 else {}


class _Watch:
    """CatBoost's callback: stops the fit, or asks for a faster one where the clock may decide."""

    def __init__(
        self, rounds: RoundWatch, adaptive: bool, parameters: Mapping[str, Any], halves: Halves | None
    ) -> None:
        self.rounds, self.halves = rounds, halves
        self.adaptive = adaptive and rounds.deadline.at is not None
        self.rate = float(parameters["learning_rate"])
        self.metric = str(parameters["eval_metric"])
        self.faster: float | None = None

    def after_iteration(self, info: Any) -> bool:
        scores = [found for name, found in sorted(info.metrics.items()) if name.startswith("validation")]
        errors = [float(found[self.metric][-1]) for found in scores]
        if self.halves is None:
            going = self.rounds.tell(int(info.iteration), errors[0] if errors else None)
        else:
            error = self.halves.mean(errors, self.metric == "RMSE")
            going = self.rounds.tell(int(info.iteration), error, errors)
        if going and self.adaptive and self.rounds.done == PROBE_ROUNDS and self.rounds.round_seconds > 0:
            left = self.rounds.deadline.remaining - self.rounds.first_seconds
            affordable = 0.85 * left / self.rounds.round_seconds
            rate = affordable_rate(self.rate, affordable)
            # a restart costs the rounds done so far: only a clearly faster rate is worth them
            if rate > 1.3 * self.rate and affordable > 2 * PROBE_ROUNDS:
                self.faster = rate
                return False
        return going


def _boost(parameters: dict[str, Any], train: cb.Pool, valid: list[cb.Pool], watch: _Watch) -> cb.CatBoost:
    import catboost as cb

    # CatBoost cuts the model at its best iteration by itself: `shrink` knows symmetric trees alone
    metric = str(parameters["eval_metric"])
    # without the hint every iteration is scored on the training rows, too
    parameters = parameters | {"eval_metric": f"{metric}{';' if ':' in metric else ':'}hints=skip_train~true"}
    model = cb.CatBoost(parameters | {"use_best_model": len(valid) == 1})
    model.fit(train, eval_set=valid or None, callbacks=[watch])
    return model


def _parameters(task: FitTask, fold: Fold, settings: dict[str, Any]) -> dict[str, Any]:
    """CatBoost's own parameters."""
    own = {"rounds", "patience", "learning_rate"}
    parameters = {name: value for name, value in settings.items() if name not in own}
    if parameters["grow_policy"] != "SymmetricTree":
        parameters["min_data_in_leaf"] = max(1, min(5, len(fold.train_rows) // 50))
    if settings["subsample"] >= 1:
        # CatBoost takes the share as a contradiction where no rows are drawn
        del parameters["subsample"]
    rate = settings["learning_rate"] or 1.3 * default_rate(len(fold.train_rows))
    return (
        parameters
        | {
            "iterations": settings["rounds"] or default_rounds(len(fold.coder.present), _MOST_ROUNDS),
            "learning_rate": rate,
            "bootstrap_type": "MVS" if settings["subsample"] < 1 else "No",
            "boosting_type": "Plain",
            "random_seed": task.seed,
            "thread_count": task.threads,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
        | ({"used_ram_limit": task.memory_limit} if task.memory_limit else {})
    )


def _loss(objective: Objective) -> dict[str, Any]:
    """Loss to minimise, and the metric to stop early on, as CatBoost calls them."""
    names = {
        "logistic": "Logloss",
        "softmax": "MultiClass",
        "squared": "RMSE",
        "absolute": "MAE",
        "quantile": f"Quantile:alpha={objective.level:g}",
    }
    # losses for counts and amounts are smallest at the mean too: squared errors stand in for them
    return {
        "loss_function": names.get(objective.name, "RMSE"),
        "eval_metric": names.get(objective.stop, "RMSE"),
    }


def _monotone(task: FitTask) -> dict[str, Any]:
    """Constraints, which CatBoost keeps in symmetric trees alone."""
    signs = monotone_signs(task.problem, task.view.info)
    return {
        "monotone_constraints": [*signs, *[0] * task.view.categorical.shape[1]],
        "grow_policy": "SymmetricTree",
        "min_data_in_leaf": 1,
    }


def _pool(view: View, levels: KnownLevels, threads: int, target: Any = None, weights: Any = None) -> cb.Pool:
    """CatBoost's own copy of some rows."""
    import catboost as cb

    if not view.categorical.shape[1]:
        matrix = np.ascontiguousarray(view.numeric)
        return cb.Pool(matrix, label=target, weight=weights, thread_count=threads)
    codes = levels.apply(view.categorical)
    if target is None and view.rows <= _FEW_ROWS:
        cells = [[*numbers, *row] for numbers, row in zip(view.numeric.tolist(), codes.tolist(), strict=True)]
        places = list(range(view.numeric.shape[1], view.numeric.shape[1] + codes.shape[1]))
        return cb.Pool(cells, cat_features=places, thread_count=threads)
    import pandas as pd

    # categories by code are read several times faster than a column of integers
    categories = {
        f"c{column}": pd.Categorical.from_codes(
            codes[:, column], categories=pd.RangeIndex(max(1, feature.levels))
        )
        for column, feature in enumerate(view.info.categorical)
    }
    frame = pd.DataFrame(categories)
    if view.numeric.shape[1]:
        names = [f"n{column}" for column in range(view.numeric.shape[1])]
        frame = pd.concat([pd.DataFrame(np.asarray(view.numeric), columns=names), frame], axis=1)
    return cb.Pool(frame, label=target, weight=weights, cat_features=list(categories), thread_count=threads)


def _rows_pool(
    task: FitTask, rows: IntArray, target: Any, weights: FloatArray | None, levels: KnownLevels
) -> cb.Pool:
    with task.clock("binning"):
        return _pool(task.view.take(rows), levels, task.threads, target, weights)


def _check_affordable(task: FitTask, fold: Fold, levels: KnownLevels, parameters: dict[str, Any]) -> None:
    """Refuse a fit whose first iteration would not end before the deadline.

    Raises
    ------
    TrialError
        With what an iteration is expected to take.
    """
    rows = len(fold.train_rows)
    if task.deadline.at is None or rows <= 2 * _PROBE_ROWS:
        return
    step = rows // _PROBE_ROWS
    drawn = slice(0, rows, step)
    # every class must be among the rows of the probe, or it would be cheaper than the fit
    _, first = np.unique(fold.train_target, return_index=True)
    extra = first[:_MOST_CLASSES] if fold.coder.is_classification else first[:2]
    chosen = np.union1d(np.arange(rows)[drawn], extra)
    sample = _rows_pool(task, fold.train_rows[chosen], fold.train_target[chosen], None, levels)
    watch = _Watch(RoundWatch(rows, 4, Deadline(None)), False, parameters, None)
    _boost(parameters | {"iterations": 4}, sample, [], watch)
    # an iteration has costs that do not grow with rows: only a clear excess is refused
    expected = 0.5 * watch.rounds.round_seconds * rows / _PROBE_ROWS
    if expected > task.deadline.remaining:
        raise TrialError(
            f"One iteration of CatBoost would take about {format_seconds(expected)}, longer than the time "
            "left. Give the run more time."
        )
