"""``modelwright export`` as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from export_bundles import Part, make_model

import modelwright as mw

SOURCE = Path(mw.__file__).parents[1]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "modelwright", "export", *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> mw.Model:
    return make_model(tmp_path_factory.mktemp("command"), "churn", [Part("linear")])


def test_it_writes_a_project_and_says_so(model: mw.Model, tmp_path: Path) -> None:
    done = command(str(model.path), "--to", "project", "-o", str(tmp_path / "project"), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["golden_rows"] == 200
    assert said["largest_difference"] <= 1e-6
    assert "score.py" in said["files"]
    assert (tmp_path / "project" / "README.md").exists()
    again = command(str(model.path), "-o", str(tmp_path / "project"))
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_bad_input_is_told(model: mw.Model, tmp_path: Path) -> None:
    done = command(str(model.path), "--to", "onyx", "-o", str(tmp_path / "project"))
    assert done.returncode == 2
    assert "Known: project" in done.stderr
    assert not (tmp_path / "project").exists()
    done = command(str(tmp_path / "nothing.mw"), "-o", str(tmp_path / "project"))
    assert done.returncode == 2
