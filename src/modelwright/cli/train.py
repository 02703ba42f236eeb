"""``modelwright train``: from a table to a saved model."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from modelwright.cli.answers import Answer
from modelwright.cli.clock import process_start
from modelwright.cli.dry_run import plan_answer
from modelwright.cli.options import (
    CostOption,
    CountryOption,
    DistillOption,
    DryRunOption,
    FoldsOption,
    GroupFeaturesOption,
    GroupOption,
    HoldoutOption,
    JsonOption,
    KeepOption,
    LatencyOption,
    LearnerOption,
    LikeOption,
    MaxTrialsOption,
    MemoryOption,
    MetricOption,
    MitigateOption,
    MonotonicOption,
    NameOption,
    OptionalDataArgument,
    OutputOption,
    PositiveOption,
    QualityOption,
    QuantilesOption,
    QueryOption,
    QuietOption,
    RefitOption,
    ResumeOption,
    SearchOption,
    SeedOption,
    SensitiveOption,
    SetOption,
    SizeOption,
    StopWhenFlatOption,
    StudentOption,
    TargetOption,
    TaskOption,
    ThreadsOption,
    TimeColumnOption,
    TimeOption,
    UndoOption,
    WeightsOption,
    WithoutOption,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.automl import TrainOutcome, TrainRequest
    from modelwright.cli.progress import Progress

MOST_SHOWN = 15
"""Lines of the leaderboard, and notices, at the end of a training; the rest is one command away."""

_RENAMED = {"time": "time_limit", "memory": "memory_limit", "cost": "costs", "learner": "learners"}
"""Options whose Python arguments have other names."""

_OWN = ("settings", "student", "dry_run", "quiet", "as_json")
"""Options that are no arguments of a training."""

DONE_BEFORE = "This run was finished before; nothing was done."

__all__ = ["print_outcome", "train"]


def train(
    data: OptionalDataArgument = None,
    target: TargetOption = None,
    time: TimeOption = None,
    memory: MemoryOption = None,
    threads: ThreadsOption = None,
    metric: MetricOption = "auto",
    task: TaskOption = "auto",
    search: SearchOption = "bayesian",
    stop_when_flat: StopWhenFlatOption = False,
    group: GroupOption = None,
    time_column: TimeColumnOption = None,
    weights: WeightsOption = None,
    holdout: HoldoutOption = None,
    seed: SeedOption = 0,
    folds: FoldsOption = None,
    max_trials: MaxTrialsOption = None,
    settings: SetOption = None,
    query: QueryOption = None,
    positive: PositiveOption = None,
    cost: CostOption = None,
    quantiles: QuantilesOption = None,
    monotonic: MonotonicOption = None,
    keep: KeepOption = None,
    learner: LearnerOption = None,
    without: WithoutOption = None,
    group_features: GroupFeaturesOption = False,
    country: CountryOption = None,
    quality: QualityOption = "best",
    max_latency_ms: LatencyOption = None,
    max_model_mb: SizeOption = None,
    refit: RefitOption = None,
    distill: DistillOption = False,
    student: StudentOption = None,
    sensitive: SensitiveOption = None,
    mitigate: MitigateOption = None,
    name: NameOption = None,
    output: OutputOption = None,
    like: LikeOption = None,
    undo: UndoOption = None,
    resume: ResumeOption = None,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> Answer:
    """Train a model on a table and save it.

    Ctrl-C stops early and keeps the best model found so far.
    """
    given = dict(locals())
    started = process_start()
    from modelwright.automl import execute, plan_only
    from modelwright.cli.progress import Progress, showing_progress

    request = _request(given, started)
    progress = Progress(started=started)
    with showing_progress(progress, quiet or dry_run) as listener:
        if dry_run:
            return plan_answer(plan_only(request, [listener]), progress, as_json)
        outcome = execute(request, [listener])
    return _answer(outcome, progress, as_json)


def _request(given: dict[str, Any], started: float) -> TrainRequest:
    """What the options ask for."""
    from modelwright.automl import TrainRequest
    from modelwright.cli.settings import (
        parse_costs,
        parse_holdout,
        parse_monotonic,
        parse_overrides,
        parse_sensitive,
    )

    target = given["target"]
    read = {
        "target": target[0] if target and len(target) == 1 else target,
        "holdout": parse_holdout(given["holdout"]),
        "overrides": parse_overrides(given["settings"] or ()),
        "costs": parse_costs(given["cost"] or ()),
        "monotonic": parse_monotonic(given["monotonic"] or ()),
        "sensitive": parse_sensitive(given["sensitive"] or ()),
        "distill": given["distill"] if given["student"] is None else given["student"],
    }
    named = {_RENAMED.get(name, name): value for name, value in given.items() if name not in _OWN}
    return TrainRequest(**{**named, **read, "started": started})


def _answer(outcome: TrainOutcome, progress: Progress, as_json: bool) -> Answer:
    from modelwright.cli.failures import EXIT_INTERRUPTED

    done_before = not progress.run  # no run was heard to start: the summary is that of an earlier one

    def render(console: Console) -> None:
        if done_before:
            console.print(DONE_BEFORE, style="yellow")
        print_outcome(console, outcome, progress)
        _print_next_steps(console, outcome.summary)

    payload = {**outcome.summary, "warnings": [DONE_BEFORE]} if done_before else outcome.summary
    return Answer(payload, render, as_json, EXIT_INTERRUPTED if outcome.interrupted else 0)


def print_outcome(console: Console, outcome: TrainOutcome, progress: Progress) -> None:
    """The end of a training for people: leaderboard, what was noticed, the score, where the model is."""
    from modelwright.cli.leaderboard_table import print_leaderboard
    from modelwright.cli.scores import with_interval
    from modelwright.cli.text import shortest_path
    from modelwright.core import format_seconds

    summary = outcome.summary
    print_leaderboard(console, outcome.model.leaderboard(), MOST_SHOWN)
    console.print()
    _print_pareto(console, outcome)
    _print_notices(console, progress)
    if outcome.interrupted:
        console.print(
            "Stopped early by you: the best model so far was kept. To go on: "
            f"modelwright train --resume {summary['run']} --time 60s",
            style="yellow",
            soft_wrap=True,
        )
    score = with_interval(summary["score"], summary["interval"])
    console.print(f"{summary['metric']} {score}, {summary['task']}", style="bold green")
    counts = f"{summary['trials']} trials ({summary['failed_trials']} failed)"
    if summary["adopted_folds"]:
        counts += (
            f", {summary['adopted_folds']} folds adopted from before, {summary['repeated_folds']} repeated"
        )
    first = summary["first_model_seconds"]
    facts = [f"{counts} in {format_seconds(summary['wall_seconds'])}"]
    facts += [f"first model after {format_seconds(first)}"] if first is not None else []
    facts.append(f"at most {summary['peak_memory_mb']:.0f} MB")
    console.print(", ".join(facts), soft_wrap=True)
    console.print(f"run    {summary['run']}", soft_wrap=True)
    console.print(f"model  {shortest_path(summary['model'])}", soft_wrap=True)
    _print_fairness(console, outcome)


def _print_fairness(console: Console, outcome: TrainOutcome) -> None:
    """What was found between groups, where columns are sensitive."""
    from modelwright.automl.fairness import FAIRNESS
    from modelwright.cli.text import shortest_path

    if FAIRNESS in outcome.model.manifest["files"]:
        verdict = outcome.model.fairness().verdict
        place = shlex.quote(shortest_path(outcome.summary["model"]))
        console.print(f"fairness: {verdict}; see 'modelwright fairness {place}'", soft_wrap=True)


def _print_pareto(console: Console, outcome: TrainOutcome) -> None:
    """What a limit cost, where there was one."""
    from modelwright.cli.pareto_table import print_pareto

    facts = outcome.model.manifest.get("delivery", {})
    if any(facts.get(name) is not None for name in ("max_seconds", "max_bytes")):
        print_pareto(console, outcome.model.pareto())
        console.print()


def _print_notices(console: Console, progress: Progress) -> None:
    """The grave ones first; a wide table may have thousands."""
    from modelwright.cli.text import clean

    notices = sorted(progress.notices, key=lambda notice: notice.severity == "info")
    for notice in notices[:MOST_SHOWN]:
        mark, style = ("-", "") if notice.severity == "info" else ("!", "yellow")
        console.print(f"{mark} {clean(notice.sentence)}", style=style, soft_wrap=True)
    if len(notices) > MOST_SHOWN:
        console.print(f"and {len(notices) - MOST_SHOWN} more: see 'modelwright show MODEL'")
    if notices:
        console.print()


def _print_next_steps(console: Console, summary: dict[str, Any]) -> None:
    """New data, not the file just trained on: a score on that would flatter the model."""
    from modelwright.cli.text import shortest_path

    model = shlex.quote(shortest_path(summary["model"]))
    console.print("\nNext:", style="bold")
    for step in (
        f"modelwright predict {model} NEW_DATA.csv -o predictions.csv",
        f"modelwright evaluate {model} NEW_DATA.csv",
        f"modelwright show {model}",
    ):
        console.print(f"  {step}", soft_wrap=True)
