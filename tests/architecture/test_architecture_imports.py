"""Starting is cheap: the package and the command's help load none of the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[2] / "src")
HEAVY = {"sklearn", "lightgbm", "catboost", "xgboost", "optuna", "pandas", "polars", "scipy", "sqlalchemy"}
STARTS = {
    "import modelwright": ["-c", "import modelwright"],
    "modelwright --help": ["-m", "modelwright", "--help"],
    "modelwright train --help": ["-m", "modelwright", "train", "--help"],
}


def loaded(arguments: list[str]) -> set[str]:
    """The top-level packages that a Python command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize("start", STARTS)
def test_starting_loads_nothing_heavy(start: str) -> None:
    packages = loaded(STARTS[start])
    assert "modelwright" in packages
    assert not packages & HEAVY


def test_a_heavy_import_would_be_seen() -> None:
    assert loaded(["-c", "import modelwright, scipy"]) & HEAVY == {"scipy"}
