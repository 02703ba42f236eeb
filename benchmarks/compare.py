"""Our results beside those of other systems: ratios of errors, wins, failures, time, memory, latency, size.

usage: compare.py OURS.csv PEERS.csv [PEERS.csv ...] [--budget 60] [--table OUT.csv] [--plot OUT.svg]

The files have a line for each run, with the columns framework, dataset, fold, budget, task, status, error,
constant, wall_s, fit_s, tree_mb, row_ms and disk_mb. Compared are the runs of the same data set, fold and
budget. r = our error / the peer's error, clipped to [.5, 2]; a run that failed counts with the error of the
constant. "oracle" is the peer that was best on each set. A tie is a ratio within 0.1% of 1. fit_s is the call
that trains; wall_s is the whole process, with the predictions.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from ratio_plot import ratio_plot

Key = tuple[str, str]
Runs = dict[Key, dict[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", type=Path)
    parser.add_argument("peers", type=Path, nargs="+")
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    ours = read([options.ours], options.budget)["ours"]
    peers = read(options.peers, options.budget)
    peers.pop("ours", None)
    rows = [summary("ours", ours, {}, ours.keys())]
    ratios: dict[str, dict[str, float]] = {}
    for name in sorted(peers):
        ratios[name] = against(ours, peers[name])
        rows.append(summary(name, peers[name], ratios[name], peers[name].keys() & ours.keys()))
    full = {name: runs for name, runs in peers.items() if name != "hgb"}
    ratios["oracle"] = against(ours, oracle(full))
    rows.append({**summary("oracle", {}, ratios["oracle"], ()), "sets": len(ratios["oracle"])})
    show(rows)
    if options.table:
        with options.table.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    if options.plot:
        options.plot.write_text(ratio_plot(ratios, f"Our error / theirs, {options.budget} s"), "utf-8")


def read(paths: Iterable[Path], budget: int) -> dict[str, Runs]:
    """Runs by framework, then by data set and fold; a later line replaces an earlier one."""
    found: dict[str, Runs] = defaultdict(dict)
    for path in paths:
        with path.open() as handle:
            for row in csv.DictReader(handle):
                if int(float(row["budget"])) == budget:
                    found[row["framework"]][row["dataset"], row["fold"]] = row
    return found


def error(row: Mapping[str, str]) -> float:
    return float(row["error"] if row["status"] == "ok" else row["constant"])


def against(ours: Runs, theirs: Runs) -> dict[str, float]:
    """Clipped ratio of errors by data set."""
    both = sorted(ours.keys() & theirs.keys())
    ratios = ((key[0], error(ours[key]) / max(error(theirs[key]), 1e-12)) for key in both)
    return {name: min(max(ratio, 0.5), 2.0) for name, ratio in ratios}


def oracle(peers: Mapping[str, Runs]) -> Runs:
    best: Runs = {}
    for runs in peers.values():
        for key, row in runs.items():
            if key not in best or error(row) < error(best[key]):
                best[key] = row
    return best


def summary(name: str, runs: Runs, ratios: Mapping[str, float], keys: Iterable[Key]) -> dict[str, Any]:
    """One line of the table; the resources are those of the system named."""
    rows = [runs[key] for key in keys]
    known = [row for row in rows if row["status"] == "ok"]
    values = list(ratios.values())
    return {
        "system": name,
        "sets": len(rows),
        "ratio": f"{math.exp(sum(map(math.log, values)) / len(values)):.3f}" if values else "",
        "wins": sum(value < 0.999 for value in values),
        "ties": sum(0.999 <= value <= 1.001 for value in values),
        "losses": sum(value > 1.001 for value in values),
        "failed": len(rows) - len(known),
        "fit_over_budget_max": _largest(float(row["fit_s"]) / float(row["budget"]) for row in known),
        "wall_over_budget_max": _largest(float(row["wall_s"]) / float(row["budget"]) for row in known),
        "memory_mb_median": _middle(known, "tree_mb"),
        "memory_mb_max": _largest((float(row["tree_mb"]) for row in known), 0),
        "row_ms_median": _middle(known, "row_ms"),
        "size_mb_median": _middle(known, "disk_mb"),
    }


def _middle(rows: Sequence[Mapping[str, str]], column: str) -> str:
    values = [float(row[column]) for row in rows if float(row[column]) >= 0]
    return f"{median(values):.1f}" if values else ""


def _largest(values: Iterable[float], digits: int = 2) -> str:
    found = list(values)
    return f"{max(found):.{digits}f}" if found else ""


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(rows[0])
    print("| " + " | ".join(names) + " |")
    print("|" + "---|" * len(names))
    for row in rows:
        print("| " + " | ".join(str(row[name]) for name in names) + " |")


if __name__ == "__main__":
    main()
