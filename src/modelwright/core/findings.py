"""What a check of the data found, in words a user reads and facts a program reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.hashing import to_jsonable

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One thing that a check of the data found.

    Attributes
    ----------
    check : str
        Name of the check: ``"leak"``, ``"id"``, ``"duplicates"``, ``"infinite"``, ``"rare_class"`` ...
    severity : str
        ``"info"`` (nothing to do), ``"warning"`` (look at it) or ``"excluded"`` (acted upon).
    message : str
        What was found, with numbers, in one or two sentences.
    column : str or None
        The column concerned, if it is one.
    action : str
        What was done about it and how to undo it; empty if nothing was done.
    evidence : mapping
        The numbers and example values behind the message. JSON-able.

    Examples
    --------
    >>> Finding("duplicates", "warning", "12 rows stand twice.").to_dict()["check"]
    'duplicates'
    """

    check: str
    severity: str
    message: str
    column: str | None = None
    action: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record: dict[str, Any] = to_jsonable(vars(self))
        return record
