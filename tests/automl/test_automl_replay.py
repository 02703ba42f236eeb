"""Replay: runs of a given number of trials come out the same, and what differs is named by its cause."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelwright.automl import TrainRequest, execute
from modelwright.automl.bundle import seal_bundle
from modelwright.automl.environment import environment, machine
from modelwright.automl.model import Model
from modelwright.automl.replay import Replay, _planned, replay
from modelwright.automl.replay_comparison import (
    PARTS,
    Difference,
    differing_files,
    made_of,
    parts_of_model,
    results_of,
)
from modelwright.automl.trace import TrialTrace, read_trials
from modelwright.core import BundleError, OptionError, UnknownName


def write_table(path: Path, rows: int = 150, seed: int = 0) -> None:
    """A number, a category, missing cells, and a target that depends on both."""
    random = np.random.default_rng(seed)
    size = random.uniform(0, 10, rows).round(2)
    city = random.choice(["Oslo", "Rome", "Lima"], rows)
    late = size + 2 * (city == "Rome") + random.normal(0, 2, rows) > 6
    pl.DataFrame(
        {
            "size": [None if turn % 17 == 0 else value for turn, value in enumerate(size.tolist())],
            "city": city,
            "late": np.where(late, "yes", "no"),
        }
    ).write_csv(path)


def run(place: Path, **changes: Any) -> Model:
    asked = {
        "data": place / "late.csv",
        "target": "late",
        "learners": ("linear", "lightgbm"),
        "max_trials": 2,
        "time_limit": "10m",
        "threads": 1,
        "executor": "inline",
        "workspace": place / "w",
    }
    return execute(TrainRequest(**{**asked, **changes})).model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("replay")
    write_table(directory / "late.csv")
    return directory


@pytest.fixture(scope="module")
def model(place: Path) -> Model:
    return run(place)


def resealed(model: Model, copy: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of a bundle whose manifest tells something else."""
    model.save(copy)
    manifest = {key: value for key, value in model.manifest.items() if key not in ("files", "digest")}
    manifest = json.loads(json.dumps(manifest))
    change(manifest)
    (copy / "manifest.json").unlink()
    seal_bundle(copy, manifest)
    return copy


def test_a_run_of_a_given_number_of_trials_comes_out_the_same(model: Model, place: Path) -> None:
    before = sorted(path.name for path in (place / "w").rglob("*") if path.is_dir())
    found = replay(model.path)
    assert found.differences == ()
    assert found.verdict == "identical"
    assert found.compared == PARTS
    assert found.missing == ()
    folds = model.manifest["validation"]["folds"]
    assert found.scores == folds * len(read_trials(model.path, model.manifest)) > 2 * folds
    assert sorted(path.name for path in (place / "w").rglob("*") if path.is_dir()) == before


def test_by_its_id_as_well(model: Model, place: Path) -> None:
    by_id = replay(model.manifest["run"], place / "w")
    assert by_id.is_identical
    assert by_id.run == model.manifest["run"]
    with pytest.raises(UnknownName):
        replay("20200101-000000-abcdef", place / "w")
    with pytest.raises(UnknownName):
        replay("last", place / "nowhere")


def test_one_changed_row_is_found_before_anything_is_fitted(model: Model, tmp_path: Path) -> None:
    lines = (model.path.parents[2] / "late.csv").read_text().split("\n")
    lines[5] = "9.99,Rome,no"
    changed = tmp_path / "late.csv"
    changed.write_text("\n".join(lines))
    found = replay(model.path, data=changed)
    assert found.first is not None
    assert (found.first.part, found.first.what) == ("data", "SHA-256")
    assert not found.repeated
    assert found.verdict == "different"


def test_a_row_more_is_told_by_its_number_too(model: Model, tmp_path: Path) -> None:
    longer = tmp_path / "late.csv"
    longer.write_text((model.path.parents[2] / "late.csv").read_text() + "1.5,Lima,no\n")
    found = replay(model.path, data=longer)
    assert [difference.what for difference in found.differences[:2]] == ["SHA-256", "rows"]
    assert found.differences[1].found == found.differences[1].recorded + 1


