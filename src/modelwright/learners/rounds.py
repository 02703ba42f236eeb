"""How many boosting rounds to fit: patience, learning rates and the clock, shared by the boosters."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from modelwright.core import Deadline

__all__ = [
    "PROBE_ROUNDS",
    "RoundWatch",
    "affordable_rate",
    "column_shares",
    "default_rate",
    "default_rounds",
    "kept_rounds",
    "patience",
]

PROBE_ROUNDS = 10
"""Rounds after which the cost of one is known well enough (the first ones are slower)."""

_SHRINKAGE = 12.0
"""Learning rate times rounds that a booster typically needs to its best iteration."""

_MARGIN = 0.04
"""Seconds kept to write the model down."""


def patience(rows: int, best: int) -> int:
    """Rounds without improvement after which boosting stops.

    AutoGluon's rule, but with 100 rounds where it waits for 300. In 200 fits on tables of 1,000 to 6,500 rows
    the other 200 rounds lowered the validation loss by 0.01% in the mean, and took up to 45% of the time.

    Parameters
    ----------
    rows : int
        Training rows.
    best : int
        Best iteration so far.

    Examples
    --------
    >>> patience(1_000, 50), patience(100_000, 50), patience(100_000, 1_000)
    (100, 35, 320)
    """
    least = max(20, min(100, int(3e6 / max(1, rows))))
    return max(least, int(0.3 * best) + 20)


def default_rate(rows: int) -> float:
    """A learning rate that reaches its best iteration within minutes, by the number of rows.

    Examples
    --------
    >>> default_rate(500), default_rate(100_000)
    (0.03, 0.06)
    """
    for limit, rate in ((2_000, 0.03), (10_000, 0.04), (50_000, 0.05), (300_000, 0.06)):
        if rows <= limit:
            return rate
    return 0.1


def affordable_rate(rate: float, rounds: float) -> float:
    """The learning rate with which so many rounds suffice; never lower than the one given.

    Examples
    --------
    >>> affordable_rate(0.05, 10_000), affordable_rate(0.05, 120)
    (0.05, 0.1)
    """
    return float(max(rate, min(0.25, _SHRINKAGE / max(rounds, 1.0))))


def default_rounds(outputs: int, most: int) -> int:
    """Rounds at most: each fits a tree a class, and files and predictions pay for every one.

    Examples
    --------
    >>> default_rounds(2, 3000), default_rounds(10, 3000), default_rounds(26, 3000)
    (3000, 666, 240)
    """
    return most if outputs <= 2 else int(min(most, max(200, 2 * most / (outputs - 1))))


def kept_rounds(best: float, rows: int, most: float) -> float:
    """Rounds that a booster is likely to keep: few on small tables, which it overfits early.

    Measured on six tables of 900 to 38,000 rows: it is half to twice as many in most cases.

    Parameters
    ----------
    best : float
        Best iteration that the learning rate lets expect.
    rows : int
        Training rows.
    most : float
        Rounds at most.

    Examples
    --------
    >>> kept_rounds(120, 1_000, 300), round(kept_rounds(120, 20_000, 300))
    (48.0, 110)
    """
    return float(min(most, 0.4 * best * max(1.0, rows / 5_000) ** 0.6))


def column_shares(columns: int, least: float) -> tuple[float, float]:
    """The range of shares of columns that a tree may be grown from: 1 at most, less on wide tables.

    Examples
    --------
    >>> column_shares(50, 0.5), column_shares(10_000, 0.5)
    ((0.5, 1.0), (0.025, 0.05))
    """
    most = min(1.0, 500 / max(1, columns))
    return (least * most, most)


@dataclass
class RoundWatch:
    """Keeps the best iteration, and says when to stop: rounds, patience or deadline.

    Parameters
    ----------
    rows : int
        Training rows, which set the patience.
    rounds : int
        Iterations at most.
    deadline : Deadline
        When the model must exist.
    patience : int or None
        Rounds without improvement, instead of the rule by rows.

    Attributes
    ----------
    best : int
        Iterations of the best model so far; 0 before the first.
    bests : list of int
        Iterations at which each half of the validation rows erred least, where halves are told.
    first_seconds : float
        What the first iteration took, preparations included.
    reason : str
        Why it stopped: ``"rounds"``, ``"no improvement"``, ``"no more splits"`` or ``"deadline"``.
    """

    rows: int
    rounds: int
    deadline: Deadline
    patience: int | None = None
    best: int = 0
    best_error: float = float("inf")
    done: int = 0
    reason: str = "rounds"
    first_seconds: float = 0.0
    bests: list[int] = field(default_factory=lambda: [0, 0])
    _best_errors: list[float] = field(default_factory=lambda: [float("inf")] * 2)
    _recent: float = 0.0
    _last: float = field(default_factory=time.monotonic)
    _first_end: float = 0.0
    _first_done: int = 0

    @property
    def round_seconds(self) -> float:
        """Mean seconds of an iteration after the first, which often pays for preparations; 0 if unknown."""
        later = self.done - self._first_done
        return (self._last - self._first_end) / later if self._first_done and later > 0 else 0.0

    @property
    def by_deadline(self) -> bool:
        """Whether the deadline ended the fit."""
        return self.reason == "deadline"

    def tell(self, done: int, error: float | None, halves: Sequence[float] = ()) -> bool:
        """Record an iteration; whether to go on.

        Parameters
        ----------
        done : int
            Iterations that the model holds now.
        error : float or None
            Validation error, lower is better; None when there are no validation rows.
        halves : sequence of two float
            The errors of each half of the rows (see `halves`); empty where nobody asks for them.
        """
        self.done = done
        for half, own in enumerate(halves):
            if own < self._best_errors[half] - 1e-9 * abs(self._best_errors[half]) or not self.bests[half]:
                self.bests[half], self._best_errors[half] = done, own
        if error is None:
            self.best = done
        # sums over threads differ in the last bits: those must not decide which iteration is best
        elif error < self.best_error - 1e-9 * abs(self.best_error) or not self.best:
            self.best, self.best_error = done, error
        elif done - self.best >= (self.patience or patience(self.rows, self.best)):
            self.reason = "no improvement"
            return False
        late = self._late()
        if done >= self.rounds:
            return False
        if late:
            self.reason = "deadline"
        return not late

    def _late(self) -> bool:
        """Whether another iteration would end after the deadline; looked at once an iteration."""
        now = time.monotonic()
        took, self._last = now - self._last, now
        if not self._first_done:
            # most of a first iteration is preparation: it says little about the second
            self._first_end, self._first_done = now, max(1, self.done)
            self.first_seconds, self._recent = took, 0.3 * took
        else:
            # the mean of the recent ones: one slow iteration on a busy machine must not end the fit
            self._recent = 0.7 * self._recent + 0.3 * took
        return self.deadline.at is not None and now + 1.3 * self._recent + _MARGIN >= self.deadline.at
