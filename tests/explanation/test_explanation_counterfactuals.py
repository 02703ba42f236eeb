"""Counterfactuals are minimal where the minimum is known, and keep to every rule."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from explained_functions import Array, numbers, values_of, yes_or_no

from modelwright.core import DataError, OptionError, Task, UnknownName, to_jsonable
from modelwright.explanation import (
    CounterfactualOptions,
    FunctionPredictor,
    Wish,
    describe_columns,
    find_counterfactuals,
)

PLAIN = CounterfactualOptions(seconds=None)


def options(**changes: Any) -> CounterfactualOptions:
    return CounterfactualOptions(seconds=None, **changes)


def loans(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """Whole months, an amount, a purpose, a flag and a date."""
    random = np.random.default_rng(seed)
    first = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "duration": random.integers(4, 60, rows).astype(np.float64),
            "amount": random.gamma(4.0, 800.0, rows).round(2),
            "purpose": random.choice(["car", "tv", "house"], rows, p=[0.5, 0.3, 0.2]),
            "guarantor": random.random(rows) < 0.2,
            "day": [first + timedelta(days=int(day)) for day in random.integers(0, 200, rows)],
        }
    )


def margin(rows: pl.DataFrame) -> Array:
    """The shorter, the smaller, the more guaranteed, the better."""
    purpose = np.array([{"car": 0.0, "house": 1.0}.get(level or "", -1.0) for level in rows["purpose"]])
    return np.asarray(
        3.0
        - rows["duration"].to_numpy() / 8
        - rows["amount"].to_numpy() / 3000
        + purpose
        + 2 * rows["guarantor"].to_numpy()
    )


def bad_loan(**changes: Any) -> pl.DataFrame:
    row = {
        "duration": 40.0,
        "amount": 3000.0,
        "purpose": "car",
        "guarantor": False,
        "day": datetime(2024, 3, 1),
        **changes,
    }
    return pl.DataFrame([row], schema=loans().schema)


def test_the_minimum_of_a_linear_model_is_found() -> None:
    frame = numbers(rows=500, columns="abc")
    weights = {"a": 2.0, "b": 0.5, "c": -1.0}

    def linear(rows: pl.DataFrame) -> Array:
        return np.asarray(sum(weight * rows[name].to_numpy() for name, weight in weights.items()))

    row = pl.DataFrame({"a": [-0.5], "b": [0.2], "c": [0.3]})
    gap = -linear(row)[0]
    model = yes_or_no(linear, frame)
    best = find_counterfactuals(model, row, Wish("yes"), PLAIN).answers[0]
    spreads = {column.name: column.spread or 1.0 for column in describe_columns(frame)}
    least = min(gap / abs(weight) / spreads[name] for name, weight in weights.items())
    assert [change.column for change in best.changes] == ["a"]
    assert best.distance == pytest.approx(least, abs=0.05)
    assert best.distance >= least - 1e-9
    assert best.outcome == "yes"


def test_answers_are_in_words_and_verified() -> None:
    found = find_counterfactuals(yes_or_no(margin, loans()), bad_loan(), Wish("yes"), PLAIN)
    assert found.before == "no"
    best = found.answers[0]
    # 3 - d/8 - 1 > 0 for every d below 16
    assert best.changes[0].words == "duration 40 -> 15"
    assert (best.changes[0].before, best.changes[0].after) == (40, 15)
    assert best.chance is not None
    assert best.chance > 0.5
    assert str(best).startswith("duration 40 -> 15: yes (")
    json.dumps(to_jsonable(found.to_dict()), allow_nan=False)


def test_few_changes_come_first_and_answers_differ() -> None:
    found = find_counterfactuals(yes_or_no(margin, loans()), bad_loan(duration=20.0), Wish("yes"), PLAIN)
    assert len(found.answers) == 3
    sizes = [len(answer.changes) for answer in found.answers]
    assert sizes == sorted(sizes)
    sets = [frozenset(change.column for change in answer.changes) for answer in found.answers]
    assert len(set(sets)) == 3
    assert all(answer.fulfilled for answer in found.answers)


def test_kept_columns_stay_and_others_change_together() -> None:
    rule = options(keep=("duration",), answers=1)
    row = bad_loan(duration=36.0, amount=4000.0)
    found = find_counterfactuals(yes_or_no(margin, loans()), row, Wish("yes"), rule)
    # -2.83 + 2 (guarantor) + 1 (house) is enough
    changes = {change.column: change.after for change in found.answers[0].changes}
    assert changes == {"guarantor": True, "purpose": "house"}


def test_directions_and_ranges_are_kept() -> None:
    model, row = yes_or_no(margin, loans()), bad_loan()
    found = find_counterfactuals(model, row, Wish("yes"), options(rising=("duration",), most_changes=4))
    for answer in found.answers:
        assert "duration" not in [change.column for change in answer.changes]
    ranged = options(ranges={"duration": (20.0, 50.0)})
    found = find_counterfactuals(model, row, Wish("yes"), ranged)
    assert found.answers
    for answer in found.answers:
        for change in answer.changes:
            if change.column == "duration":
                assert 20 <= change.after <= 50
    falling = find_counterfactuals(model, row, Wish("yes"), options(falling=("duration", "amount")))
    assert falling.answers[0].changes[0].words == "duration 40 -> 15"


def test_values_stay_in_the_domain_of_training() -> None:
    frame = loans()
    row = bad_loan(duration=40.0)
    found = find_counterfactuals(yes_or_no(margin, frame), row, Wish("yes"), options(answers=10))
    for answer in found.answers:
        for change in answer.changes:
            if change.column == "duration":
                assert isinstance(change.after, int)
            if change.column in ("duration", "amount"):
                assert frame[change.column].min() <= change.after <= frame[change.column].max()
            if change.column == "purpose":
                assert change.after in ("car", "tv", "house")


def test_values_are_wished_for_by_ranges_and_dates_stay_dates() -> None:
    frame = loans()

    def days(rows: pl.DataFrame) -> Array:
        return np.asarray((rows["day"] - datetime(2024, 1, 1)).dt.total_days().to_numpy(), dtype=np.float64)

    found = find_counterfactuals(values_of(days, frame), bad_loan(), Wish(low=100.0, high=120.0), PLAIN)
    assert found.before == 60.0
    assert found.answers[0].changes[0].words == "day 2024-03-01 -> 2024-04-10"
    assert found.answers[0].chance is None


def test_interplay_that_no_single_change_leads_towards_is_found() -> None:
    frame = pl.DataFrame({name: [False, True] * 20 for name in "abc"})

    def both(rows: pl.DataFrame) -> Array:
        return np.where(rows["a"].to_numpy() & rows["b"].to_numpy() & ~rows["c"].to_numpy(), 3.0, -3.0)

    row = pl.DataFrame({"a": [False], "b": [False], "c": [True]})
    found = find_counterfactuals(yes_or_no(both, frame), row, Wish("yes"), options(answers=1))
    assert {change.column for change in found.answers[0].changes} == {"a", "b", "c"}


def test_an_impossible_wish_says_how_close_it_came() -> None:
    frame = numbers()
    model = values_of(lambda rows: np.tanh(rows["a"].to_numpy()), frame)
    found = find_counterfactuals(model, frame[:1], Wish(low=5.0), PLAIN)
    assert not found.found
    assert found.closest is not None
    assert 0.9 < float(found.closest.outcome) < 1.0
    assert found.closest.changes[0].column == "a"
    assert "5 or more" in found.told[0]
    assert "The closest: a " in found.told[1]


def test_a_row_that_is_as_wished_needs_no_change() -> None:
    found = find_counterfactuals(yes_or_no(margin, loans()), bad_loan(), Wish("no"), PLAIN)
    assert not found.answers
    assert "already" in found.told[0]


def test_any_other_class_may_be_wished_for() -> None:
    frame = numbers()

    def shares(rows: pl.DataFrame) -> Array:
        scores = np.exp(np.column_stack([rows["a"], rows["b"], rows["c"]]))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    model = FunctionPredictor(shares, describe_columns(frame), Task.MULTICLASS, (1, 2, 3))
    row = pl.DataFrame({"a": [1.0], "b": [0.0], "c": [-1.0], "d": [0.0]})
    found = find_counterfactuals(model, row, Wish(), PLAIN)
    assert found.before == 1
    assert found.answers[0].outcome == 2
    third = find_counterfactuals(model, row, Wish("3"), PLAIN)
    assert third.answers[0].outcome == 3


def test_decisions_follow_the_utility_of_the_model() -> None:
    # the second class is decided for from a probability of 0.2
    frame = numbers()
    plain = yes_or_no(lambda rows: rows["a"].to_numpy(), frame)
    careful = FunctionPredictor(
        plain.function, plain.columns, plain.task, plain.classes, utility=np.diag([0.2, 0.8])
    )
    row = pl.DataFrame({"a": [-2.0], "b": [0.0], "c": [0.0], "d": [0.0]})
    after = find_counterfactuals(careful, row, Wish("yes"), PLAIN).answers[0].changes[0].after
    assert after == pytest.approx(np.log(0.25), abs=0.05)


def test_missing_values_may_be_filled_but_are_never_made() -> None:
    frame = loans()
    row = bad_loan(duration=None)

    def filled(rows: pl.DataFrame) -> Array:
        return np.where(rows["duration"].is_null().to_numpy(), -1.0, 1.0)

    found = find_counterfactuals(yes_or_no(filled, frame), row, Wish("yes"), options(answers=1))
    assert found.answers[0].changes[0].words.startswith("duration missing -> ")
    back = find_counterfactuals(yes_or_no(filled, frame), bad_loan(), Wish("no"), options(answers=1))
    assert not back.found


def test_equal_seeds_give_equal_answers() -> None:
    model, row = yes_or_no(margin, loans()), bad_loan(duration=55.0, amount=9000.0)
    first, second = (find_counterfactuals(model, row, Wish("yes"), options(seed=3)) for _ in range(2))
    assert first == second


def test_a_deadline_is_kept_and_told() -> None:
    calls: list[int] = []

    def slow(rows: pl.DataFrame) -> Array:
        time.sleep(0.05)
        calls.append(rows.height)
        return margin(rows)

    found = find_counterfactuals(
        yes_or_no(slow, loans()), bad_loan(), Wish("yes"), CounterfactualOptions(seconds=0.01)
    )
    assert len(calls) < 12
    assert any("Time was up" in sentence for sentence in found.told)


def test_bad_input_is_refused() -> None:
    frame, row = loans(), bad_loan()
    model = yes_or_no(margin, frame)
    with pytest.raises(UnknownName, match="Did you mean 'duration'"):
        find_counterfactuals(model, row, Wish("yes"), options(keep=("durations",)))
    with pytest.raises(UnknownName, match="no class 'maybe'"):
        find_counterfactuals(model, row, Wish("maybe"), PLAIN)
    with pytest.raises(OptionError, match="range of values"):
        find_counterfactuals(model, row, Wish(low=1.0), PLAIN)
    with pytest.raises(OptionError, match="No column is left"):
        find_counterfactuals(model, row, Wish("yes"), options(keep=tuple(frame.columns)))
    with pytest.raises(OptionError, match="rise"):
        find_counterfactuals(model, row, Wish("yes"), options(rising=("purpose",)))
    with pytest.raises(OptionError, match="Name it once"):
        find_counterfactuals(model, row, Wish("yes"), options(rising=("day",), falling=("day",)))
    with pytest.raises(DataError, match="one row"):
        find_counterfactuals(model, frame, Wish("yes"), PLAIN)
    values = values_of(margin, frame)
    with pytest.raises(OptionError, match="has no classes"):
        find_counterfactuals(values, row, Wish("yes"), PLAIN)
    with pytest.raises(OptionError, match="No value lies"):
        find_counterfactuals(values, row, Wish(low=2.0, high=1.0), PLAIN)
    with pytest.raises(OptionError, match="before it begins"):
        options(ranges={"duration": (5.0, 1.0)})
    several = FunctionPredictor(margin, describe_columns(frame), Task.MULTILABEL, outputs=("x", "y"))
    with pytest.raises(OptionError, match="one target"):
        find_counterfactuals(several, row, Wish("yes"), PLAIN)
    together = FunctionPredictor(margin, describe_columns(frame), rows_together=True)
    with pytest.raises(OptionError, match="group"):
        find_counterfactuals(together, row, Wish(low=1.0), PLAIN)
