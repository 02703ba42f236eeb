"""What a run will cost: sensible before it, kept with it, and beside what it took."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conftest import table, without
from modelwright.automl import TrainRequest, execute, make_plan, plan_only
from modelwright.automl.forecast import Forecast, Range
from modelwright.automl.foresee import foresee
from modelwright.core import Budget, Estimate, OptionError, Problem, Shape, Task
from modelwright.ensemble import TargetFacts
from modelwright.learners import LEARNERS

PROBLEM = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
SHAPE = Shape(rows=5_000, numeric=10, categorical=3, levels=30, outputs=2)
FIGURES = ("seconds", "memory_bytes", "model_bytes", "row_seconds", "rows_per_second", "trials", "fits")


def forecast(
    time: float = 60.0,
    trials: int | None = None,
    shape: Shape = SHAPE,
    memory: str = "8GB",
    **wishes: object,
) -> Forecast:
    budget = Budget.of(time, memory, 2, trials)
    request = TrainRequest(seed=0, **wishes)  # type: ignore[arg-type]
    plan = make_plan(PROBLEM, shape, budget, folds=5, request=request, facts=TargetFacts(rows=shape.rows))
    return foresee(plan, request, budget, driver_bytes=150 * 2**20, view_bytes=4 * shape.rows * shape.columns)


@pytest.mark.parametrize("trials", [None, 3])
@pytest.mark.parametrize("time", [5.0, 60.0, 3600.0])
def test_every_figure_is_a_range(time: float, trials: int | None) -> None:
    made = forecast(time, trials)
    for name in FIGURES:
        found = getattr(made, name)
        assert 0 < found.low <= found.expected <= found.high, name


def test_it_survives_its_record() -> None:
    made = forecast()
    assert Forecast.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_larger_tables_take_more() -> None:
    small, large = (forecast(3600, 4, replace(SHAPE, rows=rows)) for rows in (5_000, 200_000))
    for name in ("seconds", "memory_bytes", "model_bytes"):
        assert getattr(large, name).expected > 1.2 * getattr(small, name).expected, name


def test_more_trials_take_longer_and_a_longer_limit_tries_more() -> None:
    assert forecast(3600, 8).seconds.expected > forecast(3600, 2).seconds.expected
    assert forecast(600).trials.expected > 2 * forecast(30).trials.expected


def test_no_figure_exceeds_what_was_allowed() -> None:
    made = forecast(memory="600MB", max_latency_ms=2, max_model_mb=0.3)
    assert made.memory_bytes.high <= 600 * 2**20
    assert made.row_seconds.high <= 0.002
    assert made.model_bytes.high <= 300_000
    assert forecast(30, 500).seconds.high <= 1.1 * 30


def test_one_model_instead_of_bags_is_smaller_and_faster() -> None:
    bags, refitted = forecast(), forecast(refit=True)
    assert refitted.model_bytes.expected < 0.5 * bags.model_bytes.expected
    assert refitted.row_seconds.expected < 0.5 * bags.row_seconds.expected


def test_a_limit_that_is_too_short_for_a_model_is_told() -> None:
    wide = replace(SHAPE, rows=2_000_000, numeric=300)
    (note,) = forecast(20, shape=wide).notes
    assert "too short" in note
    assert not forecast(60).notes


def test_trials_that_do_not_fit_into_the_limit_are_told() -> None:
    (note,) = forecast(30, 500).notes
    assert note.startswith("500 trials will take longer")


def test_a_range_knows_what_it_holds() -> None:
    assert Range.around(10.0, 2.0).holds(20.0)
    assert not Range.around(10.0, 2.0).holds(20.1)
    assert Range.around(10.0, 2.0).within(6.0, 12.0) == Range(6.0, 10.0, 12.0)


def test_a_plugin_that_tells_of_no_model_gets_the_usual_size() -> None:
    usual = Estimate(1.0, 1_000)
    assert usual.model_bytes > 0
    assert usual.row_seconds > 0


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_every_learner_tells_of_its_model(name: str) -> None:
    learner = LEARNERS.load(name)()
    for shape in (SHAPE, replace(SHAPE, outputs=1), replace(SHAPE, outputs=10, rows=50)):
        cost = learner.estimate(shape, {})
        assert 0 < cost.model_bytes < 2**30
        assert 0 < cost.row_seconds < 0.1


def test_the_summary_holds_both(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("forecast")
    request = TrainRequest(
        data=without(table(), "churn"),
        target="churn",
        max_trials=1,
        learners=["linear"],
        time_limit="10m",
        workspace=place,
        executor="inline",
    )
    outcome = execute(request)
    summary = outcome.summary
    assert outcome.model.manifest["plan"]["forecast"] == summary["forecast"]
    assert set(FIGURES) | {"is_sum_of_parts"} == set(summary["actual"])
    assert summary["actual"]["trials"] == 1
    assert summary["actual"]["fits"] == 8
    assert summary["actual"]["row_seconds"] > 0
    assert summary["actual"]["rows_per_second"] > 1 / summary["actual"]["row_seconds"]
    assert set(FIGURES) < set(summary["forecast"])


def test_a_plan_alone_writes_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("dry") / "workspace"
    request = TrainRequest(
        data=without(table(), "churn"), target="churn", workspace=place, max_latency_ms=5, distill=True
    )
    plan = plan_only(request)
    assert plan.forecast is not None
    assert {"one prediction takes at most 5 ms", "one lightgbm is taught what the ensemble says"} <= {
        decision.what for decision in plan.decisions
    }
    assert not place.exists()
    with pytest.raises(OptionError, match="has its plan already"):
        plan_only(TrainRequest(resume="last"))
