"""Which options around a learner are worth trying for a target: facts first, then validation decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Problem, Task
from modelwright.learners import Candidate, Choice, Parameter
from modelwright.metrics import get_metric

__all__ = ["TargetFacts", "option_space", "option_variants"]

_SKEWED, _VERY_SKEWED = 1.5, 3.0
_HEAVY_TAILS = 8.0
_FEWEST_ROWS = 200
_FEWEST_VALUES = 20
_FEWEST_OF_CLASS = 75
"""Rows of the rarest class below which no fold can tell what weights did to its probabilities."""

_RARE, _VERY_RARE = 0.35, 0.15
"""Share of the rarest class times the number of classes, below which weights are worth one trial, or two."""


@dataclass(frozen=True)
class TargetFacts:
    """What a target looks like, in a few numbers.

    Attributes
    ----------
    rows : int
    values : int
        Distinct ones; at most 1,000 are counted.
    minimum : float
    skewness : float
        Third standardised moment; 0 for classes.
    kurtosis : float
        Fourth standardised moment less 3; 0 for classes.
    zeros : float
        Share of the rows.
    rarest : float
        Share of the rarest class times the number of classes: 1 where all are equally frequent.

    Examples
    --------
    >>> problem = Problem.of("y").resolved(Task.BINARY, "f1", (0, 1))
    >>> TargetFacts.of(problem, np.array([0, 0, 0, 1])).rarest
    0.5
    """

    rows: int
    values: int = 0
    minimum: float = 0.0
    skewness: float = 0.0
    kurtosis: float = 0.0
    zeros: float = 0.0
    rarest: float = 1.0

    @classmethod
    def of(cls, problem: Problem, target: NDArray[Any]) -> TargetFacts:
        """Look at the target of the training rows, shape (rows,) or (rows, labels)."""
        target = np.asarray(target)
        if not len(target):
            return cls(rows=0)
        if problem.task is Task.MULTILABEL:
            shares = target.mean(axis=0)
            return cls(rows=len(target), rarest=2 * float(np.minimum(shares, 1 - shares).min()))
        if problem.task.is_classification:
            sizes = np.bincount(target.astype(np.int64), minlength=problem.outputs)
            present = sizes[sizes > 0]
            return cls(rows=len(target), rarest=float(present.min() / len(target) * len(present)))
        values = target.astype(np.float64)
        spread = float(values.std())
        standard = (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))
        return cls(
            rows=len(values),
            values=min(len(np.unique(values)), 1_000),
            minimum=float(values.min()),
            skewness=float(np.mean(standard**3)),
            kurtosis=float(np.mean(standard**4)) - 3.0 if spread > 0 else 0.0,
            zeros=float(np.mean(values == 0)),
        )


def option_variants(problem: Problem, facts: TargetFacts) -> tuple[Candidate, ...]:
    """Options to try beside a learner's own configurations, the most promising first; often none.

    Each is a label and reserved names of a configuration (see `fit_options`), to be added to those of a
    learner's first candidates.

    Examples
    --------
    >>> problem = Problem.of("price", task="regression").resolved(Task.REGRESSION, "mae", ())
    >>> facts = TargetFacts(rows=5000, values=900, minimum=3.0, skewness=6.0, kurtosis=80.0)
    >>> [dict(variant.config) for variant in option_variants(problem, facts)]
    [{'target_transform': 'log'}, {'target_transform': 'quantile'}]
    """
    if facts.rows < _FEWEST_ROWS:
        return ()
    if problem.task.is_classification or problem.task is Task.MULTILABEL:
        return _weighted(problem, facts)
    return tuple(Candidate(f"{kind} target", {"target_transform": kind}) for kind in _kinds(problem, facts))


def option_space(problem: Problem, facts: TargetFacts) -> dict[str, Parameter]:
    """The same as dimensions of a search space; empty where there is nothing to try.

    Examples
    --------
    >>> problem = Problem.of("y", task="regression").resolved(Task.REGRESSION, "rmse", ())
    >>> option_space(problem, TargetFacts(rows=5000, values=900, skewness=0.1))
    {}
    """
    space: dict[str, Parameter] = {}
    for name in ("target_transform", "class_weights"):
        found = [each.config[name] for each in option_variants(problem, facts) if name in each.config]
        if found:
            space[name] = Choice(("none", *found))
    return space


def _kinds(problem: Problem, facts: TargetFacts) -> tuple[str, ...]:
    """Transforms for a target with a long tail."""
    name = "custom" if problem.metric_function else get_metric(problem.metric, problem.task).name
    # For RMSLE learners take the logarithm by themselves; what is least by MAPE is lower than any median.
    if name in ("rmsle", "mape") or facts.values < _FEWEST_VALUES:
        return ()
    skewness = abs(facts.skewness)
    if skewness < _SKEWED and facts.kurtosis < _HEAVY_TAILS:
        return ()
    # A logarithm shortens the tails that lie away from zero, or from the median; ranks shorten any.
    kinds = ("log", "quantile") if facts.minimum >= 0 and facts.skewness > 0 else ("quantile", "log")
    return kinds if skewness >= _VERY_SKEWED or facts.kurtosis >= 2 * _HEAVY_TAILS else kinds[:1]


def _weighted(problem: Problem, facts: TargetFacts) -> tuple[Candidate, ...]:
    """Class weights where decisions on a rare class count."""
    classes = problem.outputs if problem.task.is_classification else 2
    if facts.rarest >= _RARE or facts.rarest * facts.rows / classes < _FEWEST_OF_CLASS:
        return ()
    means_recalls = False
    if problem.metric_function is None:
        metric = get_metric(problem.metric, problem.task)
        if metric.needs != "labels" or metric.name in ("accuracy", "hamming_loss"):
            return ()
        means_recalls = metric.name in ("balanced_accuracy", "recall_macro")
    kinds = ("balanced", "sqrt") if means_recalls else ("sqrt", "balanced")
    count = 2 if facts.rarest < _VERY_RARE else 1
    return tuple(Candidate(f"{kind} class weights", {"class_weights": kind}) for kind in kinds[:count])
