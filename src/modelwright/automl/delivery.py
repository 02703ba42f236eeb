"""Between the search and the bundle: which models are delivered, inside limits of time and size."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modelwright.automl.candidates import candidates_table
from modelwright.automl.choice import choose
from modelwright.automl.composition import Composition, Costs, compose
from modelwright.automl.distill import Distilling
from modelwright.automl.limits import Limits
from modelwright.automl.measuring import MEASURE_ENTRY, prediction_seconds
from modelwright.automl.model import Model
from modelwright.automl.plain_member import kept_for_plain
from modelwright.automl.plan import Plan
from modelwright.automl.prepare import Prepared
from modelwright.automl.quality import quality_of
from modelwright.automl.refit import Refitting, kept_for_refits
from modelwright.automl.request import TrainRequest
from modelwright.automl.runner import Run
from modelwright.automl.side_tasks import Workers
from modelwright.automl.student import student_seconds
from modelwright.core import Budget, Deadline, TaskSpec, canonical_json, to_jsonable
from modelwright.ensemble import ALL_ROWS, Ensemble, Member, merge_folds
from modelwright.evaluation import ParetoTable
from modelwright.search import Selection, Trials

__all__ = ["Settled", "Settling", "keep_time", "settle"]

_ATTEMPTS = 4
"""Compositions that are measured before the one that comes closest to the limits is taken."""

_SECONDS_LEFT = 1.0
"""Below these nothing is measured that no limit asks for."""

_STUDENT, _STUDENT_SHARE = 2.0, 0.15
"""A student is expected to take this times the estimate, and gets this share of the time limit at most."""

_PER_BUNDLE, _PER_OUTPUT, _PER_TRIAL, _PER_MODEL = 1_500, 600, 1_500, 600
"""Bytes of a bundle's records in any case, for each class, trial and fitted model, roughly: what is sealed is
weighed at the end."""


@dataclass(frozen=True)
class Settled:
    """What is delivered.

    Attributes
    ----------
    composition : Composition
    costs : Costs
        Where its models are, and what they take.
    facts : mapping
        For the manifest: refitted members, limits, what was measured.
    pareto : ParetoTable
        What else could have been delivered.
    warning : str
        What the user must know of it; empty for nothing.
    free : bool
        Whether it was chosen among all trials by its error alone.
    smaller : callable or None
        What is delivered instead where the bundle came out at so many bytes, more than the limit; None
        where there is no limit.
    """

    composition: Composition
    costs: Costs
    facts: Mapping[str, Any]
    pareto: ParetoTable
    warning: str = ""
    free: bool = False
    smaller: Callable[[int], Settled] | None = None

    @property
    def note(self) -> str:
        """What the leaderboard should say of the delivered model."""
        refitted, members = len(self.composition.refitted), len(self.composition.models)
        if not refitted:
            return ""
        if self.costs.merged:
            return "delivered as the mean of its fold models; the score is that of its folds"
        if refitted == members:
            return "delivered refitted on all rows; the score is that of its folds"
        return f"{refitted} of {members} members refitted on all rows; the score is that of their folds"


@dataclass(frozen=True)
class Settling:
    """The steps to what is delivered.

    Attributes
    ----------
    request : TrainRequest
    plan : Plan
    prepared : Prepared
    trials : Trials
    workers : callable
        Does tasks.
    directory, data_directory : Path
        Of the run.
    remaining : callable
        Seconds that are left for it; nothing is refitted after them.
    """

    request: TrainRequest
    plan: Plan
    prepared: Prepared
    trials: Trials
    workers: Workers
    directory: Path
    data_directory: Path
    remaining: Callable[[], float]

    def settle(self, deadline: Deadline | None) -> Settled:
        """Choose among the trials, refit what should be, and keep the limits.

        Parameters
        ----------
        deadline : Deadline or None
            For the choice.
        """
        quality = quality_of(self.plan.quality)
        alone = quality.readable or "ensemble" in self.plan.offer.without
        chosen = choose(self.trials, deadline, self.plan.seed, quality.prices(self.trials, alone))
        costs = self._costs(self.request.limits())
        costs.alone = alone
        return self._settled(chosen, costs, self._taught(chosen, costs), deadline)

    def _settled(
        self, chosen: Selection, costs: Costs, student: int | None, deadline: Deadline | None
    ) -> Settled:
        """What is delivered at these costs."""
        limits, readable = self.request.limits(), quality_of(self.plan.quality).readable
        composition, seconds = Composition.bags(self.trials, chosen), None
        if limits:
            composition, seconds = self._inside(limits, costs, deadline)
        elif student is not None:
            composition = self._alone(student)
        elif self.request.wants_refit(self._temporal):
            for number in self._refitting.affordable(chosen.numbers):
                composition = composition.with_models(number, (ALL_ROWS,))
            composition = self._refitted(composition, costs)
        if readable:
            composition = self._one_model(composition, costs)
        expected, size = costs.of(composition)
        broken = limits.broken(expected if seconds is None else seconds, size)
        brief = not limits and self.remaining() < _SECONDS_LEFT
        warning = limits.warning(broken, costs.base_bytes)
        facts = {
            "refitted": [number for number in composition.refitted if number not in costs.merged],
            "merged": sorted(costs.merged),
            "max_seconds": limits.seconds,
            "max_bytes": limits.size_bytes,
            "seconds": seconds,
            "kept": not broken,
        }

        def smaller(sealed: int) -> Settled:
            costs.base_bytes += sealed - size
            return self._settled(chosen, costs, student, deadline)

        return Settled(
            composition,
            costs,
            {"delivery": facts},
            candidates_table(costs, chosen, composition, limits, seconds, brief=brief),
            " ".join(filter(None, (warning, self._untaught(student)))),
            free=not limits and student is None and not costs.alone,
            smaller=None if limits.size_bytes is None else smaller,
        )

    def _untaught(self, student: int | None) -> str:
        """What to say where a student was asked for and there is none."""
        name = self.request.student()
        if not name or student is not None:
            return ""
        return (
            f"No {name} student was delivered: it could not be taught in the time that was left, or failed."
        )

    @property
    def _temporal(self) -> bool:
        """Whether folds end before the newest rows begin, so that no fold model learned from these."""
        return self.plan.problem.time_column is not None

    @cached_property
    def _refitting(self) -> Refitting:
        return Refitting(
            self.plan,
            self.prepared,
            self.trials,
            self.workers,
            self.directory,
            self.data_directory,
            self.remaining,
        )

    def _inside(
        self, limits: Limits, costs: Costs, deadline: Deadline | None
    ) -> tuple[Composition, float | None]:
        """What keeps the limits, and the seconds of its predictions as they were measured."""
        tried: list[tuple[float, Composition, float | None]] = []
        able = set[int]()
        if self.request.wants_refit(True):
            able = {t.number for t in self.trials.having(1) if self._refitting.affordable([t.number])}
        able |= set(costs.refits)
        for _ in range(_ATTEMPTS):
            made = compose(
                costs,
                limits,
                refit=able,
                bags=self.request.refit is not True and not quality_of(self.plan.quality).readable,
                deadline=deadline,
                seed=self.plan.seed,
            )
            wanted = set(made.refitted)
            made = self._refitted(made, costs)
            if wanted - set(made.refitted):  # not in time: another form, or another choice
                able -= wanted - set(made.refitted)
                continue
            seconds = self._measured(made, costs, len(tried)) if limits.seconds is not None else None
            expected, size = costs.of(made)
            usage = limits.usage(expected if seconds is None else seconds, size)
            tried.append((usage, made, seconds))
            if usage <= 1.0 or seconds is None or self.remaining() <= 0:
                break
            known = [(each.selection.numbers, dict(each.models)) for _, each, _ in tried[:-1]]
            if (made.selection.numbers, dict(made.models)) in known:
                break
            costs.learn(made, seconds)
        if not tried:  # nothing could be refitted in all attempts
            made = compose(costs, limits, deadline=deadline, seed=self.plan.seed)
            return made, None
        _, made, seconds = min(tried, key=lambda each: max(1.0, each[0]))
        return made, seconds

    def _refitted(self, made: Composition, costs: Costs) -> Composition:
        """The same with the models of every row fitted; bags where one could not be."""
        missing = [number for number in made.refitted if number not in costs.refits]
        affordable = self._refitting.affordable(missing)
        costs.refits |= self._refitting.fit([number for number in missing if number in affordable])
        return made.without_refits(self.trials, [n for n in made.refitted if n not in costs.refits])

    def _one_model(self, made: Composition, costs: Costs) -> Composition:
        """The same as one fitted model: the mean of its fold models, one of every row, or one of a fold."""
        number = made.selection.numbers[0]
        trial, folds = self.trials[number], made.models[number]
        if len(folds) == 1:
            return made
        place = self.directory / "folds" / f"{number}-merged"
        fitted = [trial.results[fold] for fold in folds]
        merged = merge_folds(trial.learner, fitted, self.prepared.data, place)
        if merged is not None:
            costs.refits[number] = merged
            costs.merged.add(number)
            return made.with_models(number, (ALL_ROWS,))
        if self.request.wants_refit(True):
            made = self._refitted(made.with_models(number, (ALL_ROWS,)), costs)
        return made if len(made.models[number]) == 1 else made.with_models(number, folds[:1])

    def _taught(self, teacher: Selection, costs: Costs) -> int | None:
        """The student of the chosen ensemble, if one was asked for and there was the time for it."""
        name = self.request.student()
        seconds = self.remaining() - 0.5 * self.plan.reserve  # what else there is to do keeps all of that
        if not name or seconds <= 0:
            return None
        distilling = Distilling(
            name,
            self.plan,
            self.trials,
            teacher,
            self.workers,
            self.directory,
            self.data_directory,
        )
        taught = distilling.teach(seconds)
        if taught is None:
            return None
        number, costs.refits[number] = taught
        return None if self.trials[number].failure else number

    def _alone(self, student: int) -> Composition:
        """A student's one model of all rows."""
        count = self.trials.count
        selection = Selection(count, (student,), (1.0,), self.trials.error(student, count))
        return Composition(selection, {student: (ALL_ROWS,)})

    def _costs(self, limits: Limits) -> Costs:
        """What a bundle and a prediction take without any model: those of the constant."""
        records = {
            **self.plan.to_dict(),
            "schema": self.prepared.schema.to_dict(),
            "findings": [finding.to_dict() for finding in self.prepared.findings],
        }
        size = len(canonical_json(self.prepared.featurizer.to_dict()))
        size += len(json.dumps(to_jsonable(records), indent=1)) + _PER_TRIAL * len(self.trials)
        size += _PER_BUNDLE + _PER_OUTPUT * self.plan.problem.outputs
        costs = Costs(self.trials, 0.0, size, per_model=_PER_MODEL)
        if limits.seconds is not None or self.remaining() > _SECONDS_LEFT:
            bag = Composition.bags(self.trials, _only(0))
            model = Model(
                self.directory, self._manifest, self._ensemble(bag, costs), self.prepared.featurizer
            )
            costs.base_seconds = prediction_seconds(model, self.prepared.example)
        return costs

    def _measured(self, made: Composition, costs: Costs, attempt: int) -> float | None:
        """Seconds of one prediction of a whole model, measured in a worker; None if it could not be."""
        place = self.directory / "measured"
        place.mkdir(exist_ok=True)
        features, row = place / "features.json", place / "row.parquet"
        features.write_bytes(canonical_json(self.prepared.featurizer.to_dict()))
        self.prepared.example.write_parquet(row)
        parameters = {
            "root": str(self.directory),
            "record": self._ensemble(made, costs).to_dict(self.directory),
            "manifest": self._manifest,
            "features": str(features),
            "row": str(row),
        }
        name = f"measure-{attempt}-{costs.base_bytes:.0f}"  # a bundle that is too large is settled again
        patience = max(_SECONDS_LEFT, min(60.0, self.remaining()))
        report = self.workers([TaskSpec(name, MEASURE_ENTRY, parameters)], patience)
        return float(report[name]["seconds"]) if name in report else None

    @property
    def _manifest(self) -> dict[str, Any]:
        """What a `Model` reads to predict."""
        record: dict[str, Any] = to_jsonable(
            {
                "name": "measured",
                "problem": self.plan.problem.to_dict(),
                "schema": self.prepared.schema.to_dict(),
                "score": {"metric": self.prepared.metric.name, "value": None, "custom": True},
            }
        )
        return record

    def _ensemble(self, made: Composition, costs: Costs) -> Ensemble:
        """The ensemble of models where they were fitted."""
        task = self.plan.problem.task
        members = []
        for number, share in zip(made.selection.numbers, made.selection.shares, strict=True):
            trial = self.trials[number]
            places = tuple(path / "model" for path in costs.places(number, made.models[number]))
            members.append(Member(number, trial.label, trial.learner, share, places, trial.config, task))
        return Ensemble(task, tuple(members))


