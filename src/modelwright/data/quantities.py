"""Numbers with something around them: ``1,248 CC``, ``$1.2M``, ``(1,234)``, ``5 kg`` beside ``500 g``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from modelwright.core import Finding
from modelwright.data.number_format import NumberFormat
from modelwright.data.text_column import TextColumn, looks_like, numbers_of
from modelwright.data.tokens import NUMERIC_MISSING
from modelwright.data.typed_column import TypedColumn
from modelwright.data.units import (
    CURRENCIES,
    DIMENSIONS,
    MAGNITUDES,
    currency_of,
    dimension_of,
    fold_unit,
    unit_factor,
)

__all__ = ["Quantity", "mixed_units", "type_quantity"]

_SIGN = r"[+\-\u2212]"
_CURRENCY = "|".join(re.escape(word) for word in sorted(CURRENCIES, key=len, reverse=True))
_DIGITS = r"(?:\d[\d.,'\u2019\u00a0\u202f ]*|[.,]\d+)"
_AFTER = r"[^\d\s.,()\[\]{}:;|_#@&=<>!?\\-][^\d()\[\]{}:;|_#@&=<>!?\\-]{0,14}"
_PATTERN = rf"^(\(?{_SIGN}?\(?)\s*((?:{_CURRENCY})?)\s*(\(?{_SIGN}?{_DIGITS})\s*((?:{_AFTER})?)\s*\)?$"
_COMPILED = re.compile(_PATTERN)
_ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "eme", "e", "o", "a"})
_FEW = 5
"""Different numbers that a unit of one letter needs: 1A, 2A, 3A are codes."""

_LONGEST = 10
"""Letters of a unit that is not known: "12 Main Street" is no quantity."""

_MANY = 20
"""Different numbers that make unknown words behind them units."""


@dataclass(frozen=True)
class Quantity:
    """How numbers with a unit are written.

    Attributes
    ----------
    style : NumberFormat
        Of the numbers.
    unit : str
        What the values are in; empty for plain numbers.
    factors : dict of str to float
        Spellings of units with their size in ``unit``; a number without any is in ``unit``.
    currency : str
        The one currency sign that may stand beside the numbers.

    Examples
    --------
    >>> quantity = Quantity(unit="kg", factors={"kg": 1.0, "g": 0.001})
    >>> quantity.parse(pl.Series(["5 kg", "500 g", "7", "3 miles"])).to_list()
    [5.0, 0.5, 7.0, None]
    """

    style: NumberFormat = field(default_factory=NumberFormat)
    unit: str = ""
    factors: Mapping[str, float] = field(default_factory=dict)
    currency: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For `Column.parsing`."""
        record = {**self.style.to_dict(), "unit": self.unit, "factors": dict(self.factors)}
        return {**record, "currency": self.currency} if self.currency else record

    @classmethod
    def from_dict(cls, parsing: Mapping[str, Any]) -> Quantity:
        """Inverse of `to_dict`; other entries of `Column.parsing` are ignored."""
        style = NumberFormat.from_dict({**parsing, "symbols": ""})
        return cls(style, parsing.get("unit", ""), parsing.get("factors", {}), parsing.get("currency", ""))

    def factor(self, before: str, after: str) -> float | None:
        """What a number with this text around it is multiplied by; None if the text is unknown."""
        first, _ = currency_of(before)
        second, rest = currency_of(after) if self.currency else ("", after)
        if {first, second} - {"", self.currency}:
            return None
        if not rest:
            return 1.0
        folded = fold_unit(rest)
        for word in (rest, folded, folded.removesuffix("s") if len(folded) > 2 else folded):
            if word in self.factors:
                return self.factors[word]
        return None

    def parse(self, text: pl.Series) -> pl.Series:
        """Float64 values in `unit`; null where it is no number with a known unit."""
        parts = text.alias("values").str.extract_groups(_PATTERN).struct
        sign, before, number, after = (parts.field(name).alias("values") for name in parts.fields)
        digits = number.str.replace(r"^\(", "").str.replace("\u2212", "-", literal=True).str.strip_chars()
        values = self.style.parse(digits)
        around = before + "\t" + after.str.strip_chars()
        factors = {
            key: self.factor(*key.split("\t", 1)) for key in around.unique().to_list() if key is not None
        }
        scale = around.replace_strict(factors, default=None, return_dtype=pl.Float64)
        closed = text.alias("values").str.ends_with(")")
        opened = sign.str.contains("(", literal=True) | number.str.starts_with("(")
        negative = opened | sign.str.contains("[-\u2212]")
        result = values * scale * negative.replace_strict({True: -1.0, False: 1.0}, default=None)
        return result.set((opened != closed).fill_null(False), None)


def type_quantity(column: TextColumn) -> TypedColumn | None:
    """The column as numbers without the text around them, if nearly all values are such numbers.

    Units of one dimension are converted to the most frequent one; units that are unknown are only left out
    if all values have the same.
    """
    if not looks_like(column, _COMPILED.match):
        return None
    found = _guess(column)
    if found is None:
        return None
    quantity, reason, least = found
    marks = quantity.style.marks
    reason += f" ({', '.join(marks)})" if marks else ""
    return numbers_of(column, quantity.parse, reason, quantity.to_dict(), least)


