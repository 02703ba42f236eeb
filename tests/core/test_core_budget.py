"""Budgets: durations and sizes as people write them, limits of the machine, the clock."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import (
    Budget,
    BudgetTooSmall,
    OptionError,
    available_memory,
    available_threads,
    format_bytes,
    format_seconds,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("1.5m", 90.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("2m5s", 125.0),
        ("500ms", 0.5),
        ("45", 45.0),
        (" 10S ", 10.0),
        (12, 12.0),
        (0.25, 0.25),
    ],
)
def test_a_duration_is_read(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "10x",
        "-5s",
        "0",
        "0s",
        0,
        -1,
        "1h30",
        "1 2",
        float("nan"),
        float("inf"),
        None,
        True,
        [],
        "s",
        "1..5s",
    ],
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(OptionError, match="duration"):
        parse_duration(text)  # type: ignore[arg-type]


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_hours_minutes_and_seconds_add_up(hours: int, minutes: int, seconds: int) -> None:
    total = hours * 3600 + minutes * 60 + seconds
    text = f"{hours}h{minutes}m{seconds}s"
    if total == 0:
        with pytest.raises(OptionError):
            parse_duration(text)
    else:
        assert parse_duration(text) == total


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512 * 2**20),
        ("4GB", 4 * 2**30),
        ("4g", 4 * 2**30),
        ("1.5GiB", 1.5 * 2**30),
        ("1TB", 2**40),
        ("100 KB", 100 * 2**10),
        ("1000", 1000),
        ("7b", 7),
        (2048, 2048),
    ],
)
def test_a_size_is_read(text: str | int, size: float) -> None:
    assert parse_size(text) == int(size)


@pytest.mark.parametrize("text", ["", "big", "-1GB", "0", 0, -5, "1XB", float("inf"), True, None, "GB"])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(OptionError, match="size"):
        parse_size(text)  # type: ignore[arg-type]


@given(st.integers(1, 2**50))
def test_a_number_of_bytes_stays_what_it_is(size: int) -> None:
    assert parse_size(size) == size
    assert parse_size(str(size)) == size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (3600, "1 h 0 min")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 MB"), (2**20, "1 MB"), (2**30, "1.0 GB"), (1.5 * 2**30, "1.5 GB")]
)
def test_sizes_for_people(size: float, text: str) -> None:
    assert format_bytes(size) == text


def test_the_machine_has_threads_and_memory() -> None:
    assert 1 <= available_threads() <= (os.cpu_count() or 1)
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < available_memory() <= physical


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no processor affinity")
def test_threads_follow_the_affinity_of_the_process() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_absent_limits_come_from_the_machine() -> None:
    budget = Budget.of()
    assert budget.seconds == 60.0
    assert budget.threads == available_threads()
    assert budget.memory_bytes <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert not budget.reproducible


def test_given_limits_are_kept() -> None:
    budget = Budget.of("2m", "2GB", threads=3, max_trials=5)
    assert (budget.seconds, budget.memory_bytes, budget.threads, budget.max_trials) == (
        120.0,
        2 * 2**30,
        3,
        5,
    )
    assert budget.reproducible


@pytest.mark.parametrize(
    "arguments",
    [
        {"threads": 0},
        {"threads": -2},
        {"threads": 1.5},
        {"threads": True},
        {"max_trials": 0},
        {"max_trials": "7"},
        {"memory_limit": "10MB"},
        {"time_limit": "soon"},
    ],
)
def test_limits_that_make_no_sense_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(OptionError) as caught:
        Budget.of(**arguments)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2


def test_too_little_time_says_how_much_is_needed() -> None:
    with pytest.raises(BudgetTooSmall, match="at least") as caught:
        Budget.of("1s")
    assert caught.value.exit_code == 3
    assert Budget.of(caught.value.minimum_seconds).seconds == caught.value.minimum_seconds


def test_the_clock_runs_from_the_start_that_is_given() -> None:
    budget = Budget.of("60s", started=time.monotonic() - 20)
    assert budget.elapsed >= 20
    assert budget.remaining <= 40
    assert budget.deadline.remaining <= 40
    assert not budget.deadline.passed


def test_without_a_time_limit_nothing_runs_out() -> None:
    budget = Budget.of(None)
    assert budget.remaining == float("inf")
    assert budget.deadline.at is None
