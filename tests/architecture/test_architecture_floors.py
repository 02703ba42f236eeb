"""The floors of import-linter: the contract covers every room and finds an import that goes up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
PLANTED = {
    "an import that goes up": ("core", "from modelwright.automl import x"),
    "an import that goes up behind TYPE_CHECKING": (
        "core",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from modelwright.automl import x",
    ),
    "an import inside a function": ("data", "def f():\n    from modelwright.learners import x"),
    "an import of a sibling": ("metrics", "from modelwright.storage import x"),
    "a room without a floor": ("attic", ""),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the contract of this project over the package in a folder."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    contract = text[text.index("[tool.importlinter]") :]
    (folder / "pyproject.toml").write_text(contract, "utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def package(folder: Path, planted: tuple[str, str] | None = None) -> None:
    """A package of empty rooms, with one import planted."""
    rooms = ["core", "metrics", "storage", "data", "learners", "automl"]
    for room in [*rooms, *([planted[0]] if planted else [])]:
        home = folder / "modelwright" / room
        home.mkdir(parents=True, exist_ok=True)
        (home / "__init__.py").write_text(planted[1] if planted and room == planted[0] else "", "utf-8")
    (folder / "modelwright" / "__init__.py").write_text("", "utf-8")


def test_the_contract_is_exhaustive_and_sees_type_checking() -> None:
    (contract,) = CONFIGURATION["contracts"]
    assert contract["exhaustive"] is True
    assert contract["exhaustive_ignores"] == ["__main__"]
    assert CONFIGURATION["exclude_type_checking_imports"] is False


def test_clean_rooms_pass(tmp_path: Path) -> None:
    package(tmp_path)
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("planted", PLANTED)
def test_the_contract_finds(planted: str, tmp_path: Path) -> None:
    package(tmp_path, PLANTED[planted])
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_the_documentation_draws_the_same_floors() -> None:
    (contract,) = CONFIGURATION["contracts"]
    floors = [set(re.findall(r"\w+", layer)) for layer in reversed(contract["layers"])]
    drawn = []
    for line in (ROOT / "docs" / "index.md").read_text("utf-8").splitlines():
        match = re.match(r"\| *(\d+) *\|([^|]+)\|", line)
        if match:
            drawn.append(set(re.findall(r"`(\w+)`", match.group(2))))
    existing = {path.parent.name for path in (ROOT / "src" / "modelwright").glob("*/__init__.py")}
    assert drawn == [floor & set().union(*drawn) for floor in floors if floor & set().union(*drawn)]
    assert existing <= set().union(*drawn), "docs/index.md lacks a room"
