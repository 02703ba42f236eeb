"""Does the evidence that comes with a model hold on rows that it has never seen?

usage: evidence.py DATA RESULTS.csv --models FOLDER [--time 20s] [--trials 4] [--rows 2000] [--only a,b]

Of each data set 70% of the rows train a model, at random, and the other 30% are fresh. Measured on these: the
share that intervals or sets of labels cover, and how large they are; how far base and additions of an
explanation are from the raw prediction; and how far the exported project is from the model, on every fresh
row. The project runs in an environment made from its `requirements.txt`, without Modelwright; its own test
runs there too, and its `train.py`, on the first rows of the training table, in an environment made from
`requirements-train.txt`. Numbers beyond 1 are compared by their ratio. Models are kept in FOLDER and not
trained again. pip finds packages as it always does (PIP_INDEX_URL ...).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import modelwright as mw
from modelwright.data import read_raw

EXPLAINED = 200
"""Fresh rows that are explained."""

TRAINED_AGAIN = 500
"""Rows that `train.py` gets."""

COLUMNS = (
    *("dataset", "task", "members", "fresh_rows", "covered", "size", "scale", "sum_error", "effect_error"),
    *("sampled", "explain_rows_s", "explain_row_ms", "exported_rows", "exported_difference"),
    *("exported_labels", "exported_files", "exported_lines", "parity", "trained_again"),
    *("report_kb", "report_s", "failed"),
)


def divided(entry: dict[str, Any], data: Path, place: Path, most: int | None) -> tuple[Path, Path]:
    """Training rows and fresh rows as two CSV files, cells as they are written in the source."""
    frame = read_raw(data / entry["file"]).frame
    frame = frame.drop([*entry["id_columns"], *entry["leak_columns"]], strict=False)
    frame = frame.filter(~pl.col(entry["target"]).is_in(["", "?", "NA"]))
    if entry["task"] != "regression":  # a class of very few rows may be missing on one side
        frame = frame.filter(pl.len().over(entry["target"]) >= 8)
    frame = frame.sample(fraction=1.0, shuffle=True, seed=5)
    cut = int(0.7 * frame.height)
    paths = place / "train.csv", place / "fresh.csv"
    frame[: min(cut, most or cut)].write_csv(paths[0])
    frame[cut:].write_csv(paths[1])
    return paths


def apart(found: Any, expected: Any) -> str:
    """The largest difference, in units of the expected number where that is above 1."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise ValueError(f"{found.shape} numbers were to be compared with {expected.shape}")
    return f"{(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max():.1e}"


class Environments:
    """Python environments in a folder, one for each list of requirements, without Modelwright."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Path] = {}

    def python(self, requirements: Path) -> Path:
        """The interpreter of an environment with these packages."""
        text = requirements.read_text()
        if text not in self._known:
            place = self._folder / str(len(self._known))
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            python = place / "bin" / "python"
            install = ["-m", "pip", "install", "--quiet", "--no-compile", "-r", str(requirements)]
            subprocess.run([str(python), *install], check=True, stdout=sys.stderr)
            if not run(python, "-c", "import modelwright").returncode:
                raise RuntimeError("The environment of a project has Modelwright in it.")
            self._known[text] = python
        return self._known[text]


def run(*command: Any, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command that finds only the packages of its own interpreter."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([*map(str, command)], cwd=folder, env=kept, capture_output=True, text=True)


def said_by(*command: Any, folder: Path) -> str:
    """What a script said, or an error with the last line of its complaint."""
    done = run(*command, folder=folder)
    if done.returncode:
        complaint = (done.stderr or done.stdout).strip().splitlines()[-1]
        raise RuntimeError(f"{Path(command[1]).name}: {complaint}")
    return done.stdout.strip().splitlines()[-1]


def uncertainty(model: mw.Model, fresh: Path, coverage: float) -> dict[str, Any]:
    """Coverage on the fresh rows."""
    whole = model.coverage(fresh, coverage)[0]
    return {"fresh_rows": whole.rows, "covered": round(whole.covered, 4), "size": round(whole.size, 4)}


def explanation(model: mw.Model, fresh: Path) -> dict[str, Any]:
    """Whether additions make up the prediction, and how long one row and many take."""
    rows = pl.read_csv(fresh, infer_schema=False)[:EXPLAINED]
    began = time.perf_counter()
    told = model.explain(rows)
    numbers = told.attributions
    effects = numbers.effect_base + numbers.effects.sum(axis=1)
    seconds = time.perf_counter() - began
    row, alone = rows.row(0, named=True), []
    for _ in range(5):
        began = time.perf_counter()
        model.explain(row).reasons()
        alone.append(1000 * (time.perf_counter() - began))
    return {
        "scale": told.scale,
        "sum_error": apart(told.base + told.values.sum(axis=1), told.raw),
        "effect_error": apart(effects, numbers.predictions),
        "sampled": "|".join(numbers.sampled),
        "explain_rows_s": round(seconds, 2),
        "explain_row_ms": round(float(np.median(alone)), 1),
    }


def exported(model: mw.Model, fresh: Path, place: Path, environments: Environments) -> dict[str, Any]:
    """The project's answers on the fresh rows in an environment without Modelwright."""
    project, out = place / "project", place / "said.parquet"
    written = mw.export(model, "project", output=project)
    lines = [len((project / name).read_text().splitlines()) for name in written.files if name.endswith(".py")]
    python = environments.python(project / "requirements.txt")
    classes = model.problem.task.is_classification
    parity = said_by(python, project / "tests" / "test_parity.py", folder=place)
    said_by(python, project / "score.py", fresh, "-o", out, *(["--proba"] if classes else []), folder=place)
    frame, answers = pl.read_parquet(out), model.predict(fresh).to_list()
    if classes:
        found, expected = frame.select(pl.col("^p_.*$")), model.predict_proba(fresh)
    else:
        found, expected = frame, pl.DataFrame({"prediction": answers})
    same = sum(map(str.__eq__, map(str, frame["prediction"].to_list()), map(str, answers)))
    return {
        "exported_rows": frame.height,
        "exported_difference": apart(found.to_numpy(), expected.to_numpy()),
        "exported_labels": f"{same} of {frame.height}" if classes else "",
        "exported_files": len(lines),
        "exported_lines": sum(lines),
        "parity": parity,
    }


