"""What all explanations share: columns as they are described, changed and predicted."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from explained_functions import Array, numbers, values_of

from modelwright.core import DataError, Kind, Task, UnknownName
from modelwright.explanation import FunctionPredictor, describe_columns
from modelwright.explanation.predictor import (
    as_numbers,
    find_column,
    of_numbers,
    output_names,
    predict_changed,
    sampled_rows,
    shown_outputs,
    with_values,
)

STRANGE = ("^a.*$", "*", "a b", "x\ty")


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([1.5, None, -2.0]),
        pl.Series([1, None, 2**40], dtype=pl.Int64),
        pl.Series([True, None, False]),
        pl.Series([datetime(2024, 2, 29, 12, 30, 15), None, datetime(1950, 1, 1)], dtype=pl.Datetime("us")),
    ],
    ids=["float", "integer", "flag", "date"],
)
def test_numbers_go_there_and_back(series: pl.Series) -> None:
    assert of_numbers(as_numbers(series), series.dtype).to_list() == series.to_list()


def test_columns_of_any_name_are_changed() -> None:
    frame = pl.DataFrame({name: [1.0, 2.0] for name in STRANGE})
    for name in STRANGE:
        changed = with_values(frame, {name: pl.Series([7.0, 8.0])})
        assert changed.columns == frame.columns
        assert changed[name].to_list() == [7.0, 8.0]
        assert all(changed[other].to_list() == [1.0, 2.0] for other in STRANGE if other != name)


@pytest.mark.parametrize("together", [False, True])
def test_changes_are_predicted_in_their_order(together: bool) -> None:
    frame = numbers(rows=7)
    calls: list[int] = []

    def function(rows: pl.DataFrame) -> Array:
        calls.append(rows.height)
        return rows["a"].to_numpy()

    model = FunctionPredictor(function, describe_columns(frame), rows_together=together)
    changes = [{"a": pl.Series(np.full(7, float(number)))} for number in range(5)]
    found = predict_changed(model, frame, changes)
    assert [array.tolist() for array in found] == [[float(number)] * 7 for number in range(5)]
    assert calls == ([7] * 5 if together else [35])
    assert predict_changed(model, frame, []) == []


def test_columns_are_described_by_their_rows() -> None:
    frame = pl.DataFrame(
        {
            "whole": [1.0, 2.0, 4.0, None],
            "part": [0.5, 0.25, 1.0, 2.0],
            "level": ["b", "a", "b", None],
            "items": [["x"], ["y", "z"], [], None],
            "empty": pl.Series([None] * 4, dtype=pl.Float64),
        }
    )
    whole, part, level, items, empty = describe_columns(frame)
    assert (whole.minimum, whole.maximum, whole.step, whole.nullable) == (1.0, 4.0, 1.0, True)
    assert part.step is None
    assert (level.kind, level.levels, level.complete) == (Kind.CATEGORICAL, ("b", "a"), True)
    assert items.kind is Kind.LIST
    assert empty.minimum is None


def test_outputs_have_names_and_shapes() -> None:
    frame = numbers(rows=3)
    columns = describe_columns(frame)

    def model(task: Task, classes: tuple[str, ...] = (), outputs: tuple[str, ...] = ()) -> FunctionPredictor:
        return FunctionPredictor(lambda rows: rows["a"].to_numpy(), columns, task, classes, outputs)

    two = model(Task.BINARY, ("no", "yes"))
    assert output_names(two) == ("yes",)
    assert shown_outputs(two, np.array([[0.25, 0.75]])).tolist() == [[0.75]]
    three = model(Task.MULTICLASS, ("x", "y", "z"))
    assert output_names(three) == ("x", "y", "z")
    with pytest.raises(DataError, match="expected 3 outputs"):
        shown_outputs(three, np.zeros((2, 2)))
    assert output_names(model(Task.QUANTILE, outputs=("0.1", "0.9"))) == ("0.1", "0.9")
    assert shown_outputs(values_of(lambda rows: rows["a"].to_numpy(), frame), np.zeros(4)).shape == (4, 1)


def test_a_missing_column_is_told_with_the_nearest() -> None:
    model = values_of(lambda rows: rows["a"].to_numpy(), numbers(rows=3).rename({"a": "alpha"}))
    with pytest.raises(UnknownName, match="Did you mean 'alpha'"):
        find_column(model, "alhpa")


def test_samples_are_ascending_and_without_copies() -> None:
    rows = sampled_rows(100, 10, np.random.default_rng(0))
    assert len(set(rows.tolist())) == 10
    assert rows.tolist() == sorted(rows.tolist())
    assert sampled_rows(5, 10, np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]
    assert len(sampled_rows(5, 0, np.random.default_rng(0))) == 0
