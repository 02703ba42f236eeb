"""What has been tried so far in a run: trials, their finished folds, their out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Config, OptionError, Predictions, TrialError
from modelwright.ensemble import FoldData, FoldResult, decided_error, quickly_decided
from modelwright.metrics import Metric

__all__ = ["Trial", "Trials"]

_CLEARLY = 2.0
"""Standard errors by which a trial must be worse to be worse for sure."""


@dataclass
class Trial:
    """One configuration of one learner.

    Attributes
    ----------
    number : int
        0 is the constant baseline; the order in which trials were begun.
    learner, label : str
        Name in the catalog, name on the leaderboard.
    config : mapping
    origin : str
        ``"baseline"``, ``"portfolio"``, ``"bayesian"``, ``"random"`` or ``"grid"``.
    estimated_seconds : float
        Expected wall time of one fold, before any was fitted.
    results : dict of int to FoldResult
        Finished folds.
    running : set of int
        Folds being fitted now.
    attempts : dict of int to int
        How often a fold was begun.
    failure : str
        Why no further fold will be fitted; empty while all is well.
    pruned : bool
        Whether the race was lost: no further fold is worth its time.
    out_of_time : bool
        Whether a fold reached its deadline before it had any model; the trial is ended then.
    probing : bool
        Whether its probe is being fitted now.
    probe_error : float or None
        Error on the first fold's validation rows of a fit on few training rows.
    gain : float
        Share by which the error of the ensemble on the first fold fell when this trial joined.
    scores : dict of int to float
        Score of each finished fold on its own validation rows.
    """

    number: int
    learner: str
    label: str
    config: Config
    origin: str
    estimated_seconds: float = 0.0
    results: dict[int, FoldResult] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    attempts: dict[int, int] = field(default_factory=dict)
    failure: str = ""
    pruned: bool = False
    out_of_time: bool = False
    probing: bool = False
    probe_error: float | None = None
    gain: float = 0.0
    scores: dict[int, float] = field(default_factory=dict)

    @property
    def fold_seconds(self) -> float:
        """Wall time of one fold: the mean of the finished ones, or the estimate."""
        if not self.results:
            return self.estimated_seconds
        return float(np.mean([r.fit_seconds + r.predict_seconds for r in self.results.values()]))

    @property
    def fit_seconds(self) -> float:
        """Wall time of all finished fits together."""
        return sum(result.fit_seconds for result in self.results.values())

    @property
    def size_bytes(self) -> int:
        """Size of the finished fold models together."""
        return sum(result.size_bytes for result in self.results.values())

    @property
    def row_seconds(self) -> float:
        """Wall time of one fold model's prediction of one row; 0 if nobody measured it."""
        known = [result.row_seconds for result in self.results.values() if result.row_seconds > 0]
        return float(np.median(known)) if known else 0.0

    def missing(self, count: int) -> list[int]:
        """Folds of ``count`` that are neither finished nor running, in ascending order."""
        return [fold for fold in range(count) if fold not in self.results and fold not in self.running]

    def prefix(self, count: int) -> int:
        """How many of the first folds are finished without a gap."""
        return next((fold for fold in range(count) if fold not in self.results), count)


