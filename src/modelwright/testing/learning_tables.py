"""Small tables that can be learned, for tests of learners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, FitTask, Problem, SparseBlock, Task, View, ViewInfo

__all__ = ["TASKS", "LearningTable", "make_learning_table", "with_terms"]

TASKS = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION, Task.QUANTILE)
"""The tasks of the tables: those that learners see."""

_LEVEL = 0.8
"""The quantile that tables for quantile regression ask for."""


@dataclass(frozen=True)
class LearningTable:
    """A small table that can be learned, for tests of learners.

    Attributes
    ----------
    view, target, problem
        As a `FitTask` takes them.
    """

    view: View
    target: NDArray[Any]
    problem: Problem

    def task(self) -> FitTask:
        """A fit on the first two thirds, validated on the rest; `dataclasses.replace` varies it."""
        cut = self.view.rows * 2 // 3
        rows = np.arange(self.view.rows)
        return FitTask(self.view, self.target, rows[:cut], rows[cut:], self.problem)


def make_learning_table(
    task: Task, rows: int = 300, numeric: int = 4, categorical: int = 2, seed: int = 0
) -> LearningTable:
    """A table whose target follows from a number and, where there is one, a category.

    Parameters
    ----------
    task : Task
        Binary, multiclass (three classes, in an order), regression, or quantile (one of them: 0.8).
    rows, numeric, categorical : int
        Its size; a twentieth of the numbers and of the codes are missing.
    seed : int
        Of the random numbers.

    Examples
    --------
    >>> make_learning_table(Task.BINARY).view.numeric.shape
    (300, 4)
    """
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, numeric)).astype(np.float32)
    codes = rng.integers(1, 6, size=(rows, categorical)).astype(np.int32)
    signal = rng.normal(scale=0.1, size=rows)
    if numeric:
        signal = signal + 2 * numbers[:, 0]
        numbers[rng.random(numbers.shape) < 0.05] = np.nan
    if categorical:
        signal = signal + np.array([0.0, -1.5, 1.5, 0.5, -0.5, 0.0])[codes[:, 0]]
        codes[rng.random(codes.shape) < 0.05] = 0
    info = ViewInfo(
        tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(numeric)),
        tuple(FeatureInfo(f"c{i}", f"c{i}", "codes", 6) for i in range(categorical)),
    )
    view = View(numbers, codes, info)
    problem = Problem.of("y")
    if task is Task.REGRESSION:
        return LearningTable(view, 1000 + 50 * signal, problem.resolved(task, "rmse", ()))
    if task is Task.QUANTILE:
        several = replace(problem.resolved(task, "auto", ()), quantiles=(_LEVEL,))
        return LearningTable(view, 1000 + 50 * signal, several)
    cuts = np.quantile(signal, [0.5] if task is Task.BINARY else [0.33, 0.67])
    labels = ("a", "b", "c")[: len(cuts) + 1]
    target = np.digitize(signal, cuts).astype(np.int64)
    return LearningTable(view, target, problem.resolved(task, "log_loss", labels))


def with_terms(view: View, columns: int = 40) -> View:
    """The view with a block of random terms, none in the first row.

    Parameters
    ----------
    view : View
        Without a block.
    columns : int, default 40
        Width of the block.
    """
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 6, view.rows)
    counts[:1] = 0
    indices = [np.sort(rng.choice(columns, count, replace=False)) for count in counts]
    block = SparseBlock(
        data=rng.random(counts.sum()).astype(np.float32) + np.float32(0.1),
        indices=np.concatenate(indices).astype(np.int32),
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        columns=columns,
    )
    terms = (FeatureInfo("t", "t", "terms", columns),)
    return View(view.numeric, view.categorical, replace(view.info, sparse=terms), block)
