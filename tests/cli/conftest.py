"""The command line inside the test's process: quick, for all that a process of its own adds nothing to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from modelwright.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a command in a directory: ``inside(directory, "models", "--json")``."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("MODELWRIGHT_WORKSPACE", raising=False)

    def run(directory: Path, *arguments: str) -> Done:
        monkeypatch.chdir(directory)
        capfd.readouterr()
        exit_code = main(arguments)
        shown = capfd.readouterr()
        return Done(exit_code, shown.out, shown.err)

    return run


@pytest.fixture
def here(tmp_path: Path, inside: Callable[..., Done]) -> Callable[..., Done]:
    """Run a command in the test's empty directory."""
    return partial(inside, tmp_path)
