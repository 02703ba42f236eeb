"""What some definitions of this package need of it, down to single methods: no more goes into a project.

Starting from a few names, every definition that is used by one that stays is kept. Methods, and values of
classes that are no records, are kept where an attribute of their name is used anywhere in what stays: that
keeps too much now and then, never too little. What only training needs (`LEFT_OUT`) is never kept.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from modelwright.core import ModelwrightError
from modelwright.export.project.references import References, find_references
from modelwright.export.project.sources import Piece, Source, is_own, parse_source, read_source

__all__ = ["LEFT_OUT", "Definition", "Kept", "extract", "imported_packages", "undefined_names"]

Definition = tuple[str, str]
"""A module and a name in it."""

LEFT_OUT = frozenset(
    {
        *("fit", "fit_with", "fit_transform", "save", "merged", "together", "contributions", "transform_row"),
        *("portfolio", "space", "estimate", "supports", "settings", "_write", "_engine_bytes", "size_bytes"),
        *("to_dict", "shape", "Column.from_dict", "Schema.from_dict", "__eq__", "__hash__", "__repr__"),
    }
)
"""Methods for training, writing and single rows, of all classes or of one: a project reads models and
predicts tables."""


@dataclass
class Kept:
    """What stays of one module.

    Attributes
    ----------
    source : Source
    pieces : set of int
        Positions in `Source.pieces`.
    members : dict of int to set of int
        Position of a class to positions in its members.
    externals : set of str
        Local names of what other packages bring.
    internals : dict of str to Definition
        Local names of what other modules of this package bring, and where that is defined.
    inner : dict of Definition to Definition
        Where imports inside functions lead.
    """

    source: Source
    pieces: set[int] = field(default_factory=set)
    members: dict[int, set[int]] = field(default_factory=dict)
    externals: set[str] = field(default_factory=set)
    internals: dict[str, Definition] = field(default_factory=dict)
    inner: dict[Definition, Definition] = field(default_factory=dict)


def extract(
    roots: Iterable[Definition],
    *,
    written: Mapping[str, str] | None = None,
    instead: Mapping[Definition, Definition] | None = None,
) -> dict[str, Kept]:
    """Everything that some definitions need.

    Parameters
    ----------
    roots : iterable of (module, name)
        What has to stay.
    written : mapping of str to str, optional
        Modules to take from a text in place of their file.
    instead : mapping, optional
        What takes the place of a definition wherever it is imported.

    Returns
    -------
    dict of str to Kept
        By module, in alphabetical order.

    Raises
    ------
    ModelwrightError
        If a name cannot be found.

    Examples
    --------
    >>> found = extract([("modelwright.core.optional", "require")])
    >>> list(found), len(found["modelwright.core.optional"].pieces)
    (['modelwright.core.errors', 'modelwright.core.optional'], 1)
    """
    work = _Work(dict(written or {}), dict(instead or {}))
    for module, name in roots:
        work.need(work.where(module, name))
    work.finish()
    return dict(sorted(work.kept.items()))


class _Work:
    """One extraction: what is kept so far, and what has not been looked at yet."""

    def __init__(self, written: Mapping[str, str], instead: Mapping[Definition, Definition]) -> None:
        self.kept: dict[str, Kept] = {}
        self._sources = {name: parse_source(name, text) for name, text in written.items()}
        self._instead = instead
        self._attributes: set[str] = set()
        self._pending: list[tuple[str, References]] = []

    def source(self, module: str) -> Source:
        return self._sources.get(module) or read_source(module)

    def where(self, module: str, name: str) -> Definition:
        """Where a name of this package is defined, through packages that only pass it on."""
        seen: set[Definition] = set()
        while (module, name) in self._instead and (module, name) not in seen:
            seen.add((module, name))
            module, name = self._instead[module, name]
        source = self.source(module)
        if source.defining(name):
            return module, name
        passed = source.imports.get(name)
        if passed is None or not is_own(passed.module) or not passed.name:
            raise ModelwrightError(f"{module} defines no {name!r}: the project cannot be written.")
        return self.where(passed.module, passed.name)

    def need(self, definition: Definition) -> None:
        module, name = definition
        if module not in self.kept:
            self.kept[module] = Kept(self.source(module))
            for at, piece in enumerate(self.kept[module].source.pieces):
                if piece.always:
                    self._keep(module, at)
        for at in self.kept[module].source.defining(name):
            self._keep(module, at)

    def finish(self) -> None:
        while self._pending:
            module, uses = self._pending.pop()
            for name in uses.names:
                self._use(module, name)
            for node in uses.imports:
                self._import(module, node)
            self._reach(uses.attributes - self._attributes)

    def _keep(self, module: str, at: int) -> None:
        kept = self.kept[module]
        if at in kept.pieces:
            return
        piece = kept.source.pieces[at]
        kept.pieces.add(at)
        self._pending.append((module, piece.uses))
        if piece.members or isinstance(piece.node, ast.ClassDef):
            kept.members[at] = set()
            self._keep_members(module, at)

    def _keep_members(self, module: str, at: int) -> None:
        kept = self.kept[module]
        owner = kept.source.pieces[at]
        for place, member in enumerate(owner.members):
            if place not in kept.members[at] and self._is_used(owner, member):
                kept.members[at].add(place)
                self._pending.append((module, member.uses))

    def _is_used(self, owner: Piece, member: Piece) -> bool:
        names = {*member.names, *(f"{owner.names[0]}.{name}" for name in member.names)}
        if LEFT_OUT & names and not isinstance(member.node, ast.AnnAssign):
            return False
        return member.always or not self._attributes.isdisjoint(member.names)

    def _reach(self, attributes: set[str] | frozenset[str]) -> None:
        """Keep the members of classes that these names may mean."""
        if not attributes:
            return
        self._attributes |= attributes
        for module, kept in list(self.kept.items()):
            for at in list(kept.members):
                self._keep_members(module, at)

    def _use(self, module: str, name: str) -> None:
        kept = self.kept[module]
        if kept.source.defining(name):
            for at in kept.source.defining(name):
                self._keep(module, at)
            return
        found = kept.source.imports.get(name)
        if found is None:
            return  # built in, or a name of the class that it stands in
        if not is_own(found.module):
            kept.externals.add(name)
        elif name not in kept.internals:
            kept.internals[name] = self.where(found.module, found.name)
            self.need(kept.internals[name])

    def _import(self, module: str, node: ast.Import | ast.ImportFrom) -> None:
        """An import inside a function."""
        if isinstance(node, ast.Import) or not is_own(node.module or ""):
            return
        for each in node.names:
            given = (node.module or "", each.name)
            target = self.where(*given)
            self.kept[module].inner[given] = target
            self.need(target)


def undefined_names(source: Source) -> list[str]:
    r"""Names that a module uses and does not have: there are none in a module that is whole.

    Examples
    --------
    >>> undefined_names(parse_source("a", "import os\nx = os.sep + y + str(1)"))
    ['y']
    """
    known = {*dir(builtins), "__file__", "__name__", *source.imports}
    pieces = [*source.pieces, *(member for piece in source.pieces for member in piece.members)]
    known |= {name for piece in pieces for name in piece.names}
    return sorted({name for piece in pieces for name in piece.uses.names} - known)


def imported_packages(source: Source, text: str) -> set[str]:
    r"""Top-level packages that a module imports when it runs, at whatever depth.

    Examples
    --------
    >>> text = "import os.path\ndef f():\n    from scipy import stats"
    >>> sorted(imported_packages(parse_source("a", text), text))
    ['os', 'scipy']
    """
    found = {each.module for each in source.imports.values() if not each.typing_only}
    for node in find_references([ast.parse(text)]).imports:
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        else:
            found |= {each.name for each in node.names}
    return {name.partition(".")[0] for name in found if name}
