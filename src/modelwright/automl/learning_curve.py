"""Would more rows help? A member of a model fitted again on growing parts of the training rows."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.automl.bundle import read_part
from modelwright.automl.judged_rows import Judged, training_data
from modelwright.automl.side_tasks import run_tasks
from modelwright.core import (
    Budget,
    BudgetTooSmall,
    Config,
    Deadline,
    FloatArray,
    IntArray,
    OptionError,
    Predictions,
    Problem,
    TaskSpec,
    View,
    derive_seed,
    format_seconds,
    generator,
    hash_json,
)
from modelwright.data import conform_labelled
from modelwright.ensemble import ENTRY, FoldData, FoldJob, quickly_decided, read_fold, write_fold_data
from modelwright.evaluation import LearningCurve, bootstrap_scores, fit_learning_curve
from modelwright.execution import InlineExecutor, LocalExecutor
from modelwright.features import Featurizer
from modelwright.learners import LEARNERS
from modelwright.metrics import Metric, default_metric, problem_metric
from modelwright.validation import Folds, split_holdout

__all__ = ["learning_curve"]

_SHARES = (0.1, 0.18, 0.32, 0.56, 1.0)
"""Parts of the rows that are learned from: evenly spaced in their logarithm."""

_VALIDATED = 0.25
_FEWEST_ROWS, _FEWEST_SIZES = 100, 3
_SAFETY, _OVERHEAD = 1.5, 0.5
"""A fit is expected to take this times what its folds took, and so many seconds besides."""

_WORKER_BYTES = 1_000_000_000


def learning_curve(
    model: Judged,
    data: Any = None,
    *,
    time_limit: str | float = "60s",
    threads: int | None = None,
    executor: str = "local",
    seed: int = 0,
) -> LearningCurve:
    """Fit the strongest affordable member on 10% to 100% of the rows, and tell how the error falls.

    A quarter of the rows is kept aside and scores every fit; groups stay together and later rows are kept
    aside, as in the training. Parts lie inside one another: with a time column they are the newest rows,
    with groups whole groups, of classes as many of each as in the whole.

    Parameters
    ----------
    model : Model
    data : table with the target column, optional
        What to learn from. By default the training table, where it still is and has not changed.
    time_limit : str or float, default "60s"
        Of the whole call. A member is picked that should keep it; sizes that take longer are left out.
    threads : int, optional
        Default: all that this process may use.
    executor : {"local", "inline"}, default "local"
        Fit in worker processes, or in this one.
    seed : int
        Of the parts, the fits and the bootstrap.

    Returns
    -------
    LearningCurve

    Raises
    ------
    OptionError
        If the training table is gone and no data was given, or there are fewer than 100 rows.
    BudgetTooSmall
        If fewer than three sizes could be fitted in time.
    SchemaMismatch
        As for `Model.evaluate`.
    """
    if executor not in ("local", "inline"):
        raise OptionError(f"The executor must be 'local' or 'inline', but came as {executor!r}.")
    budget = Budget.of(time_limit, None, threads)
    rows = _read(model, data)
    parts, valid = _parts(model, rows, seed)
    member = _member(model, budget)
    identity = hash_json([model.manifest.get("digest"), seed, [len(part) for part in parts], rows.source])
    # The largest part is the first fold: there a trial that generates features is surest to find some.
    folds = Folds(parts[::-1], (valid,) * len(parts), "learning curve", "growing parts of the rows")
    problem = model.problem
    if model.metric is None:  # learners stop early by a metric that is known here
        problem = replace(problem, metric=default_metric(problem.task))
    made = FoldData(problem, rows.view, rows.target, rows.weights, folds, identity, rows.groups)
    with tempfile.TemporaryDirectory(prefix="modelwright-curve-") as place:
        found = _fitted(made, member, Path(place), budget, executor, seed)
    sizes = [part for part in range(len(parts)) if part in found]
    if len(sizes) < _FEWEST_SIZES:
        raise BudgetTooSmall(
            f"A learning curve needs fits on {_FEWEST_SIZES} numbers of rows, but {len(sizes)} were done in "
            f"{format_seconds(budget.elapsed)}. Give more time.",
            2 * (budget.seconds or 0.0),
        )
    metric = model.metric or problem_metric(problem)
    said = [_decided(metric, problem, rows, valid, found[part]) for part in sizes]
    target, weights = rows.target[valid], _some(rows.weights, valid)
    scores = [metric.score(target, each, weights) for each in said]
    groups = _some(rows.groups, valid)
    drawn = bootstrap_scores(metric, target, said, weights=weights, groups=groups, seed=seed)
    return fit_learning_curve(
        [len(parts[part]) for part in sizes],
        [metric.error_of(score) for score in scores],
        np.vectorize(metric.error_of, otypes=[np.float64])(drawn),
        metric=metric.name,
        learner=member.label,
    )


@dataclass(frozen=True)
class _Rows:
    """Labelled rows, ready to be learned from."""

    view: View
    target: NDArray[Any]
    weights: FloatArray | None
    groups: IntArray | None
    times: IntArray | None
    source: str


@dataclass(frozen=True)
class _Member:
    """What is fitted."""

    label: str
    learner: str
    config: Config


def _read(model: Judged, data: Any) -> _Rows:
    """The rows with a target, through the features of the model."""
    if data is None:
        data, reason = training_data(model)
        if data is None:
            raise OptionError(f"A learning curve needs rows to learn from. {reason} Give the table again.")
    problem, schema = model.problem, model.schema
    featurizer = Featurizer.from_dict(read_part(model.path, model.manifest, "features.json"))
    asked = (*featurizer.also, problem.group, problem.time_column)
    also = [name for name in dict.fromkeys(asked) if name is not None and not schema[name].is_feature]
    found = conform_labelled(data, schema, problem, also)
    # As in the training, rows of no weight are left out.
    kept = np.ones(len(found.rows), np.bool_) if found.weights is None else found.weights > 0
    rows = found.rows[kept]
    frame = found.conformed.frame[rows]
    times = None if problem.time_column is None else _codes(frame[problem.time_column])
    groups = None if problem.group is None else _codes(frame[problem.group])
    if groups is not None:
        alone = np.arange(len(rows)) + len(rows)
        groups = np.where(groups < 0, alone, groups).astype(np.int64)
    if len(rows) < _FEWEST_ROWS:
        raise OptionError(
            f"A learning curve needs {_FEWEST_ROWS} rows with a target at least, but the data has "
            f"{len(rows)}."
        )
    view = featurizer.transform(found.conformed.frame).take(rows)
    source = found.conformed.source.sha256
    return _Rows(view, found.target[kept], _some(found.weights, kept), groups, times, source)


def _codes(values: pl.Series) -> IntArray:
    """Places in the order of the values; -1 where they are missing."""
    ranks = values.alias("values").rank("dense").cast(pl.Int64).fill_null(0)
    return ranks.to_numpy().astype(np.int64) - 1


def _parts(model: Judged, rows: _Rows, seed: int) -> tuple[tuple[IntArray, ...], IntArray]:
    """Growing parts of the rows to learn from, and those that score all of them."""
    train, valid = split_holdout(
        model.problem, rows.target, _VALIDATED, derive_seed(seed, "learning curve"), rows.groups, rows.times
    )
    order = train[np.argsort(_turns(model, rows, train, seed), kind="stable")]
    sizes = sorted({max(1, round(share * len(order))) for share in _SHARES})
    return tuple(np.sort(order[:size]) for size in sizes), valid


def _turns(model: Judged, rows: _Rows, train: IntArray, seed: int) -> FloatArray:
    """When each row joins: a number to sort by."""
    random = generator(seed, "learning curve")
    if rows.times is not None:
        return -rows.times[train].astype(np.float64)  # the newest first
    if rows.groups is not None:
        codes = np.unique(rows.groups[train], return_inverse=True)[1]
        return random.permutation(int(codes.max()) + 1)[codes].astype(np.float64)
    shuffled = random.permutation(len(train))
    if not model.problem.task.is_classification:
        return shuffled.astype(np.float64)
    turns = np.empty(len(train))
    target = np.asarray(rows.target)[train]
    for code in np.unique(target):
        own = np.flatnonzero(target == code)
        own = own[np.argsort(shuffled[own])]
        turns[own] = (np.arange(len(own)) + 0.5) / len(own)
        turns[own[0]] = -1.0  # no part is without a row of the class
    return turns


def _member(model: Judged, budget: Budget) -> _Member:
    """The member with the best score that should be fitted in time; else the quickest."""
    recorded = read_part(model.path, model.manifest, "ensemble.json")["members"]
    members = {int(entry["trial"]): entry for entry in recorded}
    listed = [
        entry
        for entry in model.leaderboard().entries
        if entry.trial in members and entry.folds and entry.learner != "constant"
    ]
    cost = {entry.trial: _expected(entry.fit_seconds / entry.folds, budget) for entry in listed}
    affordable = [entry for entry in listed if cost[entry.trial] <= budget.remaining]
    chosen = affordable[0] if affordable else min(listed, key=lambda entry: cost[entry.trial], default=None)
    if chosen is None or chosen.trial is None:
        entry = next(iter(members.values()))
        return _Member(str(entry["label"]), str(entry["learner"]), dict(entry["config"]))
    return _Member(chosen.label, chosen.learner, dict(members[chosen.trial]["config"]))


def _expected(seconds: float, budget: Budget) -> float:
    """What all fits should take: the longest, or all of them side by side."""
    work = sum(_SAFETY * seconds * share + _OVERHEAD for share in _SHARES)
    return max(_SAFETY * seconds + _OVERHEAD, work / _slots(budget)) + _OVERHEAD


def _slots(budget: Budget) -> int:
    affordable = max(1, budget.memory_bytes // _WORKER_BYTES)
    return int(max(1, min(budget.threads, affordable, len(_SHARES))))


def _fitted(
    data: FoldData, member: _Member, place: Path, budget: Budget, executor: str, seed: int
) -> dict[int, NDArray[np.float64]]:
    """Predictions of the rows kept aside, by the model of each part that was fitted (0: the smallest)."""
    write_fold_data(data, place / "data")
    (place / "folds").mkdir()
    count = data.folds.count
    jobs = {
        part: FoldJob(
            data=str(place / "data"),
            data_identity=data.identity,
            output=str(place / "folds" / str(part)),
            learner=member.learner,
            config=member.config,
            fold=count - 1 - part,
            seed=derive_seed(seed, "learning curve", "fit"),
            adaptive=False,
        )
        for part in range(count)
    }
    left = Deadline.after(max(1.0, min(budget.remaining, 1e9)))
    specs = [TaskSpec(f"part-{part}", ENTRY, job.to_dict(), left.remaining) for part, job in jobs.items()]
    with _executor(executor, budget, LEARNERS.load(member.learner).engines) as workers:
        run_tasks(workers, workers.wait, specs, left.remaining)
    found = {part: read_fold(Path(job.output), job.identity, verify=False) for part, job in jobs.items()}
    return {
        part: result.valid_predictions()
        for part, result in found.items()
        if result is not None and not result.stopped_by_deadline
    }


def _executor(name: str, budget: Budget, engines: Sequence[str]) -> LocalExecutor | InlineExecutor:
    if name == "inline":
        return InlineExecutor(memory_bytes=budget.memory_bytes, threads_per_slot=budget.threads)
    slots = _slots(budget)
    return LocalExecutor(
        slots,
        memory_bytes=budget.memory_bytes,
        threads_per_slot=max(1, budget.threads // slots),
        preload=[ENTRY.partition(":")[0], *engines],
    )


def _decided(
    metric: Metric, problem: Problem, rows: _Rows, valid: IntArray, array: NDArray[np.float64]
) -> Predictions:
    """Predictions of the rows kept aside, with decisions that suit the metric."""
    return quickly_decided(metric, rows.target[valid], array, _some(rows.weights, valid), problem)


def _some(values: NDArray[Any] | None, rows: NDArray[Any]) -> NDArray[Any] | None:
    return None if values is None else values[rows]
