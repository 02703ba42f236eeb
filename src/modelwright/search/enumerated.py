"""Random search and grid search: the plain strategies, for comparison and for full control."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core import generator
from modelwright.learners import Choice, Int, Parameter
from modelwright.search.suggestion import Observed, Space, Suggestion

__all__ = ["GridSearch", "RandomSearch"]


class RandomSearch:
    """Draws configurations at random, the learners in turn.

    Source: Bergstra, Bengio, "Random search for hyper-parameter optimization" (JMLR 2012).

    Parameters
    ----------
    spaces : mapping of str to Space
    seed : int

    Examples
    --------
    >>> from modelwright.learners import Float
    >>> search = RandomSearch({"ridge": {"alpha": Float(0.01, 100.0, log=True)}}, seed=0)
    >>> 0.01 <= search.ask(1, []).config["alpha"] <= 100
    True
    """

    def __init__(self, spaces: Mapping[str, Space], seed: int) -> None:
        self._spaces = {name: space for name, space in spaces.items() if space}
        self._seed = seed

    def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
        """What to try next; see `Searcher`."""
        if not self._spaces:
            return None
        names = sorted(self._spaces)
        learner = names[number % len(names)]
        random = generator(self._seed, "random", number)
        config = {name: _draw(parameter, random) for name, parameter in self._spaces[learner].items()}
        return Suggestion(learner, config, "random")


class GridSearch:
    """Walks a grid of each learner's space, the learners in turn, coarse corners and centre first.

    Every numeric parameter gets ``levels`` evenly spaced values (on its own scale). Points come in a
    seeded random order so that an early end has seen all regions; no point comes twice.

    Parameters
    ----------
    spaces : mapping of str to Space
    seed : int
    levels : int, default 3

    Examples
    --------
    >>> from modelwright.learners import Float
    >>> search = GridSearch({"ridge": {"alpha": Float(0.01, 100.0, log=True)}}, seed=0)
    >>> first = search.ask(1, [])
    >>> second = search.ask(2, [Observed(1, first.learner, first.config, error=0.3)])
    >>> first.config["alpha"] in (0.01, 1.0, 100.0), second.config == first.config
    (True, False)
    """

    def __init__(self, spaces: Mapping[str, Space], seed: int, levels: int = 3) -> None:
        self._spaces = {name: space for name, space in spaces.items() if space}
        self._seed = seed
        self._levels = levels
        self._grids: dict[str, list[dict[str, Any]]] = {}

    def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
        """What to try next; see `Searcher`. Points that are in the history are passed over."""
        seen = {(item.learner, _point(item.config)) for item in history}
        names = sorted(self._spaces)
        for offset in range(len(names)):
            learner = names[(number + offset) % len(names)]
            for config in self._grids.setdefault(learner, self._grid(learner)):
                if (learner, _point(config)) not in seen:
                    return Suggestion(learner, config, "grid")
        return None

    def _grid(self, learner: str) -> list[dict[str, Any]]:
        space = self._spaces[learner]
        axes = [_levels(parameter, self._levels) for parameter in space.values()]
        size = math.prod(len(axis) for axis in axes)
        random = generator(self._seed, "grid", learner)
        if size > 100_000:  # too many to list: a seeded sample of the grid's points
            picks = [[axis[int(random.integers(len(axis)))] for axis in axes] for _ in range(2_000)]
            return [dict(zip(space, pick, strict=True)) for pick in picks]
        points = list(itertools.product(*axes))
        return [dict(zip(space, points[index], strict=True)) for index in random.permutation(size)]


def _point(config: Mapping[str, Any]) -> str:
    return repr(sorted(config.items()))


def _levels(parameter: Parameter, count: int) -> list[Any]:
    if isinstance(parameter, Choice):
        return list(parameter.options)
    if parameter.log:
        values = np.geomspace(parameter.low, parameter.high, count)
    else:
        values = np.linspace(parameter.low, parameter.high, count)
    if isinstance(parameter, Int):
        return sorted({round(value) for value in values})
    return [float(f"{value:.6g}") for value in values]


def _draw(parameter: Parameter, random: np.random.Generator) -> Any:
    if isinstance(parameter, Choice):
        return parameter.options[int(random.integers(len(parameter.options)))]
    if parameter.log:
        value = math.exp(random.uniform(math.log(parameter.low), math.log(parameter.high)))
    else:
        value = random.uniform(parameter.low, parameter.high)
    return (
        min(max(round(value), parameter.low), parameter.high) if isinstance(parameter, Int) else float(value)
    )
