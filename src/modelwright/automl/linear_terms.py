"""The columns of a linear model in their own units: what one more adds, what each level adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.automl.model_terms import ModelTerm, OutputTerms, TermCell, TermReader, Where
from modelwright.core import FeatureInfo, FloatArray
from modelwright.features import DenseEncoder
from modelwright.learners.linear_model import FittedLinearModel
from modelwright.learners.linear_reading import LinearReading, column_groups

__all__ = ["linear_terms"]

_POINTS = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
"""Where a bent column is looked at, as parts of its quantiles; its slope is that from the 2nd to the 6th."""

_RARE, _UNSEEN = "(rare levels)", "(missing or unseen)"


def linear_terms(model: FittedLinearModel, reader: TermReader) -> OutputTerms:
    """A linear model as terms that are centred on its training rows, in the units of the columns.

    Parameters
    ----------
    model : FittedLinearModel
    reader : TermReader
        What turns positions and codes into names.
    """
    coder, state = model.coder, model.state
    unit = 1.0 if coder.is_classification or state.link == "log" else coder.scale
    coefficients = unit * state.coefficients
    if not len(coefficients):
        return OutputTerms(
            reader.name, reader.scale(coder.present, state.link == "log"), (reader.name,), (), ()
        )
    encoder = model.design.encoder
    parts = _Parts(encoder, encoder.columns(reader.info), coefficients, model.reading, reader)
    terms, moved = [], np.zeros(len(coefficients))
    for place, (name, positions) in enumerate(column_groups(parts.columns).items()):
        if not coefficients[:, positions].any():
            continue
        feature = next(each for each in reader.features if each.name == name)
        level = parts.columns[positions[0]].transform == "level"
        cells, mean, per_unit = (parts.levels if level else parts.number)(feature, positions)
        moved += mean
        importance = _importance(model.reading, unit, place, coefficients[:, positions])
        terms.append(ModelTerm((name,), (feature.source,), importance, tuple(cells), per_unit))
    return OutputTerms(
        reader.name,
        _scale(model, reader),
        reader.scores(coder.present, len(coefficients)),
        tuple(_intercepts(model, unit, moved).tolist()),
        tuple(sorted(terms, key=lambda term: -term.importance)),
    )


def _scale(model: FittedLinearModel, reader: TermReader) -> str:
    """What the scores are, in words."""
    coder, link = model.coder, model.state.link
    if link == "ordered":
        names = ", ".join(repr(str(reader.problem.classes[code])) for code in coder.present[:-1])
        return f"log odds of a class above {names}"
    if coder.logarithm:
        return f"logarithm of 1 + {reader.name}"
    return reader.scale(coder.present, link == "log")


def _intercepts(model: FittedLinearModel, unit: float, moved: FloatArray) -> FloatArray:
    """Where scores begin when every column is at its mean."""
    if model.state.link == "ordered":
        above: FloatArray = moved[0] - model.state.intercepts
        return above
    values = not model.coder.is_classification and model.state.link == "values"
    begin: FloatArray = unit * model.state.intercepts + (model.coder.center if values else 0.0) + moved
    return begin


def _importance(reading: LinearReading | None, unit: float, place: int, coefficients: FloatArray) -> float:
    """Mean absolute addition; of models that do not know it the largest coefficient."""
    if reading is None or place >= reading.importances.shape[1]:
        return float(np.abs(coefficients).max(axis=1).mean())
    return unit * float(reading.importances[:, place].mean())


_Term = tuple[list[TermCell], FloatArray, tuple[float, ...] | None]
"""Cells, by how much they are centred, and what one unit adds."""


@dataclass(frozen=True)
class _Parts:
    """The columns of the matrix that one term is read from."""

    encoder: DenseEncoder
    columns: tuple[FeatureInfo, ...]
    coefficients: FloatArray
    reading: LinearReading | None
    reader: TermReader

    def _mean(self, position: int) -> float:
        return 0.0 if self.reading is None else float(self.reading.means[position])

    def levels(self, feature: FeatureInfo, positions: Sequence[int]) -> _Term:
        """A line for each level, against the mean of all rows."""
        shares = np.array([self._mean(position) for position in positions])
        adds = self.coefficients[:, positions]
        mean = adds @ shares
        cells = [
            self._cell(Where(level=self._level(feature, self.columns[position])), each - mean, share)
            for position, each, share in zip(positions, adds.T, shares.tolist(), strict=True)
        ]
        rest = max(0.0, 1.0 - float(shares.sum())) if self.reading is not None else 0.0
        return [*cells, self._cell(Where(level=_UNSEEN), -mean, rest)], mean, None

    def _level(self, feature: FeatureInfo, column: FeatureInfo) -> str:
        code = column.name.rpartition("=")[2]
        return self.reader.values.level(feature, int(code)) if code.isdecimal() else _RARE

    def number(self, feature: FeatureInfo, positions: Sequence[int]) -> _Term:
        """What one more adds; values of bent columns; missing values."""
        by_kind = {self.columns[position].transform: position for position in positions}
        indicator = by_kind.get("missing")
        values = [p for p in positions if self.columns[p].transform not in ("missing", "normal_score")]
        missing = self._mean(indicator) if indicator is not None else 0.0
        if not values:
            assert indicator is not None
            added = self.coefficients[:, indicator]
            return [self._cell(Where(missing=True), added, missing)], 0 * added, None
        value, score = values[0], by_kind.get("normal_score")
        cells, per_unit = self._values(feature, value, score, 1.0 - missing)
        if indicator is not None:
            middle = self._added(self.encoder.scaler.median[[value]], value, score)[:, 0]
            cells.append(self._cell(Where(missing=True), middle + self.coefficients[:, indicator], missing))
        return cells, self._shift(value, score), per_unit

    def _values(
        self, feature: FeatureInfo, value: int, score: int | None, share: float
    ) -> tuple[list[TermCell], tuple[float, ...] | None]:
        scaler = self.encoder.scaler
        mean, deviation = float(scaler.mean[value]), float(scaler.deviation[value])
        if feature.transform == "flag":
            no, yes = (self._added(np.array([each]), value, score)[:, 0] for each in (0.0, 1.0))
            true = mean - (1.0 - share if scaler.median[value] > 0.5 else 0.0)
            labels = self.reader.flag(feature)
            return [
                self._cell(Where(level=labels[0]), no, max(0.0, share - true)),
                self._cell(Where(level=labels[1]), yes, max(0.0, true)),
            ], tuple((yes - no).tolist())
        own = self.reader.values.number
        if score is None:
            start = own(feature, mean + deviation * self._mean(value))
            per = (own(feature, mean + deviation) - own(feature, mean)) or deviation
            slope = self.coefficients[:, value] / per
            return [TermCell((Where(per_unit_from=start),), tuple(slope.tolist()), share)], tuple(
                slope.tolist()
            )
        knots, _ = self._curve(score)
        points = np.unique(np.interp(_POINTS * (len(knots) - 1), np.arange(len(knots)), knots))
        added = self._added(points, value, score)
        cells = [
            self._cell(Where(at=own(feature, float(point))), adds, None)
            for point, adds in zip(points.tolist(), added.T, strict=True)
        ]
        low, high = (1, -2) if len(points) > 3 else (0, -1)
        width = own(feature, float(points[high])) - own(feature, float(points[low]))
        slope = (added[:, high] - added[:, low]) / (width or 1.0)
        return cells, tuple(slope.tolist())

    def _curve(self, score: int) -> tuple[FloatArray, FloatArray]:
        """Knots of a column's score, and the score there."""
        scaler = self.encoder.scaler
        place = score - len(scaler.kept)
        end = int(scaler.knot_counts[: place + 1].sum())
        span = slice(end - int(scaler.knot_counts[place]), end)
        return scaler.knots[span], scaler.scores[span]

    def _added(self, points: FloatArray, value: int, score: int | None) -> FloatArray:
        """What values that are not missing add, shape (scores, points), centred."""
        scaler = self.encoder.scaler
        scaled = np.clip((points - scaler.mean[value]) / scaler.deviation[value], -10.0, 10.0)
        added = np.outer(self.coefficients[:, value], scaled)
        if score is not None:
            added += np.outer(self.coefficients[:, score], np.interp(points, *self._curve(score)))
        centred: FloatArray = added - self._shift(value, score)[:, None]
        return centred

    def _shift(self, value: int, score: int | None) -> FloatArray:
        """What the mean of a column adds."""
        places = [value] if score is None else [value, score]
        means = np.array([self._mean(place) for place in places])
        shift: FloatArray = self.coefficients[:, places] @ means
        return shift

    @staticmethod
    def _cell(where: Where, adds: FloatArray, share: float | None) -> TermCell:
        return TermCell((where,), tuple(adds.tolist()), share)
