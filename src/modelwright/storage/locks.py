"""Locks that the kernel frees when their holder dies, however it dies.

``flock`` belongs to the open file: a child that a process *forks* holds the lock on, one that it
*executes* does not (Python opens files close-on-exec). Workers are executed.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwright.storage.faults import translated_os_errors

__all__ = ["LockHeld", "file_lock", "lock_holder"]

_PATIENCE = 0.2
"""Seconds to try again: `lock_holder` takes the lock for a moment to see whether it is free."""


class LockHeld(Exception):
    """Somebody else holds the lock; the argument is the holder's process number, or None."""

    @property
    def holder(self) -> int | None:
        """Process number of the holder, as it wrote it down."""
        found: int | None = self.args[0]
        return found


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on a file, which is made if need be and holds the holder's process number.

    Parameters
    ----------
    path : Path
        The file; its directory must exist.
    wait : bool, default True
        Whether to wait until it is free.

    Raises
    ------
    LockHeld
        If it is not free and ``wait`` is False.
    BadInput, StorageError
        If the file cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, file_lock(Path(place) / "lock"):
    ...     lock_holder(Path(place) / "lock") == os.getpid()
    True
    """
    with translated_os_errors("The lock cannot be taken", path):
        descriptor = _take(path, wait)
    try:
        with translated_os_errors("The lock cannot be taken", path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def lock_holder(path: Path) -> int | None:
    """Process number of whoever holds the lock, None if it is free.

    Parameters
    ----------
    path : Path
        As given to `file_lock`; need not exist.

    Returns
    -------
    int or None
        0 if somebody holds it whose number cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(descriptor) or 0
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _take(path: Path, wait: bool) -> int:
    """A descriptor that holds the lock on the file that is at the path now."""
    patience = time.monotonic() + _PATIENCE
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
            except FileNotFoundError:
                pass  # its last holder removed it with the directory: once more
        except BlockingIOError:
            if time.monotonic() > patience:
                holder = _read_holder(descriptor)
                os.close(descriptor)
                raise LockHeld(holder) from None
            time.sleep(0.02)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _read_holder(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None
