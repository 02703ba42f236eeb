"""Artifacts by content: files and whole directories that are named by their SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from modelwright.core import BadInput, StorageError, canonical_json
from modelwright.storage.atomic import publish_directory, temporary_directory
from modelwright.storage.backends import ArtifactBackend, check_key, copy_hashed
from modelwright.storage.faults import translated_os_errors

__all__ = ["ArtifactStore"]

_TREE = "modelwright-tree-1"


class ArtifactStore:
    """Files and directories in a place that an `ArtifactBackend` gives.

    A directory is stored as its files and one more object, a canonical JSON manifest that maps each
    relative path to the key of its content. The manifest's key names the whole directory: equal
    directories have equal keys wherever they lie. Empty directories and file modes are not kept.

    Parameters
    ----------
    backend : ArtifactBackend
        Where the objects lie.

    Examples
    --------
    >>> import tempfile
    >>> from modelwright.storage.backends import DirectoryBackend
    >>> with tempfile.TemporaryDirectory() as place:
    ...     model = Path(place, "model")
    ...     model.mkdir()
    ...     _ = (model / "weights.txt").write_text("1 2 3")
    ...     store = ArtifactStore(DirectoryBackend(Path(place, "artifacts")))
    ...     key = store.put_tree(model)
    ...     store.materialise(key, Path(place, "copy"))
    ...     Path(place, "copy", "weights.txt").read_text()
    '1 2 3'
    """

    def __init__(self, backend: ArtifactBackend) -> None:
        self.backend = backend

    def put_file(self, path: Path) -> str:
        """Store a regular file's content.

        Returns
        -------
        str
            Its key: the SHA-256 of the content, in hexadecimal.

        Raises
        ------
        BadInput
            If it is missing or not a regular file (symbolic links are refused), or the disk is full.
        """
        return self.backend.put_file(path)

    def put_bytes(self, content: bytes) -> str:
        """Store some bytes and return their key; see `put_file`."""
        return self.backend.put_bytes(content)

    def put_tree(self, directory: Path, *, share: bool = False) -> str:
        """Store a directory.

        The manifest is written last: a key that was returned is always complete.

        Parameters
        ----------
        directory : Path
            Regular files and directories alone.
        share : bool, default False
            Its files will never be changed, so they need not lie on the disk twice: a store on the same
            file system keeps them by hard links.

        Returns
        -------
        str
            The key of its manifest.

        Raises
        ------
        BadInput
            If it is not a directory, or holds a symbolic link, a device or an unportable name.
        """
        if directory.is_symlink() or not directory.is_dir():
            raise BadInput(f"The directory cannot be stored: '{directory}' is not a directory.")
        files: dict[str, str] = {}
        with translated_os_errors("The directory cannot be stored", directory):
            for path in sorted(_regular_files(directory)):
                name = path.relative_to(directory).as_posix()
                if not _is_safe(name):
                    raise BadInput(
                        f"The directory cannot be stored: the name {name!r} in '{directory}' would not "
                        f"work on every system. Rename the file."
                    )
                files[name] = self.backend.put_file(path, share=share)
        return self.backend.put_bytes(canonical_json({"format": _TREE, "files": files}))

    def open(self, key: str) -> BinaryIO:
        """A stream of an object's content (not verified; see `verify`).

        Raises
        ------
        StorageError
            If the object is missing.
        """
        return self.backend.open(key)

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        return self.backend.exists(key)

    def files(self, key: str) -> dict[str, str]:
        """The files of a stored directory.

        Parameters
        ----------
        key : str
            What `put_tree` returned.

        Returns
        -------
        dict of str to str
            Relative path (with ``/``) to the key of its content.

        Raises
        ------
        StorageError
            If the manifest is missing, damaged or unsafe (a path that leads out of the directory).
        """
        with self.backend.open(key) as stream:
            content = stream.read()
        if hashlib.sha256(content).hexdigest() != key:
            raise _damaged(key)
        try:
            manifest = json.loads(content)
            is_tree = manifest["format"] == _TREE
            files = {str(name): check_key(item) for name, item in manifest["files"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # OptionError is a ValueError
            raise StorageError(f"The artifact {key} is a file, not a stored directory.") from error
        if not is_tree:
            raise StorageError(f"The artifact {key} is a directory of a format that is not known here.")
        for name in files:
            if not _is_safe(name):
                raise StorageError(f"The artifact {key} is refused: its path {name!r} is unsafe.")
        return files

    def materialise(self, key: str, directory: Path) -> None:
        """Write a stored directory out, verified, in one step.

        Parameters
        ----------
        key : str
            What `put_tree` returned.
        directory : Path
            Where it should lie; nothing may stand there, and its parent must exist. It appears whole
            or not at all.

        Raises
        ------
        BadInput
            If something stands there, or the place cannot be written.
        StorageError
            If an object is missing or its content does not match its key.
        """
        files = self.files(key)
        with temporary_directory(directory) as temporary:
            with translated_os_errors("The directory cannot be written", directory):
                for name, item in files.items():
                    path = temporary / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with self.backend.open(item) as source, open(path, "xb") as destination:
                        if copy_hashed(source, destination) != item:
                            raise _damaged(item)
            publish_directory(temporary, directory)

    def verify(self, key: str) -> None:
        """Check that an object is there and its content matches its key.

        Raises
        ------
        StorageError
            If it does not.
        """
        check_key(key)
        with self.backend.open(key) as stream:
            if copy_hashed(stream, None) != key:
                raise _damaged(key)

    def verify_tree(self, key: str) -> None:
        """Check a stored directory: its manifest and every file.

        Raises
        ------
        StorageError
            If anything is missing or damaged.
        """
        for item in self.files(key).values():
            self.verify(item)

    def delete(self, key: str) -> None:
        """Remove one object. The caller knows that nothing else refers to it."""
        self.backend.delete(key)

    def sweep_temporary(self) -> int:
        """Remove what killed writers left; the number of things removed."""
        return self.backend.sweep_temporary()


def _regular_files(directory: Path) -> list[Path]:
    found: list[Path] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += _regular_files(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                found.append(Path(entry.path))
            else:
                raise BadInput(
                    f"The directory cannot be stored: '{entry.path}' is a symbolic link or a device. "
                    f"Replace it by a file."
                )
    return found


def _is_safe(name: str) -> bool:
    r"""Whether a relative path stays inside any directory on any system.

    Examples
    --------
    >>> [_is_safe(name) for name in ("a/b.txt", "../a", "/a", "a//b", "a/./b", "c:\\a", "")]
    [True, False, False, False, False, False, False]
    """
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and "/".join(parts) == name
        and ".." not in parts
        and not any(character in '\\:*?"<>|' or ord(character) < 32 for character in name)
        and not any(0xD800 <= ord(character) <= 0xDFFF for character in name)
    )


def _damaged(key: str) -> StorageError:
    return StorageError(
        f"The artifact {key} is damaged: its content does not match its key. Restore it from a backup, or "
        f"train the model again."
    )
