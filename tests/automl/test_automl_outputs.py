"""Several targets, quantiles, positive classes, costs, directions: through the same plan and bundle."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwright as mw
from modelwright.core import BadInput, BundleError, OptionError, TargetError, UnknownName

LABELS = ["late", "damaged", "rare"]
QUICK = {"max_trials": 2, "time_limit": "10m", "learners": ["linear", "lightgbm"]}


def parcels(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    distance, weight = random.gamma(2.0, 100.0, rows), random.gamma(2.0, 3.0, rows)
    carrier = random.choice(["bird", "snail"], rows)
    frame = pd.DataFrame({"distance": distance.round(1), "weight": weight.round(2), "carrier": carrier})
    frame["late"] = np.where(
        distance / 200 + (carrier == "snail") + random.normal(0, 0.5, rows) > 1.5, "yes", "no"
    )
    frame["damaged"] = (weight + random.normal(0, 2, rows) > 7).astype(int)
    frame["rare"] = np.arange(rows) < 3
    frame["hours"] = distance / 10 + (1 + (carrier == "snail")) * random.exponential(5, rows)
    return frame


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    place = tmp_path_factory.mktemp("several")
    return mw.train(parcels().drop(columns="hours"), LABELS, workspace=place, **QUICK)


@pytest.fixture(scope="module")
def quantiles(tmp_path_factory):
    place = tmp_path_factory.mktemp("quantiles")
    table = parcels().drop(columns=LABELS)
    return mw.train(table, "hours", quantiles=[0.9, 0.1], workspace=place, **QUICK)


def test_several_targets_are_predicted_together(several):
    fresh = parcels(200, seed=1)
    labels, chances = several.predict(fresh), several.predict_proba(fresh)
    assert list(labels.columns) == list(chances.columns) == LABELS
    assert labels.index.equals(fresh.index)
    assert set(labels["late"]) == {"no", "yes"}
    assert set(labels["damaged"]) == {0, 1}
    assert ((labels["late"] == "yes") == (chances["late"] >= 0.5)).all()
    assert (labels["late"] == fresh["late"]).mean() > 0.8
    assert chances.to_numpy().min() >= 0
    assert chances.to_numpy().max() <= 1
    found = several.evaluate(fresh[fresh["rare"].notna()])
    assert found["roc_auc"]["score"] > 0.7


def test_each_target_is_its_own_problem(several):
    assert several.problem.task == "multilabel"
    assert several.problem.label_classes == (("no", "yes"), (0, 1), (False, True))
    assert {several.schema[name].role for name in LABELS} == {"target"}
    assert several.manifest["validation"]["scheme"] == "stratified"


def test_several_targets_survive_saving(several, tmp_path):
    fresh = parcels(50, seed=2)
    copy = mw.load(several.save(tmp_path / "copy.mw"))
    pd.testing.assert_frame_equal(copy.predict_proba(fresh), several.predict_proba(fresh))


def test_polars_and_numpy_get_their_own_kind(several, quantiles):
    fresh = parcels(20, seed=3)
    frame = several.predict(pl.from_pandas(fresh))
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns == LABELS
    assert quantiles.predict(pl.from_pandas(fresh)).columns == ["0.1", "0.9"]


def test_damaged_records_of_outputs_are_refused(several, tmp_path):
    from modelwright.core import Task
    from modelwright.ensemble.outputs import load_model

    place = next(path.parent for path in (several.path / "members").rglob("outputs.json"))
    for content in (
        b"{",
        b'{"task": "multilabel", "learners": ["nobody"]}',
        b'{"task": "binary", "learners": []}',
    ):
        (tmp_path / "outputs.json").write_bytes(content)
        with pytest.raises(BundleError):
            load_model("linear", Task.MULTILABEL, tmp_path)
    (tmp_path / "outputs.json").write_bytes((place / "outputs.json").read_bytes())
    assert json.loads((place / "outputs.json").read_bytes())["task"] == "multilabel"


def test_quantiles_ascend_and_cover(quantiles):
    fresh = parcels(600, seed=4)
    found = quantiles.predict(fresh)
    assert found.columns.tolist() == [0.1, 0.9]
    assert (found[0.1] <= found[0.9]).all()
    inside = fresh["hours"].between(found[0.1], found[0.9]).mean()
    assert 0.6 < inside < 0.95
    assert quantiles.evaluate(fresh)["pinball"]["score"] < 3
    with pytest.raises(OptionError, match="Use predict"):
        quantiles.predict_proba(fresh)


def test_rows_without_one_of_the_targets_are_left_out(tmp_path):
    table = parcels(120).drop(columns="hours")
    table.loc[5, "late"] = None
    model = mw.train(table, ["late", "damaged"], max_trials=1, learners="linear", workspace=tmp_path)
    assert model.manifest["data"]["training_rows"] == 119


def test_a_target_with_three_classes_is_refused_among_several(tmp_path):
    table = parcels(60).assign(kind=[f"k{number % 3}" for number in range(60)])
    with pytest.raises(TargetError, match="'kind' has 3"):
        mw.train(table, ["late", "kind"], workspace=tmp_path)


def _hits(y_true, y_pred):
    return float((np.asarray(y_true) == np.asarray(y_pred)).mean())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": []}, "target"),
        ({"target": ["late", "nobody"]}, "nobody"),
        ({"target": ["late", "late"]}, "'late'"),
        ({"target": ["late", "damaged"], "task": "binary"}, "multilabel"),
        ({"target": "late", "task": "multilabel"}, "several target columns"),
        ({"target": "late", "quantiles": [0.5]}, "number"),
        ({"target": "hours", "quantiles": [0.5, 1.5]}, "between 0 and 1"),
        ({"target": "hours", "task": "regression", "quantiles": [0.5]}, "'quantile'"),
        ({"target": "late", "positive": "maybe"}, "'maybe'"),
        ({"target": "hours", "positive": 1}, "positive class"),
        ({"target": "late", "costs": {("yes", "no"): -1}}, "0 or more"),
        ({"target": "late", "costs": {("yes", "nope"): 1}}, "'nope'"),
        ({"target": "late", "monotonic": {"carrier": "increasing"}}, "numeric"),
        ({"target": "late", "monotonic": {"weight": "up"}}, "increasing"),
        ({"target": "late", "keep": "nobody"}, "nobody"),
        ({"target": "late", "learners": ["ligthgbm"]}, "lightgbm"),
        ({"target": "late", "without": ["texts"]}, "text"),
        ({"target": "late", "group_features": True}, "group column"),
        ({"target": "late", "metric": "f1", "costs": {("yes", "no"): 10}}, "'f1' scores other decisions"),
        ({"target": "late", "metric": _hits, "costs": {("yes", "no"): 10}}, "scores other decisions"),
    ],
)
def test_contradictions_are_found_before_training(arguments, message, tmp_path):
    with pytest.raises((BadInput, UnknownName), match=message):
        mw.train(parcels(60), workspace=tmp_path, time_limit=20, **arguments)
    assert not list(tmp_path.rglob("*.mw"))


def test_the_positive_class_can_be_chosen(tmp_path):
    table = parcels(200).drop(columns=["damaged", "rare", "hours"])
    table["late"] = table["late"].map({"yes": "ja", "no": "nein"})
    model = mw.train(table, "late", positive="ja", metric="recall", workspace=tmp_path, **QUICK)
    assert model.classes_.tolist() == ["nein", "ja"]
    found = model.predict(table)
    share = (found[table["late"] == "ja"] == "ja").mean()
    assert model.evaluate(table)["recall"]["score"] == pytest.approx(share)


def test_costs_move_decisions_but_not_probabilities(tmp_path):
    table = parcels(300).drop(columns=["damaged", "rare", "hours"])
    plain = mw.train(table, "late", workspace=tmp_path / "plain", **QUICK)
    careful = mw.train(
        table, "late", costs={("yes", "no"): 20, ("no", "yes"): 1}, workspace=tmp_path, **QUICK
    )
    assert careful.problem.metric == "cost"
    chance = careful.predict_proba(table)["yes"]
    assert ((careful.predict(table) == "yes") == (chance > 1 / 21)).mean() > 0.97
    assert (careful.predict(table) == "yes").sum() > (plain.predict(table) == "yes").sum()


def test_without_thresholds_models_are_compared_at_the_least_cost_too(tmp_path):
    table = parcels(300).drop(columns=["damaged", "rare", "hours"])
    costs = {("yes", "no"): 20, ("no", "yes"): 1}
    model = mw.train(
        table,
        "late",
        costs=costs,
        without=["thresholds"],
        workspace=tmp_path,
        learners=["linear"],
        max_trials=1,
    )
    chance = model.predict_proba(table)["yes"]
    assert ((model.predict(table) == "yes") == (chance > 1 / 21)).mean() > 0.97
    # a trial is judged at the decisions that it would be delivered with: never worse than one class for all
    linear = next(entry for entry in model.leaderboard().entries if entry.learner == "linear")
    assert linear.score <= 1.05 * min((table["late"] == "no").mean(), 20 * (table["late"] == "yes").mean())


def test_quantiles_cover_what_they_say_on_new_rows(tmp_path):
    random = np.random.default_rng(3)
    rows = 5_000
    values = random.normal(size=(rows, 4))
    noise = (0.5 + np.abs(values[:, 2])) * random.normal(size=rows)
    table = pd.DataFrame(values, columns=list("abcd"))
    table["y"] = values[:, 0] + np.sin(2 * values[:, 1]) + noise
    model = mw.train(
        table[:1_000],
        "y",
        task="quantile",
        quantiles=(0.1, 0.5, 0.9),
        learners=["lightgbm"],
        max_trials=1,
        workspace=tmp_path,
    )
    found = model.evaluate(table[1_000:])
    assert list(found) == ["pinball", "coverage_0.1", "coverage_0.5", "coverage_0.9"]
    for level in (0.1, 0.5, 0.9):
        assert found[f"coverage_{level}"]["score"] == pytest.approx(level, abs=0.03)
    again = mw.load(model.save(tmp_path / "copy.mw"))
    said = again.predict(table)
    np.testing.assert_array_equal(said, model.predict(table))
    assert (np.diff(np.asarray(said), axis=1) >= 0).all()


def test_predictions_rise_with_a_monotonic_column(tmp_path):
    table = parcels(300).drop(columns=LABELS)
    model = mw.train(
        table,
        "hours",
        monotonic={"distance": "increasing"},
        learners="lightgbm",
        max_trials=1,
        workspace=tmp_path,
    )
    grid = pd.DataFrame({"distance": np.linspace(0, 900, 80), "weight": 3.0, "carrier": "snail"})
    assert (np.diff(model.predict(grid)) >= 0).all()


def test_a_hundred_targets(tmp_path):
    random = np.random.default_rng(5)
    values = random.normal(size=(80, 3))
    names = [f"t{number}" for number in range(100)]
    labels = (values[:, np.arange(100) % 3] + random.normal(size=(80, 100)) > 0).astype(int)
    table = pd.DataFrame(np.hstack([values, labels]), columns=["a", "b", "c", *names]).astype(
        dict.fromkeys(names, int)
    )
    model = mw.train(table, names, max_trials=1, learners="naive_bayes", workspace=tmp_path)
    assert model.predict(table).shape == (80, 100)
    assert (model.predict(table) == table[names]).to_numpy().mean() > 0.6