def test_another_version_of_a_library_is_the_first_difference(model: Model, tmp_path: Path) -> None:
    def older(manifest: dict[str, Any]) -> None:
        manifest["environment"]["lightgbm"] = "0.1"
        manifest["machine"]["processor"] = "another one"

    found = replay(resealed(model, tmp_path / "older.mw", older))
    assert [(each.part, each.what) for each in found.differences] == [
        ("versions", "lightgbm"),
        ("machine", "processor"),
    ]
    assert found.repeated
    assert found.first is not None
    assert found.first.recorded == "0.1"
    assert found.first.found == environment()["lightgbm"]


def test_another_seed_is_found_in_the_plan_before_its_consequences(model: Model, place: Path) -> None:
    other = run(place, seed=1, workspace=place / "seeded")
    found = list(parts_of_model(model, other)) + list(results_of(model, other))
    assert (found[0].part, found[0].what) == ("plan", "seed")
    parts = [PARTS.index(difference.part) for difference in found]
    assert parts == sorted(parts)
    assert {"split", "trials", "predictions"} <= {difference.part for difference in found}


def test_a_record_with_another_seed_does_not_come_out_the_same(model: Model, tmp_path: Path) -> None:
    def seeded(manifest: dict[str, Any]) -> None:
        manifest["request"]["seed"] = 5

    found = replay(resealed(model, tmp_path / "seeded.mw", seeded))
    assert found.first is not None
    assert (found.first.part, found.first.what) == ("plan", "plan: seed")


