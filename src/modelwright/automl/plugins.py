"""Which installed packages a model needs besides Modelwright, and what to say where one is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.core import Catalog, MissingExtra
from modelwright.learners import LEARNERS
from modelwright.metrics import METRICS

__all__ = ["needed_plugins", "read_plugins", "require_plugins"]

_CATALOGS: Mapping[str, Catalog] = {catalog.kind: catalog for catalog in (LEARNERS, METRICS)}


def needed_plugins(learners: Iterable[str], metric: str) -> list[dict[str, str]]:
    """The parts of a model that third parties brought, for its manifest.

    Parameters
    ----------
    learners : iterable of str
        Names in the catalog.
    metric : str
        As it was asked for, perhaps with a parameter after a colon.

    Returns
    -------
    list of dict
        ``kind`` and ``name`` of each part, ``package`` and ``version`` of what brought it.

    Examples
    --------
    >>> needed_plugins(["linear", "lightgbm"], "quantile:0.9")
    []
    """
    parts = [("learner", name) for name in dict.fromkeys(learners)]
    parts.append(("metric", metric.partition(":")[0]))
    return [
        {"kind": kind, "name": name, "package": package[0], "version": package[1]}
        for kind, name in parts
        if (package := _CATALOGS[kind].package(name)) is not None
    ]


def read_plugins(manifest: Mapping[str, Any]) -> tuple[dict[str, str], ...]:
    """What `needed_plugins` left in a manifest; older ones have nothing of the kind.

    Raises
    ------
    KeyError, TypeError
        If it is something else.
    """
    keys = ("kind", "name", "package", "version")
    return tuple({key: str(entry[key]) for key in keys} for entry in manifest.get("plugins", ()))


def require_plugins(plugins: Iterable[Mapping[str, str]], kind: str) -> None:
    """Check that what a model needs of one kind is installed here.

    Raises
    ------
    MissingExtra
        If it is not; the message names the package.

    Examples
    --------
    >>> need = {"kind": "learner", "name": "rules", "package": "wright-rules", "version": "1.2"}
    >>> require_plugins([need], "learner")
    Traceback (most recent call last):
        ...
    modelwright.core.errors.MissingExtra: The model needs the learner 'rules' of the package 'wright-rules' \
(trained with version 1.2), which is not installed here. Install it with: pip install 'wright-rules'
    """
    for plugin in plugins:
        if plugin["kind"] == kind and plugin["name"] not in _CATALOGS[kind]:
            raise MissingExtra(
                f"The model needs the {kind} {plugin['name']!r} of the package {plugin['package']!r} "
                f"(trained with version {plugin['version']}), which is not installed here. Install it with: "
                f"pip install {plugin['package']!r}"
            )
