"""What the values of each column are, and the reason.

The order of the rules: missing tokens are set aside; then boolean, number, date, and last the choice
between categories, codes that name single rows, and free text. A rule holds only if *every* value that is
not missing obeys it, so a type never depends on which rows happened to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import Kind
from modelwright.data.text_rules import CODE, type_text
from modelwright.data.typed_column import EXACT, TypedColumn, levels_as_text, numeric_column

__all__ = ["type_columns"]


def type_columns(
    frame: pl.DataFrame, forced: Mapping[str, Kind] | None = None, decimal_comma: bool = False
) -> dict[str, TypedColumn]:
    """Type every column of a frame of plain columns (see `frame_values`).

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of type String, Categorical, Int64, Float64, Boolean, Datetime or Null.
    forced : mapping of str to Kind or None
        What the user said.
    decimal_comma : bool
        Whether ``1,234`` is 1.234 where the values leave it open.

    Raises
    ------
    OptionError
        If the values of a column cannot be of the forced kind.

    Examples
    --------
    >>> typed = type_columns(pl.DataFrame({"x": ["1", "2.5", "NA"], "y": ["no", "yes", "no"]}))
    >>> [(str(column.kind), column.values.to_list()) for column in typed.values()]
    [('numeric', [1.0, 2.5, None]), ('boolean', [False, True, False])]
    """
    forced = forced or {}
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    # One call for all columns: polars takes as long to begin as it needs for a thousand short strings.
    stripped = frame.select(pl.col(texts).str.strip_chars()) if texts else pl.DataFrame()
    quick = _plain_numbers(stripped, forced)
    typed = {}
    for series in frame.get_columns():
        name = series.name
        if name in quick:
            typed[name] = quick[name]
        elif series.dtype == pl.String:
            typed[name] = type_text(stripped[name], forced.get(name), decimal_comma)
        else:
            typed[name] = _type_declared(series, forced.get(name), decimal_comma)
    return typed


def _plain_numbers(text: pl.DataFrame, forced: Mapping[str, Kind]) -> dict[str, TypedColumn]:
    """The usual case, without counting distinct values: columns in which every value is a plain number."""
    found: dict[str, pl.Series] = {}
    for series in text.get_columns():
        if forced.get(series.name, Kind.NUMERIC) is not Kind.NUMERIC or series.null_count() == len(series):
            continue
        head = series.head(100)
        if head.cast(pl.Float64, strict=False).null_count() == len(head) > head.null_count():
            continue
        numbers = series.cast(pl.Float64, strict=False)
        if numbers.null_count() == series.null_count():
            array = numbers.to_numpy()
            if np.count_nonzero(np.isfinite(array)) == len(array) - numbers.null_count():
                found[series.name] = numbers
    if not found:
        return {}
    codes = text.select(pl.col(list(found)).str.contains(CODE).any()).row(0)
    points = text.select(pl.col(list(found)).str.contains(".", literal=True).any()).row(0)
    typed = {}
    for (name, numbers), code, point in zip(found.items(), codes, points, strict=True):
        column = None if code and name not in forced else _plain_column(text[name], numbers, bool(point))
        if column is not None and not (name not in forced and _may_be_dates(numbers)):
            typed[name] = column
    return typed


def _may_be_dates(numbers: pl.Series) -> bool:
    """Whether every number has eight digits, as in 20180131: the distinct values must be looked at."""
    low, high = numbers.min(), numbers.max()
    return isinstance(low, float) and isinstance(high, float) and low >= 10_000_000 and high < 100_000_000


def _plain_column(text: pl.Series, numbers: pl.Series, point: bool) -> TypedColumn | None:
    """A column of plain numbers; None if they are whole but too long to be held exactly."""
    array = numbers.to_numpy()
    whole = not point and bool(np.all((array == np.floor(array)) | np.isnan(array)))
    if not whole:
        return numeric_column(numbers, "every value is a number", {"missing": []})
    parsing: dict[str, Any] = {"missing": [], "integer": True}
    integers = None
    if np.nanmax(np.abs(array)) > EXACT:
        integers = text.cast(pl.Int64, strict=False)
        if integers.null_count() != text.null_count():
            return None
    return numeric_column(numbers, "every value is a whole number", parsing, integers)


def _type_declared(series: pl.Series, forced: Kind | None, decimal_comma: bool) -> TypedColumn:
    """A column whose source declares its type, which the user may overrule."""
    natural = _type_native(series)
    if forced is None or natural.kind is forced:
        return natural
    if forced is Kind.NUMERIC and natural.kind is Kind.BOOLEAN:
        return TypedColumn(forced, series.cast(pl.Float64), "you said so", {"declared": "Boolean"})
    typed = type_text(levels_as_text(series), forced, decimal_comma)
    if forced is Kind.CATEGORICAL and natural.kind in (Kind.NUMERIC, Kind.BOOLEAN):
        typed.parsing["levels"] = "bool" if natural.kind is Kind.BOOLEAN else "float"
        if natural.parsing.get("integer"):
            typed.parsing["levels"] = "int"
    return typed


def _type_native(series: pl.Series) -> TypedColumn:
    """A column whose source declares its type."""
    dtype = series.dtype
    parsing: dict[str, Any] = {"declared": str(dtype)}
    if dtype == pl.Categorical:
        text = series.cast(pl.String)
        return TypedColumn(Kind.CATEGORICAL, text, "declared as a category", {**parsing, "missing": []})
    if dtype == pl.Boolean:
        return TypedColumn(Kind.BOOLEAN, series, "declared as boolean", parsing)
    if dtype == pl.Int64:
        return numeric_column(series, "declared as a whole number", {**parsing, "integer": True}, series)
    if dtype == pl.Float64:
        return numeric_column(series, "declared as a number", parsing)
    if dtype == pl.Datetime:
        return TypedColumn(Kind.DATETIME, series, "declared as a date", {**parsing, "formats": []})
    return TypedColumn(Kind.NUMERIC, series.cast(pl.Float64), "every value is missing", parsing)
