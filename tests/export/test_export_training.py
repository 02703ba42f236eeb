"""`train.py` of a project: members fitted once more, each row predicted by models that have not seen it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from export_bundles import FEATURES, Part, make_model, table

import modelwright as mw
from modelwright.core import DataError
from modelwright.export.project.runtime.train import train


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("classes")
    names = ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting", "linear")
    parts = [Part(name, {} if name == "linear" else {"rounds": 8}) for name in names]
    return mw.export(make_model(place, "level", parts), output=place / "project").path


def test_every_row_is_predicted_once_by_models_that_have_not_seen_it(classes: Path) -> None:
    rows = table()
    found = train(rows.select(*FEATURES, "level"), classes)
    assert found.height == rows.height
    assert found["level fold"].unique().sort().to_list() == [0, 1]
    assert found["level class"].to_list() == [int(label) for label in rows["level"]]
    shares = found.select(pl.col("^level predicted .*$")).to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert np.mean(shares.argmax(axis=1) == found["level class"].to_numpy()) > 0.6


def test_a_class_that_a_fold_lacks_gets_no_share_there(classes: Path) -> None:
    rows = table().select(*FEATURES, "level")
    rare = rows.filter(pl.col("level") == "0").head(1)
    found = train(pl.concat([rare, rows.filter(pl.col("level") != "0")]), classes)
    first = found["level fold"][0]
    without = found["level fold"].to_numpy() == first
    shares = found["level predicted 0"].to_numpy()
    assert (shares[without] == 0).all()
    assert (shares[~without] > 0).any()


def test_labels_that_are_known_of_different_rows_stay_in_their_rows(tmp_path: Path) -> None:
    model = make_model(tmp_path, ["churn", "loud"], [Part("linear")])
    project = mw.export(model, output=tmp_path / "project").path
    number = pl.int_range(pl.len())
    rows = table().select(*FEATURES, "churn", "loud")
    rows = rows.with_columns(
        churn=pl.when(number >= 10).then("churn"), loud=pl.when((number < 5) | (number >= 10)).then("loud")
    )
    found = train(rows, project)
    assert found["row"].to_list() == [*range(5), *range(10, rows.height)]
    assert found["churn predicted 1"].null_count() == found["churn fold"].null_count() == 5
    assert found["loud predicted 1"].null_count() == 0


def test_folds_follow_the_time_as_the_table_writes_it(tmp_path: Path) -> None:
    days = pl.col("joined").str.to_date().dt.strftime("%d.%m.%Y")
    rows = table().select(*FEATURES, "spend").with_columns(joined=days)
    model = make_model(tmp_path, "spend", [Part("constant")], task="regression", rows=rows)
    project = mw.export(model, output=tmp_path / "project").path
    plan = json.loads((project / "training.json").read_text())
    columns = json.loads((project / "contract.json").read_text())["columns"]
    plan["time"] = next(column for column in columns if column["name"] == "joined")
    (project / "training.json").write_text(json.dumps(plan))
    found = train(rows, project)
    moments = [datetime.strptime(rows["joined"][row], "%d.%m.%Y") for row in found["row"].to_list()]
    spans = [
        [
            moment
            for moment, fold in zip(moments, found["spend fold"].to_list(), strict=True)
            if fold == number
        ]
        for number in (0, 1)
    ]
    assert max(spans[0]) <= min(spans[1])


def test_a_table_without_the_target_is_refused(classes: Path) -> None:
    with pytest.raises(DataError, match="lacks the column 'level'"):
        train(table().select(*FEATURES), classes)
