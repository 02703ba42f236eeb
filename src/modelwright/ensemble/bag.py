"""What predicts: the bag of a trial's fold models, and the weighted ensemble of bags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, Predictions, SchemaMismatch, Stopwatch, Task, View
from modelwright.ensemble.calibration import Calibration
from modelwright.ensemble.outputs import load_model
from modelwright.ensemble.quantile_offsets import moved
from modelwright.ensemble.stacking import Stacker
from modelwright.features import open_view
from modelwright.learners import FittedLearner

if TYPE_CHECKING:
    from modelwright.execution import WorkerContext

__all__ = ["PREDICT_ENTRY", "Ensemble", "Member", "predict_in_worker"]

PREDICT_ENTRY = "modelwright.ensemble.bag:predict_in_worker"


@dataclass(frozen=True)
class Member:
    """One trial in an ensemble: the mean of its fold models.

    Attributes
    ----------
    trial : int
        Number of the trial in its run.
    label : str
        Name on the leaderboard.
    learner : str
        Name in the catalog.
    weight : float
        Share in the ensemble; all shares sum to 1.
    directories : tuple of Path
        Where each fold model lies.
    config : mapping
        Hyperparameters.
    task : Task
        Of the problem: some have several models in each directory.
    outputs : int or None
        Of the problem, where it is known: a model that was changed must not say how much it predicts.
    """

    trial: int
    label: str
    learner: str
    weight: float
    directories: tuple[Path, ...]
    config: Mapping[str, Any]
    task: Task
    outputs: int | None = None

    @cached_property
    def models(self) -> tuple[FittedLearner, ...]:
        """The fold models, loaded when they are first needed: libraries are slow to import."""
        return tuple(
            load_model(self.learner, self.task, directory, self.outputs) for directory in self.directories
        )

    def predict(self, view: View) -> NDArray[np.float64]:
        """Mean of the fold models' predictions."""
        arrays = self._arrays(view)
        total = next(arrays).copy()
        for array in arrays:
            total += array
        mean: NDArray[np.float64] = total / len(self.models)
        return mean

    @cached_property
    def _together(self) -> Callable[[View], Sequence[Predictions]] | None:
        return type(self.models[0]).together(self.models)

    def _arrays(self, view: View) -> Iterator[NDArray[np.float64]]:
        """What each fold model predicts."""
        try:
            if view.rows == 1 and self._together is not None:
                for predictions in self._together(view):
                    yield self._checked(predictions.array, view)
            else:
                for model in self.models:
                    yield self._checked(model.predict(view).array, view)
        except SchemaMismatch as error:
            # the rows had the columns of the schema, or there were no view
            raise BundleError(
                f"A model of {self.label!r} was fitted on other columns than the ones made here: its files "
                f"do not belong together ({error}). Copy the model again, or train it again."
            ) from error

    def _checked(self, array: NDArray[np.float64], view: View) -> NDArray[np.float64]:
        shape = (view.rows,) if self.task is Task.REGRESSION else (view.rows, self.outputs)
        if self.outputs is not None and array.shape != shape:
            raise BundleError(
                f"A model of {self.label!r} predicts an array of shape {array.shape}, not {shape}: it is of "
                "another problem. Copy the model again, or train it again."
            )
        return array

    def to_dict(self, root: Path) -> dict[str, Any]:
        """A JSON-able record; the models' directories are told from a root."""
        return {
            "trial": self.trial,
            "label": self.label,
            "learner": self.learner,
            "weight": self.weight,
            "models": [directory.relative_to(root).as_posix() for directory in self.directories],
            "config": dict(self.config),
        }


