"""The section of a report on explanation: which columns matter, and how predictions move with them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.automl.explaining import Explained
from modelwright.automl.judged_rows import OUT_OF_FOLD, JudgedRows
from modelwright.automl.report_words import metric_words
from modelwright.automl.reported import Part
from modelwright.core import Kind, ModelwrightError, generator
from modelwright.evaluation.report import (
    Bars,
    Block,
    Cell,
    Curves,
    Dots,
    Figure,
    Heading,
    Paragraph,
    Section,
    Series,
    Table,
    joined,
    plural,
    share,
    shortened,
    significant,
)
from modelwright.explanation import (
    Dependence,
    DependenceOptions,
    Importance,
    ImportanceOptions,
    dependence,
    permutation_importance,
)

__all__ = ["Explanation", "explain_rows", "explanation_section"]

_ROWS, _REPEATS, _DRAWN_COLUMNS, _LISTED = 3_000, 3, 30, 100
_DEPENDED = 6
"""Columns whose dependence is drawn: the most important ones."""

_DEPENDENCE_ROWS, _POINTS, _MOST_HEADINGS, _MOST_OUTPUTS = 300, 15, 14, 4
_SHARE_OF_IMPORTANCE = 0.6
"""Of the time; the rest is for dependence."""

_ONLY = "prediction"
"""What the one output of a model of values is called."""

_PLAIN = (Kind.NUMERIC, Kind.DATETIME, Kind.CATEGORICAL, Kind.BOOLEAN)


@dataclass(frozen=True)
class Explanation:
    """What was found of the columns.

    Attributes
    ----------
    importance : Importance
    dependences : tuple of Dependence
        Of the most important columns.
    learned_from : bool
        Whether the delivered model was fitted on these rows.
    left_out : tuple of str
        What was not done, in sentences.
    """

    importance: Importance
    dependences: tuple[Dependence, ...]
    learned_from: bool
    left_out: tuple[str, ...] = ()

    def top(self) -> tuple[str, float] | None:
        """The most important column and its part of all importance; None where none matters."""
        total = sum(max(entry.increase, 0.0) for entry in self.importance.columns)
        if total <= 0:
            return None
        first = self.importance.columns[0]
        return first.columns[0], first.increase / total


def explain_rows(explained: Explained, rows: JudgedRows, seconds: float) -> Explanation:
    """Importance of the columns, and dependence on the top ones, within a time.

    Parameters
    ----------
    explained : Explained
    rows : JudgedRows
        With their columns; at most 3,000 of them are used.
    seconds : float
        What it may take.

    Raises
    ------
    DataError
        If there are too few rows.
    """
    assert rows.frame is not None
    begun = time.monotonic()
    places = np.arange(len(rows.target))
    if len(places) > _ROWS and not explained.predictor.rows_together:
        places = np.sort(generator(0, "report").permutation(len(places))[:_ROWS])
    kept = rows.take(places)
    assert kept.frame is not None
    options = ImportanceOptions(repeats=_REPEATS, rows=_ROWS, seconds=_SHARE_OF_IMPORTANCE * seconds)
    importance = permutation_importance(
        explained.predictor, kept.frame, kept.target, explained.metric, weights=kept.weights, options=options
    )
    kinds = {column.name: column.kind for column in explained.schema.features}
    ordered = [entry.columns[0] for entry in importance.columns if entry.increase > 0]
    wanted = [name for name in ordered if kinds.get(name) in _PLAIN][:_DEPENDED]
    found: list[Dependence] = []
    left_out = [explained.note] if explained.note else []
    for place, name in enumerate(wanted):
        left = seconds - (time.monotonic() - begun)
        if left <= 0:
            left_out.append(f"There was no time for the dependence on {joined(wanted[place:])}.")
            break
        own = left / (len(wanted) - place)
        each = DependenceOptions(points=_POINTS, rows=_DEPENDENCE_ROWS, curves=0, seconds=own)
        try:
            found.append(dependence(explained.predictor, kept.frame, name, each))
        except ModelwrightError as error:
            left_out.append(f"{shortened(name)}: {error}")
    return Explanation(importance, tuple(found), rows.source == OUT_OF_FOLD, tuple(left_out))


def explanation_section(part: Part[Explanation]) -> Section:
    """Which columns matter, and how.

    Parameters
    ----------
    part : Part of Explanation
    """
    title = "Explanation"
    if part.value is None:
        missing = part.missing or "There are no rows to explain the model by."
        return Section("explanation", title, (Paragraph(missing, "missing"),))
    found = part.value
    importance = found.importance
    blocks: list[Block] = [Heading("Importance of the columns")]
    blocks += _important(importance, found.learned_from)
    blocks += [Paragraph(sentence, "note") for sentence in (*importance.left_out, *found.left_out)]
    if found.dependences:
        blocks.append(Heading("How predictions move with the most important columns"))
        text = (
            "Mean predictions of rows that all get the same value (partial dependence), with the 10% and the "
            "90% quantile of the rows. They tell what the model does, not what causes what."
        )
        blocks.append(Paragraph(text))
    blocks += [_dependence(each) for each in found.dependences]
    for each in found.dependences:
        blocks += _local_effects(each)
    return Section("explanation", title, tuple(blocks))


def _important(importance: Importance, learned_from: bool) -> Iterator[Block]:
    clear = [entry.columns[0] for entry in importance.columns if entry.is_clear]
    names = joined(clear, 6)
    words = f"{names} clearly matter" if len(clear) > 1 else f"Only {names} clearly matters"
    yield Paragraph(
        f"How much the error grows (by {metric_words(importance.metric)}; it is "
        f"{significant(importance.error, 3)}) when the values of one column are shuffled among "
        f"{plural(importance.rows, 'row')}. "
        + (f"{words}." if clear else "No column clearly matters on its own.")
    )
    if learned_from:
        text = (
            "The model learned from these rows: columns that it knows by heart, as names or texts, look more "
            "important here than they are for new rows. Give rows that it never saw to be sure."
        )
        yield Paragraph(text, "note")
    total = sum(max(entry.increase, 0.0) for entry in importance.columns) or 1.0
    drawn = importance.columns[:_DRAWN_COLUMNS]
    left = len(importance.columns) - len(drawn)
    more = f"; {left:,} less important columns are not drawn" if left else ""
    yield Bars(
        "Permutation importance",
        f"Growth of the error with 95% intervals{more}.",
        "column",
        "growth of the error",
        tuple(entry.columns[0] for entry in drawn),
        tuple(entry.increase for entry in drawn),
        tuple(entry.low for entry in drawn),
        tuple(entry.high for entry in drawn),
    )
    rows: list[list[Cell]] = [
        [
            entry.columns[0],
            entry.increase,
            entry.low,
            entry.high,
            share(max(entry.increase, 0.0) / total),
            joined(entry.twins, 3),
        ]
        for entry in importance.columns
    ]
    headings = ["column", "growth of the error", "from", "to", "part of all", "says much the same"]
    yield Table.bounded("Importance of each column", headings, rows, most=_LISTED, folded=True)
    if importance.groups:
        groups: list[list[Cell]] = [
            [joined(entry.columns, 6), entry.increase, entry.low, entry.high] for entry in importance.groups
        ]
        note = "Shuffled together: alone, each is partly replaced by the others."
        title = "Columns that say much the same"
        yield Table.bounded(title, headings[:4], groups, note=note, most=_DRAWN_COLUMNS)


def _dependence(found: Dependence) -> Figure:
    name = shortened(found.column)
    ordered = found.kind in (Kind.NUMERIC,) and all(
        isinstance(point.value, (int, float)) for point in found.points if point.value is not None
    )
    outside = sum(point.outside for point in found.points)
    text = f"Training had no values like those of {plural(outside, 'point')}. " if outside else ""
    if found.related:
        names = joined([column for column, _ in found.related], 3)
        text += f"It moves together with {names}: the local effects below tell its own part. "
    return _curve(found, name, text) if ordered else _levels(found, name, text)


def _local_effects(found: Dependence) -> Iterator[Table]:
    """Accumulated local effects in numbers."""
    local = [point for point in found.points if point.effect is not None]
    if not local:
        return
    name = shortened(found.column)
    rows: list[list[Cell]] = [
        [shortened(point.label, 60), point.rows, *(point.effect or ())] for point in local
    ]
    headings = [name, "rows", *(f"local effect: {shortened(output, 30)}" for output in found.outputs)]
    kept = [row[:_MOST_HEADINGS] for row in rows]
    yield Table.bounded(f"Accumulated local effects of {name}", headings[:_MOST_HEADINGS], kept, folded=True)


def _moves(found: Dependence) -> list[float]:
    """By how much each output moves with the column."""
    means = np.array([point.mean for point in found.points])
    spread: list[float] = (means.max(axis=0) - means.min(axis=0)).tolist()
    return spread


def _ends(found: Dependence, place: int) -> str:
    """Where an output is lowest and highest."""
    ordered = sorted(found.points, key=lambda point: point.mean[place])
    low, high = (
        f"{significant(point.mean[place], 3)}) at {shortened(point.label, 30)}"
        for point in (ordered[0], ordered[-1])
    )
    return f"Lowest ({low}, highest ({high}. "


def _curve(found: Dependence, name: str, text: str) -> Figure:
    points = [point for point in found.points if point.value is not None]
    x = tuple(float(point.value) for point in points)
    moves = _moves(found)
    drawn = sorted(sorted(range(len(moves)), key=lambda place: -moves[place])[:_MOST_OUTPUTS])
    one, left = len(drawn) == 1, len(moves) - len(drawn)
    words = f"The {len(drawn)} of {len(moves)} answers that move most are drawn. " if left else ""
    series = [
        Series(
            shortened(found.outputs[place], 40),
            x,
            tuple(point.mean[place] for point in points),
            tuple(point.low[place] for point in points) if one else (),
            tuple(point.high[place] for point in points) if one else (),
        )
        for place in drawn
    ]
    words += f"{_ends(found, drawn[0]) if one else ''}{text}"
    label = _predicted([found.outputs[place] for place in drawn])
    return Curves(f"Dependence on {name}", words.strip(), name, label, tuple(series))


def _levels(found: Dependence, name: str, text: str) -> Figure:
    """Levels, flags, dates and missing values, one below the other."""
    moves = _moves(found)
    place = moves.index(max(moves))
    words = f"Drawn for {shortened(found.outputs[place])}, which moves most. " if len(moves) > 1 else ""
    return Dots(
        f"Dependence on {name}",
        f"{words}{_ends(found, place)}{text}".strip(),
        name,
        _predicted(found.outputs[place : place + 1]),
        tuple(f"{shortened(point.label, 24)} ({point.rows:,})" for point in found.points),
        tuple(point.mean[place] for point in found.points),
        tuple(point.low[place] for point in found.points),
        tuple(point.high[place] for point in found.points),
        found.average[place],
        f"mean {significant(found.average[place], 3)}",
    )


def _predicted(outputs: Sequence[str]) -> str:
    one = len(outputs) == 1 and outputs[0] != _ONLY
    return f"prediction ({shortened(outputs[0], 30)})" if one else "prediction"
