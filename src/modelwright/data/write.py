"""Predictions into a file, all or nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import polars as pl

from modelwright.core import OptionError, StorageError, nearest

__all__ = ["check_output", "write_frame"]

_SUFFIXES = (".csv", ".tsv", ".parquet")


def check_output(path: str | Path) -> Path:
    """A path that `write_frame` can write, checked before the work that leads to it.

    Raises
    ------
    OptionError
        If the suffix is not ``.csv``, ``.tsv`` or ``.parquet``, or the folder does not exist or cannot be
        written.
    """
    path = Path(path).expanduser()
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise OptionError(
            f"The output file must end in one of {', '.join(_SUFFIXES)}, but came as {str(path)!r}."
            f"{nearest(suffix, _SUFFIXES)}"
        )
    if path.is_dir():
        raise OptionError(f"Expected an output file, but {str(path)!r} is a folder.")
    if not path.parent.is_dir():
        raise OptionError(f"There is no folder {str(path.parent)!r} to write into. Create it first.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OptionError(f"The folder {str(path.parent)!r} cannot be written. Name another one.")
    return path


def write_frame(frame: pl.DataFrame, path: str | Path) -> Path:
    """Write a frame as CSV, TSV or Parquet, by suffix. The file appears complete or not at all.

    Parameters
    ----------
    frame : polars.DataFrame
        What to write.
    path : str or Path
        Ends in ``.csv``, ``.tsv`` or ``.parquet``; an existing file is replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        If the path cannot be written (see `check_output`).
    StorageError
        If the disk is full or fails.
    """
    path = check_output(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            if path.suffix.lower() == ".parquet":
                frame.write_parquet(stream)
            else:
                frame.write_csv(stream, separator="\t" if path.suffix.lower() == ".tsv" else ",")
            stream.flush()
            os.fsync(stream.fileno())
        # A temporary file is private; the result gets the permissions of any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StorageError(
            f"{str(path)!r} could not be written ({error}). Nothing was left behind."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path
