"""Where the processor seconds of runs go, stage by stage, for the driver and its workers.

usage: profile_run.py DATA_FOLDER RESULTS.csv [--time 60] [--threads 2] [--slots 1] [--memory 4GB]
                      [--only a,b]

Each data set of a folder with a manifest is trained in a fresh process and workspace. Everything is counted
in processor seconds, so that a busy machine tells the same story as an idle one, as far as there is time to
tell it. `idle` is what the budget had (wall seconds times threads) less what was used: on a busy machine that
is mostly what others took. One line a stage; `share` is of the seconds used, `share_of_budget` of the budget.
What the run's record says of its stages is refined by timing the driver's own functions from outside.

`--slots` says how many worker processes share the threads, instead of what a plan decides: `--slots 1` fits
one fold at a time on all threads. The first model, the score and the peak of memory tell which is better.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

PARTS = {
    "reading and typing": ("modelwright.automl.prepare", "read_table"),
    "resolving the target": ("modelwright.automl.prepare", "resolve_target"),
    "checking columns": ("modelwright.automl.prepare", "_usable_columns"),
    "dividing into folds": ("modelwright.automl.prepare", "make_folds"),
    "looking for duplicates": ("modelwright.automl.prepare", "find_duplicates"),
    "featurising (fit)": ("modelwright.features:Featurizer", "fit"),
    "featurising (transform)": ("modelwright.features:Featurizer", "transform"),
    "planning": ("modelwright.automl.planning", "make_plan"),
    "writing views": ("modelwright.automl.execute", "write_fold_data"),
    "scoring trials": ("modelwright.search:Trials", "finish_fold"),
    "choosing": ("modelwright.automl.execute", "choose"),
    "writing and scoring the model": ("modelwright.automl.execute", "deliver"),
    "loading the model": ("modelwright.automl.model:Model", "load"),
}
"""Functions of the driver that are timed, and what they do; one that has another name by now is left out."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--only", default="")
    parser.add_argument("--slots", type=int, default=0)
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    entries = json.loads((options.data / "manifest.json").read_text())
    if options.one:
        print(json.dumps(profile(next(entry for entry in entries if entry["name"] == options.one), options)))
        return
    rows: list[dict[str, object]] = []
    for entry in entries:
        if options.only and entry["name"] not in options.only.split(","):
            continue
        command = [sys.executable, __file__, str(options.data), str(options.results), "--one", entry["name"]]
        command += ["--time", str(options.time), "--threads", str(options.threads)]
        command += ["--slots", str(options.slots)]
        done = subprocess.run(
            [*command, "--memory", options.memory], capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(entry["name"], "failed:", done.stderr[-500:], file=sys.stderr)
            continue
        rows += tell(entry["name"], json.loads(done.stdout.splitlines()[-1]))
        with options.results.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def profile(entry: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """Train on one data set in this process, which is the driver."""
    from modelwright import train
    from modelwright.core import Stopwatch

    imported = time.process_time()
    clock = Stopwatch()
    if options.slots:
        _divide(options.slots, options.threads)
    for stage, (place, name) in PARTS.items():
        _time(place, name, stage, clock)
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        outcome = train(
            str(options.data / entry["file"]),
            entry["target"],
            task=entry["task"],
            time_limit=options.time,
            memory_limit=options.memory,
            threads=options.threads,
            workspace=place,
        )
        wall = time.monotonic() - began
        from modelwright.storage import Workspace

        with Workspace.open(place) as workspace:
            summary = workspace.runs.get("last").summary
    del outcome
    return {
        "wall": wall,
        "threads": options.threads,
        "imports": imported,
        "parts": clock.seconds,
        "cpu": summary["cpu_seconds"],
        "trials": summary["trials"],
        "score": summary["score"],
        "first_model_s": summary["first_model_seconds"],
        "peak_mb": summary["peak_memory_mb"],
    }


def _divide(slots: int, threads: int) -> None:
    """Let every plan use so many worker processes."""
    for place in ("modelwright.automl.plan", "modelwright.automl.execute"):
        import_module(place).slots_for = lambda budget: (slots, max(1, threads // slots))  # type: ignore[attr-defined]


def _time(place: str, name: str, stage: str, clock: Any) -> None:
    """Replace a function by one that counts what it takes for a stage."""
    module, _, holder = place.partition(":")
    owner = import_module(module)
    owner = getattr(owner, holder) if holder else owner
    function: Callable[..., Any] | None = getattr(owner, name, None)
    if function is None:
        print(f"{place} has no {name}: the part {stage!r} is left out", file=sys.stderr)
        return

    @wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        with clock(stage):
            return function(*arguments, **named)

    bound = hasattr(function, "__self__")
    setattr(owner, name, staticmethod(timed) if bound else timed)


def tell(dataset: str, found: dict[str, Any]) -> list[dict[str, object]]:
    """One row a stage, and a line for people."""
    cpu, budget = found["cpu"], found["wall"] * found["threads"]
    stages = {("driver", "importing"): found["imports"]}
    stages |= {("driver", stage): seconds for stage, seconds in cpu["driver"].items()}
    stages |= {("worker", stage): seconds for stage, seconds in cpu["workers"].items()}
    used = sum(stages.values())
    stages[("nobody", "idle")] = max(0.0, budget - used)
    # parts of the driver's stages, told apart: they are not added once more
    stages |= {("part of the driver", stage): seconds for stage, seconds in found["parts"].items()}
    training = cpu["workers"].get("training", 0.0)
    print(
        f"{dataset}: {found['trials']} trials, {used:.1f} of {budget:.1f} s used, training "
        f"{training / used:.0%} of what was used, {training / budget:.0%} of the budget; score "
        f"{found['score']:.5g}, first model after {found['first_model_s'] or -1:.1f} s, "
        f"{found['peak_mb']:.0f} MB",
        flush=True,
    )
    return [
        {
            "dataset": dataset,
            "who": who,
            "stage": stage,
            "cpu_s": round(seconds, 3),
            "share": round(seconds / used, 4),
            "share_of_budget": round(seconds / budget, 4),
        }
        for (who, stage), seconds in stages.items()
    ]


if __name__ == "__main__":
    main()
