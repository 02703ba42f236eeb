"""Permutation importance finds what was planted, and nothing else."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest
from explained_functions import Array, numbers, values_of, yes_or_no

from modelwright.core import DataError, OptionError, Task, UnknownName
from modelwright.explanation import ImportanceOptions, permutation_importance
from modelwright.metrics import get_metric

RMSE = get_metric("rmse", Task.REGRESSION)
FULL = ImportanceOptions(seconds=None)


def strong_and_weak(rows: pl.DataFrame) -> Array:
    return np.asarray(3 * rows["a"].to_numpy() + rows["b"].to_numpy())


def test_planted_columns_come_first_and_noise_last() -> None:
    frame = numbers()
    target = strong_and_weak(frame) + np.random.default_rng(1).normal(size=frame.height)
    found = permutation_importance(values_of(strong_and_weak, frame), frame, target, RMSE, options=FULL)
    assert [entry.columns[0] for entry in found.columns][:2] == ["a", "b"]
    assert found["a"].is_clear
    assert found["b"].is_clear
    for noise in "cd":
        assert found[noise].increase == 0
        assert not found[noise].is_clear
    assert found.error == pytest.approx(1.0, abs=0.15)


def test_the_size_is_what_theory_says() -> None:
    # shuffling b adds twice the variance of b to the squared error
    frame = numbers(rows=4_000)
    target = strong_and_weak(frame)
    metric = get_metric("mse", Task.REGRESSION)
    found = permutation_importance(values_of(strong_and_weak, frame), frame, target, metric, options=FULL)
    assert found["b"].increase == pytest.approx(2.0, rel=0.1)
    assert found["b"].low < 2.0 < found["b"].high
    assert found["a"].increase == pytest.approx(18.0, rel=0.1)


def test_a_ranking_metric_is_measured_too() -> None:
    frame = numbers()
    model = yes_or_no(strong_and_weak, frame)
    target = (model.predict(frame)[:, 1] > np.random.default_rng(2).random(frame.height)).astype(np.int64)
    metric = get_metric("roc_auc", Task.BINARY)
    found = permutation_importance(model, frame, target, metric, options=FULL)
    assert found.columns[0].columns == ("a",)
    assert 0 < found["a"].low < found["a"].increase < found["a"].high < 0.6


def test_twins_are_shuffled_together() -> None:
    frame = numbers(columns="abc").with_columns(twin=pl.col("a") ** 3)

    def either(rows: pl.DataFrame) -> Array:
        # believes whichever of the two is nearer to the truth of the other
        return np.asarray(np.maximum(rows["a"].to_numpy(), np.cbrt(rows["twin"].to_numpy())))

    target = either(frame)
    found = permutation_importance(values_of(either, frame), frame, target, RMSE, options=FULL)
    assert [set(group.columns) for group in found.groups] == [{"a", "twin"}]
    assert found["a"].twins == ("twin",)
    assert found.groups[0].increase > 1.2 * max(found["a"].increase, found["twin"].increase)


def test_equal_seeds_give_equal_numbers() -> None:
    frame = numbers()
    target = strong_and_weak(frame)
    model = values_of(strong_and_weak, frame)
    first, second = (permutation_importance(model, frame, target, RMSE, options=FULL) for _ in range(2))
    assert first == second
    other = permutation_importance(
        model, frame, target, RMSE, options=ImportanceOptions(seconds=None, seed=1)
    )
    assert other["a"].increase != first["a"].increase


def test_weights_decide_which_rows_count() -> None:
    frame = numbers().with_columns(used=pl.Series(np.arange(300) < 150).cast(pl.Float64))

    def partly(rows: pl.DataFrame) -> Array:
        return np.where(rows["used"].to_numpy() > 0, rows["a"].to_numpy(), rows["b"].to_numpy())

    weights = np.where(np.arange(300) < 150, 1.0, 0.0)
    found = permutation_importance(
        values_of(partly, frame), frame, partly(frame), RMSE, weights=weights, options=FULL
    )
    assert found["a"].increase > 5 * abs(found["b"].increase)


def test_five_hundred_columns_are_screened_first() -> None:
    random = np.random.default_rng(3)
    frame = pl.DataFrame({f"c{number}": random.normal(size=200) for number in range(500)})

    def of_two(rows: pl.DataFrame) -> Array:
        return np.asarray(rows["c17"].to_numpy() + 2 * rows["c401"].to_numpy())

    found = permutation_importance(values_of(of_two, frame), frame, of_two(frame), RMSE, options=FULL)
    assert [entry.columns[0] for entry in found.columns[:2]] == ["c401", "c17"]
    assert len(found.columns) == 500
    assert not found["c17"].screened
    assert any("measured on" in sentence for sentence in found.left_out)


def test_a_deadline_is_kept_and_told() -> None:
    frame = numbers(rows=100)

    def slow(rows: pl.DataFrame) -> Array:
        time.sleep(0.05)
        return strong_and_weak(rows)

    found = permutation_importance(
        values_of(slow, frame), frame, strong_and_weak(frame), RMSE, options=ImportanceOptions(seconds=0.1)
    )
    assert 1 <= len(found.columns) <= 4
    assert found.left_out


def test_many_rows_are_sampled_and_told() -> None:
    frame = numbers(rows=500)
    options = ImportanceOptions(seconds=None, rows=100)
    found = permutation_importance(
        values_of(strong_and_weak, frame), frame, strong_and_weak(frame), RMSE, options=options
    )
    assert (found.rows, found.given) == (100, 500)
    assert "100 of 500 rows" in found.left_out[0]


@pytest.mark.parametrize("rows", [0, 19])
def test_too_few_rows_are_refused(rows: int) -> None:
    frame = numbers(rows=rows)
    with pytest.raises(DataError, match="20 rows or more"):
        permutation_importance(values_of(strong_and_weak, frame), frame, strong_and_weak(frame), RMSE)


def test_one_class_alone_cannot_be_scored() -> None:
    frame = numbers(rows=50)
    metric = get_metric("roc_auc", Task.BINARY)
    with pytest.raises(DataError, match="undefined"):
        permutation_importance(yes_or_no(strong_and_weak, frame), frame, np.zeros(50, np.int64), metric)


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match="repeats"):
        ImportanceOptions(repeats=0)


def test_an_unknown_column_names_the_nearest() -> None:
    frame = numbers(rows=50).rename({"a": "age"}).with_columns(a=pl.lit(0.0))
    model = values_of(lambda rows: rows["age"].to_numpy(), frame)
    found = permutation_importance(model, frame, frame["age"].to_numpy() + 1, RMSE, options=FULL)
    with pytest.raises(UnknownName, match="Did you mean 'age'"):
        found["agee"]
