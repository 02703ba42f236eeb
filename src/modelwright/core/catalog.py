"""The one way to offer choices: an explicit table of names, loaded lazily, open to third parties."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from modelwright.core.errors import BadInput, UnknownName, nearest

__all__ = ["Catalog"]


class Catalog:
    """Names of one kind of part (learners, metrics, splitters, ...) and where each one lives.

    A built-in part is one line in the room's ``catalog.py``: ``name -> "module:object"``. Nothing is
    imported until it is asked for. A third-party package adds its own by an entry point in the group
    ``modelwright.<kind>s``; a built-in name cannot be taken over.

    Parameters
    ----------
    kind : str
        Singular noun used in messages and in the entry-point group: ``"learner"``.
    builtin : mapping of str to str
        Name to ``"module:object"``.

    Examples
    --------
    >>> catalog = Catalog("encoder", {"json": "json:dumps"})
    >>> catalog.load("json")([1])
    '[1]'
    >>> catalog.load("jsn")
    Traceback (most recent call last):
        ...
    modelwright.core.errors.UnknownName: There is no encoder 'jsn'. Did you mean 'json'? Known: json.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = f"modelwright.{kind}s"
        self._builtin = dict(builtin)
        self._loaded: dict[str, Any] = {}
        self._third_party: dict[str, EntryPoint] | None = None

    def names(self) -> tuple[str, ...]:
        """Built-in names in the order of the table, then third-party names in alphabetical order."""
        return (*self._builtin, *sorted(self._plugins()))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self._builtin or name in self._plugins()

    def load(self, name: str) -> Any:
        """The object behind a name, imported on first use.

        Raises
        ------
        UnknownName
            If no part has this name; the message lists those that exist.
        BadInput
            If the package that brings it cannot be imported.
        """
        if name not in self._loaded:
            self._loaded[name] = self._import(name)
        return self._loaded[name]

    def module(self, name: str) -> str:
        """The module that `load` would import for a name, without importing it.

        Examples
        --------
        >>> Catalog("encoder", {"json": "json:dumps"}).module("json")
        'json'
        """
        if name in self._builtin:
            return self._builtin[name].partition(":")[0]
        return self._plugins()[name].module

    def package(self, name: str) -> tuple[str, str] | None:
        """Name and version of the third-party package that brings a part; None for any other name.

        Examples
        --------
        >>> Catalog("encoder", {"json": "json:dumps"}).package("json") is None
        True
        """
        point = self._plugins().get(name)
        if point is None:
            return None
        return (point.dist.name, point.dist.version) if point.dist else (point.module, "unknown")

    def _import(self, name: str) -> Any:
        if name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        plugins = self._plugins()
        if name not in plugins:
            raise UnknownName(
                f"There is no {self.kind} {name!r}.{nearest(name, self.names())} "
                f"Known: {', '.join(self.names())}."
            )
        try:
            return plugins[name].load()
        except Exception as error:  # whatever the code of somebody else may do when it is imported
            package, version = self.package(name) or (plugins[name].module, "unknown")
            raise BadInput(
                f"The {self.kind} {name!r} of the package {package!r} {version} cannot be loaded "
                f"({type(error).__name__}: {error}). Mend that package, or uninstall it."
            ) from error

    def _plugins(self) -> dict[str, EntryPoint]:
        if self._third_party is None:
            found: dict[str, EntryPoint] = {}
            for point in entry_points(group=self.group):
                if point.name in self._builtin or point.name in found:
                    other = self._builtin.get(point.name) or found[point.name].value
                    raise BadInput(
                        f"The {self.kind} {point.name!r} of {point.value!r} has a name that is taken "
                        f"by {other!r}. Rename the entry point in the group {self.group!r}."
                    )
                found[point.name] = point
            self._third_party = found
        return self._third_party
