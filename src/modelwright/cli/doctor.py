"""``modelwright doctor``: whether this machine and this installation can do the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["doctor"]

STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> Answer:
    """Check the installation and the machine.

    One line each: ok, warn (it works, but look at it) or fail (exit code 1).
    """
    from modelwright.cli.diagnosis import examine

    checks = examine(workspace)
    healthy = all(check.status != "fail" for check in checks)

    def render(console: Console) -> None:
        from rich.text import Text

        width = max(len(check.name) for check in checks)
        for check in checks:
            line = Text(f"{check.status:<5}", style=STYLES[check.status])
            line.append(f" {check.name:<{width}}  {check.message}", style="default")
            console.print(line, soft_wrap=True)

    payload = {"healthy": healthy, "checks": [vars(check) for check in checks]}
    return Answer(payload, render, as_json, 0 if healthy else 1)
