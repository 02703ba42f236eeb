"""The house rules as pure functions over source text: each returns what breaks it, in words."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import TypeGuard

FILE_LIMIT = 400
FUNCTION_LIMIT = 60
PARAMETER_LIMIT = 7

FORBIDDEN_FILES = ("utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py")
UNSAFE_MODULES = ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")
UNSAFE_CALLS = ("eval", "exec", "compile")

Function = ast.FunctionDef | ast.AsyncFunctionDef

_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def _is_text(node: ast.AST) -> TypeGuard[ast.Expr]:
    """A docstring, of whatever it stands under."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@lru_cache(maxsize=4)
def tree_of(source: str) -> ast.Module:
    """The syntax tree of a source: rules look at the same few sources one after the other."""
    return ast.parse(source)


@lru_cache(maxsize=4)
def code_lines(source: str) -> set[int]:
    """Numbers of the lines that hold code: not only a comment, a docstring or nothing."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree_of(source)):
        if _is_text(node):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def functions(source: str) -> Iterator[tuple[str, Function, ast.ClassDef | None]]:
    """Every function with its dotted name and the class that directly holds it, if one does."""

    def visit(
        node: ast.AST, prefix: str, holder: ast.ClassDef | None
    ) -> Iterator[tuple[str, Function, ast.ClassDef | None]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield prefix + child.name, child, holder
                yield from visit(child, f"{prefix}{child.name}.", None)
            elif isinstance(child, ast.ClassDef):
                yield from visit(child, f"{prefix}{child.name}.", child)
            else:
                yield from visit(child, prefix, holder)

    yield from visit(tree_of(source), "", None)


def long_file(source: str, limit: int = FILE_LIMIT) -> list[str]:
    """A file with more than ``limit`` lines of code."""
    count = len(code_lines(source))
    return [f"{count} lines of code, at most {limit} are allowed"] if count > limit else []


def long_functions(source: str, limit: int = FUNCTION_LIMIT) -> list[str]:
    """Functions with more than ``limit`` lines of code."""
    lines = code_lines(source)
    found = []
    for name, node, _ in functions(source):
        count = len(lines & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
        if count > limit:
            found.append(f"{name} has {count} lines of code, at most {limit} are allowed")
    return found


def _decorators(node: Function | ast.ClassDef) -> set[str]:
    names = set()
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return names


def many_parameters(source: str, exempt: Collection[str] = (), limit: int = PARAMETER_LIMIT) -> list[str]:
    """Functions that take more than ``limit`` parameters; ``self`` and ``cls`` don't count."""
    found = []
    for name, node, holder in functions(source):
        signature = node.args
        positional = [*signature.posonlyargs, *signature.args]
        if holder is not None and "staticmethod" not in _decorators(node):
            positional = positional[1:]
        stars = [star for star in (signature.vararg, signature.kwarg) if star is not None]
        count = len(positional) + len(signature.kwonlyargs) + len(stars)
        if count > limit and name not in exempt:
            found.append(f"{name} takes {count} parameters, at most {limit} are allowed")
    return found


def passed_through_keywords(source: str) -> list[str]:
    """Functions that hand a ``**kwargs`` of theirs on to somebody else."""
    found = []
    for name, node, _ in functions(source):
        star = node.args.kwarg
        if star is None:
            continue
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and any(
                keyword.arg is None and isinstance(keyword.value, ast.Name) and keyword.value.id == star.arg
                for keyword in call.keywords
            ):
                found.append(f"{name} passes **{star.arg} through; name the parameters")
                break
    return found


def forbidden_file_name(path: str) -> list[str]:
    """A file whose name says nothing about what is in it."""
    name = PurePosixPath(path).name
    return [f"the name {name} says nothing; name the concept"] if name in FORBIDDEN_FILES else []


def vague_classes(source: str, allowed: Collection[str] = ("WorkerContext",)) -> list[str]:
    """Classes named Manager, Context or Mixin."""
    return [
        f"class {node.name}: no managers, contexts or mixins"
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.ClassDef)
        and re.search(r"(Manager|Context|Mixin)$", node.name)
        and node.name not in allowed
    ]


def imported(source: str, module: str = "", is_package: bool = False) -> Iterator[tuple[int, str, str]]:
    """Line, module and attribute (or ``""``) of every import, with relative ones made absolute."""
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join([*kept, base] if base else kept)
            for alias in node.names:
                yield node.lineno, base, alias.name


