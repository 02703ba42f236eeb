"""The view of one row is the same, to the last bit, whichever way it is made."""

from __future__ import annotations

import string
from datetime import datetime

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core import Column, Kind, Schema, View
from modelwright.features import FeatureOptions, Featurizer, RowFeaturizer
from modelwright.features.plain_text import is_plain, plain_tokens
from modelwright.features.text import TextTransformer
from modelwright.features.tokens import tokenise

WORDS = [*"so far so good the café £5 x_1 call-me NO! really? 12.5% “quoted” a+b=c".split(), "end.\n"]  # noqa: SIM905
ROWS = 60


def _frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(0, 9))) for _ in range(ROWS)]
    holes = rng.random(ROWS) < 0.1

    def with_holes(values: list, dtype: object) -> pl.Series:
        return pl.Series([None if hole else value for hole, value in zip(holes, values)], dtype=dtype)

    moments = [
        datetime(2020 + n % 3, 1 + n % 12, 1 + n % 28, n % 24, 7 * n % 60, 0, 31 * n) for n in range(ROWS)
    ]
    return pl.DataFrame(
        {
            "plain": with_holes(rng.normal(size=ROWS).tolist(), pl.Float64),
            "epoch": with_holes((1.6e9 + rng.integers(0, 10**7, ROWS)).tolist(), pl.Float64),
            "wide": with_holes([2**60 + 3 * n for n in range(ROWS)], pl.Int64),
            "large": with_holes((rng.lognormal(0, 40, ROWS)).tolist(), pl.Float64),
            "flag": with_holes([bool(n % 2) for n in range(ROWS)], pl.Boolean),
            "plan": with_holes([f"plan {n % 5}" for n in range(ROWS)], pl.String),
            "seen": with_holes(moments, pl.Datetime("us")),
            "left": with_holes(moments[::-1], pl.Datetime("us")),
            "note": with_holes(texts, pl.String),
            "tags": with_holes([["a", "b"][: n % 3] for n in range(ROWS)], pl.List(pl.String)),
            "place": with_holes([[float(n), float(2 * n)] for n in range(ROWS)], pl.List(pl.Float64)),
        }
    )


KINDS = {
    **dict.fromkeys(("plain", "epoch", "wide", "large"), Kind.NUMERIC),
    "flag": Kind.BOOLEAN,
    "plan": Kind.CATEGORICAL,
    "seen": Kind.DATETIME,
    "left": Kind.DATETIME,
    "note": Kind.TEXT,
    "tags": Kind.LIST,
    "place": Kind.COORDINATES,
}
SCHEMA = Schema(tuple(Column(name, kind) for name, kind in KINDS.items()))
FRAME = _frame()
FEATURIZER = Featurizer.fit(FRAME, SCHEMA, FeatureOptions())
ROW = RowFeaturizer(FEATURIZER, dict(FRAME.schema))

TEXT = st.text(st.characters(max_codepoint=0x17F, exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(WORDS)
).map(" ".join)
CELLS = {
    "plain": st.floats(allow_nan=False, allow_infinity=False),
    "epoch": st.floats(1.5e9, 1.7e9),
    "wide": st.integers(-(2**63), 2**63 - 1),
    "large": st.floats(allow_nan=False, allow_infinity=False),
    "flag": st.booleans(),
    "plan": st.sampled_from(["plan 1", "plan 4", "other", ""]),
    "seen": st.datetimes(datetime(1600, 1, 1), datetime(2200, 1, 1)),
    "left": st.datetimes(datetime(1600, 1, 1), datetime(2200, 1, 1)),
    "note": TEXT | st.text(),
    "tags": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
    "place": st.lists(st.floats(-80, 80), min_size=2, max_size=2),
}


def same(one: View, other: View) -> bool:
    blocks = np.array_equal(one.numeric, other.numeric, equal_nan=True)
    codes = np.array_equal(one.categorical, other.categorical)
    assert one.sparse is not None
    assert other.sparse is not None
    names = ("data", "indices", "indptr", "columns")
    terms = all(np.array_equal(getattr(one.sparse, name), getattr(other.sparse, name)) for name in names)
    types = [each.dtype for each in (one.sparse.data, one.sparse.indices, one.sparse.indptr)]
    return blocks and codes and terms and types == [np.float32, np.int32, np.int64]


def test_every_row_of_training_has_the_same_view() -> None:
    whole = FEATURIZER.transform(FRAME)
    for position, row in enumerate(FRAME.iter_rows(named=True)):
        assert same(ROW.transform(row), whole.take(np.array([position]))), row


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({name: st.none() | cells for name, cells in CELLS.items()}))
def test_any_row_has_the_view_of_its_frame(row: dict) -> None:
    frame = pl.DataFrame({name: pl.Series([row[name]], dtype=FRAME.schema[name]) for name in row})
    assert same(ROW.transform(row), FEATURIZER.transform(frame)), row


def test_plain_characters_are_what_polars_takes_them_for() -> None:
    letters = [chr(code) for code in range(0x180) if code != 0x130] + list("–—‘’‚“”„•…′″€")
    texts = [*(f"x{letter}{letter}Y {letter}. a{letter}" for letter in letters), "".join(letters), *letters]
    assert all(map(is_plain, texts))
    tokens = tokenise(pl.Series(texts))
    found: list[list[str]] = [[] for _ in texts]
    for row, code in zip(tokens.rows.tolist(), tokens.codes.tolist()):
        found[row].append(tokens.words[code])
    assert found == [plain_tokens(text) for text in texts]
    transformer = TextTransformer(("note",))
    statistics = np.empty((len(texts), len(transformer.features)), np.float32)
    transformer.transform(pl.DataFrame({"note": texts}), statistics)
    one = np.empty(statistics.shape[1], np.float32)
    for text, expected in zip(texts, statistics):
        assert transformer.transform_row({"note": text}, one)
        assert np.array_equal(one, expected), ascii(text)


def test_other_scripts_are_left_to_the_frame() -> None:
    assert not any(map(is_plain, ("日本", "straße Ωmega", "I\u0307", "\u0130stanbul", "🙂")))
    assert is_plain(string.printable + "äöüßéñ €–“”…")


def test_groups_are_made_of_the_row_alone() -> None:
    chosen = FeatureOptions(group="plan")
    featurizer = Featurizer.fit(FRAME, SCHEMA, chosen)
    row = FRAME.row(3, named=True)
    view = RowFeaturizer(featurizer, dict(FRAME.schema)).transform(row)
    assert same(view, featurizer.transform(FRAME[3:4]))
