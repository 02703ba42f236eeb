"""A bag of forests walks them all at once for a single row, and says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelwright.core import BundleError, Task
from modelwright.ensemble import Member
from modelwright.learners import LEARNERS
from modelwright.testing import make_learning_table


@pytest.fixture
def member(tmp_path: Path) -> Member:
    table = make_learning_table(Task.MULTICLASS, rows=150)
    learner = LEARNERS.load("extra_trees")()
    for fold in range(3):
        rows = np.flatnonzero(np.arange(150) % 3 != fold)
        fit = learner.fit(replace(table.task(), train_rows=rows, seed=fold, config={"trees": 6}))
        (tmp_path / str(fold)).mkdir()
        fit.model.save(tmp_path / str(fold))
    places = tuple(tmp_path / str(fold) for fold in range(3))
    return Member(0, "extra trees", "extra_trees", 1.0, places, {}, Task.MULTICLASS, 3)


def test_one_row_is_predicted_as_among_others(member: Member) -> None:
    view = make_learning_table(Task.MULTICLASS, rows=150).view
    whole = member.predict(view)
    for row in range(0, 150, 10):
        assert np.array_equal(member.predict(view.take(slice(row, row + 1)))[0], whole[row])


def test_models_of_another_problem_are_refused_for_one_row_too(member: Member) -> None:
    view = make_learning_table(Task.MULTICLASS, rows=150).view.take(slice(0, 1))
    with pytest.raises(BundleError, match=r"tells 3 classes apart"):
        replace(member, outputs=4).predict(view)
    other = make_learning_table(Task.MULTICLASS, rows=30, numeric=3).view.take(slice(0, 1))
    with pytest.raises(BundleError, match="fitted on other columns"):
        member.predict(other)
