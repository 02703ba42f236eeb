"""The command line as a user runs it: a process of its own in a directory with a small table."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from pathlib import Path

import modelwright

SOURCE = Path(modelwright.__file__).parents[1]


def environment(**changes: str) -> dict[str, str]:
    """The caller's environment with this source tree, one thread, and nothing that changes the output."""
    unwanted = ("MODELWRIGHT_", "PYTHONWARNINGS", "FORCE_COLOR")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    fixed = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "OMP_NUM_THREADS": "1"}
    return {**kept, **fixed, "PYTHONPATH": str(SOURCE), **changes}


def command(directory: Path, *arguments: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run ``python -m modelwright`` in a directory; standard output and error are captured."""
    return subprocess.run(
        [sys.executable, "-m", "modelwright", *arguments],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def write_table(path: Path, rows: int = 240, seed: int = 0) -> None:
    """A small table with a number, a category, missing cells and a flag; ``bought`` depends on them."""
    generator = random.Random(seed)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["age", "city", "visits", "bought", "spent"])
        for _ in range(rows):
            age, visits = generator.randint(18, 80), generator.randint(0, 20)
            city = generator.choice(["Rome", "Oslo", "Lima"])
            score = visits / 4 + (city == "Rome") - age / 40 + generator.gauss(0, 0.7)
            spent = round(10 * score + generator.gauss(0, 2), 2)
            writer.writerow(
                [
                    "" if generator.random() < 0.05 else age,
                    city,
                    visits,
                    "yes" if score > 1.5 else "no",
                    spent,
                ]
            )
