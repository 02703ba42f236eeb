"""Fit every candidate on every task, and keep what it predicts and what it costs.

usage: study.py TASKS_FOLDER RESULTS [--rows 3000] [--cap 2] [--made 18] [--minutes 60] [--only NAMES]

Each task is split once: at most `--rows` rows to learn from, as many to test on. Candidates are fitted on two
of three folds (of larger tasks, on one), by the function that a worker of a run calls, on one thread. Time is
that of the processor, also for the deadline (`--cap` seconds a fold): the machine may be shared.

Every fit is a file of its own in RESULTS and is never fitted twice; the study may be killed and taken up at
any time. Small tasks come first, and real ones before made ones of their size.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from candidates import candidates
from sklearn.model_selection import train_test_split
from tasks import StudyTask, all_tasks

from modelwright import __version__
from modelwright.automl.prepare import Prepared, prepare
from modelwright.automl.request import TrainRequest
from modelwright.core import BadInput, Deadline, ModelwrightError, Problem, Shape, hash_json, to_jsonable
from modelwright.ensemble import FoldData, FoldJob, TargetFacts, fit_fold, write_fold_data
from modelwright.ensemble.outputs import load_model
from modelwright.execution import WorkerContext
from modelwright.learners import LEARNERS
from modelwright.search import Planned
from modelwright.validation import make_folds

FOLDS, MOST_FITTED = 3, 2
ENOUGH_ROWS = 700
"""Validation rows that make one fold enough: further tasks tell more than further folds."""

FEWEST_OF_CLASS = 8


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--cap", type=float, default=2.0)
    parser.add_argument("--made", type=int, default=18)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    settings = {"rows": options.rows, "cap_seconds": options.cap, "version": __version__}
    require_same(options.results, settings)
    # One thread works, so the processor's time is the clock: deadlines and measurements alike.
    time.monotonic = time.process_time  # type: ignore[assignment]
    warm_up()
    tasks = all_tasks(options.folder, options.made)
    for task in sorted(tasks, key=lambda each: size_of(each, options.rows)):
        if options.only and task.name not in options.only.split(","):
            continue
        if time.process_time() > 60 * options.minutes:
            break
        fitted = study(task, options)
        print(f"{task.name:20} {fitted:3} fitted, {time.process_time():7.0f} s in all", flush=True)


def size_of(task: StudyTask, most_rows: int) -> int:
    """By which tasks are sorted: cells to learn from, and made tables teach half as much."""
    return min(task.rows, most_rows) * task.columns * (1 + (task.origin == "made"))


def require_same(results: Path, settings: dict[str, Any]) -> None:
    """Results of different settings do not belong together."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / "study.json"
    if not path.exists():
        path.write_text(json.dumps(settings))
    if json.loads(path.read_text()) != settings:
        raise SystemExit(f"{results} was begun with {path.read_text()}: take another folder for {settings}.")


def warm_up() -> None:
    """Import what workers have imported before their first task."""
    for name in LEARNERS:
        for engine in LEARNERS.load(name).engines:
            importlib.import_module(engine)


@dataclass(frozen=True)
class Ready:
    """A task as the product prepares it: three folds, and a test part as its holdout."""

    prepared: Prepared
    data: FoldData
    place: Path
    cap: float

    @property
    def fitted(self) -> int:
        """Folds to fit."""
        return 1 if len(self.data.folds.valid[0]) >= ENOUGH_ROWS else MOST_FITTED

    def fit(self, entry: Planned, path: Path) -> None:
        """Fit a candidate, and keep its predictions, its seconds and, if it failed, the reason."""
        valid, test, seconds, reason = [], [], [], ""
        try:
            for fold in range(self.fitted):
                started = time.process_time()
                output = self.place / "fold"
                job = FoldJob(
                    data=str(self.place / "data"),
                    data_identity=self.data.identity,
                    output=str(output),
                    learner=entry.learner,
                    config=entry.config,
                    fold=fold,
                    seed=fold,
                    adaptive=True,
                )
                # a cache of its own: what one candidate computes does not make the next one cheap
                told = fit_fold(job.to_dict(), WorkerContext(Deadline.after(self.cap), threads=1))
                seconds.append(time.process_time() - started)
                if "out_of_time" in told:
                    raise ModelwrightError(told["out_of_time"])
                valid.append(np.load(output / "valid.npy"))
                problem = self.data.problem
                model = load_model(entry.learner, problem.task, output / "model", problem.outputs)
                test.append(model.predict(self.prepared.holdout.view).array)
        except (OSError, BadInput):
            raise  # the place is at fault, not the candidate
        except Exception as error:  # a candidate that cannot be fitted is a result, too
            valid, test, reason = [], [], f"{type(error).__name__}: {error}"
            print(f"{entry.label} failed: {reason[:200]}", flush=True)
        half = path.with_suffix(".part.npz")
        np.savez(
            half,
            valid=np.concatenate(valid).astype(np.float32) if valid else np.zeros(0, np.float32),
            test=np.mean(test, axis=0).astype(np.float32) if test else np.zeros(0, np.float32),
            seconds=np.array(seconds),
            reason=np.array(reason),
        )
        half.rename(path)


