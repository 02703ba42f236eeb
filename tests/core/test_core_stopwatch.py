"""Processor time by stage: stages within stages count once, whatever happens in them."""

import time

import pytest

from modelwright.core import Stopwatch


def work(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_time_counts_for_the_innermost_stage_alone() -> None:
    clock, began = Stopwatch(), time.process_time()
    with clock("outer"):
        with clock("inner"):
            work(0.03)
        with clock("inner"):
            work(0.01)
    assert clock.seconds["inner"] >= 0.04
    assert sum(clock.seconds.values()) <= time.process_time() - began
    assert clock.seconds["outer"] < 0.04


def test_waiting_takes_no_processor_time() -> None:
    clock = Stopwatch()
    with clock("waiting"):
        time.sleep(0.05)
    assert clock.seconds["waiting"] < 0.04


def test_a_stage_that_fails_ends_and_the_one_around_goes_on() -> None:
    clock = Stopwatch()
    with clock("outer"):
        with pytest.raises(ValueError, match="no"), clock("inner"):
            raise ValueError("no")
        before = dict(clock.seconds)
        work(0.01)
    assert clock.seconds["inner"] == before["inner"]
    assert clock.seconds["outer"] >= 0.01


def test_stages_may_follow_each_other_without_a_block() -> None:
    clock = Stopwatch()
    clock.enter("first")
    work(0.01)
    clock.enter("second")
    clock.enter(None)
    work(0.01)
    clock.enter(None)
    assert list(clock.seconds) == ["first", "second"]
    assert clock.seconds["second"] < 0.01
