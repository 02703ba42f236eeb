"""Categories by what the target is like in their training rows, so that no row sees its own target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import DataError, FeatureInfo, Problem, View, ViewInfo
from modelwright.features.levels import KnownLevels, LevelTable, count_levels, select_rows
from modelwright.features.state import damaged, read_array

__all__ = ["TargetEncoder"]

MAX_CLASSES = 10
"""Classes of a multiclass problem that get a column each, the most frequent ones."""

FOLDS = 5
"""Parts of the training rows: a part is encoded by the targets of the others."""

FLOOR = 0.01
"""The spread within a level is at least this share of all: a few equal targets are no certainty."""


@dataclass(frozen=True, eq=False)
class TargetEncoder:
    """For each category the shrunken mean of the target in its training rows, and how many they are.

    Each value is a *difference to the mean of all training rows*: 0 for a level about which nothing is
    known. The mean of a level with n rows is drawn towards 0 by the factor
    ``n * between / (n * between + within)``: the empirical Bayes estimate (Micci-Barreca, 2001), with the
    variances of the target between and within the levels of the column estimated by moments. Where
    the levels differ no more than chance makes them, all values are 0.

    `fit_transform` gives the training rows values from the *other* parts of the training rows: a row
    whose own target was in its value would teach a learner to trust the column far too much (the leak that
    Prokhorenkova et al., 2018, describe; they order the rows instead). The means of different parts are
    not mixed up with it, because each value is a difference to the mean of the very rows it comes from.

    Classification: differences of the probability, for two classes of the second one, for more of each
    of the (at most ten most frequent) classes. Numbers: in standard deviations of the target. Missing,
    rare and unseen levels share code 0 and so a value; it is 0 if no training row has it.

    Attributes
    ----------
    classes : int64 array
        Class codes with a column for each category; empty for numbers.
    effects : LevelTable
        Differences of each level; values of shape (all levels, outputs).
    counts : LevelTable
        Logarithm of one plus the number of training rows of each level (float32).

    Examples
    --------
    >>> from modelwright.core import Task
    >>> info = ViewInfo((), (FeatureInfo("plan", "plan", "codes", 3),))
    >>> view = View(np.zeros((60, 0), np.float32), np.array([[1], [2]] * 30, np.int32), info)
    >>> problem = Problem.of("churn").resolved(Task.BINARY, "auc", ("no", "yes"))
    >>> encoder, train = TargetEncoder.fit_transform(view, None, np.array([0, 1] * 30), problem)
    >>> encoder.transform(view, slice(0, 2)).round(2).tolist(), train.shape
    ([[-0.5, 3.430000066757202], [0.5, 3.430000066757202]], (60, 2))
    """

    classes: NDArray[np.int64]
    effects: LevelTable
    counts: LevelTable

    @classmethod
    def fit(
        cls,
        view: View,
        rows: NDArray[np.integer] | slice | None,
        target: NDArray[Any],
        problem: Problem,
        *,
        weights: NDArray[np.float64] | None = None,
    ) -> TargetEncoder:
        """Learn from all training rows; for the values of these rows themselves use `fit_transform`.

        Parameters
        ----------
        view : View
            The whole table.
        rows : int array, slice or None
            The training rows.
        target : array, shape (rows of the view,)
            Class codes or values; only those of the training rows are looked at.
        problem : Problem
            Resolved, with a single output.
        weights : float64 array, shape (rows of the view,), optional

        Raises
        ------
        DataError
            If the target is not as long as the view.
        """
        return cls._of(_Training.of(view, rows, target, problem, weights))

    @classmethod
    def fit_transform(
        cls,
        view: View,
        rows: NDArray[np.integer] | slice | None,
        target: NDArray[Any],
        problem: Problem,
        *,
        weights: NDArray[np.float64] | None = None,
        seed: int = 0,
        groups: NDArray[Any] | None = None,
    ) -> tuple[TargetEncoder, NDArray[np.float32]]:
        """The encoder of all training rows, and values for those rows that do not know their own target.

        Parameters
        ----------
        view, rows, target, problem, weights
            As in `fit`.
        seed : int, default 0
            Decides which training rows make a part.
        groups : int array, shape (rows of the view,), optional
            Rows of one group stay in one part: new rows will not come with the targets of their groups.

        Returns
        -------
        encoder : TargetEncoder
            The same as `fit` gives.
        train : float32 array, shape (training rows, width)
            In the order of ``rows``.
        """
        folds = FOLDS
        training = _Training.of(view, rows, target, problem, weights)
        count = len(training.values)
        part = _parts(count, folds, seed, None if groups is None else select_rows(np.asarray(groups), rows))
        outputs, columns = training.values.shape[1], training.codes.shape[1]
        train = np.zeros((count, columns * (outputs + 1)), np.float32)
        for position, size in enumerate(training.sizes):
            codes = training.codes[:, position]
            sums = _Sums.of(codes + part * size, training, folds * size)
            for fold in range(folds):
                inside = part == fold
                # The other parts are added up without this one: subtracting it from the whole would let
                # its targets show in the last bits.
                others = _effects(sums.without(fold, folds), training.is_classification)
                places = position + columns * np.arange(outputs)
                train[np.ix_(inside, places)] = others[codes[inside]]
        encoder = cls._of(training)
        train[:, columns * outputs :] = encoder.counts.look_up(training.codes)
        return encoder, train

    @classmethod
    def _of(cls, training: _Training) -> TargetEncoder:
        effects: list[NDArray[np.float64]] = []
        for position, size in enumerate(training.sizes):
            sums = _Sums.of(training.codes[:, position], training, size)
            found = _effects(sums, training.is_classification)
            # Levels that no training row has are treated as those that were never seen.
            found[sums.rows == 0] = found[0]
            effects.append(found)
        outputs = training.values.shape[1]
        sizes = np.array(training.sizes, np.int64)
        flat = np.concatenate([np.empty((0, outputs)), *effects]).astype(np.float32)
        logs = [np.log1p(np.append(0, counts[1:])) for counts in training.counts]
        return cls(training.classes, LevelTable(sizes, flat), LevelTable.from_columns(logs, np.float32))

    @property
    def outputs(self) -> int:
        """Columns for each category, the count not included."""
        return int(self.effects.values.shape[1])

    @property
    def width(self) -> int:
        """Columns of the result."""
        return len(self.effects.cardinalities) * (self.outputs + 1)

    def transform(self, view: View, rows: NDArray[np.integer] | slice | None = None) -> NDArray[np.float32]:
        """The encoded rows, float32, shape (rows, width): differences by output, then counts.

        Not for the training rows of a learner: those come from `fit_transform`.

        Raises
        ------
        SchemaMismatch
            If the view has other columns.
        """
        codes = select_rows(view.categorical, rows)
        width = codes.shape[1] * self.outputs
        found = self.effects.look_up(codes).transpose(0, 2, 1).reshape(len(codes), width)
        return np.hstack([found, self.counts.look_up(codes)]).astype(np.float32, copy=False)

    def columns(self, info: ViewInfo) -> tuple[FeatureInfo, ...]:
        """Name and source of each column of the result; classes are named by their codes."""
        names = [f"@{code}" for code in self.classes.tolist()] or ["@"]
        means = [
            FeatureInfo(each.name + n, each.source, "target_mean") for n in names for each in info.categorical
        ]
        counts = (FeatureInfo(f"{each.name}#", each.source, "frequency") for each in info.categorical)
        return (*means, *counts)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        return {
            "classes": self.classes,
            "cardinalities": self.effects.cardinalities,
            "effects": self.effects.values.ravel(),
            "counts": self.counts.values,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TargetEncoder:
        """Inverse of `arrays`; raises `BundleError` for anything else."""
        counts = LevelTable.read(arrays, "counts", np.float32)
        classes = read_array(arrays, "classes", np.int64, None, 0)
        if len(classes) > MAX_CLASSES:
            raise damaged("'classes'", f"at most {MAX_CLASSES}", f"{len(classes)} classes")
        outputs = max(1, len(classes))
        flat = read_array(arrays, "effects", np.float32, len(counts.values) * outputs)
        return cls(classes, LevelTable(counts.cardinalities, flat.reshape(-1, outputs)), counts)


def _parts(count: int, folds: int, seed: int, groups: NDArray[Any] | None) -> NDArray[np.int64]:
    """The part of each training row: drawn for each row, or for each group."""
    drawn = np.random.default_rng(seed)
    if groups is None:
        return drawn.permutation(count) % folds
    numbers = np.unique(groups, return_inverse=True)[1]
    each = drawn.permutation(int(numbers.max(initial=-1)) + 1) % folds
    return np.asarray(each[numbers], np.int64)


@dataclass(frozen=True, eq=False)
class _Training:
    """The training rows: codes with unknown levels as 0, targets as numbers, weights of mean 1."""

    codes: NDArray[np.int32]
    sizes: tuple[int, ...]
    counts: list[NDArray[np.int64]]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    classes: NDArray[np.int64]

    @property
    def is_classification(self) -> bool:
        return len(self.classes) > 0

    @classmethod
    def of(
        cls,
        view: View,
        rows: NDArray[np.integer] | slice | None,
        target: NDArray[Any],
        problem: Problem,
        weights: NDArray[np.float64] | None,
    ) -> _Training:
        if len(target) != view.rows:
            raise DataError(
                f"The target has {len(target)} values, but the view has {view.rows} rows. "
                f"Give the target of the whole view; the training rows are picked from it."
            )
        codes = KnownLevels.fit(view, rows).apply(select_rows(view.categorical, rows))
        known = select_rows(np.asarray(target), rows)
        if problem.task.is_classification:
            classes = _classes(known, problem.outputs)
            values = (known[:, None] == classes).astype(np.float64)
        else:
            classes = np.empty(0, np.int64)
            values = _moderate(known.astype(np.float64))[:, None]
        weigh = np.ones(len(known)) if weights is None else select_rows(weights, rows).astype(np.float64)
        weigh = weigh / max(float(weigh.mean()), 1e-300) if len(weigh) else weigh
        return cls(codes, view.info.cardinalities, count_levels(view, rows), values, weigh, classes)


def _moderate(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values moved and scaled so that their squares neither overflow nor lose what tells them apart.

    The result of the encoder does not depend on it; a power of two scales without loss.
    """
    if not len(values):
        return values
    scaled = np.ldexp(values, -int(np.frexp(np.abs(values).max())[1]))
    return np.asarray(scaled - np.median(scaled))


