"""Leaks of several columns together, cuts of the target, and values of one class: found, and not imagined."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelwright.core import Column, Finding, Kind, Problem, Schema, Task
from modelwright.validation import find_leaks

ROWS = 1500


def _find(frame: pl.DataFrame, target: np.ndarray, classes: int = 0) -> list[Finding]:
    schema = Schema(
        tuple(
            Column(name, Kind.NUMERIC if dtype.is_numeric() else Kind.CATEGORICAL)
            for name, dtype in frame.schema.items()
        )
    )
    task = Task.MULTICLASS if classes > 2 else Task.BINARY if classes else Task.REGRESSION
    problem = Problem.of("y").resolved(task, "auto", tuple(f"class {code}" for code in range(classes)))
    return find_leaks(frame, schema, problem, target, seed=0)


def _excluded(frame: pl.DataFrame, target: np.ndarray, classes: int = 0) -> set[str | None]:
    return {finding.column for finding in _find(frame, target, classes) if finding.severity == "excluded"}


def _values(seed: int = 0) -> tuple[np.random.Generator, dict[str, np.ndarray]]:
    """An honest column that predicts, and noise."""
    random = np.random.default_rng(seed)
    columns = {"noise": random.normal(size=ROWS), "size": random.gamma(3, 10, ROWS)}
    return random, columns


def test_parts_of_a_whole_are_all_excluded():
    random, columns = _values()
    a, b = random.poisson(columns["size"]), random.poisson(columns["size"] / 4)
    frame = pl.DataFrame({**columns, "casual": a, "registered": b})
    found = [finding for finding in _find(frame, (a + b).astype(float)) if finding.severity == "excluded"]
    assert {finding.column for finding in found} == {"casual", "registered"}
    assert all("'y' = 'casual' + 'registered'" in finding.message for finding in found)
    assert all(finding.evidence["columns"] == ["casual", "registered"] for finding in found)
    assert found[0].evidence["examples"][0].keys() == {"casual", "registered", "y"}
    assert found[0].action.endswith(f"--keep {found[0].column}.")


def test_a_few_wrong_and_missing_rows_hide_nothing():
    random, columns = _values()
    a, b = random.gamma(2, 10, ROWS), random.gamma(2, 5, ROWS)
    wrong = random.random(ROWS) < 0.003
    target = np.where(wrong, 500.0, a + b)
    columns["gaps"] = np.where(random.random(ROWS) < 0.05, np.nan, a)
    columns["size"] = a + b + random.normal(0, 20, ROWS)
    frame = pl.DataFrame({**columns, "b": b}, nan_to_null=True)
    assert wrong.any()
    assert _excluded(frame, target) == {"gaps", "b"}


def test_of_a_total_only_the_total_is_excluded():
    random, columns = _values()
    fare = (columns["size"] * random.uniform(0.7, 1.3, ROWS)).round(2) + 3
    tip, tolls = random.gamma(1, 3, ROWS).round(2), np.where(random.random(ROWS) < 0.1, 6.12, 0)
    fees = random.choice([0.8, 1.3, 3.3, 3.8], ROWS)
    exact = pl.DataFrame({**columns, "tip": tip, "tolls": tolls, "total": fare + tip + tolls})
    assert _excluded(exact, fare) == {"total"}
    assert _excluded(exact.with_columns(pl.Series("total", fare + tip + tolls + fees)), fare) == {"total"}
    noisy = exact.with_columns(pl.Series("total", fare + tip + tolls + random.normal(0, 2, ROWS).round(2)))
    assert _excluded(noisy, fare) == set()


def test_whole_numbers_that_differ_by_a_few_are_no_identity():
    random, columns = _values()
    before = random.integers(0, 100, ROWS)
    after = random.integers(0, 100, ROWS)
    target = (before - after + random.integers(-3, 4, ROWS)).astype(float)
    frame = pl.DataFrame(
        {**columns, "before": before, "after": after, "hint": target + random.normal(0, 60, ROWS)}
    )
    assert _excluded(frame, target) == set()


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b, c: a - b,
        lambda a, b, c: 0.4 * a + 0.6 * b,
        lambda a, b, c: a + b - c + 5,
        lambda a, b, c: a * b,
        lambda a, b, c: a / b,
        lambda a, b, c: a * b / c,
        lambda a, b, c: a / b**2,
        lambda a, b, c: np.log1p(a / b),
    ],
    ids=["difference", "mean", "three", "product", "ratio", "formula", "index", "curve"],
)
def test_arithmetic_is_found_and_noise_on_it_is_not(make):
    random, columns = _values(1)
    a, b, c = (random.uniform(10, 50, ROWS).round(2) for _ in range(3))
    target = make(a, b, c)
    columns["size"] = target * random.normal(1, 0.5, ROWS)
    frame = pl.DataFrame({**columns, "a": a, "b": b, "c": c})
    found = _excluded(frame, target)
    assert found
    assert found <= {"a", "b", "c"}
    # a law of physics, measured with an error of 3%, is no leak
    measured = target + 0.03 * target.std() * random.normal(size=ROWS)
    assert _excluded(frame, measured) == set()


def test_products_of_numbers_of_any_sign_are_found():
    random, columns = _values(1)
    a, b = random.normal(size=ROWS), random.normal(size=ROWS)
    target = a * b + 3
    frame = pl.DataFrame({**columns, "a": a, "b": b, "hint": target + random.normal(size=ROWS)})
    assert len(_excluded(frame, target) & {"a", "b"}) == 1
    assert _excluded(frame, target + 0.1 * random.normal(size=ROWS)) == set()


def test_a_formula_that_differs_by_category_is_found():
    random, columns = _values(2)
    rate = random.choice(np.linspace(0.05, 0.3, 40), ROWS)
    term = random.choice([36, 60], ROWS)
    loan = random.integers(10, 400, ROWS) * 100.0
    monthly = (loan * (rate / 12) / (1 - (1 + rate / 12) ** -term)).round(2)
    columns["size"] = rate * random.normal(1, 0.5, ROWS)
    frame = pl.DataFrame({**columns, "loan": loan, "monthly": monthly, "term": term})
    found = [finding for finding in _find(frame, rate) if finding.severity == "excluded"]
    assert [finding.evidence["kind"] for finding in found] == ["formula"]
    assert {"loan", "monthly", "term"} == set(found[0].evidence["columns"])
    frame = frame.with_columns(pl.Series("monthly", monthly * random.normal(1, 0.05, ROWS)))
    assert _excluded(frame, rate) == set()


def test_one_huge_value_makes_no_identity():
    random, columns = _values(3)
    a, b = random.normal(size=ROWS), random.normal(size=ROWS)
    target = a + b + random.normal(size=ROWS)
    a[:40], target[:40] = 1e6 * np.arange(40), 1e6 * np.arange(40)
    assert _excluded(pl.DataFrame({**columns, "a": a, "b": b}), target) == set()


@pytest.mark.parametrize(
    "cut",
    [
        lambda y: np.digitize(y, np.quantile(y, [0.3, 0.6, 0.9])).astype(float),
        lambda y: np.array(["low", "middle", "high"])[np.digitize(y, [20, 40])],
        lambda y: (y > 50).astype(int),
        lambda y: np.array([f"g{(7 * v) % 31}" for v in (y // 10).astype(int)]),
    ],
    ids=["quarters", "names", "flag", "shuffled codes"],
)
def test_cuts_of_a_value_are_excluded_and_honest_bands_are_not(cut):
    random, columns = _values(4)
    target = columns["size"] * random.uniform(0.5, 1.5, ROWS)
    assert _excluded(pl.DataFrame({**columns, "cut": cut(target)}), target) == {"cut"}
    # bands of what causes the target, and a cut that one row in twenty contradicts
    assert _excluded(pl.DataFrame({**columns, "cut": cut(columns["size"])}), target) == set()
    mixed = np.where(random.random(ROWS) < 0.05, random.permutation(target), target)
    assert _excluded(pl.DataFrame({**columns, "cut": cut(mixed)}), target) == set()


def _categories(seed: int = 0) -> tuple[np.random.Generator, np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    target = random.integers(0, 8, ROWS)
    honest = {f"m{i}": target * random.normal() + 4 * random.normal(size=ROWS) for i in range(4)}
    return random, target, {**honest, "hint": target + 2 * random.normal(size=ROWS)}


def test_parts_of_a_class_are_excluded_together():
    random, target, columns = _categories()
    parts = {
        "genotype": np.where(target & 1, "control", "ts65"),
        "treatment": np.where(target & 2, "saline", "drug"),
        "behaviour": np.where(target & 4, "c/s", "s/c"),
    }
    frame = pl.DataFrame({**columns, **parts})
    found = [finding for finding in _find(frame, target, 8) if finding.severity == "excluded"]
    assert {finding.column for finding in found} == set(parts)
    assert found[0].evidence["errors"] == 0
    assert found[0].evidence["chance_errors"] > 0.5
    assert "together determine 'y'" in found[0].message
    # two of the three do not determine it, nor do all three when one is wrong in 3% of the rows
    assert _excluded(frame.drop("treatment"), target, 8) == set()
    wrong = random.random(ROWS) < 0.03
    spoiled = np.where(wrong, "saline", parts["treatment"])
    assert _excluded(frame.with_columns(pl.Series("treatment", spoiled)), target, 8) == set()


def test_of_a_pair_that_is_no_part_one_is_excluded():
    random, _, columns = _categories()
    a, b = random.integers(0, 3, ROWS), random.integers(0, 4, ROWS)
    target = ((a + b) % 2).astype(np.int64)
    columns["hint"] = target + random.normal(size=ROWS)
    frame = pl.DataFrame({**columns, "a": a.astype(str), "b": b.astype(float)})
    found = [finding for finding in _find(frame, target, 2) if finding.severity == "excluded"]
    assert len(found) == 1
    assert set(found[0].evidence["columns"]) == {"a", "b"}


@pytest.mark.parametrize(("rows", "positives"), [(40, 0.1), (40, 0.5), (80, 0.1), (300, 0.05), (1500, 0.5)])
def test_chance_makes_no_combination(rows, positives):
    for seed in range(2):
        random = np.random.default_rng(seed)
        target = (np.arange(rows) < max(3, positives * rows)).astype(np.int64)
        random.shuffle(target)
        few = {f"b{i}": random.integers(0, 2, rows).astype(str) for i in range(25)}
        rare = {f"r{i}": (random.random(rows) < 0.1).astype(float) for i in range(15)}
        many = {f"c{i}": random.integers(0, max(rows // 3, 2), rows).astype(str) for i in range(10)}
        hint = {"hint": target + random.normal(size=rows)}
        assert _excluded(pl.DataFrame({**few, **rare, **many, **hint}), target, 2) == set()


def test_columns_of_many_values_do_not_determine_together():
    random, target, columns = _categories(5)
    zone = random.integers(0, 30, ROWS)
    frame = pl.DataFrame(
        {**columns, "from": zone.astype(str), "to": random.integers(0, 28, ROWS).astype(str)}
    ).with_columns(pl.Series("family", [f"f{code * 90 + i % 90}" for i, code in enumerate(target)]))
    assert _excluded(frame, target, 8) == set()


def test_values_of_one_class_are_counted_and_compared_with_chance():
    random = np.random.default_rng(6)
    target = (random.random(ROWS) < 0.2).astype(np.int64)
    status = np.where(target & (random.random(ROWS) < 0.3), "closed", random.choice(["open", "new"], ROWS))
    amount = np.where(target & (random.random(ROWS) < 0.3), np.nan, random.normal(size=ROWS))
    frame = pl.DataFrame(
        {"age": target + random.normal(size=ROWS), "status": status, "amount": amount}, nan_to_null=True
    )
    found = {
        finding.column: finding for finding in _find(frame, target, 2) if finding.check == "one_class_level"
    }
    assert set(found) == {"status", "amount"}
    (level,) = found["status"].evidence["levels"]
    assert (level["value"], level["class"]) == ("closed", "class 1")
    assert level["rows"] == int((status == "closed").sum())
    assert level["chance"] < 1e-6
    assert found["amount"].evidence["levels"][0]["value"] is None
    assert {finding.severity for finding in found.values()} == {"warning"}


def test_few_rows_and_common_classes_are_no_evidence():
    random = np.random.default_rng(7)
    target = (random.random(ROWS) < 0.2).astype(np.int64)
    rare = np.where(np.cumsum(target) * target <= 8, np.where(target, "closed", "open"), "open")
    common = np.where((target == 0) & (random.random(ROWS) < 0.1), "old", "open")
    gaps = np.where(random.random(ROWS) < 0.1, np.nan, random.normal(size=ROWS))
    frame = pl.DataFrame({"rare": rare, "common": common, "gaps": gaps}, nan_to_null=True)
    assert "one_class_level" not in {finding.check for finding in _find(frame, target, 2)}
