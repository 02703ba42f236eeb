"""What a scheduler is: it says what to fit next, and begins trials from the portfolio and the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from modelwright.core import Config
from modelwright.search.suggestion import Observed, Searcher
from modelwright.search.trials import Trial, Trials

__all__ = ["Beginner", "Planned", "Scheduler", "Work"]


@dataclass(frozen=True)
class Planned:
    """An entry of the portfolio.

    Attributes
    ----------
    learner, label : str
    config : mapping
    estimated_seconds : float
        Wall time of one fold.
    """

    learner: str
    label: str
    config: Config
    estimated_seconds: float


@dataclass(frozen=True)
class Work:
    """One fold of one trial, to be fitted now.

    Attributes
    ----------
    trial : Trial
    fold : int
    share : float
        Of the fold's training rows; less than 1 for a probe.
    """

    trial: Trial
    fold: int
    share: float = 1.0

    @property
    def is_probe(self) -> bool:
        """Whether the fit only tells if a whole one is worth its time."""
        return self.share < 1.0


class Scheduler(Protocol):
    """Decides what to fit next. It begins trials itself, in `next`."""

    def next(self) -> Work | None:
        """The next piece of work; None when nothing should be begun at this moment."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether `next` will never have work again, even after running folds finish."""
        ...


class Beginner:
    """Begins trials: from the portfolio while it lasts, then from the search strategy."""

    def __init__(self, trials: Trials, portfolio: Sequence[Planned], searcher: Searcher | None) -> None:
        self._trials = trials
        self._waiting = list(portfolio)
        self._searcher = searcher
        self._labels: dict[str, int] = {}
        for trial in trials.all():
            self._labels[trial.learner] = self._labels.get(trial.learner, 0) + 1

    @property
    def portfolio(self) -> list[Planned]:
        """Entries that have not begun."""
        return self._waiting

    def number(self) -> int:
        """Number of the next trial."""
        return max((trial.number for trial in self._trials.all()), default=-1) + 1

    def skip(self, count: int) -> None:
        """Leave out the first entries of the portfolio (they began in an earlier attempt)."""
        del self._waiting[:count]

    def skip_begun(self) -> None:
        """Leave out the entries that began in an earlier attempt, in whatever order they did."""
        begun = {(trial.learner, trial.label) for trial in self._trials.all() if trial.origin == "portfolio"}
        self._waiting = [entry for entry in self._waiting if (entry.learner, entry.label) not in begun]

    def leave_out(self, entry: Planned) -> None:
        """Never begin an entry."""
        self._waiting.remove(entry)

    def planned(self, entry: Planned | None = None) -> Trial:
        """Begin an entry of the portfolio, by default the first that waits."""
        entry = entry or self._waiting[0]
        self._waiting.remove(entry)
        return self._begin(entry.learner, entry.label, entry.config, "portfolio", entry.estimated_seconds)

    def suggested(self, folds: int) -> Trial | None:
        """Begin what the search strategy suggests, if it has anything left."""
        if self._searcher is None:
            return None
        suggestion = self._searcher.ask(self.number(), self._history(folds))
        if suggestion is None:
            self._searcher = None
            return None
        count = self._labels.get(suggestion.learner, 0) + 1
        expected = [t.fold_seconds for t in self._trials.all() if t.learner == suggestion.learner]
        return self._begin(
            suggestion.learner,
            f"{suggestion.learner}-{count}",
            suggestion.config,
            suggestion.origin,
            sum(expected) / len(expected) if expected else 1.0,
        )

    @property
    def can_suggest(self) -> bool:
        """Whether the search strategy may have more."""
        return self._searcher is not None

    def _begin(self, learner: str, label: str, config: Config, origin: str, seconds: float) -> Trial:
        self._labels[learner] = self._labels.get(learner, 0) + 1
        trial = Trial(self.number(), learner, label, dict(config), origin, seconds)
        self._trials.add(trial)
        return trial

    def _history(self, folds: int) -> list[Observed]:
        """Finished trials with their errors; running ones as bad, so that nothing is asked twice."""
        observed: list[Observed] = []
        for trial in self._trials.all():
            if trial.origin == "baseline":
                continue
            known = trial.prefix(self._trials.count) >= folds
            error = self._trials.error(trial.number, folds) if known else self._foreseen(trial)
            observed.append(
                Observed(trial.number, trial.learner, trial.config, error, trial.fold_seconds, trial.gain)
            )
        return observed

    def _foreseen(self, trial: Trial) -> float:
        """The error on all rows that a probe lets expect: it falls as that of the best probe did."""
        if trial.probe_error is None:
            return float("inf")
        both = [
            (other.probe_error, self._trials.error(other.number, 1))
            for other in self._trials.having(1)
            if other.learner == trial.learner and other.probe_error
        ]
        if not both:
            return float("inf")
        probed, whole = min(both)
        return trial.probe_error * whole / probed if probed > 0 else trial.probe_error
