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
    parts: dict[int, list[zipfile.ZipInfo]] = {}
    models: list[FittedLearner] = []
    try:
        size = file.stat().st_size
        with zipfile.ZipFile(file) as archive, _scratch(None) as place:
            for entry in archive.infolist():
                stored = entry.compress_type == zipfile.ZIP_STORED and entry.file_size <= size
                if not _NAME.fullmatch(entry.filename) or not stored:
                    raise ValueError(f"it holds {entry.filename!r}")
                parts.setdefault(int(entry.filename.partition("/")[0]), []).append(entry)
            if sorted(parts) != list(range(len(loaders))):
                raise ValueError(f"it holds {len(parts)} models, not {len(loaders)}")
            for position, load in enumerate(loaders):
                written = [place / entry.filename.partition("/")[2] for entry in parts[position]]
                for path, entry in zip(written, parts[position], strict=True):
                    path.write_bytes(archive.read(entry))
                models.append(load(place))
                for path in written:
                    path.unlink(missing_ok=True)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BundleError(
            f"{file.name} of a model is missing or damaged ({error}). Copy the model again, or train it "
            "again."
        ) from error
    return models


@contextmanager
def _scratch(parent: Path | None) -> Iterator[Path]:
    """An empty directory, removed at the end."""
    place = Path(tempfile.mkdtemp(prefix="models-", dir=parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
