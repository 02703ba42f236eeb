"""The plan: pure, explained, and inside the budget."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modelwright.automl import make_plan
from modelwright.automl.plan import Plan, fold_count, holdout_fraction, slots_for
from modelwright.automl.portfolio import Offer
from modelwright.automl.request import TrainRequest
from modelwright.core import Budget, Problem, Shape, Task
from modelwright.ensemble import TargetFacts
from modelwright.learners import Choice

PROBLEM = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
FACTS = TargetFacts(rows=1000)
SHAPE = Shape(rows=1000, numeric=10, categorical=3, levels=30, outputs=2)


def plan(time: float | None = 60, memory: str = "8GB", threads: int = 2, **options: object) -> Plan:
    budget = Budget.of(time, memory, threads, **options)  # type: ignore[arg-type]
    return make_plan(PROBLEM, SHAPE, budget, folds=5, request=TrainRequest(seed=0), facts=FACTS)


def test_equal_arguments_give_equal_plans() -> None:
    assert plan().to_dict() == plan().to_dict()


def test_it_is_json_and_every_decision_has_a_reason() -> None:
    record = json.loads(json.dumps(plan().to_dict()))
    assert record["folds"] == 5
    assert all(decision["what"] and decision["why"] for decision in record["decisions"])


def test_the_learners_take_turns() -> None:
    request = TrainRequest(seed=0, without=["learned_order"])
    made = make_plan(PROBLEM, SHAPE, Budget.of(60, "8GB", 2), folds=5, request=request, facts=FACTS)
    learners = [entry.learner for entry in made.portfolio]
    assert learners[:4] == ["linear", "lightgbm", "extra_trees", "catboost"]
    assert "constant" not in learners


@pytest.mark.parametrize("seconds", [5, 30, 60, 600, 36_000])
def test_time_is_kept_back_for_the_end(seconds: float) -> None:
    reserve = plan(seconds).reserve
    assert 0.5 <= reserve <= min(0.35 * seconds, 30)


def test_a_reproducible_plan_caps_nothing_by_the_clock() -> None:
    fixed = plan(60, max_trials=3)
    assert fixed.reproducible
    assert fixed.fold_cap == float("inf")


def test_what_does_not_fit_into_memory_is_left_out_with_the_numbers() -> None:
    wide = Shape(rows=2_000_000, numeric=300, categorical=0, levels=0, outputs=2)
    budget = Budget.of(60, "1GB", threads=2)
    made = make_plan(PROBLEM, wide, budget, folds=3, request=TrainRequest(seed=0), facts=FACTS)
    reasons = [decision.why for decision in made.decisions if decision.what.startswith("no ")]
    assert reasons
    assert any("memory" in reason and "MB" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("memory", "threads", "slots"), [("8GB", 1, 1), ("8GB", 2, 2), ("600MB", 2, 1), ("64GB", 32, 8)]
)
def test_slots_follow_threads_and_memory(memory: str, threads: int, slots: int) -> None:
    assert slots_for(Budget.of(60, memory, threads))[0] == slots


@pytest.mark.parametrize(("rows", "folds"), [(20, 5), (80, 5), (100, 6), (127, 7), (128, 8), (2_000, 8)])
def test_few_rows_make_few_folds_so_that_each_is_a_judge(rows: int, folds: int) -> None:
    assert fold_count(rows) == folds


@pytest.mark.parametrize("rows", [128, 5_000, 50_000, 5_000_000])
def test_folds_and_holdout_never_grow_with_the_rows(rows: int) -> None:
    assert 2 <= fold_count(rows * 10) <= fold_count(rows) <= 10
    assert 0 <= holdout_fraction(rows) <= 0.1


def test_no_transform_is_offered_to_what_models_a_logarithm_already() -> None:
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    facts = TargetFacts(rows=1000, values=900, minimum=1.0, skewness=6.0, kurtosis=80.0)
    offer = Offer(problem, Shape(rows=1000, numeric=10, categorical=0, levels=0, outputs=1), facts)
    assert "target_transform" not in offer.space("glm")
    assert "target_transform" in offer.space("lightgbm")
    tried = [each for each in offer.portfolio(2**33)[0] if "target_transform" in each.config]
    assert "linear" in {each.learner for each in tried}
    assert all(each.config.get("objective", "metric") == "metric" for each in tried)
    only = replace(offer, learners=("glm",)).portfolio(2**33)[0]
    assert not [
        each for each in only if each.config.get("family") is None and "target_transform" in each.config
    ]


def test_generated_features_are_offered_where_there_is_something_to_make_them_of() -> None:
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    shape = Shape(rows=2_000, numeric=10, categorical=0, levels=0, outputs=1)
    offer = Offer(problem, shape, TargetFacts(rows=2_000))
    label = "lightgbm (generated features)"
    labels = [each.label for each in offer.portfolio(2**33)[0]]
    assert labels.index(label) < len(labels) / 2
    assert offer.space("lightgbm")["features"] == Choice(("none", "generated"))
    plain = replace(
        offer, without=("target_encoding",)
    )  # nothing sees the target, generated features neither
    assert plain.space("lightgbm")["features"] == Choice(("none", "untargeted"))
    (tried,) = [each for each in plain.portfolio(2**33)[0] if each.label == label]
    assert tried.config["features"] == "untargeted"
    assert "features" not in offer.space("linear")
    for other in (
        replace(offer, without=("generated_features",)),
        replace(offer, shape=replace(shape, rows=300)),
        replace(offer, shape=replace(shape, numeric=1)),
        replace(offer, problem=replace(problem, task=Task.QUANTILE, metric="pinball", quantiles=(0.1, 0.9))),
    ):
        assert label not in [each.label for each in other.portfolio(2**33)[0]]
        assert "features" not in other.space("lightgbm")
