"""``modelwright report``: everything that is known of a saved model, in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, ModelArgument, QueryOption, WorkspaceOption
from modelwright.cli.warned import collected_warnings

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["report"]


def report(
    model: ModelArgument,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Rows with the target that the model was not trained on. [default: its out-of-fold rows]",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write it. [default: report.html]",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="html (a page that needs no network), json, md, or card (a model card in Markdown). "
            "[default: what FILE ends in]",
            show_default=False,
        ),
    ] = None,
    time: Annotated[str, typer.Option(metavar="DURATION", help="Time that explanations may take.")] = "20s",
    query: QueryOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """Write a report on a saved model: one file with everything that is known of it.

    A verdict in plain words, scores beside baselines, data, findings, curves, explanation, uncertainty,
    fairness, decisions, what it took and how to repeat it. What is missing is said, and the rest is shown.
    """
    from modelwright.automl import load_model
    from modelwright.automl.reporting import check_report_path, write_report
    from modelwright.cli.tables import table_of
    from modelwright.core import parse_duration

    place, chosen = check_report_path(output, form)
    seconds = parse_duration(time)
    given = None if data is None else table_of(data, query)
    loaded = load_model(model, workspace)
    with collected_warnings() as warnings:
        written = write_report(loaded, place, given, form=chosen, seconds=seconds, workspace=workspace)
    payload = {
        "model": str(loaded.path),
        "report": str(written.absolute()),
        "format": chosen,
        "bytes": written.stat().st_size,
        "warnings": warnings,
    }

    def render(console: Console) -> None:
        from modelwright.cli.text import clean, shortest_path

        console.print(f"Report written to {clean(shortest_path(written.absolute()))}", soft_wrap=True)

    return Answer(payload, render, as_json)
