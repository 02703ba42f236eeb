"""One worker process: how it is started, what it inherits, how it is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from modelwright.core.errors import ModelwrightError
from modelwright.core.tasks import Outcome, TaskSpec
from modelwright.execution.memory import TreeGauge, descendants
from modelwright.execution.protocol import Channel

__all__ = ["Assignment", "WorkerProcess", "WorkerSettings", "kill_process"]

_TAIL_BYTES = 8192


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker of an executor is started with.

    Attributes
    ----------
    threads : int
        Threads of one worker.
    preload : tuple of str
        Modules to import before the first task, as long as there is none.
    environment : mapping
        Variables on top of the driver's own.
    directory : str or None
        Working directory; None is the driver's.
    """

    threads: int = 1
    preload: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None

    def variables(self) -> dict[str, str]:
        """The complete environment of a worker.

        Examples
        --------
        >>> WorkerSettings(threads=2).variables()["OMP_NUM_THREADS"]
        '2'
        """
        threads = str(self.threads)
        # The driver's whole search path, in its order: the package may have been found through it.
        paths = [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(entry for entry in paths if os.pathsep not in entry),
            "PYTHONHASHSEED": "0",
            # Waiting threads that spin steal the processor from the other workers.
            "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "POLARS_MAX_THREADS": threads,
            **self.environment,
        }


@dataclass
class Assignment:
    """A task that a worker was given, and what has become of it.

    Attributes
    ----------
    begun : bool
        Whether the worker said that it has started.
    kill_at : float
        The moment when the worker is killed; infinite where the task has no deadline.
    verdict, reason : Outcome or None, str
        Set by whoever ends the worker, before doing so.
    """

    spec: TaskSpec
    assigned_at: float = field(default_factory=time.monotonic)
    begun: bool = False
    kill_at: float = float("inf")
    peak_bytes: int = 0
    verdict: Outcome | None = None
    reason: str = ""


class WorkerProcess:
    """A running worker, as the driver sees it.

    Starting never imports the caller's main module: the worker is a fresh interpreter that runs
    ``modelwright.execution.worker``. It dies with the driver by two means, because each has a hole:

    - A *lifeline*: the read end of a pipe whose write end only the driver holds, with the kernel asked
      to send SIGKILL when it closes (``O_ASYNC``, ``F_SETOWN``, ``F_SETSIG``). It needs no thread and
      no interpreter lock in the worker. A process that the driver *forks* keeps the write end open.
    - ``PR_SET_PDEATHSIG``, which covers that. But it fires when the starting *thread* ends, so it is
      only asked for by the driver's main thread.

    Parameters
    ----------
    settings : WorkerSettings
        What it is started with.

    Raises
    ------
    ModelwrightError
        If no process can be started at all.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        if not sys.executable:
            raise ModelwrightError(
                "Workers are started with the Python interpreter, but sys.executable is empty. "
                "Run from an ordinary interpreter, or use the 'inline' executor."
            )
        ours, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        on_main_thread = threading.get_native_id() == os.getpid()
        command = [sys.executable, "-P", "-m", "modelwright.execution.worker"]
        command += [str(value) for value in (theirs.fileno(), lifeline, os.getpid(), int(on_main_thread))]
        try:
            self._process = _popen(command, settings, output, (theirs.fileno(), lifeline))
        except OSError as error:
            ours.close()
            os.close(self._lifeline)
            os.close(self._output)
            raise ModelwrightError(
                f"A worker process could not be started: {error}. Free some memory or processes."
            ) from error
        finally:
            theirs.close()
            os.close(lifeline)
            os.close(output)
        self.pid = self._process.pid
        self.channel = Channel(ours)
        self.gauge = TreeGauge(self.pid)
        self.started_at = time.monotonic()
        self.ready = False
        self.loaded = False
        self.doomed = False
        self.retiring = False
        self.start_failed = False
        self.assignment: Assignment | None = None
        self.memory_bytes = 0
        self.idle_baseline: int | None = None
        self._tail = bytearray()
        self._output_open = True
        self.handle = _process_handle(self.pid)
        self.channel.post({"kind": "setup", "preload": list(settings.preload), "threads": settings.threads})

    @property
    def output_fileno(self) -> int | None:
        """Where its standard output and error arrive; None once they are closed."""
        return self._output if self._output_open else None

    def drain_output(self) -> None:
        """Take what it printed, keeping the end. Called by one thread at a time."""
        while self._output_open:
            try:
                data = os.read(self._output, 65536)
            except (BlockingIOError, InterruptedError):
                return
            if not data:
                self._output_open = False
            self._tail += data
            del self._tail[:-_TAIL_BYTES]
            if len(data) < 65536:
                return

    def last_lines(self, count: int = 20) -> str:
        """The end of what it printed."""
        return "\n".join(self._tail.decode("utf-8", "replace").splitlines()[-count:])

    def forget_output(self) -> None:
        """Forget what it printed so far: a new task begins."""
        self._tail.clear()

    def kill(self) -> None:
        """End it and everything that it started, at once. It is reaped by `reap`."""
        self.doomed = True
        kill_process(self._process)

    def hang_up(self) -> None:
        """Ask an idle worker to end by itself."""
        self.doomed = True
        self.channel.close()

    @property
    def alive(self) -> bool:
        """Whether the process runs still."""
        return self._process.poll() is None

    def reap(self, grace: float = 0.0) -> int:
        """Wait for its end (killing it after ``grace`` seconds), free everything, return its exit code."""
        try:
            code = self._process.wait(grace) if grace > 0 else self._process.poll()
        except subprocess.TimeoutExpired:
            code = None
        if code is None:
            kill_process(self._process)
            code = self._process.wait()
        self.drain_output()
        self._output_open = False
        self.channel.close()
        for descriptor in (self._lifeline, self._output, self.handle):
            if descriptor is not None:
                os.close(descriptor)
        return code


def kill_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its descendants."""
    others = descendants(process.pid)
    process.kill()
    for pid in others:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _popen(
    command: Sequence[str], settings: WorkerSettings, output: int, inherited: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    """Start a worker with SIGINT blocked until it ignores it: Ctrl-C belongs to the driver alone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=settings.directory,
            env=settings.variables(),
            # Only its own ends: a worker that held another's would keep that one's line open.
            pass_fds=inherited,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _process_handle(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends, where the kernel has such."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
