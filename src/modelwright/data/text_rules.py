"""What the text of one column is, once its distinct values have been counted."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from modelwright.core import Finding, Kind, OptionError
from modelwright.data.date_format import DateFormat, guess_date_format, guess_main_date_format, parse_dates
from modelwright.data.number_format import NumberFormat, guess_number_format
from modelwright.data.tokens import BOOLEAN_PAIRS, INFINITE, NUMERIC_MISSING, missing_tokens
from modelwright.data.typed_column import TypedColumn, numeric_column, parse_text

__all__ = ["type_text"]

CODE = r"^[+-]?0\d+$"
"""A number that begins with a zero is a code: 00123 must not become 123."""


MANY = 20
"""With fewer different values text is categories, whatever it looks like."""

MOST_TOKENS = 100
"""The most frequent unreadable values that are recorded as missing; others are told at prediction time."""

_NO_NUMBER = NUMERIC_MISSING | INFINITE


def type_text(text: pl.Series, forced: Kind | None, decimal_comma: bool) -> TypedColumn:
    """Type a text column (stripped of surrounding space) by counting its distinct values.

    Raises
    ------
    OptionError
        If the values cannot be of the forced kind.

    Examples
    --------
    >>> type_text(pl.Series("zip", ["00123", "04567"]), None, False).reason
    'codes: digits with leading zeros'
    """
    # Equal counts come in any order from polars; the level decides, so that the result repeats.
    rows = [row for row in text.value_counts(name="__rows__").rows() if row[0] is not None]
    levels: dict[str, int] = dict(sorted(rows, key=lambda row: (-row[1], row[0])))
    missing = missing_tokens(levels)
    real = {level: count for level, count in levels.items() if level not in missing}
    column = _TextColumn(text, missing, real, decimal_comma)
    if forced is not None:
        return _force(column, forced)
    if not real:
        return TypedColumn(Kind.NUMERIC, _nulls(text), "every value is missing", {"missing": sorted(missing)})
    return _boolean(column) or _compact_date(column) or _number(column) or _date(column) or _words(column)


@dataclass(frozen=True)
class _TextColumn:
    """A text column while it is being typed: distinct values with their rows, most frequent first."""

    text: pl.Series
    missing: set[str]
    real: dict[str, int]
    decimal_comma: bool

    @property
    def name(self) -> str:
        return self.text.name

    @property
    def rows(self) -> int:
        """Rows that are not missing."""
        return sum(self.real.values())

    def uniques(self) -> pl.Series:
        """The distinct values that are not missing."""
        return pl.Series(self.name, list(self.real), pl.String)

    def words(self) -> pl.Series:
        """The text with missing tokens as nulls."""
        if not self.missing:
            return self.text
        return parse_text(self.text, Kind.CATEGORICAL, {"missing": sorted(self.missing)})


def _nulls(text: pl.Series) -> pl.Series:
    return pl.Series(text.name, [None] * len(text), pl.Float64)


def _boolean(column: _TextColumn) -> TypedColumn | None:
    folded = {level.lower() for level in column.real}
    for true, false in BOOLEAN_PAIRS:
        if folded == {true, false}:
            return _as_boolean(column, (true, false), f"two values, {true} and {false}")
    return None


def _as_boolean(column: _TextColumn, pair: tuple[str, str], reason: str) -> TypedColumn:
    strange = [level for level in column.real if level.lower() not in pair]
    parsing = {
        "true": [level for level in column.real if level.lower() == pair[0]],
        "false": [level for level in column.real if level.lower() == pair[1] != pair[0]],
        "missing": sorted(column.missing) + strange[:MOST_TOKENS],
    }
    values = parse_text(column.text, Kind.BOOLEAN, parsing)
    return _told(TypedColumn(Kind.BOOLEAN, values, reason, parsing), column, strange)


def _number(column: _TextColumn, forced: bool = False) -> TypedColumn | None:
    step = max(1, len(column.real) // 500)
    written = [value for value in list(column.real)[::step] if value.lower() not in _NO_NUMBER]
    if forced:
        written = [value for value in written if any(map(str.isdecimal, value))]
    style = guess_number_format(written, column.decimal_comma) if written else None
    if style is None:
        if not forced:
            return None
        style = NumberFormat()
    uniques = column.uniques()
    parsed = style.parse(uniques)
    failing = uniques.filter(parsed.is_null()).to_list()
    strange = [value for value in failing if value.lower() not in NUMERIC_MISSING]
    if len(failing) == len(uniques) and not forced:
        return None
    rows = sum(column.real[value] for value in strange)
    typos = 0 < rows <= 0.01 * column.rows and len(strange) <= 3 and len(uniques) - len(failing) >= 20
    known = column.rows - sum(column.real[value] for value in failing if value not in strange)
    if forced and 2 * rows > known:
        raise _impossible(column, "numeric", strange, rows)
    if strange and not typos and not forced:
        return None
    if not forced and style.is_plain and uniques.str.contains(CODE).any():
        return None
    missing = sorted(column.missing | set(failing))
    recorded = sorted(column.missing | set(failing[:MOST_TOKENS]))
    parsing: dict[str, Any] = {"missing": recorded, **style.to_dict()}
    reason = "you said so" if forced else "every value is a number" + _written(style)
    if failing:
        reason += f", but for {', '.join(map(repr, failing[:3]))} (missing)"
    integers = None
    if style.is_plain and not uniques.str.contains(r"[.eEnN]").filter(parsed.is_not_null()).any():
        integers = column.text.cast(pl.Int64, strict=False)
        parsing["integer"] = True
        if integers.null_count() - column.text.set(column.text.is_in(missing), None).null_count() > 0:
            return None  # too many digits for a number: a code
    typed = numeric_column(style.parse(column.text), reason, parsing, integers)
    if forced:
        return _told(typed, column, strange)
    return typed if not strange else _with_typos(typed, strange, rows)


def _written(style: NumberFormat) -> str:
    parts = []
    if style.decimal == ",":
        parts.append("decimal comma")
    if style.thousands:
        parts.append(f"thousands {style.thousands!r}")
    if style.symbols:
        parts.append(f"with {style.symbols}")
    return f" ({', '.join(parts)})" if parts else ""


def _with_typos(typed: TypedColumn, strange: list[str], rows: int) -> TypedColumn:
    name = typed.values.name
    message = (
        f"{rows} values of {name!r} are not numbers ({', '.join(map(repr, strange[:3]))}) and are treated "
        "as missing, because all others are."
    )
    action = f"Set {name}=categorical to keep them."
    finding = Finding(
        "not_numeric", "warning", message, name, action, {"rows": rows, "examples": strange[:5]}
    )
    return replace(typed, findings=(*typed.findings, finding))


def _date(column: _TextColumn) -> TypedColumn | None:
    tolerated = [value for value in column.real if value.lower() in NUMERIC_MISSING]
    found = guess_date_format([value for value in column.real if value not in tolerated])
    if found is None:
        return None
    missing = sorted(column.missing | set(tolerated))
    parsing: dict[str, Any] = {"formats": list(found.formats), "missing": missing}
    values = parse_dates(column.text, found.formats)
    reason = f"every value is a date written as {found.formats[0]}"
    return TypedColumn(Kind.DATETIME, values, reason, parsing, _ambiguity(column, found))


def _ambiguity(column: _TextColumn, found: DateFormat) -> tuple[Finding, ...]:
    if not found.ambiguous or len(column.real) < 2:
        return ()
    message = (
        f"The dates of {column.name!r} can be read with the day or the month first; they are read as "
        f"{found.formats[0]} (for example {next(iter(column.real))!r})."
    )
    action = "Write the dates as YYYY-MM-DD to be certain."
    return (Finding("ambiguous_date", "warning", message, column.name, action),)


def _compact_date(column: _TextColumn) -> TypedColumn | None:
    """Eight digits that are dates in every row, like 20180131: they would pass for numbers."""
    if not all(len(level) == 8 and level.isdigit() for level in column.real):
        return None
    return _date(column)


def _words(column: _TextColumn) -> TypedColumn:
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
    uniques = column.uniques() if distinct >= MANY and distinct >= 0.2 * rows else None
    if uniques is not None and is_free_text(uniques, rows):
        words = float(_words_per_value(uniques))
        reason = f"free text: {distinct} different values of {words:.1f} words on average"
        return TypedColumn(Kind.TEXT, values, reason, parsing, levels=column.real)
    reason = f"{distinct} different value{'' if distinct == 1 else 's'} in {rows} rows"
    findings = _nearly_numeric(column)
    return TypedColumn(Kind.CATEGORICAL, values, reason, parsing, findings, column.real)


def _nearly_numeric(column: _TextColumn) -> tuple[Finding, ...]:
    """Numbers but for one or two repeated words, which may well be a spelling of "missing"."""
    words = [level for level in column.real if not any(map(str.isdecimal, level))]
    if not 1 <= len(words) <= 2 or min(column.real[word] for word in words) < 2:
        return ()
    rows = sum(column.real[word] for word in words)
    if rows > 0.2 * column.rows or len(column.real) - len(words) < 3:
        return ()
    numbers = [level for level in column.real if level not in words]
    style = guess_number_format(numbers[:: max(1, len(numbers) // 500)], column.decimal_comma)
    uniques = pl.Series(numbers, dtype=pl.String)
    if style is None or style.parse(uniques).null_count() or uniques.str.contains(CODE).any():
        return ()
    message = f"{column.name!r} is nearly numeric: not numbers: {', '.join(map(repr, words))} ({rows} rows)."
    action = f"Kept as categories; --set {shlex.quote(column.name)}=numeric reads them as missing."
    evidence = {"rows": rows, "examples": words}
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


# What the user said -----------------------------------------------------------------------------


def _force(column: _TextColumn, kind: Kind) -> TypedColumn:
    said = "you said so"
    if kind is Kind.NUMERIC:
        if not column.real:
            return TypedColumn(kind, _nulls(column.text), said, {"missing": sorted(column.missing)})
        typed = _number(column, forced=True)
        if typed is None:
            raise _impossible(column, "numeric", list(column.real), column.rows)
        return typed
    if kind is Kind.DATETIME:
        if not column.real:
            empty = pl.Series(column.name, [None] * len(column.text), pl.Datetime("us"))
            return TypedColumn(kind, empty, said, {"formats": [], "missing": sorted(column.missing)})
        dates = _date(column) or _main_dates(column)
        return TypedColumn(kind, dates.values, said, dates.parsing, dates.findings)
    if kind is Kind.BOOLEAN:
        return _force_boolean(column)
    parsing: dict[str, Any] = {"missing": sorted(column.missing)}
    if column.real and column.uniques().str.contains(r"^(0|[+-]?[1-9]\d*)$").all():
        parsing["levels"] = "int"
    return TypedColumn(kind, column.words(), said, parsing, levels=column.real)


def _force_boolean(column: _TextColumn) -> TypedColumn:
    said = "you said so"
    folded = {level.lower() for level in column.real}
    for true, false in (*BOOLEAN_PAIRS, ("1", "0"), ("1.0", "0.0")):
        if folded <= {true, false}:
            return _as_boolean(column, (true, false), said)
    if len(folded) <= 2:
        pair = max(folded), min(folded)
        return _as_boolean(column, pair, f"{said}; {pair[0]!r} is read as true")
    pairs = [pair for pair in (*BOOLEAN_PAIRS, ("1", "0"), ("1.0", "0.0")) if folded >= set(pair)]
    unread = {
        pair: sum(rows for level, rows in column.real.items() if level.lower() not in pair) for pair in pairs
    }
    best = min(pairs, key=lambda each: unread[each]) if pairs else None
    if best is not None and 2 * unread[best] <= column.rows:
        return _as_boolean(column, best, said)
    strange = list(column.real)
    raise _impossible(column, "boolean", strange, sum(list(column.real.values())[2:]))


def _main_dates(column: _TextColumn) -> TypedColumn:
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
    typed = TypedColumn(Kind.DATETIME, values, reason, parsing, _ambiguity(column, found))
    return _told(typed, column, strange)


def _told(typed: TypedColumn, column: _TextColumn, strange: list[str]) -> TypedColumn:
    """The column with a finding about the values that could not be read as the user wants them."""
    if not strange:
        return typed
    name, rows = column.name, sum(column.real[value] for value in strange)
    shown = ", ".join(map(repr, strange[:3]))
    message = (
        f"{rows} of {column.rows} values of {name!r} are not {typed.kind} (for example {shown}); "
        "they are treated as missing."
    )
    action = "You set the kind; correct the values, or leave the setting out to keep them."
    evidence = {"rows": rows, "examples": strange[:5]}
    finding = Finding("unreadable", "warning", message, name, action, evidence)
    return replace(typed, findings=(*typed.findings, finding))


def _impossible(column: _TextColumn, kind: str, examples: Sequence[str], rows: int) -> OptionError:
    return OptionError(
        f"The column {column.name!r} was set to {kind}, but {rows} of its {column.rows} values cannot be "
        f"read so, for example {', '.join(repr(example) for example in examples[:3])}. "
        "Correct the values, or leave the setting out."
    )
