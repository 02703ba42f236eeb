"""What the core costs: packages and megabytes of a clean install, seconds of `--help` and of the import.

usage: footprint.py RESULTS.csv PYTHON_OF_A_CLEAN_ENVIRONMENT

The environment holds `pip install modelwright` and nothing else. Times are the median of 9 whole processes,
next to an interpreter that starts and does nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import time
from pathlib import Path

HEAVY = (
    "numpy",
    "polars",
    "sklearn",
    "scipy",
    "lightgbm",
    "catboost",
    "optuna",
    "sqlalchemy",
    "pandas",
    "typer",
)


def median_seconds(command: list[str]) -> float:
    times = []
    for _ in range(9):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("python", type=Path)
    options = parser.parse_args()
    python = str(options.python)

    def ask(code: str) -> str:
        return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()

    place = Path(ask("import sysconfig; print(sysconfig.get_path('purelib'))"))
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    packages = ask("import importlib.metadata as m; print(len({d.name for d in m.distributions()}))")
    loaded = ask(f"import sys, modelwright; print([m for m in {HEAVY} if m in sys.modules])")
    largest = sorted(
        (
            (sum(f.stat().st_size for f in d.rglob("*") if f.is_file()), d.name)
            for d in place.iterdir()
            if d.is_dir()
        ),
        reverse=True,
    )[:8]
    bare = median_seconds([python, "-c", "pass"])
    rows = {
        "packages": packages,
        "installed_mb": round(size / 2**20),
        "largest": json.dumps({name: round(size / 2**20) for size, name in largest}),
        "heavy_modules_after_import": loaded,
        "bare_interpreter_s": round(bare, 3),
        "import_s": round(median_seconds([python, "-c", "import modelwright"]), 3),
        "help_s": round(median_seconds([python, "-m", "modelwright", "--help"]), 3),
    }
    with options.results.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["measure", "value"])
        writer.writerows(rows.items())
    print(rows)


if __name__ == "__main__":
    main()
