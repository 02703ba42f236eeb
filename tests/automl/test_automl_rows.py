"""A model says of one row what it says of the row in a table, and in what form."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import modelwright as mw
from conftest import table, without
from modelwright.core import DataError, OptionError, SchemaMismatch

FRESH = without(table(seed=3, rows=80)).with_columns(
    plan=pl.when(pl.int_range(80) % 9 == 0).then(pl.lit("gold")).otherwise(pl.col("plan"))
)
ROW = {"age": 31, "plan": "pro", "fee": "40.5", "joined": "2024-03-05", "customer": "C1"}


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return list(frame.iter_rows(named=True))


@pytest.mark.parametrize("name", ["binary", "multiclass", "regression"])
def test_a_row_is_predicted_as_in_its_table(name: str, request: pytest.FixtureRequest) -> None:
    model: mw.Model = request.getfixturevalue(name)
    assert model.warm_up() is model
    expected = model.predict(FRESH).to_list()
    found = [model.predict_row(row) for row in rows_of(FRESH)]
    if name == "regression":
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        return
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]
    shares = [list(model.predict_proba_row(row).values()) for row in rows_of(FRESH)]
    np.testing.assert_allclose(shares, model.predict_proba(FRESH).to_numpy(), rtol=1e-12, atol=1e-12)
    assert list(model.predict_proba_row(ROW)) == list(model.classes_)


@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_probabilities_bear_the_labels_as_the_format_can_have_them(
    name: str, request: pytest.FixtureRequest
) -> None:
    model: mw.Model = request.getfixturevalue(name)
    classes, row = model.classes_, model.predict_proba_row(ROW)
    assert classes is not None
    labels = classes.tolist()
    assert [(type(key), key) for key in row] == [(type(label), label) for label in labels]
    table_of_one = pl.DataFrame([ROW])
    named = model.predict_proba(table_of_one)
    assert named.columns == [str(label) for label in labels] == list(json.loads(json.dumps(row)))
    assert model.predict_proba(table_of_one.to_arrow()).column_names == named.columns
    assert model.predict_proba(table_of_one.to_pandas()).columns.tolist() == labels


def test_one_row_in_any_form_says_the_same(binary: mw.Model) -> None:
    row = rows_of(FRESH)[5]
    expected = binary.predict_proba(FRESH).row(5)
    frame = FRESH[5:6]
    for given in (row, [row], frame, frame.lazy(), {name: [value] for name, value in row.items()}):
        np.testing.assert_allclose(binary.predict_proba(given).row(0), expected, rtol=1e-12)
        assert binary.predict(given).to_list() == [binary.predict_row(row)]
    pandas = pd.DataFrame([row], index=pd.Index(["here"]))
    labels, shares = binary.predict(pandas), binary.predict_proba(pandas)
    assert labels.index.equals(pandas.index)
    assert shares.index.equals(pandas.index)
    np.testing.assert_allclose(shares.iloc[0], expected, rtol=1e-12)
    assert labels.tolist() == [binary.predict_row(row)]


def test_a_row_may_lack_what_training_missed_and_hold_more(
    binary: mw.Model, caplog: pytest.LogCaptureFixture
) -> None:
    less = {name: value for name, value in ROW.items() if name != "age"}
    with caplog.at_level(logging.WARNING, "modelwright"):
        found = binary.predict_proba_row({**less, "more": [1, 2]})
    assert "'age' is absent" in caplog.text
    assert found == binary.predict_proba_row({**ROW, "age": None})
    table_of_one = {name: [value] for name, value in less.items()}
    np.testing.assert_allclose(list(found.values()), binary.predict_proba(table_of_one).row(0), rtol=1e-12)


def test_a_row_that_does_not_fit_is_refused(binary: mw.Model) -> None:
    less = {name: value for name, value in ROW.items() if name != "fee"}
    for predict in (binary.predict_row, binary.predict, binary.predict_proba):
        with pytest.raises(SchemaMismatch, match="is absent: 'fee'"):
            predict(less)
        with pytest.raises(SchemaMismatch, match="not numeric"):
            predict({**ROW, "fee": "dear"})
        with pytest.raises(DataError, match="Expected one value for the column 'fee'"):
            predict({**ROW, "fee": [1.0, 2.0]})
    with pytest.raises(SchemaMismatch, match="Did you mean 'fees'"):
        binary.predict(pl.DataFrame([{**less, "fees": 1.0}]))


def test_values_have_no_probabilities(regression: mw.Model) -> None:
    assert isinstance(regression.predict_row(ROW), float)
    with pytest.raises(OptionError, match="predicted as a value"):
        regression.predict_proba_row(ROW)


def test_costs_decide_for_rows_too(workspace: Path) -> None:
    frame = without(table(), "churn")
    model = mw.train(
        frame,
        "churn",
        max_trials=1,
        time_limit="10m",
        threads=1,
        learners="linear",
        costs={("yes", "no"): 20, ("no", "yes"): 1},
        workspace=workspace,
    )
    expected = model.predict(FRESH).to_list()
    assert [model.predict_row(row) for row in rows_of(FRESH)] == expected
    most = [max(shares, key=shares.__getitem__) for shares in map(model.predict_proba_row, rows_of(FRESH))]
    assert most != expected


def test_several_answers_are_a_dict(workspace: Path) -> None:
    frame = without(table(), "churn", "spend").with_columns(big=pl.col("spend") > 0)
    settings = {"max_trials": 1, "time_limit": "10m", "threads": 1, "workspace": workspace}
    labels = mw.train(frame.drop("spend"), ["churn", "big"], learners="linear", **settings)
    expected = labels.predict(FRESH).rows(named=True)
    assert [labels.predict_row(row) for row in rows_of(FRESH)] == expected
    assert list(labels.predict_proba_row(ROW)) == ["churn", "big"]
    quantiles = mw.train(
        frame.drop("churn", "big"), "spend", quantiles=(0.1, 0.9), learners="lightgbm", **settings
    )
    found = [quantiles.predict_row(row) for row in rows_of(FRESH)]
    assert [list(each) for each in found] == [[0.1, 0.9]] * 80
    assert [tuple(each.values()) for each in found] == quantiles.predict(FRESH).rows()


@pytest.mark.parametrize("given", [None, "x", [1, 2], pd.Series({"age": 31})])
def test_what_is_no_row_is_refused(binary: mw.Model, given: Any) -> None:
    with pytest.raises(DataError, match="A row is a dict"):
        binary.predict_row(given)
