"""Which source of the catalog reads a thing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelwright.core import DataError, nearest
from modelwright.data.catalog import SOURCES
from modelwright.data.files import has_extension, head_bytes, without_password
from modelwright.data.source import Source

__all__ = ["find_source", "reads_folder"]


def find_source(source: Any) -> Source:
    """The source that reads what `resolve_source` gave; see `Source` for who goes first.

    Raises
    ------
    DataError
        If there is none.

    Examples
    --------
    >>> type(find_source({"a": [1, 2]})).__name__
    'FrameSource'
    """
    able = (reader for reader in _readers() if reader.accepts(source))
    if isinstance(source, Path) and source.is_file():
        head = head_bytes(source)
        text: Source = SOURCES.load("csv")()
        # min takes the first of those that are equal: the order of the catalog.
        return min(
            able,
            key=lambda reader: (not reader.recognises(head), not has_extension(source, reader.extensions)),
            default=text,
        )
    found = next(able, None)
    if found is None:
        raise DataError(_unknown(source))
    return found


def reads_folder(folder: Path) -> bool:
    """Whether a source takes this folder for one table of a format of its own."""
    return any(reader.accepts(folder) for reader in _readers())


def _readers() -> Iterator[Source]:
    for name in SOURCES:
        yield SOURCES.load(name)()


def _unknown(source: Any) -> str:
    if isinstance(source, str):
        scheme = source.partition("://")[0]
        schemes = sorted({known for reader in _readers() for known in reader.schemes})
        shown = without_password(source)
        if scheme in ("http", "https", "ftp", "s3", "gs"):
            return f"Expected a file on this machine, but {shown!r} is an address. Download it first."
        return (
            f"Expected a file or a database, but nothing here reads an address like {shown!r}."
            f"{nearest(scheme, schemes)} Known: {', '.join(f'{name}://' for name in schemes)}."
        )
    return (
        "Expected a path, a pandas, polars or pyarrow table, a dict of lists, a list of records or a "
        f"two-dimensional numpy array, but it came as {type(source).__name__}."
    )
