"""scikit-learn estimators: AutoML as one step of a pipeline, a cross-validation or a search."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from modelwright.automl.execute import execute
from modelwright.automl.model import Model
from modelwright.automl.problem_options import as_costs
from modelwright.automl.request import TrainRequest
from modelwright.data.labels import find_label

__all__ = ["AutoMLClassifier", "AutoMLRegressor"]


class _Place:
    """A directory for a model that lives as long as its estimator."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="modelwright-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class _AutoML(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: parameters, and the way from arrays to a model and back."""

    def __init__(
        self,
        time_limit: str | float = "60s",
        *,
        metric: Any = "auto",
        memory_limit: str | int | None = None,
        threads: int | None = None,
        max_trials: int | None = None,
        search: str = "bayesian",
        stop_when_flat: bool = False,
        learners: str | Sequence[str] | None = None,
        without: str | Sequence[str] | None = None,
        quality: str = "best",
        overrides: Mapping[str, str] | None = None,
        monotonic: Mapping[str, Any] | None = None,
        keep: str | Sequence[str] | None = None,
        max_latency_ms: float | None = None,
        max_model_mb: float | None = None,
        refit: bool | str | None = "auto",
        distill: bool | str = False,
        sensitive: Any = None,
        mitigate: str | None = None,
        executor: str = "local",
        random_state: int = 0,
    ) -> None:
        self.time_limit = time_limit
        self.metric = metric
        self.memory_limit = memory_limit
        self.threads = threads
        self.max_trials = max_trials
        self.search = search
        self.stop_when_flat = stop_when_flat
        self.learners = learners
        self.without = without
        self.quality = quality
        self.overrides = overrides
        self.monotonic = monotonic
        self.keep = keep
        self.max_latency_ms = max_latency_ms
        self.max_model_mb = max_model_mb
        self.refit = refit
        self.distill = distill
        self.sensitive = sensitive
        self.mitigate = mitigate
        self.executor = executor
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags

    def _train(self, X: Any, y: pl.Series, task: str, weights: Any, groups: Any, costs: Any = None) -> Model:
        """Train on a table made of all that came, and load the model from its bundle."""
        table = _table(X)
        names = _free_names(table.columns, 3)
        columns = [*table.get_columns(), y.alias(names[0])]
        if weights is not None:
            columns.append(pl.Series(names[1], _weights(weights, len(y))))
        if groups is not None:
            check_consistent_length(X, groups)
            codes = np.unique(np.asarray(groups), return_inverse=True)[1]
            columns.append(pl.Series(names[2], codes))
        self._place = _Place()
        request = TrainRequest(
            data=pl.DataFrame(columns),
            target=names[0],
            task=task,
            metric=self.metric,
            time_limit=self.time_limit,
            memory_limit=self.memory_limit,
            threads=self.threads,
            seed=self.random_state,
            max_trials=self.max_trials,
            search=self.search,
            stop_when_flat=self.stop_when_flat,
            group=None if groups is None else names[2],
            weights=None if weights is None else names[1],
            workspace=self._place.path / "workspace",
            output=self._place.path / "model.mw",
            overrides=self.overrides,
            monotonic=self.monotonic,
            keep=self.keep,
            max_latency_ms=self.max_latency_ms,
            max_model_mb=self.max_model_mb,
            refit=self.refit,
            distill=self.distill,
            sensitive=self.sensitive,
            mitigate=self.mitigate,
            costs=costs,
            learners=self.learners,
            without=self.without,
            quality=self.quality,
            executor=self.executor,
        )
        model = execute(request).model
        self.model_ = model
        return model

    def _checked(self, X: Any) -> pl.DataFrame:
        """Rows to predict, with the columns of training."""
        check_is_fitted(self, "model_")
        return _table(_validated(self, X, reset=False))

    def __getstate__(self) -> dict[str, Any]:
        """The fitted model travels as the files of its bundle; nothing of it is ever executed."""
        state = dict(super().__getstate__())
        if state.pop("_place", None) is not None or "model_" in state:
            root = state.pop("model_").path
            state["_files"] = {
                path.relative_to(root).as_posix(): path.read_bytes()
                for path in sorted(root.rglob("*"))
                if path.is_file()
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files", None)
        super().__setstate__(state)
        if files is None:
            return
        self._place = _Place()
        root = self._place.path / "model.mw"
        for name, content in files.items():
            file = root / name
            if not file.resolve().is_relative_to(root.resolve()):
                raise ValueError(f"The saved estimator names a file outside its bundle: {name!r}.")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        self.model_ = Model.load(root)


class AutoMLClassifier(ClassifierMixin, _AutoML):  # type: ignore[misc]
    """`modelwright.train` for classes, as a scikit-learn classifier.

    Parameters
    ----------
    time_limit : str or float, default "60s"
        Wall-clock time of one `fit`: ``"90s"``, ``"5m"``, or seconds.
    metric : str or callable, default "auto"
        What is optimised; ROC AUC for two classes, log loss for more.
    memory_limit, threads, max_trials, search, stop_when_flat, learners, without, quality, overrides,
    monotonic, keep, max_latency_ms, max_model_mb, refit, distill, sensitive, mitigate
        As for `modelwright.train`. Columns of arrays are named ``c0``, ``c1`` ...
    executor : {"local", "inline"}, default "local"
        Worker processes, or this very process: for tiny data, or inside workers of a cross-validation.
    random_state : int, default 0
        Equal seeds with ``max_trials`` give equal models.
    costs : mapping of (actual, predicted) to number, optional
        What each error costs; `predict` then decides for the class that costs least.

    Attributes
    ----------
    model_ : Model
        Leaderboard, evaluation, saving as a bundle.
    classes_ : array, shape (classes,)
    n_features_in_ : int
    feature_names_in_ : array of str
        Where `fit` saw a frame.

    Examples
    --------
    >>> X = np.arange(80.0).reshape(-1, 1)
    >>> classifier = AutoMLClassifier(20, max_trials=1, learners="linear", executor="inline")
    >>> classifier.fit(X, X[:, 0] > 40).predict([[3.0], [77.0]]).tolist()
    [False, True]
    """

    def __init__(
        self,
        time_limit: str | float = "60s",
        *,
        metric: Any = "auto",
        memory_limit: str | int | None = None,
        threads: int | None = None,
        max_trials: int | None = None,
        search: str = "bayesian",
        stop_when_flat: bool = False,
        learners: str | Sequence[str] | None = None,
        without: str | Sequence[str] | None = None,
        quality: str = "best",
        overrides: Mapping[str, str] | None = None,
        monotonic: Mapping[str, Any] | None = None,
        keep: str | Sequence[str] | None = None,
        max_latency_ms: float | None = None,
        max_model_mb: float | None = None,
        refit: bool | str | None = "auto",
        distill: bool | str = False,
        sensitive: Any = None,
        mitigate: str | None = None,
        executor: str = "local",
        random_state: int = 0,
        costs: Any = None,
    ) -> None:
        super().__init__(  # scikit-learn reads the parameters of an estimator off its own signature
            time_limit,
            metric=metric,
            memory_limit=memory_limit,
            threads=threads,
            max_trials=max_trials,
            search=search,
            stop_when_flat=stop_when_flat,
            learners=learners,
            without=without,
            quality=quality,
            overrides=overrides,
            monotonic=monotonic,
            keep=keep,
            max_latency_ms=max_latency_ms,
            max_model_mb=max_model_mb,
            refit=refit,
            distill=distill,
            sensitive=sensitive,
            mitigate=mitigate,
            executor=executor,
            random_state=random_state,
        )
        self.costs = costs

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search for the best model.

        Parameters
        ----------
        X : array or frame, shape (rows, columns)
            Numbers, or a pandas or polars frame with columns of any kind; missing values are fine.
        y : array, shape (rows,)
            Labels.
        sample_weight : array, shape (rows,), optional
            Non-negative.
        groups : array, shape (rows,), optional
            Rows of one group are never divided between learning and validation.

        Returns
        -------
        self
        """
        X, y = _validated(self, X, y)
        check_classification_targets(y)
        labels, codes = np.unique(y, return_inverse=True)
        weighted = codes if sample_weight is None else codes[_weights(sample_weight, len(y)) > 0]
        if not len(weighted):
            raise ValueError("Every sample weight is zero. At least some rows need a weight above zero.")
        if len(np.unique(weighted)) < 2:
            raise ValueError(f"Classifier can't train when only one class is present: {labels[:1].tolist()}.")
        self.classes_ = labels
        task = "binary" if len(labels) == 2 else "multiclass"
        costs = _costs_of(self.costs, labels)
        model = self._train(X, _labels(labels, codes), task, sample_weight, groups, costs)
        if model.problem.classes[0] != _plain(labels[0]) or len(model.problem.classes) != len(labels):
            raise ValueError(f"The labels {labels[:5].tolist()!r} could not be kept apart. Use other labels.")
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels, shape (rows,)."""
        rows = self._checked(X)
        position = {label: code for code, label in enumerate(self.model_.problem.classes)}
        codes = [position[label] for label in self.model_.predict(rows).to_list()]
        predicted: NDArray[Any] = self.classes_[np.array(codes, dtype=np.int64)]
        return predicted

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities, shape (rows, classes), in the order of `classes_`."""
        rows = self._checked(X)
        probabilities: NDArray[np.float64] = self.model_.predict_proba(rows).to_numpy()
        return np.ascontiguousarray(probabilities)


class AutoMLRegressor(RegressorMixin, _AutoML):  # type: ignore[misc]
    """`modelwright.train` for numbers, as a scikit-learn regressor.

    Parameters and attributes are those of `AutoMLClassifier`; the default metric is RMSE, and there are
    no classes, nor costs of errors between them.

    Examples
    --------
    >>> X = np.arange(80.0).reshape(-1, 1)
    >>> regressor = AutoMLRegressor(20, max_trials=1, learners="linear", executor="inline")
    >>> bool(abs(regressor.fit(X, 3 * X[:, 0]).predict([[40.0]])[0] - 120) < 5)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Search for the best model; see `AutoMLClassifier.fit`."""
        X, y = _validated(self, X, y, numeric=True)
        if len(np.unique(y)) < 2:
            raise ValueError(
                f"Every target is the same (n_samples = {len(y)}), so there is nothing to learn. "
                "At least two different values are needed."
            )
        self._train(X, pl.Series(y.astype(np.float64)), "regression", sample_weight, groups)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Values, shape (rows,)."""
        rows = self._checked(X)
        values: NDArray[np.float64] = self.model_.predict(rows).to_numpy()
        return values


def _validated(
    estimator: _AutoML, X: Any, y: Any = None, *, reset: bool = True, numeric: bool = False
) -> Any:
    """scikit-learn's checks of shapes and names; a frame stays a frame, with columns of any kind."""
    frame = hasattr(X, "columns") and hasattr(X, "shape")
    if y is None and reset:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    if frame:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if X.shape[0] == 0:
            raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
    else:
        X = validate_data(estimator, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
        if X.dtype.kind in "OUS":
            X = _objects(X)
    if y is None:
        return X
    y = check_array(y, ensure_2d=False, dtype=np.float64) if numeric else y
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    if not numeric and type_of_target(y) not in ("binary", "multiclass"):
        check_classification_targets(y)
    return X, y


def _objects(X: NDArray[Any]) -> NDArray[Any]:
    """Numbers where every object is one (scikit-learn's convention), else the objects."""
    try:
        return np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        if any(
            not isinstance(value, (str, bytes, int, float, bool, type(None))) for value in X.ravel()[:1000]
        ):
            raise TypeError(f"argument must be a string or a number: {error}") from error
        return X


def _table(X: Any) -> pl.DataFrame:
    """A frame of named columns."""
    if isinstance(X, pl.DataFrame):
        return X
    if hasattr(X, "columns"):
        from modelwright.data import read_raw

        return read_raw(X).frame
    columns = [X[:, position] for position in range(X.shape[1])]
    return pl.DataFrame(
        [
            pl.Series(f"c{position}", column.tolist() if column.dtype.kind in "OUS" else column, strict=False)
            for position, column in enumerate(columns)
        ]
    )


def _free_names(taken: Sequence[str], count: int) -> list[str]:
    """Names for target, weights and groups that no column has."""
    mark = "_"
    while any(name.endswith(mark) for name in taken):
        mark += "_"
    return [f"{name}{mark}" for name in ("target", "weights", "groups")][:count]


def _weights(weights: Any, rows: int) -> NDArray[np.float64]:
    array: NDArray[np.float64] = check_array(np.asarray(weights, dtype=np.float64), ensure_2d=False)
    if array.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, but have shape {array.shape}.")
    if len(array) != rows:
        raise ValueError(f"sample_weight.shape == {array.shape}, expected {(rows,)}!")
    return array


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _labels(labels: NDArray[Any], codes: NDArray[np.int64]) -> pl.Series:
    """The target as a column whose declared type keeps every label as it is."""
    if labels.dtype.kind in "biu":
        return pl.Series(labels[codes])
    if labels.dtype.kind == "f" and (labels == np.floor(labels)).all():
        return pl.Series(labels[codes].astype(np.int64))
    texts = [str(label) for label in labels]
    return pl.Series([texts[code] for code in codes], dtype=pl.Enum(texts))


def _costs_of(costs: Any, labels: NDArray[Any]) -> list[tuple[Any, Any, float]]:
    """Costs by the labels that the model is trained with, which may be spelt otherwise than the caller's.

    Raises
    ------
    OptionError
        If costs are not given by pairs of labels, or a label does not exist.
    """
    trained = dict(zip(labels.tolist(), _labels(labels, np.arange(len(labels))).to_list(), strict=True))
    known = tuple(trained)
    return [
        (trained[find_label(_plain(actual), known)], trained[find_label(_plain(predicted), known)], cost)
        for actual, predicted, cost in as_costs(costs)
    ]
