"""``modelwright export``: a model as something that runs without Modelwright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, ModelArgument, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["export"]


def export(
    model: ModelArgument,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder to write; it must not exist, or be empty."
        ),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="FORM", help="project: an ordinary Python project.")
    ] = "project",
    golden: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Rows for the project's own test. Made from the schema by default, so that no training row "
            "goes along.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export there.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Write a model as an ordinary Python project that predicts without Modelwright.

    The folder has readable scripts for scoring and training, pinned requirements, a data contract, the
    models in their libraries' own formats, and a test on golden rows, which is run before the folder is put
    in its place.
    """
    from modelwright.automl import load_model
    from modelwright.export import export as write

    loaded = load_model(model, workspace)
    done = write(loaded, to, output=output, golden=golden, force=force)
    payload = {"model": str(loaded.path), **done.to_dict()}

    def render(console: Console) -> None:
        console.print(f"{len(done.files)} files written to {done.path}", soft_wrap=True)
        console.print(
            f"Its own test passes: {done.golden_rows} golden rows agree with the model (largest difference "
            f"{done.largest_difference:.1g}).",
            soft_wrap=True,
        )
        for note in done.notes:
            console.print(f"Note: {note}", soft_wrap=True, markup=False)
        console.print(f"Next: see {done.path}/README.md", soft_wrap=True)

    return Answer(payload, render, as_json)
