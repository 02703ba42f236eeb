"""What could be delivered instead: each trial, and parts of the ensemble, as bags and as refitted models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from modelwright.automl.composition import Composition, Costs
from modelwright.automl.limits import Limits
from modelwright.ensemble import ALL_ROWS
from modelwright.evaluation import ParetoPoint, ParetoTable, pareto_table
from modelwright.search import Selection, Trials

__all__ = ["candidates_table"]

_MOST_TRIALS = 12


def candidates_table(
    costs: Costs,
    chosen: Selection,
    delivered: Composition,
    limits: Limits,
    measured: float | None,
    *,
    brief: bool = False,
) -> ParetoTable:
    """Error, time and size of what could be delivered.

    Parameters
    ----------
    costs : Costs
    chosen : Selection
        The best ensemble, whatever it costs.
    delivered : Composition
    limits : Limits
    measured : float or None
        Seconds that one prediction of the delivered model was measured to take.
    brief : bool, default False
        Whether there is no time for more than the delivered model.
    """
    trials = costs.trials
    folds = min(chosen.folds, delivered.selection.folds)
    points = [_point(costs, delivered, folds, delivered=True, measured=measured)]
    for made in () if brief else _compositions(trials, chosen, folds):
        if _parts(made) != _parts(delivered):
            points.append(_point(costs, made, folds))
    return pareto_table(
        points,
        metric=trials.metric.name,
        greater_is_better=trials.metric.greater_is_better,
        limit_seconds=limits.seconds,
        limit_bytes=limits.size_bytes,
    )


def _compositions(trials: Trials, chosen: Selection, folds: int) -> Iterator[Composition]:
    """The best trials, and the heaviest one, two ... members of the ensemble; as bags and refitted."""
    able = [trial for trial in trials.having(folds) if trial.origin != "baseline"] or trials.having(folds)
    ranked = sorted(able, key=lambda trial: trials.error(trial.number, folds))
    selections = [_part((trial.number,), (1.0,), folds) for trial in ranked[:_MOST_TRIALS]]
    for count in range(2, len(chosen.numbers) + 1):
        selections.append(_part(chosen.numbers[:count], chosen.shares[:count], folds))
    for selection in selections:
        bags = Composition.bags(trials, selection)
        yield bags
        if max(len(models) for models in bags.models.values()) > 1:
            yield Composition(selection, dict.fromkeys(selection.numbers, (ALL_ROWS,)))


def _part(numbers: tuple[int, ...], shares: tuple[float, ...], folds: int) -> Selection:
    total = sum(shares)
    return Selection(folds, numbers, tuple(share / total for share in shares), float("inf"))


def _parts(made: Composition) -> tuple[object, ...]:
    """What makes two compositions the same."""
    shares = tuple(round(share, 9) for share in made.selection.shares)
    return made.selection.numbers, shares, tuple(sorted(made.models.items()))


def _point(
    costs: Costs, made: Composition, folds: int, *, delivered: bool = False, measured: float | None = None
) -> ParetoPoint:
    trials, selection = costs.trials, made.selection
    numbers = selection.numbers
    if len(numbers) == 1:
        error, score = trials.error(numbers[0], folds), trials.score(numbers[0], folds)
    else:
        decided = trials.decided(trials.blend(numbers, np.array(selection.shares), folds), folds)
        score = trials.metric.try_score(trials.target(folds), decided, trials.weights(folds))[0]
        error = trials.metric.error_of(score)
    seconds, size = costs.of(made)
    known = measured is not None or costs.base_seconds > 0
    return ParetoPoint(
        label=trials[numbers[0]].label if len(numbers) == 1 else f"ensemble of {len(numbers)}",
        form=_form(made),
        members=len(numbers),
        models=made.count,
        score=float(score) if np.isfinite(score) else None,
        error=float(error) if np.isfinite(error) else float("inf"),
        seconds=(seconds if measured is None else measured) if known else None,
        size_bytes=size,
        measured=measured is not None,
        delivered=delivered,
    )


def _form(made: Composition) -> str:
    refitted = len(made.refitted)
    if refitted == len(made.models):
        return "refit"
    return "mixed" if refitted else "bag"
