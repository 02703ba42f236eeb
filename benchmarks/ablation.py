"""What each part of the treatment adds: every data set trained with all parts, and without each one.

usage: ablation.py DATA_FOLDER RESULTS.csv [--time 60] [--parts text,calibration] [--only a,b] [--seeds 1]

Fixed 70/30 splits (stratified for classes), `id_columns` and `leak_columns` left out. A part is switched off
with `--without PART`. The error on the test rows is that of the metric that was optimised: 1 - ROC AUC, log
loss or RMSE; for `thresholds`, 1 - F1 (macro for several classes) of labels. Ratio = error without the part /
error with it: above 1 the part helps. Results are appended, and rows that are there are not measured again.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import train_test_split

import modelwright as mw
from modelwright.core import Task
from modelwright.metrics import get_metric

PARTS = ("messy_values", "target_encoding", "text", "calibration", "thresholds", "target_transform")
LABELS = {"binary": "f1", "multiclass": "f1_macro"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    manifest = json.loads((options.data / "manifest.json").read_text())
    done = known(options.results)
    for seed in range(options.seeds):
        for entry in manifest:
            if options.only and entry["name"] not in options.only.split(","):
                continue
            for metric, part in wanted(entry["task"], options.parts.split(",")):
                key = (entry["name"], str(seed), metric, part)
                if key not in done:
                    row = measure(entry, options, seed, metric, part)
                    append(options.results, row)
                    print(row, flush=True)
    report(options.results)


def wanted(task: str, parts: list[str]) -> list[tuple[str, str]]:
    """Metric and part of each run; an empty part is the whole treatment."""
    runs = [("auto", ""), *(("auto", part) for part in parts if part != "thresholds")]
    if "thresholds" in parts and task in LABELS:
        runs += [(LABELS[task], ""), (LABELS[task], "thresholds")]
    return runs


def measure(
    entry: dict[str, Any], options: argparse.Namespace, seed: int, metric: str, part: str
) -> dict[str, Any]:
    frame = pd.read_csv(options.data / entry["file"], low_memory=False)
    drop = [*entry.get("drop", []), *entry.get("id_columns", []), *entry.get("leak_columns", [])]
    frame = frame.drop(columns=[column for column in drop if column in frame])
    frame = frame[frame[entry["target"]].notna()]
    classes = entry["task"] != "regression"
    if classes:
        sizes = frame[entry["target"]].value_counts()
        frame = frame[frame[entry["target"]].isin(sizes[sizes >= 8].index)]
    train, test = train_test_split(
        frame, test_size=0.3, random_state=seed, stratify=frame[entry["target"]] if classes else None
    )
    with tempfile.TemporaryDirectory() as place:
        # From files, as a user's table comes: messy values are then still text.
        train.to_csv(f"{place}/train.csv", index=False)
        test.to_csv(f"{place}/test.csv", index=False)
        model = mw.train(
            f"{place}/train.csv",
            entry["target"],
            task=entry["task"],
            metric=metric,
            time_limit=options.time,
            threads=2,
            seed=seed,
            holdout=0,
            without=part or None,
            workspace=f"{place}/workspace",
        )
        name = model.problem.metric
        score = model.evaluate(f"{place}/test.csv")[name]["score"]
    error = get_metric(name, Task(entry["task"])).error_of(float("nan") if score is None else score)
    return {
        "dataset": entry["name"],
        "seed": seed,
        "metric": metric,
        "without": part,
        "budget_s": options.time,
        "optimised": name,
        "error": f"{error:.6g}",
    }


def known(path: Path) -> set[tuple[str, ...]]:
    if not path.exists():
        return set()
    with path.open() as handle:
        return {(r["dataset"], r["seed"], r["metric"], r["without"]) for r in csv.DictReader(handle)}


def append(path: Path, row: dict[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def report(path: Path) -> None:
    with path.open() as handle:
        rows = list(csv.DictReader(handle))
    errors = {(r["dataset"], r["seed"], r["metric"], r["without"]): float(r["error"]) for r in rows}
    ratios: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (dataset, seed, metric, part), error in errors.items():
        whole = errors.get((dataset, seed, metric, ""))
        if part and whole and error > 0:
            ratios[part].append((min(max(error / whole, 0.5), 2.0), dataset))
    for part, found in ratios.items():
        mean = math.exp(sum(math.log(ratio) for ratio, _ in found) / len(found))
        better = sum(ratio > 1.001 for ratio, _ in found)
        worse = sum(ratio < 0.999 for ratio, _ in found)
        found.sort()
        extremes = ", ".join(f"{dataset} {ratio:.3f}" for ratio, dataset in (*found[:2], *found[-2:]))
        print(f"{part:18} {mean:.4f} on {len(found)} sets: helps {better}, hurts {worse} ({extremes})")


if __name__ == "__main__":
    main()
