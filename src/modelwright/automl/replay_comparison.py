"""Two models that should be the same: what of them differs, in the order of cause and effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.automl.bundle import read_part
from modelwright.automl.evidence import read_evidence
from modelwright.automl.group_decisions import GROUP_THRESHOLDS
from modelwright.automl.model import Model
from modelwright.automl.trace import TrialTrace, read_trials
from modelwright.core import to_jsonable

__all__ = ["PARTS", "Difference", "differing_files", "made_of", "parts_of_model", "results_of"]

PARTS = ("data", "versions", "machine", "plan", "split", "trials", "ensemble", "predictions")
"""What is compared, in the order of cause: the first part that differs is why the others do."""

_PLAN = ("problem", "seed", "folds", "slots", "threads_per_slot", "shape", "target", "quality", "search")
_PLAN_OF_COUNTED = ("reproducible", "max_trials", "portfolio")
"""Parts of the plan that differ on purpose where a run that was limited by time is replayed."""

_REQUEST = (
    "target", "task", "metric", "seed", "group", "time_column", "weights", "overrides", "positive", "costs",
    "quantiles", "monotonic", "keep", "learners", "without", "group_features", "country", "quality", "folds",
    "max_latency_ms", "max_model_mb", "refit", "distill", "sensitive", "mitigate",
)  # fmt: skip
"""Arguments that decide what a model is; time, memory, threads and places are compared otherwise, or not."""

_MACHINE = ("processor", "instructions")

_TIMED = ("leaderboard.json", "pareto.json")
"""Files of a bundle that tell how long things took."""

_MOST_TRIALS = 50


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was.

    Attributes
    ----------
    part : str
        One of `PARTS`.
    what : str
        What of it: a library, an argument, ``"trial 2 (lightgbm), fold 1"``.
    recorded, found : value
        As it was, and as it is. JSON-able.

    Examples
    --------
    >>> str(Difference("versions", "lightgbm", "4.5.0", "4.6.0"))
    'lightgbm: recorded 4.5.0, now 4.6.0'
    """

    part: str
    what: str
    recorded: Any = None
    found: Any = None

    def __str__(self) -> str:
        return f"{self.what}: recorded {_shown(self.recorded)}, now {_shown(self.found)}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        record: dict[str, Any] = to_jsonable(dict(vars(self)))
        return record


def _shown(value: Any) -> str:
    text = "nothing" if value is None else f"{value:.17g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def made_of(
    manifest: Mapping[str, Any], versions: Mapping[str, str], machine: Mapping[str, Any]
) -> Iterator[Difference]:
    """What a model was made with, against what there is here: libraries, then the machine.

    Parameters
    ----------
    manifest : mapping
        Of the bundle.
    versions, machine : mapping
        From `environment.environment` and `environment.machine`.
    """
    recorded = dict(manifest.get("environment") or {})
    platform = recorded.pop("platform", None)
    for name in dict.fromkeys([*recorded, *versions]):
        if name != "platform" and recorded.get(name) != versions.get(name):
            yield Difference("versions", name, recorded.get(name), versions.get(name))
    if platform != versions.get("platform"):
        yield Difference("machine", "platform", platform, versions.get("platform"))
    known = manifest.get("machine") or {}
    for name in _MACHINE:
        if name in known and known[name] != machine.get(name):
            yield Difference("machine", name, known[name], machine.get(name))


def parts_of_model(recorded: Model, again: Model, counted: bool = True) -> Iterator[Difference]:
    """What differs between two models' runs up to their trials: data, plan, split and the score of each fold.

    Parameters
    ----------
    recorded, again : Model
    counted : bool, default True
        Whether the run was of a given number of trials.
    """
    before, after = recorded.manifest, again.manifest
    if before["data"]["sha256"] != after["data"]["sha256"]:
        yield Difference("data", "SHA-256", before["data"]["sha256"], after["data"]["sha256"])
    yield from _plans(before, after, counted)
    for name in ("scheme", "folds", "split"):
        was, found = before["validation"].get(name), after["validation"].get(name)
        if was is not None and was != found:
            yield Difference("split", name, was, found)
    trials, repeated = read_trials(recorded.path, before), read_trials(again.path, after)
    if not counted:  # those up to the last one that got furthest; a student has another number there
        repeated = tuple(trial for trial in repeated if trial.origin != "distilled")
        numbers = {trial.number for trial in repeated}
        trials = tuple(trial for trial in trials if trial.number in numbers)
    yield from _trials(trials, {trial.number: trial for trial in repeated})
    if counted and trials and len(repeated) > len(trials):
        yield Difference("trials", "number of trials", len(trials), len(repeated))


