"""Seeds: one for each decision, whatever the order in which decisions are made."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import derive_seed, generator

PARTS = st.lists(st.text(max_size=5) | st.integers(), max_size=4)


@given(st.integers(0, 2**63), PARTS)
def test_a_seed_is_one_that_every_library_accepts(seed: int, parts: list[object]) -> None:
    derived = derive_seed(seed, *parts)
    assert 0 <= derived < 2**31 - 1
    assert derived == derive_seed(seed, *parts)


def test_seeds_of_different_decisions_differ() -> None:
    seeds = {
        derive_seed(run, "trial", trial, "fold", fold)
        for run in range(5)
        for trial in range(40)
        for fold in range(5)
    }
    assert len(seeds) == 1000


def test_a_name_is_not_the_run_of_its_parts() -> None:
    assert derive_seed(0, "ab", "c") != derive_seed(0, "a", "bc")
    assert derive_seed(0, "a") != derive_seed(0, "a", "")


def test_seeds_do_not_change_between_versions() -> None:
    # A resumed run or a replay made with an older version must draw the same numbers.
    assert derive_seed(0, "trial", 1) == 1495634289


def test_generators_of_one_decision_draw_the_same() -> None:
    one, other = generator(3, "fold", 1), generator(3, "fold", 1)
    assert np.array_equal(one.random(5), other.random(5))
    assert not np.array_equal(generator(3, "fold", 1).random(5), generator(3, "fold", 2).random(5))
