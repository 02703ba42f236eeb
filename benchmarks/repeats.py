"""Would it pay to cross-fit small tables again on other splits?

usage: repeats.py DATA FITS RESULTS.csv [--schemes 8x4,16x1,5x2] [--rows 80,200,500] [--splits 2]
                  [--tables NAMES] [--test 2000] [--minutes 20]

The same configurations are cross-fitted under several schemes: 8 folds (as a run has on small tables) once,
twice and four times, each time on other splits; 16 folds once, which cost as much as 8 folds twice; 5 folds
once and twice. The first scheme is what the others are compared with.

Out-of-fold predictions of the repeats are averaged row by row, an ensemble is chosen and calibrated by them
as in a run, and all fold models are bagged. Errors are those on rows that no fold saw (at most `--test`).
Each table gives samples of `--rows` rows to learn from, so that many are left to test on.

Fits are kept in FITS, a file for each sample; the script may be killed and taken up at any time, and RESULTS
is written from what is there (`--minutes 0`: only that). One thread works, and time is that of the processor.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).parent / "portfolio"))
from candidates import candidates
from study import warm_up
from tasks import StudyTask, all_tasks

from modelwright.automl.prepare import Prepared, prepare
from modelwright.automl.request import TrainRequest
from modelwright.core import Deadline, FitTask, Predictions, Problem, derive_seed
from modelwright.ensemble import TargetFacts, decided_error, fit_calibration, fit_decision, select_weights
from modelwright.ensemble.outputs import fit_outputs
from modelwright.learners import LEARNERS
from modelwright.metrics import problem_metric
from modelwright.search import strongest
from modelwright.validation import Folds, make_folds

TABLES = (
    "credit_g",
    "insurance_charges",
    "telco_churn",
    "abalone",
    "kc1",
    "diamonds",
    "adult",
    "wine_quality",
    "online_shoppers",
    "moneyball",
    "blood_transfusion",
    "bike_sharing_hour",
    "australian",
    "diabetes",
    "car",
    "breast_cancer",
    "wine",
    "titanic",
)
LABELS = (
    "linear (default)",
    "linear (strong penalty)",
    "lightgbm (fast)",
    "lightgbm (extra trees)",
    "xgboost (fast)",
    "extra_trees (few trees)",
    "nearest_neighbors (default)",
    "naive_bayes (default)",
    "gaussian_process (default)",
    "glm (default)",
)
"""Configurations that fit such tables in a tenth of a second."""

CAP = 2.0
"""Seconds of a fit."""

FEWEST_OF_CLASS = 8
FEWEST_TAKEN_APART = 4
"""Repeats of a scheme whose two effects, on the choice and on the bags, are told apart."""

SOLVED = 0.05
"""Share of the constant's error that is added to all errors: halving next to nothing is no gain."""

MORE_METRICS = {"binary": ("log_loss", "balanced_accuracy"), "multiclass": ("balanced_accuracy",)}
REPORTED = (("roc_auc", "log_loss", "rmse"), ("roc_auc",), ("rmse",), ("log_loss",), ("balanced_accuracy",))
RESAMPLES = 2_000


