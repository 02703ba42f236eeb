"""Would more rows help? A member fitted on growing parts of the rows, in this process and in workers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl.learning_curve import _parts, _read, learning_curve
from modelwright.core import BudgetTooSmall, OptionError


def _train(frame: pl.DataFrame, workspace: Path, **options: object) -> mw.Model:
    given = {"max_trials": 1, "threads": 1, "time_limit": "10m", "workspace": workspace, **options}
    return mw.train(frame, "y", **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def noisy() -> pl.DataFrame:
    """Many columns that matter a little each: a linear model learns from every row."""
    random = np.random.default_rng(0)
    x = random.normal(size=(900, 25))
    y = x @ random.normal(size=25) + 3 * random.normal(size=900)
    return pl.DataFrame({**{f"x{at}": x[:, at] for at in range(25)}, "y": y})


@pytest.fixture(scope="module")
def model(noisy: pl.DataFrame, workspace: Path) -> mw.Model:
    return _train(noisy, workspace, learners="linear")


def test_the_error_falls_with_the_rows(model: mw.Model, noisy: pl.DataFrame) -> None:
    curve = learning_curve(model, noisy, time_limit="60s", threads=1, executor="inline")
    assert [each.rows for each in curve.measured] == [68, 122, 216, 378, 675]
    errors = [each.error for each in curve.measured]
    assert errors[0] > errors[-1] > 2.5
    assert all(each.low <= each.error <= each.high for each in curve.measured)
    assert (curve.metric, curve.learner) == ("rmse", "linear (default)")
    again = learning_curve(model, noisy, time_limit="60s", threads=1, executor="inline")
    assert again == curve


def test_workers_say_the_same(model: mw.Model, noisy: pl.DataFrame) -> None:
    inline = learning_curve(model, noisy, threads=1, executor="inline")
    assert learning_curve(model, noisy, threads=1) == inline


def test_classes_are_in_every_part_and_groups_are_whole(workspace: Path) -> None:
    random = np.random.default_rng(1)
    label = np.where(random.random(600) < 0.04, "rare", np.where(random.random(600) < 0.5, "a", "b"))
    frame = pl.DataFrame({"x": random.normal(size=600), "who": np.arange(600) // 6, "y": label})
    plain = _train(frame.drop("who"), workspace, learners="linear")
    parts, valid = _parts(plain, _read(plain, frame), 0)
    target = _read(plain, frame).target
    for part in parts:
        assert set(target[part]) == {0, 1, 2}
        assert not set(part) & set(valid)
    for smaller, larger in pairwise(parts):
        assert set(smaller) < set(larger)
    grouped = _train(frame, workspace, learners="linear", group="who")
    rows = _read(grouped, frame)
    parts, valid = _parts(grouped, rows, 0)
    assert rows.groups is not None
    assert not set(rows.groups[parts[-1]]) & set(rows.groups[valid])
    assert len(set(rows.groups[parts[0]])) <= len(parts[0]) / 6 + 1


def test_later_rows_are_kept_aside_and_the_newest_are_learned_from(workspace: Path) -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=400)
    frame = pl.DataFrame({"t": range(400), "x": x, "y": x + random.normal(size=400)})
    model = _train(frame, workspace, learners="linear", time_column="t")
    parts, valid = _parts(model, _read(model, frame), 0)
    assert valid.min() > parts[-1].max()
    assert parts[0].min() > np.setdiff1d(parts[-1], parts[0]).max()


def test_what_cannot_be_done_is_told(model: mw.Model, noisy: pl.DataFrame) -> None:
    with pytest.raises(OptionError, match="in memory"):
        model.learning_curve()
    with pytest.raises(OptionError, match="100 rows"):
        model.learning_curve(noisy.head(60))
    with pytest.raises(OptionError, match="'local' or 'inline'"):
        learning_curve(model, noisy, executor="cloud")
    with pytest.raises(BudgetTooSmall):
        model.learning_curve(noisy, time_limit=1)
