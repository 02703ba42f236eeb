"""The decision ledger: what is in it, what it says of evidence and effect, and that undos work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl import TrainRequest, execute
from modelwright.automl.bundle import seal_bundle
from modelwright.automl.ledger import (
    TOPICS,
    Effect,
    LedgerEntry,
    as_options,
    entry_of,
    of_topic,
    read_ledger,
)
from modelwright.automl.model import Model
from modelwright.automl.prepare import prepare
from modelwright.automl.undo import followed, reversal, same_request
from modelwright.core import BundleError, OptionError, UnknownName

LEARNERS = ("linear", "naive_bayes", "decision_tree", "glm")
TRIALS = 5


def table(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """An id, a constant, a copy, a leak, a word in two spellings, and a target that follows two columns."""
    random = np.random.default_rng(seed)
    size = random.uniform(0, 10, rows).round(2)
    city = random.choice(["Oslo", "Rome", "Lima"], rows)
    late = size + 2 * (city == "Rome") + random.normal(0, 1.5, rows) > 6
    spelled = [name.upper() if turn % 40 == 0 else name for turn, name in enumerate(city.tolist())]
    return pl.DataFrame(
        {
            "customer_id": [f"K{number:05d}" for number in range(rows)],
            "size": size,
            "size_again": size,
            "city": spelled,
            "always": ["x"] * rows,
            "told_later": np.where(late, "closed", "open"),
            "late": np.where(late, "yes", "no"),
        }
    )


def run(place: Path, data: Any, **changes: Any) -> Model:
    """A training in this process, of a linear model unless something else is asked for."""
    asked = {
        "target": "late",
        "learners": "linear",
        "max_trials": 1,
        "time_limit": "10m",
        "threads": 1,
        "executor": "inline",
        "workspace": place / "w",
    }
    return execute(TrainRequest(data=data, **{**asked, **changes})).model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("ledger")
    table().write_csv(directory / "late.csv")
    return directory


@pytest.fixture(scope="module")
def model(place: Path) -> Model:
    return run(place, place / "late.csv", learners=LEARNERS, max_trials=TRIALS)


@pytest.fixture(scope="module")
def entries(model: Model) -> dict[str, LedgerEntry]:
    return {entry.id: entry for entry in model.decisions()}


def test_every_kind_of_choice_is_in_the_ledger(entries: dict[str, LedgerEntry]) -> None:
    expected = {
        "task", "positive", "metric", "split", "folds", "holdout",
        "drop:customer_id", "drop:always", "drop:size_again", "drop:told_later", "spellings:city",
        "type:size", "type:city", "encode:numeric", "encode:categorical", "messy_values",
        "left_out:glm", "order", "search", "ensemble", "calibration", "thresholds", "refit",
        "budget:workers", "budget:time",
    }  # fmt: skip
    assert expected <= set(entries)
    assert "type:customer_id" not in entries  # what is left out is told once
    assert all(entry.topic in TOPICS and entry.choice for entry in entries.values())
    assert all(entry.undo or entry.fixed for entry in entries.values())


def test_entries_tell_evidence_and_what_reverses_them(entries: dict[str, LedgerEntry]) -> None:
    assert entries["drop:customer_id"].undo == {"overrides": {"customer_id": "feature"}}
    assert entries["drop:size_again"].undo == {"keep": ["size_again"]}
    leak = entries["drop:told_later"]
    assert leak.undo == {"keep": ["told_later"]}
    assert leak.evidence["score"] > 0.9
    assert leak.command == "--keep told_later"
    assert entries["positive"].undo == {"positive": "no"}
    assert entries["metric"].undo == {"metric": "log_loss"}
    assert entries["holdout"].undo == {"holdout": 0.2}
    assert entries["spellings:city"].undo == {"overrides": {"city": "categorical"}}
    assert entries["type:size"].evidence["distinct"] > 50
    assert entries["budget:workers"].undo is None
    assert entries["budget:workers"].fixed


def test_the_ensemble_is_told_with_its_effect(model: Model, entries: dict[str, LedgerEntry]) -> None:
    board = model.leaderboard()
    members = {entry.label: entry.weight for entry in board.entries if entry.weight}
    assert entries["ensemble"].evidence["members"] == pytest.approx(members)
    effect = entries["ensemble"].effect
    if len(members) > 1:
        assert effect is not None
        alone = [e.score for e in board.entries if e.learner != "ensemble" and e.score is not None]
        assert effect.other == pytest.approx(max(alone))
        assert effect.value == pytest.approx(board.winner("ensemble").score)
    for learner in {entry.learner for entry in board.entries if entry.weight}:
        undo = entries[f"learner:{learner}"].undo
        assert undo is None or learner not in undo["learners"]


def test_the_ledger_is_json_and_stable(model: Model) -> None:
    first, second = ([entry.to_dict() for entry in read_ledger(model)] for _ in range(2))
    assert json.loads(json.dumps(first)) == second
    identifiers = [entry["id"] for entry in first]
    assert len(set(identifiers)) == len(identifiers)
    topics = [list(TOPICS).index(entry["topic"]) for entry in first]
    assert topics == sorted(topics)


def test_a_manifest_alone_has_a_ledger(model: Model) -> None:
    identifiers = {entry.id for entry in read_ledger(model.manifest)}
    assert {"task", "drop:always", "folds"} <= identifiers
    assert "ensemble" not in identifiers


def test_bundles_of_earlier_versions_have_one_too(model: Model) -> None:
    new = ("request", "steps", "machine")
    manifest = {key: value for key, value in model.manifest.items() if key not in new}
    manifest["validation"] = {"scheme": "stratified", "folds": 5}
    assert {"task", "split", "folds"} <= {entry.id for entry in read_ledger(manifest)}


def test_damaged_records_are_refused(model: Model, tmp_path: Path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    (copy / "trials.json").write_text('{"trials": [{"number": 1}]}')
    manifest = {key: value for key, value in model.manifest.items() if key not in ("files", "digest")}
    (copy / "manifest.json").unlink()
    seal_bundle(copy, manifest)
    with pytest.raises(BundleError, match="trials"):
        Model.load(copy).decisions()


def test_calibration_is_told_with_its_worth(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = 1_200
    chance = random.beta(0.5, 3.0, rows)
    frame = pl.DataFrame(
        {
            "shy": 0.4 * chance + random.normal(0, 0.01, rows),
            "noise": random.normal(size=rows),
            "late": np.where(random.uniform(size=rows) < chance, "yes", "no"),
        }
    )
    found = run(tmp_path, frame, learners="naive_bayes", metric="f1")
    entries = {entry.id: entry for entry in found.decisions()}
    used = {name: entries[name].undo is not None for name in ("calibration", "thresholds")}
    record = json.loads((found.path / "ensemble.json").read_bytes())
    assert used == {
        "calibration": record["calibration"] is not None,
        "thresholds": record["utility"] is not None,
    }
    assert any(used.values())
    for name in used:
        effect = entries[name].effect
        assert (effect is not None) == used[name]
        if effect is not None:
            assert "fitted to" in effect.basis
    if used["thresholds"]:
        assert entries["thresholds"].effect.gain > 0
        assert entries["thresholds"].undo == {"without": ["thresholds"]}


def test_columns_that_are_used_though_something_speaks_against_them(tmp_path: Path) -> None:
    found = run(tmp_path, table(), keep="told_later")
    entries = {entry.id: entry for entry in found.decisions()}
    assert entries["use:told_later"].undo is None  # it was asked for
    assert "drop:told_later" not in entries


def test_ids_are_looked_up_and_misspelt_ones_are_told_of(entries: dict[str, LedgerEntry]) -> None:
    assert entry_of(entries.values(), "metric").id == "metric"
    with pytest.raises(UnknownName, match="'drop:customer_id'"):
        entry_of(entries.values(), "drop:customerid")
    with pytest.raises(OptionError, match="Did you mean 'split'"):
        of_topic(entries.values(), "splt")
    assert {entry.topic for entry in of_topic(entries.values(), "columns")} == {"columns"}


def test_reversals_are_joined_and_contradictions_refused(entries: dict[str, LedgerEntry]) -> None:
    known = list(entries.values())
    found = reversal(known, ["drop:customer_id", "drop:always", "drop:told_later", "drop:size_again"])
    assert found == {
        "overrides": {"customer_id": "feature", "always": "feature"},
        "keep": ("told_later", "size_again"),
    }
    with pytest.raises(OptionError, match="'city'"):
        reversal(known, ["type:city", "spellings:city"])
    with pytest.raises(OptionError, match="cannot be undone"):
        reversal(known, ["budget:workers"])
    one = LedgerEntry("a", "budget", "", "a", undo={"folds": 3})
    two = LedgerEntry("b", "budget", "", "b", undo={"folds": 5})
    with pytest.raises(OptionError, match="folds"):
        reversal([one, two], ["a", "b"])


def test_a_learner_can_be_gone_without() -> None:
    entries = [
        LedgerEntry(f"learner:{name}", "ensemble", name, "", undo={"learners": others})
        for name, others in (("a", ["b", "c"]), ("b", ["a", "c"]), ("c", ["a", "b"]))
    ]
    assert reversal(entries, ["learner:a", "learner:b"]) == {"learners": ("c",)}
    with pytest.raises(OptionError, match="No learner"):
        reversal(entries, ["learner:a", "learner:b", "learner:c"])


def test_options_read_as_they_are_typed() -> None:
    assert as_options({"without": ["stacking"], "holdout": 0, "folds": 3}) == [
        "--without", "stacking", "--holdout", "0", "--folds", "3",
    ]  # fmt: skip
    assert as_options({"distill": False, "refit": True}) == ["(without --distill and --student)", "--refit"]
    assert as_options({"learners": [f"l{n}" for n in range(9)]})[-1] == "(and 3 more)"


def test_effects_point_the_way_that_is_better() -> None:
    lower = Effect.of("rmse", False, 1.0, 3.0, "rows")
    higher = Effect.of("roc_auc", True, 0.7, 0.8, "rows")
    assert lower is not None
    assert higher is not None
    assert lower.gain == 2.0
    assert higher.gain == pytest.approx(-0.1)
    assert Effect.of("rmse", False, None, 3.0, "rows") is None


UNDONE = {
    "drop:customer_id": lambda model: model.schema["customer_id"].is_feature,
    "drop:always": lambda model: model.schema["always"].is_feature,
    "drop:size_again": lambda model: model.schema["size_again"].is_feature,
    "drop:told_later": lambda model: model.schema["told_later"].is_feature,
    "type:size": lambda model: model.schema["size"].kind == "categorical",
    "positive": lambda model: model.problem.classes[-1] == "no",
    "metric": lambda model: model.problem.metric == "log_loss",
    "folds": lambda model: model.manifest["validation"]["folds"] == 3,
    "holdout": lambda model: model.manifest["score"]["source"] == "holdout",
}


@pytest.mark.parametrize("identifier", UNDONE)
def test_an_undo_reverses_its_choice(place: Path, model: Model, identifier: str) -> None:
    assert not UNDONE[identifier](model)
    request = TrainRequest(
        like=str(model.path), undo=identifier, learners="linear", max_trials=1, workspace=place / "again"
    )
    again = execute(request).model
    assert UNDONE[identifier](again)
    undone = again.manifest["request"]["undone"]
    assert undone["ids"] == [identifier]
    assert undone["run"] == model.manifest["run"]


def test_several_are_undone_at_once_and_what_is_given_goes_first(model: Model) -> None:
    request = followed(TrainRequest(like=str(model.path), undo=["metric", "holdout"], metric="f1", seed=4))
    assert request.metric == "f1"
    assert request.seed == 4
    assert request.holdout == 0.2
    assert request.target == "late"
    assert request.learners == list(LEARNERS)
    assert request.like is None
    assert request.undo is None


def test_like_repeats_what_was_asked_for(model: Model, place: Path) -> None:
    request = same_request(model)
    assert Path(request.data) == place / "late.csv"
    assert (request.max_trials, request.threads, request.executor) == (TRIALS, 1, "inline")
    assert request.output is None
    assert request.undone is None


def test_without_like_the_last_model_of_the_name_is_meant(place: Path, model: Model) -> None:
    request = TrainRequest(place / "late.csv", "late", undo="drop:always", workspace=place / "w")
    found = followed(request)
    assert found.overrides == {"always": "feature"}
    assert found.undone["run"] == model.manifest["run"]
    with pytest.raises(OptionError, match="--like"):
        followed(TrainRequest(place / "late.csv", "late", name="other", undo="metric", workspace=place / "w"))
    with pytest.raises(OptionError, match="--like"):
        followed(TrainRequest(undo="metric", workspace=place / "w"))


def test_a_run_stands_for_its_model(place: Path, model: Model) -> None:
    found = followed(TrainRequest(like=model.manifest["run"], workspace=place / "w"))
    assert found.target == "late"
    with pytest.raises(UnknownName):
        followed(TrainRequest(like="20200101-000000-abcdef", workspace=place / "w"))


def test_tables_in_memory_must_be_given_again(tmp_path: Path) -> None:
    found = run(tmp_path, table())
    with pytest.raises(OptionError, match="in memory"):
        same_request(found)
    assert same_request(found, TrainRequest(data=table())).target == "late"


def test_resume_and_undo_do_not_go_together(model: Model) -> None:
    with pytest.raises(OptionError, match="resumed"):
        followed(TrainRequest(resume="last", like=str(model.path)))


def test_the_ensemble_can_be_gone_without(place: Path, tmp_path: Path) -> None:
    two = ("linear", "naive_bayes")
    found = run(tmp_path, place / "late.csv", learners=two, max_trials=2, without="ensemble")
    assert sum(bool(entry.weight) for entry in found.leaderboard().entries) == 1


def test_copies_can_be_divided_if_that_is_wanted() -> None:
    frame = table(40).drop("customer_id", "told_later")
    copied = pl.concat([frame] * 5)
    together = prepare(TrainRequest(copied, "late"))
    apart = prepare(TrainRequest(copied, "late", without="copies"))
    assert together.data.folds.scheme == "grouped"
    assert apart.data.folds.scheme == "stratified"


def test_the_number_of_folds_can_be_asked_for() -> None:
    assert prepare(TrainRequest(table(), "late", folds=4)).data.folds.count == 4
    for wrong in (1, True, 2.5):
        with pytest.raises(OptionError, match="folds"):
            TrainRequest(table(), "late", folds=wrong).check()


def test_the_facade_undoes_as_well(place: Path, model: Model) -> None:
    again = mw.train(
        like=model.path, undo="drop:always", max_trials=1, learners="linear", workspace=place / "facade"
    )
    assert again.schema["always"].is_feature


def messy(rows: int = 240, seed: int = 2) -> pl.DataFrame:
    """A number that means missing, missing cells, words for them, dates, text, and groups of rows."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 80, rows)
    score = age / 20 + random.normal(0, 0.5, rows)
    words = ["the light is red", "a green door fell", "blue water runs", "no colour at all"]
    return pl.DataFrame(
        {
            "age": [999 if turn % 20 == 0 else int(value) for turn, value in enumerate(age)],
            "fee": [None if turn % 15 == 0 else round(float(value), 2) for turn, value in enumerate(score)],
            "state": ["n/a" if turn % 30 == 0 else "ABC"[turn % 3] for turn in range(rows)],
            "seen": [f"2024-{1 + turn % 12:02d}-{1 + turn % 28:02d}" for turn in range(rows)],
            "flag": random.random(rows) < 0.5,
            "note": [f"{words[turn % 4]} {words[(turn * 7) % 4]} number {turn}" for turn in range(rows)],
            "family": [f"F{turn // 4}" for turn in range(rows)],
            "spent": (score * 10 + random.normal(0, 1, rows)).round(2),
        }
    )


