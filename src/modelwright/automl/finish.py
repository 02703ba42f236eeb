"""The end of a run: who takes part in the ensemble, how good it honestly is, and the bundle."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.automl.bundle import MANIFEST, place_bundle, seal_bundle
from modelwright.automl.delivery import Settled
from modelwright.automl.environment import environment
from modelwright.automl.evidence import Evidence, write_evidence
from modelwright.automl.fairness import Judged, write_fairness
from modelwright.automl.group_decisions import GROUP_THRESHOLDS, GroupDecisions, fit_group_decisions
from modelwright.automl.honest_score import MOST_ROWS, cross_fitted_choice
from modelwright.automl.plan import Plan
from modelwright.automl.plugins import needed_plugins
from modelwright.automl.prepare import Prepared
from modelwright.automl.runner import RunState
from modelwright.automl.trace import TRIALS, LastSteps, split_digest, trial_records
from modelwright.core import Deadline, Predictions, Task, View, canonical_json
from modelwright.ensemble import (
    ALL_ROWS,
    Calibration,
    Ensemble,
    Member,
    Stacker,
    fit_calibration,
    fit_decision,
    fit_offsets,
    fit_stacker,
    moved,
)
from modelwright.evaluation import (
    Entrant,
    HoldoutResult,
    Leaderboard,
    bootstrap_scores,
    build_leaderboard,
    score_interval,
)
from modelwright.search import Selection, Trial, Trials, select

__all__ = ["Delivery", "deliver", "why_unranked"]

_ENSEMBLE = "ensemble"
_STACKING_SHARE, _HONEST_SHARE = 0.1, 0.2
"""Shares of the time kept back for stacking, and for a score without the optimism of the choice."""

_SEALS = 5
"""Bundles that are sealed and measured, where there is a limit of size."""

_HOLDOUT_BYTES = 600
"""What a score on a holdout adds to a bundle, at most."""

_MANY_ROWS = 5_000
"""Rows beyond which the leaderboard takes the decisions of trials from a quick look."""


@dataclass(frozen=True)
class Delivery:
    """What `deliver` wrote.

    Attributes
    ----------
    path : Path
        The bundle.
    manifest : dict
    leaderboard : Leaderboard
    settled : Settled
        What it was made of.
    """

    path: Path
    manifest: dict[str, Any]
    leaderboard: Leaderboard
    settled: Settled


Predictor = Callable[[Path, Ensemble, View], Predictions]
"""Predicts a view with an ensemble that lies in a directory."""


def deliver(
    plan: Plan,
    prepared: Prepared,
    state: RunState,
    target: Path,
    facts: Mapping[str, Any],
    settled: Settled,
    predict: Predictor,
) -> Delivery:
    """Score the chosen ensemble and write the bundle, again with less in it where it exceeds a limit of size.

    Parameters
    ----------
    plan, prepared, state
        The run.
    target : Path
        Where the bundle goes.
    facts : mapping
        What the manifest should say besides: name, run, seconds ...
    settled : Settled
        What is delivered, from `delivery.Settling`.
    predict : callable
        Used once, for a sealed holdout.

    Returns
    -------
    Delivery
    """
    written = partial(_written, plan, prepared, state, target, facts, predict)
    for _ in range(_SEALS):
        try:
            return written(settled)
        except _TooLargeError as error:
            assert settled.smaller is not None
            settled = settled.smaller(error.size)
    return written(replace(settled, smaller=None))


class _TooLargeError(Exception):
    """A bundle that exceeds a limit of size which a smaller one may keep."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def _written(
    plan: Plan,
    prepared: Prepared,
    state: RunState,
    target: Path,
    facts: Mapping[str, Any],
    predict: Predictor,
    settled: Settled,
) -> Delivery:
    """The bundle of what was settled.

    Raises
    ------
    _TooLargeError
        If it exceeds the limit of size, and a smaller one may keep it.
    """
    made: dict[str, Any] = {}
    blend = _blend(plan, state.trials, settled.composition.selection)
    blend = _decided_by_group(prepared, state.trials, blend)

    def fill(directory: Path) -> None:
        ensemble = _collect(plan, settled, blend, directory)
        (directory / "features.json").write_bytes(canonical_json(prepared.featurizer.to_dict()))
        board = _leaderboard(plan, prepared, settled, blend)
        (directory / "pareto.json").write_bytes(canonical_json(settled.pareto.to_dict()))
        (directory / "leaderboard.json").write_bytes(canonical_json(board.to_dict()))
        (directory / "reference.json").write_bytes(canonical_json(_reference(prepared, blend)))
        (directory / TRIALS).write_bytes(canonical_json(trial_records(settled.costs.trials)))
        limit = settled.facts["delivery"]["max_bytes"]
        write_evidence(
            directory, _evidence(prepared, state.trials, blend), plan.problem, seed=plan.seed, limit=limit
        )
        _write_fairness(directory, prepared, state, blend)
        kept = {**facts, **settled.facts}
        if settled.smaller is not None and settled.facts["delivery"]["kept"]:
            draft = {**kept, **_facts(plan, prepared, blend, board, None)}
            _check_size(directory, draft, settled, 0 if prepared.holdout is None else _HOLDOUT_BYTES)
        holdout = _score_holdout(prepared, plan.seed, lambda view: predict(directory, ensemble, view), blend)
        board = replace(board, holdout=holdout)
        (directory / "leaderboard.json").write_bytes(canonical_json(board.to_dict()))
        honest = None if holdout or blend.by_group else _cross_fitted(plan, prepared, settled)
        manifest = {**kept, **_facts(plan, prepared, blend, board, honest)}
        made["manifest"], made["board"] = seal_bundle(directory, manifest), board

    path = place_bundle(target, fill)
    return Delivery(path, made["manifest"], made["board"], settled)


