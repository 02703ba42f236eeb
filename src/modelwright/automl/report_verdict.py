"""The facts that the verdict on a model rests on, gathered from the parts of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.automl.report_fairness import fairness_facts
from modelwright.automl.report_scores import (
    baseline_entry,
    constant_entry,
    delivered_entry,
    metric_optimum,
    tied_entries,
)
from modelwright.automl.report_sources import ReportSources
from modelwright.automl.report_uncertainty import ASKED
from modelwright.automl.report_words import metric_words
from modelwright.automl.reported import Part, attempt
from modelwright.evaluation.report import joined
from modelwright.evaluation.verdict import Verdict, VerdictFacts, judge

__all__ = ["row_seconds", "verdict_facts", "verdict_of"]

_LEAKS = ("leak", "leaks", "one_class_level", "late_dates")
"""Checks that look for columns that give the target away."""


def verdict_of(sources: ReportSources) -> Part[Verdict]:
    """What to think of a model."""
    return attempt("The verdict", lambda: judge(verdict_facts(sources)))


def verdict_facts(sources: ReportSources) -> VerdictFacts:
    """What is known of a model, as rules need it."""
    model, manifest = sources.model, sources.model.manifest
    score = manifest.get("score") or {}
    low, high = [*(score.get("interval") or []), None, None][:2]
    findings = manifest.get("findings") or []
    classes = sources.classes
    chosen = score.get("out_of_fold") or {}
    return VerdictFacts(
        target=joined(model.problem.targets, 3),
        metric=metric_words(score.get("metric") or model.problem.metric),
        source=str(score.get("source") or "out-of-fold"),
        greater_is_better=bool(score.get("greater_is_better", True)),
        optimum=metric_optimum(model),
        score=score.get("value"),
        low=low,
        high=high,
        rows=int(score.get("rows") or 0),
        training_rows=int((manifest.get("data") or {}).get("training_rows") or 0),
        rarest=classes[-1] if classes else None,
        out_of_fold=chosen.get("value"),
        warnings=_columns(findings, "warning"),
        excluded=_columns(findings, "excluded"),
        row_seconds=row_seconds(sources),
        deadline_hit=bool(manifest.get("deadline_hit")),
        ordered_in_time=model.problem.time_column is not None,
        grouped=model.problem.group is not None,
        **_compared(sources),
        **_judged(sources),
        **_sure(sources),
    )


def _columns(findings: Sequence[Mapping[str, Any]], severity: str) -> tuple[str, ...]:
    """Columns that seem to give the target away, by what became of them."""
    found = [
        str(each["column"])
        for each in findings
        if each.get("check") in _LEAKS and each.get("severity") == severity and each.get("column")
    ]
    return tuple(dict.fromkeys(found))


def _compared(sources: ReportSources) -> dict[str, Any]:
    """The model beside simple ones."""
    board = sources.board.value
    if board is None:
        return {}
    delivered, constant, linear = delivered_entry(board), constant_entry(board), baseline_entry(board)
    return {
        "compared": None if delivered is None else delivered.score,
        "constant": None if constant is None else constant.score,
        "baseline": None if linear is None else linear.score,
        "ties_constant": tied_entries(delivered, constant),
        "ties_baseline": tied_entries(delivered, linear),
    }


def _judged(sources: ReportSources) -> dict[str, Any]:
    """What performance and explanation say."""
    found: dict[str, Any] = {}
    performance, explained = sources.performance.value, sources.explained.value
    if performance is not None and performance.calibration:
        worst = max(performance.calibration, key=lambda curve: curve.error)
        found["calibration"] = (worst.error, worst.error_by_chance)
    if performance is not None and performance.slices is not None:
        slices = performance.slices
        found["slices"] = slices.tested
        if slices.slices:
            first = slices.slices[0]
            found["worst_slice"] = (first.words, slices.loss_name, first.loss, first.elsewhere, first.rows)
    if explained is not None:
        found["top_column"] = explained.top()
    return found


def _sure(sources: ReportSources) -> dict[str, Any]:
    """What coverage and fairness say."""
    found: dict[str, Any] = {}
    covered, fairness = sources.covered.value, sources.fairness.value
    if covered is not None and covered.overall is not None:
        found["coverage"] = (ASKED, covered.overall.covered)
        worst = covered.worst()
        if worst is not None:
            name, row = worst
            where = f"rows that are {row.part}" if name == "answer" else f"rows where {name} is {row.part}"
            found["worst_coverage"] = (where, row.covered)
    if fairness is not None:
        found["fairness"] = fairness_facts(fairness)
    return found


def row_seconds(sources: ReportSources) -> float | None:
    """What one prediction takes, where it was measured."""
    measured = (sources.actual.value or {}).get("row_seconds")
    if isinstance(measured, (int, float)):
        return float(measured)
    table = attempt("The Pareto table", sources.model.pareto).value
    point = None if table is None else next((each for each in table.points if each.delivered), None)
    return None if point is None else point.seconds
