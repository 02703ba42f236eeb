"""Kill -9 at random moments: of a worker, and of the driver alone. Nothing finished may be lost or repeated.

usage: resilience.py RESULTS.csv [--times 20] [--time 25]

A worker is killed while the run goes on: the run must finish by itself. The driver is killed: its workers
must be gone within 3 seconds, `train --resume last` must finish, adopt every fold that was finished, repeat
none. A driver killed before its run was recorded leaves nothing to resume: the command is given again.
Afterwards no process of the run and no temporary file may be left.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from process_tree import descendants


def write_table(path: Path) -> None:
    draw = random.Random(0)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["size", "colour", "age", "weight", "label"])
        for _ in range(3000):
            size, age, colour = draw.gauss(0, 1), draw.uniform(18, 80), draw.choice("rgb")
            weight = size * 3 + draw.gauss(0, 1)
            yes = size + 0.02 * age + (colour == "r") + draw.gauss(0, 0.7) > 1.5
            writer.writerow([f"{size:.4f}", colour, f"{age:.1f}", f"{weight:.3f}", "yes" if yes else "no"])


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "modelwright", "train", *arguments, "--json", "--threads", "2"]
    command += ["--workspace", str(place / "workspace")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished_folds(place: Path) -> int:
    """Finished folds on disk, those of the constant baseline (trial 0) not counted."""
    folds = (place / "workspace").glob("runs/*/folds/*/fold.json")
    return sum(not path.parent.name.startswith("0-") for path in folds)


def leftovers(place: Path) -> list[str]:
    return [str(path.relative_to(place)) for path in place.rglob("*") if ".tmp" in path.name]


def alive(pids: list[int]) -> list[int]:
    living = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z":
            living.append(pid)
    return living


def kill_worker(place: Path, table: Path, seconds: float, draw: random.Random) -> dict[str, object]:
    process = start(place, str(table), "--target", "label", "--time", f"{seconds}s")
    time.sleep(draw.uniform(1.0, 0.8 * seconds))
    workers = [pid for pid in descendants(process.pid) if pid != process.pid]
    victim = draw.choice(workers) if workers else None
    if victim:
        os.kill(victim, signal.SIGKILL)
    output, errors = process.communicate(timeout=seconds * 3 + 60)
    answer = json.loads(output) if process.returncode == 0 else {}
    return report("worker", process.returncode, answer, errors, 0, 0, alive(workers), leftovers(place))


def kill_driver(place: Path, table: Path, seconds: float, draw: random.Random) -> dict[str, object]:
    process = start(place, str(table), "--target", "label", "--time", f"{seconds}s")
    moment = draw.uniform(2.0, 0.9 * seconds)
    time.sleep(moment)
    family = [pid for pid in descendants(process.pid) if pid != process.pid]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    time.sleep(3.0)
    orphans = len(alive(family))
    done = finished_folds(place)
    rest = f"{max(8.0, seconds / 2)}s"
    if (place / "workspace" / "runs").is_dir() and any((place / "workspace" / "runs").iterdir()):
        again = start(place, "--resume", "last", "--time", rest)
    else:
        again = start(place, str(table), "--target", "label", "--time", rest)
    output, errors = again.communicate(timeout=seconds * 3 + 60)
    answer = json.loads(output) if again.returncode == 0 else {}
    return report("driver", again.returncode, answer, errors, done, orphans, [], leftovers(place))


def report(
    victim: str,
    code: int,
    answer: dict[str, object],
    errors: str,
    done: int,
    orphans: int,
    living: list[int],
    left: list[str],
) -> dict[str, object]:
    if code:
        print(errors[-1500:], file=sys.stderr)
    return {
        "victim": victim,
        "exit": code,
        "folds_on_disk": done,
        "adopted": answer.get("adopted_folds"),
        "repeated": answer.get("repeated_folds"),
        "failed_trials": answer.get("failed_trials"),
        "orphans": orphans + len(living),
        "temporary_files": len(left),
        "note": "; ".join(left)[:200],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--time", type=float, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    rows = []
    for victim in ("worker", "driver"):
        for _ in range(options.times):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                write_table(place / "table.csv")
                act = kill_worker if victim == "worker" else kill_driver
                rows.append(act(place, place / "table.csv", options.time, draw))
            print(rows[-1], flush=True)
            with options.results.open("w", newline="") as handle:
                writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
