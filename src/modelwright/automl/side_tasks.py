"""Work for the workers of a run besides its trials: refits, measurements, predictions of a holdout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import Executor, FloatArray, Outcome, Predictions, TaskReport, TaskSpec, View
from modelwright.core.fitting import Deadline
from modelwright.ensemble import PREDICT_ENTRY, Ensemble
from modelwright.features import write_view

__all__ = ["PlainMember", "Workers", "predict_aside", "run_tasks"]

_PATIENCE = 600.0
_POLL = 0.2


Workers = Callable[[Sequence[TaskSpec], float], dict[str, Mapping[str, Any]]]
"""Does tasks within so many seconds; see `run_tasks`."""


@dataclass(frozen=True)
class PlainMember:
    """One trial fitted without reweighting, to compare it with itself.

    Attributes
    ----------
    number : int
    label : str
    array : float64 array
        Its out-of-fold predictions on the chosen folds.
    """

    number: int
    label: str
    array: FloatArray


def run_tasks(
    executor: Executor,
    wait: Callable[[float], Sequence[TaskReport]],
    specs: Sequence[TaskSpec],
    seconds: float,
) -> dict[str, Mapping[str, Any]]:
    """Do tasks and wait for all of them.

    Parameters
    ----------
    executor : Executor
        Has nothing else to do.
    wait : callable
        What it reports within so many seconds.
    specs : sequence of TaskSpec
        Begun in this order.
    seconds : float
        After these the rest is cancelled.

    Returns
    -------
    dict
        What each task returned, by its id; tasks that failed or were cancelled are absent.
    """
    deadline = Deadline.after(seconds)
    waiting, running = list(specs), set[str]()
    results: dict[str, Mapping[str, Any]] = {}
    while (waiting or running) and not deadline.passed:
        while waiting and executor.idle > 0:
            spec = waiting.pop(0)
            running.add(spec.id)
            executor.submit(spec)
        for report in wait(min(_POLL, max(0.0, deadline.remaining))):
            if report.spec.id in running:
                running.discard(report.spec.id)
                if report.outcome is Outcome.DONE and report.result is not None:
                    results[report.spec.id] = report.result
    for task in running:
        executor.cancel(task)
    return results


def predict_aside(workers: Workers, place: Path, root: Path, ensemble: Ensemble, view: View) -> Predictions:
    """Predict with an ensemble that lies below a directory, in a worker if one can, else here.

    Workers have the learners' libraries loaded already, which takes the driver a second or more.

    Parameters
    ----------
    workers : callable
    place : Path
        Where the view and its predictions may be written.
    root : Path
        What the ensemble's directories lie below.
    ensemble : Ensemble
    view : View
    """
    write_view(view, place)
    output = place / "predictions.npy"
    parameters = {
        "root": str(root),
        "record": ensemble.to_dict(root),
        "view": str(place),
        "output": str(output),
    }
    if workers([TaskSpec("holdout", PREDICT_ENTRY, parameters)], _PATIENCE):
        return Predictions(np.load(output, allow_pickle=False), ensemble.utility)
    return ensemble.predict(view)
