"""Checks that every file passes before it is read, and what a file looks like from name and first bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from modelwright.core import DataError, nearest

__all__ = [
    "check_file",
    "describe_binary",
    "has_extension",
    "head_bytes",
    "translated_faults",
    "without_password",
]

_ADDRESS = re.compile(
    r"(?:(?P<user>[^:/?#@]*)(?::[^:/?#@]*)?(?=@))?(?P<place>@?(?:\[[^\]@]*\]|[^:/?#@]*)(?::\d+)?(?:/[^@?#]*)?)(?:[?#][^@]*)?"
)
_COMPRESSED = (".gz", ".zst", ".zstd")
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
    (b"SQLite format 3", "a SQLite database; give its address, sqlite:///PATH, and a query"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow IPC (Feather) file"),
    (b"FEA1", "a Feather file of the first version; write it again with a current library"),
    (b"\x93NUMPY", "a numpy array file"),
    (b"\x80\x04\x95", "a pickle"),
    (b"\x80\x05\x95", "a pickle"),
)


def head_bytes(path: Path, count: int = 4096) -> bytes:
    """The first bytes of a file."""
    with open(path, "rb") as handle:
        return handle.read(count)


def has_extension(path: Path, extensions: Collection[str]) -> bool:
    """Whether a file is named like that; capital letters and compression do not matter.

    Examples
    --------
    >>> has_extension(Path("Table.CSV.gz"), (".csv", ".tsv")), has_extension(Path("csv"), (".csv",))
    (True, False)
    """
    name = path.name.lower()
    plain = name
    for ending in _COMPRESSED:
        plain = plain.removesuffix(ending)
    return any(text.endswith(extension) for text in {name, plain} for extension in extensions)


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
                "Give the path of a table, for example a CSV or Parquet file."
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


@contextmanager
def translated_faults(path: Path, format_name: str, *others: type[Exception]) -> Iterator[None]:
    """Turn what a reader of a binary format raises for a damaged file into a `DataError` that names it.

    Parameters
    ----------
    path : Path
        The file.
    format_name : str
        Of the format, as in "cannot be read as Parquet".
    others : types of exceptions
        What else the reader raises, besides the errors of polars and of the operating system.
    """
    try:
        yield
    except DataError:
        raise
    except BaseException as error:
        # Readers written in Rust panic on some damaged files, which is no Exception.
        panicked = type(error).__name__ == "PanicException"
        if not panicked and not isinstance(error, (pl.exceptions.PolarsError, OSError, *others)):
            raise
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise DataError(
            f"{str(path)!r} cannot be read as {format_name} ({said}). It is damaged or something else: "
            "write or copy it again, or give a CSV file."
        ) from error


def without_password(address: str) -> str:
    """An address as it may be shown and recorded: neither password nor options.

    Where special characters leave it open what is a password, nothing but the scheme is shown.

    Examples
    --------
    >>> without_password("mysql://me:secret@host:3306/db?password=secret")
    'mysql://me@host:3306/db'
    >>> without_password("mysql://me:se/cr@et@host/db")
    'mysql://...'
    """
    scheme, _, rest = address.partition("://")
    parsed = _ADDRESS.fullmatch(rest)
    return f"{scheme}://{parsed['user'] or ''}{parsed['place']}" if parsed else f"{scheme}://..."
