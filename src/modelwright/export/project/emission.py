"""Kept pieces as modules of a project: the same lines, with imports of the project's own modules."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from modelwright.core import ModelwrightError
from modelwright.export.project.extraction import Definition, Kept, undefined_names
from modelwright.export.project.layout import RUNTIME
from modelwright.export.project.sources import Piece, Source, is_own, parse_source

__all__ = ["module_text"]

_WIDTH = 110
_Named = tuple[str, str, str]
"""A module, a name in it (empty for the module itself) and the local name."""


def module_text(kept: Kept, place: Callable[[str], str], notice: str = "") -> str:
    r"""The text of one module of a project.

    Parameters
    ----------
    kept : Kept
    place : callable
        From a module of this package to the one that takes its place.
    notice : str, optional
        A comment for the first line.

    Raises
    ------
    ModelwrightError
        If the text would use a name that it does not have, or this package.

    Examples
    --------
    >>> from modelwright.export.project.extraction import extract
    >>> kept = extract([("modelwright.core.optional", "require")])["modelwright.core.optional"]
    >>> text = module_text(kept, lambda name: name.replace("modelwright", "scorer"))
    >>> print("\n".join(text.split("\n")[2:8]))
    from __future__ import annotations
    <BLANKLINE>
    import importlib
    from types import ModuleType
    <BLANKLINE>
    from scorer.core.errors import MissingExtra
    """
    source = kept.source
    edits = _Edits(source)
    if source.docstring is not None:
        edits.without_examples(source.docstring)
        if not source.name.startswith(f"{RUNTIME}."):
            edits.first_paragraph(source.docstring)
    for piece in _kept_pieces(kept):
        edits.edit(piece.node, kept.inner, place)
    parts = [f"# {notice}"] if notice else []
    if source.docstring is not None:
        parts += edits.lines(*source.docstring)
    parts += ["", "from __future__ import annotations", *_imports(kept, place)]
    before: Piece | None = None
    for at in sorted(kept.pieces):
        piece = source.pieces[at]
        parts += [""] * _gap(before, piece, source.lines)
        parts += edits.lines(*piece.lines)
        if at in kept.members:
            parts += _member_lines(kept, at, edits)
        before = piece
    text = "\n".join(parts) + "\n"
    _check(source.name, text)
    return text


def _kept_pieces(kept: Kept) -> Iterator[Piece]:
    for at in sorted(kept.pieces):
        piece = kept.source.pieces[at]
        yield piece
        for place in sorted(kept.members.get(at, ())):
            yield piece.members[place]


def _gap(before: Piece | None, piece: Piece, lines: Sequence[str]) -> int:
    """Blank lines above a definition: two around functions and classes, else as they were, at most one."""
    large = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if isinstance(piece.node, large) or (before is not None and isinstance(before.node, large)):
        return 2
    first = piece.lines[0]
    return 1 if before is None or (first >= 2 and not lines[first - 2].strip()) else 0


def _member_lines(kept: Kept, at: int, edits: _Edits) -> list[str]:
    """What stays of the body of a class; ``pass`` where it has nothing at all."""
    piece, source = kept.source.pieces[at], kept.source
    found: list[str] = []
    for place in sorted(kept.members[at]):
        member = piece.members[place]
        first = member.lines[0]
        if not source.lines[first - 2].strip():
            found.append("")
        found += edits.lines(*member.lines)
    node = piece.node
    described = isinstance(node, ast.ClassDef) and ast.get_docstring(node) is not None
    if not found and not described and piece.members:
        found.append(f"{' ' * (node.col_offset + 4)}pass")
    return found


class _Edits:
    """Lines of a module, some of them left out or replaced."""

    def __init__(self, source: Source) -> None:
        self._lines = source.lines
        self._dropped: set[int] = set()
        self._replaced: dict[int, list[str]] = {}

    def lines(self, first: int, last: int) -> list[str]:
        found: list[str] = []
        for number in range(first, last + 1):
            if number in self._replaced:
                found += self._replaced[number]
            elif number not in self._dropped:
                found.append(self._lines[number - 1])
        return found

    def edit(
        self, node: ast.stmt, inner: Mapping[Definition, Definition], place: Callable[[str], str]
    ) -> None:
        """Prepare the lines of one definition."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = node.body[0]
            if ast.get_docstring(node) is not None:
                self.without_examples((text.lineno, text.end_lineno or text.lineno))
        if isinstance(node, ast.ClassDef):
            return
        for each in ast.walk(node):
            if isinstance(each, ast.ImportFrom) and is_own(each.module or ""):
                self._redirect(each, inner, place)

    def without_examples(self, span: tuple[int, int]) -> None:
        """Leave the examples out of a docstring: they may use what does not stay."""
        first, last = span
        texts = [line.strip() for line in self._lines[first - 1 : last]]
        if texts[-1] != '"""' or "Examples" not in texts:
            return
        start = texts.index("Examples")
        if start + 1 >= len(texts) or not _is_rule(texts[start + 1]):
            return
        end = next(
            (at for at in range(start + 2, len(texts) - 1) if _is_rule(texts[at + 1]) and texts[at]),
            len(texts) - 1,
        )
        if end == len(texts) - 1:
            self._end(span, start)
        else:
            self._dropped |= set(range(first + start, first + end))

    def first_paragraph(self, span: tuple[int, int]) -> None:
        """Leave all but the first paragraph out of a docstring: the rest speaks of what does not stay."""
        texts = [line.strip() for line in self._lines[span[0] - 1 : span[1]]]
        if "" in texts and texts[-1] == '"""':
            self._end(span, texts.index(""))

    def _end(self, span: tuple[int, int], length: int) -> None:
        """Let a docstring end after so many lines."""
        first, last = span
        while length > 1 and not self._lines[first + length - 2].strip():
            length -= 1
        self._dropped |= set(range(first + length, last))
        if length == 1 and not self._lines[first - 1].endswith('"'):  # one line, closed as such
            self._dropped.add(last)
            self._replaced[first] = [f'{self._lines[first - 1]}"""']

    def _redirect(
        self, node: ast.ImportFrom, inner: Mapping[Definition, Definition], place: Callable[[str], str]
    ) -> None:
        """Let an import inside a function lead to the project's own module."""
        indent = " " * node.col_offset
        named: list[_Named] = []
        for each in node.names:
            module, name = inner[node.module or "", each.name]
            named.append((place(module), name, each.asname or each.name))
        self._replaced[node.lineno] = [f"{indent}{line}" for line in _import_lines(named)]
        self._dropped |= set(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))


