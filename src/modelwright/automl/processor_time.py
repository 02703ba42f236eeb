"""Where the processor seconds of a run went: by stage of the run, and of the fits in its workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.automl.pace import Pace
from modelwright.core import Executor, Outcome, Stopwatch, TaskReport

__all__ = ["LOST", "REST", "SUPERVISING", "TRAINING", "WorkerTime", "processor_seconds"]

SUPERVISING = "supervising workers"
TRAINING = "training"
LOST = "fits that came to nothing"
REST = "starting and tidying"


@dataclass
class WorkerTime:
    """Sums up what tasks took.

    Attributes
    ----------
    stages : dict of str to float
        Processor seconds.
    pace : Pace
        What these seconds were in wall time.
    """

    stages: dict[str, float] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)

    def add(self, report: TaskReport) -> None:
        """Count a task by what it told of its stages; what it did not tell of is ``"training"``.

        Examples
        --------
        >>> from modelwright.core import TaskSpec
        >>> spec = TaskSpec("1", "m:f", {})
        >>> time = WorkerTime()
        >>> time.add(TaskReport(spec, Outcome.DONE, {"cpu_seconds": {"binning": 1.0}}, cpu_seconds=3.0))
        >>> time.add(TaskReport(spec, Outcome.FAILED, cpu_seconds=0.5))
        >>> time.stages
        {'binning': 1.0, 'other': 2.0, 'fits that came to nothing': 0.5}
        """
        self.pace.add(report)
        told: Mapping[str, float] = (report.result or {}).get("cpu_seconds", {})
        for stage, seconds in told.items():
            self._count(stage, seconds)
        rest = report.cpu_seconds - sum(told.values())
        self._count("other" if report.outcome is Outcome.DONE else LOST, max(0.0, rest))

    def _count(self, stage: str, seconds: float) -> None:
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds


def processor_seconds(clock: Stopwatch, workers: WorkerTime, executor: Executor) -> dict[str, Any]:
    """What stands in a run's record.

    Parameters
    ----------
    clock : Stopwatch
        The driver's.
    workers : WorkerTime
        What reports told.
    executor : Executor
        Closed. Its processes took more than their tasks: they started, loaded libraries, and some were ended
        in the middle of a task.

    Returns
    -------
    dict
        ``driver`` and ``workers``, each a mapping of stages to seconds, the largest first; ``total``; and
        ``training``, the share of the total that fits took apart from preparing, binning and the like.
    """
    clock.enter(None)
    driver, stages = dict(clock.seconds), dict(workers.stages)
    tasks = sum(stages.values())
    if executor.cpu_seconds:
        stages[REST] = max(0.0, executor.cpu_seconds - tasks)
    else:  # this process did the tasks itself, while it waited for them
        driver[SUPERVISING] = max(0.0, driver.get(SUPERVISING, 0.0) - tasks)
    total = sum(driver.values()) + sum(stages.values())
    return {
        "total": round(total, 3),
        "training": round(stages.get(TRAINING, 0.0) / total, 4) if total else 0.0,
        "driver": _rounded(driver),
        "workers": _rounded(stages),
    }


def _rounded(stages: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(stages[stage], 3) for stage in sorted(stages, key=lambda each: -stages[each])}
