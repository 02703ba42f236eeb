"""Sensitive columns from the call to the bundle: judged, kept aside, weighed for, decided by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from modelwright.automl import TrainRequest, execute
from modelwright.automl.bundle import MANIFEST, seal_bundle
from modelwright.core import BundleError, DataError, OptionError, SchemaMismatch, UnknownName
from modelwright.evaluation import Criterion

QUICK: dict[str, Any] = {
    "max_trials": 1,
    "time_limit": "10m",
    "threads": 1,
    "learners": ["linear"],
    "executor": "inline",
}


def people(seed: int = 0, rows: int = 1600) -> pl.DataFrame:
    """Hirings that were unjust to one sex; `district` stands for it, as it often does."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], rows)
    skill = rng.normal(size=rows)
    district = (sex == "m") + rng.normal(0, 0.4, rows)
    chance = 1 / (1 + np.exp(-(1.5 * skill + 2.2 * (sex == "m") - 1.1)))
    return pl.DataFrame(
        {
            "skill": skill,
            "district": district,
            "age": rng.uniform(18, 65, rows).round(),
            "sex": [None if rng.random() < 0.02 else str(value) for value in sex],
            "hired": np.where(rng.random(rows) < chance, "yes", "no"),
        }
    )


def run(workspace: Path, data: pl.DataFrame | None = None, target: str = "hired", **options: Any) -> mw.Model:
    data = people() if data is None else data
    request = TrainRequest(data, target, **{**QUICK, "sensitive": "sex", "workspace": workspace, **options})
    return execute(request).model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fairness")


@pytest.fixture(scope="module")
def judged(place: Path) -> mw.Model:
    return run(place, sensitive={"sex": None, "age": [40]})


@pytest.fixture(scope="module")
def weighed(place: Path) -> mw.Model:
    return run(place, mitigate="reweighting")


@pytest.fixture(scope="module")
def levelled(place: Path) -> mw.Model:
    return run(place, mitigate="thresholds")


def parity(criteria: tuple[tuple[str, Criterion], ...]) -> Criterion:
    return next(each for by, each in criteria if each.name == "demographic_parity" and by == "sex")


def test_a_sensitive_column_is_judged_by_and_not_learned_from(judged: mw.Model) -> None:
    assert {column.name for column in judged.schema.features} == {"skill", "district"}
    assert "not learned from" in judged.schema["sex"].reason
    report = judged.fairness()
    assert [view.by for view in report.views] == [("sex",), ("age",), ("sex", "age")]
    assert [group.group for group in report.views[1].groups] in (
        ["40 or more", "below 40"],
        ["below 40", "40 or more"],
    )
    assert {group.group for group in report.views[0].groups} == {"f", "m", "(missing)"}
    assert report.rows == 1600
    assert report.source == "out-of-fold"
    rules = {rule.group: rule.verdict for rule in report.views[0].four_fifths}
    assert rules["f"] == "below four fifths"
    assert rules["(missing)"] in ("insufficient evidence", "below four fifths")
    assert report.verdict == "gap"


def test_the_record_holds_groups_and_counts_but_no_rows(judged: mw.Model) -> None:
    text = (judged.path / "fairness.json").read_text("utf-8")
    assert len(text) < 100_000
    assert set(json.loads(text)["columns"][1]) == {"name", "levels", "cuts"}
    assert json.loads(text)["columns"][1]["cuts"] == [40.0]


def test_predictions_do_not_need_the_column(judged: mw.Model) -> None:
    assert judged.predict(people(1, 5).drop("sex", "age")).len() == 5


def test_who_wants_the_column_learned_from_says_so(place: Path) -> None:
    model = run(place, overrides={"sex": "feature"})
    assert "sex" in {column.name for column in model.schema.features}
    assert model.fairness().columns[0].name == "sex"


def test_new_rows_are_judged_as_training_rows_were(judged: mw.Model) -> None:
    report = judged.fairness(people(2))
    assert report.source == "data"
    assert {view.by for view in report.views} == {("sex",), ("age",), ("sex", "age")}
    assert report.columns == judged.fairness().columns
    assert report.views[0].verdict == "gap"


