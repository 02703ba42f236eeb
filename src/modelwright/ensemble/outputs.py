"""Tasks whose rows have several answers: one model for each label or quantile, fitted and kept together."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import (
    BundleError,
    Contributions,
    Deadline,
    FitTask,
    FloatArray,
    ModelwrightError,
    Predictions,
    Task,
    UnknownName,
    View,
    canonical_json,
    derive_seed,
)
from modelwright.ensemble.fit_options import FittedWithOptions
from modelwright.ensemble.generated_features import (
    FittedWithFeatures,
    NothingGenerated,
)
from modelwright.ensemble.packing import pack_models, unpack_models
from modelwright.ensemble.text_choice import fit_on_chosen_text, load_on_chosen_text
from modelwright.learners import LEARNERS, FitResult, FittedLearner, Learner
from modelwright.learners.constant import FittedConstant
from modelwright.learners.targets import MOST_OUTPUTS, TargetCoder

__all__ = ["FittedOutputs", "fit_outputs", "load_model"]

_RECORD = "outputs.json"
_MODELS = "outputs.zip"
_CONSTANT = "constant"


@dataclass(eq=False)
class FittedOutputs(FittedLearner):
    """The models of all outputs of a task.

    Attributes
    ----------
    task : Task
        ``multilabel`` (binary models) or ``quantile``.
    names : tuple of str
        Learner of each output in the catalog: a label that the training rows do not have both ways
        is left to the constant.
    models : tuple of FittedLearner
    """

    task: Task
    names: tuple[str, ...]
    models: tuple[FittedLearner, ...]

    def predict(self, view: View) -> Predictions:
        """Shape (rows, labels) of probabilities, or (rows, quantiles) of values that ascend in each row.

        Quantiles fitted apart may cross; sorting each row never makes them worse (Chernozhukov,
        Fernandez-Val and Galichon, "Quantile and probability curves without crossing", 2010).
        """
        return _joined(self.task, [model.predict(view) for model in self.models])

    def contributions(self, view: View) -> Contributions | None:
        """Of every output: probabilities of labels, or values of quantiles before they are put in order."""
        parts = []
        for model in self.models:
            found = model.contributions(view)
            if found is None:
                return None
            parts.append(found.probabilities())
        values = np.concatenate([part.values for part in parts], axis=2)
        base = np.concatenate([part.base for part in parts])
        return Contributions(values, base, parts[0].link)

    @classmethod
    def merged(
        cls, models: Sequence[FittedLearner], view: View, weights: FloatArray | None
    ) -> FittedOutputs | None:
        """One model for each output in place of several, where every output has one."""
        own = [model for model in models if isinstance(model, cls)]
        if not own or len({(model.task, model.names) for model in own}) > 1 or len(own) < len(models):
            return None
        parts = [
            type(same[0]).merged(same, view, weights) for same in zip(*(m.models for m in own), strict=True)
        ]
        found = tuple(part for part in parts if part is not None)
        return cls(own[0].task, own[0].names, found) if len(found) == len(parts) else None

    def save(self, directory: Path) -> None:
        """One file with the models of all outputs, and which learners they are of."""
        record = {"task": str(self.task), "learners": list(self.names)}
        (directory / _RECORD).write_bytes(canonical_json(record))
        pack_models(self.models, directory / _MODELS)

    @classmethod
    def load(cls, directory: Path) -> FittedOutputs:
        """Inverse of `save`.

        Raises
        ------
        BundleError
            If the record is missing or is none.
        """
        try:
            record = json.loads((directory / _RECORD).read_bytes())
            task, names = Task(record["task"]), tuple(record["learners"])
            known = (
                task.has_outputs
                and 1 <= len(names) <= MOST_OUTPUTS
                and all(name in LEARNERS for name in names)
            )
        except (OSError, ValueError, LookupError, TypeError, RecursionError, MemoryError) as error:
            raise BundleError(f"{_RECORD} of a model is missing or damaged ({error}).") from error
        if not known:
            raise BundleError(f"{_RECORD} of a model names learners or a task that are not known here.")
        models = unpack_models(directory / _MODELS, [partial(load_on_chosen_text, name) for name in names])
        return cls(task, names, tuple(models))

    @property
    def size_bytes(self) -> int:
        """Bytes of all models together."""
        return sum(model.size_bytes for model in self.models)


def fit_outputs(learner: Learner, task: FitTask) -> FitResult:
    """Fit a learner on one fold: once, or once for each output of the task.

    Every output gets an equal part of the time that is left when its turn comes.

    Raises
    ------
    NothingGenerated
        If the configuration asks for generated features, and there are none for the only output.
    TrialError
        If the learner fits no model.
    """
    problem = task.problem
    if not problem.task.has_outputs:
        return fit_on_chosen_text(learner, task)
    names: list[str] = []
    results: list[FitResult] = []
    for position in range(problem.outputs):
        target = task.target[:, position] if problem.task is Task.MULTILABEL else task.target
        left = task.deadline.remaining / (problem.outputs - position)
        part = replace(
            task,
            problem=problem.output(position),
            target=target,
            deadline=task.deadline if task.deadline.at is None else Deadline(time.monotonic() + left),
            seed=derive_seed(task.seed, "output", position),
        )
        one_sided = problem.task is Task.MULTILABEL and len(np.unique(target[task.train_rows])) < 2
        chosen = _learner(_CONSTANT) if one_sided else learner
        if one_sided:
            part = replace(part, config={})
        names.append(chosen.name)
        results.append(_fit_output(chosen, part))
    iterations = [result.iterations for result in results if result.iterations is not None]
    honest = None
    if any(result.valid_predictions is not None for result in results):
        later = task.view.take(task.valid_rows)
        told = [result.valid_predictions or result.model.predict(later) for result in results]
        honest = _joined(problem.task, told)
    return FitResult(
        model=FittedOutputs(problem.task, tuple(names), tuple(result.model for result in results)),
        iterations=round(float(np.mean(iterations))) if iterations else None,
        info={"outputs": [dict(result.info) for result in results]},
        stopped_by_deadline=any(result.stopped_by_deadline for result in results),
        valid_predictions=honest,
    )


def _joined(task: Task, parts: Sequence[Predictions]) -> Predictions:
    """The predictions of every output side by side; quantiles ascend in each row."""
    if task is Task.MULTILABEL:
        return Predictions(np.column_stack([part.array[:, 1] for part in parts]))
    return Predictions(np.sort(np.column_stack([part.array for part in parts]), axis=1))


def _fit_output(learner: Learner, task: FitTask) -> FitResult:
    """One output of several: without generated features where none help it."""
    try:
        return fit_on_chosen_text(learner, task)
    except NothingGenerated:
        return fit_on_chosen_text(learner, replace(task, config={**task.config, "features": "none"}))


def load_model(learner: str, task: Task, directory: Path, outputs: int | None = None) -> FittedLearner:
    """The model of one fold, as `fit_outputs` left it.

    Parameters
    ----------
    learner : str
        Name in the catalog.
    task : Task
    directory : Path
    outputs : int, optional
        Classes, labels or quantiles of the problem: a model of another number is refused.

    Raises
    ------
    BundleError
        If a file is damaged, or is of a model for another problem.
    """
    try:
        model = FittedOutputs.load(directory) if task.has_outputs else load_on_chosen_text(learner, directory)
        _require(model, task, outputs)
    except UnknownName as error:
        raise BundleError(
            f"The model in {_shown(directory)} is of a learner not known here. {error}"
        ) from error
    except (ModelwrightError, ImportError):
        raise
    except Exception as error:  # readers, and the engines' own, may raise anything on files that were changed
        raise BundleError(
            f"The model in {_shown(directory)} could not be read ({type(error).__name__}: {error}). Copy the "
            "model again, or train it again."
        ) from error
    return model


def _shown(directory: Path) -> str:
    """A model's place in its bundle."""
    return repr("/".join(directory.parts[-3:]))


