"""What an interpretable model consists of, in the words of the table it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from modelwright.core import FeatureInfo, FloatArray, OptionError, Problem, Task, ViewInfo
from modelwright.ensemble import Ensemble, FittedOutputs
from modelwright.features import Featurizer, SourceValues
from modelwright.learners import FittedLearner
from modelwright.learners.additive_model import FittedAdditive
from modelwright.learners.additive_tables import Axis, Term
from modelwright.learners.decision_tree import FittedDecisionTree
from modelwright.learners.linear_model import FittedLinearModel

__all__ = ["ModelTerm", "OutputTerms", "TermCell", "Where", "read_terms"]


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

    Examples
    --------
    >>> str(Where(above=3.0)), str(Where(above=1.0, up_to=2.5)), str(Where(missing=True))
    ('above 3', '1 to 2.5', 'missing')
    """

    level: str | None = None
    above: float | None = None
    up_to: float | None = None
    missing: bool = False

    def __str__(self) -> str:
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
    share : float
        Share of the training rows.
    """

    where: tuple[Where, ...]
    adds: tuple[float, ...]
    share: float


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
        Mean absolute addition over the training rows; of several scores their mean.
    cells : tuple of TermCell
        The table, in the order of the values. Of a linear model one cell: what the column adds for each
        step of its scaled value, or for the level.
    """

    columns: tuple[str, ...]
    sources: tuple[str, ...]
    importance: float
    cells: tuple[TermCell, ...]

    def summary(self, most: int = 8) -> list[tuple[tuple[str, ...], tuple[float, ...], float]]:
        """The table in so many lines at most: what to look at, what it adds on average, share of the rows.

        Neighbouring ranges of a number are joined into ranges of about equally many rows; of levels those
        that matter most are kept; of a pair the parts that matter most. Cells without rows are left out.

        Parameters
        ----------
        most : int, default 8
            Lines.
        """
        known = [cell for cell in self.cells if cell.share > 0] or list(self.cells)
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
    return where.level is None and not where.missing


def _joined(cells: Sequence[TermCell], side: int, parts: int) -> list[TermCell]:
    """Cells of which neighbouring ranges of one column are joined into so many of about equal shares."""
    shares: dict[Where, float] = {}
    for cell in cells:
        if _is_range(cell.where[side]):
            shares[cell.where[side]] = shares.get(cell.where[side], 0.0) + cell.share
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
        sums[where] = adds + cell.share * np.array(cell.adds), share + cell.share
    return [TermCell(where, tuple((adds / share).tolist()), share) for where, (adds, share) in sums.items()]


def read_terms(ensemble: Ensemble, featurizer: Featurizer, problem: Problem) -> tuple[OutputTerms, ...]:
    """The terms of a model that is one interpretable model.

    Raises
    ------
    OptionError
        If it is not.
    """
    models = [model for member in ensemble.members for model in member.models]
    if len(models) > 1:
        raise OptionError(
            f"This model is an ensemble of {len(models)} models, which have no terms that can be read. Train "
            "with quality='interpretable' (--quality interpretable)."
        )
    whole = models[0]
    several = isinstance(whole, FittedOutputs)
    parts = whole.models if isinstance(whole, FittedOutputs) else (whole,)
    values = SourceValues.of(featurizer)
    found = []
    for position, part in enumerate(parts):
        name = _output_name(problem, position) if several else problem.target
        found.append(_read(part, _Reader(featurizer.info, values, problem.output(position), name)))
    return tuple(found)


def _output_name(problem: Problem, position: int) -> str:
    if problem.task is Task.MULTILABEL:
        return problem.labels[position]
    return f"{problem.target} (quantile {problem.quantiles[position]:g})"


@dataclass(frozen=True)
class _Reader:
    """What turns positions and codes into names."""

    info: ViewInfo
    values: SourceValues
    problem: Problem
    name: str

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
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

    def where(self, axis: Axis) -> list[Where]:
        """What the cells of a column are for."""
        feature = self.features[axis.column]
        if axis.edges is None:
            return [Where(level=self.values.level(feature, code)) for code in range(axis.levels)]
        edges = [self.values.number(feature, float(edge)) for edge in axis.edges]
        if feature.transform == "flag" and len(edges) == 1 and 0 <= edges[0] < 1:
            return [Where(level="false"), Where(level="true"), Where(missing=True)]
        bounds = [None, *edges, None]
        cells = [Where(above=low, up_to=high) for low, high in pairwise(bounds)]
        return [*cells, Where(missing=True)]


