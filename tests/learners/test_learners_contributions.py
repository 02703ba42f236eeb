"""What learners say that columns add: sums are exact, and trees agree with brute force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest

from modelwright.core import Contributions, FeatureInfo, FitTask, Problem, Task, View, ViewInfo
from modelwright.learners import LEARNERS
from modelwright.learners.boosted_trees import BoostedTrees
from modelwright.learners.forest import Forest
from modelwright.learners.tree_shap import PlainTrees, TreeShap, plain_boosted, plain_forest
from modelwright.testing import LearningTable, make_learning_table
from modelwright.testing.learning_tables import TASKS, with_terms

SMALL: dict[str, dict[str, Any]] = {
    "lightgbm": {"rounds": 20},
    "catboost": {"rounds": 10},
    "xgboost": {"rounds": 15},
    "hist_gradient_boosting": {"rounds": 15},
    "additive_boosting": {"rounds": 30},
    "ordinal_boosting": {"rounds": 30},
    "extra_trees": {"trees": 6},
    "random_forest": {"trees": 6},
    "mlp": {"epochs": 2, "width": 16},
    "tabm": {"epochs": 2, "width": 16, "members": 2},
}
INEXACT = {"nearest_neighbors", "gaussian_process", "naive_bayes", "mlp", "tabm"}
EXACT = [name for name in LEARNERS if name not in INEXACT]


def fitted(name: str, table: LearningTable, **config: Any) -> Any:
    task = replace(table.task(), config={**SMALL.get(name, {}), **config})
    return LEARNERS.load(name)().fit(task).model


def table_of(name: str, task: Task) -> LearningTable | None:
    """A table that a learner can be fitted to, if there is one of that task."""
    table = make_learning_table(task)
    if name.startswith("ordinal"):
        table = replace(table, problem=replace(table.problem, ordered=True))
    shape = table.view.shape(table.problem.outputs)
    return None if LEARNERS.load(name)().supports(table.problem, shape) else table


def told(found: Contributions, task: Task) -> np.ndarray:
    """The predictions that contributions make up."""
    raw = found.probabilities().raw
    if not task.is_classification:
        return raw[:, 0]
    return np.hstack([1 - raw, raw]) if raw.shape[1] == 1 else raw


@pytest.mark.parametrize("task", TASKS, ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_sums_are_predictions(name: str, task: Task) -> None:
    table = table_of(name, task)
    if table is None:
        pytest.skip("the learner is for other tasks")
    model = fitted(name, table)
    view = table.view.take(slice(0, 60))
    found = model.contributions(view)
    if name in ("extra_trees", "random_forest") and task is Task.QUANTILE:
        assert found is None  # a quantile over trees is no sum
        return
    assert found.values.shape[:2] == (60, len(view.info.features))
    assert found.base.ndim == 1
    # XGBoost adds up in single precision, and leaves of a tree are kept in it
    close = {"xgboost": 1e-5, "decision_tree": 1e-7}.get(name, 1e-8)
    np.testing.assert_allclose(told(found, task), model.predict(view).array, rtol=close, atol=close)
    one = model.contributions(view.take(slice(7, 8)))
    np.testing.assert_allclose(one.values[0], found.values[7], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", sorted(INEXACT))
def test_others_say_nothing(name: str) -> None:
    table = make_learning_table(Task.REGRESSION if name == "gaussian_process" else Task.BINARY)
    assert fitted(name, table).contributions(table.view) is None


@pytest.mark.parametrize("name", [name for name in EXACT if name not in ("constant", "ordinal", "glm")])
def test_planted_columns_come_first_and_noise_last(name: str) -> None:
    task = Task.MULTICLASS if name.startswith("ordinal") else Task.BINARY
    table = table_of(name, task)
    assert table is not None
    found = fitted(name, table).contributions(table.view)
    size = np.abs(found.values).mean(axis=(0, 2))
    names = [feature.name for feature in table.view.info.features]
    ranked = [names[place] for place in np.argsort(-size)]
    assert set(ranked[:2]) == {"n0", "c0"}
    assert size[names.index("n3")] < 0.3 * size[names.index("n0")]


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "hist_gradient_boosting"])
@pytest.mark.parametrize("form", ["codes", "target"])
def test_categories_in_other_forms_go_to_their_columns(name: str, form: str) -> None:
    table = make_learning_table(Task.MULTICLASS)
    model = fitted(name, table, categories=form)
    found = model.contributions(table.view)
    close = {"xgboost": 1e-5, "decision_tree": 1e-7}.get(name, 1e-8)
    np.testing.assert_allclose(told(found, Task.MULTICLASS), model.predict(table.view).array, atol=close)
    size = np.abs(found.values).mean(axis=(0, 2))
    assert size[4] > 3 * size[5]  # c0 before c1


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "hist_gradient_boosting", "glm"])
def test_logarithms_come_back_as_values(name: str) -> None:
    table = make_learning_table(Task.REGRESSION)
    counts = np.random.default_rng(0).poisson(np.exp((table.target - 1000) / 100)).astype(np.float64)
    config = {"family": "poisson"} if name == "glm" else {"objective": "poisson"}
    model = fitted(name, replace(table, target=counts), **config)
    found = model.contributions(table.view)
    assert found.link == "identity"
    np.testing.assert_allclose(found.raw[:, 0], model.predict(table.view).array, rtol=1e-5)


def test_targets_of_rmsle_come_back_as_values() -> None:
    table = make_learning_table(Task.REGRESSION)
    problem = replace(table.problem, metric="rmsle")
    model = fitted("lightgbm", replace(table, problem=problem))
    assert model.coder.logarithm
    np.testing.assert_allclose(
        model.contributions(table.view).raw[:, 0], model.predict(table.view).array, rtol=1e-8
    )


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "extra_trees", "linear", "linear_svm", "constant"])
@pytest.mark.parametrize("classes", [(0, 2), (1,)], ids=["two of three", "one of three"])
def test_classes_that_training_lacked_stay_impossible(name: str, classes: tuple[int, ...]) -> None:
    table = make_learning_table(Task.MULTICLASS)
    target = np.asarray(classes)[np.minimum(table.target, len(classes) - 1)]
    model = fitted(name, replace(table, target=target))
    found = model.contributions(table.view)
    assert found.values.shape[2] == 3
    shares = told(found, Task.MULTICLASS)
    np.testing.assert_allclose(shares, model.predict(table.view).array, atol=1e-5)
    absent = [code for code in range(3) if code not in classes]
    assert not shares[:, absent].any()


@pytest.mark.parametrize("name", ["linear", "linear_svm"])
def test_terms_of_a_text_are_summed_for_each_text(name: str) -> None:
    table = make_learning_table(Task.BINARY)
    view = with_terms(table.view)
    model = fitted(name, replace(table, view=view))
    found = model.contributions(view)
    assert found.columns == len(view.info.features) == 7
    np.testing.assert_allclose(told(found, Task.BINARY), model.predict(view).array, atol=1e-10)
    assert np.abs(found.values[1:, 6]).sum() > 0
    assert not found.values[0, 6].any()  # the first row has no term


def test_linear_contributions_are_distances_from_the_mean() -> None:
    table = make_learning_table(Task.REGRESSION, categorical=0)
    model = fitted("linear", table)
    found = model.contributions(table.view.take(table.task().train_rows))
    scale = np.abs(found.values).mean()
    np.testing.assert_allclose(found.values.mean(axis=0), 0.0, atol=1e-6 * scale)
    np.testing.assert_allclose(found.base[0], model.predict(table.view).array[:200].mean(), rtol=1e-6)


def test_forests_of_earlier_versions_say_nothing() -> None:
    table = make_learning_table(Task.BINARY)
    model = fitted("random_forest", table)
    model.forest = replace(model.forest, share=None)
    assert model.contributions(table.view) is None


def test_a_forest_with_shared_branches_says_nothing() -> None:
    node = np.zeros(3, np.int32)
    inf = np.full(3, np.inf, np.float32)
    shared = Forest(
        feature=node,
        child=np.array([1, 1, 1], np.int32),
        leaf=node,
        threshold=inf,
        roots=np.zeros(1, np.int32),
        table=np.zeros((1, 1), np.float32),
        columns=1,
        share=np.full(3, 30_000, np.uint16),
    )
    assert plain_forest(shared, slice(None)) is None


# Trees against the definition.


def random_trees(rng: np.random.Generator, count: int, outputs: int, columns: int) -> BoostedTrees:
    """Trees of random shape, some of them a single leaf."""
    parts: dict[str, list[float]] = {name: [] for name in ("left", "right", "feature", "value", "cover")}
    starts, missing = [0], []
    for tree in range(count):
        nodes: list[dict[str, float]] = []
        open_nodes = [(_new(nodes), 0, 100.0)]
        while open_nodes:
            node, depth, cover = open_nodes.pop(0)
            nodes[node]["cover"] = cover
            nodes[node]["value"] = float(np.float32(rng.normal()))
            if depth == 4 or (rng.random() < 0.3 and (depth or tree == 1)):
                continue
            share = rng.uniform(0.1, 0.9)
            nodes[node]["feature"] = int(rng.integers(columns))
            nodes[node]["left"], nodes[node]["right"] = _new(nodes), _new(nodes)
            open_nodes += [
                (int(nodes[node]["left"]), depth + 1, cover * share),
                (int(nodes[node]["right"]), depth + 1, cover * (1 - share)),
            ]
        for name, values in parts.items():
            values += [node[name] for node in nodes]
        missing += (rng.random(len(nodes)) < 0.5).tolist()
        starts.append(starts[-1] + len(nodes))
    return BoostedTrees(
        starts=np.array(starts, np.int64),
        left=np.array(parts["left"], np.int32),
        right=np.array(parts["right"], np.int32),
        feature=np.array(parts["feature"], np.int32),
        value=np.array(parts["value"], np.float32),
        missing_left=np.array(missing, np.bool_),
        cover=np.array(parts["cover"], np.float32),
        prior=np.zeros(outputs),
        features=columns,
    )


def _new(nodes: list[dict[str, float]]) -> int:
    nodes.append({"left": -1, "right": -1, "feature": 0, "value": 0.0, "cover": 0.0})
    return len(nodes) - 1


def expected(trees: PlainTrees, owners: np.ndarray, row: np.ndarray, known: frozenset[int]) -> np.ndarray:
    """What the trees are expected to say when only some players are known, by the definition."""
    total = np.zeros(trees.outputs)
    for tree, root in enumerate(trees.starts[:-1].tolist()):

        def say(node: int) -> np.ndarray:
            if trees.left[node] < 0:
                return trees.values[node]
            column = trees.column[node]
            left, right = int(trees.left[node]), int(trees.right[node])
            if int(owners[column]) not in known:
                share = trees.share[node]
                return np.asarray(share * say(left) + (1 - share) * say(right))
            value, limit = row[column], trees.threshold[node]
            goes_left = value < limit if trees.strict else value <= limit
            if np.isnan(value):
                goes_left = trees.missing_left[node]
            return say(left if goes_left else right)

        said = say(root)
        if len(said) == trees.outputs:
            total += said
        else:
            total[tree % trees.outputs] += said[0]
    return total


def brute_force(value: Callable[[frozenset[int]], np.ndarray], players: int) -> np.ndarray:
    """Shapley values by going through all sets, shape (players, outputs)."""
    found = []
    for player in range(players):
        others = [each for each in range(players) if each != player]
        total = np.zeros_like(value(frozenset()))
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for chosen in combinations(others, size):
                known = frozenset(chosen)
                total = total + weight * (value(known | {player}) - value(known))
        found.append(total)
    return np.array(found)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
def test_boosted_trees_agree_with_the_definition(outputs: int, strict: bool) -> None:
    rng = np.random.default_rng(outputs)
    trees = plain_boosted(random_trees(rng, 6, outputs, 5), strict=strict)
    owners = np.array([0, 1, 1, 2, 3])  # two columns are one player
    matrix = rng.normal(size=(7, 5)).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    found = TreeShap(trees, owners).contributions(matrix, 5, "identity")
    for number, row in enumerate(matrix):
        exact = brute_force(lambda known, row=row: expected(trees, owners, row, known), 5)  # type: ignore[misc]
        np.testing.assert_allclose(found.values[number], exact, atol=1e-12)
        every = frozenset(range(5))
        np.testing.assert_allclose(found.raw[number], expected(trees, owners, row, every), atol=1e-12)
    np.testing.assert_allclose(found.base, expected(trees, owners, matrix[0], frozenset()), atol=1e-12)


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.MULTICLASS], ids=str)
def test_forests_agree_with_the_definition(task: Task) -> None:
    table = make_learning_table(task, rows=80, numeric=3, categorical=1)
    model = fitted("random_forest", table, trees=3)
    trees = plain_forest(model.forest, slice(None))
    assert trees is not None
    matrix = model.encoder.transform(table.view)[:3]
    owners = np.minimum(np.arange(matrix.shape[1]), 3)
    found = TreeShap(trees, owners).contributions(matrix, 4, "identity")
    for number, row in enumerate(matrix):
        exact = brute_force(lambda known, row=row: expected(trees, owners, row, known), 4)  # type: ignore[misc]
        np.testing.assert_allclose(found.values[number], exact, atol=1e-9)


def test_deep_trees_on_many_columns_stay_exact() -> None:
    rng = np.random.default_rng(3)
    rows = np.arange(600)
    numbers = rng.normal(size=(600, 30)).astype(np.float32)
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(30)), ())
    view = View(numbers, np.zeros((600, 0), np.int32), info)
    problem = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
    task = FitTask(view, rng.normal(size=600), rows[:500], rows[500:], problem, config={"trees": 5})
    model = LEARNERS.load("extra_trees")().fit(task).model
    found = model.contributions(view.take(rows[:20]))
    assert found is not None
    np.testing.assert_allclose(found.raw[:, 0], model.predict(view).array[:20], atol=1e-9)


# What becomes of contributions on other scales.


def some(outputs: int = 3) -> Contributions:
    rng = np.random.default_rng(0)
    return Contributions(rng.normal(size=(20, 4, outputs)), rng.normal(size=outputs), "log-odds")


def test_log_odds_become_probabilities() -> None:
    found = some()
    powers = np.exp(found.raw)
    shares = found.probabilities()
    np.testing.assert_allclose(shares.raw, powers / powers.sum(axis=1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(shares.values.sum(axis=2), 0.0, atol=1e-12)  # classes share one whole
    np.testing.assert_allclose(shares.base.sum(), 1.0)


def test_a_column_that_adds_nothing_adds_nothing_on_any_scale() -> None:
    found = some()
    values = found.values.copy()
    values[:, 2] = 0.0
    found = replace(found, values=values)
    assert not found.probabilities().values[:, 2].any()
    assert not found.mapped(np.exp, "identity").values[:, 2].any()
    assert not found.mapped(np.exp, "probability").normalised().values[:, 2].any()


def test_there_and_back_is_the_same() -> None:
    found = some(1)
    shares = found.probabilities()
    again = shares.mapped(lambda part: np.log(part) - np.log1p(-part), "log-odds")
    np.testing.assert_allclose(again.values, found.values, atol=1e-6)


def test_rows_at_the_base_take_the_slope() -> None:
    found = Contributions(np.array([[[0.5], [-0.5]]]), np.zeros(1), "log-odds").probabilities()
    np.testing.assert_allclose(found.values[0, :, 0], [0.125, -0.125], rtol=1e-5)


@pytest.mark.parametrize(("base", "parts"), [(1e-7, (-9e-8, -9.9e-9)), (1 - 1e-10, (-3e-8, -6e-8))])
def test_tiny_probabilities_keep_their_proportions(base: float, parts: tuple[float, float]) -> None:
    found = Contributions(np.array([[[part] for part in parts]]), np.array([base]), "probability")
    raw = base + sum(parts)
    logs = found.mapped(lambda share: np.log(share) - np.log1p(-share), "log-odds")
    moved = np.log(raw / (1 - raw)) - np.log(base / (1 - base))
    np.testing.assert_allclose(logs.values[0, :, 0], np.array(parts) / sum(parts) * moved, rtol=1e-5)


def test_gaps_are_closed_whatever_columns_add() -> None:
    found = Contributions(np.array([[[2.0], [-1.0]], [[0.0], [0.0]]]), np.zeros(1))
    closed = found.closed(np.array([[1.3], [4.0]]))
    np.testing.assert_allclose(closed.raw[:, 0], [1.3, 4.0])
    np.testing.assert_allclose(closed.values[1, :, 0], [2.0, 2.0])
    assert not found.closed(np.array([[1.0], [1e-14]])).values[1].any()
    with pytest.raises(ValueError, match="link"):
        Contributions(found.values, found.base, "odds")


def test_steep_ways_to_a_prediction_are_followed_closely() -> None:
    found = some()
    steep = replace(found, values=12 * found.values)
    powers = np.exp(steep.raw - steep.raw.max(axis=1, keepdims=True))
    shares = steep.probabilities()
    np.testing.assert_allclose(shares.raw, powers / powers.sum(axis=1, keepdims=True), atol=1e-12)
    # by brute force: the slope of each score at many places on the straight line
    nodes = (np.arange(20_000) + 0.5) / 20_000
    row = steep.base + nodes[:, None] * (steep.raw[0] - steep.base)
    at = np.exp(row - row.max(axis=1, keepdims=True))
    at /= at.sum(axis=1, keepdims=True)
    slope = np.diag(at.mean(axis=0)) - at.T @ at / len(nodes)
    np.testing.assert_allclose(shares.values[0], steep.values[0] @ slope, atol=1e-6)
