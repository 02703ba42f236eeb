"""The contract of a search strategy, as checks that any strategy can be put to.

Use `check_searcher` for a verdict in one call, or `SEARCHER_CHECKS` for one test a check.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from modelwright.learners import Choice, Float, Int
from modelwright.search import Observed, Searcher, Space, Suggestion
from modelwright.testing.violation import demand, global_random_state, naming

__all__ = ["SEARCHER_CHECKS", "SearcherFactory", "check_searcher", "run_searcher_check"]

SearcherFactory = Callable[[Mapping[str, Space], int], Searcher]
"""A searcher class: called with the spaces of the learners and a seed."""

SPACES: Mapping[str, Space] = {
    "ridge": {"alpha": Float(1e-3, 10.0, log=True)},
    "forest": {
        "depth": Int(2, 9),
        "leaf": Int(1, 64, log=True),
        "share": Float(0.2, 1.0),
        "criterion": Choice(("gini", "entropy", None)),
        "bootstrap": Choice((True, False)),
    },
    "constant": {},
}
"""Learners to tune; the last one has nothing to tune."""

QUESTIONS = 14


def check_searcher(searcher: SearcherFactory) -> None:
    """Put a search strategy to every check.

    Parameters
    ----------
    searcher : callable
        The class, or any function of ``(spaces, seed)`` that makes a `Searcher`.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> from modelwright.search import SEARCHERS
    >>> check_searcher(SEARCHERS.load("random"))
    """
    for name in SEARCHER_CHECKS:
        run_searcher_check(name, searcher)


def run_searcher_check(name: str, searcher: SearcherFactory) -> None:
    """Put a search strategy to one check of `SEARCHER_CHECKS`; raises `ContractViolation` if it fails."""
    label = getattr(searcher, "__name__", type(searcher).__name__)
    with naming(f"searcher {label!r}", name):
        SEARCHER_CHECKS[name](searcher)


def _error(suggestion: Suggestion) -> float:
    """A made-up error of a configuration: any fixed function of it."""
    text = json.dumps([suggestion.learner, sorted(suggestion.config.items())], default=str)
    return 0.1 + (sum(map(ord, text)) % 97) / 97


def _walk(searcher: Searcher, questions: int = QUESTIONS) -> tuple[list[Suggestion], list[Observed]]:
    """Ask as a run does: each answer is tried and told before the next question."""
    history = [Observed(0, "constant", {}, 0.9)]
    said: list[Suggestion] = []
    for number in range(1, questions + 1):
        suggestion = searcher.ask(number, tuple(history))
        if suggestion is None:
            break
        said.append(suggestion)
        history.append(Observed(number, suggestion.learner, suggestion.config, _error(suggestion)))
    return said, history


def _demand_inside(suggestion: Suggestion, spaces: Mapping[str, Space]) -> None:
    demand(isinstance(suggestion, Suggestion), f"it answers with {type(suggestion).__name__}")
    demand(bool(suggestion.origin), "it does not name itself as the origin of a suggestion")
    learner = suggestion.learner
    demand(bool(spaces.get(learner)), f"it suggests the learner {learner!r}, which has nothing to tune")
    for name, value in suggestion.config.items():
        demand(name in spaces[learner], f"it suggests {name!r}, which {learner!r} does not have")
        complaint = f"it suggests {name}={value!r}, outside of {spaces[learner][name]}"
        demand(spaces[learner][name].contains(value), complaint)
    try:
        again = json.loads(json.dumps(dict(suggestion.config)))
    except TypeError:
        again = None
    demand(again == dict(suggestion.config), f"a suggestion is not made of JSON scalars: {suggestion}")


def check_suggests_inside_space(searcher: SearcherFactory) -> None:
    """Every suggestion is a learner that can be tuned, with values of its space."""
    for seed in (0, 1):
        said, _ = _walk(searcher(SPACES, seed))
        demand(bool(said), "it has nothing to suggest from the beginning")
        for suggestion in said:
            _demand_inside(suggestion, SPACES)


def check_is_pure(searcher: SearcherFactory) -> None:
    """An answer depends on the question and the seed alone: not on what was asked before."""
    for seed in (0, 7):
        asked = searcher(SPACES, seed)
        said, history = _walk(asked)
        for number in reversed(range(1, len(said) + 1)):
            known = history[:number]
            for other, what in ((asked, "asked again"), (searcher(SPACES, seed), "made anew")):
                answer = other.ask(number, known)
                complaint = (
                    f"{what}, it answers question {number} with {answer} instead of {said[number - 1]}"
                )
                demand(answer == said[number - 1], complaint)


def check_leaves_arguments_alone(searcher: SearcherFactory) -> None:
    """Spaces and history stay as they are, and nobody's random state is used."""
    spaces = {name: dict(space) for name, space in SPACES.items()}
    before = deepcopy(spaces)
    asked = searcher(spaces, 0)
    _, history = _walk(asked, 5)
    states = (random.getstate(), global_random_state())
    told = deepcopy(history)
    asked.ask(len(history), history)
    demand(told == history, "it changes the history")
    demand(before == spaces, "it changes the spaces")
    same = states[0] == random.getstate() and np.array_equal(states[1], global_random_state())
    demand(bool(same), "it uses a global random state")


