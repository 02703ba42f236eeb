"""Small trained models that several tests look at (trained once)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import modelwright as mw

ROWS = 240


def table(seed: int = 0, rows: int = ROWS) -> pl.DataFrame:
    """Mixed columns; `churn` and `level` and `spend` depend on them."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 80, rows)
    plan = rng.choice(["basic", "plus", "pro"], rows)
    fee = rng.normal(40, 10, rows)
    signal = (age - 50) / 10 + 1.5 * (plan == "basic") + (fee - 40) / 10
    churn = signal + rng.logistic(0, 0.7, rows) > 0.5
    return pl.DataFrame(
        {
            "age": [None if rng.random() < 0.1 else round(float(value), 2) for value in age],
            "plan": plan,
            "fee": np.round(fee, 2),
            "joined": [f"2024-{1 + int(value) % 12:02d}-{1 + int(value) % 28:02d}" for value in age],
            "customer": [f"C{number:05d}" for number in rng.permutation(rows)],
            "churn": np.where(churn, "yes", "no"),
            "level": np.digitize(signal + rng.normal(0, 0.3, rows), [-1, 1]),
            "spend": np.round(10 * signal + rng.normal(0, 2, rows), 3),
        }
    )


def without(frame: pl.DataFrame, *kept: str) -> pl.DataFrame:
    """The features and the named targets."""
    return frame.select(["age", "plan", "fee", "joined", "customer", *kept])


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="session")
def binary(workspace: Path) -> mw.Model:
    return mw.train(
        without(table(), "churn"), "churn", max_trials=2, time_limit="10m", threads=2, workspace=workspace
    )


@pytest.fixture(scope="session")
def multiclass(workspace: Path) -> mw.Model:
    return mw.train(
        without(table(), "level"), "level", max_trials=2, time_limit="10m", threads=2, workspace=workspace
    )


@pytest.fixture(scope="session")
def regression(workspace: Path) -> mw.Model:
    return mw.train(
        without(table(), "spend"), "spend", max_trials=2, time_limit="10m", threads=2, workspace=workspace
    )
