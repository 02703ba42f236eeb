"""What a bundle keeps of the rows that judged its model: predictions and targets, no features.

Curves, intervals, calibration and comparisons are told from these rows long after the training data is gone.
They are out-of-fold rows of the training table: none was predicted by a model that was fitted on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modelwright.automl.bundle import read_part
from modelwright.core import (
    BundleError,
    FloatArray,
    IntArray,
    OptionError,
    Predictions,
    Problem,
    Task,
    canonical_json,
    generator,
)
from modelwright.ensemble import Conformal, fit_conformal
from modelwright.learners.state import read_arrays, write_arrays

__all__ = ["Evidence", "read_conformal", "read_evidence", "write_evidence"]

_FILE, _CONFORMAL = "evidence.npz", "conformal.json"
_MOST_ROWS, _MOST_CELLS = 200_000, 1_500_000
_SHARE_OF_LIMIT = 0.1
"""Part of a limit of size that evidence may take."""

_VALUES = (Task.REGRESSION, Task.QUANTILE)


class _Bundled(Protocol):
    """A loaded model, as far as its evidence is concerned."""

    path: Path
    manifest: dict[str, Any]
    problem: Problem

    @property
    def name(self) -> str: ...

    @property
    def utility(self) -> NDArray[Any] | None: ...


@dataclass(frozen=True)
class Evidence:
    """Out-of-fold rows of the training table with what the delivered model says of them.

    Attributes
    ----------
    rows : int64 array, shape (n,)
        Positions in the training table as it was read.
    fold : int64 array, shape (n,)
        The fold that validated each.
    target : array, shape (n,) or (n, labels)
        Class codes, values, or 0 and 1.
    predictions : Predictions
        Of the ensemble, calibrated, with its decisions.
    weights : float64 array, shape (n,), or None
    groups : int64 array, shape (n,), or None
        Rows of one group depend on each other.
    total : int
        Out-of-fold rows of the run, of which these are a sample, or all.
    source : str
        ``"out-of-fold"``.
    """

    rows: IntArray
    fold: IntArray
    target: NDArray[Any]
    predictions: Predictions
    weights: FloatArray | None
    groups: IntArray | None
    total: int
    source: str = "out-of-fold"

    @property
    def array(self) -> FloatArray:
        """The predictions' numbers, shape (n,) or (n, outputs)."""
        return self.predictions.array


def write_evidence(
    directory: Path,
    evidence: Evidence,
    problem: Problem,
    *,
    seed: int = 0,
    limit: int | None = None,
) -> None:
    """Write evidence, or a sample of it, and the conformal scores of all of it into a bundle in the making.

    Parameters
    ----------
    directory : Path
    evidence : Evidence
        Of all out-of-fold rows.
    problem : Problem
    seed : int
        Of the sample.
    limit : int, optional
        Bytes that the bundle may take: evidence takes a tenth of them at most.
    """
    conformal = fit_conformal(problem, evidence.target, evidence.array)
    if conformal is not None:
        (directory / _CONFORMAL).write_bytes(canonical_json(conformal.to_dict()))
    kept = _sample(evidence, problem, seed, limit)
    total = np.array([evidence.total], np.int64)
    if len(kept):
        write_arrays(directory / _FILE, {**_columns(evidence, problem, kept), "total": total})


def _columns(evidence: Evidence, problem: Problem, kept: IntArray) -> dict[str, NDArray[Any]]:
    """What is kept of some rows: probabilities with 32 bits, values as they are."""
    has_values, predictions = problem.task in _VALUES, evidence.predictions
    found: dict[str, NDArray[Any]] = {
        "rows": evidence.rows[kept].astype(np.int64),
        "fold": evidence.fold[kept].astype(np.int16),
        "target": evidence.target[kept].astype(np.float64 if has_values else np.int32),
        "array": predictions.array[kept].astype(np.float64 if has_values else np.float32),
    }
    if predictions.decided is not None:
        found["decided"] = predictions.decided[kept].astype(np.int32)
    if evidence.weights is not None:
        found["weights"] = evidence.weights[kept].astype(np.float64)
    if evidence.groups is not None:
        found["groups"] = evidence.groups[kept].astype(np.int64)
    return found


