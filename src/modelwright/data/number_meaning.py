"""What a column of plain numbers means: codes, moments since 1970, degrees, years, marks for "missing"."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import Finding, Kind
from modelwright.data.typed_column import TypedColumn, levels_as_text

__all__ = ["find_codes", "find_epoch", "find_sentinels", "name_words", "notable_reason"]

MOST_CODES = 1000
"""The most levels of codes that are made categories."""

ROWS_PER_CODE = 5
"""Rows that each code needs on average."""

_CODES = frozenset(
    {"code", "zip", "zipcode", "postcode", "postal", "region", "browser", "type", "kind"}
    | {"category", "cat", "class", "cluster", "segment", "department", "dept", "store", "shop"}
    | {"branch", "channel", "country", "state", "province", "city", "district", "county"}
    | {"occupation", "profession", "industry", "sector", "brand", "vendor", "supplier"}
    | {"manufacturer", "warehouse", "product", "item", "sku", "plan", "race", "ethnicity"}
    | {"religion", "nationality", "marriage", "marital", "gender", "sex", "species", "breed"}
    | {"colour", "color", "system", "systems", "os", "device", "platform", "carrier", "airline"}
    | {"airport", "station", "terminal", "route", "campaign", "reason", "cause", "method"}
    | {"mode", "status", "id", "ids", "uuid", "key"}
)
_COUNTED = frozenset(
    {"num", "number", "count", "n", "total", "avg", "mean", "sum", "amount", "rate", "ratio"}
    | {"size", "days", "years", "per", "pct"}
)
_MOMENTS = frozenset(
    {"timestamp", "ts", "time", "date", "datetime", "epoch", "unix", "created", "updated"}
    | {"modified", "at", "on", "moment", "when", "posted", "published"}
)
_EPOCHS = (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9))
_FIRST, _LAST = 946_684_800, 2_208_988_800  # 2000-01-01 and 2040-01-01

_ODD = frozenset(
    {-1.0, 2.0**31 - 1, -(2.0**31), 2.0**32 - 1, 1e20, -1e20, 1e30, -1e30, 2.0**63, -(2.0**63)}
    | {float(np.finfo(np.float32).max), float(np.finfo(np.float32).min), float(np.finfo(np.float64).max)}
    | {sign * float(digit * length) for digit in "89" for length in range(2, 13) for sign in (1, -1)}
)
_REPEATED = 3
_OTHERS = 20


def name_words(name: str) -> list[str]:
    """The words of a column name, small.

    Examples
    --------
    >>> name_words("TrafficType"), name_words("zip_code")
    (['traffic', 'type'], ['zip', 'code'])
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z]+", parted) if word]


def find_codes(name: str, column: TypedColumn) -> TypedColumn | None:
    """Whole numbers that only name things, as categories.

    The last word of the name must say so (``Region``, ``zip_code``, ``store_id``), 3 to 1,000 different
    values must stand in 5 rows each on average, none may be negative, and 0 must not be the most frequent:
    that is a count. Two values stay numbers: a split divides them either way.
    """
    words = name_words(name)
    if not words or words[-1] not in _CODES or set(words) & _COUNTED:
        return None
    numbers = column.values.drop_nulls()
    distinct = numbers.n_unique()
    if not 3 <= distinct <= MOST_CODES or len(numbers) < ROWS_PER_CODE * distinct:
        return None
    lowest, usual = numbers.min(), numbers.mode().max()
    if not isinstance(lowest, float) or lowest < 0 or usual == 0:
        return None
    parsing = {"missing": column.parsing.get("missing", []), "levels": "int"}
    reason = f"codes: {distinct} whole numbers, and the name {words[-1]!r} says that they only name things"
    return TypedColumn(Kind.CATEGORICAL, levels_as_text(column.values), reason, parsing)


def find_epoch(name: str, column: TypedColumn) -> TypedColumn | None:
    """Seconds (or milli-, micro-, nanoseconds) since 1970, as dates: all from 2000 to 2039, and so named."""
    if not set(name_words(name)) & _MOMENTS:
        return None
    low, high = column.values.min(), column.values.max()
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return None
    for unit, scale in _EPOCHS:
        if _FIRST * scale <= low and high <= _LAST * scale:
            values = epoch_moments(column.values, unit)
            parsing = {"missing": column.parsing.get("missing", []), "formats": [], "epoch": unit}
            words = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[unit]
            return TypedColumn(Kind.DATETIME, values, f"{words} since 1970, as its name says", parsing)
    return None


