"""Distillation: one small model is taught what the ensemble says, and judged on the same folds as others.

The student of a fold learns from that fold's models and training rows alone, so that its out-of-fold score is
honest. The student of all rows, which is delivered, learns from all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwright.automl.plan import Plan
from modelwright.automl.side_tasks import Workers
from modelwright.automl.student import student_config, student_seconds
from modelwright.core import Config, Deadline, TaskSpec, TrialError, derive_seed, hash_json
from modelwright.ensemble import (
    ALL_ROWS,
    ENTRY,
    TEACH_ENTRY,
    Ensemble,
    FoldJob,
    FoldResult,
    Member,
    read_fold,
    refit_config,
)
from modelwright.search import Selection, Trial, Trials

__all__ = ["Distilling"]

_HOPELESS = 2.5
"""Nothing is begun that should take this times the seconds that are left: estimates are off by two."""


@dataclass(frozen=True)
class Distilling:
    """Teaches a student what a selection of trials says.

    Attributes
    ----------
    learner : str
        Of the student.
    plan : Plan
    trials : Trials
        The student joins them.
    teacher : Selection
    workers : callable
        Does tasks.
    directory, data_directory : Path
        Of the run.
    """

    learner: str
    plan: Plan
    trials: Trials
    teacher: Selection
    workers: Workers
    directory: Path
    data_directory: Path

    def teach(self, seconds: float) -> tuple[int, FoldResult] | None:
        """Fit the student on each fold and on all rows, within so many seconds.

        Returns
        -------
        (int, FoldResult) or None
            The student's number and its model of all rows; None if there was no time for it.
        """
        deadline = Deadline.after(seconds)
        folds = range(min(self.trials[number].prefix(self.trials.count) for number in self.teacher.numbers))
        if self._expected(len(folds)) > _HOPELESS * seconds:
            return None
        config = student_config(self.learner, self.plan.problem, self.plan.shape)
        results = self._fitted(folds, config, deadline)
        if len(results) < len(folds) or not results:
            return None
        train = self.trials.data.folds.train
        fold_rows = [len(train[fold]) for fold in folds]
        config = refit_config(
            self.learner, config, [results[fold] for fold in folds], fold_rows, self.trials.data.view.rows
        )
        whole = self._fitted([ALL_ROWS], config, deadline).get(ALL_ROWS)
        if whole is None or whole.stopped_by_deadline:
            return None
        number = max(trial.number for trial in self.trials.all()) + 1
        trial = Trial(number, self.learner, f"distilled {self.learner}", config, "distilled")
        self.trials.add(trial)
        try:
            for fold, result in results.items():
                self.trials.finish_fold(number, fold, result)
        except TrialError as error:
            trial.failure = str(error)
        return number, whole

    def _expected(self, folds: int) -> float:
        """Seconds that the fits should take: those of the folds side by side, then the one of all rows."""
        one = student_seconds(self.learner, self.plan.problem, self.plan.shape)
        return one * (-(-folds // self.plan.slots) + 1)

    def _fitted(self, folds: Iterable[int], config: Config, deadline: Deadline) -> dict[int, FoldResult]:
        """The students of some folds, those that an earlier attempt left included."""
        jobs = {fold: self._job(fold, config) for fold in folds}
        found = {fold: read_fold(Path(job.output), job.identity) for fold, job in jobs.items()}
        missing = [fold for fold, result in found.items() if result is None]
        self.workers([self._lesson(fold, jobs[fold]) for fold in missing], deadline.remaining)
        limit = None if deadline.at is None else max(0.05, deadline.remaining)
        specs = [TaskSpec(f"student-{fold}", ENTRY, jobs[fold].to_dict(), limit) for fold in missing]
        self.workers(specs, deadline.remaining)
        for fold in missing:
            found[fold] = read_fold(Path(jobs[fold].output), jobs[fold].identity, verify=False)
        return {fold: result for fold, result in found.items() if result is not None}

    def _lesson(self, fold: int, job: FoldJob) -> TaskSpec:
        """The task that writes what a student is fitted on."""
        parameters = {
            "data": str(self.data_directory),
            "fold": fold,
            "root": str(self.directory),
            "record": self._teachers(fold).to_dict(self.directory),
            "seed": derive_seed(self.plan.seed, "lesson", fold),
            "identity": job.data_identity,
            "output": job.data,
        }
        return TaskSpec(f"lesson-{fold}", TEACH_ENTRY, parameters)

    def _teachers(self, fold: int) -> Ensemble:
        """The models that saw the rows of a fold's training and no others; all of them for all rows."""
        task = self.plan.problem.task
        members = []
        for number, share in zip(self.teacher.numbers, self.teacher.shares, strict=True):
            trial = self.trials[number]
            used: Sequence[int] = sorted(trial.results) if fold == ALL_ROWS else [fold]
            places = tuple(trial.results[each].directory / "model" for each in used)
            members.append(Member(number, trial.label, trial.learner, share, places, trial.config, task))
        return Ensemble(task, tuple(members))

    def _job(self, fold: int, config: Config) -> FoldJob:
        """The fit of a student on the only fold of its own data."""
        name = "all" if fold == ALL_ROWS else str(fold)
        teacher = self._teachers(fold).to_dict(self.directory)
        return FoldJob(
            data=str(self.directory / "students" / name),
            data_identity=hash_json([self.trials.data.identity, teacher, fold, self.plan.seed]),
            output=str(self.directory / "folds" / f"student-{name}"),
            learner=self.learner,
            config=config,
            fold=0,
            seed=derive_seed(self.plan.seed, "student", fold),
            adaptive=False,
        )
