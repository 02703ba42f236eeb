"""Saved boosters: what engines say is kept to the last bit, and tampered trees are refused."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import BundleError, Deadline, SchemaMismatch, Task
from modelwright.learners import LEARNERS, hist_gradient_boosting
from modelwright.learners.boosted_trees import BoostedTrees
from modelwright.learners.hist_trees import HistWalker, bin_columns, collect_trees, find_cuts
from modelwright.learners.lightgbm_text import check_model_text, without_statistics
from modelwright.learners.state import write_arrays
from modelwright.learners.xgboost_model import read_trees, write_document
from modelwright.testing import make_learning_table


def make(name):
    return LEARNERS.load(name)()


def fit(name, table, **config):
    return make(name).fit(replace(table.task(), config={"rounds": 30, **config}))


def matrix_and_target(rows=3_000):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(rows, 6)).astype(np.float32)
    matrix[:, 1] = rng.integers(0, 4, rows)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    matrix[:, 5] = np.nan
    target = np.nan_to_num(matrix[:, 0]) + np.isnan(matrix[:, 1]) + rng.normal(scale=0.3, size=rows)
    return matrix, target


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_hist_walk_says_what_scikit_learn_says(classes):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    matrix, target = matrix_and_target()
    train, later = matrix[:2_000], matrix[2_000:]
    cuts = find_cuts(train, 63)
    kind = HistGradientBoostingRegressor
    if classes:
        kind, target = HistGradientBoostingClassifier, np.digitize(target, [0.0, 0.8][: classes - 1])
    model = kind(max_iter=25, early_stopping=False, random_state=0)
    model.fit(bin_columns(train, cuts), target[:2_000])
    trees = collect_trees(model._predictors, model._baseline_prediction.reshape(-1), cuts)
    assert trees.complaint() == ""
    bins = bin_columns(later, cuts)
    said = model.decision_function(bins) if classes else model.predict(bins)
    said = said.reshape(len(later), -1)
    compiled, plain = HistWalker(trees), HistWalker(trees)
    plain._compiled = []
    assert np.array_equal(compiled.sums(later), said)
    assert compiled._compiled
    assert np.array_equal(plain.sums(later), said)
    assert np.array_equal(plain.sums(later[:20]), said[:20])
    if classes:
        answer = trees.respond(said, classes)
        answer = answer if classes > 2 else np.stack([1 - answer, answer], axis=1)
        assert np.allclose(answer, model.predict_proba(bins), rtol=1e-12, atol=1e-12)


def test_hist_cuts_part_what_they_must():
    values = np.array([[3, 1, 2, 2, np.nan, 9]], np.float32).T
    (cuts,) = find_cuts(values, 10)
    assert cuts.tolist() == [1.5, 2.5, 6.0]
    assert bin_columns(values, [cuts])[:, 0].tolist()[:4] == [2, 0, 1, 1]
    many = np.arange(10_000, dtype=np.float32)[:, None]
    (cuts,) = find_cuts(many, 16)
    assert np.bincount(bin_columns(many, [cuts])[:, 0].astype(int)).tolist() == [625] * 16


def test_hist_rounds_may_be_fitted_in_any_number_of_fits(monkeypatch):
    table = make_learning_table(Task.BINARY, rows=2_000)
    whole = fit("hist_gradient_boosting", table, rounds=45, patience=45, max_features=0.5)
    task = replace(
        table.task(),
        config={"rounds": 45, "patience": 45, "max_features": 0.5},
        deadline=Deadline.after(1_000.0),
    )
    monkeypatch.setattr(hist_gradient_boosting, "_FIRST_ROUNDS", 3)
    parted = make("hist_gradient_boosting").fit(task)
    said = [result.model.predict(table.view).array for result in (whole, parted)]
    assert np.array_equal(*said)


def test_xgboost_document_says_what_the_engine_says():
    import xgboost as xgb

    matrix, target = matrix_and_target()
    data = xgb.QuantileDMatrix(matrix, target, base_margin=np.zeros(len(matrix)))
    booster = xgb.train({"max_depth": 5, "nthread": 1, "verbosity": 0}, data, 20)
    trees = read_trees(bytes(booster.save_raw("ubj")), np.zeros(1), 6, 15, False)
    assert (trees.trees, trees.complaint()) == (15, "")
    again = xgb.Booster({"nthread": 1}, model_file=write_document(trees))
    said = booster.inplace_predict(
        matrix, iteration_range=(0, 15), predict_type="margin", base_margin=np.zeros(len(matrix))
    )
    assert np.array_equal(again.inplace_predict(matrix, predict_type="margin"), said)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "hist_gradient_boosting"])
def test_threads_do_not_change_the_model(name):
    table = make_learning_table(Task.REGRESSION, rows=24_000, numeric=8)
    config = {"rounds": 8, "learning_rate": 0.3}
    said = [
        make(name).fit(replace(table.task(), config=config, threads=threads)).model.predict(table.view).array
        for threads in (1, 2)
    ]
    assert np.array_equal(*said)


EDITS = {
    "a child in a circle": ("left", lambda a: np.where(np.arange(len(a)) == 1, 0, a).astype(a.dtype)),
    "a child beyond the tree": ("right", lambda a: np.where(a == a.max(), 10**6, a).astype(a.dtype)),
    "one child only": ("left", lambda a: np.where(np.arange(len(a)) == 0, -1, a).astype(a.dtype)),
    "a leaf of another kind": ("left", lambda a: np.where(a == -1, -(2**31), a).astype(a.dtype)),
    "a column that does not exist": ("feature", lambda a: (a + 10**6).astype(a.dtype)),
    "a negative column": ("feature", lambda a: (a - 1).astype(a.dtype)),
    "fewer thresholds": ("value", lambda a: a[:-1]),
    "another type": ("value", lambda a: a.astype(np.float16)),
    "leaves that are not numbers": ("value", lambda a: np.full_like(a, np.nan)),
    "trees that overlap": ("starts", lambda a: np.sort(np.append(a[:-1], a[-1] + 5))),
    "trees that begin at the ends of int64": (
        "starts",
        lambda a: np.concatenate([a[:1], [np.iinfo(a.dtype).max, -2], a[3:]]),
    ),
    "a child at the end of int32": (
        "right",
        lambda a: np.where(a > 0, np.iinfo(a.dtype).max, a).astype(a.dtype),
    ),
    "half a round": ("prior", lambda a: np.zeros(7)),
    "another width": ("settings", lambda a: np.array([1, 0], a.dtype)),
    "unknown settings": ("settings", lambda a: np.array([6, 9, 1], a.dtype)),
    "nothing": ("starts", lambda a: a[:0]),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["xgboost", "hist_gradient_boosting"])
def test_tampered_trees_are_refused(name, edit, tmp_path):
    model = fit(name, make_learning_table(Task.BINARY)).model
    model.save(tmp_path)
    path = tmp_path / "trees.npz"
    arrays = dict(np.load(path))
    which, change = EDITS[edit]
    arrays[which] = change(arrays[which])
    write_arrays(path, arrays)
    record = json.loads((tmp_path / "model.json").read_text())
    record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "model.json").write_text(json.dumps(record))
    with pytest.raises(BundleError, match=r"trees\.npz"):
        type(model).load(tmp_path)


def test_deep_chains_and_shared_children_are_no_trees():
    count = 2 * 700 + 1
    left = np.full(count, -1, np.int32)
    right = np.full(count, -1, np.int32)
    left[0 : count - 1 : 2] = np.arange(1, count, 2)
    right[0 : count - 1 : 2] = np.arange(2, count, 2)
    chain = BoostedTrees(
        starts=np.array([0, count]),
        left=left,
        right=right,
        feature=np.zeros(count, np.int32),
        value=np.zeros(count, np.float32),
        missing_left=np.zeros(count, np.bool_),
        cover=np.ones(count, np.float32),
        prior=np.zeros(1),
        features=1,
    )
    assert "levels" in chain.complaint()
    shared = replace(chain, left=np.where(left == 3, 1, left).astype(np.int32))
    assert "child" in shared.complaint()


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "xgboost", "hist_gradient_boosting"])
def test_a_model_for_another_target_is_refused(name, tmp_path):
    fit(name, make_learning_table(Task.MULTICLASS)).model.save(tmp_path)
    record = json.loads((tmp_path / "model.json").read_text())
    record["target"] = {**record["target"], "outputs": 2, "present": [0, 1]}
    (tmp_path / "model.json").write_text(json.dumps(record))
    with pytest.raises(BundleError):
        make(name).load(tmp_path)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "hist_gradient_boosting"])
def test_a_model_for_more_columns_than_there_are_is_refused(name, tmp_path):
    fit(name, make_learning_table(Task.BINARY)).model.save(tmp_path)
    arrays = dict(np.load(tmp_path / "columns.npz"))
    arrays["settings"][1] -= 1
    write_arrays(tmp_path / "columns.npz", arrays)
    with pytest.raises(BundleError, match="columns"):
        make(name).load(tmp_path)


@pytest.mark.parametrize("form", ["codes", "target"])
def test_forms_of_categories_are_kept(form, tmp_path):
    table = make_learning_table(Task.BINARY)
    model = fit("lightgbm", table, categories=form).model
    model.save(tmp_path)
    loaded = make("lightgbm").load(tmp_path)
    assert loaded.columns.form == form
    assert np.array_equal(loaded.predict(table.view).array, model.predict(table.view).array)
    narrow = replace(table.view, numeric=table.view.numeric[:, 1:], info=replace(table.view.info, numeric=()))
    with pytest.raises(SchemaMismatch, match="numeric"):
        loaded.predict(narrow)


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_lightgbm_text_without_statistics_predicts_the_same(task):
    import lightgbm as lgb

    table = make_learning_table(task, rows=900)
    codes = np.where(np.isnan(table.view.numeric[:, :1]), 0, 1 + table.view.categorical[:, :1])
    matrix = np.hstack([table.view.numeric, codes]).astype(np.float32)
    kind = {Task.BINARY: "binary", Task.MULTICLASS: "multiclass"}.get(task, "regression")
    settings = {"objective": kind, "num_class": 3 if kind == "multiclass" else 1, "verbosity": -1}
    data = lgb.Dataset(matrix, table.target, categorical_feature=[4], params={"min_data_per_group": 5})
    booster = lgb.train(settings | {"num_threads": 1}, data, 12)
    text = booster.model_to_string()
    short = without_statistics(text)
    assert len(short) < 0.75 * len(text)
    check_model_text(short)
    again = lgb.Booster(model_str=short)
    for contributions in (False, True):
        said = [each.predict(matrix, pred_contrib=contributions) for each in (booster, again)]
        assert np.array_equal(*said)


def test_xgboost_siblings_must_be_neighbours(tmp_path):
    model = fit("xgboost", make_learning_table(Task.BINARY)).model
    swapped = replace(model.trees, left=model.trees.right, right=model.trees.left)
    assert swapped.complaint() == ""
    model.trees = swapped
    model.save(tmp_path)
    with pytest.raises(BundleError, match="neighbours"):
        type(model).load(tmp_path)
