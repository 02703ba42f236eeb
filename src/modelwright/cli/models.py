"""``modelwright models``: what a workspace holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["models"]


def models(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> Answer:
    """List the models of the workspace.

    A * marks the version that the plain name stands for: its champion, else its latest. Where a
    model lies is told by `modelwright show MODEL`, or by --json.
    """
    from modelwright.cli.workspaces import existing_workspace

    with existing_workspace(workspace) as opened:
        records = opened.models.all() if opened else ()
        names = {record.name for record in records}
        chosen = {name: opened.models.get(name).version for name in names} if opened else {}
        listed: list[dict[str, Any]] = [
            {
                "name": record.name,
                "version": record.version,
                "reference": record.reference,
                "champion": chosen[record.name] == record.version,
                "task": record.task,
                "target": record.target,
                "targets": list(record.summary.get("targets", [record.target])),
                "metric": record.metric,
                "score": record.score,
                "created": record.created,
                "run": record.run,
                "path": str(record.path),
            }
            for record in records
        ]

    def render(console: Console) -> None:
        from modelwright.cli.text import number, table

        if not listed:
            console.print("The workspace holds no models. Train one: modelwright train DATA --target COL")
            return
        headings = ["", "model", "task", "target", "metric", "score", "created"]
        rows = [
            [
                "*" if item["champion"] else "",
                item["reference"],
                item["task"],
                ", ".join(item["targets"]),
                item["metric"],
                number(item["score"]),
                str(item["created"])[:16].replace("T", " "),
            ]
            for item in listed
        ]
        whole = ["model", "task", "metric", "created"]
        console.print(table(headings, rows, numeric=["score"], whole=whole, cut=["target"]))

    return Answer({"models": listed}, render, as_json)
