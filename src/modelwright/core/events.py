"""What a run tells its listeners: frozen facts, never the engine itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from modelwright.core.hashing import to_jsonable

__all__ = [
    "ColumnTreated",
    "DataRead",
    "EnsembleImproved",
    "Event",
    "FindingMade",
    "FoldFinished",
    "Listener",
    "PlanMade",
    "RunFinished",
    "RunStarted",
    "StageEntered",
    "TrialFailed",
    "TrialFinished",
    "Warned",
]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a run.

    Attributes
    ----------
    seconds : float
        Seconds since the clock of the budget started.
    """

    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record with the event's name.

        Examples
        --------
        >>> StageEntered(stage="reading", seconds=1.0).to_dict()
        {'event': 'StageEntered', 'seconds': 1.0, 'stage': 'reading', 'detail': ''}
        """
        record: dict[str, Any] = to_jsonable(asdict(self))
        return {"event": type(self).__name__, **record}


@dataclass(frozen=True, kw_only=True)
class StageEntered(Event):
    """The run began another stage, named in words a user reads."""

    stage: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class DataRead(Event):
    """The table has been read and typed."""

    rows: int
    columns: int
    source: str


@dataclass(frozen=True, kw_only=True)
class ColumnTreated(Event):
    """A column was given a treatment that the user may want to know of (dropped, retyped ...)."""

    column: str
    treatment: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FindingMade(Event):
    """A check of the data found something: a leak, duplicates, a rare class, infinite values."""

    check: str
    severity: str
    message: str
    column: str | None = None
    action: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanMade(Event):
    """The plan of the run, with the reason for each decision."""

    plan: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """A run was recorded and begins to fit."""

    run: str
    name: str
    target: str
    task: str
    metric: str
    budget_seconds: float | None
    resumed: bool = False


@dataclass(frozen=True, kw_only=True)
class FoldFinished(Event):
    """One fold of one trial was fitted (or adopted from an earlier attempt of the run)."""

    trial: int
    fold: int
    learner: str
    score: float
    adopted: bool = False


@dataclass(frozen=True, kw_only=True)
class TrialFinished(Event):
    """Every planned fold of a trial is done."""

    trial: int
    learner: str
    label: str
    score: float
    folds: int
    fit_seconds: float
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrialFailed(Event):
    """A trial cannot be finished; the run goes on without it."""

    trial: int
    learner: str
    label: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class EnsembleImproved(Event):
    """The best model that the run could deliver now got better."""

    score: float
    members: int


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something the user should know that is no reason to stop."""

    message: str


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The run is over and its bundle is on disk; ``summary`` is what ``train --json`` prints."""

    run: str
    bundle: str
    summary: Mapping[str, Any]


Listener = Callable[[Event], None]
"""Anything that wants to hear of events."""
