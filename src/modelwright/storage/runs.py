"""Records of runs, their trials and their folds. One driver writes a run; anybody may read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, exists, insert, select, update

from modelwright.core import BadInput, StorageError, UnknownName, nearest
from modelwright.storage import schema
from modelwright.storage.database import Database
from modelwright.storage.rows import FoldKey, FoldRecord, RunRecord, RunStatus, TrialRecord, new_id, utc_now

__all__ = ["RunRecords"]


class RunRecords:
    """Runs, trials and folds of a workspace: ``workspace.runs``.

    Life of a run: `create`; for each trial `save_trial`; for each of its folds `fold_intent` *before* the
    work is submitted and `fold_finished` or `fold_failed` after; `update_trial`; at the end `update` with
    the status. After a crash: `begin_attempt`, which marks what was under way as lost, then go on with
    `trials` and `folds`. Each call is one committed transaction, which outlives a ``kill -9``.

    Parameters
    ----------
    database : Database
        Open and up to date.

    Examples
    --------
    >>> import tempfile
    >>> from modelwright.storage import Workspace
    >>> with tempfile.TemporaryDirectory() as place, Workspace.open(place) as workspace:
    ...     run = workspace.runs.create("churn", {"target": "churned"}, seed=7)
    ...     trial = workspace.runs.save_trial(TrialRecord(run.id, 0, "lightgbm", "LightGBM", {"leaves": 39}))
    ...     key = FoldKey(run.id, 0, fold=0)
    ...     workspace.runs.fold_intent(key)
    ...     recorded = workspace.runs.fold_finished(key, score=0.81, seconds=1.5, artifact="trial-0/fold-0")
    ...     ended = workspace.runs.update(run.id, status="finished")
    ...     workspace.runs.get("last").status, recorded, workspace.runs.folds(run.id)[0].score
    ('finished', True, 0.81)
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        parameters: Mapping[str, Any],
        *,
        source: Mapping[str, Any] | None = None,
        data_hash: str = "",
        plan: Mapping[str, Any] | None = None,
        seed: int = 0,
        run_id: str | None = None,
    ) -> RunRecord:
        """Record a new, unfinished run.

        Parameters
        ----------
        name : str
            What the user calls it; need not be unique.
        parameters : mapping
            Everything that is needed to resume it. JSON-able; no passwords.
        source : mapping, optional
            Where the data came from.
        data_hash : str, default ""
            Identifies the data.
        plan : mapping, optional
            What was decided; can be given later by `update`.
        seed : int, default 0
            Of the run.
        run_id : str, optional
            From `modelwright.storage.rows.new_id`, for a caller that locked the run before it existed.

        Returns
        -------
        RunRecord
            With its id, as the first attempt.
        """
        now = utc_now()
        record = RunRecord(
            id=run_id or new_id(),
            name=_clean(name),
            status="unfinished",
            created=now,
            updated=now,
            finished=None,
            parameters=dict(parameters),
            plan=dict(plan or {}),
            data_hash=data_hash,
            source=dict(source or {}),
            seed=seed,
            elapsed_seconds=0.0,
            summary={},
            error="",
            attempts=1,
        )
        self._database.write(
            lambda connection: connection.execute(insert(schema.runs).values(asdict(record)))
        )
        return self.get(record.id)

    def begin_attempt(self, run_id: str) -> RunRecord:
        """Record that a run is taken up again; folds that were under way become ``"lost"``.

        Hold the run's lock: nobody else may be working on it.

        Returns
        -------
        RunRecord
            Unfinished again, with one more attempt.

        Raises
        ------
        UnknownName
            If there is no such run.
        """
        runs, folds = schema.runs, schema.folds
        now = utc_now()
        started = update(runs).where(runs.c.id == run_id)
        started = started.values(
            attempts=runs.c.attempts + 1, status="unfinished", updated=now, finished=None, error=""
        )
        lost = update(folds).where(folds.c.run == run_id, folds.c.status == "intent")
        lost = lost.values(status="lost", updated=now, error="The run was interrupted.")

        def work(connection: Any) -> int:
            connection.execute(lost)
            return int(connection.execute(started).rowcount)

        if not self._database.write(work):
            raise self._unknown(run_id)
        return self.get(run_id)

    def update(
        self,
        run_id: str,
        *,
        status: RunStatus | None = None,
        plan: Mapping[str, Any] | None = None,
        data_hash: str | None = None,
        summary: Mapping[str, Any] | None = None,
        error: str | None = None,
        elapsed_seconds: float | None = None,
    ) -> RunRecord:
        """Change what is given, leave the rest; the time of the end follows from the status.

        Returns
        -------
        RunRecord
            As it is now.

        Raises
        ------
        UnknownName
            If there is no such run.
        """
        given = {
            "status": status,
            "plan": None if plan is None else dict(plan),
            "data_hash": data_hash,
            "summary": None if summary is None else dict(summary),
            "error": None if error is None else _clean(error),
            "elapsed_seconds": elapsed_seconds,
        }
        now = utc_now()
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        changes["updated"] = now
        if status is not None:
            changes["finished"] = None if status == "unfinished" else now
        if not self._change(schema.runs, schema.runs.c.id == run_id, changes):
            raise self._unknown(run_id)
        return self.get(run_id)

    def get(self, reference: str) -> RunRecord:
        """One run.

        Parameters
        ----------
        reference : str
            Its id, the beginning of its id if no other begins so, or ``"last"``: the last one created.

        Raises
        ------
        UnknownName
            If there is no such run; the message names the nearest.
        BadInput
            If several ids begin so.
        """
        runs = schema.runs
        newest = select(runs).order_by(runs.c.created.desc(), runs.c.id.desc())
        if reference == "last":
            rows = self._database.rows(newest.limit(1))
        else:
            rows = self._database.rows(newest.where(runs.c.id == reference))
            if not rows and reference:
                beginning = runs.c.id.startswith(reference, autoescape=True)
                rows = self._database.rows(newest.where(beginning).limit(4))
        if not rows:
            raise self._unknown(reference)
        if len(rows) > 1:
            found = ", ".join(str(row.id) for row in rows[:3]) + (", ..." if len(rows) > 3 else "")
            raise BadInput(f"Several runs begin with {reference!r}: {found}. Give more of the id.")
        return RunRecord(**rows[0]._mapping)

    def all(self, status: RunStatus | None = None) -> tuple[RunRecord, ...]:
        """Every run, or those with a status, newest first."""
        runs = schema.runs
        statement = select(runs).order_by(runs.c.created.desc(), runs.c.id.desc())
        if status is not None:
            statement = statement.where(runs.c.status == status)
        return tuple(RunRecord(**row._mapping) for row in self._database.rows(statement))

    def delete(self, run_id: str) -> None:
        """Remove the records of a run, its trials and its folds (its models stay).

        Files are not touched: `Workspace.delete_run` does both, under the run's lock.

        Raises
        ------
        UnknownName
            If there is no such run.
        """
        statement = delete(schema.runs).where(schema.runs.c.id == run_id)
        if not self._database.write(lambda connection: connection.execute(statement).rowcount):
            raise self._unknown(run_id)

    def save_trial(self, trial: TrialRecord) -> TrialRecord:
        """Record a trial; one with the same number is replaced, its folds and its creation time stay.

        Returns
        -------
        TrialRecord
            With the time of its creation.

        Raises
        ------
        UnknownName
            If there is no such run.
        """
        trials = schema.trials
        values = asdict(trial)
        values |= {
            "label": _clean(trial.label),
            "error": _clean(trial.error),
            "score": _finite(trial.score),
        }
        this = and_(trials.c.run == trial.run, trials.c.number == trial.number)
        parent = select(schema.runs.c.id).where(schema.runs.c.id == trial.run)
        saved = select(trials.c.created).where(this)

        def work(connection: Any) -> bool:
            if connection.execute(parent).first() is None:
                return False
            before = connection.execute(saved).scalar()
            values["created"] = trial.created or before or utc_now()
            save = insert(trials) if before is None else update(trials).where(this)
            connection.execute(save.values(values))
            return True

        if not self._database.write(work):
            raise self._unknown(trial.run)
        return TrialRecord(**values)

    def update_trial(
        self,
        run_id: str,
        number: int,
        *,
        status: str,
        score: float | None = None,
        error: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Record what became of a trial; ``details``, when given, replace those it had.

        Raises
        ------
        UnknownName
            If there is no such trial.
        """
        trials = schema.trials
        changes: dict[str, Any] = {"status": status, "score": _finite(score), "error": _clean(error)}
        if details is not None:
            changes["details"] = dict(details)
        if not self._change(trials, and_(trials.c.run == run_id, trials.c.number == number), changes):
            raise UnknownName(f"The run {run_id!r} has no trial {number}. Save it before it is updated.")

    def trials(self, run_id: str) -> tuple[TrialRecord, ...]:
        """The trials of a run in the order of their numbers."""
        trials = schema.trials
        statement = select(trials).where(trials.c.run == run_id).order_by(trials.c.number)
        return tuple(TrialRecord(**row._mapping) for row in self._database.rows(statement))

    def fold_intent(self, key: FoldKey) -> None:
        """Record that a fold is about to be submitted; committed when this returns.

        Raises
        ------
        UnknownName
            If the trial was not saved.
        StorageError
            If this very attempt was recorded before.
        """
        now = utc_now()
        values = asdict(key) | {
            "status": "intent",
            "score": None,
            "seconds": None,
            "artifact": "",
            "error": "",
            "created": now,
            "updated": now,
            "details": {},
        }
        trials = schema.trials
        parent = select(trials.c.number).where(trials.c.run == key.run, trials.c.number == key.trial)

        def work(connection: Any) -> bool:
            if connection.execute(parent).first() is None:
                return False
            if connection.execute(select(schema.folds.c.fold).where(_is_fold(key))).first() is not None:
                raise StorageError(
                    f"Attempt {key.attempt} of fold {key.fold} of trial {key.trial} of run {key.run} is "
                    f"recorded already. Use the next number."
                )
            connection.execute(insert(schema.folds).values(values))
            return True

        if not self._database.write(work):
            raise UnknownName(f"The run {key.run!r} has no trial {key.trial}. Save it before its folds.")

    def fold_finished(
        self,
        key: FoldKey,
        *,
        score: float | None,
        seconds: float,
        artifact: str,
        details: Mapping[str, Any] | None = None,
    ) -> bool:
        """Record the result of a fold, unless it comes too late.

        Parameters
        ----------
        key : FoldKey
            As given to `fold_intent`.
        score : float or None
            On the validation rows; NaN is kept as None.
        seconds : float
            Wall time of the fit.
        artifact : str
            Directory with the fold's files, relative to the run's directory.
        details : mapping, optional
            Anything else that is worth keeping.

        Returns
        -------
        bool
            False if it was refused: the attempt ended before (lost, timed out) or a newer one began.

        Raises
        ------
        UnknownName
            If the attempt was never recorded.
        """
        changes = {
            "status": "done",
            "score": _finite(score),
            "seconds": _finite(seconds),
            "artifact": artifact,
            "details": dict(details or {}),
        }
        return self._end_fold(key, changes)

    def fold_failed(
        self, key: FoldKey, error: str, *, status: str = "failed", seconds: float | None = None
    ) -> bool:
        """Record that an attempt came to nothing; ``status`` says how. See `fold_finished`."""
        return self._end_fold(key, {"status": status, "error": _clean(error), "seconds": _finite(seconds)})

    def folds(self, run_id: str, trial: int | None = None) -> tuple[FoldRecord, ...]:
        """Every attempt of every fold of a run (or one trial), by trial, fold and attempt."""
        folds = schema.folds
        statement = select(folds).where(folds.c.run == run_id)
        if trial is not None:
            statement = statement.where(folds.c.trial == trial)
        statement = statement.order_by(folds.c.trial, folds.c.fold, folds.c.attempt)
        return tuple(FoldRecord(**row._mapping) for row in self._database.rows(statement))

    def _end_fold(self, key: FoldKey, changes: dict[str, Any]) -> bool:
        newer = schema.folds.alias("newer")
        overtaken = exists().where(
            newer.c.run == key.run,
            newer.c.trial == key.trial,
            newer.c.fold == key.fold,
            newer.c.attempt > key.attempt,
        )
        open_attempt = and_(_is_fold(key), schema.folds.c.status == "intent", ~overtaken)
        if self._change(schema.folds, open_attempt, changes | {"updated": utc_now()}):
            return True
        if not self._database.rows(select(schema.folds.c.status).where(_is_fold(key))):
            raise UnknownName(
                f"Attempt {key.attempt} of fold {key.fold} of trial {key.trial} of run {key.run!r} is not "
                f"recorded. Record the intent before the result."
            )
        return False

    def _change(self, table: Table, which: ColumnElement[bool], changes: dict[str, Any]) -> bool:
        statement = update(table).where(which).values(changes)
        return bool(self._database.write(lambda connection: connection.execute(statement).rowcount))

    def _unknown(self, reference: str) -> UnknownName:
        runs = schema.runs
        known = [
            str(row.id) for row in self._database.rows(select(runs.c.id).order_by(runs.c.created.desc()))
        ]
        if not known:
            return UnknownName(
                f"There is no run {reference!r}: the workspace {self._database.description} has no runs yet."
            )
        return UnknownName(
            f"There is no run {reference!r} in the workspace {self._database.description}."
            f"{nearest(reference, known)} The last one is {known[0]!r}."
        )


def _is_fold(key: FoldKey) -> ColumnElement[bool]:
    folds = schema.folds
    return and_(
        folds.c.run == key.run,
        folds.c.trial == key.trial,
        folds.c.fold == key.fold,
        folds.c.attempt == key.attempt,
    )


def _clean(text: str) -> str:
    """Text that every database takes: PostgreSQL knows no NUL, and neither knows half a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _finite(value: float | None) -> float | None:
    """The number, or None for NaN and infinities, which databases treat differently."""
    return float(value) if value is not None and math.isfinite(value) else None
