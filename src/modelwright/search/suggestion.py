"""The contract of a search strategy: what was observed, what to try next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from modelwright.core import Config
from modelwright.learners import Parameter

__all__ = ["Observed", "Searcher", "Space", "Suggestion"]

Space = Mapping[str, Parameter]
"""The search space of one learner: its parameters by name."""


@dataclass(frozen=True)
class Observed:
    """A configuration that was tried.

    Attributes
    ----------
    number : int
        Number of the trial.
    learner : str
    config : mapping
    error : float
        Lower is better; comparable between learners (measured on equal rows).
    seconds : float
        Wall time of one fold.
    gain : float
        Share by which the error of the ensemble fell when this one joined; 0 where that is not looked at.
    """

    number: int
    learner: str
    config: Config
    error: float
    seconds: float = 1.0
    gain: float = 0.0


@dataclass(frozen=True)
class Suggestion:
    """A configuration to try.

    Attributes
    ----------
    learner : str
    config : mapping
    origin : str
        Name of the strategy, for the record.
    """

    learner: str
    config: Config
    origin: str


class Searcher(Protocol):
    """Says what to try after the portfolio.

    `ask` must be a pure function of its arguments and of the seed given to the constructor: that makes
    a search resumable and reproducible.
    """

    def ask(self, number: int, history: Sequence[Observed]) -> Suggestion | None:
        """What trial ``number`` should try; None when there is nothing left."""
        ...
