"""Calibration: kept only where it helps, and never a change of ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.ensemble import Calibration, fit_calibration
from modelwright.ensemble.isotonic import fit_curve
from modelwright.metrics.classification_probabilities import area_under_roc


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


def bent(true: np.ndarray) -> np.ndarray:
    """Probabilities that no slope and shift of log-odds make true: steps with wrong heights."""
    return 0.5 * true**3 + 0.5 * (true > 0.4) * np.sqrt(true)


def test_a_curve_mends_what_two_parameters_cannot() -> None:
    true, codes = draw(12_000, seed=4)
    new_true, new_codes = draw(20_000, seed=5)
    found = fit_calibration(columns(bent(true)), codes)
    assert found is not None
    assert len(found.curves) == 1
    mended = found.apply(columns(bent(new_true)))
    plain = Calibration(found.slope, found.shift).apply(columns(bent(new_true)))
    assert np.abs(mended[:, 1] - new_true).mean() < 0.6 * np.abs(plain[:, 1] - new_true).mean()
    assert area_under_roc(new_codes == 1, mended[:, 1]) == pytest.approx(
        area_under_roc(new_codes == 1, bent(new_true)), abs=1e-9
    )
    again = Calibration.from_dict(found.to_dict())
    np.testing.assert_array_equal(again.apply(columns(bent(new_true))), mended)


def test_few_rows_get_no_curve() -> None:
    true, codes = draw(1_500, seed=4)
    found = fit_calibration(columns(bent(true)), codes)
    assert found is None or not found.curves


def test_curves_of_several_classes() -> None:
    rng = np.random.default_rng(6)
    true = rng.dirichlet(np.ones(3), 9_000)
    codes = (true.cumsum(axis=1) > rng.uniform(size=(9_000, 1))).argmax(axis=1)
    said = true.copy()
    said[:, 0] = bent(said[:, 0]) + 0.001
    said /= said.sum(axis=1, keepdims=True)
    found = fit_calibration(said[:6_000], codes[:6_000])
    assert found is not None
    assert len(found.curves) == 3
    mended = found.apply(said[6_000:])
    np.testing.assert_allclose(mended.sum(axis=1), 1)
    assert np.abs(mended - true[6_000:]).mean() < 0.8 * np.abs(said[6_000:] - true[6_000:]).mean()


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.integers(0, 10**6),
)
def test_a_fitted_curve_rises_and_stays_inside(values: list[float], seed: int) -> None:
    said = np.array(values * 5)
    rng = np.random.default_rng(seed)
    curve = fit_curve(said, rng.uniform(size=len(said)) < 0.5, rng.uniform(0.1, 2.0, len(said)))
    found = curve.apply(np.linspace(0, 1, 101))
    assert (np.diff(found) > 0).all()
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize(
    ("knots", "values"),
    [
        ([], []),
        ([0.1, 0.2], [0.5]),
        ([0.2, 0.1], [0.1, 0.2]),
        ([0.1, 0.2], [0.2, 0.1]),
        ([0.1, 1.2], [0.1, 0.2]),
        ([0.1, float("nan")], [0.1, 0.2]),
        (list(np.linspace(0, 1, 1000)), list(np.linspace(0, 1, 1000))),
    ],
)
def test_a_senseless_curve_is_refused(knots: list[float], values: list[float]) -> None:
    record = {"slope": 1.0, "shift": 0.0, "curves": [{"knots": knots, "values": values}]}
    with pytest.raises(ValueError, match="rising knots"):
        Calibration.from_dict(record)


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


@pytest.mark.parametrize("seed", range(40))
def test_probabilities_that_hardly_differ_make_a_curve(seed: int) -> None:
    """Means of equal numbers differ by their last bits, in any direction, also beyond one."""
    rng = np.random.default_rng(seed)
    levels = np.array([0.1, 1 / 3, 0.7, 1.0 - 1e-16, 1.0])
    probabilities = np.sort(rng.choice(levels, 20_000))
    mass = rng.choice([0.0, 0.1, 1.0, 3.3], 20_000)
    mass[rng.integers(0, 20_000) :][:600] = 0.0
    curve = fit_curve(probabilities, rng.random(20_000) < probabilities, mass)
    assert (np.diff(curve.knots) > 0).all()
    assert (np.diff(curve.apply(np.linspace(0, 1, 100))) >= 0).all()
