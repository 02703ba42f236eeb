"""`Model.explain`: rows of any kind, in the words of the table, on both scales."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.automl import TrainRequest, execute
from modelwright.automl.typical_rows import typical_rows
from modelwright.core import Column, DataError, Kind, OptionError, SchemaMismatch

FRESH = without(table(seed=3, rows=40))
ROW = {"age": 31, "plan": "pro", "fee": "40.5", "joined": "2024-03-05", "customer": "C1"}
NAMES = ["binary", "multiclass", "regression"]


@pytest.mark.parametrize("name", NAMES)
def test_additions_make_up_predictions(name: str, request: pytest.FixtureRequest) -> None:
    model: mw.Model = request.getfixturevalue(name)
    found = model.explain(FRESH)
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), found.raw, atol=1e-9)
    if name == "regression":
        np.testing.assert_allclose(found.raw[:, 0], model.predict(FRESH).to_numpy(), atol=1e-9)
    else:
        shares = model.predict_proba(FRESH).to_numpy()
        raw = np.log(shares) if name == "multiclass" else np.log(shares[:, 1:] / shares[:, :1])
        np.testing.assert_allclose(found.raw, raw, atol=1e-6)
    strongest = set(list(found.importance)[:3])
    assert strongest == {"age", "plan", "fee"} or strongest == {"age", "fee", "joined"}
    assert len(found.outputs) == found.values.shape[2]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_explained_as_in_its_table(name: str, request: pytest.FixtureRequest) -> None:
    model: mw.Model = request.getfixturevalue(name)
    whole = model.explain(FRESH)
    one = model.explain(FRESH.row(5, named=True))
    np.testing.assert_allclose(one.values[0], whole.values[5], atol=1e-6)
    assert [reason.text for reason in one.reasons()[0].supports] == [
        reason.text for reason in whole.reasons()[5].supports
    ]


def test_frames_come_in_the_kind_of_the_data(binary: mw.Model, multiclass: mw.Model) -> None:
    pandas = FRESH.to_pandas().set_index(np.arange(100, 140))
    frame = binary.explain(pandas).frame()
    assert frame.index.tolist() == list(range(100, 140))
    assert list(frame.columns) == list(binary.explain(pandas).columns)
    assert isinstance(binary.explain(FRESH).frame(scale="prediction"), pl.DataFrame)
    yes, no = (binary.explain(FRESH).frame(output).to_numpy() for output in ("yes", "no"))
    np.testing.assert_allclose(yes, -no)
    with pytest.raises(OptionError, match="name one"):
        multiclass.explain(FRESH).frame()
    assert multiclass.explain(FRESH).frame(1).shape == (40, len(multiclass.schema.features))
    with pytest.raises(OptionError, match="scale"):
        binary.explain(FRESH).frame(scale="odds")


def test_reasons_use_the_words_of_the_table(binary: mw.Model) -> None:
    found = binary.explain(ROW)
    (reasons,) = found.reasons(5)
    assert reasons.output == binary.predict_row(ROW)
    assert reasons.prediction == pytest.approx(binary.predict_proba_row(ROW)[reasons.output])
    told = " ".join(reason.text for reason in (*reasons.supports, *reasons.against))
    assert "plan = 'pro'" in told or "age = 31" in told or "fee = 40.5" in told
    (other,) = found.reasons(5, output="no" if reasons.output == "yes" else "yes")
    assert {each.column for each in other.against} == {each.column for each in reasons.supports}
    with pytest.raises(OptionError, match="no output 'maybe'"):
        found.reasons(output="maybe")
    with pytest.raises(OptionError, match="1 or more"):
        found.reasons(0)


@pytest.mark.parametrize(
    ("target", "task", "subject"),
    [
        ("spend", "quantile", "the 0.5 quantile of spend"),
        (["churn", "level"], "multilabel", "the probability of churn = 'yes'"),
    ],
    ids=["quantiles", "labels"],
)
def test_several_outputs_are_named_in_full(target: Any, task: str, subject: str, workspace: Path) -> None:
    names = [target] if isinstance(target, str) else target
    frame = without(table(), *names)
    if task == "multilabel":
        frame = frame.with_columns(pl.col("level") > 0)
    options: dict[str, Any] = {"max_trials": 1, "time_limit": "10m", "threads": 1, "executor": "inline"}
    request = TrainRequest(frame, target, task=task, learners=["linear"], workspace=workspace, **options)
    model = execute(request).model
    found = model.explain(FRESH)
    array = (model.predict if task == "quantile" else model.predict_proba)(FRESH).to_numpy()
    np.testing.assert_allclose(found.effects.sum(axis=1) + found.attributions.effect_base, array, atol=1e-9)
    told = [
        reason.text
        for each in found.reasons(output=found.outputs[len(found.outputs) // 3])
        for reason in (*each.supports, *each.against)
    ]
    assert told
    assert all(subject in text for text in told)


def test_values_unlike_training_are_told(regression: mw.Model) -> None:
    odd = {**ROW, "age": 230, "plan": "gold"}
    found = regression.explain(odd)
    assert {value.column for value in found.outside} == {"age", "plan"}
    assert not regression.explain(ROW).outside
    texts = [reason.text for each in found.reasons(9) for reason in (*each.supports, *each.against)]
    assert any("(unlike training)" in text for text in texts)


def test_a_record_is_json(multiclass: mw.Model) -> None:
    record = json.loads(json.dumps(multiclass.explain(FRESH.head(3)).to_dict(2)))
    assert record["outputs"] == [0, 1, 2]
    values = np.array(record["values"])
    np.testing.assert_allclose(np.array(record["base"]) + values.sum(axis=1), record["raw"], atol=1e-9)
    assert len(record["reasons"]) == 3


def test_bad_input_is_refused(binary: mw.Model) -> None:
    with pytest.raises(SchemaMismatch, match="plan"):
        binary.explain(FRESH.drop("plan"))
    with pytest.raises(DataError, match="background"):
        binary.explain(FRESH, background=FRESH.head(0))
    assert binary.explain(FRESH.head(0)).values.shape[0] == 0


def test_typical_rows_are_spread_like_training(binary: mw.Model) -> None:
    columns = binary.schema.features
    explainer: Any = binary._row_explainer
    rows = typical_rows(columns, explainer._reader.types)
    assert rows.height == 16
    assert set(rows["plan"].drop_nulls()) <= {"basic", "plus", "pro"}
    age = rows["age"].drop_nulls()
    assert age.min() >= 18
    assert age.max() <= 80
    assert rows["age"].null_count() in (1, 2)
    view = explainer._typical
    assert view.rows == 16


def test_typical_rows_know_every_kind_of_column() -> None:
    columns = [
        Column("flag", Kind.BOOLEAN, statistics={"top": [["True", 3], ["False", 1]], "rows": 4}),
        Column("day", Kind.DATETIME, statistics={"minimum": "2020-01-01 00:00:00", "maximum": "2020-01-17"}),
        Column("note", Kind.TEXT, statistics={"examples": ["a b", "c d"]}),
        Column("items", Kind.LIST, statistics={"top": [["x", 2]]}),
        Column("place", Kind.COORDINATES, statistics={"minimum": [0.0, 10.0], "maximum": [4.0, 20.0]}),
        Column(
            "code", Kind.NUMERIC, parsing={"dtype": "int64"}, statistics={"minimum": 2**60, "maximum": 2**60}
        ),
        Column("nothing", Kind.NUMERIC),
    ]
    types = {
        "flag": pl.Boolean(),
        "day": pl.Datetime("us"),
        "note": pl.String(),
        "items": pl.List(pl.String),
        "place": pl.List(pl.Float64),
        "code": pl.Int64(),
        "nothing": pl.Float64(),
    }
    rows = typical_rows(columns, types, 4)
    assert rows["flag"].sum() == 3
    assert rows["day"].dt.date().n_unique() == 4
    assert set(rows["note"]) == {"a b", "c d"}
    assert rows["items"].to_list() == [["x"]] * 4
    assert rows["place"].list.get(0).max() < 4
    assert rows["code"].to_list() == [2**60] * 4
    assert rows["nothing"].null_count() == 4
