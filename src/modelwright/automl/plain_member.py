"""One member fitted once more without reweighting, so that a run can tell what reweighting did."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from modelwright.automl.plan import Plan
from modelwright.automl.prepare import Prepared
from modelwright.automl.runner import Run
from modelwright.automl.side_tasks import PlainMember
from modelwright.core import TaskSpec, derive_seed
from modelwright.ensemble import ENTRY, FoldData, FoldJob, read_fold
from modelwright.search import Selection, Trial

__all__ = ["fit_plain_member", "kept_for_plain"]

_SHARE = 0.1
"""Of the time limit, that is kept back for it."""

_SAFETY = 1.3
_UNFIT = ("baseline", "distilled")
"""Trials that say nothing of reweighting, or whose fits need more than their own configuration."""


def kept_for_plain(data: FoldData, seconds: float | None) -> float:
    """Seconds of a run to keep back."""
    return 0.0 if data.parity is None or seconds is None else _SHARE * seconds


def fit_plain_member(
    plan: Plan, prepared: Prepared, run: Run, chosen: Selection, seconds: float
) -> PlainMember | None:
    """Fit the member with the largest share again on the chosen folds, without reweighting.

    Parameters
    ----------
    plan, prepared, run
        Of the run.
    chosen : Selection
        What is delivered.
    seconds : float
        That it may take.

    Returns
    -------
    PlainMember or None
        None where rows are not weighed for groups, or there was no time.
    """
    if prepared.data.parity is None:
        return None
    trials = run.state.trials
    able = [(share, trials[number]) for number, share in zip(chosen.numbers, chosen.shares, strict=True)]
    able = [(share, trial) for share, trial in able if trial.origin not in _UNFIT]
    if not able:
        return None
    trial = max(able, key=lambda each: each[0])[1]
    folds = range(chosen.folds)
    rounds = -(-len(folds) // max(1, plan.slots))
    if _SAFETY * trial.fold_seconds * rounds > seconds:
        return None
    jobs = [_job(plan, prepared, run, trial, fold) for fold in folds]
    limit = None if seconds == float("inf") else max(0.05, seconds)
    specs = [
        TaskSpec(f"plain-{fold}", ENTRY, job.to_dict(), limit) for fold, job in zip(folds, jobs, strict=True)
    ]
    run.work(specs, seconds)
    parts = []
    for job in jobs:
        result = read_fold(Path(job.output), job.identity, verify=False)
        if result is None:
            return None
        parts.append(result.valid_predictions())
    return PlainMember(trial.number, trial.label, np.concatenate(parts).astype(np.float64))


def _job(plan: Plan, prepared: Prepared, run: Run, trial: Trial, fold: int) -> FoldJob:
    """The fit of a fold as it was, but for the weights."""
    return FoldJob(
        data=str(run.data_directory),
        data_identity=prepared.data.identity,
        output=str(run.directory / "folds" / f"{trial.number}-{fold}-plain"),
        learner=trial.learner,
        config=trial.config,
        fold=fold,
        seed=derive_seed(plan.seed, "fit", trial.number, fold),
        adaptive=not plan.reproducible,
        plain=True,
    )
