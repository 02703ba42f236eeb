"""What a student learns from: the truth of training rows, a teacher's word on made-up ones, nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, Predictions, Problem, Task, View, ViewInfo
from modelwright.ensemble import Ensemble, FoldData
from modelwright.ensemble.soft_targets import taught
from modelwright.validation import Folds

ROWS = 60


@dataclass(frozen=True)
class Teacher(Ensemble):
    """Says the same of every row."""

    task: Task = Task.BINARY
    members: tuple[()] = ()
    word: tuple[float, ...] = (0.25, 0.75)

    def predict(self, view: View) -> Predictions:
        if self.task is Task.REGRESSION:
            return Predictions.of_values(np.full(view.rows, self.word[0]))
        return Predictions.of_probabilities(np.tile(self.word, (view.rows, 1)))


def data(task: Task, classes: tuple[int, ...], target: NDArray[np.generic]) -> FoldData:
    problem = Problem.of("y").resolved(task, "log_loss" if classes else "rmse", classes)
    info = ViewInfo((FeatureInfo("x", "x", "value"), FeatureInfo("z", "z", "value")), ())
    numbers = np.column_stack([np.arange(ROWS), 1000 + np.arange(ROWS)]).astype(np.float32)
    view = View(numbers, np.zeros((ROWS, 0), np.int32), info)
    rows = np.arange(ROWS)
    return FoldData(problem, view, target, None, Folds((rows[15:],), (rows[:15][::-1],), "k", ""), "id")


def test_a_soft_label_is_a_weighted_row_for_each_class() -> None:
    target = np.arange(ROWS) % 3
    given = data(Task.MULTICLASS, (0, 1, 2), target)
    teacher = Teacher(Task.MULTICLASS, word=(0.3, 0.69, 0.01))
    train, valid = given.folds.train[0], given.folds.valid[0]
    made = taught(given, train, valid, teacher, "student", seed=0)
    rows, last = made.folds.train[0], made.folds.valid[0]
    assert made.weights is not None
    assert made.weights[rows].sum() == 2 * len(train)  # every training row, and a made-up one for each
    one_sided = made.target[rows[len(train) :]]
    assert set(one_sided.tolist()) == {0, 1}  # a class of 1% is left out
    np.testing.assert_allclose(made.weights[rows[len(train) :]].sum(), len(train))
    np.testing.assert_array_equal(made.view.numeric[last, 0], valid)  # once each, in the order of the fold
    np.testing.assert_array_equal(made.target[last], target[valid])


def test_a_student_sees_nothing_of_the_rows_that_judge_it() -> None:
    target = np.arange(ROWS, dtype=np.float64)
    given = data(Task.REGRESSION, (), target)
    train, valid = given.folds.train[0], given.folds.valid[0]
    made = taught(given, train, valid, Teacher(Task.REGRESSION, word=(5.0,)), "student", seed=0)
    rows = made.folds.train[0]
    assert set(made.view.numeric[rows, 0].astype(int)) <= set(train.tolist())
    np.testing.assert_array_equal(made.target[rows[: len(train)]], target[train])
    assert set(made.target[rows[len(train) :]]) == {5.0}
    mixed = made.view.numeric[rows[len(train) :]]
    assert 0 < (mixed[:, 1] - mixed[:, 0] != 1000).mean() < 0.8  # some columns are from other rows
