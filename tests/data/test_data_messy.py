"""Values as people write them: numbers in disguise, spans of time, places, lists, codes, spellings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pytest

from modelwright.core import DataError, Kind, OptionError, Problem, Role, Schema, TargetError
from modelwright.data import conform, profile_table, read_table, resolve_target
from modelwright.data.table import Table


def table_of(values: Sequence[Any], name: str = "x", **options: Any) -> Table:
    """A table of one column, and another so that rows are no copies."""
    return read_table({name: list(values), "other": [f"{n}.5" for n in range(len(values))]}, **options)


def checks(table: Table, name: str = "x") -> list[str]:
    return [finding.check for finding in table.findings if finding.column == name]


def spread(levels: Sequence[str], times: int = 12) -> list[str]:
    return list(levels) * times


NUMBERS: dict[str, tuple[list[str], list[float | None], str]] = {
    "engine": (["1,248 CC", "1,498 CC", "998 CC"], [1248, 1498, 998], "CC"),
    "power": (["74 bhp", "103.52 bhp", "NA", "88.7 bhp"], [74, 103.52, None, 88.7], "bhp"),
    "currency code": (["USD 1,200.50", "USD 7"], [1200.5, 7], "$"),
    "currency behind": (["1.234,50 EUR", "7,25 EUR"], [1234.5, 7.25], "\u20ac"),
    "negative in brackets": (["(1,234)", "56", "(7.5)"], [-1234, 56, -7.5], "negative"),
    "negative money": (["$(12.50)", "($3)", "$4", "-$5"], [-12.5, -3, 4, -5], "$"),
    "unicode minus": (["\u22125 kg", "7 kg"], [-5, 7], "kg"),
    "short forms": (["1.2k", "3M", "2bn", "950", "7K"], [1200, 3e6, 2e9, 950, 7000], "thousands"),
    "short money": (["$1.2M", "$900k", "$3bn"], [1.2e6, 9e5, 3e9], "$"),
    "one dimension": (["5 kg", "7 kg", "500 g"], [5, 7, 0.5], "mass"),
    "plural": (["1 bed", "2 beds", "3 beds"], [1, 2, 3], "beds"),
    "months": ([" 36 months", " 60 months"], [36, 60], "months"),
    "calendar": (["2 years", "6 months", "18 months"], [24, 6, 18], "time"),
    "data": (["16 GB", "512 MB", "32GB"], [16, 0.512, 32], "data"),
    "at least": (["1,000+", "5,000+", "10,000+"], [1000, 5000, 10000], "+"),
    "India": (["12,34,567", "1,23,456"], [1234567, 123456], "number"),
    "degrees": (["38\u00b0C", "-2\u00b0C", "7.5\u00b0C"], [38, -2, 7.5], "\u00b0C"),
    "narrow space": (["1\u202f234,5", "12"], [1234.5, 12], "number"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_in_disguise(case: str) -> None:
    given, expected, word = NUMBERS[case]
    table = table_of(given)
    column = table.schema["x"]
    assert column.kind is Kind.NUMERIC
    assert table.frame["x"].to_list() == pytest.approx(expected)
    assert word in column.reason
    again = conform({"x": given, "other": ["1"] * len(given)}, Schema((column,)))
    assert again.frame["x"].equals(table.frame["x"])
    assert not again.findings


@pytest.mark.parametrize(
    "given",
    [
        ["3G", "4G", "5G"],
        ["1A", "2A", "3B"],
        ["1st", "2nd", "3rd"],
        ["9th", "10th", "11th"],
        ["2", "3", "4", "5more"],
        ["1.2.3", "1.2.4"],
        ["3-5", "5-2", "1-1"],
        ["120/80", "130/85"],
        ["4 x 7", "5 x 6"],
        ["iPhone 11", "iPhone 12"],
        ["12 Main Street", "7 Main Street"],
        ["001 kg", "002 kg"],
        ["Model 3", "Model 7"],
    ],
)
def test_what_only_looks_like_numbers_stays_text(given: list[str]) -> None:
    table = table_of(spread(given))
    assert table.schema["x"].kind in (Kind.CATEGORICAL, Kind.TEXT)
    assert table.frame["x"].to_list() == spread(given)


@pytest.mark.parametrize(
    "given",
    [
        ["$5", "\u20ac7", "$9"],
        ["5 USD", "7 EUR"],
        ["5 kg", "7 miles"],
        ["12%", "0.12", "7%"],
        [*(f"{n}.5 kmpl" for n in range(20)), *(f"{n}.5 km/kg" for n in range(20))],
    ],
)
def test_units_that_do_not_belong_together_are_not_mixed(given: list[str]) -> None:
    table = table_of(given)
    assert table.schema["x"].kind is Kind.CATEGORICAL
    assert table.frame["x"].to_list() == given
    assert "mixed_units" in checks(table)


def test_a_few_words_among_quantities_are_missing_and_told() -> None:
    given = [f"{n} kg" for n in range(100)] + ["heavy", "unknown"]
    table = table_of(given)
    assert table.schema["x"].kind is Kind.NUMERIC
    assert table.frame["x"].to_list()[-3:] == [99.0, None, None]
    assert checks(table) == ["not_numeric", "missing_words"]
    assert table_of([*given, *["light", "tiny", "big"]]).schema["x"].kind is not Kind.NUMERIC


def test_quantities_with_a_frequent_word_are_told_and_can_be_set() -> None:
    given = [f"{n}.{n % 7}M" for n in range(60)] + ["Varies with device"] * 10
    table = table_of(given)
    assert table.schema["x"].kind is Kind.CATEGORICAL
    assert checks(table) == ["nearly_numeric"]
    forced = table_of(given, overrides={"x": "numeric"})
    assert forced.frame["x"].to_list()[:2] == pytest.approx([0, 1.1e6])
    assert forced.frame["x"].null_count() == 10
    assert checks(forced) == ["unreadable"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["1:23:45", "0:00:10", "2:00:00"], [5025, 10, 7200]),
        (["8:22", "18:05", "0:30"], [30120, 65100, 1800]),
        (["10:02 AM", "7:39 pm", "12:00 a.m."], [36120, 70740, 0]),
        (["2h 30m", "45m", "1h"], [9000, 2700, 3600]),
        (["2 hours, 5 minutes", "1 minute 30 seconds", "1 hour"], [7500, 90, 3600]),
        (["PT5M", "PT1H30M", "P1DT2S"], [300, 5400, 86402]),
        (["1 day, 2:03:04", "3 days 00:00:01", "0:00:05"], [93784, 259201, 5]),
        (["-1:00:00", "1:00:00", "0:30:00"], [-3600, 3600, 1800]),
    ],
)
def test_spans_of_time_are_seconds(given: list[str], expected: list[float]) -> None:
    table = table_of(given)
    assert table.schema["x"].kind is Kind.NUMERIC
    assert table.frame["x"].to_list() == pytest.approx(expected)
    assert table.schema["x"].parsing["unit"] == "second"
    assert conform({"x": given}, Schema((table.schema["x"],))).frame["x"].equals(table.frame["x"])


def test_spans_of_time_in_one_unit_keep_it() -> None:
    table = table_of(["3 days", "10 days", "12 hours"])
    assert table.frame["x"].to_list() == [3.0, 10.0, 0.5]


def test_scores_are_no_times() -> None:
    assert table_of(spread(["2:1", "0:3", "1:1"])).schema["x"].kind is Kind.CATEGORICAL


PLACES = {
    "point": ("x", ["POINT (-73.97 40.77)", "POINT(-73.95 40.79)"], [[40.77, -73.97], [40.79, -73.95]]),
    "pair": ("x", ["40.7128, -74.0060", "40.7306, -73.9866"], [[40.7128, -74.006], [40.7306, -73.9866]]),
    "named": ("location", ["(40.7, -74.0)", "(40.8, -73.9)"], [[40.7, -74.0], [40.8, -73.9]]),
    "longitude": ("lon_lat", ["-74.0, 40.7", "-73.9, 40.8"], [[40.7, -74.0], [40.8, -73.9]]),
    "beyond 90": ("position", ["-174.0, 40.7", "-73.9, 40.8"], [[40.7, -174.0], [40.8, -73.9]]),
    "degrees": (
        "x",
        ["40\u00b030'36\"N 79\u00b0W", "10\u00b030'S 20\u00b0E"],
        [[40.51, -79.0], [-10.5, 20.0]],
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_places(case: str) -> None:
    name, given, expected = PLACES[case]
    table = table_of(given, name)
    column = table.schema[name]
    assert (column.kind, column.role) == (Kind.COORDINATES, Role.FEATURE)
    found = table.frame[name].to_list()
    assert [value for pair in found for value in pair] == pytest.approx([v for p in expected for v in p])
    assert table.frame[name].dtype == pl.List(pl.Float64)
    assert column.statistics["maximum"] == pytest.approx([max(side) for side in zip(*found, strict=True)])
    for new in (given, found):
        again = conform({name: [*new, None]}, Schema((column,)))
        assert again.frame[name].to_list() == [*found, None]


@pytest.mark.parametrize("given", [["1.5, 2.5", "2.5, 3.5"], ["12, 13", "14, 15"]])
def test_pairs_of_numbers_are_no_places_without_evidence(given: list[str]) -> None:
    assert table_of(spread(given)).schema["x"].kind is Kind.CATEGORICAL


def test_latitude_and_longitude_are_numbers_that_say_so() -> None:
    table = read_table(
        {"lat": ["40.7", "-33.9", "40.8"], "lng": ["-74", "151.2", "-73"], "plate": ["1", "2", "3"]}
    )
    assert [column.reason.rpartition("; ")[2] for column in table.schema] == [
        "latitude in degrees",
        "longitude in degrees",
        "every value is a whole number",
    ]


COLOURS = [
    "Cinnamon",
    "White",
    "Cinnamon, White",
    "Gray",
    "Gray, White",
    "Black",
    "Black, Cinnamon",
    "White, Gray",
]
LISTS: dict[str, tuple[list[str], int, list[str]]] = {
    "commas": (
        [*COLOURS, "Black, Cinnamon, White", "Gray, Black", "Gray, Cinnamon"],
        2,
        ["Cinnamon", "White"],
    ),
    "semicolons": (["a;b", "b;c;a", "c", "c;a", "b;d", "d;a;b", "d;c"], 1, ["b", "c", "a"]),
    "python": (["['wifi', 'pool, heated']", '["tv"]', "[]"], 0, ["wifi", "pool, heated"]),
    "json": (['["a", "it\'s"]', "[1, 2.5]"], 1, ["1", "2.5"]),
}


@pytest.mark.parametrize("case", LISTS)
def test_lists_in_a_cell(case: str) -> None:
    given, row, expected = LISTS[case]
    table = table_of(spread(given))
    column = table.schema["x"]
    assert column.kind is Kind.LIST
    assert table.frame["x"].dtype == pl.List(pl.String)
    assert table.frame["x"][row].to_list() == expected
    assert column.statistics["items"] == len({item for cell in table.frame["x"] for item in cell})
    for new in (given[row], expected):
        again = conform([{"x": new}, {"x": None}], Schema((column,)))
        assert again.frame["x"].to_list() == [expected, None]


@pytest.mark.parametrize(
    "given",
    [
        ["Portland, OR", "Portland, ME", "Salem, OR", "Boston, MA", "Salem, MA", "Austin, TX"],
        ["Smith, Anna", "Smith, Bob", "Doe, Anna", "Doe, Bob", "Lee, Anna", "Lee, Bob"],
        ["furniture/equipment", "radio/tv", "car", "tv"],
        [
            "Gray+White",
            "Gray+Cinnamon, White",
            "Black+Cinnamon, White",
            "Black+White",
            "Gray+",
            "Gray+Cinnamon",
        ],
        [f"I came, I saw number {n}, I left again" for n in range(40)],
        ["Bank transfer (automatic)", "Mailed check"],
    ],
)
def test_commas_alone_make_no_lists(given: list[str]) -> None:
    assert table_of(spread(given, 3)).schema["x"].kind in (Kind.CATEGORICAL, Kind.TEXT)


def test_lists_and_places_of_frames_are_respected() -> None:
    frame = pl.DataFrame(
        {
            "tags": [["a", "b"], [], None, ["c"]],
            "numbers": [[1, None, 2], [3], [4], [5]],
            "location": [[40.7, -74.0], [40.8, -73.9], None, [40.9, -73.8]],
            "vector": [[1.0, 2.5, None, 3.0]] * 4,
        }
    )
    for source in (
        frame,
        frame.to_dict(as_series=False),
        frame.to_dicts(),
        pd.DataFrame(frame.to_dict(as_series=False)),
    ):
        table = read_table(source)
        assert [str(column.kind) for column in table.schema] == ["list", "list", "coordinates", "list"]
        assert table.frame["tags"].to_list() == frame["tags"].to_list()
        assert table.frame["numbers"].to_list() == [["1", "2"], ["3"], ["4"], ["5"]]
        assert table.frame["location"].to_list() == frame["location"].to_list()
        assert table.frame["vector"][0].to_list() == ["1", "2.5", "3"]
        features = [column.name for column in table.schema.features]
        assert conform(source, table.schema).frame.equals(table.frame.select(features))


def test_a_list_cannot_be_a_target() -> None:
    table = read_table({"y": [["a"], ["b"]] * 5, "x": list(range(10))}, problem=Problem.of("y"))
    with pytest.raises(TargetError, match="is several"):
        resolve_target(table, Problem.of("y"))


def test_a_list_cannot_be_a_group() -> None:
    frame = {"y": ["a", "b"] * 5, "g": [["p", "q"], ["r"]] * 5}
    with pytest.raises(DataError, match="group column 'g' must be one value"):
        read_table(frame, problem=Problem.of("y", group="g"))


def test_weights_far_apart_are_weights() -> None:
    weights = [*[str(n) for n in range(1, 60)], *["9999"] * 5]
    table = table_of(weights, problem=Problem.of("other", weights="x"))
    assert table.frame["x"].null_count() == 0
    assert checks(table) == ["sentinel"]


def test_the_profile_tells_of_lists_and_places() -> None:
    rows = {
        "tags": spread(["a;b", "b;c;a", "c", "c;a", "b;d", "d;a;b", "d;c"], 3),
        "location": [f"40.{n:04d}, -73.{n:04d}" for n in range(1, 22)],
    }
    record = json.loads(json.dumps(profile_table(read_table(rows)).to_dict()))
    tags, location = record["details"]
    assert (tags["kind"], tags["distinct"], tags["items"]) == ("list", 7, 4)
    assert tags["top"][0] == ["a", 12]
    assert tags["examples"][:2] == ["a, b", "b, c, a"]
    assert (location["kind"], location["missing"]) == ("coordinates", 0)
    assert location["minimum"] == pytest.approx([40.0001, -73.0021])


def test_new_rows_in_another_unit_are_converted_or_told() -> None:
    schema = table_of(["5 kg", "7 kg", "500 g"]).schema
    new = conform({"x": ["2 lb", "3 KG", "4", "5 miles"], "other": ["1"] * 4}, schema)
    assert new.frame["x"].to_list() == pytest.approx([0.90718474, 3, 4, None])
    assert [finding.check for finding in new.findings] == ["unreadable"]
    assert new.findings[0].evidence["examples"] == ["5 miles"]
    assert conform({"x": [2.5], "other": [1]}, schema).frame["x"].to_list() == [2.5]


SENTINELS: dict[str, tuple[list[float], float]] = {
    "ages": ([*range(18, 90)] * 2, -999),
    "years": ([*range(1950, 2020)] * 2, 9999),
    "income": ([n * 1000.5 for n in range(150)], -9999),
    "temperatures": ([n / 2 for n in range(-40, 80)], -99999),
    "scores": ([*range(300)], -1),
    "days": ([*range(1, 25)] * 6, 999),
}


@pytest.mark.parametrize("case", SENTINELS)
@pytest.mark.parametrize("form", ["text", "numbers"])
def test_marks_for_missing_among_numbers(case: str, form: str) -> None:
    good, mark = SENTINELS[case]
    given: list[Any] = [*good, *[mark] * 10]
    if form == "text":
        given = [str(value) for value in given]
    table = table_of(given)
    column = table.schema["x"]
    assert table.frame["x"].null_count() == 10
    assert table.frame["x"].to_list()[: len(good)] == pytest.approx(good)
    assert checks(table) == ["sentinel"]
    assert column.statistics["missing"] == 10
    assert column.nullable
    new = conform(
        {"x": [given[0], given[-1], None]},
        Schema.from_dict(json.loads(json.dumps({"columns": [column.to_dict()]}))),
    )
    assert new.frame["x"].to_list() == [good[0], None, None]
    kept = table_of(given, overrides={"x": "numeric"})
    assert kept.frame["x"].null_count() == 0
    assert table_of(given, messy=False).frame["x"].null_count() == 0


@pytest.mark.parametrize(
    "given",
    [
        [*[0] * 500, *range(100, 41_000, 100), *[99_999] * 20],  # the top of a capped amount
        [*range(60), 99, 99, 99],
        [*range(-50, 50), *[-1] * 10],
        [*range(100), -999],
        [*[0, 1, 2] * 20, *[-1] * 10],
        [*range(900, 1100), *[999] * 5],
    ],
)
def test_numbers_that_are_no_marks_for_missing(given: list[float]) -> None:
    assert table_of(given).frame["x"].null_count() == 0


@pytest.mark.parametrize(
    ("name", "given", "coded"),
    [
        ("Region", [1, 3, 4, 2, 9], True),
        ("zip_code", [94110, 10001, 60601], True),
        ("TrafficType", list(range(1, 20)), True),
        ("store_id", list(range(1, 20)), True),
        ("MARRIAGE", [0, 1, 2, 3], True),
        ("Region", [1, 2], False),
        ("region-pixel-count", [1, 2, 3], False),
        ("num_products", [1, 2, 3], False),
        ("size", [1, 2, 3], False),
        ("lines_of_code", [0, 0, 0, 1, 2, 3], False),
        ("status", [-1, 0, 1], False),
    ],
)
def test_integer_codes(name: str, given: list[int], coded: bool) -> None:
    values = [str(value) for value in given] * 12
    column = table_of(values, name).schema[name]
    assert (column.kind is Kind.CATEGORICAL) == coded
    assert ("codes" in column.reason) == coded
    assert table_of(values, name, overrides={name: "numeric"}).schema[name].kind is Kind.NUMERIC
    if coded:
        first = str(given[0])
        new = conform([{name: given[0]}, {name: float(given[0])}, {name: first}], Schema((column,)))
        assert new.frame[name].to_list() == [first] * 3
        assert table_of([*map(int, values)], name).schema[name].kind is Kind.NUMERIC  # declared


def test_a_code_is_no_category_where_it_is_the_target() -> None:
    values = [str(value) for value in range(1, 30)] * 10
    assert table_of(values, "status", problem=Problem.of("status")).schema["status"].kind is Kind.NUMERIC


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["Yes", "no", "Y", "n", "", "N/A"], [True, False, True, False, None, None]),
        (["Ja", "nein", "JA"], [True, False, True]),
        (["oui", "non", "-"], [True, False, None]),
        (["s\u00ed", "no", "no"], [True, False, False]),
        (["TRUE", "False", "1", "0"], [True, False, True, False]),
        (["on", "off", "NULL"], [True, False, None]),
    ],
)
def test_booleans_in_many_spellings(given: list[str], expected: list[bool | None]) -> None:
    table = table_of(given)
    assert table.schema["x"].kind is Kind.BOOLEAN
    assert table.frame["x"].to_list() == expected


@pytest.mark.parametrize(
    "given", [["yes", "no", "unknown"], ["none", "yes"], ["m", "f"], ["1", "0"], ["y", "f"]]
)
def test_not_booleans(given: list[str]) -> None:
    assert table_of(given).schema["x"].kind is not Kind.BOOLEAN


DAY = datetime(2019, 3, 5)
DATES: dict[str, tuple[list[str], datetime]] = {
    "mixed": (["2019-03-05", "05/03/2019", "25/12/2019", "5 March 2019", "Mar 5, 2019", "2020"], DAY),
    "another form decides": (["05/03/2019", "13/04/19", "07/08/2019"], DAY),
    "weekday": (["Tue, 5 Mar 2019 10:00:00 GMT", "Wed, 6 Mar 2019 11:30:00 GMT"], datetime(2019, 3, 5, 10)),
    "ordinal": (["March 5th, 2019", "April 1st, 2019"], DAY),
    "Sept.": (["5 Sept. 2019", "6 Oct. 2019"], datetime(2019, 9, 5)),
    "two digits": (["25-12-19", "05-03-19"], datetime(2019, 12, 25)),
    "noon": (["03/25/2019 12:05 PM", "03/26/2019 1:30 am"], datetime(2019, 3, 25, 12, 5)),
}


@pytest.mark.parametrize("case", DATES)
def test_dates_in_many_forms(case: str) -> None:
    given, first = DATES[case]
    table = table_of(given)
    assert table.schema["x"].kind is Kind.DATETIME
    assert table.frame["x"][0] == first
    assert table.frame["x"].null_count() == 0
    assert checks(table) == []
    assert conform({"x": given}, Schema((table.schema["x"],))).frame["x"].equals(table.frame["x"])


def test_mixed_dates_that_leave_the_order_open_are_told() -> None:
    table = table_of(["2019-03-05", "05/03/2019", "07/08/2019"])
    assert table.frame["x"][1] == datetime(2019, 5, 3)
    assert checks(table) == ["ambiguous_date"]


@pytest.mark.parametrize(("name", "scale"), [("created_at", 1), ("timestamp", 1000), ("event_time", 10**6)])
def test_seconds_since_1970(name: str, scale: int) -> None:
    given = [str((1_500_000_000 + 5000 * n) * scale) for n in range(30)]
    table = table_of(given, name)
    column = table.schema[name]
    assert column.kind is Kind.DATETIME
    assert table.frame[name][0] == datetime(2017, 7, 14, 2, 40)
    for new in (
        given[0],
        int(given[0]),
        float(given[0]),
        "2017-07-14 02:40:00",
        datetime(2017, 7, 14, 2, 40),
    ):
        assert conform([{name: new}], Schema((column,))).frame[name][0] == datetime(2017, 7, 14, 2, 40)
    assert table_of(given, "amount").schema["amount"].kind is Kind.NUMERIC
    forced = table_of(given, "amount", overrides={"amount": "datetime"})
    assert forced.frame["amount"].equals(table.frame[name].alias("amount"))


def test_years_are_numbers_and_can_be_dates() -> None:
    given = [str(1990 + n % 20) for n in range(60)]
    assert "years" in table_of(given, "Year").schema["Year"].reason
    forced = table_of(given, "Year", overrides={"Year": "datetime"})
    assert forced.frame["Year"][0] == datetime(1990, 1, 1)


def test_ranges_have_the_order_of_their_numbers() -> None:
    column = table_of(spread(["65+", "18-34", "35-64", "0-17"])).schema["x"]
    assert column.kind is Kind.CATEGORICAL
    assert column.parsing["order"] == ["0-17", "18-34", "35-64", "65+"]
    worked = table_of(spread(["10+ years", "< 1 year", "2 years", "1-2 years"])).schema["x"]
    assert worked.parsing["order"] == ["< 1 year", "1-2 years", "2 years", "10+ years"]
    assert "order" not in table_of(spread(["3-5", "5-2", "1-1"])).schema["x"].parsing


def test_spellings_of_one_level_are_merged() -> None:
    given = (
        ["New York"] * 9
        + ["new york", "NEW  YORK", "New York."]
        + ["Cafe\u0301"]
        + ["Caf\u00e9"] * 3
        + ["Rome"] * 4
    )
    table = table_of(given)
    column = table.schema["x"]
    assert column.statistics["top"] == [["New York", 12], ["Caf\u00e9", 4], ["Rome", 4]]
    finding = next(finding for finding in table.findings if finding.check == "spellings")
    assert finding.evidence["spellings"]["NEW  YORK"] == "New York"
    assert finding.evidence["rows"] == 4
    new = conform({"x": ["new york", "Cafe\u0301", "Oslo"]}, Schema((column,)))
    assert new.frame["x"].to_list() == ["New York", "Caf\u00e9", "Oslo"]
    kept = table_of(given, overrides={"x": "categorical"})
    assert kept.frame["x"].to_list() == given


@pytest.mark.parametrize("problem", [Problem.of("x"), Problem.of("other", group="x")])
def test_labels_and_groups_are_never_merged(problem: Problem) -> None:
    given = ["Good"] * 9 + ["good"] * 2 + ["bad"] * 5
    table = table_of(given, problem=problem)
    assert table.frame["x"].to_list() == given
    assert checks(table) == ["spellings"]


def test_short_levels_that_differ_by_case_stay_apart() -> None:
    assert table_of(spread(["AA", "Aa", "aa"])).schema["x"].statistics["distinct"] == 3


def test_ids_keep_a_telling_prefix() -> None:
    given = [f"{('DE', 'FR', 'US')[n % 3]}-{n:06d}" for n in range(90)]
    table = table_of(given)
    column = table.schema["x"]
    assert (column.kind, column.role) == (Kind.CATEGORICAL, Role.FEATURE)
    assert column.statistics["distinct"] == 3
    assert checks(table) == ["id_prefix"]
    assert conform({"x": ["IT-000001", "17"]}, Schema((column,))).frame["x"].to_list() == ["IT", None]
    assert table_of([f"U{n:06d}" for n in range(90)]).schema["x"].role is Role.ID
    whole = table_of(given, overrides={"x": "id"})
    assert whole.schema["x"].role is Role.ID


def test_ids_whose_first_part_repeats_hint_at_a_group() -> None:
    table = table_of([f"{300 + n // 15}_{n % 15 + 1}" for n in range(300)])
    assert table.schema["x"].role is Role.ID
    assert "group" in checks(table)


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ("user{}@example.org", "e-mail addresses"),
        ("https://example.org/{}", "URLs"),
        ("{:08x}-1111-2222-3333-444455556666", "UUIDs"),
        ("{:032x}", "hashes"),
        ("555-123-{:04d}", "phone numbers"),
        ("10.0.0.{}", "IP addresses"),
    ],
)
def test_things_that_name_are_recognised(form: str, word: str) -> None:
    given = [form.format(n + 10**4 if "x" in form else n) for n in range(60)]
    column = table_of(given).schema["x"]
    assert column.role is Role.ID
    assert word in column.reason
    assert table_of(given * 3).schema["x"].role is Role.FEATURE


def test_words_for_missing_are_told() -> None:
    table = table_of(["red", "?", "blue", "NA", "NULL", "", "unknown", "none"])
    assert table.frame["x"].to_list() == ["red", None, "blue", None, None, None, "unknown", "none"]
    assert [finding.evidence for finding in table.findings] == [{"words": ["?", "NA", "NULL"]}]


MESSY = {
    "quantity": ["5 kg", "500 g", "7 kg"],
    "time": ["1:23:45", "0:00:10", "2:00:00"],
    "place": ["POINT (-73.97 40.77)", "POINT (-73.95 40.79)", "POINT (-73.94 40.7)"],
    "list": ["['a', 'b']", "['c']", "[]"],
    "level": ["New York", "new york", "New York"],
}


def test_everything_can_be_switched_off() -> None:
    plain = read_table(MESSY, messy=False)
    assert [str(column.kind) for column in plain.schema] == ["categorical"] * 5
    assert plain.frame.to_dict(as_series=False) == MESSY
    kinds = [str(column.kind) for column in read_table(MESSY).schema]
    assert kinds == ["numeric", "numeric", "coordinates", "list", "categorical"]


@pytest.mark.parametrize("name", MESSY)
def test_categorical_keeps_the_text(name: str) -> None:
    assert read_table(MESSY, overrides={name: "categorical"}).frame[name].to_list() == MESSY[name]


@pytest.mark.parametrize(
    ("given", "setting", "expected"),
    [
        (["a|b", "c", "a"], "list", [["a", "b"], ["c"], ["a"]]),
        (["1.5, 2.5", "3, 4", "nowhere"], "coordinates", [[1.5, 2.5], [3.0, 4.0], None]),
        (["5 kg", "500 g", "7 kg"], "numeric", [5.0, 0.5, 7.0]),
    ],
)
def test_kinds_can_be_forced(given: list[str], setting: str, expected: list[Any]) -> None:
    table = table_of(given, overrides={"x": setting})
    assert str(table.schema["x"].kind) == setting
    assert table.frame["x"].to_list() == expected
    assert table.schema["x"].reason.startswith("you said so")


def test_forced_coordinates_must_be_places() -> None:
    with pytest.raises(OptionError, match="set to coordinates"):
        table_of(["red", "blue", "1, 2"], overrides={"x": "coordinates"})


def test_names_like_patterns_work_everywhere() -> None:
    given = {
        "^a.*$": ["5 kg", "7 kg", "500 g"],
        "^b.*$": ["x", "X", "x"],
        "^c.*$": ["2020-01-01", "2020-01-02", "2020-01-03"],
        "^d.*$": ["yes", "no", "yes"],
        "^e.*$": ["['a']", "['b']", "[]"],
        "^f.*$": ["40.7128, -74.0060", "40.7306, -73.9866", "40.123, -73.123"],
        "^g.*$": ["1", "2", "3"],
        "^h.*$": ["00123", "04567", "1"],
        "abc": ["1.5", "2.5", "3.5"],
    }
    for source in (given, pd.DataFrame(given), pl.DataFrame(given).lazy()):
        table = read_table(source)
        assert table.frame.columns == list(given)
        again = conform(source, table.schema).frame
        for name in again.columns:
            assert again.get_column(name).alias("x").equals(table.frame.get_column(name).alias("x"))
        assert len({str(column.kind) for column in table.schema}) == 6
