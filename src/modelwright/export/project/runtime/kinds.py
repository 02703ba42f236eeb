"""The kinds of parts that a project has, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelwright.core import UnknownName

__all__ = ["Kinds"]


class Kinds:
    """What reads each kind of part.

    Parameters
    ----------
    known : mapping
        Name to what reads it.

    Examples
    --------
    >>> kinds = Kinds({"whole": int})
    >>> "whole" in kinds, kinds.load("whole")("7")
    (True, 7)
    """

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = dict(known)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def load(self, name: str) -> Any:
        """What reads a kind.

        Raises
        ------
        UnknownName
            If the project has no such part.
        """
        if name not in self._known:
            raise UnknownName(f"This project has no {name!r}. It has: {', '.join(self._known)}.")
        return self._known[name]
