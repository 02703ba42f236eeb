"""What the ensemble gained, and when: by which trial, and for how long not at all any more."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.search.trials import Trial

__all__ = ["Gains"]

_WORTH = 0.001
"""A smaller share of the error is no gain."""

_PATIENCE_SHARE = 0.25
_PATIENCE_SECONDS = 5.0
_PATIENCE_TRIALS = 8


class Gains:
    """The error of the best ensemble on the first fold, as trials join.

    Examples
    --------
    >>> gains, first, second = Gains(), *(Trial(n, "ridge", "ridge", {}, "bayesian") for n in (1, 2))
    >>> gains.note([first], 2.0, at=1.0)
    >>> gains.note([first, second], 1.5, at=2.0)
    >>> second.gain, gains.is_flat(now=30.0)
    (0.25, False)
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._error = float("inf")
        self._last_gain = 0.0
        self._since = 0

    def note(self, trials: Sequence[Trial], error: float, at: float) -> None:
        """Tell of the ensemble's error over all trials that have finished the first fold.

        Parameters
        ----------
        trials : sequence of Trial
            Those that have; new ones share the gain.
        error : float
        at : float
            Seconds since the run began.
        """
        new = [trial for trial in trials if trial.number not in self._seen]
        if not new:
            return
        self._seen |= {trial.number for trial in new}
        self._since += len(new)
        if not error < self._error:
            return
        known = 0 < self._error < float("inf")
        gain = (self._error - error) / self._error if known else 0.0
        self._error = error
        if known and gain < _WORTH:
            return
        self._last_gain, self._since = at, 0
        for trial in new:
            trial.gain = gain / len(new)

    def is_flat(self, now: float) -> bool:
        """Whether the last trials, over a good part of the time so far, brought no gain.

        Eight trials, five seconds and a quarter of the time must have passed without one.
        """
        waited = now - self._last_gain
        return self._since >= _PATIENCE_TRIALS and waited > max(_PATIENCE_SECONDS, _PATIENCE_SHARE * now)
