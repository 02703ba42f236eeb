"""What a trial does around a learner: transforms of the target and weights of the classes.

They stand in a trial's configuration beside the learner's own hyperparameters, under reserved names, and
serve every learner alike: none of them ever sees these names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    BundleError,
    Config,
    Contributions,
    FitTask,
    IntArray,
    OptionError,
    Predictions,
    Problem,
    Task,
    UnknownName,
    View,
    canonical_json,
    nearest,
)
from modelwright.ensemble.class_weights import CLASS_WEIGHTS, ClassWeights, fit_class_weights
from modelwright.ensemble.target_transform import TRANSFORMS, TargetTransform, fit_transform
from modelwright.learners import LEARNERS, FitResult, FittedLearner, Learner
from modelwright.metrics import get_metric

__all__ = ["FitOptions", "FittedWithOptions", "fit_single", "load_single", "split_config"]

_RECORD = "fit_options.json"
_KEPT_OUT = 10
"""One training row of so many is kept out of a fit whose errors must be known."""

_MOST_KEPT_OUT = 2_000
_FEWEST_KEPT_OUT = 20
_FEWEST_LEFT = 3
"""One row of so many at most."""

_ENOUGH_KEPT_OUT = 50
"""Rows of the rarest class that leave little doubt about a mean probability."""

_OF_MEDIANS = ("mae", "mape", "median_absolute_error", "custom")
"""Metrics that reward medians, or nobody knows what: on any rising scale, absolute errors lead to medians."""


@dataclass(frozen=True)
class FitOptions:
    """The reserved names of a configuration.

    Attributes
    ----------
    target_transform : str
        ``"none"``, ``"log"`` or ``"quantile"`` (regression and quantiles).
    class_weights : str
        ``"none"``, ``"balanced"`` or ``"sqrt"`` (classes and labels).
    features : str
        ``"none"`` or ``"generated"``: of several columns, chosen inside the fold (see `generated_features`);
        ``"untargeted"``: the same without means of the target.
    text : str
        ``"terms"``, or ``"statistics"``: without what was made of the terms of texts (see `text_choice`).
    """

    target_transform: str = "none"
    class_weights: str = "none"
    features: str = "none"
    text: str = "terms"

    def __post_init__(self) -> None:
        for name, known in (
            ("target_transform", TRANSFORMS),
            ("class_weights", CLASS_WEIGHTS),
            ("features", ("generated", "untargeted")),
            ("text", ("terms", "statistics")),
        ):
            given, allowed = getattr(self, name), known if name == "text" else ("none", *known)
            if given not in allowed:
                raise OptionError(
                    f"The option {name!r} must be one of {', '.join(allowed)}, but came as {given!r}."
                    f"{nearest(str(given), allowed)}"
                )


_RESERVED = tuple(asdict(FitOptions()))


def split_config(config: Config) -> tuple[dict[str, Any], FitOptions]:
    """A trial's configuration as the learner's hyperparameters and the options around it.

    Raises
    ------
    OptionError
        If a reserved name has a value that there is not.

    Examples
    --------
    >>> split_config({"alpha": 1.0, "target_transform": "log"})
    ({'alpha': 1.0}, FitOptions(target_transform='log', class_weights='none', features='none', text='terms'))
    """
    own = {name: value for name, value in config.items() if name not in _RESERVED}
    return own, FitOptions(**{name: str(config[name]) for name in _RESERVED if name in config})


_BACK: dict[str, Callable[[Any], TargetTransform | ClassWeights]] = {
    "target_transform": TargetTransform.from_dict,
    "class_weights": ClassWeights.from_dict,
}


@dataclass(eq=False)
class FittedWithOptions(FittedLearner):
    """A model and the way from what it says to predictions.

    Attributes
    ----------
    learner : str
        Name in the catalog.
    model : FittedLearner
    back : TargetTransform or ClassWeights
    """

    learner: str
    model: FittedLearner
    back: TargetTransform | ClassWeights

    def predict(self, view: View) -> Predictions:
        """Predictions on the scale of the target, and probabilities as without weights."""
        self.model.threads = self.threads
        return self.brought_back(self.model.predict(view))

    def contributions(self, view: View) -> Contributions | None:
        """On the scale of the target; of weighted classes to probabilities as without weights."""
        self.model.threads = self.threads
        found = self.model.contributions(view)
        if found is None:
            return None
        if isinstance(self.back, ClassWeights):
            return self.back.undone(found)
        transform = self.back
        return found.mapped(lambda fitted: transform.predictions(fitted[:, 0])[:, None], "identity")

    def brought_back(self, predictions: Predictions) -> Predictions:
        """Predictions of the inner model as those of this one."""
        array = predictions.array
        if isinstance(self.back, TargetTransform):
            return Predictions.of_values(self.back.predictions(array))
        if array.shape[1] != len(self.back.weights):
            raise BundleError(
                f"A model of {array.shape[1]} classes has weights of {len(self.back.weights)}: its files do "
                "not belong together. Copy the model again, or train it again."
            )
        return Predictions.of_probabilities(self.back.undo(array))

    def save(self, directory: Path) -> None:
        """The model's own files, and the record of the options beside them."""
        self.model.save(directory)
        (directory / _RECORD).write_bytes(canonical_json(self._record))

    @property
    def _record(self) -> dict[str, Any]:
        kind = "target_transform" if isinstance(self.back, TargetTransform) else "class_weights"
        return {"learner": self.learner, "kind": kind, "state": self.back.to_dict()}

    @classmethod
    def load(cls, directory: Path) -> FittedWithOptions:
        """Inverse of `save`.

        Raises
        ------
        BundleError
            If a file is missing or damaged.
        """
        try:
            record = json.loads((directory / _RECORD).read_bytes())
            learner, kind = str(record["learner"]), str(record["kind"])
            back = _BACK[kind](record["state"])
            model = LEARNERS.load(learner)().load(directory)
        except (OSError, ValueError, KeyError, TypeError, UnknownName) as error:
            raise BundleError(
                f"{_RECORD} of a model is damaged ({error}). Copy the model again, or train it again."
            ) from error
        return cls(learner, model, back)

    @property
    def size_bytes(self) -> int:
        """Bytes of the model and of the record."""
        return self.model.size_bytes + len(canonical_json(self._record))


