"""Weak slices: planted ones are found in words, noise has none, and none is told twice."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from modelwright.core import BadInput
from modelwright.evaluation import find_slices
from modelwright.evaluation.slice_columns import divided
from modelwright.evaluation.slice_tests import adjusted, compare_sums, sums_of


def table(rows: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    first = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "age": random.uniform(18, 80, rows),
            "plan": random.choice(["basic", "plus", "pro", "team"], rows),
            "paid": [None if value < 0.1 else value > 0.5 for value in random.random(rows).tolist()],
            "signup": [first + timedelta(days=int(day)) for day in random.integers(0, 365, rows)],
            "note": [f"a note of its own, number {number}" for number in range(rows)],
        }
    )


def losses(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, 7]).exponential(size=rows)


def test_a_planted_pair_is_found_and_told_once() -> None:
    frame = table(4000)
    bad = ((frame["plan"] == "basic") & (frame["age"] >= 65)).to_numpy()
    report = find_slices(losses(4000) + 1.2 * bad, frame, loss_name="mean loss")
    (found,) = report.slices
    assert set(found.columns) == {"plan", "age"}
    assert "plan is 'basic'" in found.words
    assert "on" in found.words.split("age from ")[1]
    assert found.elsewhere == pytest.approx(1.0, abs=0.08)
    assert found.low < found.loss < found.high
    assert found.loss > 1.6
    assert found.p < 1e-6
    assert f"{found.rows:,} rows" in report.sentence
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["slices"][0]["words"] == found.words


def test_a_planted_level_is_told_without_its_parts() -> None:
    frame = table(2000, seed=1)
    report = find_slices(losses(2000, 1) * np.where(frame["plan"] == "pro", 2.5, 1.0), frame)
    assert [found.words for found in report.slices] == ["plan is 'pro'"]
    (found,) = report.slices
    assert found.excess == pytest.approx(found.share * (found.loss - found.elsewhere) / report.loss)


def test_a_run_of_a_number_is_told_as_one_range() -> None:
    frame = table(4000, seed=2)
    edges = frame["age"].quantile(0.5), frame["age"].quantile(0.75)
    bad = ((frame["age"] >= edges[0]) & (frame["age"] < edges[1])).to_numpy()
    (found,) = find_slices(losses(4000, 2) + 1.0 * bad, frame).slices
    assert found.words.startswith("age from")
    assert found.share == pytest.approx(0.25, abs=0.05)


def test_two_planted_slices_are_both_told() -> None:
    frame = table(4000, seed=3)
    extra = 1.5 * (frame["plan"] == "team").to_numpy() + 1.5 * frame["paid"].is_null().to_numpy()
    found = [each.words for each in find_slices(losses(4000, 3) + extra, frame).slices]
    assert set(found) == {"plan is 'team'", "paid is missing"}


def test_dates_are_ranges_too() -> None:
    frame = table(3000, seed=4)
    bad = (frame["signup"] >= datetime(2024, 10, 1)).to_numpy()
    (found,) = find_slices(losses(3000, 4) + 1.5 * bad, frame).slices
    assert found.words.startswith("signup from 2024-")
    assert found.words.endswith(" on")


def test_noise_has_no_slices() -> None:
    told = [len(find_slices(losses(800, seed), table(800, seed)).slices) for seed in range(40)]
    # 5% of such reports may tell one; of 40 more than 6 would happen once in a thousand times.
    assert sum(count > 0 for count in told) <= 6


def test_noise_of_groups_is_no_slice_though_it_looks_like_one() -> None:
    rows, groups = 1200, 60
    found = {"alone": 0, "together": 0}
    for seed in range(8):
        random = np.random.default_rng(seed)
        codes = np.repeat(np.arange(groups), rows // groups)
        frame = pl.DataFrame({"region": [f"r{code % 6}" for code in codes], "x": random.normal(size=rows)})
        lost = random.exponential(size=rows) * 0.3 + random.exponential(size=groups)[codes]
        found["alone"] += bool(find_slices(lost, frame).slices)
        found["together"] += bool(find_slices(lost, frame, groups=codes).slices)
    assert found["alone"] >= 5
    assert found["together"] <= 2


def test_weights_count_like_rows() -> None:
    frame = table(1500, seed=5)
    lost = losses(1500, 5) + 1.0 * (frame["plan"] == "plus").to_numpy()
    weights = np.where(frame["plan"] == "plus", 0.0, 1.0)
    assert find_slices(lost, frame).slices
    assert not find_slices(lost, frame, weights=weights).slices


def test_very_many_rows_are_sampled() -> None:
    frame = table(60_000, seed=6).select("age", "plan")
    report = find_slices(losses(60_000, 6) + 0.5 * (frame["plan"] == "pro").to_numpy(), frame)
    assert report.rows == 50_000
    assert [found.words for found in report.slices] == ["plan is 'pro'"]


def test_too_few_rows_tell_nothing_and_bad_ones_are_refused() -> None:
    report = find_slices(losses(40), table(40))
    assert (report.slices, report.tested) == ((), 0)
    assert "No slice" in report.sentence
    with pytest.raises(BadInput, match="one finite loss"):
        find_slices(np.array([1.0, np.nan]), table(2))


def test_columns_are_cut_by_themselves_alone() -> None:
    frame = table(400, seed=8)
    age = divided(frame["age"], "age", 30)
    assert age is not None
    assert age.members.shape == (8 * 9 // 2 - 1, 9)
    counts = np.bincount(age.cells, minlength=9)
    assert counts[:8].min() >= 49
    assert age.rows_of(0).sum() == counts[0]
    paid = divided(frame["paid"], "paid", 30)
    assert paid is not None
    assert set(paid.words) == {"paid is 'true'", "paid is 'false'", "paid is missing"}
    assert divided(frame["note"], "note", 30) is None
    assert divided(pl.Series([5.0] * 50), "same", 30) is None
    assert divided(pl.Series([["a"], ["b"]] * 30), "lists", 30) is None


def test_welch_is_that_of_scipy() -> None:
    from scipy import stats

    random = np.random.default_rng(9)
    one, other = random.normal(0.4, 2, 40), random.normal(0, 1, 90)
    found = compare_sums(*(sums_of(part, np.ones(len(part))).sum(axis=1) for part in (one, other)))
    expected = stats.ttest_ind(one, other, equal_var=False, alternative="greater")
    assert float(found.t) == pytest.approx(expected.statistic)
    assert float(found.p) == pytest.approx(expected.pvalue)


def test_benjamini_hochberg_is_that_of_scipy() -> None:
    from scipy import stats

    p = np.random.default_rng(10).random(50) ** 3
    assert adjusted(list(p), 50) == pytest.approx(stats.false_discovery_control(p))
    candidates = p[p <= 0.05]  # those above the level are never needed to find what is significant
    told = (adjusted(list(candidates), 50) <= 0.05).sum()
    assert 0 < told == (stats.false_discovery_control(p) <= 0.05).sum()
