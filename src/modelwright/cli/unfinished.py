"""How far a run came that did not end, and how to take it up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from modelwright.storage import FoldRecord, RunRecord, TrialRecord

__all__ = ["print_standing", "standing_of"]


def standing_of(
    record: RunRecord, trials: Sequence[TrialRecord], folds: Sequence[FoldRecord], running: bool
) -> dict[str, Any]:
    """What an unfinished run has so far.

    Parameters
    ----------
    record : RunRecord
    trials, folds
        Of the run.
    running : bool
        Whether a process is at work on it.

    Returns
    -------
    dict
        ``trials``, ``finished_trials``, ``failed_trials``, ``folds``, ``folds_of_a_trial``, ``metric``,
        ``best_score`` (None before the first), ``best_folds`` that it was scored on, ``seconds``, and
        ``resume`` (a command; empty while the run is at work).
    """
    real = [trial for trial in trials if trial.origin != "baseline"]
    count = int(record.plan.get("folds", 0))
    numbers = {trial.number for trial in real}
    done = [fold for fold in folds if fold.status == "done" and fold.trial in numbers]
    score, on = _best(record, real, done)
    return {
        "trials": len(real),
        "finished_trials": sum(trial.status == "done" for trial in real),
        "failed_trials": sum(trial.status == "failed" for trial in real),
        "folds": len({(fold.trial, fold.fold) for fold in done}),
        "folds_of_a_trial": count,
        "metric": record.plan.get("problem", {}).get("metric"),
        "best_score": score,
        "best_folds": on,
        "seconds": _seconds(record, folds),
        "resume": "" if running else _command(record),
    }


def print_standing(console: Console, standing: Mapping[str, Any]) -> None:
    """The same for people, in a few lines."""
    from modelwright.cli.text import number
    from modelwright.core import format_seconds

    failed = f", {standing['failed_trials']} failed" if standing["failed_trials"] else ""
    console.print(
        f"\nso far: {standing['trials']} trials begun ({standing['finished_trials']} on all "
        f"{standing['folds_of_a_trial']} folds{failed}), {standing['folds']} folds fitted, "
        f"{format_seconds(standing['seconds'])} used",
        soft_wrap=True,
    )
    if standing["best_score"] is not None:
        where = "1 fold" if standing["best_folds"] == 1 else f"{standing['best_folds']} folds"
        console.print(
            f"best {standing['metric']} so far: {number(standing['best_score'])} (a single trial, on {where})"
        )
    if standing["resume"]:
        console.print(f"to go on: {standing['resume']}", style="yellow", soft_wrap=True)


def _best(
    record: RunRecord, trials: Sequence[TrialRecord], done: Sequence[FoldRecord]
) -> tuple[float | None, int]:
    """The best score of a trial on all folds, else of one on the first fold; and the folds it is of."""
    from modelwright.core import OptionError, UnknownName

    whole = [trial.score for trial in trials if trial.status == "done" and trial.score is not None]
    first = [fold.score for fold in done if fold.fold == 0 and fold.score is not None]
    try:
        greater = _greater_is_better(record)
    except (UnknownName, OptionError, ValueError, KeyError):  # a metric that was a function of the caller
        return None, 0
    if not whole and not first:
        return None, 0
    return (max if greater else min)(whole or first), int(record.plan.get("folds", 0)) if whole else 1


def _greater_is_better(record: RunRecord) -> bool:
    from modelwright.core import Task
    from modelwright.metrics import get_metric

    problem = record.plan["problem"]
    return get_metric(str(problem["metric"]), Task(problem["task"])).greater_is_better


def _seconds(record: RunRecord, folds: Sequence[FoldRecord]) -> float:
    """What attempts told of themselves, or the time until the last fold: a killed driver tells nothing."""
    from datetime import datetime

    told = float(record.elapsed_seconds or 0.0)
    try:
        begun = datetime.fromisoformat(str(record.created))
        until = max((datetime.fromisoformat(str(fold.updated)) for fold in folds), default=begun)
    except ValueError:
        return told
    return told if record.attempts > 1 else max(told, (until - begun).total_seconds())


def _command(record: RunRecord) -> str:
    """How to take the run up again; a table in memory has to be given again, from Python."""
    if record.parameters.get("data") is None:
        return f"train(data, resume={record.id!r}) in Python, with the same data"
    return f"modelwright train --resume {record.id}"
