"""Probes: a suggestion first shows on few rows that a whole fit is worth its time.

Where fits are expensive, a configuration that the search suggests is fitted on a quarter of the first
fold's training rows. Only the best third of a learner's probes gets all rows; the learner's best
configuration so far takes part in the comparison. This is asynchronous successive halving (Li, Jamieson,
Rostamizadeh, Gonina, Hardt, Recht and Talwalkar, "A system for massively parallel hyperparameter tuning",
2020) with rows as the resource; the folds of the run are the rungs above.
"""

from __future__ import annotations

import math

from modelwright.search.schedule import Work
from modelwright.search.trials import Trial, Trials

__all__ = ["PROBE_SHARE", "Probes"]

PROBE_SHARE = 0.25
"""Share of the first fold's training rows."""

_REDUCTION = 3
"""One probe of so many gets all rows."""

_EXPENSIVE = 0.02
"""Share of the time left that a first fold must take to be worth a probe."""

_FEWEST_ROWS = 1_000
"""Rows of a probe below which its error says little about a fit on all rows."""


class Probes:
    """Which suggestions are probed, and which of them have earned a whole fit.

    Parameters
    ----------
    trials : Trials
    """

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self._racing: list[Trial] = []
        self._large = PROBE_SHARE * len(trials.data.folds.train[0]) >= _FEWEST_ROWS

    @property
    def running(self) -> bool:
        """Whether a probe is being fitted."""
        return any(trial.probing for trial in self._trials)

    def are_worthwhile(self, seconds: float, remaining: float) -> bool:
        """Whether first folds of so many seconds are too expensive to be given to every suggestion.

        Parameters
        ----------
        seconds, remaining : float
            Of one fold, and until the end of fitting.
        """
        return self._large and seconds > _EXPENSIVE * remaining

    def enter(self, trial: Trial) -> None:
        """Let a new trial race: it gets no fold before its probe is among the best."""
        trial.pruned = True  # until its probe says otherwise
        self._racing.append(trial)

    def next(self) -> Work | None:
        """A trial that has won, to be fitted on its first fold, or the next probe; None if there is none."""
        for trial in self._racing:
            if trial.probe_error is not None and not trial.failure and self._has_won(trial):
                self._racing.remove(trial)
                trial.pruned = False
                return Work(trial, 0)
        for trial in self._racing:
            if trial.probe_error is None and not (trial.probing or trial.failure or trial.out_of_time):
                return Work(self._unprobed_champion(trial.learner) or trial, 0, PROBE_SHARE)
        return None

    def _unprobed_champion(self, learner: str) -> Trial | None:
        """The learner's best trial on the first fold, if its probe has not been begun."""
        opened = [trial for trial in self._trials.having(1) if trial.learner == learner]
        if not opened:
            return None
        best = min(opened, key=lambda trial: (self._trials.error(trial.number, 1), trial.number))
        return None if best.probing or best.probe_error is not None else best

    def _has_won(self, trial: Trial) -> bool:
        rivals = [other for other in self._trials if other.learner == trial.learner]
        errors = sorted(other.probe_error for other in rivals if other.probe_error is not None)
        if len(errors) < 2:
            return not any(other.probing for other in rivals)  # nothing to compare with will come
        allowed = math.ceil(len(errors) / _REDUCTION)
        return trial.probe_error is not None and trial.probe_error <= errors[allowed - 1]
