"""Words that have an order come in it; all others do not."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.features.categorical import CategoricalTransformer
from modelwright.features.scales import SCALES, scale_order


@pytest.mark.parametrize(
    "ordered",
    [
        ["low", "med", "high", "vhigh"],
        ["small", "medium", "large"],
        ["never", "rarely", "sometimes", "often", "always"],
        ["poor", "fair", "good", "very good", "excellent"],
        ["none", "few", "several", "many"],
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        ["first", "second", "third"],
        ["Strongly disagree", "Disagree", "Neutral", "Agree", "STRONGLY AGREE"],
        ["very_low", "very-high"],
        ["S", "M", "L", "XL", "XXL"],
        ["unacc", "acc", "good", "vgood"],
        ["Po", "Fa", "TA", "Gd", "Ex"],
    ],
)
def test_levels_of_one_scale(ordered: list[str]) -> None:
    mixed = random.Random(1).sample(ordered, len(ordered))
    assert scale_order(mixed) == ordered


@pytest.mark.parametrize(
    "levels",
    [
        [],
        ["low"],
        ["low", "blue"],
        ["low", "Low"],
        ["low", "monday"],
        ["yes", "no"],
        ["a", "b"],
        ["low", "x" * 9999],
    ],
)
def test_levels_of_none(levels: list[str]) -> None:
    assert scale_order(levels) is None


@given(st.lists(st.text(max_size=12), unique=True, max_size=20))
def test_nothing_is_lost_or_added(levels: list[str]) -> None:
    found = scale_order(levels)
    assert found is None or sorted(found) == sorted(levels)


def test_no_scale_names_a_word_twice() -> None:
    for scale in SCALES:
        words = [word.strip() for step in scale.split(",") for word in step.split("|")]
        assert len(set(words)) == len(words), scale


def test_codes_follow_the_scale() -> None:
    frame = pl.DataFrame({"size": ["large", "small", None, "medium", "small", "large"]})
    assert CategoricalTransformer.fit(frame, ["size"]).levels["size"] == ("small", "medium", "large")
