"""Views: one block of numbers, one of codes, each column traceable to its source."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import FeatureInfo, View, ViewInfo

FEATURES = st.builds(
    FeatureInfo,
    name=st.text(max_size=6),
    source=st.text(max_size=6),
    transform=st.sampled_from(["value", "codes", "weekday"]),
    levels=st.integers(0, 50),
)
INFOS = st.builds(
    lambda numeric, categorical: ViewInfo(tuple(numeric), tuple(categorical)),
    st.lists(FEATURES, max_size=4),
    st.lists(FEATURES, max_size=4),
)


def small_view() -> View:
    """Four rows, two numbers, one category of three codes."""
    info = ViewInfo(
        (FeatureInfo("a", "a", "value"), FeatureInfo("d.weekday", "d", "weekday")),
        (FeatureInfo("c", "c", "codes", 3),),
    )
    numeric = np.array([[1, 2], [3, np.nan], [5, 6], [np.nan, np.nan]], np.float32)
    return View(numeric, np.array([[0], [1], [2], [1]], np.int32), info)


@given(INFOS)
def test_the_columns_survive_their_record(info: ViewInfo) -> None:
    assert ViewInfo.from_dict(json.loads(json.dumps(info.to_dict()))) == info
    assert info.cardinalities == tuple(feature.levels for feature in info.categorical)


def test_the_shape_counts_rows_columns_levels_and_missing_cells() -> None:
    shape = small_view().shape(outputs=2)
    assert (shape.rows, shape.numeric, shape.categorical, shape.columns) == (4, 2, 1, 3)
    assert (shape.levels, shape.outputs) == (3, 2)
    assert shape.missing == 3 / 8


def test_a_view_without_numbers_misses_nothing() -> None:
    view = View(np.zeros((3, 0), np.float32), np.zeros((3, 0), np.int32), ViewInfo((), ()))
    assert view.shape(1).missing == 0.0
    assert view.rows == 3


def test_taken_rows_keep_both_blocks_together() -> None:
    view = small_view().take(np.array([2, 0]))
    assert view.numeric[:, 0].tolist() == [5.0, 1.0]
    assert view.categorical[:, 0].tolist() == [2, 0]
    assert view.info == small_view().info


def test_a_slice_is_no_copy_and_read_only_blocks_are_fine() -> None:
    view = small_view()
    view.numeric.flags.writeable = False
    part = view.take(slice(1, 3))
    assert np.shares_memory(part.numeric, view.numeric)
    assert part.rows == 2
