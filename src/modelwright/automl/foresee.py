"""What a run will cost, told before its first fit: time, memory, and the size and speed of the model.

The figures come from the shape of the table, the plan, and what each learner expects of its fits and models
(`Learner.estimate`), with a few constants that were measured over whole runs (``docs/forecast.md``). A range
holds the actual figure in most runs; what cannot be known before is told in words.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelwright.automl.forecast import Forecast, Range
from modelwright.automl.plan import Plan
from modelwright.automl.request import TrainRequest
from modelwright.core import Budget, Estimate, View, format_seconds
from modelwright.learners import LEARNERS, Learner
from modelwright.search import Planned

__all__ = ["busyness", "foresee", "view_bytes"]

_FOLD_OVERHEAD = 0.06
"""Seconds of a fold besides its fit: handing it out, predicting, timing a row, writing."""

_START_SECONDS = 2.5
"""Processor seconds in which a worker loads its libraries; it begins with the run."""

_PROBED_SECONDS, _BUSIEST = 0.05, 20.0
"""Processor seconds in which it is measured how busy the machine is, and the most that is believed."""

_BUSY_ALONE = 1.2
"""What is measured where nobody else is at work, while the workers of the run load their libraries."""

_STOPPED_EARLY = 0.55
"""Share of its estimate that a fit takes on average: boosting stops when the error does not fall."""

_THREADS_HELP = 0.6
"""Power of the number of threads by which a fit gets faster."""

_COMPLETED = 0.5
"""Share of the further folds that a trial of the portfolio gets: those that lose the first fold get none."""

_SEARCHED_FOLDS = 2.0
"""Folds that a trial of the search takes on average; most end with a probe or the first fold."""

_WORKER_BYTES = 160e6
"""A worker with the numerical libraries loaded, shared pages counted once."""

_DRIVER_GROWTH = 60e6
"""What the driver needs besides what it has when the plan is made: records, scores, the choice."""

_MEMBERS, _CHOSEN = 4.0, 0.6
"""Members of an ensemble at most on average, and the share of the finished trials that become members."""

_BUNDLE_BYTES, _TRIAL_BYTES, _COLUMN_BYTES, _TERM_BYTES = 25_000, 1_500, 1_200, 100
"""Records of a bundle: alone, for each trial, for each column, for each term of a text."""

_PREDICT_SECONDS, _COLUMN_SECONDS = 5e-4, 3e-6
"""A prediction of one row without any model: reading it, and the features of each column."""

_TRANSFORM_SECONDS = 5e-4
"""What a transformed target adds to the prediction of a row."""

_BATCH_SHARE, _BATCH_ROW = 0.15, 1.5e-5
"""What a row takes in a large batch: a part of what a row alone does, and so many seconds besides."""


def foresee(
    plan: Plan, request: TrainRequest, budget: Budget, driver_bytes: int, view_bytes: int, busy: float = 1.0
) -> Forecast:
    """What a run will take that has read its data and made its plan.

    Parameters
    ----------
    plan : Plan
    request : TrainRequest
    budget : Budget
        Its clock runs: what was taken so far counts.
    driver_bytes : int
        Memory of this process now.
    view_bytes : int
        Size of the view that the workers share.
    busy : float, default 1.0
        See `busyness`.
    """
    costs = [_cost(plan, entry, busy) for entry in plan.portfolio]
    course = _course(plan, request, budget, costs, busy)
    begun = [costs[place] for place in course.begun]
    possible = [costs[place] for place in course.possible]
    size, row = _model(plan, request, begun, possible, course)
    batched = _BATCH_ROW + _BATCH_SHARE * max(0.0, row.expected - _PREDICT_SECONDS)
    return Forecast(
        seconds=course.seconds,
        memory_bytes=_memory(plan, budget, begun, driver_bytes, view_bytes),
        model_bytes=size,
        row_seconds=row,
        rows_per_second=Range.around(1.0 / batched, 3.0),
        trials=course.range_of(course.trials, course.most),
        fits=course.range_of(course.fits, course.most * plan.folds),
        notes=course.notes,
    )


def view_bytes(view: View) -> int:
    """Bytes that a view takes, on disk and in memory."""
    terms = view.sparse
    sparse = 0 if terms is None else terms.data.nbytes + terms.indices.nbytes + terms.indptr.nbytes
    return int(view.numeric.nbytes + view.categorical.nbytes + sparse)


def busyness() -> float:
    """By how much work takes longer now because others use the machine, too; 1 where they leave enough.

    Measured, for a twentieth of a second of processor time: the load that a machine tells knows nothing of
    priorities and of the quota of a container.

    Examples
    --------
    >>> 1.0 <= busyness() < 100.0
    True
    """
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < _PROBED_SECONDS:
        pass
    passed = (time.monotonic() - began) / (time.thread_time() - used)
    return min(_BUSIEST, max(1.0, passed / _BUSY_ALONE))


def _cost(plan: Plan, entry: Planned, busy: float) -> Estimate:
    """What one fold of a configuration takes, and its model: options around learners change neither much."""
    learner: Learner = LEARNERS.load(entry.learner)()
    own = {key: value for key, value in entry.config.items() if key in learner.defaults}
    seconds = entry.estimated_seconds
    try:
        cost = learner.estimate(plan.shape, own)
    except Exception:  # of somebody else: the plan has said so where it keeps it from joining
        return Estimate(busy * seconds, 0)
    models = plan.problem.outputs if plan.problem.task.has_outputs else 1
    transformed = entry.config.get("target_transform", "none") != "none"
    row = cost.row_seconds + _TRANSFORM_SECONDS * transformed
    in_time = min(1.0, plan.fold_cap / max(1e-3, busy * seconds))  # what is cut short is smaller
    size = int(models * in_time * cost.model_bytes)
    cost = replace(cost, model_bytes=size, row_seconds=models * row)
    wall = min(plan.fold_cap, _STOPPED_EARLY * busy * seconds / plan.threads_per_slot**_THREADS_HELP)
    return replace(cost, seconds=wall + busy * _FOLD_OVERHEAD)


@dataclass(frozen=True)
class _Course:
    """How far a run will come: which entries of the portfolio begin, and which may if all goes quickly."""

    seconds: Range
    trials: float
    fits: float
    factor: float
    begun: tuple[int, ...]
    possible: tuple[int, ...]
    most: float = float("inf")
    notes: tuple[str, ...] = ()

    def range_of(self, count: float, most: float) -> Range:
        return Range.around(max(1.0, count), self.factor).within(1.0, most)


def _course(
    plan: Plan, request: TrainRequest, budget: Budget, costs: Sequence[Estimate], busy: float
) -> _Course:
    start = max(0.0, busy * _START_SECONDS - budget.elapsed)
    if plan.reproducible:
        return _counted(plan, budget, costs, start, busy)
    room = max(0.0, budget.remaining - plan.reserve - start)
    if request.student() or request.wants_refit(plan.problem.time_column is not None):
        room *= 0.85
    capacity = room * plan.slots
    begun: list[int] = []
    taken, folds = 0.0, 1.0 + _COMPLETED * (plan.folds - 1)
    for place, cost in enumerate(costs):
        if begun and taken + folds * cost.seconds > capacity:
            continue  # too long for the time left: others may fit in
        begun.append(place)
        taken += folds * cost.seconds
    trials, fits = float(len(begun)), folds * len(begun)
    searched = _SEARCHED_FOLDS * max(_FOLD_OVERHEAD, float(np.median([cost.seconds for cost in costs])))
    more = max(0.0, capacity - taken) / searched
    trials, fits = trials + more, fits + _SEARCHED_FOLDS * more
    limit = budget.seconds or budget.elapsed
    portfolio = budget.elapsed + min(room, taken / plan.slots)
    low = min(0.85 * limit, portfolio) if plan.stop_when_flat else 0.85 * limit
    seconds = Range(low, 0.98 * limit, 1.03 * limit)
    quicker = tuple(place for place, cost in enumerate(costs) if folds * cost.seconds <= capacity)
    possible = tuple(sorted({*begun, *quicker[: 2 * len(begun)]}))
    notes = _short(plan, budget, capacity, busy)
    return _Course(seconds, trials, fits, 3.0, tuple(begun), possible, notes=notes)


def _short(plan: Plan, budget: Budget, capacity: float, busy: float) -> tuple[str, ...]:
    """What to say where a limit leaves no time for the quicker of the first two entries on all folds."""
    quick = min(entry.estimated_seconds for entry in plan.portfolio[:2]) / plan.threads_per_slot
    needed = plan.folds * busy * (_STOPPED_EARLY * quick + _FOLD_OVERHEAD)
    if needed <= capacity or budget.seconds is None:
        return ()
    enough = max(1.2 * (budget.seconds + (needed - capacity) / plan.slots), 1.5 * budget.seconds)
    return (
        f"{format_seconds(budget.seconds)} may be too short for one model on all {plan.folds} folds: give "
        f"about {format_seconds(enough)}.",
    )


def _counted(plan: Plan, budget: Budget, costs: Sequence[Estimate], start: float, busy: float) -> _Course:
    """A run of a given number of trials, each on all folds."""
    count = plan.max_trials or 1
    typical = float(np.mean([cost.seconds for cost in costs]))
    work = sum(cost.seconds for cost in costs[:count]) + typical * max(0, count - len(costs))
    fitting = work * plan.folds / plan.slots
    end = busy * (1.0 + 0.02 * count)
    spent = budget.elapsed + start
    limit = budget.seconds or float("inf")
    seconds = Range(spent + 0.4 * fitting, spent + fitting + end, spent + 2.5 * fitting + 2 * end)
    trials, factor, notes = float(count), 1.0, tuple[str, ...]()
    if seconds.high > limit:
        factor = 3.0
    if seconds.expected > limit:
        trials = max(1.0, count * (limit - spent) / (fitting + end))
        notes = (
            f"{count} trials will take longer than the limit of {format_seconds(limit)}: about "
            f"{trials:.0f} will end. Give about {format_seconds(1.3 * seconds.expected)}.",
        )
        seconds = Range(min(seconds.low, 0.95 * limit), 0.99 * limit, 1.04 * limit)
    known = min(len(costs), count)
    begun = tuple(range(max(1, min(known, round(trials)))))
    return _Course(
        seconds.within(min(spent, limit), 1.04 * limit),
        trials,
        trials * plan.folds,
        factor,
        begun,
        possible=tuple(range(known)),
        most=float(count),
        notes=notes,
    )


def _memory(
    plan: Plan, budget: Budget, begun: Sequence[Estimate], driver_bytes: int, view_bytes: int
) -> Range:
    """The driver and its workers, each at a fit: one of the larger ones at the same time as another."""
    fits = np.array([cost.bytes for cost in begun], np.float64)
    base = driver_bytes + _DRIVER_GROWTH + plan.slots * _WORKER_BYTES + view_bytes
    usual, most = float(np.quantile(fits, 0.7)), float(fits.max())
    low = 0.8 * base
    expected = base + plan.slots * 0.5 * usual + 0.3 * most
    high = 1.2 * base + plan.slots * most
    return Range(low, expected, max(high, 1.3 * expected)).within(0.0, float(budget.memory_bytes))


def _model(
    plan: Plan,
    request: TrainRequest,
    begun: Sequence[Estimate],
    possible: Sequence[Estimate],
    course: _Course,
) -> tuple[Range, Range]:
    """Size of the bundle and time of one row: so many members, each a bag of fold models or one refit."""
    folds, least = float(plan.folds), 1.0
    members = min(_MEMBERS, max(1.0, _CHOSEN * course.fits / folds))
    most = min(2 * members, float(len(possible)))
    if request.student() or request.quality == "interpretable":
        members, most, folds = 1.0, 1.0, 1.0
    elif request.wants_refit(plan.problem.time_column is not None):
        folds = 1.0
    elif plan.reproducible and course.factor == 1.0:
        least = folds
    sizes, larger = (np.sort([cost.model_bytes for cost in each]) for each in (begun, possible))
    rows, slower = (np.sort([cost.row_seconds for cost in each]) for each in (begun, possible))
    base = _BUNDLE_BYTES + _TRIAL_BYTES * course.trials
    base += _COLUMN_BYTES * plan.shape.columns + _TERM_BYTES * plan.shape.sparse
    alone = _PREDICT_SECONDS + _COLUMN_SECONDS * plan.shape.columns
    usual = 0.5 * float(sizes.mean()) + 0.5 * float(np.exp(np.log(sizes).mean()))
    size = Range(
        0.6 * (base + least * float(sizes[0])),
        base + folds * members * usual,
        base + folds * (1.5 * float(larger[-1]) + most * float(larger.mean())),
    )
    row = Range(
        0.4 * (alone + least * float(rows[0])),
        alone + folds * members * float(rows.mean()),
        2 * (alone + folds * (float(slower[-1]) + most * float(slower.mean()))),
    )
    limits = request.limits()
    return (
        size.within(0.0, limits.size_bytes or float("inf")),
        row.within(0.0, limits.seconds or float("inf")),
    )
