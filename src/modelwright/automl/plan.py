"""The plan of a run: every decision that is made before the first fit, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from modelwright.automl.forecast import Forecast
from modelwright.automl.portfolio import Offer
from modelwright.automl.problem_options import as_without
from modelwright.automl.quality import quality_of
from modelwright.automl.request import TrainRequest
from modelwright.automl.student import check_student
from modelwright.core import (
    Budget,
    Problem,
    Shape,
    format_bytes,
    format_seconds,
    to_jsonable,
)
from modelwright.ensemble import TargetFacts
from modelwright.learners import Parameter
from modelwright.search import Planned

__all__ = ["Decision", "Plan", "fold_count", "holdout_fraction", "make_plan", "slots_for"]

_DRIVER_BYTES = 350 * 2**20
_WORKER_BYTES = 350 * 2**20
_MAX_SLOTS = 8
_HOLDOUT_ROWS = 20_000
_FEWEST_FOLDS, _MOST_FOLDS, _VALIDATED = 5, 8, 16
"""On few rows, folds that validate so many rows each: with fewer, scores flatter (decision 6)."""

"""Rows from which a sealed holdout is set aside: below, its rows are worth more as training rows."""


@dataclass(frozen=True)
class Decision:
    """One thing that was decided, and why.

    Attributes
    ----------
    what : str
        In a few words: ``"5 stratified folds"``.
    why : str
        The reason, with numbers.
    """

    what: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What a run will do. Pure data: printing it costs nothing and changes nothing.

    Attributes
    ----------
    problem : Problem
    shape : Shape
        Rows that a fold trains on, and the columns of the view.
    seed : int
    folds : int
    slots, threads_per_slot : int
        Worker processes, and threads of each.
    portfolio : tuple of Planned
        Configurations in the order in which they begin.
    search : str
        Strategy for the time after the portfolio.
    reproducible : bool
        Whether no decision reads the clock.
    max_trials : int or None
    fold_cap : float
        Longest time one fold may take, in seconds.
    reserve : float
        Seconds kept back for choosing the ensemble and writing the bundle.
    decisions : tuple of Decision
    offer : Offer
        What the portfolio and the search choose from.
    stop_when_flat : bool
        Whether to end when the search brings nothing more.
    quality : str
        What kind of model is wanted; see `quality`.
    forecast : Forecast or None
        What the run is expected to take and to deliver, told before its first fit.
    """

    problem: Problem
    shape: Shape
    seed: int
    folds: int
    slots: int
    threads_per_slot: int
    portfolio: tuple[Planned, ...]
    search: str
    reproducible: bool
    max_trials: int | None
    fold_cap: float
    reserve: float
    decisions: tuple[Decision, ...]
    offer: Offer
    stop_when_flat: bool = False
    quality: str = "best"
    forecast: Forecast | None = None

    def spaces(self) -> dict[str, Mapping[str, Parameter]]:
        """The search space of each learner in the portfolio."""
        return {name: self.offer.space(name) for name in dict.fromkeys(e.learner for e in self.portfolio)}

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record = {**vars(self), "problem": self.problem.to_dict()}
        record["target"] = asdict(record.pop("offer").facts)
        record["shape"] = asdict(self.shape)
        record["portfolio"] = [asdict(entry) for entry in self.portfolio]
        record["decisions"] = [asdict(decision) for decision in self.decisions]
        record["forecast"] = None if self.forecast is None else self.forecast.to_dict()
        jsonable: dict[str, Any] = to_jsonable(record)
        return jsonable