def _check_size(directory: Path, draft: Mapping[str, Any], settled: Settled, more: int) -> None:
    """Seal a bundle as far as it is known, and weigh it, before the holdout is looked at.

    Raises
    ------
    _TooLargeError
        If it exceeds the limit.
    """
    seal_bundle(directory, draft)
    size = more + sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    (directory / MANIFEST).unlink()
    if size > settled.facts["delivery"]["max_bytes"]:
        raise _TooLargeError(size)


@dataclass(frozen=True)
class _Blend:
    """The chosen trials blended: out-of-fold predictions as the final model would make them."""

    chosen: Selection
    predictions: Predictions
    calibration: Calibration | None
    offsets: tuple[float, ...] = ()
    stacker: Stacker | None = None
    steps: Mapping[str, Any] = field(default_factory=dict)
    by_group: GroupDecisions | None = None

    @property
    def is_single(self) -> bool:
        """Whether it is one trial as it is, which stands on the leaderboard already."""
        plain = self.calibration is None and not self.offsets and self.by_group is None
        return len(self.chosen.numbers) == 1 and plain


def _blend(plan: Plan, trials: Trials, chosen: Selection) -> _Blend:
    target, weights = trials.target(chosen.folds), trials.weights(chosen.folds)
    array = trials.blend(chosen.numbers, np.array(chosen.shares), chosen.folds)
    stacker: Stacker | None = None
    steps = LastSteps(trials, chosen.folds)
    if "stacking" not in plan.offer.without:
        parts = [trials.predictions(number, chosen.folds).astype(np.float64) for number in chosen.numbers]
        rows = target, parts, chosen.shares, weights
        deadline = None if plan.reproducible else Deadline.after(_STACKING_SHARE * plan.reserve)
        stacker = fit_stacker(trials.metric, plan.problem, *rows, deadline=deadline)
        array = steps.add("stacking", array, array if stacker is None else stacker.combine(parts))
    calibration = None
    if plan.problem.task.is_classification and "calibration" not in plan.offer.without:
        calibration = fit_calibration(array, target.astype(np.int64), weights)
        array = steps.add("calibration", array, array if calibration is None else calibration.apply(array))
    offsets: tuple[float, ...] = ()
    if plan.problem.task is Task.QUANTILE and "calibration" not in plan.offer.without:
        offsets = fit_offsets(array, target, plan.problem.quantiles, weights)
        array = steps.add("offsets", array, moved(array, offsets))
    utility = fit_decision(trials.metric, target, array, weights, problem=plan.problem, seed=plan.seed)
    steps.add_decisions(array, utility)
    return _Blend(chosen, Predictions(array, utility), calibration, offsets, stacker, steps.facts)


