"""The suite of search strategies notices strategies that break the contract."""

from __future__ import annotations

import random

import numpy as np
import pytest

from modelwright.search import SEARCHERS, Suggestion
from modelwright.testing import ContractViolation, check_searcher, run_searcher_check

RandomSearch, GridSearch = SEARCHERS.load("random"), SEARCHERS.load("grid")


class CountsItsCalls(RandomSearch):
    """Depends on hidden state: a resumed run would go another way."""

    calls = 0

    def ask(self, number, history):
        self.calls += 1
        return super().ask(self.calls, history)


class IgnoresItsSeed(RandomSearch):
    def __init__(self, spaces, seed):
        super().__init__(spaces, int(np.random.default_rng().integers(2**31)))


class LeavesTheSpace(RandomSearch):
    def ask(self, number, history):
        found = super().ask(number, history)
        return found and Suggestion(found.learner, {**found.config, "alpha": 100.0}, "random")


class NamesNoOrigin(RandomSearch):
    def ask(self, number, history):
        found = super().ask(number, history)
        return found and Suggestion(found.learner, found.config, "")


class TunesTheConstant(RandomSearch):
    def ask(self, number, history):
        return Suggestion("constant", {}, "random")


class RewritesHistory(RandomSearch):
    def ask(self, number, history):
        if isinstance(history, list):
            history.append(history[-1])
        return super().ask(number, history)


class DrawsGlobally(RandomSearch):
    def ask(self, number, history):
        random.random()
        return super().ask(number, history)


class Resumes(GridSearch):
    """Ends, and goes on when asked for an even trial."""

    def ask(self, number, history):
        return super().ask(number, history if number % 2 else [])


class TrustsHistory(RandomSearch):
    """Tries the best configuration again, wherever it came from."""

    def ask(self, number, history):
        best = min(history, key=lambda item: item.error, default=None)
        if best is not None and "alpha" in best.config:
            return Suggestion(best.learner, best.config, "random")
        return super().ask(number, [item for item in history if item.config])


class RoundsErrors(RandomSearch):
    def ask(self, number, history):
        if sum(int(item.error * 100) for item in history) < 0:
            return None
        return super().ask(number, history)


@pytest.mark.parametrize(
    ("searcher", "check", "words"),
    [
        (CountsItsCalls, "is_pure", "asked again, it answers"),
        (IgnoresItsSeed, "is_pure", "made anew, it answers"),
        (LeavesTheSpace, "suggests_inside_space", "outside of|does not have"),
        (NamesNoOrigin, "suggests_inside_space", "does not name itself"),
        (TunesTheConstant, "suggests_inside_space", "nothing to tune"),
        (TunesTheConstant, "nothing_to_tune", "it suggests"),
        (RewritesHistory, "leaves_arguments_alone", "changes the history"),
        (DrawsGlobally, "leaves_arguments_alone", "global random state"),
        (Resumes, "ends_or_goes_on", "ends, and then goes on"),
    ],
)
def test_broken_searcher_is_noticed(searcher, check, words):
    with pytest.raises(ContractViolation, match=words):
        run_searcher_check(check, searcher)


@pytest.mark.parametrize("searcher", [TrustsHistory, RoundsErrors])
def test_harm_done_by_odd_history_is_noticed(searcher):
    with pytest.raises((ContractViolation, OverflowError), match=r"alpha|infinity"):
        run_searcher_check("odd_history", searcher)


def test_verdict_names_searcher_and_check():
    with pytest.raises(ContractViolation, match=r"searcher 'CountsItsCalls' fails the check 'is_pure'"):
        check_searcher(CountsItsCalls)
