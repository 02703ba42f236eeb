"""The plan of a training that is not carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.cli.answers import Answer
from modelwright.cli.forecast import print_forecast

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import Plan
    from modelwright.cli.progress import Progress

__all__ = ["plan_answer"]

_MOST_SHOWN = 12
"""Configurations and notices that are printed; all are in the JSON."""


def plan_answer(plan: Plan, progress: Progress, as_json: bool) -> Answer:
    """What was decided, what would be tried first, and what the run would take.

    Parameters
    ----------
    plan : Plan
    progress : Progress
        What was noticed while the data was read.
    as_json : bool
    """
    record = plan.to_dict()
    payload = {"plan": record, "notices": [notice.sentence for notice in progress.notices]}

    def render(console: Console) -> None:
        _print_plan(console, plan)
        print_forecast(console, record["forecast"], None)
        notices = [notice.sentence for notice in progress.notices if notice.severity != "info"]
        forecast = plan.forecast
        said = set() if forecast is None else set(forecast.notes)
        _print_lines(console, "Noticed", [sentence for sentence in notices if sentence not in said])
        console.print("\nNothing was fitted or written: this was a dry run.")

    return Answer(payload, render, as_json)


def _print_plan(console: Console, plan: Plan) -> None:
    from modelwright.cli.text import clean, table
    from modelwright.core import format_seconds

    problem = plan.problem
    targets = clean(", ".join(problem.targets))
    console.print(f"Plan to predict {targets} ({problem.task}), judged by {problem.metric}", style="bold")
    _print_lines(console, "Decided", [f"{each.what}: {each.why}" for each in plan.decisions])
    rows = [[entry.label, format_seconds(entry.estimated_seconds)] for entry in plan.portfolio[:_MOST_SHOWN]]
    console.print()
    console.print(
        table(
            ["tried first", "a fold, at most about"],
            rows,
            numeric=["a fold, at most about"],
            whole=["tried first"],
        )
    )
    more = len(plan.portfolio) - len(rows)
    if more > 0:
        console.print(f"and {more} more, then {plan.search} search")


def _print_lines(console: Console, heading: str, lines: list[str]) -> None:
    from modelwright.cli.text import clean

    if not lines:
        return
    console.print(f"\n{heading}", style="bold")
    for line in lines[:_MOST_SHOWN]:
        console.print(f"  {clean(line)}", soft_wrap=True)
    if len(lines) > _MOST_SHOWN:
        console.print(f"  and {len(lines) - _MOST_SHOWN} more: see --json")
