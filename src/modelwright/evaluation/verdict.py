"""The verdict on a model in plain words: what speaks for it, what speaks against it, by rules from facts.

Every sentence comes from one rule, with the numbers that it rests on and the section of the report where they
stand. A rule whose facts are not known says nothing, and nothing is made up to reach three.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.evaluation.report.numbers import joined, plural, share, shortened, significant

__all__ = ["Judgement", "Verdict", "VerdictFacts", "judge"]

_MOST = 3
"""Strengths, and risks, that are told."""

_LARGE_GAIN, _CLEAR_GAIN, _SMALL_GAIN = 0.7, 0.3, 0.1
"""Parts of the constant's error that a model takes away: much better, clearly better, only a little."""

_FEW_ROWS, _MANY_ROWS, _RARE_ROWS, _FEW_TO_JUDGE = 500, 5_000, 50, 100
_WIDE, _ROUGH = 0.15, 0.25
"""Half the width of an interval, in parts of the error: no longer well known, and known only roughly."""

_GOOD_ECE, _BAD_ECE = 0.03, 0.08
_OFF, _FAR_OFF = 0.02, 0.05
"""Distances of a coverage from what was promised: still well, and no longer."""

_ONE_COLUMN, _WORSE = 0.6, 1.3
_QUICK, _SLOW = 0.01, 0.2
"""Seconds for one row."""


@dataclass(frozen=True)
class VerdictFacts:
    """What is known of a model; None where it is not.

    Attributes
    ----------
    target, metric, source : str
        What is predicted, by what it is judged, on what rows (``"holdout"``, ``"cross-fitted"`` ...).
    greater_is_better : bool
    optimum : float or None
        The best score there can be.
    score, low, high : float or None
        The score and its 95% interval.
    rows : int
        Rows that it rests on.
    compared, constant, baseline : float or None
        Scores of the model, of always answering the same, and of a linear model, all on the same rows.
    ties_constant, ties_baseline : bool or None
        Whether the best model of the leaderboard cannot be told from them.
    training_rows : int
    rarest : tuple of (label, rows) or None
        Of the class that is rarest.
    out_of_fold : float or None
        The score on the rows that the choice was made on, where ``score`` comes from others.
    warnings, excluded : tuple of str
        Names of columns that look as if they gave the target away: used, and left out.
    calibration : tuple of (error, error by chance) or None
        Mean distance of probabilities from frequencies, and what it would be by chance alone.
    coverage : tuple of (asked, found) or None
    worst_coverage : tuple of (group, found) or None
    worst_slice : tuple of (words, name of the loss, loss, loss elsewhere, rows) or None
    slices : int
        Slices that were looked at.
    fairness : tuple of (columns, verdict, evidence)
        What was found of groups: ``"gap"``, ``"insufficient evidence"`` or ``"no gap found"``.
    top_column : tuple of (name, part) or None
        The most important column, and its part of all importance.
    row_seconds : float or None
    deadline_hit : bool
    ordered_in_time, grouped : bool
        How rows were divided for validation.
    """

    target: str
    metric: str
    source: str = "out-of-fold"
    greater_is_better: bool = True
    optimum: float | None = None
    score: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    compared: float | None = None
    constant: float | None = None
    baseline: float | None = None
    ties_constant: bool | None = None
    ties_baseline: bool | None = None
    training_rows: int = 0
    rarest: tuple[Any, int] | None = None
    out_of_fold: float | None = None
    warnings: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    calibration: tuple[float, float] | None = None
    coverage: tuple[float, float] | None = None
    worst_coverage: tuple[str, float] | None = None
    worst_slice: tuple[str, str, float, float, int] | None = None
    slices: int = 0
    fairness: tuple[tuple[str, str, str], ...] = ()
    top_column: tuple[str, float] | None = None
    row_seconds: float | None = None
    deadline_hit: bool = False
    ordered_in_time: bool = False
    grouped: bool = False

    def error(self, score: float | None) -> float | None:
        """Distance of a score from the best possible one."""
        if score is None or self.optimum is None or not math.isfinite(self.optimum):
            return None
        return abs(self.optimum - score)

    @property
    def beside(self) -> float | None:
        """The score to hold against others: on the same rows as theirs, where that is known."""
        return self.score if self.compared is None else self.compared

    @property
    def gain(self) -> float | None:
        """Part of the constant's error that the model takes away; None where it is not known."""
        own, other = self.error(self.beside), self.error(self.constant)
        return None if own is None or not other else 1 - own / other


