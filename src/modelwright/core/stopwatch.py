"""Where processor time goes, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stopwatch"]


class Stopwatch:
    """Counts the processor seconds of this process, all its threads together, by stage.

    Stages may lie within stages: time counts for the innermost one alone, so that the stages add up to the
    whole. For one thread; reading the clock takes less than a microsecond.

    Attributes
    ----------
    seconds : dict of str to float
        Of each stage that has ended or was interrupted by another.

    Examples
    --------
    >>> clock = Stopwatch()
    >>> with clock("training"):
    ...     with clock("binning"):
    ...         pass
    >>> sorted(clock.seconds)
    ['binning', 'training']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage: str | None = None
        self._since = 0.0

    def enter(self, stage: str | None) -> None:
        """The running stage ends here and another begins; None: no stage, until the next one is entered."""
        now = time.process_time()
        if self._stage is not None:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """What is done inside counts for a stage; the stage around it goes on afterwards."""
        around = self._stage
        self.enter(stage)
        try:
            yield
        finally:
            self.enter(around)