def imports_of(source: str, packages: Collection[str]) -> list[str]:
    """Imports of the packages named, at whatever depth of the file."""
    found = []
    for line, module, _ in imported(source):
        root = module.partition(".")[0]
        if root in packages:
            found.append(f"line {line} imports {root}")
    return found


def foreign_imports(source: str, allowed: Collection[str]) -> list[str]:
    """Imports of anything but the standard library and the packages allowed."""
    known = {"__future__", *sys.stdlib_module_names, *allowed}
    roots = [(line, module.partition(".")[0]) for line, module, _ in imported(source)]
    return [f"line {line} imports {root}" for line, root in roots if root not in known]


def unsafe_code(source: str) -> list[str]:
    """What could run code out of a file: pickle and its like, eval, exec, ``allow_pickle``."""
    found = imports_of(source, UNSAFE_MODULES)
    for node in ast.walk(tree_of(source)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS:
            found.append(f"line {node.lineno} calls {node.func.id}")
        for keyword in node.keywords:
            if keyword.arg == "allow_pickle" and not (
                isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            ):
                found.append(f"line {node.lineno} allows pickle")
    return found


def required_extras(source: str) -> list[tuple[str, str]]:
    """The module and the extra of every ``require(module, extra, purpose)``."""
    found = []
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "require":
            texts = [argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant)]
            if len(texts) == 2:
                found.append((str(texts[0]), str(texts[1])))
    return found


def import_cycles(sources: Mapping[str, str], packages: Collection[str] = ()) -> list[str]:
    """A cycle of modules that import one another (``TYPE_CHECKING`` imports included), if there is one.

    Parameters
    ----------
    sources : mapping
        Dotted module name to source text.
    packages : collection of str
        Those of the modules that are packages.
    """
    graph: dict[str, set[str]] = {name: set() for name in sources}
    for name, source in sources.items():
        for _, module, attribute in imported(source, name, name in packages):
            target = f"{module}.{attribute}" if f"{module}.{attribute}" in sources else module
            # The root holds the version and the lazy facade; who only asks for the version closes no ring.
            if (
                target in sources
                and target != name
                and not (target.count(".") == 0 and attribute == "__version__")
            ):
                graph[name].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" -> ".join(reversed(error.args[1]))]
    return []


def undocumented(source: str) -> list[str]:
    """The module, and public functions, classes and methods, without a docstring.

    A method may go without one where its class has a base: it then says what the base says.
    """
    tree = tree_of(source)
    found = [] if ast.get_docstring(tree) or not tree.body else ["the module has no docstring"]

    def visit(body: list[ast.stmt], prefix: str, inherits: bool) -> None:
        for node in body:
            if isinstance(node, ast.If | ast.Try):
                visit([*node.body, *node.orelse], prefix, inherits)
            if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
                continue
            described = bool(ast.get_docstring(node)) or bool(_decorators(node) & {"overload", "setter"})
            if not described and not (inherits and isinstance(node, Function)):
                found.append(f"{prefix}{node.name} has no docstring")
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.", bool(node.bases))

    visit(tree.body, "", False)
    return found


def empty_bodies(source: str) -> list[str]:
    """Functions that do nothing, outside protocols and abstract classes."""
    found = []
    for name, node, holder in functions(source):
        bases = {getattr(base, "id", getattr(base, "attr", "")) for base in holder.bases} if holder else set()
        if "Protocol" in bases or _decorators(node) & {"abstractmethod", "overload"}:
            continue
        rest = [
            statement
            for statement in node.body
            if not isinstance(statement, ast.Pass)
            and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        ]
        if not rest:
            found.append(f"{name} has an empty body")
    return found


def promises(source: str) -> list[str]:
    """Comments that put work off."""
    return [
        f"line {token.start[0]}: {token.string.strip()}"
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string)
    ]


def machine_paths(text: str) -> list[str]:
    """Absolute paths that exist only on the machine where somebody worked."""
    # Put together from parts: this file is searched as well.
    homes = "|".join(("work", "root", "home", "Users"))
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        for match in re.finditer(rf"(?<![\w.~*}}-])/(?:{homes})/[\w.-]*", line):
            found.append(f"line {number}: {match.group(0)}")
    return found


def lock_leaks(text: str) -> list[str]:
    """Lines of a lock that say more than ``name==version ; marker``: addresses, folders, options."""
    return [
        f"line {number}: {line}"
        for number, line in enumerate(text.splitlines(), 1)
        if (
            line.strip()
            and not line.lstrip().startswith("#")
            and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[\w.!-]+( ; [^/@]+)?", line)
        )
        or "://" in line
        or "/opt" in line
    ]
