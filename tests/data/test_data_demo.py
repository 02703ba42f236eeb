"""The demo tables: generated customers that keep what their documentation says, and real tables as CSV."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from modelwright.core import OptionError, StorageError, UnknownName
from modelwright.data.demo import (
    BUNDLED_TABLES,
    CUSTOMERS_TARGET,
    PLANS,
    draw_customers,
    make_customers,
    write_bundled_table,
)


def test_equal_arguments_give_equal_tables() -> None:
    assert make_customers(300, seed=3, drift=0.4).equals(make_customers(300, seed=3, drift=0.4))
    assert not make_customers(300, seed=3).equals(make_customers(300, seed=4))


def test_types_and_ranges() -> None:
    frame = make_customers(4000)
    assert frame["customer_id"].n_unique() == frame.height
    assert frame["snapshot_date"].is_sorted()
    assert frame["snapshot_date"][0] == date(2024, 1, 1)
    assert (frame["snapshot_date"][-1] - frame["snapshot_date"][0]).days in (179, 180)
    assert (frame["signup_date"] <= frame["snapshot_date"]).all()
    assert (frame["last_contact"].cast(pl.Date) <= frame["snapshot_date"]).drop_nulls().all()
    assert frame["last_contact"].dtype == pl.Datetime("us")
    assert frame["age"].drop_nulls().is_between(18, 90).all()
    assert set(frame["satisfaction"].drop_nulls()) <= {1, 2, 3, 4, 5}
    assert set(frame["plan"]) == set(PLANS)
    assert set(frame[CUSTOMERS_TARGET]) == {"yes", "no"}
    assert frame["city"].n_unique() > 100
    assert frame.group_by("city").agg(pl.col("country").n_unique())["country"].max() == 1
    assert frame["total_spend"].drop_nulls().skew() > 2


def test_missing_values_are_as_documented() -> None:
    frame = make_customers(6000)
    shares = {name: frame[name].null_count() / frame.height for name in frame.columns}
    documented = {
        "last_contact": 0.08,
        "age": 0.03,
        "total_spend": 0.01,
        "satisfaction": 0.25,
        "referral": 0.85,
        "newsletter": 0.02,
        "feedback": 0.45,
    }
    for name, share in shares.items():
        assert share == pytest.approx(documented.get(name, 0.0), abs=0.02), name


def test_satisfaction_is_not_missing_at_random() -> None:
    frame = make_customers(6000).with_columns(silent=pl.col("satisfaction").is_null())
    churned = (
        frame.group_by("silent").agg((pl.col("churn") == "yes").mean()).sort("silent")["churn"].to_list()
    )
    assert churned[1] > churned[0] + 0.1


def test_the_best_possible_score_is_as_documented() -> None:
    frame, probability = draw_customers(20_000)
    churn = (frame["churn"] == "yes").to_numpy()
    assert roc_auc_score(churn, probability) == pytest.approx(0.88, abs=0.012)
    assert churn.mean() == pytest.approx(0.26, abs=0.02)
    groups = np.digitize(probability, [0.1, 0.3, 0.5, 0.7, 0.9])
    for group in range(6):
        inside = groups == group
        assert churn[inside].mean() == pytest.approx(probability[inside].mean(), abs=0.04)


def test_feedback_goes_with_churn() -> None:
    frame = make_customers(6000).drop_nulls("feedback")
    rate = (frame["churn"] == "yes").mean()
    for phrase, sign in (("crashed", 1), ("Love it", -1)):
        said = frame.filter(pl.col("feedback").str.contains(phrase, literal=True))
        assert sign * ((said["churn"] == "yes").mean() - rate) > 0.05  # type: ignore[operator]


def test_interaction_of_age_and_device() -> None:
    frame, probability = draw_customers(20_000)
    young = (frame["age"] < 30).fill_null(False).to_numpy()
    mobile = frame["device"].is_in(["android", "ios"]).to_numpy()
    lift = probability[young & mobile].mean() - probability[young & ~mobile].mean()
    assert lift > 0.08
    assert abs(probability[~young & mobile].mean() - probability[~young & ~mobile].mean()) < 0.03


def test_drift_grows_over_the_table() -> None:
    frame, probability = draw_customers(12_000, drift=1.0)
    steady, _ = draw_customers(12_000)
    early, late = frame.head(3000), frame.tail(3000)
    fee = {"early": early, "late": late, "steady": steady.tail(3000)}
    basic = {name: part.filter(pl.col("plan") == "basic")["monthly_fee"].mean() for name, part in fee.items()}
    assert basic["late"] > 1.2 * basic["early"] > 1.0 * basic["steady"]  # type: ignore[operator]
    assert (late["plan"] == "pro").mean() > (early["plan"] == "pro").mean() + 0.05  # type: ignore[operator]
    assert late["age"].mean() < early["age"].mean() - 3  # type: ignore[operator]

    def newsletter_effect(rows: slice) -> float:
        part, chance = frame[rows], probability[rows]
        reads = (part["newsletter"] == "yes").fill_null(False).to_numpy()
        return float(chance[reads].mean() - chance[~reads].mean())

    assert newsletter_effect(slice(0, 3000)) < -0.04
    assert abs(newsletter_effect(slice(11_000, 12_000))) < 0.04


def test_no_drift_changes_nothing_over_time() -> None:
    frame = make_customers(12_000)
    first, last = frame.head(4000), frame.tail(4000)
    assert abs((first["churn"] == "yes").mean() - (last["churn"] == "yes").mean()) < 0.04  # type: ignore[operator]
    assert first["monthly_fee"].mean() == pytest.approx(last["monthly_fee"].mean(), rel=0.1)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_tiny_tables(rows: int) -> None:
    assert make_customers(rows, start="2025-02-28").height == rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows must be a whole number of 1 or more"),
        ({"rows": True}, "rows must be"),
        ({"drift": 1.5}, "drift must be a number from 0 to 1"),
        ({"drift": float("nan")}, "drift must be"),
        ({"start": "soon"}, "start must be a day like '2024-01-01', but came as 'soon'"),
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        make_customers(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "rows", "classes"),
    [
        ("breast_cancer", 569, {"malignant", "benign"}),
        ("wine", 178, {"class_0", "class_1", "class_2"}),
        ("iris", 150, {"setosa", "versicolor", "virginica"}),
        ("digits", 1797, set(range(10))),
        ("diabetes", 442, None),
    ],
)
def test_bundled_tables(tmp_path: Path, name: str, rows: int, classes: set[object] | None) -> None:
    path = tmp_path / "table.csv"
    target = write_bundled_table(name, path)
    assert target == BUNDLED_TABLES[name]
    frame = pl.read_csv(path, infer_schema_length=None)
    assert frame.height == rows
    assert frame.columns[-1] == target
    assert frame.null_count().sum_horizontal()[0] == 0
    assert all(column.isidentifier() for column in frame.columns)
    if classes is None:
        assert frame["age"].max() == 79  # original units
    else:
        assert set(frame[target]) == classes


def test_bundled_tables_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'iris'"):
        write_bundled_table("irsi", tmp_path / "x.csv")
    with pytest.raises(StorageError, match="cannot be written"):
        write_bundled_table("iris", tmp_path / "absent" / "x.csv")
