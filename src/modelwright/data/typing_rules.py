"""What the values of each column are, and the reason.

The order of the rules: missing tokens are set aside; then boolean, number, date, numbers in disguise, spans
of time, places, lists, and last the choice between categories, codes that name single rows, and free text. A
rule holds only if *every* value that is not missing obeys it (messy values: nearly every one), so a type
never depends on which rows happened to be looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from modelwright.core import Kind
from modelwright.data.coordinates import named_place, pairs_in_range
from modelwright.data.forced_kind import force_kind
from modelwright.data.number_meaning import find_codes, find_epoch, find_sentinels, notable_reason
from modelwright.data.separators import decide_separators, open_points, report_separators
from modelwright.data.spelled_levels import as_labels, keep_every_word, with_kept_words
from modelwright.data.text_column import TextColumn
from modelwright.data.text_rules import CODE, count_levels, type_text
from modelwright.data.typed_column import EXACT, TypedColumn, levels_as_text, lists_of_text, numeric_column

__all__ = ["TypingOptions", "type_columns"]


@dataclass(frozen=True)
class TypingOptions:
    """How columns are typed.

    Attributes
    ----------
    forced : mapping of str to Kind
        What the user said.
    decimal_comma : bool
        Whether ``1,234`` is 1.234 where the values leave it open.
    messy : bool
        Whether to look for numbers in disguise, marks for missing, codes, spans of time, places, lists and
        misspelled levels.
    protected : collection of str
        Targets, groups and weights: their values are read, but never merged, taken apart or made missing.
    labels : collection of str
        Targets that may be classes: their labels stay as they are written.
    classification : bool
        Whether classes were asked for.
    """

    forced: Mapping[str, Kind] = field(default_factory=dict)
    decimal_comma: bool = False
    messy: bool = True
    protected: Collection[str] = ()
    labels: Collection[str] = ()
    classification: bool = False


def type_columns(frame: pl.DataFrame, options: TypingOptions | None = None) -> dict[str, TypedColumn]:
    """Type every column of a frame of plain columns (see `frame_values`).

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of type String, Categorical, Int64, Float64, Boolean, Datetime, List or Null.
    options : TypingOptions or None
        None infers everything.

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
    options = options or TypingOptions()
    # Polars takes a name like ^a.*$ for a pattern, even in methods of a series that bears it.
    plain = frame.clone()
    plain.columns = [f"c{position}" for position in range(frame.width)]
    texts = [series.name for series in plain.get_columns() if series.dtype == pl.String]
    # One call for all columns: polars takes as long to begin as it needs for a thousand short strings.
    stripped = plain.select(pl.col(texts).str.strip_chars()) if texts else pl.DataFrame()
    said = {f"c{position}": options.forced.get(name) for position, name in enumerate(frame.columns)}
    names = dict(zip(plain.columns, frame.columns, strict=True))
    quick = _plain_numbers(stripped, names, said)
    if options.decimal_comma:
        for key in open_points([stripped[key] for key in quick if "integer" not in quick[key].parsing]):
            del quick[key]
    texts_of = {
        key: count_levels(names[key], stripped[key], options.decimal_comma)
        for key in texts
        if key not in quick
    }
    points = any("integer" not in column.parsing for column in quick.values())
    how = decide_separators(texts_of, points, options.decimal_comma)
    typed = {}
    for name, series in zip(frame.columns, plain.get_columns(), strict=True):
        key, forced = series.name, said[series.name]
        if key in quick:
            column = quick[key]
        elif series.dtype == pl.String:
            marks = how[key]
            counted = replace(
                texts_of.pop(key), decimal_comma=marks.decimal_comma, point_groups=marks.point_groups
            )
            column = _type_text(counted, forced, options)
            if marks.doubtful and column.kind is Kind.NUMERIC:
                found = report_separators(name, column, marks, counted)
                column = replace(column, findings=(*column.findings, *found))
        else:
            column = _type_declared(name, series, forced, options)
        if forced is None and column.kind is Kind.NUMERIC and options.messy:
            column = _refine(name, column, name in options.protected)
        typed[name] = replace(column, values=column.values.alias(name))
    return typed


def _type_text(column: TextColumn, forced: Kind | None, options: TypingOptions) -> TypedColumn:
    """A text column as the user says, or by the rules; a target keeps its labels."""
    if forced is Kind.CATEGORICAL:
        column, words = keep_every_word(column)
        return with_kept_words(column, force_kind(column, forced), words)
    if forced is not None:
        return force_kind(column, forced)
    typed = type_text(column, options.messy, column.name in options.protected)
    if column.name in options.labels and column.real:
        return as_labels(column, typed, options.classification)
    return typed