def fit_single(learner: Learner, task: FitTask) -> FitResult:
    """Fit one model of one output, with the options that its configuration asks for.

    Raises
    ------
    TrialError
        If the learner fits no model.
    """
    config, options = split_config(task.config)
    plain = replace(task, config=config)
    if task.problem.task.is_classification:
        if options.class_weights != "none":
            return _fit_weighted(learner, plain, options.class_weights)
    elif options.target_transform != "none":
        return _fit_transformed(learner, plain, options.target_transform)
    return learner.fit(plain)


def load_single(learner: str, directory: Path) -> FittedLearner:
    """The model that `fit_single` left in a directory.

    Raises
    ------
    BundleError
        If a file is damaged.
    """
    if (directory / _RECORD).exists():
        return FittedWithOptions.load(directory)
    model: FittedLearner = LEARNERS.load(learner)().load(directory)
    return model


def _fit_weighted(learner: Learner, task: FitTask, kind: str) -> FitResult:
    codes = np.asarray(task.target)
    given = None if task.weights is None else np.asarray(task.weights, np.float64)
    kept_out, rows = _kept_out_of_each(codes, task)
    if not len(kept_out):
        # what weights do to probabilities could not be told, so there are none
        return learner.fit(task)
    found = fit_class_weights(kind, codes[rows], None if given is None else given[rows], task.problem.outputs)
    # Validation rows weigh the same way: a fit that stops early must stop by what it minimises.
    weights = found.of_rows(codes) * (1.0 if given is None else given)
    result = learner.fit(replace(task, weights=weights, train_rows=rows))
    said = result.model.predict(task.view.take(kept_out)).array
    found = found.with_shifts(codes[kept_out], said, None if given is None else given[kept_out])
    return _with_options(learner, result, found)


