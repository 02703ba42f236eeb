"""Reading and writing the state of fitted models: JSON and npz, checked when read, never pickle."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, canonical_json

__all__ = ["check_state", "digest", "read_arrays", "read_bytes", "read_json", "write_arrays", "write_json"]


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON object; the same facts always give the same bytes."""
    path.write_bytes(canonical_json(dict(record)))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    BundleError
        If the file is missing or holds anything else.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(_message(path, f"could not be read ({error})")) from error
    check_state(isinstance(record, dict), path, "does not hold a JSON object")
    return dict(record)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as npz, uncompressed: the same arrays always give the same bytes."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"The array {name!r} holds Python objects, which only pickle could store.")
    with open(path, "wb") as handle:
        np.savez(handle, allow_pickle=False, **dict(arrays))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read named arrays.

    Raises
    ------
    BundleError
        If the file is missing, damaged, or holds Python objects.
    """
    try:
        # numpy leaves a file open that it opened itself and could not read
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise BundleError(_message(path, f"could not be read ({error})")) from error


def digest(content: bytes) -> str:
    """SHA-256 (hexadecimal) of a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_bytes(path: Path, sha256: object) -> bytes:
    """A file's content, if it has the hash that was noted when it was written.

    The engines' own parsers are not made for damaged files: LightGBM ends the process over a text
    that is cut short. They are only ever shown what was written.

    Raises
    ------
    BundleError
        If the file is missing or has another hash.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(_message(path, f"could not be read ({error})")) from error
    check_state(digest(content) == sha256, path, "is not the one that was written (its hash differs)")
    return content


def check_state(holds: bool, path: Path, complaint: str) -> None:
    """Raise `BundleError` with a complaint about a file unless a condition holds."""
    if not holds:
        raise BundleError(_message(path, complaint))


def _message(path: Path, complaint: str) -> str:
    return (
        f"The model file {path.name!r} {complaint}. It is damaged or was changed after it was "
        "written: copy the model again, or train it again."
    )
