"""What the classical learners promise beyond the contract."""

import json
from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import (
    BundleError,
    Deadline,
    FeatureInfo,
    FitTask,
    Problem,
    Shape,
    SparseBlock,
    Task,
    TrialError,
    View,
    ViewInfo,
)
from modelwright.learners import LEARNERS
from modelwright.testing import LearningTable, make_learning_table

CLASSICAL = (
    "constant",
    "linear",
    "extra_trees",
    "random_forest",
    "nearest_neighbors",
    "naive_bayes",
    "linear_svm",
    "gaussian_process",
    "decision_tree",
    "glm",
    "ordinal",
    "ordinal_boosting",
)
SMALL = {"trees": 15, "rounds": 15}


def make(name):
    return LEARNERS.load(name)()


def fit(name, table, **changes):
    learner = make(name)
    config = {**{key: SMALL[key] for key in SMALL if key in learner.defaults}, **changes.pop("config", {})}
    return learner.fit(replace(table.task(), config=config, **changes))


def table_of(numbers, target, task=Task.REGRESSION, metric="rmse", **problem):
    numbers = np.asarray(numbers, np.float32)
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(numbers.shape[1])), ())
    classes = tuple(np.unique(target).tolist()) if task.is_classification else ()
    known = replace(Problem.of("y").resolved(task, metric, classes), **problem)
    return LearningTable(View(numbers, np.zeros((len(numbers), 0), np.int32), info), target, known)


def supported(name):
    for task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION):
        table = make_learning_table(task)
        table = replace(table, problem=replace(table.problem, ordered=task is Task.MULTICLASS))
        if make(name).supports(table.problem, table.view.shape(table.problem.outputs)) is None:
            return table
    raise AssertionError(name)


# quantiles


@pytest.mark.parametrize("level", [0.1, 0.75])
@pytest.mark.parametrize(
    "name",
    [
        "linear",
        "extra_trees",
        "random_forest",
        "nearest_neighbors",
        "gaussian_process",
        "decision_tree",
        "constant",
    ],
)
def test_a_quantile_lies_above_its_share_of_new_rows(name, level):
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(1_400, 3))
    target = 100 + 10 * numbers[:, 0] + rng.normal(size=1_400)
    table = table_of(numbers, target, Task.QUANTILE, "auto", quantiles=(level,))
    said = fit(name, table, config={"trees": 60} if "trees" in make(name).defaults else {})
    valid = table.task().valid_rows
    below = np.mean(target[valid] <= said.model.predict(table.view.take(valid)).array)
    assert below == pytest.approx(level, abs=0.09)


def test_linear_quantiles_agree_with_scikit_learn():
    from sklearn.linear_model import QuantileRegressor

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 2)).astype(np.float32)
    target = numbers[:, 0] + rng.exponential(size=300)
    table = table_of(numbers, target, Task.QUANTILE, "auto", quantiles=(0.8,))
    rows = np.arange(300)
    result = fit("linear", table, train_rows=rows, valid_rows=rows[:0], config={"C": 1e6})
    matrix = result.model.design.matrix(table.view)
    other = QuantileRegressor(quantile=0.8, alpha=0.0, solver="highs").fit(matrix, target)
    difference = result.model.predict(table.view).array - other.predict(matrix)
    assert np.abs(difference).mean() < 0.03 * target.std()


# linear models


def test_an_absolute_penalty_drops_columns():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 40))
    table = table_of(numbers, (numbers[:, 0] > 0).astype(np.int64), Task.BINARY, "log_loss")
    result = fit("linear", table, config={"l1_ratio": 1.0, "C": 0.05})
    used = np.flatnonzero(result.model.state.coefficients[0])
    assert 0 in used
    assert len(used) < 10
    assert result.info["columns_used"] == len(used)


