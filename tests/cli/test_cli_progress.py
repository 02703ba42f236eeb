"""What is shown of a run while it runs."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from modelwright.cli.progress import SHOWN_NOTICES, Notice, Progress, _LiveTable, showing_progress
from modelwright.core.events import (
    ColumnTreated,
    DataRead,
    EnsembleImproved,
    Event,
    FindingMade,
    FoldFinished,
    RunStarted,
    StageEntered,
    TrialFailed,
    TrialFinished,
    Warned,
)


def started(metric: str = "roc_auc", task: str = "binary") -> RunStarted:
    return RunStarted(run="r1", name="m", target="y", task=task, metric=metric, budget_seconds=60.0)


def finished(trial: int, score: float) -> TrialFinished:
    return TrialFinished(
        trial=trial, learner="linear", label=f"linear {trial}", score=score, folds=5, fit_seconds=1.5
    )


EVENTS: tuple[Event, ...] = (
    StageEntered(stage="reading the data", seconds=0.1),
    DataRead(rows=1000, columns=12, source="a.csv"),
    FindingMade(
        check="leak",
        severity="excluded",
        message="'z' gives the target away.",
        column="z",
        action="Left out.",
    ),
    ColumnTreated(column="id", treatment="left out", reason="every value is different"),
    started(),
    FoldFinished(trial=1, fold=0, learner="linear", score=0.6),
    FoldFinished(trial=1, fold=1, learner="linear", score=0.8),
    finished(1, 0.75),
    TrialFailed(trial=2, learner="catboost", label="catboost", reason="it ran out of memory"),
    finished(3, 0.85),
    Warned(message="Little time is left."),
    EnsembleImproved(score=0.9, members=3),
    StageEntered(stage="writing the model", seconds=5.0),
)


def heard(*events: Event) -> Progress:
    progress = Progress()
    for event in events:
        progress.hear(event)
    return progress


def test_lower_is_better_for_an_error() -> None:
    trials = (finished(1, 3.0), finished(2, 1.0), finished(3, 2.0))
    progress = heard(started("rmse", "regression"), *trials)
    assert [item.trial for item in progress.ranking()] == [2, 3, 1]
    assert progress.best == 1.0


def test_higher_is_better_for_a_score() -> None:
    progress = heard(started(), finished(1, 0.7), finished(2, 0.9), finished(3, 0.8))
    assert [item.trial for item in progress.ranking()] == [2, 3, 1]


def test_unfinished_trials_are_not_ranked() -> None:
    progress = heard(
        started(),
        FoldFinished(trial=1, fold=0, learner="linear", score=0.6),
        FoldFinished(trial=1, fold=1, learner="linear", score=0.8),
    )
    assert progress.ranking() == []
    (running,) = progress.running()
    assert (running.folds, running.score) == (2, pytest.approx(0.7))


def test_the_best_score_moves_to_better_founded_ones() -> None:
    progress = heard(started(), EnsembleImproved(score=0.99, members=1))
    assert progress.best == 0.99
    progress.hear(finished(1, 0.75))
    assert progress.best == 0.75
    progress.hear(EnsembleImproved(score=0.80, members=4))
    assert (progress.best, progress.members) == (0.80, 4)


def test_time_left() -> None:
    progress = heard(started())
    progress.started = time.monotonic() - 50.0
    left = progress.seconds_left
    assert left is not None
    assert 9.0 < left <= 10.0
    progress.started = time.monotonic() - 70.0
    assert progress.seconds_left == 0.0


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with showing_progress(progress) as listener:
        for event in EVENTS:
            listener(event)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[0] == "[   0.1 s] reading the data"
    assert len(lines) == len(EVENTS) - 2  # the single folds are not worth a line
    for words in ("1,000 rows", "gives the target away. Left out.", "'id': left out", "ran out of memory"):
        assert words in shown.err
    assert "linear 3: roc_auc 0.8500 over 5 folds in 1.5 s" in shown.err


def test_quiet_shows_nothing_and_remembers(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with showing_progress(progress, quiet=True) as listener:
        for event in EVENTS:
            listener(event)
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""
    assert progress.notices == [
        Notice("'z' gives the target away. Left out.", "excluded", "z"),
        Notice("Column 'id': left out (every value is different).", "info", "id"),
        Notice("Little time is left.", "warning"),
    ]


def test_a_column_left_out_for_a_finding_is_told_of_once() -> None:
    found = "'z' alone scores 0.99."
    progress = heard(
        ColumnTreated(column="z", treatment="ignored", reason=found),
        FindingMade(
            check="leak", severity="excluded", message=found, column="z", action="Keep it: --set z=numeric."
        ),
    )
    assert progress.notices == [Notice(f"{found} Keep it: --set z=numeric.", "excluded", "z")]


def test_a_column_left_out_for_a_finding_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    found = "'z' alone scores 0.99."
    with showing_progress(Progress()) as listener:
        listener(ColumnTreated(column="z", treatment="ignored", reason=found))
        listener(ColumnTreated(column="id", treatment="left out", reason="every value is different"))
        listener(
            FindingMade(check="leak", severity="excluded", message=found, column="z", action="Keep it: z=id.")
        )
        listener(started())
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("] ")[2] for line in lines] == [
        f"{found} Keep it: z=id.",
        "Column 'id': left out (every value is different).",
        "run r1: binary on 'y', judged by roc_auc",
    ]


def test_a_wide_table_does_not_flood_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with showing_progress(progress) as listener:
        for number in range(10_000):
            listener(ColumnTreated(column=f"c{number}", treatment="constant", reason="always 0"))
    assert len(progress.notices) == 10_000
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == SHOWN_NOTICES
    assert "modelwright show" in lines[-1]


def test_the_live_table() -> None:
    progress = Progress()
    display = _LiveTable(progress)
    for event in EVENTS:
        display.hear(event)
    console = Console(file=io.StringIO(), width=120, markup=False)
    console.print(display)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "writing the model" in shown
    assert "left" in shown
    assert "in use" in shown
    assert "best roc_auc 0.9000, 3 members" in shown
    assert shown.index("linear 3") < shown.index("linear 1")
    assert "1 failed" in shown


def test_a_closed_stream_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    progress = Progress()
    with showing_progress(progress) as listener:
        stream.close()  # from now on every write raises
        for event in EVENTS:
            listener(event)
    assert progress.stage == "writing the model"
