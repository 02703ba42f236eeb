"""A text column as the kind that the user named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from modelwright.core import Finding, Kind, OptionError
from modelwright.data.coordinates import parse_coordinates, type_coordinates
from modelwright.data.date_format import guess_main_date_format, parse_dates
from modelwright.data.durations import type_duration
from modelwright.data.number_format import NumberFormat
from modelwright.data.number_meaning import epoch_moments
from modelwright.data.quantities import type_quantity
from modelwright.data.text_column import MOST_TOKENS, TextColumn
from modelwright.data.text_rules import ambiguity, as_boolean, as_numbers, read_dates
from modelwright.data.tokens import BOOLEAN_PAIRS, NUMERIC_MISSING, boolean_words
from modelwright.data.typed_column import TypedColumn
from modelwright.data.value_lists import parse_lists, type_list

__all__ = ["force_kind"]

_SAID = "you said so"
_DELIMITERS = (";", "|", ",")


def force_kind(column: TextColumn, kind: Kind) -> TypedColumn:
    """The column as the user wants it; a minority of unreadable values becomes missing, with a finding.

    Raises
    ------
    OptionError
        If most values cannot be of that kind.
    """
    if kind is Kind.NUMERIC:
        return _numbers(column)
    if kind is Kind.DATETIME:
        return _dates(column)
    if kind is Kind.BOOLEAN:
        return _boolean(column)
    if kind is Kind.COORDINATES:
        return _coordinates(column)
    if kind is Kind.LIST:
        return _list(column)
    parsing: dict[str, Any] = {"missing": sorted(column.missing)}
    if column.real and column.uniques().str.contains(r"^(0|[+-]?[1-9]\d*)$").all():
        parsing["levels"] = "int"
    return TypedColumn(kind, column.words(), _SAID, parsing, levels=column.real)


def _numbers(column: TextColumn) -> TypedColumn:
    if not column.real:
        empty = pl.Series("values", [None] * len(column.text), pl.Float64)
        return TypedColumn(Kind.NUMERIC, empty, _SAID, {"missing": sorted(column.missing)})
    step = max(1, len(column.real) // 500)
    written = [value for value in list(column.real)[::step] if any(map(str.isdecimal, value))]
    style = column.number_format(written) or NumberFormat()
    uniques = column.uniques()
    parsed = style.parse(uniques)
    strange = [
        value for value in uniques.filter(parsed.is_null()).to_list() if value.lower() not in NUMERIC_MISSING
    ]
    if strange:
        disguised = _disguised(column, strange)
        if disguised is not None:
            return disguised
    rows = sum(column.real[value] for value in strange)
    words = [value for value in column.real if value.lower() in NUMERIC_MISSING]
    known = column.rows - sum(column.real[value] for value in words)
    if 2 * rows > known:
        raise _impossible(column, "numeric", strange, rows)
    typed = as_numbers(column, style, parsed, _SAID)
    if typed is None:
        raise _impossible(column, "numeric", list(column.real), column.rows)
    return _told(typed, column, strange)


def _disguised(column: TextColumn, strange: Sequence[str]) -> TypedColumn | None:
    """The column as numbers with a unit or spans of time, words without any digit as missing."""
    words = {level for level in strange if not any(map(str.isdecimal, level))}
    numbers = column.only(level for level in column.real if level not in words)
    rows = sum(column.real[word] for word in words)
    if 2 * rows > column.rows or not numbers.real:
        return None
    typed = type_quantity(numbers) or type_duration(numbers)
    if typed is None:
        return None
    missing = sorted({*typed.parsing["missing"], *list(words)[:MOST_TOKENS]})
    parsing = {**typed.parsing, "missing": missing}
    told = replace(typed, reason=f"{_SAID}; {typed.reason}", parsing=parsing)
    return _told(told, column, [word for word in column.real if word in words])


def _dates(column: TextColumn) -> TypedColumn:
    if not column.real:
        empty = pl.Series("values", [None] * len(column.text), pl.Datetime("us"))
        return TypedColumn(Kind.DATETIME, empty, _SAID, {"formats": [], "missing": sorted(column.missing)})
    dates = read_dates(column) or _since_1970(column) or _main_dates(column)
    return TypedColumn(Kind.DATETIME, dates.values, _SAID, dates.parsing, dates.findings)


def _since_1970(column: TextColumn) -> TypedColumn | None:
    """Whole numbers of nine digits or more count seconds, milli-, micro- or nanoseconds."""
    if not column.uniques().str.contains(r"^-?\d{9,19}$").all():
        return None
    longest = max(len(level.lstrip("-")) for level in column.real)
    unit = "s" if longest <= 11 else "ms" if longest <= 14 else "us" if longest <= 17 else "ns"
    parsing = {"formats": [], "epoch": unit, "missing": sorted(column.missing)}
    values = epoch_moments(column.text.cast(pl.Float64, strict=False), unit)
    return TypedColumn(Kind.DATETIME, values, _SAID, parsing)


def _main_dates(column: TextColumn) -> TypedColumn:
    """Dates in the form that most rows have; what is not so written becomes missing."""
    real = {level: rows for level, rows in column.real.items() if level.lower() not in NUMERIC_MISSING}
    found = guess_main_date_format(real)
    if found is None:
        raise _impossible(column, "datetime", list(real), sum(real.values()))
    uniques = pl.Series(list(real), dtype=pl.String)
    strange = uniques.filter(parse_dates(uniques, found.formats).is_null()).to_list()
    rows = sum(real[level] for level in strange)
    if 2 * rows > sum(real.values()):
        raise _impossible(column, "datetime", strange, rows)
    tolerated = column.missing | (set(column.real) - set(real))
    parsing = {"formats": list(found.formats), "missing": sorted(tolerated) + strange[:MOST_TOKENS]}
    values = parse_dates(column.text, found.formats)
    reason = f"written as {found.formats[0]}"
    typed = TypedColumn(Kind.DATETIME, values, reason, parsing, ambiguity(column, found))
    return _told(typed, column, strange)


def _boolean(column: TextColumn) -> TypedColumn:
    folded = {level.lower() for level in column.real}
    words = boolean_words(folded)
    if words is not None:
        return as_boolean(column, words, _SAID)
    pairs = [*BOOLEAN_PAIRS, ("1", "0"), ("1.0", "0.0")]
    words = boolean_words(folded & {word for pair in pairs for word in pair})
    if words is not None:
        strange = [level for level in column.real if level.lower() not in words[0] | words[1]]
        if 2 * sum(column.real[level] for level in strange) <= column.rows:
            return _told(as_boolean(column, words, _SAID), column, strange)
    for true, false in pairs:
        if folded <= {true, false}:
            return as_boolean(column, (frozenset({true}), frozenset({false})), _SAID)
    if len(folded) <= 2:
        high, low = max(folded, default=""), min(folded, default="")
        words = frozenset({high}), frozenset({low})
        return as_boolean(column, words, f"{_SAID}; {high!r} is read as true")
    unread = {
        pair: sum(rows for level, rows in column.real.items() if level.lower() not in pair)
        for pair in pairs
        if folded >= set(pair)
    }
    best = min(unread, key=lambda pair: unread[pair]) if unread else None
    if best is not None and 2 * unread[best] <= column.rows:
        typed = as_boolean(column, (frozenset({best[0]}), frozenset({best[1]})), _SAID)
        return _told(typed, column, [level for level in column.real if level.lower() not in best])
    raise _impossible(column, "boolean", list(column.real), sum(list(column.real.values())[2:]))


def _coordinates(column: TextColumn) -> TypedColumn:
    typed = type_coordinates(column)
    if typed is not None:
        return replace(typed, reason=f"{_SAID}; {typed.reason}")
    parsing = {"coordinates": True, "missing": sorted(column.missing)}
    read = parse_coordinates(column.uniques(), parsing)
    strange = column.uniques().filter(read.is_null()).to_list()
    rows = sum(column.real[value] for value in strange)
    if 2 * rows > column.rows:
        raise _impossible(column, "coordinates", strange, rows)
    values = parse_coordinates(column.text, parsing)
    parsing["missing"] = sorted(column.missing | set(strange[:MOST_TOKENS]))
    return _told(TypedColumn(Kind.COORDINATES, values, _SAID, parsing), column, strange)


def _list(column: TextColumn) -> TypedColumn:
    typed = type_list(column)
    if typed is not None:
        return replace(typed, reason=f"{_SAID}; {typed.reason}")
    rows = {mark: sum(n for level, n in column.real.items() if mark in level) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: rows[mark])
    parsing = {"delimiter": delimiter, "missing": sorted(column.missing)}
    values = parse_lists(column.text, parsing)
    return TypedColumn(Kind.LIST, values, f"{_SAID}; separated by {delimiter!r}", parsing)


def _told(typed: TypedColumn, column: TextColumn, strange: Sequence[str]) -> TypedColumn:
    """The column with a finding about the values that could not be read as the user wants them."""
    if not strange:
        return typed
    name, rows = column.name, sum(column.real[value] for value in strange)
    shown = ", ".join(map(repr, strange[:3]))
    message = (
        f"{rows} of {column.rows} values of {name!r} {'is' if rows == 1 else 'are'} not {typed.kind} (for "
        f"example {shown}); {'it is' if rows == 1 else 'they are'} treated as missing."
    )
    action = "You set the kind; correct the values, or leave the setting out to keep them."
    evidence = {"rows": rows, "examples": list(strange[:5])}
    finding = Finding("unreadable", "warning", message, name, action, evidence)
    return replace(typed, findings=(*typed.findings, finding))


def _impossible(column: TextColumn, kind: str, examples: Sequence[str], rows: int) -> OptionError:
    return OptionError(
        f"The column {column.name!r} was set to {kind}, but {rows} of its {column.rows} values cannot be "
        f"read so, for example {', '.join(repr(example) for example in examples[:3])}. "
        "Correct the values, or leave the setting out."
    )
