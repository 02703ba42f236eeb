"""True and false to 1 and 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import FeatureInfo
from modelwright.features.state import read_texts
from modelwright.features.transformer import Transformer, pick

__all__ = ["BooleanTransformer"]


@dataclass(frozen=True)
class BooleanTransformer(Transformer):
    """Boolean columns as 1 (true), 0 (false) and NaN (missing).

    Examples
    --------
    >>> frame = pl.DataFrame({"member": [True, None, False]})
    >>> transformer = BooleanTransformer.fit(frame, ["member"])
    >>> out = np.empty((3, 1), np.float32)
    >>> transformer.transform(frame, out)
    >>> out[:, 0].tolist()
    [1.0, nan, 0.0]
    """

    block: ClassVar[Literal["numeric", "categorical"]] = "numeric"
    columns: tuple[str, ...]

    @classmethod
    def fit(cls, frame: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Nothing to learn; the columns must be there."""
        pick(frame, columns, (pl.Boolean,), "boolean")
        return cls(tuple(columns))

    @property
    def features(self) -> tuple[FeatureInfo, ...]:
        """One value per column."""
        return tuple(FeatureInfo(name, name, "flag") for name in self.columns)

    def transform(self, frame: pl.DataFrame, out: NDArray[Any]) -> None:
        """Fill ``out``, shape (rows, columns), float32."""
        for position, column in enumerate(pick(frame, self.columns, (pl.Boolean,), "boolean")):
            out[:, position] = column.cast(pl.Float32).to_numpy().astype(np.float32, copy=False)

    def transform_row(self, row: Mapping[str, Any], out: NDArray[Any]) -> bool:
        """Fill ``out``, shape (columns,), float32."""
        values = [row[name] for name in self.columns]
        out[:] = [np.nan if value is None else float(value) for value in values]
        return True

    def to_dict(self) -> dict[str, Any]:
        """The names of the columns."""
        return {"columns": list(self.columns)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        return cls(read_texts(record, "columns"))
