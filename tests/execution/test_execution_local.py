"""The local executor where nothing goes wrong: results, order, environment, slots."""

from __future__ import annotations

import gc
import os
import signal
import time

import pytest

import modelwright
from modelwright.core import Executor, ModelwrightError, OptionError, Outcome, TaskSpec, UnknownName


def test_result_and_context(make_executor, run_all, task, tmp_path):
    executor = make_executor(
        threads_per_slot=2, environment={"MODELWRIGHT_TEST": "Zürich"}, directory=tmp_path, memory_bytes=2**32
    )
    names = ["OMP_NUM_THREADS", "OMP_WAIT_POLICY", "POLARS_MAX_THREADS", "PYTHONHASHSEED", "MODELWRIGHT_TEST"]
    report = run_all(executor, task("describe", variables=names, limit=50.0, attempt=1))["describe"]
    assert report.outcome is Outcome.DONE
    found = report.result
    assert found["environment"] == dict(zip(names, ["2", "PASSIVE", "2", "0", "Zürich"], strict=True))
    assert found["threads"] == 2
    assert found["attempt"] == 1
    assert 49 < found["remaining"] <= 50
    assert found["directory"] == str(tmp_path)
    assert found["group"] == os.getpgrp()
    assert found["sigint_ignored"]
    assert found["main"].endswith("worker.py")
    assert 2**30 < found["memory_bytes"] < 2**32
    assert 2**32 < found["data_limit"] < 2**33
    assert report.peak_bytes > 5 * 2**20
    assert executor.peak_memory_bytes > report.peak_bytes


def test_worker_keeps_its_cache_and_is_used_again(make_executor, run_all, task):
    executor = make_executor()
    first = run_all(executor, task("describe", "a"))["a"].result
    second = run_all(executor, task("describe", "b"))["b"].result
    assert (first["pid"], first["calls"]) == (second["pid"], second["calls"] - 1)


def test_workers_hold_no_ends_of_each_other(make_executor, run_all, task):
    executor = make_executor(3)
    reports = run_all(executor, *(task("describe", str(number)) for number in range(3)))
    for report in reports.values():
        kinds = [name.partition(":")[0] for name in report.result["descriptors"]]
        assert kinds.count("socket") == 1
        assert kinds.count("pipe") == 3  # standard output and error, and the lifeline


def test_queue_keeps_its_order_and_idle_counts(make_executor, run_all, task, tmp_path):
    executor = make_executor()
    path = tmp_path / "order"
    assert (executor.capacity, executor.idle) == (1, 1)
    executor.submit(task("stamp", "first", path=str(path), name="first"))
    assert executor.idle == 0
    rest = [task("stamp", str(number), path=str(path), name=str(number)) for number in range(5)]
    run_all(executor, *rest[:0])
    for spec in rest:
        executor.submit(spec)
    ended = []
    while executor.idle == 0:
        ended += [report.spec.id for report in executor.wait()]
    assert ended == ["first", "0", "1", "2", "3", "4"]
    assert path.read_text().split() == ended


def test_two_slots_run_at_the_same_time(make_executor, task, tmp_path, wait_until):
    executor = make_executor(2)
    for name in "ab":
        executor.submit(task("sleep", name, path=str(tmp_path / name)))
    wait_until(lambda: all((tmp_path / name).exists() for name in "ab"))


def test_a_hundred_small_tasks_are_cheap(make_executor, run_all, task):
    executor = make_executor()
    run_all(executor, task("describe"))
    start = time.monotonic()
    reports = run_all(executor, *(task("payload", str(n), text="x", times=n) for n in range(100)))
    assert time.monotonic() - start < 10.0
    assert all(len(reports[str(n)].result["text"]) == n for n in range(100))


def test_a_megabyte_of_any_text_comes_back(make_executor, run_all, task):
    texts = ["plain", "Zürich 東京 🎈", '\n\u2028\x00\\"', "\udc80"]
    reports = run_all(make_executor(), *(task("payload", text, text=text, times=200_000) for text in texts))
    for text in texts:
        assert reports[text].result["text"] == text * 200_000


def test_large_parameters_arrive(make_executor, run_all, task):
    report = run_all(make_executor(), task("payload", text="y" * 3_000_000, times=1))["payload"]
    assert len(report.result["text"]) == 3_000_000


def test_numpy_values_become_plain(make_executor, run_all, task):
    report = run_all(make_executor(), task("numbers"))["numbers"]
    assert report.result == {"score": 0.5, "rows": [0, 1, 2], "folds": [1, 2]}


def test_printing_does_not_disturb(make_executor, run_all, task):
    executor = make_executor()
    reports = run_all(executor, task("chatter", "a", bytes=1_000_000), task("chatter", "b", bytes=10))
    assert [reports[name].result for name in "ab"] == [{"printed": True}] * 2