def _refine(name: str, column: TypedColumn, protected: bool) -> TypedColumn:
    """What the numbers mean; declared numbers stay numbers."""
    if protected or column.values.null_count() == len(column.values):
        return find_sentinels(name, column, kept=True) if protected else column
    if column.parsing.get("integer") and "declared" not in column.parsing:
        found = find_epoch(name, column) or find_codes(name, column)
        if found is not None:
            return found
    notable = notable_reason(name, column)
    if notable:
        column = replace(column, reason=f"{column.reason}; {notable}")
    return find_sentinels(name, column)


def _plain_numbers(
    text: pl.DataFrame, names: Mapping[str, str], said: Mapping[str, Kind | None]
) -> dict[str, TypedColumn]:
    """The usual case, without counting distinct values: columns in which every value is a plain number."""
    found: dict[str, pl.Series] = {}
    for series in text.get_columns():
        if said[series.name] not in (None, Kind.NUMERIC) or series.null_count() == len(series):
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
    for (key, numbers), code, point in zip(found.items(), codes, points, strict=True):
        column = None
        if not code or said[key] is not None:
            column = _plain_column(names[key], text[key], numbers, bool(point))
        if column is not None and not (said[key] is None and _may_be_dates(numbers)):
            typed[key] = column
    return typed


def _may_be_dates(numbers: pl.Series) -> bool:
    """Whether every number has eight digits, as in 20180131: the distinct values must be looked at."""
    low, high = numbers.min(), numbers.max()
    return isinstance(low, float) and isinstance(high, float) and low >= 10_000_000 and high < 100_000_000


def _plain_column(name: str, text: pl.Series, numbers: pl.Series, point: bool) -> TypedColumn | None:
    """A column of plain numbers; None if they are whole but too long to be held exactly."""
    array = numbers.to_numpy()
    whole = not point and bool(np.all((array == np.floor(array)) | np.isnan(array)))
    if not whole:
        return numeric_column(name, numbers, "every value is a number", {"missing": []})
    parsing: dict[str, Any] = {"missing": [], "integer": True}
    integers = None
    if np.nanmax(np.abs(array)) > EXACT:
        integers = text.cast(pl.Int64, strict=False)
        if integers.null_count() != text.null_count():
            return None
    return numeric_column(name, numbers, "every value is a whole number", parsing, integers)


def _type_declared(name: str, series: pl.Series, forced: Kind | None, options: TypingOptions) -> TypedColumn:
    """A column whose source declares its type, which the user may overrule."""
    natural = _type_native(name, series)
    if forced is None or natural.kind is forced:
        return natural
    if forced is Kind.NUMERIC and natural.kind is Kind.BOOLEAN:
        return TypedColumn(forced, series.cast(pl.Float64), "you said so", {"declared": "Boolean"})
    typed = force_kind(count_levels(name, levels_as_text(series), options.decimal_comma), forced)
    if forced is Kind.CATEGORICAL and natural.kind in (Kind.NUMERIC, Kind.BOOLEAN):
        typed.parsing["levels"] = "bool" if natural.kind is Kind.BOOLEAN else "float"
        if natural.parsing.get("integer"):
            typed.parsing["levels"] = "int"
    return typed


def _type_native(name: str, series: pl.Series) -> TypedColumn:
    """A column whose source declares its type."""
    dtype = series.dtype
    parsing: dict[str, Any] = {"declared": str(dtype)}
    if dtype == pl.Categorical:
        text = series.cast(pl.String)
        return TypedColumn(Kind.CATEGORICAL, text, "declared as a category", {**parsing, "missing": []})
    if dtype == pl.Boolean:
        return TypedColumn(Kind.BOOLEAN, series, "declared as boolean", parsing)
    if dtype == pl.Int64:
        return numeric_column(
            name, series, "declared as a whole number", {**parsing, "integer": True}, series
        )
    if dtype == pl.Float64:
        return numeric_column(name, series, "declared as a number", parsing)
    if dtype == pl.Datetime:
        return TypedColumn(Kind.DATETIME, series, "declared as a date", {**parsing, "formats": []})
    if isinstance(dtype, pl.List):
        return _type_lists(name, series, parsing)
    return TypedColumn(Kind.NUMERIC, series.cast(pl.Float64), "every value is missing", parsing)


def _type_lists(name: str, series: pl.Series, parsing: dict[str, Any]) -> TypedColumn:
    """Lists of two numbers in a column named like a place are places; all others are lists of words."""
    if series.dtype == pl.List(pl.Float64):
        pairs = series.filter(series.list.len() == 2)
        if named_place(name) and len(pairs) == len(series) - series.null_count() > 0:
            latitude, longitude = series.list.get(0), series.list.get(1)
            places = pairs_in_range(latitude, longitude)
            if places.null_count() == series.null_count():
                reason = "declared as pairs of numbers, read as latitude, longitude"
                return TypedColumn(Kind.COORDINATES, places, reason, {**parsing, "coordinates": True})
    return TypedColumn(
        Kind.LIST, lists_of_text(series), "declared as lists", {**parsing, "delimiter": ",", "missing": []}
    )
