"""The house rules hold for every file of the package."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from pathlib import Path

import architecture_rules as rules
import pytest

SOURCE = Path(__file__).parents[2] / "src"
FILES = {str(path.relative_to(SOURCE)): path for path in sorted(SOURCE.rglob("*.py"))}

PER_FILE: dict[str, Callable[[str], list[str]]] = {
    "file length": rules.long_file,
    "function length": rules.long_functions,
    "keywords passed through": rules.passed_through_keywords,
    "vague classes": rules.vague_classes,
    "unsafe code": rules.unsafe_code,
    "docstrings": rules.undocumented,
    "empty bodies": rules.empty_bodies,
    "promises": rules.promises,
}


def exempt_from_parameter_limit(path: str, source: str) -> set[str]:
    """The facade, the estimators and the commands: they turn their arguments into options objects."""
    if path.startswith("modelwright/cli/"):
        return {name for name, _, _ in rules.functions(source)}
    if path.startswith("modelwright/automl/"):
        return {"train", "_AutoML.__init__", "AutoMLClassifier.__init__"}
    return set()


def violations(rule: Callable[[str], list[str]], files: Iterable[str]) -> str:
    """Everything in the files named that breaks a rule, one sentence a line."""
    return "\n".join(
        f"{path}: {sentence}" for path in files for sentence in rule(FILES[path].read_text("utf-8"))
    )


@pytest.fixture(scope="module")
def broken() -> dict[str, list[str]]:
    """What breaks each rule: every file is read and parsed once."""
    found: dict[str, list[str]] = {rule: [] for rule in PER_FILE}
    for path, file in FILES.items():
        source = file.read_text("utf-8")
        for name, rule in PER_FILE.items():
            found[name] += [f"{path}: {sentence}" for sentence in rule(source)]
    return found


def test_there_are_files_to_look_at() -> None:
    assert "modelwright/core/budget.py" in FILES


@pytest.mark.parametrize("path", FILES)
def test_file_is_python_3_11(path: str) -> None:
    ast.parse(FILES[path].read_text("utf-8"), path, feature_version=(3, 11))


@pytest.mark.parametrize("rule", PER_FILE)
def test_rule_holds_in_every_file(rule: str, broken: dict[str, list[str]]) -> None:
    assert not broken[rule], f"{rule}:\n" + "\n".join(broken[rule])


def test_no_function_takes_many_parameters() -> None:
    found = [
        f"{path}: {sentence}"
        for path, file in FILES.items()
        for sentence in rules.many_parameters(
            file.read_text("utf-8"), exempt_from_parameter_limit(path, file.read_text("utf-8"))
        )
    ]
    assert not found, "\n".join(found)


def test_file_names_say_something() -> None:
    found = [f"{path}: {sentence}" for path in FILES for sentence in rules.forbidden_file_name(path)]
    assert not found, "\n".join(found)


def test_only_data_and_catboost_know_pandas() -> None:
    others = [
        path for path in FILES if not path.startswith(("modelwright/data/", "modelwright/learners/catboost"))
    ]
    found = violations(lambda source: rules.imports_of(source, ["pandas"]), others)
    assert not found, found


def test_core_needs_only_numpy() -> None:
    core = [path for path in FILES if path.startswith("modelwright/core/")]
    found = violations(lambda source: rules.foreign_imports(source, ["numpy", "modelwright"]), core)
    assert not found, found


def test_no_modules_import_one_another_in_a_ring() -> None:
    sources, packages = {}, set()
    for path, file in FILES.items():
        name = path.removesuffix(".py").replace("/", ".")
        if name.endswith(".__init__"):
            name = name.removesuffix(".__init__")
            packages.add(name)
        sources[name] = file.read_text("utf-8")
    assert rules.import_cycles(sources, packages) == []
