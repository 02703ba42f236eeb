"""One model in place of the fold models of a trial, where their kind allows it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from modelwright.ensemble.crossfit import FoldResult
from modelwright.ensemble.fold_data import FoldData
from modelwright.ensemble.outputs import load_model
from modelwright.storage import publish_directory, temporary_directory

__all__ = ["merge_folds"]


def merge_folds(
    learner: str, folds: Sequence[FoldResult], data: FoldData, directory: Path
) -> FoldResult | None:
    """Write the model that is the mean of a trial's fold models, if there is one.

    Nothing is fitted: additive models are averaged table by table. Effects are centred and measured on all
    rows.

    Parameters
    ----------
    learner : str
        Name in the catalog.
    folds : sequence of FoldResult
    data : FoldData
        Of the run.
    directory : Path
        Will hold ``model/``.

    Returns
    -------
    FoldResult or None
        None where models of this learner cannot be merged.
    """
    problem = data.problem
    models = [load_model(learner, problem.task, fold.directory / "model", problem.outputs) for fold in folds]
    merged = type(models[0]).merged(models, data.view, data.weights)
    if merged is None:
        return None
    shutil.rmtree(directory, ignore_errors=True)  # of an attempt that was interrupted after it
    with temporary_directory(directory) as place:
        (place / "model").mkdir()
        merged.save(place / "model")
        publish_directory(place, directory)
    return replace(folds[0], directory=directory, size_bytes=merged.size_bytes)
