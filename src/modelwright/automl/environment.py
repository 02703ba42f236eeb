"""What a model was made with: versions and facts of the machine that matter when it is made again."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["environment", "machine"]

_PACKAGES = (
    "numpy",
    "polars",
    "scikit-learn",
    "scipy",
    "lightgbm",
    "catboost",
    "xgboost",
    "xgboost-cpu",
    "optuna",
)


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


_INSTRUCTIONS = ("avx", "avx2", "avx512f", "fma", "asimd", "sve")
"""Vector instructions by which numerical libraries choose how they add up."""


def machine() -> dict[str, Any]:
    """What of this machine may change the last digits of a model, or what a run has the room for.

    Returns
    -------
    dict
        ``processor`` (its name), ``instructions`` (of vectors), ``processors`` (of the machine) and
        ``memory_bytes`` (None where the system does not tell).

    Examples
    --------
    >>> sorted(machine())
    ['instructions', 'memory_bytes', 'processor', 'processors']
    """
    told: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, colon, value = line.partition(":")
            if colon:
                told.setdefault(name.strip().lower(), value.strip())
    except (OSError, ValueError):
        told = {}
    flags = set((told.get("flags") or told.get("features") or "").split())
    return {
        "processor": told.get("model name") or platform.processor() or platform.machine(),
        "instructions": [name for name in _INSTRUCTIONS if name in flags],
        "processors": os.cpu_count() or 1,
        "memory_bytes": _memory(),
    }


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
