"""Whether groups come again later: then they cannot be kept apart from what is validated in time."""

from __future__ import annotations

import numpy as np
import polars as pl

__all__ = ["groups_recur"]

_PAST = 1 / 3
_BLOCK = 2 / 15
"""Shares of the rows: what the first of five folds in time learns from, and what it validates."""

_LEFT = 0.1
"""Of the past, the share of rows of other groups below which too little is left to learn from."""


def groups_recur(groups: pl.Series, times: pl.Series) -> bool:
    """Whether nearly every row of the past belongs to a group that is validated next.

    A split in time that also keeps groups apart (see `modelwright.validation.temporal`) leaves such rows
    out of training: the shops of a chain, which sell every day, would leave nothing to learn from.

    Parameters
    ----------
    groups, times : polars Series, shape (rows,)
        Rows without a time or a group are not looked at.

    Examples
    --------
    >>> days = pl.Series(range(60))
    >>> groups_recur(pl.Series(["a", "b"] * 30), days), groups_recur(days // 4, days)
    (True, False)
    """
    rows = (
        pl.DataFrame({"group": groups.alias("group"), "time": times.alias("time")}).drop_nulls().sort("time")
    )
    first, last = int(rows.height * _PAST), int(np.ceil(rows.height * (_PAST + _BLOCK)))
    past, following = rows["group"][:first], rows["group"][first:last]
    if not len(past) or not len(following):
        return False
    left = ~past.is_in(following.unique().to_list())
    return int(left.sum()) < _LEFT * len(past)