def test_the_table_of_the_training_is_judged_out_of_fold(judged: mw.Model, levelled: mw.Model) -> None:
    for model in (judged, levelled):
        found, recorded = model.fairness(people()), model.fairness()
        assert (found.source, found.rows) == ("out-of-fold", recorded.rows)
        assert any("out-of-fold predictions of them" in note for note in found.notes)
        for group, known in zip(found.views[0].groups, recorded.views[0].groups, strict=True):
            assert group.group == known.group
            for name in ("selection_rate", "mean_prediction"):
                assert group.figures[name].value == pytest.approx(known.figures[name].value, abs=2e-3)
    shuffled = judged.fairness(people().sample(fraction=1.0, shuffle=True, seed=1))
    assert shuffled.source == "data"
    assert any("in another order" in note for note in shuffled.notes)
    assert not any("another order" in note for note in judged.fairness(people(2)).notes)


def test_a_column_that_training_never_saw_can_be_judged_by(place: Path) -> None:
    model = run(place, people().drop("sex"), sensitive=None)
    with pytest.raises(OptionError, match="trained without sensitive columns"):
        model.fairness()
    with pytest.raises(OptionError, match="name it"):
        model.fairness(people(3))
    report = model.fairness(people(3), "sex")
    assert {group.group for group in report.views[0].groups} == {"f", "m", "(missing)"}
    assert len(model.fairness(people(3), ["sex", "age"]).views) == 3


def test_reweighting_narrows_the_planted_gap_and_tells_what_it_costs(weighed: mw.Model) -> None:
    done = weighed.fairness().mitigation
    assert done is not None
    assert (done.method, done.metric) == ("reweighting", "roc_auc")
    before, after = parity(done.criteria_before), parity(done.criteria_after)
    assert before.difference.value > 0.25
    assert after.difference.value < before.difference.value - 0.08
    assert done.before is not None
    assert done.after is not None
    assert done.before > done.after > 0.6


def test_scores_count_rows_as_the_caller_weighs_them(judged: mw.Model, weighed: mw.Model) -> None:
    rows = people(4)
    plain, fair = (model.evaluate(rows)["roc_auc"]["score"] for model in (judged, weighed))
    assert plain is not None
    assert fair is not None
    assert plain > fair


def test_reweighting_is_reproducible_and_another_model(
    judged: mw.Model, weighed: mw.Model, place: Path
) -> None:
    rows = people(5, 50)
    again = run(place, mitigate="reweighting")
    assert again.predict_proba(rows).equals(weighed.predict_proba(rows))
    assert not judged.predict_proba(rows).equals(weighed.predict_proba(rows))


def test_thresholds_by_group_level_selection_on_new_rows(levelled: mw.Model, judged: mw.Model) -> None:
    rows = people(6, 4000)
    after, before = (model.fairness(rows, "sex").views[0] for model in (levelled, judged))
    gaps = [
        abs(
            next(group for group in view.groups if group.group == "m").figures["selection_rate"].value
            - next(group for group in view.groups if group.group == "f").figures["selection_rate"].value
        )
        for view in (before, after)
    ]
    assert gaps[0] > 0.25
    assert gaps[1] < 0.08
    done = levelled.fairness().mitigation
    assert done is not None
    assert done.method == "thresholds:demographic_parity"
    assert done.metric == "accuracy"  # the probabilities, and so ROC AUC, stay as they are
    assert done.before > done.after > 0.6
    assert parity(done.criteria_after).difference.value < parity(done.criteria_before).difference.value
    assert any("unlawful" in note for note in levelled.fairness().notes)


def test_thresholds_by_group_need_the_column_and_rows_agree_with_tables(levelled: mw.Model) -> None:
    rows = people(7, 40)
    answers = levelled.predict(rows).to_list()
    one_by_one = [levelled.predict_row(row) for row in rows.to_dicts()]
    assert one_by_one == answers
    needed = rows.drop("hired", "sex").with_columns(pl.lit(None, pl.String).alias("sex"))
    assert levelled.predict(needed).len() == 40
    unseen = rows.with_columns(pl.lit("x").alias("sex"))
    assert levelled.predict(unseen).len() == 40
    turned = rows.with_columns(
        pl.when(pl.col("sex") == "f").then(pl.lit("m")).otherwise(pl.lit("f")).alias("sex")
    )
    assert levelled.predict(turned).to_list() != answers
    again = mw.load(levelled.path)
    assert again.predict(rows).to_list() == answers


