"""Gradient boosting with LightGBM (Ke et al., 2017), binned once per view and shared by all folds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
from modelwright.features import KnownLevels
from modelwright.learners.attribution import matrix_owners
from modelwright.learners.base import Candidate, FitResult, Learner
from modelwright.learners.fitted_booster import FittedBooster
from modelwright.learners.fold import Fold
from modelwright.learners.halves import Halves
from modelwright.learners.kept import kept
from modelwright.learners.lightgbm_row import RowBooster
from modelwright.learners.lightgbm_text import check_model_text, without_statistics
from modelwright.learners.matrix_columns import MatrixColumns, has_many_levels
from modelwright.learners.objectives import (
    OBJECTIVES,
    Objective,
    choose_objective,
    monotone_signs,
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
from modelwright.learners.state import check_state
from modelwright.learners.targets import TargetCoder

if TYPE_CHECKING:
    import lightgbm as lgb

__all__ = [
    "FittedLightGBM",
    "LightGBM",
    "binning_parameters",
    "boost",
    "booster_parameters",
    "fold_datasets",
    "objective_parameters",
]

_MOST_ROUNDS = 3_000
"""Rounds at most, for one or two classes."""

_LOGARITHMIC = re.compile(r"^objective=(?:poisson|tweedie|gamma)\b", re.MULTILINE)
"""Of a model text: losses whose sums of leaves are logarithms of predictions."""

_HEADER = 1_000
"""Characters of a model text within which its loss is named."""

_EMPTY_ROUNDS = 5
"""Rounds in a row without a split after which nothing more will come (columns are sampled)."""


class FittedLightGBM(FittedBooster):
    """A booster cut at its best iteration.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    columns : MatrixColumns
        The matrix that the booster splits.
    text : str
        The model in LightGBM's text format; empty where there was one class or value to learn.
    """

    file = "model.txt"

    def __init__(self, coder: TargetCoder, columns: MatrixColumns, text: str) -> None:
        super().__init__(coder, columns)
        self.text = text
        self._booster = _booster(text) if text else None

    @cached_property
    def _row_booster(self) -> RowBooster | None:
        assert self._booster is not None
        return RowBooster.of(self._booster)

    def _raw(self, view: View) -> NDArray[Any]:
        assert self._booster is not None
        matrix = self.columns.matrix(view)
        if view.rows == 1 and self._row_booster is not None:
            said = self._row_booster.predict(matrix[0])
            if said is not None:
                return said if len(said) == 1 else said[None, :]
        return np.asarray(self._booster.predict(matrix, num_threads=self.threads))

    def _sums_by_column(self, view: View) -> Contributions:
        assert self._booster is not None
        matrix = self.columns.matrix(view)
        said = self._booster.predict(matrix, pred_contrib=True, num_threads=self.threads)
        by_output = np.asarray(said, np.float64).reshape(view.rows, -1, matrix.shape[1] + 1)
        values = by_output[:, :, :-1].transpose(0, 2, 1)
        found = Contributions(values, by_output[0, :, -1], self._link)
        columns = view.numeric.shape[1] + view.categorical.shape[1]
        return found.grouped(matrix_owners(self.columns), columns)

    @property
    def _is_logarithmic(self) -> bool:
        return _LOGARITHMIC.search(self.text, 0, _HEADER) is not None

    def _write(self, path: Path) -> None:
        path.write_bytes(self.text.encode("utf-8"))

    @classmethod
    def _read(cls, coder: TargetCoder, columns: MatrixColumns, path: Path, content: bytes) -> Self:
        from lightgbm.basic import LightGBMError

        text = content.decode("utf-8")
        if not text:
            return cls(coder, columns, text)
        # the hash guards against damage only, and LightGBM's parser does not check bounds
        check_model_text(text)
        try:
            model = cls(coder, columns, text)
        except LightGBMError as error:
            raise ValueError(str(error)) from error
        booster = model._booster
        assert booster is not None
        fits = booster.num_model_per_iteration() == model._trees_a_round
        check_state(fits, path, "does not fit its record of the target")
        check_state(booster.num_feature() == columns.width, path, "does not fit its record of the columns")
        return model

    @property
    def _engine_bytes(self) -> int:
        return len(self.text)


class LightGBM(Learner):
    """Gradient-boosted trees on binned columns, with native handling of categories and gaps.

    The table is binned once per worker and shared by folds and configurations, except under temporal
    validation, where bins may be drawn from training rows only. Histograms are built column by
    column: the order of the sums, and so the model, does not depend on the number of threads.

    Source: Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
    """

    name = "lightgbm"
    turn = 0
    fitted = FittedLightGBM
    engines = ("lightgbm",)
    defaults: ClassVar[Mapping[str, Any]] = {
        "rounds": None,
        "patience": None,
        "learning_rate": None,
        "num_leaves": 31,
        "max_depth": -1,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "lambda_l1": 0.0,
        "lambda_l2": 0.0,
        "min_gain_to_split": 0.0,
        "extra_trees": False,
        "max_bin": 255,
        "cat_smooth": 10.0,
        "cat_l2": 10.0,
        "min_data_per_group": 100,
        "categories": "native",
        "objective": "metric",
    }
    on_new_scale: ClassVar[Mapping[str, Any]] = {"objective": "metric"}

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """Not where predictions must be monotonic and LightGBM cannot keep them so."""
        return unsupported_monotonic(problem, "LightGBM", quantiles=False)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """A quick booster, an extra-trees variant, then larger and smaller trees.

        The values are those that AutoGluon's and pytabkit's portfolios found on many tables, with
        learning rates for minutes instead of hours.
        """
        rate = default_rate(shape.rows)
        # random thresholds and small trees learn less a round, and need larger steps
        extra = {"lambda_l1": 0.24, "extra_trees": True, "learning_rate": 2 * rate}
        small = {**_tree(5, 0.73, 0.85, 12), **extra, "lambda_l2": 0.3, "learning_rate": 3 * rate}
        wide = _tree(50 if problem.task.is_classification else 100, 0.7, 0.75, 20)
        # leaves of counts are steps of a logarithm, and take more rounds
        counts = {**_tree(40, 0.8, 0.8, 15), "objective": "poisson", "learning_rate": 2 * rate}
        smooth = {"lambda_l1": 0.03, "lambda_l2": 0.84}
        large = {**_tree(180, 0.4, 0.95, 12), **extra, "lambda_l1": 0.77, "lambda_l2": 1.6}
        candidates = [
            Candidate("fast", {"learning_rate": 0.1, "rounds": 300, "patience": 30}),
            Candidate("extra trees", _tree(39, 0.46, 0.88, 3) | extra | {"lambda_l2": 0.36}),
            Candidate("ordered codes", _tree(31, 0.7, 0.8, 10) | {"categories": "codes"}),
            Candidate("target encoding", _tree(24, 0.6, 0.9, 10) | smooth | {"categories": "target"}),
            Candidate("counts", counts),
            Candidate("wide", wide),
            Candidate("shallow", small),
            Candidate("medium", _tree(84, 0.53, 0.98, 3) | smooth),
            Candidate("large extra trees", large),
            Candidate("large", _tree(128, 0.9, 1.0, 3)),
        ]
        forms = ("native", "codes", "target") if has_many_levels(shape) else ("native",)
        objectives = OBJECTIVES if rewards_means(problem) else ("metric",)
        candidates = [
            each
            for each in candidates
            if each.config.get("categories", "native") in forms
            and each.config.get("objective", "metric") in objectives
        ]
        _, share = column_shares(shape.columns, 0.3)
        if share < 1:
            narrow = {"feature_fraction": share, "max_bin": 63}
            candidates = [Candidate(each.label, {**each.config, **narrow}) for each in candidates]
        # trees cannot grow large on few rows: the larger configurations would repeat each other
        medium = {"medium", "large extra trees", "large"}
        return [each for each in candidates if shape.rows >= 1_000 or each.label not in medium]

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """Size and randomness of trees, penalties, learning rate."""
        space: dict[str, Parameter] = {
            "learning_rate": Float(0.01, 0.2, log=True),
            "num_leaves": Int(4, 255 if shape.rows >= 1_000 else 63, log=True),
            "min_data_in_leaf": Int(1, max(2, min(100, shape.rows // 20)), log=True),
            "feature_fraction": Float(*column_shares(shape.columns, 0.3)),
            "bagging_fraction": Float(0.5, 1.0),
            "lambda_l1": Float(1e-4, 10.0, log=True),
            "lambda_l2": Float(1e-4, 10.0, log=True),
            "extra_trees": Choice((False, True)),
            "max_bin": Choice((63, 255)),
        }
        if shape.categorical:
            space["cat_smooth"] = Float(1.0, 200.0, log=True)
            space["cat_l2"] = Float(0.1, 100.0, log=True)
        if has_many_levels(shape):
            space["categories"] = Choice(("native", "codes", "target"))
        if rewards_means(problem):
            space["objective"] = Choice(OBJECTIVES)
        return space

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """Rounds to the typical best iteration times the cost of one, and the binned table."""
        settings = self.settings(config)
        rate = settings["learning_rate"] or default_rate(shape.rows)
        best = 12 / rate * (5 if settings["extra_trees"] else 1) * (3 if settings["num_leaves"] < 16 else 1)
        most = settings["rounds"] or default_rounds(shape.outputs, _MOST_ROUNDS)
        rounds = min(most, best + (settings["patience"] or patience(shape.rows, int(best))))
        trees = shape.outputs if shape.outputs > 2 else 1
        leaves = min(settings["num_leaves"], 1 + shape.rows // max(1, settings["min_data_in_leaf"]))
        cells = shape.rows * (shape.columns * settings["feature_fraction"] + 4)
        binned = settings["max_bin"] * shape.columns * leaves
        round_seconds = trees * (2e-4 + 1.5e-9 * cells * np.log2(leaves + 1) + 1.2e-9 * binned)
        binning = 1e-7 * shape.rows * shape.columns + 2e-5 * shape.columns
        memory = shape.rows * shape.columns * 7 + 12 * trees * shape.rows * 3 + 16 * binned
        size = 4_000 + kept_rounds(best, shape.rows, most) * trees * leaves * 60
        seconds = 0.02 + binning + rounds * round_seconds
        return Estimate(float(seconds), int(memory + 30e6), int(size), 2e-5 + 5e-9 * rounds * trees)

    def fit(self, task: FitTask) -> FitResult:
        """Boost until the validation error stops falling, the rounds are done or time is up."""
        import lightgbm as lgb

        settings = self.settings(task.config)
        fold = Fold.of(task)
        columns, matrix = MatrixColumns.fit(task, fold, settings["categories"])
        if fold.coder.is_constant:
            return FitResult(FittedLightGBM(fold.coder, columns, ""), 0, {"stop": "nothing to learn"})
        objective, fold = choose_objective(task, fold, settings["objective"])
        most = default_rounds(len(fold.coder.present), _MOST_ROUNDS)
        # not by the rounds asked for: a refit with the best number of rounds must have the same rate
        rate = settings["learning_rate"] or affordable_rate(default_rate(len(fold.train_rows)), most)
        parameters = (
            booster_parameters(task, fold, settings)
            | objective_parameters(objective, fold)
            | {"learning_rate": rate}
        )
        if task.problem.monotonic:
            signs = monotone_signs(task.problem, task.view.info)
            parameters["monotone_constraints"] = columns.signs(signs)
        train, valid = fold_datasets(task, fold, settings, columns, matrix)
        if task.deadline.passed:
            raise OutOfTime("The deadline passed while the columns were being binned.")
        booster = lgb.Booster(parameters, train)
        halves = None if valid is None else Halves.of(task, fold)
        for number, part in enumerate(_judges(valid, halves, fold)):
            booster.add_valid(part, f"valid_{number}")
        watch = RoundWatch(
            len(fold.train_rows), settings["rounds"] or most, task.deadline, settings["patience"]
        )
        rate = boost(booster, watch, valid is not None, rate if task.adaptive else None, halves) or rate
        text = without_statistics(booster.model_to_string(num_iteration=max(1, watch.best)))
        info = {"learning_rate": rate, "rounds": watch.done, "stop": watch.reason}
        info |= {"objective": objective.name}
        model = FittedLightGBM(fold.coder, columns, text)
        honest = None
        if halves is not None:
            later = columns.matrix(task.view.take(fold.valid_rows))

            def raw(half: int, rounds: int) -> NDArray[Any]:
                rows = halves.parts[half]
                found = booster.predict(later[rows], num_iteration=rounds, num_threads=task.threads)
                return np.asarray(found)

            honest = halves.predictions(task, fold, watch.bests, raw)
        return FitResult(model, max(1, watch.best), info, watch.by_deadline, honest)


def _booster(text: str) -> lgb.Booster:
    import lightgbm as lgb

    return lgb.Booster(model_str=text)


def _tree(leaves: int, columns: float, rows: float, least: int) -> dict[str, Any]:
    return {
        "num_leaves": leaves,
        "feature_fraction": columns,
        "bagging_fraction": rows,
        "min_data_in_leaf": least,
    }


def _judges(valid: lgb.Dataset | None, halves: Halves | None, fold: Fold) -> list[lgb.Dataset]:
    """The validation rows as one table, or as two."""
    if valid is None or halves is None:
        return [] if valid is None else [valid]
    parts = [valid.subset(part.tolist()) for part in halves.parts]
    for part, rows in zip(parts, halves.parts, strict=True):
        _set(part, fold.valid_target[rows], None if fold.valid_weights is None else fold.valid_weights[rows])
    return parts


def boost(
    booster: lgb.Booster,
    watch: RoundWatch,
    evaluate: bool,
    rate: float | None,
    halves: Halves | None = None,
) -> float | None:
    """Boost until the watch says stop.

    Parameters
    ----------
    booster : Booster
        With its validation rows; with two tables of them where they come in halves.
    watch : RoundWatch
    evaluate : bool
        Whether there are validation rows.
    rate : float or None
        The learning rate, if it may be raised after a probe of the cost so that the rounds that
        can be afforded suffice; None if the clock must not decide.
    halves : Halves, optional

    Returns
    -------
    float or None
        The rate that was used in the end.
    """
    empty = 0
    while True:
        empty = empty + 1 if booster.update() else 0
        if empty == _EMPTY_ROUNDS:
            watch.reason = "no more splits"
            break
        error, errors = None, [float(each[2]) for each in booster.eval_valid()] if evaluate else []
        if evaluate:
            error = errors[0] if halves is None else halves.mean(errors)
        if not watch.tell(booster.current_iteration(), error, () if halves is None else errors):
            break
        if rate is not None and watch.done == PROBE_ROUNDS and watch.round_seconds > 0:
            rate = affordable_rate(rate, 0.9 * watch.deadline.remaining / watch.round_seconds)
            booster.reset_parameter({"learning_rate": rate})
    return rate


def booster_parameters(task: FitTask, fold: Fold, settings: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the booster, the learning rate apart."""
    own = {"rounds", "patience", "learning_rate", "max_bin", "categories", "objective"}
    parameters = {name: value for name, value in settings.items() if name not in own}
    rows = len(fold.train_rows)
    # with few rows the usual minima would forbid every split
    parameters["min_data_in_leaf"] = min(settings["min_data_in_leaf"], max(1, rows // 10))
    parameters["min_data_per_group"] = min(settings["min_data_per_group"], max(2, rows // 50))
    if settings["bagging_fraction"] < 1:
        parameters["bagging_freq"] = 1
    return (
        parameters
        | binning_parameters(task, settings)
        | {"seed": task.seed, "deterministic": True, "force_col_wise": True}
    )


def objective_parameters(objective: Objective, fold: Fold) -> dict[str, Any]:
    """Loss to minimise, and the metric to stop early on, as LightGBM calls them."""
    names = {"logistic": "binary", "softmax": "multiclass", "squared": "regression"}
    metrics = {"logistic": "binary_logloss", "softmax": "multi_logloss", "squared": "l2", "absolute": "l1"}
    found: dict[str, Any] = {
        "objective": {**names, "absolute": "regression_l1"}.get(objective.name, objective.name),
        "metric": metrics.get(objective.stop, objective.stop),
    }
    if objective.name == "softmax":
        found["num_class"] = len(fold.coder.present)
    if objective.name == "quantile":
        found["alpha"] = objective.level
    return found


def binning_parameters(task: FitTask, settings: dict[str, Any]) -> dict[str, Any]:
    """Parameters of the binned table; a subset and its booster must repeat them."""
    return {
        "max_bin": settings["max_bin"],
        # the minimum of rows in a leaf differs between configurations that share the table
        "feature_pre_filter": False,
        "data_random_seed": 1,
        "num_threads": task.threads,
        "verbosity": -1,
    }


def _bin(
    task: FitTask, settings: dict[str, Any], matrix: NDArray[np.float32], categories: int
) -> lgb.Dataset:
    """A binned table of rows whose last columns are categories."""
    import lightgbm as lgb

    rows, width = matrix.shape
    if not width:
        raise TrialError("LightGBM needs at least one column, but the table has none that is usable.")
    return lgb.Dataset(
        matrix,
        label=np.zeros(rows, np.float32),
        categorical_feature=list(range(width - categories, width)),
        params=binning_parameters(task, settings),
        free_raw_data=True,
    ).construct()


def fold_datasets(
    task: FitTask,
    fold: Fold,
    settings: dict[str, Any],
    columns: MatrixColumns,
    matrix: NDArray[np.float32] | None,
) -> tuple[lgb.Dataset, lgb.Dataset | None]:
    """Binned training and validation rows; a table that folds share stays in the worker's cache."""
    with task.clock("binning"):
        train, valid = _binned_rows(task, fold, settings, columns, matrix)
        _set(train, fold.train_target, fold.train_weights)
        if valid is not None:
            _set(valid, fold.valid_target, fold.valid_weights)
    return train, valid


def _binned_rows(
    task: FitTask,
    fold: Fold,
    settings: dict[str, Any],
    columns: MatrixColumns,
    matrix: NDArray[np.float32] | None,
) -> tuple[lgb.Dataset, lgb.Dataset | None]:
    import lightgbm as lgb

    valid: lgb.Dataset | None = None
    # bins drawn from later rows would tell about the future, and so would the codes of levels seen
    # once so far: the table holds a code for those that come again
    if task.problem.time_column is not None or not columns.is_shared:
        if matrix is None:
            matrix = columns.matrix(task.view.take(fold.train_rows))
        categories = task.view.categorical.shape[1] if columns.form == "native" else 0
        train = _bin(task, settings, matrix, categories)
        if len(fold.valid_rows):
            later = columns.matrix(task.view.take(fold.valid_rows))
            labels = np.zeros(len(later), np.float32)
            valid = lgb.Dataset(later, labels, reference=train, params=binning_parameters(task, settings))
    else:
        whole = _shared(task, settings, columns.form)
        train = whole.subset(fold.train_rows.tolist(), params=binning_parameters(task, settings))
        if len(fold.valid_rows):
            valid = whole.subset(fold.valid_rows.tolist(), params=binning_parameters(task, settings))
    return train, valid


def _shared(task: FitTask, settings: dict[str, Any], form: str) -> lgb.Dataset:
    """The whole table with every level, binned once per worker."""

    def binned() -> lgb.Dataset:
        levels = KnownLevels.fit(task.view, None, min_count=0)
        matrix = MatrixColumns(form, numbers, levels).matrix(task.view)
        return _bin(task, settings, matrix, categories if form == "native" else 0)

    numbers, categories = task.view.numeric.shape[1], task.view.categorical.shape[1]
    size = task.view.rows * (numbers + categories) * (1 if settings["max_bin"] <= 255 else 2)
    return kept(task, ("lightgbm", form, str(settings["max_bin"])), binned, lambda _: size)


def _set(dataset: lgb.Dataset, target: NDArray[Any], weights: NDArray[Any] | None) -> None:
    dataset.construct()
    dataset.set_label(target)
    if weights is not None:
        dataset.set_weight(weights)
