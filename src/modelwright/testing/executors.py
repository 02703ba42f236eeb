"""The contract of an executor, as checks that any executor can be put to.

Use `check_executor` for a verdict in one call, or `EXECUTOR_CHECKS` for one test a check.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from modelwright.core import BadInput, Executor, ModelwrightError, Outcome, TaskReport, TaskSpec
from modelwright.testing.violation import demand, naming

__all__ = ["EXECUTOR_CHECKS", "SUPERVISED", "ExecutorFactory", "check_executor", "run_executor_check"]

ExecutorFactory = Callable[[], Executor]
"""Makes an executor, with one or two slots; whoever calls it closes what it returns."""

PATIENCE = 60.0
"""Seconds after which a task that was not reported counts as lost: the machine may be busy."""

_ENTRIES = "modelwright.testing.executor_tasks"


def check_executor(factory: ExecutorFactory, *, supervised: bool = True) -> None:
    """Put an executor to every check.

    Parameters
    ----------
    factory : callable
        Makes a new executor; each check makes its own and closes it.
    supervised : bool
        Whether tasks run where they can be ended. False leaves out the checks named in `SUPERVISED`:
        for an executor that works in the calling process.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> from modelwright.execution import InlineExecutor
    >>> check_executor(InlineExecutor, supervised=False)
    """
    for name in EXECUTOR_CHECKS:
        if supervised or name not in SUPERVISED:
            run_executor_check(name, factory)


def run_executor_check(name: str, factory: ExecutorFactory) -> None:
    """Put an executor to one check of `EXECUTOR_CHECKS`; raises `ContractViolation` if it fails."""
    label = getattr(factory, "__name__", type(factory).__name__)
    with naming(f"executor {label!r}", name):
        EXECUTOR_CHECKS[name](factory)


@contextmanager
def _opened(factory: ExecutorFactory) -> Iterator[Executor]:
    executor = factory()
    try:
        yield executor
    finally:
        executor.close()


def _task(task_id: str, function: str, parameters: Mapping[str, Any] | None = None) -> TaskSpec:
    return TaskSpec(task_id, f"{_ENTRIES}:{function}", parameters or {})


def _collect(executor: Executor, *ids: str) -> dict[str, TaskReport]:
    """The reports of these tasks and of no others, each of them once."""
    reports: dict[str, TaskReport] = {}
    until = time.monotonic() + PATIENCE
    while set(reports) != set(ids):
        late = sorted(set(ids) - set(reports))
        demand(time.monotonic() < until, f"tasks are never reported: {late}")
        for report in executor.wait(timeout=0.5):
            name = report.spec.id
            demand(name not in reports, f"the task {name!r} is reported twice")
            demand(name in ids, f"the task {name!r} is reported, but was not asked for")
            reports[name] = report
    extra = [report.spec.id for report in executor.wait(timeout=0.0)]
    demand(not extra, f"tasks are reported twice: {extra}")
    return reports


def _demand_outcome(report: TaskReport, outcome: Outcome) -> None:
    name = report.spec.id
    found = f"the task {name!r} ends as {report.outcome} ({report.error}) instead of {outcome}"
    demand(report.outcome is outcome, found)
    if outcome is Outcome.DONE:
        demand(report.result is not None, f"the task {name!r} is done, but has no result")
        return
    demand(bool(report.error.strip()), f"nobody says why the task {name!r} is {outcome}")
    demand(report.result is None, f"the task {name!r} is {outcome}, but has a result")


def check_reports_each_task_once(factory: ExecutorFactory) -> None:
    """More tasks than slots are queued, and each is reported once with its own result."""
    with _opened(factory) as executor:
        demand(executor.capacity >= 1, f"its capacity is {executor.capacity}")
        demand(executor.idle == executor.capacity, "it is not idle before its first task")
        demand(not executor.wait(timeout=0.0), "it reports something before its first task")
        specs = [
            _task(f"task {number}", "answer", {"number": number, "text": "ä\n", "parts": [1, None]})
            for number in range(executor.capacity + 3)
        ]
        for spec in specs:
            executor.submit(spec)
        demand(executor.idle == 0, "it is idle although tasks are queued")
        reports = _collect(executor, *(spec.id for spec in specs))
        for spec in specs:
            report = reports[spec.id]
            _demand_outcome(report, Outcome.DONE)
            demand(report.spec == spec, "a report does not hold the task as it was submitted")
            said = dict(report.result or {})
            demand(said == dict(spec.parameters), f"{spec.id!r} returns {said}, not its parameters")
            demand(report.wall_seconds >= 0 and report.peak_bytes >= 0, "a task took less than nothing")
        demand(executor.idle == executor.capacity, "it is not idle after its last task")
        demand(executor.peak_memory_bytes > 0, "it has used no memory at all")
        began = time.monotonic()
        demand(not executor.wait(timeout=2.0), "it reports a task twice")
        demand(time.monotonic() - began < 1.5, "with nothing to do it waits for its timeout")


def check_tells_the_task_its_limits(factory: ExecutorFactory) -> None:
    """The function sees how much time it has and which attempt this is."""
    with _opened(factory) as executor:
        executor.submit(TaskSpec("limited", f"{_ENTRIES}:describe", {}, seconds=50.0, attempt=2))
        executor.submit(TaskSpec("free", f"{_ENTRIES}:describe", {}))
        reports = _collect(executor, "limited", "free")
        for report in reports.values():
            _demand_outcome(report, Outcome.DONE)
        limited, free = (dict(reports[name].result or {}) for name in ("limited", "free"))
        left = limited["seconds"]
        demand(left is not None and 0 < left <= 50, f"a task of 50 s is told that it has {left} s")
        demand(limited["attempt"] == 2, f"the third attempt is told that it is number {limited['attempt']}")
        demand(free["seconds"] is None, f"a task without a limit is told that it has {free['seconds']} s")
        demand(free["threads"] >= 1, f"a task is told to use {free['threads']} threads")


def check_reports_failures(factory: ExecutorFactory) -> None:
    """A task that raises, does not exist or returns nonsense has failed, with a reason; others go on."""
    with _opened(factory) as executor:
        executor.submit(_task("raises", "fail", {"message": "the shelf is empty"}))
        executor.submit(_task("unknown", "no_such_function"))
        executor.submit(TaskSpec("nowhere", "modelwright.no_such_module:answer", {}))
        executor.submit(_task("nonsense", "answer_with_an_object"))
        executor.submit(_task("after", "answer", {"fold": 1}))
        reports = _collect(executor, "raises", "unknown", "nowhere", "nonsense", "after")
        for name in ("raises", "unknown", "nowhere", "nonsense"):
            _demand_outcome(reports[name], Outcome.FAILED)
        error, detail = reports["raises"].error, reports["raises"].detail
        demand("the shelf is empty" in error, f"the reason of a failure is lost: {error!r}")
        demand("\n" not in error, "the reason of a failure is more than a sentence")
        demand("Traceback" in detail, "the traceback of a failure is lost")
        _demand_outcome(reports["after"], Outcome.DONE)


def check_refuses_bad_tasks(factory: ExecutorFactory) -> None:
    """What nobody could run is refused when it is submitted, and is not reported."""
    with _opened(factory) as executor:
        executor.submit(_task("first", "answer"))
        bad = {
            "an id that was used": _task("first", "answer"),
            "an entry without a function": TaskSpec("second", "json.dumps", {}),
            "parameters that are not JSON-able": _task("third", "answer", {"object": object()}),
        }
        for what, spec in bad.items():
            try:
                executor.submit(spec)
            except BadInput:
                continue
            demand(False, f"it takes a task with {what}")
        _demand_outcome(_collect(executor, "first")["first"], Outcome.DONE)


def check_cancels_queued_tasks(factory: ExecutorFactory) -> None:
    """A cancelled task is reported as such; one that has ended, or never was, cannot be cancelled."""
    with _opened(factory) as executor:
        before = [f"before {number}" for number in range(executor.capacity)]
        for name in before:
            executor.submit(_task(name, "pause", {"seconds": 0.3}))
        for name in ("queued", "after"):
            executor.submit(_task(name, "answer"))
        executor.cancel("queued")
        reports = _collect(executor, *before, "queued", "after")
        _demand_outcome(reports["queued"], Outcome.CANCELLED)
        for name in (*before, "after"):
            _demand_outcome(reports[name], Outcome.DONE)
        executor.cancel("after")
        demand(not executor.wait(timeout=0.0), "a task is reported again when it is cancelled after its end")
        try:
            executor.cancel("never submitted")
        except BadInput:
            return
        demand(False, "it cancels a task that was never submitted")


def check_closes(factory: ExecutorFactory) -> None:
    """After `close` what had not ended is reported as cancelled, and no task is taken."""
    with _opened(factory) as executor:
        names = [f"task {number}" for number in range(executor.capacity + 2)]
        for name in names:
            executor.submit(_task(name, "pause", {"seconds": 20.0}))
        began = time.monotonic()
        executor.close()
        executor.close()
        demand(time.monotonic() - began < 15.0, "it waits for its tasks when it is closed")
        for report in _collect(executor, *names).values():
            _demand_outcome(report, Outcome.CANCELLED)
        try:
            executor.submit(_task("late", "answer"))
        except ModelwrightError:
            return
        demand(False, "it takes a task after it was closed")


def _wait_until_running(executor: Executor, seconds: float = 1.0) -> None:
    """Give a task time to begin; it must not be reported."""
    began = time.monotonic()
    reports = executor.wait(timeout=seconds)
    took = time.monotonic() - began
    demand(not reports, f"a task that only pauses has ended: {[report.error for report in reports]}")
    demand(took < seconds + 5.0, f"asked to wait {seconds} s at most, it waits {took:.1f} s")


def check_cancels_running_tasks(factory: ExecutorFactory) -> None:
    """A task that runs is ended when it is cancelled, and the slot is free again."""
    with _opened(factory) as executor:
        executor.submit(_task("running", "pause", {"seconds": 600.0}))
        _wait_until_running(executor)
        executor.cancel("running")
        executor.submit(_task("after", "answer"))
        reports = _collect(executor, "running", "after")
        _demand_outcome(reports["running"], Outcome.CANCELLED)
        _demand_outcome(reports["after"], Outcome.DONE)


def check_ends_overdue_tasks(factory: ExecutorFactory) -> None:
    """A task that does not stop by itself is ended after its time and its grace."""
    with _opened(factory) as executor:
        parameters = {"seconds": 600.0}
        executor.submit(TaskSpec("overdue", f"{_ENTRIES}:pause", parameters, seconds=0.2, grace=0.2))
        executor.submit(_task("after", "answer"))
        reports = _collect(executor, "overdue", "after")
        _demand_outcome(reports["overdue"], Outcome.TIMEOUT)
        _demand_outcome(reports["after"], Outcome.DONE)


def check_survives_lost_workers(factory: ExecutorFactory) -> None:
    """A task that takes its process along is reported, and the tasks after it are done."""
    with _opened(factory) as executor:
        executor.submit(_task("crash", "crash"))
        executor.submit(_task("after", "answer"))
        reports = _collect(executor, "crash", "after")
        _demand_outcome(reports["crash"], Outcome.WORKER_LOST)
        _demand_outcome(reports["after"], Outcome.DONE)


EXECUTOR_CHECKS: Mapping[str, Callable[[ExecutorFactory], None]] = {
    "reports_each_task_once": check_reports_each_task_once,
    "tells_the_task_its_limits": check_tells_the_task_its_limits,
    "reports_failures": check_reports_failures,
    "refuses_bad_tasks": check_refuses_bad_tasks,
    "cancels_queued_tasks": check_cancels_queued_tasks,
    "closes": check_closes,
    "cancels_running_tasks": check_cancels_running_tasks,
    "ends_overdue_tasks": check_ends_overdue_tasks,
    "survives_lost_workers": check_survives_lost_workers,
}
"""Name to check; each takes a factory of executors and raises `ContractViolation`."""

SUPERVISED = frozenset({"cancels_running_tasks", "ends_overdue_tasks", "survives_lost_workers"})
"""The checks of what only an executor can do that has its tasks in other processes."""