@dataclass(frozen=True)
class Judgement:
    """One strength or risk.

    Attributes
    ----------
    rule : str
        Name of the rule that it comes from.
    text : str
        One sentence.
    evidence : str
        The numbers that it rests on.
    section : str
        Key of the report's section where they stand.
    weight : float
        How much it matters, from 0 to 1.
    """

    rule: str
    text: str
    evidence: str
    section: str
    weight: float


@dataclass(frozen=True)
class Verdict:
    """What to think of a model.

    Attributes
    ----------
    headline : str
        One sentence.
    strengths, risks : tuple of Judgement
        At most three each, the weightiest first.
    """

    headline: str
    strengths: tuple[Judgement, ...]
    risks: tuple[Judgement, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "headline": self.headline,
            "strengths": [vars(each) for each in self.strengths],
            "risks": [vars(each) for each in self.risks],
        }


Rule = Callable[[VerdictFacts], Judgement | None]


def judge(facts: VerdictFacts) -> Verdict:
    """Judge a model by what is known of it.

    Parameters
    ----------
    facts : VerdictFacts

    Returns
    -------
    Verdict

    Examples
    --------
    >>> facts = VerdictFacts("churn", "roc_auc", optimum=1.0, score=0.9, low=0.89, high=0.91, rows=9000,
    ...                      constant=0.5, baseline=0.85, ties_baseline=False, training_rows=9000,
    ...                      rarest=("yes", 20))
    >>> verdict = judge(facts)
    >>> verdict.headline
    'The model predicts churn much better than always giving the same answer.'
    >>> [judgement.rule for judgement in verdict.strengths], [judgement.rule for judgement in verdict.risks]
    (['gain', 'beats_baseline', 'many_rows'], ['rare_class', 'only_chosen', 'not_in_time'])
    """
    return Verdict(_headline(facts), _weightiest(_STRENGTHS, facts), _weightiest(_RISKS, facts))


def _weightiest(rules: Iterable[Rule], facts: VerdictFacts) -> tuple[Judgement, ...]:
    found = [judgement for rule in rules if (judgement := rule(facts)) is not None]
    return tuple(sorted(found, key=lambda judgement: -judgement.weight)[:_MOST])


def _headline(facts: VerdictFacts) -> str:
    target, gain = shortened(facts.target), facts.gain
    if facts.score is None:
        return f"How well the model predicts {target} is not known."
    if facts.ties_constant or (gain is not None and gain <= 0):
        return f"The model predicts {target} no better than always giving the same answer: do not use it."
    if facts.warnings:
        return (
            f"The model seems to predict {target} well, but it uses columns that may give the answer away: "
            "look at them first."
        )
    if gain is None:
        return f"The model predicts {target}; how much better than a constant is not known for this metric."
    doubt = f", as far as {plural(facts.rows, 'row')} can tell" if _is_doubtful(facts) else ""
    return f"The model predicts {target} {_how(gain)} better than always giving the same answer{doubt}."


def _is_doubtful(facts: VerdictFacts) -> bool:
    return facts.rows > 0 and (facts.rows < _FEW_TO_JUDGE or _width(facts) > _ROUGH)


def _how(gain: float) -> str:
    if gain >= _CLEAR_GAIN:
        return "much" if gain >= _LARGE_GAIN else "clearly"
    return "somewhat" if gain >= _SMALL_GAIN else "only a little"


def _scored(facts: VerdictFacts, score: float | None) -> str:
    return f"{facts.metric} {significant(score)}"


