"""The score of a choice on rows that the choice did not see.

An ensemble is chosen, calibrated and told its thresholds by out-of-fold predictions. Its score on the same
rows flatters: it is the best of many there. Here the choice is made again, as often as there are parts of
the rows, each time without one part, and judged on that part alone. This is the cross-validation of a choice
among finished models of Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the out-of-sample predictions
for efficient and accurate cross-validation" (2018), with parts in place of their bootstrap samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Deadline, FloatArray, IntArray, Predictions, Problem, Task, generator
from modelwright.ensemble import (
    decided_error,
    fit_calibration,
    fit_offsets,
    moved,
    quick_decision,
    select_weights,
)
from modelwright.search import Trials, strongest

__all__ = ["MOST_ROWS", "cross_fitted_choice"]

_PARTS = 5
MOST_ROWS = 5_000
"""Rows above which choosing among some dozens of models flatters by less than anyone can see."""

_FEWEST_ROWS = 2 * _PARTS


def cross_fitted_choice(
    trials: Trials,
    folds: int,
    *,
    groups: NDArray[np.int64] | None = None,
    deadline: Deadline | None = None,
    calibrated: bool = True,
    seed: int = 0,
) -> Predictions | None:
    """Out-of-fold predictions of ensembles that were chosen on other rows.

    Parameters
    ----------
    trials : Trials
    folds : int
        The choice is made among the trials that have finished so many.
    groups : int64 array, shape (rows of those folds,), optional
        Rows of one group stay in one part.
    deadline : Deadline, optional
        When to give up.
    calibrated : bool, default True
        Whether the final model may be calibrated.
    seed : int

    Returns
    -------
    Predictions or None
        Of the rows of `Trials.rows`. For metrics of decisions the array holds the decisions: 1 for the
        class, 0 for the others. None where there is nothing to correct (a single trial, very many rows) or
        no time to do it.
    """
    numbers = [trial.number for trial in trials.having(folds) if trial.origin != "baseline"]
    rows = len(trials.rows(folds))
    if len(numbers) < 2 or not _FEWEST_ROWS <= rows <= MOST_ROWS:
        return None
    target, weights = trials.target(folds), trials.weights(folds)
    arrays = [np.asarray(trials.predictions(number, folds), np.float64) for number in numbers]
    part_of = _parts(target, groups, trials.data.problem, seed)
    found = np.full(arrays[0].shape, np.nan)
    for part in range(_PARTS):
        if deadline is not None and deadline.passed:
            return None
        judged = part_of == part
        if not judged.any():
            continue
        known = ~judged
        chosen = _Choice(
            trials,
            [trials[number].learner for number in numbers],
            target[known],
            None if weights is None else weights[known],
            calibrated,
            deadline,
        )
        found[judged] = chosen.judged([a[known] for a in arrays], [a[judged] for a in arrays])
    return Predictions(found) if np.isfinite(found).all() else None


class _Choice:
    """The final choice as it would be made on some of the rows."""

    def __init__(
        self,
        trials: Trials,
        learners: Sequence[str],
        target: NDArray[np.generic],
        weights: FloatArray | None,
        calibrated: bool,
        deadline: Deadline | None,
    ) -> None:
        self._metric, self._problem = trials.metric, trials.data.problem
        self._learners, self._target, self._weights = learners, target, weights
        self._calibrated, self._deadline = calibrated, deadline

    def judged(self, known: Sequence[FloatArray], judged: Sequence[FloatArray]) -> FloatArray:
        """Predictions, or decisions, of the judged rows by what the known rows speak for."""
        places = self._strongest(known)
        known, judged = [known[place] for place in places], [judged[place] for place in places]
        shares = select_weights(
            self._metric, self._target, known, weights=self._weights, deadline=self._deadline
        )
        blends = [np.tensordot(shares, np.stack(arrays), 1) for arrays in (known, judged)]
        return self._decided(*self._recalibrated(*blends))

    def _strongest(self, known: Sequence[FloatArray]) -> list[int]:
        errors = [
            decided_error(self._metric, self._target, array, self._weights, self._problem) for array in known
        ]
        return strongest(errors, self._learners, len(self._target))

    def _recalibrated(self, known: FloatArray, judged: FloatArray) -> tuple[FloatArray, FloatArray]:
        if not self._calibrated:
            return known, judged
        if self._problem.task.is_classification:
            calibration = fit_calibration(known, self._target.astype(np.int64), self._weights)
            if calibration is not None:
                return calibration.apply(known), calibration.apply(judged)
        if self._problem.task is Task.QUANTILE:
            offsets = fit_offsets(known, self._target, self._problem.quantiles, self._weights)
            return moved(known, offsets), moved(judged, offsets)
        return known, judged

    def _decided(self, known: FloatArray, judged: FloatArray) -> FloatArray:
        utility = quick_decision(self._metric, self._target, known, self._weights, self._problem)
        if utility is None:
            return judged
        decided = Predictions(judged, utility)
        if self._problem.task is Task.MULTILABEL:
            return decided.label_codes.astype(np.float64)
        return np.eye(judged.shape[1])[decided.codes]


def _parts(
    target: NDArray[np.generic], groups: NDArray[np.int64] | None, problem: Problem, seed: int
) -> IntArray:
    """Which part each row is in: every class is spread over all of them, a group is in one."""
    random = generator(seed, "cross-fitted choice")
    if groups is not None:
        codes = np.unique(groups, return_inverse=True)[1]
        return np.asarray((random.permutation(int(codes.max()) + 1) % _PARTS)[codes])
    order = random.permutation(len(target))
    if problem.task.is_classification:
        order = order[np.argsort(target[order], kind="stable")]
    parts = np.empty(len(target), np.int64)
    parts[order] = np.arange(len(target)) % _PARTS
    return parts
