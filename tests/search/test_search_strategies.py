"""Search strategies: pure functions of the history and the seed."""

from __future__ import annotations

import pytest

from modelwright.core import UnknownName
from modelwright.learners import Choice, Float, Int
from modelwright.search import SEARCHERS, Observed

SPACES = {
    "forest": {"depth": Int(2, 10), "criterion": Choice(("gini", "entropy"))},
    "ridge": {"alpha": Float(1e-3, 1e3, log=True)},
    "nothing": {},
}


def history(count: int = 6) -> list[Observed]:
    return [
        Observed(
            n, "ridge" if n % 2 else "forest", {"alpha": 10.0 ** (n - 3)} if n % 2 else {"depth": n + 2}, n
        )
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("name", SEARCHERS.names())
def test_an_answer_depends_on_nothing_but_its_arguments(name: str) -> None:
    first = SEARCHERS.load(name)(SPACES, 7)
    for number in range(1, 6):
        first.ask(number, history())  # what was asked before must not matter
    second = SEARCHERS.load(name)(SPACES, 7)
    assert first.ask(9, history()) == second.ask(9, history())


@pytest.mark.parametrize("name", SEARCHERS.names())
def test_every_suggestion_lies_in_the_space(name: str) -> None:
    searcher = SEARCHERS.load(name)(SPACES, 0)
    for number in range(1, 15):
        suggestion = searcher.ask(number, history())
        assert suggestion is not None
        space = SPACES[suggestion.learner]
        assert set(suggestion.config) == set(space)
        assert all(space[key].contains(value) for key, value in suggestion.config.items())
        assert suggestion.origin == name


@pytest.mark.parametrize("name", SEARCHERS.names())
def test_without_a_space_there_is_nothing_to_ask(name: str) -> None:
    assert SEARCHERS.load(name)({"nothing": {}}, 0).ask(1, []) is None


def test_a_grid_ends_after_its_last_point() -> None:
    searcher = SEARCHERS.load("grid")({"ridge": {"alpha": Float(0.1, 10.0, log=True)}}, 0)
    seen: list[Observed] = []
    for number in range(1, 10):
        suggestion = searcher.ask(number, seen)
        if suggestion is None:
            break
        seen.append(Observed(number, suggestion.learner, suggestion.config, 1.0))
    assert sorted(item.config["alpha"] for item in seen) == [0.1, 1.0, 10.0]


def test_a_huge_grid_is_sampled_not_listed() -> None:
    space = {f"p{i}": Float(0.1, 10.0) for i in range(15)}
    assert SEARCHERS.load("grid")({"wide": space}, 0).ask(1, []) is not None


def test_bayesian_search_goes_where_errors_are_low() -> None:
    searcher = SEARCHERS.load("bayesian")({"ridge": {"alpha": Float(1e-3, 1e3, log=True)}}, 1)
    told = [Observed(n, "ridge", {"alpha": 10.0 ** (n / 5 - 3)}, abs(n / 5 - 5)) for n in range(1, 31)]
    asked = [searcher.ask(100 + n, told).config["alpha"] for n in range(20)]
    assert sum(value > 1.0 for value in asked) >= 15  # the best is at 100


def test_bayesian_search_prefers_the_better_learner_but_not_alone() -> None:
    searcher = SEARCHERS.load("bayesian")(SPACES, 3)
    told = [Observed(1, "ridge", {"alpha": 1.0}, 0.1), Observed(2, "forest", {"depth": 3}, 0.9)]
    learners = [searcher.ask(number, told).learner for number in range(3, 63)]
    assert learners.count("ridge") > learners.count("forest") > 5


def test_an_unknown_strategy_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'bayesian'"):
        SEARCHERS.load("bayesan")
