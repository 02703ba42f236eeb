"""Predictions: probabilities that are probabilities, whatever a learner says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelwright.core import Predictions

RAW = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 6), st.integers(1, 5)),
    elements=st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf]),
)


@given(RAW)
def test_probabilities_are_finite_positive_and_sum_to_one(raw: np.ndarray) -> None:
    predictions = Predictions.of_probabilities(raw)
    assert predictions.is_probabilities
    assert predictions.array.shape == raw.shape
    assert predictions.array.dtype == np.float64
    assert np.isfinite(predictions.array).all()
    assert (predictions.array >= 0).all()
    np.testing.assert_allclose(predictions.array.sum(axis=1), 1.0)


@given(hnp.arrays(np.float64, (4, 3), elements=st.floats(0.01, 1.0)))
def test_probabilities_made_twice_are_the_same(raw: np.ndarray) -> None:
    once = Predictions.of_probabilities(raw)
    np.testing.assert_allclose(Predictions.of_probabilities(once.array).array, once.array)
    # Not raw.argmax: two values a rounding apart may become one.
    np.testing.assert_allclose(np.take_along_axis(raw, once.codes[:, None], 1)[:, 0], raw.max(axis=1))


def test_the_array_of_the_learner_is_not_written_to() -> None:
    raw = np.array([[np.nan, 2.0], [0.0, 0.0]])
    raw.flags.writeable = False
    assert Predictions.of_probabilities(raw).array.tolist() == [[0.0, 1.0], [0.5, 0.5]]


def test_the_lower_code_wins_a_tie() -> None:
    codes = Predictions.of_probabilities(np.array([[0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])).codes
    assert codes.tolist() == [0, 2]
    assert codes.dtype == np.int64


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_values_are_one_column(shape: tuple[int, ...]) -> None:
    predictions = Predictions.of_values(np.arange(3, dtype=np.float32).reshape(shape))
    assert predictions.array.shape == (3,)
    assert predictions.array.dtype == np.float64
    assert not predictions.is_probabilities


def test_values_that_are_not_finite_are_kept_to_be_seen() -> None:
    assert np.isnan(Predictions.of_values(np.array([np.nan, 1.0])).array[0])


def test_some_rows_are_taken_in_the_order_asked_for() -> None:
    predictions = Predictions.of_values(np.array([10.0, 11.0, 12.0]))
    assert predictions.take(np.array([2, 0])).array.tolist() == [12.0, 10.0]
    assert predictions.take(slice(1, None)).rows == 2
