"""Statistics and terms of one text in plain Python, for texts of characters that all libraries see alike.

A polars expression on a single text costs a hundred times what the text does. Python and polars know
different versions of Unicode and mean different things by a letter, so this is for Latin letters, the signs
beside them and the usual typographic ones: what they are has not changed for decades.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from modelwright.features.tokens import GRAM_SIZES, MAX_CHARACTERS, MAX_TOKEN

__all__ = ["is_plain", "plain_statistics", "plain_tokens", "runs"]

_TYPOGRAPHIC = "\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026\u2032\u2033\u20ac"

# Latin letters of Europe; İ (U+0130) becomes two characters in lower case
_CHARACTERS = [chr(code) for code in range(0x180) if code != 0x130] + list(_TYPOGRAPHIC)
_SPACES = "\t\n\x0b\x0c\r \x85\xa0"


def _class(character: str) -> str:
    """One letter for what a character is: u(pper), l(etter), d(igit), w(ord), p(unctuation), s(ymbol)."""
    if character in _SPACES:
        return " "
    category = unicodedata.category(character)
    named = {"Lu": "u", "Nd": "d", "Mn": "w", "Mc": "w", "Me": "w"}.get(category)
    return named or {"L": "l", "P": "p", "S": "s"}.get(category[0], "o")


_CLASSES = {ord(character): _class(character) for character in _CHARACTERS}
_WORD = "".join(
    re.escape(character)
    for character in _CHARACTERS
    if _class(character) in "uldw" or unicodedata.category(character) == "Pc"
)
_SPACE = re.escape(_SPACES)
_PLAIN = re.compile(f"[{''.join(map(re.escape, _CHARACTERS))}]*")
_WORDS = re.compile(f"[^{_SPACE}]+")
_TOKENS = re.compile(f"[{_WORD}]+|[^{_WORD}{_SPACE}]+")


def is_plain(text: str) -> bool:
    """Whether all characters are such as can be treated here.

    Examples
    --------
    >>> is_plain("Café, 5 €"), is_plain("日本")
    (True, False)
    """
    return text.isascii() or _PLAIN.fullmatch(text) is not None


def plain_statistics(text: str) -> list[float]:
    """The statistics of `TextTransformer` in their order.

    Examples
    --------
    >>> plain_statistics("Call me!")[:3]
    [8.0, 2.0, 3.5]
    """
    count = Counter(text.translate(_CLASSES))
    length = len(text)
    words = _WORDS.findall(text.lower())
    letters = count["u"] + count["l"]
    found = (
        length,
        len(words),
        (length - count[" "]) / max(1, len(words)),
        len(set(words)) / max(1, len(words)),
        text.count("\n"),
        count["d"] / max(1, length),
        count["u"] / max(1, letters),
        count["p"] / max(1, length),
        text.count("!"),
        text.count("?"),
        count["s"] / max(1, length),
    )
    return [float(each) for each in found]


def plain_tokens(text: str) -> list[str]:
    """The tokens of `tokenise`, in the order in which they stand.

    Examples
    --------
    >>> plain_tokens("Call me!")
    ['call', 'me', '!']
    """
    return [token[:MAX_TOKEN] for token in _TOKENS.findall(text[:MAX_CHARACTERS].lower())]


def runs(token: str) -> list[str]:
    """Every run of 2 to 5 characters of a token with a blank at both ends, as often as it stands there.

    Examples
    --------
    >>> runs("to")
    [' t', 'to', 'o ', ' to', 'to ', ' to ']
    """
    padded = f" {token} "
    return [
        padded[start : start + size] for size in GRAM_SIZES for start in range(max(0, len(padded) - size + 1))
    ]
