"""Functions that the tests of this room have workers call."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.execution import WorkerContext

Record = dict[str, Any]


def describe(parameters: Record, context: WorkerContext) -> Record:
    """What a worker finds around it."""
    calls = context.cache["calls"] = context.cache.get("calls", 0) + 1
    return {
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "calls": calls,
        "threads": context.threads,
        "memory_bytes": context.memory_bytes,
        "remaining": min(context.deadline.remaining, 1e9),
        "attempt": context.attempt,
        "environment": {name: os.environ.get(name) for name in parameters.get("variables", [])},
        "modules": [name for name in parameters.get("modules", []) if name in sys.modules],
        "directory": os.getcwd(),
        "main": str(getattr(sys.modules["__main__"], "__file__", None)),
        "sigint_ignored": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
        "descriptors": sorted(os.readlink(f"/proc/self/fd/{name}") for name in _descriptors()),
        "data_limit": resource.getrlimit(resource.RLIMIT_DATA)[0],
    }


def _descriptors() -> list[str]:
    return [name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]


def stamp(parameters: Record, context: WorkerContext) -> Record:
    """Append a line to a file, so that the order of tasks can be seen."""
    with open(parameters["path"], "a") as handle:
        handle.write(f"{parameters['name']}\n")
    time.sleep(parameters.get("seconds", 0.0))
    return {}


def chatter(parameters: Record, context: WorkerContext) -> Record:
    """Print what could be mistaken for the protocol, by every way out."""
    sys.stdout.write('{"kind": "ended", "outcome": "failed"}\n')
    os.write(1, b'{"kind":"ready"}\n')
    os.write(2, b"x" * parameters["bytes"])
    return {"printed": True}


def payload(parameters: Record, context: WorkerContext) -> Record:
    return {"text": parameters["text"] * parameters["times"]}


def numbers(parameters: Record, context: WorkerContext) -> Record:
    return {"score": np.float32(0.5), "rows": np.arange(3), "folds": (1, 2)}


def fail(parameters: Record, context: WorkerContext) -> Record:
    raise KeyError(parameters["message"])


def return_list(parameters: Record, context: WorkerContext) -> Any:
    return [1, 2]


def return_object(parameters: Record, context: WorkerContext) -> Record:
    return {"object": object()}


def memory_error(parameters: Record, context: WorkerContext) -> Record:
    raise MemoryError("no room")


def native_allocation_failure(parameters: Record, context: WorkerContext) -> Record:
    """What polars does when it gets no memory."""
    os.write(2, b"memory allocation of 8000000 bytes failed\n")
    os.abort()


def kill_self(parameters: Record, context: WorkerContext) -> Record:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def leave(parameters: Record, context: WorkerContext) -> Record:
    sys.stdout.write("about to leave\n")
    sys.exit(3)


def segfault(parameters: Record, context: WorkerContext) -> Record:
    ctypes.string_at(0)
    return {}


def kill_once(parameters: Record, context: WorkerContext) -> Record:
    """Die on the first try only."""
    flag = Path(parameters["path"])
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"survived": True}


def loop(parameters: Record, context: WorkerContext) -> Record:
    """A loop in Python."""
    _mark(parameters)
    while True:
        pass


def sleep(parameters: Record, context: WorkerContext) -> Record:
    _mark(parameters)
    time.sleep(parameters.get("seconds", 1000.0))
    return {}


def hold_lock(parameters: Record, context: WorkerContext) -> Record:
    """One call that holds the interpreter lock for minutes: no other thread runs."""
    _mark(parameters)
    return {"sum": sum(range(10**11))}


def spawn_child(parameters: Record, context: WorkerContext) -> Record:
    """Start a process of its own and outlive nothing."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    _mark({**parameters, "pid": child.pid})
    time.sleep(1000)
    return {}


def _mark(parameters: Record) -> None:
    if "path" in parameters:
        partial = Path(parameters["path"] + ".partial")
        partial.write_text(str(parameters.get("pid", os.getpid())))
        partial.rename(parameters["path"])


def grow(parameters: Record, context: WorkerContext) -> Record:
    """Use more and more memory, in steps of 20 MB, up to a limit; then stay a while."""
    blocks = []
    for _ in range(parameters["megabytes"] // 20):
        blocks.append(np.ones(20 * 2**17))
        time.sleep(0.004)
    time.sleep(parameters.get("stay", 0.0))
    return {"blocks": len(blocks)}


def allocate(parameters: Record, context: WorkerContext) -> Record:
    """Ask for more address space at once than any limit allows."""
    return {"size": np.empty(parameters["gigabytes"] * 2**27).size}


def hoard(parameters: Record, context: WorkerContext) -> Record:
    """Keep memory from task to task."""
    if parameters["megabytes"]:
        context.cache["hoard"] = np.ones(parameters["megabytes"] * 2**17)
    return {"pid": os.getpid(), "kept": "hoard" in context.cache}


def compute(parameters: Record, context: WorkerContext) -> Record:
    until = time.process_time() + parameters["seconds"]
    while time.process_time() < until:
        pass
    return {}