def study(task: StudyTask, options: argparse.Namespace) -> int:
    """Fit what a task lacks; returns how many fits that were."""
    folder = options.results / task.name
    folder.mkdir(exist_ok=True)
    record = folder / "task.json"
    if record.exists():
        known = json.loads(record.read_text())
        problem, shape = Problem.from_dict(known["problem"]), Shape(**known["shape"])
        wanted = named(candidates(problem, shape, TargetFacts(**known["facts"])))
        if all((folder / name).exists() for name in wanted):
            return 0
    with tempfile.TemporaryDirectory(dir=options.results) as place:
        ready = make_ready(task, options, Path(place))
        data, problem = ready.data, ready.data.problem
        shape = replace(data.view.shape(problem.outputs), rows=len(data.folds.train[0]))
        facts = TargetFacts.of(problem, data.target)
        wanted = named(candidates(problem, shape, facts))
        rows = np.concatenate(data.folds.valid[: ready.fitted])
        np.savez(folder / "target.npz", valid=data.target[rows], test=ready.prepared.holdout.target)
        known = {
            "name": task.name,
            "origin": task.origin,
            "problem": problem.to_dict(),
            "shape": asdict(shape),
            "facts": asdict(facts),
            "candidates": [
                {"learner": entry.learner, "label": label_of(entry), "config": entry.config, "file": file}
                for file, entry in wanted.items()
            ],
        }
        record.write_text(json.dumps(to_jsonable(known), indent=1))
        missing = [file for file in wanted if not (folder / file).exists()]
        for file in missing:
            ready.fit(wanted[file], folder / file)
        return len(missing)


def named(entries: list[Planned]) -> dict[str, Planned]:
    """Candidates by the files of their fits; of equal configurations, the first one."""
    files: dict[str, Planned] = {}
    for entry in entries:
        files.setdefault(f"{entry.learner}-{hash_json(dict(entry.config))[:10]}.npz", entry)
    return files


def make_ready(task: StudyTask, options: argparse.Namespace, place: Path) -> Ready:
    """Split a task, prepare it as a run does, and write its folds where the fits read them."""
    frame = task.load()
    classes = task.kind != "regression"
    if classes:
        sizes = frame[task.target].value_counts()
        frame = frame[frame[task.target].isin(sizes[sizes >= FEWEST_OF_CLASS].index)]
    train_rows = min(options.rows, int(0.7 * len(frame)))
    train, test = train_test_split(
        frame,
        train_size=train_rows,
        test_size=min(options.rows, len(frame) - train_rows),
        random_state=0,
        stratify=frame[task.target] if classes else None,
    )
    for name, part in (("train", train), ("test", test)):
        part.to_csv(place / f"{name}.csv", index=False)  # from files, as a user's table comes
    request = TrainRequest(
        data=str(place / "train.csv"),
        target=task.target,
        task=task.kind,
        holdout=str(place / "test.csv"),
    )
    prepared = prepare(request)
    folds = make_folds(prepared.problem, prepared.data.target, count=FOLDS, seed=0)
    data = replace(prepared.data, folds=folds)
    write_fold_data(data, place / "data")
    return Ready(prepared, data, place, options.cap)


def label_of(entry: Planned) -> str:
    """A candidate's own label: ``"fast"`` of ``"lightgbm (fast)"``."""
    return entry.label.removeprefix(entry.learner).strip(" ()")


if __name__ == "__main__":
    main()
