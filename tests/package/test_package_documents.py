"""Documents and the two commands of the project: links lead somewhere, CI runs what the README says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def broken_links(page: Path, text: str) -> list[str]:
    """Relative links of a page that lead to nothing."""
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text)
    return [
        target
        for target in targets
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page, page.read_text("utf-8")) == []


def test_a_broken_link_is_found() -> None:
    text = "[a](README.md) [b](docs/none.md#part) [c](https://example.org/x)"
    assert broken_links(ROOT / "page.md", text) == ["docs/none.md"]


def test_every_page_can_be_reached_from_the_index() -> None:
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text("utf-8")
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"index.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_ci_runs_the_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").rstrip().endswith("make test")
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("test", ["ruff format --check", "ruff check", "lint-imports", "mypy", "pytest"]),
        ("demo", ["modelwright demo"]),
        ("lock", ["uv pip compile", "--all-extras", "--universal"]),
    ],
)
def test_a_make_target_does_all_of_its_parts(target: str, parts: list[str]) -> None:
    # Asked with -n make only says what it would do; make of make (lint, types, ...) says so as well.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-n", "-C", str(ROOT), target], env=environment, capture_output=True, text=True, check=True
    )
    assert [part for part in parts if part not in done.stdout] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("gate", ["ruff", "lint-imports", "mypy", "python", "none"])
def test_a_gate_that_fails_makes_the_whole_fail(gate: str, tmp_path: Path) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("ruff", "lint-imports", "mypy", "python"):
        program = programs / name
        program.write_text(f"#!/bin/sh\nexit {1 if name == gate else 0}\n")
        program.chmod(0o755)
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_text("")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / ".installed").write_text("")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = ["make", "-s", "-C", str(tmp_path), "test"]
    done = subprocess.run(command, env=environment, capture_output=True)
    assert (done.returncode == 0) == (gate == "none")
