"""What the text of one column is, once its distinct values have been counted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from modelwright.core import Finding, Kind
from modelwright.data.coordinates import type_coordinates
from modelwright.data.date_format import DateFormat, guess_date_format, parse_dates
from modelwright.data.durations import type_duration
from modelwright.data.identifiers import group_in_id, informative_prefix, recognise
from modelwright.data.number_format import NumberFormat
from modelwright.data.parse import parse_text
from modelwright.data.quantities import mixed_units, type_quantity
from modelwright.data.spellings import merged_spellings, range_order, report_spellings
from modelwright.data.text_column import MOST_TOKENS, TextColumn, with_typos
from modelwright.data.tokens import INFINITE, NUMERIC_MISSING, boolean_words, missing_tokens
from modelwright.data.typed_column import PREFIX, TypedColumn, numeric_column
from modelwright.data.value_lists import type_list

__all__ = ["CODE", "as_boolean", "count_levels", "read_dates", "read_numbers", "type_text"]

CODE = r"^[+-]?0\d+$"
"""A number that begins with a zero is a code: 00123 must not become 123."""

MANY = 20
"""With fewer different values text is categories, whatever it looks like."""

_NO_NUMBER = NUMERIC_MISSING | INFINITE
_LONGEST = max(map(len, NUMERIC_MISSING))

MOST_SPELLINGS = 100
"""A column with more different values has more than spellings of yes and no, and of missing."""


def count_levels(name: str, text: pl.Series, decimal_comma: bool) -> TextColumn:
    """A text column (stripped of surrounding space) with its distinct values counted."""
    counts = text.alias("level").drop_nulls().value_counts(name="rows")
    # Equal counts come in any order from polars; the level decides, so that the result repeats.
    counts = counts.sort(["rows", "level"], descending=[True, False])
    levels = dict(zip(counts["level"].to_list(), counts["rows"].to_list(), strict=True))
    missing = missing_tokens(levels)
    for level in missing:
        del levels[level]
    return TextColumn(name, text, missing, levels, decimal_comma)


def type_text(column: TextColumn, messy: bool = True, protected: bool = False) -> TypedColumn:
    """Type a text column.

    Parameters
    ----------
    column : TextColumn
        From `count_levels`.
    messy : bool
        Whether to look for numbers in disguise, spans of time, places, lists and misspelled levels.
    protected : bool
        Whether it is a target, a group or a weight: its values are read, but never merged or taken apart.

    Examples
    --------
    >>> type_text(count_levels("zip", pl.Series(["00123", "04567"]), False)).reason
    'codes: digits with leading zeros'
    """
    if not column.real:
        empty = pl.Series("values", [None] * len(column.text), pl.Float64)
        parsing = {"missing": sorted(column.missing)}
        return TypedColumn(Kind.NUMERIC, empty, "every value is missing", parsing)
    typed = _boolean(column) or _compact_date(column) or read_numbers(column) or read_dates(column)
    if typed is None and messy:
        typed = type_quantity(column) or type_duration(column)
        if typed is None and not protected:
            typed = type_coordinates(column) or type_list(column)
    typed = typed or _words(column, messy, protected)
    return replace(typed, findings=(*typed.findings, *_missing_words(column, typed)))


def _missing_words(column: TextColumn, typed: TypedColumn) -> tuple[Finding, ...]:
    """Which words of the column were read as missing; blank cells go without saying."""
    words = [word for word in sorted(column.missing) if word]
    if typed.kind in (Kind.NUMERIC, Kind.DATETIME):
        words += [word for word in typed.parsing.get("missing", ()) if word.lower() in NUMERIC_MISSING]
    words = [word for word in dict.fromkeys(words) if word]
    if not words:
        return ()
    message = f"In {column.name!r} {', '.join(map(repr, words[:5]))} is read as missing."
    action = ""
    if typed.kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
        action = f"To keep every word: --set {shlex.quote(column.name)}=categorical."
    return (Finding("missing_words", "info", message, column.name, action, {"words": words[:20]}),)


def _boolean(column: TextColumn) -> TypedColumn | None:
    if len(column.real) > MOST_SPELLINGS:
        return None
    tokens = {level for level in column.real if level.lower() in NUMERIC_MISSING - {"unknown", "none"}}
    words = {level.lower() for level in column.real if level not in tokens}
    pair = boolean_words(words)
    if pair is None:
        return None
    known = TextColumn(
        column.name,
        column.text,
        column.missing | tokens,
        {level: rows for level, rows in column.real.items() if level not in tokens},
    )
    shown = [next(iter(sorted(words & side))) for side in pair]
    return as_boolean(known, pair, f"two values, {shown[0]} and {shown[1]}")


def as_boolean(column: TextColumn, words: tuple[frozenset[str], frozenset[str]], reason: str) -> TypedColumn:
    """The column as booleans, by the (small) words for true and for false; others become missing."""
    true, false = words
    strange = [level for level in column.real if level.lower() not in true | false]
    parsing = {
        "true": [level for level in column.real if level.lower() in true],
        "false": [level for level in column.real if level.lower() in false - true],
        "missing": sorted(column.missing) + strange[:MOST_TOKENS],
    }
    return TypedColumn(Kind.BOOLEAN, parse_text(column.text, Kind.BOOLEAN, parsing), reason, parsing)


def read_numbers(column: TextColumn) -> TypedColumn | None:
    """The column as numbers, if nearly all values are; no more than three typos in 1% of the rows."""
    step = max(1, len(column.real) // 500)
    written = [value for value in list(column.real)[::step] if value.lower() not in _NO_NUMBER]
    style = column.number_format(written)
    if style is None:
        return None
    uniques = column.uniques()
    parsed = style.parse(uniques)
    if parsed.null_count() == len(uniques):
        return None
    failing = uniques.filter(parsed.is_null()).to_list()
    strange = [value for value in failing if value.lower() not in NUMERIC_MISSING]
    rows = sum(column.real[value] for value in strange)
    typos = 0 < rows <= 0.01 * column.rows and len(strange) <= 3 and len(uniques) - len(failing) >= 20
    if strange and not typos:
        return None
    if (style.is_plain and uniques.str.contains(CODE).any()) or _half_percent(style, uniques, parsed):
        return None
    reason = "every value is a number" + _written(style)
    typed = as_numbers(column, style, parsed, reason)
    return typed if typed is None else with_typos(typed, column, strange)


def as_numbers(column: TextColumn, style: NumberFormat, parsed: pl.Series, reason: str) -> TypedColumn | None:
    """The column as numbers in a style; None if they are whole but too long to be held exactly."""
    uniques = column.uniques()
    failing = uniques.filter(parsed.is_null()).to_list()
    missing = sorted(column.missing | set(failing))
    recorded = sorted(column.missing | set(failing[:MOST_TOKENS]))
    parsing: dict[str, Any] = {"missing": recorded, **style.to_dict()}
    if failing:
        reason += f", but for {', '.join(map(repr, failing[:3]))} (missing)"
    integers = None
    if style.is_plain and not uniques.str.contains(r"[.eEnN]").filter(parsed.is_not_null()).any():
        integers = column.text.cast(pl.Int64, strict=False)
        parsing["integer"] = True
        if integers.null_count() - column.text.set(column.text.is_in(missing), None).null_count() > 0:
            return None
    return numeric_column(column.name, style.parse(column.text), reason, parsing, integers)


def _half_percent(style: NumberFormat, uniques: pl.Series, parsed: pl.Series) -> bool:
    """Whether some numbers have a percent sign and others, not zero, have none: 12% beside 0.12."""
    if "%" not in style.symbols:
        return False
    without = ~uniques.str.contains("%", literal=True) & parsed.is_not_null()
    return bool((without & (parsed != 0)).any())


def _written(style: NumberFormat) -> str:
    parts = list(style.marks)
    if style.symbols:
        parts.append(f"with {style.symbols}")
    return f" ({', '.join(parts)})" if parts else ""


def read_dates(column: TextColumn) -> TypedColumn | None:
    """The column as dates, if every value is one."""
    # Most dates are longer than any such word: a million of them need not be folded to see that.
    short = column.uniques().filter(column.uniques().str.len_chars() <= _LONGEST)
    tolerated = set(short.filter(short.str.to_lowercase().is_in(list(NUMERIC_MISSING))).to_list())
    found = guess_date_format([value for value in column.real if value not in tolerated])
    if found is None:
        return None
    missing = sorted(column.missing | tolerated)
    parsing: dict[str, Any] = {"formats": list(found.formats), "missing": missing}
    values = parse_dates(column.text, found.formats)
    dates = list(dict.fromkeys(style.split(" %H")[0].split(" %I")[0] for style in found.formats))
    reason = f"every value is a date written as {found.formats[0]}"
    if len(dates) > 1:
        reason = f"every value is a date, written in {len(dates)} ways: {', '.join(dates[:4])}"
    return TypedColumn(Kind.DATETIME, values, reason, parsing, ambiguity(column, found))


def ambiguity(column: TextColumn, found: DateFormat) -> tuple[Finding, ...]:
    """A finding about dates that can be read with the day or the month first."""
    if not found.ambiguous or len(column.real) < 2:
        return ()
    message = (
        f"The dates of {column.name!r} can be read with the day or the month first; they are read as "
        f"{found.formats[0]} (for example {next(iter(column.real))!r})."
    )
    action = "Write the dates as YYYY-MM-DD to be certain."
    return (Finding("ambiguous_date", "warning", message, column.name, action),)


def _compact_date(column: TextColumn) -> TypedColumn | None:
    """Eight digits that are dates in every row, like 20180131: they would pass for numbers."""
    if not all(len(level) == 8 and level.isdigit() for level in column.real):
        return None
    return read_dates(column)


def _words(column: TextColumn, messy: bool, protected: bool) -> TypedColumn:
    """Categories or free text."""
    parsing: dict[str, Any] = {"missing": sorted(column.missing)}
    values = column.words()
    distinct, rows = len(column.real), column.rows
    if all(level.isascii() and level.isdigit() for level in column.real):
        padded = any(level.startswith("0") and len(level) > 1 for level in column.real)
        widths = {len(level) for level in column.real}
        if padded and len(widths) == 1:
            parsing["width"] = widths.pop()
        reason = "codes: digits with leading zeros" if padded else "codes: too many digits for a number"
        return TypedColumn(Kind.CATEGORICAL, values, reason, parsing, levels=column.real)
    named = recognise(column) if messy and distinct >= MANY else ""
    mixed = mixed_units(column)
    prose = distinct >= MANY and distinct >= 0.2 * rows and not named and not mixed
    uniques = column.uniques() if prose else None
    if uniques is not None and is_free_text(uniques, rows):
        words = float(_words_per_value(uniques))
        reason = f"free text: {distinct} different values of {words:.1f} words on average"
        return TypedColumn(Kind.TEXT, values, reason, parsing, levels=column.real)
    reason = f"{distinct} different value{'' if distinct == 1 else 's'} in {rows} rows"
    reason = f"{named}: {reason}" if named else reason
    findings = (*_nearly_numeric(column, messy), *mixed)
    typed = TypedColumn(Kind.CATEGORICAL, values, reason, parsing, findings, column.real)
    if not messy or named:
        return typed
    return _tidy_report(column, typed) if protected else _tidy(column, typed)


def _tidy(column: TextColumn, typed: TypedColumn) -> TypedColumn:
    """Categories whose levels tell more: ids with a prefix, ranges, one word in several spellings."""
    prefixes = informative_prefix(column)
    if prefixes:
        values = typed.values.str.extract(PREFIX, 1)
        shown = ", ".join(map(repr, prefixes[:3])) + (", ..." if len(prefixes) > 3 else "")
        reason = f"ids that begin with one of {len(prefixes)} prefixes ({shown}); the prefix is kept"
        message = f"{column.name!r} holds ids that never repeat, but of {len(prefixes)} prefixes: {shown}."
        action = f"Only the prefix is a feature; to leave it out: --set {shlex.quote(column.name)}=id."
        evidence = {"prefixes": list(prefixes[:20])}
        finding = Finding("id_prefix", "info", message, column.name, action, evidence)
        parsing = {**typed.parsing, "prefix": True}
        return TypedColumn(Kind.CATEGORICAL, values, reason, parsing, (*typed.findings, finding))
    if len(column.real) == column.rows:
        return replace(typed, findings=(*typed.findings, *group_in_id(column)))
    typed = replace(typed, parsing={**typed.parsing, "folds": True})
    order = range_order(column.real)
    if order:
        parsing = {**typed.parsing, "order": order}
        return replace(typed, reason=f"{typed.reason}, ranges in the order of their numbers", parsing=parsing)
    merged = merged_spellings(column.real)
    if not merged:
        return typed
    levels: dict[str, int] = {}
    for level, rows in column.real.items():
        levels[merged.get(level, level)] = levels.get(merged.get(level, level), 0) + rows
    levels = dict(sorted(levels.items(), key=lambda item: (-item[1], item[0])))
    return replace(
        typed,
        values=typed.values.replace(merged),
        reason=f"{len(levels)} different value{'' if len(levels) == 1 else 's'} in {column.rows} rows, "
        f"{len(merged)} other spellings merged",
        parsing={**typed.parsing, "merged": merged},
        findings=(*typed.findings, report_spellings(column.name, column.real, merged, kept=False)),
        levels=levels,
    )


def _tidy_report(column: TextColumn, typed: TypedColumn) -> TypedColumn:
    """What would be merged in another column is only told of a target or a group."""
    merged = merged_spellings(column.real) if len(column.real) < column.rows else {}
    if not merged:
        return typed
    finding = report_spellings(column.name, column.real, merged, kept=True)
    return replace(typed, findings=(*typed.findings, finding))


def _nearly_numeric(column: TextColumn, messy: bool) -> tuple[Finding, ...]:
    """Numbers but for one or two repeated words, which may well be a spelling of "missing"."""
    uniques = column.uniques()
    words = uniques.filter(~uniques.str.contains(r"\p{Nd}")).to_list()
    if not 1 <= len(words) <= 2 or min(column.real[word] for word in words) < 2:
        return ()
    rows = sum(column.real[word] for word in words)
    if rows > 0.2 * column.rows or len(column.real) - len(words) < 3:
        return ()
    numbers = [level for level in column.real if level not in words]
    style = column.number_format(numbers[:: max(1, len(numbers) // 500)])
    uniques = pl.Series(numbers, dtype=pl.String)
    plain = style is not None and not style.parse(uniques).null_count()
    if plain and uniques.str.contains(CODE).any():
        return ()
    if not plain and not (messy and type_quantity(column.only(numbers)) is not None):
        return ()
    message = f"{column.name!r} is nearly numeric: not numbers: {', '.join(map(repr, words))} ({rows} rows)."
    action = f"Kept as categories; --set {shlex.quote(column.name)}=numeric reads them as missing."
    evidence: Mapping[str, Any] = {"rows": rows, "examples": words}
    return (Finding("nearly_numeric", "warning", message, column.name, action, evidence),)


def _words_per_value(uniques: pl.Series) -> float:
    return float((uniques.str.count_matches(r"\s+").mean() or 0) + 1)  # type: ignore[operator]


def is_free_text(uniques: pl.Series, rows: int) -> bool:
    """Whether the distinct values of a column read like sentences or names rather than levels.

    Many different values, mostly letters, and several words each: three or more on average, or more than
    half again one word where most rows have a value of their own.
    """
    distinct = len(uniques)
    if distinct < MANY or distinct < 0.2 * rows:
        return False
    sample = uniques.gather_every(max(1, distinct // 1000))
    length = float(sample.str.len_chars().mean() or 0)  # type: ignore[arg-type]
    letters = float(sample.str.count_matches(r"\p{L}").mean() or 0)  # type: ignore[arg-type]
    if length == 0 or letters < 0.55 * length:
        return False
    words = _words_per_value(sample)
    return words >= 2.5 or (words >= 1.5 and distinct >= 0.4 * rows) or (length >= 60 and words >= 1.5)
