"""Limits of time and size are kept by the choice, and what cannot be kept is told, never a failure."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl import TrainRequest, execute
from modelwright.automl.composition import Composition, Costs, compose
from modelwright.automl.delivery import Settling
from modelwright.automl.limits import Limits
from modelwright.automl.plan import Plan
from modelwright.automl.portfolio import Offer
from modelwright.core import FeatureInfo, OptionError, Problem, Shape, Task, TaskSpec, View, ViewInfo
from modelwright.core.events import Event, Warned
from modelwright.ensemble import ALL_ROWS, FoldData, FoldResult, TargetFacts
from modelwright.metrics import get_metric
from modelwright.search import Selection, Trial, Trials
from modelwright.validation import make_folds

ROWS, FOLDS = 200, 4


def book(place: Path, **trials: tuple[float, float, int]) -> Trials:
    """Trials by label: noise of their predictions, seconds of a row and bytes of a fold model."""
    target = np.random.default_rng(0).normal(size=ROWS)
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    info = ViewInfo((FeatureInfo("x", "x", "value"),), ())
    view = View(np.zeros((ROWS, 1), np.float32), np.zeros((ROWS, 0), np.int32), info)
    split = make_folds(problem, target, count=FOLDS, seed=0)
    made = Trials(FoldData(problem, view, target, None, split, "id"), get_metric("rmse", Task.REGRESSION))
    for number, (label, (noise, seconds, size)) in enumerate({"constant": (2.0, 0.0, 1), **trials}.items()):
        made.add(Trial(number, label, label, {}, "portfolio" if number else "baseline"))
        for fold in range(FOLDS):
            rows = split.valid[fold]
            directory = place / f"{number}-{fold}"
            directory.mkdir()
            error = np.random.default_rng([number, fold]).normal(0, noise, len(rows))
            np.save(directory / "valid.npy", target[rows] + error)
            made.finish_fold(
                number, fold, FoldResult(directory, 0.1, 0.0, size, False, {}, row_seconds=seconds)
            )
    return made


def labels(made: Composition, trials: Trials) -> set[str]:
    return {trials[number].label for number in made.selection.numbers}


def test_without_a_reason_to_save_every_fold_model_is_delivered(tmp_path: Path) -> None:
    trials = book(tmp_path, good=(0.2, 0.001, 1000), fair=(0.21, 0.001, 1000))
    made = compose(Costs(trials, 0.001), Limits.of(max_latency_ms=100))
    assert labels(made, trials) == {"good", "fair"}
    assert made.count == 2 * FOLDS


def test_members_that_cannot_be_afforded_together_are_not_delivered_together(tmp_path: Path) -> None:
    trials = book(tmp_path, good=(0.2, 0.001, 1000), fair=(0.21, 0.001, 1000), slow=(0.05, 0.1, 1000))
    costs, limits = Costs(trials, 0.001), Limits.of(max_latency_ms=3.5)
    made = compose(costs, limits)
    assert labels(made, trials) <= {"good", "fair"}
    assert costs.of(made)[0] <= 0.0035


def test_one_refitted_model_takes_the_place_of_a_bag_that_is_too_slow(tmp_path: Path) -> None:
    trials = book(tmp_path, good=(0.05, 0.001, 1000), quick=(0.5, 0.0001, 1000))
    costs, limits = Costs(trials, 0.001), Limits.of(max_latency_ms=2.5)
    refitted = compose(costs, limits, refit={1, 2})
    assert labels(refitted, trials) == {"good"}
    assert refitted.models == {1: (ALL_ROWS,)}
    single = compose(costs, limits)
    assert labels(single, trials) == {"good"}
    assert single.models == {1: (0,)}


def test_room_that_is_left_goes_to_more_fold_models(tmp_path: Path) -> None:
    trials = book(tmp_path, good=(0.05, 0.001, 1000), quick=(0.9, 0.0001, 1000))
    made = compose(Costs(trials, 0.0), Limits.of(max_latency_ms=3.2))
    assert made.models == {1: (0, 1, 2)}


def test_a_limit_of_size_counts_every_fold_model(tmp_path: Path) -> None:
    trials = book(tmp_path, good=(0.05, 0.0, 1_000_000), small=(0.06, 0.0, 10_000))
    costs, limits = Costs(trials, 0.0, 50_000), Limits.of(max_model_mb=0.1)
    made = compose(costs, limits)
    assert labels(made, trials) == {"small"}
    assert costs.of(made)[1] <= 100_000


def test_where_no_model_keeps_the_limit_the_cheapest_is_taken(tmp_path: Path) -> None:
    trials = book(tmp_path, good=(0.05, 0.002, 1000), quick=(0.5, 0.001, 1000))
    made = compose(Costs(trials, 0.005), Limits.of(max_latency_ms=1))
    assert labels(made, trials) == {"quick"}
    assert made.count == 1


def test_what_was_measured_corrects_what_is_expected(tmp_path: Path) -> None:
    trials = book(tmp_path, good=(0.05, 0.001, 1000))
    costs = Costs(trials, 0.001)
    made = compose(costs, Limits.of(max_latency_ms=2.5))
    costs.learn(made, 0.004)
    assert costs.of(made)[0] == pytest.approx(0.004)


@pytest.mark.parametrize("given", [0, -3, "fast", float("inf"), float("nan"), True])
def test_a_limit_is_a_positive_number(given: Any) -> None:
    with pytest.raises(OptionError, match="max_latency_ms"):
        TrainRequest(table(), "churn", max_latency_ms=given).check()
    with pytest.raises(OptionError, match="max_model_mb"):
        TrainRequest(table(), "churn", max_model_mb=given).check()


def test_other_options_of_the_delivery_are_checked() -> None:
    with pytest.raises(OptionError, match="refit must be"):
        TrainRequest(table(), "churn", refit="always").check()
    with pytest.raises(mw.ModelwrightError, match="lightbgm"):
        TrainRequest(table(), "churn", distill="lightbgm").check()


def test_a_trained_model_keeps_its_size_and_tells_the_trade_off(workspace: Path) -> None:
    frame = without(table(), "spend")
    model = mw.train(
        frame, "spend", max_trials=2, learners="linear", threads=1, max_model_mb=0.06, workspace=workspace
    )
    assert sum(file.stat().st_size for file in model.path.rglob("*") if file.is_file()) <= 60_000
    assert model.manifest["delivery"]["kept"]
    pareto = model.pareto()
    assert pareto.limit_bytes == 60_000
    (delivered,) = [point for point in pareto.points if point.delivered]
    assert delivered.size_bytes <= 60_000
    assert any(point.best for point in pareto.points)
    assert {point.form for point in pareto.points} >= {"bag", "refit"}


def test_an_impossible_limit_is_told_and_the_fastest_model_delivered(
    workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = without(table(), "churn")
    with caplog.at_level(logging.WARNING, "modelwright"):
        model = mw.train(
            frame,
            "churn",
            max_trials=1,
            learners="linear",
            threads=1,
            max_latency_ms=0.001,
            refit=False,
            workspace=workspace,
        )
    assert "No model keeps the limits: one prediction takes" in caplog.text
    assert not model.manifest["delivery"]["kept"]
    assert len(list((model.path / "members" / "1").iterdir())) == 1
    assert set(model.predict(frame)) <= {"yes", "no"}


def _sealed(place: Path, limit: float, told: list[Event] | None = None) -> tuple[mw.Model, int]:
    """A model of one trial, and the bytes of its bundle."""
    # of many classes and few columns the records are most of a bundle, and hardest to foresee
    random = np.random.default_rng(0)
    x = random.normal(size=300)
    steps = [f"class number {n}" for n in np.digitize(x, np.linspace(-1.5, 1.5, 11))]
    frame = pl.DataFrame({"x": x, "z": random.normal(size=300), "y": steps})
    listeners = [] if told is None else [told.append]
    model = execute(
        TrainRequest(
            frame,
            "y",
            max_trials=1,
            learners=["linear"],
            threads=1,
            time_limit="10m",
            executor="inline",
            workspace=place,
            max_model_mb=limit / 1e6,
        ),
        listeners,
    ).model
    return model, sum(file.stat().st_size for file in model.path.rglob("*") if file.is_file())


def test_a_sealed_bundle_never_exceeds_a_limit_that_can_be_kept(tmp_path: Path) -> None:
    _, whole = _sealed(tmp_path, 1e7)
    for limit in (whole - 1, 0.5 * whole):
        model, size = _sealed(tmp_path, limit)
        assert size <= limit
        assert model.manifest["delivery"]["kept"]
        (delivered,) = [point for point in model.pareto().points if point.delivered]
        assert delivered.size_bytes <= limit


def test_a_limit_below_the_fixed_part_is_told_as_such(tmp_path: Path) -> None:
    limits = Limits.of(max_model_mb=0.002)
    assert limits.warning("", 9_000) == ""
    assert "Columns and records" not in limits.warning(limits.broken(0.0, 3_000), 1_000)
    told: list[Event] = []
    model, _ = _sealed(tmp_path, 2_000, told)
    assert any(isinstance(each, Warned) and "Columns and records alone" in each.message for each in told)
    assert not model.manifest["delivery"]["kept"]


def _plan(rows: int, reserve: float) -> Plan:
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    shape = Shape(rows=rows, numeric=50, categorical=0, levels=0, outputs=1)
    offer = Offer(problem, shape, TargetFacts(rows=rows))
    return Plan(problem, shape, 0, FOLDS, 1, 1, (), "bayesian", False, None, 60.0, reserve, (), offer)


@pytest.mark.parametrize(
    ("rows", "reserve", "begun"), [(100, 1.0, True), (100, 9.0, False), (10**7, 1.0, False)]
)
def test_a_student_is_taught_only_where_the_end_keeps_its_time(
    tmp_path: Path, rows: int, reserve: float, begun: bool
) -> None:
    trials, asked = book(tmp_path, good=(0.2, 0.001, 1000)), list[str]()

    def workers(specs: Sequence[TaskSpec], seconds: float) -> dict[str, Mapping[str, Any]]:
        assert seconds <= 4.0 - 0.5 * reserve
        asked.extend(spec.id for spec in specs)
        return {}

    settling = Settling(
        TrainRequest({"y": [1]}, "y", distill="linear"),
        _plan(rows, reserve),
        None,  # type: ignore[arg-type]
        trials,
        workers,
        tmp_path,
        tmp_path,
        lambda: 4.0,
    )
    assert settling._taught(Selection(FOLDS, (1,), (1.0,), 0.2), Costs(trials)) is None
    assert bool(asked) is begun
