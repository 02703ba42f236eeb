"""What a run is doing, for whoever waits: a live table in a terminal, plain lines elsewhere.

This is the one file that knows how progress is drawn. It hears the run's events and nothing else, and
writes to standard error only. A display that cannot be written never stops a run.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwright.cli.forecast import forecast_lines
from modelwright.cli.text import clean, console, number, table
from modelwright.core import format_bytes, format_seconds
from modelwright.core.events import (
    ColumnTreated,
    DataRead,
    EnsembleImproved,
    Event,
    FindingMade,
    FoldFinished,
    Listener,
    PlanMade,
    RunStarted,
    StageEntered,
    TrialFailed,
    TrialFinished,
    Warned,
)
from modelwright.execution.memory import TreeGauge

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Notice", "Progress", "Standing", "showing_progress"]

REFRESHES_PER_SECOND = 4
SHOWN_TRIALS = 8
SHOWN_NOTICES = 20


@dataclass
class Standing:
    """How one trial stands.

    Attributes
    ----------
    score : float
        Out-of-fold score when it is finished, mean of the folds so far before that.
    """

    trial: int
    learner: str
    label: str = ""
    score: float = 0.0
    folds: int = 0
    fit_seconds: float = 0.0
    finished: bool = False


@dataclass(frozen=True)
class Notice:
    """A sentence that the user should read.

    Attributes
    ----------
    sentence : str
    severity : str
        ``"info"``, ``"warning"`` or ``"excluded"`` (a column was left out).
    column : str or None
        The column concerned, if it is one.
    """

    sentence: str
    severity: str
    column: str | None = None


@dataclass
class Progress:
    """What is known of a run from the events heard so far.

    Attributes
    ----------
    started : float
        When the clock of the run's budget started, on the monotonic clock.
    stage : str
        What the run is doing, in words.
    provisional, ensemble : float or None
        Best score on a first fold; score of the latest ensemble of several members.
    standings : dict of int to Standing
        Trials by number, failed ones left out.
    noticed : dict of str to Notice
        What the user should read; see `notices`.
    forecast : tuple of str
        What the run is expected to take and to deliver, in two lines.

    Examples
    --------
    >>> progress = Progress()
    >>> progress.hear(RunStarted(run="r1", name="", target="y", task="binary", metric="roc_auc",
    ...                          budget_seconds=60.0))
    >>> progress.hear(TrialFinished(trial=1, learner="linear", label="Linear", score=0.8, folds=5,
    ...                             fit_seconds=0.5))
    >>> progress.best, [standing.label for standing in progress.ranking()]
    (0.8, ['Linear'])
    """

    started: float = field(default_factory=time.monotonic)
    stage: str = "starting"
    run: str = ""
    target: str = ""
    metric: str = ""
    greater_is_better: bool = True
    budget_seconds: float | None = None
    provisional: float | None = None
    ensemble: float | None = None
    members: int = 0
    failed: int = 0
    adopted: int = 0
    standings: dict[int, Standing] = field(default_factory=dict)
    noticed: dict[str, Notice] = field(default_factory=dict)
    forecast: tuple[str, ...] = ()

    def hear(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case StageEntered():
                self.stage = f"{event.stage}: {event.detail}" if event.detail else event.stage
            case PlanMade():
                foreseen = event.plan.get("forecast")
                self.forecast = tuple(forecast_lines(foreseen)) if foreseen else ()
            case RunStarted():
                self._begin(event)
            case FoldFinished():
                self._count(event)
            case TrialFinished():
                self.standings[event.trial] = Standing(
                    event.trial, event.learner, event.label, event.score, event.folds, event.fit_seconds, True
                )
            case TrialFailed():
                self.failed += 1
                self.standings.pop(event.trial, None)
            case EnsembleImproved() if event.members > 1:
                self.ensemble, self.members = event.score, event.members
            case EnsembleImproved():
                self.provisional = event.score
            case _:
                self._notice(event)

    @property
    def notices(self) -> list[Notice]:
        """What the user should read, in the order in which it came."""
        return list(self.noticed.values())

    def _notice(self, event: Event) -> None:
        # By key, not by search: a table may have ten thousand columns that are worth a sentence.
        sentence = notice_of(event)
        if isinstance(event, ColumnTreated):
            self.noticed[f"column {event.column}"] = Notice(sentence, "info", event.column)
        elif isinstance(event, FindingMade):
            if event.severity == "excluded":
                # A column that was left out for what was found is told of once, with the remedy.
                self.noticed.pop(f"column {event.column}", None)
            self.noticed.setdefault(sentence, Notice(sentence, event.severity, event.column))
        elif isinstance(event, Warned):
            self.noticed.setdefault(sentence, Notice(sentence, "warning"))

    def _begin(self, event: RunStarted) -> None:
        # Imported here: the metrics are needed once a run exists, not to show that one is starting.
        from modelwright.core import Task
        from modelwright.metrics import get_metric

        self.run, self.target, self.metric = event.run, event.target, event.metric
        self.budget_seconds = event.budget_seconds
        self.greater_is_better = get_metric(event.metric, Task(event.task)).greater_is_better

    def _count(self, event: FoldFinished) -> None:
        standing = self.standings.setdefault(event.trial, Standing(event.trial, event.learner))
        self.adopted += event.adopted
        if not standing.finished:
            standing.folds += 1
            standing.score += (event.score - standing.score) / standing.folds

    @property
    def best(self) -> float | None:
        """The best score there is: of the ensemble, else of a finished trial, else of a first fold.

        They are scored on different rows, so that one never simply outbids the other.
        """
        if self.ensemble is not None:
            return self.ensemble
        ranking = self.ranking()
        return ranking[0].score if ranking else self.provisional

    def ranking(self) -> list[Standing]:
        """The finished trials, best first."""
        sign = -1.0 if self.greater_is_better else 1.0
        finished = [standing for standing in self.standings.values() if standing.finished]
        return sorted(finished, key=lambda standing: (sign * standing.score, standing.trial))

    def running(self) -> list[Standing]:
        """The trials of which some folds are done, in the order in which they began."""
        return [standing for standing in self.standings.values() if not standing.finished]

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit, or None where there is none (or it is not known yet)."""
        if self.budget_seconds is None:
            return None
        return max(0.0, self.budget_seconds - (time.monotonic() - self.started))


