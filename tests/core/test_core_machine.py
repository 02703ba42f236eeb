"""Threads and memory inside containers: nested cgroups of both versions, in a directory that is the root."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core import Budget
from modelwright.core.machine import available_memory, available_threads, memory_ceiling

MB = 2**20
NO_LIMIT_V1 = "9223372036854771712"


def machine(root: Path, cgroup: str, files: dict[str, str], free_kb: int = 64 * 2**20) -> Path:
    """A root directory with what the kernel would tell."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    (root / "proc/meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable:   {free_kb} kB\n")
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def threads_of(monkeypatch: pytest.MonkeyPatch, root: Path, cores: int = 16) -> int:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(cores)))
    return available_threads(root)


@pytest.mark.parametrize(
    ("quota", "threads"),
    [("400000 100000", 4), ("max 100000", 16), ("150000 100000", 1), ("20000 100000", 1), ("25000 12500", 2)],
)
def test_a_quota_of_version_2_bounds_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, threads: int
) -> None:
    root = machine(tmp_path, "0::/job\n", {"job/cpu.max": quota})
    assert threads_of(monkeypatch, root) == threads


def test_the_smallest_quota_on_the_way_to_the_top_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a/b/c/cpu.max": "max 100000", "a/b/cpu.max": "300000 100000", "a/cpu.max": "800000 100000"}
    assert threads_of(monkeypatch, machine(tmp_path, "0::/a/b/c\n", files)) == 3


@pytest.mark.parametrize("directory", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize(("quota", "threads"), [("250000", 2), ("-1", 16), ("0", 16)])
def test_a_quota_of_version_1_bounds_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: str, quota: str, threads: int
) -> None:
    group = f"{directory}/docker/x"
    files = {
        f"{directory}/cgroup.procs": "",
        f"{group}/cpu.cfs_quota_us": quota,
        f"{group}/cpu.cfs_period_us": "100000",
    }
    root = machine(tmp_path, "4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n", files)
    assert threads_of(monkeypatch, root) == threads


def test_a_container_whose_path_is_not_mounted_is_bound_by_what_stands_at_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "200000",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/cgroup.procs": "",
        "memory/memory.limit_in_bytes": str(700 * MB),
    }
    root = machine(tmp_path, "5:cpu,cpuacct:/docker/0a1b\n6:memory:/docker/0a1b\n", files)
    assert threads_of(monkeypatch, root) == 2
    assert available_memory(root) == memory_ceiling(root) == 700 * MB


def test_more_quota_than_cores_adds_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = machine(tmp_path, "0::/\n", {"cpu.max": "6400000 100000"})
    assert threads_of(monkeypatch, root, cores=2) == 2


def test_memory_of_version_2_is_the_limit_less_what_is_used_for_good(tmp_path: Path) -> None:
    files = {
        "a/b/memory.max": "max",
        "a/memory.max": str(1000 * MB),
        "a/memory.current": str(600 * MB),
        "a/memory.stat": f"anon 1\ninactive_file {200 * MB}\nactive_file 5",
    }
    root = machine(tmp_path, "0::/a/b\n", files)
    assert available_memory(root) == 600 * MB
    assert memory_ceiling(root) == 1000 * MB


def test_memory_of_version_1_counts_every_group_above(tmp_path: Path) -> None:
    files = {
        "memory/a/b/memory.limit_in_bytes": str(3000 * MB),
        "memory/a/b/memory.usage_in_bytes": str(100 * MB),
        "memory/a/memory.limit_in_bytes": str(2000 * MB),
        "memory/a/memory.usage_in_bytes": str(900 * MB),
        "memory/a/memory.stat": f"inactive_file 7\ntotal_inactive_file {100 * MB}",
        "memory/memory.limit_in_bytes": NO_LIMIT_V1,
        "memory/memory.usage_in_bytes": str(50_000 * MB),
    }
    root = machine(tmp_path, "9:memory:/a/b\n0::/\n", files)
    assert available_memory(root) == 1200 * MB
    assert memory_ceiling(root) == 2000 * MB


@pytest.mark.parametrize("limit", ["max", NO_LIMIT_V1, "-1", "", "none"])
def test_what_is_no_limit_bounds_nothing(tmp_path: Path, limit: str) -> None:
    files = {"memory.max": limit, "memory/memory.limit_in_bytes": limit}
    root = machine(tmp_path, "0::/\n2:memory:/\n", files, free_kb=1024)
    assert available_memory(root) == MB
    assert memory_ceiling(root) is None


def test_a_group_that_is_slowed_down_earlier_counts_from_there(tmp_path: Path) -> None:
    root = machine(tmp_path, "0::/j\n", {"j/memory.max": str(900 * MB), "j/memory.high": str(800 * MB)})
    assert available_memory(root) == 800 * MB


def test_a_machine_that_tells_nothing_has_something(tmp_path: Path) -> None:
    assert available_threads(tmp_path) >= 1
    assert available_memory(tmp_path) > 0


def test_a_limit_above_the_container_s_is_lowered_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwright.core.budget.memory_ceiling", lambda: 600 * MB)
    assert Budget.of(memory_limit="8GB").memory_bytes == 600 * MB
    assert Budget.of(memory_limit="550MB").memory_bytes == 550 * MB
