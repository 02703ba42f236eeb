"""What to fit next while the clock runs.

Every configuration of the portfolio is first tried on one fold; the ones an ensemble would use are then
completed, best first; time that is left goes to a search strategy, whose suggestions must prove themselves
on few rows and on one fold before they are given more (see `probes`). A new trial begins only while the
current best ensemble could still be completed afterwards, so whenever the time ends there is a whole model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modelwright.search.gains import Gains
from modelwright.search.probes import Probes
from modelwright.search.schedule import Beginner, Planned, Work
from modelwright.search.selecting import SCHEDULING_CELLS, Selection, select
from modelwright.search.suggestion import Searcher
from modelwright.search.trials import Trial, Trials

__all__ = ["AnytimeScheduler"]

_PROMISING = 1.25
"""A configuration whose first fold errs more than this times the best one's is not completed."""

_SAFETY = 1.3
"""Completing the ensemble is expected to take this times what its finished folds took."""

_CURIOSITY = 0.05
"""Weight that a trial outside the present ensemble counts with, when folds are ordered by their
weight per second."""

_QUICK = 0.02
"""Seconds below which one fold costs as good as nothing."""

_CHEAP = 0.02
"""A trial that takes less than this share of the time left is completed whatever its error."""

_CHEAP_BASELINE = 0.1
"""The same for the first trial, which the others are compared with."""

_OPENED_AT_ONCE = 5
"""So many trials (the constant counts) get their first fold before any is completed for its own sake."""

_OPENING_SHARE = 0.4
"""Share of the fitting time that first folds of the portfolio may take, as long as there is something to
complete."""

_WARM_START = 2
"""The first configurations run their first fold before anything else, whatever they cost."""


