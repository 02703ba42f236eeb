"""The models that take part, and how what they say becomes one prediction.

A member is one configuration; its models were fitted on different parts of the training rows, and their mean
counts. Members are combined by weights, or by a small model of what they say; then probabilities are
calibrated and quantiles moved, where training found that this helps. All of it stands in `blend.json`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import BundleError, FloatArray, Predictions, Task, View
from modelwright.ensemble.calibration import Calibration
from modelwright.ensemble.quantile_offsets import moved
from modelwright.ensemble.stacking import Stacker
from modelwright.export.project.runtime.loading import load_fitted
from modelwright.learners import FittedLearner

__all__ = ["Blend", "Member", "read_blend"]


@dataclass(frozen=True)
class Member:
    """One configuration.

    Attributes
    ----------
    label : str
        What it is called.
    learner : str
        What kind of model it is.
    weight : float
        Its share; all shares sum to 1.
    directories : tuple of Path
        Where its models lie.
    """

    label: str
    learner: str
    weight: float
    directories: tuple[Path, ...]

    @cached_property
    def models(self) -> tuple[FittedLearner, ...]:
        """The fitted models, read when they are first needed."""
        return tuple(load_fitted(self.learner, directory) for directory in self.directories)

    def predict(self, view: View) -> FloatArray:
        """The mean of what its models say."""
        return np.asarray(np.mean([model.predict(view).array for model in self.models], axis=0))


@dataclass(frozen=True)
class Blend:
    """All members, and what comes after them.

    Attributes
    ----------
    task : Task
    members : tuple of Member
    stacker : Stacker or None
        What combines the members in place of their weighted mean.
    calibration : Calibration or None
        Of probabilities.
    offsets : tuple of float
        Added to each quantile; may be empty.
    utility : array or None
        What decisions are worth, or thresholds; see `scorer.core.predictions.Predictions`.
    """

    task: Task
    members: tuple[Member, ...]
    stacker: Stacker | None = None
    calibration: Calibration | None = None
    offsets: tuple[float, ...] = ()
    utility: FloatArray | None = None

    def predict(self, view: View) -> Predictions:
        """What the whole says of every row of a view."""
        return self.combine([member.predict(view) for member in self.members])

    def combine(self, parts: Sequence[FloatArray]) -> Predictions:
        """What the whole says, from what the members say.

        Parameters
        ----------
        parts : sequence of float64 arrays
            One for each member, in their order.
        """
        if self.stacker is not None:
            total = self.stacker.combine(parts)
        else:
            weighted = [member.weight * part for member, part in zip(self.members, parts, strict=True)]
            total = np.sum(weighted, axis=0)
        if self.task is Task.REGRESSION:
            return Predictions.of_values(total)
        if self.task.has_outputs:  # labels or quantiles
            return Predictions(moved(np.asarray(total, np.float64), self.offsets), self.utility)
        array = Predictions.of_probabilities(total).array
        if self.calibration is not None:
            array = self.calibration.apply(array)
        return Predictions(array, self.utility)


def read_blend(path: Path) -> Blend:
    """The blend of a file; models lie in folders beside it.

    Raises
    ------
    BundleError
        If the file is damaged.
    """
    try:
        record = json.loads(path.read_bytes())
        members = tuple(_member(entry, path.parent) for entry in record["members"])
        stacker, utility = record["stacker"], record["utility"]
        return Blend(
            Task(record["task"]),
            members,
            None if stacker is None else Stacker.from_dict(stacker, len(members)),
            Calibration.from_dict(record["calibration"]),
            tuple(float(number) for number in record["offsets"]),
            None if utility is None else np.asarray(utility, np.float64),
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BundleError(f"The file {path.name!r} is missing or damaged ({error}).") from error


def _member(entry: dict[str, Any], root: Path) -> Member:
    directories = tuple(root / name for name in entry["models"])
    return Member(str(entry["label"]), str(entry["learner"]), float(entry["weight"]), directories)
