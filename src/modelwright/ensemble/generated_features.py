"""Features generated inside a fold: chosen and fitted on its training rows, and kept with its model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from modelwright.core import (
    Contributions,
    Deadline,
    FitTask,
    IntArray,
    OutOfTime,
    Predictions,
    TrialError,
    View,
)
from modelwright.ensemble.fit_options import fit_single, load_single, split_config
from modelwright.ensemble.inner import read_inner, write_inner
from modelwright.features import Chosen, GeneratedFeatures, Training, choose_features
from modelwright.learners import FitResult, FittedLearner, Learner
from modelwright.learners.state import read_state, write_arrays

__all__ = ["FittedWithFeatures", "NothingGenerated", "fit_with_features", "load_with_features"]

_RECORD, _STATE = "generated.json", "generated.npz"
_SHARE, _SHARE_AT_MOST = 0.2, 0.5
"""Part of the time of a fit that the search for features may take: where fits look at the clock, and where
they must not, so that it only keeps the deadline."""

_MEMORY_SHARE = 0.25
"""Part of a worker's memory that the extended view may take."""

_CHUNK = 65_536
"""Rows whose features are made at once for predictions."""


class NothingGenerated(TrialError):
    """No feature passed: the fit would be the same as without them."""


@dataclass(eq=False)
class FittedWithFeatures(FittedLearner):
    """A model, and the features that it expects behind the columns of a view.

    Attributes
    ----------
    learner : str
        Name in the catalog.
    model : FittedLearner
    features : GeneratedFeatures
    """

    learner: str
    model: FittedLearner
    features: GeneratedFeatures

    def predict(self, view: View) -> Predictions:
        """Predictions of the model for the extended view."""
        self.model.threads = self.threads
        starts = range(0, max(1, view.rows), _CHUNK)
        parts = [view if len(starts) == 1 else view.take(slice(start, start + _CHUNK)) for start in starts]
        return Predictions(
            np.concatenate([self.model.predict(self.features.extend(part)).array for part in parts])
        )

    def contributions(self, view: View) -> Contributions | None:
        """Of the model, where what a feature adds is divided equally among the columns it is made of."""
        self.model.threads = self.threads
        found = self.model.contributions(self.features.extend(view))
        if found is None:
            return None
        first, origins = self.features.width, self.features.origins()
        made = found.values[:, first : first + len(origins)]
        values = np.delete(found.values, np.arange(first, first + len(origins)), axis=1)
        for place, columns in enumerate(origins):
            for column in columns:
                values[:, column] += made[:, place] / len(columns)
        return replace(found, values=values)

    def save(self, directory: Path) -> None:
        """The model's own files, and the state of the features beside them."""
        write_inner(directory / _RECORD, self.learner, self.model)
        write_arrays(directory / _STATE, self.features.arrays())

    @classmethod
    def load(cls, directory: Path) -> FittedWithFeatures:
        """Inverse of `save`.

        Raises
        ------
        BundleError
            If a file is missing or damaged.
        """
        learner, model = read_inner(directory / _RECORD, load_single)
        return cls(learner, model, read_state(directory / _STATE, GeneratedFeatures.from_arrays))

    @property
    def size_bytes(self) -> int:
        """Bytes of the model and of the state of the features."""
        return self.model.size_bytes + sum(array.nbytes + 250 for array in self.features.arrays().values())


def fit_with_features(learner: Learner, task: FitTask) -> FitResult:
    """Fit one model of one output, on generated features if its configuration asks for them.

    Raises
    ------
    NothingGenerated
        If no feature passed the screen, so that the fit would be the same as without.
    TrialError
        If the learner fits no model.
    """
    if split_config(task.config)[1].features == "none":
        return fit_single(learner, task)
    chosen = _choose(task)
    if chosen.recipe is None:
        if not chosen.complete:
            raise OutOfTime("The deadline would have passed before generated features were chosen.")
        raise NothingGenerated(f"No generated feature helps: {chosen.reason}.")
    rows = np.sort(task.train_rows)
    features, train = GeneratedFeatures.fit_transform(chosen.recipe, _training(task, rows))
    # the training rows must not get what new rows get: their own targets would be in it
    made = features.transform(task.view)
    made[rows] = train
    view = features.joined(task.view, made)
    # what the worker keeps of a view is of no use for another one
    result = fit_single(learner, replace(task, view=view, cache_key=""))
    info = {**result.info, "generated_features": len(chosen.recipe), "generated": chosen.reason}
    return replace(result, model=FittedWithFeatures(learner.name, result.model, features), info=info)


def load_with_features(learner: str, directory: Path) -> FittedLearner:
    """The model that `fit_with_features` left in a directory.

    Raises
    ------
    BundleError
        If a file is damaged.
    """
    if (directory / _RECORD).exists():
        return FittedWithFeatures.load(directory)
    return load_single(learner, directory)


def _choose(task: FitTask) -> Chosen:
    """The features for the training rows of a task; a worker that has looked for them before remembers.

    They depend on nothing else: configurations with other seeds get the same.
    """
    rows = np.sort(task.train_rows)
    if task.memory_limit is not None:
        needed = 4 * task.view.rows * (2 * task.view.numeric.shape[1] + 50)
        if needed > _MEMORY_SHARE * task.memory_limit:
            return Chosen(None, "the table is too large for the memory of a worker")
    digest = hashlib.blake2b(rows.tobytes(), digest_size=16)
    digest.update(np.ascontiguousarray(np.asarray(task.target)[rows]).tobytes())
    encoded = split_config(task.config)[1].features != "untargeted"
    key = f"generated:{encoded}:{task.cache_key}:{digest.hexdigest()}"
    if task.cache_key and key in task.cache:
        known: Chosen = task.cache[key]
        return known
    share = _SHARE if task.adaptive else _SHARE_AT_MOST
    deadline = task.deadline if task.deadline.at is None else Deadline.after(share * task.deadline.remaining)
    training = _training(task, rows)
    chosen = choose_features(training, deadline=deadline, threads=task.threads, encoded=encoded)
    if task.cache_key and chosen.complete:
        task.cache[key] = chosen
    return chosen


def _training(task: FitTask, rows: IntArray) -> Training:
    """The training rows, without the terms of texts: no feature is made of them."""
    whole = View(task.view.numeric, task.view.categorical, replace(task.view.info, sparse=()))
    return Training(
        whole.take(rows),
        np.asarray(task.target)[rows],
        task.problem,
        None if task.weights is None else np.asarray(task.weights[rows], np.float64),
        None if task.groups is None else np.asarray(task.groups)[rows],
    )
