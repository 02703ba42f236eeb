"""Whatever happens to a worker: each task is reported exactly once and the slot works again."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from modelwright.core import ModelwrightError, Outcome


def test_exceptions_are_reported_and_the_worker_lives(make_executor, run_all, task):
    executor = make_executor()
    pid = run_all(executor, task("describe", "a"))["a"].result["pid"]
    report = run_all(executor, task("fail", message="Zürich"))["fail"]
    assert report.outcome is Outcome.FAILED
    assert report.error == "KeyError: 'Zürich'"
    assert "execution_entries.py" in report.detail
    assert run_all(executor, task("describe", "b"))["b"].result["pid"] == pid


def test_bad_functions_fail(make_executor, run_all, task):
    expected = {
        "no_such_function": "AttributeError",
        "return_list": "must return a mapping, but returned list",
        "return_object": "must return JSON-able values",
    }
    reports = run_all(make_executor(), *map(task, expected))
    for function, message in expected.items():
        assert reports[function].outcome is Outcome.FAILED
        assert message in reports[function].error


def test_lost_workers_are_replaced(make_executor, run_all, task):
    expected = {"kill_self": "signal 9", "leave": "exit code 3", "segfault": "signal 11"}
    start = time.monotonic()
    reports = run_all(make_executor(), *map(task, expected), task("describe"))
    assert time.monotonic() - start < 10
    for function, ending in expected.items():
        assert reports[function].outcome is Outcome.WORKER_LOST
        assert ending in reports[function].error
    assert reports["describe"].outcome is Outcome.DONE


def test_last_lines_are_kept(make_executor, run_all, task):
    executor = make_executor()
    reports = run_all(executor, task("leave"), task("segfault"))
    assert "about to leave" in reports["leave"].detail
    assert "Segmentation fault" in reports["segfault"].detail
    assert "about to leave" not in reports["segfault"].detail


def test_a_worker_killed_from_outside(make_executor, run_all, task, tmp_path, wait_until):
    executor = make_executor()
    executor.submit(task("loop", path=str(tmp_path / "started")))
    wait_until((tmp_path / "started").exists)
    os.kill(int((tmp_path / "started").read_text()), signal.SIGKILL)
    start = time.monotonic()
    [report] = executor.wait()
    assert report.outcome is Outcome.WORKER_LOST
    assert time.monotonic() - start < 0.5
    [pid] = executor.worker_pids
    os.kill(pid, signal.SIGKILL)  # one that has nothing to do
    assert run_all(executor, task("describe"))["describe"].outcome is Outcome.DONE


def test_many_crashes_in_a_row(make_executor, run_all, task):
    executor = make_executor(2)
    specs = [task("kill_self" if number % 2 else "describe", str(number)) for number in range(10)]
    reports = run_all(executor, *specs)
    for spec in specs:
        lost = spec.entry.endswith("kill_self")
        assert reports[spec.id].outcome is (Outcome.WORKER_LOST if lost else Outcome.DONE)


def test_overrunning_tasks_time_out(make_executor, run_all, task):
    executor = make_executor()
    run_all(executor, task("describe", "warm"))
    functions = ["loop", "sleep", "hold_lock"]
    start = time.monotonic()
    reports = run_all(executor, *(task(name, limit=0.2, grace=0.2) for name in functions), task("describe"))
    assert time.monotonic() - start < 20.0
    for function in functions:
        assert reports[function].outcome is Outcome.TIMEOUT
        assert "0.2 s" in reports[function].error
        assert 0.4 <= reports[function].wall_seconds < 5.0
    assert reports["describe"].outcome is Outcome.DONE


def test_a_result_that_waited_for_the_driver_is_no_timeout(make_executor, run_all, task):
    executor = make_executor()
    assert run_all(executor, task("describe"))["describe"].outcome is Outcome.DONE
    executor.submit(task("payload", text="z", times=2_000_000, limit=0.5, grace=0.5))
    time.sleep(1.6)  # the driver is busy; the result does not even fit into the line
    [report] = executor.wait()
    assert report.outcome is Outcome.DONE


def test_cancel_queued_and_running(make_executor, run_all, task, tmp_path, wait_until):
    executor = make_executor()
    executor.submit(task("hold_lock", path=str(tmp_path / "started")))
    executor.submit(task("sleep", "queued"))
    executor.submit(task("describe"))
    wait_until((tmp_path / "started").exists)
    executor.cancel("queued")
    [queued] = executor.wait()
    assert (queued.spec.id, queued.outcome) == ("queued", Outcome.CANCELLED)
    executor.cancel("hold_lock")
    executor.cancel("hold_lock")
    outcomes = {}
    while executor.idle == 0:
        outcomes |= {report.spec.id: report.outcome for report in executor.wait()}
    assert outcomes == {"hold_lock": Outcome.CANCELLED, "describe": Outcome.DONE}
    executor.cancel("describe")
    assert executor.wait() == []


def test_processes_of_a_task_end_with_it(make_executor, task, tmp_path, wait_until, gone):
    executor = make_executor()
    executor.submit(task("spawn_child", path=str(tmp_path / "started")))
    wait_until((tmp_path / "started").exists)
    child = int((tmp_path / "started").read_text())
    assert not gone(child)
    executor.cancel("spawn_child")
    wait_until(lambda: gone(child), 2.0)


def test_workers_killed_from_outside_while_they_start(make_executor, run_all, task):
    executor = make_executor()
    executor.submit(task("describe"))
    for _ in range(5):
        [pid] = executor.worker_pids
        os.kill(pid, signal.SIGKILL)
        while executor.worker_pids == (pid,):
            assert executor.wait(timeout=0.05) == []
    [report] = executor.wait()
    assert report.outcome is Outcome.DONE


def test_workers_that_cannot_start(make_executor, task, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nos.write(2, b'broken on purpose\\n')\nos._exit(7)\n"
    )
    executor = make_executor(2, environment={"PYTHONPATH": str(tmp_path)})
    executor.submit(task("describe"))
    with pytest.raises(ModelwrightError, match=r"exit code 7[\s\S]*broken on purpose"):
        executor.wait(timeout=30)
    assert executor.worker_pids == ()
    with pytest.raises(ModelwrightError):
        executor.wait()


def test_what_a_starting_worker_printed_is_kept_when_it_is_given_a_task(
    make_executor, task, tmp_path, wait_until
):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\nos.write(2, b'broken on purpose\\n')\ntime.sleep(20)\n"
    )
    executor = make_executor(1, environment={"PYTHONPATH": str(tmp_path)})
    [worker] = executor._supervisor.workers
    wait_until(lambda: "broken on purpose" in worker.last_lines())
    executor.submit(task("describe"))
    executor.wait(timeout=0.05)
    assert worker.assignment is not None
    assert "broken on purpose" in worker.last_lines()


def test_a_preload_that_kills_workers_is_given_up(make_executor, run_all, task, tmp_path, wait_until):
    (tmp_path / "deadly.py").write_text("import os\nos._exit(8)\n")
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    executor = make_executor(2, environment={"PYTHONPATH": paths}, preload=["deadly"])
    for round_ in range(4):  # a slot that idles long enough to load, next to one that works
        reports = run_all(executor, task("sleep", f"{round_}", seconds=0.3), task("describe", f"{round_}d"))
        assert {report.outcome for report in reports.values()} == {Outcome.DONE}
