"""How long a model takes for one row: the whole way of `Model.predict`, in the process that has loaded it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from modelwright.automl.model import Model
from modelwright.ensemble import Ensemble, median_seconds
from modelwright.features import Featurizer

if TYPE_CHECKING:
    from modelwright.execution import WorkerContext

__all__ = ["MEASURE_ENTRY", "measure_in_worker", "prediction_seconds"]

MEASURE_ENTRY = "modelwright.automl.measuring:measure_in_worker"

_PATIENCE = 0.3


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
