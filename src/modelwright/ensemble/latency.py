"""How long one prediction takes: the median of a few, after a warm-up."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

__all__ = ["median_seconds"]

_LEAST, _MOST = 5, 30


def median_seconds(call: Callable[[], object], patience: float = 0.05) -> float:
    """Median wall time of a call.

    The first two calls (imports, caches) do not count. Then it is called 30 times, or as often as the
    patience allows, but at least 5 times.

    Parameters
    ----------
    call : callable
    patience : float, default 0.05
        Seconds after which at least five calls are enough.

    Examples
    --------
    >>> 0 <= median_seconds(lambda: sum(range(100))) < 1
    True
    """
    taken: list[float] = []
    for _ in range(2):
        call()
    begun = time.perf_counter()
    while len(taken) < _MOST and (len(taken) < _LEAST or time.perf_counter() - begun < patience):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
