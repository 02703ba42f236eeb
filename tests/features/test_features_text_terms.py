"""Terms of texts: counted as a slow and plain count would, weighted as scikit-learn does, row by row."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from modelwright.core import BundleError, Column, Kind, Schema, SparseBlock
from modelwright.features import FeatureOptions, Featurizer, as_csr
from modelwright.features.reduction import fit_axes
from modelwright.features.terms import Vocabulary
from modelwright.features.text_terms import TextTerms
from modelwright.features.tokens import gram_keys, gram_texts, tokenise

WORDS = ["free", "call", "now!", "été", "win £100", "see you", "tomorrow", "ok", "дом", "好的朋友", "a"]


def some_texts(rows: int = 300, seed: int = 0) -> pl.Series:
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, size)) for size in random.integers(0, 12, rows)]
    return pl.Series("text", [None if random.random() < 0.1 else text for text in texts], pl.String)


def dense(block: SparseBlock) -> np.ndarray:
    return np.asarray(as_csr(block).toarray())


# -- tokens ---------------------------------------------------------------------------------------------


def test_tokens_are_words_and_runs_of_signs() -> None:
    tokens = tokenise(pl.Series(["Don't  STOP!! :-)", "", None, "x_1 £5\n好"]))
    found = [(int(row), tokens.words[code]) for row, code in zip(tokens.rows, tokens.codes)]
    assert found == [
        *((0, word) for word in ("don", "'", "t", "stop", "!!", ":-)")),
        *((3, word) for word in ("x_1", "£", "5", "好")),
    ]


def test_endless_texts_and_words_are_cut() -> None:
    tokens = tokenise(pl.Series(["a" * 100_000, "b " * 50_000]))
    assert max(map(len, tokens.words)) == 64
    assert len(tokens.rows) <= 1 + 10_000


@given(st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=8))
def test_runs_of_characters_are_those_of_a_plain_count(words: list[str]) -> None:
    alphabet = np.array(sorted({ord(character) for word in words for character in f" {word} "}), np.uint32)
    positions, keys = gram_keys(words, alphabet)
    found = Counter(zip(positions.tolist(), gram_texts(keys, alphabet)))
    expected: Counter[tuple[int, str]] = Counter()
    for place, word in enumerate(words):
        padded = f" {word} "
        for size in (2, 3, 4, 5):
            expected.update((place, padded[at : at + size]) for at in range(len(padded) - size + 1))
    assert found == expected


# -- vocabulary -----------------------------------------------------------------------------------------


def test_weights_are_those_of_scikit_learn() -> None:
    texts = some_texts().drop_nulls()
    vocabulary = Vocabulary.fit(texts, len(texts))
    block = dense(vocabulary.weigh(texts))
    split = tokenise(texts)
    by_row: dict[int, list[str]] = {}
    for row, code in zip(split.rows.tolist(), split.codes.tolist()):
        by_row.setdefault(row, []).append(split.words[code])
    documents = [by_row.get(row, []) for row in range(len(texts))]

    def words(document: list[str]) -> list[str]:
        return document + [f"{first} {second}" for first, second in pairwise(document)]

    def runs(document: list[str]) -> list[str]:
        padded = [f" {word} " for word in document]
        sizes = (2, 3, 4, 5)
        return [word[at : at + n] for word in padded for n in sizes for at in range(len(word) - n + 1)]

    first = len(vocabulary.words)
    for analyzer, terms, part in (
        (words, vocabulary.words, block[:, :first]),
        (runs, vocabulary.grams, block[:, first:]),
    ):
        reference = TfidfVectorizer(analyzer=analyzer, min_df=2, sublinear_tf=True).fit(documents)
        assert sorted(terms) == sorted(reference.vocabulary_)
        wanted = reference.transform(documents).toarray()[:, [reference.vocabulary_[term] for term in terms]]
        np.testing.assert_allclose(part, wanted, atol=1e-6)


def test_the_order_of_rows_does_not_matter() -> None:
    texts = some_texts().drop_nulls()
    first, second = Vocabulary.fit(texts, 300, 60), Vocabulary.fit(texts.reverse(), 300, 60)
    assert first.to_dict() == second.to_dict()
    assert len(first.words) == len(first.grams) == 30


def test_where_there_are_very_many_values_the_commonest_terms_go() -> None:
    random = np.random.default_rng(0)
    texts = pl.Series([" ".join(["the", *random.choice(999, 60).astype(str)]) for _ in range(500)])
    few, many = Vocabulary.fit(texts, 500), Vocabulary.fit(texts, 50_000_000)
    assert "the" in few.words
    assert "the" not in many.words
    assert few.size > many.size > 0
    assert len(few.weigh(texts).data) / 500 > 100
    assert len(many.weigh(texts).data) / 500 <= 64


def test_chunks_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = some_texts()
    vocabulary = Vocabulary.fit(texts.drop_nulls(), 300)
    whole = vocabulary.weigh(texts)
    for limit, size in (("CHUNK_CHARACTERS", 90), ("CHUNK", 7)):
        monkeypatch.setattr(f"modelwright.features.terms.{limit}", size)
        parts = vocabulary.weigh(texts)
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(whole, part), getattr(parts, part))
    assert vocabulary.weigh(texts.head(0)).rows == 0
    again = Vocabulary.fit(texts.drop_nulls(), 300)
    assert again.to_dict() == vocabulary.to_dict()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=12))
def test_any_text_will_do(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"x": pl.Series([*texts, *texts], dtype=pl.String)})
    transformer = TextTerms.fit(frame, ["x"])
    out = np.empty((frame.height, len(transformer.features)), np.float32)
    block = transformer.transform(frame, out)
    assert block is not None
    assert np.isfinite(block.data).all()
    again = TextTerms.from_dict(json.loads(json.dumps(transformer.to_dict())))
    assert again == transformer
    half = transformer.transform(frame.head(len(texts)), out[: len(texts)].copy())
    assert half is not None
    np.testing.assert_array_equal(half.data, block.data[: len(half.data)])


# -- axes -----------------------------------------------------------------------------------------------


def test_axes_are_those_of_the_exact_decomposition() -> None:
    from scipy.sparse import csr_matrix

    random = np.random.default_rng(1)
    plain = random.normal(size=(80, 6)) @ np.diag([9, 7, 5, 3, 2, 1]) @ random.normal(size=(6, 50))
    axes = fit_axes(csr_matrix(plain.astype(np.float32)), 3).astype(np.float64)
    exact = np.linalg.svd(plain, full_matrices=False)[2][:3].T
    np.testing.assert_allclose(np.abs((axes * exact).sum(axis=0)), 1.0, atol=2e-3)
    assert (axes[np.abs(axes).argmax(axis=0), range(3)] > 0).all()


def test_axes_of_little_or_nothing() -> None:
    from scipy.sparse import csr_matrix

    assert fit_axes(csr_matrix((5, 4), dtype=np.float32), 3).shape == (4, 0)
    assert fit_axes(csr_matrix((0, 4), dtype=np.float32), 3).shape == (4, 0)
    assert fit_axes(csr_matrix(np.ones((9, 4), np.float32)), 3).shape == (4, 1)


def test_axes_tell_topics_apart() -> None:
    random = np.random.default_rng(0)
    topic = random.integers(0, 2, 400)
    vocabulary = [[f"sea{n}" for n in range(20)], [f"car{n}" for n in range(20)]]
    texts = [" ".join(random.choice(vocabulary[each], 8)) for each in topic]
    frame = pl.DataFrame({"x": texts})
    transformer = TextTerms.fit(frame.head(300), ["x"])
    out = np.empty((400, len(transformer.features)), np.float32)
    transformer.transform(frame, out)
    strongest = max(abs(np.corrcoef(out[300:, axis], topic[300:])[0, 1]) for axis in range(3))
    assert strongest > 0.95


# -- in a view ------------------------------------------------------------------------------------------


def fit_text(frame: pl.DataFrame, options: FeatureOptions | None = None) -> Featurizer:
    return Featurizer.fit(frame, Schema(tuple(Column(name, Kind.TEXT) for name in frame.columns)), options)


def test_two_texts_share_one_sparse_block() -> None:
    frame = pl.DataFrame({"a": some_texts(seed=1), "b": some_texts(seed=2)})
    featurizer = fit_text(frame)
    view = featurizer.transform(frame)
    assert view.sparse is not None
    assert [(each.source, each.transform) for each in view.info.sparse] == [
        ("a", "words"),
        ("a", "characters"),
        ("b", "words"),
        ("b", "characters"),
    ]
    assert view.sparse.columns == sum(each.levels for each in view.info.sparse)
    alone = fit_text(frame.select("b")).transform(frame)
    assert alone.sparse is not None
    np.testing.assert_array_equal(dense(view.sparse)[:, -alone.sparse.columns :], dense(alone.sparse))
    rows = np.array([5, 0, 299])
    np.testing.assert_array_equal(
        dense(featurizer.transform(frame[rows.tolist()]).sparse),  # type: ignore[arg-type]
        dense(view.sparse)[rows],
    )
    again = Featurizer.from_dict(json.loads(json.dumps(featurizer.to_dict())))
    np.testing.assert_array_equal(again.transform(frame).numeric, view.numeric)


def test_terms_name_the_columns_of_the_sparse_block() -> None:
    frame = pl.DataFrame({"x": ["free call", "free", "call me", "me"] * 3})
    featurizer = fit_text(frame)
    transformer = featurizer.transformers["text_terms"]
    assert isinstance(transformer, TextTerms)
    view = featurizer.transform(pl.DataFrame({"x": ["call"]}))
    assert view.sparse is not None
    named = {transformer.terms("x")[column] for column in view.sparse.indices.tolist()}
    assert {"call", " cal", "all "} <= named
    assert "free" not in named


def test_texts_without_terms() -> None:
    frame = pl.DataFrame({"x": some_texts()})
    view = fit_text(frame, FeatureOptions(without=("text_terms",))).transform(frame)
    assert view.sparse is None
    assert view.info.sparse == ()
    assert view.numeric.shape[1] == 11


def test_threads_do_not_change_the_state() -> None:
    from threadpoolctl import threadpool_limits

    frame = pl.DataFrame({"x": some_texts(1_000)})
    states = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            states.append(fit_text(frame).to_dict())
    assert states[0] == states[1]


@pytest.mark.parametrize(
    "change",
    [
        {"axes": "AAAA"},
        {"axes": "§"},
        {"axes": None},
        {"width": 65},
        {"width": 1},
        {"vocabulary": {}},
        {"words": ["one"]},
        {"words": ["call", "call"]},
        {"grams": ["toolong"]},
        {"idf": "AACAfwAAgH8="},
    ],
)
def test_damaged_terms_are_refused(change: dict[str, Any]) -> None:
    state = TextTerms.fit(pl.DataFrame({"x": some_texts()}), ["x"]).to_dict()
    model = json.loads(json.dumps(state["models"]["x"]))
    for key, value in change.items():
        place = model if key in model else model["vocabulary"]
        place[key] = value
    with pytest.raises(BundleError, match="damaged"):
        TextTerms.from_dict({"columns": ["x"], "models": {"x": model}})
