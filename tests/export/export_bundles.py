"""Small models put together by hand: quick fits on one messy table, in a bundle as a run would write it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from modelwright.automl import Model
from modelwright.automl.bundle import seal_bundle
from modelwright.automl.environment import environment
from modelwright.core import FitTask, Problem, Task, canonical_json
from modelwright.data import read_table, resolve_target
from modelwright.ensemble import Ensemble, Member
from modelwright.ensemble.outputs import fit_outputs
from modelwright.features import FeatureOptions, Featurizer
from modelwright.learners import LEARNERS

FEATURES = ("age", "price", "plan", "joined", "note", "active", "power", "tags", "place", "shop")
_METRICS = {
    Task.BINARY: "log_loss",
    Task.MULTICLASS: "log_loss",
    Task.REGRESSION: "rmse",
    Task.MULTILABEL: "log_loss",
    Task.QUANTILE: "pinball",
}
_WORDS = [
    "quiet",
    "bright",
    "small",
    "large",
    "near",
    "far",
    "garden",
    "kitchen",
    "old",
    "new",
    "clean",
    "noisy",
    "street",
    "view",
]
_BLOCKED = """
import os, runpy, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "modelwright":
            raise ImportError("modelwright must not be imported: " + name)

sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Part:
    """A member to be: a learner, its configuration with the options around it, its share."""

    learner: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0


def table(rows: int = 240, seed: int = 0) -> pl.DataFrame:
    """A CSV table as people write them: every kind of column, all as text, and several targets."""
    rng = np.random.default_rng(seed)
    age, price = rng.uniform(18, 80, rows), rng.lognormal(5, 1, rows)
    plan, power = rng.integers(0, 3, rows), rng.integers(40, 300, rows)
    words = rng.integers(0, len(_WORDS), (rows, 6))
    signal = (age - 50) / 12 + (plan == 1) + np.log(price) - 5 + (words == 5).any(axis=1)
    signal = signal + rng.normal(0, 0.4, rows)
    spelled = [["Basic", "basic", "Basic "], ["Plus", "PLUS", "Plus"], ["Pro", "pro", "Pro"]]
    day = np.datetime64("2023-01-01") + rng.integers(0, 700, rows).astype("timedelta64[D]")
    frame = {
        "age": [None if lost else f"{value:.1f}" for value, lost in zip(age, rng.random(rows) < 0.1)],
        "price": [f"${value:,.2f}" for value in price],
        "plan": [spelled[code][spelling] for code, spelling in zip(plan, rng.integers(0, 3, rows))],
        "joined": [str(value) for value in day],
        "note": [" ".join(_WORDS[word] for word in row) for row in words],
        "active": [
            None if lost else "yes" if flag else "no" for flag, lost in rng.random((rows, 2)) < (0.5, 0.1)
        ],
        "power": [f"{value} kW" for value in power],
        "tags": [", ".join(sorted({_WORDS[word] for word in row[:3]})) for row in words],
        "place": [f"{a:.4f}, {b:.4f}" for a, b in zip(rng.uniform(48, 52, rows), rng.uniform(2, 9, rows))],
        "shop": [f"shop {number}" for number in rng.integers(0, 25, rows)],
        "churn": ["yes" if value > 0.7 else "no" for value in signal],
        "level": [str(code) for code in np.digitize(signal, [0.0, 1.4])],
        "spend": [f"{50 + 20 * value:.3f}" for value in signal],
        "loud": ["yes" if value > 1.2 else "no" for value in signal + rng.normal(0, 0.5, rows)],
    }
    return pl.DataFrame(frame)


def make_model(
    place: Path,
    target: str | Sequence[str],
    parts: Sequence[Part],
    *,
    task: str = "auto",
    options: FeatureOptions | None = None,
    last: Mapping[str, Any] | None = None,
    rows: pl.DataFrame | None = None,
) -> Model:
    """Fit each part on two folds of `table` or ``rows``; ``last``: fields of `Ensemble`."""
    targets = (target,) if isinstance(target, str) else tuple(target)
    csv, bundle = place / "table.csv", place / "small.mw"
    (table().select(*FEATURES, *targets) if rows is None else rows).write_csv(csv)
    problem = Problem.of(target, task=task, group="shop" if options and options.group else None)
    if task == "quantile":
        problem = replace(problem, quantiles=(0.1, 0.5, 0.9))
    typed = read_table(csv, problem=problem)
    found = resolve_target(typed, problem)
    known = found.problem.resolved(found.problem.task, _METRICS[found.problem.task], found.problem.classes)
    frame = typed.frame[found.rows.tolist()]
    featurizer = Featurizer.fit(frame, typed.schema, options)
    view = featurizer.transform(frame)
    total = sum(part.weight for part in parts)
    members = []
    for number, part in enumerate(parts):
        places = []
        for fold in range(2):
            valid = np.arange(fold, view.rows, 4)
            train = np.setdiff1d(np.arange(view.rows), valid)
            fit = FitTask(view, found.target, train, valid, known, config=dict(part.config), seed=fold)
            places.append(bundle / "members" / str(number) / str(fold))
            places[-1].mkdir(parents=True)
            fit_outputs(LEARNERS.load(part.learner)(), fit).model.save(places[-1])
        label, share = f"{part.learner} {number}", part.weight / total
        members.append(
            Member(number, label, part.learner, share, tuple(places), dict(part.config), known.task)
        )
    ensemble = Ensemble(known.task, tuple(members), **(last or {}))
    (bundle / "ensemble.json").write_bytes(canonical_json(ensemble.to_dict(bundle)))
    (bundle / "features.json").write_bytes(canonical_json(featurizer.to_dict()))
    seal_bundle(bundle, _manifest(known, typed.schema.to_dict()))
    return Model.load(bundle)


def _manifest(problem: Problem, schema: dict[str, Any]) -> dict[str, Any]:
    score = {"metric": problem.metric, "custom": False, "greater_is_better": False, "value": 0.5}
    return {
        "name": "small",
        "problem": problem.to_dict(),
        "task": str(problem.task),
        "schema": schema,
        "score": {**score, "interval": [0.4, 0.6], "source": "out-of-fold", "rows": 240},
        "validation": {"scheme": "kfold", "folds": 2, "used": 2},
        "seed": 0,
        "environment": environment(),
        "plugins": [],
    }


def run(project: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a project where Modelwright cannot be imported."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", _BLOCKED, str(project / script), *arguments],
        cwd=project.parent,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def largest_difference(model: Model, project: Path, rows: pl.DataFrame) -> float:
    """How far the project's predictions are from the model's, on rows of a CSV file."""
    data, out = project.parent / "fresh.csv", project.parent / "out.parquet"
    rows.write_csv(data)
    done = run(project, "score.py", str(data), "-o", str(out), "--proba")
    assert done.returncode == 0, done.stderr
    said = pl.read_parquet(out)
    if model.problem.task.is_classification or model.problem.labels:
        answers, probabilities = model.predict_both(data)
        columns = answers.get_columns() if isinstance(answers, pl.DataFrame) else [answers]
        for position, column in enumerate(columns):
            assert said.to_series(position).to_list() == column.to_list()
        expected = probabilities.to_numpy()
        given = said.select(pl.col("^p_.*$")).to_numpy()
    else:
        expected = np.asarray(model.predict(data).to_numpy(), np.float64).reshape(rows.height, -1)
        given = said.to_numpy()
    assert given.shape == expected.shape
    return float((np.abs(given - expected) / np.maximum(1, np.abs(expected))).max())
