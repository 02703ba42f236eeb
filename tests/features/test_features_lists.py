"""Cells with several values, and places."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from modelwright.core import BundleError, SchemaMismatch
from modelwright.features import Transformer
from modelwright.features.coordinates import CoordinatesTransformer
from modelwright.features.lists import MAX_ITEMS, ListTransformer


def written(transformer: Transformer, frame: pl.DataFrame) -> dict[str, np.ndarray]:
    out = np.empty((frame.height, len(transformer.features)), np.float32)
    transformer.transform(frame, out)
    return {each.name: out[:, place] for place, each in enumerate(transformer.features)}


def test_flags_of_frequent_items() -> None:
    tags = [["red", "new"], ["red", "red", None], [], None, ["new", "once"], ["^r.*$"], ["^r.*$"]]
    frame = pl.DataFrame({"tags": tags})
    found = written(ListTransformer.fit(frame, ["tags"]), frame)
    assert list(found) == ["tags.items", "tags=^r.*$", "tags=new", "tags=red"]
    np.testing.assert_array_equal(found["tags.items"], [2, 1, 0, np.nan, 2, 1, 1])
    np.testing.assert_array_equal(found["tags=red"], [1, 1, 0, np.nan, 0, 0, 0])
    np.testing.assert_array_equal(found["tags=^r.*$"], [0, 0, 0, np.nan, 0, 1, 1])


def test_only_so_many_items_are_kept() -> None:
    rows = [[f"i{number:03d}" for number in range(100 - row)] for row in range(100)]
    transformer = ListTransformer.fit(pl.DataFrame({"x": rows}), ["x"])
    assert len(transformer.features) == MAX_ITEMS + 1
    assert transformer.items["x"][0] == "i000"
    state = json.loads(json.dumps(transformer.to_dict()))
    state["items"]["x"].append("one more")
    with pytest.raises(BundleError, match="at most 64"):
        ListTransformer.from_dict(state)


def test_lists_of_a_single_row_are_found_again() -> None:
    frame = pl.DataFrame({"x": [["a", "b"], ["b"], ["a"]]})
    transformer = ListTransformer.fit(frame, ["x"])
    one = written(transformer, pl.DataFrame({"x": [["b", "never seen"]]}))
    assert [float(values[0]) for values in one.values()] == [2, 0, 1]
    arrays = written(transformer, pl.DataFrame({"x": pl.Series([["b", "a"]], dtype=pl.Array(pl.String, 2))}))
    assert [float(values[0]) for values in arrays.values()] == [2, 1, 1]


def test_lists_of_numbers_are_no_lists_of_texts() -> None:
    frame = pl.DataFrame({"x": [["a"], ["b"]]})
    with pytest.raises(SchemaMismatch, match="'x' was list in training"):
        ListTransformer.fit(frame, ["x"]).transform(pl.DataFrame({"x": [[1.5]]}), np.empty((1, 1)))


def test_places_in_kilometres() -> None:
    berlin, potsdam, paris = [52.52, 13.405], [52.39, 13.064], [48.857, 2.352]
    frame = pl.DataFrame(
        {"at": [berlin, berlin, berlin, potsdam, paris, [91.0, 0.0], [None, 1.0], [1.0], None]}
    )
    found = written(CoordinatesTransformer.fit(frame, ["at"]), frame)
    assert found["at.distance"][0] == 0
    assert found["at.distance"][3] == pytest.approx(27.2, abs=0.3)
    assert found["at.distance"][4] == pytest.approx(878, rel=0.05)
    for values in found.values():
        assert np.isnan(values[5:]).all()
        assert np.isfinite(values[:5]).all()
    south_west = found["at.northeast"][3]
    assert south_west < -20
    assert abs(found["at.northwest"][3]) < 10


def test_the_short_way_round() -> None:
    frame = pl.DataFrame({"at": [[0.0, 179.0], [0.0, 179.5], [0.0, 179.9], [0.0, -179.9]]})
    found = written(CoordinatesTransformer.fit(frame, ["at"]), frame)
    assert found["at.distance"].max() < 100


@pytest.mark.parametrize(
    "centre", [{}, {"latitude": 91.0, "longitude": 0.0}, {"latitude": 1.0, "longitude": "x"}]
)
def test_damaged_centres_are_refused(centre: dict[str, object]) -> None:
    with pytest.raises(BundleError, match="damaged"):
        CoordinatesTransformer.from_dict({"columns": ["at"], "centres": {"at": centre}})
