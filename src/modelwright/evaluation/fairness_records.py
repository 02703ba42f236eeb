"""What a judgement of fairness says, as plain records: figures by group, comparisons, criteria."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelwright.evaluation.rates import Figure
from modelwright.evaluation.sensitive_groups import SensitiveColumn

__all__ = [
    "FOUR_FIFTHS",
    "GAP",
    "INSUFFICIENT",
    "NO_GAP",
    "VERDICTS",
    "Criterion",
    "FairnessReport",
    "FairnessView",
    "FourFifths",
    "GroupComparison",
    "GroupFigures",
    "Mitigation",
]

GAP, INSUFFICIENT, NO_GAP = "gap", "insufficient evidence", "no gap found"

VERDICTS = (GAP, INSUFFICIENT, NO_GAP)
"""Of comparisons and criteria, the grave ones first."""

FOUR_FIFTHS = ("below four fifths", INSUFFICIENT, "unclear", "not below four fifths")
"""Verdicts of the four-fifths rule."""


@dataclass(frozen=True)
class GroupFigures:
    """One group.

    Attributes
    ----------
    group : str
    rows : int
    share : float
        Of all rows.
    figures : mapping of str to Figure
        By name: see `fairness.fairness_report`.
    """

    group: str
    rows: int
    share: float
    figures: Mapping[str, Figure]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        figures = {name: estimate.to_dict() for name, estimate in self.figures.items()}
        return {"group": self.group, "rows": self.rows, "share": round(self.share, 6), "figures": figures}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> GroupFigures:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        figures = {str(name): Figure.from_dict(item) for name, item in record["figures"].items()}
        return cls(str(record["group"]), int(record["rows"]), float(record["share"]), figures)


@dataclass(frozen=True)
class GroupComparison:
    """One figure of a group beside that of the largest group.

    Attributes
    ----------
    figure, group, reference : str
    difference : Figure
        Of the group less the reference.
    ratio : Figure
        Of the group divided by the reference.
    chance : float
        How often equal groups would differ as much, adjusted for the number of comparisons.
    rows, rows_needed : float
        That the weaker side rests on, and that would be needed to tell a difference that matters.
    verdict : str
        One of `VERDICTS`.
    """

    figure: str
    group: str
    reference: str
    difference: Figure
    ratio: Figure
    chance: float
    rows: float
    rows_needed: int
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        estimates = {"difference": self.difference.to_dict(), "ratio": self.ratio.to_dict()}
        known = math.isfinite(self.chance)
        numbers = {"chance": float(f"{self.chance:.4g}") if known else None, "rows": round(self.rows, 1)}
        return {**vars(self), **estimates, **numbers}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> GroupComparison:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        chance = float("nan") if record["chance"] is None else float(record["chance"])
        return cls(
            str(record["figure"]),
            str(record["group"]),
            str(record["reference"]),
            Figure.from_dict(record["difference"]),
            Figure.from_dict(record["ratio"]),
            chance,
            float(record["rows"]),
            int(record["rows_needed"]),
            _one_of(record["verdict"], VERDICTS),
        )


@dataclass(frozen=True)
class FourFifths:
    """The selection rate of a group divided by the highest one.

    Attributes
    ----------
    group, reference : str
    ratio : Figure
    rows, rows_needed : float
        Of the smaller side, and that would be needed to tell a ratio of 0.8 from equal rates.
    verdict : str
        One of `FOUR_FIFTHS`.
    """

    group: str
    reference: str
    ratio: Figure
    rows: float
    rows_needed: int
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {**vars(self), "ratio": self.ratio.to_dict(), "rows": round(self.rows, 1)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> FourFifths:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        return cls(
            str(record["group"]),
            str(record["reference"]),
            Figure.from_dict(record["ratio"]),
            float(record["rows"]),
            int(record["rows_needed"]),
            _one_of(record["verdict"], FOUR_FIFTHS),
        )


@dataclass(frozen=True)
class Criterion:
    """The largest gap of a figure among the groups that have enough rows for a rate.

    Attributes
    ----------
    name : str
        ``demographic_parity``, ``equal_opportunity``, ``equalized_odds``, ``calibration``, or the figure of
        values.
    highest, lowest : str
        Groups; empty where fewer than two have the figure.
    difference, ratio : Figure
        Highest less lowest, and lowest divided by highest.
    verdict : str
        The gravest of its comparisons.
    """

    name: str
    highest: str
    lowest: str
    difference: Figure
    ratio: Figure
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {**vars(self), "difference": self.difference.to_dict(), "ratio": self.ratio.to_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Criterion:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        return cls(
            str(record["name"]),
            str(record["highest"]),
            str(record["lowest"]),
            Figure.from_dict(record["difference"]),
            Figure.from_dict(record["ratio"]),
            _one_of(record["verdict"], VERDICTS),
        )


@dataclass(frozen=True)
class FairnessView:
    """One output, judged by one column or by several together.

    Attributes
    ----------
    by : tuple of str
        The columns.
    output : str
        The class (positive class, or each of several), target or value that is judged.
    groups : tuple of GroupFigures
        The largest first.
    comparisons : tuple of GroupComparison
    four_fifths : tuple of FourFifths
        Empty for values.
    criteria : tuple of Criterion
    """

    by: tuple[str, ...]
    output: str
    groups: tuple[GroupFigures, ...]
    comparisons: tuple[GroupComparison, ...]
    four_fifths: tuple[FourFifths, ...]
    criteria: tuple[Criterion, ...]

    @property
    def verdict(self) -> str:
        """The gravest of its criteria."""
        found = {criterion.verdict for criterion in self.criteria}
        return next((verdict for verdict in VERDICTS if verdict in found), INSUFFICIENT)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        parts = ("groups", "comparisons", "four_fifths", "criteria")
        lists = {name: [part.to_dict() for part in getattr(self, name)] for name in parts}
        return {"by": list(self.by), "output": self.output, "verdict": self.verdict, **lists}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> FairnessView:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        return cls(
            tuple(str(name) for name in record["by"]),
            str(record["output"]),
            tuple(GroupFigures.from_dict(item) for item in record["groups"]),
            tuple(GroupComparison.from_dict(item) for item in record["comparisons"]),
            tuple(FourFifths.from_dict(item) for item in record["four_fifths"]),
            tuple(Criterion.from_dict(item) for item in record["criteria"]),
        )


@dataclass(frozen=True)
class Mitigation:
    """What was done about gaps, and what it cost and brought on out-of-fold rows.

    Attributes
    ----------
    method : str
        ``reweighting``, or ``thresholds`` with what they equalise.
    subject : str
        Whose figures these are: the delivered model, or one of its members.
    metric : str
        Of the run; accuracy where decisions alone change and the metric does not look at them.
    before, after : float or None
        Its score without and with the mitigation; None where it was not measured.
    criteria_before, criteria_after : tuple of (columns, Criterion)
    note : str
    """

    method: str
    subject: str
    metric: str
    before: float | None = None
    after: float | None = None
    criteria_before: tuple[tuple[str, Criterion], ...] = ()
    criteria_after: tuple[tuple[str, Criterion], ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        lists = {
            name: [{"by": by, **criterion.to_dict()} for by, criterion in getattr(self, name)]
            for name in ("criteria_before", "criteria_after")
        }
        return {**vars(self), **lists}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Mitigation:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        before, after = (
            None if record[name] is None else float(record[name]) for name in ("before", "after")
        )
        first, second = (
            tuple((str(item["by"]), Criterion.from_dict(item)) for item in record[name])
            for name in ("criteria_before", "criteria_after")
        )
        texts = (str(record[name]) for name in ("method", "subject", "metric"))
        method, subject, metric = texts
        return cls(method, subject, metric, before, after, first, second, str(record["note"]))


@dataclass(frozen=True)
class FairnessReport:
    """How a model treats the groups of sensitive columns.

    Attributes
    ----------
    task : str
    rows : int
        That were judged.
    source : str
        ``"out-of-fold"``, or ``"data"`` that was given.
    columns : tuple of SensitiveColumn
        How rows were divided into groups.
    views : tuple of FairnessView
        For each output: by each column, by pairs, by all together.
    comparisons : int
        How many there are; chances are adjusted for them.
    notes : tuple of str
        What a reader must know.
    mitigation : Mitigation or None
    """

    task: str
    rows: int
    source: str
    columns: tuple[SensitiveColumn, ...]
    views: tuple[FairnessView, ...]
    comparisons: int
    notes: tuple[str, ...] = ()
    mitigation: Mitigation | None = field(default=None)

    @property
    def verdict(self) -> str:
        """The gravest of its views."""
        found = {view.verdict for view in self.views}
        return next((verdict for verdict in VERDICTS if verdict in found), INSUFFICIENT)

    def with_mitigation(self, mitigation: Mitigation | None, notes: Sequence[str] = ()) -> FairnessReport:
        """The same with what was done, and what there is to know of it."""
        return replace(self, mitigation=mitigation, notes=(*self.notes, *notes))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record: labels of groups, counts and figures, no values of rows."""
        return {
            "task": self.task,
            "rows": self.rows,
            "source": self.source,
            "verdict": self.verdict,
            "columns": [column.to_dict() for column in self.columns],
            "comparisons": self.comparisons,
            "notes": list(self.notes),
            "mitigation": None if self.mitigation is None else self.mitigation.to_dict(),
            "views": [view.to_dict() for view in self.views],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> FairnessReport:
        """Inverse of `to_dict`; KeyError, TypeError or ValueError for what cannot be one."""
        done = record["mitigation"]
        return cls(
            str(record["task"]),
            int(record["rows"]),
            str(record["source"]),
            tuple(SensitiveColumn.from_dict(item) for item in record["columns"]),
            tuple(FairnessView.from_dict(item) for item in record["views"]),
            int(record["comparisons"]),
            tuple(str(note) for note in record["notes"]),
            None if done is None else Mitigation.from_dict(done),
        )


def _one_of(given: Any, known: Sequence[str]) -> str:
    if given not in known:
        raise ValueError(f"{given!r} is none of {', '.join(known)}")
    return str(given)
