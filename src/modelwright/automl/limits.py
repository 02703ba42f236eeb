"""What a delivered model may cost: the time of one prediction, and its size on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelwright.core import OptionError

__all__ = ["Limits"]

_MEGABYTE = 1e6


@dataclass(frozen=True)
class Limits:
    """Ceilings that the choice of the final model keeps.

    Attributes
    ----------
    seconds : float or None
        Median wall time of predicting one row with the loaded model, in process.
    size_bytes : float or None
        Size of the bundle on disk.
    """

    seconds: float | None = None
    size_bytes: float | None = None

    @classmethod
    def of(cls, max_latency_ms: Any = None, max_model_mb: Any = None) -> Limits:
        """Read what a caller gave: milliseconds, and megabytes of 10^6 bytes.

        Raises
        ------
        OptionError
            If one is not a positive, finite number.

        Examples
        --------
        >>> Limits.of(5, 2.5)
        Limits(seconds=0.005, size_bytes=2500000.0)
        >>> bool(Limits.of())
        False
        """
        latency = _positive("max_latency_ms", max_latency_ms, "milliseconds")
        size = _positive("max_model_mb", max_model_mb, "megabytes")
        return cls(None if latency is None else latency / 1e3, None if size is None else size * _MEGABYTE)

    def __bool__(self) -> bool:
        return self.seconds is not None or self.size_bytes is not None

    def usage(self, seconds: float, size_bytes: float) -> float:
        """The largest share of a limit that a model takes: it keeps them all at 1 and below.

        Examples
        --------
        >>> Limits.of(max_latency_ms=10).usage(0.005, 10**9)
        0.5
        """
        shares = [0.0]
        if self.seconds is not None:
            shares.append(seconds / self.seconds)
        if self.size_bytes is not None:
            shares.append(size_bytes / self.size_bytes)
        return max(shares)

    def broken(self, seconds: float, size_bytes: float) -> str:
        """What a model exceeds, in words; empty if it keeps every limit.

        Examples
        --------
        >>> Limits.of(max_latency_ms=10, max_model_mb=1).broken(0.0152, 500_000)
        'one prediction takes 15.2 ms instead of 10 ms'
        """
        words = []
        if self.seconds is not None and seconds > self.seconds:
            words.append(f"one prediction takes {1e3 * seconds:.3g} ms instead of {1e3 * self.seconds:g} ms")
        if self.size_bytes is not None and size_bytes > self.size_bytes:
            size, most = size_bytes / _MEGABYTE, self.size_bytes / _MEGABYTE
            words.append(f"it takes {size:.3g} MB instead of {most:g} MB")
        return " and ".join(words)

    def warning(self, broken: str, fixed_bytes: float) -> str:
        """What to say of a model that exceeds limits; empty if it keeps them.

        Parameters
        ----------
        broken : str
            From `broken`.
        fixed_bytes : float
            Of a bundle without any model.

        Examples
        --------
        >>> limits = Limits.of(max_model_mb=0.01)
        >>> limits.warning(limits.broken(0.0, 30_000), 12_000)
        'No model keeps the limits: it takes 0.03 MB instead of 0.01 MB. The one that comes closest was \
delivered. Columns and records alone take 0.012 MB, so that no model can keep 0.01 MB.'
        """
        if not broken:
            return ""
        said = f"No model keeps the limits: {broken}. The one that comes closest was delivered."
        if self.size_bytes is None or fixed_bytes <= self.size_bytes:
            return said
        fixed, most = fixed_bytes / _MEGABYTE, self.size_bytes / _MEGABYTE
        return f"{said} Columns and records alone take {fixed:.3g} MB, so that no model can keep {most:g} MB."


def _positive(name: str, given: Any, unit: str) -> float | None:
    if given is None:
        return None
    number = float("nan")
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        number = float(given)
    if not 0 < number < float("inf"):
        raise OptionError(f"{name} must be a number of {unit} above 0, but came as {given!r}.")
    return number
