"""From what a caller asks for to data that is ready and a plan: what a run does before its first fit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from modelwright.automl.bundle import check_output
from modelwright.automl.foresee import busyness, foresee, view_bytes
from modelwright.automl.plan import Plan, make_plan
from modelwright.automl.prepare import Prepared, findings_of, prepare
from modelwright.automl.request import TrainRequest
from modelwright.automl.undo import followed
from modelwright.core import Budget, BudgetTooSmall, OptionError, format_seconds
from modelwright.core.events import (
    ColumnTreated,
    DataRead,
    Event,
    FindingMade,
    Listener,
    PlanMade,
    StageEntered,
    Warned,
)
from modelwright.ensemble import TargetFacts
from modelwright.execution.memory import pss_bytes

__all__ = ["Emit", "emit_to", "plan_only", "plan_run", "read_data"]

_SHORTEST_FIT = 1.0
"""Seconds that must be left for fitting when the data is ready, or the budget was too small."""

Emit = Callable[[Event], None]
"""Tells an event to whoever listens."""


def emit_to(listeners: Sequence[Listener]) -> Emit:
    """What tells every listener of each event, in their order."""

    def emit(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return emit


def plan_only(request: TrainRequest, listeners: Sequence[Listener] = ()) -> Plan:
    """What a training would do and take: reads and checks the data, fits nothing, writes nothing.

    Parameters
    ----------
    request : TrainRequest
    listeners : sequence of callables
        Each is told every event.

    Raises
    ------
    BadInput
        If something that was given cannot be used.
    BudgetTooSmall
        If the time cannot produce a model.
    """
    request = followed(request)
    request.check()
    if request.resume is not None:
        raise OptionError("A run that is resumed has its plan already: see 'modelwright runs show RUN'.")
    budget, emit = request.budget(), emit_to(listeners)
    prepared = read_data(request, budget, emit, budget.seconds)
    return plan_run(request, prepared, budget, emit)


def read_data(request: TrainRequest, budget: Budget, emit: Emit, limit: float | None) -> Prepared:
    """Read, check and encode the data, and tell of what was found.

    Parameters
    ----------
    request : TrainRequest
    budget : Budget
    emit : callable
        Is told every event.
    limit : float or None
        Seconds that costly parts should suit; see `prepare`.
    """
    emit(StageEntered(stage="reading and checking the data", seconds=budget.elapsed))
    budget.clock.enter("reading and checking")
    if request.output is not None:
        check_output(Path(request.output).expanduser().absolute())
    prepared = prepare(request, None if budget.reproducible else limit)
    emit(
        DataRead(
            rows=prepared.source.rows,
            columns=prepared.source.columns,
            source=prepared.source.location or prepared.source.kind,
            seconds=budget.elapsed,
        )
    )
    for column in prepared.schema:
        if not column.is_feature and column.name not in prepared.problem.targets:
            emit(
                ColumnTreated(
                    column=column.name,
                    treatment=str(column.role),
                    reason=column.reason,
                    seconds=budget.elapsed,
                )
            )
    for finding in findings_of(prepared):
        emit(
            FindingMade(
                check=finding.check,
                severity=finding.severity,
                message=finding.message,
                column=finding.column,
                action=finding.action,
                seconds=budget.elapsed,
            )
        )
    return prepared


def plan_run(request: TrainRequest, prepared: Prepared, budget: Budget, emit: Emit) -> Plan:
    """Make the plan, with the forecast of what it will take, and tell of both.

    Parameters
    ----------
    request : TrainRequest
    prepared : Prepared
    budget : Budget
    emit : callable
        Is told every event.

    Raises
    ------
    BudgetTooSmall
        If too little time is left for a fit.
    """
    shape = prepared.data.view.shape(prepared.problem.outputs)
    plan = make_plan(
        prepared.problem,
        shape,
        budget,
        folds=len(prepared.data.folds.valid),
        request=request,
        facts=TargetFacts.of(prepared.problem, prepared.data.target),
        decisions=prepared.decisions,
    )
    if budget.remaining - plan.reserve < _SHORTEST_FIT:
        minimum = budget.elapsed + plan.reserve + 2 * _SHORTEST_FIT
        raise BudgetTooSmall(
            f"Reading and checking the data took {format_seconds(budget.elapsed)} of "
            f"{format_seconds(budget.seconds or 0.0)}, too little is left to fit a model. Give at least "
            f"{format_seconds(minimum)}.",
            minimum,
        )
    view = prepared.data.view
    foreseen = foresee(plan, request, budget, pss_bytes(os.getpid()), view_bytes(view), busyness())
    plan = replace(plan, forecast=foreseen)
    emit(PlanMade(plan=plan.to_dict(), seconds=budget.elapsed))
    for note in plan.forecast.notes if plan.forecast else ():
        emit(Warned(message=note, seconds=budget.elapsed))
    return plan
