"""The final choice among the trials of a run: who takes part in the ensemble, judged on which folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelwright.core import Deadline, ModelwrightError
from modelwright.evaluation import bootstrap_scores
from modelwright.search import Prices, Selection, Trials, select

__all__ = ["choose"]

_LIKELY, _CERTAIN = 1.0, 3.0
"""Standard errors by which a choice on fewer folds must be better to be preferred: on most of the folds, and
on less than half of them. There it is the best of many on few rows, so a lesser difference is luck."""


def choose(
    trials: Trials, deadline: Deadline | None = None, seed: int = 0, prices: Prices | None = None
) -> Selection:
    """The final choice among the trials: on as many folds as trials have finished.

    More folds are more rows to choose by and more models to bag, so fewer are preferred only where they
    prove, by a paired bootstrap on the same rows, that what could not be completed makes it better.

    Parameters
    ----------
    trials : Trials
    deadline : Deadline, optional
        No further number of folds is looked at after it.
    seed : int
        Of the bootstrap.
    prices : mapping of int to array, optional
        What each trial takes of what is limited; see `search.select`.

    Raises
    ------
    ModelwrightError
        If no trial has a finished fold, or none of them can be afforded.
    """
    best: Selection | None = None
    seen: list[Selection] = []
    known = 0
    # the first folds of ordered rows are the oldest ones, with the shortest history to learn from
    ordered = trials.data.problem.time_column is not None
    for folds in range(trials.count, 0, -1):
        if best is not None and deadline is not None and deadline.passed:
            break
        finished = len(trials.having(folds))
        if finished == known:
            continue  # the same trials, on fewer rows
        known = finished
        found = select(trials, folds, deadline, prices)
        if found is None:
            continue
        seen.append(found)
        needed = _LIKELY if 2 * folds > trials.count else _CERTAIN
        final = best is not None and ordered and 0 not in best.numbers
        if best is None or (not final and _proves_better(trials, found, best, needed, seed)):
            best = found
    if best is None:
        raise ModelwrightError("No trial finished a single fold, so there is nothing to choose from.")
    return _confirmed(trials, best, seen)


def _confirmed(trials: Trials, best: Selection, seen: Sequence[Selection]) -> Selection:
    """The best choice, on every fold that its members have finished, or another one that is better there."""
    shared = _on_shared_folds(trials, best)
    if shared.folds == best.folds:
        return shared
    rivals = [shared]
    for other in seen:
        if min(trials[number].prefix(trials.count) for number in other.numbers) >= shared.folds:
            blend = trials.blend(other.numbers, np.array(other.shares), shared.folds)
            error = trials.error_of(blend, shared.folds)
            rivals.append(replace(other, folds=shared.folds, error=error))
    return _on_shared_folds(trials, min(rivals, key=lambda rival: rival.error))


def _proves_better(trials: Trials, found: Selection, best: Selection, needed: float, seed: int) -> bool:
    """Whether a choice errs less on its folds than the best so far by more than luck explains."""
    if 0 in best.numbers and 0 not in found.numbers:
        return True  # only the constant was finished there
    folds = found.folds
    blends = [
        trials.decided(trials.blend(selection.numbers, np.array(selection.shares), folds), folds)
        for selection in (best, found)
    ]
    errors = [trials.error_of(blend.array, folds) for blend in blends]
    if errors[0] <= errors[1]:
        return False
    groups = trials.data.groups
    scores = bootstrap_scores(
        trials.metric,
        trials.target(folds),
        blends,
        weights=trials.weights(folds),
        groups=None if groups is None else np.asarray(groups)[trials.rows(folds)],
        seed=seed,
        resamples=100,
    )
    differences = scores[:, 0] - scores[:, 1]
    return abs(float(np.nanmean(differences))) > needed * float(np.nanstd(differences))


def _on_shared_folds(trials: Trials, chosen: Selection) -> Selection:
    """The same members and weights, judged on every fold that all of them have finished."""
    folds = min(trials[number].prefix(trials.count) for number in chosen.numbers)
    if folds == chosen.folds:
        return chosen
    blend = trials.blend(chosen.numbers, np.array(chosen.shares), folds)
    return replace(chosen, folds=folds, error=trials.error_of(blend, folds))
