"""What stands around a learner keeps the sums of its contributions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelwright.core import FeatureInfo, FitTask, Problem, Task, View, ViewInfo
from modelwright.ensemble.fit_options import FittedWithOptions
from modelwright.ensemble.generated_features import FittedWithFeatures
from modelwright.ensemble.outputs import fit_outputs
from modelwright.ensemble.text_choice import FittedWithoutTerms
from modelwright.learners import LEARNERS
from modelwright.testing import make_learning_table
from modelwright.testing.learning_tables import with_terms

SMALL: dict[str, dict[str, Any]] = {"lightgbm": {"rounds": 20}, "random_forest": {"trees": 5}, "linear": {}}


def fitted(learner: str, task: FitTask, **config: Any) -> Any:
    return fit_outputs(LEARNERS.load(learner)(), replace(task, config={**SMALL[learner], **config})).model


@pytest.mark.parametrize("kind", ["log", "quantile"])
@pytest.mark.parametrize("learner", SMALL)
def test_transformed_targets_come_back(learner: str, kind: str) -> None:
    table = make_learning_table(Task.REGRESSION)
    table = replace(table, target=np.exp(table.target / 50))
    model = fitted(learner, table.task(), target_transform=kind)
    assert isinstance(model, FittedWithOptions)
    found = model.contributions(table.view)
    assert found is not None
    np.testing.assert_allclose(found.raw[:, 0], model.predict(table.view).array, rtol=1e-7)
    size = np.abs(found.values).mean(axis=(0, 2))
    assert size[0] == size.max()


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS], ids=str)
@pytest.mark.parametrize("learner", SMALL)
def test_weights_of_classes_are_undone(learner: str, task: Task) -> None:
    table = make_learning_table(task, rows=900)
    rare = np.random.default_rng(0).random(900) < 0.4
    table = replace(table, target=np.where((table.target == 1) & rare, 0, table.target))
    model = fitted(learner, table.task(), class_weights="balanced")
    assert isinstance(model, FittedWithOptions)
    found = model.contributions(table.view)
    assert found is not None
    said = model.predict(table.view).array
    shown = said[:, 1:] if task is Task.BINARY else said
    np.testing.assert_allclose(found.probabilities().raw, shown, atol=1e-9)


def test_generated_features_are_divided_among_their_columns() -> None:
    rng = np.random.default_rng(0)
    numbers = np.exp(rng.normal(size=(1_500, 3))).astype(np.float32)
    info = ViewInfo(tuple(FeatureInfo(f"x{i}", f"x{i}", "value") for i in range(3)), ())
    view = View(numbers, np.zeros((1_500, 0), np.int32), info)
    target = np.log(numbers[:, 0] / numbers[:, 1]) + 0.1 * rng.normal(size=1_500)
    problem, rows = Problem.of("y").resolved(Task.REGRESSION, "rmse", ()), np.arange(1_500)
    task = FitTask(view, target.astype(np.float64), rows[:1_200], rows[1_200:], problem)
    model = fitted("lightgbm", task, features="generated", learning_rate=0.1, rounds=40)
    assert isinstance(model, FittedWithFeatures)
    found = model.contributions(view)
    assert found is not None
    assert found.columns == 3
    np.testing.assert_allclose(found.raw[:, 0], model.predict(view).array, rtol=1e-8, atol=1e-8)
    size = np.abs(found.values).mean(axis=(0, 2))
    assert size[2] < 0.2 * size[:2].min()


def test_models_without_terms_give_texts_nothing() -> None:
    table = make_learning_table(Task.BINARY)
    view = with_terms(table.view)
    model = fitted("linear", replace(table.task(), view=view), text="statistics")
    assert isinstance(model, FittedWithoutTerms)
    found = model.contributions(view)
    assert found is not None
    assert found.columns == len(view.info.features)
    assert not found.values[:, -1].any()
    np.testing.assert_allclose(found.probabilities().raw, model.predict(view).array[:, 1:], atol=1e-10)


def test_every_label_is_told() -> None:
    table = make_learning_table(Task.BINARY)
    rng = np.random.default_rng(0)
    target = np.column_stack(
        [table.target, rng.integers(0, 2, len(table.target)), np.zeros_like(table.target)]
    )
    problem = Problem.of(["a", "b", "c"]).resolved(Task.MULTILABEL, "log_loss", ())
    problem = replace(problem, label_classes=(("no", "yes"),) * 3)
    model = fitted("lightgbm", replace(table.task(), target=target, problem=problem))
    found = model.contributions(table.view)
    assert found is not None
    assert found.link == "probability"
    np.testing.assert_allclose(found.raw, model.predict(table.view).array, atol=1e-9)
    assert not found.values[:, :, 2].any()  # a label that no row has


def test_quantiles_are_told_before_they_are_put_in_order() -> None:
    table = make_learning_table(Task.REGRESSION)
    plain = Problem.of("y").resolved(Task.QUANTILE, "auto", ())
    quantiles = replace(plain, quantiles=(0.1, 0.5, 0.9))
    model = fitted("lightgbm", replace(table.task(), problem=quantiles))
    found = model.contributions(table.view)
    assert found is not None
    assert found.values.shape[2] == len(quantiles.quantiles)
    np.testing.assert_allclose(np.sort(found.raw, axis=1), model.predict(table.view).array, rtol=1e-8)
