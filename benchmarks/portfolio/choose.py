"""Put the candidates of the study in order: the best expected ensemble error per second, for each regime.

usage: choose.py RESULTS [--table PORTFOLIO_TABLE.json] [--report REPORT.csv]

The order is built greedily. Each place goes to the candidate that lowers the error of the ensemble of those
before it most per second, over the tasks on which it is offered (Streeter and Golovin, "An online algorithm
for maximizing submodular functions", 2008: within a factor of four of the best order where gains diminish).
The ensemble is the product's own greedy selection on the validation rows; its error is that on the test part.

What is reported is leave-one-task-out: each task is run in the order that the others teach.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from candidates import PUBLISHED

from modelwright.automl.plan import fold_count
from modelwright.core import Predictions, Problem
from modelwright.ensemble import select_weights
from modelwright.metrics import problem_metric

Key = tuple[str, str]

MOST_ROWS = 500
"""Validation rows that a selection looks at, and test rows that it is scored on."""

NOTHING = float(np.log(2.0))
"""Level (logarithm of the error over that of all candidates together) of no model, and the worst one."""

SOLVED = 0.05
"""Share of the constant's error that is added to all errors: halving next to nothing is no gain."""

FEW_TESTED = 200
"""Test rows at which a task counts half: what few rows say is mostly luck."""

AROUND = 0.05
"""Seconds that each fit takes in a run besides its own: the way to a worker and back, scoring, choosing."""

CAUTION = 1.0
"""Standard errors that are taken off each mean gain: much of what is small is luck."""

DOUBT = 4.0
"""Tasks without a gain that are imagined beside the real ones: a gain on few tasks may be luck."""

PRIOR = 10.0
"""Tasks that all the tasks of other regimes together count as in a regime."""

LEAST = 1e-3
"""Gain (as a ratio of errors) below which the order is luck, and the hand-made one stands."""

MOST_PLACES = 10
"""Places of an order that are learned; the hand-made order follows."""

PUBLISHED_CONFIGS = {(learner, label): config for learner, label, config in PUBLISHED}
PUBLISHED_KEYS = PUBLISHED_CONFIGS.keys()
ORIGINS = ("folder", "scikit-learn", "made")
BUDGETS = (3, 10, 30, 60, 120)
REACH = 10
"""Times the most rows and columns studied up to which an order is trusted; beyond, learners take turns."""

FEW_ROWS = 1_000
"""Training rows of a fold up to which rows are few, in regimes that are told apart by rows."""


