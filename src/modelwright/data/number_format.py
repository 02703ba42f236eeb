"""How numbers are written in a text column: decimal mark, thousands separator, currency and percent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

__all__ = ["NumberFormat", "guess_number_format"]

_SYMBOLS = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba%"
_EXPONENT = r"([eE][+-]?\d+)?"
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)" + _EXPONENT)


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    Attributes
    ----------
    decimal : str
        ``"."`` or ``","``.
    thousands : str
        Separator of groups of three digits, or empty.
    symbols : str
        Currency and percent signs to be dropped.

    Examples
    --------
    >>> NumberFormat(",", ".").parse(pl.Series(["1.234,5", "7", "x"])).to_list()
    [1234.5, 7.0, None]
    """

    decimal: str = "."
    thousands: str = ""
    symbols: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as programs write them."""
        return self == NumberFormat()

    @property
    def marks(self) -> tuple[str, ...]:
        """Decimal comma and separator of thousands in words, if there are any."""
        comma = ("decimal comma",) if self.decimal == "," else ()
        return (*comma, f"thousands {self.thousands!r}") if self.thousands else comma

    @property
    def pattern(self) -> str:
        """Regular expression of a whole number so written, symbols dropped."""
        whole = r"\d+"
        if self.thousands:
            mark = re.escape(self.thousands)
            # Groups of two digits are those of India: 12,34,567.
            whole = rf"(\d+|\d{{1,3}}({mark}\d{{3}})+|\d{{1,2}}({mark}\d{{2}})+{mark}\d{{3}})"
        fraction = re.escape(self.decimal)
        return rf"^[+-]?({whole}({fraction}\d*)?|{fraction}\d+){_EXPONENT}$"

    def to_dict(self) -> dict[str, str]:
        """What differs from plain numbers, for `Column.parsing`."""
        plain = NumberFormat()
        return {name: value for name, value in vars(self).items() if value != getattr(plain, name)}

    @classmethod
    def from_dict(cls, parsing: Mapping[str, Any]) -> NumberFormat:
        """Inverse of `to_dict`; other entries of `Column.parsing` are ignored."""
        return cls(parsing.get("decimal", "."), parsing.get("thousands", ""), parsing.get("symbols", ""))

    def parse(self, text: pl.Series) -> pl.Series:
        """Float64 values; null where it is not a number, infinite where it says so."""
        if self.is_plain:
            return text.cast(pl.Float64, strict=False).fill_nan(None)
        bare = text
        if self.symbols:
            # The sign may stand before the currency: -$5.
            bare = bare.str.replace_all(f"[{re.escape(self.symbols)}]", "").str.strip_chars()
        digits = bare
        if self.thousands:
            digits = digits.str.replace_all(self.thousands, "", literal=True)
        if self.decimal != ".":
            digits = digits.str.replace_all(self.decimal, ".", literal=True)
        fits = bare.str.contains(self.pattern)
        values = digits.cast(pl.Float64, strict=False)
        plain = bare.cast(pl.Float64, strict=False)
        return values.zip_with(fits.fill_null(False), plain).fill_nan(None)


def guess_number_format(
    values: Sequence[str], decimal_comma: bool, point_groups: bool = False
) -> NumberFormat | None:
    """The format under which most of some example values are numbers.

    Parameters
    ----------
    values : sequence of str
        Distinct values without surrounding space.
    decimal_comma : bool
        Whether ``1,234`` is 1.234 rather than 1234 where the values leave both open.
    point_groups : bool
        Whether ``1.234`` is 1234 rather than 1.234 where the values leave both open.

    Returns
    -------
    NumberFormat or None
        None if fewer than half are numbers in any format, or there are several currencies.

    Examples
    --------
    >>> guess_number_format(["1,5", "2,75"], False)
    NumberFormat(decimal=',', thousands='', symbols='')
    >>> guess_number_format(["$1,200", "$950"], False)
    NumberFormat(decimal='.', thousands=',', symbols='$')
    >>> guess_number_format(["red", "blue"], False) is None
    True
    """
    needed = max(1, (len(values) + 1) // 2)
    symbols = "".join(
        symbol
        for symbol in _SYMBOLS
        if any(value.startswith((symbol, "-" + symbol)) or value.endswith(symbol) for value in values)
    )
    if len(symbols) > 1:
        return None
    bare = [value.translate({ord(symbol): None for symbol in symbols}).strip() for value in values]
    grouped = point_groups and any("." in value for value in bare)
    if not grouped and all(_PLAIN.fullmatch(value) for value in bare):
        return NumberFormat(symbols=symbols)
    order = [NumberFormat(), NumberFormat(".", ","), NumberFormat(","), NumberFormat(",", ".")]
    order += [NumberFormat(decimal, space) for space in " \u00a0\u202f" for decimal in ",."]
    order += [NumberFormat(".", "'"), NumberFormat(".", "\u2019")]
    if decimal_comma:
        order[1], order[2:4] = order[2], [order[3], order[1]]
    if grouped:
        order.insert(0, NumberFormat(",", "."))
    best, best_count = None, needed - 1
    for candidate in order:
        pattern = re.compile(candidate.pattern)
        count = sum(pattern.match(value) is not None for value in bare)
        if count > best_count:
            best, best_count = candidate, count
    return None if best is None else NumberFormat(best.decimal, best.thousands, symbols)
