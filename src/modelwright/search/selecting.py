"""From trials to the members of an ensemble: which trials, on which rows, with which weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwright.core.fitting import Deadline
from modelwright.ensemble import select_weights
from modelwright.search.trials import Trials

__all__ = ["SCHEDULING_CELLS", "Prices", "Selection", "candidate_limit", "select", "strongest"]

Prices = Mapping[int, NDArray[np.float64]]
"""For each trial the share of every limited resource that it takes as a member of an ensemble."""

_LIMITS = ((100, 4), (500, 8), (2_500, 15), (10_000, 25))
_SELECTION_CELLS = 2_000_000
"""Rows x candidates x outputs above which the choice of weights looks at a sample of the rows."""

SCHEDULING_CELLS = 200_000
"""The same while the run goes on: what to fit next is asked after every trial, and the answer lasts till the
next one. With more, scores of ranks alone took a tenth of a run on 40,000 rows."""


def candidate_limit(rows: int) -> int:
    """How many trials may compete for a place: picking among many overfits when rows are few.

    The steps follow AutoGluon's published caps on the number of models for small data.

    Examples
    --------
    >>> candidate_limit(80), candidate_limit(1_000), candidate_limit(1_000_000)
    (4, 15, 40)
    """
    return next((limit for bound, limit in _LIMITS if rows <= bound), 40)


def strongest(errors: Sequence[float], learners: Sequence[str], rows: int) -> list[int]:
    """The best few by error, and the best of each learner whatever its rank (for diversity).

    Parameters
    ----------
    errors : sequence of float
        Of the candidates, in the order of their trials.
    learners : sequence of str
        What each candidate is a model of.
    rows : int
        That the errors were measured on (see `candidate_limit`).

    Returns
    -------
    list of int
        Positions, ascending.

    Examples
    --------
    >>> strongest([0.3, 0.1, 0.2, 0.5, 0.4, 0.9], ["a", "a", "a", "a", "a", "b"], 80)
    [0, 1, 2, 4, 5]
    """
    ranked = sorted(range(len(errors)), key=lambda place: (errors[place], place))
    champions: dict[str, int] = {}
    for place in ranked:
        champions.setdefault(learners[place], place)
    return sorted({*ranked[: candidate_limit(rows)], *champions.values()})


@dataclass(frozen=True)
class Selection:
    """An ensemble as a choice among trials.

    Attributes
    ----------
    folds : int
        The first so many folds were looked at.
    numbers : tuple of int
        Trials with a weight, heaviest first.
    shares : tuple of float
        Their weights; they sum to 1.
    error : float
        Error of the blend on the rows of those folds.
    """

    folds: int
    numbers: tuple[int, ...]
    shares: tuple[float, ...]
    error: float


def select(
    trials: Trials,
    folds: int,
    deadline: Deadline | None = None,
    prices: Prices | None = None,
    cells: int = _SELECTION_CELLS,
) -> Selection | None:
    """Greedy selection among the trials that have the first ``folds`` folds; None if there are none.

    With prices, only of trials that can be afforded, and of no more than can be afforded together. Where rows
    x candidates x outputs are more than ``cells``, the weights are chosen by evenly spaced rows.
    """
    finished = trials.having(folds)
    # The constant adds nothing to an ensemble; for a metric of ranks it would not even hurt, and be taken.
    candidates = [trial for trial in finished if trial.origin != "baseline"] or finished
    if prices is not None:
        candidates = [trial for trial in candidates if (prices[trial.number] <= 1.0).all()]
    if not candidates:
        return None
    errors = [trials.error(trial.number, folds) for trial in candidates]
    learners = [trial.learner for trial in candidates]
    candidates = [candidates[place] for place in strongest(errors, learners, len(trials.target(folds)))]
    numbers = [trial.number for trial in candidates]
    predictions = [trials.predictions(number, folds) for number in numbers]
    target, weights = trials.target(folds), trials.weights(folds)
    found = len(target) * sum(array[0].size for array in predictions)
    if found > cells:
        step = -(-found // cells)
        predictions = [array[::step] for array in predictions]
        target, weights = target[::step], None if weights is None else weights[::step]
    costs = None if prices is None else np.array([prices[number] for number in numbers])
    shares = select_weights(
        trials.metric, target, predictions, weights=weights, deadline=deadline, prices=costs
    )
    order = [int(index) for index in np.argsort(-shares, kind="stable") if shares[index] > 0]
    chosen = tuple(numbers[index] for index in order)
    kept = shares[order]
    return Selection(
        folds=folds,
        numbers=chosen,
        shares=tuple(float(share) for share in kept),
        error=trials.error_of(trials.blend(chosen, kept, folds), folds),
    )
