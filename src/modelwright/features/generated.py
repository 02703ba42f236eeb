"""Features made of several columns: arithmetic, statistics of levels, and encodings of crossed levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, Problem, SchemaMismatch, View, ViewInfo
from modelwright.features.level_keys import LevelColumn, LevelKeys
from modelwright.features.levels import LevelTable
from modelwright.features.state import damaged, read_array
from modelwright.features.target_encoding import TargetEncoder

__all__ = ["MAX_GENERATED", "OPERATIONS", "GeneratedFeatures", "Recipe", "Training"]

MAX_GENERATED = 200
"""Features that a state may hold."""

OPERATIONS = (
    "difference",
    "sum",
    "product",
    "ratio",
    "level_mean",
    "level_deviation",
    "from_level_mean",
    "within_level",
    "target_mean",
    "level_rows",
)
"""What a feature is; the place in this list is its number in a recipe."""

DIFFERENCE, SUM, PRODUCT, RATIO, MEAN, DEVIATION, FROM_MEAN, WITHIN, TARGET, ROWS = range(len(OPERATIONS))

_SIGNS = {DIFFERENCE: "-", SUM: "+", PRODUCT: "*", RATIO: "/"}

_PRIOR_ROWS = 5.0
"""A statistic of a level counts as many rows of the whole table: levels of few rows tell little."""

_LARGEST = 1e30
"""Numbers beyond this are as good as missing: float32 would soon be infinite."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """Which features to make; nothing is known of any row yet.

    Attributes
    ----------
    columns : tuple of LevelColumn
    keys : int64 array, shape (keys, 2)
        See `LevelKeys`.
    features : int64 array, shape (features, 3)
        Operation (a place in `OPERATIONS`), and its two arguments. Arithmetic: two numeric columns.
        Statistics of a number within its level: key and numeric column. Encodings: key, and for the mean
        of the target the output.
    """

    columns: tuple[LevelColumn, ...]
    keys: NDArray[np.int64]
    features: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.features)

    def only(self, chosen: NDArray[np.integer]) -> Recipe:
        """The recipe of some of the features, with no more keys than they need."""
        features = self.features[chosen].copy()
        by_key = features[:, 0] >= MEAN
        used, places = np.unique(features[by_key, 1], return_inverse=True)
        features[by_key, 1] = places
        return replace(self, keys=self.keys[used], features=features)


@dataclass(frozen=True)
class Training:
    """What features are fitted on: the training rows of a fold as a view of their own.

    Attributes
    ----------
    view : View
    target : array, shape (rows,)
    problem : Problem
        Resolved, with a single output.
    weights : float64 array, shape (rows,), or None
    groups : int array, shape (rows,), or None
        Rows of one group never serve to encode each other.
    """

    view: View
    target: NDArray[Any]
    problem: Problem
    weights: NDArray[np.float64] | None = None
    groups: NDArray[Any] | None = None

    def take(self, rows: NDArray[np.integer]) -> Training:
        """Some of the rows."""
        return Training(
            self.view.take(rows),
            self.target[rows],
            self.problem,
            None if self.weights is None else self.weights[rows],
            None if self.groups is None else self.groups[rows],
        )


@dataclass(frozen=True, eq=False)
class GeneratedFeatures:
    """The features of a recipe, with what they have to remember of the training rows.

    A ratio by zero is missing, as is whatever is made of a missing number; nothing is ever infinite.
    Statistics of a level are drawn towards those of all training rows, more so for levels of few rows;
    a level that is not known has those of all rows. Means of the target are those of `TargetEncoder`:
    training rows are encoded by the targets of other rows.

    Attributes
    ----------
    width : int
        Numeric columns of the views that are extended.
    cardinalities : tuple of int
        Of their categorical columns.
    features : int64 array, shape (features, 3)
        See `Recipe`.
    keys : LevelKeys
    encoder : TargetEncoder
        Over the keys.
    tables : int64 array, shape (tables, 2)
        Key and numeric column of each table of statistics.
    means, deviations : LevelTable
        Of each table.
    """

    width: int
    cardinalities: tuple[int, ...]
    features: NDArray[np.int64]
    keys: LevelKeys
    encoder: TargetEncoder
    tables: NDArray[np.int64]
    means: LevelTable
    deviations: LevelTable

    @classmethod
    def fit_transform(
        cls, recipe: Recipe, training: Training, seed: int = 0
    ) -> tuple[GeneratedFeatures, NDArray[np.float32]]:
        """Fit on training rows, and the features of these rows that do not know their own target.

        Returns
        -------
        features : GeneratedFeatures
        train : float32 array, shape (rows, features)

        Examples
        --------
        >>> from modelwright.core import Task
        >>> info = ViewInfo((FeatureInfo("a", "a", "value"), FeatureInfo("b", "b", "value")), ())
        >>> numbers = np.array([[6, 2], [1, 0], [np.nan, 1]], np.float32)
        >>> view = View(numbers, np.zeros((3, 0), np.int32), info)
        >>> problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
        >>> recipe = Recipe((), np.empty((0, 2), np.int64), np.array([[RATIO, 0, 1], [SUM, 0, 1]]))
        >>> made, train = GeneratedFeatures.fit_transform(recipe, Training(view, np.arange(3.0), problem))
        >>> train.tolist(), [each.name for each in made.extended(info).numeric]
        ([[3.0, 8.0], [nan, 1.0], [nan, nan]], ['a', 'b', 'a / b', 'a + b'])
        """
        view = training.view
        keys = LevelKeys.fit(view, recipe.columns, recipe.keys)
        codes = keys.codes(view)
        by_level = (recipe.features[:, 0] >= MEAN) & (recipe.features[:, 0] <= WITHIN)
        tables = np.unique(recipe.features[by_level][:, 1:], axis=0)
        found = [
            _statistics(codes[:, key], view.numeric[:, n], keys.sizes[key]) for key, n in tables.tolist()
        ]
        means, deviations = ([each[place] for each in found] for place in (0, 1))
        encoder, train = TargetEncoder.fit_transform(
            _coded(view.info, keys, codes),
            None,
            training.target,
            training.problem,
            weights=training.weights,
            seed=seed,
            groups=training.groups,
        )
        made = cls(
            width=view.numeric.shape[1],
            cardinalities=view.info.cardinalities,
            features=recipe.features,
            keys=keys,
            encoder=encoder,
            tables=tables,
            means=LevelTable.from_columns(means, np.float32),
            deviations=LevelTable.from_columns(deviations, np.float32),
        )
        return made, made._matrix(view, codes, train)

    def transform(self, view: View) -> NDArray[np.float32]:
        """The features of rows that were not fitted on, float32, shape (rows, features).

        Raises
        ------
        SchemaMismatch
            If the view has other columns.
        """
        self._require(view)
        codes = self.keys.codes(view)
        encoded = self.encoder.transform(_coded(view.info, self.keys, codes))
        return self._matrix(view, codes, encoded)

    def extend(self, view: View) -> View:
        """A view of new rows with the features behind its numeric columns."""
        return self.joined(view, self.transform(view))

    def joined(self, view: View, made: NDArray[np.float32]) -> View:
        """A view with features that were computed before."""
        numeric = np.concatenate([view.numeric, made], axis=1)
        return View(numeric, view.categorical, self.extended(view.info), view.sparse)

    def extended(self, info: ViewInfo) -> ViewInfo:
        """The columns of an extended view."""
        taken = {feature.name for feature in (*info.numeric, *info.categorical)}
        new: list[FeatureInfo] = []
        for feature in self._infos(info):
            name = feature.name
            while name in taken:
                name += "'"
            taken.add(name)
            new.append(replace(feature, name=name))
        return ViewInfo((*info.numeric, *new), info.categorical, info.sparse)

    def origins(self) -> tuple[tuple[int, ...], ...]:
        """For each feature the columns of a view that it is made of: numbers first, then categories."""
        found = []
        for operation, first, second in self.features.tolist():
            if operation in _SIGNS:
                columns = [first, second]
            else:
                parts = [self.keys.columns[place] for place in self.keys.pairs[first].tolist() if place >= 0]
                columns = [part.position + (0 if len(part.values) else self.width) for part in parts]
                columns += [] if operation in (TARGET, ROWS) else [second]
            found.append(tuple(dict.fromkeys(columns)))
        return tuple(found)

    def _require(self, view: View) -> None:
        if view.numeric.shape[1] != self.width or view.info.cardinalities != self.cardinalities:
            raise SchemaMismatch(
                f"Expected {self.width} numeric and {len(self.cardinalities)} categorical columns, but got "
                f"{view.numeric.shape[1]} and {len(view.info.cardinalities)}, or other levels. Make the view "
                "with the featurizer of the same model."
            )

    def _matrix(
        self, view: View, codes: NDArray[np.int32], encoded: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """All features, side by side."""
        made = np.empty((view.rows, len(self.features)), np.float32)
        keys = len(self.keys.pairs)
        places = {(key, number): place for place, (key, number) in enumerate(self.tables.tolist())}
        tables = list(zip(self.means.columns(), self.deviations.columns(), strict=True))
        with np.errstate(all="ignore"):
            for place, (operation, first, second) in enumerate(self.features.tolist()):
                if operation in _SIGNS:
                    made[:, place] = _arithmetic(operation, view.numeric[:, first], view.numeric[:, second])
                elif operation == TARGET:
                    made[:, place] = encoded[:, first + keys * second]
                elif operation == ROWS:
                    made[:, place] = encoded[:, first + keys * self.encoder.outputs]
                else:
                    table = tables[places[first, second]]
                    made[:, place] = _by_level(operation, view.numeric[:, second], codes[:, first], *table)
        return made

    def _infos(self, info: ViewInfo) -> Iterator[FeatureInfo]:
        keys = self.keys.infos(info)
        for operation, first, second in self.features.tolist():
            kind = OPERATIONS[operation]
            if operation in _SIGNS:
                one, two = info.numeric[first], info.numeric[second]
                name, source = f"{one.name} {_SIGNS[operation]} {two.name}", f"{one.source}, {two.source}"
            elif operation == TARGET:
                name, source = f"{keys[first].name}@{second}", keys[first].source
            elif operation == ROWS:
                name, source = f"{keys[first].name}#", keys[first].source
            else:
                number = info.numeric[second]
                name = f"{number.name}.{kind}({keys[first].name})"
                source = f"{number.source}, {keys[first].source}"
            yield FeatureInfo(name, source, kind)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        encoder = {f"encoder_{name}": array for name, array in self.encoder.arrays().items()}
        return {
            "width": np.array([self.width], np.int64),
            "view_cardinalities": np.array(self.cardinalities, np.int64),
            "features": self.features.ravel(),
            "tables": self.tables.ravel(),
            "cardinalities": self.means.cardinalities,
            "means": self.means.values,
            "deviations": self.deviations.values,
            **self.keys.arrays(),
            **encoder,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> GeneratedFeatures:
        """Inverse of `arrays`.

        Raises
        ------
        BundleError
            If they are anything else: an argument out of range, tables that do not fit.
        """
        width = int(read_array(arrays, "width", np.int64, 1, 0)[0])
        cardinalities = tuple(read_array(arrays, "view_cardinalities", np.int64, low=1).tolist())
        keys = LevelKeys.from_arrays(arrays, width, cardinalities)
        features = _rows_of(arrays, "features", 3, MAX_GENERATED)
        tables = _rows_of(arrays, "tables", 2, MAX_GENERATED)
        means, deviations = (LevelTable.read(arrays, name, np.float32) for name in ("means", "deviations"))
        own = {name[8:]: array for name, array in arrays.items() if name.startswith("encoder_")}
        encoder = TargetEncoder.from_arrays(own)
        made = cls(width, cardinalities, features, keys, encoder, tables, means, deviations)
        made._check()
        return made

    def _check(self) -> None:
        """Refuse a state whose parts do not belong together."""
        sizes = self.keys.sizes
        if tuple(self.encoder.effects.cardinalities.tolist()) != sizes:
            raise damaged("'encoder_cardinalities'", f"{list(sizes)[:10]}", "other levels")
        for key, number in self.tables.tolist():
            if key >= len(sizes) or number >= self.width:
                raise damaged("'tables'", "keys and columns that there are", [key, number])
        expected = [sizes[key] for key in self.tables[:, 0].tolist()]
        if self.means.cardinalities.tolist() != expected:
            raise damaged("'cardinalities'", expected[:10], "other levels")
        if (self.deviations.values <= 0).any():
            raise damaged("'deviations'", "positive", "zero or less")
        tables = {tuple(table) for table in self.tables.tolist()}
        for operation, first, second in self.features.tolist():
            if operation in _SIGNS:
                fits = first < self.width and second < self.width
            elif operation in (TARGET, ROWS):
                fits = first < len(sizes) and second < self.encoder.outputs
            else:
                fits = operation < len(OPERATIONS) and (first, second) in tables
            if not fits:
                raise damaged("'features'", "made of what there is", [operation, first, second])


def _rows_of(arrays: Mapping[str, NDArray[Any]], name: str, columns: int, most: int) -> NDArray[np.int64]:
    flat = read_array(arrays, name, np.int64, low=0)
    if len(flat) % columns or len(flat) > columns * most:
        raise damaged(repr(name), f"at most {most} rows of {columns} numbers", f"{len(flat)} numbers")
    return flat.reshape(-1, columns)


def _coded(info: ViewInfo, keys: LevelKeys, codes: NDArray[np.int32]) -> View:
    """A view whose categorical columns are the keys."""
    return View(np.empty((len(codes), 0), np.float32), codes, ViewInfo((), keys.infos(info)))


def _arithmetic(
    operation: int, first: NDArray[np.float32], second: NDArray[np.float32]
) -> NDArray[np.float64]:
    one, two = first.astype(np.float64), second.astype(np.float64)
    if operation == DIFFERENCE:
        found = one - two
    elif operation == SUM:
        found = one + two
    elif operation == PRODUCT:
        found = one * two
    else:
        found = one / two
    return _bounded(found)


def _bounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(values) <= _LARGEST, values, np.nan)


def _statistics(
    codes: NDArray[np.int32], numbers: NDArray[np.float32], size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shrunken mean and deviation of a number in each level of a key; of all rows for the code 0."""
    there = ~np.isnan(numbers)
    values, places = numbers[there].astype(np.float64), codes[there]
    centre = float(values.mean()) if len(values) else 0.0
    moved = values - centre
    spread = float(np.mean(moved**2)) if len(values) else 1.0
    spread = max(spread, 1e-12)
    rows = np.bincount(places, minlength=size).astype(np.float64)
    rows[0] = 0.0
    sums = np.bincount(places, moved, minlength=size)
    squares = np.bincount(places, moved**2, minlength=size)
    shift = sums / (rows + _PRIOR_ROWS)
    within = squares - 2 * shift * sums + rows * shift**2
    variance = (within + _PRIOR_ROWS * (spread + shift**2)) / (rows + _PRIOR_ROWS)
    shift[0], variance[0] = 0.0, spread
    deviation = np.sqrt(np.maximum(variance, 1e-12))
    largest = np.finfo(np.float32).max / 2
    means = np.clip(centre + shift, -largest, largest).astype(np.float32)
    return means, np.clip(deviation, 1e-6, largest).astype(np.float32)


def _by_level(
    operation: int,
    numbers: NDArray[np.float32],
    codes: NDArray[np.int32],
    means: NDArray[np.float32],
    deviations: NDArray[np.float32],
) -> NDArray[np.float64]:
    if operation == MEAN:
        return means[codes].astype(np.float64)
    if operation == DEVIATION:
        return deviations[codes].astype(np.float64)
    found = numbers.astype(np.float64) - means[codes]
    return _bounded(found if operation == FROM_MEAN else found / deviations[codes])
