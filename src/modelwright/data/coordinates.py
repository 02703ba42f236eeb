"""Places on earth in text: ``40.7128, -74.0060``, ``POINT (-74.006 40.7128)``, degrees and minutes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from modelwright.core import Kind
from modelwright.data.text_column import MOST_TOKENS, TextColumn, looks_like, unread, with_typos
from modelwright.data.typed_column import TypedColumn

__all__ = ["named_place", "pairs_in_range", "parse_coordinates", "type_coordinates"]

_FLOAT = r"[+-]?\d{1,3}(?:\.\d+)?"
_POINT = rf"(?i)^(?:SRID=\d+;)?\s*POINT\s*Z?\s*\(\s*({_FLOAT})\s+({_FLOAT})(?:\s+[\d.+-]+)?\s*\)$"
_PAIR = rf"^[(\[]?\s*({_FLOAT})\s*[,;]\s*({_FLOAT})\s*[)\]]?$"
_DEGREES = (
    r"(\d{1,3})\s*\u00b0\s*(?:(\d{1,2}(?:\.\d+)?)\s*['\u2032\u2019]\s*)?"
    r"(?:(\d{1,2}(?:\.\d+)?)\s*(?:\"|\u2033|\u201d|'')\s*)?"
)
_DMS = rf"^{_DEGREES}([NSns])[\s,;]*{_DEGREES}([EWewOo])$"
_FORMS = {name: re.compile(form) for name, form in (("point", _POINT), ("pair", _PAIR), ("degrees", _DMS))}
_NAMED = re.compile(
    r"(?:^|[^a-z])(?:lat|latitude|lon|long|lng|longitude|latlon|latlong|latlng|geo|geopoint|geolocation|gps|"
    r"coord|coords|coordinates?|location|loc|position|point|place)(?:[^a-z]|$)",
    re.IGNORECASE,
)
_LONGITUDE_FIRST = re.compile(r"(?:lon|long|longitude|lng)[^a-z]*lat", re.IGNORECASE)
_PRECISE = re.compile(r"\.\d{3,}")


def named_place(name: str) -> bool:
    """Whether a column name speaks of a place.

    Examples
    --------
    >>> named_place("Lat/Long"), named_place("price")
    (True, False)
    """
    return _NAMED.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) is not None


def parse_coordinates(text: pl.Series, parsing: Mapping[str, Any]) -> pl.Series:
    """``List(Float64)`` of latitude and longitude in degrees; null where it is no place.

    Parameters
    ----------
    text : polars.Series of String
        Without surrounding space.
    parsing : mapping
        ``longitude_first`` says how pairs without letters are ordered.

    Examples
    --------
    >>> parse_coordinates(pl.Series(["40.7, -73.9", "POINT (-73.9 40.7)"]), {}).to_list()
    [[40.7, -73.9], [40.7, -73.9]]
    """
    text = text.alias("values")
    first, second = _two(text, _PAIR)
    latitude, longitude = (second, first) if parsing.get("longitude_first") else (first, second)
    for found in (_two(text, _POINT)[::-1], _degrees(text)):
        left = latitude.is_null() & text.is_not_null()
        if not left.any():
            break
        latitude, longitude = latitude.zip_with(~left, found[0]), longitude.zip_with(~left, found[1])
    return pairs_in_range(latitude, longitude)


def pairs_in_range(latitude: pl.Series, longitude: pl.Series) -> pl.Series:
    """Pairs as lists; null where one is missing or no such place is on earth."""
    good = (latitude.abs() <= 90) & (longitude.abs() <= 180)
    frame = pl.DataFrame({"a": latitude, "b": longitude, "good": good.fill_null(False)})
    pairs = pl.when(pl.col("good")).then(pl.concat_list("a", "b")).otherwise(None)
    return frame.select(pairs.cast(pl.List(pl.Float64)).alias("values")).to_series()


def _two(text: pl.Series, form: str) -> tuple[pl.Series, pl.Series]:
    parts = text.str.extract_groups(form).struct
    first, second = (
        parts.field(name).cast(pl.Float64, strict=False).alias("values") for name in parts.fields
    )
    return first, second


def _degrees(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    parts = text.str.extract_groups(_DMS).struct
    fields = [parts.field(name).alias("values") for name in parts.fields]
    sides = []
    for start, negative in ((0, "[Ss]"), (4, "[WwOo]")):
        whole, minutes, seconds = (
            field.cast(pl.Float64, strict=False) for field in fields[start : start + 3]
        )
        angle = whole + minutes.fill_null(0.0) / 60 + seconds.fill_null(0.0) / 3600
        south = fields[start + 3].str.contains(negative).fill_null(False)
        sides.append(angle.zip_with(~south, -angle))
    return sides[0], sides[1]


def type_coordinates(column: TextColumn) -> TypedColumn | None:
    """The column as places, if nearly all values are.

    Two numbers with a comma between them need more evidence than other forms: a name that speaks of places,
    or at least three decimals nearly everywhere.
    """
    if not looks_like(column, lambda value: any(form.match(value) for form in _FORMS.values())):
        return None
    parsing: dict[str, Any] = {"coordinates": True}
    if looks_like(column, _FORMS["pair"].match, 0.5):
        precise = looks_like(column, lambda value: len(_PRECISE.findall(value)) == 2)
        if not (precise or named_place(column.name)):
            return None
        first = _two(column.uniques(), _PAIR)[0]
        beyond = bool((first.abs() > 90).any())
        if beyond or _LONGITUDE_FIRST.search(column.name):
            parsing["longitude_first"] = True
    read = parse_coordinates(column.uniques(), parsing)
    strange = unread(column, read)
    if strange is None:
        return None
    parsing["missing"] = sorted(column.missing | set(strange[:MOST_TOKENS]))
    order = "longitude, latitude" if parsing.get("longitude_first") else "latitude, longitude"
    form = next(
        name for name, form in _FORMS.items() if form.match(next(iter(column.real))) or name == "degrees"
    )
    reason = {
        "point": "places written as POINT (longitude latitude)",
        "pair": f"places written as {order}",
        "degrees": "places in degrees, minutes and seconds",
    }[form]
    values = parse_coordinates(column.text, parsing)
    return with_typos(TypedColumn(Kind.COORDINATES, values, reason, parsing), column, strange)
