"""The inline executor and the catalog."""

from __future__ import annotations

import os

import pytest

from modelwright.core import Executor, ModelwrightError, OptionError, Outcome, UnknownName
from modelwright.execution import EXECUTORS, InlineExecutor, LocalExecutor


def test_catalog():
    assert {name: EXECUTORS.load(name) for name in EXECUTORS} == {
        "local": LocalExecutor,
        "inline": InlineExecutor,
    }


def test_it_runs_here_in_order(run_all, task):
    with InlineExecutor(threads_per_slot=3, memory_bytes=10) as executor:
        as_protocol: Executor = executor
        reports = run_all(as_protocol, task("describe", "a", limit=60.0), task("describe", "b"))
    assert list(reports) == ["a", "b"]
    assert [report.result["pid"] for report in reports.values()] == [os.getpid()] * 2
    assert [report.result["calls"] for report in reports.values()] == [1, 2]
    found = reports["a"].result
    assert (found["threads"], found["memory_bytes"]) == (3, 10)
    assert 59 < found["remaining"] <= 60
    assert executor.peak_memory_bytes >= reports["a"].peak_bytes > 2**20


def test_outcomes_are_those_of_the_local_executor(make_executor, run_all, task):
    specs = [
        task("fail", message="x"),
        task("return_list"),
        task("memory_error"),
        task("leave"),
        task("numbers"),
        task("no_such_function"),
    ]
    inline, local = run_all(InlineExecutor(), *specs), run_all(make_executor(), *specs)
    for spec in specs:
        assert inline[spec.id].outcome is local[spec.id].outcome
        assert inline[spec.id].result == local[spec.id].result
    assert inline["leave"].outcome is Outcome.WORKER_LOST


def test_cancel_close_and_refusals(task):
    executor = InlineExecutor()
    assert (executor.capacity, executor.idle, executor.wait()) == (1, 1, [])
    executor.submit(task("describe", "a"))
    executor.submit(task("describe", "b"))
    assert executor.idle == 0
    with pytest.raises(OptionError, match="submitted before"):
        executor.submit(task("describe", "a"))
    with pytest.raises(UnknownName):
        executor.cancel("c")
    executor.cancel("a")
    assert [(report.spec.id, report.outcome) for report in executor.wait()] == [("a", Outcome.CANCELLED)]
    executor.close()
    assert [report.outcome for report in executor.wait()] == [Outcome.CANCELLED]
    with pytest.raises(ModelwrightError, match="closed"):
        executor.submit(task("describe", "d"))