def test_a_required_sensitive_column_that_is_absent_is_named(place: Path) -> None:
    known = people().with_columns(pl.col("sex").fill_null("f"))
    model = run(place, known, mitigate="thresholds:equal_opportunity")
    with pytest.raises(SchemaMismatch, match="'sex'"):
        model.predict(known.drop("sex"))


@pytest.mark.parametrize("holdout", [0.2, "table"])
def test_a_holdout_is_decided_by_group_as_well(place: Path, holdout: Any) -> None:
    given = people(8, 400) if holdout == "table" else holdout
    model = run(place, mitigate="thresholds", metric="accuracy", holdout=given)
    score = model.manifest["score"]
    assert score["source"] == "holdout"
    if holdout == "table":
        told = model.evaluate(given)["accuracy"]["score"]
        assert score["value"] == pytest.approx(told)


def test_values_and_several_columns_are_judged_too(place: Path) -> None:
    data = people().with_columns(
        pl.Series("pay", np.random.default_rng(0).normal(size=1600)) + pl.col("skill")
    )
    model = run(place, data.drop("hired"), "pay", sensitive=["sex", "age"])
    report = model.fairness()
    assert len(report.columns[1].cuts) == 3
    assert {criterion.name for criterion in report.views[0].criteria} == {
        "mean_prediction",
        "mean_error",
        "mean_absolute_error",
    }


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sensitive": "sax"}, UnknownName, "Did you mean 'sex'"),
        ({"sensitive": "hired"}, OptionError, "cannot be a sensitive column"),
        ({"sensitive": {"sex": [1]}}, OptionError, "Cuts divide numbers"),
        ({"sensitive": {"age": ["old"]}}, OptionError, "must be numbers"),
        ({"sensitive": ["sex", "age", "skill", "district", "more"]}, OptionError, "At most 4"),
        ({"mitigate": "magic"}, OptionError, "reweighting, thresholds:demographic_parity"),
        ({"mitigate": "reweighting", "sensitive": None}, OptionError, "--sensitive COL"),
        ({"mitigate": "thresholds", "target": "age"}, OptionError, "two classes"),
        ({"mitigate": "reweighting", "target": "age"}, OptionError, "age.* is a regression"),
    ],
)
def test_what_cannot_be_done_is_refused(
    options: dict[str, Any], error: type[Exception], message: str, place: Path
) -> None:
    with pytest.raises(error, match=message):
        run(place, **options)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["f"] * 1600, "nothing to compare"),
        ([f"person {number // 2}" for number in range(1600)], "different values"),
    ],
)
def test_columns_that_make_no_groups_are_refused(column: list[str], message: str, place: Path) -> None:
    with pytest.raises(DataError, match=message):
        run(place, people().with_columns(pl.Series("sex", column)))


def test_new_rows_that_cannot_be_judged_are_refused(judged: mw.Model) -> None:
    with pytest.raises(SchemaMismatch, match=r"no sensitive column 'sex'\.|no sensitive column 'sex'"):
        judged.fairness(people(9).drop("sex"))
    with pytest.raises(SchemaMismatch, match="Did you mean 'sex'"):
        judged.fairness(people(9), "sexe")
    with pytest.raises(DataError, match="nothing to compare"):
        judged.fairness(people(9).with_columns(pl.lit("f").alias("sex")), "sex")
    with pytest.raises(OptionError, match="not of 'skill'"):
        judged.fairness(sensitive="skill")


@pytest.mark.parametrize(
    ("part", "message"),
    [("fairness.json", "record of fairness"), ("group_thresholds.json", "thresholds by group")],
)
def test_a_damaged_part_is_refused(part: str, message: str, levelled: mw.Model, tmp_path: Path) -> None:
    copy = levelled.save(tmp_path / "copy.mw")
    record = json.loads((copy / part).read_text("utf-8"))
    record["columns"] = [{"name": "sex", "levels": ["f", "f"], "cuts": []}]
    (copy / part).write_text(json.dumps(record))
    manifest = json.loads((copy / MANIFEST).read_text("utf-8"))
    (copy / MANIFEST).unlink()
    seal_bundle(copy, {key: value for key, value in manifest.items() if key not in ("files", "digest")})
    model = mw.load(copy)
    with pytest.raises(BundleError, match=message):
        model.fairness() if part == "fairness.json" else model.predict(people(1, 5))
