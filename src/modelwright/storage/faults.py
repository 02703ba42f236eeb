"""What the operating system refuses, said in a sentence: whose fault it is decides the exit code."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwright.core import BadInput, ModelwrightError, StorageError

__all__ = ["explain_os_error", "translated_os_errors"]

_ADVICE = {
    errno.EACCES: ("permission is denied", "Choose another place or change its permissions."),
    errno.EPERM: ("permission is denied", "Choose another place or change its permissions."),
    errno.EROFS: ("the disk is read-only", "Choose a place that can be written."),
    errno.ENOSPC: ("the disk is full", "Free some space or choose another place."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or choose another place."),
    errno.EFBIG: ("the file is larger than this system allows", "Choose another place."),
    errno.ENOENT: ("it, or the directory it should be in, does not exist", "Check the path."),
    errno.ENOTDIR: ("a file stands where a directory should be", "Remove it or choose another place."),
    errno.EISDIR: ("a directory stands where a file should be", "Remove it or choose another place."),
    errno.EEXIST: ("something stands there already", "Remove it or choose another place."),
    errno.ENOTEMPTY: ("something stands there already", "Remove it or choose another place."),
    errno.ENAMETOOLONG: ("the path is too long", "Choose a shorter one."),
    errno.ELOOP: ("it is a symbolic link", "Give the path of the file itself."),
}
"""Refusals that the caller can do something about; any other one is a failure of the machine."""


def explain_os_error(error: OSError, doing: str, path: Path) -> ModelwrightError:
    """The error to raise for a refusal of the operating system.

    Parameters
    ----------
    error : OSError
        What the operating system said.
    doing : str
        What was tried, as the beginning of a sentence: ``"The workspace cannot be opened"``.
    path : Path
        The path that the user knows of (not that of a temporary file).

    Returns
    -------
    ModelwrightError
        `BadInput` (exit code 2) where another place or more room would help, else `StorageError`.

    Examples
    --------
    >>> print(explain_os_error(OSError(errno.ENOSPC, "full"), "It cannot be written", Path("a.csv")))
    It cannot be written: 'a.csv': the disk is full. Free some space or choose another place.
    """
    if error.errno in _ADVICE:
        reason, advice = _ADVICE[error.errno]
        return BadInput(f"{doing}: '{path}': {reason}. {advice}")
    return StorageError(f"{doing}: '{path}': {error.strerror or error}.")


@contextmanager
def translated_os_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn every `OSError` of the block into the error of `explain_os_error`."""
    try:
        yield
    except OSError as error:
        # MissingExtra is an ImportError, never an OSError: none of our own errors gets here.
        raise explain_os_error(error, doing, path) from error
