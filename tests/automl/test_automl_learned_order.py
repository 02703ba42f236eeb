"""The learned order: valid for its learners, there for every problem, and no more than an order."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from modelwright.automl.learned_order import LearnedOrder, LearnedPlace, learned_order
from modelwright.automl.portfolio import Offer
from modelwright.core import Problem, Shape, Task
from modelwright.ensemble import TargetFacts
from modelwright.learners import LEARNERS
from modelwright.search import Planned

TABLE = json.loads((files("modelwright.automl") / "learned_order.json").read_text())
PROBLEMS = {
    "binary": Problem.of("y").resolved(Task.BINARY, "roc_auc", ("no", "yes")),
    "multiclass": Problem.of("y").resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c")),
    "regression": Problem.of("y").resolved(Task.REGRESSION, "rmse", ()),
}
FACTS = TargetFacts(rows=1000)
PLACES = [(regime, place) for regime in TABLE["regimes"] for place in regime["order"]]


def shape(kind: str, rows: int = 5_000, levels: int = 0) -> Shape:
    outputs = {"binary": 2, "multiclass": 3, "regression": 1}[kind]
    return Shape(rows=rows, numeric=10, categorical=3 * (levels > 0), levels=levels, outputs=outputs)


def labels_of(learner: str, kind: str) -> set[str]:
    """What a learner offers for a kind of task on tables of all sorts."""
    return {
        candidate.label
        for rows in (300, 5_000, 50_000)
        for levels in (0, 30, 1_000)
        for candidate in LEARNERS.load(learner)().portfolio(PROBLEMS[kind], shape(kind, rows, levels))
    }


@pytest.mark.parametrize(
    ("regime", "place"), PLACES, ids=[f"{r['kind']}-{p['learner']}-{p['label']}" for r, p in PLACES]
)
def test_every_place_is_a_configuration_of_its_learner(regime: dict[str, Any], place: dict[str, Any]) -> None:
    learner = LEARNERS.load(place["learner"])()
    offered = {
        label for kind in PROBLEMS if regime["kind"] in ("", kind) for label in labels_of(learner.name, kind)
    }
    if "config" in place:
        assert place["label"] not in offered
        assert set(place["config"]) <= set(learner.settings(place["config"]))
    else:
        assert place["label"] in offered, "the study is older than the learner's portfolio: run it again"
    assert place["gain"] > 0
    assert 0 < place["share"] < 1


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("rows", [2, 1_000, 1_001, 15_000])
def test_every_problem_has_an_order_without_repetition(kind: str, rows: int) -> None:
    names = [place.name for place in learned_order(PROBLEMS[kind], shape(kind, rows)).places]
    assert names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", PROBLEMS)
def test_beyond_what_was_studied_the_learners_take_turns(kind: str) -> None:
    large = shape(kind, 10**7)
    by_hand = Offer(PROBLEMS[kind], large, FACTS, without=("learned_order",))
    assert learned_order(PROBLEMS[kind], large) == LearnedOrder()
    assert Offer(PROBLEMS[kind], large, FACTS).portfolio(2**40) == by_hand.portfolio(2**40)


def test_labels_and_quantiles_have_one_too() -> None:
    quantiles = replace(PROBLEMS["regression"], task=Task.QUANTILE, quantiles=(0.1, 0.9))
    assert learned_order(quantiles, shape("regression")) == learned_order(
        PROBLEMS["regression"], shape("regression")
    )


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("levels", [0, 1_000])
def test_it_only_orders_what_is_offered_and_adds_what_was_studied(kind: str, levels: int) -> None:
    offer = Offer(PROBLEMS[kind], shape(kind, levels=levels), FACTS)
    learned = [entry.label for entry in offer.portfolio(2**33)[0]]
    by_hand = Offer(PROBLEMS[kind], shape(kind, levels=levels), FACTS, without=("learned_order",))
    own = [entry.label for entry in by_hand.portfolio(2**33)[0]]
    order = learned_order(PROBLEMS[kind], shape(kind))
    added = {place.name for place in order.places if place.config is not None}
    assert set(own) <= set(learned) <= set(own) | added
    assert len(set(learned)) == len(learned)
    assert learned == [entry.label for entry in offer.portfolio(2**33)[0]]
    first = [name for name in learned if name in {place.name for place in order.places}]
    assert first == [place.name for place in order.places if place.name in first]


def test_what_was_not_studied_keeps_its_place() -> None:
    def entries(*names: str) -> list[Planned]:
        return [Planned(name, name, {}, 1.0) for name in names]

    places = (LearnedPlace("forest", ""), LearnedPlace("gone", ""), LearnedPlace("linear", "weak"))
    order = LearnedOrder(places, frozenset({"forest", "linear (weak)", "tree", "knn"}))
    arranged = order.arranged(entries("tree", "plugin", "knn", "linear (weak)", "newer", "forest"))
    names = [entry.label for entry in arranged]
    assert names == ["forest", "plugin", "linear (weak)", "tree", "newer", "knn"]
    assert LearnedOrder().arranged(entries("b", "a")) == entries("b", "a")
