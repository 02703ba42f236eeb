"""A trained model as reports see it, and what may be missing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from modelwright.automl.explaining import Explained
from modelwright.automl.judged_rows import Judged
from modelwright.core import ModelwrightError
from modelwright.evaluation import FairnessReport, ParetoTable

__all__ = ["Part", "Reported", "attempt"]

T = TypeVar("T")


class Reported(Judged, Protocol):
    """A loaded model. (`Model` itself cannot be named here: it calls what needs this.)"""

    @property
    def explained(self) -> Explained:
        """The model as explanations need it."""
        ...

    def fairness(self, data: Any = None, sensitive: Any = None) -> FairnessReport:
        """How groups are treated."""
        ...

    def pareto(self) -> ParetoTable:
        """What else could have been delivered."""
        ...


@dataclass(frozen=True)
class Part(Generic[T]):
    """Something that a report needs, or why it is not there.

    Attributes
    ----------
    value : object or None
    missing : str
        Why there is none; empty if there is one, or nothing is to be said.
    """

    value: T | None = None
    missing: str = ""


def attempt(what: str, make: Callable[[], T | None], absent: str = "") -> Part[T]:
    """Something that may be missing or damaged: a report tells why and goes on without it.

    Parameters
    ----------
    what : str
        What it is, at the beginning of a sentence.
    make : callable
        Returns it, or None where there is none.
    absent : str
        What is said of None.

    Examples
    --------
    >>> attempt("The sum", lambda: 1 + 1).value
    2
    >>> attempt("The share", lambda: 1 / 0).missing
    'The share cannot be told (ZeroDivisionError: division by zero).'
    """
    try:
        value = make()
    except ModelwrightError as error:
        return Part(None, str(error))
    except (MemoryError, RecursionError) as error:
        return Part(None, f"{what} cannot be told here ({type(error).__name__}).")
    except Exception as error:  # old bundles, plugins and hostile data fail in any way they like
        first = (str(error).splitlines() or [""])[0]
        return Part(None, f"{what} cannot be told ({type(error).__name__}: {first[:200]}).")
    return Part(value) if value is not None else Part(None, absent)