def _read(model: FittedLearner, reader: _Reader) -> OutputTerms:
    if isinstance(model, FittedAdditive):
        return _of_tables(model, reader)
    if isinstance(model, FittedLinearModel):
        return _of_coefficients(model, reader)
    if isinstance(model, FittedDecisionTree):
        codes = model.coder.present
        scale = "shares of classes" if codes else reader.name
        return OutputTerms(reader.name, scale, (reader.name,), (), (), _named_levels(model.rules(), reader))
    raise OptionError(
        f"A {type(model).__name__} has no terms that can be read. Train with quality='interpretable' "
        "(--quality interpretable)."
    )


def _of_tables(model: FittedAdditive, reader: _Reader) -> OutputTerms:
    codes, tables = model.coder.present, model.tables
    terms = sorted((_of_term(term, reader) for term in tables.terms), key=lambda term: -term.importance)
    return OutputTerms(
        reader.name,
        reader.scale(codes, model.logarithmic),
        reader.scores(codes, tables.outputs),
        tuple(tables.intercept.tolist()),
        tuple(terms),
    )


def _of_term(term: Term, reader: _Reader) -> ModelTerm:
    features = [reader.features[column] for column in term.columns]
    where = [reader.where(axis) for axis in term.axes]
    cells = [
        TermCell(
            tuple(places[cell] for places, cell in zip(where, at, strict=True)),
            tuple(term.values[at].tolist()),
            float(term.weights[at]),
        )
        for at in product(*(range(len(places)) for places in where))
    ]
    return ModelTerm(
        tuple(feature.name for feature in features),
        tuple(feature.source for feature in features),
        float(term.importance.mean()),
        tuple(cells),
    )


def _of_coefficients(model: FittedLinearModel, reader: _Reader) -> OutputTerms:
    codes = model.coder.present
    coefficients: FloatArray = model.state.coefficients
    columns = model.design.encoder.columns(reader.info)
    terms = []
    for position, feature in enumerate(columns):
        adds = coefficients[:, position]
        name, level = feature.name, None
        if feature.transform == "level":
            name, _, code = feature.name.rpartition("=")
            level = _level_name(feature, code, reader)
        cell = TermCell((Where(level=level or "each step of the scaled value"),), tuple(adds.tolist()), 0.0)
        terms.append(ModelTerm((name,), (feature.source,), float(np.abs(adds).mean()), (cell,)))
    terms = [term for term in terms if term.importance]
    return OutputTerms(
        reader.name,
        reader.scale(codes, model.state.link == "log"),
        reader.scores(codes, len(coefficients)),
        tuple(model.state.intercepts.tolist()),
        tuple(sorted(terms, key=lambda term: -term.importance)),
    )


def _level_name(feature: FeatureInfo, code: str, reader: _Reader) -> str:
    return reader.values.level(feature, int(code)) if code.isdecimal() else code


def _named_levels(rules: str, reader: _Reader) -> str:
    """Rules with the names of levels in place of their codes."""
    sources = {feature.name: feature for feature in reader.info.categorical}
    lines = []
    for line in rules.split("\n"):
        head, asks, tail = line.partition("if ")
        name, equals, rest = tail.rpartition("=")
        name, equals, rest = _split_level(tail) if asks else ("", "", "")
        if equals and name in sources:
            line = f"{head}if not {name} = {reader.values.level(sources[name], int(rest))!r}:"
        lines.append(line)
    return "\n".join(lines)


def _split_level(condition: str) -> tuple[str, str, str]:
    """``plan=2 <= 0.5:`` as name, sign and code; empty if it is another condition."""
    asked = condition.partition(" <= ")[0]
    name, equals, code = asked.rpartition("=")
    return (name, equals, code) if equals and code.isdecimal() else ("", "", "")