def _decided(trials: Trials, blend: _Blend, number: int, seed: int) -> Predictions:
    """A trial's out-of-fold predictions as it would be delivered alone."""
    folds = blend.chosen.folds
    if blend.is_single and number == blend.chosen.numbers[0]:
        return blend.predictions
    array = trials.predictions(number, folds).astype(np.float64)
    if len(array) > _MANY_ROWS:  # luck is no matter then
        return trials.decided(array, folds)
    known = trials.target(folds), array, trials.weights(folds)
    utility = fit_decision(trials.metric, *known, problem=trials.data.problem, seed=seed)
    return Predictions(array, utility)


def _collect(plan: Plan, settled: Settled, blend: _Blend, directory: Path) -> Ensemble:
    """Copy the members' models into the bundle."""
    chosen, costs = blend.chosen, settled.costs
    members: list[Member] = []
    for number, share in zip(chosen.numbers, chosen.shares, strict=True):
        trial, folds = costs.trials[number], settled.composition.models[number]
        names = ["all" if fold == ALL_ROWS else str(fold) for fold in folds]
        places = [directory / "members" / str(number) / name for name in names]
        for place, source in zip(places, costs.places(number, folds), strict=True):
            shutil.copytree(source / "model", place, copy_function=_link)
        members.append(
            Member(number, trial.label, trial.learner, share, tuple(places), trial.config, plan.problem.task)
        )
    utility = blend.predictions.utility
    fitted_last = blend.calibration, utility, blend.offsets, blend.stacker
    ensemble = Ensemble(plan.problem.task, tuple(members), *fitted_last)
    (directory / "ensemble.json").write_bytes(canonical_json(ensemble.to_dict(directory)))
    return ensemble