class AnytimeScheduler:
    """Work for a run that must end in time with the best model it can have by then.

    Parameters
    ----------
    trials : Trials
        May hold trials of an earlier attempt.
    portfolio : sequence of Planned
    searcher : Searcher or None
    slots : int
        Folds fitted side by side.
    remaining : callable
        Seconds until fitting must have ended.
    fold_cap : float
        Longest wall time that one fold may take.
    stop_when_flat : bool, default False
        End when the search has brought the ensemble nothing for long enough; see `Gains.is_flat`.
    """

    def __init__(
        self,
        trials: Trials,
        portfolio: Sequence[Planned],
        searcher: Searcher | None,
        *,
        slots: int,
        remaining: Callable[[], float],
        fold_cap: float,
        stop_when_flat: bool = False,
    ) -> None:
        self._trials = trials
        self._beginner = Beginner(trials, portfolio, searcher)
        self._beginner.skip_begun()
        self._slots = slots
        self._remaining = remaining
        self._cap = fold_cap
        self._chosen: list[Selection] = []
        self._selected: dict[int, tuple[tuple[int, ...], Selection | None]] = {}
        self._known = (-1, -1)
        self._begun = remaining()
        self._stop_when_flat = stop_when_flat
        self._gains, self._probes = Gains(), Probes(trials)
        self.skipped: list[tuple[Planned, str]] = []

    def next(self) -> Work | None:
        """See `Scheduler`."""
        if self._remaining() <= 0.25:
            return None
        begun = sum(trial.origin != "baseline" for trial in self._trials.all())
        if begun < _WARM_START and self._beginner.portfolio:
            return Work(self._beginner.planned(), 0)
        repeated = self._unopened()
        if repeated is not None:
            return repeated
        completion = self._complete()
        if completion is not None and (self._must_complete() or self._opened_enough()):
            return completion
        opening = self._open_portfolio()
        if opening is not None:
            return opening
        if completion is not None:
            return completion
        return None if self.is_flat else self._explore()

    @property
    def is_flat(self) -> bool:
        """Whether the run should end early: asked to, everything begun is complete, and no gain any more."""
        if not self._stop_when_flat or self._beginner.portfolio:
            return False
        return self._gains.is_flat(self._begun - self._remaining())

    @property
    def exhausted(self) -> bool:
        """See `Scheduler`."""
        if self._remaining() <= 0.25:
            return True
        if any(trial.running for trial in self._trials.all()) or self._probes.running:
            return False
        if self._beginner.portfolio or self._complete() is not None:
            return False
        return self.is_flat or not self._beginner.can_suggest

    def _unopened(self) -> Work | None:
        """A trial whose first fold was lost with its worker."""
        for trial in self._trials.all():
            if self._alive(trial) and 0 not in trial.results and 0 not in trial.running:
                return Work(trial, 0)
        return None

    def _alive(self, trial: Trial) -> bool:
        return not (trial.failure or trial.pruned or trial.out_of_time or trial.origin == "baseline")

    def _opened_enough(self) -> bool:
        """Whether first folds have had their share of the time, so that others should be completed first.

        A long portfolio would otherwise take all the time for first folds, and leave one model that was the
        best on few rows.
        """
        first, all_of_them = 0.0, 0.0
        for trial in self._trials.all():
            for fold, result in trial.results.items():
                seconds = result.fit_seconds + result.predict_seconds
                all_of_them += seconds
                first += seconds if fold == 0 else 0.0
        opened = len(self._trials.having(1))
        return opened > _OPENED_AT_ONCE and first > _OPENING_SHARE * all_of_them

    def _open_portfolio(self) -> Work | None:
        """The first fold of the next entry that can still be afforded.

        Entries of a learner that has lost with all of its configurations so far come after those of others.
        """
        while waiting := self._beginner.portfolio:
            lost = {name for name in {entry.learner for entry in waiting} if self._has_lost(name)}
            entry = next((entry for entry in waiting if entry.learner not in lost), waiting[0])
            seconds = min(self._expected(entry), self._cap)
            if seconds + self._completion_seconds() <= self._remaining():
                return Work(self._beginner.planned(entry), 0)
            self.skipped.append((entry, f"its first fold would take about {seconds:.1f} s"))
            self._beginner.leave_out(entry)
        return None

    def _has_lost(self, learner: str) -> bool:
        """Whether all of a learner's finished first folds lost the race, and others would cost something."""
        having = self._trials.having(1)
        opened = [trial for trial in having if trial.learner == learner]
        if not opened:
            return False
        shares, best = self._shares(), min(self._trials.error(trial.number, 1) for trial in having)
        return not any(
            trial.number in shares or self._promising(trial, self._trials.error(trial.number, 1), best)
            for trial in opened
        )

    def _explore(self) -> Work | None:
        """A probe or the first fold of what the search suggests, while there is time to complete it."""
        if not self._beginner.can_suggest or not self._trials.having(1):
            return None
        typical = self._typical_seconds() * (1 + (self._trials.count - 1) / self._slots)
        if typical + self._completion_seconds() > self._remaining():
            return None
        racing = self._probes.next()
        if racing is not None:
            return racing
        trial = self._beginner.suggested(1)
        if trial is None:
            return None
        if not self._probes.are_worthwhile(min(trial.fold_seconds, self._cap), self._remaining()):
            return Work(trial, 0)
        self._probes.enter(trial)
        return self._probes.next()

    def _complete(self) -> Work | None:
        """The next missing fold of a trial that is worth completing: most weight per second first.

        The first trial is what the others are compared with, so it counts as if it had all the weight.

        When only the present ensemble can still be completed, nothing else is.
        """
        opened = [t for t in self._trials.having(1) if self._alive(t) and t.missing(self._trials.count)]
        if not opened:
            return None
        shares, pressed = self._shares(), self._must_complete()
        if pressed:  # what costs next to nothing is completed all the same: the first fold alone knows little
            opened = [t for t in opened if t.number in shares or self._is_cheap(t)] or opened
        errors = {trial.number: self._trials.error(trial.number, 1) for trial in self._trials.having(1)}
        best = min(errors.values())
        ranked = sorted(
            opened,
            key=lambda t: (
                -(shares.get(t.number, 0.0) + (1.0 if t.number == 1 else _CURIOSITY))
                / max(t.fold_seconds, _QUICK),
                errors[t.number],
                t.number,
            ),
        )
        for trial in ranked:
            if trial.number not in shares and not self._promising(trial, errors[trial.number], best):
                trial.pruned = True
                continue
            fold = trial.missing(self._trials.count)[0]
            if min(trial.fold_seconds, self._cap) <= self._remaining() * _SAFETY:
                return Work(trial, fold)
        return None

    def _shares(self) -> dict[int, float]:
        """Weights in the ensemble that the first fold speaks for, and in the one that more folds do."""
        shares: dict[int, float] = {}
        for selection in self._selections():
            for number, share in zip(selection.numbers, selection.shares, strict=True):
                shares[number] = max(share, shares.get(number, 0.0))
        return shares

    def _promising(self, trial: Trial, error: float, best: float) -> bool:
        """Whether a trial outside the current ensemble may still earn a place in it, or costs nothing."""
        if self._is_cheap(trial):
            return True
        if trial.origin == "portfolio":
            return error <= best * _PROMISING or not self._trials.clearly_worse(trial.number)
        rivals = sorted(
            self._trials.error(other.number, 1)
            for other in self._trials.having(1)
            if other.learner == trial.learner and other.number != trial.number
        )
        return len(rivals) < 2 or error <= rivals[1]

    def _is_cheap(self, trial: Trial) -> bool:
        """Whether completing a trial takes a small part of the time left."""
        missing = self._trials.count - len(trial.results)
        share = _CHEAP_BASELINE if trial.number == 1 else _CHEAP
        return missing * trial.fold_seconds / self._slots <= share * self._remaining()

    def _must_complete(self) -> bool:
        """Whether only so much time is left as completing the current ensemble will take."""
        return self._completion_seconds() >= self._remaining()

    def _completion_seconds(self) -> float:
        """Wall time that completing the present ensemble is expected to take."""
        work = 0.0
        for number in self._shares():
            trial = self._trials[number]
            if self._alive(trial):
                missing = self._trials.count - len(trial.results)
                work += missing * min(trial.fold_seconds, self._cap)
        return _SAFETY * work / self._slots

    def _selections(self) -> list[Selection]:
        """The ensembles that the trials speak for now (renewed when another fold is known).

        The first fold alone has seen every trial; the most folds that several trials have finished tell
        more about those.
        """
        known = (len(self._trials.having(1)), self._depth())
        if known != self._known:
            found = [self._select(folds) for folds in dict.fromkeys((1, known[1]))]
            self._chosen, self._known = [item for item in found if item is not None], known
            if self._chosen:
                elapsed = self._begun - self._remaining()
                self._gains.note(self._trials.having(1), self._chosen[0].error, elapsed)
        return self._chosen

    def _select(self, folds: int) -> Selection | None:
        """The ensemble that so many folds speak for; chosen anew only if other trials have them by now."""
        numbers = tuple(trial.number for trial in self._trials.having(folds))
        if folds not in self._selected or self._selected[folds][0] != numbers:
            self._selected[folds] = numbers, select(self._trials, folds, cells=SCHEDULING_CELLS)
        return self._selected[folds][1]

    def _depth(self) -> int:
        """The most folds that at least three trials have finished; 1 if there is no such number."""
        depths = sorted(
            (t.prefix(self._trials.count) for t in self._trials.all() if t.origin != "baseline"), reverse=True
        )
        return max(1, depths[2]) if len(depths) > 2 else 1

    def _expected(self, entry: Planned) -> float:
        """Estimated seconds of a fold, corrected by what the learner's finished folds took."""
        ratios = [
            trial.fold_seconds / trial.estimated_seconds
            for trial in self._trials.all()
            if trial.learner == entry.learner and trial.results and trial.estimated_seconds > 0
        ]
        return entry.estimated_seconds * (sum(ratios) / len(ratios) if ratios else 1.0)

    def _typical_seconds(self) -> float:
        known = [trial.fold_seconds for trial in self._trials.having(1) if trial.origin != "baseline"]
        return min(sum(known) / len(known), self._cap) if known else 1.0
