"""``modelwright decisions``: every automatic choice behind a model, and how to reverse it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, ModelArgument, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl.ledger import LedgerEntry

__all__ = ["decisions"]

_ALIKE = 4
"""Entries of one topic with the same choice that become one line, unless their topic is asked for."""

_NAMED = 5
"""Subjects that such a line names."""

TopicOption = Annotated[
    str | None,
    typer.Option(
        metavar="TOPIC",
        help="Only decisions about this, one line each: target, metric, split, columns, rows, types, values, "
        "features, learners, ensemble, answers, delivery or budget.",
        show_default=False,
    ),
]


def decisions(
    model: ModelArgument,
    topic: TopicOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Show what was decided automatically for a saved model, why, and how to reverse it.

    Any decision with something in the last column can be reversed: modelwright train --like MODEL
    --undo ID. What a decision was worth is told where the run itself shows it.
    """
    from modelwright.automl import load_model
    from modelwright.automl.ledger import of_topic

    loaded = load_model(model, workspace)
    entries = of_topic(loaded.decisions(), topic)
    undone = (loaded.manifest.get("request") or {}).get("undone")
    payload = {
        "model": str(loaded.path),
        "name": loaded.name,
        "run": loaded.manifest.get("run"),
        "undone": undone,
        "decisions": [entry.to_dict() for entry in entries],
    }

    def render(console: Console) -> None:
        from modelwright.cli.text import clean

        console.print(f"Decisions behind {clean(loaded.name)}", style="bold")
        if undone and undone.get("ids"):
            said = f"Undone here: {', '.join(undone['ids'])} (decided in run {undone.get('run')})"
            console.print(clean(said), soft_wrap=True)
        _print_topics(console, entries, topic is not None)
        if not entries:
            console.print("There is nothing to tell about this topic.")
        console.print(
            f"\nTo reverse one: modelwright train --like {shlex.quote(model)} --undo ID. "
            "Evidence, and why some cannot be reversed: --json",
            soft_wrap=True,
        )

    return Answer(payload, render, as_json)


def _print_topics(console: Console, entries: Sequence[LedgerEntry], each: bool) -> None:
    """A table for each topic, in the order of the topics."""
    from modelwright.automl.ledger import TOPICS
    from modelwright.cli.text import clean, table

    for topic, heading in TOPICS.items():
        here = [entry for entry in entries if entry.topic == topic]
        if not here:
            continue
        console.print(f"\n{heading}  [{topic}]", style="bold")
        rows = [_line(group) for group in _grouped(here, each)]
        console.print(table(["id", "decided", "why", "worth", "undone by"], rows, whole=["worth"]))
        for entry in here:
            if entry.effect is not None:
                effect = entry.effect
                against = f" against {effect.against}" if effect.against else ""
                said = f"{entry.id}: {effect.value:.5g}, {effect.other:.5g}{against} ({effect.basis})"
                console.print(f"  {clean(said)}", style="dim", soft_wrap=True)


def _grouped(entries: Sequence[LedgerEntry], each: bool) -> list[list[LedgerEntry]]:
    """Entries with one choice together where they are many, in the order of the first of each."""
    alike: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        key = entry.choice if entry.effect is None else entry.id
        alike.setdefault(key, []).append(entry)
    found: list[list[LedgerEntry]] = []
    for group in alike.values():
        found += [[entry] for entry in group] if each or len(group) < _ALIKE else [group]
    return found


def _line(group: Sequence[LedgerEntry]) -> list[str]:
    from modelwright.cli.text import shortened

    first = group[0]
    if len(group) == 1:
        worth = "" if first.effect is None else f"{first.effect.gain:+.3g}"
        return [first.id, first.choice, shortened(first.reason, 240), worth, first.command or "-"]
    kind = first.id.partition(":")[0]
    names = ", ".join(entry.subject for entry in group[:_NAMED])
    more = f" and {len(group) - _NAMED} more: --topic {first.topic}" if len(group) > _NAMED else ""
    undoable = sum(entry.undo is not None for entry in group)
    return [f"{kind}:... ({len(group)})", first.choice, f"{names}{more}", "", f"{undoable} of {len(group)}"]
