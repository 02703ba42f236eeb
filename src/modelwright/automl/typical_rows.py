"""Rows that look like those of training, column by column, made of what a model knows of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from modelwright.automl.explaining import source_column
from modelwright.core import Column, FloatArray, Kind, generator

__all__ = ["typical_rows"]

_EPOCH = datetime(1970, 1, 1)


def typical_rows(
    columns: Sequence[Column], types: Mapping[str, pl.DataType], count: int = 16
) -> pl.DataFrame:
    """Rows whose columns are spread as those of the training table were, each column on its own.

    A bundle holds no training rows, but quantiles of numbers, frequent levels, ranges of dates and some
    examples of texts. Explanations that compare a row with others can do with these. What goes together in
    real rows does not go together here.

    Parameters
    ----------
    columns : sequence of Column
        Of the schema of training.
    types : mapping of str to polars.DataType
        Of each column in a frame.
    count : int, default 16
        Rows.

    Examples
    --------
    >>> age = Column("age", Kind.NUMERIC, statistics={"quantiles": [0, 5, 25, 50, 75, 95, 100],
    ...                                               "minimum": 0.0, "maximum": 100.0})
    >>> sorted(typical_rows([age], {"age": pl.Float64()}, 4)["age"].to_list())
    [12.5, 37.5, 62.5, 87.5]
    """
    found = []
    for column in columns:
        values = _values(column, (np.arange(count) + 0.5) / count)
        rows = float(column.statistics.get("rows") or 0)
        missing = round(count * float(column.statistics.get("missing") or 0) / rows) if rows else 0
        random = generator(0, "typical rows", column.name)
        order, holes = random.permutation(count), set(random.permutation(count)[:missing].tolist())
        mixed = [None if row in holes else values[place] for row, place in enumerate(order.tolist())]
        dtype = types[column.name]
        whole = dtype.is_integer()
        plain = [round(each) if whole and each is not None else each for each in mixed]
        found.append(pl.Series(column.name, plain, dtype, strict=False))
    return pl.DataFrame(found)


def _values(column: Column, points: FloatArray) -> list[Any]:
    """Values at so many places between the lowest and the highest, by the share of rows below them."""
    known, nothing = source_column(column), [None] * len(points)
    if column.kind is Kind.NUMERIC:
        ends = [end for end in (known.minimum, known.maximum) if end is not None]
        quantiles = known.quantiles or tuple(ends)
        if not quantiles:
            return nothing
        numbers = np.interp(points, _levels(len(quantiles)), quantiles)
        return [float(each) for each in (np.rint(numbers) if known.step == 1.0 else numbers)]
    if column.kind is Kind.DATETIME:
        if known.minimum is None or known.maximum is None:
            return nothing
        moments = known.minimum + points * (known.maximum - known.minimum)
        if known.step is not None:
            moments = np.floor(moments / known.step) * known.step
        return [_EPOCH + timedelta(microseconds=moment) for moment in moments.tolist()]
    if column.kind is Kind.COORDINATES:
        return _places(column, points) or nothing
    return _levels_at(column, points) or nothing


def _levels(count: int) -> Sequence[float]:
    from modelwright.data.statistics import QUANTILES

    return QUANTILES if count == len(QUANTILES) else np.linspace(0, 1, count).tolist()


def _places(column: Column, points: FloatArray) -> list[Any]:
    """Places on the way from one corner to the other."""
    low, high = (column.statistics.get(name) for name in ("minimum", "maximum"))
    if not all(isinstance(corner, Sequence) and len(corner) == 2 for corner in (low, high)):
        return []
    corners = np.asarray([low, high], np.float64)
    places: list[Any] = (corners[0] + points[:, None] * (corners[1] - corners[0])).tolist()
    return places


def _levels_at(column: Column, points: FloatArray) -> list[Any]:
    """Levels, flags or items by their frequency; examples of texts one after the other."""
    top = column.statistics.get("top") or [[text, 1] for text in column.statistics.get("examples", ())]
    pairs = [pair for pair in top if isinstance(pair, Sequence) and len(pair) == 2]
    if not pairs:
        return []
    ends = np.cumsum([max(float(rows), 0.0) for _, rows in pairs])
    places = np.minimum(np.searchsorted(ends, points * ends[-1]), len(pairs) - 1)
    levels = [str(pairs[place][0]) for place in places.tolist()]
    if column.kind is Kind.BOOLEAN:
        return [level.casefold() == "true" for level in levels]
    return [[level] for level in levels] if column.kind is Kind.LIST else levels
