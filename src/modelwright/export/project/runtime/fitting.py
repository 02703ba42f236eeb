"""What fits one model of each kind with its library alone, from the settings that training found.

Settings that are not set (None) take a usual value here, where training took one that suits the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Fold",
    "Goal",
    "fit_catboost",
    "fit_constant",
    "fit_decision_tree",
    "fit_extra_trees",
    "fit_gaussian_process",
    "fit_hist_gradient_boosting",
    "fit_lightgbm",
    "fit_linear",
    "fit_linear_svm",
    "fit_naive_bayes",
    "fit_nearest_neighbors",
    "fit_random_forest",
    "fit_xgboost",
    "predict_later",
]

_RATE, _ROUNDS, _PATIENCE = 0.05, 1_000, 50


@dataclass(frozen=True)
class Goal:
    """What is learned.

    Attributes
    ----------
    classes : int
        0 for values.
    level : float or None
        Of a quantile.
    """

    classes: int = 0
    level: float | None = None


@dataclass(frozen=True)
class Fold:
    """The rows of one fit.

    Attributes
    ----------
    matrix, target : arrays
        Rows to fit; the numbers first, then codes of categories.
    later, later_target : arrays
        Rows that boosters stop early by.
    numbers : int
        Columns that are numbers.
    """

    matrix: NDArray[np.float32]
    target: NDArray[Any]
    later: NDArray[np.float32]
    later_target: NDArray[Any]
    numbers: int


_Predict = Callable[[NDArray[np.float32]], NDArray[np.float64]]
_Settings = Mapping[str, Any]
_Fit = Callable[[_Settings, Goal, Fold, int], _Predict]


def predict_later(fit: _Fit, settings: _Settings, goal: Goal, fold: Fold, seed: int) -> NDArray[np.float64]:
    """Fit a model, and let it predict the rows of the fold that it was not fitted on.

    Libraries count classes without gaps: those that the rows to fit lack are left out, and get no share.

    Returns
    -------
    float64 array, shape (rows, classes) or (rows, 1)
    """
    if not goal.classes:
        return fit(settings, goal, fold, seed)(fold.later).reshape(-1, 1)
    present, codes = np.unique(fold.target, return_inverse=True)
    shares = np.zeros((len(fold.later), goal.classes))
    if len(present) == 1:
        shares[:, present] = 1.0
        return shares
    known = np.isin(fold.later_target, present)
    later_codes = np.searchsorted(present, fold.later_target[known])
    inner = replace(fold, target=codes, later=fold.later[known], later_target=later_codes)
    shares[:, present] = fit(settings, Goal(len(present)), inner, seed)(fold.later)
    return shares


def _only(settings: _Settings, *names: str) -> dict[str, Any]:
    return {name: settings[name] for name in names if settings.get(name) is not None}


def _predictor(model: Any, goal: Goal) -> _Predict:
    def predict(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(model.predict_proba(matrix) if goal.classes else model.predict(matrix), np.float64)

    return predict


def fit_lightgbm(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Gradient-boosted trees of LightGBM."""
    import lightgbm as lgb

    chosen = _only(
        settings, "num_leaves", "max_depth", "min_data_in_leaf", "feature_fraction", "bagging_fraction",
        "lambda_l1", "lambda_l2", "min_gain_to_split", "extra_trees", "max_bin",
    )  # fmt: skip
    chosen |= {"learning_rate": settings["learning_rate"] or _RATE, "bagging_freq": 1}
    chosen |= {"seed": seed, "verbosity": -1}
    if goal.level is not None:
        chosen |= {"objective": "quantile", "alpha": goal.level}
    elif goal.classes > 2:
        chosen |= {"objective": "multiclass", "num_class": goal.classes}
    else:
        chosen["objective"] = "binary" if goal.classes else "regression"
    rows = lgb.Dataset(fold.matrix, fold.target)
    later = rows.create_valid(fold.later, fold.later_target)
    stop = lgb.early_stopping(settings["patience"] or _PATIENCE, verbose=False)
    rounds = settings["rounds"] or _ROUNDS
    booster = lgb.train(chosen, rows, rounds, valid_sets=[later], callbacks=[stop])

    def predict(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        said = np.asarray(booster.predict(matrix), np.float64)
        return np.column_stack([1 - said, said]) if goal.classes == 2 else said

    return predict


def fit_xgboost(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Gradient-boosted trees of XGBoost."""
    import xgboost as xgb

    chosen = _only(
        settings, "max_depth", "max_leaves", "grow_policy", "min_child_weight", "subsample",
        "colsample_bytree", "colsample_bylevel", "reg_alpha", "reg_lambda", "gamma", "max_bin",
    )  # fmt: skip
    if goal.level is not None:
        chosen |= {"objective": "reg:quantileerror", "quantile_alpha": goal.level}
    kind = xgb.XGBClassifier if goal.classes else xgb.XGBRegressor
    model = kind(
        n_estimators=settings["rounds"] or _ROUNDS,
        learning_rate=settings["learning_rate"] or _RATE,
        early_stopping_rounds=settings["patience"] or _PATIENCE,
        tree_method="hist",
        random_state=seed,
        **chosen,
    )
    model.fit(fold.matrix, fold.target, eval_set=[(fold.later, fold.later_target)], verbose=False)
    return _predictor(model, goal)


def fit_catboost(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Gradient-boosted symmetric trees of CatBoost; categories come as codes here."""
    import catboost as cb

    chosen = _only(
        settings, "depth", "l2_leaf_reg", "random_strength", "subsample", "rsm", "border_count", "grow_policy"
    )
    if goal.level is not None:
        chosen["loss_function"] = f"Quantile:alpha={goal.level}"
    kind = cb.CatBoostClassifier if goal.classes else cb.CatBoostRegressor
    model = kind(
        iterations=settings["rounds"] or _ROUNDS,
        learning_rate=settings["learning_rate"] or _RATE,
        bootstrap_type="Bernoulli",
        random_seed=seed,
        allow_writing_files=False,
        verbose=False,
        **chosen,
    )
    patience = settings["patience"] or _PATIENCE
    later = (fold.later, fold.later_target)
    model.fit(fold.matrix, fold.target, eval_set=later, early_stopping_rounds=patience)
    return _predictor(model, goal)


def fit_hist_gradient_boosting(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Gradient-boosted trees of scikit-learn, with a fixed number of rounds."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    chosen = _only(settings, "max_leaf_nodes", "max_depth", "min_samples_leaf", "l2_regularization")
    chosen |= _only(settings, "max_features", "max_bins")
    if goal.level is not None:
        chosen |= {"loss": "quantile", "quantile": goal.level}
    kind = HistGradientBoostingClassifier if goal.classes else HistGradientBoostingRegressor
    rate = settings["learning_rate"] or _RATE
    rounds = settings["rounds"] or 300
    model = kind(max_iter=rounds, learning_rate=rate, early_stopping=False, random_state=seed, **chosen)
    return _predictor(model.fit(fold.matrix, fold.target), goal)


def fit_extra_trees(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Extremely randomised trees."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind = ExtraTreesClassifier if goal.classes else ExtraTreesRegressor
    chosen = _only(settings, "max_features", "min_samples_leaf")
    model = kind(n_estimators=settings["trees"], random_state=seed, **chosen)
    return _predictor(model.fit(fold.matrix, fold.target), goal)


def fit_random_forest(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """A random forest."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if goal.classes else RandomForestRegressor
    chosen = _only(settings, "max_features", "min_samples_leaf")
    model = kind(n_estimators=settings["trees"], random_state=seed, **chosen)
    return _predictor(model.fit(fold.matrix, fold.target), goal)


def fit_decision_tree(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """A single tree."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if goal.classes else DecisionTreeRegressor
    chosen = _only(settings, "max_depth", "min_samples_leaf", "ccp_alpha")
    return _predictor(kind(random_state=seed, **chosen).fit(fold.matrix, fold.target), goal)


def _dense(fold: Fold, model: Any) -> Any:
    """A model of scaled numbers, with indicators of missing ones, and one column a level."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    numbers = list(range(fold.numbers))
    levels = list(range(fold.numbers, fold.matrix.shape[1]))
    encode = OneHotEncoder(handle_unknown="ignore", max_categories=50, sparse_output=False)
    parts = [("numbers", make_pipeline(impute, StandardScaler()), numbers), ("levels", encode, levels)]
    return make_pipeline(ColumnTransformer(parts), model).fit(fold.matrix, fold.target)


def fit_linear(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Logistic regression, or ridge regression."""
    from sklearn.linear_model import LogisticRegression, Ridge

    strength = settings["C"]
    model = LogisticRegression(C=strength, max_iter=1_000) if goal.classes else Ridge(alpha=1 / strength)
    return _predictor(_dense(fold, model), goal)


def fit_linear_svm(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """A linear model by stochastic gradients; with the logistic loss, which gives probabilities."""
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    chosen = {"alpha": settings["alpha"], "random_state": seed}
    model = SGDClassifier(loss="log_loss", **chosen) if goal.classes else SGDRegressor(**chosen)
    return _predictor(_dense(fold, model), goal)


def fit_nearest_neighbors(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """The most similar rows."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsClassifier if goal.classes else KNeighborsRegressor
    count = min(int(settings["neighbors"]), len(fold.matrix))
    return _predictor(_dense(fold, kind(n_neighbors=count, weights=settings["weights"])), goal)


def fit_naive_bayes(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Columns taken as independent, with normal distributions in place of bins."""
    from sklearn.naive_bayes import GaussianNB

    return _predictor(_dense(fold, GaussianNB()), goal)


def fit_gaussian_process(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """A Gaussian process with a Matern kernel and noise."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    kernel = 1.0 * Matern(nu=2.5) + WhiteKernel()
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    return _predictor(_dense(fold, model), goal)


def fit_constant(settings: _Settings, goal: Goal, fold: Fold, seed: int) -> _Predict:
    """Shares of the classes, or the mean."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    model = DummyClassifier(strategy="prior") if goal.classes else DummyRegressor()
    return _predictor(model.fit(fold.matrix, fold.target), goal)