def trained_again(train: Path, place: Path, environments: Environments) -> dict[str, Any]:
    """What the project's training script says of a part of the training table."""
    project, part = place / "project", place / "part.csv"
    pl.read_csv(train, infer_schema=False)[:TRAINED_AGAIN].write_csv(part)
    python = environments.python(project / "requirements-train.txt")
    return {"trained_again": said_by(python, project / "train.py", part, folder=place)}


def reported(model: mw.Model, place: Path) -> dict[str, Any]:
    """Size of the report, and how long it takes."""
    began = time.perf_counter()
    path = model.report(place / "report.html", seconds=10.0)
    return {"report_kb": round(path.stat().st_size / 1000), "report_s": round(time.perf_counter() - began, 1)}


def trained(entry: dict[str, Any], train: Path, place: Path, options: argparse.Namespace) -> mw.Model:
    """The model of a data set: the one that is kept, or a new one."""
    kept = options.models / f"{entry['name']}.mw"
    if not kept.exists():
        mw.train(
            train,
            entry["target"],
            task=entry["task"],
            time_limit=options.time,
            max_trials=options.trials,
            folds=options.folds,
            learners=options.learners and options.learners.split(","),
            threads=options.threads,
            workspace=place / "w",
            output=kept,
        )
    return mw.load(kept)


def measured(
    entry: dict[str, Any], options: argparse.Namespace, environments: Environments
) -> dict[str, Any]:
    """The row of a data set: what failed stands in it, and all else is measured."""
    row: dict[str, Any] = {"dataset": entry["name"], "task": entry["task"]}
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        train, fresh = divided(entry, options.data, place, options.rows)
        model = trained(entry, train, place, options)
        members = json.loads((model.path / "ensemble.json").read_bytes())["members"]
        row["members"] = "|".join(member["learner"] for member in members)
        steps: tuple[Callable[[], dict[str, Any]], ...] = (
            lambda: uncertainty(model, fresh, options.coverage),
            lambda: explanation(model, fresh),
            lambda: exported(model, fresh, place, environments),
            lambda: trained_again(train, place, environments),
            lambda: reported(model, place),
        )
        for step in steps:
            try:
                row |= step()
            except Exception as error:  # the other steps, and the other sets, are measured all the same
                problems.append(f"{type(error).__name__}: {error}"[:300])
    return row | {"failed": " | ".join(problems)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--time", default="20s")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--trials", type=int, default=None, help="at most so many, where time is no matter")
    parser.add_argument("--folds", type=int, default=None)
    parser.add_argument("--learners", default=None, help="only these, separated by commas")
    parser.add_argument("--rows", type=int, default=None, help="training rows at most")
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    wanted = set(filter(None, options.only.split(",")))
    with tempfile.TemporaryDirectory() as folder, options.results.open("w", newline="") as handle:
        environments = Environments(Path(folder))
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        for entry in json.loads((options.data / "manifest.json").read_text()):
            if not wanted or entry["name"] in wanted:
                row = measured(entry, options, environments)
                writer.writerow(row)
                handle.flush()
                print(row, flush=True)


if __name__ == "__main__":
    main()
