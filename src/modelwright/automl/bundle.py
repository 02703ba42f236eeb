"""The bundle: a model as a directory of data files, each with its hash. Nothing in it is ever executed.

`docs/bundle-format.md` is the specification.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from modelwright.core import (
    BundleError,
    ModelwrightError,
    OptionError,
    canonical_json,
    hash_file,
    hash_json,
)
from modelwright.storage import publish_directory, temporary_directory

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST",
    "check_output",
    "copy_bundle",
    "open_bundle",
    "place_bundle",
    "read_part",
    "seal_bundle",
]

FORMAT = "modelwright-bundle"
FORMAT_VERSION = 2
MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 256 * 2**20


def seal_bundle(directory: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Hash every file of a directory and write the manifest that makes a bundle of it.

    Parameters
    ----------
    directory : Path
        Holds every other file of the bundle already.
    manifest : mapping
        JSON-able facts about the model.

    Returns
    -------
    dict
        The manifest as written.
    """
    files = {
        path.relative_to(directory).as_posix(): {"sha256": hash_file(path), "bytes": path.stat().st_size}
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    whole = {"format": FORMAT, "format_version": FORMAT_VERSION, **manifest, "files": files}
    # Through JSON and back: the digest is taken of exactly what a reader will parse.
    parsed: dict[str, Any] = json.loads(canonical_json(whole))
    parsed["digest"] = hash_json(parsed)
    text = json.dumps(parsed, indent=1, ensure_ascii=False, allow_nan=False)
    (directory / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
    return parsed


def open_bundle(path: Path) -> dict[str, Any]:
    """The manifest of a bundle whose every file has been found, and found unchanged.

    Parameters
    ----------
    path : Path
        The bundle's directory.

    Raises
    ------
    BundleError
        If it is no bundle, is of a newer format, or a file is missing, changed, or not a plain file
        inside the bundle. The file is named. Nothing is parsed before its hash has been verified.
    """
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise BundleError(f"A model bundle is a directory, but {str(path)!r} {what}. Check the path.")
    manifest = _read_manifest(path)
    for name, facts in manifest["files"].items():
        _verify(path, name, facts if isinstance(facts, dict) else {})
    for file in (path / "members").rglob("*"):
        if not file.is_dir() and file.relative_to(path).as_posix() not in manifest["files"]:
            raise BundleError(
                f"The bundle {str(path)!r} holds a model file that its manifest does not list: "
                f"{file.relative_to(path).as_posix()!r}. Copy the bundle again from its source."
            )
    return manifest


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    if file.is_symlink() or not file.is_file():
        raise BundleError(
            f"{str(path)!r} is not a model bundle: it has no file {MANIFEST}. Give the directory that "
            "'modelwright train' wrote."
        )
    if file.stat().st_size > _LARGEST_MANIFEST:
        raise BundleError(f"The file {MANIFEST} of {str(path)!r} is too large to be a manifest.")
    try:
        manifest = json.loads(file.read_bytes())
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ValueError("it does not say that it is one")
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"The file {MANIFEST} of {str(path)!r} cannot be read as a bundle's manifest ({error}). "
            "The bundle is damaged: copy it again from its source."
        ) from error
    version = manifest.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise BundleError(
            f"The bundle {str(path)!r} has format {version!r}, but this version of Modelwright reads "
            f"formats up to {FORMAT_VERSION}. Upgrade Modelwright."
        )
    digest = manifest.pop("digest", None)
    if digest != hash_json(manifest) or not isinstance(manifest.get("files"), dict):
        raise BundleError(
            f"The file {MANIFEST} of {str(path)!r} was changed after it was written. The bundle cannot "
            "be trusted: copy it again from its source."
        )
    manifest["digest"] = digest
    return manifest


def _verify(path: Path, name: str, facts: Any) -> None:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or not name or "\0" in name:
        raise BundleError(f"The manifest of {str(path)!r} names a file outside the bundle: {name!r}.")
    file = path / name
    steps = [path.joinpath(*parts.parts[:depth]) for depth in range(1, len(parts.parts) + 1)]
    if any(step.is_symlink() for step in steps):
        raise BundleError(
            f"The file {name!r} of the bundle {str(path)!r} is a link, which a bundle never holds."
        )
    if not file.is_file():
        raise BundleError(f"The file {name!r} of the bundle {str(path)!r} is missing. Copy the bundle again.")
    if file.stat().st_size != facts.get("bytes") or hash_file(file) != facts.get("sha256"):
        raise BundleError(
            f"The file {name!r} of the bundle {str(path)!r} is damaged or was changed after it was "
            "written (its hash differs from the manifest's). Copy the bundle again from its source."
        )


def read_part(path: Path, manifest: Mapping[str, Any], name: str) -> Any:
    """One JSON part of a verified bundle.

    Raises
    ------
    BundleError
        If the manifest does not list it.
    """
    if name not in manifest["files"]:
        raise BundleError(f"The bundle {str(path)!r} has no part {name!r}.")
    return json.loads((path / name).read_bytes())


def copy_bundle(source: Path, target: Path) -> Path:
    """Copy a bundle to a place where nothing, or another bundle, stands."""
    check_output(target)
    return place_bundle(target, lambda temporary: shutil.copytree(source, temporary, dirs_exist_ok=True))


def check_output(target: Path) -> None:
    """Refuse a place for a bundle where something else stands.

    Raises
    ------
    OptionError
        If something that is not a bundle is there, or its parent directory does not exist.
    """
    if (
        target.exists()
        and not (target / MANIFEST).is_file()
        and (not target.is_dir() or any(target.iterdir()))
    ):
        raise OptionError(
            f"A model is written to a new directory, but {str(target)!r} exists and is not a model. "
            "Choose another path."
        )
    if not target.parent.is_dir():
        raise OptionError(
            f"The folder {str(target.parent)!r} for the model does not exist. Make it first, or choose "
            "another path."
        )
    try:  # found now, not after an hour of training
        with temporary_directory(target):
            pass
    except ModelwrightError as error:
        raise OptionError(f"No model can be written to {str(target)!r}: {error}") from error


def place_bundle(target: Path, fill: Callable[[Path], object]) -> Path:
    """Fill a new directory and put it in a place, in one step; what stood there goes afterwards."""
    with temporary_directory(target) as temporary:
        fill(temporary)
        if not target.exists():
            publish_directory(temporary, target)
            return target
        with temporary_directory(target) as old:
            target.rename(old / "replaced")
            publish_directory(temporary, target)
    return target
