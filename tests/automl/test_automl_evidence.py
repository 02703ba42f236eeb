"""What a bundle keeps of the rows that judged its model, and what it says of its own doubt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl.evidence import Evidence, read_evidence, write_evidence
from modelwright.core import OptionError, Predictions, Problem, SchemaMismatch, Task


def frame(rows: int, seed: int, kind: str) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=rows), rng.choice(["north", "south"], rows)
    signal = x + (z == "north")
    noise = rng.normal(0, 0.5, rows)
    target = signal + noise if kind == "values" else np.where(signal + noise > 0.5, "yes", "no")
    return pl.DataFrame({"x": x, "z": z, "y": target})


@pytest.fixture(scope="module", params=["values", "classes"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> mw.Model:
    table = frame(400, 0, request.param)
    place = tmp_path_factory.mktemp("workspace")
    return mw.train(table, "y", max_trials=2, threads=1, workspace=place, learners=["linear", "lightgbm"])


def test_evidence_scores_as_the_leaderboard_says(model: mw.Model) -> None:
    known = read_evidence(model)
    assert known is not None
    assert sorted(known.rows.tolist()) == list(range(400))
    assert len(np.unique(known.fold)) == model.manifest["validation"]["folds"]
    assert model.metric is not None
    score = model.metric.score(known.target, known.predictions, known.weights)
    assert score == pytest.approx(model.manifest["score"]["out_of_fold"]["value"], abs=1e-4)
    kind = "values" if model.problem.task is Task.REGRESSION else "classes"
    truth = frame(400, 0, kind)["y"].to_list()
    told = known.target if kind == "values" else [model.problem.classes[code] for code in known.target]
    assert [truth[row] for row in known.rows] == pytest.approx(list(told)) if kind == "values" else True
    assert kind == "values" or [truth[row] for row in known.rows] == list(told)


def test_fresh_rows_are_covered(model: mw.Model) -> None:
    kind = "values" if model.problem.task is Task.REGRESSION else "classes"
    fresh = frame(4_000, 1, kind)
    rows = model.coverage(fresh, 0.9, by="z")
    assert rows[0].part == ""
    assert {row.part for row in rows[1:]} == {"north", "south"}
    assert 0.86 < rows[0].covered < 0.95
    assert rows[0].low < rows[0].covered < rows[0].high
    own = model.coverage(coverage=0.9)
    assert own[0].covered == pytest.approx(0.9, abs=0.01)


def test_predictions_of_doubt_come_in_the_callers_kind(model: mw.Model) -> None:
    kind = "values" if model.problem.task is Task.REGRESSION else "classes"
    fresh = frame(50, 2, kind).drop("y")
    if kind == "values":
        bounds = model.predict_interval(fresh.to_pandas())
        assert list(bounds.columns) == ["low", "high"]
        middle = model.predict(fresh).to_numpy()
        assert ((bounds["low"] <= middle) & (middle <= bounds["high"])).all()
        wide = model.predict_interval(fresh, 0.95)
        assert (wide["low"] <= pl.Series(bounds["low"].to_numpy())).all()
        one = model.predict_interval(fresh.row(0, named=True))
        assert one["low"][0] == pytest.approx(bounds["low"].iloc[0])
        with pytest.raises(OptionError):
            model.predict_set(fresh)
        with pytest.raises(OptionError):
            model.predict_or_abstain(fresh)
    else:
        sets = model.predict_set(fresh, 0.95)
        assert set(sets.explode().drop_nulls().to_list()) <= {"no", "yes"}
        assert len(model.predict_set(fresh.to_pandas(), 0.95)) == 50
        labels = model.predict_or_abstain(fresh, 0.9).to_list()
        sure = model.predict_proba(fresh).to_numpy().max(axis=1) >= 0.9
        assert [label is not None for label in labels] == sure.tolist()
        with pytest.raises(OptionError):
            model.predict_interval(fresh)


def test_doubt_that_cannot_be_told_is_refused(model: mw.Model) -> None:
    fresh = frame(50, 2, "values" if model.problem.task is Task.REGRESSION else "classes")
    with pytest.raises(SchemaMismatch, match="nosuch"):
        model.coverage(fresh, by="nosuch")
    with pytest.raises(OptionError, match="needs the rows"):
        model.coverage(by="z")
    with pytest.raises(OptionError, match="needs"):
        model.coverage(fresh, 0.9999)


def test_many_rows_are_sampled_and_a_limit_of_size_is_kept(tmp_path: Path) -> None:
    rows = 30_000
    rng = np.random.default_rng(0)
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    target = rng.normal(size=rows)
    whole = Evidence(
        np.arange(rows), np.zeros(rows, np.int64), target, Predictions(target + 1), None, None, rows
    )
    write_evidence(tmp_path, whole, problem, limit=100_000)
    assert (tmp_path / "evidence.npz").stat().st_size < 12_000
    assert (tmp_path / "conformal.json").stat().st_size < 60_000
