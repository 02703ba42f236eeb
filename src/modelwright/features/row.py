"""The view of one row, made without a frame wherever that can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import SparseBlock, View
from modelwright.features.featurizer import Featurizer
from modelwright.features.sparse import side_by_side
from modelwright.features.transformer import Transformer

__all__ = ["RowFeaturizer"]


class RowFeaturizer:
    """Turns one row of plain values into the view that `Featurizer.transform` makes of it, to the last bit.

    Parameters
    ----------
    featurizer : Featurizer
        Fitted.
    types : mapping of str to polars.DataType
        Of each column in a frame: parts that know no quicker way get a frame of their columns.

    Examples
    --------
    >>> from modelwright.core import Column, Kind, Schema
    >>> frame = pl.DataFrame({"age": [31.0, None], "plan": ["basic", "pro"]})
    >>> schema = Schema((Column("age", Kind.NUMERIC), Column("plan", Kind.CATEGORICAL)))
    >>> row = RowFeaturizer(Featurizer.fit(frame, schema), dict(frame.schema))
    >>> view = row.transform({"age": 7.0, "plan": "pro"})
    >>> view.numeric.tolist(), view.categorical.tolist()
    ([[7.0]], [[2]])
    """

    def __init__(self, featurizer: Featurizer, types: Mapping[str, pl.DataType]) -> None:
        self._featurizer = featurizer
        self._types = types
        self._info = featurizer.info
        self._places = featurizer.places

    def transform(self, row: Mapping[str, Any]) -> View:
        """The view of a row that holds at least the feature columns.

        Parameters
        ----------
        row : mapping of str to object
            Column to float, int, str, bool, naive datetime or list, by its kind; None where missing.

        Returns
        -------
        View
            Of one row, C-ordered.
        """
        numeric = np.empty((1, len(self._info.numeric)), np.float32)
        categorical = np.empty((1, len(self._info.categorical)), np.int32)
        blocks: dict[str, NDArray[Any]] = {"numeric": numeric, "categorical": categorical}
        sparse: list[SparseBlock] = []
        for part, place in self._places:
            out = blocks[part.block][:, place]
            if not isinstance(part, Transformer):
                part.transform(self._frame(row, tuple(row)), out)
                continue
            found = part.transform_row(row, out[0]) or part.transform(self._frame(row, part.columns), out)
            if isinstance(found, SparseBlock):
                sparse.append(found)
        return View(numeric, categorical, self._info, side_by_side(sparse))

    def _frame(self, row: Mapping[str, Any], names: tuple[str, ...]) -> pl.DataFrame:
        return pl.DataFrame([pl.Series(name, [row[name]], self._types[name]) for name in names])
