"""The section of a report on uncertainty: whether intervals and sets hold what they promise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.automl.evidence import Evidence
from modelwright.automl.judged_rows import JudgedRows
from modelwright.automl.reported import Part
from modelwright.automl.uncertainty import coverage_of, parts_of
from modelwright.core import FloatArray, OptionError, Problem, Task
from modelwright.ensemble import Conformal, fit_conformal
from modelwright.evaluation import CoverageRow, wilson_interval
from modelwright.evaluation.report import (
    Block,
    Cell,
    Curves,
    Dots,
    Paragraph,
    Section,
    Series,
    Table,
    plural,
    share,
    shortened,
    significant,
)

__all__ = ["ASKED", "Covered", "coverage_by", "coverage_found", "divisions", "uncertainty_section"]

ASKED = 0.9
"""The coverage that the report looks at closely."""

_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_MOST_PARTS = 12
_FEWEST = 20
"""Rows of a part below which its coverage says nothing."""

_TRULY, _PREDICTED, _MISSING = "truly ", "predicted ", "missing"

_JUDGED = {
    "out-of-fold": "Whether they do is judged on out-of-fold rows: half of the folds says how wide they "
    "must be for the other half.",
    "given": "Whether they do is judged on the rows that were given.",
}


@dataclass(frozen=True)
class Covered:
    """How often rows were covered that had no part in the margins.

    Attributes
    ----------
    levels : mapping of float to CoverageRow
        All rows, by what was asked for.
    parts : mapping of str to tuple of CoverageRow
        At `ASKED`, by what divides the rows: its name to one line for each part.
    source : str
        ``"out-of-fold"`` or ``"given"``.
    """

    levels: Mapping[float, CoverageRow]
    parts: Mapping[str, tuple[CoverageRow, ...]]
    source: str = "out-of-fold"

    @property
    def overall(self) -> CoverageRow | None:
        """All rows at `ASKED`."""
        return self.levels.get(ASKED)

    def worst(self) -> tuple[str, CoverageRow] | None:
        """The part whose rows are covered least, if it is clearly less than was asked for."""
        found = [
            (name, row)
            for name, rows in self.parts.items()
            for row in rows
            if row.rows >= _FEWEST and row.high < ASKED
        ]
        return min(found, key=lambda pair: pair[1].covered, default=None)


Judge = Callable[[float, Sequence[str] | None], tuple[CoverageRow, ...]]
"""Coverage of all rows and of each part, for what is asked for."""


def coverage_found(judge: Judge, divided: Mapping[str, Sequence[str]], source: str) -> Covered:
    """Coverage at several levels, and by parts at one.

    Parameters
    ----------
    judge : callable
        `coverage_by` of out-of-fold rows, or `uncertainty.coverage_of` of rows that are new to the model.
    divided : mapping of str to sequence of str
        What divides the rows, to the part of each row; see `divisions`.
    source : str
        ``"out-of-fold"`` or ``"given"``.

    Raises
    ------
    OptionError
        If the rows are too few.
    """
    levels: dict[float, CoverageRow] = {}
    for asked in _LEVELS:
        try:
            levels[asked] = judge(asked, None)[0]
        except OptionError:
            if asked == _LEVELS[0]:
                raise
    known = divided if ASKED in levels else {}
    parts = {name: judge(ASKED, found)[1:] for name, found in known.items() if len(set(found)) > 1}
    return Covered(levels, parts, source)


def divisions(problem: Problem, rows: JudgedRows, columns: Sequence[str]) -> dict[str, list[str]]:
    """Parts of rows: by their true class or predicted value, and by columns where these are known."""
    found: dict[str, list[str]] = {}
    array = rows.predictions.array
    if problem.task.is_classification:
        found["answer"] = [f"{_TRULY}{shortened(problem.classes[code], 40)}" for code in rows.target.tolist()]
    elif problem.task is not Task.MULTILABEL:
        values = array if array.ndim == 1 else array[:, array.shape[1] // 2]
        found["answer"] = [
            f"{_PREDICTED}{part}" for part in parts_of(pl.DataFrame({"value": values}), "value")
        ]
    for name in columns:
        if rows.frame is not None and name in rows.frame.columns and not rows.frame[name].dtype.is_nested():
            found[name] = parts_of(rows.frame, name)
    return found


def coverage_by(
    problem: Problem, evidence: Evidence, asked: float, parts: Sequence[str] | None = None
) -> tuple[CoverageRow, ...]:
    """Coverage of all rows and of each part, each half of the folds judged by the other half.

    Raises
    ------
    OptionError
        If a half has too few rows.
    """
    first = evidence.fold % 2 == 0
    if first.all() or not first.any():
        first = np.arange(len(first)) % 2 == 0
    found = [
        _judged(problem, evidence.target, evidence.array, (known, ~known), (asked, parts))
        for known in (first, ~first)
    ]
    return tuple(_merged(row for half in found for row in half))


def _judged(
    problem: Problem,
    target: NDArray[np.generic],
    array: FloatArray,
    halves: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    wanted: tuple[float, Sequence[str] | None],
) -> tuple[CoverageRow, ...]:
    """Rows of the second half by margins of the first."""
    known, judged = halves
    asked, parts = wanted
    conformal = fit_conformal(problem, target[known], array[known])
    if conformal is None:
        raise OptionError(
            f"Whether intervals hold what they promise is told from 40 rows on; there are {len(target)}."
        )
    own = None if parts is None else [parts[place] for place in np.flatnonzero(judged).tolist()]
    return coverage_of(conformal, problem, target[judged], array[judged], asked, own)


def _merged(rows: Iterable[CoverageRow]) -> list[CoverageRow]:
    """Lines of equal parts as one; all rows first, then the largest part."""
    known: dict[str, list[CoverageRow]] = {}
    for row in rows:
        known.setdefault(row.part, []).append(row)
    merged = []
    for part, found in known.items():
        count = sum(row.rows for row in found)
        covered = sum(row.covered * row.rows for row in found) / max(count, 1)
        size = sum(row.size * row.rows for row in found) / max(count, 1)
        merged.append(CoverageRow(part, count, covered, *wilson_interval(covered * count, count), size))
    return sorted(merged, key=lambda row: (bool(row.part), -row.rows))


def uncertainty_section(problem: Problem, covered: Part[Covered], exact: Part[Conformal]) -> Section:
    """How sure the model is, and whether it is right to be.

    Parameters
    ----------
    problem : Problem
    covered : Part of Covered
    exact : Part of Conformal
        What the bundle predicts intervals or sets by.
    """
    title, values = "Uncertainty", problem.task in (Task.REGRESSION, Task.QUANTILE)
    what, size = ("intervals", "mean width") if values else ("sets of labels", "mean number of labels")
    if exact.value is None:
        missing = exact.missing or f"The model has no {what}."
        return Section("uncertainty", title, (Paragraph(missing, "missing"),))
    method = "predict_interval" if values else "predict_set"
    instead = "one value" if values else "one answer"
    blocks: list[Block] = [
        Paragraph(
            f"Instead of {instead} the model can give {what} that hold the truth as often as asked for, as "
            f"long as new rows come about as the training rows did (conformal prediction; in Python "
            f"Model.{method})."
        )
    ]
    if covered.value is None:
        blocks.append(Paragraph(covered.missing or "There are no rows to judge it on.", "missing"))
        return Section("uncertainty", title, tuple(blocks))
    blocks.append(Paragraph(_JUDGED.get(covered.value.source, _JUDGED["given"])))
    blocks += _told(covered.value, size)
    return Section("uncertainty", title, tuple(blocks))


def _told(covered: Covered, size: str) -> list[Block]:
    blocks: list[Block] = []
    overall = covered.overall
    if overall is not None:
        blocks.append(
            Paragraph(
                f"Asked for {ASKED:.0%}, they held the truth of {share(overall.covered)} of "
                f"{plural(overall.rows, 'row')} (95% interval {share(overall.low)} to "
                f"{share(overall.high)}); {size} {significant(overall.size, 3)}."
            )
        )
    worst = covered.worst()
    if worst is not None:
        name, row = worst
        where = (
            f"the row is {row.part}" if name == "answer" else f"{shortened(name)} is {shortened(row.part)}"
        )
        text = f"Where {where}, only {share(row.covered)} of {plural(row.rows, 'row')} are covered."
        blocks.append(Paragraph(text, "risk"))
    rows: list[list[Cell]] = [
        [f"{level:.0%}", row.covered, row.low, row.high, row.size] for level, row in covered.levels.items()
    ]
    blocks.append(Table.bounded("By what is asked for", ["asked for", "found", "from", "to", size], rows))
    asked = tuple(covered.levels)
    blocks.append(
        Curves(
            "Coverage asked for and found",
            "On the dotted line it is as promised; below it the model is too sure of itself.",
            "asked for",
            "found",
            (
                Series("as promised", asked, asked, is_reference=True),
                Series(
                    "found",
                    asked,
                    tuple(row.covered for row in covered.levels.values()),
                    tuple(row.low for row in covered.levels.values()),
                    tuple(row.high for row in covered.levels.values()),
                ),
            ),
        )
    )
    for name, parts in covered.parts.items():
        blocks += _by_part(name, parts)
    return blocks


def _by_part(name: str, rows: Sequence[CoverageRow]) -> Iterator[Dots]:
    known = _in_order([row for row in rows if row.rows >= _FEWEST])
    kept = known[:_MOST_PARTS]
    if not kept:
        return
    answer = "true class" if kept[0].part.startswith(_TRULY) else "predicted value"
    what = answer if name == "answer" else shortened(name)
    left = len(rows) - len(kept)
    more = f" {plural(left, 'small part')} {'is' if left == 1 else 'are'} left out." if left else ""
    yield Dots(
        f"Coverage by {what}",
        f"Where {ASKED:.0%} were asked for; 95% intervals.{more}",
        what,
        "covered",
        tuple(f"{shortened(_bare(row.part), 30)} ({row.rows:,})" for row in kept),
        tuple(row.covered for row in kept),
        tuple(row.low for row in kept),
        tuple(row.high for row in kept),
        ASKED,
        "asked for",
    )


def _bare(part: str) -> str:
    """A part as the title of its figure leaves it to be said."""
    return part.removeprefix(_TRULY).removeprefix(_PREDICTED)


def _in_order(rows: Sequence[CoverageRow]) -> list[CoverageRow]:
    """Ranges of numbers in their order, missing ones last; other parts as they come, the largest first."""
    starts = [_start(row.part) for row in rows]
    if any(start is None for start in starts):
        return list(rows)
    return [row for _, row in sorted(zip(starts, rows, strict=True), key=lambda pair: pair[0] or 0.0)]


def _start(part: str) -> float | None:
    """Where a range begins: its name says ``3 to 8``."""
    words = _bare(part).split(" to ")
    if words == [_MISSING]:
        return float("inf")
    try:
        return float(words[0]) if len(words) == 2 else None
    except ValueError:
        return None
