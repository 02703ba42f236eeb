"""The package's own modules as pieces: definitions that stay or go as a whole, and methods of classes."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from modelwright.core import ModelwrightError
from modelwright.export.project.references import References, find_references

__all__ = [
    "PACKAGE",
    "Imported",
    "Piece",
    "Source",
    "is_own",
    "parse_source",
    "read_source",
    "without_shortcuts",
]

PACKAGE = "modelwright"
_ROOT = Path(__file__).parents[2]
_PLAIN_BASES = ("ABC", "Protocol", "Generic", "object")
"""Bases from elsewhere that call no method by its name."""

_ONE_ROW = ("view.rows == 1", "rows == 1", "matrix.shape[0] == 1")
"""What the quicker ways of single rows ask before all else; see `without_shortcuts`."""


@dataclass(frozen=True)
class Imported:
    """Where a name of a module comes from.

    Attributes
    ----------
    module : str
    name : str
        Empty where it is the module itself.
    typing_only : bool
        Whether only annotations need it.
    """

    module: str
    name: str
    typing_only: bool = False


@dataclass(frozen=True)
class Piece:
    """Lines of a module that stay or go together.

    Attributes
    ----------
    names : tuple of str
        What it defines.
    lines : tuple of int
        First and last line, comments above and the text below included; of a class up to its first member.
    node : ast.stmt
    uses : References
        Of a class: those of its head.
    always : bool
        Whether it is needed as soon as what it stands in is needed.
    members : tuple of Piece
        Of a class.
    """

    names: tuple[str, ...]
    lines: tuple[int, int]
    node: ast.stmt
    uses: References
    always: bool
    members: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Source:
    """A module in pieces.

    Attributes
    ----------
    name : str
        Dotted.
    lines : tuple of str
    docstring : tuple of int or None
        First and last line of it.
    imports : mapping
        Local name to where it comes from.
    pieces : tuple of Piece
    """

    name: str
    lines: tuple[str, ...]
    docstring: tuple[int, int] | None
    imports: Mapping[str, Imported]
    pieces: tuple[Piece, ...]

    def defining(self, name: str) -> tuple[int, ...]:
        """Positions of the pieces that define a name."""
        return tuple(at for at, piece in enumerate(self.pieces) if name in piece.names)


def is_own(module: str) -> bool:
    """Whether a module belongs to this package.

    Examples
    --------
    >>> is_own("modelwright.core"), is_own("numpy")
    (True, False)
    """
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")


@lru_cache(maxsize=512)
def read_source(module: str) -> Source:
    """A module of this package, without the quicker ways of single rows.

    Raises
    ------
    ModelwrightError
        If its source is not there.
    """
    parts = module.split(".")[1:]
    path = _ROOT.joinpath(*parts)
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ModelwrightError(
            f"The source of {module} cannot be read ({error.strerror or error}), so that no project can be "
            "written. Install Modelwright again, with its source files."
        ) from error
    return parse_source(module, without_shortcuts(text))


def without_shortcuts(text: str) -> str:
    r"""A module's text without the quicker ways that single rows have.

    Such a way is an ``if`` without ``else`` that asks for one row before all else, and returns: what follows
    says the same of one row as well.

    Examples
    --------
    >>> text = "def f(view):\n    if view.rows == 1 and x:\n        return x(view)\n    return slow(view)"
    >>> print(without_shortcuts(text))
    def f(view):
        return slow(view)
    """
    if not any(each in text for each in _ONE_ROW):
        return text
    lines = text.split("\n")
    dropped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.If) and _is_shortcut(node, lines[node.lineno - 1]):
            dropped |= set(range(_first_line(node, lines, 0), (node.end_lineno or node.lineno) + 1))
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in dropped)


def _is_shortcut(node: ast.If, line: str) -> bool:
    test = node.test
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        test = test.values[0]
    returns = any(isinstance(each, ast.Return) for each in ast.walk(node))
    alone = not node.orelse and not line.lstrip().startswith("elif")
    return alone and returns and ast.unparse(test) in _ONE_ROW


def parse_source(module: str, text: str) -> Source:
    r"""A module from its text.

    Examples
    --------
    >>> source = parse_source("modelwright.a", "import os\nX = 1\n\ndef f():\n    return X")
    >>> [piece.names for piece in source.pieces], source.imports["os"].module
    ([('X',), ('f',)], 'os')
    """
    # not splitlines, which also splits at characters that Python takes for blanks
    lines, body = tuple(text.split("\n")), ast.parse(text).body
    docstring = None
    if body and _is_text(body[0]):
        docstring = _span(body[0])
        body = body[1:]
    imports: dict[str, Imported] = {}
    rest: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _imported(node, typing_only=False)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for inner in node.body:
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    imports |= _imported(inner, typing_only=True)
        else:
            rest.append(node)
    modules = [name for name, found in imports.items() if not found.name and not is_own(found.module)]
    own = {name for name, found in imports.items() if is_own(found.module)}
    own |= {node.name for node in rest if isinstance(node, ast.ClassDef)}
    floor = docstring[1] if docstring else 0
    pieces = _pieces(rest, lines, floor, modules, own)
    found = (piece for piece in pieces if piece.names != ("__all__",))
    return Source(module, lines, docstring, imports, tuple(found))


def _pieces(
    body: Sequence[ast.stmt], lines: Sequence[str], floor: int, modules: Sequence[str], own: set[str]
) -> list[Piece]:
    """The definitions of a module."""
    found = []
    for group in _groups(body):
        node, last = group[0], group[-1].end_lineno or group[-1].lineno
        first = _first_line(node, lines, floor)
        names = _names(node)
        if isinstance(node, ast.ClassDef):
            members = _members(node, lines, modules, own)
            head = [*node.decorator_list, *node.bases, *(each.value for each in node.keywords)]
            until = members[0].lines[0] - 1 if members else last
            while until > first and not lines[until - 1].strip():
                until -= 1
            uses = find_references(head, modules)
            found.append(Piece(names, (first, until), node, uses, False, tuple(members)))
        else:
            uses = find_references([node], modules)
            found.append(Piece(names, (first, last), node, uses, not names))
        floor = last
    return found


def _members(node: ast.ClassDef, lines: Sequence[str], modules: Sequence[str], own: set[str]) -> list[Piece]:
    """What stands in a class, its docstring left out."""
    body = node.body[1:] if _is_text(node.body[0]) else node.body
    floor = (_span(node.body[0]) if _is_text(node.body[0]) else (node.lineno, node.lineno))[1]
    bases = {_root_name(base) for base in node.bases}
    foreign = bool(bases - own - set(_PLAIN_BASES))
    record = foreign or any(_root_name(each) == "dataclass" for each in node.decorator_list)
    found = []
    for group in _groups(body):
        inner, last = group[0], group[-1].end_lineno or group[-1].lineno
        names = _names(inner)
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            always = foreign or (inner.name.startswith("__") and inner.name.endswith("__"))
        elif isinstance(inner, ast.AnnAssign):
            always = record and "ClassVar" not in ast.dump(inner.annotation)
        else:
            always = record or not names
        first = _first_line(inner, lines, floor)
        found.append(Piece(names, (first, last), inner, find_references([inner], modules), always))
        floor = last
    return found


def _groups(body: Sequence[ast.stmt]) -> list[list[ast.stmt]]:
    """Statements, each with the text below it that describes it."""
    groups: list[list[ast.stmt]] = []
    for node in body:
        if groups and _is_text(node):
            groups[-1].append(node)
        else:
            groups.append([node])
    return groups


def _names(node: ast.stmt) -> tuple[str, ...]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return tuple(inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name))


def _root_name(node: ast.expr) -> str:
    """``dataclass`` of ``@dataclass(frozen=True)``, ``Generic`` of ``Generic[T]``."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value
        else:
            return ""
    return node.id


def _imported(node: ast.Import | ast.ImportFrom, *, typing_only: bool) -> dict[str, Imported]:
    if isinstance(node, ast.Import):
        return {
            each.asname or each.name.partition(".")[0]: Imported(each.name, "", typing_only)
            for each in node.names
        }
    module = node.module or ""
    if module == "__future__":
        return {}
    return {each.asname or each.name: Imported(module, each.name, typing_only) for each in node.names}


def _first_line(node: ast.stmt, lines: Sequence[str], floor: int) -> int:
    """The first line of a statement, its decorators and the comments directly above it."""
    first = _span(node)[0]
    while first - 1 > floor and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    return first


def _span(node: ast.stmt) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)]), node.end_lineno or node.lineno


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
