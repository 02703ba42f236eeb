"""The terms of a text column: which words, pairs of words and runs of characters count, and how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwright.core import SparseBlock
from modelwright.features.plain_text import plain_tokens, runs
from modelwright.features.sparse import from_csr, side_by_side
from modelwright.features.state import damaged, pack_array, read_packed, read_texts
from modelwright.features.tokens import ALPHABET, MAX_CHARACTERS, Tokens, gram_keys, gram_texts, tokenise

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Vocabulary"]

MAX_TERMS = 20_000
"""Terms of one column: half of them words and pairs, half of them runs of characters."""

MIN_TEXTS = 2
"""Texts that a term must stand in: from one nothing can be learned."""

VALUES = 48_000_000
"""About how many weights the block of all rows may hold; then the most frequent terms are left out."""

FEWEST, MOST = 32, 256
"""Weights of a row, on average, for words and for runs of characters each, whatever the number of rows."""

_MOST_KNOWN = 20_000
"""Tokens whose runs of characters are remembered for single texts."""

CHUNK = 20_000
CHUNK_CHARACTERS = 20_000_000
"""Texts, and characters, that are counted at a time."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The terms of one column and the weight of each.

    The weight of a term in a text is ``(1 + log(count)) * idf`` with ``idf = log((1 + n) / (1 + df)) + 1``
    (n texts, df of them with the term), and the words of a text, as its runs of characters, have the
    length 1 together (Salton and Buckley, 1988).

    Attributes
    ----------
    words : tuple of str
        Tokens, and pairs of neighbours written with a blank between.
    grams : tuple of str
        Runs of 2 to 5 characters inside a token and the blanks around it.
    idf : float32 array, shape (words + grams,)

    Examples
    --------
    >>> vocabulary = Vocabulary.fit(pl.Series(["so far", "so far so good"]), rows=2)
    >>> vocabulary.words, vocabulary.weigh(pl.Series(["far far away"])).rows
    (('far', 'so', 'so far'), 1)
    """

    words: tuple[str, ...]
    grams: tuple[str, ...]
    idf: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: pl.Series, rows: int, limit: int = MAX_TERMS) -> Vocabulary:
        """Choose the terms by the number of texts that have them.

        Parameters
        ----------
        texts : polars.Series of str
            Without missing ones.
        rows : int
            Rows of the table that the texts are a sample of.
        limit : int, default 20000
            The most terms.
        """
        tokens = tokenise(texts)
        budget = float(np.clip(VALUES / 2 / max(1, rows), FEWEST, MOST)) * max(1, tokens.texts)
        words, word_counts = _choose_words(tokens, limit // 2, budget)
        grams, gram_counts = _choose_grams(tokens, limit - limit // 2, budget)
        frequency = np.concatenate([word_counts, gram_counts]).astype(np.float64)
        idf = np.log((1.0 + tokens.texts) / (1.0 + frequency)) + 1.0
        return cls(tuple(words), tuple(grams), idf.astype(np.float32))

    @property
    def size(self) -> int:
        """Number of terms."""
        return len(self.words) + len(self.grams)

    def weigh(self, texts: pl.Series) -> SparseBlock:
        """The weights of the terms, a row for each text: none for a missing or empty one.

        Every row is computed from that row alone, in the same order of operations.
        """
        long = texts.str.len_bytes().clip(0, MAX_CHARACTERS).mean()
        length = float(long) if isinstance(long, int | float) else 1.0
        step = int(min(CHUNK, max(1.0, CHUNK_CHARACTERS / max(1.0, length))))
        chunks = [self._weigh(texts[start : start + step]) for start in range(0, len(texts), step)]
        if len(chunks) == 1:
            return chunks[0]
        counts = np.concatenate([np.zeros(1, np.int64), *(np.diff(chunk.indptr) for chunk in chunks)])
        return SparseBlock(
            np.concatenate([np.empty(0, np.float32), *(chunk.data for chunk in chunks)]),
            np.concatenate([np.empty(0, np.int32), *(chunk.indices for chunk in chunks)]),
            np.cumsum(counts),
            self.size,
        )

    def weigh_plain(self, text: str | None) -> SparseBlock:
        """As `weigh`, of one text that `is_plain`, to the last bit."""
        tokens = [] if text is None else plain_tokens(text)
        known, pairs = self._columns, pairwise(tokens)
        words = Counter(known[token] for token in tokens if token in known)
        words.update(known[pair] for pair in map(" ".join, pairs) if pair in known)
        grams: Counter[int] = Counter()
        for token in tokens:
            grams.update(self._runs(token))
        first = len(self.words)
        parts = [_plain_weights(words, self.idf[:first]), _plain_weights(grams, self.idf[first:])]
        indices = np.concatenate([parts[0][0], parts[1][0] + np.int32(first)])
        data = np.concatenate([parts[0][1], parts[1][1]])
        return SparseBlock(data, indices, np.array([0, len(data)], np.int64), self.size)

    def _runs(self, token: str) -> list[int]:
        """The columns of the runs of characters of a token, which is remembered for a while."""
        found = self._known_runs.get(token)
        if found is None:
            if len(self._known_runs) >= _MOST_KNOWN:
                self._known_runs.clear()
            places = self._gram_places
            found = [places[run] for run in runs(token) if run in places]
            self._known_runs[token] = found
        return found

    @cached_property
    def _known_runs(self) -> dict[str, list[int]]:
        return {}

    @cached_property
    def _gram_places(self) -> dict[str, int]:
        return {gram: place for place, gram in enumerate(self.grams)}

    def _weigh(self, texts: pl.Series) -> SparseBlock:
        tokens = tokenise(texts)
        first = len(self.words)
        words = _weights(self._count_words(tokens), self.idf[:first])
        grams = _weights(_count_grams(tokens, self._gram_keys, self._alphabet), self.idf[first:])
        block = side_by_side([words, grams])
        assert block is not None
        return block

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {word: column for column, word in enumerate(self.words)}

    @cached_property
    def _alphabet(self) -> NDArray[np.uint32]:
        return np.array(sorted({ord(character) for gram in self.grams for character in gram}), np.uint32)

    @cached_property
    def _gram_keys(self) -> NDArray[np.int64]:
        """The keys of the runs, ascending as the runs are: both follow the order of the characters."""
        keys = np.empty(len(self.grams), np.int64)
        for place, gram in enumerate(self.grams):
            key = 0
            for code in np.searchsorted(self._alphabet, [ord(character) for character in gram]).tolist():
                key = key << ALPHABET.bit_length() | (code + 1)
            keys[place] = key
        return keys

    @cached_property
    def _pairs(self) -> tuple[dict[str, int], NDArray[np.int64], NDArray[np.int64]]:
        """The tokens of pairs by number; the keys of the pairs, ascending; the column of each."""
        pairs = [(word.split(" ", 1), column) for column, word in enumerate(self.words) if " " in word]
        parts = {part: 0 for pair, _ in pairs for part in pair}
        numbers = {part: number for number, part in enumerate(parts)}
        keys = np.array([numbers[left] * len(parts) + numbers[right] for (left, right), _ in pairs], np.int64)
        order = np.argsort(keys)
        return numbers, keys[order], np.array([column for _, column in pairs], np.int64)[order]

    def _count_words(self, tokens: Tokens) -> csr_matrix:
        single = np.array([self._columns.get(word, -1) for word in tokens.words], np.int64)[tokens.codes]
        known = single >= 0
        rows, columns = [tokens.rows[known]], [single[known]]
        numbers, keys, places = self._pairs
        if len(keys) and len(tokens.rows):
            part = np.array([numbers.get(word, -1) for word in tokens.words], np.int64)[tokens.codes]
            left, right = part[:-1], part[1:]
            both = (tokens.rows[:-1] == tokens.rows[1:]) & (left >= 0) & (right >= 0)
            wanted = left[both] * len(numbers) + right[both]
            found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            hit = keys[found] == wanted
            rows.append(tokens.rows[:-1][both][hit])
            columns.append(places[found[hit]])
        return _counts(np.concatenate(rows), np.concatenate(columns), (tokens.texts, len(self.words)))

    def to_dict(self) -> dict[str, Any]:
        """Terms and weights as JSON values."""
        return {"words": list(self.words), "grams": list(self.grams), "idf": pack_array(self.idf)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Vocabulary:
        """Inverse of `to_dict`; raises `BundleError` for anything else."""
        words = read_texts(record, "words", longest=MAX_TERMS)
        grams = read_texts(record, "grams", longest=MAX_TERMS)
        if list(grams) != sorted(grams, key=_gram_order) or len(set("".join(grams))) > ALPHABET:
            raise damaged("'grams'", "in order and of a bounded alphabet", grams[:3])
        if any(not 2 <= len(gram) <= 5 for gram in grams):
            raise damaged("'grams'", "runs of 2 to 5 characters", grams[:3])
        return cls(words, grams, read_packed(record, "idf", np.float32, (len(words) + len(grams),)))


def _gram_order(gram: str) -> tuple[int, str]:
    return len(gram), gram


def _counts(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> csr_matrix:
    """How often each column stands in each row."""
    from scipy.sparse import csr_matrix

    keys, counts = np.unique(rows * max(1, shape[1]) + columns, return_counts=True)
    found, places = np.divmod(keys, max(1, shape[1]))
    ends = np.concatenate([[0], np.cumsum(np.bincount(found, minlength=shape[0]))])
    return csr_matrix((counts.astype(np.float64), places, ends), shape=shape)


def _count_grams(tokens: Tokens, keys: NDArray[np.int64], alphabet: NDArray[np.uint32]) -> csr_matrix:
    """How often each run of characters stands in each text; ``keys`` ascend."""
    from scipy.sparse import csr_matrix

    if not len(keys) or not len(tokens.words):
        return csr_matrix((tokens.texts, len(keys)))
    positions, found = gram_keys(tokens.words, alphabet)
    places = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
    hit = keys[places] == found
    cut = _counts(positions[hit], places[hit], (len(tokens.words), len(keys)))
    words = _counts(tokens.rows, tokens.codes, (tokens.texts, len(tokens.words)))
    # Counts are whole numbers: sums of them are exact in any order.
    return csr_matrix(words @ cut)


def _weights(counts: csr_matrix, idf: NDArray[np.float32]) -> SparseBlock:
    """Weights of unit length for each row, from counts."""
    counts.sort_indices()
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    weights = (1.0 + np.log(counts.data)) * idf[counts.indices].astype(np.float64)
    # bincount adds up in the order of the values: the sum of a row does not depend on other rows.
    length = np.sqrt(np.bincount(rows, weights**2, minlength=counts.shape[0]))
    counts.data = weights / np.maximum(length[rows], 1e-12)
    return from_csr(counts)


def _plain_weights(
    counts: Counter[int], idf: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The columns and weights of one row as `_weights` gives them."""
    columns = np.array(sorted(counts), np.int32)
    often = np.array([counts[column] for column in columns.tolist()], np.float64)
    weights = (1.0 + np.log(often)) * idf[columns].astype(np.float64)
    length = np.sqrt(np.cumsum(weights**2)[-1]) if len(weights) else 0.0
    return columns, (weights / max(length, 1e-12)).astype(np.float32)


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct keys, ascending. Faster than `numpy.unique`, whose hash table suffers from so many."""
    ordered = np.sort(keys)
    first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    return np.asarray(ordered[first])


def _within(frequency: NDArray[np.int64], limit: int, budget: float) -> NDArray[np.intp]:
    """The terms that most texts have, but without the commonest of all where there are too many values."""
    order = np.argsort(-frequency, kind="stable")[:limit]
    total = np.cumsum(frequency[order][::-1])[::-1]
    return np.sort(order[total <= budget])


def _choose_words(tokens: Tokens, limit: int, budget: float) -> tuple[list[str], NDArray[np.int64]]:
    """Words and pairs of words in alphabetical order, and the number of texts that have each."""
    count = max(1, len(tokens.words))
    once = _distinct(tokens.rows * count + tokens.codes)
    frequency = np.bincount(once % count, minlength=count)
    kept = np.flatnonzero(frequency >= MIN_TEXTS)
    texts = [tokens.words[code] for code in kept.tolist()]
    found = frequency[kept]
    # Pairs of words that both stand in enough texts.
    short = np.full(count, -1, np.int64)
    short[kept] = np.arange(len(kept))
    codes = short[tokens.codes]
    left, right = codes[:-1], codes[1:]
    both = (tokens.rows[:-1] == tokens.rows[1:]) & (left >= 0) & (right >= 0)
    square = max(1, len(kept)) ** 2
    # Two sorts of plain numbers instead of one of pairs: first the distinct (text, pair), then the pairs.
    keys = tokens.rows[:-1][both] * square + left[both] * max(1, len(kept)) + right[both]
    keys = _distinct(keys) % square
    pairs, pair_counts = np.unique(keys, return_counts=True)
    often = pair_counts >= MIN_TEXTS
    for key in pairs[often].tolist():
        first, second = divmod(key, len(kept))
        texts.append(f"{texts[first]} {texts[second]}")
    return _alphabetical(texts, np.concatenate([found, pair_counts[often]]), limit, budget, sorted)


def _choose_grams(tokens: Tokens, limit: int, budget: float) -> tuple[list[str], NDArray[np.int64]]:
    """Runs of characters in order, and the number of texts that have each."""
    points = np.frombuffer("".join(tokens.words).encode("utf-32-le"), np.uint32)
    known, often = np.unique(points, return_counts=True)
    frequent = np.sort(known[np.argsort(-often, kind="stable")][: ALPHABET - 1])
    alphabet = np.unique(np.append(frequent, np.uint32(ord(" "))))
    positions, keys = gram_keys(tokens.words, alphabet)
    # Sum over words instead of texts: an upper bound, good enough to choose the candidates.
    size = max(1, len(tokens.words))
    frequency = np.bincount(_distinct(tokens.rows * size + tokens.codes) % size, minlength=size)
    candidates, place = np.unique(keys, return_inverse=True)
    rough = np.bincount(place, frequency[positions], minlength=len(candidates)).astype(np.int64)
    chosen = np.sort(np.argsort(-rough, kind="stable")[:limit])
    chosen = chosen[rough[chosen] >= MIN_TEXTS]
    exact = _texts_with(tokens, candidates[chosen], alphabet)
    texts = gram_texts(candidates[chosen], alphabet)
    enough = np.flatnonzero(exact >= MIN_TEXTS)
    kept = [texts[each] for each in enough.tolist()]
    return _alphabetical(kept, exact[enough], limit, budget, lambda found: sorted(found, key=_gram_order))


def _texts_with(tokens: Tokens, keys: NDArray[np.int64], alphabet: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The number of texts that have each run of characters, counted a part of the texts at a time."""
    total = np.zeros(len(keys), np.int64)
    for start in range(0, tokens.texts, CHUNK // 4):
        stop = min(tokens.texts, start + CHUNK // 4)
        first, last = np.searchsorted(tokens.rows, [start, stop])
        used, codes = np.unique(tokens.codes[first:last], return_inverse=True)
        words = [tokens.words[code] for code in used.tolist()]
        part = Tokens(tokens.rows[first:last] - start, codes, words, stop - start)
        found = _count_grams(part, keys, alphabet)
        total += np.bincount(found.indices, minlength=len(keys))
    return total


def _alphabetical(
    texts: list[str], frequency: NDArray[np.int64], limit: int, budget: float, order: Any
) -> tuple[list[str], NDArray[np.int64]]:
    """The terms within the bounds, in an order that the order of the rows has no part in."""
    by_text = dict(zip(texts, frequency.tolist(), strict=True))
    ordered: Sequence[str] = order(texts)
    counts = np.array([by_text[text] for text in ordered], np.int64)
    kept = _within(counts, limit, budget)
    return [ordered[each] for each in kept.tolist()], counts[kept]