def _plans(before: Mapping[str, Any], after: Mapping[str, Any], counted: bool) -> Iterator[Difference]:
    asked, repeated = before.get("request") or {}, after.get("request") or {}
    for name in _REQUEST:
        if name in asked and asked[name] != repeated.get(name):
            yield Difference("plan", name, asked[name], repeated.get(name))
    for name in (*_PLAN, *(_PLAN_OF_COUNTED if counted else ())):
        was, found = before["plan"].get(name), after["plan"].get(name)
        if was != found:
            yield Difference("plan", f"plan: {name}", was, found)
    features = [each["files"].get("features.json", {}).get("sha256") for each in (before, after)]
    if features[0] != features[1]:
        yield Difference("plan", "features", features[0], features[1])


def _trials(recorded: tuple[TrialTrace, ...], again: Mapping[int, TrialTrace]) -> Iterator[Difference]:
    """The first difference of each trial."""
    told = 0
    for trial in recorded:
        difference = _of_trial(trial, again.get(trial.number))
        if difference is not None:
            yield difference
            told += 1
            if told == _MOST_TRIALS:
                return


def _of_trial(trial: TrialTrace, other: TrialTrace | None) -> Difference | None:
    name = f"trial {trial.number} ({trial.label})"
    if other is None:
        return Difference("trials", name, "fitted", None)
    if trial.origin == "distilled" and other.origin != "distilled":
        return Difference("trials", name, "distilled", other.origin)
    if (trial.learner, dict(trial.config)) != (other.learner, dict(other.config)):
        was, found = ({"learner": each.learner, **each.config} for each in (trial, other))
        return Difference("trials", f"{name}, configuration", was, found)
    for fold, score in enumerate(trial.scores):
        found_score = other.scores[fold] if fold < len(other.scores) else None
        if score is not None and score != found_score:
            return Difference("trials", f"{name}, fold {fold + 1}", score, found_score)
    if bool(trial.failure) != bool(other.failure):
        return Difference("trials", name, trial.failure or "no failure", other.failure or "no failure")
    return None


def results_of(recorded: Model, again: Model, data: Any = None) -> Iterator[Difference]:
    """What differs between two models: members, what was fitted last, out-of-fold rows, and predictions.

    Parameters
    ----------
    recorded, again : Model
    data : table, optional
        Rows to predict with both; the out-of-fold rows that the bundles keep are compared in any case.
    """
    parts = [read_part(model.path, model.manifest, "ensemble.json") for model in (recorded, again)]
    members = [
        [(each["trial"], each["label"], each["weight"], len(each["models"])) for each in part["members"]]
        for part in parts
    ]
    if members[0] != members[1]:
        yield Difference("ensemble", "members", members[0], members[1])
    for name in ("stacker", "calibration", "offsets", "utility"):
        if parts[0].get(name) != parts[1].get(name):
            yield Difference("ensemble", name, parts[0].get(name), parts[1].get(name))
    by_group = [
        model.manifest["files"].get(GROUP_THRESHOLDS, {}).get("sha256") for model in (recorded, again)
    ]
    if by_group[0] != by_group[1]:
        yield Difference("ensemble", "thresholds by group", *by_group)
    kept, found = read_evidence(recorded), read_evidence(again)
    if kept is not None:
        yield from _arrays("out-of-fold predictions", kept.array, None if found is None else found.array)
    if data is not None:
        yield from _arrays("predictions of the table", _predicted(recorded, data), _predicted(again, data))


def _arrays(what: str, recorded: Any, found: Any) -> Iterator[Difference]:
    if found is None or recorded.shape != found.shape:
        shape = None if found is None else found.shape
        yield Difference("predictions", f"{what}, shape", recorded.shape, shape)
        return
    rows = (recorded != found).reshape(len(recorded), -1).any(axis=1)
    if rows.any():
        largest = float(np.abs(recorded - found).max())
        first = int(np.flatnonzero(rows)[0])
        was, now = (np.atleast_1d(array[first]).tolist() for array in (recorded, found))
        many = f"{int(rows.sum())} of {len(rows)} rows, by {largest:.3g} at most"
        words = f"{what}: {many}; row {first}"
        yield Difference("predictions", words, was, now)


def _predicted(model: Model, data: Any) -> Any:
    """Probabilities, or values, as a plain array."""
    task = model.problem.task
    has_probabilities = task.is_classification or bool(model.problem.labels)
    answer = model.predict_proba(data) if has_probabilities else model.predict(data)
    array = answer.to_numpy() if hasattr(answer, "to_numpy") else answer
    return np.asarray(array, dtype=np.float64)


def differing_files(recorded: Model, again: Model) -> tuple[str, ...]:
    """Files of two bundles whose bytes differ, or that only one of them has; those that tell times left out.

    The files of a model may differ where the models do not: some libraries write the time of a fit into them.
    """
    before, after = recorded.manifest["files"], again.manifest["files"]
    names = [name for name in sorted({*before, *after}) if name not in _TIMED]
    return tuple(
        name
        for name in names
        if (before.get(name) or {}).get("sha256") != (after.get(name) or {}).get("sha256")
    )
