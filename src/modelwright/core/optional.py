"""Optional dependencies: imported when needed, with one clear line when they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from modelwright.core.errors import MissingExtra

__all__ = ["require"]


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional module, or say how to install it.

    Parameters
    ----------
    module : str
        The module to import, for example ``"psycopg"``.
    extra : str
        The extra of Modelwright that brings it, for example ``"postgres"``.
    purpose : str
        What needs it, as the beginning of a sentence ("A PostgreSQL workspace").

    Raises
    ------
    MissingExtra
        If the module is not installed.

    Examples
    --------
    >>> require("json", "none", "This example").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs the package {module!r}, which is not installed ({error}). "
            f"Install it with: pip install 'modelwright[{extra}]'"
        ) from error
