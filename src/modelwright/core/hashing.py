"""Canonical JSON and SHA-256: one way to write facts down so that equal facts have equal bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["canonical_json", "hash_file", "hash_json", "to_jsonable"]


def to_jsonable(value: Any) -> Any:
    """Turn numpy scalars, arrays, tuples, sets and paths into plain JSON values.

    NaN and infinities become ``None``: strict JSON has no word for them.

    Examples
    --------
    >>> to_jsonable({"a": np.float32(1.5), "b": (1, 2), "c": float("nan")})
    {'a': 1.5, 'b': [1, 2], 'c': None}
    """
    if isinstance(value, dict):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_jsonable(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(to_jsonable(item) for item in value)
    if isinstance(value, np.ndarray):
        return to_jsonable(value.tolist())
    if isinstance(value, np.generic):
        return to_jsonable(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return str(value)  # a str enum becomes its plain value
    return value


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces: the same facts always give the same bytes.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    text = json.dumps(
        to_jsonable(value),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return text.encode("utf-8", "surrogatepass")


def hash_json(value: Any) -> str:
    """SHA-256 (hexadecimal) of the canonical JSON of a value.

    Examples
    --------
    >>> hash_json({})[:8]
    '44136fa3'
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file's content, read in chunks."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
