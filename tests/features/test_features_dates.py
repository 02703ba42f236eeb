"""Dates beyond their calendar parts: circles, gaps between columns, and public holidays."""

from __future__ import annotations

import importlib.util
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from modelwright.core import BundleError, Column, Kind, OptionError, Schema
from modelwright.features import FeatureOptions, Featurizer, Transformer
from modelwright.features.date_cycles import DateCycles
from modelwright.features.date_gaps import MAX_PAIRS, DateGaps
from modelwright.features.holidays import Holidays, public_holidays

HAS_HOLIDAYS = importlib.util.find_spec("holidays") is not None


def written(transformer: Transformer, frame: pl.DataFrame) -> dict[str, list[float]]:
    out = np.empty((frame.height, len(transformer.features)), np.float32)
    transformer.transform(frame, out)
    return {each.name: out[:, place].tolist() for place, each in enumerate(transformer.features)}


def test_december_is_next_to_january() -> None:
    moments = [datetime(2023, month, 15) for month in range(1, 13)]
    moments += [datetime(2023, 12, 31, 23), datetime(2024, 1, 1, 1)]
    frame = pl.DataFrame({"at": moments})
    cycles = DateCycles.fit(frame, ["at"])
    found = written(cycles, frame)
    places = np.column_stack([found["at.year_sin"], found["at.year_cos"]])
    np.testing.assert_allclose(np.hypot(*places.T), 1.0, atol=1e-6)
    end, start, july = places[-2], places[-1], places[6]
    assert np.hypot(*(end - start)) < 0.03
    assert np.hypot(*(july - start)) > 1.9
    assert {"at.week_sin", "at.day_cos"} <= set(found)


def test_circles_that_are_not_gone_round_are_left_out() -> None:
    days = pl.DataFrame({"at": [date(2024, 5, 1) + timedelta(days=day) for day in range(20)]})
    assert [each.name for each in DateCycles.fit(days, ["at"]).features] == ["at.week_sin", "at.week_cos"]
    same = pl.DataFrame({"at": [date(2024, 5, 1)] * 5})
    assert DateCycles.fit(same, ["at"]).features == ()
    view = Featurizer.fit(same, Schema((Column("at", Kind.DATETIME),)))
    assert list(view.transformers) == ["datetime"]


def test_missing_dates_have_no_place_and_no_gap() -> None:
    first = pl.Series([datetime(2024, 1, day) for day in (1, 2, 3)] + [None], dtype=pl.Datetime("us"))
    last = pl.Series([None, date(2024, 1, 1), date(2024, 3, 1), None], dtype=pl.Date)
    frame = pl.DataFrame({"first": first, "last": last})
    gaps = written(DateGaps.fit(frame, ["first", "last"]), frame)
    np.testing.assert_array_equal(gaps["first → last"], [np.nan, -1.0, 58.0, np.nan])
    cycles = written(DateCycles.fit(frame, ["first", "last"]), frame)
    assert [np.isnan(value) for value in cycles["first.week_sin"]] == [False, False, False, True]


def test_gaps_are_bounded() -> None:
    names = [f"d{number}" for number in range(40)]
    frame = pl.DataFrame(
        {name: [datetime(2024, 1, 1) + timedelta(days=3 * place)] for place, name in enumerate(names)}
    )
    gaps = DateGaps.fit(frame, names)
    assert len(gaps.features) == MAX_PAIRS
    assert len({each.name for each in gaps.features}) == MAX_PAIRS
    assert written(gaps, frame)["d0 → d1"] == [3.0]
    six = DateGaps.fit(frame, names[:6])
    assert len(six.features) == 15
    assert written(six, frame)["d0 → d5"] == [15.0]


def test_a_gap_of_centuries_keeps_its_days() -> None:
    frame = pl.DataFrame({"a": [datetime(1600, 1, 1)], "b": [datetime(2024, 1, 1, 12)]})
    exact = (datetime(2024, 1, 1, 12) - datetime(1600, 1, 1)).total_seconds() / 86_400
    assert written(DateGaps.fit(frame, ["a", "b"]), frame)["a → b"] == [exact]


def test_distances_to_holidays() -> None:
    holidays = Holidays(("at",), (date(2024, 5, 1), date(2024, 5, 9)))
    days = [date(2024, 4, 29), date(2024, 5, 1), date(2024, 5, 4), date(2024, 6, 1), None]
    found = written(holidays, pl.DataFrame({"at": days}))
    assert found["at.holiday"][:4] == [0, 1, 0, 0]
    np.testing.assert_array_equal(found["at.to_holiday"], [2, 0, 5, np.nan, np.nan])
    np.testing.assert_array_equal(found["at.since_holiday"], [np.nan, 0, 3, 23, np.nan])
    assert np.isnan(found["at.holiday"][4])
    assert Holidays.from_dict(holidays.to_dict()) == holidays


@pytest.mark.parametrize("days", [["x"], ["2024-05-09", "2024-05-01"], [3], None, ["2024-02-30"]])
def test_damaged_holidays_are_refused(days: object) -> None:
    with pytest.raises(BundleError, match="damaged"):
        Holidays.from_dict({"columns": ["at"], "days": days})


@pytest.mark.skipif(HAS_HOLIDAYS, reason="the package is installed")
def test_without_the_package_the_message_says_what_to_do() -> None:
    frame = pl.DataFrame({"at": [date(2024, 5, 1)]})
    schema = Schema((Column("at", Kind.DATETIME),))
    with pytest.raises(OptionError, match=r"pip install 'modelwright\[holidays\]'"):
        Featurizer.fit(frame, schema, FeatureOptions(country="DE"))


@pytest.mark.skipif(not HAS_HOLIDAYS, reason="needs the package holidays")
class TestHolidaysOfCountries:
    def test_they_are_part_of_the_view(self) -> None:
        frame = pl.DataFrame({"at": [date(2024, 12, 25), date(2024, 12, 27)]})
        schema = Schema((Column("at", Kind.DATETIME),))
        featurizer = Featurizer.fit(frame, schema, FeatureOptions(country="DE"))
        view = featurizer.transform(frame)
        names = [each.name for each in view.info.numeric]
        assert view.numeric[:, names.index("at.holiday")].tolist() == [1, 0]
        assert Featurizer.from_dict(featurizer.to_dict()) == featurizer
        later = featurizer.transform(pl.DataFrame({"at": [date(2030, 10, 3), date(2090, 1, 1)]}))
        assert later.numeric[0, names.index("at.holiday")] == 1
        assert np.isnan(later.numeric[1, names.index("at.to_holiday")])

    def test_parts_of_a_country_and_unknown_ones(self) -> None:
        assert date(2024, 1, 6) in public_holidays("de-by", [2024])
        assert date(2024, 1, 6) not in public_holidays("DE", [2024])
        for unknown in ("XX", "DE-ZZ"):
            with pytest.raises(OptionError, match="two-letter code"):
                public_holidays(unknown, [2024])
