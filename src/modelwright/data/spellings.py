"""Levels that are the same word in several spellings, and levels that are ranges of numbers."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping

from modelwright.core import Finding

__all__ = ["merged_spellings", "range_order", "report_spellings", "spelling_key"]

MOST_LEVELS = 10_000
"""Beyond so many levels near-duplicates are not looked for."""

MOST_MERGED = 1_000
"""The most spellings that are merged."""

_SHORT = 2
_RARE = 0.2
"""Short levels (aA, AA) are merged only if the rare spelling has at most this share of the frequent one."""

_RANGE = re.compile(
    r"[$\u20ac\u00a3]?\s*(\d[\d.,]*)\s*[kKmM%]?\s*(?:-|\u2013|\u2014|to|bis|\u00e0)\s*[$\u20ac\u00a3]?\s*(\d[\d.,]*)\s*"
    r"([kKmM%]|[a-z]+\.?)?",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"(?:(<=?|\u2264|under|below|less than|up to)|(>=?|\u2265|over|above|more than))?"
    r"\s*[$\u20ac\u00a3]?\s*(\d[\d.,]*)\s*[kKmM%]?\s*"
    r"(\+|and over|and above|or more|and more)?\s*([a-z]+\.?)?",
    re.IGNORECASE,
)


def spelling_key(level: str) -> str:
    """What is left of a level without case, doubled blanks, Unicode forms and closing punctuation.

    Examples
    --------
    >>> spelling_key("New  York."), spelling_key("NEW YORK")
    ('new york', 'new york')
    """
    folded = unicodedata.normalize("NFKC", level).casefold()
    return " ".join(folded.split()).rstrip(".,;:!").rstrip() or level


def merged_spellings(levels: Mapping[str, int]) -> dict[str, str]:
    """Rare spellings with the most frequent one of the same word.

    Parameters
    ----------
    levels : mapping of str to int
        Distinct values and their rows.

    Examples
    --------
    >>> merged_spellings({"Red": 10, "red": 2, "RED ": 1, "Blue": 4})
    {'RED ': 'Red', 'red': 'Red'}
    """
    if len(levels) > MOST_LEVELS:
        return {}
    groups: dict[str, list[str]] = {}
    for level in levels:
        groups.setdefault(spelling_key(level), []).append(level)
    merged: dict[str, str] = {}
    for spellings in groups.values():
        if len(spellings) < 2:
            continue
        main = min(spellings, key=lambda level: (-levels[level], level))
        for level in spellings:
            short = len(level.strip()) <= _SHORT and levels[level] > _RARE * levels[main]
            if level != main and not short:
                merged[level] = main
    return dict(sorted(merged.items())[:MOST_MERGED])


def report_spellings(name: str, levels: Mapping[str, int], merged: Mapping[str, str], kept: bool) -> Finding:
    """The finding about spellings of one word; ``kept`` if they were only noticed."""
    shown = ", ".join(f"{level!r} = {main!r}" for level, main in list(merged.items())[:5])
    rows = sum(levels.get(level, 0) for level in merged)
    more = ", ..." if len(merged) > 5 else ""
    if kept:
        message = f"{name!r} seems to spell some values in several ways: {shown}{more} ({rows} rows)."
        action = (
            "Kept apart, because it is what is learned from or by; correct them in the data if they are one."
        )
    else:
        count = "1 spelling" if len(merged) == 1 else f"{len(merged)} spellings"
        verb, lines = "is" if len(merged) == 1 else "are", "1 row" if rows == 1 else f"{rows} rows"
        message = f"{count} in {name!r} {verb} read as another: {shown}{more} ({lines})."
        action = f"To keep them apart: --set {shlex.quote(name)}=categorical."
    evidence = {"rows": rows, "spellings": dict(list(merged.items())[:50])}
    return Finding("spellings", "warning", message, name, action, evidence)


def range_order(levels: Mapping[str, int]) -> list[str]:
    """Levels in the order of their numbers, if all are ranges or open ended; else an empty list.

    Examples
    --------
    >>> range_order({"65+": 3, "18-34": 5, "35-64": 4, "<18": 1})
    ['<18', '18-34', '35-64', '65+']
    """
    if not 3 <= len(levels) <= 100:
        return []
    placed = []
    ranges = 0
    for level in levels:
        bounds = _bounds(level)
        if bounds is None:
            return []
        ranges += bounds[2]
        placed.append((bounds[0], bounds[1], level))
    if 2 * ranges < len(levels):
        return []
    return [level for _, _, level in sorted(placed)]


def _bounds(level: str) -> tuple[float, float, bool] | None:
    """Two numbers that place a level among others, and whether it is a range or open ended."""
    text = level.strip()
    found = _RANGE.fullmatch(text)
    if found:
        low, high = _plain(found[1]), _plain(found[2])
        return (low, high, True) if low is not None and high is not None and low < high else None
    found = _OPEN.fullmatch(text)
    number = _plain(found[3]) if found else None
    if found is None or number is None:
        return None
    if found[1]:
        return number, float("-inf"), True
    return number, float("inf") if found[2] or found[4] else number, bool(found[2] or found[4])


def _plain(digits: str) -> float | None:
    try:
        return float(digits.rstrip(".,").replace(",", ""))
    except ValueError:
        return None
