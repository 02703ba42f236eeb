"""Are kinds and roles found as a person finds them? Compared column by column with a hand-checked list.

usage: kinds.py DATA [--without-messy]

`kinds/expected.csv` says for each column of each data set what its values are and what the column is good
for, by somebody who looked at the values; where honest people differ, several answers are separated by `|`.
No target is named, so that every column is judged by its values alone. Exit code 1 below 97%.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path

from modelwright.data import read_table

WANTED = 0.97


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--without-messy", action="store_true")
    options = parser.parse_args()
    files = {
        entry["name"]: entry["file"] for entry in json.loads((options.data / "manifest.json").read_text())
    }
    expected = defaultdict(list)
    with (Path(__file__).parent / "kinds" / "expected.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            expected[row["dataset"]].append(row)
    columns = kinds = roles = 0
    for name, rows in expected.items():
        schema = read_table(options.data / files[name], messy=not options.without_messy).schema
        for row in rows:
            found = schema[row["column"]]
            good_kind = str(found.kind) in row["kind"].split("|")
            good_role = str(found.role) in row["role"].split("|")
            columns += 1
            kinds += good_kind
            roles += good_role
            if not (good_kind and good_role):
                print(
                    f"{name}, {row['column']}: {found.kind} {found.role} ({found.reason}), but expected "
                    f"{row['kind']} {row['role']}"
                )
    print(f"{columns} columns: kinds {kinds / columns:.2%}, roles {roles / columns:.2%}")
    return int(min(kinds, roles) < WANTED * columns)


if __name__ == "__main__":
    raise SystemExit(main())