def _gain(facts: VerdictFacts) -> Judgement | None:
    gain = facts.gain
    if gain is None or gain < _CLEAR_GAIN or facts.ties_constant:
        return None
    text = f"It takes away {share(gain)} of the error of always giving the same answer."
    evidence = f"{_scored(facts, facts.beside)} against {significant(facts.constant)}"
    return Judgement("gain", text, evidence, "score", min(1.0, 0.6 + gain / 2))


def _beats_baseline(facts: VerdictFacts) -> Judgement | None:
    if facts.baseline is None or facts.ties_baseline is not False:
        return None
    text = "It is better than a plain linear model, by more than chance would explain."
    evidence = f"{_scored(facts, facts.beside)} against {significant(facts.baseline)} of the linear model"
    return Judgement("beats_baseline", text, evidence, "score", 0.8)


def _honest_score(facts: VerdictFacts) -> Judgement | None:
    if facts.source not in ("holdout", "cross-fitted") or facts.score is None:
        return None
    what = "a sealed holdout" if facts.source == "holdout" else "rows that had no part in choosing the model"
    text = f"Its score is honest: it comes from {what}."
    return Judgement("honest_score", text, f"{plural(facts.rows, 'row')}, {facts.source}", "score", 0.65)


def _many_rows(facts: VerdictFacts) -> Judgement | None:
    if facts.training_rows < _MANY_ROWS or facts.low is None or _width(facts) > _WIDE:
        return None
    evidence = f"{plural(facts.training_rows, 'training row')}; {_between(facts)}"
    text = "It rests on many rows, and its score is known well."
    return Judgement("many_rows", text, evidence, "data", 0.5)


def _calibrated(facts: VerdictFacts) -> Judgement | None:
    if facts.calibration is None or facts.calibration[0] > min(_GOOD_ECE, 2 * facts.calibration[1]):
        return None
    text = "Its probabilities can be taken at their word: they agree with how often things happen."
    evidence = f"{_points(facts.calibration[0])} off on average, no more than by chance"
    return Judgement("calibrated", text, evidence, "performance", 0.6)


def _covers(facts: VerdictFacts) -> Judgement | None:
    if facts.coverage is None or abs(facts.coverage[1] - facts.coverage[0]) > _OFF:
        return None
    asked, found = facts.coverage
    text = "It knows how sure it is: its intervals or sets hold the truth as often as they promise."
    evidence = f"{share(found)} of the rows were covered where {asked:.0%} were asked for"
    return Judgement("covers", text, evidence, "uncertainty", 0.55)


def _even(facts: VerdictFacts) -> Judgement | None:
    if facts.worst_slice is not None or not facts.slices or facts.training_rows < _FEW_ROWS:
        return None  # among few rows nothing would be found
    text = "No part of the rows was found in which it is clearly worse than elsewhere."
    evidence = f"{plural(facts.slices, 'part')} of the rows looked at"
    return Judgement("even", text, evidence, "performance", 0.5)


def _fair(facts: VerdictFacts) -> Judgement | None:
    if not facts.fairness or {verdict for _, verdict, _ in facts.fairness} != {"no gap found"}:
        return None
    text = f"No gap was found between groups of {_named(facts.fairness)}, with rows enough to see one."
    return Judgement("fair", text, facts.fairness[0][2], "fairness", 0.6)


def _quick(facts: VerdictFacts) -> Judgement | None:
    if facts.row_seconds is None or facts.row_seconds > _QUICK:
        return None
    evidence = f"{significant(1000 * facts.row_seconds, 2)} ms for one row"
    return Judgement("quick", "It answers at once.", evidence, "resources", 0.3)


def _leak_found(facts: VerdictFacts) -> Judgement | None:
    if not facts.excluded:
        return None
    text = "Columns that gave the answer away were found and left out before training."
    return Judgement("leak_found", text, ", ".join(map(shortened, facts.excluded[:3])), "findings", 0.45)


def _in_time(facts: VerdictFacts) -> Judgement | None:
    if not facts.ordered_in_time and not facts.grouped:
        return None
    how = "later rows than it learned from" if facts.ordered_in_time else "groups that it never learned from"
    text = f"It was validated on {how}, as it will be used."
    evidence = "later rows were held back" if facts.ordered_in_time else "whole groups were held back"
    return Judgement("in_time", text, evidence, "task", 0.4)


