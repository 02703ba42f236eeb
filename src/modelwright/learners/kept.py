"""What fits on the same rows have in common, such as binned columns: made once by a worker, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FitTask

__all__ = ["Kept", "digest_of", "kept"]

T = TypeVar("T")

_SHARE = 6
"""One part of the worker's memory out of so many. A worker that has grown by a third is replaced."""

_WITHOUT_LIMIT = 512 * 2**20


@dataclass(frozen=True, eq=False)
class Kept:
    """Something in a worker's cache, and the bytes that it takes."""

    value: Any
    bytes: int


def kept(task: FitTask, key: tuple[str, ...], make: Callable[[], T], size: Callable[[T], int]) -> T:
    """What was made for the same key and view before, or what is made now.

    What has not been asked for longest goes first when a sixth of the worker's memory is full (512 MB where
    there is no limit); what is larger than that is not kept. Whether something was kept must change nothing
    but time: ``make`` is a function of the key, the view and nothing else, and nobody changes what it made.

    Parameters
    ----------
    task : FitTask
        Its cache is used, if it says what its view is called there (``cache_key``).
    key : tuple of str
        The learner's name, then whatever else the result depends on: settings, rows (`digest_of`), weights.
    make : callable
        Without arguments.
    size : callable
        The bytes that a result takes.

    Examples
    --------
    >>> from modelwright.core import Problem, Task, View, ViewInfo
    >>> view = View(np.zeros((3, 0), np.float32), np.zeros((3, 0), np.int32), ViewInfo((), ()))
    >>> rows, problem = np.arange(3), Problem("y", Task.REGRESSION)
    >>> task = FitTask(view, np.zeros(3), rows, rows, problem, cache_key="view")
    >>> [kept(task, ("mean", "all"), lambda: len(task.cache), lambda _: 8) for _ in range(2)]
    [0, 0]
    """
    if not task.cache_key:
        return make()
    name = "kept:" + ":".join((*key, task.cache_key))
    found = task.cache.pop(name, None)
    if found is None:
        value = make()
        found = Kept(value, size(value))
        limit = _WITHOUT_LIMIT if task.memory_limit is None else task.memory_limit // _SHARE
        if found.bytes > limit:
            return value
        _make_room(task.cache, limit - found.bytes)
    task.cache[name] = found  # the last place is that of the one asked for last
    known: T = found.value
    return known


def _make_room(cache: dict[str, Any], limit: int) -> None:
    """Forget what has not been asked for longest, until the rest takes no more than so many bytes."""
    known = {name: item.bytes for name, item in cache.items() if isinstance(item, Kept)}
    total = sum(known.values())
    for name, size in known.items():
        if total <= limit:
            return
        del cache[name]
        total -= size


def digest_of(*arrays: NDArray[Any] | None) -> str:
    """A short name for the content of arrays, for keys.

    Examples
    --------
    >>> digest_of(np.arange(3)) == digest_of(np.arange(3)), digest_of(np.arange(3)) == digest_of(None)
    (True, False)
    """
    known = hashlib.blake2b(digest_size=12)
    for array in arrays:
        known.update(b"none" if array is None else f"{array.dtype}{array.shape}".encode())
        if array is not None:
            known.update(np.ascontiguousarray(array).data)
    return known.hexdigest()
