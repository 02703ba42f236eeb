"""The help is a promise: names of commands and options change on purpose or not at all."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import SOURCE, command

from modelwright import __version__

SNAPSHOTS = Path(__file__).parent / "snapshots"

COMMANDS = (
    "train",
    "predict",
    "evaluate",
    "compare",
    "explain",
    "report",
    "learning-curve",
    "leaderboard",
    "show",
    "fairness",
    "decisions",
    "models",
    "runs",
    "replay",
    "export",
    "profile",
    "demo",
    "doctor",
)

HEAVY = (
    "numpy",
    "polars",
    "pandas",
    "sklearn",
    "scipy",
    "sqlalchemy",
    "lightgbm",
    "catboost",
    "optuna",
    "rich",
    "pydantic",
)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_what_was_agreed(name: str, tmp_path: Path) -> None:
    """To change it on purpose: ``python tests/cli/snapshots/renew.py``, and read the difference."""
    done = command(tmp_path, *name.split(), "--help")
    assert done.returncode == 0, done.stderr
    agreed = (SNAPSHOTS / f"{name or 'modelwright'}.txt").read_text()
    assert done.stdout == agreed


def test_every_command_is_listed(tmp_path: Path) -> None:
    listed = command(tmp_path, "--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in listed


def test_without_arguments_the_help_is_shown(tmp_path: Path) -> None:
    assert command(tmp_path).stdout == command(tmp_path, "--help").stdout


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    probe = (
        "import sys\n"
        "from modelwright.cli import main\n"
        "main(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "[]"


def test_version(tmp_path: Path) -> None:
    done = command(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"modelwright {__version__}\n")


def test_every_command_and_every_option_of_train_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")
    commands = re.findall(r"^\| `([a-z-]+)", page, re.MULTILINE)
    assert set(COMMANDS) <= set(commands)
    options = set(re.findall(r"--[a-z-]+", (SNAPSHOTS / "train.txt").read_text())) - {"--help"}
    assert options
    assert [option for option in sorted(options) if option not in page] == []


def test_both_ways_to_start_are_the_same_program(tmp_path: Path) -> None:
    called = "import sys; from modelwright.cli import main; sys.exit(main(['--version']))"
    done = subprocess.run(
        [sys.executable, "-c", called],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == command(tmp_path, "--version").stdout