def _no_gain(facts: VerdictFacts) -> Judgement | None:
    gain = facts.gain
    if not (facts.ties_constant or (gain is not None and gain < _SMALL_GAIN)):
        return None
    text = "It is hardly better than always giving the same answer."
    evidence = f"{_scored(facts, facts.beside)} against {significant(facts.constant)}"
    return Judgement("no_gain", text, evidence, "score", 1.0)


def _ties_baseline(facts: VerdictFacts) -> Judgement | None:
    if facts.baseline is None or not facts.ties_baseline:
        return None
    text = "A plain linear model does about as well: consider that one, which is easier to explain."
    evidence = (
        f"{_scored(facts, facts.beside)} against {significant(facts.baseline)}: chance could explain it"
    )
    return Judgement("ties_baseline", text, evidence, "score", 0.6)


def _leak(facts: VerdictFacts) -> Judgement | None:
    if not facts.warnings:
        return None
    names = ", ".join(map(shortened, facts.warnings[:3]))
    text = f"It uses columns that may not be known when it predicts: {names}. Ask where they come from."
    return Judgement("leak", text, plural(len(facts.warnings), "suspicious column"), "findings", 0.95)


def _few_rows(facts: VerdictFacts) -> Judgement | None:
    if not 0 < facts.training_rows < _FEW_ROWS:
        return None
    text = "It learned from few rows: other rows might have led to another model."
    return Judgement("few_rows", text, plural(facts.training_rows, "training row"), "data", 0.7)


def _uncertain(facts: VerdictFacts) -> Judgement | None:
    if facts.score is None or _width(facts) <= _ROUGH:
        return None
    return Judgement("uncertain", "How good it is can be told only roughly.", _between(facts), "score", 0.6)


def _width(facts: VerdictFacts) -> float:
    """Half the width of the interval in parts of the error."""
    own = facts.error(facts.score)
    if facts.low is None or facts.high is None or not own:
        return 0.0
    return (facts.high - facts.low) / 2 / own


def _between(facts: VerdictFacts) -> str:
    ends = f"{significant(facts.low)} to {significant(facts.high)}"
    return f"{_scored(facts, facts.score)}, 95% interval {ends}"


def _rare_class(facts: VerdictFacts) -> Judgement | None:
    if facts.rarest is None or facts.rarest[1] >= _RARE_ROWS:
        return None
    label, rows = facts.rarest
    text = f"It saw few examples of {_quoted(label)}: it may not recognise others."
    return Judgement("rare_class", text, f"about {plural(rows, 'training row')}", "task", 0.65)


def _miscalibrated(facts: VerdictFacts) -> Judgement | None:
    if facts.calibration is None:
        return None
    error, chance = facts.calibration
    if error < _BAD_ECE or error < 2 * chance:
        return None
    text = "Its probabilities are off: use its ranking or its decisions, not the numbers themselves."
    evidence = f"{_points(error)} off on average, where chance alone would show {_points(chance)}"
    return Judgement("miscalibrated", text, evidence, "performance", 0.7)


def _undercovers(facts: VerdictFacts) -> Judgement | None:
    if facts.worst_coverage is not None and facts.coverage is not None:
        group, found = facts.worst_coverage
        if found < facts.coverage[0] - _FAR_OFF:
            text = f"It is too sure of itself for {shortened(group)}."
            evidence = (
                f"{share(found)} covered, where {facts.coverage[0]:.0%} were promised for all rows together"
            )
            return Judgement("undercovers", text, evidence, "uncertainty", 0.6)
    return None


def _worst_slice(facts: VerdictFacts) -> Judgement | None:
    if facts.worst_slice is None:
        return None
    words, name, loss, elsewhere, rows = facts.worst_slice
    text = f"It is worse on some of the rows: {shortened(words, 120)}."
    times = f"{significant(loss / elsewhere, 2)} times" if elsewhere > 0 else "more than"
    numbers = f"{significant(loss, 3)} against {significant(elsewhere, 3)}"
    evidence = f"{times} the {name} of the other rows ({numbers}), on {plural(rows, 'row')}"
    heavy = elsewhere > 0 and loss >= _WORSE * elsewhere
    return Judgement("worst_slice", text, evidence, "performance", 0.75 if heavy else 0.5)


