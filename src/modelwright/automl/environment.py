"""What a model was made with: versions that matter when it is used or made again."""

from __future__ import annotations

import platform
from importlib import metadata

__all__ = ["environment"]

_PACKAGES = ("numpy", "polars", "scikit-learn", "scipy", "lightgbm", "catboost", "xgboost", "optuna")


def environment() -> dict[str, str]:
    """Versions of Python, of Modelwright and of the libraries that decide what a model is.

    Examples
    --------
    >>> "python" in environment()
    True
    """
    found = {
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
    for package in ("modelwright", *_PACKAGES):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
