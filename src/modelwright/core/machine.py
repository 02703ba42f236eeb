"""What this machine, or the container around this process, lets a process use: threads and memory.

Containers and batch systems bound processes by control groups (cgroups), of version 2 (one tree) or version 1
(a tree for each resource). A group is bound by its own limits and by those of every group above it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available_memory", "available_threads", "memory_ceiling"]

_ROOT = Path("/")

_GROUPS = "sys/fs/cgroup"

_UNTOLD = 8 * 2**30
"""Free memory where the system does not tell it."""

_NO_LIMIT = 2**60
"""From here on a number means that there is no limit: version 1 writes 2^63 less a page."""


def available_threads(root: Path = _ROOT) -> int:
    """Processor threads this process may use: affinity and cgroup quotas are respected.

    A quota of one and a half processors counts as one: two busy threads would be stopped by turns.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for group in _groups("cpu", root):
        quota, period = _quota(group)
        if quota > 0 and period > 0:
            threads = min(threads, quota // period)
    return max(1, threads)


def available_memory(root: Path = _ROOT) -> int:
    """Bytes that can be used now: what is free on the machine, or what cgroups leave.

    Files in the page cache that were not used lately count as free: the kernel drops them first.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    free = _UNTOLD
    for line in (_read(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    for group in _groups("memory", root):
        limit = _limit(group)
        if limit is not None:
            free = min(free, max(0, limit - _used(group)))
    return free


def memory_ceiling(root: Path = _ROOT) -> int | None:
    """The smallest limit of memory among the cgroups of this process in bytes; None if there is none.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    limits = [limit for group in _groups("memory", root) if (limit := _limit(group)) is not None]
    return min(limits, default=None)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Directories of the groups of this process that bound a resource, from its own to the topmost one.

    Inside a container the path that the kernel tells may be that on the host, which is not mounted here: what
    is there is the container's own group, at the top.
    """
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0":
            tops = [root / _GROUPS, root / _GROUPS / "unified"]
        elif controller in controllers.split(","):
            tops = [root / _GROUPS / name for name in dict.fromkeys((controllers, controller))]
        else:
            continue
        top = next((top for top in tops if (top / "cgroup.procs").exists()), tops[0])
        parts = [part for part in path.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            yield top.joinpath(*parts[:depth])


def _quota(group: Path) -> tuple[int, int]:
    """Microseconds of processor time in each period, and the period; 0 for no quota."""
    quota, _, period = (_read(group / "cpu.max") or "").partition(" ")
    if not quota:
        quota = _read(group / "cpu.cfs_quota_us") or ""
        period = _read(group / "cpu.cfs_period_us") or ""
    return _number(quota) or 0, _number(period) or 0


def _limit(group: Path) -> int | None:
    """Bytes a group may use. Above ``memory.high`` the kernel slows processes down: it counts, too."""
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    limits = [_number(_read(group / name)) for name in names]
    return min((limit for limit in limits if limit is not None and limit < _NO_LIMIT), default=None)


def _used(group: Path) -> int:
    """Bytes a group uses that the kernel cannot simply take back."""
    used = _number(_read(group / "memory.current")) or _number(_read(group / "memory.usage_in_bytes")) or 0
    told = dict(
        line.split(" ", 1) for line in (_read(group / "memory.stat") or "").splitlines() if " " in line
    )
    idle = _number(told.get("total_inactive_file") or told.get("inactive_file")) or 0
    return max(0, used - idle)


def _number(text: str | None) -> int | None:
    """A count; None for ``max``, ``-1`` and what is no number."""
    return int(text) if text and text.strip().isdigit() else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return None