def _unfair(facts: VerdictFacts) -> Judgement | None:
    found = [each for each in facts.fairness if each[1] == "gap"]
    if not found:
        return None
    text = f"Groups of {_named(found)} are treated differently, by more than chance explains."
    return Judgement("unfair", text, found[0][2], "fairness", 0.9)


def _named(found: Sequence[tuple[str, str, str]]) -> str:
    return joined([columns for columns, _, _ in found], 3)


def _fairness_unknown(facts: VerdictFacts) -> Judgement | None:
    found = [each for each in facts.fairness if each[1] == "insufficient evidence"]
    if not found:
        return None
    text = f"Whether it treats the groups of {_named(found)} alike cannot be told: some are too small."
    return Judgement("fairness_unknown", text, "insufficient evidence", "fairness", 0.6)


def _one_column(facts: VerdictFacts) -> Judgement | None:
    if facts.top_column is None or facts.top_column[1] < _ONE_COLUMN:
        return None
    name, part = facts.top_column
    text = f"It leans mostly on {shortened(name)}: where that is wrong or late, so is the answer."
    return Judgement("one_column", text, f"{share(part)} of all importance", "explanation", 0.55)


def _optimistic(facts: VerdictFacts) -> Judgement | None:
    known, chosen = facts.error(facts.score), facts.error(facts.out_of_fold)
    if not known or chosen is None or facts.source == "out-of-fold" or chosen >= known * (1 - _WIDE):
        return None
    text = "It is worse on rows that had no part in choosing it: expect the worse of its two scores."
    evidence = f"{_scored(facts, facts.score)} against {significant(facts.out_of_fold)} out of fold"
    return Judgement("optimistic", text, evidence, "score", 0.6)


def _only_chosen(facts: VerdictFacts) -> Judgement | None:
    if facts.source != "out-of-fold" or facts.score is None:
        return None
    text = "Its score comes from the rows it was chosen by, so it may flatter a little."
    return Judgement("only_chosen", text, f"{plural(facts.rows, 'row')}, out of fold", "score", 0.25)


def _cut_short(facts: VerdictFacts) -> Judgement | None:
    if not facts.deadline_hit:
        return None
    text = "The clock cut its training short: with more time it may be better, and another run may differ."
    return Judgement("cut_short", text, "the time limit was reached", "resources", 0.4)


def _slow(facts: VerdictFacts) -> Judgement | None:
    if facts.row_seconds is None or facts.row_seconds < _SLOW:
        return None
    evidence = f"{significant(1000 * facts.row_seconds, 2)} ms for one row"
    return Judgement("slow", "It takes long for one answer.", evidence, "resources", 0.45)


def _not_in_time(facts: VerdictFacts) -> Judgement | None:
    if facts.ordered_in_time or facts.grouped:
        return None
    text = "It was validated on rows drawn at random: of later times or new groups the score says nothing."
    evidence = "no column was named that orders or groups the rows"
    return Judgement("not_in_time", text, evidence, "task", 0.2)


def _points(part: float) -> str:
    """A difference of probabilities."""
    return f"{significant(100 * part, 2)} points"


def _quoted(label: object) -> str:
    """A label in a sentence: 3 alone would be read as a number."""
    return f"“{shortened(label)}”"


_STRENGTHS: tuple[Rule, ...] = (
    _gain, _beats_baseline, _honest_score, _calibrated, _covers, _fair, _even, _many_rows, _leak_found,
    _in_time, _quick,
)  # fmt: skip

_RISKS: tuple[Rule, ...] = (
    _no_gain, _leak, _unfair, _worst_slice, _few_rows, _miscalibrated, _rare_class, _ties_baseline,
    _uncertain, _undercovers, _fairness_unknown, _optimistic, _one_column, _slow, _cut_short, _only_chosen,
    _not_in_time,
)  # fmt: skip
