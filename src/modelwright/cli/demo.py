"""``modelwright demo``: the main job from end to end on tables that need no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.cli.demonstration import Demonstration

__all__ = ["demo"]

DEFAULT_TABLES = ("breast_cancer", "customers")


def demo(
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="customers (generated), breast_cancer, wine, diabetes, iris or digits; may be repeated. "
            "[default: breast_cancer and customers]",
            show_default=False,
        ),
    ] = None,
    time: Annotated[str, typer.Option(metavar="DURATION", help="Time limit for each table.")] = "25s",
    output_dir: Annotated[
        str, typer.Option(metavar="DIR", help="Where tables, models and predictions are written.")
    ] = "modelwright-demo",
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> Answer:
    """Run the main job on example tables.

    Each table is written as the CSV file that a user would have, less a fifth of its rows. A model is
    trained, its leaderboard shown, and the rows kept back are scored.
    """
    from modelwright.cli.demonstration import demonstrate, prepare_tables

    tables = prepare_tables(data or DEFAULT_TABLES, output_dir)
    results = [demonstrate(table, time, quiet) for table in tables]

    def render(console: Console) -> None:
        for result in results:
            _print(console, result)

    return Answer({"results": [result.to_dict() for result in results]}, render, as_json)


def _print(console: Console, result: Demonstration) -> None:
    from modelwright.cli.leaderboard_table import print_leaderboard
    from modelwright.cli.scores import with_interval
    from modelwright.cli.text import shortest_path

    table, summary = result.table, result.outcome.summary
    console.print(f"\n{table.name}: predict '{table.target}' ({summary['task']})", style="bold")
    console.print()
    print_leaderboard(console, result.outcome.model.leaderboard(), 8)
    promised = with_interval(summary["score"], summary["interval"])
    kept = with_interval(result.score, [result.low, result.high])
    console.print(f"\npromised   {summary['metric']} {promised}", style="bold green")
    console.print(f"delivered  {summary['metric']} {kept} on {result.rows:,} new rows", style="bold green")
    console.print(f"table      {shortest_path(table.known)}", soft_wrap=True)
    console.print(f"scored     {shortest_path(table.scored)}", soft_wrap=True)
    console.print(f"model      {shortest_path(summary['model'])}", soft_wrap=True)