@pytest.mark.parametrize(
    ("family", "power"), [("gaussian", None), ("poisson", 1), ("gamma", 2), ("tweedie", 1.5)]
)
def test_glm_agrees_with_scikit_learn(family, power):
    from sklearn.linear_model import ElasticNet, TweedieRegressor

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(400, 3))
    mean = np.exp(1 + 0.5 * numbers[:, 0])
    target = rng.poisson(mean) + 0.0 if family != "gamma" else rng.gamma(2, mean / 2)
    table = table_of(numbers, target)
    rows = np.arange(400)
    config = {"family": family, "alpha": 0.01, "l1_ratio": 0.5 if family == "gaussian" else 0.0}
    model = fit("glm", table, train_rows=rows, valid_rows=rows[:0], config=config).model
    matrix = model.design.matrix(table.view)
    if family == "gaussian":
        unit = target.std()
        other = ElasticNet(alpha=0.01, l1_ratio=0.5, tol=1e-10).fit(matrix, target / unit)
        expected = np.clip(other.predict(matrix) * unit, target.min() - 0.1 * np.ptp(target), None)
    else:
        unit = target.mean()
        other = TweedieRegressor(power=power, alpha=0.01, link="log", tol=1e-10, max_iter=1_000)
        expected = other.fit(matrix, target / unit).predict(matrix) * unit
    assert np.allclose(model.predict(table.view).array, expected, rtol=2e-3, atol=2e-3 * target.std())


def test_glm_refuses_a_family_that_the_target_cannot_have():
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    table = table_of(numbers, numbers[:, 0] + 0.1)
    assert fit("glm", table).info["family"] == "gaussian"
    with pytest.raises(TrialError, match="go down to"):
        fit("glm", table, config={"family": "poisson"})
    assert fit("glm", replace(table, target=np.exp(numbers[:, 0]))).info["family"] == "gamma"


def test_glm_keeps_far_rows_near_the_targets():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 1))
    target = np.exp(2 * numbers[:, 0])
    table = table_of(numbers, target)
    model = fit("glm", table).model
    far = View(np.array([[1e30], [-1e30]], np.float32), np.zeros((2, 0), np.int32), table.view.info)
    high, low = model.predict(far).array
    assert target.max() < high < 3 * target.max()
    assert 0 < low < target.min() * 1.01


@pytest.mark.parametrize("name", ["linear", "glm", "random_forest", "extra_trees", "decision_tree"])
@pytest.mark.parametrize("sign", [1, -1])
def test_predictions_rise_or_fall_as_they_must(name, sign):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 3))
    # the data say nothing (or the opposite for one sign) about the column that is constrained
    target = 20 + numbers[:, 0] - 0.3 * numbers[:, 1] + rng.normal(size=300)
    tables = [table_of(numbers, target, monotonic=(("n1", sign),))]
    if name != "glm":
        binary = (target > 20).astype(np.int64)
        tables.append(table_of(numbers, binary, Task.BINARY, "log_loss", monotonic=(("n1", sign),)))
    for table in tables:
        assert make(name).supports(table.problem, table.view.shape(2)) is None
        model = fit(name, table).model
        for start in range(5):
            sweep = np.tile(table.view.numeric[start], (50, 1))
            sweep[:, 1] = np.linspace(-3, 3, 50)
            said = model.predict(View(sweep, np.zeros((50, 0), np.int32), table.view.info)).array
            said = said[:, 1] if said.ndim == 2 else said
            assert (sign * np.diff(said) >= -1e-9).all()


def test_learners_without_directions_say_so():
    for name in ("naive_bayes", "nearest_neighbors", "linear_svm", "gaussian_process"):
        table = supported(name)
        problem = replace(table.problem, monotonic=(("n0", 1),))
        assert "rise or fall" in str(make(name).supports(problem, table.view.shape(2)))


# terms of texts


