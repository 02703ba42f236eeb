"""The order in which configurations begin, learned on many tables (see `benchmarks/portfolio`).

The order is data: `learned_order.json` says for each regime (kind of task, up to so many rows and columns)
which configuration of which learner comes first, with what each was measured to add, and where the
measurement comes from. `benchmarks/portfolio/choose.py` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from modelwright.core import Config, Problem, Shape
from modelwright.learners import Candidate
from modelwright.search import Planned

__all__ = ["LearnedOrder", "LearnedPlace", "learned_order"]


@dataclass(frozen=True)
class LearnedPlace:
    """One place of a learned order.

    Attributes
    ----------
    learner, label : str
        A candidate's: that of the learner's own portfolio, or a new one.
    config : mapping or None
        Hyperparameters of a new one; None for what the learner offers itself.
    """

    learner: str
    label: str
    config: Config | None = None

    @property
    def name(self) -> str:
        """What the configuration is called in a leaderboard."""
        return f"{self.learner} ({self.label})" if self.label else self.learner


@dataclass(frozen=True)
class LearnedOrder:
    """In which order configurations begin.

    Attributes
    ----------
    places : tuple of LearnedPlace
        What adds most to the ensemble per second comes first.
    studied : frozenset of str
        Names of everything that was compared: what has no place adds too little to be given one.

    Examples
    --------
    >>> order = LearnedOrder((LearnedPlace("forest", "deep"),), frozenset({"linear", "forest (deep)"}))
    >>> names = ["linear", "new", "forest", "forest (deep)"]
    >>> [entry.label for entry in order.arranged([Planned(name, name, {}, 1.0) for name in names])]
    ['forest (deep)', 'new', 'forest', 'linear']
    """

    places: tuple[LearnedPlace, ...] = ()
    studied: frozenset[str] = frozenset()

    def new_candidates(self, learner: str) -> list[Candidate]:
        """Configurations of a learner that its own portfolio does not hold."""
        return [
            Candidate(place.label, place.config)
            for place in self.places
            if place.learner == learner and place.config is not None
        ]

    def arranged(self, entries: Sequence[Planned]) -> list[Planned]:
        """Entries in this order; those that were not studied keep their places among the others.

        So a learner of somebody else, or one that is newer than the study, begins when it would without it.
        """
        ranks = dict.fromkeys(self.studied, len(self.places))
        ranks |= {place.name: rank for rank, place in enumerate(self.places)}
        known = sorted((each for each in entries if each.label in ranks), key=lambda each: ranks[each.label])
        following = iter(known)
        return [next(following) if each.label in ranks else each for each in entries]


def learned_order(problem: Problem, shape: Shape) -> LearnedOrder:
    """The order of the first regime that a problem belongs to; none far beyond what was studied.

    Parameters
    ----------
    problem : Problem
        Resolved. Labels count as binary problems, quantiles as regression.
    shape : Shape
        Rows that a fold trains on, and the columns.

    Returns
    -------
    LearnedOrder
        One without places, which arranges nothing, where no regime suits.

    Examples
    --------
    >>> from modelwright.core import Task
    >>> problem = Problem.of("y").resolved(Task.BINARY, "roc_auc", (0, 1))
    >>> order = learned_order(problem, Shape(rows=1000, numeric=10, categorical=0, levels=0, outputs=2))
    >>> {place.name for place in order.places} & {"linear (default)", "lightgbm (fast)"} != set()
    True
    """
    single = problem.output(0)
    kind = str(single.task) if single.task.is_classification else "regression"
    table = _table()
    for regime in table["regimes"]:
        within = shape.rows <= regime["most_rows"] and shape.columns <= regime["most_columns"]
        if within and regime["kind"] in ("", kind):
            places = (
                LearnedPlace(place["learner"], place["label"], place.get("config"))
                for place in regime["order"]
            )
            return LearnedOrder(tuple(places), frozenset(table["studied"]))
    return LearnedOrder()


@cache
def _table() -> Any:
    """The committed file."""
    return json.loads((files(__package__) / "learned_order.json").read_text(encoding="utf-8"))
