"""The words for "missing", "true" and "false" that tables use."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BOOLEAN_PAIRS", "INFINITE", "MISSING", "NUMERIC_MISSING", "missing_tokens"]

MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NaT", "None"}
    | {"null", "Null", "NULL", "#NULL!", "1.#QNAN", "-1.#IND", "1.#IND"}
)
"""Missing wherever they stand in a text column, exactly so spelled (a level 'none' is a level)."""

_MARKS = frozenset({"?", "??", "-", "--", "\u2013", "\u2014", ".", "..", "...", "*", "_"})
"""Missing among categories, if at least two real levels remain and the mark is not one of a pair."""

NUMERIC_MISSING = frozenset(
    {token.casefold() for token in MISSING | _MARKS}
    | {"none", "missing", "unknown", "unk", "undefined", "nil", "n.a.", "n.a", "na.", "tbd", "error"}
    | {"not available", "not applicable", "(null)", "(blank)", "blank"}
    | {"#ref!", "#div/0!", "#value!", "#num!", "#name?"}
)
"""Missing among numbers and dates, compared without regard to case."""

INFINITE = frozenset({"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "1.#inf", "-1.#inf"})

BOOLEAN_PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"))
"""Spellings of true and false, compared without regard to case."""


def missing_tokens(levels: Iterable[str]) -> set[str]:
    """Which of the distinct values of a text column stand for "missing".

    Examples
    --------
    >>> sorted(missing_tokens(["Private", "State-gov", "?", "NA"]))
    ['?', 'NA']
    >>> missing_tokens(["+", "-"])
    set()
    """
    known = set(levels)
    found = known & MISSING
    marks = (known - found) & _MARKS
    real = known - found - marks
    if marks and len(real) >= 2 and "+" not in real:
        found |= marks
    return found
