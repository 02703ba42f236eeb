"""Free text to its terms: a sparse block for models that like it so, and a few dense axes for trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo, SparseBlock
from modelwright.features.options import FeatureOptions
from modelwright.features.plain_text import is_plain
from modelwright.features.reduction import fit_axes
from modelwright.features.sparse import as_csr, side_by_side
from modelwright.features.state import (
    damaged,
    pack_array,
    read_int,
    read_mapping,
    read_packed,
    read_record,
    read_texts,
)
from modelwright.features.terms import MAX_TERMS, Vocabulary
from modelwright.features.transformer import Transformer, pick

__all__ = ["TextTerms"]

SAMPLE = 50_000
"""Texts that the vocabulary is chosen from, evenly spaced."""

SAMPLE_CHARACTERS = 40_000_000
"""Characters of that sample: where texts are long, fewer of them are read."""

AXES_SAMPLE = 10_000
"""Texts that the axes are fitted on."""

FEW_TERMS = 2_000
"""What a column gets at least where several texts share the terms."""

MAX_AXES = 64
_TYPES: tuple[type[pl.DataType], ...] = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True, eq=False)
class TermModel:
    """What is kept of one column.

    Attributes
    ----------
    vocabulary : Vocabulary
    axes : float16 array, shape (terms, axes)
    """

    vocabulary: Vocabulary
    axes: NDArray[np.float16]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TermModel) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.vocabulary.words, self.axes.shape))

    @cached_property
    def projection(self) -> NDArray[np.float32]:
        """The axes in the precision of the products."""
        return np.ascontiguousarray(self.axes, np.float32)

    @classmethod
    def fit(cls, texts: pl.Series, limit: int, axes: int, characters: float = SAMPLE_CHARACTERS) -> TermModel:
        """Choose the terms of a column and the axes that tell its texts apart best."""
        known = texts.drop_nulls()
        rows = _spread(known, SAMPLE)
        long = rows.str.len_chars().mean()
        affordable = int(characters / max(1.0, float(long) if isinstance(long, (int, float)) else 1.0))
        rows = _spread(rows, max(1, affordable))
        vocabulary = Vocabulary.fit(rows, len(texts), limit)
        sample = as_csr(vocabulary.weigh(_spread(rows, AXES_SAMPLE)))
        return cls(vocabulary, fit_axes(sample, min(axes, len(rows) // 4)))

    def to_dict(self) -> dict[str, Any]:
        """Terms and axes as JSON values."""
        return {
            "vocabulary": self.vocabulary.to_dict(),
            "axes": pack_array(self.axes),
            "width": self.axes.shape[1],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TermModel:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        vocabulary = Vocabulary.from_dict(read_mapping(record, "vocabulary"))
        width = read_int(record, "width", 0, MAX_AXES)
        return cls(vocabulary, read_packed(record, "axes", np.float16, (vocabulary.size, width)))


@dataclass(frozen=True)
class TextTerms(Transformer):
    """Text columns by their terms: words, pairs of words, and runs of characters, weighted by tf-idf.

    The sparse block has the weights; linear models and naive Bayes learn well from them. The numeric
    block has the same texts on up to 64 axes, for learners that cannot use thousands of columns. At most
    20,000 terms a column (fewer where several text columns share them). Neither looks at the target.

    Examples
    --------
    >>> frame = pl.DataFrame({"note": ["call me", "call now", "me too", "now too", None] * 4})
    >>> transformer = TextTerms.fit(frame, ["note"])
    >>> out = np.empty((20, len(transformer.features)), np.float32)
    >>> block = transformer.transform(frame, out)
    >>> block.rows, transformer.terms("note")[:3], bool(np.isnan(out[4]).all())
    (20, ('call', 'call me', 'call now'), True)
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    kind: ClassVar[str] = "text"
    columns: tuple[str, ...]
    models: Mapping[str, TermModel]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Choose terms and axes of each column; the columns share what all may have."""
        return cls.fit_with(frame, columns, FeatureOptions())

    @classmethod
    def fit_with(cls, frame: pl.DataFrame, columns: Sequence[str], options: FeatureOptions) -> Self:
        """`fit` from no more characters than the options allow."""
        shared = max(1, len(columns))
        limit = max(MAX_TERMS // shared, FEW_TERMS)
        axes = 32 if frame.height < 2_000 else 48 if frame.height < 10_000 else MAX_AXES
        axes = max(8, axes // (1 + (shared - 1) // 2))
        texts = pick(frame, columns, _TYPES, "text")
        characters: float = SAMPLE_CHARACTERS
        if options.text_characters is not None:
            characters = min(characters, options.text_characters / shared)
        models = {
            name: TermModel.fit(series.cast(pl.String), limit, axes, characters)
            for name, series in zip(columns, texts, strict=True)
        }
        return cls(tuple(columns), models)

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """The axes of each column."""
        return tuple(
            FeatureInfo(f"{name}.axis_{axis + 1}", name, "axis")
            for name in self.columns
            for axis in range(self.models[name].axes.shape[1])
        )

    @property
    def sparse_features(self) -> tuple[FeatureInfo, ...]:
        """Words (and pairs), then runs of characters, of each column."""
        return tuple(
            FeatureInfo(f"{name}.{part}", name, part, len(terms))
            for name in self.columns
            for part, terms in (
                ("words", self.models[name].vocabulary.words),
                ("characters", self.models[name].vocabulary.grams),
            )
        )

    def terms(self, column: str) -> tuple[str, ...]:
        """What each column of the sparse block stands for, of one text column."""
        vocabulary = self.models[column].vocabulary
        return (*vocabulary.words, *vocabulary.grams)

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> SparseBlock | None:
        """Fill ``out``, shape (rows, axes), float32, and give the weights of the terms."""
        blocks: list[SparseBlock] = []
        start = 0
        for name, series in zip(self.columns, pick(frame, self.columns, _TYPES, "text"), strict=True):
            model = self.models[name]
            block = model.vocabulary.weigh(series.cast(pl.String))
            part = out[:, start : start + model.axes.shape[1]]
            # A sparse product goes row by row: no row's sum depends on the others.
            part[:] = as_csr(block) @ model.projection
            part[series.is_null().to_numpy()] = np.nan
            start += model.axes.shape[1]
            blocks.append(block)
        return side_by_side(blocks)

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool | SparseBlock:
        """Fill ``out``, shape (axes,), float32, and give the weights, where all texts are plain."""
        if not all(row[name] is None or is_plain(row[name]) for name in self.columns):
            return False
        blocks: list[SparseBlock] = []
        start = 0
        for name in self.columns:
            model, text = self.models[name], row[name]
            block = model.vocabulary.weigh_plain(text)
            part = out[start : start + model.axes.shape[1]]
            products = block.data[:, None] * model.projection[block.indices]
            # cumulated, not summed: a sparse product adds up one after the other, too
            part[:] = np.cumsum(products, axis=0)[-1] if len(products) else 0.0
            if text is None:
                part[:] = np.nan
            start += len(part)
            blocks.append(block)
        return side_by_side(blocks) or True

    def to_dict(self) -> dict[str, Any]:
        """Terms and axes of each column."""
        return {
            "columns": list(self.columns),
            "models": {name: model.to_dict() for name, model in self.models.items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        columns = read_texts(record, "columns")
        models = read_mapping(record, "models")
        if set(models) != set(columns):
            raise damaged("'models'", "about exactly the columns", sorted(models))
        found = {
            name: TermModel.from_dict(read_record(models[name], f"'models'[{name!r}]")) for name in columns
        }
        return cls(columns, found)


def _spread(texts: pl.Series, count: int) -> pl.Series:
    """At most so many texts, evenly spaced."""
    if len(texts) <= count:
        return texts
    return texts.gather(np.linspace(0, len(texts) - 1, count).astype(np.int64))
