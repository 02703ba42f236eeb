"""The encoders that are fitted inside a fold: honest, finite, and carried by plain arrays."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from modelwright.core import (
    BundleError,
    Column,
    FeatureInfo,
    Kind,
    OptionError,
    Role,
    Schema,
    SchemaMismatch,
    View,
    ViewInfo,
)
from modelwright.features import DenseEncoder, Featurizer, KnownLevels, TreeEncoder, fold_codes


def make_view(numeric: Any, codes: Any = None, levels: tuple[int, ...] = ()) -> View:
    block = np.array(numeric, np.float32)
    categorical = np.zeros((len(block), 0), np.int32) if codes is None else np.array(codes, np.int32)
    info = ViewInfo(
        tuple(FeatureInfo(f"x{number}", f"x{number}", "value") for number in range(block.shape[1])),
        tuple(FeatureInfo(f"c{number}", f"c{number}", "codes", size) for number, size in enumerate(levels)),
    )
    return View(block, categorical, info)


def random_view(rows: int = 300, seed: int = 0, levels: tuple[int, ...] = (4, 40, 300)) -> View:
    random = np.random.default_rng(seed)
    block = np.column_stack(
        [
            random.normal(size=rows),
            np.exp(2 * random.normal(size=rows)),
            random.random(rows) < 0.1,
            np.full(rows, 3.0),
            np.where(random.random(rows) < 0.3, np.nan, random.normal(1e9, 1, rows)),
            np.full(rows, np.nan),
        ]
    )
    codes = np.column_stack([random.integers(0, size, rows) for size in levels])
    return make_view(block, codes, levels)


def dense(array: NDArray[Any] | csr_matrix) -> NDArray[Any]:
    return array.toarray() if issparse(array) else np.asarray(array)  # type: ignore[union-attr]


def through_npz(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


TRAIN = np.arange(0, 300, 2)
ENCODERS: dict[str, Any] = {
    "dense": lambda view, rows: DenseEncoder.fit(view, rows),
    "dense-wide": lambda view, rows: DenseEncoder.fit(view, rows, max_levels=1000, min_count=1),
    "dense-frequency": lambda view, rows: DenseEncoder.fit(view, rows, one_hot=False),
    "dense-unscaled": lambda view, rows: DenseEncoder.fit(view, rows, scale=False),
    "dense-normal": lambda view, rows: DenseEncoder.fit(view, rows, scale="normal"),
    "tree": lambda view, rows: TreeEncoder.fit(view, rows),
    "tree-below": lambda view, rows: TreeEncoder.fit(view, rows, impute="below", one_hot_levels=0),
}


@pytest.mark.parametrize("name", list(ENCODERS))
class TestEncoder:
    def test_finite_and_as_wide_as_said(self, name: str) -> None:
        view = random_view()
        encoder = ENCODERS[name](view, TRAIN)
        result = dense(encoder.transform(view))
        assert result.shape == (300, encoder.width)
        assert result.dtype == np.float32
        assert np.isfinite(result).all()
        columns = encoder.columns(view.info)
        assert len(columns) == encoder.width
        assert len({column.name for column in columns}) == encoder.width
        assert {column.source for column in columns} <= {f"x{n}" for n in range(6)} | {"c0", "c1", "c2"}

    def test_state_survives_npz(self, name: str) -> None:
        view = random_view()
        encoder = ENCODERS[name](view, TRAIN)
        again = type(encoder).from_arrays(through_npz(encoder.arrays()))
        other = random_view(50, seed=9)
        np.testing.assert_array_equal(dense(again.transform(other)), dense(encoder.transform(other)))

    def test_other_rows_are_not_looked_at(self, name: str) -> None:
        view = random_view()
        changed = random_view()
        rest = np.setdiff1d(np.arange(300), TRAIN)
        changed.numeric[rest] = 1e6
        changed.categorical[rest] = 3
        first, second = ENCODERS[name](view, TRAIN), ENCODERS[name](changed, TRAIN)
        for key, array in first.arrays().items():
            np.testing.assert_array_equal(array, second.arrays()[key])

    def test_levels_absent_from_training_rows_are_as_unseen(self, name: str) -> None:
        view = random_view()
        encoder = ENCODERS[name](view, TRAIN)
        masked = View(view.numeric, KnownLevels.fit(view, TRAIN).apply(view.categorical), view.info)
        assert (masked.categorical != view.categorical).any()
        np.testing.assert_array_equal(dense(encoder.transform(masked)), dense(encoder.transform(view)))

    def test_rows_are_independent(self, name: str) -> None:
        view = random_view()
        encoder = ENCODERS[name](view, slice(0, 200))
        rows = np.random.default_rng(1).permutation(300)[:77]
        whole = dense(encoder.transform(view))
        np.testing.assert_array_equal(dense(encoder.transform(view, rows)), whole[rows])
        np.testing.assert_array_equal(dense(encoder.transform(view.take(slice(3, 4)))), whole[3:4])
        assert encoder.transform(view, slice(0, 0)).shape == (0, encoder.width)

    def test_outliers_and_codes_out_of_range(self, name: str) -> None:
        view = random_view()
        encoder = ENCODERS[name](view, TRAIN)
        odd = make_view(np.full((2, 6), 1e30), [[99, 999, 9999], [-5, -1, 0]], (4, 40, 300))
        assert np.isfinite(dense(encoder.transform(odd))).all()
        zero = make_view(np.full((2, 6), 1e30), np.zeros((2, 3)), (4, 40, 300))
        np.testing.assert_array_equal(dense(encoder.transform(odd)), dense(encoder.transform(zero)))

    def test_another_number_of_columns_is_refused(self, name: str) -> None:
        encoder = ENCODERS[name](random_view(), TRAIN)
        with pytest.raises(SchemaMismatch, match="Expected 6 numeric columns, but got 1"):
            encoder.transform(make_view([[1.0]], [[0, 0, 0]], (4, 40, 300)))
        with pytest.raises(SchemaMismatch, match="Expected 3 categorical columns, but got 0"):
            encoder.transform(make_view(np.zeros((1, 6))))

    def test_read_only_views_will_do(self, name: str) -> None:
        view = random_view()
        expected = dense(ENCODERS[name](view, None).transform(view))
        view.numeric.flags.writeable = False
        view.categorical.flags.writeable = False
        np.testing.assert_array_equal(dense(ENCODERS[name](view, None).transform(view)), expected)

    def test_no_training_rows(self, name: str) -> None:
        view = random_view()
        assert np.isfinite(dense(ENCODERS[name](view, np.arange(0)).transform(view))).all()

    def test_damaged_arrays_are_an_error_of_ours(self, name: str) -> None:
        encoder = ENCODERS[name](random_view(), TRAIN)
        arrays = encoder.arrays()
        for key, array in arrays.items():
            for junk in (array.astype(np.complex64), array[:, None]):
                with pytest.raises(BundleError):
                    type(encoder).from_arrays({**arrays, key: junk})
            with pytest.raises(BundleError, match=repr(key)):
                type(encoder).from_arrays({k: v for k, v in arrays.items() if k != key})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(ENCODERS)), st.data())
def test_one_changed_number_never_crashes(name: str, data: st.DataObject) -> None:
    view = random_view(60, levels=(4, 12, 60))
    encoder = ENCODERS[name](view, slice(0, 40))
    arrays = {key: array.copy() for key, array in encoder.arrays().items()}
    key = data.draw(st.sampled_from([key for key, array in arrays.items() if len(array)]))
    place = data.draw(st.integers(0, len(arrays[key]) - 1))
    junk = data.draw(st.sampled_from([-(2**40), -2, -1, 0, 1, 5, 2**20, 2**40]))
    arrays[key][place] = junk
    if data.draw(st.booleans()):
        arrays[key] = arrays[key][: data.draw(st.integers(0, place))]
    try:
        changed = type(encoder).from_arrays(arrays)
        result = changed.transform(view)
    except (BundleError, SchemaMismatch):
        return
    assert result.shape == (60, changed.width)
    assert changed.width < 1000


# -- numbers --------------------------------------------------------------------------------------------


def test_standardisation_and_median() -> None:
    view = make_view([[1.0], [2.0], [3.0], [np.nan], [1000.0]])
    encoder = DenseEncoder.fit(view, np.arange(4))
    result = np.asarray(encoder.transform(view))
    assert [column.name for column in encoder.columns(view.info)] == ["x0", "x0?"]
    assert result[:4, 0].mean() == pytest.approx(0, abs=1e-6)
    assert result[:4, 0].std() == pytest.approx(1)
    assert result[3, 0] == result[1, 0]
    assert result[4, 0] == 10.0
    assert result[:, 1].tolist() == [0, 0, 0, 1, 0]


def test_a_column_complete_in_training_has_no_indicator() -> None:
    view = make_view([[1.0], [2.0], [np.nan]])
    assert DenseEncoder.fit(view, np.arange(2)).width == 1
    assert TreeEncoder.fit(view, np.arange(2)).width == 1


def test_skewed_columns_get_a_normal_score() -> None:
    random = np.random.default_rng(0)
    view = make_view(np.exp(random.normal(size=(2000, 1)) * 2))
    encoder = DenseEncoder.fit(view)
    result = np.asarray(encoder.transform(view), np.float64)
    assert [column.transform for column in encoder.columns(view.info)] == ["value", "normal_score"]
    score = result[:, 1]
    assert abs((score**3).mean()) < 0.2
    assert (result[:, 0] ** 3).mean() > 3
    order = np.argsort(view.numeric[:, 0])
    assert np.all(np.diff(score[order]) >= 0)


def test_skewed_columns_may_be_given_as_normal_scores_only() -> None:
    view = random_view(2_000)
    both, instead = DenseEncoder.fit(view), DenseEncoder.fit(view, scale="normal")
    names = [column.name for column in instead.columns(view.info)]
    assert "x1~" in names
    assert "x1" not in names
    assert "x1" in [column.name for column in both.columns(view.info)]
    assert instead.width < both.width
    values = dense(instead.transform(view))[:, names.index("x1~")]
    other = [column.name for column in both.columns(view.info)].index("x1~")
    np.testing.assert_array_equal(values, dense(both.transform(view))[:, other])
    assert abs(float((values**3).mean())) < 0.2


def test_constant_columns_are_dropped() -> None:
    view = make_view([[5.0, 1e9, 0.0], [5.0, 1e9, 1.0]])
    assert [column.name for column in DenseEncoder.fit(view).columns(view.info)] == ["x2"]


def test_tree_imputation() -> None:
    view = make_view([[1.0, 0.0], [2.0, 0.0], [np.nan, 0.0], [11.0, 0.0]])
    assert TreeEncoder.fit(view).transform(view)[2].tolist() == [2.0, 0.0, 1.0]
    assert TreeEncoder.fit(view, impute="below", indicators=False).transform(view)[2].tolist() == [0.0, 0.0]
    with pytest.raises(OptionError, match="'median' or 'below'"):
        TreeEncoder.fit(view, impute="mean")  # type: ignore[arg-type]


# -- categories -----------------------------------------------------------------------------------------


def test_one_hot_with_other_and_unseen() -> None:
    codes = [[1]] * 6 + [[2]] * 5 + [[3]] + [[4]] + [[0]] + [[5]]
    view = make_view(np.zeros((15, 0)), codes, (6,))
    encoder = DenseEncoder.fit(view, np.arange(14), min_count=2)
    result = np.asarray(encoder.transform(view))
    assert [column.name for column in encoder.columns(view.info)] == ["c0=1", "c0=2", "c0=other"]
    assert result[[0, 6, 11, 12, 13, 14]].tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 0],
        [0, 0, 0],
    ]


def test_limits_of_levels_and_width() -> None:
    view = random_view()
    assert DenseEncoder.fit(view, max_levels=3, min_count=1).width <= 5 + 3 * 4
    for limit in (1, 2, 4, 8, 20, 100):
        encoder = DenseEncoder.fit(view, min_count=1, max_width=limit)
        assert encoder.width <= limit
        assert dense(encoder.transform(view)).shape[1] == encoder.width
    narrow = DenseEncoder.fit(view, max_width=3).columns(view.info)
    assert [column.source for column in narrow[:3]] == ["x0", "x1", "x2"]
    with pytest.raises(OptionError, match="max_width must be 1 or more"):
        DenseEncoder.fit(view, max_width=0)


def test_wide_one_hot_is_sparse_and_equal_to_dense() -> None:
    view = random_view(2000)
    wide = DenseEncoder.fit(view, max_levels=1000, min_count=1)
    assert wide.sparse
    result = wide.transform(view)
    assert isinstance(result, csr_matrix)
    assert result.has_sorted_indices
    full = DenseEncoder(wide.scaler, wide.targets, wide.frequencies, wide.width, sparse=False)
    np.testing.assert_array_equal(result.toarray(), full.transform(view))
    assert wide.transform(view, dtype=np.float64).dtype == np.float64


def test_tree_codes_are_ordered_by_frequency() -> None:
    counts = {1: 5, 2: 1, 3: 9, 4: 2}
    codes = [[level] for level, count in counts.items() for _ in range(count)] + [[5], [0]]
    view = make_view(np.zeros((19, 0)), codes, (6,))
    result = TreeEncoder.fit(view, np.arange(17), one_hot_levels=3).transform(view)[:, 0]
    found = {code[0]: value for code, value in zip(codes, result.tolist())}
    assert found == {2: 1, 4: 2, 1: 3, 3: 4, 5: 0, 0: 0}


def test_tree_one_hot_counts_training_levels_only() -> None:
    view = make_view(np.zeros((6, 0)), [[1], [2], [1], [3], [4], [5]], (6,))
    assert TreeEncoder.fit(view, np.arange(3), one_hot_levels=2).width == 2
    assert TreeEncoder.fit(view, np.arange(4), one_hot_levels=2).width == 1


def test_known_levels() -> None:
    view = make_view(np.zeros((4, 0)), [[1, 2], [1, 0], [2, 1], [3, 1]], (4, 3))
    known = KnownLevels.fit(view, np.array([0, 1]))
    assert [mask.tolist() for mask in known.masks] == [[True, True, False, False], [True, False, True]]
    assert [mask.tolist() for mask in fold_codes(view, np.array([0, 1]))] == [m.tolist() for m in known.masks]
    assert known.apply(view.categorical).tolist() == [[1, 2], [1, 0], [0, 0], [0, 0]]
    assert known.apply(np.array([[7, -1]], np.int32)).tolist() == [[0, 0]]
    assert known.apply(view.categorical).dtype == np.int32
    assert not known.everything
    assert KnownLevels.fit(view, None).everything
    twice = KnownLevels.fit(view, None, min_count=2)
    assert twice.apply(view.categorical).tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    again = KnownLevels.from_arrays(through_npz(known.arrays()))
    np.testing.assert_array_equal(again.apply(view.categorical), known.apply(view.categorical))
    with pytest.raises(BundleError, match="'known'"):
        KnownLevels.from_arrays({**known.arrays(), "known": np.ones(3, np.bool_)})


def test_known_levels_without_categories() -> None:
    view = make_view([[1.0], [2.0]])
    assert KnownLevels.fit(view, None).apply(view.categorical).shape == (2, 0)


def test_levels_seen_once_in_the_training_window_are_unseen_whether_they_return_or_not() -> None:
    # 40 customers buy once in the window, half of them again later; 20 buy twice in the window
    window = [f"once {n}" for n in range(40)] + [f"twice {n // 2}" for n in range(40)]
    frame = pl.DataFrame({"customer": window + [f"once {n}" for n in range(20)]})
    parsed = Column("customer", Kind.CATEGORICAL, Role.FEATURE)
    view = Featurizer.fit(frame, Schema((parsed,))).transform(frame)
    rows = np.arange(80)
    assert view.categorical[:20].all()
    assert not view.categorical[20:40].any()
    codes = KnownLevels.fit(view, rows).apply(view.categorical)[:, 0]
    assert not codes[:40].any()
    assert codes[40:80].all()
    for encoder in (TreeEncoder.fit(view, rows), DenseEncoder.fit(view, rows, min_count=1)):
        encoded = dense(encoder.transform(view))
        np.testing.assert_array_equal(encoded[:20], encoded[20:40])


def test_levels_seen_once_stay_in_columns_of_few_levels() -> None:
    view = make_view(np.zeros((10, 0)), np.arange(1, 11)[:, None], (11,))
    assert KnownLevels.fit(view, None).everything
    view = make_view(np.zeros((11, 0)), np.arange(1, 12)[:, None], (12,))
    assert not KnownLevels.fit(view, None).apply(view.categorical).any()
