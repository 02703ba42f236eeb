"""Units of measure, currencies and the short forms of thousands and millions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = [
    "CURRENCIES",
    "DIMENSIONS",
    "MAGNITUDES",
    "currency_of",
    "dimension_of",
    "fold_unit",
    "unit_factor",
]


def _spelled(units: Mapping[str, float]) -> dict[str, float]:
    return {word: factor for words, factor in units.items() for word in words.split()}


DIMENSIONS: dict[str, dict[str, float]] = {
    "mass": _spelled(
        {
            "mg milligram": 1e-3,
            "g gr gram gramme": 1.0,
            "kg kilo kilogram kilogramme": 1e3,
            "t tonne": 1e6,
            "lb pound": 453.59237,
            "oz ounce": 28.349523125,
        }
    ),
    "length": _spelled(
        {
            "mm millimeter millimetre": 1e-3,
            "cm centimeter centimetre": 1e-2,
            "m meter metre": 1.0,
            "km kilometer kilometre": 1e3,
            "in inch inches": 0.0254,
            "ft foot feet": 0.3048,
            "yd yard": 0.9144,
            "mi mile": 1609.344,
        }
    ),
    "time": _spelled(
        {
            "ms millisecond": 1e-3,
            "s sec second": 1.0,
            "min minute": 60.0,
            "h hr hour": 3600.0,
            "d day": 86400.0,
            "w wk week": 604800.0,
        }
    ),
    "calendar": _spelled({"mo mos mth month": 1.0, "y yr year": 12.0}),
    "volume": _spelled(
        {
            "ml milliliter millilitre cc cm3 cm\u00b3": 1e-3,
            "cl centiliter centilitre": 1e-2,
            "dl deciliter decilitre": 0.1,
            "l L ltr liter litre": 1.0,
            "m3 m\u00b3": 1e3,
            "gal gallon": 3.785411784,
        }
    ),
    "data": _spelled(
        {
            "B byte": 1.0,
            "kb kilobyte": 1e3,
            "mb megabyte": 1e6,
            "gb gigabyte": 1e9,
            "tb terabyte": 1e12,
            "pb petabyte": 1e15,
            "kib": 2.0**10,
            "mib": 2.0**20,
            "gib": 2.0**30,
            "tib": 2.0**40,
        }
    ),
}
"""Spellings of units by dimension, with their size. One letter is taken by its case, a word is not."""

MAGNITUDES = _spelled(
    {
        "k K thousand": 1e3,
        "m M mn mm mio mln million": 1e6,
        "b B bn bln mrd billion": 1e9,
        "t T tn trn trillion": 1e12,
    }
)

_SIGNS = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20ab\u20aa\u20b4\u20a6\u0e3f\u20bf"
_CODES = ("CHF", "AUD", "CAD", "CNY", "SEK", "NOK", "DKK", "PLN", "BRL", "MXN", "HKD")
_NAMED = (
    *(("US$", "$"), ("USD", "$"), ("EUR", "\u20ac"), ("GBP", "\u00a3"), ("JPY", "\u00a5"), ("INR", "\u20b9")),
    *(("Rs.", "\u20b9"), ("Rs", "\u20b9"), ("RUB", "\u20bd"), ("KRW", "\u20a9"), ("TRY", "\u20ba")),
    *(("kr", "kr"), ("kr.", "kr"), ("z\u0142", "PLN"), ("A$", "AUD"), ("C$", "CAD"), ("R$", "BRL")),
)

CURRENCIES: dict[str, str] = {name: name for name in (*_SIGNS, *_CODES)} | dict(_NAMED)
"""Signs and codes of currencies, each with the one it stands for; rates change, so none is converted."""


def currency_of(text: str) -> tuple[str, str]:
    """The currency that text before or after a number names, and what is left of the text.

    Examples
    --------
    >>> currency_of("million USD"), currency_of("kg")
    (('$', 'million'), ('', 'kg'))
    """
    for spelling in sorted(CURRENCIES, key=len, reverse=True):
        for left in (text.removesuffix(spelling), text.removeprefix(spelling)):
            whole = not spelling.isalpha() or not left or not left[0 if left != text else -1].isalpha()
            if left != text and (whole or left.strip() != left):
                return CURRENCIES[spelling], left.strip()
    return "", text


def fold_unit(unit: str) -> str:
    """One spelling for forms of a unit: no full stop, no case but in single letters.

    Examples
    --------
    >>> fold_unit("Kg."), fold_unit("M")
    ('kg', 'M')
    """
    bare = unit.strip().rstrip(".")
    return bare if len(bare) == 1 else bare.casefold()


def unit_factor(unit: str, factors: Mapping[str, float]) -> float | None:
    """The size of a unit, plural or not; None if it is unknown.

    Examples
    --------
    >>> unit_factor("Hours", DIMENSIONS["time"])
    3600.0
    """
    folded = fold_unit(unit)
    for word in (folded, folded.removesuffix("s") if len(folded) > 2 else folded, folded.lower()):
        if word in factors:
            # One letter counts by its case, but where only the small form is a unit.
            if word != folded and len(folded) == 1 and factors is MAGNITUDES:
                return None
            return factors[word]
    return None


def dimension_of(units: Iterable[str]) -> str:
    """The dimension that all units belong to, or an empty string.

    Examples
    --------
    >>> dimension_of(["kg", "g"]), dimension_of(["kg", "miles"])
    ('mass', '')
    """
    known = list(units)
    for name, table in DIMENSIONS.items():
        strict = [fold_unit(unit) for unit in known]
        if all(unit in table or (len(unit) > 2 and unit.removesuffix("s") in table) for unit in strict):
            return name
    return ""
