"""The thread in the driver that keeps an eye on the workers: their memory and what they print."""

from __future__ import annotations

import os
import select
import threading
import time

from modelwright.core.budget import format_bytes
from modelwright.core.tasks import Outcome
from modelwright.execution.memory import MemoryGauge
from modelwright.execution.process import WorkerProcess

__all__ = ["Supervisor"]

_SECONDS_BETWEEN_SAMPLES = 0.1

_SECONDS_BETWEEN_SAMPLES_NEAR_LIMIT = 0.04

_EXACT_EVERY_SECONDS, _EXACT_EVERY_SECONDS_NEAR_LIMIT = 4.0, 1.0
"""An exact figure costs each process 3 to 10 ms: once a second for three of them was 2% of a processor."""

_NEAR_LIMIT = 0.6
"""Share of the ceiling above which memory is looked at more often."""

_CACHE_WORTH_FREEING = 64 * 2**20

_SMALLEST_SHARE = 64 * 2**20

_DATA_SLACK = 3 * 2**29
"""Bytes a worker may map beyond the memory that is free. Mapped is not used: CatBoost's allocator maps
1.0 GB for a fit that uses 20 MB (measured, catboost 1.2.10), and each thread maps its stack."""


class Supervisor:
    """Samples the memory of the driver and its workers, and ends a worker when they exceed the ceiling.

    The kill cannot wait for the driver, which may be computing, hence a thread. It samples ten times a
    second, which costs well under 1% of a processor as long as the memory does not rise (see `memory`).

    Parameters
    ----------
    memory_bytes : int or None
        Ceiling of the driver and its workers together; ``None`` only measures.

    Attributes
    ----------
    workers : list of WorkerProcess
        Those that have not been reaped. Change it, and any `Assignment`, while holding ``lock`` only.
    peak_bytes, driver_bytes, total_bytes : int
        Highest total so far, and the latest figures.
    """

    def __init__(self, memory_bytes: int | None) -> None:
        self.lock = threading.RLock()
        self.workers: list[WorkerProcess] = []
        self._memory_bytes = memory_bytes
        self._driver = MemoryGauge(os.getpid())
        self.driver_bytes = self.total_bytes = self.peak_bytes = self._driver.measure()
        self._stopping = False
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, name="modelwright-supervisor", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns when the thread has ended."""
        self._stopping = True
        os.close(self._waker)
        # Garbage collection may call this on the very thread.
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        os.close(self._wake)

    def share(self, slots: int) -> int | None:
        """Bytes that each of so many workers should stay below, or None without a ceiling."""
        if self._memory_bytes is None:
            return None
        return max(_SMALLEST_SHARE, (self._memory_bytes - self.driver_bytes) // slots)

    def data_growth(self) -> int | None:
        """Bytes of private memory that a worker may map for its next task, or None without a ceiling."""
        if self._memory_bytes is None:
            return None
        return max(0, self._memory_bytes - self.total_bytes) + _DATA_SLACK

    def sample(self) -> None:
        """Measure once, and act on it."""
        with self.lock:
            total = self._measure(exactly=False)
            # An estimate that would be news is made exact first, in steps that bound the cost.
            if total > self.peak_bytes * 1.01 or self._exceeded(total):
                total = self._measure(exactly=True)
            self.total_bytes = total
            self.peak_bytes = max(self.peak_bytes, total)
            if self._exceeded(total):
                self._relieve(total)

    def _measure(self, exactly: bool) -> int:
        every = _EXACT_EVERY_SECONDS_NEAR_LIMIT if self._is_near_limit else _EXACT_EVERY_SECONDS
        self.driver_bytes = self._driver.measure() if exactly else self._driver.estimate(every)
        for worker in self.workers:
            worker.memory_bytes = worker.gauge.measure() if exactly else worker.gauge.estimate(every)
            if worker.assignment is not None:
                worker.assignment.peak_bytes = max(worker.assignment.peak_bytes, worker.memory_bytes)
        return self.driver_bytes + sum(worker.memory_bytes for worker in self.workers)

    @property
    def _is_near_limit(self) -> bool:
        return self._memory_bytes is not None and self.total_bytes > _NEAR_LIMIT * self._memory_bytes

    def _exceeded(self, total: int) -> bool:
        return self._memory_bytes is not None and total > self._memory_bytes

    def _relieve(self, total: int) -> None:
        """End one worker: an idle one whose cache is worth it, or the biggest that is busy."""
        if any(worker.doomed and worker.alive for worker in self.workers):
            return  # memory is being freed: ending a second task may be needless
        living = [worker for worker in self.workers if not worker.doomed]
        caches = [
            worker
            for worker in living
            if worker.assignment is None
            and worker.idle_baseline is not None
            and worker.memory_bytes > worker.idle_baseline + _CACHE_WORTH_FREEING
        ]
        victim = max(
            caches or [worker for worker in living if worker.assignment is not None],
            key=lambda worker: worker.memory_bytes,
            default=None,
        )
        if victim is None:
            return
        if victim.assignment is not None and self._memory_bytes is not None:
            victim.assignment.verdict = Outcome.OOM
            victim.assignment.reason = (
                f"The driver ({format_bytes(self.driver_bytes)}) and its workers used "
                f"{format_bytes(total)}, more than the {format_bytes(self._memory_bytes)} allowed, so "
                f"the biggest worker ({format_bytes(victim.memory_bytes)}) was ended. "
                f"Raise the memory limit or use fewer slots."
            )
        victim.kill()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping:
            if time.monotonic() >= due:
                self.sample()
                near = self._is_near_limit
                pause = _SECONDS_BETWEEN_SAMPLES_NEAR_LIMIT if near else _SECONDS_BETWEEN_SAMPLES
                due = time.monotonic() + pause
            if self._await_output(max(0.0, due - time.monotonic())):
                with self.lock:
                    for worker in self.workers:
                        worker.drain_output()
                time.sleep(0.005)  # a worker that prints without end must not cost the driver a processor

    def _await_output(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        with self.lock:
            outputs = [worker.output_fileno for worker in self.workers]
        for descriptor in outputs:
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
