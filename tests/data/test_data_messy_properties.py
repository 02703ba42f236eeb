"""What must hold for any messy text: what is written is read, and read again the same way."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwright.core import Kind, Problem, Schema
from modelwright.data import conform, read_table
from modelwright.data.durations import parse_durations
from modelwright.data.spellings import merged_spellings, spelling_key

CENTS = st.integers(-(10**9), 10**9)
NUMBERS = st.lists(CENTS, min_size=6, max_size=30, unique=True)
STYLES = {
    "$1,234.56": lambda number: f"-${-number:,.2f}" if number < 0 else f"${number:,.2f}",
    "($1,234.56)": lambda number: f"(${-number:,.2f})" if number < 0 else f"${number:,.2f}",
    "1.234,56 EUR": lambda number: f"{number:,.2f}".translate(str.maketrans(",.", ".,")) + " EUR",
    "1,234.56 bhp": lambda number: f"{number:,.2f} bhp",
    "1234.56kg": lambda number: f"{number:.2f}kg",
    "1234.56%": lambda number: f"{number:.2f}%",
}


@pytest.mark.parametrize("style", STYLES)
@given(numbers=NUMBERS)
@settings(max_examples=15)
def test_numbers_come_back(style: str, numbers: list[int]) -> None:
    values = [number / 100 for number in numbers]
    table = read_table({"x": [STYLES[style](value) for value in values]})
    assert table.schema["x"].kind is Kind.NUMERIC
    assert table.frame["x"].to_list() == pytest.approx(values, abs=1e-6)


@given(st.lists(st.integers(1, 10**6), min_size=8, max_size=30, unique=True), st.data())
@settings(max_examples=40)
def test_units_of_one_dimension_come_back(grams: list[int], data: st.DataObject) -> None:
    units = {"g": 1, "kg": 1000, "lb": 453.59237}
    chosen = data.draw(st.lists(st.sampled_from(sorted(units)), min_size=len(grams), max_size=len(grams)))
    table = read_table({"x": [f"{g / units[u]!r} {u}" for g, u in zip(grams, chosen, strict=True)]})
    column = table.schema["x"]
    assert column.kind is Kind.NUMERIC
    base = units[column.parsing["unit"]]
    assert table.frame["x"].to_list() == pytest.approx([value / base for value in grams])


@given(st.timedeltas(timedelta(0), timedelta(days=40)))
@settings(max_examples=100)
def test_durations_come_back(span: timedelta) -> None:
    seconds = int(span.total_seconds())
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    written = [
        f"{hours}:{minute:02d}:{second:02d}",
        f"{day} days, {hour}:{minute:02d}:{second:02d}",
        f"{day}d {hour}h {minute}m {second}s",
        f"{day} days {hour} hours {minute} min {second} sec",
        f"P{day}DT{hour}H{minute}M{second}S",
        f"PT{seconds}S",
        f"{seconds} seconds",
    ]
    assert parse_durations(pl.Series(written)).to_list() == [float(seconds)] * len(written)


FORMS = [
    "%Y-%m-%d %H:%M:%S",
    "%d/%m/%Y",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%y",
    "%d %B %Y",
    "%b %d, %Y",
    "%a, %d %b %Y %H:%M:%S",
    "%Y%m%d",
]
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1))


@pytest.mark.parametrize("form", FORMS)
@given(moments=st.lists(MOMENTS, min_size=3, max_size=20, unique_by=lambda moment: moment.date()))
@settings(max_examples=15)
def test_dates_come_back(form: str, moments: list[datetime]) -> None:
    # A day after the twelfth shows whether it stands first.
    moments = [moment.replace(year=min(max(moment.year, 1970), 2060)) for moment in moments]
    moments = [datetime(2019, 12, 25, 13, 30), *moments]
    text = [moment.strftime(form) for moment in moments]
    table = read_table({"x": text})
    assert table.schema["x"].kind is Kind.DATETIME
    assert table.frame["x"].to_list() == [datetime.strptime(value, form) for value in text]


MESS = st.text("0123456789  .,-:;|$%kKmMgh()[]'\"+<>PTDabNe\u20ac\u2212\u00b0", max_size=14)
CELLS = st.lists(MESS | st.none(), min_size=1, max_size=25)
TEMPLATES = [
    *("{0} kg", "{0} g", "{0}.5 miles", "${0:,}", "({0:,})", "{0}%", "{0}.1k", "{0}", "-999", "NA", "?"),
    *("0:{1:02d}:{1:02d}", "{1}h 5m", "PT{0}M", "{1} days", "{1}:30 PM"),
    *("40.{0:05d}, -73.{0:05d}", "POINT (-73.{0} 40.{0})", "a;b;{1}", "c;{1}", "['a', '{1}']", "[]"),
    *("DE-{0:05d}", "FR-{0:05d}", "New  York", "new york", "18-{1}", "65+", "Yes", "n", "1"),
    *("2019-03-{2:02d}", "{2:02d}/03/2019", "{2} March 2019", "15{0:08d}", "u{0}@example.org"),
]


@st.composite
def written_cells(draw: st.DrawFn) -> list[str | None]:
    """Cells of one to three forms, as a column that several people fill."""
    forms = draw(st.lists(st.sampled_from(TEMPLATES), min_size=1, max_size=3))
    numbers = draw(st.lists(st.integers(1, 99_999), min_size=1, max_size=45))
    cells: list[str | None] = [
        forms[number % len(forms)].format(number, number % 60, number % 28 + 1) for number in numbers
    ]
    return cells + draw(st.lists(st.none() | st.sampled_from(["", "unknown", "junk"]), max_size=2))


@given(
    CELLS | written_cells(),
    st.sampled_from(["x", "location", "store_id", "created_at", "^x.*$", "lat"]),
    st.integers(1, 4),
)
@settings(max_examples=150)
@example(["["] * 3 + ["]"], "x", 1)
@example(["$", "%", "()", "-"], "x", 2)
def test_any_text_is_read_twice_the_same(cells: list[str | None], name: str, times: int) -> None:
    """Whatever it is taken for, training rows come back as they were, also through JSON and one by one."""
    rows = {name: cells * times, "other": [f"{n}.25" for n in range(len(cells) * times)]}
    table = read_table(rows)
    schema = Schema.from_dict(json.loads(json.dumps(table.schema.to_dict())))
    assert all(column.reason for column in schema)
    names = [column.name for column in schema.features]
    frame = conform(rows, schema).frame
    assert frame.columns == names
    for key in names:
        found, known = frame.get_column(key).alias("v"), table.frame.get_column(key).alias("v")
        assert found.dtype == known.dtype
        assert found.equals(known)
        one = conform({column: values[:1] for column, values in rows.items()}, schema).frame.get_column(key)
        assert one.alias("v").equals(known[:1])


@given(CELLS | written_cells())
@settings(max_examples=50)
def test_targets_are_never_merged(cells: list[str | None]) -> None:
    rows = {"y": cells * 3, "x": [f"{n}.25" for n in range(len(cells) * 3)]}
    table = read_table(rows, problem=Problem.of("y"))
    column = table.schema["y"]
    assert column.kind not in (Kind.LIST, Kind.COORDINATES)
    assert not {"merged", "prefix", "sentinels"} & set(column.parsing)


@given(st.dictionaries(st.text("aA bB.,", min_size=1, max_size=6), st.integers(1, 50), max_size=12))
@settings(max_examples=100)
def test_merged_spellings_lead_to_levels_that_stay(levels: dict[str, int]) -> None:
    merged = merged_spellings(levels)
    assert set(merged) <= set(levels)
    assert not set(merged.values()) & set(merged)
    assert all(spelling_key(rare) == spelling_key(main) for rare, main in merged.items())
