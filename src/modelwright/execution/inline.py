"""The executor that does everything in this process: for tests, for debugging, for tiny jobs."""

from __future__ import annotations

import os
from collections import deque
from types import TracebackType
from typing import Any

from modelwright.core.errors import ModelwrightError, OptionError, UnknownName
from modelwright.core.fitting import Deadline
from modelwright.core.tasks import Outcome, TaskReport, TaskSpec
from modelwright.execution.entries import Ending, WorkerContext, call_entry, check_spec, json_parameters
from modelwright.execution.memory import pss_bytes

__all__ = ["InlineExecutor", "echo"]


def echo(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """An entry function that returns its parameters: the smallest task there is.

    Examples
    --------
    >>> echo({"fold": 3}, WorkerContext())
    {'fold': 3}
    """
    return parameters


class InlineExecutor:
    """Does one task at a time in the calling process, inside `wait`.

    It has the contract of `LocalExecutor` without its protection: a crash takes the driver along, a task
    that overruns its deadline is not stopped, and memory is measured but not limited.

    Parameters
    ----------
    threads_per_slot : int
        Threads that tasks are told to use.
    memory_bytes : int or None
        What tasks are told as their limit.

    Examples
    --------
    >>> with InlineExecutor() as executor:
    ...     executor.submit(TaskSpec("1", "modelwright.execution.inline:echo", {"fold": 3}))
    ...     [report] = executor.wait()
    >>> report.result
    {'fold': 3}
    """

    def __init__(self, *, memory_bytes: int | None = None, threads_per_slot: int = 1) -> None:
        self._memory_bytes = memory_bytes
        self._threads = threads_per_slot
        self._cache: dict[str, Any] = {}
        self._ids: set[str] = set()
        self._queue: deque[TaskSpec] = deque()
        self._ended: list[TaskReport] = []
        self._peak = pss_bytes(os.getpid())
        self._closed = False

    def __enter__(self) -> InlineExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def capacity(self) -> int:
        """Always 1."""
        return 1

    @property
    def idle(self) -> int:
        """1 when nothing is queued."""
        return 0 if self._queue else 1

    @property
    def peak_memory_bytes(self) -> int:
        """Highest PSS of this process, measured after each task."""
        return self._peak

    @property
    def cpu_seconds(self) -> float:
        """Always 0: there is no other process."""
        return 0.0

    def submit(self, spec: TaskSpec) -> None:
        """Queue a task.

        Raises
        ------
        OptionError
            As `LocalExecutor.submit`.
        ModelwrightError
            If the executor is closed.
        """
        if self._closed:
            raise ModelwrightError("This executor is closed; make a new one to submit tasks.")
        if spec.id in self._ids:
            raise OptionError(f"Each task needs an id of its own, but {spec.id!r} was submitted before.")
        check_spec(spec)
        json_parameters(spec)
        self._ids.add(spec.id)
        self._queue.append(spec)

    def wait(self, timeout: float | None = None) -> list[TaskReport]:
        """Do the next task and return its report, with those of cancelled tasks.

        Parameters
        ----------
        timeout : float or None
            Not kept: a task that has begun runs to its end.
        """
        if self._queue and not self._ended:
            # It leaves the queue only when it has ended: Ctrl-C in between loses nothing.
            self._ended.append(self._do(self._queue[0]))
            self._queue.popleft()
        reports, self._ended = self._ended, []
        return reports

    def cancel(self, task_id: str) -> None:
        """Take a task out of the queue; it is reported as CANCELLED.

        Raises
        ------
        UnknownName
            If no task of this id was ever submitted.
        """
        if task_id not in self._ids:
            raise UnknownName(f"There is no task {task_id!r} in this executor.")
        for spec in [spec for spec in self._queue if spec.id == task_id]:
            self._queue.remove(spec)
            self._ended.append(TaskReport(spec, Outcome.CANCELLED, error="Cancelled while queued."))

    def close(self) -> None:
        """Report what is queued as CANCELLED and take no more tasks."""
        self._closed = True
        self._ended += [
            TaskReport(spec, Outcome.CANCELLED, error="The executor was closed.") for spec in self._queue
        ]
        self._queue.clear()
        self._cache.clear()

    def _do(self, spec: TaskSpec) -> TaskReport:
        context = WorkerContext(
            deadline=Deadline.after(spec.seconds),
            threads=self._threads,
            memory_bytes=self._memory_bytes,
            cache=self._cache,
            attempt=spec.attempt,
        )
        try:
            ending = call_entry(spec.entry, json_parameters(spec), context)
        except SystemExit as leaving:
            ending = Ending(Outcome.WORKER_LOST, error=f"The task called sys.exit({leaving.code!r}).")
        now = pss_bytes(os.getpid())
        self._peak = max(self._peak, now)
        return TaskReport(
            spec,
            ending.outcome,
            result=ending.result,
            error=ending.error,
            detail=ending.detail,
            wall_seconds=ending.wall_seconds,
            cpu_seconds=ending.cpu_seconds,
            peak_bytes=now,
        )
