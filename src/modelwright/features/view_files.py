"""Views on disk: plain ``.npy`` files that every process maps instead of copying."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import SparseBlock, StorageError, View, ViewInfo

__all__ = ["open_view", "write_view"]

_DAMAGED = "Write the view again from its table."

_SPARSE: Mapping[str, type[np.generic]] = {"data": np.float32, "indices": np.int32, "indptr": np.int64}


def write_view(view: View, directory: str | Path, name: str = "view") -> Path:
    """Write a view as memory-mappable files.

    ``NAME.numeric.npy`` (float32) and ``NAME.categorical.npy`` (int32), both in C order: learners take
    whole rows of a fold, and LightGBM and scikit-learn read C-ordered float32 without a copy. A sparse
    block is three more: ``NAME.sparse_data.npy`` (float32), ``NAME.sparse_indices.npy`` (int32) and
    ``NAME.sparse_indptr.npy`` (int64). Then ``NAME.json`` with the columns; it is written last, so that
    it stands for a complete view.

    Parameters
    ----------
    view : View
        What to write.
    directory : path
        Made if it does not exist.
    name : str, default "view"
        Start of the file names.

    Returns
    -------
    pathlib.Path
        The directory.

    Raises
    ------
    StorageError
        If the files cannot be written (read-only place, full disk).

    Examples
    --------
    >>> import tempfile
    >>> from modelwright.core import FeatureInfo
    >>> info = ViewInfo((FeatureInfo("age", "age", "value"),), ())
    >>> view = View(np.ones((2, 1), np.float32), np.zeros((2, 0), np.int32), info)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     open_view(write_view(view, directory)).numeric.tolist()
    [[1.0], [1.0]]
    """
    place = Path(directory)
    try:
        place.mkdir(parents=True, exist_ok=True)
        _save(np.asarray(view.numeric, np.float32), place / f"{name}.numeric.npy")
        _save(np.asarray(view.categorical, np.int32), place / f"{name}.categorical.npy")
        record = {"format": 1, "rows": view.rows, "info": view.info.to_dict(), "sparse": None}
        if view.sparse is not None:
            for part, dtype in _SPARSE.items():
                _save(np.asarray(getattr(view.sparse, part), dtype), place / f"{name}.sparse_{part}.npy")
            record["sparse"] = view.sparse.columns
        temporary = place / f"{name}.json.part"
        temporary.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        os.replace(temporary, place / f"{name}.json")
    except OSError as error:
        raise StorageError(
            f"The view cannot be written to {place} ({error}). Choose a writable place with free space."
        ) from error
    return place


def _save(array: NDArray[Any], path: Path) -> None:
    """Write beside the place first: who maps the old file keeps it, and nobody sees half of the new."""
    temporary = path.with_name(path.name + ".part")
    with open(temporary, "wb") as handle:
        np.save(handle, np.ascontiguousarray(array), allow_pickle=False)
    os.replace(temporary, path)


def open_view(directory: str | Path, name: str = "view") -> View:
    """Map a view that `write_view` wrote; its arrays are read-only and are read from disk as they are used.

    Raises
    ------
    StorageError
        If the files are absent, damaged or do not belong together.
    """
    place = Path(directory)
    try:
        record = json.loads((place / f"{name}.json").read_text(encoding="utf-8"))
        info = ViewInfo.from_dict(record["info"])
        rows = record["rows"]
        numeric = _map(place / f"{name}.numeric.npy")
        categorical = _map(place / f"{name}.categorical.npy")
        sparse = None
        if record.get("sparse") is not None:
            parts = {part: _map(place / f"{name}.sparse_{part}.npy") for part in _SPARSE}
            sparse = SparseBlock(**parts, columns=record["sparse"])
    except OSError as error:
        raise StorageError(f"There is no view {name!r} in {place} ({error}). {_DAMAGED}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"The view {name!r} in {place} is damaged ({error}). {_DAMAGED}") from error
    for array, dtype, width in (
        (numeric, np.float32, len(info.numeric)),
        (categorical, np.int32, len(info.categorical)),
    ):
        if array.dtype != dtype or array.shape != (rows, width):
            raise StorageError(
                f"The view {name!r} in {place} is damaged: expected {np.dtype(dtype).name} of shape "
                f"({rows}, {width}), found {array.dtype} of shape {array.shape}. {_DAMAGED}"
            )
    if not _belongs(sparse, rows, info):
        raise StorageError(f"The view {name!r} in {place} is damaged: its sparse block. {_DAMAGED}")
    return View(numeric, categorical, info, sparse)


def _belongs(sparse: SparseBlock | None, rows: int, info: ViewInfo) -> bool:
    """Whether a sparse block is one of so many rows and of those columns.

    Its indices are checked, too: one that is out of bounds is undefined behaviour in C.
    """
    width = sum(feature.levels for feature in info.sparse)
    if sparse is None:
        return width == 0
    if sparse.columns != width or sparse.indptr.shape != (rows + 1,):
        return False
    if any(getattr(sparse, part).dtype != dtype for part, dtype in _SPARSE.items()):
        return False
    values = len(sparse.data)
    if sparse.data.ndim != 1 or sparse.indices.shape != (values,):
        return False
    if sparse.indptr[0] != 0 or sparse.indptr[-1] != values or np.any(sparse.indptr[1:] < sparse.indptr[:-1]):
        return False
    return values == 0 or bool(sparse.indices.min() >= 0 and sparse.indices.max() < width)


def _map(path: Path) -> NDArray[Any]:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    # A plain array over the map: the memmap class slows every slice and leaks into results.
    array: NDArray[Any] = mapped.view(np.ndarray)
    array.flags.writeable = False
    return array
