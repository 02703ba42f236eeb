"""Float32 loses nothing that matters."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import Column, Kind, Schema, View
from modelwright.features import Featurizer


def view_of(values: list[object] | np.ndarray, dtype: pl.DataType | type[pl.DataType] | None = None) -> View:
    frame = pl.DataFrame([pl.Series("x", values, dtype)])
    return Featurizer.fit(frame, Schema((Column("x", Kind.NUMERIC),))).transform(frame)


def distinct(view: View) -> int:
    return len(np.unique(view.numeric, axis=0))


def test_plain_numbers_stay_as_they_are() -> None:
    view = view_of([1.5, -2.0, None, 16777216.0])
    np.testing.assert_array_equal(view.numeric[:, 0], np.array([1.5, -2, np.nan, 16777216], np.float32))


def test_infinite_values_are_missing() -> None:
    assert np.isnan(view_of([1.0, float("inf"), float("-inf"), float("nan")]).numeric[1:]).all()


def test_integers_above_24_bits_stay_apart() -> None:
    values = [2**24 + step for step in range(50)]
    assert len({np.float32(value) for value in values}) < 50  # what would be lost
    view = view_of(values)
    assert view.numeric.shape[1] == 1
    assert np.all(np.diff(view.numeric[:, 0]) == 1)


def test_epoch_seconds_stay_apart() -> None:
    seconds = 1_700_000_000 + np.arange(0, 3600 * 24 * 60, 37)
    view = view_of(seconds)
    np.testing.assert_array_equal(np.diff(view.numeric[:, 0]), 37)


def test_a_rare_extreme_does_not_centre_a_plain_column() -> None:
    values = np.r_[np.round(np.linspace(0, 10, 40_001), 2), 59.3]
    np.testing.assert_array_equal(view_of(values).numeric[:, 0], values.astype(np.float32))


def test_epoch_seconds_with_a_sentinel() -> None:
    seconds = np.r_[1_700_000_000 + np.arange(1000), [-999, 0]]
    assert distinct(view_of(seconds)) == 1002


def test_fractions_on_a_large_offset() -> None:
    values = 1e9 + np.arange(200) / 100
    view = view_of(values)
    np.testing.assert_allclose(np.diff(view.numeric[:, 0]), 0.01, atol=1e-6)


def test_a_narrow_column_is_centred_even_if_values_stay_apart() -> None:
    view = view_of(np.array([1e6, 1e6 + 1.1, 1e6 + 2.2]))
    np.testing.assert_allclose(np.diff(view.numeric[:, 0]), 1.1, rtol=1e-6)


def test_integers_over_a_wide_range_get_a_remainder() -> None:
    values = np.r_[np.arange(100) * 10_000_019, np.arange(100) * 10_000_019 + 1]
    view = view_of(values)
    assert [feature.transform for feature in view.info.numeric] == ["value", "remainder"]
    assert distinct(view) == 199 + 1
    whole = view.numeric.astype(np.float64).sum(axis=1)
    np.testing.assert_array_equal(whole - whole[0], values)


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64])
def test_integers_beyond_float64(dtype: type[pl.DataType]) -> None:
    values = [2**62 + step for step in range(100)]
    view = view_of([*values, None], dtype)
    assert np.all(np.diff(view.numeric[:100, 0]) == 1)
    assert np.isnan(view.numeric[100, 0])


def test_the_extremes_of_64_bits() -> None:
    assert distinct(view_of([-(2**63), 2**63 - 1, 0, 5])) == 4


def test_one_corrupt_value_does_not_squash_the_others() -> None:
    view = view_of([0.5, 1.5, 2.5, 1e300])
    np.testing.assert_array_equal(view.numeric[:3, 0], np.array([0.5, 1.5, 2.5], np.float32))
    assert np.isfinite(view.numeric[3, 0])


@pytest.mark.parametrize("size", [1e35, 1e200, 1e-45, 1e-300])
def test_huge_and_tiny_numbers_are_scaled(size: float) -> None:
    assert distinct(view_of(np.arange(1, 20) * size)) == 19


def test_values_beyond_the_training_range_are_clipped() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0]})
    featurizer = Featurizer.fit(frame, Schema((Column("x", Kind.NUMERIC),)))
    late = featurizer.transform(pl.DataFrame({"x": [1e300, -1e300]})).numeric[:, 0]
    assert late[0] == np.float32(1e30)
    assert late[1] == np.float32(-1e30)


def test_the_type_may_change_between_integer_and_float() -> None:
    schema = Schema((Column("x", Kind.NUMERIC),))
    featurizer = Featurizer.fit(pl.DataFrame({"x": [1_700_000_001, 1_700_000_002]}), schema)
    floats = featurizer.transform(pl.DataFrame({"x": [1_700_000_001.0, 1_700_000_002.0]}))
    integers = featurizer.transform(pl.DataFrame({"x": [1_700_000_001, 1_700_000_002]}))
    np.testing.assert_array_equal(floats.numeric, integers.numeric)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=60))
def test_integers_stay_apart_and_in_order(values: list[int]) -> None:
    view = view_of(values, pl.Int64)
    assert distinct(view) == len(set(values))
    whole = view.numeric.astype(np.float64).sum(axis=1)
    order = np.argsort(np.array(values), kind="stable")
    assert np.all(np.diff(view.numeric[order, 0]) >= 0)
    assert np.all(np.isfinite(whole))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=64, allow_nan=True), min_size=1, max_size=40))
def test_any_floats_become_finite_or_missing_and_keep_their_order(values: list[float]) -> None:
    view = view_of(values, pl.Float64)
    column = view.numeric[:, 0]
    array = np.array(values)
    np.testing.assert_array_equal(np.isnan(column), ~np.isfinite(array))
    finite = np.isfinite(array)
    order = np.argsort(array[finite], kind="stable")
    assert np.all(np.diff(column[finite][order]) >= 0)


def test_precision_is_the_same_in_wide_and_narrow_blocks() -> None:
    random = np.random.default_rng(0)
    data = {f"x{number}": random.normal(1e9, 5.0, 30) for number in range(40)}
    frame = pl.DataFrame(data)
    wide = Featurizer.fit(frame, Schema(tuple(Column(name, Kind.NUMERIC) for name in data))).transform(frame)
    for position, values in enumerate(data.values()):
        np.testing.assert_array_equal(wide.numeric[:, position], view_of(values).numeric[:, 0])