@dataclass(frozen=True)
class Ensemble:
    """A weighted mean of members.

    Attributes
    ----------
    task : Task
    members : tuple of Member
        Weights sum to 1.
    calibration : Calibration or None
        Applied to the mean of the members' probabilities.
    utility : float64 array, shape (classes, classes) or (labels,), or None
        What to decide for, given these; see `core.Predictions`.
    offsets : tuple of float
        Added to each predicted quantile; empty for none. See `quantile_offsets`.
    stacker : Stacker or None
        What combines the members in place of their weighted mean.
    """

    task: Task
    members: tuple[Member, ...]
    calibration: Calibration | None = None
    utility: NDArray[np.float64] | None = None
    offsets: tuple[float, ...] = ()
    stacker: Stacker | None = None

    def predict(self, view: View) -> Predictions:
        """Predictions of every row of a view."""
        parts = [member.predict(view) for member in self.members]
        if self.stacker is not None:
            total = self.stacker.combine(parts)
        else:
            shares = [member.weight for member in self.members]
            total = np.sum([share * part for share, part in zip(shares, parts, strict=True)], axis=0)
        if self.task is Task.REGRESSION:
            return Predictions.of_values(total)
        if self.task.has_outputs:
            return Predictions(moved(np.asarray(total, np.float64), self.offsets), self.utility)
        array = Predictions.of_probabilities(total).array
        if self.calibration is not None:
            array = self.calibration.apply(array)
        return Predictions(array, self.utility)

    def require_outputs(self, outputs: int) -> None:
        """Refuse a utility, a calibration or offsets that are not of so many classes, labels or quantiles.

        Raises
        ------
        ValueError
            If it is of another number.
        """
        if self.utility is not None and self.utility.shape[-1] != outputs:
            raise ValueError(f"a utility of {self.utility.shape[-1]} decisions for {outputs} outputs")
        curves = 0 if self.calibration is None else len(self.calibration.curves)
        if curves not in (0, 1 if outputs == 2 else outputs):
            raise ValueError(f"a calibration of {curves} curves for {outputs} outputs")
        if len(self.offsets) not in (0, outputs):
            raise ValueError(f"{len(self.offsets)} offsets for {outputs} outputs")
        if self.stacker is not None and len(self.stacker.constants) != outputs:
            raise ValueError(f"a stacked model of {len(self.stacker.constants)} outputs for {outputs}")

    def to_dict(self, root: Path) -> dict[str, Any]:
        """The record that `from_dict` needs beside the members' directories below a root."""
        return {
            "task": str(self.task),
            "members": [member.to_dict(root) for member in self.members],
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "utility": None if self.utility is None else self.utility.tolist(),
            "offsets": list(self.offsets),
            "stacker": None if self.stacker is None else self.stacker.to_dict(),
        }

    @classmethod
    def from_dict(cls, root: Path, record: Mapping[str, Any], outputs: int | None = None) -> Ensemble:
        """Inverse of `to_dict`. The caller has verified the files' hashes; models load when needed.

        Parameters
        ----------
        root : Path
            The bundle.
        record : mapping
        outputs : int, optional
            Of the problem: utility, calibration and every model must be of so many.

        Raises
        ------
        ValueError
            If a directory is not inside the root, or a number cannot be.
        """
        task = Task(record["task"])
        members = tuple(
            Member(
                trial=int(item["trial"]),
                label=str(item["label"]),
                learner=str(item["learner"]),
                weight=float(item["weight"]),
                directories=tuple(_inside(root, name) for name in item["models"]),
                config=item["config"],
                task=task,
                outputs=outputs,
            )
            for item in record["members"]
        )
        if not members or not all(member.directories for member in members):
            raise ValueError("an ensemble needs a member, and each member a model")
        if not all(member.weight >= 0 and np.isfinite(member.weight) for member in members):
            raise ValueError("the weights of members must be finite and not negative")
        calibration = Calibration.from_dict(record.get("calibration"))
        offsets = _offsets(task, record.get("offsets", ()))
        utility = _utility(task, record.get("utility"))
        stacker = _stacker(task, record.get("stacker"), len(members))
        ensemble = cls(task, members, calibration, utility, offsets, stacker)
        if outputs is not None:
            ensemble.require_outputs(outputs)
        return ensemble


def _offsets(task: Task, record: Any) -> tuple[float, ...]:
    """Offsets of quantiles as they were written."""
    offsets = tuple(float(number) for number in record)
    if offsets and (task is not Task.QUANTILE or not np.isfinite(offsets).all()):
        raise ValueError(f"the offsets of an ensemble do not fit the task {task}")
    return offsets


def _stacker(task: Task, record: Any, members: int) -> Stacker | None:
    """A stacked model as it was written."""
    if record is None:
        return None
    if task.has_outputs:
        raise ValueError(f"a stacked model does not fit the task {task}")
    return Stacker.from_dict(record, members, 1 if task is Task.REGRESSION else None)


def _utility(task: Task, record: Any) -> NDArray[np.float64] | None:
    """A utility as it was written."""
    if record is None:
        return None
    utility = np.asarray(record, dtype=np.float64)
    square = utility.ndim == 2 and utility.shape[0] == utility.shape[1] and task.is_classification
    thresholds = utility.ndim == 1 and task is Task.MULTILABEL
    if not (square or thresholds) or not utility.size or not np.isfinite(utility).all():
        raise ValueError(f"the utility of an ensemble does not fit the task {task}")
    return utility


def _inside(root: Path, name: str) -> Path:
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise ValueError(f"{name!r} is not a path inside the bundle.")
    return root / name


def predict_in_worker(parameters: Mapping[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Predict a view on disk with an ensemble on disk (an entry point of workers).

    Workers have the learners' libraries loaded already; the driver of a run need not load them at all.

    Parameters
    ----------
    parameters : mapping
        ``root`` and ``record`` of the ensemble, ``view`` (a directory), ``output`` (an ``.npy`` file).
    """
    clock = Stopwatch()
    with clock("predicting"):
        ensemble = Ensemble.from_dict(Path(parameters["root"]), parameters["record"])
        predictions = ensemble.predict(open_view(Path(parameters["view"])))
    np.save(Path(parameters["output"]), predictions.array, allow_pickle=False)
    return {"rows": predictions.rows, "cpu_seconds": clock.seconds}