def _link(source: str, target: str) -> None:
    """One more name for a file that nobody changes any more; a copy where there are no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _score_holdout(
    prepared: Prepared, seed: int, predict: Callable[[View], Predictions], blend: _Blend
) -> HoldoutResult | None:
    """Open the seal: the one look at the holdout."""
    held = prepared.holdout
    if held is None or not held.view.rows:
        return None
    predictions = predict(held.view)
    if blend.by_group is not None and prepared.sensitive is not None and prepared.sensitive.held is not None:
        predictions = blend.by_group.decide(predictions, prepared.sensitive.held)
    score = prepared.metric.score(held.target, predictions, held.weights)
    scores = bootstrap_scores(
        prepared.metric, held.target, [predictions], weights=held.weights, groups=held.groups, seed=seed
    )
    low, high = score_interval(scores[:, 0], score, metric=prepared.metric, rows=held.view.rows)
    return HoldoutResult(score=score, low=low, high=high, rows=held.view.rows, origin=held.origin)


def _cross_fitted(plan: Plan, prepared: Prepared, settled: Settled) -> HoldoutResult | None:
    """The score of ensembles that were chosen on other rows than those that judge them."""
    trials, folds = settled.costs.trials, settled.composition.selection.folds
    if not settled.free or plan.problem.time_column is not None:
        return None  # it was not chosen by its error alone, or parts of ordered rows would mix the times
    rows = trials.rows(folds)
    if len(rows) > MOST_ROWS:
        return None
    deadline = None if plan.reproducible else Deadline.after(_HONEST_SHARE * plan.reserve)
    plain = select(trials, folds, deadline)
    if plain is None or set(plain.numbers) != set(settled.composition.selection.numbers):
        return None  # chosen on other folds than those
    groups = None if prepared.groups is None else prepared.groups[rows]
    calibrated = "calibration" not in plan.offer.without
    predictions = cross_fitted_choice(
        trials, folds, groups=groups, deadline=deadline, calibrated=calibrated, seed=plan.seed
    )
    if predictions is None:
        return None
    known = trials.target(folds), [predictions]
    weights = trials.weights(folds)
    score = trials.metric.score(known[0], predictions, weights)
    scores = bootstrap_scores(trials.metric, *known, weights=weights, groups=groups, seed=plan.seed)
    low, high = score_interval(scores[:, 0], score, metric=trials.metric, rows=len(rows))
    return HoldoutResult(score=score, low=low, high=high, rows=len(rows), origin="cross-fitted")


def _leaderboard(plan: Plan, prepared: Prepared, settled: Settled, blend: _Blend) -> Leaderboard:
    """Every trial and the ensemble; only those with the chosen folds finished are ranked."""
    chosen, trials = blend.chosen, settled.costs.trials
    shares = dict(zip(chosen.numbers, chosen.shares, strict=True))
    entrants: list[Entrant] = []
    if not blend.is_single:
        parts = [trials[number] for number in chosen.numbers]
        entrants.append(
            Entrant(
                label=_ENSEMBLE,
                learner=_ENSEMBLE,
                predictions=blend.predictions,
                folds=chosen.folds,
                fit_seconds=sum(trial.fit_seconds for trial in parts),
                size_bytes=round(settled.costs.of(settled.composition)[1]),
                note=settled.note,
            )
        )
    for trial in trials.all():
        ranked = trial.prefix(trials.count) >= chosen.folds
        entrants.append(
            Entrant(
                label=trial.label,
                learner=trial.learner,
                trial=trial.number,
                predictions=_decided(trials, blend, trial.number, plan.seed) if ranked else None,
                folds=len(trial.results),
                fit_seconds=trial.fit_seconds,
                size_bytes=trial.size_bytes,
                weight=shares.get(trial.number, 0.0),
                is_baseline=trial.learner in ("constant", "linear") and trial.number <= 1,
                status="finished" if ranked and not trial.failure else why_unranked(trial),
                note=_note(settled, blend, trial, ranked),
            )
        )
    rows = trials.rows(chosen.folds)
    return build_leaderboard(
        prepared.metric,
        trials.target(chosen.folds),
        entrants,
        weights=trials.weights(chosen.folds),
        groups=None if prepared.groups is None else prepared.groups[rows],
        seed=plan.seed,
    )


def _note(settled: Settled, blend: _Blend, trial: Trial, ranked: bool) -> str:
    """What the leaderboard says of a trial besides its figures."""
    if trial.failure:
        return trial.failure
    if not ranked:
        return f"{len(trial.results)} of {settled.costs.trials.count} folds"
    return settled.note if blend.is_single and trial.number in blend.chosen.numbers else ""


def why_unranked(trial: Trial) -> str:
    """What became of a trial without the folds that the others are compared on."""
    if trial.failure:
        return "failed"
    return "pruned" if trial.pruned and not trial.out_of_time else "out of time"


def _facts(
    plan: Plan, prepared: Prepared, blend: _Blend, board: Leaderboard, honest: HoldoutResult | None
) -> dict[str, Any]:
    """The manifest's facts about the model and where it came from."""
    chosen, held = blend.chosen, board.holdout or honest
    source = "holdout" if board.holdout else "cross-fitted" if honest else "out-of-fold"
    single = next((e.label for e in board.entries if e.trial == chosen.numbers[0]), None)
    best = board.winner(single if blend.is_single else _ENSEMBLE)
    return {
        "task": str(plan.problem.task),
        "problem": plan.problem.to_dict(),
        "schema": prepared.schema.to_dict(),
        "score": {
            "metric": prepared.metric.name,
            "custom": plan.problem.metric_function is not None,
            "greater_is_better": prepared.metric.greater_is_better,
            "value": held.score if held else best.score,
            "interval": [held.low, held.high] if held else [best.low, best.high],
            "source": source,
            "rows": held.rows if held else board.rows,
            "out_of_fold": {"value": best.score, "interval": [best.low, best.high]},
        },
        "data": {**prepared.source.to_dict(), "training_rows": prepared.data.view.rows},
        "validation": {
            "scheme": prepared.data.folds.scheme,
            "folds": plan.folds,
            "used": chosen.folds,
            "split": split_digest(prepared.data),
        },
        "steps": dict(blend.steps),
        "seed": plan.seed,
        "plan": plan.to_dict(),
        "findings": [finding.to_dict() for finding in prepared.findings],
        "environment": environment(),
        "plugins": needed_plugins(
            [entry.learner for entry in board.entries if entry.trial in chosen.numbers], plan.problem.metric
        ),
    }


