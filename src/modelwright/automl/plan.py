"""The plan of a run: every decision that is made before the first fit, each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from modelwright.automl.problem_options import as_names
from modelwright.automl.request import TrainRequest
from modelwright.core import (
    BadInput,
    Budget,
    OptionError,
    Problem,
    Shape,
    format_bytes,
    format_seconds,
    to_jsonable,
)
from modelwright.learners import LEARNERS, Learner, Parameter
from modelwright.search import Planned

__all__ = ["Decision", "Plan", "fold_count", "holdout_fraction", "make_plan", "slots_for"]

_DRIVER_BYTES = 350 * 2**20
_WORKER_BYTES = 350 * 2**20
_MAX_SLOTS = 8
_HOLDOUT_ROWS = 20_000
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

    def spaces(self) -> dict[str, Mapping[str, Parameter]]:
        """The search space of each learner in the portfolio."""
        names = dict.fromkeys(entry.learner for entry in self.portfolio)
        return {name: LEARNERS.load(name)().space(self.problem.output(0), self.shape) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record = {**vars(self), "problem": self.problem.to_dict()}
        record["shape"] = asdict(self.shape)
        record["portfolio"] = [asdict(entry) for entry in self.portfolio]
        record["decisions"] = [asdict(decision) for decision in self.decisions]
        jsonable: dict[str, Any] = to_jsonable(record)
        return jsonable


def fold_count(rows: int) -> int:
    """Folds for so many rows: more where each row counts, fewer where each fit costs.

    Examples
    --------
    >>> [fold_count(rows) for rows in (100, 1_000, 10_000, 50_000, 500_000)]
    [8, 8, 5, 4, 3]
    """
    if rows <= 2_000:
        return 8
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
    """Seconds for the end: 6% of the time and half a second, at most 30 s; less of very short runs."""
    if budget.seconds is None:
        return 0.0
    return min(0.06 * budget.seconds + 0.5, 0.25 * budget.seconds, 30.0)


def _portfolio(
    problem: Problem,
    shape: Shape,
    worker_bytes: int,
    decisions: list[Decision],
    wanted: Collection[str] = (),
) -> tuple[Planned, ...]:
    """The learners' candidates, one of each in turn, without those that do not fit."""
    columns: list[list[Planned]] = []
    for name in LEARNERS:
        if name == "constant" or (wanted and name not in wanted):
            continue
        try:
            columns.append(_candidates(name, problem, shape, worker_bytes, decisions))
        except Exception as error:
            if LEARNERS.package(name) is None:
                raise
            # a learner of somebody else must not stop the others
            why = "" if isinstance(error, BadInput) else f"it fails with {type(error).__name__}: "
            decisions.append(Decision(f"no {name}", f"{why}{error}"))
    longest = max((len(column) for column in columns), default=0)
    return tuple(column[turn] for turn in range(longest) for column in columns if turn < len(column))


def _candidates(
    name: str, problem: Problem, shape: Shape, worker_bytes: int, decisions: list[Decision]
) -> list[Planned]:
    """One learner's candidates that a worker has the memory for."""
    learner: Learner = LEARNERS.load(name)()
    single = problem.output(0)
    reason = learner.supports(single, shape)
    if reason is not None:
        decisions.append(Decision(f"no {name}", reason))
        return []
    learner.space(single, shape)  # asked for again when the search begins: here it may fail
    entries: list[Planned] = []
    for candidate in learner.portfolio(single, shape):
        cost = learner.estimate(shape, candidate.config)
        label = f"{name} ({candidate.label})" if candidate.label else name
        if cost.bytes > worker_bytes:
            decisions.append(
                Decision(
                    f"no {label}",
                    f"it would need about {format_bytes(cost.bytes)} of memory, and a worker may use "
                    f"{format_bytes(worker_bytes)}",
                )
            )
            continue
        seconds = cost.seconds * (problem.outputs if problem.task.has_outputs else 1)
        entries.append(Planned(name, label, candidate.config, seconds))
    return entries


def make_plan(
    problem: Problem,
    shape: Shape,
    budget: Budget,
    *,
    folds: int,
    request: TrainRequest,
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
    worker_bytes = max(
        _WORKER_BYTES // 2, (budget.memory_bytes - _DRIVER_BYTES) // slots - _WORKER_BYTES // 2
    )
    wanted = as_names(request.learners, "learner")
    portfolio = _portfolio(problem, per_fold, worker_bytes, noted, wanted)
    if not portfolio:
        reasons = "; ".join(f"{decision.what}: {decision.why}" for decision in noted)
        raise OptionError(f"No learner can be used for this task on this data ({reasons}). Allow others.")
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
    )
