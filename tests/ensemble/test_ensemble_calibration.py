"""Calibration: kept only where it helps, and never a change of ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.ensemble import Calibration, fit_calibration


def draw(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.beta(0.7, 1.3, rows)
    return true, (rng.uniform(size=rows) < true).astype(np.int64)


def columns(positive: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - positive, positive])


def test_shy_probabilities_become_true_ones() -> None:
    true, codes = draw(8000)
    odds = np.log(true / (1 - true))
    shy = columns(1 / (1 + np.exp(-(0.3 * odds - 1.5))))
    found = fit_calibration(shy, codes)
    assert found is not None
    assert found.slope == pytest.approx(1 / 0.3, rel=0.15)
    mended = found.apply(shy)[:, 1]
    assert np.abs(mended - true).mean() < 0.02
    assert ((mended > 0.5) == codes).mean() > ((shy[:, 1] > 0.5) == codes).mean() + 0.05


def test_true_probabilities_are_left_alone() -> None:
    true, codes = draw(8000, seed=1)
    assert fit_calibration(columns(true), codes) is None


def test_overconfident_classes_are_cooled_down() -> None:
    rng = np.random.default_rng(2)
    true = rng.dirichlet(np.ones(4), 4000)
    codes = np.array([rng.choice(4, p=row) for row in true])
    hot = true**3 / (true**3).sum(axis=1, keepdims=True)
    found = fit_calibration(hot, codes)
    assert found is not None
    assert found.slope == pytest.approx(1 / 3, rel=0.15)
    assert found.shift == 0.0


def test_few_rows_of_a_class_tell_nothing() -> None:
    codes = np.zeros(500, dtype=np.int64)
    codes[:49] = 1
    assert fit_calibration(columns(np.full(500, 0.9)), codes) is None


def test_heavy_rows_decide() -> None:
    true, codes = draw(4000, seed=3)
    wrong = columns(np.clip(1 - true, 0.01, 0.99))
    mass = np.where(np.arange(4000) % 4 < 2, 1e-9, 1.0)
    mixed = np.where((mass < 0.5)[:, None], wrong, columns(true))
    assert fit_calibration(mixed, codes, mass) is None
    assert fit_calibration(mixed, codes) is not None


@given(
    st.lists(st.floats(0.001, 0.999), min_size=2, max_size=30),
    st.floats(0.1, 10.0),
    st.floats(-5.0, 5.0),
)
def test_no_ranking_changes_and_rows_sum_to_one(values: list[float], slope: float, shift: float) -> None:
    raw = columns(np.array(values))
    mended = Calibration(slope, shift).apply(raw)
    order = np.argsort(raw[:, 1], kind="stable")
    assert (np.diff(mended[order, 1]) >= -1e-12).all()
    np.testing.assert_allclose(mended.sum(axis=1), 1)


@pytest.mark.parametrize("record", [{"slope": 0, "shift": 0}, {"slope": float("nan"), "shift": 0}])
def test_a_senseless_record_is_refused(record: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive slope"):
        Calibration.from_dict(record)
