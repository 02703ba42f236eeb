"""Intervals of rates, their differences and ratios: against published numbers, and how often they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modelwright.evaluation.rates import (
    UNKNOWN,
    Figure,
    adjusted,
    chance_of_means,
    chance_of_rates,
    difference,
    mean_of,
    needed_rows,
    rate_of,
    ratio,
)


def rate(hits: int, rows: int) -> Figure:
    return rate_of(np.arange(rows) < hits)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # Newcombe, 1998, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0000),
    ],
)
def test_differences_are_those_that_were_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = difference(rate(*first), rate(*second))
    assert found.low == pytest.approx(low, abs=6e-5)
    assert found.high == pytest.approx(high, abs=6e-5)


def test_a_rate_of_nothing_is_unknown_and_stays_so() -> None:
    assert rate_of(np.zeros(0, np.bool_)) == UNKNOWN
    assert not difference(UNKNOWN, rate(1, 2)).is_known
    assert not ratio(rate(0, 9), rate(0, 9)).is_known
    assert math.isnan(chance_of_rates(UNKNOWN, rate(1, 2)))


def test_a_ratio_to_a_rate_that_may_be_zero_has_no_upper_end() -> None:
    found = ratio(rate(5, 20), rate(0, 20))
    assert found.high == math.inf
    assert found.low > 0
    assert ratio(rate(0, 20), rate(10, 20)).low == 0


def test_equal_weights_change_nothing_and_unequal_ones_widen() -> None:
    events = np.arange(200) < 60
    plain, same = rate_of(events), rate_of(events, np.full(200, 3.0))
    assert same.low == pytest.approx(plain.low)
    assert same.rows == pytest.approx(200)
    uneven = rate_of(events, np.tile([1.0, 9.0], 100))
    assert uneven.rows == pytest.approx(1000**2 / (100 + 100 * 81))
    assert uneven.high - uneven.low > plain.high - plain.low


def test_rows_of_weight_zero_count_for_nothing() -> None:
    events = np.array([True, False, True, True])
    weights = np.array([1.0, 1.0, 0.0, 0.0])
    assert rate_of(events, weights) == rate_of(events[:2])
    assert rate_of(events, np.zeros(4)) == UNKNOWN


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.4), (0.1, 0.1), (0.95, 0.8)])
@pytest.mark.parametrize("rows", [60, 400])
def test_intervals_cover_as_often_as_they_say(first: float, second: float, rows: int) -> None:
    rng = np.random.default_rng(1)
    covered = np.zeros(2)
    draws = 600
    for hits, others in zip(rng.binomial(rows, first, draws), rng.binomial(rows, second, draws), strict=True):
        one, other = rate(int(hits), rows), rate(int(others), rows)
        apart, quotient = difference(one, other), ratio(one, other)
        covered[0] += apart.low <= first - second <= apart.high
        covered[1] += quotient.low <= first / second <= quotient.high
    assert ((covered / draws > 0.925) & (covered / draws < 0.985)).all(), covered / draws


def test_means_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    covered = sum(
        found.low <= 1.0 <= found.high for found in (mean_of(rng.exponential(1.0, 200)) for _ in range(500))
    )
    assert 0.92 < covered / 500 < 0.98


def test_chances_of_equal_rates_are_small_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    hits = rng.binomial(300, 0.3, (800, 2))
    chances = np.array([chance_of_rates(rate(int(a), 300), rate(int(b), 300)) for a, b in hits])
    assert 0.03 < (chances <= 0.05).mean() < 0.07
    values = [(mean_of(rng.normal(size=80)), mean_of(rng.normal(size=120))) for _ in range(800)]
    chances = np.array([chance_of_means(*pair) for pair in values])
    assert 0.025 < (chances <= 0.05).mean() < 0.07


def test_small_groups_are_judged_by_an_exact_test() -> None:
    from scipy.stats import fisher_exact

    assert chance_of_rates(rate(3, 6), rate(5, 200)) == pytest.approx(fisher_exact([[3, 3], [5, 195]]).pvalue)


def test_adjusted_chances_are_those_of_scipy() -> None:
    from scipy.stats import false_discovery_control

    given = np.random.default_rng(0).random(20) ** 3
    assert adjusted(given.tolist()) == pytest.approx(false_discovery_control(given).tolist())
    assert adjusted([]) == []


def test_power_is_what_a_simulation_says() -> None:
    rows = needed_rows(0.5, 0.4)
    assert 380 <= rows <= 395
    assert 3150 <= needed_rows(0.1, 0.08) <= 3250
    rng = np.random.default_rng(4)
    first, second = rng.binomial(rows, 0.5, 1500), rng.binomial(rows, 0.4, 1500)
    seen = [chance_of_rates(rate(int(a), rows), rate(int(b), rows)) <= 0.05 for a, b in zip(first, second)]
    assert 0.76 < np.mean(seen) < 0.84


def test_a_figure_comes_back_from_its_record() -> None:
    found = rate(30, 90)
    again = Figure.from_dict(found.to_dict())
    assert again.value == pytest.approx(found.value, rel=1e-5)
    with pytest.raises((TypeError, ValueError)):
        Figure.from_dict({"value": "much", "low": None, "high": None, "rows": 1})
