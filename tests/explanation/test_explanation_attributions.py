"""Attributions of ensembles: whatever stands in them and behind them, they make up what is delivered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core import FeatureInfo, FitTask, Problem, Task, View, ViewInfo
from modelwright.ensemble import Calibration, Ensemble, Member, Stacker
from modelwright.ensemble.isotonic import Curve
from modelwright.ensemble.outputs import fit_outputs
from modelwright.explanation import Attributions, Wording, attribute, row_reasons, sampled_contributions
from modelwright.learners import LEARNERS
from modelwright.testing import LearningTable, make_learning_table
from modelwright.testing.learning_tables import with_terms

CONFIGS: dict[str, dict[str, Any]] = {
    "lightgbm": {"rounds": 15},
    "xgboost": {"rounds": 10},
    "random_forest": {"trees": 4},
    "linear": {},
    "nearest_neighbors": {},
    "naive_bayes": {},
    "mlp": {"epochs": 2, "width": 16},
    "tabm": {"epochs": 2, "width": 16, "members": 2},
}
TASKS = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION, Task.MULTILABEL, Task.QUANTILE)


def table_of(task: Task) -> LearningTable:
    if task is Task.MULTILABEL:
        table = make_learning_table(Task.BINARY)
        other = np.random.default_rng(0).integers(0, 2, len(table.target))
        problem = Problem.of(["a", "b"]).resolved(task, "log_loss", ())
        problem = replace(problem, label_classes=(("no", "yes"),) * 2)
        return replace(table, target=np.column_stack([table.target, other]), problem=problem)
    if task is Task.QUANTILE:
        plain = Problem.of("y").resolved(task, "auto", ())
        return replace(
            make_learning_table(Task.REGRESSION), problem=replace(plain, quantiles=(0.1, 0.5, 0.9))
        )
    return make_learning_table(task)


def outputs_of(problem: Problem) -> int | None:
    return None if problem.task is Task.REGRESSION else problem.outputs


def members(place: Path, table: LearningTable, learners: dict[str, int]) -> tuple[Member, ...]:
    """So many fold models of each learner, with equal weights."""
    found = []
    for number, (learner, folds) in enumerate(learners.items()):
        directories = []
        for fold in range(folds):
            task = table.task()
            rows = task.train_rows[np.arange(len(task.train_rows)) % 3 != fold]
            config = CONFIGS[learner]
            part = FitTask(table.view, table.target, rows, task.valid_rows, table.problem, config=config)
            directory = place / f"{number}-{fold}"
            directory.mkdir()
            fit_outputs(LEARNERS.load(learner)(), part).model.save(directory)
            directories.append(directory)
        found.append(
            Member(
                trial=number,
                label=f"my {learner}",
                learner=learner,
                weight=1 / len(learners),
                directories=tuple(directories),
                config={},
                task=table.problem.task,
                outputs=outputs_of(table.problem),
            )
        )
    return tuple(found)


def raw_of(task: Task, array: np.ndarray) -> np.ndarray:
    """What the raw scale is, written down once more."""
    if task in (Task.REGRESSION, Task.QUANTILE):
        return array.reshape(len(array), -1)
    if task is Task.MULTICLASS:
        return np.log(np.maximum(array, 1e-12))
    shares = array[:, 1:] if task is Task.BINARY else array
    return np.log(np.maximum(shares, 1e-12)) - np.log(np.maximum(1 - shares, 1e-12))


def check(ensemble: Ensemble, view: View) -> Attributions:
    """Both scales add up to what is delivered."""
    found = attribute(ensemble, view)
    delivered = ensemble.predict(view).array
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), found.raw, atol=1e-9, rtol=1e-9)
    np.testing.assert_allclose(found.raw, raw_of(ensemble.task, delivered), atol=1e-6, rtol=1e-9)
    shown = delivered.reshape(len(delivered), -1)
    shown = shown[:, 1:] if ensemble.task is Task.BINARY else shown
    np.testing.assert_allclose(found.predictions, shown, atol=1e-12)
    np.testing.assert_allclose(found.effect_base + found.effects.sum(axis=1), shown, atol=1e-9, rtol=1e-9)
    assert found.base.shape == found.effect_base.shape == (found.raw.shape[1],)
    return found


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_additions_make_up_what_an_ensemble_delivers(task: Task, tmp_path: Path) -> None:
    table = table_of(task)
    learners = {"lightgbm": 2, "xgboost": 1, "random_forest": 1, "linear": 2}
    if task is Task.QUANTILE:
        del learners["random_forest"]
    ensemble = Ensemble(task, members(tmp_path, table, learners))
    found = check(ensemble, table.view.take(slice(0, 40)))
    assert found.sampled == ()
    assert set(list(found.importance)[:2]) == {"n0", "c0"}
    assert next(iter(found.importance)) == "n0"


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION], ids=str)
def test_a_stacked_model_and_a_calibration_keep_the_sums(task: Task, tmp_path: Path) -> None:
    table = table_of(task)
    classes = 1 if task is Task.REGRESSION else table.problem.outputs
    constants = tuple(0.3 * number for number in range(classes))
    stacker = Stacker((0.8, 0.0, 0.4), constants)
    curve = Curve((0.1, 0.5, 0.8), (0.05, 0.6, 0.9))
    calibration = None
    if task is not Task.REGRESSION:
        curves = (curve,) if classes == 2 else (curve,) * classes
        calibration = Calibration(1.3, 0.2 if classes == 2 else 0.0, curves)
    parts = members(tmp_path, table, {"lightgbm": 1, "linear": 1, "random_forest": 1})
    check(Ensemble(task, parts, calibration, stacker=stacker), table.view.take(slice(0, 30)))
    check(Ensemble(task, parts, calibration), table.view.take(slice(0, 30)))


def test_offsets_of_quantiles_go_to_the_base(tmp_path: Path) -> None:
    table = table_of(Task.QUANTILE)
    parts = members(tmp_path, table, {"lightgbm": 2})
    plain = check(Ensemble(Task.QUANTILE, parts), table.view)
    offsets = tuple(-5.0 + 5 * number for number in range(len(plain.base)))
    offset = check(Ensemble(Task.QUANTILE, parts, offsets=offsets), table.view)
    np.testing.assert_allclose(offset.base, plain.base + np.array(offsets))


@pytest.mark.parametrize(
    ("task", "other"),
    [
        (Task.BINARY, "naive_bayes"),
        (Task.BINARY, "mlp"),
        (Task.MULTICLASS, "tabm"),
        (Task.REGRESSION, "nearest_neighbors"),
        (Task.REGRESSION, "mlp"),
        (Task.MULTILABEL, "mlp"),
        (Task.QUANTILE, "mlp"),
    ],
    ids=str,
)
def test_members_without_exact_additions_are_named_and_their_sums_hold(
    task: Task, other: str, tmp_path: Path
) -> None:
    table = table_of(task)
    ensemble = Ensemble(task, members(tmp_path, table, {"lightgbm": 1, other: 2}))
    found = check(ensemble, table.view.take(slice(0, 12)))
    assert found.sampled == (f"my {other}",)
    again = attribute(ensemble, table.view.take(slice(0, 12)))
    np.testing.assert_array_equal(found.values, again.values)


def test_log_odds_of_a_single_booster_are_its_own(tmp_path: Path) -> None:
    table = table_of(Task.BINARY)
    ensemble = Ensemble(Task.BINARY, members(tmp_path, table, {"lightgbm": 1}))
    (model,) = ensemble.members[0].models
    own = model.contributions(table.view)
    assert own is not None
    found = attribute(ensemble, table.view)
    np.testing.assert_allclose(found.values, own.values, atol=1e-5)
    np.testing.assert_allclose(found.base, own.base, atol=1e-9)


def test_columns_of_a_view_are_summed_to_their_sources(tmp_path: Path) -> None:
    table = table_of(Task.REGRESSION)
    info = table.view.info
    numeric = tuple(replace(each, source="number") for each in info.numeric)
    view = replace(table.view, info=replace(info, numeric=numeric))
    ensemble = Ensemble(Task.REGRESSION, members(tmp_path, table, {"lightgbm": 1, "linear": 1}))
    fine, coarse = attribute(ensemble, table.view), attribute(ensemble, view, columns=["other", "number"])
    assert coarse.columns == ("other", "number", "c0", "c1")
    np.testing.assert_allclose(coarse.values[:, 1], fine.values[:, :4].sum(axis=1))
    assert not coarse.values[:, 0].any()


def test_the_time_between_two_dates_belongs_to_both(tmp_path: Path) -> None:
    table = table_of(Task.REGRESSION)
    info = table.view.info
    gap = FeatureInfo("start → end", "start", "days_between")
    ends = (FeatureInfo("end", "end", "value"), FeatureInfo("start", "start", "value"))
    view = replace(table.view, info=replace(info, numeric=(gap, *ends, *info.numeric[3:])))
    ensemble = Ensemble(Task.REGRESSION, members(tmp_path, table, {"lightgbm": 1, "linear": 1}))
    fine, shared = attribute(ensemble, table.view), attribute(ensemble, view, columns=["end", "start"])
    assert shared.columns == ("end", "start", "n3", "c0", "c1")
    half = fine.values[:, 0] / 2
    assert np.abs(half).max() > 0
    np.testing.assert_allclose(shared.values[:, 0], fine.values[:, 1] + half)
    np.testing.assert_allclose(shared.values[:, 1], fine.values[:, 2] + half)
    np.testing.assert_allclose(shared.base + shared.values.sum(axis=1), shared.raw)
    # a column that only seems to be one of a pair
    lonely = replace(view.info, numeric=(replace(gap, name="start → gone"), *view.info.numeric[1:]))
    alone = attribute(ensemble, replace(view, info=lonely))
    np.testing.assert_allclose(alone.values[:, 0], fine.values[:, 0] + fine.values[:, 2])


def test_no_rows_are_no_error(tmp_path: Path) -> None:
    table = table_of(Task.MULTICLASS)
    ensemble = Ensemble(Task.MULTICLASS, members(tmp_path, table, {"linear": 1}))
    found = attribute(ensemble, table.view.take(slice(0, 0)))
    assert found.values.shape == (0, 6, 3)
    assert set(found.importance.values()) == {0.0}


def test_sampling_is_exact_for_sums_of_columns() -> None:
    view = with_terms(make_learning_table(Task.REGRESSION).view)
    background = view.take(slice(200, 210))

    def predict(rows: View) -> np.ndarray:
        assert rows.sparse is not None
        numbers = np.nan_to_num(rows.numeric).astype(np.float64) @ np.array([1.0, -2.0, 0.0, 0.5])
        sums = np.add.reduceat(np.append(rows.sparse.data, 0), rows.sparse.indptr[:-1])
        terms = np.where(np.diff(rows.sparse.indptr) > 0, sums, 0.0)
        return np.column_stack([numbers + rows.categorical[:, 0] + terms, numbers])

    owners = np.arange(7)
    rows = view.take(slice(0, 20))
    found = sampled_contributions(predict, rows, background, owners, 8)
    np.testing.assert_allclose(found.raw, predict(rows), atol=1e-5)
    np.testing.assert_allclose(found.base, predict(background).mean(axis=0), atol=1e-6)
    own = np.nan_to_num(rows.numeric[:, 1]).astype(np.float64)
    mean = np.nan_to_num(background.numeric[:, 1]).astype(np.float64).mean()
    np.testing.assert_allclose(found.values[:, 1, 0], -2 * (own - mean), atol=1e-5)
    np.testing.assert_allclose(found.values[:, [2, 7]], 0.0, atol=1e-9)
    assert np.abs(found.values[:, 6, 0]).max() > 0
    np.testing.assert_allclose(found.values[:, [4, 6], 1], 0.0, atol=1e-9)


def test_models_of_a_bag_share_the_tries() -> None:
    rng = np.random.default_rng(0)
    info = ViewInfo(tuple(FeatureInfo(f"n{i}", f"n{i}", "value") for i in range(30)), ())
    view = View(rng.normal(size=(50, 30)).astype(np.float32), np.zeros((50, 0), np.int32), info)
    tried: list[int] = []

    def predict(rows: View) -> np.ndarray:
        tried.append(rows.rows)
        return rows.numeric[:, :1].astype(np.float64)

    row, owners = view.take(slice(0, 1)), np.arange(30)
    alone = sampled_contributions(predict, row, view, owners, 30)
    count = sum(tried)
    assert count < 1_100
    tried.clear()
    bag = [sampled_contributions(predict, row, view, owners, 30, place=(model, 8)) for model in range(8)]
    assert sum(tried) < 1.1 * count
    assert len({found.base.item() for found in bag}) == 8  # each is compared with other rows
    for found in (alone, *bag):
        np.testing.assert_allclose(found.raw, predict(row), atol=1e-6)
        assert not found.values[:, 1:].any()


def explained() -> tuple[Attributions, Wording]:
    effects = np.array([[[0.3], [-0.1], [0.05], [0.0]], [[-0.3], [-0.1], [0.0], [0.0]]])
    base = np.array([0.5])
    said = base + effects.sum(axis=1)
    cells = {"plan": ["pro", None], "age": [31.0, 60.5], "fee": [9.0, 9.0], "id": ["x", "y"]}
    found = Attributions(tuple(cells), effects, base, said, effects, base, said, "log-odds")
    return found, Wording(("no", "yes"), True, lambda row, column: cells[column][row], {(0, "age"): "above"})


def test_reasons_name_the_strongest_columns_with_their_values() -> None:
    found, wording = explained()
    reasons = row_reasons(found, 0, 1, wording, 1)
    assert [reason.column for reason in reasons.supports] == ["plan"]
    assert [reason.column for reason in reasons.against] == ["age"]
    assert reasons.supports[0].text == "plan = 'pro' raises the probability of 'yes' by 30 points"
    assert reasons.against[0].text.endswith("by 10 points (unlike training)")
    assert reasons.others == pytest.approx(0.05)
    total = sum(reason.effect for reason in (*reasons.supports, *reasons.against)) + reasons.others
    assert reasons.base + total == pytest.approx(reasons.prediction)
    assert "yes: 0.75" in str(reasons)


def test_what_speaks_for_one_of_two_classes_speaks_against_the_other() -> None:
    found, wording = explained()
    yes, no = row_reasons(found, 1, 1, wording), row_reasons(found, 1, 0, wording)
    assert [each.column for each in yes.against] == [each.column for each in no.supports] == ["plan", "age"]
    assert no.prediction == pytest.approx(1 - yes.prediction)
    assert no.supports[0].text.startswith("plan is missing raises")
    assert not yes.supports


def test_reasons_for_values_are_in_the_unit_of_the_target() -> None:
    found, wording = explained()
    told = row_reasons(found, 0, 0, replace(wording, outputs=("price",), is_probability=False))
    assert told.supports[0].text == "plan = 'pro' raises price by 0.3"
    levels = ("the 0.1 quantile of price",)
    told = row_reasons(found, 0, 0, replace(wording, outputs=("0.1",), is_probability=False, subjects=levels))
    assert told.output == "0.1"
    assert told.supports[0].text == "plan = 'pro' raises the 0.1 quantile of price by 0.3"
