"""Aggregates of groups: those of the rows that are given, the same in training and in prediction."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from modelwright.core import Column, Kind, OptionError, Role, Schema, SchemaMismatch, View
from modelwright.features import FeatureOptions, Featurizer

SCHEMA = Schema(
    (
        Column("customer", Kind.CATEGORICAL, Role.GROUP),
        Column("spend", Kind.NUMERIC),
        Column("epoch", Kind.NUMERIC),
        Column("plan", Kind.CATEGORICAL),
    )
)


def some_frame(rows: int = 200) -> pl.DataFrame:
    random = np.random.default_rng(0)
    spend = [None if random.random() < 0.2 else float(value) for value in random.normal(size=rows)]
    groups = [None if number == 0 else f"c{number}" for number in random.integers(0, 40, rows)]
    return pl.DataFrame(
        {
            "customer": groups,
            "spend": spend,
            "epoch": 1_700_000_000 + random.integers(0, 100, rows),
            "plan": random.choice(["a", "b"], rows),
        }
    )


def fitted(frame: pl.DataFrame) -> Featurizer:
    return Featurizer.fit(frame, SCHEMA, FeatureOptions(group="customer"))


def column(view: View, name: str) -> np.ndarray:
    return view.numeric[:, [each.name for each in view.info.numeric].index(name)]


def test_statistics_are_those_of_the_group() -> None:
    frame = some_frame()
    view = fitted(frame).transform(frame)
    spend = np.array(frame["spend"].to_list(), np.float64)
    codes = frame["customer"].to_list()
    for row in range(frame.height):
        alone = codes[row] is None
        members = [row] if alone else [other for other, code in enumerate(codes) if code == codes[row]]
        known = spend[members][~np.isnan(spend[members])]
        assert column(view, "customer.rows")[row] == len(members)
        if not len(known):
            assert np.isnan(column(view, "spend.group_mean")[row])
            continue
        for name, expected in (
            ("mean", known.mean()),
            ("std", known.std()),
            ("min", known.min()),
            ("max", known.max()),
            ("difference", spend[row] - known.mean()),
        ):
            assert column(view, f"spend.group_{name}")[row] == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_other_groups_and_the_order_of_rows_do_not_matter() -> None:
    frame = some_frame()
    featurizer = fitted(frame)
    whole = featurizer.transform(frame)
    wanted = frame["customer"].is_in(["c1", "c2", "c3"]).fill_null(False).to_numpy()
    part = featurizer.transform(frame.filter(pl.Series(wanted)))
    np.testing.assert_allclose(part.numeric, whole.numeric[wanted], rtol=1e-6)
    order = np.random.default_rng(1).permutation(frame.height)
    mixed = featurizer.transform(frame[order.tolist()])
    np.testing.assert_allclose(mixed.numeric, whole.numeric[order], rtol=1e-5, atol=1e-6)


def test_nothing_of_the_training_groups_is_kept() -> None:
    frame = some_frame()
    changed = frame.with_columns(pl.col("customer").reverse())
    first, second = fitted(frame), fitted(changed)
    assert json.dumps(first.to_dict()) == json.dumps(second.to_dict())
    again = Featurizer.from_dict(json.loads(json.dumps(first.to_dict())))
    assert again == first
    np.testing.assert_array_equal(again.transform(frame).numeric, first.transform(frame).numeric)


def test_large_numbers_keep_their_differences() -> None:
    frame = pl.DataFrame(
        {"customer": ["a", "a"], "spend": [1.0, 2.0], "epoch": [1_700_000_000, 1_700_000_002]}
    )
    view = fitted(frame.with_columns(plan=pl.lit("a"))).transform(frame.with_columns(plan=pl.lit("a")))
    assert column(view, "epoch.group_difference").tolist() == [-1.0, 1.0]


def test_without_the_group_column_there_is_no_prediction() -> None:
    frame = some_frame()
    with pytest.raises(SchemaMismatch, match="group column 'customer' is missing"):
        fitted(frame).transform(frame.drop("customer"))
    with pytest.raises(OptionError, match=r"no column 'custmer'.* Did you mean 'customer'"):
        Featurizer.fit(frame, SCHEMA, FeatureOptions(group="custmer"))


def test_no_rows_and_no_numbers() -> None:
    frame = some_frame()
    assert fitted(frame).transform(frame.head(0)).rows == 0
    schema = Schema((SCHEMA["customer"], SCHEMA["plan"]))
    view = Featurizer.fit(frame, schema, FeatureOptions(group="customer")).transform(frame)
    assert [each.transform for each in view.info.numeric] == ["group_rows"]


def test_without_asking_there_are_none() -> None:
    frame = some_frame()
    assert [each.name for each in Featurizer.fit(frame, SCHEMA).info.numeric] == ["spend", "epoch"]