def keep_time(request: TrainRequest, plan: Plan, budget: Budget, run: Run) -> None:
    """Have a run keep back the time that refits of its best trials and a student will take, if any."""
    temporal = plan.problem.time_column is not None
    refits, student = request.wants_refit(temporal or bool(request.limits())), request.student()
    taught = 0.0
    if student and budget.seconds is not None:
        one = student_seconds(student, plan.problem, plan.shape)
        taught = min(_STUDENT * one * (1 + (plan.folds + 1) / plan.slots), _STUDENT_SHARE * budget.seconds)

    taught += kept_for_plain(run.state.trials.data, budget.seconds)

    def kept() -> float:
        return taught + (kept_for_refits(run.state.trials, plan, budget.seconds) if refits else 0.0)

    run.kept = kept


def settle(
    request: TrainRequest,
    plan: Plan,
    prepared: Prepared,
    budget: Budget,
    run: Run,
    interrupted: Callable[[], bool],
) -> Settled:
    """Settle what a run that has fitted its trials delivers.

    Parameters
    ----------
    request, plan, prepared, budget, run
        Of the run.
    interrupted : callable
        Whether the user wants the end now: nothing more is fitted then.
    """

    def remaining() -> float:
        # half of what was kept back is for the choice, the rest for writing
        return 0.0 if interrupted() else budget.remaining - 0.5 * plan.reserve

    deadline = None if plan.reproducible else Deadline.after(max(0.2, remaining() - run.kept()))
    settling = Settling(
        request, plan, prepared, run.state.trials, run.work, run.directory, run.data_directory, remaining
    )
    return settling.settle(deadline)


def _only(number: int) -> Selection:
    return Selection(1, (number,), (1.0,), float("inf"))
