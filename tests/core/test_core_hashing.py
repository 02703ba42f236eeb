"""Canonical JSON and hashes: equal facts have equal bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import Kind, canonical_json, hash_file, hash_json, to_jsonable

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_plain_json_survives_the_round_trip(value: Any) -> None:
    assert to_jsonable(value) == value
    assert json.loads(canonical_json(value).decode("utf-8", "surrogatepass")) == value


@given(st.dictionaries(st.text(max_size=4), st.integers(), min_size=2, max_size=6))
def test_the_order_of_keys_does_not_matter(record: dict[str, int]) -> None:
    backwards = dict(reversed(record.items()))
    assert canonical_json(backwards) == canonical_json(record)
    assert hash_json(backwards) == hash_json(record)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int32(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([1.0, np.nan, np.inf]), [1.0, None, None]),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (Path("a") / "b", "a/b"),
        (float("nan"), None),
        (-float("inf"), None),
        ({1: "x"}, {"1": "x"}),
        (Kind.NUMERIC, "numeric"),
        ({"kind": Kind.TEXT}, {"kind": "text"}),
    ],
)
def test_numpy_and_friends_become_plain(value: Any, plain: Any) -> None:
    result = to_jsonable(value)
    assert result == plain
    assert type(result) is type(plain)


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError):
        canonical_json({"a": object()})


def test_json_is_strict_and_utf8() -> None:
    assert canonical_json({"ü": float("nan"), "a": 1}) == '{"a":1,"ü":null}'.encode()


@given(VALUES, VALUES)
def test_hashes_are_equal_only_for_equal_json(one: Any, other: Any) -> None:
    assert (hash_json(one) == hash_json(other)) == (canonical_json(one) == canonical_json(other))


def test_the_hash_of_a_file_is_that_of_its_content(tmp_path: Path) -> None:
    file = tmp_path / "content"
    content = bytes(range(256)) * 5000
    file.write_bytes(content)
    assert hash_file(file) == hashlib.sha256(content).hexdigest()
