"""Many small models in one file: writing and removing a directory for each would take longer than fitting."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelwright.core import BundleError
from modelwright.learners import FittedLearner

__all__ = ["pack_models", "unpack_models"]

_NAME = re.compile(r"(0|[1-9][0-9]{0,5})/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ENCRYPTED = 0x1
_MOST_PARTS = 20
"""Files of one model at most."""


def pack_models(models: Sequence[FittedLearner], file: Path) -> None:
    """Write models into one uncompressed zip file: ``0/...``, ``1/...``.

    Equal models make equal files. Models are saved one after the other in a directory beside the file,
    which is gone afterwards.

    Parameters
    ----------
    models : sequence of FittedLearner
        Each saves plain files, no directories.
    file : Path
        Does not exist.
    """
    with zipfile.ZipFile(file, "x", zipfile.ZIP_STORED) as archive, _scratch(file.parent) as place:
        for position, model in enumerate(models):
            model.save(place)
            for part in sorted(place.iterdir()):
                archive.writestr(zipfile.ZipInfo(f"{position}/{part.name}", _EPOCH), part.read_bytes())
                part.unlink()


def unpack_models(file: Path, loaders: Sequence[Callable[[Path], FittedLearner]]) -> list[FittedLearner]:
    """The models of a file that `pack_models` wrote.

    Parameters
    ----------
    file : Path
    loaders : sequence of callables
        One for each model: reads it from a directory, which is emptied afterwards.

    Raises
    ------
    BundleError
        If the file is no such file, or names anything else than plain files of these models.
    """
    models: list[FittedLearner] = []
    try:
        size = file.stat().st_size
        with zipfile.ZipFile(file) as archive, _scratch(None) as place:
            parts = _parts(archive.infolist(), len(loaders), size)
            for entries, load in zip(parts, loaders, strict=True):
                written = [place / entry.filename.partition("/")[2] for entry in entries]
                for path, entry in zip(written, entries, strict=True):
                    path.write_bytes(archive.read(entry))
                models.append(load(place))
                for path in written:
                    path.unlink(missing_ok=True)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, RuntimeError, MemoryError) as error:
        raise BundleError(
            f"{file.name} of a model is missing or damaged ({error}). Copy the model again, or train it "
            "again."
        ) from error
    return models


def _parts(entries: Sequence[zipfile.ZipInfo], models: int, size: int) -> list[list[zipfile.ZipInfo]]:
    """The files of each model, none of which has been read.

    Raises
    ------
    ValueError
        If there are other files than those of so many models, or they say that they are larger, all
        together, than the file of ``size`` bytes that they lie in.
    """
    if len(entries) > models * _MOST_PARTS or sum(entry.file_size for entry in entries) > size:
        raise ValueError(f"it holds more than {models} models can")
    parts: list[list[zipfile.ZipInfo]] = [[] for _ in range(models)]
    seen: set[str] = set()
    for entry in entries:
        stored = entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & _ENCRYPTED
        if not stored or not _NAME.fullmatch(entry.filename) or entry.filename in seen:
            raise ValueError(f"it holds {entry.filename[:120]!r}, or holds it twice")
        seen.add(entry.filename)
        position = int(entry.filename.partition("/")[0])
        if position >= models:
            raise ValueError(f"it holds a model {position}, but there are {models}")
        parts[position].append(entry)
    if not all(parts):
        raise ValueError(f"it holds {sum(map(bool, parts))} models, not {models}")
    return parts


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    """An empty directory, removed at the end."""
    place = Path(tempfile.mkdtemp(prefix="models-", dir=parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
