"""What every contract suite says when a part breaks its contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

__all__ = ["ContractViolation", "demand", "global_random_state", "naming"]


class ContractViolation(AssertionError):
    """A part does what its contract forbids, or does not what it demands."""


def demand(holds: bool, complaint: str) -> None:
    """Raise `ContractViolation` with a complaint unless a condition holds.

    Examples
    --------
    >>> demand(1 + 1 == 3, "it cannot add")
    Traceback (most recent call last):
        ...
    modelwright.testing.violation.ContractViolation: it cannot add
    """
    if not holds:
        raise ContractViolation(complaint)


@contextmanager
def naming(part: str, check: str) -> Iterator[None]:
    """Put the name of the part and of the check before every complaint from inside.

    Parameters
    ----------
    part : str
        ``"metric 'rmse'"``.
    check : str
        Name of the check.
    """
    try:
        yield
    except ContractViolation as violation:
        raise ContractViolation(f"The {part} fails the check {check!r}: {violation}") from None


def global_random_state() -> NDArray[np.uint32]:
    """Numpy's global random state; nothing may draw from it."""
    state = np.random.get_state(legacy=False)["state"]
    # the position in the block counts too: a single draw may move nothing else
    return np.append(np.asarray(state["key"], np.uint32), np.uint32(state["pos"]))
