"""What a project needs installed: the packages that its modules import, in the versions of the training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import metadata

from modelwright.core import ModelwrightError

__all__ = ["Requirement", "requirements", "requirements_text"]

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}
"""Names under which packages are installed, where these are others."""

_OPTIONAL = {"zstandard": "only to read files that end in .zst", "pandas": "only for data frames of pandas"}
_WITH = {
    "catboost": ("pandas", "scipy"),
    "lightgbm": ("scipy",),
    "sklearn": ("scipy",),
    "xgboost": ("scipy",),
}
"""Package to others that it brings along, and whose versions matter as well."""

_LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"


@dataclass(frozen=True)
class Requirement:
    """One line of a list of requirements.

    Attributes
    ----------
    name, version : str
    marker : str
        Machines that it is meant for; empty for all.
    recorded : bool
        Whether the version is the one that training recorded; else the one that is installed where the
        project was written.
    """

    name: str
    version: str
    marker: str = ""
    recorded: bool = True

    def __str__(self) -> str:
        return f"{self.name}=={self.version}" + (f"; {self.marker}" if self.marker else "")


def requirements(
    packages: Collection[str],
    environment: Mapping[str, str],
    installed: Callable[[str], str | None] | None = None,
) -> list[Requirement]:
    """The requirements for imported packages.

    Parameters
    ----------
    packages : collection of str
        Top-level names of imports; those of the standard library are ignored.
    environment : mapping
        Versions that training recorded.
    installed : callable, optional
        From the name of a distribution to its version here, None where it is absent.

    Raises
    ------
    ModelwrightError
        If a version is known neither from the training nor from here.

    Examples
    --------
    >>> recorded = {"numpy": "2.2", "scikit-learn": "1.8", "scipy": "1.16"}
    >>> [str(each) for each in requirements({"numpy", "sklearn", "json"}, recorded)]
    ['numpy==2.2', 'scikit-learn==1.8', 'scipy==1.16']
    """
    known = installed or _installed
    outside = {name for name in packages if name not in sys.stdlib_module_names}
    needed = {name for name in outside if name not in _OPTIONAL}
    needed |= {other for name in outside for other in _WITH.get(name, ())}
    found: list[Requirement] = []
    for name in sorted(needed):
        found += _lines(_DISTRIBUTIONS.get(name, name), environment, known)
    return sorted(found, key=lambda each: (each.name, each.marker))


def _lines(
    name: str, environment: Mapping[str, str], installed: Callable[[str], str | None]
) -> list[Requirement]:
    if name == "xgboost":
        small = environment.get("xgboost-cpu") or installed("xgboost-cpu")
        if "xgboost" not in environment and small is not None:
            # Two names for the same library: the one without code for GPUs exists for one kind of machine.
            recorded = "xgboost-cpu" in environment
            return [
                Requirement(
                    "xgboost", small, "sys_platform != 'linux' or platform_machine != 'x86_64'", recorded
                ),
                Requirement("xgboost-cpu", small, _LINUX, recorded),
            ]
    version = environment.get(name)
    if version is not None:
        return [Requirement(name, version)]
    version = installed(name)
    if version is None:
        raise ModelwrightError(
            f"The project needs {name!r}, whose version is neither recorded in the model nor known here. "
            f"Install the package, and export again."
        )
    return [Requirement(name, version, recorded=False)]


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def requirements_text(
    found: Collection[Requirement], packages: Collection[str], environment: Mapping[str, str]
) -> str:
    """The text of ``requirements.txt``.

    Examples
    --------
    >>> print(requirements_text([Requirement("numpy", "2.2")], {"numpy"}, {"python": "3.12.1"}), end="")
    # The model was trained with Python 3.12.1 and these versions.
    numpy==2.2
    """
    lines = [f"# The model was trained with Python {environment.get('python', '3')} and these versions."]
    if any(not each.recorded for each in found):
        unknown = ", ".join(sorted({each.name for each in found if not each.recorded}))
        lines.append(f"# Not recorded at training, so the version where this was written: {unknown}.")
    names = {each.name for each in found}
    lines += [str(each) for each in found]
    lines += [f"# {name}: {why}" for name, why in _OPTIONAL.items() if name in packages and name not in names]
    return "\n".join(lines) + "\n"
