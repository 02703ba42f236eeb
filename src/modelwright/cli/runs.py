"""``modelwright runs``: what was done in a workspace, finished or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelwright.cli.answers import Answer
from modelwright.cli.forecast import print_forecast
from modelwright.cli.options import JsonOption, WorkspaceOption
from modelwright.cli.unfinished import print_standing, standing_of

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.storage import RunRecord, Workspace

__all__ = ["Action", "runs"]


class Action(StrEnum):
    """What to do with runs."""

    LIST = "list"
    SHOW = "show"
    COMPARE = "compare"
    DELETE = "delete"


NEEDED = {Action.SHOW: 1, Action.COMPARE: 2, Action.DELETE: 1}
"""How many runs an action needs at least; listing takes none."""

KEY_FIGURES = {
    "status": "status",
    "target": "target",
    "task": "task",
    "metric": "metric",
    "score": "score",
    "interval": "95% interval",
    "trials": "trials",
    "failed_trials": "failed trials",
    "wall_seconds": "seconds",
    "first_model_seconds": "seconds to the first model",
    "peak_memory_mb": "peak memory, MB",
    "seed": "seed",
    "source": "data",
    "data_hash": "SHA-256 of the data",
    "model": "model",
}


HEADING_WIDTH = max(map(len, KEY_FIGURES.values()))


def _facts(record: RunRecord, running: bool) -> dict[str, Any]:
    """What is known of a run: its record and what ``train --json`` said at its end."""
    summary = {key: value for key, value in record.summary.items() if key != "leaderboard"}
    return {
        **summary,
        "run": record.id,
        "status": record.status,
        "running": running,
        "name": record.name,
        "created": record.created,
        "finished": record.finished,
        "target": record.parameters.get("target"),
        "source": record.source.get("location"),
        "data_hash": record.data_hash,
        "seed": record.seed,
        "attempts": record.attempts,
        "forecast": record.plan.get("forecast"),
        "elapsed_seconds": record.elapsed_seconds,
        "error": record.error,
    }


def _found(workspace: Workspace, reference: str) -> dict[str, Any]:
    record = workspace.runs.get(reference)
    return _facts(record, workspace.running(record.id) is not None)


def runs(
    action: Annotated[Action, typer.Argument(metavar="ACTION", help="list, show, compare or delete.")] = (
        Action.LIST
    ),
    run: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Runs by id, by the beginning of an id, or 'last'.",
            show_default=False,
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> Answer:
    """List, show, compare or delete the runs of the workspace."""
    from modelwright.cli.workspaces import existing_workspace

    named = run or []
    _check_count(action, named)
    with existing_workspace(workspace) as opened:
        if action is Action.LIST:
            return _list(opened, as_json)
        if opened is None:
            raise _no_workspace(named[0])
        if action is Action.SHOW:
            return _show(opened, named[0], as_json)
        if action is Action.COMPARE:
            return _compare([_found(opened, reference) for reference in named], as_json)
        return _delete(opened, named, as_json)


def _check_count(action: Action, named: Sequence[str]) -> None:
    from modelwright.core import OptionError

    needed = NEEDED.get(action, 0)
    most = {Action.LIST: 0, Action.SHOW: 1}.get(action, len(named))
    if needed <= len(named) <= most or (action is Action.COMPARE and len(named) >= needed):
        return
    words = {
        Action.LIST: "no run",
        Action.SHOW: "one run",
        Action.COMPARE: "two runs or more",
        Action.DELETE: "one run or more",
    }
    raise OptionError(
        f"'runs {action}' needs {words[action]}, but {len(named)} came. See 'modelwright runs' for the ids."
    )


def _no_workspace(reference: str) -> Exception:
    from modelwright.core import UnknownName

    return UnknownName(
        f"There is no run {reference!r}: there is no workspace here. Name it with --workspace."
    )


def _status(facts: Mapping[str, Any]) -> str:
    return f"{facts['status']} (running)" if facts["running"] else str(facts["status"])


def _trial_status(status: str, of_run: str) -> str:
    """A run that has ended has no trials at work: the one that was is over."""
    return "stopped early" if status == "running" and of_run in ("finished", "failed") else status


def _list(workspace: Workspace | None, as_json: bool) -> Answer:
    listed = []
    if workspace is not None:
        listed = [_facts(item, workspace.running(item.id) is not None) for item in workspace.runs.all()]

    def render(console: Console) -> None:
        from modelwright.cli.text import number, shortest_path, table

        if not listed:
            console.print("The workspace holds no runs. Start one: modelwright train DATA --target COL")
            return
        rows = [
            [
                facts["run"],
                _status(facts),
                facts["name"],
                facts["target"],
                facts.get("metric"),
                number(facts.get("score")),
                shortest_path(facts["source"]) if facts["source"] else "",
            ]
            for facts in listed
        ]
        headings = ["run", "status", "name", "target", "metric", "score", "data"]
        whole, cut = ["run", "status", "metric"], ["name", "target", "data"]
        console.print(table(headings, rows, numeric=["score"], whole=whole, cut=cut))

    return Answer({"runs": listed}, render, as_json)


def _show(workspace: Workspace, reference: str, as_json: bool) -> Answer:
    record = workspace.runs.get(reference)
    facts = _facts(record, workspace.running(record.id) is not None)
    recorded = workspace.runs.trials(record.id)
    standing = None
    if record.status == "unfinished":
        standing = standing_of(record, recorded, workspace.runs.folds(record.id), facts["running"])
    trials = [
        {
            "trial": trial.number,
            "label": trial.label or trial.learner,
            "learner": trial.learner,
            "origin": trial.origin,
            "status": _trial_status(trial.status, facts["status"]),
            "score": trial.score,
            "config": dict(trial.config),
            "error": trial.error,
        }
        for trial in recorded
    ]

    def render(console: Console) -> None:
        from modelwright.cli.text import clean, number, table

        _print_figures(console, [facts])
        if standing is not None:
            print_standing(console, standing)
        print_forecast(console, facts["forecast"], facts.get("actual"))
        _print_processor_seconds(console, facts.get("cpu_seconds"))
        rows = [
            [
                item["trial"],
                item["label"],
                item["origin"],
                item["status"],
                number(item["score"]),
                item["error"],
            ]
            for item in trials
        ]
        headings = ["trial", "label", "origin", "status", "score", "error"]
        console.print()
        whole, cut = ["label", "origin", "status"], ["error"]
        console.print(table(headings, rows, numeric=["trial", "score"], whole=whole, cut=cut))
        for item in trials:
            if item["error"]:
                console.print(f"trial {item['trial']}: {clean(item['error'])}", soft_wrap=True)

    payload = {**facts, "trial_records": trials}
    return Answer(payload if standing is None else {**payload, "so_far": standing}, render, as_json)


def _compare(found: list[dict[str, Any]], as_json: bool) -> Answer:
    comparable = len({facts["data_hash"] for facts in found}) == 1

    def render(console: Console) -> None:
        _print_figures(console, found)
        if not comparable:
            console.print(
                "The runs did not read the same data: their scores cannot be ranked.", style="yellow"
            )

    return Answer({"runs": found, "same_data": comparable}, render, as_json)


def _print_figures(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    """Key figures side by side, one run a column; what no run has is left out."""
    from modelwright.cli.text import table

    # A run's id is never broken: as many runs side by side as there is room for.
    most = max(1, (console.width - HEADING_WIDTH) // (max(len(str(facts["run"])) for facts in found) + 2))
    if len(found) > most:
        _print_figures(console, found[:most])
        console.print()
        _print_figures(console, found[most:])
        return
    rows = []
    for key, heading in KEY_FIGURES.items():
        cells = [_figure(key, facts) for facts in found]
        if any(cells):
            rows.append([heading, *cells])
    if any(facts["error"] for facts in found):
        rows.append(["error", *(facts["error"] for facts in found)])
    console.print(table(["run", *(str(facts["run"]) for facts in found)], rows))


def _print_processor_seconds(console: Console, spent: Mapping[str, Any] | None) -> None:
    """Where the processor time of a run went, from one hundredth of it on; older records do not say."""
    from modelwright.cli.text import table

    if not spent or not spent["total"]:
        return
    rows = [
        [who, stage, f"{seconds:.1f}", f"{seconds / spent['total']:.0%}"]
        for who in ("driver", "workers")
        for stage, seconds in spent[who].items()
        if seconds >= 0.01 * spent["total"]
    ]
    console.print()
    headings = ["processor seconds of", "stage", "seconds", "share"]
    console.print(table(headings, rows, numeric=["seconds", "share"], whole=["stage"]))


def _figure(key: str, facts: Mapping[str, Any]) -> str:
    from modelwright.cli.scores import between
    from modelwright.cli.text import number, shortest_path

    value = facts.get(key)
    if key == "status":
        return _status(facts)
    if key == "interval":
        return between(value)
    if key in ("source", "model") and value:
        return shortest_path(value)
    if isinstance(value, float):
        return number(value) if key == "score" else f"{value:.1f}"
    return "" if value is None else str(value)


def _delete(workspace: Workspace, named: Sequence[str], as_json: bool) -> Answer:
    # All are looked up before the first is removed: a misspelt name leaves everything as it was.
    found = [workspace.runs.get(reference).id for reference in named]
    deleted = [workspace.delete_run(run) for run in dict.fromkeys(found)]

    def render(console: Console) -> None:
        for run in deleted:
            console.print(f"deleted run {run} (models that came from it stay)")

    return Answer({"deleted": deleted}, render, as_json)