def _sample(evidence: Evidence, problem: Problem, seed: int, limit: int | None) -> IntArray:
    """Which rows are kept, in their order."""
    rows = len(evidence.rows)
    most = min(_MOST_ROWS, _MOST_CELLS // max(1, problem.outputs))
    if limit is not None and rows:
        one = sum(column.nbytes for column in _columns(evidence, problem, np.arange(1)).values())
        most = min(most, int(_SHARE_OF_LIMIT * limit) // one)
    if rows <= most:
        return np.arange(rows)
    return np.sort(generator(seed, "evidence").permutation(rows)[:most])


def read_evidence(model: _Bundled) -> Evidence | None:
    """The evidence in a model's bundle; None in bundles that have none.

    Raises
    ------
    BundleError
        If it is damaged.
    """
    if _FILE not in model.manifest["files"]:
        return None
    problem = model.problem
    arrays = read_arrays(model.path / _FILE)
    try:
        known = {name: _COLUMNS[name](array, problem) for name, array in arrays.items()}
        rows, total = len(known["rows"]), known.pop("total")
        fits = len(total) == 1 and all(len(column) == rows <= total[0] for column in known.values())
        if not fits:
            raise ValueError("columns of different lengths")
        array, decided = known.pop("array"), known.get("decided")
        if problem.task.is_classification:
            array = Predictions.of_probabilities(array).array
        return Evidence(
            known["rows"],
            known["fold"],
            known["target"],
            Predictions(array, model.utility, decided),
            known.get("weights"),
            known.get("groups"),
            int(total[0]),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise BundleError(f"The evidence of {str(model.path)!r} is damaged ({error}).") from error


def _whole(array: NDArray[Any], problem: Problem) -> IntArray:
    """One whole number a row.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if array.ndim != 1 or array.dtype.kind != "i":
        raise ValueError(f"an array of shape {array.shape} and type {array.dtype}")
    return array.astype(np.int64)


def _places(array: NDArray[Any], problem: Problem) -> IntArray:
    """One whole number a row, from 0 on."""
    found = _whole(array, problem)
    if (found < 0).any():
        raise ValueError("positions below 0")
    return found


def _codes(array: NDArray[Any], problem: Problem) -> IntArray:
    """A class for each row."""
    found = _places(array, problem)
    if not problem.task.is_classification or (found >= len(problem.classes)).any():
        raise ValueError("classes that there are not")
    return found


def _numbers(array: NDArray[Any], problem: Problem) -> FloatArray:
    """Numbers, of which there may be several a row."""
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError("an array that holds more than numbers")
    return array.astype(np.float64)


def _targets(array: NDArray[Any], problem: Problem) -> NDArray[Any]:
    if problem.task.is_classification:
        return _codes(array, problem)
    if problem.task is Task.MULTILABEL:
        flags = _places(array.reshape(-1), problem).reshape(array.shape)
        if array.shape[1:] != (len(problem.labels),) or (flags > 1).any():
            raise ValueError("labels that there are not")
        return flags
    return _numbers(array.reshape(len(array)), problem)


def _predicted(array: NDArray[Any], problem: Problem) -> FloatArray:
    outputs = () if problem.task is Task.REGRESSION else (problem.outputs,)
    found = _numbers(array, problem)
    if found.shape[1:] != outputs or (problem.task not in _VALUES and (found.min() < 0 or found.max() > 1)):
        raise ValueError("predictions of another problem")
    return found


def _weights(array: NDArray[Any], problem: Problem) -> FloatArray:
    found = _numbers(array, problem)
    if found.ndim != 1 or (found < 0).any():
        raise ValueError("weights that cannot be")
    return found


_COLUMNS: Mapping[str, Callable[[NDArray[Any], Problem], NDArray[Any]]] = {
    "rows": _places,
    "fold": _places,
    "target": _targets,
    "array": _predicted,
    "decided": _codes,
    "weights": _weights,
    "groups": _whole,
    "total": _places,
}
"""What reads each array of the file; it raises ValueError for what cannot be one."""


def read_conformal(model: _Bundled) -> Conformal:
    """What out-of-fold rows said about the errors of new ones.

    Raises
    ------
    OptionError
        If the bundle has none: it is of an older version, or was trained on too few rows.
    BundleError
        If it is damaged.
    """
    if _CONFORMAL not in model.manifest["files"]:
        raise OptionError(
            f"The model {model.name!r} knows nothing of its errors: it was trained on fewer than 20 rows, or "
            "by a version of Modelwright without intervals. Train it again on more rows."
        )
    try:
        found = Conformal.from_dict(read_part(model.path, model.manifest, _CONFORMAL))
        found.require_outputs(model.problem)
        return found
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BundleError(f"The intervals of {str(model.path)!r} are damaged ({error}).") from error
