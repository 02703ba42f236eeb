"""A typed column, and how text becomes its values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import Finding, Kind

__all__ = [
    "PREFIX",
    "SPACE",
    "TypedColumn",
    "levels_as_text",
    "lists_of_text",
    "numeric_column",
    "strip_text",
    "without_tokens",
]

EXACT = 2**53
"""Beyond this a float64 does not hold every whole number."""

PREFIX = r"^([A-Za-z]{1,10})[-_ /.:#]?\d+$"
"""An id with a prefix of letters: ``DE-000123``."""

_SMALL = 256
"""Up to so many rows Python is quicker than calling polars for one column."""

# What polars strips, which is Unicode's White_Space; Python's own strip() also takes \x1c to \x1f.
SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True)
class TypedColumn:
    """One column, typed.

    Attributes
    ----------
    kind : Kind
        What its values are.
    values : polars.Series
        Of the one polars type of that kind; null where missing.
    reason : str
        Why, in words.
    parsing : dict
        What `parse_text` needs to read the same text again: ``missing`` (tokens beside the usual ones),
        ``decimal``, ``thousands``, ``symbols``, ``formats``, ``true``, ``false``, ``integer``, ``dtype``;
        ``width`` of codes with leading zeros; ``levels`` (type of the levels that are not text);
        ``unit``, ``factors``, ``currency`` of quantities; ``duration``; ``sentinels`` (numbers that stand for
        missing); ``epoch`` (unit of moments since 1970); ``coordinates``, ``longitude_first``; ``delimiter``
        of lists; ``prefix`` (whether only the letters before the digits of an id are kept); ``merged`` (rare
        spelling to the usual one); ``folds`` (whether new spellings are folded as well); ``known`` (levels or
        items of training, if not too many); ``kept`` (words for missing that are levels); ``order`` of levels
        that are ranges;
        ``declared`` (type the source declared: then no token but an empty cell is missing).
    findings : tuple of Finding
        What was noticed.
    levels : dict or None
        Rows of each level, where text was counted: the statistics need not count again.
    """

    kind: Kind
    values: pl.Series
    reason: str
    parsing: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    levels: dict[str, int] | None = None


def numeric_column(
    name: str,
    values: pl.Series,
    reason: str,
    parsing: dict[str, Any],
    integers: pl.Series | None = None,
) -> TypedColumn:
    """A number column: infinite values become missing and are reported; wide integers stay exact.

    Parameters
    ----------
    name : str
        Of the column, for findings.
    values : polars.Series
        Numbers, perhaps with NaN and infinities.
    reason, parsing
        For the column.
    integers : polars.Series of Int64 or None
        The same values, if all of them are whole.
    """
    if integers is not None and len(integers):
        low, high = integers.min(), integers.max()
        if isinstance(low, int) and isinstance(high, int) and max(-low, high) > EXACT:
            return TypedColumn(Kind.NUMERIC, integers, reason, {**parsing, "dtype": "int64"})
    numbers, infinite = finite_numbers(values)
    findings: tuple[Finding, ...] = ()
    if infinite:
        message = f"{infinite} infinite values in {name!r} are treated as missing."
        findings = (Finding("infinite", "warning", message, name, "", {"rows": infinite}),)
    return TypedColumn(Kind.NUMERIC, numbers, reason, parsing, findings)


def finite_numbers(values: pl.Series) -> tuple[pl.Series, int]:
    """Float64 values with null instead of NaN and infinities, and the number of infinities."""
    numbers = values.cast(pl.Float64)
    # numpy, because a polars expression on one short column costs a hundred times as much.
    array = numbers.to_numpy()
    odd = len(array) - int(np.count_nonzero(np.isfinite(array)))
    if odd == numbers.null_count():
        return numbers, 0
    infinite = int(np.count_nonzero(np.isinf(array)))
    clean = np.where(np.isfinite(array), array, np.nan)
    return pl.Series(numbers.name, clean, nan_to_null=True), infinite


def levels_as_text(series: pl.Series) -> pl.Series:
    """The values as category levels: whole floats print like integers, booleans as True and False.

    Examples
    --------
    >>> levels_as_text(pl.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', None]
    """
    if series.dtype == pl.Float64:
        whole = (series == series.floor()) & (series.abs() < 2**63)
        integers = series.cast(pl.Int64, strict=False).cast(pl.String)
        return integers.zip_with(whole.fill_null(False), series.cast(pl.String))
    if series.dtype == pl.Boolean:
        return series.cast(pl.String).replace({"true": "True", "false": "False"})
    if isinstance(series.dtype, pl.List):
        return lists_of_text(series).list.join(", ")
    return series.cast(pl.String)


def lists_of_text(series: pl.Series) -> pl.Series:
    """``List(String)`` of lists of plain values, without missing items: whole floats print like integers.

    Examples
    --------
    >>> lists_of_text(pl.Series([[1.0, 2.5, None], None])).to_list()
    [['1', '2.5'], None]
    """
    if series.dtype == pl.List(pl.String):
        return series.alias("values").list.drop_nulls()
    item = pl.element()
    text = item.cast(pl.String)
    if series.dtype == pl.List(pl.Float64):
        whole = (item == item.floor()) & (item.abs() < 2**63)
        text = pl.when(whole).then(item.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(text)
    frame = series.alias("values").to_frame()
    return frame.select(
        pl.col("values").list.drop_nulls().list.eval(text).cast(pl.List(pl.String))
    ).to_series()


def without_tokens(text: pl.Series, missing: set[str]) -> pl.Series:
    """The text with missing tokens as nulls."""
    if len(text) <= _SMALL:
        values = [None if value in missing else value for value in text.to_list()]
        return pl.Series(text.name, values, pl.String)
    return text.set(text.is_in(list(missing)), None)


def strip_text(text: pl.Series) -> pl.Series:
    """The text without surrounding space.

    Examples
    --------
    >>> strip_text(pl.Series([" a", None])).to_list()
    ['a', None]
    """
    if len(text) <= _SMALL:
        values = [None if value is None else value.strip(SPACE) for value in text.to_list()]
        return pl.Series(text.name, values, pl.String)
    return text.str.strip_chars()
