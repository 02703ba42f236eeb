"""The records of a workspace as frozen facts. JSON columns come back as plain mappings."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from modelwright.core import OptionError

__all__ = [
    "AliasRecord",
    "FoldKey",
    "FoldRecord",
    "ModelRecord",
    "NewModel",
    "RunRecord",
    "RunStatus",
    "TrialRecord",
    "check_name",
    "new_id",
    "utc_now",
]

RunStatus = Literal["unfinished", "finished", "failed"]
"""A run is ``unfinished`` from its creation until somebody says how it ended."""

_NAME = re.compile(r"\w[\w.\-]{0,127}")


def utc_now() -> str:
    """The time in ISO 8601, UTC, always of the same length, so that text order is time order.

    Examples
    --------
    >>> len(utc_now()), utc_now()[-6:]
    (32, '+00:00')
    """
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_id() -> str:
    """An identifier like ``20261120-153012-ab12cd``: UTC time, so that it sorts, and a random part.

    Examples
    --------
    >>> len(new_id())
    22
    """
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def check_name(name: str, what: str) -> str:
    """The name itself if a model or alias may be called so.

    ``:`` and ``@`` separate version and alias, ``/`` and ``.mw`` make a path of it.

    Raises
    ------
    OptionError
        If it may not.

    Examples
    --------
    >>> check_name("churn-2026", "A model name")
    'churn-2026'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.endswith(".mw"):
        raise OptionError(
            f"{what} is made of letters, digits, '.', '_' and '-' (at most 128, beginning with a letter "
            f"or digit, not ending in '.mw'), but came as {name!r}."
        )
    return name


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes
    ----------
    id : str
        See `new_id`.
    name : str
        What the user calls it; need not be unique.
    status : str
        ``"unfinished"``, ``"finished"`` or ``"failed"``.
    created, updated : str
        UTC, ISO 8601.
    finished : str or None
        When it ended.
    parameters : mapping
        Everything that is needed to resume it.
    plan : mapping
        What was decided before fitting.
    data_hash : str
        Identifies the data.
    source : mapping
        Where the data came from.
    seed : int
        Of the run.
    elapsed_seconds : float
        Summed over its attempts.
    summary : mapping
        What came out.
    error : str
        Why it failed, if it did.
    attempts : int
        How many times it was started: 1 until it is resumed.
    """

    id: str
    name: str
    status: RunStatus
    created: str
    updated: str
    finished: str | None
    parameters: Mapping[str, Any]
    plan: Mapping[str, Any]
    data_hash: str
    source: Mapping[str, Any]
    seed: int
    elapsed_seconds: float
    summary: Mapping[str, Any]
    error: str
    attempts: int


@dataclass(frozen=True)
class TrialRecord:
    """One configuration of one run.

    Attributes
    ----------
    run : str
        Id of the run.
    number : int
        From 0, unique in the run.
    learner, label : str
        Name in the catalog, and what people read.
    config : mapping
        Hyperparameters.
    status : str
        ``"running"``, ``"done"``, ``"failed"`` or whatever the search says.
    origin : str
        Who proposed it: ``"portfolio"``, ``"bayesian"`` ...
    score : float or None
        Natural direction of the metric; never NaN.
    error : str
        Why it failed, if it did.
    created : str
        UTC, ISO 8601; set when it is saved.
    details : mapping
        Anything else that is worth keeping.
    """

    run: str
    number: int
    learner: str
    label: str
    config: Mapping[str, Any]
    status: str = "running"
    origin: str = "portfolio"
    score: float | None = None
    error: str = ""
    created: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FoldKey:
    """One attempt to fit one fold: ``FoldKey(run, trial, fold, attempt)``; attempts count from 0."""

    run: str
    trial: int
    fold: int
    attempt: int = 0


@dataclass(frozen=True)
class FoldRecord:
    """What became of one attempt to fit one fold.

    Attributes
    ----------
    run, trial, fold, attempt
        See `FoldKey`.
    status : str
        ``"intent"`` (submitted), ``"done"``, ``"failed"``, ``"oom"``, ``"timeout"``, ``"lost"`` ...
    score : float or None
        On the validation rows; never NaN.
    seconds : float or None
        Wall time of the fit.
    artifact : str
        Directory with the fold's files, relative to the run's directory.
    error : str
        Why it failed, if it did.
    created, updated : str
        UTC, ISO 8601.
    details : mapping
        Anything else that is worth keeping.
    """

    run: str
    trial: int
    fold: int
    attempt: int
    status: str
    score: float | None
    seconds: float | None
    artifact: str
    error: str
    created: str
    updated: str
    details: Mapping[str, Any]

    @property
    def key(self) -> FoldKey:
        """What identifies it."""
        return FoldKey(self.run, self.trial, self.fold, self.attempt)


@dataclass(frozen=True)
class NewModel:
    """What is known of a model when it is registered.

    Attributes
    ----------
    name : str
        The model's name; the registration gives it the next version of that name.
    path : Path
        The bundle. Kept relative if it lies in the workspace, so that the workspace can be moved.
    run : str
        Id of the run it came from, or empty.
    artifact : str
        Key of the bundle in the artifact store, or empty.
    metric, task, target : str
        What it was trained for.
    score : float or None
        Its honest score in the natural direction of the metric.
    summary : mapping
        Anything else that is worth showing.
    """

    name: str
    path: Path
    run: str = ""
    artifact: str = ""
    metric: str = ""
    task: str = ""
    target: str = ""
    score: float | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelRecord:
    """One immutable version of a model: the facts of `NewModel`, and when and as what it was registered.

    Attributes
    ----------
    id : str
        See `new_id`.
    version : int
        From 1, unique in the name, never given twice.
    created : str
        UTC, ISO 8601.
    """

    id: str
    name: str
    version: int
    path: Path
    run: str
    artifact: str
    metric: str
    task: str
    target: str
    score: float | None
    created: str
    summary: Mapping[str, Any]

    @property
    def reference(self) -> str:
        """How to name exactly this version: ``"churn:3"``."""
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class AliasRecord:
    """One change of an alias; the history is only ever appended to.

    Attributes
    ----------
    name, alias : str
        ``name@alias`` is what it changes.
    version : int or None
        The version that it names from then on; None if it was taken away.
    changed_at : str
        UTC, ISO 8601.
    """

    name: str
    alias: str
    version: int | None
    changed_at: str
