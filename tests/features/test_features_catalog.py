"""Every transformer of the catalog keeps the contract of `Transformer`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core import BundleError, Column, Kind, Role, Schema, SchemaMismatch, View
from modelwright.features import TRANSFORMERS, Featurizer

ROWS = 90


def column_of(kind: str, rows: int = ROWS, seed: int = 0) -> pl.Series:
    """Values of a kind, some of them missing."""
    random = np.random.default_rng(seed)
    missing = random.random(rows) < 0.15
    values: dict[str, Any] = {
        "numeric": random.normal(1e9, 1.0, rows).tolist(),
        "boolean": (random.random(rows) < 0.4).tolist(),
        "categorical": [f"level {number}" for number in random.integers(0, 15, rows)],
        "datetime": [
            datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in random.integers(0, 9999, rows)
        ],
        "text": random.choice(["Hello there!", "WHY 42?", "", "ligne\nde été, ça va"], rows).tolist(),
        "list": [["ab", "c", "d"][: int(size)] for size in random.integers(0, 4, rows)],
        "coordinates": random.uniform([40, -5], [60, 20], (rows, 2)).tolist(),
    }
    types = {
        "datetime": pl.Datetime("us"),
        "list": pl.List(pl.String),
        "coordinates": pl.List(pl.Float64),
    }
    masked = [None if gone else value for gone, value in zip(missing, values[kind])]
    return pl.Series(f"a {kind}", masked, types.get(kind), strict=False)


def fitted(kind: str) -> tuple[Featurizer, pl.DataFrame]:
    """A featurizer of two columns of one kind, and their frame."""
    frame = pl.DataFrame([column_of(kind), column_of(kind, seed=1).alias("^b.*$")])
    schema = Schema(tuple(Column(name, Kind(kind)) for name in frame.columns))
    return Featurizer.fit(frame, schema), frame


def assert_same(left: View, right: View) -> None:
    np.testing.assert_array_equal(left.numeric, right.numeric)
    np.testing.assert_array_equal(left.categorical, right.categorical)
    assert left.info == right.info
    assert (left.sparse is None) == (right.sparse is None)
    if left.sparse is not None and right.sparse is not None:
        assert left.sparse.columns == right.sparse.columns
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(left.sparse, part), getattr(right.sparse, part))


def test_the_catalog_has_every_kind() -> None:
    kinds = {str(kind) for kind in Kind}
    assert kinds <= set(TRANSFORMERS)
    assert {TRANSFORMERS.load(name).kind or name for name in TRANSFORMERS} == kinds


@pytest.mark.parametrize("kind", [str(kind) for kind in Kind])
class TestTransformer:
    def test_shapes_types_and_sources(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        view = featurizer.transform(frame)
        assert view.numeric.dtype == np.float32
        assert view.categorical.dtype == np.int32
        assert view.numeric.flags.c_contiguous
        assert not np.isinf(view.numeric).any()
        assert view.numeric.shape == (ROWS, len(view.info.numeric))
        assert view.categorical.shape == (ROWS, len(view.info.categorical))
        features = [*view.info.numeric, *view.info.categorical]
        assert {feature.source for feature in features} == set(frame.columns)
        assert len({feature.name for feature in features}) == len(features)
        assert np.all(view.categorical < np.array(view.info.cardinalities, np.int32))

    def test_it_tells_rows_apart(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        view = featurizer.transform(frame)
        rows = np.hstack([view.numeric, view.categorical])
        first = max(1, rows.shape[1] // 2)
        assert len(np.unique(rows[:, :first], axis=0)) >= 3

    def test_state_survives_json(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        again = Featurizer.from_dict(json.loads(json.dumps(featurizer.to_dict())))
        assert again == featurizer
        unseen = pl.DataFrame([column_of(kind, 40, seed=5), column_of(kind, 40, seed=6).alias("^b.*$")])
        if kind == "categorical":
            unseen = unseen.with_columns(pl.lit("never seen").alias("a categorical"))
        assert_same(again.transform(frame), featurizer.transform(frame))
        assert_same(again.transform(unseen), featurizer.transform(unseen))

    def test_rows_are_independent(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        whole = featurizer.transform(frame)
        order = np.random.default_rng(3).permutation(ROWS)
        assert_same(featurizer.transform(frame[order.tolist()]), whole.take(order))
        assert_same(featurizer.transform(frame[7:8]), whole.take(slice(7, 8)))

    def test_column_order_and_extra_columns_do_not_matter(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        extra = pl.Series("extra", [1] * ROWS)
        other = pl.DataFrame([extra, *reversed(frame.get_columns())])
        assert other.columns != frame.columns
        assert_same(featurizer.transform(other), featurizer.transform(frame))

    def test_zero_rows(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        view = featurizer.transform(frame.head(0))
        assert view.rows == 0
        assert view.info == featurizer.info

    @pytest.mark.parametrize("rows", [1, 5, 100])
    def test_all_missing_at_predict_time(self, kind: str, rows: int) -> None:
        featurizer, frame = fitted(kind)
        untyped = pl.DataFrame({name: [None] * rows for name in frame.columns})
        typed = untyped.cast(dict(frame.schema))
        view = featurizer.transform(untyped)
        assert np.isnan(view.numeric).all()
        assert not view.categorical.any()
        assert_same(featurizer.transform(typed), view)

    def test_all_missing_in_training(self, kind: str) -> None:
        frame = pl.DataFrame([pl.Series("x", [None] * 5, column_of(kind).dtype)])
        featurizer = Featurizer.fit(frame, Schema((Column("x", Kind(kind)),)))
        later = pl.DataFrame([column_of(kind).alias("x")])
        view = featurizer.transform(later)
        assert view.rows == ROWS
        assert not np.isinf(view.numeric).any()

    def test_fitting_on_no_rows(self, kind: str) -> None:
        frame = pl.DataFrame([column_of(kind).alias("x")])
        featurizer = Featurizer.fit(frame.head(0), Schema((Column("x", Kind(kind)),)))
        assert featurizer.transform(frame).rows == ROWS

    def test_an_absent_column_is_named(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        with pytest.raises(SchemaMismatch, match=f"'a {kind}' is missing"):
            featurizer.transform(frame.drop(f"a {kind}"))

    def test_another_type_is_refused(self, kind: str) -> None:
        featurizer, frame = fitted(kind)
        wrong = pl.lit("x") if kind in ("numeric", "boolean", "datetime") else pl.lit(1.5)
        with pytest.raises(SchemaMismatch, match=f"'a {kind}' was {kind} in training"):
            featurizer.transform(frame.with_columns(wrong.alias(f"a {kind}")))


# -- saved state is not trusted -------------------------------------------------------------------------


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            found += paths(item, (*path, position))
    return found


def full_state() -> dict[str, Any]:
    frame = pl.DataFrame([column_of(str(kind)) for kind in Kind])
    wide = pl.Series("wide", [2**60 + 3 * number for number in range(ROWS)])
    schema = Schema((*(Column(f"a {kind}", kind) for kind in Kind), Column("wide", Kind.NUMERIC)))
    state: dict[str, Any] = json.loads(json.dumps(Featurizer.fit(frame.with_columns(wide), schema).to_dict()))
    return state


STATE = full_state()
JUNK = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        7,
        2**70,
        1e308,
        float("nan"),
        float("inf"),
        "",
        "x",
        [],
        ["x"],
        ["x", "x"],
        {},
        {"x": {}},
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(paths(STATE)), JUNK)
def test_damaged_state_is_an_error_of_ours_or_still_works(path: tuple[Any, ...], junk: Any) -> None:
    state = json.loads(json.dumps(STATE))
    if path:
        place = state
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = junk
    else:
        state = junk
    try:
        featurizer = Featurizer.from_dict(state)
    except BundleError:
        return
    frame = pl.DataFrame([column_of(str(kind)) for kind in Kind]).with_columns(wide=pl.lit(2**60))
    try:
        view = featurizer.transform(frame)
    except SchemaMismatch:
        return  # a column was renamed
    assert not np.isinf(view.numeric).any()
    assert np.all(view.categorical < np.array(view.info.cardinalities))


def test_an_unknown_transformer_is_refused() -> None:
    state = {"format": 2, "transformers": [{"name": "os:system", "state": {}}]}
    with pytest.raises(BundleError, match="'os:system' that is not installed"):
        Featurizer.from_dict(state)


def test_only_features_are_looked_at() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0], "y": ["a", "b", "a"], "key": [7, 8, 9], "when": [1, 2, 3]})
    schema = Schema(
        (
            Column("x", Kind.NUMERIC),
            Column("y", Kind.CATEGORICAL, Role.TARGET),
            Column("key", Kind.NUMERIC, Role.ID),
            Column("when", Kind.NUMERIC, Role.TIME),
        )
    )
    featurizer = Featurizer.fit(frame, schema)
    assert [feature.source for feature in featurizer.info.numeric] == ["x", "when"]
    assert featurizer.info.categorical == ()
    changed = frame.with_columns(pl.lit("z").alias("y"), pl.lit(0).alias("key"))
    assert Featurizer.fit(changed, schema) == featurizer
    assert_same(featurizer.transform(frame.select("when", "x")), featurizer.transform(frame))
