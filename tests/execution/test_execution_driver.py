"""Workers and the driver's life: scripts without a main guard, threads, kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ENTRIES = str(Path(__file__).parent)

# No guard, and found by changing sys.path: as a notebook or a hasty script would.
SCRIPT = """
import os, sys, threading, time
sys.path[:0] = [{entries!r}, {package!r}]
print("the script runs", os.getpid(), flush=True)
from modelwright.core import TaskSpec
from modelwright.execution import LocalExecutor

def drive():
    executor = LocalExecutor({slots})
    for number in range({slots}):
        executor.submit(
            TaskSpec(str(number), "execution_entries:" + sys.argv[1], {{"path": sys.argv[2] + str(number)}})
        )
{then}
"""

WAIT = """
    while True:
        executor.wait(timeout=60)
"""


def _script(tmp_path: Path, then: str, slots: int = 2) -> Path:
    package = str(Path(__file__).parents[2] / "src")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(entries=ENTRIES, package=package, slots=slots, then=then))
    return path


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.mark.parametrize("thread", ["main", "other"])
@pytest.mark.parametrize("function", ["loop", "sleep", "hold_lock"])
def test_workers_die_with_a_killed_driver(tmp_path, wait_until, gone, function, thread):
    call = "drive()" if thread == "main" else "threading.Thread(target=drive).start()"
    script = _script(tmp_path, WAIT + call)
    command = [sys.executable, str(script), function, str(tmp_path / "pid")]
    with subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL) as driver:
        marks = [tmp_path / "pid0", tmp_path / "pid1"]
        wait_until(lambda: all(mark.exists() for mark in marks))
        workers = [int(mark.read_text()) for mark in marks]
        assert not any(map(gone, workers))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    assert wait_until(lambda: all(map(gone, workers)), 2.0) < 2.0


def test_workers_die_though_a_forked_child_of_the_driver_lives(tmp_path, wait_until, gone):
    # The child holds a copy of every descriptor of the driver: the lifeline alone would not do.
    then = "    open(sys.argv[2] + 'fork', 'w').close() if os.fork() else time.sleep(20)\n" + WAIT + "drive()"
    script = _script(tmp_path, then, slots=1)
    command = [sys.executable, str(script), "hold_lock", str(tmp_path / "pid")]
    with subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL, process_group=0) as driver:
        marks = [tmp_path / "pid0", tmp_path / "pidfork"]
        wait_until(lambda: all(mark.exists() for mark in marks))
        worker = int(marks[0].read_text())
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        wait_until(lambda: gone(worker), 2.0)
        os.killpg(driver.pid, signal.SIGKILL)  # the forked child


def test_workers_start_even_if_the_driver_is_killed_at_once(tmp_path, wait_until, gone):
    then = textwrap.indent("print(*executor.worker_pids, flush=True)\n", "    ") + WAIT + "drive()"
    script = _script(tmp_path, then)
    command = [sys.executable, str(script), "sleep", str(tmp_path / "pid")]
    with subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        workers = [int(pid) for pid in driver.stdout.readline().split()]
        driver.send_signal(signal.SIGKILL)  # they have not come as far as asking to die with it
        driver.wait()
    assert len(workers) == 2
    wait_until(lambda: all(map(gone, workers)), 2.0)


def test_a_script_without_a_main_guard_ends_clean(tmp_path, gone):
    then = """
    print(*executor.worker_pids, flush=True)
    for _ in range(2):
        for report in executor.wait():
            print(report.outcome, flush=True)
drive()
keep = LocalExecutor(1)
print(*keep.worker_pids, flush=True)
"""
    script = _script(tmp_path, then)
    command = [sys.executable, "-W", "error", str(script), "describe", "unused"]
    done = subprocess.run(
        command, env=_environment(), capture_output=True, text=True, timeout=30, check=True, cwd=tmp_path
    )
    assert done.stderr == ""
    assert done.stdout.count("the script runs") == 1
    assert done.stdout.count("done") == 2
    workers = [int(word) for word in done.stdout.split() if word.isdigit()]
    assert len(workers) == 4  # the script itself, two workers, and one that was never closed
    assert all(map(gone, workers))
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


def test_ctrl_c_reaches_the_driver_only(tmp_path, wait_until, gone):
    then = """
    try:
        executor.wait()
    except KeyboardInterrupt:
        print(executor.wait(timeout=0.5), flush=True)
        executor.cancel("0")
        print(*(report.outcome for report in executor.wait()), flush=True)
        executor.close()
drive()
"""
    script = _script(tmp_path, then, slots=1)
    command = [sys.executable, str(script), "sleep", str(tmp_path / "pid")]
    with subprocess.Popen(
        command,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as driver:
        wait_until((tmp_path / "pid0").exists)
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: to the whole group
        out, err = driver.communicate(timeout=20)
    assert out.splitlines()[1:] == ["[]", "cancelled"]
    assert err == ""
    assert gone(int((tmp_path / "pid0").read_text()))
