"""One automatic choice of a run: what was chosen, why, what it was worth, and what reverses it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwright.core import to_jsonable

__all__ = ["TOPICS", "Effect", "LedgerEntry", "as_options"]

TOPICS: Mapping[str, str] = {
    "target": "What is predicted",
    "metric": "What is optimised",
    "split": "How models are judged",
    "columns": "Columns that are left out, or used although something speaks against it",
    "rows": "Rows that are left out",
    "types": "What columns are taken for",
    "values": "How values are read",
    "features": "What columns become",
    "learners": "What was tried",
    "ensemble": "What predicts",
    "answers": "From raw predictions to answers",
    "delivery": "What is delivered",
    "budget": "How time, memory and threads are used",
}
"""Topics of the ledger in the order in which they are shown, and their headings."""

_FLAGS: Mapping[str, str] = {
    "overrides": "--set",
    "keep": "--keep",
    "without": "--without",
    "learners": "--learner",
    "metric": "--metric",
    "task": "--task",
    "positive": "--positive",
    "folds": "--folds",
    "max_trials": "--max-trials",
    "search": "--search",
    "holdout": "--holdout",
    "group": "--group",
    "time_column": "--time-column",
    "quality": "--quality",
    "max_latency_ms": "--max-latency-ms",
    "max_model_mb": "--max-model-mb",
}
"""Options of the command line by the names of arguments that undo choices."""

_MOST_NAMED = 6
"""Values of one option that a command shows; beyond them it says how many more there are."""


@dataclass(frozen=True)
class Effect:
    """What a choice was worth, in a metric on rows that no model in question was fitted on.

    Attributes
    ----------
    metric : str
    value, other : float
        The score with the choice as it was made, and with the other way.
    gain : float
        By how much the choice is better; negative where it is worse.
    basis : str
        Which rows were scored, and what to know of them.
    against : str
        What the other way is, in a few words.

    Examples
    --------
    >>> Effect.of("rmse", False, 2.0, 2.5, "out-of-fold rows", "the best model alone").gain
    0.5
    """

    metric: str
    value: float
    other: float
    gain: float
    basis: str
    against: str = ""

    @classmethod
    def of(
        cls,
        metric: str,
        greater_is_better: bool,
        value: float | None,
        other: float | None,
        basis: str,
        against: str = "",
    ) -> Effect | None:
        """An effect from two scores; None where one of them is not known."""
        if value is None or other is None:
            return None
        gain = value - other if greater_is_better else other - value
        return cls(metric, float(value), float(other), float(gain), basis, against)


@dataclass(frozen=True)
class LedgerEntry:
    """One automatic choice of a run.

    Attributes
    ----------
    id : str
        What ``--undo`` takes; equal choices of other runs have equal ids: ``"drop:customer_id"``.
    topic : str
        One of `TOPICS`.
    subject : str
        What it is about: a column, a learner, a step; empty for the run as a whole.
    choice : str
        What was chosen, in a few words.
    reason : str
    evidence : mapping
        Numbers and examples behind the reason. JSON-able.
    effect : Effect or None
        What it was worth; None where only another run could tell.
    undo : mapping of str to value, or None
        Arguments of `train` that reverse it.
    fixed : str
        Why nothing reverses it, where `undo` is None.

    Examples
    --------
    >>> entry = LedgerEntry("drop:row", "columns", "row", "left out", undo={"overrides": {"row": "feature"}})
    >>> entry.command
    '--set row=feature'
    """

    id: str
    topic: str
    subject: str
    choice: str
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    effect: Effect | None = None
    undo: Mapping[str, Any] | None = None
    fixed: str = ""

    @property
    def command(self) -> str:
        """The options of ``modelwright train`` that reverse it; empty where there are none."""
        return " ".join(as_options(self.undo or {}))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record: dict[str, Any] = to_jsonable(
            {
                **vars(self),
                "evidence": dict(self.evidence),
                "effect": None if self.effect is None else vars(self.effect),
                "undo": None if self.undo is None else dict(self.undo),
                "command": self.command,
            }
        )
        return record


def as_options(arguments: Mapping[str, Any]) -> list[str]:
    """Arguments of `train` as options of ``modelwright train``, for people to read and to copy.

    Parameters
    ----------
    arguments : mapping of str to value

    Examples
    --------
    >>> as_options({"overrides": {"zip code": "text"}, "refit": False, "metric": "mae"})
    ['--set', "'zip code=text'", '--no-refit', '--metric', 'mae']
    >>> as_options({"max_model_mb": None})
    ['(without --max-model-mb)']
    """
    found: list[str] = []
    for name, value in arguments.items():
        if name in ("refit", "distill", "stop_when_flat"):
            found += _switched(name, value)
        elif value is None:
            found.append(f"(without {_FLAGS[name]})")
        else:
            found += _repeated(_FLAGS[name], value)
    return found


def _switched(name: str, value: Any) -> list[str]:
    if name == "refit":
        return ["--refit" if value else "--no-refit"]
    if name == "stop_when_flat":
        return ["--stop-when-flat"] if value else ["(without --stop-when-flat)"]
    return ["--distill"] if value else ["(without --distill and --student)"]


def _repeated(flag: str, value: Any) -> list[str]:
    """An option once for each of its values."""
    each: Iterable[Any]
    if isinstance(value, Mapping):
        each = [f"{key}={setting}" for key, setting in value.items()]
    else:
        each = value if isinstance(value, (list, tuple)) else [value]
    every = [str(item) for item in each]
    shown = [part for item in every[:_MOST_NAMED] for part in (flag, shlex.quote(item))]
    return shown if len(every) <= _MOST_NAMED else [*shown, f"(and {len(every) - _MOST_NAMED} more)"]
