"""Which generated features help: candidates, a screen on rows that were not fitted on, and a proof."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from modelwright.core import Deadline, FloatArray, IntArray, Shape
from modelwright.features.generated import (
    DEVIATION,
    DIFFERENCE,
    FROM_MEAN,
    MAX_GENERATED,
    MEAN,
    PRODUCT,
    RATIO,
    ROWS,
    SUM,
    TARGET,
    WITHIN,
    GeneratedFeatures,
    Recipe,
    Training,
)
from modelwright.features.level_keys import MAX_NUMBERS, LevelColumn
from modelwright.features.quick_boosting import QuickFit, QuickTarget, quick_fit

__all__ = ["FEWEST_ROWS", "MOST_CLASSES", "Chosen", "choose_features", "search_seconds"]

FEWEST_ROWS = 500
"""Training rows below which no gain could be told from chance."""

MOST_CLASSES = 10
"""Beyond so many classes each has few rows in a sample, and a feature that helps one hurts others."""

_MOST_ROWS = 15_000
_MOST_CELLS = 3_000_000
"""The screen looks at a sample of so many rows at most, and of so many cells."""

_PART = 0.35
"""Share of each of the parts that features are chosen by."""

_FEWEST_IN_PART = 100

_NUMBERS = 14
"""Numeric columns that are combined with each other: those of most gain."""

_LEVELS = 8
"""Columns of levels that are crossed: those of most gain."""

_CROSSES = 28
_GROUPED_NUMBERS, _GROUPING = 8, 6
_FEWEST_DISTINCT = 3
_ROWS_OF_LEVEL = 4
"""Training rows that the levels of a cross must have on average."""

_FIRST_ROUNDS = 10
"""Rounds before candidates are held against what is unexplained: main effects are learned by then, and what
takes many splits is not."""

_BINS = 16
_CHANCE = 0.05
"""Chance that any feature of pure noise passes the first screen."""

_ALIKE = 0.97
"""Correlation of ranks beyond which two features are one."""

_COMPARED = 2_000
_PASSED = 60
_MOST_KEPT = 10
_PROBES = 10
"""Shuffled copies that tell which gains chance gives."""

_CLEARLY = 2.0
"""Standard errors by which the loss of held-out rows must fall."""

_LEAST_FALL = 0.01
"""Share of the loss by which it must fall to be worth another fit."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the search for features found.

    Attributes
    ----------
    recipe : Recipe or None
        None if nothing helps.
    reason : str
        What the record of a fit says.
    complete : bool
        False if the deadline ended the search: more time could have given another answer.
    """

    recipe: Recipe | None
    reason: str
    complete: bool = True


def search_seconds(shape: Shape) -> float:
    """What a search is expected to take on one thread.

    Examples
    --------
    >>> round(search_seconds(Shape(rows=20_000, numeric=20, categorical=5, levels=100, outputs=2)), 1)
    0.6
    """
    rows = min(shape.rows, _most_rows(shape.columns, shape.outputs))
    return 0.1 + rows * 1e-5 * (1 + 0.1 * shape.columns) * max(1, shape.outputs - 1)


def _most_rows(columns: int, outputs: int) -> int:
    """Rows of the sample at most: the search costs the same for more classes or columns."""
    by_outputs = _MOST_ROWS if outputs <= 2 else max(4_000, 2 * _MOST_ROWS // outputs)
    return min(by_outputs, max(2 * FEWEST_ROWS, _MOST_CELLS // max(1, columns)))


class _OutOfTime(Exception):
    """The search must end without an answer."""


def choose_features(
    training: Training, *, seed: int = 0, deadline: Deadline, threads: int = 1, encoded: bool = True
) -> Chosen:
    """Search for features that tell a booster more than the columns they are made of.

    Three disjoint parts of the rows (whole groups, where there are any) play different roles. On each of
    the first two a few rounds are boosted, and what they leave unexplained *on the other one* is held
    against every candidate: a candidate passes if its bins explain more of these residuals than its
    parents do, by more than the best of as many columns of noise would. What passes is compared by rank,
    and copies are dropped. Then one booster gets the survivors beside the columns, with shuffled copies
    as probes: features with less gain than a probe are dropped. The third part, which has seen none of
    this, must be predicted better than without them by boosters that have learned all they can; else
    nothing is generated at all. A booster that still learns after many rounds proves nothing.

    Close to OpenFE (Zhang et al., "OpenFE: automated feature generation with expert-level performance",
    2023), which also screens by what remains to explain; the probes are those of Boruta (Kursa and
    Rudnicki, 2010).

    Parameters
    ----------
    training : Training
        The training rows of a fold.
    seed : int, default 0
        Draws the sample and the parts.
    deadline : Deadline
        When the search must have ended.
    threads : int, default 1
        The result does not depend on it.
    encoded : bool, default True
        Whether means of the target over levels may be chosen.
    """
    problem = training.problem
    if training.view.rows < FEWEST_ROWS:
        return Chosen(None, f"fewer than {FEWEST_ROWS} training rows")
    if problem.task.is_classification and not 2 <= len(np.unique(training.target)) <= MOST_CLASSES:
        return Chosen(None, f"one class, or more than {MOST_CLASSES}")
    try:
        return _Search(training, seed, deadline, threads, encoded).choose()
    except _OutOfTime:
        return Chosen(None, "no time", complete=False)


class _Search:
    """One search; its steps share the sample, its parts and the target."""

    def __init__(
        self, training: Training, seed: int, deadline: Deadline, threads: int, encoded: bool
    ) -> None:
        random = np.random.default_rng(seed)
        rows = training.view.rows
        width = training.view.numeric.shape[1] + training.view.categorical.shape[1]
        most = _most_rows(width, training.problem.outputs)
        sample = np.sort(random.permutation(rows)[:most])
        self.training = training.take(sample)
        self.parts = _parts(self.training, random)
        self.target = QuickTarget.of(training.problem, self.training.target)
        self.deadline, self.threads, self.random = deadline, threads, random
        self.encoded = encoded
        constrained = {name for name, _ in training.problem.monotonic}
        view = self.training.view
        # what a constrained column is a part of would be no subject to its constraint
        self.numbers = [
            place
            for place, feature in enumerate(view.info.numeric)
            if feature.transform == "value" and feature.source not in constrained
        ]
        self.categories = [
            place for place, each in enumerate(view.info.categorical) if each.source not in constrained
        ]

    def choose(self) -> Chosen:
        view = self.training.view
        first, second, third = self.parts
        if min(map(len, self.parts)) < _FEWEST_IN_PART:
            return Chosen(None, "too few groups of rows")
        if not self.numbers and not self.categories:
            return Chosen(None, "no columns to combine")
        splits = ((first, second), (second, first))
        fits = [self._fit(view.numeric, split, _FIRST_ROUNDS) for split in splits]
        candidates = self._candidates(fits[0].gains + fits[1].gains)
        if not len(candidates):
            return Chosen(None, "no columns to combine")
        passed, count = self._screen(candidates, fits)
        if not len(passed):
            return Chosen(None, f"none of {count} candidates told more than its columns")
        known = np.sort(np.concatenate([first, second]))
        made, inside = GeneratedFeatures.fit_transform(passed, self.training.take(known))
        matrix = np.empty((view.rows, len(passed)), np.float32)
        matrix[known], matrix[third] = inside, made.transform(view.take(third))
        probes = self.random.permutation(matrix[:, :_PROBES], axis=0)
        before = self._fit(view.numeric, (known, third))
        if not before.converged:
            return Chosen(None, "the columns alone tell more with each round, so nothing is left to explain")
        after = self._fit(np.concatenate([view.numeric, matrix, probes], axis=1), (known, third))
        gains = after.gains[view.numeric.shape[1] :][: len(passed)]
        noise = after.gains[view.numeric.shape[1] + len(passed) :][: probes.shape[1]]
        useful = np.flatnonzero(gains > noise.max())
        useful = np.sort(useful[np.argsort(-gains[useful], kind="stable")][:_MOST_KEPT])
        if not len(useful):
            return Chosen(None, f"{len(passed)} of {count} candidates gained no more than noise")
        after = self._fit(np.concatenate([view.numeric, matrix[:, useful]], axis=1), (known, third))
        falls = before.losses - after.losses
        fall, error = float(falls.mean()), float(falls.std()) / np.sqrt(len(falls))
        share = fall / max(float(before.losses.mean()), 1e-12)
        said = f"{len(useful)} of {count} candidates, loss {-share:+.1%}"
        helps = fall > _CLEARLY * error and share >= _LEAST_FALL
        return Chosen(passed.only(useful) if helps else None, said)

    def _fit(
        self, matrix: NDArray[np.float32], split: tuple[IntArray, IntArray], rounds: int | None = None
    ) -> QuickFit:
        fit = quick_fit(
            (matrix, self.training.view.categorical),
            self.target,
            split,
            weights=self.training.weights,
            rounds=rounds,
            deadline=self.deadline,
            threads=self.threads,
        )
        if fit is None:
            raise _OutOfTime
        return fit

    def _candidates(self, gains: FloatArray) -> Recipe:
        """Everything that is worth a look."""
        numbers = _most(self.numbers, gains)[:_NUMBERS]
        columns = self._level_columns(gains)
        keys = [(place, -1) for place in range(len(columns))]
        problem = self.training.problem
        many = problem.task.is_classification and problem.outputs > 2
        outputs = min(MOST_CLASSES, problem.outputs) if many else 1
        crosses = list(combinations(range(len(columns)), 2))
        keys += crosses[: max(6, _CROSSES // outputs)]
        features = [
            (op, a, b) for a, b in combinations(numbers, 2) for op in (DIFFERENCE, SUM, PRODUCT, RATIO)
        ]
        features += [
            (op, key, number)
            for key in range(min(_GROUPING, len(columns)))
            for number in numbers[:_GROUPED_NUMBERS]
            if not (len(columns[key].values) and columns[key].position == number)
            for op in (MEAN, DEVIATION, FROM_MEAN, WITHIN)
        ]
        features += [(TARGET, key, output) for key in range(len(keys)) for output in range(outputs)]
        features += [(ROWS, key, 0) for key in range(len(keys))]
        pairs = np.array(keys, np.int64).reshape(-1, 2)
        return Recipe(tuple(columns), pairs, np.array(features, np.int64).reshape(-1, 3))

    def _level_columns(self, gains: FloatArray) -> list[LevelColumn]:
        """Columns with levels, those of most gain first."""
        view = self.training.view
        width = view.numeric.shape[1]
        found: list[tuple[float, LevelColumn]] = []
        for place in self.categories:
            levels = view.info.categorical[place].levels
            if levels > 2:
                found.append((float(gains[width + place]), LevelColumn.category(place, levels)))
        for place in self.numbers:
            values = np.unique(view.numeric[:, place])
            values = values[~np.isnan(values)]
            if 2 <= len(values) <= MAX_NUMBERS:
                found.append((float(gains[place]), LevelColumn.number(place, values)))
        return [column for _, column in sorted(found, key=lambda each: -each[0])][:_LEVELS]

    def _screen(self, candidates: Recipe, fits: list[QuickFit]) -> tuple[Recipe, int]:
        """The candidates that explain more than their parents, best first and without copies."""
        view = self.training.view
        first, second, _ = self.parts
        excess, freedom = np.zeros(len(candidates)), np.zeros(len(candidates))
        plain, plain_freedom = np.zeros(view.numeric.shape[1]), np.zeros(view.numeric.shape[1])
        for fit, (fitted, held) in zip(fits, ((first, second), (second, first)), strict=True):
            made, _ = GeneratedFeatures.fit_transform(candidates, self.training.take(fitted))
            part = view.take(held)
            weights = None if self.training.weights is None else self.training.weights[held]
            matrix = made.transform(part)
            for total, df, columns in ((excess, freedom, matrix), (plain, plain_freedom, part.numeric)):
                found = [_explained(column, fit.residuals, weights) for column in columns.T]
                total += [each[0] for each in found]
                df += [each[1] for each in found]
            if self.deadline.passed:
                raise _OutOfTime
        surplus = excess - freedom
        parents = _parents(candidates, surplus, plain - plain_freedom)
        gain = surplus - np.maximum(parents, 0.0)
        from scipy.stats import chi2

        needed = chi2.isf(_CHANCE / len(candidates), np.maximum(freedom, 1)) - freedom
        order = np.argsort(-gain / np.maximum(needed, 1e-9), kind="stable")
        passed = (gain > needed) & (freedom > 0)
        if not self.encoded:  # they judge what is made of their levels all the same
            passed &= candidates.features[:, 0] != TARGET
        order = order[passed[order]]
        most = min(_PASSED, MAX_GENERATED, max(12, 2 * (view.numeric.shape[1] + view.categorical.shape[1])))
        kept = _distinct(matrix, order, most)
        return candidates.only(kept), len(candidates)


def _parts(training: Training, random: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    """Three parts of the rows, each with whole groups: two to choose by, the last one to prove it."""
    rows = training.view.rows
    if training.groups is None:
        drawn = random.permutation(rows) / rows
    else:
        numbers = np.unique(training.groups, return_inverse=True)[1]
        each = random.permutation(int(numbers.max()) + 1)
        drawn = each[numbers] / len(each)
    return (
        np.flatnonzero(drawn < _PART),
        np.flatnonzero((drawn >= _PART) & (drawn < 2 * _PART)),
        np.flatnonzero(drawn >= 2 * _PART),
    )


def _most(places: list[int], gains: FloatArray) -> list[int]:
    return sorted(places, key=lambda place: -gains[place])


def _explained(
    column: NDArray[np.float32], residuals: FloatArray, weights: FloatArray | None
) -> tuple[float, float]:
    """How much the bins of a column explain of residuals, and what noise would on average.

    The sum over bins of the squared sum of residuals, in units of its own variance: for a column that says
    nothing it is chi-squared with as many degrees of freedom as there are bins, less one.
    """
    missing = np.isnan(column)
    present = column[~missing]
    if not len(present):
        return 0.0, 0.0
    edges = np.unique(np.quantile(present[:_COMPARED], np.linspace(0, 1, _BINS + 1)[1:-1]))
    codes = np.where(missing, len(edges) + 1, np.searchsorted(edges, column, side="right"))
    rows = np.bincount(codes, minlength=len(edges) + 2)
    used = rows > 0
    if used.sum() < 2:
        return 0.0, 0.0
    total = 0.0
    for each in residuals.T:
        moved = each if weights is None else each * weights
        moved = moved - moved.mean()
        sums = np.bincount(codes, moved, minlength=len(rows))[used]
        squares = np.bincount(codes, moved**2, minlength=len(rows))[used]
        # a bin of few rows that happen to agree is no proof
        spread = np.maximum(squares, 0.5 * rows[used] * float(np.mean(moved**2)))
        total += float((sums**2 / np.maximum(spread, 1e-300)).sum())
    return total, float((used.sum() - 1) * residuals.shape[1])


def _parents(candidates: Recipe, surplus: FloatArray, plain: FloatArray) -> FloatArray:
    """What the better parent of each candidate explains by itself."""
    of_key: dict[int, float] = {}
    of_output: dict[tuple[int, int], float] = {}
    for (operation, key, output), own in zip(candidates.features.tolist(), surplus.tolist(), strict=True):
        if operation == TARGET:
            of_key[key] = max(own, of_key.get(key, -np.inf))
            of_output[key, output] = own
    parents = np.zeros(len(candidates))

    def of_column(place: int) -> float:
        column = candidates.columns[place]
        return float(plain[column.position]) if len(column.values) else 0.0

    for place, (operation, first, second) in enumerate(candidates.features.tolist()):
        if operation in (DIFFERENCE, SUM, PRODUCT, RATIO):
            parents[place] = max(plain[first], plain[second])
        elif operation in (TARGET, ROWS):
            one, two = candidates.keys[first].tolist()
            if two < 0:
                parents[place] = of_column(one)
            else:
                parents[place] = max(of_column(one), of_column(two), of_key[one], of_key[two])
        else:
            one = int(candidates.keys[first][0])
            parents[place] = max(
                of_key[one], of_column(one), plain[second] if operation >= FROM_MEAN else 0.0
            )
    return parents


def _distinct(matrix: NDArray[np.float32], order: IntArray, most: int) -> IntArray:
    """The first of those in an order, without any that ranks rows as one before it does."""
    kept: list[int] = []
    ranks: list[FloatArray] = []
    for place in order.tolist():
        column = matrix[:_COMPARED, place]
        rank = _ranks(column)
        if all(abs(float(rank @ other)) < _ALIKE for other in ranks):
            kept.append(place)
            ranks.append(rank)
        if len(kept) == most:
            break
    return np.array(kept, np.int64)


def _ranks(column: NDArray[np.float32]) -> FloatArray:
    """Ranks of unit length around 0; missing ones are in the middle."""
    places = np.unique(column, return_inverse=True)[1].astype(np.float64)
    there = ~np.isnan(column)
    middle = float(places[there].mean()) if there.any() else 0.0
    moved = np.where(there, places - middle, 0.0)
    return np.asarray(moved / max(float(np.sqrt(moved @ moved)), 1e-12))
