"""A fitted additive model: its tables are all there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from modelwright.core import Contributions, FloatArray, Predictions, View
from modelwright.learners.additive_purify import purified
from modelwright.learners.additive_tables import AdditiveTables, add_tables
from modelwright.learners.attribution import constant_contributions, decoded
from modelwright.learners.base import FittedLearner
from modelwright.learners.linear_model import sigmoid, softmax
from modelwright.learners.state import check_state, read_json, read_state, write_arrays, write_json
from modelwright.learners.targets import TargetCoder

__all__ = ["FittedAdditive", "in_units"]

_CHUNK = 65_536
"""Rows looked up at once for predictions."""

_LARGEST = 700.0
"""Of a logarithm: the exponential of more is no number."""


class FittedAdditive(FittedLearner):
    """Tables whose values are added up, and the way from sums to predictions.

    Sums are log odds of the second of two classes, a score for each of more classes (probabilities are in
    proportion to their exponentials), values in the unit of the target, or logarithms of values.

    Parameters
    ----------
    coder : TargetCoder
        The way back to predictions.
    tables : AdditiveTables
        Without terms where there was one class or value to learn.
    logarithmic : bool
        Whether sums are logarithms of values.
    """

    def __init__(self, coder: TargetCoder, tables: AdditiveTables, logarithmic: bool = False) -> None:
        self.coder = coder
        self.tables = tables
        self.logarithmic = logarithmic

    def predict(self, view: View) -> Predictions:
        """One look-up a term, and a sum."""
        if self.coder.is_constant:
            return self.coder.predict_constant(view.rows)
        starts = range(0, max(1, view.rows), _CHUNK)
        sums = np.concatenate([self.tables.sums(view.take(slice(at, at + _CHUNK))) for at in starts])
        return self.coder.decode(self._respond(sums))

    def contributions(self, view: View) -> Contributions:
        """By the tables; what a pair adds is divided equally between its two columns."""
        if self.coder.is_constant:
            said = self.coder.predict_constant(1).array
            return constant_contributions(said, view, classes=self.coder.is_classification)
        values, base = self.tables.additions(view, len(view.info.features))
        link = "log-odds" if self.coder.is_classification else "identity"
        found = Contributions(values, base, link)
        return decoded(self.coder, found, logarithmic=self.logarithmic)

    def _respond(self, sums: FloatArray) -> FloatArray:
        if self.coder.is_classification:
            return sigmoid(sums[:, 0]) if self.tables.outputs == 1 else softmax(sums)
        return np.exp(np.minimum(sums[:, 0], _LARGEST)) if self.logarithmic else sums[:, 0]

    @classmethod
    def merged(cls, models: Sequence[FittedLearner], view: View, weights: FloatArray | None) -> Self | None:
        """The model whose sums are the means of several models' sums."""
        own = [model for model in models if isinstance(model, cls)]
        first = own[0] if own else None
        if first is None or len(own) < len(models):
            return None
        alike = all((each.coder, each.logarithmic) == (first.coder, first.logarithmic) for each in own)
        if not alike or first.coder.is_constant:
            return None
        mean = add_tables([model.tables for model in own], 1 / len(own))
        tables = purified(mean, view, np.arange(view.rows), weights, unseen=False)
        return cls(first.coder, tables, first.logarithmic)

    def save(self, directory: Path) -> None:
        """Write ``model.json`` and ``tables.npz``."""
        record = {"target": self.coder.to_dict(), "logarithmic": self.logarithmic}
        write_json(directory / "model.json", record)
        write_arrays(directory / "tables.npz", self.tables.arrays())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Inverse of `save`."""
        path = directory / "tables.npz"
        record = read_json(directory / "model.json")
        coder = TargetCoder.from_dict(record.get("target", {}))
        tables = read_state(path, AdditiveTables.from_arrays)
        classes = len(coder.present)
        outputs = classes if classes > 2 else 1
        check_state(tables.outputs == outputs, path, "does not fit its record of the target")
        logarithmic = record.get("logarithmic")
        check_state(isinstance(logarithmic, bool), path, "does not say what its sums are")
        return cls(coder, tables, bool(logarithmic))

    @property
    def size_bytes(self) -> int:
        """Bytes of the tables."""
        return self.tables.size_bytes + 2_000


def in_units(coder: TargetCoder, tables: AdditiveTables, logarithmic: bool) -> FittedAdditive:
    """The model with sums in the unit of the target (or logarithms of them), which people can read."""
    if coder.is_classification or coder.is_constant:
        return FittedAdditive(coder, tables, logarithmic)
    if logarithmic:
        tables = tables.scaled(1.0, float(np.log(coder.scale)))
    else:
        tables = tables.scaled(coder.scale, coder.center)
    return FittedAdditive(replace(coder, center=0.0, scale=1.0), tables, logarithmic)
