"""Free text to statistics: how long it is, what characters it is made of, how varied its words are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.plain_text import is_plain, plain_statistics
from modelwright.features.state import read_texts
from modelwright.features.transformer import Transformer, pick

__all__ = ["TextTransformer"]

_TYPES: tuple[type[pl.DataType], ...] = (pl.String, pl.Categorical, pl.Enum)

_TEXT = pl.col("text")
_CHARACTERS = _TEXT.str.len_chars()
_WORDS = _TEXT.str.count_matches(r"\S+")
_LETTERS = _TEXT.str.count_matches(r"\p{L}")


def _share(count: pl.Expr, of: pl.Expr) -> pl.Expr:
    """A share that is 0 for an empty text, and missing only where the text is."""
    return count / pl.max_horizontal(of, pl.when(of.is_not_null()).then(1))


STATISTICS: Mapping[str, pl.Expr] = {
    "length": _CHARACTERS,
    "words": _WORDS,
    "word_length": _share(_TEXT.str.count_matches(r"\S"), _WORDS),
    "unique_words": _share(_TEXT.str.to_lowercase().str.extract_all(r"\S+").list.n_unique(), _WORDS),
    "lines": _TEXT.str.count_matches("\n"),
    "digits": _share(_TEXT.str.count_matches(r"\d"), _CHARACTERS),
    "uppercase": _share(_TEXT.str.count_matches(r"\p{Lu}"), _LETTERS),
    "punctuation": _share(_TEXT.str.count_matches(r"\p{P}"), _CHARACTERS),
    "exclamations": _TEXT.str.count_matches("!", literal=True),
    "questions": _TEXT.str.count_matches("?", literal=True),
    "symbols": _share(_TEXT.str.count_matches(r"\p{S}"), _CHARACTERS),
}
"""Name to expression over the column ``text``. Shares are of characters, for upper case of letters."""


@dataclass(frozen=True)
class TextTransformer(Transformer):
    """Text columns as eleven statistics each; NaN where the text is missing.

    Length in characters, words, mean word length, share of distinct words, line breaks, shares of
    digits, upper-case letters, punctuation and symbols, exclamation and question marks.

    Examples
    --------
    >>> frame = pl.DataFrame({"note": ["Call me! Call 12", None]})
    >>> transformer = TextTransformer.fit(frame, ["note"])
    >>> import numpy as np
    >>> out = np.empty((2, len(transformer.features)), np.float32)
    >>> transformer.transform(frame, out)
    >>> dict(zip([feature.transform for feature in transformer.features], out[0].tolist()))["words"]
    4.0
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    columns: tuple[str, ...]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Nothing to learn; the columns must be there."""
        pick(frame, columns, _TYPES, "text")
        return cls(tuple(columns))

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """The statistics of each column."""
        return tuple(
            FeatureInfo(f"{name}.{statistic}", name, statistic)
            for name in self.columns
            for statistic in STATISTICS
        )

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, features), float32."""
        width = len(STATISTICS)
        expressions = [
            expression.cast(pl.Float32).alias(statistic) for statistic, expression in STATISTICS.items()
        ]
        for position, column in enumerate(pick(frame, self.columns, _TYPES, "text")):
            block = pl.DataFrame([column.cast(pl.String).alias("text")]).select(expressions)
            out[:, position * width : (position + 1) * width] = block.to_numpy()

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool:
        """Fill ``out``, shape (features,), float32, where all texts are plain."""
        texts = [row[name] for name in self.columns]
        if not all(text is None or is_plain(text) for text in texts):
            return False
        missing = [math.nan] * len(STATISTICS)
        out[:] = [each for text in texts for each in (missing if text is None else plain_statistics(text))]
        return True

    def to_dict(self) -> dict[str, Any]:
        """The names of the columns."""
        return {"columns": list(self.columns)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        return cls(read_texts(record, "columns"))