def _parts(column: TextColumn) -> tuple[list[str], Counter[str], Counter[str]] | None:
    """Number parts of the values; rows of each text before and after the number."""
    sample = column.sample(2000)
    digits: list[str] = []
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for value in sample:
        match = _COMPILED.match(value)
        if match is None or value.lower() in NUMERIC_MISSING:
            continue
        digits.append(match[3].strip(" (-+\u2212"))
        rows = column.real[value]
        before[match[2]] += rows
        after[match[4].strip()] += rows
    return (digits, before, after) if digits else None


def _guess(column: TextColumn) -> tuple[Quantity, str, int] | None:
    """How the values are written, the reason in words, and how many must be read."""
    parts = _parts(column)
    if parts is None:
        return None
    digits, before, after = parts
    style = column.number_format(digits)
    if style is None or any(re.fullmatch(r"0\d+", value) for value in digits):
        return None
    currencies = {currency_of(text)[0] for text in before} - {""}
    named = {text: currency_of(text) for text in after}
    if not all(fold_unit(text) in MAGNITUDES or not text for _, text in named.values()) or len(after) == 1:
        # A unit may end like a currency: only whole names count.
        named = {text: (found if not found[1] else ("", text)) for text, found in named.items()}
    currencies |= {sign for sign, _ in named.values()} - {""}
    if len(currencies) > 1:
        return None
    currency = next(iter(currencies), "")
    units: Counter[str] = Counter()
    for text, rows in after.items():
        units[named[text][1] if currency else text] += rows
    bracketed = any(value.startswith(("(", "\u2212")) for value in column.sample(2000))
    return _with_unit(style, currency, units, bracketed)


def _with_unit(
    style: NumberFormat, currency: str, units: Counter[str], bracketed: bool
) -> tuple[Quantity, str, int] | None:
    spelled = [unit for unit in units if unit]
    bare = units.get("", 0)
    if not spelled and not currency and not bracketed:
        return None
    if not spelled:
        reason = f"amounts of money in {currency}" if currency else "numbers; those in brackets are negative"
        return Quantity(style, currency, {}, currency), reason, 2
    letter = len(spelled) == 1 and len(fold_unit(spelled[0])) == 1 and spelled[0].isalpha()
    least = _FEW if letter and not currency else 2
    dimension = "" if currency else dimension_of(spelled)
    magnitude = all(unit in MAGNITUDES or fold_unit(unit) in MAGNITUDES for unit in spelled)
    if magnitude and (not dimension or bare):
        return Quantity(style, currency, MAGNITUDES, currency), _short(currency, spelled), least
    if currency or bare > 0.1 * sum(units.values()) or (bare and "%" in units):
        return None
    if dimension:
        return _in_dimension(style, dimension, units), _converted(dimension, units), least
    folded = {fold_unit(unit).removesuffix("s") or unit for unit in spelled}
    unit = next(iter(folded))
    if len(folded) > 1 or unit in _ORDINALS or len(unit) > _LONGEST or " " in unit:
        return None
    if len(unit) == 1 and unit.isalpha():
        return None
    most = max(spelled, key=lambda text: units[text])
    factors = {fold_unit(text): 1.0 for text in spelled}
    return Quantity(style, most, factors), f"numbers in {most}", max(least, 3)


def _in_dimension(style: NumberFormat, dimension: str, units: Counter[str]) -> Quantity:
    table = DIMENSIONS[dimension]
    base = max((unit for unit in units if unit), key=lambda unit: (units[unit], unit))
    size = unit_factor(base, table) or 1.0
    return Quantity(style, base, {word: factor / size for word, factor in table.items()})


def _converted(dimension: str, units: Counter[str]) -> str:
    spelled = sorted((unit for unit in units if unit), key=lambda unit: (-units[unit], unit))
    if len({unit_factor(unit, DIMENSIONS[dimension]) for unit in spelled}) == 1:
        return f"numbers in {spelled[0]}"
    name = "time" if dimension == "calendar" else dimension
    return f"numbers with units of {name} ({', '.join(spelled[:5])}), all converted to {spelled[0]}"


def _short(currency: str, spelled: list[str]) -> str:
    written = ", ".join(sorted(spelled)[:4])
    return f"numbers with short forms of thousands or millions ({written})" + (
        f", in {currency}" if currency else ""
    )


def mixed_units(column: TextColumn) -> tuple[Finding, ...]:
    """A finding about numbers whose units cannot be brought together: they stay categories."""
    if not looks_like(column, _COMPILED.match):
        return ()
    parts = _parts(column)
    if parts is None or column.number_format(parts[0]) is None:
        return ()
    texts = [text for text in (*parts[1], *parts[2]) if text]
    known = {text for text in texts if text == "%" or currency_of(text)[0] or dimension_of([text])}
    foreign = set(texts) - known
    # Words of two letters and more behind many different numbers are units too: km/kg beside kmpl.
    if any(len(text) < 2 or fold_unit(text) in _ORDINALS or " " in text for text in foreign):
        return ()
    if len(known | foreign) > 5 or (foreign and len(set(parts[0])) < _MANY):
        return ()
    known |= foreign
    if len({fold_unit(text) for text in known}) < 2 and not (known == {"%"} and "" in parts[2]):
        return ()
    listed = ", ".join(map(repr, sorted(known)[:5])) + (" and numbers without" if len(known) == 1 else "")
    message = f"{column.name!r} holds numbers in units that cannot be brought together: {listed}."
    action = "Kept as categories; write all values in one unit."
    return (Finding("mixed_units", "warning", message, column.name, action, {"units": sorted(known)[:20]}),)
