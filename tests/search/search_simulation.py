"""Schedulers driven by a simulated clock over real trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from modelwright.core import FeatureInfo, Problem, Task, View, ViewInfo
from modelwright.ensemble import FoldData, FoldResult
from modelwright.metrics import get_metric
from modelwright.search import Observed, Planned, Scheduler, Suggestion, Trial, Trials, Work
from modelwright.validation import make_folds

ROWS, FOLDS = 200, 4


class Ever:
    """A strategy that always has another idea."""

    def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
        return Suggestion("tuned", {"number": number}, "bayesian")


@dataclass
class Simulation:
    """Fits that take no time but say they did."""

    place: Path
    seconds: dict[str, float]
    noise: dict[str, float]
    slots: int = 2
    rows: int = ROWS
    now: float = 0.0
    log: list[tuple[int, int]] = field(default_factory=list)

    def trials(self) -> Trials:
        target = np.random.default_rng(0).normal(size=self.rows)
        problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
        info = ViewInfo((FeatureInfo("x", "x", "value"),), ())
        view = View(np.zeros((self.rows, 1), np.float32), np.zeros((self.rows, 0), np.int32), info)
        folds = make_folds(problem, target, count=FOLDS, seed=0)
        data = FoldData(problem, view, target, None, folds, "identity")
        return Trials(data, get_metric("rmse", Task.REGRESSION))

    def result(self, trials: Trials, trial: Trial, fold: int) -> FoldResult:
        rows = trials.data.folds.valid[fold]
        rng = np.random.default_rng([trial.number, fold])
        directory = self.place / f"{trial.number}-{fold}"
        directory.mkdir(parents=True, exist_ok=True)
        noise = trial.config.get("noise", self.noise.get(trial.learner, 1.0))
        np.save(directory / "valid.npy", trials.data.target[rows] + rng.normal(0, noise, len(rows)))
        return FoldResult(directory, self.seconds.get(trial.learner, 1.0), 0.0, 100, False, {})

    def baseline(self, trials: Trials) -> None:
        trial = Trial(0, "constant", "constant", {}, "baseline")
        trials.add(trial)
        for fold in range(FOLDS):
            trials.finish_fold(0, fold, self.result(trials, trial, fold))

    def run(self, trials: Trials, scheduler: Scheduler, end: float = 1e9) -> None:
        running: list[tuple[float, Work]] = []
        while self.now < end:
            while len(running) < self.slots and (work := scheduler.next()) is not None:
                assert work.fold not in work.trial.running
                if work.is_probe:
                    assert not work.trial.probing
                    work.trial.probing = True
                else:
                    assert work.fold not in work.trial.results
                    work.trial.running.add(work.fold)
                    self.log.append((work.trial.number, work.fold))
                seconds = work.share * self.seconds.get(work.trial.learner, 1.0)
                running.append((self.now + seconds, work))
            if not running:
                return
            running.sort(key=lambda item: item[0])
            self.now, work = running.pop(0)
            result = self.result(trials, work.trial, work.fold)
            if work.is_probe:
                trials.finish_probe(work.trial.number, result)
            else:
                trials.finish_fold(work.trial.number, work.fold, result)


def portfolio(*learners: str, seconds: float = 1.0) -> list[Planned]:
    return [Planned(name, f"{name} one", {}, seconds) for name in learners]
