"""Members fitted once more, on every row: one model instead of one for each fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwright.automl.plan import Plan
from modelwright.automl.prepare import Prepared
from modelwright.automl.side_tasks import Workers
from modelwright.core import TaskSpec, derive_seed
from modelwright.ensemble import ALL_ROWS, ENTRY, FoldJob, FoldResult, read_fold, refit_config
from modelwright.search import Trial, Trials

__all__ = ["Refitting", "expected_seconds", "kept_for_refits"]

_SAFETY = 1.3
"""A refit is expected to take this times what its folds took, by the ratio of rows."""

_MEMBERS = 4
"""Members that time is kept back for, before it is known which they are."""

_LARGEST_SHARE = 0.15
"""Of the time limit, that is kept back for refits at most."""


@dataclass(frozen=True)
class Refitting:
    """Fits trials on every row, in the workers of a run.

    Attributes
    ----------
    plan : Plan
    prepared : Prepared
    trials : Trials
    workers : callable
        Does tasks.
    directory, data_directory : Path
        Of the run; a refit that is finished there is found again when the run is resumed.
    remaining : callable
        Seconds until refits must have ended.
    """

    plan: Plan
    prepared: Prepared
    trials: Trials
    workers: Workers
    directory: Path
    data_directory: Path
    remaining: Callable[[], float]

    def affordable(self, numbers: Sequence[int]) -> set[int]:
        """Those of the trials, the first ones first, for whose refit there is the time."""
        found: set[int] = set()
        work, left = 0.0, self.remaining()
        for number in numbers:
            trial = self.trials[number]
            seconds = self._seconds(trial)
            if trial.origin != "baseline" and (work + seconds) / self.plan.slots <= left and seconds <= left:
                work += seconds
                found.add(number)
        return found

    def fit(self, numbers: Sequence[int]) -> dict[int, FoldResult]:
        """Fit each trial on every row; those that failed or found no time are absent."""
        found: dict[int, FoldResult] = {}
        specs: list[TaskSpec] = []
        for number in numbers:
            job = self._job(self.trials[number])
            known = read_fold(Path(job.output), job.identity)
            if known is not None:
                found[number] = known
            else:
                specs.append(TaskSpec(f"refit-{number}", ENTRY, job.to_dict(), self._allowance()))
        done = self.workers(specs, self.remaining()) if specs else {}
        for number in numbers:
            if f"refit-{number}" in done:
                job = self._job(self.trials[number])
                result = read_fold(Path(job.output), job.identity, verify=False)
                if result is not None and not result.stopped_by_deadline:
                    found[number] = result
        return found

    def _job(self, trial: Trial) -> FoldJob:
        folds = sorted(trial.results)
        train = self.prepared.data.folds.train
        config = refit_config(
            trial.learner,
            trial.config,
            [trial.results[fold] for fold in folds],
            [len(train[fold]) for fold in folds],
            self.prepared.data.view.rows,
        )
        return FoldJob(
            data=str(self.data_directory),
            data_identity=self.prepared.data.identity,
            output=str(self.directory / "folds" / f"{trial.number}-all"),
            learner=trial.learner,
            config=config,
            fold=ALL_ROWS,
            seed=derive_seed(self.plan.seed, "refit", trial.number),
            adaptive=False,
        )

    def _seconds(self, trial: Trial) -> float:
        return expected_seconds(trial, self.trials)

    def _allowance(self) -> float | None:
        seconds = self.remaining()
        return None if seconds == float("inf") else max(0.05, seconds)


def expected_seconds(trial: Trial, trials: Trials) -> float:
    """What a fit of a trial on every row should take, by what its folds took."""
    train = trials.data.folds.train
    rows = [len(train[fold]) for fold in trial.results]
    if not rows:
        return 0.0
    ratio = trials.data.view.rows / (sum(rows) / len(rows))
    return _SAFETY * trial.fold_seconds * ratio


def kept_for_refits(trials: Trials, plan: Plan, seconds: float | None) -> float:
    """Seconds to keep back: a refit of the best trial of each of the best few learners."""
    if seconds is None:
        return 0.0
    best: dict[str, Trial] = {}
    for trial in trials.having(1):
        rival = best.get(trial.learner)
        if trial.origin != "baseline" and (
            rival is None or trials.error(trial.number, 1) < trials.error(rival.number, 1)
        ):
            best[trial.learner] = trial
    members = sorted(best.values(), key=lambda trial: trials.error(trial.number, 1))[:_MEMBERS]
    work = [expected_seconds(trial, trials) for trial in members]
    longest = max(work, default=0.0)
    return min(max(longest, sum(work) / plan.slots), _LARGEST_SHARE * seconds)
