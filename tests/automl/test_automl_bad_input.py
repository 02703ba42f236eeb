"""What others bring may go wrong: learners, metrics, tables. The run goes on, or a sentence says why not."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl import TrainOutcome, TrainRequest, execute, runner
from modelwright.core import BadInput, DataError, OptionError, Outcome, TargetError, TaskReport, TaskSpec
from modelwright.core.events import Event, PlanMade
from modelwright.data import SOURCES
from modelwright.execution.memory import pss_bytes
from modelwright.learners import LEARNERS
from modelwright.storage import Workspace

QUICK: dict[str, Any] = {
    "max_trials": 1,
    "time_limit": "10m",
    "threads": 1,
    "learners": ["linear"],
    "executor": "inline",
}
MODULE = Path(__file__).with_name("misbehaving_parts.py")


def flags(rows: int = 120, **more: Any) -> dict[str, Any]:
    """Two numbers, one of which tells the class."""
    random = np.random.default_rng(0)
    x = random.normal(size=rows)
    y = np.where(x + random.normal(scale=0.5, size=rows) > 0, "yes", "no")
    return {"x": x, "z": random.normal(size=rows), **more, "y": y}


def run(data: Any, target: str, **options: Any) -> mw.Model:
    """Train the constant and the linear learner inside this process."""
    return execute(TrainRequest(data, target, **{**QUICK, **options})).model


def amounts(rows: int = 80) -> dict[str, Any]:
    """A number that tells the amount."""
    random = np.random.default_rng(1)
    x = random.normal(size=rows)
    return {"x": x, "y": 3.5 * x + random.normal(scale=0.1, size=rows)}


# -- learners -----------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install misbehaving learners as a package, beside the constant and the linear one."""

    def install(**learners: str) -> None:
        record = tmp_path / "site" / "odd-1.5.dist-info"
        record.mkdir(parents=True)
        (record / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.5\n")
        lines = [f"{name} = {place}" for name, place in learners.items()]
        (record / "entry_points.txt").write_text("\n".join(["[modelwright.learners]", *lines, ""]))
        shutil.copy(MODULE, record.parent)
        monkeypatch.syspath_prepend(record.parent)
        for catalog in (LEARNERS, SOURCES):
            monkeypatch.setattr(catalog, "_third_party", None)  # a catalog looks for them once
        monkeypatch.setattr(LEARNERS, "_loaded", {})
        builtin = {name: LEARNERS._builtin[name] for name in ("constant", "linear")}
        monkeypatch.setattr(LEARNERS, "_builtin", builtin)

    return install


def train(place: Path, **options: Any) -> tuple[TrainOutcome, float, list[Event]]:
    """A run in worker processes; the outcome, its wall time, what was heard."""
    heard: list[Event] = []
    began = time.monotonic()
    outcome = execute(TrainRequest(flags(), "y", workspace=place, **options), [heard.append])
    return outcome, time.monotonic() - began, heard


def notes(outcome: TrainOutcome) -> dict[str, str]:
    """Why each failed trial of the leaderboard failed."""
    return {
        entry["learner"]: entry["note"]
        for entry in outcome.summary["leaderboard"]
        if entry["status"] == "failed"
    }


@pytest.mark.slow
def test_learners_that_fail_are_failed_trials_and_the_run_goes_on(
    installed: Callable[..., None],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "_ATTEMPTS", 1)  # each takes a new worker
    places = {
        "raises": "Raises",
        "not_finite": "NotFinite",
        "wrong_shape": "WrongShape",
        "wrong_rows": "WrongRows",
        "nothing": "Nothing",
        "aborts": "Aborts",
        "exits": "Exits",
        "eats": "Eats",
        "prints": "Prints",
        "no_portfolio": "NoPortfolio",
        "no_estimate": "NoEstimate",
        "not_there": "NoSuchClass",
    }
    installed(**{name: f"misbehaving_parts:{place}" for name, place in places.items()})
    # counted trials, not seconds: the machine may be busy
    # and the process of the tests, which counts as the driver, may have grown large
    limit = pss_bytes(os.getpid()) + 600 * 2**20
    outcome, _, heard = train(tmp_path / "w", max_trials=12, time_limit=500, threads=1, memory_limit=limit)
    failed = notes(outcome)
    reasons = {
        "raises": "KeyError: 'no such thing'",
        "not_finite": "not finite",
        "wrong_shape": "must predict an array of shape",
        "wrong_rows": "must predict an array of shape",
        "nothing": "NoneType",
        "aborts": "signal 6",
        "exits": "exit code 0",
        "eats": "memory",
    }
    wrong = {name: failed.get(name) for name, words in reasons.items() if words not in failed.get(name, "")}
    assert wrong == {}, [(entry["label"], entry["status"]) for entry in outcome.summary["leaderboard"]]
    assert set(failed) == set(reasons)
    (plan,) = (event.plan for event in heard if isinstance(event, PlanMade))
    told = {decision["what"]: decision["why"] for decision in plan["decisions"]}
    assert "ZeroDivisionError: no candidates" in told["no no_portfolio"]
    assert "AttributeError" in told["no no_estimate"]
    assert "The learner 'not_there' of the package 'odd' 1.5 cannot be loaded" in told["no not_there"]
    assert outcome.summary["score"] > 0.85
    assert outcome.summary["failed_trials"] == len(reasons)
    assert Workspace.open(tmp_path / "w").runs.get("last").status == "finished"
    assert "xxx" not in capfd.readouterr().out


def test_a_learner_that_never_stops_is_ended_and_the_budget_is_kept(
    installed: Callable[..., None], tmp_path: Path
) -> None:
    installed(spins="misbehaving_parts:Spins")
    outcome, took, _ = train(tmp_path, time_limit=14, threads=2, learners=["linear", "spins"])
    assert took < 14 * 1.05 + 2
    ended = {entry["learner"]: entry for entry in outcome.summary["leaderboard"] if entry["rank"] is None}
    assert ended["spins"]["folds"] == 0
    assert len(outcome.model.predict(flags())) == 120


@pytest.mark.parametrize("limit", [{"max_trials": 6}, {"max_trials": None, "time_limit": "5s"}])
def test_a_fit_that_had_no_time_for_a_model_stops_and_has_not_failed(
    limit: dict[str, Any], installed: Callable[..., None], tmp_path: Path
) -> None:
    installed(late="misbehaving_parts:Late")
    options = {**QUICK, "learners": ["late", "linear"], **limit}
    outcome = execute(TrainRequest(flags(), "y", workspace=tmp_path, **options))
    (late,) = [entry for entry in outcome.summary["leaderboard"] if entry["learner"] == "late"]
    assert (late["status"], late["folds"], late["rank"]) == ("out of time", 0, None)
    assert outcome.summary["failed_trials"] == 0
    records = Workspace.open(tmp_path).runs
    (attempt,) = [row for row in records.folds(records.get("last").id) if row.trial == late["trial"]]
    assert (attempt.status, "before one tree" in attempt.error) == ("timeout", True)


@pytest.mark.parametrize(
    ("outcome", "allowed", "took", "is_failure"),
    [
        (Outcome.TIMEOUT, 1.0, 9.0, True),
        (Outcome.CANCELLED, 1.0, 9.0, True),
        (Outcome.CANCELLED, 1.0, 2.0, False),  # the run ended, and the machine was busy
        (Outcome.CANCELLED, None, 9.0, False),
        (Outcome.WORKER_LOST, 1.0, 9.0, False),
    ],
)
def test_only_a_fit_that_went_on_far_beyond_its_time_is_to_blame(
    outcome: Outcome, allowed: float | None, took: float, is_failure: bool
) -> None:
    report = TaskReport(TaskSpec("1", "json:dumps", {}, seconds=allowed), outcome, wall_seconds=took)
    assert runner.ignored_its_deadline(report) == is_failure


def test_a_learner_that_is_asked_for_and_cannot_be_loaded(
    installed: Callable[..., None], tmp_path: Path
) -> None:
    installed(not_there="no_such_module:Learner")
    with pytest.raises(BadInput, match=r"'not_there' of the package 'odd' 1\.5 cannot be loaded .*uninstall"):
        run(flags(), "y", workspace=tmp_path / "w", learners=["not_there"])
    assert not (tmp_path / "w").exists()


def test_a_source_that_fails_is_named(installed: Callable[..., None], tmp_path: Path) -> None:
    installed(harmless="misbehaving_parts:Harmless")
    points = tmp_path / "site" / "odd-1.5.dist-info" / "entry_points.txt"
    points.write_text("[modelwright.sources]\nbroken = misbehaving_parts:BrokenSource\n")
    (tmp_path / "table.broken").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"'BrokenSource' of the package 'misbehaving_parts'.*no such table"):
        run(tmp_path / "table.broken", "y", workspace=tmp_path / "w")
    assert not (tmp_path / "w").exists()


