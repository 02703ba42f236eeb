"""How long a model takes for one row: the whole way of `Model.predict`, in the process that has loaded it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from modelwright.automl.model import Model
from modelwright.core import TaskSpec
from modelwright.ensemble import Ensemble, median_seconds
from modelwright.features import Featurizer
from modelwright.search import Trials

if TYPE_CHECKING:
    from modelwright.execution import WorkerContext

__all__ = [
    "MEASURE_ENTRY",
    "delivered_seconds",
    "measure_bundle",
    "measure_in_worker",
    "prediction_seconds",
    "seconds_of_parts",
]

MEASURE_ENTRY = "modelwright.automl.measuring:measure_in_worker"

_BUNDLE_ENTRY = "modelwright.automl.measuring:measure_bundle"

_PATIENCE = 0.3

_BATCH = 1_000
"""Rows of the batch that is predicted at once."""

_WITHOUT_MODELS = 5e-4
"""Seconds of a prediction without any model, where there was no time to measure them."""

_LEAST_PATIENCE = 0.3
"""Seconds below which measuring is not begun."""

_LARGEST_MEASURED = 50 * 2**20
"""Bytes of a bundle that is not loaded once more just to tell how fast it is."""


def prediction_seconds(model: Model, row: pl.DataFrame) -> float:
    """Median wall time of `Model.predict` for one row: reading it, features, models, the answer.

    Parameters
    ----------
    model : Model
    row : polars data frame
        One row with the columns of training.
    """
    log = logging.getLogger("modelwright")
    level = log.level
    log.setLevel(logging.CRITICAL)  # what is to be said of this row was said when it was read
    try:
        return median_seconds(lambda: model.predict(row), _PATIENCE)
    finally:
        log.setLevel(level)


def measure_in_worker(parameters: Mapping[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Time a model whose parts lie in the directory of a run (an entry point of workers).

    Parameters
    ----------
    parameters : mapping
        ``root`` and ``record`` of the ensemble; ``manifest``: what a `Model` reads; ``features`` (a JSON
        file) and ``row`` (a Parquet file).
    """
    root = Path(parameters["root"])
    ensemble = Ensemble.from_dict(root, parameters["record"])
    featurizer = Featurizer.from_dict(json.loads(Path(parameters["features"]).read_bytes()))
    model = Model(root, dict(parameters["manifest"]), ensemble, featurizer)
    return {"seconds": prediction_seconds(model, pl.read_parquet(Path(parameters["row"])))}


def measure_bundle(parameters: Mapping[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Time a delivered model on one row and on a batch (an entry point of workers).

    Parameters
    ----------
    parameters : mapping
        ``bundle``: its directory; ``row``: a Parquet file with one row.
    """
    model = Model.load(Path(parameters["bundle"]))
    row = pl.read_parquet(Path(parameters["row"]))
    seconds = prediction_seconds(model, row)
    batch = pl.concat([row] * _BATCH)
    begun = time.perf_counter()
    model.predict(batch)
    return {"row_seconds": seconds, "rows_per_second": _BATCH / (time.perf_counter() - begun)}


def delivered_seconds(
    workers: Callable[[Sequence[TaskSpec], float], Mapping[str, Mapping[str, Any]]],
    bundle: Path,
    row: pl.DataFrame,
    place: Path,
    patience: float,
) -> dict[str, float]:
    """What predictions of a delivered model take, measured in a worker that has its libraries loaded.

    Parameters
    ----------
    workers : callable
        Does tasks within so many seconds.
    bundle : Path
    row : polars data frame
        One row with the columns of training.
    place : Path
        Directory in which the row may be left.
    patience : float
        Seconds after which it is given up.

    Returns
    -------
    dict
        ``row_seconds`` and ``rows_per_second``; empty if there was no time for it, or the bundle is large.
    """
    size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
    if patience < _LEAST_PATIENCE or size > _LARGEST_MEASURED:
        return {}
    place.mkdir(exist_ok=True)
    row.write_parquet(place / "row.parquet")
    spec = TaskSpec("speed", _BUNDLE_ENTRY, {"bundle": str(bundle), "row": str(place / "row.parquet")})
    return {name: float(value) for name, value in workers([spec], patience).get("speed", {}).items()}


def seconds_of_parts(model: Model, trials: Trials) -> float | None:
    """What one prediction takes by its parts, each timed when it was fitted; None if none was.

    Parameters
    ----------
    model : Model
        As it was delivered.
    trials : Trials
        Of its run.
    """
    point = next((point for point in model.pareto().points if point.delivered), None)
    if point is None or point.seconds is not None:
        return None if point is None else point.seconds
    weighed = [entry.trial for entry in model.leaderboard().entries if entry.weight]
    members = [number for number in weighed if number is not None and number in trials]
    known = [seconds for number in members if (seconds := trials[number].row_seconds) > 0]
    return _WITHOUT_MODELS + point.models * sum(known) / len(known) if known else None
