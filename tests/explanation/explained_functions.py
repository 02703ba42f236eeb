"""Plain functions as models: what they look at is known, so explanations can be checked against it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Task
from modelwright.explanation import FunctionPredictor, describe_columns

Array = NDArray[np.float64]


def numbers(rows: int = 300, columns: str = "abcd", seed: int = 0) -> pl.DataFrame:
    """Independent standard normal columns."""
    random = np.random.default_rng(seed)
    return pl.DataFrame({name: random.normal(size=rows) for name in columns})


def values_of(function: Callable[[pl.DataFrame], Array], frame: pl.DataFrame) -> FunctionPredictor:
    """A model of values."""
    return FunctionPredictor(function, describe_columns(frame))


def yes_or_no(margin: Callable[[pl.DataFrame], Array], frame: pl.DataFrame) -> FunctionPredictor:
    """A model of two classes whose log odds of ``"yes"`` are given."""

    def shares(rows: pl.DataFrame) -> Array:
        second = 1 / (1 + np.exp(-margin(rows)))
        return np.column_stack([1 - second, second])

    return FunctionPredictor(shares, describe_columns(frame), Task.BINARY, ("no", "yes"))
