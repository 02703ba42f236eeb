"""The section of a report on automatic choices: the decision ledger, topic by topic."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.automl.ledger_entry import TOPICS, LedgerEntry
from modelwright.automl.report_words import metric_words
from modelwright.automl.reported import Part, Reported
from modelwright.evaluation.report import (
    Block,
    Cell,
    Paragraph,
    Section,
    Table,
    plural,
    shortened,
    significant,
)

__all__ = ["decisions_section"]

_MOST_OF_TOPIC, _MOST_WEIGHED, _LONGEST = 40, 8, 400


def decisions_section(model: Reported, ledger: Part[tuple[LedgerEntry, ...]]) -> Section:
    """What was chosen without being asked, why, what it was worth, and how to have it otherwise.

    Parameters
    ----------
    model : Reported
        Its plan is shown where the ledger cannot be read.
    ledger : Part of tuple of LedgerEntry
    """
    title = "Decisions"
    if ledger.value is None:
        blocks: list[Block] = [Paragraph(ledger.missing or "There is no decision ledger.", "missing")]
        decisions = (model.manifest.get("plan") or {}).get("decisions") or []
        rows: list[list[Cell]] = [
            [shortened(each.get("what", ""), _LONGEST), shortened(each.get("why", ""), _LONGEST)]
            for each in decisions
        ]
        if rows:
            blocks.append(Table.bounded("What the plan decided", ["decided", "why"], rows, most=100))
        return Section("decisions", title, tuple(blocks))
    entries = ledger.value
    undone = sum(entry.undo is not None for entry in entries)
    blocks = [
        Paragraph(
            f"{plural(len(entries), 'choice')} were made automatically, and {undone:,} of them can be "
            "reversed: train again with --undo and the id of the choice, or with the option beside it."
        )
    ]
    weighed = sorted((each for each in entries if each.effect is not None), key=_worth)
    if weighed:
        blocks.append(_table("Choices whose worth was measured", weighed[:_MOST_WEIGHED]))
    for topic, heading in TOPICS.items():
        found = [entry for entry in entries if entry.topic == topic]
        if found:
            blocks.append(_table(f"{heading} ({len(found):,})", found, folded=True))
    return Section("decisions", title, tuple(blocks))


def _worth(entry: LedgerEntry) -> float:
    """The largest effect first."""
    return 0.0 if entry.effect is None else -abs(entry.effect.gain)


def _table(title: str, entries: Sequence[LedgerEntry], *, folded: bool = False) -> Table:
    rows: list[list[Cell]] = [
        [
            shortened(f"{entry.subject}: {entry.choice}" if entry.subject else entry.choice, 200),
            shortened(entry.reason, _LONGEST),
            _effect(entry),
            shortened(entry.command or entry.fixed, 200),
            shortened(entry.id, 80),
        ]
        for entry in entries
    ]
    headings = ["choice", "why", "what it was worth", "how to reverse it, or why not", "id"]
    return Table.bounded(title, headings, rows, most=_MOST_OF_TOPIC, folded=folded, spare=True)


def _effect(entry: LedgerEntry) -> str:
    effect = entry.effect
    if effect is None:
        return ""
    how = "better" if effect.gain > 0 else "worse" if effect.gain < 0 else "the same"
    by = f" by {significant(abs(effect.gain), 3)}" if effect.gain else ""
    against = f" than {effect.against}" if effect.against and effect.gain else ""
    return shortened(f"{metric_words(effect.metric)} {how}{by}{against} ({effect.basis})", 200)
