"""What a caller names as a table, made definite: a file, a sheet of a workbook, several files, an address."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core import DataError, nearest
from modelwright.data.files import check_file, without_password
from modelwright.data.find_source import reads_folder

__all__ = ["Parts", "Sheet", "recorded_source", "resolve_source", "shown_source"]

_WORKBOOK = re.compile(r"(?i)(.*\.(?:xlsx|xlsm|xlsb|xls|ods))#(.+)", re.DOTALL)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook; as text ``PATH#SHEET``.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        Of the sheet.
    """

    path: Path
    name: str

    def __str__(self) -> str:
        return f"{self.path}#{self.name}"


@dataclass(frozen=True)
class Parts:
    """Several files that are one table, one below the other.

    Attributes
    ----------
    location : str
        What the caller named: a folder, a pattern, or the first of several files.
    files : tuple of Path or Sheet
        In the order of their rows.
    """

    location: str
    files: tuple[Path | Sheet, ...]


def resolve_source(source: Any) -> Any:
    """What a caller names as a table, made definite; objects that name none are handed back.

    Parameters
    ----------
    source : object
        A path, ``PATH.xlsx#SHEET``, a pattern such as ``part-*.csv``, a folder, a list of paths, or an
        address (text with ``://``).

    Returns
    -------
    Path, Sheet, Parts, str (an address), or the object itself

    Raises
    ------
    DataError
        If a file is not there, empty, or cannot be read, or a folder or pattern holds none.

    Examples
    --------
    >>> resolve_source({"a": [1]})
    {'a': [1]}
    """
    if isinstance(source, (str, os.PathLike)):
        text = os.fsdecode(os.fspath(source))
        return text if "://" in text and isinstance(source, str) else _resolve_path(text)
    if not isinstance(source, (list, tuple)) or not source:
        return source
    if not all(isinstance(item, (str, os.PathLike)) for item in source):
        return source
    return _resolve_list([os.fsdecode(os.fspath(item)) for item in source])


def recorded_source(source: Any) -> str | list[str] | None:
    """Where a table can be read again, for a record: absolute paths, or an address that holds no secret.

    Returns
    -------
    str, list of str, or None
        None for objects in memory and queries, and where a password or options are part of the address.

    Examples
    --------
    >>> recorded_source("sqlite:////data/shop.db?table=orders")
    'sqlite:////data/shop.db?table=orders'
    >>> recorded_source("postgresql://me:secret@host/shop?table=orders") is None
    True
    """
    if isinstance(source, (list, tuple)):
        places = [recorded_source(item) for item in source]
        found = [place for place in places if isinstance(place, str)]
        return found if found and len(found) == len(places) else None
    if not isinstance(source, (str, os.PathLike)):
        return None
    text = os.fsdecode(os.fspath(source))
    if not (isinstance(source, str) and "://" in text):
        return os.path.abspath(os.path.expanduser(text))
    place, _, options = text.partition("?")
    scheme, _, path = place.partition(":///")
    if scheme == "sqlite" and path:
        text = f"sqlite:///{os.path.abspath(path)}" + (f"?{options}" if options else "")
        return text if not options or options.startswith("table=") else None
    harmless = without_password(text) == place and (not options or re.fullmatch(r"table=[^&]*", options))
    return text if harmless else None


def shown_source(source: Any) -> str:
    """What a caller named as a table, as it may be shown: without a password.

    Examples
    --------
    >>> shown_source("postgresql://me:secret@host/shop"), shown_source({"a": [1]})
    ('postgresql://me@host/shop', 'a table in memory')
    """
    if isinstance(source, (str, os.PathLike)):
        text = os.fsdecode(os.fspath(source))
        is_address = isinstance(source, str) and "://" in text and not text.startswith("sqlite:")
        return without_password(text) if is_address else text
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], (str, os.PathLike)):
        return ", ".join(map(shown_source, source))
    # A query says where it goes; any other object would print its values.
    shown = getattr(source, "shown", None)
    return shown if isinstance(shown, str) else "a table in memory"


def _resolve_path(text: str) -> Path | Sheet | Parts:
    path = Path(text).expanduser()
    if os.path.isdir(path):
        return _folder(path.absolute())
    if not os.path.lexists(path):
        workbook = _WORKBOOK.fullmatch(text)
        if workbook:
            return Sheet(check_file(Path(workbook[1])), workbook[2])
        if glob.has_magic(text):
            return _pattern(path.absolute())
    return check_file(path)


def _folder(folder: Path) -> Path | Parts:
    """The files of a folder in the order of their names; hidden ones (``.x``, ``_x``) are left out."""
    try:
        entries = sorted(item for item in folder.iterdir() if not item.name.startswith((".", "_")))
    except OSError as error:
        raise DataError(
            f"The folder {str(folder)!r} cannot be read ({error.strerror or error}). Check its permissions."
        ) from error
    if reads_folder(folder):
        return folder
    folders = [item.name for item in entries if item.is_dir()]
    if folders:
        raise DataError(
            f"The folder {str(folder)!r} holds folders ({', '.join(folders[:5])}), and which of their files "
            f"belong to the table is not clear. Give a pattern, for example {str(folder / '**' / '*.csv')!r}."
        )
    if not entries:
        raise DataError(f"The folder {str(folder)!r} holds no files. Give one that holds a table.")
    return Parts(str(folder), tuple(check_file(item) for item in entries))


def _pattern(pattern: Path) -> Parts:
    found = sorted(Path(name) for name in glob.glob(str(pattern), recursive=True))
    files = [path for path in found if path.is_file()]
    if not files:
        known = os.listdir(pattern.parent) if pattern.parent.is_dir() else []
        raise DataError(
            f"No file fits the pattern {str(pattern)!r}.{nearest(pattern.name, known)} Check folder and "
            "pattern: * stands for any characters, ** for any folders."
        )
    return Parts(str(pattern), tuple(check_file(path) for path in files))


def _resolve_list(texts: list[str]) -> Parts:
    for text in texts:
        if "://" in text:
            raise DataError(
                f"Expected paths of files, but one is the address {without_password(text)!r}. "
                "Read it by itself."
            )
    files = []
    for text in texts:
        found = _resolve_path(text)
        if isinstance(found, Parts):
            raise DataError(
                f"Expected a list of files, but {text!r} is a folder or a pattern. Give it alone, or "
                "list its files."
            )
        if found in files:
            raise DataError(f"The file {str(found)!r} stands twice in the list. Each belongs there once.")
        files.append(found)
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return Parts(f"{files[0]}{more}", tuple(files))
