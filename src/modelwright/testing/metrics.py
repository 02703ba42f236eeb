"""The contract of a metric, as checks that any metric can be put to.

Use `check_metric` for a verdict in one call, or `METRIC_CHECKS` for one test a check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FloatArray, Predictions, Task
from modelwright.metrics import Metric, get_metric
from modelwright.testing.violation import demand, global_random_state, naming

__all__ = ["METRIC_CHECKS", "ScoredRows", "check_metric", "run_metric_check"]

ROWS = 120


@dataclass(frozen=True)
class ScoredRows:
    """Targets of a task, and predictions of them from perfect to useless.

    Attributes
    ----------
    target : array, shape (rows,), or (rows, labels) of a multilabel task
    perfect, useless, constant, opposite : Predictions
        Right everywhere; of other rows; the same for every row; wrong everywhere.
    """

    target: NDArray[Any]
    perfect: Predictions
    useless: Predictions
    constant: Predictions
    opposite: Predictions

    @classmethod
    def of(cls, task: Task, rows: int = ROWS, seed: int = 0) -> ScoredRows:
        """Rows of a task: positive values, three classes, three labels or three quantiles (0.1, 0.5, 0.9)."""
        random = np.random.default_rng(seed)
        if task in (Task.REGRESSION, Task.QUANTILE):
            target = random.gamma(3.0, 10.0, rows) + 1.0
            others = random.permutation(target)
            mean, far = np.full(rows, target.mean()), target + 1e4
            values = [target.copy(), others, mean, far]
            if task is Task.QUANTILE:
                values = [np.repeat(each[:, None], 3, axis=1) for each in values]
            return cls(target, *map(Predictions, values))
        if task is Task.MULTILABEL:
            labels = random.integers(0, 2, (rows, 3))
            there = labels.astype(np.float64)
            chance = random.random((rows, 3))
            return cls(labels, *map(Predictions, (there, chance, np.full((rows, 3), 0.4), 1 - there)))
        classes = 2 if task is Task.BINARY else 3
        codes = np.arange(rows, dtype=np.int64) % classes
        random.shuffle(codes)
        right = np.eye(classes)[codes]
        chance = random.dirichlet(np.ones(classes), rows)
        even = np.full((rows, classes), 1 / classes)
        wrong = (1 - right) / (classes - 1)
        return cls(codes, *map(Predictions, (right, chance, even, wrong)))

    def mixed(self, share: float) -> Predictions:
        """Predictions this near to the perfect ones: 0 is useless, 1 is perfect."""
        return Predictions(share * self.perfect.array + (1 - share) * self.useless.array)

    @property
    def everything(self) -> Mapping[str, Predictions]:
        """All the predictions by name."""
        return {
            "perfect": self.perfect,
            "useless": self.useless,
            "constant": self.constant,
            "opposite": self.opposite,
        }


def check_metric(metric: Metric | str | Callable[..., Any], task: Task) -> None:
    """Put a metric to every check.

    Parameters
    ----------
    metric : Metric, str or callable
        Or anything that `modelwright.metrics.get_metric` makes one of.
    task : Task
        A task that it can score.

    Raises
    ------
    ContractViolation
        At the first check that fails, with its name and what is wrong.

    Examples
    --------
    >>> check_metric("roc_auc", Task.BINARY)
    """
    for name in METRIC_CHECKS:
        run_metric_check(name, metric, task)


def run_metric_check(name: str, metric: Metric | str | Callable[..., Any], task: Task) -> None:
    """Put a metric to one check of `METRIC_CHECKS`; raises `ContractViolation` if it fails."""
    made = metric if isinstance(metric, Metric) else get_metric(metric, task)
    with naming(f"metric {made.name!r}", name):
        METRIC_CHECKS[name](made, task)


def _same(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)


def check_declares_itself(metric: Metric, task: Task) -> None:
    """Its name, its tasks, what it needs, its optimum and its bounds agree with one another."""
    demand(bool(metric.name.strip()), "it has no name")
    demand(task in metric.tasks, f"it is not for {task}, but for {', '.join(metric.tasks)}")
    decided = task.is_classification or task is Task.MULTILABEL
    wanted = ("probabilities", "labels") if decided else ("values",)
    demand(metric.needs in wanted, f"for {task} it needs {metric.needs!r} instead of {' or '.join(wanted)}")
    low, high = metric.bounds
    demand(low < high, f"its bounds are {metric.bounds}")
    if not math.isfinite(metric.optimum):
        return
    demand(low <= metric.optimum <= high, f"its optimum {metric.optimum} is outside of {metric.bounds}")
    end = high if metric.greater_is_better else low
    if math.isfinite(end):
        word = "highest" if metric.greater_is_better else "lowest"
        demand(metric.optimum == end, f"its optimum is {metric.optimum}, but its {word} score is {end}")


def check_perfect_is_optimum(metric: Metric, task: Task) -> None:
    """Perfect predictions score the optimum, and their error is 0; no error is negative."""
    rows = ScoredRows.of(task)
    score = metric.score(rows.target, rows.perfect)
    if math.isfinite(metric.optimum):
        close = math.isclose(score, metric.optimum, rel_tol=1e-9, abs_tol=1e-9)
        demand(close, f"perfect predictions score {score}, but the optimum is {metric.optimum}")
        error = metric.error(rows.target, rows.perfect)
        demand(abs(error) < 1e-9, f"the error of perfect predictions is {error} instead of 0")
    for name, predictions in rows.everything.items():
        error = metric.error(rows.target, predictions)
        demand(error >= 0, f"the error of {name} predictions is {error}")


def check_is_finite(metric: Metric, task: Task) -> None:
    """Whatever a model may predict has a finite score within the bounds."""
    rows = ScoredRows.of(task)
    for name, predictions in rows.everything.items():
        score = metric.score(rows.target, predictions)
        demand(math.isfinite(score), f"{name} predictions score {score}")
        inside = metric.bounds[0] <= score <= metric.bounds[1]
        demand(inside, f"{name} predictions score {score}, which is outside of {metric.bounds}")
    none = Predictions(rows.perfect.array[:0])
    demand(math.isnan(metric.score(rows.target[:0], none)), "no rows have a score")


def check_direction(metric: Metric, task: Task) -> None:
    """Better predictions have a better score and a smaller error, as `greater_is_better` says."""
    rows = ScoredRows.of(task)
    shares = (0.0, 0.3, 0.6, 0.9, 1.0)
    scores = [metric.score(rows.target, rows.mixed(share)) for share in shares]
    first, last = scores[0], scores[-1]
    says = "higher" if metric.greater_is_better else "lower"
    direction = f"it says that {says} is better, but useless predictions score {first} and perfect {last}"
    demand(last > first if metric.greater_is_better else last < first, direction)
    demand(metric.better(last, first) and not metric.better(first, last), direction)
    errors = [metric.error_of(score) for score in scores]
    slack = 1e-9 * max(1.0, *errors)
    falls = all(after <= before + slack for before, after in pairwise(errors))
    demand(falls, f"errors of ever better predictions do not fall: {errors}")
    demand(errors[-1] < errors[0], f"perfect predictions have the error {errors[-1]}, useless {errors[0]}")


def check_weights(metric: Metric, task: Task) -> None:
    """A row of weight 2 counts like two rows, one of weight 0 like none; only relative weights matter."""
    rows = ScoredRows.of(task)
    counts = np.random.default_rng(1).integers(0, 4, len(rows.target))
    weights, repeated = counts.astype(np.float64), np.repeat(np.arange(len(counts)), counts)
    for name, predictions in rows.everything.items():
        plain = metric.score(rows.target, predictions)
        ones = metric.score(rows.target, predictions, np.ones(len(counts)))
        demand(_same(plain, ones), f"weights of one change the score from {plain} to {ones}")
        weighted = metric.score(rows.target, predictions, weights)
        expected = metric.score(rows.target[repeated], predictions.take(repeated))
        complaint = f"{name} predictions score {weighted} with weights, {expected} with repeated rows"
        demand(_same(weighted, expected), complaint)
        twice = metric.score(rows.target, predictions, 2 * weights)
        demand(_same(weighted, twice), f"doubled weights change the score from {weighted} to {twice}")


def check_row_order(metric: Metric, task: Task) -> None:
    """The order of the rows does not matter."""
    rows = ScoredRows.of(task)
    random = np.random.default_rng(2)
    weights = random.integers(1, 4, len(rows.target)).astype(np.float64)
    order = random.permutation(len(rows.target))
    for name, predictions in rows.everything.items():
        for given in (None, weights):
            score = metric.score(rows.target, predictions, given)
            mixed = None if given is None else given[order]
            again = metric.score(rows.target[order], predictions.take(order), mixed)
            demand(_same(score, again), f"{name} predictions in another order score {again}, not {score}")


def check_scorer(metric: Metric, task: Task) -> None:
    """What `scorer` prepares once gives the score of every weighting, in any order of asking."""
    rows = ScoredRows.of(task)
    random = np.random.default_rng(3)
    weightings: list[FloatArray | None] = [None]
    weightings += [random.integers(0, 3, len(rows.target)).astype(np.float64) for _ in range(3)]
    for predictions in (rows.useless, rows.mixed(0.4)):
        expected = [metric.score(rows.target, predictions, weights) for weights in weightings]
        scorer = metric.scorer(rows.target, predictions)
        for position in (2, 0, 3, 1, 2, 0):
            score = scorer(weightings[position])
            complaint = f"its scorer gives {score} where `score` gives {expected[position]}"
            demand(_same(score, expected[position]), complaint)
    if metric.confusion is not None:
        classes = rows.useless.array.shape[1]
        cells = rows.target * classes + rows.useless.codes
        counts = np.bincount(cells, minlength=classes**2).reshape(classes, classes).astype(np.float64)
        scores, score = (
            metric.confusion(np.stack([counts, counts.T])),
            metric.score(rows.target, rows.useless),
        )
        complaint = f"of two confusion matrices it gives {scores}, of the first one's rows {score}"
        demand(np.shape(scores) == (2,) and _same(float(scores[0]), score), complaint)
    if metric.losses is not None:
        losses = metric.losses(rows.target, rows.useless)
        shape = np.shape(losses)
        demand(shape == rows.target.shape[:1], f"its row losses have the shape {shape}")
        demand(bool(np.isfinite(losses).all()), "its row losses are not finite")


def check_looks_at_what_it_needs(metric: Metric, task: Task) -> None:
    """A metric of labels sees only the most probable class, or which labels are probable."""
    rows = ScoredRows.of(task)
    if metric.needs != "labels":
        return
    score = metric.score(rows.target, rows.useless)
    if task is Task.MULTILABEL:
        certain = rows.useless.label_codes.astype(np.float64)
    else:
        certain = np.eye(rows.useless.array.shape[1])[rows.useless.codes]
    again = metric.score(rows.target, Predictions(certain))
    demand(_same(score, again), "it needs labels, but looks at probabilities")


def check_leaves_input_alone(metric: Metric, task: Task) -> None:
    """Neither targets nor predictions nor weights change, read-only arrays serve, nothing is drawn."""
    rows = ScoredRows.of(task)
    weights = np.arange(len(rows.target)) % 3 + 1.0
    arrays = (rows.target, rows.useless.array, weights)
    before = [array.copy() for array in arrays]
    state = global_random_state()
    first = metric.score(rows.target, rows.useless, weights)
    same = all(np.array_equal(*pair) for pair in zip(before, arrays))
    demand(same, "it changes its input")
    demand(bool(np.array_equal(state, global_random_state())), "it uses numpy's global random state")
    for array in arrays:
        array.flags.writeable = False
    again = metric.score(rows.target, rows.useless, weights)
    demand(first == again, f"two equal calls score {first} and {again}")


METRIC_CHECKS: Mapping[str, Callable[[Metric, Task], None]] = {
    "declares_itself": check_declares_itself,
    "perfect_is_optimum": check_perfect_is_optimum,
    "is_finite": check_is_finite,
    "direction": check_direction,
    "weights": check_weights,
    "row_order": check_row_order,
    "scorer": check_scorer,
    "looks_at_what_it_needs": check_looks_at_what_it_needs,
    "leaves_input_alone": check_leaves_input_alone,
}
"""Name to check; each takes a metric and a task and raises `ContractViolation`."""
