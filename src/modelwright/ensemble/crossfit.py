"""Cross-fitting: one fold of one trial, fitted in a worker and left on disk as a finished fact.

A fold is a pure function of (data on disk, learner, configuration, fold, seed). That one decision gives
resuming, several processes, a cluster and reproducibility at once: whoever finds the finished directory
of a fold may use it, and whoever does not may compute it again and get the same.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    FitTask,
    OutOfTime,
    Problem,
    Stopwatch,
    Task,
    TrialError,
    canonical_json,
    generator,
    hash_file,
    hash_json,
)
from modelwright.ensemble.fold_data import FoldData, open_fold_data
from modelwright.ensemble.generated_features import NothingGenerated
from modelwright.ensemble.latency import median_seconds
from modelwright.ensemble.outputs import fit_outputs
from modelwright.learners import LEARNERS, FitResult, Learner
from modelwright.storage import publish_directory, temporary_directory

if TYPE_CHECKING:
    from modelwright.execution import WorkerContext

__all__ = ["ALL_ROWS", "ENTRY", "FoldJob", "FoldResult", "fit_fold", "read_fold"]

ENTRY = "modelwright.ensemble.crossfit:fit_fold"

ALL_ROWS = -1
"""In place of a fold: learn from every row, and validate none."""


@dataclass(frozen=True)
class FoldJob:
    """One fold of one trial, as data.

    Attributes
    ----------
    data : str
        Directory of the run's `FoldData`.
    data_identity : str
        Its hash.
    output : str
        Directory that will hold the finished fold.
    learner : str
        Name in the catalog.
    config : mapping
        Hyperparameters.
    fold : int
        `ALL_ROWS` for a fit on every row.
    seed : int
    adaptive : bool
        Whether the learner may look at the clock (see `core.FitTask`).
    share : float, default 1
        Of the training rows; less for a probe. Which rows depends on the data alone, so that probes of one
        fold can be compared.
    plain : bool, default False
        Whether rows are not weighed for groups, to see what that does.
    """

    data: str
    data_identity: str
    output: str
    learner: str
    config: Mapping[str, Any]
    fold: int
    seed: int
    adaptive: bool
    share: float = 1.0
    plain: bool = False

    @property
    def identity(self) -> str:
        """Hash of what the fold is a function of; paths are not part of it."""
        known = [self.data_identity, self.learner, dict(self.config), self.fold, self.seed, self.adaptive]
        more = [*([] if self.share == 1.0 else [self.share]), *(["plain"] if self.plain else [])]
        return hash_json([*known, *more])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able parameters of the task."""
        return {**vars(self), "config": dict(self.config)}


@dataclass(frozen=True)
class FoldResult:
    """A finished fold on disk.

    Attributes
    ----------
    directory : Path
        Holds ``model/`` (the fitted learner), ``valid.npy`` (predictions of the validation rows) and
        ``fold.json`` (this record with the hash of each file).
    fit_seconds, predict_seconds : float
        Wall time of the fit, and of predicting the validation rows.
    size_bytes : int
        Size of the fitted learner.
    stopped_by_deadline : bool
        Whether the fit was cut short.
    info : mapping
        What the learner tells (iterations, learning rate, ...).
    row_seconds : float
        Median wall time of predicting one row; 0 where it was not measured (later folds: it would be equal).
    """

    directory: Path
    fit_seconds: float
    predict_seconds: float
    size_bytes: int
    stopped_by_deadline: bool
    info: Mapping[str, Any]
    row_seconds: float = 0.0

    def valid_predictions(self) -> NDArray[np.float64]:
        """Predictions of the fold's validation rows, in the order of its row indices."""
        array: NDArray[np.float64] = np.load(self.directory / "valid.npy", allow_pickle=False)
        return array


def _open_cached(directory: str, identity: str, cache: dict[str, Any]) -> FoldData:
    key = f"fold_data:{identity}:{directory}"
    if key not in cache:
        cache.clear()  # binned data of another run is of no use any more
        cache[key] = open_fold_data(Path(directory))
    found: FoldData = cache[key]
    return found


