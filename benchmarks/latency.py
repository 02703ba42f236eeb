"""How long predictions take: one row at a time and in batches, next to the members' own `predict`.

usage: latency.py DATA RESULTS.csv [--sets adult,titanic] [--rows 20000] [--repeats 300] [--clock wall]

For each data set one model of LightGBM is trained (one trial, all of its folds), and one each of CatBoost,
XGBoost and extra trees. The first is measured alone ("one booster"), then the members of all four together in
equal shares ("four members"): an ensemble as a run of minutes leaves it, whatever a selection would keep.
Models are trained on at most 5,000 rows (`--trained`): that changes the depth of trees a little, not the
number of calls.

Single rows: the median and the 95th percentile over many different rows, after `Model.warm_up`, for
`predict_row` with a dict, and for `predict` with a dict, a polars and a pandas frame of one row. Batch: the
rows of the table (repeated until there are enough), milliseconds for a thousand; beside it the sum of
what the fold models' own `predict` takes on the ready view, and the ratio of the two (best of three each).
The largest difference between a row's probabilities alone and in the batch stands in the last column.
Run it on an idle machine with `OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1`; where others work on the same cores,
`--clock cpu` measures processor time instead of wall time. New figures are appended to the file.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import modelwright as mw
from modelwright.data import conform
from modelwright.ensemble import Ensemble

LEARNERS = ("lightgbm", "catboost", "xgboost", "extra_trees")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--sets", default="adult,credit_default,titanic,lending_club_loans,letter")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--trained", type=int, default=5_000)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options = parser.parse_args()
    clock = {"wall": time.perf_counter, "cpu": time.process_time}[options.clock]
    known = {entry["name"]: entry for entry in json.loads((options.data / "manifest.json").read_text())}
    for name in options.sets.split(","):
        entry = known[name]
        with tempfile.TemporaryDirectory() as place:
            frame = pl.read_csv(options.data / entry["file"], infer_schema_length=0)
            for label, model in models(frame, entry["target"], place, options.trained):
                figures = measure(model, frame, options.rows, options.repeats, clock)
                row = {"data": name, "model": label, "clock": options.clock, **figures}
                print(row, flush=True)
                append(options.results, row)


def models(frame: pl.DataFrame, target: str, place: str, rows: int) -> Iterator[tuple[str, mw.Model]]:
    sample = frame.sample(min(frame.height, rows), seed=0)
    trained = [
        mw.train(
            sample,
            target,
            learners=learner,
            max_trials=1,
            time_limit="10m",
            threads=1,
            workspace=f"{place}/{learner}",
        )
        for learner in LEARNERS
    ]
    yield "one booster", trained[0]
    members = [member for model in trained for member in model._ensemble.members]
    together = trained[0]
    share = 1 / len(members)
    together._ensemble = Ensemble(members[0].task, tuple(replace(member, weight=share) for member in members))
    yield "four members", together


def measure(
    model: mw.Model, frame: pl.DataFrame, rows: int, repeats: int, clock: Callable[[], float]
) -> dict[str, Any]:
    def seconds(work: Callable[..., Any], *inputs: Any) -> float:
        started = clock()
        work(*inputs)
        return clock() - started

    model.warm_up()
    single = frame.sample(min(frame.height, repeats), seed=1)
    dicts = list(single.iter_rows(named=True))
    frames = [single[position : position + 1] for position in range(single.height)]
    found: dict[str, Any] = {
        "members": len(model._ensemble.members),
        "models": sum(len(member.models) for member in model._ensemble.members),
    }
    forms = {
        "row": (model.predict_row, dicts),
        "dict": (model.predict, dicts),
        "polars": (model.predict, frames),
        "pandas": (model.predict, [_pandas(row) for row in dicts]),
    }
    for form, (predict, inputs) in forms.items():
        times = [seconds(predict, one) for one in inputs]
        found[f"{form}_ms"] = round(1e3 * float(np.median(times)), 3)
        found[f"{form}_p95_ms"] = round(1e3 * float(np.quantile(times, 0.95)), 3)
    batch = pl.concat([frame] * (1 + rows // frame.height))[:rows]
    model.predict(batch[:2_000])
    whole = min(seconds(model.predict, batch) for _ in range(3))
    view = model._featurizer.transform(conform(batch, model.schema, model._featurizer.also).frame)
    fold_models = [each for member in model._ensemble.members for each in member.models]
    own = min(seconds(lambda: [each.predict(view) for each in fold_models]) for _ in range(3))
    found |= {
        "batch_ms_per_1k": round(1e6 * whole / rows, 2),
        "members_ms_per_1k": round(1e6 * own / rows, 2),
        "ratio": round(whole / own, 3),
        "largest_difference": difference(model, single, dicts),
    }
    return found


def difference(model: mw.Model, table: pl.DataFrame, rows: list[dict[str, Any]]) -> float:
    if model.problem.task.is_classification:
        among = model.predict_proba(table).to_numpy()
        alone = np.array([list(model.predict_proba_row(row).values()) for row in rows])
        return float(np.abs(among - alone).max())
    among, alone = model.predict(table).to_numpy(), np.array([model.predict_row(row) for row in rows])
    return float((np.abs(among - alone) / np.maximum(1.0, np.abs(among))).max())


def append(results: Path, row: dict[str, Any]) -> None:
    fresh = not results.exists()
    with results.open("a", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _pandas(row: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame([row])


if __name__ == "__main__":
    main()
