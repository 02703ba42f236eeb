"""Time and peak memory against the size of the table, next to LightGBM alone.

usage: growth.py RESULTS.csv [--rows 1000,10000,100000,1000000] [--columns 10,100,1000,10000]
                 [--base-rows 10000] [--base-columns 30] [--time 60] [--threads 2] [--memory 8GB]

Tables are drawn at random: numbers and a tenth of categories, gaps, a target of ten of the columns and noise.
Rows grow at 30 columns, columns at 10,000 rows. Each table is a Parquet file; what trains on it is a process
of its own, measured from outside: wall time, processor seconds, peak summed PSS of its process tree.

`modelwright` is the command line with a time limit: what grows is the time to the first model, memory, the
trials that fit in and the score on fresh rows. `fixed` is the same with two trials and no limit that could
bite, so that time grows with the work. `lightgbm` reads the file with polars and fits 200 rounds with the
library's defaults, which is the least that anybody would do.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from process_tree import PeakMemory

TEST_ROWS = 5_000

LIGHTGBM = """
import json, sys
import lightgbm as lgb, numpy as np, polars as pl
from sklearn.metrics import roc_auc_score

def matrix(frame):
    coded = [pl.col(name).cast(pl.Categorical).to_physical().cast(pl.Float32)
             if kind == pl.String else pl.col(name).cast(pl.Float32) for name, kind in frame.schema.items()]
    return frame.select(coded).to_numpy()

train, test = (pl.read_parquet(path) for path in sys.argv[1:3])
both = matrix(pl.concat([train, test]).drop("target"))
table = lgb.Dataset(both[: len(train)], train["target"].to_numpy())
options = {"objective": "binary", "verbosity": -1, "num_threads": int(sys.argv[3])}
booster = lgb.train(options, table, 200)
print(json.dumps({"score": roc_auc_score(test["target"].to_numpy(), booster.predict(both[len(train) :]))}))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--rows", default="1000,10000,100000,1000000")
    parser.add_argument("--columns", default="10,100,1000,10000")
    parser.add_argument("--base-rows", type=int, default=10_000)
    parser.add_argument("--base-columns", type=int, default=30)
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--skip", default="", help="of modelwright, fixed, lightgbm")
    options = parser.parse_args()
    sizes = [("rows", int(rows), options.base_columns) for rows in options.rows.split(",") if rows]
    sizes += [("columns", options.base_rows, int(wide)) for wide in options.columns.split(",") if wide]
    found: list[dict[str, object]] = []
    for axis, rows, columns in sizes:
        with tempfile.TemporaryDirectory() as place:
            write_tables(Path(place), rows, columns)
            for tool, command in commands(Path(place), options).items():
                if tool in options.skip.split(","):
                    continue
                row = {"axis": axis, "rows": rows, "columns": columns, "tool": tool}
                found.append({**row, **measure(command, Path(place))})
                print(found[-1], flush=True)
        with options.results.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(found[0]))
            writer.writeheader()
            writer.writerows(found)


def write_tables(place: Path, rows: int, columns: int) -> None:
    """``train.parquet`` with so many rows, and ``test.parquet``; drawn in columns, to need little memory."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(rows + columns)
    total = rows + TEST_ROWS
    signal = rng.normal(0, 1.0, total)
    frame: dict[str, object] = {}
    for number in range(columns):
        values = rng.normal(0, 1, total).astype(np.float32)
        if number < 10:
            signal += np.where(values > 0, values, 0.5 * values) * (-1) ** number
        if number % 10 == 9:
            levels = np.digitize(values, np.linspace(-2, 2, 9))
            frame[f"c{number}"] = pl.Series(levels).cast(pl.String)
        else:
            column = pl.Series(values)
            if number % 3 == 0:
                column = column.set(pl.Series(rng.random(total) < 0.05), None)
            frame[f"n{number}"] = column
    frame["target"] = pl.Series((signal > 0).astype(np.int8))
    table = pl.DataFrame(frame)
    table[:rows].write_parquet(place / "train.parquet")
    table[rows:].write_parquet(place / "test.parquet")


def commands(place: Path, options: argparse.Namespace) -> dict[str, list[str]]:
    """What is measured."""
    train = [sys.executable, "-m", "modelwright", "train", str(place / "train.parquet")]
    train += ["--target", "target", "--holdout", str(place / "test.parquet"), "--metric", "roc_auc"]
    train += ["--memory", options.memory, "--threads", str(options.threads), "--json"]
    alone = [sys.executable, "-c", LIGHTGBM, str(place / "train.parquet"), str(place / "test.parquet")]
    return {
        "modelwright": [*train, "--time", f"{options.time}s", "--workspace", str(place / "limited")],
        "fixed": [*train, "--time", "1h", "--max-trials", "2", "--workspace", str(place / "fixed")],
        "lightgbm": [*alone, str(options.threads)],
    }


def measure(command: list[str], place: Path) -> dict[str, object]:
    """Run it to its end."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with open(place / "errors", "w+") as errors:
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        memory = PeakMemory(process.pid)
        output, _ = process.communicate()
        wall, peak = time.monotonic() - started, memory.stop()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        errors.seek(0)
        said = errors.read()
    if process.returncode:
        print(said[-1000:], file=sys.stderr)
    answer = json.loads(output.splitlines()[-1]) if process.returncode == 0 else {}
    return {
        "exit": process.returncode,
        "wall_s": round(wall, 2),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_mb": round(peak / 2**20),
        "first_model_s": answer.get("first_model_seconds"),
        "trials": answer.get("trials"),
        "training_share": answer.get("cpu_seconds", {}).get("training"),
        "score": answer.get("score"),
    }


if __name__ == "__main__":
    main()
