"""Replay: a run done again from its record, and the first thing that is not as it was.

A fold is a pure function of data, configuration, seed and libraries, and a run of a given number of trials
never looks at the clock: such a run comes out the same to the last bit. Where it does not, the parts are
compared in the order of cause and effect, so that the first difference is the reason for the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.automl.bundle import check_output
from modelwright.automl.environment import environment, machine
from modelwright.automl.evidence import read_evidence
from modelwright.automl.execute import execute
from modelwright.automl.loading import load_run_or_model
from modelwright.automl.model import Model
from modelwright.automl.replay_comparison import (
    PARTS,
    Difference,
    differing_files,
    made_of,
    parts_of_model,
    results_of,
)
from modelwright.automl.request import TrainRequest
from modelwright.automl.trace import TrialTrace, read_trials
from modelwright.automl.undo import same_request
from modelwright.core import BadInput, BudgetTooSmall, parse_duration
from modelwright.core.events import Listener
from modelwright.data import read_raw, shown_source
from modelwright.metrics import problem_metric

__all__ = ["Replay", "replay"]

_PATIENCE, _LONGEST = 10.0, 3_600.0
"""Times the recorded limit that a replay may take, and seconds that it gets in any case: no decision of it
reads the clock, so that more time changes nothing."""

_CUT = ("text_cut", "leaks_cut")
"""Findings that say that a time limit changed the features: they cannot be made again without it."""

_ROUNDED = 1e-4
"""Part of a score that rounding of the kept rows to 32 bits may change."""

_BEFORE = ("data", "versions", "machine")
"""Parts that are compared before anything is fitted."""

_NOTHING = "Nothing was fitted again."

_UNREPEATABLE = (
    "The run was limited by time and cannot be repeated: its trials are not recorded, or the limit changed "
    "what was made of the data. Train with --max-trials for runs that come out the same."
)

_ON_THE_CLOCK = (
    "The run was limited by time, so that how far each fit came depended on the machine's pace. Its "
    "configurations were fitted again in their order, all of them on all folds: scores may differ, and the "
    "ensemble is not compared."
)


@dataclass(frozen=True)
class Replay:
    """What came of a replay.

    Attributes
    ----------
    run : str
        Id of the recorded run.
    model : str
        Where its bundle is.
    differences : tuple of Difference
        In the order of cause and effect.
    compared : tuple of str
        The parts that were compared (see `replay_comparison.PARTS`).
    missing : tuple of str
        What could not be compared, each with the reason.
    notes : tuple of str
        What else there is to know.
    scores : int
        Scores of folds that were compared.
    repeated : bool
        Whether the run was done again.
    """

    run: str
    model: str
    differences: tuple[Difference, ...]
    compared: tuple[str, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scores: int = 0
    repeated: bool = True

    @property
    def first(self) -> Difference | None:
        """The first difference: the reason for the others; None where nothing differs."""
        return self.differences[0] if self.differences else None

    @property
    def is_identical(self) -> bool:
        """Whether everything was compared and nothing differs."""
        return not self.differences and self.repeated and set(PARTS) <= set(self.compared)

    @property
    def verdict(self) -> str:
        """In one word or a few: ``"identical"``, ``"different"``, or ``"not compared as a whole"``."""
        if self.differences:
            return "different"
        return "identical" if self.is_identical else "not compared as a whole"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {
            "run": self.run,
            "model": self.model,
            "verdict": self.verdict,
            "first_difference": None if self.first is None else self.first.to_dict(),
            "differences": [difference.to_dict() for difference in self.differences],
            "compared": list(self.compared),
            "missing": list(self.missing),
            "notes": list(self.notes),
            "scores": self.scores,
            "repeated": self.repeated,
        }


def replay(
    reference: str | Path,
    workspace: str | Path | None = None,
    *,
    data: Any = None,
    output: str | Path | None = None,
    listeners: Sequence[Listener] = (),
) -> Replay:
    """Do a run again from its record, and compare what comes out.

    Parameters
    ----------
    reference : str or Path
        A run (its id, or ``"last"``) or a model (a bundle, or a name in the workspace).
    workspace : str or Path, optional
        Where runs and models are looked up. The replay itself leaves nothing there.
    data : table, optional
        The training data, where it is no longer at its recorded place, or never was a file.
    output : str or Path, optional
        Where the repeated model is written. Default: it is compared and thrown away.
    listeners : sequence of callables
        Each is told every event of the repeated run.

    Returns
    -------
    Replay

    Raises
    ------
    UnknownName
        If there is no such run or model.
    BundleError
        If the recorded bundle is damaged.

    Examples
    --------
    >>> from modelwright.automl import train
    >>> table = {"size": list(range(60)), "price": [3.0 * size + size % 7 for size in range(60)]}
    >>> with tempfile.TemporaryDirectory() as place:
    ...     options = {"max_trials": 1, "learners": "linear", "threads": 1, "workspace": place}
    ...     model = train(table, "price", **options)
    ...     replay(model.path, data=table).verdict
    'identical'
    """
    model = load_run_or_model(str(reference), workspace)
    if output is not None:
        check_output(Path(output).expanduser().absolute())
    given = list(made_of(model.manifest, environment(), machine()))
    try:
        request = same_request(model, None if data is None else TrainRequest(data=data))
        found = read_raw(request.source()).info
    except BadInput as error:
        return _stopped(model, given, ("versions", "machine"), (_lost(model, data, error),), _NOTHING)
    recorded = model.manifest["data"]
    if found.sha256 != recorded["sha256"]:
        changed = [
            Difference("data", name, recorded.get(key), getattr(found, key))
            for name, key in (("SHA-256", "sha256"), ("rows", "rows"), ("columns", "columns"))
            if recorded.get(key) != getattr(found, key)
        ]
        note = f"The data at {shown_source(request.data)} is not what the run read: nothing was fitted."
        return _stopped(model, [*changed, *given], _BEFORE, (), note)
    lost = _lost_holdout(request)
    if lost:
        return _stopped(model, given, _BEFORE, (lost,), _NOTHING)
    counted = bool(model.manifest["plan"].get("reproducible"))
    planned = () if counted else _planned(model)
    if not counted and not planned:
        return _stopped(model, given, _BEFORE, (_UNREPEATABLE,), _NOTHING)
    if planned:
        request = replace(request, max_trials=len(planned), replays=planned, stop_when_flat=False)
    with tempfile.TemporaryDirectory(prefix="modelwright-replay-") as place:
        target = Path(place, "replayed.mw") if output is None else Path(output)
        try:
            outcome = execute(_patient(request, model, Path(place), target), listeners)
        except (BadInput, BudgetTooSmall) as error:  # other versions may not know an option, or a learner
            return _stopped(model, given, _BEFORE, (f"The run could not be done again: {error}",), _NOTHING)
        if outcome.interrupted:
            note = "The replay was stopped by you before it was done."
            return _stopped(model, given, _BEFORE, (), note)
        return _compared(model, outcome.model, given, request.source(), counted)


def _lost_holdout(request: TrainRequest) -> str:
    """What to say where a holdout of its own is gone; empty where it is there, or the run had none."""
    if isinstance(request.holdout, (str, list)):
        try:
            float(request.holdout)  # type: ignore[arg-type]  # a fraction may come as a text
        except (TypeError, ValueError):
            try:
                read_raw(request.holdout, [])
            except BadInput as error:
                return f"The holdout of the run: {error}"
    return ""


def _patient(request: TrainRequest, model: Model, place: Path, target: Path) -> TrainRequest:
    """The request as it is repeated: with the threads of its plan, and time enough."""
    plan = model.manifest["plan"]
    limit = parse_duration(request.time_limit or "60s")
    return replace(
        request,
        threads=int(plan["slots"]) * int(plan["threads_per_slot"]),
        time_limit=max(_PATIENCE * limit, _LONGEST),
        workspace=place / "workspace",
        output=target,
    )


def _planned(model: Model) -> tuple[dict[str, Any], ...]:
    """The configurations of a run that was limited by time, up to the last one of those that got furthest.

    None where the trials are not known, or where the time limit changed the features.
    """
    if any(finding["check"] in _CUT for finding in model.manifest.get("findings", ())):
        return ()
    trials = [each for each in read_trials(model.path, model.manifest) if each.origin != "baseline"]
    trials = [each for each in trials if each.origin != "distilled"]
    finished = {each.number: sum(score is not None for score in each.scores) for each in trials}
    most = max(finished.values(), default=0)
    last = max((number for number, folds in finished.items() if folds == most > 0), default=0)
    wanted = [each for each in trials if each.number <= last]
    if [each.number for each in wanted] != list(range(1, last + 1)):  # seeds follow from the numbers
        return ()
    return tuple(
        {"learner": each.learner, "label": each.label, "config": dict(each.config), "estimated_seconds": 1.0}
        for each in wanted
    )


def _compared(model: Model, again: Model, given: list[Difference], data: Any, counted: bool) -> Replay:
    """The recorded model against the repeated one, part by part."""
    found = [*given, *parts_of_model(model, again, counted)]
    notes: list[str] = []
    compared: tuple[str, ...] = PARTS
    if counted:
        found += results_of(model, again, data)
        files = differing_files(model, again)
        if files and not any(difference.part in ("ensemble", "predictions") for difference in found):
            many = "1 file is" if len(files) == 1 else f"{len(files)} files are"
            named = f"{', '.join(files[:3])}{' ...' if len(files) > 3 else ''}"
            notes.append(
                f"{many} not equal byte for byte ({named}), although the predictions are: some libraries "
                "write the time of a fit into a model."
            )
    else:
        compared = tuple(part for part in PARTS if part not in ("ensemble", "predictions"))
        notes.append(_ON_THE_CLOCK)
    missing = []
    trials = read_trials(model.path, model.manifest)
    if not trials:
        missing.append("The bundle is of an older version and keeps no scores of folds.")
        compared = tuple(part for part in compared if part != "trials")
    if "machine" not in model.manifest:
        missing.append("The bundle does not say on which machine it was made.")
    if (model.manifest.get("delivery") or {}).get("max_seconds") is not None:
        notes.append("The limit of time for a prediction was kept by measuring, which never repeats exactly.")
    if model.manifest.get("deadline_hit"):
        notes.append("In the recorded run a time limit cut a fit short, which no replay can repeat.")
    return Replay(
        _run(model),
        str(model.path),
        tuple(sorted(found, key=lambda difference: PARTS.index(difference.part))),
        compared,
        tuple(missing),
        tuple(notes),
        scores=_count(trials),
    )


def _count(trials: Sequence[TrialTrace]) -> int:
    return sum(score is not None for trial in trials for score in trial.scores)


def _run(model: Model) -> str:
    return str(model.manifest.get("run") or "")


def _stopped(
    model: Model, found: Sequence[Difference], compared: tuple[str, ...], missing: tuple[str, ...], note: str
) -> Replay:
    """A replay that ended before anything was fitted."""
    ordered = sorted(found, key=lambda difference: PARTS.index(difference.part))
    notes = (note, *_own_evidence(model))
    return Replay(_run(model), str(model.path), tuple(ordered), compared, missing, notes, repeated=False)


def _lost(model: Model, given: Any, error: BadInput) -> str:
    """What cannot be had, and what is known of it: the training data, or something that no record holds."""
    request = model.manifest.get("request") or {}
    if not request or (given is None and request.get("metric") is None):
        return str(error)
    data = model.manifest["data"]
    place = data["location"] or f"a table in memory ({data['kind']})"
    return (
        f"The training data: {place}, {data['rows']} rows and {data['columns']} columns with the SHA-256 "
        f"{data['sha256']}. {error} If it is elsewhere, name it with --data."
    )


def _own_evidence(model: Model) -> Iterator[str]:
    """Whether the score that a bundle tells follows from the out-of-fold rows that it keeps."""
    known, told = read_evidence(model), model.manifest["score"].get("out_of_fold", {}).get("value")
    if known is None or told is None or model.manifest["score"]["custom"] or known.total != len(known.rows):
        return
    score, _ = problem_metric(model.problem).try_score(known.target, known.predictions, known.weights)
    if not np.isfinite(score):
        return
    if abs(score - told) <= _ROUNDED * max(1.0, abs(told)):
        yield f"The out-of-fold rows in the bundle give the score that it tells ({score:.5g})."
    else:
        yield f"The out-of-fold rows in the bundle give {score:.5g}, but it tells a score of {told:.5g}."
