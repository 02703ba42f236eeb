"""Reports on a model: everything that is known of it, collected part by part, and written in one format.

No part may spoil the others: what is missing (training data that is gone, evidence that old bundles lack,
probabilities that a model of values has not) is said in its section, and the rest is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelwright.automl.environment import environment
from modelwright.automl.report_card import card_of
from modelwright.automl.report_decisions import decisions_section
from modelwright.automl.report_explanation import explanation_section
from modelwright.automl.report_fairness import fairness_section
from modelwright.automl.report_origin import (
    data_section,
    findings_section,
    limits_blocks,
    reproduction_section,
    task_section,
)
from modelwright.automl.report_performance import performance_section
from modelwright.automl.report_scores import leaderboard_section, resources_section, score_section
from modelwright.automl.report_sources import ReportSources
from modelwright.automl.report_summary import key_figures, summary_section
from modelwright.automl.report_uncertainty import uncertainty_section
from modelwright.automl.report_verdict import verdict_of
from modelwright.automl.report_words import words_section
from modelwright.automl.reported import Reported, attempt
from modelwright.core import OptionError, nearest
from modelwright.evaluation.report import (
    Paragraph,
    ReportData,
    Section,
    dated,
    joined,
    report_html,
    report_markdown,
    shortened,
)
from modelwright.evaluation.verdict import Verdict
from modelwright.storage.atomic import write_atomic

__all__ = ["FORMATS", "check_report_path", "collect_report", "report_text", "write_report"]

FORMATS: Mapping[str, str] = {
    "html": "report.html",
    "json": "report.json",
    "md": "report.md",
    "card": "model-card.md",
}
"""Formats of reports, and what a file is called where nobody says otherwise."""

_SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".md": "md", ".markdown": "md"}

_LIMITS = "Limits and intended use"

SECONDS = 20.0
"""What the costly parts of a report (permutation importance) may take."""


def collect_report(
    model: Reported, data: Any = None, *, seconds: float = SECONDS, workspace: str | Path | None = None
) -> ReportData:
    """Everything that is known of a model.

    Parameters
    ----------
    model : Model
    data : as for `Model.evaluate`, optional
        Rows with the target that the model was not trained on. Without them
        the training table is read where it still is, and its rows are judged by predictions out of fold.
    seconds : float, default 20
        What the costly parts may take; 0 goes without them.
    workspace : str or Path, optional
        Where the record of the run is looked up.

    Returns
    -------
    ReportData
    """
    return _collected(ReportSources(model, data, seconds, workspace))[0]


def report_text(
    model: Reported,
    data: Any = None,
    *,
    form: str = "html",
    seconds: float = SECONDS,
    workspace: str | Path | None = None,
) -> str:
    """A report on a model as text.

    Parameters
    ----------
    model, data, seconds, workspace
        As for `collect_report`.
    form : {"html", "json", "md", "card"}

    Raises
    ------
    OptionError
        If there is no such format.
    """
    if form not in FORMATS:
        raise _unknown(form)
    report, verdict = _collected(ReportSources(model, data, seconds, workspace))
    if form == "card":
        return report_markdown(card_of(model, report, verdict))
    if form == "md":
        return report_markdown(report)
    if form == "json":
        record = {**report.to_dict(), "verdict": None if verdict is None else verdict.to_dict()}
        return json.dumps(record, ensure_ascii=True, allow_nan=False, indent=1) + "\n"
    return report_html(report)


def check_report_path(path: str | Path | None, form: str | None) -> tuple[Path, str]:
    """Where a report goes and in what format, checked before the work that leads to it.

    Parameters
    ----------
    path : str, Path or None
        By default a name in the current directory.
    form : str or None
        By default what the path ends in; HTML without a path.

    Raises
    ------
    OptionError
        If there is no such format, or nothing can be written there.

    Examples
    --------
    >>> check_report_path("churn.md", None)
    (PosixPath('churn.md'), 'md')
    """
    if form is not None and form not in FORMATS:
        raise _unknown(form)
    place = Path(FORMATS[form or "html"] if path is None else path).expanduser()
    chosen = form or _SUFFIXES.get(place.suffix.lower())
    if chosen is None:
        raise OptionError(
            f"What format {str(place)!r} should have cannot be seen from its name. Let it end in "
            f"{', '.join(_SUFFIXES)}, or give the format: {', '.join(FORMATS)}."
        )
    if place.is_dir():
        raise OptionError(f"Expected a file for the report, but {str(place)!r} is a folder.")
    if not place.parent.is_dir():
        raise OptionError(f"There is no folder {str(place.parent)!r} for a report. Create it first.")
    return place, chosen


def _unknown(form: str) -> OptionError:
    return OptionError(
        f"There is no report format {form!r}.{nearest(form, FORMATS)} Take one of {joined(list(FORMATS))}."
    )


def write_report(
    model: Reported,
    path: str | Path | None = None,
    data: Any = None,
    *,
    form: str | None = None,
    seconds: float = SECONDS,
    workspace: str | Path | None = None,
) -> Path:
    """Write a report on a model; the file appears complete or not at all.

    Parameters
    ----------
    model, data, seconds, workspace
        As for `collect_report`.
    path, form
        As for `check_report_path`.

    Returns
    -------
    Path
        The file.
    """
    place, chosen = check_report_path(path, form)
    text = report_text(model, data, form=chosen, seconds=seconds, workspace=workspace)
    write_atomic(place.absolute(), text.encode("utf-8"))
    return place


def _collected(sources: ReportSources) -> tuple[ReportData, Verdict | None]:
    """All sections, and the verdict that rests on them."""
    model = sources.model
    if sources.data is not None:
        _ = sources.rows  # what was given and cannot be used is told at once, and not in a section
    board = sources.board
    makers: list[tuple[str, str, Callable[[], Section]]] = [
        ("task", "What is predicted, and from what", lambda: task_section(model, sources.classes)),
        ("score", "How good it is", lambda: score_section(model, board.value)),
        ("performance", "Performance", lambda: performance_section(model, sources.performance)),
        ("explanation", "Explanation", lambda: explanation_section(sources.explained)),
        (
            "uncertainty",
            "Uncertainty",
            lambda: uncertainty_section(model.problem, sources.covered, sources.conformal),
        ),
        ("fairness", "Fairness", lambda: fairness_section(sources.fairness)),
        ("data", "Data", lambda: data_section(model)),
        ("findings", "Findings and actions", lambda: findings_section(model)),
        ("leaderboard", "Leaderboard", lambda: leaderboard_section(board.value, board.missing)),
        ("decisions", "Decisions", lambda: decisions_section(model, sources.ledger)),
        (
            "resources",
            "What it took",
            lambda: resources_section(model, sources.actual.value, sources.actual.missing),
        ),
        ("reproduction", "Reproduction", lambda: reproduction_section(model)),
        ("limits", _LIMITS, lambda: Section("limits", _LIMITS, limits_blocks(model))),
    ]
    sections = [_section(*maker) for maker in makers]
    verdict = verdict_of(sources)
    figures = attempt("The key figures", lambda: key_figures(sources)).value or ()
    summary = _section("verdict", "Verdict", lambda: summary_section(verdict, figures))
    words = _section("words", "Words used here", lambda: words_section((summary, *sections)))
    created = dated(str(model.manifest.get("created") or ""))
    title = f"Report on the model {shortened(model.name, 80)}"
    run = model.manifest.get("run", "unknown")
    subtitle = f"Predicts {joined(model.problem.targets)}; trained {created}, run {run}."
    made_by = f"modelwright {environment().get('modelwright', '')}".strip()
    return ReportData(title, subtitle, (summary, *sections, words), made_by), verdict.value


def _section(key: str, title: str, make: Callable[[], Section]) -> Section:
    """A section, or one that says why there is none."""
    try:
        return make()
    except Exception as error:  # records of other versions and hostile bundles fail in any way they like
        first = (str(error).splitlines() or [""])[0][:300]
        text = f"This section cannot be shown ({type(error).__name__}: {first})."
        return Section(key, title, (Paragraph(text, "missing"),))
