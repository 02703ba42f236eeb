"""Search spaces: what values a hyperparameter may take. `search` translates them for its optimiser."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core import OptionError

__all__ = ["Choice", "Float", "Int", "Parameter"]


@dataclass(frozen=True)
class Float:
    """A real number between two bounds, both included.

    Attributes
    ----------
    low, high : float
        The bounds.
    log : bool
        Whether it is searched on a logarithmic scale.

    Examples
    --------
    >>> Float(0.01, 0.3, log=True).contains(0.1)
    True
    >>> Float(1.0, 0.0)
    Traceback (most recent call last):
        ...
    modelwright.core.errors.OptionError: A range must have low < high (and low > 0 on a logarithmic \
scale), but came as low=1.0, high=0.0, log=False.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, self.log)

    def contains(self, value: object) -> bool:
        """Whether a value lies in the space."""
        return _is_number(value) and self.low <= float(str(value)) <= self.high


@dataclass(frozen=True)
class Int:
    """A whole number between two bounds, both included.

    Examples
    --------
    >>> Int(2, 8).contains(8), Int(2, 8).contains(2.5)
    (True, False)
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, self.log)

    def contains(self, value: object) -> bool:
        """Whether a value lies in the space."""
        return isinstance(value, int) and _is_number(value) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """One of a few options, without order.

    Examples
    --------
    >>> Choice((True, False)).contains(True)
    True
    """

    options: tuple[str | int | float | bool | None, ...]

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            raise OptionError(f"A choice needs two options or more, but came with {self.options!r}.")

    def contains(self, value: object) -> bool:
        """Whether a value is one of the options."""
        return any(value == option and type(value) is type(option) for option in self.options)


Parameter = Float | Int | Choice
"""One dimension of a search space."""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_range(low: float, high: float, log: bool) -> None:
    if not low < high or (log and low <= 0):
        raise OptionError(
            "A range must have low < high (and low > 0 on a logarithmic scale), but came as "
            f"low={low!r}, high={high!r}, log={log!r}."
        )
