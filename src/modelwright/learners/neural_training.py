"""Training of networks on schedules that end when the time does."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Deadline, TrialError
from modelwright.learners.neural_network import Network
from modelwright.learners.neural_numpy import Run
from modelwright.learners.neural_recipe import Examples, Recipe
from modelwright.learners.objectives import Objective

__all__ = ["Conditions", "Trained", "train"]

_MARGIN = 0.1
"""Seconds kept to write the model down."""

_SLACK = 0.05
"""Share of the time by which steps may lag behind at first: fits with time enough never see the clock."""

_LOOKS = 6
"""A schedule is interrupted for validation at least so often, also where an epoch takes long. More often
would cost as much as another epoch."""


@dataclass(frozen=True)
class Conditions:
    """What a training may use.

    Attributes
    ----------
    deadline : Deadline
        When the weights must be there.
    adaptive : bool
        Whether the schedule may be shortened to the time that is left; else the deadline only cuts it.
    threads : int
        For products of matrices.
    seed : int
        Of the order of rows and of dropout.
    """

    deadline: Deadline
    adaptive: bool
    threads: int
    seed: int


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Attributes
    ----------
    weights : dict of str to float32 array
        Those of the best look at the validation rows; the last ones where there are none.
    epochs : int
        Passes that were begun.
    best_epoch : int
        The one that the weights are from.
    steps : int
        In all.
    reason : str
        ``"epochs"``, ``"no improvement"``, ``"deadline"`` or ``"the loss is no number"``.
    """

    weights: dict[str, NDArray[np.float32]]
    epochs: int
    best_epoch: int
    steps: int
    reason: str


class _Clock:
    """How far a schedule is: by its steps, or by the time that is left for it where that is less.

    Parameters
    ----------
    deadline : Deadline
    steps : int
        Of the whole schedule.
    look_seconds : float
        What one look at the validation rows takes.
    adaptive : bool
        Whether the schedule may be shortened; else the deadline only cuts it.
    """

    def __init__(self, deadline: Deadline, steps: int, look_seconds: float, adaptive: bool) -> None:
        self._steps = steps
        self._adaptive = adaptive
        self._begun = self._last = time.monotonic()
        # another look, then the predictions of those rows in double precision
        reserve = min(_MARGIN + 4 * look_seconds, 0.5 * deadline.remaining)
        self._end = math.inf if deadline.at is None else deadline.at - reserve
        self._slowest = 0.0

    def progress(self, step: int) -> float:
        """The share of the schedule that is done after so many steps; 1 at the end of the time."""
        now = time.monotonic()
        self._slowest = max(0.9 * self._slowest, now - self._last) if step else 0.0
        self._last = now
        if now + 1.3 * self._slowest >= self._end:
            return 1.0
        done = step / self._steps
        if not self._adaptive:
            return done
        gone = (now - self._begun) / (self._end - self._begun)
        return max(done, (gone - _SLACK) / (1 - _SLACK))


class _Best:
    """The best weights so far, by looks at the validation rows; the present ones where there are none."""

    def __init__(self, run: Run) -> None:
        began = time.monotonic()
        self._run = run
        self._loss, self._weights, self.step = run.look(), run.copy(), 0
        self._blind = math.isinf(self._loss)
        self.seconds = time.monotonic() - began

    def look(self, step: int) -> None:
        """Compare the present weights with the best ones."""
        loss = self._run.look()
        if loss < self._loss or self._blind:
            self._loss, self._weights, self.step = loss, self._run.copy(), step

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The weights by name."""
        return self._run.arrays(self._weights)


def train(
    network: Network,
    data: tuple[Examples, Examples],
    objective: Objective,
    recipe: Recipe,
    conditions: Conditions,
) -> Trained:
    """Train a network; the best look at the validation rows decides which weights are kept.

    Parameters
    ----------
    network : Network
        As it begins.
    data : pair of Examples
        To learn from, and to be scored on; the second may be empty.
    objective : Objective
    recipe : Recipe
    conditions : Conditions

    Raises
    ------
    TrialError
        If the loss becomes no number before anything is learned.
    """
    from threadpoolctl import threadpool_limits

    per_epoch = max(1, -(-len(data[0].target) // recipe.batch))
    total = recipe.epochs * per_epoch
    with threadpool_limits(conditions.threads, user_api="blas"):
        run = Run(network, *data, objective, recipe, conditions.seed)
        best = _Best(run)
        clock = _Clock(conditions.deadline, total, best.seconds, conditions.adaptive)
        step, looked, reason = 0, 0.0, ""
        batches: list[Any] = []
        while not reason and (progress := clock.progress(step)) < 1:
            if step and (not batches or progress - looked >= 1 / _LOOKS):
                looked = progress
                best.look(step)
            if not batches:
                if step - 2 * best.step >= recipe.patience * per_epoch:
                    reason = "no improvement"
                    break
                batches = run.batches(per_epoch)
            if run.learn(batches.pop(), recipe.rate_at(progress)):
                step += 1
            else:
                reason = "the loss is no number"
        if not reason:
            reason = "epochs" if step >= total else "deadline"
            best.look(step)
        if reason == "the loss is no number" and not best.step:
            raise TrialError("The network's loss was no number after a few steps. Try a lower learning rate.")
        epochs, best_epoch = (-(-each // per_epoch) for each in (step, best.step))
        return Trained(best.arrays(), epochs, best_epoch, step, reason)