def _decided_by_group(prepared: Prepared, trials: Trials, blend: _Blend) -> _Blend:
    """The same with thresholds that differ by group, where that was asked for."""
    sensitive, folds = prepared.sensitive, blend.chosen.folds
    if sensitive is None or sensitive.method != "thresholds":
        return blend
    known = trials.target(folds), blend.predictions, trials.metric, trials.weights(folds)
    by_group, decided = fit_group_decisions(sensitive, trials.rows(folds), *known)
    return replace(blend, predictions=decided, by_group=by_group)


def _write_fairness(directory: Path, prepared: Prepared, state: RunState, blend: _Blend) -> None:
    """What the out-of-fold rows say of groups, where columns are sensitive, and thresholds by group."""
    sensitive, trials, folds, plain = prepared.sensitive, state.trials, blend.chosen.folds, state.plain
    if sensitive is None:
        return
    judged = Judged(trials.rows(folds), trials.target(folds), trials.weights(folds))
    before: tuple[str, Predictions, Predictions] | None = None
    if blend.by_group is not None:
        (directory / GROUP_THRESHOLDS).write_bytes(canonical_json(blend.by_group.to_dict()))
        before = "the delivered model", replace(blend.predictions, decided=None), blend.predictions
    elif plain is not None and len(plain.array) == len(judged.rows):
        weighed = trials.decided(trials.predictions(plain.number, folds), folds)
        before = f"{plain.label} alone", trials.decided(plain.array, folds), weighed
    write_fairness(directory, prepared.problem, prepared.metric, sensitive, judged, blend.predictions, before)


def _evidence(prepared: Prepared, trials: Trials, blend: _Blend) -> Evidence:
    """The rows that judged the ensemble, as they are kept in the bundle."""
    folds = blend.chosen.folds
    rows = trials.rows(folds)
    sizes = [len(part) for part in prepared.data.folds.valid[:folds]]
    weights, groups = trials.weights(folds), prepared.groups
    return Evidence(
        rows=prepared.rows[rows],
        fold=np.repeat(np.arange(folds), sizes),
        target=trials.target(folds),
        predictions=blend.predictions,
        weights=weights,
        groups=None if groups is None else groups[rows],
        total=len(rows),
    )


def _reference(prepared: Prepared, blend: _Blend) -> dict[str, Any]:
    """What training data and predictions looked like, for the detection of drift later on."""
    levels = np.linspace(0, 1, 21)
    array = blend.predictions.array
    columns = array if array.ndim == 2 else array[:, None]
    return {
        "columns": {column.name: dict(column.statistics) for column in prepared.schema.features},
        "rows": prepared.data.view.rows,
        "predictions": {
            "quantiles": levels,
            "values": [np.quantile(column, levels) for column in columns.T],
            "mean": columns.mean(axis=0),
        },
    }
