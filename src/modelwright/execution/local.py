"""The local executor: one supervised, long-lived worker process per slot."""

from __future__ import annotations

import os
import selectors
import signal
import time
import weakref
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from modelwright.core.errors import ModelwrightError, OptionError, UnknownName
from modelwright.core.tasks import Outcome, TaskReport, TaskSpec
from modelwright.execution.entries import check_spec, is_allocation_failure, json_parameters
from modelwright.execution.process import Assignment, WorkerProcess, WorkerSettings
from modelwright.execution.supervisor import Supervisor

__all__ = ["LocalExecutor"]

_START_SECONDS = 60.0
"""A worker that has not begun its task after this long is counted as one that cannot start."""

_START_ATTEMPTS = 3

_KILLED_START_ATTEMPTS = 20
"""More patience with starts that were killed from outside: nothing is wrong with the worker itself, but
a machine that is out of memory kills each one."""

_CLOSE_GRACE_SECONDS = 0.5

_POLL_SECONDS = 0.25
"""How often deaths are looked for where the kernel has no process handles."""


class LocalExecutor:
    """Does tasks in worker processes of this machine, and survives whatever happens to them.

    Parameters
    ----------
    slots : int
        Tasks at the same time: one worker process each.
    memory_bytes : int or None
        Ceiling of the driver and its workers together. When it is exceeded the biggest busy worker is
        ended and its task reported as OOM.
    threads_per_slot : int
        Threads of each worker.
    preload : iterable of str
        Modules that each worker imports while it has nothing to do, so that its first task starts
        quickly. One that cannot be imported is passed over.
    environment : mapping, optional
        Variables of the workers, on top of the driver's and of those that the executor sets.
    directory : str or Path, optional
        Working directory of the workers (where libraries drop their files). Default: the driver's.
    idle_growth_bytes : int, optional
        A worker whose private memory has grown by more than this since it was loaded is replaced
        between tasks. Default: a third of a slot's share of the memory, at least 200 MB; 1 GB without
        a ceiling.

    Raises
    ------
    OptionError
        If an argument makes no sense.
    ModelwrightError
        If no process can be started.

    Examples
    --------
    >>> with LocalExecutor(1, memory_bytes=None) as executor:
    ...     executor.submit(TaskSpec("1", "modelwright.execution.inline:echo", {"fold": 3}))
    ...     [report] = executor.wait(timeout=30)
    >>> report.outcome, report.result
    (<Outcome.DONE: 'done'>, {'fold': 3})
    """

    def __init__(
        self,
        slots: int = 1,
        *,
        memory_bytes: int | None = None,
        threads_per_slot: int = 1,
        preload: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
        directory: str | Path | None = None,
        idle_growth_bytes: int | None = None,
    ) -> None:
        _check_count("slots", slots)
        _check_count("threads_per_slot", threads_per_slot)
        self._slots = slots
        self._settings = WorkerSettings(
            threads_per_slot,
            tuple(preload),
            dict(environment or {}),
            None if directory is None else str(directory),
        )
        self._supervisor = Supervisor(memory_bytes)
        self._idle_growth = idle_growth_bytes or _default_growth(self._supervisor.share(slots))
        self._specs: dict[str, TaskSpec] = {}
        self._pending: set[str] = set()
        self._queue: deque[str] = deque()
        self._ended: dict[str, TaskReport] = {}
        self._failed_starts = 0
        self._killed_starts = 0
        self._broken: ModelwrightError | None = None
        self._closed = False
        self._children_before = _children_seconds()
        self._selector = selectors.DefaultSelector()
        # Also runs at interpreter exit, and must not hold the executor.
        self._finalizer = weakref.finalize(self, _end_all, self._supervisor, os.getpid())
        self._supervisor.start()
        self._fill_slots()

    def __enter__(self) -> LocalExecutor:
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
        """Tasks that can run at the same time."""
        return self._slots

    @property
    def idle(self) -> int:
        """How many tasks can be submitted without queueing."""
        return max(0, self._slots - len(self._pending))

    @property
    def peak_memory_bytes(self) -> int:
        """Highest summed PSS of the driver and its workers seen so far."""
        return self._supervisor.peak_bytes

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds of the workers that have ended (of all child processes since this was made)."""
        return _children_seconds() - self._children_before

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers, in the order of their start."""
        with self._supervisor.lock:
            return tuple(worker.pid for worker in self._supervisor.workers)

    def submit(self, spec: TaskSpec) -> None:
        """Start a task, or queue it if no slot is free.

        Raises
        ------
        OptionError
            If the id was used before, the entry is not like ``"module:function"`` or the parameters
            are not JSON-able.
        ModelwrightError
            If the executor is closed, or its workers cannot be started.
        """
        if self._closed:
            raise ModelwrightError("This executor is closed; make a new one to submit tasks.")
        self._refuse_if_broken()
        if spec.id in self._specs:
            raise OptionError(
                f"Each task needs an id of its own, but {spec.id!r} was submitted before. "
                f"Put the attempt into the id of a repeated task."
            )
        check_spec(spec)
        json_parameters(spec)
        self._specs[spec.id] = spec
        self._pending.add(spec.id)
        self._queue.append(spec.id)
        self._dispatch()

    def wait(self, timeout: float | None = None) -> list[TaskReport]:
        """Reports of the tasks that ended, as soon as there are any.

        Parameters
        ----------
        timeout : float or None
            Seconds to wait at most; ``0`` only looks, ``None`` waits as long as it takes. When no task
            is pending it returns at once.

        Returns
        -------
        list of TaskReport
            Each task's report is returned once.

        Raises
        ------
        ModelwrightError
            If workers cannot be started: three in a row crashed (or twenty were killed) at the start.
        """
        self._refuse_if_broken()
        until = float("inf") if timeout is None else time.monotonic() + timeout
        first = True
        while not self._closed and (first or not self._ended):
            self._refuse_if_broken()
            remaining = until - time.monotonic()
            if not self._pending or (remaining <= 0 and not first):
                break
            self._turn(0.0 if first else remaining)
            first = False
        reports = list(self._ended.values())
        self._ended = {}
        return reports

    def cancel(self, task_id: str) -> None:
        """End a task; it is reported as CANCELLED, unless it ended by itself before.

        Raises
        ------
        UnknownName
            If no task of this id was ever submitted.
        """
        if task_id not in self._specs:
            raise UnknownName(f"There is no task {task_id!r} in this executor.")
        if task_id in self._queue:
            self._queue.remove(task_id)
            self._finish(TaskReport(self._specs[task_id], Outcome.CANCELLED, error="Cancelled while queued."))
            return
        with self._supervisor.lock:
            for worker in self._supervisor.workers:
                assignment = worker.assignment
                if assignment is not None and assignment.spec.id == task_id and assignment.verdict is None:
                    assignment.verdict = Outcome.CANCELLED
                    assignment.reason = "Cancelled while running."
                    worker.kill()

    def resize(self, slots: int) -> None:
        """Change the number of slots; workers that are too many end, busy ones after their task.

        Raises
        ------
        OptionError
            If it is not 1 or more.
        """
        _check_count("slots", slots)
        self._slots = slots
        with self._supervisor.lock:
            staying = [worker for worker in self._supervisor.workers if not worker.retiring]
            staying.sort(key=lambda worker: (worker.assignment is None, worker.started_at))
            for worker in staying[slots:]:
                worker.retiring = True
                if worker.assignment is None:
                    worker.kill()
        self._fill_slots()
        self._dispatch()

    def close(self) -> None:
        """End every worker at once; tasks that had not ended are reported as CANCELLED."""
        if self._closed:
            return
        self._closed = True
        self._finalizer()
        self._selector.close()
        self._queue.clear()
        for task_id in sorted(self._pending):
            self._finish(
                TaskReport(self._specs[task_id], Outcome.CANCELLED, error="The executor was closed.")
            )

    # -- one turn of the loop ---------------------------------------------------------------------

    def _turn(self, seconds: float) -> None:
        """Wait for news from any worker for at most so long, and act on all of it."""
        for worker in self._live_events(self._patience(seconds)):
            dead = not worker.alive  # asked first: what a dead worker said is all there to be read
            worker.channel.read()
            while worker.channel.inbox:
                self._hear(worker, worker.channel.inbox[0])
                worker.channel.inbox.popleft()
            if dead or worker.channel.ended:
                self._bury(worker)
        self._enforce_deadlines()
        self._fill_slots()
        self._dispatch()

    def _patience(self, seconds: float) -> float | None:
        with self._supervisor.lock:
            workers = list(self._supervisor.workers)
        moments = [self._kill_moment(worker) - time.monotonic() for worker in workers]
        seconds = min([seconds, *moments])
        if any(worker.handle is None for worker in workers):
            seconds = min(seconds, _POLL_SECONDS)
        return None if seconds == float("inf") else max(0.0, seconds)

    def _live_events(self, seconds: float | None) -> list[WorkerProcess]:
        with self._supervisor.lock:
            for worker in self._supervisor.workers:
                wanted = selectors.EVENT_READ | (0 if worker.channel.flush() else selectors.EVENT_WRITE)
                self._selector.modify(worker.channel, wanted, worker)
        chosen = [key.data for key, _ in self._selector.select(seconds)]
        with self._supervisor.lock:
            unhandled = [worker for worker in self._supervisor.workers if worker.handle is None]
            chosen += [worker for worker in unhandled if not worker.alive]
        return list(dict.fromkeys(chosen))

    def _hear(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        kind, assignment = message["kind"], worker.assignment
        if kind == "ready":
            worker.ready = True
            self._failed_starts = self._killed_starts = 0
        elif kind == "idle":
            worker.loaded = True
            worker.idle_baseline = message["bytes"]
        elif kind == "started" and assignment is not None:
            assignment.begun = True
            if assignment.spec.seconds is not None:
                assignment.kill_at = message["at"] + assignment.spec.seconds + assignment.spec.grace
        elif kind == "ended" and assignment is not None:
            self._settle(worker, assignment, message)

    def _settle(self, worker: WorkerProcess, assignment: Assignment, message: dict[str, Any]) -> None:
        """A task ended by itself."""
        with self._supervisor.lock:
            worker.assignment = None
        self._finish(
            TaskReport(
                assignment.spec,
                Outcome(message["outcome"]),
                result=message["result"],
                error=message["error"],
                detail=message["detail"],
                wall_seconds=message["wall_seconds"],
                cpu_seconds=message["cpu_seconds"],
                peak_bytes=max(assignment.peak_bytes, message["bytes"]),
            )
        )
        if worker.idle_baseline is None:
            worker.idle_baseline = message["bytes"]
        grown = message["bytes"] - worker.idle_baseline > self._idle_growth
        if worker.retiring or (grown and not worker.doomed):
            worker.kill()

    def _bury(self, worker: WorkerProcess) -> None:
        """A worker has ended: report its task, free what belongs to it."""
        self._selector.unregister(worker.channel)
        if worker.handle is not None:
            self._selector.unregister(worker.handle)
        with self._supervisor.lock:
            self._supervisor.workers.remove(worker)
            code = worker.reap(grace=0.2)
            assignment, worker.assignment = worker.assignment, None
        begun = assignment is not None and assignment.begun
        if worker.start_failed or not (worker.ready or worker.doomed):
            self._count_failed_start(worker, code)
        elif not (worker.loaded or worker.doomed or begun):
            # It ended while it loaded modules ahead. The next ones leave that to the tasks.
            self._settings = replace(self._settings, preload=())
        if assignment is None:
            return
        if assignment.verdict is None and not assignment.begun:
            self._queue.appendleft(assignment.spec.id)  # the worker never saw it
        else:
            self._finish(_loss(worker, assignment, code))

    def _count_failed_start(self, worker: WorkerProcess, code: int) -> None:
        if code in (-signal.SIGKILL, -signal.SIGTERM) and not worker.start_failed:
            self._killed_starts += 1
        else:
            self._failed_starts += 1
        if self._failed_starts >= _START_ATTEMPTS or self._killed_starts >= _KILLED_START_ATTEMPTS:
            self._broken = ModelwrightError(
                f"Worker processes cannot be started: {self._failed_starts + self._killed_starts} ended "
                f"({_ending_of(code)}) before they could do anything. Their last lines:\n"
                f"{worker.last_lines() or '(none)'}"
            )

    def _enforce_deadlines(self) -> None:
        with self._supervisor.lock:
            for worker in self._supervisor.workers:
                assignment = worker.assignment
                if worker.doomed or self._kill_moment(worker) > time.monotonic():
                    continue
                if assignment is not None and assignment.begun:
                    assignment.verdict = Outcome.TIMEOUT
                    assignment.reason = (
                        f"The task had not ended {assignment.spec.grace:g} s after its "
                        f"{assignment.spec.seconds:g} s, so its worker was ended."
                    )
                worker.start_failed = assignment is None or not assignment.begun
                worker.kill()

    @staticmethod
    def _kill_moment(worker: WorkerProcess) -> float:
        assignment = worker.assignment
        if worker.doomed or worker.channel.receiving:
            return float("inf")  # a result that is on its way counts as in time
        if assignment is not None and assignment.begun:
            return assignment.kill_at
        if not worker.ready:
            return worker.started_at + _START_SECONDS
        return float("inf") if assignment is None else assignment.assigned_at + _START_SECONDS

    # -- slots and queue --------------------------------------------------------------------------

    def _fill_slots(self) -> None:
        while not self._broken and not self._closed:
            with self._supervisor.lock:
                if sum(not worker.retiring for worker in self._supervisor.workers) >= self._slots:
                    return
                worker = WorkerProcess(self._settings)
                self._supervisor.workers.append(worker)
            self._selector.register(worker.channel, selectors.EVENT_READ, worker)
            if worker.handle is not None:
                self._selector.register(worker.handle, selectors.EVENT_READ, worker)

    def _dispatch(self) -> None:
        with self._supervisor.lock:
            free = [
                worker
                for worker in self._supervisor.workers
                if worker.assignment is None and not worker.doomed and not worker.retiring
            ]
            # Workers that still start take tasks too (the line holds them), after those that are ready.
            for worker in sorted(free, key=lambda worker: not worker.ready):
                if not self._queue:
                    return
                spec = self._specs[self._queue[0]]
                worker.assignment = Assignment(spec)
                if worker.ready:  # what one that still starts has printed tells why it does not
                    worker.forget_output()
                self._queue.popleft()
                worker.channel.post(
                    {
                        "kind": "task",
                        "entry": spec.entry,
                        "parameters": dict(spec.parameters),
                        "seconds": spec.seconds,
                        "attempt": spec.attempt,
                        "memory_bytes": self._supervisor.share(self._slots),
                        "data_growth": self._supervisor.data_growth(),
                    }
                )

    def _finish(self, report: TaskReport) -> None:
        if report.spec.id in self._pending:
            self._ended[report.spec.id] = report
            self._pending.discard(report.spec.id)

    def _refuse_if_broken(self) -> None:
        if self._broken is not None:
            self.close()
            raise self._broken


def _check_count(name: str, count: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise OptionError(f"{name} must be a whole number of 1 or more, but came as {count!r}.")


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _default_growth(share: int | None) -> int:
    return 2**30 if share is None else max(200 * 2**20, share // 3)


def _ending_of(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _loss(worker: WorkerProcess, assignment: Assignment, code: int) -> TaskReport:
    """The report of a task whose worker ended before it did."""
    outcome, reason, lines = assignment.verdict, assignment.reason, worker.last_lines()
    if outcome is None and is_allocation_failure(lines):
        # Some native libraries end the process when they get no memory.
        outcome, reason = Outcome.OOM, f"The worker could not get memory and ended ({_ending_of(code)})."
    elif outcome is None:
        outcome, reason = Outcome.WORKER_LOST, f"The worker ended during the task ({_ending_of(code)})."
    return TaskReport(
        assignment.spec,
        outcome,
        error=reason,
        detail=lines,
        wall_seconds=time.monotonic() - assignment.assigned_at,
        peak_bytes=assignment.peak_bytes,
    )


def _end_all(supervisor: Supervisor, owner: int) -> None:
    """End every worker; called once, by `close`, by garbage collection or at interpreter exit."""
    if os.getpid() != owner:
        return  # a process that the driver forked: the workers are not its own
    supervisor.stop()
    workers, supervisor.workers = supervisor.workers, []
    for worker in workers:
        if worker.ready and worker.assignment is None:
            worker.hang_up()
        else:
            worker.kill()
    until = time.monotonic() + _CLOSE_GRACE_SECONDS
    for worker in workers:
        worker.reap(max(0.01, until - time.monotonic()))
