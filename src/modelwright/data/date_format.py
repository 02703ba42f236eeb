"""How dates and times are written in a text column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

__all__ = ["DateFormat", "accepted_formats", "guess_date_format", "guess_main_date_format", "parse_dates"]

EARLIEST, LATEST = 1600, 2200
"""Years outside are taken as a sign that the values are no dates."""

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
_ZONES = (" %H:%M%z", " %H:%M:%S%z", " %H:%M:%S%.f%z", " %H:%M:%S %z", " %H:%M:%S%.f %z")
_TIME = (
    r"(?P<time>[ T]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?"
    r"(?P<zone> ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
)
_MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"

_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}-\d{1,2}-\d{1,2}" + _TIME, ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}" + _TIME, ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}" + _TIME, ("%Y.%m.%d",)),
    (r"\d{1,2}/\d{1,2}/\d{4}" + _TIME, ("%m/%d/%Y", "%d/%m/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}" + _TIME, ("%m-%d-%Y", "%d-%m-%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}" + _TIME, ("%d.%m.%Y", "%m.%d.%Y")),
    (r"\d{1,2}/\d{1,2}/\d{2}" + _TIME, ("%m/%d/%y", "%d/%m/%y")),
    (r"\d{1,2}\.\d{1,2}\.\d{2}" + _TIME, ("%d.%m.%y", "%m.%d.%y")),
    (r"\d{1,2}-\d{1,2}-\d{2}" + _TIME, ("%m-%d-%y", "%d-%m-%y")),
    (r"\d{1,2} " + _MONTH + r" \d{4}" + _TIME, ("%d %B %Y",)),
    (r"\d{1,2}-" + _MONTH + r"-\d{4}" + _TIME, ("%d-%B-%Y",)),
    (r"\d{1,2}-" + _MONTH + r"-\d{2}", ("%d-%B-%y",)),
    (_MONTH + r" \d{1,2}, \d{4}" + _TIME, ("%B %d, %Y",)),
    (_MONTH + r" \d{1,2} \d{4}" + _TIME, ("%B %d %Y",)),
    (_MONTH + r"-\d{4}", ("%B-%Y",)),
    (_MONTH + r" \d{4}", ("%B %Y",)),
    (_MONTH + r"/\d{4}", ("%B/%Y",)),
    (_MONTH + r"-\d{2}", ("%B-%y",)),
    (r"\d{4}-\d{1,2}", ("%Y-%m",)),
    (r"\d{4}/\d{1,2}", ("%Y/%m",)),
    (r"\d{1,2}/\d{4}", ("%m/%Y",)),
    (r"\d{8}", ("%Y%m%d", "%m%d%Y", "%d%m%Y")),
    (r"\d{4}", ("%Y",)),
)
_WEEKDAY = r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +"
_ORDINAL = r"(?i)(\d)(?:st|nd|rd|th)\b"
_MANY = 5000
"""Distinct values that are looked at where several forms are mixed."""

_COMPILED = tuple((re.compile(pattern), dates) for pattern, dates in _SHAPES)


@dataclass(frozen=True)
class DateFormat:
    """How dates are written.

    Attributes
    ----------
    formats : tuple of str
        Formats of chrono (as polars reads them), tried in this order.
    ambiguous : bool
        Whether another order of day and month would read every value as well.
    """

    formats: tuple[str, ...]
    ambiguous: bool = False


def parse_dates(text: pl.Series, formats: Sequence[str]) -> pl.Series:
    """``Datetime("us")`` without time zone (UTC if the text has one); null where no format fits.

    Examples
    --------
    >>> parse_dates(pl.Series(["Feb-2019", "no"]), ["%B-%Y"]).to_list()
    [datetime.datetime(2019, 2, 1, 0, 0), None]
    """
    result = pl.Series(text.name, [None] * len(text), pl.Datetime("us"))
    for style in formats:
        left = result.is_null() & text.is_not_null()
        if not left.any():
            break
        result = result.zip_with(~left, _parse(text, style))
    return result


def _parse(text: pl.Series, style: str) -> pl.Series:
    if "T" in style or "%H" in style or "%I" in style:
        text = text.str.replace(r"(\d)T+(\d)", "$1 $2")
    if "%B" in style:
        # chrono knows neither "31st", nor "Sept.", nor a weekday before the date.
        text = text.str.replace(_WEEKDAY, "").str.replace(_ORDINAL, "$1")
        text = text.str.replace(r"(?i)\bsept?\b\.?", "Sep").str.replace(r"([A-Za-z])\.", "$1")
    if style.endswith("%z"):
        text = text.str.replace(r" ?(Z|UTC|GMT)$", "+00:00")
    if style == "%Y":
        text, style = text + "-01", "%Y-%m"
    if "%d" not in style:
        # chrono needs a day; a month stands for its first.
        text, style = "01 " + text, "%d " + style
    values = text.str.to_datetime(style, strict=False, time_unit="us", ambiguous="earliest")
    if values.dtype.time_zone is not None:  # type: ignore[attr-defined]
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    values = values.cast(pl.Datetime("us"))
    return values.set(~values.dt.year().is_between(EARLIEST, LATEST), None)


def accepted_formats(formats: Sequence[str]) -> list[str]:
    """What new values may be written in: the formats of training, with any time of day, and ISO 8601.

    None of them depends on other values, and the order of day and month is that of training. Dates that came
    typed have no formats; for them ISO dates without hyphens are accepted as well.

    Examples
    --------
    >>> text = pl.Series(["31/01/2018", "31/01/2018 10:00", "2018-01-31", "01/31/2018"])
    >>> [day.day if day else None for day in parse_dates(text, accepted_formats(["%d/%m/%Y"]))]
    [31, 31, 31, None]
    """
    dates = list(dict.fromkeys(re.split(r" %[HI]", style)[0] for style in formats))
    dates = [date for date in dates if "%d" in date]
    iso = [date for date in ("%Y-%m-%d", "%Y/%m/%d") if date not in dates]
    timed = [date + time for date in (*dates, *iso) for time in (*_TIMES, *_ZONES)]
    return list(dict.fromkeys([*formats, *timed, *([] if formats else ["%Y%m%d"])]))


def guess_date_format(values: Sequence[str]) -> DateFormat | None:
    """The format that reads all of some distinct values, or None; several if forms are mixed.

    The order of day and month is decided by all values: if one order reads every value and the other
    does not, it is that one; if both do, month first for ``/`` and ``-``, day first for ``.``.

    Parameters
    ----------
    values : sequence of str
        Distinct values without surrounding space.

    Examples
    --------
    >>> guess_date_format(["03/14/2020", "01/02/2020"]).formats
    ('%m/%d/%Y',)
    >>> guess_date_format(["red", "blue"]) is None
    True
    """
    dates = _shape(values[0])[0] if values else None
    if dates is None:
        return None
    shapes = [_shape(value) for value in values[:: max(1, len(values) // 20)][:20]]
    if any(shape[0] is None for shape in shapes):
        return None
    if any(shape[0] != dates for shape in shapes):
        return _mixed(values)
    if dates == ("%Y",):
        return None
    if dates[0] == "%Y%m%d" and len(values) < 3:
        return None
    zoned = any(shape[1] for shape in shapes)
    text = pl.Series(values, dtype=pl.String)
    fitting = [found for found in (_fit(text, date, zoned) for date in dates) if found is not None]
    return DateFormat(fitting[0], len(fitting) > 1) if fitting else _mixed(values)


def _mixed(values: Sequence[str]) -> DateFormat | None:
    """Formats that together read all values, which are written in several forms.

    Where a form can be read with the day or the month first, another form of the column that cannot decides.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    zoned = False
    for value in values[:: max(1, len(values) // _MANY)]:
        dates, zone = _shape(value)
        if dates is None or dates[0] == "%Y%m%d":
            return None
        zoned = zoned or zone
        groups.setdefault(dates, []).append(value)
    if len(groups) < 2:
        return None
    found: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for dates, members in groups.items():
        text = pl.Series(members, dtype=pl.String)
        for date in dates:
            fitting = _fit(text, date, zoned)
            if fitting is not None:
                found.setdefault(dates, []).append((date, fitting))
        if dates not in found:
            return None
    numeric = [fits for fits in found.values() if fits[0][0][1] in "dm"]
    decided = {fits[0][0][:2] for fits in numeric if len(fits) == 1 and "%B" not in fits[0][0]}
    order = next(iter(decided)) if len(decided) == 1 else None
    ambiguous = any(len(fits) > 1 for fits in numeric) and order is None
    used: list[str] = []
    for dates in sorted(groups, key=lambda dates: -len(groups[dates])):
        choices = found[dates]
        used.extend(next((formats for date, formats in choices if date[:2] == order), choices[0][1]))
    formats = tuple(dict.fromkeys(used))
    unread = parse_dates(pl.Series(values, dtype=pl.String), formats).null_count()
    return None if unread else DateFormat(formats, ambiguous)


def _shape(value: str) -> tuple[tuple[str, ...] | None, bool]:
    """The date formats that a value looks like, and whether it has a time zone."""
    if len(value) > 40 or not any(character.isdigit() for character in value):
        return None, False
    if any(map(str.isalpha, value)):
        value = re.sub(_ORDINAL, r"\1", re.sub(_WEEKDAY, "", value))
    for pattern, dates in _COMPILED:
        match = pattern.fullmatch(value)
        if match:
            return dates, bool(match.groupdict().get("zone"))
    return None, False


def guess_main_date_format(levels: Mapping[str, int]) -> DateFormat | None:
    """The format that reads most rows, where some values are no dates; None if there is no date.

    Parameters
    ----------
    levels : mapping of str to int
        Distinct values without surrounding space, and their rows.

    Examples
    --------
    >>> guess_main_date_format({"2020-01-31": 5, "soon": 2}).formats
    ('%Y-%m-%d',)
    """
    found = guess_date_format([value for value in levels if _shape(value)[0] is not None])
    if found is not None:
        return found
    shapes = {value: _shape(value) for value in list(levels)[:: max(1, len(levels) // 1000)]}
    rows: Counter[tuple[str, ...]] = Counter()
    for value, (dates, _) in shapes.items():
        if dates is not None:
            rows[dates] += levels[value]
    if not rows:
        return None
    main = rows.most_common(1)[0][0]
    zoned = any(zone for dates, zone in shapes.values() if dates == main)
    text = pl.Series(list(levels), dtype=pl.String)
    best: DateFormat | None = None
    most = 0
    for date in main:
        used, left = _read(text, date, zoned)
        read = sum(levels.values()) - sum(levels[value] for value in left.to_list())
        if read > most:
            best, most = DateFormat(used), read
        elif best is not None and read == most:
            best = DateFormat(best.formats, ambiguous=True)
    return best


def _fit(values: pl.Series, date: str, zoned: bool) -> tuple[str, ...] | None:
    """The formats (a date with several forms of time) that together read every value, or None."""
    used, left = _read(values, date, zoned)
    return None if len(left) else used


def _read(values: pl.Series, date: str, zoned: bool) -> tuple[tuple[str, ...], pl.Series]:
    """The formats of a date that read some of the values, and the values that none reads."""
    used: list[str] = []
    left = values
    for time in (*_ZONES, *_TIMES) if zoned else (*_TIMES, *_ZONES):
        if not len(left) or (time and "%d" not in date):
            break
        read = _parse(left, date + time)
        if read.null_count() < len(left):
            used.append(date + time)
            left = left.filter(read.is_null())
    return tuple(used), left
