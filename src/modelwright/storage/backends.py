"""Where artifacts lie: the protocol that a place must speak, and the directory that speaks it.

An object store joins here: one more class with these methods. Objects are immutable and named by the
SHA-256 of their content, so a place needs no locks, no listing order and no rename.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from modelwright.core import BadInput, OptionError, StorageError
from modelwright.storage.atomic import flush, sweep_temporary, temporary_file
from modelwright.storage.faults import translated_os_errors

__all__ = ["ArtifactBackend", "DirectoryBackend", "check_key", "copy_hashed"]

_KEY = re.compile(r"[0-9a-f]{64}")
_CHUNK = 2**20


def check_key(key: str) -> str:
    """The key itself if it is a SHA-256 in hexadecimal; nothing else may become a path.

    Raises
    ------
    OptionError
        If it is anything else.
    """
    if not _KEY.fullmatch(key):
        raise OptionError(f"An artifact key is a SHA-256 of 64 hexadecimal digits, but came as {key!r}.")
    return key


def copy_hashed(source: BinaryIO, destination: BinaryIO | None) -> str:
    """Read a stream in chunks, copy it if there is where to; the SHA-256 of what was read."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        if destination is not None:
            destination.write(chunk)
    return digest.hexdigest()


class ArtifactBackend(Protocol):
    """A place for immutable objects named by the SHA-256 of their content."""

    def put_file(self, path: Path, *, share: bool = False) -> str:
        """Store a file's content and return its key; storing it again changes nothing.

        With ``share`` the file will never be changed, so the place may keep it as it lies.
        """
        ...

    def put_bytes(self, content: bytes) -> str:
        """Store some bytes and return their key; storing them again changes nothing."""
        ...

    def open(self, key: str) -> BinaryIO:
        """A stream of an object's content; `StorageError` if there is no such object."""
        ...

    def exists(self, key: str) -> bool:
        """Whether the object is there, whole."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        ...

    def __iter__(self) -> Iterator[str]:
        """The keys of all objects, in no particular order."""
        ...

    def sweep_temporary(self) -> int:
        """Remove what killed writers left; the number of things removed."""
        ...


class DirectoryBackend:
    """Artifacts in a directory, as ``ab/cdef...``: the first two digits of the key, then the rest.

    Safe with any number of writers in any number of processes: each writes its own temporary file, and
    the last rename of equal content wins over an equal one.

    Parameters
    ----------
    directory : Path
        Made with the first object.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     backend = DirectoryBackend(Path(place))
    ...     key = backend.put_bytes(b"hello")
    ...     with backend.open(key) as stream:
    ...         backend.exists(key), stream.read(), list(backend) == [key]
    (True, b'hello', True)
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def put_file(self, path: Path, *, share: bool = False) -> str:
        """Store a regular file's content, by a hard link if it may be shared; see `ArtifactBackend`.

        Raises
        ------
        BadInput
            If it is missing, a symbolic link, a directory or a device, or the disk is full.
        """
        with translated_os_errors("The file cannot be stored", path):
            # O_NONBLOCK: opening a pipe without a writer must not wait for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as source:
                if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                    raise BadInput(f"The file cannot be stored: '{path}' is not a regular file.")
                return (self._link(path, source) if share else None) or self._put(source)

    def put_bytes(self, content: bytes) -> str:
        """Store some bytes; see `ArtifactBackend`."""
        key = hashlib.sha256(content).hexdigest()
        with translated_os_errors("The artifact cannot be stored", self.directory):
            self.directory.mkdir(parents=True, exist_ok=True)
            with temporary_file(self.directory) as (handle, temporary):
                handle.write(content)
                self._publish(handle, temporary, key)
        return key

    def _link(self, path: Path, source: BinaryIO) -> str | None:
        """Keep a file by one more name; None where that cannot be done and it must be copied."""
        key = copy_hashed(source, None)
        source.seek(0)
        final = self._path(key)
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.exists():
                return key if os.path.samefile(path, final) or _holds(final, key) else None
            os.link(path, final, follow_symlinks=False)
        except OSError:  # another file system, or one without links
            return None
        return key

    def _put(self, source: BinaryIO) -> str:
        self.directory.mkdir(parents=True, exist_ok=True)
        with temporary_file(self.directory) as (handle, temporary):
            key = copy_hashed(source, handle)
            self._publish(handle, temporary, key)
        return key

    def _publish(self, handle: BinaryIO, temporary: Path, key: str) -> None:
        flush(handle)
        final = self._path(key)
        final.parent.mkdir(exist_ok=True)
        # Also where the object exists already: the content is equal, and a damaged one is healed.
        os.replace(temporary, final)
        descriptor = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, key: str) -> BinaryIO:
        """A stream of an object's content; see `ArtifactBackend`."""
        path = self._path(key)
        try:
            return open(path, "rb")
        except FileNotFoundError as error:
            raise StorageError(
                f"The artifact {key} is missing from '{self.directory}'. Restore the directory from a "
                f"backup, or train the model again."
            ) from error
        except OSError as error:
            raise StorageError(f"The artifact {key} cannot be read: {error}.") from error

    def exists(self, key: str) -> bool:
        """Whether the object is there; see `ArtifactBackend`."""
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        """Remove an object; see `ArtifactBackend`."""
        with translated_os_errors("The artifact cannot be removed", self.directory):
            self._path(key).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[str]:
        """The keys of all objects; see `ArtifactBackend`."""
        for path in self.directory.glob("[0-9a-f][0-9a-f]/*"):
            key = path.parent.name + path.name
            if _KEY.fullmatch(key):
                yield key

    def sweep_temporary(self) -> int:
        """Remove what killed writers left; see `ArtifactBackend`."""
        return sweep_temporary(self.directory)

    def _path(self, key: str) -> Path:
        check_key(key)
        return self.directory / key[:2] / key[2:]


def _holds(path: Path, key: str) -> bool:
    """Whether an object is undamaged; a damaged one is healed by a copy."""
    with open(path, "rb") as stream:
        return copy_hashed(stream, None) == key