@dataclass(frozen=True)
class Fits:
    """Predictions of all configurations on one sample: of its own rows out of fold, and of the test rows.

    Arrays of a scheme have the shape (configurations, repeats, rows, ...).
    """

    problem: Problem
    learners: list[str]
    target: np.ndarray
    test_target: np.ndarray
    own: dict[int, np.ndarray]
    test: dict[int, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("fits", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--schemes", default="8x4,16x1,5x2")
    parser.add_argument("--rows", default="80,200,500")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--test", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=20.0)
    options = parser.parse_args()
    options.fits.mkdir(parents=True, exist_ok=True)
    time.monotonic = time.process_time  # type: ignore[assignment]
    warm_up()
    tasks = {task.name: task for task in all_tasks(options.folder, 0)}
    schemes = {int(folds): int(repeats) for folds, repeats in re.findall(r"(\d+)x(\d+)", options.schemes)}
    sizes = [int(rows) for rows in options.rows.split(",")]
    for split, rows, name in itertools.product(range(options.splits), sizes, options.tables.split(",")):
        task, path = tasks[name], options.fits / f"{name}-{rows}-{split}.npz"
        if path.exists() or task.rows < 1.5 * rows:
            continue
        if time.process_time() > 60 * options.minutes:
            break
        fit_all(sample(task, rows, split, options.test), schemes, path, split)
        print(f"{path.stem:28} {time.process_time():6.0f} s in all", flush=True)
    report(sorted(options.fits.glob("*.npz")), options.results)


def sample(task: StudyTask, rows: int, split: int, most_tested: int) -> Prepared:
    """Some rows of a table to learn from, prepared as in a run, and others as its holdout."""
    frame, classes = task.load(), task.kind != "regression"
    if classes:
        sizes = frame[task.target].value_counts()
        frame = frame[frame[task.target].isin(sizes[sizes >= FEWEST_OF_CLASS * len(frame) / rows].index)]
    train, test = train_test_split(
        frame,
        train_size=rows,
        test_size=min(most_tested, len(frame) - rows),
        random_state=split,
        stratify=frame[task.target] if classes else None,
    )
    return prepare(TrainRequest(data=train, target=task.target, task=task.kind, holdout=test))


def fit_all(prepared: Prepared, schemes: dict[int, int], path: Path, split: int) -> None:
    """Cross-fit every configuration under every scheme, and keep what it predicts."""
    data, problem = prepared.data, prepared.problem
    shape = replace(data.view.shape(problem.outputs), rows=len(data.folds.train[0]))
    offered = candidates(problem, shape, TargetFacts.of(problem, data.target))
    entries = [entry for entry in offered if full_label(entry.label) in LABELS]
    cache: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {"target": data.target, "test_target": prepared.holdout.target}
    for count, repeats in schemes.items():
        told = []
        for number, entry in enumerate(entries):
            for repeat in range(repeats):
                folds = make_folds(
                    problem, data.target, count=count, seed=derive_seed(split, "repeat", repeat)
                )
                seed = derive_seed(split, "fit", number, count, repeat)
                told.append(cross_fit(prepared, folds, entry.learner, entry.config, seed, cache))
        grid = len(entries), repeats
        for part, values in zip(("own", "test"), zip(*told)):
            stacked = np.stack(values).astype(np.float32)
            arrays[f"{part}-{count}"] = stacked.reshape(*grid, *stacked.shape[1:])
    facts = {"problem": problem.to_dict(), "learners": [entry.learner for entry in entries]}
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        np.savez_compressed(file, facts=np.array(json.dumps(facts)), **arrays)
    half.rename(path)


def full_label(label: str) -> str:
    """A label with its default named."""
    return label if "(" in label else f"{label} (default)"


def cross_fit(
    prepared: Prepared, folds: Folds, learner: str, config: Any, seed: int, cache: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold predictions in the order of the rows, and the bag's predictions of the test rows."""
    data, own, tested = prepared.data, None, []
    for fold, (train, valid) in enumerate(zip(folds.train, folds.valid)):
        task = FitTask(
            view=data.view,
            target=data.target,
            train_rows=train,
            valid_rows=valid,
            problem=data.problem,
            config=config,
            deadline=Deadline.after(CAP),
            threads=1,
            seed=derive_seed(seed, fold),
            cache=cache,
            cache_key=data.identity,
        )
        result = fit_outputs(LEARNERS.load(learner)(), task)
        predicted = (result.valid_predictions or result.model.predict(data.view.take(valid))).array
        if own is None:
            own = np.full((data.view.rows, *predicted.shape[1:]), np.nan)
        own[valid] = predicted
        tested.append(result.model.predict(prepared.holdout.view).array)
    return own, np.mean(tested, axis=0)


def read(path: Path) -> Fits:
    """The fits of a sample."""
    with np.load(path) as kept:
        facts = json.loads(str(kept["facts"]))
        counts = [int(name.removeprefix("own-")) for name in kept.files if name.startswith("own-")]
        parts = {part: {count: kept[f"{part}-{count}"] for count in counts} for part in ("own", "test")}
        targets = kept["target"], kept["test_target"]
    return Fits(Problem.from_dict(facts["problem"]), facts["learners"], *targets, parts["own"], parts["test"])


@dataclass(frozen=True)
class Judge:
    """Makes ensembles of one sample's fits, and scores them by one metric."""

    fits: Fits
    metric: str

    @property
    def _problem(self) -> Problem:
        return replace(self.fits.problem, metric=self.metric)

    def chosen(self, own: np.ndarray, among: Sequence[int] | None = None) -> np.ndarray:
        """Weights of all configurations, by their out-of-fold predictions."""
        metric, target = problem_metric(self._problem), self.fits.target
        open_to = list(range(len(own)) if among is None else among)
        errors = [decided_error(metric, target, own[place], None, self._problem) for place in open_to]
        learners = [self.fits.learners[place] for place in open_to]
        kept = [open_to[place] for place in strongest(errors, learners, len(target))]
        shares = np.zeros(len(own))
        shares[kept] = select_weights(metric, target, [own[place] for place in kept])
        return shares

    def errors(self, shares: np.ndarray, own: np.ndarray, test: np.ndarray) -> tuple[float, float]:
        """Errors of an ensemble on its own rows and on the test rows, calibrated and decided as in a run."""
        metric, target = problem_metric(self._problem), self.fits.target
        blends = [np.tensordot(shares, part, 1).astype(float) for part in (own, test)]
        utility = None
        if self._problem.task.is_classification:
            calibration = fit_calibration(blends[0], target, None)
            blends = blends if calibration is None else [calibration.apply(blend) for blend in blends]
            utility = fit_decision(metric, target, blends[0], None, problem=self._problem, seed=0)
        scored = zip(blends, (target, self.fits.test_target))
        found = [metric.error_of(metric.score(known, Predictions(blend, utility))) for blend, known in scored]
        return found[0], found[1]

    def constant(self) -> float:
        """Error of no model."""
        target, tested = self.fits.target, self.fits.test_target
        if not self._problem.task.is_classification:
            blend = np.full(len(tested), target.mean())
        else:
            shares = np.bincount(target, minlength=self._problem.outputs) / len(target)
            blend = np.tile(shares, (len(tested), 1))
        metric = problem_metric(self._problem)
        return metric.error_of(metric.score(tested, Predictions(blend)))

    def outcomes(self) -> Iterator[tuple[str, float, float]]:
        """Name of a way, and the errors of an ensemble made in it; several where repeats can be combined."""
        for count in self.fits.own:
            own, test = (part[count].astype(float) for part in (self.fits.own, self.fits.test))
            repeats = own.shape[1]
            for size in (1, 2, 4):
                for some in itertools.combinations(range(repeats), size):
                    mean = own[:, some].mean(axis=1)
                    shares = self.chosen(mean)
                    yield f"{count}x{size}", *self.errors(shares, mean, test[:, some].mean(axis=1))
            if repeats < FEWEST_TAKEN_APART:
                continue
            every, bag = own.mean(axis=1), test.mean(axis=1)
            shares = self.chosen(every)
            for repeat in range(repeats):
                first = self.chosen(own[:, repeat])
                again = self.chosen(every, np.flatnonzero(first))
                yield f"{count}, choice only", *self.errors(shares, own[:, repeat], test[:, repeat])
                yield f"{count}, bags only", *self.errors(first, own[:, repeat], bag)
                yield f"{count}, members only", *self.errors(again, every, bag)


def report(paths: Sequence[Path], results: Path) -> None:
    """Write one line for each sample, metric and way, and print mean ratios."""
    lines = []
    for path in paths:
        name, rows, split = path.stem.rsplit("-", 2)
        fits = read(path)
        for metric in (fits.problem.metric, *MORE_METRICS.get(str(fits.problem.task), ())):
            judge = Judge(fits, metric)
            floor, ways = SOLVED * judge.constant(), {}
            first = f"{next(iter(fits.own))}x1"
            for way, own, test in judge.outcomes():
                ways.setdefault(way, []).append((own, test))
            before = np.mean([test for _, test in ways[first]]) + floor
            for way, errors in ways.items():
                told = np.array(errors)
                lines.append(
                    {
                        "table": name,
                        "rows": int(rows),
                        "split": int(split),
                        "metric": metric,
                        "way": way,
                        "error": f"{told[:, 1].mean():.6g}",
                        "ratio": round(float((told[:, 1].mean() + floor) / before), 5),
                        "flattery": round(float(((told[:, 1] - told[:, 0]) / before).mean()), 5),
                        "honesty": round(float(np.abs((told[:, 1] - told[:, 0]) / before).mean()), 5),
                        "spread": round(float(np.std(told[:, 1], ddof=1) / before), 5)
                        if len(told) > 1
                        else "",
                    }
                )
    with results.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    for metrics in REPORTED:
        summarise([line for line in lines if line["metric"] in metrics], ", ".join(metrics))


def summarise(lines: list[dict[str, Any]], title: str) -> None:
    """Print mean ratios of a set of lines, with intervals from a bootstrap of the tables."""
    print(f"\n{title}: error / error of the first scheme [95%], flattery and honesty of the score, by rows")
    for rows in [*sorted({line["rows"] for line in lines}), None]:
        sized = [line for line in lines if rows in (None, line["rows"])]
        for way in dict.fromkeys(line["way"] for line in sized):
            of = [line for line in sized if line["way"] == way]
            mean, low, high = interval(of)
            flattery, honesty = (np.mean([line[key] for line in of]) for key in ("flattery", "honesty"))
            told = f"{mean:.4f} [{low:.4f}, {high:.4f}] {flattery:+.3f} {honesty:.3f} ({len(of)} samples)"
            print(f"{rows or 'all':>5} {way:18} {told}")


def interval(lines: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Geometric mean of the ratios, and the interval that tables drawn at random give it."""
    tables: dict[str, list[float]] = {}
    for line in lines:
        tables.setdefault(line["table"], []).append(float(np.log(line["ratio"])))
    means = np.array([np.mean(each) for each in tables.values()])
    drawn = np.random.default_rng(0).integers(len(means), size=(RESAMPLES, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), (0.025, 0.975))
    return float(np.exp(means.mean())), float(np.exp(low)), float(np.exp(high))


if __name__ == "__main__":
    main()
