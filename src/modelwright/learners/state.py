"""Reading and writing the state of fitted models: JSON and npz, checked when read, never pickle."""

from __future__ import annotations

import hashlib
import io
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, canonical_json

__all__ = [
    "check_state",
    "digest",
    "read_arrays",
    "read_bytes",
    "read_json",
    "read_state",
    "write_arrays",
    "write_json",
]

_KINDS = "biuf"
"""Kinds of numpy types that are stored: truth values, whole numbers and floats."""

_MOST_ARRAYS = 100
_LONGEST = 2**31 - 1
_ENCRYPTED = 0x1

_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    RuntimeError,  # also RecursionError and NotImplementedError
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Whatever the readers of JSON, zip and npy have raised on files that somebody had changed."""


class _WithArrays(Protocol):
    def arrays(self) -> Mapping[str, NDArray[Any]]: ...


_State = TypeVar("_State", bound=_WithArrays)


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
        record = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    check_state(isinstance(record, dict), path, "does not hold a JSON object")
    return dict(record)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as npz, uncompressed: the same arrays always give the same bytes."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"The array {name!r} holds Python objects, which only pickle could store.")
    with open(path, "wb") as handle:
        np.savez(handle, allow_pickle=False, **dict(arrays))


def read_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read named arrays.

    Nothing is believed that the file says about itself: what is read is never larger than the file.

    Parameters
    ----------
    path : Path
        As `write_arrays` left it.
    names : collection of str, optional
        The arrays that it must hold, no more and no less.

    Raises
    ------
    BundleError
        If the file is missing, damaged, compressed, or holds Python objects or other arrays.
    """
    try:
        with open(path, "rb") as handle, zipfile.ZipFile(handle) as archive:
            entries = archive.infolist()
            _check_entries(entries, path.stat().st_size)
            arrays = {entry.filename.removesuffix(".npy"): _array(archive.read(entry)) for entry in entries}
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    if names is not None:
        _check_names(path, arrays, names)
    return arrays


def read_state(path: Path, build: Callable[[Mapping[str, NDArray[Any]]], _State]) -> _State:
    """Read what has a method ``arrays`` from what that gave; arrays that it does not have are refused.

    Parameters
    ----------
    path : Path
        As ``write_arrays(path, state.arrays())`` left it.
    build : callable
        Makes the state of its arrays, which it checks: ``from_arrays``.

    Raises
    ------
    BundleError
        If the file is missing or damaged, or its arrays are no such state.
    """
    arrays = read_arrays(path)
    state = build(arrays)
    _check_names(path, arrays, state.arrays())
    return state


def _check_names(path: Path, arrays: Mapping[str, Any], names: Collection[str]) -> None:
    odd = sorted(set(arrays) ^ set(names))
    check_state(not odd, path, f"lacks an array, or holds one that does not belong there: {odd[:3]}")


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse entries that could grow: all together are not larger than the file."""
    if len(entries) > _MOST_ARRAYS or len({entry.filename for entry in entries}) < len(entries):
        raise ValueError("it holds too many arrays, or one of them twice")
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError("it says that it holds more than there is")
    for entry in entries:
        plain = entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & _ENCRYPTED
        if not plain or not entry.filename.endswith(".npy"):
            raise ValueError(f"it holds {entry.filename[:80]!r}, which is no plain array")


def _array(content: bytes) -> NDArray[Any]:
    """The array of a npy file whose header says exactly as much as follows it."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array is of version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.kind not in _KINDS or dtype.names is not None or dtype.subdtype is not None:
        raise ValueError(f"an array holds values of type {dtype}")
    if any(isinstance(length, bool) or not 0 <= length <= _LONGEST for length in shape):
        raise ValueError(f"an array has the shape {shape}")
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"an array of shape {shape} is not as long as that")
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


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


def _refuse_constant(name: str) -> NoReturn:
    # NaN and infinities are no JSON, and `write_json` never writes them
    raise ValueError(f"it holds {name}, which is no JSON")


def _unreadable(path: Path, error: BaseException) -> BundleError:
    shown = str(error) or type(error).__name__
    return BundleError(_message(path, f"could not be read ({shown[:200]})"))
