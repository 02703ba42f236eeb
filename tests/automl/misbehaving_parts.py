"""Parts of somebody else that do everything wrong; tests install this module as a package of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from modelwright.core import Config, Estimate, FitTask, OutOfTime, Predictions, Problem, Shape, View
from modelwright.data import RawTable, Source
from modelwright.learners import Candidate, FitResult, Learner, Parameter
from modelwright.learners.constant import Constant, FittedConstant


class Harmless(Learner):
    """The constant under another name; what derives from it goes wrong in one place."""

    name = "harmless"
    fitted = FittedConstant

    def portfolio(self, problem: Problem, shape: Shape) -> Sequence[Candidate]:
        return (Candidate("", {}),)

    def space(self, problem: Problem, shape: Shape) -> dict[str, Parameter]:
        return {}

    def estimate(self, shape: Shape, config: Config) -> Estimate:
        return Estimate(0.001, 1_000)

    def fit(self, task: FitTask) -> FitResult:
        return Constant().fit(task)


class Raises(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        raise KeyError("no such thing")


class Aborts(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        os.abort()


class Exits(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        sys.exit(0)


class Spins(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        sum(range(10**13))  # one call into C that never lets go of the interpreter
        return super().fit(task)


class Eats(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        held = []
        while True:
            held.append(np.ones(4_000_000))


class Prints(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        for _ in range(300):
            sys.stdout.write("x" * 10_000 + "\n")
            sys.stderr.write("y" * 10_000 + "\n")
        return super().fit(task)


class Says(FittedConstant):
    """Predicts what it was told to."""

    def predict(self, view: View) -> Any:
        return Predictions(np.full((view.rows, 2), np.nan))


class Late(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        raise OutOfTime("The deadline passed before one tree was grown.")


class NotFinite(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        return FitResult(Says(np.array([0.5, 0.5]), True))


class SaysValues(FittedConstant):
    def predict(self, view: View) -> Any:
        return Predictions(np.full(view.rows, 0.5))


class WrongShape(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        return FitResult(SaysValues(np.array([0.5, 0.5]), True))


class SaysTooLittle(FittedConstant):
    def predict(self, view: View) -> Any:
        return Predictions(np.full((view.rows - 1, 2), 0.5))


class WrongRows(Harmless):
    def fit(self, task: FitTask) -> FitResult:
        return FitResult(SaysTooLittle(np.array([0.5, 0.5]), True))


class Nothing(Harmless):
    def fit(self, task: FitTask) -> Any:
        return None


class NoPortfolio(Harmless):
    def portfolio(self, problem: Problem, shape: Shape) -> Any:
        raise ZeroDivisionError("no candidates")


class NoEstimate(Harmless):
    def estimate(self, shape: Shape, config: Config) -> Any:
        return None


class BrokenSource(Source):
    extensions = (".broken",)

    def read(self, source: Any, wanted: Collection[str] | None = None) -> RawTable:
        raise LookupError("no such table")
