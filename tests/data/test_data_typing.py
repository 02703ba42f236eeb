"""What the values of a column are taken for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from modelwright.core import Kind, OptionError, Role, Schema
from modelwright.data import conform, read_table
from modelwright.data.statistics import QUANTILES


def only(values: list[Any], **options: Any) -> Any:
    """The schema entry and the values of a table of one column."""
    table = read_table({"x": values}, **options)
    return table.schema["x"], table.frame["x"].to_list()


NUMBERS: dict[str, tuple[list[str | None], list[float | None]]] = {
    "integers": (["1", "-2", "+3"], [1, -2, 3]),
    "floats": (["1.5", ".5", "5.", "-0.25"], [1.5, 0.5, 5, -0.25]),
    "scientific": (["1e3", "2.5E-1"], [1000, 0.25]),
    "missing tokens": (["1", "NA", "", "null", "N/A", None, "2"], [1, None, None, None, None, None, 2]),
    "marks": (["1", "?", "-", "2", "3"], [1, None, None, 2, 3]),
    "words for missing": (["1", "unknown", "2", "#DIV/0!"], [1, None, 2, None]),
    "spaces": ([" 1", "2 ", "  "], [1, 2, None]),
    "decimal comma": (["1,5", "2,25", "3"], [1.5, 2.25, 3]),
    "thousands": (["1,234", "2,345,678", "12"], [1234, 2345678, 12]),
    "thousands with decimals": (["1,234.5", "2,345.25"], [1234.5, 2345.25]),
    "european": (["1.234,5", "2.345.678,25"], [1234.5, 2345678.25]),
    "french": (["1 234,5", "12"], [1234.5, 12]),
    "currency": (["$1,200.50", "-$5", "$7"], [1200.5, -5, 7]),
    "percent": (["12%", "5.5%"], [12, 5.5]),
    "zeros": (["0", "0.5", "-0.25"], [0, 0.5, -0.25]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers(case: str) -> None:
    given, expected = NUMBERS[case]
    column, values = only(given)
    assert column.kind is Kind.NUMERIC
    assert values == expected


@pytest.mark.parametrize("comma", [";", "\t"])
def test_a_lone_comma_is_decimal_where_the_delimiter_is_another(tmp_path: Any, comma: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"a{comma}b\n1,234{comma}x\n2,345{comma}y\n")
    assert read_table(path).frame["a"].to_list() == [1.234, 2.345]


@pytest.mark.parametrize(
    "given",
    [
        ["00123", "04567"],
        ["1", "007"],
        ["1,2,3", "4,5,6"],
        ["1.2.3", "4.5.6"],
        ["2", "4", "more"],
        ["0x1f", "0x2a"],
    ],
)
def test_not_numbers(given: list[str]) -> None:
    column, values = only(given)
    assert column.kind is Kind.CATEGORICAL
    assert values == given


def test_a_few_typos_do_not_spoil_a_number_column() -> None:
    given = [str(value) for value in range(0, 4000, 7)]
    given[17] = "12o"
    table = read_table({"x": given, "y": ["a", "b"] * (len(given) // 2)})
    assert table.schema["x"].kind is Kind.NUMERIC
    assert table.frame["x"].null_count() == 1
    assert [finding.check for finding in table.findings] == ["not_numeric"]


@pytest.mark.parametrize("infinite", ["inf", "-Infinity", "INF"])
def test_infinite_text_is_missing_and_reported(infinite: str) -> None:
    table = read_table({"x": ["1", infinite, "2.5"], "y": ["1", "2", "3"]})
    assert table.frame["x"].to_list() == [1.0, None, 2.5]
    assert [(finding.check, finding.column) for finding in table.findings] == [("infinite", "x")]


def test_infinite_floats_are_missing_and_reported() -> None:
    table = read_table(pd.DataFrame({"x": [1.0, np.inf, np.nan, -np.inf]}))
    assert table.frame["x"].to_list() == [1.0, None, None, None]
    assert table.findings[0].evidence == {"rows": 2}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["yes", "no", "yes"], [True, False, True]),
        (["TRUE", "false", "True"], [True, False, True]),
        (["t", "f", "?"], [True, False, "?"]),
        (["Y", "N", "", "Y"], [True, False, None, True]),
    ],
)
def test_booleans(given: list[str], expected: list[Any]) -> None:
    column, values = only(given)
    if "?" in expected:
        # Two levels and a mark: the mark is missing.
        expected = [None if value == "?" else value for value in expected]
    assert column.kind is Kind.BOOLEAN
    assert values == expected


def test_zero_and_one_stay_numbers() -> None:
    assert only(["0", "1", "1"])[0].kind is Kind.NUMERIC


DATES = {
    "iso": (["2018-01-31", "2018-02-01"], datetime(2018, 1, 31)),
    "iso and time": (["2018-01-31 10:20:30", "2018-02-01 00:00:00"], datetime(2018, 1, 31, 10, 20, 30)),
    "iso T and fraction": (
        ["2018-01-31T10:20:30.5", "2018-02-01T00:00:00"],
        datetime(2018, 1, 31, 10, 20, 30, 500000),
    ),
    "zone": (["2018-01-31T10:20:30+02:00", "2018-02-01T00:00:00Z"], datetime(2018, 1, 31, 8, 20, 30)),
    "mixed lengths": (["2018-01-31", "2018-02-01 12:00"], datetime(2018, 1, 31)),
    "slashes, year first": (["2018/01/31", "2018/02/01"], datetime(2018, 1, 31)),
    "month first": (["01/31/2018", "02/01/2018"], datetime(2018, 1, 31)),
    "day first": (["31/01/2018", "01/02/2018"], datetime(2018, 1, 31)),
    "dots": (["31.01.2018", "01.02.2018"], datetime(2018, 1, 31)),
    "two digits": (["31/01/18", "01/02/18"], datetime(2018, 1, 31)),
    "afternoon": (["1/31/2018 10:00 PM", "2/1/2018 1:30 AM"], datetime(2018, 1, 31, 22)),
    "month": (["2018-01", "2018-02"], datetime(2018, 1, 1)),
    "month name": (["Jan-2018", "Feb-2018"], datetime(2018, 1, 1)),
    "month name, space": (["January 2018", "Feb 2018"], datetime(2018, 1, 1)),
    "day and month name": (["31 Jan 2018", "1 February 2018"], datetime(2018, 1, 31)),
    "american": (["January 31, 2018", "Feb 1, 2018"], datetime(2018, 1, 31)),
    "compact": (["20180131", "20180201", "20180202"], datetime(2018, 1, 31)),
    "compact, month first": (["01312018", "02012018", "10312018"], datetime(2018, 1, 31)),
    "missing": (["2018-01-31", "NA", "", "?", "2018-02-01"], datetime(2018, 1, 31)),
}


@pytest.mark.parametrize("case", DATES)
def test_dates(case: str) -> None:
    given, first = DATES[case]
    column, values = only(given)
    assert column.kind is Kind.DATETIME
    assert values[0] == first
    assert len({value for value in values if value is not None}) >= 2


@pytest.mark.parametrize(
    "given",
    [["2018-13-45", "2018-01-01"], ["12345678", "87654321", "11111111"], ["0218-01-01"], ["10:20", "11:30"]],
)
def test_not_dates(given: list[str]) -> None:
    assert only(given)[0].kind is not Kind.DATETIME


def test_undecidable_dates_are_reported() -> None:
    table = read_table({"x": ["01/02/2018", "03/04/2018"], "y": ["1", "2"]})
    assert table.frame["x"][0] == datetime(2018, 1, 2)
    assert [finding.check for finding in table.findings] == ["ambiguous_date"]


def test_categories_and_their_missing_values() -> None:
    column, values = only(["Private", "?", "State-gov", "NA", "Private", None, "none"])
    assert column.kind is Kind.CATEGORICAL
    assert values == ["Private", None, "State-gov", None, "Private", None, "none"]
    assert column.statistics["top"] == [["Private", 2], ["State-gov", 1], ["none", 1]]
    assert column.nullable


def test_plus_and_minus_are_levels() -> None:
    assert only(["+", "-", "+"])[1] == ["+", "-", "+"]


def test_free_text() -> None:
    words = ["please", "call", "me", "about", "the", "bill", "thanks", "again"]
    random = np.random.default_rng(0)
    sentences = [" ".join(random.choice(words, 5)) for _ in range(100)]
    column, _ = only(sentences)
    assert column.kind is Kind.TEXT
    assert column.statistics["mean_words"] == 5.0
    assert column.role is Role.FEATURE


def test_many_levels_of_two_words_stay_categories() -> None:
    zones = [f"{side} {name}" for side in ("North", "South") for name in "ABCDEFGHIJKLMNOP"]
    assert only(zones * 20)[0].kind is Kind.CATEGORICAL


def test_all_missing() -> None:
    column, values = only(["NA", "", None])
    assert (column.role, values) == (Role.CONSTANT, [None, None, None])


def test_long_digit_codes_are_not_rounded() -> None:
    column, values = only(["123456789012345678901", "123456789012345678902"])
    assert column.kind is Kind.CATEGORICAL
    assert values == ["123456789012345678901", "123456789012345678902"]


@pytest.mark.parametrize("given", [[2**60, 2**60 + 1], [str(2**60), str(2**60 + 1)]])
def test_wide_integers_stay_exact(given: list[Any]) -> None:
    column, values = only(given)
    assert (column.kind, values) == (Kind.NUMERIC, [2**60, 2**60 + 1])


def test_statistics_of_numbers() -> None:
    values = np.random.default_rng(1).normal(size=501)
    facts = only([*values.tolist(), None])[0].statistics
    assert facts["rows"] == 502
    assert facts["missing"] == 1
    assert facts["distinct"] == 501
    assert facts["mean"] == pytest.approx(values.mean())
    assert facts["std"] == pytest.approx(values.std())
    assert facts["quantiles"] == pytest.approx(np.quantile(values, QUANTILES).tolist())
    assert facts["integer"] is False


def test_statistics_of_very_large_numbers_do_not_overflow() -> None:
    facts = only([1e300, -1e300, 1e300])[0].statistics
    assert np.isfinite(facts["std"])
    assert facts["mean"] == pytest.approx(1e300 / 3)


# What the user says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "setting", "kind", "first"),
    [
        (["1", "2"], "categorical", Kind.CATEGORICAL, "1"),
        ([1, 2], "categorical", Kind.CATEGORICAL, "1"),
        ([1.0, None], "categorical", Kind.CATEGORICAL, "1"),
        (["00123", "456"], "numeric", Kind.NUMERIC, 123.0),
        (["yes", "no"], "categorical", Kind.CATEGORICAL, "yes"),
        (["1", "0"], "boolean", Kind.BOOLEAN, True),
        ([1, 0], "boolean", Kind.BOOLEAN, True),
        (["male", "female"], "boolean", Kind.BOOLEAN, True),
        ([20180131, 20180201, 20180203], "datetime", Kind.DATETIME, datetime(2018, 1, 31)),
        (["a", "b"], "text", Kind.TEXT, "a"),
        ([True, False], "numeric", Kind.NUMERIC, 1.0),
        ([True, False], "categorical", Kind.CATEGORICAL, "True"),
    ],
)
def test_override_of_kind(given: list[Any], setting: str, kind: Kind, first: Any) -> None:
    column, values = only(given, overrides={"x": setting})
    assert (column.kind, values[0]) == (kind, first)


@pytest.mark.parametrize(
    ("given", "setting", "message"),
    [
        (["1", "red", "blue"], "numeric", "2 of its 3 values .* 'blue', 'red'"),
        (["a", "b", "c"], "boolean", "set to boolean"),
        (["a", "b"], "datetime", "set to datetime"),
        (["a", "b"], "numberic", "Did you mean 'numeric'"),
        (["a", "b"], "target", "--target"),
    ],
)
def test_impossible_override(given: list[str], setting: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        only(given, overrides={"x": setting})


def test_override_of_unknown_column() -> None:
    with pytest.raises(OptionError, match=r"no column 'agee'.* Did you mean 'age'"):
        read_table({"age": [1, 2]}, overrides={"agee": "numeric"})


def test_override_of_role() -> None:
    table = read_table(
        {"row": list(range(100)), "a": ["x", "y"] * 50, "b": ["p", "q"] * 50},
        overrides={"row": "feature", "a": "ignored", "b": "sensitive"},
    )
    assert [str(column.role) for column in table.schema] == ["feature", "ignored", "sensitive"]
    assert [column.name for column in table.schema.features] == ["row", "b"]


def test_frame_is_typed_as_documented() -> None:
    frame = pl.DataFrame(
        {"n": ["1", "2"], "c": ["a", "b"], "b": ["yes", "no"], "d": ["2020-01-01", "2020-01-02"]}
    )
    table = read_table(frame)
    assert table.frame.dtypes == [pl.Float64, pl.String, pl.Boolean, pl.Datetime("us")]


@pytest.mark.parametrize(
    ("given", "setting", "expected", "rows"),
    [
        (["1", "2.5", "n.b.", "k.A."], "numeric", [1.0, 2.5, None, None], 2),
        (["1,5", "2,25", "k.A."], "numeric", [1.5, 2.25, None], 1),
        (["1", "2", "?", "n.b."], "numeric", [1.0, 2.0, None, None], 1),
        (["yes", "no", "yes", "perhaps"], "boolean", [True, False, True, None], 1),
        (["1", "0", "9", None], "boolean", [True, False, None, None], 1),
        (
            ["2020-01-31", "2020-02-01", "2020-13-45", "soon"],
            "datetime",
            [datetime(2020, 1, 31), datetime(2020, 2, 1), None, None],
            2,
        ),
        (
            ["soon", "31/01/2020", "01/02/2020"],
            "datetime",
            [None, datetime(2020, 1, 31), datetime(2020, 2, 1)],
            1,
        ),
    ],
)
def test_override_makes_a_minority_of_unreadable_values_missing(
    given: list[Any], setting: str, expected: list[Any], rows: int
) -> None:
    table = read_table({"x": given, "y": [str(n) for n in range(len(given))]}, overrides={"x": setting})
    assert str(table.schema["x"].kind) == setting
    assert table.frame["x"].to_list() == expected
    finding = next(finding for finding in table.findings if finding.check == "unreadable")
    assert (finding.column, finding.severity, finding.evidence["rows"]) == ("x", "warning", rows)
    assert finding.evidence["examples"][0] in given
    # what was missing in training is no news at prediction time
    again = conform({"x": given, "y": given}, Schema((table.schema["x"],)))
    assert again.frame["x"].to_list() == expected
    assert not [finding for finding in again.findings if finding.check == "unreadable"]


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        (["1", "red", "blue", "2", "green"], "numeric"),
        (["2020-01-31", "soon", "later"], "datetime"),
        (["yes", "no", "a", "b", "c"], "boolean"),
        (["1", "2", "3"], "boolean"),
        (["2020-01-31", "2020-01-30", "1", "2", "3"], "datetime"),
    ],
)
def test_override_that_most_values_contradict_is_refused(given: list[str], setting: str) -> None:
    with pytest.raises(OptionError, match=f"set to {setting}"):
        only(given, overrides={"x": setting})


def test_nearly_numeric_text_is_told() -> None:
    numbers = [str(n / 4) for n in range(80)]
    table = read_table({"x y": [*numbers, *["k.A."] * 10, *["n.b."] * 5]})
    assert table.schema["x y"].kind is Kind.CATEGORICAL
    finding = next(finding for finding in table.findings if finding.check == "nearly_numeric")
    assert "'k.A.', 'n.b.'" in finding.message
    assert "--set 'x y'=numeric" in finding.action
    assert finding.evidence == {"rows": 15, "examples": ["k.A.", "n.b."]}
    kept = read_table({"x y": [*numbers, *["k.A."] * 15]}, overrides={"x y": "categorical"})
    assert not [finding for finding in kept.findings if finding.check == "nearly_numeric"]


@pytest.mark.parametrize(
    "given",
    [
        [*["1", "2", "3"] * 20, *["3+"] * 5],
        [*[str(n) for n in range(60)], *["red"] * 20],
        [*[str(n) for n in range(60)], "red", "blue", "green"],
        [*[f"{n:05d}" for n in range(60)], *["n.b."] * 5],
    ],
)
def test_other_text_with_numbers_is_not_nearly_numeric(given: list[str]) -> None:
    assert not [finding for finding in read_table({"x": given}).findings if "numeric" in finding.check]
