"""Does the evidence that comes with a model hold on rows that it has never seen?

usage: evidence.py DATA RESULTS.csv [--time 20] [--coverage 0.9] [--only a,b] [--models FOLDER]

Of each data set 70% of the rows train a model, at random, and the other 30% are fresh. Measured on
these: the share that intervals or sets of labels cover, and how large they are; how far base and
additions of an explanation are from the raw prediction; and how far the exported project, run in an
environment of its own without Modelwright, is from the model, on every fresh row. Numbers far from 1 are
compared by their ratio. Models are kept in FOLDER and not trained again. pip finds packages as it always
does (PIP_INDEX_URL ...).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import modelwright as mw

EXPLAINED = 200
"""Fresh rows that are explained."""


def divided(entry: dict[str, Any], data: Path, place: Path) -> tuple[Path, Path]:
    """Training rows and fresh rows as two CSV files, cells as they are written in the source."""
    frame = pl.read_csv(data / entry["file"], infer_schema=False, missing_utf8_is_empty_string=True)
    frame = frame.drop([*entry["id_columns"], *entry["leak_columns"]], strict=False)
    frame = frame.filter(~pl.col(entry["target"]).is_in(["", "?", "NA"]))
    if entry["task"] != "regression":  # a class of very few rows may be missing on one side
        frame = frame.filter(pl.len().over(entry["target"]) >= 8)
    frame = frame.sample(fraction=1.0, shuffle=True, seed=5)
    cut = int(0.7 * frame.height)
    paths = place / "train.csv", place / "fresh.csv"
    frame[:cut].write_csv(paths[0])
    frame[cut:].write_csv(paths[1])
    return paths


def apart(found: Any, expected: Any) -> float:
    """The largest difference, in units of the expected number where that is above 1."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return float((np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max())


def said(model: mw.Model, fresh: Path) -> Any:
    """What the model says of the fresh rows, as numbers."""
    if model.problem.task.is_classification:
        return model.predict_proba(fresh).to_numpy()
    return model.predict(fresh).to_numpy().reshape(-1, 1)


def uncertainty(model: mw.Model, fresh: Path, coverage: float) -> dict[str, Any]:
    """Coverage on the fresh rows."""
    whole = model.coverage(fresh, coverage)[0]
    return {"fresh_rows": whole.rows, "covered": round(whole.covered, 4), "size": round(whole.size, 4)}


def explanation(model: mw.Model, fresh: Path) -> dict[str, Any]:
    """Whether additions make up the prediction, and how long one row and many take."""
    rows = pl.read_csv(fresh, infer_schema=False, missing_utf8_is_empty_string=True)[:EXPLAINED]
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
        "sum_error": f"{apart(told.base + told.values.sum(axis=1), told.raw):.1e}",
        "effect_error": f"{apart(effects, numbers.predictions):.1e}",
        "sampled": "|".join(numbers.sampled),
        "explain_rows_s": round(seconds, 2),
        "explain_row_ms": round(float(np.median(alone)), 1),
    }


def exported(model: mw.Model, fresh: Path, place: Path, python: Path, known: set[str]) -> dict[str, Any]:
    """The project's answers on the fresh rows in an environment without Modelwright."""
    project, out = place / "project", place / "said.parquet"
    mw.export(model, "project", output=project)
    needed = project / "requirements.txt"
    if needed.read_text() not in known:
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "-r", needed], check=True, stderr=sys.stderr
        )
        known.add(needed.read_text())
    there = subprocess.run([python, "-c", "import modelwright"], capture_output=True)
    if there.returncode == 0:
        raise SystemExit("The environment of the project has Modelwright in it.")
    command = [python, project / "score.py", fresh, "-o", out]
    classes = model.problem.task.is_classification
    subprocess.run(
        [*command, *(["--proba"] if classes else [])], check=True, cwd=place, stdout=subprocess.DEVNULL
    )
    frame = pl.read_parquet(out)
    found = frame.select(pl.col("^p_.*$")).to_numpy() if classes else frame.to_numpy()
    return {"exported_rows": len(found), "exported_difference": f"{apart(found, said(model, fresh)):.1e}"}


def reported(model: mw.Model, place: Path) -> dict[str, Any]:
    """Size of the report, and how long it takes."""
    began = time.perf_counter()
    path = model.report(place / "report.html")
    return {"report_kb": round(path.stat().st_size / 1000), "report_s": round(time.perf_counter() - began, 1)}


def measured(
    entry: dict[str, Any], options: argparse.Namespace, python: Path, known: set[str]
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        train, fresh = divided(entry, options.data, place)
        kept = options.models / f"{entry['name']}.mw"
        if not kept.exists():
            mw.train(
                train,
                entry["target"],
                task=entry["task"],
                time_limit=options.time,
                workspace=place / "w",
                output=kept,
            )
        model = mw.load(kept)
        entries = json.loads((kept / "ensemble.json").read_text())["members"]
        row = {
            "dataset": entry["name"],
            "task": entry["task"],
            "members": "|".join(member["learner"] for member in entries),
            **uncertainty(model, fresh, options.coverage),
        }
        steps = (
            lambda: explanation(model, fresh),
            lambda: exported(model, fresh, place, python, known),
            lambda: reported(model, place),
        )
        problems = []
        for step in steps:
            try:
                row |= step()
            except Exception as error:  # the table shows what failed, and the other sets are measured
                problems.append(f"{type(error).__name__}: {error}"[:300])
        return row | {"failed": " | ".join(problems)}


COLUMNS = (
    *("dataset", "task", "members", "fresh_rows", "covered", "size", "scale", "sum_error", "effect_error"),
    *("sampled", "explain_rows_s", "explain_row_ms", "exported_rows", "exported_difference"),
    *("report_kb", "report_s", "failed"),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--time", default="20s")
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--only", default="")
    parser.add_argument("--models", type=Path, required=True)
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    wanted = set(filter(None, options.only.split(",")))
    known: set[str] = set()
    with tempfile.TemporaryDirectory() as folder, options.results.open("w", newline="") as handle:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        for entry in json.loads((options.data / "manifest.json").read_text()):
            if wanted and entry["name"] not in wanted:
                continue
            row = measured(entry, options, python, known)
            writer.writerow(row)
            handle.flush()
            print(row, flush=True)


if __name__ == "__main__":
    main()
