"""The contract between the driver of a run and whatever executes its work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["Executor", "Outcome", "TaskReport", "TaskSpec"]


class Outcome(StrEnum):
    """How a task ended."""

    DONE = "done"
    FAILED = "failed"
    OOM = "oom"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class TaskSpec:
    """One piece of work, described by data alone so that any process or machine can do it.

    Attributes
    ----------
    id : str
        Unique in the executor.
    entry : str
        Importable function, ``"module:function"``; called as ``function(parameters, context)``.
    parameters : mapping
        JSON-able; large data is referred to by path.
    seconds : float or None
        The task should stop by itself this many seconds after it starts.
    grace : float
        Seconds after that when the worker is killed and the outcome is TIMEOUT.
    attempt : int
        0 for the first try.
    """

    id: str
    entry: str
    parameters: Mapping[str, Any]
    seconds: float | None = None
    grace: float = 2.0
    attempt: int = 0


@dataclass(frozen=True)
class TaskReport:
    """How a task ended, and what it returned.

    Attributes
    ----------
    result : mapping or None
        The function's return value (JSON-able) when the outcome is DONE.
    error : str
        One sentence for people when it is not.
    detail : str
        The traceback, for the log.
    wall_seconds, cpu_seconds : float
        What the task took.
    peak_bytes : int
        Highest memory of the worker that was seen while it ran.
    """

    spec: TaskSpec
    outcome: Outcome
    result: Mapping[str, Any] | None = None
    error: str = ""
    detail: str = ""
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


class Executor(Protocol):
    """Does tasks in other processes. One driver uses it, from one thread.

    Every submitted task is reported exactly once by `wait`, whatever happens to its worker.
    """

    @property
    def capacity(self) -> int:
        """Tasks that can run at the same time."""
        ...

    @property
    def idle(self) -> int:
        """Slots that have nothing to do: how many tasks can be submitted without queueing."""
        ...

    @property
    def peak_memory_bytes(self) -> int:
        """Highest summed memory of the process tree (driver included) seen so far."""
        ...

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds of the processes that did the tasks, those that have ended; 0 without any."""
        ...

    def submit(self, spec: TaskSpec) -> None:
        """Start a task, or queue it if no slot is free."""
        ...

    def wait(self, timeout: float | None = None) -> Sequence[TaskReport]:
        """Reports of the tasks that ended, after at most ``timeout`` seconds (possibly none)."""
        ...

    def cancel(self, task_id: str) -> None:
        """End a task; it is reported as CANCELLED (unless it ended by itself before)."""
        ...

    def close(self) -> None:
        """End every worker; nothing is left behind."""
        ...
