"""Which names from outside, and which attributes, a piece of source code uses."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass

__all__ = ["References", "find_references"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class References:
    """What a piece of code uses.

    Attributes
    ----------
    names : frozenset of str
        Names that it does not define itself: of its module, or built in.
    attributes : frozenset of str
        Names after a dot, and names that ``getattr`` is given as text; not those of other packages' modules.
    imports : tuple of import statements
        Those inside functions.
    """

    names: frozenset[str]
    attributes: frozenset[str]
    imports: tuple[_Import, ...]


def find_references(nodes: Iterable[ast.AST], modules: Collection[str] = ()) -> References:
    r"""What some nodes use together.

    Parameters
    ----------
    nodes : iterable of ast.AST
    modules : collection of str
        Names that stand for modules of other packages: ``np.save`` is no use of a method ``save``.

    Examples
    --------
    >>> code = "def area(r):\n    return np.square(r.size) * [PI for _ in range(1)][0]"
    >>> found = find_references([ast.parse(code)], ["np"])
    >>> sorted(found.names), sorted(found.attributes)
    (['PI', 'np', 'range'], ['size'])
    """
    finder = _Finder(frozenset(modules))
    for node in nodes:
        finder.visit(node)
    return References(frozenset(finder.names), frozenset(finder.attributes), tuple(finder.imports))


class _Finder:
    """Walks a syntax tree and keeps the names that each function makes itself."""

    def __init__(self, modules: frozenset[str]) -> None:
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.imports: list[_Import] = []
        self._modules = modules
        self._scopes: list[set[str]] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            if not any(node.id in scope for scope in self._scopes):
                self.names.add(node.id)
        elif isinstance(node, _Function | ast.Lambda):
            self._function(node)
        elif isinstance(node, _Comprehension):
            self._comprehension(node)
        elif isinstance(node, _Import):
            if self._scopes:
                self.imports.append(node)
        else:
            if isinstance(node, ast.Attribute):
                self._attribute(node)
            elif isinstance(node, ast.Call):
                self.attributes |= _named_attributes(node)
            self._all(ast.iter_child_nodes(node))

    def _all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _attribute(self, node: ast.Attribute) -> None:
        root = node.value
        while isinstance(root, ast.Attribute):
            root = root.value
        if not (isinstance(root, ast.Name) and root.id in self._modules):
            self.attributes.add(node.attr)

    def _function(self, node: _Function | ast.Lambda) -> None:
        signature = node.args
        given = [*signature.posonlyargs, *signature.args, *signature.kwonlyargs]
        given += [star for star in (signature.vararg, signature.kwarg) if star is not None]
        # what stands in the head belongs to the scope around it
        self._all([*signature.defaults, *(each for each in signature.kw_defaults if each is not None)])
        self._all(each.annotation for each in given if each.annotation is not None)
        body: list[ast.AST] = []
        if isinstance(node, ast.Lambda):
            body.append(node.body)
        else:
            self._all(node.decorator_list)
            if node.returns is not None:
                self.visit(node.returns)
            body.extend(node.body)
        self._scopes.append({each.arg for each in given} | _stored(body))
        self._all(body)
        self._scopes.pop()

    def _comprehension(self, node: _Comprehension) -> None:
        self.visit(node.generators[0].iter)
        names = {name for each in node.generators for name in _stored([each.target])}
        self._scopes.append(names)
        for position, each in enumerate(node.generators):
            self._all([each.target, *each.ifs, *([each.iter] if position else [])])
        if isinstance(node, ast.DictComp):
            self._all([node.key, node.value])
        else:
            self.visit(node.elt)
        self._scopes.pop()


def _named_attributes(call: ast.Call) -> set[str]:
    """``coder`` of ``getattr(model, "coder")``."""
    if not isinstance(call.func, ast.Name) or call.func.id not in ("getattr", "hasattr"):
        return set()
    return {
        each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def _stored(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that statements make in the scope where they stand."""
    found: set[str] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, _Function | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, _Comprehension | ast.Lambda):
            inner = (each for each in ast.walk(node) if isinstance(each, ast.NamedExpr))
            found |= {each.target.id for each in inner if isinstance(each.target, ast.Name)}
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, _Import):
            found |= {each.asname or each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        pending.extend(ast.iter_child_nodes(node))
    return found
