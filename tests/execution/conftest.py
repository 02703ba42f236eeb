"""What the tests of this room share: executors that are closed, and a count of what they leave behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from modelwright.core import TaskReport, TaskSpec
from modelwright.execution import LocalExecutor


def process_exists(pid: int) -> bool:
    """Whether a process runs (one that only waits to be reaped does not)."""
    try:
        with open(f"/proc/{pid}/stat") as handle:
            return handle.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def wait_until() -> Callable[..., float]:
    """Wait for a condition; returns the seconds it took."""

    def wait(condition: Callable[[], bool], seconds: float = 20.0) -> float:
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > seconds:
                pytest.fail(f"Not so after {seconds} s.")
            time.sleep(0.005)
        return time.monotonic() - start

    return wait


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether a process has ended."""
    return lambda pid: not process_exists(pid)


@pytest.fixture
def make_executor() -> Iterator[Callable[..., LocalExecutor]]:
    """Local executors that are closed after the test, leaving neither processes nor descriptors."""
    made: list[LocalExecutor] = []
    before = sorted(os.listdir("/proc/self/fd"))

    def make(slots: int = 1, **options: Any) -> LocalExecutor:
        made.append(LocalExecutor(slots, **options))
        return made[-1]

    yield make
    pids = [pid for executor in made for pid in executor.worker_pids]
    for executor in made:
        executor.close()
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def run_all() -> Callable[..., dict[str, TaskReport]]:
    """Submit tasks and collect every report, by id."""

    def run(executor: Any, *specs: TaskSpec, seconds: float = 30.0) -> dict[str, TaskReport]:
        for spec in specs:
            executor.submit(spec)
        reports: dict[str, TaskReport] = {}
        until = time.monotonic() + seconds
        while len(reports) < len(specs):
            assert time.monotonic() < until, f"only {sorted(reports)} ended"
            for report in executor.wait(timeout=1.0):
                assert report.spec.id not in reports
                reports[report.spec.id] = report
        return reports

    return run


@pytest.fixture
def task() -> Callable[..., TaskSpec]:
    """A task that calls a function of ``execution_entries``; its id is the function's name."""

    def make(function: str, _id: str | None = None, /, **fields: Any) -> TaskSpec:
        timing = {name: fields.pop(name) for name in ("limit", "grace", "attempt") if name in fields}
        return TaskSpec(
            _id or function,
            f"execution_entries:{function}",
            fields,
            seconds=timing.get("limit"),
            grace=timing.get("grace", 2.0),
            attempt=timing.get("attempt", 0),
        )

    return make
