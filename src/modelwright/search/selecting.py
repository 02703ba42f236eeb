"""From trials to the members of an ensemble: which trials, on which rows, with which weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwright.core.fitting import Deadline
from modelwright.ensemble import select_weights
from modelwright.search.trials import Trial, Trials

__all__ = ["Prices", "Selection", "candidate_limit", "select"]

Prices = Mapping[int, NDArray[np.float64]]
"""For each trial the share of every limited resource that it takes as a member of an ensemble."""

_LIMITS = ((100, 4), (500, 8), (2_500, 15), (10_000, 25))
_SELECTION_CELLS = 2_000_000
"""Rows x candidates x outputs above which the choice of weights looks at a sample of the rows."""


def candidate_limit(rows: int) -> int:
    """How many trials may compete for a place: picking among many overfits when rows are few.

    The steps follow AutoGluon's published caps on the number of models for small data.

    Examples
    --------
    >>> candidate_limit(80), candidate_limit(1_000), candidate_limit(1_000_000)
    (4, 15, 40)
    """
    return next((limit for bound, limit in _LIMITS if rows <= bound), 40)


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
    trials: Trials, folds: int, deadline: Deadline | None = None, prices: Prices | None = None
) -> Selection | None:
    """Greedy selection among the trials that have the first ``folds`` folds; None if there are none.

    With prices, only of trials that can be afforded, and of no more than can be afforded together.
    """
    finished = trials.having(folds)
    # The constant adds nothing to an ensemble; for a metric of ranks it would not even hurt, and be taken.
    candidates = [trial for trial in finished if trial.origin != "baseline"] or finished
    if prices is not None:
        candidates = [trial for trial in candidates if (prices[trial.number] <= 1.0).all()]
    candidates = _strongest(trials, candidates, folds)
    if not candidates:
        return None
    numbers = [trial.number for trial in candidates]
    predictions = [trials.predictions(number, folds) for number in numbers]
    target, weights = trials.target(folds), trials.weights(folds)
    cells = len(target) * sum(array[0].size for array in predictions)
    if cells > _SELECTION_CELLS:
        step = -(-cells // _SELECTION_CELLS)
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


def _strongest(trials: Trials, candidates: list[Trial], folds: int) -> list[Trial]:
    """The best few by error, and the best of each learner whatever its rank (for diversity)."""
    errors = {trial.number: trials.error(trial.number, folds) for trial in candidates}
    ranked = sorted(candidates, key=lambda trial: (errors[trial.number], trial.number))
    limit = candidate_limit(len(trials.target(folds)))
    champions: dict[str, Trial] = {}
    for trial in ranked:
        champions.setdefault(trial.learner, trial)
    kept = {trial.number for trial in ranked[:limit]} | {trial.number for trial in champions.values()}
    return [trial for trial in candidates if trial.number in kept]