def _classes(codes: NDArray[np.integer], outputs: int) -> NDArray[np.int64]:
    if outputs <= 2:
        return np.array([1], np.int64)
    frequency = np.bincount(codes, minlength=outputs)
    return np.sort(np.argsort(-frequency, kind="stable")[:MAX_CLASSES]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Weight, sum and sum of squares of the targets of each level."""

    rows: NDArray[np.float64]
    totals: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, places: NDArray[np.integer], training: _Training, size: int) -> _Sums:
        found = [
            [np.bincount(places, training.weights * column**power, minlength=size) for column in columns]
            for power, columns in enumerate((training.values.T[:1], training.values.T, training.values.T))
        ]
        rows, totals, squares = (np.stack(each, axis=1).astype(np.float64) for each in found)
        return cls(rows[:, 0], totals, squares)

    def without(self, fold: int, folds: int) -> _Sums:
        """The sums of all parts but one."""
        others = [each for each in range(folds) if each != fold]
        rows = self.rows.reshape(folds, -1)[others].sum(axis=0)
        shape = (folds, len(rows), -1)
        totals, squares = (each.reshape(shape)[others].sum(axis=0) for each in (self.totals, self.squares))
        return _Sums(rows, totals, squares)


def _effects(sums: _Sums, is_probability: bool) -> NDArray[np.float64]:
    """Shrunken differences to the mean of all rows, shape (levels, outputs)."""
    seen = sums.rows > 0
    rows, totals, squares = sums.rows[seen][:, None], sums.totals[seen], sums.squares[seen]
    effects = np.zeros(sums.totals.shape)
    count, levels = float(rows.sum()), len(rows)
    if levels < 2 or count <= levels:
        return effects
    overall = totals.sum(axis=0) / count
    spread = np.maximum(squares.sum(axis=0) / count - overall**2, 0.0)
    means = totals / rows - overall
    within = np.maximum((squares - totals**2 / rows).sum(axis=0), 0.0) / (count - levels)
    within = np.maximum(within, FLOOR * spread)
    # Unbiased for groups of unequal size (Henderson's first method, 1953).
    expected = count - float((rows**2).sum()) / count
    between = ((rows * means**2).sum(axis=0) - (levels - 1) * within) / max(expected, 1e-12)
    between = np.maximum(between, 0.0)
    trust = rows * between / np.maximum(rows * between + within, 1e-300)
    scale = 1.0 if is_probability else np.sqrt(np.maximum(spread, 1e-300))
    effects[seen] = trust * means / scale
    return effects
