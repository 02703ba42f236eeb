"""Friedman's H finds the pair that was planted."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest
from explained_functions import Array, numbers, values_of

from modelwright.core import DataError, OptionError, UnknownName
from modelwright.explanation import (
    FunctionPredictor,
    InteractionOptions,
    changing_columns,
    describe_columns,
    interactions,
)

FULL = InteractionOptions(seconds=None)


def planted(rows: pl.DataFrame) -> Array:
    return np.asarray(rows["a"].to_numpy() * rows["c"].to_numpy() + 3 * rows["b"].to_numpy())


def test_the_planted_pair_comes_first() -> None:
    frame = numbers()
    found = interactions(values_of(planted, frame), frame, options=FULL)
    first, second = found.pairs[0], found.pairs[1]
    assert {first.first, first.second} == {"a", "c"}
    assert first.strength > 0.9
    assert first.size == pytest.approx(1.0, abs=0.4)
    assert second.size < 1e-9


def test_effects_that_add_up_have_no_strength() -> None:
    frame = numbers()
    model = values_of(lambda rows: rows["a"].to_numpy() ** 2 + rows["b"].to_numpy(), frame)
    found = interactions(model, frame, ("a", "b"), FULL)
    assert len(found.pairs) == 1
    assert found.pairs[0].strength < 1e-6


def test_columns_are_chosen_by_what_predictions_change_with() -> None:
    frame = numbers(columns="abcdefgh")
    assert changing_columns(values_of(planted, frame), frame, 3)[0] == "b"
    assert set(changing_columns(values_of(planted, frame), frame, 3)) == {"a", "b", "c"}


def test_a_deadline_leaves_pairs_out_and_tells() -> None:
    frame = numbers()

    def slow(rows: pl.DataFrame) -> Array:
        time.sleep(0.02)
        return planted(rows)

    found = interactions(values_of(slow, frame), frame, options=InteractionOptions(seconds=0.05))
    assert 1 <= len(found.pairs) < 6
    assert "Time was up" in found.left_out[0]


def test_bad_input_is_refused() -> None:
    frame = numbers()
    model = values_of(planted, frame)
    with pytest.raises(UnknownName, match="no column 'z'"):
        interactions(model, frame, ("a", "z"))
    with pytest.raises(OptionError, match="only 'a'"):
        interactions(model, frame, ("a", "a"))
    with pytest.raises(DataError, match="20 rows"):
        interactions(model, frame[:5])
    together = FunctionPredictor(planted, describe_columns(frame), rows_together=True)
    with pytest.raises(OptionError, match="group"):
        interactions(together, frame)
    with pytest.raises(OptionError, match="2 columns"):
        InteractionOptions(columns=1)
