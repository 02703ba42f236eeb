"""A package of somebody else: installed, its parts are used; without it, a model says what it lacks."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "modelwright-stockroom"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built and installed into a folder by what the development environment holds."""
    place = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / PACKAGE.name
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(place)]
    done = subprocess.run([*command, *offline, str(source)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return place


def environment(*paths: Path) -> dict[str, str]:
    """Modelwright and the given folders on the search path, one thread."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MODELWRIGHT_")}
    path = os.pathsep.join(str(place) for place in (*paths, ROOT / "src"))
    return {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200"}


def modelwright(folder: Path, *arguments: str, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, with the package or without."""
    return subprocess.run(
        [sys.executable, "-m", "modelwright", *arguments],
        cwd=folder,
        env=environment(*([] if site is None else [site])),
        capture_output=True,
        text=True,
        timeout=180,
    )


def export(path: Path, rows: int, seed: int) -> list[float]:
    """A ``.fwf`` file whose amounts bend with the week; the amounts."""
    random = np.random.default_rng(seed)
    weeks, sizes = random.uniform(0, 10, rows), random.choice(["M4", "M6", "M8"], rows)
    sold = 100 + 60 * np.sin(weeks) + 20 * (sizes == "M6") + random.normal(0, 4, rows)
    lines = ["size week       sold", "---- ------ ---------"]
    lines += [f"{size:<4} {week:6.3f} {amount:9.2f}" for size, week, amount in zip(sizes, weeks, sold)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return [round(float(amount), 2) for amount in sold]


@pytest.fixture(scope="module")
def trained(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A folder with a model that only the package could have made, and what the training said."""
    folder = tmp_path_factory.mktemp("work")
    export(folder / "stock.fwf", rows=200, seed=1)
    options = ["--metric", "shortage_cost:9", "--max-trials", "1", "--time", "100s", "--threads", "1"]
    only = ["--learner", "random_features", "--output", "stock.mw", "--json"]
    done = modelwright(folder, "train", "stock.fwf", "--target", "sold", *options, *only, site=site)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_package_passes_its_own_tests(site: Path, tmp_path: Path) -> None:
    shutil.copytree(PACKAGE / "tests", tmp_path / "tests")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env=environment(site),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_its_file_is_read_its_metric_optimised_and_its_learner_chosen(
    trained: tuple[Path, dict[str, object]],
) -> None:
    folder, record = trained
    assert record["metric"] == "shortage_cost:9"
    assert record["failed_trials"] == 0
    board = record["leaderboard"]
    assert isinstance(board, list)
    scores = {entry["learner"]: entry["score"] for entry in board}
    assert scores["random_features"] < 0.5 * scores["constant"]
    manifest = json.loads((folder / "stock.mw" / "manifest.json").read_text("utf-8"))
    assert manifest["data"]["kind"] == "fixed_width"
    assert {"kind": "learner", "name": "random_features"}.items() <= manifest["plugins"][0].items()
    assert manifest["plugins"][1]["package"] == "modelwright-stockroom"


def test_a_fresh_process_with_the_package_predicts(
    site: Path, trained: tuple[Path, dict[str, object]]
) -> None:
    folder, _ = trained
    truth = export(folder / "later.fwf", rows=60, seed=2)
    done = modelwright(folder, "predict", "stock.mw", "later.fwf", "-o", "out.csv", site=site)
    assert done.returncode == 0, done.stderr
    with open(folder / "out.csv", newline="", encoding="utf-8") as handle:
        said = [float(row["prediction"]) for row in csv.DictReader(handle)]
    assert np.mean(np.abs(np.array(said) - np.array(truth))) < 12
    scored = modelwright(folder, "evaluate", "stock.mw", "later.fwf", "--json", site=site)
    assert json.loads(scored.stdout)["metrics"]["shortage_cost:9"]["score"] < 60


def test_a_process_without_the_package_says_what_is_missing(
    trained: tuple[Path, dict[str, object]],
) -> None:
    folder, _ = trained
    (folder / "rows.csv").write_text("size,week,sold\nM4,1.0,100\nM6,2.0,120\n")
    for action, kind in (("predict", "learner 'random_features'"), ("evaluate", "metric 'shortage_cost'")):
        out = ["-o", "never.csv"] if action == "predict" else []
        done = modelwright(folder, action, "stock.mw", "rows.csv", *out)
        assert done.returncode == 2, done.stderr
        assert kind in done.stderr
        assert "pip install 'modelwright-stockroom'" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (folder / "never.csv").exists()
    shown = modelwright(folder, "show", "stock.mw", "--json")  # what needs no prediction needs no package
    assert json.loads(shown.stdout)["metric"] == "shortage_cost:9"
    assert modelwright(folder, "leaderboard", "stock.mw").returncode == 0