class Trials:
    """The trials of a run and their predictions of validation rows, compared on equal rows only.

    Parameters
    ----------
    data : FoldData
        Target, weights and folds of the run.
    metric : Metric
        What the run optimises.
    """

    def __init__(self, data: FoldData, metric: Metric) -> None:
        self.data = data
        self.metric = metric
        self.count = len(data.folds.valid)
        self._trials: dict[int, Trial] = {}
        self._predictions: dict[tuple[int, int], NDArray[np.floating]] = {}
        self._errors: dict[tuple[int, int], float] = {}
        self._worse: dict[tuple[int, int], bool] = {}
        self._rows = [np.asarray(rows) for rows in data.folds.valid]

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._trials.values())

    def __len__(self) -> int:
        return len(self._trials)

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    def __contains__(self, number: object) -> bool:
        return number in self._trials

    def add(self, trial: Trial) -> None:
        """Begin to keep a trial."""
        self._trials[trial.number] = trial

    def finish_fold(self, number: int, fold: int, result: FoldResult) -> float:
        """Keep a finished fold; returns the metric's score on its validation rows.

        Raises
        ------
        TrialError
            If the metric, which may be the caller's, fails over these predictions: nothing is kept then.
            The baseline is kept in any case; a score of its own is NaN.
        """
        trial = self._trials[number]
        trial.running.discard(fold)
        predictions = result.valid_predictions()
        rows = self._rows[fold]
        target, weights = self.data.target[rows], self._weights(rows)
        decided = quickly_decided(self.metric, target, predictions, weights, self.data.problem)
        score, reason = self.metric.try_score(target, decided, weights)
        if reason and trial.origin != "baseline":
            raise TrialError(reason)
        trial.results[fold] = result
        trial.scores[fold] = score
        self._predictions[number, fold] = predictions.astype(np.float32)
        return score

    def finish_probe(self, number: int, result: FoldResult) -> None:
        """Keep the error of a probe; its model and its predictions are of no further use."""
        trial = self._trials[number]
        trial.probing = False
        trial.probe_error = self.error_of(result.valid_predictions(), 1)

    def all(self) -> list[Trial]:
        """Every trial, in the order of the numbers."""
        return [self._trials[number] for number in sorted(self._trials)]

    def having(self, folds: int) -> list[Trial]:
        """Trials whose first ``folds`` folds are finished, in the order of their numbers."""
        return [trial for trial in self.all() if trial.prefix(self.count) >= folds]

    def complete(self) -> list[Trial]:
        """Trials with every fold finished."""
        return self.having(self.count)

    def require_score(self) -> None:
        """Refuse to choose among models of which none has a score.

        Raises
        ------
        OptionError
            If the metric is finite for no trial with a finished fold; the message holds its reasons.
        """
        if any(np.isfinite(self.error(each.number, each.prefix(self.count))) for each in self.having(1)):
            return
        reasons = "; ".join(list(dict.fromkeys(trial.failure for trial in self if trial.failure))[:3])
        raise OptionError(
            f"The metric {self.metric.name!r} gave no finite score to any of {len(self)} models"
            f"{f' ({reasons})' if reasons else ''}. Mend it, or choose another one."
        )

    def rows(self, folds: int) -> NDArray[np.int64]:
        """The rows that the first ``folds`` folds validate, fold after fold."""
        return np.concatenate(self._rows[:folds])

    def target(self, folds: int) -> NDArray[np.generic]:
        """Targets of `rows`."""
        target: NDArray[np.generic] = np.asarray(self.data.target)[self.rows(folds)]
        return target

    def weights(self, folds: int) -> NDArray[np.float64] | None:
        """Weights of `rows`."""
        return self._weights(self.rows(folds))

    def predictions(self, number: int, folds: int) -> NDArray[np.floating]:
        """A trial's out-of-fold predictions of `rows`."""
        return np.concatenate([self._predictions[number, fold] for fold in range(folds)])

    def error(self, number: int, folds: int) -> float:
        """A trial's error (lower is better) on the rows of the first ``folds`` folds together."""
        if (number, folds) not in self._errors:  # finished folds never change, and schedulers ask often
            self._errors[number, folds] = self.error_of(self.predictions(number, folds), folds)
        return self._errors[number, folds]

    def decided(self, predictions: NDArray[np.floating], folds: int) -> Predictions:
        """Predictions of the rows of the first ``folds`` folds, with the decisions that suit the metric.

        Models are compared at these: at a threshold of 0.5 an F score of a rare class tells nothing.
        """
        target, weights = self.target(folds), self.weights(folds)
        return quickly_decided(self.metric, target, predictions, weights, self.data.problem)

    def error_of(self, predictions: NDArray[np.floating], folds: int) -> float:
        """Error of any predictions of the rows of the first ``folds`` folds, as they are `decided`."""
        target, weights = self.target(folds), self.weights(folds)
        return decided_error(self.metric, target, predictions, weights, self.data.problem)

    def clearly_worse(self, number: int) -> bool:
        """Whether a trial errs more than the best one on the first fold by more than luck explains.

        A paired test of the losses of the rows; where the metric has none (rankings), any trial is. With very
        small losses a few rows decide, and twice the loss of the best may mean nothing.
        """
        best = min((trial.number for trial in self.having(1)), key=lambda other: self.error(other, 1))
        if (number, best) not in self._worse:  # first folds never change, and schedulers ask often
            self._worse[number, best] = self._is_worse(number, best)
        return self._worse[number, best]

    def _is_worse(self, number: int, best: int) -> bool:
        losses = self.metric.losses
        if losses is None:
            return True
        target = self.target(1)
        each, least = (
            losses(target, self.decided(np.asarray(self.predictions(n, 1), np.float64), 1))
            for n in (number, best)
        )
        differences = each - least
        error = float(differences.std()) / np.sqrt(len(differences))
        return bool(differences.mean() > _CLEARLY * error)

    def score(self, number: int, folds: int) -> float:
        """A trial's score in the natural direction of the metric."""
        decided = self.decided(self.predictions(number, folds), folds)
        return self.metric.try_score(self.target(folds), decided, self.weights(folds))[0]

    def blend(self, numbers: Sequence[int], shares: NDArray[np.float64], folds: int) -> NDArray[np.float64]:
        """Weighted mean of several trials' out-of-fold predictions."""
        parts = [
            share * self.predictions(number, folds) for number, share in zip(numbers, shares, strict=True)
        ]
        total: NDArray[np.float64] = np.sum(parts, axis=0, dtype=np.float64)
        return total

    def _weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        return None if self.data.weights is None else np.asarray(self.data.weights)[rows]