# -- metrics ------------------------------------------------------------------------------------------------


def raises(y_true: Any, y_pred: Any) -> float:
    raise RuntimeError("the scales are broken")


def gives_nan(y_true: Any, y_pred: Any) -> float:
    return float("nan")


def gives_text(y_true: Any, y_pred: Any) -> Any:
    return "good"


def gives_nothing(y_true: Any, y_pred: Any) -> Any:
    return None


def gives_an_array(y_true: Any, y_pred: Any) -> Any:
    return np.asarray(y_true) - np.asarray(y_pred)


def gives_infinity(y_true: Any, y_pred: Any) -> float:
    return float("inf")


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (raises, "raised RuntimeError: the scales are broken"),
        (gives_nan, "NaN"),
        (gives_text, "must return one number, but returned 'good'"),
        (gives_nothing, "must return one number, but returned None"),
        (gives_an_array, "must return one number"),
        (gives_infinity, "inf"),
        ("rmsle", "target of zero or more"),
    ],
)
def test_a_metric_that_cannot_score_anything_is_refused_before_anything_is_written(
    metric: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=words):
        run(amounts(), "y", metric=metric, workspace=tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_a_metric_that_is_undefined_for_the_baseline_is_optimised_all_the_same(tmp_path: Path) -> None:
    def correlation(y_true: Any, y_pred: Any) -> float:
        if np.ptp(y_pred) == 0:
            return float("nan")
        return float(np.corrcoef(y_true, y_pred)[0, 1])

    model = run(amounts(), "y", metric=correlation, workspace=tmp_path)
    assert model.manifest["score"]["metric"] == "correlation"
    assert model.manifest["score"]["value"] > 0.9


def test_a_metric_that_fails_over_every_model_is_an_error_with_its_reason(tmp_path: Path) -> None:
    def only_perfect(y_true: Any, y_pred: Any) -> float:
        if np.array_equal(y_true, y_pred):
            return 1.0
        raise ValueError("not perfect")

    with pytest.raises(OptionError, match=r"no finite score to any of 2 models.*not perfect"):
        run(amounts(), "y", metric=only_perfect, workspace=tmp_path)
    (record,) = Workspace.open(tmp_path).runs.all()
    assert record.status == "failed"
    assert Workspace.open(tmp_path).models.all() == ()


def test_a_metric_that_fails_over_one_trial_fails_that_trial(tmp_path: Path) -> None:
    def no_lines(y_true: Any, y_pred: Any) -> float:
        if 0 < np.abs(y_pred - y_true).mean() < 1:
            raise ValueError("too good to be true")
        return -float(np.abs(y_true - y_pred).mean())

    request = TrainRequest(amounts(), "y", metric=no_lines, workspace=tmp_path, **QUICK)
    outcome = execute(request)
    assert outcome.summary["failed_trials"] == 1
    assert "too good to be true" in notes(outcome)["linear"]
    assert len(outcome.model.predict(amounts())) == 80


# -- tables -------------------------------------------------------------------------------------------------

NAMES = [
    "😀",
    "مرحبا",
    "\u202eright to left",
    "class",
    "line\nbreak",
    "tab\tname",
    'quo"te',
    "it's",
    "com,ma",
    "x" * 5_000,
    "prediction",
    "p_yes",
    "p_no",
    "weights",
    "fold",
    "Name",
    "name",
    "NAME",
    " lead",
    "trail ",
    "$1",
    "{x}",
    "[bold]x[/bold]",
    "%s",
    "null",
    "a=b",
    "index",
    "*",
    "^a.*$",
    "",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, mw.Model]:
    """A model of columns with odd names and of cells of 30,000 characters."""
    random = np.random.default_rng(3)
    rows = 80
    columns: dict[str, Any] = {}
    for position, name in enumerate(NAMES):
        columns[name or "gap"] = random.normal(size=rows) if position % 2 else random.choice(["a", "b"], rows)
    columns["long"] = ["wordy " * 5_000 if row % 2 else "x" * 30_000 for row in range(rows)]
    columns["y\n!"] = np.where(columns["مرحبا"] + random.normal(scale=0.4, size=rows) > 0, "yes", "no")
    frame = pd.DataFrame(columns)
    place = tmp_path_factory.mktemp("odd")
    return frame, run(frame, "y\n!", workspace=place, output=place / "odd.mw", max_trials=2)


def test_odd_names_train_predict_and_evaluate(odd: tuple[pd.DataFrame, mw.Model]) -> None:
    frame, model = odd
    assert {column.name for column in model.schema} == set(frame.columns)
    mixed = frame.drop(columns=["y\n!"]).sample(frac=1.0, random_state=0)
    said = mw.load(model.path).predict(mixed)
    assert list(said.index) == list(mixed.index)
    assert set(said) == {"yes", "no"}
    assert model.evaluate(frame)["accuracy"]["score"] > 0.7
    assert list(model.predict_proba(frame).columns) == ["no", "yes"]
    polars = model.predict(pl.DataFrame({name: frame[name].to_list() for name in mixed.columns}))
    assert polars.to_list() == model.predict(frame).to_list()


def test_odd_names_are_shown(odd: tuple[pd.DataFrame, mw.Model]) -> None:
    _, model = odd
    board = model.leaderboard()
    assert str(board)
    assert board._repr_html_()
    assert repr("y\n!") in repr(model)


def test_a_missing_odd_column_is_named(odd: tuple[pd.DataFrame, mw.Model]) -> None:
    frame, model = odd
    with pytest.raises(BadInput, match="مرحبا"):
        model.predict(frame.drop(columns=["مرحبا"]))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"x": [1.5, 2.5, 3.5], "y": ["a", "b", "a"]}, "at least 5"),
        ({"c": [1] * 40, "y": ["a", "b"] * 20}, "at least one usable column"),
        ({"m": [None] * 40, "y": ["a", "b"] * 20}, "at least one usable column"),
    ],
    ids=["three rows", "one constant", "nothing but missing"],
)
def test_tables_that_cannot_teach_anything(table: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        run(table, "y", workspace=tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "table",
    [
        {"x": [0.5, 2.5, 3.5, 1.5, 4.5], "y": ["a", "b", "a", "b", "a"]},
        flags(40, m=[None] * 40, c=[7] * 40),
        {"p": [True, False] * 20, "q": [True, True, False, False] * 10, "y": [True, False, False, True] * 10},
        {"t": [f"a {word} day and number {n}" for n in range(20) for word in ("good", "bad")],
         "y": ["up", "down"] * 20},
    ],
    ids=["five rows", "missing and constant columns", "booleans", "text"],
)  # fmt: skip
def test_small_and_lopsided_tables_train_and_predict(table: dict[str, Any], tmp_path: Path) -> None:
    model = run(table, "y", workspace=tmp_path)
    features = {name: values for name, values in table.items() if name != "y"}
    assert len(model.predict(features)) == len(table["y"])
    assert model.evaluate(table)


# -- weights, groups, times, overrides ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        ([-1.0] + [1.0] * 119, DataError, "not be negative, but 1 rows"),
        ([0.0] * 120, DataError, "above zero"),
        ([float("nan")] + [1.0] * 119, DataError, "finite weight"),
        ([1e300] * 120, DataError, "Divide them all by one number"),
        ([1.0] * 4 + [0.0] * 116, TargetError, "at least 5"),
        (["heavy", "light"] * 60, DataError, "must be a number"),
    ],
    ids=["negative", "zero", "missing", "huge", "nearly all zero", "words"],
)
def test_weights_that_mean_nothing(
    weights: list[Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        run(flags(w=weights), "y", weights="w", workspace=tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_rows_of_weight_zero_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    table = flags(w=[1.0] * 80 + [0.0] * 40)
    model = run(table, "y", weights="w", workspace=tmp_path)
    assert model.manifest["data"]["training_rows"] == 80
    assert any(finding["check"] == "zero_weight" for finding in model.manifest["findings"])
    wrong = {**table, "y": np.concatenate([table["y"][:80], np.array(["yes"] * 40)])}
    again = run(wrong, "y", weights="w", workspace=tmp_path)
    rows = {"x": table["x"], "z": table["z"]}
    np.testing.assert_array_equal(model.predict_proba(rows), again.predict_proba(rows))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"group": "one"}, "one"),
        ({"time_column": "day"}, "day"),
        ({"overrides": {"xx": "numeric"}}, "Did you mean 'x'"),
        ({"overrides": {"x": "numerical"}}, "Did you mean 'numeric'"),
        ({"overrides": {"x": "datetime"}}, "'x'"),
        ({"overrides": {"word": "numeric"}}, "'word'"),
        ({"overrides": {"y": "feature"}}, "'y'"),
        ({"overrides": {"y": "ignored"}}, "'y'"),
        ({"overrides": {"w": "ignored"}, "weights": "w"}, "'w'"),
        ({"overrides": {"x": "ignored", "z": "ignored", "w": "ignored", "word": "ignored"}}, "usable column"),
        ({"holdout": {"other": [1.0, 2.0], "y": ["yes", "no"]}}, "'x'"),
        ({"holdout": {"x": [1.0], "z": [1.0], "w": [1.0], "word": ["a"]}}, "'y'"),
    ],
)
def test_options_that_contradict_the_table(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    table = flags(w=np.ones(120), word=["a", "b", "c"] * 40, one=["g"] * 120, day=["2024-01-01"] * 120)
    with pytest.raises(BadInput, match=words):
        run(table, "y", workspace=tmp_path / "w", **options)
    assert list(tmp_path.iterdir()) == []
