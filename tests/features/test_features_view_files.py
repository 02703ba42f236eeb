"""Views on disk are the views in memory, read-only, and damage is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core import FeatureInfo, SparseBlock, StorageError, View, ViewInfo
from modelwright.features import open_view, write_view


def some_view(rows: int = 5, numeric: int = 3, categorical: int = 2) -> View:
    random = np.random.default_rng(0)
    block = random.normal(size=(rows, numeric)).astype(np.float32)
    block[random.random(block.shape) < 0.2] = np.nan
    info = ViewInfo(
        tuple(FeatureInfo(f"zähl {number}", "ü", "value") for number in range(numeric)),
        tuple(FeatureInfo(f"c{number}", "c", "codes", 4) for number in range(categorical)),
    )
    return View(block, random.integers(0, 4, (rows, categorical)).astype(np.int32), info)


@pytest.mark.parametrize("size", [(5, 3, 2), (0, 3, 2), (4, 0, 2), (4, 3, 0), (0, 0, 0)])
def test_what_is_opened_is_what_was_written(tmp_path: Path, size: tuple[int, int, int]) -> None:
    view = some_view(*size)
    write_view(view, tmp_path / "new" / "place")
    again = open_view(tmp_path / "new" / "place")
    np.testing.assert_array_equal(again.numeric, view.numeric)
    np.testing.assert_array_equal(again.categorical, view.categorical)
    assert again.info == view.info
    assert (again.numeric.dtype, again.categorical.dtype) == (np.float32, np.int32)


def with_terms(view: View) -> View:
    random = np.random.default_rng(1)
    plain = random.random((view.rows, 9)) * (random.random((view.rows, 9)) < 0.3)
    rows, indices = np.nonzero(plain)
    indptr = np.searchsorted(rows, np.arange(view.rows + 1)).astype(np.int64)
    block = SparseBlock(plain[rows, indices].astype(np.float32), indices.astype(np.int32), indptr, 9)
    terms = (FeatureInfo("t.words", "t", "words", 5), FeatureInfo("t.characters", "t", "characters", 4))
    return View(
        view.numeric, view.categorical, ViewInfo(view.info.numeric, view.info.categorical, terms), block
    )


@pytest.mark.parametrize("rows", [0, 1, 40])
def test_sparse_blocks_come_back(tmp_path: Path, rows: int) -> None:
    view = with_terms(some_view(rows))
    again = open_view(write_view(view, tmp_path))
    assert again.info == view.info
    assert view.sparse is not None
    assert again.sparse is not None
    assert again.sparse.columns == 9
    for part in ("data", "indices", "indptr"):
        found, expected = getattr(again.sparse, part), getattr(view.sparse, part)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
        assert not found.flags.writeable
    write_view(some_view(rows), tmp_path)
    assert open_view(tmp_path).sparse is None


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        ("indices", lambda array: array + 9),
        ("indices", lambda array: array - 9),
        ("indices", lambda array: array[:-1]),
        ("indices", lambda array: array.astype(np.int64)),
        ("indptr", lambda array: array[::-1]),
        ("indptr", lambda array: array[:-1]),
        ("indptr", lambda array: array + 1),
        ("data", lambda array: array[:, None]),
        ("data", lambda array: array.astype(np.float64)),
    ],
)
def test_damaged_sparse_blocks_are_refused(tmp_path: Path, part: str, damage: Any) -> None:
    view = with_terms(some_view(40))
    write_view(view, tmp_path)
    np.save(tmp_path / f"view.sparse_{part}.npy", damage(getattr(view.sparse, part)))
    with pytest.raises(StorageError, match="damaged"):
        open_view(tmp_path)
    (tmp_path / f"view.sparse_{part}.npy").unlink()
    with pytest.raises(StorageError, match="no view"):
        open_view(tmp_path)


def test_maps_are_read_only_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_view(some_view(), tmp_path, "a")
    write_view(some_view(7), tmp_path, "b")
    view = open_view(tmp_path, "a")
    assert view.rows == 5
    assert open_view(tmp_path, "b").rows == 7
    assert view.numeric.flags.c_contiguous
    assert not view.numeric.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view.numeric[0, 0] = 1.0
    assert type(view.numeric) is np.ndarray
    expected = {f"{name}.{kind}" for name in "ab" for kind in ("json", "numeric.npy", "categorical.npy")}
    assert {path.name for path in tmp_path.iterdir()} == expected


def test_a_column_ordered_block_is_written_row_by_row(tmp_path: Path) -> None:
    view = some_view()
    turned = View(np.asfortranarray(view.numeric), view.categorical, view.info)
    assert open_view(write_view(turned, tmp_path)).numeric.flags.c_contiguous


def test_absent_and_damaged_views(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no view 'view'"):
        open_view(tmp_path)
    write_view(some_view(), tmp_path)
    record = json.loads((tmp_path / "view.json").read_text(encoding="utf-8"))
    (tmp_path / "view.json").write_text(json.dumps({**record, "rows": 6}))
    with pytest.raises(StorageError, match=r"expected float32 of shape \(6, 3\)"):
        open_view(tmp_path)
    (tmp_path / "view.json").write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        open_view(tmp_path)
    write_view(some_view(), tmp_path)
    (tmp_path / "view.numeric.npy").write_bytes(b"not an array")
    with pytest.raises(StorageError, match="damaged"):
        open_view(tmp_path)
    with open(tmp_path / "view.numeric.npy", "wb") as handle:
        np.save(handle, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(StorageError, match="damaged"):
        open_view(tmp_path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_view(some_view(), tmp_path / "file")
