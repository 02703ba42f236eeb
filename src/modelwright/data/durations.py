"""Spans of time written as text: ``1:23:45``, ``2h 30m``, ``1 day, 2:03:04``, ``PT5M``."""

from __future__ import annotations

import re

import polars as pl

from modelwright.data.text_column import TextColumn, looks_like, numbers_of
from modelwright.data.typed_column import TypedColumn

__all__ = ["parse_durations", "type_duration"]

_CLOCK = r"^([+-]?)(?:(\d+) ?d(?:ays?)?,? +)?(\d+):([0-5]\d)(?::([0-5]\d(?:[.,]\d+)?))?$"
_NOON = r"^(0?[1-9]|1[0-2]):([0-5]\d)(?::([0-5]\d))? ?([ap])\.?m\.?$"
_ISO = (
    r"^([+-]?)p(?:(\d+(?:\.\d+)?)w)?(?:(\d+(?:\.\d+)?)d)?"
    r"(?:t(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?)?$"
)
_UNITS = (
    (r"w|wks?|weeks?", 604800.0),
    (r"d|days?", 86400.0),
    (r"h|hrs?|hours?|std", 3600.0),
    (r"m|mins?|minutes?", 60.0),
    (r"s|secs?|seconds?", 1.0),
)
_PART = r"(\d+(?:\.\d+)?) *(?:{})\b\.?"
# Each unit at most once and in order, so that "5 m 3 m" is no duration.
_COMPOUND = "^([+-]?)" + r"(?:,|and|\s)*".join(f"(?:{_PART.format(words)})?" for words, _ in _UNITS) + "$"
_COMPACT = "^([+-]?)" + r"\s*".join(rf"(?:(\d+(?:\.\d+)?)(?:{words}))?" for words, _ in _UNITS) + "$"
_FORMS = tuple(re.compile(form, re.IGNORECASE) for form in (_CLOCK, _NOON, _ISO, _COMPOUND, _COMPACT))


def parse_durations(text: pl.Series) -> pl.Series:
    """Float64 seconds; null where it is no span of time.

    ``H:MM`` is hours and minutes, ``H:MM:SS`` hours, minutes and seconds; a time with am or pm counts from
    midnight; a bare number is in seconds.

    Examples
    --------
    >>> parse_durations(pl.Series(["1:23:45", "2h 30m", "PT5M", "1 day, 0:00:10", "soon"])).to_list()
    [5025.0, 9000.0, 300.0, 86410.0, None]
    """
    lower = text.alias("values").str.to_lowercase()
    result = lower.cast(pl.Float64, strict=False).fill_nan(None)
    weights = [factor for _, factor in _UNITS]
    for form, scale in ((_CLOCK, (86400.0, 3600.0, 60.0, 1.0)), (_ISO, weights), (_COMPOUND, weights)):
        left = result.is_null() & lower.is_not_null()
        if left.any():
            result = result.zip_with(~left, _weighted(lower, form, tuple(scale)))
    if (result.is_null() & lower.is_not_null()).any():
        result = result.zip_with(result.is_not_null(), _weighted(lower, _COMPACT, tuple(weights)))
        result = result.zip_with(result.is_not_null(), _since_midnight(lower))
    return result


def _weighted(text: pl.Series, form: str, scale: tuple[float, ...]) -> pl.Series:
    """The sum of the parts that a form finds, each times its scale; the first part is the sign."""
    parts = text.str.extract_groups(form).struct
    fields = [parts.field(name).alias("values") for name in parts.fields]
    total = pl.Series("values", [0.0]).new_from_index(0, len(text))
    known = pl.Series("values", [False]).new_from_index(0, len(text))
    for field, factor in zip(fields[1:], scale, strict=True):
        number = field.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        known = known | number.is_not_null()
        total = total + number.fill_null(0.0) * factor
    negative = (fields[0] == "-").fill_null(False)
    return total.zip_with(~negative, -total).zip_with(known, pl.Series("values", [None], pl.Float64))


def _since_midnight(text: pl.Series) -> pl.Series:
    parts = text.str.extract_groups(_NOON).struct
    hour, minute, second, half = (parts.field(name).alias("values") for name in parts.fields)
    hours = hour.cast(pl.Float64, strict=False) % 12 + half.replace_strict(
        {"a": 0.0, "p": 12.0}, default=None, return_dtype=pl.Float64
    )
    seconds = second.cast(pl.Float64, strict=False).fill_null(0.0)
    return hours * 3600 + minute.cast(pl.Float64, strict=False) * 60 + seconds


def _is_duration(value: str) -> bool:
    return any(character.isdigit() for character in value) and any(form.match(value) for form in _FORMS)


def type_duration(column: TextColumn) -> TypedColumn | None:
    """The column as seconds, if nearly all values are spans of time or times of day."""
    if not looks_like(column, _is_duration):
        return None
    example = next(iter(column.real))
    reason = f"spans of time, like {example!r}, in seconds"
    if re.match(r"^\d{1,2}:\d\d$", example):
        reason = f"times like {example!r}, read as hours and minutes, in seconds"
    return numbers_of(column, parse_durations, reason, {"duration": True, "unit": "second"}, 3)
