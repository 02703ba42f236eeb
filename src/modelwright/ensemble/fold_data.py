"""The data of a run on disk, as fold tasks in other processes read it: written once, then shared."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Problem, View, canonical_json
from modelwright.ensemble.reweighting import reweighted
from modelwright.features import open_view, write_view
from modelwright.metrics import default_metric
from modelwright.validation import Folds

__all__ = ["FoldData", "open_fold_data", "write_fold_data"]


@dataclass(frozen=True)
class FoldData:
    """What every fold of every trial of a run is fitted on.

    Attributes
    ----------
    problem : Problem
        Resolved.
    view : View
        Training rows (a sealed holdout is not among them).
    target : array, shape (rows,)
        int64 class codes or float64 values.
    weights : float64 array, shape (rows,), or None
    folds : Folds
        Row indices of each fold.
    identity : str
        Hash of everything above; equal data gives equal identity on every machine.
    groups : int64 array, shape (rows,), or None
        Codes of the groups of rows that belong together.
    parity : int64 array, shape (rows,), or None
        Codes of the groups that training rows are weighed for, so that none of them is tied to a class.
    """

    problem: Problem
    view: View
    target: NDArray[Any]
    weights: NDArray[np.float64] | None
    folds: Folds
    identity: str
    groups: NDArray[np.int64] | None = None
    parity: NDArray[np.int64] | None = None

    @property
    def validated(self) -> NDArray[np.int64]:
        """The rows that some fold validates, in ascending order."""
        return np.sort(np.concatenate(self.folds.valid))

    def fit_weights(self, train_rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Row weights for a fit on some rows: those of the caller, times those of `reweighted`."""
        if self.parity is None:
            return self.weights
        return reweighted(self.parity, self.target, self.weights, train_rows)


def write_fold_data(data: FoldData, directory: Path) -> None:
    """Write the data below a directory as memory-mappable arrays.

    The directory is made if needed; a run owns it alone, so files of an interrupted earlier attempt
    are simply written again (the content is a pure function of the run's record).
    """
    directory.mkdir(parents=True, exist_ok=True)
    write_view(data.view, directory)
    np.save(directory / "target.npy", data.target, allow_pickle=False)
    if data.weights is not None:
        np.save(directory / "weights.npy", data.weights, allow_pickle=False)
    if data.groups is not None:
        np.save(directory / "groups.npy", data.groups, allow_pickle=False)
    if data.parity is not None:
        np.save(directory / "parity.npy", data.parity, allow_pickle=False)
    for fold, (train, valid) in enumerate(zip(data.folds.train, data.folds.valid, strict=True)):
        np.save(directory / f"train-{fold}.npy", train, allow_pickle=False)
        np.save(directory / f"valid-{fold}.npy", valid, allow_pickle=False)
    # A function of the caller's cannot be written down; learners stop early by the task's own metric then.
    problem = data.problem
    if problem.metric_function is not None:
        problem = replace(problem, metric=default_metric(problem.task), metric_function=None)
    record = {
        "problem": problem.to_dict(),
        "scheme": data.folds.scheme,
        "reason": data.folds.reason,
        "folds": len(data.folds.valid),
        "weights": data.weights is not None,
        "groups": data.groups is not None,
        "parity": data.parity is not None,
        "identity": data.identity,
    }
    (directory / "data.json").write_bytes(canonical_json(record))


def open_fold_data(directory: Path) -> FoldData:
    """Open what `write_fold_data` wrote; the arrays are read-only memory maps."""
    record = json.loads((directory / "data.json").read_bytes())

    def array(name: str) -> NDArray[Any]:
        mapped: NDArray[Any] = np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return mapped

    count = int(record["folds"])
    return FoldData(
        problem=Problem.from_dict(record["problem"]),
        view=open_view(directory),
        target=array("target"),
        weights=array("weights") if record["weights"] else None,
        folds=Folds(
            train=tuple(array(f"train-{fold}") for fold in range(count)),
            valid=tuple(array(f"valid-{fold}") for fold in range(count)),
            scheme=record["scheme"],
            reason=record["reason"],
        ),
        identity=record["identity"],
        groups=array("groups") if record["groups"] else None,
        parity=array("parity") if record["parity"] else None,
    )
