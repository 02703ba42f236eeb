"""Functions that `check_executor` has workers call: the smallest tasks that end in each way."""

from __future__ import annotations

import math
import os
import time
from typing import Any

from modelwright.execution import WorkerContext

__all__ = ["answer", "answer_with_an_object", "crash", "describe", "fail", "pause"]


def answer(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Return the parameters.

    Examples
    --------
    >>> answer({"fold": 3}, WorkerContext())
    {'fold': 3}
    """
    return parameters


def answer_with_an_object(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Return what JSON cannot hold."""
    return {"object": object()}


def describe(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Return what the task is told about itself; seconds are None where there is no limit.

    Examples
    --------
    >>> describe({}, WorkerContext(attempt=1))
    {'seconds': None, 'attempt': 1, 'threads': 1}
    """
    left = context.deadline.remaining
    return {
        "seconds": left if math.isfinite(left) else None,
        "attempt": context.attempt,
        "threads": context.threads,
    }


def fail(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Raise an error with the message given."""
    raise RuntimeError(parameters["message"])


def pause(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """Sleep for some seconds, whatever the deadline says."""
    time.sleep(parameters["seconds"])
    return {}


def crash(parameters: dict[str, Any], context: WorkerContext) -> dict[str, Any]:
    """End the process at once, as a fault in a native library would."""
    os._exit(3)
