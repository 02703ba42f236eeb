"""Reading saved state without trusting it: every value is checked before it is used."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError

__all__ = [
    "damaged",
    "pack_array",
    "read_array",
    "read_bool",
    "read_int",
    "read_mapping",
    "read_number",
    "read_packed",
    "read_record",
    "read_records",
    "read_texts",
]


def damaged(where: str, expected: object, found: object) -> BundleError:
    """The one error for saved state that does not hold what it must."""
    text = repr(found)
    shown = text if len(text) <= 80 else text[:77] + "..."
    return BundleError(
        f"The saved feature state is damaged: {where} must be {expected}, but is {shown}. "
        f"Take the model from where it came, or train it again."
    )


def read_record(value: Any, where: str) -> Mapping[str, Any]:
    """A JSON object with text keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise damaged(where, "an object", value)
    return value


def _entry(record: Mapping[str, Any], key: str, expected: str) -> Any:
    if key not in record:
        raise damaged(repr(key), expected, "absent")
    return record[key]


def read_mapping(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The JSON object under a key."""
    return read_record(_entry(record, key, "an object"), repr(key))


def read_records(record: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The list of JSON objects under a key."""
    value = _entry(record, key, "a list of objects")
    if not isinstance(value, list):
        raise damaged(repr(key), "a list of objects", value)
    return [read_record(item, f"{key!r}[{position}]") for position, item in enumerate(value)]


def read_texts(record: Mapping[str, Any], key: str, *, longest: int | None = None) -> tuple[str, ...]:
    """The list of distinct texts under a key, of at most ``longest`` items.

    Examples
    --------
    >>> read_texts({"levels": ["a", "b"]}, "levels")
    ('a', 'b')
    """
    value = _entry(record, key, "a list of texts")
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise damaged(repr(key), "a list of texts", value)
    if len(set(value)) != len(value):
        raise damaged(repr(key), "a list of distinct texts", value)
    if longest is not None and len(value) > longest:
        raise damaged(repr(key), f"a list of at most {longest} texts", f"{len(value)} texts")
    return tuple(value)


def read_bool(record: Mapping[str, Any], key: str) -> bool:
    """The truth value under a key."""
    value = _entry(record, key, "true or false")
    if not isinstance(value, bool):
        raise damaged(repr(key), "true or false", value)
    return value


def read_int(record: Mapping[str, Any], key: str, low: int, high: int) -> int:
    """The whole number under a key, within bounds (both included)."""
    expected = f"a whole number from {low} to {high}"
    value = _entry(record, key, expected)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise damaged(repr(key), expected, value)
    return value


def read_number(record: Mapping[str, Any], key: str) -> float:
    """The finite number under a key."""
    value = _entry(record, key, "a finite number")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise damaged(repr(key), "a finite number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise damaged(repr(key), "a finite number", value)
    return number


def read_array(
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    dtype: type[np.generic],
    length: int | None = None,
    low: float | None = None,
    high: float | None = None,
) -> NDArray[Any]:
    """A one-dimensional array of saved state, of one dtype, with every value finite and within bounds.

    Parameters
    ----------
    arrays : mapping of str to array
        What was read from an ``.npz`` file with ``allow_pickle=False``.
    name : str
        Which of them.
    dtype : numpy scalar type
        Exactly this type is accepted.
    length : int, optional
        Number of values.
    low, high : float, optional
        Bounds, both included.

    Raises
    ------
    BundleError
        If it is absent or is anything else.

    Examples
    --------
    >>> read_array({"median": np.zeros(2)}, "median", np.float64, 2).tolist()
    [0.0, 0.0]
    """
    expected = f"a one-dimensional array of {np.dtype(dtype).name}"
    array = arrays.get(name)
    if not isinstance(array, np.ndarray):
        raise damaged(repr(name), expected, "absent" if array is None else array)
    if array.dtype != np.dtype(dtype) or array.ndim != 1:
        raise damaged(repr(name), expected, f"{array.dtype} of shape {array.shape}")
    if length is not None and len(array) != length:
        raise damaged(repr(name), f"{length} values long", f"{len(array)} values long")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise damaged(repr(name), "finite", "not finite")
    if len(array) and low is not None and array.min() < low:
        raise damaged(repr(name), f"{low} or more", array.min())
    if len(array) and high is not None and array.max() > high:
        raise damaged(repr(name), f"{high} or less", array.max())
    return array


def pack_array(array: NDArray[Any]) -> str:
    """The numbers of an array as text for JSON: base64 of little-endian bytes, row after row."""
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return base64.b64encode(plain.tobytes()).decode("ascii")


def read_packed(
    record: Mapping[str, Any], key: str, dtype: type[np.floating], shape: tuple[int, ...]
) -> NDArray[Any]:
    """The array of finite numbers that `pack_array` packed under a key.

    Examples
    --------
    >>> record = {"idf": pack_array(np.array([1.5, 2.0], np.float32))}
    >>> read_packed(record, "idf", np.float32, (2,)).tolist()
    [1.5, 2.0]
    """
    expected = f"{np.dtype(dtype).name} of shape {shape} in base64"
    value = _entry(record, key, expected)
    try:
        data = base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise damaged(repr(key), expected, value) from error
    little = np.dtype(dtype).newbyteorder("<")
    if len(data) != math.prod(shape) * little.itemsize:
        raise damaged(repr(key), expected, f"{len(data)} bytes")
    array = np.frombuffer(data, little).astype(dtype).reshape(shape)
    if not np.isfinite(array).all():
        raise damaged(repr(key), "finite", "not finite")
    return array
