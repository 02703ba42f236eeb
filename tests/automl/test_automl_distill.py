"""A student of the ensemble is one small model, judged like every other."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelwright as mw
from conftest import table, without
from modelwright.core import OptionError


def test_the_student_is_delivered_as_one_model_and_stands_beside_its_teacher(workspace: Path) -> None:
    frame = without(table(), "churn")
    model = mw.train(
        frame,
        "churn",
        max_trials=1,
        learners="linear",
        threads=1,
        distill="decision_tree",
        workspace=workspace,
    )
    (member,) = list((model.path / "members").iterdir())
    assert [place.name for place in member.iterdir()] == ["all"]
    entries = {entry.label: entry for entry in model.leaderboard().entries}
    student, teacher = entries["distilled decision_tree"], entries["linear (default)"]
    assert student.folds == teacher.folds
    assert student.score is not None
    assert 0.6 < student.score < 1.0
    assert any(point.label == "linear (default)" for point in model.pareto().points)
    assert set(model.predict(frame)) == {"yes", "no"}


def test_several_outputs_have_no_student(workspace: Path) -> None:
    with pytest.raises(OptionError, match="quantile"):
        mw.train(without(table(), "spend"), "spend", quantiles=[0.5], distill=True, workspace=workspace)


def test_a_readable_model_has_no_student(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="readable"):
        mw.train(
            without(table(), "churn"), "churn", quality="interpretable", distill=True, workspace=tmp_path
        )