def fit_fold(parameters: Mapping[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Fit one fold, predict its validation rows and publish the result (the worker's entry point).

    Everything is written to a directory beside the final one and renamed: a fold is there completely or not
    at all. A fit that had no time for any model is none: ``out_of_time`` says so; nor is a first fold for
    which no feature could be generated: ``repeats`` says why it would repeat another trial's.
    """
    job, clock = FoldJob(**parameters), Stopwatch()
    with clock("opening"):
        data = _open_cached(job.data, job.data_identity, context.cache)
    with clock("starting"):
        learner = _loaded(job.learner)
    task = _task(job, data, context, clock)
    started = time.monotonic()
    try:
        with clock("training"):
            result = _fit(learner, task, job)
    except OutOfTime as reason:
        return {"out_of_time": str(reason)}
    except NothingGenerated as reason:
        return {"repeats": str(reason)}
    fitted = time.monotonic()
    with clock("predicting"):
        predicted_rows = task.valid_rows if len(task.valid_rows) else task.train_rows[:1]
        honest = result.valid_predictions or result.model.predict(data.view.take(predicted_rows))
        predictions = honest.array
    predicted = time.monotonic()
    _check_predictions(job.learner, predictions, len(predicted_rows), data.problem)
    row_seconds = 0.0
    if job.fold <= 0:  # the models of the other folds take as long
        row = data.view.take(predicted_rows[:1])
        row_seconds = median_seconds(lambda: result.model.predict(row), 0.02)

    clock.enter("saving")
    final = Path(job.output)
    shutil.rmtree(final, ignore_errors=True)  # what is there was found wanting by the driver
    with temporary_directory(final) as temporary:
        (temporary / "model").mkdir()
        result.model.save(temporary / "model")
        np.save(temporary / "valid.npy", predictions, allow_pickle=False)
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        record = {
            "identity": job.identity,
            "fit_seconds": fitted - started,
            "predict_seconds": predicted - fitted,
            "size_bytes": sum(path.stat().st_size for path in files if path.parent != temporary),
            "row_seconds": row_seconds,
            "stopped_by_deadline": result.stopped_by_deadline,
            "info": {"iterations": result.iterations, **result.info},
            "files": {path.relative_to(temporary).as_posix(): hash_file(path) for path in files},
        }
        (temporary / "fold.json").write_bytes(canonical_json(record))
        # The disk may take its time: after a power cut the hashes tell which folds are whole.
        publish_directory(temporary, final, durable=False)
    clock.enter(None)
    return {
        "fit_seconds": record["fit_seconds"],
        "predict_seconds": record["predict_seconds"],
        "cpu_seconds": clock.seconds,
    }


def _loaded(name: str) -> Learner:
    """The learner, with the libraries that it needs imported; one that is missing is told of by the fit."""
    learner: Learner = LEARNERS.load(name)()
    for engine in learner.engines:
        with suppress(ImportError):
            import_module(engine)
    return learner


def _validated_rows(data: FoldData, fold: int) -> NDArray[np.int64]:
    """The fold's validation rows; none where every row is learned from."""
    return np.zeros(0, np.int64) if fold == ALL_ROWS else np.asarray(data.folds.valid[fold])


def _training_rows(data: FoldData, job: FoldJob) -> NDArray[np.int64]:
    """The fold's training rows, or the share of them that a probe gets: of every class as many as it has."""
    rows = np.arange(data.view.rows) if job.fold == ALL_ROWS else np.asarray(data.folds.train[job.fold])
    if job.share >= 1.0:
        return rows
    order = generator(0, "probe", data.identity, job.fold).permutation(len(rows))
    if data.problem.task.is_classification:
        order = order[np.argsort(np.asarray(data.target)[rows[order]], kind="stable")]
    step = max(1, round(1 / job.share))
    return np.sort(rows[order[::step]])


def _task(job: FoldJob, data: FoldData, context: WorkerContext, clock: Stopwatch) -> FitTask:
    """What the learner is told."""
    rows, key = _training_rows(data, job), data.identity
    weights = data.weights if job.plain else data.fit_weights(rows)
    if data.parity is not None:  # weights differ by fold, and what is kept in the cache may hold them
        key = f"{key}:{job.fold}:{job.share}:{job.plain}"
    return FitTask(
        view=data.view,
        target=data.target,
        train_rows=rows,
        valid_rows=_validated_rows(data, job.fold),
        problem=data.problem,
        weights=weights,
        config=job.config,
        deadline=context.deadline,
        memory_limit=context.memory_bytes,
        threads=context.threads,
        seed=job.seed,
        adaptive=job.adaptive,
        cache=context.cache,
        cache_key=key,
        groups=data.groups,
        clock=clock,
    )


def _fit(learner: Learner, task: FitTask, job: FoldJob) -> FitResult:
    """Fit a fold; one that finds no features to generate goes without, unless it speaks for its trial.

    Raises
    ------
    NothingGenerated
        If the first fold finds none: the trial would repeat another one.
    """
    try:
        return fit_outputs(learner, task)
    except NothingGenerated:
        if job.fold == 0 and job.share >= 1.0:
            raise
    return fit_outputs(learner, replace(task, config={**task.config, "features": "none"}))


def _check_predictions(learner: str, predictions: Any, rows: int, problem: Problem) -> None:
    """Refuse what a learner from elsewhere should not have predicted, where it is known whose fault it is.

    Raises
    ------
    TrialError
        If the shape is not that of the problem, or a number is not finite.
    """
    shape = (rows,) if problem.task is Task.REGRESSION else (rows, problem.outputs)
    if np.shape(predictions) != shape:
        raise TrialError(
            f"The learner {learner!r} must predict an array of shape {shape}, but gave one of "
            f"{np.shape(predictions)}."
        )
    if not np.isfinite(predictions).all():
        raise TrialError(f"The learner {learner!r} predicted values that are not finite.")


def read_fold(directory: Path, identity: str, *, verify: bool = True) -> FoldResult | None:
    """The finished fold in a directory, or None if there is none that can be trusted.

    Parameters
    ----------
    directory : Path
        Where the fold would be.
    identity : str
        What it must be the result of (`FoldJob.identity`).
    verify : bool, default True
        Hash the files again (an earlier process wrote them).
    """
    try:
        record = json.loads((directory / "fold.json").read_bytes())
        if record["identity"] != identity:
            return None
        if verify and any(hash_file(directory / name) != digest for name, digest in record["files"].items()):
            return None
        return FoldResult(
            directory=directory,
            fit_seconds=float(record["fit_seconds"]),
            predict_seconds=float(record["predict_seconds"]),
            size_bytes=int(record["size_bytes"]),
            stopped_by_deadline=bool(record["stopped_by_deadline"]),
            info=record["info"],
            row_seconds=float(record.get("row_seconds", 0.0)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
