"""The contract between whoever wants a model fitted and the learner that fits it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core.problem import Problem
from modelwright.core.stopwatch import Stopwatch
from modelwright.core.view import View

__all__ = ["Config", "Deadline", "Estimate", "FitTask"]

Config = Mapping[str, Any]
"""The hyperparameters of one trial: JSON scalars by name."""


@dataclass(frozen=True)
class Deadline:
    """A moment on this process's monotonic clock; ``None`` means there is none.

    Examples
    --------
    >>> Deadline(None).remaining
    inf
    >>> Deadline.after(60.0).passed
    False
    """

    at: float | None = None

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """The moment so many seconds from now."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left; negative once it has passed, infinite where there is no deadline."""
        return float("inf") if self.at is None else self.at - time.monotonic()

    @property
    def passed(self) -> bool:
        """Whether it has passed."""
        return self.remaining <= 0


@dataclass(frozen=True)
class Estimate:
    """What a fit and its model are expected to cost.

    Attributes
    ----------
    seconds : float
        On one thread, to the end (not to the deadline).
    bytes : int
        Peak memory of the worker above its idle size, the view not counted.
    model_bytes : int, default 100,000
        Size of the model on disk.
    row_seconds : float, default 3e-4
        Wall time of predicting one row on one thread.

    Examples
    --------
    >>> Estimate(seconds=2.0, bytes=10_000_000).model_bytes
    100000
    """

    seconds: float
    bytes: int
    model_bytes: int = 100_000
    row_seconds: float = 3e-4


@dataclass(frozen=True)
class FitTask:
    """Everything a learner needs to fit one model on one fold.

    Attributes
    ----------
    view : View
        The whole table; read-only memory maps are fine.
    target : array, shape (rows,)
        int64 class codes, or float64 values.
    train_rows, valid_rows : int64 arrays
        Row indices to learn from, and to stop early and be scored on.
    weights : float64 array, shape (rows,), or None
        Positive row weights.
    problem : Problem
        Resolved: task, metric and classes are known.
    config : mapping
        Hyperparameters: learners fill what is absent with their defaults.
    deadline : Deadline
        The fit stops by itself shortly before and returns the best so far.
    memory_limit : int or None
        Bytes that the whole worker may use.
    threads : int
        Threads the fit may use.
    seed : int
        Equal tasks with equal seeds give equal models.
    adaptive : bool
        Whether the learner may look at the clock to choose, say, a learning rate that fits the time
        left. False in runs that must be reproducible: then only the deadline itself reads the clock.
    cache : dict
        Lives as long as the worker: binned data of the same view, by learner.
    cache_key : str
        Identifies the view (and rows that preprocessing may look at) in the cache.
    groups : int64 array, shape (rows,), or None
        Rows of one group resemble each other: whatever is set aside within the training rows must take
        whole groups, or errors look too small there.
    clock : Stopwatch
        A fit counts as ``"training"``; what else it does is told apart where it is more than a trifle:
        ``with task.clock("binning"): ...``. The stages stand in the record of the fold.
    """

    view: View
    target: NDArray[Any]
    train_rows: NDArray[np.int64]
    valid_rows: NDArray[np.int64]
    problem: Problem
    weights: NDArray[np.float64] | None = None
    config: Config = field(default_factory=dict)
    deadline: Deadline = field(default_factory=Deadline)
    memory_limit: int | None = None
    threads: int = 1
    seed: int = 0
    adaptive: bool = False
    cache: dict[str, Any] = field(default_factory=dict)
    cache_key: str = ""
    groups: NDArray[np.int64] | None = None
    clock: Stopwatch = field(default_factory=Stopwatch)
