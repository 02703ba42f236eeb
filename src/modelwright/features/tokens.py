"""Texts to tokens, and tokens to runs of characters, as numbers that numpy can count.

Written here rather than taken from scikit-learn's vectorizers because those work character by character
in Python. Here every *distinct* token is cut into runs of characters once, and a sparse product says
which rows have them: the same counts, several times faster on texts of some length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["ALPHABET", "GRAM_SIZES", "Tokens", "gram_keys", "gram_texts", "tokenise"]

MAX_CHARACTERS = 20_000
"""A text is read up to here: one endless cell must not cost more than all others together."""

MAX_TOKEN = 64
"""A token is read up to here; longer ones are no words."""

GRAM_SIZES = (2, 3, 4, 5)
"""Lengths of the runs of characters, the blank at both ends of each token included."""

BITS = 12
ALPHABET = 2**BITS - 1
"""Distinct characters that runs are made of: five of them fit the 64 bits of one key."""

_TOKEN = r"\w+|[^\w\s]+"
"""Words and numbers, or runs of other signs (``!!``, ``:-)``, ``£``)."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of some texts, in the order in which they stand.

    Attributes
    ----------
    rows : int64 array, shape (tokens,)
        The text that each belongs to, ascending.
    codes : int64 array, shape (tokens,)
        Position of each in `words`.
    words : list of str
        The distinct tokens, in lower case.
    texts : int
        Number of texts.
    """

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    words: list[str]
    texts: int


def tokenise(texts: pl.Series) -> Tokens:
    """The tokens of each text; a missing text has none.

    Examples
    --------
    >>> tokens = tokenise(pl.Series(["Call me!", None, "call"]))
    >>> [tokens.words[code] for code in tokens.codes], tokens.rows.tolist()
    (['call', 'me', '!', 'call'], [0, 0, 0, 2])
    """
    lowered = texts.cast(pl.String).alias("text").str.slice(0, MAX_CHARACTERS).str.to_lowercase()
    frame = pl.DataFrame([lowered.str.extract_all(_TOKEN)]).with_row_index("row")
    # An empty list explodes to a null, which is dropped with those of missing texts.
    frame = frame.explode("text").filter(pl.col("text").is_not_null())
    tokens = frame["text"].str.slice(0, MAX_TOKEN)
    words = tokens.unique()
    codes = tokens.cast(pl.Enum(words)).to_physical()
    return Tokens(
        rows=frame["row"].cast(pl.Int64).to_numpy(),
        codes=codes.cast(pl.Int64).to_numpy(),
        words=words.to_list(),
        texts=len(texts),
    )


def gram_keys(
    words: Sequence[str], alphabet: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The runs of 2 to 5 characters of each word, the blanks around it included.

    Parameters
    ----------
    words : sequence of str
    alphabet : uint32 array
        The known characters (code points), ascending, at most `ALPHABET`; runs with another character
        are left out.

    Returns
    -------
    positions : int64 array
        The word of each run.
    keys : int64 array
        The run as one number: 12 bits a character, no two runs share one.

    Examples
    --------
    >>> alphabet = np.array(sorted(map(ord, " to")), np.uint32)
    >>> positions, keys = gram_keys(["to"], alphabet)
    >>> gram_texts(keys, alphabet)
    [' t', 'to', 'o ', ' to', 'to ', ' to ']
    """
    sizes = np.array([len(word) + 2 for word in words], np.int64)
    joined = "".join(f" {word} " for word in words)
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    owner = np.repeat(np.arange(len(words)), sizes)
    if not len(alphabet) or not len(points):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = np.minimum(np.searchsorted(alphabet, points), len(alphabet) - 1)
    codes = np.where(alphabet[found] == points, found + 1, 0).astype(np.int64)
    positions: list[NDArray[np.int64]] = []
    keys: list[NDArray[np.int64]] = []
    for size in GRAM_SIZES:
        count = len(codes) - size + 1
        if count <= 0:
            break
        inside = owner[:count] == owner[size - 1 :]
        key = np.zeros(count, np.int64)
        for offset in range(size):
            part = codes[offset : offset + count]
            inside &= part > 0
            key = (key << BITS) | part
        positions.append(owner[:count][inside])
        keys.append(key[inside])
    return np.concatenate(positions), np.concatenate(keys)


def gram_texts(keys: NDArray[np.int64], alphabet: NDArray[np.uint32]) -> list[str]:
    """The runs of characters behind keys of `gram_keys`."""
    texts: list[str] = []
    for key in keys.tolist():
        characters = []
        while key:
            characters.append(chr(int(alphabet[(key & ALPHABET) - 1])))
            key >>= BITS
        texts.append("".join(reversed(characters)))
    return texts
