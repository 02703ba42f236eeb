"""What holds for the whole repository: no machine's paths, a clean lock, whole dependencies."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import architecture_rules as rules
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def requirements() -> list[Requirement]:
    """Every requirement of the project, those of the extras included."""
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(text) for group in (PROJECT["dependencies"], *extras) for text in group]


def locked() -> dict[str, list[Requirement]]:
    """The lines of the lock by package; one package may have several, for different machines."""
    lines = [Requirement(line) for line in LOCK.splitlines() if line and not line.startswith("#")]
    return {name: [line for line in lines if line.name == name] for name in {line.name for line in lines}}


def repository_files() -> list[Path]:
    """What git tracks or would add; without git, everything that is not hidden or made."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
        paths = [ROOT / name for name in names if name]
    else:
        tops = ["src", "tests", "docs", "pyproject.toml", "Makefile", "requirements.lock", "README.md"]
        paths = [path for top in tops for path in [ROOT / top, *sorted((ROOT / top).rglob("*"))]]
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


def test_no_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in repository_files():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            text = content.decode("utf-8", "replace")
            found += [f"{path.relative_to(ROOT)}: {sentence}" for sentence in rules.machine_paths(text)]
    assert not found, "\n".join(found)


def test_the_lock_holds_nothing_but_versions() -> None:
    assert rules.lock_leaks(LOCK) == []


def test_the_lock_satisfies_every_requirement() -> None:
    lines = locked()
    wrong = [
        f"{requirement} is locked at {line.specifier}"
        for requirement in requirements()
        for line in lines.get(canonicalize_name(requirement.name), [requirement])
        if not requirement.specifier.contains(next(iter(line.specifier)).version)
        or not str(line.specifier).startswith("==")
    ]
    assert not wrong, "\n".join([*wrong, "Run: make lock"])


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_dependency_has_a_lower_and_an_upper_bound(requirement: Requirement) -> None:
    operators = {specifier.operator for specifier in requirement.specifier}
    assert operators in ({">=", "<"}, {"=="}), f"{requirement} needs a lower and an upper bound"


def test_every_extra_that_a_message_names_exists() -> None:
    wrong = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for module, extra in rules.required_extras(path.read_text("utf-8")):
            if extra not in PROJECT["optional-dependencies"]:
                wrong.append(f"{path.relative_to(ROOT)} says that {module!r} comes with [{extra}]")
    assert not wrong, "\n".join(wrong)


def test_every_library_that_is_imported_is_a_dependency() -> None:
    declared = {canonicalize_name(requirement.name) for requirement in requirements()}
    distributions = packages_distributions()
    wrong = set()
    for path in sorted((ROOT / "src").rglob("*.py")):
        for sentence in rules.foreign_imports(path.read_text("utf-8"), ["modelwright"]):
            package = sentence.rpartition(" ")[2]
            owners = {canonicalize_name(name) for name in distributions.get(package, [package])}
            if not owners & declared:
                wrong.add(f"{path.relative_to(ROOT)}: {sentence}")
    assert not wrong, "\n".join(sorted(wrong))


def test_the_neural_extra_takes_the_torch_of_gpu_machines() -> None:
    (torch,) = (item for item in requirements() if item.name == "torch")
    assert torch.specifier.contains("2.13.0")


def test_the_version_has_a_place_in_the_changelog() -> None:
    text = (ROOT / "src" / "modelwright" / "__init__.py").read_text("utf-8")
    (version,) = re.findall(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    released = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert released[0] == "Unreleased"
    assert all(Version(entry) <= Version(version) for entry in released[1:])


def test_names_of_tests_are_the_same_in_every_collection(request: pytest.FixtureRequest) -> None:
    """Parallel workers compare what they collected: a name made of bytes may hold the time of day."""
    named = []
    for item in request.session.items:
        given = getattr(getattr(item, "callspec", None), "params", {}).values()
        contents = [value[:12].decode("ascii", "backslashreplace") for value in given if type(value) is bytes]
        named += [item.nodeid for content in contents if len(content) > 3 and content in item.nodeid]
    assert named == []
