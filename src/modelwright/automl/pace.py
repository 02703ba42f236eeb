"""How slowly the machine lets a run's processes work, because others use it, too."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from modelwright.core import TaskReport

__all__ = ["Pace"]

_REMEMBERED = 8
_SHORTEST = 0.2
"""Processor seconds below which a task tells nothing about the machine."""

_ALONE = 1.15
"""Wall seconds for each processor second of a worker, where nobody else uses the machine."""

_SLOWEST = 3.0


@dataclass
class Pace:
    """Wall time against processor time of a run's latest tasks.

    What is kept back for the end of a run was measured on a machine of its own; where each processor second
    takes two of wall time, the end takes twice as long.

    Examples
    --------
    >>> from modelwright.core import Outcome, TaskSpec
    >>> pace = Pace()
    >>> pace.factor
    1.0
    >>> pace.add(TaskReport(TaskSpec("1", "m:f", {}), Outcome.DONE, wall_seconds=4.6, cpu_seconds=2.0))
    >>> pace.factor
    2.0
    """

    ratios: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def add(self, report: TaskReport) -> None:
        """Learn from a task that ended, however it ended."""
        if report.cpu_seconds >= _SHORTEST:
            self.ratios.append(report.wall_seconds / report.cpu_seconds)

    @property
    def factor(self) -> float:
        """By how much the end of the run will take longer: 1 to 3. Tasks of several threads tell less."""
        return min(_SLOWEST, max(1.0, median(self.ratios) / _ALONE)) if self.ratios else 1.0
