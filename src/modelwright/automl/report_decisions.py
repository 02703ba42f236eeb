"""The section of a report on automatic choices: the decision ledger, topic by topic."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.automl.ledger_entry import TOPICS, LedgerEntry
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

_MOST_OF_TOPIC, _LONGEST = 40, 400


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
            f"{plural(len(entries), 'choice')} were made automatically, and {undone:,} can be reversed: "
            "modelwright train --undo ID trains again with a choice reversed; the option in the table does "
            "the same for another training."
        )
    ]
    for topic, heading in TOPICS.items():
        found = [entry for entry in entries if entry.topic == topic]
        if found:
            blocks.append(_of_topic(heading, found))
    return Section("decisions", title, tuple(blocks))


def _of_topic(heading: str, entries: Sequence[LedgerEntry]) -> Table:
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
    folded = len(rows) > 12
    return Table.bounded(heading, headings, rows, most=_MOST_OF_TOPIC, folded=folded)


def _effect(entry: LedgerEntry) -> str:
    effect = entry.effect
    if effect is None:
        return ""
    how = "better" if effect.gain > 0 else "worse" if effect.gain < 0 else "the same"
    by = f" by {significant(abs(effect.gain), 3)}" if effect.gain else ""
    against = f" than {effect.against}" if effect.against and effect.gain else ""
    return shortened(f"{effect.metric} {how}{by}{against} ({effect.basis})", 200)
