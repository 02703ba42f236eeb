"""The scikit-learn estimators: scikit-learn's own checks, and life among its tools."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from modelwright import AutoMLClassifier, AutoMLRegressor

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row of weight 2 is validated once, two equal rows fall into folds by chance"
    ),
}
"""The checks that do not apply, with the reasons; docs/scikit-learn.md has the same table."""

TINY = {"max_trials": 1, "learners": "linear", "executor": "inline"}


def checks():
    for estimator in (AutoMLClassifier(60, **TINY), AutoMLRegressor(60, **TINY)):
        for _, check in estimator_checks_generator(estimator, legacy=True):
            arguments = getattr(check, "keywords", {})
            words = "-".join(str(value) for value in arguments.values())
            name = getattr(check, "func", check).__name__
            yield pytest.param(estimator, check, name, id=f"{type(estimator).__name__}-{name}-{words}")


@pytest.mark.parametrize(("estimator", "check", "name"), list(checks()))
def test_the_checks_of_scikit_learn(estimator, check, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in EXPECTED:
            with pytest.raises(AssertionError):
                check(clone(estimator))
        else:
            check(clone(estimator))


def customers(rows=120, seed=0):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": np.where(random.random(rows) < 0.1, np.nan, random.normal(40, 10, rows)),
            "city": random.choice(["Rome", "Oslo", None], rows),
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 900, rows), "D"),
        },
        index=random.permutation(rows) + 1000,
    )
    return frame, np.where(frame["city"].eq("Rome") ^ (random.random(rows) < 0.1), "stay", "leave")


def test_frames_of_any_kind_of_column():
    X, y = customers()
    classifier = AutoMLClassifier(60, **TINY).fit(X, y)
    assert classifier.classes_.tolist() == ["leave", "stay"]
    assert classifier.feature_names_in_.tolist() == ["age", "city", "since"]
    assert classifier.score(X, y) > 0.8
    assert classifier.model_.schema["since"].kind == "datetime"
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(X[["city", "age", "since"]])


def test_labels_are_kept_as_they_are():
    X = np.arange(60.0).reshape(-1, 1)
    for labels in (["1", "0"], [True, False], [7, -2], [2.0, 1.0], ["NA", "?"]):
        y = np.array(labels)[(X[:, 0] > 30).astype(int)]
        classifier = AutoMLClassifier(60, **TINY).fit(X, y)
        assert classifier.classes_.dtype == y.dtype
        assert (classifier.predict(X) == y).mean() > 0.9
        assert classifier.predict(X).dtype == y.dtype


def test_a_pipeline_inside_a_cross_validation():
    X, y = customers()
    steps = ColumnTransformer([("age", FunctionTransformer(np.sqrt), ["age"])], remainder="passthrough")
    pipeline = make_pipeline(steps.set_output(transform="pandas"), AutoMLClassifier(60, **TINY))
    scores = cross_val_score(pipeline, X, y, cv=2, scoring="roc_auc", error_score="raise")
    assert scores.min() > 0.7


def test_groups_and_weights_are_routed():
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(20), 5)
    X, y = random.normal(size=(100, 2)), random.normal(size=100)
    X[:, 0] += y
    with sklearn.config_context(enable_metadata_routing=True):
        regressor = AutoMLRegressor(60, **TINY).set_fit_request(groups=True, sample_weight=True)
        regressor.set_score_request(sample_weight=True)
        found = cross_validate(
            regressor,
            X,
            y,
            cv=GroupKFold(2),
            params={"groups": groups, "sample_weight": np.ones(100)},
            return_estimator=True,
        )
    assert all(e.model_.manifest["validation"]["scheme"] == "grouped" for e in found["estimator"])
    assert all(e.model_.problem.weights for e in found["estimator"])


def test_weights_change_the_model():
    X = np.concatenate([np.zeros((50, 1)), np.zeros((50, 1))]) + np.arange(100.0).reshape(-1, 1) % 2
    y = np.repeat([0.0, 10.0], 50)
    heavy = AutoMLRegressor(60, **TINY).fit(X, y, sample_weight=np.repeat([1.0, 9.0], 50))
    assert heavy.predict(X).mean() == pytest.approx(9.0, abs=0.5)


def test_a_saved_estimator_predicts_the_same_in_another_process(tmp_path):
    X, y = customers()
    classifier = AutoMLClassifier(60, **TINY).fit(X, y)
    joblib.dump(classifier, tmp_path / "classifier.joblib")
    X.to_parquet(tmp_path / "rows.parquet")
    expected = classifier.predict_proba(X)
    del classifier  # its bundle goes with it
    code = (
        "import joblib, numpy, pandas, sys\n"
        "found = joblib.load(sys.argv[1]).predict_proba(pandas.read_parquet(sys.argv[2]))\n"
        "numpy.save(sys.argv[3], found)\n"
    )
    files = [str(tmp_path / name) for name in ("classifier.joblib", "rows.parquet", "found.npy")]
    subprocess.run([sys.executable, "-c", code, *files], check=True, timeout=120)
    assert np.array_equal(np.load(tmp_path / "found.npy"), expected)


def test_a_saved_estimator_writes_no_file_outside_its_folder():
    X = np.arange(60.0).reshape(-1, 1)
    estimator = AutoMLRegressor(60, **TINY).fit(X, X[:, 0])
    state = estimator.__getstate__()
    state["_files"] = {"../outside": b"x", **state["_files"]}
    with pytest.raises(ValueError, match="outside"):
        AutoMLRegressor().__setstate__(state)


def test_an_estimator_that_was_not_fitted_can_be_saved():
    buffer = io.BytesIO()
    joblib.dump(AutoMLClassifier("5s"), buffer)
    buffer.seek(0)
    assert joblib.load(buffer).time_limit == "5s"


def test_worker_processes_are_the_default():
    X = np.arange(80.0).reshape(-1, 1)
    regressor = AutoMLRegressor(30, max_trials=1, learners="linear", threads=1)
    assert regressor.executor == "local"
    assert regressor.fit(X, X[:, 0]).score(X, X[:, 0]) > 0.99


def test_columns_may_be_named_like_ours():
    X, y = customers()
    X = X.rename(columns={"age": "target_", "city": "weights__", "since": "groups"})
    assert AutoMLClassifier(60, **TINY).fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize("labels", [["no", "yes"], [0.0, 1.0], [False, True]])
def test_costs_move_decisions(labels):
    random = np.random.default_rng(2)
    X = random.normal(size=(200, 1))
    y = np.array(labels)[(X[:, 0] + random.normal(size=200) > 1).astype(int)]
    costs = {(labels[1], labels[0]): 20, (labels[0], labels[1]): 1}
    plain = AutoMLClassifier(60, **TINY).fit(X, y).predict(X)
    careful = AutoMLClassifier(60, **TINY, costs=costs).fit(X, y)
    assert (careful.predict(X) == labels[1]).sum() > 1.5 * (plain == labels[1]).sum()
    assert careful.model_.problem.metric == "cost"
    with pytest.raises(ValueError, match="There is no class 'maybe'"):
        AutoMLClassifier(60, **TINY, costs={("maybe", labels[0]): 1}).fit(X, y)


def test_columns_are_named_as_in_train_and_can_be_kept():
    random = np.random.default_rng(4)
    y = random.normal(size=600)
    X = np.column_stack([2 * y, y + random.normal(size=600)])
    assert AutoMLRegressor(60, **TINY).fit(X, y).model_.schema["c0"].role == "ignored"
    assert AutoMLRegressor(60, **TINY, keep=["c0"]).fit(X, y).model_.schema["c0"].is_feature