def notice_of(event: Event) -> str:
    """The sentence that a user should read about an event, or nothing."""
    match event:
        case FindingMade():
            return f"{event.message} {event.action}".strip()
        case Warned():
            return event.message
        case ColumnTreated():
            return f"Column {event.column!r}: {event.treatment} ({event.reason})."
    return ""


def sentence_of(event: Event, progress: Progress) -> str:
    """The plain line for an event, or nothing if it deserves none."""
    match event:
        case StageEntered():
            return progress.stage
        case DataRead():
            return f"read {event.rows:,} rows, {event.columns:,} columns from {event.source}"
        case RunStarted():
            verb = "resuming" if event.resumed else "run"
            return f"{verb} {event.run}: {event.task} on {event.target!r}, judged by {event.metric}"
        case TrialFinished():
            return (
                f"trial {event.trial} {event.label or event.learner}: {progress.metric} "
                f"{number(event.score)} over {event.folds} folds in {format_seconds(event.fit_seconds)}"
            )
        case TrialFailed():
            return f"trial {event.trial} {event.label or event.learner} failed: {event.reason}"
        case EnsembleImproved() if event.members > 1:
            return f"ensemble of {event.members}: {progress.metric} {number(event.score)}"
        case EnsembleImproved() if not progress.ranking():
            return f"best so far: {progress.metric} {number(event.score)} on the first fold"
    return notice_of(event)


