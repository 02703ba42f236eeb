"""Does the leak guard find planted leaks, and does it leave clean tables alone?

usage: leaks.py DATA_FOLDER [RESULTS.csv]

Each data set of the manifest is judged twice: as it is, and clean, with `id_columns` and `leak_columns`
left out. The guard is told the target and the task, nothing else. A planted leak is excluded, warned of or
missed; a false alarm is a column that is excluded from a clean table. Warnings there are listed too.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np

from modelwright.core import Finding, Problem, Role, Schema
from modelwright.data import ResolvedTarget, Table, read_table, resolve_target
from modelwright.validation import find_leaks

FIELDS = ("dataset", "version", "column", "outcome", "checks", "kind", "score", "seconds", "message")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "results", type=Path, nargs="?", default=Path(__file__).parent / "results" / "leaks.csv"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for entry in json.loads((options.data / "manifest.json").read_text()):
        rows += judge(options.data, entry, options.seed)
    with options.results.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    summary(rows)


def judge(data: Path, entry: dict[str, object], seed: int) -> list[dict[str, object]]:
    problem = Problem.of(str(entry["target"]), task=str(entry["task"]))
    table = read_table(data / str(entry["file"]), overrides={}, problem=problem)
    resolved = resolve_target(table, problem)
    planted = [str(name) for name in list(entry["leak_columns"])]  # type: ignore[call-overload]
    dropped = [*planted, *(str(name) for name in list(entry["id_columns"]))]  # type: ignore[call-overload]
    clean = table.schema
    for name in dropped:
        clean = clean.with_role(name, Role.IGNORED, "left out")
    rows = []
    for version, schema in (("as it is", table.schema), ("clean", clean)):
        findings, seconds = run(table, schema, resolved, seed)
        by_column: dict[str, list[Finding]] = {}
        for finding in findings:
            by_column.setdefault(finding.column or "(rows)", []).append(finding)
        names = list(by_column)
        names += [name for name in planted if version == "as it is" and name not in names]
        for name in names:
            found = by_column.get(name, [])
            worst = found[0] if found else None
            outcome = "missed" if worst is None else {"warning": "warned"}.get(worst.severity, worst.severity)
            if name in planted and worst is None:
                score: object = alone(table, resolved, name, seed)
            else:
                score = worst.evidence.get("score", "") if worst else ""
            rows.append(
                {
                    "dataset": entry["name"],
                    "version": version,
                    "column": name + (" (planted)" if name in planted else ""),
                    "outcome": outcome,
                    "checks": " ".join(sorted({finding.check for finding in found})),
                    "kind": worst.evidence.get("kind", "") if worst else "",
                    "score": score,
                    "seconds": round(seconds, 2),
                    "message": worst.message if worst else "",
                }
            )
        if not names:
            rows.append(
                dict.fromkeys(FIELDS, "")
                | {
                    "dataset": entry["name"],
                    "version": version,
                    "outcome": "nothing",
                    "seconds": round(seconds, 2),
                }
            )
    return rows


def run(table: Table, schema: Schema, resolved: ResolvedTarget, seed: int) -> tuple[list[Finding], float]:
    frame = table.frame[resolved.rows]
    started = time.perf_counter()
    findings = find_leaks(frame, schema, resolved.problem, resolved.target, seed)
    return [finding for finding in findings if finding.check != "id"], time.perf_counter() - started


def alone(table: Table, resolved: ResolvedTarget, name: str, seed: int) -> float:
    """The score of one column."""
    from modelwright.validation.leak_screening import draw_sample, screen

    sample = draw_sample(np.asarray(resolved.target), resolved.problem.task.is_classification, seed)
    place = table.frame.columns.index(name)
    values = table.frame[:, [place]][resolved.rows][sample.rows]
    values.columns = ["c0"]
    return round(float(screen(values, [table.schema[name]], sample)[0]), 4)


def summary(rows: list[dict[str, object]]) -> None:
    planted = [
        row for row in rows if row["version"] == "as it is" and str(row["column"]).endswith(" (planted)")
    ]
    print("| data set | planted leak | outcome | how | score alone |\n|---|---|---|---|---|")
    for row in planted:
        name = str(row["column"]).removesuffix(" (planted)")
        print(f"| {row['dataset']} | {name} | {row['outcome']} | {row['kind']} | {row['score']} |")
    clean = [row for row in rows if row["version"] == "clean"]
    alarms = [row for row in clean if row["outcome"] == "excluded"]
    warnings = [row for row in clean if row["outcome"] == "warned"]
    others = [
        row
        for row in rows
        if row["version"] == "as it is" and row["outcome"] == "excluded" and row not in planted
    ]
    counts = {
        word: sum(row["outcome"] == word for row in planted) for word in ("excluded", "warned", "missed")
    }
    print(f"planted: {counts}; other columns excluded: {[(row['dataset'], row['column']) for row in others]}")
    sets = len({row["dataset"] for row in rows})
    print(f"clean sets: {sets}, false alarms: {[(row['dataset'], row['column']) for row in alarms] or 0}")
    print(f"warnings on clean sets: {len(warnings)}")
    for row in warnings:
        print(f"  {row['dataset']}: {row['column']} {row['checks']} {row['score']}")
    print(f"longest: {max(float(str(row['seconds'])) for row in rows)} s")


if __name__ == "__main__":
    main()
