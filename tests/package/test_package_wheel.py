"""The wheel, built and installed into a clean environment, does the main job there."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

pytestmark = pytest.mark.slow


def run(*command: object, folder: Path) -> str:
    """Run a command without any path of this repository; its standard output."""
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend that the development environment holds."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The programs of a new environment that holds the wheel and what it asks for, nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder / "venv", folder=folder)
    programs = folder / "venv" / "bin"
    lock = ROOT / "requirements.lock"
    run(
        programs / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--constraint",
        lock,
        wheel,
        folder=folder,
    )
    yield programs
    # pytest keeps the folders of its last three sessions: three environments would be gigabytes.
    shutil.rmtree(folder / "venv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small table: two numbers that only together tell the class, and a colour."""
    with open(tmp_path / "tiny.csv", "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["width", "height", "colour", "y"])
        for number in range(150):
            width, height = (number * 37) % 101, (number * 61) % 97
            colour = ["red", "green", "blue"][number % 3]
            writer.writerow([width, height, colour, "yes" if width + height > 98 else "no"])
    return tmp_path


def test_the_wheel_holds_the_package_and_its_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"modelwright/py.typed", "modelwright/__main__.py", "modelwright/core/budget.py"} <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".dist-info/licenses/NOTICE") for name in names)
    strangers = {name.partition("/")[0] for name in names} - {"modelwright"}
    assert all(name.endswith(".dist-info") for name in strangers)


def test_the_wheel_holds_every_source_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    expected = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    missing = {name for name in expected if "__pycache__" not in name and ".egg-info" not in name} - names
    assert not missing


def test_the_metadata_says_what_the_project_says(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra") or []) == set(PROJECT["optional-dependencies"])


def test_the_installed_command_trains_and_predicts(clean: Path, folder: Path) -> None:
    assert "train" in run(clean / "modelwright", "--help", folder=folder)
    # Counted trials, not seconds: the machine may be busy.
    command = ["train", "tiny.csv", "--target", "y", "--time", "100s", "--max-trials", "4", "--json"]
    options = ["--metric", "log_loss", "--output", "tiny.mw"]
    record = json.loads(run(clean / "modelwright", *command, *options, folder=folder))
    assert (record["task"], record["trials"], record["failed_trials"]) == ("binary", 4, 0)
    assert Path(record["model"]).name == "tiny.mw"
    run(clean / "modelwright", "predict", "tiny.mw", "tiny.csv", "-o", "out.csv", folder=folder)
    with open(folder / "out.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    with open(folder / "tiny.csv", newline="", encoding="utf-8") as handle:
        truth = [row["y"] for row in csv.DictReader(handle)]
    assert list(rows[0]) == ["prediction"]
    hits = [row["prediction"] == label for row, label in zip(rows, truth, strict=True)]
    assert sum(hits) >= 0.9 * len(truth), json.dumps(record, indent=1)


def test_the_library_is_typed_and_needs_nothing_of_development(clean: Path, folder: Path) -> None:
    code = """
import importlib.util, modelwright, pathlib
print(modelwright.__version__, pathlib.Path(modelwright.__file__).with_name("py.typed").exists())
print([name for name in ("pytest", "mypy", "torch", "psycopg") if importlib.util.find_spec(name)])
"""
    version, absent = run(clean / "python", "-c", code, folder=folder).splitlines()
    assert version.endswith(" True")
    assert absent == "[]"


def test_the_installed_packages_agree_with_one_another(clean: Path, folder: Path) -> None:
    assert "No broken requirements" in run(clean / "python", "-m", "pip", "check", folder=folder)
