"""Learning curves: the law behind them is found again, and the answer follows from how sure it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from modelwright.core import BadInput
from modelwright.evaluation import fit_learning_curve
from modelwright.evaluation.learning_curve import fit_power_law

ROWS = np.array([100, 180, 320, 560, 1000])


def replicates(errors: np.ndarray, each: float, shared: float, seed: int = 0) -> np.ndarray:
    """Errors on resampled rows: most of what moves them moves all sizes alike."""
    random = np.random.default_rng(seed)
    together = 1 + shared * random.normal(size=(200, 1))
    return errors * together + each * random.normal(size=(200, len(errors)))


@pytest.mark.parametrize(("floor", "scale", "power"), [(0.0, 4.0, 0.5), (0.2, 30.0, 1.0), (0.05, 1.0, 0.2)])
def test_a_law_is_found_again(floor: float, scale: float, power: float) -> None:
    fit = fit_power_law(ROWS, floor + scale * ROWS.astype(float) ** -power)
    assert fit.power == pytest.approx(power, abs=1e-6)
    assert fit.floor == pytest.approx(floor, abs=1e-6)
    assert fit.error(4000) == pytest.approx(floor + scale * 4000.0**-power)


def test_neither_part_of_a_law_is_below_zero() -> None:
    rising = fit_power_law(ROWS, np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert rising.scale == 0.0
    assert rising.floor == pytest.approx(np.average([0.1, 0.2, 0.3, 0.4, 0.5], weights=ROWS))
    steep = fit_power_law(ROWS, np.array([0.9, 0.5, 0.3, 0.1, 0.01]))
    assert steep.floor >= 0.0
    assert steep.error(1e9) >= 0.0


def test_errors_of_few_rows_do_not_promise_too_much() -> None:
    # A linear model of 40 columns and noise of 2: at first there are fewer rows than columns. Twice the 300
    # rows lower the error by 4%.
    rows, errors = np.array([30, 54, 96, 168, 300]), np.array([3.845, 3.306, 2.1, 1.88, 1.892])
    fit = fit_power_law(rows, errors)
    assert 0.02 < 1 - fit.error(600) / fit.error(300) < 0.07


def test_more_rows_help_where_the_error_still_falls() -> None:
    errors = 2.0 * ROWS**-0.5
    curve = fit_learning_curve(ROWS.tolist(), errors, replicates(errors, 0.0005, 0.03), metric="rmse")
    assert curve.answer == "yes"
    assert curve.gain == pytest.approx(1 - 2**-0.5, abs=0.01)
    assert curve.gain_low < curve.gain <= curve.gain_high
    assert [each.rows for each in curve.expected] == [2000, 4000, 10_000]
    assert curve.expected[1].error == pytest.approx(2.0 * 4000**-0.5, rel=0.05)
    assert "More rows would help: twice the 1,000 rows" in curve.sentence
    assert len(json.dumps(curve.to_dict(), allow_nan=False)) < 4000


def test_more_rows_do_not_help_where_it_is_flat() -> None:
    errors = 0.3 + 50.0 * ROWS.astype(float) ** -2
    curve = fit_learning_curve(ROWS.tolist(), errors, replicates(errors, 0.0003, 0.03))
    assert curve.answer == "no"
    assert "hardly help" in curve.sentence


def test_a_little_is_told_from_much() -> None:
    errors = 0.3 + 0.6 * ROWS**-0.5
    curve = fit_learning_curve(ROWS.tolist(), errors, replicates(errors, 0.0002, 0.03))
    assert 0.01 < curve.gain < 0.02
    assert curve.answer == "a little"


def test_noise_makes_it_unclear() -> None:
    errors = 0.3 + 0.5 * ROWS**-0.5
    curve = fit_learning_curve(ROWS.tolist(), errors, replicates(errors, 0.03, 0.03))
    assert curve.answer == "unclear"
    assert "cannot be said" in curve.sentence


def test_what_is_no_curve_is_refused() -> None:
    with pytest.raises(BadInput, match="3 ascending"):
        fit_learning_curve([100, 200], [0.2, 0.1], np.ones((50, 2)))
    with pytest.raises(BadInput, match="3 ascending"):
        fit_learning_curve([100, 100, 200], [0.2, 0.2, 0.1], np.ones((50, 3)))
    with pytest.raises(BadInput, match="10 defined resamples"):
        fit_learning_curve([100, 200, 300], [0.3, 0.2, 0.1], np.full((50, 3), np.nan))
