"""The first section of a report: the verdict, and the figures that most readers ask for."""

from __future__ import annotations

from collections.abc import Iterator

from modelwright.automl.report_scores import amount, baseline_entry, constant_entry
from modelwright.automl.report_sources import ReportSources
from modelwright.automl.report_uncertainty import ASKED
from modelwright.automl.report_verdict import row_seconds
from modelwright.automl.report_words import metric_reading, metric_words
from modelwright.automl.reported import Part
from modelwright.core import Task
from modelwright.evaluation.report import (
    Block,
    Fact,
    Facts,
    Item,
    Items,
    Paragraph,
    Section,
    plural,
    share,
    shortened,
    significant,
)
from modelwright.evaluation.verdict import Verdict

__all__ = ["key_figures", "summary_section"]

_ORIGINS = {
    "holdout": "put aside before training",
    "cross-fitted": "each by models that never saw it",
    "out-of-fold": "each by models that never saw it",
    "given": "that you gave",
}


def summary_section(verdict: Part[Verdict], facts: tuple[Fact, ...]) -> Section:
    """What to think of the model.

    Parameters
    ----------
    verdict : Part of Verdict
    facts : tuple of Fact
        See `key_figures`.
    """
    blocks: list[Block] = []
    if verdict.value is None:
        blocks.append(Paragraph(verdict.missing or "There is no verdict.", "missing"))
    else:
        blocks.append(Paragraph(verdict.value.headline))
    if facts:
        blocks.append(Facts(facts))
    if verdict.value is not None:
        none = (Item("No rule found one."),)
        strengths, risks = (
            tuple(Item(each.text, each.evidence, each.section) for each in side)
            for side in (verdict.value.strengths, verdict.value.risks)
        )
        blocks.append(Items(strengths or none, "Strengths", "good"))
        blocks.append(Items(risks or none, "Risks", "risk"))
        text = "Each sentence comes from a fixed rule over the numbers below it. It is where to look first."
        blocks.append(Paragraph(text, "note"))
    return Section("verdict", "Verdict", tuple(blocks))


def key_figures(sources: ReportSources) -> tuple[Fact, ...]:
    """The figures that most readers ask for, as far as they are known."""
    return tuple(_figures(sources))


def _figures(sources: ReportSources) -> Iterator[Fact]:
    manifest = sources.model.manifest
    score = manifest.get("score") or {}
    metric, value = str(score.get("metric") or sources.model.problem.metric), score.get("value")
    if isinstance(value, (int, float)):
        low, high = [*(score.get("interval") or []), None, None][:2]
        known = low is not None and high is not None
        between = f"95% interval {significant(low)} to {significant(high)}" if known else ""
        reading = metric_reading(metric, float(value))
        words = metric_words(metric)
        yield Fact(
            words[:1].upper() + words[1:], significant(value), "; ".join(filter(None, [between, reading]))
        )
    yield from _beside(sources)
    yield from _decided(sources)
    rows, origin = int(score.get("rows") or 0), _ORIGINS.get(str(score.get("source")), "")
    if rows:
        yield Fact("Judged on", plural(rows, "row"), origin)
    learned = int((manifest.get("data") or {}).get("training_rows") or 0)
    if learned:
        columns = plural(len(sources.model.schema.features), "column")
        yield Fact("Learned from", plural(learned, "row"), f"and {columns} of each")
    seconds = row_seconds(sources)
    if seconds is not None:
        yield Fact(
            "One prediction takes", amount("row_seconds", seconds) or "", "one row, on the training machine"
        )


def _beside(sources: ReportSources) -> Iterator[Fact]:
    """What simple models reach."""
    board = sources.board.value
    if board is None:
        return
    pairs = (
        ("A linear model reaches", baseline_entry(board)),
        ("Always the same answer", constant_entry(board)),
    )
    for label, entry in pairs:
        if entry is not None and entry.score is not None:
            yield Fact(label, significant(entry.score), f"on {board.rows:,} {board.source} rows")


def _decided(sources: ReportSources) -> Iterator[Fact]:
    """How often it is right, or by how much it misses; and how wide its intervals are."""
    performance, covered = sources.performance.value, sources.covered.value
    task = sources.model.problem.task
    if performance is not None and task.is_classification and performance.confusion:
        classes = sources.classes
        most = classes[0][1] / max(sum(rows for _, rows in classes), 1) if classes else None
        usual = f"always {shortened(classes[0][0], 24)}: {share(most)}" if classes else ""
        yield Fact("Decided rightly", share(performance.confusion[0].accuracy), usual)
    if performance is not None and performance.residuals is not None and performance.metric != "mae":
        missed = performance.residuals.mean_absolute
        yield Fact("Misses by, on average", significant(missed, 3), "in the unit of the target")
    overall = None if covered is None else covered.overall
    if overall is not None and task in (Task.REGRESSION, Task.QUANTILE):
        told = f"its intervals hold the truth of {share(overall.covered)} of the rows"
        yield Fact(f"Width of a {ASKED:.0%} interval", significant(overall.size, 3), told)
