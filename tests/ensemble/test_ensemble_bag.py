"""Ensembles whose members are combined by a stacked model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core import FeatureInfo, FitTask, Problem, Task, View, ViewInfo
from modelwright.ensemble import Ensemble, Member, Stacker
from modelwright.learners import LEARNERS

INFO = ViewInfo((FeatureInfo("x", "x", "value"),), ())
VIEW = View(np.linspace(-2, 2, 60, dtype=np.float32)[:, None], np.zeros((60, 0), np.int32), INFO)
TARGETS = {
    Task.REGRESSION: VIEW.numeric[:, 0].astype(np.float64),
    Task.BINARY: (VIEW.numeric[:, 0] > 0).astype(int),
}


def members(place: Path, task: Task) -> tuple[Member, ...]:
    metric, classes = ("rmse", ()) if task is Task.REGRESSION else ("log_loss", ("no", "yes"))
    problem = Problem.of("y").resolved(task, metric, classes)
    found = []
    for number, (learner, weight) in enumerate((("linear", 0.7), ("constant", 0.3))):
        rows = np.arange(VIEW.rows)
        model = LEARNERS.load(learner)().fit(FitTask(VIEW, TARGETS[task], rows, rows[:0], problem)).model
        directory = place / str(number)
        directory.mkdir()
        model.save(directory)
        found.append(Member(number, learner, learner, weight, (directory,), {}, task))
    return tuple(found)


@pytest.mark.parametrize("task", TARGETS)
def test_a_stacked_model_combines_the_members_also_after_a_round_trip(task: Task, tmp_path: Path) -> None:
    stacker = Stacker((1.5, 0.5), (0.25,) if task is Task.REGRESSION else (0.5, -0.5))
    parts = members(tmp_path, task)
    ensemble = Ensemble(task, parts, stacker=stacker)
    predicted = ensemble.predict(VIEW).array
    assert np.allclose(predicted, stacker.combine([member.predict(VIEW) for member in parts]))
    assert not np.allclose(predicted, Ensemble(task, parts).predict(VIEW).array)
    loaded = Ensemble.from_dict(tmp_path, ensemble.to_dict(tmp_path), 1 if task is Task.REGRESSION else 2)
    assert loaded.stacker == stacker
    assert np.array_equal(loaded.predict(VIEW).array, predicted)


def test_a_stacked_model_of_other_members_or_outputs_is_refused(tmp_path: Path) -> None:
    ensemble = Ensemble(Task.BINARY, members(tmp_path, Task.BINARY), stacker=Stacker((1.0, 1.0), (0.0, 0.0)))
    record = ensemble.to_dict(tmp_path)
    with pytest.raises(ValueError, match="stacked model"):
        Ensemble.from_dict(tmp_path, {**record, "stacker": {"slopes": [1.0], "constants": [0.0, 0.0]}})
    with pytest.raises(ValueError, match="3 outputs for 2"):
        Ensemble.from_dict(tmp_path, {**record, "stacker": {"slopes": [1.0, 1.0], "constants": [0.0] * 3}}, 2)
    with pytest.raises(ValueError, match="does not fit the task"):
        Ensemble.from_dict(tmp_path, {**record, "task": "multilabel"})
