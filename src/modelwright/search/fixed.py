"""A given number of trials on all folds: equal seeds give equal models."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.search.schedule import Beginner, Planned, Work
from modelwright.search.suggestion import Searcher
from modelwright.search.trials import Trial, Trials

__all__ = ["FixedScheduler"]


class FixedScheduler:
    """A given number of trials on all folds, in order, without a look at the clock.

    Parameters
    ----------
    trials : Trials
        May hold trials of an earlier attempt; they are completed first.
    portfolio : sequence of Planned
    searcher : Searcher or None
    max_trials : int
        Trials in total, baselines not counted.
    """

    def __init__(
        self, trials: Trials, portfolio: Sequence[Planned], searcher: Searcher | None, max_trials: int
    ) -> None:
        self._trials = trials
        self._beginner = Beginner(trials, portfolio, searcher)
        self._beginner.skip(self._counted())
        self._max = max_trials

    def next(self) -> Work | None:
        """The first missing fold of the earliest trial; see `Scheduler`."""
        for trial in self._trials.all():
            if trial.origin == "baseline" or trial.failure or trial.out_of_time or trial.pruned:
                continue
            for fold in trial.missing(self._trials.count):
                return Work(trial, fold)
        begun = self._begin()
        return None if begun is None else Work(begun, 0)

    @property
    def exhausted(self) -> bool:
        """See `Scheduler`."""
        if any(
            not (trial.failure or trial.out_of_time or trial.pruned)
            and len(trial.results) < self._trials.count
            for trial in self._trials.all()
            if trial.origin != "baseline"
        ):
            return False
        return self._counted() >= self._max or not (self._beginner.portfolio or self._beginner.can_suggest)

    def _counted(self) -> int:
        return sum(trial.origin != "baseline" for trial in self._trials.all())

    def _begin(self) -> Trial | None:
        if self._counted() >= self._max:
            return None
        if self._beginner.portfolio:
            return self._beginner.planned()
        # A suggestion depends on every earlier result, so it waits for them all: the order in which
        # folds happen to finish must not matter.
        if any(trial.running for trial in self._trials.all()):
            return None
        return self._beginner.suggested(self._trials.count)
