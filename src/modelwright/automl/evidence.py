"""What a bundle keeps of the rows that judged its model: predictions and targets, no features.

Curves, intervals, calibration and comparisons are told from these rows long after the training data is gone.
They are out-of-fold rows of the training table: none was predicted by a model that was fitted on it.
"""

from __future__ import annotations

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
from modelwright.learners.state import check_state, read_arrays, write_arrays

__all__ = ["Evidence", "read_conformal", "read_evidence", "write_evidence"]

_FILE, _CONFORMAL = "evidence.npz", "conformal.json"
_MOST_ROWS, _MOST_CELLS = 200_000, 1_500_000
_SHARE_OF_LIMIT = 0.1
"""Part of a limit of size that evidence may take."""


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
    if not len(kept):
        return
    arrays = {
        "rows": evidence.rows[kept].astype(np.int64),
        "fold": evidence.fold[kept].astype(np.int16),
        "target": evidence.target[kept],
        "array": evidence.array[kept].astype(np.float32),
        "total": np.array([evidence.total], np.int64),
    }
    if evidence.predictions.decided is not None:
        arrays["decided"] = evidence.predictions.decided[kept].astype(np.int32)
    if evidence.weights is not None:
        arrays["weights"] = evidence.weights[kept].astype(np.float32)
    if evidence.groups is not None:
        arrays["groups"] = evidence.groups[kept].astype(np.int64)
    write_arrays(directory / _FILE, arrays)


def _sample(evidence: Evidence, problem: Problem, seed: int, limit: int | None) -> IntArray:
    """Which rows are kept, in their order."""
    outputs, rows = max(1, problem.outputs), len(evidence.rows)
    most = min(_MOST_ROWS, _MOST_CELLS // outputs)
    if limit is not None:
        most = min(most, int(_SHARE_OF_LIMIT * limit) // (4 * outputs + 34))
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
    path, problem = model.path / _FILE, model.problem
    arrays = read_arrays(path)
    try:
        rows, target = arrays["rows"], arrays["target"]
        array = arrays["array"].astype(np.float64)
        weights, groups, decided = (arrays.get(name) for name in ("weights", "groups", "decided"))
        shape = (len(rows),) if problem.task is Task.REGRESSION else (len(rows), problem.outputs)
        known = [part for part in (arrays["fold"], target, weights, groups, decided) if part is not None]
        fits = array.shape == shape and all(len(part) == len(rows) for part in known)
        check_state(fits and bool(np.isfinite(array).all()), path, "holds arrays of another problem")
        if problem.task.is_classification:
            array = Predictions.of_probabilities(array).array
            for codes in (target, decided):
                inside = codes is None or bool(((codes >= 0) & (codes < len(problem.classes))).all())
                check_state(inside, path, "holds classes that there are not")
            target = target.astype(np.int64)
        return Evidence(
            rows.astype(np.int64),
            arrays["fold"].astype(np.int64),
            target,
            Predictions(array, model.utility, None if decided is None else decided.astype(np.int64)),
            None if weights is None else weights.astype(np.float64),
            None if groups is None else groups.astype(np.int64),
            int(arrays["total"][0]),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise BundleError(f"The evidence of {str(model.path)!r} is damaged ({error}).") from error


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
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BundleError(f"The intervals of {str(model.path)!r} are damaged ({error}).") from error
