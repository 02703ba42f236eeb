"""Time and memory budgets on every data set of a folder with a manifest.

usage: budgets.py DATA_FOLDER RESULTS.csv [--time 30] [--memory 2GB] [--threads 2] [--only a,b] [--busy 1]

Each data set is trained by the command line in a fresh workspace, `id_columns` and `leak_columns` left in,
as a user would. Measured from outside: wall time of the whole process, peak summed PSS of its process tree.
`--busy N` keeps N processors fully occupied with something else meanwhile.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from process_tree import PeakMemory


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--time", type=float, default=30)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--only", default="")
    parser.add_argument("--busy", type=int, default=0)
    options = parser.parse_args()
    with occupied(options.busy):
        run(options)


@contextmanager
def occupied(processors: int) -> Iterator[None]:
    """Somebody else's work on so many processors, each bound to one."""
    program = "import os, sys\nos.sched_setaffinity(0, [int(sys.argv[1])])\nwhile True: pass"
    places = sorted(os.sched_getaffinity(0))[:processors]
    others = [subprocess.Popen([sys.executable, "-c", program, str(place)]) for place in places]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def run(options: argparse.Namespace) -> None:
    rows = []
    for entry in json.loads((options.data / "manifest.json").read_text()):
        if options.only and entry["name"] not in options.only.split(","):
            continue
        rows.append(measure(entry, options))
        print(rows[-1], flush=True)
        with options.results.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    limit = options.time * 1.05 + 2
    late = [row["dataset"] for row in rows if row["wall_s"] > limit]
    failed = [row["dataset"] for row in rows if row["exit"] != 0]
    print(f"{len(rows)} sets, limit {limit:.1f} s: late {late or 'none'}, failed {failed or 'none'}")


def measure(entry: dict[str, str], options: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as place:
        command = [
            sys.executable,
            "-m",
            "modelwright",
            "train",
            str((options.data / entry["file"]).absolute()),
        ]
        command += ["--target", entry["target"], "--task", entry["task"], "--time", f"{options.time}s"]
        command += ["--memory", options.memory, "--threads", options.threads, "--json"]
        started = time.monotonic()
        with open(Path(place) / "errors", "w+") as errors:
            process = subprocess.Popen(
                [*command, "--workspace", str(Path(place) / "workspace")],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            memory = PeakMemory(process.pid)
            output, _ = process.communicate(timeout=options.time * 4 + 120)
            wall = time.monotonic() - started
            peak = memory.stop()
            errors.seek(0)
            if process.returncode:
                print(errors.read()[-2000:], file=sys.stderr)
        answer = json.loads(output) if process.returncode == 0 else {}
        return {
            "dataset": entry["name"],
            "budget_s": options.time,
            "busy": options.busy,
            "exit": process.returncode,
            "wall_s": round(wall, 2),
            "wall_over_budget": round(wall / options.time, 3),
            "peak_mb": round(peak / 2**20),
            "reported_peak_mb": answer.get("peak_memory_mb"),
            "first_model_s": round(answer.get("first_model_seconds") or -1, 2),
            "trials": answer.get("trials"),
            "failed_trials": answer.get("failed_trials"),
            "metric": answer.get("metric"),
            "score": answer.get("score"),
        }


if __name__ == "__main__":
    main()