def fold_count(rows: int) -> int:
    """Folds for so many rows: more where each row counts, fewer where each fit costs.

    Examples
    --------
    >>> [fold_count(rows) for rows in (100, 1_000, 10_000, 50_000, 500_000)]
    [6, 8, 5, 4, 3]
    """
    if rows <= 2_000:
        return min(_MOST_FOLDS, max(_FEWEST_FOLDS, rows // _VALIDATED))
    if rows <= 20_000:
        return 5
    return 4 if rows <= 100_000 else 3


def holdout_fraction(rows: int) -> float:
    """Share of the rows to seal away for one honest score at the end; 0 where rows are few.

    Examples
    --------
    >>> holdout_fraction(5_000), holdout_fraction(40_000), holdout_fraction(1_000_000)
    (0.0, 0.05, 0.01)
    """
    if rows < _HOLDOUT_ROWS:
        return 0.0
    return min(0.05, 10_000 / rows)


def slots_for(budget: Budget) -> tuple[int, int]:
    """Worker processes and threads of each, from threads and memory alone (known before the data).

    One fold on one thread uses a processor best; more threads for one fold are the fallback where
    memory does not suffice for more processes.

    Examples
    --------
    >>> slots_for(Budget.of("60s", "8GB", threads=2)), slots_for(Budget.of("60s", "8GB", threads=16))
    ((2, 1), (8, 2))
    """
    affordable = max(1, int((budget.memory_bytes - _DRIVER_BYTES) // _WORKER_BYTES))
    slots = max(1, min(budget.threads, affordable, _MAX_SLOTS))
    return slots, max(1, budget.threads // slots)


def _reserve(budget: Budget) -> float:
    """Seconds for the end: 7% of the time and half a second, at most 30 s; less of very short runs."""
    if budget.seconds is None:
        return 0.0
    return min(0.07 * budget.seconds + 0.5, 0.25 * budget.seconds, 30.0)


def _wishes(request: TrainRequest) -> list[Decision]:
    """What the caller asked of the model that is delivered."""
    limits, asked = request.limits(), "the caller asked for it"
    found: list[Decision] = []
    if request.undone:
        ids = ", ".join(request.undone.get("ids", ()))
        why = f"the caller asked for it, after run {request.undone.get('run')}"
        found.append(Decision(f"undone: {ids}", why) if ids else Decision("asked for as before", why))
    if limits.seconds is not None:
        found.append(Decision(f"one prediction takes at most {1e3 * limits.seconds:g} ms", asked))
    if limits.size_bytes is not None:
        found.append(Decision(f"the model takes at most {limits.size_bytes / 1e6:g} MB", asked))
    if request.refit is True:
        found.append(Decision("members are refitted on all rows", asked))
    elif request.refit is False:
        found.append(Decision("nothing is refitted on all rows", asked))
    if request.mitigate:
        found.append(Decision(f"gaps between groups are mitigated by {request.mitigate}", asked))
    if request.student():
        found.append(Decision(f"one {request.student()} is taught what the ensemble says", asked))
    return found


def _portfolio(
    offer: Offer, request: TrainRequest, worker_bytes: int
) -> tuple[tuple[Planned, ...], list[tuple[str, str]]]:
    """What is tried, in order, and what is left out; a replay tries what the recorded run did."""
    portfolio, left_out = offer.portfolio(worker_bytes)
    if request.replays:
        portfolio = tuple(Planned(**entry) for entry in request.replays)
    return portfolio, left_out


def make_plan(
    problem: Problem,
    shape: Shape,
    budget: Budget,
    *,
    folds: int,
    request: TrainRequest,
    facts: TargetFacts,
    decisions: tuple[Decision, ...] = (),
) -> Plan:
    """Decide what a run will do. A pure function of its arguments.

    Parameters
    ----------
    problem : Problem
        Resolved.
    shape : Shape
        All training rows (before the division into folds).
    budget : Budget
    folds : int
        How many the splitter made.
    request : TrainRequest
        Its seed, its strategy for the time after the portfolio, and what it leaves out.
    facts : TargetFacts
        Of the training rows.
    decisions : tuple of Decision
        What was decided while the data was prepared.

    Returns
    -------
    Plan
    """
    slots, threads = slots_for(budget)
    noted = list(decisions)
    noted.append(
        Decision(
            f"{slots} worker processes of {threads} threads",
            f"{budget.threads} threads and {format_bytes(budget.memory_bytes)} of memory",
        )
    )
    per_fold = replace(shape, rows=max(1, shape.rows * (folds - 1) // max(1, folds)))
    check_student(request.student(), problem, per_fold)
    worker_bytes = max(
        _WORKER_BYTES // 2, (budget.memory_bytes - _DRIVER_BYTES) // slots - _WORKER_BYTES // 2
    )
    quality = quality_of(request.quality)
    if quality.why:
        noted.append(Decision(f"quality {quality.name}", quality.why))
    without = tuple(sorted({*as_without(request.without), *quality.without}))
    offer = Offer(problem, per_fold, facts, request.competitors(), without, plain_text=quality.readable)
    portfolio, left_out = _portfolio(offer, request, worker_bytes)
    noted += [*_wishes(request), *(Decision(f"no {label}", why) for label, why in left_out)]
    reserve = _reserve(budget)
    if budget.seconds is None or budget.reproducible:
        cap = float("inf")
    else:
        cap = budget.seconds * max(0.4 * slots / folds, 0.15)
        noted.append(
            Decision(
                f"at most {format_seconds(cap)} for a fold",
                f"a model of {folds} folds should not take more than about 40% of the time limit of "
                f"{format_seconds(budget.seconds)}",
            )
        )
    return Plan(
        problem=problem,
        shape=per_fold,
        seed=request.seed,
        folds=folds,
        slots=slots,
        threads_per_slot=threads,
        portfolio=portfolio,
        search=request.search,
        reproducible=budget.reproducible,
        max_trials=budget.max_trials,
        fold_cap=cap,
        reserve=reserve,
        decisions=tuple(noted),
        offer=offer,
        stop_when_flat=request.stop_when_flat,
        quality=request.quality,
    )
