"""Text as values, by the parsing that training recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from modelwright.core import Kind
from modelwright.data.coordinates import parse_coordinates
from modelwright.data.date_format import parse_dates
from modelwright.data.durations import parse_durations
from modelwright.data.number_format import NumberFormat
from modelwright.data.quantities import Quantity
from modelwright.data.tokens import MISSING
from modelwright.data.typed_column import PREFIX, without_tokens
from modelwright.data.value_lists import parse_lists

__all__ = ["parse_text", "without_sentinels"]


def parse_text(text: pl.Series, kind: Kind, parsing: Mapping[str, Any]) -> pl.Series:
    """Text as values of a kind, by the recorded parsing; null where missing or not of that kind.

    Numbers that are infinite stay so: the caller counts them. Marks for missing among numbers stay too, see
    `without_sentinels`.
    """
    if kind is Kind.NUMERIC:
        return _parse_numbers(text, parsing)
    if kind is Kind.DATETIME:
        return parse_dates(text, parsing.get("formats", ()))
    if kind is Kind.COORDINATES:
        return parse_coordinates(text, parsing)
    if kind is Kind.LIST:
        return parse_lists(text, parsing)
    if kind is Kind.BOOLEAN:
        folded = text.str.to_lowercase()
        true = {spelling.lower() for spelling in parsing.get("true", ())}
        false = {spelling.lower() for spelling in parsing.get("false", ())}
        return folded.replace_strict(
            {**dict.fromkeys(true, True), **dict.fromkeys(false, False)},
            default=None,
            return_dtype=pl.Boolean,
        )
    missing = set(parsing.get("missing", ())) | (frozenset() if "declared" in parsing else MISSING)
    missing -= set(parsing.get("kept", ()))
    words = without_tokens(text, missing) if missing else text
    if parsing.get("prefix"):
        # A bare prefix may come from a table that has been read before.
        found = words.str.extract(PREFIX, 1)
        words = found.zip_with(found.is_not_null(), words.str.extract(r"^([A-Za-z]+)$", 1))
    return words.replace(parsing["merged"]) if parsing.get("merged") else words


def _parse_numbers(text: pl.Series, parsing: Mapping[str, Any]) -> pl.Series:
    if parsing.get("duration"):
        return parse_durations(text)
    if "factors" in parsing:
        return Quantity.from_dict(parsing).parse(text)
    numbers = NumberFormat.from_dict(parsing).parse(text)
    if parsing.get("dtype") == "int64":
        whole = text.cast(pl.Int64, strict=False)
        return whole.zip_with(whole.is_not_null(), numbers.cast(pl.Int64, strict=False))
    return numbers


def without_sentinels(numbers: pl.Series, parsing: Mapping[str, Any]) -> pl.Series:
    """Numbers with null for those that stand for missing.

    Examples
    --------
    >>> without_sentinels(pl.Series([1.0, -999.0]), {"sentinels": [-999.0]}).to_list()
    [1.0, None]
    """
    marks = parsing.get("sentinels")
    if not marks:
        return numbers
    return numbers.set(numbers.is_in([float(mark) for mark in marks]).fill_null(False), None)
