"""One training call from end to end: read, plan, fit, deliver, record."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelwright.automl.delivery import keep_time, settle
from modelwright.automl.environment import machine
from modelwright.automl.finish import Delivery, deliver
from modelwright.automl.forecast import Forecast
from modelwright.automl.foresee import view_bytes
from modelwright.automl.interruption import Interruption, listening
from modelwright.automl.measuring import delivered_seconds, seconds_of_parts
from modelwright.automl.model import Model
from modelwright.automl.plain_member import fit_plain_member
from modelwright.automl.plan import Plan, slots_for
from modelwright.automl.planning import Emit, emit_to, plan_run, read_data
from modelwright.automl.prepare import Prepared
from modelwright.automl.processor_time import processor_seconds
from modelwright.automl.request import TrainOutcome, TrainRequest
from modelwright.automl.runner import Run, RunState
from modelwright.automl.undo import followed
from modelwright.core import (
    BadInput,
    Budget,
    BudgetTooSmall,
    Executor,
    Interrupted,
    ModelwrightError,
    StorageError,
    format_bytes,
    format_seconds,
    parse_duration,
    to_jsonable,
)
from modelwright.core.events import (
    FoldFinished,
    Listener,
    RunFinished,
    RunStarted,
    StageEntered,
    TrialFinished,
    Warned,
)
from modelwright.ensemble import ENTRY, write_fold_data
from modelwright.execution import InlineExecutor, LocalExecutor
from modelwright.learners import LEARNERS
from modelwright.search import Planned
from modelwright.storage import NewModel, RunRecord, Workspace
from modelwright.storage.rows import new_id

__all__ = ["execute"]

_LEFT_AFTER_MEASURING = 1.5
"""Seconds for registering and recording the model after its speed was measured."""


def execute(request: TrainRequest, listeners: Sequence[Listener] = ()) -> TrainOutcome:
    """Train a model, or take up a run that did not end.

    Parameters
    ----------
    request : TrainRequest
    listeners : sequence of callables
        Each is told every event.

    Raises
    ------
    BadInput
        If something that was given cannot be used; nothing has been written then.
    BudgetTooSmall
        If the time cannot produce a model; the message names the minimum.
    Interrupted
        If the user stopped before any model existed.
    """
    request = followed(request)
    emit = emit_to(listeners)
    request.check()
    with ExitStack() as stack:
        interruption = stack.enter_context(listening())
        if request.resume is not None:
            return _resume(request, emit, interruption, stack)
        budget = request.budget()
        executor = _executor(request, budget)
        stack.enter_context(executor)
        prepared = read_data(request, budget, emit, budget.seconds)
        plan = plan_run(request, prepared, budget, emit)
        _refuse_if_interrupted(interruption)
        workspace = stack.enter_context(Workspace.open(request.workspace))
        _check_disk(workspace, prepared)
        parameters = {**request.to_dict(), "name": request.model_name()}
        run_id = new_id()
        stack.enter_context(workspace.run_lock(run_id))
        record = workspace.runs.create(
            request.model_name(),
            parameters,
            source=prepared.source.to_dict(),
            data_hash=prepared.source.sha256,
            plan=plan.to_dict(),
            seed=request.seed,
            run_id=run_id,
        )
        attempt = _Attempt(request, plan, prepared, budget, workspace, record, emit)
        return attempt.run(executor, interruption)


def _resume(request: TrainRequest, emit: Emit, interruption: Interruption, stack: ExitStack) -> TrainOutcome:
    """Take up a run where an earlier attempt left it."""
    workspace = stack.enter_context(Workspace.open(request.workspace))
    run_id = workspace.runs.get(request.resume or "last").id
    stack.enter_context(workspace.run_lock(run_id))
    record = workspace.runs.get(run_id)
    if record.status == "finished":
        return _already_finished(record)
    merged = request.resumed(record.parameters)
    merged = replace(merged, time_limit=_remaining_time(request, record))
    if merged.data is None:
        raise BadInput(
            f"The run {record.id} was trained on a table in memory, which no record can hold. Give the same "
            "data again to resume it."
        )
    budget = merged.budget()
    executor = _executor(merged, budget)
    stack.enter_context(executor)
    # By the limit of the first attempt: other features would make its folds useless.
    first_limit = parse_duration(record.parameters["time_limit"] or "60s")
    prepared = read_data(merged, budget, emit, first_limit)
    if prepared.source.sha256 != record.data_hash:
        raise BadInput(
            f"The run {record.id} was started on other data: its hash was {record.data_hash[:12]}..., but "
            f"the data now has {prepared.source.sha256[:12]}.... Give the original data, or start a new run."
        )
    plan = replace(
        plan_run(merged, prepared, budget, emit), portfolio=_recorded_portfolio(record), seed=record.seed
    )
    plan = replace(plan, forecast=_recorded_forecast(record) or plan.forecast)
    record = workspace.runs.begin_attempt(run_id)
    attempt = _Attempt(merged, plan, prepared, budget, workspace, record, emit)
    return attempt.run(executor, interruption)


def _recorded_portfolio(record: RunRecord) -> tuple[Planned, ...]:
    return tuple(Planned(**entry) for entry in record.plan["portfolio"])


def _recorded_forecast(record: RunRecord) -> Forecast | None:
    """What was foreseen when the run began; nothing in records of older versions."""
    found = record.plan.get("forecast")
    return None if found is None else Forecast.from_dict(found)


def _remaining_time(request: TrainRequest, record: RunRecord) -> str | float:
    """What the user gives for the rest, else what the earlier attempts left of the limit."""
    if request.time_limit is not None:
        return request.time_limit
    limit = parse_duration(record.parameters["time_limit"] or "60s")
    return max(limit - record.elapsed_seconds, 0.1 * limit, 10.0)


def _already_finished(record: RunRecord) -> TrainOutcome:
    model = Model.load(record.summary["model"])
    return TrainOutcome(model, dict(record.summary), interrupted=False)


def _executor(request: TrainRequest, budget: Budget) -> LocalExecutor | InlineExecutor:
    """Workers start while the data is read: what they import is ready when the first fit begins."""
    slots, threads = slots_for(budget)
    if request.executor == "inline":
        return InlineExecutor(memory_bytes=budget.memory_bytes, threads_per_slot=budget.threads)
    wanted = request.competitors() or tuple(LEARNERS)
    engines = [engine for name in wanted for engine in _engines(name)]
    return LocalExecutor(
        slots,
        memory_bytes=budget.memory_bytes,
        threads_per_slot=threads,
        preload=[ENTRY.partition(":")[0], *dict.fromkeys(engines)],
    )


def _engines(name: str) -> tuple[str, ...]:
    """What a learner imports; nothing where it cannot be loaded, which the plan tells."""
    try:
        return tuple(LEARNERS.load(name).engines)
    except BadInput:
        return ()


def _refuse_if_interrupted(interruption: Interruption) -> None:
    if interruption():
        raise Interrupted("Stopped before any model existed; nothing was kept.")


def _check_disk(workspace: Workspace, prepared: Prepared) -> None:
    """Refuse to begin what the disk cannot hold."""
    needed = 2 * view_bytes(prepared.data.view) + 64 * 2**20
    free = shutil.disk_usage(workspace.root).free
    if free < needed:
        raise BadInput(
            f"The workspace {str(workspace.root)!r} needs about {format_bytes(needed)} of free disk, but "
            f"{format_bytes(free)} are free. Make room, or give another --workspace."
        )


class _Attempt:
    """One attempt to carry out a recorded run."""

    def __init__(
        self,
        request: TrainRequest,
        plan: Plan,
        prepared: Prepared,
        budget: Budget,
        workspace: Workspace,
        record: RunRecord,
        emit: Emit,
    ) -> None:
        self._request, self._plan, self._prepared = request, plan, prepared
        self._budget, self._workspace, self._record = budget, workspace, record
        self._emit = emit
        self._fitted, self._fits = False, 0

    def run(self, executor: LocalExecutor | InlineExecutor, interruption: Interruption) -> TrainOutcome:
        """Fit, deliver, record."""
        with self._recording_failure():
            run = Run(self._plan, self._prepared, self._budget, self._workspace, self._record.id, executor)
            write_fold_data(self._prepared.data, run.data_directory)
            keep_time(self._request, self._plan, self._budget, run)
            self._tell_start()
            self._fit(run, interruption)
            self._plan = replace(self._plan, reserve=run.reserve)
            self._refuse_constant(run.state, interruption)
            self._fitted = True
            self._emit(StageEntered(stage="choosing the ensemble", seconds=self._budget.elapsed))
            self._budget.clock.enter("choosing")
            delivery = self._deliver(run, interruption)
            speed = delivered_seconds(
                run.work, delivery.path, self._prepared.example, run.directory / "holdout", self._patience()
            )
            executor.close()
            self._register(delivery)
            model = Model.load(delivery.path)
            summary = self._summary(delivery, run.state, executor)
            summary["forecast"] = None if self._plan.forecast is None else self._plan.forecast.to_dict()
            summary["actual"] = self._actual(model, run.state, speed, summary)
            self._close(summary, interruption())
            return TrainOutcome(model, summary, interruption())

    def _tell_start(self) -> None:
        self._emit(
            RunStarted(
                run=self._record.id,
                name=self._record.name,
                target=self._plan.problem.target,
                task=str(self._plan.problem.task),
                metric=self._prepared.metric.name,
                budget_seconds=self._budget.seconds,
                resumed=self._record.attempts > 1,
                seconds=self._budget.elapsed,
            )
        )
        self._emit(StageEntered(stage="searching for models", seconds=self._budget.elapsed))
        self._budget.clock.enter("scheduling and scoring trials")

    def _fit(self, run: Run, interruption: Interruption) -> None:
        before = self._record.elapsed_seconds
        for event in run.fit(interruption):
            self._emit(event)
            self._fits += isinstance(event, FoldFinished)
            if isinstance(event, TrialFinished):
                self._workspace.runs.update(self._record.id, elapsed_seconds=before + self._budget.elapsed)
        if run.state.deadline_hit:
            self._emit(
                Warned(
                    message="The time limit cut a fit short: this run's models depend on the clock, and "
                    "another run with the same seed may differ. Give more time.",
                    seconds=self._budget.elapsed,
                )
            )

    def _refuse_constant(self, state: RunState, interruption: Interruption) -> None:
        """A run that had no time for anything but the constant has no model to deliver.

        Raises
        ------
        BudgetTooSmall
            If no fold of any trial was finished, and no trial failed for another reason.
        OptionError
            If the metric could score no model.
        """
        real = [trial for trial in state.trials.all() if trial.origin != "baseline"]
        if any(trial.results or trial.failure for trial in real):
            state.trials.require_score()
        if any(trial.results for trial in real):
            return
        reasons = [f"{trial.label}: {trial.failure}" for trial in real if trial.failure]
        if not reasons and not interruption() and self._budget.seconds is not None:
            minimum = 2 * self._budget.seconds
            raise BudgetTooSmall(
                f"No model could be fitted within {format_seconds(self._budget.seconds)}. Give at least "
                f"{format_seconds(minimum)}.",
                minimum,
            )
        why = f" ({'; '.join(reasons[:3])})" if reasons else ""
        self._emit(
            Warned(
                message=f"No trial succeeded{why}: the model always answers the same.",
                seconds=self._budget.elapsed,
            )
        )

    def _deliver(self, run: Run, interruption: Interruption) -> Delivery:
        facts = {
            "name": self._record.name,
            "run": self._record.id,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "deadline_hit": run.state.deadline_hit,
            "request": self._request.bundled(),
            "machine": machine(),
        }
        if self._request.output is not None:
            target = Path(self._request.output).expanduser().absolute()
        else:
            target = self._workspace.models_directory / f"{self._record.name}-{self._record.id}.mw"
        settled = settle(self._request, self._plan, self._prepared, self._budget, run, interruption)
        left = 0.0 if interruption() else self._budget.remaining - self._plan.reserve
        chosen = settled.composition.selection
        run.state.plain = fit_plain_member(self._plan, self._prepared, run, chosen, left)
        self._budget.clock.enter("scoring and writing the model")
        delivery = deliver(self._plan, self._prepared, run.state, target, facts, settled, run.predict)
        if delivery.settled.warning:
            self._emit(Warned(message=delivery.settled.warning, seconds=self._budget.elapsed))
        return delivery

    def _register(self, delivery: Delivery) -> None:
        """Give the model its version, unless an earlier attempt got as far as that."""
        known = [model for model in self._workspace.models.all() if model.run == self._record.id]
        if known:
            return
        score = delivery.manifest["score"]
        self._workspace.models.register(
            NewModel(
                name=self._record.name,
                path=delivery.path,
                run=self._record.id,
                artifact=self._workspace.artifacts.put_tree(
                    delivery.path, share=self._request.output is None
                ),
                metric=score["metric"],
                task=delivery.manifest["task"],
                target=self._plan.problem.target,
                score=score["value"],
                summary={
                    "interval": score["interval"],
                    "source": score["source"],
                    "targets": list(self._plan.problem.targets),
                },
            )
        )

    def _summary(self, delivery: Delivery, state: RunState, executor: Executor) -> dict[str, Any]:
        score = delivery.manifest["score"]
        real = [trial for trial in state.trials.all() if trial.origin != "baseline"]
        summary: dict[str, Any] = to_jsonable(
            {
                "run": self._record.id,
                "model": str(delivery.path),
                "name": self._record.name,
                "task": delivery.manifest["task"],
                "metric": score["metric"],
                "score": score["value"],
                "interval": score["interval"],
                "score_source": score["source"],
                "wall_seconds": round(self._budget.elapsed, 3),
                "first_model_seconds": state.first_model_seconds,
                "peak_memory_mb": round(executor.peak_memory_bytes / 2**20, 1),
                "cpu_seconds": processor_seconds(self._budget.clock, state.workers, executor),
                "trials": len(real),
                "failed_trials": sum(bool(trial.failure) for trial in real),
                "adopted_folds": state.adopted,
                "repeated_folds": state.repeated,
                "deadline_hit": state.deadline_hit,
                "stopped_when_flat": state.flat,
                "leaderboard": delivery.leaderboard.to_dict()["entries"],
            }
        )
        return summary

    def _patience(self) -> float:
        """Seconds that measuring the delivered model may take: some of those left, none if they are few."""
        return min(2.0, self._budget.remaining - _LEFT_AFTER_MEASURING)

    def _actual(
        self, model: Model, state: RunState, speed: Mapping[str, float], summary: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the forecast is compared with, by the names it has there."""
        parts = seconds_of_parts(model, state.trials)
        return {
            "seconds": round(self._record.elapsed_seconds + self._budget.elapsed, 3),
            "memory_bytes": int(summary["peak_memory_mb"] * 2**20),
            "model_bytes": sum(path.stat().st_size for path in model.path.rglob("*") if path.is_file()),
            "row_seconds": speed.get("row_seconds", parts),
            "rows_per_second": speed.get("rows_per_second"),
            "is_sum_of_parts": not speed and parts is not None,
            "trials": summary["trials"],
            "fits": self._fits,
        }

    def _close(self, summary: Mapping[str, Any], interrupted: bool) -> None:
        """Record the end. An interrupted run stays resumable, so its folds are kept."""
        elapsed = self._record.elapsed_seconds + self._budget.elapsed
        self._workspace.runs.update(
            self._record.id,
            status="unfinished" if interrupted else "finished",
            summary=summary,
            elapsed_seconds=elapsed,
        )
        if not interrupted:
            self._clear()
        self._emit(
            RunFinished(
                run=self._record.id,
                bundle=summary["model"],
                summary=summary,
                seconds=self._budget.elapsed,
            )
        )

    def _clear(self) -> None:
        """Remove what only a resumed run would need."""
        directory = self._workspace.run_directory(self._record.id)
        for name in ("data", "folds", "holdout"):
            shutil.rmtree(directory / name, ignore_errors=True)

    @contextmanager
    def _recording_failure(self) -> Iterator[None]:
        try:
            yield
        except (ModelwrightError, OSError, MemoryError, ArithmeticError, ValueError) as error:
            # A disk that is full or gone is no fault of the run: what it fitted can be resumed.
            resumable = self._fitted and isinstance(error, (OSError, BadInput, StorageError))
            self._workspace.runs.update(
                self._record.id,
                status="unfinished" if resumable else "failed",
                error=str(error) or type(error).__name__,
                elapsed_seconds=self._record.elapsed_seconds + self._budget.elapsed,
            )
            if not resumable:
                self._clear()
            raise
