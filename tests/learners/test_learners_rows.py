"""A single row gets the prediction that it gets among many, from every learner."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import SparseBlock, Task, View
from modelwright.learners import LEARNERS, FittedLearner
from modelwright.testing import LearningTable, make_learning_table
from modelwright.testing.learning_tables import with_terms

SMALL = {"rounds": 12, "trees": 12, "epochs": 2, "width": 8, "members": 2}
"""Hyperparameters that keep fits short, where a learner has them."""

TOLERANCE = 1e-12
"""Relative; sums of matrix products come in another order where rows are many."""

EXACT = {
    *("constant", "lightgbm", "xgboost", "hist_gradient_boosting", "extra_trees"),
    *("random_forest", "decision_tree", "ordinal_boosting"),
}
"""Learners whose predictions are the same to the last bit."""

NUMBERS = st.lists(st.just(np.nan) | st.floats(-(2.0**99), 2.0**99, width=32), min_size=4, max_size=4)
CODES = st.lists(st.integers(0, 5), min_size=2, max_size=2)


def table_for(name: str) -> LearningTable:
    """Several classes, in an order where the learner wants one; else two classes or values."""
    learner = LEARNERS.load(name)()
    for task in (Task.MULTICLASS, Task.BINARY, Task.REGRESSION):
        table = make_learning_table(task, rows=150)
        ordered = replace(table.problem, ordered=task is Task.MULTICLASS)
        for problem in (table.problem, ordered):
            if learner.supports(problem, table.view.shape(problem.outputs)) is None:
                return replace(table, problem=problem)
    raise AssertionError(f"no table for {name}")


@cache
def fitted(name: str) -> tuple[LearningTable, FittedLearner]:
    table = table_for(name)
    learner = LEARNERS.load(name)()
    config = {key: value for key, value in SMALL.items() if key in learner.defaults}
    return table, learner.fit(replace(table.task(), config=config)).model


def agree(name: str, model: FittedLearner, view: View, rows: Any) -> None:
    whole = model.predict(view).array
    for row in rows:
        alone = model.predict(view.take(slice(row, row + 1))).array[0]
        if name in EXACT:
            assert np.array_equal(alone, whole[row])
        else:
            np.testing.assert_allclose(alone, whole[row], rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", LEARNERS.names())
def test_rows_alone_are_predicted_as_among_others(name: str) -> None:
    table, model = fitted(name)
    agree(name, model, table.view, range(0, table.view.rows, 15))


@pytest.mark.parametrize("name", LEARNERS.names())
def test_whatever_is_in_them(name: str) -> None:
    table, model = fitted(name)

    @settings(max_examples=12, deadline=None)
    @given(st.lists(st.tuples(NUMBERS, CODES), min_size=1, max_size=3))
    def check(cells: list[tuple[list[float], list[int]]]) -> None:
        numeric = np.array([numbers for numbers, _ in cells], np.float32)
        categorical = np.array([codes for _, codes in cells], np.int32)
        # the rest makes the table a large one, for which learners take other ways
        view = View(
            np.concatenate([numeric, table.view.numeric]),
            np.concatenate([categorical, table.view.categorical]),
            table.view.info,
        )
        agree(name, model, view, range(len(cells)))

    check()


@pytest.mark.parametrize("name", ["linear", "glm", "linear_svm"])
def test_terms_of_one_row_are_multiplied_in_the_order_of_many(name: str) -> None:
    plain = make_learning_table(Task.REGRESSION if name == "glm" else Task.BINARY, rows=150)
    target = plain.target + 1.0 if name == "glm" else plain.target
    table = replace(plain, view=with_terms(plain.view), target=target)
    model = LEARNERS.load(name)().fit(table.task()).model
    whole = model.predict(table.view).array
    for row in range(0, 150, 7):
        assert np.array_equal(model.predict(table.view.take(slice(row, row + 1))).array[0], whole[row])
    empty = SparseBlock(np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(2, np.int64), 40)
    first = table.view.take(slice(0, 1))
    assert first.sparse is not None
    assert len(first.sparse.data) == 0
    assert np.array_equal(model.predict(replace(first, sparse=empty)).array[0], whole[0])
