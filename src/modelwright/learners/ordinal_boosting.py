"""Ordered classes as a ladder of two-class problems, each solved by boosted trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import (
    Config,
    Contributions,
    Deadline,
    Estimate,
    FitTask,
    FloatArray,
    Predictions,
    Problem,
    Shape,
    Task,
    View,
    derive_seed,
)
from modelwright.learners.attribution import constant_contributions, decoded
from modelwright.learners.base import Candidate, FitResult, FittedLearner, Learner
from modelwright.learners.fold import Fold
from modelwright.learners.lightgbm import LightGBM
from modelwright.learners.ordinal import not_ordered
from modelwright.learners.spaces import Parameter
from modelwright.learners.state import check_state, read_json, write_json
from modelwright.learners.targets import TargetCoder

__all__ = ["FittedLadder", "OrdinalBoosting"]

_MOST_CLASSES = 10
"""Each class but the last is a booster of its own."""


class FittedLadder(FittedLearner):
    """For each class but the last, a model of whether a row is above it.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    steps : sequence of FittedLearner
        One for each class that training rows held, but the last of them.
    """

    def __init__(self, coder: TargetCoder, steps: Sequence[FittedLearner]) -> None:
        self.coder = coder
        self.steps = tuple(steps)

    def predict(self, view: View) -> Predictions:
        """Differences between neighbouring steps; where steps contradict each other, the lower one counts."""
        if not self.steps:
            return self.coder.predict_constant(view.rows)
        above = [np.ones(view.rows)]
        for step in self.steps:
            step.threads = self.threads
            above.append(np.minimum(above[-1], step.predict(view).array[:, 1]))
        return self.coder.decode(_shares(np.stack([*above, np.zeros(view.rows)], axis=1)))

    def contributions(self, view: View) -> Contributions | None:
        """Differences between what neighbouring steps tell; None where a step cannot tell."""
        if not self.steps:
            said = self.coder.predict_constant(1).array
            return constant_contributions(said, view, classes=True)
        count = len(self.steps)
        values, base = [np.zeros((view.rows, len(view.info.features), 1))], [np.ones(1)]
        above = np.ones((view.rows, 1))
        for step in self.steps:
            step.threads = self.threads
            found = step.contributions(view)
            if found is None:
                return None
            shares = found.probabilities()
            above = np.minimum(above, shares.raw)
            base.append(np.minimum(base[-1], shares.base))
            values.append(replace(shares, base=base[-1]).closed(above).values)
        falls = np.concatenate([*values, values[0]], axis=2)
        levels = np.concatenate([*base, np.zeros(1)])
        return decoded(
            self.coder,
            Contributions(
                falls[:, :, : count + 1] - falls[:, :, 1:], levels[:-1] - levels[1:], "probability"
            ),
        )

    def save(self, directory: Path) -> None:
        """Write ``model.json`` and a folder a step."""
        write_json(directory / "model.json", {"target": self.coder.to_dict()})
        for number, step in enumerate(self.steps):
            (directory / f"step{number}").mkdir()
            step.save(directory / f"step{number}")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "model.json"
        coder = TargetCoder.from_dict(read_json(path).get("target", {}))
        check_state(1 <= len(coder.present) <= _MOST_CLASSES, path, "has too few or too many classes")
        steps = [
            LightGBM.fitted.load(directory / f"step{number}") for number in range(len(coder.present) - 1)
        ]
        two = all(getattr(step, "coder", coder).outputs == 2 for step in steps)
        check_state(two, path, "does not fit its steps")
        return cls(coder, steps)

    @property
    def size_bytes(self) -> int:
        """Bytes of all steps."""
        return 500 + sum(step.size_bytes for step in self.steps)


class OrdinalBoosting(Learner):
    """LightGBM models of "above this class", one for each class but the last.

    Source: Frank & Hall, "A simple approach to ordinal classification", ECML 2001.
    """

    name = "ordinal_boosting"
    fitted = FittedLadder
    engines = LightGBM.engines
    defaults: ClassVar[Mapping[str, Any]] = LightGBM.defaults

    def supports(self, problem: Problem, shape: Shape) -> str | None:
        """A few classes in an order."""
        reason = not_ordered(problem)
        if reason is not None:
            return reason
        if problem.outputs > _MOST_CLASSES:
            return f"it fits a booster for each class, of which there are more than {_MOST_CLASSES}"
        return LightGBM().supports(_above(problem), shape)

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        """LightGBM's quick configuration."""
        return tuple(LightGBM().portfolio(_above(problem), replace(shape, outputs=2)))[:1]

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        """LightGBM's."""
        return LightGBM().space(_above(problem), replace(shape, outputs=2))

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        """A booster a step."""
        one = LightGBM().estimate(replace(shape, outputs=2), config)
        steps = max(1, shape.outputs - 1)
        return Estimate(one.seconds * steps, one.bytes, one.model_bytes * steps, one.row_seconds * steps)

    def fit(self, task: FitTask) -> FitResult:
        """Fit the steps one after the other, each in its share of the time that is left."""
        self.settings(task.config)
        coder = Fold.of(task).coder
        target = np.asarray(task.target)
        steps: list[FittedLearner] = []
        rounds: list[int] = []
        by_deadline = False
        for number, code in enumerate(coder.present[:-1]):
            share = task.deadline.remaining / (len(coder.present) - 1 - number)
            step = replace(
                task,
                target=_is_above(target, code),
                problem=_above(task.problem),
                deadline=task.deadline if task.deadline.at is None else Deadline.after(share),
                seed=derive_seed(task.seed, "step", number),
            )
            result = LightGBM().fit(step)
            steps.append(result.model)
            rounds.append(result.iterations or 0)
            by_deadline = by_deadline or result.stopped_by_deadline
        # one number of rounds is what a fit on all rows can be given
        middle = int(np.median(rounds)) if rounds else 0
        return FitResult(FittedLadder(coder, steps), middle, {"rounds": rounds}, by_deadline)


def _above(problem: Problem) -> Problem:
    """The problem of one step."""
    plain = replace(problem, ordered=False, metric_function=None, positive=None, costs=())
    return plain.resolved(Task.BINARY, "log_loss", (False, True))


def _is_above(target: NDArray[Any], code: int) -> NDArray[np.int64]:
    return (target > code).astype(np.int64)


def _shares(above: FloatArray) -> FloatArray:
    """Probabilities of classes from those of being above each, falling from 1 to 0."""
    shares: FloatArray = np.maximum(above[:, :-1] - above[:, 1:], 0.0)
    return shares
