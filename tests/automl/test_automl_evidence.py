"""What a bundle keeps of the rows that judged its model, and what it says of its own doubt."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import modelwright as mw
from modelwright.automl import TrainRequest, execute
from modelwright.automl.bundle import seal_bundle
from modelwright.automl.environment import environment, machine
from modelwright.automl.evidence import Evidence, read_conformal, read_evidence, write_evidence
from modelwright.automl.replay_comparison import made_of
from modelwright.core import BundleError, OptionError, Predictions, Problem, SchemaMismatch, Task
from modelwright.learners.state import read_arrays, write_arrays


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
    asked = {"max_trials": 2, "threads": 1, "learners": ["linear", "lightgbm"], "executor": "inline"}
    return execute(TrainRequest(table, "y", workspace=place, time_limit="10m", **asked)).model


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


def stored(place: Path, problem: Problem, evidence: Evidence) -> SimpleNamespace:
    """What a bundle keeps of some evidence, as a model that was loaded has it."""
    write_evidence(place, evidence, problem)
    files = {path.name: {} for path in place.iterdir()}
    return SimpleNamespace(path=place, manifest={"files": files}, problem=problem, name="m", utility=None)


def test_values_far_from_zero_keep_their_errors(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    target = 1.7e9 + rng.normal(size=100)
    values = Predictions(target + rng.normal(0, 0.1, 100))
    whole = Evidence(np.arange(100), np.zeros(100, np.int64), target, values, None, None, 100)
    known = read_evidence(stored(tmp_path, problem, whole))
    assert known is not None
    assert np.array_equal(known.array, values.array)
    assert np.array_equal(known.target, target)


def test_values_beyond_32_bits_are_kept(tmp_path: Path) -> None:
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    target = np.linspace(1e200, 2e200, 50)
    whole = Evidence(np.arange(50), np.zeros(50, np.int64), target, Predictions(target), None, None, 50)
    model = stored(tmp_path, problem, whole)
    known = read_evidence(model)
    assert known is not None
    assert np.array_equal(known.array, target)
    with pytest.raises(OptionError, match="knows nothing of its errors"):
        read_conformal(model)


def test_what_was_decided_by_group_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    problem = Problem.of("y").resolved(Task.BINARY, "accuracy", ("no", "yes"))
    chance, codes = rng.random(60), rng.integers(0, 2, 60)
    predictions = Predictions(np.column_stack([1 - chance, chance]), None, codes)
    weights, groups = rng.random(60), rng.integers(0, 9, 60)
    whole = Evidence(
        np.arange(60), rng.integers(0, 3, 60), codes[::-1].copy(), predictions, weights, groups, 80
    )
    known = read_evidence(stored(tmp_path, problem, whole))
    assert known is not None
    assert known.predictions.codes.tolist() == codes.tolist()
    assert known.target.tolist() == codes[::-1].tolist()
    assert known.array == pytest.approx(predictions.array, abs=1e-6)
    assert known.weights == pytest.approx(weights)
    assert known.groups is not None
    assert known.groups.tolist() == groups.tolist()
    assert (known.fold.tolist(), known.total) == (whole.fold.tolist(), 80)


def resealed(model: mw.Model, place: Path, change: Callable[[Path], object]) -> mw.Model:
    """A copy whose hashes fit, though a file of it was changed."""
    copy = model.save(place / "copy.mw")
    change(copy)
    sealed = ("files", "digest", "format", "format_version")
    manifest = {key: value for key, value in model.manifest.items() if key not in sealed}
    (copy / "manifest.json").unlink()
    seal_bundle(copy, manifest)
    return mw.load(copy)


def test_a_copy_has_the_same_evidence(model: mw.Model, tmp_path: Path) -> None:
    first, second = read_evidence(model), read_evidence(mw.load(model.save(tmp_path / "copy.mw")))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.array, second.array)
    assert np.array_equal(first.rows, second.rows)
    assert np.array_equal(first.target, second.target)


@pytest.mark.parametrize("name", ["evidence.npz", "conformal.json"])
def test_a_changed_byte_is_found_when_a_model_is_loaded(model: mw.Model, tmp_path: Path, name: str) -> None:
    copy = model.save(tmp_path / "copy.mw")
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match=name):
        mw.load(copy)


def test_bundles_without_evidence_say_so(model: mw.Model, tmp_path: Path) -> None:
    def forget(copy: Path) -> None:
        (copy / "evidence.npz").unlink()
        (copy / "conformal.json").unlink()

    older = resealed(model, tmp_path, forget)
    assert read_evidence(older) is None
    fresh = frame(5, 2, "values").drop("y")
    for asked in (older.predict_interval, older.predict_set, older.coverage):
        with pytest.raises(OptionError, match="Train it again"):
            asked(fresh)


NUMBERS = st.one_of(st.integers(-(2**40), 2**40), st.sampled_from([0, -1, 2**62]), st.floats(), st.booleans())


@st.composite
def arrays(draw: st.DrawFn, known: np.ndarray) -> np.ndarray:
    """An array that may be nearly right: other values, types, lengths or dimensions."""
    kind = draw(st.sampled_from(["value", "type", "length", "shape", "one"]))
    if kind == "value":
        changed = known.astype(np.float64) if draw(st.booleans()) else known.copy()
        place = draw(st.integers(0, changed.size - 1))
        number = draw(NUMBERS)
        with np.errstate(all="ignore"), contextlib.suppress(OverflowError, ValueError):
            changed.reshape(-1)[place] = number
        return changed
    if kind == "type":
        kinds = [np.float32, np.float64, np.int8, np.uint64, np.bool_, np.int64]
        with np.errstate(all="ignore"):
            return known.astype(draw(st.sampled_from(kinds)))
    if kind == "length":
        return known[: draw(st.integers(0, len(known) - 1))]
    if kind == "shape":
        return np.broadcast_to(known[..., None], (*known.shape, draw(st.integers(0, 3)))).copy()
    return np.array(draw(NUMBERS))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_evidence_that_somebody_wrote_is_read_or_refused(model: mw.Model, data: st.DataObject) -> None:
    known = read_arrays(model.path / "evidence.npz")
    name = data.draw(st.sampled_from([*known, "other"]))
    changed = {**known, name: data.draw(arrays(known.get(name, known["rows"])))}
    if data.draw(st.integers(0, 9)) == 0:
        changed.pop(data.draw(st.sampled_from(list(changed))))
    with tempfile.TemporaryDirectory() as place:
        write_arrays(Path(place, "evidence.npz"), changed)
        bundled = SimpleNamespace(
            path=Path(place), manifest=model.manifest, problem=model.problem, utility=None, name="m"
        )
        try:
            found = read_evidence(bundled)
        except BundleError:
            return
    assert found is not None
    assert np.isfinite(found.array).all()
    assert len(found.rows) == len(found.array) == len(found.target) <= found.total
    assert model.problem.task is Task.REGRESSION or set(found.target.tolist()) <= {0, 1}


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_intervals_that_somebody_wrote_are_read_or_refused(model: mw.Model, data: st.DataObject) -> None:
    record = json.loads((model.path / "conformal.json").read_bytes())
    place = data.draw(st.sampled_from(["task", "scores", "classes", "knots", "spreads", "least", "inner"]))
    junk = st.one_of(
        NUMBERS,
        st.none(),
        st.text(max_size=3),
        st.lists(NUMBERS, max_size=3),
        st.just([{"values": [1.0], "rows": 1e999}]),
        st.just([{"values": [10**400], "rows": 1}]),
        st.just({"values": 1}),
    )
    if place == "inner":
        inner = record["scores"][0]
        if data.draw(st.booleans()):
            inner["values"][data.draw(st.integers(0, 9))] = data.draw(junk)
        else:
            inner["rows"] = data.draw(junk)
    else:
        record[place] = data.draw(junk)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "conformal.json").write_text(json.dumps(record))
        bundled = SimpleNamespace(
            path=Path(folder), manifest=model.manifest, problem=model.problem, utility=None, name="m"
        )
        try:
            found = read_conformal(bundled)
        except BundleError:
            return
    with contextlib.suppress(OptionError), np.errstate(all="ignore"):
        if model.problem.task is Task.REGRESSION:
            assert not np.isnan(found.intervals(np.array([0.0, 1.0]), 0.9)).any()
        else:
            found.sets(np.array([[0.2, 0.8]]), 0.9)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5000])
def test_a_file_that_is_no_record_is_told_of(model: mw.Model, tmp_path: Path, content: bytes) -> None:
    def change(copy: Path) -> None:
        (copy / "conformal.json").write_bytes(content)
        (copy / "evidence.npz").write_bytes(content)

    odd = resealed(model, tmp_path, change)
    with pytest.raises(BundleError, match="damaged"):
        odd.coverage()
    with pytest.raises(BundleError):
        read_evidence(odd)


def test_xgboost_is_recorded_under_the_name_of_its_package() -> None:
    """One package or the other brings it: a model that was made with one is told apart."""
    found = environment()
    installed = {each.metadata["Name"] for each in metadata.distributions()}
    assert {"xgboost", "xgboost-cpu"} & installed == {"xgboost", "xgboost-cpu"} & set(found)
    recorded = {**found, "xgboost-cpu": "0.1"}
    (difference,) = made_of({"environment": recorded}, found, machine())
    assert (difference.part, difference.what, difference.recorded) == ("versions", "xgboost-cpu", "0.1")
