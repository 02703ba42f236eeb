"""The README keeps its word: its examples run, in order, in an empty folder with small data."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")

NOT_RUN = {
    "make demo": "sets up an environment of its own; it is what CI calls",
    "make test": "calls this test",
    "pip install .": "tests/package/test_package_wheel.py installs the wheel",
    "sudo apt-get install libgomp1": "changes the machine",
}

BUDGET = "12s"
"""Instead of the minute of the examples; starting alone takes some seconds on a busy machine."""


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every fenced block, in the order of the page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def steps() -> list[tuple[str, str]]:
    """What a reader would run: commands one by one, Python blocks as a whole."""
    found = []
    for language, content in blocks(README):
        if language == "console":
            found += [("command", line[2:]) for line in content.splitlines() if line.startswith("$ ")]
        elif language == "python":
            found.append(("script", content))
    return found


def run(kind: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one step as a reader would, with a small budget."""
    if kind == "command":
        words = [BUDGET if word == "60s" else word for word in shlex.split(text)]
        command = [sys.executable, "-m", *words]
    else:
        (folder / "example.py").write_text(text.replace('"60s"', f'"{BUDGET}"'), "utf-8")
        command = [sys.executable, "example.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "110"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_every_block_says_its_language_and_is_run_or_excused() -> None:
    assert {language for language, _ in blocks(README)} <= {"console", "python"}
    commands = {text for kind, text in steps() if kind == "command"}
    assert {text for text in commands if not text.startswith("modelwright ")} == set(NOT_RUN)


@pytest.mark.slow
def test_the_examples_run_in_order(tmp_path: Path, customers_frame: pl.DataFrame) -> None:
    customers_frame.write_csv(tmp_path / "customers.csv")
    customers_frame.drop("churn").tail(40).write_csv(tmp_path / "new_customers.csv")
    for kind, text in steps():
        if text not in NOT_RUN:
            done = run(kind, text, tmp_path)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr
    scored = pl.read_csv(tmp_path / "scored.csv")
    assert scored.height == 40
    assert scored.columns == ["prediction", "p_no", "p_yes"]
    assert set(scored["prediction"]) <= {"no", "yes"}


def test_the_tested_python_is_what_the_project_asks_for() -> None:
    assert "Python 3.11 or newer" in README
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text("utf-8")
