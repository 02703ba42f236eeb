"""What a caller asks for and what comes back: the arguments of a training call as one object."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.automl.limits import Limits
from modelwright.automl.problem_options import (
    as_costs,
    as_mitigation,
    as_monotonic,
    as_names,
    as_quantiles,
    as_sensitive,
    as_without,
    check_target,
)
from modelwright.automl.quality import quality_of
from modelwright.core import Budget, OptionError, Problem, Task
from modelwright.data import SqlQuery, recorded_source
from modelwright.features.holidays import public_holidays
from modelwright.learners import LEARNERS
from modelwright.search import SEARCHERS

if TYPE_CHECKING:
    from modelwright.automl.model import Model

__all__ = ["TrainOutcome", "TrainRequest"]

_LIMITS = ("max_latency_ms", "max_model_mb")

_UNRECORDED = ("started", "resume", "like", "undo", "replays")
"""What belongs to one call; `undone` tells what became of `like` and `undo`."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class TrainRequest:
    """The arguments of `modelwright.train`, unchecked; see there for what each one means.

    Attributes
    ----------
    undone : mapping or None
        What was reversed: ``run`` and ``model`` that decided it, ``ids`` of the choices, ``options``.
    replays : sequence of mapping
        Configurations to try in place of the portfolio, in this order: those of a run that is replayed.
    executor : str
        ``"local"``: supervised worker processes, or ``"inline"``: this process, for tiny jobs.
    started : float or None
        Moment on the monotonic clock from which the time limit counts; now, if None.
    """

    data: Any = None
    target: str | Sequence[str] | None = None
    task: str = "auto"
    metric: str | Callable[..., float] = "auto"
    time_limit: str | float | None = None
    memory_limit: str | int | None = None
    threads: int | None = None
    seed: int = 0
    max_trials: int | None = None
    search: str = "bayesian"
    stop_when_flat: bool = False
    group: str | None = None
    time_column: str | None = None
    weights: str | None = None
    holdout: Any = None
    name: str | None = None
    workspace: str | Path | None = None
    output: str | Path | None = None
    overrides: Mapping[str, str] | None = None
    resume: str | None = None
    query: str | None = None
    positive: Any = None
    costs: Any = None
    quantiles: Any = None
    monotonic: Mapping[str, Any] | None = None
    keep: str | Sequence[str] | None = None
    learners: str | Sequence[str] | None = None
    without: str | Sequence[str] | None = None
    group_features: bool = False
    country: str | None = None
    max_latency_ms: float | None = None
    max_model_mb: float | None = None
    refit: bool | str | None = "auto"
    distill: bool | str = False
    quality: str = "best"
    sensitive: Any = None
    mitigate: str | None = None
    folds: int | None = None
    like: str | Path | None = None
    undo: str | Sequence[str] | None = None
    undone: Mapping[str, Any] | None = None
    replays: Sequence[Mapping[str, Any]] = ()
    executor: str = "local"
    started: float | None = None

    def check(self) -> None:
        """Refuse what can be refused without reading any data.

        Raises
        ------
        OptionError
            If an argument makes no sense.
        """
        if self.data is None and self.resume is None:
            raise OptionError("Training needs data: a path, a data frame, or a run to resume.")
        if self.target is None and self.resume is None:
            raise OptionError("Training needs the name of the target column (--target COL).")
        check_target(self.target)
        for name, kinds in (
            ("overrides", Mapping),
            ("output", (str, Path)),
            ("name", str),
            ("workspace", (str, Path)),
        ):
            given = getattr(self, name)
            if given is not None and not isinstance(given, kinds):
                raise OptionError(f"The argument {name} cannot be {given!r} ({type(given).__name__}).")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise OptionError(f"The seed must be a whole number of 0 or more, but came as {self.seed!r}.")
        if self.name is not None and (not _NAME.fullmatch(self.name) or self.name.endswith(".mw")):
            raise OptionError(
                "A model's name may hold letters, digits, '.', '_' and '-', begins with a letter or digit "
                f"and does not end in '.mw', but came as {self.name!r}."
            )
        if self.group_features and self.group is None and self.resume is None:
            raise OptionError("Features of groups need a group column (--group COL).")
        if self.refit not in (True, False, None, "auto"):
            raise OptionError(f"refit must be True, False or 'auto', but came as {self.refit!r}.")
        self.limits()
        self.student()
        if quality_of(self.quality).readable and self.student():
            raise OptionError(
                f"The quality {self.quality!r} delivers one readable model, and a student of an ensemble is "
                "none. Give either --quality or --distill."
            )
        SEARCHERS.load(self.search)
        if self.stop_when_flat and self.max_trials is not None:
            raise OptionError(
                "A run of a given number of trials never looks at the clock, but ending when it is flat "
                "means to. Give either --max-trials or --stop-when-flat."
            )
        if self.folds is not None and (type(self.folds) is not int or self.folds < 2):
            raise OptionError(f"The number of folds must be 2 or more, but came as {self.folds!r}.")
        self.mitigation()
        as_without(self.without)
        as_names(self.keep, "column to keep")
        for name in as_names(self.learners, "learner"):
            LEARNERS.load(name)
        self.competitors()
        if self.country is not None:
            public_holidays(self.country, ())  # also where no column is a date

    def problem(self) -> Problem:
        """The problem as far as the arguments tell it.

        Raises
        ------
        OptionError
            If the arguments contradict each other.
        """
        problem = Problem.of(
            self.target or "", self.task, self.metric, self.group, self.time_column, self.weights
        )
        quantiles = as_quantiles(self.quantiles)
        if quantiles and problem.task not in (Task.AUTO, Task.QUANTILE):
            raise OptionError(f"Quantiles belong to the task 'quantile', but the task came as {self.task!r}.")
        if quantiles or problem.task is Task.QUANTILE:
            problem = replace(problem, task=Task.QUANTILE, quantiles=quantiles or (0.1, 0.5, 0.9))
        return replace(
            problem,
            positive=self.positive,
            costs=as_costs(self.costs),
            monotonic=as_monotonic(self.monotonic),
        )

    def source(self) -> Any:
        """What is read: the data, or the query on the database that it names."""
        if self.query is None:
            return self.data
        return SqlQuery(str(self.data), self.query)

    def skips(self, part: str) -> bool:
        """Whether the caller goes without a part of the treatment; see `problem_options.WITHOUT`."""
        return part in as_without(self.without)

    def limits(self) -> Limits:
        """What the delivered model may cost.

        Raises
        ------
        OptionError
            If a limit is no positive number.
        """
        return Limits.of(self.max_latency_ms, self.max_model_mb)

    def competitors(self) -> tuple[str, ...]:
        """The learners that may be tried; empty for all.

        Raises
        ------
        OptionError
            If the quality leaves out one that was asked for.
        """
        return quality_of(self.quality).learners(as_names(self.learners, "learner"))

    def mitigation(self) -> tuple[str, str]:
        """What is done about gaps between groups; see `problem_options.as_mitigation`.

        Raises
        ------
        OptionError
            If there is no such method, no groups to apply it to, or the target is sensitive itself.
        """
        method, constraint = as_mitigation(self.mitigate)
        names = as_sensitive(self.sensitive)
        targets = [self.target] if isinstance(self.target, str) else list(self.target or ())
        for name in targets:
            if name in names:
                raise OptionError(
                    f"The target {name!r} cannot be a sensitive column as well: groups are compared by what "
                    "is predicted for them. Name the column that divides people."
                )
        if method and not names and self.resume is None:
            raise OptionError(f"To mitigate by {method}, name the column of the groups (--sensitive COL).")
        return method, constraint

    def student(self) -> str:
        """Name of the learner that is taught what the ensemble says; empty for none.

        Raises
        ------
        OptionError
            If it is no learner's name.
        """
        if self.distill is None or isinstance(self.distill, bool):
            return "lightgbm" if self.distill else ""
        if not isinstance(self.distill, str):
            raise OptionError(
                f"distill must be True, False or a learner's name, but came as {self.distill!r}."
            )
        LEARNERS.load(self.distill)
        return self.distill

    def wants_refit(self, worthwhile: bool) -> bool:
        """Whether members are fitted once more on all rows: as asked for, else where it is worthwhile."""
        return worthwhile if self.refit in (None, "auto") else bool(self.refit)

    def budget(self) -> Budget:
        """The resources the call may use; the clock runs from `started`."""
        return Budget.of(
            "60s" if self.time_limit is None else self.time_limit,
            self.memory_limit,
            self.threads,
            self.max_trials,
            self.started,
        )

    def model_name(self) -> str:
        """The name of the model: as asked for, else after the data file, else after the target."""
        if self.name:
            return self.name
        if isinstance(self.data, (str, Path)):
            stem = Path(str(self.data).partition("?")[0]).name.split(".")[0]  # options may hold a password
        else:
            stem = self.target if isinstance(self.target, str) else "model"
        cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-._")[:80]
        return cleaned if _NAME.fullmatch(cleaned) else "model"

    def to_dict(self) -> dict[str, Any]:
        """What `--resume` needs, JSON-able: everything but data frames and functions."""
        record = {key: value for key, value in vars(self).items() if key not in _UNRECORDED}
        record["data"] = recorded_source(self.data)
        record["holdout"] = self._holdout_record()
        record["metric"] = self.metric if isinstance(self.metric, str) else None
        record["workspace"] = None if self.workspace is None else str(self.workspace)
        record["output"] = None if self.output is None else str(Path(self.output).absolute())
        record["overrides"] = dict(self.overrides or {})
        record["target"] = self.target if isinstance(self.target, str) else list(self.target or ())
        record["costs"] = [list(cost) for cost in as_costs(self.costs)]
        record["quantiles"] = list(as_quantiles(self.quantiles))
        record["monotonic"] = dict(as_monotonic(self.monotonic))
        record["keep"] = list(as_names(self.keep, "column to keep"))
        record["learners"] = list(as_names(self.learners, "learner"))
        record["without"] = list(as_without(self.without))
        record["sensitive"] = {name: list(cuts) for name, cuts in as_sensitive(self.sensitive).items()}
        return record

    def bundled(self) -> dict[str, Any]:
        """The record that a bundle keeps: what a training like it needs, without places on this machine."""
        return {key: value for key, value in self.to_dict().items() if key not in ("workspace", "output")}

    def _holdout_record(self) -> Any:
        if isinstance(self.holdout, (int, float)) or _is_fraction(self.holdout):
            return self.holdout
        return recorded_source(self.holdout)

    def resumed(self, record: Mapping[str, Any]) -> TrainRequest:
        """The recorded request of an earlier attempt, with what this call gives anew."""
        merged = TrainRequest(**{key: value for key, value in record.items() if key != "metric"})
        metric = record["metric"] if record["metric"] is not None else self.metric
        if record["metric"] is None and not callable(metric):
            raise OptionError(
                "The run was started with a metric of its own (a function), which no record can hold. "
                "Resume it from Python and give the same function: train(..., resume=..., metric=function)."
            )
        given = {
            key: value
            for key in ("data", "memory_limit", "threads", "output", "name", "holdout", *_LIMITS)
            if (value := getattr(self, key)) is not None
        }
        return replace(
            merged,
            **given,
            metric=metric,
            time_limit=self.time_limit,
            workspace=self.workspace,
            resume=self.resume,
            started=self.started,
        )


def _is_fraction(value: Any) -> bool:
    try:
        return 0 <= float(value) < 1
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class TrainOutcome:
    """What a training call leaves.

    Attributes
    ----------
    model : Model
        Loaded from the bundle that was written.
    summary : dict
        What ``modelwright train --json`` prints.
    interrupted : bool
        Whether the user ended the run early; the model is the best so far.
    """

    model: Model
    summary: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