def test_a_changed_score_is_named_by_trial_and_fold(model: Model, tmp_path: Path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    record = json.loads((copy / "trials.json").read_bytes())
    record["trials"][1]["scores"][2] += 1e-12
    (copy / "trials.json").write_text(json.dumps(record))
    manifest = {key: value for key, value in model.manifest.items() if key not in ("files", "digest")}
    (copy / "manifest.json").unlink()
    seal_bundle(copy, manifest)
    (difference,) = parts_of_model(Model.load(copy), model)
    label = record["trials"][1]["label"]
    assert difference.what == f"trial 1 ({label}), fold 3"
    assert differing_files(Model.load(copy), model) == ("trials.json",)


def test_data_that_is_gone_is_told_with_place_hash_and_rows(model: Model, tmp_path: Path) -> None:
    def elsewhere(manifest: dict[str, Any]) -> None:
        manifest["request"]["data"] = str(tmp_path / "gone.csv")
        manifest["data"]["location"] = str(tmp_path / "gone.csv")

    found = replay(resealed(model, tmp_path / "moved.mw", elsewhere))
    assert found.verdict == "not compared as a whole"
    assert found.compared == ("versions", "machine")
    (sentence,) = found.missing
    assert "gone.csv" in sentence
    assert model.manifest["data"]["sha256"] in sentence
    assert "150 rows" in sentence
    assert any("give the score that it tells" in note for note in found.notes)
    again = replay(tmp_path / "moved.mw", data=model.path.parents[2] / "late.csv")
    assert again.is_identical


def test_a_table_in_memory_is_given_again(tmp_path: Path) -> None:
    write_table(tmp_path / "late.csv")
    frame = pl.read_csv(tmp_path / "late.csv")
    found = run(tmp_path, data=frame, learners="linear", max_trials=1)
    assert not replay(found.path).repeated
    assert replay(found.path, data=frame).is_identical


def test_values_come_out_the_same_too(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    size = random.uniform(0, 10, 120)
    frame = pl.DataFrame({"size": size, "price": 3 * size + random.normal(size=120)})
    found = run(tmp_path, data=frame, target="price", learners="lightgbm", max_trials=1, holdout=0.2)
    assert replay(found.path, data=frame).is_identical


def test_a_run_that_was_limited_by_time_is_repeated_in_its_order(model: Model, tmp_path: Path) -> None:
    def timed(manifest: dict[str, Any]) -> None:
        manifest["plan"]["reproducible"] = False
        manifest["plan"]["max_trials"] = None
        manifest["request"]["max_trials"] = None

    found = replay(resealed(model, tmp_path / "timed.mw", timed))
    assert found.repeated
    assert found.differences == ()  # these fits did not look at the clock
    assert "ensemble" not in found.compared
    assert "predictions" not in found.compared
    assert found.verdict == "not compared as a whole"
    assert any("limited by time" in note for note in found.notes)


def test_a_run_whose_features_the_time_limit_changed_is_not_repeated(model: Model, tmp_path: Path) -> None:
    def cut(manifest: dict[str, Any]) -> None:
        manifest["plan"]["reproducible"] = False
        finding = {"check": "text_cut", "severity": "info", "message": "", "column": None, "action": ""}
        manifest["findings"].append({**finding, "evidence": {}})

    found = replay(resealed(model, tmp_path / "cut.mw", cut))
    assert not found.repeated
    assert "cannot be repeated" in found.missing[0]


def test_the_repeated_model_can_be_kept(model: Model, tmp_path: Path) -> None:
    assert replay(model.path, output=tmp_path / "again.mw").is_identical
    again = Model.load(tmp_path / "again.mw")
    assert differing_files(model, again) == ()
    assert list(results_of(model, again)) == []


def test_what_was_made_elsewhere_is_told_in_the_order_of_cause(model: Model) -> None:
    assert list(made_of(model.manifest, environment(), machine())) == []
    other = {**environment(), "polars": "0.0", "platform": "elsewhere"}
    found = list(made_of(model.manifest, other, {**machine(), "instructions": ["vsx"]}))
    assert [(each.part, each.what) for each in found] == [
        ("versions", "polars"),
        ("machine", "platform"),
        ("machine", "instructions"),
    ]
    older = {key: value for key, value in model.manifest.items() if key != "machine"}
    assert list(made_of(older, environment(), machine())) == []


def test_traces_of_trials_are_read_again(model: Model) -> None:
    trials = read_trials(model.path, model.manifest)
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert trials[0].learner == "constant"
    assert all(trial.is_complete for trial in trials)
    with pytest.raises(TypeError):
        TrialTrace.from_dict({**trials[1].to_dict(), "label": 3})
    older = {**model.manifest, "files": {}}
    assert read_trials(model.path, older) == ()


def test_a_verdict_needs_every_part() -> None:
    whole = Replay("r", "m", (), PARTS)
    assert whole.verdict == "identical"
    assert replace(whole, compared=PARTS[:3]).verdict == "not compared as a whole"
    assert replace(whole, repeated=False).verdict == "not compared as a whole"
    different = replace(whole, differences=(Difference("plan", "seed", 0, 1),))
    assert different.to_dict()["first_difference"] == {
        "part": "plan", "what": "seed", "recorded": 0, "found": 1,
    }  # fmt: skip


def test_a_bundle_without_its_request_says_so(model: Model, tmp_path: Path) -> None:
    found = replay(resealed(model, tmp_path / "old.mw", lambda manifest: manifest.pop("request")))
    assert not found.repeated
    assert "did not record" in found.missing[0]


def test_damaged_bundles_are_refused(model: Model, tmp_path: Path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    (copy / "trials.json").write_text("{}")
    with pytest.raises(BundleError):
        replay(copy)
    with pytest.raises((UnknownName, BundleError, OptionError)):
        replay("no-such-model", tmp_path)


def test_a_holdout_that_is_gone_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / "late.csv")
    write_table(tmp_path / "later.csv", rows=60, seed=3)
    found = run(tmp_path, learners="linear", max_trials=1, holdout=str(tmp_path / "later.csv"))
    assert replay(found.path).is_identical
    (tmp_path / "later.csv").unlink()
    again = replay(found.path)
    assert not again.repeated
    assert again.compared == ("data", "versions", "machine")
    (sentence,) = again.missing
    assert sentence.startswith("The holdout of the run: ")
    assert "later.csv" in sentence


def test_a_metric_that_is_a_function_is_what_is_missing(tmp_path: Path) -> None:
    def right(truth: Any, said: Any) -> float:
        return float(np.mean(np.asarray(truth) == np.asarray(said)))

    write_table(tmp_path / "late.csv")
    found = replay(run(tmp_path, learners="linear", max_trials=1, metric=right).path)
    assert not found.repeated
    (sentence,) = found.missing
    assert "a function" in sentence
    assert "SHA-256" not in sentence  # the data is there


def test_a_record_that_cannot_be_followed_still_names_the_first_difference(
    model: Model, tmp_path: Path
) -> None:
    def foreign(manifest: dict[str, Any]) -> None:
        manifest["environment"]["modelwright"] = "99.0"
        manifest["request"]["learners"] = ["of_the_future"]

    found = replay(resealed(model, tmp_path / "future.mw", foreign))
    assert found.first is not None
    assert (found.first.part, found.first.what) == ("versions", "modelwright")
    assert "of_the_future" in found.missing[0]
    assert not found.repeated


def test_configurations_that_the_recorded_run_had_no_time_for_are_told(model: Model, tmp_path: Path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    record = json.loads((copy / "trials.json").read_bytes())
    lost = record["trials"].pop()
    (copy / "trials.json").write_text(json.dumps(record))
    manifest = {key: value for key, value in model.manifest.items() if key not in ("files", "digest")}
    (copy / "manifest.json").unlink()
    seal_bundle(copy, manifest)
    (difference,) = parts_of_model(Model.load(copy), model)
    assert difference.what == "number of trials"
    assert (difference.recorded, difference.found) == (lost["number"], lost["number"] + 1)
    assert list(parts_of_model(model, Model.load(copy), counted=False)) == []
    assert next(iter(parts_of_model(model, Model.load(copy)))).found is None


def test_a_place_where_nothing_can_be_written_is_refused_first(model: Model, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not exist"):
        replay(model.path, output=tmp_path / "nowhere" / "again.mw")


def test_decisions_by_group_come_out_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = 500
    sex, skill = random.choice(["f", "m"], rows), random.normal(size=rows)
    chance = 1 / (1 + np.exp(-(1.5 * skill + 2 * (sex == "m") - 1)))
    pl.DataFrame(
        {"x": skill, "sex": sex, "late": np.where(random.random(rows) < chance, "yes", "no")}
    ).write_csv(tmp_path / "late.csv")
    found = run(
        tmp_path, learners="linear", max_trials=1, sensitive="sex", mitigate="thresholds", metric="accuracy"
    )
    again = replay(found.path)
    assert again.is_identical, again.to_dict()

    def elsewhere(manifest: dict[str, Any]) -> None:
        manifest["request"]["data"] = str(tmp_path / "gone.csv")

    gone = replay(resealed(found, tmp_path / "gone.mw", elsewhere))
    assert any("give the score that it tells" in note for note in gone.notes)


def test_a_run_that_finished_nothing_is_repeated_as_far_as_it_came(model: Model, tmp_path: Path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    record = json.loads((copy / "trials.json").read_bytes())
    first, second = record["trials"][1:3]
    first["scores"][1:] = [None] * (len(first["scores"]) - 1)
    second["scores"][:] = [None] * len(second["scores"])
    (copy / "trials.json").write_text(json.dumps(record))
    manifest = {key: value for key, value in model.manifest.items() if key not in ("files", "digest")}
    (copy / "manifest.json").unlink()
    seal_bundle(copy, manifest)
    assert [planned["label"] for planned in _planned(Model.load(copy))] == [first["label"]]
    assert len(_planned(model)) == 2
