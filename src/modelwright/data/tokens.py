"""The words for "missing", "true" and "false" that tables use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["BOOLEAN_PAIRS", "INFINITE", "MISSING", "NUMERIC_MISSING", "boolean_words", "missing_tokens"]

MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NaT", "None"}
    | {"null", "Null", "NULL", "#NULL!", "1.#QNAN", "-1.#IND", "1.#IND", "\\N", "(null)", "(blank)"}
    | {"#REF!", "#DIV/0!", "#VALUE!", "#NUM!", "#NAME?"}
)
"""Missing wherever they stand in a text column, exactly so spelled (a level 'none' is a level)."""

_MARKS = frozenset({"?", "??", "-", "--", "\u2013", "\u2014", ".", "..", "...", "*", "_"})
"""Missing among categories, if at least two real levels remain and the mark is not one of a pair."""

NUMERIC_MISSING = frozenset(
    {token.casefold() for token in MISSING | _MARKS}
    | {"none", "missing", "unknown", "unk", "undefined", "nil", "n.a.", "n.a", "na.", "tbd", "error"}
    | {"not available", "not applicable", "blank", "not known", "not recorded", "no data"}
)
"""Missing among numbers and dates, compared without regard to case."""

INFINITE = frozenset({"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "1.#inf", "-1.#inf"})

BOOLEAN_PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"))
"""Spellings of true and false, compared without regard to case."""

_OTHER_PAIRS = (
    *(("ja", "nein"), ("j", "n"), ("wahr", "falsch"), ("oui", "non"), ("o", "n"), ("vrai", "faux")),
    *(
        ("s\u00ed", "no"),
        ("si", "no"),
        ("s\u00ec", "no"),
        ("s", "n"),
        ("verdadero", "falso"),
        ("vero", "falso"),
    ),
    *(("sim", "n\u00e3o"), ("sim", "nao"), ("ja", "nee"), ("ja", "nej"), ("ja", "nei"), ("tak", "nie")),
    *(("da", "net"), ("\u0434\u0430", "\u043d\u0435\u0442"), ("evet", "hay\u0131r"), ("kyll\u00e4", "ei")),
)
_DIGITS = (("1", "0"), ("1.0", "0.0"))


def missing_tokens(levels: Iterable[str]) -> set[str]:
    """Which of the distinct values of a text column stand for "missing".

    Examples
    --------
    >>> sorted(missing_tokens(["Private", "State-gov", "?", "NA"]))
    ['?', 'NA']
    >>> missing_tokens(["+", "-"])
    set()
    """
    known = levels if isinstance(levels, Mapping) else set(levels)
    found = {token for token in MISSING if token in known}  # a million levels need no set of their own
    marks = {mark for mark in _MARKS - found if mark in known}
    others = len(known) - len(found) - len(marks)
    if marks and others >= 2 and ("+" not in known or "+" in found | marks):
        found |= marks
    return found


def boolean_words(words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]] | None:
    """The words for true and for false, if all given (small) words are such, in one spelling or several.

    One pair must be complete. Other spellings may stand beside it if they belong to the same language, or are
    0 and 1; 0 and 1 alone are numbers.

    Examples
    --------
    >>> boolean_words({"yes", "n", "y", "0"}) == (frozenset({"yes", "y"}), frozenset({"n", "0"}))
    True
    >>> boolean_words({"0", "1"}), boolean_words({"yes", "no", "perhaps"})
    (None, None)
    """
    known = set(words)
    for pair in _OTHER_PAIRS:
        if known == set(pair):
            return frozenset({pair[0]}), frozenset({pair[1]})
    if not any(known >= set(pair) for pair in BOOLEAN_PAIRS):
        return None
    true = frozenset(pair[0] for pair in (*BOOLEAN_PAIRS, *_DIGITS)) & known
    false = frozenset(pair[1] for pair in (*BOOLEAN_PAIRS, *_DIGITS)) & known
    return (true, false) if true | false == known else None
