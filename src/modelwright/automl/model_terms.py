"""Terms of interpretable models as records, and what names their parts in the words of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from modelwright.core import FeatureInfo, FloatArray, Kind, Problem, Schema, ViewInfo
from modelwright.features import SourceValues
from modelwright.learners.additive_tables import Axis

__all__ = ["ModelTerm", "OutputTerms", "TermCell", "TermReader", "Where"]


_ZERO = 1e-30
"""LightGBM puts the edge above zeros at 1e-35."""

_PAIR_PARTS = 3
"""Ranges of a number in the summary of a pair."""


@dataclass(frozen=True)
class Where:
    """Which values of one column a cell of a table is for.

    Attributes
    ----------
    level : str or None
        The level of a category.
    above, up_to : float or None
        Values greater than the one and at most the other; None where there is no bound.
    missing : bool
        Whether it is for missing values.
    per_unit_from : float or None
        Of a straight line: what is added is for each 1 by which a value is above this, the mean; below it
        as much is taken away.
    at : float or None
        Of a bent line: what is added is for this very value.

    Examples
    --------
    >>> str(Where(above=3.0)), str(Where(above=1.0, up_to=2.5)), str(Where(missing=True))
    ('above 3', '1 to 2.5', 'missing')
    >>> str(Where(per_unit_from=48.25)), str(Where(at=7.0))
    ('each 1 above 48.25', 'at 7')
    """

    level: str | None = None
    above: float | None = None
    up_to: float | None = None
    missing: bool = False
    per_unit_from: float | None = None
    at: float | None = None

    def __str__(self) -> str:
        if self.per_unit_from is not None or self.at is not None:
            bent = self.per_unit_from is None
            return f"at {_shown(self.at)}" if bent else f"each 1 above {_shown(self.per_unit_from)}"
        if self.missing or self.level is not None:
            return "missing" if self.missing else str(self.level)
        low, high = (_shown(bound) for bound in (self.above, self.up_to))
        if low is None:
            return "any" if high is None else f"up to {high}"
        return f"above {low}" if high is None else f"{low} to {high}"


def _shown(bound: float | None) -> str | None:
    if bound is None:
        return None
    return "0" if abs(bound) < _ZERO else f"{bound:.5g}"


@dataclass(frozen=True)
class TermCell:
    """One line of a term's table.

    Attributes
    ----------
    where : tuple of Where
        One for each column.
    adds : tuple of float
        What it adds to each score.
    share : float or None
        Share of the training rows; None for a single point of a line.
    """

    where: tuple[Where, ...]
    adds: tuple[float, ...]
    share: float | None


@dataclass(frozen=True)
class ModelTerm:
    """What one column, or a pair of columns, adds.

    Attributes
    ----------
    columns : tuple of str
        What is looked at: ``"age"``, or a part of a column, such as ``"signup.weekday"``.
    sources : tuple of str
        The columns of the table that these come from.
    importance : float
        Mean absolute addition over the training rows, of a linear model from its own mean; of several scores
        their mean.
    cells : tuple of TermCell
        The table, in the order of the values. Of a linear model's number: what each unit adds, or what some
        values add where its line is bent.
    per_unit : tuple of float or None
        Of a linear model's number: what one more of it adds to each score, in the unit of the column; where
        the line is bent, on average between its 10% and 90% quantiles.
    """

    columns: tuple[str, ...]
    sources: tuple[str, ...]
    importance: float
    cells: tuple[TermCell, ...]
    per_unit: tuple[float, ...] | None = None

    def summary(self, most: int = 8) -> list[tuple[tuple[str, ...], tuple[float, ...], float | None]]:
        """The table in so many lines at most: what to look at, what it adds on average, share of the rows.

        Neighbouring ranges of a number are joined into ranges of about equally many rows; of levels those
        that matter most are kept; of a pair the parts that matter most. Cells without rows are left out.

        Parameters
        ----------
        most : int, default 8
            Lines.
        """
        known = [cell for cell in self.cells if cell.share is None or cell.share > 0] or list(self.cells)
        if len(self.columns) == 2:
            known = _joined(_joined(known, 0, _PAIR_PARTS), 1, _PAIR_PARTS)
        elif _is_range(known[0].where[0]):
            known = _joined(known, 0, most - 1)
        if len(known) > most:
            ranked = sorted(known, key=lambda cell: -_weight(cell))[:most]
            known = [cell for cell in known if cell in ranked]
        if len(self.columns) == 2:
            known = sorted(known, key=lambda cell: -_weight(cell))
        return [(tuple(str(each) for each in cell.where), cell.adds, cell.share) for cell in known]


@dataclass(frozen=True)
class OutputTerms:
    """How one prediction comes about.

    Attributes
    ----------
    name : str
        The target, the label or the quantile that is predicted.
    scale : str
        What scores are, in words: ``"log odds of 'yes'"``.
    scores : tuple of str
        Names of the scores: classes where there are more than two, else one name.
    intercept : tuple of float
        Where each score begins.
    terms : tuple of ModelTerm
        The most important first. A score is its intercept and what every term adds.
    rules : str
        Of a tree, a line a node; empty for a sum.
    """

    name: str
    scale: str
    scores: tuple[str, ...]
    intercept: tuple[float, ...]
    terms: tuple[ModelTerm, ...]
    rules: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return asdict(self)


def _weight(cell: TermCell) -> float:
    return (cell.share or 1.0) * sum(abs(each) for each in cell.adds)


def _is_range(where: Where) -> bool:
    return where.level is None and not where.missing and where.per_unit_from is None and where.at is None


def _joined(cells: Sequence[TermCell], side: int, parts: int) -> list[TermCell]:
    """Cells of which neighbouring ranges of one column are joined into so many of about equal shares."""
    shares: dict[Where, float] = {}
    for cell in cells:
        if _is_range(cell.where[side]):
            shares[cell.where[side]] = shares.get(cell.where[side], 0.0) + (cell.share or 0.0)
    if len(shares) <= parts:
        return list(cells)
    ordered = sorted(shares, key=lambda each: float("-inf") if each.above is None else each.above)
    middles = np.cumsum([shares[each] for each in ordered]) - np.array([shares[each] for each in ordered]) / 2
    numbers = np.minimum((parts * middles / sum(shares.values())).astype(int), parts - 1)
    wide: dict[Where, Where] = {}
    for number in np.unique(numbers).tolist():
        members = [each for each, own in zip(ordered, numbers, strict=True) if own == number]
        joint = Where(above=members[0].above, up_to=members[-1].up_to)
        wide |= dict.fromkeys(members, joint)
    sums: dict[tuple[Where, ...], tuple[FloatArray, float]] = {}
    for cell in cells:
        where = tuple(
            wide.get(each, each) if place == side else each for place, each in enumerate(cell.where)
        )
        adds, share = sums.get(where, (np.zeros(len(cell.adds)), 0.0))
        weight = cell.share or 0.0
        sums[where] = adds + weight * np.array(cell.adds), share + weight
    return [TermCell(where, tuple((adds / share).tolist()), share) for where, (adds, share) in sums.items()]


@dataclass(frozen=True)
class TermReader:
    """What turns positions and codes into names.

    Attributes
    ----------
    info : ViewInfo
    values : SourceValues
    problem : Problem
        With a single output.
    name : str
        Of the output.
    schema : Schema
        Knows how the table wrote flags.
    """

    info: ViewInfo
    values: SourceValues
    problem: Problem
    name: str
    schema: Schema = field(default_factory=lambda: Schema(()))

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """The columns of the view: numbers first, then categories."""
        return (*self.info.numeric, *self.info.categorical)

    def scores(self, codes: Sequence[int], count: int) -> tuple[str, ...]:
        """Names of so many scores, of the classes that were learned."""
        if count == 1 or len(codes) != count:
            return (self.name,) * count
        return tuple(str(self.problem.classes[code]) for code in codes)

    def scale(self, codes: Sequence[int], logarithmic: bool) -> str:
        """What scores are."""
        if not codes:
            return f"logarithm of {self.name}" if logarithmic else self.name
        if len(codes) == 2:
            return f"log odds of {str(self.problem.classes[codes[-1]])!r}"
        return "score of each class (probabilities are in proportion to its exponential)"

    def flag(self, feature: FeatureInfo) -> tuple[str, str]:
        """What the table writes for no and for yes: ``"false"`` and ``"true"`` where it holds flags."""
        parsing = self._parsing(feature)
        no, yes = (parsing.get(word, ()) for word in ("false", "true"))
        return str(no[0]) if no else "false", str(yes[0]) if yes else "true"

    def pair(self, feature: FeatureInfo) -> tuple[str, str] | None:
        """Both values of a number that has two: the lower one and the higher one."""
        if feature.transform != "value" or feature.source not in self.schema:
            return None
        told = self.schema[feature.source].statistics
        low, high = told.get("minimum"), told.get("maximum")
        if told.get("distinct") != 2 or not all(isinstance(each, (int, float)) for each in (low, high)):
            return None
        return f"{low:.6g}", f"{high:.6g}"

    def _parsing(self, feature: FeatureInfo) -> Mapping[str, Any]:
        if feature.source not in self.schema or self.schema[feature.source].kind is not Kind.BOOLEAN:
            return {}
        return self.schema[feature.source].parsing

    def where(self, axis: Axis) -> list[Where]:
        """What the cells of a column are for."""
        feature = self.features[axis.column]
        if axis.edges is None:
            return [Where(level=self.values.level(feature, code)) for code in range(axis.levels)]
        edges = [self.values.number(feature, float(edge)) for edge in axis.edges]
        if feature.transform == "flag" and len(edges) == 1 and 0 <= edges[0] < 1:
            return [*(Where(level=label) for label in self.flag(feature)), Where(missing=True)]
        bounds = [None, *edges, None]
        cells = [Where(above=low, up_to=high) for low, high in pairwise(bounds)]
        return [*cells, Where(missing=True)]
