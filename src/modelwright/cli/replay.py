"""``modelwright replay``: a run done again from its record, and the first difference if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.clock import process_start
from modelwright.cli.options import JsonOption, QuietOption, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl.replay import Replay

__all__ = ["replay"]

_MOST_SHOWN = 8
"""Differences that are printed after the first; all are in the JSON."""

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN_OR_MODEL",
        help="A run (its id, or 'last'), a model bundle's path, or the name of a model in the workspace.",
        show_default=False,
    ),
]

DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="The training data, where it is no longer at its recorded place.",
        show_default=False,
    ),
]

PlaceOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="BUNDLE",
        help="Where the repeated model is written. [default: it is compared and thrown away]",
        show_default=False,
    ),
]


def replay(
    run: RunArgument,
    data: DataOption = None,
    output: PlaceOption = None,
    workspace: WorkspaceOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> Answer:
    """Do a run again from its record and compare: identical, or the first difference.

    Runs with --max-trials come out the same to the last bit. The exit code is 0 where everything is
    identical, else 1.
    """
    started = process_start()
    from modelwright.automl.replay import replay as do_again
    from modelwright.cli.progress import Progress, showing_progress

    progress = Progress(started=started)
    with showing_progress(progress, quiet) as listener:
        found = do_again(run, workspace, data=data, output=output, listeners=[listener])

    def render(console: Console) -> None:
        _print(console, found)

    return Answer(found.to_dict(), render, as_json, 0 if found.is_identical else 1)


def _print(console: Console, found: Replay) -> None:
    """The verdict, the first difference, the others, and what could not be compared."""
    from modelwright.cli.text import clean

    style = "bold green" if found.is_identical else "bold yellow"
    console.print(f"Replay of run {clean(found.run)}: {found.verdict}", style=style)
    if found.first is not None:
        console.print(f"First difference: {found.first.part}, {clean(found.first)}", soft_wrap=True)
        for difference in found.differences[1 : 1 + _MOST_SHOWN]:
            console.print(f"  then {difference.part}, {clean(difference)}", soft_wrap=True)
        more = len(found.differences) - 1 - _MOST_SHOWN
        if more > 0:
            console.print(f"  and {more} more: see --json")
    differing = {difference.part for difference in found.differences}
    same = [part for part in found.compared if part not in differing]
    scores = f" ({found.scores} scores of folds)" if "trials" in same else ""
    if same:
        console.print(f"The same: {', '.join(same)}{scores}", soft_wrap=True)
    for sentence in found.missing:
        console.print(f"Not compared: {clean(sentence)}", style="yellow", soft_wrap=True)
    for sentence in found.notes:
        console.print(clean(sentence), soft_wrap=True)
