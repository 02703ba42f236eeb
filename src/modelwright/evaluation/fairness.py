"""How a model treats groups of people: rates, errors and calibration by group, with what chance explains.

- Demographic parity: equal selection rates (Dwork et al., "Fairness through awareness", 2012). The
  four-fifths rule is a rate below 80% of the highest one (29 CFR 1607.4D); it is told of with its interval.
- Equalised odds, equal opportunity: equal true and false positive rates, or true positive rates alone (Hardt,
  Price and Srebro, "Equality of opportunity in supervised learning", 2016).
- Calibration: the mean predicted probability beside the mean of the truth.

No two of these hold together where base rates differ and the model is not perfect (Chouldechova, "Fair
prediction with disparate impact", 2017; Kleinberg, Mullainathan and Raghavan, 2017). A gap is told of where
chance hardly explains it and it is not trifling. That there is none is said only of groups with enough rows
to have seen one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Predictions, Problem, Task
from modelwright.evaluation.fairness_records import (
    GAP,
    INSUFFICIENT,
    NO_GAP,
    VERDICTS,
    Criterion,
    FairnessReport,
    FairnessView,
    FourFifths,
    GroupComparison,
    GroupFigures,
)
from modelwright.evaluation.rates import (
    UNKNOWN,
    Figure,
    adjusted,
    chance_of_means,
    chance_of_rates,
    difference,
    mean_of,
    needed_rows,
    rate_of,
    ratio,
)
from modelwright.evaluation.sensitive_groups import Division, SensitiveRows

__all__ = ["fairness_report"]

_LEVEL = 0.05
_FOUR_FIFTHS = 0.8
_TEN_POINTS = 0.1
"""The difference of rates that groups should be large enough to show, but for the four-fifths rule."""

_LEAST_GAP, _LEAST_SPREADS = 0.05, 0.1
"""Smaller differences are not called gaps: of rates and probabilities; of values, in standard deviations of
the truth."""

_LEAST_ROWS = 10.0
"""Rows below which a rate is too coarse to be called anything."""

_ROWS_OF_VALUES = 393
"""Rows of each of two groups that tell means 0.2 standard deviations apart with 80% power (Cohen, 1988)."""

_MOST_OUTPUTS, _MOST_GROUPS = 10, 30
"""Classes or targets, and groups of an intersection, that are judged: the largest."""

_RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy")
_OF_CLASSES = (*_RATES, "calibration")
_OF_VALUES = ("mean_prediction", "mean_error", "mean_absolute_error")
_WITH_RATIO = (*_RATES, "mean_prediction", "mean_absolute_error")

_CRITERIA_OF_CLASSES = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "calibration": ("calibration",),
}
_CRITERIA_OF_VALUES = {name: (name,) for name in _OF_VALUES}


def fairness_report(
    problem: Problem,
    target: NDArray[Any],
    predictions: Predictions,
    groups: SensitiveRows,
    weights: FloatArray | None = None,
    source: str = "data",
) -> FairnessReport:
    """Judge predictions by groups of rows.

    Figures of classes: ``base_rate`` (share of the class), ``selection_rate`` (share predicted as the class),
    ``true_positive_rate``, ``false_positive_rate``, ``precision``, ``accuracy``, ``mean_prediction`` (mean
    probability) and ``calibration`` (mean probability less base rate). Of values: ``mean_truth``,
    ``mean_prediction``, ``mean_error`` (predicted less true) and ``mean_absolute_error``.

    Parameters
    ----------
    problem : Problem
        Resolved. Two classes are judged by the positive one; of more, each of the ten most frequent ones
        against the rest; of several targets each of the first ten; of quantiles the middle one.
    target : array, shape (rows,) or (rows, labels)
        Class codes, values, or 0 and 1.
    predictions : Predictions
        Of rows that the model was not fitted on.
    groups : SensitiveRows
        Of the same rows.
    weights : float64 array, shape (rows,), optional
    source : str
        Where the rows are from: ``"out-of-fold"`` or ``"data"``.

    Returns
    -------
    FairnessReport
        Each group is compared with the largest one; chances are adjusted for all comparisons together.

    Examples
    --------
    >>> from modelwright.evaluation.sensitive_groups import SensitiveColumn
    >>> rng = np.random.default_rng(0)
    >>> sex, truth = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    >>> chosen = rng.random(4000) < np.where(sex == 0, 0.5, 0.3)  # whoever is meant by 1 is chosen less often
    >>> predicted = Predictions(np.column_stack([~chosen, chosen]).astype(float))
    >>> problem = Problem.of("hired").resolved(Task.BINARY, "accuracy", (0, 1))
    >>> groups = SensitiveRows((SensitiveColumn("sex", ("f", "m")),), sex[:, None])
    >>> report = fairness_report(problem, truth, predicted, groups)
    >>> found = report.views[0].four_fifths[0]
    >>> found.group, found.verdict, 0.5 < found.ratio.value < 0.7
    ('m', 'below four fifths', True)
    """
    outputs, notes = _outputs(problem, np.asarray(target), predictions)
    mass = None if weights is None else np.asarray(weights, np.float64)
    drafts: list[_Draft] = []
    for division in groups.divisions():
        kept, note = _largest(division)
        notes += note
        drafts += [_drafted(output, kept, mass) for output in outputs]
    chances = iter(adjusted([pair.chance for draft in drafts for pair in draft.pairs]))
    views = tuple(_viewed(draft, [next(chances) for _ in draft.pairs]) for draft in drafts)
    if problem.group is not None:
        notes.append(f"Rows of one {problem.group!r} depend on each other, so intervals are too narrow.")
    count = sum(len(view.comparisons) for view in views)
    return FairnessReport(
        str(problem.task),
        len(groups.codes),
        source,
        groups.columns,
        views,
        count,
        tuple(dict.fromkeys(notes)),
    )


@dataclass(frozen=True)
class _Output:
    """One thing that is predicted.

    Attributes
    ----------
    name : str
    truth : float64 array
        0 and 1, or values.
    score : float64 array
        Probability, or predicted value.
    decided : bool array or None
        Whether the class is decided for; None for values.
    """

    name: str
    truth: FloatArray
    score: FloatArray
    decided: NDArray[np.bool_] | None = None


def _outputs(
    problem: Problem, target: NDArray[Any], predictions: Predictions
) -> tuple[list[_Output], list[str]]:
    """What is judged, and what a reader must know of it."""
    array = predictions.array
    if problem.task is Task.REGRESSION:
        return [_Output(problem.target, target.astype(np.float64), array)], []
    if problem.task is Task.QUANTILE:
        middle = int(np.abs(np.asarray(problem.quantiles) - 0.5).argmin())
        name = f"{problem.target} (quantile {problem.quantiles[middle]:g})"
        return [_Output(name, target.astype(np.float64), array[:, middle])], []
    if problem.task is Task.MULTILABEL:
        chosen = predictions.label_codes
        names = problem.labels[:_MOST_OUTPUTS]
        left = [f"Only the first {_MOST_OUTPUTS} of {len(problem.labels)} targets are judged."]
        return [
            _Output(name, target[:, place].astype(np.float64), array[:, place], chosen[:, place] == 1)
            for place, name in enumerate(names)
        ], left if len(names) < len(problem.labels) else []
    codes, decided = target.astype(np.int64), predictions.codes
    if problem.task is Task.BINARY:
        positive = str(problem.classes[1])
        note = (
            f"Selected means: predicted {positive!r}. Where that is the unwelcome answer, look at the other "
            "class."
        )
        return [_Output(positive, (codes == 1).astype(np.float64), array[:, 1], decided == 1)], [note]
    frequent = np.argsort(-np.bincount(codes, minlength=len(problem.classes)), kind="stable")[:_MOST_OUTPUTS]
    left = [f"Only the {_MOST_OUTPUTS} most frequent of {len(problem.classes)} classes are judged."]
    return [
        _Output(
            str(problem.classes[code]), (codes == code).astype(np.float64), array[:, code], decided == code
        )
        for code in sorted(frequent.tolist())
    ], left if len(problem.classes) > _MOST_OUTPUTS else []


def _largest(division: Division) -> tuple[Division, list[str]]:
    """The groups in the order of their rows, without the smallest of very many; these get the code -1."""
    sizes = np.bincount(division.codes, minlength=len(division.labels))
    order = np.argsort(-sizes, kind="stable")
    most = _MOST_GROUPS if len(division.by) > 1 else len(order)
    place = np.full(len(order), -1, np.int64)
    place[order[:most]] = np.arange(min(most, len(order)))
    labels = tuple(division.labels[code] for code in order[:most])
    note = f"Of {len(order)} groups by {' and '.join(division.by)} only the {most} largest are judged."
    return Division(division.by, labels, place[division.codes]), [note] if most < len(order) else []


@dataclass(frozen=True)
class _Pair:
    """A figure of a group and of the largest group."""

    figure: str
    group: str
    reference: str
    first: Figure
    second: Figure
    chance: float
    needed: int
    least: float


@dataclass(frozen=True)
class _Draft:
    """A view before chances are adjusted."""

    by: tuple[str, ...]
    output: _Output
    groups: tuple[GroupFigures, ...]
    pairs: tuple[_Pair, ...]


def _drafted(output: _Output, division: Division, weights: FloatArray | None) -> _Draft:
    total = len(division.codes)
    groups = []
    for code, label in enumerate(division.labels):
        rows = np.flatnonzero(division.codes == code)
        figures = _figures(output, rows, None if weights is None else weights[rows])
        groups.append(GroupFigures(label, len(rows), len(rows) / max(1, total), figures))
    reference = groups[0]
    least = _LEAST_GAP if output.decided is not None else _LEAST_SPREADS * float(output.truth.std())
    pairs = [
        _pair(figure, group, reference, least)
        for group in groups[1:]
        for figure in (_OF_CLASSES if output.decided is not None else _OF_VALUES)
    ]
    return _Draft(division.by, output, tuple(groups), tuple(pairs))


def _figures(output: _Output, rows: NDArray[Any], weights: FloatArray | None) -> dict[str, Figure]:
    """Every figure of the rows of a group."""
    truth, score = output.truth[rows], output.score[rows]
    if output.decided is None:
        return {
            "mean_truth": mean_of(truth, weights),
            "mean_prediction": mean_of(score, weights),
            "mean_error": mean_of(score - truth, weights),
            "mean_absolute_error": mean_of(np.abs(score - truth), weights),
        }
    chosen, positive = output.decided[rows], truth > 0.5

    def among(events: NDArray[Any], part: NDArray[np.bool_]) -> Figure:
        return rate_of(events[part], None if weights is None else weights[part])

    return {
        "base_rate": rate_of(positive, weights),
        "selection_rate": rate_of(chosen, weights),
        "true_positive_rate": among(chosen, positive),
        "false_positive_rate": among(chosen, ~positive),
        "precision": among(positive, chosen),
        "accuracy": rate_of(chosen == positive, weights),
        "mean_prediction": mean_of(score, weights),
        "calibration": mean_of(score - truth, weights),
    }


def _pair(figure: str, group: GroupFigures, reference: GroupFigures, least: float) -> _Pair:
    first, second = group.figures[figure], reference.figures[figure]
    chance = chance_of_rates(first, second) if figure in _RATES else chance_of_means(first, second)
    needed = _needed(figure, second)
    return _Pair(figure, group.group, reference.group, first, second, chance, needed, least)


def _needed(figure: str, reference: Figure) -> int:
    """Rows of each side that would show a difference that matters."""
    if figure in _OF_VALUES:
        return _ROWS_OF_VALUES
    rate = reference.value if figure in _RATES and reference.is_known else 0.5
    if figure == "selection_rate":
        return _needed_for_rule(rate)
    return needed_rows(rate, rate - _TEN_POINTS if rate >= 0.5 else rate + _TEN_POINTS)


def _needed_for_rule(rate: float) -> int:
    """Rows of each side that would show a selection rate below four fifths of this one."""
    highest = max(rate, 0.01)  # where nobody is selected, no number of rows suffices
    return needed_rows(highest, _FOUR_FIFTHS * highest)


def _viewed(draft: _Draft, chances: Sequence[float]) -> FairnessView:
    comparisons = tuple(_compared(pair, chance) for pair, chance in zip(draft.pairs, chances, strict=True))
    of_classes = draft.output.decided is not None
    criteria = _CRITERIA_OF_CLASSES if of_classes else _CRITERIA_OF_VALUES
    return FairnessView(
        by=draft.by,
        output=draft.output.name,
        groups=draft.groups,
        comparisons=comparisons,
        four_fifths=_four_fifths(draft.groups) if of_classes else (),
        criteria=tuple(
            _criterion(name, figures, draft.groups, comparisons) for name, figures in criteria.items()
        ),
    )


def _compared(pair: _Pair, chance: float) -> GroupComparison:
    apart = difference(pair.first, pair.second)
    rows = min(pair.first.rows, pair.second.rows)
    verdict = NO_GAP
    if chance <= _LEVEL and abs(apart.value) >= pair.least and rows >= _LEAST_ROWS:
        verdict = GAP
    elif not math.isfinite(chance) or rows < pair.needed:
        verdict = INSUFFICIENT
    return GroupComparison(
        figure=pair.figure,
        group=pair.group,
        reference=pair.reference,
        difference=apart,
        ratio=ratio(pair.first, pair.second) if pair.figure in _WITH_RATIO else UNKNOWN,
        chance=chance,
        rows=rows,
        rows_needed=pair.needed,
        verdict=verdict,
    )


def _four_fifths(groups: Sequence[GroupFigures]) -> tuple[FourFifths, ...]:
    """Each group beside the one that is selected most often, of those with enough rows to say so."""
    rates = {group.group: group.figures["selection_rate"] for group in groups}
    known = {name: rate for name, rate in rates.items() if rate.is_known}
    if len(known) < 2:
        return ()
    able = {name: rate for name, rate in known.items() if rate.rows >= _needed_for_rule(rate.value)}
    reference = max(able, key=lambda name: able[name].value) if able else next(iter(known))
    highest = known.pop(reference)
    needed = _needed_for_rule(highest.value)
    chances = adjusted([chance_of_rates(rate, highest) for rate in known.values()])
    found = []
    for (name, rate), chance in zip(known.items(), chances, strict=True):
        quotient, rows = ratio(rate, highest), min(rate.rows, highest.rows)
        verdict = _rule(quotient, chance, rows, needed)
        found.append(FourFifths(name, reference, quotient, rows, needed, verdict))
    return tuple(found)


def _rule(quotient: Figure, chance: float, rows: float, needed: int) -> str:
    """What the four-fifths rule says, as far as the interval lets it."""
    if quotient.high < _FOUR_FIFTHS and chance <= _LEVEL and rows >= _LEAST_ROWS:
        return "below four fifths"
    if not quotient.is_known or rows < needed:
        return INSUFFICIENT
    return "not below four fifths" if quotient.low >= _FOUR_FIFTHS else "unclear"


def _criterion(
    name: str, figures: Sequence[str], groups: Sequence[GroupFigures], comparisons: Sequence[GroupComparison]
) -> Criterion:
    """The largest gap of the figures of a criterion."""
    verdicts = {each.verdict for each in comparisons if each.figure in figures}
    verdict = next((known for known in VERDICTS if known in verdicts), INSUFFICIENT)
    best = Criterion(name, "", "", UNKNOWN, UNKNOWN, verdict)
    for figure in figures:
        known = [(group.figures[figure], group.group) for group in groups]
        known = [(estimate, label) for estimate, label in known if estimate.rows >= _LEAST_ROWS]
        if len(known) < 2:
            continue
        (low, lowest), (high, highest) = min(known, key=_first_value), max(known, key=_first_value)
        apart = difference(high, low)
        if not best.difference.is_known or apart.value > best.difference.value:
            shared = ratio(low, high) if figure in _WITH_RATIO else UNKNOWN
            best = replace(best, highest=highest, lowest=lowest, difference=apart, ratio=shared)
    return best


def _first_value(pair: tuple[Figure, str]) -> float:
    return pair[0].value
