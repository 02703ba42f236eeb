"""The section of a report on groups of people: rates by group, gaps, what was done about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelwright.automl.reported import Part
from modelwright.evaluation import FairnessReport, FairnessView, Mitigation
from modelwright.evaluation.fairness_records import GAP, VERDICTS
from modelwright.evaluation.report import (
    Block,
    Cell,
    Dots,
    Heading,
    Paragraph,
    Section,
    Table,
    joined,
    plural,
    shortened,
    significant,
)

__all__ = ["fairness_facts", "fairness_section"]

_MOST_VIEWS, _MOST_GROUPS = 12, 30
_SHOWN = ("selection_rate", "mean_error")
"""The figure that is drawn: of classes, of values."""

_WORDS: Mapping[str, str] = {
    "demographic_parity": "demographic parity (equal selection rates)",
    "equal_opportunity": "equal opportunity (equal true positive rates)",
    "equalized_odds": "equalised odds (equal true and false positive rates)",
    "calibration": "calibration (probabilities mean the same in each group)",
}


def fairness_facts(report: FairnessReport) -> tuple[tuple[str, str, str], ...]:
    """Columns, verdict and evidence of each way to divide the rows, for the verdict on the model."""
    found: dict[str, tuple[str, str]] = {}
    for view in report.views:
        columns = " × ".join(map(shortened, view.by))
        grave = min((view.verdict, found.get(columns, (view.verdict, ""))[0]), key=VERDICTS.index)
        if columns not in found or grave != found[columns][0]:
            found[columns] = (grave, _evidence(view))
    return tuple((columns, verdict, evidence) for columns, (verdict, evidence) in found.items())


def _evidence(view: FairnessView) -> str:
    """The gravest criterion in numbers."""
    known = sorted(view.criteria, key=lambda criterion: VERDICTS.index(criterion.verdict))
    if not known or not known[0].difference.is_known:
        return view.verdict
    worst = known[0]
    difference = worst.difference
    return (
        f"{worst.name.replace('_', ' ')}: {shortened(worst.highest, 30)} exceeds "
        f"{shortened(worst.lowest, 30)} by {significant(difference.value, 3)} "
        f"({significant(difference.low, 3)} to {significant(difference.high, 3)})"
    )


def fairness_section(report: Part[FairnessReport]) -> Section:
    """How the model treats the groups of sensitive columns.

    Parameters
    ----------
    report : Part of FairnessReport
    """
    title = "Fairness"
    if report.value is None:
        text = report.missing or (
            "No column was named as sensitive, so groups were not compared. Train with --sensitive COL to "
            "have them compared."
        )
        return Section("fairness", title, (Paragraph(text, "missing"),))
    found = report.value
    blocks: list[Block] = [
        Paragraph(
            f"Groups by {joined([column.name for column in found.columns])} were compared on "
            f"{plural(found.rows, 'row')} ({shortened(found.source)}), in "
            f"{plural(found.comparisons, 'comparison')} for which chance was adjusted. "
            "The criteria cannot all hold together where groups differ in how often things truly happen: "
            "which one matters is for people to say."
        )
    ]
    blocks += [Paragraph(note, "note") for note in found.notes[:10]]
    if found.mitigation is not None:
        blocks += _mitigated(found.mitigation)
    for view in sorted(found.views, key=lambda view: VERDICTS.index(view.verdict))[:_MOST_VIEWS]:
        blocks += _view(view)
    left = len(found.views) - _MOST_VIEWS
    if left > 0:
        text = f"And {plural(left, 'more comparison')} of other groups: see modelwright fairness."
        blocks.append(Paragraph(text, "note"))
    return Section("fairness", title, tuple(blocks))


def _view(view: FairnessView) -> Iterator[Block]:
    by = " and ".join(map(shortened, view.by))
    yield Heading(f"{shortened(view.output)} by {by}: {view.verdict}")
    yield from _groups(view)
    rows: list[list[Cell]] = [
        [
            _WORDS.get(criterion.name, criterion.name.replace("_", " ")),
            criterion.verdict,
            shortened(criterion.highest, 40),
            shortened(criterion.lowest, 40),
            criterion.difference.value,
            criterion.difference.low,
            criterion.difference.high,
            criterion.ratio.value,
        ]
        for criterion in view.criteria
    ]
    headings = ["criterion", "verdict", "highest", "lowest", "difference", "from", "to", "ratio"]
    note = "The groups and the difference are those furthest apart; the verdict looks at every group."
    yield Table.bounded(f"Criteria by {by}", headings, rows, note=note)
    if view.four_fifths:
        cells: list[list[Cell]] = [
            [
                shortened(each.group, 40),
                shortened(each.reference, 40),
                each.ratio.value,
                each.ratio.low,
                each.ratio.high,
                round(each.rows),
                each.rows_needed,
                each.verdict,
            ]
            for each in view.four_fifths
        ]
        heads = ["group", "against", "ratio of rates", "from", "to", "rows", "rows needed", "verdict"]
        note = "A ratio below 0.8 is what 29 CFR 1607.4D speaks of; it is judged with its interval."
        yield Table.bounded(f"Four-fifths rule by {by}", heads, cells, note=note, most=_MOST_GROUPS)


def _groups(view: FairnessView) -> Iterator[Block]:
    """Every figure of every group, and the most telling one as a drawing."""
    groups = view.groups[:_MOST_GROUPS]
    figures = list(dict.fromkeys(name for group in groups for name in group.figures))
    by = " and ".join(map(shortened, view.by))
    drawn = next((name for name in _SHOWN if name in figures), None)
    if drawn is not None:
        estimates = [group.figures[drawn] for group in groups]
        words = drawn.replace("_", " ")
        yield Dots(
            f"{words.capitalize()} by {by}",
            "95% intervals; groups with few rows have wide ones.",
            "group",
            words,
            tuple(f"{shortened(group.group, 24)} ({group.rows:,})" for group in groups),
            tuple(estimate.value for estimate in estimates),
            tuple(estimate.low for estimate in estimates),
            tuple(estimate.high for estimate in estimates),
        )
    rows: list[list[Cell]] = [
        [shortened(group.group, 60), group.rows, *(_value(group.figures, name) for name in figures)]
        for group in groups
    ]
    headings = ["group", "rows", *(name.replace("_", " ") for name in figures)]
    yield Table.bounded(f"Figures by {by}", headings, rows, most=_MOST_GROUPS, folded=True)


def _value(figures: Mapping[str, object], name: str) -> float | None:
    return getattr(figures.get(name), "value", None)


def _mitigated(done: Mitigation) -> Iterator[Block]:
    yield Paragraph(
        f"Mitigation by {shortened(done.method)} ({shortened(done.subject)}): {shortened(done.metric)} went "
        f"from {significant(done.before)} to {significant(done.after)}. {done.note}".strip()
    )
    before = {(by, criterion.name): criterion for by, criterion in done.criteria_before}
    rows: list[list[Cell]] = []
    for by, criterion in done.criteria_after:
        old = before.get((by, criterion.name))
        rows.append(
            [
                _WORDS.get(criterion.name, criterion.name.replace("_", " ")),
                shortened(by, 40),
                None if old is None else old.difference.value,
                criterion.difference.value,
                "still a gap" if criterion.verdict == GAP else criterion.verdict,
            ]
        )
    headings = ["criterion", "by", "difference before", "difference after", "verdict"]
    yield Table.bounded("What the mitigation brought", headings, rows, most=60)
