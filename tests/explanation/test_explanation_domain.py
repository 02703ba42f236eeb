"""Rows outside the domain of training are told, others are not."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from modelwright.core import Kind
from modelwright.explanation import SourceColumn, describe_columns, outside_values, plain_value, shown_value

TRAINED = pl.DataFrame(
    {
        "age": [20.0, 60.0, None],
        "day": [datetime(2024, 1, 1), datetime(2024, 6, 1), None],
        "plan": ["basic", "pro", None],
        "flag": [True, True, None],
    }
)


def test_rows_of_training_are_inside() -> None:
    assert outside_values(describe_columns(TRAINED), TRAINED) == ()


def test_values_beyond_and_levels_unseen_are_told_by_row() -> None:
    fresh = pl.DataFrame(
        {
            "age": [19.5, 30.0],
            "day": [datetime(2024, 3, 1), datetime(2025, 1, 1)],
            "plan": ["gold", "pro"],
            "flag": [False, False],
        }
    )
    found = outside_values(describe_columns(TRAINED), fresh)
    assert [(value.row, value.column) for value in found] == [(0, "age"), (0, "plan"), (1, "day")]
    assert found[0].reason == "age 19.5 is below the 20 of training"
    assert found[2].reason == "day 2025-01-01 is above the 2024-06-01 of training"
    assert len(outside_values(describe_columns(TRAINED), fresh, most=1)) == 1


def test_levels_are_not_judged_where_not_all_are_known() -> None:
    columns = (SourceColumn("plan", Kind.CATEGORICAL, levels=("basic",), complete=False),)
    assert outside_values(columns, pl.DataFrame({"plan": ["gold"]})) == ()


def test_missing_values_are_told_where_training_had_none() -> None:
    known = describe_columns(TRAINED.drop_nulls())
    found = outside_values(known, TRAINED)
    assert [(value.row, value.column) for value in found] == [(2, name) for name in TRAINED.columns]
    assert found[0].reason == "age is missing, which it never was in training"
    assert found[0].value is None


def test_items_of_lists_and_places_are_judged() -> None:
    columns = (
        SourceColumn("tags", Kind.LIST, levels=("a", "b"), nullable=True),
        SourceColumn("place", Kind.COORDINATES, nullable=True, corners=((40.0, -75.0), (41.0, -73.0))),
    )
    frame = pl.DataFrame(
        {
            "tags": [["a"], ["b", "c"], [], None],
            "place": [[51.5, -0.1], [40.5, -74.0], [41.0, -73.0], None],
        }
    )
    found = outside_values(columns, frame)
    assert [(value.row, value.column) for value in found] == [(0, "place"), (1, "tags")]
    assert found[0].reason == "place (51.5, -0.1) lies outside of where training was"
    assert found[1].reason == "tags holds 'c', which was never seen in training"
    assert found[1].value == ["b", "c"]


def test_cells_are_shown_as_people_write_them() -> None:
    assert shown_value(datetime(2024, 1, 2, 3, 4, 5)) == "2024-01-02 03:04:05"
    assert shown_value(1e20) == "1e+20"
    assert plain_value(float("nan")) is None
    assert plain_value(True) is True