@pytest.fixture(scope="module")
def grouped(place: Path) -> Model:
    messy().write_csv(place / "messy.csv")
    return run(place, place / "messy.csv", target="spent", group="family", holdout=0.2, metric="mae")


@pytest.mark.parametrize("which", ["model", "grouped"])
def test_every_entry_has_a_reason_and_every_undo_can_be_asked_for(
    which: str, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(which)
    for entry in model.decisions():
        assert entry.choice, entry.id
        assert entry.reason, entry.id
        assert entry.undo or entry.fixed, entry.id
        if entry.undo is None:
            continue
        asked = followed(TrainRequest(like=str(model.path), undo=entry.id))
        asked.check()
        assert entry.command, entry.id
        for name, value in entry.undo.items():
            given = getattr(asked, name)
            if name == "overrides":
                assert given.items() >= value.items()
            elif name in ("keep", "without"):
                assert set(value) <= set(given)
            else:
                assert given == (tuple(value) if isinstance(value, list) else value)


def test_choices_of_values_and_columns_are_reversed_when_data_is_prepared(grouped: Model) -> None:
    entries = {entry.id: entry for entry in grouped.decisions()}

    def again(identifier: str) -> Any:
        return prepare(followed(TrainRequest(like=str(grouped.path), undo=identifier)))

    assert entries["missing:fee"].evidence == {"missing": 16, "rows": 240}
    assert again("missing:fee").schema["fee"].role == "ignored"
    assert entries["split"].undo == {"group": None}
    assert again("split").data.folds.scheme == "kfold"
    assert again("holdout").holdout is None
    assert again("metric").metric.name == "rmse"
    kinds = {"seen": "categorical", "flag": "categorical", "note": "categorical", "fee": "categorical"}
    for name, kind in kinds.items():
        assert again(f"type:{name}").schema[name].kind == kind != grouped.schema[name].kind
    texts = again("encode:text_terms").featurizer.transformers
    assert "text_terms" not in texts
    assert "text" in texts
    if "sentinel:age" in entries:
        before = grouped.schema["age"].statistics["missing"]
        assert again("sentinel:age").schema["age"].statistics["missing"] < before
    if "missing_words:state" in entries:
        assert again("missing_words:state").schema["state"].statistics["missing"] == 0


def test_configurations_that_were_given_up_are_all_finished(model: Model, tmp_path: Path) -> None:
    copy = model.save(tmp_path / "copy.mw")
    board = json.loads((copy / "leaderboard.json").read_bytes())
    lost = next(entry for entry in board["entries"] if entry["learner"] == "naive_bayes")
    lost.update(status="pruned", note="2 of 5 folds", score=None, weight=0.0)
    (copy / "leaderboard.json").write_text(json.dumps(board))
    manifest = {key: value for key, value in model.manifest.items() if key not in ("files", "digest")}
    manifest["plan"] = {**manifest["plan"], "reproducible": False, "max_trials": None}
    manifest["request"] = {**manifest["request"], "max_trials": None, "stop_when_flat": True}
    (copy / "manifest.json").unlink()
    seal_bundle(copy, manifest)
    entry = entry_of(Model.load(copy).decisions(), "trials:pruned")
    tried = sum(each["learner"] not in ("ensemble", "constant") for each in board["entries"])
    assert entry.evidence == {"count": 1, "labels": [lost["label"]]}
    assert entry.choice == f"1 of {tried} configurations were given up for better ones"
    assert entry.undo == {"max_trials": tried, "stop_when_flat": False}
    assert entry.command == f"--max-trials {tried} (without --stop-when-flat)"
    asked = followed(TrainRequest(like=str(copy), undo="trials:pruned"))
    asked.check()
    assert asked.budget().reproducible


def test_steps_are_gone_where_they_are_undone(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    chance = random.beta(0.5, 3.0, 900)
    frame = pl.DataFrame(
        {
            "shy": 0.4 * chance + random.normal(0, 0.01, 900),
            "late": np.where(random.uniform(size=900) < chance, "yes", "no"),
        }
    )
    found = run(tmp_path, frame, learners="naive_bayes", metric="f1")
    used = [name for name, facts in found.manifest["steps"].items() if facts["used"]]
    assert "thresholds" in used
    again = execute(TrainRequest(frame, like=str(found.path), undo=used, workspace=tmp_path / "again")).model
    assert not any(facts["used"] for facts in again.manifest["steps"].values())
    assert again.utility is None
    record = json.loads((again.path / "ensemble.json").read_bytes())
    assert record["calibration"] is None


def test_a_metric_that_is_a_function_can_be_undone(tmp_path: Path) -> None:
    def near(truth: Any, said: Any) -> float:
        return float(np.mean(np.abs(np.asarray(truth) - np.asarray(said)) < 2))

    frame = messy().select("fee", "flag", "spent")
    found = run(tmp_path, frame, target="spent", metric=near)
    with pytest.raises(OptionError, match="function"):
        followed(TrainRequest(frame, like=str(found.path)))
    assert followed(TrainRequest(frame, like=str(found.path), undo="metric")).metric == "auto"


def test_quantiles_and_costs_are_told_as_what_was_asked_for(tmp_path: Path) -> None:
    frame = messy().select("fee", "flag", "spent")
    entries = {
        each.id: each for each in run(tmp_path, frame, target="spent", quantiles=[0.2, 0.8]).decisions()
    }
    assert (entries["task"].choice, entries["task"].reason) == ("quantile", "as asked")
    assert "--quantiles" in entries["task"].fixed
    assert entries["metric"].undo is None
    costly = run(tmp_path, table().drop("told_later"), costs={("yes", "no"): 5, ("no", "yes"): 1})
    entries = {each.id: each for each in costly.decisions()}
    assert (entries["metric"].choice, entries["metric"].reason) == ("cost", "you said what errors cost")
    default = run(tmp_path, table().drop("told_later"), metric="roc_auc")
    assert entry_of(default.decisions(), "metric").undo == {"metric": "log_loss"}  # not what it is


def test_a_column_that_orders_the_rows_keeps_its_kind(tmp_path: Path) -> None:
    messy().write_csv(tmp_path / "messy.csv")
    found = run(tmp_path, tmp_path / "messy.csv", target="spent", time_column="seen")
    entries = {entry.id: entry for entry in found.decisions()}
    assert entries["type:seen"].undo is None
    assert "--time-column" in entries["type:seen"].fixed
    assert entries["split"].undo == {"time_column": None}
    again = prepare(followed(TrainRequest(like=str(found.path), undo="split")))
    assert again.data.folds.scheme == "kfold"
    assert again.schema["seen"].kind == "datetime"
