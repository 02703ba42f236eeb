"""What every learner first makes of a `FitTask`: checked rows, encoded targets, weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FitTask, FloatArray, IntArray, OutOfTime, TrialError
from modelwright.learners.targets import TargetCoder, relative_weights

__all__ = ["Fold"]


@dataclass(frozen=True)
class Fold:
    """The rows of one fit, sorted, with targets as engines want them.

    Attributes
    ----------
    coder : TargetCoder
        Fitted on the training rows.
    train_rows, valid_rows : int64 arrays
        Validation rows of classes that training rows do not hold are left out: no engine could
        score them. They are empty when all rows are used for training.
    train_target, valid_target : arrays
        Encoded by the coder.
    train_weights, valid_weights : float64 arrays or None
        Row weights; for MAPE they make errors relative.
    """

    coder: TargetCoder
    train_rows: IntArray
    valid_rows: IntArray
    train_target: NDArray[Any]
    valid_target: NDArray[Any]
    train_weights: FloatArray | None
    valid_weights: FloatArray | None

    @classmethod
    def of(cls, task: FitTask) -> Fold:
        """Check a task and prepare its rows.

        Raises
        ------
        TrialError
            If there are no training rows, or the deadline has passed already.
        """
        if not len(task.train_rows):
            raise TrialError("A fit needs training rows, but the fold has none. Use fewer folds.")
        if task.deadline.passed:
            raise OutOfTime("The fit was to start after its deadline had passed. Give the run more time.")
        with task.clock("preparing"):
            return cls._prepared(task)

    @classmethod
    def _prepared(cls, task: FitTask) -> Fold:
        # sorted rows read a memory map in order, and make the result independent of the split's order
        train, valid = np.sort(task.train_rows), np.sort(task.valid_rows)
        target = np.asarray(task.target)
        coder = TargetCoder.fit(task.problem, target[train])
        if coder.is_classification:
            valid = valid[coder.encode(target[valid]) >= 0]
        weights = task.weights
        train_weights, valid_weights = (
            relative_weights(
                task.problem,
                target[rows],
                None if weights is None else np.asarray(weights[rows], np.float64),
            )
            for rows in (train, valid)
        )
        return cls(
            coder=coder,
            train_rows=train,
            valid_rows=valid,
            train_target=coder.encode(target[train]),
            valid_target=coder.encode(target[valid]),
            train_weights=train_weights,
            valid_weights=valid_weights,
        )