class _PlainLines:
    """One line for each thing worth a line; what goes wrong with the stream is nobody's concern."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._notices = 0
        self._treated: dict[str, ColumnTreated] = {}

    def hear(self, event: Event) -> None:
        self._progress.hear(event)
        if isinstance(event, ColumnTreated):
            # Kept back until the findings are in: one may tell of the same column, with the remedy.
            self._treated[event.column] = event
            return
        if not isinstance(event, FindingMade):
            self.finish()
        elif event.severity == "excluded" and event.column is not None:
            self._treated.pop(event.column, None)
        self._tell(event)

    def finish(self) -> None:
        """Print what was kept back."""
        for event in self._treated.values():
            self._tell(event)
        self._treated.clear()

    def _tell(self, event: Event) -> None:
        sentence = sentence_of(event, self._progress)
        if isinstance(event, ColumnTreated | FindingMade):
            self._notices += 1
            if self._notices == SHOWN_NOTICES:
                sentence = "more was noticed: 'modelwright show MODEL' will tell"
            elif self._notices > SHOWN_NOTICES:
                sentence = ""
        sentences = self._progress.forecast if isinstance(event, PlanMade) else (sentence,)
        for each in filter(None, sentences):
            try:
                print(f"[{event.seconds:6.1f} s] {clean(each)}", file=sys.stderr, flush=True)
            except (OSError, ValueError):
                return


class _LiveTable:
    """The state of the run as a table that is drawn again four times a second."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._gauge = TreeGauge(os.getpid())

    def hear(self, event: Event) -> None:
        with self._lock:
            self._progress.hear(event)

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        memory = format_bytes(self._gauge.estimate())
        with self._lock:
            progress = self._progress
            elapsed = format_seconds(time.monotonic() - progress.started)
            left = progress.seconds_left
            facts = [progress.stage, f"{elapsed} elapsed"]
            facts += [f"{format_seconds(left)} left"] if left is not None else []
            facts.append(f"{memory} in use")
            parts: list[RenderableType] = [Text(clean(" · ".join(facts)), style="bold")]
            parts += [Text(clean(line), style="dim") for line in progress.forecast]
            if progress.best is not None:
                made_of = f", {progress.members} members" if progress.members else ""
                parts.append(Text(f"best {progress.metric} {number(progress.best)}{made_of}", style="green"))
            if progress.standings:
                parts.append(_standings_table(progress))
            serious = [notice.sentence for notice in progress.notices if notice.severity != "info"]
            parts += [Text(clean(sentence), style="yellow") for sentence in serious[-3:]]
        return Group(*parts)


def _standings_table(progress: Progress) -> RenderableType:
    finished, running = progress.ranking(), progress.running()
    rows = [_standing_row(standing, str(rank)) for rank, standing in enumerate(finished[:SHOWN_TRIALS], 1)]
    # Folds of different rows are not comparable: what is not finished gets no rank.
    rows += [_standing_row(standing, "…") for standing in running[:3]]
    drawn = table(
        ["", "trial", progress.metric, "folds", "fit time"],
        rows,
        numeric=["", progress.metric, "folds", "fit time"],
    )
    hidden = len(finished) - min(len(finished), SHOWN_TRIALS)
    more = [f"{hidden} more"] if hidden else []
    more += [f"{progress.failed} failed"] if progress.failed else []
    drawn.caption = ", ".join(more) or None
    drawn.caption_justify = "left"
    return drawn


def _standing_row(standing: Standing, rank: str) -> list[str]:
    seconds = format_seconds(standing.fit_seconds) if standing.finished else "running"
    name = standing.label or standing.learner
    return [rank, name, number(standing.score), str(standing.folds), seconds]


@contextmanager
def showing_progress(progress: Progress, quiet: bool = False) -> Iterator[Listener]:
    """Show a run while the block lasts; yields the listener to hand to it.

    Parameters
    ----------
    progress : Progress
        Takes in the events; afterwards it tells what was noticed.
    quiet : bool, default False
        Take in the events and show nothing.
    """
    if quiet:
        yield progress.hear
    elif sys.stderr.isatty():
        from rich.live import Live

        display = _LiveTable(progress)
        with Live(
            display,
            console=console(stderr=True),
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=True,
        ):
            yield display.hear
    else:
        lines = _PlainLines(progress)
        try:
            yield lines.hear
        finally:
            lines.finish()