@dataclass
class Fits:
    """The candidates' predictions of one task, and errors of their ensembles."""

    name: str
    origin: str
    kind: str
    rows: int  # that a fold trains on
    columns: int
    keys: list[Key]
    folds: int
    seconds: dict[Key, float]  # of one fold
    _metric: Any
    _targets: tuple[np.ndarray, np.ndarray]
    _predictions: dict[Key, tuple[np.ndarray, np.ndarray]]
    _levels: dict[frozenset[Key], float] = field(default_factory=dict)
    _constant: float = 0.0
    _all: float = 0.0

    @classmethod
    def read(cls, folder: Path) -> Fits | None:
        """The fits of a task; None if the study has not finished it."""
        facts = json.loads((folder / "task.json").read_text())
        if not all((folder / each["file"]).exists() for each in facts["candidates"]):
            return None
        problem = Problem.from_dict(facts["problem"])
        with np.load(folder / "target.npz") as target:
            steps = [max(1, len(target[part]) // MOST_ROWS) for part in ("valid", "test")]
            targets = target["valid"][:: steps[0]], target["test"][:: steps[1]]
        keys, seconds, predictions, folds = [], {}, {}, 1
        for each in facts["candidates"]:
            key = each["learner"], each["label"]
            with np.load(folder / each["file"]) as fit:
                # what fails, or is out of time, costs all the same
                seconds[key] = AROUND + (float(fit["seconds"].mean()) if len(fit["seconds"]) else 0.0)
                folds = max(folds, len(fit["seconds"]))
                if not str(fit["reason"]):
                    predictions[key] = fit["valid"][:: steps[0]], fit["test"][:: steps[1]]
            keys.append(key)
        fits = cls(
            name=facts["name"],
            origin=facts["origin"],
            kind=str(problem.task),
            rows=facts["shape"]["rows"],
            columns=sum(facts["shape"][block] for block in ("numeric", "categorical")),
            keys=keys,
            folds=folds,
            seconds=seconds,
            _metric=problem_metric(problem),
            _targets=targets,
            _predictions=predictions,
        )
        fits._constant = fits._error(fits._of_constant())
        fits._all = fits._error(fits._blend(frozenset(predictions)))
        return fits

    @property
    def own(self) -> list[Key]:
        """What the learners offer themselves, in the hand-made order."""
        return [key for key in self.keys if key not in PUBLISHED_KEYS]

    @property
    def evidence(self) -> float:
        """What the task counts among others."""
        tested = len(self._targets[1])
        return tested / (tested + FEW_TESTED)

    def share(self, key: Key) -> float:
        """A candidate's part of the time that the whole hand-made portfolio takes."""
        return self.seconds[key] / sum(self.seconds[each] for each in self.own)

    def level(self, members: frozenset[Key]) -> float:
        """Logarithm of the ensemble's error, relative to that of all candidates together."""
        members = members.intersection(self._predictions)
        if not members:
            return NOTHING
        if members not in self._levels:
            floor = SOLVED * self._constant
            ratio = (self._error(self._blend(members)) + floor) / (self._all + floor)
            self._levels[members] = float(min(np.log(ratio), NOTHING))
        return self._levels[members]

    def curve(self, order: Sequence[Key], budgets: Sequence[float] = BUDGETS) -> list[float]:
        """Levels after so many seconds of a processor, all folds of each candidate fitted in order."""
        folds = fold_count(self.rows * 3 // 2)
        members: list[Key] = [key for key in order if key in self.seconds]
        ends = np.cumsum([folds * self.seconds[key] for key in members])
        return [self.level(frozenset(members[: int((ends <= budget).sum())])) for budget in budgets]

    def _blend(self, members: frozenset[Key]) -> np.ndarray:
        chosen = [self._predictions[key] for key in self.keys if key in members]
        weights = select_weights(self._metric, self._targets[0], [valid for valid, _ in chosen], steps=12)
        return np.tensordot(weights, np.stack([test for _, test in chosen]).astype(float), 1)

    def _error(self, predictions: np.ndarray) -> float:
        score, _ = self._metric.try_score(self._targets[1], Predictions(predictions))
        return float(self._metric.error_of(score))

    def _of_constant(self) -> np.ndarray:
        target, test = self._targets
        if self.kind == "regression":
            return np.full(len(test), target.mean())
        return np.tile(np.bincount(target, minlength=target.max() + 1) / len(target), (len(test), 1))


@dataclass(frozen=True)
class Place:
    """One place of an order, and what was expected of it when it was given."""

    key: Key
    gain: float
    share: float


def learn(tasks: Sequence[Fits], weights: Sequence[float]) -> list[Place]:
    """The order that tasks of such weights teach, as far as a candidate is worth its time."""
    held: dict[str, frozenset[Key]] = {task.name: frozenset() for task in tasks}
    left = list(dict.fromkeys(key for task in tasks for key in task.keys))
    order: list[Place] = []
    while len(order) < MOST_PLACES:
        places = [expected(key, tasks, weights, held) for key in left]
        worth = [place for place in places if place.gain >= LEAST]
        if not worth:
            break
        best = max(worth, key=lambda place: place.gain / place.share)
        order.append(best)
        left.remove(best.key)
        held = {task.name: held[task.name] | ({best.key} & task.seconds.keys()) for task in tasks}
    return order


def expected(
    key: Key, tasks: Sequence[Fits], weights: Sequence[float], held: dict[str, frozenset[Key]]
) -> Place:
    """What a candidate adds to the ensembles held on the tasks, and its part of their time."""
    offered = [(task, weight) for task, weight in zip(tasks, weights) if key in task.seconds]
    each = np.array(
        [task.level(held[task.name]) - task.level(held[task.name] | {key}) for task, _ in offered]
    )
    counts = np.array([weight for _, weight in offered])
    share = float(counts @ [task.share(key) for task, _ in offered] / counts.sum())
    mean = counts @ each / (counts.sum() + DOUBT)
    error = np.sqrt(counts**2 @ (each - mean) ** 2) / counts.sum()
    return Place(key, float(mean - CAUTION * error), share)


def weights_of(tasks: Sequence[Fits], inside: Sequence[bool]) -> list[float]:
    """Weights of tasks in a regime: what each counts within, `PRIOR` for all the others together."""
    outside = sum(task.evidence for task, within in zip(tasks, inside) if not within)
    return [
        task.evidence * (1.0 if within else min(1.0, PRIOR / outside)) for task, within in zip(tasks, inside)
    ]


def whole(order: Sequence[Place], task: Fits) -> list[Key]:
    """An order on a task: the learned one, then what else the learners offer as they take turns."""
    first = [place.key for place in order if place.key in task.seconds]
    return first + [key for key in task.own if key not in first]


SPLITS: dict[str, Callable[[Fits], tuple[str, ...]]] = {
    "one order": lambda task: (),
    "by kind": lambda task: (task.kind,),
    "by kind and rows": lambda task: (task.kind, "few" if task.rows <= FEW_ROWS else "many"),
}


def leave_one_out(tasks: Sequence[Fits]) -> list[dict[str, Any]]:
    """Error ratios of each task after so many seconds, in the hand-made order and as the others teach."""
    rows = []
    for task in tasks:
        others = [other for other in tasks if other is not task]
        orders = {"hand-made": task.own}
        for name, split in SPLITS.items():
            inside = [split(other) == split(task) for other in others]
            orders[name] = whole(learn(others, weights_of(others, inside)), task)
        for name, order in orders.items():
            facts = {"task": task.name, "origin": task.origin, "kind": task.kind, "rows": task.rows}
            facts["weight"] = round(task.evidence, 3)
            curve = zip(BUDGETS, task.curve(order))
            rows.append({**facts, "order": name, **{f"{b}s": round(float(np.exp(x)), 4) for b, x in curve}})
        print(
            task.name,
            *(f"{row['order']}: {[row[f'{b}s'] for b in BUDGETS]}" for row in rows[-4:]),
            flush=True,
        )
    return rows


def report(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Mean change of the error against the hand-made order, with its standard error over the tasks, in %."""
    by_hand = [row for row in rows if row["order"] == "hand-made"]
    weights = np.array([row["weight"] for row in by_hand]) / sum(row["weight"] for row in by_hand)
    found: dict[str, dict[str, str]] = {}
    for order in SPLITS:
        found[order] = {}
        learned = [row for row in rows if row["order"] == order]
        for budget in (f"{seconds}s" for seconds in BUDGETS):
            each = np.log([new[budget] / old[budget] for old, new in zip(by_hand, learned)])
            mean = weights @ each
            error = np.sqrt(weights**2 @ (each - mean) ** 2)
            found[order][budget] = f"{100 * mean:+.2f} ± {100 * error:.2f}"
    return found


def table(tasks: Sequence[Fits], split: str) -> list[dict[str, Any]]:
    """The regimes of a split, each with its order."""
    regimes = []
    for regime in sorted({SPLITS[split](task) for task in tasks}):
        inside = [SPLITS[split](task) == regime for task in tasks]
        kind, size = (*regime, "", "")[:2]
        order = []
        for place in learn(tasks, weights_of(tasks, inside)):
            learner, label = place.key
            measured = {"gain": round(place.gain, 4), "share": round(place.share, 4)}
            new = {"config": PUBLISHED_CONFIGS[place.key]} if place.key in PUBLISHED_CONFIGS else {}
            if any(place.key in task.seconds for task in tasks if kind in ("", task.kind)):
                order.append({"learner": learner, "label": label, **measured, **new})
        reach = {
            "most_rows": FEW_ROWS if size == "few" else REACH * max(task.rows for task in tasks),
            "most_columns": REACH * max(task.columns for task in tasks),
        }
        regimes.append({"kind": kind, **reach, "tasks": sum(inside), "order": order})
    return regimes


def write_table(path: Path, record: dict[str, Any]) -> None:
    """One line for each place, so that a change of the order is a change of lines."""
    regimes = []
    for regime in record["regimes"]:
        facts = json.dumps({key: value for key, value in regime.items() if key != "order"})
        places = ",\n   ".join(json.dumps(place) for place in regime["order"])
        regimes.append(f'  {facts[:-1]}, "order": [\n   {places}\n  ]}}')
    others = {key: value for key, value in record.items() if key != "regimes"}
    head = json.dumps(others, indent=1, ensure_ascii=False).removesuffix("\n}")
    path.write_text(f'{head},\n "regimes": [\n' + ",\n".join(regimes) + "\n ]\n}\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--split", choices=SPLITS, default="one order")
    options = parser.parse_args()
    found = [Fits.read(path.parent) for path in sorted(options.results.glob("*/task.json"))]
    tasks = [fits for fits in found if fits is not None]
    benefit = {}
    if options.report:
        rows = leave_one_out(tasks)
        with options.report.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        benefit = report(rows)
        print(json.dumps(benefit, indent=1, ensure_ascii=False))
    if options.table:
        settings = json.loads((options.results / "study.json").read_text())
        engines = ("scikit-learn", "lightgbm", "catboost", "xgboost-cpu")
        provenance = {
            "command": f"benchmarks/portfolio/choose.py RESULTS --table TABLE --split {options.split!r}",
            "date": str(date.today()),
            "tasks": {
                origin: ", ".join(task.name for task in tasks if task.origin == origin) for origin in ORIGINS
            },
            "fits": sum(task.folds * len(task.seconds) for task in tasks),
            "processor_seconds": round(
                sum(task.folds * (seconds - AROUND) for task in tasks for seconds in task.seconds.values())
            ),
            "study": settings,
            "versions": {name: importlib.metadata.version(name) for name in engines},
            "split": options.split,
            "error_in_percent_against_the_hand_made_order_leave_one_task_out": benefit,
        }
        keys = sorted({key for task in tasks for key in task.own})
        studied = [f"{learner} ({label})" if label else learner for learner, label in keys]
        regimes = table(tasks, options.split)
        write_table(options.table, {"provenance": provenance, "studied": studied, "regimes": regimes})


if __name__ == "__main__":
    main()
