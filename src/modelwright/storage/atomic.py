"""Files and directories that are either there and whole, or not there.

Everything is written under a temporary name beside its destination, flushed to the disk and renamed.
The writer holds a kernel lock (``flock``) on the temporary file or directory for as long as it lives, so
what a killed process left behind is told from what a living one is still writing without guessing by
age or process number (which is reused, and means nothing across containers).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from modelwright.storage.faults import translated_os_errors

__all__ = [
    "publish_directory",
    "sweep_temporary",
    "temporary_directory",
    "temporary_file",
    "write_atomic",
]

_TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{32}")
_UNLOCKABLE_AGE = 86_400.0

_MANY_FILES = 40
"""Files above which flushing the whole file system beats flushing each."""
"""Seconds after which a leftover is stale on a file system that knows no locks."""


def _temporary_name() -> str:
    return f".tmp-{uuid.uuid4().hex}"


def _lock(descriptor: int, *, wait: bool) -> bool | None:
    """True: locked; False: another process holds it; None: this file system cannot lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # EBADF: NFS wants a writable descriptor, which no directory has.
        if error.errno in (errno.ENOLCK, errno.EBADF, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            return None
        raise
    return True


@contextmanager
def temporary_file(directory: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file under a temporary name, locked while it is written, removed if it is still there.

    Parameters
    ----------
    directory : Path
        Where it is made; it must exist.

    Yields
    ------
    tuple of (binary file, Path)
        Rename the path to keep the file.
    """
    while True:
        path = directory / _temporary_name()
        # Mode 0o666 less the umask, like any other file: mkstemp's 0o600 would hide published files
        # from the people a workspace is shared with.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _lock(descriptor, wait=True)
        if os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # a sweep came between the creation and the lock: once more
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle, path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def temporary_directory(beside: Path) -> Iterator[Path]:
    """A new directory under a temporary name, locked while it is filled.

    Parameters
    ----------
    beside : Path
        The final path: the directory is made next to it, so that it can be renamed to it.

    Yields
    ------
    Path
        Give it to `publish_directory` to keep it; what is still there at the end is removed.

    Raises
    ------
    BadInput, StorageError
        If it cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     final = Path(place) / "model"
    ...     with temporary_directory(final) as temporary:
    ...         _ = (temporary / "weights.txt").write_text("1 2 3")
    ...         publish_directory(temporary, final)
    ...     (final / "weights.txt").read_text()
    '1 2 3'
    """
    with translated_os_errors("The directory cannot be written", beside):
        while True:
            path = beside.parent / _temporary_name()
            path.mkdir()
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue
            _lock(descriptor, wait=True)
            if path.exists():
                break
            os.close(descriptor)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part.

    Parameters
    ----------
    path : Path
        The file; its directory must exist.
    content : bytes
        All of it.

    Raises
    ------
    BadInput
        If the place cannot be written (read-only, full, no such directory).
    StorageError
        If the machine fails otherwise.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_atomic(Path(place) / "note.txt", b"whole")
    ...     [file.name for file in Path(place).iterdir()]
    ['note.txt']
    """
    with translated_os_errors("The file cannot be written", path):
        with temporary_file(path.parent) as (handle, temporary):
            handle.write(content)
            flush(handle)
            os.replace(temporary, path)
        _sync(path.parent)


def publish_directory(temporary: Path, final: Path, *, durable: bool = True) -> None:
    """Flush a directory to the disk and give it its final name in one step.

    Parameters
    ----------
    temporary : Path
        The filled directory, on the same file system as ``final`` (best: `temporary_directory`).
    final : Path
        The name it gets. Nothing may stand there.
    durable : bool, default True
        Whether it must outlive a power cut, and not only the end of this process. Flushing takes tens of
        milliseconds; whoever does without must be able to tell a damaged directory from a whole one.

    Raises
    ------
    BadInput
        If something stands at ``final`` already, or the disk is full or read-only.
    StorageError
        If the machine fails otherwise.
    """
    with translated_os_errors("The directory cannot be published", final):
        if durable:
            _sync_tree(temporary)
        if os.path.lexists(final):
            # rename() would replace an empty directory without a word.
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        os.rename(temporary, final)
        if durable:
            _sync(final.parent)


def sweep_temporary(directory: Path) -> int:
    """Remove what killed writers left under a directory; what a living one writes stays.

    Parameters
    ----------
    directory : Path
        Searched to any depth; symbolic links are not followed.

    Returns
    -------
    int
        Number of files and directories removed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     (Path(place) / ".tmp-0123456789abcdef0123456789abcdef").touch()
    ...     sweep_temporary(Path(place))
    1
    """
    removed = 0
    for folder, folders, files in os.walk(directory):
        for name in [name for name in folders if _TEMPORARY.fullmatch(name)]:
            folders.remove(name)  # what is in it belongs to its writer
            removed += _remove_stale(Path(folder, name))
        removed += sum(_remove_stale(Path(folder, name)) for name in files if _TEMPORARY.fullmatch(name))
    return removed


def _remove_stale(path: Path) -> bool:
    """Remove one leftover unless its writer lives."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False  # published or removed meanwhile
    try:
        free = _lock(descriptor, wait=False)
        if free is None:
            free = time.time() - os.fstat(descriptor).st_mtime > _UNLOCKABLE_AGE
        if not free:
            return False
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        return not path.exists()
    finally:
        os.close(descriptor)


def flush(handle: BinaryIO) -> None:
    """Bring a file's content to the disk."""
    handle.flush()
    os.fsync(handle.fileno())


def _sync_tree(directory: Path) -> None:
    """Bring a directory and everything below it to the disk.

    File by file a model of a hundred outputs would take many seconds; flushing the whole file system at
    once takes a fraction of one. Where the system has no such call, it is file by file after all.
    """
    paths = [Path(folder, name) for folder, _, files in os.walk(directory) for name in ("", *files)]
    if len(paths) > _MANY_FILES and _sync_file_system(directory):
        return
    for path in paths:
        _sync(path)


def _sync_file_system(directory: Path) -> bool:
    """Flush the file system of a directory (Linux); whether that was done."""
    call = getattr(ctypes.CDLL(None), "syncfs", None) if sys.platform == "linux" else None
    if call is None:
        return False
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        return bool(call(descriptor) == 0)
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
