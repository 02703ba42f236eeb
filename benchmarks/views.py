"""Time to profile a table and build its views, next to pandas and scikit-learn doing the like.

usage: views.py RESULTS.csv [--rows 1000000] [--repeats 3]

A generated CSV of 30 columns: 12 numbers (2 with missing values), 4 whole numbers, 8 categories of 3 to
2,000 levels, 3 dates, 2 flags, 1 id. Ours: `read_table` (types, roles, statistics), `Featurizer.fit` and
`transform`. Theirs: `pandas.read_csv` (with `parse_dates` for the dates, which it is told) and a
`ColumnTransformer` (median imputation and scaling of numbers, ordinal codes of categories, date parts by a
function), float32. Each in a process of its own, on one thread and on two, alternating; peak memory is the
process's maximal resident set.
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

import numpy as np
import polars as pl


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--role", default="")
    parser.add_argument("--file", default="")
    options = parser.parse_args()
    if options.role:
        print(json.dumps({"ours": ours, "theirs": theirs}[options.role](options.file)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as place:
        file = f"{place}/table.csv"
        write_table(file, options.rows)
        for threads in ("1", "2"):
            for repeat in range(options.repeats):
                for role in ("ours", "theirs"):
                    rows.append(
                        {"threads": threads, "repeat": repeat, "role": role, **run(role, file, threads)}
                    )
                    print(rows[-1], flush=True)
    with options.results.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for threads in ("1", "2"):
        best = {
            role: min(row["total_s"] for row in rows if (row["threads"], row["role"]) == (threads, role))
            for role in ("ours", "theirs")
        }
        print(f"{threads} threads: ours / theirs = {best['ours'] / best['theirs']:.2f}")


def run(role: str, file: str, threads: str) -> dict[str, float]:
    names = ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")
    command = [sys.executable, __file__, "-", "--role", role, "--file", file]
    done = subprocess.run(
        command,
        env={**os.environ, **dict.fromkeys(names, threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def write_table(file: str, rows: int) -> None:
    random = np.random.default_rng(0)
    columns: dict[str, object] = {"id": np.arange(rows)}
    for number in range(12):
        values = random.normal(size=rows) * 10.0 ** (number % 5)
        columns[f"number_{number}"] = (
            np.where(random.random(rows) < 0.1, np.nan, values) if number < 2 else values
        )
    for number in range(4):
        columns[f"count_{number}"] = random.poisson(3 + 10 * number, rows)
    for number, levels in enumerate((3, 5, 8, 12, 40, 150, 600, 2000)):
        columns[f"level_{number}"] = np.char.add("level ", random.integers(0, levels, rows).astype(str))
    start = np.datetime64("2020-01-01", "ms")
    for number in range(3):
        columns[f"date_{number}"] = start + 1000 * random.integers(0, 10**8, rows)
    for number in range(2):
        columns[f"flag_{number}"] = np.where(random.random(rows) < 0.3, "yes", "no")
    frame = pl.DataFrame(columns).with_columns(pl.col("^number_[01]$").fill_nan(None).round(4))
    frame.write_csv(file, datetime_format="%Y-%m-%d %H:%M:%S")


def ours(file: str) -> dict[str, float]:
    started = time.perf_counter()
    from modelwright.data import read_table
    from modelwright.features import Featurizer

    table = read_table(file)
    read = time.perf_counter()
    view = Featurizer.fit(table.frame, table.schema).transform(table.frame)
    return figures(started, read, view.numeric.shape[1] + view.categorical.shape[1])


def theirs(file: str) -> dict[str, float]:
    started = time.perf_counter()
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler

    dates = [f"date_{number}" for number in range(3)]
    frame = pd.read_csv(file, parse_dates=dates)
    read = time.perf_counter()

    def parts(block: pd.DataFrame) -> np.ndarray:
        found = []
        for name in block:
            when = block[name].dt
            found += [when.year, when.month, when.day, when.dayofweek, when.dayofyear, when.hour, when.minute]
            found.append((block[name] - block[name].min()).dt.total_seconds() / 86400)
        return np.column_stack([part.to_numpy(np.float32) for part in found])

    numbers = [name for name in frame if name.startswith(("number", "count"))]
    levels = [name for name in frame if name.startswith(("level", "flag"))]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32)
    transformer = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("levels", codes, levels),
            ("dates", FunctionTransformer(parts), dates),
        ]
    )
    view = transformer.fit_transform(frame).astype(np.float32)
    return figures(started, read, view.shape[1])


def figures(started: float, read: float, width: int) -> dict[str, float]:
    ended = time.perf_counter()
    return {
        "read_s": round(read - started, 2),
        "view_s": round(ended - read, 2),
        "total_s": round(ended - started, 2),
        "columns": width,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
