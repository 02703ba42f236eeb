"""The memory ceiling, what is measured, and workers that keep too much."""

from __future__ import annotations

import mmap
import os
import time

import numpy as np

from modelwright.core import Outcome
from modelwright.execution import memory
from modelwright.execution.memory import MemoryGauge, TreeGauge, descendants, pss_bytes

MEGABYTE = 2**20


def test_growth_beyond_the_ceiling_is_ended(make_executor, run_all, task):
    ceiling = pss_bytes(os.getpid()) + 500 * MEGABYTE
    executor = make_executor(2, memory_bytes=ceiling)
    reports = run_all(
        executor,
        task("grow", "hog", megabytes=4000, stay=5.0),
        task("grow", "modest", megabytes=60, stay=1.0),
    )
    assert reports["hog"].outcome is Outcome.OOM
    assert "allowed" in reports["hog"].error
    assert reports["hog"].peak_bytes > 250 * MEGABYTE
    assert reports["modest"].outcome is Outcome.DONE
    assert reports["modest"].peak_bytes > 50 * MEGABYTE
    assert ceiling < executor.peak_memory_bytes < ceiling + 500 * MEGABYTE
    assert run_all(executor, task("describe"))["describe"].outcome is Outcome.DONE


def test_the_kill_does_not_wait_for_the_driver(make_executor, task, wait_until, gone):
    executor = make_executor(memory_bytes=pss_bytes(os.getpid()) + 300 * MEGABYTE)
    [pid] = executor.worker_pids
    executor.submit(task("grow", megabytes=4000, stay=50.0))
    wait_until(lambda: gone(pid))  # the driver does something else and does not look
    [report] = executor.wait()
    assert report.outcome is Outcome.OOM


def test_one_huge_allocation_is_refused_and_the_worker_lives(make_executor, run_all, task):
    executor = make_executor(memory_bytes=2000 * MEGABYTE)
    pid = run_all(executor, task("describe", "a"))["a"].result["pid"]
    report = run_all(executor, task("allocate", gigabytes=50))["allocate"]
    assert report.outcome is Outcome.OOM
    after = run_all(executor, task("describe", "b"))["b"].result
    assert after["pid"] == pid


def test_what_means_out_of_memory(make_executor, run_all, task):
    reports = run_all(make_executor(), task("memory_error"), task("native_allocation_failure"))
    assert [report.outcome for report in reports.values()] == [Outcome.OOM] * 2


def test_a_worker_that_grew_is_replaced_between_tasks(make_executor, run_all, task):
    executor = make_executor(idle_growth_bytes=100 * MEGABYTE)
    small = run_all(executor, task("hoard", "small", megabytes=40))["small"].result
    kept = run_all(executor, task("hoard", "kept", megabytes=0))["kept"].result
    assert kept == {"pid": small["pid"], "kept": True}
    run_all(executor, task("hoard", "big", megabytes=200))
    fresh = run_all(executor, task("hoard", "after", megabytes=0))["after"].result
    assert fresh["pid"] != small["pid"]
    assert not fresh["kept"]


def test_a_cache_is_given_up_before_a_task(make_executor, run_all, task):
    executor = make_executor(
        2, memory_bytes=pss_bytes(os.getpid()) + 520 * MEGABYTE, idle_growth_bytes=2000 * MEGABYTE
    )
    # The first worker is busy, so the second one keeps the memory; the first one gets the next task.
    run_all(executor, task("sleep", seconds=0.6), task("hoard", megabytes=250))
    reports = run_all(executor, task("grow", "one", megabytes=300, stay=0.6))
    assert reports["one"].outcome is Outcome.DONE
    assert executor.peak_memory_bytes > pss_bytes(os.getpid()) + 500 * MEGABYTE


def test_shared_pages_are_counted_once(tmp_path):
    np.save(tmp_path / "view.npy", np.ones(100 * 2**17))
    before = pss_bytes(os.getpid())
    views = [np.load(tmp_path / "view.npy", mmap_mode="r") for _ in range(3)]
    assert sum(float(view.sum()) for view in views) == 3 * 100 * 2**17
    assert 80 * MEGABYTE < pss_bytes(os.getpid()) - before < 130 * MEGABYTE


def test_estimates_follow_growth():
    gauge = TreeGauge(os.getpid())
    # Mapped, not allocated: an allocator may hand out pages again that are resident already.
    with mmap.mmap(-1, 100 * MEGABYTE) as block:
        exact = gauge.measure()
        block.write(bytes(len(block)))
        assert 90 * MEGABYTE < gauge.estimate() - exact < 120 * MEGABYTE


def test_an_exact_figure_is_renewed_when_it_is_old_enough():
    gauge = MemoryGauge(os.getpid())
    gauge.measure()
    known = gauge._shared
    gauge._shared = known + 10**15  # nothing is so large: an estimate from it is zero
    assert gauge.estimate(every=1000.0) == 0
    assert gauge.estimate(every=0.0) > MEGABYTE


def test_a_process_that_is_gone_uses_nothing():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert pss_bytes(pid) == 0
    assert TreeGauge(pid).estimate() == 0
    assert descendants(pid) == []


def test_systems_without_proc(monkeypatch):
    exact = pss_bytes(os.getpid())
    monkeypatch.setattr(memory, "_LINUX", False)
    assert 0.5 < pss_bytes(os.getpid()) / exact < 2.0


def test_supervision_costs_little(make_executor, task):
    executor = make_executor(2, memory_bytes=2**33)
    executor.submit(task("sleep", seconds=1.5))
    time.sleep(0.5)
    before = time.process_time()
    time.sleep(1.0)
    assert time.process_time() - before < 0.08
    assert len(executor.wait()) == 1
