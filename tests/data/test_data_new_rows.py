"""New rows are read one by one: what training did not see is told, never guessed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pytest

from modelwright.core import DataError, Problem, SchemaMismatch, TargetError
from modelwright.data import Conformed, conform, conform_labelled, profile_table, read_table, resolve_target

DAY_FIRST = [f"{day:02}/0{month}/2020" for month in (1, 2, 3) for day in range(1, 29)]


def told(conformed: Conformed, check: str) -> list[str]:
    return [finding.message for finding in conformed.findings if finding.check == check]


@pytest.fixture(scope="module")
def dates() -> Any:
    return read_table({"day": DAY_FIRST}).schema


def test_a_date_does_not_depend_on_the_other_rows(dates: Any) -> None:
    new = ["01/02/2020", "05/03/2020", "31/01/2020", "03/14/2020", "2020-03-14", "14/03/2020 10:30"]
    together = conform({"day": new}, dates)
    alone = [conform({"day": ["01/01/2020", "02/02/2020", value]}, dates).frame["day"][2] for value in new]
    assert together.frame["day"].to_list() == alone
    assert alone[0] == datetime(2020, 2, 1)
    assert alone[3] is None
    assert alone[4:] == [datetime(2020, 3, 14), datetime(2020, 3, 14, 10, 30)]
    (message,) = told(together, "unreadable")
    assert "1 of 6 values" in message
    assert "'03/14/2020'" in message
    assert "%d/%m/%Y" in message


def test_dates_of_another_order_are_refused_as_a_whole(dates: Any) -> None:
    with pytest.raises(SchemaMismatch, match=r"not datetime written as %d/%m/%Y"):
        conform({"day": [f"03/{day}/2020" for day in range(13, 29)]}, dates)


def test_typed_dates_accept_iso_text_only() -> None:
    schema = read_table({"day": [datetime(2020, 1, day) for day in range(1, 21)]}).schema
    new = ["2020-01-31", "20200131", "2020-01-31T10:00:00Z", "2020-02-01", "01/31/2020"]
    assert conform({"day": new}, schema).frame["day"].is_null().to_list() == [False] * 4 + [True]


FUEL = ["Petrol"] * 30 + ["PETROL"] * 5 + ["Diesel"] * 30


def test_new_spellings_are_folded_where_spellings_are_merged() -> None:
    schema = read_table({"fuel": FUEL}).schema
    new = ["DIESEL", "petrol.", " diesel ", "Petrol", "gas"]
    assert conform({"fuel": new}, schema).frame["fuel"].to_list() == [
        "Diesel",
        "Petrol",
        "Diesel",
        "Petrol",
        "gas",
    ]
    kept = read_table({"fuel": FUEL}, overrides={"fuel": "categorical"}).schema
    assert conform({"fuel": ["DIESEL"]}, kept).frame["fuel"].to_list() == ["DIESEL"]
    target = read_table({"fuel": FUEL, "x": list(range(65))}, problem=Problem.of("fuel")).schema["fuel"]
    assert "folds" not in target.parsing


def test_levels_that_training_never_saw_are_told() -> None:
    schema = read_table({"fuel": FUEL}).schema
    (message,) = told(conform({"fuel": ["gas"] * 6 + ["Diesel"] * 94}, schema), "unseen_levels")
    assert "6 of 100 values of 'fuel' (6.0%)" in message
    assert "'gas'" in message
    assert not conform({"fuel": ["gas"] * 4 + ["Diesel"] * 6}, schema).findings
    assert not conform({"fuel": ["gas"] * 5 + ["Diesel"] * 500}, schema).findings


@pytest.mark.parametrize("new", [["0.12", "0.5"], [0.12, 0.5], [1, 0]])
def test_percentages_without_their_sign_are_told(new: list[Any]) -> None:
    schema = read_table({"rate": [f"{value}%" for value in range(40)]}).schema
    assert len(told(conform({"rate": new}, schema), "without_percent")) == 1
    assert not conform({"rate": ["12%", "0"]}, schema).findings


def test_lists_of_another_delimiter_are_told() -> None:
    cells = ["red;blue", "blue", "green;red;blue", "green", "red;green", "blue;green", "blue;red"] * 5
    schema = read_table({"tags": cells}).schema
    (message,) = told(conform({"tags": ["red|blue", "green|red"]}, schema), "unseen_levels")
    assert "'red|blue'" in message
    assert not conform({"tags": ["red;pink", "blue"]}, schema).findings


def test_space_around_a_name_does_not_matter() -> None:
    training = pd.DataFrame({" b": [1.5, 2.5, 3.5] * 4, "y": ["u", "v", "w"] * 4})
    schema = read_table(training, problem=Problem.of("y")).schema
    assert conform({"b": [7.0]}, schema).frame[" b"].to_list() == [7.0]
    stripped = read_table({"b": [1.5, 2.5, 3.5] * 4}).schema
    assert conform(pd.DataFrame({"b ": [7.0], "c": [1]}), stripped).frame["b"].to_list() == [7.0]
    with pytest.raises(SchemaMismatch, match="'b'"):
        conform(pd.DataFrame({"b ": [7.0], " b": [8.0]}), stripped)
    assert conform(pd.DataFrame({"b ": [7.0], "b": [8.0]}), stripped).frame["b"].to_list() == [8.0]


def test_an_ignored_table_is_refused() -> None:
    data = {"id": list(range(100)), "a": [1.5, 2.5] * 50, "b": ["u", "v"] * 50, "y": ["n", "m"] * 50}
    with pytest.raises(DataError, match=r"'a' \(ignored: you said so\), 'b'.*'id'.*--set id=feature"):
        read_table(data, problem=Problem.of("y"), overrides={"a": "ignored", "b": "ignored"})
    alone = read_table({"id": data["id"], "y": data["y"]}, problem=Problem.of("y"))
    assert [column.name for column in alone.schema.features] == ["id"]


def test_scored_targets_may_be_named_with_space() -> None:
    problem = Problem.of("y")
    table = read_table({"x": [1.5, 2.5] * 10, "y": ["n", "m"] * 10}, problem=problem)
    scored = conform_labelled(
        pl.DataFrame({"x": [1.0], "y ": ["n"]}), table.schema, resolve_target(table, problem).problem
    )
    assert scored.target.tolist() == [1]


def test_advice_is_an_option_to_type() -> None:
    table = read_table({"zip": [str(10000 + 7 * (row % 200)) for row in range(2000)], "x": ["a", "b"] * 1000})
    advice = [finding.action for finding in profile_table(table).findings if finding.column == "zip"]
    assert all("prose" not in text for text in advice)
    assert any("--set zip=id" in text for text in advice)
    (merged,) = [
        finding for finding in read_table({"my fuel": FUEL}).findings if finding.check == "spellings"
    ]
    assert merged.action.endswith("--set 'my fuel'=categorical.")
    assert merged.message.startswith("1 spelling in")


def test_a_date_as_target_is_shown_as_written() -> None:
    problem = Problem.of("y")
    table = read_table(
        {"x": list(range(20)), "y": [f"2020-01-{day:02}" for day in range(1, 21)]}, problem=problem
    )
    with pytest.raises(TargetError, match="2020-01-01 00:00:00") as error:
        resolve_target(table, problem)
    assert "datetime.datetime" not in str(error.value)


def test_one_value_is_one_value() -> None:
    table = read_table({"x": [*map(str, range(200)), "oops"]})
    (finding,) = [finding for finding in table.findings if finding.check == "not_numeric"]
    assert finding.message.startswith("1 value of 'x' is not numeric")