def _is_rule(text: str) -> bool:
    return len(text) > 2 and set(text) == {"-"}


def _imports(kept: Kept, place: Callable[[str], str]) -> list[str]:
    """The imports of a module: of the standard library, of other packages, of the project."""
    imports = kept.source.imports
    groups: dict[int, list[_Named]] = {0: [], 1: [], 2: []}
    typing_only: list[_Named] = []
    for name in sorted(kept.externals):
        found = imports[name]
        entry = (found.module, found.name, name)
        known = found.module.partition(".")[0] in sys.stdlib_module_names
        (typing_only if found.typing_only else groups[0 if known else 1]).append(entry)
    for name, (module, defined) in sorted(kept.internals.items()):
        if module != kept.source.name:
            entry = (place(module), defined, name)
            (typing_only if imports[name].typing_only else groups[2]).append(entry)
    if typing_only and ("typing", "TYPE_CHECKING", "TYPE_CHECKING") not in groups[0]:
        groups[0].append(("typing", "TYPE_CHECKING", "TYPE_CHECKING"))
    lines: list[str] = []
    for group in groups.values():
        if group:
            lines += ["", *_import_lines(group)]
    if typing_only:
        lines += ["", "if TYPE_CHECKING:", *(f"    {line}" for line in _import_lines(typing_only))]
    return lines


def _import_lines(named: Iterable[_Named]) -> list[str]:
    """Import statements, one for each module.

    Examples
    --------
    >>> _import_lines([("os", "", "os"), ("a.b", "C", "C"), ("a.b", "d", "e"), ("numpy", "", "np")])
    ['import numpy as np', 'import os', 'from a.b import C, d as e']
    """
    plain: list[str] = []
    members: dict[str, list[str]] = {}
    for module, name, local in named:
        if name:
            members.setdefault(module, []).append(name if name == local else f"{name} as {local}")
        elif local in (module, module.partition(".")[0]):
            plain.append(f"import {module}")
        else:
            plain.append(f"import {module} as {local}")
    lines = sorted(plain)
    for module in sorted(members):
        names = sorted(dict.fromkeys(members[module]), key=_order)
        line = f"from {module} import {', '.join(names)}"
        if len(line) > _WIDTH:
            lines += [f"from {module} import (", *(f"    {name}," for name in names), ")"]
        else:
            lines.append(line)
    return lines


def _order(name: str) -> tuple[int, str]:
    """Constants first, then classes, then all else, each by name."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _check(name: str, text: str) -> None:
    """Refuse a text that cannot run by itself."""
    source = parse_source(name, text)
    missing = undefined_names(source)
    foreign = [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if (isinstance(node, ast.ImportFrom) and is_own(node.module or ""))
        or (isinstance(node, ast.Import) and any(is_own(each.name) for each in node.names))
    ]
    if missing or foreign:
        raise ModelwrightError(
            f"The project's copy of {name} would lack {missing[:5]}, or use Modelwright (lines "
            f"{foreign[:5]}). This is a fault of Modelwright: please report it."
        )