def test_cpu_and_wall_seconds(make_executor, run_all, task):
    executor = make_executor()
    reports = run_all(executor, task("compute", seconds=0.3), task("sleep", seconds=0.3))
    assert 0.25 < reports["compute"].cpu_seconds < 0.6
    assert reports["compute"].wall_seconds >= 0.25
    assert reports["sleep"].cpu_seconds < 0.2
    assert reports["sleep"].wall_seconds >= 0.3


def test_modules_are_preloaded(make_executor, run_all, task, wait_until):
    modules = ["wave", "no_such_module_here", "colorsys"]
    executor = make_executor(preload=modules)
    ids = map(str, range(1000))

    def loaded() -> bool:
        time.sleep(0.05)  # modules are loaded while there is nothing to do
        name = next(ids)
        found = run_all(executor, task("describe", name, modules=modules))[name].result["modules"]
        return found == ["wave", "colorsys"]

    wait_until(loaded)


def test_wait_returns_at_once_when_nothing_is_pending(make_executor):
    start = time.monotonic()
    assert make_executor().wait() == []
    assert time.monotonic() - start < 0.5


def test_wait_keeps_its_timeout(make_executor, task):
    executor = make_executor()
    executor.submit(task("sleep"))
    start = time.monotonic()
    assert executor.wait(timeout=0.2) == []
    assert 0.19 < time.monotonic() - start < 1.5
    start = time.monotonic()
    assert executor.wait(timeout=0) == []
    assert time.monotonic() - start < 0.15


def test_ids_are_used_once(make_executor, run_all, task):
    executor = make_executor()
    run_all(executor, task("describe"))
    with pytest.raises(OptionError, match="'describe' was submitted before"):
        executor.submit(task("describe"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (TaskSpec("1", "os.getpid", {}), "like 'module:function'"),
        (TaskSpec("1", "os:getpid", {"a": {1, 2}}), "JSON-able"),
    ],
)
def test_bad_tasks_are_refused_and_forgotten(make_executor, run_all, task, spec, message):
    executor = make_executor()
    with pytest.raises(OptionError, match=message):
        executor.submit(spec)
    assert run_all(executor, task("describe", "1"))["1"].outcome is Outcome.DONE


@pytest.mark.parametrize("options", [{"slots": 0}, {"slots": True}, {"threads_per_slot": 0}])
def test_bad_options_are_refused(make_executor, options):
    with pytest.raises(OptionError, match="1 or more"):
        make_executor(**options)


def test_close_reports_what_was_left_and_refuses_more(make_executor, task, gone):
    executor = make_executor()
    pids = executor.worker_pids
    executor.submit(task("sleep", "running"))
    executor.submit(task("sleep", "queued"))
    start = time.monotonic()
    executor.close()
    assert time.monotonic() - start < 3.0
    assert all(map(gone, pids))
    assert {report.spec.id: report.outcome for report in executor.wait()} == {
        "running": Outcome.CANCELLED,
        "queued": Outcome.CANCELLED,
    }
    with pytest.raises(ModelwrightError, match="closed"):
        executor.submit(task("describe"))
    executor.close()


def test_a_forgotten_executor_ends_its_workers(gone):
    executor = modelwright.execution.LocalExecutor(1)
    pids = executor.worker_pids
    del executor
    gc.collect()
    assert pids
    assert all(map(gone, pids))


def test_resize(make_executor, run_all, task, wait_until, gone, tmp_path):
    executor = make_executor(2)
    run_all(executor, task("describe", "a"), task("describe", "b"))
    before = set(executor.worker_pids)
    executor.submit(task("sleep", path=str(tmp_path / "started"), seconds=0.5))
    wait_until((tmp_path / "started").exists)
    executor.resize(1)
    assert executor.capacity == 1
    [report] = executor.wait()
    assert report.outcome is Outcome.DONE
    assert set(executor.worker_pids) < before
    executor.resize(3)
    assert executor.idle == 3
    reports = run_all(executor, *(task("describe", str(number)) for number in range(3)))
    assert len({report.result["pid"] for report in reports.values()}) <= 3
    assert len(executor.worker_pids) == 3


def test_cancel_unknown(make_executor):
    with pytest.raises(UnknownName, match="'nothing'"):
        make_executor().cancel("nothing")


def test_it_is_an_executor(make_executor):
    executor: Executor = make_executor()
    assert executor.peak_memory_bytes > 2**20


def test_ctrl_c_belongs_to_the_driver(make_executor, run_all, task):
    executor = make_executor(2)
    for pid in executor.worker_pids:
        os.kill(pid, signal.SIGINT)  # while it starts: blocked, then ignored
    reports = run_all(executor, task("describe", "a"), task("describe", "b"))
    pids = {report.result["pid"] for report in reports.values()}
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    time.sleep(0.05)
    assert pids <= set(executor.worker_pids)
    assert run_all(executor, task("describe", "c"))["c"].result["pid"] in pids
