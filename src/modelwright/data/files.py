"""Checks that every file passes before it is read, and what a file looks like from its first bytes."""

from __future__ import annotations

import os
from pathlib import Path

from modelwright.core import DataError, nearest

__all__ = ["check_file", "describe_binary", "head_bytes"]

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file (.xls, .doc)"),
    (b"\x7fELF", "a program"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow IPC (Feather) file"),
    (b"FEA1", "a Feather file"),
    (b"\x93NUMPY", "a numpy array file"),
    (b"\x80\x04\x95", "a pickle"),
    (b"\x80\x05\x95", "a pickle"),
)


def head_bytes(path: Path, count: int = 4096) -> bytes:
    """The first bytes of a file."""
    with open(path, "rb") as handle:
        return handle.read(count)


def check_file(path: Path) -> Path:
    """An existing, readable, non-empty file, or an error that helps.

    Raises
    ------
    DataError
        If there is no such file (the nearest name in the folder is suggested), or it is a folder, a pipe,
        empty, or not readable.
    """
    path = Path(path).expanduser()
    try:
        if not path.exists():
            known = os.listdir(path.parent) if path.parent.is_dir() else []
            where = "" if known or path.parent.is_dir() else f" There is no folder {str(path.parent)!r}."
            raise DataError(
                f"There is no file {str(path)!r}.{where}{nearest(path.name, known)} "
                "Give the path of a CSV or Parquet file."
            )
        if path.is_dir():
            files = sorted(item.name for item in path.iterdir() if item.is_file())[:5]
            inside = f" It holds: {', '.join(files)}." if files else ""
            raise DataError(f"Expected a file, but {str(path)!r} is a folder.{inside}")
        if not path.is_file():  # a pipe has no size, and could be read only once
            raise DataError(
                f"Expected a file, but {str(path)!r} is a pipe or a device. Save the table to a file first."
            )
        if path.stat().st_size == 0:
            raise DataError(f"The file {str(path)!r} is empty. Expected a header line and rows.")
        head_bytes(path, 1)
    except OSError as error:
        raise DataError(
            f"The file {str(path)!r} cannot be read ({error.strerror or error}). Check its permissions."
        ) from error
    return path.absolute()


def describe_binary(head: bytes) -> str | None:
    """What a file that is not text looks like, or None.

    Examples
    --------
    >>> describe_binary(b"%PDF-1.7")
    'a PDF document'
    >>> describe_binary(b"a,b") is None
    True
    """
    if head.startswith(b"PK\x03\x04"):
        if b"xl/" in head or b"[Content_Types].xml" in head:
            return "an Excel workbook (.xlsx); save the sheet as CSV"
        return "a zip archive; unpack it first"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    return None