def check_ends_or_goes_on(searcher: SearcherFactory) -> None:
    """In a space of four points it goes on with points of it, or ends; what has ended stays ended."""
    spaces: Mapping[str, Space] = {"tree": {"depth": Int(1, 2), "prune": Choice((True, False))}}
    asked = searcher(spaces, 0)
    said, history = _walk(asked)
    for suggestion in said:
        _demand_inside(suggestion, spaces)
    demand(bool(said), "it has nothing to suggest from the beginning")
    if len(said) < QUESTIONS:
        for number in (len(said) + 2, len(said) + 3):
            demand(asked.ask(number, history) is None, "it ends, and then goes on")


def check_nothing_to_tune(searcher: SearcherFactory) -> None:
    """Without anything to tune there is nothing to suggest."""
    empty: Sequence[Mapping[str, Space]] = ({}, {"constant": {}})
    for spaces in empty:
        answer = searcher(spaces, 0).ask(1, [Observed(0, "constant", {}, 0.5)])
        demand(answer is None, f"with nothing to tune it suggests {answer}")


def check_odd_history(searcher: SearcherFactory) -> None:
    """Failed trials, equal errors, other learners, and configurations from elsewhere do no harm."""
    configs: Sequence[tuple[str, dict[str, Any]]] = (
        ("ridge", {}),
        ("ridge", {"alpha": 1e6}),
        ("forest", {"depth": 3}),
        ("forest", {"depth": 3, "criterion": "other", "unknown": 1}),
        ("not tuned here", {"depth": 3}),
    )
    for errors in ([0.5] * 5, [math.inf] * 5, [0.3, 0.0, 1e300, math.inf, 0.2]):
        history = [
            Observed(number, learner, config, error)
            for number, ((learner, config), error) in enumerate(zip(configs, errors))
        ]
        for known in ([], history[:1], history, history * 3):
            answer = searcher(SPACES, 0).ask(20, known)
            if answer is not None:
                _demand_inside(answer, SPACES)


SEARCHER_CHECKS: Mapping[str, Callable[[SearcherFactory], None]] = {
    "suggests_inside_space": check_suggests_inside_space,
    "is_pure": check_is_pure,
    "leaves_arguments_alone": check_leaves_arguments_alone,
    "ends_or_goes_on": check_ends_or_goes_on,
    "nothing_to_tune": check_nothing_to_tune,
    "odd_history": check_odd_history,
}
"""Name to check; each takes a searcher class and raises `ContractViolation`."""
