"""Forests as flat arrays say what scikit-learn says, and damaged ones are refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from modelwright.core import BundleError
from modelwright.learners import forest as forest_module
from modelwright.learners.forest import Forest, ForestBuilder, _round_down


def grow(classes: int, weights: bool = False) -> tuple[Forest, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(300, 5)).astype(np.float32)
    matrix[:, 4] = rng.integers(0, 3, 300)
    signal = matrix[:, 0] + matrix[:, 4] + rng.normal(scale=0.3, size=300)
    kind = ExtraTreesClassifier if classes else ExtraTreesRegressor
    target = np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes)) if classes else signal
    model = kind(n_estimators=7, min_samples_leaf=2, random_state=0)
    model.fit(matrix, target, rng.random(300) if weights else None)
    builder = ForestBuilder(5, max(1, classes), shared=classes > 0)
    for tree in model.estimators_:
        builder.add(tree.tree_)
    fresh = rng.normal(size=(200, 5)).astype(np.float32)
    expected = model.predict_proba(fresh) if classes else model.predict(fresh)[:, None]
    return builder.build(), fresh, expected


@pytest.mark.parametrize("classes", [0, 2, 5])
@pytest.mark.parametrize("weights", [False, True])
def test_forest_says_what_scikit_learn_says(classes, weights):
    forest, fresh, expected = grow(classes, weights)
    assert np.allclose(forest.predict(fresh), expected, atol=1e-6)


@pytest.mark.parametrize("classes", [0, 3])
def test_compiled_and_numpy_walks_agree(classes, monkeypatch):
    forest, fresh, _ = grow(classes)
    compiled = forest.predict(fresh)
    assert np.array_equal(compiled[:10], forest.predict(fresh[:10]))
    monkeypatch.setattr(forest_module, "_compiled_walk", lambda *_: None)
    assert np.array_equal(forest.predict(fresh), compiled)


def test_unknown_node_layout_falls_back(monkeypatch):
    from sklearn.tree import _tree

    forest, fresh, expected = grow(3)
    monkeypatch.setattr(_tree, "NODE_DTYPE", np.dtype([("left", np.int64)]))
    assert forest_module._compiled_walk(forest, fresh, 0, int(forest.roots[1])) is None
    assert np.allclose(forest.predict(fresh), expected, atol=1e-6)


def test_equal_leaves_share_a_row():
    forest, _, _ = grow(3)
    leaves = int((forest.child == np.arange(len(forest.child))).sum())
    assert len(forest.table) < leaves / 2
    assert len(np.unique(forest.table, axis=0)) == len(forest.table)


def test_arrays_come_back():
    forest, fresh, _ = grow(3)
    loaded = Forest.from_arrays(forest.arrays(), Path("forest.npz"))
    assert np.array_equal(loaded.predict(fresh), forest.predict(fresh))


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("feature", 0, 5),
        ("feature", 0, -1),
        ("child", 0, 10**6),
        ("child", 3, 1),
        ("child", 0, -1),
        ("child", 0, np.iinfo(np.int32).max),
        ("child", -1, np.iinfo(np.int32).max),
        ("leaf", 0, np.iinfo(np.int32).max),
        ("feature", 0, np.iinfo(np.int32).max),
        ("leaf", 0, 10**6),
        ("threshold", 0, np.nan),
        ("roots", 1, 0),
        ("table", (0, 0), np.inf),
    ],
)
def test_tampered_arrays_are_refused(name, index, value):
    arrays = {key: array.copy() for key, array in grow(3)[0].arrays().items()}
    arrays[name][index] = value
    with pytest.raises(BundleError):
        Forest.from_arrays(arrays, Path("forest.npz"))


def test_differences_that_overflow_do_not_pass_for_ascending():
    arrays = {key: array.copy() for key, array in grow(3)[0].arrays().items()}
    # each int32 difference is positive, because it wraps
    arrays["roots"][1:3] = np.iinfo(np.int32).max, -2
    with pytest.raises(BundleError, match="roots"):
        Forest.from_arrays(arrays, Path("forest.npz"))


def test_children_in_another_tree_are_refused():
    arrays = {key: array.copy() for key, array in grow(3)[0].arrays().items()}
    arrays["child"][0] = arrays["roots"][1] - 1
    with pytest.raises(BundleError, match="outside their tree"):
        Forest.from_arrays(arrays, Path("forest.npz"))


@pytest.mark.parametrize("name", ["feature", "columns", "table"])
def test_missing_arrays_are_refused(name):
    arrays = grow(3)[0].arrays()
    del arrays[name]
    with pytest.raises(BundleError, match=name):
        Forest.from_arrays(arrays, Path("forest.npz"))


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=20), st.floats(-(2.0**99), 2.0**99, width=32))
def test_rounded_thresholds_split_float32_alike(thresholds, value):
    exact = np.array(thresholds)
    rounded = _round_down(exact)
    number = np.float32(value)
    assert np.array_equal(number > rounded, np.float64(number) > exact)
