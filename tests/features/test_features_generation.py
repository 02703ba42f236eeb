"""Generated features: what is planted is found, noise passes not, and no row sees its own target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from modelwright.core import BundleError, Deadline, FeatureInfo, Problem, SchemaMismatch, Task, View, ViewInfo
from modelwright.features import GeneratedFeatures, Training, choose_features
from modelwright.features.generated import OPERATIONS, Recipe
from modelwright.features.level_keys import LevelColumn
from modelwright.features.quick_boosting import QuickTarget, quick_fit

ROWS = 3_000
LEVELS = (13, 9, 61)
NEVER = Deadline(None)
REGRESSION = Problem.of("y").resolved(Task.REGRESSION, "rmse", ())
BINARY = Problem.of("y").resolved(Task.BINARY, "auc", ("no", "yes"))
MULTICLASS = Problem.of("y").resolved(Task.MULTICLASS, "log_loss", ("a", "b", "c"))

Planted = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def columns(rows: int = ROWS, seed: int = 0) -> View:
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 6)).astype(np.float32)
    numbers[:, :2] = np.exp(numbers[:, :2])
    codes = np.column_stack([random.integers(1, levels, rows) for levels in LEVELS]).astype(np.int32)
    numbers[:, 5] += 3 * np.random.default_rng(9).normal(size=LEVELS[2])[codes[:, 2]]
    numeric = tuple(FeatureInfo(f"x{place}", f"x{place}", "value") for place in range(6))
    categorical = tuple(FeatureInfo(f"c{place}", f"c{place}", "codes", n) for place, n in enumerate(LEVELS))
    return View(numbers, codes, ViewInfo(numeric, categorical))


def learnable(planted: Planted, problem: Problem = REGRESSION, rows: int = ROWS) -> Training:
    """A target that depends on a view, with noise."""
    view, random = columns(rows), np.random.default_rng(1)
    values = planted(view.numeric.astype(np.float64), view.categorical, random)
    values = values + 0.3 * random.normal(size=rows)
    if problem.task.is_classification:
        cuts = np.quantile(values, np.linspace(0, 1, problem.outputs + 1)[1:-1])
        values = np.digitize(values, cuts).astype(np.int64)
    return Training(view, values, problem)


def names(training: Training) -> list[str]:
    chosen = choose_features(training, deadline=NEVER)
    if chosen.recipe is None:
        return []
    made, _ = GeneratedFeatures.fit_transform(chosen.recipe, training)
    width = training.view.numeric.shape[1]
    return [feature.name for feature in made.extended(training.view.info).numeric[width:]]


PLANTED: dict[str, Planted] = {
    "x0 / x1|x1 / x0": lambda x, c, random: np.log(x[:, 0] / x[:, 1]),
    "x2 * x3|x3 * x2": lambda x, c, random: x[:, 2] * x[:, 3],
    "x2 - x3|x3 - x2": lambda x, c, random: np.sign(x[:, 2] - x[:, 3]),
    "c0 x c1@|c1 x c0@": lambda x, c, random: random.normal(size=LEVELS)[c[:, 0], c[:, 1], 0],
    "x5.within_level(c2)|x5.from_level_mean(c2)": lambda x, c, random: np.sign(
        x[:, 5] - 3 * np.random.default_rng(9).normal(size=LEVELS[2])[c[:, 2]]
    ),
}


@pytest.mark.parametrize("problem", [REGRESSION, BINARY], ids=["regression", "binary"])
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(name: str, problem: Problem) -> None:
    found = names(learnable(PLANTED[name], problem))
    assert any(each.startswith(tuple(name.split("|"))) for each in found)
    assert len(found) < 10


def test_crosses_are_found_class_by_class() -> None:
    found = names(learnable(PLANTED["c0 x c1@|c1 x c0@"], MULTICLASS, 5_000))
    assert {name.partition("@")[0] for name in found} & {"c0 x c1", "c1 x c0"}


def test_without_encodings_no_feature_sees_the_target() -> None:
    training, target = learnable(PLANTED["c0 x c1@|c1 x c0@"]), OPERATIONS.index("target_mean")
    with_them, without = (
        choose_features(training, deadline=NEVER, encoded=each).recipe for each in (True, False)
    )
    assert with_them is not None
    assert target in with_them.features[:, 0]
    assert without is None or target not in without.features[:, 0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("problem", [REGRESSION, BINARY, MULTICLASS], ids=lambda each: str(each.task))
def test_noise_passes_not(problem: Problem, seed: int) -> None:
    random = np.random.default_rng(seed)
    target = random.normal(size=1_500)
    if problem.task.is_classification:
        target = random.integers(0, problem.outputs, 1_500)
    training = Training(columns(1_500, seed), target, problem)
    assert choose_features(training, seed=seed, deadline=NEVER).recipe is None


def test_what_the_columns_tell_by_themselves_needs_no_features() -> None:
    steps = learnable(lambda x, c, random: np.floor(2 * x[:, 2]) + 2.0 * (x[:, 3] > 0.3))
    assert names(steps) == []


def test_equal_seeds_choose_equally() -> None:
    training = learnable(PLANTED["x0 / x1|x1 / x0"])
    first, second = (choose_features(training, deadline=NEVER, threads=n).recipe for n in (1, 2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.features, second.features)


def test_nothing_is_chosen_without_rows_time_classes_or_groups() -> None:
    training = learnable(PLANTED["x0 / x1|x1 / x0"])
    assert choose_features(training.take(np.arange(300)), deadline=NEVER).recipe is None
    late = choose_features(training, deadline=Deadline.after(0.0))
    assert late.recipe is None
    assert not late.complete
    one = replace(training, target=np.zeros(ROWS, np.int64), problem=BINARY)
    assert choose_features(one, deadline=NEVER).recipe is None
    groups = replace(training, groups=np.arange(ROWS) % 2)
    assert choose_features(groups, deadline=NEVER).recipe is None


def test_constrained_columns_are_part_of_nothing() -> None:
    training = learnable(PLANTED["x0 / x1|x1 / x0"])
    constrained = replace(training, problem=replace(REGRESSION, monotonic=(("x0", 1),)))
    assert not any("x0" in name for name in names(constrained))


def everything() -> tuple[Recipe, Training]:
    """A recipe with every operation."""
    training = learnable(PLANTED["c0 x c1@|c1 x c0@"], rows=600)
    view = training.view
    numbers = view.numeric.copy()
    numbers[:, 4] = np.arange(600) % 5
    numbers[::7, 0] = np.nan
    numbers[::11, 1] = 0.0
    training = replace(training, view=replace(view, numeric=numbers))
    level_columns = (
        LevelColumn.category(0, LEVELS[0]),
        LevelColumn.category(2, LEVELS[2]),
        LevelColumn.number(4, np.arange(5, dtype=np.float32)),
    )
    keys = np.array([[0, -1], [1, -1], [0, 2], [1, 2]])
    features = [(op, 0, 1) for op in range(4)] + [(op, key, 0) for op in range(4, 10) for key in range(4)]
    return Recipe(level_columns, keys, np.array(features)), training


def test_no_row_sees_its_own_target() -> None:
    recipe, training = everything()
    _, before = GeneratedFeatures.fit_transform(recipe, training)
    for row in (0, 17, 311):
        target = training.target.copy()
        target[row] = 1e6
        _, after = GeneratedFeatures.fit_transform(recipe, replace(training, target=target))
        np.testing.assert_array_equal(after[row], before[row])


def test_a_leak_would_be_seen() -> None:
    """The check above fails for features that new rows get: those know the targets of the training rows."""
    recipe, training = everything()
    target = training.target.copy()
    target[17] = 1e6
    before, after = (
        GeneratedFeatures.fit_transform(recipe, replace(training, target=each))[0].transform(training.view)
        for each in (training.target, target)
    )
    assert (before[17] != after[17]).any()


def test_rows_are_made_alone_or_together_and_never_infinite() -> None:
    recipe, training = everything()
    made, train = GeneratedFeatures.fit_transform(recipe, training)
    new = columns(200, 5)
    numbers = new.numeric.copy()
    numbers[0] = np.nan
    numbers[1, :2] = 3e38, 1e-38
    new = replace(new, numeric=numbers)
    together = made.transform(new)
    alone = np.concatenate([made.transform(new.take(np.array([row]))) for row in range(200)])
    np.testing.assert_array_equal(together, alone)
    assert not np.isinf(together).any()
    assert not np.isinf(train).any()
    assert together.dtype == train.dtype == np.float32
    assert made.transform(new.take(np.arange(0))).shape == (0, len(recipe))
    assert np.isnan(together[0, :4]).all()  # arithmetic of what is missing is missing


def test_levels_that_are_not_known_get_what_all_rows_have() -> None:
    recipe, training = everything()
    made, _ = GeneratedFeatures.fit_transform(recipe, training)
    view = training.view.take(np.arange(1))
    unknown = replace(view, categorical=np.full_like(view.categorical, 1_000_000))
    found = dict(
        zip([f.name for f in made.extended(view.info).numeric[6:]], made.transform(unknown)[0], strict=True)
    )
    assert found["x0.level_mean(c2 x x4)"] == pytest.approx(np.nanmean(training.view.numeric[:, 0]), rel=1e-5)
    assert found["c2 x x4@0"] == 0.0


def test_the_state_comes_back_and_refuses_another_view() -> None:
    recipe, training = everything()
    made, _ = GeneratedFeatures.fit_transform(recipe, training)
    again = GeneratedFeatures.from_arrays(made.arrays())
    np.testing.assert_array_equal(again.transform(training.view), made.transform(training.view))
    assert again.extended(training.view.info) == made.extended(training.view.info)
    with pytest.raises(SchemaMismatch):
        again.transform(replace(training.view, numeric=training.view.numeric[:, :5]))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("features", 0, len(OPERATIONS)),
        ("features", 1, 6),
        ("features", -2, 4),
        ("keys", 0, 3),
        ("keys", 0, -1),
        ("tables", 0, 9),
        ("column_positions", 0, 77),
        ("column_levels", 0, 99),
        ("key_sizes", 0, 1),
        ("key_levels", 1, 0),
        ("values", 0, 3.0),
        ("deviations", 0, 0.0),
        ("means", 0, np.nan),
        ("encoder_cardinalities", 0, 2),
        ("width", 0, 1),
    ],
)
def test_a_damaged_state_is_refused(name: str, place: int, value: float) -> None:
    recipe, training = everything()
    arrays = {
        key: array.copy()
        for key, array in GeneratedFeatures.fit_transform(recipe, training)[0].arrays().items()
    }
    arrays[name][place] = value
    with pytest.raises(BundleError):
        GeneratedFeatures.from_arrays(arrays)


@pytest.mark.parametrize("problem", [REGRESSION, BINARY, MULTICLASS], ids=lambda each: str(each.task))
def test_the_quick_booster_learns_to_the_end(problem: Problem) -> None:
    training = learnable(lambda x, c, random: x[:, 2] + x[:, 3], problem)
    target, rows = QuickTarget.of(problem, training.target), np.arange(ROWS)
    fits = [
        quick_fit(
            (training.view.numeric, training.view.categorical),
            target,
            (rows[::2], rows[1::2]),
            weights=None,
            rounds=rounds,
            deadline=NEVER,
            threads=1,
        )
        for rounds in (1, None)
    ]
    assert fits[0] is not None
    assert fits[1] is not None
    assert fits[1].converged
    assert fits[1].losses.mean() < 0.5 * fits[0].losses.mean()
    assert set(np.argsort(-fits[1].gains)[:2].tolist()) == {2, 3}
    assert np.abs(fits[1].residuals.mean(axis=0)).max() < 0.1
