"""Whole tables: many levels, many columns, names, dates and texts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import BundleError, Column, Kind, OptionError, Role, Schema, View
from modelwright.features import FeatureOptions, Featurizer
from modelwright.features.categorical import natural_order
from modelwright.features.text import STATISTICS


def fit_one(values: list[object] | pl.Series, kind: Kind) -> tuple[Featurizer, View]:
    frame = pl.DataFrame([pl.Series("x", values)])
    featurizer = Featurizer.fit(frame, Schema((Column("x", kind),)))
    return featurizer, featurizer.transform(frame)


def by_transform(view: View) -> dict[str, list[float]]:
    return {
        feature.transform: view.numeric[:, position].tolist()
        for position, feature in enumerate(view.info.numeric)
    }


# -- categories -----------------------------------------------------------------------------------------


def test_seven_thousand_levels() -> None:
    levels = [f"L{number:05d}" for number in range(7000)]
    frame = pl.DataFrame({"x": levels * 2 + ["once"]})
    featurizer = Featurizer.fit(frame, Schema((Column("x", Kind.CATEGORICAL),)))
    assert featurizer.info.cardinalities == (7001,)
    again = Featurizer.from_dict(json.loads(json.dumps(featurizer.to_dict())))
    codes = again.transform(frame).categorical[:, 0]
    assert codes.tolist() == [*range(1, 7001), *range(1, 7001), 0]
    few = again.transform(pl.DataFrame({"x": ["L06999", "new", None]})).categorical[:, 0]
    assert few.tolist() == [7000, 0, 0]


def test_only_the_most_frequent_of_very_many_levels_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelwright.features.categorical.MAX_LEVELS", 20)
    values = [f"{level:03d}" for level in range(50) for _ in range(2 + (level >= 25))]
    featurizer, view = fit_one(values, Kind.CATEGORICAL)
    assert featurizer.info.cardinalities == (21,)
    assert featurizer.to_dict()["transformers"][0]["state"]["levels"]["x"][0] == "025"
    assert (view.categorical[:, 0] > 0).sum() == 60


def test_levels_seen_once_are_kept_only_among_few() -> None:
    few, _ = fit_one(["a", "b", "b", "c", "c"], Kind.CATEGORICAL)
    assert few.info.cardinalities == (4,)
    many, view = fit_one([f"{number:02d}" for number in range(12)] * 2 + ["once"], Kind.CATEGORICAL)
    assert many.info.cardinalities == (13,)
    assert view.categorical[-1, 0] == 0


def test_codes_do_not_depend_on_the_order_of_rows() -> None:
    values: list[object] = ["10-20", "2-5", "6-9", None, "2-5"]
    first, _ = fit_one(values, Kind.CATEGORICAL)
    second, _ = fit_one(values[::-1], Kind.CATEGORICAL)
    assert first == second
    state = first.to_dict()["transformers"][0]["state"]
    assert state["levels"]["x"] == ["2-5", "6-9", "10-20"]


@given(st.lists(st.text(max_size=8), unique=True, max_size=30))
def test_natural_order_is_total_and_stable(levels: list[str]) -> None:
    ordered = natural_order(levels)
    assert sorted(ordered) == sorted(levels)
    assert natural_order(levels[::-1]) == ordered


def test_natural_order_of_odd_digits() -> None:
    assert natural_order(["9" * 5000 + "x", "1x", "²x"])[0] == "1x"


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=1, max_size=90))
def test_small_and_large_frames_get_the_same_codes(values: list[str | None]) -> None:
    series = pl.Series("x", values, pl.String)
    featurizer = Featurizer.fit(pl.DataFrame([series]), Schema((Column("x", Kind.CATEGORICAL),)))
    large = featurizer.transform(pl.DataFrame([pl.concat([series] * 100)])).categorical[: len(values)]
    rows = [featurizer.transform(pl.DataFrame([series[row : row + 1]])) for row in range(len(values))]
    assert large[:, 0].tolist() == [int(row.categorical[0, 0]) for row in rows]


# -- width and names ------------------------------------------------------------------------------------


def test_ten_thousand_columns() -> None:
    values = np.random.default_rng(0).normal(size=(200, 10_000))
    frame = pl.DataFrame(values, schema=[f"x{number}" for number in range(10_000)])
    schema = Schema(tuple(Column(name, Kind.NUMERIC) for name in frame.columns))
    view = Featurizer.fit(frame, schema).transform(frame)
    np.testing.assert_array_equal(view.numeric, values.astype(np.float32))


def test_names_stay_unique() -> None:
    when = [datetime(2024, 1, 1), datetime(2025, 3, 2)]
    frame = pl.DataFrame({"at": when, "at.days": [1.0, 2.0], "at.year_2": ["a", "b"], "at.year": [3.0, 4.0]})
    schema = Schema(
        (
            Column("at", Kind.DATETIME),
            Column("at.days", Kind.NUMERIC),
            Column("at.year_2", Kind.CATEGORICAL),
            Column("at.year", Kind.NUMERIC),
        )
    )
    info = Featurizer.fit(frame, schema).info
    names = [feature.name for feature in (*info.numeric, *info.categorical)]
    assert len(set(names)) == len(names)
    assert {"at.days", "at.days_2", "at.year", "at.year_2", "at.year_3"} <= set(names)
    sources = {feature.name: feature.source for feature in (*info.numeric, *info.categorical)}
    assert (sources["at.days"], sources["at.days_2"], sources["at.year_3"]) == ("at.days", "at", "at")


def test_parts_can_be_left_out() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0], "at": [datetime(2024, 1, 1), datetime(2025, 3, 2)]})
    schema = Schema((Column("x", Kind.NUMERIC), Column("at", Kind.DATETIME)))
    options = FeatureOptions(without=("datetime", "numeric"))
    featurizer = Featurizer.fit(frame, schema, options)
    assert featurizer.info.numeric == ()
    again = Featurizer.from_dict(json.loads(json.dumps(featurizer.to_dict())))
    assert again.options == options
    with pytest.raises(OptionError, match=r"no transformer 'text_term'.* Did you mean 'text_terms'"):
        Featurizer.fit(frame, schema, FeatureOptions(without=("text_term",)))


def test_options_are_checked_when_read() -> None:
    for damaged in ({"country": 3}, {"group": []}, {"without": "x"}):
        with pytest.raises(BundleError, match="damaged"):
            FeatureOptions.from_dict({**FeatureOptions().to_dict(), **damaged})


def test_a_table_without_features() -> None:
    frame = pl.DataFrame({"y": [1, 2]})
    view = Featurizer.fit(frame, Schema((Column("y", Kind.NUMERIC, Role.TARGET),))).transform(frame)
    assert (view.rows, view.numeric.shape, view.categorical.shape) == (2, (2, 0), (2, 0))


def test_the_shared_table(customers_frame: pl.DataFrame) -> None:
    frame = customers_frame.with_columns(pl.col("signup").cast(pl.Datetime("us")))
    kinds = {
        "tenure": Kind.NUMERIC,
        "spend": Kind.NUMERIC,
        "plan": Kind.CATEGORICAL,
        "paperless": Kind.BOOLEAN,
        "signup": Kind.DATETIME,
        "note": Kind.TEXT,
    }
    columns = [Column("customer", Kind.TEXT, Role.ID), Column("churn", Kind.CATEGORICAL, Role.TARGET)]
    columns += [Column(name, kind) for name, kind in kinds.items()]
    view = Featurizer.fit(frame, Schema(tuple(columns))).transform(frame)
    sources = {feature.source for feature in (*view.info.numeric, *view.info.categorical)}
    assert sources == set(kinds)
    assert np.isnan(view.numeric[:, 1]).sum() == frame["spend"].null_count()


# -- dates and texts ------------------------------------------------------------------------------------


def test_parts_of_dates() -> None:
    moments = [datetime(2023, 12, 31, 6, 30), datetime(2024, 2, 29, 18, 45), None]
    _, view = fit_one(pl.Series(moments, dtype=pl.Datetime("us")), Kind.DATETIME)
    parts = by_transform(view)
    assert parts["year"][:2] == [2023, 2024]
    assert parts["weekday"][:2] == [7, 4]
    assert parts["day_of_year"][:2] == [365, 60]
    assert parts["hour"][:2] == [6, 18]
    assert parts["minute"][:2] == [30, 45]
    assert parts["days"][0] == 0
    assert parts["days"][1] == pytest.approx(60 + 12.25 / 24)
    assert np.isnan(view.numeric[2]).all()


def test_parts_that_do_not_vary_are_dropped() -> None:
    _, view = fit_one(pl.Series([datetime(2024, 5, 1), datetime(2024, 5, 2)]), Kind.DATETIME)
    assert list(by_transform(view)) == ["days", "day", "weekday", "day_of_year"]
    _, same = fit_one(pl.Series([datetime(2024, 5, 1)] * 2), Kind.DATETIME)
    assert by_transform(same) == {"days": [0.0, 0.0]}


def test_dates_zones_and_units_agree() -> None:
    naive = pl.Series("x", [datetime(2024, 5, 1, 12), datetime(2024, 6, 2, 13)], pl.Datetime("us"))
    featurizer, view = fit_one(naive, Kind.DATETIME)
    zoned = pl.Series("x", [moment.replace(tzinfo=UTC) for moment in naive], pl.Datetime("us", "UTC"))
    for other in (zoned.dt.convert_time_zone("Asia/Tokyo"), naive.cast(pl.Datetime("ns"))):
        assert featurizer.transform(pl.DataFrame([other])).numeric.tolist() == view.numeric.tolist()
    days = featurizer.transform(pl.DataFrame({"x": [date(2024, 5, 2)]}))
    assert by_transform(days)["days"] == [0.5]


def test_decades_keep_their_minutes() -> None:
    moments = pl.datetime_range(datetime(1990, 1, 1), datetime(2025, 1, 1), "8760h31m", eager=True)
    _, view = fit_one(moments, Kind.DATETIME)
    days = np.array(by_transform(view)["days"], np.float64)
    exact = (moments - moments.min()).dt.total_seconds().to_numpy() / 86_400  # type: ignore[operator]
    assert np.abs(days - exact).max() * 24 * 60 < 1.0


def test_statistics_of_texts() -> None:
    _, view = fit_one(["Call ME: call 42!?", "", "été\nça", None], Kind.TEXT)
    found = by_transform(view)
    assert list(found) == list(STATISTICS)
    assert found["length"][:3] == [18, 0, 6]
    assert found["words"][:3] == [4, 0, 2]
    assert found["unique_words"][0] == 0.75
    assert found["digits"][0] == pytest.approx(2 / 18)
    assert found["uppercase"][0] == pytest.approx(3 / 10)
    assert found["punctuation"][0] == pytest.approx(3 / 18)
    assert (found["exclamations"][0], found["questions"][0]) == (1, 1)
    assert found["lines"][2] == 1
    assert view.numeric[1].tolist() == [0.0] * len(STATISTICS)
    assert np.isnan(view.numeric[3]).all()
