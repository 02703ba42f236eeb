"""The suite of transformers notices transformers that break the contract."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from modelwright.core import BundleError, FeatureInfo, SchemaMismatch, SparseBlock
from modelwright.features import Transformer
from modelwright.testing import ContractViolation, check_transformer, make_columns, run_transformer_check


class Length(Transformer):
    """The length of texts, less the mean length in training: sound, for others to break."""

    def __init__(self, columns, means):
        self.columns, self.means = tuple(columns), means

    @classmethod
    def measured(cls, frame, columns):
        position = {name: index for index, name in enumerate(frame.columns)}
        for name in columns:
            if name not in position:
                raise SchemaMismatch(f"The column {name!r} is missing. Give it.")
            if frame.dtypes[position[name]] not in (pl.String, pl.Null):
                raise SchemaMismatch(f"The column {name!r} is no text. Give texts.")
            texts = frame.to_series(position[name]).to_list()
            yield np.array([np.nan if text is None else len(text) for text in texts])

    @classmethod
    def fit(cls, frame, columns):
        lengths = [each[~np.isnan(each)] for each in cls.measured(frame, columns)]
        return cls(columns, [float(each.mean()) if len(each) else 0.0 for each in lengths])

    @property
    def features(self):
        return tuple(FeatureInfo(f"{name}.length", name, "length") for name in self.columns)

    def transform(self, frame, out):
        for position, lengths in enumerate(self.measured(frame, self.columns)):
            out[:, position] = lengths - self.means[position]

    def to_dict(self):
        return {"columns": list(self.columns), "means": self.means}

    @classmethod
    def from_dict(cls, record):
        columns, means = record.get("columns"), record.get("means")
        for values, kind in ((columns, str), (means, float)):
            if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
                raise BundleError("The state of a length must be lists of names and means. Train again.")
        if len(columns) != len(means):
            raise BundleError("The state of a length needs a mean for each column. Train again.")
        return cls(columns, means)


class LeaksAcrossRows(Length):
    def transform(self, frame, out):
        super().transform(frame, out)
        out -= np.nan_to_num(np.nanmean(np.where(np.isnan(out), 0, out)))


class CountsOtherwiseAlone(Length):
    def transform_row(self, row, out):
        out[:] = [np.nan if row[name] is None else len(row[name]) for name in self.columns]
        return True


class LooksAtTheRowBefore(Length):
    def transform(self, frame, out):
        super().transform(frame, out)
        out[1:] = np.where(np.isnan(out[1:]), out[:-1], out[1:])


class KeepsLearning(Length):
    def transform(self, frame, out):
        self.means = type(self).fit(frame, self.columns).means
        super().transform(frame, out)


class SharesState(Length):
    shared: list[float] = []

    def __init__(self, columns, means):
        super().__init__(columns, means)
        type(self).shared[:] = means

    def transform(self, frame, out):
        self.means = list(type(self).shared)
        super().transform(frame, out)


class LooksAtOtherColumns(Length):
    @classmethod
    def fit(cls, frame, columns):
        made = super().fit(frame, columns)
        rest = [series for series in frame.get_columns() if series.name not in columns]
        return cls(columns, [mean + sum(series.null_count() for series in rest) for mean in made.means])


class RoundsWhenSaved(Length):
    def to_dict(self):
        return {"columns": list(self.columns), "means": [round(mean, 2) for mean in self.means]}


class WritesInfinities(Length):
    def transform(self, frame, out):
        super().transform(frame, out)
        out[np.isnan(out)] = np.inf


class LeavesCells(Length):
    def transform(self, frame, out):
        before = out.copy()
        super().transform(frame, out)
        out[np.isnan(out)] = before[np.isnan(out)]


class GoesByPosition(Length):
    def transform(self, frame, out):
        texts = [series for series in frame.get_columns() if series.dtype in (pl.String, pl.Null)]
        texts += texts[: len(self.columns) - len(texts)]
        super().transform(pl.DataFrame([s.alias(n) for s, n in zip(texts, self.columns)]), out)


class DoesWithout(Length):
    """Takes a column that is absent for one that is missing everywhere."""

    def transform(self, frame, out):
        absent = [name for name in self.columns if name not in frame.columns]
        gaps = [pl.Series("values", [None] * frame.height, pl.String).alias(name) for name in absent]
        super().transform(pl.DataFrame([*frame.get_columns(), *gaps]), out)


class RepeatsNames(Length):
    @property
    def features(self):
        return tuple(FeatureInfo("length", name, "length") for name in self.columns)


class TrustsState(Length):
    @classmethod
    def from_dict(cls, record):
        return cls(list(record["columns"]), [float(mean) for mean in record["means"]])


class CodesOutside(Length):
    block = "categorical"

    @property
    def features(self):
        return tuple(FeatureInfo(name, name, "codes", 3) for name in self.columns)

    def transform(self, frame, out):
        for position, lengths in enumerate(self.measured(frame, self.columns)):
            out[:, position] = np.nan_to_num(lengths)


class FirstLetters(Length):
    """Besides, which of three letters a text begins with, as a sparse block: sound, for others to break."""

    width, types, order = 3, (np.float32, np.int32, np.int64), 1

    @property
    def sparse_features(self):
        return tuple(FeatureInfo(f"{name}.letter", name, "letter", 3) for name in self.columns)

    def transform(self, frame, out):
        super().transform(frame, out)
        places = []
        for texts in (frame[:, frame.columns.index(name)].to_list() for name in self.columns):
            places.append([-1 if text is None else "HWé".find(text[:1] or "?") for text in texts])
        cells = [[3 * at + place for at, place in enumerate(row) if place >= 0] for row in zip(*places)]
        indptr = np.cumsum([0, *map(len, cells)])
        flat = [cell for row in cells for cell in row[:: self.order]]
        values, indices, ends = (np.array(v, t) for v, t in zip((flat, flat, indptr), self.types))
        return SparseBlock(1 + values, indices, ends, self.width * len(self.columns))


class WiderThanDeclared(FirstLetters):
    width = 4


class OtherTypes(FirstLetters):
    types = (np.float64, np.int32, np.int64)


class OutOfOrder(FirstLetters):
    order = -1


class ForgetsTheBlock(FirstLetters):
    def transform(self, frame, out):
        super().transform(frame, out)


class LeaksInTheBlock(FirstLetters):
    def transform(self, frame, out):
        block = super().transform(frame, out)
        return SparseBlock(block.data * np.float32(frame.height), block.indices, block.indptr, block.columns)


def test_sound_transformer_passes():
    check_transformer(Length)
    check_transformer(FirstLetters)
    check_transformer(Length, make_columns("text", rows=100, seed=9))


@pytest.mark.parametrize(
    ("transformer", "check", "words"),
    [
        (LeaksAcrossRows, "rows_are_independent", "alone become something else"),
        (CountsOtherwiseAlone, "single_rows", "transformed otherwise"),
        (LooksAtTheRowBefore, "rows_are_independent", "in another order"),
        (KeepsLearning, "looks_at_fit_frame_only", "changes after the fit"),
        (SharesState, "looks_at_fit_frame_only", "changes after the fit|given before"),
        (LooksAtOtherColumns, "looks_at_fit_frame_only", "not told to look at"),
        (RoundsWhenSaved, "round_trip", "writes something else"),
        (WritesInfinities, "declares_itself", "infinities"),
        (LeavesCells, "declares_itself", "does not fill every cell"),
        (RepeatsNames, "declares_itself", "repeat a name"),
        (CodesOutside, "declares_itself", r"outside of \[0, levels\)"),
        (GoesByPosition, "finds_columns_by_name", "order of columns"),
        (DoesWithout, "finds_columns_by_name", "does without a column"),
        (TrustsState, "distrusts_saved_state", "raises (KeyError|TypeError)"),
        (WiderThanDeclared, "declares_itself", "of another shape"),
        (OtherTypes, "declares_itself", "of the types"),
        (OutOfOrder, "declares_itself", "do not ascend"),
        (ForgetsTheBlock, "declares_itself", "gives no sparse block"),
        (LeaksInTheBlock, "rows_are_independent", "alone become something else"),
    ],
)
def test_broken_transformer_is_noticed(transformer, check, words):
    with pytest.raises(ContractViolation, match=words):
        run_transformer_check(check, transformer)


def test_transformer_of_nothing_is_noticed():
    class Picky(Length):
        @classmethod
        def fit(cls, frame, columns):
            raise SchemaMismatch("Nothing is good enough. Give something else.")

    with pytest.raises(
        ContractViolation, match=r"'Picky' fails the check 'declares_itself': it takes no kind"
    ):
        check_transformer(Picky)


def test_columns_are_the_same_every_time():
    for kind in ("numeric", "integer", "boolean", "categorical", "datetime", "list", "coordinates", "text"):
        frame = make_columns(kind)
        assert frame.equals(make_columns(kind))
        assert all(series.null_count() > 0 for series in frame.get_columns())
    assert json.dumps(Length.fit(frame, frame.columns).to_dict())
