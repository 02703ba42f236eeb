"""Calling the function that a task names, and turning whatever happens into plain data."""

from __future__ import annotations

import errno
import importlib
import json
import os
import re
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.errors import ModelwrightError, OptionError
from modelwright.core.fitting import Deadline
from modelwright.core.hashing import to_jsonable
from modelwright.core.tasks import Outcome, TaskSpec

__all__ = ["Ending", "WorkerContext", "call_entry", "check_spec", "is_allocation_failure", "json_parameters"]

_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

_DETAIL_CHARACTERS = 20_000

_ALLOCATION_FAILURES = (
    "bad_alloc",  # C++: LightGBM, CatBoost, XGBoost
    "bad allocation",
    "memory allocation of",  # Rust: polars, which aborts after it
    "cannot allocate memory",
    "unable to allocate",
    "thread creation failed",  # libgomp, when no stack can be mapped
    "can't start new thread",
)


@dataclass(frozen=True)
class WorkerContext:
    """What a task may know about the worker that runs it; the second argument of every entry function.

    Attributes
    ----------
    deadline : Deadline
        When the task should have stopped by itself.
    threads : int
        Processor threads it may use.
    memory_bytes : int or None
        Bytes the whole worker should stay below; ``None`` where there is no limit.
    cache : dict
        Lives as long as the worker: binned data, opened views. It is lost when the worker is replaced.
    attempt : int
        0 for the first try.

    Examples
    --------
    >>> context = WorkerContext(Deadline(None), threads=2)
    >>> context.cache.setdefault("view", "opened once")
    'opened once'
    """

    deadline: Deadline = field(default_factory=Deadline)
    threads: int = 1
    memory_bytes: int | None = None
    cache: dict[str, Any] = field(default_factory=dict)
    attempt: int = 0


@dataclass(frozen=True)
class Ending:
    """How a call ended, seen from the process that made it; the fields are those of `TaskReport`."""

    outcome: Outcome
    result: dict[str, Any] | None = None
    error: str = ""
    detail: str = ""
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


def check_spec(spec: TaskSpec) -> None:
    """Refuse a task that no worker could run, where the mistake was made.

    Raises
    ------
    OptionError
        If the entry is not like ``"module:function"``.

    Examples
    --------
    >>> check_spec(TaskSpec("1", "json.dumps", {}))
    Traceback (most recent call last):
        ...
    modelwright.core.errors.OptionError: The entry of task '1' must be like 'module:function', but came \
as 'json.dumps'.
    """
    if not isinstance(spec.entry, str) or not _ENTRY.fullmatch(spec.entry):
        raise OptionError(
            f"The entry of task {spec.id!r} must be like 'module:function', but came as {spec.entry!r}."
        )


def json_parameters(spec: TaskSpec) -> dict[str, Any]:
    """The parameters as they look on the other side of the pipe.

    Raises
    ------
    OptionError
        If they are not JSON-able.

    Examples
    --------
    >>> json_parameters(TaskSpec("1", "json:dumps", {"rows": (1, 2)}))
    {'rows': [1, 2]}
    """
    try:
        parameters: dict[str, Any] = json.loads(json.dumps(dict(spec.parameters)))
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"The parameters of task {spec.id!r} must be JSON-able, but are not: {error}. "
            f"Write large data to a file and pass its path."
        ) from error
    return parameters


def is_allocation_failure(text: str) -> bool:
    """Whether an error text of a native library means that memory could not be had.

    Examples
    --------
    >>> is_allocation_failure("LightGBMError: std::bad_alloc"), is_allocation_failure("no such file")
    (True, False)
    """
    folded = text.casefold()
    return any(words in folded for words in _ALLOCATION_FAILURES)


def call_entry(entry: str, parameters: dict[str, Any], context: WorkerContext) -> Ending:
    """Import a function, call it, and describe the outcome; ordinary exceptions do not escape.

    Parameters
    ----------
    entry : str
        ``"module:function"``.
    parameters : dict
        First argument of the function.
    context : WorkerContext
        Second argument of the function.

    Returns
    -------
    Ending
        DONE with the returned mapping, FAILED with one sentence and the traceback, or OOM where the
        function could not get memory.

    Examples
    --------
    >>> call_entry("operator:truediv", {}, WorkerContext()).outcome
    <Outcome.FAILED: 'failed'>
    """
    wall, cpu = time.monotonic(), _cpu_seconds()
    outcome, result, error, detail = Outcome.DONE, None, "", ""
    try:
        result = _checked_result(entry, _load(entry)(parameters, context))
    except Exception as problem:
        outcome = Outcome.OOM if _lacked_memory(problem) else Outcome.FAILED
        error, detail = _sentence(problem), traceback.format_exc()[-_DETAIL_CHARACTERS:]
    return Ending(outcome, result, error, detail, time.monotonic() - wall, _cpu_seconds() - cpu)


def _load(entry: str) -> Callable[[dict[str, Any], WorkerContext], Any]:
    module, _, name = entry.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in name.split("."):
        found = getattr(found, attribute)
    function: Callable[[dict[str, Any], WorkerContext], Any] = found
    return function


def _checked_result(entry: str, result: Any) -> dict[str, Any]:
    if not isinstance(result, Mapping):
        raise ModelwrightError(
            f"The task function {entry!r} must return a mapping, but returned {type(result).__name__}."
        )
    try:
        # The round trip makes the result what the driver would read, in any executor.
        checked: dict[str, Any] = json.loads(json.dumps(to_jsonable(dict(result))))
    except (TypeError, ValueError) as problem:
        raise ModelwrightError(
            f"The task function {entry!r} must return JSON-able values, but {problem}. "
            f"Write large data to a file and return its path."
        ) from problem
    return checked


def _lacked_memory(problem: BaseException) -> bool:
    if isinstance(problem, MemoryError):
        return True
    if isinstance(problem, OSError) and problem.errno == errno.ENOMEM:
        return True
    return is_allocation_failure(str(problem))


def _sentence(problem: BaseException) -> str:
    message = " ".join(str(problem).split())[:500]
    if isinstance(problem, ModelwrightError):
        return message
    return f"{type(problem).__name__}: {message}" if message else type(problem).__name__


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
