"""The model card: what a reader who was not there needs to know, in the nine parts of Mitchell et al.

"Model cards for model reporting" (Mitchell, Wu, Zaldivar, Barnes, Vasserman, Hutchinson, Spitzer, Raji and
Gebru, 2019). What no program can know is left to people, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from modelwright.automl.reported import Reported
from modelwright.core import Role
from modelwright.evaluation.report import (
    Block,
    Cell,
    Item,
    Items,
    Paragraph,
    ReportData,
    Section,
    Table,
    joined,
    shortened,
)
from modelwright.evaluation.verdict import Verdict

__all__ = ["card_of"]

_MOST_COLUMNS, _MOST_FINDINGS, _MOST_LINES = 30, 15, 12
_LEFT_TO_PEOPLE = "To be filled in by whoever answers for the model: {}."


def card_of(model: Reported, report: ReportData, verdict: Verdict | None) -> ReportData:
    """The model card of a model.

    Parameters
    ----------
    model : Reported
    report : ReportData
        Its report: the card says the same in fewer words.
    verdict : Verdict or None
        Its risks become caveats.

    Returns
    -------
    ReportData
    """
    sections = (
        _details(model, report),
        Section("intended-use", "Intended use", _intended(report)),
        Section("factors", "Factors", tuple(_factors(model, report))),
        Section("metrics", "Metrics", tuple(_metrics(report))),
        Section("evaluation-data", "Evaluation data", tuple(_evaluation_data(model))),
        Section("training-data", "Training data", tuple(_training_data(report))),
        Section("quantitative-analyses", "Quantitative analyses", tuple(_analyses(report))),
        Section("ethical-considerations", "Ethical considerations", tuple(_ethics(model, report))),
        Section("caveats", "Caveats and recommendations", tuple(_caveats(report, verdict))),
    )
    return replace(report, title=f"Model card: {shortened(model.name)}", sections=sections)


def _left(what: str) -> Paragraph:
    """What only people can say."""
    return Paragraph(_LEFT_TO_PEOPLE.format(what), "note")


def _blocks(report: ReportData, key: str) -> tuple[Block, ...]:
    section = report.section(key)
    return () if section is None else section.blocks


def _paragraphs(report: ReportData, key: str) -> list[Paragraph]:
    return [block for block in _blocks(report, key) if isinstance(block, Paragraph)]


def _tables(report: ReportData, key: str, most: int) -> list[Table]:
    found = [block for block in _blocks(report, key) if isinstance(block, Table)]
    return [Table.bounded(t.title, t.headings, t.rows, note=t.note, most=most) for t in found]


def _details(model: Reported, report: ReportData) -> Section:
    manifest = model.manifest
    rows: list[list[Cell]] = [
        ["name", shortened(model.name)],
        ["created", str(manifest.get("created", "unknown"))],
        ["made by", report.made_by],
        ["run", str(manifest.get("run", "unknown"))],
        ["digest of the bundle", str(manifest.get("digest", "unknown"))],
        ["format of the bundle", str(manifest.get("format_version", "unknown"))],
    ]
    people = _left("person or organisation, contact, licence, how to cite it")
    members = [table for table in _tables(report, "leaderboard", 200) if table.rows]
    parts = [row for table in members for row in table.rows if _weight(table, row)]
    blocks: list[Block] = [Table.bounded("Model", ["fact", "value"], rows)]
    if parts:
        names = joined([f"{row[0]} ({row[3]})" for row in parts[:_MOST_LINES]], _MOST_LINES)
        blocks.append(Paragraph(f"What predicts: {names}."))
    return Section("model-details", "Model details", (*blocks, people))


def _weight(table: Table, row: tuple[Cell, ...]) -> bool:
    """Whether a line of the leaderboard takes part in the delivered model."""
    return "weight" in table.headings and bool(row[table.headings.index("weight")])


def _intended(report: ReportData) -> tuple[Block, ...]:
    people = _left("who uses it, for what decision, and what it must not be used for")
    return (*_paragraphs(report, "task"), *_blocks(report, "limits"), people)


def _factors(model: Reported, report: ReportData) -> Iterable[Block]:
    groups = [column.name for column in model.schema if column.role is Role.SENSITIVE]
    fairness = report.section("fairness")
    compared = fairness is not None and not fairness.missing
    if compared:
        yield from _paragraphs(report, "fairness")[:1]
    elif groups:
        yield Paragraph(f"Sensitive columns that it learned from: {joined(groups)}.")
    else:
        yield Paragraph("No groups of people were named, so none were compared.", "missing")
    yield _left("groups, instruments and environments that matter for its use")


def _metrics(report: ReportData) -> Iterable[Block]:
    yield from [block for block in _paragraphs(report, "score") if block.tone != "missing"]
    said = _paragraphs(report, "uncertainty")
    yield from (*said[:1], *said[2:3])


def _evaluation_data(model: Reported) -> Iterable[Block]:
    score, validation = model.manifest.get("score") or {}, model.manifest.get("validation") or {}
    yield Paragraph(
        f"{int(score.get('rows') or 0):,} rows, {score.get('source', 'of unknown origin')}; the models were "
        f"compared on {validation.get('folds', '?')} folds ({validation.get('scheme', 'unknown')})."
    )


def _training_data(report: ReportData) -> Iterable[Block]:
    yield from _paragraphs(report, "data")
    yield from _tables(report, "data", _MOST_COLUMNS)


def _analyses(report: ReportData) -> Iterable[Block]:
    yield from [block for block in _blocks(report, "score") if not isinstance(block, Paragraph)]
    yield from _paragraphs(report, "performance")
    for key in ("performance", "fairness"):
        yield from _tables(report, key, _MOST_LINES)[:4]
    yield from _paragraphs(report, "explanation")[:2]


def _ethics(model: Reported, report: ReportData) -> Iterable[Block]:
    ids = [column.name for column in model.schema if column.role is Role.ID]
    if ids:
        yield Paragraph(f"The table identifies rows by {joined(ids)}; the model does not look at them.")
    yield from _paragraphs(report, "fairness")[1:6]
    yield _left("consent, law, harms that are possible, and who may object")


def _caveats(report: ReportData, verdict: Verdict | None) -> Iterable[Block]:
    if verdict is not None and verdict.risks:
        items = tuple(Item(risk.text, risk.evidence) for risk in verdict.risks)
        yield Items(items, "Risks", "risk")
    yield from _tables(report, "findings", _MOST_FINDINGS)
    missing = [text for section in report.sections for text in section.missing]
    if missing:
        yield Items(tuple(Item(text) for text in missing[:_MOST_LINES]), "What is not known", "missing")
