"""The doing: a generator that executes a plan and tells what happens."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.automl.plan import Plan
from modelwright.automl.prepare import Prepared
from modelwright.automl.processor_time import SUPERVISING, WorkerTime
from modelwright.automl.side_tasks import PlainMember, predict_aside, run_tasks
from modelwright.core import (
    Budget,
    Deadline,
    Executor,
    ModelwrightError,
    Outcome,
    Predictions,
    TaskReport,
    TaskSpec,
    TrialError,
    View,
    derive_seed,
)
from modelwright.core.events import (
    EnsembleImproved,
    Event,
    FoldFinished,
    StageEntered,
    TrialFailed,
    TrialFinished,
    Warned,
)
from modelwright.ensemble import ENTRY, Ensemble, FoldJob, FoldResult, fit_fold, read_fold
from modelwright.execution import WorkerContext
from modelwright.search import (
    SEARCHERS,
    AnytimeScheduler,
    FixedScheduler,
    Scheduler,
    Trial,
    Trials,
    Work,
)
from modelwright.storage import FoldKey, TrialRecord, Workspace

__all__ = ["Run", "RunState", "ignored_its_deadline"]

_ATTEMPTS = 6
"""Tries of a fold whose worker was lost: enough for bad luck, an end to a configuration that crashes."""

_POLL = 0.1

_OVERRUN = 2.0
"""Times its own time, and seconds besides, after which a fit that was ended has no excuse: a worker may be
slow to start, and the machine busy."""


@dataclass
class RunState:
    """What happened so far; `Run.fit` writes it, whoever finishes the run reads it.

    Attributes
    ----------
    trials : Trials
    adopted : int
        Finished folds of an earlier attempt that were used.
    repeated : int
        Finished folds of an earlier attempt that had to be fitted again.
    first_model_seconds : float or None
        When the first model that beats the constant baseline existed.
    deadline_hit : bool
        Whether a fit was cut short by the clock in a run that should not depend on it.
    flat : bool
        Whether the search ended before its time because it brought no gain any more.
    workers : WorkerTime
        Where the processor time of the workers went.
    plain : PlainMember or None
        A member without reweighting, where rows are weighed for groups and there was time for it.
    """

    trials: Trials
    adopted: int = 0
    repeated: int = 0
    first_model_seconds: float | None = None
    deadline_hit: bool = False
    flat: bool = False
    workers: WorkerTime = field(default_factory=WorkerTime)
    plain: PlainMember | None = None
    best_error: float = float("inf")
    running: dict[str, Work] = field(default_factory=dict)


class Run:
    """One attempt of a run: fits what the scheduler asks for until the time for fitting is over.

    Parameters
    ----------
    plan : Plan
    prepared : Prepared
    budget : Budget
    workspace : Workspace
        Where every intent and every result is recorded.
    run : str
        Id of the run.
    executor : Executor
    """

    def __init__(
        self,
        plan: Plan,
        prepared: Prepared,
        budget: Budget,
        workspace: Workspace,
        run: str,
        executor: Executor,
    ) -> None:
        self._plan, self._budget, self._workspace = plan, budget, workspace
        self._id, self._executor = run, executor
        self.directory = workspace.run_directory(run)
        self.kept: Callable[[], float] = float  # seconds for what follows on the search, besides the reserve
        self._identity = prepared.data.identity
        self._losses: dict[tuple[int, int], int] = {}
        self._recorded: set[int] = set()
        self.state = RunState(Trials(prepared.data, prepared.metric))

    @property
    def reserve(self) -> float:
        """Seconds that the end of the run is likely to take, at the pace of the machine."""
        return self._plan.reserve * (1.0 if self._plan.reproducible else self.state.workers.pace.factor)

    @property
    def data_directory(self) -> Path:
        """Where the run's `FoldData` is."""
        return self.directory / "data"

    def remaining(self) -> float:
        """Seconds until fitting must have ended."""
        return self._budget.remaining - self.reserve - self.kept()

    def fit(self, interrupted: Callable[[], bool]) -> Iterator[Event]:
        """Fit until the scheduler has no more work, the time is over or the user has had enough."""
        yield from self._adopt()
        yield from self._baseline()
        scheduler = self._scheduler()
        while not interrupted() and self.remaining() > 0:
            while self._executor.idle > 0 and (work := scheduler.next()) is not None:
                self._submit(work)
            if not self.state.running and scheduler.exhausted:
                yield from self._ended_early(scheduler)
                break
            if not self.state.running:
                # what is left takes too long, or waits for its time: an executor without tasks never waits
                time.sleep(max(0.0, min(_POLL, self.remaining())))
            for report in self._wait(min(_POLL, self.remaining())):
                yield from self._receive(report)
        yield from self._drain(interrupted)

    def _ended_early(self, scheduler: Scheduler) -> Iterator[Event]:
        """Tell that the search stopped before its time because it brought nothing more."""
        if isinstance(scheduler, AnytimeScheduler) and scheduler.is_flat:
            self.state.flat = True
            stage = "stopping early: the last configurations brought no gain"
            yield StageEntered(stage=stage, seconds=self._budget.elapsed)

    def _wait(self, seconds: float) -> Sequence[TaskReport]:
        """Reports of tasks that ended, after so many seconds at most."""
        with self._budget.clock(SUPERVISING):
            reports = self._executor.wait(max(0.0, seconds))
        for report in reports:
            self.state.workers.add(report)
        return reports

    def _scheduler(self) -> Scheduler:
        plan, trials = self._plan, self.state.trials
        searcher = SEARCHERS.load(plan.search)(plan.spaces(), plan.seed)
        if plan.reproducible:
            return FixedScheduler(trials, plan.portfolio, searcher, plan.max_trials or 1)
        return AnytimeScheduler(
            trials,
            plan.portfolio,
            searcher,
            slots=self._executor.capacity,
            remaining=self.remaining,
            fold_cap=plan.fold_cap,
            stop_when_flat=plan.stop_when_flat,
        )

    def _job(self, trial: Trial, fold: int, share: float = 1.0) -> FoldJob:
        return FoldJob(
            data=str(self.data_directory),
            data_identity=self._identity,
            output=str(self.directory / "folds" / f"{trial.number}-{'probe' if share < 1 else fold}"),
            learner=trial.learner,
            config=trial.config,
            fold=fold,
            seed=derive_seed(self._plan.seed, "fit", trial.number, fold),
            adaptive=not self._plan.reproducible,
            share=share,
        )

    def _adopt(self) -> Iterator[Event]:
        """Take over what an earlier attempt of this run left finished."""
        (self.directory / "folds").mkdir(parents=True, exist_ok=True)
        folds = self._workspace.runs.folds(self._id)
        done = {(row.trial, row.fold) for row in folds if row.status == "done"}
        for row in self._workspace.runs.trials(self._id):
            if row.origin == "baseline":
                continue
            trial = Trial(row.number, row.learner, row.label, dict(row.config), row.origin)
            self._recorded.add(row.number)
            trial.failure = row.error if row.status == "failed" else ""
            for known in folds:
                if known.trial == row.number:  # an attempt is recorded once: the next one counts on
                    trial.attempts[known.fold] = max(trial.attempts.get(known.fold, 0), known.attempt + 1)
            self.state.trials.add(trial)
            for fold in range(self.state.trials.count):
                job = self._job(trial, fold)
                result = read_fold(Path(job.output), job.identity)
                if result is None:
                    self.state.repeated += (row.number, fold) in done
                    continue
                self.state.adopted += 1
                yield from self._keep(trial, fold, result, adopted=True)

    def _baseline(self) -> Iterator[Event]:
        """The constant model, fitted here and now: whatever happens later, there is a model."""
        trial = Trial(0, "constant", "constant", {}, "baseline")
        self.state.trials.add(trial)
        self._workspace.runs.save_trial(
            TrialRecord(self._id, 0, trial.learner, trial.label, {}, status="done", origin=trial.origin)
        )
        cache: dict[str, object] = {}
        for fold in range(self.state.trials.count):
            job = self._job(trial, fold)
            context = WorkerContext(Deadline(None), 1, None, cache, 0)
            fit_fold(job.to_dict(), context)
            result = read_fold(Path(job.output), job.identity, verify=False)
            if result is None:
                raise ModelwrightError(f"The constant baseline could not be kept in {job.output}.")
            self.state.trials.finish_fold(0, fold, result)
        yield self._trial_finished(trial)

    def _submit(self, work: Work) -> None:
        trial, fold = work.trial, work.fold
        self._record_begun(trial)
        if work.is_probe:
            self._submit_probe(work)
            return
        attempt = trial.attempts.get(fold, 0)
        trial.attempts[fold] = attempt + 1
        trial.running.add(fold)
        seconds, grace = self._allowance()
        spec = TaskSpec(
            id=f"{trial.number}-{fold}-{attempt}",
            entry=ENTRY,
            parameters=self._job(trial, fold).to_dict(),
            seconds=seconds,
            grace=grace,
            attempt=attempt,
        )
        self._workspace.runs.fold_intent(FoldKey(self._id, trial.number, fold, attempt))
        self.state.running[spec.id] = work
        self._executor.submit(spec)

    def _record_begun(self, trial: Trial) -> None:
        """Write a trial's intent down, once."""
        if trial.number not in self._recorded:
            self._recorded.add(trial.number)
            self._workspace.runs.save_trial(
                TrialRecord(
                    self._id, trial.number, trial.learner, trial.label, trial.config, origin=trial.origin
                )
            )

    def _submit_probe(self, work: Work) -> None:
        """A fit on few rows. It leaves no record: if the run is resumed, it is fitted again or not needed."""
        seconds, grace = self._allowance()
        spec = TaskSpec(
            id=f"{work.trial.number}-probe",
            entry=ENTRY,
            parameters=self._job(work.trial, work.fold, work.share).to_dict(),
            seconds=None if seconds is None else max(0.05, seconds * 2 * work.share),
            grace=grace,
        )
        work.trial.probing = True
        self.state.running[spec.id] = work
        self._executor.submit(spec)

    def _receive_probe(self, work: Work, report: TaskReport) -> Iterator[Event]:
        trial, job = work.trial, self._job(work.trial, work.fold, work.share)
        trial.probing = False
        result = None
        if report.outcome is Outcome.DONE:
            result = read_fold(Path(job.output), job.identity, verify=False)
        if result is not None:
            self.state.trials.finish_probe(trial.number, result)
        elif trial.results:  # it only serves as a measure for others
            trial.probe_error = float("inf")
        elif report.outcome is Outcome.FAILED:
            yield from self._fail(trial, report.error)
        else:
            trial.out_of_time = True
        shutil.rmtree(job.output, ignore_errors=True)

    def _allowance(self) -> tuple[float | None, float]:
        """Seconds after which a fit should stop by itself, and how many more until it is ended.

        A fit that takes longer than a fold should gets as much again: on a busy machine that is bad luck,
        and ending it would waste what it did. Nobody gets more than the end of the run.
        """
        remaining, cap = self.remaining(), self._plan.fold_cap
        seconds = min(remaining, cap)
        if seconds == float("inf"):
            return None, 2.0
        seconds = max(0.05, seconds)
        return seconds, min(remaining + self._patience - seconds, seconds + 5.0)

    @property
    def _patience(self) -> float:
        """Seconds after the end of fitting in which running fits may still return what they have."""
        return max(0.25, min(2.0, 0.4 * self._plan.reserve))

    def _receive(self, report: TaskReport) -> Iterator[Event]:
        work = self.state.running.pop(report.spec.id)
        if work.is_probe:
            yield from self._receive_probe(work, report)
            return
        trial, fold = work.trial, work.fold
        trial.running.discard(fold)
        if report.outcome is Outcome.DONE:
            job = self._job(trial, fold)
            result = read_fold(Path(job.output), job.identity, verify=False)
            if result is not None:
                yield from self._keep(trial, fold, result, attempt=report.spec.attempt)
                return
        said = report.result or {}
        reason, repeats = said.get("out_of_time", ""), said.get("repeats", "")
        key = FoldKey(self._id, trial.number, fold, report.spec.attempt)
        outcome = Outcome.TIMEOUT if reason else Outcome.CANCELLED if repeats else report.outcome
        self._workspace.runs.fold_failed(
            key,
            report.error or str(reason or repeats),
            status=str(outcome),
            seconds=report.wall_seconds,
        )
        if repeats:
            trial.pruned = True  # the model would be the same as another trial's
            return
        if reason:
            trial.out_of_time = True  # it would be so again, but nothing is wrong with the configuration
            self.state.deadline_hit |= self._plan.reproducible
            return
        if ignored_its_deadline(report):
            yield from self._fail(
                trial,
                f"The fit should have ended after {report.spec.seconds:.2g} s, but went on for "
                f"{report.wall_seconds:.2g} s, until its worker was ended.",
            )
            return
        if report.outcome is Outcome.CANCELLED:
            return
        lost = self._losses.get((trial.number, fold), 0) + 1
        if report.outcome is Outcome.WORKER_LOST and lost < _ATTEMPTS:
            self._losses[trial.number, fold] = lost
            yield Warned(
                message=f"The worker that fitted {trial.label}, fold {fold + 1}, was lost; once more.",
                seconds=self._budget.elapsed,
            )
            return
        if self.remaining() <= _POLL + self._patience:
            return  # cut short by the end of the run, which is no fault of the trial
        yield from self._fail(trial, report.error or f"The fit ended as {report.outcome}.")

    def _fail(self, trial: Trial, reason: str) -> Iterator[Event]:
        if not trial.failure:
            trial.failure = reason
            self._save(trial)
            yield TrialFailed(
                trial=trial.number,
                learner=trial.learner,
                label=trial.label,
                reason=reason,
                seconds=self._budget.elapsed,
            )

    def _keep(
        self, trial: Trial, fold: int, result: FoldResult, attempt: int = 0, adopted: bool = False
    ) -> Iterator[Event]:
        key = FoldKey(self._id, trial.number, fold, attempt)
        try:
            score = self.state.trials.finish_fold(trial.number, fold, result)
        except TrialError as error:
            if not adopted:
                self._workspace.runs.fold_failed(
                    key, str(error), status=str(Outcome.FAILED), seconds=result.fit_seconds
                )
            yield from self._fail(trial, str(error))
            return
        if not adopted:
            self._workspace.runs.fold_finished(
                key,
                score=score,
                seconds=result.fit_seconds,
                artifact=f"folds/{trial.number}-{fold}",
            )
            self.state.deadline_hit |= self._plan.reproducible and result.stopped_by_deadline
        yield FoldFinished(
            trial=trial.number,
            fold=fold,
            learner=trial.learner,
            score=score,
            adopted=adopted,
            seconds=self._budget.elapsed,
        )
        yield from self._improved(trial)
        if len(trial.results) == self.state.trials.count:
            self._save(trial)
            yield self._trial_finished(trial)

    def _improved(self, trial: Trial) -> Iterator[Event]:
        """Tell of a better model; the first one that beats the constant is remembered."""
        trials = self.state.trials
        if 0 not in trials or not trial.prefix(trials.count):
            return
        error = trials.error(trial.number, 1)
        if error < trials.error(0, 1) and self.state.first_model_seconds is None:
            self.state.first_model_seconds = self._budget.elapsed
        if error < self.state.best_error:
            self.state.best_error = error
            score = trials.score(trial.number, 1)
            yield EnsembleImproved(score=score, members=1, seconds=self._budget.elapsed)

    def _trial_finished(self, trial: Trial) -> TrialFinished:
        return TrialFinished(
            trial=trial.number,
            learner=trial.learner,
            label=trial.label,
            score=self.state.trials.score(trial.number, self.state.trials.count),
            folds=len(trial.results),
            fit_seconds=trial.fit_seconds,
            config=trial.config,
            seconds=self._budget.elapsed,
        )

    def _save(self, trial: Trial) -> None:
        folds = trial.prefix(self.state.trials.count)
        self._workspace.runs.save_trial(
            TrialRecord(
                self._id,
                trial.number,
                trial.learner,
                trial.label,
                trial.config,
                status="failed" if trial.failure else "done",
                origin=trial.origin,
                score=self.state.trials.score(trial.number, folds) if folds else None,
                error=trial.failure,
            )
        )

    def predict(self, root: Path, ensemble: Ensemble, view: View) -> Predictions:
        """Predict with an ensemble that lies below a directory, in a worker if one can, else here.

        Workers have the learners' libraries loaded already, which takes the driver a second or more.
        """
        return predict_aside(self.work, self.directory / "holdout", root, ensemble, view)

    def work(self, specs: Sequence[TaskSpec], seconds: float) -> dict[str, Mapping[str, Any]]:
        """Have tasks besides the trials done; see `side_tasks.run_tasks`."""
        return run_tasks(self._executor, self._wait, specs, seconds)

    def _drain(self, interrupted: Callable[[], bool]) -> Iterator[Event]:
        """Give running fits the moment they need to return what they have, then end them."""
        patience = Deadline.after(self._patience)
        while self.state.running and not patience.passed and not interrupted():
            for report in self._wait(min(_POLL, patience.remaining)):
                yield from self._receive(report)
        for task in list(self.state.running):
            self._executor.cancel(task)
        ending = Deadline.after(5.0)
        while self.state.running and not ending.passed:
            for report in self._wait(_POLL):
                yield from self._receive(report)


def ignored_its_deadline(report: TaskReport) -> bool:
    """Whether a fit was ended that should have stopped by itself long before."""
    if report.outcome not in (Outcome.CANCELLED, Outcome.TIMEOUT) or report.spec.seconds is None:
        return False
    return report.wall_seconds > _OVERRUN * report.spec.seconds + _OVERRUN