def epoch_moments(numbers: pl.Series, unit: str) -> pl.Series:
    """``Datetime("us")`` of numbers that count from 1970; null beyond some 230 years of it.

    Examples
    --------
    >>> epoch_moments(pl.Series([1_500_000_000.0]), "s").to_list()
    [datetime.datetime(2017, 7, 14, 2, 40)]
    """
    scale = dict(_EPOCHS)[unit]
    # Whole microseconds: a float of nanoseconds would lose them anyway.
    micros = (numbers.cast(pl.Float64) * (10**6 / scale)).round()
    limit = 7.25e15
    micros = micros.set((micros.abs() > limit).fill_null(False), None)
    return micros.cast(pl.Int64, strict=False).cast(pl.Datetime("us"))


def notable_reason(name: str, column: TypedColumn) -> str:
    """What the numbers are, where name and range say so: degrees of a place, years."""
    words = set(name_words(name))
    kinds = (("latitude", {"lat", "latitude"}, 90), ("longitude", {"lon", "lng", "long", "longitude"}, 180))
    for kind, names, limit in kinds:
        if words & names and _within(column.values, -limit, limit):
            return f"{kind} in degrees"
    if (
        words & {"year", "yr", "jahr"}
        and column.parsing.get("integer")
        and _within(column.values, 1700, 2200)
    ):
        return "years"
    return ""


def _within(values: pl.Series, low: float, high: float) -> bool:
    least, most = values.min(), values.max()
    return isinstance(least, (int, float)) and isinstance(most, (int, float)) and low <= least <= most <= high


def find_sentinels(name: str, column: TypedColumn, kept: bool = False) -> TypedColumn:
    """The column with marks for "missing" (-999, 9999, ...) as nulls, if it has any; with a finding.

    A number is such a mark if it looks like one, stands in several rows, is the lowest or highest of all, and
    lies far outside the others: five times their whole range away; or it is the only negative number. -1
    must besides stand in 1% of the rows beside 20 different whole numbers up to 100 or more.

    Parameters
    ----------
    name : str
        Of the column.
    column : TypedColumn
        Numbers.
    kept : bool
        Only report them.
    """
    values = column.values
    if values.dtype != pl.Float64 or not len(values):
        return column
    array = values.to_numpy()
    low, high = float(np.nanmin(array, initial=np.inf)), float(np.nanmax(array, initial=-np.inf))
    marks = [mark for mark in {low, high} & _ODD if _is_sentinel(array, mark, low, high)]
    if not marks:
        return column
    rows = int(np.isin(array, marks).sum())
    listed = " and ".join(f"{mark:g}" for mark in sorted(marks))
    message = (
        f"{listed} in {name!r} ({rows} rows) lies far outside all other values, like a mark for missing."
    )
    action = (
        "Kept, because it is what is learned from or by."
        if kept
        else f"Read as missing; --set {shlex.quote(name)}=numeric keeps it as a number."
    )
    finding = Finding("sentinel", "warning", message, name, action, {"values": sorted(marks), "rows": rows})
    if kept:
        return replace(column, findings=(*column.findings, finding))
    parsing = {**column.parsing, "sentinels": sorted(marks)}
    return replace(
        column,
        values=values.set(values.is_in(sorted(marks)).fill_null(False), None),
        reason=f"{column.reason}; {listed} stands for missing",
        parsing=parsing,
        findings=(*column.findings, finding),
    )


def _is_sentinel(array: NDArray[np.float64], mark: float, low: float, high: float) -> bool:
    repeated = int(np.count_nonzero(array == mark))
    others = array[~np.isnan(array) & (array != mark)]
    if repeated < _REPEATED or len(others) < _OTHERS or repeated < 0.001 * len(others):
        return False
    # The other end may be a mark as well: it says nothing about the range.
    other = high if mark == low else low
    if other in _ODD and other != mark:
        others = others[others != other] if np.count_nonzero(others == other) >= _REPEATED else others
    distinct = len(np.unique(others[:: max(1, len(others) // 10_000)]))
    if len(others) < _OTHERS or distinct < 10:
        return False
    least, most = float(others.min()), float(others.max())
    if mark == -1.0:
        whole = bool(np.all(others == np.floor(others)))
        return whole and least >= 0 and most >= 100 and distinct >= 20 and repeated >= 0.01 * len(array)
    if mark < least and least >= 0 and mark <= -9:
        return True
    return min(abs(mark - least), abs(mark - most)) >= 5 * (most - least)
