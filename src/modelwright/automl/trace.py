"""What a bundle keeps of how it came about: its trials fold by fold, the split, what the last steps brought.

The decision ledger tells from it what choices were worth; a replay compares it with what comes out again.
Nothing in it depends on the clock, so that two runs that went alike leave equal traces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.automl.bundle import read_part
from modelwright.core import BundleError, FloatArray, Predictions
from modelwright.ensemble import FoldData
from modelwright.metrics import Metric, get_metric
from modelwright.search import Trials

__all__ = ["TRIALS", "LastSteps", "TrialTrace", "read_trials", "split_digest", "trial_records"]

TRIALS = "trials.json"

_MOST_ROWS = 200_000
"""Rows that the last steps are judged on: more know no better."""


@dataclass(frozen=True)
class TrialTrace:
    """One configuration of a run.

    Attributes
    ----------
    number : int
        0 is the constant baseline.
    learner, label, origin : str
        Name in the catalog, name on the leaderboard, who proposed it.
    config : mapping
        Hyperparameters.
    scores : tuple of float or None
        Of each fold on its own validation rows; None where the fold was not finished.
    failure : str
        Why it failed; empty if it did not.

    Examples
    --------
    >>> trace = TrialTrace(1, "linear", "linear", "portfolio", {}, (0.8, None))
    >>> TrialTrace.from_dict(trace.to_dict()) == trace
    True
    """

    number: int
    learner: str
    label: str
    origin: str
    config: Mapping[str, Any]
    scores: tuple[float | None, ...]
    failure: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every fold was finished."""
        return bool(self.scores) and all(score is not None for score in self.scores)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able record."""
        return {**vars(self), "config": dict(self.config), "scores": list(self.scores)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TrialTrace:
        """Inverse of `to_dict`.

        Raises
        ------
        LookupError, TypeError, ValueError
            If the record is anything else.
        """
        texts = {name: record[name] for name in ("learner", "label", "origin", "failure")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise TypeError("the names of a trial are texts")
        if not isinstance(record["config"], Mapping):
            raise TypeError("the configuration of a trial is a mapping")
        scores = tuple(None if score is None else float(score) for score in record["scores"])
        return cls(number=int(record["number"]), config=dict(record["config"]), scores=scores, **texts)


def trial_records(trials: Trials) -> dict[str, Any]:
    """The trials of a run, as `read_trials` reads them."""
    traces = [
        TrialTrace(
            trial.number,
            trial.learner,
            trial.label,
            trial.origin,
            dict(trial.config),
            tuple(trial.scores.get(fold) for fold in range(trials.count)),
            trial.failure,
        )
        for trial in trials.all()
    ]
    return {"trials": [trace.to_dict() for trace in traces]}


def read_trials(path: Path, manifest: Mapping[str, Any]) -> tuple[TrialTrace, ...]:
    """The trials of a bundle's run in the order of their numbers; none in bundles that keep none.

    Raises
    ------
    BundleError
        If they are damaged.
    """
    if TRIALS not in manifest["files"]:
        return ()
    try:
        found = [TrialTrace.from_dict(each) for each in read_part(path, manifest, TRIALS)["trials"]]
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BundleError(f"The trials of {str(path)!r} are damaged ({error}).") from error
    return tuple(sorted(found, key=lambda trial: trial.number))


def split_digest(data: FoldData) -> str:
    """SHA-256 (hexadecimal) of which training rows each fold validates."""
    digest = hashlib.sha256()
    for rows in data.folds.valid:
        digest.update(len(rows).to_bytes(8, "big"))
        digest.update(np.ascontiguousarray(rows, dtype=np.int64).tobytes())
    return digest.hexdigest()


@dataclass
class LastSteps:
    """What each of the last steps between members and answers is worth on out-of-fold rows.

    A step is judged on the rows that it was fitted to, which flatters it a little: whether it is taken at all
    was decided on halves of the rows, each judged by what the other half fitted. Whoever shows these says so.

    Attributes
    ----------
    trials : Trials
    folds : int
        The rows of the first so many folds count.
    facts : dict of str to mapping
        By step: ``used``, and where it was: ``with`` and ``without``, scores of the metric in its natural
        direction; for probabilities also ``log_loss_with`` and ``log_loss_without``. None where a score is
        undefined or takes too long.
    """

    trials: Trials
    folds: int
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, step: str, before: FloatArray, after: FloatArray) -> FloatArray:
        """Note a step that turned one array of predictions into another; returns the latter.

        An array that is handed on as it is (the same object) means that the step was not taken.
        """
        if after is before:
            self.facts[step] = {"used": False}
            return after
        self.facts[step] = {
            "used": True,
            "with": self._score(self._decided(after)),
            "without": self._score(self._decided(before)),
        }
        if self.trials.data.problem.task.is_classification:
            self.facts[step] |= {
                "log_loss_with": self._log_loss(after),
                "log_loss_without": self._log_loss(before),
            }
        return after

    def add_decisions(self, array: FloatArray, utility: FloatArray | None) -> None:
        """Note what decides: a utility, against the most probable class (or a half for each label)."""
        if utility is None:
            self.facts["thresholds"] = {"used": False}
            return
        thinned = array[:: self._stride]
        self.facts["thresholds"] = {
            "used": True,
            "with": self._score(Predictions(thinned, utility)),
            "without": self._score(Predictions(thinned, None)),
        }

    @property
    def _stride(self) -> int:
        return max(1, -(-len(self.trials.rows(self.folds)) // _MOST_ROWS))

    def _decided(self, array: FloatArray) -> Predictions:
        if self._stride == 1:
            return self.trials.decided(array, self.folds)
        return Predictions(array[:: self._stride])

    def _score(self, predictions: Predictions) -> float | None:
        return None if self.trials.metric.costly else self._by(self.trials.metric, predictions)

    def _log_loss(self, array: FloatArray) -> float | None:
        metric = get_metric("log_loss", self.trials.data.problem.task)
        return self._by(metric, Predictions(array[:: self._stride]))

    def _by(self, metric: Metric, predictions: Predictions) -> float | None:
        target, weights = self.trials.target(self.folds), self.trials.weights(self.folds)
        kept = None if weights is None else weights[:: self._stride]
        score, _ = metric.try_score(target[:: self._stride], predictions, kept)
        return float(score) if np.isfinite(score) else None