def _require(model: FittedLearner, task: Task, outputs: int | None) -> None:
    """Refuse a model of another number of classes or outputs: nothing is predicted with it."""
    parts = model.models if isinstance(model, FittedOutputs) else (model,)
    if isinstance(model, FittedOutputs):
        found, expected = len(parts), outputs
        if model.task is not task or (expected is not None and found != expected):
            raise BundleError(
                f"A model has {found} outputs of a {model.task} task, not {expected} of {task}."
            )
    classes = 2 if task is Task.MULTILABEL else (outputs if task.is_classification else 0)
    for part in parts:
        stated = _classes(part)
        if stated is not None and classes is not None and stated != classes:
            raise BundleError(
                f"A model tells {stated} classes apart (0: it predicts values), but its task {task} has "
                f"{classes}. Copy the model again, or train it again."
            )


def _classes(model: FittedLearner) -> int | None:
    """Classes that a model tells apart, 0 for values; None if only its predictions say so."""
    if isinstance(model, (FittedWithOptions, FittedWithFeatures)):
        return _classes(model.model)
    if isinstance(model, FittedConstant):
        return len(model.values) if model.is_classification else 0
    coder = getattr(model, "coder", None)
    return coder.outputs if isinstance(coder, TargetCoder) else None


def _learner(name: str) -> Any:
    return LEARNERS.load(name)()
