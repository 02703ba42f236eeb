"""The matrix that a booster is given: numbers, then categories in one of three forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, FitTask, OptionError, SchemaMismatch, Shape, View
from modelwright.features import KnownLevels, TargetEncoder
from modelwright.learners.fold import Fold

__all__ = ["MatrixColumns", "has_many_levels"]

_FORMS = ("native", "codes", "target")
_ENCODER = "encoder."


def has_many_levels(shape: Shape) -> bool:
    """Whether there are categories, and not all of them have two levels: only then their form matters."""
    return shape.categorical > 0 and shape.levels > 3 * shape.categorical


@dataclass(frozen=True, eq=False)
class MatrixColumns:
    """How rows of a view become rows of a float32 matrix; fitted on the training rows of a fold.

    Attributes
    ----------
    form : str
        Of categories: ``"native"`` (codes that the engine takes as categories, 0 for missing),
        ``"codes"`` (codes as ordered numbers: levels are in natural order; NaN for missing) or
        ``"target"`` (statistics of the target by level, out of fold for the training rows).
    numeric : int
        Columns of numbers.
    levels : KnownLevels
        Codes that the training rows hold; others count as missing.
    encoder : TargetEncoder or None
        For ``"target"``.
    """

    form: str
    numeric: int
    levels: KnownLevels
    encoder: TargetEncoder | None = None

    @classmethod
    def fit(cls, task: FitTask, fold: Fold, form: str) -> tuple[MatrixColumns, NDArray[np.float32] | None]:
        """Learn from the training rows.

        Returns
        -------
        MatrixColumns
        float32 array or None
            For ``"target"``, the matrix of the training rows: it differs from what `matrix` says of them,
            because no row may see its own target. None for the other forms.

        Raises
        ------
        OptionError
            If there is no such form.
        """
        if form not in _FORMS:
            raise OptionError(f"categories must be one of {', '.join(_FORMS)}, but is {form!r}.")
        with task.clock("preparing"):
            return cls._fitted(task, fold, form)

    @classmethod
    def _fitted(
        cls, task: FitTask, fold: Fold, form: str
    ) -> tuple[MatrixColumns, NDArray[np.float32] | None]:
        levels = KnownLevels.fit(task.view, fold.train_rows)
        if form != "target" or not task.view.categorical.shape[1]:
            return cls("codes" if form == "target" else form, task.view.numeric.shape[1], levels), None

        encoder, encoded = TargetEncoder.fit_transform(
            task.view,
            fold.train_rows,
            task.target,
            task.problem,
            weights=task.weights,
            seed=task.seed,
            groups=task.groups,
        )
        numbers = task.view.numeric[fold.train_rows]
        columns = cls(form, numbers.shape[1], levels, encoder)
        return columns, np.concatenate([numbers, encoded], axis=1, dtype=np.float32)

    @property
    def is_shared(self) -> bool:
        """Whether the matrix of a row is the same in every fold, for all that a tree can tell.

        Levels that training rows lack are split off by no tree that takes codes as categories; among
        ordered codes they would lie between others.
        """
        return self.form == "native" or (self.form == "codes" and self.levels.everything)

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        categories = len(self.levels.table.cardinalities) if self.encoder is None else self.encoder.width
        return self.numeric + categories

    @property
    def size_bytes(self) -> int:
        """Bytes of the state."""
        return sum(array.nbytes for array in self.arrays().values())

    def matrix(self, view: View) -> NDArray[np.float32]:
        """Rows as float32, C order: numbers, then categories (codes are exact below 2**24).

        Raises
        ------
        SchemaMismatch
            If the view has other columns.
        """
        if view.numeric.shape[1] != self.numeric:
            raise SchemaMismatch(
                f"Expected {self.numeric} numeric columns, but got {view.numeric.shape[1]}. "
                "Make the view with the featurizer of the same model."
            )
        if not view.categorical.shape[1] and not len(self.levels.table.cardinalities):
            return np.ascontiguousarray(view.numeric, np.float32)
        if self.encoder is not None:
            block = self.encoder.transform(view, None)
        else:
            block = self.levels.apply(view.categorical).astype(np.float32)
            if self.form == "codes":
                block[block == 0] = np.nan
        if not view.numeric.shape[1]:
            return np.ascontiguousarray(block, np.float32)
        return np.concatenate([view.numeric, block], axis=1, dtype=np.float32)

    def signs(self, signs: tuple[int, ...]) -> list[int]:
        """Signs of numeric columns (see `monotone_signs`), and 0 for the columns of categories."""
        return [*signs, *[0] * (self.width - self.numeric)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state as flat arrays, for an ``.npz`` file."""
        encoder = {} if self.encoder is None else self.encoder.arrays()
        settings = np.array([_FORMS.index(self.form), self.numeric], np.int64)
        return {
            "settings": settings,
            **self.levels.arrays(),
            **{_ENCODER + name: encoder[name] for name in encoder},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> MatrixColumns:
        """Inverse of `arrays`.

        Raises
        ------
        BundleError
            If they are anything else.
        """
        settings = arrays.get("settings", np.zeros(0))
        fits = settings.dtype == np.int64 and settings.shape == (2,)
        if not fits or not 0 <= settings[0] < len(_FORMS) or settings[1] < 0:
            raise BundleError(
                "A model's record of its columns is damaged: copy the model again, or train it again."
            )
        name, encoder = _FORMS[int(settings[0])], None
        if name == "target":
            stored = {key[len(_ENCODER) :]: arrays[key] for key in arrays if key.startswith(_ENCODER)}
            encoder = TargetEncoder.from_arrays(stored)
        levels = KnownLevels.from_arrays(arrays)
        return cls(name, int(settings[1]), levels, encoder)
