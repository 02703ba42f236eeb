"""Explanations of trained models, by their own metric, columns and ranges."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl import TrainRequest, execute
from modelwright.automl.explaining import read_wish, source_column, table_row, training_source
from modelwright.core import (
    Column,
    DataError,
    Kind,
    OptionError,
    Role,
    SchemaMismatch,
    UnknownName,
    to_jsonable,
)
from modelwright.explanation import (
    DAY,
    CounterfactualOptions,
    DependenceOptions,
    ImportanceOptions,
    InteractionOptions,
)

QUICK = ImportanceOptions(repeats=3, seconds=None)


def test_importance_finds_what_the_target_was_made_of(binary: mw.Model) -> None:
    found = binary.importance(without(table(seed=5), "churn"), QUICK)
    assert found.metric == binary.problem.metric
    assert found.columns[0].columns[0] in ("age", "plan", "fee", "joined")
    assert found.columns[0].is_clear
    assert {entry.columns[0] for entry in found.columns} == {c.name for c in binary.schema.features}
    json.dumps(to_jsonable(found.to_dict()), allow_nan=False)


def test_every_kind_of_column_has_a_dependence(regression: mw.Model) -> None:
    fresh = without(table(seed=5))
    for name, kind in (("age", Kind.NUMERIC), ("plan", Kind.CATEGORICAL), ("joined", Kind.DATETIME)):
        found = regression.dependence(fresh, name, DependenceOptions(seconds=None))
        assert found.kind is kind
        assert len(found.points) >= 3
        json.dumps(to_jsonable(found.to_dict()), allow_nan=False)
    ages = regression.dependence(fresh, "age", DependenceOptions(seconds=None)).points
    assert ages[-1].value is None
    assert ages[-2].mean[0] > ages[0].mean[0]
    levels = {point.value: point.mean[0] for point in regression.dependence(fresh, "plan").points}
    assert levels["basic"] > levels["pro"]


def test_classes_have_a_line_each(multiclass: mw.Model) -> None:
    found = multiclass.dependence(without(table(seed=5)), "fee", DependenceOptions(seconds=None))
    assert found.outputs == tuple(map(str, multiclass.problem.classes))


def test_pairs_are_measured(regression: mw.Model) -> None:
    options = InteractionOptions(columns=3, rows=20, seconds=None)
    found = regression.interactions(without(table(seed=5)), options=options)
    assert len(found.pairs) == 3
    assert all(0 <= pair.strength <= 1 for pair in found.pairs)


def test_a_counterfactual_is_what_predict_says(binary: mw.Model) -> None:
    row = {"age": 25.0, "plan": "pro", "fee": 30.0, "joined": "2024-02-01", "customer": "C1"}
    assert binary.predict_row(row) == "no"
    found = binary.counterfactuals(row, "yes", CounterfactualOptions(seconds=None, keep=("plan", "customer")))
    assert found.found
    for answer in found.answers:
        changed = {**row, **{change.column: change.after for change in answer.changes}}
        assert binary.predict_row(changed) == "yes"
        assert "plan" not in {change.column for change in answer.changes}


def test_values_are_wished_for_by_a_pair(regression: mw.Model) -> None:
    row = without(table(seed=5))[:1]
    now = regression.predict(row)[0]
    found = regression.counterfactuals(row, (now + 10, None), CounterfactualOptions(seconds=None))
    assert found.found
    assert float(found.answers[0].outcome) >= now + 10
    far = regression.counterfactuals(row, (1e9, None), CounterfactualOptions(seconds=None, answers=1))
    assert not far.found
    assert any("No training row was predicted so" in sentence for sentence in far.told)


def test_rows_outside_of_training_are_told(binary: mw.Model) -> None:
    row = {"age": 200.0, "plan": "gold", "fee": 30.0, "joined": "2024-02-01"}
    found = binary.explained.outside(row)
    assert [value.column for value in found] == ["age", "plan"]
    wish = "no" if binary.predict_row(row) == "yes" else "yes"
    told = binary.counterfactuals(row, wish, CounterfactualOptions(seconds=None, answers=1)).told
    assert sum("outside of training" in sentence for sentence in told) == 2


def test_bad_input_says_what_to_do(binary: mw.Model, regression: mw.Model) -> None:
    fresh = without(table(seed=5))
    with pytest.raises(SchemaMismatch, match="target column 'churn' is needed"):
        binary.importance(fresh)
    with pytest.raises(DataError, match="20 rows or more"):
        binary.importance(without(table(seed=5), "churn")[:10])
    with pytest.raises(UnknownName, match="Did you mean 'plan'"):
        binary.dependence(fresh, "plann")
    with pytest.raises(OptionError, match="does not look at 'customer'"):
        binary.dependence(fresh, "customer")
    with pytest.raises(UnknownName, match="Did you mean 'age'"):
        binary.counterfactuals(fresh[:1], "yes", CounterfactualOptions(keep=("aeg",)))
    with pytest.raises(UnknownName, match="no class 'maybe'"):
        binary.counterfactuals(fresh[:1], "maybe")
    with pytest.raises(OptionError, match="has no classes"):
        regression.counterfactuals(fresh[:1], "yes")
    with pytest.raises(OptionError, match="two ends"):
        regression.counterfactuals(fresh[:1], ("a", 1))
    with pytest.raises(DataError, match="There is no row 240: the data has 240 rows"):
        table_row(fresh, 240)


def test_wishes_are_read_from_text(binary: mw.Model, regression: mw.Model) -> None:
    assert read_wish(binary.problem, "yes").label == "yes"
    wish = read_wish(regression.problem, "-2.5..1e3")
    assert (wish.low, wish.high) == (-2.5, 1000.0)
    for text in ("yes", "..", "1", "a..b"):
        with pytest.raises(OptionError, match="wish for a range"):
            read_wish(regression.problem, text)


def test_training_data_that_is_gone_is_told(binary: mw.Model, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="in memory"):
        training_source(binary.manifest)
    gone = {"data": {"location": str(tmp_path / "gone.csv"), "sha256": "0" * 64}}
    with pytest.raises(DataError, match="not there any more"):
        training_source(gone)
    (tmp_path / "gone.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="has changed since"):
        training_source(gone)


def test_statistics_of_columns_become_ranges_and_levels() -> None:
    day = Column(
        "day",
        Kind.DATETIME,
        Role.TIME,
        statistics={"minimum": "2024-01-01 00:00:00", "maximum": "2024-01-11 00:00:00", "examples": []},
    )
    found = source_column(day)
    assert found.step == DAY
    assert found.maximum is not None
    assert found.minimum is not None
    assert found.maximum - found.minimum == 10 * DAY
    plan = Column(
        "plan",
        Kind.CATEGORICAL,
        parsing={"known": ["a", "b", "c"]},
        statistics={"top": [["b", 9], ["a", 5]], "distinct": 3},
    )
    assert source_column(plan).levels == ("b", "a", "c")
    assert source_column(plan).complete
    flag = Column("flag", Kind.BOOLEAN, parsing={"false": ["N"], "true": ["Y"]})
    assert source_column(flag).words == ("N", "Y")
    place = Column("place", Kind.COORDINATES, statistics={"minimum": [1.0, 2], "maximum": [3.0, 4.0]})
    assert source_column(place).corners == ((1.0, 2.0), (3.0, 4.0))
    assert source_column(Column("place", Kind.COORDINATES, statistics={"minimum": [1.0]})).corners is None
    tags = Column("tags", Kind.LIST, statistics={"top": [["x", 2], ["y", 1]], "items": 2})
    assert source_column(tags).levels == ("x", "y")
    assert source_column(tags).complete
    for broken in ({"minimum": "x", "quantiles": "abc"}, {"quantiles": [None], "maximum": True}, {}):
        damaged = source_column(Column("n", Kind.NUMERIC, statistics=broken))
        assert damaged.minimum is None
        assert damaged.maximum is None


def test_a_row_of_a_table_is_said_the_same_of(binary: mw.Model) -> None:
    fresh = without(table(seed=5))
    row = table_row(fresh, 7)
    assert row.rows() == fresh[7:8].rows()
    assert binary.predict(row)[0] == binary.predict(fresh)[7]
    typed = binary.explained.typed(row)
    assert typed["joined"].item() == datetime.fromisoformat(fresh["joined"][7])


def people(seed: int = 0, rows: int = 1_200) -> pl.DataFrame:
    """Hirings that were unjust to one sex."""
    rng = np.random.default_rng(seed)
    sex, skill = rng.choice(["f", "m"], rows), rng.normal(size=rows)
    chance = 1 / (1 + np.exp(-(1.5 * skill + 2.2 * (sex == "m") - 1.1)))
    return pl.DataFrame(
        {
            "skill": skill,
            "years": rng.integers(0, 20, rows),
            "sex": sex,
            "hired": np.where(rng.random(rows) < chance, "yes", "no"),
        }
    )


@pytest.fixture(scope="module", params=["aside", "learned from"])
def levelled(request: pytest.FixtureRequest, workspace: Path) -> mw.Model:
    """A model that decides by thresholds of each sex, to which the sex is no feature, or one."""
    return execute(
        TrainRequest(
            people(),
            "hired",
            sensitive="sex",
            overrides={} if request.param == "aside" else {"sex": "feature"},
            mitigate="thresholds",
            metric="accuracy",
            learners=["linear"],
            max_trials=1,
            time_limit="10m",
            threads=1,
            executor="inline",
            workspace=workspace,
        )
    ).model


def test_thresholds_by_group_decide_in_explanations_too(levelled: mw.Model) -> None:
    rows = people(7, 300)
    said, likely = levelled.predict(rows).to_list(), levelled.predict_proba(rows)["yes"].to_numpy() > 0.5
    moved = [place for place, label in enumerate(said) if (label == "yes") != likely[place]]
    assert moved  # here the threshold of the group decides against the more probable class
    learned = levelled.schema["sex"].is_feature
    for place in moved[:3]:
        row = rows.drop("hired").row(place, named=True)
        why = levelled.explain(row)
        assert why.reasons()[0].output == said[place]
        assert why.told[0].startswith(f"For sex {row['sex']} 'yes' is decided for above")
        same = levelled.counterfactuals(row, said[place])
        assert same.before == said[place]
        assert "already" in same.told[0]
        other = "no" if said[place] == "yes" else "yes"
        found = levelled.counterfactuals(row, other, CounterfactualOptions(seconds=None, answers=1))
        (answer,) = found.answers
        assert levelled.predict_row({**row, **{each.column: each.after for each in answer.changes}}) == other
        assert "sex" not in {each.column for each in answer.changes}
        assert any(f"For sex {row['sex']} 'yes' is decided for above" in told for told in found.told)
        assert any("stay as they are: 'sex'" in told for told in found.told) is learned
    importance = levelled.importance(rows, QUICK)
    assert importance.score == pytest.approx(levelled.evaluate(rows)["accuracy"]["score"])
    assert importance.columns[0].columns == ("skill",)
    assert any("Thresholds differ by 'sex'" in told for told in importance.left_out) is not learned


def test_a_group_without_a_threshold_keeps_the_decision_of_the_model(levelled: mw.Model) -> None:
    row = {"skill": 2.0, "years": 3, "sex": "x"}
    found = levelled.counterfactuals(row, "no", CounterfactualOptions(seconds=None, answers=1))
    assert any("no threshold of its own" in told for told in found.told)
    (answer,) = found.answers
    assert levelled.predict_row({**row, **{each.column: each.after for each in answer.changes}}) == "no"


def test_planted_columns_come_first_and_noise_last(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"noise{number}": rng.normal(size=900) for number in range(4)}).with_columns(
        size=pl.Series(rng.normal(size=900)),
        colour=pl.Series(rng.choice(["red", "green", "blue"], 900)),
        weight=pl.Series(rng.normal(size=900)),
    )
    frame = frame.with_columns(twin=pl.col("size") * 2.54 + rng.normal(scale=0.05, size=900))
    frame = frame.with_columns(
        price=3 * pl.col("size") + 2 * (pl.col("colour") == "red") + 0.7 * pl.col("weight") ** 2
    )
    options: dict[str, Any] = {"max_trials": 1, "time_limit": "10m", "threads": 1, "executor": "inline"}
    request = TrainRequest(frame[:600], "price", learners=["lightgbm"], workspace=workspace, **options)
    model = execute(request).model
    found = model.importance(frame[600:], QUICK)
    names = [entry.columns[0] for entry in found.columns]
    assert set(names[:4]) == {"size", "twin", "colour", "weight"}
    assert [set(group.columns) for group in found.groups] == [{"size", "twin"}]
    assert found.groups[0].increase > max(found["size"].increase, found["twin"].increase)
    assert all(found[name].is_clear for name in ("colour", "weight"))
    assert all(abs(found[f"noise{number}"].increase) < 0.1 * found["weight"].increase for number in range(4))
    additions = list(model.explain(frame[600:]).importance)
    assert set(additions[:4]) == {"size", "twin", "colour", "weight"}