def _fit_transformed(learner: Learner, task: FitTask, kind: str) -> FitResult:
    target = np.asarray(task.target)
    transform = fit_transform(kind, target[task.train_rows])
    if transform is None:
        return learner.fit(task)
    problem = _on_new_scale(task.problem)
    part = replace(
        task,
        target=transform.forward(target),
        problem=problem,
        config={**task.config, **learner.on_new_scale},
    )
    kept_out = np.zeros(0, np.int64)
    if problem.task is Task.REGRESSION and problem.metric == "rmse":
        kept_out, fitted_rows = _kept_out(np.asarray(task.train_rows), task.groups)
        part = replace(part, train_rows=fitted_rows)
    result = learner.fit(part)
    if len(kept_out):
        fitted = result.model.predict(task.view.take(kept_out)).array
        transform = transform.with_errors(target[kept_out], fitted)
    return _with_options(learner, result, transform)


def _with_options(learner: Learner, result: FitResult, back: TargetTransform | ClassWeights) -> FitResult:
    """A fit and its predictions of the validation rows, brought back."""
    model = FittedWithOptions(learner.name, result.model, back)
    known = result.valid_predictions
    return replace(
        result, model=model, valid_predictions=None if known is None else model.brought_back(known)
    )


def _on_new_scale(problem: Problem) -> Problem:
    """The problem whose metric a learner should follow on the new scale.

    Quantiles and medians stay what they are; means do not, and are left to the smearing of errors.
    """
    if problem.task is Task.QUANTILE:
        return problem
    name = "custom" if problem.metric_function else get_metric(problem.metric, problem.task).name
    if name.startswith("quantile:"):
        return problem
    return replace(problem, metric="mae" if name in _OF_MEDIANS else "rmse", metric_function=None)


def _kept_out(rows: NDArray[np.int64], groups: NDArray[Any] | None) -> tuple[IntArray, IntArray]:
    """Evenly spaced training rows to measure errors on, and the others; whole groups where there are any."""
    count = len(rows)
    step = max(_KEPT_OUT, -(-count // _MOST_KEPT_OUT))
    if count // step < _FEWEST_KEPT_OUT:
        step = max(_FEWEST_LEFT, count // _FEWEST_KEPT_OUT)
    if groups is None:
        chosen = np.arange(count) % step == step // 2
    else:
        numbers = np.unique(np.asarray(groups)[rows], return_inverse=True)[1]
        chosen = numbers % step == step // 2
    return np.asarray(rows[chosen]), np.asarray(rows[~chosen])


def _kept_out_of_each(codes: NDArray[Any], task: FitTask) -> tuple[IntArray, IntArray]:
    """The same, with enough rows of the rarest class; none where a third of them is not enough."""
    rows = np.asarray(task.train_rows)
    sizes = np.bincount(codes[rows].astype(np.int64))
    rarest = int(sizes[sizes > 0].min())
    step = min(_KEPT_OUT, max(_KEPT_OUT // 2, rarest // _ENOUGH_KEPT_OUT))
    if rarest // step < _FEWEST_KEPT_OUT:
        step = max(_FEWEST_LEFT, rarest // _FEWEST_KEPT_OUT)
    if task.groups is None:
        # every class is walked through on its own
        order = np.argsort(codes[rows], kind="stable")
        chosen = np.zeros(len(rows), np.bool_)
        chosen[order[step // 2 :: step]] = True
    else:
        chosen = np.unique(np.asarray(task.groups)[rows], return_inverse=True)[1] % step == step // 2
    found = np.bincount(codes[rows[chosen]].astype(np.int64), minlength=len(sizes))
    left = np.bincount(codes[rows[~chosen]].astype(np.int64), minlength=len(sizes))
    # groups come in all sizes: a few rows less will do
    fewest = _FEWEST_KEPT_OUT if task.groups is None else _FEWEST_KEPT_OUT // 2
    if (np.minimum(found, left)[sizes > 0] < fewest).any():
        return rows[:0], rows
    return rows[chosen], rows[~chosen]