def _texts(rows=400, columns=300):
    """Classes that only the terms tell apart: each has ten of its own."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, rows)
    indices = []
    for code in target:
        own = rng.choice(np.arange(10 * code, 10 * code + 10), 2, replace=False)
        indices.append(np.unique(np.concatenate([own, rng.integers(30, columns, 6)])))
    counts = np.array([len(each) for each in indices])
    block = SparseBlock(
        np.full(counts.sum(), 0.4, np.float32),
        np.concatenate(indices).astype(np.int32),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        columns,
    )
    info = ViewInfo((FeatureInfo("n", "n", "value"),), (), (FeatureInfo("t", "t", "terms", columns),))
    view = View(rng.normal(size=(rows, 1)).astype(np.float32), np.zeros((rows, 0), np.int32), info, block)
    return LearningTable(view, target, Problem.of("y").resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c")))


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("linear", {"C": 5.0}),
        ("linear_svm", {}),
        ("naive_bayes", {}),
        ("naive_bayes", {"complement": True}),
        ("ordinal", {"C": 100.0}),
    ],
)
def test_terms_are_learned_from(name, config):
    table = _texts()
    if name == "ordinal":
        table = replace(table, problem=replace(table.problem, ordered=True))
    valid = table.task().valid_rows
    said = fit(name, table, config=config).model.predict(table.view.take(valid))
    assert np.mean(said.codes == table.target[valid]) > 0.8


@pytest.mark.parametrize("name", ["linear", "naive_bayes"])
def test_other_terms_than_those_fitted_on_are_an_error(name):
    from modelwright.core import SchemaMismatch

    table = _texts()
    model = fit(name, table).model
    with pytest.raises(SchemaMismatch, match="terms"):
        model.predict(replace(table.view, sparse=None))


def test_probabilities_of_a_support_vector_machine_are_calibrated():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(3_000, 5))
    chance = 1 / (1 + np.exp(-2 * numbers[:, 0]))
    target = (rng.random(3_000) < chance).astype(np.int64)
    table = table_of(numbers, target, Task.BINARY, "log_loss")
    valid = table.task().valid_rows
    for loss in ("hinge", "modified_huber", "log_loss"):
        said = (
            fit("linear_svm", table, config={"loss": loss}).model.predict(table.view.take(valid)).array[:, 1]
        )
        assert np.abs(said - chance[valid]).mean() < 0.05, loss


# neighbours


def test_neighbors_agree_with_scikit_learn():
    from sklearn.neighbors import KNeighborsRegressor

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(300, 4))
    target = numbers[:, 0] + rng.normal(size=300)
    table = table_of(numbers, target)
    config = {"neighbors": 7, "weights": "uniform", "relevance": 0.0}
    model = fit("nearest_neighbors", table, config=config).model
    matrix = model.encoder.transform(table.view)
    train = table.task().train_rows
    other = KNeighborsRegressor(7).fit(matrix[train], target[train])
    assert np.allclose(model.predict(table.view).array, other.predict(matrix))


def test_equally_far_neighbors_all_count():
    numbers = np.repeat([[0.0], [1.0]], 50, axis=0)
    target = np.concatenate([np.arange(50.0), np.full(50, 7.0)])
    table = table_of(numbers, target)
    rows = np.arange(100)
    model = fit(
        "nearest_neighbors", table, train_rows=rows, valid_rows=rows[:0], config={"neighbors": 3}
    ).model
    assert np.allclose(model.predict(table.view).array[:50], 24.5)


def test_neighbors_keep_a_bounded_number_of_rows():
    table = make_learning_table(Task.BINARY, rows=40_000, numeric=2, categorical=0)
    rows = np.arange(40_000)
    result = fit("nearest_neighbors", table, train_rows=rows, valid_rows=rows[:0])
    assert result.info["rows_kept"] == 20_000
    assert result.model.size_bytes < 2e6
    assert len(result.model.rows.points) == 20_000


# naive Bayes


def test_repeated_columns_do_not_make_naive_bayes_sure():
    rng = np.random.default_rng(0)
    number = rng.normal(size=2_000)
    chance = 1 / (1 + np.exp(-number))
    target = (rng.random(2_000) < chance).astype(np.int64)
    once, often = (
        table_of(np.repeat(number[:, None], count, axis=1), target, Task.BINARY, "log_loss")
        for count in (1, 12)
    )
    errors = []
    for table in (once, often):
        valid = table.task().valid_rows
        said = fit("naive_bayes", table).model.predict(table.view.take(valid)).array[:, 1]
        errors.append(np.abs(said - chance[valid]).mean())
    assert errors[1] < errors[0] + 0.02 < 0.1


# Gaussian processes


@pytest.mark.parametrize("kernel", ["rbf", "matern"])
def test_process_agrees_with_scikit_learn(kernel):
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(120, 2))
    table = table_of(numbers, 5 + 3 * np.sin(numbers[:, 0]) + 0.1 * rng.normal(size=120))
    result = fit("gaussian_process", table, config={"kernel": kernel, "lengths": "each"})
    model, process = result.model, result.model.process
    shape = RBF(process.lengths) if kernel == "rbf" else Matern(process.lengths, nu=2.5)
    train = table.task().train_rows
    matrix = model.encoder.transform(table.view, dtype=np.float64)
    amplitude, noise = process.scales
    other = GaussianProcessRegressor(ConstantKernel(amplitude) * shape, alpha=noise, optimizer=None)
    other.fit(matrix[train], model.coder.encode(table.target[train]))
    expected = model.coder.decode(other.predict(matrix)).array
    assert np.allclose(model.predict(table.view).array, expected, atol=1e-4)
    assert result.iterations > 3


def test_process_takes_no_more_rows_than_it_can():
    shape = Shape(rows=1_001, numeric=3, categorical=0, levels=0, outputs=1)
    problem = make_learning_table(Task.REGRESSION).problem
    assert "1,000" in str(make("gaussian_process").supports(problem, shape))
    table = make_learning_table(Task.REGRESSION, rows=1_500)
    rows = np.arange(1_500)
    result = fit("gaussian_process", table, train_rows=rows, valid_rows=rows[:0], config={"max_iter": 3})
    assert result.info["rows_kept"] == 1_300


# trees


def test_rules_say_what_the_tree_does():
    rng = np.random.default_rng(0)
    numbers = rng.uniform(size=(300, 2))
    target = np.where(numbers[:, 1] > 0.5, 30.0, 10.0)
    result = fit("decision_tree", table_of(numbers, target))
    lines = result.info["rules"].splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("if n1 <= 0.")
    assert (lines[1].strip(), lines[3].strip()) == ("10", "30")
    assert result.model.rules() == result.info["rules"]


def test_a_tree_has_no_more_levels_than_asked_for():
    table = make_learning_table(Task.BINARY, rows=1_000)
    deep, flat = (
        fit("decision_tree", table, config={"max_depth": depth, "ccp_alpha": 0.0}).info for depth in (8, 2)
    )
    assert (flat["depth"], flat["leaves"]) == (2, 4)
    assert deep["leaves"] > 8
    pruned = fit("decision_tree", table, config={"max_depth": 8, "ccp_alpha": 0.01}).info
    assert pruned["leaves"] < deep["leaves"]


def test_a_leaf_of_one_class_is_not_sure():
    numbers = np.repeat([[0.0], [1.0]], 30, axis=0)
    table = table_of(numbers, np.repeat([0, 1], 30), Task.BINARY, "log_loss")
    rows = np.arange(60)
    said = fit("decision_tree", table, train_rows=rows, valid_rows=rows[:0]).model.predict(table.view).array
    assert said[0, 1] == pytest.approx(1 / 32)


# ordered classes


def test_ordinal_finds_the_model_that_made_the_data():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(4_000, 2))
    score = 1.5 * numbers[:, 0] + rng.logistic(size=4_000)
    target = np.digitize(score, [-2.0, 0.0, 1.0]).astype(np.int64)
    table = table_of(numbers, target, Task.MULTICLASS, "log_loss", ordered=True)
    rows = np.arange(4_000)
    state = fit("ordinal", table, train_rows=rows, valid_rows=rows[:0]).model.state
    spread = numbers[:, 0].astype(np.float32).std()
    assert state.coefficients[0] / spread == pytest.approx([1.5, 0.0], abs=0.15)
    assert state.intercepts == pytest.approx([-2.0, 0.0, 1.0], abs=0.15)


@pytest.mark.parametrize("name", ["ordinal", "ordinal_boosting"])
def test_only_ordered_classes_are_ordinal(name):
    table = make_learning_table(Task.MULTICLASS)
    shape = table.view.shape(3)
    assert "order" in str(make(name).supports(table.problem, shape))
    assert make(name).supports(replace(table.problem, ordered=True), shape) is None


# sizes


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("nearest_neighbors", 1_000_000, 20),
        ("nearest_neighbors", 1_000, 10_000),
        ("gaussian_process", 1_000_000, 20),
        ("gaussian_process", 500, 10_000),
    ],
)
def test_hopeless_tables_are_refused(name, rows, columns):
    problem = make_learning_table(Task.REGRESSION).problem
    assert make(name).supports(problem, Shape(rows, columns, 0, 0, 1)) is not None


@pytest.mark.parametrize("name", CLASSICAL)
def test_first_candidates_are_quick(name):
    problem = supported(name).problem
    shape = Shape(rows=900, numeric=20, categorical=5, levels=100, outputs=problem.outputs)
    learner = make(name)
    assert learner.estimate(shape, learner.portfolio(problem, shape)[0].config).seconds < 5


@pytest.mark.parametrize("name", ["random_forest", "glm", "linear_svm", "decision_tree", "naive_bayes"])
def test_deadline_on_a_larger_table(name):
    import time

    task = Task.BINARY if name == "naive_bayes" else Task.REGRESSION
    table = make_learning_table(task, rows=30_000, numeric=25, categorical=5)
    fit(name, make_learning_table(task))
    learner = make(name)
    config = learner.portfolio(table.problem, table.view.shape(table.problem.outputs))[0].config
    began = time.monotonic()
    result = learner.fit(replace(table.task(), config=config, deadline=Deadline.after(1.0)))
    assert time.monotonic() - began < 4.0  # far more than needed on an idle machine
    assert len(result.model.predict(table.view.take(slice(0, 10))).array) == 10


# saved models


def _files(name, folder):
    fit(name, supported(name)).model.save(folder)
    return sorted(folder.rglob("*.npz"))


MAY_BE_ABSENT = {"share"}
"""Of a forest: how rows divided at its nodes, which forests of older bundles do not tell."""


@pytest.mark.parametrize("name", CLASSICAL)
def test_changed_arrays_are_refused(name, tmp_path):
    for path in _files(name, tmp_path):
        arrays = dict(np.load(path))
        for key, array in arrays.items():
            for change in ("absent", "dtype", "shape", "scalar", "more", "not finite"):
                changed = dict(arrays)
                if change == "absent" and key in MAY_BE_ABSENT:
                    continue
                if change == "absent":
                    del changed[key]
                elif change == "dtype":
                    changed[key] = array.astype(np.complex128)
                elif change == "scalar" and array.ndim:
                    changed[key] = np.array(1, array.dtype)
                elif change == "more":
                    changed["unused"] = array
                elif change == "shape":
                    changed[key] = np.zeros((2, *array.shape, 2), array.dtype)
                elif array.dtype.kind == "f" and array.size:
                    changed[key] = np.full_like(array, np.nan)
                else:
                    continue
                np.savez(path, **changed)
                with pytest.raises(BundleError):
                    make(name).load(tmp_path)
        np.savez(path, **arrays)
    make(name).load(tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "key", "value"),
    [
        ("nearest_neighbors", "rows", "columns", 10**6),
        ("nearest_neighbors", "rows", "columns", np.iinfo(np.int64).max),
        ("nearest_neighbors", "rows", "weights", -1.0),
        ("nearest_neighbors", "rows", "target", 7.0),
        ("naive_bayes", "tables", "starts", 10**6),
        ("gaussian_process", "process", "lengths", 0.0),
        ("ordinal", "coefficients", "intercepts", 100.0),
        ("decision_tree", "tree", "child", 10**6),
        ("decision_tree", "tree", "child", np.iinfo(np.int32).max),
        ("random_forest", "forest", "child", np.iinfo(np.int32).max),
        ("random_forest", "forest", "leaf", 10**6),
        ("linear", "encoder", "terms", -1),
    ],
)
def test_impossible_numbers_are_refused(name, file, key, value, tmp_path):
    _files(name, tmp_path)
    path = tmp_path / f"{file}.npz"
    arrays = dict(np.load(path))
    arrays[key].flat[0] = value
    np.savez(path, **arrays)
    with pytest.raises(BundleError):
        make(name).load(tmp_path)


@pytest.mark.parametrize("name", [name for name in CLASSICAL if name != "constant"])
@pytest.mark.parametrize("record", [{}, {"target": 3}, {"target": {}}, {"link": "x", "limits": ["a", 1]}])
def test_changed_records_are_refused(name, record, tmp_path):
    _files(name, tmp_path)
    path = tmp_path / "model.json"
    known = json.loads(path.read_text())
    if "link" in record:
        record = {**known, "link": "x", "limits": ["a", 1], "names": [1], "prior": "x"}
        record |= {"neighbors": "many", "kernel": "linear", "target": {**known["target"], "present": [0, 9]}}
    path.write_text(json.dumps(record))
    with pytest.raises(BundleError):
        make(name).load(tmp_path)


def test_fit_tasks_of_another_kind_are_refused():
    table = make_learning_table(Task.BINARY)
    task = FitTask(table.view, table.target, np.arange(200), np.arange(200, 300), table.problem)
    for name in ("glm", "gaussian_process"):
        with pytest.raises(TrialError, match="classes"):
            make(name).fit(task)
