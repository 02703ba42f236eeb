"""The checks of the doctor: Python, packages, system libraries, memory, the workspace."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["Check", "examine"]

PACKAGE = "modelwright"
OLDEST_PYTHON = (3, 11)
XGBOOSTS = ("xgboost", "xgboost-cpu")
LOW_MEMORY = 2 * 2**30
LOW_DISK = 2**30


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes
    ----------
    name : str
        What was looked at.
    status : str
        ``"ok"``, ``"warn"`` (works, but look at it) or ``"fail"`` (training or predicting will not work).
    message : str
        What was found, and what to do about it.
    """

    name: str
    status: str
    message: str


def _python() -> Iterator[Check]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= OLDEST_PYTHON:
        yield Check("python", "ok", version)
    else:
        oldest = ".".join(str(part) for part in OLDEST_PYTHON)
        yield Check("python", "fail", f"{version} is too old: install Python {oldest} or later")


def _requirements() -> list[Requirement] | None:
    """What the installed package asks for, or None when it runs from a source tree."""
    from packaging.requirements import Requirement

    try:
        return [Requirement(line) for line in metadata.requires(PACKAGE) or ()]
    except metadata.PackageNotFoundError:
        return None


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _packages(requirements: list[Requirement]) -> Iterator[Check]:
    """Every package of the core against the bounds that it was tested within."""
    for requirement in requirements:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        version = _installed(requirement.name)
        if version is None:
            command = f"pip install '{requirement.name}{requirement.specifier}'"
            yield Check(requirement.name, "fail", f"not installed: {command}")
        elif not requirement.specifier.contains(version, prereleases=True):
            wanted = f"tested with {requirement.specifier}"
            yield Check(requirement.name, "warn", f"{version}, but {wanted}: pip install --upgrade {PACKAGE}")
        else:
            yield Check(requirement.name, "ok", version)


def _extras(requirements: list[Requirement], extras: Iterable[str]) -> Iterator[Check]:
    """Optional parts: absent is fine and told in one line, half installed is worth a word."""
    whole, absent = [], []
    for extra in extras:
        needed = [
            item.name
            for item in requirements
            if item.marker is not None
            and item.marker.evaluate({"extra": extra})
            and not item.marker.evaluate({"extra": ""})
        ]
        missing = [name for name in needed if _installed(name) is None]
        install = f"pip install '{PACKAGE}[{extra}]'"
        if not missing:
            whole.append(extra)
        elif len(missing) == len(needed):
            absent.append(extra)
        else:
            yield Check(f"extra {extra}", "warn", f"lacks {', '.join(missing)}: {install}")
    facts = [f"installed: {', '.join(whole)}"] if whole else []
    if absent:
        facts.append(f"not installed (optional, pip install '{PACKAGE}[NAME]'): {', '.join(absent)}")
    if facts:
        yield Check("extras", "ok", "; ".join(facts))


def _installation() -> Iterator[Check]:
    requirements = _requirements()
    if requirements is None:
        yield Check("packages", "warn", "run from a source tree: versions are not compared with bounds")
        return
    yield from _packages(requirements)
    yield from _extras(requirements, metadata.metadata(PACKAGE).get_all("Provides-Extra") or ())


def _openmp() -> Iterator[Check]:
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        yield Check(
            "libgomp",
            "fail",
            "libgomp.so.1 is missing, LightGBM needs it: apt-get install libgomp1 (dnf install libgomp)",
        )
    else:
        yield Check("libgomp", "ok", "libgomp.so.1 loads")


def _xgboost(installed: Collection[str]) -> Iterator[Check]:
    if len(installed) > 1:
        names = " and ".join(installed)
        yield Check(
            "xgboost",
            "fail",
            f"{names} are both installed and own the same folder: pip uninstall {' '.join(installed)}, "
            "then install one of them",
        )


def _resources() -> Iterator[Check]:
    from modelwright.core import available_memory, available_threads, format_bytes

    threads, cores = available_threads(), os.cpu_count() or 1
    limited = f" of {cores} (limited by affinity or container)" if threads < cores else ""
    yield Check("threads", "ok", f"{threads}{limited}")
    memory = available_memory()
    if memory < LOW_MEMORY:
        advice = "small tables only; close programs or raise the container's limit"
        yield Check("memory", "warn", f"{format_bytes(memory)} available: {advice}")
    else:
        yield Check("memory", "ok", f"{format_bytes(memory)} available")


def _existing(path: Path) -> Path:
    """The path itself or its nearest ancestor that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _workspace(location: str | None) -> Iterator[Check]:
    """Whether the workspace's place can be written, without making the workspace."""
    from modelwright.core import ModelwrightError, format_bytes
    from modelwright.storage.location import parse_location

    try:
        place = parse_location(location)
    except ModelwrightError as error:
        yield Check("workspace", "fail", str(error))
        return
    if place.url is not None:
        yield from _database(location)
    nearest = _existing(place.root)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            free = shutil.disk_usage(nearest).free
    except OSError as error:
        reason = f"{place.root} cannot be written ({error.strerror}): give --workspace DIR"
        yield Check("workspace", "fail", reason)
        return
    if free < LOW_DISK:
        yield Check("workspace", "warn", f"{place.root}: only {format_bytes(free)} free on the disk")
    else:
        yield Check("workspace", "ok", f"{place.root} can be written, {format_bytes(free)} free")


def _database(location: str | None) -> Iterator[Check]:
    from modelwright.core import ModelwrightError
    from modelwright.storage import Workspace

    try:
        with Workspace.open(location) as workspace:
            yield Check("database", "ok", f"{workspace.description} answers")
    except ModelwrightError as error:
        yield Check("database", "fail", str(error))


def examine(workspace: str | None) -> list[Check]:
    """Make every check; nothing is changed and no workspace is made.

    Parameters
    ----------
    workspace : str or None
        As for `Workspace.open`.
    """
    return [
        *_python(),
        *_installation(),
        *_openmp(),
        *_xgboost([name for name in XGBOOSTS if _installed(name)]),
        *_resources(),
        *_workspace(workspace),
    ]
