"""The worker process: ``python -m modelwright.execution.worker``, started by `WorkerProcess` only."""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import fcntl
import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import Any

from modelwright.core.fitting import Deadline
from modelwright.execution.entries import WorkerContext, call_entry
from modelwright.execution.memory import data_bytes, private_bytes
from modelwright.execution.protocol import Channel

_PR_SET_PDEATHSIG = 1

_TIDY_AFTER_SECONDS = 0.05
"""Tasks shorter than this are not followed by a collection: it would cost as much as they do."""

_MANY_MODULES = 50
"""So many modules that a task loaded are set aside from later collections, as those loaded ahead are: with
torch, which has 800, each collection takes 0.08 s."""


def main(arguments: list[str]) -> None:
    """Serve the driver until it hangs up.

    Parameters
    ----------
    arguments : list of str
        Descriptor of the line, descriptor of the lifeline, process id of the driver, and ``1`` if the
        driver's main thread started this worker.
    """
    line, lifeline, driver, on_main_thread = map(int, arguments)
    # The driver blocked SIGINT before the start; from here on it is ignored.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for descriptor in (line, lifeline):
        os.set_inheritable(descriptor, False)
    _die_with_driver(lifeline, driver, bool(on_main_thread))
    faulthandler.enable()
    try:
        Worker(Channel(socket.socket(fileno=line))).serve()
    except SystemExit as leaving:
        # A task called sys.exit(): the line must not close before the process is gone.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None))
    # What libraries registered (temporary folders) is tidied; tearing down modules is a waste of time.
    atexit._run_exitfuncs()
    os._exit(0)


def _die_with_driver(lifeline: int, driver: int, on_main_thread: bool) -> None:
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    else:
        # Other systems: a thread, which a long call that holds the interpreter lock holds up.
        threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
    if sys.platform == "linux" and on_main_thread:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The driver may have died before its death could be noticed by the above.
    if os.getppid() != driver or select.select([lifeline], [], [], 0)[0]:
        os._exit(1)


def _watch(lifeline: int) -> None:
    with suppress(OSError):
        os.read(lifeline, 1)
    os._exit(1)


class Worker:
    """Does one task after the other.

    Parameters
    ----------
    channel : Channel
        The line to the driver.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._cache: dict[str, Any] = {}
        self._threads = 1
        self._frozen_modules = 0

    def serve(self) -> None:
        """Answer messages until the driver hangs up."""
        setup = self._channel.receive()
        if setup is None:
            return
        self._threads = int(setup["threads"])
        self._channel.send({"kind": "ready"})
        modules = list(setup["preload"])
        loaded = False
        while True:
            # One module at a time, on this thread: a task that has arrived waits for one import at most,
            # and two threads that import at once may see each other's half-made modules.
            while modules and not self._channel.has_message():
                _preload(modules.pop(0))
            if not modules and not loaded:
                loaded = True
                self._freeze()
                self._channel.send({"kind": "idle", "bytes": private_bytes()})
            message = self._channel.receive()
            if message is None:
                return
            try:
                self._do(message)
            except OSError:
                return  # the driver hung up meanwhile

    def _do(self, message: dict[str, Any]) -> None:
        self._channel.send({"kind": "started", "at": time.monotonic()})
        context = WorkerContext(
            deadline=Deadline.after(message["seconds"]),
            threads=self._threads,
            memory_bytes=message["memory_bytes"],
            cache=self._cache,
            attempt=message["attempt"],
        )
        _limit_data(message["data_growth"])
        ending = call_entry(message["entry"], message["parameters"], context)
        _limit_data(None)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        if ending.wall_seconds > _TIDY_AFTER_SECONDS:
            _tidy()
            if self._frozen_modules and len(sys.modules) > self._frozen_modules + _MANY_MODULES:
                self._freeze()
        self._channel.send({"kind": "ended", "bytes": private_bytes(), **vars(ending)})

    def _freeze(self) -> None:
        """What is loaded stays: later collections need not look at it."""
        gc.collect()
        gc.freeze()
        self._frozen_modules = len(sys.modules)


def _preload(module: str) -> None:
    gc.disable()  # a sixth of the time of an import went into collections that find nothing to free
    try:
        importlib.import_module(module)
    except Exception as error:
        # The task that needs it will say so; until then it is only a lost head start.
        sys.stderr.write(f"Could not preload {module!r}: {error}\n")
    finally:
        gc.enable()


def _limit_data(growth: int | None) -> None:
    """Let the private memory grow by so many bytes from now on; None: without limit.

    The limit turns most runaway allocations into a MemoryError that the worker survives.
    """
    now = data_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = hard
    if growth is not None and now is not None:
        limit = now + growth if hard == resource.RLIM_INFINITY else min(now + growth, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _tidy() -> None:
    """Free what the task left behind, and give free memory back to the system."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc only


if __name__ == "__main__":
    main(sys.argv[1:])
