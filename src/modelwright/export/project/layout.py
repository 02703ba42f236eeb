"""Where things stand in a project."""

from __future__ import annotations

from pathlib import PurePosixPath

from modelwright.export.project.sources import PACKAGE

__all__ = ["LIBRARY", "RUNTIME", "path_of", "place_of", "runtime"]

LIBRARY = "scorer"
"""The package of a project: the steps that `score.py` puts together."""

RUNTIME = f"{PACKAGE}.export.project.runtime"
_AT_THE_TOP = ("blend", "contract", "features", "score", "train")
_ELSEWHERE = {"parity": "tests.test_parity"}


def runtime(name: str) -> str:
    """The full name of a module that was written for projects.

    Examples
    --------
    >>> runtime("score")
    'modelwright.export.project.runtime.score'
    """
    return f"{RUNTIME}.{name}"


def place_of(module: str) -> str:
    """The module of a project that takes the place of one of this package.

    Examples
    --------
    >>> place_of("modelwright.features.numeric"), place_of(runtime("score")), place_of(runtime("kinds"))
    ('scorer.features.numeric', 'score', 'scorer.kinds')
    """
    if not module.startswith(f"{RUNTIME}."):
        return LIBRARY + module.removeprefix(PACKAGE)
    name = module.removeprefix(f"{RUNTIME}.")
    if name in _AT_THE_TOP:
        return name
    return _ELSEWHERE.get(name, f"{LIBRARY}.{name}")


def path_of(module: str) -> PurePosixPath:
    """The file of a project's module.

    Examples
    --------
    >>> str(path_of("scorer.features.numeric"))
    'scorer/features/numeric.py'
    """
    return PurePosixPath(*module.split(".")).with_suffix(".py")
