"""What the fitted models of all boosters share: state, files, chunks, and the way back to predictions."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from modelwright.core import BundleError, Contributions, Predictions, View
from modelwright.learners.attribution import constant_contributions, decoded
from modelwright.learners.base import FittedLearner
from modelwright.learners.matrix_columns import MatrixColumns
from modelwright.learners.state import (
    check_state,
    digest,
    read_bytes,
    read_json,
    read_state,
    write_arrays,
    write_json,
)
from modelwright.learners.targets import TargetCoder

__all__ = ["FittedBooster"]

_CHUNK = 65_536
"""Rows predicted at once: the matrix of a chunk is the only copy that is made."""


class FittedBooster(FittedLearner):
    """A boosted model, cut at its best iteration.

    A subclass predicts from rows of a view, and writes and reads its engine's model.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions. A constant target needs no engine.
    columns : MatrixColumns
        How rows become what the engine reads.
    """

    file: ClassVar[str]
    """Name of the file of the engine's model; it is empty where there was one class or value to learn."""

    def __init__(self, coder: TargetCoder, columns: MatrixColumns) -> None:
        self.coder = coder
        self.columns = columns

    @abstractmethod
    def _raw(self, view: View) -> NDArray[Any]:
        """What `TargetCoder.decode` takes, for one row or more."""

    @abstractmethod
    def _sums_by_column(self, view: View) -> Contributions | None:
        """What numbers and categories add to the sum of the trees, for one row or more."""

    @property
    def _is_logarithmic(self) -> bool:
        """Whether the sum of the trees is the logarithm of a value."""
        return False

    @property
    def _link(self) -> str:
        """What trees add up."""
        return "log-odds" if self.coder.is_classification else "identity"

    @abstractmethod
    def _write(self, path: Path) -> None:
        """Write the engine's model; only asked where there is one."""

    @classmethod
    @abstractmethod
    def _read(cls, coder: TargetCoder, columns: MatrixColumns, path: Path, content: bytes) -> Self:
        """The model of a file that `_write` left (empty content: none).

        Raises
        ------
        BundleError or ValueError
            If the content cannot be a model for this target.
        """

    @property
    @abstractmethod
    def _engine_bytes(self) -> int:
        """Bytes of the engine's model."""

    def predict(self, view: View) -> Predictions:
        """Probabilities or values."""
        if self.coder.is_constant:
            return self.coder.predict_constant(view.rows)
        if not view.rows:
            shape = (0, self.coder.outputs) if self.coder.is_classification else (0,)
            return Predictions(np.zeros(shape))
        if view.rows <= _CHUNK:
            return self.coder.decode(self._raw(view))
        parts = [self._raw(view.take(slice(start, start + _CHUNK))) for start in range(0, view.rows, _CHUNK)]
        return self.coder.decode(np.concatenate(parts))

    def contributions(self, view: View) -> Contributions | None:
        """By the engine's own trees; None where it cannot tell."""
        if self.coder.is_constant:
            said = self.coder.predict_constant(1).array
            return constant_contributions(said, view, classes=self.coder.is_classification)
        found = self._sums_by_column(view)
        if found is None:
            return None
        # terms of texts are no columns of a booster's matrix
        wide = found.grouped(np.arange(found.columns), len(view.info.features))
        return decoded(self.coder, wide, logarithmic=self._is_logarithmic)

    def save(self, directory: Path) -> None:
        """Write the engine's model, ``model.json`` and ``columns.npz``."""
        path = directory / self.file
        if self.coder.is_constant:
            path.write_bytes(b"")
        else:
            self._write(path)
        record = {"target": self.coder.to_dict(), "sha256": digest(path.read_bytes())}
        write_json(directory / "model.json", record)
        write_arrays(directory / "columns.npz", self.columns.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / cls.file
        record = read_json(directory / "model.json")
        coder = TargetCoder.from_dict(record.get("target", {}))
        columns = read_state(directory / "columns.npz", MatrixColumns.from_arrays)
        content = read_bytes(path, record.get("sha256"))
        check_state(bool(content) != coder.is_constant, path, "does not fit its record of the target")
        try:
            return cls._read(coder, columns, path, content)
        except BundleError:
            raise
        except ValueError as error:
            raise BundleError(
                f"The model file {path.name!r} could not be read ({error}). Copy the model again, or "
                "train it again."
            ) from error

    @property
    def size_bytes(self) -> int:
        """Bytes of the engine's model and of the state of the columns."""
        return 500 + self.columns.size_bytes + (0 if self.coder.is_constant else self._engine_bytes)

    @property
    def _trees_a_round(self) -> int:
        """One for values and two classes, else one a class."""
        return 1 if len(self.coder.present) <= 2 else len(self.coder.present)
