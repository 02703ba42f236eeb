"""What each part of the treatment adds: every data set trained with all parts, and without each one.

usage: ablation.py DATA_FOLDER RESULTS.csv [--time 60] [--threads 2] [--parts text,calibration] [--only a,b]
                   [--seeds 1] [--plan]

Fixed 70/30 splits (stratified for classes), `id_columns` and `leak_columns` left out. The error on the test
rows is that of the metric that was optimised: 1 - ROC AUC, log loss or RMSE; for `thresholds`, 1 - F1 (macro
for several classes) of labels. Ratio = error without the part / error with it: above 1 the part helps.

- A part that changes the search (`messy_values`, `text`, `target_encoding`, `generated_features`,
  `target_transform`, `learned_order`) is switched off with `--without PART` in a run of its own. Where both
  runs would see the same features, the same configurations and the same search spaces, the part has nothing
  to do on this set: its ratio is 1 and no run is made (`how` is "inert"); two runs would differ by the noise
  of the clock alone.
- What is fitted at the end (`calibration`, `thresholds`, `stacking`), the other members (`ensemble`: the best
  one alone is left) or the other folds (`bags`: one fold model of each member is left) are taken off the very
  model that was trained with them: a paired comparison. Without stacking, or with one member, there is no
  calibration either, for it was fitted to what they said together.

Results are appended, and rows that are there are not measured again. `--plan` only says what would be run.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.model_selection import train_test_split

import modelwright as mw
from modelwright.automl.execute import execute
from modelwright.automl.plan import make_plan
from modelwright.automl.prepare import prepare
from modelwright.automl.request import TrainRequest
from modelwright.core import Task
from modelwright.ensemble import TargetFacts
from modelwright.metrics import get_metric

SEARCHED = (
    "messy_values",
    "text",
    "target_encoding",
    "generated_features",
    "target_transform",
    "learned_order",
)
FITTED_LAST = {
    "calibration": "auto",
    "stacking": "auto",
    "ensemble": "auto",
    "bags": "auto",
    "thresholds": "labels",
}
OF_CLASSES = ("calibration", "thresholds")
LABELS = {"binary": "f1", "multiclass": "f1_macro"}
ENTRY_FIELDS = ("drop", "id_columns", "leak_columns")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--parts", default=",".join((*SEARCHED, *FITTED_LAST)))
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--plan", action="store_true")
    options = parser.parse_args()
    manifest = json.loads((options.data / "manifest.json").read_text())
    parts = options.parts.split(",")
    for seed in range(options.seeds):
        for entry in manifest:
            if options.only and entry["name"] not in options.only.split(","):
                continue
            with tempfile.TemporaryDirectory() as place:
                ablate(Arm(entry, options, seed, place), parts)
    if not options.plan:
        report(options.results)


class Arm:
    """One data set, split once, to be trained with and without parts."""

    def __init__(self, entry: dict[str, Any], options: argparse.Namespace, seed: int, place: str) -> None:
        self.entry, self.options, self.seed, self.place = entry, options, seed, place
        frame = pd.read_csv(options.data / entry["file"], low_memory=False)
        drop = [name for field in ENTRY_FIELDS for name in entry.get(field, []) if name in frame]
        frame = frame.drop(columns=drop)
        frame = frame[frame[entry["target"]].notna()]
        classes = entry["task"] != "regression"
        if classes:
            sizes = frame[entry["target"]].value_counts()
            frame = frame[frame[entry["target"]].isin(sizes[sizes >= 8].index)]
        train, test = train_test_split(
            frame, test_size=0.3, random_state=seed, stratify=frame[entry["target"]] if classes else None
        )
        # From files, as a user's table comes: messy values are then still text.
        train.to_csv(f"{place}/train.csv", index=False)
        test.to_csv(f"{place}/test.csv", index=False)

    def request(self, metric: str, without: str = "") -> TrainRequest:
        return TrainRequest(
            data=f"{self.place}/train.csv",
            target=self.entry["target"],
            task=self.entry["task"],
            metric=metric,
            time_limit=self.options.time,
            threads=self.options.threads,
            seed=self.seed,
            holdout=0,
            without=without or None,
            workspace=f"{self.place}/workspace",
        )

    def is_inert(self, part: str) -> bool:
        """Whether a run without the part would see the same features, configurations and spaces."""
        return self._treatment("") == self._treatment(part)

    def _treatment(self, without: str) -> tuple[Any, ...]:
        request = self.request("auto", without)
        prepared = prepare(request)
        plan = make_plan(
            prepared.problem,
            prepared.data.view.shape(prepared.problem.outputs),
            request.budget(),
            folds=len(prepared.data.folds.valid),
            request=request,
            facts=TargetFacts.of(prepared.problem, prepared.data.target),
        )
        names = {entry.learner for entry in plan.portfolio}
        spaces = {name: repr(plan.offer.space(name)) for name in sorted(names)}
        record = {**prepared.featurizer.to_dict(), "options": None}
        features = json.dumps(record, sort_keys=True, default=str)
        return features, [(e.label, dict(e.config)) for e in plan.portfolio], spaces

    def train(self, metric: str, without: str = "") -> mw.Model:
        return execute(self.request(metric, without)).model

    def error(self, model: mw.Model) -> float:
        score = model.evaluate(f"{self.place}/test.csv")[model.problem.metric]["score"]
        metric = get_metric(model.problem.metric, Task(self.entry["task"]))
        return metric.error_of(float("nan") if score is None else score)

    def keep(self, metric: str, part: str, how: str, error: float) -> None:
        row = {
            "dataset": self.entry["name"],
            "seed": self.seed,
            "metric": metric,
            "without": part,
            "how": how,
            "budget_s": self.options.time,
            "threads": self.options.threads,
            "error": f"{error:.6g}",
        }
        append(self.options.results, row)
        print(row, flush=True)


def ablate(arm: Arm, parts: list[str]) -> None:
    """Every arm of one data set that has not been measured yet."""
    done = {key[2:] for key in known(arm.options.results) if key[:2] == (arm.entry["name"], str(arm.seed))}
    task = arm.entry["task"]
    last = {
        part: metric
        for part, metric in FITTED_LAST.items()
        if part in parts and (task in LABELS or part not in OF_CLASSES)
    }
    for metric in ("auto", LABELS.get(task, "")):
        mine = [part for part, kind in last.items() if (kind == "auto") == (metric == "auto")]
        if not metric or (metric != "auto" and not mine) or (metric, "") in done:
            continue
        if arm.options.plan:
            print(arm.entry["name"], metric, "whole")
            continue
        model = arm.train(metric)
        whole = arm.error(model)
        arm.keep(metric, "", "run", whole)
        complete = model._ensemble
        for part in mine:
            model._ensemble = without_last(model, complete, part)
            inert = model._ensemble is complete
            arm.keep(metric, part, *(("inert", whole) if inert else ("same model", arm.error(model))))
    whole = float(known(arm.options.results).get((arm.entry["name"], str(arm.seed), "auto", ""), "nan"))
    for part in SEARCHED:
        if part not in parts or ("auto", part) in done:
            continue
        inert = arm.is_inert(part)
        if arm.options.plan:
            print(arm.entry["name"], part, "inert" if inert else "run")
        elif inert:
            arm.keep("auto", part, "inert", whole)
        else:
            arm.keep("auto", part, "run", arm.error(arm.train("auto", part)))


def without_last(model: mw.Model, ensemble: Any, part: str) -> Any:
    """The model as it would have been delivered without the part; the same object if it has none."""
    if part == "calibration":
        return ensemble if ensemble.calibration is None else replace(ensemble, calibration=None)
    if part == "thresholds":
        return ensemble if ensemble.utility is None else replace(ensemble, utility=None)
    if part == "stacking":
        return ensemble if ensemble.stacker is None else replace(ensemble, stacker=None, calibration=None)
    if part == "ensemble":
        if len(ensemble.members) == 1:
            return ensemble
        ranks = {entry.trial: entry.rank for entry in model.leaderboard().entries if entry.rank}
        best = min(ensemble.members, key=lambda member: ranks.get(member.trial, math.inf))
        alone = (replace(best, weight=1.0),)
        return replace(ensemble, members=alone, stacker=None, calibration=None)
    if all(len(member.directories) == 1 for member in ensemble.members):
        return ensemble
    first = tuple(replace(member, directories=member.directories[:1]) for member in ensemble.members)
    return replace(ensemble, members=first)


def known(path: Path) -> dict[tuple[str, ...], str]:
    if not path.exists():
        return {}
    with path.open() as handle:
        rows = list(csv.DictReader(handle))
    return {(r["dataset"], r["seed"], r["metric"], r["without"]): r["error"] for r in rows}


def append(path: Path, row: dict[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def report(path: Path) -> None:
    errors = {key: float(error) for key, error in known(path).items()}
    ratios: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (dataset, seed, metric, part), error in errors.items():
        whole = errors.get((dataset, seed, metric, ""))
        if part and whole and error > 0:
            ratios[part].append((min(max(error / whole, 0.5), 2.0), dataset))
    for part, found in ratios.items():
        mean = math.exp(sum(math.log(ratio) for ratio, _ in found) / len(found))
        helps = sum(ratio > 1.001 for ratio, _ in found)
        hurts = sum(ratio < 0.999 for ratio, _ in found)
        found.sort()
        extremes = ", ".join(f"{dataset} {ratio:.3f}" for ratio, dataset in (*found[:2], *found[-2:]))
        print(f"{part:18} {mean:.4f} on {len(found)} sets: helps {helps}, hurts {hurts} ({extremes})")


if __name__ == "__main__":
    main()
