"""Partial dependence, ICE and accumulated local effects against what functions are known to do."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from explained_functions import Array, numbers, values_of, yes_or_no

from modelwright.core import DataError, Kind, OptionError, Task, UnknownName, to_jsonable
from modelwright.explanation import (
    DependenceOptions,
    FunctionPredictor,
    SourceColumn,
    dependence,
    describe_columns,
)
from modelwright.explanation.level_order import order_levels

FULL = DependenceOptions(seconds=None)


def linear(rows: pl.DataFrame) -> Array:
    return np.asarray(2 * rows["a"].to_numpy() - rows["b"].to_numpy() + 5)


def test_local_effects_of_a_linear_function_are_exact() -> None:
    frame = numbers()
    found = dependence(values_of(linear, frame), frame, "a", FULL)
    for point in found.points:
        assert point.effect is not None
        expected = 2 * (point.value - frame["a"].to_numpy().mean())
        assert point.effect[0] == pytest.approx(expected, abs=1e-9)
        assert point.mean[0] == pytest.approx(2 * point.value + 5 - frame["b"].to_numpy().mean(), abs=1e-9)
    assert found.average[0] == pytest.approx(linear(frame).mean())


def test_local_effects_do_not_follow_a_correlated_column() -> None:
    # the function jumps where a and b are far apart, which never happens in the rows
    random = np.random.default_rng(0)
    a = random.uniform(0, 1, 500)
    frame = pl.DataFrame({"a": a, "b": a + random.normal(scale=0.01, size=500)})

    def wild_far_away(rows: pl.DataFrame) -> Array:
        far = np.abs(rows["a"].to_numpy() - rows["b"].to_numpy()) > 0.3
        return np.asarray(rows["a"].to_numpy() + 100 * far)

    found = dependence(values_of(wild_far_away, frame), frame, "a", FULL)
    effects = [point.effect[0] for point in found.points if point.effect]
    assert max(effects) - min(effects) == pytest.approx(1.0, abs=0.1)
    means = [point.mean[0] for point in found.points]
    assert max(means) > 30
    assert found.related[0][0] == "b"


def test_a_column_without_effect_has_none() -> None:
    frame = numbers()
    found = dependence(values_of(linear, frame), frame, "c", FULL)
    assert {point.effect for point in found.points} == {(0.0,)}
    assert np.all(found.curves == 0)


def test_single_rows_show_what_the_mean_hides() -> None:
    frame = numbers()

    def crossing(rows: pl.DataFrame) -> Array:
        return rows["a"].to_numpy() * np.sign(rows["b"].to_numpy())

    found = dependence(values_of(crossing, frame), frame, "a", FULL)
    slopes = found.curves[:, -1, 0]
    assert found.curves.shape == (30, len(found.points), 1)
    assert np.all(found.curves[:, 0] == 0)
    assert (slopes > 0).any()
    assert (slopes < 0).any()


def test_categories_flags_dates_and_missing_values_have_points() -> None:
    random = np.random.default_rng(0)
    levels = random.choice(["low", "mid", "high"], 200, p=[0.5, 0.3, 0.2])
    worth = {"low": 1.0, "mid": 2.0, "high": 4.0}
    frame = pl.DataFrame(
        {
            "level": [None if value < 0.1 else level for value, level in zip(random.random(200), levels)],
            "flag": random.random(200) < 0.3,
            "day": [datetime(2024, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 100, 200)],
        }
    )

    def function(rows: pl.DataFrame) -> Array:
        first = np.array([worth.get(level or "", -1.0) for level in rows["level"].to_list()])
        days = (rows["day"] - datetime(2024, 1, 1)).dt.total_days().to_numpy()
        return np.asarray(first + 10 * rows["flag"].to_numpy() + days)

    model = values_of(function, frame)
    by_level = dependence(model, frame, "level", FULL)
    assert by_level.points[0].value == "low"
    assert by_level.points[-1].value is None
    sizes = [point.rows for point in by_level.points[:-1]]
    assert sizes == sorted(sizes, reverse=True)
    assert by_level.points[-1].effect is None
    known = {point.value: point.effect[0] for point in by_level.points if point.effect}
    assert known["high"] - known["low"] == pytest.approx(3.0)
    assert known["mid"] - known["low"] == pytest.approx(1.0)
    assert sum(point.rows for point in by_level.points) == 200

    flags = dependence(model, frame, "flag", FULL).points
    assert [(point.label, point.value) for point in flags] == [("no", False), ("yes", True)]
    assert flags[1].mean[0] - flags[0].mean[0] == pytest.approx(10.0)

    days = dependence(model, frame, "day", FULL)
    assert days.kind is Kind.DATETIME
    assert days.points[0].value == "2024-01-01"
    assert days.points[-1].mean[0] - days.points[0].mean[0] == pytest.approx(99, abs=3)
    json.dumps(to_jsonable(days.to_dict()), allow_nan=False)


def test_whole_numbers_stay_whole() -> None:
    frame = pl.DataFrame({"rooms": np.random.default_rng(0).poisson(30, 300).astype(np.float64)})
    found = dependence(values_of(lambda rows: rows["rooms"].to_numpy(), frame), frame, "rooms", FULL)
    assert all(isinstance(point.value, int) for point in found.points)


def test_every_class_has_its_line() -> None:
    frame = numbers()

    def shares(rows: pl.DataFrame) -> Array:
        scores = np.exp(np.column_stack([rows["a"], rows["b"], rows["c"]]))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    columns = describe_columns(frame)
    model = FunctionPredictor(shares, columns, Task.MULTICLASS, ("x", "y", "z"))
    found = dependence(model, frame, "a", FULL)
    assert found.outputs == ("x", "y", "z")
    assert found.points[-1].mean[0] > found.points[0].mean[0] + 0.3
    assert sum(found.points[0].mean) == pytest.approx(1.0)
    two = dependence(yes_or_no(lambda rows: rows["a"].to_numpy(), frame), frame, "a", FULL)
    assert two.outputs == ("yes",)


def test_values_that_training_never_saw_are_told() -> None:
    frame = numbers()
    known = tuple(
        SourceColumn(name, Kind.NUMERIC, -1.0, 1.0) if name == "a" else SourceColumn(name, Kind.NUMERIC)
        for name in frame.columns
    )
    found = dependence(FunctionPredictor(linear, known), frame, "a", FULL)
    assert found.points[0].outside
    assert found.points[-1].outside
    assert not found.points[len(found.points) // 2].outside


def test_sparse_ends_have_few_rows_near() -> None:
    values = np.concatenate([np.random.default_rng(0).uniform(0, 1, 199), [50.0]])
    frame = pl.DataFrame({"a": values})
    found = dependence(values_of(lambda rows: rows["a"].to_numpy(), frame), frame, "a", FULL)
    assert found.points[-1].near == pytest.approx(1 / 200)
    assert found.points[len(found.points) // 2].near > 0.1


def test_a_slow_function_is_asked_about_fewer_rows() -> None:
    frame = numbers(rows=400)

    def slow(rows: pl.DataFrame) -> Array:
        time.sleep(rows.height * 1e-4)
        return linear(rows)

    found = dependence(values_of(slow, frame), frame, "a", DependenceOptions(seconds=0.2))
    assert found.rows < 400
    assert "Fewer rows" in found.left_out[0]


def test_rare_levels_are_left_out_and_told() -> None:
    frame = pl.DataFrame({"level": [f"L{number}" for number in range(40)] * 3})
    model = values_of(lambda rows: np.ones(rows.height), frame)
    found = dependence(model, frame, "level", DependenceOptions(points=15, seconds=None))
    assert len(found.points) == 15
    assert "25 rarer levels" in found.left_out[0]


def test_levels_are_ordered_by_the_likeness_of_their_rows() -> None:
    random = np.random.default_rng(0)
    place = random.integers(0, 5, 500)
    frame = pl.DataFrame({"level": [f"L{value}" for value in place], "x": place + random.normal(size=500)})
    shuffled = ["L2", "L0", "L4", "L1", "L3"]
    found = order_levels(frame, "level", shuffled)
    assert found in (["L0", "L1", "L2", "L3", "L4"], ["L4", "L3", "L2", "L1", "L0"])


def test_bad_input_is_refused() -> None:
    frame = numbers().with_columns(text=pl.lit("a b"), empty=pl.lit(None, dtype=pl.Float64))
    columns = tuple(
        SourceColumn("text", Kind.TEXT) if column.name == "text" else column
        for column in describe_columns(frame)
    )
    model = FunctionPredictor(linear, columns)
    with pytest.raises(UnknownName, match="Did you mean 'text'"):
        dependence(model, frame, "txt")
    with pytest.raises(OptionError, match="text values"):
        dependence(model, frame, "text")
    with pytest.raises(DataError, match="missing in all rows"):
        dependence(model, frame, "empty")
    with pytest.raises(DataError, match="10 rows or more"):
        dependence(model, frame[:5], "a")
    with pytest.raises(OptionError, match="points"):
        DependenceOptions(points=1)
