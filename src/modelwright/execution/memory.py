"""How much memory processes use: proportional set size, cheap estimates of it, process trees.

The proportional set size (PSS) counts a page that several processes share (libraries, memory-mapped
views) once in the sum over them, so it is the only figure that can be added up. Reading it makes the
kernel walk the page tables (3 to 10 ms for a worker with a few hundred MB); the resident size costs 25
microseconds. So the difference of the two is measured now and then, and added to the resident size
between.
"""

from __future__ import annotations

import os
import time

__all__ = ["MemoryGauge", "TreeGauge", "data_bytes", "descendants", "private_bytes", "pss_bytes"]

_PAGE = os.sysconf("SC_PAGE_SIZE")

_LINUX = os.path.exists("/proc/self/smaps_rollup")

_EXACT_EVERY_SECONDS = 1.0

_TREE_EVERY_SECONDS = 0.5


def _read(path: str) -> bytes | None:
    try:
        # os.open: a plain read without the buffers of a file object, 20 times a second.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _statm(pid: int | str) -> list[int] | None:
    text = _read(f"/proc/{pid}/statm")
    return [int(field) * _PAGE for field in text.split()] if text else None


def _psutil_bytes(pid: int) -> int:
    import psutil

    try:
        process = psutil.Process(pid)
        try:
            used = process.memory_full_info()
        except psutil.AccessDenied:
            return int(process.memory_info().rss)
        return int(getattr(used, "pss", 0) or used.uss)
    except psutil.Error:
        return 0


def resident_bytes(pid: int) -> int:
    """The resident set size; 0 when the process is gone."""
    if not _LINUX:
        return _psutil_bytes(pid)
    sizes = _statm(pid)
    return sizes[1] if sizes else 0


def pss_bytes(pid: int) -> int:
    """The proportional set size; 0 when the process is gone.

    Where the kernel does not tell it (other systems than Linux), the unique or the resident size.

    Examples
    --------
    >>> pss_bytes(os.getpid()) > 1_000_000
    True
    """
    if not _LINUX:
        return _psutil_bytes(pid)
    for line in (_read(f"/proc/{pid}/smaps_rollup") or b"").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def private_bytes() -> int:
    """Memory of this process that is not backed by files: what a cache or a leak makes grow.

    Examples
    --------
    >>> 1_000_000 < private_bytes() < 100 * 2**30
    True
    """
    sizes = _statm("self")
    return sizes[1] - sizes[2] if sizes is not None else _psutil_bytes(os.getpid())


def data_bytes() -> int | None:
    """What `RLIMIT_DATA` is compared with: private writable mappings; None where it is not told."""
    for line in (_read("/proc/self/status") or b"").splitlines():
        if line.startswith(b"VmData:"):
            return int(line.split()[1]) * 1024
    return None


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started.

    Examples
    --------
    >>> descendants(os.getpid())
    []
    """
    found: list[int] = []
    pending = [pid]
    while pending:
        parent = pending.pop()
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except OSError:
            continue
        for thread in threads:
            children = _read(f"/proc/{parent}/task/{thread}/children") or b""
            pending += map(int, children.split())
            found += map(int, children.split())
    return found


class MemoryGauge:
    """The proportional set size of one process, measured seldom and estimated in between.

    Parameters
    ----------
    pid : int
        The process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._shared = 0
        self._measured_at = float("-inf")

    def estimate(self, every: float = _EXACT_EVERY_SECONDS) -> int:
        """Bytes, at the cost of a resident-size reading; never far below the truth.

        Parameters
        ----------
        every : float, default 1.0
            Seconds after which they are measured exactly again.
        """
        if time.monotonic() - self._measured_at > every:
            return self.measure()
        return max(0, resident_bytes(self.pid) - self._shared)

    def measure(self) -> int:
        """Bytes, exactly."""
        exact = pss_bytes(self.pid)
        self._shared = max(0, resident_bytes(self.pid) - exact)
        self._measured_at = time.monotonic()
        return exact


class TreeGauge:
    """The summed proportional set size of a process and its descendants.

    Parameters
    ----------
    pid : int
        The root of the tree.

    Examples
    --------
    >>> gauge = TreeGauge(os.getpid())
    >>> 0.5 < gauge.estimate() / gauge.measure() < 2.0
    True
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._gauges = {pid: MemoryGauge(pid)}
        self._listed_at = float("-inf")

    def estimate(self, every: float = _EXACT_EVERY_SECONDS) -> int:
        """Bytes, cheaply; see `MemoryGauge`."""
        if time.monotonic() - self._listed_at > _TREE_EVERY_SECONDS:
            known = [self.pid, *descendants(self.pid)]
            self._gauges = {pid: self._gauges.get(pid) or MemoryGauge(pid) for pid in known}
            self._listed_at = time.monotonic()
        return sum(gauge.estimate(every) for gauge in self._gauges.values())

    def measure(self) -> int:
        """Bytes, exactly."""
        return sum(gauge.measure() for gauge in self._gauges.values())
