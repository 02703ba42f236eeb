"""Columns that say the same are grouped, whatever they hold; chance groups none."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from modelwright.explanation import associations, associations_with, describe_columns, group_columns

ROWS = 400


def mixed(seed: int = 0) -> pl.DataFrame:
    """Two numbers that rise together, a category with its code, a date, and noise of each kind."""
    random = np.random.default_rng(seed)
    size = random.normal(size=ROWS)
    city = random.choice(["Oslo", "Rome", "Lima", "Bern"], ROWS)
    first = datetime(2020, 1, 1)
    return pl.DataFrame(
        {
            "size": size,
            "weight": np.exp(size) + random.normal(scale=0.01, size=ROWS),
            "city": city,
            "code": [f"C{len(name)}{name[0]}" for name in city],
            "latitude": [{"Oslo": 60.0, "Rome": 42.0, "Lima": -12.0, "Bern": 47.0}[name] for name in city],
            "day": [first + timedelta(days=int(day)) for day in random.integers(0, 900, ROWS)],
            "noise": random.normal(size=ROWS),
            "letter": random.choice(list("abcdefghij"), ROWS),
            "flag": random.random(ROWS) < 0.5,
        }
    )


def test_groups_are_found_over_kinds() -> None:
    frame = mixed()
    assert group_columns(frame, describe_columns(frame)) == (
        ("size", "weight"),
        ("city", "code", "latitude"),
    )


@pytest.mark.parametrize("seed", range(5))
def test_chance_groups_nothing(seed: int) -> None:
    frame = mixed(seed).select("size", "city", "day", "noise", "letter", "flag")
    assert group_columns(frame, describe_columns(frame)) == ()
    strengths = associations(frame, describe_columns(frame))
    assert np.all(strengths[~np.eye(6, dtype=bool)] < 0.25)


def test_columns_of_many_levels_are_not_related_by_chance() -> None:
    random = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "street": [f"S{value}" for value in random.integers(0, 150, ROWS)],
            "name": [f"N{value}" for value in random.integers(0, 150, ROWS)],
            "id": [f"I{value}" for value in range(ROWS)],
        }
    )
    strengths = associations(frame, describe_columns(frame))
    assert np.all(strengths[~np.eye(3, dtype=bool)] < 0.4)


def test_missing_values_and_constants_are_no_trouble() -> None:
    frame = mixed().with_columns(
        constant=pl.lit(1.0),
        empty=pl.lit(None, dtype=pl.Float64),
        holes=pl.when(pl.col("noise") > 0).then(pl.col("noise")),
    )
    strengths = associations(frame, describe_columns(frame))
    assert np.isfinite(strengths).all()
    assert np.allclose(strengths, strengths.T)
    names = frame.columns
    assert strengths[names.index("constant"), names.index("size")] == 0


def test_one_line_of_the_table_is_the_table() -> None:
    frame = mixed()
    columns = describe_columns(frame)
    whole = associations(frame, columns)
    for place, column in enumerate(columns):
        others = [other for other in columns if other is not column]
        line = associations_with(frame, column, others)
        assert np.allclose(line, np.delete(whole[place], place))


def test_few_rows_form_no_groups() -> None:
    frame = mixed()[:10]
    assert group_columns(frame, describe_columns(frame)) == ()
