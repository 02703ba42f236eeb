"""Stacked models: found where they pay, refused where they do not, and read back as written."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core import Deadline, FloatArray, Problem, Task
from modelwright.ensemble.stacking import Stacker, fit_stacker
from modelwright.metrics import get_metric

BINARY = Problem.of("y").resolved(Task.BINARY, "log_loss", ("no", "yes"))
REGRESSION = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())


def probabilities(scores: FloatArray) -> FloatArray:
    positive = 1 / (1 + np.exp(-scores))
    return np.column_stack([1 - positive, positive])


def binary(rows: int, seed: int, shrink: float) -> tuple[FloatArray, list[FloatArray]]:
    """Two members that know different halves of the truth, each as shy as `shrink` says."""
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(2, rows)) * 1.5
    target = (rng.random(rows) < 1 / (1 + np.exp(-(left + right)))).astype(np.int64)
    return target, [probabilities(shrink * left), probabilities(shrink * right)]


def test_members_that_know_different_parts_are_stacked() -> None:
    target, parts = binary(4_000, 0, 1.0)
    metric = get_metric("log_loss", Task.BINARY)
    stacker = fit_stacker(metric, BINARY, target, parts, [0.5, 0.5])
    assert stacker is not None
    assert min(stacker.slopes) > 0.7  # the weighted mean has 0.5 each: too shy by half
    fresh_target, fresh = binary(4_000, 1, 1.0)
    stacked, mean = stacker.combine(fresh), 0.5 * fresh[0] + 0.5 * fresh[1]
    losses = [-np.log(array[np.arange(4_000), fresh_target]).mean() for array in (stacked, mean)]
    assert losses[0] < 0.97 * losses[1]
    assert np.allclose(stacked.sum(axis=1), 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_not_stacked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, 1_000)
    parts = [probabilities(rng.normal(0, 0.05, 1_000)) for _ in range(4)]
    metric = get_metric("log_loss", Task.BINARY)
    stacker = fit_stacker(metric, BINARY, target, parts, [0.25] * 4)
    if stacker is not None:  # if luck lets one through, it must be harmless
        fresh = [probabilities(rng.normal(0, 0.05, 20_000)) for _ in range(4)]
        truth = rng.integers(0, 2, 20_000)
        loss = -np.log(stacker.combine(fresh)[np.arange(20_000), truth]).mean()
        assert loss < np.log(2) + 0.004


def test_a_mean_that_is_right_is_left_alone() -> None:
    rng = np.random.default_rng(3)
    signal = rng.normal(size=3_000)
    target = signal + rng.normal(size=3_000)
    metric = get_metric("rmse", Task.REGRESSION)
    parts = [signal + rng.normal(0, 0.02, 3_000), signal + rng.normal(0, 0.02, 3_000)]
    assert fit_stacker(metric, REGRESSION, target, parts, [0.5, 0.5]) is None


def test_weights_of_rows_count() -> None:
    rng = np.random.default_rng(4)
    signal = rng.normal(size=2_000)
    target = np.where(np.arange(2_000) < 1_000, 2 * signal, -signal)
    weights = np.where(np.arange(2_000) < 1_000, 1.0, 1e-9)
    metric = get_metric("rmse", Task.REGRESSION)
    stacker = fit_stacker(metric, REGRESSION, target, [signal, signal], [0.5, 0.5], weights)
    assert stacker is not None
    assert sum(stacker.slopes) == pytest.approx(2.0, abs=0.1)


def test_there_is_nothing_to_stack_in_one_member_few_rows_or_no_time() -> None:
    target, parts = binary(4_000, 0, 1.0)
    metric = get_metric("log_loss", Task.BINARY)
    assert fit_stacker(metric, BINARY, target, parts[:1], [1.0]) is None
    assert fit_stacker(metric, BINARY, target, parts, [0.5, 0.5], deadline=Deadline.after(0.0)) is None
    assert fit_stacker(metric, BINARY, target[:100], [part[:100] for part in parts], [0.5, 0.5]) is None


def test_a_stacker_comes_back_as_it_was_written() -> None:
    stacker = Stacker((0.7, 0.4), (0.1, -0.1))
    assert Stacker.from_dict(stacker.to_dict(), 2, 2) == stacker


@pytest.mark.parametrize(
    "record",
    [
        {"slopes": [1.0], "constants": [0.0, 0.0]},
        {"slopes": [1.0, 1.0], "constants": [0.0]},
        {"slopes": [1.0, float("nan")], "constants": [0.0, 0.0]},
        {"slopes": [1.0, 1.0], "constants": []},
    ],
)
def test_a_damaged_stacker_is_refused(record: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="stacked model"):
        Stacker.from_dict(record, 2, 2)
