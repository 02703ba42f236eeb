"""The resources a run may use: seconds, memory, threads, trials. The clock starts when it is made."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from modelwright.core.errors import BudgetTooSmall, OptionError
from modelwright.core.fitting import Deadline
from modelwright.core.machine import available_memory, available_threads, memory_ceiling
from modelwright.core.stopwatch import Stopwatch

__all__ = [
    "Budget",
    "format_bytes",
    "format_seconds",
    "parse_duration",
    "parse_size",
]

MINIMUM_SECONDS = 3.0
"""Starting a worker and fitting one small model takes about this long on a slow machine."""

MINIMUM_BYTES = 500 * 2**20
"""A driver and one worker with the numerical libraries loaded take about this much."""

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)\s*(h|ms|m|s)?)", re.IGNORECASE)
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def parse_duration(value: str | float) -> float:
    """Seconds from ``"90s"``, ``"1.5m"``, ``"1h"``, ``"1h30m"`` or a plain number.

    Raises
    ------
    OptionError
        If it cannot be read as a positive, finite duration.

    Examples
    --------
    >>> parse_duration("1.5m"), parse_duration("1h30m"), parse_duration(45)
    (90.0, 5400.0, 45.0)
    """
    seconds: float | None = None
    if isinstance(value, str):
        text = value.strip().lower()
        parts = list(_DURATION.finditer(text))
        if parts and "".join(part.group(0) for part in parts) == text:
            units = [part.group(2) for part in parts]
            if len(parts) == 1 or all(units):
                seconds = sum(float(part.group(1)) * _UNIT_SECONDS[part.group(2) or "s"] for part in parts)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    if seconds is None or not 0 < seconds < float("inf"):
        raise OptionError(
            f"A duration must be like '90s', '1.5m', '1h' or a number of seconds, and more than "
            f"zero, but came as {value!r}."
        )
    return seconds


def parse_size(value: str | int) -> int:
    """Bytes from ``"4GB"``, ``"512MB"``, ``"1.5GiB"`` or a plain number of bytes.

    ``KB``, ``MB``, ``GB`` are powers of 1024, as memory is counted.

    Raises
    ------
    OptionError
        If it cannot be read as a positive size.

    Examples
    --------
    >>> parse_size("512MB") == 512 * 2**20
    True
    """
    size: float | None = None
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if match:
            size = float(match.group(1)) * 1024 ** " kmgt".index(match.group(2).lower() or " ")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        size = float(value)
    if size is None or not 0 < size < float("inf"):
        raise OptionError(f"A size must be like '4GB', '512MB' or a number of bytes, but came as {value!r}.")
    return int(size)


def format_seconds(seconds: float) -> str:
    """A duration for people.

    Examples
    --------
    >>> format_seconds(4.25), format_seconds(125), format_seconds(7260)
    ('4.2 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def format_bytes(size: float) -> str:
    """A size for people.

    Examples
    --------
    >>> format_bytes(512 * 2**20), format_bytes(3 * 2**30)
    ('512 MB', '3.0 GB')
    """
    if size >= 2**30:
        return f"{size / 2**30:.1f} GB"
    return f"{size / 2**20:.0f} MB"


@dataclass(frozen=True)
class Budget:
    """What a run may use.

    Attributes
    ----------
    seconds : float or None
        Wall-clock seconds of the whole call, reading and writing included.
    memory_bytes : int
        Ceiling of the summed memory of the driver and its workers; never above a cgroup's limit.
    threads : int
        Processor threads used at once.
    max_trials : int or None
        Number of trials. When it is given, no decision reads the clock, so that equal seeds give
        equal models; the time limit still holds, and the record says so if it bites.
    started : float
        The moment on the monotonic clock from which the seconds count.
    clock : Stopwatch
        Where the processor seconds of the driver go, by stage of the run.
    """

    seconds: float | None
    memory_bytes: int
    threads: int
    max_trials: int | None = None
    started: float = field(default_factory=time.monotonic)
    clock: Stopwatch = field(default_factory=Stopwatch, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        time_limit: str | float | None = "60s",
        memory_limit: str | int | None = None,
        threads: int | None = None,
        max_trials: int | None = None,
        started: float | None = None,
    ) -> Budget:
        """Check the arguments of a training call; what is absent is taken from the machine.

        Raises
        ------
        OptionError
            If a value makes no sense, or the memory is too little for any run.
        BudgetTooSmall
            If the time is too little for any run.

        Examples
        --------
        >>> Budget.of("90s", "2GB", threads=2).seconds
        90.0
        """
        seconds = None if time_limit is None else parse_duration(time_limit)
        if seconds is not None and seconds < MINIMUM_SECONDS:
            raise BudgetTooSmall(
                f"A run needs at least {MINIMUM_SECONDS:.0f} s, but the time limit is "
                f"{seconds:g} s. Give it {MINIMUM_SECONDS:.0f}s or more.",
                MINIMUM_SECONDS,
            )
        if memory_limit is None:
            memory = int(available_memory() * 0.8)
        else:
            memory = parse_size(memory_limit)
            if memory < MINIMUM_BYTES:
                raise OptionError(
                    f"A run needs at least {format_bytes(MINIMUM_BYTES)} of memory, but the limit is "
                    f"{format_bytes(memory)}. Give it {format_bytes(MINIMUM_BYTES)} or more."
                )
            # More than the container has would only be found out when the kernel ends the process.
            memory = min(memory, memory_ceiling() or memory)
        for name, count in (("threads", threads), ("max_trials", max_trials)):
            if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
                raise OptionError(f"{name} must be a whole number of 1 or more, but came as {count!r}.")
        return cls(
            seconds=seconds,
            memory_bytes=memory,
            threads=threads or available_threads(),
            max_trials=max_trials,
            started=time.monotonic() if started is None else started,
        )

    @property
    def elapsed(self) -> float:
        """Seconds since the clock started."""
        return time.monotonic() - self.started

    @property
    def remaining(self) -> float:
        """Seconds left; infinite where there is no time limit."""
        return float("inf") if self.seconds is None else self.seconds - self.elapsed

    @property
    def deadline(self) -> Deadline:
        """The moment when everything must be on disk."""
        return Deadline(None if self.seconds is None else self.started + self.seconds)

    @property
    def reproducible(self) -> bool:
        """Whether no decision may read the clock."""
        return self.max_trials is not None
