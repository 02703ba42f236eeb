"""Same data, same seed, `--max-trials`: identical predictions, run twice, with one slot and with two.

usage: reproducibility.py DATA_FOLDER RESULTS.csv [--only a,b] [--trials 6]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def predictions(entry: dict[str, str], data: Path, place: Path, threads: int, trials: int) -> str:
    """Hash of the bytes of the predictions of one run over its own training file."""
    modelwright = [sys.executable, "-m", "modelwright"]
    source, bundle, scored = str(data / entry["file"]), str(place / "m.mw"), str(place / "p.csv")
    train = [*modelwright, "train", source, "--target", entry["target"], "--task", entry["task"]]
    train += ["--max-trials", str(trials), "--time", "20m", "--threads", str(threads), "--seed", "7"]
    train += ["--workspace", str(place / "w"), "--output", bundle, "--json"]
    subprocess.run(train, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    predict = [*modelwright, "predict", bundle, source, "-o", scored]
    if entry["task"] != "regression":
        predict.append("--proba")
    subprocess.run(predict, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return hashlib.sha256(Path(scored).read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--only", default="titanic,car,moneyball,squirrel_census")
    parser.add_argument("--trials", type=int, default=6)
    options = parser.parse_args()
    rows = []
    for entry in json.loads((options.data / "manifest.json").read_text()):
        if entry["name"] not in options.only.split(","):
            continue
        hashes = []
        for threads in (2, 2, 1):
            with tempfile.TemporaryDirectory() as place:
                hashes.append(predictions(entry, options.data, Path(place), threads, options.trials))
        rows.append(
            {
                "dataset": entry["name"],
                "trials": options.trials,
                "two_slots_again": hashes[0] == hashes[1],
                "one_slot": hashes[0] == hashes[2],
                "sha256": hashes[0][:16],
            }
        )
        print(rows[-1], flush=True)
    with options.results.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
