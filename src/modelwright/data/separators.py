"""Whether ``1,250`` is a thousand or one and a quarter: decided by its column, then by the other columns.

A decimal mark is followed by any number of digits, a separator of thousands always by three. A column
whose marks all have three digits behind them leaves it open; then count whole numbers from 100 to 999
without any mark beside them (fixed decimals would show there too), currencies, and what the mark is in
other columns. What is left is decided by the delimiter of the file, and told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from modelwright.core import Finding
from modelwright.data.text_column import TextColumn
from modelwright.data.typed_column import TypedColumn
from modelwright.data.units import CURRENCIES

__all__ = ["Separators", "decide_separators", "open_points", "report_separators"]

MANY_OPEN = 20
"""So many different values with three digits behind the mark are no decimals that lost their zeros."""

_CORE = r"^\D{0,6}?((?:\d[\d.,]*)?\d|[.,]\d+)\D{0,15}$"
_POINT_OPEN = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"


@dataclass(frozen=True)
class Separators:
    """How the marks of one column are read where its values leave it open.

    Attributes
    ----------
    decimal_comma : bool
        Whether ``1,250`` is 1.25.
    point_groups : bool
        Whether ``1.250`` is 1250.
    doubtful : str
        The mark that can be read either way, or empty if there is evidence.
    """

    decimal_comma: bool = False
    point_groups: bool = False
    doubtful: str = ""


@dataclass(frozen=True)
class _Evidence:
    """Different values of a column by what their marks can be."""

    open: Mapping[str, int]
    groups: Mapping[str, int]
    decimals: Mapping[str, int]
    hundreds: int
    money: bool


def open_points(columns: Collection[pl.Series]) -> set[str]:
    """Names of the columns of plain numbers whose points all have three digits behind them."""
    found = set()
    for text in columns:
        marked = text.filter(text.str.contains(".", literal=True))
        if len(marked) and marked.str.contains(_POINT_OPEN).all():
            found.add(text.name)
    return found


def decide_separators(
    columns: Mapping[str, TextColumn], points: bool, comma_file: bool
) -> dict[str, Separators]:
    """How to read the marks of each text column.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Their distinct values, counted.
    points : bool
        Whether columns of plain numbers that are not given have decimal points.
    comma_file : bool
        Whether a comma is a decimal mark where nothing else decides.

    Examples
    --------
    >>> km = TextColumn("km", pl.Series(["950", "1,250"]), set(), {"950": 1, "1,250": 1})
    >>> decide_separators({"km": km}, False, True)["km"].decimal_comma
    False
    """
    known = {key: found for key, column in columns.items() if (found := _evidence(column)) is not None}
    decisive = {key: {mark for mark in ",." if found.decimals[mark]} for key, found in known.items()}
    result = {}
    for key in columns:
        if key not in known:
            result[key] = Separators(comma_file)
            continue
        others = {mark for other, marks in decisive.items() if other != key for mark in marks}
        others |= {"."} if points else set()
        result[key] = _decide(known[key], next(iter(others)) if len(others) == 1 else "", comma_file)
    return result


def _evidence(column: TextColumn) -> _Evidence | None:
    """None if fewer than half of the different values are numbers."""
    uniques = column.uniques()
    cores = uniques.str.extract(_CORE, 1)
    if not len(cores) or 2 * cores.null_count() > len(cores):
        return None
    cores = cores.drop_nulls()
    if not cores.str.contains("[.,]").any():
        return None
    found: dict[str, dict[str, int]] = {"open": {}, "groups": {}, "decimals": {}}
    for mark, other in ((",", r"\."), (r"\.", ",")):
        name = mark[-1]
        patterns = {
            "open": rf"^[1-9]\d{{0,2}}{mark}\d{{3}}$",
            "groups": rf"^([1-9]\d{{0,2}}({mark}\d{{3}}){{2,}}({other}\d*)?"
            rf"|[1-9]\d{{0,2}}{mark}\d{{3}}{other}\d*|\d{{1,2}}({mark}\d{{2}})+{mark}\d{{3}})$",
            "decimals": rf"^(\d*{mark}(\d{{1,2}}|\d{{4,}})|(0*|0\d+|\d{{4,}}){mark}\d{{3}}"
            rf"|[1-9]\d{{0,2}}({other}\d{{3}})+{mark}\d*)$",
        }
        for what, pattern in patterns.items():
            found[what][name] = int(cores.str.contains(pattern).sum())
    hundreds = int(cores.str.contains(r"^[1-9]\d{2}$").sum())
    money = any(sign in value for value in column.sample() for sign in CURRENCIES)
    return _Evidence(found["open"], found["groups"], found["decimals"], hundreds, money)


def _decide(own: _Evidence, others: str, comma_file: bool) -> Separators:
    """``others`` is the one decimal mark that other columns prove, or empty."""
    if own.open[","] and not own.decimals[","]:
        return _decide_comma(own, others, comma_file)
    if comma_file and own.open["."] and not own.decimals["."]:
        if own.groups["."] or own.decimals[","] or others == ",":
            return Separators(True, True)
        if others == ".":
            return Separators(True)
        return Separators(True, own.money or own.hundreds > 0, ".")
    return Separators(comma_file)


def _decide_comma(own: _Evidence, others: str, comma_file: bool) -> Separators:
    if own.groups[","] or own.decimals["."] or others == ".":
        return Separators(False)
    thousands = own.money or own.hundreds > 0
    if others == ",":
        doubtful = "," if thousands else ""
        return Separators(not (own.hundreds and own.open[","] >= MANY_OPEN), False, doubtful)
    return Separators(False) if thousands else Separators(comma_file, False, ",")


def report_separators(
    name: str, typed: TypedColumn, how: Separators, column: TextColumn
) -> tuple[Finding, ...]:
    """A finding about a mark that nothing decides."""
    example = next((value for value in column.real if how.doubtful in value), None)
    if example is None:
        return ()
    groups = typed.parsing.get("thousands") == how.doubtful
    read = "a separator of thousands" if groups else "a decimal mark"
    mark = "commas" if how.doubtful == "," else "points"
    message = (
        f"The {mark} of {name!r} can be separators of thousands or decimal marks; "
        f"{how.doubtful!r} is read as {read} (for example {example!r})."
    )
    action = "Write the numbers without separators of thousands and with a decimal point to be certain."
    evidence = {"mark": how.doubtful, "thousands": groups}
    return (Finding("ambiguous_number", "warning", message, name, action, evidence),)
